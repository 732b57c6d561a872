"""Minimising over a few elasticities from several starting points, with all of them reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import MethodError

__all__ = ["Search", "search", "starting_points"]

_APART = 1e-3  # estimates nearer than this are one solution
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Search:
    """The estimate chosen, every start that was tried, and what a reader must be warned of."""

    params: np.ndarray
    criterion: float
    converged: bool
    starts: pd.DataFrame
    warning: str | None


def starting_points(
    starts: int | pd.DataFrame, names: Sequence[str], least_squares: np.ndarray
) -> np.ndarray:
    """Return starting points, (m, p): least squares first, then points spread over [0, 1]^p.

    Parameters
    ----------
    starts : int or DataFrame
        A number of points, or the points themselves with a column per name.
    names : sequence of str
        Parameters.
    least_squares : (p,)
        Estimates by ordinary least squares.

    Raises
    ------
    nqpf.errors.MethodError
        If there is no start, or a column is missing or not finite.
    """
    if isinstance(starts, pd.DataFrame):
        absent = [name for name in names if name not in starts.columns]
        if absent or starts.empty:
            raise MethodError(
                f"starts without {', '.join(map(repr, absent)) or 'rows'}",
                expected=f"columns {', '.join(map(repr, names))} and one row or more",
            )
        points = starts[list(names)].to_numpy(dtype=float)
        if not np.isfinite(points).all():
            raise MethodError("a start is missing or infinite", expected="finite numbers")
        return points
    if starts < 1:
        raise MethodError(f"{starts} starts", expected="one or more")
    from scipy.stats import qmc

    spread = qmc.Halton(len(names), scramble=False).random(starts)[1:]  # the first is the origin
    return np.vstack([least_squares, spread])


def search(
    residuals: Callable[[np.ndarray], np.ndarray],
    points: np.ndarray,
    names: Sequence[str],
    zero: float | None = None,
) -> Search:
    """Minimise the sum of squares of `residuals` from every point.

    Parameters
    ----------
    residuals : callable
        (p,) to (m,), already scaled so that its sum of squares is the criterion.
    points : (k, p)
        Starting points.
    names : sequence of str
    zero : float or None
        For as many conditions as parameters: a criterion below it solves
        them. Several solutions are then equally good; the one whose smallest
        elasticity is largest is chosen, and said so. When None, the
        lowest criterion is chosen.
    """
    from scipy.optimize import least_squares

    tolerances = dict.fromkeys(("ftol", "xtol", "gtol"), _TOLERANCE)
    found = [least_squares(residuals, point, **tolerances) for point in points]
    estimates = np.array([one.x for one in found])
    criterion = np.array([2 * one.cost for one in found])
    ended = np.array([one.status > 0 for one in found])
    solved = ended if zero is None else ended & (criterion < zero)
    label = _solutions(estimates, criterion)
    best = _choose(estimates, label, solved, ended, criterion, interior=zero is not None)
    table = pd.DataFrame(points, columns=[f"start_{name}" for name in names])
    table[list(names)] = estimates
    table["criterion"], table["converged"], table["solution"] = criterion, solved, label
    table["chosen"] = np.arange(len(table)) == best
    warning = _warning(table, names, zero is not None)
    return Search(estimates[best], float(criterion[best]), bool(solved[best]), table, warning)


def _choose(
    estimates: np.ndarray,
    label: np.ndarray,
    solved: np.ndarray,
    ended: np.ndarray,
    criterion: np.ndarray,
    interior: bool,
) -> int:
    """Return the row of the estimate reported: among starts that met, the first."""
    if interior and solved.any():
        order = np.lexsort((label, -estimates.min(axis=1).round(6), ~solved))
    else:
        order = np.lexsort((label, ~(ended if ended.any() else np.isfinite(criterion))))
    return int(order[0])


def _solutions(estimates: np.ndarray, criterion: np.ndarray) -> np.ndarray:
    """Number the distinct end points, from 1, in the order of their criterion."""
    label = np.zeros(len(estimates), dtype=int)
    for row in np.argsort(criterion, kind="stable"):
        if label[row] == 0:
            near = np.abs(estimates - estimates[row]).max(axis=1) < _APART
            label[near & (label == 0)] = label.max() + 1
    return label


def _warning(table: pd.DataFrame, names: Sequence[str], several: bool) -> str | None:
    """Return a warning of a search without a solution, or of solutions equally good."""
    chosen = table[table["chosen"]].iloc[0]
    if not chosen["converged"]:
        return (
            f"no start led to a solution; the criterion is {chosen['criterion']:.3g} at "
            f"{_spelt(chosen, names)}: see `starts`"
        )
    solutions = table[table["converged"]].drop_duplicates("solution")
    if not several or len(solutions) == 1:
        return None
    each = "; ".join(_spelt(row, names) for _, row in solutions.iterrows())
    return (
        f"{len(solutions)} solutions fit equally well ({each}); the one whose smallest "
        "elasticity is largest is reported: see `starts`"
    )


def _spelt(row: pd.Series, names: Sequence[str]) -> str:
    return ", ".join(f"{name} {row[name]:.3f}" for name in names)
