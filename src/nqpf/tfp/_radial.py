"""Radial efficiency on arrays, and the checks that frontier samples share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.tfp._programs import furthest
from nqpf.tfp.sample import nearest, place

__all__ = ["check_option", "check_own", "check_quantities", "columns_of", "radial_scores"]


def radial_scores(
    reference_inputs: np.ndarray,
    reference_outputs: np.ndarray,
    inputs: np.ndarray,
    outputs: np.ndarray,
    returns: str = "crs",
    orientation: str = "output",
) -> np.ndarray:
    """Return Farrell efficiency of units against the frontier of a reference.

    Output orientation solves ``max phi`` s.t. ``X z <= x``, ``Y z >= phi y``,
    ``z >= 0`` and gives 1 / phi; input orientation solves ``min theta`` s.t.
    ``X z <= theta x``, ``Y z >= y`` and gives theta. Variable returns add
    ``sum(z) = 1`` (Charnes, Cooper and Rhodes 1978; Banker, Charnes and Cooper 1984).
    Both are 1 on the frontier, below 1 inside, above 1 beyond it.

    Parameters
    ----------
    reference_inputs, reference_outputs : array (n, m), (n, s)
        Units that span the technology.
    inputs, outputs : array (P, m), (P, s)
        Units to score; they need not be in the reference.
    returns : {"crs", "vrs"}
        Returns to scale.
    orientation : {"output", "input"}
        What is stretched or shrunk.

    Returns
    -------
    array (P,)
        NaN where the reference cannot reach the unit at all.

    Examples
    --------
    >>> x, y = np.array([[1.0], [2.0]]), np.array([[2.0], [2.0]])
    >>> radial_scores(x, y, x, y).tolist()
    [1.0, 0.5]
    """
    # Rows of the program in units of the reference's largest figure: scores do
    # not depend on units of measure, and the program is well scaled.
    input_unit, output_unit = _largest(reference_inputs), _largest(reference_outputs)
    x, y = inputs / input_unit, outputs / output_unit
    rows = [(reference_inputs / input_unit).T, -(reference_outputs / output_unit).T]
    if orientation == "output":
        direction, target = [np.zeros_like(x), y], [x, np.zeros_like(y)]
    else:
        direction, target = [x, np.zeros_like(y)], [np.zeros_like(x), -y]
    equal: tuple[int, ...] = ()
    if returns == "vrs":
        equal = (x.shape[1] + y.shape[1],)
        rows.append(np.ones((1, len(reference_inputs))))
        direction.append(np.zeros((len(x), 1)))
        target.append(np.ones((len(x), 1)))
    found = furthest(np.vstack(rows), np.hstack(direction), np.hstack(target), equal).value
    if orientation == "input":
        return -found
    # A reference without an output that the unit has reaches none of it: no score.
    return np.divide(1.0, found, out=np.full(len(found), np.nan), where=found > 0)


def _largest(quantities: np.ndarray) -> np.ndarray:
    largest = quantities.max(axis=0)
    return np.where(largest > 0, largest, 1.0)


def columns_of(
    inputs: Sequence[str], outputs: Sequence[str], *key: str
) -> tuple[list[str], list[str]]:
    """Return the names of inputs and outputs as lists.

    Raises
    ------
    nqpf.errors.MethodError
        If one of them is empty or a column, of the key too, is named twice.
    """
    both = [[names] if isinstance(names, str) else list(names) for names in (inputs, outputs)]
    for names, what in zip(both, ("inputs", "outputs"), strict=True):
        if not names:
            raise MethodError(f"no {what} are named", expected="at least one column")
    flat = [*both[0], *both[1], *key]
    double = [name for name in flat if flat.count(name) > 1]
    if double:
        raise MethodError(f"{double[0]!r} is named twice among inputs, outputs and key")
    return both[0], both[1]


def check_quantities(keyed: pd.DataFrame, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Raise unless there are two units, inputs are positive and outputs usable.

    Raises
    ------
    nqpf.errors.DataError
        If an input is not positive, an output negative, or all outputs of a unit zero.
    nqpf.errors.SampleError
        If there is one unit only.
    """
    units = keyed.index.get_level_values(0).unique()
    if len(units) < 2:
        raise SampleError(
            "the sample has one unit",
            where=place((units[0],), (units.name,)),
            expected="at least two, for one unit is its own frontier",
        )
    tests = [(name, ~(keyed[name] > 0), "a positive input") for name in inputs]
    tests += [(name, keyed[name] < 0, "no negative output") for name in outputs]
    tests += [
        (name, (keyed[list(outputs)] == 0).all(axis=1), "a unit that produces something")
        for name in outputs
    ]
    for name, bad, wanted in tests:
        if bad.any():
            position = int(np.flatnonzero(bad.to_numpy())[0])
            raise DataError(
                f"{name} is {keyed[name].iloc[position]:g}",
                where=place(keyed.index[position], keyed.index.names),
                expected=wanted,
                hint="frontiers compare quantities; leave the unit out, and say so",
            )


def check_own(scores: pd.Series) -> None:
    """Raise when a unit has no score against a frontier to which it belongs itself.

    Raises
    ------
    nqpf.errors.EstimationError
        Names the first such unit; only rounding can bring this about.
    """
    lost = scores.index[scores.isna()]
    if len(lost):
        key = lost[0] if scores.index.nlevels > 1 else (lost[0],)
        raise EstimationError(
            "HiGHS finds no score against the unit's own frontier",
            where=place(key, scores.index.names),
            expected="figures whose ratios differ less than 1e9 times",
            hint="look for a wrong unit of measure, here or in another row",
        )


def check_option(value: str, known: Sequence[str], what: str) -> None:
    """Raise when an option is not one of `known`.

    Raises
    ------
    nqpf.errors.MethodError
        Offers the nearest name.
    """
    if value not in known:
        raise MethodError(
            f"unknown {what} {value!r}",
            expected=" or ".join(map(repr, known)),
            hint=nearest(value, known),
        )
