"""Slacks-based measures of efficiency and the global Malmquist-Luenberger index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError
from nqpf.tfp._activities import REFERENCE, Activities, one_of, read
from nqpf.tfp._envelope import Envelope, Projections, envelope, projections
from nqpf.tfp.directional import own_distances
from nqpf.tfp.luenberger import GlobalLuenbergerResult, parts
from nqpf.tfp.sample import place

__all__ = ["SlacksResult", "global_malmquist_luenberger", "slacks"]

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
    :func:`nqpf.tfp.directional.directional_distance`, which is Oh's index.

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
