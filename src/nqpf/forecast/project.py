"""Forecasts of an index, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.checks import between, choose, whole
from nqpf.errors import SampleError
from nqpf.forecast.methods import METHODS, _enough, _history

_PRIOR = 3.0  # years of the average province that join a province's own changes


def _rolling(
    values: np.ndarray, method: str, horizon: int, level: float
) -> tuple[range, np.ndarray, np.ndarray]:
    """Return origins, a row of `values` each, and forecasts and half-widths (O, H, n) from them.

    A province with too few years at an origin is left out of it, as NaN. Widths rest on errors
    that could be seen at the origin: those of earlier ones, in units of the province's scale at
    the time, are pooled over provinces by horizon, and the width is their ceil((m + 1) level)-th
    smallest size (split conformal, Lei et al. 2018). NaN where there are too few. On simulated
    panels nominal 90 % cover 90 to 95 %: the drift's early origins are poorer than its newest.
    """
    known = METHODS[method]
    origins, n = range(known.least - 1, len(values)), values.shape[1]
    points, scales = np.full((len(origins), horizon, n), np.nan), np.empty((len(origins), n))
    for at, origin in enumerate(origins):
        past = values[: origin + 1]
        scales[at] = _scales(past)
        able = np.isfinite(past).sum(axis=0) >= known.least
        if able.any():
            past = past[:, able]
            past = past[np.isfinite(past).any(axis=1)]
            points[at][:, able] = known.points(past, horizon)
    widths, units = np.empty_like(points), np.where(scales > 0, scales, np.nan)
    for step in range(horizon):
        came = values[known.least + step :]
        sizes = np.abs(came - points[: len(came), step]) / units[: len(came)]
        for at, scale in enumerate(scales):
            widths[at, step] = _conformal(sizes[: max(at - step, 0)], level) * scale
    return origins, points, widths


def _scales(values: np.ndarray) -> np.ndarray:
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


@dataclass(frozen=True)
class _Forecast:
    """Forecasts by province and year.

    Parameters
    ----------
    frame : DataFrame indexed (province, year), or (measure, province, year)
        ``forecast``, ``lower``, ``upper`` and the ``horizon`` in years; bounds
        are NaN where too few past errors were seen.
    observed : Series or DataFrame
        What the forecasts were made from.
    method : str
        Name of the method.
    level : float
        Nominal coverage.
    origin : int
        The newest year known.
    """

    frame: pd.DataFrame
    observed: pd.Series | pd.DataFrame
    method: str
    level: float
    origin: int


def forecast(
    series: pd.Series | pd.DataFrame,
    horizon: int = 3,
    method: str = "drift",
    level: float = 0.9,
    logs: bool = False,
) -> _Forecast:
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
        Nominal coverage, between 0 and 1, of intervals from errors of the same method at
        earlier origins, pooled over provinces.
    logs : bool
        Forecast the logarithm and return its exponential, a median.

    Returns
    -------
    An object with `frame` (``forecast``, ``lower``, ``upper``, ``horizon`` by province and year),
    `observed`, `method`, `level` and `origin`.

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
    >>> forecast(series, 2).frame["forecast"].tolist()
    [8.5, 10.0]
    """
    choose("method", method, METHODS)
    whole("horizon", horizon, 1)
    between("level", level, 0, 1, open_ends=True)
    columns = series if isinstance(series, pd.DataFrame) else {"": series}
    if not len(columns) or not len(series):
        raise SampleError("there is nothing to forecast", expected="at least one column and row")
    parts = {}
    for name in columns:
        wide = _history(columns[name], logs)
        _enough(wide, METHODS[method].least, method)
        parts[name] = _one(wide, horizon, method, level, logs)
    frame = pd.concat(parts, names=["measure"])
    if not isinstance(series, pd.DataFrame):
        frame = frame.droplevel("measure")
    return _Forecast(frame, series.copy(), method, level, int(wide.index[-1]))


def _one(wide: pd.DataFrame, horizon: int, method: str, level: float, logs: bool) -> pd.DataFrame:
    point, width = (part[-1] for part in _rolling(wide.to_numpy(), method, horizon, level)[1:])
    columns = {"forecast": point, "lower": point - width, "upper": point + width}
    years = pd.Index(range(1, horizon + 1), name="year") + int(wide.index[-1])
    keys = pd.MultiIndex.from_product([wide.columns, years], names=["province", "year"])
    undone = {k: np.exp(v.T.ravel()) if logs else v.T.ravel() for k, v in columns.items()}
    frame = pd.DataFrame(undone, index=keys)
    frame["horizon"] = np.tile(np.arange(1, horizon + 1), wide.shape[1])
    return frame


def _conformal(sizes: np.ndarray, level: float) -> float:
    """Return the ceil((m + 1) level)-th smallest size of m errors; NaN if there are too few."""
    ordered = np.sort(sizes[np.isfinite(sizes)])
    rank = math.ceil((len(ordered) + 1) * level)
    return float(ordered[rank - 1]) if 0 < rank <= len(ordered) else math.nan
