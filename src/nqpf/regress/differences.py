"""First differences between adjacent years."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.errors import SampleError
from nqpf.regress.conventions import DEFAULT
from nqpf.regress.effects import check_option, check_request, least_squares
from nqpf.regress.result import RegressionResult
from nqpf.tfp.sample import by_key

__all__ = ["TRENDS", "first_differences", "shift"]

TRENDS = ("none", "constant", "time")
_EFFECTS = {"none": "none", "constant": "pooled", "time": "time"}


def first_differences(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    unit: str = "province",
    time: str = "year",
    trend: str = "time",
    errors: str = "clustered",
    convention: str = DEFAULT,
    vintage: str = "",
    bandwidth: int | None = None,
) -> RegressionResult:
    """Regress the change of `outcome` since the year before on the change of `regressors`.

    Differencing removes unit effects. A row whose unit has no row of the year before has no
    difference: nothing is differenced across a gap.

    Parameters
    ----------
    frame, outcome, regressors, unit, time, errors, convention, vintage, bandwidth
        As for :func:`nqpf.regress.fixed_effects`; `time` in whole years.
    trend : {"time", "constant", "none"}
        What is common to all units: year effects, as in two-way fixed effects; one constant
        (R's plm); or nothing (linearmodels, and Stata's ``regress D.y D.x, noconstant``).

    Returns
    -------
    RegressionResult
        Rows, periods and R2 are those of the differences; R2 without a trend is about zero,
        otherwise about the means. The notes say how many rows have no difference.

    Raises
    ------
    nqpf.errors.SampleError
        If times are not whole years, or no two years are adjacent.
    nqpf.errors.DataError, nqpf.errors.MethodError, nqpf.errors.EstimationError
        As :func:`nqpf.regress.fixed_effects`.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], [2020, 2021, 2022]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8.0]}, index=keys)
    >>> frame["y"] = 2 * frame["x"] + [0, 1, 3, 5, 6, 8, 9, 10, 12]
    >>> fit = first_differences(frame, "y", "x")
    >>> float(fit.params["x"].round(3)), fit.nobs
    (2.0, 6)
    """
    names = check_request(outcome, regressors, errors)
    check_option("trend", trend, TRENDS)
    data = by_key(frame, [outcome, *names], unit, time, "the frame")
    change = (data - shift(data, 1)).dropna()
    if change.empty:
        raise SampleError(
            f"no {unit} has rows of two adjacent {time}s", expected="two adjacent years or more"
        )
    fit = least_squares(change, outcome, names, _EFFECTS[trend], errors, convention, bandwidth)
    parts = vars(fit)
    parts["notes"] = (_note(data, change, unit, time), *fit.notes)
    return RegressionResult(
        outcome=outcome,
        effects="differenced + time" if trend == "time" else "differenced",
        errors=errors,
        convention=convention,
        unit=unit,
        time=time,
        vintage=vintage,
        estimator="first differences",
        **parts,
    )


def shift(data: pd.DataFrame, periods: int) -> pd.DataFrame:
    """Return each row's values of `periods` years before, by key and never by position.

    Parameters
    ----------
    data : DataFrame indexed (unit, time)
        Sorted, without doubled keys, times in whole years.
    periods : int
        Years back; negative for years ahead.

    Returns
    -------
    DataFrame
        On the index of `data`; missing where the unit has no row of that year.

    Raises
    ------
    nqpf.errors.SampleError
        If times are not whole years.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_tuples([(1, 2020), (1, 2021), (1, 2023)],
    ...                                  names=["province", "year"])
    >>> shift(pd.DataFrame({"x": [5.0, 6.0, 8.0]}, keys), 1)["x"].tolist()
    [nan, 5.0, nan]
    """
    unit, time = (data.index.get_level_values(level) for level in (0, 1))
    years = time.to_numpy()
    if not np.issubdtype(years.dtype, np.number) or (years % 1 != 0).any():
        raise SampleError(
            f"{data.index.names[1]} {years[0]!r} and others are not whole years",
            expected="whole numbers, so that the year before is known",
        )
    sought = pd.MultiIndex.from_arrays([unit, years - periods], names=data.index.names)
    return data.reindex(sought).set_axis(data.index)


def _note(data: pd.DataFrame, change: pd.DataFrame, unit: str, time: str) -> str:
    first = data.index.get_level_values(0).nunique()
    gaps = len(data) - len(change) - first
    text = f"First differences between adjacent {time}s: {len(change)} of {len(data)} rows"
    if gaps:
        return f"{text}; {first} first rows of a {unit} and {gaps} after a gap have none."
    return f"{text}; the first row of each {unit} has none."
