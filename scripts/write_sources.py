"""Write docs/sources.md, the statement of provenance and rights, from what data/ records.

Usage: python scripts/write_sources.py
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from nqpf.data import Catalogue, Panel
from nqpf.files import _replacing
from nqpf.systems.reform import Reform

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "sources.md"


def sources_text(panel: Panel) -> str:
    """Return docs/sources.md for a panel's catalogue."""
    loader = FileSystemLoader(Path(__file__).with_name("templates"))
    options = {"trim_blocks": True, "keep_trailing_newline": True}
    templates = Environment(loader=loader, undefined=StrictUndefined, **options)  # noqa: S701
    return templates.get_template("sources.md").render(
        publishers=_publishers(panel),
        embedded=_files(panel.catalogue, True),
        optional=_files(panel.catalogue, False),
        documents=_documents(),
    )


def _publishers(panel: Panel) -> list[tuple[str, ...]]:
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    coverage = panel.coverage()
    for key in panel.variables:
        entry = panel.catalogue.variables[key]
        years = coverage.loc[[key]]
        span = f"{years['first'].min()}–{years['last'].max()}"
        groups[str(entry.publisher), str(entry.yearbook)].append(f"`{key}` ({span})")
    return [(*names, ", ".join(keys)) for names, keys in groups.items()]


def _files(catalogue: Catalogue, embedded: bool) -> list[tuple[str, ...]]:
    used: dict[str, list[str]] = defaultdict(list)
    compared: dict[str, list[str]] = defaultdict(list)
    for key, entry in catalogue.variables.items():
        for segments, found in ((entry.segments, used), (entry.second, compared)):
            for name in dict.fromkeys(segment.source for segment in segments):
                found[name].append(f"`{key}`")
    rows = []
    for name, source in catalogue.sources.items():
        if source.embedded != embedded:
            continue
        raw = f"https://raw.githubusercontent.com/{source.repository}/{source.commit}/"
        address = raw + source.path.replace(" ", "%20")
        series = ", ".join(used[name])
        if compared[name]:
            series += f"{'; ' if series else ''}compared with {', '.join(compared[name])}"
        series = series or ("no series" if embedded else "an optional part of a chapter")
        file = f"[{source.repository}/{source.path}]({address})"
        rows.append((f"`{name}`", file, source.licence, series, f"`{source.sha256[:12]}`"))
    return rows


def _documents() -> list[tuple[str, ...]]:
    rows = []
    for path in sorted((ROOT / "data" / "reforms").glob("*.yaml")):
        for one in Reform.load(path.stem, ROOT).documents:
            title = f"{one.title}, {one.number}" if one.number else str(one.title)
            rows.append((f"`{one.key}`", title, str(one.issuer), one.date, one.seen))
    return rows


def main() -> int:
    """Write the document."""
    text = sources_text(Panel.load(extra=False, home=ROOT))
    with _replacing(TARGET) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"Written: {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
