"""Polynomials of inputs and projections on them."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np

__all__ = ["basis", "polynomial", "powers"]

_RELATIVE = 1e-9  # a term that adds less than this share of its length adds nothing


def polynomial(x: np.ndarray, degree: int) -> np.ndarray:
    """Return every product of the columns of `x` up to `degree`, the constant first.

    Columns are centred and scaled first: the space spanned is the same, its
    conditioning is not.

    Parameters
    ----------
    x : (N, v)
    degree : int

    Returns
    -------
    (N, terms) array

    Examples
    --------
    >>> polynomial(np.array([[0.0, 1.0], [2.0, 5.0], [1.0, 0.0]]), 2).shape
    (3, 6)
    """
    spread = x.std(axis=0)
    scaled = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    terms = [np.ones(len(x))]
    for order in range(1, degree + 1):
        for columns in combinations_with_replacement(range(x.shape[1]), order):
            terms.append(scaled[:, columns].prod(axis=1))
    return np.column_stack(terms)


def basis(terms: np.ndarray) -> np.ndarray:
    """Return orthonormal columns that span `terms`, fewer when some are collinear."""
    from scipy.linalg import qr

    lengths = np.linalg.norm(terms, axis=0)
    terms = terms / np.where(lengths > 0, lengths, 1.0)
    q, triangle, _ = qr(terms, mode="economic", pivoting=True, check_finite=False)
    return q[:, np.abs(np.diag(triangle)) > _RELATIVE]


def powers(x: np.ndarray, degree: int) -> np.ndarray:
    """Return 1, x, ..., x^degree of a centred and scaled vector, (N, degree + 1).

    Examples
    --------
    >>> powers(np.array([1.0, 3.0]), 2)
    array([[ 1., -1.,  1.],
           [ 1.,  1.,  1.]])
    """
    spread = x.std()
    scaled = (x - x.mean()) / (spread if spread > 0 else 1.0)
    terms = np.ones((len(x), degree + 1), order="F")
    for order in range(1, degree + 1):
        terms[:, order] = terms[:, order - 1] * scaled
    return terms
