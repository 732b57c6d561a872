"""The same regression under many measures: a coefficient and its interval per measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.errors import DataError, SampleError
from nqpf.report.html import listed
from nqpf.report.style import (
    CATEGORIES,
    DIVERGING,
    GREY,
    PALE,
    WIDTH,
    Picture,
    headed_figure,
    ink_on,
    number,
    place_axes,
    readable,
    style,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nqpf.multiverse.shares import _VarianceShares as VarianceShares

__all__ = ["coefficient_plot", "findings_map", "known_truth_plot", "shares_chart"]

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


_NEEDED_KNOWN_TRUTH = ("panel", "estimated", "mean", "low", "high", "truth")


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
    _check_known_truth(table)
    panels = list(dict.fromkeys(table["panel"]))
    left, rows = 2.75, {panel: 0.3 * int((table["panel"] == panel).sum()) for panel in panels}
    with style():
        figure, head = headed_figure(title, label, sum(rows.values()) + 0.95 * len(panels))
        for panel in panels:
            ax = place_axes(figure, left, head + 0.45, WIDTH - left - 0.2, rows[panel])
            _draw(ax, table[table["panel"] == panel], str(panel))
            head += rows[panel] + 0.95
    return Picture(figure, _describe_known_truth(table, panels, title))


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


def _check_known_truth(table: pd.DataFrame) -> None:
    absent = [name for name in _NEEDED_KNOWN_TRUTH if name not in table]
    if absent or table.empty:
        raise SampleError(
            f"a table without {absent[0] if absent else 'rows'}",
            expected="columns " + ", ".join(_NEEDED_KNOWN_TRUTH),
        )
    bad = table[list(_NEEDED_KNOWN_TRUTH)].isna().any(axis=1)
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


def _describe_known_truth(table: pd.DataFrame, panels: list[object], title: str) -> str:
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
        As :func:`nqpf.multiverse.curve_summary` by both: ``median``, the median
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
    _check_findings(table)
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
    return Picture(figure, _describe_findings(balance, title))


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


def _check_findings(table: pd.DataFrame) -> None:
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


def _describe_findings(balance: pd.DataFrame, title: str) -> str:
    parts = []
    for question, own in balance.items():
        own = own.dropna()
        up, down = int((own > 0.5).sum()), int((own < -0.5).sum())
        parts.append(
            f"{question}: {up} of {len(own)} measures mostly significant and positive, "
            f"{down} negative"
        )
    return f"Map of findings. {title}. {'; '.join(parts)}."


def shares_chart(
    shares: VarianceShares | pd.DataFrame,
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> Picture:
    """Draw how much of the variance of an estimate each choice accounts for.

    Parameters
    ----------
    shares : VarianceShares or its table
        From :func:`nqpf.multiverse.variance_shares`.
    title : str
        Title of the figure.
    labels : mapping of str to str or None
        Names to print for axes.

    Returns
    -------
    Picture
        A bar per axis, the largest first: solid for what the choice explains alone, pale for what
        it explains together with others.

    Raises
    ------
    nqpf.errors.DataError
        If the table has no first-order or total shares.
    """
    table = shares if isinstance(shares, pd.DataFrame) else shares.to_frame()
    for name in ("first_order", "total"):
        if name not in table.columns:
            raise DataError(f"no column {name!r}", expected="a table of variance shares")
    table = table.sort_values(["total", "first_order"], ascending=False, kind="stable")
    longest = max(float(table[["first_order", "total"]].max(axis=None)), 1e-9)
    names = [dict(labels or {}).get(str(axis), str(axis)) for axis in table.index]
    note = "share of the variance: alone (solid), with interactions (pale)"
    with style():
        figure, head = headed_figure(title, note, 0.36 * len(table) + 0.55)
        ax = place_axes(figure, 1.9, head, WIDTH - 3.5, 0.36 * len(table))
        for place, (first, total) in enumerate(table[["first_order", "total"]].to_numpy()):
            ax.barh(place, max(first, total), height=0.62, color=PALE)
            ax.barh(place, first, height=0.62, color=CATEGORIES[0])
            text = f"{number(100 * first, '{:.1f}')} / {number(100 * total, '{:.1f}')} %"
            ax.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="center",
                        fontsize=12, color=GREY)  # fmt: skip
        ax.set_yticks(range(len(table)), [wrapped(n, 20) for n in names], fontsize=12.5)
        ax.set(ylim=(len(table) - 0.4, -0.6), xlim=(0, 1.04 * longest))
        ax.xaxis.set_major_formatter("{x:.0%}")
        ax.grid(axis="y", visible=False)
        ax.spines["left"].set_visible(False)
    each = [
        f"{name} {first:.1%} alone and {total:.1%} with interactions"
        for name, (first, total) in zip(
            names, table[["first_order", "total"]].to_numpy(), strict=True
        )
    ]
    text = f"Bar chart of shares of variance. {title}".strip().rstrip(".")
    return Picture(figure, f"{text}: {listed(each, limit=12)}.")
