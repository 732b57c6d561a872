"""Normalisation: raw indicators to common units, where more is better."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nqpf.errors import DataError, MethodError, require_known

__all__ = [
    "METHODS",
    "SIGNED",
    "UNIT",
    "WITHIN_YEAR",
    "minmax",
    "minmax_yearly",
    "rank",
    "target",
    "vector",
    "zscore",
]

Floats = NDArray[np.float64]

# Elements of a block: 128 KiB of doubles, so that a block and two buffers fit a common L2 cache.
_BLOCK = 16_384


def matrix(x: ArrayLike, name: str = "z") -> Floats:
    """Return `x` as a float matrix (N, m), N and m at least one; not copied if it is one."""
    try:
        array = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is not numeric: {error}", expected="a matrix of numbers") from None
    if array.ndim != 2 or array.size == 0:
        raise DataError(
            f"{name} has shape {array.shape}",
            expected="rows by indicators (N, m), at least one of each",
        )
    return array


def weight_vector(w: ArrayLike, m: int, name: str = "w") -> Floats:
    """Return `w` as a float vector after checking length, sign and sum."""
    try:
        vector = np.asarray(w, dtype=np.float64)
    except (TypeError, ValueError) as error:
        text = f"{name} is not numeric: {error}"
        raise MethodError(text, expected="a vector of numbers") from None
    if vector.shape != (m,):
        raise MethodError(
            f"{name} has shape {vector.shape}", expected=f"one weight per column ({m},)"
        )
    total = vector.sum()
    if not np.isfinite(total):
        raise MethodError(f"{name} holds a missing or infinite weight", expected="finite weights")
    if vector.min() < 0:
        column = int(vector.argmin())
        raise MethodError(
            f"weight {vector[column]} is negative",
            where={"column": column},
            expected="weights of zero or more",
        )
    if abs(total - 1.0) > 1e-12:
        raise MethodError(
            f"weights sum to {total!s}",
            expected="a sum of 1 within 1e-12",
            hint="divide by the sum",
        )
    return vector


def require_finite(x: Floats, *witnesses: Floats, name: str = "z") -> None:
    """Raise with the first position in `x` that is not finite, if a witness is not.

    A witness is a reduction of `x` that a missing or infinite value makes
    non-finite; it spares a pass over the matrix.
    """
    if all(np.isfinite(witness).all() for witness in witnesses):
        return
    row, column = (int(i) for i in np.argwhere(~np.isfinite(x))[0])
    raise DataError(
        f"{name} holds {x[row, column]}",
        where={"row": row, "column": column},
        expected="finite values",
        hint="drop or fill the gap before weighting; nothing is filled silently",
    )


def step(x: Floats) -> int:
    """Return the number of rows in a full block."""
    return min(len(x), max(1, _BLOCK // x.shape[1]))


def blocks(x: Floats) -> Iterator[tuple[slice, Floats]]:
    """Yield the blocks of rows, as views, with the slice that selects each."""
    size = step(x)
    for start in range(0, len(x), size):
        rows = slice(start, min(start + size, len(x)))
        yield rows, x[rows]


def buffer(x: Floats) -> Floats:
    """Return room for a full block, in the memory order of `x`."""
    return np.empty_like(x[: step(x)])


def tile(row: Floats, x: Floats) -> Floats:
    """Return a full block with every row equal to `row`.

    Operations on two blocks run along memory, several times faster than
    those that broadcast a short row.
    """
    result = buffer(x)
    result[...] = row
    return result


def reduce_rows(operation: np.ufunc, x: Floats) -> Floats:
    """Reduce every column; copied by column first, so that the loops run along memory."""
    return operation.reduce(np.asfortranarray(x), axis=0)


def sweep(x: Floats, *operations: np.ufunc) -> list[Floats]:
    """Reduce every column by each operation, in one pass over the matrix.

    Blocks are combined element by element and reduced at the end, which also
    keeps the error of sums small.
    """
    first = x[: step(x)]
    with np.errstate(over="ignore", invalid="ignore"):  # reported by require_finite
        if len(x) == len(first):
            columns = np.asfortranarray(x)
            return [operation.reduce(columns, axis=0) for operation in operations]
        parts = [first.copy(order="K") for _ in operations]
        for _, block in blocks(x[len(first) :]):
            for operation, part in zip(operations, parts, strict=True):
                kept = part[: len(block)]
                operation(kept, block, out=kept)
        return [reduce_rows(op, part) for op, part in zip(operations, parts, strict=True)]


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


def zscore(x: ArrayLike, benefit: ArrayLike, names: Sequence[str] | None = None) -> Floats:
    """Scale each column to mean 0 and standard deviation 1 over all rows.

    A benefit becomes (x - mean) / sd, a cost its negative (OECD/JRC,
    *Handbook on Constructing Composite Indicators*, 2008, section 5). The
    sample standard deviation divides by N - 1. Half of the values are below
    zero, so methods that take shares or roots, such as entropy weights and
    the geometric mean, cannot follow.

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
        In standard deviations. A constant column becomes zeros, with a
        :class:`~nqpf.index.normalise.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or if every column is constant.
    nqpf.errors.MethodError
        If `benefit` is not one boolean per column.

    Examples
    --------
    >>> zscore([[1.0, 5.0], [2.0, 3.0], [3.0, 1.0]], [True, False])
    array([[-1., -1.],
           [ 0.,  0.],
           [ 1.,  1.]])
    """
    x, benefit, constant = _checked(x, benefit, names)
    x = _moderate(x)
    gap = x - x.mean(axis=0)
    sd = np.sqrt(np.einsum("ij,ij->j", gap, gap) / max(len(x) - 1, 1))
    z = np.divide(gap, sd, out=np.zeros_like(gap), where=~constant)
    return np.where(benefit, z, -z) + 0.0  # no negative zeros


def vector(x: ArrayLike, benefit: ArrayLike, names: Sequence[str] | None = None) -> Floats:
    """Divide each column by its Euclidean length over all rows.

    A benefit becomes x / |x| (Hwang and Yoon 1981, the normalisation of their
    TOPSIS), a cost 1 - x / |x|, so that more is better. Zero stays where it
    is: ratios between provinces survive, ranges are not equalised.

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
        Without unit; in [0, 1] where `x` is zero or more. A constant column
        becomes zeros, with a
        :class:`~nqpf.index.normalise.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or if every column is constant.
    nqpf.errors.MethodError
        If `benefit` is not one boolean per column.

    Examples
    --------
    >>> vector([[3.0, 3.0], [4.0, 4.0]], [True, False])
    array([[0.6, 0.4],
           [0.8, 0.2]])
    """
    x, benefit, constant = _checked(x, benefit, names)
    x = _moderate(x)
    length = np.sqrt(np.einsum("ij,ij->j", x, x))
    z = np.divide(x, length, out=np.zeros_like(x), where=~constant)
    return np.where(benefit | constant, z, 1.0 - z)


def rank(x: ArrayLike, benefit: ArrayLike, names: Sequence[str] | None = None) -> Floats:
    """Replace each column by its ranks over all rows, scaled to [0, 1].

    z = (rank - 1) / (N - 1), rank 1 for the worst value, tied values sharing
    the mean of their ranks (OECD/JRC 2008, section 5). Outliers lose their
    pull, and so do distances.

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
        :class:`~nqpf.index.normalise.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or if every column is constant.
    nqpf.errors.MethodError
        If `benefit` is not one boolean per column.

    Examples
    --------
    >>> rank([[10.0], [700.0], [20.0], [20.0]], [True]).ravel()
    array([0. , 1. , 0.5, 0.5])
    """
    x, benefit, constant = _checked(x, benefit, names)
    ranks = pd.DataFrame(np.where(benefit, x, -x)).rank(method="average").to_numpy()
    return np.where(constant, 0.0, (ranks - 1.0) / max(len(x) - 1, 1))


def _checked(
    x: ArrayLike, benefit: ArrayLike, names: Sequence[str] | None
) -> tuple[Floats, Booleans, Booleans]:
    """Return the matrix, the directions, and which columns are constant."""
    x = matrix(x, "x")
    benefit = directions(benefit, x.shape[1])
    low, high = sweep(x, np.minimum, np.maximum)
    require_finite(x, low, high, name="x")
    warn_constant(low == high, names)
    return x, benefit, low == high


def _moderate(x: Floats) -> Floats:
    """Divide columns by powers of two, so that squares neither overflow nor vanish."""
    _, power = np.frexp(np.abs(x).max(axis=0))
    return np.ldexp(x, -power)


Interval = tuple[float, float]


def target(
    x: ArrayLike,
    benefit: ArrayLike,
    targets: Mapping[object, Interval],
    names: Sequence[str] | None = None,
) -> Floats:
    """Scale columns with a target by their distance to it, the others by their range.

    With the target [a, b] and M = max(a - min x, max x - b), a value inside
    becomes 1, a value below 1 - (a - x) / M and a value above
    1 - (x - b) / M: the form that Chinese textbooks of evaluation give for
    interval-type indicators. The direction of such a column plays no part.
    Columns without a target are scaled as by
    :func:`~nqpf.index.normalise.minmax`.

    Parameters
    ----------
    x : array_like, shape (N, m)
        Raw indicators in any units.
    benefit : array_like of bool, shape (m,)
        True where more is better, False where less is better.
    targets : mapping from column to (low, high)
        Best interval, in units of the column; by name if `names` is given,
        by position otherwise. An end may be infinite.
    names : sequence of str or None
        Names of the columns.

    Returns
    -------
    ndarray, shape (N, m)
        In [0, 1]. A column that lies in its target everywhere becomes ones,
        another constant column zeros, each with a
        :class:`~nqpf.index.normalise.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or if every column is constant
        after scaling.
    nqpf.errors.MethodError
        If `targets` is empty, names an unknown column or holds something
        else than two numbers in ascending order.

    Examples
    --------
    >>> target([[35.0], [36.5], [39.0]], [True], {0: (36.0, 37.0)}).ravel()
    array([0.5, 1. , 0. ])
    """
    x = matrix(x, "x")
    benefit = directions(benefit, x.shape[1])
    require_finite(x, *sweep(x, np.minimum, np.maximum), name="x")
    intervals = _intervals(targets, list(range(x.shape[1]) if names is None else names))
    z, constant = unit_range(x, benefit)
    for j, interval in intervals.items():
        z[:, j] = _closeness(x[:, j], *interval)
        constant[j] = z[:, j].min() == z[:, j].max()
    if constant.all():
        raise nothing_varies()
    for value, text in ((0.0, "zero"), (1.0, "one")):
        same = constant & (z[0] == value)
        if same.any():
            warn(f"constant, so set to {text}: {', '.join(labels(same, names))}")
    return z


def _closeness(x: Floats, low: float, high: float) -> Floats:
    """Return 1 inside the interval, falling to 0 at the value farthest from it."""
    ends = [abs(end) for end in (low, high) if math.isfinite(end)]
    if max([np.abs(x).max(), *ends]) > 1e300:
        x, low, high = x / 4, low / 4, high / 4  # a difference would overflow
    distance = np.maximum(np.maximum(low - x, x - high), 0.0)
    farthest = distance.max()
    return np.ones_like(x) if farthest == 0.0 else 1.0 - distance / farthest


def _intervals(targets: Mapping[object, Interval], columns: list[object]) -> dict[int, Interval]:
    if not isinstance(targets, Mapping) or not targets:
        raise MethodError(
            f"targets is {targets!r}",
            expected="a mapping from column to its best interval, such as {'so2': (0, 1)}",
        )
    result = {}
    for key, interval in targets.items():
        require_known("column of a target", key, columns)
        result[columns.index(key)] = _interval(key, interval)
    return result


def _interval(key: object, interval: Interval) -> Interval:
    try:
        low, high = (float(end) for end in interval)
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not low <= high or low == math.inf or high == -math.inf:
        raise MethodError(
            f"target {interval!r} is not an interval",
            where={"column": key},
            expected="two numbers, the lower first",
        )
    return low, high


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
    z, constant = unit_range(x, directions(benefit, x.shape[1]))
    warn_constant(constant, names)
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
    benefit = directions(benefit, x.shape[1])
    years = np.asarray(years)
    if years.shape != (len(x),):
        raise DataError(f"years has shape {years.shape}", expected=f"one year per row ({len(x)},)")
    require_finite(x, *sweep(x, np.minimum, np.maximum), name="x")
    z = np.empty_like(x)
    flat: dict[str, list[str]] = {}
    for year in np.unique(years):
        rows = years == year
        z[rows], constant = unit_range(x[rows], benefit)
        if constant.all():
            raise nothing_varies(year)
        for label in labels(constant, names):
            flat.setdefault(label, []).append(str(year))
    if flat:
        places = "; ".join(f"{label} in {', '.join(when)}" for label, when in flat.items())
        warn(f"constant within a year, so set to zero there: {places}")
    return z


METHODS: dict[str, Callable[..., Floats]] = {
    "minmax": minmax,
    "minmax_yearly": minmax_yearly,
    "rank": rank,
    "target": target,
    "vector": vector,
    "zscore": zscore,
}
# Methods whose scores rank provinces within a year but do not compare over time.
WITHIN_YEAR = frozenset({"minmax_yearly"})
# Methods whose best possible value is 1 and worst 0, so that 1 - z is a shortfall.
UNIT = frozenset({"minmax", "minmax_yearly", "rank", "target"})
# Methods that always give values below zero.
SIGNED = frozenset({"zscore"})
