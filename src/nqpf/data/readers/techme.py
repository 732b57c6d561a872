"""Science and technology yearbooks: long frames of province, year, value, unit and item code."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nqpf.data.readers import COLUMNS
from nqpf.data.readers.rdafile import frame, years

__all__ = ["read"]

_NAMES = {"variables": "item", "units": "unit"}


def read(path: Path) -> pd.DataFrame:
    """Read a yearbook table; the item is its code, such as ``v4_zh_nbzc_hj``.

    Units are passed on row by row because they change inside a series. A row
    without a unit gets an empty one.

    Raises
    ------
    nqpf.errors.SourceError
        If the file is not such a table.
    """
    table = frame(path, ["province", "year", "value", "units", "variables"])
    table["year"] = years(table["year"], path.name)
    table["units"] = table["units"].fillna("").astype("str").str.strip()
    return table.rename(columns=_NAMES)[COLUMNS]
