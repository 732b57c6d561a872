"""Point forecasts of a panel by one method each, and the registry that names them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import MethodError
from nqpf.forecast import autoregression, markov, smoothing
from nqpf.tfp.sample import nearest

__all__ = ["BAR", "METHODS", "Method", "method_of"]

BAR = "drift"  # what a method has to beat


@dataclass(frozen=True)
class Method:
    """A method of forecasting.

    Parameters
    ----------
    points : callable
        ``points(values, horizon)`` takes (T, n) years by provinces, of which
        only leading ones may be NaN, and returns (horizon, n).
    least : int
        Years that every province must have.
    title : str
        Name in words.
    """

    points: Callable[[np.ndarray, int], np.ndarray]
    least: int
    title: str


def random_walk(values: np.ndarray, horizon: int) -> np.ndarray:
    """Return the newest value for every year ahead.

    Examples
    --------
    >>> random_walk(np.array([[1.0], [3.0]]), 2).ravel()
    array([3., 3.])
    """
    return np.repeat(values[-1:], horizon, axis=0)


def drift(values: np.ndarray, horizon: int) -> np.ndarray:
    """Return the newest value plus the province's own mean yearly change.

    Examples
    --------
    >>> drift(np.array([[1.0], [2.0], [4.0]]), 2).ravel()
    array([5.5, 7. ])
    """
    return values[-1] + _ahead(horizon) * mean_change(values)


def pooled_drift(values: np.ndarray, horizon: int) -> np.ndarray:
    """Return the newest value plus the mean yearly change of all provinces.

    Examples
    --------
    >>> pooled_drift(np.array([[1.0, 5.0], [2.0, 8.0]]), 1)
    array([[ 4., 10.]])
    """
    return values[-1] + _ahead(horizon) * mean_change(values).mean()


def panel_ar(values: np.ndarray, horizon: int) -> np.ndarray:
    """Return the mean of all carried by its drift, and distances from it by a panel AR(1).

    Persistence above one is set to one: a distance that explodes is no forecast.
    """
    apart, mean = autoregression.deviations(values)
    fit = autoregression._estimate(apart, pd.RangeIndex(values.shape[1]), "moment")
    rho = min(fit.rho, 1.0)
    sums = autoregression._Sums.of(apart)
    effects = sums.mean_y - rho * sums.mean_x
    now, found = apart[-1], []
    for ahead in range(1, horizon + 1):
        now = effects + rho * now
        found.append(mean[-1] + ahead * (mean[-1] - mean[0]) / (len(mean) - 1) + now)
    return np.array(found)


METHODS = {
    "random_walk": Method(random_walk, 2, "random walk"),
    "drift": Method(drift, 3, "drift"),
    "pooled_drift": Method(pooled_drift, 3, "pooled drift"),
    "smoothing": Method(smoothing.damped_trend, smoothing.LEAST, "damped exponential smoothing"),
    "panel_ar": Method(panel_ar, autoregression.LEAST, "panel autoregression"),
    "markov": Method(markov.markov_values, markov.LEAST, "Markov transition"),
}


def method_of(name: str) -> Method:
    """Return a method by name.

    Raises
    ------
    nqpf.errors.MethodError
        If it is unknown; the message offers the nearest.
    """
    if name not in METHODS:
        raise MethodError(
            f"unknown method {name!r}",
            expected="one of " + ", ".join(METHODS),
            hint=nearest(name, METHODS),
        )
    return METHODS[name]


def mean_change(values: np.ndarray) -> np.ndarray:
    """Return (n,) mean yearly changes, each over the years that the province has."""
    present = np.isfinite(values)
    first = values[present.argmax(axis=0), np.arange(values.shape[1])]
    return (values[-1] - first) / (present.sum(axis=0) - 1)


def _ahead(horizon: int) -> np.ndarray:
    return np.arange(1, horizon + 1)[:, None]
