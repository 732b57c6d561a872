"""Facets of a frontier: what one optimal basis says about every unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Facet", "facet_of"]

# A basis settles a unit when its solution is non-negative up to rounding. Data
# are scaled to at most 1, so this is far above rounding and far below any
# difference in a score that could be printed.
ROUNDING = 1e-11


@dataclass(frozen=True)
class Facet:
    """The k - 1 columns of a basis without t, and the prices that are orthogonal to them."""

    prices: np.ndarray
    solver: np.ndarray

    def bound(self, direction: np.ndarray, target: np.ndarray) -> np.ndarray:
        slope = direction @ self.prices
        level = target @ self.prices
        return np.divide(level, slope, out=np.full(len(slope), np.nan), where=slope > ROUNDING)

    def attains(self, bound: np.ndarray, direction: np.ndarray, target: np.ndarray) -> np.ndarray:
        rest = target - bound[:, None] * direction
        return np.isfinite(bound) & (rest @ self.solver.T >= -ROUNDING).all(axis=1)


def facet_of(
    basis: np.ndarray, reference: np.ndarray, tied: np.ndarray, direction: np.ndarray
) -> Facet | None:
    """Return the facet of an optimal basis, or None if t is not basic or rounding spoils it."""
    rows, columns = reference.shape
    others = basis[basis != columns]
    if len(others) != rows - 1:
        return None
    slacks = np.eye(rows)
    spanned = [reference[:, j] if j >= 0 else slacks[:, -1 - j] for j in others]
    square = np.column_stack([*spanned, direction])
    if np.linalg.cond(square) > 1e8:
        return None
    inverse = np.linalg.inv(square)
    prices = inverse[-1] / np.abs(inverse[-1]).max()
    sound = (prices[~tied] >= -ROUNDING).all() and (prices @ reference >= -ROUNDING).all()
    basic_tied = any(j < 0 and tied[-1 - j] for j in others)
    if not sound or basic_tied:
        return None
    return Facet(prices, np.linalg.pinv(square[:, :-1]))
