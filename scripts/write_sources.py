"""Write docs/sources.md, the statement of provenance and rights, from what data/ records.

Usage: python scripts/write_sources.py
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from nqpf.data import Catalogue, Panel
from nqpf.files import replacing
from nqpf.systems.reform import Reform

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "sources.md"

HEAD = """\
# Where the figures come from, and what may be done with them

Written by `python scripts/write_sources.py` from `data/catalogue.yaml` and `data/reforms/`.
A test fails when they differ.
"""
PUBLISHERS = """\
## Publishers and yearbooks

Cite these for the figures that you use.
`nqpf data list` shows the years and gaps of each series, `data/catalogue.yaml` its definition.
"""
FILES = """\
## Public files that the figures were transcribed from

None of these files is part of the project.
Each is pinned by commit and SHA-256 and is read again by `make data`.
The column on rights repeats what the repository states of itself.
It is about the file; figures of official statistics are facts.
"""
OPTIONAL = """\
## Research data that are fetched only on request

Not embedded and not needed to build the book.
`make data EXTRA=1` fetches them to a cache outside the project.
"""
REFORMS = """\
## Documents that date reforms

What `data/reforms/` takes from them are dates and provinces, which are facts.
None of them is part of the project.
"""


def sources_text(panel: Panel) -> str:
    """Return docs/sources.md for a panel's catalogue."""
    catalogue = panel.catalogue
    parts = [HEAD, PUBLISHERS, _publishers(panel), FILES, _files(catalogue, True), OPTIONAL]
    return "\n".join([*parts, _files(catalogue, False), REFORMS, _documents()])


def _publishers(panel: Panel) -> str:
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    coverage = panel.coverage()
    for key in panel.variables:
        entry = panel.catalogue.variables[key]
        years = coverage.loc[[key]]
        span = f"{years['first'].min()}–{years['last'].max()}"
        groups[str(entry.publisher), str(entry.yearbook)].append(f"`{key}` ({span})")
    rows = [(*names, ", ".join(keys)) for names, keys in groups.items()]
    return _table(("Publisher", "Yearbook", "Series and years"), rows)


def _files(catalogue: Catalogue, embedded: bool) -> str:
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
    return _table(("Key", "File", "Its repository states", "Used for", "SHA-256 starts"), rows)


def _documents() -> str:
    rows = []
    for path in sorted((ROOT / "data" / "reforms").glob("*.yaml")):
        for one in Reform.load(path.stem, ROOT).documents:
            title = f"{one.title}, {one.number}" if one.number else str(one.title)
            rows.append((f"`{one.key}`", title, str(one.issuer), one.date, one.seen))
    return _table(("Key", "Document", "Issuer", "Date", "How far it was seen"), rows)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |\n" for row in lines)


def main() -> int:
    """Write the document."""
    text = sources_text(Panel.load(extra=False, home=ROOT))
    with replacing(TARGET) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"Written: {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
