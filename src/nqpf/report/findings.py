"""Findings by measure and question: the book's answer in one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
_LEFT, _ROW, _HEADS = 1.85, 0.3, 0.75  # inches
_BLANK = "///"


def findings_map(
    table: pd.DataFrame,
    title: str = "",
    note: str = "",
    groups: Mapping[str, Sequence[str]] | None = None,
    heads: Mapping[str, str] | None = None,
    blank: str = "not run",
) -> Picture:
    """Draw what each measure says on each question.

    Parameters
    ----------
    table : DataFrame indexed (measure, question)
        As :func:`nqpf.compare.curve_summary` by both: ``median``, the median
        effect, and the shares of specifications that are
        ``significant_positive`` and ``significant_negative``. Rows and columns
        of the figure keep the order of the index; a pair may be absent.
    title, note : str
        Title of the figure, and a line below it.
    groups : mapping of str to sequence of str
        Headings over neighbouring questions.
    heads : mapping of str to str
        Narrow forms of the questions, with line breaks, for the heads of the columns.
    blank : str
        What a hatched cell means.

    Returns
    -------
    Picture
        A cell per pair: its colour is the share of positive less the share of
        negative significant effects, its number the median effect, 0 without a sign where it
        rounds to nothing; hatched where a pair was not run. With its alternative text.

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
    rows, over = _ROW * len(measures), _HEADS + (0.42 if groups else 0)
    with style():
        figure, head = headed_figure(title, note, over + rows + 1.0)
        ax = place_axes(figure, _LEFT, head + over, WIDTH - _LEFT - 0.12, rows)
        _cells(ax, balance, median)
        ax.xaxis.tick_top()
        names = [dict(heads or {}).get(question, wrapped(question, 10)) for question in questions]
        ax.set_xticks(range(len(questions)), names, fontsize=11, color="#111111")
        names = [readable(name) for name in measures]
        ax.set_yticks(range(len(measures)), names, fontsize=12, color="#111111")
        ax.tick_params(length=0)
        ax.grid(False)
        ax.spines[:].set_visible(False)
        _grouped(ax, questions, dict(groups or {}))
        _scale(place_axes(figure, _LEFT, head + over + rows + 0.28, 2.6, 0.16))
        _explain(place_axes(figure, _LEFT + 3.1, head + over + rows + 0.28, 0.3, 0.16), blank)
    return Picture(figure, _describe(balance, title))


def _cells(ax: Axes, balance: pd.DataFrame, median: pd.DataFrame) -> None:
    import matplotlib

    colours = matplotlib.colormaps[DIVERGING]
    box = matplotlib.patches.Rectangle
    for (row, column), value in np.ndenumerate(balance.to_numpy(dtype=float)):
        corner = (column - 0.48, row - 0.46)
        if np.isnan(value):
            empty = {"facecolor": "none", "edgecolor": "#bbbbbb", "lw": 0, "hatch": _BLANK}
            ax.add_patch(box(corner, 0.96, 0.92, **empty))
            continue
        colour = colours(0.5 + value / 2)  # orange is negative, purple positive
        ax.add_patch(box(corner, 0.96, 0.92, facecolor=colour, edgecolor="none"))
        figure = float(median.iat[row, column])
        text = "0" if abs(figure) < 0.005 else number(figure, "{:+.2f}")
        ax.text(column, row, text, ha="center", va="center", fontsize=12, color=ink_on(colour))
    ax.set(xlim=(-0.5, balance.shape[1] - 0.5), ylim=(len(balance) - 0.5, -0.5))


def _grouped(ax: Axes, questions: list[str], groups: dict[str, Sequence[str]]) -> None:
    """Write a heading with a line over the columns of each group."""
    for words, members in groups.items():
        places = [questions.index(one) for one in members if one in questions]
        if not places:
            continue
        ends = (min(places) - 0.42, max(places) + 0.42)
        high = -0.5 - _HEADS / _ROW
        ax.plot(ends, (high, high), color="#444444", lw=1, clip_on=False)
        ax.text(sum(ends) / 2, high - 0.15, words, ha="center", va="bottom", fontsize=12,
                color="#111111", linespacing=1.2)  # fmt: skip


def _scale(ax: Axes) -> None:
    """Draw the colours from one end to the other, with what they say."""
    ax.imshow(np.linspace(0, 1, 256)[None], aspect="auto", cmap=DIVERGING, extent=(-100, 100, 0, 1))
    ax.set_yticks([])
    words = ["all significant,\nnegative", "balance", "all significant,\npositive"]
    ax.set_xticks([-100, 0, 100], words, fontsize=11, color="#222222")
    ax.tick_params(length=2)
    ax.grid(False)


def _explain(ax: Axes, blank: str) -> None:
    """Say what a hatched cell means."""
    import matplotlib

    ax.set_axis_off()
    box = matplotlib.patches.Rectangle((0, 0), 1, 1, facecolor="none", edgecolor="#bbbbbb", lw=0,
                                       hatch=_BLANK)  # fmt: skip
    ax.add_patch(box)
    ax.annotate(wrapped(blank, 18), (1.2, 1), xycoords="axes fraction", fontsize=11, va="top",
                color="#222222", linespacing=1.2)  # fmt: skip


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
