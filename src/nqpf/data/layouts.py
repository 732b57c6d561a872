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

import math
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nqpf.checks import choose
from nqpf.data.forms import _YEAR, _form
from nqpf.data.grid import _DAMAGE, _Grid, _sheets
from nqpf.errors import DataError, NqpfError, SourceError

_COLUMNS = ["province", "year", "item", "value", "unit"]
_MISSING = {"", "-", "--", "—", "——", "…", "nan", "#div/0!"}
_UNITS = {"亿元", "万元", "%", "人", "万人", "件", "万美元", "亿元人民币", "上年=100", "元"}
_BRACKETS = re.compile(r"^(?P<name>[^（(]+?)\s*[（(](?P<unit>[^（()）]+)[)）]$")


def _read(name: str, path: Path, **options: Any) -> pd.DataFrame:
    """Read a source file with its layout, refused when it gives no figure or one twice.

    Examples
    --------
    >>> from nqpf.files import root
    >>> _read("techme", root() / "data" / "provinces.csv")
    Traceback (most recent call last):
    ...
    nqpf.errors.SourceError: not the R data file: Unknown file format [file provinces.csv].
    """
    choose("reader", name, [*_OF_R, *_LAYOUTS], DataError)
    if name in _OF_R:
        return _OF_R[name](path)[_COLUMNS]
    single = options.pop("single", False)
    try:
        frame = pd.DataFrame(_figures(_LAYOUTS[name](path, **options), single), columns=_COLUMNS)
        if frame.empty:
            raise SourceError("no figures found")
        twice = frame[frame.duplicated(["province", "year", "item"])]
        if len(twice):
            where = dict(twice.iloc[0][["province", "year", "item"]])
            raise SourceError(f"{len(twice)} figures given twice", where=where)
    except NqpfError as error:
        raise error.changed(where={"file": path.name} | error.where) from error
    return frame


# Line, province, year, series with its unit, and the cell.
_Cells = Iterator[tuple[int, str, int, tuple[str, str], str]]


def _figures(cells: _Cells, single: bool) -> Iterator[tuple]:
    """Yield the figure of each cell that is not empty.

    With `single` the figures passed through single precision (131.4 became 131.39999):
    the shortest decimal number with the same value is taken.
    """
    for line, province, year, (item, unit), cell in cells:
        where = {"row": line, "province": province, "year": year, "column": item}
        value = _number(cell, where)
        if value is not None:
            yield province, year, item, float(str(np.float32(value))) if single else value, unit


def _number(text: str, where: dict[str, object]) -> float | None:
    """Return a cell as a number, or None when it is empty or a dash.

    Examples
    --------
    >>> _number("131.78000", {}), _number("—", {})
    (131.78, None)
    """
    if text.casefold() in _MISSING:
        return None
    value = _float(text)
    if not math.isfinite(value):
        raise DataError(f"cell {text!r} is not a number", where=where, expected="a finite number")
    return value


def _float(text: str) -> float:
    return float(pd.to_numeric(text, errors="coerce"))


def _whole_year(text: str) -> int | None:
    """Return the year written in a cell, or None.

    Examples
    --------
    >>> _whole_year("2016年"), _whole_year("2016.0"), _whole_year("北京")
    (2016, 2016, None)
    """
    match = _YEAR.fullmatch(text)
    return int(match.group(1)) if match else None


def _split_unit(text: str) -> tuple[str, str]:
    r"""Split a column label into the name of the series and its unit.

    The unit stands in brackets, or after ``_`` or ``/`` when it is a known one.

    Examples
    --------
    >>> _split_unit("电信业务总量（亿元）"), _split_unit("地区生产总值 (亿元)")
    (('电信业务总量', '亿元'), ('地区生产总值', '亿元'))
    >>> _split_unit("地区生产总值-第一产业/亿元"), _split_unit("城镇化率_%")
    (('地区生产总值-第一产业', '亿元'), ('城镇化率', '%'))
    >>> _split_unit("GDP指数_上年=100"), _split_unit("industrial_so2")
    (('GDP指数', '上年=100'), ('industrial_so2', ''))
    """
    match = _BRACKETS.match(text)
    if match:
        return match["name"], match["unit"].strip()
    for mark in "_/":
        name, _, unit = text.rpartition(mark)
        if name and unit in _UNITS:
            return name, unit
    return text, ""


def _rows(path: Path, sheet: str | None = None) -> _Grid:
    """Return the rows of a CSV file, or of one sheet or the first, all equally long."""
    sheets = _sheets(path, stored=True)
    if sheet is not None:
        choose("sheet", sheet, sheets, SourceError)
    grid = sheets[sheet or next(iter(sheets))]
    if not grid:
        raise SourceError("the table is empty")
    width = max(len(row) for _, row in grid)
    return [(line, [*row, *[""] * (width - len(row))]) for line, row in grid]


def _place(labels: Sequence[str], *known: str) -> int:
    """Return the place of the one column whose label is in `known`."""
    found = [i for i, label in enumerate(labels) if label in known]
    if len(found) != 1:
        problem = f"{len(found)} columns named {' or '.join(sorted(known))}"
        raise SourceError(problem, expected="exactly one")
    return found[0]


def _r_frame(path: Path, columns: dict[str, str]) -> pd.DataFrame:
    """Return the one data frame of an R file, its `columns` renamed and years made whole."""
    import rdata

    where = {"file": path.name}
    try:
        # Row names and tibble classes have no counterpart here and are not wanted.
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            objects = rdata.read_rda(path)
        [frame] = [each for each in objects.values() if isinstance(each, pd.DataFrame)]
        frame = frame.rename(columns=str)[list(columns)].rename(columns=columns)
    except _DAMAGE as error:
        raise SourceError(f"not the R data file: {error}", where=where) from error
    years = pd.to_numeric(frame["year"], errors="coerce").astype("float64")
    if (years % 1 != 0).any():  # true of what is no number as well
        raise SourceError("the years are not whole numbers", where=where)
    return frame.assign(year=years.astype("int64")).reset_index(drop=True)


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
    table = _r_frame(path, {"prv": "province", "yr": "year"} | {item: item for item in items})
    return table.melt(["province", "year"], items, "item", "value").assign(unit="")


def _nbs(path: Path, item: str = "", year: str = "") -> _Cells:
    """Read one export of the NBS database: a series by year, or many series of one year.

    `item` and `year` name the indicator and the year for files that do not.
    """
    said = ({"variable": item} if item else {}) | ({"year": year} if year else {})
    for place, cells in _form(_rows(path), lambda label: False, {"source": "", **said})[0]:
        year, unit = _whole_year(cells["year"]), cells["unit"]
        series = (cells["variable"], unit) if unit else _split_unit(cells["variable"])
        yield place["row"], cells["province"], year, series, cells["value"]


def _merged(path: Path, sheet: str | None = None) -> _Cells:
    """Read a merged panel with a header in its first line.

    Columns that hold no number at all, such as the name of a region, are left
    out. A line without a province or a year is a remark and is passed over.
    """
    (_, labels), *lines = _rows(path, sheet)
    at_province = _place(labels, "地区", "省份", "省级", "省份名称", "地区名称", "province")
    at_year = _place(labels, "年份", "年度标识", "year")
    series = [i for i, label in enumerate(labels) if label and i not in (at_province, at_year)]
    filled = [i for i in series if not all(math.isnan(_float(row[i])) for _, row in lines)]
    # Names that differ only in unit keep the whole label.
    count = Counter(_split_unit(label)[0] for label in labels)
    items = {i: _split_unit(labels[i]) for i in filled}
    items = {i: (n if count[n] == 1 else labels[i], unit) for i, (n, unit) in items.items()}
    for line, row in lines:
        province, year = row[at_province], _whole_year(row[at_year])
        for place, series in items.items() if province and year is not None else ():
            yield line, province, year, series, row[place]


def _long(path: Path) -> _Cells:
    """Read a file with a row per figure, the unit in brackets behind the name of the series."""
    (_, labels), *lines = _rows(path)
    places = [_place(labels, label) for label in ("地区", "年份", "指标名称", "数值")]
    for line, row in lines:
        province, year, label, value = (row[i] for i in places)
        if province and (whole := _whole_year(year)) is not None:
            yield line, province, whole, _split_unit(label), value


def _blocks(path: Path, across: str, sheet: str | None = None) -> _Cells:
    """Read blocks of one series each, with ``"provinces"`` or ``"years"`` across the page.

    The first column names the series, on every line of its block or on the
    first one only. The second column holds years when provinces stand across
    the page, and provinces when years do.
    """
    choose("layout", across, ("provinces", "years"))
    head, side = (str, _whole_year) if across == "provinces" else (_whole_year, str)
    (_, header), *lines = _rows(path, sheet)
    keys = {i: head(cell) for i, cell in enumerate(header) if head(cell)}
    series = ("", "")
    for line, row in lines:
        series = _split_unit(row[0]) if row[0] else series
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
    (_, labels), *keyed = _rows(path, "整理")
    (_, names), *lines = _rows(path, "计算")
    at_province, at_year, at_ratio = (_place(labels, n) for n in ("地区名称", "年份", _RATIO))
    at_amount, at_gdp = (_place(names, n) for n in (_AMOUNT, "地区生产总值(亿元)"))
    figures = dict(lines)
    for line, key in keyed:
        province, year = key[at_province], _whole_year(key[at_year])
        if not province or year is None or line not in figures:
            continue
        where = {"row": line, "province": province, "year": year}
        cells = (figures[line][at_amount], figures[line][at_gdp], key[at_ratio])
        amount, gdp, ratio = (_number(cell, where) for cell in cells)
        if amount is None or ratio is None:  # a year that the workbook only prepares
            continue
        same = abs(amount / gdp - ratio) <= 1e-9 * ratio if gdp else amount == ratio == 0
        if not same:
            raise SourceError(f"{amount:g} over GDP is not the keyed ratio {ratio:g}", where=where)
        yield line, province, year, _split_unit(_AMOUNT), str(amount)


_OF_R = {"techme": _techme, "capital": _capital}  # may repeat a figure; build judges
_LAYOUTS = {"nbs": _nbs, "merged": _merged, "long": _long, "blocks": _blocks, "sulphur": _sulphur}
