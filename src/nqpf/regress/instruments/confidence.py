r"""Confidence sets that hold whatever the strength of the instruments.

Anderson and Rubin (1949) test beta = b by whether the instruments explain
y - x b. With the reduced forms y = Z d_y + u and x = Z d_x + v the statistic is

    AR(b) = (d_y - b d_x)' V(b)^-1 (d_y - b d_x),

V(b) the covariance of d_y - b d_x. It is a quadratic in b, homoskedastic,
robust or clustered alike. So the b that are not rejected at critical value c
are those where the quadratic matrix c V(b) - (d_y - b d_x)(d_y - b d_x)' is
positive semidefinite, and the ends of the set are roots of its determinant:
a quadratic for one instrument or homoskedastic errors, a quadratic eigenvalue
problem otherwise. No grid is involved, and no piece of the set is cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["ConfidenceSet", "invert"]


@dataclass(frozen=True)
class ConfidenceSet:
    """A confidence set of one coefficient: intervals, which may be unbounded.

    Attributes
    ----------
    intervals : tuple of (float, float)
        Disjoint closed intervals in order; infinite ends are open. Empty when every
        value is rejected, which says that the model is wrong.
    level : float
        Confidence level.

    Examples
    --------
    >>> rays = ConfidenceSet(((-np.inf, -1.0), (2.0, np.inf)), 0.95)
    >>> print(rays, "|", rays.shape, "|", 0.0 in rays)
    (-inf, -1] or [2, inf) | two rays | False
    """

    intervals: tuple[tuple[float, float], ...]
    level: float

    def __contains__(self, value: float) -> bool:
        return any(low <= value <= high for low, high in self.intervals)

    @property
    def bounded(self) -> bool:
        """Whether no interval runs to infinity."""
        return all(np.isfinite(interval).all() for interval in self.intervals)

    @property
    def shape(self) -> str:
        """``interval``, ``two rays``, ``ray``, ``empty``, ``whole line`` or ``union``."""
        ends = [tuple(bool(e) for e in np.isinf(interval)) for interval in self.intervals]
        if not ends:
            return "empty"
        if len(ends) == 1:
            return {0: "interval", 1: "ray", 2: "whole line"}[sum(ends[0])]
        return "two rays" if ends == [(True, False), (False, True)] else "union"

    def __str__(self) -> str:
        if not self.intervals:
            return "empty"
        pieces = []
        for low, high in self.intervals:
            left = "(-inf" if np.isinf(low) else f"[{low:.4g}"
            pieces.append(left + (", inf)" if np.isinf(high) else f", {high:.4g}]"))
        return " or ".join(pieces)


def invert(matrices: Sequence[np.ndarray], level: float) -> ConfidenceSet:
    """Return the b where M0 + b M1 + b^2 M2 is positive semidefinite.

    Parameters
    ----------
    matrices : three (L, L) symmetric arrays
        M0, M1 and M2.
    level : float
        Level to report.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> print(invert([4 * one, 0 * one, -one], 0.95))
    [-2, 2]
    >>> print(invert([-4 * one, 0 * one, one], 0.95))
    (-inf, -2] or [2, inf)
    >>> print(invert([4 * one, 0 * one, one], 0.95), "|", invert([-one, 0 * one, -one], 0.95))
    (-inf, inf) | empty
    """
    roots = (
        _quadratic(*(m.item() for m in matrices)) if len(matrices[0]) == 1 else _pencil(matrices)
    )
    if not len(roots):
        inside = [_accepted(matrices, 0.0)]
        edges = np.array([-np.inf, np.inf])
    else:
        edges = np.concatenate([[-np.inf], roots, [np.inf]])
        first, last = roots[0] - 1 - abs(roots[0]), roots[-1] + 1 + abs(roots[-1])
        points = [first, *(roots[:-1] + np.diff(roots) / 2), last]
        inside = [_accepted(matrices, point) for point in points]
    intervals: list[tuple[float, float]] = []
    for accepted, low, high in zip(inside, edges[:-1], edges[1:], strict=True):
        if accepted and intervals and intervals[-1][1] == low:
            low = intervals.pop()[0]
        if accepted:
            intervals.append((float(low), float(high)))
    return ConfidenceSet(tuple(intervals), level)


def _accepted(matrices: Sequence[np.ndarray], point: float) -> bool:
    # Divided by 1 + b^2: far out, the largest terms would hide the sign of the others.
    constant, linear, square = matrices
    value = (constant + point * linear + point**2 * square) / (1 + point**2)
    return bool(np.linalg.eigvalsh(value)[0] >= 0)


def _quadratic(constant: float, linear: float, square: float) -> np.ndarray:
    """Return the real roots in order, without cancellation."""
    if square == 0:
        return np.array([-constant / linear]) if linear else np.empty(0)
    discriminant = linear**2 - 4 * square * constant
    if discriminant <= 0:
        return np.empty(0)
    larger = -0.5 * (linear + np.copysign(np.sqrt(discriminant), linear))
    other = constant / larger if larger else 0.0
    return np.sort([larger / square, other])


def _pencil(matrices: Sequence[np.ndarray]) -> np.ndarray:
    """Return the real b at which det(M0 + b M1 + b^2 M2) is zero, in order."""
    from scipy.linalg import eig

    scale = max(np.abs(m).max() for m in matrices)  # beside the ones of the identity blocks
    constant, linear, square = (m / scale for m in matrices)
    size = len(constant)
    zero, one = np.zeros((size, size)), np.eye(size)
    left = np.block([[zero, one], [-constant, -linear]])
    right = np.block([[one, zero], [zero, square]])
    top, bottom = eig(left, right, right=False, homogeneous_eigvals=True)
    finite = np.abs(bottom) > 1e-12 * np.abs(top)
    roots = top[finite] / bottom[finite]
    # A root that only looks real splits a segment without a change of sign, which is
    # mended when segments are joined; a real one taken for complex would be lost.
    real = np.abs(roots.imag) <= 1e-7 * (1 + np.abs(roots.real))
    return np.unique(roots[real].real)
