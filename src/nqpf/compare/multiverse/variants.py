"""Every way to measure new quality productive forces on one vintage of the panel."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from nqpf.compare.multiverse.productivity import (
    CHAINED,
    ESTIMATORS,
    HOLDS,
    CapitalRule,
    productivity,
)
from nqpf.data import Panel
from nqpf.data.panel import DEFAULT_VINTAGE
from nqpf.errors import DataError, MethodError
from nqpf.index import Recipe
from nqpf.index.normalise import ConstantIndicatorWarning
from nqpf.systems import IndicatorMatrix, System, available

__all__ = ["CAPITAL", "RECIPES", "Block", "Variants", "variants"]

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
        Names in :data:`nqpf.compare.multiverse.productivity.ESTIMATORS`; none for composites only.
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
