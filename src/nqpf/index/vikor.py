"""VIKOR: a compromise between the sum of regrets and the largest of them."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nqpf.errors import DataError, MethodError
from nqpf.index._arrays import Floats, blocks, matrix, weight_vector
from nqpf.index._columns import unit_range
from nqpf.index.result import names as province_names

if TYPE_CHECKING:
    from nqpf.index.result import Index

__all__ = ["Compromise", "Measures", "compromise", "measures", "of_index"]

# S, R and Q lie in [0, 1]; what differs by less is the same up to rounding.
_TIE = 1e-12


class Measures(NamedTuple):
    """The three measures of VIKOR, each of shape (N,) and better when lower."""

    S: Floats
    R: Floats
    Q: Floats


def measures(z: ArrayLike, w: ArrayLike, v: float = 0.5) -> Measures:
    """Return the group utility S, the individual regret R and the measure Q.

    With f*_j and f-_j the largest and the smallest z_j over all rows,

    - S_i = sum_j w_j (f*_j - z_ij) / (f*_j - f-_j),
    - R_i = max_j w_j (f*_j - z_ij) / (f*_j - f-_j),
    - Q_i = v (S_i - S*) / (S- - S*) + (1 - v) (R_i - R*) / (R- - R*),

    where S* and R* are the smallest and S- and R- the largest values
    (Opricovic and Tzeng 2004, European Journal of Operational Research 156,
    pp. 447-448).

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, more is better.
    w : array_like, shape (m,)
        Weights of zero or more that sum to 1 within 1e-12.
    v : float
        Weight of group utility against individual regret, from 0 to 1.

    Returns
    -------
    Measures
        S, R and Q in [0, 1]. A constant column adds no regret. Where all S
        (or all R) are the same, 0 / 0 is set to 0: that measure tells no row
        from another and adds nothing to Q.

    Raises
    ------
    nqpf.errors.MethodError
        If the weights have the wrong length, sign or sum, or `v` is not a
        number from 0 to 1.
    nqpf.errors.DataError
        If a value is missing or infinite.

    Examples
    --------
    >>> measures([[0.0, 1.0], [1.0, 0.0], [0.8, 0.6]], [0.5, 0.5]).Q
    array([1., 1., 0.])
    """
    z = matrix(z)
    w = weight_vector(w, z.shape[1])
    if not (isinstance(v, Real) and 0 <= v <= 1):
        raise MethodError(f"v is {v!r}", expected="a number from 0 to 1")
    regret, _ = unit_range(z, upward=False, name="z")
    total, largest = np.empty(len(z)), np.empty(len(z))
    for rows, block in blocks(regret):
        block *= w
        block.sum(axis=1, out=total[rows])
        block.max(axis=1, out=largest[rows])
    return Measures(total, largest, v * _spread(total) + (1 - v) * _spread(largest))


def _spread(values: Floats) -> Floats:
    """Return the values on [0, 1] by their range; zeros if they differ by rounding only."""
    low, width = values.min(), np.ptp(values)
    return np.zeros_like(values) if width <= _TIE else (values - low) / width


@dataclass(frozen=True, eq=False, repr=False)
class Compromise:
    """The ranking by VIKOR and the compromise that it proposes.

    Parameters
    ----------
    table : DataFrame
        One row per alternative, best Q first: ``S``, ``R``, ``Q``,
        ``rank_S``, ``rank_R``, ``rank_Q`` (tied values share the better
        rank) and ``compromise``, True in the compromise set.
    v : float
        Weight of group utility against individual regret.
    threshold : float
        DQ = 1 / (N - 1), the least lead in Q that counts as an advantage;
        missing with one alternative.
    advantage : bool
        First condition: the second Q is at least DQ above the best. Two
        alternatives that share the best Q have no advantage over each other;
        one that is alone has.
    stability : bool
        Second condition: what is best by Q is best by S or by R as well.
    sample : str
        What the alternatives are.
    """

    table: pd.DataFrame
    v: float
    threshold: float
    advantage: bool
    stability: bool
    sample: str = ""

    @property
    def members(self) -> list[object]:
        """Labels of the compromise set, best Q first.

        One label if both conditions hold; the best and what is second if only
        stability fails; else all whose Q is less than DQ above the best.
        """
        return self.table.index[self.table["compromise"]].tolist()

    def _caption(self) -> str:
        held = {True: "holds", False: "fails"}
        lead = f"VIKOR, v = {self.v:g}" + (f", {self.sample}" if self.sample else "")
        return (
            f"{lead}: advantage (DQ = {self.threshold:.4f}) {held[self.advantage]}, "
            f"stability {held[self.stability]}; "
            f"compromise: {', '.join(str(label) for label in self.members)}"
        )

    def __repr__(self) -> str:
        return f"<{self._caption()}>"

    def _repr_html_(self) -> str:
        table = self.table.to_html(escape=True, float_format="{:.4f}".format)
        return f"<p>{html.escape(self._caption())}</p>\n{table}"


def compromise(
    z: ArrayLike, w: ArrayLike, v: float = 0.5, labels: ArrayLike | None = None
) -> Compromise:
    """Rank the rows by VIKOR and test the two conditions of acceptance.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, more is better.
    w : array_like, shape (m,)
        Weights of zero or more that sum to 1 within 1e-12.
    v : float
        Weight of group utility against individual regret, from 0 to 1.
    labels : array_like or None
        Names of the rows; positions when None.

    Returns
    -------
    Compromise
        Conditions and set as in Opricovic and Tzeng (2004, p. 448).

    Raises
    ------
    nqpf.errors.MethodError
        If the weights have the wrong length, sign or sum, or `v` is not a
        number from 0 to 1.
    nqpf.errors.DataError
        If a value is missing or infinite, or there is not one label per row.

    Examples
    --------
    >>> compromise([[0.0, 1.0], [1.0, 0.0], [0.8, 0.6]], [0.5, 0.5], labels=["a", "b", "c"])
    <VIKOR, v = 0.5: advantage (DQ = 0.5000) holds, stability holds; compromise: c>
    """
    values = measures(z, w, v)
    n = len(values.Q)
    names = pd.RangeIndex(n) if labels is None else pd.Index(labels)
    if len(names) != n:
        raise DataError(f"{len(names)} labels for {n} rows", expected="one label per row")
    table = pd.DataFrame(values._asdict(), index=names)
    ranks = table.round(12).rank(method="min").astype("int64").add_prefix("rank_")
    threshold = 1 / (n - 1) if n > 1 else np.nan
    lead = values.Q - values.Q.min()
    best = lead <= _TIE
    advantage = n == 1 or (best.sum() == 1 and bool(lead[~best].min() >= threshold - _TIE))
    best_by_one = (values.S <= values.S.min() + _TIE) | (values.R <= values.R.min() + _TIE)
    stability = bool(best_by_one[best].all())
    if advantage and stability:
        chosen = best
    elif advantage:
        chosen = lead <= lead[~best].min() + _TIE
    else:
        chosen = lead < threshold - _TIE
    table = pd.concat([table, ranks], axis="columns").assign(compromise=chosen | best)
    return Compromise(
        table=table.sort_values(["rank_Q", "S"], kind="stable"),
        v=float(v),
        threshold=threshold,
        advantage=advantage,
        stability=stability,
    )


def of_index(index: Index, year: int | None = None, v: float | None = None) -> Compromise:
    """Rank provinces by VIKOR with the normalised values and weights of an index.

    Parameters
    ----------
    index : Index
        Any index, whatever its aggregation.
    year : int or None
        Compare the provinces in that year with each other, best and worst
        values taken from that year; all province-years when None.
    v : float or None
        Weight of group utility; when None that of the index's recipe, else
        0.5.

    Returns
    -------
    Compromise
        Labelled by name of the province, or by name and year.

    Raises
    ------
    nqpf.errors.SampleError
        If the year has no scores.
    nqpf.errors.MethodError
        If `v` is not a number from 0 to 1.
    """
    v = index.recipe.options.get("v", 0.5) if v is None else v
    z = index.normalised if year is None else index.normalised.loc[index.rows(year)]
    labels = province_names(z.index.get_level_values("province"))
    sample = f"{len(z)} provinces in {year}"
    if year is None:
        years = z.index.get_level_values("year")
        labels = [f"{label} {when}" for label, when in zip(labels, years, strict=True)]
        sample = f"{len(z)} province-years"
    result = compromise(z.to_numpy(), index.weights.to_numpy(), v, labels)
    return replace(result, sample=sample)
