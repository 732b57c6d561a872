"""Cells of third-party tables: text, numbers, labels with units, and rows of a file."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import pandas as pd

from nqpf.errors import DataError, SourceError

__all__ = ["COLUMNS", "header_index", "number", "rows", "split_unit", "tidy", "whole_year"]

COLUMNS = ["province", "year", "item", "value", "unit"]
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
