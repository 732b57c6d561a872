"""Forecasts of an index, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import MethodError, SampleError
from nqpf.forecast import _rolling
from nqpf.forecast._history import check_horizon, enough, history, undo
from nqpf.forecast.methods import METHODS, method_of
from nqpf.tfp.sample import nearest

__all__ = ["INTERVALS", "Forecast", "check_level", "forecast"]

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
        width = _rolling.analytic_width(values, method, horizon, level)
    else:
        origins = range(known.least - 1, len(values) - 1)
        past = _rolling.rolling(values, method, horizon, origins)
        width = _rolling.rolling_width(values, past, origins, len(values) - 1, level)
    columns = {"forecast": points, "lower": points - width, "upper": points + width}
    years = pd.Index(range(1, horizon + 1), name="year") + int(wide.index[-1])
    keys = pd.MultiIndex.from_product([wide.columns, years], names=["province", "year"])
    frame = pd.DataFrame({k: undo(v.T.ravel(), logs) for k, v in columns.items()}, index=keys)
    frame["horizon"] = np.tile(np.arange(1, horizon + 1), wide.shape[1])
    return frame
