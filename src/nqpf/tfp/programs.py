"""Samples and linear programs of frontier analysis: built once, changed, solved again by HiGHS.

HiGHS runs quietly on one thread with tolerances of 1e-10 and without presolve (which would throw
the basis away), so results depend neither on the number of cores nor on what ran before in another
program. Rows should be scaled to about 1: HiGHS takes coefficients below 1e-9 for zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import pandas as pd

from nqpf.checks import distinct
from nqpf.errors import EstimationError, SampleError
from nqpf.sample import _balanced, _by_key, _check_positive, _check_several, _place

# A basis serves a unit when its solution is non-negative up to rounding. Data are scaled to about
# 1, so this is far above rounding and far below any difference in a score that could be printed.
_ROUNDING = 1e-11
_CONDITION = 1e8  # of a basis that may serve more than the unit it was found for


@dataclass(frozen=True)
class _Activities:
    """Amounts of units, one row per unit (and period), sorted by key.

    Attributes
    ----------
    frame : DataFrame
        Columns are inputs, then good, then bad outputs.
    inputs, good : int
        How many columns are inputs and good outputs.
    """

    frame: pd.DataFrame
    inputs: int
    good: int

    @classmethod
    def read(
        cls,
        frame: pd.DataFrame,
        inputs: Sequence[str] | str,
        good: Sequence[str] | str,
        bad: Sequence[str] | str,
        unit: str,
        time: str | None,
        zeros: bool = False,
    ) -> _Activities:
        """Return the checked sample; with `zeros` a good output may be zero, but not all of them.

        Raises
        ------
        nqpf.errors.MethodError
            If a column is missing its role or has two.
        nqpf.errors.DataError
            If a name is unknown or an amount cannot be used.
        nqpf.errors.SampleError
            If an amount is missing, a key doubled, or there is one unit only.
        """
        x, y = distinct("inputs", inputs), distinct("good outputs", good)
        columns = [*x, *y, *distinct("bad outputs", bad, least=0)]
        distinct("inputs, outputs and key", [*columns, unit, *([] if time is None else [time])])
        # A period that is the same everywhere lets one check serve both kinds of sample.
        single = frame.assign(period=0) if time is None else frame
        keyed = _by_key(single, columns, unit, time or "period", "the frame")
        for name in columns:
            amounts = keyed[name]
            free = zeros and name in y  # only what is negative is refused
            wanted = "no negative output" if free else "a positive amount"
            _check_positive(amounts[amounts < 0] if free else amounts, name, wanted)
        largest = keyed[y].max(axis=1)
        _check_positive(largest, "the largest output", "a unit that produces something")
        _check_several(keyed.index, "one is its own frontier")
        return cls(keyed.droplevel("period") if time is None else keyed, len(x), len(y))

    @property
    def values(self) -> np.ndarray:
        """Amounts, (N, columns)."""
        return self.frame.to_numpy()

    @property
    def periods(self) -> list[object]:
        """Periods in order."""
        return sorted(self.frame.index.get_level_values(1).unique())

    def rows(self, period: object) -> np.ndarray:
        """Return the positions of the rows of a period."""
        return np.flatnonzero(self.frame.index.get_level_values(1) == period)

    def balanced(self) -> _Activities:
        """Return the sample, refused unless it has two periods and every unit has them all."""
        if len(self.periods) < 2:
            where = {str(self.frame.index.names[1]): self.periods[0]}
            raise SampleError("one period shows no change", where=where, expected="two or more")
        _balanced(self.frame.iloc[:, 0])
        return self


def _check_own(scores: pd.Series) -> pd.Series:
    """Return scores against frontiers to which units belong themselves: only rounding loses one."""
    lost = scores.index[scores.isna()]
    if len(lost):
        problem = "HiGHS finds no score against the unit's own frontier"
        where = _place(lost[0] if scores.index.nlevels > 1 else (lost[0],), scores.index.names)
        expected = "figures whose ratios differ less than 1e9 times"
        hint = "look for a wrong unit of measure, here or in another row"
        raise EstimationError(problem, where=where, expected=expected, hint=hint)
    return scores


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
_STATUS = highspy.HighsModelStatus
_ENDED = (_STATUS.kOptimal, _STATUS.kInfeasible, _STATUS.kUnbounded)


class _Quiet(highspy.Highs):
    """HiGHS without its banner, which its constructor prints before options can be set."""

    def enableCallbacks(self) -> None:  # noqa: N802 (a name of highspy)
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()


class _Program:
    """Optimise ``cost @ x`` s.t. ``matrix @ x = right`` and bounds on x, again after changes.

    Between two calls of :meth:`solve` the caller changes costs, row bounds or whole columns, and
    HiGHS starts from the basis it ended with.

    Parameters
    ----------
    matrix : array (k, n)
        Coefficients of k rows and n variables.
    cost, lower, upper : array (n,)
        Coefficients of the objective and bounds of the variables.
    right : array (k,)
        Right-hand side, until :meth:`set_rows` gives the rows other bounds.
    maximise : bool
        Direction of the objective.

    Examples
    --------
    >>> one, two = np.array([0.0, 0.0]), np.array([np.inf, np.inf])
    >>> program = _Program(np.array([[1.0, 2.0]]), [1, 1], one, two, [4.0], True)
    >>> program.solve(), program.value
    (True, 4.0)
    >>> program.set_rows([-np.inf], [6.0])
    >>> program.solve(), program.value
    (True, 6.0)
    """

    def __init__(
        self,
        matrix: np.ndarray,
        cost: np.ndarray,
        lower: np.ndarray,
        upper: np.ndarray,
        right: np.ndarray,
        maximise: bool = False,
    ) -> None:
        rows, columns = matrix.shape
        model = highspy.HighsLp()
        model.num_row_, model.num_col_ = rows, columns
        model.sense_ = highspy.ObjSense.kMaximize if maximise else highspy.ObjSense.kMinimize
        model.col_cost_, model.col_lower_, model.col_upper_ = cost, lower, upper
        model.row_lower_ = model.row_upper_ = right
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
        self._highs.changeColsCost(len(columns), columns.astype(np.int32), values)

    def set_rows(self, lower: np.ndarray, upper: np.ndarray) -> None:
        """Change the bounds of the rows."""
        rows, bounds = np.arange(len(lower), dtype=np.int32), np.array([lower, upper], float)
        self._highs.changeRowsBounds(len(rows), rows, *bounds)

    def set_column(self, column: int, values: np.ndarray) -> None:
        """Change all coefficients of one variable; `values` has one per row."""
        for row, value in enumerate(values.tolist()):
            self._highs.changeCoeff(row, column, value)

    def solve(self) -> bool:
        """Solve from the last basis and return whether there is an optimum.

        Raises
        ------
        nqpf.errors.EstimationError
            If HiGHS cannot tell, even without the last basis.
        """
        self._highs.run()
        if self._highs.getModelStatus() not in _ENDED:
            self._highs.clearSolver()  # a poor starting basis can stop it,
            self._highs.setOptionValue("simplex_strategy", _PRIMAL)  # and so can very large prices
            self._highs.run()
            self._highs.setOptionValue("simplex_strategy", _DUAL)
        status = self._highs.getModelStatus()
        if status not in _ENDED:
            problem = f"HiGHS stopped with {self._highs.modelStatusToString(status)!r}"
            hint = "look for figures of very different size"
            raise EstimationError(problem, expected="an optimal or infeasible program", hint=hint)
        return status == _STATUS.kOptimal

    @property
    def value(self) -> float:
        """Value of the objective at the optimum."""
        return self._highs.getInfo().objective_function_value

    def primal(self) -> np.ndarray:
        """Return the optimal variables, (n,)."""
        return np.array(self._highs.getSolution().col_value)

    def basis(self) -> np.ndarray:
        """Return the k basic variables: a column j as j, a slack of row i as -1 - i."""
        return np.asarray(self._highs.getBasicVariables()[1])


def _furthest(
    reference: np.ndarray, direction: np.ndarray, target: np.ndarray, equal: Sequence[int] = ()
) -> np.ndarray:
    """Solve ``max t`` s.t. ``reference @ z + t d_p <= b_p``, ``z >= 0`` for many units p.

    Parameters
    ----------
    reference : array (k, n)
        Columns that span the technology.
    direction, target : array (P, k)
        d_p, the column of t, and b_p, the right-hand side.
    equal : sequence of int
        Rows that hold with equality.

    Returns
    -------
    array (P,)
        Largest t; NaN where there is none.

    Notes
    -----
    HiGHS solves the first unit that is not settled; its optimal basis then settles, exactly, every
    other unit for which it is optimal too. The dual prices w of a basis satisfy w >= 0 and
    ``w @ reference >= 0`` whichever unit it came from, so ``t <= w @ b_p / w @ d_p`` for every unit
    with w @ d_p > 0; where the basis also gives z >= 0, the bound is attained.

    Examples
    --------
    >>> # outputs 2 and 1 from input 1: the second unit could double its output
    >>> reference = np.array([[1.0, 1.0], [-2.0, -1.0]])
    >>> _furthest(reference, np.array([[0, 2.0], [0, 1.0]]), np.array([[1.0, 0], [1.0, 0]]))
    array([1., 2.])
    """
    # Columns may be multiplied by any positive number; so may a unit's target, if t
    # is divided by it, and its direction. All of that keeps the program well scaled.
    reference = reference / np.abs(reference).max(axis=0)
    length, height = (_largest(np.abs(vectors).max(axis=1)) for vectors in (direction, target))
    direction, target = direction / length[:, None], target / height[:, None]
    units, rows = target.shape
    columns = reference.shape[1]
    tied = np.zeros(rows, dtype=bool)
    tied[list(equal)] = True
    program = _Program(
        np.hstack([reference, np.ones((rows, 1))]),
        np.append(np.zeros(columns), 1.0),
        np.append(np.zeros(columns), -np.inf),
        np.full(columns + 1, np.inf),
        np.zeros(rows),
        maximise=True,
    )
    value, left = np.full(units, np.nan), np.arange(units)
    while len(left):
        unit = left[0]
        program.set_rows(np.where(tied, target[unit], -np.inf), target[unit])
        program.set_column(columns, direction[unit])
        settled = np.arange(len(left)) == 0
        if program.solve():
            value[unit] = program.value
            facet = _facet(program.basis(), reference, tied, direction[unit])
            if facet is not None:
                prices, solver = facet
                slope, level = direction[left] @ prices, target[left] @ prices
                bound = np.full(len(left), np.nan)
                np.divide(level, slope, out=bound, where=slope > _ROUNDING)
                rest = target[left] - bound[:, None] * direction[left]
                settled |= np.isfinite(bound) & (rest @ solver.T >= -_ROUNDING).all(axis=1)
                value[left[settled]] = bound[settled]
        left = left[~settled]
    return value * (height / length)


def _largest(sizes: np.ndarray) -> np.ndarray:
    return np.where(sizes > 0, sizes, 1.0)


def _facet(
    basis: np.ndarray, reference: np.ndarray, tied: np.ndarray, direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return prices of a basis' facet and what solves for the rest, None if rounding spoils it."""
    rows, columns = reference.shape
    others = basis[basis != columns]
    if len(others) != rows - 1:
        return None
    slacks = np.eye(rows)
    spanned = [reference[:, j] if j >= 0 else slacks[:, -1 - j] for j in others]
    square = np.column_stack([*spanned, direction])
    if np.linalg.cond(square) > _CONDITION:
        return None
    inverse = np.linalg.inv(square)
    prices = inverse[-1] / np.abs(inverse[-1]).max()
    sound = (prices[~tied] >= -_ROUNDING).all() and (prices @ reference >= -_ROUNDING).all()
    if not sound or any(j < 0 and tied[-1 - j] for j in others):
        return None
    return prices, np.linalg.pinv(square[:, :-1])
