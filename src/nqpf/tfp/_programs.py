"""Linear programs of frontier analysis: built once, changed, solved again by HiGHS.

Two layers, both of them without units or years (callers keep the labels):

`Program`
    One linear program, optimise ``cost @ x`` subject to
    ``row_lower <= matrix @ x <= row_upper`` and ``col_lower <= x <= col_upper``.
    It is built once. Between two calls of :meth:`Program.solve` the caller
    changes costs, row bounds or whole columns, and HiGHS starts from the basis
    it ended with. ``solve`` returns ``"optimal"``, ``"infeasible"`` or
    ``"unbounded"``; anything else is an error. ``value``, ``primal()``,
    ``duals()`` and ``basis()`` then describe the optimum.

`furthest`
    The radial and directional problems of many units against one reference:
    ``max t`` subject to ``reference @ z + t d_p <= b_p`` (rows in `equal`: ``=``),
    ``z >= 0``, for units p = 1..P. HiGHS solves the first unit that is not settled; the
    optimal basis then settles, exactly, every other unit for which it is optimal too.

HiGHS runs quietly on one thread with tolerances of 1e-10 and without presolve
(which would throw the basis away), so results depend neither on the number of
cores nor on what ran before in another program. Callers should scale rows to
about 1: HiGHS takes coefficients below 1e-9 for zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np

from nqpf.errors import EstimationError
from nqpf.tfp._facets import facet_of

__all__ = ["Furthest", "Program", "furthest"]

_DUAL, _PRIMAL = 1, 4  # HiGHS's numbers of its simplex strategies
_OPTIONS = {
    "threads": 1,
    "parallel": "off",
    "presolve": "off",
    "solver": "simplex",
    "simplex_strategy": _DUAL,
    "primal_feasibility_tolerance": 1e-10,
    "dual_feasibility_tolerance": 1e-10,
}
_STATUS = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnbounded: "unbounded",
}


class _Quiet(highspy.Highs):
    """HiGHS without its banner, which its constructor prints before options can be set."""

    def enableCallbacks(self) -> None:  # noqa: N802 (a name of highspy)
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()


class Program:
    """A linear program that is built once and solved again after changes.

    Parameters
    ----------
    matrix : array (k, n)
        Coefficients of k rows and n variables.
    cost : array (n,)
        Coefficients of the objective.
    row_lower, row_upper : array (k,)
        Bounds of the rows; equal for an equation, infinite for none.
    col_lower, col_upper : array (n,) or float
        Bounds of the variables.
    maximise : bool
        Direction of the objective.

    Examples
    --------
    >>> program = Program([[1.0, 2.0]], [1.0, 1.0], [-np.inf], [4.0], maximise=True)
    >>> program.solve(), program.value
    ('optimal', 4.0)
    >>> program.set_rows([0], [-np.inf], [6.0])
    >>> program.solve(), program.value
    ('optimal', 6.0)
    """

    def __init__(
        self,
        matrix: np.ndarray,
        cost: np.ndarray,
        row_lower: np.ndarray,
        row_upper: np.ndarray,
        col_lower: np.ndarray | float = 0.0,
        col_upper: np.ndarray | float = np.inf,
        maximise: bool = False,
    ) -> None:
        matrix = np.asarray(matrix, dtype=float)
        self.shape = rows, columns = matrix.shape
        model = highspy.HighsLp()
        model.num_row_, model.num_col_ = rows, columns
        model.sense_ = highspy.ObjSense.kMaximize if maximise else highspy.ObjSense.kMinimize
        model.col_cost_ = np.asarray(cost, dtype=float)
        model.col_lower_ = np.broadcast_to(np.asarray(col_lower, dtype=float), columns).copy()
        model.col_upper_ = np.broadcast_to(np.asarray(col_upper, dtype=float), columns).copy()
        model.row_lower_ = np.asarray(row_lower, dtype=float)
        model.row_upper_ = np.asarray(row_upper, dtype=float)
        column, row = np.nonzero(matrix.T)
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = np.searchsorted(column, np.arange(columns + 1))
        model.a_matrix_.index_ = row
        model.a_matrix_.value_ = matrix.T[column, row]
        self._highs = _Quiet()
        for name, value in _OPTIONS.items():
            self._highs.setOptionValue(name, value)
        if self._highs.passModel(model) == highspy.HighsStatus.kError:
            raise EstimationError("HiGHS refused a linear program", expected="finite coefficients")

    def set_cost(self, columns: np.ndarray, values: np.ndarray) -> None:
        """Change the objective's coefficients of some variables."""
        self._highs.changeColsCost(
            len(columns), np.asarray(columns, np.int32), np.asarray(values, float)
        )

    def set_rows(self, rows: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> None:
        """Change the bounds of some rows."""
        self._highs.changeRowsBounds(
            len(rows),
            np.asarray(rows, np.int32),
            np.asarray(lower, float),
            np.asarray(upper, float),
        )

    def set_column(self, column: int, values: np.ndarray) -> None:
        """Change all coefficients of one variable; `values` has one per row."""
        for row, value in enumerate(np.asarray(values, float).tolist()):
            self._highs.changeCoeff(row, column, value)

    def solve(self) -> str:
        """Solve from the last basis and return the status.

        Returns
        -------
        {"optimal", "infeasible", "unbounded"}

        Raises
        ------
        nqpf.errors.EstimationError
            If HiGHS ends otherwise, even without the last basis.
        """
        self._highs.run()
        if self._highs.getModelStatus() not in _STATUS:
            self._highs.clearSolver()  # a poor starting basis can stop it,
            self._highs.setOptionValue("simplex_strategy", _PRIMAL)  # and so can very large prices
            self._highs.run()
            self._highs.setOptionValue("simplex_strategy", _DUAL)
        status = self._highs.getModelStatus()
        if status not in _STATUS:
            raise EstimationError(
                f"HiGHS stopped with {self._highs.modelStatusToString(status)!r}",
                expected="an optimal or infeasible program",
                hint="look for figures of very different size",
            )
        return _STATUS[status]

    @property
    def value(self) -> float:
        """Value of the objective at the optimum."""
        return self._highs.getInfo().objective_function_value

    def primal(self) -> np.ndarray:
        """Return the optimal variables, (n,)."""
        return np.array(self._highs.getSolution().col_value)

    def duals(self) -> np.ndarray:
        """Return the marginal values of the rows, (k,)."""
        return np.array(self._highs.getSolution().row_dual)

    def basis(self) -> np.ndarray:
        """Return the k basic variables: a column j as j, a slack of row i as -1 - i."""
        return np.asarray(self._highs.getBasicVariables()[1])


@dataclass(frozen=True)
class Furthest:
    """Solutions of :func:`furthest`.

    Attributes
    ----------
    value : array (P,)
        Largest t; NaN where there is none.
    status : array (P,) of str
        ``"optimal"``, ``"infeasible"`` or ``"unbounded"``.
    solved : int
        Programs that went to HiGHS; the other units were settled by a basis found before.
    """

    value: np.ndarray
    status: np.ndarray
    solved: int


def furthest(
    reference: np.ndarray,
    direction: np.ndarray,
    target: np.ndarray,
    equal: np.ndarray | tuple[int, ...] = (),
) -> Furthest:
    """Solve ``max t`` s.t. ``reference @ z + t d_p <= b_p``, ``z >= 0`` for many units p.

    Parameters
    ----------
    reference : array (k, n)
        Columns that span the technology.
    direction : array (P, k)
        d_p, the column of t.
    target : array (P, k)
        b_p, the right-hand side.
    equal : sequence of int
        Rows that hold with equality.

    Returns
    -------
    Furthest

    Notes
    -----
    With d_p and b_p apart, units share the program. The dual prices w of an optimal
    basis satisfy w >= 0 and ``w @ reference >= 0`` whichever unit it came
    from, so ``t <= w @ b_p / w @ d_p`` for every unit with w @ d_p > 0; where
    the basis also gives z >= 0, the bound is attained and the unit is settled.

    Examples
    --------
    >>> # outputs 2 and 1 from input 1: the second unit could double its output
    >>> found = furthest([[1.0, 1.0], [-2.0, -1.0]], [[0, 2.0], [0, 1.0]], [[1.0, 0], [1.0, 0]])
    >>> found.value.tolist(), found.solved
    ([1.0, 2.0], 1)
    """
    reference, direction, target = (np.asarray(a, float) for a in (reference, direction, target))
    # Columns may be multiplied by any positive number; so may a unit's target, if t
    # is divided by it, and its direction. All of that keeps the program well scaled.
    reference = reference / np.abs(reference).max(axis=0)
    length, height = (_largest(vectors) for vectors in (direction, target))
    direction, target = direction / length[:, None], target / height[:, None]
    units, rows = target.shape
    tied = np.zeros(rows, dtype=bool)
    tied[list(equal)] = True
    program = _program(reference, tied)
    value = np.full(units, np.nan)
    status = np.full(units, "", dtype="<U10")
    left, solved = np.arange(units), 0
    while len(left):
        unit, left, solved = left[0], left[1:], solved + 1
        program.set_rows(range(rows), np.where(tied, target[unit], -np.inf), target[unit])
        program.set_column(reference.shape[1], direction[unit])
        status[unit] = program.solve()
        if status[unit] != "optimal":
            continue
        value[unit] = program.value
        facet = facet_of(program.basis(), reference, tied, direction[unit])
        if facet is None:
            continue
        value[unit] = facet.bound(direction[[unit]], target[[unit]])[0]
        bound = facet.bound(direction[left], target[left])
        settled = facet.attains(bound, direction[left], target[left])
        value[left[settled]], status[left[settled]] = bound[settled], "optimal"
        left = left[~settled]
    return Furthest(value * (height / length), status, solved)


def _largest(vectors: np.ndarray) -> np.ndarray:
    largest = np.abs(vectors).max(axis=1)
    return np.where(largest > 0, largest, 1.0)


def _program(reference: np.ndarray, tied: np.ndarray) -> Program:
    rows, columns = reference.shape
    return Program(
        np.hstack([reference, np.ones((rows, 1))]),
        np.append(np.zeros(columns), 1.0),
        np.where(tied, 0.0, -np.inf),
        np.zeros(rows),
        col_lower=np.append(np.zeros(columns), -np.inf),
        maximise=True,
    )
