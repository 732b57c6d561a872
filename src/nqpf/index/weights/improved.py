"""AHP-improved entropy weights: a reconstruction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nqpf.errors import DataError
from nqpf.index._arrays import Floats, matrix
from nqpf.index.weights._columns import none_varies, spread
from nqpf.index.weights.information import divergence
from nqpf.index.weights.judgements import Consistency, perron

__all__ = ["EntropyJudgements", "ahp_entropy", "ahp_entropy_judgements"]

_STEPS = 9  # of Saaty's scale
# A ratio this close to half-way between two values counts as half-way, so that rounding in the
# last digits, as from another order of rows, does not decide.
_TIE = 1e-9


@dataclass(frozen=True, eq=False)
class EntropyJudgements:
    """Judgements that entropy implies, and the weights that follow.

    Parameters
    ----------
    divergence : ndarray, shape (m,)
        g_j = 1 - e_j, 0 for a column that does not vary.
    kept : ndarray of bool, shape (m,)
        Columns with g_j > 0; the others are not judged.
    largest_ratio : float
        D, the largest g over the smallest one that is kept.
    levels : int
        alpha, the number of values on the scale.
    scale : ndarray, shape (alpha,)
        k R^(k-1), from 1 to D.
    judgements : ndarray, shape (k, k)
        Of the k kept columns over each other.
    consistency : Consistency
        Principal eigenvector of the judgements, lambda_max, CI and CR.
    weights : ndarray, shape (m,)
        The eigenvector, with 0 for columns that are not kept.
    """

    divergence: Floats
    kept: NDArray[np.bool_]
    largest_ratio: float
    levels: int
    scale: Floats
    judgements: Floats
    consistency: Consistency
    weights: Floats


def ahp_entropy_judgements(z: ArrayLike) -> EntropyJudgements:
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
    EntropyJudgements
        If D < 1.5 the scale has the one value 1, so all kept columns weigh
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
    >>> round(result.largest_ratio, 2), result.levels, result.scale.round(2)
    (4.82, 5, array([1.  , 1.98, 2.95, 3.89, 4.82]))
    >>> result.weights.round(3), round(result.consistency.ratio, 3)
    (array([0.684, 0.164, 0.152]), 0.004)
    """
    z = matrix(z)
    g = divergence(z)
    kept = g > 0
    if not kept.any():
        raise DataError(
            "every indicator is constant, so there is nothing to judge",
            expected="an indicator that differs between at least two rows",
        )
    ratios = g[kept, None] / g[kept]
    largest = float(ratios.max())
    scale = _scale(largest)
    half_way = (scale[1:] + scale[:-1]) / 2 * (1 + _TIE)
    judgements = scale[np.searchsorted(half_way, ratios)]
    judgements = np.where(ratios >= 1, judgements, 1 / judgements.T)
    consistency = perron(judgements)
    return EntropyJudgements(
        divergence=g / (len(z) * math.log(len(z))),
        kept=kept,
        largest_ratio=largest,
        levels=len(scale),
        scale=scale,
        judgements=judgements,
        consistency=consistency,
        weights=spread(consistency.weights, kept),
    )


def _scale(largest: float) -> Floats:
    """Return k R^(k-1) for k = 1..alpha, which ends at the largest ratio if alpha > 1."""
    levels = _STEPS if largest > _STEPS else math.floor(largest + 0.5 + _TIE)
    if levels == 1:
        return np.ones(1)
    k = np.arange(1, levels + 1)
    return k * (largest / levels) ** ((k - 1) / (levels - 1))


def ahp_entropy(z: ArrayLike) -> Floats:
    """Weight each column by the judgements that entropies imply.

    A reconstruction; see :func:`ahp_entropy_judgements` for the formula, the
    judgement matrix and its consistency ratio.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, zero or more, without unit.

    Returns
    -------
    ndarray, shape (m,)
        Weights. A column of zeros or of one repeated value gets 0 and is not
        judged. If the largest divergence is less than 1.5 times the
        smallest, all other columns weigh the same. If no column varies the
        weights are equal, with a
        :class:`~nqpf.index.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing, infinite or negative.

    Examples
    --------
    >>> ahp_entropy([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).round(3)
    array([0.73, 0.27])
    """
    z = matrix(z)
    if not divergence(z).any():
        return none_varies(z.shape[1], "AHP-improved entropy")
    return ahp_entropy_judgements(z).weights
