"""Rankings of provinces and weights of indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.alt import describe_ranking, describe_weights
from nqpf.report.inputs import in_year, label_of
from nqpf.report.layout import WIDTH, headed_figure, place_axes, wrapped
from nqpf.report.picture import Picture
from nqpf.report.style import (
    CATEGORIES,
    GREY,
    REGION_STYLES,
    darker,
    number,
    province_label,
    readable,
    region_label,
    style,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ranking", "weights_chart"]


def ranking(
    scores: pd.Series,
    year: int,
    top: int | None = None,
    title: str | None = None,
    label: str | None = None,
    fmt: str = "{:.3f}",
    interval: pd.DataFrame | None = None,
) -> Picture:
    """Draw the provinces of one year in order, a dot each, best at the top.

    Parameters
    ----------
    scores : Series
        Indexed ``(province, year)``; higher is better.
    year : int
        Year to rank.
    top : int or None
        Show only the first `top` provinces.
    title : str or None
        Title of the figure; "Ranking of provinces, <year>" when None.
    label : str or None
        What is measured, with its unit; the name of the Series when None.
    fmt : str
        Format of the numbers.
    interval : DataFrame or None
        Columns ``low`` and ``high`` by province code, drawn as a line through the dot.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If the year has no scores or the interval lacks a province that is shown.
    """
    values = in_year(scores, year).sort_values(ascending=False, kind="stable").head(top or 31)
    title = f"Ranking of provinces, {year}" if title is None else title
    label = label_of(scores, label)
    if interval is not None and not values.index.isin(interval.index).all():
        raise SampleError("the interval lacks a province", expected="a row per province shown")
    with style():
        rows = 0.285 * len(values)
        figure, head = headed_figure(title, label, 0.35 + rows + 0.42)
        ax = place_axes(figure, 2.31, head + 0.35, 3.92, rows)
        _dots(ax, values, fmt, interval)
        _region_key(figure, {provinces.region(code) for code in values.index}, head)
    return Picture(figure, describe_ranking(values, title, label, fmt))


def _dots(ax: Axes, values: pd.Series, fmt: str, interval: pd.DataFrame | None) -> None:
    for place, (code, value) in enumerate(values.items()):
        mark = REGION_STYLES[provinces.region(code)]
        if interval is not None:
            ends = interval.loc[code, ["low", "high"]]
            ax.plot(ends, [place, place], color=mark.color, linewidth=2, alpha=0.5)
        ax.plot([value], [place], mark.marker, color=mark.color, markersize=8, zorder=3)
        ax.annotate(
            number(value, fmt),
            (1.015, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=12,
        )
    names = [f"{province_label(c)}  {place}" for place, c in enumerate(values.index, start=1)]
    ax.set_yticks(range(len(values)), names, fontsize=12.5, color="#111111")
    ax.set_ylim(len(values) - 0.4, -0.6)
    ax.spines["left"].set_visible(False)


def _region_key(figure: Figure, regions: set[str], head: float) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=REGION_STYLES[region].marker,
            color=REGION_STYLES[region].color,
            label=region_label(region),
        )
        for region in REGION_STYLES
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


def weights_chart(
    weights: pd.Series, dimension: pd.Series, names: pd.Series, title: str = "Weights of indicators"
) -> Picture:
    """Draw the weight of each indicator as a bar, grouped by dimension.

    Parameters
    ----------
    weights : Series
        Weight by indicator key; they sum to 1.
    dimension : Series
        Dimension by indicator key; dimensions appear in this order.
    names : Series
        Name to print by indicator key.
    title : str
        Title of the figure.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If an indicator has no dimension or no name.
    """
    for key in weights.index:
        if key not in dimension.index or key not in names.index:
            raise SampleError(f"indicator {key!r} has no dimension or no name")
    groups = [(d, weights[dimension.reindex(weights.index) == d]) for d in dimension.unique()]
    groups = [(d, group.sort_values(ascending=False)) for d, group in groups if len(group)]
    lines = {key: wrapped(names[key], 78) for key in weights.index}
    body = 0.45 * len(groups) + 0.23 * len(weights)
    body += sum(0.22 * (name.count("\n") + 1) for name in lines.values())
    with style():
        figure, head = headed_figure(title, "", body)
        ax = place_axes(figure, 0.14, head, WIDTH - 0.28, body)
        ax.set(xlim=(0, 1.16 * weights.max()), ylim=(body, 0))  # heights in inches
        ax.axis("off")
        _weight_bars(ax, groups, lines)
    return Picture(figure, describe_weights(weights, dimension, names))


def _weight_bars(ax: Axes, groups: list[tuple[str, pd.Series]], lines: dict[object, str]) -> None:
    down = 0.0
    for place, (dimension, group) in enumerate(groups):
        color = CATEGORIES[place % len(CATEGORIES)]
        head = f"{readable(dimension)}: {group.sum():.1%}"
        ax.text(0, down + 0.2, head, fontsize=14, color=darker(color), va="center")
        down += 0.38
        for key, weight in group.items():
            ax.text(0, down, lines[key], fontsize=12, va="top", linespacing=1.1)
            down += 0.22 * (lines[key].count("\n") + 1)
            ax.barh(down + 0.1, weight, height=0.16, color=color)
            ax.text(weight, down + 0.1, f" {weight:.1%}", fontsize=12, va="center", color=GREY)
            down += 0.23
        down += 0.07
