"""Aggregate many draws at once: values by draw, indicator and row, weights by draw and indicator.

Every function takes values (b, m, N), `b` being 1 or the number of draws B,
weights (B, m) and the number n of rows to score, which come first; it returns
the scores (B, n) that the method of that name in :mod:`nqpf.index.aggregate`
gives for each draw, up to rounding. No function calls BLAS.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TIE = 1e-12  # values that differ by less are the same up to rounding, as in nqpf.index


def ends(values: Floats) -> tuple[Floats, Floats]:
    """Return the least and the largest value over the last axis, which is kept."""
    return values.min(axis=-1, keepdims=True), values.max(axis=-1, keepdims=True)


def _linear(z: Floats, w: Floats, n: int) -> Floats:
    return np.einsum("bmn,bm->bn", z[:, :, :n], w)


def _geometric(z: Floats, w: Floats, n: int) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 ln 0, which does not count
        parts = w[:, :, None] * np.log(z[:, :, :n])
    return np.exp(np.where(w[:, :, None] > 0, parts, 0.0).sum(axis=1))


def _harmonic(z: Floats, w: Floats, n: int) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):  # 1 / 0 makes the score zero
        parts = w[:, :, None] / z[:, :, :n]
        return 1.0 / np.where(w[:, :, None] > 0, parts, 0.0).sum(axis=1)


def _topsis(z: Floats, w: Floats, n: int) -> Floats:
    low, high = ends(z)
    own = z[:, :, :n]
    far, near = (
        np.sqrt(np.einsum("bmn,bm->bn", gap * gap, w * w)) for gap in (own - low, high - own)
    )
    total = near + far
    return np.divide(far, total, out=np.full_like(far, 0.5), where=total > 0)


def _vikor(z: Floats, w: Floats, n: int) -> Floats:
    low, high = ends(z)
    regret = (high - z) / np.where(high > low, high - low, np.inf)
    regret = regret * w[:, :, None]
    total, largest = _spread(regret.sum(axis=1)), _spread(regret.max(axis=1))
    return 1.0 - (0.5 * total + 0.5 * largest)[:, :n]


def _spread(values: Floats) -> Floats:
    low, high = ends(values)
    return (values - low) / np.where(high - low > TIE, high - low, np.inf)


def _copeland(z: Floats, w: Floats, n: int) -> Floats:
    rows = z.shape[-1]
    margin = np.zeros((len(w), n, rows))
    for j in range(z.shape[1]):
        own, others = z[:, j, :n, None], z[:, j, None, :]
        margin += w[:, j, None, None] * (own > others)
        margin -= w[:, j, None, None] * (own < others)
    lead = (margin > TIE).sum(axis=-1) - (margin < -TIE).sum(axis=-1)
    return 0.5 + lead / (2 * max(rows - 1, 1))


AGGREGATE: dict[str, Callable[[Floats, Floats, int], Floats]] = {
    "copeland": _copeland,
    "geometric": _geometric,
    "harmonic": _harmonic,
    "linear": _linear,
    "topsis": _topsis,
    "vikor": _vikor,
}
