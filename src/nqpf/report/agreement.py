"""How far measures agree: two rankings against each other, and a matrix of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.alt import describe_agreement, describe_scatter
from nqpf.report.inputs import province_values
from nqpf.report.layout import headed_figure, place_axes, wrapped
from nqpf.report.picture import Picture
from nqpf.report.style import (
    DIVERGING,
    PALE,
    REGION_STYLES,
    SEQUENTIAL,
    darker,
    ink_on,
    number,
    readable,
    region_label,
    style,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes


__all__ = ["heatmap_agreement", "scatter_ranks"]


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
        note = f"Spearman's ρ = {number(rho, '{:.2f}')}, {len(ranks)} provinces"
        figure, head = headed_figure(title, note, 7.1)
        ax = place_axes(figure, 0.7, head + 0.35, 6.16, 6.05)
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

    size = len(matrix)
    signed = float(np.nanmin(matrix.to_numpy())) < 0
    names = [f"{name} {place}" for place, name in enumerate(matrix.index, start=1)]
    # Past nine measures a cell has room for two digits only: hundredths, without the 0.
    crowded = size > 9
    side = 0.36 if crowded else 0.62
    with style():
        figure, head = headed_figure(title, label + " × 100" * crowded, side * size + 0.4)
        ax = place_axes(figure, *((1.5, head, 5.36) if crowded else (2.66, head, 4.2)), side * size)
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
        colors = ax.collections[0].to_rgba(matrix.to_numpy(dtype=float))
        _cell_values(ax, 100 * matrix if crowded else matrix, "{:.0f}" if crowded else fmt, colors)
        ax.set_yticklabels(
            [wrapped(n, 16 if crowded else 30) for n in names], rotation=0, fontsize=12.5
        )
        ax.set_xticklabels(range(1, size + 1), fontsize=12.5)
    return Picture(figure, describe_agreement(matrix, label))


def _cell_values(ax: Axes, matrix: pd.DataFrame, fmt: str, colors: np.ndarray) -> None:
    for row in range(len(matrix)):
        for column in range(row + 1):
            ax.text(
                column + 0.5,
                row + 0.5,
                number(matrix.iloc[row, column], fmt),
                ha="center",
                va="center",
                fontsize=13 if len(matrix) <= 9 else 11,
                color=ink_on(colors[row, column]),
            )
