"""Where each province stands under several measures: the picture of how much the choice matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nqpf import provinces
from nqpf.errors import SampleError
from nqpf.report.alt import describe_bump
from nqpf.report.inputs import province_values
from nqpf.report.layout import headed_figure, place_axes, wrapped
from nqpf.report.picture import Picture
from nqpf.report.style import CATEGORIES, GREY, MARKERS, PALE, darker, province_label, style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["rank_bump"]


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
