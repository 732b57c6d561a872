"""Research data sets that chapters use where they were fetched; neither is ever embedded.

Nothing is downloaded here; ``make data EXTRA=1`` does that.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import pandas as pd

from nqpf import provinces
from nqpf.data.catalogue import Catalogue
from nqpf.data.layouts import _r_frame
from nqpf.errors import SourceError

_ROW, _COLUMN, _UNIT = "TotalEmissions", "Scope_1_Total", "Mt CO2"


def carbon_dioxide() -> pd.Series | None:
    """Return emissions of carbon dioxide, or None when they were not fetched.

    An estimate of the Carbon Emission Accounts and Datasets (CEADs) for 30
    provinces from fuels and processes, not an official figure; whoever uses it
    cites CEADs. Nothing is downloaded; ``make data EXTRA=1`` does that.

    Returns
    -------
    Series indexed (province, year), or None
        Million tonnes, 2010-2022.

    Raises
    ------
    nqpf.errors.SourceError
        If a file is there that is not laid out as the pinned ones: a sheet lacks
        the total, its unit differs or the sectors do not add up to it.
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
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    found = {}
    for name in book.sheetnames:
        if name == "NOTE":
            continue
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix(year))
        rows = list(book[name].iter_rows(values_only=True))
        where = {"file": path.name, "sheet": name}
        found[provinces.code_of(spaced), int(year)] = _total(rows, where)
    book.close()
    return found


def _total(rows: list[tuple], where: dict[str, object]) -> float:
    labels = [row[0] for row in rows]
    column = rows[0].index(_COLUMN) if _COLUMN in rows[0] else -1
    if column < 0 or _ROW not in labels or rows[1][column] != _UNIT:
        expected = f"a row {_ROW!r} and a column {_COLUMN!r} in {_UNIT}"
        raise SourceError("the sheet is not a CEADs inventory", where=where, expected=expected)
    start = labels.index(_ROW)
    total = rows[start][column]
    sectors = math.fsum(row[column] or 0 for row in rows[start + 1 :])
    if not isinstance(total, int | float) or not math.isclose(total, sectors, rel_tol=1e-9):
        problem = f"the sectors add up to {sectors}, not to {total}"
        raise SourceError(problem, where=where, expected="the same sum")
    return float(total)


# What the columns of the R package prodest hold. Its manual calls cX an input as well, but
# it equals inv in every row, so it is left out; its years are those of the file, 1996-2006.
_PLANTS = {
    "idvar": "firm",
    "timevar": "year",
    "Y": "output",
    "fX1": "skilled",
    "fX2": "unskilled",
    "sX": "capital",
    "pX": "materials",
    "inv": "investment",
}


def chilean_plants() -> pd.DataFrame | None:
    """Return plants by year, in logarithms, or None when they were not fetched.

    Nothing is downloaded; ``make data EXTRA=1`` does that.

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
    path = Catalogue.load().sources["chilean_plants"].at_hand()
    if path is None:
        return None
    plants = _r_frame(path, _PLANTS)
    plants["firm"] = plants["firm"].astype("int64")
    return plants.sort_values(["firm", "year"], ignore_index=True)
