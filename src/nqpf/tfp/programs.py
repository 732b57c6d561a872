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

from collections.abc import Sequence
from dataclasses import dataclass, replace

import highspy
import numpy as np
import pandas as pd

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.sample import by_key, check_finite, check_positive, nearest, place

__all__ = [
    "Activities",
    "Envelope",
    "Facet",
    "Form",
    "Furthest",
    "Program",
    "Projections",
    "check_option",
    "check_own",
    "check_quantities",
    "columns_of",
    "distances",
    "envelope",
    "facet_of",
    "furthest",
    "projections",
    "radial_scores",
    "read",
]

# A basis settles a unit when its solution is non-negative up to rounding. Data
# are scaled to at most 1, so this is far above rounding and far below any
# difference in a score that could be printed.
ROUNDING = 1e-11


@dataclass(frozen=True)
class Facet:
    """The k - 1 columns of a basis without t, and the prices that are orthogonal to them."""

    prices: np.ndarray
    solver: np.ndarray

    def bound(self, direction: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return (N,) bounds on the step along `direction` that the prices give."""
        slope = direction @ self.prices
        level = target @ self.prices
        return np.divide(level, slope, out=np.full(len(slope), np.nan), where=slope > ROUNDING)

    def attains(self, bound: np.ndarray, direction: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return (N,) whether the facet holds the point that `bound` reaches."""
        rest = target - bound[:, None] * direction
        return np.isfinite(bound) & (rest @ self.solver.T >= -ROUNDING).all(axis=1)


def facet_of(
    basis: np.ndarray, reference: np.ndarray, tied: np.ndarray, direction: np.ndarray
) -> Facet | None:
    """Return the facet of an optimal basis, or None if t is not basic or rounding spoils it."""
    rows, columns = reference.shape
    others = basis[basis != columns]
    if len(others) != rows - 1:
        return None
    slacks = np.eye(rows)
    spanned = [reference[:, j] if j >= 0 else slacks[:, -1 - j] for j in others]
    square = np.column_stack([*spanned, direction])
    if np.linalg.cond(square) > 1e8:
        return None
    inverse = np.linalg.inv(square)
    prices = inverse[-1] / np.abs(inverse[-1]).max()
    sound = (prices[~tied] >= -ROUNDING).all() and (prices @ reference >= -ROUNDING).all()
    basic_tied = any(j < 0 and tied[-1 - j] for j in others)
    if not sound or basic_tied:
        return None
    return Facet(prices, np.linalg.pinv(square[:, :-1]))


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
    input_unit, output_unit = _largest_radial(reference_inputs), _largest_radial(reference_outputs)
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


def _largest_radial(quantities: np.ndarray) -> np.ndarray:
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
