"""Rankings of provinces and weights of indicators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.html import (
    describe_agreement,
    describe_bump,
    describe_ranking,
    describe_scatter,
    describe_weights,
    listed,
    name_of,
)
from nqpf.report.style import (
    CATEGORIES,
    DIVERGING,
    GREY,
    MARKERS,
    PALE,
    REGION_STYLES,
    SEQUENTIAL,
    WIDTH,
    Picture,
    darker,
    headed_figure,
    in_year,
    ink_on,
    label_of,
    number,
    place_axes,
    province_label,
    province_values,
    readable,
    region_label,
    style,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "FACTORS",
    "heatmap_agreement",
    "rank_bump",
    "rank_intervals",
    "rank_ranges",
    "ranking",
    "scatter_ranks",
    "sobol_chart",
    "weights_chart",
]


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
        rows = 0.285 * len(values)
        figure, head = headed_figure(title, label, 0.35 + rows + 0.42)
        ax = place_axes(figure, 2.31, head + 0.35, 3.92, rows)
        _dots(ax, values, fmt, interval)
        _region_key(figure, {provinces.region(code) for code in values.index}, head)
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


def _region_key(figure: Figure, regions: set[str], head: float) -> None:
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
        bbox_to_anchor=(0.0, 1 - head / figure.get_figheight()),
        ncols=4,
        fontsize=12,
        handletextpad=0.1,
        columnspacing=1.0,
        borderpad=0.2,
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
    lines = {key: wrapped(names[key], 78) for key in weights.index}
    body = 0.45 * len(groups) + 0.23 * len(weights)
    body += sum(0.22 * (name.count("\n") + 1) for name in lines.values())
    with style():
        figure, head = headed_figure(title, "", body)
        ax = place_axes(figure, 0.14, head, WIDTH - 0.28, body)
        ax.set(xlim=(0, 1.16 * weights.max()), ylim=(body, 0))  # heights in inches
        ax.axis("off")
        _weight_bars(ax, groups, lines)
    return Picture(figure, describe_weights(weights, dimension, names))


def _weight_bars(ax: Axes, groups: list[tuple[str, pd.Series]], lines: dict[object, str]) -> None:
    down = 0.0
    for place, (dimension, group) in enumerate(groups):
        color = CATEGORIES[place % len(CATEGORIES)]
        head = f"{readable(dimension)}: {group.sum():.1%}"
        ax.text(0, down + 0.2, head, fontsize=14, color=darker(color), va="center")
        down += 0.38
        for key, weight in group.items():
            ax.text(0, down, lines[key], fontsize=12, va="top", linespacing=1.1)
            down += 0.22 * (lines[key].count("\n") + 1)
            ax.barh(down + 0.1, weight, height=0.16, color=color)
            ax.text(weight, down + 0.1, f" {weight:.1%}", fontsize=12, va="center", color=GREY)
            down += 0.23
        down += 0.07


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

    count = ranks.shape[1]
    if count < 2:
        raise SampleError("one measure only", expected="at least two columns of ranks")
    data = pd.DataFrame({c: province_values(ranks[c], reindex=False) for c in ranks.columns})
    chosen = _most_moved(data) if highlight is None else [provinces.code_of(p) for p in highlight]
    if len(chosen) > len(CATEGORIES):
        raise SampleError(f"{len(chosen)} provinces to highlight", expected="at most seven")
    last = int(data.max(axis=None))
    names = [wrapped(name, 22) if count == 2 else f"{k + 1}" for k, name in enumerate(data.columns)]
    rows, heads = 0.27 * last, 0.08 + 0.27 * max(name.count("\n") + 1 for name in names)  # inches
    with style():
        figure, head = headed_figure(title, _key(data.columns), heads + rows + 0.1)
        ax = place_axes(figure, 2.25, head + heads, 2.5, rows)
        ax.set(xlim=(-0.03, count - 0.97), ylim=(last + 0.5, 0.5))
        ax.axis("off")
        for place, name in enumerate(names):
            side = "center" if count > 2 else ("right", "left")[place]
            ax.text(place, 0.2, name, ha=side, va="bottom", fontsize=13)
        _lines(ax, data.drop(index=chosen), PALE, "o", front=False)
        for place, code in enumerate(chosen):
            _lines(ax, data.loc[[code]], CATEGORIES[place], MARKERS[place], front=True)
    return Picture(figure, describe_bump(data, chosen))


def _most_moved(ranks: pd.DataFrame) -> list[int]:
    moved = (ranks.max(axis=1) - ranks.min(axis=1)).sort_values(ascending=False, kind="stable")
    return [int(code) for code in moved.index[:5]]


def _key(measures: Sequence[object]) -> str:
    """Return a numbered list of the measures; two need none, as each stands over its column."""
    if len(measures) == 2:
        return ""
    return "\n".join(f"{place}. {name}" for place, name in enumerate(measures, start=1))


def _lines(ax: Axes, ranks: pd.DataFrame, color: str, marker: str, front: bool) -> None:
    """Draw some provinces alike, as one line that is broken between them."""
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
    for code, stands in ranks.iterrows():
        _names(ax, int(code), stands.to_numpy(), darker(color) if front else GREY)


def _names(ax: Axes, code: int, stands: np.ndarray, color: str) -> None:
    """Write name and rank at both ends, ranks flush right in a column of their own."""
    shown = {"textcoords": "offset points", "va": "center", "color": color, "fontsize": 12.5}
    left, right = stands[0], stands[-1]
    if not np.isnan(left):  # NaN: the measure lacks the province
        ax.annotate(f"{left:.0f}", (0, left), (-10, 0), ha="right", **shown)
        ax.annotate(province_label(code), (0, left), (-29, 0), ha="right", **shown)
    if not np.isnan(right):
        end = len(stands) - 1
        ax.annotate(f"{right:.0f}", (end, right), (24, 0), ha="right", **shown)
        ax.annotate(province_label(code), (end, right), (29, 0), ha="left", **shown)


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


# Names of the factors of nqpf.compare.sensitivity; others are printed as they are.
FACTORS = {
    "normalise": "Normalisation 标准化",
    "weights": "Weights 赋权",
    "aggregate": "Aggregation 合成",
    "omit": "Indicator left out 指标剔除",
    "error": "Measurement error 测量误差",
    "perturb": "Change of weights 权重扰动",
}
_ROW = 0.285  # inches


def rank_intervals(intervals: pd.DataFrame, title: str = "", level: float = 0.9) -> Picture:
    """Draw the interval of every province's rank, the best median first.

    Parameters
    ----------
    intervals : DataFrame
        By province code: ``baseline``, ``median``, ``lower`` and ``upper``,
        as :meth:`nqpf.compare.RankUncertainty.intervals` returns them.
    title : str
        Title of the figure.
    level : float
        Level of the intervals, for the heading.

    Returns
    -------
    Picture
        A line from lower to upper, a mark of the region at the median and an
        upright stroke at the baseline; with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a column is lacking, there is no province or a rank is missing.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"baseline": [1, 2], "median": [1, 2], "lower": [1, 1], "upper": [1, 2]},
    ...     index=[110000, 310000])
    >>> print(rank_intervals(table, "Ranks, 2022").alt)
    Intervals of ranks of 2 provinces. Ranks, 2022; 90% of the draws: first by median Beijing
    1 to 1. Widest: Shanghai 1 to 2 and Beijing 1 to 1. Every baseline rank lies inside.
    """
    _check(intervals, ("baseline", "median", "lower", "upper"), "a row per province")
    table = intervals.sort_values(["median", "lower", "upper", "baseline"], kind="stable")
    label = f"rank: {level:.0%} of the draws (line), median (mark), baseline (upright stroke)"
    with style():
        rows = _ROW * len(table)
        figure, head = headed_figure(title, label, 0.35 + rows + 0.5)
        ax = place_axes(figure, 2.0, head + 0.35, 4.2, rows)
        for place, (code, row) in enumerate(table.iterrows()):
            _interval(ax, place, int(code), row)
        names = [province_label(int(code)) for code in table.index]
        ax.set_yticks(range(len(table)), names, fontsize=12.5, color="#111111")
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.set_xlim(0, table[["upper", "baseline"]].max(axis=None) + 1)
        ax.spines["left"].set_visible(False)
        _region_key_certainty(figure, [provinces.region(int(code)) for code in table.index], head)
    return Picture(figure, _describe_intervals(table, title, level))


def _interval(ax: Axes, place: int, code: int, row: pd.Series) -> None:
    mark = REGION_STYLES[provinces.region(code)]
    ends = [row["lower"], row["upper"]]
    ax.plot(ends, [place, place], color=mark.color, linewidth=4, alpha=0.4, solid_capstyle="butt")
    ax.plot([row["median"]], [place], mark.marker, color=mark.color, markersize=8, zorder=3)
    ax.plot([row["baseline"]], [place], "|", color="black", markersize=13, zorder=4)
    text = f"{row['lower']:.0f}–{row['upper']:.0f}"
    ax.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=12)


def _region_key_certainty(figure: Figure, regions: list[str], head: float) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", marker=m.marker, color=m.color, label=region_label(region))
        for region, m in REGION_STYLES.items()
        if region in regions
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 1 - head / figure.get_figheight()),
        ncols=4,
        fontsize=12,
        handletextpad=0.1,
        columnspacing=1.0,
        borderpad=0.2,
    )


def _describe_intervals(table: pd.DataFrame, title: str, level: float) -> str:
    def spelled(code: object) -> str:
        return f"{name_of(code)} {table.loc[code, 'lower']:.0f} to {table.loc[code, 'upper']:.0f}"

    width = (table["upper"] - table["lower"]).sort_values(ascending=False, kind="stable")
    outside = table.index[~table["baseline"].between(table["lower"], table["upper"])]
    ends = (
        f"Baseline rank outside: {listed([name_of(code) for code in outside])}."
        if len(outside)
        else "Every baseline rank lies inside."
    )
    return (
        f"Intervals of ranks of {len(table)} provinces. {_led(title)}{level:.0%} of the draws: "
        f"first by median {spelled(table.index[0])}. "
        f"Widest: {listed([spelled(code) for code in width.index[:5]])}. {ends}"
    )


def sobol_chart(indices: pd.DataFrame, title: str = "") -> Picture:
    """Draw the share of the variance that each choice explains, the largest first.

    Parameters
    ----------
    indices : DataFrame by factor
        ``first``, ``first_margin``, ``total`` and ``total_margin``, as
        ``RankSensitivity.shift`` or ``RankSensitivity.ranks.of(province)``.
    title : str
        Title of the figure.

    Returns
    -------
    Picture
        Two bars per factor, by itself and with all interactions, with lines
        for their margins; with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a column is lacking, there is no factor or an index is missing, as
        for a province whose rank never changes.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"first": [0.2, 0.5], "first_margin": 0.1, "total": [0.4, 0.7], "total_margin": 0.1},
    ...     index=["omit", "weights"])
    >>> print(sobol_chart(table, "Average shift in rank").alt)
    Bar chart of Sobol indices. Average shift in rank; share of the variance by itself and with
    interactions: Weights 50% and 70%; Indicator left out 20% and 40%. No factor by itself
    explains 30%.
    """
    _check(indices, ("first", "first_margin", "total", "total_margin"), "a row per factor")
    table = indices.sort_values("total", ascending=False, kind="stable")
    label = "share of variance: by itself (dark), with interactions (pale), margins (lines)"
    with style():
        body = 0.82 * len(table)
        figure, head = headed_figure(title, label, body + 0.5)
        ax = place_axes(figure, 0.3, head, 6.0, body)
        for place, (factor, row) in enumerate(table.iterrows()):
            _bars(ax, place, FACTORS.get(str(factor), str(factor)), row)
        ax.set_yticks([])
        ax.set_ylim(len(table) - 0.4, -0.6)
        right = (table["total"] + table["total_margin"]).max()
        ax.set_xlim(0, max(right, (table["first"] + table["first_margin"]).max(), 0.1) * 1.02)
        ax.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        ax.spines["left"].set_visible(False)
    return Picture(figure, _describe_indices(table, title))


def _bars(ax: Axes, place: int, name: str, row: pd.Series) -> None:
    color = CATEGORIES[0]
    text = f"{readable(name)}: {_percent(row['first'])}, {_percent(row['total'])}"
    ax.text(0, place - 0.33, text, fontsize=12.5, color="#111111", va="center")
    for height, key, alpha in ((place - 0.03, "first", 1.0), (place + 0.22, "total", 0.4)):
        share, margin = max(row[key], 0.0), row[f"{key}_margin"]
        ax.barh(height, share, height=0.22, color=color, alpha=alpha, linewidth=0)
        ends = [max(row[key] - margin, 0.0), max(row[key] + margin, 0.0)]
        ax.plot(ends, [height, height], color=darker(GREY), linewidth=1.5)


def _percent(share: float) -> str:
    """Return a share in whole percent; estimates a little below zero are zero."""
    return f"{max(share, 0.0):.0%}"


def _describe_indices(table: pd.DataFrame, title: str) -> str:
    each = []
    for factor, row in table.iterrows():
        name = FACTORS.get(str(factor), str(factor)).rsplit(" ", 1)[0]
        each.append(f"{name} {_percent(row['first'])} and {_percent(row['total'])}")
    rest = _percent(1.0 - table["first"].sum())
    return (
        f"Bar chart of Sobol indices. {_led(title)}share of the variance by itself and with "
        f"interactions: {'; '.join(each)}. No factor by itself explains {rest}."
    )


def _led(title: str) -> str:
    return f"{title}; " if title else ""


def _check(table: pd.DataFrame, columns: tuple[str, ...], rows: str) -> None:
    lacking = [name for name in columns if name not in table.columns]
    if lacking or not len(table):
        raise SampleError(
            f"the table lacks {', '.join(lacking)}" if lacking else "the table is empty",
            expected=f"{', '.join(columns)}, {rows}",
        )
    missing = table[list(columns)].isna().any(axis=1)
    if missing.any():
        raise SampleError(
            f"no figure for {name_of(table.index[missing][0])}",
            expected=f"{rows} without missing figures",
            hint="leave out what never varies",
        )


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
