"""Figures of a province's page: ranks with intervals, ranks over the years, productivity."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.errors import visible
from nqpf.report.html import Html, both_names, listed
from nqpf.report.style import (
    CATEGORIES,
    GREY,
    Picture,
    darker,
    headed_figure,
    number,
    place_axes,
    province_label,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nqpf.compare.profiles import Profiles
    from nqpf.data.panel import Panel

__all__ = [
    "BASE",
    "Section",
    "TFP_NAMES",
    "apart",
    "bilingual",
    "folded",
    "joined",
    "link",
    "lowered",
    "measure_name",
    "measure_names",
    "ordinal",
    "page_key",
    "paragraph",
    "place",
    "province_link",
    "rank_dots",
    "rank_ribbon",
    "say",
    "span_of",
    "tfp_panels",
    "variable_name",
    "with_note",
]

BASE = "../.."  # from a page two folders deep, in the book and in its notebooks
TFP_NAMES = {
    "tfp": ("TFP, level", "全要素生产率水平"),
    "tfp_growth": ("TFP, growth", "全要素生产率增长"),
}


def page_key(code: int) -> str:
    """Return the name of a province's page, in plain letters.

    Examples
    --------
    >>> page_key(150000), page_key(140000), page_key(610000)
    ('inner-mongolia', 'shanxi', 'shaanxi')
    """
    # Letters alone: the name becomes part of a path and of an address.
    name = re.sub("[^a-z]+", "-", provinces.name(code).lower()).strip("-")
    return name[:60] or str(code)


def say(*parts: object) -> Html:
    """Join texts and pieces of a page to one piece; plain texts are escaped.

    Examples
    --------
    >>> say("a < b, ", Html("<b>c</b>", "c")).html
    'a &lt; b, <b>c</b>'
    """
    pieces = [part if isinstance(part, Html) else _plain(str(part)) for part in parts]
    return Html("".join(p.html for p in pieces), "".join(p.text for p in pieces))


def _plain(text: str) -> Html:
    shown = visible(text)
    return Html(escape(shown, quote=False), shown)


def joined(parts: Iterable[object], last: str = " and ") -> Html:
    """Join parts as in a sentence.

    Examples
    --------
    >>> joined(["a", "b", "c"])
    a, b and c
    """
    parts = list(parts)
    out: list[object] = []
    for position, part in enumerate(parts):
        if position:
            out.append(last if position == len(parts) - 1 else ", ")
        out.append(part)
    return say(*out)


def link(text: object, address: str) -> Html:
    """Return a link; the text may be a piece of a page."""
    inner = say(text)
    return Html(f'<a href="{escape(address)}">{inner.html}</a>', inner.text)


def bilingual(en: str, zh: str) -> Html:
    """Return a name in both languages, or once where both are the same."""
    en, zh = visible(en), visible(zh)
    return both_names(en, zh) if en != zh else say(en)


def with_note(name: Html, note: str) -> Html:
    """Return a name with a note below it.

    Examples
    --------
    >>> with_note(say("GDP"), "100 million yuan")
    GDP (100 million yuan)
    """
    below = say(note)
    return Html(f"{name.html}<br><small>{below.html}</small>", f"{name.text} ({below.text})")


def lowered(name: str) -> str:
    """Return a name as it stands within a sentence.

    Examples
    --------
    >>> lowered("Total energy consumption"), lowered("R&D personnel"), lowered("GDP per head")
    ('total energy consumption', 'R&D personnel', 'GDP per head')
    """
    return name if len(name) < 2 or not name[1].islower() else name[0].lower() + name[1:]


def province_link(code: int, both: bool = True) -> Html:
    """Return a link to the page of a province."""
    en, zh = provinces.name(code), provinces.name(code, "zh")
    address = f"{BASE}/book/provinces/{page_key(code)}.html"
    return link(bilingual(en, zh) if both else en, address)


def measure_name(measure: str) -> Html:
    """Return a measure's name in both languages, leading to the chapter that explains it."""
    page = "tfp/solow" if measure in TFP_NAMES else f"studies/{quote(measure)}"
    return link(bilingual(*measure_names(measure)), f"{BASE}/notebooks/{page}.html")


@lru_cache(maxsize=64)
def measure_names(measure: str) -> tuple[str, str]:
    """Return a measure's name in English and in Chinese.

    Examples
    --------
    >>> measure_names("han-2024"), measure_names("tfp")
    (('Han et al.', '韩文龙等'), ('TFP, level', '全要素生产率水平'))
    """
    from nqpf.systems.study import Study

    if measure in TFP_NAMES:
        return TFP_NAMES[measure]
    study = Study.load(measure)
    people = study.authors.zh.split("、")
    zh = f"{people[0]}等" if len(people) > 2 else study.authors.zh
    return study.short, zh


def variable_name(panel: Panel, key: str) -> Html:
    """Return a variable's name in both languages, leading to its line in the catalogue."""
    known = panel.catalogue.variables[key]
    name = bilingual(known.name.en, known.name.zh)
    if known.theme == "reader":  # the catalogue's page shows the embedded themes only
        return name
    return link(name, f"{BASE}/notebooks/data/panel.html#var-{quote(key)}")


def ordinal(rank: float) -> str:
    """Return a rank as an ordinal number.

    Examples
    --------
    >>> [ordinal(n) for n in (1, 2, 3, 11, 21, 30)]
    ['1st', '2nd', '3rd', '11th', '21st', '30th']
    """
    n = int(rank)
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th") if n % 100 not in (11, 12, 13) else "th"
    return f"{n}{suffix}"


def place(rank: float, of: float) -> str:
    """Return a rank among provinces in words.

    Examples
    --------
    >>> place(1, 31), place(31, 31), place(7, 30), place(1, 1)
    ('first of 31', 'last of 31', '7th of 30', 'the only one')
    """
    rank, of = int(rank), int(of)
    if of == 1:
        return "the only one"
    if rank in (1, of):
        return f"{'first' if rank == 1 else 'last'} of {of}"
    return f"{ordinal(rank)} of {of}"


def apart(places: float) -> str:
    """Return a number of places in words.

    Examples
    --------
    >>> apart(1), apart(0), apart(2.5)
    ('1 place', '0 places', '2.5 places')
    """
    return f"{places:g} place" if places == 1 else f"{places:g} places"


def span_of(years: Iterable[int]) -> str:
    """Return years as runs with true dashes.

    Examples
    --------
    >>> span_of([2018, 2019, 2020, 2022])
    '2018–2020, 2022'
    """
    from nqpf.systems.system import _span

    return _span(years).replace("-", "–")


@dataclass(frozen=True)
class Section:
    """A part of a province's page: a heading in both languages and what stands below it."""

    title: str
    zh: str
    body: tuple[Html | Picture, ...]

    @property
    def anchor(self) -> str:
        """Name of the place on the page, as Sphinx makes it from the heading."""
        return "-".join(re.findall(r"[a-z0-9]+", self.title.lower()))

    def html(self) -> str:
        """Return the body as HTML."""
        return "\n".join(
            part.html() if isinstance(part, Picture) else part.html for part in self.body
        )

    def text(self) -> str:
        """Return the body as plain text."""
        return "\n".join(repr(part) for part in self.body)


def paragraph(*parts: object) -> Html:
    """Return a paragraph of texts and pieces of a page; parts that are empty are left out."""
    inner = say(*(part for part in parts if part != ""))
    return Html(f"<p>{inner.html}</p>", f"{inner.text}\n")


def folded(summary: str, content: Html) -> Html:
    """Return content that opens at a click."""
    return Html(
        f"<details><summary>{escape(summary)}</summary>\n{content.html}\n</details>",
        f"{summary}\n{content.text}",
    )


_BLUE, _ORANGE = CATEGORIES[0], CATEGORIES[1]
_ROW = 0.285  # inches


def rank_dots(table: pd.DataFrame, names: pd.Series, title: str, most: int) -> Picture:
    """Draw the rank of one province under every measure, with its interval.

    Parameters
    ----------
    table : DataFrame by measure
        Of :func:`nqpf.compare.profiles.standing`.
    names : Series of str
        Name by measure.
    title : str
        Title of the figure.
    most : int
        Number of provinces, the end of the axis.

    Returns
    -------
    Picture
        A mark at the rank and a line over the interval; a measure without a
        rank keeps its line of text.
    """
    label = "rank (mark), 90 % interval of an index, range over capital shares of TFP (line)"
    with style():
        rows = _ROW * len(table)
        figure, head = headed_figure(title, label, rows + 0.5)
        ax = place_axes(figure, 1.45, head, 4.55, rows)
        for at, (measure, row) in enumerate(table.iterrows()):
            _dot(ax, at, str(measure), row)
        shown = [names[measure] for measure in table.index]
        ax.set_yticks(range(len(table)), shown, fontsize=12, color="#111111")
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.set_xlim(0.2, most + 0.8)
        ax.set_xticks([1, *range(5, most - 3, 5), most])
        ax.spines["left"].set_visible(False)
    return Picture(figure, _describe_dots(table, names, title))


def _dot(ax: Axes, at: int, measure: str, row: pd.Series) -> None:
    beside = {"xycoords": ("axes fraction", "data"), "va": "center", "fontsize": 12}
    if pd.isna(row["rank"]):
        ax.text(1, at, "not ranked", fontsize=12, color=GREY, va="center", style="italic")
        ax.annotate("–", (1.02, at), color=GREY, **beside)
        return
    productivity = measure in TFP_NAMES
    color, mark = (_ORANGE, "s") if productivity else (_BLUE, "o")
    ends = [row["lower"], row["upper"]]
    ax.plot(ends, [at, at], color=color, linewidth=4, alpha=0.35, solid_capstyle="round")
    ax.plot([row["rank"]], [at], mark, color=color, markersize=8, zorder=3)
    ax.annotate(f"{row['rank']:.0f} ({ends[0]:.0f}–{ends[1]:.0f})", (1.02, at), **beside)


def _describe_dots(table: pd.DataFrame, names: pd.Series, title: str) -> str:
    ranked = table.dropna(subset="rank")
    each = [
        f"{names[m]} {row['rank']:.0f} ({row['lower']:.0f} to {row['upper']:.0f})"
        for m, row in ranked.iterrows()
    ]
    text = f"Dot plot with intervals. {title}: {listed(each, limit=20)}." if each else title + "."
    gone = [str(names[m]) for m in table.index[table["rank"].isna()]]
    return f"{text} Not ranked by {listed(gone, limit=20)}." if gone else text


def rank_ribbon(
    history: pd.DataFrame, tfp: pd.Series, title: str, most: int, broken: list[int]
) -> Picture:
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
    from matplotlib.ticker import MaxNLocator

    first, last = min([*history.index, *tfp.index]), max([*history.index, *tfp.index])
    table = history.reindex(range(first, last + 1))
    with style():
        label = "rank, first at the top"
        figure, head = headed_figure(title, label, 4.15)
        ax = place_axes(figure, 0.55, head + 0.05, 6.2, 3.2)
        ax.fill_between(
            table.index,
            table["best"].astype(float),
            table["worst"].astype(float),
            color=_BLUE,
            alpha=0.18,
            linewidth=0,
            label="best to worst index",
        )
        ax.plot(table.index, table["median"], "o-", color=_BLUE, label="median index", zorder=3)
        thin = table[table["measures"] < table["measures"].max()]
        if len(thin):
            ax.plot(
                thin.index,
                thin["median"],
                "o",
                color=_BLUE,
                markerfacecolor="white",
                zorder=4,
                label="fewer indices",
            )
        ax.plot(tfp.index, tfp, "s--", color=_ORANGE, markersize=5, label="TFP level")
        _mark(ax, broken)
        ax.set_ylim(most + 0.9, 0.1)
        ax.set_yticks([1, *range(5, most - 3, 5), most])
        ax.set_xlim(first - 0.3, last + 0.3)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
        ax.grid(False, axis="x")
        ax.legend(
            loc="upper left",
            bbox_to_anchor=(-0.03, -0.1),
            ncols=3 if broken else 4,
            fontsize=12,
            columnspacing=1.0,
            handletextpad=0.4,
            handlelength=1.6,
        )
    return Picture(figure, _describe_ribbon(history, tfp, title) + _describe_breaks(broken))


def _mark(ax: Axes, broken: list[int]) -> None:
    """Draw a dotted line before the first year on a new basis of employment."""
    for year in broken:
        label = "break in employment" if year == broken[0] else None
        ax.axvline(year - 0.5, color=GREY, linestyle=":", linewidth=1.6, zorder=1, label=label)


def _describe_breaks(broken: list[int]) -> str:
    if not broken:
        return ""
    lines = "A dotted line marks the break" if len(broken) == 1 else "Dotted lines mark breaks"
    return f" {lines} in its employment in {listed([str(year) for year in broken])}."


def _describe_ribbon(history: pd.DataFrame, tfp: pd.Series, title: str) -> str:
    parts = [
        f"{year}: {row['median']:g} ({row['best']:.0f} to {row['worst']:.0f}, "
        f"{row['measures']:.0f} indices)"
        for year, row in history.iterrows()
    ]
    text = f"Line chart with a band. {title}, median rank (best to worst) by year: "
    text += f"{'; '.join(parts)}." if parts else "none."
    if len(tfp):
        text += (
            f" By the level of TFP {tfp.iloc[0]:.0f} in {tfp.index[0]} and {tfp.iloc[-1]:.0f} "
            f"in {tfp.index[-1]}."
        )
    return text


def tfp_panels(profiles: Profiles, code: int, title: str, doubtful: list[int]) -> Picture:
    """Draw a province's productivity, level above and yearly growth below, beside the median.

    Parameters
    ----------
    profiles : Profiles
        All provinces under all measures.
    code : int
        Province with a productivity in some year.
    title : str
        Title of the figure.
    doubtful : list of int
        Years whose capital is extrapolated; they stand on a grey ground.
    """
    level = 100 * np.exp(profiles.solow.log_tfp - _means(profiles.solow.log_tfp))
    growth = 100 * profiles.solow.growth
    broken = profiles.broken_years(code)
    with style():
        label = "above: level, mean of the provinces = 100; below: growth on the year before, %"
        figure, head = headed_figure(title, label, 5.3)
        upper = place_axes(figure, 0.72, head + 0.05, 6.0, 2.2)
        lower = place_axes(figure, 0.72, head + 2.6, 6.0, 1.75)
        for ax, values in ((upper, level), (lower, growth)):
            for year in doubtful:
                ax.axvspan(year - 0.5, year + 0.5, color="#eeeeee", linewidth=0, zorder=0)
            _own_and_median(ax, values, code)
            _mark(ax, broken)
            ax.grid(False, axis="x")
        years = level.index.unique("year")
        for ax in (upper, lower):
            ax.set_xlim(years.min() - 0.5, years.max() + 0.5)
        upper.set_xticklabels([])
        lower.axhline(0, color=GREY, linewidth=0.8)
        lower.yaxis.set_major_formatter(lambda value, _: number(value, "{:g}"))
        _legend(lower, bool(doubtful))
    described = _describe_tfp(level, growth, code, title, doubtful)
    return Picture(figure, described + _describe_breaks(broken))


def _means(log_tfp: pd.Series) -> pd.Series:
    return log_tfp.groupby(level="year").transform("mean")


def _own_and_median(ax: Axes, values: pd.Series, code: int) -> None:
    median = values.groupby(level="year").median()
    own = values.xs(code, level="province")
    ax.plot(median.index, median, "--", color=GREY, linewidth=1.6, label="median province")
    ax.plot(own.index, own, "s-", color=_ORANGE, markersize=5, label=province_label(code))


def _legend(ax: Axes, doubtful: bool) -> None:
    from matplotlib.patches import Patch

    handles, _ = ax.get_legend_handles_labels()
    handles = handles[::-1]
    if doubtful:
        handles.append(Patch(color="#dddddd", label="capital extrapolated"))
    ax.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(-0.06, -0.17),
        ncols=3,
        fontsize=12,
        columnspacing=1.0,
        handletextpad=0.5,
        labelcolor=darker("#444444"),
    )


def _describe_tfp(
    level: pd.Series, growth: pd.Series, code: int, title: str, doubtful: list[int]
) -> str:
    def points(value: float) -> str:
        return number(round(value, 1) + 0.0, "{:.1f}")

    own, rise = level.xs(code, level="province"), growth.xs(code, level="province")
    median = growth.groupby(level="year").median()
    text = (
        f"Two line charts. {title}. Level, mean of the provinces = 100: "
        f"{own.iloc[0]:.0f} in {own.index[0]}, {own.iloc[-1]:.0f} in {own.index[-1]}. "
        f"Growth of {provinces.name(code)} between {points(rise.min())} % "
        f"({rise.idxmin()}) and {points(rise.max())} % ({rise.idxmax()}), of the "
        f"median province between {points(median.min())} and {points(median.max())} %."
    )
    if doubtful:
        text += f" Capital is extrapolated from {min(doubtful)} on."
    return text
