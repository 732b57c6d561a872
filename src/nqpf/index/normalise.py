"""Normalisation: raw indicators to common units, where more is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from nqpf.errors import DataError
from nqpf.index._arrays import Floats, matrix, require_finite, sweep
from nqpf.index._columns import (
    ConstantIndicatorWarning,
    directions,
    labels,
    nothing_varies,
    unit_range,
    warn,
    warn_constant,
)
from nqpf.index.standardise import rank, vector, zscore
from nqpf.index.target import target

__all__ = [
    "METHODS",
    "SIGNED",
    "UNIT",
    "WITHIN_YEAR",
    "ConstantIndicatorWarning",
    "minmax",
    "minmax_yearly",
    "rank",
    "target",
    "vector",
    "zscore",
]


def minmax(x: ArrayLike, benefit: ArrayLike, names: Sequence[str] | None = None) -> Floats:
    """Scale each column to [0, 1] by its range over all rows.

    A benefit becomes (x - min) / (max - min), a cost (max - x) / (max - min).
    The range is pooled over all provinces and years, so scores compare over
    time (OECD/JRC, *Handbook on Constructing Composite Indicators*, 2008,
    section 5).

    Parameters
    ----------
    x : array_like, shape (N, m)
        Raw indicators in any units.
    benefit : array_like of bool, shape (m,)
        True where more is better, False where less is better.
    names : sequence of str or None
        Names of the columns for messages; positions when None.

    Returns
    -------
    ndarray, shape (N, m)
        Without unit. A constant column becomes zeros, with a
        :class:`ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or if every column is constant.
    nqpf.errors.MethodError
        If `benefit` is not one boolean per column.

    Examples
    --------
    >>> minmax([[1.0, 5.0], [2.0, 3.0], [5.0, 1.0]], [True, False])
    array([[0.  , 0.  ],
           [0.25, 0.5 ],
           [1.  , 1.  ]])
    """
    x = matrix(x, "x")
    z, constant = unit_range(x, directions(benefit, x.shape[1]))
    warn_constant(constant, names)
    return z


def minmax_yearly(
    x: ArrayLike, benefit: ArrayLike, years: ArrayLike, names: Sequence[str] | None = None
) -> Floats:
    """Scale each column to [0, 1] by its range within each year.

    The formula is that of :func:`minmax`, but every year has a range of its
    own, so scores rank provinces within a year and **do not compare over
    time**.

    Parameters
    ----------
    x : array_like, shape (N, m)
        Raw indicators in any units.
    benefit : array_like of bool, shape (m,)
        True where more is better, False where less is better.
    years : array_like, shape (N,)
        Year of each row.
    names : sequence of str or None
        Names of the columns for messages; positions when None.

    Returns
    -------
    ndarray, shape (N, m)
        Without unit. A column that is constant in a year becomes zeros in
        that year, with a :class:`ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, if `years` does not match the
        rows, or if every column is constant in some year.
    nqpf.errors.MethodError
        If `benefit` is not one boolean per column.

    Examples
    --------
    >>> minmax_yearly([[1.0], [3.0], [10.0], [20.0]], [True], [2021, 2021, 2022, 2022]).ravel()
    array([0., 1., 0., 1.])
    """
    x = matrix(x, "x")
    benefit = directions(benefit, x.shape[1])
    years = np.asarray(years)
    if years.shape != (len(x),):
        raise DataError(f"years has shape {years.shape}", expected=f"one year per row ({len(x)},)")
    require_finite(x, *sweep(x, np.minimum, np.maximum), name="x")
    z = np.empty_like(x)
    flat: dict[str, list[str]] = {}
    for year in np.unique(years):
        rows = years == year
        z[rows], constant = unit_range(x[rows], benefit)
        if constant.all():
            raise nothing_varies(year)
        for label in labels(constant, names):
            flat.setdefault(label, []).append(str(year))
    if flat:
        places = "; ".join(f"{label} in {', '.join(when)}" for label, when in flat.items())
        warn(f"constant within a year, so set to zero there: {places}")
    return z


METHODS: dict[str, Callable[..., Floats]] = {
    "minmax": minmax,
    "minmax_yearly": minmax_yearly,
    "rank": rank,
    "target": target,
    "vector": vector,
    "zscore": zscore,
}
# Methods whose scores rank provinces within a year but do not compare over time.
WITHIN_YEAR = frozenset({"minmax_yearly"})
# Methods whose best possible value is 1 and worst 0, so that 1 - z is a shortfall.
UNIT = frozenset({"minmax", "minmax_yearly", "rank", "target"})
# Methods that always give values below zero.
SIGNED = frozenset({"zscore"})
