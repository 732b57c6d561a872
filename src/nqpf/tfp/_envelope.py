"""Technologies spanned by observed units, and the slacks-based program over one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nqpf.errors import EstimationError
from nqpf.tfp._activities import Form
from nqpf.tfp._programs import Program, furthest

__all__ = ["Envelope", "Projection", "distances", "envelope", "projections"]


@dataclass(frozen=True)
class Envelope:
    """Columns that span a technology; units that can never be peers are left out.

    Attributes
    ----------
    form : Form
    columns : array (n, variables)
        Points in units of `scale`; of length 1 in logarithms under constant returns.
    rows : array (n,)
        Position of the unit that each point comes from.
    abated : array (n,) of bool
        Whether the point is the unit with all outputs given up, which weak
        disposability under variable returns allows (Kuosmanen 2005).
    size : array (n,)
        What the points were divided by under constant returns.
    scale : array (variables,)
        Geometric means of the variables, so that programs have figures near 1.
    """

    form: Form
    columns: np.ndarray
    rows: np.ndarray
    abated: np.ndarray
    size: np.ndarray
    scale: np.ndarray

    def sized(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return points in the technology's units, and what they were divided by."""
        points = points / self.scale
        size = _size(points, self.form)
        return points / size[:, None], size


@dataclass(frozen=True)
class Projection:
    """What the slacks-based program says of one unit: its score, slacks and intensities."""

    rho: float
    slacks: np.ndarray
    intensity: np.ndarray


def envelope(values: np.ndarray, rows: np.ndarray, form: Form) -> Envelope:
    """Return the technology spanned by the given rows of `values` (N, variables)."""
    scale = np.exp(np.log(values[rows]).mean(axis=0))
    points = values[rows] / scale
    kept = _undominated(points, form)
    size = _size(points[kept], form)
    columns = points[kept] / size[:, None]
    abated = np.zeros(len(kept), dtype=bool)
    at = rows[kept]
    if form.weak and form.variable:
        idle = columns.copy()
        idle[:, form.inputs :] = 0.0
        columns, at = np.vstack([columns, idle]), np.tile(at, 2)
        size, abated = np.tile(size, 2), np.repeat([False, True], len(kept))
    return Envelope(form, columns, at, abated, size, scale)


def _size(points: np.ndarray, form: Form) -> np.ndarray:
    if form.variable:
        return np.ones(len(points))
    return np.exp(np.log(points).mean(axis=1))


def _undominated(points: np.ndarray, form: Form) -> np.ndarray:
    """Return the positions of the points that no other point replaces, in order.

    Point j replaces k if, scaled by some a under constant returns (by 1 otherwise), it
    needs no more input and gives no less output. Weakly disposable bad outputs
    must then be equal. Scores are unchanged: whatever k serves, j serves as well.
    """
    below = np.delete(points, np.s_[form.inputs : form.inputs + form.good], axis=1)
    above = points[:, form.inputs : form.inputs + form.good]
    # A point never has more merit than one that replaces it, so that one comes first;
    # comparing with kept points only means that two can never drop each other.
    merit = np.log(above).mean(axis=1) - np.log(below).mean(axis=1)
    if form.weak:
        above = np.hstack([above, points[:, form.inputs + form.good :]])
    kept: list[int] = []
    for k in np.argsort(-merit, kind="stable"):
        most = (below[k] / below[kept]).min(axis=1)
        least = (above[k] / above[kept]).max(axis=1)
        if form.variable:
            most, least = np.minimum(most, 1.0), np.maximum(least, 1.0)
        if not (least <= most).any():
            kept.append(int(k))
    return np.sort(np.array(kept))


def projections(technology: Envelope, points: np.ndarray) -> Iterator[Projection]:
    """Yield the slacks-based projection of each point (P, variables), which it must span.

    Tone's fractional program is made linear by Charnes and Cooper (1962): with
    t = 1 / denominator, minimise t - (1/m) sum S-/x subject to
    t + (1/s) (sum Sg/yg + sum Sb/yb) = 1 and t point = columns L +- S.
    One program serves all points: only column t, the first row and costs change.

    Raises
    ------
    nqpf.errors.EstimationError
        If the point lies outside the technology.
    """
    form = technology.form
    n, m, d = len(technology.columns), form.inputs, form.variables
    scored = slice(m, m + form.good) if form.weak else slice(m, d)
    share = 1.0 / (scored.stop - scored.start)
    program, matrix = _slacks_program(technology)
    first = np.arange(n, n + m)
    sized, size = technology.sized(points)
    for point, length in zip(sized, size, strict=True):
        matrix[1 : d + 1, -1] = -point
        matrix[0, n + scored.start : n + scored.stop] = share / point[scored]
        program.set_cost(first, -1.0 / (m * point[:m]))
        for column in (*range(n + scored.start, n + scored.stop), n + d):
            program.set_column(column, matrix[:, column])
        status = program.solve()
        if status != "optimal":
            raise EstimationError(f"the slacks-based program of a unit is {status}")
        solution = program.primal()
        slack, t = solution[n : n + d], solution[-1]
        yield Projection(
            program.value,
            np.where(slack > 0, slack, 0.0) / t * technology.scale * length,
            solution[:n] / t * length / technology.size,
        )


def _slacks_program(technology: Envelope) -> tuple[Program, np.ndarray]:
    """Return the program and its matrix; variables are intensities, slacks and t."""
    form = technology.form
    n, d, m = len(technology.columns), form.variables, form.inputs
    sign = np.ones(d)
    sign[m : m + form.good] = -1.0
    matrix = np.zeros((d + 1 + form.variable, n + d + 1))
    matrix[0, -1] = 1.0
    matrix[1 : d + 1, :n] = technology.columns.T
    matrix[1 : d + 1, n : n + d] = np.diag(sign)
    if form.variable:
        matrix[-1, :n], matrix[-1, -1] = 1.0, -1.0
    right = np.zeros(len(matrix))
    right[0] = 1.0
    upper = np.full(n + d + 1, np.inf)
    if form.weak:
        upper[n + m + form.good : n + d] = 0.0
    cost = np.append(np.zeros(n + d), 1.0)
    return Program(matrix, cost, right, right, 0.0, upper), matrix


def distances(technology: Envelope, points: np.ndarray) -> np.ndarray:
    """Return the directional distances of points (P, variables); NaN where there is none.

    max b such that (1 + b) good outputs can be made with (1 - b) bad outputs and
    no more input. A distance of -1 or less asks for no good output at all; no
    index can be made of it, so it counts as none.
    """
    form = technology.form
    sized, _ = technology.sized(points)
    sign = np.ones(form.variables)
    sign[form.inputs : form.inputs + form.good] = -1.0
    direction = sized.copy()
    direction[:, : form.inputs] = 0.0
    reference, target = technology.columns.T * sign[:, None], sized * sign
    equal = list(range(form.inputs + form.good, form.variables)) if form.weak else []
    if form.variable:
        equal.append(form.variables)
        reference = np.vstack([reference, np.ones(reference.shape[1])])
        target = np.column_stack([target, np.ones(len(target))])
        direction = np.column_stack([direction, np.zeros(len(target))])
    found = furthest(reference, direction, target, equal).value
    return np.where(found > -1.0 + 1e-9, found, np.nan)
