"""Figures of a province's page: ranks with intervals, ranks over the years, productivity.

What each shows is told in words by ``templates/figure.txt.jinja``.
"""

from __future__ import annotations

from functools import lru_cache

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from nqpf.report import style as sty
from nqpf.systems.study import Study

_TFP_NAMES = {
    "tfp": ("TFP, level", "全要素生产率水平"),
    "tfp_growth": ("TFP, growth", "全要素生产率增长"),
}


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
    zh = f"{people[0]}等" if len(people) > 2 else study.authors.zh
    return study.short, zh


_BLUE, _ORANGE = sty._CATEGORIES[:2]
_ROW = 0.285  # inches
_LEGEND = {"loc": "upper left", "fontsize": 12, "columnspacing": 1.0}


def _rank_dots(table: pd.DataFrame, names: dict[str, str], title: str, most: int) -> Figure:
    """Draw the rank of one province under every measure, with its interval.

    A measure without a rank keeps its line of text.

    Parameters
    ----------
    table : DataFrame by measure
        Of :func:`nqpf.compare.profiles.standing`.
    names : dict of str
        Name by measure.
    title : str
        Title of the figure.
    most : int
        Number of provinces, the end of the axis.
    """
    label = "rank (mark), 90 % interval of an index, range over capital shares of TFP (line)"
    rows = _ROW * len(table)
    figure, ax, _ = sty._framed(title, label, (1.45, 0, 4.55, rows), rows + 0.5)
    for at, (measure, row) in enumerate(table.iterrows()):
        if pd.isna(row["rank"]):
            ax.text(1, at, "not ranked", fontsize=12, color=sty._GREY, va="center", style="italic")
            sty._beside(ax, at, "–", color=sty._GREY)
            continue
        color, mark = (_ORANGE, "s") if measure in _TFP_NAMES else (_BLUE, "o")
        ends = [row["lower"], row["upper"]]
        ax.plot(ends, [at, at], color=color, linewidth=4, alpha=0.35, solid_capstyle="round")
        ax.plot([row["rank"]], [at], mark, color=color, markersize=8, zorder=3)
        sty._beside(ax, at, f"{row['rank']:.0f} ({ends[0]:.0f}–{ends[1]:.0f})")
    sty._name_rows(ax, list(names.values()), 12)
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
    figure, ax, _ = sty._framed(title, "rank, first at the top", (0.55, 0.05, 6.2, 3.2), 4.15)
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
    ax.legend(ncols=3 if broken else 4, **_LEGEND, **below)
    return figure


def _mark(ax: Axes, broken: list[int]) -> None:
    """Draw a dotted line before the first year on a new basis of employment."""
    for year in broken:
        label = "break in employment" if year == broken[0] else None
        ax.axvline(year - 0.5, color=sty._GREY, linestyle=":", linewidth=1.6, zorder=1, label=label)


def _tfp_panels(
    values: tuple[pd.Series, pd.Series], code: int, title: str, doubtful: list[int],
    broken: list[int],
) -> Figure:  # fmt: skip
    """Draw a province's productivity, level above and yearly growth below, beside the median.

    Parameters
    ----------
    values : tuple of Series by province and year
        Level, in percent of the mean of the provinces, and growth in percent.
    code : int
        Province with a productivity in some year.
    title : str
        Title of the figure.
    doubtful : list of int
        Years whose capital is extrapolated; they stand on a grey ground.
    broken : list of int
        First years on a new basis of employment; a dotted line stands before each.
    """
    years = values[0].index.unique("year")
    label = "above: level, mean of the provinces = 100; below: growth on the year before, %"
    figure, upper, head = sty._framed(title, label, (0.72, 0.05, 6.0, 2.2), 5.3)
    lower = sty._place_axes(figure, 0.72, head + 2.6, 6.0, 1.75)
    for ax, shown in zip((upper, lower), values, strict=True):
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
    below = {"bbox_to_anchor": (-0.06, -0.17), "handletextpad": 0.5, "ncols": 3}
    lower.legend(handles=handles, labelcolor=sty._darker("#444444"), **_LEGEND, **below)
    return figure
