"""The steps of Phillips and Sul's clustering on units that are already in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nqpf.dynamics.convergence.logt import LogT

__all__ = ["Found", "cluster", "merged"]

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
