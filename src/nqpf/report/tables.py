"""Tables of a chapter: the system that was measured, and who stands where."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from nqpf import provinces
from nqpf.report.alt import listed
from nqpf.report.catalogue import variable_link
from nqpf.report.html import Html, both_names, table
from nqpf.report.inputs import in_year
from nqpf.report.notes import status_badges

if TYPE_CHECKING:
    from nqpf.index import Index
    from nqpf.systems import System
    from nqpf.systems.card import Use

__all__ = ["ranking_table", "system_table"]


def ranking_table(index: Index, year: int, n: int | None = 10) -> Html:
    """Return the first provinces of a year with score and dimension scores.

    The caption says how far open figures fill the system.

    Parameters
    ----------
    index : Index
        A fitted index.
    year : int
        Year to rank.
    n : int or None
        How many provinces; all when None. Provinces that tie share the better rank.

    Raises
    ------
    nqpf.errors.SampleError
        If the year has no scores.
    """
    scores = in_year(index.scores, year).sort_values(ascending=False, kind="stable")
    ranks = index.rank(year)
    system = getattr(index.matrix, "system", None)
    dimensions = list(index.dimension_scores.columns)
    heads = [system.dimension_names[key].en if system else str(key) for key in dimensions]
    parts = index.dimension_scores.xs(year, level="year")
    rows = []
    for code in scores.index[:n]:
        name = both_names(provinces.name(code, "en"), provinces.name(code, "zh"))
        each = [f"{parts.loc[code, key]:.3f}" for key in dimensions]
        rows.append([f"{ranks[code]}", name, f"{scores[code]:.3f}", *each])
    caption = f"Scores in {year}, {len(rows)} of {len(scores)} provinces"
    caption += f"; {_share(system)}" if system else ""
    return table(
        ["rank", "province", "score", *heads], rows, caption, numeric=["rank", "score", *heads]
    )


def system_table(system: System) -> Html:
    """Return a system's indicators by dimension, with the status of every choice.

    The caption says how far open figures fill the system, and which of the
    book's other systems hold the same indicators.

    Parameters
    ----------
    system : System
        System with its card; names come in both languages.
    """
    stated = {dimension.key: dimension.status for dimension in system.study.dimensions}
    rows: list[list[object]] = []
    for dimension in system.card.dimensions:
        label = system.dimension_names[dimension.key]
        name = both_names(label.en, label.zh)
        mark = status_badges(f"({stated.get(dimension.key, 'B')})")
        note = dimension.note or ""
        rows.append([Html(f"{name.html} {mark.html}", f"{name.text} {mark.text}"), "", note])
        rows += [_indicator(system, use) for use in dimension.indicators]
        if dimension.missing:
            rows.append(["", "", f"Usual, and missing here: {'; '.join(dimension.missing)}."])
    caption = f"{system.title}: {len(system.indicators)} indicators; {_share(system)}"
    same = _twins(system)
    caption += f". The same indicators serve {listed(same)}" if same else ""
    return table(["indicator", "+/−", "why it stands for the dimension"], rows, caption)


def _share(system: System) -> str:
    """Say which part of the usual indicators open figures fill, as `nqpf.systems.filled` does."""
    uses = [use for dimension in system.card.dimensions for use in dimension.indicators]
    proxies = sum(use.proxy_for is not None for use in uses)
    missing = sum(len(dimension.missing) for dimension in system.card.dimensions)
    total = len(uses) + missing
    shares = [f"{100 * n / total:.0f} %" for n in (len(uses) - proxies, proxies, missing)]
    return (
        f"of {total} usual indicators {shares[0]} are direct, {shares[1]} by proxy and "
        f"{shares[2]} missing (B)"
    )


def _twins(system: System) -> list[str]:
    """Name the book's other systems with the same indicators."""
    from nqpf.systems import Study, twins

    first = twins()
    if system.key not in first.index:
        return []
    same = first.index[first == first[system.key]].drop(system.key)
    return [Study.load(key).short for key in same]


def _indicator(system: System, use: Use) -> list[object]:
    one = system.indicators[use.use]
    name = both_names(one.name.en, one.name.zh)
    formula = f"<code>{_linked(one.formula)}</code>, {escape(one.unit)}"
    what = Html(f"{name.html}<br>{formula}", f"{name.text} = {one.formula} [{one.unit}]")
    why = f"{use.reason} ({use.status})"
    if use.proxy_for:
        why += f"; stands in for {use.proxy_for}"
    return [what, "+" if one.direction == "benefit" else "−", status_badges(why)]


def _linked(formula: str) -> str:
    """Return a formula in which each variable leads to its line in the catalogue."""
    return re.sub(
        r"[a-z][a-z0-9_]*",
        lambda name: f'<a href="{variable_link(name[0])}">{name[0]}</a>',
        escape(formula),
    )
