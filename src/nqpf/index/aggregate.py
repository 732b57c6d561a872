"""Aggregation: normalised indicators and weights to one score per row."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nqpf.errors import DataError, MethodError, require_known
from nqpf.index import coupling
from nqpf.index.normalise import (
    Floats,
    blocks,
    buffer,
    matrix,
    require_finite,
    sweep,
    tile,
    unit_range,
    weight_vector,
)

if TYPE_CHECKING:
    pass

__all__ = [
    "ADDITIVE",
    "METHODS",
    "Measures",
    "NON_NEGATIVE",
    "WITHIN_DIMENSION",
    "copeland",
    "geometric",
    "harmonic",
    "linear",
    "measures",
    "topsis",
    "vikor",
]


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


# S, R and Q lie in [0, 1]; what differs by less is the same up to rounding.


class Measures(NamedTuple):
    """The three measures of VIKOR, each of shape (N,) and better when lower."""

    S: Floats
    R: Floats
    Q: Floats


def measures(z: ArrayLike, w: ArrayLike, v: float = 0.5) -> Measures:
    """Return the group utility S, the individual regret R and the measure Q.

    With f*_j and f-_j the largest and the smallest z_j over all rows,

    - S_i = sum_j w_j (f*_j - z_ij) / (f*_j - f-_j),
    - R_i = max_j w_j (f*_j - z_ij) / (f*_j - f-_j),
    - Q_i = v (S_i - S*) / (S- - S*) + (1 - v) (R_i - R*) / (R- - R*),

    where S* and R* are the smallest and S- and R- the largest values
    (Opricovic and Tzeng 2004, European Journal of Operational Research 156,
    pp. 447-448).

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
    Measures
        S, R and Q in [0, 1]. A constant column adds no regret. Where all S
        (or all R) are the same, 0 / 0 is set to 0: that measure tells no row
        from another and adds nothing to Q.

    Raises
    ------
    nqpf.errors.MethodError
        If the weights have the wrong length, sign or sum, or `v` is not a
        number from 0 to 1.
    nqpf.errors.DataError
        If a value is missing or infinite.

    Examples
    --------
    >>> measures([[0.0, 1.0], [1.0, 0.0], [0.8, 0.6]], [0.5, 0.5]).Q
    array([1., 1., 0.])
    """
    z = matrix(z)
    w = weight_vector(w, z.shape[1])
    if not (isinstance(v, Real) and 0 <= v <= 1):
        raise MethodError(f"v is {v!r}", expected="a number from 0 to 1")
    regret, _ = unit_range(z, upward=False, name="z")
    total, largest = np.empty(len(z)), np.empty(len(z))
    for rows, block in blocks(regret):
        block *= w
        block.sum(axis=1, out=total[rows])
        block.max(axis=1, out=largest[rows])
    return Measures(total, largest, v * _spread(total) + (1 - v) * _spread(largest))


def _spread(values: Floats) -> Floats:
    """Return the values on [0, 1] by their range; zeros if they differ by rounding only."""
    low, width = values.min(), np.ptp(values)
    return np.zeros_like(values) if width <= _TIE else (values - low) / width


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
    ties are with :func:`nqpf.index.aggregate.measures`, the conditions of
    acceptance with :func:`nqpf.index.recipe.compromise`. A recipe turns Q
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
