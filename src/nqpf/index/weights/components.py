"""Weights from the first principal component of the correlation matrix."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nqpf.index._arrays import Floats
from nqpf.index._columns import labels
from nqpf.index.weights._columns import none_varies, spread, standardised, varying_columns

__all__ = ["FirstComponent", "first_component", "pca"]

# Eigenvalues closer than this, relatively, count as equal: their vectors are not identified.
_SAME = 1e-8


@dataclass(frozen=True, eq=False)
class FirstComponent:
    """The first principal component of the columns that vary.

    Parameters
    ----------
    loadings : ndarray, shape (m,)
        Unit eigenvector of the largest eigenvalue, with a positive sum; 0
        for a column that does not vary.
    eigenvalues : ndarray, shape (k,)
        Of the correlation matrix of the k columns that vary, descending;
        they sum to k.
    share : float
        Largest eigenvalue / k: share of the variance that it explains.
    signed : bool
        False if the loadings sum to zero, so that neither sign is the
        better one (always so for two columns of negative correlation).
    """

    loadings: Floats
    eigenvalues: Floats
    share: float
    signed: bool


def first_component(z: ArrayLike) -> FirstComponent:
    """Return the first principal component of the correlation matrix (Hotelling 1933).

    Where the largest eigenvalue is a multiple one, the component is the
    direction in its eigenspace that is nearest to equal loadings.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Indicators; at least one column varies. Units do not matter.

    Returns
    -------
    FirstComponent

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or no column varies.

    Examples
    --------
    >>> component = first_component([[0.0, 0.0], [1.0, 2.0], [2.0, 1.0]])
    >>> component.loadings.round(4), round(component.share, 4)
    (array([0.7071, 0.7071]), 0.75)
    """
    z, varying = varying_columns(z)
    u, _ = standardised(z[:, varying] if varying.any() else z)
    correlation = np.einsum("ij,ik->jk", u, u)  # no BLAS: the same on any number of threads
    values, vectors = np.linalg.eigh(correlation)
    largest = vectors[:, values >= values[-1] * (1 - _SAME)]
    direction = largest @ largest.sum(axis=0)  # projection of the vector of ones
    length = float(np.linalg.norm(direction))
    signed = length > _SAME
    direction = direction / length if signed else vectors[:, -1]
    loadings = np.zeros(z.shape[1])
    loadings[varying] = direction
    values = values[::-1]
    return FirstComponent(loadings, values, float(values[0] / len(values)), signed)


def pca(z: ArrayLike, names: Sequence[str] | None = None) -> Floats:
    """Weight each column by its loading on the first principal component.

    The sign of the component is the one with a positive sum of loadings, and
    w_j = a_j / sum_k a_k over the positive loadings a. A column with a
    negative loading moves against what the others have in common. Its
    absolute or squared loading would reward it for that, so it gets 0 and a
    warning names it.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, more is better, without unit.
    names : sequence of str or None
        Names of the columns for messages; positions when None.

    Returns
    -------
    ndarray, shape (m,)
        Weights. A constant column gets 0. If the loadings sum to zero the
        columns that vary weigh the same, with a warning; if no column
        varies all weights are equal, with a
        :class:`~nqpf.index.ConstantIndicatorWarning`. See
        :func:`first_component` for loadings and the explained share.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite.

    Examples
    --------
    >>> pca([[0.0, 0.0, 0.0], [1.0, 0.5, 1.0], [0.5, 1.0, 0.0]]).round(4)
    array([0.4226, 0.2113, 0.366 ])
    """
    z, varying = varying_columns(z)
    if not varying.any():
        return none_varies(z.shape[1], "PCA")
    component = first_component(z)
    if not component.signed:
        warnings.warn(
            "loadings of the first component sum to zero, so PCA weights are equal", stacklevel=2
        )
        return spread(np.ones(int(varying.sum())), varying)
    opposed = component.loadings < -_SAME
    if opposed.any():
        named = ", ".join(labels(opposed, names))
        warnings.warn(f"negative loading, so no PCA weight: {named}", stacklevel=2)
    return spread(np.maximum(component.loadings, 0.0)[varying], varying)
