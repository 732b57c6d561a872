"""Every way to measure new quality productive forces on one vintage of the panel."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.data.panel import DEFAULT_VINTAGE, Panel
from nqpf.errors import DataError, EstimationError, MethodError
from nqpf.index.normalise import ConstantIndicatorWarning
from nqpf.index.recipe import Recipe
from nqpf.sample import nearest
from nqpf.systems.system import IndicatorMatrix, System, available
from nqpf.tfp.accounts import _BASE, _rebase, perpetual_inventory, production
from nqpf.tfp.dea import malmquist
from nqpf.tfp.frontier import battese_coelli
from nqpf.tfp.sbm import global_malmquist_luenberger
from nqpf.tfp.solow import solow_residual

__all__ = [
    "Block",
    "CAPITAL",
    "CHAINED",
    "CapitalRule",
    "ESTIMATORS",
    "HOLDS",
    "RECIPES",
    "VARIABLES",
    "Variants",
    "capital_by",
    "productivity",
    "variants",
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
        Rule of the first stock, see :func:`nqpf.tfp.accounts.perpetual_inventory`.
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
    base = max(_BASE, first)  # prices of a year that the vintage reaches
    accounts = production(panel, base=base, vintage=vintage).join(panel.wide(_GREEN))
    price = panel.wide(["investment_price"])["investment_price"].dropna()
    levels, dropped = {}, []
    for rule in rules:
        stock = _rebase(capital_by(panel, rule), price, base)
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


_CHOICES = ["kind", "system", "normalise", "weights", "aggregate", "estimator", "capital"]


@dataclass(frozen=True)
class Block:
    """A normalisation with the weights and the aggregations that are crossed under it.

    Attributes
    ----------
    normalise : str
    weights, aggregate : tuple of str
        Names in the registries of :mod:`nqpf.index`.
    """

    normalise: str
    weights: tuple[str, ...]
    aggregate: tuple[str, ...]

    def combinations(self) -> list[tuple[str, str, str]]:
        """Return every recipe of the block."""
        return list(itertools.product([self.normalise], self.weights, self.aggregate))

    def check(self) -> None:
        """Raise MethodError for an unknown method; whether methods fit together is not asked."""
        Recipe(self.normalise, "equal", "linear")
        for name in self.weights:
            Recipe("minmax", name, "linear")
        for name in self.aggregate:
            Recipe("minmax", "equal", name)


# data/multiverse/grid.yaml says why these and no others.
RECIPES = (
    Block(
        "minmax",
        ("entropy", "ahp_entropy", "variation", "critic", "equal"),
        ("linear", "topsis", "coupling"),
    ),
    Block("minmax", ("pursuit",), ("linear",)),
    Block("zscore", ("critic", "equal"), ("linear", "topsis")),
)
CAPITAL = (
    CapitalRule("1952-9.6", 1952, 0.096, "share"),
    CapitalRule("1952-10.96", 1952, 0.1096, "share"),
    CapitalRule("2000-9.6", 2000, 0.096, "steady-state"),
    CapitalRule("2000-10.96", 2000, 0.1096, "steady-state"),
)


@dataclass(frozen=True, eq=False)
class Variants:
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

    def _repr_html_(self) -> str:
        return self.choices.to_html()


def variants(
    panel: Panel,
    vintage: str = DEFAULT_VINTAGE,
    systems: Sequence[str] | None = None,
    recipes: Sequence[Block] = RECIPES,
    estimators: Sequence[str] = tuple(ESTIMATORS),
    capital: Sequence[CapitalRule] = CAPITAL,
) -> Variants:
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
    recipes : sequence of Block
        What does not fit together is not computed but listed in ``dropped``.
    estimators : sequence of str
        Names in :data:`nqpf.compare.variants.ESTIMATORS`; none for composites only.
    capital : sequence of CapitalRule
        Crossed with the estimators.

    Returns
    -------
    Variants

    Raises
    ------
    nqpf.errors.MethodError
        If a method or an estimator is unknown, or nothing is asked for.

    Examples
    --------
    >>> panel = Panel.load(extra=False)
    >>> few = variants(
    ...     panel,
    ...     systems=["lu-guo-2024"],
    ...     recipes=[Block("zscore", ("equal",), ("linear", "geometric"))],
    ...     estimators=["solow-0.5"],
    ...     capital=CAPITAL[:1],
    ... )
    >>> list(few.values)
    ['lu-guo-2024/zscore/equal/linear', 'tfp/solow-0.5/1952-9.6']
    >>> few.dropped["variant"].tolist()
    ['lu-guo-2024/zscore/equal/geometric']
    """
    keys = available() if systems is None else list(systems)
    values, rows, holds, dropped = _composites(panel, vintage, keys, recipes)
    levels, absent = productivity(panel, vintage, estimators, capital) if estimators else ({}, [])
    for (name, rule), series in levels.items():
        variant = f"tfp/{name}/{rule}"
        values[variant] = series
        rows[variant] = ("tfp", "", "", "", "", name, rule, "", name in CHAINED)
        holds[variant] = HOLDS[name]
    dropped += [(f"tfp/{name}/{rule}", reason) for name, rule, reason in absent]
    if not values:
        raise MethodError(
            "no variant can be computed",
            expected="systems and recipes, or estimators and capital rules",
            hint=dropped[0][1] if dropped else None,
        )
    return _assembled(vintage, values, rows, holds, dropped)


def _assembled(
    vintage: str,
    values: dict[str, pd.Series],
    rows: dict[str, tuple],
    holds: dict[str, tuple[str, ...]],
    dropped: list[tuple[str, str]],
) -> Variants:
    """Join the variants by province and year and lay out what is known of each."""
    index = pd.Index(list(values), name="variant")
    columns = [*_CHOICES, "same_as", "chained"]
    indicators = sorted({key for held in holds.values() for key in held})
    return Variants(
        vintage=vintage,
        values=pd.concat(values, axis=1).sort_index().rename_axis(columns="variant"),
        choices=pd.DataFrame(list(rows.values()), index=index, columns=columns),
        holds=pd.DataFrame(
            [[key in held for key in indicators] for held in holds.values()],
            index=index,
            columns=pd.Index(indicators, name="indicator"),
        ),
        dropped=pd.DataFrame(dropped, columns=["variant", "reason"]),
    )


def _composites(
    panel: Panel,
    vintage: str,
    systems: Sequence[str],
    recipes: Sequence[Block],
) -> tuple[dict, dict, dict, list]:
    """Return scores, choices and indicators by variant, and what was dropped."""
    for block in recipes:
        block.check()
    combinations = [methods for block in recipes for methods in block.combinations()]
    values, rows, holds, dropped = {}, {}, {}, []
    first: dict[object, str] = {}
    for key in systems:
        system = System.load(key)
        names = {"/".join((key, *methods)): methods for methods in combinations}
        try:
            matrix = system.evaluate(panel, vintage=vintage)
        except DataError as error:
            dropped += [(variant, str(error)) for variant in names]
            continue
        for variant, methods in names.items():
            content = (_content(system, methods[2]), methods)
            twin = first.get(content, "")
            try:
                values[variant] = values[twin] if twin else _scores(matrix, *methods)
            except MethodError as error:
                dropped.append((variant, str(error)))
                continue
            first.setdefault(content, variant)
            rows[variant] = ("composite", key, *methods, "", "", twin, False)
            holds[variant] = tuple(system.indicators)
    return values, rows, holds, dropped


def _scores(matrix: IndicatorMatrix, normalise: str, weights: str, aggregate: str) -> pd.Series:
    recipe = Recipe(normalise, weights, aggregate)
    with warnings.catch_warnings():
        # One warning per recipe would say of one indicator the same thing many times.
        warnings.simplefilter("ignore", ConstantIndicatorWarning)
        return recipe.fit(matrix).scores


def _content(system: System, aggregate: str) -> frozenset:
    """Return what a score is made of: the indicators, in dimensions where these matter."""
    if aggregate != "coupling":
        return frozenset(system.indicators)
    dimension = system.dimension
    return frozenset(frozenset(group) for group in dimension.groupby(dimension).groups.values())
