"""Holt's linear trend with damping, for all provinces at once."""

from __future__ import annotations

import numpy as np

__all__ = ["LEAST", "damped_trend", "fit_damped"]

LEAST = 5  # years
_BOUNDS = np.array([[0.0, 1.0], [0.0, 1.0], [0.8, 0.995]])  # level, trend, damping
_COARSE = (11, 11, 5)
_ROUNDS = 16


def damped_trend(values: np.ndarray, horizon: int) -> np.ndarray:
    """Return (horizon, n) forecasts by Holt's damped trend (Gardner and McKenzie 1985).

    Parameters
    ----------
    values : (T, n) array
        Years by provinces; only leading ones may be NaN.
    horizon : int
        Years ahead.

    Notes
    -----
    The recursion is that of ``statsmodels.tsa.holtwinters.Holt`` from a known
    start, the first value and the first change: with few years, estimating the
    start as well would leave nothing to estimate the rest from. A search by
    grids over all provinces at once is many times faster than a fit per
    province, which backtests need hundreds of times.

    Examples
    --------
    Damping takes a little off a straight line:

    >>> damped_trend(np.array([[1.0], [2.0], [3.0], [4.0], [5.0]]), 1).round(2)
    array([[5.88]])
    """
    found = np.empty((horizon, values.shape[1]))
    begins = np.isfinite(values).argmax(axis=0)
    for begin in np.unique(begins):
        own = begins == begin
        y = values[begin:, own]
        params = fit_damped(y)
        level, trend, _ = _run(y, params[:, :, None])
        steps = np.cumsum(params[2] ** np.arange(1, horizon + 1)[:, None], axis=0)
        found[:, own] = level[:, 0] + steps * trend[:, 0]
    return found


def fit_damped(y: np.ndarray) -> np.ndarray:
    """Return (3, n) weights of level and trend and damping with the least sum of squares.

    Parameters
    ----------
    y : (T, n) array
        Finite.
    """
    axes = [np.linspace(*b, k) for b, k in zip(_BOUNDS, _COARSE, strict=True)]
    grid = np.array(np.meshgrid(*axes, indexing="ij")).reshape(3, 1, -1)
    best = _least(y, np.broadcast_to(grid, (3, y.shape[1], grid.shape[2])))
    around = np.array(np.meshgrid(*[[-1.0, -0.5, 0.0, 0.5, 1.0]] * 3, indexing="ij"))
    around = around.reshape(3, 1, -1)
    step = np.array([axis[1] - axis[0] for axis in axes])[:, None, None]
    low, high = _BOUNDS[:, :1, None], _BOUNDS[:, 1:, None]
    for _ in range(_ROUNDS):
        best = _least(y, np.clip(best[:, :, None] + step * around, low, high))
        step = step / 2
    return best


def _least(y: np.ndarray, tried: np.ndarray) -> np.ndarray:
    """Return, by province, the one of (3, n, k) parameters with the least sum of squares."""
    squares = _run(y, tried)[2]
    place = squares.argmin(axis=1)
    return tried[:, np.arange(y.shape[1]), place]


def _run(y: np.ndarray, params: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (n, k) last levels, last trends and sums of squared one-step errors."""
    alpha, beta, phi = params
    both = alpha * beta
    level = np.broadcast_to(y[0][:, None], alpha.shape)
    trend = np.broadcast_to((y[1] - y[0])[:, None], alpha.shape)
    squares = np.zeros(alpha.shape)
    for now in y:
        trend = phi * trend
        level = level + trend
        error = now[:, None] - level
        squares += error**2
        level = level + alpha * error
        trend = trend + both * error
    return level, trend, squares
