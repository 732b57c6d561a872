"""One module per layout of source file; each turns a file into the same long frame.

A reader is a function ``read(path, **options)`` that returns a frame with the
columns of :data:`COLUMNS`: the province label as the file spells it, the year
as a whole number, the item (a column or row of the file), the value as the
file holds it and the unit it is labelled with (empty when there is none).
Readers repair nothing: names, units, duplicates and missing cells are the
business of :mod:`nqpf.data.build`.
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
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from nqpf.errors import DataError, MethodError, SourceError

__all__ = [
    "COLUMNS",
    "NAMES",
    "_read_blocks",
    "_read_capital",
    "_read_merged",
    "_read_nbs",
    "_read_sulphur",
    "_read_techme",
    "frame",
    "header_index",
    "number",
    "read",
    "rows",
    "split_unit",
    "tidy",
    "whole_year",
    "years",
]

COLUMNS = ["province", "year", "item", "value", "unit"]
NAMES = ("techme", "capital", "nbs", "merged", "blocks", "sulphur")


def read(name: str, path: Path, **options: Any) -> pd.DataFrame:
    """Read a source file with the reader of its layout.

    Parameters
    ----------
    name : str
        Layout, one of :data:`NAMES`.
    path : Path
        The file.
    **options
        What the catalogue declares for the source, such as a sheet name.

    Raises
    ------
    nqpf.errors.DataError
        If the layout is unknown or the reader breaks its contract.
    nqpf.errors.SourceError
        If the file is not of the layout.

    Examples
    --------
    >>> from nqpf.files import root
    >>> read("techme", root() / "data" / "provinces.csv")
    Traceback (most recent call last):
    ...
    nqpf.errors.SourceError: not an R data file: Unknown file format [file provinces.csv].
    """
    if name not in NAMES:
        raise DataError(f"unknown reader {name!r}", expected=", ".join(NAMES))
    frame = _READERS[name](path, **options)
    if list(frame.columns) != COLUMNS:
        raise DataError(
            f"reader {name!r} returned columns {list(frame.columns)}",
            where={"file": path.name},
            expected=str(COLUMNS),
        )
    if frame.empty:
        raise SourceError("no figures found", where={"file": path.name, "reader": name})
    return frame.reset_index(drop=True)


MISSING = {"", "-", "--", "—", "——", "…", "nan"}
UNITS = {"亿元", "万元", "%", "人", "万人", "件", "万美元", "亿元人民币", "上年=100", "元"}
_BRACKETS = re.compile(r"^(?P<name>[^（(]+?)\s*[（(](?P<unit>[^（()）]+)[)）]$")
_YEAR = re.compile(r"^(\d{4})(?:\.0)?年?$")


def clean(cell: object) -> str:
    r"""Return a cell as text without tabs, blanks at the ends or byte-order marks.

    Examples
    --------
    >>> clean("北京市\t")
    '北京市'
    """
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return str(cell).replace("\ufeff", "").replace("\u3000", " ").strip()


def number(cell: object, **where: object) -> float | None:
    """Return a cell as a number, or None when it is empty or a dash.

    Raises
    ------
    nqpf.errors.DataError
        If the cell holds other text or an infinity.

    Examples
    --------
    >>> number("131.78000"), number("—")
    (131.78, None)
    """
    text = clean(cell)
    if text.casefold() in MISSING:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"cell {text!r} is not a number", where=where, expected="a finite number")
    return value


def whole_year(cell: object) -> int | None:
    """Return the year written in a cell (``2016``, ``"2016年"``, ``2016.0``), or None.

    Examples
    --------
    >>> whole_year("2016年"), whole_year("2016"), whole_year("北京")
    (2016, 2016, None)
    """
    match = _YEAR.match(clean(cell))
    return int(match.group(1)) if match else None


def split_unit(label: object) -> tuple[str, str]:
    """Split a column label into the name of the series and its unit.

    The unit stands in brackets, or after ``_`` or ``/`` when it is a known one.

    Examples
    --------
    >>> split_unit("电信业务总量（亿元）")
    ('电信业务总量', '亿元')
    >>> split_unit("GDP指数_上年=100"), split_unit("industrial_so2")
    (('GDP指数', '上年=100'), ('industrial_so2', ''))
    """
    text = clean(label)
    match = _BRACKETS.match(text)
    if match:
        return match["name"], match["unit"].strip()
    for mark in "_/":
        name, _, unit = text.rpartition(mark)
        if name and unit in UNITS:
            return name, unit
    return text, ""


def rows(path: Path, sheet: str | int = 0) -> list[list[object]]:
    """Return the rows of a CSV file (UTF-8 or GB 18030) or of one sheet of a workbook.

    Rows are as long as the longest one; missing cells are empty.

    Raises
    ------
    nqpf.errors.SourceError
        If the file is missing, empty, not a table, or in no known encoding,
        or the workbook has no such sheet.
    """
    if not path.is_file():
        raise SourceError("file not found", where={"file": path.name})
    try:
        if path.suffix.lower() == ".xlsx":
            frame = pd.read_excel(path, sheet_name=sheet, header=None, dtype=object)
            lines = frame.to_numpy(dtype=object).tolist()
        else:
            lines = list(csv.reader(io.StringIO(_decode(path))))
    except (csv.Error, BadZipFile, KeyError, ValueError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"not a readable table: {error}", where={"file": path.name}) from error
    if not lines:
        raise SourceError("the table is empty", where={"file": path.name})
    width = max(len(line) for line in lines)
    return [[*line, *[""] * (width - len(line))] for line in lines]


def _decode(path: Path) -> str:
    content = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SourceError(
        "text in no known encoding", where={"file": path.name}, expected="UTF-8 or GB 18030"
    )


def header_index(labels: Sequence[str], known: set[str], path: Path) -> int:
    """Return the place of the one column whose label is in `known`.

    Raises
    ------
    nqpf.errors.SourceError
        If there is none, or more than one.
    """
    found = [i for i, label in enumerate(labels) if label in known]
    if len(found) != 1:
        raise SourceError(
            f"{len(found)} columns named {' or '.join(sorted(known))}",
            where={"file": path.name},
            expected="exactly one",
        )
    return found[0]


def tidy(records: list[tuple[str, int, str, float, str]], path: Path) -> pd.DataFrame:
    """Return records as a reader's table; a figure given twice is refused.

    Raises
    ------
    nqpf.errors.SourceError
        If the file holds no figure, or two for one province, year and item.
    """
    frame = pd.DataFrame(records, columns=COLUMNS)
    if frame.empty:
        raise SourceError("no figures found", where={"file": path.name})
    twice = frame[frame.duplicated(["province", "year", "item"])]
    if len(twice):
        first = twice.iloc[0]
        raise SourceError(
            f"{len(twice)} figures given twice",
            where={
                "file": path.name,
                "province": first["province"],
                "year": first["year"],
                "item": first["item"],
            },
        )
    return frame


# What rdata and the decompressors raise on bytes that are not an intact R file.
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zlib.error,
)


def frame(path: Path, columns: list[str]) -> pd.DataFrame:
    """Return the one data frame of an R file, checked to have `columns`.

    Raises
    ------
    nqpf.errors.SourceError
        If the file cannot be read, or holds something else.
    """
    import rdata

    try:
        with warnings.catch_warnings():
            # Row names and tibble classes have no counterpart here and are not wanted.
            warnings.simplefilter("ignore", UserWarning)
            objects = rdata.read_rda(path)
    except _DAMAGE as error:
        raise SourceError(f"not an R data file: {error}", where={"file": path.name}) from error
    frames = [each for each in objects.values() if isinstance(each, pd.DataFrame)]
    if len(frames) != 1:
        raise SourceError(
            f"{len(frames)} data frames found",
            where={"file": path.name},
            expected="one",
        )
    result = frames[0].rename(columns=str)
    absent = [column for column in columns if column not in result]
    if absent:
        raise SourceError(
            f"no column {', '.join(absent)}",
            where={"file": path.name},
            expected=", ".join(columns),
        )
    return result[columns].reset_index(drop=True)


def years(column: pd.Series, file: str) -> pd.Series:
    """Return a column of years as whole numbers, whether stored as text or as decimals.

    Raises
    ------
    nqpf.errors.SourceError
        If an entry is not a whole number.

    Examples
    --------
    >>> years(pd.Series(["2010", "2011"]), "a.rda").tolist()
    [2010, 2011]
    """
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    wrong = numbers.isna() | (numbers % 1 != 0)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise SourceError(
            f"year {column.iloc[row]!r} is not a whole number",
            where={"file": file, "row": row + 1},
        )
    return numbers.astype("int64")


_NAMES = {"variables": "item", "units": "unit"}


def _read_techme(path: Path) -> pd.DataFrame:
    """Read a yearbook table; the item is its code, such as ``v4_zh_nbzc_hj``.

    Units are passed on row by row because they change inside a series. A row
    without a unit gets an empty one.

    Raises
    ------
    nqpf.errors.SourceError
        If the file is not such a table.
    """
    table = frame(path, ["province", "year", "value", "units", "variables"])
    table["year"] = years(table["year"], path.name)
    table["units"] = table["units"].fillna("").astype("str").str.strip()
    return table.rename(columns=_NAMES)[COLUMNS]


_ITEMS = ["invest", "InvestIndex", "InvestPrice", "depr"]


def _read_capital(path: Path) -> pd.DataFrame:
    """Read the table; the item is the name of its column, and no unit is labelled.

    Raises
    ------
    nqpf.errors.SourceError
        If the file is not such a table.
    """
    table = frame(path, ["prv", "yr", *_ITEMS])
    table = table.rename(columns={"prv": "province", "yr": "year"})
    table["year"] = years(table["year"], path.name)
    long = table.melt(["province", "year"], _ITEMS, var_name="item", value_name="value")
    return long.assign(unit="")[COLUMNS]


_REGION = "地区"
_NOTES = ("注：", "注:", "数据来源")


def _read_nbs(path: Path, item: str = "") -> pd.DataFrame:
    """Read one export.

    Parameters
    ----------
    path : Path
        CSV (UTF-8 or GB 18030) or Excel file.
    item : str
        Name of the indicator, for files that do not name it.

    Returns
    -------
    DataFrame
        Columns ``province`` (label as printed), ``year``, ``item``, ``value``, ``unit``.

    Raises
    ------
    nqpf.errors.SourceError
        If the layout is not the one described above, or the indicator is not
        named by either the file or `item`.
    nqpf.errors.DataError
        If a cell is not a number.
    """
    lines = rows(path)
    start = next((i for i, row in enumerate(lines) if clean(row[0]) == _REGION), None)
    if start is None:
        raise SourceError("no header line", where={"file": path.name}, expected=f"{_REGION} first")
    about = [clean(row[0]) for row in lines[:start]]
    columns = _columns(lines[start], about, item, path)
    records = []
    for line, row in enumerate(lines[start + 1 :], start + 2):
        label = clean(row[0])
        if label.startswith(_NOTES):
            break
        for place, (name, unit, year) in columns.items():
            value = number(row[place], file=path.name, row=line, province=label, year=year)
            if label and value is not None:
                records.append((label, year, name, value, unit))
    return tidy(records, path)


def _columns(
    header: list[object], about: list[str], item: str, path: Path
) -> dict[int, tuple[str, str, int]]:
    """Return name, unit and year of each column that holds figures."""
    labels = {i: clean(cell) for i, cell in enumerate(header) if i and clean(cell)}
    years = {i: whole_year(label) for i, label in labels.items()}
    if all(years.values()):
        named = next((line[3:] for line in about if line.startswith("指标：")), item)
        if not named:
            raise SourceError(
                "the file does not name its indicator",
                where={"file": path.name},
                hint="name it under options in the catalogue",
            )
        name, unit = split_unit(named)
        return {i: (name, unit, year) for i, year in years.items() if year}
    period = next((re.search(r"\d{4}", line) for line in about if line.startswith("时间：")), None)
    if period is None or any(years.values()):
        raise SourceError(
            "columns are neither years nor indicators of one year", where={"file": path.name}
        )
    return {i: (*split_unit(label), int(period.group())) for i, label in labels.items()}


_PROVINCE = {"地区", "省份", "省级", "省份名称", "地区名称", "province"}
_YEAR_MERGED = {"年份", "年度标识", "year"}


def _read_merged(path: Path, sheet: str | int = 0, single: bool = False) -> pd.DataFrame:
    """Read a merged panel.

    Columns that hold no number at all, such as the name of a region, are left
    out. A line without a province or a year is a remark and is passed over.

    Parameters
    ----------
    path : Path
        CSV (UTF-8 or GB 18030) or Excel file with a header in its first line.
    sheet : str or int
        Sheet of a workbook.
    single : bool
        The figures passed through single precision (131.4 became 131.39999):
        take the shortest decimal number with the same single-precision value.

    Returns
    -------
    DataFrame
        Columns ``province`` (label as printed), ``year``, ``item``, ``value``, ``unit``.

    Raises
    ------
    nqpf.errors.SourceError
        If province and year columns are not found, or a figure is given twice.
    nqpf.errors.DataError
        If a column mixes numbers and text.
    """
    header, *lines = rows(path, sheet)
    labels = [clean(cell) for cell in header]
    keys = header_index(labels, _PROVINCE, path), header_index(labels, _YEAR_MERGED, path)
    items = _items({i: label for i, label in enumerate(labels) if label and i not in keys})
    texts = {i for i in items if not any(_is_number(row[i]) for row in lines)}
    records = []
    for line, row in enumerate(lines, 2):
        province, year = clean(row[keys[0]]), whole_year(row[keys[1]])
        if not province or year is None:
            continue
        for place, (name, unit) in items.items():
            if place in texts:
                continue
            where = {"file": path.name, "row": line, "province": province, "year": year}
            value = number(row[place], **where, column=name)
            if value is not None:
                value = float(str(np.float32(value))) if single else value
                records.append((province, year, name, value, unit))
    return tidy(records, path)


def _items(labels: dict[int, str]) -> dict[int, tuple[str, str]]:
    """Return name and unit by column; names that differ only in unit keep the whole label."""
    split = {i: split_unit(label) for i, label in labels.items()}
    count = Counter(name for name, _ in split.values())
    return {i: (n if count[n] == 1 else labels[i], unit) for i, (n, unit) in split.items()}


def _is_number(cell: object) -> bool:
    try:
        float(clean(cell))
    except ValueError:
        return False
    return bool(clean(cell))


def _read_blocks(path: Path, across: str, sheet: str | int = 0) -> pd.DataFrame:
    """Read blocks of one series each.

    The first column names the series, on every line of its block or on the
    first one only. The second column holds years when provinces stand across
    the page, and provinces when years do.

    Parameters
    ----------
    path : Path
        Workbook.
    across : str
        What stands in the first line: ``"provinces"`` or ``"years"``.
    sheet : str or int
        Sheet of the workbook.

    Returns
    -------
    DataFrame
        Columns ``province`` (label as printed), ``year``, ``item``, ``value``, ``unit``.

    Raises
    ------
    nqpf.errors.MethodError
        If `across` is neither.
    nqpf.errors.SourceError
        If no block is found.
    nqpf.errors.DataError
        If a cell is not a number.
    """
    if across not in ("provinces", "years"):
        raise MethodError(f"unknown layout {across!r}", expected="'provinces' or 'years'")
    header, *lines = rows(path, sheet)
    if len(header) < 3:
        raise SourceError("no blocks found", where={"file": path.name})
    keys = {i: _key(cell, across == "years") for i, cell in enumerate(header)}
    keys = {i: key for i, key in keys.items() if key}
    records, item = [], ("", "")
    for line, row in enumerate(lines, 2):
        item = split_unit(row[0]) if clean(row[0]) else item
        other = _key(row[1], across == "provinces")
        if not other:
            continue
        for place, key in keys.items():
            year, province = (key, other) if across == "years" else (other, key)
            where = {"file": path.name, "row": line, "province": province, "year": year}
            value = number(row[place], **where)
            if value is not None:
                records.append((province, year, item[0], value, item[1]))
    return tidy(records, path)


def _key(cell: object, is_year: bool) -> int | str | None:
    return whole_year(cell) if is_year else clean(cell)


_KEYED, _FIGURES = "整理", "计算"
_AMOUNT = "二氧化硫排放总量（吨）"
_RATIO = "单位GDP二氧化硫排放总量（吨）"
_GDP = "地区生产总值(亿元)"


def _read_sulphur(path: Path) -> pd.DataFrame:
    """Read total emissions.

    Sheet 计算 holds amount and GDP with neither province nor year; sheet 整理
    holds province, year and the amount per unit of GDP. A line is used only
    when amount over GDP equals the keyed ratio, so that figures are matched by
    content and not by mere position.

    Returns
    -------
    DataFrame
        Columns ``province`` (label as printed), ``year``, ``item``, ``value``,
        ``unit``. Zeros stand for missing figures; the catalogue says so.

    Raises
    ------
    nqpf.errors.SourceError
        If a ratio differs: the two sheets are not in the same order.
    nqpf.errors.DataError
        If a cell is not a number.
    """
    keyed, figures = rows(path, _KEYED), rows(path, _FIGURES)
    labels, names = [clean(c) for c in keyed[0]], [clean(c) for c in figures[0]]
    at_province, at_year = (header_index(labels, {n}, path) for n in ("地区名称", "年份"))
    at_ratio = header_index(labels, {_RATIO}, path)
    at_amount, at_gdp = (header_index(names, {n}, path) for n in (_AMOUNT, _GDP))
    name, unit = split_unit(_AMOUNT)
    records = []
    for line, (key, figure) in enumerate(zip(keyed[1:], figures[1:], strict=False), 2):
        province, year = clean(key[at_province]), whole_year(key[at_year])
        if not province or year is None:
            continue
        where = {"file": path.name, "row": line, "province": province, "year": year}
        amount, gdp = (number(figure[i], **where) for i in (at_amount, at_gdp))
        ratio = number(key[at_ratio], **where)
        if amount is None or ratio is None:  # a year that the workbook only prepares
            continue
        same = abs(amount / gdp - ratio) <= 1e-9 * ratio if gdp else amount == ratio == 0
        if not same:
            raise SourceError(f"{amount:g} over GDP is not the keyed ratio {ratio:g}", where=where)
        records.append((province, year, name, amount, unit))
    return tidy(records, path)


_READERS = {
    "techme": _read_techme,
    "capital": _read_capital,
    "nbs": _read_nbs,
    "merged": _read_merged,
    "blocks": _read_blocks,
    "sulphur": _read_sulphur,
}
