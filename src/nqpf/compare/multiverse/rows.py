"""The figures behind the multiverse, and the rows that a sample keeps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.compare.multiverse.declaration import Declaration
from nqpf.compare.multiverse.levels import Sample
from nqpf.compare.multiverse.productivity import VARIABLES
from nqpf.compare.multiverse.variants import Variants
from nqpf.data import Panel
from nqpf.data.panel import DEFAULT_VINTAGE
from nqpf.data.reading import note
from nqpf.errors import DataError
from nqpf.systems import Formula, System
from nqpf.tfp import real_gdp
from nqpf.tfp.accounts import BASE
from nqpf.tfp.sample import place

__all__ = ["Figures", "data_hash", "figures", "kept", "patterns", "variables"]


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
    wide["real_gdp"] = real_gdp(panel, max(BASE, first), vintage)
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
