"""How certain ranks are, and which choice moves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.alt import listed, name_of
from nqpf.report.layout import headed_figure, place_axes
from nqpf.report.picture import Picture
from nqpf.report.style import (
    CATEGORIES,
    GREY,
    REGION_STYLES,
    darker,
    province_label,
    readable,
    region_label,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FACTORS", "rank_intervals", "sobol_chart"]

# Names of the factors of nqpf.compare.sensitivity; others are printed as they are.
FACTORS = {
    "normalise": "Normalisation 标准化",
    "weights": "Weights 赋权",
    "aggregate": "Aggregation 合成",
    "omit": "Indicator left out 指标剔除",
    "error": "Measurement error 测量误差",
    "perturb": "Change of weights 权重扰动",
}
_ROW = 0.285  # inches


def rank_intervals(intervals: pd.DataFrame, title: str = "", level: float = 0.9) -> Picture:
    """Draw the interval of every province's rank, the best median first.

    Parameters
    ----------
    intervals : DataFrame
        By province code: ``baseline``, ``median``, ``lower`` and ``upper``,
        as :meth:`nqpf.compare.RankUncertainty.intervals` returns them.
    title : str
        Title of the figure.
    level : float
        Level of the intervals, for the heading.

    Returns
    -------
    Picture
        A line from lower to upper, a mark of the region at the median and an
        upright stroke at the baseline; with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a column is lacking, there is no province or a rank is missing.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"baseline": [1, 2], "median": [1, 2], "lower": [1, 1], "upper": [1, 2]},
    ...     index=[110000, 310000])
    >>> print(rank_intervals(table, "Ranks, 2022").alt)
    Intervals of ranks of 2 provinces. Ranks, 2022; 90% of the draws: first by median Beijing
    1 to 1. Widest: Shanghai 1 to 2 and Beijing 1 to 1. Every baseline rank lies inside.
    """
    _check(intervals, ("baseline", "median", "lower", "upper"), "a row per province")
    table = intervals.sort_values(["median", "lower", "upper", "baseline"], kind="stable")
    label = f"rank: {level:.0%} of the draws (line), median (mark), baseline (upright stroke)"
    with style():
        rows = _ROW * len(table)
        figure, head = headed_figure(title, label, 0.35 + rows + 0.5)
        ax = place_axes(figure, 2.0, head + 0.35, 4.2, rows)
        for place, (code, row) in enumerate(table.iterrows()):
            _interval(ax, place, int(code), row)
        names = [province_label(int(code)) for code in table.index]
        ax.set_yticks(range(len(table)), names, fontsize=12.5, color="#111111")
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.set_xlim(0, table[["upper", "baseline"]].max(axis=None) + 1)
        ax.spines["left"].set_visible(False)
        _region_key(figure, [provinces.region(int(code)) for code in table.index], head)
    return Picture(figure, _describe_intervals(table, title, level))


def _interval(ax: Axes, place: int, code: int, row: pd.Series) -> None:
    mark = REGION_STYLES[provinces.region(code)]
    ends = [row["lower"], row["upper"]]
    ax.plot(ends, [place, place], color=mark.color, linewidth=4, alpha=0.4, solid_capstyle="butt")
    ax.plot([row["median"]], [place], mark.marker, color=mark.color, markersize=8, zorder=3)
    ax.plot([row["baseline"]], [place], "|", color="black", markersize=13, zorder=4)
    text = f"{row['lower']:.0f}–{row['upper']:.0f}"
    ax.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=12)


def _region_key(figure: Figure, regions: list[str], head: float) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", marker=m.marker, color=m.color, label=region_label(region))
        for region, m in REGION_STYLES.items()
        if region in regions
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 1 - head / figure.get_figheight()),
        ncols=4,
        fontsize=12,
        handletextpad=0.1,
        columnspacing=1.0,
        borderpad=0.2,
    )


def _describe_intervals(table: pd.DataFrame, title: str, level: float) -> str:
    def spelled(code: object) -> str:
        return f"{name_of(code)} {table.loc[code, 'lower']:.0f} to {table.loc[code, 'upper']:.0f}"

    width = (table["upper"] - table["lower"]).sort_values(ascending=False, kind="stable")
    outside = table.index[~table["baseline"].between(table["lower"], table["upper"])]
    ends = (
        f"Baseline rank outside: {listed([name_of(code) for code in outside])}."
        if len(outside)
        else "Every baseline rank lies inside."
    )
    return (
        f"Intervals of ranks of {len(table)} provinces. {_led(title)}{level:.0%} of the draws: "
        f"first by median {spelled(table.index[0])}. "
        f"Widest: {listed([spelled(code) for code in width.index[:5]])}. {ends}"
    )


def sobol_chart(indices: pd.DataFrame, title: str = "") -> Picture:
    """Draw the share of the variance that each choice explains, the largest first.

    Parameters
    ----------
    indices : DataFrame by factor
        ``first``, ``first_margin``, ``total`` and ``total_margin``, as
        ``RankSensitivity.shift`` or ``RankSensitivity.ranks.of(province)``.
    title : str
        Title of the figure.

    Returns
    -------
    Picture
        Two bars per factor, by itself and with all interactions, with lines
        for their margins; with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a column is lacking, there is no factor or an index is missing, as
        for a province whose rank never changes.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"first": [0.2, 0.5], "first_margin": 0.1, "total": [0.4, 0.7], "total_margin": 0.1},
    ...     index=["omit", "weights"])
    >>> print(sobol_chart(table, "Average shift in rank").alt)
    Bar chart of Sobol indices. Average shift in rank; share of the variance by itself and with
    interactions: Weights 50% and 70%; Indicator left out 20% and 40%. No factor by itself
    explains 30%.
    """
    _check(indices, ("first", "first_margin", "total", "total_margin"), "a row per factor")
    table = indices.sort_values("total", ascending=False, kind="stable")
    label = "share of variance: by itself (dark), with interactions (pale), margins (lines)"
    with style():
        body = 0.82 * len(table)
        figure, head = headed_figure(title, label, body + 0.5)
        ax = place_axes(figure, 0.3, head, 6.0, body)
        for place, (factor, row) in enumerate(table.iterrows()):
            _bars(ax, place, FACTORS.get(str(factor), str(factor)), row)
        ax.set_yticks([])
        ax.set_ylim(len(table) - 0.4, -0.6)
        right = (table["total"] + table["total_margin"]).max()
        ax.set_xlim(0, max(right, (table["first"] + table["first_margin"]).max(), 0.1) * 1.02)
        ax.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        ax.spines["left"].set_visible(False)
    return Picture(figure, _describe_indices(table, title))


def _bars(ax: Axes, place: int, name: str, row: pd.Series) -> None:
    color = CATEGORIES[0]
    text = f"{readable(name)}: {_percent(row['first'])}, {_percent(row['total'])}"
    ax.text(0, place - 0.33, text, fontsize=12.5, color="#111111", va="center")
    for height, key, alpha in ((place - 0.03, "first", 1.0), (place + 0.22, "total", 0.4)):
        share, margin = max(row[key], 0.0), row[f"{key}_margin"]
        ax.barh(height, share, height=0.22, color=color, alpha=alpha, linewidth=0)
        ends = [max(row[key] - margin, 0.0), max(row[key] + margin, 0.0)]
        ax.plot(ends, [height, height], color=darker(GREY), linewidth=1.5)


def _percent(share: float) -> str:
    """Return a share in whole percent; estimates a little below zero are zero."""
    return f"{max(share, 0.0):.0%}"


def _describe_indices(table: pd.DataFrame, title: str) -> str:
    each = []
    for factor, row in table.iterrows():
        name = FACTORS.get(str(factor), str(factor)).rsplit(" ", 1)[0]
        each.append(f"{name} {_percent(row['first'])} and {_percent(row['total'])}")
    rest = _percent(1.0 - table["first"].sum())
    return (
        f"Bar chart of Sobol indices. {_led(title)}share of the variance by itself and with "
        f"interactions: {'; '.join(each)}. No factor by itself explains {rest}."
    )


def _led(title: str) -> str:
    return f"{title}; " if title else ""


def _check(table: pd.DataFrame, columns: tuple[str, ...], rows: str) -> None:
    lacking = [name for name in columns if name not in table.columns]
    if lacking or not len(table):
        raise SampleError(
            f"the table lacks {', '.join(lacking)}" if lacking else "the table is empty",
            expected=f"{', '.join(columns)}, {rows}",
        )
    missing = table[list(columns)].isna().any(axis=1)
    if missing.any():
        raise SampleError(
            f"no figure for {name_of(table.index[missing][0])}",
            expected=f"{rows} without missing figures",
            hint="leave out what never varies",
        )
