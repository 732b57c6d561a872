"""Entropy weights, and equal weights for comparison."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nqpf.errors import DataError, MethodError
from nqpf.index._arrays import (
    Floats,
    blocks,
    buffer,
    matrix,
    reduce_rows,
    require_finite,
    sweep,
    tile,
)
from nqpf.index.weights._columns import none_varies

__all__ = ["entropy", "equal"]

_TINY = np.finfo(np.float64).tiny


def entropy(z: ArrayLike, shift: float = 0.0) -> Floats:
    """Weight each column by how far its distribution is from an even one.

    With p_ij = z_ij / sum_i z_ij and e_j = -sum_i p_ij ln p_ij / ln N, the
    weight is w_j = (1 - e_j) / sum_k (1 - e_k), and 0 ln 0 = 0 exactly
    (Shannon 1948; as weights, Hwang and Yoon 1981).

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, zero or more, without unit.
    shift : float
        Added to every value first. Zero by default; some papers add a small
        number such as 1e-4 to avoid ln 0, which changes the weights.

    Returns
    -------
    ndarray, shape (m,)
        Weights. A column of zeros or of one repeated value gets 0. If no
        column varies (always so when N = 1) the weights are equal, with a
        :class:`~nqpf.index.normalise.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing, infinite or negative.
    nqpf.errors.MethodError
        If `shift` is negative or not finite.

    Notes
    -----
    1 - e_j is computed as the mean of q ln q - (q - 1) with q = z / mean(z),
    divided by ln N: the same number, but as a mean of terms that are never
    negative, so nearly even columns keep their digits. ln N cancels in the
    weights.

    Examples
    --------
    >>> entropy([[0.0, 0.2], [0.5, 0.3], [1.0, 0.2]]).round(4)
    array([0.9593, 0.0407])
    """
    z = matrix(z)
    if not (isinstance(shift, Real) and math.isfinite(shift) and shift >= 0):
        raise MethodError(f"shift is {shift!r}", expected="a finite number of zero or more")
    if shift:
        z = z + shift
    gain = divergence(z)
    if not gain.any():
        return none_varies(z.shape[1], "entropy")
    return gain / gain.sum()


def divergence(z: Floats) -> Floats:
    """Return (1 - e_j) N ln N of each column of a matrix, 0 for one that does not vary."""
    low, high, total = sweep(z, np.minimum, np.maximum, np.add)
    require_finite(z, low, high)
    if low.min() < 0:
        raise _negative(z)
    varying = low < high
    if not varying.any():
        return np.zeros(z.shape[1])
    if high.max() > 1e100 or high[varying].min() < 1e-100:
        z = z / np.where(high > 0, high, 1.0)  # sums of extreme magnitudes overflow or lose digits
        (total,) = sweep(z, np.add)
    gain = np.where(varying, _divergence(z, total / len(z), varying), 0.0)
    np.maximum(gain, 0.0, out=gain)
    if gain.max() == 0.0:  # columns that differ from a constant by rounding only
        gain[varying] = 1.0
    return gain


def _divergence(z: Floats, mean: Floats, varying: NDArray[np.bool_]) -> Floats:
    """Return the sum of q ln q - (q - 1) over rows, q = z / mean, for each varying column."""
    inverse = tile(np.divide(1.0, mean, out=np.zeros_like(mean), where=varying), z)
    total, q_room, term_room = np.zeros_like(inverse), buffer(z), buffer(z)
    for _, block in blocks(z):
        n = len(block)
        q, term = q_room[:n], term_room[:n]
        np.multiply(block, inverse[:n], out=q)
        np.add(q, _TINY, out=term)  # changes q = 0 only, where ln stays finite: 0 ln 0 is 0
        np.log(term, out=term)
        term *= q
        q -= 1.0
        term -= q
        total[:n] += term
    return reduce_rows(np.add, total)


def _negative(z: Floats) -> DataError:
    row, column = (int(i) for i in np.argwhere(z < 0)[0])
    return DataError(
        f"z holds {z[row, column]}",
        where={"row": row, "column": column},
        expected="values of zero or more",
        hint="normalise with nqpf.index.normalise.minmax first",
    )


def equal(z: ArrayLike) -> Floats:
    """Return the same weight for every column.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Only the number of columns is used.

    Returns
    -------
    ndarray, shape (m,)
        1 / m each.

    Examples
    --------
    >>> equal([[0.0, 1.0], [1.0, 0.0]])
    array([0.5, 0.5])
    """
    m = matrix(z).shape[1]
    return np.full(m, 1.0 / m)
