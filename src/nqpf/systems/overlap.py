"""Which indicator serves which system, which systems are one, how much open data can fill."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import pandas as pd

from nqpf.files import root
from nqpf.systems.formula import Formula, _sides
from nqpf.systems.system import System, _defined, available


def _load(keys: Sequence[str] | None) -> list[System]:
    return [System.load(key) for key in (available() if keys is None else keys)]


def membership(keys: Sequence[str] | None = None, names: bool = False) -> pd.DataFrame:
    """Return which indicator serves which system.

    Parameters
    ----------
    keys : sequence of str or None
        Systems, in the order of the columns; all when None.
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
    systems = _load(keys)
    shared = {key: one for system in systems for key, one in system.indicators.items()}
    frame = pd.DataFrame({s.key: pd.Series(True, list(s.indicators)) for s in systems}).notna()
    frame = frame.sort_index().rename_axis(index="indicator", columns="system")
    frame = frame.loc[frame.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    return frame.rename(index=lambda key: shared[key].name.en) if names else frame


def twins(keys: Sequence[str] | None = None) -> pd.Series:
    """Return for each system the first one with the same indicators: itself when it stands alone.

    Two such systems are two recipes on one indicator set, not two choices of
    what to measure; where they are counted, they count once.

    Parameters
    ----------
    keys : sequence of str or None
        Systems, in the order of the rows; all when None.

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
    rows = {s.key: first.setdefault(frozenset(s.indicators), s.key) for s in _load(keys)}
    return pd.Series(rows, name="first", dtype="str").rename_axis("system")


def filled(keys: Sequence[str] | None = None) -> pd.DataFrame:
    """Return how much of each system's usual indicators open data fill.

    Parameters
    ----------
    keys : sequence of str or None
        Systems, in the order of the rows; all when None.

    Returns
    -------
    DataFrame, one row per system
        Counts of :meth:`nqpf.systems.System.usual` (``usual``, of which ``direct``, ``proxy``,
        ``missing``) and ``share direct``, ``share proxy``, ``share missing``,
        which sum to 1.

    Examples
    --------
    >>> shares = filled(["lu-guo-2024", "yang-hong-2024"])["share direct"]
    >>> bool(shares["yang-hong-2024"] < shares["lu-guo-2024"])
    True
    """
    fates = {system.key: system.usual()["filled"].value_counts() for system in _load(keys)}
    counts = pd.DataFrame(fates, index=["direct", "proxy", "missing"]).T.fillna(0).astype(int)
    counts = counts.rename_axis(index="system", columns=None)
    total = counts.sum(axis="columns")
    shares = counts.div(total, axis="index").add_prefix("share ")
    return pd.concat([total.rename("usual"), counts, shares], axis="columns")


# Figures that are another one in other clothes, or hold it as a part.
_SAME = {"real_gdp": ("gdp",), "gdp_index": ("gdp",), "so2": ("so2", "so2_industrial")}
_SAME["share_secondary"] = ("value_added_secondary",)
# Changes against the year before: in a level of the same year, not in that of an earlier one.
_CHANGES = {"gdp_index"}


def _holding(formula: Formula, lead: int = 0) -> tuple[str, ...]:
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
    >>> _holding(Formula.parse("education_expenditure / budget_expenditure"))
    ('education_budget_share',)
    >>> _holding(Formula.parse("gdp / energy"))
    ('energy_intensity', 'labour_productivity')
    >>> _holding(Formula.parse("gdp_index - 100"), lead=1)
    ()
    """
    over, under = _sides(formula.tree)
    if lead > 0 and over & _CHANGES:
        return ()
    sides = ((_SAME.get(name, (name,)) for name in side) for side in (over, under))
    about, scale = (set(chain.from_iterable(side)) for side in sides)
    found = []
    for key, indicator in _defined(root()).items():
        top, bottom = _sides(Formula.parse(indicator.formula).tree)
        if about & top or (about & bottom and scale & top):
            found.append(key)
    return tuple(sorted(found))
