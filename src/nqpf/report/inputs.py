"""Checks of what a figure is given, so that a slip becomes a message and not a wrong picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nqpf import provinces
from nqpf.errors import SampleError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["in_year", "label_of", "panel_values", "province_values"]


def province_values(values: pd.Series, reindex: bool = True) -> pd.Series:
    """Return `values` as floats by province code, by default with all 31 in code order.

    Parameters
    ----------
    values : Series
        Indexed by province code or name; a missing value is NaN.
    reindex : bool
        Add the provinces that are absent, as missing.

    Raises
    ------
    nqpf.errors.ProvinceError
        If a label is not a province.
    nqpf.errors.SampleError
        If there is more than one level, a province comes twice or a value is infinite.
    """
    if values.index.nlevels != 1:
        raise SampleError(
            f"values are indexed by {', '.join(map(str, values.index.names))}",
            expected="one value per province",
            hint="choose one year: scores.xs(2022, level='year')",
        )
    found = values.astype("float64")
    found.index = [provinces.code_of(label) for label in values.index]
    twice = found.index[found.index.duplicated()]
    if len(twice):
        raise SampleError(f"province {provinces.name(twice[0])} comes twice")
    _finite(found)
    return found.reindex(provinces.codes()) if reindex else found


def panel_values(scores: pd.Series) -> pd.Series:
    """Return `scores` sorted, after checking that the index is ``(province, year)``.

    Raises
    ------
    nqpf.errors.SampleError
        If the index is another one, a row comes twice, a value is infinite or all are missing.
    """
    if list(scores.index.names) != ["province", "year"]:
        raise SampleError(
            f"scores are indexed by {list(scores.index.names)}",
            expected="an index of province code and year, named 'province' and 'year'",
        )
    twice = scores.index[scores.index.duplicated()]
    if len(twice):
        code, year = twice[0]
        raise SampleError("a row comes twice", where={"province": code, "year": year})
    for code in scores.index.unique("province"):
        provinces.code_of(code)
    _finite(scores)
    present = scores.dropna().astype("float64").sort_index()
    if present.empty:
        raise SampleError("there is nothing to draw", expected="at least one figure")
    return present


def in_year(scores: pd.Series, year: int) -> pd.Series:
    """Return the scores of one year by province code.

    Raises
    ------
    nqpf.errors.SampleError
        If the year is not in the sample; the message lists the years that are.
    """
    present = panel_values(scores)
    years = sorted(int(y) for y in present.index.unique("year"))
    if year not in years:
        raise SampleError(
            f"no scores for {year}", expected=f"a year from {', '.join(map(str, years))}"
        )
    return present.xs(year, level="year")


def label_of(values: pd.Series, label: str | None) -> str:
    """Return the label of an axis: the one given, else the name of the Series, else 'score'."""
    return label or str(values.name or "score")


def _finite(values: pd.Series) -> None:
    for key, value in values.items():
        if math.isinf(value):
            raise SampleError(
                f"value {value} cannot be drawn",
                where={"row": key},
                expected="a finite number, or a missing one",
            )
