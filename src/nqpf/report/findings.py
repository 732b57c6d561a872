"""Findings by measure and question: the book's answer in one figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.errors import SampleError
from nqpf.report.layout import WIDTH, headed_figure, place_axes, wrapped
from nqpf.report.picture import Picture
from nqpf.report.style import DIVERGING, ink_on, number, readable, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["findings_map"]

_COLUMNS = ("median", "significant_positive", "significant_negative")
_LEFT = 2.15
_ROW = 0.3


def findings_map(table: pd.DataFrame, title: str = "", note: str = "") -> Picture:
    """Draw what each measure says on each question.

    Parameters
    ----------
    table : DataFrame indexed (measure, question)
        As :func:`nqpf.compare.curve_summary` by both: ``median``, the median
        estimate, and the shares of specifications that are
        ``significant_positive`` and ``significant_negative``. Rows and columns
        of the figure keep the order of the index; a pair may be absent.
    title, note : str
        Title of the figure, and a line below it.

    Returns
    -------
    Picture
        A cell per pair: its colour is the share of positive less the share of
        negative significant estimates, its number the median estimate; empty
        where a pair was not run. With its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a column is absent, the table is empty or a pair is there twice.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["TFP", "A"], ["growth"]])
    >>> table = pd.DataFrame({"median": [0.2, -0.1], "significant_positive": [0.8, 0.0],
    ...                       "significant_negative": [0.0, 0.6]}, index)
    >>> print(findings_map(table, "T").alt)
    Map of findings. T. growth: 1 of 2 measures mostly significant and positive, 1 negative.
    """
    _check(table)
    measures, questions = (list(dict.fromkeys(table.index.get_level_values(i))) for i in (0, 1))
    balance = (table["significant_positive"] - table["significant_negative"]).unstack()
    balance, median = (x.reindex(measures)[questions] for x in (balance, table["median"].unstack()))
    rows = _ROW * len(measures)
    with style():
        figure, head = headed_figure(title, note, rows + 1.95)
        ax = place_axes(figure, _LEFT, head + 1.35, WIDTH - _LEFT - 0.75, rows)
        _cells(ax, balance, median)
        ax.xaxis.tick_top()
        heads = [wrapped(question, 18) for question in questions]
        ax.set_xticks(range(len(questions)), heads, fontsize=12, color="#111111", rotation=40)
        for head in ax.get_xticklabels():
            head.set(ha="left", rotation_mode="anchor")
        names = [readable(name) for name in measures]
        ax.set_yticks(range(len(measures)), names, fontsize=12, color="#111111")
        ax.tick_params(length=0)
        ax.grid(False)
        ax.spines[:].set_visible(False)
        _key(ax)
    return Picture(figure, _describe(balance, title))


def _cells(ax: Axes, balance: pd.DataFrame, median: pd.DataFrame) -> None:
    import matplotlib

    colours = matplotlib.colormaps[DIVERGING]
    for (row, column), value in np.ndenumerate(balance.to_numpy(dtype=float)):
        if np.isnan(value):
            continue
        colour = colours(0.5 + value / 2)  # orange is negative, purple positive
        ax.add_patch(
            matplotlib.patches.Rectangle(
                (column - 0.48, row - 0.46), 0.96, 0.92, facecolor=colour, edgecolor="none"
            )
        )
        text = number(float(median.iat[row, column]), "{:+.2f}")
        ax.text(column, row, text, ha="center", va="center", fontsize=12, color=ink_on(colour))
    ax.set(xlim=(-0.5, balance.shape[1] - 0.5), ylim=(len(balance) - 0.5, -0.5))


def _key(ax: Axes) -> None:
    """Say in words what the two ends of the colours mean."""
    import matplotlib

    colours = matplotlib.colormaps[DIVERGING]
    for place, value, words in ((0.0, 0.0, "significant, negative"), (0.46, 0.5, "neither"),
                                (0.66, 1.0, "significant, positive")):  # fmt: skip
        ax.annotate("■", (place, 0), (0, -16), xycoords="axes fraction", fontsize=14,
                    textcoords="offset points", color=colours(value), va="center")  # fmt: skip
        ax.annotate(words, (place, 0), (14, -16), xycoords="axes fraction", fontsize=12,
                    textcoords="offset points", color="#222222", va="center")  # fmt: skip


def _check(table: pd.DataFrame) -> None:
    absent = [name for name in _COLUMNS if name not in table]
    if absent or table.empty or table.index.nlevels != 2:
        raise SampleError(
            f"a table of shape {table.shape} without {absent[0] if absent else 'pairs'}",
            expected="an index (measure, question) and columns " + ", ".join(_COLUMNS),
        )
    if table.index.has_duplicates:
        raise SampleError(
            "a pair is there twice",
            where=dict(
                zip(("measure", "question"), table.index[table.index.duplicated()][0], strict=True)
            ),
        )


def _describe(balance: pd.DataFrame, title: str) -> str:
    parts = []
    for question, own in balance.items():
        own = own.dropna()
        up, down = int((own > 0.5).sum()), int((own < -0.5).sum())
        parts.append(
            f"{question}: {up} of {len(own)} measures mostly significant and positive, "
            f"{down} negative"
        )
    return f"Map of findings. {title}. {'; '.join(parts)}."
