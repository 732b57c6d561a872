"""Projection pursuit: the direction along which rows spread the most and cluster the most."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nqpf.errors import DataError, MethodError, require_known
from nqpf.index.normalise import ConstantIndicatorWarning, Floats, matrix, require_finite

__all__ = [
    "Certificate",
    "ProjectionPursuit",
    "SOLVERS",
    "certify",
    "projection_index",
    "projection_pursuit",
    "pursuit_weights",
]

# Elements of a block of projections: with its copy moved by the radius it stays in an L2 cache.
_BLOCK = 12_288

# Beyond these a square or a sum of squares leaves the range of doubles.
SMALLEST, LARGEST = 1e-140, 1e140


class Measured(NamedTuple):
    """The projection index and its two factors."""

    value: float
    spread: float
    density: float


def measure(z: Floats, radius: float) -> Measured:
    """Return Q = S D of one projection, which is sorted in place."""
    z.sort()
    width = float(z[-1]) - float(z[0])
    if width == 0.0:
        return Measured(0.0, 0.0, 0.0)
    if not SMALLEST < width < LARGEST:  # a value that is not finite makes a width that is not
        raise out_of_range(math.inf if math.isnan(width) else width)
    n = len(z)
    z -= z[0]  # exact for neighbours, so that nearly equal values keep their digits
    z -= np.add.reduce(z) / n
    spread = math.sqrt(np.add.reduce(z * z) / (n - 1))
    pairs, excess = _neighbours(z, radius * spread)
    density = radius * spread * pairs + 2.0 * float(np.add.reduce(excess * z))
    return Measured(spread * density, spread, density)


def out_of_range(size: float) -> DataError:
    """Return the error for values that spread too little or too far to be squared."""
    return DataError(
        f"the values spread over {size:g}",
        expected=f"a spread between {SMALLEST:g} and {LARGEST:g}",
        hint="normalise first, for example with nqpf.index.normalise.minmax",
    )


def _neighbours(z: Floats, reach: float) -> tuple[int, NDArray[np.intp]]:
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


def values(directions: Floats, columns: Floats, radius: float) -> Floats:
    """Return Q of every direction, (p,); a zero direction gets 0.

    The kernel is a second difference, 2 (R - |u|)+ = |u + R| - 2 |u| + |u - R|,
    and the sum of |z_k - z_l| over pairs needs the sorted values only. So D
    is G(z with z + R) - 4 G(z), G being that sum for a pooled sample: no
    counting, whole blocks at once. It loses about three digits to `measure`.
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


def _project(directions: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """Return centred projections (p, n) and their standard deviations (p,)."""
    z = np.einsum("jp,jn->pn", np.ascontiguousarray(directions.T), columns)
    n = columns.shape[1]
    z -= (z.sum(axis=1) / n)[:, None]
    return z, np.sqrt(np.einsum("pn,pn->p", z, z) / (n - 1))


def gradients(directions: Floats, columns: Floats, radius: float) -> tuple[Floats, Floats]:
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


def unit(directions: Floats) -> Floats:
    """Return the directions with negative elements set to 0 and length 1; zero stays zero."""
    kept = np.maximum(directions, 0.0)
    length = np.sqrt(np.einsum("pj,pj->p", kept, kept))[:, None]
    return np.divide(kept, length, out=kept, where=length > 0)


class Stage(NamedTuple):
    """The best direction of one refinement."""

    value: float
    direction: Floats
    rounds: int
    evaluations: int


def refine(
    columns: Floats,
    radius: float,
    start: Floats,
    step: float,
    samples: int,
    rounds: int,
    rng: np.random.Generator,
) -> Stage:
    """Sample around a moving mean with a covariance that adapts (CMA-ES).

    Hansen and Ostermeier (2001), with the samples brought back to the sphere
    before they are used. Sampling steps over the kinks that ties put into Q,
    at which a line search stops.
    """
    m = len(start)
    weights = math.log(samples // 8 + 0.5) - np.log(np.arange(1, samples // 8 + 1))
    weights /= weights.sum()
    rates = _Rates.of(m, 1.0 / float((weights**2).sum()))
    covariance, path, drift = np.eye(m), np.zeros(m), np.zeros(m)
    mean = best = start
    top = values(start[None], columns, radius)[0]
    for done in range(1, rounds + 1):  # noqa: B007 - counts the rounds
        floor = 1e-12 * covariance.diagonal().max()  # the sphere takes one dimension away
        factor = np.linalg.cholesky(covariance + floor * np.eye(m))
        cloud = np.einsum("sk,jk->sj", rng.standard_normal((samples, m)), factor)
        directions = unit(mean + step * cloud)
        heights = values(directions, columns, radius)
        order = np.argsort(-heights, kind="stable")[: len(weights)]
        if heights[order[0]] > top:
            top, best = heights[order[0]], directions[order[0]]
        moves = (directions[order] - mean) / step
        shift = np.einsum("s,sj->j", weights, moves)
        mean = mean + step * shift
        white = np.linalg.solve(factor, shift)
        drift = (1 - rates.drift) * drift + rates.drift_gain * white
        path = (1 - rates.path) * path + rates.path_gain * shift
        covariance = (
            (1 - rates.one - rates.many) * covariance
            + rates.one * np.outer(path, path)
            + rates.many * np.einsum("sj,sk->jk", weights[:, None] * moves, moves)
        )
        growth = rates.damped * (np.sqrt((drift**2).sum()) / rates.expected - 1)
        step = min(step * math.exp(min(growth, 1.0)), 1.0)
        if step * math.sqrt(covariance.diagonal().max()) < 1e-10:
            break
    return Stage(float(top), best, done, done * samples + 1)


class _Rates(NamedTuple):
    """Learning rates of the adaptation, all from the dimension and the effective sample."""

    drift: float
    drift_gain: float
    path: float
    path_gain: float
    one: float
    many: float
    damped: float
    expected: float

    @classmethod
    def of(cls, m: int, effective: float) -> _Rates:
        """Return the customary rates (Hansen and Ostermeier 2001; Hansen 2016)."""
        drift = (effective + 2) / (m + effective + 5)
        path = (4 + effective / m) / (m + 4 + 2 * effective / m)
        one = 2 / ((m + 1.3) ** 2 + effective)
        many = min(1 - one, 2 * (effective - 2 + 1 / effective) / ((m + 2) ** 2 + effective))
        damping = 1 + drift + 2 * max(0.0, math.sqrt((effective - 1) / (m + 1)) - 1)
        expected = math.sqrt(m) * (1 - 1 / (4 * m) + 1 / (21 * m * m))
        return cls(
            drift,
            math.sqrt(drift * (2 - drift) * effective),
            path,
            math.sqrt(path * (2 - path) * effective),
            one,
            many,
            drift / damping,
            expected,
        )


# A relative gain below this in its last stretch makes a search count as converged.
TOLERANCE = 1e-6


class Search(NamedTuple):
    """Where a search ended and what it took."""

    direction: Floats
    starts: int
    generations: int
    evaluations: int
    converged: bool


# Times that the best direction is refined again, as long as that gains.
_RESTARTS = 2


def multistart(columns: Floats, radius: float, *, starts: int = 96) -> Search:
    """Climb from many starts, then refine; see `projection_pursuit` for the stages."""
    if not (isinstance(starts, int) and starts >= 0):
        raise MethodError(f"starts is {starts!r}", expected="a whole number of zero or more")
    # One fixed stream, so that the search is a function of the data alone.
    rng, m = np.random.default_rng(0), len(columns)
    powers = np.where(np.arange(starts) % 2, 6.0, 1.0)[:, None]  # even directions and sparse ones
    centre = np.full(m, 1.0 / math.sqrt(m))
    first = unit(np.vstack([np.eye(m), centre, rng.random((starts, m)) ** powers]))
    climbed, heights = _climb(first, columns, radius, rounds=12)
    top = np.argsort(-heights, kind="stable")[:12]
    climbed, heights = _climb(climbed[top], columns, radius, rounds=20)
    evaluations = 13 * len(first) + 21 * len(top)

    stages = [refine(columns, radius, centre, 0.2, 200, 40, rng)]
    stages += [
        refine(columns, radius, start, 0.05, 200, 15, rng) for start in _apart(climbed, heights)
    ]
    leader = max(stages, key=lambda stage: stage.value)
    best = refine(columns, radius, leader.direction, 0.05, 400, 70, rng)
    stages.append(best)
    for _ in range(_RESTARTS):
        before, best = best, refine(columns, radius, best.direction, 0.002, 120, 45, rng)
        stages.append(best)
        if best.value - before.value <= TOLERANCE * best.value:
            break
    return Search(
        best.direction,
        len(first),
        sum(stage.rounds for stage in stages),
        evaluations + sum(stage.evaluations for stage in stages),
        bool(best.value - before.value <= TOLERANCE * best.value),
    )


def _climb(
    directions: Floats, columns: Floats, radius: float, rounds: int
) -> tuple[Floats, Floats]:
    """Move every direction towards its gradient, by a step that shrinks when Q falls.

    Q grows with the square of a direction's length, so the direction of the
    gradient is itself the full step, as in a power iteration.
    """
    heights, slopes = gradients(directions, columns, radius)
    step = np.ones((len(directions), 1))
    for _ in range(rounds):
        length = np.sqrt(np.einsum("pj,pj->p", slopes, slopes))[:, None]
        towards = np.divide(slopes, length, out=np.zeros_like(slopes), where=length > 0)
        moved = unit(directions + step * (towards - directions))
        new_heights, new_slopes = gradients(moved, columns, radius)
        up = new_heights > heights
        directions = np.where(up[:, None], moved, directions)
        slopes = np.where(up[:, None], new_slopes, slopes)
        heights = np.where(up, new_heights, heights)
        step = np.where(up[:, None], np.minimum(1.5 * step, 4.0), 0.4 * step)
    return directions, heights


def _apart(directions: Floats, heights: Floats, most: int = 3) -> list[Floats]:
    """Return the highest directions that are not neighbours, at most three."""
    kept: list[Floats] = []
    for k in np.argsort(-heights, kind="stable"):
        far = all(np.abs(directions[k] - other).max() > 0.1 for other in kept)
        if far and heights[k] >= 0.9 * heights.max() and len(kept) < most:
            kept.append(directions[k])
    return kept


# Generations with hardly a gain after which the population counts as converged.
_REST = 20


def genetic(
    columns: Floats,
    radius: float,
    seed: int,
    *,
    population: int = 400,
    generations: int = 100,
    crossover: float = 0.8,
    mutation: float = 0.1,
    elite: int = 20,
) -> Search:
    """Evolve a population of directions; see `projection_pursuit` for the operators."""
    _check(population, generations, crossover, mutation, elite)
    rng = np.random.default_rng(seed)
    parents = unit(rng.random((population, len(columns))))
    fitness = values(parents, columns, radius)
    best = []
    for generation in range(generations):
        width = 0.3 * (1.0 - generation / generations) ** 2
        children = _offspring(parents, fitness, crossover, mutation, width, rng)
        scores = values(children, columns, radius)
        old = np.argsort(-fitness, kind="stable")[:elite]
        new = np.argsort(-scores, kind="stable")[: population - elite]
        parents = np.concatenate([parents[old], children[new]])
        fitness = np.concatenate([fitness[old], scores[new]])
        best.append(fitness.max())
    gained = best[-1] - best[-1 - _REST] if generations > _REST else best[-1]
    return Search(
        parents[fitness.argmax()],
        population,
        generations,
        population * (generations + 1),
        bool(gained <= TOLERANCE * best[-1]),
    )


def _offspring(
    parents: Floats,
    fitness: Floats,
    crossover: float,
    mutation: float,
    width: float,
    rng: np.random.Generator,
) -> Floats:
    """Return as many children as parents: tournaments of two, crossover, mutation."""
    size, m = parents.shape
    first, second = rng.integers(size, size=(2, 2 * size))
    winners = np.where(fitness[first] > fitness[second], first, second)
    mother, father = parents[winners[:size]], parents[winners[size:]]
    share = rng.uniform(-0.25, 1.25, size=(size, m))
    crossed = rng.random((size, 1)) < crossover
    children = np.where(crossed, share * mother + (1.0 - share) * father, mother)
    mutated = rng.random((size, m)) < mutation
    return unit(children + mutated * width * rng.standard_normal((size, m)))


def _check(
    population: int, generations: int, crossover: float, mutation: float, elite: int
) -> None:
    for name, number, least in (
        ("population", population, 2),
        ("generations", generations, 1),
        ("elite", elite, 1),
    ):
        if not (isinstance(number, int) and number >= least):
            raise MethodError(f"{name} is {number!r}", expected=f"a whole number from {least}")
    if elite >= population:
        raise MethodError(
            f"elite is {elite} and population {population}", expected="fewer elite than population"
        )
    for name, share in (("crossover", crossover), ("mutation", mutation)):
        if not 0.0 <= share <= 1.0:
            raise MethodError(f"{name} is {share!r}", expected="a probability from 0 to 1")


SOLVERS: dict[str, Callable[..., Search]] = {"genetic": genetic, "multistart": multistart}


@dataclass(frozen=True, eq=False, repr=False)
class ProjectionPursuit:
    """The result of :func:`projection_pursuit`.

    Attributes
    ----------
    direction : ndarray, shape (m,)
        Direction a: no negative element, length 1.
    projection : ndarray, shape (N,)
        z = x a, in the unit of the normalised indicators.
    value : float
        Projection index Q = S D.
    spread : float
        S, sample standard deviation of the projection.
    density : float
        D, sum of R - r over the pairs closer than R, both orders and each
        point with itself.
    radius : float
        R / S.
    solver : str
        ``"genetic"`` or ``"multistart"``.
    seed : int or None
        Seed of the genetic algorithm; None for the deterministic solver.
    starts : int
        Size of the population, or number of starts.
    generations : int
        Generations, or rounds of the refinement.
    evaluations : int
        Projection indices and gradients computed.
    converged : bool
        Whether the last 20 generations, or the last refinement, gained no more
        than 1e-6 of Q. It says that the search has come to rest, not that no
        better direction exists.
    """

    direction: Floats
    projection: Floats
    value: float
    spread: float
    density: float
    radius: float
    solver: str
    seed: int | None
    starts: int
    generations: int
    evaluations: int
    converged: bool

    def __repr__(self) -> str:
        how = self.solver if self.seed is None else f"{self.solver}, seed {self.seed}"
        rest = "converged" if self.converged else "not converged"
        return (
            f"Q = {self.value:.6g} (S = {self.spread:.4g}, D = {self.density:.4g}, "
            f"R = {self.radius:g} S); {how}, {self.evaluations} evaluations, {rest}"
        )


def projection_index(x: ArrayLike, a: ArrayLike, radius: float = 0.1) -> float | Floats:
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
        If `a` does not fit or `radius` is not a positive number.

    Notes
    -----
    Sorting costs N log N; the pairwise form costs N^2.

    Examples
    --------
    Two pairs of points, two apart; S = 1.1547, R = 0.11547, and only each
    point with its twin and itself lies within R:

    >>> x = [[0.0], [0.0], [2.0], [2.0]]
    >>> round(projection_index(x, [1.0]), 6)  # 1.1547 * 8 * 0.11547
    1.066667
    >>> projection_index(x, [[1.0], [0.5]]).round(6)
    array([1.066667, 0.266667])
    """
    x, radius = _checked(x, radius)
    a = np.asarray(a, dtype=np.float64)
    if a.ndim not in (1, 2) or a.shape[-1] != x.shape[1]:
        raise MethodError(
            f"a has shape {a.shape}", expected=f"one element per column, (..., {x.shape[1]})"
        )
    if a.ndim == 2:
        _require_finite_direction(a)
        columns = _columns(x)
        with np.errstate(over="ignore", invalid="ignore"):
            found = values(a, columns, radius)
        if not np.isfinite(found).all():
            raise out_of_range(float(columns.max() * np.abs(a).max()))
        return found
    z = np.einsum("nj,j->n", x, a)
    try:
        return measure(z, radius).value
    except DataError:
        _require_finite_direction(a)
        require_finite(x, x, name="x")
        raise


def projection_pursuit(
    x: ArrayLike,
    radius: float = 0.1,
    solver: str = "multistart",
    seed: int = 0,
    **options: Any,
) -> ProjectionPursuit:
    """Find the direction a >= 0, |a| = 1, of the largest projection index.

    Parameters
    ----------
    x : array_like, shape (N, m)
        Normalised indicators, larger is better, N >= 2.
    radius : float
        R in units of S, see :func:`projection_index`.
    solver : str
        ``"multistart"``: deterministic. Every indicator alone, equal weights and
        `starts` further directions (96) climb along the gradient; the highest
        and a wide search from equal weights are then refined by sampling with
        an adapting covariance (Hansen and Ostermeier 2001), because Q has a
        kink wherever two projections tie.
        ``"genetic"``: a real-coded genetic algorithm, as the studies use one.
        Tournaments of two; arithmetic crossover with a share from -0.25 to
        1.25 per gene, probability `crossover` (0.8); normal mutation that
        narrows to nothing (Michalewicz 1992), probability `mutation` per gene
        (0.1); the `elite` (20) best survive. `population` (400) over
        `generations` (100), a size customary in that literature.
    seed : int
        Seed of the genetic algorithm; the other solver does not use it.
    **options
        The options of the solver, as named above.

    Returns
    -------
    ProjectionPursuit
        Indicators that do not vary get 0. If none varies, the direction is
        that of equal weights and Q is 0, with a
        :class:`~nqpf.index.normalise.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or there is one row only.
    nqpf.errors.MethodError
        If the solver, an option, the radius or the seed is not valid.

    Notes
    -----
    Q has many local maxima: neither solver proves that its answer is the
    largest. :func:`nqpf.index.pursuit.certify` compares the two.

    Examples
    --------
    Of three indicators, the second has two groups of rows, four apart:

    >>> x = np.random.default_rng(0).normal(size=(40, 3))
    >>> x[:20, 1] += 4.0
    >>> projection_pursuit(x).direction.round(2)
    array([0.4 , 0.91, 0.1 ])
    >>> projection_pursuit(x, solver="genetic", seed=1)
    Q = 48.6405 (S = 2.094, D = 23.23, R = 0.1 S); genetic, seed 1, 40400 evaluations, converged
    """
    x, radius = _checked(x, radius)
    search = _solver(solver, options)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise MethodError(f"seed is {seed!r}", expected="a whole number of zero or more")
    if solver == "genetic":
        options = {"seed": int(seed), **options}
    columns = _columns(x)
    found = _best(columns, radius, search, options)
    measured = measure(np.einsum("j,jn->n", found.direction, columns), radius)
    projection = np.einsum("nj,j->n", x, found.direction)
    return ProjectionPursuit(
        found.direction,
        projection,
        *measured,
        radius,
        solver,
        options.get("seed"),
        *found[1:],
    )


def _columns(x: Floats) -> Floats:
    """Return the indicators as rows, each from zero: Q does not feel a shift, its digits do."""
    low = x.min(axis=0)
    require_finite(x, low, x.max(axis=0), name="x")
    with np.errstate(over="ignore"):  # refused by its size
        columns = np.ascontiguousarray((x - low).T)
    if columns.any() and not SMALLEST < columns.max() < LARGEST:
        raise out_of_range(columns.max())
    return columns


def _require_finite_direction(a: Floats) -> None:
    if not np.isfinite(a).all():
        raise MethodError("a holds a missing or infinite element", expected="finite elements")


def _best(
    columns: Floats, radius: float, search: Callable[..., Search], options: dict[str, Any]
) -> Search:
    """Search among the columns that vary; the others get 0."""
    varying = columns.max(axis=1) > 0
    if not varying.any():
        warnings.warn(
            "no column varies, so every direction has a projection index of zero",
            ConstantIndicatorWarning,
            stacklevel=3,
        )
        return Search(np.full(len(columns), 1.0 / math.sqrt(len(columns))), 1, 0, 1, True)
    found = Search(np.ones(1), 1, 0, 1, True)
    if varying.sum() > 1:
        found = search(columns[varying], radius, **options)
    direction = np.zeros(len(columns))
    direction[varying] = found.direction
    return found._replace(direction=direction)


def _checked(x: ArrayLike, radius: float) -> tuple[Floats, float]:
    """Return `x` as a matrix of two rows or more, and `radius` as a positive float."""
    x = matrix(x, "x")
    if len(x) < 2:
        raise DataError("x has 1 row", expected="two rows or more, or nothing can spread")
    if isinstance(radius, bool) or not isinstance(radius, Real) or not 0 < radius < math.inf:
        raise MethodError(f"radius is {radius!r}", expected="a positive number, 0.1 in the studies")
    return x, float(radius)


def _solver(name: str, options: dict[str, Any]) -> Callable[..., Search]:
    """Return the solver called `name`, after checking that it knows the options."""
    require_known("solver", name, SOLVERS)
    parameters = inspect.signature(SOLVERS[name]).parameters.values()
    known = [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    for option in options:
        require_known(f"option of the {name} solver", option, known)
    return SOLVERS[name]


def pursuit_weights(
    z: ArrayLike, radius: float = 0.1, solver: str = "multistart", seed: int = 0
) -> Floats:
    """Weight indicators by the direction of the largest projection index.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators.
    radius, solver, seed
        As in :func:`projection_pursuit`.

    Returns
    -------
    ndarray, shape (m,)
        a / sum(a): a linear aggregate with these weights is the projection of
        the clustering model divided by sum(a), with the same ranks.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.MethodError
        As :func:`projection_pursuit`.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.random.default_rng(0).normal(size=(40, 3))
    >>> z[:20, 1] += 4.0
    >>> pursuit_weights(z).round(2)
    array([0.28, 0.65, 0.07])
    """
    direction = projection_pursuit(z, radius, solver, seed).direction
    return direction / direction.sum()


# Two solvers agree if their Q differ by no more than this, relative to the larger.
AGREEMENT = 1e-6


@dataclass(frozen=True, eq=False)
class Certificate:
    """The result of :func:`certify`.

    Attributes
    ----------
    optimum : ProjectionPursuit
        Answer of the deterministic solver.
    runs : tuple of ProjectionPursuit
        Answers of the genetic algorithm, one per seed.
    """

    optimum: ProjectionPursuit
    runs: tuple[ProjectionPursuit, ...]

    @property
    def gap(self) -> float:
        """Q of the deterministic answer less the best genetic Q, relative to the former.

        Negative if the genetic algorithm found the better direction.
        """
        return self._shortfall(max(run.value for run in self.runs))

    @property
    def agreed(self) -> bool:
        """Whether the gap is no wider than 1e-6."""
        return abs(self.gap) <= AGREEMENT

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
        best = _ranks(self.optimum)
        rows = []
        for run in self.runs:
            ranks = _ranks(run)
            rows.append(
                {
                    "seed": run.seed,
                    "value": run.value,
                    "shortfall": self._shortfall(run.value),
                    "direction": np.abs(run.direction - self.optimum.direction).max(),
                    "rank_correlation": best.corr(ranks),
                    "largest_shift": (best - ranks).abs().max(),
                    "converged": run.converged,
                }
            )
        return pd.DataFrame(rows).set_index("seed")

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

    def _repr_html_(self) -> str:
        rows = self.summary().map("{:.6g}".format)
        return f"{rows.to_html(header=False)}<p>{self.verdict()}</p>"

    def verdict(self) -> str:
        """Return one sentence: whether the two solvers agree, or by how much they do not.

        Returns
        -------
        str
            The sentence that stands below the table.
        """
        count = len(self.runs)
        if self.agreed:
            return f"The best of {count} genetic runs agrees with the deterministic answer to 1e-6."
        side = "below" if self.gap > 0 else "above"
        return (
            f"The best of {count} genetic runs ends {abs(self.gap):.1e} (relative) {side} "
            "the deterministic answer: they do not agree to 1e-6."
        )


def _ranks(result: ProjectionPursuit) -> pd.Series:
    unit = result.spread or 1.0
    return pd.Series((result.projection / unit).round(8)).rank()


def certify(x: ArrayLike, seeds: Iterable[int] = range(20), radius: float = 0.1) -> Certificate:
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
        As in :func:`nqpf.index.pursuit.projection_index`.

    Returns
    -------
    Certificate
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
    return Certificate(
        projection_pursuit(x, radius, "multistart"),
        tuple(projection_pursuit(x, radius, "genetic", seed) for seed in seeds),
    )
