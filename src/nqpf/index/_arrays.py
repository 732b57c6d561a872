"""Checks and block-wise passes that the array-level methods share.

A pass works through a matrix in blocks of rows that stay in the processor's
cache, whatever its memory layout. No pass calls BLAS, so the number of threads
cannot change a result.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nqpf.errors import DataError, MethodError

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
