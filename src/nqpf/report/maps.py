"""Tile maps: one square per province, so that none is too small to read and no border is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report import style as sty
from nqpf.report.html import _name_of, listed

if TYPE_CHECKING:
    from nqpf.space.exploration import _Centre

_ABSENT = "Hong Kong, Macao and Taiwan are not in the panel: no comparable series"
_SIDE = 0.94  # of a tile; the rest is white on its right and below it
_GONE = {"facecolor": "#f4f4f4", "hatch": "///"}


@sty._drawn
def tile_map(
    values: pd.Series | pd.DataFrame,
    title: str = "",
    label: str | None = None,
    fmt: str = "{:.2f}",
    center: float | None = None,
) -> sty._Drawing:
    """Draw one value per province on a map of 31 tiles, or the classes of local statistics.

    Parameters
    ----------
    values : Series or DataFrame
        By province code or name; absent and missing provinces are hatched. A table holds
        classes of :func:`nqpf.space.local_moran` instead, a column and a map per measure.
    title : str
        Title of the figure.
    label : str or None
        What is measured, with its unit, or how classes were tested; the name of the Series
        when None.
    fmt : str
        Format of the value in a tile.
    center : float or None
        Value in the middle of a diverging scale, for instance 0 for a change.

    Returns
    -------
    Picture
        The figure with its alternative text; dark is high.

    Raises
    ------
    nqpf.errors.SampleError, nqpf.errors.DataError
        If the values are not one finite number per province, there is no measure or a class
        is unknown.

    Examples
    --------
    >>> tile_map(pd.Series({"Beijing": 0.61, "Tibet": 0.05}), "Index", "score").alt[:58]
    'Tile map. Index; score: highest Beijing 0.61, lowest Tibet'
    >>> one = pd.DataFrame({"A": {110000: "HH", 650000: "LL", 310000: "not significant"}})
    >>> print(tile_map(one, "T", "5 %").alt)
    Tile maps of local clusters. T; 5 %. A: HH Beijing; LL Xinjiang; the other 1 not significant.
    """
    if isinstance(values, pd.DataFrame):
        return _cluster_maps(values, title, label or "")
    figure = Figure(figsize=(7.0, 6.5), layout="none")
    ax = figure.add_axes((0.01, 0.01, 0.98, 0.98))
    return figure, _tile_map(ax, values, title, label, fmt, center)


def _tile_map(
    ax: Axes, values: pd.Series, title: str, label: str | None, fmt: str, center: float | None
) -> str:
    """Draw a map and return what it shows."""
    data, label = sty._province_values(values), label or str(values.name or "score")
    low, high = (0.0, 1.0) if data.isna().all() else (data.min(), data.max())
    if center is not None:
        reach = max(abs(low - center), abs(high - center))
        low, high = center - reach, center + reach
    if low == high:
        low, high = low - 0.5, high + 0.5
    colours = sty._SEQUENTIAL if center is None else sty._DIVERGING
    scale, present = ScalarMappable(Normalize(low, high), colours), data.dropna()
    fills, chinese = present.map(scale.to_rgba).to_dict(), sty._chinese_font()
    # A thin line keeps the lightest tiles apart from the paper.
    for code, place, middle, top, text in _tiles(ax, fills, "#cfcfcf"):
        name = place["zh"] if chinese else place["en"].replace("Inner ", "I. ")
        size = 15 if chinese else min(13, 92 / len(name))
        ax.text(middle, top + 0.22, name, fontsize=size, **text)
        ax.text(middle, top + 0.49, place["abbr"], fontsize=12.75, **text)
        written = sty._number(data[code], fmt) if code in fills else "no data"
        ax.text(middle, top + 0.74, written, fontsize=14 if code in fills else 12.75, **text)
    # Title and colour bar stand in the empty north-west corner of the map.
    ax.text(0, 0.02, sty._wrapped(title, 44), fontsize=17, va="top")
    ax.text(0, 0.98, sty._wrapped(label, 46), fontsize=13, va="center")
    inset = ax.inset_axes((0.02, 1.25, 3.9, 0.2), transform=ax.transData)
    bar = ax.figure.colorbar(scale, cax=inset, orientation="horizontal")
    bar.locator = MaxNLocator(nbins=5)
    inset.xaxis.set_major_formatter(lambda value, _place: sty._number(value, fmt))
    bar.outline.set_visible(False)
    inset.tick_params(labelsize=12.75)
    inset.grid(False)
    ax.text(0, 7.06, sty._wrapped(_ABSENT, 33), fontsize=12.75, va="top", color=sty._GREY)
    order = present.sort_values(kind="stable").items()
    said = [f"{_name_of(code)} {fmt.format(value)}" for code, value in order]
    said = f"highest {said[-1]}, lowest {said[0]}" if said else "no figures"
    gone = [provinces.name(code) for code in data.index[data.isna()]]
    said += f". No data for {listed(gone)}" * bool(gone)
    return f"Tile map. {title}{'; ' * bool(title)}{label}: {said}. {_ABSENT}."


def _tiles(ax: Axes, fills: Mapping[int, object], edge: str) -> Iterator[tuple]:
    """Draw the tiles, and yield of each: code, row of the table, middle, top, look of a text."""
    ax.set(xlim=(0, 8), ylim=(8, 0))
    ax.axis("off")
    for code, place in provinces._table().iterrows():
        look = {"facecolor": fills[code]} if code in fills else _GONE
        left, top = place["tile_col"], place["tile_row"]
        ax.add_patch(Rectangle((left, top), _SIDE, _SIDE, edgecolor=edge, linewidth=0.6, **look))
        ink = sty._ink_on(fills[code]) if code in fills else "#333333"
        yield code, place, left + _SIDE / 2, top, {"ha": "center", "va": "center", "color": ink}


# Class: words, colour. The letters stand in the tile too, so that no class rests on colour.
_CLASSES = {
    "HH": ("high among high 高高", sty._CATEGORIES[1]),
    "LL": ("low among low 低低", sty._CATEGORIES[0]),
    "HL": ("high among low 高低", "#F5C27A"),
    "LH": ("low among high 低高", "#A9D8F5"),
    "not significant": ("not significant", "#ececec"),
    "no neighbours": ("no neighbours", "#ffffff"),
}


def _cluster_maps(classes: pd.DataFrame, title: str, label: str) -> sty._Drawing:
    unknown = set(classes.stack().dropna()) - set(_CLASSES) if classes.size else set()
    if classes.empty or unknown:
        said = f"classes {sorted(unknown)} in a table of shape {classes.shape}"
        raise SampleError(said, expected=", ".join(_CLASSES))
    rows, each, tall = -(-classes.shape[1] // 2), 3.55, 0.85  # inches
    figure, key, head = sty._framed(title, label, (0.14, 0, 6.7, tall), tall + each * rows)
    key.set(xlim=(0, 6.7), ylim=(0.85, 0))
    key.axis("off")
    for place, (kind, (words, fill)) in enumerate(_CLASSES.items()):
        column, row = divmod(place, 2)
        left, top = 2.35 * column, 0.05 + 0.36 * row
        edge = {"edgecolor": "#bdbdbd", "linewidth": 0.6}
        key.add_patch(Rectangle((left, top), 0.36, 0.28, facecolor=fill, **edge))
        if len(kind) == 2:
            text = {"fontsize": 12.75, "ha": "center", "va": "center", "color": sty._ink_on(fill)}
            key.text(left + 0.18, top + 0.15, kind, **text)
        key.text(left + 0.44, top + 0.15, sty._readable(words), fontsize=12.75, va="center")
    parts = []
    for place, (column, own) in enumerate(classes.reindex(provinces.codes()).items()):
        row, side = divmod(place, 2)
        ax = sty._place_axes(figure, 0.07 + 3.5 * side, head + tall + each * row, 3.36, each - 0.15)
        fills = {code: _CLASSES[kind][1] for code, kind in own.dropna().items()}
        for code, tile, middle, top, text in _tiles(ax, fills, "#bdbdbd"):
            letters = own[code] if code in fills and len(own[code]) == 2 else ""
            ax.text(middle, top + (0.3 if letters else 0.47), tile["abbr"], fontsize=12.75, **text)
            ax.text(middle, top + 0.68, letters, fontsize=12.75, **text)
        ax.text(0, 0.1, sty._wrapped(column, 20), fontsize=15, va="top")
        parts.append(f"{column}: {_classes_said(own.dropna())}")
    return figure, f"Tile maps of local clusters. {title}; {label}. {'. '.join(parts)}."


def _classes_said(own: pd.Series) -> str:
    names = own.index.map(provinces.name)
    groups = [
        f"{kind} {listed(names[own == kind], limit=12)}"
        for kind in ("HH", "LL", "HL", "LH", "no neighbours")
        if (own == kind).any()
    ]
    return "; ".join([*groups, f"the other {(own == 'not significant').sum()} not significant"])


# Capitals that are named, for a reader to find the way; the others are points.
_NAMED = (110000, 230000, 310000, 440000, 510000, 540000, 650000)


@sty._drawn
def centre_paths(results: Mapping[str, _Centre], title: str = "") -> sty._Drawing:
    """Draw the paths of several centres, and the ellipses of their last year.

    Parameters
    ----------
    results : mapping
        Measure to what :func:`nqpf.space.exploration.centre_of_gravity` returns, at most seven.
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
    if not 0 < len(results) <= len(sty._CATEGORIES):
        raise SampleError(f"{len(results)} measures", expected=f"one to {len(sty._CATEGORIES)}")
    parts = []
    figure, paths, head = sty._framed(title, "", (0.8, 0.35, 5.9, 3.3), 9.75)
    around = sty._place_axes(figure, 0.8, head + 5.4, 5.9, 3.7)
    marks = zip(results.items(), sty._CATEGORIES, sty._MARKERS, strict=False)
    for (name, result), color, marker in marks:
        x, y = result.table["longitude"], result.table["latitude"]
        paths.plot(x, y, color=color, linewidth=1.4)
        paths.plot(x.iloc[1:-1], y.iloc[1:-1], ".", color=color, markersize=5)
        ends = {"color": color, "markersize": 9}
        paths.plot(x.iloc[:1], y.iloc[:1], marker, markerfacecolor="white", **ends)
        paths.plot(x.iloc[-1:], y.iloc[-1:], marker, label=sty._wrapped(name, 32), **ends)
        start, end = result.table.index[[0, -1]]
        line, last = result.outline(end), result.table.loc[end]
        around.plot(line["longitude"], line["latitude"], color=color)
        parts.append(
            f"{name}: from {x[start]:.2f} east, {y[start]:.2f} north in {start} to {x[end]:.2f}, "
            f"{y[end]:.2f} in {end}, {result.moved()['km']:.0f} km; "
            f"ellipse {last['major']:.0f} by {last['minor']:.0f} km."
        )
    table = provinces._table()
    around.plot(table["longitude"], table["latitude"], ".", color=sty._GREY, markersize=5, zorder=1)
    for name, *place in table.loc[list(_NAMED), ["en", "longitude", "latitude"]].to_numpy():
        text = {"textcoords": "offset points", "fontsize": 12.75, "color": sty._darker(sty._GREY)}
        around.annotate(name, tuple(place), (4, 2), **text)
    # A degree of longitude near 35 north is 0.82 of one of latitude.
    around.set_aspect(1 / 0.82, adjustable="datalim")
    words = {
        paths: "path of the centre, first year hollow",
        around: "ellipse of the last year; points are the capitals",
    }
    for ax, said in words.items():
        ax.set_title(said, fontsize=13, color="#444444")
        ax.set(xlabel="longitude, degrees east", ylabel="latitude, degrees north")
    paths.margins(0.12)
    paths.legend(loc="upper center", bbox_to_anchor=(0.46, -0.2), ncols=2, fontsize=12.75)
    return figure, f"Paths of centres of gravity. {title}. {' '.join(parts)}"


@sty._drawn
def _social_card(values: pd.Series, title: str, zh: str, finding: str, label: str) -> sty._Drawing:
    """Draw a tile map beside the title of the book, 1200 by 630 pixels at 100 to an inch.

    Parameters
    ----------
    values : Series
        One value per province, by code or name.
    title, zh : str
        Title in both languages, the Chinese one broken into lines; it is left out
        without a Chinese font.
    finding : str
        What the map shows, computed from it.
    label : str
        What is mapped, with its unit.

    Returns
    -------
    Picture
        The figure with its alternative text; ``png(100)`` gives the size that the services
        which show cards ask for.

    Examples
    --------
    >>> drawn = _social_card(pd.Series({"Beijing": 1.0, "Tibet": 9.0}), "T", "题", "F.", "places")
    >>> drawn.alt[:29]
    'T 题. F. Tile map; places: hig'
    """
    figure = Figure(figsize=(12, 6.3), layout="none")
    said = _tile_map(figure.add_axes((0.49, 0.02, 0.5, 0.95)), values, "", label, "{:.0f}", None)
    figure.add_artist(Rectangle((0, 0), 0.014, 1, color=sty._CATEGORIES[0], linewidth=0))
    text = {"va": "top", "ha": "left"}
    figure.text(0.05, 0.9, sty._wrapped(title, 22), fontsize=32, linespacing=1.15, **text)
    if sty._chinese_font():
        figure.text(0.05, 0.6, zh, fontsize=26, color="#333333", **text)
    found = sty._wrapped(finding, 42)
    figure.text(0.05, 0.07, found, fontsize=18, color="#333333", va="bottom", ha="left")
    heading = f"{title} {zh}.".replace("\n", " ")
    return figure, f"{heading} {finding} {said.replace('Tile map. ', 'Tile map; ')}"
