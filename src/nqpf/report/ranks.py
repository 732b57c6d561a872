"""Rankings of provinces and weights of indicators."""

from __future__ import annotations

from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from nqpf import provinces
from nqpf.checks import choose
from nqpf.errors import SampleError
from nqpf.report import style as sty
from nqpf.report.html import _name_of, listed


@sty._drawn
def ranking(
    scores: pd.Series, year: int, top: int | None = None, title: str = "", label: str | None = None
) -> sty._Drawing:
    """Draw the provinces of one year in order, a dot each, best at the top.

    Parameters
    ----------
    scores : Series
        Indexed ``(province, year)``; higher is better.
    year : int
        Year to rank.
    top : int or None
        Show only the first `top` provinces.
    title : str
        Title of the figure.
    label : str or None
        What is measured, with its unit; the name of the Series when None.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If the year has no scores.
    """
    present = sty._panel_values(scores)
    choose("year of the scores", year, sorted(present.index.unique("year")), SampleError)
    values = present.xs(year, level="year").sort_values(ascending=False, kind="stable")
    values = values.head(top or 31)
    label = label or str(scores.name or "score")
    rows = sty._ROW * len(values)
    figure, ax, head = sty._framed(title, label, (2.31, 0.35, 3.92, rows), 0.35 + rows + 0.42)
    for place, (code, value) in enumerate(values.items()):
        _dot(ax, place, code, value)
        sty._beside(ax, place, sty._number(value, "{:.3f}"), 1.015)
    sty._name_rows(ax, [f"{sty._province_label(c)}  {i}" for i, c in enumerate(values.index, 1)])
    sty._region_key(figure, values.index, head)
    best = [f"{_name_of(code)} {value:.3f}" for code, value in values.head(3).items()]
    return figure, (
        f"Dot plot of {len(values)} provinces. {title}; {label}: first {listed(best)}; "
        f"last shown {_name_of(values.index[-1])} {values.iloc[-1]:.3f}."
    )


def _dot(ax: Axes, place: int, code: int, value: float) -> None:
    mark = sty._REGION_STYLES[provinces.region(int(code))]
    ax.plot([value], [place], mark.marker, color=mark.color, markersize=8, zorder=3)


@sty._drawn
def rank_ranges(
    ranks: pd.DataFrame, title: str = "", level: float | str | None = None
) -> sty._Drawing:
    """Draw every province's ranks, under several measures or in many draws, best median first.

    Parameters
    ----------
    ranks : DataFrame
        By province code. Without `level`, rank (1 = first) in a column per measure; a province
        that a measure lacks is NaN. With it, ``baseline``, ``median``, ``lower`` and ``upper``,
        as :meth:`nqpf.compare.uncertainty` returns them.
    title : str
        Title of the figure.
    level : float or str or None
        Level of the intervals; or in words what line (``lower`` to ``upper``), mark (``median``)
        and upright stroke (``baseline``) are.

    Returns
    -------
    Picture
        A line from best to worst (from lower to upper) and a mark of the region at the median;
        a pale dot per measure, or an upright stroke at the baseline. With its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If there are fewer than two measures or a province has no rank; with `level`, if a
        column is lacking, there is no province or a rank is missing.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"baseline": [1, 2], "median": [1, 2], "lower": [1, 1], "upper": [1, 2]},
    ...     index=[110000, 310000])
    >>> print(rank_ranges(table, "Ranks, 2022", level=0.9).alt)
    Intervals of ranks of 2 provinces. Ranks, 2022; 90% of the draws: first by median Beijing
    1 to 1. Widest: Shanghai 1 to 2 and Beijing 1 to 1. Every baseline rank lies inside.
    """
    order, key = ["median", "lower", "upper"], 0.0 if level is None else 0.35
    if level is not None:
        sty._check_complete(ranks, ("baseline", *order))
        order, span, each = [*order, "baseline"], ranks, ranks[["baseline"]]
        label = f"rank: {_share(level)} (line), median (mark), baseline (upright stroke)"
        label = level if isinstance(level, str) else label
        line = {"linewidth": 4, "alpha": 0.4, "solid_capstyle": "butt"}
        dots = {"marker": "|", "color": "black", "markersize": 13, "zorder": 4}
    elif ranks.shape[1] < 2 or ranks.isna().all(axis=1).any():
        wanted = "two or more measures and a rank for every province"
        raise SampleError(f"ranks of shape {ranks.shape}", expected=wanted)
    else:
        span, each = ranks.agg(["median", "min", "max"], axis=1).set_axis(order, axis=1), ranks
        label = f"rank under {ranks.shape[1]} measures: each (dot), best to worst (line), "
        label += "median (mark)"
        line = {"linewidth": 1.5, "alpha": 0.5}
        dots = {"marker": "o", "markersize": 4, "alpha": 0.3}
    span = span.sort_values(order, kind="stable")
    rows = sty._ROW * len(span)
    figure, ax, head = sty._framed(title, label, (2.0, key, 4.2, rows), key + rows + 0.5)
    for place, (code, (median, low, high, *_)) in enumerate(span[order].iterrows()):
        color = sty._REGION_STYLES[provinces.region(int(code))].color
        ax.plot([low, high], [place, place], color=color, **line)
        own = each.loc[code].dropna()
        ax.plot(own, [place] * len(own), **{"color": color, "linestyle": "", **dots})
        _dot(ax, place, code, median)
        sty._beside(ax, place, f"{low:.0f}–{high:.0f}")
    sty._name_rows(ax, [sty._province_label(int(code)) for code in span.index])
    ax.set_xlim(0, max(span["upper"].max(), each.max(axis=None)) + 1)
    if key:
        sty._region_key(figure, span.index, head)
    return figure, _ranges_said(span, title, level)


def _share(level: float | str) -> str:
    return level if isinstance(level, str) else f"{level:.0%} of the draws"


def _ranges_said(span: pd.DataFrame, title: str, level: float | str | None) -> str:
    names = pd.Series(map(_name_of, span.index), span.index)
    said = names + span["lower"].map(" {:.0f} to ".format) + span["upper"].map("{:.0f}".format)
    width = (span["upper"] - span["lower"]).sort_values(ascending=False, kind="stable")
    widest = listed(said[width.index[:5]])
    if level is None:
        lead = f"Ranges of ranks. {title}. {names.iloc[0]} has the best median rank"
        return f"{lead}; the widest ranges: {widest}."
    outside = names[~span["baseline"].between(span["lower"], span["upper"])]
    ends = "Every baseline rank lies inside."
    if len(outside):
        ends = f"Baseline rank outside: {listed(outside)}."
    lead = f"Intervals of ranks of {len(span)} provinces. {title}{'; ' * bool(title)}"
    lead += f"{_share(level)}: first by {'mark' if isinstance(level, str) else 'median'}"
    return f"{lead} {said.iloc[0]}. Widest: {widest}. {ends}"


@sty._drawn
def weights_chart(weights: pd.Series, dimension: pd.Series, names: pd.Series) -> sty._Drawing:
    """Draw the weight of each indicator as a bar, grouped by dimension.

    Parameters
    ----------
    weights : Series
        Weight by indicator key; they sum to 1.
    dimension : Series
        Dimension by indicator key; dimensions appear in this order.
    names : Series
        Name to print by indicator key.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If an indicator has no dimension or no name.
    """
    for key in weights.index.difference(dimension.index.intersection(names.index), sort=False):
        raise SampleError(f"indicator {key!r} has no dimension or no name")
    groups = weights.groupby(dimension.reindex(weights.index), sort=False)
    order = [d for d in dimension.unique() if d in groups.groups]
    lines = {key: sty._wrapped(names[key], 78) for key in weights.index}
    body = 0.45 * len(order) + 0.23 * len(weights)
    body += sum(0.22 * (name.count("\n") + 1) for name in lines.values())
    box = (0.14, 0, sty._WIDTH - 0.28, body)
    figure, ax, _ = sty._framed("Weights of indicators", "", box, body)
    ax.set(xlim=(0, 1.16 * weights.max()), ylim=(body, 0))  # heights in inches
    ax.axis("off")
    down, totals = 0.0, groups.sum()
    for heading, color in zip(order, cycle(sty._CATEGORIES), strict=False):
        said = f"{sty._readable(heading)}: {totals[heading]:.1%}"
        ax.text(0, down + 0.2, said, fontsize=14, color=sty._darker(color), va="center")
        down += 0.38
        for key, weight in groups.get_group(heading).sort_values(ascending=False).items():
            ax.text(0, down, lines[key], fontsize=12.75, va="top", linespacing=1.1)
            down += 0.22 * (lines[key].count("\n") + 1)
            ax.barh(down + 0.1, weight, height=0.16, color=color)
            ax.text(weight, down + 0.1, f" {weight:.1%}", va="center", color=sty._GREY)
            down += 0.23
        down += 0.07
    top = weights.idxmax()
    return figure, (
        f"Bar chart of the weights of {len(weights)} indicators; by dimension "
        f"{listed([f'{key} {total:.0%}' for key, total in totals.items()])}. "
        f"Largest: {names[top]}, {weights[top]:.1%}."
    )


@sty._drawn
def rank_bump(ranks: pd.DataFrame, title: str = "") -> sty._Drawing:
    """Draw the rank of every province under several measures, joined by lines.

    The five provinces whose rank depends most on the measure are set in colour.

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
        The figure with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If there are fewer than two measures.
    """
    count = ranks.shape[1]
    if count < 2:
        raise SampleError("one measure only", expected="at least two columns of ranks")
    data = pd.DataFrame({c: sty._province_values(ranks[c], reindex=False) for c in ranks.columns})
    moved = (data.max(axis=1) - data.min(axis=1)).sort_values(ascending=False, kind="stable")
    chosen = moved.index[:5]
    last, across = int(data.max(axis=None)), 2.5  # inches
    # Names of neighbours stand at two heights, so that each has the room of two columns.
    names = [sty._wrapped(name, int(18 * across / (count - 1))) for name in data.columns]
    tall = [max(name.count("\n") + 1 for name in names[first::2]) for first in (0, 1)]
    rows, heads = 0.27 * last, 0.1 + 0.25 * sum(tall)
    figure, ax, _ = sty._framed(title, "", (2.25, heads, across, rows), heads + rows + 0.1)
    ax.set(xlim=(-0.03, count - 0.97), ylim=(last + 0.5, 0.5))
    ax.axis("off")
    for place, name in enumerate(names):
        top = 0.2 - place % 2 * (0.9 * tall[0] + 0.1)
        ax.plot([place, place], [0.5, top], color=sty._PALE, linewidth=1, clip_on=False)
        ax.text(place, top, name, ha="center", va="bottom", fontsize=13)
    mark = {"color": sty._PALE, "marker": "o", "linewidth": 1.2, "markersize": 5, "zorder": 2}
    _bumps(ax, data.drop(index=chosen), sty._GREY, mark)
    each, mark = [], {"linewidth": 3, "markersize": 8, "zorder": 3}
    for code, color, marker in zip(chosen, sty._CATEGORIES, sty._MARKERS, strict=False):
        own = data.loc[[code]]
        _bumps(ax, own, sty._darker(color), {"color": color, "marker": marker, **mark})
        each.append(f"{_name_of(code)} from {own.min(axis=None):.0f} to {own.max(axis=None):.0f}")
    return figure, (
        f"Bump chart of the ranks of {len(data)} provinces by "
        f"{listed(map(str, data.columns))}. Highlighted: {listed(each, limit=8)}."
    )


def _bumps(ax: Axes, ranks: pd.DataFrame, ink: str, mark: dict[str, object]) -> None:
    """Draw some provinces alike, as one line that is broken between them, and name both ends."""
    size, count = ranks.shape
    broken = np.column_stack([ranks.to_numpy(dtype=float), np.full(size, np.nan)])
    places = np.tile(np.append(np.arange(count), np.nan), size)
    ax.plot(places, broken.ravel(), clip_on=False, **mark)
    text = {"textcoords": "offset points", "va": "center", "color": ink, "fontsize": 12.75}
    for code, stands in ranks.iterrows():
        # Ranks are flush right in a column of their own; NaN: the measure lacks the province.
        for end, rank_at, name_at, side in ((0, -10, -29, "right"), (count - 1, 24, 29, "left")):
            spot = (end, stands.iloc[end])
            if not np.isnan(spot[1]):
                ax.annotate(f"{spot[1]:.0f}", spot, (rank_at, 0), ha="right", **text)
                ax.annotate(sty._province_label(int(code)), spot, (name_at, 0), ha=side, **text)
