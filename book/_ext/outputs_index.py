"""The first page of the map of outputs, and the whole map as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from outputs_entry import Entry
from outputs_pages import COUNTED, Book, count, numbers
from outputs_table import csv_bytes

_HOW = """
<h2 id="how">How this map is made</h2>
<p>When a chapter is run for the book, the library notes each time that it reads variables of the
panel, the card of an indicator system or stored results, and from which line of the chapter.
When the pages are made, the code of the chapter is cut backwards from each output: the statement
that shows it, those that made the names it uses, and so on to the imports. An entry joins the
two: the lines that an output rests on, and what those lines read in the run whose results the
page shows.</p>
<h2 id="limits">What it cannot know</h2>
<ul>
<li>The slice follows names. Where the code alone does not say whether a statement counts, as in a
condition or a function that may change what it is given, the statement is kept: an entry may name
too much rather than too little.</li>
<li>Functions are those of this library that the code names, and methods where the type of an
object follows from the code; what these call in turn is not listed.</li>
<li>Variables are those that were read for the lines of the entry. A line that reads a variable may
not use all of it: a year or a province may be dropped later.</li>
<li>Stored results are traced to the variables, systems and declaration that they are checked
against, not to single regressions.</li>
<li>The CSV of a chart drawn with this library holds the table that the drawing function was given,
not the positions of its marks. The CSV of a table holds what the page shows, rounded as shown.</li>
</ul>
"""


def index_page(pages: Mapping[str, Sequence[Entry]], book: Book) -> str:
    """Return the body of the first page of the map."""
    rows = []
    for page, entries in pages.items():
        counts = count(entries)
        cells = "".join(f"<td>{counts.get(kind, 0)}</td>" for kind in COUNTED)
        title = escape(book.titles[page])
        rows.append(
            f'<tr><th scope="row"><a href="{page}.html">{title}</a></th>{cells}'
            f'<td><a href="../{page}.html" aria-label="Read the chapter {title}">chapter</a></td>'
            "</tr>"
        )
    total = count([entry for entries in pages.values() for entry in entries])
    return (
        "<h1>Where every figure, table and number comes from</h1>"
        f"<p>The {len(pages)} pages below hold {numbers(total)}. Each has an entry that leads from "
        "what is printed to the cell that computed it, to the functions and the indicator systems "
        "it used, and through the variables to the line of the catalogue that names yearbook and "
        "source. In a chapter, each number in a sentence leads to its entry, and so does the link "
        "“how this was made” below each figure and table. A number reads like the words around it "
        "and is underlined when the mouse or the Tab key reaches it.</p>"
        '<p><a href="../downloads/outputs/map.csv" download>The whole map as CSV</a></p>'
        '<div class="table-box"><table class="output-index"><thead><tr><th scope="col">Entries of'
        '</th><th scope="col">figures</th><th scope="col">tables</th><th scope="col">numbers</th>'
        f'<th scope="col">read</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>{_HOW}'
    )


def map_csv(pages: Mapping[str, Sequence[Entry]], book: Book) -> bytes:
    """Return the whole map as one table, a row per output."""
    header = ["page", "chapter", "output", "kind", "shows", "shown by cell", "rests on cells"]
    header += ["functions", "variables", "vintages", "systems", "stored results", "whole panel"]
    header += ["entry", "files"]
    rows = [
        [
            page,
            book.titles[page],
            entry.item.name,
            entry.item.kind,
            entry.item.title,
            entry.item.cell + 1,
            " ".join(str(i + 1) for i in entry.cells),
            " ".join(one.name for one in entry.functions),
            *(" ".join(t) for t in (entry.variables, entry.vintages, entry.systems, entry.results)),
            "yes" if entry.whole else "no",
            f"outputs/{page}.html#{entry.item.name}",
            " ".join(
                f"downloads/outputs/{page}/{entry.item.name}.{k}" for k in sorted(entry.files)
            ),
        ]
        for page, entries in pages.items()
        for entry in entries
    ]
    return csv_bytes(header, rows)
