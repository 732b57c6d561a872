"""Aggregation: normalised indicators and weights to one score per row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from nqpf.index import coupling
from nqpf.index._arrays import (
    Floats,
    blocks,
    buffer,
    matrix,
    require_finite,
    sweep,
    tile,
    weight_vector,
)
from nqpf.index._names import require_known
from nqpf.index.means import geometric, harmonic
from nqpf.index.outranking import copeland
from nqpf.index.vikor import measures

__all__ = [
    "ADDITIVE",
    "METHODS",
    "NON_NEGATIVE",
    "WITHIN_DIMENSION",
    "copeland",
    "geometric",
    "harmonic",
    "linear",
    "topsis",
    "vikor",
]


def linear(z: ArrayLike, w: ArrayLike) -> Floats:
    """Return the weighted sum of the indicators, S_i = sum_j w_j z_ij.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators in [0, 1], more is better.
    w : array_like, shape (m,)
        Weights of zero or more that sum to 1 within 1e-12.

    Returns
    -------
    ndarray, shape (N,)
        Scores in [0, 1].

    Raises
    ------
    nqpf.errors.MethodError
        If the weights have the wrong length, sign or sum.
    nqpf.errors.DataError
        If a value is missing or infinite.

    Examples
    --------
    >>> linear([[0.0, 1.0], [1.0, 0.5]], [0.75, 0.25])
    array([0.25 , 0.875])
    """
    z = matrix(z)
    w = weight_vector(w, z.shape[1])
    scores = np.einsum("ij,j->i", z, w)  # no BLAS: the same result on any number of threads
    require_finite(z, scores)
    return scores


def topsis(z: ArrayLike, w: ArrayLike, weighting: str = "once") -> Floats:
    """Return the relative closeness of each row to the ideal.

    With v_ij = w_j z_ij, the ideal and the anti-ideal are the largest and
    the smallest v_j over all rows; D+ and D- are the Euclidean distances to
    them, and C_i = D-_i / (D+_i + D-_i) (Hwang and Yoon 1981, with a worked
    example on pp. 133-134).

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, more is better.
    w : array_like, shape (m,)
        Weights of zero or more that sum to 1 within 1e-12.
    weighting : str
        ``once`` as above, so that a squared distance holds w_j^2; ``sqrt``
        for the distance sqrt(sum_j w_j (z_ij - z*_j)^2) of some papers, which
        holds w_j and follows large weights less.

    Returns
    -------
    ndarray, shape (N,)
        Closeness in [0, 1], 1 at the ideal. Where all rows are the same in
        every weighted column, ideal and anti-ideal coincide and 0 / 0 is
        set to 0.5: each row is as near to the one as to the other.

    Raises
    ------
    nqpf.errors.MethodError
        If the weights have the wrong length, sign or sum, or `weighting` is
        unknown.
    nqpf.errors.DataError
        If a value is missing or infinite.

    Examples
    --------
    >>> topsis([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]], [0.5, 0.5])
    array([0. , 0.5, 1. ])
    """
    z = matrix(z)
    w = weight_vector(w, z.shape[1])
    require_known("weighting of distances", weighting, ("once", "sqrt"))
    if weighting == "sqrt":
        w = np.sqrt(w)
    low, high = sweep(z, np.minimum, np.maximum)
    require_finite(z, low, high)
    with np.errstate(over="ignore", invalid="ignore"):
        largest = (w * (high - low)).max()
    if not 1e-100 < largest < 1e100:  # squares would overflow or vanish
        z, w = _unit_columns(z, w, low, high)
        if not w.any():
            return np.full(len(z), 0.5)
        low, high = np.zeros_like(w), (w > 0).astype(np.float64)
    return _closeness(z, w, low, high)


def _closeness(z: Floats, w: Floats, low: Floats, high: Floats) -> Floats:
    to_ideal, to_anti = np.empty(len(z)), np.empty(len(z))
    weights, lows, spreads = tile(w, z), tile(low, z), tile((high - low) * w, z)
    room = buffer(z)
    for rows, block in blocks(z):
        n = len(block)
        gap = room[:n]
        np.subtract(block, lows[:n], out=gap)
        gap *= weights[:n]
        np.einsum("ij,ij->i", gap, gap, out=to_anti[rows])
        gap -= spreads[:n]
        np.einsum("ij,ij->i", gap, gap, out=to_ideal[rows])
    np.sqrt(to_ideal, out=to_ideal)
    np.sqrt(to_anti, out=to_anti)
    to_ideal += to_anti
    np.divide(to_anti, to_ideal, out=to_anti)
    return to_anti


def _unit_columns(z: Floats, w: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return columns scaled to [0, 1] and weights scaled to match, up to a common factor.

    Closeness depends on the products w_j (z_ij - z_kj) up to a common factor
    only, so ranges move from the columns into the weights. Products are
    formed on mantissas and exponents apart, where they cannot overflow.
    """
    with np.errstate(over="ignore"):
        half = np.where(np.isinf(high - low), 0.5, 1.0)
    low, width = low * half, high * half - low * half
    used = (width > 0) & (w > 0)
    if not used.any():
        return z, np.zeros_like(w)
    unit = np.divide(z * half - low, width, out=np.zeros_like(z), where=used)
    (w_part, w_power), (range_part, range_power) = np.frexp(w), np.frexp(width)
    power = w_power + range_power + (half < 1.0)
    return unit, np.where(used, np.ldexp(w_part * range_part, power - power[used].max()), 0.0)


def vikor(z: ArrayLike, w: ArrayLike, v: float = 0.5) -> Floats:
    """Return the measure Q of VIKOR, **lower is better**.

    Q_i joins the sum of the weighted regrets of a row, S_i, and the largest
    of them, R_i (Opricovic and Tzeng 2004). The formulas and what holds for
    ties are with :func:`nqpf.index.vikor.measures`, the conditions of
    acceptance with :func:`nqpf.index.vikor.compromise`. A recipe turns Q
    round: its scores are 1 - Q.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, more is better.
    w : array_like, shape (m,)
        Weights of zero or more that sum to 1 within 1e-12.
    v : float
        Weight of group utility against individual regret, from 0 to 1.

    Returns
    -------
    ndarray, shape (N,)
        Q in [0, 1]; 0 for all where all rows are the same.

    Raises
    ------
    nqpf.errors.MethodError
        If the weights have the wrong length, sign or sum, or `v` is not a
        number from 0 to 1.
    nqpf.errors.DataError
        If a value is missing or infinite.

    Examples
    --------
    >>> vikor([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]], [0.5, 0.5])
    array([1. , 0.5, 0. ])
    """
    return measures(z, w, v).Q


def _vikor_score(z: ArrayLike, w: ArrayLike, v: float = 0.5) -> Floats:
    """Return 1 - Q, so that more is better as with every other method."""
    return 1.0 - vikor(z, w, v)


METHODS: dict[str, Callable[..., Floats]] = {
    "copeland": copeland,
    "coupling": coupling.of_dimensions,
    "geometric": geometric,
    "harmonic": harmonic,
    "linear": linear,
    "topsis": topsis,
    "vikor": _vikor_score,
}
# Methods whose score is the sum of one contribution w_j z_ij per indicator.
ADDITIVE = frozenset({"linear"})
# Methods that take roots or products, so that values below zero have no meaning.
NON_NEGATIVE = frozenset({"coupling", "geometric", "harmonic"})
# The method that scores a dimension, where it is another than the one that joins all indicators.
WITHIN_DIMENSION: dict[str, Callable[..., Floats]] = {"coupling": linear}
