"""How far a province's rank depends on the measure: one line per province."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.alt import listed
from nqpf.report.layout import headed_figure, place_axes
from nqpf.report.picture import Picture
from nqpf.report.style import REGION_STYLES, province_label, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["rank_ranges"]


def rank_ranges(ranks: pd.DataFrame, title: str = "") -> Picture:
    """Draw every province's ranks under several measures, median rank first.

    Parameters
    ----------
    ranks : DataFrame
        Rank (1 = first) by province code, a column per measure; a province
        that a measure lacks is NaN.
    title : str
        Title of the figure.

    Returns
    -------
    Picture
        A pale dot per measure, a line from best to worst, a mark at the
        median; with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If there are fewer than two measures or a province has no rank.
    """
    if ranks.shape[1] < 2 or ranks.isna().all(axis=1).any():
        raise SampleError(
            f"ranks of shape {ranks.shape}",
            expected="two or more measures and a rank for every province",
        )
    span = ranks.agg(["min", "median", "max"], axis=1).sort_values(
        ["median", "min", "max"], kind="stable"
    )
    label = f"rank under {ranks.shape[1]} measures: each (dot), best to worst (line), median (mark)"
    with style():
        rows = 0.285 * len(span)
        figure, head = headed_figure(title, label, rows + 0.5)
        ax = place_axes(figure, 2.0, head, 4.2, rows)
        for place, code in enumerate(span.index):
            _line(ax, place, int(code), ranks.loc[code].dropna(), span.loc[code])
        ax.set_yticks(
            range(len(span)),
            [province_label(c) for c in span.index],
            fontsize=12.5,
            color="#111111",
        )
        ax.set_ylim(len(span) - 0.4, -0.6)
        ax.set_xlim(0, ranks.max(axis=None) + 1)
        ax.spines["left"].set_visible(False)
    return Picture(figure, _describe(span, title))


def _line(ax: Axes, place: int, code: int, own: pd.Series, span: pd.Series) -> None:
    mark = REGION_STYLES[provinces.region(code)]
    ax.plot([span["min"], span["max"]], [place, place], color=mark.color, linewidth=1.5, alpha=0.5)
    ax.plot(own, [place] * len(own), "o", color=mark.color, markersize=4, alpha=0.3)
    ax.plot([span["median"]], [place], mark.marker, color=mark.color, markersize=8, zorder=3)
    text = f"{span['min']:.0f}–{span['max']:.0f}"
    ax.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=12)


def _describe(span: pd.DataFrame, title: str) -> str:
    width = (span["max"] - span["min"]).sort_values(ascending=False, kind="stable")
    wide = [
        f"{provinces.name(int(c))} {span.loc[c, 'min']:.0f} to {span.loc[c, 'max']:.0f}"
        for c in width.index[:5]
    ]
    first = provinces.name(int(span.index[0]))
    return (
        f"Ranges of ranks. {title}. {first} has the best median rank; "
        f"the widest ranges: {listed(wide)}."
    )
