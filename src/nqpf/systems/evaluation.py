"""Evaluating a system on a panel: the sample first, then the formulas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf import provinces as units
from nqpf.errors import DataError, FormulaError, SampleError
from nqpf.systems.matrix import IndicatorMatrix

if TYPE_CHECKING:
    from nqpf.data import Panel
    from nqpf.systems.system import System

__all__ = ["evaluate"]


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
