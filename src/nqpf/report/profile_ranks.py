"""A province's page: the facts that open it, and its rank under every measure."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from nqpf import provinces
from nqpf.compare.profiles import standing
from nqpf.report.html import Html, table
from nqpf.report.profile_figures import rank_dots
from nqpf.report.profile_words import (
    BASE,
    TFP_NAMES,
    Section,
    apart,
    bilingual,
    joined,
    link,
    lowered,
    measure_name,
    measure_names,
    ordinal,
    page_key,
    paragraph,
    place,
    province_link,
    say,
    variable_name,
    with_note,
)
from nqpf.systems import filled

if TYPE_CHECKING:
    from nqpf.compare.profiles import Profiles

__all__ = ["opening", "ranks"]

_VINTAGES = f"{BASE}/notebooks/data/panel.html#two-vintages-of-gdp"
_CERTAINTY = f"{BASE}/notebooks/comparison/certainty.html"


def opening(profiles: Profiles, code: int) -> tuple[Html, ...]:
    """Return the facts that open the page: region, product, people, income, neighbours."""
    region = provinces.region(code)
    where = say(
        bilingual(provinces.name(code), provinces.name(code, "zh")),
        " lies in the ",
        bilingual(f"{region.capitalize()} region", provinces.REGIONS[region]),
        ", one of the four regions of the National Bureau of Statistics. ",
    )
    near = [province_link(other) for other in provinces.neighbours(code)]
    bounds = say("Neighbours by land: ", joined(near), ". ") if near else "It has no land border. "
    key = page_key(code)
    explorer = f"{BASE}/notebooks/explore/explorer.html#province={code}&provinces={code}"
    data = say(
        "All its figures: ",
        link(f"{key}.csv", f"{BASE}/downloads/provinces/{key}.csv"),
        ". With other years, systems and methods: ",
        link("the explorer", explorer),
        ".",
    )
    return paragraph(where, *_size(profiles, code)), paragraph(bounds, data)


def _size(profiles: Profiles, code: int) -> list[object]:
    _, product = profiles.series("gdp")
    _, income = profiles.series("gdp_per_head")
    if code not in income.index.unique("province"):
        return ["The panel holds no product and population of it for one year."]
    year = int(income.loc[code].index.max())
    inside = income.xs(year, level="year")
    _, people = profiles.series("population")
    said = [
        f"In {year} its gross regional product (地区生产总值) was "
        f"{product[code, year] / 10:,.1f} billion yuan, its resident population "
        f"{people[code, year] / 100:,.2f} million and its GDP per head {inside[code]:,.0f} yuan",
        _income_rank(inside, code),
        " (",
        link(f"national accounts of vintage {profiles.vintage}", _VINTAGES),
        ").",
    ]
    return said


def _income_rank(inside: pd.Series, code: int) -> str:
    if 2 * len(inside) < len(provinces.codes()):
        others = len(inside) - 1
        many = f"only {others} others" if others > 1 else "only one other" if others else "no other"
        return f", for a year in which {many} can be compared"
    rank = inside.rank(ascending=False, method="min")[code]
    return f", {place(rank, len(inside))}"


def ranks(profiles: Profiles, code: int) -> Section:
    """Return the rank under every measure with its interval, as sentence, figure and table."""
    found = standing(profiles, code)
    names = pd.Series({measure: measure_names(str(measure))[0] for measure in found.index})
    title = f"{provinces.name(code, 'both')}: rank under every measure, {profiles.year}"
    rows = [_rank_row(profiles, code, str(m), row) for m, row in found.iterrows()]
    heads = ["measure", "rank", "of", "interval", "direct"]
    body: list[object] = [paragraph(*_summary(profiles, found)), *_unranked(profiles, code)]
    if found["rank"].notna().any():
        body.append(rank_dots(found, names, title, len(provinces.codes())))
    body.append(table(heads, rows, numeric=["rank", "of", "interval", "direct"]))
    body.append(paragraph(*_how(profiles)))
    return Section("Rank under every measure", "各测度下的位次", tuple(body))


def _summary(profiles: Profiles, found: pd.DataFrame) -> list[object]:
    own = found.loc[[m for m in found.index if m in profiles.indices]].dropna(subset="rank")
    n, total = len(own), len(profiles.systems)
    if not n:
        return [f"None of the {total} composite indices can rank it in {profiles.year}. "]
    how = f"All {total} composite indices" if n == total else f"{n} of {total} composite indices"
    low, high = own["rank"].min(), own["rank"].max()
    if low == high:
        where = f"{ordinal(low)} by every one of them" if n > 1 else ordinal(low)
    else:
        where = f"from {ordinal(low)} to {ordinal(high)}, at the median {own['rank'].median():g}"
    width = (own["upper"] - own["lower"]).median()
    out = [
        f"{how} rank it in {profiles.year}, the latest year that all measures share: {where}. "
        f"The median width of their 90 % intervals is {apart(width)}. "
    ]
    levels = [m for m in TFP_NAMES if pd.notna(found.loc[m, "rank"])]
    tfp = [f"{place(found.loc[m, 'rank'], found.loc[m, 'of'])} by its {_PART[m]}" for m in levels]
    if tfp:
        out += ["By total factor productivity (TFP, 全要素生产率) it is ", joined(tfp), "."]
    return out


_PART = {"tfp": "level", "tfp_growth": "growth"}


def _unranked(profiles: Profiles, code: int) -> list[Html]:
    """Say which variables keep measures from ranking the province."""
    lacking: dict[str, int] = {}
    gone = [m for m in profiles.ranks.columns if pd.isna(profiles.ranks.loc[code, m])]
    for measure in gone:
        for key in profiles.missing(code, str(measure)):
            lacking[key] = lacking.get(key, 0) + 1
    if not gone:
        return []
    order = sorted(lacking, key=lambda key: (-lacking[key], key))
    parts = [
        say(variable_name(profiles.panel, key), f" (needed by {lacking[key]})") for key in order
    ]
    many = f"{len(gone)} measures" if len(gone) > 1 else "1 measure"
    return [
        paragraph(
            f"{many} cannot rank it, because the panel holds no figure of {profiles.year} for ",
            joined(parts),
            ". Nothing is filled in: a measure that lacks a figure leaves the province out.",
        )
    ]


def _rank_row(profiles: Profiles, code: int, measure: str, row: pd.Series) -> list[object]:
    name, shares = measure_name(measure), _filled_directly()
    direct = f"{100 * shares[measure]:.0f} %" if measure in shares else "–"
    if pd.isna(row["rank"]):
        note = with_note(name, _reason(profiles, code, measure))
        return [note, "–", f"{row['of']:.0f}", "–", direct]
    interval = f"{row['lower']:.0f}–{row['upper']:.0f}"
    if row["rank"] < row["lower"]:
        name = with_note(name, "above its interval: most other choices rank it lower")
    elif row["rank"] > row["upper"]:
        name = with_note(name, "below its interval: most other choices rank it higher")
    return [name, f"{row['rank']:.0f}", f"{row['of']:.0f}", interval, direct]


@cache
def _filled_directly() -> pd.Series:
    return filled()["share direct"]


def _reason(profiles: Profiles, code: int, measure: str) -> str:
    known = profiles.panel.catalogue.variables
    lacking = [f"no {lowered(known[key].name.en)}" for key in profiles.missing(code, measure)]
    return f"not ranked: {joined(lacking).text} in {profiles.year}" if lacking else "not ranked"


def _how(profiles: Profiles) -> list[object]:
    return [
        "Ranks are those of each index on its own sample. The interval of an index holds 90 % of ",
        f"{profiles.draws:,} draws over normalisation, weights, aggregation, one indicator left "
        "out, weights changed by up to a quarter and an error of 2 % in every figure (",
        link("How certain is a province's rank?", _CERTAINTY),
        "); that of TFP is the range of its ranks over capital shares from 0.4 to 0.6, not a "
        "probability. Growth of TFP leaves out the years in which employment has a break. “Direct” "
        "is the share of the usual indicators of an index that open figures fill as they are; the "
        "others are stood in for or missing.",
    ]
