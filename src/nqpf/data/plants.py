"""The Chilean plants, a research data set: fetched on request, never embedded."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nqpf.data.catalogue import Catalogue
from nqpf.data.fetch import at_hand
from nqpf.data.readers.rdafile import frame, years

__all__ = ["KEY", "chilean_plants"]

KEY = "chilean_plants"
# What the columns of the R package prodest hold. Its manual calls cX an input as well, but
# it equals inv in every row, so it is left out; its years are those of the file, 1996-2006.
_COLUMNS = {
    "idvar": "firm",
    "timevar": "year",
    "Y": "output",
    "fX1": "skilled",
    "fX2": "unskilled",
    "sX": "capital",
    "pX": "materials",
    "inv": "investment",
}


def chilean_plants(path: Path | None = None) -> pd.DataFrame | None:
    """Return plants by year, in logarithms, or None when they were not fetched.

    Nothing is downloaded; ``make data EXTRA=1`` does that.

    Parameters
    ----------
    path : Path or None
        The R file; when None, where the mirror or the cache has it.

    Returns
    -------
    DataFrame or None
        ``firm``, ``year``, and logs of ``output``, ``skilled`` and
        ``unskilled`` labour, ``capital``, ``materials``, ``investment``.

    Raises
    ------
    nqpf.errors.SourceError
        If a file is there that cannot be read or is not the pinned one.
    """
    path = path or at_hand(Catalogue.load().sources[KEY])
    if path is None:
        return None
    plants = frame(path, list(_COLUMNS))[list(_COLUMNS)].rename(columns=_COLUMNS)
    plants["year"] = years(plants["year"], path.name)
    plants["firm"] = plants["firm"].astype("int64")
    return plants.sort_values(["firm", "year"], ignore_index=True)
