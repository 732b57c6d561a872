"""Transitions between classes of provinces, carried forward."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nqpf.errors import MethodError, SampleError
from nqpf.forecast._history import check_horizon, enough, history
from nqpf.forecast.autoregression import deviations

__all__ = ["LEAST", "class_probabilities", "markov_values"]

LEAST = 4  # years


def class_probabilities(series: pd.Series, horizon: int = 3, classes: int = 5) -> pd.DataFrame:
    """Return the probability that a province is in each class, 1 to `horizon` years ahead.

    Classes are quantiles of the distance from the mean of the year, pooled
    over all years, so that a common rise is no transition. The transition
    matrix (转移矩阵) is that of counts; a class that nobody left keeps its members.

    Parameters
    ----------
    series : Series indexed (province, year)
        Finite and without gaps.
    horizon : int
        Years ahead.
    classes : int
        Number of classes, 2 or more, 1 the lowest.

    Returns
    -------
    DataFrame indexed (province, year)
        One column per class; rows sum to 1.

    Raises
    ------
    nqpf.errors.MethodError
        If the horizon or the number of classes is not valid.
    nqpf.errors.SampleError
        If there is a gap, years are too few or classes cannot be told apart.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2], range(2018, 2023)], names=["province", "year"])
    >>> series = pd.Series([1, 2, 3, 4, 5, 6, 7, 8, 9, 10.0], index=keys)
    >>> class_probabilities(series, 1, classes=2).to_numpy().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    check_horizon(horizon)
    wide = history(series)
    enough(wide, LEAST, "markov")
    chain = _Chain.of(deviations(wide.to_numpy())[0], classes)
    tables = []
    for ahead in range(1, horizon + 1):
        odds = np.linalg.matrix_power(chain.matrix, ahead)[chain.now]
        keys = pd.MultiIndex.from_product(
            [wide.columns, [int(wide.index[-1]) + ahead]], names=["province", "year"]
        )
        columns = pd.RangeIndex(1, classes + 1, name="class")
        tables.append(pd.DataFrame(odds, index=keys, columns=columns))
    return pd.concat(tables).sort_index()


def markov_values(values: np.ndarray, horizon: int, classes: int = 5) -> np.ndarray:
    """Return (H, n) forecasts: today's value, the drift of the mean, and the expected move.

    The expected move is that of the class mean under the transition matrix;
    the place within a class is kept, because classes are wide.
    """
    apart, mean = deviations(values)
    chain = _Chain.of(apart, classes)
    steps = (mean[-1] - mean[0]) / (len(mean) - 1)
    found = []
    for ahead in range(1, horizon + 1):
        expected = np.linalg.matrix_power(chain.matrix, ahead) @ chain.means
        found.append(values[-1] + ahead * steps + (expected - chain.means)[chain.now])
    return np.array(found)


class _Chain:
    """Classes, their means, the transition matrix and the class of each province now."""

    def __init__(self, matrix: np.ndarray, means: np.ndarray, now: np.ndarray) -> None:
        self.matrix, self.means, self.now = matrix, means, now

    @classmethod
    def of(cls, apart: np.ndarray, classes: int) -> _Chain:
        if isinstance(classes, bool) or not isinstance(classes, int) or classes < 2:
            raise MethodError(f"{classes!r} classes", expected="a whole number, 2 or more")
        present = apart[np.isfinite(apart)]
        cuts = np.quantile(present, np.arange(1, classes) / classes)
        codes = np.where(np.isfinite(apart), np.searchsorted(cuts, apart, side="right"), -1)
        if len(np.unique(codes[codes >= 0])) < classes:
            raise SampleError(
                f"of {classes} classes one has no members: quantiles coincide",
                expected="distances from the mean that differ",
                hint="take fewer classes",
            )
        before, after = codes[:-1].ravel(), codes[1:].ravel()
        counts = np.zeros((classes, classes))
        np.add.at(counts, (before[before >= 0], after[before >= 0]), 1)
        empty = counts.sum(axis=1) == 0
        counts[empty, empty] = 1  # nobody was there before the newest year: no move is known
        means = np.array([present[codes[codes >= 0] == k].mean() for k in range(classes)])
        return cls(counts / counts.sum(axis=1, keepdims=True), means, codes[-1])
