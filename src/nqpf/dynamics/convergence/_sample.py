"""Samples of levels by province and year, and weights that are joined to them by key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.tfp.sample import by_key, check_positive, place

__all__ = ["joined_weights", "levels", "years_of"]


def levels(scores: pd.Series, what: str = "the measure") -> pd.Series:
    """Return positive levels as floats, indexed (unit, year) and sorted.

    Parameters
    ----------
    scores : Series indexed (unit, year)
        Levels, not logarithms.

    Raises
    ------
    nqpf.errors.SampleError
        If the index is not (unit, year), a key is doubled or a figure is missing.
    nqpf.errors.DataError
        If a level is zero or negative, so that it has no logarithm.
    """
    if not isinstance(scores, pd.Series) or scores.index.nlevels != 2:
        raise SampleError(
            f"{what} is not a series by unit and year",
            expected="a Series indexed (province, year), such as Index.scores",
        )
    unit, time = scores.index.names[0] or "unit", scores.index.names[1] or "year"
    named = scores.rename("level").rename_axis([unit, time])
    data = by_key(named.to_frame(), ["level"], unit, time, what)["level"]
    check_positive(data, what, "levels above zero; take exp of a log measure, and shift no index")
    return data.rename(scores.name)


def years_of(data: pd.Series, least: int, purpose: str) -> list[int]:
    """Return the years of a sample; raise SampleError if there are fewer than `least`."""
    years = data.index.unique(1)
    if not np.issubdtype(years.dtype, np.integer):
        raise SampleError("times are not whole years", expected="integers")
    if len(years) < least:
        raise SampleError(f"{len(years)} year(s)", expected=f"{least} years or more for {purpose}")
    return sorted(int(year) for year in years)


def joined_weights(weights: pd.DataFrame, units: Sequence[object]) -> pd.DataFrame:
    """Return row-standardised spatial weights in the order of `units`, joined by key.

    Parameters
    ----------
    weights : DataFrame (n, n), or nqpf.space.Weights
        Row and column labels are the units, in any order.
    units : sequence
        The units of the sample.

    Raises
    ------
    nqpf.errors.SampleError
        If the units of rows, columns and sample are not the same, or one has no neighbour.
    nqpf.errors.DataError
        If a weight is negative or not finite, a unit neighbours itself or rows do not add up to 1.

    Examples
    --------
    >>> w = pd.DataFrame([[1, 0], [0, 1.0]], index=[2, 1], columns=[1, 2])
    >>> joined_weights(w, [1, 2]).index.tolist()
    [1, 2]
    """
    weights = getattr(weights, "matrix", weights)
    if not isinstance(weights, pd.DataFrame):
        raise MethodError(
            "weights without labels", expected="a DataFrame with the units as rows and columns"
        )
    wanted = pd.Index(units)
    for side, labels in (("rows", weights.index), ("columns", weights.columns)):
        if labels.has_duplicates:
            raise SampleError(f"{side} of the weights name {labels[labels.duplicated()][0]} twice")
        for own, other, where in ((wanted, labels, "weights"), (labels, wanted, "sample")):
            absent = own.difference(other)
            if len(absent):
                raise SampleError(
                    f"a unit is not in the {where} ({side})",
                    where=place((absent[0],), ("province",)),
                    expected="the same units in sample and weights",
                    hint="restrict both to the same units and standardise the rows again",
                )
    matrix = weights.loc[wanted, wanted].astype(float)
    _check_values(matrix)
    return matrix


def _check_values(matrix: pd.DataFrame) -> None:
    values = matrix.to_numpy()
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        row = int(np.flatnonzero(bad.any(axis=1))[0])
        raise DataError(
            "a weight is negative or not finite",
            where=place((matrix.index[row],), ("province",)),
            expected="weights of zero or more",
        )
    own = np.flatnonzero(np.diag(values) != 0)
    if len(own):
        raise DataError(
            "a unit is its own neighbour",
            where=place((matrix.index[own[0]],), ("province",)),
            expected="zeros on the diagonal",
        )
    sums = values.sum(axis=1)
    alone = np.flatnonzero(sums == 0)
    if len(alone):
        raise SampleError(
            "a unit has no neighbour",
            where=place((matrix.index[alone[0]],), ("province",)),
            expected="one neighbour or more",
            hint="link it (Hainan and Guangdong face each other) or leave it out",
        )
    off = np.flatnonzero(np.abs(sums - 1) > 1e-8)
    if len(off):
        raise DataError(
            f"weights of a row add up to {sums[off[0]]:g}",
            where=place((matrix.index[off[0]],), ("province",)),
            expected="row-standardised weights that add up to 1",
        )
