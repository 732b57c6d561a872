"""Output, capital and labour at constant prices, ready for a production function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, overload

import numpy as np
import pandas as pd

from nqpf.errors import MethodError, SampleError
from nqpf.sample import (
    check_consecutive,
    check_finite,
    check_keys,
    check_positive,
    nearest,
    per_unit,
    place,
)

if TYPE_CHECKING:
    from nqpf.data.panel import Panel

__all__ = [
    "DEPRECIATION",
    "FIRST_YEAR",
    "INITIAL",
    "capital_stock",
    "perpetual_inventory",
    "production",
    "real_gdp",
    "rebase",
    "splice",
]

DEPRECIATION = 0.096  # Zhang, Wu and Zhang (2004)
FIRST_YEAR = 1952
INITIAL = ("share", "steady-state")
_FIRST_SHARE = 0.10  # investment of 1952 over the stock of 1952; Zhang, Wu and Zhang (2004)
_SPLIT = {500000: 510000}  # Chongqing was part of Sichuan until 1996


@overload
def perpetual_inventory(
    investment: pd.Series,
    deflator: pd.Series,
    depreciation: float | pd.Series = ...,
    initial: str | float | pd.Series = ...,
) -> pd.Series: ...
@overload
def perpetual_inventory(
    investment: np.ndarray,
    deflator: np.ndarray,
    depreciation: float | pd.Series = ...,
    initial: str | float | pd.Series = ...,
) -> np.ndarray: ...
def perpetual_inventory(investment, deflator, depreciation=DEPRECIATION, initial="share"):
    """Accumulate investment to a stock, K_t = (1 - d) K_{t-1} + I_t / P_t.

    Parameters
    ----------
    investment : Series indexed (unit, year), or array (T,) or (n, T)
        Gross fixed capital formation at current prices; negative where
        disposals exceed purchases, as in Fujian in 1967.
    deflator : Series or array, keys or shape of `investment`
        Investment price index, fixed base. The stock is at prices of the
        year in which the index is 1.
    depreciation : float or Series by unit
        Rate d in [0, 1); 9.6 % by default (Zhang, Wu and Zhang 2004).
    initial : {"share", "steady-state"}, float or Series by unit
        The stock of each unit's first year:

        - ``"share"``: first real investment / 0.10, the rule of Zhang, Wu
          and Zhang (2004) for series that start in 1952;
        - ``"steady-state"``: first real investment / (g + d), g the mean
          annual growth of the unit's real investment (Harberger 1978);
        - a number or one number per unit: that stock itself.

    Returns
    -------
    Series or array
        Stock at the end of each year, keyed and ordered as `investment`.

    Raises
    ------
    nqpf.errors.SampleError
        If keys differ, a unit skips a year or a figure is missing.
    nqpf.errors.DataError
        If a price is not positive, or disposals exceed the stock.
    nqpf.errors.MethodError
        If the rate or the rule of the first stock cannot be used.

    Examples
    --------
    >>> perpetual_inventory(np.array([10.0, 10.0, 12.0]), np.array([1.0, 1.0, 1.2]))
    array([100.    , 100.4   , 100.7616])
    """
    if not isinstance(investment, pd.Series):
        values, prices = np.asarray(investment), np.asarray(deflator)
        if values.shape != prices.shape or values.ndim not in (1, 2):
            raise SampleError(
                f"investment has shape {values.shape} and deflator {prices.shape}",
                expected="two arrays of one shape, (T,) or (n, T)",
            )
        rows = np.atleast_2d(values)
        keys = pd.MultiIndex.from_product([range(n) for n in rows.shape], names=["unit", "year"])
        flat = [pd.Series(x.ravel(), index=keys) for x in (values, prices)]
        return perpetual_inventory(*flat, depreciation, initial).to_numpy().reshape(values.shape)

    real = _real_investment(investment, deflator)
    units = real.index.get_level_values(0).unique()
    rates = per_unit(depreciation, units, "depreciation")
    if not rates.between(0, 1, inclusive="left").all():
        raise MethodError(f"depreciation {depreciation!r}", expected="a rate in [0, 1)")
    firsts = _first_stocks(real, rates, initial)
    stock = np.empty(len(real))
    for unit, positions in real.groupby(level=0, sort=False).indices.items():
        level = stock[positions[0]] = firsts[unit]
        for position in positions[1:]:
            level = (1 - rates[unit]) * level + real.iat[position]
            stock[position] = level
    result = pd.Series(stock, index=real.index, name="capital_stock")
    check_positive(result, "the stock", "more capital than its disposals")
    return result.reindex(investment.index)


def _real_investment(investment: pd.Series, deflator: pd.Series) -> pd.Series:
    """Return I / P sorted by key, after the checks on both series."""
    for series, what in ((investment, "investment"), (deflator, "deflator")):
        check_keys(series.index, what)
    odd = investment.index.symmetric_difference(deflator.index, sort=True)
    if len(odd):
        absent = "deflator" if odd[0] in investment.index else "investment"
        raise SampleError(
            f"{absent} has no figure for a key that the other series has",
            where=place(odd[0], investment.index.names),
            expected="the same keys in investment and deflator",
        )
    both = pd.DataFrame({"investment": investment, "deflator": deflator}).sort_index()
    both.index.names = investment.index.names
    check_finite(both, "the inventory")
    check_consecutive(both.index, "the inventory")
    check_positive(both["deflator"], "deflator", "a positive price index")
    return (both["investment"] / both["deflator"]).astype(float)


def _first_stocks(real: pd.Series, rates: pd.Series, initial: str | float | pd.Series) -> pd.Series:
    if not isinstance(initial, str):
        return per_unit(initial, rates.index, "the initial stock")
    groups = real.groupby(level=0)
    if initial == "share":
        return groups.first() / _FIRST_SHARE
    if initial != "steady-state":
        raise MethodError(
            f"unknown rule {initial!r} for the initial stock",
            expected=f"{', '.join(map(repr, INITIAL))}, a number or a series by unit",
            hint=nearest(initial, INITIAL),
        )
    first, last, length = groups.first(), groups.last(), groups.size()
    growth = (last / first) ** (1 / (length - 1)) - 1
    usable = (growth + rates > 0) & np.isfinite(growth)
    if not usable.all():
        raise MethodError(
            "no steady state: growth of real investment and depreciation do not add up to more "
            "than zero",
            where=place((usable.index[~usable][0],), (rates.index.name,)),
            hint="use the rule 'share' or give the stock",
        )
    return first / (growth + rates)


def rebase(stock: pd.Series, deflator: pd.Series, base: int) -> pd.Series:
    """Return a stock at prices of the year `base` instead of the deflator's own.

    A stock at 1952 prices cannot be compared between provinces: by 2010 the
    investment price index stands at 1.7 in Beijing and 43.7 in Yunnan.

    Parameters
    ----------
    stock : Series indexed (unit, year)
        Stock at prices of the year in which `deflator` is 1.
    deflator : Series indexed (unit, year)
        Investment price index.
    base : int
        Year whose prices are wanted.

    Returns
    -------
    Series
        `stock` times the deflator of the base year, keyed as `stock`.

    Raises
    ------
    nqpf.errors.SampleError
        If a unit has no price in the base year.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[110000], [2010, 2011]], names=["province", "year"])
    >>> rebase(pd.Series([5.0, 6.0], keys), pd.Series([2.0, 2.2], keys), 2010).tolist()
    [10.0, 12.0]
    """
    check_keys(stock.index, "the stock")
    check_keys(deflator.index, "the deflator")
    at_base = deflator[deflator.index.get_level_values(1) == base].droplevel(1)
    units = stock.index.get_level_values(0)
    factors = per_unit(at_base, units.unique(), f"the price of {base}")
    return stock * factors.reindex(units).to_numpy()


def capital_stock(panel: Panel) -> pd.DataFrame:
    """Return the panel's capital stock: perpetual inventory from 1952, at 1952 prices.

    Depreciation is 9.6 % and the stock of 1952 is the investment of 1952 over
    10 % (Zhang, Wu and Zhang 2004). Sichuan's stock of 1995 is divided between
    Sichuan and Chongqing by their investment of 1996, the first year with
    separate figures, so that no capital is counted twice.

    Parameters
    ----------
    panel : Panel
        Holds ``gfcf`` (100 million yuan) and ``investment_price`` (1952 = 1).

    Returns
    -------
    DataFrame
        Tidy rows ``province, year, variable, value, vintage, flag`` of the
        variable ``capital_stock`` (100 million yuan at 1952 prices). A stock is
        flagged as extrapolated from the first year on that an extrapolated or
        spliced figure entered it, and as derived before: no office publishes
        it. A reader's, interpolated or broken input passes its own flag on.

    Raises
    ------
    nqpf.errors.SampleError
        If a series does not start in 1952 or has a gap.

    Notes
    -----
    The R package CapitalStock keeps the whole of Sichuan's stock in Sichuan
    and gives Chongqing 313/850 of it once more; this function does not.
    """
    names = ["gfcf", "investment_price"]
    wide = panel.wide(names).dropna(how="all")
    _check_starts(wide.index)
    gfcf, price = wide["gfcf"], wide["investment_price"]
    late = [p for p in _SPLIT if _first_year(wide.index, p) not in (None, FIRST_YEAR)]
    stock = perpetual_inventory(gfcf.drop(late, level=0), price.drop(late, level=0))
    for part in late:
        stock = _divide(stock, gfcf, price, part, _SPLIT[part])
    flags = _flags(panel.flags(names).reindex(wide.index))
    rows = stock.sort_index().rename("value").reset_index()
    rows["variable"] = "capital_stock"
    rows["vintage"] = ""
    rows["flag"] = flags.reindex(stock.sort_index().index).to_numpy()
    return rows[["province", "year", "variable", "value", "vintage", "flag"]]


def _first_year(index: pd.MultiIndex, province: int) -> int | None:
    years = index.get_level_values(1)[index.get_level_values(0) == province]
    return int(years.min()) if len(years) else None


def _check_starts(index: pd.MultiIndex) -> None:
    """Raise unless every series starts in 1952, or when its province left one that does."""
    for province in index.get_level_values(0).unique():
        first, whole = _first_year(index, province), _SPLIT.get(province)
        parted = whole and {(whole, first - 1), (whole, first)} <= set(index)
        if first != FIRST_YEAR and not parted:
            rest = f" or {place((whole,), ('province',))['province']} before it" if whole else ""
            raise SampleError(
                f"investment starts in {first}",
                where=place((province,), ("province",)),
                expected=f"a series from {FIRST_YEAR}, on which the first stock rests{rest}",
            )


def _divide(
    stock: pd.Series, gfcf: pd.Series, price: pd.Series, part: int, whole: int
) -> pd.Series:
    """Divide the stock of `whole` when `part` leaves it, and accumulate both from there."""
    year = _first_year(gfcf.index, part)
    pair = [part, whole]
    invested = gfcf.loc[[(province, year) for province in pair]].droplevel(1)
    before = stock[whole, year - 1] * invested / invested.sum()
    own = gfcf.index.get_level_values(0).isin(pair) & (gfcf.index.get_level_values(1) >= year)
    real = (gfcf / price)[own]
    opening = (1 - DEPRECIATION) * before + real.loc[[(p, year) for p in pair]].droplevel(1)
    after = perpetual_inventory(gfcf[own], price[own], initial=opening)
    kept = stock.drop([key for key in stock.index if key[0] == whole and key[1] >= year])
    return pd.concat([kept, after])


def _flags(flags: pd.DataFrame) -> pd.Series:
    order = ["derived", "reader", "break", "interpolated", "extrapolated"]
    own = flags.replace({"official": "derived", "spliced": "extrapolated"})
    ranks = own.apply(lambda column: column.map(order.index))
    worst = ranks.max(axis=1).sort_index()
    top = order.index("extrapolated")
    lasting = (worst == top).groupby(level=0).cummax()
    return worst.mask(lasting, top).astype(int).map(dict(enumerate(order)))


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
