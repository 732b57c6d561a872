"""Normalisation without a range: standard scores, unit length and ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nqpf.index._arrays import Floats, matrix, require_finite, sweep
from nqpf.index._columns import Booleans, directions, warn_constant

__all__ = ["rank", "vector", "zscore"]


def zscore(x: ArrayLike, benefit: ArrayLike, names: Sequence[str] | None = None) -> Floats:
    """Scale each column to mean 0 and standard deviation 1 over all rows.

    A benefit becomes (x - mean) / sd, a cost its negative (OECD/JRC,
    *Handbook on Constructing Composite Indicators*, 2008, section 5). The
    sample standard deviation divides by N - 1. Half of the values are below
    zero, so methods that take shares or roots, such as entropy weights and
    the geometric mean, cannot follow.

    Parameters
    ----------
    x : array_like, shape (N, m)
        Raw indicators in any units.
    benefit : array_like of bool, shape (m,)
        True where more is better, False where less is better.
    names : sequence of str or None
        Names of the columns for messages; positions when None.

    Returns
    -------
    ndarray, shape (N, m)
        In standard deviations. A constant column becomes zeros, with a
        :class:`~nqpf.index.normalise.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or if every column is constant.
    nqpf.errors.MethodError
        If `benefit` is not one boolean per column.

    Examples
    --------
    >>> zscore([[1.0, 5.0], [2.0, 3.0], [3.0, 1.0]], [True, False])
    array([[-1., -1.],
           [ 0.,  0.],
           [ 1.,  1.]])
    """
    x, benefit, constant = _checked(x, benefit, names)
    x = _moderate(x)
    gap = x - x.mean(axis=0)
    sd = np.sqrt(np.einsum("ij,ij->j", gap, gap) / max(len(x) - 1, 1))
    z = np.divide(gap, sd, out=np.zeros_like(gap), where=~constant)
    return np.where(benefit, z, -z) + 0.0  # no negative zeros


def vector(x: ArrayLike, benefit: ArrayLike, names: Sequence[str] | None = None) -> Floats:
    """Divide each column by its Euclidean length over all rows.

    A benefit becomes x / |x| (Hwang and Yoon 1981, the normalisation of their
    TOPSIS), a cost 1 - x / |x|, so that more is better. Zero stays where it
    is: ratios between provinces survive, ranges are not equalised.

    Parameters
    ----------
    x : array_like, shape (N, m)
        Raw indicators in any units.
    benefit : array_like of bool, shape (m,)
        True where more is better, False where less is better.
    names : sequence of str or None
        Names of the columns for messages; positions when None.

    Returns
    -------
    ndarray, shape (N, m)
        Without unit; in [0, 1] where `x` is zero or more. A constant column
        becomes zeros, with a
        :class:`~nqpf.index.normalise.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or if every column is constant.
    nqpf.errors.MethodError
        If `benefit` is not one boolean per column.

    Examples
    --------
    >>> vector([[3.0, 3.0], [4.0, 4.0]], [True, False])
    array([[0.6, 0.4],
           [0.8, 0.2]])
    """
    x, benefit, constant = _checked(x, benefit, names)
    x = _moderate(x)
    length = np.sqrt(np.einsum("ij,ij->j", x, x))
    z = np.divide(x, length, out=np.zeros_like(x), where=~constant)
    return np.where(benefit | constant, z, 1.0 - z)


def rank(x: ArrayLike, benefit: ArrayLike, names: Sequence[str] | None = None) -> Floats:
    """Replace each column by its ranks over all rows, scaled to [0, 1].

    z = (rank - 1) / (N - 1), rank 1 for the worst value, tied values sharing
    the mean of their ranks (OECD/JRC 2008, section 5). Outliers lose their
    pull, and so do distances.

    Parameters
    ----------
    x : array_like, shape (N, m)
        Raw indicators in any units.
    benefit : array_like of bool, shape (m,)
        True where more is better, False where less is better.
    names : sequence of str or None
        Names of the columns for messages; positions when None.

    Returns
    -------
    ndarray, shape (N, m)
        Without unit. A constant column becomes zeros, with a
        :class:`~nqpf.index.normalise.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or if every column is constant.
    nqpf.errors.MethodError
        If `benefit` is not one boolean per column.

    Examples
    --------
    >>> rank([[10.0], [700.0], [20.0], [20.0]], [True]).ravel()
    array([0. , 1. , 0.5, 0.5])
    """
    x, benefit, constant = _checked(x, benefit, names)
    ranks = pd.DataFrame(np.where(benefit, x, -x)).rank(method="average").to_numpy()
    return np.where(constant, 0.0, (ranks - 1.0) / max(len(x) - 1, 1))


def _checked(
    x: ArrayLike, benefit: ArrayLike, names: Sequence[str] | None
) -> tuple[Floats, Booleans, Booleans]:
    """Return the matrix, the directions, and which columns are constant."""
    x = matrix(x, "x")
    benefit = directions(benefit, x.shape[1])
    low, high = sweep(x, np.minimum, np.maximum)
    require_finite(x, low, high, name="x")
    warn_constant(low == high, names)
    return x, benefit, low == high


def _moderate(x: Floats) -> Floats:
    """Divide columns by powers of two, so that squares neither overflow nor vanish."""
    _, power = np.frexp(np.abs(x).max(axis=0))
    return np.ldexp(x, -power)
