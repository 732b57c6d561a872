"""Inputs, good and bad outputs of units, checked and in one order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import MethodError, SampleError
from nqpf.tfp.sample import by_key, check_finite, check_positive, place

__all__ = ["Activities", "Form", "read"]

RETURNS = ("crs", "vrs")
DISPOSABILITY = ("strong", "weak")
REFERENCE = ("global", "contemporaneous")


@dataclass(frozen=True)
class Form:
    """What a technology looks like: sizes of its three roles and its assumptions."""

    inputs: int
    good: int
    bad: int
    returns: str
    disposability: str

    @property
    def variables(self) -> int:
        """Number of columns: inputs first, then good and bad outputs."""
        return self.inputs + self.good + self.bad

    @property
    def weak(self) -> bool:
        """Whether bad outputs fall only together with activity."""
        return self.disposability == "weak" and self.bad > 0

    @property
    def variable(self) -> bool:
        """Whether returns to scale are variable."""
        return self.returns == "vrs"


@dataclass(frozen=True)
class Activities:
    """Positive figures, one row per unit (and period), sorted by key.

    Attributes
    ----------
    frame : DataFrame
        Columns are inputs, then good, then bad outputs.
    form : Form
    """

    frame: pd.DataFrame
    form: Form

    @property
    def values(self) -> np.ndarray:
        """Figures, (N, variables)."""
        return self.frame.to_numpy()

    @property
    def periods(self) -> list[object]:
        """Periods in order."""
        return sorted(self.frame.index.get_level_values(1).unique())

    def rows(self, period: object) -> np.ndarray:
        """Return the positions of the rows of a period."""
        return np.flatnonzero(self.frame.index.get_level_values(1) == period)

    def technologies(self, reference: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return pairs of rows: the evaluated ones and those that span their technology."""
        if reference == "global" or self.frame.index.nlevels == 1:
            everything = np.arange(len(self.frame))
            return [(everything, everything)]
        return [(rows, rows) for rows in map(self.rows, self.periods)]

    def need_balance(self) -> None:
        """Raise unless every unit has every period, and there are two periods.

        Raises
        ------
        nqpf.errors.SampleError
            Names the first unit and period without a row.
        """
        index = self.frame.index
        if len(self.periods) < 2:
            raise SampleError(
                "a productivity index needs two periods", where={index.names[1]: self.periods[0]}
            )
        full = pd.MultiIndex.from_product(
            [sorted(index.get_level_values(0).unique()), self.periods], names=index.names
        )
        absent = full.difference(index)
        if len(absent):
            raise SampleError(
                f"the sample is not balanced: {len(absent)} row(s) are absent",
                where=place(absent[0], index.names),
                expected="every unit in every period",
                hint="restrict the periods or leave incomplete units out, and say so",
            )


def read(
    frame: pd.DataFrame,
    inputs: Sequence[str] | str,
    good: Sequence[str] | str,
    bad: Sequence[str] | str,
    unit: str,
    time: str | None,
    returns: str,
    disposability: str,
) -> Activities:
    """Return the checked sample of an efficiency measure.

    Raises
    ------
    nqpf.errors.MethodError
        If an option is unknown, or a column is missing its role or has two.
    nqpf.errors.DataError
        If a name is unknown or a figure is zero or negative.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, or there is one unit only.
    """
    one_of("returns", returns, RETURNS)
    one_of("disposability", disposability, DISPOSABILITY)
    roles = [(c,) if isinstance(c, str) else tuple(c) for c in (inputs, good, bad)]
    columns = [column for role in roles for column in role]
    if not roles[0] or not roles[1]:
        raise MethodError("no inputs or no good outputs", expected="at least one column of each")
    double = sorted({c for c in columns if columns.count(c) > 1})
    if double:
        raise MethodError(f"{double[0]!r} has two roles", expected="one role for each column")
    if time is None:
        keyed = _by_unit(frame, columns, unit)
    else:
        keyed = by_key(frame, columns, unit, time, "the frame")
    for column in columns:
        check_positive(keyed[column], column, "a positive amount")
    if keyed.index.get_level_values(0).nunique() < 2:
        raise SampleError(
            "one unit only: nothing to compare it with",
            where=place((keyed.index.get_level_values(0)[0],), (unit,)),
            expected="at least two units",
        )
    return Activities(keyed, Form(*map(len, roles), returns, disposability))


def one_of(what: str, value: str, known: Sequence[str]) -> None:
    """Raise unless `value` is one of the known names of an option.

    Raises
    ------
    nqpf.errors.MethodError
        Lists the known names.
    """
    if value not in known:
        raise MethodError(f"unknown {what} {value!r}", expected=" or ".join(map(repr, known)))


def _by_unit(frame: pd.DataFrame, columns: list[str], unit: str) -> pd.DataFrame:
    """Return columns as floats, indexed by unit alone."""
    if unit in frame.index.names and frame.index.nlevels > 1:
        others = [str(name) for name in frame.index.names if name != unit]
        raise SampleError(
            f"the frame is also indexed by {', '.join(others)}",
            expected=f"one row per {unit}, or the name of the period as time=",
        )
    # A period that is the same everywhere lets one check serve both kinds of sample.
    period = "period"
    while period in frame.columns or period == unit:
        period += "_"
    single = by_key(frame.assign(**{period: 0}), columns, unit, period, "the frame")
    keyed = single.droplevel(period)
    check_finite(keyed, "the frame")
    return keyed
