"""Write the pages of the provinces and their tables, when what they are made from changed.

Usage: python scripts/make_provinces.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from build_book import fingerprint

from nqpf import Panel, provinces
from nqpf.files import _replacing

ROOT = Path(__file__).resolve().parents[1]
# Ignored by git: nothing generated enters the repository.
PAGES = ROOT / "book" / "provinces"
TABLES = ROOT / "_build" / "provinces"  # book/_ext/book_downloads.py puts them into the site
STAMP = ROOT / "_build" / ".provinces-made-from"
MADE_FROM = ("src", "data", "requirements.lock", "scripts/make_provinces.py")


def texts() -> dict[Path, str]:
    """Return every file to write with its text."""
    from nqpf.compare.profiles import _Profiles
    from nqpf.report.province_pages import (
        _csv_text,
        _overview_markdown,
        _page_key,
        province_profile,
    )

    profiles = _Profiles.load(Panel.load())
    made = {PAGES / "index.md": _overview_markdown(profiles)}
    for code in provinces.codes():
        made[PAGES / f"{_page_key(code)}.md"] = province_profile(profiles, code).markdown()
        made[TABLES / f"{_page_key(code)}.csv"] = _csv_text(profiles.panel, code)
    return made


def expected() -> list[Path]:
    """Return the files that a complete run leaves."""
    from nqpf.report.province_pages import _page_key

    keys = [_page_key(code) for code in provinces.codes()]
    pages = [PAGES / f"{key}.md" for key in ["index", *keys]]
    return pages + [TABLES / f"{key}.csv" for key in keys]


def write(path: Path, text: str) -> None:
    """Write a text unless the file holds it; an unchanged page is not read again."""
    data = text.encode("utf-8")
    if path.is_file() and path.read_bytes() == data:
        return
    with _replacing(path) as temporary:
        temporary.write_bytes(data)


def main() -> int:
    """Write what is stale; say how long that took."""
    start = time.monotonic()
    made_from = fingerprint(ROOT, MADE_FROM)
    current = STAMP.is_file() and STAMP.read_text("utf-8") == made_from
    if current and all(path.is_file() for path in expected()):
        return 0
    STAMP.unlink(missing_ok=True)
    for path, text in texts().items():
        write(path, text)
    write(STAMP, made_from)
    print(f"  {time.monotonic() - start:5.1f} s  pages of the provinces", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
