"""Forecasts of a panel by one method each, with intervals, and the registry of the methods."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from nqpf.checks import between, choose, whole
from nqpf.errors import EstimationError, SampleError
from nqpf.sample import _check_finite, _check_positive, _check_province_years, _place

_LEAST = 5  # years; four pairs of a year and the year before
_ABOVE = 1.2  # no root is sought beyond
_STEPS = 241


class _PanelAutoregression(NamedTuple):
    """Estimates of y_it = a_i + rho y_i,t-1 + e_it on deviations from the year mean.

    Attributes
    ----------
    rho : float
        Persistence after the correction.
    std_error : float
        Robust to any dependence within a province; NaN when the corrected moment has no root and
        the value nearest to a root was taken.
    rho_within : float
        Least squares with province effects, which few years bias downwards.
    nobs, groups : int
        Pairs of years and provinces.
    """

    rho: float
    std_error: float
    rho_within: float
    nobs: int
    groups: int


def panel_autoregression(series: pd.Series) -> _PanelAutoregression:
    """Estimate how much of a province's distance from the mean is left a year later.

    Parameters
    ----------
    series : Series indexed (province, year)
        Finite and without gaps; a history may begin late.

    Returns
    -------
    An object with `rho`, `std_error`, `rho_within`, `nobs` and `groups`.

    Notes
    -----
    The within moment is solved after adding the value that it has at the true parameter, which
    needs no assumption on the first year and allows variances that differ by province (Bun and
    Carree 2005; Breitung, Kripfganz and Hayakawa 2022). Least squares with effects gives 0.58 for
    a true 0.8 with ten pairs of years; the half-panel jackknife 0.89 when the process began at
    zero, the adjusted moment 0.80. Where the moment only touches zero, near a unit root, its
    least is taken and no standard error is given.

    Raises
    ------
    nqpf.errors.SampleError
        If there is a gap, a figure is not finite or years are too few.
    nqpf.errors.EstimationError
        If the series does not vary within provinces.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.zeros((12, 40))
    >>> for t in range(1, 12):
    ...     y[t] = 0.6 * y[t - 1] + rng.normal(size=40)
    >>> frame = pd.DataFrame(y, index=range(2010, 2022)).rename_axis("year")
    >>> fit = panel_autoregression(frame.rename_axis(columns="province").T.stack())
    >>> round(fit.rho_within, 2), round(fit.rho, 2)
    (0.38, 0.56)
    """
    wide = _history(series)
    _enough(wide, _LEAST, "panel autoregression")
    sums = _Sums(_deviations(wide.to_numpy())[0])
    rho, found = sums.root()
    behind, at, ahead = sums.moment(rho + np.array([-1e-5, 0, 1e-5]))
    slope = (ahead - behind).sum() / 2e-5
    error = float(np.sqrt((at**2).sum()) / abs(slope)) if slope and found else np.nan
    return _PanelAutoregression(rho, error, sums.within, int(sums.periods.sum()), wide.shape[1])


def _deviations(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (T, n) deviations from, and (T,) means over, the provinces with a full history.

    Raises
    ------
    nqpf.errors.EstimationError
        If fewer than two provinces have every year.
    """
    full = np.isfinite(values).all(axis=0)
    if full.sum() < 2:
        problem = f"{full.sum()} province(s) with every year"
        expected = "two or more, for a mean that compares over the years"
        raise EstimationError(problem, expected=expected, hint="begin the series later")
    mean = values[:, full].mean(axis=1)
    return values - mean[:, None], mean


class _Sums:
    """Within sums of squares and products by province, of a year and the year before."""

    def __init__(self, values: np.ndarray) -> None:
        x = values[:-1]
        y = np.where(np.isfinite(x), values[1:], np.nan)
        self.mean_x, self.mean_y = np.nanmean(x, axis=0), np.nanmean(y, axis=0)
        dx, dy = np.nan_to_num(x - self.mean_x), np.nan_to_num(y - self.mean_y)
        self.xx, self.xy, self.yy = ((a * b).sum(axis=0) for a, b in ((dx, dx), (dx, dy), (dy, dy)))
        self.periods = np.isfinite(x).sum(axis=0)
        if not self.xx.sum() > 1e-24 * max(1.0, float(np.nanmax(np.abs(values))) ** 2):
            problem = "the series does not vary within provinces once year means are removed"
            raise EstimationError(problem, expected="provinces that move apart or together")
        self.within = float(self.xy.sum() / self.xx.sum())

    def moment(self, rho: np.ndarray) -> np.ndarray:
        """Return (k, n) within moments at k values, plus their expected shortfall.

        With T pairs the mean of the lags holds past shocks, so that the moment
        is on average -s2/T sum_j (T-1-j) rho^j, j = 0..T-2, at the true rho.
        """
        rho = np.asarray(rho)[:, None]
        plain = self.xy - rho * self.xx
        lengths, at = np.unique(self.periods, return_inverse=True)
        short = np.column_stack([_shortfall(rho[:, 0], n) / (n - 1) for n in lengths])[:, at]
        return plain + short * (self.yy - 2 * rho * self.xy + rho**2 * self.xx)

    def root(self) -> tuple[float, bool]:
        """Return the first root above the within estimate, where the moment falls through zero.

        Beyond it the moment may rise again: that root belongs to no estimate. With
        persistence near one the moment may only touch zero; its least is the answer.
        """
        from scipy.optimize import brentq

        grid = np.linspace(self.within, max(_ABOVE, self.within + 0.1), _STEPS)
        values = self.moment(grid).sum(axis=1)
        falls = np.flatnonzero((values[:-1] > 0) & (values[1:] <= 0))
        if not len(falls):
            return float(grid[np.argmin(np.abs(values))]), False
        ends = grid[falls[0]], grid[falls[0] + 1]
        return float(brentq(lambda rho: self.moment([rho]).sum(), *ends, xtol=1e-13)), True


def _shortfall(rho: np.ndarray, length: int) -> np.ndarray:
    j = np.arange(length - 1)
    return (length - 1 - j) @ np.power.outer(rho, j).T / length


_BOUNDS = np.array([[0.0, 1.0], [0.0, 1.0], [0.8, 0.995]])  # level, trend, damping
_COARSE = (11, 11, 5)
_ROUNDS = 16


def _damped_trend(values: np.ndarray, horizon: int) -> np.ndarray:
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

    >>> _damped_trend(np.array([[1.0], [2.0], [3.0], [4.0], [5.0]]), 1).round(2)
    array([[5.88]])
    """
    found = np.empty((horizon, values.shape[1]))
    begins = np.isfinite(values).argmax(axis=0)
    for begin in np.unique(begins):
        own = begins == begin
        y = values[begin:, own]
        params = _fit_damped(y)
        level, trend, _ = _run(y, params[:, :, None])
        steps = np.cumsum(params[2] ** np.arange(1, horizon + 1)[:, None], axis=0)
        found[:, own] = level[:, 0] + steps * trend[:, 0]
    return found


def _fit_damped(y: np.ndarray) -> np.ndarray:
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
    return tried[:, np.arange(y.shape[1]), _run(y, tried)[2].argmin(axis=1)]


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


_LEAST_MARKOV = 4  # years


def class_probabilities(series: pd.Series, horizon: int = 3, classes: int = 5) -> pd.DataFrame:
    """Return the probability that a province is in each class, 1 to `horizon` years ahead.

    Classes are quantiles of the distance from the mean of the year, pooled
    over all years, so that a common rise is no transition. The transition
    matrix (转移矩阵) is that of counts; a class that nobody left keeps its members.

    Parameters
    ----------
    series : Series indexed (province, year)
        Finite and without gaps.
    horizon : int
        Years ahead.
    classes : int
        Number of classes, 2 or more, 1 the lowest.

    Returns
    -------
    DataFrame indexed (province, year)
        One column per class; rows sum to 1.

    Raises
    ------
    nqpf.errors.MethodError
        If the horizon or the number of classes is not valid.
    nqpf.errors.SampleError
        If there is a gap, years are too few or classes cannot be told apart.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2], range(2018, 2023)], names=["province", "year"])
    >>> series = pd.Series([1, 2, 3, 4, 5, 6, 7, 8, 9, 10.0], index=keys)
    >>> class_probabilities(series, 1, classes=2).to_numpy().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    whole("horizon", horizon, 1)
    wide = _history(series)
    _enough(wide, _LEAST_MARKOV, "markov")
    matrix, _, now = _chain(_deviations(wide.to_numpy())[0], classes)
    columns, newest = pd.RangeIndex(1, classes + 1, name="class"), int(wide.index[-1])
    tables = {}
    for ahead in range(1, horizon + 1):
        odds = np.linalg.matrix_power(matrix, ahead)[now]
        tables[newest + ahead] = pd.DataFrame(odds, wide.columns, columns)
    return pd.concat(tables, names=["year"]).swaplevel().sort_index()


def _markov_values(values: np.ndarray, horizon: int) -> np.ndarray:
    """Return (H, n) forecasts: today's value, the drift of the mean, and the expected move.

    The expected move is that of the class mean under the transition matrix;
    the place within a class is kept, because classes are wide.
    """
    apart, mean = _deviations(values)
    matrix, means, now = _chain(apart, 5)
    steps = (mean[-1] - mean[0]) / (len(mean) - 1)
    found = []
    for ahead in range(1, horizon + 1):
        expected = np.linalg.matrix_power(matrix, ahead) @ means
        found.append(values[-1] + ahead * steps + (expected - means)[now])
    return np.array(found)


def _chain(apart: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the transition matrix, the mean of each class and the class of each province now."""
    whole("classes", classes, 2)
    cuts = np.quantile(apart[np.isfinite(apart)], np.arange(1, classes) / classes)
    codes = np.where(np.isfinite(apart), np.searchsorted(cuts, apart, side="right"), -1)
    if len(np.unique(codes[codes >= 0])) < classes:
        problem = f"of {classes} classes one has no members: quantiles coincide"
        expected = "distances from the mean that differ"
        raise SampleError(problem, expected=expected, hint="take fewer classes")
    before, after = codes[:-1].ravel(), codes[1:].ravel()
    counts = np.zeros((classes, classes))
    np.add.at(counts, (before[before >= 0], after[before >= 0]), 1)
    empty = counts.sum(axis=1) == 0
    counts[empty, empty] = 1  # nobody was there before the newest year: no move is known
    means = np.array([apart[codes == k].mean() for k in range(classes)])
    return counts / counts.sum(axis=1, keepdims=True), means, codes[-1]


_BAR = "drift"  # what a method has to beat


class _Method(NamedTuple):
    """A method of forecasting.

    Attributes
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


def _random_walk(values: np.ndarray, horizon: int) -> np.ndarray:
    """Return the newest value for every year ahead.

    Examples
    --------
    >>> _random_walk(np.array([[1.0], [3.0]]), 2).ravel()
    array([3., 3.])
    """
    return np.repeat(values[-1:], horizon, axis=0)


def _drift(values: np.ndarray, horizon: int) -> np.ndarray:
    """Return the newest value plus the province's own mean yearly change.

    Examples
    --------
    >>> _drift(np.array([[1.0], [2.0], [4.0]]), 2).ravel()
    array([5.5, 7. ])
    """
    return values[-1] + np.arange(1, horizon + 1)[:, None] * _mean_change(values)


def _pooled_drift(values: np.ndarray, horizon: int) -> np.ndarray:
    """Return the newest value plus the mean yearly change of all provinces.

    Examples
    --------
    >>> _pooled_drift(np.array([[1.0, 5.0], [2.0, 8.0]]), 1)
    array([[ 4., 10.]])
    """
    return values[-1] + np.arange(1, horizon + 1)[:, None] * _mean_change(values).mean()


def _panel_ar(values: np.ndarray, horizon: int) -> np.ndarray:
    """Return the mean of all carried by its drift, and distances from it by a panel AR(1).

    Persistence above one is set to one: a distance that explodes is no forecast.
    """
    apart, mean = _deviations(values)
    sums = _Sums(apart)
    rho = min(sums.root()[0], 1.0)
    effects = sums.mean_y - rho * sums.mean_x
    now, found = apart[-1], []
    for ahead in range(1, horizon + 1):
        now = effects + rho * now
        found.append(mean[-1] + ahead * (mean[-1] - mean[0]) / (len(mean) - 1) + now)
    return np.array(found)


METHODS = {
    "random_walk": _Method(_random_walk, 2, "random walk"),
    "drift": _Method(_drift, 3, "drift"),
    "pooled_drift": _Method(_pooled_drift, 3, "pooled drift"),
    "smoothing": _Method(_damped_trend, _LEAST, "damped exponential smoothing"),
    "panel_ar": _Method(_panel_ar, _LEAST, "panel autoregression"),
    "markov": _Method(_markov_values, _LEAST_MARKOV, "Markov transition"),
}


def _mean_change(values: np.ndarray) -> np.ndarray:
    """Return (n,) mean yearly changes, each over the years that the province has."""
    present = np.isfinite(values)
    first = values[present.argmax(axis=0), np.arange(values.shape[1])]
    return (values[-1] - first) / (present.sum(axis=0) - 1)


_KEY = ["province", "year"]


def latest_run(series: pd.Series) -> pd.Series:
    """Return, per province, the unbroken years that end in the newest year of all.

    Parameters
    ----------
    series : Series indexed (province, year)
        Missing figures may be absent rows or NaN.

    Returns
    -------
    Series
        Sorted; a province without a figure in the newest year is left out.
        Compare the index with that of `series` to see what went.

    Raises
    ------
    nqpf.errors.SampleError
        If the index is not ``(province, year)`` or a row comes twice.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_tuples(
    ...     [(1, 2019), (1, 2021), (1, 2022), (2, 2022)], names=["province", "year"])
    >>> latest_run(pd.Series([1.0, 2.0, 3.0, 4.0], index=keys)).index.tolist()
    [(1, 2021), (1, 2022), (2, 2022)]
    """
    _check_province_years(series.index, "the series")
    present = series.dropna().astype(float)
    if present.empty:
        raise SampleError("there is no figure", expected="at least one province and year")
    wide = _table(present)
    # A run is what has no gap between it and the newest year.
    kept = wide.where(wide[::-1].notna().cumprod()[::-1].astype(bool))
    return kept.T.stack().dropna().rename_axis(_KEY).rename(series.name).sort_index()


def _history(series: pd.Series, logs: bool = False) -> pd.DataFrame:
    """Return a series as (T, n) years by provinces; only leading figures may be absent.

    Raises
    ------
    nqpf.errors.SampleError
        If a figure is not finite, a province has a gap or does not reach the
        newest year. The message names province and year.
    nqpf.errors.DataError
        If a figure is no number or, with `logs`, not above zero.
    """
    _check_province_years(series.index, "the series")
    _check_finite(series.to_frame("figure"), "the series")
    if logs:
        _check_positive(series, "a figure", "figures above zero, which have a logarithm")
    wide = _table(series.astype(float))
    gaps = (wide.notna().cummax() & wide.isna()).stack()
    if gaps.any():
        year, province = gaps.index[gaps][0]
        problem, where = "the history of a province has a gap", _place((province, year), _KEY)
        expected = f"a figure in every year up to {wide.index[-1]} once the history began"
        hint = "take latest_run(series), which keeps the unbroken years before the newest"
        raise SampleError(problem, where=where, expected=expected, hint=hint)
    return np.log(wide) if logs else wide


def _enough(wide: pd.DataFrame, least: int, method: str) -> None:
    """Raise unless every province has `least` years.

    Raises
    ------
    nqpf.errors.SampleError
        Names the province with the shortest history.
    """
    years = wide.notna().sum()
    if (years < least).any():
        problem = f"{years.min()} years are too few for {method!r}"
        where = _place((years.idxmin(), wide.index[-1]), ("province", "newest year"))
        expected = f"{least} years or more in a row"
        hint = "drop the province or take a method that needs less"
        raise SampleError(problem, where=where, expected=expected, hint=hint)


def _table(series: pd.Series) -> pd.DataFrame:
    wide = series.unstack("province").sort_index()
    years = range(int(wide.index.min()), int(wide.index.max()) + 1)
    return wide.reindex(pd.Index(years, name="year"))


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
