"""Every way to measure new quality productive forces on one vintage of the panel."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from nqpf.data.panel import _VINTAGE, Panel
from nqpf.errors import DataError, EstimationError, MethodError
from nqpf.index.normalise import _IndexWarning
from nqpf.index.recipe import Recipe
from nqpf.systems.study import _Strict, _Text
from nqpf.systems.system import System, available
from nqpf.tfp import accounts
from nqpf.tfp.accounts import perpetual_inventory, production, solow_residual
from nqpf.tfp.dea import malmquist
from nqpf.tfp.frontier import battese_coelli
from nqpf.tfp.sbm import global_malmquist_luenberger

_KEY = ("province", "year")
_INPUTS = ["capital", "labour"]
_GREEN = ["energy", "so2_industrial"]
# Variables of the panel that enter.
_VARIABLES = ("gdp", "gdp_index", "gfcf", "investment_price", "capital_stock", "employment")
_VARIABLES += tuple(_GREEN)
_PARTING = 1996  # Chongqing left Sichuan


class _CapitalRule(_Strict):
    """How investment becomes capital, and why.

    `start` is the year of the first stock, `depreciation` a yearly rate, `initial` the rule of the
    first stock of :func:`nqpf.tfp.accounts.perpetual_inventory`.
    """

    key: _Text
    why: _Text
    start: int
    depreciation: float = Field(ge=0, lt=1)
    initial: Literal["share", "steady-state"]


def _capital_by(panel: Panel, rule: _CapitalRule) -> pd.Series:
    """Return the stock of capital by a rule, at the prices of 1952.

    At the first year 1952 and 9.6 % this is :func:`nqpf.tfp.capital_stock`,
    with Chongqing's capital parted from Sichuan's in 1996 in the same way.

    Parameters
    ----------
    panel : Panel
        Holds ``gfcf`` and ``investment_price``.
    rule : _CapitalRule

    Returns
    -------
    Series indexed (province, year)
        100 million yuan at prices of 1952.

    Raises
    ------
    nqpf.errors.MethodError
        If the first year lies between 1953 and 1995, when Chongqing has no figures.

    Examples
    --------
    The parted stocks of 1996 add up to what Sichuan's of 1995 and the investment of both leave.

    >>> panel = Panel.load(extra=False)
    >>> about = {"why": "an example", "initial": "share", "depreciation": 0.1096}
    >>> stock = _capital_by(panel, _CapitalRule(key="a", start=1952, **about))
    >>> wide = panel.wide(["gfcf", "investment_price"]).dropna()
    >>> whole = wide.drop(500000, level="province")
    >>> before = perpetual_inventory(whole["gfcf"], whole["investment_price"], 0.1096)
    >>> real = (wide["gfcf"] / wide["investment_price"]).xs(1996, level="year")
    >>> both = (1 - 0.1096) * before[510000, 1995] + real[500000] + real[510000]
    >>> bool(abs(stock[500000, 1996] + stock[510000, 1996] - both) < 1e-9 * both)
    True
    """
    wide = panel.wide(["gfcf", "investment_price"]).dropna()
    years = wide.index.get_level_values("year")
    if years.min() < rule.start < _PARTING:
        problem = f"capital rule {rule.key!r} starts in {rule.start}"
        raise MethodError(problem, expected=f"{years.min()} or a year from {_PARTING} on")
    rate = rule.depreciation

    def accumulate(rows: pd.DataFrame) -> pd.Series:
        return perpetual_inventory(rows["gfcf"], rows["investment_price"], rate, rule.initial)

    wide = wide[years >= rule.start]
    if rule.start >= _PARTING:
        return accumulate(wide)
    stock = accumulate(wide.drop(accounts._PART, level=0))
    return accounts._divide(stock, wide, _PARTING, rate).sort_index()


def _base_year(panel: Panel, vintage: str) -> int:
    """Return a year of prices that the vintage reaches, the usual one where it does."""
    years = panel.wide(["gdp"], vintage=vintage).dropna().index.unique("year")
    return max(accounts._BASE, int(years.min()))


_ESTIMATORS = ("solow-0.4", "solow-0.5", "solow-0.6", "solow-estimated")
_ESTIMATORS += ("malmquist-yearly", "malmquist-global", "luenberger-green", "battese-coelli")
# Chained from 1 in the first year of every province: no level to compare across provinces.
_CHAINED = frozenset({"malmquist-yearly", "battese-coelli"})
# Indicators that an estimator holds in substance, so that relating it to them is circular.
_HOLDS = dict.fromkeys(_ESTIMATORS, ("labour_productivity",))
_HOLDS["luenberger-green"] += ("energy_intensity", "so2_intensity", "industrial_so2_intensity")


def _level(name: str, sample: pd.DataFrame) -> pd.Series:
    """Return a positive level of productivity on the sample of the production function."""
    kind, _, share = name.partition("-")
    if kind == "solow":
        result = solow_residual(sample, share=share if share == "estimated" else float(share))
        alpha = float(result.alpha.iloc[0])
        if not 0 < alpha < 1:
            raise EstimationError(f"the estimated capital share {alpha:.3f} is no factor share")
        return result.tfp
    rows = sample.reset_index()
    if name == "malmquist-global":
        found = malmquist(rows, _INPUTS, ["output"], *_KEY, reference="global")
        return found.scores["crs_global"]
    if name == "luenberger-green":
        inputs, complete = [*_INPUTS, "energy"], sample.dropna(subset=_GREEN)
        found = global_malmquist_luenberger(complete, inputs, ["output"], ["so2_industrial"])
        return found.scores["global"]
    if name == "malmquist-yearly":
        changes = malmquist(rows, _INPUTS, ["output"], *_KEY).indices["tfpch"]
    else:
        result = battese_coelli(sample, "output", _INPUTS, *_KEY, trend="neutral")
        if not result.convergence.converged:
            raise EstimationError("the search for the frontier did not converge")
        changes = np.exp(result.decomposition()["tfp"])
    if changes.isna().any():
        raise EstimationError(f"{int(changes.isna().sum())} changes have no solution")
    # Products of yearly changes, 1 in the first year.
    return changes.reindex(sample.index).fillna(1.0).groupby(level=0).cumprod()


def _productivity(
    panel: Panel, vintage: str, estimators: Sequence[str], rules: Sequence[_CapitalRule]
) -> tuple[dict[tuple[str, str], pd.Series], list[tuple[str, str, str]]]:
    """Return the level of productivity by estimator and capital rule.

    Parameters
    ----------
    panel : Panel
    vintage : str
        Vintage of the national accounts.
    estimators : sequence of str
        Names in :data:`_ESTIMATORS`.
    rules : sequence of _CapitalRule

    Returns
    -------
    levels : dict by (estimator, key of the rule)
        Series indexed (province, year), positive.
    dropped : list of (estimator, key of the rule, reason)
        Pairs that cannot be estimated.
    """
    base = _base_year(panel, vintage)
    known = production(panel, base=base, vintage=vintage).join(panel.wide(_GREEN))
    price = panel.wide(["investment_price"])["investment_price"].dropna()
    levels, dropped = {}, []
    for rule in rules:
        stock = accounts._rebase(_capital_by(panel, rule), price, base)
        sample = known.assign(capital=stock.reindex(known.index))
        for name in estimators:
            try:
                with warnings.catch_warnings():
                    # An estimated share outside (0, 1) is refused by the estimator instead.
                    warnings.filterwarnings("ignore", message="the estimated capital share")
                    levels[name, rule.key] = _level(name, sample).rename(name)
            except EstimationError as error:
                dropped.append((name, rule.key, str(error)))
    return levels, dropped


_COLUMNS = ["kind", "system", "normalise", "weights", "aggregate", "estimator", "capital"]
_COLUMNS += ["same_as", "chained"]


@dataclass(frozen=True, eq=False)
class _Variants:
    """Measures of new quality productive forces, one column each.

    Attributes
    ----------
    vintage : str
        Vintage of the national accounts.
    values : DataFrame indexed (province, year)
        One column per variant, NaN where a variant has no figure; more is
        better. Composite scores, or levels of productivity.
    choices : DataFrame by variant
        ``kind`` (composite or tfp), ``system``, ``normalise``, ``weights``,
        ``aggregate``, ``estimator`` and ``capital``, empty where a choice does
        not arise; ``same_as``, the earlier variant made of the same indicators
        in the same way, empty for most; ``chained``, True where every province
        starts at 1, so that levels do not compare across provinces.
    holds : DataFrame of bool, variant by indicator
        Indicators that enter a variant. TFP holds labour productivity in
        substance.
    dropped : DataFrame
        ``variant`` and ``reason`` of what cannot be computed.
    """

    vintage: str
    values: pd.DataFrame
    choices: pd.DataFrame
    holds: pd.DataFrame
    dropped: pd.DataFrame


def _variants(
    panel: Panel,
    vintage: str = _VINTAGE,
    systems: Sequence[str] | None = None,
    recipes: Sequence[tuple[str, str, str]] = (),
    estimators: Sequence[str] = (),
    capital: Sequence[_CapitalRule] = (),
) -> _Variants:
    """Compute every variant of the measure on one vintage.

    Each variant is computed on its own complete sample, as a study would; rows
    are joined by province and year and nothing is filled.

    Parameters
    ----------
    panel : Panel
        Official figures.
    vintage : str
        Vintage of the national accounts.
    systems : sequence of str or None
        Keys of the systems; all that have a card when None.
    recipes : sequence of (normalise, weights, aggregate)
        Such as :attr:`Declaration.recipes`. What does not fit together is not computed but
        listed in ``dropped``.
    estimators : sequence of str
        Estimators of TFP, such as :attr:`Declaration.estimators`.
    capital : sequence of capital rules
        Crossed with the estimators.

    Returns
    -------
    Variants

    Raises
    ------
    nqpf.errors.MethodError
        If nothing can be computed.

    Notes
    -----
    Open data give four systems the same indicators; counted four times their scores would look
    like four votes. ``same_as`` names the first measure of the same content: the set of
    indicators, and their division into dimensions where coupling reads it. Content is compared,
    not digits, so that nothing that differs is dropped.

    Examples
    --------
    >>> recipes = [("zscore", "equal", "linear"), ("zscore", "equal", "geometric")]
    >>> few = _variants(Panel.load(extra=False), systems=["lu-guo-2024"], recipes=recipes)
    >>> list(few.values), few.dropped["variant"].tolist()
    (['lu-guo-2024/zscore/equal/linear'], ['lu-guo-2024/zscore/equal/geometric'])
    """
    keys = available() if systems is None else list(systems)
    values, rows, holds, dropped = _composites(panel, vintage, keys, recipes)
    levels, absent = _productivity(panel, vintage, estimators, capital) if estimators else ({}, [])
    for (name, rule), series in levels.items():
        variant = f"tfp/{name}/{rule}"
        values[variant], holds[variant] = series, _HOLDS[name]
        rows[variant] = ("tfp", "", "", "", "", name, rule, "", name in _CHAINED)
    dropped += [(f"tfp/{name}/{rule}", reason) for name, rule, reason in absent]
    if not values:
        raise MethodError("no variant can be computed", hint=dropped[0][1] if dropped else None)
    indicators = sorted({key for held in holds.values() for key in held})
    held = {name: [key in one for key in indicators] for name, one in holds.items()}
    by_variant = partial(pd.DataFrame.from_dict, orient="index")
    return _Variants(
        vintage,
        values=pd.concat(values, axis=1).sort_index().rename_axis(columns="variant"),
        choices=by_variant(rows, columns=_COLUMNS).rename_axis("variant"),
        holds=by_variant(held, columns=indicators).rename_axis("variant", columns="indicator"),
        dropped=pd.DataFrame(dropped, columns=["variant", "reason"]),
    )


def _composites(
    panel: Panel, vintage: str, systems: Sequence[str], recipes: Sequence[tuple[str, str, str]]
) -> tuple[dict, dict, dict, list]:
    """Return scores, choices and indicators by variant, and what was dropped."""
    values, rows, holds, dropped = {}, {}, {}, []
    first: dict[object, str] = {}
    for key in systems:
        system = System.load(key)
        names = {"/".join((key, *methods)): methods for methods in recipes}
        try:
            matrix = system.evaluate(panel, vintage=vintage)
        except DataError as error:
            dropped += [(variant, str(error)) for variant in names]
            continue
        dimension = system.dimension
        parts = frozenset(frozenset(one) for one in dimension.groupby(dimension).groups.values())
        for variant, methods in names.items():
            # Only coupling reads how the indicators are divided into dimensions.
            content = (parts if methods[2] == "coupling" else frozenset(dimension.index), methods)
            twin = first.get(content, "")
            try:
                # One warning per recipe would say the same of one indicator many times.
                with warnings.catch_warnings(action="ignore", category=_IndexWarning):
                    values[variant] = values[twin] if twin else Recipe(*methods).fit(matrix).scores
            except MethodError as error:
                dropped.append((variant, str(error)))
                continue
            first.setdefault(content, variant)
            rows[variant] = ("composite", key, *methods, "", "", twin, False)
            holds[variant] = tuple(system.indicators)
    return values, rows, holds, dropped
