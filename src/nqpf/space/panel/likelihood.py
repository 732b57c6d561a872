"""Maximum likelihood of spatial lag and error panels, concentrated in rho."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nqpf.errors import EstimationError
from nqpf.space.panel.spectrum import Spectrum
from nqpf.space.panel.transform import Transformation

__all__ = ["Estimate", "fit_error", "fit_lag", "lagged"]

_GRID = 60
_EDGE = 1e-7  # share of the range of rho that counts as its bound


@dataclass(frozen=True, eq=False)
class Estimate:
    """A maximum of the likelihood. Parameters are in the order slopes, rho, sigma2.

    Attributes
    ----------
    slopes : (k,)
    rho, sigma2, loglik : float
    residuals : (T, n)
    information, hessian : (k + 2, k + 2)
        Expected information, and minus the matrix of second derivatives.
    design : (T, n, k)
    moved : (T, n)
        Minus the derivatives of the residuals by slopes and by rho.
    """

    slopes: np.ndarray
    rho: float
    sigma2: float
    loglik: float
    residuals: np.ndarray
    information: np.ndarray
    hessian: np.ndarray
    design: np.ndarray
    moved: np.ndarray


def lagged(matrix: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return W v of every period, for values of shape (T, n, ...).

    Examples
    --------
    >>> lagged(np.array([[0, 1], [1, 0]]), np.array([[1, 2], [3, 4]]))
    array([[2, 1],
           [4, 3]])
    """
    return np.moveaxis(np.tensordot(matrix, values, axes=(1, 1)), 0, 1)


def fit_lag(y: np.ndarray, x: np.ndarray, spectrum: Spectrum, change: Transformation) -> Estimate:
    """Maximise the likelihood of y = rho W y + x b + effects + e.

    The outcome is lagged before its effects are removed: the other order is the same only if
    W has equal row sums. The likelihood is (Elhorst 2003; Lee and Yu 2010)

        -N*/2 log(2 pi sigma2) + P log|I - rho W| - e'e / (2 sigma2)

    with P and N* as :class:`Transformation` counts them.

    Parameters
    ----------
    y : (T, n)
    x : (T, n, k)
        Regressors, for a Durbin model with their lags.
    spectrum : Spectrum
    change : Transformation

    Returns
    -------
    Estimate

    Raises
    ------
    nqpf.errors.EstimationError
        If the likelihood has no maximum inside the range of rho.
    """
    wy = lagged(spectrum.matrix, y)
    exog = change.within(x).reshape(-1, x.shape[2])
    own, lag = (change.within(v).ravel() for v in (y, wy))
    basis, triangle = np.linalg.qr(exog)
    left, pull = (v - basis @ (basis.T @ v) for v in (own, lag))
    squares = np.array([left @ left, left @ pull, pull @ pull])

    def square(rho):
        return squares[0] - 2 * rho * squares[1] + rho**2 * squares[2]

    def score(rho):
        gain = change.rows * (squares[1] - rho * squares[2]) / square(rho)
        return gain + change.periods * spectrum.slope(rho, change.common)

    rho, loglik = _maximum(square, score, spectrum, change)
    slopes = np.linalg.solve(triangle, basis.T @ (own - rho * lag))
    residuals = left - rho * pull
    sigma2 = float(residuals @ residuals) / change.rows
    traces = spectrum.traces(rho, change.common)
    # Fitted values of (I - rho W) y with their effects, so that unequal row sums are right.
    fitted = y - rho * wy - residuals.reshape(y.shape)
    g = spectrum.matrix @ spectrum.inverse(rho)
    mean_lag = change.within(lagged(g, fitted)).ravel()
    blocks = {
        "slopes": exog.T @ exog / sigma2,
        "cross": exog.T @ mean_lag / sigma2,
        "rho": change.periods * (traces.square + traces.cross) + mean_lag @ mean_lag / sigma2,
        "rho_sigma2": change.periods * traces.first / sigma2,
    }
    observed = {
        "slopes": blocks["slopes"],
        "cross": exog.T @ lag / sigma2,
        "rho": change.periods * traces.square + lag @ lag / sigma2,
        "rho_sigma2": lag @ residuals / sigma2**2,
    }
    last = change.rows / (2 * sigma2**2)
    return Estimate(
        slopes,
        rho,
        sigma2,
        loglik,
        residuals.reshape(y.shape),
        _assemble(blocks, last),
        _assemble(observed, last),
        exog.reshape(x.shape),
        lag.reshape(y.shape),
    )


def fit_error(y: np.ndarray, x: np.ndarray, spectrum: Spectrum, change: Transformation) -> Estimate:
    """Maximise the likelihood of y = x b + effects + u with u = lambda W u + e.

    Parameters, returns and errors as :func:`fit_lag`; lambda stands in the place of rho.
    Where a constant or year effects are removed, rows of W must have equal sums.
    """
    wy, wx = lagged(spectrum.matrix, y), lagged(spectrum.matrix, x)
    own, lag = (change.within(v).ravel() for v in (y, wy))
    exog, exog_lag = (change.within(v).reshape(-1, x.shape[2]) for v in (x, wx))

    def solved(rho):
        filtered = exog - rho * exog_lag
        basis, triangle = np.linalg.qr(filtered)
        target = own - rho * lag
        return np.linalg.solve(triangle, basis.T @ target), filtered, target

    def parts(rho):
        slopes, filtered, target = solved(rho)
        return target - filtered @ slopes, lag - exog_lag @ slopes

    def square(rho):
        return np.array([float(e @ e) for e in (parts(r)[0] for r in np.atleast_1d(rho))])

    def score(rho):
        # The slopes and effects are at their best, so only rho itself moves the likelihood.
        e, moved = parts(rho)
        gain = change.rows * (e @ moved) / (e @ e)
        return gain + change.periods * spectrum.slope(rho, change.common)

    rho, loglik = _maximum(square, score, spectrum, change)
    slopes, filtered, _ = solved(rho)
    e, moved = parts(rho)
    sigma2 = float(e @ e) / change.rows
    traces = spectrum.traces(rho, change.common)
    blocks = {
        "slopes": filtered.T @ filtered / sigma2,
        "cross": np.zeros(len(slopes)),
        "rho": change.periods * (traces.square + traces.cross),
        "rho_sigma2": change.periods * traces.first / sigma2,
    }
    observed = {
        "slopes": blocks["slopes"],
        "cross": (filtered.T @ moved + exog_lag.T @ e) / sigma2,
        "rho": change.periods * traces.square + moved @ moved / sigma2,
        "rho_sigma2": e @ moved / sigma2**2,
    }
    last = change.rows / (2 * sigma2**2)
    return Estimate(
        slopes,
        rho,
        sigma2,
        loglik,
        e.reshape(y.shape),
        _assemble(blocks, last),
        _assemble(observed, last),
        filtered.reshape(x.shape),
        moved.reshape(y.shape),
    )


def _maximum(
    square: Callable, score: Callable, spectrum: Spectrum, change: Transformation
) -> tuple[float, float]:
    """Return rho and the log-likelihood at its highest maximum inside the bounds."""
    from scipy.optimize import brentq

    low, high = spectrum.bounds
    edge = _EDGE * (high - low)
    grid = np.linspace(low + edge, high - edge, _GRID)
    scores = np.array([score(rho) for rho in grid])
    falls = np.flatnonzero((scores[:-1] > 0) & (scores[1:] <= 0))
    if not len(falls):
        raise EstimationError(
            f"the likelihood has no maximum between rho = {low:.4g} and {high:.4g}, where "
            "I - rho W becomes singular",
            expected="a maximum inside the range that the eigenvalues of the weights allow",
            hint="use sparser weights or fewer effects; a lag of the outcome that the effects "
            "nearly absorb identifies no rho",
        )
    found = np.array([brentq(score, grid[i], grid[i + 1], xtol=1e-15) for i in falls])
    heights = change.periods * spectrum.log_determinant(found, change.common)
    heights -= change.rows / 2 * (np.log(2 * np.pi * square(found) / change.rows) + 1)
    best = int(np.argmax(heights))
    return float(found[best]), float(heights[best])


def _assemble(blocks: dict[str, np.ndarray | float], last: float) -> np.ndarray:
    k = len(blocks["cross"])
    matrix = np.zeros((k + 2, k + 2))
    matrix[:k, :k] = blocks["slopes"]
    matrix[:k, k] = matrix[k, :k] = blocks["cross"]
    matrix[k, k] = blocks["rho"]
    matrix[k, k + 1] = matrix[k + 1, k] = blocks["rho_sigma2"]
    matrix[k + 1, k + 1] = last
    return matrix
