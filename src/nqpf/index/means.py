"""Weighted means that let a weak indicator weigh more than in a sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nqpf.errors import DataError
from nqpf.index._arrays import Floats, matrix, require_finite, sweep, weight_vector

__all__ = ["geometric", "harmonic"]


def geometric(z: ArrayLike, w: ArrayLike) -> Floats:
    """Return the weighted geometric mean of the indicators, prod_j z_ij^w_j.

    A low value in one indicator is made up for by a high one in another less
    than in a sum (OECD/JRC, *Handbook on Constructing Composite Indicators*,
    2008, section 6.7). One zero makes the score zero, whatever the rest: under
    min-max every indicator has such a row.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators of zero or more, more is better.
    w : array_like, shape (m,)
        Weights of zero or more that sum to 1 within 1e-12.

    Returns
    -------
    ndarray, shape (N,)
        Scores between the smallest and the largest value of the row. A zero
        in an indicator without weight does not count.

    Raises
    ------
    nqpf.errors.MethodError
        If the weights have the wrong length, sign or sum.
    nqpf.errors.DataError
        If a value is missing, infinite or negative.

    Examples
    --------
    >>> geometric([[0.25, 1.0], [0.5, 0.5], [0.0, 1.0]], [0.5, 0.5])
    array([0.5, 0.5, 0. ])
    """
    z, w = _weighted_columns(z, w)
    with np.errstate(divide="ignore"):
        return np.exp(np.einsum("ij,j->i", np.log(z), w))  # ln 0 is -inf, exp of it 0


def harmonic(z: ArrayLike, w: ArrayLike) -> Floats:
    """Return the weighted harmonic mean of the indicators, 1 / sum_j (w_j / z_ij).

    It compensates less than the geometric mean, which lies between it and the
    weighted sum. One zero makes the score zero.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators of zero or more, more is better.
    w : array_like, shape (m,)
        Weights of zero or more that sum to 1 within 1e-12.

    Returns
    -------
    ndarray, shape (N,)
        Scores between the smallest and the largest value of the row. A zero
        in an indicator without weight does not count.

    Raises
    ------
    nqpf.errors.MethodError
        If the weights have the wrong length, sign or sum.
    nqpf.errors.DataError
        If a value is missing, infinite or negative.

    Examples
    --------
    >>> harmonic([[0.25, 1.0], [0.5, 0.5], [0.0, 1.0]], [0.5, 0.5])
    array([0.4, 0.5, 0. ])
    """
    z, w = _weighted_columns(z, w)
    least = z.min(axis=1)
    # Ratios to the least value cannot overflow; a row with a zero has the ratio 1 only there.
    ratios = np.divide(least[:, None], z, out=np.ones_like(z), where=z > 0)
    return least / np.einsum("ij,j->i", ratios, w)


def _weighted_columns(z: ArrayLike, w: ArrayLike) -> tuple[Floats, Floats]:
    """Return the columns that have a weight, and their weights, after checking both."""
    z = matrix(z)
    w = weight_vector(w, z.shape[1])
    low, high = sweep(z, np.minimum, np.maximum)
    require_finite(z, low, high)
    if low.min() < 0:
        row, column = (int(i) for i in np.argwhere(z < 0)[0])
        raise DataError(
            f"z holds {z[row, column]}",
            where={"row": row, "column": column},
            expected="values of zero or more",
            hint="normalise with nqpf.index.normalise.minmax first",
        )
    return z[:, w > 0], w[w > 0]
