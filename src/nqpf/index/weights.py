"""Weights: one non-negative number per indicator, summing to one."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nqpf.checks import between
from nqpf.errors import DataError
from nqpf.index import normalise
from nqpf.index.normalise import _ROWS, _Booleans, _divide, _ends, _Floats, _moderate, _total
from nqpf.index.pursuit import _pursuit


def _used(ends: tuple[_Floats, _Floats], kept: _Booleans | None) -> _Booleans:
    """Return which columns (..., m) vary and are kept."""
    varying = np.less(*ends)[..., 0, :]
    return varying if kept is None else varying & kept


def _shares(parts: _Floats, used: _Booleans) -> _Floats:
    """Return parts (..., m) as weights that sum to 1; equal shares of what is used if all are 0."""
    parts = np.where(used, np.maximum(parts, 0.0), 0.0)
    parts = np.where(parts.max(axis=-1, keepdims=True) > 0, parts, used)
    return parts / parts.sum(axis=-1, keepdims=True)


_TINY = np.finfo(np.float64).tiny


def entropy(z: ArrayLike, *, shift: float = 0.0) -> _Floats:
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
        :class:`~nqpf.index.normalise._ConstantIndicatorWarning`.

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
    z = normalise._array("z", z, 0)
    if np.equal(*_ends(z)).all():
        text = "no column varies, so entropy weights are equal"
        warnings.warn(text, normalise._ConstantIndicatorWarning, stacklevel=2)
        return _equal(z)
    return _entropy(z, shift=shift)


def _entropy(z: _Floats, kept: _Booleans | None = None, *, shift: float = 0.0) -> _Floats:
    shift = between("shift", shift, 0)
    z = z + shift if shift else z
    ends = _ends(z)
    z = _moderate(z, ends)
    inverse = _divide(np.float64(z.shape[_ROWS]), _total(z))

    def term(block: _Floats) -> _Floats:
        q = block * inverse
        part = np.log(q + _TINY)  # changes q = 0 only, where ln stays finite: 0 ln 0 is 0
        part *= q
        q -= 1.0
        part -= q
        return part

    return _shares(_total(z, term)[..., 0, :], _used(ends, kept))


def _equal(z: _Floats, kept: _Booleans | None = None) -> _Floats:
    """Return the same weight for every column that is kept."""
    every = np.ones((*z.shape[:-2], z.shape[-1]), dtype=bool) if kept is None else kept
    return _shares(every, every)


def _refuse_zero_mean(values: pd.DataFrame) -> None:
    x = values.to_numpy(float)
    x = _moderate(x, _ends(x))
    mean, size = x.mean(axis=0), np.abs(x).mean(axis=0)
    zero = (np.abs(mean) <= 8 * np.finfo(np.float64).eps * size) & np.less(*_ends(x))[0]
    if zero.any():
        problem = "the mean is zero, so there is no coefficient of variation"
        where = {"indicator": values.columns[zero.argmax()]}
        expected = "an indicator on a ratio scale, with a mean other than zero"
        hint = "weigh by another method or leave the indicator out"
        raise DataError(problem, where=where, expected=expected, hint=hint)


def _variation(x: _Floats, kept: _Booleans | None = None) -> _Floats:
    """Weight each column by its coefficient of variation.

    The weight is w_j = v_j / sum_k v_k with v_j = sd_j / abs(mean_j)
    (Pearson 1896 for the coefficient), of positive indicators in their
    original units: a recipe passes them before normalisation. Units do not
    matter and neither does the direction of an indicator or the divisor of
    the standard deviation, but the zero point does; what zou-2024 fed into it
    is not stated. A constant column gets 0; a recipe refuses a mean of zero.
    """
    mean = x.mean(axis=_ROWS, keepdims=True)
    gap = x - mean
    sd = np.sqrt((gap * gap).sum(axis=_ROWS))
    return _shares(_divide(sd, np.abs(mean[..., 0, :])), _used(_ends(x), kept))


# Mean of 1 - r below which columns are taken as perfectly correlated: rounding alone gives 1e-30.
_NO_CONFLICT = 1e-20


def _critic(z: _Floats, kept: _Booleans | None = None) -> _Floats:
    """Weight each column by its contrast and its conflict with the others.

    The weight is w_j = C_j / sum_k C_k with C_j = sd_j * sum_k (1 - r_jk)
    and r the Pearson correlation (Diakoulaki, Mavrotas and Papayannakis
    1995, who take `z` from min-max normalisation). A constant column has no
    correlation: it gets 0 and is left out of the sums of the others. If all
    columns that vary are perfectly correlated there is no conflict, so they
    weigh the same, with a warning.

    With u_j the column centred and scaled to length 1, 1 - r_jk is half the
    squared distance of u_j and u_k, and the sum over k follows from the
    distances to the mean of all u. That takes N m steps instead of N m^2 and
    keeps its digits when correlations are near 1.
    """
    used = _used(_ends(z), kept)
    count = used.sum(axis=-1, keepdims=True)
    gap = z - z.mean(axis=_ROWS, keepdims=True)
    length = np.sqrt((gap * gap).sum(axis=_ROWS))
    unit = gap * _divide(1.0 * used, length)[..., None, :]
    unit = unit - unit.sum(axis=-1, keepdims=True) / count[..., None]
    distance = np.where(used, (unit * unit).sum(axis=_ROWS), 0.0)
    conflict = np.where(used, count * distance + distance.sum(axis=-1, keepdims=True), 0.0) / 2
    alike = conflict.max(axis=-1, keepdims=True) <= _NO_CONFLICT * count
    if (alike & (count > 1)).any():
        text = "all columns are perfectly correlated, so CRITIC weights are equal"
        warnings.warn(text, stacklevel=3)
    return _shares(np.where(alike, 0.0, length * conflict), used)


# Mean consistency index of random reciprocal matrices of order 1 to 15 (Saaty 1980).
_RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49)
_RANDOM_INDEX += (1.51, 1.48, 1.56, 1.57, 1.59)


@dataclass(frozen=True, eq=False)
class _Consistency:
    """Weights of a judgement matrix of order m, and how consistent it is.

    Parameters
    ----------
    weights : ndarray, shape (m,)
        Principal eigenvector, summing to 1.
    ratio : float
        Consistency ratio CR = CI / RI, accepted where it is below 0.1; 0 for m <= 2. CI is
        (lambda_max - m) / (m - 1) with the principal eigenvalue lambda_max, RI the mean CI of
        random matrices of order m.
    """

    weights: _Floats
    ratio: float


def _perron(a: _Floats) -> _Consistency:
    """Return weights and consistency of a positive reciprocal matrix."""
    m = len(a)
    values, vectors = np.linalg.eig(a)
    w = np.abs(vectors[:, values.real.argmax()].real)  # one sign throughout (Perron 1907)
    w = (a * (w / w.sum())).sum(axis=1)  # one power step sharpens small weights
    w /= w.sum()
    index = max(0.0, (float((a * w).sum()) - m) / (m - 1)) if m > 2 else 0.0
    random = _RANDOM_INDEX[m - 1] if m <= len(_RANDOM_INDEX) else (1.7699 * m - 4.3513) / (m - 1)
    return _Consistency(w, index / random if m > 2 else 0.0)


_STEPS = 9  # of Saaty's scale
# A ratio this close to half-way between two values counts as half-way, so that rounding in the
# last digits, as from another order of rows, does not decide.
_TIE = 1e-9


@dataclass(frozen=True, eq=False)
class _EntropyJudgements:
    """Judgements that entropy implies, and the weights that follow.

    Parameters
    ----------
    largest_ratio : float
        D, the largest g over the smallest above 0.
    levels : int
        alpha, the number of values on the scale.
    judgements : ndarray, shape (k, k)
        Of the k columns that vary over each other.
    consistency : object
        Eigenvalue and consistency ratio of the judgements.
    weights : ndarray, shape (m,)
        The eigenvector, with 0 for columns that do not vary.
    """

    largest_ratio: float
    levels: int
    judgements: _Floats
    consistency: _Consistency
    weights: _Floats


def ahp_entropy_judgements(z: ArrayLike) -> _EntropyJudgements:
    """Turn entropies into a judgement matrix and that into weights.

    Plain entropy gives dispersed indicators a large weight. The improvement
    reads the ratios of g_j = 1 - e_j on a scale of at most nine steps. With
    D = max g / min g, alpha = round(D) if D <= 9 else 9 and
    R = (D / alpha)^(1 / (alpha - 1)), the scale is k R^(k-1), k = 1..alpha,
    which ends at D. The judgement of j over k is the value of the scale
    nearest to g_j / g_k if g_j >= g_k, and the reciprocal of the opposite
    judgement otherwise. Weights are its principal eigenvector.

    This is a **reconstruction** of the improvement that the survey ascribes
    to Lu, Guo and Wang (2024); the article's own scale is not public.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, zero or more, without unit.

    Returns
    -------
    object
        ``weights`` (m,), 0 for columns that do not vary; ``largest_ratio`` D,
        ``levels`` alpha, the ``judgements`` (k, k) of the k columns that
        vary, and their ``consistency``.
        If D < 1.5 the scale has the one value 1, so all these columns weigh
        the same. Half-way values go to the larger alpha, but to the smaller
        judgement.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing, infinite or negative, or if no column varies.

    Examples
    --------
    >>> z = [[0.0, 0.0, 0.0], [0.0, 0.5, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    >>> result = ahp_entropy_judgements(z)
    >>> round(result.largest_ratio, 2), result.levels
    (4.82, 5)
    >>> result.weights.round(3), round(result.consistency.ratio, 3)
    (array([0.684, 0.164, 0.152]), 0.004)
    """
    z = normalise._array("z", z, 0)
    if np.equal(*_ends(z)).all():
        problem = "every indicator is constant, so there is nothing to judge"
        raise DataError(problem, expected="an indicator that differs between at least two rows")
    return _judged(_entropy(z))


def _judged(g: _Floats) -> _EntropyJudgements:
    """Judge the columns by their divergence (m,), up to a common factor."""
    kept = g > 0
    ratios = g[kept, None] / g[kept]
    largest = float(ratios.max())
    levels = _STEPS if largest > _STEPS else math.floor(largest + 0.5 + _TIE)
    k = np.arange(1, levels + 1)
    scale = k * (largest / levels) ** ((k - 1) / max(levels - 1, 1))  # ends at the largest ratio
    half_way = (scale[1:] + scale[:-1]) / 2 * (1 + _TIE)
    judgements = scale[np.searchsorted(half_way, ratios)]
    judgements = np.where(ratios >= 1, judgements, 1 / judgements.T)
    consistency = _perron(judgements)
    weights = np.zeros(len(g))
    weights[kept] = consistency.weights
    return _EntropyJudgements(largest, levels, judgements, consistency, weights)


def _ahp_entropy(z: _Floats, kept: _Booleans | None = None) -> _Floats:
    """Weight each column by the judgements that entropies imply.

    A reconstruction; see :func:`ahp_entropy_judgements` for the formula. A
    column that does not vary gets 0 and is not judged.
    """
    return np.apply_along_axis(lambda g: _judged(g).weights, -1, _entropy(z, kept))


_ALL = (_entropy, _equal, _variation, _critic, _ahp_entropy, _pursuit)
_METHODS = {method.__name__.strip("_"): method for method in _ALL}
