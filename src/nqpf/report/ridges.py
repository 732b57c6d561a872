"""Densities of a measure as ridges, a year above the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nqpf.errors import DataError
from nqpf.report.layout import WIDTH, headed_figure, place_axes
from nqpf.report.picture import Picture
from nqpf.report.style import CATEGORIES, GREY, darker, style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from nqpf.dynamics import KernelDensity

__all__ = ["ridgeline"]

_OVERLAP = 2.2  # the highest ridge reaches over this many lines
EDGE = darker(CATEGORIES[0], 7)
_LINE = 0.42  # inches between the feet of two ridges


def ridgeline(
    curves: KernelDensity,
    title: str = "",
    label: str = "",
    fmt: str = "{:.2f}",
) -> Picture:
    """Draw kernel densities as a ridge per year, the first year on top.

    Parameters
    ----------
    curves : KernelDensity
        From :func:`nqpf.dynamics.kernel_density`.
    title : str
        Title of the figure.
    label : str
        What is measured, with its unit; the name of the measure by default.
    fmt : str
        Format of the measure in the alternative text.

    Returns
    -------
    Picture
        Ridges of one scale, so that areas are equal, with a dot at each
        peak that counts and the bandwidth beside its year.

    Raises
    ------
    nqpf.errors.DataError
        If there is no curve.
    """
    density = curves.density
    if density.empty:
        raise DataError("no curve to draw", expected="the density of at least one year")
    table = curves.to_frame()
    unit = density.to_numpy().max() / _OVERLAP
    rows = len(density.columns)
    height = _LINE * (rows + _OVERLAP - 1)
    note = f"{label or curves.name}; kernel densities with bandwidth h, dots at peaks"
    with style():
        figure, head = headed_figure(title, note, height + 0.55)
        ax = place_axes(figure, 0.85, head, WIDTH - 2.25, height)
        for place, year in enumerate(density.columns):
            tint = place / max(rows - 1, 1)
            _ridge(ax, density.index.to_numpy(), density[year].to_numpy() / unit, place, tint)
            peaks = curves.peaks(year)
            _dots(ax, peaks["position"], place - peaks["height"] / unit, place)
            text = f"h = {curves.bandwidths[year]:#.3g}"
            ax.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="bottom",
                        fontsize=12, color=GREY)  # fmt: skip
        ax.set_yticks(range(rows), [str(year) for year in density.columns], va="bottom")
        ax.tick_params(axis="y", labelsize=12.5)
        ax.set(ylim=(rows - 0.95, -_OVERLAP), xlim=(density.index[0], density.index[-1]))
        ax.grid(False, axis="y")
        ax.spines["left"].set_visible(False)
    return Picture(figure, _describe(table, title, label or curves.name, curves.rule, fmt))


def _ridge(ax: Axes, x: np.ndarray, heights: np.ndarray, place: int, tint: float) -> None:
    """Draw one ridge on its own line; later years lie in front of earlier ones."""
    from matplotlib.colors import to_rgb

    pale, full = np.array([0.80, 0.88, 0.94]), np.array(to_rgb(CATEGORIES[0]))
    color = tuple(pale + (full - pale) * tint * 0.75)
    order = 2 + 3 * place
    ax.fill_between(x, place, place - heights, color=color, linewidth=0, alpha=0.85, zorder=order)
    ax.plot(x, place - heights, color=EDGE, linewidth=1.2, zorder=order + 1)


def _dots(ax: Axes, x: pd.Series, y: pd.Series, place: int) -> None:
    ax.plot(x, y, "o", color=EDGE, markersize=4.5, zorder=4 + 3 * place, clip_on=False)


def _describe(table: pd.DataFrame, title: str, label: str, rule: str, fmt: str) -> str:
    first, last = table.index[0], table.index[-1]

    def said(year: object) -> str:
        row = table.loc[year]
        peaks = int(row["peaks"])
        many = "1 peak" if peaks == 1 else f"{peaks} peaks"
        place, width = fmt.format(row["peak"]), fmt.format(row["width"])
        return f"in {year} {many}, the highest at {place}, at half its height {width} wide"

    path = said(first) if first == last else f"{said(first)}; {said(last)}"
    several = table.index[table["peaks"] > 1]
    more = f" More than one peak in {len(several)} of {len(table)} years." if len(table) > 1 else ""
    how = "a given bandwidth" if rule == "fixed" else f"bandwidths by {rule.title()}"
    heading = f"{title.rstrip('.')}. " if title else ""
    return f"Ridgeline of kernel densities with {how}. {heading}{label}: {path}.{more}"
