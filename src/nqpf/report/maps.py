"""Tile maps: one square per province, so that none is too small to read and no border is drawn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nqpf import provinces
from nqpf.report.alt import describe_map, describe_maps
from nqpf.report.inputs import label_of, province_values
from nqpf.report.layout import headed_figure, place_axes, wrapped
from nqpf.report.picture import Picture
from nqpf.report.style import (
    DIVERGING,
    GREY,
    SEQUENTIAL,
    has_chinese,
    ink_on,
    new_figure,
    number,
    style,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

__all__ = ["ABSENT", "tile_map", "tile_maps"]

ABSENT = "Hong Kong, Macao and Taiwan are not in the panel: no comparable series"
_ROWS, _COLUMNS = 8, 8
_GAP = 0.06  # part of a tile left white on its right and below it


def tile_map(
    values: pd.Series,
    title: str = "",
    label: str | None = None,
    cmap: str | None = None,
    fmt: str = "{:.2f}",
    ax: Axes | None = None,
    missing: str = "no data",
    center: float | None = None,
) -> Picture:
    """Draw one value per province on a map of 31 tiles.

    Parameters
    ----------
    values : Series
        By province code or name; absent and missing provinces are hatched.
    title : str
        Title of the figure.
    label : str or None
        What is measured, with its unit; the name of the Series when None.
    cmap : str or None
        Colour map; YlGnBu, dark for high, when None, or PuOr when `center` is given.
    fmt : str
        Format of the value in a tile.
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure when None.
    missing : str
        Text of a tile without a value.
    center : float or None
        Value in the middle of a diverging scale, for instance 0 for a change.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError, nqpf.errors.ProvinceError
        If the values are not one finite number per province.

    Examples
    --------
    >>> import pandas as pd
    >>> tile_map(pd.Series({"Beijing": 0.61, "Tibet": 0.05}), "Index", "score").alt[:58]
    'Tile map. Index; score: highest Beijing 0.61, lowest Tibet'
    """
    data, label = province_values(values), label_of(values, label)
    with style():
        if ax is None:
            ax = new_figure(7.0, 6.5).add_axes((0.01, 0.01, 0.98, 0.98))
        scale = _scale(data, cmap, center)
        _tiles(ax, data, scale, fmt, missing)
        ax.text(0, 0.02, wrapped(title, 44), fontsize=17, va="top")
        _colour_bar(ax, scale, label, fmt)
        ax.text(0, 7.06, wrapped(ABSENT, 33), fontsize=12, va="top", color=GREY)
    return Picture(ax.figure, describe_map(data, title, label, fmt) + f" {ABSENT}.")


def tile_maps(
    frame: pd.DataFrame,
    title: str = "",
    label: str = "score",
    cmap: str | None = None,
    fmt: str = "{:.2f}",
    center: float | None = None,
) -> Picture:
    """Draw a tile map per column of `frame`, all on one colour scale, two to a row.

    Parameters
    ----------
    frame : DataFrame
        Indexed by province code or name; the columns are years or measures of one unit.
    title, label, cmap, fmt, center
        As in :func:`tile_map`; `fmt` sets the numbers of the colour bar.

    Returns
    -------
    Picture
        The figure with its alternative text.
    """
    import pandas as pd

    data = pd.DataFrame({column: province_values(frame[column]) for column in frame.columns})
    rows = -(-data.shape[1] // 2)
    bar_height, each, foot = 0.6, 3.4, 0.35  # inches
    with style():
        figure, head = headed_figure(title, label, bar_height + each * rows + foot)
        scale = _scale(data.stack(), cmap, center)
        bar = place_axes(figure, 0.14, head, 3.9, 0.17)
        _draw_bar(figure.colorbar(scale, cax=bar, orientation="horizontal"), fmt)
        for place, column in enumerate(data.columns):
            row, side = divmod(place, 2)
            top = head + bar_height + each * row
            ax = place_axes(figure, 0.07 + 3.5 * side, top, 3.36, each - 0.15)
            _tiles(ax, data[column], scale)
            ax.text(0, 0.1, wrapped(column, 20), fontsize=15, va="top")
        figure.text(0.02, 0.01, ABSENT, fontsize=12, va="bottom", color=GREY)
    return Picture(figure, describe_maps(data, title, label, fmt) + f" {ABSENT}.")


def _scale(values: pd.Series, cmap: str | None, center: float | None) -> ScalarMappable:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    low, high = (0.0, 1.0) if values.isna().all() else (values.min(), values.max())
    if center is not None:
        reach = max(abs(low - center), abs(high - center))
        low, high = center - reach, center + reach
    if low == high:
        low, high = low - 0.5, high + 0.5
    default = SEQUENTIAL if center is None else DIVERGING
    return ScalarMappable(Normalize(low, high), cmap or default)


def _tiles(
    ax: Axes, values: pd.Series, scale: ScalarMappable, fmt: str = "", missing: str = ""
) -> None:
    """Draw the tiles; with a format the value is written in each, else only the short name."""
    ax.set(xlim=(0, _COLUMNS), ylim=(_ROWS, 0))
    ax.axis("off")
    for code, place in provinces.table().iterrows():
        value = values[code]
        gone = math.isnan(value)
        fill = "#f4f4f4" if gone else scale.to_rgba(value)
        _square(ax, place["tile_col"], place["tile_row"], fill, gone)
        middle, top = place["tile_col"] + (1 - _GAP) / 2, place["tile_row"]
        ink = "#333333" if gone else ink_on(fill)
        text = {"ha": "center", "va": "center", "color": ink}
        if not fmt:
            ax.text(middle, top + (1 - _GAP) / 2, place["abbr"], fontsize=12, **text)
            continue
        name = place["zh"] if has_chinese() else place["en"].replace("Inner ", "I. ")
        size = 15 if has_chinese() else min(13, 92 / len(name))
        ax.text(middle, top + 0.22, name, fontsize=size, **text)
        ax.text(middle, top + 0.49, place["abbr"], fontsize=11, **text)
        written = missing if gone else number(value, fmt)
        ax.text(middle, top + 0.74, written, fontsize=11 if gone else 14, **text)


def _square(ax: Axes, column: int, row: int, fill: object, gone: bool) -> None:
    from matplotlib.patches import Rectangle

    side = 1 - _GAP
    # A thin line keeps the lightest tiles apart from the paper.
    drawn = {"facecolor": fill, "edgecolor": "#cfcfcf", "linewidth": 0.6}
    ax.add_patch(Rectangle((column, row), side, side, hatch="///" if gone else None, **drawn))


def _colour_bar(ax: Axes, scale: ScalarMappable, label: str, fmt: str) -> None:
    """Set the colour bar into the empty north-west corner of the map."""
    ax.text(0, 0.98, wrapped(label, 46), fontsize=13, va="center")
    bar = ax.inset_axes((0.02, 1.25, 3.9, 0.2), transform=ax.transData)
    _draw_bar(ax.figure.colorbar(scale, cax=bar, orientation="horizontal"), fmt)


def _draw_bar(bar: object, fmt: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    bar.locator = MaxNLocator(nbins=5)
    bar.formatter = FuncFormatter(lambda value, _place: number(value, fmt))
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=12)
    bar.ax.grid(False)
