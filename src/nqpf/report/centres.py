"""The path of a centre of gravity and the ellipse around it, on plain axes of degrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.layout import headed_figure, place_axes, wrapped
from nqpf.report.picture import Picture
from nqpf.report.style import CATEGORIES, GREY, MARKERS, darker, style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from nqpf.space import CentreResult

__all__ = ["centre_paths"]

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
