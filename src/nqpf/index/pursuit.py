"""Projection pursuit: the direction along which rows spread the most and cluster the most."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nqpf.checks import between, choose, whole
from nqpf.errors import DataError, MethodError
from nqpf.index.normalise import _array, _ConstantIndicatorWarning, _Floats

# Elements of a block of projections: with its copy moved by the radius it stays in an L2 cache.
_BLOCK = 12_288
# Beyond these a square or a sum of squares leaves the range of doubles.
_SMALLEST, _LARGEST = 1e-140, 1e140


def _measure(z: _Floats, radius: float) -> tuple[float, float, float]:
    """Return Q = S D of one projection, S and D; `z` is sorted in place."""
    z.sort()
    width = float(z[-1]) - float(z[0])
    if width == 0.0:
        return 0.0, 0.0, 0.0
    _require_moderate(width)
    n = len(z)
    z -= z[0]  # exact for neighbours, so that nearly equal values keep their digits
    z -= np.add.reduce(z) / n
    spread = math.sqrt(np.add.reduce(z * z) / (n - 1))
    pairs, excess = _neighbours(z, radius * spread)
    density = radius * spread * pairs + 2.0 * float(np.add.reduce(excess * z))
    return spread * density, spread, density


def _require_moderate(width: float) -> None:
    if not _SMALLEST < width < _LARGEST:
        expected = f"a spread between {_SMALLEST:g} and {_LARGEST:g}"
        hint = "normalise first, for example with nqpf.index.normalise.minmax"
        raise DataError(f"the values spread over {width:g}", expected=expected, hint=hint)


def _neighbours(z: _Floats, reach: float) -> tuple[int, NDArray[np.intp]]:
    """Count the pairs within reach of each other in sorted `z`.

    Returns the number of pairs in both orders, each point with itself included,
    and for each point its neighbours to the right less those to the left. The
    left ones are derived from the right ones: looked up on their own, rounding
    could count a pair on one side only.
    """
    n = len(z)
    after = z.searchsorted(z + reach, side="right")
    # Right neighbours are after - i - 1, left ones i - before.
    pairs = 2 * int(np.add.reduce(after)) - n * n
    before = np.bincount(after, minlength=n)[:n].cumsum()
    after += before
    after -= np.arange(1, 2 * n, 2)
    return pairs, after


def _values(directions: _Floats, columns: _Floats, radius: float) -> _Floats:
    """Return Q of every direction, (p,); a zero direction gets 0.

    The kernel is a second difference, 2 (R - |u|)+ = |u + R| - 2 |u| + |u - R|,
    and the sum of |z_k - z_l| over pairs needs the sorted values only. So D
    is G(z with z + R) - 4 G(z), G being that sum for a pooled sample: no
    counting, whole blocks at once. It loses about three digits to `_measure`.
    """
    n = columns.shape[1]
    ranks = np.arange(1.0 - n, n, 2.0)
    pooled_ranks = np.arange(1.0 - 2 * n, 2 * n, 2.0)
    result = np.empty(len(directions))
    rows = max(1, _BLOCK // n)
    for start in range(0, len(directions), rows):
        block = slice(start, start + rows)
        z, spread = _project(directions[block], columns)
        z.sort(axis=1)
        pooled = np.concatenate([z, z + radius * spread[:, None]], axis=1)
        pooled.sort(axis=1, kind="stable")  # merges the two sorted halves in one walk
        density = np.einsum("pn,n->p", pooled, pooled_ranks)
        density -= 4.0 * np.einsum("pn,n->p", z, ranks)
        np.multiply(spread, density, out=result[block])
    return result


def _project(directions: _Floats, columns: _Floats) -> tuple[_Floats, _Floats]:
    """Return centred projections (p, n) and their standard deviations (p,)."""
    z = np.einsum("jp,jn->pn", np.ascontiguousarray(directions.T), columns)
    n = columns.shape[1]
    z -= (z.sum(axis=1) / n)[:, None]
    return z, np.sqrt(np.einsum("pn,pn->p", z, z) / (n - 1))


def _gradients(directions: _Floats, columns: _Floats, radius: float) -> tuple[_Floats, _Floats]:
    """Return Q (p,) and its gradient (p, m) with respect to each direction.

    From Q = S D, with P pairs within reach and e_k the right less the left
    neighbours of z_k: dD/dz_k = 2 e_k + radius P dS/dz_k, and dS/dz_k = (z_k -
    mean) / ((n - 1) S). At ties Q has a kink and this is one of its slopes.
    """
    n = columns.shape[1]
    z, spread = _project(directions, columns)
    order = z.argsort(axis=1)
    slopes, result = np.zeros_like(z), np.zeros(len(z))
    for k in np.flatnonzero(spread):
        ascending, reach = z[k, order[k]], radius * spread[k]
        pairs, excess = _neighbours(ascending, reach)
        density = reach * pairs + 2.0 * (excess * ascending).sum()
        slopes[k, order[k]] = 2.0 * spread[k] * excess
        slopes[k] += (density / spread[k] + radius * pairs) / (n - 1) * z[k]
        result[k] = spread[k] * density
    return result, np.einsum("pn,jn->pj", slopes, columns)


def _unit(directions: _Floats) -> _Floats:
    """Return the directions with negative elements set to 0 and length 1; zero stays zero."""
    kept = np.maximum(directions, 0.0)
    length = np.sqrt(np.einsum("pj,pj->p", kept, kept))[:, None]
    return np.divide(kept, length, out=kept, where=length > 0)


def _refine(
    columns: _Floats,
    radius: float,
    start: _Floats,
    plan: tuple[float, int, int],
    rng: np.random.Generator,
) -> tuple[float, _Floats]:
    """Sample around a moving mean with a covariance that adapts (CMA-ES).

    Hansen and Ostermeier (2001), with the customary rates (Hansen 2016) and
    with the samples brought back to the sphere before they are used. Sampling
    steps over the kinks that ties put into Q, at which a line search stops.
    `plan` is the first step, the samples a round and the rounds at most;
    returned are the best Q and its direction.
    """
    (step, samples, rounds), m = plan, len(start)
    weights = math.log(samples // 8 + 0.5) - np.log(np.arange(1, samples // 8 + 1))
    weights /= weights.sum()
    mass = 1.0 / float((weights**2).sum())
    drift_rate = (mass + 2) / (m + mass + 5)
    drift_gain = math.sqrt(drift_rate * (2 - drift_rate) * mass)
    path_rate = (4 + mass / m) / (m + 4 + 2 * mass / m)
    path_gain = math.sqrt(path_rate * (2 - path_rate) * mass)
    one = 2 / ((m + 1.3) ** 2 + mass)
    many = min(1 - one, 2 * (mass - 2 + 1 / mass) / ((m + 2) ** 2 + mass))
    damping = 1 + drift_rate + 2 * max(0.0, math.sqrt((mass - 1) / (m + 1)) - 1)
    expected = math.sqrt(m) * (1 - 1 / (4 * m) + 1 / (21 * m * m))
    covariance, path, drift = np.eye(m), np.zeros(m), np.zeros(m)
    mean = best = start
    top = _values(start[None], columns, radius)[0]
    for _ in range(rounds):
        floor = 1e-12 * covariance.diagonal().max()  # the sphere takes one dimension away
        factor = np.linalg.cholesky(covariance + floor * np.eye(m))
        cloud = np.einsum("sk,jk->sj", rng.standard_normal((samples, m)), factor)
        directions = _unit(mean + step * cloud)
        heights = _values(directions, columns, radius)
        order = np.argsort(-heights, kind="stable")[: len(weights)]
        if heights[order[0]] > top:
            top, best = heights[order[0]], directions[order[0]]
        moves = (directions[order] - mean) / step
        shift = np.einsum("s,sj->j", weights, moves)
        mean = mean + step * shift
        white = np.linalg.solve(factor, shift)
        drift = (1 - drift_rate) * drift + drift_gain * white
        path = (1 - path_rate) * path + path_gain * shift
        covariance = (
            (1 - one - many) * covariance
            + one * np.outer(path, path)
            + many * np.einsum("sj,sk->jk", weights[:, None] * moves, moves)
        )
        growth = drift_rate / damping * (np.sqrt((drift**2).sum()) / expected - 1)
        step = min(step * math.exp(min(growth, 1.0)), 1.0)
        if step * math.sqrt(covariance.diagonal().max()) < 1e-10:
            break
    return float(top), best


# A relative gain below this in its last stretch makes a search count as converged.
_TOLERANCE = 1e-6
_STARTS = 96  # further directions that the deterministic search climbs from
_RESTARTS = 2  # times that the best direction is refined again, as long as that gains


def _multistart(columns: _Floats, radius: float) -> tuple[_Floats, bool]:
    """Climb from many starts, then refine; return the direction and whether it came to rest."""
    # One fixed stream, so that the search is a function of the data alone.
    rng, m = np.random.default_rng(0), len(columns)
    powers = np.where(np.arange(_STARTS) % 2, 6.0, 1.0)[:, None]  # even directions and sparse ones
    centre = np.full(m, 1.0 / math.sqrt(m))
    first = _unit(np.vstack([np.eye(m), centre, rng.random((_STARTS, m)) ** powers]))
    climbed, heights = _climb(first, columns, radius, rounds=12)
    top = np.argsort(-heights, kind="stable")[:12]
    climbed, heights = _climb(climbed[top], columns, radius, rounds=20)
    stages = [_refine(columns, radius, centre, (0.2, 200, 40), rng)]
    stages += [
        _refine(columns, radius, start, (0.05, 200, 15), rng) for start in _apart(climbed, heights)
    ]
    leader = max(stages, key=lambda stage: stage[0])
    top, best = _refine(columns, radius, leader[1], (0.05, 400, 70), rng)
    for _ in range(_RESTARTS):
        before, (top, best) = top, _refine(columns, radius, best, (0.002, 120, 45), rng)
        rested = top - before <= _TOLERANCE * top
        if rested:
            break
    return best, bool(rested)


@lru_cache(maxsize=64)
def _kept(columns: bytes, m: int, radius: float) -> tuple[_Floats, bool]:
    """Search once: variants of a measure that leave its figures as they are ask again."""
    return _multistart(np.frombuffer(columns).reshape(m, -1).copy(), radius)


def _climb(
    directions: _Floats, columns: _Floats, radius: float, rounds: int
) -> tuple[_Floats, _Floats]:
    """Move every direction towards its gradient, by a step that shrinks when Q falls.

    Q grows with the square of a direction's length, so the direction of the
    gradient is itself the full step, as in a power iteration.
    """
    heights, slopes = _gradients(directions, columns, radius)
    step = np.ones((len(directions), 1))
    for _ in range(rounds):
        length = np.sqrt(np.einsum("pj,pj->p", slopes, slopes))[:, None]
        towards = np.divide(slopes, length, out=np.zeros_like(slopes), where=length > 0)
        moved = _unit(directions + step * (towards - directions))
        new_heights, new_slopes = _gradients(moved, columns, radius)
        up = new_heights > heights
        directions = np.where(up[:, None], moved, directions)
        slopes = np.where(up[:, None], new_slopes, slopes)
        heights = np.where(up, new_heights, heights)
        step = np.where(up[:, None], np.minimum(1.5 * step, 4.0), 0.4 * step)
    return directions, heights


def _apart(directions: _Floats, heights: _Floats, most: int = 3) -> list[_Floats]:
    """Return the highest directions that are not neighbours, at most three."""
    kept: list[_Floats] = []
    for k in np.argsort(-heights, kind="stable"):
        far = all(np.abs(directions[k] - other).max() > 0.1 for other in kept)
        if far and heights[k] >= 0.9 * heights.max() and len(kept) < most:
            kept.append(directions[k])
    return kept


_POPULATION, _ELITE = 400, 20  # directions of a generation, and those that survive it
_CROSSOVER, _MUTATION = 0.8, 0.1  # probabilities, of a pair and of a gene
_REST = 20  # generations with hardly a gain after which the population counts as converged


def _genetic(columns: _Floats, radius: float, seed: int, generations: int) -> tuple[_Floats, bool]:
    """Evolve a population of directions; see `projection_pursuit` for the operators."""
    rng = np.random.default_rng(seed)
    parents = _unit(rng.random((_POPULATION, len(columns))))
    fitness = _values(parents, columns, radius)
    best = []
    for generation in range(generations):
        width = 0.3 * (1.0 - generation / generations) ** 2
        children = _offspring(parents, fitness, width, rng)
        scores = _values(children, columns, radius)
        old = np.argsort(-fitness, kind="stable")[:_ELITE]
        new = np.argsort(-scores, kind="stable")[: _POPULATION - _ELITE]
        parents = np.concatenate([parents[old], children[new]])
        fitness = np.concatenate([fitness[old], scores[new]])
        best.append(fitness.max())
    gained = best[-1] - best[-1 - _REST] if generations > _REST else best[-1]
    rested = bool(gained <= _TOLERANCE * best[-1])
    return parents[fitness.argmax()], rested


def _offspring(
    parents: _Floats, fitness: _Floats, width: float, rng: np.random.Generator
) -> _Floats:
    """Return as many children as parents: tournaments of two, crossover, mutation."""
    size, m = parents.shape
    first, second = rng.integers(size, size=(2, 2 * size))
    winners = np.where(fitness[first] > fitness[second], first, second)
    mother, father = parents[winners[:size]], parents[winners[size:]]
    share = rng.uniform(-0.25, 1.25, size=(size, m))
    crossed = rng.random((size, 1)) < _CROSSOVER
    children = np.where(crossed, share * mother + (1.0 - share) * father, mother)
    mutated = rng.random((size, m)) < _MUTATION
    return _unit(children + mutated * width * rng.standard_normal((size, m)))


@dataclass(frozen=True, eq=False)
class _ProjectionPursuit:
    """The result of :func:`projection_pursuit`.

    Attributes
    ----------
    direction : ndarray, shape (m,)
        Direction a: no negative element, length 1.
    projection : ndarray, shape (N,)
        z = x a, in the unit of the normalised indicators.
    value, spread, density : float
        Projection index Q = S D; S, the sample standard deviation of the
        projection; D, the sum of R - r over the pairs closer than R, both
        orders and each point with itself.
    seed : int or None
        Seed of the genetic algorithm; None for the deterministic solver.
    converged : bool
        Whether the last 20 generations, or the last refinement, gained no more
        than 1e-6 of Q. It says that the search has come to rest, not that no
        better direction exists.
    """

    direction: _Floats
    projection: _Floats
    value: float
    spread: float
    density: float
    seed: int | None
    converged: bool


def _projection_index(x: ArrayLike, a: ArrayLike, radius: float = 0.1) -> float | _Floats:
    """Return Q(a) = S D: how far a projection spreads and how densely it clusters.

    z = x a; S is the sample standard deviation of z; D = sum_kl (R - |z_k -
    z_l|)+ over both orders and k = l, with R = `radius` S (Friedman and Tukey
    1974, in the form of the clustering model of the Chinese literature).

    Parameters
    ----------
    x : array_like, shape (N, m)
        Normalised indicators, N >= 2.
    a : array_like, shape (m,) or (p, m)
        Direction, used as it is given; the studies use one of length 1. Many
        directions at once take a fraction of the time that each takes alone.
    radius : float
        R in units of S.

    Returns
    -------
    float, or ndarray of shape (p,)
        Q, zero if the projection does not vary. In units of the indicators
        squared: c x has c^2 times the index of x. Of many directions at once
        with about three digits fewer.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, there is one row only, or the
        values spread over less than 1e-140 or more than 1e140.
    nqpf.errors.MethodError
        If `radius` is not a positive number.

    Notes
    -----
    Sorting costs N log N; the pairwise form costs N^2. The solvers search
    with the form for many directions; every Q that is reported comes from
    that for one. Neither uses BLAS, so the number of threads changes nothing.

    Examples
    --------
    Two pairs of points, two apart; S = 1.1547, R = 0.11547, and only each
    point with its twin and itself lies within R:

    >>> x = [[0.0], [0.0], [2.0], [2.0]]
    >>> round(_projection_index(x, [1.0]), 6)  # 1.1547 * 8 * 0.11547
    1.066667
    >>> _projection_index(x, [[1.0], [0.5]]).round(6)
    array([1.066667, 0.266667])
    """
    x, radius = _checked(x, radius)
    a = np.asarray(a, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # refused by their size
        if a.ndim == 1:
            return _measure(np.einsum("nj,j->n", x, a), radius)[0]
        return _values(a, _columns(x), radius)


def projection_pursuit(
    x: ArrayLike,
    radius: float = 0.1,
    solver: str = "multistart",
    seed: int = 0,
    generations: int = 100,
) -> _ProjectionPursuit:
    """Find the direction a >= 0, |a| = 1, of the largest projection index.

    Parameters
    ----------
    x : array_like, shape (N, m)
        Normalised indicators, larger is better, N >= 2.
    radius : float
        R in units of S, see :func:`_projection_index`.
    solver : str
        ``"multistart"``: deterministic. Every indicator alone, equal weights and
        96 further directions climb along the gradient; the highest
        and a wide search from equal weights are then refined by sampling with
        an adapting covariance (Hansen and Ostermeier 2001), because Q has a
        kink wherever two projections tie.
        ``"genetic"``: a real-coded genetic algorithm, as the studies use one.
        Tournaments of two; arithmetic crossover with a share from -0.25 to
        1.25 per gene, probability 0.8; normal mutation that
        narrows to nothing (Michalewicz 1992), probability 0.1 per gene;
        the 20 best of 400 survive, a size customary in that literature.
    seed : int
        Seed of the genetic algorithm; the other solver does not use it.
    generations : int
        Generations of the genetic algorithm.

    Returns
    -------
    object
        ``direction`` (m,), ``projection`` (N,), ``value`` Q, ``spread`` S,
        ``density`` D, and ``converged``: whether the search came to rest, not
        whether a better direction exists.
        Indicators that do not vary get 0. If none varies, the direction is
        that of equal weights and Q is 0, with a
        :class:`~nqpf.index.normalise._ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or there is one row only.
    nqpf.errors.MethodError
        If the solver, the radius, the seed or `generations` is not valid.

    Notes
    -----
    Q has many local maxima, and a kink wherever two projections tie or are R
    apart: neither solver proves that its answer is the largest. On the
    book's systems the deterministic one is at least as good as the best of
    twenty genetic runs, which fall short by 1e-6 to 2e-4 of it and, in single
    runs, by up to 0.9 %; on uniform noise the best of twenty is often higher.
    The studies state no operators and no size; the ones here are customary.
    :func:`certify` compares the two.

    Examples
    --------
    Of three indicators, the second has two groups of rows, four apart:

    >>> x = np.random.default_rng(0).normal(size=(40, 3))
    >>> x[:20, 1] += 4.0
    >>> projection_pursuit(x).direction.round(2)
    array([0.4 , 0.91, 0.1 ])
    >>> round(projection_pursuit(x, solver="genetic", seed=1).value, 4)
    48.6405
    """
    x, radius = _checked(x, radius)
    choose("solver", solver, ("genetic", "multistart"))
    seed, generations = whole("seed", seed), whole("generations", generations, 1)
    columns = _columns(x)
    varying = columns.max(axis=1) > 0
    direction, rested = np.zeros(len(columns)), True
    if not varying.any():
        text = "no column varies, so every direction has a projection index of zero"
        warnings.warn(text, _ConstantIndicatorWarning, stacklevel=2)
        direction[:] = 1.0 / math.sqrt(len(columns))
    elif solver == "genetic":
        direction[varying], rested = _genetic(columns[varying], radius, seed, generations)
    else:
        varied = columns[varying]
        direction[varying], rested = _kept(varied.tobytes(), len(varied), radius)
    measured = _measure(np.einsum("j,jn->n", direction, columns), radius)
    projection = np.einsum("nj,j->n", x, direction)
    used = seed if solver == "genetic" else None
    return _ProjectionPursuit(direction, projection, *measured, used, rested)


def _columns(x: _Floats) -> _Floats:
    """Return the indicators as rows, each from zero: Q does not feel a shift, its digits do."""
    with np.errstate(over="ignore"):  # refused by its size
        columns = np.ascontiguousarray((x - x.min(axis=0)).T)
    if columns.any():
        _require_moderate(columns.max())
    return columns


def _checked(x: ArrayLike, radius: float) -> tuple[_Floats, float]:
    """Return `x` as a matrix of two rows or more, and `radius` as a positive float."""
    x = _array("x", x)
    if len(x) < 2:
        raise DataError("x has 1 row", expected="two rows or more, or nothing can spread")
    return x, between("radius", radius, 0, open_ends=True)


def _pursuit(z: ArrayLike, kept: ArrayLike | None = None, *, radius: float = 0.1) -> _Floats:
    """Weight indicators by the direction a of the largest projection index, a / sum(a).

    A linear aggregate with these weights is the projection of the clustering
    model divided by sum(a), with the same ranks; under another aggregation it
    is a method of this book's own. An indicator that does not vary gets 0.
    """
    if z.ndim == 2:
        direction = projection_pursuit(z, radius).direction
        return direction / direction.sum()
    weights, stack = np.zeros(kept.shape), np.broadcast_to(z, (len(kept), *z.shape[1:]))
    for own, row, matrix in zip(kept, weights, stack, strict=True):
        row[own] = _pursuit(matrix[:, own], radius=radius)
    return weights


_AGREEMENT = 1e-6  # solvers agree if their Q differ by no more, relative to the larger


@dataclass(frozen=True, eq=False)
class _Certificate:
    """The result of :func:`certify`.

    Attributes
    ----------
    optimum : object
        Answer of the deterministic solver.
    runs : tuple of objects
        Answers of the genetic algorithm, one per seed.
    """

    optimum: _ProjectionPursuit
    runs: tuple[_ProjectionPursuit, ...]

    @property
    def gap(self) -> float:
        """Q of the deterministic answer less the best genetic Q, relative to the former.

        Negative if the genetic algorithm found the better direction.
        """
        return self._shortfall(max(run.value for run in self.runs))

    def _shortfall(self, value: float) -> float:
        top = self.optimum.value
        return (top - value) / top if top > 0 else 0.0

    def table(self) -> pd.DataFrame:
        """Return one row per seed.

        Returns
        -------
        DataFrame
            Index ``seed``; ``value`` Q; ``shortfall`` from the deterministic Q,
            relative; ``direction`` largest difference of an element of a;
            ``rank_correlation`` Spearman's, of the two projections;
            ``largest_shift`` of a row, in ranks; ``converged``. Projections
            that agree to 1e-8 S share a rank: the best directions make rows
            tie, and rounding would order them.
        """
        optimum, best, ranks = self.optimum, _ranks(self.optimum), list(map(_ranks, self.runs))
        table = pd.DataFrame(
            {
                "seed": [run.seed for run in self.runs],
                "value": [run.value for run in self.runs],
                "shortfall": [self._shortfall(run.value) for run in self.runs],
                "direction": [abs(run.direction - optimum.direction).max() for run in self.runs],
                "rank_correlation": [best.corr(own) for own in ranks],
                "largest_shift": [(best - own).abs().max() for own in ranks],
                "converged": [run.converged for run in self.runs],
            }
        )
        return table.set_index("seed")

    def summary(self) -> pd.DataFrame:
        """Return the best, the worst and the spread over seeds, one column.

        Returns
        -------
        DataFrame
            Column ``value``; the rows name what they hold.
        """
        table = self.table()
        rows = {
            "deterministic Q": self.optimum.value,
            "best genetic Q": table["value"].max(),
            "worst genetic Q": table["value"].min(),
            "spread of genetic Q, relative": self._shortfall(table["value"].min())
            - self._shortfall(table["value"].max()),
            "gap of the best, relative": self.gap,
            "largest difference of a direction": table["direction"].max(),
            "lowest rank correlation": table["rank_correlation"].min(),
            "largest shift of a row, ranks": table["largest_shift"].max(),
        }
        return pd.DataFrame({"value": rows})

    def verdict(self) -> str:
        """Return one sentence: whether the two solvers agree, or by how much they do not.

        Returns
        -------
        str
            The sentence that stands below the table.
        """
        count = len(self.runs)
        if abs(self.gap) <= _AGREEMENT:
            return f"The best of {count} genetic runs agrees with the deterministic answer to 1e-6."
        side = "below" if self.gap > 0 else "above"
        return (
            f"The best of {count} genetic runs ends {abs(self.gap):.1e} (relative) {side} "
            "the deterministic answer: they do not agree to 1e-6."
        )


def _ranks(result: _ProjectionPursuit) -> pd.Series:
    unit = result.spread or 1.0
    return pd.Series((result.projection / unit).round(8)).rank()


def certify(x: ArrayLike, seeds: Iterable[int] = range(20), radius: float = 0.1) -> _Certificate:
    """Run the genetic algorithm over seeds beside the deterministic solver.

    A study that reports one run of a genetic algorithm reports one draw. This
    shows how far the draws differ, in Q and in the ranks that follow, and how
    far the best of them falls short. It proves nothing about directions that
    neither solver met.

    Parameters
    ----------
    x : array_like, shape (N, m)
        Normalised indicators.
    seeds : iterable of int
        One genetic run each.
    radius : float
        As in :func:`nqpf.index.pursuit._projection_index`.

    Returns
    -------
    object
        With ``summary()``, ``table()``, ``gap`` and ``verdict()``.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.MethodError
        As :func:`nqpf.index.pursuit.projection_pursuit`, and if there is no seed.

    Examples
    --------
    >>> groups = np.random.default_rng(0).normal(size=(40, 3))
    >>> groups[:20, 1] += 4.0
    >>> certificate = certify(groups, seeds=range(3))
    >>> certificate.gap >= 0
    True
    >>> list(certificate.table().index)
    [0, 1, 2]
    """
    seeds = list(seeds)
    if not seeds:
        raise MethodError("seeds is empty", expected="at least one seed")
    optimum = projection_pursuit(x, radius, "multistart")
    runs = (projection_pursuit(x, radius, "genetic", seed) for seed in seeds)
    return _Certificate(optimum, tuple(runs))
