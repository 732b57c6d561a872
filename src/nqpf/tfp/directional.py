"""Directional distance functions and the Malmquist-Luenberger index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.tfp._activities import REFERENCE, Activities, one_of, read
from nqpf.tfp._envelope import distances, envelope
from nqpf.tfp.luenberger import MalmquistLuenbergerResult

__all__ = ["DirectionalResult", "directional_distance", "malmquist_luenberger", "own_distances"]


@dataclass(frozen=True)
class DirectionalResult:
    """Directional distances.

    Attributes
    ----------
    distance : Series by unit (and period)
        0 on the frontier; b where good outputs could rise and bad outputs
        fall by the share b of what is observed.
    returns, disposability, reference : str
        Options that were used.
    """

    distance: pd.Series
    returns: str
    disposability: str
    reference: str

    @property
    def efficient(self) -> pd.Series:
        """Whether a unit lies on the frontier, up to 1e-9."""
        return (self.distance < 1e-9).rename("efficient")

    def to_frame(self) -> pd.DataFrame:
        """Return distances and whether they are zero."""
        return pd.concat([self.distance, self.efficient], axis=1)

    def _repr_html_(self) -> str:
        return self.to_frame().to_html()


def directional_distance(
    frame: pd.DataFrame,
    inputs: Sequence[str] | str,
    good: Sequence[str] | str,
    bad: Sequence[str] | str = (),
    unit: str = "province",
    time: str | None = None,
    returns: str = "crs",
    disposability: str = "weak",
    reference: str = "global",
) -> DirectionalResult:
    """Measure how far good outputs could rise and bad outputs fall at once.

    D = max b such that the technology makes at least (1 + b) good outputs and (1 - b)
    bad outputs from the observed inputs (Chung, Fare and Grosskopf 1997; the
    direction is what each unit makes).

    Parameters
    ----------
    frame : DataFrame
        `unit` (and `time`) as index levels or columns, and positive amounts.
    inputs, good, bad : str or sequence of str
        Columns of each role. Without bad outputs, 1 + D is the radial output score.
    unit : str
        Name of the unit.
    time : str or None
        Name of the period; None for one cross-section.
    returns : {"crs", "vrs"}
        Constant or variable returns to scale.
    disposability : {"weak", "strong"}
        Weak: bad outputs fall only together with activity (an equation; under
        variable returns with an abatement factor for each unit, Kuosmanen
        2005). Strong: they can be dropped at no cost, like an input.
    reference : {"global", "contemporaneous"}
        Whether the rows of all periods span one technology, or each period its own.

    Returns
    -------
    DirectionalResult

    Raises
    ------
    nqpf.errors.MethodError
        If an option is unknown or a column has no role of its own.
    nqpf.errors.DataError
        If a name is unknown or an amount is not positive.
    nqpf.errors.SampleError
        If an amount is missing, a key doubled, or there is one unit only.

    Examples
    --------
    >>> frame = pd.DataFrame({"x": [1, 1, 1], "y": [2, 4, 3], "b": [1, 2, 3]}, index=list("ABC"))
    >>> frame.index.name = "plant"
    >>> found = directional_distance(frame, "x", "y", "b", unit="plant")
    >>> found.distance.round(6).tolist()  # C makes 4 from b = 2
    [0.0, 0.0, 0.333333]
    """
    one_of("reference", reference, REFERENCE)
    sample = read(frame, inputs, good, bad, unit, time, returns, disposability)
    return DirectionalResult(own_distances(sample, reference), returns, disposability, reference)


def own_distances(sample: Activities, reference: str) -> pd.Series:
    """Return the distance of each row to a technology that it belongs to."""
    found = np.empty(len(sample.frame))
    for rows, spanning in sample.technologies(reference):
        technology = envelope(sample.values, spanning, sample.form)
        found[rows] = distances(technology, sample.values[rows])
    return pd.Series(found, index=sample.frame.index, name="distance")


def malmquist_luenberger(
    frame: pd.DataFrame,
    inputs: Sequence[str] | str,
    good: Sequence[str] | str,
    bad: Sequence[str] | str,
    unit: str = "province",
    time: str = "year",
    returns: str = "crs",
    disposability: str = "weak",
) -> MalmquistLuenbergerResult:
    """Measure productivity change with bad outputs, between neighbouring periods.

    With D^s(t) the distance of period t's figures to period s's technology
    (Chung, Fare and Grosskopf 1997), from t to u = t + 1:

    - effch = (1 + D^t(t)) / (1 + D^u(u)),
    - techch = sqrt[(1 + D^u(t)) / (1 + D^t(t)) x (1 + D^u(u)) / (1 + D^t(u))],
    - ml = effch x techch.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` as index levels or columns, balanced, positive amounts.
    inputs, good, bad : str or sequence of str
        Columns of each role.
    unit, time : str
        Names of the key.
    returns : {"crs", "vrs"}
        Constant or variable returns to scale.
    disposability : {"weak", "strong"}
        See :func:`directional_distance`.

    Returns
    -------
    MalmquistLuenbergerResult
        Figures that the other period's technology cannot reach are listed in
        ``infeasible``; changes that need them are NaN.

    Raises
    ------
    nqpf.errors.MethodError, nqpf.errors.DataError, nqpf.errors.SampleError
        As :func:`directional_distance`; also if the sample is not balanced.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["A", "B"], [1, 2]], names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 1, 1, 1], "y": [4, 5, 2, 2], "b": [2, 1.5, 1, 1]}, keys)
    >>> malmquist_luenberger(frame, "x", "y", "b").changes.round(4).loc["A"].values.tolist()
    [[1.291, 1.0, 1.291]]
    """
    sample = read(frame, inputs, good, bad, unit, time, returns, disposability)
    sample.need_balance()
    reached = _cross_distances(sample)
    changes = _changes(1.0 + reached)
    return MalmquistLuenbergerResult(
        changes, reached, _infeasible(reached, sample.periods), returns, disposability
    )


def _cross_distances(sample: Activities) -> pd.DataFrame:
    """Return each row's distance to the technologies of its own and neighbouring periods."""
    found = pd.DataFrame(np.nan, index=sample.frame.index, columns=["before", "same", "after"])
    periods = sample.periods
    for position, period in enumerate(periods):
        technology = envelope(sample.values, sample.rows(period), sample.form)
        for shift, column in ((1, "before"), (0, "same"), (-1, "after")):
            if 0 <= position + shift < len(periods):
                rows = sample.rows(periods[position + shift])
                at = found.columns.get_loc(column)
                found.iloc[rows, at] = distances(technology, sample.values[rows])
    return found


def _changes(level: pd.DataFrame) -> pd.DataFrame:
    """Return the index and its parts from 1 + D."""
    earlier = level.groupby(level=0).shift(1)
    effch = earlier["same"] / level["same"]
    techch = np.sqrt(earlier["after"] / earlier["same"] * level["same"] / level["before"])
    table = pd.DataFrame({"ml": effch * techch, "effch": effch, "techch": techch})
    first = level.index.get_level_values(1).min()
    return table[table.index.get_level_values(1) != first]


def _infeasible(reached: pd.DataFrame, periods: list[object]) -> pd.DataFrame:
    """Return the rows that a technology cannot reach, with that technology's period."""
    place = {period: i for i, period in enumerate(periods)}
    lines = []
    for column, shift in (("before", -1), ("same", 0), ("after", 1)):
        for unit, period in reached.index[reached[column].isna()]:
            other = place[period] + shift
            if 0 <= other < len(periods):
                lines.append((unit, period, periods[other]))
    names = [*reached.index.names, "technology"]
    return pd.DataFrame(sorted(lines), columns=names)
