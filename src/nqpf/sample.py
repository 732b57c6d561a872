"""Checks on samples keyed by unit and year, with messages that name both."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.checks import choose, distinct
from nqpf.errors import DataError, EstimationError, SampleError

# Name -> whether units, whether times have an effect of their own.
_EFFECTS = {"two-way": (True, True), "unit": (True, False), "time": (False, True)}
_EFFECTS["pooled"] = (False, False)


@dataclass(frozen=True, eq=False)
class PanelSample:
    """The outcome and the regressors of a panel regression, read and checked once.

    Attributes
    ----------
    data : DataFrame
        Indexed and sorted by (unit, time), the outcome first, then the regressors; floats.
    effects : str
        "two-way", "unit", "time" or "pooled".

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2], [2020, 2021]], names=["province", "year"])
    >>> frame = pd.DataFrame({"y": [1.0, 2, 3, 5], "x": [0.0, 1, 1, 4]}, keys)
    >>> sample = PanelSample.read(frame, "y", "x", effects="unit")
    >>> sample.units, sample.within[:, 1].tolist()
    (2, [-0.5, 0.5, -1.5, 1.5])
    """

    data: pd.DataFrame
    effects: str = "two-way"

    @classmethod
    def read(
        cls,
        frame: pd.DataFrame,
        outcome: str,
        regressors: Sequence[str] | str,
        effects: str = "two-way",
        unit: str = "province",
        time: str = "year",
        complete: bool = True,
    ) -> PanelSample:
        """Read a sample from columns or index levels of a frame.

        Parameters
        ----------
        complete : bool
            Refuse missing figures now; otherwise :meth:`shifted` judges them where they are used.

        Raises
        ------
        nqpf.errors.MethodError
            If the effects are unknown, no regressor is given or a variable is named twice.
        nqpf.errors.DataError
            If a variable is unknown or not numeric.
        nqpf.errors.SampleError
            If a key stands twice or, with `complete`, a figure is missing.
        """
        choose("effects", effects, _EFFECTS)
        names = [outcome, *distinct("regressors", regressors)]
        names = distinct("the outcome and the regressors", names)
        return cls(_by_key(frame, names, unit, time, "the frame", complete), effects)

    @property
    def outcome(self) -> str:
        """Name of the outcome."""
        return self.data.columns[0]

    @property
    def regressors(self) -> list[str]:
        """Names of the regressors."""
        return list(self.data.columns[1:])

    @cached_property
    def unit(self) -> np.ndarray:
        """(N,) codes of the units from 0."""
        return pd.factorize(self.data.index.get_level_values(0), sort=True)[0]

    @cached_property
    def time(self) -> np.ndarray:
        """(N,) codes of the years from 0."""
        return pd.factorize(self.data.index.get_level_values(1), sort=True)[0]

    @property
    def nobs(self) -> int:
        """Number of rows."""
        return len(self.data)

    @property
    def units(self) -> int:
        """Number of units."""
        return int(self.unit.max()) + 1

    @property
    def times(self) -> int:
        """Number of years."""
        return int(self.time.max()) + 1

    @property
    def absorbed(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Codes of unit and of time where they have effects, else None."""
        by_unit, by_time = _EFFECTS[self.effects]
        return self.unit if by_unit else None, self.time if by_time else None

    @cached_property
    def within(self) -> np.ndarray:
        """(N, 1 + k) outcome and regressors without the effects; pooled: without the mean."""
        return self.less(self.data.to_numpy())

    def less(self, values: np.ndarray) -> np.ndarray:
        """Return (N, m) `values` without the effects of the sample."""
        return _demean(values, *self.absorbed)

    def by_unit(self, values: np.ndarray) -> np.ndarray:
        """Return sums of (N, ...) `values` over the rows of each unit; the rows are sorted."""
        return np.add.reduceat(values, np.flatnonzero(np.diff(self.unit, prepend=-1)), axis=0)

    def check(self) -> PanelSample:
        """Return the sample, refused when a regressor or an effect cannot be told apart."""
        levels = [level for level, codes in enumerate(self.absorbed) if codes is not None]
        _check_singletons(self.data.index, levels)
        _check_regressors(self.data[self.regressors], *self.absorbed)
        return self

    def shifted(self, columns: Sequence[str], periods: int) -> pd.DataFrame:
        """Return `columns` of `periods` years before (after, when negative), taken by the calendar.

        Returns
        -------
        DataFrame
            One row per row of the sample whose unit has a row `periods` years before. Only these
            rows are used, so only they, and the figures they are shifted from, must be complete.

        Raises
        ------
        nqpf.errors.SampleError
            If no row has such a year, or a figure that is used is missing.
        """
        index = self.data.index
        before = _years(index, "the sample") - periods
        source = pd.MultiIndex.from_arrays([index.get_level_values(0), before])
        there = source.isin(index)
        if not there.any():
            shift = f"{abs(periods)} year(s) {'before' if periods > 0 else 'after'}"
            problem, expected = f"no row has one of {shift} it", "years that follow each other"
            raise SampleError(problem, expected=expected)
        past = self.data[list(columns)].reindex(source[there])
        _check_finite(past, "the shifted sample")
        return past.set_axis(index[there])


def _place(key: object, names: Sequence[object]) -> dict[str, object]:
    """Return a key for an error message, provinces spelt out.

    Examples
    --------
    >>> _place((110000, 2022), ("province", "year"))
    {'province': 'Beijing (110000)', 'year': 2022}
    """
    parts = list(key) if isinstance(key, list | tuple | pd.Index) else [key]  # of a single level
    parts = [int(part) if isinstance(part, np.integer) else part for part in parts]
    for level, part in enumerate(parts):
        if isinstance(part, int) and part >= 110000:
            with suppress(DataError, KeyError):  # no province, or no project folder
                parts[level] = f"{provinces.name(part)} ({part})"
    labels = [str(name or f"level {level}") for level, name in enumerate(names)]
    return dict(zip(labels, parts, strict=True))


def _check_keys(index: pd.Index, what: str) -> None:
    """Raise unless `index` has two levels and no key twice.

    Raises
    ------
    nqpf.errors.SampleError
        If the index is not ``(unit, time)`` or holds a key twice.
    """
    if index.nlevels != 2:
        problem = f"{what} is indexed by {index.nlevels} level(s)"
        expected = "an index of unit and time, such as (province, year)"
        hint = "use Panel.wide or set_index(['province', 'year'])"
        raise SampleError(problem, expected=expected, hint=hint)
    if len(index) == 0:
        raise SampleError(f"{what} has no rows", expected="at least one row")
    double = index[index.duplicated()]
    if len(double):
        where, expected = _place(double[0], index.names), "one row per unit and time"
        raise SampleError(f"{what} holds a key more than once", where=where, expected=expected)


def _check_province_years(index: pd.Index, what: str) -> None:
    """Check that an index is of province and year by name, each pair once.

    Raises
    ------
    nqpf.errors.SampleError
        If it is not.
    """
    if list(index.names) != ["province", "year"]:
        wanted = "an index (province, year), of province code and year"
        raise SampleError(f"{what} is indexed by {list(index.names)}", expected=wanted)
    _check_keys(index, what)


def _check_finite(frame: pd.DataFrame, what: str) -> None:
    """Raise when a figure is missing, infinite or not a number.

    Raises
    ------
    nqpf.errors.DataError
        If a column is not numeric.
    nqpf.errors.SampleError
        If a figure is missing or infinite; the message names its key and variable.
    """
    for column, kind in frame.dtypes.items():
        if not pd.api.types.is_numeric_dtype(kind):
            problem, where = f"{what} holds values that are not numbers", {"variable": column}
            raise DataError(problem, where=where, expected="a numeric column")
    bad = ~np.isfinite(frame.to_numpy(dtype=float, na_value=np.nan))
    for place in np.flatnonzero(bad.any(axis=0))[:1]:
        key = frame.index[int(bad[:, place].argmax())]
        problem = f"{what} has {int(bad[:, place].sum())} missing or infinite value(s)"
        where = _place(key, frame.index.names) | {"variable": frame.columns[place]}
        hint = "restrict the years or drop incomplete rows with dropna, and say so"
        raise SampleError(problem, where=where, expected="a finite number in every row", hint=hint)


def _years(index: pd.MultiIndex, what: str) -> pd.Index:
    years = index.get_level_values(1)
    if not pd.api.types.is_numeric_dtype(years) or (years % 1 != 0).any():
        problem = f"{what} has {index.names[1]} {years[0]!r} and others that are not whole years"
        raise SampleError(problem, expected="whole numbers, so that the year before is known")
    return years


def _check_gaps(index: pd.MultiIndex, what: str) -> None:
    """Raise when a unit skips a year; `index` is sorted by unit and time.

    Raises
    ------
    nqpf.errors.SampleError
        If a year is missing between two years of a unit.
    """
    unit, time = index.get_level_values(0), _years(index, what).to_numpy()
    skipped = np.flatnonzero((unit[1:] == unit[:-1]) & (np.diff(time) != 1))
    if len(skipped):
        first = int(skipped[0])
        where = _place((unit[first], int(time[first]) + 1), index.names)
        expected = "every year between the first and the last of a unit"
        raise SampleError(f"{what} has a gap", where=where, expected=expected)


def _check_several(index: pd.MultiIndex, why: str) -> None:
    """Refuse a sample of one unit.

    Raises
    ------
    nqpf.errors.SampleError
        Naming the unit, and why more are needed.
    """
    units, unit = index.unique(0), index.names[0]
    if len(units) < 2:
        where, expected = _place((units[0],), (unit,)), f"two or more: {why}"
        raise SampleError(f"1 {unit} is too few", where=where, expected=expected)


def _check_positive(series: pd.Series, what: str, wanted: str) -> None:
    """Raise when a figure is zero or negative.

    Raises
    ------
    nqpf.errors.DataError
        Names the key of the first such figure.
    """
    bad = series[~(series > 0)]
    if len(bad):
        where = _place(bad.index[0], series.index.names)
        raise DataError(f"{what} is {bad.iloc[0]:g}", where=where, expected=wanted)


def _balanced(series: pd.Series) -> pd.DataFrame:
    """Return a series as units by times, refused when a unit lacks a time of the others."""
    wide = series.unstack()
    absent = np.argwhere(wide.isna().to_numpy())
    if len(absent):
        where = _place((wide.index[absent[0, 0]], wide.columns[absent[0, 1]]), series.index.names)
        hint = "leave out the unit or the year, and say so"
        raise SampleError("a row is missing", where=where, expected="a balanced sample", hint=hint)
    return wide


def _per_unit(value: float | pd.Series, units: pd.Index, what: str) -> pd.Series:
    """Return one number per unit, from one number or from a series by unit.

    Raises
    ------
    nqpf.errors.SampleError
        If the series lacks a unit.
    """
    series = value if isinstance(value, pd.Series) else pd.Series(float(value), index=units)
    absent = units.difference(series.dropna().index)
    if len(absent):
        problem, where = f"{what} is not given for a unit", _place((absent[0],), (units.name,))
        raise SampleError(problem, where=where, expected="one number per unit")
    return series.reindex(units).astype(float)


def _by_key(
    data: pd.DataFrame, names: Sequence[str], unit: str, time: str, what: str, complete: bool = True
) -> pd.DataFrame:
    """Return columns as floats, indexed ``(unit, time)`` and sorted by it.

    Parameters
    ----------
    data : DataFrame
        Holds `unit` and `time` as index levels or as columns.
    names : sequence of str
        Columns to keep.
    unit, time : str
        Names of the key.
    what : str
        Name of the frame in messages.
    complete : bool
        Refuse missing figures; otherwise they stay, for whoever shifts years to judge, and
        only infinite ones and what is no number are refused.

    Raises
    ------
    nqpf.errors.DataError
        If a name is unknown (the message offers the nearest) or a column is not numeric.
    nqpf.errors.SampleError
        If a key is doubled or a figure is missing.
    """
    if not isinstance(data, pd.DataFrame):
        problem, hint = f"{what} is a {type(data).__name__}", "figures without keys have no order"
        raise SampleError(problem, expected=f"a DataFrame with {unit} and {time}", hint=hint)
    held = [*data.columns, *(name for name in data.index.names if name is not None)]
    for name in (*names, unit, time):
        if held.count(name) > 1:
            raise DataError(f"{what} has {name!r} {held.count(name)} times", expected="one of it")
        choose("variable", name, held, DataError)
    if list(data.index.names) != [unit, time]:
        levels = [name for name in data.index.names if name in (*names, unit, time)]
        data = (data.reset_index(level=levels) if levels else data).set_index([unit, time])
    keyed = data[list(dict.fromkeys(names))].sort_index()
    _check_keys(keyed.index, what)
    if any((codes < 0).any() for codes in keyed.index.codes):
        raise SampleError(f"{what} has rows without {unit} or {time}", expected="a complete key")
    _check_finite(keyed if complete else keyed.fillna(0), what)
    return keyed.astype(float)


_RELATIVE = 1e-9  # variation below this share of a regressor's own is rounding
_ROUNDING = 1e-14  # sums by group below this share of sqrt(N) times the norm are zero
_PASSES = 3  # the first removes the effects, the others what rounding left of them
_SINGULAR = 1e-12


def _demean(values: np.ndarray, unit: np.ndarray | None, time: np.ndarray | None) -> np.ndarray:
    """Remove unit and time effects by exact projection; unbalanced samples are allowed.

    Parameters
    ----------
    values : (N, m)
    unit, time : (N,) integer codes, or None
        Effects to remove; with neither, the overall mean is removed.

    Returns
    -------
    (N, m) array

    Examples
    --------
    >>> _demean(np.array([[1.0], [3.0], [4.0], [6.0]]), np.array([0, 0, 1, 1]), None).ravel()
    array([-1.,  1., -1.,  1.])
    """
    from scipy.linalg import lstsq

    values = np.ascontiguousarray(values, dtype=float)
    if unit is None and time is None:
        return values - values.mean(axis=0)
    if unit is None or time is None:
        within = _Means(unit if unit is not None else time)
        return within.removed(within.removed(values))
    # The larger set of effects is removed by means, the smaller by solving for it.
    large, small = (unit, time) if unit.max() >= time.max() else (time, unit)
    within, across = _Means(large), _Means(small)
    # How often two of the smaller set are met by the same of the larger one.
    pairs = _dummies(large, small, (len(within.counts), len(across.counts)))
    gram = np.diag(across.counts) - (pairs.T @ (pairs / within.counts[:, None])).toarray()
    left = within.removed(values)
    rounding = _ROUNDING * np.sqrt(len(left)) * np.linalg.norm(left, axis=0)
    for _ in range(_PASSES):
        sums = across.summing @ left
        if (np.abs(sums) <= rounding).all():
            break
        # Effects are determined up to a constant per connected part of the sample.
        cut = {"cond": _SINGULAR, "check_finite": False, "lapack_driver": "gelsy"}
        left = within.removed(left - lstsq(gram, sums, **cut)[0][small])
    return left


class _Means:
    """Sums and means by group, for any order of rows."""

    def __init__(self, codes: np.ndarray) -> None:
        rows, groups = len(codes), int(codes.max()) + 1
        self.codes = codes
        self.counts = np.maximum(np.bincount(codes), 1)
        self.summing = _dummies(codes, np.arange(rows), (groups, rows))

    def removed(self, values: np.ndarray) -> np.ndarray:
        means = self.summing @ values
        means /= self.counts[:, None]
        return values - means.take(self.codes, axis=0)


def _dummies(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]):
    """Return a sparse matrix that counts pairs of rows and columns."""
    from scipy import sparse

    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def _check_singletons(index: pd.MultiIndex, levels: Sequence[int]) -> None:
    """Raise when a unit or a year with an effect of its own has a single row.

    Such a row is fitted perfectly, says nothing about the coefficients, and
    would still count in N and in the number of clusters.

    Raises
    ------
    nqpf.errors.SampleError
        Names the unit or the year.
    """
    for level in levels:
        counts = index.get_level_values(level).value_counts()
        alone = counts.index[counts == 1]
        if len(alone):
            name = index.names[level]
            problem = f"a {name} has a single row, which its fixed effect fits perfectly"
            where, expected = _place((min(alone),), (name,)), f"two rows or more for each {name}"
            raise SampleError(problem, where=where, expected=expected, hint="drop it and say so")


def _rounding_floor(values: np.ndarray) -> np.ndarray:
    """Return (m,) norms below which what is left of a column of `values` is rounding.

    Examples
    --------
    >>> _rounding_floor(np.array([[-1.0], [1.0]])) < 1e-8
    array([ True])
    """
    level = np.maximum(values.max(axis=0), -values.min(axis=0))
    spread = np.linalg.norm(values - values.mean(axis=0), axis=0)
    return _RELATIVE * spread + 1e-14 * level * np.sqrt(len(values))


def _check_regressors(data: pd.DataFrame, unit: np.ndarray | None, time: np.ndarray | None) -> None:
    """Raise when a regressor is constant, absorbed by effects or collinear with others.

    Parameters
    ----------
    data : DataFrame indexed (unit, time)
        One column per regressor.
    unit, time : (N,) integer codes, or None
        Effects of the regression.

    Raises
    ------
    nqpf.errors.EstimationError
        Names the regressors and the effects.
    """
    from scipy.linalg import qr

    floor = _rounding_floor(data.to_numpy())
    values = data.to_numpy() - data.to_numpy().mean(axis=0)
    names = data.index.names
    tried = [
        (None, None, "is constant"),
        (unit, None, f"does not vary within any {names[0]}: its effects absorb it"),
        (None, time, f"is the same for every {names[0]} in each {names[1]}"),
        (unit, time, f"is absorbed by the {names[0]} and {names[1]} effects together"),
    ]
    for by_unit, by_time, problem in tried:
        left = np.linalg.norm(_demean(values, by_unit, by_time), axis=0)
        for column in np.flatnonzero(left <= floor):
            problem = f"regressor {data.columns[column]!r} {problem}"
            expected = "a regressor that varies once the effects are removed"
            raise EstimationError(problem, expected=expected, hint="drop it")
    left = _demean(values, unit, time)
    _, triangle, order = qr(left / np.linalg.norm(left, axis=0), mode="economic", pivoting=True)
    rank = int((np.abs(np.diag(triangle)) > _RELATIVE).sum())
    if rank < data.shape[1]:
        weights = np.linalg.lstsq(triangle[:rank, :rank], triangle[:rank, rank], rcond=None)[0]
        partners = order[:rank][np.abs(weights) > 1e-6]
        names = ", ".join(repr(data.columns[i]) for i in sorted([order[rank], *partners]))
        problem = f"regressors {names} are collinear once the effects are removed"
        expected = "regressors of which none is a combination of the others"
        raise EstimationError(problem, expected=expected, hint="drop one of them")


def standardise(
    frame: pd.DataFrame, columns: Sequence[str], within: str | None = None
) -> pd.DataFrame:
    """Return `frame` with `columns` centred, in standard deviations over its rows.

    A coefficient on a standardised regressor is the change of the outcome that
    goes with one standard deviation of it in this sample. Restrict the sample
    first: the rows given are the rows that set mean and deviation.

    A regression with fixed effects uses only what they leave of a variable, a share that
    differs from variable to variable, so that its coefficients compare in standard deviations
    *within*: those of what the effects leave. With both sides in this unit and one regressor,
    the coefficient is the partial correlation, between -1 and 1.

    Parameters
    ----------
    frame : DataFrame
        Indexed (unit, time) where `within` is given.
    columns : sequence of str
        Columns to standardise; the others are left as they are.
    within : {"two-way", "unit", "time"} or None
        Effects that are taken out before the deviation is measured; not from the columns
        themselves. None for the deviation of the column as it is.

    Returns
    -------
    DataFrame
        A new frame; in `columns` mean 0 and, with the effects taken out or not, sample
        standard deviation 1 (ddof = 1).

    Raises
    ------
    nqpf.errors.DataError
        If a column is unknown or not numeric.
    nqpf.errors.MethodError
        If `within` is unknown.
    nqpf.errors.SampleError
        If a figure is missing, or `within` is given and the index is no key.
    nqpf.errors.EstimationError
        If a column does not vary, or only with the effects.

    Examples
    --------
    >>> standardise(pd.DataFrame({"x": [1.0, 2.0, 3.0]}), ["x"])["x"].tolist()
    [-1.0, 0.0, 1.0]
    >>> keys = pd.MultiIndex.from_product([[1, 2], [2020, 2021]], names=["province", "year"])
    >>> data = pd.DataFrame({"x": [1.0, 2.0, 9.0, 12.0]}, keys)
    >>> float(standardise(data, ["x"], within="unit")["x"].diff().iloc[1].round(3))
    0.775
    """
    for name in columns:
        choose("variable", name, frame.columns, DataError)
    chosen = frame[list(columns)]
    _check_finite(chosen, "the frame")
    centred = chosen - chosen.mean()
    spread = chosen.std()
    flat = spread[~(spread > 1e-14 * chosen.abs().max())]
    if len(flat):
        problem = f"variable {flat.index[0]!r} does not vary"
        raise EstimationError(problem, expected="two different values or more")
    if within is None:
        return frame.assign(**(centred / spread))
    choose("effects", within, ("two-way", "unit", "time"))
    _check_keys(chosen.index, "the frame")
    values = chosen.to_numpy(dtype=float)
    unit, time = PanelSample(chosen, within).absorbed
    left = _demean(values, unit, time)
    absorbed = np.linalg.norm(left, axis=0) <= _rounding_floor(values)
    if absorbed.any():
        name = chosen.columns[absorbed][0]
        problem = f"variable {name!r} does not vary once the {within} effects are removed"
        raise EstimationError(problem, expected="variation within, or within=None")
    return frame.assign(**(centred / left.std(axis=0, ddof=1)))
