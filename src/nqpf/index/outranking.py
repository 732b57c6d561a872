"""Aggregation by majorities of indicators, which never adds one indicator to another."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nqpf.index._arrays import Floats, matrix, require_finite, sweep, weight_vector

__all__ = ["copeland"]

# Pairs of rows that are compared at once: 2 MiB of doubles.
_PAIRS = 262_144
# Weights that differ by less are the same up to rounding.
_TIE = 1e-12


def copeland(z: ArrayLike, w: ArrayLike) -> Floats:
    """Return the share of other rows that each row beats by a weighted majority.

    Row a beats row b if the indicators in which a is better weigh more than
    those in which b is better. A win counts one, a draw one half, and the sum
    is divided by N - 1 (Copeland 1951; with weights, Munda and Nardo 2009).
    Only the order of the values counts, so no indicator makes up for another,
    and any normalisation that keeps the order gives the same scores.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, more is better.
    w : array_like, shape (m,)
        Weights of zero or more that sum to 1 within 1e-12.

    Returns
    -------
    ndarray, shape (N,)
        Scores in [0, 1], with mean 0.5; 0.5 for a row that is alone.

    Raises
    ------
    nqpf.errors.MethodError
        If the weights have the wrong length, sign or sum.
    nqpf.errors.DataError
        If a value is missing or infinite.

    Notes
    -----
    All rows meet each other, in a panel also province-years of different
    years, so that scores compare over time as they do under TOPSIS. Time
    grows with N^2 m, memory with N only.

    Examples
    --------
    >>> copeland([[0.9, 0.1, 0.2], [0.4, 0.5, 0.6], [0.4, 0.5, 0.6]], [0.4, 0.3, 0.3])
    array([0.  , 0.75, 0.75])
    """
    z = matrix(z)
    w = weight_vector(w, z.shape[1])
    require_finite(z, *sweep(z, np.minimum, np.maximum))
    n = len(z)
    if n == 1:
        return np.array([0.5])
    columns = [(np.ascontiguousarray(z[:, j]), w[j]) for j in np.flatnonzero(w)]
    scores = np.empty(n)
    step = max(1, _PAIRS // n)
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        margin = np.zeros((rows.stop - start, n))
        for values, weight in columns:
            own = values[rows, None]
            margin += weight * (own > values)
            margin -= weight * (own < values)
        wins = (margin > _TIE).sum(axis=1)
        losses = (margin < -_TIE).sum(axis=1)
        scores[rows] = 0.5 + (wins - losses) / (2 * (n - 1))
    return scores
