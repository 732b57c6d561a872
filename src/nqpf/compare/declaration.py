"""The declared grid: every choice and its reason, written down before anything is run."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

import numpy as np
import pandas as pd
from pydantic import Field

from nqpf import provinces
from nqpf.checks import choose
from nqpf.compare.variants import _ESTIMATORS, _VARIABLES, _base_year, _CapitalRule, _Variants
from nqpf.data.catalogue import _note
from nqpf.data.panel import _VINTAGE, Panel
from nqpf.errors import CardError
from nqpf.files import root
from nqpf.index.recipe import Recipe
from nqpf.sample import _check_positive
from nqpf.systems.formula import Formula
from nqpf.systems.study import _Bilingual, _check_once, _Key, _label, _read_card, _Strict, _Text
from nqpf.systems.system import System, available
from nqpf.tfp.accounts import real_gdp

_Word = TypeVar("_Word")


class _Level(_Strict, Generic[_Word]):
    """A level of an axis and why it is there."""

    key: _Word
    why: _Text


# How the measure, or the whole equation, is transformed; fixed effects of the equation in levels.
_Transformation = _Level[Literal["level", "log", "rank", "difference"]]
_Effects = _Level[Literal["two-way", "unit"]]
_Errors = _Level[Literal["clustered", "driscoll-kraay"]]


class _Recipes(_Strict):
    """A normalisation with the weights and aggregations crossed under it."""

    normalise: _Key
    weights: tuple[_Key, ...] = Field(min_length=1)
    aggregate: tuple[_Key, ...] = Field(min_length=1)
    why: _Text


class _Systems(_Strict):
    """The systems whose composites are in the grid."""

    keys: tuple[_Key, ...] = Field(min_length=1)
    why: _Text


class _Measures(_Strict):
    """Every way to measure."""

    systems: _Systems
    recipes: tuple[_Recipes, ...] = Field(min_length=1)
    estimators: tuple[_Level[_Text], ...] = ()
    capital: tuple[_CapitalRule, ...] = ()


class _Variable(_Strict):
    """An outcome, determinant or control: a formula over the panel and ``real_gdp``.

    Which indicators hold it follows from the formulas, see :mod:`nqpf.systems.overlap`.
    """

    name: _Bilingual
    formula: _Text
    log: bool = False


class _Relations(_Strict):
    """The variables of one direction and the years between measure and outcome."""

    variables: tuple[_Key, ...] = Field(min_length=1)
    lead: int = Field(ge=0, le=3)
    why: _Text


class _Controls(_Level[_Text]):
    """A set of controls."""

    variables: tuple[_Key, ...] = ()


class _Sample(_Level[_Key]):
    """What is left out of the rows; breaks of the variables named, where growth spans one."""

    without_provinces: tuple[int, ...] = ()
    without_years: tuple[int, ...] = ()
    without_breaks: tuple[_Key, ...] = ()

    def kept(self, rows: _Figures, offsets: Sequence[int]) -> np.ndarray:
        """Return the rows that the sample keeps.

        Parameters
        ----------
        rows : _Figures
        offsets : sequence of int
            Years that a row uses, relative to that of its measure; a row goes when
            any of them is left out.

        Returns
        -------
        (N,) bool
        """
        keep = ~np.isin(rows.province, self.without_provinces)
        for offset in offsets:
            keep &= ~np.isin(rows.year + offset, self.without_years)
        return keep & ~rows.broken if self.without_breaks else keep


class _Window(_Strict):
    """Years of the measures."""

    first: int
    last: int
    why: _Text


class _Grid(_Strict):
    """``data/multiverse/grid.yaml``: the axes of the multiverse and their levels."""

    note: _Text
    window: _Window
    measures: _Measures
    variables: dict[_Key, _Variable]
    driver: _Relations
    determinant: _Relations
    vintages: tuple[_Level[_Key], ...] = Field(min_length=1)
    transformations: tuple[_Transformation, ...] = Field(min_length=1)
    samples: tuple[_Sample, ...] = Field(min_length=1)
    effects: tuple[_Effects, ...] = Field(min_length=1)
    controls: tuple[_Controls, ...] = Field(min_length=1)
    errors: tuple[_Errors, ...] = Field(min_length=1)
    rules: tuple[_Level[_Text], ...] = ()


# In the order in which they are looked for; a specification counts under the first that holds.
_REASONS = (
    "",
    "the vintage lacks a figure that the measure needs",
    "repeats a measure made of the same indicators in the same way",
    "the measure holds the outcome or determinant",
    "a control is the outcome itself a year before",
    "the measure holds a control",
    "a break is left out of the growth of TFP, not of a level or a composite",
    "a score is zero or below and has no logarithm",
    "repeats controls that are the same without the determinant",
    "ranks of an index that starts at 1 in every province",
    "no row is complete",
    "repeats a sample with the same rows",
    "a province or year has a single row",
    "too few rows for the regressors",
    "ranks provinces exactly as an earlier measure does on these rows",
    "collinear",
)
# Choices of a specification, the slowest first: an identifier counts through them in this order.
_AXES = ("relation", "vintage", "transformation", "sample", "effects", "controls", "measure",
         "errors")  # fmt: skip
_LISTED = ("vintages", "transformations", "samples", "effects", "controls")


@dataclass(frozen=True, eq=False)
class _Figures:
    """Figures of one vintage under one transformation, NaN where there is none.

    Attributes
    ----------
    province, year : (N,) int
        Every province in every year of the window, sorted.
    measures : (N, M)
        In the order of :attr:`Declaration.measures`.
    variables : (N, V)
        In the order of the declaration, of the measure's year.
    outcomes : (N, V)
        The same, of the year that lies the lead of the drivers ahead.
    broken : (N,) bool
        The change from the year before spans a break of a variable that a sample names.
    """

    province: np.ndarray
    year: np.ndarray
    measures: np.ndarray
    variables: np.ndarray
    outcomes: np.ndarray
    broken: np.ndarray


@dataclass(frozen=True)
class _Declaration:
    """The grid with the text it was read from, line ends made the same on every platform.

    Attributes
    ----------
    grid : Grid
        What the file declares, axis by axis.
    text : str
        The file as it is but for its line ends.

    Examples
    --------
    >>> declaration = _Declaration.load()
    >>> [one.key for one in declaration.grid.transformations]
    ['level', 'log', 'rank', 'difference']
    """

    grid: _Grid
    text: str

    @classmethod
    def load(cls, path: Path | None = None) -> _Declaration:
        """Read and check a declaration.

        Parameters
        ----------
        path : Path or None
            The project's ``data/multiverse/grid.yaml`` when None.

        Raises
        ------
        nqpf.errors.CardError
            If the file is not valid, a key is there twice, or a name is unknown.
        nqpf.errors.MethodError
            If a recipe names an unknown method.
        nqpf.errors.FormulaError
            If a formula is not plain arithmetic.
        """
        path = root() / "data" / "multiverse" / "grid.yaml" if path is None else Path(path)
        grid = _read_card(path, _Grid)
        _check(grid, _label(path))
        return cls(grid, "\n".join(path.read_text(encoding="utf-8-sig").splitlines()) + "\n")

    @property
    def sha256(self) -> str:
        """Hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def recipes(self) -> list[tuple[str, str, str]]:
        """Every (normalise, weights, aggregate), for :mod:`nqpf.compare.variants`."""
        blocks = self.grid.measures.recipes
        every = (itertools.product([b.normalise], b.weights, b.aggregate) for b in blocks)
        return list(itertools.chain(*every))

    @property
    def estimators(self) -> list[str]:
        """Names of the estimators of TFP."""
        return _keys(self.grid.measures.estimators)

    @property
    def measures(self) -> list[str]:
        """Identifiers of every declared measure, computable or not, in their order."""
        methods = ["/".join(one) for one in self.recipes]
        composites = [f"{key}/{one}" for key in self.grid.measures.systems.keys for one in methods]
        rules = _keys(self.grid.measures.capital)
        return composites + [f"tfp/{name}/{rule}" for rule in rules for name in self.estimators]

    @property
    def levels(self) -> dict[str, list[str]]:
        """Levels of each axis in their order; relations are ``direction:variable``."""
        grid = self.grid
        relations = [f"driver:{key}" for key in grid.driver.variables]
        relations += [f"determinant:{key}" for key in grid.determinant.variables]
        listed = (_keys(getattr(grid, axis)) for axis in _LISTED)
        levels = [relations, *listed, self.measures, _keys(grid.errors)]
        return dict(zip(_AXES, levels, strict=True))

    def figures(self, panel: Panel, measured: _Variants) -> dict[str, _Figures]:
        """Return the figures of one vintage by transformation.

        Ranks are shares of the provinces that a measure ranks in the year, from above 0 to 1 for
        the best, and only the measure is ranked. Only the measure is put into logarithms too, and
        has none at all where a score in the window is zero or below. Differences are taken of
        everything, between consecutive years of the window.

        Parameters
        ----------
        panel : Panel
        measured : Variants
            All measures of the vintage.

        Raises
        ------
        nqpf.errors.DataError
            If a variable in logarithms has a figure of zero or below.

        Notes
        -----
        A specification uses every row in which its own variables have figures: one sample common
        to all measures would drop rows from most for the sake of a few, which no study does. Part
        of the difference between measures is therefore one of rows; ``nobs`` is stored with each
        estimate. Ranks are taken before rows are left out, among the provinces of a year.
        """
        grid, vintage = self.grid, measured.vintage
        years = np.arange(grid.window.first, grid.window.last + 1)
        index, later = (
            pd.MultiIndex.from_product([provinces.codes(), some], names=["province", "year"])
            for some in (years, years + grid.driver.lead)
        )
        level = measured.values.reindex(index=index, columns=self.measures)
        known = variables(panel, vintage, self)
        known, ahead = known.reindex(index), known.reindex(later).set_axis(index)
        positive = level.columns[~(level <= 0).any()]
        tables = {
            "level": (level, known, ahead),
            "log": (np.log(level[positive]).reindex(columns=level.columns), known, ahead),
            "rank": (level.groupby(level="year").rank(pct=True), known, ahead),
            "difference": [one.groupby(level="province").diff() for one in (level, known, ahead)],
        }
        broken = self._breaks(panel, vintage).reindex(index, fill_value=False).to_numpy(dtype=bool)
        keys = [index.get_level_values(name).to_numpy() for name in index.names]
        found = {}
        for key in _keys(grid.transformations):
            arrays = (table.to_numpy(dtype=float) for table in tables[key])
            found[key] = _Figures(*keys, *arrays, broken)
        return found

    def _breaks(self, panel: Panel, vintage: str) -> pd.Series:
        """Return by province and year whether a change spans a break that some sample omits."""
        named = {name for one in self.grid.samples for name in one.without_breaks}
        return panel.breaks(sorted(named), vintage=vintage) if named else pd.Series(dtype=bool)

    def data_hash(self, panel: Panel) -> str:
        """Return a hash of the figures that the grid uses and of what its systems mean.

        Prose in the cards and other variables of the panel do not enter; of the flags, only the
        breaks that a sample leaves out.
        """
        systems = [System.load(key) for key in self.grid.measures.systems.keys]
        formulas = [Formula.parse(one.formula) for one in self.grid.variables.values()]
        used = {name for one in systems for name in one.variables}
        used |= {name for one in formulas for name in one.names} | set(_VARIABLES)
        _note("variables", sorted(used & set(panel.catalogue.variables)))
        meaning: list[list[object]] = [
            [key, one.formula, one.direction, system.dimension[key]]
            for system in systems
            for key, one in system.indicators.items()
        ]
        rows = panel.frame[panel.frame["variable"].isin(used)]
        order = ["variable", "vintage", "province", "year"]
        table = rows.sort_values(order)[[*order, "value"]].to_csv(index=False, lineterminator="\n")
        broken = self._breaks(panel, _VINTAGE)
        meaning.append([[int(code), int(year)] for code, year in broken.index[broken]])
        return hashlib.sha256((json.dumps(meaning) + table).encode()).hexdigest()


def _keys(levels: Sequence[_Level | _CapitalRule]) -> list[str]:
    return [one.key for one in levels]


def _check(grid: _Grid, file: str) -> None:
    """Raise unless every name is known and no level is there twice."""
    measures, known = grid.measures, grid.variables
    recipes = _Declaration(grid, "").recipes
    for normalise, weights, aggregate in recipes:
        # Names alone: whether methods fit together is counted, not refused.
        Recipe(normalise, "equal", "linear")
        Recipe("minmax", weights, "linear")
        Recipe("minmax", "equal", aggregate)
    named = [
        ("measures.systems", "system", measures.systems.keys, available()),
        ("measures.estimators", "estimator", _keys(measures.estimators), _ESTIMATORS),
        ("driver", "variable", grid.driver.variables, known),
        ("determinant", "variable", grid.determinant.variables, known),
    ]
    once = {field: list(given) for field, _, given, _ in named}
    once["measures.recipes"] = ["/".join(one) for one in recipes]
    once |= {"measures.capital": _keys(measures.capital)}
    once |= {axis: _keys(getattr(grid, axis)) for axis in (*_LISTED, "errors")}
    for field, keys in once.items():
        _check_once(keys, "level", {"file": file, "field": field})
    for one in grid.samples:
        field = f"samples.{one.key}"
        named.append((field, "province", one.without_provinces, provinces.codes()))
        named.append((field, "variable of TFP", one.without_breaks, _VARIABLES))
    named += [(f"controls.{one.key}", "variable", one.variables, known) for one in grid.controls]
    for field, what, given, words in named:
        for name in given:
            choose(what, name, words, CardError, {"file": file, "field": field})
    for key, variable in known.items():
        Formula.parse(variable.formula, {"file": file, "variable": key})


def variables(
    panel: Panel, vintage: str = _VINTAGE, declaration: _Declaration | None = None
) -> pd.DataFrame:
    """Return every outcome, determinant and control that the grid declares.

    Parameters
    ----------
    panel : Panel
    vintage : str
        Vintage of the national accounts.
    declaration : Declaration or None
        The project's own when None.

    Returns
    -------
    DataFrame indexed (province, year)
        A column per variable, on its own years, logarithms taken where declared.

    Raises
    ------
    nqpf.errors.DataError
        If a variable in logarithms has a figure of zero or below.

    Examples
    --------
    >>> known = variables(Panel.load(extra=False))
    >>> round(float(known.loc[(110000, 2020), "urbanisation"]), 1)
    87.5
    """
    declaration = _Declaration.load() if declaration is None else declaration
    declared = declaration.grid.variables
    formulas = {key: Formula.parse(one.formula, {"variable": key}) for key, one in declared.items()}
    names = {name for formula in formulas.values() for name in formula.names} - {"real_gdp"}
    wide = panel.wide(sorted(names), vintage=vintage)
    wide["real_gdp"] = real_gdp(panel, _base_year(panel, vintage), vintage)
    columns = {key: one.evaluate(wide, {"variable": key}) for key, one in formulas.items()}
    for key, variable in declared.items():
        if variable.log:
            wanted = "a positive figure, which has a logarithm"
            _check_positive(columns[key].dropna(), f"variable {key!r}", wanted)
            columns[key] = np.log(columns[key])
    return pd.DataFrame(columns)


def _patterns(finite: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Group columns by the rows in which they have figures, in order of first use.

    Parameters
    ----------
    finite : (N, M) bool

    Returns
    -------
    list of (rows, columns)
        Positions of the rows with figures, and of the columns that have them just there.

    Examples
    --------
    >>> [(r.tolist(), c.tolist()) for r, c in _patterns(np.array([[True, False, True]]))]
    [([0], [0, 2]), ([], [1])]
    """
    groups: dict[bytes, list[int]] = {}
    for column, bits in enumerate(np.packbits(finite, axis=0).T):
        groups.setdefault(bits.tobytes(), []).append(column)
    return [(np.flatnonzero(finite[:, own[0]]), np.array(own)) for own in groups.values()]
