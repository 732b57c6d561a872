"""Which columns vary, and those columns centred; shared by the weighting methods."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nqpf.index._arrays import Floats, matrix, reduce_rows, require_finite, sweep
from nqpf.index.normalise import ConstantIndicatorWarning, minmax


def varying_columns(x: ArrayLike, name: str = "z") -> tuple[Floats, NDArray[np.bool_]]:
    """Return the checked matrix (N, m) and which of its columns vary (m,)."""
    x = matrix(x, name)
    low, high = sweep(x, np.minimum, np.maximum)
    require_finite(x, low, high, name=name)
    return x, low < high


def none_varies(m: int, method: str) -> Floats:
    """Warn that no column varies, and return equal weights (m,)."""
    warnings.warn(
        f"no column varies, so {method} weights are equal", ConstantIndicatorWarning, stacklevel=3
    )
    return np.full(m, 1.0 / m)


def spread(w: Floats, varying: NDArray[np.bool_]) -> Floats:
    """Return weights of all columns from those of the varying ones, scaled to sum to 1."""
    weights = np.zeros(len(varying))
    weights[varying] = w / w.sum()
    return weights


def standardised(x: Floats) -> tuple[Floats, Floats]:
    """Return columns of mean 0 and length 1, and their sd up to a common factor.

    Every column of `x` must vary. Products of two columns are then correlations.
    """
    unit = minmax(x, np.ones(x.shape[1], dtype=bool))
    unit -= reduce_rows(np.add, unit) / len(unit)
    length = np.sqrt(reduce_rows(np.add, unit**2))
    low, high = sweep(x, np.minimum, np.maximum)
    with np.errstate(over="ignore"):
        width = high - low
    if np.isinf(width).any():
        width = high / 2 - low / 2
    return unit / length, length * (width / width.max())
