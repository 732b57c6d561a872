"""How much of the variance of an estimate each choice accounts for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, prod

import numpy as np
import pandas as pd

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.tfp.sample import nearest

__all__ = ["MOST_SHAPLEY", "VarianceShares", "variance_shares"]

MOST_SHAPLEY = 10  # axes; each one more doubles the work
_LARGEST = 2**62  # codes of combined choices stay below it


@dataclass(frozen=True)
class VarianceShares:
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
        another one is zero by construction. ``shapley``, when asked for.
    variance : float
        Of the estimate over the rows, divided by their number.
    unexplained : float
        Share that varies among rows in which all axes are the same.
    nobs : int
        Rows.
    filled : float
        Share of the combinations of levels that occur.
    balanced : bool
        Every combination occurs, and equally often. First-order shares then
        add up to at most one; otherwise the axes go together and they need not.
    """

    shares: pd.DataFrame
    variance: float
    unexplained: float
    nobs: int
    filled: float
    balanced: bool

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
    table: pd.DataFrame,
    axes: Sequence[str] | Mapping[str, Sequence[str]],
    estimate: str = "estimate",
    shapley: bool = False,
) -> VarianceShares:
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
    axis with it, as ``{"measure": ["kind", "system", "estimator"]}``, or be
    decomposed on the rows where they exist.

    Parameters
    ----------
    table : DataFrame
        One row per specification; a missing choice is a level of its own (the
        choice does not apply).
    axes : sequence of str, or mapping of str to sequence of str
        Columns of choices, or names of axes with the columns that make them.
    estimate : str
        Column to decompose. Estimates must be in one unit.
    shapley : bool
        Add Shapley shares, which add up to 1 - unexplained on any table
        (Owen 2014): the mean gain in V(E[estimate | axes]) / V over the orders
        in which axes can become known. Doubles in time with each axis.

    Returns
    -------
    VarianceShares

    Raises
    ------
    nqpf.errors.DataError
        If a column is unknown or the estimate not numeric.
    nqpf.errors.SampleError
        If an estimate is missing or infinite, or all are the same.
    nqpf.errors.MethodError
        If there is no axis, a column is in two axes, or there are too many
        axes for Shapley shares.

    Examples
    --------
    >>> table = pd.DataFrame({"measure": list("aabb"), "controls": list("xyxy"),
    ...                       "estimate": [0.0, 1.0, 3.0, 4.0]})
    >>> variance_shares(table, ["measure", "controls"]).shares["first_order"].tolist()
    [0.9, 0.1]
    """
    groups = _groups(axes)
    y = _centred(table, [c for columns in groups.values() for c in columns], estimate)
    codes = {name: _codes(table, columns) for name, columns in groups.items()}
    if shapley and len(codes) > MOST_SHAPLEY:
        raise MethodError(
            f"Shapley shares of {len(codes)} axes",
            expected=f"at most {MOST_SHAPLEY}",
            hint="join columns into fewer axes",
        )
    variance = float(y @ y) / len(y)
    everything = _joined(list(codes.values()))
    whole = _between(y, everything)
    rows = {}
    for name, (code, levels) in codes.items():
        others = _joined([codes[other] for other in codes if other != name])
        rows[name] = {
            "levels": levels,
            "first_order": _between(y, code) / variance,
            "total": max(whole - _between(y, others), 0.0) / variance,
            "compared": _compared(others, everything),
        }
    shares = pd.DataFrame.from_dict(rows, orient="index").rename_axis("axis")
    if shapley:
        shares["shapley"] = _shapley(y, list(codes.values())) / variance
    counts = np.bincount(everything)
    filled = len(counts) / prod(levels for _, levels in codes.values())
    return VarianceShares(
        shares=shares,
        variance=variance,
        unexplained=max(1 - whole / variance, 0.0),
        nobs=len(y),
        filled=filled,
        balanced=bool(filled == 1 and counts.min() == counts.max()),
    )


def _groups(axes: Sequence[str] | Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    if isinstance(axes, str):
        axes = [axes]
    if isinstance(axes, Mapping):
        groups = {str(k): [v] if isinstance(v, str) else list(v) for k, v in axes.items()}
    else:
        groups = {name: [name] for name in axes}
        if len(groups) < len(axes):
            raise MethodError("an axis is named twice", expected="axes that all differ")
    if not groups or not all(groups.values()):
        raise MethodError("no axis, or an axis without columns", expected="at least one column")
    columns = [column for group in groups.values() for column in group]
    double = [column for column in columns if columns.count(column) > 1]
    if double:
        raise MethodError(f"column {double[0]!r} is in two axes", expected="each column once")
    return groups


def _centred(table: pd.DataFrame, columns: list[str], estimate: str) -> np.ndarray:
    """Return the estimates less their mean, having checked the table."""
    for name in (*columns, estimate):
        if name not in table.columns:
            raise DataError(
                f"unknown column {name!r}",
                expected="a column of the table",
                hint=nearest(name, map(str, table.columns)),
            )
    if estimate in columns:
        raise MethodError(f"{estimate!r} is both the estimate and a choice")
    if not pd.api.types.is_numeric_dtype(table[estimate]):
        raise DataError("estimates that are not numbers", where={"column": estimate})
    y = table[estimate].to_numpy(dtype=float, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(y))
    if len(bad):
        raise SampleError(
            f"{len(bad)} missing or infinite estimate(s)",
            where={"row": table.index[bad[0]], "column": estimate},
            hint="leave these specifications out and say so",
        )
    if not (len(y) and y.max() > y.min()):
        raise SampleError("the estimate does not vary", expected="two or more values")
    return y - y.mean()


def _codes(table: pd.DataFrame, columns: list[str]) -> tuple[np.ndarray, int]:
    """Return an integer per combination of the columns' values, and how many occur."""
    parts = []
    for column in columns:
        code, values = pd.factorize(table[column], use_na_sentinel=False)
        parts.append((code.astype(np.int64), len(values)))
    code = _joined(parts)
    return code, int(code.max()) + 1


def _joined(parts: list[tuple[np.ndarray, int]]) -> np.ndarray:
    """Return an integer per combination of codes, numbered from 0 without a gap."""
    if not parts:
        return np.zeros(1, dtype=np.int64)
    code, size = parts[0]
    for other, levels in parts[1:]:
        if size * levels > _LARGEST:
            code, values = pd.factorize(code)
            size = len(values)
        code, size = code * levels + other, size * levels
    return pd.factorize(code)[0]


def _between(y: np.ndarray, code: np.ndarray) -> float:
    """Return the variance of the group means of `y`, whose mean is zero."""
    if len(code) < len(y):  # no axis is known
        return 0.0
    sums, counts = np.bincount(code, y), np.bincount(code)
    return float((sums**2 / counts).sum()) / len(y)


def _compared(others: np.ndarray, everything: np.ndarray) -> float:
    """Return the share of rows whose other choices occur with two or more levels."""
    if len(others) < len(everything):  # the only axis: any other level compares
        return float(everything.max() > 0)
    first = np.unique(everything, return_index=True)[1]
    levels = np.bincount(others[first])
    return float((levels[others] > 1).mean())


def _shapley(y: np.ndarray, codes: list[tuple[np.ndarray, int]]) -> np.ndarray:
    """Return the Shapley value of each axis in the game S -> variance of E[y | S]."""
    size = len(codes)
    worth = {}
    for count in range(size + 1):
        for known in combinations(range(size), count):
            worth[known] = _between(y, _joined([codes[i] for i in known]))
    values = np.zeros(size)
    for known, value in worth.items():
        for i in range(size):
            if i not in known:
                gain = worth[tuple(sorted((*known, i)))] - value
                values[i] += gain / (size * comb(size - 1, len(known)))
    return values
