"""Classes of provinces on tile maps side by side, and a statistic over the years."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.alt import listed
from nqpf.report.layout import headed_figure, place_axes, wrapped
from nqpf.report.lines import spread
from nqpf.report.picture import Picture
from nqpf.report.style import CATEGORIES, GREY, MARKERS, darker, ink_on, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CLASSES", "cluster_maps", "moran_lines"]

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
_GAP = 0.06


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
            _tiles(ax, data[column])
            ax.text(0, 0.1, wrapped(column, 20), fontsize=15, va="top")
    return Picture(figure, _describe(data, title, label))


def _tiles(ax: Axes, classes: pd.Series) -> None:
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
