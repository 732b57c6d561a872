"""An indicator system: a study's dimensions, filled with shared indicators of the panel."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import pandas as pd
from pydantic import Field

from nqpf import provinces
from nqpf.checks import _nearest, choose
from nqpf.data.catalogue import _note
from nqpf.errors import CardError, FormulaError, SampleError
from nqpf.files import root
from nqpf.sample import _check_province_years
from nqpf.systems.formula import Formula
from nqpf.systems.study import Study, _Bilingual, _Key, _keys, _load, _read_card, _Strict, _Text

if TYPE_CHECKING:
    from nqpf.data.panel import Panel

_Status = Literal["S", "V", "B"]


class _Indicator(_Strict):
    """An indicator that several systems may share, defined once in ``data/indicators.yaml``."""

    name: _Bilingual
    formula: _Text
    unit: _Text
    direction: Literal["benefit", "cost"]
    note: _Text | None = None


class _Indicators(_Strict):
    """``data/indicators.yaml``: every shared indicator by its key."""

    indicators: dict[_Key, _Indicator] = Field(min_length=1)


class _Use(_Strict):
    """Why an indicator stands for a dimension, and the one usual indicator it replaces, if any."""

    use: _Key
    status: _Status
    reason: _Text
    proxy_for: _Text | None = None


class _Later(_Use):
    """An indicator whose figures begin after the card's sample does.

    `fills` is the wanted indicator: a line of the dimension's `missing`, or the ``proxy_for`` of
    the indicator that it `replaces`.
    """

    fills: _Text
    replaces: _Key | None = None


class _Dimension(_Strict):
    """A dimension; `name` is given only where the study states no dimensions.

    `missing` names the usual indicators that open data neither hold nor
    replace by a proxy. What `later` lists enters only where it is asked for.
    """

    key: _Key
    name: _Bilingual | None = None
    note: _Text | None = None
    indicators: tuple[_Use, ...] = Field(min_length=1)
    missing: tuple[_Text, ...] = ()
    later: tuple[_Later, ...] = ()


class _Choice(_Strict):
    """A step of the default recipe, with its status."""

    method: _Key
    status: _Status


class _Steps(_Strict):
    """A recipe: one choice per step."""

    normalise: _Choice
    weights: _Choice
    aggregate: _Choice


class _Card(_Strict):
    """``data/systems/<key>.yaml``: how this book fills a study's dimensions.

    `recipe` is the default; `also` holds the further recipes of a study that
    sets several beside each other.
    """

    key: _Key
    study: _Key
    name: _Bilingual
    recipe: _Steps
    also: tuple[_Steps, ...] = ()
    dimensions: tuple[_Dimension, ...] = Field(min_length=1)
    note: _Text | None = None


_DROPPED = ["province", "year", "reason"]


def _span(years: Iterable[int]) -> str:
    """Return years as runs, such as ``2013-2015, 2018``."""
    listed = sorted({int(year) for year in years})
    first = [year for year in listed if year - 1 not in listed]
    last = [year for year in listed if year + 1 not in listed]
    return ", ".join(f"{a}-{b}" if a < b else str(a) for a, b in zip(first, last, strict=True))


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
    dropped: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=_DROPPED))

    def __post_init__(self) -> None:
        index, columns = self.values.index, list(self.values.columns)
        _check_province_years(index, "the matrix")
        for what, given in (("benefit", self.benefit), ("dimension", self.dimension)):
            if list(given.index) != columns:
                expected = f"one entry per column, in order: {columns}"
                raise SampleError(f"{what} is given for {list(given.index)}", expected=expected)

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
        text = f"{n} province{'s' if n != 1 else ''}, {_span(self.years)}"
        text += f", {len(self.values)} province-years"
        text += "" if self.is_balanced else " (unbalanced)"
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
        for key in wanted:
            choose("indicator", key, self.values.columns, SampleError)
        if not wanted:
            raise SampleError("no indicator is selected")
        keep = [key for key in self.values.columns if key in wanted]
        parts = {what: getattr(self, what)[keep] for what in ("values", "benefit", "dimension")}
        return replace(self, **parts)

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
        index, years = self.values.index, self.years
        present = pd.Series(True, index=index).unstack("year", fill_value=False)[years]
        runs = []
        for first, last in combinations(range(len(years)), 2):
            run = years[first : last + 1]
            who = present.index[present[run].all(axis="columns")]
            if len(who) > 1:
                runs.append((len(who) * len(run), len(who), run, who))
        if not runs:
            raise SampleError("no two provinces share two years", where={"sample": self.sample})
        _, _, chosen, who = max(runs, key=lambda run: run[:3])
        keep = index.isin(who, level="province") & index.isin(chosen, level="year")
        left = index[~keep].to_frame(index=False)
        left = left.assign(reason=f"left out to balance the sample on {_span(chosen)}")
        dropped = pd.concat([part for part in (self.dropped, left) if len(part)])
        dropped = dropped.sort_values(["province", "year"], ignore_index=True)
        return replace(self, values=self.values[keep], dropped=dropped)

    def __repr__(self) -> str:
        return f"<IndicatorMatrix {self.values.shape[1]} indicators: {self.sample}>"


@dataclass(frozen=True, repr=False)
class System:
    """An indicator system, ready to be evaluated on a panel.

    Parameters
    ----------
    card : Card
        This book's choices, as ``docs/cards.md`` lists them.
    study : Study
        What is known about the study.
    indicators : mapping of str to Indicator
        In the order of the card.
    formulas : mapping of str to Formula
        Parsed formulas, in the same order.

    Notes
    -----
    An indicator is defined once for all systems, so that systems differ only where their
    authors do: a dimension that two studies share holds the same indicators. Every indicator
    has status B while no study's own list is at hand. Where the survey states no dimensions the
    card names its own and says so. ``docs/cards.md`` tells how indicators are chosen.

    Examples
    --------
    >>> system = System.load("lu-guo-2024")
    >>> list(system.dimension_names)
    ['technological', 'green', 'digital']
    >>> system.recipe
    {'normalise': 'minmax', 'weights': 'entropy', 'aggregate': 'topsis'}
    """

    card: _Card
    study: Study
    indicators: MappingProxyType[str, _Indicator]
    formulas: MappingProxyType[str, Formula]

    @classmethod
    def load(cls, key: str, home: Path | None = None, *, later: bool = False) -> System:
        """Read ``data/systems/<key>.yaml`` with its study and indicators.

        Parameters
        ----------
        key : str
            One of :func:`available`.
        home : Path or None
            Project folder; found by itself when None.
        later : bool
            Take in the indicators that the card lists under ``later``, each in the place of the
            proxy that it replaces. Their figures begin later, so the system covers fewer years.

        Raises
        ------
        nqpf.errors.CardError
            If a file is missing or not valid, or the three do not agree.
        nqpf.errors.FormulaError
            If a formula is not plain arithmetic.
        """
        home = home or root()
        card, file = _load("systems", key, _Card, home)
        _note("system", [key])
        study = Study.load(card.study, home)
        _check_dimensions(card, study, file)
        known = _defined(home)
        used: set[str] = set()
        for one in card.dimensions:
            for name in (use.use for use in (*one.indicators, *one.later)):
                where = {"file": file, "dimension": one.key}
                if name in used:
                    raise CardError(f"indicator {name!r} is used twice", where=where)
                if name not in known:
                    hint = _nearest(name, known) or "define it in data/indicators.yaml first"
                    raise CardError(f"unknown indicator {name!r}", where=where, hint=hint)
                used.add(name)
        widened = tuple(_widened(one, file) for one in card.dimensions)
        if later:
            card = card.model_copy(update={"dimensions": widened})
        own = {use.use: known[use.use] for one in card.dimensions for use in one.indicators}
        at = {"file": "data/indicators.yaml"}
        formulas = {k: Formula.parse(one.formula, at | {"indicator": k}) for k, one in own.items()}
        return cls(card, study, MappingProxyType(own), MappingProxyType(formulas))

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
        return self.recipes[0]

    @property
    def recipes(self) -> list[dict[str, str]]:
        """Names of the methods of every recipe that the card gives, the default first.

        Examples
        --------
        >>> [recipe["aggregate"] for recipe in System.load("gong-2024").recipes]
        ['topsis', 'linear', 'vikor']
        """
        every = (self.card.recipe, *self.card.also)
        return [{step: choice.method for step, choice in steps} for steps in every]

    @cached_property
    def dimension_names(self) -> dict[str, _Bilingual]:
        """Name of each dimension, in order."""
        stated = {dimension.key: dimension.name for dimension in self.study.dimensions}
        return {one.key: one.name or stated[one.key] for one in self.card.dimensions}

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
        self, panel: Panel, years: Iterable[int] | None = None, vintage: str = "census5"
    ) -> IndicatorMatrix:
        """Return the indicators' values on every complete province-year.

        Parameters
        ----------
        panel : Panel
            Official figures in canonical units.
        years : iterable of int or None
            Years asked for; every year that has any figure needed when None.
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
        known = panel.catalogue.variables
        for key, formula in self.formulas.items():
            for name in formula.names:
                if name not in known:
                    where = {"card": self.key, "indicator": key}
                    expected, hint = "a variable of the catalogue", _nearest(name, known)
                    problem = f"formula {formula.text!r} names the unknown variable {name!r}"
                    raise FormulaError(problem, where=where, expected=expected, hint=hint)
        asked = None if years is None else sorted({int(year) for year in years})
        wide = panel.wide(self.variables, asked, vintage)
        asked = sorted(wide.index.unique("year")) if asked is None else asked
        every = [provinces.codes(), asked]
        wide = wide.reindex(pd.MultiIndex.from_product(every, names=["province", "year"]))
        absent = wide.isna()
        incomplete = absent.any(axis="columns")
        if incomplete.all():
            where = {"card": self.key, "vintage": vintage}
            expected, hint = "figures of " + ", ".join(self.variables), _most_missing(absent)
            problem = "no province-year has every variable"
            raise SampleError(problem, where=where, expected=expected, hint=hint)
        lacking = (", ".join(wide.columns[row]) for row in absent[incomplete].to_numpy())
        keys = zip(wide.index[incomplete], lacking, strict=True)
        rows = [(*key, f"missing: {names}") for key, names in keys]
        dropped = pd.DataFrame(rows, columns=_DROPPED)
        sample = wide[~incomplete]
        columns = {
            key: formula.evaluate(sample, {"card": self.key, "indicator": key})
            for key, formula in self.formulas.items()
        }
        values = pd.DataFrame(columns, index=sample.index)
        return IndicatorMatrix(values, self.benefit, self.dimension, self, vintage, dropped)

    def usual(self) -> pd.DataFrame:
        """Return every usual indicator of the system and how open data fill it.

        A *usual* indicator is one that a reader would look for under a
        dimension, in the judgement of this book (B); no study's list was at
        hand. The card tells its fate:

        - ``direct``: an indicator of the card without ``proxy_for`` is a usual one itself;
        - ``proxy``: an indicator with ``proxy_for`` stands in for the one usual
          indicator that the field names;
        - ``missing``: the dimension's ``missing`` names it; nothing fills it.

        Returns
        -------
        DataFrame
            Columns ``dimension`` (key), ``usual`` (what is wanted), ``filled`` (direct, proxy
            or missing) and ``by`` (name of the indicator in its place, empty when missing), in
            the order of the card.

        Notes
        -----
        One proxy stands for one usual indicator, so that the three counts add up to what is
        wanted. Shares compare systems by what open data hold of them, not by their worth.

        Examples
        --------
        >>> table = System.load("lu-guo-2024").usual()
        >>> table.loc[table["dimension"] == "digital", "filled"].unique().tolist()
        ['direct', 'missing']
        """
        rows = []
        for one in self.card.dimensions:
            for use in one.indicators:
                name = self.indicators[use.use].name.en
                how = "proxy" if use.proxy_for else "direct"
                rows.append((one.key, use.proxy_for or name, how, name))
            rows += [(one.key, wanted, "missing", "") for wanted in one.missing]
        return pd.DataFrame(rows, columns=["dimension", "usual", "filled", "by"])

    def table(self) -> pd.DataFrame:
        """Return the system as a table, one row per indicator, for the book."""
        rows = []
        for one in self.card.dimensions:
            named = str(self.dimension_names[one.key])
            for use in one.indicators:
                own = self.indicators[use.use]
                shared = [own.name.en, own.name.zh, own.formula, own.unit, own.direction]
                choice = [use.status, use.reason, use.proxy_for or "", own.note or ""]
                rows.append([named, *shared, *choice])
        columns = ["dimension", "indicator", "指标", "formula", "unit", "direction", "status"]
        columns += ["reason", "proxy for", "note"]
        return pd.DataFrame(rows, pd.Index(list(self.indicators), name="key"), columns)

    def __repr__(self) -> str:
        return f"<System {self.card.key}: {len(self.indicators)} indicators>"

    def _repr_html_(self) -> str:
        title = f"<p><strong>{html.escape(self.title)}</strong></p>"
        return title + self.table().to_html(escape=True, border=0)


def available(home: Path | None = None) -> list[str]:
    """Return the keys of the systems that have a card.

    Examples
    --------
    >>> "dong-2024" in available()
    True
    """
    return _keys("systems", home)


def _defined(home: Path) -> dict[str, _Indicator]:
    """Return every indicator of ``data/indicators.yaml`` by its key."""
    return _read_card(home / "data" / "indicators.yaml", _Indicators).indicators


def _widened(one: _Dimension, file: str) -> _Dimension:
    """Return a dimension with the indicators that begin later in place of what they replace."""
    proxies = {use.use: use.proxy_for for use in one.indicators}
    for new in one.later:
        where = {"file": file, "field": f"dimensions.{one.key}.later", "indicator": new.use}
        if new.replaces is not None:
            choose("replaced indicator", new.replaces, proxies, CardError, where)
        wanted = one.missing if new.replaces is None else (proxies[new.replaces],)
        if new.fills not in wanted:
            expected = "a line of missing, or the proxy_for of the indicator that is replaced"
            raise CardError(f"fills {new.fills!r}", where=where, expected=expected)
    replaced, filled = ({getattr(new, part) for new in one.later} for part in ("replaces", "fills"))
    kept = (use for use in one.indicators if use.use not in replaced)
    missing = tuple(line for line in one.missing if line not in filled)
    return one.model_copy(update={"indicators": (*kept, *one.later), "missing": missing})


def _most_missing(absent: pd.DataFrame) -> str:
    if absent.empty:
        return "the panel has no figure of these variables in the years asked for"
    name, count = absent.sum().idxmax(), absent.sum().max()
    return f"the variable {name} is missing in {count} of {len(absent)} province-years"


def _check_dimensions(card: _Card, study: Study, file: str) -> None:
    """A stated dimension keeps the study's name and order; an own one needs a name."""
    own, stated = ([one.key for one in source.dimensions] for source in (card, study))
    if stated and own != stated:
        problem, where = f"dimensions {own} are not those of the study", {"file": file}
        raise CardError(problem, where=where, expected=f"{stated}, in this order")
    for one in card.dimensions:
        if (one.name is None) != bool(stated):
            has = "has a name of its own" if stated else "lacks a name"
            where = {"file": file, "field": f"dimensions.{one.key}.name"}
            expected = "the name in the study's file, or here when the study states none"
            raise CardError(f"dimension {one.key!r} {has}", where=where, expected=expected)
