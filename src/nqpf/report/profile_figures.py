"""Figures of a province's page: ranks with intervals, ranks over the years, productivity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.report.alt import listed
from nqpf.report.layout import headed_figure, place_axes
from nqpf.report.picture import Picture
from nqpf.report.profile_words import TFP_NAMES
from nqpf.report.style import CATEGORIES, GREY, darker, number, province_label, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nqpf.compare.profiles import Profiles

__all__ = ["rank_dots", "rank_ribbon", "tfp_panels"]

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
