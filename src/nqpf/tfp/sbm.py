"""Slacks-based and directional efficiency with bad outputs, and indices of productivity."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nqpf.checks import choose
from nqpf.errors import EstimationError
from nqpf.sample import _place
from nqpf.tfp.dea import _CONDITION, _ROUNDING, _Activities, _check_own, _furthest, _Program

_EFFICIENT = 1e-8  # how far below 1 rounding may leave the score of an efficient unit


@dataclass(frozen=True)
class _Technology:
    """Columns that span a technology of constant returns.

    Attributes
    ----------
    columns : array (n, variables)
        Points in units of `scale`, of length 1 in logarithms.
    scale : array (variables,)
        Geometric means of the variables, so that programs have figures near 1.
    inputs, good : int
        How many variables are inputs and good outputs.
    weak : bool
        Whether bad outputs fall only together with activity.
    """

    columns: np.ndarray
    scale: np.ndarray
    inputs: int
    good: int
    weak: bool

    @classmethod
    def spanned(cls, sample: _Activities, rows: np.ndarray, weak: bool) -> _Technology:
        """Return the technology that some rows of a sample span."""
        values, m, g = sample.values[rows], sample.inputs, sample.good
        scale = np.exp(np.log(values).mean(axis=0))
        form = cls(values, scale, m, g, weak and values.shape[1] > m + g)
        return replace(form, columns=form.sized(values)[0])

    def sized(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return points in the technology's units, and what they were divided by."""
        points = points / self.scale
        size = np.exp(np.log(points).mean(axis=1))[:, None]
        return points / size, size

    def distances(self, points: np.ndarray) -> np.ndarray:
        """Return the directional distances of points (P, variables); NaN where there is none.

        max b such that (1 + b) good outputs can be made with (1 - b) bad outputs and
        no more input. At b = -1 activity could shrink further, so 1 + b is positive.
        """
        sized, _ = self.sized(points)
        bad = self.inputs + self.good
        sign = np.ones(sized.shape[1])
        sign[self.inputs : bad] = -1.0
        direction = sized.copy()
        direction[:, : self.inputs] = 0.0
        equal = range(bad, len(sign)) if self.weak else ()
        return _furthest(self.columns.T * sign[:, None], direction, sized * sign, equal)

    def projections(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return rho (P,) and slacks (P, variables) of points that it spans.

        Tone's fractional program is made linear by Charnes and Cooper (1962): with
        t = 1 / denominator, minimise t - (1/m) sum S-/x subject to
        t + (1/s) (sum Sg/yg + sum Sb/yb) = 1 and t point = columns L +- S.
        One program serves all points: only column t, the first row and costs change.
        The basis it ends with settles every other point for which it is optimal too.
        A program without a solution leaves a score of NaN.
        """
        sized, size = self.sized(points)
        problem = _Slacks(self, sized)
        n, d = self.columns.shape
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
            settled[0] = True
            left = left[~settled]
        return rho, np.where(solution[:, n:] > 0, solution[:, n:], 0.0) * self.scale * size

    def beyond(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Return delta of a point that it need not span, and slacks below zero (variables,).

        The program of :meth:`projections` with slacks the other way round: what inputs and bad
        outputs would have to rise, and good outputs to fall, until the technology reaches the
        point. Minimise t + (1/m) sum S-/x subject to t - (1/s) (sum Sg/yg + sum Sb/yb) = 1 and
        columns L <= t point + S for inputs, >= t point - S for good outputs. All figures are
        shares of the point's own. NaN where there is no solution.
        """
        (n, d), m, g = self.columns.shape, self.inputs, self.good
        by_role = [m, g, d - m - g]
        part = 1.0 / (g if self.weak else d - m)
        rise, sign = (np.repeat(one, by_role) for one in ([1.0 / m, 0, 0], [1.0, -1.0, 1.0]))
        fall = np.repeat([0.0, -part, 0.0 if self.weak else -part], by_role)
        held = np.repeat([False, False, self.weak], by_role)  # bad outputs without a slack
        shares = self.columns * self.scale / point
        spanned = (shares / shares.max(axis=1)[:, None] * sign).T
        first, rest = [np.zeros(n), fall, 1.0], np.column_stack([spanned, -np.eye(d), -sign])
        upper = np.hstack([np.full(n, np.inf), np.where(held, 0.0, np.inf), np.inf])
        cost, right = np.hstack([np.zeros(n), rise, 1.0]), np.append(1.0, np.zeros(d))
        matrix = np.vstack([np.hstack(first), rest])
        program = _Program(matrix, cost, np.zeros(n + d + 1), upper, right)
        program.set_rows(np.append(1.0, np.where(held, 0.0, -np.inf)), right)
        if not program.solve():
            return np.nan, np.full(d, np.nan)
        found = program.primal()
        return max(program.value, 1.0), -found[n:-1] / found[-1] * point


class _Slacks:
    """The program of all points, and the test that one basis is optimal for others.

    Apart from t, a basis has as many columns of intensities and slacks as there
    are balances, the same for every point: it gives values z >= 0 or not, and a ratio
    rho = numerator / denominator, which is least if no column of reduced cost
    numerator - rho denominator is negative.
    """

    def __init__(self, technology: _Technology, points: np.ndarray) -> None:
        n, d = technology.columns.shape
        m, g = technology.inputs, technology.good
        scored = slice(m, m + g) if technology.weak else slice(m, d)
        self._t = n + d
        self._scored, self._inputs = n + np.arange(d)[scored], n + np.arange(m)
        self._held = np.arange(n + scored.stop, n + d)  # bad outputs without a slack
        self._top, self._bottom = np.zeros((2, len(points), n + d))
        self._top[:, self._inputs] = -1.0 / (m * points[:, :m])
        self._bottom[:, self._scored] = (1.0 / len(self._scored)) / points[:, scored]
        sign = np.ones(d)
        sign[m : m + g] = -1.0
        self._balance, self._right = np.hstack([technology.columns.T, np.diag(sign)]), points
        # Largest ratio of a column's figures to a point's: what an intensity of 1 may weigh.
        pairs = zip(points.T, technology.columns.T, strict=True)
        self._size = np.hstack([1 / np.max([np.outer(1 / p, c) for p, c in pairs], axis=0), points])
        self._matrix = np.zeros((d + 1, n + d + 1))
        self._matrix[1:, :-1] = self._balance
        right, upper = np.append(1.0, np.zeros(d)), np.full(n + d + 1, np.inf)
        upper[self._held] = 0.0
        cost = np.append(np.zeros(n + d), 1.0)
        self._program = _Program(self._matrix, cost, np.zeros(n + d + 1), upper, right)

    def solve(self, point: int) -> tuple[float, np.ndarray]:
        """Return the score of a point (NaN without a solution), its intensities and slacks."""
        self._matrix[:, -1] = np.append(1.0, -self._right[point])
        self._matrix[0, self._scored] = self._bottom[point, self._scored]
        self._program.set_cost(self._inputs, self._top[point, self._inputs])
        for column in (*self._scored, self._t):
            self._program.set_column(column, self._matrix[:, column])
        try:
            optimal = self._program.solve()
        except EstimationError:
            optimal = False
        solution = self._program.primal()
        if not optimal or solution[-1] <= 0:
            return np.nan, np.zeros(self._t)
        return self._program.value, solution[:-1] / solution[-1]

    def basis(self) -> np.ndarray | None:
        """Return the basic columns other than t, or None if they cannot serve others."""
        basis = self._program.basis()
        columns = basis[basis != self._t]
        usable = len(columns) == len(self._balance) and (columns >= 0).all()
        if not usable or np.isin(columns, self._held).any():
            return None
        return columns if np.linalg.cond(self._balance[:, columns]) < _CONDITION else None

    def settle(self, columns: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return which points a basis is optimal for, their basic values and their scores."""
        inverse = np.linalg.inv(self._balance[:, columns])
        values = self._right[points] @ inverse.T
        # Values are compared with the point's own figures, which may be small.
        settled = (values >= -_ROUNDING * self._size[np.ix_(points, columns)]).all(axis=1)
        points, values = points[settled], values[settled]
        at = np.ix_(points, columns)
        above, below = (1.0 + (side[at] * values).sum(axis=1) for side in (self._top, self._bottom))
        rho = above / below
        cost = self._top[points] - rho[:, None] * self._bottom[points]
        reduced = cost - cost[:, columns] @ inverse @ self._balance
        reduced[:, self._held] = 0.0
        least = (reduced >= -_ROUNDING).all(axis=1)
        settled[settled] = least
        return settled, np.maximum(values[least], 0.0), rho[least]


@dataclass(frozen=True)
class _Projections:
    """Slacks-based efficiency.

    Attributes
    ----------
    rho : Series by unit (and period)
        Efficiency in (0, 1]; 1 without any slack. With super-efficiency 1 or more there, and
        NaN where its program has no solution.
    slacks : DataFrame by unit (and period)
        Input and bad output in excess, good output in shortfall, in the units of the
        data. Where several projections score the same, one of them. With super-efficiency
        efficient rows have slacks of zero or less: what they could lose.
    """

    rho: pd.Series
    slacks: pd.DataFrame

    @property
    def infeasible(self) -> list[object]:
        """Keys of efficient rows that no activity of the others reaches."""
        return self.rho.index[self.rho.isna()].tolist()


def slacks(
    frame: pd.DataFrame,
    inputs: Sequence[str] | str,
    good: Sequence[str] | str,
    bad: Sequence[str] | str = (),
    unit: str = "province",
    time: str | None = None,
    disposability: str = "strong",
    super_efficiency: bool = False,
) -> _Projections:
    """Measure efficiency by slacks, not oriented (Tone 2001; with bad outputs Tone 2004).

    rho = min (1 - mean_i s_i / x_i) / (1 + mean_r s_r / y_r), where s_i are the
    excesses of the m inputs, and s_r the shortfalls of good and the excesses of bad
    outputs, against some activity of the technology that all rows span at constant returns.

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
    disposability : {"strong", "weak"}
        Strong: bad outputs have slacks like inputs. Weak: they are held at
        what is observed, and slacks of inputs and good outputs alone are scored.
    super_efficiency : bool
        Score each efficient row against the technology of all other rows (Tone 2002), so that
        efficient ones are ranked too; other periods of the same unit stay in.

    Returns
    -------
    result
        ``rho`` and ``slacks``; with super-efficiency ``infeasible``, the keys without a score.

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

    Warns
    -----
    UserWarning
        If efficient rows have no super-efficiency; counts them and names the first.

    Notes
    -----
    A slack of a bad output ends at some activity exactly, so with Tone's formula a bad output that
    may not be thrown away would score the same: "weak" holds it where it is instead, as the
    equation of Fare, Grosskopf and others does. Weak scores average fewer slacks and are never
    comparable with strong ones.

    Super-efficiency is delta = min (1 + mean_i s_i / x_i) / (1 - mean_r s_r / y_r), where inputs
    may rise and outputs fall by s until the others reach the row (Tone 2002, European Journal of
    Operational Research 143, 32-41). Tone has no bad outputs, and papers put them in differently.
    Here their rise is a slack of the denominator, as in the score above (Tone 2004), so that
    producing nothing is a comparison as well: with g good and h bad outputs, strong, no score
    exceeds 1 + g / h. Constant returns leave a solution always, except where two or more bad
    outputs are weakly disposable. An inefficient row may be what is left to compare with, so that
    who is in the sample matters more than for efficiency. Scores jump between a row just short of
    efficient and one just beyond (Chen 2013, ibid. 226, 258-267): they rank, but distances across
    1 mean little.

    Examples
    --------
    Plants A and C are efficient; B makes less than A from the same, and pollutes more.

    >>> frame = pd.DataFrame({"x": [1, 1, 1], "y": [4, 2, 1], "b": [2, 3, 0.25]}, index=list("ABC"))
    >>> frame.index.name = "plant"
    >>> slacks(frame, "x", "y", "b", unit="plant").rho.round(4).tolist()
    [1.0, 0.375, 1.0]

    An eighth of A pollutes as much as C and makes half as much: C scores 1 / (1 - 0.5 / 2).

    >>> slacks(frame, "x", "y", "b", unit="plant", super_efficiency=True).rho.round(4).tolist()
    [1.4194, 0.375, 1.3333]
    """
    choose("disposability", disposability, ("strong", "weak"))
    sample = _Activities.read(frame, inputs, good, bad, unit, time)
    index, every = sample.frame.index, np.arange(len(sample.frame))
    technology = _Technology.spanned(sample, every, disposability == "weak")
    rho, excess = technology.projections(sample.values)
    scores = _check_own(pd.Series(rho, index, name="rho"))
    for row in np.flatnonzero(super_efficiency & (rho > 1 - _EFFICIENT)):
        others = _Technology.spanned(sample, np.delete(every, row), disposability == "weak")
        scores.iloc[row], excess[row] = others.beyond(sample.values[row])
    found = _Projections(scores, pd.DataFrame(excess, index, sample.frame.columns))
    if found.infeasible:
        first = _place(found.infeasible[0], index.names)
        said = f"{len(found.infeasible)} efficient rows have no super-efficiency, the first "
        said += f"{first}: the others cannot make just these bad outputs; see infeasible"
        warnings.warn(said, stacklevel=2)
    return found


@dataclass(frozen=True)
class _Luenberger:
    """Malmquist-Luenberger index; above 1 is progress.

    Attributes
    ----------
    changes : DataFrame indexed (unit, period)
        From the period before to this one: ``ml`` = ``effch`` x ``techch``, NaN where a program
        has no solution; of the global index ``gml`` = ``ec`` x ``bpc``, efficiency change and
        best-practice change.
    scores : DataFrame indexed (unit, period)
        Distance of each row to the technology of its own period (``same``), of
        the period before (``before``) and of the next one (``after``). Of the global index
        efficiency against the technology of all periods (``global``) and of the
        row's own period (``contemporaneous``), between 0 and 1; for the
        directional measure 1 / (1 + D).
    infeasible : DataFrame or None
        Unit, period of the figures, and ``technology``, the period whose
        technology cannot reach them; None of the global index, which reaches all.
    """

    changes: pd.DataFrame
    scores: pd.DataFrame
    infeasible: pd.DataFrame | None = None


def malmquist_luenberger(
    frame: pd.DataFrame,
    inputs: Sequence[str] | str,
    good: Sequence[str] | str,
    bad: Sequence[str] | str,
    unit: str = "province",
    time: str = "year",
) -> _Luenberger:
    """Measure productivity change with bad outputs, between neighbouring periods.

    With D^s(t) the distance b of period t's figures to period s's technology, where good outputs
    could rise and bad outputs fall by the share b (Chung, Fare and Grosskopf 1997), from t to
    u = t + 1, at constant returns, where bad outputs fall only together with activity:

    - effch = (1 + D^t(t)) / (1 + D^u(u)),
    - techch = sqrt[(1 + D^u(t)) / (1 + D^t(t)) x (1 + D^u(u)) / (1 + D^t(u))],
    - ml = effch x techch.

    Parameters
    ----------
    frame : DataFrame
        `unit` and `time` as index levels or columns, balanced, positive amounts.
    inputs, good, bad : str or sequence of str
        Columns of each role. Without bad outputs, 1 + D is the radial output score.
    unit, time : str
        Names of the key.

    Returns
    -------
    result
        ``changes``, ``scores`` and ``infeasible``.

    Raises
    ------
    nqpf.errors.MethodError, nqpf.errors.DataError, nqpf.errors.SampleError
        As :func:`slacks`; also if the sample is not balanced.

    Notes
    -----
    A unit can lie outside a neighbouring year's technology so far that no distance exists. Papers
    drop such rows, set the distance to zero or solve another problem; here the change is NaN,
    parts that need own technologies only stay, and means cover fewer units than those of the
    global index, which has no such problems.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["A", "B"], [1, 2]], names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 1, 1, 1], "y": [4, 5, 2, 2], "b": [2, 1.5, 1, 1]}, keys)
    >>> malmquist_luenberger(frame, "x", "y", "b").changes.round(4).loc["A"].values.tolist()
    [[1.291, 1.0, 1.291]]
    """
    sample = _Activities.read(frame, inputs, good, bad, unit, time).balanced()
    index, periods = sample.frame.index, sample.periods
    reached = pd.DataFrame(np.nan, index, ["before", "same", "after"])
    lost = []
    for at, period in enumerate(periods):
        technology = _Technology.spanned(sample, sample.rows(period), weak=True)
        for column, other in enumerate(periods[max(at - 1, 0) : at + 2], start=int(at == 0)):
            rows = sample.rows(other)
            # The technology lies after the figures of the period before it.
            found = technology.distances(sample.values[rows])
            reached.iloc[rows, 2 - column] = found
            lost += [(*key, period) for key in index[rows[np.isnan(found)]]]
    level = 1.0 + reached
    earlier = level.groupby(level=0).shift(1)
    effch = earlier["same"] / level["same"]
    techch = np.sqrt(earlier["after"] / earlier["same"] * level["same"] / level["before"])
    changes = pd.DataFrame({"ml": effch * techch, "effch": effch, "techch": techch})
    infeasible = pd.DataFrame(sorted(lost), columns=[*index.names, "technology"])
    return _Luenberger(changes[index.get_level_values(1) != periods[0]], reached, infeasible)


def global_malmquist_luenberger(
    frame: pd.DataFrame,
    inputs: Sequence[str] | str,
    good: Sequence[str] | str,
    bad: Sequence[str] | str,
    unit: str = "province",
    time: str = "year",
    measure: str = "slacks",
) -> _Luenberger:
    """Measure productivity change with bad outputs against one technology of all periods.

    With E_G(t) a unit's efficiency against the rows of all periods and E_t(t) against
    those of period t (Oh 2010), from t to u = t + 1:

    - gml = E_G(u) / E_G(t),
    - ec = E_u(u) / E_t(t), nearness to the frontier of the day,
    - bpc = [E_G(u) / E_u(u)] / [E_G(t) / E_t(t)], that frontier's own move.

    E is rho of :func:`slacks` with strongly disposable bad outputs, or 1 / (1 + D) with D the
    distance of :func:`malmquist_luenberger`, which is Oh's index.

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

    Returns
    -------
    result
        ``changes`` and ``scores``; ratios of scores of two periods far apart are the product of
        the changes in between, as the index is circular.

    Raises
    ------
    nqpf.errors.MethodError
        If an option is unknown or a column has no role of its own.
    nqpf.errors.DataError
        If a name is unknown or an amount is not positive.
    nqpf.errors.SampleError
        If an amount is missing, a key doubled, the sample not balanced, or there
        is one unit or one period only.
    nqpf.errors.EstimationError
        If the solver finds no solution; names the unit.

    Notes
    -----
    Oh defines the index by directional distances over a weakly disposable technology; papers on
    green productivity mostly use slacks and keep the name. The sample has to be balanced: a unit
    that enters late moves the frontier of all periods.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["A", "B"], [1, 2]], names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 1, 1, 1], "y": [4, 6, 2, 2], "b": [2, 2, 2, 1]}, keys)
    >>> found = global_malmquist_luenberger(frame, "x", "y", "b")
    >>> found.changes.round(4).loc["A"].values.tolist()
    [[1.75, 1.0, 1.75]]
    """
    choose("measure", measure, ("slacks", "directional"))
    sample = _Activities.read(frame, inputs, good, bad, unit, time).balanced()
    every = np.arange(len(sample.frame))
    spans = {"global": [every], "contemporaneous": [sample.rows(p) for p in sample.periods]}
    scores = pd.DataFrame(index=sample.frame.index, columns=list(spans), dtype=float)
    for at, (kind, groups) in enumerate(spans.items()):
        for rows in groups:
            technology = _Technology.spanned(sample, rows, measure == "directional")
            points, by_slacks = sample.values[rows], measure == "slacks"
            found = technology.projections(points)[0] if by_slacks else technology.distances(points)
            scores.iloc[rows, at] = found if by_slacks else 1.0 / (1.0 + found)
        _check_own(scores[kind])
    changes = (scores / scores.groupby(level=0).shift(1)).set_axis(["gml", "ec"], axis=1)
    changes["bpc"] = changes["gml"] / changes["ec"]
    later = sample.frame.index.get_level_values(1) != sample.periods[0]
    return _Luenberger(changes[later], scores)
