"""The page before the provinces' own: a map whose tiles lead to them, and one line for each."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.compare.profiles import (
    Profiles,
    breaks,
    dimensions,
    extremes,
    flagged,
    gaps,
    main_figures,
    nearest,
    obstacles,
    province_rows,
    standing,
)
from nqpf.data.panel import Panel
from nqpf.errors import like_formula
from nqpf.report.html import Html, table
from nqpf.report.maps import ABSENT
from nqpf.report.province_figures import (
    BASE,
    TFP_NAMES,
    Section,
    apart,
    bilingual,
    folded,
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
    rank_dots,
    rank_ribbon,
    say,
    span_of,
    tfp_panels,
    variable_name,
    with_note,
)
from nqpf.report.style import SEQUENTIAL, ink_on, number
from nqpf.systems.overlap import filled

__all__ = [
    "ProvinceProfile",
    "SINCE",
    "by_year",
    "change",
    "csv_text",
    "fenced",
    "figures",
    "gap_section",
    "history",
    "obstacle_section",
    "opening",
    "overview_markdown",
    "peers",
    "productivity",
    "province_profile",
    "ranks",
    "strengths",
    "tile_links",
]

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


SINCE = 2010  # earlier years hold the accounts of capital alone


def csv_text(panel: Panel, code: int) -> str:
    """Return all rows of a province as CSV text, one figure a line.

    A text that a spreadsheet would run as a formula, because a reader's file
    brought it, is led by an apostrophe.

    Parameters
    ----------
    panel : Panel
        Figures.
    code : int
        GB/T 2260 code.

    Examples
    --------
    >>> from nqpf import Panel
    >>> csv_text(Panel.load(extra=False), 540000).splitlines()[0][:40]
    'province,province_en,province_zh,variabl'
    """
    rows = province_rows(panel, code)
    for column in rows.select_dtypes(exclude="number"):
        rows[column] = rows[column].map(_harmless)
    return rows.to_csv(index=False, lineterminator="\n")


def _harmless(text: str) -> str:
    return f"'{text}" if like_formula(text) else text


def figures(profiles: Profiles, code: int) -> Section:
    """Return the main figures of a province beside the median of all, and its file."""
    rows = []
    for _, row in main_figures(profiles, code).iterrows():
        name = with_note(_figure_name(profiles.panel, row), row["unit"])
        if pd.isna(row["year"]):
            rows.append([name, "–", "no figure", "–", "–"])
            continue
        rank = f"{row['rank']:.0f} of {row['of']:.0f}"
        found = [f"{row['year']:.0f}", figure(row["value"]), rank]
        rows.append([name, *found, figure(row["median"])])
    n = int((profiles.panel.frame["province"] == code).sum())
    own = profiles.panel.frame
    added = int(((own["province"] == code) & (own["flag"] == "reader")).sum())
    note = f", {added} of them added by the reader," if added else ""
    address = f"{BASE}/downloads/provinces/{page_key(code)}.csv"
    body = (
        paragraph(
            f"The latest figure of each, its rank from the highest and the median of the "
            f"provinces that year. All {n:,} rows of the panel{note} with unit, year, vintage, "
            "flag and yearbook: ",
            Html(f'<a href="{address}" download>{page_key(code)}.csv</a>', f"{page_key(code)}.csv"),
            ".",
        ),
        table(
            ["figure", "year", "value", "rank", "median"],
            rows,
            numeric=["year", "value", "rank", "median"],
        ),
    )
    return Section("Main figures", "主要数据", body)


def _figure_name(panel: Panel, row: pd.Series) -> Html:
    if row["formula"] in panel.catalogue.variables:
        return variable_name(panel, row["formula"])
    return bilingual(row["en"], row["zh"])


def gap_section(profiles: Profiles, code: int) -> Section:
    """Return what the panel lacks of a province, what is not official, and where series break."""
    panel = profiles.panel
    body: list[object] = [*_lacking(panel, code), *_not_official(panel, code)]
    body += _broken(panel, code)
    body.append(
        paragraph(
            "How the figures were checked: ",
            link("The quality of the panel", f"{BASE}/notebooks/data/quality.html"),
            ".",
        )
    )
    return Section("Gaps in its data", "数据缺口", tuple(body))


def _lacking(panel: Panel, code: int) -> list[Html]:
    found = gaps(panel, code, SINCE)
    if found.empty:
        text = f"From {SINCE} on it lacks no figure that another province has."
        return [paragraph(text)]
    whole = found[found["present"] == 0]
    n = found["variable"].nunique()
    many = f"{n} series" if n > 1 else "one series"
    said: list[object] = [f"From {SINCE} on it lacks figures that other provinces have in {many}"]
    if len(whole):
        names = [variable_name(panel, key) for key in whole["variable"].unique()]
        said += ["; no figure at all of ", joined(names)]
    rows = [
        [_name(panel, row), span_of(row["years"]), f"{row['present']}"]
        for _, row in found.iterrows()
    ]
    heads = ["series", "years missing", "years at hand"]
    return [paragraph(*said, "."), table(heads, rows, numeric=["years at hand"])]


def _name(panel: Panel, row: pd.Series) -> Html:
    name = variable_name(panel, row["variable"])
    return say(name, f" ({row['vintage']})") if row["vintage"] else name


def _not_official(panel: Panel, code: int) -> list[Html]:
    found = flagged(panel, code, SINCE)
    plain = found[found["flag"] != "break"]
    if plain.empty:
        return [paragraph("All its figures are as published.")]
    rows = [[_name(panel, row), row["flag"], span_of(row["years"])] for _, row in plain.iterrows()]
    count = int(plain["years"].map(len).sum())
    many = f"{count} figures" if count > 1 else "1 figure"
    text = f"Not as an office published them: {many}, by flag of the panel."
    return [paragraph(text), table(["series", "flag", "years"], rows)]


def _broken(panel: Panel, code: int) -> list[Html]:
    found = breaks(panel, code)
    own = found[found["own"]]
    if found.empty:
        return [paragraph("The catalogue knows of no break in its series.")]
    many = f"{len(found)} breaks" if len(found) > 1 else "1 break"
    said = f"The catalogue names {many} in its series"
    if len(own):
        said += f", {len(own)} of them in some provinces only"
    rows = [
        [
            variable_name(panel, row["variable"]),
            f"{row['year']}",
            say(row["note"]),
            "some provinces" if row["own"] else "all provinces",
        ]
        for _, row in found.sort_values("own", ascending=False, kind="stable").iterrows()
    ]
    every = table(["series", "year", "what changed", "where"], rows)
    text = f"{said}: figures on the two sides of a break do not compare."
    return [paragraph(text), folded("The breaks, series by series", every)]


def by_year(profiles: Profiles, code: int) -> pd.DataFrame:
    """Return the median, best and worst rank over the composite indices, year by year.

    Returns
    -------
    DataFrame by year
        ``median``, ``best``, ``worst`` and ``measures``, the number of indices
        that rank the province; years without any are left out.
    """
    rows = profiles.history[profiles.history.index.get_level_values("province") == code]
    own = rows.droplevel("province")[profiles.systems].dropna(how="all")
    return pd.DataFrame(
        {
            "median": own.median(axis=1),
            "best": own.min(axis=1),
            "worst": own.max(axis=1),
            "measures": own.notna().sum(axis=1),
        }
    )


def history(profiles: Profiles, code: int) -> Section:
    """Return how the ranks moved over the years."""
    found = by_year(profiles, code)
    rows = profiles.history[profiles.history.index.get_level_values("province") == code]
    tfp = rows.droplevel("province")["tfp"].dropna()
    title = f"{provinces.name(code, 'both')}: ranks over the years"
    body: list[object] = [paragraph(*_moves(found))]
    broken = profiles.broken_years(code)
    if len(found) or len(tfp):
        body.append(rank_ribbon(found, tfp, title, len(provinces.codes()), broken))
    years = sorted(int(year) for year in rows.dropna(how="all").index.unique("year"))
    years = [year for year in years if year in found.index]
    cells = [
        [measure_name(str(m)), *(_cell(own.get((code, year))) for year in years)]
        for m, own in rows.to_dict().items()
    ]
    heads = [str(year) for year in years]
    if years:
        every = table(["measure", *heads], cells, numeric=heads)
        body.append(folded("The rank in every year, measure by measure", every))
    return Section("How the rank moved", "位次的变化", tuple(body))


def _cell(rank: float | None) -> str:
    return "–" if rank is None or pd.isna(rank) else f"{rank:.0f}"


def _moves(found: pd.DataFrame) -> list[object]:
    if found.empty:
        return ["No composite index ranks it in any year."]
    full = found[found["measures"] == found["measures"].max()]
    first, last = full.iloc[0], full.iloc[-1]
    n = int(last["measures"])
    over = f"the {n} composite indices that rank it" if n > 1 else "the one index that ranks it"
    start, end = int(full.index[0]), int(full.index[-1])
    if start == end:
        said = f"In {start} its median rank over {over} was {first['median']:g}. "
    elif first["median"] == last["median"]:
        said = f"Its median rank over {over} was {first['median']:g} in {start} and in {end}. "
    else:
        better = last["median"] < first["median"]
        said = (
            f"Its median rank over {over} {'improved' if better else 'fell'} from "
            f"{first['median']:g} in {start} to {last['median']:g} in {end}. "
        )
    out = [said]
    if start != end:
        before, after = first["worst"] - first["best"], last["worst"] - last["best"]
        out.append(
            f"Best and worst index lay {apart(before)} apart in {start} and {apart(after)} "
            f"in {end}. "
        )
    thin = found[found["measures"] < found["measures"].max()]
    if len(thin):
        each = [f"{year} ({row['measures']:.0f})" for year, row in thin.iterrows()]
        out += ["Fewer indices rank it in ", joined(each), "; these points are hollow."]
    return out


def change(profiles: Profiles, code: int) -> Section:
    """Return the best and the worst rank over the indices, and the dimensions behind them."""
    own = profiles.ranks.loc[code, profiles.systems].dropna()
    title = ("What the choice of measure changes", "测度选择的影响")
    if own.empty:
        return Section(*title, (paragraph("No composite index ranks it: nothing to compare."),))
    best, worst = own.min(), own.max()
    found = dimensions(profiles, code)
    body: list[object] = []
    if best == worst:
        same = "Every index that ranks it gives it the same rank, "
        body.append(paragraph(f"{same}{ordinal(best)}."))
        return Section(*title, tuple(body))
    for rank, word, pick in ((best, "best", "idxmin"), (worst, "worst", "idxmax")):
        by = [str(system) for system in own.index[own == rank]]
        body.append(paragraph(*_why(profiles, found, rank, word, by, pick)))
    widths = profiles.ranks[profiles.systems].max(axis=1) - profiles.ranks[profiles.systems].min(
        axis=1
    )
    body.append(
        paragraph(
            f"Best and worst lie {apart(worst - best)} apart; over all provinces the median is "
            f"{widths.median():g}. See ",
            link("Fifteen systems side by side", f"{BASE}/notebooks/comparison/fifteen.html"),
            ".",
        )
    )
    return Section(*title, tuple(body))


def _why(
    profiles: Profiles, found: pd.DataFrame, rank: float, word: str, by: list[str], pick: str
) -> list[object]:
    """Say which systems give a rank, and the dimension that stands out in each."""
    each: list[object] = []
    for system in by:
        inside = found[found["system"] == system]
        row = inside.loc[getattr(inside["place"], pick)()]
        name = bilingual(row["en"], row["zh"])
        at = f", {place(row['rank'], row['of'])}"
        each.append(say(measure_name(system), " (", name, at, ")"))
    side = "highest" if pick == "idxmin" else "lowest"
    return [
        f"The {word} rank, {ordinal(rank)}, comes from ",
        joined(each),
        f"; in brackets the dimension in which it stands {side} there.",
    ]


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
    body.append(paragraph(*_how_profile_ranks(profiles)))
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


def _how_profile_ranks(profiles: Profiles) -> list[object]:
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


_FENCE = "`" * 8


@dataclass(frozen=True, repr=False)
class ProvinceProfile:
    """A province in all measures, made by :func:`province_profile`.

    Parameters
    ----------
    code : int
        GB/T 2260 code.
    opening : tuple of Html
        The facts that come first.
    sections : tuple of Section
        Ranks, their history, productivity, dimensions, obstacles, peers, the
        choice of measure, figures and gaps.
    """

    code: int
    opening: tuple[Html, ...]
    sections: tuple[Section, ...]

    def __iter__(self) -> Iterator[Section]:
        return iter(self.sections)

    @property
    def title(self) -> str:
        """The province's name in both languages."""
        return provinces.name(self.code, "both")

    def markdown(self) -> str:
        """Return the page of the book: headings for its index, the rest as HTML."""
        parts = [f"# {_escaped(self.title)}", fenced("\n".join(part.html for part in self.opening))]
        for section in self.sections:
            parts += [f"## {section.title} {section.zh}", fenced(section.html())]
        return "\n\n".join(parts) + "\n"

    def _repr_html_(self) -> str:
        parts = [f"<h3>{escape(self.title)}</h3>", *(part.html for part in self.opening)]
        for one in self.sections:
            parts += [f"<h4>{escape(one.title)} <span lang='zh'>{one.zh}</span></h4>", one.html()]
        return "\n".join(parts)

    def __repr__(self) -> str:
        parts = [self.title, *(part.text for part in self.opening)]
        for one in self.sections:
            parts += [f"{one.title} {one.zh}", one.text()]
        return "\n".join(parts)


def _escaped(text: str) -> str:
    """Return a text as Markdown in which no character has a meaning."""
    line = " ".join(text.split())
    return "".join(f"\\{one}" if one in string.punctuation else one for one in line)


def fenced(html: str) -> str:
    """Return HTML as a block of a Markdown page that nothing in it can end."""
    safe = html.replace("`", "&#96;")
    return f'{_FENCE}{{raw}} html\n<div class="profile">\n{safe}\n</div>\n{_FENCE}'


def province_profile(source: Panel | Profiles, province: object) -> ProvinceProfile:
    """Return what every measure says of a province.

    Parameters
    ----------
    source : Panel or Profiles
        A panel, from which all measures are computed first (some seconds), or
        the result of :meth:`nqpf.compare.Profiles.load`, for several provinces.
    province : int or str
        Code or name.

    Returns
    -------
    ProvinceProfile
        Shows as a page in a notebook and as plain text in a terminal.

    Raises
    ------
    nqpf.errors.ProvinceError
        If the province is unknown.

    Examples
    --------
    >>> profiles = Profiles.load(Panel.load(extra=False), systems=["wu-2024"], draws=50)
    >>> page = province_profile(profiles, "Tibet")
    >>> page.title, [section.anchor for section in page][:2]
    ('Tibet 西藏', ['rank-under-every-measure', 'how-the-rank-moved'])
    """
    code = provinces.code_of(province)
    profiles = source if isinstance(source, Profiles) else Profiles.load(source)
    makers = (
        ranks,
        history,
        productivity,
        strengths,
        obstacle_section,
        change,
        peers,
        figures,
        gap_section,
    )
    sections = tuple(make(profiles, code) for make in makers)
    return ProvinceProfile(code, opening(profiles, code), sections)


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
