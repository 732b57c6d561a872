"""Forecasts as they would have been made in earlier years, against what came."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from nqpf.checks import between, choose, distinct, whole
from nqpf.errors import MethodError, SampleError
from nqpf.forecast.methods import _BAR, _KEY, METHODS, _conformal, _history, _rolling
from nqpf.sample import _check_finite, _check_province_years, _place

_FEWEST = 3  # origins of a test
_RANKS = 3  # provinces from which ranks are compared


def _diebold_mariano(gain: np.ndarray, horizon: int = 1) -> tuple[float, float]:
    """Test whether a yearly mean gain differs from zero (Diebold and Mariano 1995).

    Parameters
    ----------
    gain : (P,) array
        Loss of the bar less loss of the method, one figure per origin.
    horizon : int
        Errors of h-step forecasts overlap; h - 1 autocovariances join the
        variance with Bartlett weights, which keep it positive.

    Returns
    -------
    statistic, p : float
        With the correction of Harvey, Leybourne and Newbold (1997) and
        Student's t with P - 1 degrees of freedom, two-sided; NaN with fewer
        than three origins or where the correction leaves nothing.

    Examples
    --------
    >>> [round(x, 4) for x in _diebold_mariano(np.array([1.0, 2.0, 3.0, 2.0]))]
    [4.899, 0.0163]
    """
    from scipy.stats import t as student

    count = len(gain)
    if count < _FEWEST:
        return math.nan, math.nan
    apart = gain - gain.mean()
    lags = [float(apart[k:] @ apart[: count - k]) / count for k in range(min(horizon, count))]
    variance = lags[0] + 2 * sum((1 - k / horizon) * c for k, c in enumerate(lags) if k)
    factor = (count + 1 - 2 * horizon + horizon * (horizon - 1) / count) / count
    if not (variance > 0 and factor > 0):
        return math.nan, math.nan
    statistic = float(gain.mean() / math.sqrt(variance / count) * math.sqrt(factor))
    return statistic, float(2 * student.sf(abs(statistic), count - 1))


def _rank(own: pd.DataFrame) -> float:
    """Return the mean over origins of the rank correlation of forecasts and outcomes."""
    parts = [part for _, part in own.groupby("origin") if len(part) >= _RANKS]
    found = [part["forecast"].corr(part["actual"], method="spearman") for part in parts]
    return float(np.mean(found)) if found else math.nan


def _gains(rows: pd.DataFrame) -> pd.DataFrame:
    """Return, by horizon and method other than the bar, the gain over it and two tests of it.

    ``p_years`` takes origins as the sample and is right when a year's shock
    reaches all provinces; ``p_provinces`` takes provinces, as if the years
    that were tried were all there are. ``p_holm`` is the larger of the two
    after Holm's correction over the table; tests that were not made do not count.
    """
    from scipy.stats import ttest_1samp
    from statsmodels.stats.multitest import multipletests

    size = rows.assign(size=rows["error"].abs())
    wide = size.pivot(index=["horizon", "origin", "province"], columns="method", values="size")
    methods = [name for name in rows["method"].drop_duplicates() if name != _BAR]
    found = {}
    for horizon, own in wide.groupby(level="horizon"):
        for method in methods:
            gain = own[_BAR] - own[method]
            by_year, by_unit = (gain.groupby(k).mean().to_numpy() for k in ("origin", "province"))
            statistic, p_years = _diebold_mariano(by_year, int(horizon))
            spread = len(by_unit) > 1 and np.ptp(by_unit) > 0
            found[horizon, method] = {
                "gain": gain.mean(),
                "share": float((by_unit > 0).mean()),
                "origins": len(by_year),
                "dm": statistic,
                "p_years": p_years,
                "p_provinces": float(ttest_1samp(by_unit, 0).pvalue) if spread else math.nan,
            }
    table = pd.DataFrame(found).T.rename_axis(["horizon", "method"]).astype({"origins": int})
    table["p_holm"] = table[["p_years", "p_provinces"]].max(axis=1, skipna=False)
    made = table["p_holm"].notna()
    if made.any():
        table.loc[made, "p_holm"] = multipletests(table.loc[made, "p_holm"], method="holm")[1]
    return table


_CALIBRATION = 1  # origins before the first that is judged, for one-year intervals
_SURE = 0.05


@dataclass(frozen=True)
class _Backtest:
    """Errors of several methods at the same origins and provinces.

    Parameters
    ----------
    rows : DataFrame
        One row per ``method``, ``horizon``, ``origin`` and ``province``:
        ``forecast``, ``lower``, ``upper``, ``actual`` and ``error``, outcome
        less forecast.
    level : float
        Nominal coverage of the intervals.
    """

    rows: pd.DataFrame
    level: float

    @property
    def table(self) -> pd.DataFrame:
        """By horizon and method: errors, relative error, mean rank correlation, coverage."""
        inside = self.rows["actual"].between(self.rows["lower"], self.rows["upper"]).astype(float)
        marks = self.rows.assign(mae=self.rows["error"].abs(), rmse=self.rows["error"] ** 2)
        marks["coverage"] = inside.where(self.rows["lower"].notna())
        groups = marks.groupby(["horizon", "method"], sort=False)
        table = groups[["mae", "rmse"]].mean()
        table.insert(0, "n", groups.size())
        table["rmse"] **= 0.5
        against = table["mae"].xs(_BAR, level="method")
        table[f"mae / {_BAR}"] = table["mae"] / table.index.get_level_values("horizon").map(against)
        table["rank"] = pd.Series({key: _rank(own) for key, own in groups})
        table["coverage"] = groups["coverage"].mean()
        return table.assign(intervals=groups["coverage"].count(), nominal=self.level)

    @cached_property
    def tests(self) -> pd.DataFrame:
        """By horizon and method: gain over the bar and tests of it."""
        return _gains(self.rows)

    @property
    def winners(self) -> list[tuple[int, str]]:
        """Horizons and methods with a smaller error than the bar, sure at 5 % after Holm."""
        tests = self.tests
        sure = tests[(tests["gain"] > 0) & (tests["p_holm"] < _SURE)]
        return [(int(horizon), str(method)) for horizon, method in sure.index]

    @property
    def verdict(self) -> str:
        """One sentence: whether anything beats the bar."""
        name, tests = METHODS[_BAR].title, self.tests
        if self.winners:
            each = [f"{METHODS[m].title} at {h} year{'s' * (h > 1)}" for h, m in self.winners]
            return f"Beats the {name}, sure at 5 %: {'; '.join(each)}."
        better = int((tests["gain"] > 0).sum())
        tested = int(tests["p_holm"].notna().sum())
        smaller = f"{better} of" if better else "none of the"
        sure = "none could be tested"
        if tested:
            sure = f"none of the {tested} that could be tested is sure at 5 % after correction for "
            sure += "their number"
        return (
            f"Nothing beats the {name} for sure: the mean error is smaller in {smaller} "
            f"{len(tests)} comparisons, and {sure}."
        )


def backtest(
    series: pd.Series,
    methods: Sequence[str] | str = tuple(METHODS),
    horizon: int = 3,
    first_origin: int | None = None,
    level: float = 0.9,
) -> _Backtest:
    """Forecast from every year as if it were the newest, with the years up to it alone.

    Parameters
    ----------
    series : Series indexed (province, year)
        As in :func:`nqpf.forecast.forecast`.
    methods : sequence of str
        Methods to compare; the drift is added when absent, as the bar.
    horizon : int
        Years ahead.
    first_origin : int or None
        First year that is judged. Earlier ones give the errors from which
        intervals are made. One year after the first possible one by default.
    level : float
        Nominal coverage of the intervals.

    Returns
    -------
    An object with `rows`, `table`, `tests`, `winners` and `verdict`
        All methods on the same provinces and origins: a province counts from
        the origin at which every method can forecast it.

    Raises
    ------
    nqpf.errors.MethodError
        If an option is not valid.
    nqpf.errors.SampleError
        If the series is not fit to forecast from or years are too few.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2], range(2010, 2020)], names=["province", "year"])
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> series = pd.Series(rng.normal(size=20), index=keys).groupby("province").cumsum()
    >>> backtest(series, ["random_walk"], horizon=1).table["mae"].round(3)
    horizon  method
    1        random_walk    0.784
             drift          0.823
    Name: mae, dtype: float64
    """
    names = distinct("methods", methods)
    for name in names:
        choose("method", name, METHODS)
    whole("horizon", horizon, 1)
    between("level", level, 0, 1, open_ends=True)
    names += [_BAR] * (_BAR not in names)
    wide = _history(series)
    years, least = [int(year) for year in wide.index], max(METHODS[name].least for name in names)
    first = _first_origin(years, years[least - 1 : -1], least, first_origin, _CALIBRATION)
    rows = pd.concat([_one(wide, x, horizon, first, level) for x in names], ignore_index=True)
    key = ["horizon", "origin", "province"]
    shared = rows.dropna(subset=["forecast", "actual"]).groupby(key)["method"].transform("size")
    rows = rows.loc[shared.index[shared == len(names)]]
    if rows.empty:
        problem = f"no province can be forecast by every method from {first}"
        hint = "take fewer methods or a later first_origin"
        raise SampleError(problem, expected="longer histories", hint=hint)
    return _Backtest(rows.sort_values("horizon", kind="stable", ignore_index=True), level)


def _first_origin(
    years: list[int], allowed: list[int], least: int, given: int | None, usual: int = 0
) -> int:
    """Return the first year that is judged, the `usual` one of those allowed when none is given."""
    if not allowed:
        problem = f"{len(years)} years are too few for a backtest"
        where, hint = {"years": f"{years[0]}-{years[-1]}"}, "take methods that need less"
        raise SampleError(problem, where=where, expected=f"{least + 1} years or more", hint=hint)
    if given is None:
        return allowed[min(usual, len(allowed) - 1)]
    if given not in allowed:
        wanted = f"a year from {allowed[0]} to {allowed[-1]}"
        raise MethodError(f"first_origin {given}", expected=wanted)
    return given


def _one(wide: pd.DataFrame, name: str, horizon: int, first: int, level: float) -> pd.DataFrame:
    """Return the rows of one method from the year `first` on."""
    values, parts = wide.to_numpy(), []
    for origin, points, widths in zip(*_rolling(values, name, horizon, level), strict=True):
        rows = zip(values[origin + 1 :], points, widths, strict=False)
        for ahead, (actual, point, half) in enumerate(rows, 1):
            columns = {"method": name, "horizon": ahead, "origin": int(wide.index[origin])}
            columns |= {"province": wide.columns, "forecast": point}
            columns |= {"lower": point - half, "upper": point + half, "actual": actual}
            parts.append(pd.DataFrame(columns))
    found = pd.concat(parts, ignore_index=True)
    found = found[found["origin"] >= first]
    return found.assign(error=found["actual"] - found["forecast"])


_IndexFunction = Callable[[pd.DataFrame], pd.Series]

_TOLERANCE = 1e-8  # share of the target's range by which the function may miss it


@dataclass(frozen=True)
class _Nowcast:
    """An index in the newest year, with what the same way would have given in earlier years.

    Parameters
    ----------
    frame : DataFrame by province
        ``nowcast``, ``lower``, ``upper``, ``carried`` (the index with every
        indicator carried, as if nothing were published) and ``published``
        (share of indicators that are).
    year : int
        The newest year.
    rows : DataFrame
        One row per ``origin`` and ``province`` of the backtest: ``actual``,
        ``nowcast``, ``carried`` and ``last``, the index of the year before.
    method : str
        How lacking indicators are carried.
    level : float
        Nominal coverage.
    lacking : tuple of str
        Indicators that some province lacks in the newest year.
    """

    frame: pd.DataFrame
    year: int
    rows: pd.DataFrame
    method: str
    level: float
    lacking: tuple[str, ...]

    @property
    def table(self) -> pd.DataFrame:
        """Errors in earlier years by what was used, and measured coverage beside the nominal.

        Coverage of a year is that of intervals made from the other years.
        """
        error = self.rows[["nowcast", "carried", "last"]].rsub(self.rows["actual"], axis=0)
        size = error.abs()
        mae, rmse = size.mean(), (error**2).mean() ** 0.5
        table = pd.DataFrame({"n": len(error), "mae": mae, "rmse": rmse}).rename_axis("from")
        table["mae / carried"] = mae / mae["carried"]
        table["coverage"] = [self._coverage(size[what]) for what in table.index]
        return table.assign(nominal=self.level)

    def _coverage(self, size: pd.Series) -> float:
        inside, origin = [], self.rows["origin"]
        for year, own in size.groupby(origin):
            width = _conformal(size[origin != year].to_numpy(), self.level)
            inside += [own <= width] * bool(np.isfinite(width))
        return float(pd.concat(inside).mean()) if inside else math.nan

    def __str__(self) -> str:
        table = self.table
        return (
            f"{self.year} from what is published, {', '.join(self.lacking)} by "
            f"{METHODS[self.method].title}; mean error in earlier years "
            f"{table.loc['nowcast', 'mae / carried']:.2f} times that of carrying everything"
        )


def nowcast(
    indicators: pd.DataFrame,
    target: pd.Series,
    index: _IndexFunction,
    method: str = "drift",
    level: float = 0.9,
    first_origin: int | None = None,
) -> _Nowcast:
    """Fill the newest year of an index from the indicators already published.

    What a province lacks in the newest year is carried forward from its own
    history; `index` then makes the index of the completed table.

    Parameters
    ----------
    indicators : DataFrame indexed (province, year)
        Raw or normalised, complete but for NaN in the newest year.
    target : Series indexed (province, year)
        The index in the years before; `index` must give it back from their rows.
    index : callable
        Takes a complete DataFrame like `indicators`, returns a Series by
        (province, year). It may normalise over the rows that it is given.
    method : str
        How an indicator is carried, see :func:`nqpf.forecast.forecast`.
    level : float
        Nominal coverage of the intervals, from errors of the backtest.
    first_origin : int or None
        First year of the backtest; the first that `method` can reach by default.

    Returns
    -------
    An object with `frame`, `rows`, `table`, `year` and `lacking`
        Its backtest takes every earlier year as the newest, with the years up
        to it alone and the same figures lacking, province by province.

    Raises
    ------
    nqpf.errors.SampleError
        If a figure before the newest year is missing, a province has a gap or
        lacks the newest row, nothing or everything is published, or `index`
        does not give the target back; named by province, year and indicator.
    nqpf.errors.MethodError
        If an option is not valid.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2], range(2017, 2023)], names=["province", "year"])
    >>> table = pd.DataFrame({"a": range(12), "b": [0, 1, 2, 3, 4, 9, 0, 2, 4, 6, 8, 3.0]}, keys)
    >>> target = table.drop(2022, level="year").mean(axis=1)
    >>> table.loc[(slice(None), 2022), "b"] = float("nan")
    >>> nowcast(table, target, lambda frame: frame.mean(axis=1)).frame["nowcast"].tolist()
    [5.0, 10.5]
    """
    choose("method", method, METHODS)
    between("level", level, 0, 1, open_ends=True)
    data, newest = _checked(indicators)
    lacks = data.xs(newest, level="year").isna()
    past = data.drop(newest, level="year")
    _check_target(past, target, index)
    now = _made(data, lacks, index, method)
    carried = _made(data, lacks | True, index, method)
    years, least = [int(year) for year in past.index.unique("year")], METHODS[method].least
    first = _first_origin(years, years[least:], least, first_origin)
    rows = _backtest(past, lacks, index, method, [year for year in years[least:] if year >= first])
    width = _conformal((rows["actual"] - rows["nowcast"]).abs().to_numpy(), level)
    columns = {"nowcast": now, "lower": now - width, "upper": now + width, "carried": carried}
    frame = pd.DataFrame(columns).assign(published=1 - lacks.mean(axis=1))
    lacking = tuple(map(str, lacks.columns[lacks.any()]))
    return _Nowcast(frame.rename_axis("province"), newest, rows, method, level, lacking)


def _checked(indicators: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the sorted table and its newest year."""
    _check_province_years(indicators.index, "the table of indicators")
    newest = int(indicators.index.get_level_values("year").max())
    ends = indicators.index.isin([newest], level="year")
    if ends.all():
        raise SampleError(f"there is no year before {newest}", expected="a history")
    lacks = indicators[ends].isna()
    kept = indicators.mask(indicators.isna() & ends[:, None], 0)
    _check_finite(kept, "the table of indicators, but for gaps of the newest year,")
    data = indicators.astype(float).sort_index()
    if not lacks.any(axis=None) or lacks.all(axis=None):
        problem = f"{'nothing' if lacks.all(axis=None) else 'every indicator'} is published"
        expected = "some indicators with figures and some NaN in the newest year"
        hint = "use forecast, or compute the index"
        raise SampleError(problem, where={"year": newest}, expected=expected, hint=hint)
    _history(pd.Series(0.0, index=data.index))  # names a gap or a province that ends early
    return data, newest


def _check_target(past: pd.DataFrame, target: pd.Series, index: _IndexFunction) -> None:
    """Raise unless the function gives the target back, so that both are one measure."""
    joined = pd.DataFrame({"given": target, "made": index(past)}).reindex(past.index)
    _check_finite(joined, "the target beside the index of the same rows")
    gap = (joined["given"] - joined["made"]).abs()
    if gap.max() > _TOLERANCE * max(float(np.ptp(joined["given"])), 1e-300):
        given, made = joined.loc[gap.idxmax()]
        problem = f"the function gives {made:.6g} where the target is {given:.6g}"
        expected = "a function that makes the target from the indicators of the same rows"
        raise SampleError(problem, where=_place(gap.idxmax(), _KEY), expected=expected)


def _made(data: pd.DataFrame, lacks: pd.DataFrame, index: _IndexFunction, method: str) -> pd.Series:
    """Return the newest year's index by province, with what `lacks` says carried forward."""
    newest = int(data.index.get_level_values("year").max())
    past, table = data.drop(newest, level="year"), data.copy()
    for name in lacks.columns[lacks.any()]:
        wide = _history(past[name])
        ahead = METHODS[method].points(wide.to_numpy(), 1)[0]
        units = lacks.index[lacks[name]]
        rows = pd.MultiIndex.from_product([units, [newest]], names=_KEY)
        table.loc[rows, name] = pd.Series(ahead, index=wide.columns)[units].to_numpy()
    return index(table).xs(newest, level="year")


def _backtest(
    past: pd.DataFrame, lacks: pd.DataFrame, index: _IndexFunction, method: str, origins: list[int]
) -> pd.DataFrame:
    """Return what each earlier year's nowcast would have been, and what the index became."""
    least, parts = METHODS[method].least, []
    for origin in origins:
        data = past[past.index.get_level_values("year") <= origin]
        length = data.groupby(level="province").size()
        data = data[data.index.isin(length.index[length > least], level="province")]
        own = lacks.loc[data.index.unique("province")]
        full = index(data)
        part = {
            "actual": full.xs(origin, level="year"),
            "nowcast": _made(data, own, index, method),
            "carried": _made(data, own | True, index, method),
            "last": full.xs(origin - 1, level="year"),
        }
        parts.append(pd.DataFrame(part).rename_axis("province").reset_index().assign(origin=origin))
    rows = pd.concat(parts, ignore_index=True)
    return rows[["origin", "province", "actual", "nowcast", "carried", "last"]]
