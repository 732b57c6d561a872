"""The projection index of one direction or many, and its gradient, by sorting.

With the projections sorted, the distances that fall within the radius are told
by two pointers, so an index costs n log n and not n^2. No pass calls BLAS: the
number of threads cannot change a result. Directions are rows of `directions`
(p, m); indicators are rows of `columns` (m, n), so that loops run along memory.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nqpf.errors import DataError
from nqpf.index._arrays import Floats

# Elements of a block of projections: with its copy moved by the radius it stays in an L2 cache.
_BLOCK = 12_288

# Beyond these a square or a sum of squares leaves the range of doubles.
SMALLEST, LARGEST = 1e-140, 1e140


class Measured(NamedTuple):
    """The projection index and its two factors."""

    value: float
    spread: float
    density: float


def measure(z: Floats, radius: float) -> Measured:
    """Return Q = S D of one projection, which is sorted in place."""
    z.sort()
    width = float(z[-1]) - float(z[0])
    if width == 0.0:
        return Measured(0.0, 0.0, 0.0)
    if not SMALLEST < width < LARGEST:  # a value that is not finite makes a width that is not
        raise out_of_range(math.inf if math.isnan(width) else width)
    n = len(z)
    z -= z[0]  # exact for neighbours, so that nearly equal values keep their digits
    z -= np.add.reduce(z) / n
    spread = math.sqrt(np.add.reduce(z * z) / (n - 1))
    pairs, excess = _neighbours(z, radius * spread)
    density = radius * spread * pairs + 2.0 * float(np.add.reduce(excess * z))
    return Measured(spread * density, spread, density)


def out_of_range(size: float) -> DataError:
    """Return the error for values that spread too little or too far to be squared."""
    return DataError(
        f"the values spread over {size:g}",
        expected=f"a spread between {SMALLEST:g} and {LARGEST:g}",
        hint="normalise first, for example with nqpf.index.normalise.minmax",
    )


def _neighbours(z: Floats, reach: float) -> tuple[int, NDArray[np.intp]]:
    """Count the pairs within reach of each other in sorted `z`.

    Returns the number of pairs in both orders, each point with itself included,
    and for each point its neighbours to the right less those to the left. The
    left ones are derived from the right ones: looked up on their own, rounding
    could count a pair on one side only.
    """
    n = len(z)
    after = z.searchsorted(z + reach, side="right")
    # Right neighbours are after - i - 1, left ones i - before.
    pairs = 2 * int(np.add.reduce(after)) - n * n
    before = np.bincount(after, minlength=n)[:n].cumsum()
    after += before
    after -= np.arange(1, 2 * n, 2)
    return pairs, after


def values(directions: Floats, columns: Floats, radius: float) -> Floats:
    """Return Q of every direction, (p,); a zero direction gets 0.

    The kernel is a second difference, 2 (R - |u|)+ = |u + R| - 2 |u| + |u - R|,
    and the sum of |z_k - z_l| over pairs needs the sorted values only. So D
    is G(z with z + R) - 4 G(z), G being that sum for a pooled sample: no
    counting, whole blocks at once. It loses about three digits to `measure`.
    """
    n = columns.shape[1]
    ranks = np.arange(1.0 - n, n, 2.0)
    pooled_ranks = np.arange(1.0 - 2 * n, 2 * n, 2.0)
    result = np.empty(len(directions))
    rows = max(1, _BLOCK // n)
    for start in range(0, len(directions), rows):
        block = slice(start, start + rows)
        z, spread = _project(directions[block], columns)
        z.sort(axis=1)
        pooled = np.concatenate([z, z + radius * spread[:, None]], axis=1)
        pooled.sort(axis=1)
        density = np.einsum("pn,n->p", pooled, pooled_ranks)
        density -= 4.0 * np.einsum("pn,n->p", z, ranks)
        np.multiply(spread, density, out=result[block])
    return result


def _project(directions: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """Return centred projections (p, n) and their standard deviations (p,)."""
    z = np.einsum("jp,jn->pn", np.ascontiguousarray(directions.T), columns)
    n = columns.shape[1]
    z -= (z.sum(axis=1) / n)[:, None]
    return z, np.sqrt(np.einsum("pn,pn->p", z, z) / (n - 1))


def gradients(directions: Floats, columns: Floats, radius: float) -> tuple[Floats, Floats]:
    """Return Q (p,) and its gradient (p, m) with respect to each direction.

    From Q = S D, with P pairs within reach and e_k the right less the left
    neighbours of z_k: dD/dz_k = 2 e_k + radius P dS/dz_k, and dS/dz_k = (z_k -
    mean) / ((n - 1) S). At ties Q has a kink and this is one of its slopes.
    """
    n = columns.shape[1]
    z, spread = _project(directions, columns)
    order = z.argsort(axis=1)
    slopes, result = np.zeros_like(z), np.zeros(len(z))
    for k in np.flatnonzero(spread):
        ascending, reach = z[k, order[k]], radius * spread[k]
        pairs, excess = _neighbours(ascending, reach)
        density = reach * pairs + 2.0 * (excess * ascending).sum()
        slopes[k, order[k]] = 2.0 * spread[k] * excess
        slopes[k] += (density / spread[k] + radius * pairs) / (n - 1) * z[k]
        result[k] = spread[k] * density
    return result, np.einsum("pn,jn->pj", slopes, columns)


def unit(directions: Floats) -> Floats:
    """Return the directions with negative elements set to 0 and length 1; zero stays zero."""
    kept = np.maximum(directions, 0.0)
    length = np.sqrt(np.einsum("pj,pj->p", kept, kept))[:, None]
    return np.divide(kept, length, out=kept, where=length > 0)
