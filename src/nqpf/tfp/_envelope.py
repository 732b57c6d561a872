"""Technologies spanned by observed units, and the slacks-based program over one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nqpf.errors import EstimationError
from nqpf.tfp._activities import Form
from nqpf.tfp._programs import Program, furthest

__all__ = ["Envelope", "Projections", "distances", "envelope", "projections"]

# A basis is optimal for a point if no value and no reduced cost is negative up to
# rounding; values are compared with the point's own figures, which may be small.
_ROUNDING = 1e-11
_CONDITION = 1e8


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
class Projections:
    """What slacks-based programs say of P points.

    Attributes
    ----------
    rho : array (P,)
        Scores.
    slacks : array (P, variables)
        In the units of the data.
    intensity : array (P, n)
        Weight of each column of the technology, as multiples of the unit it comes from.
    """

    rho: np.ndarray
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


def projections(technology: Envelope, points: np.ndarray) -> Projections:
    """Return the slacks-based projections of points (P, variables), which it must span.

    Tone's fractional program is made linear by Charnes and Cooper (1962): with
    t = 1 / denominator, minimise t - (1/m) sum S-/x subject to
    t + (1/s) (sum Sg/yg + sum Sb/yb) = 1 and t point = columns L +- S.
    One program serves all points: only column t, the first row and costs change.
    The basis it ends with settles every other point for which it is optimal too.
    A program without a solution leaves a score of NaN.
    """
    sized, size = technology.sized(points)
    problem = _Slacks(technology, sized)
    n, d = len(technology.columns), technology.form.variables
    rho, solution = np.full(len(points), np.nan), np.zeros((len(points), n + d))
    left = np.arange(len(points))
    while len(left):
        first = left[0]
        rho[first], solution[first] = problem.solve(first)
        columns = None if np.isnan(rho[first]) else problem.basis()
        settled = np.arange(len(left)) == 0
        if columns is not None:
            settled, values, scores = problem.settle(columns, left)
            rho[left[settled]] = scores
            solution[np.ix_(left[settled], columns)] = values
        if np.isnan(rho[first]) or not settled[0]:
            rho[first], solution[first] = _alone(technology, sized[first])
            settled[0] = True
        left = left[~settled]
    slack = np.where(solution[:, n:] > 0, solution[:, n:], 0.0)
    return Projections(
        rho,
        slack * technology.scale * size[:, None],
        solution[:, :n] * size[:, None] / technology.size,
    )


def _alone(technology: Envelope, point: np.ndarray) -> tuple[float, np.ndarray]:
    """Return what the program says of one point when figures are shares of the point's own.

    For points so far from the others that tolerances of the shared program mean nothing.
    """
    shares = technology.columns / point
    most = shares.max(axis=1)
    scaled = replace(technology, columns=shares / most[:, None], size=technology.size * most)
    rho, solution = _Slacks(scaled, np.ones((1, len(point)))).solve(0)
    solution[: len(most)] /= most
    solution[len(most) :] *= point
    return rho, solution


class _Slacks:
    """The program of all points, and the test that one basis is optimal for others.

    Apart from t, a basis has as many columns of intensities and slacks as there
    are balances, the same for every point: it gives values z >= 0 or not, and a ratio
    rho = numerator / denominator, which is least if no column of reduced cost
    numerator - rho denominator is negative.
    """

    def __init__(self, technology: Envelope, points: np.ndarray) -> None:
        form = technology.form
        n, d, m = len(technology.columns), form.variables, form.inputs
        scored = slice(m, m + form.good) if form.weak else slice(m, d)
        self._n, self._d = n, d
        self._scored = np.arange(n + scored.start, n + scored.stop)
        self._inputs = np.arange(n, n + m)
        # Bad outputs that are held have no slack.
        self._held = np.arange(n + scored.stop, n + d)
        self._top, self._bottom = np.zeros((len(points), n + d)), np.zeros((len(points), n + d))
        self._top[:, n : n + m] = -1.0 / (m * points[:, :m])
        share = 1.0 / len(self._scored)
        self._bottom[:, self._scored] = share / points[:, scored]
        sign = np.ones(d)
        sign[m : m + form.good] = -1.0
        self._balance = np.hstack([technology.columns.T, np.diag(sign)])
        self._right = points
        # Largest ratio of a column's figures to a point's: what an intensity of 1 may weigh.
        most = np.max(
            [np.outer(1 / p, c) for p, c in zip(points.T, technology.columns.T, strict=True)],
            axis=0,
        )
        self._size = np.hstack([1 / most, points])
        if form.variable:
            total = np.append(1.0 / technology.size, np.zeros(d))
            self._balance = np.vstack([self._balance, total])
            self._right = np.column_stack([points, np.ones(len(points))])
        self._program = self._build()

    def _build(self) -> Program:
        rows, columns = self._balance.shape
        matrix = np.zeros((rows + 1, columns + 1))
        matrix[1:, :-1] = self._balance
        right = np.append(1.0, np.zeros(rows))
        upper = np.full(columns + 1, np.inf)
        upper[self._held] = 0.0
        self._matrix = matrix
        return Program(matrix, np.append(np.zeros(columns), 1.0), right, right, 0.0, upper)

    def solve(self, point: int) -> tuple[float, np.ndarray]:
        """Return the score of a point (NaN without a solution), its intensities and slacks."""
        self._matrix[:, -1] = np.append(1.0, -self._right[point])
        self._matrix[0, self._scored] = self._bottom[point, self._scored]
        self._program.set_cost(self._inputs, self._top[point, self._inputs])
        for column in (*self._scored, self._n + self._d):
            self._program.set_column(column, self._matrix[:, column])
        try:
            status = self._program.solve()
        except EstimationError:
            status = "unknown"
        solution = self._program.primal()
        if status != "optimal" or solution[-1] <= 0:
            return np.nan, np.zeros(self._n + self._d)
        return self._program.value, solution[:-1] / solution[-1]

    def basis(self) -> np.ndarray | None:
        """Return the basic columns other than t, or None if they cannot serve others."""
        basis = self._program.basis()
        columns = basis[basis != self._n + self._d]
        usable = len(columns) == len(self._balance) and (columns >= 0).all()
        if not usable or np.isin(columns, self._held).any():
            return None
        return columns if np.linalg.cond(self._balance[:, columns]) < _CONDITION else None

    def settle(
        self, columns: np.ndarray, points: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return which points a basis is optimal for, their basic values and their scores."""
        inverse = np.linalg.inv(self._balance[:, columns])
        values = self._right[points] @ inverse.T
        settled = (values >= -_ROUNDING * self._size[np.ix_(points, columns)]).all(axis=1)
        points, values = points[settled], values[settled]
        at = np.ix_(points, columns)
        rho = (1.0 + (self._top[at] * values).sum(axis=1)) / (
            1.0 + (self._bottom[at] * values).sum(axis=1)
        )
        cost = self._top[points] - rho[:, None] * self._bottom[points]
        prices = cost[:, columns] @ inverse
        reduced = cost - prices @ self._balance
        reduced[:, self._held] = 0.0
        least = (reduced >= -_ROUNDING).all(axis=1)
        settled[settled] = least
        return settled, np.maximum(values[least], 0.0), rho[least]


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
