"""Write the pages of the provinces and their tables.

Usage: python scripts/make_provinces.py
"""

from __future__ import annotations

import time
from pathlib import Path

from nqpf import Panel, provinces
from nqpf.compare.profiles import _Profiles
from nqpf.report.province_pages import _csv_text, _overview_markdown, _page_key, province_profile

ROOT = Path(__file__).resolve().parents[1]
# Ignored by git: nothing generated enters the repository.
PAGES = ROOT / "book" / "provinces"
TABLES = ROOT / "_build" / "provinces"  # book/_ext/book_downloads.py puts them into the site


def main() -> None:
    """Write them; say how long that took."""
    start = time.monotonic()
    for folder in (PAGES, TABLES):
        folder.mkdir(parents=True, exist_ok=True)
    profiles = _Profiles.load(Panel.load())
    (PAGES / "index.md").write_bytes(_overview_markdown(profiles).encode())
    for code in provinces.codes():
        page = province_profile(profiles, code).markdown()
        (PAGES / f"{_page_key(code)}.md").write_bytes(page.encode())
        (TABLES / f"{_page_key(code)}.csv").write_bytes(_csv_text(profiles.panel, code).encode())
    print(f"  {time.monotonic() - start:5.1f} s  pages of the provinces", flush=True)


if __name__ == "__main__":
    main()
