"""Data envelopment analysis: efficiency of units, and Malmquist indices over time."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.checks import choose
from nqpf.errors import MethodError
from nqpf.sample import _check_consecutive, _place
from nqpf.tfp.programs import _Activities, _check_own, _furthest, _largest

_RETURNS = ("crs", "vrs")


def efficiency(
    frame: pd.DataFrame,
    inputs: Sequence[str],
    outputs: Sequence[str],
    unit: str,
    returns: str = "crs",
) -> pd.Series:
    """Measure the radial efficiency of each unit's output against the frontier of all.

    Constant returns give the model of Charnes, Cooper and Rhodes (1978),
    variable returns the one of Banker, Charnes and Cooper (1984).

    Parameters
    ----------
    frame : DataFrame
        One row per unit; `unit` is a column or an index level.
    inputs, outputs : sequence of str
        Columns of quantities; inputs positive, outputs non-negative.
    unit : str
        Name of the key.
    returns : {"crs", "vrs"}
        Returns to scale.

    Returns
    -------
    Series by unit
        Farrell's scores 1 / phi in (0, 1], 1 on the frontier, with phi the factor by which all
        outputs could be stretched at given inputs; under constant returns also that by which all
        inputs could be shrunk. Scores that differ by less than 1e-9 are ties.

    Raises
    ------
    nqpf.errors.DataError
        If a name is unknown, an input not positive or an output negative.
    nqpf.errors.SampleError
        If a unit appears twice, a figure is missing or there is one unit only.
    nqpf.errors.MethodError
        If an option is unknown or a column named twice.
    nqpf.errors.EstimationError
        If figures are too different in size to be solved.

    Examples
    --------
    Coelli (1996), second example: one output, one input.

    >>> firms = pd.DataFrame({"firm": [1, 2, 3, 4, 5], "y": [1, 2, 3, 4, 5], "x": [2, 4, 3, 5, 6]})
    >>> efficiency(firms, ["x"], ["y"], "firm").round(3).tolist()
    [0.5, 0.5, 1.0, 0.8, 0.833]
    """
    choose("returns", returns, _RETURNS)
    sample = _Activities.read(frame, inputs, outputs, (), unit, None, zeros=True)
    scores = _radial(sample.values, sample.values, sample.inputs, returns)
    return _check_own(pd.Series(scores, sample.frame.index, name="score"))


def _radial(reference: np.ndarray, points: np.ndarray, m: int, returns: str) -> np.ndarray:
    """Return scores (P,) of points (P, columns) against a reference; NaN where it reaches none.

    They are 1 / phi with ``max phi`` s.t. ``X z <= x``, ``Y z >= phi y``, ``z >= 0``. Variable
    returns add ``sum(z) = 1``. The first `m` columns are inputs.
    """
    # Rows of the program in units of the reference's largest figure: scores do
    # not depend on units of measure, and the program is well scaled.
    unit = _largest(reference.max(axis=0))
    sign = np.where(np.arange(len(unit)) < m, 1.0, -1.0)
    rows, signed = (reference / unit * sign).T, points / unit * sign
    direction, target = np.where(sign < 0, -signed, 0.0), np.where(sign < 0, 0.0, signed)
    equal: tuple[int, ...] = ()
    if returns == "vrs":
        equal = (len(unit),)
        rows = np.vstack([rows, np.ones(len(reference))])
        direction = np.column_stack([direction, np.zeros(len(points))])
        target = np.column_stack([target, np.ones(len(points))])
    found = _furthest(rows, direction, target, equal)
    # A reference without an output that the unit has reaches none of it: no score.
    return np.divide(1.0, found, out=np.full(len(found), np.nan), where=found > 0)


@dataclass(frozen=True)
class _Malmquist:
    """Malmquist indices; above 1 is progress, below 1 regress.

    Attributes
    ----------
    indices : DataFrame indexed (unit, time)
        Change from the year before to the year in the index: ``effch`` (efficiency),
        ``techch`` (technology; best-practice change under a global reference),
        under variable returns ``pech`` and ``sech`` (pure and scale efficiency), and ``tfpch``.
        NaN where a program has no solution.
    scores : DataFrame indexed (unit, time)
        Farrell scores behind them, 1 on the frontier: ``crs`` and ``vrs`` against the
        frontier of the same year, ``*_before`` and ``*_after`` of the year
        before and after, ``*_global`` of all years.
    infeasible : DataFrame
        One row per program without a solution: the unit, its time, the ``frontier``
        (a year or ``"global"``) and its ``returns``. Empty when all have one.
    """

    indices: pd.DataFrame
    scores: pd.DataFrame
    infeasible: pd.DataFrame


def malmquist(
    frame: pd.DataFrame,
    inputs: Sequence[str],
    outputs: Sequence[str],
    unit: str,
    time: str,
    returns: str = "crs",
    reference: str = "contemporaneous",
    split: str = "fgnz",
) -> _Malmquist:
    """Measure productivity change of a balanced panel by a Malmquist index.

    With E^s_t the score of a unit in year t against the frontier of year s,
    effch = E^t+1_t+1 / E^t_t, tfpch = sqrt(E^t_t+1 / E^t_t * E^t+1_t+1 / E^t+1_t) and
    techch = tfpch / effch (Fare, Grosskopf, Norris and Zhang 1994).

    Parameters
    ----------
    frame : DataFrame
        One row per `unit` and `time`, which are columns or index levels.
    inputs, outputs : sequence of str
        Columns of quantities; inputs positive, outputs non-negative.
    unit, time : str
        Names of the key; times are consecutive whole years.
    returns : {"crs", "vrs"}
        The index itself always refers to constant returns, as it must to
        measure productivity; ``"vrs"`` splits it further by `split`.
    reference : {"contemporaneous", "sequential", "global"}
        Frontier of each year's units; of the units up to that year, so
        that technology is never forgotten (Tulkens and Vanden Eeckaut 1995);
        or of all years, whose index E^G_t+1 / E^G_t chains (Pastor and Lovell 2005).
    split : {"fgnz", "ray-desli"}
        How variable returns split the index. ``"fgnz"``: effch = pech * sech, technology
        at constant returns. ``"ray-desli"`` (Ray and Desli 1997): tfpch = pech * techch
        * sech with technology at variable returns, whose problems across years may
        have no solution.

    Returns
    -------
    result
        ``indices``, ``scores`` and ``infeasible``.

    Raises
    ------
    nqpf.errors.DataError
        If a name is unknown, an input not positive or an output negative.
    nqpf.errors.SampleError
        If a key is doubled, a figure or a year missing, or there is one unit or year only.
    nqpf.errors.MethodError
        If an option is unknown or a column named twice.
    nqpf.errors.EstimationError
        If figures are too different in size to be solved.

    Warns
    -----
    UserWarning
        If a program has no solution; ``infeasible`` lists them.

    Notes
    -----
    An index at variable returns would not measure productivity (Grifell-Tatje and Lovell 1995), so
    ``tfpch`` depends on neither `returns` nor `split`; "fgnz" is what DEAP and most papers use.
    A score that does not exist stays missing, and so do means and products over it: a mean over
    the rest would drop it silently.

    Examples
    --------
    >>> panel = pd.DataFrame({"unit": ["A", "B", "A", "B"], "year": [2010, 2010, 2011, 2011],
    ...                       "x": [1.0, 1.0, 1.0, 1.0], "y": [2.0, 1.0, 3.0, 3.0]})
    >>> malmquist(panel, ["x"], ["y"], "unit", "year").indices
               effch  techch  tfpch
    unit year
    A    2011    1.0     1.5    1.5
    B    2011    2.0     1.5    3.0
    """
    choose("returns", returns, _RETURNS)
    choose("reference", reference, ("contemporaneous", "sequential", "global"))
    choose("split", split, ("fgnz", "ray-desli"))
    if split == "ray-desli" and returns == "crs":
        raise MethodError("split 'ray-desli' needs variable returns", expected="returns='vrs'")
    sample = _Activities.read(frame, inputs, outputs, (), unit, time, zeros=True).balanced()
    _check_consecutive(sample.frame.index, "the frame")
    kinds = {"crs": reference != "global"}  # and whether frontiers of other years are asked
    if returns == "vrs":
        kinds["vrs"] = reference != "global" and split == "ray-desli"
    parts, lost = {}, []
    for kind, across in kinds.items():
        parts |= _scores(sample, kind, reference, across, lost)
        if reference == "global" and (kind == "crs" or split == "ray-desli"):
            parts[f"{kind}_global"] = _radial(sample.values, sample.values, sample.inputs, kind)
    table = pd.DataFrame(parts, sample.frame.index)
    for kind in kinds:
        _check_own(table[kind])
    columns = [*sample.frame.index.names, "frontier", "returns"]
    infeasible = pd.DataFrame([row for _, row in sorted(lost)], columns=columns)
    if lost:
        unit, year, frontier, _ = infeasible.iloc[0]
        said = f"{len(lost)} problem(s) across years have no solution, the first of "
        said += f"{_place((unit, year), columns[:2])} against the frontier of {frontier}; "
        warnings.warn(said + "their indices are missing, see .infeasible", stacklevel=2)
    later = sample.frame.index.get_level_values(1) != sample.periods[0]
    return _Malmquist(_indices(table, split)[later], table, infeasible)


_SHIFTS = {0: "", -1: "_before", 1: "_after"}  # years from a unit's own to the frontier's


def _scores(
    sample: _Activities, returns: str, reference: str, across: bool, lost: list
) -> dict[str, np.ndarray]:
    """Return scores of all rows by frontier; programs without a solution are added to `lost`."""
    index, year = sample.frame.index, pd.factorize(sample.frame.index.get_level_values(1))[0]
    shifts = _SHIFTS if across else {0: ""}
    scores = {f"{returns}{name}": np.full(len(index), np.nan) for name in shifts.values()}
    for at, period in enumerate(sample.periods):
        past = year <= at if reference == "sequential" else year == at
        rows = np.flatnonzero(np.isin(at - year, list(shifts)))
        found = _radial(sample.values[past], sample.values[rows], sample.inputs, returns)
        for order, (shift, name) in enumerate(shifts.items()):
            own = at - year[rows] == shift
            scores[f"{returns}{name}"][rows[own]] = found[own]
            for row in rows[own & np.isnan(found)]:
                rank = (returns, order, year[row], int(row))
                lost.append((rank, (*index[row], period, returns)))
    return scores


def _indices(table: pd.DataFrame, split: str) -> pd.DataFrame:
    effch, tfpch, techch = _changes(table, "crs")
    if "vrs" not in table:
        return pd.DataFrame({"effch": effch, "techch": techch, "tfpch": tfpch})
    pech = _ratio(table["vrs"], table["vrs"])
    sech = effch / pech
    if split == "ray-desli":
        constant, techch = techch, _changes(table, "vrs")[2]
        sech = sech * constant / techch
    columns = {"effch": effch, "techch": techch, "pech": pech, "sech": sech, "tfpch": tfpch}
    return pd.DataFrame(columns)


def _ratio(now: pd.Series, before: pd.Series) -> pd.Series:
    """Return `now` over what `before` was a year ago."""
    return now / before.groupby(level=0).shift()


def _changes(table: pd.DataFrame, returns: str) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Return change of efficiency, of productivity and of technology."""
    effch = _ratio(table[returns], table[returns])
    if f"{returns}_global" in table:
        tfpch = _ratio(table[f"{returns}_global"], table[f"{returns}_global"])
        return effch, tfpch, tfpch / effch
    across = _ratio(table[f"{returns}_before"], table[f"{returns}_after"])
    return effch, np.sqrt(across * effch), np.sqrt(across / effch)
