"""The page before the provinces' own: a map whose tiles lead to them, and one line for each."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from nqpf import provinces
from nqpf.report.html import Html, table
from nqpf.report.maps import ABSENT
from nqpf.report.profile_page import fenced
from nqpf.report.profile_words import (
    BASE,
    Section,
    bilingual,
    joined,
    link,
    page_key,
    paragraph,
    province_link,
    variable_name,
)
from nqpf.report.style import SEQUENTIAL, ink_on

if TYPE_CHECKING:
    from nqpf.compare.profiles import Profiles

__all__ = ["overview_markdown", "tile_links"]

_GREY = "#f4f4f4"


def overview_markdown(profiles: Profiles) -> str:
    """Return the overview of the provinces as a page of the book.

    Parameters
    ----------
    profiles : Profiles
        All provinces under all measures.
    """
    table_section = Section("All provinces", "所有省份", _lines(profiles))
    read = Section("How to read a page", "如何阅读", tuple(_how(profiles)))
    parts = ["# Provinces 省份", fenced("\n".join(part.html for part in _opening(profiles)))]
    for one in (table_section, read):
        parts += [f"## {one.title} {one.zh}", fenced(one.html())]
    return "\n\n".join(parts) + "\n"


def _opening(profiles: Profiles) -> list[Html]:
    n = len(provinces.codes())
    everywhere = profiles.ranks[profiles.systems].notna().all(axis=1)
    partly = [province_link(int(code)) for code in everywhere.index[~everywhere]]
    missing = " Not ranked by all of them, for lack of figures: " if partly else ""
    return [
        paragraph(
            f"Each of the {n} provincial-level units (省级行政区) has a page: its rank under "
            f"{len(profiles.systems)} composite indices and by total factor productivity in "
            f"{profiles.year}, how firm that is, what holds it back, who is most like it, its "
            "figures and what they lack.",
            missing,
            joined(partly),
            "." if partly else "",
        ),
        tile_links(profiles),
    ]


def _median(profiles: Profiles) -> pd.Series:
    return profiles.ranks[profiles.systems].median(axis=1)


def tile_links(profiles: Profiles) -> Html:
    """Return the tile map of the median rank, each tile a link to its province.

    Parameters
    ----------
    profiles : Profiles
        All provinces under all measures.

    Returns
    -------
    Html
        Links in a grid, in the order of rows, so that a keyboard follows the map.
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    median, counts = _median(profiles), profiles.ranks[profiles.systems].notna().sum(axis=1)
    scale = colormaps[SEQUENTIAL]
    n = len(provinces.codes())
    places = provinces.table().sort_values(["tile_row", "tile_col"])
    tiles, text = [], []
    for code, row in places.iterrows():
        rank = median[code]
        fill = _GREY if pd.isna(rank) else to_hex(scale(0.92 - 0.87 * (rank - 1) / (n - 1)))
        value = "–" if pd.isna(rank) else f"{rank:g}"
        said = f"median rank {value} by {counts[code]} indices" if counts[code] else "not ranked"
        label = f"{row['en']} {row['zh']}: {said}"
        tiles.append(
            f'<a class="tile" href="{BASE}/book/provinces/{page_key(int(code))}.html" '
            f'aria-label="{escape(label)}" title="{escape(label)}" '
            f'style="grid-area:{row["tile_row"] + 1}/{row["tile_col"] + 1};'
            f'background:{fill};color:{ink_on(fill)}">'
            f'<span class="tile-zh" lang="zh">{escape(row["zh"])}</span>'
            f'<span class="tile-en">{escape(row["en"])}</span>'
            f'<span class="tile-abbr">{escape(row["abbr"])}</span>'
            f'<span class="tile-value">{value}</span></a>'
        )
        text.append(label)
    note = (
        f"Median rank over the composite indices that rank a province in {profiles.year}; dark "
        f"is first. {ABSENT}."
    )
    return Html(
        f'<nav class="tile-links" aria-label="Provinces on a tile map">{"".join(tiles)}</nav>'
        f'<p class="tile-note">{escape(note)}</p>',
        "\n".join([*text, note]),
    )


def _lines(profiles: Profiles) -> tuple[Html, ...]:
    """Return one row per province, under the name of its region, and what the columns hold."""
    _, income = profiles.series("gdp_per_head")
    latest = int(income.groupby(level="year").size().loc[lambda s: s == s.max()].index.max())
    rank = income.xs(latest, level="year").rank(ascending=False, method="min")
    rows: list[list[object]] = []
    for region, zh in provinces.REGIONS.items():
        rows.append([bilingual(region.capitalize(), zh)])
        rows += [
            _line(profiles, code, rank)
            for code in provinces.codes()
            if provinces.region(code) == region
        ]
    heads = [f"GDP per head {latest}", "median", "best", "worst", "indices", "TFP", "TFP growth"]
    said = paragraph(
        f"Ranks in {profiles.year}: median, best and worst over the composite indices that rank "
        "the province, their number, and by total factor productivity (TFP, 全要素生产率) in level "
        "and growth, which leaves out the years in which employment has a break; by GDP per "
        "head in the latest year.",
    )
    return said, table(["province", *heads], rows, numeric=heads)


def _line(profiles: Profiles, code: int, income: pd.Series) -> list[object]:
    own = profiles.ranks.loc[code]
    each = own[profiles.systems].dropna()

    def shown(value: float) -> str:
        return "–" if pd.isna(value) else f"{value:g}"

    return [
        province_link(code),
        shown(income.get(code, float("nan"))),
        shown(each.median()),
        shown(each.min()),
        shown(each.max()),
        str(len(each)),
        shown(own["tfp"]),
        shown(own["tfp_growth"]),
    ]


def _how(profiles: Profiles) -> list[Html]:
    return [
        paragraph(
            "A rank is 1 for the first. An index ranks the provinces for which it has every "
            "figure, so some rank fewer than others: the column ",
            Html("<em>of</em>", "of"),
            " tells how many. The ranks of one year are those of the latest year that all "
            f"measures share, {profiles.year}; latest figures may be younger.",
        ),
        paragraph(
            "What each index counts is told in ",
            link("the chapters on the studies", f"{BASE}/notebooks/studies/overview.html"),
            ", which of them rank alike in ",
            link("Fifteen systems side by side", f"{BASE}/notebooks/comparison/fifteen.html"),
            ", and each series, such as ",
            variable_name(profiles.panel, "gdp"),
            ", in ",
            link("the catalogue", f"{BASE}/notebooks/data/panel.html"),
            ". In a notebook: ",
            Html(
                "<code>nqpf.report.province_profile(panel, 110000)</code>",
                "nqpf.report.province_profile(panel, 110000)",
            ),
            ".",
        ),
    ]
