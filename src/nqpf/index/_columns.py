"""Checks of raw indicators and the scaling of columns, which the normalisations share."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nqpf.errors import DataError, MethodError
from nqpf.index._arrays import Floats, blocks, require_finite, sweep, tile

Booleans = NDArray[np.bool_]


class ConstantIndicatorWarning(UserWarning):
    """An indicator takes one value only, so it carries no information."""


def unit_range(x: Floats, upward: ArrayLike, name: str = "x") -> tuple[Floats, Booleans]:
    """Return |x - worst| / range of each column, and which columns are constant.

    Worst is the minimum where `upward` is True and the maximum elsewhere; a
    constant column becomes zeros.
    """
    low, high = sweep(x, np.minimum, np.maximum)
    require_finite(x, low, high, name=name)
    constant = low == high
    with np.errstate(over="ignore"):
        width = high - low
    if np.isinf(width).any():  # the range of a column exceeds the largest double
        half = np.where(np.isinf(width), 0.5, 1.0)
        x, low, high = x * half, low * half, high * half
        width = high - low
    width[constant] = 1.0
    worst, widths = tile(np.where(upward, low, high), x), tile(width, x)
    z = np.empty_like(x)
    for rows, block in blocks(x):
        part = z[rows]
        np.subtract(block, worst[: len(block)], out=part)
        np.abs(part, out=part)
        part /= widths[: len(block)]
    return z, constant


def directions(benefit: ArrayLike, m: int) -> Booleans:
    """Return `benefit` as an array after checking type and length."""
    array = np.asarray(benefit)
    # Booleans only: the +1 and -1 of other packages are both true.
    if array.dtype != np.bool_ or array.shape != (m,):
        raise MethodError(
            f"benefit is {array.dtype} of shape {array.shape}",
            expected=f"one boolean per column ({m},), True where more is better",
        )
    return array


def labels(mask: Booleans, names: Sequence[str] | None) -> list[str]:
    """Return the names of the columns in the mask; positions where there are no names."""
    return [str(names[j]) if names is not None else f"column {j}" for j in np.flatnonzero(mask)]


def warn(message: str) -> None:
    """Warn of a constant indicator, as if from the caller of the normalisation."""
    warnings.warn(message, ConstantIndicatorWarning, stacklevel=3)


def warn_constant(constant: Booleans, names: Sequence[str] | None) -> None:
    """Warn of constant columns by name; raise if there is no other."""
    if constant.all():
        raise nothing_varies()
    if constant.any():
        message = f"constant, so set to zero: {', '.join(labels(constant, names))}"
        warnings.warn(message, ConstantIndicatorWarning, stacklevel=3)


def nothing_varies(year: object = None) -> DataError:
    """Return the error for a sample in which no indicator varies."""
    return DataError(
        "every indicator is constant",
        where=None if year is None else {"year": year},
        expected="an indicator that differs between at least two rows",
        hint="use more provinces or years" if year is None else "leave the year out",
    )
