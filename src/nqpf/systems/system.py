"""An indicator system: a study's dimensions, filled with shared indicators of the panel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from nqpf.data.reading import note
from nqpf.errors import CardError
from nqpf.paths import root
from nqpf.systems.card import Card, Indicator, Indicators, Steps
from nqpf.systems.cardfile import Bilingual, label, read_card
from nqpf.systems.evaluation import evaluate
from nqpf.systems.formula import Formula
from nqpf.systems.matrix import IndicatorMatrix
from nqpf.systems.study import Study, find, keys

if TYPE_CHECKING:
    from nqpf.data import Panel

__all__ = ["System", "available"]


@dataclass(frozen=True, repr=False)
class System:
    """An indicator system, ready to be evaluated on a panel.

    Parameters
    ----------
    card : Card
        This book's choices.
    study : Study
        What is known about the study.
    indicators : mapping of str to Indicator
        In the order of the card.
    formulas : mapping of str to Formula
        Parsed formulas, in the same order.

    Examples
    --------
    >>> system = System.load("lu-guo-2024")
    >>> list(system.dimension_names)
    ['technological', 'green', 'digital']
    >>> system.recipe
    {'normalise': 'minmax', 'weights': 'entropy', 'aggregate': 'topsis'}
    """

    card: Card
    study: Study
    indicators: MappingProxyType[str, Indicator]
    formulas: MappingProxyType[str, Formula]

    @classmethod
    def load(cls, key: str, home: Path | None = None) -> System:
        """Read ``data/systems/<key>.yaml`` with its study and indicators.

        Parameters
        ----------
        key : str
            One of :func:`available`.
        home : Path or None
            Project folder; found by itself when None.

        Raises
        ------
        nqpf.errors.CardError
            If a file is missing or not valid, or the three do not agree.
        nqpf.errors.FormulaError
            If a formula is not plain arithmetic.
        """
        home = home or root()
        path = find("systems", key, home)
        note("system", [key])
        card = read_card(path, Card)
        if card.key != key:
            raise CardError(f"key {card.key!r} is not the file's name", where={"file": label(path)})
        study = Study.load(card.study, home)
        _check_dimensions(card, study, label(path))
        known = read_card(home / "data" / "indicators.yaml", Indicators).indicators
        used = _resolve(card, known, label(path))
        formulas = {
            name: Formula.parse(one.formula, {"file": "data/indicators.yaml", "indicator": name})
            for name, one in used.items()
        }
        return cls(card, study, MappingProxyType(used), MappingProxyType(formulas))

    @property
    def key(self) -> str:
        """The card's key."""
        return self.card.key

    @property
    def title(self) -> str:
        """The system's name and its study."""
        return f"{self.card.name}, after {self.study.title}"

    @property
    def recipe(self) -> dict[str, str]:
        """Names of the default methods: ``Recipe(**system.recipe)``."""
        return _methods(self.card.recipe)

    @property
    def recipes(self) -> list[dict[str, str]]:
        """Names of the methods of every recipe that the card gives, the default first.

        Examples
        --------
        >>> [recipe["aggregate"] for recipe in System.load("gong-2024").recipes]
        ['topsis', 'linear', 'vikor']
        """
        return [_methods(steps) for steps in (self.card.recipe, *self.card.also)]

    @cached_property
    def dimension_names(self) -> dict[str, Bilingual]:
        """Name of each dimension, in order."""
        stated = {dimension.key: dimension.name for dimension in self.study.dimensions}
        return {d.key: stated[d.key] if d.name is None else d.name for d in self.card.dimensions}

    @property
    def variables(self) -> list[str]:
        """Panel variables that the formulas need, in order of first use."""
        names = (name for formula in self.formulas.values() for name in formula.names)
        return list(dict.fromkeys(names))

    @property
    def benefit(self) -> pd.Series:
        """By indicator: True where more is better."""
        rows = {key: one.direction == "benefit" for key, one in self.indicators.items()}
        return pd.Series(rows, dtype=bool)

    @property
    def dimension(self) -> pd.Series:
        """By indicator: key of its dimension."""
        rows = {use.use: one.key for one in self.card.dimensions for use in one.indicators}
        return pd.Series(rows, dtype="str")

    def evaluate(
        self,
        panel: Panel,
        years: Iterable[int] | None = None,
        provinces: Iterable[int | str] | None = None,
        vintage: str = "census5",
    ) -> IndicatorMatrix:
        """Return the indicators' values on every complete province-year.

        Parameters
        ----------
        panel : Panel
            Official figures in canonical units.
        years : iterable of int or None
            Years asked for; every year that has any figure needed when None.
        provinces : iterable of int or str, or None
            Codes or names; all 31 when None.
        vintage : str
            Vintage of the national accounts.

        Returns
        -------
        IndicatorMatrix
            A province-year that lacks a variable is left out, never filled;
            ``dropped`` names what was missing.

        Raises
        ------
        nqpf.errors.FormulaError
            If a formula names a variable that the catalogue does not know, or
            divides by zero; the message names card, indicator, province, year.
        nqpf.errors.SampleError
            If no province-year is complete.
        """
        return evaluate(self, panel, years, provinces, vintage)

    def table(self) -> pd.DataFrame:
        """Return the system as a table, one row per indicator, for the book."""
        rows = []
        for one in self.card.dimensions:
            for use in one.indicators:
                shared = self.indicators[use.use]
                rows.append(
                    {
                        "dimension": str(self.dimension_names[one.key]),
                        "indicator": shared.name.en,
                        "指标": shared.name.zh,
                        "formula": shared.formula,
                        "unit": shared.unit,
                        "direction": shared.direction,
                        "status": use.status,
                        "reason": use.reason,
                        "proxy for": use.proxy_for or "",
                        "note": shared.note or "",
                    }
                )
        return pd.DataFrame(rows, index=pd.Index(list(self.indicators), name="key"))

    def __repr__(self) -> str:
        return f"<System {self.card.key}: {len(self.indicators)} indicators>"

    def _repr_html_(self) -> str:
        import html

        title = f"<p><strong>{html.escape(self.title)}</strong></p>"
        return title + self.table().to_html(escape=True, border=0)


def available(home: Path | None = None) -> list[str]:
    """Return the keys of the systems that have a card.

    Examples
    --------
    >>> "dong-2024" in available()
    True
    """
    return keys("systems", home)


def _methods(steps: Steps) -> dict[str, str]:
    return {step: choice.method for step, choice in steps}


def _check_dimensions(card: Card, study: Study, file: str) -> None:
    """A stated dimension keeps the study's name and order; an own one needs a name."""
    own = [dimension.key for dimension in card.dimensions]
    if len(set(own)) < len(own):
        raise CardError(f"a dimension is there twice: {own}", where={"file": file})
    stated = [dimension.key for dimension in study.dimensions]
    if stated and own != stated:
        raise CardError(
            f"dimensions {own} are not those of the study",
            where={"file": file, "study": study.key},
            expected=f"{stated}, in this order",
        )
    for dimension in card.dimensions:
        if (dimension.name is None) != bool(stated):
            problem = "has a name of its own" if stated else "lacks a name"
            raise CardError(
                f"dimension {dimension.key!r} {problem}",
                where={"file": file, "field": f"dimensions.{dimension.key}.name"},
                expected="the name in the study's file, or here when the study states none",
            )


def _resolve(card: Card, known: dict[str, Indicator], file: str) -> dict[str, Indicator]:
    import difflib

    used: dict[str, Indicator] = {}
    for dimension in card.dimensions:
        for use in dimension.indicators:
            where = {"file": file, "dimension": dimension.key}
            if use.use in used:
                raise CardError(f"indicator {use.use!r} is used twice", where=where)
            if use.use not in known:
                near = difflib.get_close_matches(use.use, known, n=1, cutoff=0.5)
                raise CardError(
                    f"unknown indicator {use.use!r}",
                    where=where,
                    expected="an indicator of data/indicators.yaml",
                    hint=f"did you mean {near[0]!r}" if near else "define it there first",
                )
            used[use.use] = known[use.use]
    return used
