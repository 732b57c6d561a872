"""The pages of the map of outputs, and the whole map as one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from book_templates import render
from markupsafe import Markup
from outputs_entry import Entry
from outputs_files import csv_bytes

if TYPE_CHECKING:
    from nqpf.data import Catalogue

_MANY = 12
COUNTED = {"figure": "figures", "table": "tables", "number": "numbers in prose"}
RESULTS = {
    "results.parquet": ("data/multiverse/results.parquet", "the stored regressions of the grid"),
    "curve_tests.csv": ("data/multiverse/curve_tests.csv", "the stored tests of the curves"),
}


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


def count(entries: Sequence[Entry]) -> dict[str, int]:
    """Return how many outputs there are of each kind that is counted."""
    kinds = [entry.item.kind for entry in entries]
    return {kind: kinds.count(kind) for kind in COUNTED}


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
    sources = book.sources[page]
    return render(
        "outputs_chapter.html",
        page=page,
        top=up(f"outputs/{page}"),
        titles=book.titles,
        total=numbers(count(entries)),
        entries=entries,
        hidden=hidden,
        source=book.source,
        known=book.catalogue.variables,
        dated={key for key, one in book.catalogue.variables.items() if one.vintages},
        results=RESULTS,
        many=_MANY,
        lists={},
        excerpt=lambda entry: excerpt(entry, sources),
        sources=[Markup(book.highlight(code)) for code in sources],  # noqa: S704
    )


def excerpt(entry: Entry, sources: Sequence[str]) -> str:
    """Return the lines that an output rests on, cell by cell."""
    parts = []
    for cell in entry.cells:
        lines = sources[cell].split("\n")
        spans = [one.lines for one in entry.statements if one.cell == cell]
        kept = dict.fromkeys("\n".join(lines[first - 1 : last]) for first, last in spans)
        parts.append(f"# cell {cell + 1}\n" + "\n".join(kept))
    return "\n".join(parts)


def index_page(pages: Mapping[str, Sequence[Entry]], book: Book) -> str:
    """Return the body of the first page of the map."""
    every = [entry for entries in pages.values() for entry in entries]
    rows = [(page, book.titles[page], count(entries).values()) for page, entries in pages.items()]
    return render("outputs_index.html", pages=rows, total=numbers(count(every)))


def map_csv(pages: Mapping[str, Sequence[Entry]], book: Book) -> bytes:
    """Return the whole map as one table, a row per output."""
    header = ["page", "chapter", "output", "kind", "shows", "shown by cell", "rests on cells"]
    header += ["functions", "variables", "vintages", "systems", "stored results", "whole panel"]
    header += ["entry", "files"]
    rows = []
    for page, entries in pages.items():
        for entry in entries:
            item = entry.item
            names = [one.name for one in entry.functions]
            read = (names, entry.variables, entry.vintages, entry.systems, entry.results)
            files = [f"downloads/outputs/{page}/{item.name}.{one}" for one in sorted(entry.files)]
            rows.append(
                [
                    *(page, book.titles[page], item.name, item.kind, item.title, item.cell + 1),
                    # A spreadsheet would take numbers apart by blanks for one.
                    "; ".join(str(cell + 1) for cell in entry.cells),
                    *(" ".join(keys) for keys in read),
                    "yes" if entry.whole else "no",
                    f"outputs/{page}.html#{item.name}",
                    " ".join(files),
                ]
            )
    return csv_bytes(header, rows)
