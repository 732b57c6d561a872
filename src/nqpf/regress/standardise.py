"""Variables in standard deviations, so that coefficients of unlike measures compare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.errors import DataError, EstimationError, MethodError
from nqpf.tfp.sample import check_finite, check_keys, nearest
from nqpf.tfp.within import demean, rounding_floor

__all__ = ["standardise"]


_WITHIN = ("two-way", "unit", "time")


def standardise(
    frame: pd.DataFrame, columns: Sequence[str], within: str | None = None
) -> pd.DataFrame:
    """Return `frame` with `columns` centred, in standard deviations over its rows.

    A coefficient on a standardised regressor is the change of the outcome that
    goes with one standard deviation of it in this sample. Restrict the sample
    first: the rows given are the rows that set mean and deviation.

    A regression with fixed effects uses only what they leave of a variable, a share that
    differs from variable to variable, so that its coefficients compare in standard deviations
    *within*: those of what the effects leave. With both sides in this unit and one regressor,
    the coefficient is the partial correlation, between -1 and 1.

    Parameters
    ----------
    frame : DataFrame
        Indexed (unit, time) where `within` is given.
    columns : sequence of str
        Columns to standardise; the others are left as they are.
    within : {"two-way", "unit", "time"} or None
        Effects that are taken out before the deviation is measured; not from the columns
        themselves. None for the deviation of the column as it is.

    Returns
    -------
    DataFrame
        A new frame; in `columns` mean 0 and, with the effects taken out or not, sample
        standard deviation 1 (ddof = 1).

    Raises
    ------
    nqpf.errors.DataError
        If a column is unknown or not numeric.
    nqpf.errors.MethodError
        If `within` is unknown.
    nqpf.errors.SampleError
        If a figure is missing, or `within` is given and the index is no key.
    nqpf.errors.EstimationError
        If a column does not vary, or only with the effects.

    Examples
    --------
    >>> standardise(pd.DataFrame({"x": [1.0, 2.0, 3.0]}), ["x"])["x"].tolist()
    [-1.0, 0.0, 1.0]
    >>> keys = pd.MultiIndex.from_product([[1, 2], [2020, 2021]], names=["province", "year"])
    >>> data = pd.DataFrame({"x": [1.0, 2.0, 9.0, 12.0]}, keys)
    >>> float(standardise(data, ["x"], within="unit")["x"].diff().iloc[1].round(3))
    0.775
    """
    for name in columns:
        if name not in frame.columns:
            raise DataError(
                f"unknown variable {name!r}",
                expected="a column of the frame",
                hint=nearest(name, map(str, frame.columns)),
            )
    chosen = frame[list(columns)]
    check_finite(chosen, "the frame")
    centred = chosen - chosen.mean()
    spread = chosen.std()
    flat = spread[~(spread > 1e-14 * chosen.abs().max())]
    if len(flat):
        raise EstimationError(
            f"variable {flat.index[0]!r} does not vary", expected="two different values or more"
        )
    return frame.assign(**(centred / (spread if within is None else _within(chosen, within))))


def _within(chosen: pd.DataFrame, within: str) -> pd.Series:
    """Return the standard deviation of what the effects leave of each column."""
    if within not in _WITHIN:
        raise MethodError(
            f"unknown effects {within!r}",
            expected=" or ".join(map(repr, _WITHIN)) + ", or None",
            hint=nearest(within, _WITHIN),
        )
    check_keys(chosen.index, "the frame")
    unit, time = (pd.factorize(chosen.index.get_level_values(i))[0] for i in (0, 1))
    values = chosen.to_numpy(dtype=float)
    left = demean(values, None if within == "time" else unit, None if within == "unit" else time)
    absorbed = np.linalg.norm(left, axis=0) <= rounding_floor(values)
    if absorbed.any():
        name = chosen.columns[absorbed][0]
        raise EstimationError(
            f"variable {name!r} does not vary once the {within} effects are removed",
            expected="variation within, or within=None",
        )
    return pd.Series(left.std(axis=0, ddof=1), index=chosen.columns)
