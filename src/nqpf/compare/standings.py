"""Where every province stands in every year, by every system, weighting and aggregation."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.checks import whole
from nqpf.compare.certainty import _DIGITS, _bounds, _plan, _random, _scores
from nqpf.compare.declaration import _Declaration
from nqpf.compare.measures import _TFP, _log_tfp
from nqpf.compare.variants import _CHAINED, _productivity
from nqpf.data.export import _missing
from nqpf.data.panel import _VINTAGE, Panel
from nqpf.errors import DataError, MethodError
from nqpf.index.normalise import _IndexWarning
from nqpf.index.recipe import Index, Recipe
from nqpf.systems.system import IndicatorMatrix, System, available

_WEIGHTINGS = ("entropy", "ahp_entropy", "variation", "critic", "equal", "pursuit")
_AGGREGATIONS = ("linear", "topsis", "vikor", "coupling", "geometric")
# As in the chapter on certainty: 2 % of error in every figure, weights changed by a quarter; a
# geometric mean would be zero too often.
_DRAWN = {"aggregate": ["topsis", "linear", "vikor"], "error": 0.02, "perturb": 0.25}
_LEVEL = 0.9
_KEY = ["province", "year"]
_MEASURE = ["system", "weights", "aggregate"]


def _intervals(matrix: IndicatorMatrix, draws: int) -> pd.DataFrame:
    """Return how far each province's rank varies over draws, in every year.

    A draw of :func:`nqpf.compare.uncertainty` scores all rows of the matrix and keeps one year;
    this keeps them all. By (province, year): ``lower``, ``median`` and ``upper``, ranks that occur.
    """
    plan = _plan(matrix, 0, **_DRAWN)
    scores = _scores(plan, _random(plan, whole("draws", draws, 1)), every=True)
    frame = pd.DataFrame(scores.T, plan.rows).round(_DIGITS)
    ranks = frame.groupby(level="year").rank(ascending=False, method="min")
    return _bounds(ranks.to_numpy().T, plan.rows, _LEVEL).sort_index()


@dataclass(frozen=True, eq=False, repr=False)
class _Standings:
    """Scores, ranks and intervals of ranks, made by :func:`standings`.

    Attributes
    ----------
    scores : DataFrame
        On (province, year), a column per (system, weights, aggregate); TFP
        is the column (``tfp``, "", ""), the log of its level. Missing where a
        system lacks a figure.
    ranks : DataFrame of Int64
        In the same shape: the rank within the year among the provinces that
        the system covers, 1 for the highest score.
    weights : DataFrame
        By (system, indicator), a column per weighting that the system has.
    normalised : dict of str to DataFrame
        By system: normalised values on (province, year), more is better.
    matrices : dict of str to IndicatorMatrix
        By system: the indicators before normalisation.
    intervals : DataFrame of int
        By (system, province, year): ``lower``, ``median`` and ``upper`` rank.
        Of a system: the central share `level` of the draws. Of TFP: the least
        and the largest rank over `variants`.
    refused : DataFrame
        ``system``, ``weights``, ``aggregate`` and ``reason`` of combinations
        that are not computed.
    own : dict of str to (str, str)
        By system: weighting and aggregation that the study uses, or the
        book's default where the survey states none.
    draws : int
    level : float
    variants : tuple of (str, str)
        Estimators of TFP and rules for capital behind its intervals.
    """

    scores: pd.DataFrame
    ranks: pd.DataFrame
    weights: pd.DataFrame
    normalised: dict[str, pd.DataFrame]
    matrices: dict[str, IndicatorMatrix]
    intervals: pd.DataFrame
    refused: pd.DataFrame
    own: dict[str, tuple[str, str]]
    draws: int
    level: float
    variants: tuple[tuple[str, str], ...]

    def of(
        self, system: str, weights: str | None = None, aggregate: str | None = None
    ) -> pd.DataFrame:
        """Return one measure with the interval of its system.

        Parameters
        ----------
        system : str
            Key of a system, or ``tfp``.
        weights, aggregate : str or None
            Those of the study when None.

        Returns
        -------
        DataFrame indexed (province, year)
            ``score``, ``rank``, ``lower``, ``median`` and ``upper``.

        Raises
        ------
        nqpf.errors.MethodError
            If there is no such measure; the message gives the reason if it was refused.
        """
        own = self.own.get(system, ("", ""))
        key = (system, own[0] if weights is None else weights, aggregate or own[1])
        if key not in self.scores.columns:
            why = self.refused.set_index(_MEASURE)["reason"].get(key)
            problem = f"no measure {', '.join(key)}" + (f": {why}" if why else "")
            known = ", ".join(self.scores.columns[0])
            raise MethodError(problem, expected=f"a column of scores, such as {known}")
        frame = pd.DataFrame({"score": self.scores[key], "rank": self.ranks[key]}).dropna()
        return frame.astype({"rank": "int64"}).join(self.intervals.loc[system])

    def __repr__(self) -> str:
        n, rows = self.scores.shape[1], len(self.scores)
        lost = len(self.refused)
        return f"<Standings of {n} measures on {rows} province-years, {lost} combinations refused>"


def standings(
    panel: Panel,
    systems: Sequence[str] | None = None,
    *,
    weights: Sequence[str] = _WEIGHTINGS,
    aggregate: Sequence[str] = _AGGREGATIONS,
    draws: int = 2_000,
    vintage: str = _VINTAGE,
) -> _Standings:
    """Score and rank all provinces in all years by every measure that can be made.

    Each system is normalised as its card says, on its own complete sample, and
    combined with every weighting and aggregation; the recipes of its card are
    always among them. Intervals follow the chapter on the certainty of ranks: the central 90 % of
    draws over normalisation, weights and aggregation (TOPSIS, linear, VIKOR), the omission
    of one indicator, weights changed by up to a quarter and a measurement
    error of 2 %. They belong to a system and not to one of its recipes.

    Parameters
    ----------
    panel : Panel
        Official figures.
    systems : sequence of str or None
        Keys of the systems; all that have a card when None.
    weights, aggregate : sequence of str
        Methods to combine; empty ones leave the recipes of the cards.
    draws : int
        Draws behind the intervals of a system.
    vintage : str
        Vintage of the national accounts.

    Returns
    -------
    Standings
        ``scores``, ``ranks``, ``weights``, ``normalised``, ``matrices``, ``intervals`` and
        ``refused``; ``of(system, weights, aggregate)`` gives one measure.

    Raises
    ------
    nqpf.errors.MethodError
        If a method is unknown or needs options, or `draws` is below one.
    nqpf.errors.SampleError
        If a system has no complete province-year.

    Notes
    -----
    Not computed, with the reason in ``refused``: what a recipe refuses, projection
    pursuit joined by anything but a sum, and a geometric or harmonic mean where
    a normalised value is zero. Systems with the same figures share their draws, and their
    scores where the division into dimensions does not enter.
    """
    found = {key: System.load(key) for key in (available() if systems is None else systems)}
    matrices = {key: one.evaluate(panel, vintage=vintage) for key, one in found.items()}
    scores, ranks, refused, bounds = {}, {}, [], {}
    tables: dict[str, pd.DataFrame] = {}
    normalised: dict[str, pd.DataFrame] = {}
    shared: dict[tuple[str, Recipe], Index] = {}
    for key, one in found.items():
        matrix, vectors = matrices[key], {}
        twin = next(other for other in matrices if _same(matrices[other], matrix))
        for recipe in _recipes(one, weights, aggregate):
            name = (key, recipe.weights, recipe.aggregate)
            own = (key if recipe.aggregate == "coupling" else twin, recipe)
            try:
                if own not in shared:
                    shared[own] = _fit(recipe, matrix)
            except (MethodError, DataError) as error:
                refused.append((*name, error.problem))
                continue
            index = shared[own]
            scores[name], ranks[name] = index.scores, index.rank()
            vectors[recipe.weights] = index.weights
            normalised[key] = index.normalised
        tables[key] = pd.DataFrame(vectors)
        bounds[key] = bounds[twin] if twin in bounds else _intervals(matrix, draws)
    tfp = (_TFP, "", "")
    scores[tfp] = _log_tfp(panel, vintage)
    ranks[tfp] = _ranked(scores[tfp])
    bounds[_TFP], variants = _tfp_bounds(panel, vintage, ranks[tfp].index)
    return _Standings(
        scores=_columns(scores),
        ranks=_columns(ranks).astype("Int64"),
        weights=pd.concat(tables, names=["system", "indicator"]) if tables else pd.DataFrame(),
        normalised=normalised,
        matrices=matrices,
        intervals=pd.concat(bounds, names=["system", *_KEY]),
        refused=pd.DataFrame(refused, columns=[*_MEASURE, "reason"], dtype="str"),
        own={key: (one.recipe["weights"], one.recipe["aggregate"]) for key, one in found.items()},
        draws=int(draws),
        level=_LEVEL,
        variants=variants,
    )


def _recipes(system: System, weights: Sequence[str], join: Sequence[str]) -> list[Recipe]:
    """Return the recipes to try: the card's under its default normalisation, then the others."""
    how = system.recipe["normalise"]
    own = [(r["weights"], r["aggregate"]) for r in system.recipes if r["normalise"] == how]
    every = [*own, *((one, other) for one in weights for other in join)]
    return [Recipe(how, one, other) for one, other in dict.fromkeys(every)]


def _fit(recipe: Recipe, matrix: IndicatorMatrix) -> Index:
    """Return the index, or raise with the reason why the methods do not fit each other."""
    if recipe.weights == "pursuit" and recipe.aggregate != "linear":
        raise MethodError("a projection is a weighted sum by definition")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", _IndexWarning)
        index = recipe.fit(matrix)
    if recipe.aggregate not in ("geometric", "harmonic"):
        return index
    used = index.normalised.loc[:, index.weights > 0]
    zeros = int((used == 0).any(axis=1).sum())
    if zeros:
        raise MethodError(
            f"one zero makes the whole mean zero: {zeros} of {len(used)} province-years hold one"
        )
    return index


def _same(one: IndicatorMatrix, other: IndicatorMatrix) -> bool:
    """Return whether two matrices hold the same figures; dimensions do not enter a draw."""
    return one.values.equals(other.values) and one.benefit.equals(other.benefit)


def _ranked(levels: pd.Series) -> pd.Series:
    return levels.groupby(level="year").rank(ascending=False, method="min").astype("int64")


def _tfp_bounds(
    panel: Panel, vintage: str, rows: pd.MultiIndex
) -> tuple[pd.DataFrame, tuple[tuple[str, str], ...]]:
    """Return the range of ranks over levels of TFP that cover every row, and which they are."""
    declared = _Declaration.load()
    levels = [name for name in declared.estimators if name not in _CHAINED]
    made, _ = _productivity(panel, vintage, levels, declared.grid.measures.capital)
    own = {name: one for name, one in made.items() if one.index.symmetric_difference(rows).empty}
    ranks = np.array([_ranked(level).loc[rows] for level in own.values()])
    return _bounds(ranks, rows, 1), tuple(own)


def _columns(series: dict[tuple[str, str, str], pd.Series]) -> pd.DataFrame:
    frame = pd.concat(series, axis=1).sort_index()
    frame.columns = pd.MultiIndex.from_tuples(series, names=_MEASURE)
    return frame.rename_axis(index=_KEY)


def _rank_changes(key: str, before: Panel, after: Panel, years: Iterable[int]) -> str:
    """Say how figures change the ranks of a system in some years, line by line."""
    system = System.load(key)
    old, new = (Recipe(**system.recipe).fit(system.evaluate(one)) for one in (before, after))
    lines = [f"ranks by {key}, before -> after:"]
    for year in years:
        if year not in new.years:
            absent = sorted({*_missing(system.variables, year, after)["variable"]})
            lines.append(f"  {year}: no province has every variable; missing: {', '.join(absent)}")
            continue
        ranks = pd.DataFrame({"after": new.rank(year)})
        ranks["before"] = old.rank(year) if year in old.years else float("nan")
        moved = ranks[ranks["before"] != ranks["after"]]
        names = [
            f"{provinces.name(code, 'both')} {'-' if pd.isna(row.before) else int(row.before)}"
            f" -> {row.after:.0f}"
            for code, row in moved.iterrows()
        ]
        lines.append(f"  {year}: {len(moved)} of {len(ranks)} ranks change")
        lines += [f"    {', '.join(names[i : i + 4])}" for i in range(0, len(names), 4)]
    return "\n".join(lines)
