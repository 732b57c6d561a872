"""A table of a page as CSV: what is shown, in a form that a spreadsheet reads right.

UTF-8 with a byte order mark, without which Excel shows Chinese as noise. A true minus becomes a
hyphen and separators of thousands go, so that numbers are numbers; a heading that spans rows is
repeated in each; a text that a spreadsheet would run as a formula gets an apostrophe before it.
Standard errors lose their parentheses, which Excel takes for a minus, and get a name in a column
``statistic``. The CSV of a table holds what the page shows; that of a figure the table that the
drawing function was given, to ten digits and at most 5,000 rows. R reads the files with
``fileEncoding = "UTF-8-BOM"``.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from bs4 import BeautifulSoup, Tag

__all__ = ["csv_bytes", "plain_cell", "read_table"]

_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_ABSENT = {"", "–", "—", "nan", "NaN", "NaT", "None", "<NA>"}
# Full-width signs too: a spreadsheet in Chinese takes them for the plain ones.
_FORMULA = tuple("=+-@\t\r＝＋－＠")
_IN_BRACKETS = re.compile(r"\(\s*[-\d.,]+\s*\)")
_STATISTICS = {"(": "standard error", "[": "bootstrap p value"}


def plain_cell(text: object) -> str:
    """Return a cell as a spreadsheet should read it.

    Parameters
    ----------
    text : object
        Text of the page, or a number; None for nothing.

    Examples
    --------
    >>> [plain_cell(text) for text in ("−1,234.50", "–", "=cmd()", "2013–2022", None, 0.1)]
    ['-1234.50', '', "'=cmd()", '2013–2022', '', '0.1']
    """
    if text is None:
        return ""
    if isinstance(text, bool | int | float):
        return str(text)
    text = " ".join(str(text).replace("\0", "").split())
    number = text.replace("−", "-").replace("\u202f", "").replace(" ", "")
    if _NUMBER.fullmatch(number):
        return number.replace(",", "").removeprefix("+")
    if text in _ABSENT:
        return ""
    # Excel reads a number in brackets as a negative one.
    if text.startswith(_FORMULA) or _IN_BRACKETS.fullmatch(text):
        return "'" + text
    return text


def csv_bytes(header: Sequence[object], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a table as CSV.

    Examples
    --------
    >>> csv_bytes(["省"], [[1]]).decode("utf-8-sig").splitlines()
    ['省', '1']
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([plain_cell(cell) for cell in header])
    for row in rows:
        writer.writerow([plain_cell(cell) for cell in row])
    return buffer.getvalue().encode("utf-8-sig")


def read_table(table: Tag) -> tuple[list[str], list[list[str]]]:
    """Return the heading and the rows of a table of a page, as texts.

    Several rows of headings become one, its parts joined by ``|``. A row that is one heading
    over the rows below it becomes their first column, ``group``. Under a coefficient of a
    regression table the standard error gets a name of its own.

    Examples
    --------
    >>> page = "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"
    >>> read_table(BeautifulSoup(page, "html.parser").table)
    (['a', 'b'], [['1', '2']])
    """
    lines = [line for line in table.find_all("tr") if line.find_parent("table") is table]
    tops = [line for line in lines if line.find_parent("thead") is not None]
    if not tops and lines and not lines[0].find("td"):
        tops = lines[:1]
    grid = _grid(lines)
    width = max((len(row) for row in grid), default=0)
    grid = [row + [""] * (width - len(row)) for row in grid]
    header = _heading(grid[: len(tops)], width, _index_columns(lines[len(tops) :]))
    rows, groups = [], []
    for line, row in zip(lines[len(tops) :], grid[len(tops) :], strict=True):
        cells = line.find_all(["td", "th"], recursive=False)
        if len(cells) == 1 and width > 1 and _span(cells[0], "colspan") >= width:
            groups.append(row[0])
            continue
        rows.append([groups[-1] if groups else "", *row])
    if "regression-table" in (table.get("class") or []):
        return _regression(header, [row[1:] for row in rows])
    if groups:
        return ["group", *header], rows
    return header, [row[1:] for row in rows]


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name, "1"))
    return int(value) if value.isdigit() and value != "0" else 1


def _text(cell: Tag) -> str:
    for brk in cell.find_all("br"):
        brk.replace_with("; ")
    return " ".join(cell.get_text().split())


def _grid(lines: Sequence[Tag]) -> list[list[str]]:
    """Put every cell in each place that it spans."""
    grid: list[list[str]] = []
    hanging: dict[int, tuple[int, str]] = {}  # column: rows left, text
    for line in lines:
        row: list[str] = []

        def take_hanging(row: list[str] = row) -> None:
            while len(row) in hanging:
                column = len(row)
                left, text = hanging.pop(column)
                row.append(text)
                if left > 1:
                    hanging[column] = (left - 1, text)

        for cell in line.find_all(["td", "th"], recursive=False):
            take_hanging()
            text, down = _text(cell), _span(cell, "rowspan")
            for _ in range(_span(cell, "colspan")):
                if down > 1:
                    hanging[len(row)] = (down - 1, text)
                row.append(text)
        take_hanging()
        grid.append(row)
    return grid


def _index_columns(lines: Sequence[Tag]) -> int:
    """Return how many columns at the left are headings of rows."""
    most = 0
    for line in lines:
        cells = line.find_all(["td", "th"], recursive=False)
        if len(cells) > 1:
            most = max(most, next((i for i, c in enumerate(cells) if c.name == "td"), 0))
    return most


def _heading(tops: Sequence[Sequence[str]], width: int, index: int) -> list[str]:
    if not tops:
        return [""] * width
    # pandas puts the names of the index in a row of their own, empty over the values.
    names = tops[-1] if len(tops) > 1 and not any(tops[-1][index:]) else None
    header = []
    for column in range(width):
        rows = [names] if names and column < index else tops
        header.append(" | ".join(dict.fromkeys(row[column] for row in rows if row[column])))
    return header


def _regression(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    done: list[list[str]] = []
    title = ""
    for i, (name, *cells) in enumerate(rows):
        first = next((cell for cell in cells if cell), "")
        if name:
            title, statistic = name, ""
            if i + 1 < len(rows) and not rows[i + 1][0]:
                statistic = "coefficient"
        else:
            statistic = _STATISTICS.get(first[:1], "")
            cells = [cell[1:-1] if cell[:1] in _STATISTICS else cell for cell in cells]
        done.append([title, statistic, *cells])
    return [header[0] or "row", "statistic", *header[1:]], done


def tables_of(html: str) -> list[Tag]:
    """Return the tables of a fragment of a page that stand in no other table."""
    soup = BeautifulSoup(html, "html.parser")
    return [table for table in soup.find_all("table") if table.find_parent("table") is None]
