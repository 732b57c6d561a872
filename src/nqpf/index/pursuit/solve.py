"""The projection index of a direction, and the direction of the largest."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nqpf.errors import DataError, MethodError
from nqpf.index._arrays import Floats, matrix, require_finite
from nqpf.index._names import require_known
from nqpf.index.normalise import ConstantIndicatorWarning
from nqpf.index.pursuit.density import LARGEST, SMALLEST, measure, out_of_range, values
from nqpf.index.pursuit.genetic import genetic
from nqpf.index.pursuit.multistart import multistart
from nqpf.index.pursuit.search import Search

__all__ = ["SOLVERS", "ProjectionPursuit", "projection_index", "projection_pursuit"]

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
