"""Data envelopment analysis: its linear programs, efficiency, and Malmquist indices over time.

Programs are built once, changed and solved again by HiGHS, which runs quietly on one thread with
tolerances of 1e-10 and without presolve (which would throw the basis away), so results depend
neither on the number of cores nor on what ran before in another program. Rows should be scaled to
about 1: HiGHS takes coefficients below 1e-9 for zero.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import pandas as pd

from nqpf.checks import _Names, choose, distinct
from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.sample import _balanced, _by_key, _check_gaps, _check_positive, _check_several, _place

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
        expected = "figures whose ratios differ less than a million times"
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


_RETURNS = ("crs", "vrs")


def efficiency(
    frame: pd.DataFrame, inputs: _Names, outputs: _Names, unit: str, returns: str = "crs"
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
    _check_gaps(sample.frame.index, "the frame")
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
