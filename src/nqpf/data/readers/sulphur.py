"""Sulphur-dioxide emissions from a workbook that keeps figures and their keys apart."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nqpf.data.readers.cells import clean, header_index, number, rows, split_unit, tidy, whole_year
from nqpf.errors import SourceError

__all__ = ["read"]

_KEYED, _FIGURES = "整理", "计算"
_AMOUNT = "二氧化硫排放总量（吨）"
_RATIO = "单位GDP二氧化硫排放总量（吨）"
_GDP = "地区生产总值(亿元)"


def read(path: Path) -> pd.DataFrame:
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
