"""Pages of the provinces: what every measure says of one, and an overview that leads to all.

The words stand in ``templates/``, what a figure shows in ``figure.txt.jinja`` there, and the same
in Chinese in templates of their own; here is what they are filled with, and the figures themselves.
Every text is escaped where a template shows it, and characters that would not be seen are written
out.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape, unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from nqpf import provinces
from nqpf.chinese import chinese, language
from nqpf.compare.profiles import _SINCE, _Profiles
from nqpf.data.export import _catalogue, _figures, _plain
from nqpf.data.panel import Panel
from nqpf.errors import _visible
from nqpf.report import style as sty
from nqpf.report.html import listed
from nqpf.report.maps import _ABSENT
from nqpf.systems.overlap import filled
from nqpf.systems.study import Study
from nqpf.systems.system import _span

_FENCE = "`" * 8
_NAMED = ["name_en", "name_zh", "yearbook_en", "yearbook_zh"]

_TFP_NAMES = {"tfp": ("TFP, level", "全要素生产率水平")}
_TFP_NAMES["tfp_growth"] = ("TFP, growth", "全要素生产率增长")


@lru_cache(maxsize=64)
def _measure_names(measure: str) -> tuple[str, str]:
    """Return a measure's name in English and in Chinese.

    Examples
    --------
    >>> _measure_names("han-2024"), _measure_names("tfp")
    (('Han et al.', '韩文龙等'), ('TFP, level', '全要素生产率水平'))
    """
    if measure in _TFP_NAMES:
        return _TFP_NAMES[measure]
    study = Study.load(measure)
    people = study.authors.zh.split("、")
    return study.short, f"{people[0]}等" if len(people) > 2 else study.authors.zh


@dataclass(frozen=True, repr=False)
class _ProvinceProfile:
    """A province in all measures.

    Parameters
    ----------
    title : str
        Its name in both languages, in Chinese alone on a Chinese page.
    html : str
        What follows the title, sections under headings of the second level.
    pictures : dict of Picture
        The figures in it, by section: ``ranks``, ``history``, ``tfp``.
    """

    title: str
    html: str
    pictures: dict[str, sty._Picture]

    def markdown(self) -> str:
        """Return the page of the book: headings for its index, the rest as HTML."""
        return _markdown(self.title, self.html)

    def _repr_html_(self) -> str:
        return f"<h3>{escape(self.title)}</h3>\n{self.html.replace('h2>', 'h4>')}"

    def __repr__(self) -> str:
        ends = re.sub(r"</(?:p|tr|h2|summary|caption)>", "\n", self.html.replace("\n", " "))
        plain = unescape(re.sub(r"<[^>]*>", " ", ends))
        lines = (" ".join(line.split()) for line in plain.split("\n"))
        return "\n".join([self.title, *(line for line in lines if line)])


def province_profile(source: Panel | _Profiles, province: object) -> _ProvinceProfile:
    """Return what every measure says of a province.

    Parameters
    ----------
    source : Panel or Profiles
        A panel, from which all measures are computed first (some seconds), or
        the result of :meth:`nqpf.compare.profiles._Profiles.load`, for several provinces.
    province : int or str
        Code or name.

    Returns
    -------
    object
        Shows as a page in a notebook and as plain text in a terminal; its method
        ``markdown`` gives the page of the book, ``pictures`` the figures on it.

    Raises
    ------
    nqpf.errors.DataError
        If the province is unknown.

    Notes
    -----
    Every page is written from the same templates, so no two can drift apart, in Chinese where the
    environment variable NQPF_LANGUAGE, or without it the locale, says so. Nothing is filled in:
    a measure that lacks a figure ranks the province nowhere and the page says which figure.
    ``scripts/make_files.py`` writes all of them, beside the running chapters, when what they
    are made from changed; ``book/provinces/`` is ignored by git.

    Examples
    --------
    >>> profiles = _Profiles.load(Panel.load(extra=False), systems=["wu-2024"], draws=50)
    >>> page = province_profile(profiles, "Tibet")
    >>> page.title, [line for line in page.markdown().splitlines() if line[:2] == "##"][1:2]
    ('Tibet 西藏', ['## How the rank moved 位次的变化'])
    """
    code = provinces.code_of(province)
    profiles = source if isinstance(source, _Profiles) else _Profiles.load(source)
    panel, ranked = profiles.panel, profiles.history
    ranked = ranked[ranked.index.get_level_values("province") == code].droplevel("province")
    dimensions, own = profiles.dimensions(code), panel.frame[panel.frame["province"] == code]
    facts = {
        "code": code,
        "title": provinces.name(code, "both"),
        "ranks": _ranks(profiles, code),
        "ranked": ranked,
        "history": _by_year(ranked[profiles.systems]),
        "levels": ranked["tfp"].dropna(),
        "broken": profiles.broken_years(code),
        "tfp": _productivity(profiles, code),
        "dimensions": dimensions,
        "obstacles": _obstacles(profiles, code),
        "extremes": _extremes(profiles, code, dimensions),
        "rows": len(own),
        "added": int((own["flag"] == "reader").sum()),
    }
    drawn = _pictures(profiles, facts)
    shown = {key: _environment().filters["safe"](one.html()) for key, one in drawn.items()}
    page = _filled("province.html", profiles, pictures=shown, **facts)
    return _ProvinceProfile(_said(facts["title"]), page, drawn)


def _overview_markdown(profiles: _Profiles) -> str:
    """Return the overview of the provinces as a page of the book.

    Parameters
    ----------
    profiles : Profiles
        All provinces under all measures.
    """
    own = profiles.ranks[profiles.systems]
    income = profiles.series("gdp_per_head")[1].unstack("year")
    sizes = income.count()
    latest = int(sizes.index[sizes == sizes.max()].max())
    columns = [
        income[latest].dropna().rank(ascending=False, method="min"),
        *(own.median(axis=1), own.min(axis=1), own.max(axis=1), own.notna().sum(axis=1)),
        *(profiles.ranks["tfp"], profiles.ranks["tfp_growth"]),
    ]
    lines = []
    for code in provinces.codes():
        lines.append({"code": code, "ranks": [column.get(code, np.nan) for column in columns]})
    facts = {"tiles": _tiles(own), "absent": _ABSENT, "income_year": latest, "lines": lines}
    facts["partly"] = [int(code) for code in own.index[own.isna().any(axis=1)]]
    return _markdown(_said("Provinces 省份"), _filled("provinces.html", profiles, **facts))


def _csv_texts(panel: Panel) -> dict[int, str]:
    """Return all rows of each province as CSV text, one figure a line.

    A text that a spreadsheet would run as a formula, because a reader's file
    brought it, is led by an apostrophe.

    Parameters
    ----------
    panel : Panel
        Figures.

    Examples
    --------
    >>> _csv_texts(Panel.load(extra=False))[540000].splitlines()[0][:40]
    'province,province_en,province_zh,variabl'
    """
    rows = _figures(panel).merge(_catalogue(panel)[["variable", *_NAMED]], on="variable")
    head = ["province", "province_en", "province_zh", "variable", "name_en", "name_zh", "year"]
    rows = rows[[*head, "value", "unit", "vintage", "flag", *_NAMED[2:]]].map(_plain)
    groups = rows.groupby("province")
    return {code: own.to_csv(index=False, lineterminator="\n") for code, own in groups}


def _page_key(code: int) -> str:
    """Return the name of a province's page, in plain letters.

    Examples
    --------
    >>> _page_key(150000), _page_key(140000), _page_key(610000)
    ('inner-mongolia', 'shanxi', 'shaanxi')
    """
    # Letters alone: the name becomes part of a path and of an address.
    return re.sub("[^a-z]+", "-", provinces.name(code).lower()).strip("-")[:60] or str(code)


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        # A text of the data, unlike one of a template, may hold what cannot be seen.
        finalize=lambda value: _visible(value) if type(value) is str else value,
    )
    found.globals |= {
        "REGIONS": provinces.REGIONS,
        "SINCE": _SINCE,
        "TFP_NAMES": _TFP_NAMES,
        "count": len,
        "direct": filled()["share direct"],
        "listed": lambda parts, limit=6: listed(list(parts), limit),
        "figure": _figure,
        "measure_names": _measure_names,
        "name": provinces.name,
        "neighbours": provinces._neighbours,
        "number": sty._number,
        "page_key": _page_key,
        # Rounded first: no minus before a zero.
        "points": lambda value: sty._number(round(value, 1) + 0.0, "{:.1f}"),
        "region_of": provinces.region,
        "span": lambda years: _span(years).replace("-", "–"),
    }
    found.filters["rank"] = lambda rank: "–" if pd.isna(rank) else f"{rank:g}"
    found.filters["chinese"] = lambda text: chinese(text) or text
    return found


def _said(text: str) -> str:
    return text if language() == "en" else chinese(text) or text


def _filled(template: str, profiles: _Profiles, **values: object) -> str:
    known = {"profiles": profiles, "panel": profiles.panel, "year": profiles.year}
    known["language"] = language()
    name = template if language() == "en" else template.replace(".", ".zh.", 1)
    found = _environment().get_template(f"{name}.jinja")
    html = found.render(known | values, provinces=len(provinces.codes()))
    return re.sub(r"\n\s*\n", "\n", html).strip()


def _markdown(title: str, html: str) -> str:
    """Return headings as Markdown, what stands between them as blocks that nothing can end."""
    line = " ".join(title.split())
    parts = ["# " + "".join(f"\\{one}" if one in string.punctuation else one for one in line)]
    pieces = re.split("<h2>(.*?)</h2>", html.replace("`", "&#96;"))  # text, then heading, text, ...
    for at in range(0, len(pieces), 2):
        parts += ["## " + re.sub("<[^>]*>", "", pieces[at - 1])] if at else []
        inside = f'<div class="profile">\n{pieces[at].strip()}\n</div>'
        parts.append(f"{_FENCE}{{raw}} html\n{inside}\n{_FENCE}")
    return "\n\n".join(parts) + "\n"


def _ranks(profiles: _Profiles, code: int) -> dict[str, object]:
    table = profiles.standing(code)
    gone = [str(measure) for measure in table.index[table["rank"].isna()]]
    lacking = Counter(key for measure in gone for key in profiles.missing(code, measure))
    return {
        "table": table,
        "names": {measure: _measure_names(str(measure))[0] for measure in table.index},
        "own": table[table.index.isin(profiles.systems)].dropna(subset="rank"),
        "tfp": [one for one in _TFP_NAMES if pd.notna(table.loc[one, "rank"])],
        "gone": len(gone),
        "lacking": sorted(lacking.items(), key=lambda one: (-one[1], one[0])),
    }


def _by_year(ranks: pd.DataFrame) -> pd.DataFrame:
    """Return the median, best and worst rank over the indices and their number, by year."""
    own = ranks.dropna(how="all")
    columns = {"median": own.median(axis=1), "best": own.min(axis=1), "worst": own.max(axis=1)}
    return pd.DataFrame(columns | {"measures": own.notna().sum(axis=1)})


def _pictures(profiles: _Profiles, facts: dict[str, Any]) -> dict[str, sty._Picture]:
    """Return the figures of a page that can be drawn, each with what it shows in words."""
    broken, tfp, every = facts["broken"], facts["tfp"], len(provinces.codes())
    table, names = facts["ranks"]["table"], facts["ranks"]["names"]
    history, levels, drawn = facts["history"], facts["levels"], {}
    heads = {
        "ranks": f"{facts['title']}: rank under every measure, {profiles.year}",
        "history": f"{facts['title']}: ranks over the years",
        "tfp": f"{facts['title']}: total factor productivity",
    }
    with sty._style():
        if table["rank"].notna().any():
            drawn["ranks"] = _rank_dots(table, names, heads["ranks"], every)
        if len(history) or len(levels):
            drawn["history"] = _rank_ribbon(history, levels, heads["history"], every, broken)
        if tfp:
            drawn["tfp"] = _tfp_panels(tfp, facts["code"], heads["tfp"], broken)
    for key, figure in drawn.items():
        told = _filled("figure.txt", profiles, figure=key, head=heads[key], **facts)
        drawn[key] = sty._Picture(figure, told)
    return drawn


def _productivity(profiles: _Profiles, code: int) -> dict[str, object] | None:
    """Return total factor productivity in level and growth, and how far to trust it."""
    log_tfp, year = profiles.solow.log_tfp, profiles.year
    if (code, year) not in log_tfp.index:
        return None
    inside, broken = log_tfp.xs(year, level="year"), profiles.broken_years(code)
    shared, account, with_breaks, doubtful = _accounts(profiles)
    late = sorted(int(one) for province, one in doubtful if province == code)
    kept = shared["growth"].xs(code, level="province").drop(broken)
    return {
        **shared,
        "ratio": 100 * (np.exp(inside[code] - inside.mean()) - 1),
        "own": account.loc[code],
        "left_out": [one for one in broken if one <= year],
        "with_breaks": 100 * with_breaks[code],
        "rank_with_breaks": with_breaks.rank(ascending=False, method="min")[code],
        "doubtful": late,
        "late": kept[kept.index.isin(late)].mean(),
        "early": kept[kept.index < min(late, default=0)].mean(),
    }


@lru_cache(maxsize=1)
def _accounts(profiles: _Profiles) -> tuple[dict[str, object], pd.DataFrame, pd.Series, pd.Index]:
    """Return what is said of all provinces, accounts with and without breaks, doubtful rows."""
    solow, log_tfp = profiles.solow, profiles.solow.log_tfp
    account = solow.accounting(end=profiles.year, without=profiles.broken)
    flags = profiles.panel.flags(["capital_stock"], vintage=profiles.vintage)["capital_stock"]
    shared = {
        "levels": 100 * np.exp(log_tfp - log_tfp.groupby(level="year").transform("mean")),
        "growth": 100 * solow.growth,
        "first": int(log_tfp.index.unique("year").min()),
        "median": 100 * account["tfp"].median(),
        "mean": 100 * account["tfp"].mean(),
    }
    doubtful = flags.index[flags == "extrapolated"].intersection(log_tfp.index)
    return shared, account, solow.accounting(end=profiles.year)["tfp"], doubtful


def _obstacles(profiles: _Profiles, code: int) -> list[dict[str, object]]:
    rows = []
    for key, row in profiles.obstacles(code).head(6).iterrows():
        one, values = profiles.series(str(key))
        own, place = "–", None
        if (code, profiles.year) in values.index:
            inside = values.xs(profiles.year, level="year")
            at = inside.rank(ascending=one.direction == "cost", method="min")[code]
            own, place = _figure(inside[code]), (at, len(inside))
        rows.append({**row, "name": one.name, "unit": one.unit, "own": own, "place": place})
    return rows


def _extremes(profiles: _Profiles, code: int, found: pd.DataFrame) -> list[dict[str, object]]:
    """Return the best and the worst rank with the systems that give them and why; one if equal."""
    own = profiles.ranks.loc[code, profiles.systems].dropna()
    ends = (("best", "highest", own.min(), "idxmin"), ("worst", "lowest", own.max(), "idxmax"))
    said = []
    for word, side, rank, pick in ends[: own.nunique()]:
        inside = [found[found["system"] == system] for system in own.index[own == rank]]
        by = [dict(one.loc[getattr(one["place"], pick)()]) for one in inside]
        said.append({"word": word, "rank": rank, "side": side, "by": by})
    return said


def _tiles(ranks: pd.DataFrame) -> list[dict[str, object]]:
    """Return the tiles of the map in the order of rows, so that a keyboard follows it."""
    median, last, tiles = ranks.median(axis=1), len(provinces.codes()) - 1, []
    for code, row in provinces._table().sort_values(["tile_row", "tile_col"]).iterrows():
        shade = 0.92 - 0.87 * (median[code] - 1) / last
        fill = "#f4f4f4" if pd.isna(shade) else to_hex(colormaps[sty._SEQUENTIAL](shade))
        known = {"code": code, "median": median[code], "indices": ranks.loc[code].notna().sum()}
        tiles.append({**row, **known, "fill": fill, "ink": sty._ink_on(fill)})
    return tiles


def _figure(value: float) -> str:
    """Return a number with three digits that count, no exponent and a true minus sign.

    Examples
    --------
    >>> _figure(43760.7), _figure(6.83172), _figure(0.04213), _figure(-1.5), _figure(0.0)
    ('43,761', '6.83', '0.0421', '−1.50', '0')
    """
    if value == 0:
        return "0"
    digits = 2 - int(np.floor(np.log10(abs(value))))
    return sty._number(value, f"{{:,.{min(max(digits, 0), 8)}f}}")


_BLUE, _ORANGE = sty._CATEGORIES[:2]
_LEGEND = {"loc": "upper left", "fontsize": 12.75, "columnspacing": 1.0}


def _rank_dots(table: pd.DataFrame, names: dict[str, str], title: str, most: int) -> Figure:
    """Draw the rank of one province under every measure, with its interval.

    A measure without a rank keeps its line of text.

    Parameters
    ----------
    table : DataFrame by measure
        Of :meth:`nqpf.compare.profiles._Profiles.standing`.
    names : dict of str
        Name by measure.
    title : str
        Title of the figure.
    most : int
        Number of provinces, the end of the axis.
    """
    label = "rank (mark), 90 % interval of an index, range over capital shares of TFP (line)"
    rows = sty._ROW * len(table)
    figure, ax, _ = sty._framed(title, label, (1.45, 0, 4.55, rows), rows + 0.5)
    for at, (measure, row) in enumerate(table.iterrows()):
        if pd.isna(row["rank"]):
            ax.text(1, at, "not ranked", color=sty._GREY, va="center", style="italic")
            sty._beside(ax, at, "–", color=sty._GREY)
            continue
        color, mark = (_ORANGE, "s") if measure in _TFP_NAMES else (_BLUE, "o")
        ends = [row["lower"], row["upper"]]
        ax.plot(ends, [at, at], color=color, linewidth=4, alpha=0.35, solid_capstyle="round")
        ax.plot([row["rank"]], [at], mark, color=color, markersize=8, zorder=3)
        sty._beside(ax, at, f"{row['rank']:.0f} ({ends[0]:.0f}–{ends[1]:.0f})")
    sty._name_rows(ax, list(names.values()))
    ax.set_xlim(0.2, most + 0.8)
    ax.set_xticks([1, *range(5, most - 3, 5), most])
    return figure


def _rank_ribbon(
    history: pd.DataFrame, tfp: pd.Series, title: str, most: int, broken: list[int]
) -> Figure:
    """Draw how the ranks of one province moved over the years.

    Parameters
    ----------
    history : DataFrame by year
        Of the composite measures: ``median``, ``best``, ``worst`` and
        ``measures``, their number; a year without any is missing.
    tfp : Series by year
        Rank by the level of total factor productivity.
    title : str
        Title of the figure.
    most : int
        Number of provinces, the end of the axis.
    broken : list of int
        First years on a new basis of employment; a dotted line stands before each.
    """
    years = history.index.union(tfp.index)
    first, last = years.min(), years.max()
    table = history.reindex(range(first, last + 1)).astype(float)
    median, thin = table["median"], table["measures"] < table["measures"].max()
    band = {"color": _BLUE, "alpha": 0.18, "linewidth": 0, "label": "best to worst index"}
    hollow = {"color": _BLUE, "markerfacecolor": "white", "zorder": 4, "label": "fewer indices"}
    figure, ax, _ = sty._framed(title, "rank, first at the top", (0.55, 0.05, 6.2, 3.2), 4.2)
    ax.fill_between(table.index, table["best"], table["worst"], **band)
    ax.plot(table.index, median, "o-", color=_BLUE, label="median index", zorder=3)
    if thin.any():
        ax.plot(median.index[thin], median[thin], "o", **hollow)
    ax.plot(tfp.index, tfp, "s--", color=_ORANGE, markersize=5, label="TFP level")
    _mark(ax, broken)
    ax.set_ylim(most + 0.9, 0.1)
    ax.set_yticks([1, *range(5, most - 3, 5), most])
    ax.set_xlim(first - 0.3, last + 0.3)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    ax.grid(False, axis="x")
    below = {"bbox_to_anchor": (-0.03, -0.1), "handletextpad": 0.4, "handlelength": 1.6}
    ax.legend(ncols=3, **_LEGEND, **below)
    return figure


def _mark(ax: Axes, broken: list[int]) -> None:
    """Draw a dotted line before the first year on a new basis of employment."""
    for year in broken:
        label = "break in employment" if year == broken[0] else None
        ax.axvline(year - 0.5, color=sty._GREY, linestyle=":", linewidth=1.6, zorder=1, label=label)


def _tfp_panels(tfp: dict[str, Any], code: int, title: str, broken: list[int]) -> Figure:
    """Draw a province's productivity, level above and yearly growth below, beside the median.

    Parameters
    ----------
    tfp : dict
        What :func:`_productivity` gives: ``levels``, in percent of the mean of the provinces,
        and ``growth`` in percent, by province and year; ``doubtful`` years, whose capital is
        extrapolated, stand on a grey ground.
    code : int
        Province with a productivity in some year.
    title : str
        Title of the figure.
    broken : list of int
        First years on a new basis of employment; a dotted line stands before each.
    """
    years, doubtful = tfp["levels"].index.unique("year"), tfp["doubtful"]
    label = "above: level, mean of the provinces = 100; below: growth on the year before, %"
    figure, upper, head = sty._framed(title, label, (0.72, 0.05, 6.0, 2.2), 5.3)
    lower = sty._place_axes(figure, 0.72, head + 2.6, 6.0, 1.75)
    for ax, shown in zip((upper, lower), (tfp["levels"], tfp["growth"]), strict=True):
        for year in doubtful:
            ax.axvspan(year - 0.5, year + 0.5, color="#eeeeee", linewidth=0, zorder=0)
        median, own = shown.groupby(level="year").median(), shown.xs(code, level="province")
        ax.plot(median.index, median, "--", color=sty._GREY, linewidth=1.6, label="median province")
        ax.plot(own.index, own, "s-", color=_ORANGE, markersize=5, label=sty._province_label(code))
        _mark(ax, broken)
        ax.grid(False, axis="x")
        ax.set_xlim(years.min() - 0.5, years.max() + 0.5)
    upper.set_xticklabels([])
    lower.axhline(0, color=sty._GREY, linewidth=0.8)
    lower.yaxis.set_major_formatter(lambda value, _: sty._number(value, "{:g}"))
    handles = lower.get_legend_handles_labels()[0][::-1]
    if doubtful:
        handles.append(Patch(color="#dddddd", label="capital extrapolated"))
    below = {"bbox_to_anchor": (-0.06, -0.17), "handletextpad": 0.5, "ncols": 2}
    lower.legend(handles=handles, labelcolor=sty._darker("#444444"), **_LEGEND, **below)
    return figure
