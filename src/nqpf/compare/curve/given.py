"""The figures and the regressions behind stored results, for inference over their curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.compare.multiverse.impossible import control_sets, sample_rows
from nqpf.compare.multiverse.specify import DIFFERENCED
from nqpf.errors import MethodError

if TYPE_CHECKING:
    from nqpf.compare.multiverse.grid import SpecificationGrid
    from nqpf.compare.multiverse.rows import Figures

__all__ = ["curve_input"]

_CHOICES = ("direction", "outcome", "determinant", "vintage", "transformation", "sample", "effects",
            "controls", "measure")  # fmt: skip


def curve_input(grid: SpecificationGrid, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what :func:`nqpf.compare.curve_inference` needs for rows of a multiverse.

    Parameters
    ----------
    grid : SpecificationGrid
        The grid that the results rest on; its measures are computed.
    table : DataFrame
        Rows of :attr:`Multiverse.table`, such as :meth:`Multiverse.curve` returns, of one error
        type: resampling clusters the errors by province whatever they were.

    Returns
    -------
    frame : DataFrame indexed (province, year)
        Every variable that the rows use, by vintage and transformation, and a column of true and
        false per sample.
    specifications : DataFrame
        ``outcome``, ``focal``, ``controls``, ``effects`` and ``sample`` of each row, under the
        index of `table`. The grid standardises variables over the rows of each regression; give
        ``standardise=True`` for the same.

    Raises
    ------
    nqpf.errors.MethodError
        If errors are of several types.

    Examples
    --------
    ``curve_inference(*curve_input(grid, multiverse.curve(outcome="growth", errors="clustered")),
    standardise=True)``
    """
    kinds = list(pd.unique(table["errors"]))
    if len(kinds) > 1:
        raise MethodError(
            f"errors of several types: {', '.join(map(str, kinds))}",
            expected="one type, of which each regression has one row",
            hint="choose one, such as errors='clustered'",
        )
    columns: dict[str, np.ndarray] = {}
    names = list(grid.declaration.grid.variables)
    places = {name: place for place, name in enumerate(grid.declaration.measures)}
    found: dict[tuple, tuple] = {}
    rows = []
    for cells in zip(*(table[name].astype(str) for name in _CHOICES), strict=True):
        *question, measure = cells
        if tuple(question) not in found:
            found[tuple(question)] = _equation(grid, names, columns, *question)
        driver, key, related, controls, effects, sample = found[tuple(question)]
        own = f"{key}/measure/{measure}"
        if own not in columns:
            columns[own] = grid.figures[key].measures[:, places[measure]]
        pair = (related, own) if driver else (own, related)
        rows.append((*pair, controls, effects, sample))
    one = next(iter(grid.figures.values()))
    index = pd.MultiIndex.from_arrays([one.province, one.year], names=["province", "year"])
    heads = ["outcome", "focal", "controls", "effects", "sample"]
    return pd.DataFrame(columns, index=index), pd.DataFrame(rows, index=table.index, columns=heads)


def _equation(
    grid: SpecificationGrid,
    names: list[str],
    columns: dict[str, np.ndarray],
    direction: str,
    outcome: str,
    determinant: str,
    vintage: str,
    transformation: str,
    sample: str,
    effects: str,
    controls: str,
) -> tuple[bool, str, str, tuple[str, ...], str, str]:
    """Return one regression without its measure; add the columns that it uses."""
    driver = direction == "driver"
    variable = outcome if driver else determinant
    relation, key = f"{direction}:{variable}", f"{vintage}/{transformation}"
    figures: Figures = grid.figures[key]
    levels = grid.declaration.levels

    def column(kind: str, place: int) -> str:
        name = f"{key}/{kind}/{names[place]}"
        columns[name] = getattr(figures, kind)[:, place]
        return name

    chosen = control_sets(grid.declaration, relation)[levels["controls"].index(controls)]
    related = column("outcomes" if driver else "variables", names.index(variable))
    kept = sample_rows(grid.declaration, relation, transformation, figures)
    # Named by what decides the rows: years of an outcome or of a difference count too.
    rows = f"{key}/{direction}/{sample}"
    columns[rows] = kept[levels["sample"].index(sample)]
    removed = DIFFERENCED[effects] if transformation == "difference" else effects
    return driver, key, related, tuple(column("variables", i) for i in chosen), removed, rows
