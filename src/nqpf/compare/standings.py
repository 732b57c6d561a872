"""Where every province stands in every year, by every system, weighting and aggregation."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pandas as pd

from nqpf.compare import certainty as _draws
from nqpf.compare.certainty import AGGREGATE, NORMALISE, WEIGHTS, Error, design
from nqpf.compare.measures import TFP, log_tfp
from nqpf.compare.variants import CAPITAL, CHAINED, ESTIMATORS, productivity
from nqpf.data.panel import DEFAULT_VINTAGE, Panel
from nqpf.errors import DataError, MethodError
from nqpf.index.normalise import ConstantIndicatorWarning
from nqpf.index.recipe import Index, Recipe
from nqpf.systems.system import IndicatorMatrix, System, available

__all__ = ["AGGREGATIONS", "DRAWN", "Standings", "WEIGHTINGS", "standings", "yearly_intervals"]


def yearly_intervals(
    matrix: IndicatorMatrix,
    draws: int = 2_000,
    seed: int = 0,
    *,
    normalise: str | Sequence[str] = NORMALISE,
    weights: str | Sequence[str] = WEIGHTS,
    aggregate: str | Sequence[str] = AGGREGATE,
    omit: bool = True,
    error: Error = 0.0,
    perturb: float = 0.0,
    level: float = 0.9,
) -> pd.DataFrame:
    """Return how far each province's rank varies over draws, in every year.

    A draw of :func:`nqpf.compare.uncertainty` scores all rows of the matrix
    and keeps one year; this keeps them all. Ranks of the last year are those
    of ``uncertainty(matrix, draws, seed, ...)``, draw by draw.

    Parameters
    ----------
    matrix : IndicatorMatrix
        Indicators on all provinces and years.
    draws, seed, normalise, weights, aggregate, omit, error, perturb
        As in :func:`nqpf.compare.uncertainty`.
    level : float
        Share of the draws in the interval; what is outside is split equally.

    Returns
    -------
    DataFrame indexed (province, year)
        ``lower``, ``median`` and ``upper``, whole ranks that occur, 1 for the
        highest score among the provinces of the year.

    Raises
    ------
    nqpf.errors.MethodError, nqpf.errors.SampleError, nqpf.errors.EstimationError
        As :func:`nqpf.compare.uncertainty`, and if `level` is not between 0 and 1.

    Examples
    --------
    >>> from nqpf.systems import IndicatorMatrix
    >>> rows = pd.MultiIndex.from_product(
    ...     [[110000, 310000, 440000], [2021, 2022]], names=["province", "year"])
    >>> values = pd.DataFrame({"a": [6.8, 6.9, 4.4, 4.5, 3.4, 3.2], "b": [9, 9, 8, 8, 1, 1.0]},
    ...                       index=rows)
    >>> matrix = IndicatorMatrix(
    ...     values, pd.Series(True, index=values.columns), pd.Series("d", index=values.columns))
    >>> yearly_intervals(matrix, 200).xs(2021, level="year")
              lower  median  upper
    province
    110000        1       1      1
    310000        2       2      2
    440000        3       3      3
    """
    if not (isinstance(draws, Integral) and draws >= 1):
        raise MethodError(f"draws is {draws!r}", expected="a whole number of one or more")
    if not (isinstance(level, Real) and 0 < level < 1):
        raise MethodError(f"level is {level!r}", expected="a share between 0 and 1")
    plan = design(
        matrix,
        seed=seed,
        normalise=normalise,
        weights=weights,
        aggregate=aggregate,
        omit=omit,
        error=error,
        perturb=perturb,
        year=None,
    )
    scores = _draws.score(plan, _draws.random_draws(plan, int(draws)), every=True)
    rows = _draws.rows_of(plan)
    years = rows.get_level_values("year").to_numpy()
    tail = (1 - level) / 2
    table = np.empty((len(rows), 3), dtype=np.int64)
    for year in np.unique(years):
        own = years == year
        ranks = _draws.ranks_of(scores[:, own])
        at = np.quantile(ranks, [tail, 0.5, 1 - tail], axis=0, method="inverted_cdf")
        table[own] = at.T
    return pd.DataFrame(table, index=rows, columns=["lower", "median", "upper"]).sort_index()


WEIGHTINGS = ("entropy", "ahp_entropy", "variation", "critic", "equal", "pursuit")
AGGREGATIONS = ("linear", "topsis", "vikor", "coupling", "geometric")
# What the draws behind an interval choose from; a geometric mean would be zero too often.
DRAWN = {"aggregate": ("topsis", "linear", "vikor"), "error": 0.02, "perturb": 0.25}
_KEY = ["province", "year"]
_MEASURE = ["system", "weights", "aggregate"]
_BOUNDS = ["lower", "median", "upper"]


@dataclass(frozen=True, eq=False, repr=False)
class Standings:
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
            raise MethodError(
                f"no measure {', '.join(key)}" + (f": {why}" if why else ""),
                expected=f"a column of scores, such as {', '.join(self.scores.columns[0])}",
            )
        frame = pd.DataFrame({"score": self.scores[key], "rank": self.ranks[key]}).dropna()
        return frame.astype({"rank": "int64"}).join(self.intervals.loc[system])

    def __repr__(self) -> str:
        return (
            f"<Standings of {self.scores.shape[1]} measures on {len(self.scores)} province-years, "
            f"{len(self.refused)} combinations refused>"
        )


def standings(
    panel: Panel,
    systems: Sequence[str] | None = None,
    *,
    weights: Sequence[str] = WEIGHTINGS,
    aggregate: Sequence[str] = AGGREGATIONS,
    draws: int = 2_000,
    seed: int = 0,
    level: float = 0.9,
    vintage: str = DEFAULT_VINTAGE,
) -> Standings:
    """Score and rank all provinces in all years by every measure that can be made.

    Each system is normalised as its card says, on its own complete sample, and
    combined with every weighting and aggregation; the recipes of its card are
    always among them. Intervals follow the chapter on the certainty of ranks:
    draws over normalisation, weights and aggregation (`DRAWN`), the omission
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
    seed : int
        Start of the random numbers, zero or more.
    level : float
        Share of the draws in an interval.
    vintage : str
        Vintage of the national accounts.

    Returns
    -------
    Standings

    Raises
    ------
    nqpf.errors.MethodError
        If a method is unknown or needs options, or `draws`, `seed` or `level`
        is out of range.
    nqpf.errors.SampleError
        If a system has no complete province-year.

    Notes
    -----
    Not computed, with the reason in ``refused``: what a recipe refuses, projection
    pursuit joined by anything but a sum, and a geometric or harmonic mean where
    a normalised value is zero. Systems with the same figures share their draws.
    """
    found = {key: System.load(key) for key in (available() if systems is None else systems)}
    matrices = {key: one.evaluate(panel, vintage=vintage) for key, one in found.items()}
    scores, ranks, refused, bounds = {}, {}, [], {}
    tables: dict[str, pd.DataFrame] = {}
    normalised: dict[str, pd.DataFrame] = {}
    known: list[tuple[IndicatorMatrix, pd.DataFrame]] = []
    for key, one in found.items():
        matrix, vectors = matrices[key], {}
        for recipe in _recipes(one, weights, aggregate):
            name = (key, recipe.weights, recipe.aggregate)
            try:
                index = _fit(recipe, matrix)
            except (MethodError, DataError) as error:
                refused.append((*name, error.problem))
                continue
            scores[name], ranks[name] = index.scores, index.rank()
            vectors[recipe.weights] = index.weights
            normalised[key] = index.normalised
        tables[key] = pd.DataFrame(vectors)
        bounds[key] = next((made for like, made in known if _same(like, matrix)), None)
        if bounds[key] is None:
            bounds[key] = yearly_intervals(matrix, draws, seed, level=level, **DRAWN)
            known.append((matrix, bounds[key]))
    tfp = (TFP, "", "")
    scores[tfp] = log_tfp(panel, vintage)
    ranks[tfp] = _ranked(scores[tfp])
    bounds[TFP], variants = _tfp_bounds(panel, vintage, ranks[tfp].index)
    return Standings(
        scores=_columns(scores),
        ranks=_columns(ranks).astype("Int64"),
        weights=pd.concat(tables, names=["system", "indicator"]) if tables else pd.DataFrame(),
        normalised=normalised,
        matrices=matrices,
        intervals=pd.concat(bounds, names=["system", *_KEY]),
        refused=pd.DataFrame(refused, columns=[*_MEASURE, "reason"], dtype="str"),
        own={key: (one.recipe["weights"], one.recipe["aggregate"]) for key, one in found.items()},
        draws=int(draws),
        level=float(level),
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
        warnings.simplefilter("ignore", ConstantIndicatorWarning)
        if recipe.aggregate not in ("geometric", "harmonic"):
            return recipe.fit(matrix)
        index = recipe.fit(matrix)
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
    levels = [name for name in ESTIMATORS if name not in CHAINED]
    made, _ = productivity(panel, vintage, levels, CAPITAL)
    own = {
        name: level for name, level in made.items() if level.index.symmetric_difference(rows).empty
    }
    ranks = np.column_stack([_ranked(level).loc[rows] for level in own.values()])
    middle = np.quantile(ranks, 0.5, axis=1, method="inverted_cdf")
    table = np.column_stack([ranks.min(axis=1), middle, ranks.max(axis=1)])
    return pd.DataFrame(table, index=rows, columns=_BOUNDS).astype("int64"), tuple(own)


def _columns(series: dict[tuple[str, str, str], pd.Series]) -> pd.DataFrame:
    frame = pd.concat(series, axis=1).sort_index()
    frame.columns = pd.MultiIndex.from_tuples(series, names=_MEASURE)
    return frame.rename_axis(index=_KEY)
