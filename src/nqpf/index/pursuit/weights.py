"""Weights from projection pursuit."""

from __future__ import annotations

from numpy.typing import ArrayLike

from nqpf.index._arrays import Floats
from nqpf.index.pursuit.solve import projection_pursuit

__all__ = ["pursuit_weights"]


def pursuit_weights(
    z: ArrayLike, radius: float = 0.1, solver: str = "multistart", seed: int = 0
) -> Floats:
    """Weight indicators by the direction of the largest projection index.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators.
    radius, solver, seed
        As in :func:`projection_pursuit`.

    Returns
    -------
    ndarray, shape (m,)
        a / sum(a): a linear aggregate with these weights is the projection of
        the clustering model divided by sum(a), with the same ranks.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.MethodError
        As :func:`projection_pursuit`.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.random.default_rng(0).normal(size=(40, 3))
    >>> z[:20, 1] += 4.0
    >>> pursuit_weights(z).round(2)
    array([0.28, 0.65, 0.07])
    """
    direction = projection_pursuit(z, radius, solver, seed).direction
    return direction / direction.sum()
