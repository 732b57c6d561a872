"""Aggregation: normalised indicators and weights to one score per row.

Coupling coordination aggregates in two steps: how far subsystems develop, and how far together.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nqpf.checks import between, choose
from nqpf.errors import DataError
from nqpf.index import normalise
from nqpf.index.normalise import _ROWS, _blocks, _divide, _ends, _Floats

_TIE = 1e-12  # scores that differ by less are the same up to rounding


def _ready(z: ArrayLike, w: ArrayLike) -> tuple[_Floats, _Floats]:
    """Return checked normalised values and weights."""
    array = normalise._array("z", z)
    return array, normalise._weight_vector(w, array.shape[1])


def linear(z: ArrayLike, w: ArrayLike) -> _Floats:
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
    return _linear(*_ready(z, w))


def _linear(z: _Floats, w: _Floats) -> _Floats:
    return np.einsum("...ij,...j->...i", z, w)  # no BLAS: the same on any number of threads


def topsis(z: ArrayLike, w: ArrayLike) -> _Floats:
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

    Returns
    -------
    ndarray, shape (N,)
        Closeness in [0, 1], 1 at the ideal. Where all rows are the same in
        every weighted column, ideal and anti-ideal coincide and 0 / 0 is
        set to 0.5: each row is as near to the one as to the other.

    Raises
    ------
    nqpf.errors.MethodError
        If the weights have the wrong length, sign or sum.
    nqpf.errors.DataError
        If a value is missing or infinite.

    Notes
    -----
    Some papers put w_j instead of w_j^2 into the squared distances. Weights
    proportional to the roots of theirs give that.

    Examples
    --------
    >>> topsis([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]], [0.5, 0.5])
    array([0. , 0.5, 1. ])
    """
    return _topsis(*_ready(z, w))


def _topsis(z: _Floats, w: _Floats) -> _Floats:
    low, high = _ends(z)
    with np.errstate(over="ignore", invalid="ignore"):
        largest = (w[..., None, :] * (high - low)).max()
    if not 1e-100 < largest < 1e100:  # squares would overflow or vanish
        z, w = _unit_columns(z, w)
        low, high = np.zeros_like(low), np.ones_like(high)
    near, far = np.empty((2, *np.broadcast_shapes(z.shape[:-1], (*w.shape[:-1], 1))))
    for rows in _blocks(z):
        for end, distance in ((low, far), (high, near)):
            gap = (z[..., rows, :] - end) * w[..., None, :]
            np.sqrt(np.einsum("...ij,...ij->...i", gap, gap), out=distance[..., rows])
    near += far
    return np.divide(far, near, out=np.full_like(far, 0.5), where=near > 0)


def _unit_columns(z: _Floats, w: _Floats) -> tuple[_Floats, _Floats]:
    """Return columns scaled to [0, 1] and weights scaled to match, up to a common factor.

    Closeness depends on the products w_j (z_ij - z_kj) up to a common factor
    only, so ranges move from the columns into the weights. Products are
    formed on mantissas and exponents apart, where they cannot overflow.
    """
    size = np.frexp(np.abs(z).max(axis=_ROWS, keepdims=True))[1]
    z = np.ldexp(z, -size)
    low, high = _ends(z)
    (part, power), (w_part, w_power) = np.frexp((high - low)[..., 0, :]), np.frexp(w)
    part, power = part * w_part, power + w_power + size[..., 0, :]
    power -= power.max(axis=-1, keepdims=True, where=part > 0, initial=-(2**20))
    return _divide(z - low, high - low), np.ldexp(part, power)


def _geometric(z: ArrayLike, w: ArrayLike) -> _Floats:
    """Return the weighted geometric mean of the indicators, prod_j z_ij^w_j.

    A low value in one indicator is made up for by a high one in another less
    than in a sum (OECD/JRC, *Handbook on Constructing Composite Indicators*,
    2008, section 6.7). One zero in an indicator with a weight makes the score
    zero, whatever the rest: under min-max every indicator has such a row.
    """
    with np.errstate(divide="ignore"):  # ln 0 is -inf, exp of it 0
        logs = np.log(np.where(w[..., None, :] > 0, z, 1.0))
    return np.exp(np.einsum("...ij,...j->...i", logs, w))


def _harmonic(z: ArrayLike, w: ArrayLike) -> _Floats:
    """Return the weighted harmonic mean of the indicators, 1 / sum_j (w_j / z_ij).

    It compensates less than the geometric mean, which lies between it and the
    weighted sum. One zero in an indicator with a weight makes the score zero.
    """
    z = np.where(w[..., None, :] > 0, z, np.inf)
    least = z.min(axis=-1, keepdims=True)
    # Ratios to the least value cannot overflow; a row with a zero has the ratio 1 only there.
    ratios = np.divide(least, z, out=np.ones_like(z), where=z > 0)
    return least[..., 0] / np.einsum("...ij,...j->...i", ratios, w)


def _vikor_measures(z: _Floats, w: _Floats, v: float) -> tuple[_Floats, _Floats, _Floats]:
    """Return the group utility S, the individual regret R and the measure Q (..., N)."""
    regret = normalise._minmax(z, np.False_) * w[..., None, :]
    total, largest = regret.sum(axis=-1), regret.max(axis=-1)
    return total, largest, v * _spread(total) + (1 - v) * _spread(largest)


def _spread(values: _Floats) -> _Floats:
    """Return the values on [0, 1] by their range; zeros if they differ by rounding only."""
    low, high = values.min(axis=-1, keepdims=True), values.max(axis=-1, keepdims=True)
    return (values - low) / np.where(high - low <= _TIE, np.inf, high - low)


def _vikor(z: ArrayLike, w: ArrayLike, *, v: float = 0.5) -> _Floats:
    """Return 1 - Q of VIKOR, so that more is better.

    With f*_j and f-_j the largest and the smallest z_j over all rows,

    - S_i = sum_j w_j (f*_j - z_ij) / (f*_j - f-_j),
    - R_i = max_j w_j (f*_j - z_ij) / (f*_j - f-_j),
    - Q_i = v (S_i - S*) / (S- - S*) + (1 - v) (R_i - R*) / (R- - R*),

    where S* and R* are the smallest and S- and R- the largest values, and
    `v` from 0 to 1 weighs group utility against individual regret (Opricovic
    and Tzeng 2004, European Journal of Operational Research 156, pp. 447-448).
    A constant column adds no regret. Where all S (or all R) are the same,
    0 / 0 is set to 0: that measure tells no row from another and adds nothing.
    The measures and the conditions of acceptance are with
    :meth:`nqpf.index.Index.compromise`.
    """
    return 1.0 - _vikor_measures(z, w, between("v", v, 0, 1))[2]


def _coupling(z: ArrayLike, w: ArrayLike, dimension: Sequence[str]) -> _Floats:
    """Return the coordination degree of the dimensions of an indicator system.

    The score of a dimension is the weighted sum of its indicators, weights
    rescaled to sum to 1; :func:`coordination` joins them.
    A dimension whose weights are all zero has no score and is left out, with a
    warning.
    """
    if z.ndim > 2:  # dimensions without weight differ by draw
        draws = zip(np.broadcast_to(z, (len(w), *z.shape[1:])), w, strict=True)
        return np.array([_coupling(*draw, dimension) for draw in draws])
    scores, empty = [], []
    for key in dict.fromkeys(dimension):
        own = np.asarray(dimension) == key
        total = w[own].sum()
        if total > 0:
            scores.append(_linear(z[:, own], w[own] / total))
        else:
            empty.append(str(key))
    if empty:
        warnings.warn(f"no weight, so left out of the coupling: {', '.join(empty)}", stacklevel=3)
    return coordination(np.column_stack(scores)).D


_FORMS = ("standard", "no-root", "wang")


class _Coordination(NamedTuple):
    """Coupling degree C, development T and coordination degree D, each of shape (N,)."""

    C: _Floats
    T: _Floats
    D: _Floats


def coordination(
    u: ArrayLike, alpha: ArrayLike | None = None, form: str = "standard"
) -> _Coordination:
    """Return the coupling degree, the development and the coordination degree.

    T = sum_s alpha_s U_s and D = sqrt(C T). Papers write the coupling degree
    in forms that differ, and D with them. With s subsystems, their mean M and
    their largest score U_max:

    - ``standard``: C = [prod U / M^s]^(1/s), the geometric over the arithmetic
      mean;
    - ``no-root``: C = prod U / M^s, without the root;
    - ``wang``: C = sqrt([1 - mean |U_r - U_s|] prod (U / U_max)^(1/(s-1))),
      the mean over pairs (Wang, Kong, Ren, Zhi and Dai 2021, Journal of
      Natural Resources 36, 793-810), which spreads over [0, 1] where the
      others crowd at 1.

    Parameters
    ----------
    u : array_like, shape (N, s)
        Scores of the subsystems in [0, 1].
    alpha : array_like, shape (s,), or None
        Importance of the subsystems in T, summing to 1; equal when None.
    form : str
        Form of the coupling degree.

    Returns
    -------
    tuple (C, T, D) of ndarrays, each of shape (N,)
        C, T and D in [0, 1]. A subsystem at zero makes C and D zero; a single
        subsystem above zero is coupled with itself, C = 1.

    Raises
    ------
    nqpf.errors.MethodError
        If `form` is unknown, or `alpha` has the wrong length, sign or sum.
    nqpf.errors.DataError
        If a score is missing, infinite or outside [0, 1].

    Examples
    --------
    >>> c, t, d = coordination([[0.2, 0.8], [0.5, 0.5], [0.0, 0.9]])
    >>> c, d.round(4)
    (array([0.8, 1. , 0. ]), array([0.6325, 0.7071, 0.    ]))
    """
    choose("form of coupling", form, _FORMS)
    u = normalise._array("u", u, 0)
    if u.max() > 1 + 1e-12:  # a weighted sum may exceed 1 by rounding
        row, column = np.argwhere(u > 1 + 1e-12)[0].tolist()
        where = {"row": row, "column": column}
        expected = "scores of subsystems from 0 to 1"
        raise DataError(f"u holds {u[row, column]}", where=where, expected=expected)
    u, s = np.minimum(u, 1.0), u.shape[1]
    alpha = np.full(s, 1 / s) if alpha is None else normalise._weight_vector(alpha, s, "alpha")
    c = np.zeros(len(u))
    together = u.min(axis=1) > 0
    c[together] = 1.0 if s == 1 else _coupled(u[together], form)
    np.minimum(c, 1.0, out=c)
    t = np.einsum("ij,j->i", u, alpha)
    return _Coordination(c, t, np.sqrt(c * t))


def _coupled(u: _Floats, form: str) -> _Floats:
    """Return the coupling degree of rows without a zero."""
    s = u.shape[1]
    ratio = u / u.max(axis=1, keepdims=True)  # tiny scores keep their digits
    if form == "wang":
        first, second = np.triu_indices(s, 1)
        apart = np.abs(u[:, first] - u[:, second]).mean(axis=1)
        return np.sqrt((1 - apart) * np.exp(np.log(ratio).sum(axis=1) / (s - 1)))
    standard = np.exp(np.log(ratio).mean(axis=1)) / ratio.mean(axis=1)
    return standard**s if form == "no-root" else standard


_ALL = (_coupling, _geometric, _harmonic, _linear, _topsis, _vikor)
_METHODS = {method.__name__.strip("_"): method for method in _ALL}
