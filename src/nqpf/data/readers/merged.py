"""Merged panels: one line per province and year, one column per series."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from nqpf.data.readers.cells import clean, header_index, number, rows, split_unit, tidy, whole_year

__all__ = ["read"]

_PROVINCE = {"地区", "省份", "省级", "省份名称", "地区名称", "province"}
_YEAR = {"年份", "年度标识", "year"}


def read(path: Path, sheet: str | int = 0, single: bool = False) -> pd.DataFrame:
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
    keys = header_index(labels, _PROVINCE, path), header_index(labels, _YEAR, path)
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
