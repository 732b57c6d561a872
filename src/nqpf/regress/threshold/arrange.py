"""A sample checked and arranged for the search for thresholds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, SampleError
from nqpf.regress.threshold.search import Design
from nqpf.tfp.sample import place
from nqpf.tfp.within import check_regressors

__all__ = ["arrange"]

_LEVEL = 1e-6


def arrange(
    data: pd.DataFrame,
    outcome: str,
    regimes: list[str],
    threshold: str,
    controls: list[str],
    effects: str,
) -> Design:
    """Check a sample that is sorted by unit and time and take the unit effects out of it.

    Parameters
    ----------
    data : DataFrame indexed (unit, time), sorted
    outcome, threshold : str
    regimes, controls : list of str
    effects : {"unit", "two-way"}
        Year effects enter as dummies beside the controls.

    Raises
    ------
    nqpf.errors.SampleError
        If the panel is unbalanced, or has one unit or one time.
    nqpf.errors.EstimationError
        If a variable does not vary or regressors are collinear.
    """
    _check_balanced(data.index)
    unit, time = (pd.factorize(data.index.get_level_values(i), sort=True)[0] for i in (0, 1))
    check_regressors(data[[*controls, *regimes]], unit, time if effects == "two-way" else None)
    q = data[threshold].to_numpy()
    values, counts = np.unique(q, return_counts=True)
    if len(values) < 2:
        raise EstimationError(
            f"threshold variable {threshold!r} does not vary",
            expected="a variable that sorts rows into regimes",
        )
    y, x, z = (data[names].to_numpy() for names in (outcome, controls, regimes))
    _check_level(data[regimes])
    periods = int(time.max()) + 1
    if effects == "two-way":
        x = np.hstack([x, np.eye(periods)[time]])
    raw = Design(
        outcome=y,
        fixed=x,
        # Scaled, so that variables in unlike units count alike when rank is judged.
        regime=z / np.sqrt((z**2).mean(axis=0)),
        values=values,
        below=np.cumsum(counts),
        order=np.argsort(q, kind="stable"),
        units=int(unit.max()) + 1,
        periods=periods,
    )
    inner = raw.within(y)
    if np.linalg.norm(inner) <= 1e-12 * np.linalg.norm(y):
        raise EstimationError(f"outcome {outcome!r} does not vary within any {data.index.names[0]}")
    return replace(raw, outcome=inner, fixed=raw.within(x))


def _check_level(regimes: pd.DataFrame) -> None:
    """Raise EstimationError where a regime variable's level drowns what varies.

    Split by regime, such a variable is a set of dummies: without intercepts by
    regime its zero decides what a threshold means.
    """
    level = np.sqrt((regimes**2).mean())
    for name in regimes.columns[regimes.std() < _LEVEL * level]:
        raise EstimationError(
            f"regime variable {name!r} varies by less than {_LEVEL:g} of its level",
            expected="a variable whose zero means something: there are no intercepts by regime",
            hint="measure it from its mean or in changes",
        )


def _check_balanced(index: pd.MultiIndex) -> None:
    """Raise SampleError naming the first unit and time that a balanced panel would have."""
    units, times = (index.unique(level) for level in (0, 1))
    if len(units) < 2:
        raise SampleError(
            f"1 {index.names[0]} is too few",
            where=place((units[0],), (index.names[0],)),
            expected="two or more: errors are drawn as whole histories",
        )
    if len(times) < 2:
        raise SampleError(f"1 {index.names[1]} is too few", expected="two or more")
    absent = pd.MultiIndex.from_product([units, times], names=index.names).difference(index)
    if len(absent):
        raise SampleError(
            f"the panel is not balanced: {len(absent)} row(s) are absent",
            where=place(absent[0], index.names),
            expected=f"every {index.names[0]} in each {index.names[1]}, as the theory has it",
            hint="restrict years or units to a balanced panel and say so",
        )
