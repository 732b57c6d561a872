"""Write docs/sources.md, the statement of provenance and rights, from what data/ records.

Usage: python scripts/write_sources.py
"""

import sys
from collections import defaultdict
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "book" / "_ext"))

from book_templates import render, write_once

from nqpf.data import Panel
from nqpf.systems.reform import Reform

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "sources.md"


def sources_text(panel: Panel) -> str:
    """Return docs/sources.md for a panel's catalogue."""
    publishers: dict[tuple[object, object], list[str]] = defaultdict(list)
    series = {name: {"": [], "compared with ": []} for name in panel.catalogue.sources}
    coverage = panel.coverage()
    for key, entry in panel.catalogue.variables.items():
        if key in panel.variables:
            years = coverage.loc[[key]]
            span = f"{years['first'].min()}–{years['last'].max()}"
            publishers[entry.publisher, entry.yearbook].append(f"`{key}` ({span})")
        for segments, how in ((entry.segments, ""), (entry.second, "compared with ")):
            for name in dict.fromkeys(segment.source for segment in segments):
                series[name][how].append(f"`{key}`")
    reforms = sorted(path.stem for path in (ROOT / "data" / "reforms").glob("*.yaml"))
    return render(
        "sources.md",
        publishers=publishers,
        sources=panel.catalogue.sources,
        used={
            name: "; ".join(how + ", ".join(keys) for how, keys in found.items() if keys)
            for name, found in series.items()
        },
        documents=[one for name in reforms for one in Reform.load(name, ROOT).documents],
    )


def main() -> None:
    """Write the document."""
    write_once(TARGET, sources_text(Panel.load(extra=False, home=ROOT)))
    print(f"Written: {TARGET.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
