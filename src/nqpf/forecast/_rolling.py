"""Forecasts from every origin, made from what was known then, and intervals from their errors."""

from __future__ import annotations

import math

import numpy as np

from nqpf.forecast.methods import method_of

__all__ = ["analytic_width", "rolling", "rolling_width", "scales"]

_PRIOR = 3.0  # years of the average province that join a province's own changes


def rolling(values: np.ndarray, method: str, horizon: int, origins: range) -> np.ndarray:
    """Return (len(origins), H, n) forecasts from each origin, a row number of `values`.

    A province with too few years at an origin is left out of it, as NaN.
    """
    known = method_of(method)
    found = np.full((len(origins), horizon, values.shape[1]), np.nan)
    for place, origin in enumerate(origins):
        past = values[: origin + 1]
        able = np.isfinite(past).sum(axis=0) >= known.least
        if not able.any():
            continue
        past = past[:, able]
        past = past[np.isfinite(past).any(axis=1)]
        found[place][:, able] = known.points(past, horizon)
    return found


def scales(values: np.ndarray) -> np.ndarray:
    """Return (n,) typical sizes of a yearly change about its mean, shrunk towards the average.

    A province's own squares count by its number of changes, the average of
    all by three: with few years its own spread is a poor guide.
    """
    changes = np.diff(values, axis=0)
    count = np.isfinite(changes).sum(axis=0)
    centre = np.nansum(changes, axis=0) / np.maximum(count, 1)
    squares = np.nansum((changes - centre) ** 2, axis=0)
    common = squares.sum() / max(count.sum() - len(count), 1)
    return np.sqrt((squares + _PRIOR * common) / (np.maximum(count - 1, 0) + _PRIOR))


def rolling_width(
    values: np.ndarray, forecasts: np.ndarray, origins: range, now: int, level: float
) -> np.ndarray:
    """Return (H, n) half-widths at row `now` from errors that could be seen by then.

    Errors of earlier origins, in units of the province's scale at the time, are
    pooled over provinces by horizon; the width is their ceil((m + 1) level)-th
    smallest size (split conformal, Lei et al. 2018). NaN where there are too few.
    """
    horizon = forecasts.shape[1]
    found = np.full(horizon, np.nan)
    for ahead in range(1, horizon + 1):
        sizes = []
        for place, origin in enumerate(origins):
            if origin + ahead <= now:
                error = values[origin + ahead] - forecasts[place, ahead - 1]
                scale = scales(values[: origin + 1])
                sizes.append(np.abs(error) / np.where(scale > 0, scale, np.nan))
        pooled = np.sort(np.concatenate(sizes)) if sizes else np.array([])
        pooled = pooled[np.isfinite(pooled)]
        rank = math.ceil((len(pooled) + 1) * level)
        if 0 < rank <= len(pooled):
            found[ahead - 1] = pooled[rank - 1]
    return found[:, None] * scales(values[: now + 1])


def analytic_width(values: np.ndarray, method: str, horizon: int, level: float) -> np.ndarray:
    """Return (H, n) half-widths of the random walk or the drift with independent changes.

    With s the standard error of the T-1 changes, the h-step error has variance
    s^2 h for the random walk and s^2 (h + h^2 / (T-1)) for the drift, whose
    slope is estimated; quantiles are Student's, because s is estimated too.
    """
    from scipy.stats import t as student

    changes = np.diff(values, axis=0)
    count = np.isfinite(changes).sum(axis=0)
    ahead = np.arange(1, horizon + 1)[:, None]
    if method == "random_walk":
        free, variance = count, np.nansum(changes**2, axis=0) / count
        variance = variance * ahead
    else:
        free = count - 1
        centre = np.nansum(changes, axis=0) / count
        variance = np.nansum((changes - centre) ** 2, axis=0) / free
        variance = variance * (ahead + ahead**2 / count)
    return student.ppf(0.5 + level / 2, free) * np.sqrt(variance)
