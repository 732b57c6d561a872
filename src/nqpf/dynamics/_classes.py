"""Classes of a measure: cut-offs fixed over the pooled sample, and transitions by key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.tfp.sample import by_key

__all__ = ["classify", "cutoffs_of", "panel", "relative_to_mean", "transitions"]


def panel(scores: pd.Series, what: str = "the measure") -> pd.Series:
    """Return finite figures indexed (unit, year), sorted; two years at least.

    Raises
    ------
    nqpf.errors.SampleError
        If the index is another one, a key is doubled, a figure is missing or
        no unit has two years in a row.
    """
    if not isinstance(scores, pd.Series) or scores.index.nlevels != 2:
        raise SampleError(
            f"{what} is not a series by unit and year",
            expected="a Series indexed (province, year), such as Index.scores",
        )
    unit, time = scores.index.names[0] or "unit", scores.index.names[1] or "year"
    named = scores.rename("value").rename_axis([unit, time])
    data = by_key(named.to_frame(), ["value"], unit, time, what)["value"]
    years = data.index.get_level_values(1)
    if not np.issubdtype(years.dtype, np.integer):
        raise SampleError("times are not whole years", expected="integers")
    return data.rename(scores.name)


def relative_to_mean(data: pd.Series) -> pd.Series:
    """Return figures over their mean of the year.

    Raises
    ------
    nqpf.errors.DataError
        If a mean is not positive, as it can be of logarithms.
    """
    means = data.groupby(level=1).transform("mean")
    if not (means > 0).all():
        raise DataError(
            f"the mean of a year is {means[~(means > 0)].iloc[0]:g}",
            where={"year": int(means.index[~(means > 0)][0][1])},
            expected="a positive mean; take exp of a log measure",
        )
    return data / means


def cutoffs_of(values: pd.Series, classes: int | Sequence[float], what: str) -> np.ndarray:
    """Return upper bounds of all classes but the last.

    Parameters
    ----------
    values : Series
        Pooled figures.
    classes : int or sequence of float
        Number of classes with equally many figures each, or the cut-offs.
    what : str
        Name in messages.

    Raises
    ------
    nqpf.errors.MethodError
        If there are under two classes or cut-offs do not ascend.
    nqpf.errors.SampleError
        If quantiles coincide because figures repeat.
    """
    if isinstance(classes, int | np.integer) and not isinstance(classes, bool):
        if classes < 2:
            raise MethodError(f"{classes} classes of {what}", expected="two or more")
        found = np.quantile(values.to_numpy(), np.arange(1, classes) / classes)
        if (np.diff(found) <= 0).any() or found[-1] >= values.max():
            raise SampleError(
                f"quantiles of {what} coincide, so that a class would have no members",
                expected=f"{classes} classes of figures that differ",
                hint="take fewer classes or give cut-offs",
            )
        return found
    found = np.asarray(classes, dtype=float)
    if (
        found.ndim != 1
        or not len(found)
        or not np.isfinite(found).all()
        or (np.diff(found) <= 0).any()
    ):
        raise MethodError(
            f"cut-offs {list(np.ravel(found))} of {what}",
            expected="a number of classes, or finite cut-offs in ascending order",
        )
    return found


def classify(values: pd.Series, cutoffs: np.ndarray) -> pd.Series:
    """Return classes 1, ..., k; a figure that equals a cut-off belongs to the class below it.

    Examples
    --------
    >>> classify(pd.Series([0.1, 0.5, 0.9]), np.array([0.5])).tolist()
    [1, 1, 2]
    """
    codes = np.searchsorted(cutoffs, values.to_numpy(), side="left") + 1
    return pd.Series(codes, index=values.index, name="class")


def transitions(classes: pd.Series) -> pd.DataFrame:
    """Return one row per unit and pair of adjacent years: where it was, ``from`` and ``to``.

    A pair with a year between them is no transition, so that gaps are never jumped.

    Raises
    ------
    nqpf.errors.SampleError
        If no unit has two adjacent years.
    """
    unit, time = classes.index.names
    after = classes.rename("to").reset_index()
    after[time] -= 1
    moves = classes.rename("from").to_frame().join(after.set_index([unit, time]), how="inner")
    if moves.empty:
        raise SampleError(
            "no unit has two adjacent years", expected="a panel with consecutive years"
        )
    return moves
