"""Rankings of provinces and weights of indicators."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.alt import describe_ranking, describe_weights
from nqpf.report.inputs import in_year, label_of
from nqpf.report.picture import Picture
from nqpf.report.style import (
    CATEGORIES,
    GREY,
    REGION_STYLES,
    darker,
    new_figure,
    number,
    province_label,
    readable,
    region_label,
    style,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

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
        height = 1.5 + 0.285 * len(values)
        figure = new_figure(7.0, height)
        ax = figure.add_axes((0.33, 0.42 / height, 0.56, 1 - 1.5 / height))
        figure.text(0.02, 1 - 0.08 / height, readable(title), fontsize=16, va="top")
        figure.text(0.02, 1 - 0.45 / height, readable(label), fontsize=13, va="top")
        _dots(ax, values, fmt, interval)
        _region_key(figure, sorted({provinces.region(c) for c in values.index}), height)
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


def _region_key(figure: object, regions: list[str], height: float) -> None:
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
        bbox_to_anchor=(0.0, 1 - 0.72 / height),
        ncols=4,
        fontsize=12,
        handletextpad=0.1,
        columnspacing=1.0,
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
    height = 0.75 + 0.45 * len(weights) + 0.45 * len(groups)
    with style():
        figure = new_figure(7.0, height)
        figure.text(0.02, 1 - 0.08 / height, readable(title), fontsize=16, va="top")
        ax = figure.add_axes((0.02, 0.01, 0.96, 1 - 0.55 / height))
        ax.set(xlim=(0, 1.16 * weights.max()), ylim=(height - 0.6, 0))  # heights in inches
        ax.axis("off")
        _weight_bars(ax, groups, names)
    return Picture(figure, describe_weights(weights, dimension, names))


def _weight_bars(ax: Axes, groups: list[tuple[str, pd.Series]], names: pd.Series) -> None:
    down = 0.0
    for place, (dimension, group) in enumerate(groups):
        color = CATEGORIES[place % len(CATEGORIES)]
        head = f"{readable(dimension)}: {group.sum():.1%}"
        ax.text(0, down + 0.2, head, fontsize=14, color=darker(color), va="center")
        down += 0.4
        for key, weight in group.items():
            name = textwrap.shorten(readable(names[key]), 70, placeholder="…")
            ax.text(0, down + 0.08, name, fontsize=12, va="center")
            ax.barh(down + 0.29, weight, height=0.17, color=color)
            ax.text(weight, down + 0.29, f" {weight:.1%}", fontsize=12, va="center", color=GREY)
            down += 0.45
        down += 0.05
