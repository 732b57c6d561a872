"""Convergence clubs by the clustering algorithm of Phillips and Sul (2007, 2009)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, takewhile
from typing import NamedTuple

import numpy as np
import pandas as pd

from nqpf.checks import between
from nqpf.dynamics.convergence import _levels
from nqpf.errors import EstimationError, SampleError
from nqpf.sample import _balanced, _check_consecutive, _place

_CRITICAL = -1.65  # one-sided, 5 %
_STEP = 0.05  # by which the sieve is raised
_LEAST_ROWS = 4
_SHORT = 20  # years; with fewer the result says how many


class _LogT(NamedTuple):
    """One log t regression: b, twice the rate at which relative paths come together, and its t."""

    coefficient: float
    std_error: float
    statistic: float
    nobs: int

    @property
    def converges(self) -> bool:
        """Whether convergence is not rejected at 5 %."""
        return self.statistic > _CRITICAL


class _Found(NamedTuple):
    """A club: rows in the order of the units, its test, the clubs it came from."""

    rows: list[int]
    test: _LogT
    parts: tuple[int, ...]


@dataclass(frozen=True)
class _Clubs:
    """Convergence clubs, highest first.

    Attributes
    ----------
    overall : log t regression
        Test of convergence of all units: ``coefficient``, ``std_error``, ``statistic``,
        ``nobs`` and ``converges``.
    membership, initial : Series by unit
        Number of the club after and before merging; 0 for a unit that joins none.
    clubs, before : DataFrame by club
        After and before merging: ``units``, the log t ``coefficient``, ``std_error`` and
        ``statistic``, and the initial clubs it was merged ``from``.
    notes : tuple of str
    """

    overall: _LogT
    membership: pd.Series
    initial: pd.Series
    clubs: pd.DataFrame
    before: pd.DataFrame
    notes: tuple[str, ...]


def club(scores: pd.Series, trim: float = 0.3, sieve: float = 0.0) -> _Clubs:
    r"""Sort units into clubs whose members converge to one path.

    The log t test regresses log(H_1 / H_t) - 2 log log t on log t for t = [rT] + 1, ..., T, with
    H_t the mean over units of (h_it - 1)^2 and h_it the level over the mean of the year.
    Convergence is rejected if the t statistic of the slope is below -1.65.

    Units are ordered by the last year. A core group is the run of units with
    the largest log t statistic above -1.65; every other unit joins with
    which the core's statistic stays above the sieve c*. If the club that
    results fails the test, c* is raised by 0.05 until it passes. The
    rest is a club if it passes, or goes through the steps again. Clubs found
    are merged with the next ones while they pass together (Phillips and Sul
    2009).

    Parameters
    ----------
    scores : Series indexed (province, year)
        Positive levels of a balanced panel; smooth out business cycles before.
    trim : float
        r, the share of years left out at the start of each regression, 0.3 in the paper.
    sieve : float
        c*; 0 is for short panels.

    Returns
    -------
    clubs
        With ``overall``, ``membership``, ``initial``, ``clubs``, ``before`` and ``notes``.

    Raises
    ------
    nqpf.errors.SampleError
        If a province lacks a year, a year is skipped, or years or units are too few.
    nqpf.errors.DataError
        If a level is not positive.
    nqpf.errors.MethodError
        If an option is out of range.
    nqpf.errors.EstimationError
        If units coincide in a year, so that H_t is zero.

    Notes
    -----
    The settings are the paper's, where programs differ: R's takes the core with the largest
    absolute t and rounds the share of years, which is rounded down here; Stata's raises the
    sieve as here. On the 152 incomes that R's package carries these find clubs of 55, 31, 12,
    19, 6, 14, 8, 5 and 2 countries, as convergence-clubs 0.1.2 does, and with r of a third the
    clubs that its manual prints.

    The error of the slope is the long-run variance of the residuals times (X'X)^-1, by the
    quadratic spectral kernel with Andrews' (1991) bandwidth for a first-order autoregression,
    1.3221 (a T)^0.2 with a = 4 rho^2 / (1 - rho)^4, as in Phillips and Sul's program: sums are
    divided by T - 1 and autocovariances leave out the last residual.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([range(8), range(2001, 2031)], names=["unit", "year"])
    >>> gap = np.repeat([0.3, 0.2, -0.2, -0.3] * 2, 30) / np.tile(np.arange(1, 31), 8)
    >>> wave = 0.002 * np.sin(np.arange(240) ** 2)
    >>> level = np.repeat([3.0, 1.0], 4 * 30) * (1 + gap + wave)
    >>> result = club(pd.Series(level, index=keys))
    >>> result.membership.tolist(), result.overall.converges
    ([1, 1, 1, 1, 2, 2, 2, 2], False)
    """
    between("trim", trim, 0, 1, open_ends=True)
    between("sieve", sieve, _CRITICAL)
    levels = _levels(scores)
    _check_consecutive(levels.index, "the measure")
    frame = _balanced(levels)
    if len(frame) < 3:
        raise SampleError(f"{len(frame)} unit(s)", expected="three or more for clubs")
    cut = max(int(trim * frame.shape[1] + 1e-9), 1)
    rows = frame.shape[1] - cut
    if rows < _LEAST_ROWS:
        problem = f"{frame.shape[1]} years, of which the log t regression leaves out {cut}"
        raise SampleError(problem, expected=f"{_LEAST_ROWS} or more years left")
    ordered = frame.iloc[np.argsort(-frame.iloc[:, -1].to_numpy(), kind="stable")]
    sorter = _Sorter(ordered, cut)
    found = sorter.clubs(sieve)
    final = sorter.merged(found)
    member, initial = (_membership(x, ordered.index).reindex(frame.index) for x in (final, found))
    notes = ()
    if frame.shape[1] < _SHORT:
        notes = (f"each regression has {rows} years: the test's distribution holds for long ones",)
    overall = sorter.test(list(range(len(ordered))))
    return _Clubs(overall, member, initial, _table(final), _table(found), notes)


class _Sorter:
    """Tests and clubs of units in descending order of their last year."""

    def __init__(self, ordered: pd.DataFrame, cut: int) -> None:
        self.ordered, self.cut = ordered, cut

    def test(self, rows: list[int]) -> _LogT:
        """Return the log t regression of some rows."""
        paths = self.ordered.to_numpy()[rows]
        variance = ((paths / paths.mean(axis=0) - 1) ** 2).mean(axis=0)
        flat = np.flatnonzero(~(variance > 1e-28))
        if len(flat):
            shown = (_place((self.ordered.index[row],), ("u",))["u"] for row in rows[:5])
            year = int(self.ordered.columns[flat[0]])
            problem = "units coincide in a year, so that log(H_1 / H_t) is undefined"
            where = {"units": ", ".join(map(str, shown)), "year": year}
            expected = "some dispersion in every year"
            hint = "leave out a unit that repeats another"
            raise EstimationError(problem, where=where, expected=expected, hint=hint)
        t = np.log(np.arange(self.cut + 1, len(variance) + 1))
        y = np.log(variance[0] / variance[self.cut :]) - 2 * np.log(t)
        x = t - t.mean()
        slope = float(x @ y / (x @ x))
        residuals = y - y.mean() - slope * x
        error = float(np.sqrt(_long_run_variance(residuals) / (x @ x)))
        if not error > 1e-12:
            problem = "the log t regression fits perfectly"
            raise EstimationError(problem, expected="figures that are not a formula")
        return _LogT(slope, error, slope / error, len(y))

    def clubs(self, sieve: float) -> list[_Found]:
        """Return the clubs before merging; rows in none of them diverge."""
        left, found = list(range(len(self.ordered))), []
        while len(left) > 1:
            rest = self.test(left)
            if rest.converges:
                return [*found, _Found(left, rest, (len(found) + 1,))]
            core = self.core(left)
            if core is None:
                break
            rows, test = self.around(core, left, sieve)
            found.append(_Found(rows, test, (len(found) + 1,)))
            left = [row for row in left if row not in rows]
        return found

    def core(self, left: list[int]) -> list[int] | None:
        """Return the run of neighbours with the largest statistic; None if no pair passes."""
        pairs = (left[at : at + 2] for at in range(len(left) - 1))
        start = next((pair[0] for pair in pairs if self.test(pair).converges), None)
        if start is None:
            return None
        run = left[left.index(start) :]
        groups = (run[:end] for end in range(2, len(run) + 1))
        passing = takewhile(lambda group: self.test(group).converges, groups)
        return max(passing, key=lambda group: self.test(group).statistic)

    def around(self, core: list[int], left: list[int], sieve: float) -> tuple[list[int], _LogT]:
        """Return the core with all that pass the sieve, raised until the club passes."""
        others = {row: self.test([*core, row]).statistic for row in left if row not in core}
        for steps in count():
            used = sieve + steps * _STEP
            rows = [*core, *(row for row, statistic in others.items() if statistic > used)]
            test = self.test(rows)
            if test.converges or len(rows) == len(core):
                return rows, test

    def merged(self, found: list[_Found]) -> list[_Found]:
        """Merge each club with those after it while they pass together."""
        result = found[:1]
        for one in found[1:]:
            last = result[-1]
            test = self.test([*last.rows, *one.rows])
            if test.converges:
                result[-1] = _Found([*last.rows, *one.rows], test, (*last.parts, *one.parts))
            else:
                result.append(one)
        return result


def _long_run_variance(residuals: np.ndarray) -> float:
    before, after = residuals[:-1], residuals[1:]
    rho = float(before @ after / (before @ before)) if before @ before > 0 else 0.0
    total = float(residuals @ residuals)
    if rho not in (0.0, 1.0):
        bandwidth = 1.3221 * (4 * rho**2 / (1 - rho) ** 4 * len(residuals)) ** 0.2
        z = 1.2 * np.pi * np.arange(1, len(before)) / bandwidth
        kernel = 3 / z**2 * (np.sin(z) / z - np.cos(z))
        total += 2 * sum(k * float(before[:-i] @ before[i:]) for i, k in enumerate(kernel, 1))
    return total / len(before)


def _membership(found: list[_Found], units: pd.Index) -> pd.Series:
    result = pd.Series(0, index=units, name="club")
    for number, one in enumerate(found, start=1):
        result.iloc[one.rows] = number
    return result


def _table(found: list[_Found]) -> pd.DataFrame:
    columns = ["units", "coefficient", "std_error", "statistic", "from"]
    rows = [(len(one.rows), *one.test[:3], ", ".join(map(str, one.parts))) for one in found]
    return pd.DataFrame(rows, pd.RangeIndex(1, len(rows) + 1, name="club"), columns)
