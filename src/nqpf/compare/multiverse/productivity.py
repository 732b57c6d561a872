"""Total factor productivity by every estimator and every rule for capital."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.data import Panel
from nqpf.errors import EstimationError, MethodError
from nqpf.tfp import perpetual_inventory, production, rebase, solow_residual
from nqpf.tfp.accounts import BASE
from nqpf.tfp.dea import malmquist
from nqpf.tfp.frontier import battese_coelli
from nqpf.tfp.sample import nearest
from nqpf.tfp.sbm import global_malmquist_luenberger

__all__ = [
    "CHAINED",
    "ESTIMATORS",
    "HOLDS",
    "VARIABLES",
    "CapitalRule",
    "capital_by",
    "productivity",
]

_KEY = ("province", "year")
_INPUTS = ["capital", "labour"]
_GREEN = ["energy", "so2_industrial"]
# Variables of the panel that enter.
VARIABLES = ("gdp", "gdp_index", "gfcf", "investment_price", "capital_stock", "employment", *_GREEN)
_PARTED, _WHOLE, _PARTING = 500000, 510000, 1996  # Chongqing left Sichuan


@dataclass(frozen=True)
class CapitalRule:
    """How investment becomes capital.

    Attributes
    ----------
    key : str
        Name in the identifiers of the variants.
    start : int
        Year of the first stock; 1952 or from 1996 on.
    depreciation : float
        Yearly rate in [0, 1).
    initial : {"share", "steady-state"}
        Rule of the first stock, see :func:`nqpf.tfp.perpetual_inventory`.
    """

    key: str
    start: int
    depreciation: float
    initial: str


def capital_by(panel: Panel, rule: CapitalRule) -> pd.Series:
    """Return the stock of capital by a rule, at the prices of 1952.

    At the first year 1952 and 9.6 % this is :func:`nqpf.tfp.capital_stock`,
    with Chongqing's capital parted from Sichuan's in 1996 in the same way.

    Parameters
    ----------
    panel : Panel
        Holds ``gfcf`` and ``investment_price``.
    rule : CapitalRule

    Returns
    -------
    Series indexed (province, year)
        100 million yuan at prices of 1952.

    Raises
    ------
    nqpf.errors.MethodError
        If the first year lies between 1953 and 1995, when Chongqing has no figures.
    """
    wide = panel.wide(["gfcf", "investment_price"]).dropna()
    years = wide.index.get_level_values("year")
    if years.min() < rule.start < _PARTING:
        raise MethodError(
            f"capital rule {rule.key!r} starts in {rule.start}",
            expected=f"{years.min()} or a year from {_PARTING} on",
        )
    wide = wide[years >= rule.start]
    if rule.start >= _PARTING:
        return _accumulate(wide, rule.depreciation, rule.initial)
    stock = _accumulate(wide.drop(_PARTED, level=0), rule.depreciation, rule.initial)
    pair = wide.loc[[_PARTED, _WHOLE]]
    pair = pair[pair.index.get_level_values("year") >= _PARTING]
    invested = pair["gfcf"].xs(_PARTING, level="year")
    before = stock[_WHOLE, _PARTING - 1] * invested / invested.sum()
    real = invested / pair["investment_price"].xs(_PARTING, level="year")
    after = _accumulate(pair, rule.depreciation, (1 - rule.depreciation) * before + real)
    kept = stock.drop(after.index, errors="ignore")
    return pd.concat([kept, after]).sort_index()


def _accumulate(wide: pd.DataFrame, rate: float, initial: str | pd.Series) -> pd.Series:
    return perpetual_inventory(wide["gfcf"], wide["investment_price"], rate, initial)


def _solow(share: float | str) -> Callable[[pd.DataFrame], pd.Series]:
    def measure(sample: pd.DataFrame) -> pd.Series:
        result = solow_residual(sample, share=share)
        alpha = float(result.alpha.iloc[0])
        if not 0 < alpha < 1:
            raise EstimationError(f"the estimated capital share {alpha:.3f} is no factor share")
        return result.tfp

    return measure


def _chained(changes: pd.Series, index: pd.MultiIndex) -> pd.Series:
    """Return products of yearly changes, 1 in the first year."""
    if changes.isna().any():
        raise EstimationError(f"{int(changes.isna().sum())} changes have no solution")
    return changes.reindex(index).fillna(1.0).groupby(level=0).cumprod()


def _yearly_frontier(sample: pd.DataFrame) -> pd.Series:
    result = malmquist(sample.reset_index(), _INPUTS, ["output"], *_KEY)
    return _chained(result.indices["tfpch"], sample.index)


def _global_frontier(sample: pd.DataFrame) -> pd.Series:
    found = malmquist(sample.reset_index(), _INPUTS, ["output"], *_KEY, reference="global")
    return found.scores["crs_global"]


def _green(sample: pd.DataFrame) -> pd.Series:
    inputs = [*_INPUTS, "energy"]
    complete = sample.dropna(subset=_GREEN)
    return global_malmquist_luenberger(complete, inputs, ["output"], ["so2_industrial"]).scores[
        "global"
    ]


def _stochastic_frontier(sample: pd.DataFrame) -> pd.Series:
    result = battese_coelli(sample, "output", _INPUTS, *_KEY, trend="neutral")
    if not result.convergence.converged:
        raise EstimationError("the search for the frontier did not converge")
    return _chained(np.exp(result.decomposition()["tfp"]), sample.index)


# Each takes the sample of the production function and returns a positive level.
ESTIMATORS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "solow-0.4": _solow(0.4),
    "solow-0.5": _solow(0.5),
    "solow-0.6": _solow(0.6),
    "solow-estimated": _solow("estimated"),
    "malmquist-yearly": _yearly_frontier,
    "malmquist-global": _global_frontier,
    "luenberger-green": _green,
    "battese-coelli": _stochastic_frontier,
}
# Chained from 1 in the first year of every province: no level to compare across provinces.
CHAINED = frozenset({"malmquist-yearly", "battese-coelli"})
# Indicators that an estimator holds in substance, so that relating it to them is circular.
HOLDS = {name: ("labour_productivity",) for name in ESTIMATORS} | {
    "luenberger-green": (
        "labour_productivity",
        "energy_intensity",
        "so2_intensity",
        "industrial_so2_intensity",
    )
}


def productivity(
    panel: Panel, vintage: str, estimators: Sequence[str], rules: Sequence[CapitalRule]
) -> tuple[dict[tuple[str, str], pd.Series], list[tuple[str, str, str]]]:
    """Return the level of productivity by estimator and capital rule.

    Parameters
    ----------
    panel : Panel
    vintage : str
        Vintage of the national accounts.
    estimators : sequence of str
        Names in :data:`ESTIMATORS`.
    rules : sequence of CapitalRule

    Returns
    -------
    levels : dict by (estimator, key of the rule)
        Series indexed (province, year), positive.
    dropped : list of (estimator, key of the rule, reason)
        Pairs that cannot be estimated.

    Raises
    ------
    nqpf.errors.MethodError
        If an estimator is unknown or two rules share a key.
    """
    for name in estimators:
        if name not in ESTIMATORS:
            raise MethodError(
                f"unknown estimator {name!r}",
                expected="one of " + ", ".join(ESTIMATORS),
                hint=nearest(name, ESTIMATORS),
            )
    if len({rule.key for rule in rules}) < len(rules):
        raise MethodError("two capital rules share a key", expected="keys that all differ")
    first = int(panel.wide(["gdp"], vintage=vintage).dropna().index.unique("year").min())
    base = max(BASE, first)  # prices of a year that the vintage reaches
    accounts = production(panel, base=base, vintage=vintage).join(panel.wide(_GREEN))
    price = panel.wide(["investment_price"])["investment_price"].dropna()
    levels, dropped = {}, []
    for rule in rules:
        stock = rebase(capital_by(panel, rule), price, base)
        sample = accounts.assign(capital=stock.reindex(accounts.index))
        for name in estimators:
            try:
                levels[name, rule.key] = _level(name, sample)
            except EstimationError as error:
                dropped.append((name, rule.key, str(error)))
    return levels, dropped


def _level(name: str, sample: pd.DataFrame) -> pd.Series:
    with warnings.catch_warnings():
        # An estimated share outside (0, 1) is refused above instead.
        warnings.filterwarnings("ignore", message="the estimated capital share")
        return ESTIMATORS[name](sample).rename(name)
