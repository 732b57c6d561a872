"""Carbon dioxide by CEADs, a research data set: fetched on request, never embedded."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pandas as pd

from nqpf import provinces
from nqpf.data.catalogue import Catalogue
from nqpf.data.fetch import at_hand
from nqpf.errors import SourceError

__all__ = ["carbon_dioxide"]

_KEY = re.compile(r"ceads_(\d{4})")
_ROW, _COLUMN, _UNIT = "TotalEmissions", "Scope_1_Total", "Mt CO2"


def carbon_dioxide() -> pd.Series | None:
    """Return emissions of carbon dioxide, or None when they were not fetched.

    Nothing is downloaded; ``make data EXTRA=1`` does that. An estimate of the
    Carbon Emission Accounts and Datasets (CEADs) for 30 provinces from fuels
    and processes, not an official figure; whoever uses it cites CEADs.

    Returns
    -------
    Series indexed (province, year), or None
        Million tonnes, 2010-2022.

    Raises
    ------
    nqpf.errors.SourceError
        If a file is there that is not laid out as the pinned ones.
    """
    series = []
    for key, source in Catalogue.load().sources.items():
        match = _KEY.fullmatch(key)
        if match is None:
            continue
        path = at_hand(source)
        if path is None:
            return None
        series.append(read_year(path, int(match[1])))
    return pd.concat(series).sort_index() if series else None


def read_year(path: Path, year: int) -> pd.Series:
    """Return the emissions of one year's workbook, one sheet per province.

    Raises
    ------
    nqpf.errors.SourceError
        If a sheet lacks the total, its unit differs or the sectors do not add up to it.
    """
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    found = {}
    for name in book.sheetnames:
        if name == "NOTE":
            continue
        province = provinces.code_of(
            re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix(str(year)))
        )
        rows = list(book[name].iter_rows(values_only=True))
        found[province, year] = _total(rows, {"file": path.name, "sheet": name})
    book.close()
    index = pd.MultiIndex.from_tuples(found, names=["province", "year"])
    return pd.Series(list(found.values()), index=index, name="carbon_dioxide")


def _total(rows: list[tuple], where: dict[str, object]) -> float:
    labels = [row[0] for row in rows]
    column = rows[0].index(_COLUMN) if _COLUMN in rows[0] else -1
    if column < 0 or _ROW not in labels or rows[1][column] != _UNIT:
        raise SourceError(
            "the sheet is not a CEADs inventory",
            where=where,
            expected=f"a row {_ROW!r} and a column {_COLUMN!r} in {_UNIT}",
        )
    start = labels.index(_ROW)
    total = rows[start][column]
    sectors = math.fsum(row[column] or 0 for row in rows[start + 1 :])
    if not isinstance(total, int | float) or not math.isclose(total, sectors, rel_tol=1e-9):
        raise SourceError(
            f"the sectors add up to {sectors}, not to {total}", where=where, expected="the same sum"
        )
    return float(total)
