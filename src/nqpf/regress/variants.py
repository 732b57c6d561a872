"""The same regression with the past or the future of a variable, found by unit and year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from nqpf.errors import MethodError, SampleError
from nqpf.regress.differences import shift
from nqpf.regress.effects import check_request, fixed_effects
from nqpf.regress.result import RegressionResult
from nqpf.tfp.sample import by_key, nearest

__all__ = ["check_names", "lagged", "lead_placebo"]


def lagged(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    lag: Sequence[str] | str | None = None,
    periods: int = 1,
    unit: str = "province",
    time: str = "year",
    **options: object,
) -> RegressionResult:
    """Regress `outcome` on regressors of `periods` years before.

    Parameters
    ----------
    frame, outcome, regressors, unit, time
        As for :func:`nqpf.regress.fixed_effects`.
    lag : sequence of str or None
        Regressors to replace by their lag; all by default.
    periods : int
        Years back, 1 or more. Values are found by unit and year, and are needed only where
        the shifted regression uses them: a row that lacks the value of that year, or another
        figure of its own, is left out, and the notes say how many.
    **options
        Passed to :func:`nqpf.regress.fixed_effects`.

    Returns
    -------
    RegressionResult
        Lagged regressors are named ``x (t-1)``.

    Raises
    ------
    nqpf.errors.MethodError
        If `periods` is not 1 or more, or `lag` names no regressor.
    nqpf.errors.SampleError
        If no row has a lag.
    nqpf.errors.NqpfError
        As :func:`nqpf.regress.fixed_effects`.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], [2020, 2021, 2022, 2023]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8, 2, 4, 6.0]}, index=keys)
    >>> frame["y"] = 2 * frame.groupby("province")["x"].shift(1).fillna(0)
    >>> fit = lagged(frame, "y", "x")
    >>> fit.params.round(6).to_dict(), fit.nobs
    ({'x (t-1)': 2.0}, 9)
    """
    names = check_request(outcome, regressors, "clustered")
    chosen = names if lag is None else [lag] if isinstance(lag, str) else list(lag)
    check_names(chosen, names, "lag")
    _check_periods(periods)
    data = _read(frame, [outcome, *names], unit, time)
    past = shift(data[chosen], periods)
    label = {name: f"{name} (t-{periods})" for name in chosen}
    moved = data.assign(**{name: past[name] for name in chosen}).rename(columns=label)
    kept = _complete(moved, past, unit, f"{periods} {time}(s) before")
    fit = fixed_effects(
        kept, outcome, [label.get(n, n) for n in names], unit=unit, time=time, **options
    )
    return _with_note(fit, f"{', '.join(chosen)} of {periods} {time}(s) before", data, kept)


def lead_placebo(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str] | str,
    variable: str | None = None,
    periods: int = 1,
    unit: str = "province",
    time: str = "year",
    **options: object,
) -> RegressionResult:
    """Add the value of a regressor `periods` years ahead: its coefficient should be zero.

    What happens next year cannot cause this year's outcome. A lead that matters speaks for a
    common trend, anticipation or reverse causation, unless the regressor is persistent and the
    outcome slow; one that does not is no proof of the opposite.

    Parameters
    ----------
    frame, outcome, regressors, unit, time
        As for :func:`nqpf.regress.fixed_effects`.
    variable : str or None
        Regressor to lead; the first by default.
    periods : int
        Years ahead, 1 or more, found by unit and year as in :func:`lagged`.
    **options
        Passed to :func:`nqpf.regress.fixed_effects`.

    Returns
    -------
    RegressionResult
        The lead is named ``x (t+1)``.

    Raises
    ------
    nqpf.errors.NqpfError
        As :func:`lagged`.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], [2020, 2021, 2022, 2023]],
    ...                                   names=["province", "year"])
    >>> frame = pd.DataFrame({"x": [1, 2, 4, 2, 5, 7, 3, 3, 8, 2, 4, 6.0]}, index=keys)
    >>> frame["y"] = 2 * frame["x"]
    >>> abs(lead_placebo(frame, "y", "x").params.round(6)).to_dict()
    {'x': 2.0, 'x (t+1)': 0.0}
    """
    names = check_request(outcome, regressors, "clustered")
    variable = names[0] if variable is None else variable
    check_names([variable], names, "variable")
    _check_periods(periods)
    data = _read(frame, [outcome, *names], unit, time)
    ahead = shift(data[[variable]], -periods)
    label = f"{variable} (t+{periods})"
    kept = _complete(
        data.assign(**{label: ahead[variable]}), ahead, unit, f"{periods} {time}(s) ahead"
    )
    fit = fixed_effects(kept, outcome, [*names, label], unit=unit, time=time, **options)
    return _with_note(fit, f"{variable} of {periods} {time}(s) ahead", data, kept)


def check_names(chosen: list[str], names: list[str], what: str) -> None:
    """Raise MethodError unless every chosen name is a regressor."""
    if not chosen:
        raise MethodError(f"no {what}", expected="one regressor or more")
    for name in chosen:
        if name not in names:
            raise MethodError(
                f"{what} {name!r} is not among the regressors",
                expected=" or ".join(map(repr, names)),
                hint=nearest(name, names),
            )


def _check_periods(periods: int) -> None:
    whole = isinstance(periods, int | np.integer) and not isinstance(periods, bool)
    if not whole or periods < 1:
        raise MethodError(f"periods {periods!r}", expected="a whole number of years, 1 or more")


def _read(frame: pd.DataFrame, names: list[str], unit: str, time: str) -> pd.DataFrame:
    """Return the variables by key, each with the rows that have it: gaps are left for later."""
    columns = [
        by_key(
            frame.dropna(subset=[name]) if name in frame else frame, [name], unit, time, "the frame"
        )
        for name in dict.fromkeys(names)
    ]
    return pd.concat(columns, axis=1).sort_index()


def _complete(moved: pd.DataFrame, values: pd.DataFrame, unit: str, which: str) -> pd.DataFrame:
    if not values.notna().all(axis=1).any():
        raise SampleError(f"no {unit} has a row {which}", expected="a longer panel")
    kept = moved.dropna()
    if kept.empty:
        raise SampleError(
            f"no row has both its own figures and those {which}", expected="a longer panel"
        )
    return kept


def _with_note(
    fit: RegressionResult, what: str, data: pd.DataFrame, kept: pd.DataFrame
) -> RegressionResult:
    short = data.isna().any(axis=None)
    have = "it and every figure beside it" if short else "it"
    note = f"With {what}: {len(kept)} of {len(data)} rows have {have}; none is taken across a gap."
    return replace(fit, notes=(note, *fit.notes))
