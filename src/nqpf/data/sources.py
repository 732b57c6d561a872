"""Research data sets that chapters use where they were fetched; neither is ever embedded.

Nothing is downloaded here; ``make data EXTRA=1`` does that.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from nqpf import provinces
from nqpf.data.catalogue import Catalogue
from nqpf.data.grid import _sheets
from nqpf.data.layouts import _r_frame


def carbon_dioxide() -> pd.Series | None:
    """Return emissions of carbon dioxide, or None when they were not fetched.

    An estimate of the Carbon Emission Accounts and Datasets (CEADs) for 30
    provinces from fuels and processes, not an official figure; whoever uses it
    cites CEADs. Nothing is downloaded; ``make data EXTRA=1`` does that.

    Returns
    -------
    Series indexed (province, year), or None
        Million tonnes, 2010-2022.
    """
    found: dict[tuple[int, int], float] = {}
    for key, source in Catalogue.load().sources.items():
        if not re.fullmatch(r"ceads_\d{4}", key):
            continue
        path = source.at_hand()
        if path is None:
            return None
        found |= _inventories(path, key.removeprefix("ceads_"))
    if not found:
        return None
    index = pd.MultiIndex.from_tuples(list(found), names=["province", "year"])
    return pd.Series(list(found.values()), index, name="carbon_dioxide").sort_index()


def _inventories(path: Path, year: str) -> dict[tuple[int, int], float]:
    """Return the total of each sheet of a year's workbook, one sheet per province."""
    found = {}
    for name, grid in _sheets(path, stored=True).items():
        if name != "NOTE":
            spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix(year))
            rows = {row[0]: row for _, row in grid}
            total = rows["TotalEmissions"][grid[0][1].index("Scope_1_Total")]
            found[provinces.code_of(spaced), int(year)] = float(total)
    return found


# What the columns of the R package prodest hold. Its manual calls cX an input as well, but
# it equals inv in every row, so it is left out; its years are those of the file, 1996-2006.
_PLANTS = {"idvar": "firm", "timevar": "year", "Y": "output", "fX1": "skilled"}
_PLANTS |= {"fX2": "unskilled", "sX": "capital", "pX": "materials", "inv": "investment"}


def chilean_plants() -> pd.DataFrame | None:
    """Return plants by year, in logarithms, or None when they were not fetched.

    Nothing is downloaded; ``make data EXTRA=1`` does that.

    Returns
    -------
    DataFrame or None
        ``firm``, ``year``, and logs of ``output``, ``skilled`` and
        ``unskilled`` labour, ``capital``, ``materials``, ``investment``.
    """
    path = Catalogue.load().sources["chilean_plants"].at_hand()
    if path is None:
        return None
    plants = _r_frame(path, _PLANTS)
    plants["firm"] = plants["firm"].astype("int64")
    return plants.sort_values(["firm", "year"], ignore_index=True)
