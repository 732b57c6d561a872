"""Maximise the likelihood of a frontier and say how the search ended."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nqpf.tfp.frontier.coordinates import GAMMA_MARGIN, Coordinates
from nqpf.tfp.frontier.likelihood import Sample

__all__ = ["NO_GAIN", "BoundaryWarning", "Convergence", "ConvergenceWarning", "Maximum", "maximise"]

# Log-likelihood that one more Newton step would gain at most, for the search to count as ended.
DECREMENT = 1e-8
BEST_STARTS = 3
# A frontier that adds less than this to the log-likelihood without inefficiency has none.
NO_GAIN = 1e-5
# L-BFGS-B finds the region, or the bound; near it Newton steps end the search.
FIRST_ITERATIONS = 50
LONGEST_STEP = 2.0
LEAST_GAIN = 1e-9
HALVINGS = 20


class ConvergenceWarning(UserWarning):
    """The search for the maximum did not converge."""


class BoundaryWarning(UserWarning):
    """The maximum lies at the edge of the parameter space."""


@dataclass(frozen=True)
class Convergence:
    """How the search for the maximum ended.

    Attributes
    ----------
    converged : bool
        A further Newton step would gain less than 1e-8 and, unless a parameter is at a bound,
        the Hessian is negative definite.
    boundary : tuple of str
        Parameters that stopped at a bound of the search: ``gamma`` near 0 or 1, ``eta``.
    message : str
        Words of the optimiser that ran first.
    iterations : int
        Iterations of the winning search, Newton steps included.
    gradient_norm : float
        Largest absolute derivative, in coordinates where regressors have mean square one.
    decrement : float
        Half of g' (-H)^-1 g, the gain expected from one more step.
    starts : DataFrame
        ``gamma``, ``eta`` and ``mean`` of each start and the ``loglik`` it led to.
    """

    converged: bool
    boundary: tuple[str, ...]
    message: str
    iterations: int
    gradient_norm: float
    decrement: float
    starts: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Maximum:
    """Estimates, their covariance (NaN where it cannot be had) and the state of the search."""

    parameters: np.ndarray
    covariance: np.ndarray
    loglik: float
    convergence: Convergence


def maximise(
    sample: Sample, beta: np.ndarray, sigma2: float, names: list[str], max_iterations: int
) -> Maximum:
    """Return the best maximum that searches from several starts lead to.

    Parameters
    ----------
    sample : Sample
        The data.
    beta, sigma2 : array (k,), float
        Coefficients and residual variance of ordinary least squares.
    names : list of str
        Names of all parameters, in order.
    max_iterations : int
        Bound on the iterations of each search.

    Notes
    -----
    A grid over gamma (0.1 to 0.9, as in FRONTIER 4.1), and over eta and the mean where they are
    free, is ranked by its likelihood. From the best three, L-BFGS-B is followed by Newton steps
    with a Hessian from differences of the analytic gradient. A search without inefficiency wins
    where the others gain nothing over it.
    """
    space = Coordinates(sample, beta, sigma2)
    grid = list(
        itertools.product(
            np.arange(1, 10) / 10,
            (-0.1, 0.0, 0.1) if sample.decay else (0.0,),
            (-1.0, 0.0, 1.0) if space.p else (0.0,),
        )
    )
    grid.sort(key=lambda guess: space.minus(space.start(*guess))[0])
    # Towards gamma = 0 the likelihood flattens and searches creep, so the edge is searched first.
    edge = space.without_inefficiency()
    none = _search(edge, (GAMMA_MARGIN, 0.0, 0.0), max_iterations)
    searches = [_search(space, guess, max_iterations, none.minus) for guess in grid[:BEST_STARTS]]
    # A search that did not end may stand higher than one that did; the flag then says so.
    best = min(searches, key=lambda search: search.minus)
    starts = pd.DataFrame(grid[:BEST_STARTS], columns=["gamma", "eta", "mean"])
    starts["loglik"] = [-search.minus for search in searches]
    if none.minus > best.minus + NO_GAIN:
        return _described(space, best, names, starts)
    found = _described(edge, none, names, starts)
    # Searches cut short say nothing about what lies away from the edge.
    ended = found.convergence.converged and best.iterations < max_iterations
    return replace(found, convergence=replace(found.convergence, converged=ended))


@dataclass(frozen=True, eq=False)
class _Search:
    at: np.ndarray
    minus: float
    message: str
    iterations: int


def _search(
    space: Coordinates,
    guess: tuple[float, float, float],
    max_iterations: int,
    edge: float = np.inf,
) -> _Search:
    """Search from one start; stop where the likelihood is that of no inefficiency, `edge`."""
    from scipy.optimize import minimize

    limit = min(FIRST_ITERATIONS, max_iterations)
    found = minimize(
        space.minus,
        space.start(*guess),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(space.lower, space.upper, strict=True)),
        options={"maxiter": limit, "maxfun": 20 * limit, "ftol": 1e-13},
    )
    at, value, count = found.x, float(found.fun), int(found.nit)
    while count < max_iterations and abs(value - edge) > NO_GAIN:
        moved = _newton(space, at, value)
        if moved is None:
            break
        gain, count = value - moved[1], count + 1
        at, value = moved
        if gain < LEAST_GAIN:
            break
    return _Search(at, value, str(found.message), count)


def _newton(space: Coordinates, at: np.ndarray, value: float) -> tuple[np.ndarray, float] | None:
    """Return the point after one Newton step, or None when no step improves."""
    free = ~space.bound(at)
    gradient = space.minus(at)[1][free]
    step, _ = _step(space.hessian(at)[np.ix_(free, free)], gradient)
    step *= min(1.0, LONGEST_STEP / np.abs(step).max(initial=1e-300))
    for _ in range(HALVINGS):
        trial = at.copy()
        trial[free] -= step
        trial = np.clip(trial, space.lower, space.upper)
        trial_value = space.minus(trial)[0]
        if trial_value < value:
            return trial, trial_value
        step = step / 2
    return None


def _step(hessian: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the Newton step, and whether H is positive definite beyond rounding.

    Absolute eigenvalues lead away from saddles; the floor keeps flat directions within reach.
    """
    roots, directions = np.linalg.eigh(hessian)
    largest = np.abs(roots).max()
    size = np.maximum(np.abs(roots), 1e-8 * largest)
    return directions @ (directions.T @ gradient / size), bool(roots[0] > 1e-10 * largest)


def _described(
    space: Coordinates, best: _Search, names: list[str], starts: pd.DataFrame
) -> Maximum:
    """Return estimates for the reader, and whether they are a maximum."""
    gradient = space.minus(best.at)[1]
    bound = space.bound(best.at)
    hessian = space.hessian(best.at)
    step, definite = _step(hessian[np.ix_(~bound, ~bound)], gradient[~bound])
    decrement = float(gradient[~bound] @ step) / 2
    size = len(best.at)
    covariance = np.full((size, size), np.nan)
    if definite and not bound.any():
        jacobian = space.jacobian(best.at)
        covariance = jacobian @ np.linalg.inv(hessian) @ jacobian.T
    return Maximum(
        parameters=space.original(best.at),
        covariance=covariance,
        loglik=-best.minus,
        convergence=Convergence(
            # At a bound of gamma other parameters are not identified and H is singular.
            converged=decrement < DECREMENT and (definite or bool(bound.any())),
            boundary=tuple(name for name, at in zip(names, bound, strict=True) if at),
            message=best.message,
            iterations=best.iterations,
            gradient_norm=float(np.abs(gradient[~bound]).max()),
            decrement=decrement,
            starts=starts,
        ),
    )
