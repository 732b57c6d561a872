"""Event studies: what happened in each year before and after a reform, a panel per measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from nqpf.errors import SampleError
from nqpf.report.layout import WIDTH, headed_figure, place_axes, wrapped
from nqpf.report.picture import Picture
from nqpf.report.style import CATEGORIES, PALE, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["event_plot"]

_NEEDED = ("measure", "event", "estimate", "lower", "upper", "chance_low", "chance_high")
_ACROSS = 2  # panels beside each other


def event_plot(table: pd.DataFrame, title: str = "", label: str = "") -> Picture:
    """Draw estimates by years since a reform, with intervals and the band that chance gives.

    Parameters
    ----------
    table : DataFrame
        Columns ``measure``, ``event`` (whole years since the reform, 0 in its first),
        ``estimate``, ``lower``, ``upper`` and the band ``chance_low`` to ``chance_high``; one
        row per measure and year. Panels keep the order of the rows.
    title, label : str
        Title of the figure, and what an estimate means.

    Returns
    -------
    Picture
        Years before the reform have open round marks, later ones filled squares in another
        colour; with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a column is absent, a figure is missing or a pair is there twice.

    Examples
    --------
    >>> table = pd.DataFrame({"measure": "x", "event": [-2, 0, 1], "estimate": [-0.1, 0.4, 1.0],
    ...     "lower": [-0.5, 0.1, 0.2], "upper": [0.3, 0.7, 1.8], "chance_low": -0.6,
    ...     "chance_high": 0.6})
    >>> print(event_plot(table, "One reform").alt)
    Estimates by years since the reform. One reform. x: from -0.10 (year -2) to 1.00 (year 1);
    2 of 3 intervals leave out zero; 1 of 3 estimates lie outside the band of chance.
    """
    _check(table)
    measures = list(dict.fromkeys(table["measure"]))
    across = min(_ACROSS, len(measures))
    down = -(-len(measures) // across)
    left, gap, tall, high = 0.6, 0.65, 2.75, 1.9
    width = (WIDTH - left - 0.15 - gap * (across - 1)) / across
    low = table[["lower", "chance_low"]].to_numpy().min()
    high_end = table[["upper", "chance_high"]].to_numpy().max()
    with style():
        figure, head = headed_figure(title, label, down * tall)
        for number, measure in enumerate(measures):
            row, column = divmod(number, across)
            place = (left + column * (width + gap), head + row * tall + 0.35)
            ax = place_axes(figure, *place, width, high)
            _panel(ax, table[table["measure"] == measure].sort_values("event"))
            ax.set_ylim(1.05 * min(low, 0), 1.05 * max(high_end, 0))
            ax.set_title(wrapped(measure, 30), fontsize=13, loc="left")
    return Picture(figure, _describe(table, measures, title))


def _panel(ax: Axes, own: pd.DataFrame) -> None:
    ax.fill_between(own["event"], own["chance_low"], own["chance_high"], color=PALE, alpha=0.5)
    ax.axhline(0, color="#000000", linewidth=0.8)
    ax.axvline(-0.5, color="#000000", linewidth=0.8, linestyle=":")
    for row in own.itertuples():
        before = row.event < 0
        color = CATEGORIES[1] if before else CATEGORIES[0]
        ax.plot([row.event, row.event], [row.lower, row.upper], color=color, linewidth=1.6)
        marker = {"marker": "o", "markerfacecolor": "white"} if before else {"marker": "s"}
        ax.plot([row.event], [row.estimate], color=color, markersize=6, **marker)
    ax.set_xticks(own["event"])
    ax.set_xlabel("years since the reform", fontsize=12)


def _check(table: pd.DataFrame) -> None:
    absent = [name for name in _NEEDED if name not in table]
    if absent or table.empty:
        raise SampleError(
            f"a table without {absent[0] if absent else 'rows'}",
            expected="columns " + ", ".join(_NEEDED),
        )
    gaps = table[table[list(_NEEDED)].isna().any(axis=1)]
    double = table[table.duplicated(["measure", "event"])]
    for what, rows in {"a figure is missing": gaps, "an estimate is there twice": double}.items():
        if len(rows):
            raise SampleError(what, where={n: rows.iloc[0][n] for n in ("measure", "event")})


def _describe(table: pd.DataFrame, measures: list[str], title: str) -> str:
    parts = []
    for measure in measures:
        own = table[table["measure"] == measure].sort_values("event")
        first, last = own.iloc[0], own.iloc[-1]
        sure = int(((own["lower"] > 0) | (own["upper"] < 0)).sum())
        out = (own["estimate"] < own["chance_low"]) | (own["estimate"] > own["chance_high"])
        parts.append(
            f"{measure}: from {first['estimate']:.2f} (year {first['event']:.0f}) to "
            f"{last['estimate']:.2f} (year {last['event']:.0f}); {sure} of {len(own)} intervals "
            f"leave out zero; {int(out.sum())} of {len(own)} estimates lie outside the band of "
            "chance"
        )
    return f"Estimates by years since the reform. {title}. {'. '.join(parts)}."
