"""Tile maps: one square per province, so that none is too small to read and no border is drawn."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import pandas as pd

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.html import describe_map, describe_maps, listed
from nqpf.report.lines import spread
from nqpf.report.style import (
    CATEGORIES,
    DIVERGING,
    GREY,
    MARKERS,
    SEQUENTIAL,
    Picture,
    darker,
    has_chinese,
    headed_figure,
    ink_on,
    label_of,
    new_figure,
    number,
    place_axes,
    province_values,
    style,
    wrapped,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

    from nqpf.space.centre import CentreResult

__all__ = [
    "ABSENT",
    "CARD_SIZE",
    "CLASSES",
    "card_png",
    "centre_paths",
    "cluster_maps",
    "moran_lines",
    "social_card",
    "tile_map",
    "tile_maps",
]

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


# Class: words, colour. The letters stand in the tile too, so that no class rests on colour.
CLASSES = {
    "HH": ("high among high 高高", CATEGORIES[1]),
    "LL": ("low among low 低低", CATEGORIES[0]),
    "HL": ("high among low 高低", "#F5C27A"),
    "LH": ("low among high 低高", "#A9D8F5"),
    "not significant": ("not significant", "#ececec"),
    "no neighbours": ("no neighbours", "#ffffff"),
}
_LONG_NAMES = 5  # measures that fit beside the lines


def cluster_maps(classes: pd.DataFrame, title: str = "", label: str = "") -> Picture:
    """Draw the classes of local Moran statistics, a tile map per measure.

    Parameters
    ----------
    classes : DataFrame
        By province code, a column per measure; values are keys of
        :data:`CLASSES`, and missing where a province is not in the sample.
    title, label : str
        Title of the figure, and how classes were tested.

    Returns
    -------
    Picture
        Two maps to a row, with their alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If there is no measure or a class is unknown.

    Examples
    --------
    >>> one = pd.DataFrame({"A": {110000: "HH", 650000: "LL", 310000: "not significant"}})
    >>> print(cluster_maps(one, "T", "5 %").alt)
    Tile maps of local clusters. T; 5 %. A: HH Beijing; LL Xinjiang; the other 1 not significant.
    """
    found = set(classes.stack().dropna()) if classes.size else set()
    if classes.empty or not found <= set(CLASSES):
        raise SampleError(
            f"classes {sorted(found - set(CLASSES))} in a table of shape {classes.shape}",
            expected=", ".join(CLASSES),
        )
    data = classes.reindex(provinces.codes())
    rows, each, key = -(-data.shape[1] // 2), 3.55, 0.85  # inches
    with style():
        figure, head = headed_figure(title, label, key + each * rows)
        _key(place_axes(figure, 0.14, head, 6.7, key))
        for place, column in enumerate(data.columns):
            row, side = divmod(place, 2)
            ax = place_axes(figure, 0.07 + 3.5 * side, head + key + each * row, 3.36, each - 0.15)
            _tiles_clusters_map(ax, data[column])
            ax.text(0, 0.1, wrapped(column, 20), fontsize=15, va="top")
    return Picture(figure, _describe(data, title, label))


def _tiles_clusters_map(ax: Axes, classes: pd.Series) -> None:
    from matplotlib.patches import Rectangle

    ax.set(xlim=(0, 8), ylim=(8, 0))
    ax.axis("off")
    side = 1 - _GAP
    for code, tile in provinces.table().iterrows():
        kind = classes[code]
        gone = not isinstance(kind, str)
        fill = "#f4f4f4" if gone else CLASSES[kind][1]
        corner = (tile["tile_col"], tile["tile_row"])
        drawn = {"facecolor": fill, "edgecolor": "#bdbdbd", "linewidth": 0.6}
        ax.add_patch(Rectangle(corner, side, side, hatch="///" if gone else None, **drawn))
        middle = corner[0] + side / 2
        letters = "" if gone else kind if len(kind) == 2 else ""
        text = {"ha": "center", "va": "center", "color": "#333333" if gone else ink_on(fill)}
        ax.text(middle, corner[1] + (0.3 if letters else 0.47), tile["abbr"], fontsize=12, **text)
        ax.text(middle, corner[1] + 0.68, letters, fontsize=11, **text)


def _key(ax: Axes) -> None:
    from matplotlib.patches import Rectangle

    from nqpf.report.style import readable

    ax.set(xlim=(0, 6.7), ylim=(0.85, 0))
    ax.axis("off")
    for place, (name, (words, fill)) in enumerate(CLASSES.items()):
        column, row = divmod(place, 2)
        left, top = 2.35 * column, 0.05 + 0.36 * row
        drawn = {"facecolor": fill, "edgecolor": "#bdbdbd", "linewidth": 0.6}
        ax.add_patch(Rectangle((left, top), 0.36, 0.28, **drawn))
        if len(name) == 2:
            ax.text(left + 0.18, top + 0.15, name, fontsize=11, ha="center",
                    va="center", color=ink_on(fill))  # fmt: skip
        ax.text(left + 0.44, top + 0.15, readable(words), fontsize=12.5, va="center")


def _describe(data: pd.DataFrame, title: str, label: str) -> str:
    parts = []
    for column, own in data.items():
        own = own.dropna()
        groups = [
            f"{kind} {listed([provinces.name(c) for c in own.index[own == kind]], limit=12)}"
            for kind in ("HH", "LL", "HL", "LH", "no neighbours")
            if (own == kind).any()
        ]
        rest = int((own == "not significant").sum())
        parts.append(f"{column}: " + "; ".join([*groups, f"the other {rest} not significant"]))
    return f"Tile maps of local clusters. {title}; {label}. {'. '.join(parts)}."


def moran_lines(table: pd.DataFrame, title: str = "", label: str = "") -> Picture:
    """Draw Moran's I over the years, a line per measure.

    Parameters
    ----------
    table : DataFrame indexed (measure, year)
        Columns ``I`` and ``p_sim``.
    title, label : str
        Title of the figure, and what is measured.

    Returns
    -------
    Picture
        A point is filled where the p value is at most 0.05; with its
        alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a column is absent or there are more than five measures.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["A"], [2013, 2022]])
    >>> print(moran_lines(pd.DataFrame({"I": [0.1, 0.3], "p_sim": [0.2, 0.01]}, index), "T").alt)
    Line chart. T: A 0.10 in 2013 to 0.30 in 2022, significant in 1 of 2 years.
    """
    measures = list(dict.fromkeys(table.index.get_level_values(0)))
    if not {"I", "p_sim"} <= set(table.columns) or not 0 < len(measures) <= _LONG_NAMES:
        raise SampleError(
            f"{len(measures)} measures with columns {', '.join(map(str, table.columns))}",
            expected=f"one to {_LONG_NAMES} measures with columns I and p_sim",
        )
    parts = []
    with style():
        figure, head = headed_figure(title, label, 4.4)
        ax = place_axes(figure, 0.72, head + 0.05, 3.9, 3.8)
        for place, measure in enumerate(measures):
            own = table.loc[measure]
            sure = own["p_sim"] <= 0.05
            color, marker = CATEGORIES[place], MARKERS[place]
            ax.plot(own.index, own["I"], color=color, linewidth=2)
            for points, fill in ((own[sure], color), (own[~sure], "white")):
                ax.plot(points.index, points["I"], marker, color=color, markerfacecolor=fill)
            line = own["I"]
            parts.append(
                f"{measure} {line.iloc[0]:.2f} in {own.index[0]} to {line.iloc[-1]:.2f} in "
                f"{own.index[-1]}, significant in {int(sure.sum())} of {len(own)} years"
            )
        ax.axhline(0, color=GREY, linewidth=1)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.grid(False, axis="x")
        _names(ax, {m: float(table.loc[m, "I"].iloc[-1]) for m in measures})
    return Picture(figure, f"Line chart. {title}: {'; '.join(parts)}.")


def _names(ax: Axes, last: dict[str, float]) -> None:
    """Write each measure's name beside its last point."""
    low, high = ax.get_ylim()
    right = ax.get_xlim()[1]
    texts = [wrapped(name, 20) for name in last]
    tall = 0.5 if any("\n" in text for text in texts) else 0.26
    heights = spread(list(last.values()), tall * (high - low) / 3.8)
    for place, (text, height) in enumerate(zip(texts, heights, strict=True)):
        ax.text(right, height, text, fontsize=12.5, va="center", color=darker(CATEGORIES[place]))


# Capitals that are named, for a reader to find the way; the others are points.
_NAMED = (110000, 230000, 310000, 440000, 510000, 540000, 650000)


def centre_paths(results: Mapping[str, CentreResult], title: str = "") -> Picture:
    """Draw the paths of several centres, and the ellipses of their last year.

    Parameters
    ----------
    results : mapping
        Measure to :class:`nqpf.space.CentreResult`, at most seven.
    title : str
        Title of the figure.

    Returns
    -------
    Picture
        Above, the paths, from the hollow first year to the filled last one;
        below, the ellipses among the provincial capitals. With its
        alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If there is no measure or there are more than seven.
    """
    if not 0 < len(results) <= len(CATEGORIES):
        raise SampleError(f"{len(results)} measures", expected=f"one to {len(CATEGORIES)}")
    parts = []
    with style():
        figure, head = headed_figure(title, "", 9.75)
        paths = place_axes(figure, 0.8, head + 0.35, 5.9, 3.3)
        around = place_axes(figure, 0.8, head + 5.4, 5.9, 3.7)
        for place, (name, result) in enumerate(results.items()):
            _path(paths, result, place, name)
            line = result.outline(result.table.index[-1])
            around.plot(line["longitude"], line["latitude"], color=CATEGORIES[place])
            parts.append(_sentence(name, result))
        _capitals(around)
        titles = {paths: "path of the centre, first year hollow",
                  around: "ellipse of the last year; points are the capitals"}  # fmt: skip
        for ax, words in titles.items():
            ax.set_title(words, fontsize=13, color="#444444")
            ax.set_xlabel("longitude, degrees east")
            ax.set_ylabel("latitude, degrees north")
        paths.margins(0.12)
        paths.legend(loc="upper center", bbox_to_anchor=(0.46, -0.2), ncols=2, fontsize=12.5)
    return Picture(figure, f"Paths of centres of gravity. {title}. {' '.join(parts)}")


def _path(ax: Axes, result: CentreResult, place: int, name: str) -> None:
    x, y = result.table["longitude"], result.table["latitude"]
    color, marker = CATEGORIES[place], MARKERS[place]
    ax.plot(x, y, color=color, linewidth=1.4)
    ax.plot(x.iloc[1:-1], y.iloc[1:-1], ".", color=color, markersize=5)
    ax.plot(x.iloc[:1], y.iloc[:1], marker, color=color, markerfacecolor="white", markersize=9)
    ax.plot(x.iloc[-1:], y.iloc[-1:], marker, color=color, markersize=9, label=wrapped(name, 32))


def _capitals(ax: Axes) -> None:
    table = provinces.table()
    ax.plot(table["longitude"], table["latitude"], ".", color=GREY, markersize=5, zorder=1)
    for code in _NAMED:
        row = table.loc[code]
        place = (row["longitude"], row["latitude"])
        text = {"textcoords": "offset points", "fontsize": 12, "color": darker(GREY)}
        ax.annotate(row["en"], place, (4, 2), **text)
    # A degree of longitude near 35 north is 0.82 of one of latitude.
    ax.set_aspect(1 / 0.82, adjustable="datalim")


def _sentence(name: str, result: CentreResult) -> str:
    first, last, way = result.table.iloc[0], result.table.iloc[-1], result.moved()
    years = result.table.index
    return (
        f"{name}: from {first['longitude']:.2f} east, {first['latitude']:.2f} north in {years[0]} "
        f"to {last['longitude']:.2f}, {last['latitude']:.2f} in {years[-1]}, {way['km']:.0f} km; "
        f"ellipse {last['major']:.0f} by {last['minor']:.0f} km."
    )


CARD_SIZE = (1200, 630)  # pixels, as the services that show cards ask for
_DPI = 100


def social_card(
    values: pd.Series, title: str, chinese: str, finding: str, label: str, fmt: str = "{:.0f}"
) -> Picture:
    """Draw a tile map beside the title of the book, 1200 by 630 pixels.

    Parameters
    ----------
    values : Series
        One value per province, by code or name.
    title, chinese : str
        Title in both languages, the Chinese one broken into lines; it is left out
        without a Chinese font.
    finding : str
        What the map shows, computed from it.
    label : str
        What is mapped, with its unit.
    fmt : str
        Format of the value in a tile.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Examples
    --------
    >>> import pandas as pd
    >>> drawn = social_card(pd.Series({"Beijing": 1.0, "Tibet": 9.0}), "T", "题", "F.", "places")
    >>> drawn.alt[:29]
    'T 题. F. Tile map; places: hig'
    """
    width, height = (pixels / _DPI for pixels in CARD_SIZE)
    with style():
        figure = new_figure(width, height)
        ax = figure.add_axes((0.49, 0.02, 0.5, 0.95))
        drawn = tile_map(values, "", label, fmt=fmt, ax=ax)
        figure.add_artist(_stripe())
        text = {"va": "top", "ha": "left"}
        figure.text(0.05, 0.9, wrapped(title, 22), fontsize=32, linespacing=1.15, **text)
        if has_chinese():
            figure.text(0.05, 0.6, chinese, fontsize=26, color="#333333", **text)
        found = wrapped(finding, 42)
        figure.text(0.05, 0.07, found, fontsize=18, color="#333333", va="bottom", ha="left")
    heading = f"{title} {chinese}.".replace("\n", " ")
    return Picture(figure, f"{heading} {finding} {drawn.alt.replace('map. ; ', 'map; ')}")


def _stripe() -> object:
    from matplotlib.patches import Rectangle

    return Rectangle((0, 0), 0.014, 1, color=CATEGORIES[0], linewidth=0)


def card_png(card: Picture) -> bytes:
    """Return a card as PNG; the same card gives the same bytes."""
    buffer = io.BytesIO()
    with style():
        card.figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
