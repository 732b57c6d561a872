"""Normalisation: raw indicators to [0, 1], where more is better."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nqpf.errors import DataError, MethodError
from nqpf.index._arrays import Floats, blocks, matrix, require_finite, sweep, tile

__all__ = ["METHODS", "WITHIN_YEAR", "ConstantIndicatorWarning", "minmax", "minmax_yearly"]


class ConstantIndicatorWarning(UserWarning):
    """An indicator takes one value only, so it carries no information."""


def minmax(x: ArrayLike, benefit: ArrayLike, names: Sequence[str] | None = None) -> Floats:
    """Scale each column to [0, 1] by its range over all rows.

    A benefit becomes (x - min) / (max - min), a cost (max - x) / (max - min).
    The range is pooled over all provinces and years, so scores compare over
    time (OECD/JRC, *Handbook on Constructing Composite Indicators*, 2008,
    section 5).

    Parameters
    ----------
    x : array_like, shape (N, m)
        Raw indicators in any units.
    benefit : array_like of bool, shape (m,)
        True where more is better, False where less is better.
    names : sequence of str or None
        Names of the columns for messages; positions when None.

    Returns
    -------
    ndarray, shape (N, m)
        Without unit. A constant column becomes zeros, with a
        :class:`ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or if every column is constant.
    nqpf.errors.MethodError
        If `benefit` is not one boolean per column.

    Examples
    --------
    >>> minmax([[1.0, 5.0], [2.0, 3.0], [5.0, 1.0]], [True, False])
    array([[0.  , 0.  ],
           [0.25, 0.5 ],
           [1.  , 1.  ]])
    """
    x = matrix(x, "x")
    benefit = _directions(benefit, x.shape[1])
    z, constant = _scale(x, benefit)
    if constant.all():
        raise _nothing_varies()
    if constant.any():
        labels = ", ".join(_labels(constant, names))
        _warn(f"constant, so set to zero: {labels}")
    return z


def minmax_yearly(
    x: ArrayLike, benefit: ArrayLike, years: ArrayLike, names: Sequence[str] | None = None
) -> Floats:
    """Scale each column to [0, 1] by its range within each year.

    The formula is that of :func:`minmax`, but every year has a range of its
    own, so scores rank provinces within a year and **do not compare over
    time**.

    Parameters
    ----------
    x : array_like, shape (N, m)
        Raw indicators in any units.
    benefit : array_like of bool, shape (m,)
        True where more is better, False where less is better.
    years : array_like, shape (N,)
        Year of each row.
    names : sequence of str or None
        Names of the columns for messages; positions when None.

    Returns
    -------
    ndarray, shape (N, m)
        Without unit. A column that is constant in a year becomes zeros in
        that year, with a :class:`ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, if `years` does not match the
        rows, or if every column is constant in some year.
    nqpf.errors.MethodError
        If `benefit` is not one boolean per column.

    Examples
    --------
    >>> minmax_yearly([[1.0], [3.0], [10.0], [20.0]], [True], [2021, 2021, 2022, 2022]).ravel()
    array([0., 1., 0., 1.])
    """
    x = matrix(x, "x")
    benefit = _directions(benefit, x.shape[1])
    years = np.asarray(years)
    if years.shape != (len(x),):
        raise DataError(f"years has shape {years.shape}", expected=f"one year per row ({len(x)},)")
    require_finite(x, *sweep(x, np.minimum, np.maximum), name="x")
    z = np.empty_like(x)
    flat: dict[str, list[str]] = {}
    for year in np.unique(years):
        rows = years == year
        z[rows], constant = _scale(x[rows], benefit)
        if constant.all():
            raise _nothing_varies(year)
        for label in _labels(constant, names):
            flat.setdefault(label, []).append(str(year))
    if flat:
        places = "; ".join(f"{label} in {', '.join(when)}" for label, when in flat.items())
        _warn(f"constant within a year, so set to zero there: {places}")
    return z


def _scale(x: Floats, benefit: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    low, high = sweep(x, np.minimum, np.maximum)
    require_finite(x, low, high, name="x")
    constant = low == high
    with np.errstate(over="ignore"):
        width = high - low
    if np.isinf(width).any():  # the range of a column exceeds the largest double
        half = np.where(np.isinf(width), 0.5, 1.0)
        x, low, high = x * half, low * half, high * half
        width = high - low
    width[constant] = 1.0
    worst, widths = tile(np.where(benefit, low, high), x), tile(width, x)
    z = np.empty_like(x)
    for rows, block in blocks(x):
        part = z[rows]
        np.subtract(block, worst[: len(block)], out=part)
        np.abs(part, out=part)
        part /= widths[: len(block)]
    return z, constant


def _directions(benefit: ArrayLike, m: int) -> NDArray[np.bool_]:
    array = np.asarray(benefit)
    # Booleans only: the +1 and -1 of other packages are both true.
    if array.dtype != np.bool_ or array.shape != (m,):
        raise MethodError(
            f"benefit is {array.dtype} of shape {array.shape}",
            expected=f"one boolean per column ({m},), True where more is better",
        )
    return array


def _labels(mask: NDArray[np.bool_], names: Sequence[str] | None) -> list[str]:
    return [str(names[j]) if names is not None else f"column {j}" for j in np.flatnonzero(mask)]


def _warn(message: str) -> None:
    warnings.warn(message, ConstantIndicatorWarning, stacklevel=3)


def _nothing_varies(year: object = None) -> DataError:
    return DataError(
        "every indicator is constant",
        where=None if year is None else {"year": year},
        expected="an indicator that differs between at least two rows",
        hint="use more provinces or years" if year is None else "leave the year out",
    )


METHODS: dict[str, Callable[..., Floats]] = {
    "minmax": minmax,
    "minmax_yearly": minmax_yearly,
}
# Methods whose scores rank provinces within a year but do not compare over time.
WITHIN_YEAR = frozenset({"minmax_yearly"})
