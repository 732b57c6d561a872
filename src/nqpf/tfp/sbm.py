"""Slacks-based measures of efficiency and the global Malmquist-Luenberger index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, SampleError
from nqpf.sample import place
from nqpf.tfp.programs import (
    REFERENCE,
    Activities,
    Envelope,
    Projections,
    distances,
    envelope,
    one_of,
    projections,
    read,
)

__all__ = [
    "DirectionalResult",
    "GlobalLuenbergerResult",
    "MalmquistLuenbergerResult",
    "SlacksResult",
    "directional_distance",
    "global_malmquist_luenberger",
    "malmquist_luenberger",
    "own_distances",
    "parts",
    "slacks",
]


@dataclass(frozen=True)
class MalmquistLuenbergerResult:
    """Malmquist-Luenberger index between neighbouring periods; above 1 is progress.

    Attributes
    ----------
    changes : DataFrame indexed (unit, period)
        ``ml`` = ``effch`` x ``techch`` from the period before to this one.
        NaN where a program has no solution.
    distances : DataFrame indexed (unit, period)
        Distance of each row to the technology of its own period (``same``), of
        the period before (``before``) and of the next one (``after``).
    infeasible : DataFrame
        Unit, period of the figures, and ``technology``, the period whose
        technology cannot reach them.
    returns, disposability : str
        Options that were used.
    """

    changes: pd.DataFrame
    distances: pd.DataFrame
    infeasible: pd.DataFrame
    returns: str
    disposability: str

    def to_frame(self) -> pd.DataFrame:
        """Return the index and its parts."""
        return self.changes.copy()

    def summary(self) -> pd.DataFrame:
        """Return geometric means by period, and the number of units they rest on."""
        groups = np.log(self.changes).groupby(level=1)
        return np.exp(groups.mean()).assign(units=groups["ml"].count())

    def _repr_html_(self) -> str:
        return self.summary().to_html()


@dataclass(frozen=True)
class GlobalLuenbergerResult:
    """Global Malmquist-Luenberger index; above 1 is progress.

    Attributes
    ----------
    changes : DataFrame indexed (unit, period)
        ``gml`` = ``ec`` x ``bpc`` from the period before to this one:
        efficiency change and best-practice change.
    scores : DataFrame indexed (unit, period)
        Efficiency against the technology of all periods (``global``) and of the
        row's own period (``contemporaneous``), between 0 and 1. For the
        directional measure it is 1 / (1 + D).
    infeasible : DataFrame
        Unit, period and technology of programs without a solution: empty unless the
        solver failed, since every row belongs to its technologies.
    measure, returns, disposability : str
        Options that were used.
    """

    changes: pd.DataFrame
    scores: pd.DataFrame
    infeasible: pd.DataFrame
    measure: str
    returns: str
    disposability: str

    def between(self, start: object, end: object) -> pd.DataFrame:
        """Return the index and its parts from period `start` straight to `end`, by unit.

        The index is circular: this is the product of the changes in between.

        Raises
        ------
        nqpf.errors.SampleError
            If a period is not in the sample.
        """
        period = self.scores.index.names[1]
        known = self.scores.index.get_level_values(1).unique()
        for wanted in (start, end):
            if wanted not in known:
                raise SampleError(
                    f"no {period} {wanted}", expected=f"one of {', '.join(map(str, sorted(known)))}"
                )
        return parts(self.scores.xs(end, level=1), self.scores.xs(start, level=1))

    def cumulative(self) -> pd.DataFrame:
        """Return the index and its parts relative to the first period (= 1)."""
        first = self.scores.groupby(level=0).transform("first")
        return parts(self.scores, first)

    def to_frame(self) -> pd.DataFrame:
        """Return the index and its parts."""
        return self.changes.copy()

    def summary(self) -> pd.DataFrame:
        """Return geometric means over units by period."""
        return np.exp(np.log(self.changes).groupby(level=1).mean())

    def _repr_html_(self) -> str:
        return self.summary().to_html()


def parts(scores: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Return the index, efficiency change and best-practice change from scores in two periods."""
    ratio = scores / before
    return pd.DataFrame(
        {
            "gml": ratio["global"],
            "ec": ratio["contemporaneous"],
            "bpc": ratio["global"] / ratio["contemporaneous"],
        }
    )


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
        changes, reached, _infeasible_directional(reached, sample.periods), returns, disposability
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


def _infeasible_directional(reached: pd.DataFrame, periods: list[object]) -> pd.DataFrame:
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


MEASURES = ("slacks", "directional")
DISPOSABILITY = {"slacks": "strong", "directional": "weak"}  # what Tone and Oh assume
_INTENSITY = 1e-10


@dataclass(frozen=True)
class SlacksResult:
    """Slacks-based efficiency.

    Attributes
    ----------
    rho : Series by unit (and period)
        Efficiency in (0, 1]; 1 without any slack.
    slacks : DataFrame by unit (and period)
        Input and bad output in excess, good output in shortfall, in the units of the
        data. Where several projections score the same, one of them.
    peers : DataFrame
        One row per unit and peer with its ``intensity``; ``abated`` marks a
        peer with its outputs given up (weak disposability, variable returns).
    returns, disposability, reference : str
        Options that were used.
    """

    rho: pd.Series
    slacks: pd.DataFrame
    peers: pd.DataFrame
    returns: str
    disposability: str
    reference: str

    @property
    def efficient(self) -> pd.Series:
        """Whether a unit has no slack, up to 1e-9 of the score."""
        return (self.rho > 1 - 1e-9).rename("efficient")

    def to_frame(self) -> pd.DataFrame:
        """Return scores and slacks side by side."""
        return pd.concat([self.rho, self.slacks.add_prefix("slack_")], axis=1)

    def _repr_html_(self) -> str:
        return self.to_frame().to_html()


def slacks(
    frame: pd.DataFrame,
    inputs: Sequence[str] | str,
    good: Sequence[str] | str,
    bad: Sequence[str] | str = (),
    unit: str = "province",
    time: str | None = None,
    returns: str = "crs",
    disposability: str = "strong",
    reference: str = "global",
) -> SlacksResult:
    """Measure efficiency by slacks, not oriented (Tone 2001; with bad outputs Tone 2004).

    rho = min (1 - mean_i s_i / x_i) / (1 + mean_r s_r / y_r), where s_i are the
    excesses of the m inputs, and s_r the shortfalls of good and the excesses of bad
    outputs, against some activity of the technology.

    Parameters
    ----------
    frame : DataFrame
        `unit` (and `time`) as index levels or columns, and positive amounts.
    inputs, good, bad : str or sequence of str
        Columns of each role.
    unit : str
        Name of the unit.
    time : str or None
        Name of the period; None for one cross-section.
    returns : {"crs", "vrs"}
        Constant or variable returns to scale.
    disposability : {"strong", "weak"}
        Strong: bad outputs have slacks like inputs. Weak: they are held at
        what is observed, and slacks of inputs and good outputs alone are scored;
        under variable returns each unit may abate (Kuosmanen 2005).
    reference : {"global", "contemporaneous"}
        Whether the rows of all periods span one technology, or each period its own.

    Returns
    -------
    SlacksResult

    Raises
    ------
    nqpf.errors.MethodError
        If an option is unknown or a column has no role of its own.
    nqpf.errors.DataError
        If a name is unknown or an amount is not positive.
    nqpf.errors.SampleError
        If an amount is missing, a key doubled, or there is one unit only.
    nqpf.errors.EstimationError
        If the solver finds no solution; names the unit.

    Examples
    --------
    Plants A and C are efficient; B makes less than A from the same, and pollutes more.

    >>> frame = pd.DataFrame({"x": [1, 1, 1], "y": [4, 2, 1], "b": [2, 3, 0.25]}, index=list("ABC"))
    >>> frame.index.name = "plant"
    >>> slacks(frame, "x", "y", "b", unit="plant").rho.round(4).tolist()
    [1.0, 0.375, 1.0]
    """
    one_of("reference", reference, REFERENCE)
    sample = read(frame, inputs, good, bad, unit, time, returns, disposability)
    index = sample.frame.index
    rho, excess = np.empty(len(index)), np.empty(sample.frame.shape)
    peers = []
    for rows, spanning in sample.technologies(reference):
        technology = envelope(sample.values, spanning, sample.form)
        found = projections(technology, sample.values[rows])
        rho[rows], excess[rows] = found.rho, found.slacks
        peers.append(_peers(found, technology, index, rows))
    if np.isnan(rho).any():
        first = index[int(np.flatnonzero(np.isnan(rho))[0])]
        raise EstimationError(
            "the slacks-based program has no solution",
            where=place(first if index.nlevels > 1 else (first,), index.names),
            expected="a unit within the technology that it helps to span",
            hint="look for figures of very different size",
        )
    names = list(index.names)
    return SlacksResult(
        pd.Series(rho, index=index, name="rho"),
        pd.DataFrame(excess, index=index, columns=sample.frame.columns),
        pd.concat(peers, ignore_index=True).sort_values(names, kind="stable", ignore_index=True),
        returns,
        disposability,
        reference,
    )


def _peers(
    found: Projections, technology: Envelope, index: pd.Index, rows: np.ndarray
) -> pd.DataFrame:
    used = found.intensity > _INTENSITY * found.intensity.max(axis=1, keepdims=True)
    point, column = np.nonzero(used)
    peer = index[technology.rows[column]].to_frame(index=False).add_prefix("peer_")
    numbers = {"intensity": found.intensity[used], "abated": technology.abated[column]}
    unit = index[rows[point]].to_frame(index=False)
    return pd.concat([unit, peer, pd.DataFrame(numbers)], axis=1)


def global_malmquist_luenberger(
    frame: pd.DataFrame,
    inputs: Sequence[str] | str,
    good: Sequence[str] | str,
    bad: Sequence[str] | str,
    unit: str = "province",
    time: str = "year",
    measure: str = "slacks",
    returns: str = "crs",
    disposability: str | None = None,
) -> GlobalLuenbergerResult:
    """Measure productivity change with bad outputs against one technology of all periods.

    With E_G(t) a unit's efficiency against the rows of all periods and E_t(t) against
    those of period t (Oh 2010), from t to u = t + 1:

    - gml = E_G(u) / E_G(t),
    - ec = E_u(u) / E_t(t), nearness to the frontier of the day,
    - bpc = [E_G(u) / E_u(u)] / [E_G(t) / E_t(t)], that frontier's own move.

    E is rho of :func:`slacks`, or 1 / (1 + D) with D of
    :func:`nqpf.tfp.sbm.directional_distance`, which is Oh's index.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` as index levels or columns, balanced, positive amounts.
    inputs, good, bad : str or sequence of str
        Columns of each role.
    unit, time : str
        Names of the key.
    measure : {"slacks", "directional"}
        How efficiency is measured.
    returns : {"crs", "vrs"}
        Constant or variable returns to scale.
    disposability : {"strong", "weak"} or None
        Of bad outputs. When None, strong for slacks (Tone 2004) and weak for
        the directional measure (Oh 2010).

    Returns
    -------
    GlobalLuenbergerResult

    Raises
    ------
    nqpf.errors.MethodError
        If an option is unknown or a column has no role of its own.
    nqpf.errors.DataError
        If a name is unknown or an amount is not positive.
    nqpf.errors.SampleError
        If an amount is missing, a key doubled, the sample not balanced, or there
        is one unit or one period only.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["A", "B"], [1, 2]], names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 1, 1, 1], "y": [4, 6, 2, 2], "b": [2, 2, 2, 1]}, keys)
    >>> found = global_malmquist_luenberger(frame, "x", "y", "b")
    >>> found.changes.round(4).loc["A"].values.tolist()
    [[1.75, 1.0, 1.75]]
    """
    one_of("measure", measure, MEASURES)
    disposability = DISPOSABILITY[measure] if disposability is None else disposability
    sample = read(frame, inputs, good, bad, unit, time, returns, disposability)
    sample.need_balance()
    score = _rho if measure == "slacks" else _nearness
    scores = pd.DataFrame({kind: score(sample, kind) for kind in REFERENCE})
    earlier = scores.groupby(level=0).shift(1)
    later = scores.index.get_level_values(1) != sample.periods[0]
    return GlobalLuenbergerResult(
        parts(scores, earlier)[later],
        scores,
        _infeasible(scores),
        measure,
        returns,
        disposability,
    )


def _rho(sample: Activities, reference: str) -> pd.Series:
    rho = np.empty(len(sample.frame))
    for rows, spanning in sample.technologies(reference):
        technology = envelope(sample.values, spanning, sample.form)
        rho[rows] = projections(technology, sample.values[rows]).rho
    return pd.Series(rho, index=sample.frame.index)


def _nearness(sample: Activities, reference: str) -> pd.Series:
    return 1.0 / (1.0 + own_distances(sample, reference))


def _infeasible(scores: pd.DataFrame) -> pd.DataFrame:
    lines = [(*key, kind) for kind in scores.columns for key in scores.index[scores[kind].isna()]]
    return pd.DataFrame(lines, columns=[*scores.index.names, "technology"])
