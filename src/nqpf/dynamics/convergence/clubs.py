"""Convergence clubs by the clustering algorithm of Phillips and Sul (2007, 2009)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.dynamics.convergence._clustering import Found, cluster, merged
from nqpf.dynamics.convergence._sample import levels, years_of
from nqpf.dynamics.convergence.logt import CRITICAL, TRIM, LogT, cross_variance, log_t, trimmed
from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.tfp.sample import place

__all__ = ["DIVERGENT", "ClubResult", "club"]

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
