"""Which indicator serves which system, how far systems overlap, how much open data can fill."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd

from nqpf.errors import MethodError
from nqpf.files import root
from nqpf.systems.formula import Formula, sides
from nqpf.systems.study import read_card
from nqpf.systems.system import Indicator, Indicators, System, available

__all__ = ["defined", "filled", "holding", "membership", "pairwise", "twins", "usual"]

_FILLED = ["direct", "proxy", "missing"]


def _load(keys: Sequence[str] | None, home: Path | None) -> list[System]:
    return [System.load(key, home) for key in (available(home) if keys is None else keys)]


def membership(
    keys: Sequence[str] | None = None, home: Path | None = None, names: bool = False
) -> pd.DataFrame:
    """Return which indicator serves which system.

    Parameters
    ----------
    keys : sequence of str or None
        Systems, in the order of the columns; all when None.
    home : Path or None
        Project folder; found by itself when None.
    names : bool
        Label the rows by English name instead of key.

    Returns
    -------
    DataFrame of bool
        One row per indicator that serves any of the systems (named
        ``indicator``), one column per system (named ``system``). Indicators
        that serve most systems come first, equal ones by key.

    Examples
    --------
    >>> membership(["lu-guo-2024", "wang-wang-2024"]).loc["rd_intensity"].tolist()
    [True, True]
    """
    systems = _load(keys, home)
    shared = {key: one for system in systems for key, one in system.indicators.items()}
    columns = {s.key: [key in s.indicators for key in sorted(shared)] for s in systems}
    frame = pd.DataFrame(columns, index=pd.Index(sorted(shared), name="indicator"), dtype=bool)
    frame = frame.rename_axis(columns="system")
    frame = frame.loc[frame.sum(axis="columns").sort_values(ascending=False, kind="stable").index]
    return frame.rename(index=lambda key: shared[key].name.en) if names else frame


def pairwise(
    measure: str = "jaccard", keys: Sequence[str] | None = None, home: Path | None = None
) -> pd.DataFrame:
    """Return how much any two systems share.

    With A and B the indicators of the systems in row and column:

    - ``jaccard``: |A and B| / |A or B|, the same both ways;
    - ``share``: |A and B| / |A|, the part of the row's indicators that the
      column holds too;
    - ``count``: |A and B|.

    Parameters
    ----------
    measure : {'jaccard', 'share', 'count'}
        Kind of overlap.
    keys : sequence of str or None
        Systems, in this order; all when None.
    home : Path or None
        Project folder; found by itself when None.

    Returns
    -------
    DataFrame, systems by systems
        Between 0 and 1, on the diagonal 1; whole numbers for ``count``.

    Raises
    ------
    nqpf.errors.MethodError
        If the measure is unknown.

    Examples
    --------
    >>> table = pairwise("share", ["wang-wang-2024", "dong-2024"])
    >>> float(table.loc["wang-wang-2024", "dong-2024"])
    1.0
    """
    if measure not in ("jaccard", "share", "count"):
        raise MethodError(
            f"unknown measure of overlap {measure!r}", expected="'jaccard', 'share' or 'count'"
        )
    member = membership(keys, home).astype(int)
    both = member.T.dot(member).rename_axis(columns="other")
    if measure == "count":
        return both
    size = member.sum()
    if measure == "share":
        return both.div(size, axis="index")
    either = -both.sub(size, axis="index").sub(size, axis="columns")
    return both / either


def twins(keys: Sequence[str] | None = None, home: Path | None = None) -> pd.Series:
    """Return for each system the first one with the same indicators: itself when it stands alone.

    Two such systems are two recipes on one indicator set, not two choices of
    what to measure; where they are counted, they count once.

    Parameters
    ----------
    keys : sequence of str or None
        Systems, in the order of the rows; all when None.
    home : Path or None
        Project folder; found by itself when None.

    Returns
    -------
    Series of str
        One row per system (named ``system``); the series is named ``first``.
        Their division into dimensions, weights and aggregation may differ.

    Examples
    --------
    >>> twins(["dong-2024", "han-2024", "zou-2024"]).to_dict()
    {'dong-2024': 'dong-2024', 'han-2024': 'han-2024', 'zou-2024': 'dong-2024'}
    """
    first: dict[frozenset[str], str] = {}
    rows = {s.key: first.setdefault(frozenset(s.indicators), s.key) for s in _load(keys, home)}
    return pd.Series(rows, name="first", dtype="str").rename_axis("system")


def usual(keys: Sequence[str] | None = None, home: Path | None = None) -> pd.DataFrame:
    """Return every usual indicator of the systems and how open data fill it.

    A *usual* indicator is one that a reader would look for under a
    dimension, in the judgement of this book (B); no study's list was at
    hand. The card tells its fate:

    - ``direct``: an indicator of the card without ``proxy_for`` is a usual one itself;
    - ``proxy``: an indicator with ``proxy_for`` stands in for the one usual
      indicator that the field names;
    - ``missing``: the dimension's ``missing`` names it; nothing fills it.

    Parameters
    ----------
    keys : sequence of str or None
        Systems; all when None.
    home : Path or None
        Project folder; found by itself when None.

    Returns
    -------
    DataFrame
        Columns ``system``, ``dimension`` (key), ``usual`` (what is wanted),
        ``filled`` (direct, proxy or missing) and ``by`` (name of the
        indicator in its place, empty when missing), in the order of the cards.

    Examples
    --------
    >>> table = usual(["lu-guo-2024"])
    >>> table.loc[table["dimension"] == "digital", "filled"].unique().tolist()
    ['direct', 'missing']
    """
    rows = []
    for system in _load(keys, home):
        for dimension in system.card.dimensions:
            for use in dimension.indicators:
                name = system.indicators[use.use].name.en
                how = "proxy" if use.proxy_for else "direct"
                rows.append((system.key, dimension.key, use.proxy_for or name, how, name))
            rows += [(system.key, dimension.key, one, "missing", "") for one in dimension.missing]
    return pd.DataFrame(rows, columns=["system", "dimension", "usual", "filled", "by"])


def filled(keys: Sequence[str] | None = None, home: Path | None = None) -> pd.DataFrame:
    """Return how much of each system's usual indicators open data fill.

    Parameters
    ----------
    keys : sequence of str or None
        Systems, in the order of the rows; all when None.
    home : Path or None
        Project folder; found by itself when None.

    Returns
    -------
    DataFrame, one row per system
        Counts of :func:`usual` (``usual``, of which ``direct``, ``proxy``,
        ``missing``) and ``share direct``, ``share proxy``, ``share missing``,
        which sum to 1.

    Examples
    --------
    >>> shares = filled(["lu-guo-2024", "yang-hong-2024"])["share direct"]
    >>> bool(shares["yang-hong-2024"] < shares["lu-guo-2024"])
    True
    """
    table = usual(keys, home)
    order = table["system"].unique()
    counts = table.groupby(["system", "filled"]).size().unstack(fill_value=0)
    counts = counts.reindex(index=order, columns=_FILLED, fill_value=0)
    counts = counts.rename_axis(index="system", columns=None)
    total = counts.sum(axis="columns")
    shares = counts.div(total, axis="index").add_prefix("share ")
    return pd.concat([total.rename("usual"), counts, shares], axis="columns")


# Figures that are another one in other clothes, or hold it as a part.
_SAME = {
    "real_gdp": ("gdp",),
    "gdp_index": ("gdp",),
    "share_secondary": ("value_added_secondary",),
    "so2": ("so2", "so2_industrial"),
}
# Changes against the year before: in a level of the same year, not in that of an earlier one.
_CHANGES = {"gdp_index"}


def holding(formula: Formula, lead: int = 0) -> tuple[str, ...]:
    """Return the indicators that hold a variable, by the formulas of both.

    An indicator holds a variable when the figure that the variable is about, its numerator, is in
    the numerator of the indicator, or when the indicator is the variable turned upside down. What
    only scales the variable, such as GDP or population below the line, is not counted: nearly
    every ratio shares one.

    Parameters
    ----------
    formula : Formula
        The variable, over the panel.
    lead : int
        Years from the indicator to the variable. A change, such as real growth, is held by
        a level of its own year or a later one, not by that of an earlier year.

    Returns
    -------
    tuple of str
        Keys of ``data/indicators.yaml``, sorted.

    Examples
    --------
    >>> holding(Formula.parse("education_expenditure / budget_expenditure"))
    ('education_budget_share',)
    >>> holding(Formula.parse("gdp / energy"))
    ('energy_intensity', 'labour_productivity')
    >>> holding(Formula.parse("gdp_index - 100"), lead=1)
    ()
    """
    over, under = sides(formula.tree)
    if lead > 0 and over & _CHANGES:
        return ()
    about, scale = _same(over), _same(under)
    found = []
    for key, indicator in defined(root()).items():
        top, bottom = sides(Formula.parse(indicator.formula).tree)
        if about & top or (about & bottom and scale & top):
            found.append(key)
    return tuple(sorted(found))


@lru_cache(maxsize=2)
def defined(home: Path) -> dict[str, Indicator]:
    """Return every indicator of ``data/indicators.yaml`` by its key."""
    return read_card(home / "data" / "indicators.yaml", Indicators).indicators


def _same(names: frozenset[str]) -> frozenset[str]:
    return frozenset(other for name in names for other in _SAME.get(name, (name,)))
