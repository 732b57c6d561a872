"""An indicator system: a study's dimensions, filled with shared indicators of the panel."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from nqpf import provinces as units
from nqpf.data.catalogue import note
from nqpf.errors import CardError, DataError, FormulaError, SampleError
from nqpf.files import root
from nqpf.systems.formula import Formula
from nqpf.systems.study import Bilingual, Key, Strict, Study, Text, find, keys, label, read_card

if TYPE_CHECKING:
    from nqpf.data.panel import Panel

__all__ = [
    "Card",
    "Choice",
    "Dimension",
    "Indicator",
    "IndicatorMatrix",
    "Indicators",
    "Steps",
    "System",
    "Use",
    "available",
    "evaluate",
    "span",
]

Status = Literal["S", "V", "B"]


class Indicator(Strict):
    """An indicator that several systems may share, defined once in ``data/indicators.yaml``."""

    name: Bilingual
    formula: Text
    unit: Text
    direction: Literal["benefit", "cost"]
    note: Text | None = None


class Indicators(Strict):
    """``data/indicators.yaml``: every shared indicator by its key."""

    indicators: dict[Key, Indicator] = Field(min_length=1)


class Use(Strict):
    """Why an indicator stands for a dimension, and the one usual indicator it replaces, if any."""

    use: Key
    status: Status
    reason: Text
    proxy_for: Text | None = None


class Dimension(Strict):
    """A dimension; `name` is given only where the study states no dimensions.

    `missing` names the usual indicators that open data neither hold nor
    replace by a proxy.
    """

    key: Key
    name: Bilingual | None = None
    note: Text | None = None
    indicators: tuple[Use, ...] = Field(min_length=1)
    missing: tuple[Text, ...] = ()


class Choice(Strict):
    """A step of the default recipe, with its status."""

    method: Key
    status: Status


class Steps(Strict):
    """A recipe: one choice per step."""

    normalise: Choice
    weights: Choice
    aggregate: Choice


class Card(Strict):
    """``data/systems/<key>.yaml``: how this book fills a study's dimensions.

    `recipe` is the default; `also` holds the further recipes of a study that
    sets several beside each other.
    """

    key: Key
    study: Key
    name: Bilingual
    recipe: Steps
    also: tuple[Steps, ...] = ()
    dimensions: tuple[Dimension, ...] = Field(min_length=1)
    note: Text | None = None


_DROPPED = ["province", "year", "reason"]


def _nothing_dropped() -> pd.DataFrame:
    return pd.DataFrame({"province": [], "year": [], "reason": []}).astype(
        {"province": "int64", "year": "int64", "reason": "str"}
    )


def span(years: Iterable[int]) -> str:
    """Return years as runs.

    Examples
    --------
    >>> span([2013, 2014, 2015, 2018])
    '2013-2015, 2018'
    """
    runs: list[list[int]] = []
    for year in sorted({int(year) for year in years}):
        if runs and year == runs[-1][1] + 1:
            runs[-1][1] = year
        else:
            runs.append([year, year])
    return ", ".join(f"{a}-{b}" if a < b else str(a) for a, b in runs)


@dataclass(frozen=True)
class IndicatorMatrix:
    """Values of a system's indicators on a sample of province-years.

    Parameters
    ----------
    values : DataFrame
        Indexed ``(province, year)``, one column per indicator key, in the
        units of the indicators.
    benefit : Series of bool
        By indicator: True where more is better, False for a cost.
    dimension : Series of str
        By indicator: key of the dimension it belongs to.
    system : System or None
        The system the matrix was evaluated from.
    vintage : str
        Vintage of the national accounts.
    dropped : DataFrame
        ``province``, ``year`` and ``reason`` of what the sample leaves out.

    Raises
    ------
    nqpf.errors.SampleError
        If a row is there twice, or directions and dimensions are not those of
        the columns.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([[110000], [2021, 2022]], names=["province", "year"])
    >>> values = pd.DataFrame({"a": [1.0, 2.0]}, index=index)
    >>> print(IndicatorMatrix(values, pd.Series({"a": True}), pd.Series({"a": "d"})).sample)
    1 province, 2021-2022, 2 province-years
    """

    values: pd.DataFrame
    benefit: pd.Series
    dimension: pd.Series
    system: System | None = None
    vintage: str = ""
    dropped: pd.DataFrame = field(default_factory=_nothing_dropped)

    def __post_init__(self) -> None:
        if list(self.values.index.names) != ["province", "year"]:
            raise SampleError(
                f"rows are indexed by {list(self.values.index.names)}",
                expected="an index (province, year)",
            )
        twice = self.values.index[self.values.index.duplicated()]
        if len(twice):
            raise SampleError(
                "a province-year is there twice",
                where={"province": twice[0][0], "year": twice[0][1]},
            )
        for what in ("benefit", "dimension"):
            if list(getattr(self, what).index) != list(self.values.columns):
                raise SampleError(
                    f"{what} is given for {list(getattr(self, what).index)}",
                    expected=f"one entry per column, in order: {list(self.values.columns)}",
                )

    @property
    def provinces(self) -> list[int]:
        """Codes of the provinces in the sample, ascending."""
        return sorted(self.values.index.unique("province"))

    @property
    def years(self) -> list[int]:
        """Years in the sample, ascending."""
        return sorted(self.values.index.unique("year"))

    @property
    def is_balanced(self) -> bool:
        """Whether every province is there in every year of the sample."""
        return len(self.values) == len(self.provinces) * len(self.years)

    @property
    def sample(self) -> str:
        """The sample in words."""
        n = len(self.provinces)
        text = f"{n} province{'s' if n != 1 else ''}, {span(self.years)}"
        text += f", {len(self.values)} province-years"
        if not self.is_balanced:
            text += " (unbalanced)"
        return text + (f", {self.vintage} vintage" if self.vintage else "")

    def name(self, indicator: str, language: str = "en") -> str:
        """Return an indicator's name (``en`` or ``zh``), its key without a system."""
        if self.system is None:
            return indicator
        return getattr(self.system.indicators[indicator].name, language)

    def select(self, indicators: Iterable[str]) -> IndicatorMatrix:
        """Return the matrix of some indicators only, in the order of the columns.

        Raises
        ------
        nqpf.errors.SampleError
            If an indicator is unknown or none is left.
        """
        wanted = list(indicators)
        unknown = [key for key in wanted if key not in self.values.columns]
        if unknown or not wanted:
            raise SampleError(
                f"no indicator {unknown[0]!r}" if unknown else "no indicator is selected",
                expected=f"some of {', '.join(map(str, self.values.columns))}",
            )
        keep = [key for key in self.values.columns if key in wanted]
        return replace(
            self,
            values=self.values[keep],
            benefit=self.benefit[keep],
            dimension=self.dimension[keep],
        )

    def balanced(self) -> IndicatorMatrix:
        """Return the largest balanced sub-sample.

        Every run of consecutive sample years is tried with the provinces that
        are complete in all of them; the run with most province-years is kept,
        of equal ones that with more provinces, then the later one. What is
        left out joins ``dropped``.

        Raises
        ------
        nqpf.errors.SampleError
            If no two provinces share two years.
        """
        if self.is_balanced and len(self.values):
            return self
        present = pd.Series(True, index=self.values.index).unstack("year", fill_value=False)
        present = present.sort_index(axis="columns")
        best: tuple[int, int, int] = (0, 0, 0)
        chosen: tuple[list[int], list[int]] = ([], [])
        for first in range(present.shape[1]):
            for last in range(first + 1, present.shape[1]):
                complete = present.iloc[:, first : last + 1].all(axis="columns")
                n = int(complete.sum())
                size = (n * (last - first + 1), n, first)
                if n > 1 and size > best:
                    years = [int(year) for year in present.columns[first : last + 1]]
                    best, chosen = size, (list(present.index[complete]), years)
        if not best[0]:
            raise SampleError("no two provinces share two years", where={"sample": self.sample})
        return self._restrict(*chosen)

    def _restrict(self, provinces: list[int], years: list[int]) -> IndicatorMatrix:
        index = self.values.index
        keep = index.isin(provinces, level="province") & index.isin(years, level="year")
        left = index[~keep].to_frame(index=False)
        left["reason"] = f"left out to balance the sample on {span(years)}"
        dropped = pd.concat([self.dropped, left[_DROPPED]]) if len(left) else self.dropped
        dropped = dropped.sort_values(["province", "year"], ignore_index=True)
        return replace(self, values=self.values[keep], dropped=dropped)

    def describe(self) -> pd.DataFrame:
        """Return one row per indicator: dimension, name, unit, direction and range."""
        values = self.values
        unit = [self.system.indicators[k].unit if self.system else "" for k in values.columns]
        return pd.DataFrame(
            {
                "dimension": self.dimension,
                "indicator": [self.name(key) for key in values.columns],
                "unit": unit,
                "direction": self.benefit.map({True: "benefit", False: "cost"}),
                "min": values.min(),
                "median": values.median(),
                "mean": values.mean(),
                "max": values.max(),
                "sd": values.std(ddof=1),
            },
            index=values.columns,
        )

    def left_out(self) -> pd.DataFrame:
        """Return what the sample leaves out, one row per reason."""
        groups = self.dropped.groupby("reason", sort=True)
        table = groups.agg(
            years=("year", span), provinces=("province", "nunique"), rows=("year", "size")
        )
        return table.rename(columns={"rows": "province-years"}).reset_index()

    def _repr_html_(self) -> str:
        title = html.escape(self.system.title if self.system else "Indicator matrix")
        text = f"<p><strong>{title}</strong>: {html.escape(self.sample)}</p>"
        text += self.describe().to_html(escape=True, border=0, float_format="{:.4g}".format)
        if len(self.dropped):
            text += "<p>Left out:</p>" + self.left_out().to_html(escape=True, border=0, index=False)
        return text


def evaluate(
    system: System,
    panel: Panel,
    years: Iterable[int] | None,
    provinces: Iterable[int | str] | None,
    vintage: str,
) -> IndicatorMatrix:
    """Return a system's indicator matrix; see :meth:`nqpf.systems.System.evaluate`."""
    _check_variables(system, panel)
    asked = None if years is None else sorted({int(year) for year in years})
    chosen = units.codes() if provinces is None else sorted({units.code_of(p) for p in provinces})
    wide = panel.wide(system.variables, asked, vintage)
    _refuse_infinite(wide)
    if asked is None:
        asked = sorted(wide.index.unique("year"))
    grid = pd.MultiIndex.from_product([chosen, asked], names=["province", "year"])
    wide = wide.reindex(grid)
    complete = wide.notna().all(axis="columns")
    dropped = _dropped(wide[~complete])
    sample = wide[complete]
    if sample.empty:
        raise SampleError(
            "no province-year has every variable",
            where={"card": system.key, "vintage": vintage},
            expected="figures of " + ", ".join(system.variables),
            hint=_most_missing(wide),
        )
    columns = {}
    for key, formula in system.formulas.items():
        columns[key] = formula.evaluate(sample, {"card": system.key, "indicator": key})
    values = pd.DataFrame(columns, index=sample.index)
    return IndicatorMatrix(values, system.benefit, system.dimension, system, vintage, dropped)


def _check_variables(system: System, panel: Panel) -> None:
    import difflib

    known = panel.catalogue.variables
    for key, formula in system.formulas.items():
        for name in formula.names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
                raise FormulaError(
                    f"formula {formula.text!r} names the unknown variable {name!r}",
                    where={"card": system.key, "indicator": key},
                    expected="a variable of the catalogue",
                    hint=f"did you mean {near[0]!r}" if near else None,
                )


def _refuse_infinite(wide: pd.DataFrame) -> None:
    for row, column in np.argwhere(np.isinf(wide.to_numpy(dtype=float))):
        code, year = wide.index[row]
        raise DataError(
            "an infinite figure",
            where={
                "province": units.name(code),
                "year": year,
                "variable": wide.columns[column],
            },
            expected="a number",
        )


def _dropped(incomplete: pd.DataFrame) -> pd.DataFrame:
    frame = incomplete.index.to_frame(index=False).astype("int64")
    absent = incomplete.isna().to_numpy()
    names = incomplete.columns.to_numpy()
    frame["reason"] = pd.Series(
        ["missing: " + ", ".join(names[row]) for row in absent], index=frame.index, dtype="str"
    )
    return frame


def _most_missing(wide: pd.DataFrame) -> str:
    missing = wide.isna().sum().sort_values(ascending=False, kind="stable")
    if wide.empty:
        return "the panel has no figure of these variables in the years asked for"
    return (
        f"the variable {missing.index[0]} is missing in {missing.iloc[0]} "
        f"of {len(wide)} province-years"
    )


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
