"""A province's main figures, each beside the other provinces', and all of its rows."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from nqpf import provinces
from nqpf.data import Panel
from nqpf.data.panel import DEFAULT_VINTAGE
from nqpf.paths import root
from nqpf.systems import Formula, Indicator
from nqpf.systems.card import Indicators
from nqpf.systems.cardfile import read_card

if TYPE_CHECKING:
    from nqpf.compare.profiles.load import Profiles

__all__ = ["MAIN", "main_figures", "province_rows", "series"]

GDP_PER_HEAD = Indicator(
    name={"en": "GDP per head", "zh": "人均地区生产总值"},
    formula="gdp / population * 10000",
    unit="yuan per head",
    direction="benefit",
    note="At current prices, over the resident population at the end of the year.",
)
# Size, then income, research, technology, new business, energy.
MAIN = (
    "gdp",
    "gdp_per_head",
    "population",
    "urbanisation",
    "employment",
    "labour_productivity",
    "rd_intensity",
    "rd_personnel_density",
    "invention_patent_density",
    "technology_turnover",
    "new_product_intensity",
    "software_intensity",
    "ecommerce_intensity",
    "student_density",
    "energy_intensity",
    "nonthermal_share",
)


def series(panel: Panel, key: str, vintage: str = DEFAULT_VINTAGE) -> tuple[Indicator, pd.Series]:
    """Return a variable of the panel or a shared indicator, with its name and unit.

    Parameters
    ----------
    panel : Panel
        Figures.
    key : str
        ``gdp_per_head``, an indicator of ``data/indicators.yaml`` or a variable.
    vintage : str
        Vintage of the national accounts.

    Returns
    -------
    indicator : Indicator
        Of a variable, its name and unit with the key as the formula.
    values : Series indexed (province, year)
        Where every figure of the formula is at hand.

    Raises
    ------
    nqpf.errors.DataError
        If there is no such variable or indicator.

    Examples
    --------
    >>> one, values = series(Panel.load(extra=False), "gdp_per_head")
    >>> one.unit, round(values[440000, 2022])
    ('yuan per head', 104722)
    """
    one = {"gdp_per_head": GDP_PER_HEAD, **_indicators(root())}.get(key)
    if one is None:
        values = panel.wide([key], vintage=vintage)[key].dropna()
        known = panel.catalogue.variables[key]
        name = {"en": known.name.en, "zh": known.name.zh}
        unit = known.unit
        return Indicator(name=name, formula=key, unit=unit, direction="benefit"), values
    formula = Formula.parse(one.formula, {"indicator": key})
    complete = panel.wide(list(formula.names), vintage=vintage).dropna()
    return one, formula.evaluate(complete, {"indicator": key})


@lru_cache(maxsize=2)
def _indicators(home: Path) -> dict[str, Indicator]:
    return read_card(home / "data" / "indicators.yaml", Indicators).indicators


def main_figures(profiles: Profiles, code: int) -> pd.DataFrame:
    """Return the main figures of a province in its latest year, and where they put it.

    Returns
    -------
    DataFrame by key
        ``en``, ``zh``, ``unit``, ``formula``, ``year``, ``value``, ``rank``
        (1 for the highest), ``of`` (provinces with a figure that year) and
        ``median`` of those; year to median are missing where the province has
        no figure in any year.
    """
    rows = {}
    for key in MAIN:
        one, values = profiles.series(key)
        rows[key] = {"en": one.name.en, "zh": one.name.zh, "unit": one.unit}
        rows[key]["formula"] = one.formula
        if code not in values.index.unique("province"):
            continue
        year = int(values.loc[code].index.max())
        inside = values.xs(year, level="year")
        rank = inside.rank(ascending=False, method="min")[code]
        found = {"year": year, "value": inside[code], "rank": rank, "of": len(inside)}
        rows[key].update(found, median=inside.median())
    columns = ["en", "zh", "unit", "formula", "year", "value", "rank", "of", "median"]
    return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns)


def province_rows(panel: Panel, code: int) -> pd.DataFrame:
    """Return all rows of a province with names, units and yearbooks, in catalogue order.

    Returns
    -------
    DataFrame
        ``province``, ``province_en``, ``province_zh``, ``variable``,
        ``name_en``, ``name_zh``, ``year``, ``value``, ``unit``, ``vintage``,
        ``flag``, ``yearbook_en`` and ``yearbook_zh``.

    Examples
    --------
    >>> rows = province_rows(Panel.load(extra=False), 540000)
    >>> rows.loc[rows["variable"] == "population", "unit"].unique().tolist()
    ['10,000 persons']
    """
    known = panel.catalogue.variables
    order = {key: place for place, key in enumerate(known)}
    rows = panel.frame[panel.frame["province"] == code].copy()
    rows = rows.assign(order=rows["variable"].map(order))
    rows = rows.sort_values(["order", "vintage", "year"], kind="stable", ignore_index=True)

    def of(read: object) -> pd.Series:
        return rows["variable"].map({key: read(known[key]) for key in rows["variable"].unique()})

    return pd.DataFrame(
        {
            "province": rows["province"],
            "province_en": provinces.name(code, "en"),
            "province_zh": provinces.name(code, "zh"),
            "variable": rows["variable"],
            "name_en": of(lambda one: one.name.en),
            "name_zh": of(lambda one: one.name.zh),
            "year": rows["year"],
            "value": rows["value"],
            "unit": of(lambda one: one.unit),
            "vintage": rows["vintage"],
            "flag": rows["flag"],
            "yearbook_en": of(lambda one: one.yearbook.en),
            "yearbook_zh": of(lambda one: one.yearbook.zh),
        }
    )
