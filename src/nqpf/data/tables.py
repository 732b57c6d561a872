"""Tables as bytes that are the same on every machine, and where two of them differ."""

from __future__ import annotations

import math

import pandas as pd

from nqpf.errors import DataError

__all__ = ["compare", "to_bytes"]


def to_bytes(frame: pd.DataFrame, order: list[str]) -> bytes:
    r"""Return a table as CSV, sorted by the columns of `order`; equal frames give equal bytes.

    Examples
    --------
    >>> to_bytes(pd.DataFrame({"year": [2011, 2010], "value": [0.1, 3.0]}), ["year"])
    b'year,value\n2010,3\n2011,0.1\n'
    """
    # Written by hand, because the bytes must not depend on the version of a library.
    rows = frame.sort_values(order, kind="stable")
    lines = [",".join(rows.columns)]
    for row in rows.itertuples(index=False):
        lines.append(",".join(_cell(cell) for cell in row))
    return ("\n".join(lines) + "\n").encode("utf-8")


def _cell(cell: object) -> str:
    """Write a number with the fewest digits that give it back exactly."""
    if isinstance(cell, float):
        if not math.isfinite(cell):
            raise DataError(f"{cell} cannot stand in a table", expected="a finite number")
        return repr(float(cell)).removesuffix(".0")
    text = str(cell)
    if any(mark in text for mark in ',"\n'):
        raise DataError(f"text {text!r} cannot stand in a table", expected="no comma or quote")
    return text


def compare(name: str, committed: bytes, rebuilt: bytes) -> None:
    """Refuse a table that differs by a byte from the rebuilt one.

    Raises
    ------
    nqpf.errors.DataError
        The message names the table and its first differing line.
    """
    if committed == rebuilt:
        return
    old, new = committed.splitlines(keepends=True), rebuilt.splitlines(keepends=True)
    line = next(
        (i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]),
        min(len(old), len(new)),
    )
    raise DataError(
        f"the table differs from what its sources give: {_line(old, line)} is committed",
        where={"table": name, "line": line + 1},
        expected=_line(new, line),
        hint="if the change is right, write the tables with `nqpf data build --update`",
    )


def _line(lines: list[bytes], index: int) -> str:
    if index >= len(lines):
        return "no such line"
    return repr(lines[index].decode("utf-8", errors="replace"))
