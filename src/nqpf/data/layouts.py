"""The layouts of source files; each turns a file into the same long frame.

A layout is a function ``_layout(path, **options)`` that yields cells, or returns the frame,
which has the columns ``province`` (the label as the file spells it), ``year`` (a whole number),
``item`` (a column or row of the file), ``value`` (as the file holds it) and ``unit``
(what it is labelled with, empty when there is none). The catalogue names the layout
of each source and its options; :meth:`nqpf.data.catalogue._Source.read` reads a file
with them. Layouts repair nothing: names, units, missing cells and what must be
there are the business of :mod:`nqpf.data.build`.
"""

from __future__ import annotations

import csv
import io
import lzma
import math
import re
import struct
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from nqpf.checks import choose
from nqpf.errors import DataError, SourceError

_COLUMNS = ["province", "year", "item", "value", "unit"]
_MISSING = {"", "-", "--", "—", "——", "…", "nan"}
_UNITS = {"亿元", "万元", "%", "人", "万人", "件", "万美元", "亿元人民币", "上年=100", "元"}
_BRACKETS = re.compile(r"^(?P<name>[^（(]+?)\s*[（(](?P<unit>[^（()）]+)[)）]$")
_YEAR = re.compile(r"^(\d{4})(?:\.0)?年?$")

# What rdata, openpyxl, the decompressors and XML parsers raise on bytes that are not an
# intact file of theirs; none has one error of its own. Parsers derive theirs from SyntaxError.
_DAMAGE = (ArithmeticError, AssertionError, AttributeError, LookupError, OSError, RuntimeError)
_DAMAGE += (EOFError, MemoryError, SyntaxError, TypeError, ValueError)
_DAMAGE += (BadZipFile, lzma.LZMAError, struct.error, zlib.error)


def _read(name: str, path: Path, **options: Any) -> pd.DataFrame:
    """Read a source file with its layout, refused when it gives no figure or one twice.

    Examples
    --------
    >>> from nqpf.files import root
    >>> _read("techme", root() / "data" / "provinces.csv")
    Traceback (most recent call last):
    ...
    nqpf.errors.SourceError: not an R data file: Unknown file format [file provinces.csv].
    """
    choose("reader", name, [*_OF_R, *_LAYOUTS], DataError)
    if name in _OF_R:
        frame = _OF_R[name](path)[_COLUMNS]
    else:
        single = options.pop("single", False)
        cells = _LAYOUTS[name](path, **options)
        frame = pd.DataFrame(_figures(path.name, cells, single), columns=_COLUMNS)
    if frame.empty:
        raise SourceError("no figures found", where={"file": path.name, "reader": name})
    twice = frame[frame.duplicated(["province", "year", "item"])]
    if name not in _OF_R and len(twice):
        where = {"file": path.name, **twice.iloc[0][["province", "year", "item"]]}
        raise SourceError(f"{len(twice)} figures given twice", where=where)
    return frame.reset_index(drop=True)


# Line, province, year, series with its unit, and the cell as the file holds it.
_Cells = Iterator[tuple[int, str, int, tuple[str, str], object]]


def _figures(file: str, cells: _Cells, single: bool) -> Iterator[tuple]:
    """Yield the figure of each cell that is not empty.

    With `single` the figures passed through single precision (131.4 became 131.39999):
    the shortest decimal number with the same value is taken.
    """
    for line, province, year, (item, unit), cell in cells:
        where = {"file": file, "row": line, "province": province, "year": year, "column": item}
        value = _number(cell, where)
        if value is not None:
            yield province, year, item, float(str(np.float32(value))) if single else value, unit


def _clean(cell: object) -> str:
    r"""Return a cell as text without tabs, blanks at the ends or byte-order marks.

    Examples
    --------
    >>> _clean("北京市\t")
    '北京市'
    """
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return str(cell).replace("\ufeff", "").replace("\u3000", " ").strip()


def _number(cell: object, where: dict[str, object]) -> float | None:
    """Return a cell as a number, or None when it is empty or a dash.

    Examples
    --------
    >>> _number("131.78000", {}), _number("—", {})
    (131.78, None)
    """
    text = _clean(cell)
    if text.casefold() in _MISSING:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"cell {text!r} is not a number", where=where, expected="a finite number")
    return value


def _whole_year(cell: object) -> int | None:
    """Return the year written in a cell (``2016``, ``"2016年"``, ``2016.0``), or None.

    Examples
    --------
    >>> _whole_year("2016年"), _whole_year("2016"), _whole_year("北京")
    (2016, 2016, None)
    """
    match = _YEAR.match(_clean(cell))
    return int(match.group(1)) if match else None


def _split_unit(label: object) -> tuple[str, str]:
    r"""Split a column label into the name of the series and its unit.

    The unit stands in brackets, or after ``_`` or ``/`` when it is a known one.

    Examples
    --------
    >>> _split_unit("电信业务总量（亿元）"), _split_unit("地区生产总值 (亿元) \t")
    (('电信业务总量', '亿元'), ('地区生产总值', '亿元'))
    >>> _split_unit("地区生产总值-第一产业/亿元"), _split_unit("城镇化率_%")
    (('地区生产总值-第一产业', '亿元'), ('城镇化率', '%'))
    >>> _split_unit("GDP指数_上年=100"), _split_unit("industrial_so2")
    (('GDP指数', '上年=100'), ('industrial_so2', ''))
    """
    text = _clean(label)
    match = _BRACKETS.match(text)
    if match:
        return match["name"], match["unit"].strip()
    for mark in "_/":
        name, _, unit = text.rpartition(mark)
        if name and unit in _UNITS:
            return name, unit
    return text, ""


def _rows(path: Path, sheet: str | int = 0) -> list[list[object]]:
    """Return the rows of a CSV file (UTF-8 or GB 18030) or of one sheet, all equally long."""
    where = {"file": path.name}
    if not path.is_file():
        raise SourceError("file not found", where=where)
    try:
        if path.suffix.lower() == ".xlsx":
            frame = pd.read_excel(path, sheet_name=sheet, header=None, dtype=object)
            lines = frame.to_numpy(dtype=object).tolist()
        else:
            text = _decoded(path.read_bytes())
            lines = None if text is None else list(csv.reader(io.StringIO(text, newline="")))
    except (csv.Error, BadZipFile, KeyError, ValueError) as error:
        raise SourceError(f"not a readable table: {error}", where=where) from error
    if lines is None:
        raise SourceError("text in no known encoding", where=where, expected="UTF-8 or GB 18030")
    if not lines:
        raise SourceError("the table is empty", where=where)
    width = max(len(line) for line in lines)
    return [[*line, *[""] * (width - len(line))] for line in lines]


def _decoded(content: bytes) -> str | None:
    """Return the text of UTF-8, with a mark or not, or GB 18030; None for anything else."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):  # the marks of UTF-16
        return None
    # After the mark of UTF-8 a wrong byte is damage.
    for encoding in ("utf-8-sig",) if content[:3] == b"\xef\xbb\xbf" else ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return content.decode(encoding)
    return None


def _place(labels: Sequence[str], known: set[str], path: Path) -> int:
    """Return the place of the one column whose label is in `known`."""
    found = [i for i, label in enumerate(labels) if label in known]
    if len(found) != 1:
        problem = f"{len(found)} columns named {' or '.join(sorted(known))}"
        raise SourceError(problem, where={"file": path.name}, expected="exactly one")
    return found[0]


def _r_frame(path: Path, columns: dict[str, str]) -> pd.DataFrame:
    """Return the one data frame of an R file, its `columns` renamed and years made whole."""
    import rdata

    where = {"file": path.name}
    try:
        with warnings.catch_warnings():
            # Row names and tibble classes have no counterpart here and are not wanted.
            warnings.simplefilter("ignore", UserWarning)
            objects = rdata.read_rda(path)
    except _DAMAGE as error:
        raise SourceError(f"not an R data file: {error}", where=where) from error
    frames = [each for each in objects.values() if isinstance(each, pd.DataFrame)]
    if len(frames) != 1:
        raise SourceError(f"{len(frames)} data frames found", where=where, expected="one")
    result = frames[0].rename(columns=str)
    absent = [column for column in columns if column not in result]
    if absent:
        problem = f"no column {', '.join(absent)}"
        raise SourceError(problem, where=where, expected=", ".join(columns))
    result = result[list(columns)].rename(columns=columns).reset_index(drop=True)
    numbers = pd.to_numeric(result["year"], errors="coerce").astype("float64")
    wrong = (numbers % 1 != 0).to_numpy()  # true of what is no number as well
    if wrong.any():
        row = int(wrong.argmax())
        problem = f"year {result['year'].iloc[row]!r} is not a whole number"
        raise SourceError(problem, where=where | {"row": row + 1})
    return result.assign(year=numbers.astype("int64"))


def _techme(path: Path) -> pd.DataFrame:
    """Read a yearbook table; the item is its code, such as ``v4_zh_nbzc_hj``.

    Units are passed on row by row because they change inside a series. A row
    without a unit gets an empty one.
    """
    same = {"province": "province", "year": "year", "value": "value"}
    table = _r_frame(path, same | {"units": "unit", "variables": "item"})
    return table.assign(unit=table["unit"].fillna("").astype("str").str.strip())


def _capital(path: Path) -> pd.DataFrame:
    """Read the capital data; the item is the name of its column, and no unit is labelled."""
    items = ["invest", "InvestIndex", "InvestPrice", "depr"]
    same = {item: item for item in items}
    table = _r_frame(path, {"prv": "province", "yr": "year"} | same)
    return table.melt(["province", "year"], items, "item", "value").assign(unit="")


_REGION = "地区"
_NOTES = ("注：", "注:", "数据来源")


def _nbs(path: Path, item: str = "") -> _Cells:
    """Read one export of the NBS database: a series by year, or many series of one year.

    `item` names the indicator for files that do not.
    """
    lines = _rows(path)
    start = next((i for i, row in enumerate(lines) if _clean(row[0]) == _REGION), None)
    if start is None:
        raise SourceError("no header line", where={"file": path.name}, expected=f"{_REGION} first")
    about = [_clean(row[0]) for row in lines[:start]]
    columns = _columns(lines[start], about, item, path)
    for line, row in enumerate(lines[start + 1 :], start + 2):
        label = _clean(row[0])
        if label.startswith(_NOTES):
            break
        for place, (series, year) in columns.items() if label else ():
            yield line, label, year, series, row[place]


def _columns(
    header: list[object], about: list[str], item: str, path: Path
) -> dict[int, tuple[tuple[str, str], int]]:
    """Return series, with its unit, and year of each column that holds figures."""
    labels = {i: _clean(cell) for i, cell in enumerate(header) if i and _clean(cell)}
    years = {i: _whole_year(label) for i, label in labels.items()}
    where = {"file": path.name}
    if all(years.values()):
        named = next((line[3:] for line in about if line.startswith("指标：")), item)
        if not named:
            hint = "name it under options in the catalogue"
            raise SourceError("the file does not name its indicator", where=where, hint=hint)
        return {i: (_split_unit(named), year) for i, year in years.items() if year}
    period = next((re.search(r"\d{4}", line) for line in about if line.startswith("时间：")), None)
    if period is None or any(years.values()):
        problem = "columns are neither years nor indicators of one year"
        raise SourceError(problem, where=where)
    return {i: (_split_unit(label), int(period.group())) for i, label in labels.items()}


_PROVINCE = {"地区", "省份", "省级", "省份名称", "地区名称", "province"}
_YEAR_LABELS = {"年份", "年度标识", "year"}


def _merged(path: Path, sheet: str | int = 0) -> _Cells:
    """Read a merged panel with a header in its first line.

    Columns that hold no number at all, such as the name of a region, are left
    out. A line without a province or a year is a remark and is passed over.
    """
    header, *lines = _rows(path, sheet)
    labels = [_clean(cell) for cell in header]
    at_province, at_year = (_place(labels, known, path) for known in (_PROVINCE, _YEAR_LABELS))
    items = {
        i: _split_unit(label)
        for i, label in enumerate(labels)
        if label and i not in (at_province, at_year) and any(_is_number(row[i]) for row in lines)
    }
    # Names that differ only in unit keep the whole label.
    count = Counter(_split_unit(label)[0] for label in labels)
    items = {i: (n if count[n] == 1 else labels[i], unit) for i, (n, unit) in items.items()}
    for line, row in enumerate(lines, 2):
        province, year = _clean(row[at_province]), _whole_year(row[at_year])
        for place, series in items.items() if province and year is not None else ():
            yield line, province, year, series, row[place]


def _is_number(cell: object) -> bool:
    try:
        float(_clean(cell))
    except ValueError:
        return False
    return True


def _blocks(path: Path, across: str, sheet: str | int = 0) -> _Cells:
    """Read blocks of one series each, with ``"provinces"`` or ``"years"`` across the page.

    The first column names the series, on every line of its block or on the
    first one only. The second column holds years when provinces stand across
    the page, and provinces when years do.
    """
    choose("layout", across, ("provinces", "years"))
    head, side = (_clean, _whole_year) if across == "provinces" else (_whole_year, _clean)
    header, *lines = _rows(path, sheet)
    if len(header) < 3:
        raise SourceError("no blocks found", where={"file": path.name})
    keys = {i: head(cell) for i, cell in enumerate(header) if head(cell)}
    series = ("", "")
    for line, row in enumerate(lines, 2):
        series = _split_unit(row[0]) if _clean(row[0]) else series
        other = side(row[1])
        for place, key in keys.items() if other else ():
            year, province = (key, other) if across == "years" else (other, key)
            yield line, province, year, series, row[place]


_AMOUNT = "二氧化硫排放总量（吨）"
_RATIO = "单位GDP二氧化硫排放总量（吨）"


def _sulphur(path: Path) -> _Cells:
    """Read total emissions of sulphur dioxide; zeros stand for missing figures.

    Sheet 计算 holds amount and GDP with neither province nor year; sheet 整理
    holds province, year and the amount per unit of GDP. A line is used only
    when amount over GDP equals the keyed ratio, so that figures are matched by
    content and not by mere position.
    """
    keyed, figures = _rows(path, "整理"), _rows(path, "计算")
    labels, names = [_clean(c) for c in keyed[0]], [_clean(c) for c in figures[0]]
    at_province, at_year, at_ratio = (
        _place(labels, {name}, path) for name in ("地区名称", "年份", _RATIO)
    )
    at_amount, at_gdp = (_place(names, {name}, path) for name in (_AMOUNT, "地区生产总值(亿元)"))
    for line, (key, figure) in enumerate(zip(keyed[1:], figures[1:], strict=False), 2):
        province, year = _clean(key[at_province]), _whole_year(key[at_year])
        if not province or year is None:
            continue
        where = {"file": path.name, "row": line, "province": province, "year": year}
        cells = (figure[at_amount], figure[at_gdp], key[at_ratio])
        amount, gdp, ratio = (_number(cell, where) for cell in cells)
        if amount is None or ratio is None:  # a year that the workbook only prepares
            continue
        same = abs(amount / gdp - ratio) <= 1e-9 * ratio if gdp else amount == ratio == 0
        if not same:
            raise SourceError(f"{amount:g} over GDP is not the keyed ratio {ratio:g}", where=where)
        yield line, province, year, _split_unit(_AMOUNT), amount


_OF_R = {"techme": _techme, "capital": _capital}  # may repeat a figure; build judges
_LAYOUTS = {"nbs": _nbs, "merged": _merged, "blocks": _blocks, "sulphur": _sulphur}
