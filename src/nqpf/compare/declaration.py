"""The declared grid: every choice and its reason, written down before anything is run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from nqpf import provinces
from nqpf.compare.variants import ESTIMATORS, VARIABLES, Block, CapitalRule, Variants
from nqpf.data.catalogue import note
from nqpf.data.panel import DEFAULT_VINTAGE, Panel
from nqpf.errors import CardError, DataError
from nqpf.files import root
from nqpf.sample import nearest, place
from nqpf.systems.formula import Formula
from nqpf.systems.study import _Bilingual, _Key, _label, _read_card, _Strict, _Text
from nqpf.systems.system import System, available
from nqpf.tfp.accounts import _BASE, real_gdp

__all__ = [
    "AXES",
    "Declaration",
    "Figures",
    "Grid",
    "Sample",
    "Variable",
    "data_hash",
    "figures",
    "kept",
    "patterns",
    "variables",
]


class Level(_Strict):
    """A level of an axis and why it is there."""

    key: _Text
    why: _Text


class RecipeBlock(_Strict):
    """A normalisation with the weights and aggregations crossed under it."""

    normalise: _Key
    weights: tuple[_Key, ...] = Field(min_length=1)
    aggregate: tuple[_Key, ...] = Field(min_length=1)
    why: _Text


class Capital(Level):
    """A rule that makes capital of investment."""

    start: int
    depreciation: float = Field(ge=0, lt=1)
    initial: Literal["share", "steady-state"]


class Systems(_Strict):
    """The systems whose composites are in the grid."""

    keys: tuple[_Key, ...] = Field(min_length=1)
    why: _Text


class Measures(_Strict):
    """Every way to measure."""

    systems: Systems
    recipes: tuple[RecipeBlock, ...] = Field(min_length=1)
    estimators: tuple[Level, ...] = ()
    capital: tuple[Capital, ...] = ()


class Variable(_Strict):
    """An outcome, determinant or control: a formula over the panel and ``real_gdp``.

    Which indicators hold it follows from the formulas, see :mod:`nqpf.systems.overlap`.
    """

    name: _Bilingual
    formula: _Text
    log: bool = False


class Relations(_Strict):
    """The variables of one direction and the years between measure and outcome."""

    variables: tuple[_Key, ...] = Field(min_length=1)
    lead: int = Field(ge=0, le=3)
    why: _Text


class Controls(Level):
    """A set of controls."""

    variables: tuple[_Key, ...] = ()


class Sample(Level):
    """What is left out of the rows; breaks of the variables named, where growth spans one."""

    without_provinces: tuple[int, ...] = ()
    without_years: tuple[int, ...] = ()
    without_breaks: tuple[_Key, ...] = ()


class Transformation(_Strict):
    """How the measure, or the whole equation, is transformed."""

    key: Literal["level", "log", "rank", "difference"]
    why: _Text


class Effects(_Strict):
    """Fixed effects of the equation in levels."""

    key: Literal["two-way", "unit"]
    why: _Text


class Errors(_Strict):
    """Standard errors."""

    key: Literal["clustered", "driscoll-kraay", "clustered-period"]
    why: _Text


class Window(_Strict):
    """Years of the measures."""

    first: int
    last: int
    why: _Text


class Grid(_Strict):
    """``data/multiverse/grid.yaml``: the axes of the multiverse and their levels."""

    note: _Text
    window: Window
    measures: Measures
    variables: dict[_Key, Variable]
    driver: Relations
    determinant: Relations
    vintages: tuple[Level, ...] = Field(min_length=1)
    transformations: tuple[Transformation, ...] = Field(min_length=1)
    samples: tuple[Sample, ...] = Field(min_length=1)
    effects: tuple[Effects, ...] = Field(min_length=1)
    controls: tuple[Controls, ...] = Field(min_length=1)
    errors: tuple[Errors, ...] = Field(min_length=1)
    rules: tuple[Level, ...] = ()


# Choices of a specification, the slowest first: an identifier counts through them in this order.
AXES = (
    "relation",
    "vintage",
    "transformation",
    "sample",
    "effects",
    "controls",
    "measure",
    "errors",
)


@dataclass(frozen=True)
class Declaration:
    """The grid with the text it was read from, line ends made the same on every platform.

    Attributes
    ----------
    grid : Grid
    text : str
        The file as it is but for its line ends.

    Examples
    --------
    >>> declaration = Declaration.load()
    >>> [one.key for one in declaration.grid.transformations]
    ['level', 'log', 'rank', 'difference']
    """

    grid: Grid
    text: str

    @classmethod
    def load(cls, path: Path | None = None) -> Declaration:
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
        grid = _read_card(path, Grid)
        _check(grid, _label(path))
        return cls(grid, "\n".join(path.read_text(encoding="utf-8-sig").splitlines()) + "\n")

    @property
    def sha256(self) -> str:
        """Hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def recipes(self) -> tuple[Block, ...]:
        """Blocks of recipes, as :func:`nqpf.compare.variants` takes them."""
        return _blocks(self.grid)

    @property
    def capital(self) -> tuple[CapitalRule, ...]:
        """Rules of capital, as :func:`nqpf.compare.variants` takes them."""
        return tuple(
            CapitalRule(one.key, one.start, one.depreciation, one.initial)
            for one in self.grid.measures.capital
        )

    @property
    def estimators(self) -> tuple[str, ...]:
        """Names of the estimators of TFP."""
        return tuple(one.key for one in self.grid.measures.estimators)

    @property
    def measures(self) -> list[str]:
        """Identifiers of every declared measure, computable or not, in their order."""
        methods = ["/".join(one) for block in self.recipes for one in block.combinations()]
        composites = [f"{key}/{one}" for key in self.grid.measures.systems.keys for one in methods]
        rules = [rule.key for rule in self.capital]
        return composites + [f"tfp/{name}/{rule}" for rule in rules for name in self.estimators]

    @property
    def levels(self) -> dict[str, list[str]]:
        """Levels of each axis in their order; relations are ``direction:variable``."""
        grid = self.grid
        relations = [f"driver:{key}" for key in grid.driver.variables]
        relations += [f"determinant:{key}" for key in grid.determinant.variables]
        return {
            "relation": relations,
            "vintage": [one.key for one in grid.vintages],
            "transformation": [one.key for one in grid.transformations],
            "sample": [one.key for one in grid.samples],
            "effects": [one.key for one in grid.effects],
            "controls": [one.key for one in grid.controls],
            "measure": self.measures,
            "errors": [one.key for one in grid.errors],
        }


def _blocks(grid: Grid) -> tuple[Block, ...]:
    return tuple(Block(one.normalise, one.weights, one.aggregate) for one in grid.measures.recipes)


def _check(grid: Grid, file: str) -> None:
    """Raise unless every name is known and no level is there twice."""
    listed = {
        "measures.systems": list(grid.measures.systems.keys),
        "measures.estimators": [one.key for one in grid.measures.estimators],
        "measures.capital": [one.key for one in grid.measures.capital],
        "driver": list(grid.driver.variables),
        "determinant": list(grid.determinant.variables),
        **{
            axis: [one.key for one in getattr(grid, axis)]
            for axis in ("vintages", "transformations", "samples", "effects", "controls", "errors")
        },
    }
    blocks = _blocks(grid)
    recipes = [one for block in blocks for one in block.combinations()]
    for block in blocks:
        block.check()  # whether methods fit together is counted, not refused
    listed["measures.recipes"] = ["/".join(one) for one in recipes]
    for field, keys in listed.items():
        double = [key for key in keys if keys.count(key) > 1]
        if double:
            raise CardError(
                f"level {double[0]!r} is there twice", where={"file": file, "field": field}
            )
    known = provinces.codes()
    for one in grid.samples:
        _known(one.without_provinces, known, "province", file, f"samples.{one.key}")
        _known(one.without_breaks, VARIABLES, "variable of TFP", file, f"samples.{one.key}")
    _known(listed["measures.systems"], available(), "system", file, "measures.systems")
    _known(listed["measures.estimators"], ESTIMATORS, "estimator", file, "measures.estimators")
    for field in ("driver", "determinant"):
        _known(listed[field], grid.variables, "variable", file, field)
    for one in grid.controls:
        _known(one.variables, grid.variables, "variable", file, f"controls.{one.key}")
    for key, variable in grid.variables.items():
        Formula.parse(variable.formula, {"file": file, "variable": key})


def _known(
    names: Iterable[object], known: Collection[object], what: str, file: str, field: str
) -> None:
    for name in names:
        if name not in known:
            raise CardError(
                f"unknown {what} {name!r}",
                where={"file": file, "field": field},
                expected="one of " + ", ".join(map(str, known)),
                hint=nearest(name, map(str, known)),
            )


@dataclass(frozen=True, eq=False)
class Figures:
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


def figures(declaration: Declaration, panel: Panel, measured: Variants) -> dict[str, Figures]:
    """Return the figures of one vintage by transformation.

    Ranks are shares of the provinces that a measure ranks in the year, from above 0 to 1 for
    the best, and only the measure is ranked. Only the measure is put into logarithms too, and has
    none at all where a score in the window is zero or below. Differences are taken of
    everything, between consecutive years of the window.

    Parameters
    ----------
    declaration : Declaration
    panel : Panel
    measured : Variants
        All measures of the vintage.

    Raises
    ------
    nqpf.errors.DataError
        If a variable in logarithms has a figure of zero or below.
    """
    grid = declaration.grid
    years = range(grid.window.first, grid.window.last + 1)
    index = pd.MultiIndex.from_product([provinces.codes(), years], names=["province", "year"])
    level = measured.values.reindex(index=index, columns=declaration.measures)
    known = variables(panel, measured.vintage, declaration)
    ahead = known.copy()
    lead = grid.driver.lead
    ahead.index = pd.MultiIndex.from_arrays(
        [known.index.get_level_values(0), known.index.get_level_values(1) - lead],
        names=known.index.names,
    )
    known, ahead = known.reindex(index), ahead.reindex(index)
    change = [frame.groupby(level="province").diff() for frame in (level, known, ahead)]
    positive = level.columns[~(level <= 0).any()]
    logarithm = np.log(level[positive]).reindex(columns=level.columns)
    rank = level.groupby(level="year").rank(pct=True)
    tables = {
        "level": (level, known, ahead),
        "log": (logarithm, known, ahead),
        "rank": (rank, known, ahead),
        "difference": change,
    }
    keys = [index.get_level_values(name).to_numpy() for name in ("province", "year")]
    broken = breaks(panel, measured.vintage, declaration).reindex(index, fill_value=False)
    return {
        one.key: Figures(
            *keys,
            *(table.to_numpy(dtype=float) for table in tables[one.key]),
            broken.to_numpy(dtype=bool),
        )
        for one in grid.transformations
    }


def breaks(panel: Panel, vintage: str, declaration: Declaration) -> pd.Series:
    """Return by province and year whether a change spans a break that some sample leaves out."""
    named = {name for one in declaration.grid.samples for name in one.without_breaks}
    if not named:
        return pd.Series(dtype=bool)
    return panel.breaks(sorted(named), vintage=vintage)


def variables(
    panel: Panel, vintage: str = DEFAULT_VINTAGE, declaration: Declaration | None = None
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
    declaration = Declaration.load() if declaration is None else declaration
    formulas = {
        key: Formula.parse(one.formula, {"variable": key})
        for key, one in declaration.grid.variables.items()
    }
    names = {name for formula in formulas.values() for name in formula.names} - {"real_gdp"}
    wide = panel.wide(sorted(names), vintage=vintage)
    first = int(panel.wide(["gdp"], vintage=vintage).dropna().index.unique("year").min())
    wide["real_gdp"] = real_gdp(panel, max(_BASE, first), vintage)
    columns = {}
    for key, variable in declaration.grid.variables.items():
        values = formulas[key].evaluate(wide, {"variable": key})
        if variable.log:
            bad = values[values <= 0]
            if len(bad):
                raise DataError(
                    f"variable {key!r} is {bad.iloc[0]:g} and has no logarithm",
                    where=place(bad.index[0], values.index.names),
                    expected="a positive figure",
                )
            values = np.log(values)
        columns[key] = values
    return pd.DataFrame(columns)


def kept(sample: Sample, rows: Figures, offsets: Sequence[int]) -> np.ndarray:
    """Return the rows that a sample keeps.

    Parameters
    ----------
    sample : Sample
    rows : Figures
    offsets : sequence of int
        Years that a row uses, relative to that of its measure; a row goes when
        any of them is left out.

    Returns
    -------
    (N,) bool
    """
    keep = ~np.isin(rows.province, sample.without_provinces)
    for offset in offsets:
        keep &= ~np.isin(rows.year + offset, sample.without_years)
    return keep & ~rows.broken if sample.without_breaks else keep


def patterns(finite: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
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
    >>> [(r.tolist(), c.tolist()) for r, c in patterns(np.array([[True, False, True]]))]
    [([0], [0, 2]), ([], [1])]
    """
    groups: dict[bytes, list[int]] = {}
    for column, bits in enumerate(np.packbits(finite, axis=0).T):
        groups.setdefault(bits.tobytes(), []).append(column)
    return [
        (np.flatnonzero(finite[:, columns[0]]), np.array(columns)) for columns in groups.values()
    ]


def data_hash(declaration: Declaration, panel: Panel) -> str:
    """Return a hash of the figures that a grid uses and of what its systems mean.

    Prose in the cards and other variables of the panel do not enter; of the flags, only the
    breaks that a sample leaves out.
    """
    systems = [System.load(key) for key in declaration.grid.measures.systems.keys]
    formulas = [Formula.parse(one.formula) for one in declaration.grid.variables.values()]
    used = {name for one in systems for name in one.variables}
    used |= {name for one in formulas for name in one.names} | set(VARIABLES)
    note("variables", sorted(used & set(panel.catalogue.variables)))
    meaning = [
        [key, one.formula, one.direction, system.dimension[key]]
        for system in systems
        for key, one in system.indicators.items()
    ]
    rows = panel.frame[panel.frame["variable"].isin(used)]
    order = ["variable", "vintage", "province", "year"]
    table = rows.sort_values(order)[[*order, "value"]].to_csv(index=False, lineterminator="\n")
    broken = breaks(panel, DEFAULT_VINTAGE, declaration)
    meaning.append([[int(code), int(year)] for code, year in broken.index[broken]])
    return hashlib.sha256((json.dumps(meaning) + table).encode()).hexdigest()


# In the order in which they are looked for; a specification counts under the first that holds.
REASONS = (
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
