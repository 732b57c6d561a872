"""Plain arithmetic of finite Markov chains: long run, first passage, equality of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Homogeneity", "closed_groups", "ergodic", "first_passage", "homogeneity"]


@dataclass(frozen=True)
class Homogeneity:
    """Test that several samples of transitions come from one matrix.

    Attributes
    ----------
    likelihood_ratio, pearson : float
        Two statistics of one hypothesis.
    df : int
        Only rows and cells that were seen count.
    likelihood_ratio_pvalue, pearson_pvalue : float
        From chi2(df); NaN where nothing can be compared.
    samples : tuple
        Names of the samples.
    """

    likelihood_ratio: float
    pearson: float
    df: int
    likelihood_ratio_pvalue: float
    pearson_pvalue: float
    samples: tuple[object, ...]


def _reach(p: np.ndarray) -> np.ndarray:
    """Return a boolean (k, k): column can be reached from row in zero or more steps."""
    reach = (p > 0) | np.eye(len(p), dtype=bool)
    for middle in range(len(p)):
        reach |= np.outer(reach[:, middle], reach[middle])
    return reach


def closed_groups(p: np.ndarray) -> list[list[int]]:
    """Return the groups of classes that are never left once entered (recurrent classes).

    Examples
    --------
    >>> closed_groups(np.array([[0.5, 0.5, 0], [0, 1.0, 0], [0, 0.2, 0.8]]))
    [[1]]
    """
    reach = _reach(p)
    mutual = reach & reach.T
    closed = [row for row in range(len(p)) if not (reach[row] & ~reach[:, row]).any()]
    return [
        [int(c) for c in group]
        for group in sorted({tuple(np.flatnonzero(mutual[r])) for r in closed})
    ]


def ergodic(p: np.ndarray) -> np.ndarray:
    """Return the long-run distribution; NaN where it depends on where the chain starts.

    Parameters
    ----------
    p : (k, k)
        Rows add up to 1.

    Examples
    --------
    >>> ergodic(np.array([[0.5, 0.25, 0.25], [0.5, 0, 0.5], [0.25, 0.25, 0.5]])).round(3)
    array([0.4, 0.2, 0.4])
    """
    groups = closed_groups(p) if np.isfinite(p).all() else []
    if len(groups) != 1:
        return np.full(len(p), np.nan)
    inside = groups[0]
    part = p[np.ix_(inside, inside)]
    size = len(inside)
    system = np.vstack([part.T - np.eye(size), np.ones(size)])
    result = np.zeros(len(p))
    result[inside] = np.linalg.lstsq(system, np.r_[np.zeros(size), 1.0], rcond=None)[0]
    return result


def first_passage(p: np.ndarray) -> np.ndarray:
    """Return mean steps from row to first arrival in column; the diagonal is mean return time.

    Kemeny and Snell (1976), by one linear system per target instead of the
    fundamental matrix, so that chains with absorbing classes have an answer:
    infinite where arrival is not certain.

    Parameters
    ----------
    p : (k, k)
        Rows add up to 1.

    Examples
    --------
    >>> first_passage(np.array([[0.5, 0.25, 0.25], [0.5, 0, 0.5], [0.25, 0.25, 0.5]])).round(3)
    array([[2.5  , 4.   , 3.333],
           [2.667, 5.   , 2.667],
           [3.333, 4.   , 2.5  ]])
    """
    size = len(p)
    if not np.isfinite(p).all():
        return np.full((size, size), np.nan)
    return np.column_stack([_to(p, target) for target in range(size)])


def _to(p: np.ndarray, target: int) -> np.ndarray:
    size = len(p)
    stopped = p.copy()
    stopped[target] = np.eye(size)[target]
    reach = _reach(stopped)
    sure = [r for r in range(size) if reach[reach[r], target].all() and r != target]
    steps = np.full(size, np.inf)
    steps[target] = 0.0
    if sure:
        steps[sure] = np.linalg.solve(np.eye(len(sure)) - p[np.ix_(sure, sure)], np.ones(len(sure)))
    seen = p[target] > 0
    steps[target] = 1 + p[target, seen] @ steps[seen]
    return steps


def homogeneity(counts: Sequence[np.ndarray], names: Sequence[object]) -> Homogeneity:
    r"""Test that matrices of counts share their transition probabilities.

    Anderson and Goodman (1957); degrees of freedom are
    sum_i (b_i - 1)(a_i - 1), with b_i the samples that have row i and a_i the
    cells of the row that were seen in any (Bickenbach and Bode 2003).

    Parameters
    ----------
    counts : sequence of (k, k)
    names : sequence
        One per matrix.

    Examples
    --------
    >>> test = homogeneity([np.array([[8, 2], [3, 7]]), np.array([[5, 5], [3, 7]])], "ab")
    >>> round(test.pearson, 4), test.df
    (1.978, 2)
    """
    from scipy import stats

    each = np.asarray(counts, dtype=float)
    rows = each.sum(axis=2)
    pooled = each.sum(axis=0)
    share = pooled / np.maximum(pooled.sum(axis=1, keepdims=True), 1)
    expected = rows[:, :, None] * share
    seen = expected > 0
    pearson = float((((each - expected)[seen]) ** 2 / expected[seen]).sum())
    positive = each > 0
    ratio = float(2 * (each[positive] * np.log(each[positive] / expected[positive])).sum())
    samples, cells = (rows > 0).sum(axis=0), (pooled > 0).sum(axis=1)
    df = int(((samples - 1).clip(min=0) * (cells - 1).clip(min=0)).sum())
    pvalues = [float(stats.chi2.sf(x, df)) if df else float("nan") for x in (ratio, pearson)]
    return Homogeneity(ratio, pearson, df, *pvalues, tuple(names))
