"""Forecasts of an index, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.checks import nearest
from nqpf.errors import MethodError, SampleError
from nqpf.forecast.methods import (
    METHODS,
    check_horizon,
    enough,
    history,
    latest_run,
    long,
    method_of,
    undo,
)

__all__ = [
    "Forecast",
    "INTERVALS",
    "analytic_width",
    "check_horizon",
    "check_level",
    "enough",
    "forecast",
    "history",
    "latest_run",
    "long",
    "rolling",
    "rolling_width",
    "scales",
    "undo",
]

_PRIOR = 3.0  # years of the average province that join a province's own changes


def rolling(values: np.ndarray, method: str, horizon: int, origins: range) -> np.ndarray:
    """Return (len(origins), H, n) forecasts from each origin, a row number of `values`.

    A province with too few years at an origin is left out of it, as NaN.
    """
    known = method_of(method)
    found = np.full((len(origins), horizon, values.shape[1]), np.nan)
    for at, origin in enumerate(origins):
        past = values[: origin + 1]
        able = np.isfinite(past).sum(axis=0) >= known.least
        if not able.any():
            continue
        past = past[:, able]
        past = past[np.isfinite(past).any(axis=1)]
        found[at][:, able] = known.points(past, horizon)
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
        for at, origin in enumerate(origins):
            if origin + ahead <= now:
                error = values[origin + ahead] - forecasts[at, ahead - 1]
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


INTERVALS = ("rolling", "analytic")
_ANALYTIC = ("random_walk", "drift")


@dataclass(frozen=True)
class Forecast:
    """Forecasts by province and year.

    Parameters
    ----------
    frame : DataFrame indexed (province, year), or (measure, province, year)
        ``forecast``, ``lower``, ``upper`` and the ``horizon`` in years; bounds
        are NaN where too few past errors were seen.
    observed : Series or DataFrame
        What the forecasts were made from.
    method, interval : str
        Names of the method and of the kind of interval.
    level : float
        Nominal coverage.
    origin : int
        The newest year known.
    """

    frame: pd.DataFrame
    observed: pd.Series | pd.DataFrame
    method: str
    interval: str
    level: float
    origin: int

    def to_frame(self) -> pd.DataFrame:
        """Return the forecasts as a table of its own."""
        return self.frame.copy()

    def __str__(self) -> str:
        return (
            f"{METHODS[self.method].title}, {int(self.frame['horizon'].max())} years after "
            f"{self.origin}, {self.level:.0%} intervals ({self.interval})"
        )

    def _repr_html_(self) -> str:
        return f"<p>{self}</p>" + self.frame.to_html(float_format="{:.4f}".format, border=0)


def forecast(
    series: pd.Series | pd.DataFrame,
    horizon: int = 3,
    method: str = "drift",
    level: float = 0.9,
    interval: str = "rolling",
    logs: bool = False,
) -> Forecast:
    """Forecast an index per province, 1 to `horizon` years ahead.

    Parameters
    ----------
    series : Series or DataFrame indexed (province, year)
        Finite and without gaps up to one newest year; a history may begin
        late. Columns of a DataFrame (dimensions of an index) are forecast one
        by one and need not add up.
    horizon : int
        Years ahead.
    method : {"random_walk", "drift", "pooled_drift", "smoothing", "panel_ar", "markov"}
        See :mod:`nqpf.forecast.methods`.
    level : float
        Nominal coverage, between 0 and 1.
    interval : {"rolling", "analytic"}
        From errors of the same method at earlier origins, pooled over
        provinces; or by formula, for the random walk and the drift only.
    logs : bool
        Forecast the logarithm and return its exponential, a median.

    Returns
    -------
    Forecast

    Raises
    ------
    nqpf.errors.MethodError
        If an option is not valid.
    nqpf.errors.SampleError
        If a figure is not finite, not above zero where logs are asked, a
        province has a gap or too few years; named by province and year.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1], range(2018, 2023)], names=["province", "year"])
    >>> series = pd.Series([1.0, 2.0, 4.0, 5.0, 7.0], index=keys)
    >>> forecast(series, 2, interval="analytic").frame.round(2)
                   forecast  lower  upper  horizon
    province year
    1        2023       8.5   6.98  10.02        1
             2024      10.0   7.65  12.35        2
    """
    known = method_of(method)
    check_horizon(horizon)
    check_level(level)
    if interval not in INTERVALS:
        raise MethodError(
            f"unknown interval {interval!r}",
            expected=" or ".join(map(repr, INTERVALS)),
            hint=nearest(interval, INTERVALS),
        )
    if interval == "analytic" and method not in _ANALYTIC:
        raise MethodError(
            f"no formula for the interval of {method!r}",
            expected="analytic with " + " or ".join(map(repr, _ANALYTIC)),
            hint="take interval='rolling'",
        )
    columns = series if isinstance(series, pd.DataFrame) else {"": series}
    if not len(columns) or not len(series):
        raise SampleError("there is nothing to forecast", expected="at least one column and row")
    parts = {}
    for name in columns:
        wide = history(columns[name], logs)
        enough(wide, known.least, method)
        parts[name] = _one(wide, horizon, method, level, interval, logs)
    frame = pd.concat(parts, names=["measure"])
    if not isinstance(series, pd.DataFrame):
        frame = frame.droplevel("measure")
    return Forecast(frame, series.copy(), method, interval, level, int(wide.index[-1]))


def check_level(level: float) -> None:
    """Raise MethodError unless `level` lies between 0 and 1."""
    if not 0 < level < 1:
        raise MethodError(f"level {level!r}", expected="a share between 0 and 1, such as 0.9")


def _one(
    wide: pd.DataFrame, horizon: int, method: str, level: float, interval: str, logs: bool
) -> pd.DataFrame:
    values = wide.to_numpy()
    known = METHODS[method]
    points = known.points(values, horizon)
    if interval == "analytic":
        width = analytic_width(values, method, horizon, level)
    else:
        origins = range(known.least - 1, len(values) - 1)
        past = rolling(values, method, horizon, origins)
        width = rolling_width(values, past, origins, len(values) - 1, level)
    columns = {"forecast": points, "lower": points - width, "upper": points + width}
    years = pd.Index(range(1, horizon + 1), name="year") + int(wide.index[-1])
    keys = pd.MultiIndex.from_product([wide.columns, years], names=["province", "year"])
    frame = pd.DataFrame({k: undo(v.T.ravel(), logs) for k, v in columns.items()}, index=keys)
    frame["horizon"] = np.tile(np.arange(1, horizon + 1), wide.shape[1])
    return frame
