"""Files of figures and tables: what a page shows, in a form that a spreadsheet reads right.

CSV is UTF-8 with a byte order mark, without which Excel shows Chinese as noise. A true minus
becomes a hyphen and separators of thousands go, so that numbers are numbers; a heading that spans
rows is repeated in each; a text that a spreadsheet would run as a formula gets an apostrophe before
it. Standard errors lose their parentheses, which Excel takes for a minus, and get a name in a
column ``statistic``. The CSV of a table holds what the page shows; that of a figure the table that
the drawing function was given, to ten digits and at most 5,000 rows. R reads the files with
``fileEncoding = "UTF-8-BOM"``. SVG is what a page shows, or a chart for the browser drawn once.
"""

import csv
import importlib.util
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from urllib.parse import unquote_to_bytes

import vl_convert
from lxml.html import HtmlElement, fragment_fromstring

_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_ABSENT = {"", "–", "—", "nan", "NaN", "NaT", "None", "<NA>"}
# Full-width signs too: a spreadsheet in Chinese takes them for the plain ones.
_FORMULA = tuple("=+-@\t\r＝＋－＠")
_IN_BRACKETS = re.compile(r"\(\s*[-\d.,]+\s*\)")
_STATISTICS = {"(": "standard error", "[": "bootstrap p value"}
_LOOK_UP = re.compile(r"(\w+)\[(\d+)\]\[datum\.(\w+)\]")
_SVG = "data:image/svg+xml,"
_RUNS = rb"(?i)<\s*(?:script|foreignObject|iframe|embed|object)\b|\son\w+\s*=|javascript:"
_SHOWN = "//*[contains(@class, 'vega-chart')] | //img[contains(@class, 'nqpf-figure')] | //table"


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
    text = " ".join(str(text).replace("\0", "").split())
    number = text.replace("−", "-").replace("\u202f", "").replace(" ", "")
    if _NUMBER.fullmatch(number):
        return number.replace(",", "").removeprefix("+")
    if text in _ABSENT:
        return ""
    # Excel reads a number in brackets as a negative one.
    return f"'{text}" if text.startswith(_FORMULA) or _IN_BRACKETS.fullmatch(text) else text


def csv_bytes(header: Iterable[object], rows: Iterable[Iterable[object]]) -> bytes:
    """Return a table as CSV.

    Examples
    --------
    >>> csv_bytes(["省"], [[1]]).decode("utf-8-sig").splitlines()
    ['省', '1']
    """
    buffer = io.StringIO()
    csv.writer(buffer).writerows([plain_cell(cell) for cell in row] for row in (header, *rows))
    return buffer.getvalue().encode("utf-8-sig")


def read_table(table: HtmlElement) -> tuple[list[str], list[list[str]]]:
    """Return the heading and the rows of a table of a page, as texts.

    Several rows of headings become one, its parts joined by ``|``. A row that is one heading
    over the rows below it becomes their first column, ``group``. Under a coefficient of a
    regression table the standard error gets a name of its own.

    Examples
    --------
    >>> page = "<table><thead><tr><th>a</th></tr></thead><tr><td>1</td></tr></table>"
    >>> read_table(fragment_fromstring(page))
    (['a'], [['1']])
    """
    lines, tops = table.xpath("tr | */tr"), len(table.xpath("thead/tr"))
    grid = _grid(lines)
    # pandas puts the names of the index in a row of their own, below the name of the columns.
    index = max((len(line.xpath("th[following-sibling::td]")) for line in lines[tops:]), default=0)
    header = []
    for column, names in enumerate(zip(*grid[:tops], strict=True)):
        parts = [name for name in dict.fromkeys(names) if name]
        header.append(" | ".join(parts[-1:] if column < index else parts))
    rows, group = [], ""
    for line, row in zip(lines[tops:], grid[tops:], strict=True):
        if len(line) == 1 < len(row):
            group = row[0]
        else:
            rows.append([group, *row])
    if any(group for group, *_ in rows):
        return ["group", *header], rows
    rows = [row for _, *row in rows]
    return _regression(header, rows) if table.find_class("regression-table") else (header, rows)


def _grid(lines: Sequence[HtmlElement]) -> list[list[str]]:
    """Return the text at each place of a table, in all those that a cell spans."""
    places: dict[tuple[int, int], str] = {}
    for top, line in enumerate(lines):
        left = 0
        for cell in line:
            for end in cell.iter("br"):
                end.tail = f"; {end.tail or ''}"
            text = " ".join(cell.text_content().split())
            while (top, left) in places:
                left += 1
            spans = (int(cell.get(name, 1)) for name in ("rowspan", "colspan"))
            for down, right in product(*map(range, spans)):
                places[top + down, left + right] = text
    width = max((column + 1 for _, column in places), default=0)
    return [[places.get((row, c), "") for c in range(width)] for row in range(len(lines))]


def _regression(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    done: list[list[str]] = []
    title = ""
    for (name, *cells), below in zip(rows, [*rows[1:], None], strict=True):
        if name:
            title, statistic = name, "coefficient" if below and not below[0] else ""
        else:
            statistic = _STATISTICS.get(next(filter(None, cells), "")[:1], "")
            cells = [cell[1:-1] if cell[:1] in _STATISTICS else cell for cell in cells]
        done.append([title, statistic, *cells])
    return [header[0] or "row", "statistic", *header[1:]], done


def safe_svg(drawn: bytes) -> bytes:
    """Return a drawing that holds nothing that could run.

    Raises
    ------
    ValueError
        If it does.
    """
    if found := re.search(_RUNS, drawn):
        raise ValueError(f"a drawing holds {found.group().decode()!r}, which a browser could run")
    return drawn


@cache
def _add_fonts() -> None:
    (carrier,) = importlib.util.find_spec("zhplot").submodule_search_locations  # not imported
    vl_convert.register_font_directory(f"{carrier}/fonts")


def chart_svg(spec: dict[str, object]) -> bytes:
    """Draw a Vega-Lite chart as it stands before a reader touches it, asking no other host."""
    width = {} if spec.get("width", "container") != "container" else {"width": 600}
    _add_fonts()
    return vl_convert.vegalite_to_svg({**spec, **width}, allowed_base_urls=[]).encode("utf-8")


def chart_rows(spec: dict[str, object]) -> tuple[list[str], list[list[object]]] | None:
    """Return the largest table in a Vega-Lite specification; None if it holds none.

    What stands in a field one level down becomes a column of its own; words stand in the place of
    codes that the chart itself looks up in a list.

    Examples
    --------
    >>> chart_rows({"data": {"values": [{"name": "x", "values": {"a": 1, "b": 2}}]}})
    (['name', 'a', 'b'], [['x', 1, 2]])
    """
    parts = list(_inside(spec))
    tables = [part["values"] for part in parts if "values" in part]
    tables = [list(csv.DictReader(io.StringIO(t))) if isinstance(t, str) else t for t in tables]
    largest = max((t for t in tables if t and isinstance(t[0], Mapping)), key=len, default=[])
    rows = [{**row, **row.get("values", {})} for row in largest]
    lists = {one["name"]: one.get("value") for one in spec.get("params", ())}
    titles = {part["field"]: part["title"] for part in parts if {"field", "title"} <= part.keys()}
    for part in parts:
        if found := _LOOK_UP.fullmatch(str(part.get("calculate", ""))):
            words, code = lists[found[1]][int(found[2])], found[3]
            for row in rows:
                row[titles.get(part["as"], code)] = words[int(row.pop(code))]
    header = list(dict.fromkeys(name for row in rows for name in row if name != "values"))
    return (header, [[row.get(name) for name in header] for row in rows]) if header else None


def _inside(part: object) -> Iterator[dict[str, object]]:
    """Yield every object in a specification but the rows of its tables, outermost first."""
    if isinstance(part, dict):
        yield part
        part = [inner for name, inner in part.items() if name != "values"]
    for inner in part if isinstance(part, list) else ():
        yield from _inside(inner)


def shown(
    html: str, section: str, kept: Iterator[Mapping[str, object]]
) -> Iterator[tuple[str, str, dict[str, bytes]]]:
    """Yield kind, title and files by their ending of each figure and table that a cell shows.

    Parameters
    ----------
    html : str
        What the cell shows.
    section : str
        Heading of the section, for tables without a caption.
    kept : iterator of mapping
        What the recorder kept of the figures of the cell, in order.
    """
    for part in fragment_fromstring(html, create_parent="div").xpath(_SHOWN):
        if part.tag == "table" and part.xpath("not(ancestor::table)"):
            table = read_table(part)
            columns = [name for name in table[0] if name]
            named = ", ".join(columns[:8]) + (", ..." if len(columns) > 8 else "")
            caption = " ".join(part.xpath("string(.//caption)").split())
            title = caption or (f"{section}: {named}" if named else section)
            yield "table", title, {"csv": csv_bytes(*table)}
        elif part.tag != "table":
            title = part.get("alt") or part.get("aria-label") or ""
            yield "figure", title, _figure(part, next(kept, {}))


def _figure(part: HtmlElement, kept: Mapping[str, object]) -> dict[str, bytes]:
    if part.tag == "img":
        drawn = unquote_to_bytes(part.get("src").partition(_SVG)[2])
        drawn = drawn or (kept.get("svg") or "").encode("utf-8")
        table = (rows := kept.get("rows")) and (rows["columns"], rows["rows"])
    else:
        spec = json.loads(part.xpath("string(script[@type='application/json'])"))
        drawn, table = chart_svg(spec), chart_rows(spec)
    found = {"svg": safe_svg(drawn)} if drawn else {}
    return found | ({"csv": csv_bytes(*table)} if table else {})
