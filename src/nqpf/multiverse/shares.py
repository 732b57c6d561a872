"""How much of the spread of an estimate goes with each choice: functional analysis of variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.checks import choose, distinct
from nqpf.errors import DataError, SampleError

if TYPE_CHECKING:
    from nqpf.multiverse.results import Multiverse

# Names of the units on pages, and the column of the results; ranks are those of the second.
_UNITS = {"pooled": "estimate", "partial": "partial", "within": "within", "ranks": "partial"}
_DECOMPOSED = ("measure", "transformation", "effects", "controls", "sample", "vintage")


@dataclass(frozen=True)
class _VarianceShares:
    """Shares of the variance of an estimate, by choice.

    Attributes
    ----------
    shares : DataFrame by axis
        ``levels``: how many the axis has. ``first_order``: the variance of the
        mean estimate by level, over the variance. ``total``: what is left to
        explain once every other axis is known and this one is not.
        ``compared``: share of the rows for which the table also holds another
        level of the axis with all other choices the same; where it is small,
        `total` rests on few comparisons and a share of an axis nested in
        another one is zero by construction.
    unexplained : float
        Share that varies among rows in which all axes are the same.
    filled : float
        Share of the combinations of levels that occur.
    """

    shares: pd.DataFrame
    unexplained: float
    filled: float

    @property
    def interactions(self) -> float:
        """Share that no axis explains alone: 1 - unexplained - sum of first-order shares.

        Negative when the choices of an unbalanced table overlap.
        """
        return 1 - self.unexplained - float(self.shares["first_order"].sum())

    def to_frame(self) -> pd.DataFrame:
        """Return the shares, the largest total first."""
        return self.shares.sort_values(["total", "first_order"], ascending=False, kind="stable")

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.3f}".format)


def variance_shares(
    table: pd.DataFrame, axes: Sequence[str], estimate: str = "estimate"
) -> _VarianceShares:
    """Decompose the variance of an estimate over the choices that led to it.

    With V the variance over rows, an axis a and all other axes ~a::

        first order  V(E[estimate | a]) / V
        total        (V(E[estimate | all]) - V(E[estimate | ~a])) / V

    the functional analysis of variance of Sobol (1993) and, for the total,
    Homma and Saltelli (1996). When every combination of choices stands in one
    row, V(E[estimate | all]) is V. On a balanced table the first-order share is
    an axis's type II sum of squares over the total one. On any other table
    axes go together, and a share includes what an axis carries of others.

    Choices that exist only under another one, such as the weights of a
    composite or the estimator of a productivity measure, should enter as one
    column with it, such as ``measure``, or be decomposed on the rows where they exist. What
    varies among rows with the same choices is in ``unexplained`` and in no axis; a total of zero
    beside ``compared`` = 0 reads as "cannot be told", not as "does not matter".

    Parameters
    ----------
    table : DataFrame
        One row per specification; a missing choice is a level of its own (the
        choice does not apply).
    axes : sequence of str
        Columns of choices.
    estimate : str
        Column to decompose. Estimates must be in one unit.

    Returns
    -------
    An object with ``shares`` (``first_order``, ``total``, ``levels`` and ``compared`` by axis),
    ``unexplained``, ``filled``, ``interactions`` and ``to_frame``, which sorts.

    Raises
    ------
    nqpf.errors.DataError
        If a column is unknown or the estimate not numeric.
    nqpf.errors.SampleError
        If an estimate is missing or infinite, or all are the same.
    nqpf.errors.MethodError
        If there is no axis, one comes twice, or one is the estimate.

    Examples
    --------
    >>> table = pd.DataFrame({"measure": list("aabb"), "controls": list("xyxy"),
    ...                       "estimate": [0.0, 1.0, 3.0, 4.0]})
    >>> variance_shares(table, ["measure", "controls"]).shares["first_order"].tolist()
    [0.9, 0.1]
    """
    axes = distinct("axes", axes)
    distinct("axes and the estimate", [*axes, estimate])
    y = _centred(table, axes, estimate)
    coded = {name: pd.factorize(table[name], use_na_sentinel=False)[0] for name in axes}
    choices = pd.DataFrame(coded)
    everything = _codes(choices, axes)
    first = np.unique(everything, return_index=True)[1]
    variance, whole = float(y @ y) / len(y), _between(y, everything)
    rows = {}
    for name, code in coded.items():
        others = _codes(choices, [other for other in axes if other != name])
        rows[name] = {
            "levels": code.max() + 1,
            "first_order": _between(y, code) / variance,
            "total": max(whole - _between(y, others), 0.0) / variance,
            "compared": (np.bincount(others[first])[others] > 1).mean(),
        }
    shares = pd.DataFrame.from_dict(rows, orient="index").rename_axis("axis")
    filled = len(first) / prod(shares["levels"].tolist())
    return _VarianceShares(shares, max(1 - whole / variance, 0.0), filled)


def _centred(table: pd.DataFrame, columns: list[str], estimate: str) -> np.ndarray:
    """Return the estimates less their mean, having checked the table."""
    for name in (*columns, estimate):
        choose("column", name, list(table.columns), DataError)
    if not pd.api.types.is_numeric_dtype(table[estimate]):
        raise DataError("estimates that are not numbers", where={"column": estimate})
    y = table[estimate].to_numpy(dtype=float, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(y))
    if len(bad):
        problem = f"{len(bad)} missing or infinite estimate(s)"
        where = {"row": table.index[bad[0]], "column": estimate}
        raise SampleError(problem, where=where, hint="leave these specifications out and say so")
    if not (len(y) and y.max() > y.min()):
        raise SampleError("the estimate does not vary", expected="two or more values")
    return y - y.mean()


def _codes(choices: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Return an integer per combination of the columns' values, without a column 0 for all."""
    if not columns:
        return np.zeros(len(choices), dtype=np.int64)
    return choices.groupby(columns, sort=False).ngroup().to_numpy()


def _between(y: np.ndarray, code: np.ndarray) -> float:
    """Return the variance of the group means of `y`, whose mean is zero."""
    return float((np.bincount(code, y) ** 2 / np.bincount(code)).sum()) / len(y)


def _disagreement(multiverse: Multiverse) -> pd.DataFrame:
    """Split the variance of the estimates of each question by choice, in four units.

    Standard deviations over the rows of the regression (``pooled``) do not compare once effects
    of provinces and years are removed, since measures and transformations differ in how much
    of them is left. ``partial`` is the partial correlation, ``within`` counts in standard
    deviations of what the effects leave, and ``ranks`` puts the partial correlations of a
    question in order, so that no distance counts.
    """
    table = multiverse.curve(errors=multiverse.declaration.levels["errors"][0])
    parts = []
    for (direction, variable), own in table.groupby(["direction", "variable"], observed=True):
        for unit, column in _UNITS.items():
            values = own[column].astype(float)
            values = values.rank() if unit == "ranks" else values
            shares = variance_shares(own.assign(effect=values), _DECOMPOSED, estimate="effect")
            rows = shares.shares[["first_order", "total"]].reset_index()
            parts.append(rows.assign(direction=direction, variable=variable, unit=unit))
    rows = pd.concat(parts, ignore_index=True)
    return rows[["direction", "variable", "unit", "axis", "first_order", "total"]]
