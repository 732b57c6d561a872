"""Exports of the National Bureau of Statistics database (data.stats.gov.cn).

A file opens with lines on the database, the indicator and the period, then a
header that starts with 地区, one line per province, and notes. Columns are
years of one indicator, or indicators of the one year named in the period line.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from nqpf.data.readers.cells import clean, number, rows, split_unit, tidy, whole_year
from nqpf.errors import SourceError

__all__ = ["read"]

_REGION = "地区"
_NOTES = ("注：", "注:", "数据来源")


def read(path: Path, item: str = "") -> pd.DataFrame:
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
