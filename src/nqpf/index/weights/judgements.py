"""Weights from judgements: the analytic hierarchy process of Saaty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nqpf.errors import MethodError
from nqpf.index._arrays import Floats

__all__ = ["ACCEPTED", "Consistency", "ahp", "ahp_consistency"]

# A consistency ratio of this much or more is not accepted (Saaty 1980).
ACCEPTED = 0.1
# Mean consistency index of random reciprocal matrices of order 1 to 15 (Saaty 1980).
_RANDOM_INDEX = (
    *(0.0, 0.0, 0.58, 0.90, 1.12),
    *(1.24, 1.32, 1.41, 1.45, 1.49),
    *(1.51, 1.48, 1.56, 1.57, 1.59),
)
# How far a_jk * a_kj may be from 1: thirds and sevenths written with seven digits pass.
_RECIPROCAL = 1e-6


@dataclass(frozen=True, eq=False)
class Consistency:
    """Weights of a judgement matrix of order m, and how consistent it is.

    Parameters
    ----------
    weights : ndarray, shape (m,)
        Principal eigenvector, summing to 1.
    lambda_max : float
        Principal eigenvalue; m for a consistent matrix, more otherwise.
    index : float
        Consistency index CI = (lambda_max - m) / (m - 1); 0 for m <= 2.
    random_index : float
        Mean CI of random matrices of order m, RI.
    ratio : float
        Consistency ratio CR = CI / RI; 0 for m <= 2.
    """

    weights: Floats
    lambda_max: float
    index: float
    random_index: float
    ratio: float

    @property
    def accepted(self) -> bool:
        """Whether CR is below 0.1."""
        return self.ratio < ACCEPTED


def random_index(m: int) -> float:
    """Return the mean consistency index of random matrices of order m.

    Saaty's (1980) table to m = 15. Beyond it the fit of Alonso and Lamata
    (2006), (1.7699 m - 4.3513) / (m - 1), which is 1.585 at m = 15.
    """
    if m <= len(_RANDOM_INDEX):
        return _RANDOM_INDEX[m - 1]
    return (1.7699 * m - 4.3513) / (m - 1)


def ahp_consistency(judgements: ArrayLike | pd.DataFrame) -> Consistency:
    """Return the weights and the consistency of a judgement matrix.

    Parameters
    ----------
    judgements : array_like or DataFrame, shape (m, m)
        How many times as important as k indicator j is, on Saaty's scale
        1/9 to 9 or any other: positive, with a_kj = 1 / a_jk. The columns of
        a frame are put in the order of its rows, by label.

    Returns
    -------
    Consistency

    Raises
    ------
    nqpf.errors.MethodError
        If the matrix is not square, finite, positive and reciprocal; the
        message names the pair.

    Examples
    --------
    >>> result = ahp_consistency([[1, 3, 5], [1/3, 1, 3], [1/5, 1/3, 1]])
    >>> result.weights.round(4), round(result.lambda_max, 4), round(result.ratio, 4)
    (array([0.637 , 0.2583, 0.1047]), 3.0385, 0.0332)
    """
    a, _ = _checked(judgements)
    return perron(a)


def perron(a: Floats) -> Consistency:
    """Return weights and consistency of a positive reciprocal matrix."""
    m = len(a)
    values, vectors = np.linalg.eig(a)
    w = np.abs(vectors[:, values.real.argmax()].real)  # one sign throughout (Perron 1907)
    w = (a * (w / w.sum())).sum(axis=1)  # one power step sharpens small weights
    w /= w.sum()
    lambda_max = float((a * w).sum())
    index = max(0.0, (lambda_max - m) / (m - 1)) if m > 2 else 0.0
    reference = random_index(m)
    return Consistency(w, lambda_max, index, reference, index / reference if m > 2 else 0.0)


def ahp(judgements: ArrayLike | pd.DataFrame, allow_inconsistent: bool = False) -> Floats:
    """Weight indicators by the principal eigenvector of a judgement matrix.

    Saaty (1977, 1980): A w = lambda_max w, for a reciprocal matrix A of
    judgements of each indicator over each other.

    Parameters
    ----------
    judgements : array_like or DataFrame, shape (m, m)
        See :func:`ahp_consistency`.
    allow_inconsistent : bool
        Accept a consistency ratio of 0.1 or more.

    Returns
    -------
    ndarray, shape (m,)
        Weights, in the order of the rows.

    Raises
    ------
    nqpf.errors.MethodError
        If the matrix is not square, finite, positive and reciprocal, or if
        CR >= 0.1 and that is not allowed; the message names the pair.

    Examples
    --------
    >>> ahp([[1, 2, 4], [1/2, 1, 2], [1/4, 1/2, 1]]).round(4)
    array([0.5714, 0.2857, 0.1429])
    """
    a, labels = _checked(judgements)
    result = perron(a)
    if not (result.accepted or allow_inconsistent):
        j, k = _most_inconsistent(a, result.weights)
        implied = result.weights[j] / result.weights[k]
        raise MethodError(
            f"judgements are inconsistent: CR = {result.ratio:.3f}",
            expected=f"a consistency ratio below {ACCEPTED}",
            hint=f"the judgement furthest from the weights is {labels[j]} over {labels[k]}, "
            f"{a[j, k]:.4g} against {implied:.4g}; revise it or pass allow_inconsistent=True",
        )
    return result.weights


def _most_inconsistent(a: Floats, w: Floats) -> tuple[int, int]:
    """Return the pair whose judgement is furthest, as a ratio, from the ratio of weights."""
    distance = np.abs(np.log(a) - np.log(w[:, None]) + np.log(w))
    j, k = np.unravel_index(np.triu(distance, 1).argmax(), a.shape)
    return int(j), int(k)


def _checked(judgements: ArrayLike | pd.DataFrame) -> tuple[Floats, list[str]]:
    """Return the matrix and the labels of its rows, or raise."""
    if isinstance(judgements, pd.DataFrame):
        judgements = _aligned(judgements)
        labels = [str(key) for key in judgements.index]
    else:
        labels = []
    try:
        a = np.array(judgements, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MethodError(
            f"judgements are not numeric: {error}", expected="a square matrix of numbers"
        ) from None
    if a.ndim != 2 or a.shape[0] != a.shape[1] or a.size == 0:
        raise MethodError(
            f"judgements have shape {a.shape}", expected="a square matrix (m, m), m at least one"
        )
    labels = labels or [f"indicator {j}" for j in range(len(a))]
    _require_reciprocal(a, labels)
    return a, labels


def _aligned(frame: pd.DataFrame) -> pd.DataFrame:
    if not (frame.index.is_unique and frame.columns.is_unique) or set(frame.index) != set(
        frame.columns
    ):
        raise MethodError(
            "rows and columns of the judgements have different labels",
            where={"rows": list(frame.index), "columns": list(frame.columns)},
            expected="the same indicators in both, each once",
        )
    return frame[list(frame.index)]


def _require_reciprocal(a: Floats, labels: list[str]) -> None:
    usable = np.isfinite(a) & (a > 0)
    if not usable.all():
        j, k = np.argwhere(~usable)[0]
        raise MethodError(
            f"the judgement of {labels[j]} over {labels[k]} is {a[j, k]:g}",
            expected="a positive finite number",
            hint="write 1/3 for three times less important",
        )
    with np.errstate(over="ignore"):
        wrong = np.abs(a * a.T - 1.0) > _RECIPROCAL
    if wrong.any():
        j, k = np.argwhere(wrong)[0]
        raise MethodError(
            f"judgements are not reciprocal: {labels[j]} over {labels[k]} is {a[j, k]:.6g}, "
            f"{labels[k]} over {labels[j]} is {a[k, j]:.6g}",
            expected="1 on the diagonal" if j == k else f"{1 / a[j, k]:.6g} for the latter",
            hint="give fractions in full, 1/3 and not 0.33",
        )
