"""Frames stored by R (``.rda``), without running anything they contain."""

from __future__ import annotations

import lzma
import struct
import warnings
import zlib
from pathlib import Path

import pandas as pd

from nqpf.errors import SourceError

__all__ = ["frame", "years"]

# What rdata and the decompressors raise on bytes that are not an intact R file.
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zlib.error,
)


def frame(path: Path, columns: list[str]) -> pd.DataFrame:
    """Return the one data frame of an R file, checked to have `columns`.

    Raises
    ------
    nqpf.errors.SourceError
        If the file cannot be read, or holds something else.
    """
    import rdata

    try:
        with warnings.catch_warnings():
            # Row names and tibble classes have no counterpart here and are not wanted.
            warnings.simplefilter("ignore", UserWarning)
            objects = rdata.read_rda(path)
    except _DAMAGE as error:
        raise SourceError(f"not an R data file: {error}", where={"file": path.name}) from error
    frames = [each for each in objects.values() if isinstance(each, pd.DataFrame)]
    if len(frames) != 1:
        raise SourceError(
            f"{len(frames)} data frames found",
            where={"file": path.name},
            expected="one",
        )
    result = frames[0].rename(columns=str)
    absent = [column for column in columns if column not in result]
    if absent:
        raise SourceError(
            f"no column {', '.join(absent)}",
            where={"file": path.name},
            expected=", ".join(columns),
        )
    return result[columns].reset_index(drop=True)


def years(column: pd.Series, file: str) -> pd.Series:
    """Return a column of years as whole numbers, whether stored as text or as decimals.

    Raises
    ------
    nqpf.errors.SourceError
        If an entry is not a whole number.

    Examples
    --------
    >>> years(pd.Series(["2010", "2011"]), "a.rda").tolist()
    [2010, 2011]
    """
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    wrong = numbers.isna() | (numbers % 1 != 0)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise SourceError(
            f"year {column.iloc[row]!r} is not a whole number",
            where={"file": file, "row": row + 1},
        )
    return numbers.astype("int64")
