"""Variables in standard deviations, so that coefficients of unlike measures compare."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from nqpf.errors import DataError, EstimationError
from nqpf.tfp.sample import check_finite, nearest

__all__ = ["standardise"]


def standardise(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return `frame` with `columns` as z-scores over its rows.

    A coefficient on a standardised regressor is the change of the outcome that
    goes with one standard deviation of it in this sample. Restrict the sample
    first: the rows given are the rows that set mean and deviation.

    Parameters
    ----------
    frame : DataFrame
    columns : sequence of str
        Columns to standardise; the others are left as they are.

    Returns
    -------
    DataFrame
        A new frame; mean 0 and sample standard deviation 1 (ddof = 1) in `columns`.

    Raises
    ------
    nqpf.errors.DataError
        If a column is unknown or not numeric.
    nqpf.errors.SampleError
        If a figure is missing.
    nqpf.errors.EstimationError
        If a column does not vary.

    Examples
    --------
    >>> standardise(pd.DataFrame({"x": [1.0, 2.0, 3.0]}), ["x"])["x"].tolist()
    [-1.0, 0.0, 1.0]
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
    return frame.assign(**(centred / spread))
