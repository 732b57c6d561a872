"""The explorer: every measure, province and year at the reader's choice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nqpf import provinces
from nqpf.errors import MethodError
from nqpf.report.explore_data import METHODS, TFP_NAME, payload, system_names
from nqpf.report.html import Html, both_names, table

if TYPE_CHECKING:
    from nqpf.compare import Standings

__all__ = ["explorer"]


def explorer(
    found: Standings, first: str | None = None, year: int | None = None, other: str | None = None
) -> Html:
    """Return a page's worth of maps, rankings, trends and comparisons that the reader steers.

    The scripts of the book draw it (``book/_static/explorer*.js``); without
    them, in a PDF or a terminal, the first view is a table. When the book is
    built, the data move to a file beside the page (``book/_ext/book_explorer.py``).

    Parameters
    ----------
    found : Standings
        Made by :func:`nqpf.compare.standings`.
    first : str or None
        Key of the system shown first, with its study's recipe; the first one when None.
    year : int or None
        Year shown first; when None the last one that every measure has.
    other : str or None
        Key of what it is compared with first; ``tfp`` when None.

    Returns
    -------
    Html

    Raises
    ------
    nqpf.errors.MethodError
        If there is no such system, or the one shown first has no such year.
    """
    known = [*found.own, "tfp"]
    first, other = first or known[0], other or "tfp"
    for key in (first, other):
        if key not in known:
            raise MethodError(f"no system {key!r}", expected=f"one of {', '.join(known)}")
    shown = found.of(first)
    year = _common_year(found) if year is None else year
    if year not in shown.index.unique("year"):
        raise MethodError(f"{first} has no scores in {year}", expected="a year of its sample")
    data = json.dumps(
        payload(found, first, year, other), ensure_ascii=False, allow_nan=False,
        separators=(",", ":"),
    )  # fmt: skip
    # Inside <script> only "</" and "<!--" can end or hide the data; both are legal JSON escaped.
    data = data.replace("<", "\\u003c")
    static = _table(found, first, year)
    html = (
        '<div class="nqpf-explorer">'
        "<noscript><p>Choosing needs JavaScript. Without it, here is the view that the explorer "
        "opens with.</p></noscript>"
        f'<div class="explorer-static">{static.html}</div>'
        f'<script type="application/json" class="explorer-data">{data}</script></div>'
    )
    return Html(html, f"[Explorer of {found!r}]\n{static.text}")


def _common_year(found: Standings) -> int:
    """Return the last year in which every measure has a score of some province."""
    covered = found.scores.notna().groupby(level="year").any().all(axis=1)
    return int(covered.index[covered].max())


def _table(found: Standings, first: str, year: int) -> Html:
    ranked = found.of(first).xs(year, level="year").sort_values("rank", kind="stable")
    rows = [
        [
            row.rank,
            both_names(provinces.name(row.Index), provinces.name(row.Index, "zh")),
            f"{row.score:.3f}",
            f"{row.lower} to {row.upper}",
        ]
        for row in ranked.itertuples()
    ]
    what = TFP_NAME[0]
    if first in found.own:
        weights, join = found.own[first]
        methods = (METHODS["weights"].get(weights), METHODS["aggregate"].get(join))
        words = [
            pair[0] if pair else key for pair, key in zip(methods, (weights, join), strict=True)
        ]
        what = ", ".join([system_names(found.matrices[first].system)[0], *words])
    span = f"{found.level:.0%} of {found.draws:,} draws" if first in found.own else "range of ranks"
    header = ["rank", "province", "score", span]
    return table(header, rows, f"{what}, {year}", numeric=["rank", "score", span])
