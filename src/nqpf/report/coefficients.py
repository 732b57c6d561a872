"""The same regression under many measures: a coefficient and its interval per measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from nqpf.errors import SampleError
from nqpf.report.layout import WIDTH, headed_figure, place_axes, wrapped
from nqpf.report.picture import Picture
from nqpf.report.style import CATEGORIES, GREY, readable, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["coefficient_plot"]

_FIGURES = ("coefficient", "lower", "upper")
_NEEDED = ("variable", "measure", *_FIGURES)
_ACROSS = 2  # panels beside each other


def coefficient_plot(table: pd.DataFrame, title: str = "", label: str = "") -> Picture:
    """Draw coefficients and their intervals, a panel per variable and a line per measure.

    Parameters
    ----------
    table : DataFrame
        Columns ``variable``, ``measure``, ``coefficient``, ``lower`` and
        ``upper``; one row per variable and measure. Panels and lines keep
        the order of the rows. A measure that is not regressed has no figures
        and says why, in a few words, in a column ``reason``.
    title, label : str
        Title of the figure, and what a coefficient means.

    Returns
    -------
    Picture
        An interval that leaves out zero is drawn in colour with a filled
        mark, any other in grey with an open one, a reason as words in its
        place; with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a column is absent, a figure is missing without a reason, or a pair is there twice.

    Examples
    --------
    >>> table = pd.DataFrame({"variable": ["a", "a"], "measure": ["x", "y"],
    ...     "coefficient": [1.0, -0.2], "lower": [0.5, -1.0], "upper": [1.5, 0.6]})
    >>> print(coefficient_plot(table, "Two measures").alt)
    Coefficients with intervals. Two measures. a: 1 of 2 measures above zero, 0 below, 1 uncertain.
    """
    _check(table)
    variables, measures = (list(dict.fromkeys(table[name])) for name in _NEEDED[:2])
    across = min(_ACROSS, len(variables))
    down = -(-len(variables) // across)
    left, gap = 2.05, 0.25
    width = (WIDTH - left - 0.15 - gap * (across - 1)) / across
    rows = 0.26 * len(measures)
    tall = rows + 0.85
    with style():
        figure, head = headed_figure(title, label, down * tall)
        for number, variable in enumerate(variables):
            row, column = divmod(number, across)
            ax = place_axes(
                figure, left + column * (width + gap), head + row * tall + 0.4, width, rows
            )
            _panel(ax, table[table["variable"] == variable], measures, column == 0)
            ax.set_title(wrapped(variable, 30), fontsize=13, loc="left")
    return Picture(figure, _describe(table, variables, title))


def _panel(ax: Axes, own: pd.DataFrame, measures: list[str], named: bool) -> None:
    for row in own.itertuples():
        place = measures.index(row.measure)
        if pd.isna(row.coefficient):
            beside = ax.get_yaxis_transform()  # from the left edge, whatever the scale
            over = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # lines of the grid
            words = ax.text(0.02, place, readable(row.reason), transform=beside, va="center")
            words.set(fontsize=11, color="#444444", bbox=over, zorder=3)
            continue
        sure = row.lower > 0 or row.upper < 0
        color = (CATEGORIES[0] if row.coefficient > 0 else CATEGORIES[1]) if sure else GREY
        ax.plot([row.lower, row.upper], [place, place], color=color, linewidth=1.6)
        ax.plot(
            [row.coefficient],
            [place],
            "o" if row.coefficient > 0 else "s",
            color=color,
            markersize=6,
            markerfacecolor=color if sure else "white",
        )
    ax.axvline(0, color="#000000", linewidth=0.8)
    names = [readable(name) if named else "" for name in measures]
    ax.set_yticks(range(len(measures)), names, fontsize=12, color="#111111")
    ax.set_ylim(len(measures) - 0.4, -0.6)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)


def _check(table: pd.DataFrame) -> None:
    absent = [name for name in _NEEDED if name not in table]
    if absent or table.empty:
        raise SampleError(
            f"a table without {absent[0] if absent else 'rows'}",
            expected="columns " + ", ".join(_NEEDED),
        )
    unknown = table[list(_NEEDED)].isna()
    named = table["reason"].fillna("").ne("") if "reason" in table else False
    blank = unknown[list(_FIGURES)].all(axis=1) & named
    bad = unknown.any(axis=1) & ~(blank & ~unknown[list(_NEEDED[:2])].any(axis=1))
    if bad.any():
        first = table[bad].iloc[0]
        raise SampleError(
            "a figure is missing",
            where={name: first[name] for name in _NEEDED[:2]},
            expected="a coefficient and its interval, or a reason and neither",
        )
    if table.duplicated(list(_NEEDED[:2])).any():
        first = table[table.duplicated(list(_NEEDED[:2]))].iloc[0]
        raise SampleError(
            "a coefficient is there twice", where={name: first[name] for name in _NEEDED[:2]}
        )


def _describe(table: pd.DataFrame, variables: list[str], title: str) -> str:
    parts = []
    for variable in variables:
        own = table[table["variable"] == variable]
        above, below = int((own["lower"] > 0).sum()), int((own["upper"] < 0).sum())
        blank = int(own["coefficient"].isna().sum())
        count = len(own) - blank
        parts.append(
            f"{variable}: {above} of {count} measures above zero, {below} below, "
            f"{count - above - below} uncertain" + (f", {blank} left blank" if blank else "")
        )
    return f"Coefficients with intervals. {title}. {'; '.join(parts)}."
