"""Forecasts as they would have been made in earlier years, against what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from nqpf.errors import MethodError, SampleError
from nqpf.forecast import _rolling
from nqpf.forecast._history import check_horizon, history, undo
from nqpf.forecast.accuracy import accuracy_table, gains
from nqpf.forecast.methods import BAR, METHODS, method_of
from nqpf.forecast.project import check_level

__all__ = ["Backtest", "backtest"]

_CALIBRATION = 1  # origins before the first that is judged, for one-year intervals
_SURE = 0.05


@dataclass(frozen=True)
class Backtest:
    """Errors of several methods at the same origins and provinces.

    Parameters
    ----------
    rows : DataFrame
        One row per ``method``, ``horizon``, ``origin`` and ``province``:
        ``forecast``, ``lower``, ``upper``, ``actual`` and ``error``, outcome
        less forecast.
    level : float
        Nominal coverage of the intervals.
    bar : str
        The method to beat.
    """

    rows: pd.DataFrame
    level: float
    bar: str = BAR

    @property
    def table(self) -> pd.DataFrame:
        """By horizon and method: errors, relative error, mean rank correlation, coverage."""
        return accuracy_table(self.rows, self.bar).assign(nominal=self.level)

    @property
    def tests(self) -> pd.DataFrame:
        """By horizon and method: gain over the bar and tests of it."""
        return self._tests.copy()

    @cached_property
    def _tests(self) -> pd.DataFrame:
        return gains(self.rows, self.bar)

    @property
    def winners(self) -> list[tuple[int, str]]:
        """Horizons and methods with a smaller error than the bar, sure at 5 % after Holm."""
        tests = self.tests
        sure = tests[(tests["gain"] > 0) & (tests["p_holm"] < _SURE)]
        return [(int(horizon), str(method)) for horizon, method in sure.index]

    @property
    def verdict(self) -> str:
        """One sentence: whether anything beats the bar."""
        name = METHODS[self.bar].title
        tests = self.tests
        if self.winners:
            each = [f"{METHODS[m].title} at {h} year{'s' * (h > 1)}" for h, m in self.winners]
            return f"Beats the {name}, sure at 5 %: {'; '.join(each)}."
        better = int((tests["gain"] > 0).sum())
        tested = int(tests["p_holm"].notna().sum())
        smaller = f"{better} of" if better else "none of the"
        sure = (
            f"none of the {tested} that could be tested is sure at 5 % after correction for "
            "their number"
            if tested
            else "none could be tested"
        )
        return (
            f"Nothing beats the {name} for sure: the mean error is smaller in {smaller} "
            f"{len(tests)} comparisons, and {sure}."
        )

    def __str__(self) -> str:
        return self.verdict

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format="{:.4f}".format, border=0) + f"<p>{self}</p>"


def backtest(
    series: pd.Series,
    methods: Sequence[str] | str = tuple(METHODS),
    horizon: int = 3,
    first_origin: int | None = None,
    level: float = 0.9,
    logs: bool = False,
) -> Backtest:
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
    logs : bool
        Forecast the logarithm; errors stay on the scale of the series.

    Returns
    -------
    Backtest
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
    names = [methods] if isinstance(methods, str) else list(methods)
    if not names or len(set(names)) < len(names):
        raise MethodError(f"methods {names}", expected="one or more, each once")
    for name in names:
        method_of(name)
    check_horizon(horizon)
    check_level(level)
    names += [BAR] * (BAR not in names)
    wide = history(series, logs)
    first = _first_row(wide, names, first_origin)
    parts = [_one(wide, name, horizon, first, level, logs) for name in names]
    rows = pd.concat(parts, ignore_index=True)
    key = ["horizon", "origin", "province"]
    shared = rows.dropna(subset=["forecast", "actual"]).groupby(key)["method"].transform("size")
    rows = rows.loc[shared.index[shared == len(names)]]
    if rows.empty:
        raise SampleError(
            f"no province can be forecast by every method from {wide.index[first]}",
            expected="longer histories",
            hint="take fewer methods or a later first_origin",
        )
    order = {name: place for place, name in enumerate(names)}
    rows = rows.assign(place=rows["method"].map(order))
    rows = rows.sort_values(["horizon", "place", "origin", "province"], ignore_index=True)
    return Backtest(rows.drop(columns="place"), level)


def _first_row(wide: pd.DataFrame, names: list[str], first_origin: int | None) -> int:
    """Return the row of the first origin that is judged."""
    least = max(METHODS[name].least for name in names)
    soonest, last = int(wide.index[least - 1]) if len(wide) >= least else None, len(wide) - 2
    if soonest is None or least - 1 > last:
        raise SampleError(
            f"{len(wide)} years are too few for a backtest",
            where={"years": f"{wide.index[0]}-{wide.index[-1]}"},
            expected=f"{least + 1} years or more for {', '.join(names)}",
            hint="take methods that need less",
        )
    if first_origin is None:
        return min(least - 1 + _CALIBRATION, last)
    if not soonest <= first_origin <= wide.index[last]:
        raise MethodError(
            f"first_origin {first_origin}",
            expected=f"a year from {soonest} to {wide.index[last]}",
        )
    return int(wide.index.get_loc(first_origin))


def _one(
    wide: pd.DataFrame, name: str, horizon: int, first: int, level: float, logs: bool
) -> pd.DataFrame:
    """Return the rows of one method from row `first` on."""
    values = wide.to_numpy()
    origins = range(METHODS[name].least - 1, len(values) - 1)
    points = _rolling.rolling(values, name, horizon, origins)
    parts = []
    for place, origin in enumerate(origins):
        if origin < first:
            continue
        width = _rolling.rolling_width(values, points, origins, origin, level)
        for ahead in range(1, min(horizon, len(values) - 1 - origin) + 1):
            point, half = points[place, ahead - 1], width[ahead - 1]
            columns = {"forecast": point, "lower": point - half, "upper": point + half}
            columns["actual"] = values[origin + ahead]
            part = pd.DataFrame({k: undo(v, logs) for k, v in columns.items()})
            part.insert(0, "province", wide.columns)
            part.insert(0, "origin", int(wide.index[origin]))
            part.insert(0, "horizon", ahead)
            parts.append(part.assign(method=name, error=part["actual"] - part["forecast"]))
    found = pd.concat(parts, ignore_index=True)
    return found[["method", *[c for c in found.columns if c != "method"]]]
