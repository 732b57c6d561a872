"""Files of figures and tables: what a page shows, in a form that a spreadsheet reads right.

CSV is UTF-8 with a byte order mark, without which Excel shows Chinese as noise. A true minus
becomes a hyphen and separators of thousands go, so that numbers are numbers; a heading that spans
rows is repeated in each; a text that a spreadsheet would run as a formula gets an apostrophe before
it. Standard errors lose their parentheses, which Excel takes for a minus, and get a name in a
column ``statistic``. The CSV of a table holds what the page shows; that of a figure the table that
the drawing function was given, to ten digits and at most 5,000 rows. R reads the files with
``fileEncoding = "UTF-8-BOM"``. SVG is what a page shows, or a chart for the browser drawn once.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import unquote_to_bytes

from bs4 import Tag

_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_ABSENT = {"", "–", "—", "nan", "NaN", "NaT", "None", "<NA>"}
# Full-width signs too: a spreadsheet in Chinese takes them for the plain ones.
_FORMULA = tuple("=+-@\t\r＝＋－＠")
_IN_BRACKETS = re.compile(r"\(\s*[-\d.,]+\s*\)")
_STATISTICS = {"(": "standard error", "[": "bootstrap p value"}
_LOOK_UP = re.compile(r"(?P<list>\w+)\[(?P<place>\d+)\]\[datum\.(?P<code>\w+)\]")
_SVG = "data:image/svg+xml,"
_UNSAFE = re.compile(
    rb"<\s*(?:script|foreignObject|iframe|embed|object)\b|\son\w+\s*=|javascript:", re.I
)


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
    return f"'{text}" if text.startswith(_FORMULA) or _IN_BRACKETS.fullmatch(text) else text


def csv_bytes(header: Sequence[object], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a table as CSV.

    Examples
    --------
    >>> csv_bytes(["省"], [[1]]).decode("utf-8-sig").splitlines()
    ['省', '1']
    """
    buffer = io.StringIO()
    csv.writer(buffer).writerows([plain_cell(cell) for cell in row] for row in (header, *rows))
    return buffer.getvalue().encode("utf-8-sig")


def read_table(table: Tag) -> tuple[list[str], list[list[str]]]:
    """Return the heading and the rows of a table of a page, as texts.

    Several rows of headings become one, its parts joined by ``|``. A row that is one heading
    over the rows below it becomes their first column, ``group``. Under a coefficient of a
    regression table the standard error gets a name of its own.

    Examples
    --------
    >>> from bs4 import BeautifulSoup
    >>> page = "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"
    >>> read_table(BeautifulSoup(page, "html.parser").table)
    (['a', 'b'], [['1', '2']])
    """
    lines = [line for line in table.find_all("tr") if line.find_parent("table") is table]
    tops = sum(line.find_parent("thead") is not None for line in lines)
    tops = tops or int(bool(lines) and not lines[0].find("td"))
    cells = [line.find_all(["td", "th"], recursive=False) for line in lines]
    grid, width = _grid(cells)
    header = _heading(grid[:tops], width, _index_columns(cells[tops:]))
    rows, group, grouped = [], "", False
    for own, row in zip(cells[tops:], grid[tops:], strict=True):
        if len(own) == 1 and width > 1 and _span(own[0], "colspan") >= width:
            group, grouped = row[0], True
        else:
            rows.append([group, *row])
    if grouped and "regression-table" not in (table.get("class") or []):
        return ["group", *header], rows
    rows = [row[1:] for row in rows]
    regression = "regression-table" in (table.get("class") or [])
    return _regression(header, rows) if regression else (header, rows)


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name, "1"))
    return int(value) if value.isdigit() and value != "0" else 1


def _grid(lines: Sequence[Sequence[Tag]]) -> tuple[list[list[str]], int]:
    """Put every cell in each place that it spans; return the rows and their width."""
    places: dict[tuple[int, int], str] = {}
    for top, cells in enumerate(lines):
        left = 0
        for cell in cells:
            for brk in cell.find_all("br"):
                brk.replace_with("; ")
            text = " ".join(cell.get_text().split())
            while (top, left) in places:
                left += 1
            for row in range(top, top + _span(cell, "rowspan")):
                for column in range(left, left + _span(cell, "colspan")):
                    places[row, column] = text
    width = max((column + 1 for _, column in places), default=0)
    return [[places.get((row, c), "") for c in range(width)] for row in range(len(lines))], width


def _index_columns(lines: Sequence[Sequence[Tag]]) -> int:
    """Return how many columns at the left are headings of rows."""
    firsts = ([cell.name == "td" for cell in cells] for cells in lines if len(cells) > 1)
    return max((first.index(True) if True in first else 0 for first in firsts), default=0)


def _heading(tops: Sequence[Sequence[str]], width: int, index: int) -> list[str]:
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
    for (name, *cells), below in zip(rows, [*rows[1:], None], strict=True):
        first = next((cell for cell in cells if cell), "")
        if name:
            title, statistic = name, "coefficient" if below and not below[0] else ""
        else:
            statistic = _STATISTICS.get(first[:1], "")
            cells = [cell[1:-1] if cell[:1] in _STATISTICS else cell for cell in cells]
        done.append([title, statistic, *cells])
    return [header[0] or "row", "statistic", *header[1:]], done


def shown_svg(source: str) -> bytes | None:
    """Return the drawing that the ``src`` of an image holds; None if it is not a vector.

    Examples
    --------
    >>> shown_svg("data:image/svg+xml,%3Csvg/%3E")
    b'<svg/>'
    """
    return unquote_to_bytes(source.removeprefix(_SVG)) if source.startswith(_SVG) else None


def safe_svg(drawn: bytes) -> bytes:
    """Return a drawing that holds nothing that could run.

    Raises
    ------
    ValueError
        If it does.
    """
    found = _UNSAFE.search(drawn)
    if found:
        raise ValueError(f"a drawing holds {found.group().decode()!r}, which a browser could run")
    return drawn


@cache
def _with_fonts() -> object:
    import vl_convert

    spec = importlib.util.find_spec("zhplot")  # finds the fonts without importing the package
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / "fonts").is_dir():
            vl_convert.register_font_directory(str(Path(folder) / "fonts"))
    return vl_convert


def chart_svg(spec: dict[str, object]) -> bytes:
    """Draw a Vega-Lite chart as it stands before a reader touches it, asking no other host."""
    width = {} if spec.get("width", "container") != "container" else {"width": 600}
    drawn = _with_fonts().vegalite_to_svg({**spec, **width}, allowed_base_urls=[])
    return safe_svg(drawn.encode("utf-8"))


def chart_rows(spec: dict[str, object]) -> tuple[list[str], list[list[object]]] | None:
    """Return the largest table in a Vega-Lite specification; None if it holds none.

    What stands in a field one level down becomes a column of its own.

    Examples
    --------
    >>> chart_rows({"data": {"values": [{"name": "x", "values": {"a": 1, "b": 2}}]}})
    (['name', 'a', 'b'], [['x', 1, 2]])
    """
    tables = [table for part in _inside(spec) for table in _tables(part) if table]
    if not tables:
        return None
    flat = [_flat(row) for row in max(tables, key=len)]
    _decode(flat, spec)
    header = list(dict.fromkeys(name for row in flat for name in row))
    rows = [[row.get(name) for name in header] for row in flat]
    return (header, rows) if header else None


def _inside(part: object) -> Iterator[dict[str, object]]:
    """Yield every object in a specification but the rows of its tables, outermost first."""
    if isinstance(part, dict):
        yield part
        part = [inner for name, inner in part.items() if name != "values"]
    for inner in part if isinstance(part, list) else ():
        yield from _inside(inner)


def _tables(part: dict[str, object]) -> list[list[dict[str, object]]]:
    values = part.get("values")
    if isinstance(values, list) and values and isinstance(values[0], dict):
        return [values]
    if isinstance(values, str) and "\n" in values:
        return [list(csv.DictReader(io.StringIO(values)))]
    sets = part.get("datasets")
    return [v for v in sets.values() if isinstance(v, list)] if isinstance(sets, dict) else []


def _decode(rows: list[dict[str, object]], spec: dict[str, object]) -> None:
    """Put words in the place of codes that the chart itself looks up in a list."""
    lists = {p["name"]: p.get("value") for p in spec.get("params", ()) if isinstance(p, dict)}
    parts = list(_inside(spec))
    titles = {p["field"]: p["title"] for p in parts if "field" in p and "title" in p}
    for part in parts:
        found = _LOOK_UP.fullmatch(str(part.get("calculate", "")))
        if not found or not isinstance(lists.get(found["list"]), list):
            continue
        words, code = lists[found["list"]][int(found["place"])], found["code"]
        title = str(titles.get(part.get("as"), code))
        for row in rows:
            if code in row:
                row[title] = words[int(row.pop(code))]


def _flat(row: dict[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in row.items():
        if name == "values" and isinstance(value, dict):
            flat |= value
        elif not isinstance(value, dict | list):  # shares only colour the tiles: the values again
            flat[name] = value
    return flat
