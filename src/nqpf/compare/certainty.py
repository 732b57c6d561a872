"""How certain a rank is, and which choice behind an index moves it.

A plan holds what may vary, after checks; a draw is a row of whole numbers, one choice each; many
draws at once go through the formulas of :mod:`nqpf.index`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nqpf.checks import between, choose, distinct, whole
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.index.recipe import _METHODS, Recipe, _call

if TYPE_CHECKING:
    from nqpf.systems.system import IndicatorMatrix

_Floats = NDArray[np.float64]
_Whole = NDArray[np.int64]

_STAGES = ("normalise", "weights", "aggregate")
_NORMALISE = ("minmax", "rank", "vector")
_WEIGHTS = ("entropy", "equal", "critic")
_AGGREGATE = ("topsis", "linear", "geometric", "vikor")
_BATCH = 49_152  # values of a batch: 384 KiB of doubles, which stay in a common L2 cache
_DIGITS = 12  # decimals of scores; what differs by less is the same up to rounding
_ERROR, _NOISE = 0, 1  # kinds of random numbers
_SOBOL = {"first": "S1", "first_margin": "S1_conf", "total": "ST", "total_margin": "ST_conf"}
# Columns of a draw: positions of the three methods and of the indicator left out (their number for
# none), and the streams of random numbers of the measurement error and of the change of weights.
_FACTORS = (*_STAGES, "omit", "error", "perturb")
_OMITTED, _ERRORS, _CHANGES = 3, 4, 5


@dataclass(frozen=True, eq=False)
class _Plan:
    """What may vary, after checks.

    Attributes
    ----------
    matrix : IndicatorMatrix
    year : int
    methods : list of list of str
        By stage.
    triples : ndarray of int, shape (k, 3)
        Combinations that a recipe accepts, as positions in the three lists.
    dropped : DataFrame
        ``normalise``, ``weights``, ``aggregate`` and ``reason`` of the others.
    omit : bool
    error : ndarray
        Relative standard deviation of the measurement error by indicator.
    perturb : float
        Largest relative change of a weight.
    seed : int
    """

    matrix: IndicatorMatrix
    year: int
    methods: list[list[str]]
    triples: _Whole
    dropped: pd.DataFrame
    omit: bool
    error: _Floats
    perturb: float
    seed: int

    @property
    def order(self) -> _Whole:
        """Rows of the year to rank, then those of other years, each by province."""
        index = self.matrix.values.index
        codes, years = (index.get_level_values(name) for name in ("province", "year"))
        return np.lexsort((codes, years, years != self.year))

    @property
    def rows(self) -> pd.MultiIndex:
        """Labels (province, year) in that order."""
        return self.matrix.values.index[self.order]

    @property
    def provinces(self) -> pd.Index:
        """Provinces to rank, ascending."""
        return self.rows[self.rows.get_level_values("year") == self.year].droplevel("year")

    def recipe(self, choice: _Whole) -> Recipe:
        """Return the recipe of a draw or a triple."""
        return Recipe(*(names[at] for names, at in zip(self.methods, choice, strict=False)))

    def data(self) -> dict[str, NDArray]:
        """Return the arrays that methods ask for, rows in order.

        Each indicator is divided by a power of two so that squares stay
        finite: neither normalised values nor weights change by that.
        """
        values, order = self.matrix.values, self.order
        x = values.to_numpy(dtype=np.float64)[order]
        return {
            "x": np.ldexp(x, -np.frexp(np.abs(x).max(axis=0))[1]),
            "benefit": self.matrix.benefit[values.columns].to_numpy(dtype=bool),
            "years": values.index.get_level_values("year").to_numpy()[order],
            "dimension": self.matrix.dimension[values.columns].astype(str).to_numpy(),
        }

    def baseline(self, recipe: Recipe | None) -> tuple[Recipe, pd.Series]:
        """Return a recipe, the first that fits when None, and ranks under it without any noise."""
        recipe = self.recipe(self.triples[0]) if recipe is None else recipe
        with warnings.catch_warnings(action="ignore"):  # of constant indicators, said before
            scores = recipe.fit(self.matrix).scores.xs(self.year, level="year")[self.provinces]
        ranks = _ranks(scores.to_numpy()[None])[0].astype(np.int64)
        return recipe, pd.Series(ranks, index=self.provinces, name="baseline")


def _plan(
    matrix: IndicatorMatrix,
    seed: int,
    normalise: str | Sequence[str] = _NORMALISE,
    weights: str | Sequence[str] = _WEIGHTS,
    aggregate: str | Sequence[str] = _AGGREGATE,
    omit: bool = True,
    error: float = 0.0,
    perturb: float = 0.0,
    year: int | None = None,
) -> _Plan:
    """Check what may vary and keep the combinations that a recipe accepts."""
    asked = zip(_STAGES, (normalise, weights, aggregate), strict=True)
    named = {stage: distinct(f"methods to {stage}", names) for stage, names in asked}
    for stage, names in named.items():
        for name in names:
            choose("method", name, _METHODS[stage], where={"stage": stage})
    perturb = between("perturb", perturb, 0, np.nextafter(1.0, 0.0))  # no weight becomes zero
    Recipe("minmax", "equal", "linear").fit(matrix)  # says what is wrong with the figures
    year = matrix.years[-1] if year is None else year
    choose("year of the indicators", year, matrix.years, SampleError)
    methods, values = list(named.values()), matrix.values
    triples, dropped = _accepted(matrix, methods)
    errors = np.where(values.nunique() > 1, between("error", error, 0), 0.0)
    noise = {"error": errors, "perturb": perturb, "seed": whole("seed", seed)}
    plan = _Plan(matrix, int(year), methods, triples, dropped, bool(omit), **noise)
    if len(plan.provinces) < 2:
        raise SampleError("one province to rank", where={"year": year}, expected="two or more")
    yearly = "minmax_yearly" in methods[0]
    groups = values.groupby(level="year") if yearly else values.groupby(lambda key: 0)
    least = int((groups.nunique() > 1).sum(axis=1).min())
    if plan.omit and least < 2:
        problem = f"{least} indicator varies" + (" in some year" if yearly else "")
        expected = "two or more, so that one can be left out, or omit=False"
        raise SampleError(problem, expected=expected)
    return plan


def _accepted(matrix: IndicatorMatrix, methods: list[list[str]]) -> tuple[_Whole, pd.DataFrame]:
    """Return the combinations that a recipe accepts, and the others with the reason."""
    kept, dropped = [], []
    for at in np.ndindex(*map(len, methods)):
        triple = [names[k] for names, k in zip(methods, at, strict=True)]
        try:
            with warnings.catch_warnings(action="ignore"):  # said once before
                Recipe(*triple).fit(matrix)
            kept.append(at)
        except (MethodError, DataError) as error:
            dropped.append((*triple, error.problem))
    if not kept:
        problem = f"no combination can be used: {dropped[0][-1]}"
        raise MethodError(problem, expected="methods that fit each other")
    return np.array(kept), pd.DataFrame(dropped, columns=[*_STAGES, "reason"], dtype="str")


def _random(plan: _Plan, count: int) -> _Whole:
    """Return draws in which every combination and every omission is equally likely."""
    # Row by row, so that the first draws do not depend on how many follow.
    u = np.random.default_rng(plan.seed).random((count, 2))
    triples = plan.triples[(u[:, 0] * len(plan.triples)).astype(np.int64)]
    m, keys = len(plan.error), np.arange(count)
    omitted = (u[:, 1] * (m + 1)).astype(np.int64) if plan.omit else np.full(count, m)
    return np.column_stack([triples, omitted, keys, keys])


def _error_factors(plan: _Plan, keys: _Whole) -> NDArray[np.float32]:
    """Return log-normal factors (draws, m, N) of mean 1 and the relative sd of each indicator."""
    variance = np.log1p(plan.error[:, None] ** 2)
    rows = len(plan.matrix.values)
    e = _normals(plan.seed, keys, len(variance) * rows).reshape(len(keys), -1, rows)
    return np.exp(e * np.sqrt(variance).astype(np.float32) - (variance / 2).astype(np.float32))


def _normals(seed: int, keys: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Return standard normal numbers (draws, count), a stream for each key.

    Streams lie 2^64 numbers apart in one sequence, so that a draw can be
    repeated alone, in any order. By the method of Box and Muller (1958), as
    numpy does it for whole arrays at once; single precision is ample for noise.
    """
    bits = np.random.PCG64(np.random.SeedSequence((seed, _ERROR)))
    start, generator = bits.state, np.random.Generator(bits)
    u = np.empty((len(keys), 2, (count + 1) // 2), dtype=np.float32)
    for place, key in zip(u, keys, strict=True):
        bits.state = start
        bits.advance(int(key) << 64)
        generator.random(dtype=np.float32, out=place)
    # One minus the number lies above zero, where the logarithm is finite.
    radius, angle = np.sqrt(-2 * np.log(1 - u[:, 0])), np.float32(2.0 * np.pi) * u[:, 1]
    e = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return e.reshape(len(keys), -1)[:, :count]


def _weight_factors(plan: _Plan, count: int) -> _Floats:
    """Return factors (count, m), uniform between 1 - perturb and 1 + perturb, by stream.

    Few numbers a stream, so all come from one generator, row by row: the first
    rows do not depend on how many follow.
    """
    u = np.random.default_rng((plan.seed, _NOISE)).random((count, len(plan.error)))
    return 1.0 + plan.perturb * (2.0 * u - 1.0)


def _ranks(scores: _Floats) -> NDArray[np.integer]:
    """Return ranks (draws, n), 1 for the highest score; ties share the better rank.

    Scores are rounded to 12 decimals first: two rows that differ by rounding
    in the order of a sum are tied, whichever order that was.
    """
    from scipy.stats import rankdata

    ranks = rankdata(-scores.round(_DIGITS), method="min", axis=1)
    return ranks.astype(np.min_scalar_type(scores.shape[1]))


def _bounds(ranks: NDArray[Any], labels: pd.Index, level: float) -> pd.DataFrame:
    """Return between which ranks the central share of ranks (draws, n) lies, and the median.

    All of them are ranks that occur.
    """
    tail = (1 - level) / 2
    at = np.quantile(ranks, [tail, 0.5, 1 - tail], axis=0, method="inverted_cdf")
    return pd.DataFrame(at.T.astype(np.int64), labels, ["lower", "median", "upper"])


def _scores(plan: _Plan, draws: _Whole, every: bool = False) -> _Floats:
    """Return the scores (draws, n) of every draw, of the plan's year or of every row.

    Without measurement error and change of weights a draw is one of few
    combinations, and each is computed once.
    """
    used = [True] * 4 + [bool(plan.error.any()), plan.perturb > 0]
    _, first, inverse = np.unique(draws[:, used], axis=0, return_index=True, return_inverse=True)
    draws = draws[first]
    scores = np.empty((len(draws), len(plan.rows) if every else len(plan.provinces)))
    with warnings.catch_warnings(action="ignore"):  # of constant indicators, said once before
        for triple in np.unique(draws[:, :3], axis=0):
            own = np.flatnonzero((draws[:, :3] == triple).all(axis=1))
            for rows, found in _batches(plan, plan.recipe(triple), draws[own]):
                scores[own[rows]] = found[:, : scores.shape[1]]
    return scores[inverse.ravel()]


def _batches(plan: _Plan, recipe: Recipe, draws: _Whole) -> Iterator[tuple[slice, _Floats]]:
    """Score the draws of one recipe, few enough at once to stay in the cache."""
    data, m, noisy = plan.data(), len(plan.error), plan.error.any()
    kept = ~np.eye(m + 1, m, dtype=bool)[0 if plan.omit else m :]  # by indicator left out
    case = draws[:, _OMITTED] if plan.omit else np.zeros(len(draws), dtype=np.int64)
    changes = _weight_factors(plan, int(draws[:, _CHANGES].max()) + 1) if plan.perturb else None
    figures = np.ascontiguousarray(data["x"].T)

    def weigh(x: _Floats, kept: NDArray[np.bool_]) -> _Floats:
        data["x"] = x
        data["z"] = _call("normalise", recipe.normalise, data)
        return _call("weights", recipe.weights, data, kept=kept)

    every = None if noisy else weigh(data["x"][None], kept)
    step = max(1, _BATCH // figures.size)
    for start in range(0, len(draws), step):
        rows = slice(start, start + step)
        if noisy:
            # By indicator in memory, so that statistics of an indicator run along it.
            x = (_error_factors(plan, draws[rows, _ERRORS]) * figures).swapaxes(1, 2)
            w = weigh(x, kept[case[rows]])
        else:
            w = every[case[rows]]
        if plan.perturb:
            w = w * changes[draws[rows, _CHANGES]]
            w /= w.sum(axis=1, keepdims=True)
        data["w"] = w
        yield rows, _call("aggregate", recipe.aggregate, data)


@dataclass(frozen=True, eq=False, repr=False)
class _RankUncertainty:
    """Ranks of provinces in one year over many draws, made by :func:`uncertainty`.

    Attributes
    ----------
    ranks : ndarray of int, shape (draws, n)
        Rank by draw and province, 1 for the highest score; ties share the
        better rank.
    scores : ndarray, shape (draws, n)
        Scores by draw and province; only those of one draw compare.
    baseline : Series of int
        Rank by province under `recipe`, without omission or noise.
    recipe : Recipe
        The baseline.
    plan, draws
        The options after checks; the choices as positions, and the streams of
        random numbers.
    """

    ranks: NDArray[np.integer]
    scores: _Floats
    baseline: pd.Series
    recipe: Recipe
    plan: _Plan
    draws: _Whole

    @property
    def dropped(self) -> pd.DataFrame:
        """Combinations that do not fit each other or the figures, with the reason: never drawn."""
        return self.plan.dropped

    @property
    def _moved(self) -> _Floats:
        return np.abs(self.ranks.astype(np.int64) - self.baseline.to_numpy())

    @property
    def shifts(self) -> pd.Series:
        """Mean over provinces of the absolute change of rank from the baseline, by draw.

        The average shift in rank of Saisana, Saltelli and Tarantola (2005).
        """
        return pd.Series(self._moved.mean(axis=1), name="shift").rename_axis("draw")

    def intervals(self, level: float = 0.9) -> pd.DataFrame:
        """Return how far each province's rank varies over the draws.

        Parameters
        ----------
        level : float
            Share of the draws in the interval; what is outside is split
            equally.

        Returns
        -------
        DataFrame by province
            ``baseline``, ``median``, ``lower`` and ``upper``, all of them
            ranks that occur (no interpolation), and ``shift``, the mean
            absolute change from the baseline.

        Raises
        ------
        nqpf.errors.MethodError
            If the level is not between 0 and 1.
        """
        level = between("level", level, 0, 1, open_ends=True)
        table = _bounds(self.ranks, self.baseline.index, level)[["median", "lower", "upper"]]
        table.insert(0, "baseline", self.baseline)
        return table.assign(shift=self._moved.mean(axis=0))

    def probability(self, k: int) -> pd.Series:
        """Return the share of draws in which each province is among the first `k`.

        Raises
        ------
        nqpf.errors.MethodError
            If `k` is not a whole number from 1 to the number of provinces.
        """
        share = (self.ranks <= whole("k", k, 1, self.ranks.shape[1])).mean(axis=0)
        return pd.Series(share, index=self.baseline.index, name=f"top {k}")

    def above(self) -> pd.DataFrame:
        """Return the share of draws in which one province (row) is above another (column).

        A tie counts one half, so that entry (i, j) and entry (j, i) add up to 1.
        """
        own = self.ranks.T[:, :, None]
        share = [((o < self.ranks).mean(axis=0) + (o <= self.ranks).mean(axis=0)) / 2 for o in own]
        labels = self.baseline.index
        return pd.DataFrame(share, index=labels, columns=labels.rename("other"))

    def __repr__(self) -> str:
        draws, n = self.ranks.shape
        text = f"{draws:,} draws of {n} ranks, {self.plan.year}; baseline {self.recipe}"
        return f"<RankUncertainty {text}; {len(self.dropped)} combinations dropped>"


def uncertainty(
    matrix: IndicatorMatrix,
    draws: int = 10_000,
    seed: int = 0,
    *,
    baseline: Recipe | None = None,
    **options: Any,
) -> _RankUncertainty:
    """Draw the choices behind an index at random and rank the provinces each time.

    Each draw takes one combination of normalisation, weights and aggregation,
    all that fit each other being equally likely; leaves out one indicator or
    none, all m + 1 cases being equally likely; multiplies every figure by an
    error; and multiplies every weight by a factor, after which weights sum to
    1 again. The analysis is that of Saisana, Saltelli and Tarantola (2005,
    *Journal of the Royal Statistical Society A* 168, 307-323) and of the
    OECD/JRC *Handbook on Constructing Composite Indicators* (2008, step 7).

    Parameters
    ----------
    matrix : IndicatorMatrix
        Indicators on all provinces and years; normalisation and weights use
        every row of it.
    draws : int
        Number of draws. A longer run begins with the draws of a shorter one.
    seed : int
        Start of the random numbers, zero or more.
    baseline : Recipe or None
        What ranks are compared with; the first combination of methods that
        fits when None.
    **options
        Any of the following.
    normalise, weights, aggregate : str or sequence of str
        Names of methods. When not given: minmax, rank and vector; entropy, equal and critic;
        topsis, linear, geometric and vikor.
    omit : bool
        Whether an indicator may be left out, as when not given.
    error : float
        Relative standard deviation of the measurement error, 0.05 for 5 %.
        Errors are log-normal factors of mean 1, so no figure changes its
        sign, independent over rows and indicators. An indicator that does
        not vary has none.
    perturb : float
        Largest relative change of a weight: factors are uniform between
        1 - perturb and 1 + perturb, the "noise factor" of the R package COINr.
    year : int or None
        Year to rank; the last one when None.

    Returns
    -------
    object
        ``ranks`` and ``scores`` (draws, provinces), ``baseline`` ranks, ``dropped``
        combinations, ``shifts``, and the methods ``intervals(level)``, ``probability(k)``
        and ``above()``.

    Raises
    ------
    nqpf.errors.SampleError
        If a figure is missing (named by province, year and indicator), there
        is no such year, fewer than two provinces to rank, or only one
        indicator varies and may be left out.
    nqpf.errors.MethodError
        If a method is unknown or needs options, no combination fits, or
        `draws`, `seed`, `error` or `perturb` is out of range.

    Notes
    -----
    Memory grows with draws times provinces; figures with errors are made in
    small batches and not kept. Scores are rounded to 12
    decimals before ranking, so that provinces whose scores differ by
    rounding alone are tied; ``Index.rank`` compares scores as they are. The
    errors of different rows and indicators are independent: those shared by
    a province or a year are not represented. Draws go through the formulas of
    :mod:`nqpf.index` many at once; tests and the benchmark fit each by a recipe alone.

    Examples
    --------
    >>> from nqpf.systems import IndicatorMatrix
    >>> rows = pd.MultiIndex.from_product(
    ...     [[110000, 310000, 440000], [2022]], names=["province", "year"])
    >>> values = pd.DataFrame(
    ...     {"a": [6.8, 4.4, 3.4], "b": [9.0, 8.0, 1.0], "c": [1.0, 3.0, 2.0]}, index=rows)
    >>> matrix = IndicatorMatrix(
    ...     values, pd.Series(True, index=values.columns), pd.Series("d", index=values.columns))
    >>> result = uncertainty(matrix, draws=500, error=0.05, perturb=0.25)
    >>> result.intervals()[["baseline", "median", "lower", "upper"]]
              baseline  median  lower  upper
    province
    110000           2       2      1      3
    310000           1       1      1      2
    440000           3       3      2      3
    """
    count = whole("draws", draws, 1)
    plan = _plan(matrix, seed, **options)
    recipe, before = plan.baseline(baseline)
    drawn = _random(plan, count)
    scores = _scores(plan, drawn)
    return _RankUncertainty(_ranks(scores), scores, before, recipe, plan, drawn)


class _RankSensitivity(NamedTuple):
    """What moves the ranks of provinces, made by :func:`sensitivity`.

    Attributes
    ----------
    shift : DataFrame by factor
        Sobol indices of the average shift in rank: ``first``, ``first_margin``, ``total`` and
        ``total_margin``. The first-order index is the share of the variance that a factor
        explains by itself, the total index the share that involves it, with all interactions;
        missing for ranks that never move. Estimates; they can lie slightly outside [0, 1].
        A margin is half the width of the 95 % bootstrap interval.
    mean_shift : float
        Mean of the average shift over the runs, in ranks.
    runs : int
    """

    shift: pd.DataFrame
    mean_shift: float
    runs: int


def sensitivity(
    matrix: IndicatorMatrix,
    samples: int = 1024,
    seed: int = 0,
    *,
    baseline: Recipe | None = None,
    **options: Any,
) -> _RankSensitivity:
    """Say which choice behind an index moves the ranks of provinces.

    The factors are those options that vary: ``normalise``, ``weights``,
    ``aggregate``, ``omit``, ``error`` and ``perturb``, as in
    :func:`~nqpf.compare.uncertainty`. A factor with k levels takes
    level floor(k u) of its uniform number u; for ``error`` and ``perturb`` the
    number stands for one draw of the whole noise, the trigger factor of
    Saisana, Saltelli and Tarantola (2005).

    Parameters
    ----------
    matrix : IndicatorMatrix
    samples : int
        Base samples, a power of two; the index is computed
        samples times (factors + 2) times.
    seed : int
    baseline, **options
        As in :func:`~nqpf.compare.uncertainty`: `normalise`, `weights`, `aggregate`, `omit`,
        `error`, `perturb` and `year`.

    Returns
    -------
    object
        ``shift``, by factor: Sobol indices ``first`` and ``total`` of the
        average shift in rank, with the margins of their 95 % bootstrap
        intervals, missing where no rank ever moves; ``mean_shift``, in ranks; ``runs``.

    Raises
    ------
    nqpf.errors.MethodError
        If two methods do not fit each other: factors would not be
        independent, so no combination can be dropped here. If nothing
        varies, or an option is out of range.
    nqpf.errors.SampleError
        As :func:`~nqpf.compare.uncertainty`.

    Notes
    -----
    SALib draws a scrambled Sobol sequence in Saltelli's design and applies
    the estimators of Saltelli et al. (2010, *Computer Physics Communications*
    181, 259-270), Jansen's for the total index.

    Examples
    --------
    >>> from nqpf.systems import IndicatorMatrix
    >>> rows = pd.MultiIndex.from_product([[11, 31, 44, 65], [2022]], names=["province", "year"])
    >>> values = pd.DataFrame(
    ...     {"a": [6.8, 4.4, 3.4, 1.0], "b": [9.0, 8.0, 1.0, 2.0], "c": [1.0, 3.0, 5.0, 4.0]}, rows)
    >>> matrix = IndicatorMatrix(
    ...     values, pd.Series(True, index=values.columns), pd.Series("d", index=values.columns))
    >>> result = sensitivity(matrix, samples=256, perturb=0.2)
    >>> result.shift["total"].idxmax(), result.runs
    ('omit', 1792)
    """
    from SALib.analyze import sobol as analyse
    from SALib.sample import sobol as design

    samples = whole("samples", samples, 2)
    if samples & (samples - 1):
        expected = "a power of two, at which a Sobol sequence is balanced, such as 1024"
        raise MethodError(f"samples is {samples!r}", expected=expected)
    plan = _plan(matrix, seed, **options)
    if len(plan.dropped):
        worst = plan.dropped.iloc[0]
        problem = f"{len(plan.dropped)} combinations cannot be used: {worst['reason']}"
        expected = "methods that all fit each other, as the factors must be independent"
        raise MethodError(problem, where=worst.drop("reason").to_dict(), expected=expected)
    _, before = plan.baseline(baseline)
    # Levels of each factor, 0 of one that is continuous.
    levels = [len(names) for names in plan.methods]
    levels += [len(plan.error) + 1 if plan.omit else 1]
    levels += [1 - bool(plan.error.any()), 1 - bool(plan.perturb)]
    varying = [at for at, count in enumerate(levels) if count != 1]
    if not varying:
        raise MethodError("nothing varies", expected="a factor that takes two or more values")
    names = [_FACTORS[at] for at in varying]
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    plain = {"calc_second_order": False}
    u = design.sample(problem, samples, scramble=True, seed=plan.seed, **plain)
    drawn = np.zeros((len(u), len(_FACTORS)), dtype=np.int64)
    drawn[:, _OMITTED] = len(plan.error)
    for at, own in zip(varying, np.minimum(u, np.nextafter(1.0, 0.0)).T, strict=True):
        # The same number is the same draw of the noise, wherever the design uses it again.
        drawn[:, at] = own * levels[at] if levels[at] else np.unique(own, return_inverse=True)[1]
    ranks = _ranks(_scores(plan, drawn)).astype(np.int64)
    shift = np.abs(ranks - before.to_numpy()).mean(axis=1)
    plain |= {"num_resamples": 200, "conf_level": 0.95}
    found = dict.fromkeys(_SOBOL.values(), np.nan)
    if np.ptp(shift):  # else there is nothing to explain
        found = analyse.analyze(problem, shift, seed=plan.seed + 1, **plain)  # zero is no seed
    table = pd.DataFrame({name: found[key] for name, key in _SOBOL.items()}, index=names)
    return _RankSensitivity(table, float(shift.mean()), len(u))
