r"""One and two steps of GMM on stacked equations (Arellano and Bond 1991).

With Z_i, X_i, y_i the rows of unit i, A the weighting matrix and S the sum of
Z_i' e_i e_i' Z_i over units:

    b = (X'Z A Z'X)^-1 X'Z A Z'y.

Step one has A = (sum Z_i' H Z_i)^-1, H the covariance of the errors up to scale
if they were white noise; step two has A = S^-1 at the residuals of step one.
Windmeijer (2005) corrects the covariance of step two for the noise in S.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np

from nqpf.errors import EstimationError
from nqpf.regress.dynamic.equations import Equations

__all__ = ["SingularWeightingWarning", "Solution", "Steps", "estimate", "minimum", "weighting"]

_RELATIVE = 1e-10  # below this share of a column, what is left of it is rounding


class SingularWeightingWarning(UserWarning):
    """A weighting matrix has no inverse; its pseudo-inverse was used."""


@dataclass(frozen=True)
class Solution:
    """Coefficients of one step.

    Attributes
    ----------
    slopes : (K,)
    weights : (m, m)
    bread : (K, K)
        (X'Z A Z'X)^-1.
    residuals : (G, R)
    moments : (G, m)
        Z_i' e_i.
    cov : (K, K)
        Robust covariance of step one; S-based covariance of step two.
    """

    slopes: np.ndarray
    weights: np.ndarray
    bread: np.ndarray
    residuals: np.ndarray
    moments: np.ndarray
    cov: np.ndarray


@dataclass(frozen=True)
class Steps:
    """Both steps, on instruments that are not combinations of each other.

    Attributes
    ----------
    outcome : (G, R)
    regressors : (G, R, K)
    instruments : (G, R, m)
        Of length one.
    groups : tuple of str
        What each instrument is.
    cross : (m, K)
        Z'X.
    target : (m,)
        Z'y.
    first, second : Solution
    corrected : (K, K)
        Windmeijer's covariance of step two.
    regular : bool
        Whether S has an inverse.
    """

    outcome: np.ndarray
    regressors: np.ndarray
    instruments: np.ndarray
    groups: tuple[str, ...]
    cross: np.ndarray
    target: np.ndarray
    first: Solution
    second: Solution
    corrected: np.ndarray
    regular: bool


def estimate(equations: Equations, initial: str) -> Steps:
    """Return both steps.

    Raises
    ------
    nqpf.errors.EstimationError
        If there are fewer instruments or units than coefficients, or one is not identified.
    """
    x, y = equations.regressors, equations.outcome
    kept = _independent(equations.instruments)
    z = equations.instruments[..., kept]
    z = z / np.sqrt((z**2).sum(axis=(0, 1)))
    groups = tuple(equations.groups[i] for i in kept)
    cross, target = _product(z, x), _product(z, y[..., None])[:, 0]
    _check_identified(cross, x, equations.labels)
    noise = _noise(len(equations.years), initial, equations.system)
    start, _ = _inverse((noise.T @ z).reshape(-1, len(kept)), "first", x.shape[-1])
    first = _solve(x, y, z, cross, target, start)
    scores = first.moments @ (start @ cross @ first.bread)
    robust = scores.T @ scores
    weights, regular = _inverse(first.moments, "second", x.shape[-1])
    second = _solve(x, y, z, cross, target, weights)
    return Steps(
        outcome=y,
        regressors=x,
        instruments=z,
        groups=groups,
        cross=cross,
        target=target,
        first=replace(first, cov=robust),
        second=second,
        corrected=_windmeijer(x, z, cross, first, robust, second),
        regular=regular,
    )


def weighting(root: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the inverse of root'root and its rank; of a singular one a pseudo-inverse.

    The pseudo-inverse is that of columns of length one, so that it does not depend on
    the units of the instruments.

    Parameters
    ----------
    root : (n, m)

    Examples
    --------
    >>> weighting(np.diag([1.0, 2.0]))[0].tolist()
    [[1.0, 0.0], [0.0, 0.25]]
    >>> weighting(np.ones((2, 3)))[1]
    1
    """
    length = np.sqrt((root**2).sum(axis=0))
    length = np.where(length > 0, length, 1.0)
    _, size, turn = np.linalg.svd(root / length, full_matrices=False)
    solid = size > _RELATIVE * size[0]
    half = turn[solid] / size[solid, None] / length
    return half.T @ half, int(solid.sum())


def _inverse(root: np.ndarray, step: str, needed: int) -> tuple[np.ndarray, bool]:
    inverse, rank = weighting(root)
    count = root.shape[1]
    if rank < needed:
        raise EstimationError(
            f"the weighting matrix of the {step} step has rank {rank} for {needed} coefficients",
            expected="more units than coefficients, and errors that vary",
            hint="use fewer regressors or no year effects",
        )
    if rank < count:
        warnings.warn(
            f"the weighting matrix of the {step} step has rank {rank} with {count} instruments: "
            "its pseudo-inverse is used; use fewer instruments",
            SingularWeightingWarning,
            stacklevel=4,
        )
    return inverse, rank == count


def minimum(cross: np.ndarray, target: np.ndarray, weights: np.ndarray) -> float:
    """Return the least value of the criterion over coefficients."""
    slopes = np.linalg.solve(cross.T @ weights @ cross, cross.T @ weights @ target)
    left = target - cross @ slopes
    return float(left @ weights @ left)


def _product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.tensordot(left, right, axes=([0, 1], [0, 1]))


def _solve(
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    cross: np.ndarray,
    target: np.ndarray,
    weights: np.ndarray,
) -> Solution:
    bread = np.linalg.inv(cross.T @ weights @ cross)
    slopes = bread @ (cross.T @ (weights @ target))
    residuals = y - x @ slopes
    moments = np.einsum("grm,gr->gm", z, residuals)
    return Solution(slopes, weights, bread, residuals, moments, bread)


def _noise(years: int, initial: str, system: bool) -> np.ndarray:
    """Return a root of H: what differences and levels of white noise are made of.

    A row of differences and one of levels share an error where their years touch;
    ``blocks`` leaves that out, ``identity`` takes every row by itself.
    """
    level = np.eye(years)
    step = level - np.eye(years, k=-1)  # its first row is never an equation
    if initial == "identity":
        return np.eye(years * (1 + system))
    if not system:
        return step
    if initial == "full":
        return np.vstack([step, level])
    return np.block([[step, np.zeros_like(step)], [np.zeros_like(step), level]])


def _windmeijer(
    x: np.ndarray,
    z: np.ndarray,
    cross: np.ndarray,
    first: Solution,
    robust: np.ndarray,
    second: Solution,
) -> np.ndarray:
    """Return V2 + D V2 + V2 D' + D V1 D', D the derivative of step two by step one."""
    through = np.einsum("grm,grk->gmk", z, x)
    pulled = second.weights @ second.moments.sum(axis=0)
    # dS/db_k = -(sum Z_i'x_ik e_i'Z_i + its transpose), here already times A2 Z'e2
    change = np.einsum("gmk,g->mk", through, first.moments @ pulled)
    change += first.moments.T @ np.einsum("gmk,m->gk", through, pulled)
    slope = second.bread @ cross.T @ second.weights @ change
    plain = second.bread
    return plain + slope @ plain + plain @ slope.T + slope @ robust @ slope.T


def _independent(instruments: np.ndarray) -> np.ndarray:
    """Return the instruments that are no combination of those before them."""
    flat = instruments.reshape(-1, instruments.shape[-1])
    length = np.sqrt((flat**2).sum(axis=0))
    used = np.flatnonzero(length > 0)
    left = flat[:, used] / length[used]
    if np.linalg.matrix_rank(left) == len(used):
        return used
    kept = []
    for position in range(len(used)):
        column = left[:, position]
        size = np.sqrt(column @ column)
        if size <= 1e-8:
            continue
        kept.append(position)
        column = column / size
        rest = left[:, position + 1 :]
        rest -= np.outer(column, column @ rest)
    return used[kept]


def _check_identified(cross: np.ndarray, x: np.ndarray, labels: list[str]) -> None:
    count, needed = cross.shape
    if count < needed:
        raise EstimationError(
            f"{count} instruments for {needed} coefficients",
            expected="at least as many instruments",
            hint="allow more lags as instruments, or fewer regressors",
        )
    length = np.sqrt((x**2).sum(axis=(0, 1)))
    flat = np.flatnonzero(length == 0)
    if len(flat):
        raise EstimationError(
            f"regressor {labels[flat[0]]!r} does not change over time",
            expected="a regressor that differencing leaves",
            hint="drop it, or use the system estimator",
        )
    from scipy.linalg import qr

    _, triangle, order = qr(cross / length, mode="economic", pivoting=True)
    size = np.abs(np.diag(triangle))
    weak = np.flatnonzero(size <= 1e-9 * size[0])
    if len(weak):
        raise EstimationError(
            f"the coefficient of {labels[order[weak[0]]]!r} is not identified",
            expected="instruments that tell the regressors apart",
            hint="drop a regressor, or allow more lags as instruments",
        )
