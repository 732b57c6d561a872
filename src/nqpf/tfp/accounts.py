"""Output, capital and labour at constant prices, ready for a production function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.errors import SampleError
from nqpf.tfp.capital import rebase
from nqpf.tfp.sample import check_consecutive, check_finite, check_keys, check_positive, place

if TYPE_CHECKING:
    from nqpf.data import Panel

__all__ = ["production", "real_gdp", "splice"]

BASE = 2010
VINTAGE = "census5"


def real_gdp(panel: Panel, base: int = BASE, vintage: str = VINTAGE) -> pd.Series:
    """Return gross domestic product at prices of the year `base`.

    Nominal product of the base year is carried forward and backward by the
    published volume index (previous year = 100): Y_t = Y_{t-1} G_t / 100. The
    index has no vintages; levels follow the vintage of the base year.

    Parameters
    ----------
    panel : Panel
        Holds ``gdp`` and ``gdp_index``.
    base : int
        Year whose prices are used.
    vintage : str
        Vintage of the base year's nominal product.

    Returns
    -------
    Series indexed (province, year)
        100 million yuan at prices of `base`, for the years the index reaches.

    Raises
    ------
    nqpf.errors.SampleError
        If the base year has no product, or a province's index has a gap.
    nqpf.errors.VintageError
        If the vintage does not exist.
    """
    nominal = panel.wide(["gdp"], years=[base], vintage=vintage)["gdp"].dropna().droplevel("year")
    index = panel.wide(["gdp_index"], vintage=vintage)["gdp_index"].dropna().sort_index()
    check_consecutive(index.index, "gdp_index")
    provinces = index.index.get_level_values("province").unique()
    without = provinces.difference(nominal.index)
    if len(without):
        raise SampleError(
            f"no gdp of {base} in vintage {vintage!r}",
            where=place((without[0],), ("province",)),
            expected="a base year that the vintage covers",
            hint="the fourth-census vintage starts in 2011",
        )
    return pd.concat(
        {p: _chain(index[p] / 100, nominal[p], p, base) for p in provinces},
        names=["province", "year"],
    ).rename("real_gdp")


def _chain(growth: pd.Series, level: float, province: int, base: int) -> pd.Series:
    """Return the level of each year, `level` in the base year."""
    first, last = int(growth.index.min()), int(growth.index.max())
    if not first - 1 <= base <= last:
        raise SampleError(
            f"the volume index runs from {first} to {last} and does not reach {base}",
            where=place((province,), ("province",)),
            expected=f"a base year between {first - 1} and {last}",
        )
    chained = pd.concat([pd.Series({first - 1: 1.0}), growth.cumprod()])
    return chained * (level / chained[base])


def production(
    panel: Panel,
    years: Iterable[int] | None = None,
    base: int = BASE,
    vintage: str = VINTAGE,
    labour: str = "employment",
) -> pd.DataFrame:
    """Return the sample of a production function, one complete row per province and year.

    Parameters
    ----------
    panel : Panel
        Holds ``gdp``, ``gdp_index``, ``capital_stock``, ``investment_price``
        and `labour`.
    years : iterable of int or None
        Years wanted; when None, every year that all three series reach.
    base : int
        Year whose prices value output and capital. Capital at 1952 prices is
        not comparable between provinces, so it is rebased.
    vintage : str
        Vintage of the national accounts.
    labour : str
        Variable that counts labour.

    Returns
    -------
    DataFrame indexed (province, year)
        ``output`` and ``capital`` (100 million yuan at prices of `base`) and
        ``labour`` (unit of the variable).

    Raises
    ------
    nqpf.errors.SampleError
        If a wanted figure is missing.
    """
    wide = panel.wide(["capital_stock", "investment_price", labour], vintage=vintage)
    stock, price = wide["capital_stock"].dropna(), wide["investment_price"].dropna()
    frame = pd.concat(
        {
            "output": real_gdp(panel, base, vintage),
            "capital": rebase(stock, price, base),
            "labour": wide[labour],
        },
        axis=1,
    ).sort_index()
    frame.index.names = ["province", "year"]
    if years is None:
        return frame.dropna()
    wanted = frame[frame.index.get_level_values("year").isin(list(years))]
    check_finite(wanted, "the production sample")
    return wanted


def splice(levels: pd.Series, broken: pd.Series) -> pd.Series:
    """Return a series on its newest basis: a guess stands in for growth across a break.

    Where a change spans a break, the log change becomes the mean of that year
    over the units without one, and all earlier levels of the unit are moved
    with it. Other changes and the newest levels stay as they are.

    Parameters
    ----------
    levels : Series indexed (unit, time)
        Positive levels, such as employment.
    broken : Series of bool indexed (unit, time)
        Where the change from the year before spans a break, as
        :meth:`nqpf.data.Panel.breaks` says; keys that it lacks do not.

    Returns
    -------
    Series indexed as `levels`

    Raises
    ------
    nqpf.errors.DataError
        If a level is not positive.
    nqpf.errors.SampleError
        If a key is doubled, a year skipped, or a year of a break has no
        change without one to take the guess from.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["A", "B"], [2019, 2020]], names=["unit", "year"])
    >>> splice(pd.Series([100.0, 110, 50, 40], keys), pd.Series(True, keys[3:])).round(2).tolist()
    [100.0, 110.0, 36.36, 40.0]
    """
    check_keys(levels.index, "the series")
    levels = levels.sort_index()
    check_consecutive(levels.index, "the series")
    check_positive(levels, str(levels.name), "a positive level")
    logs = np.log(levels)
    change = logs.groupby(level=0).diff()
    mark = broken.reindex(levels.index, fill_value=False).astype(bool) & change.notna()
    year = levels.index.get_level_values(1)
    guess = change.mask(mark).groupby(year).transform("mean")
    without = mark & guess.isna()
    if without.any():
        raise SampleError(
            "every change of a year spans a break",
            where=place(without.index[without][0], levels.index.names),
            expected="a unit without a break in that year, whose growth can be taken",
        )
    jump = (change - guess).where(mark, 0.0)
    later = jump[::-1].groupby(level=0).cumsum()[::-1] - jump
    return np.exp(logs + later).rename(levels.name)
