"""Workbooks that set several series out in blocks, provinces or years across the page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nqpf.data.readers.cells import clean, number, rows, split_unit, tidy, whole_year
from nqpf.errors import MethodError, SourceError

__all__ = ["read"]


def read(path: Path, across: str, sheet: str | int = 0) -> pd.DataFrame:
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
