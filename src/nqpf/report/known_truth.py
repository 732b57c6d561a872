"""Estimates of something known: how far each way of estimating lands from the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from nqpf.errors import SampleError
from nqpf.report.layout import WIDTH, headed_figure, place_axes, wrapped
from nqpf.report.picture import Picture
from nqpf.report.style import CATEGORIES, readable, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["known_truth_plot"]

_NEEDED = ("panel", "estimated", "mean", "low", "high", "truth")


def known_truth_plot(table: pd.DataFrame, title: str = "", label: str = "") -> Picture:
    """Draw mean and range of estimates beside the truth, a panel per simulation.

    Parameters
    ----------
    table : DataFrame
        Columns ``panel``, ``estimated`` (how), ``mean``, ``low``, ``high`` and ``truth``, one
        row per panel and way of estimating. Panels and rows keep their order; the truth is
        one per panel.
    title, label : str
        Title of the figure, and what is drawn.

    Returns
    -------
    Picture
        The truth is a dashed line. A range that holds it is drawn with a round mark, one that
        misses it in another colour with a square; with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a column is absent, a figure is missing or a panel has more than one truth.

    Examples
    --------
    >>> table = pd.DataFrame({"panel": "lag", "estimated": ["right", "wrong"],
    ...     "mean": [0.9, 2.0], "low": [0.5, 1.5], "high": [1.2, 2.4], "truth": 1.0})
    >>> print(known_truth_plot(table, "Two ways").alt)
    Estimates beside the truth. Two ways. lag, truth 1.00: right 0.90 (0.50 to 1.20); wrong 2.00
    (1.50 to 2.40), missing it.
    """
    _check(table)
    panels = list(dict.fromkeys(table["panel"]))
    left, rows = 2.75, {panel: 0.3 * int((table["panel"] == panel).sum()) for panel in panels}
    with style():
        figure, head = headed_figure(title, label, sum(rows.values()) + 0.95 * len(panels))
        for panel in panels:
            ax = place_axes(figure, left, head + 0.45, WIDTH - left - 0.2, rows[panel])
            _draw(ax, table[table["panel"] == panel], str(panel))
            head += rows[panel] + 0.95
    return Picture(figure, _describe(table, panels, title))


def _draw(ax: Axes, own: pd.DataFrame, panel: str) -> None:
    truth = float(own["truth"].iloc[0])
    ax.axvline(truth, color="#000000", linewidth=1.2, linestyle="--")
    for place, row in enumerate(own.itertuples()):
        held = row.low <= truth <= row.high
        color = CATEGORIES[0] if held else CATEGORIES[1]
        ax.plot([row.low, row.high], [place, place], color=color, linewidth=1.8)
        ax.plot([row.mean], [place], "o" if held else "s", color=color, markersize=7)
    names = [wrapped(readable(str(name)), 32) for name in own["estimated"]]
    ax.set_yticks(range(len(own)), names, fontsize=12, color="#111111")
    ax.set_ylim(len(own) - 0.4, -0.6)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.set_title(f"{panel}: truth {truth:.2f}".replace("-", "−"), fontsize=13, loc="left")


def _check(table: pd.DataFrame) -> None:
    absent = [name for name in _NEEDED if name not in table]
    if absent or table.empty:
        raise SampleError(
            f"a table without {absent[0] if absent else 'rows'}",
            expected="columns " + ", ".join(_NEEDED),
        )
    bad = table[list(_NEEDED)].isna().any(axis=1)
    if bad.any():
        first = table[bad].iloc[0]
        raise SampleError(
            "a figure is missing", where={"panel": first["panel"], "estimated": first["estimated"]}
        )
    several = table.groupby("panel")["truth"].nunique() > 1
    if several.any():
        raise SampleError(
            f"panel {several.idxmax()!r} has more than one truth", expected="one per panel"
        )


def _describe(table: pd.DataFrame, panels: list[object], title: str) -> str:
    parts = []
    for panel in panels:
        own = table[table["panel"] == panel]
        truth = float(own["truth"].iloc[0])
        each = [
            f"{row.estimated} {row.mean:.2f} ({row.low:.2f} to {row.high:.2f})"
            + ("" if row.low <= truth <= row.high else ", missing it")
            for row in own.itertuples()
        ]
        parts.append(f"{panel}, truth {truth:.2f}: {'; '.join(each)}")
    return f"Estimates beside the truth. {title}. {'. '.join(parts)}."
