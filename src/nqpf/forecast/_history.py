"""A series by province and year as a table of years, checked before anything is forecast."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nqpf.errors import SampleError
from nqpf.tfp.sample import check_keys, place

__all__ = ["check_horizon", "enough", "history", "latest_run", "long", "undo"]

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
    _check_index(series)
    present = series.dropna().astype(float)
    if present.empty:
        raise SampleError("there is no figure", expected="at least one province and year")
    wide = _table(present)
    # A run is what has no gap between it and the newest year.
    kept = wide.where(wide[::-1].notna().cumprod()[::-1].astype(bool))
    return long(kept, series.name)


def history(series: pd.Series, logs: bool = False) -> pd.DataFrame:
    """Return a series as (T, n) years by provinces; only leading figures may be absent.

    Raises
    ------
    nqpf.errors.SampleError
        If a figure is not finite, a province has a gap or does not reach the
        newest year, or, with `logs`, a figure is not above zero. The message
        names province and year.
    """
    _check_index(series)
    if not pd.api.types.is_numeric_dtype(series):
        raise SampleError(f"series {series.name!r} is not numeric", expected="numbers")
    bad = series.index[~np.isfinite(series.to_numpy(dtype=float, na_value=np.nan))]
    if len(bad):
        raise SampleError(
            f"value {series.loc[bad[0]]} cannot be forecast from",
            where=place(bad[0], _KEY),
            expected="finite figures",
            hint="leave the row out, or take latest_run(series)",
        )
    if logs and (series <= 0).any():
        first = series.index[series <= 0][0]
        raise SampleError(
            f"value {series.loc[first]:.6g} has no logarithm",
            where=place(first, _KEY),
            expected="figures above zero",
            hint="forecast without logs",
        )
    wide = _table(series.astype(float))
    started = wide.notna().cummax()
    gaps = (started & wide.isna()).stack()
    if gaps.any():
        year, province = gaps.index[gaps][0]
        raise SampleError(
            "the history of a province has a gap",
            where=place((province, year), _KEY),
            expected=f"a figure in every year up to {wide.index[-1]} once the history began",
            hint="take latest_run(series), which keeps the unbroken years before the newest",
        )
    return np.log(wide) if logs else wide


def enough(wide: pd.DataFrame, least: int, method: str) -> None:
    """Raise unless every province has `least` years.

    Raises
    ------
    nqpf.errors.SampleError
        Names the province with the shortest history.
    """
    years = wide.notna().sum()
    if (years < least).any():
        raise SampleError(
            f"{years.min()} years are too few for {method!r}",
            where=place((years.idxmin(), wide.index[-1]), ("province", "newest year")),
            expected=f"{least} years or more in a row",
            hint="drop the province or take a method that needs less",
        )


def check_horizon(horizon: int) -> None:
    """Raise MethodError unless `horizon` is a whole number of years, one or more."""
    from nqpf.errors import MethodError

    if isinstance(horizon, bool) or not isinstance(horizon, int | np.integer) or horizon < 1:
        raise MethodError(f"horizon {horizon!r}", expected="a whole number of years, 1 or more")


def undo(values: np.ndarray, logs: bool) -> np.ndarray:
    """Return values on the scale of the series."""
    return np.exp(values) if logs else values


def long(wide: pd.DataFrame, name: object = None) -> pd.Series:
    """Return a table of years by provinces as a series by (province, year)."""
    found = wide.T.stack().dropna()
    found.index.names = _KEY
    return found.rename(name).sort_index()


def _check_index(series: pd.Series) -> None:
    if list(series.index.names) != _KEY:
        raise SampleError(
            f"the series is indexed by {list(series.index.names)}",
            expected="an index (province, year)",
        )
    check_keys(series.index, "the series")


def _table(series: pd.Series) -> pd.DataFrame:
    wide = series.unstack("province").sort_index()
    years = range(int(wide.index.min()), int(wide.index.max()) + 1)
    return wide.reindex(pd.Index(years, name="year"))
