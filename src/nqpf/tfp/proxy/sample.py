"""Samples of firms: what enters, what does not and why, and each row's year before."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.tfp.sample import by_key, check_keys, nearest, place
from nqpf.tfp.within import check_regressors

__all__ = ["Firms", "Roles", "Sample", "prepare"]

_WIDEST = 50.0  # logarithms this far apart are levels e^50 = 5e21 times each other


@dataclass(frozen=True)
class Roles:
    """Columns of the frame by their role.

    Attributes
    ----------
    output : str
    free, state, proxy : tuple of str
        Inputs chosen freely, fixed beforehand, and standing for productivity.
    """

    output: str
    free: tuple[str, ...]
    state: tuple[str, ...]
    proxy: tuple[str, ...]

    @classmethod
    def of(
        cls,
        output: str,
        free: str | Sequence[str],
        state: str | Sequence[str],
        proxy: str | Sequence[str] = (),
    ) -> Roles:
        """Return roles from names or lists of names, none twice."""
        parts = [(x,) if isinstance(x, str) else tuple(x) for x in (free, state, proxy)]
        names = [output, *parts[0], *parts[1], *parts[2]]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise MethodError(f"{min(twice)!r} has two roles", expected="one role per column")
        if not parts[0] or not parts[1]:
            raise MethodError("no free or no state input", expected="one of each or more")
        return cls(output, *parts)

    @property
    def inputs(self) -> list[str]:
        """Free, then state inputs: the order of parameters."""
        return [*self.free, *self.state]

    @property
    def columns(self) -> list[str]:
        """Every column of the model."""
        return [self.output, *self.inputs, *self.proxy]


@dataclass(frozen=True)
class Firms:
    """Arrays of one sample, sorted by firm and year.

    Attributes
    ----------
    y : (N,)
    free, state, proxy : (N, f), (N, s), (N, p)
    lag : (N,) int
        Position of the same firm's row of the year before, -1 if there is none.
    first : (n + 1,) int
        Position of each firm's first row; the last entry is N.
    survives : (N,)
        1 if the firm is there next year, 0 if it exits, NaN if not known.
    """

    y: np.ndarray
    free: np.ndarray
    state: np.ndarray
    proxy: np.ndarray
    lag: np.ndarray
    first: np.ndarray
    survives: np.ndarray

    @property
    def now(self) -> np.ndarray:
        """Positions of the rows that have a year before."""
        return np.flatnonzero(self.lag >= 0)

    @property
    def before(self) -> np.ndarray:
        """Positions of the years before, in the order of `now`."""
        return self.lag[self.lag >= 0]

    @property
    def code(self) -> np.ndarray:
        """Number of each row's firm, (N,)."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    def draw(self, chosen: np.ndarray) -> Firms:
        """Return the sample made of the firms numbered `chosen`, repeats as firms of their own."""
        size = np.diff(self.first)[chosen]
        first = np.concatenate([[0], np.cumsum(size)])
        shift = np.repeat(self.first[chosen] - first[:-1], size)
        rows = np.arange(first[-1]) + shift
        lag = self.lag[rows]
        return Firms(
            *(x[rows] for x in (self.y, self.free, self.state, self.proxy)),
            lag=np.where(lag >= 0, lag - shift, -1),
            first=first,
            survives=self.survives[rows],
        )


@dataclass(frozen=True)
class Sample:
    """A checked sample: its arrays, its keyed frame, and the rows left out."""

    firms: Firms
    frame: pd.DataFrame
    dropped: pd.DataFrame


def prepare(
    frame: pd.DataFrame,
    roles: Roles,
    unit: str,
    time: str,
    lagged: bool = True,
    may_be_zero: bool = False,
    exit: str | None = None,
) -> Sample:
    """Check a frame of firms and find each row's year before.

    Rows with a missing value are dropped and recorded. With `may_be_zero`, so
    are rows whose proxy is minus infinity, the logarithm of zero; any other
    infinite value is an error. Years that do not follow one another are never
    taken as a row and its year before.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.SampleError, nqpf.errors.EstimationError
        See the estimators.
    """
    flat = _flat(frame, [*roles.columns, unit, time, *_exit_column(exit)], unit, time)
    dropped = _incomplete(flat, roles, may_be_zero)
    kept = flat.drop(index=dropped.index)
    if kept.empty:
        raise SampleError("no complete row is left", expected="rows with every variable")
    keyed = by_key(kept[[unit, time, *roles.columns]], roles.columns, unit, time, "the frame")
    years = keyed.index.get_level_values(1)
    if not pd.api.types.is_integer_dtype(years.dtype):
        raise SampleError("times are not whole years", expected="integers")
    _check_inputs(keyed, roles, unit)
    records = [pd.DataFrame({**flat.loc[dropped.index, [unit, time]], "reason": dropped})]
    records[0].insert(2, "step", "both")
    lag, first = _lags(keyed.index)
    if lagged:
        records.append(_without_lag(keyed.index, lag, first, unit, time))
        if not (lag >= 0).any():
            raise SampleError("no firm has two years in a row", expected="at least one that does")
    groups = [list(roles.free), list(roles.state), list(roles.proxy)]
    arrays = Firms(
        keyed[roles.output].to_numpy(),
        *(keyed[group].to_numpy().reshape(len(keyed), len(group)) for group in groups),
        lag=lag,
        first=first,
        survives=_survival(flat, keyed.index, exit, unit, time),
    )
    return Sample(arrays, keyed, pd.concat(records, ignore_index=True))


def _exit_column(exit: str | None) -> list[str]:
    return [] if exit in (None, "attrition") else [exit]


def _flat(frame: pd.DataFrame, names: list[str], unit: str, time: str) -> pd.DataFrame:
    """Return the columns named, unit and time among them, rows numbered."""
    levels = [name for name in frame.index.names if name in (unit, time)]
    flat = (frame.reset_index(level=levels) if levels else frame).reset_index(drop=True)
    for name in names:
        if name not in flat.columns:
            raise DataError(
                f"unknown variable {name!r}",
                expected="a column or index level of the frame",
                hint=nearest(name, map(str, flat.columns)),
            )
    if flat[[unit, time]].isna().to_numpy().any():
        raise SampleError(f"the frame has rows without {unit} or {time}", expected="complete keys")
    check_keys(pd.MultiIndex.from_frame(flat[[unit, time]]), "the frame")
    return flat[names]


def _incomplete(flat: pd.DataFrame, roles: Roles, may_be_zero: bool) -> pd.Series:
    """Return why rows cannot be used, by row number; the first reason found counts."""
    reasons = {}
    for name in roles.columns:
        for row in flat.index[flat[name].isna()]:
            reasons.setdefault(row, f"{name} is missing")
        if may_be_zero and name in roles.proxy:
            for row in flat.index[flat[name] == -np.inf]:
                reasons.setdefault(row, f"{name} is the logarithm of zero")
    return pd.Series(reasons, dtype=object).sort_index()


def _check_inputs(keyed: pd.DataFrame, roles: Roles, unit: str) -> None:
    units = keyed.index.get_level_values(0).unique()
    if len(units) < 2:
        raise SampleError(
            "one firm cannot show how firms differ",
            where=place((units[0],), (unit,)),
            expected="two firms or more, in practice hundreds",
        )
    span = keyed.max() - keyed.min()
    if span.max() > _WIDEST:
        name, key = span.idxmax(), keyed[span.idxmax()].idxmax()
        raise DataError(
            f"{name} runs from {keyed[name].min():g} to {keyed[name].max():g}",
            where={**place(key, keyed.index.names), "variable": name},
            expected="a logarithm",
            hint="take logarithms of levels first",
        )
    check_regressors(keyed[roles.inputs], None, None)


def _lags(index: pd.MultiIndex) -> tuple[np.ndarray, np.ndarray]:
    """Return the position of each row's year before, and of each firm's first row."""
    code, year = index.codes[0], index.get_level_values(1).to_numpy()
    same = code[1:] == code[:-1]
    follows = np.concatenate([[False], same & (np.diff(year) == 1)])
    lag = np.where(follows, np.arange(len(index)) - 1, -1)
    first = np.concatenate([[0], np.flatnonzero(~same) + 1, [len(index)]])
    return lag, first


def _without_lag(
    index: pd.MultiIndex, lag: np.ndarray, first: np.ndarray, unit: str, time: str
) -> pd.DataFrame:
    """Return the rows that the second step cannot use; warn of gaps."""
    lost = np.flatnonzero(lag < 0)
    opening = np.isin(lost, first[:-1])
    reason = np.where(opening, "first year of the firm", "gap: no usable row of the year before")
    table = index[lost].to_frame(index=False).assign(step="second", reason=reason)
    gaps = table[~opening]
    if len(gaps):
        row = gaps.iloc[0]
        warnings.warn(
            f"{gaps[unit].nunique()} firm(s) skip years, {len(gaps)} time(s), first {unit} "
            f"{row[unit]} before {time} {row[time]}: such years are not taken as consecutive",
            stacklevel=4,
        )
    return table


def _survival(
    flat: pd.DataFrame, index: pd.MultiIndex, exit: str | None, unit: str, time: str
) -> np.ndarray:
    """Return 1, 0 or NaN by row; a firm with an incomplete row still exists."""
    if exit is None:
        return np.full(len(index), np.nan)
    keys = pd.MultiIndex.from_frame(flat[[unit, time]])
    year = index.get_level_values(1)
    there = pd.MultiIndex.from_arrays([index.get_level_values(0), year + 1]).isin(keys)
    if exit == "attrition":
        last = flat.groupby(unit)[time].max().reindex(index.get_level_values(0)).to_numpy()
        leaves = (year.to_numpy() == last) & (last < flat[time].max())
    else:
        if flat[exit].isna().any():
            row = flat.loc[flat[exit].isna().idxmax(), [unit, time]]
            raise SampleError(
                f"{exit} is missing",
                where=place(tuple(row), (unit, time)),
                expected="true or false in every row",
            )
        leaves = flat[exit].astype(bool).set_axis(keys).reindex(index).to_numpy()
    return np.where(there & ~leaves, 1.0, np.where(leaves, 0.0, np.nan))
