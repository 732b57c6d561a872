"""Lines over the years, by region and by province, labelled at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nqpf import provinces
from nqpf.errors import MethodError, SampleError
from nqpf.report.alt import describe_lines, listed
from nqpf.report.inputs import label_of, panel_values
from nqpf.report.layout import headed_figure, place_axes
from nqpf.report.picture import Picture
from nqpf.report.style import (
    CATEGORIES,
    GREY,
    MARKERS,
    PALE,
    REGION_STYLES,
    Mark,
    darker,
    province_label,
    region_label,
    style,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["province_lines", "region_lines", "spread"]


def region_lines(
    scores: pd.Series,
    grouping: str = "region4",
    title: str = "",
    label: str | None = None,
    fmt: str = "{:.2f}",
) -> Picture:
    """Draw the mean of each region and of all provinces, unweighted, over the years.

    A year counts as complete for a region when every province of the region
    that is in the sample at all has a figure. Only complete years are joined;
    the mean of a partial year is a hollow point, because a change in who is
    measured would pass for a change in level.

    Parameters
    ----------
    scores : Series
        Indexed ``(province, year)``.
    grouping : {'region4', 'region3'}
        Regions of the National Bureau of Statistics.
    title : str
        Title of the figure.
    label : str or None
        What is measured, with its unit; the name of the Series when None.
    fmt : str
        Format of the numbers in the alternative text.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If the index is not ``(province, year)`` or there is no figure.
    nqpf.errors.MethodError
        If the grouping is unknown.
    """
    if grouping not in ("region4", "region3"):
        raise MethodError(f"unknown grouping {grouping!r}", expected="'region4' or 'region3'")
    data, label = panel_values(scores), label_of(scores, label)
    means, complete = _means(data, grouping)
    notes = _notes(data, complete)
    with style():
        figure, ax = _year_axes(title, label, len(notes))
        for region in means.columns:
            mark = REGION_STYLES[region]
            _line(ax, means[region].where(complete[region]), mark, 3 if region == "all" else 2)
            partial = means[region].where(~complete[region]).dropna()
            ax.plot(partial.index, partial, mark.marker, color=mark.color, markerfacecolor="white")
        ends = {region: (means[region].dropna(), REGION_STYLES[region]) for region in means}
        _label_ends(ax, {region_label(region): end for region, end in ends.items()})
        for line, note in enumerate(reversed(notes)):
            up = (0.08 + 0.25 * line) / figure.get_figheight()
            figure.text(0.02, up, note, fontsize=12, color=GREY)
    named = means.rename(columns=lambda region: region_label(region).split(" ")[0])
    alt = describe_lines(named.rename(columns={"All": "all provinces"}), title, label, fmt)
    return Picture(figure, " ".join([alt, *(f"{note}." for note in notes)]))


def province_lines(
    scores: pd.Series,
    highlight: Sequence[object],
    title: str = "",
    label: str | None = None,
    fmt: str = "{:.2f}",
) -> Picture:
    """Draw a line per province, the highlighted ones in colour and by name.

    Parameters
    ----------
    scores : Series
        Indexed ``(province, year)``.
    highlight : sequence
        At most seven provinces, by code or name.
    title, label, fmt
        As in :func:`region_lines`.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a highlighted province has no figures or there are more than seven.
    """
    data, label = panel_values(scores), label_of(scores, label)
    wide = data.unstack("province")
    wide = wide.reindex(range(wide.index.min(), wide.index.max() + 1))
    chosen = [provinces.code_of(province) for province in highlight]
    for code in chosen:
        if code not in wide.columns:
            raise SampleError(f"{provinces.name(code)} has no figures", where={"province": code})
    if len(chosen) > len(CATEGORIES):
        raise SampleError(f"{len(chosen)} provinces to highlight", expected="at most seven")
    ends = {}
    with style():
        figure, ax = _year_axes(title, label, 0)
        for code in wide.columns.difference(chosen):
            ax.plot(wide.index, wide[code], color=PALE, linewidth=1)
        for place, code in enumerate(chosen):
            mark = Mark(CATEGORIES[place], MARKERS[place], "-")
            _line(ax, wide[code], mark, 2.4)
            ends[province_label(code)] = (wide[code].dropna(), mark)
        _label_ends(ax, ends)
    others = f" In grey, {wide.shape[1] - len(chosen)} other provinces."
    return Picture(figure, describe_lines(wide[chosen], title, label, fmt) + others)


def spread(positions: Sequence[float], gap: float) -> np.ndarray:
    """Move positions apart until neighbours are at least `gap` apart, as little as possible.

    Parameters
    ----------
    positions : sequence of float, length n
        Where labels would sit.
    gap : float
        Least distance, in the unit of the positions.

    Returns
    -------
    ndarray, shape (n,)
        New positions in the order given.

    Examples
    --------
    >>> spread([0.0, 0.1, 5.0], gap=1.0)
    array([-0.45,  0.55,  5.  ])
    """
    order = np.argsort(positions, kind="stable")
    # Without the gaps it is a monotone regression: pool neighbours that would cross.
    shifted = np.asarray(positions, dtype=float)[order] - gap * np.arange(len(order))
    blocks: list[list[float]] = []  # [mean, size]
    for value in shifted:
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, size = blocks.pop()
            before = blocks[-1]
            before[0] = (before[0] * before[1] + mean * size) / (before[1] + size)
            before[1] += size
    pooled = np.concatenate([np.full(int(size), mean) for mean, size in blocks])
    result = np.empty(len(order))
    result[order] = pooled + gap * np.arange(len(order))
    return result


def _means(data: pd.Series, grouping: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the mean per year and region, and whether the region is complete that year."""
    import pandas as pd

    wide = data.unstack("province")
    wide = wide.reindex(range(wide.index.min(), wide.index.max() + 1))
    members = {"all": list(wide.columns)}
    for region in provinces.REGIONS:
        inside = [code for code in wide.columns if provinces.region(code, grouping) == region]
        if inside:
            members[region] = inside
    means = pd.DataFrame({region: wide[codes].mean(axis=1) for region, codes in members.items()})
    complete = {region: wide[codes].notna().all(axis=1) for region, codes in members.items()}
    return means, pd.DataFrame(complete)


def _notes(data: pd.Series, complete: pd.DataFrame) -> list[str]:
    notes = []
    present = set(data.index.unique("province"))
    absent = [code for code in provinces.codes() if code not in present]
    if absent:
        notes.append(f"Not in the sample: {listed([provinces.name(code) for code in absent])}")
    if not complete.all(axis=None):
        notes.append("Hollow point: not all provinces have a figure that year")
    return notes


def _year_axes(title: str, label: str, notes: int) -> tuple[Figure, Axes]:
    from matplotlib.ticker import MaxNLocator

    figure, head = headed_figure(title, label, 4.4 + 0.25 * notes)
    ax = place_axes(figure, 0.72, head + 0.05, 4.3, 3.9)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=6))
    ax.grid(False, axis="x")
    return figure, ax


def _line(ax: Axes, values: pd.Series, mark: Mark, width: float) -> None:
    ax.plot(
        values.index,
        values,
        color=mark.color,
        marker=mark.marker,
        linestyle=mark.line,
        linewidth=width,
        markersize=6,
        zorder=3,
    )


def _label_ends(ax: Axes, ends: dict[str, tuple[pd.Series, Mark]]) -> None:
    """Write each name beside its last point, moved up or down where names would touch."""
    ends = {name: end for name, end in ends.items() if len(end[0])}
    low, high = ax.get_ylim()
    right = ax.get_xlim()[1]
    tall = ax.get_position().height * ax.figure.get_figheight()
    last = [float(line.iloc[-1]) for line, _ in ends.values()]
    for (name, (line, mark)), height in zip(
        ends.items(), spread(last, 0.24 * (high - low) / tall), strict=True
    ):
        ax.annotate(
            name,
            xy=(line.index[-1], line.iloc[-1]),
            xytext=(right, height),
            va="center",
            fontsize=13,
            color=darker(mark.color),
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": mark.color, "linewidth": 0.7, "shrinkB": 4},
        )
