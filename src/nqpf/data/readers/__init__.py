"""One module per layout of source file; each turns a file into the same long frame.

A reader is a function ``read(path, **options)`` that returns a frame with the
columns of :data:`COLUMNS`: the province label as the file spells it, the year
as a whole number, the item (a column or row of the file), the value as the
file holds it and the unit it is labelled with (empty when there is none).
Readers repair nothing: names, units, duplicates and missing cells are the
business of :mod:`nqpf.data.harmonise`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nqpf.errors import DataError, SourceError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "NAMES", "read"]

COLUMNS = ["province", "year", "item", "value", "unit"]
NAMES = ("techme", "capital", "nbs", "merged", "blocks", "sulphur")


def read(name: str, path: Path, **options: Any) -> pd.DataFrame:
    """Read a source file with the reader of its layout.

    Parameters
    ----------
    name : str
        Layout, one of :data:`NAMES`.
    path : Path
        The file.
    **options
        What the catalogue declares for the source, such as a sheet name.

    Raises
    ------
    nqpf.errors.DataError
        If the layout is unknown or the reader breaks its contract.
    nqpf.errors.SourceError
        If the file is not of the layout.

    Examples
    --------
    >>> from nqpf.paths import root
    >>> read("techme", root() / "data" / "provinces.csv")
    Traceback (most recent call last):
    ...
    nqpf.errors.SourceError: not an R data file: Unknown file format [file provinces.csv].
    """
    if name not in NAMES:
        raise DataError(f"unknown reader {name!r}", expected=", ".join(NAMES))
    frame = import_module(f"{__name__}.{name}").read(path, **options)
    if list(frame.columns) != COLUMNS:
        raise DataError(
            f"reader {name!r} returned columns {list(frame.columns)}",
            where={"file": path.name},
            expected=str(COLUMNS),
        )
    if frame.empty:
        raise SourceError("no figures found", where={"file": path.name, "reader": name})
    return frame.reset_index(drop=True)
