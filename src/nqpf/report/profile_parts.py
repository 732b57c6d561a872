"""A province's page: productivity, dimensions, obstacles and peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.compare.profiles import dimensions, extremes, nearest, obstacles
from nqpf.report.html import Html, table
from nqpf.report.profile_figures import tfp_panels
from nqpf.report.profile_words import (
    BASE,
    Section,
    bilingual,
    joined,
    link,
    measure_name,
    paragraph,
    place,
    province_link,
    say,
    span_of,
    with_note,
)
from nqpf.report.style import number

if TYPE_CHECKING:
    from nqpf.compare.profiles import Profiles

__all__ = ["obstacle_section", "peers", "productivity", "strengths"]

_SOLOW = f"{BASE}/notebooks/tfp/solow.html"
_PRICES = f"{BASE}/notebooks/data/quality.html#prices"


def productivity(profiles: Profiles, code: int) -> Section:
    """Return total factor productivity in level and growth, and how far to trust it."""
    title = ("Total factor productivity", "全要素生产率")
    log_tfp, year = profiles.solow.log_tfp, profiles.year
    if code not in log_tfp.index.unique("province") or (code, year) not in log_tfp.index:
        lacking = joined(profiles.missing(code, "tfp"))
        text = say("It cannot be computed for ", str(year), ": the panel lacks ", lacking, ".")
        return Section(*title, (paragraph(text),))
    doubtful = _extrapolated(profiles, code)
    picture = tfp_panels(
        profiles,
        code,
        f"{provinces.name(code, 'both')}: total factor productivity",
        doubtful,
    )
    body = (
        paragraph(*_level(profiles, code), *_growth(profiles, code)),
        picture,
        paragraph(*_trust(profiles, code, doubtful)),
    )
    return Section(*title, body)


def _extrapolated(profiles: Profiles, code: int) -> list[int]:
    flags = profiles.panel.flags(["capital_stock"], vintage=profiles.vintage)["capital_stock"]
    own = flags[flags.index.get_level_values("province") == code]
    years = set(profiles.solow.log_tfp.index.unique("year"))
    found = own.index[own == "extrapolated"].get_level_values("year")
    return sorted(int(year) for year in found if year in years)


def _level(profiles: Profiles, code: int) -> list[object]:
    inside = profiles.solow.log_tfp.xs(profiles.year, level="year")
    ratio = 100 * (np.exp(inside[code] - inside.mean()) - 1)
    side = "above" if ratio >= 0 else "below"
    rank = profiles.ranks.loc[code, "tfp"]
    return [
        "As a Solow residual (索洛余值), with a capital share of one half, its productivity in ",
        f"{profiles.year} is {abs(ratio):.0f} % {side} the geometric mean of the provinces, "
        f"{place(rank, profiles.counts['tfp'])}{_range(profiles, code, 'tfp')}. "
        "Each province is valued at its own prices, so a dear one stands too high (",
        link("prices", _PRICES),
        "). ",
    ]


def _growth(profiles: Profiles, code: int) -> list[object]:
    account = profiles.solow.accounting(end=profiles.year, without=profiles.broken)
    own, every = account.loc[code], 100 * account["tfp"]
    first = int(profiles.solow.log_tfp.index.unique("year").min())
    rank = profiles.ranks.loc[code, "tfp_growth"]
    left_out = [year for year in profiles.broken_years(code) if year <= profiles.year]

    def points(share: float) -> str:
        return number(round(100 * share, 1) + 0.0, "{:.1f}")  # no minus before a zero

    return [
        f"From {first} to {profiles.year} it changed by {points(own['tfp'])} % a year (log "
        f"points), {place(rank, profiles.counts['tfp_growth'])}"
        f"{_range(profiles, code, 'tfp_growth')}; the median province by "
        f"{number(every.median(), '{:.1f}')} %, the mean of all by "
        f"{number(every.mean(), '{:.1f}')} %. ",
        *(_with_breaks(profiles, code, left_out) if left_out else []),
        f"Its output grew by {points(own['output'])} % a year, "
        f"of which capital accounts for {points(own['capital'])} points and labour for "
        f"{points(own['labour'])}.",
    ]


def _with_breaks(profiles: Profiles, code: int, left_out: list[int]) -> list[object]:
    """Say which years the mean leaves out, why, and what it would be with them."""
    every = profiles.solow.accounting(end=profiles.year)["tfp"]
    growth = 100 * profiles.solow.growth.xs(code, level="province")
    rank = every.rank(ascending=False, method="min")[code]
    there = place(rank, profiles.counts["tfp_growth"])
    each = [f"{year} ({number(growth[year], '{:.1f}')} %)" for year in left_out]
    one = len(left_out) == 1
    return [
        "Left out of the mean is " if one else "Left out of the mean are ",
        joined(each),
        f", when a break in its employment makes the statistics part of the change; with "
        f"{'this year' if one else 'these years'} it would be "
        f"{number(100 * every[code], '{:.1f}')} % and {there}. Which of the two is nearer depends "
        "on what was wrong (",
        link("breaks in employment", f"{_SOLOW}#breaks-in-employment"),
        "). ",
    ]


def _range(profiles: Profiles, code: int, measure: str) -> str:
    bound = profiles.bounds.loc[(measure, code)]
    if bound["lower"] == bound["upper"]:
        return ", whatever capital share from 0.4 to 0.6 is taken"
    return f" ({bound['lower']} to {bound['upper']} with capital shares from 0.4 to 0.6)"


def _trust(profiles: Profiles, code: int, doubtful: list[int]) -> list[object]:
    out: list[object] = [
        "The capital share is a choice, not a finding: ",
        link("From GDP to total factor productivity", _SOLOW),
        " shows what others would do. ",
    ]
    growth = 100 * profiles.solow.growth.xs(code, level="province")
    growth = growth.drop(profiles.broken_years(code))
    if doubtful:
        late = growth[growth.index.isin(doubtful)]
        early = growth[growth.index < min(doubtful)]
        out.append(
            f"The capital stock of {span_of(doubtful)} is extrapolated, because published capital "
            f"formation by province ends in {min(doubtful) - 1}: evidence after that year is "
            "weaker. "
        )
        if len(early) and len(late):
            out.append(
                f"Mean growth of TFP was {number(early.mean(), '{:.1f}')} % a year to "
                f"{min(doubtful) - 1} and {number(late.mean(), '{:.1f}')} % in the extrapolated "
                f"years{', breaks left out' if profiles.broken_years(code) else ''}. "
            )
    return out


def strengths(profiles: Profiles, code: int) -> Section:
    """Return the dimensions in which a province stands highest and lowest over the systems."""
    title = ("Strong and weak dimensions", "强项与弱项")
    found = dimensions(profiles, code)
    if found.empty:
        return Section(*title, (paragraph("No composite index ranks it in any dimension."),))
    strong, weak = extremes(found)
    n = found["system"].nunique()
    indices = f"the {n} indices that rank it" if n > 1 else "the one index that ranks it"
    body = [
        paragraph(
            f"Its rank in each of the {len(found)} dimensions of {indices}, {profiles.year}; "
            "dimensions of the same name and rank are one line. The indicators that fill a "
            "dimension are this book's choice, so one word can stand for different things.",
        ),
        _dimension_table("Strongest 最强", strong),
    ]
    if len(weak):
        body.append(_dimension_table("Weakest 最弱", weak))
    return Section(*title, tuple(body))


def _dimension_table(caption: str, found: pd.DataFrame) -> Html:
    rows = [
        [
            bilingual(row["en"], row["zh"]),
            f"{row['rank']}",
            f"{row['of']}",
            joined([measure_name(system) for system in row["systems"]], ", "),
        ]
        for _, row in found.iterrows()
    ]
    return table(["dimension", "rank", "of", "system"], rows, caption, numeric=["rank", "of"])


def obstacle_section(profiles: Profiles, code: int, n: int = 6) -> Section:
    """Return the indicators that most often hold a province back over the systems."""
    title = ("Obstacles", "障碍因素")
    found = obstacles(profiles, code).head(n)
    if found.empty:
        return Section(*title, (paragraph("No composite index ranks it, so none is known."),))
    rows = [_obstacle(profiles, code, str(key), row) for key, row in found.iterrows()]
    heads = ["indicator", "leads in", "degree", "own figure", "rank", "leads for"]
    body = (
        paragraph(
            "What it lacks most to the best province-year, weighed as each index weighs it "
            "(obstacle degree, 障碍度): in how many of the systems that hold an indicator it is "
            "among the three largest obstacles, and its mean share of what the province lacks. "
            f"The last column tells common from special: for how many of {len(provinces.codes())} "
            "provinces the indicator leads in at least half of its systems. Weights come from "
            "the recipes; each index is taken as a sum for this purpose. Systems on the "
            "same indicators count one by one.",
        ),
        table(heads, rows, numeric=heads[1:]),
    )
    return Section(*title, body)


def _obstacle(profiles: Profiles, code: int, key: str, row: pd.Series) -> list[object]:
    one, values = profiles.series(key)
    name = with_note(bilingual(one.name.en, one.name.zh), one.unit)
    own, rank = "–", "–"
    if (code, profiles.year) in values.index:
        inside = values.xs(profiles.year, level="year")
        own = figure(inside[code])
        at = inside.rank(ascending=one.direction == "cost", method="min")[code]
        rank = f"{at:.0f} of {len(inside)}"
    leads = f"{row['leading']:.0f} of {row['held']:.0f}"
    return [name, leads, f"{row['degree']:.0f} %", own, rank, f"{row['provinces']:.0f}"]


def figure(value: float) -> str:
    """Return a number with three digits that count, no exponent and a true minus sign.

    Examples
    --------
    >>> figure(43760.7), figure(6.83172), figure(0.04213), figure(-1.5), figure(0.0)
    ('43,761', '6.83', '0.0421', '−1.50', '0')
    """
    if value == 0:
        return "0"
    digits = 2 - int(np.floor(np.log10(abs(value))))
    return number(value, f"{{:,.{min(max(digits, 0), 8)}f}}")


def peers(profiles: Profiles, code: int) -> Section:
    """Return the provinces nearest in rank under all measures."""
    title = ("Nearest peers", "相近省份")
    found = nearest(profiles, code)
    if found.empty:
        return Section(*title, (paragraph("No measure ranks it together with another."),))
    rows = []
    for other, row in found.iterrows():
        region = provinces.region(int(other))
        rows.append(
            [
                province_link(int(other)),
                bilingual(region, provinces.REGIONS[region]),
                f"{row['distance']:.1f}",
                f"{row['measures']:.0f}",
                "yes" if row["mutual"] else "no",
            ]
        )
    heads = ["province", "region", "places apart", "measures", "mutual"]
    body = (
        paragraph(
            "Nearest is who stands the fewest places apart, on average over all measures that "
            f"rank both in {profiles.year}: the composite indices and TFP in level and growth, "
            "each counted once (this book's choice, B). Indices that share indicators count more "
            "than once in substance. Mutual: the province is in turn among the "
            f"{len(found)} nearest of the other.",
        ),
        table(heads, rows, numeric=["places apart", "measures"]),
    )
    return Section(*title, body)
