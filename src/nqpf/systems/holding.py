"""Which indicators hold a variable: the figure it is about, in another ratio or upside down."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from nqpf.paths import root
from nqpf.systems.card import Indicator, Indicators
from nqpf.systems.cardfile import read_card
from nqpf.systems.formula import Formula
from nqpf.systems.grammar import sides

__all__ = ["defined", "holding"]

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
