"""Convergence clubs by the clustering algorithm of Phillips and Sul (2007, 2009)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.dynamics.convergence import levels, years_of
from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.sample import place

__all__ = [
    "CRITICAL",
    "ClubResult",
    "DIVERGENT",
    "Found",
    "LogT",
    "TRIM",
    "club",
    "cluster",
    "cross_variance",
    "log_t",
    "merged",
    "trimmed",
]

TRIM = 0.3
CRITICAL = -1.65  # one-sided, 5 %
_LEAST_ROWS = 4


@dataclass(frozen=True)
class LogT:
    """One log t regression.

    Attributes
    ----------
    coefficient : float
        b; twice the rate alpha at which relative paths come together.
    std_error, statistic : float
    nobs : int
        Years in the regression.
    """

    coefficient: float
    std_error: float
    statistic: float
    nobs: int

    @property
    def converges(self) -> bool:
        """Whether convergence is not rejected at 5 %."""
        return self.statistic > CRITICAL


def cross_variance(paths: np.ndarray) -> np.ndarray:
    """Return H_t, the mean over units of (h_it - 1)^2 with h_it relative to the mean.

    Parameters
    ----------
    paths : (n, T)
        Positive levels.

    Examples
    --------
    >>> cross_variance(np.array([[1.0, 2.0], [3.0, 2.0]])).tolist()
    [0.25, 0.0]
    """
    return ((paths / paths.mean(axis=0) - 1) ** 2).mean(axis=0)


def trimmed(years: int, trim: float) -> int:
    """Return [rT], the number of years left out at the start.

    Raises
    ------
    nqpf.errors.MethodError
        If the share is not between 0 and 1.
    nqpf.errors.SampleError
        If fewer than four years are left.
    """
    if not 0 < trim < 1:
        raise MethodError(f"trim {trim!r}", expected="a share above 0 and below 1, such as 0.3")
    cut = max(int(trim * years + 1e-9), 1)
    if years - cut < _LEAST_ROWS:
        raise SampleError(
            f"{years} years, of which the log t regression leaves out {cut}",
            expected=f"{_LEAST_ROWS} or more years left",
        )
    return cut


def log_t(variance: np.ndarray, trim: float = TRIM) -> LogT:
    r"""Regress log(H_1 / H_t) - 2 log log t on log t, for t = [rT] + 1, ..., T.

    Convergence is rejected if the t statistic of b is below -1.65. Its error
    is the long-run variance of the residuals times (X'X)^-1, by the quadratic
    spectral kernel with Andrews' (1991) bandwidth for a first-order
    autoregression, 1.3221 (a T)^0.2 with a = 4 rho^2 / (1 - rho)^4.
    The long-run variance is that of Phillips and Sul's program, which the
    packages follow: sums are divided by T - 1 and autocovariances leave out
    the last residual. It is never negative, as the kernel is positive
    definite.

    Parameters
    ----------
    variance : (T,)
        H_t, all positive.
    trim : float
        r, the share of years left out at the start.

    Raises
    ------
    nqpf.errors.SampleError, nqpf.errors.MethodError
        If the share is out of range or too few years are left.
    nqpf.errors.EstimationError
        If H_t is zero in some year: units coincide and the logarithm is undefined.

    Examples
    --------
    >>> t = np.arange(1, 31)
    >>> result = log_t(np.exp(0.1 * np.sin(t)) / t)
    >>> result.converges, result.nobs
    (True, 21)
    """
    variance = np.asarray(variance, dtype=float)
    cut = trimmed(len(variance), trim)
    if not (np.isfinite(variance) & (variance > 1e-28)).all():
        raise EstimationError(
            "units coincide in a year, so that log(H_1 / H_t) is undefined",
            where={"year number": int(np.flatnonzero(~(variance > 1e-28))[0]) + 1},
            expected="some dispersion in every year",
            hint="leave out a unit that repeats another",
        )
    t = np.log(np.arange(cut + 1, len(variance) + 1))
    y = np.log(variance[0] / variance[cut:]) - 2 * np.log(t)
    x = t - t.mean()
    slope = float(x @ y / (x @ x))
    residuals = y - y.mean() - slope * x
    error = float(np.sqrt(_long_run_variance(residuals) / (x @ x)))
    if not error > 1e-12:
        raise EstimationError(
            "the log t regression fits perfectly", expected="figures that are not a formula"
        )
    return LogT(slope, error, slope / error, len(y))


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


Test = Callable[[list[int]], LogT]


@dataclass(frozen=True)
class Found:
    """A club: rows in the order of the units, its test, its sieve, the clubs it came from."""

    rows: list[int]
    test: LogT
    sieve: float
    parts: tuple[int, ...]


def cluster(
    test: Test, units: int, overall: LogT, critical: float, sieve: float, increment: float
) -> list[Found]:
    """Return clubs of rows 0, ..., units - 1; rows in none of them diverge."""
    left, clubs = list(range(units)), []
    rest = overall
    while len(left) > 1:
        if rest.statistic > critical:
            clubs.append(Found(left, rest, sieve, (len(clubs) + 1,)))
            break
        core = _core(test, left, critical)
        if core is None:
            break
        rows, found, used = _club(test, left, core, critical, sieve, increment)
        clubs.append(Found(rows, found, used, (len(clubs) + 1,)))
        left = [row for row in left if row not in rows]
        if len(left) > 1:
            rest = test(left)
    return clubs


def _core(test: Test, left: Sequence[int], critical: float) -> list[int] | None:
    """Return the run of neighbours in order with the largest statistic; None if no pair passes."""
    for start in range(len(left) - 1):
        group = [left[start], left[start + 1]]
        statistic = test(group).statistic
        if statistic > critical:
            break
    else:
        return None
    best, core = statistic, group
    for row in left[start + 2 :]:
        group = [*group, row]
        statistic = test(group).statistic
        if statistic <= critical:
            break
        if statistic > best:
            best, core = statistic, group
    return core


def _club(
    test: Test,
    left: Sequence[int],
    core: list[int],
    critical: float,
    sieve: float,
    increment: float,
) -> tuple[list[int], LogT, float]:
    """Return the core with every unit that passes the sieve, raised until the club passes."""
    inside = set(core)
    others = {row: test([*core, row]).statistic for row in left if row not in inside}
    steps = 0
    while True:
        used = sieve + steps * increment
        rows = [*core, *(row for row, statistic in others.items() if statistic > used)]
        found = test(rows)
        if found.statistic > critical or len(rows) == len(core):
            return rows, found, used
        steps += 1


def merged(test: Test, clubs: list[Found], critical: float) -> list[Found]:
    """Merge each club with those after it while they pass together."""
    result: list[Found] = []
    for one in clubs:
        if result:
            both = [*result[-1].rows, *one.rows]
            found = test(both)
            if found.statistic > critical:
                parts = (*result[-1].parts, *one.parts)
                result[-1] = Found(both, found, float("nan"), parts)
                continue
        result.append(one)
    return result


DIVERGENT = 0
_SHORT = 20


@dataclass(frozen=True)
class ClubResult:
    """Convergence clubs, highest first.

    Attributes
    ----------
    overall : LogT
        Test of convergence of all units.
    membership : Series by unit
        Number of the club after merging; 0 for a unit that joins none.
    initial : Series by unit
        Number of the club before merging.
    clubs : DataFrame by club
        ``units``, the log t ``coefficient``, ``std_error`` and ``statistic``,
        the ``sieve`` with which its members were found (NaN if merged) and the
        initial clubs it was merged ``from``.
    paths : DataFrame (units, years)
        Relative transition paths h_it: the level over the mean of the year.
    trim, critical : float
    notes : tuple of str
    """

    overall: LogT
    membership: pd.Series
    initial: pd.Series
    clubs: pd.DataFrame
    paths: pd.DataFrame
    trim: float
    critical: float
    notes: tuple[str, ...]

    @property
    def club_paths(self) -> pd.DataFrame:
        """Mean transition path of each club, one row per club."""
        return self.paths.groupby(self.membership).mean()

    def to_frame(self) -> pd.DataFrame:
        """Return the table of clubs."""
        return self.clubs.copy()

    def _repr_html_(self) -> str:
        return self.clubs.to_html(float_format="{:.3f}".format)


def club(
    scores: pd.Series,
    trim: float = TRIM,
    sieve: float = 0.0,
    increment: float = 0.05,
    critical: float = CRITICAL,
    merge: bool = True,
) -> ClubResult:
    """Sort units into clubs whose members converge to one path.

    Units are ordered by the last year. A core group is the run of units with
    the largest log t statistic above `critical`; every other unit joins with
    which the core's statistic stays above the sieve c*. If the club that
    results fails the test, c* is raised by `increment` until it passes. The
    rest is a club if it passes, or goes through the steps again. Clubs found
    are merged with the next ones while they pass together (Phillips and Sul
    2009).

    Parameters
    ----------
    scores : Series indexed (province, year)
        Positive levels of a balanced panel; smooth out business cycles before.
    trim : float
        Share of years left out at the start of each regression, 0.3 in the paper.
    sieve : float
        c*; 0 is for short panels.
    increment : float
        Step by which c* is raised.
    critical : float
        Critical value of the test, one-sided.
    merge : bool
        Merge clubs that converge together.

    Returns
    -------
    ClubResult

    Raises
    ------
    nqpf.errors.SampleError
        If a province lacks a year, a year is skipped, or years or units are too few.
    nqpf.errors.DataError
        If a level is not positive.
    nqpf.errors.MethodError
        If an option is out of range.
    nqpf.errors.EstimationError
        If two units coincide.

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
    if not increment > 0 or sieve < critical:
        raise MethodError(
            f"sieve {sieve:g} with increment {increment:g}",
            expected=f"a sieve of {critical:g} or more and an increment above zero",
        )
    frame = _balanced(levels(scores))
    trimmed(frame.shape[1], trim)
    ordered = frame.iloc[np.argsort(-frame.iloc[:, -1].to_numpy(), kind="stable")]
    test = _tester(ordered, trim)
    overall = test(list(range(len(ordered))))
    found = cluster(test, len(ordered), overall, critical, sieve, increment)
    final = merged(test, found, critical) if merge else found
    return ClubResult(
        overall,
        _membership(final, ordered.index).reindex(frame.index),
        _membership(found, ordered.index).reindex(frame.index).rename("initial club"),
        _table(final),
        frame / frame.mean(),
        trim,
        critical,
        _notes(frame, trim),
    )


def _balanced(data: pd.Series) -> pd.DataFrame:
    """Return units by consecutive years; raise when a figure is absent."""
    years = years_of(data, 2, "clubs")
    skipped = sorted(set(range(years[0], years[-1] + 1)) - set(years))
    if skipped:
        raise SampleError("a year is skipped", where={"year": skipped[0]}, expected="every year")
    frame = data.unstack(1)
    absent = frame.stack(future_stack=True)
    absent = absent[absent.isna()]
    if len(absent):
        raise SampleError(
            f"the panel lacks {len(absent)} figure(s)",
            where=place(absent.index[0], data.index.names),
            expected="every unit in every year",
            hint="leave out the unit or the years, and say so",
        )
    if len(frame) < 3:
        raise SampleError(f"{len(frame)} unit(s)", expected="three or more for clubs")
    return frame


def _tester(ordered: pd.DataFrame, trim: float) -> Callable[[list[int]], LogT]:
    """Return the log t test of rows by position; its errors name the units."""
    values = ordered.to_numpy()

    def test(rows: list[int]) -> LogT:
        try:
            return log_t(cross_variance(values[rows]), trim)
        except EstimationError as error:
            shown = ", ".join(str(place((ordered.index[r],), ("u",))["u"]) for r in rows[:5])
            raise EstimationError(
                error.problem,
                where={"units": shown, **error.where},
                expected=error.expected,
                hint=error.hint,
            ) from error

    return test


def _membership(clubs: list[Found], units: pd.Index) -> pd.Series:
    result = pd.Series(DIVERGENT, index=units, name="club", dtype=int)
    for number, one in enumerate(clubs, start=1):
        result.iloc[one.rows] = number
    return result


def _table(clubs: list[Found]) -> pd.DataFrame:
    rows = [
        {
            "units": len(one.rows),
            "coefficient": one.test.coefficient,
            "std_error": one.test.std_error,
            "statistic": one.test.statistic,
            "sieve": one.sieve,
            "from": ", ".join(map(str, one.parts)),
        }
        for one in clubs
    ]
    columns = ["units", "coefficient", "std_error", "statistic", "sieve", "from"]
    return pd.DataFrame(rows, pd.RangeIndex(1, len(rows) + 1, name="club"), columns)


def _notes(frame: pd.DataFrame, trim: float) -> tuple[str, ...]:
    years = frame.shape[1]
    if years >= _SHORT:
        return ()
    rows = years - trimmed(years, trim)
    return (f"each regression has {rows} years: the test's distribution holds for long panels",)
