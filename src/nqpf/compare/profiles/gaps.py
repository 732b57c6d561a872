"""What the panel lacks of one province, and which of its figures are not plainly official."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from nqpf.data import Panel

__all__ = ["breaks", "flagged", "gaps"]

_SERIES = ["variable", "vintage"]


def gaps(panel: Panel, code: int, since: int = 2010) -> pd.DataFrame:
    """Return the years in which a province lacks a figure that other provinces have.

    Parameters
    ----------
    panel : Panel
        Figures.
    code : int
        GB/T 2260 code.
    since : int
        First year to look at; earlier years hold the accounts alone.

    Returns
    -------
    DataFrame
        ``variable``, ``vintage``, ``years`` (list of int) and ``present``,
        the number of years since `since` with a figure: 0 where the panel has
        none at all. In the order of the catalogue.
    """
    frame = panel.frame[panel.frame["year"] >= since]
    every = frame.drop_duplicates(["variable", "vintage", "year"]).groupby(_SERIES)["year"]
    mine = frame[frame["province"] == code].groupby(_SERIES)["year"].agg(set).to_dict()
    rows = []
    for (variable, vintage), years in every.agg(list).items():
        own = mine.get((variable, vintage), set())
        lacking = sorted({int(year) for year in years} - own)
        if lacking:
            rows.append([variable, vintage, lacking, len(own)])
    return _ordered(panel, rows, ["variable", "vintage", "years", "present"])


def flagged(panel: Panel, code: int, since: int = 2010) -> pd.DataFrame:
    """Return a province's figures that are not official, one row per variable and flag.

    Returns
    -------
    DataFrame
        ``variable``, ``vintage``, ``flag`` and ``years`` (list of int).
    """
    frame = panel.frame
    frame = frame[(frame["province"] == code) & (frame["year"] >= since)]
    frame = frame[frame["flag"] != "official"]
    rows = [
        [*key, sorted(int(year) for year in part["year"])]
        for key, part in frame.groupby(["variable", "vintage", "flag"], sort=True)
    ]
    return _ordered(panel, rows, ["variable", "vintage", "flag", "years"])


def breaks(panel: Panel, code: int) -> pd.DataFrame:
    """Return the breaks in a province's series that the catalogue names.

    Returns
    -------
    DataFrame
        ``variable``, ``year``, ``note`` and ``own``, whether the break is of
        some provinces only.
    """
    rows = [
        [key, "", item.year, item.note, bool(item.provinces)]
        for key, variable in panel.catalogue.variables.items()
        for item in variable.breaks
        if not item.provinces or code in item.provinces
    ]
    table = _ordered(panel, rows, ["variable", "vintage", "year", "note", "own"])
    return table.drop(columns="vintage")


def _ordered(panel: Panel, rows: list[list], columns: list[str]) -> pd.DataFrame:
    order = {key: place for place, key in enumerate(panel.catalogue.variables)}
    rows = sorted(rows, key=lambda row: (order.get(row[0], len(order)), str(row[1:3])))
    return pd.DataFrame(rows, columns=columns)
