"""Provincial capital formation since 1952: a wide frame of amounts and price indices."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nqpf.data.readers import COLUMNS
from nqpf.data.readers.rdafile import frame, years

__all__ = ["read"]

_ITEMS = ["invest", "InvestIndex", "InvestPrice", "depr"]


def read(path: Path) -> pd.DataFrame:
    """Read the table; the item is the name of its column, and no unit is labelled.

    Raises
    ------
    nqpf.errors.SourceError
        If the file is not such a table.
    """
    table = frame(path, ["prv", "yr", *_ITEMS])
    table = table.rename(columns={"prv": "province", "yr": "year"})
    table["year"] = years(table["year"], path.name)
    long = table.melt(["province", "year"], _ITEMS, var_name="item", value_name="value")
    return long.assign(unit="")[COLUMNS]
