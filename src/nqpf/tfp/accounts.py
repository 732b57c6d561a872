"""Output, capital and labour at constant prices, and the productivity that they leave over."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf import sample
from nqpf.checks import between, choose
from nqpf.errors import MethodError, SampleError
from nqpf.sample import _check_gaps, _check_keys, _check_positive, _per_unit, _place

if TYPE_CHECKING:
    from nqpf.data.panel import Panel
    from nqpf.regress.ols import _Regression


_BASE = 2010
_VINTAGE = "census5"
_DEPRECIATION = 0.096  # Zhang, Wu and Zhang (2004)
_FIRST_YEAR = 1952
_FIRST_SHARE = 0.10  # investment of 1952 over the stock of 1952; Zhang, Wu and Zhang (2004)
_PART, _WHOLE = 500000, 510000  # Chongqing was part of Sichuan; its figures start in 1996


def perpetual_inventory(
    investment: pd.Series,
    deflator: pd.Series,
    depreciation: float | pd.Series = _DEPRECIATION,
    initial: str | float | pd.Series = "share",
) -> pd.Series:
    """Accumulate investment to a stock, K_t = (1 - d) K_{t-1} + I_t / P_t.

    Parameters
    ----------
    investment : Series indexed (unit, year)
        Gross fixed capital formation at current prices; negative where
        disposals exceed purchases, as in Fujian in 1967.
    deflator : Series with the keys of `investment`
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
    Series
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
    >>> keys = pd.MultiIndex.from_product([[110000], [2010, 2011, 2012]])
    >>> spent, price = pd.Series([10.0, 10.0, 12.0], keys), pd.Series([1.0, 1.0, 1.2], keys)
    >>> perpetual_inventory(spent, price).tolist()
    [100.0, 100.4, 100.7616]
    """
    _check_keys(investment.index, "investment")
    _check_keys(deflator.index, "deflator")
    both = pd.DataFrame({"investment": investment, "deflator": deflator}).sort_index()
    both.index.names = investment.index.names
    sample._check_finite(both, "the inventory")
    _check_gaps(both.index, "the inventory")
    _check_positive(both["deflator"], "deflator", "a positive price index")
    real = (both["investment"] / both["deflator"]).astype(float)
    rates = _per_unit(depreciation, real.index.unique(0), "depreciation")
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
    _check_positive(result, "the stock", "more capital than its disposals")
    return result.reindex(investment.index)


def _first_stocks(real: pd.Series, rates: pd.Series, initial: str | float | pd.Series) -> pd.Series:
    if not isinstance(initial, str):
        return _per_unit(initial, rates.index, "the initial stock")
    choose("rule for the initial stock", initial, ("share", "steady-state"))
    groups = real.groupby(level=0)
    first, last, length = groups.first(), groups.last(), groups.size()
    if initial == "share":
        return first / _FIRST_SHARE
    growth = (last / first) ** (1 / (length - 1)) - 1
    usable = (growth + rates > 0) & np.isfinite(growth)
    if not usable.all():
        said = "no steady state: growth of real investment and depreciation add up to zero or less"
        where = _place((usable.index[~usable][0],), (rates.index.name,))
        raise MethodError(said, where=where, hint="use the rule 'share' or give the stock")
    return first / (growth + rates)


def _rebase(stock: pd.Series, deflator: pd.Series, base: int) -> pd.Series:
    """Return a stock at prices of the year `base` instead of the deflator's own."""
    at_base = deflator[deflator.index.get_level_values(1) == base].droplevel(1)
    units = stock.index.get_level_values(0)
    factors = _per_unit(at_base, units.unique(), f"the price of {base}")
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
    wide = panel.wide(names).dropna(how="all").sort_index()
    years = pd.Series(wide.index.get_level_values(1), wide.index.get_level_values(0))
    firsts = years.groupby(level=0).min()
    for province, first in firsts[firsts != _FIRST_YEAR].items():
        left = {(_WHOLE, first - 1), (_WHOLE, first)}
        if province != _PART or not left <= set(wide.index):
            problem, where = f"investment starts in {first}", _place((province,), ("province",))
            expected = f"a series from {_FIRST_YEAR}, on which the first stock rests; "
            expected += "Chongqing's may start when it leaves Sichuan"
            raise SampleError(problem, where=where, expected=expected)
    start = firsts.get(_PART, _FIRST_YEAR)
    parted = wide if start == _FIRST_YEAR else wide.drop(_PART, level=0)
    stock = perpetual_inventory(*(parted[name] for name in names))
    if start != _FIRST_YEAR:
        stock = _divide(stock, wide, start)
    flags = _flags(panel.flags(names).reindex(wide.index))
    rows = stock.sort_index().to_frame("value").assign(variable="capital_stock", vintage="")
    rows = rows.assign(flag=flags).reset_index()
    return rows[["province", "year", "variable", "value", "vintage", "flag"]]


def _divide(
    stock: pd.Series, wide: pd.DataFrame, year: int, rate: float = _DEPRECIATION
) -> pd.Series:
    """Divide Sichuan's stock when Chongqing leaves it in `year`, and accumulate both from there."""
    pair = wide.loc[[_PART, _WHOLE]]
    pair = pair[pair.index.get_level_values(1) >= year]
    at_start = pair.xs(year, level=1)
    before = stock[_WHOLE, year - 1] * at_start["gfcf"] / at_start["gfcf"].sum()
    opening = (1 - rate) * before + at_start["gfcf"] / at_start["investment_price"]
    after = perpetual_inventory(pair["gfcf"], pair["investment_price"], rate, opening)
    return pd.concat([stock.drop(after.index, errors="ignore"), after])


def _flags(flags: pd.DataFrame) -> pd.Series:
    order = ["derived", "reader", "break", "interpolated", "extrapolated"]
    own = flags.replace({"official": "derived", "spliced": "extrapolated"})
    worst = own.map(order.index).max(axis=1).sort_index()
    top = len(order) - 1
    lasting = (worst == top).groupby(level=0).cummax()
    return worst.mask(lasting, top).astype(int).map(dict(enumerate(order)))


def real_gdp(panel: Panel, base: int = _BASE, vintage: str = _VINTAGE) -> pd.Series:
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
    nqpf.errors.DataError
        If the vintage does not exist.
    """
    nominal = panel.wide(["gdp"], years=[base], vintage=vintage)["gdp"].dropna().droplevel("year")
    index = panel.wide(["gdp_index"], vintage=vintage)["gdp_index"].dropna().sort_index()
    _check_gaps(index.index, "gdp_index")
    provinces = index.index.unique("province")
    nominal = _per_unit(nominal, provinces, f"gdp of {base} in vintage {vintage!r}")
    levels = {p: _chain(index[p] / 100, nominal[p], p, base) for p in provinces}
    return pd.concat(levels, names=["province", "year"]).rename("real_gdp")


def _chain(growth: pd.Series, level: float, province: int, base: int) -> pd.Series:
    """Return the level of each year, `level` in the base year."""
    first, last = int(growth.index.min()), int(growth.index.max())
    if not first - 1 <= base <= last:
        problem = f"the volume index runs from {first} to {last} and does not reach {base}"
        expected = f"a base year between {first - 1} and {last}"
        raise SampleError(problem, where=_place((province,), ("province",)), expected=expected)
    chained = pd.concat([pd.Series({first - 1: 1.0}), growth.cumprod()])
    return chained * (level / chained[base])


def production(panel: Panel, base: int = _BASE, vintage: str = _VINTAGE) -> pd.DataFrame:
    """Return the sample of a production function, one complete row per province and year.

    Parameters
    ----------
    panel : Panel
        Holds ``gdp``, ``gdp_index``, ``capital_stock``, ``investment_price``
        and ``employment``.
    base : int
        Year whose prices value output and capital.
    vintage : str
        Vintage of the national accounts.

    Returns
    -------
    DataFrame indexed (province, year)
        ``output`` and ``capital`` (100 million yuan at prices of `base`) and
        ``labour``, for every year that all three series reach.

    Raises
    ------
    nqpf.errors.SampleError
        If a province has no product or price of the base year, or its volume index has a gap.

    Notes
    -----
    The stock is accumulated at prices of 1952. Until 2010 investment prices rose 1.7-fold in
    Beijing and 44-fold in Yunnan, so 1952 prices make Yunnan's capital look tiny and its
    productivity huge; fixed effects absorb this, levels and rankings do not. Capital is therefore
    revalued at each province's prices of `base`. Levels then compare provinces at the prices of
    one year, not at common prices across provinces, which are not published for capital.
    """
    wide = panel.wide(["capital_stock", "investment_price", "employment"], vintage=vintage)
    stock, price = wide["capital_stock"].dropna(), wide["investment_price"].dropna()
    series = {"output": real_gdp(panel, base, vintage), "capital": _rebase(stock, price, base)}
    series["labour"] = wide["employment"]
    return pd.concat(series, axis=1).sort_index().rename_axis(["province", "year"]).dropna()


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
    _check_keys(levels.index, "the series")
    levels = levels.sort_index()
    _check_gaps(levels.index, "the series")
    _check_positive(levels, str(levels.name), "a positive level")
    logs = np.log(levels)
    change = logs.groupby(level=0).diff()
    mark = broken.reindex(levels.index, fill_value=False).astype(bool) & change.notna()
    guess = change.mask(mark).groupby(level=1).transform("mean")
    without = mark & guess.isna()
    if without.any():
        where = _place(without.index[without][0], levels.index.names)
        expected = "a unit without a break in that year, whose growth can be taken"
        raise SampleError("every change of a year spans a break", where=where, expected=expected)
    jump = (change - guess).where(mark, 0.0)
    later = jump[::-1].groupby(level=0).cumsum()[::-1] - jump
    return np.exp(logs + later).rename(levels.name)


def _estimate(logs: pd.DataFrame, returns: str) -> tuple[float, float, dict[str, _Regression]]:
    """Return the elasticities alpha and beta, and the regressions under either kind of returns.

    The equation is ln(Y/L) = alpha ln(K/L) + gamma ln L + effects of units and years, in which
    gamma = alpha + beta - 1 is zero under constant returns.
    """
    from nqpf.regress.ols import fixed_effects  # loads scipy.sparse

    names = ["output per worker", "capital per worker", "labour"]
    workers = logs["labour"]
    data = logs[["output", "capital"]].sub(workers, axis=0).join(workers).set_axis(names, axis=1)
    fits = {"variable": fixed_effects(data, names[0], names[1:])}
    fits["constant"] = fixed_effects(data, names[0], names[1])
    alpha = float(fits[returns].params[names[1]])
    return alpha, 1 - alpha + float(fits[returns].params.get("labour", 0.0)), fits


@dataclass(frozen=True)
class _SolowResult:
    """Total factor productivity as a residual, ln A = ln Y - alpha ln K - beta ln L.

    Attributes
    ----------
    alpha, beta : Series by unit
        Elasticities of capital and labour.
    logs : DataFrame indexed (unit, time)
        Logarithms of ``output``, ``capital`` and ``labour``.
    log_tfp : Series
        ln A.
    tfp : Series
        A relative to the geometric mean over units in the first year (= 1).
    growth : Series
        Change of ln A on the year before; the first year of a unit is absent.
    regressions : mapping of str to regression
        When the share was estimated, those of output per worker under ``"constant"`` and
        ``"variable"`` returns, clustered by unit (convention "nested"). The latter tests constant
        returns: its coefficient of ``labour`` is alpha + beta - 1.
    """

    alpha: pd.Series
    beta: pd.Series
    logs: pd.DataFrame
    log_tfp: pd.Series
    tfp: pd.Series
    growth: pd.Series
    regressions: Mapping[str, _Regression]

    @property
    def contributions(self) -> pd.DataFrame:
        """Yearly growth accounts: ``output`` = ``capital`` + ``labour`` + ``tfp``, in logs."""
        change = self.logs.groupby(level=0).diff().dropna()
        for name, share in (("capital", self.alpha), ("labour", self.beta)):
            change[name] *= share.reindex(change.index, level=0)
        return change.assign(tfp=self.growth)

    def accounting(self, end: int | None = None, without: pd.Series | None = None) -> pd.DataFrame:
        """Return each unit's mean annual growth and its sources up to a year.

        Parameters
        ----------
        end : int or None
            Last year of the period; the sample's own when None.
        without : Series of bool indexed (unit, time), optional
            True where growth is left out of the means, such as
            :meth:`nqpf.data.Panel.breaks`; keys that it lacks are kept.

        Returns
        -------
        DataFrame by unit
            ``output``, ``capital``, ``labour``, ``tfp`` in log points a year
            (the last three add up to the first), the part of growth that
            each explains (``*_contribution_share``; unbounded when output
            hardly grows), and ``years``, the number averaged. A unit all of
            whose years are left out has no row.

        Raises
        ------
        nqpf.errors.SampleError
            If no year of growth lies in the period, or none is kept.
        """
        rows = self.contributions
        year = rows.index.get_level_values(1)
        kept = np.asarray(year <= (year.max() if end is None else end))
        if without is not None:
            kept &= ~without.reindex(rows.index, fill_value=False).to_numpy(bool)
        if not kept.any():
            expected = f"years between {year.min()} and {year.max()}, not all left out"
            raise SampleError(f"no growth up to {end}", expected=expected)
        groups = rows[kept].groupby(level=0)
        table = groups.mean()
        for source in ("capital", "labour", "tfp"):
            table[f"{source}_contribution_share"] = table[source] / table["output"]
        return table.assign(years=groups.size())


def solow_residual(
    frame: pd.DataFrame, share: float | pd.Series | str = 0.5, returns: str = "constant"
) -> _SolowResult:
    """Measure total factor productivity as the Solow (1957) residual.

    Parameters
    ----------
    frame : DataFrame
        ``province`` and ``year`` as index levels or columns, and ``output``, ``capital`` and
        ``labour`` in levels, all positive. See :func:`nqpf.tfp.production`.
    share : float, Series by province or "estimated"
        Capital share alpha. By default 0.5, near the share of capital in
        China's factor incomes (Bai, Hsieh and Qian 2006). A series gives each
        province its own. ``"estimated"`` runs a regression with effects of provinces and years.
    returns : {"constant", "variable"}
        Constant returns set beta = 1 - alpha. ``"variable"`` leaves beta free
        and needs an estimated share.

    Returns
    -------
    result
        ``log_tfp``, ``tfp``, ``growth``, ``contributions``, ``accounting()``; ``alpha``, ``beta``
        and, when estimated, its ``regressions``.

    Raises
    ------
    nqpf.errors.DataError
        If a name is unknown or a figure is not positive.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled or a year skipped, or, for an estimated share, a
        province or year has a single row.
    nqpf.errors.MethodError
        If share or returns cannot be used.
    nqpf.errors.EstimationError
        If the share cannot be estimated on the sample.

    Warns
    -----
    UserWarning
        If an estimated share lies outside (0, 1).

    Notes
    -----
    No open series of provinces' factor incomes could enter the panel, so shares from incomes are
    shown as bounds: growth of TFP is linear in the share, and over all shares between 0.4 and 0.6
    each province's growth lies between those of the two ends.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["A"], [2010, 2011]], names=["province", "year"])
    >>> frame = pd.DataFrame({"output": [100, 110], "capital": [300, 330],
    ...                       "labour": [50, 50]}, index=keys)
    >>> solow_residual(frame).accounting().round(4).loc["A", ["output", "capital", "tfp"]].tolist()
    [0.0953, 0.0477, 0.0477]
    """
    choose("returns", returns, ("constant", "variable"))
    levels = sample._by_key(frame, ["output", "capital", "labour"], "province", "year", "the frame")
    _check_gaps(levels.index, "the frame")
    for name in levels:
        _check_positive(levels[name], name, "a positive level, not a logarithm or a growth rate")
    logs = np.log(levels)
    units = logs.index.unique(0)
    fits = {}
    if isinstance(share, str):
        choose("share", share, ["estimated"])
        estimate, labour, fits = _estimate(logs, returns)
        if not 0 < estimate < 1:
            said = f"the estimated capital share is {estimate:.3f}, outside (0, 1): "
            warnings.warn(said + "it is no factor share", stacklevel=2)
        alpha, beta = (pd.Series(value, units) for value in (estimate, labour))
    else:
        if returns != "constant":
            problem = "an imposed capital share says nothing about labour under variable returns"
            raise MethodError(problem, expected="returns='constant' or share='estimated'")
        alpha = _per_unit(share, units, "the capital share")
        for unit, value in alpha.items():
            between(f"the capital share of {unit}", value, 0, 1, open_ends=True)
        beta = 1 - alpha
    capital, labour = (share.reindex(logs.index, level=0) for share in (alpha, beta))
    log_tfp = logs["output"] - capital * logs["capital"] - labour * logs["labour"]
    year = logs.index.get_level_values(1)
    tfp = np.exp(log_tfp - log_tfp[year == year.min()].mean()).rename("tfp")
    growth = log_tfp.groupby(level=0).diff().dropna().rename("growth")
    return _SolowResult(alpha, beta, logs, log_tfp.rename("log_tfp"), tfp, growth, fits)
