"""The entries of the map: for each output its code, functions, data and files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from bs4 import BeautifulSoup, Tag
from outputs_chart import chart_rows, chart_svg, safe_svg, shown_svg
from outputs_names import Function, Names
from outputs_record import Run
from outputs_slice import Chapter, Statement
from outputs_table import csv_bytes, read_table

KINDS = {"figure": "Figure", "table": "Table", "number": "Number", "text": "Text"}
_VALUES = "variables", "system", "results"


@dataclass(frozen=True)
class Item:
    """An output and where it stands.

    Parameters
    ----------
    name : str
        ``figure-1``, ``table-2``, ``number-<key>`` or ``text-3``; unique in its chapter.
    kind : str
        One of :data:`KINDS`.
    title : str
        Alternative text, caption, or a value in prose.
    cell : int
        Number of the code cell, from 0.
    bundle, part : int
        Which of the cell's values it stands in, and where in it; -1 where it is printed.
    key : str
        Key of a number in prose.
    """

    name: str
    kind: str
    title: str
    cell: int
    bundle: int = -1
    part: int = 0
    key: str = ""

    @property
    def label(self) -> str:
        """How the output is called: ``Figure 1``, or the key of a number."""
        return f"{KINDS[self.kind]} {self.key or self.name.rpartition('-')[2]}"


@dataclass(frozen=True)
class Entry:
    """An output with all that stands behind it."""

    item: Item
    statements: tuple[Statement, ...]
    functions: tuple[Function, ...]
    variables: tuple[str, ...] = ()
    vintages: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    whole: bool = False
    recorded: bool = True
    files: dict[str, str] = field(default_factory=dict)

    @property
    def cells(self) -> tuple[int, ...]:
        """Numbers of the cells that it depends on, from 0."""
        return tuple(sorted({one.cell for one in self.statements}))


def slug(key: str) -> str:
    """Return a key as part of an anchor.

    Examples
    --------
    >>> slug("share of 东部")
    'share-of-u4e1cu90e8'
    """
    plain = re.sub(r"[^\x00-\x7f]", lambda match: f"u{ord(match[0]):x}", key)
    return re.sub(r"[^\w-]+", "-", plain).strip("-")


def parts_of(html: str) -> list[tuple[str, Tag]]:
    """Return the figures and tables in what a cell shows, in order, each with its element."""
    soup = BeautifulSoup(html, "html.parser")
    found = []
    for element in soup.select(".vega-chart, img.nqpf-figure, table"):
        if element.name == "table":
            if element.find_parent("table") is None:
                found.append(("table", element))
        else:
            found.append(("figure", element))
    return found


def title_of(kind: str, element: Tag, section: str) -> str:
    """Return what a figure or a table shows: its text, its caption, or its columns."""
    if kind == "figure":
        return str(element.get("alt") or element.get("aria-label") or "")
    caption = element.find("caption")
    if caption:
        return " ".join(caption.get_text().split())
    header = [name for name in read_table(element)[0] if name]
    columns = ", ".join(header[:8]) + (", ..." if len(header) > 8 else "")
    return f"{section}: {columns}" if columns else section


def files_of(item: Item, run: Run, figure: int) -> dict[str, bytes]:
    """Return the files of a figure or a table by their ending; `figure` counts the cell's own."""
    if item.kind not in ("figure", "table"):
        return {}
    html = str(run.bundles(item.cell)[item.bundle]["data"]["text/html"])
    element = parts_of(html)[item.part][1]
    if item.kind == "table":
        return {"csv": csv_bytes(*read_table(element))}
    if element.name == "img":
        kept = run.said[item.cell].get("figures", [])
        own = kept[figure] if figure < len(kept) else {}
        drawn = shown_svg(str(element["src"])) or (own.get("svg") or "").encode("utf-8")
        rows = own.get("rows")
        found = {"svg": safe_svg(drawn)} if drawn else {}
        return found | ({"csv": csv_bytes(rows["columns"], rows["rows"])} if rows else {})
    script = element.find("script", attrs={"type": "application/json"})
    spec = json.loads(script.string) if script and script.string else {}
    table = chart_rows(spec)
    return {"svg": chart_svg(spec)} | ({"csv": csv_bytes(*table)} if table else {})


def targets_of(item: Item, chapter: Chapter) -> list[int]:
    """Return the statements that put an output on the page."""
    if item.kind == "number":
        return chapter.gluing(item.cell, item.key)
    return chapter.calling(item.cell, "print") if item.bundle < 0 else chapter.shown(item.cell)


def entries_of(items: Iterable[Item], run: Run) -> list[Entry]:
    """Return the entry of each output of a chapter, without its files."""
    chapter = Chapter(run.sources, run.shows)
    names = Names(chapter)
    done: dict[tuple[int, ...], Entry] = {}
    found = []
    for item in items:
        positions = tuple(chapter.slice_positions(targets_of(item, chapter)))
        if positions not in done:
            done[positions] = _entry(item, positions, chapter, names, run)
        same = done[positions]
        found.append(Entry(**{**same.__dict__, "item": item, "files": {}}))
    return found


def _entry(
    item: Item, positions: tuple[int, ...], chapter: Chapter, names: Names, run: Run
) -> Entry:
    statements = tuple(chapter.statements[i] for i in positions)
    functions, whole = names.used(positions)
    read: dict[str, set[str]] = {kind: set() for kind in _VALUES}
    vintages: set[str] = set()
    for kind, key, vintage in _read_by(statements, run):
        whole = whole or kind == "panel"
        if kind in read:
            read[kind].add(key)
        vintages |= {vintage} - {""}
    return Entry(
        item,
        statements,
        tuple(functions),
        tuple(sorted(read["variables"])),
        tuple(sorted(vintages)),
        tuple(sorted(read["system"])),
        tuple(sorted(read["results"])),
        whole,
        run.recorded,
    )


def _read_by(statements: Iterable[Statement], run: Run) -> Iterable[tuple[str, str, str]]:
    """Yield kind, key and vintage of what these statements read when the chapter ran."""
    for one in statements:
        for line, kind, key, vintage in run.said[one.cell].get("reads", ()):
            # A read without a line may belong to any statement of its cell.
            if line == 0 or one.first <= line <= one.last:
                yield kind, key, vintage
