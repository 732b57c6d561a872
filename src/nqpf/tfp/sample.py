"""Checks on samples keyed by unit and year, with messages that name both."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.errors import DataError, SampleError

__all__ = [
    "by_key",
    "check_consecutive",
    "check_finite",
    "check_keys",
    "check_positive",
    "nearest",
    "per_unit",
    "place",
]


def place(key: Sequence[object], names: Sequence[object]) -> dict[str, object]:
    """Return a key for an error message, provinces spelt out.

    Examples
    --------
    >>> place((110000, 2022), ("province", "year"))
    {'province': 'Beijing (110000)', 'year': 2022}
    """
    labels = [str(name or f"level {i}") for i, name in enumerate(names)]
    return {label: _spelt(part) for label, part in zip(labels, key, strict=True)}


def _spelt(part: object) -> object:
    if isinstance(part, int | np.integer) and int(part) >= 110000:
        try:
            return f"{provinces.name(int(part))} ({int(part)})"
        except (DataError, KeyError):  # a unit that is no province, or no project folder
            return int(part)
    return int(part) if isinstance(part, np.integer) else part


def check_keys(index: pd.Index, what: str) -> None:
    """Raise unless `index` has two levels and no key twice.

    Raises
    ------
    nqpf.errors.SampleError
        If the index is not ``(unit, time)`` or holds a key twice.
    """
    if index.nlevels != 2:
        raise SampleError(
            f"{what} is indexed by {index.nlevels} level(s)",
            expected="an index of unit and time, such as (province, year)",
            hint="use Panel.wide or set_index(['province', 'year'])",
        )
    if len(index) == 0:
        raise SampleError(f"{what} has no rows", expected="at least one row")
    double = index[index.duplicated()]
    if len(double):
        raise SampleError(
            f"{what} holds a key more than once",
            where=place(double[0], index.names),
            expected="one row per unit and time",
        )


def check_finite(frame: pd.DataFrame, what: str) -> None:
    """Raise when a figure is missing, infinite or not a number.

    Raises
    ------
    nqpf.errors.DataError
        If a column is not numeric.
    nqpf.errors.SampleError
        If a figure is missing or infinite; the message names its key and variable.
    """
    for column in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            raise DataError(
                f"{what} holds values that are not numbers",
                where={"variable": column},
                expected="a numeric column",
            )
        bad = ~np.isfinite(frame[column].to_numpy(dtype=float, na_value=np.nan))
        if bad.any():
            position = int(np.flatnonzero(bad)[0])
            where = place(frame.index[position], frame.index.names)
            raise SampleError(
                f"{what} has {int(bad.sum())} missing or infinite value(s)",
                where={**where, "variable": column},
                expected="a finite number in every row",
                hint="restrict the years or drop incomplete rows with dropna, and say so",
            )


def check_consecutive(index: pd.MultiIndex, what: str) -> None:
    """Raise when a unit skips a year; `index` is sorted by unit and time.

    Raises
    ------
    nqpf.errors.SampleError
        If a year is missing between two years of a unit.
    """
    unit, time = index.get_level_values(0), index.get_level_values(1).to_numpy()
    if not np.issubdtype(time.dtype, np.integer):
        raise SampleError(f"{what} has times that are not whole years", expected="integers")
    same = unit[1:] == unit[:-1]
    skipped = np.flatnonzero(same & (np.diff(time) != 1))
    if len(skipped):
        first = int(skipped[0])
        raise SampleError(
            f"{what} has a gap",
            where=place((unit[first], int(time[first]) + 1), index.names),
            expected="every year between the first and the last of a unit",
        )


def check_positive(series: pd.Series, what: str, wanted: str) -> None:
    """Raise when a figure is zero or negative.

    Raises
    ------
    nqpf.errors.DataError
        Names the key of the first such figure.
    """
    bad = series[~(series > 0)]
    if len(bad):
        raise DataError(
            f"{what} is {bad.iloc[0]:g}",
            where=place(bad.index[0], series.index.names),
            expected=wanted,
        )


def per_unit(value: float | pd.Series, units: pd.Index, what: str) -> pd.Series:
    """Return one number per unit, from one number or from a series by unit.

    Raises
    ------
    nqpf.errors.SampleError
        If the series lacks a unit.
    """
    series = value if isinstance(value, pd.Series) else pd.Series(float(value), index=units)
    absent = units.difference(series.dropna().index)
    if len(absent):
        raise SampleError(
            f"{what} is not given for a unit",
            where=place((absent[0],), (units.name,)),
            expected="one number per unit",
        )
    return series.reindex(units).astype(float)


def by_key(
    frame: pd.DataFrame, columns: Sequence[str], unit: str, time: str, what: str
) -> pd.DataFrame:
    """Return `columns` as floats, indexed ``(unit, time)`` and sorted by it.

    Parameters
    ----------
    frame : DataFrame
        Holds `unit` and `time` as index levels or as columns.
    columns : sequence of str
        Columns to keep.
    unit, time : str
        Names of the key.
    what : str
        Name of the frame in messages.

    Raises
    ------
    nqpf.errors.DataError
        If a name is unknown (the message offers the nearest) or a column is not numeric.
    nqpf.errors.SampleError
        If a key is doubled or a figure is missing.
    """
    levels = [name for name in frame.index.names if name in (unit, time)]
    for name in (*columns, unit, time):
        count = list(frame.columns).count(name) + levels.count(name)
        if count > 1:
            raise DataError(f"{what} has {name!r} {count} times", expected="one of it")
    flat = frame.reset_index(level=levels) if levels else frame
    for name in (*columns, unit, time):
        if name not in flat.columns:
            raise DataError(
                f"unknown variable {name!r}",
                expected=f"a column or index level of {what}",
                hint=nearest(name, map(str, [*flat.columns, *frame.index.names])),
            )
    keyed = flat.set_index([unit, time])[list(dict.fromkeys(columns))].sort_index()
    check_keys(keyed.index, what)
    if keyed.index.to_frame().isna().to_numpy().any():
        raise SampleError(f"{what} has rows without {unit} or {time}", expected="a complete key")
    check_finite(keyed, what)
    return keyed.astype(float)


def nearest(name: object, known: Iterable[str]) -> str | None:
    """Return a hint with the known name nearest to `name`, or None."""
    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}" if near else None
