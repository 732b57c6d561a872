"""How much of the variance of an estimate each choice accounts for, as bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from nqpf.errors import DataError
from nqpf.report.alt import listed
from nqpf.report.layout import WIDTH, headed_figure, place_axes, wrapped
from nqpf.report.picture import Picture
from nqpf.report.style import CATEGORIES, GREY, PALE, number, style

if TYPE_CHECKING:
    from nqpf.compare.curve.choices import VarianceShares

__all__ = ["shares_chart"]


def shares_chart(
    shares: VarianceShares | pd.DataFrame,
    title: str = "",
    labels: Mapping[str, str] | None = None,
) -> Picture:
    """Draw how much of the variance of an estimate each choice accounts for.

    Parameters
    ----------
    shares : VarianceShares or its table
        From :func:`nqpf.compare.variance_shares`.
    title : str
        Title of the figure.
    labels : mapping of str to str or None
        Names to print for axes.

    Returns
    -------
    Picture
        A bar per axis, the largest first: solid for what the choice explains alone, pale for what
        it explains together with others.

    Raises
    ------
    nqpf.errors.DataError
        If the table has no first-order or total shares.
    """
    table = shares if isinstance(shares, pd.DataFrame) else shares.to_frame()
    for name in ("first_order", "total"):
        if name not in table.columns:
            raise DataError(f"no column {name!r}", expected="a table of variance shares")
    table = table.sort_values(["total", "first_order"], ascending=False, kind="stable")
    longest = max(float(table[["first_order", "total"]].max(axis=None)), 1e-9)
    names = [dict(labels or {}).get(str(axis), str(axis)) for axis in table.index]
    note = "share of the variance: alone (solid), with interactions (pale)"
    with style():
        figure, head = headed_figure(title, note, 0.36 * len(table) + 0.55)
        ax = place_axes(figure, 1.9, head, WIDTH - 3.5, 0.36 * len(table))
        for place, (first, total) in enumerate(table[["first_order", "total"]].to_numpy()):
            ax.barh(place, max(first, total), height=0.62, color=PALE)
            ax.barh(place, first, height=0.62, color=CATEGORIES[0])
            text = f"{number(100 * first, '{:.1f}')} / {number(100 * total, '{:.1f}')} %"
            ax.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="center",
                        fontsize=12, color=GREY)  # fmt: skip
        ax.set_yticks(range(len(table)), [wrapped(n, 20) for n in names], fontsize=12.5)
        ax.set(ylim=(len(table) - 0.4, -0.6), xlim=(0, 1.04 * longest))
        ax.xaxis.set_major_formatter("{x:.0%}")
        ax.grid(axis="y", visible=False)
        ax.spines["left"].set_visible(False)
    each = [
        f"{name} {first:.1%} alone and {total:.1%} with interactions"
        for name, (first, total) in zip(
            names, table[["first_order", "total"]].to_numpy(), strict=True
        )
    ]
    text = f"Bar chart of shares of variance. {title}".strip().rstrip(".")
    return Picture(figure, f"{text}: {listed(each, limit=12)}.")
