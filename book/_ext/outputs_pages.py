"""The pages of the map of outputs, one per chapter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from outputs_entry import Entry, Item

if TYPE_CHECKING:
    from nqpf.data import Catalogue
    from nqpf.data.catalogue import _Bilingual

_MANY = 12
COUNTED = {"figure": "figures", "table": "tables", "number": "numbers in prose"}
RESULTS = {
    "results.parquet": ("data/multiverse/results.parquet", "the stored regressions of the grid"),
    "curve_tests.csv": ("data/multiverse/curve_tests.csv", "the stored tests of the curves"),
}
PANEL = "notebooks/data/panel"
MULTIVERSE = "notebooks/comparison/multiverse"


@dataclass(frozen=True)
class Book:
    """What the pages need to know of the book around them.

    Parameters
    ----------
    titles : mapping of str to str
        Title of each page of the book.
    catalogue : Catalogue
        Names of the variables.
    source : str
        Address of a file of the repository up to its path; empty when it is not public.
    highlight : callable
        Turns code into HTML.
    sources : mapping of str to sequence of str
        Code of the cells of each chapter.
    """

    titles: Mapping[str, str]
    catalogue: Catalogue
    source: str
    highlight: Callable[[str], str]
    sources: Mapping[str, Sequence[str]]


def up(page: str) -> str:
    """Return the way from a page to the top of the site.

    Examples
    --------
    >>> up("outputs/notebooks/a")
    '../../'
    """
    return "../" * page.count("/")


def plain_markup(text: str) -> str:
    """Return a line of a docstring as HTML.

    Examples
    --------
    >>> plain_markup("Read ``a<b``, *once*, by :func:`~nqpf.data.sources`.")
    'Read <code>a&lt;b</code>, <em>once</em>, by <code>nqpf.data.sources</code>.'
    """
    text = re.sub(r":\w+:`~?([^`]+)`", r"``\1``", escape(text))
    text = re.sub(r"``([^`]+)``|`([^`]+)`", lambda m: f"<code>{m[1] or m[2]}</code>", text)
    return re.sub(r"(?<!\w)\*([^*<]+)\*(?!\w)", r"<em>\1</em>", text)


def numbers(counts: Mapping[str, int]) -> str:
    """Return counts of outputs in words.

    Examples
    --------
    >>> numbers({"figure": 1, "number": 3})
    '1 figure, 3 numbers in prose'
    """
    words = []
    for kind, name in COUNTED.items():
        if counts.get(kind):
            one = name.replace("s", "", 1) if kind != "number" else "number in prose"
            words.append(f"{counts[kind]} {one if counts[kind] == 1 else name}")
    return ", ".join(words) or "no outputs"


def count(entries: Sequence[Entry]) -> dict[str, int]:
    """Return how many outputs of each kind there are."""
    kinds = [entry.item.kind for entry in entries]
    return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


def chapter_page(page: str, entries: Sequence[Entry], hidden: set[int], book: Book) -> str:
    """Return the body of the map's page of one chapter.

    Parameters
    ----------
    page : str
        The chapter.
    entries : sequence of Entry
        Its outputs.
    hidden : set of int
        Cells whose code the chapter does not show.
    book : Book
    """
    top = up(f"outputs/{page}")
    title = escape(book.titles[page])
    parts = [
        f"<h1>Outputs of “{title}”</h1>",
        f'<p>{numbers(count(entries))} in the chapter <a href="{top}{page}.html">{title}</a>, each '
        "with the code it rests on, the functions it uses and the data behind it. "
        f'<a href="{top}outputs/index.html#how">How this map is made</a>.</p>',
    ]
    if not all(entry.recorded for entry in entries):
        parts.append(
            "<p>What this chapter reads was not recorded when it ran; variables are missing "
            "below. <code>make book</code> records them.</p>"
        )
    one = _Page(page, book)
    shown = [e for e in entries if e.item.kind in ("figure", "table")]
    prose = [e for e in entries if e.item.kind == "number"]
    rest = [e for e in entries if e.item.kind == "text"]
    if shown:
        parts.append("<h2>Figures and tables</h2>")
        parts += [one.shown(entry) for entry in shown]
    if prose:
        parts.append("<h2>Numbers in prose</h2>")
        parts += [one.folded(entry) for entry in prose]
    if rest:
        parts.append("<h2>Notes and printed text</h2>")
        parts += [one.folded(entry) for entry in rest]
    if one.lists:
        parts.append("<h2>Lists that entries share</h2>")
    for i, (items, name) in enumerate(one.lists.items(), start=1):
        parts.append(
            f'<details class="output-list" id="list-{i}"><summary>{name}</summary>{items}</details>'
        )
    parts.append("<h2>The code of the chapter, cell by cell</h2>")
    for i, source in enumerate(book.sources[page]):
        note = ", not shown in the chapter" if i in hidden else ""
        parts.append(
            f'<details class="output-cell" id="cell-{i + 1}"><summary>Cell {i + 1}{note}</summary>'
            f"{book.highlight(source)}</details>"
        )
    return "\n".join(parts)


class _Page:
    """The page of one chapter; long lists stand on it once and are linked to."""

    def __init__(self, page: str, book: Book) -> None:
        self.page, self.book = page, book
        self.top = up(f"outputs/{page}")
        self.lists: dict[str, str] = {}  # HTML of a list, and its title

    def shown(self, entry: Entry) -> str:
        """Return the section of a figure or a table."""
        item = entry.item
        files = "".join(
            f', <a href="{self.top}downloads/outputs/{self.page}/{item.name}.{kind}" download>'
            f"{item.label} as {kind.upper()}</a>"
            for kind in sorted(entry.files, reverse=True)
        )
        return (
            f'<section class="output-entry" id="{item.name}"><h3>{item.label}</h3>'
            f"<p>{escape(item.title)}</p><p>{self._back(item)}{files}</p>{self._facts(entry)}"
            "</section>"
        )

    def folded(self, entry: Entry) -> str:
        """Return the entry of a number or a text, which opens when a link leads to it."""
        item = entry.item
        key = f"<code>{escape(item.key)}</code>" if item.key else escape(item.label)
        return (
            f'<details class="output-entry" id="{item.name}"><summary>{key}: '
            f"{escape(item.title)}</summary><p>{self._back(item)}</p>{self._facts(entry)}</details>"
        )

    def _back(self, item: Item) -> str:
        return f'<a href="{self.top}{self.page}.html#output-{item.name}">In the chapter</a>'

    def _facts(self, entry: Entry) -> str:
        facts = [
            ("Shown by", f"cell {_cell(entry.item.cell)}"),
            ("Rests on", ", ".join(f"cell {_cell(i)}" for i in entry.cells)),
            ("Functions", self._functions(entry)),
            ("Data", self._data(entry)),
            ("Systems", self._systems(entry)),
        ]
        terms = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts if text)
        lines = sum(one.last - one.first + 1 for one in entry.statements)
        code = excerpt(entry, self.book.sources[self.page])
        return (
            f'<dl class="output-facts">{terms}</dl><details class="output-slice"><summary>The '
            f"{lines} lines of code that it rests on</summary>{code}</details>"
        )

    def _functions(self, entry: Entry) -> str:
        rows = []
        for one in entry.functions:
            name = f"<code>{escape(one.name)}</code>"
            if self.book.source:
                name = f'<a href="{escape(self.book.source)}{one.file}#L{one.line}">{name}</a>'
            rows.append(f"<li>{name}: {plain_markup(one.summary)}</li>")
        return f"<ul>{''.join(rows)}</ul>" if rows else ""

    def _data(self, entry: Entry) -> str:
        parts = []
        for name in entry.results:
            file, what = RESULTS.get(name, (name, "stored results"))
            parts.append(
                f"<code>{escape(file)}</code>, {escape(what)} "
                f'(<a href="{self.top}{MULTIVERSE}.html">the chapter that stores them</a>)'
            )
        if entry.whole:
            parts.append(f'the whole <a href="{self.top}{PANEL}.html">panel</a>')
        known = self.book.catalogue.variables
        keys = [key for key in entry.variables if key in known]
        links = ""
        if keys:
            title = f"{len(keys)} variable{'s' * (len(keys) > 1)} of the panel"
            rows = [
                f'<a href="{self.top}{PANEL}.html#var-{escape(key)}"><code>{escape(key)}</code>'
                f"</a> {_both(known[key].name)}, in {_both(known[key].yearbook)}"
                for key in keys
            ]
            title, links = self._list(title, rows)
            parts.append(title)
        if any(known[key].vintages for key in keys) and entry.vintages:
            parts.append(f"national accounts of vintage {escape(', '.join(entry.vintages))}")
        if not parts and entry.recorded:
            return "none of the panel"
        return "; ".join(parts) + links

    def _systems(self, entry: Entry) -> str:
        rows = []
        for key in entry.systems:
            study = f"notebooks/studies/{key}"
            name = escape(self.book.titles.get(study, key))
            linked = study in self.book.titles
            rows.append(f'<a href="{self.top}{study}.html">{name}</a>' if linked else name)
        if len(rows) <= _MANY:
            return "; ".join(rows)
        return self._list(f"{len(rows)} indicator systems", rows)[0]

    def _list(self, title: str, rows: Sequence[str]) -> tuple[str, str]:
        """Return the title and a list; a long one stands below, its title leads there."""
        items = f"<ul>{''.join(f'<li>{row}</li>' for row in rows)}</ul>"
        if len(rows) <= _MANY:
            return title, items
        self.lists.setdefault(items, title)
        return f'<a href="#list-{list(self.lists).index(items) + 1}">{title}</a>', ""


def _cell(i: int) -> str:
    return f'<a href="#cell-{i + 1}">{i + 1}</a>'


def _both(name: _Bilingual) -> str:
    return f'{escape(name.en)} <span lang="zh">{escape(name.zh)}</span>'


def excerpt(entry: Entry, sources: Sequence[str]) -> str:
    """Return the lines that an output rests on, cell by cell, as HTML."""
    parts = []
    for cell in entry.cells:
        lines = sources[cell].split("\n")
        kept = [
            "\n".join(lines[one.first - 1 : one.last])
            for one in entry.statements
            if one.cell == cell
        ]
        parts.append(f"# cell {cell + 1}\n" + "\n".join(dict.fromkeys(kept)))
    return f'<pre class="output-code"><code>{escape(chr(10).join(parts))}</code></pre>'
