"""How certain a rank is, and which choice behind an index moves it.

A plan holds what may vary, after checks; a draw is a row of whole numbers, one choice each; many
draws at once go through the formulas of :mod:`nqpf.index`.
"""

from __future__ import annotations

import html
import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nqpf.checks import between, choose, distinct, whole
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.index.recipe import _METHODS, Recipe, _call, _names

if TYPE_CHECKING:
    from nqpf.systems.system import IndicatorMatrix

_Floats = NDArray[np.float64]
_Whole = NDArray[np.int64]
_Error = float | Mapping[str, float] | pd.Series

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
_OMITTED, _ERRORS, _CHANGES = 3, 4, 5


@dataclass(frozen=True, eq=False)
class _Plan:
    """What may vary, after checks.

    Attributes
    ----------
    matrix : IndicatorMatrix
    year : int
    methods : dict of stage to list of str
    triples : ndarray of int, shape (k, 3)
        Combinations that a recipe accepts, as positions in the three lists.
    dropped : DataFrame
        ``normalise``, ``weights``, ``aggregate`` and ``reason`` of the others.
    omit : bool
    error : Series
        Relative standard deviation of the measurement error by indicator.
    perturb : float
        Largest relative change of a weight.
    seed : int
    """

    matrix: IndicatorMatrix
    year: int
    methods: dict[str, list[str]]
    triples: _Whole
    dropped: pd.DataFrame
    omit: bool
    error: pd.Series
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
        named = zip(_STAGES, choice, strict=False)
        return Recipe(**{stage: self.methods[stage][at] for stage, at in named})

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


def _plan(
    matrix: IndicatorMatrix,
    seed: int,
    methods: Mapping[str, str | Sequence[str]],
    omit: bool,
    error: _Error,
    perturb: float,
    year: int | None,
) -> _Plan:
    """Check what may vary and keep the combinations that a recipe accepts."""
    named = {stage: distinct(f"methods to {stage}", methods[stage]) for stage in _STAGES}
    for stage, names in named.items():
        for name in names:
            choose("method", name, _METHODS[stage], where={"stage": stage})
    perturb = between("perturb", perturb, 0, np.nextafter(1.0, 0.0))  # no weight becomes zero
    Recipe("minmax", "equal", "linear").fit(matrix)  # says what is wrong with the figures
    year = matrix.years[-1] if year is None else year
    choose("year of the indicators", year, matrix.years, SampleError)
    triples, dropped = _accepted(matrix, named)
    how_far = {"error": _errors(matrix, error), "perturb": perturb, "seed": whole("seed", seed)}
    plan = _Plan(matrix, int(year), named, triples, dropped, bool(omit), **how_far)
    if len(plan.provinces) < 2:
        raise SampleError("one province to rank", where={"year": year}, expected="two or more")
    if plan.omit:
        _check_omission(matrix, "minmax_yearly" in named["normalise"])
    return plan


def _accepted(
    matrix: IndicatorMatrix, methods: dict[str, list[str]]
) -> tuple[_Whole, pd.DataFrame]:
    """Return the combinations that a recipe accepts, and the others with the reason."""
    kept, dropped = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said once before
        for at in itertools.product(*(range(len(names)) for names in methods.values())):
            triple = [names[k] for names, k in zip(methods.values(), at, strict=True)]
            try:
                Recipe(*triple).fit(matrix)
                kept.append(at)
            except (MethodError, DataError) as error:
                dropped.append((*triple, error.problem))
    if not kept:
        problem = f"no combination can be used: {dropped[0][-1]}"
        raise MethodError(problem, expected="methods that fit each other")
    return np.array(kept), pd.DataFrame(dropped, columns=[*_STAGES, "reason"], dtype="str")


def _errors(matrix: IndicatorMatrix, error: _Error) -> pd.Series:
    """Return the relative standard deviation by indicator, zero where one does not vary."""
    keys = list(matrix.values.columns)
    index = None if isinstance(error, Mapping | pd.Series) else keys
    by_key = pd.Series(error, index=index, dtype=object)
    odd = sorted(map(str, set(by_key.index) ^ set(keys)))
    if odd or len(by_key) != len(keys):
        problem = f"error is not about the indicators of the matrix: {', '.join(odd)}"
        raise MethodError(problem, expected=f"one number for each of {', '.join(map(str, keys))}")
    checked = {key: between(f"error of {key}", by_key[key], 0) for key in keys}
    return pd.Series(checked, name="error").where(matrix.values.nunique() > 1, 0.0)


def _check_omission(matrix: IndicatorMatrix, yearly: bool) -> None:
    values = matrix.values
    groups = values.groupby(level="year") if yearly else values.groupby(lambda key: 0)
    least = int((groups.nunique() > 1).sum(axis=1).min())
    if least < 2:
        problem = f"{least} indicator varies" + (" in some year" if yearly else "")
        expected = "two or more, so that one can be left out, or omit=False"
        raise SampleError(problem, expected=expected)


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
    variance = np.log1p(plan.error.to_numpy()[:, None] ** 2)
    rows = len(plan.matrix.values)
    e = _normals(plan.seed, keys, len(variance) * rows).reshape(len(keys), -1, rows)
    e *= np.sqrt(variance).astype(np.float32)
    e -= (variance / 2).astype(np.float32)
    return np.exp(e, out=e)


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
    radius, angle = u[:, 0], u[:, 1]
    np.subtract(1.0, radius, out=radius)  # above zero, where the logarithm is finite
    np.log(radius, out=radius)
    radius *= -2.0
    np.sqrt(radius, out=radius)
    angle *= np.float32(2.0 * np.pi)
    e = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    e *= radius[:, None]
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
    n = scores.shape[1]
    rounded = scores.round(_DIGITS)
    ranks = np.ones(scores.shape, dtype=np.min_scalar_type(n))
    for other in range(n):
        ranks += rounded[:, other, None] > rounded
    return ranks


def _scores(plan: _Plan, draws: _Whole, every: bool = False) -> _Floats:
    """Return the scores (draws, n) of every draw, of the plan's year or of every row.

    Without measurement error and change of weights a draw is one of few
    combinations, and each is computed once.
    """
    used = [True] * 4 + [bool(plan.error.any()), plan.perturb > 0]
    _, first, inverse = np.unique(draws[:, used], axis=0, return_index=True, return_inverse=True)
    draws = draws[first]
    scores = np.empty((len(draws), len(plan.rows) if every else len(plan.provinces)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constant indicators, said once before
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
        data["z"] = _call("normalise", recipe.normalise, data, bare=True)
        return _call("weights", recipe.weights, data, bare=True, kept=kept)

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
        yield rows, _call("aggregate", recipe.aggregate, data, bare=True)


def _baseline(plan: _Plan, recipe: Recipe) -> pd.Series:
    """Return ranks by province in the year, under a recipe and without any noise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constant indicators, said once before
        scores = recipe.fit(plan.matrix).scores.xs(plan.year, level="year")[plan.provinces]
    ranks = _ranks(scores.to_numpy()[None])[0]
    return pd.Series(ranks.astype(np.int64), index=plan.provinces, name="baseline")


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
    def year(self) -> int:
        """Year that is ranked."""
        return self.plan.year

    @property
    def dropped(self) -> pd.DataFrame:
        """Combinations that do not fit each other or the figures, with the reason: never drawn."""
        return self.plan.dropped

    @property
    def choices(self) -> pd.DataFrame:
        """One row per draw: ``normalise``, ``weights``, ``aggregate`` and ``omitted``.

        The last is missing where no indicator was left out.
        """
        columns = dict(zip(_STAGES, self.draws.T, strict=False))
        frame = {
            key: pd.Categorical.from_codes(c, self.plan.methods[key]) for key, c in columns.items()
        }
        keys, omitted = list(self.plan.error.index), self.draws[:, _OMITTED]
        codes = np.where(omitted < len(keys), omitted, -1)
        frame["omitted"] = pd.Categorical.from_codes(codes, keys)
        return pd.DataFrame(frame, index=pd.RangeIndex(len(omitted), name="draw"))

    @property
    def _moved(self) -> _Floats:
        return np.abs(self.ranks.astype(np.int64) - self.baseline.to_numpy())

    @property
    def shifts(self) -> pd.Series:
        """Mean over provinces of the absolute change of rank from the baseline, by draw.

        The average shift in rank of Saisana, Saltelli and Tarantola (2005).
        """
        index = pd.RangeIndex(len(self.ranks), name="draw")
        return pd.Series(self._moved.mean(axis=1), index=index, name="shift")

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
        tail = (1 - between("level", level, 0, 1, open_ends=True)) / 2
        at = np.quantile(self.ranks, [0.5, tail, 1 - tail], axis=0, method="inverted_cdf")
        table = pd.DataFrame(at.T.astype(np.int64), columns=["median", "lower", "upper"])
        table.index = self.baseline.index
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

    def case(self, draw: int) -> tuple[Recipe, IndicatorMatrix]:
        """Return the recipe of one draw and the matrix, with its errors, that it is fitted to.

        Raises
        ------
        nqpf.errors.MethodError
            If there is no such draw.
        """
        plan, own = self.plan, self.draws[whole("draw", draw, 0, len(self.draws) - 1)]
        values = plan.matrix.values
        if plan.error.any():
            factors = np.empty(values.shape)
            factors[plan.order] = _error_factors(plan, own[[_ERRORS]])[0].T
            values = values * factors
        keys = [key for j, key in enumerate(values.columns) if j != own[_OMITTED]]
        return plan.recipe(own), replace(plan.matrix, values=values).select(keys)

    def refit(self, draw: int) -> pd.Series:
        """Compute one draw again, by a :class:`~nqpf.index.Recipe` on its matrix alone.

        Returns
        -------
        Series on (province, year)
            Scores of all rows; those of the year are ``scores[draw]`` up to
            rounding.

        Raises
        ------
        nqpf.errors.MethodError
            If there is no such draw.
        """
        recipe, matrix = self.case(draw)
        index = recipe.fit(matrix)
        w = index.weights
        if self.plan.perturb:
            factors = _weight_factors(self.plan, int(self.draws[draw, _CHANGES]) + 1)[-1]
            w = w * pd.Series(factors, index=self.plan.error.index)[w.index]
        data = {
            "z": index.normalised.to_numpy(),
            "w": (w / w.sum()).to_numpy(),
            "dimension": matrix.dimension.astype(str).to_numpy(),
        }
        return pd.Series(
            _call("aggregate", recipe.aggregate, data), index.scores.index, name="score"
        )

    def _caption(self) -> str:
        draws, n = self.ranks.shape
        noise = []
        if self.plan.perturb:
            noise.append(f"weights changed by up to {self.plan.perturb:.0%}")
        if self.plan.error.any():
            noise.append(f"measurement error of up to {self.plan.error.max():.1%}")
        text = f"{draws:,} draws of {n} ranks, {self.year}; baseline {self.recipe}"
        return "; ".join([text, *noise, f"{len(self.dropped)} combinations dropped"])

    def __repr__(self) -> str:
        return f"<RankUncertainty {self._caption()}>"

    def _repr_html_(self) -> str:
        table = self.intervals().sort_values(["median", "baseline"], kind="stable")
        table = table.set_axis(_names(table.index))
        return (
            f"<p>{html.escape(self._caption())}</p>\n{table.to_html(float_format='{:.2f}'.format)}"
        )


def uncertainty(
    matrix: IndicatorMatrix,
    draws: int = 10_000,
    seed: int = 0,
    *,
    normalise: str | Sequence[str] = _NORMALISE,
    weights: str | Sequence[str] = _WEIGHTS,
    aggregate: str | Sequence[str] = _AGGREGATE,
    omit: bool = True,
    error: _Error = 0.0,
    perturb: float = 0.0,
    year: int | None = None,
    baseline: Recipe | None = None,
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
    normalise, weights, aggregate : str or sequence of str
        Names of methods.
    omit : bool
        Whether an indicator may be left out.
    error : float, mapping or Series by indicator
        Relative standard deviation of the measurement error, 0.05 for 5 %.
        Errors are log-normal factors of mean 1, so no figure changes its
        sign, independent over rows and indicators. An indicator that does
        not vary has none.
    perturb : float
        Largest relative change of a weight: factors are uniform between
        1 - perturb and 1 + perturb, the "noise factor" of the R package COINr.
    year : int or None
        Year to rank; the last one when None.
    baseline : Recipe or None
        What ranks are compared with; the first combination of methods that
        fits when None.

    Returns
    -------
    object
        ``ranks`` and ``scores`` (draws, provinces), ``choices`` by draw,
        ``baseline`` ranks, ``dropped`` combinations, and the methods
        ``intervals(level)``, ``probability(k)``, ``above()``, ``shifts`` and
        ``refit(draw)``, which fits one draw again by a recipe alone.

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
    :mod:`nqpf.index` many at once, and ``refit`` shows that a draw is a recipe.

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
    methods = {"normalise": normalise, "weights": weights, "aggregate": aggregate}
    count = whole("draws", draws, 1)
    plan = _plan(matrix, seed, methods, omit, error, perturb, year)
    recipe = plan.recipe(plan.triples[0]) if baseline is None else baseline
    drawn = _random(plan, count)
    scores = _scores(plan, drawn)
    return _RankUncertainty(_ranks(scores), scores, _baseline(plan, recipe), recipe, plan, drawn)


@dataclass(frozen=True, eq=False, repr=False)
class _RankSensitivity:
    """What moves the ranks of provinces, made by :func:`sensitivity`.

    Attributes
    ----------
    ranks : DataFrame on (province, factor)
        Sobol indices of the rank of each province: ``first``,
        ``first_margin``, ``total`` and ``total_margin``. The first-order index
        is the share of the variance that a factor explains by itself, the
        total index the share that involves it, with all interactions; missing
        for a rank that never varies. Estimates; they can lie slightly outside
        [0, 1]. A margin is half the width of the 95 % bootstrap interval.
    shift : DataFrame by factor
        The same of the average shift in rank.
    interaction : float
        Share of the variance of the average shift that no factor explains by
        itself, 1 minus the sum of the first-order indices.
    mean_shift : float
        Mean of the average shift over the runs, in ranks.
    baseline : Series of int
        Rank by province under `recipe`.
    recipe : Recipe
    year : int
    runs : int
    """

    ranks: pd.DataFrame
    shift: pd.DataFrame
    interaction: float
    mean_shift: float
    baseline: pd.Series
    recipe: Recipe
    year: int
    runs: int

    def _caption(self) -> str:
        return (
            f"Sobol indices of the average shift in rank, {self.year}: {self.runs:,} runs, mean "
            f"shift {self.mean_shift:.2f} ranks, {self.interaction:.0%} explained by no factor "
            f"alone; baseline {self.recipe}"
        )

    def __repr__(self) -> str:
        return f"<RankSensitivity {self._caption()}>"

    def _repr_html_(self) -> str:
        table = self.shift.to_html(float_format="{:.3f}".format)
        return f"<p>{html.escape(self._caption())}</p>\n{table}"


def sensitivity(
    matrix: IndicatorMatrix,
    samples: int = 1024,
    seed: int = 0,
    *,
    normalise: str | Sequence[str] = _NORMALISE,
    weights: str | Sequence[str] = _WEIGHTS,
    aggregate: str | Sequence[str] = _AGGREGATE,
    omit: bool = True,
    error: _Error = 0.0,
    perturb: float = 0.0,
    year: int | None = None,
    baseline: Recipe | None = None,
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
    normalise, weights, aggregate, omit, error, perturb, year, baseline
        As in :func:`~nqpf.compare.uncertainty`.

    Returns
    -------
    object
        ``shift``, by factor: Sobol indices ``first`` and ``total`` of the
        average shift in rank, with the margins of their 95 % bootstrap
        intervals; ``ranks``, the same of each province's rank, on (province,
        factor), missing for a rank that never varies; ``interaction``, the
        share that no factor explains by itself; ``mean_shift``; ``baseline``.

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

    methods = {"normalise": normalise, "weights": weights, "aggregate": aggregate}
    if whole("samples", samples, 2) & (int(samples) - 1):
        expected = "a power of two, at which a Sobol sequence is balanced, such as 1024"
        raise MethodError(f"samples is {samples!r}", expected=expected)
    plan = _plan(matrix, seed, methods, omit, error, perturb, year)
    if len(plan.dropped):
        worst = plan.dropped.iloc[0]
        raise MethodError(
            f"{len(plan.dropped)} combinations cannot be used: {worst['reason']}",
            where=worst.drop("reason").to_dict(),
            expected="methods that all fit each other, as the factors must be independent",
        )
    recipe = plan.recipe(plan.triples[0]) if baseline is None else baseline
    before = _baseline(plan, recipe)
    factors = _factors(plan)
    if not factors:
        raise MethodError("nothing varies", expected="a factor that takes two or more values")
    names = list(factors)
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    u = design.sample(problem, int(samples), calc_second_order=False, scramble=True, seed=int(seed))
    drawn = _mapped(plan, factors, np.minimum(u, np.nextafter(1.0, 0.0)))
    ranks = _ranks(_scores(plan, drawn)).astype(np.int64)
    shift = np.abs(ranks - before.to_numpy()).mean(axis=1)
    tables = {}
    for output, y in zip(["shift", *before.index], [shift, *ranks.T], strict=True):
        found = dict.fromkeys(_SOBOL.values(), np.nan)
        if np.ptp(y):  # else nothing to explain, and SALib would divide by zero
            options = {"calc_second_order": False, "num_resamples": 200, "conf_level": 0.95}
            # SALib takes a seed of zero for none.
            found = analyse.analyze(problem, y.astype(float), seed=int(seed) + 1, **options)
        table = {name: found[key] for name, key in _SOBOL.items()}
        tables[output] = pd.DataFrame(table, index=names)
    moved = tables.pop("shift")
    return _RankSensitivity(
        pd.concat(tables, names=["province", "factor"]),
        moved,
        interaction=float(1.0 - moved["first"].sum()),
        mean_shift=float(shift.mean()),
        **{"baseline": before, "recipe": recipe, "year": plan.year, "runs": len(u)},
    )


def _factors(plan: _Plan) -> dict[str, int]:
    """Return the factors that vary, with the number of levels, 0 for one that is continuous."""
    levels = {stage: len(plan.methods[stage]) for stage in _STAGES if len(plan.methods[stage]) > 1}
    levels |= {"omit": len(plan.error) + 1} if plan.omit else {}
    levels |= {"error": 0} if plan.error.any() else {}
    return levels | ({"perturb": 0} if plan.perturb else {})


def _mapped(plan: _Plan, factors: dict[str, int], u: _Floats) -> _Whole:
    """Return the draws that numbers of the design in [0, 1] stand for."""
    draws = np.zeros((len(u), 6), dtype=np.int64)
    draws[:, _OMITTED] = len(plan.error)
    for own, (name, count) in zip(u.T, factors.items(), strict=True):
        at = [*_STAGES, "omit", "error", "perturb"].index(name)
        # The same number is the same draw of the noise, wherever the design uses it again.
        draws[:, at] = own * count if count else np.unique(own, return_inverse=True)[1]
    return draws
