"""Combination of several weight vectors into one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from nqpf.errors import MethodError
from nqpf.index._arrays import Floats, matrix, weight_vector
from nqpf.index._names import require_known

__all__ = ["combination"]


def combination(vectors: ArrayLike, method: str = "mean") -> Floats:
    """Combine weight vectors of the same indicators into one.

    ``mean`` is their arithmetic mean. ``game`` is the game-theoretic
    combination of the Chinese evaluation literature: coefficients a that
    make sum_l a_l w_l deviate least from each w_k in turn. The first-order
    condition of each is sum_l a_l (w_k . w_l) = w_k . w_k, one linear
    equation per vector; a is scaled to sum to 1.

    Parameters
    ----------
    vectors : array_like, shape (L, m)
        Weight vectors, each of zero or more and summing to 1 within 1e-12.
    method : {"mean", "game"}
        How to combine.

    Returns
    -------
    ndarray, shape (m,)
        Weights. With ``game`` a vector whose coefficient is negative is left
        out, so that the result lies between the vectors, and the equations
        are solved by least squares where vectors are linearly dependent
        (identical vectors share equally).

    Raises
    ------
    nqpf.errors.MethodError
        If a vector has a negative weight or another sum, or the method is
        unknown.

    Notes
    -----
    ``game`` favours concentrated vectors: beside equal weights w_1, where
    w_1 . w_2 = w_1 . w_1 = 1 / m, it returns the other vector.

    Examples
    --------
    >>> vectors = [[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]]
    >>> combination(vectors)
    array([0.35, 0.25, 0.4 ])
    >>> combination(vectors, method="game").round(4)
    array([0.326 , 0.242 , 0.4321])
    """
    require_known("combination", method, _METHODS)
    table = matrix(vectors, "vectors")
    for position, row in enumerate(table):
        try:
            weight_vector(row, table.shape[1])
        except MethodError as error:
            raise MethodError(
                error.problem,
                where={"vector": position, **error.where},
                expected=error.expected,
                hint=error.hint,
            ) from None
    w = _METHODS[method](table)
    return w / w.sum()


def _mean(table: Floats) -> Floats:
    return table.mean(axis=0)


def _game(table: Floats) -> Floats:
    products = np.einsum("ij,kj->ik", table, table)
    coefficients = np.linalg.lstsq(products, np.diag(products), rcond=1e-12)[0]
    return np.einsum("i,ij->j", np.maximum(coefficients, 0.0), table)


_METHODS: dict[str, Callable[[Floats], Floats]] = {"mean": _mean, "game": _game}
