"""How far measures agree: two rankings, a matrix of agreement, ranks under several measures."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.alt import describe_agreement, describe_bump, describe_scatter
from nqpf.report.inputs import province_values
from nqpf.report.picture import Picture
from nqpf.report.style import (
    CATEGORIES,
    DIVERGING,
    GREY,
    PALE,
    REGION_STYLES,
    SEQUENTIAL,
    darker,
    ink_on,
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

_MARKERS = "os^Dv*X"
_OTHER = {"left": "right", "right": "left"}

__all__ = ["heatmap_agreement", "rank_bump", "scatter_ranks"]


def scatter_ranks(
    a: pd.Series, b: pd.Series, labels: tuple[str, str] | None = None, title: str = ""
) -> Picture:
    """Draw the ranks of provinces by two measures against each other.

    Parameters
    ----------
    a, b : Series
        Two measures by province code, higher is better; 1 is the first rank.
        Only provinces with both are ranked.
    labels : tuple of str or None
        Names of the two measures; the names of the Series when None.
    title : str
        Title of the figure.

    Returns
    -------
    Picture
        The figure, with Spearman's rank correlation in it and its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If fewer than three provinces have both measures.
    """
    import pandas as pd

    first, second = labels or (str(a.name), str(b.name))
    both = pd.concat([province_values(a), province_values(b)], axis=1, keys=[0, 1]).dropna()
    if len(both) < 3:
        raise SampleError(f"{len(both)} provinces have both measures", expected="at least three")
    ranks = both.rank(ascending=False)
    rho = float(ranks[0].corr(ranks[1]))  # Pearson on ranks is Spearman's rho, ties included
    with style():
        figure = new_figure(7.0, 7.8)
        ax = figure.add_axes((0.1, 0.09, 0.88, 0.775))
        figure.text(0.02, 0.985, readable(title), fontsize=16, va="top")
        last = len(ranks)
        ax.plot([1, last], [1, last], color=PALE, linewidth=1)
        for code, (x, y) in ranks.iterrows():
            mark = REGION_STYLES[provinces.region(code)]
            ax.plot([x], [y], mark.marker, color=mark.color, markersize=6)
            ax.annotate(
                provinces.name(code, "abbr"),
                (x, y),
                (5, 0),
                textcoords="offset points",
                fontsize=12.5,
                color=darker(mark.color),
                va="center_baseline",
            )
        ticks = [1, *range(5, last + 1, 5)]
        ax.set(xlim=(0, last + 2), ylim=(last + 1, 0), xticks=ticks, yticks=ticks)
        ax.set_xlabel(readable(f"rank by {first} (1 = first)"))
        ax.set_ylabel(readable(f"rank by {second} (1 = first)"))
        note = f"Spearman's ρ = {number(rho, '{:.2f}')}, {last} provinces"
        figure.text(0.02, 0.945, note, fontsize=13, va="top")
        _region_names(ax)
    return Picture(figure, describe_scatter(ranks.set_axis([first, second], axis=1), rho))


def _region_names(ax: Axes) -> None:
    """Name the marks of the regions above the plot."""
    for region in provinces.REGIONS:
        mark = REGION_STYLES[region]
        ax.plot([], [], mark.marker, color=mark.color, label=region_label(region))
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(-0.1, 0.99),
        ncols=4,
        fontsize=12,
        handletextpad=0.1,
        columnspacing=1.0,
    )


def heatmap_agreement(
    matrix: pd.DataFrame, title: str = "", label: str = "rank correlation", fmt: str = "{:.2f}"
) -> Picture:
    """Draw the agreement of every two measures, each pair once.

    Parameters
    ----------
    matrix : DataFrame
        Square, the same measures in the same order on both sides.
    title, label : str
        Title of the figure and what is measured.
    fmt : str
        Format of the numbers.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If rows and columns differ.
    """
    if list(matrix.index) != list(matrix.columns):
        raise SampleError("rows and columns differ", expected="a square matrix of the measures")
    import numpy as np
    import seaborn as sns

    size, signed = len(matrix), float(np.nanmin(matrix.to_numpy())) < 0
    names = [f"{readable(name)}  {place}" for place, name in enumerate(matrix.index, start=1)]
    height = 1.1 + 0.62 * size
    with style():
        figure = new_figure(7.0, height)
        ax = figure.add_axes((0.38, 0.4 / height, 0.6, 1 - 1.2 / height))
        figure.text(0.02, 1 - 0.08 / height, readable(title), fontsize=16, va="top")
        figure.text(0.02, 1 - 0.45 / height, readable(label), fontsize=13, va="top")
        sns.heatmap(
            matrix.to_numpy(dtype=float),
            mask=np.triu(np.ones((size, size), dtype=bool), k=1),
            vmin=-1 if signed else 0,
            vmax=1,
            cmap=DIVERGING if signed else SEQUENTIAL,
            cbar=False,
            linewidths=2,
            linecolor="white",
            ax=ax,
        )
        ax.grid(False)
        _cell_values(ax, matrix, fmt)
        ax.set_yticklabels([textwrap.fill(n, 26) for n in names], rotation=0, fontsize=12.5)
        ax.set_xticklabels(range(1, size + 1), fontsize=12.5)
    return Picture(figure, describe_agreement(matrix, label))


def _cell_values(ax: Axes, matrix: pd.DataFrame, fmt: str) -> None:
    colors = ax.collections[0].to_rgba(matrix.to_numpy(dtype=float))
    for row in range(len(matrix)):
        for column in range(row + 1):
            ax.text(
                column + 0.5,
                row + 0.5,
                number(matrix.iloc[row, column], fmt),
                ha="center",
                va="center",
                fontsize=13,
                color=ink_on(colors[row, column]),
            )


def rank_bump(
    ranks: pd.DataFrame, highlight: Sequence[object] | None = None, title: str = ""
) -> Picture:
    """Draw the rank of every province under several measures, joined by lines.

    Parameters
    ----------
    ranks : DataFrame
        Rank (1 = first) by province code, a column per measure; a province
        that a measure lacks is NaN.
    highlight : sequence or None
        At most seven provinces to set in colour, by code or name; the five
        whose rank depends most on the measure when None.
    title : str
        Title of the figure.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If there are fewer than two measures or more than seven provinces to highlight.
    """
    import pandas as pd

    if ranks.shape[1] < 2:
        raise SampleError("one measure only", expected="at least two columns of ranks")
    data = pd.DataFrame({c: province_values(ranks[c], reindex=False) for c in ranks.columns})
    chosen = _most_moved(data) if highlight is None else [provinces.code_of(p) for p in highlight]
    if len(chosen) > len(CATEGORIES):
        raise SampleError(f"{len(chosen)} provinces to highlight", expected="at most seven")
    last, keyed = int(data.max(axis=None)), data.shape[1] > 2
    head = 0.85 + 0.25 * (data.shape[1] if keyed else 1)
    height = head + 0.1 + 0.27 * last
    with style():
        figure = new_figure(7.0, height)
        figure.text(0.02, 1 - 0.08 / height, readable(title), fontsize=16, va="top")
        ax = figure.add_axes((0.315, 0.1 / height, 0.37, 1 - (head + 0.1) / height))
        ax.set(xlim=(-0.03, data.shape[1] - 0.97), ylim=(last + 0.5, 0.5))
        ax.axis("off")
        _bump_heads(figure, ax, [readable(measure) for measure in data.columns], height, keyed)
        _bump_lines(ax, data.drop(index=chosen), PALE, "o", front=False)
        for place, code in enumerate(chosen):
            _bump_lines(ax, data.loc[[code]], CATEGORIES[place], _MARKERS[place], front=True)
    return Picture(figure, describe_bump(data, chosen))


def _most_moved(ranks: pd.DataFrame) -> list[int]:
    moved = (ranks.max(axis=1) - ranks.min(axis=1)).sort_values(ascending=False, kind="stable")
    return [int(code) for code in moved.index[:5]]


def _bump_heads(figure: object, ax: Axes, measures: list[str], height: float, keyed: bool) -> None:
    """Write the names of two measures above their columns; of more, a numbered list."""
    for place, measure in enumerate(measures):
        side = "center" if keyed else ("right", "left")[place]
        head = str(place + 1) if keyed else textwrap.fill(measure, 26)
        ax.text(place, 0.2, head, ha=side, va="bottom", fontsize=13)
        if keyed:
            down = 1 - (0.46 + 0.25 * place) / height
            figure.text(0.02, down, f"{place + 1}  {measure}", fontsize=12.5, va="top")


def _bump_lines(ax: Axes, ranks: pd.DataFrame, color: str, marker: str, front: bool) -> None:
    """Draw some provinces alike, as one line that is broken between them."""
    import numpy as np

    size, count = ranks.shape
    broken = np.column_stack([ranks.to_numpy(dtype=float), np.full(size, np.nan)])
    ax.plot(
        np.tile(np.append(np.arange(count), np.nan), size),
        broken.ravel(),
        color=color,
        marker=marker,
        linewidth=3 if front else 1.2,
        markersize=8 if front else 5,
        zorder=3 if front else 2,
        clip_on=False,
    )
    ink = darker(color) if front else GREY
    for code, stands in ranks.iterrows():
        for place, side, sign in ((0, "right", -1), (count - 1, "left", 1)):
            rank = stands.iloc[place]
            if np.isnan(rank):  # the measure lacks the province
                continue
            shown = {"textcoords": "offset points", "va": "center", "color": ink, "fontsize": 12.5}
            ax.annotate(f"{rank:.0f}", (place, rank), (sign * 23, 0), ha=_OTHER[side], **shown)
            name = province_label(code)
            ax.annotate(name, (place, rank), (sign * 29, 0), ha=side, **shown)
