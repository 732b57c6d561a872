"""Capital stock by perpetual inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np
import pandas as pd

from nqpf.errors import MethodError, SampleError
from nqpf.tfp.sample import (
    check_consecutive,
    check_finite,
    check_keys,
    check_positive,
    nearest,
    per_unit,
    place,
)

if TYPE_CHECKING:
    from nqpf.data import Panel

__all__ = [
    "DEPRECIATION",
    "FIRST_YEAR",
    "INITIAL",
    "capital_stock",
    "perpetual_inventory",
    "rebase",
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
