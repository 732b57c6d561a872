"""What is kept of a chapter's run, and for each output its code, functions, data and files."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from jupyter_cache import get_cache
from jupyter_cache.readers import get_reader
from outputs_code import Code, Function, Statement
from outputs_files import chart_rows, chart_svg, csv_bytes, read_table, safe_svg, shown_svg

RECORD = "record.json"  # as scripts/build_book.py writes it
_READER = {"type": "plugin", "name": "myst_nb_md"}
_UNSEEN = {"remove-cell", "remove-output", "remove_cell", "remove_output"}
_KINDS = "variables", "system", "results", "panel"
_WHOLE = "panel.frame"  # all rows of the panel
KINDS = {"figure": "Figure", "table": "Table", "number": "Number", "text": "Text"}


@dataclass(frozen=True)
class Run:
    """A chapter as it ran.

    Parameters
    ----------
    places : dict of int to int
        Position among all cells of the source, to the number among those with code, from 0.
    sources : list of str
        Code of each code cell.
    tags : list of set of str
        Tags of each.
    shown : list of list of dict
        What each cell put on the page: outputs of the notebook format without glued ones.
    glued : dict of str to int
        Key of each glued value, and the cell that glued it.
    said : list of dict
        What the recorder kept of each cell; empty where it was not there.
    """

    places: dict[int, int]
    sources: list[str]
    tags: list[set[str]]
    shown: list[list[dict[str, object]]]
    glued: dict[str, int]
    said: list[dict[str, object]]

    @property
    def shows(self) -> set[int]:
        """Cells that showed the value of their last expression."""
        kinds = [{one["output_type"] for one in outputs} for outputs in self.shown]
        return {cell for cell, found in enumerate(kinds) if "execute_result" in found}

    @property
    def recorded(self) -> bool:
        """Whether the recorder ran with the chapter."""
        return any(self.said)

    def bundles(self, cell: int) -> list[dict[str, object]]:
        """Return the values that a cell shows on the page, in order."""
        kinds = ("execute_result", "display_data")
        return [one for one in self.shown[cell] if one["output_type"] in kinds]


@lru_cache(maxsize=128)
def read_run(source: Path, cache_folder: Path) -> Run | None:
    """Return the kept run of a chapter; None for a page without one.

    Parameters
    ----------
    source : Path
        The chapter.
    cache_folder : Path
        Where jupyter-cache keeps executed notebooks.
    """
    from myst_nb.core.read import is_myst_markdown_notebook

    if source.suffix != ".md" or not is_myst_markdown_notebook(source.read_text("utf-8")):
        return None
    notebook = get_reader(_READER)(str(source))
    cache = get_cache(cache_folder)
    try:
        stored = cache.match_cache_notebook(notebook)
    except KeyError:
        return None
    code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    cells = [notebook.cells[i] for i in code]
    record = Path(cache_folder) / "executed" / stored.hashkey / RECORD
    said = json.loads(record.read_text("utf-8")) if record.is_file() else [{} for _ in cells]
    tags = [set(cell.metadata.get("tags", ())) for cell in cells]
    shown: list[list[dict[str, object]]] = []
    glued: dict[str, int] = {}
    for i, cell in enumerate(cache.get_cache_bundle(stored.pk).nb.cells):
        named = [output.get("metadata", {}).get("scrapbook", {}) for output in cell.outputs]
        glued |= {own["name"]: i for own in named if own}
        on_page = [
            o for o, own in zip(cell.outputs, named, strict=True) if not own.get("mime_prefix")
        ]
        shown.append([] if _UNSEEN & tags[i] else on_page)
    places = {i: n for n, i in enumerate(code)}
    return Run(places, [cell.source for cell in cells], tags, shown, glued, said)


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
    def cells(self) -> list[int]:
        """Numbers of the cells that it rests on, from 0."""
        return sorted({one.cell for one in self.statements})

    @property
    def lines(self) -> int:
        """How many lines of code it rests on."""
        return sum(last - first + 1 for first, last in (one.lines for one in self.statements))


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
    parts = soup.select(".vega-chart, img.nqpf-figure, table")
    own = [one for one in parts if one.name != "table" or one.find_parent("table") is None]
    return [("table" if one.name == "table" else "figure", one) for one in own]


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


def entries_of(items: Iterable[Item], run: Run) -> list[Entry]:
    """Return the entry of each output of a chapter, without its files."""
    code = Code(run.sources, run.shows)
    return [
        _entry(item, code.behind(code.targets(item.cell, item.key)), code, run) for item in items
    ]


def _entry(item: Item, statements: list[Statement], code: Code, run: Run) -> Entry:
    reads = []
    for one in statements:
        first, last = one.lines
        for line, *read in run.said[one.cell].get("reads", ()):
            # A read without a line may belong to any statement of its cell.
            if line == 0 or first <= line <= last:
                reads.append(read)
    keys = {kind: tuple(sorted({k for of, k, _ in reads if of == kind})) for kind in _KINDS}
    return Entry(
        item,
        tuple(statements),
        tuple(code.functions(statements)),
        variables=keys["variables"],
        vintages=tuple(sorted({vintage for *_, vintage in reads} - {""})),
        systems=keys["system"],
        results=keys["results"],
        whole=bool(keys["panel"]) or any(_WHOLE in ast.unparse(one.tree) for one in statements),
        recorded=run.recorded,
    )
