"""What is asked of the kernel: names, positions and options."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nqpf.errors import DataError, EstimationError, MethodError
from nqpf.regress.conventions import SampleSize, describe, scaling
from nqpf.tfp.sample import nearest

__all__ = [
    "KERNEL_ERRORS",
    "check_errors",
    "check_specifications",
    "describe_errors",
    "positions",
    "small_sample",
]

KERNEL_ERRORS = ("clustered", "clustered-period", "driscoll-kraay")


def check_errors(errors: str) -> None:
    """Raise MethodError unless the kernel has this kind of errors."""
    if errors not in KERNEL_ERRORS:
        raise MethodError(
            f"unknown errors {errors!r}",
            expected=" or ".join(map(repr, KERNEL_ERRORS)),
            hint=nearest(errors, KERNEL_ERRORS),
        )


def check_specifications(columns: tuple[str, ...], y: np.ndarray, x: np.ndarray) -> None:
    """Raise MethodError if outcomes and regressors do not match or one is named twice."""
    if len(y) != len(x):
        raise MethodError(f"{len(y)} outcomes", expected=f"one for each of {len(x)} specifications")
    used = np.sort(np.concatenate([x, y[:, None]], axis=1), axis=1)
    same = used[:, 1:] == used[:, :-1]
    if same.any():
        spec, place = np.argwhere(same)[0]
        raise MethodError(
            f"variable {columns[used[spec, place]]!r} is named more than once",
            where={"specification": int(spec)},
            expected="an outcome and regressors that all differ",
        )


def positions(columns: tuple[str, ...], chosen: object, dimensions: int) -> np.ndarray:
    """Return positions in `columns` from positions or names.

    Raises
    ------
    nqpf.errors.MethodError
        If the shape is wrong or a position does not exist.
    nqpf.errors.DataError
        If a name is unknown; the message offers the nearest.
    """
    try:
        found = np.asarray(chosen)
    except ValueError:  # rows of different length
        found = np.empty(0)
    if found.ndim != dimensions or found.size == 0:
        raise MethodError(
            "outcomes and regressors do not form a grid",
            expected="one outcome per specification, and as many regressors in each",
            hint="fit specifications of different length apart",
        )
    if found.dtype.kind in "iu":
        outside = found[(found < 0) | (found >= len(columns))]
        if outside.size:
            raise MethodError(f"position {outside[0]}", expected=f"0 to {len(columns) - 1}")
        return found.astype(np.intp)
    positions = pd.Index(columns).get_indexer(found.ravel())
    if (positions < 0).any():
        name = found.ravel()[positions < 0][0]
        raise DataError(
            f"unknown variable {str(name)!r}",
            expected="a variable of the cross-products",
            hint=nearest(name, columns),
        )
    return positions.reshape(found.shape)


def small_sample(convention: str, errors: str, size: SampleSize) -> tuple[float, int | None]:
    """Return the factor on the plain covariance and the degrees of freedom of t.

    Errors clustered by year take the convention with units and years in each other's place.
    Driscoll-Kraay errors rest on T sums, so that ``nested`` and ``all`` are
    T/(T-1) (N-1)/(N-K) with t(T-1); ``nested`` is Stata's xtscc.

    Raises
    ------
    nqpf.errors.MethodError
        If the convention is unknown.
    nqpf.errors.EstimationError
        If there are too few rows, units or years.

    Examples
    --------
    >>> size = SampleSize(816, 3, 48, 17, True, True)
    >>> factor, df = small_sample("nested", "driscoll-kraay", size)
    >>> round(factor, 5), df
    (1.08786, 16)
    """
    if errors == "clustered":
        return scaling(convention, True, size)
    if size.periods < 2:
        raise EstimationError(
            f"{size.periods} year is too few for {errors} errors", expected="two or more"
        )
    if errors == "clustered-period":
        swapped = SampleSize(
            nobs=size.nobs,
            regressors=size.regressors,
            groups=size.periods,
            periods=size.groups,
            unit_effects=size.time_effects,
            time_effects=size.unit_effects,
        )
        return scaling(convention, True, swapped)
    if convention not in ("nested", "all"):
        return scaling(convention, False, size)
    factor, _ = scaling(convention, True, size)
    groups, periods = size.groups, size.periods
    return factor * (groups - 1) / groups * periods / (periods - 1), periods - 1


def describe_errors(convention: str, errors: str) -> str:
    """Return a convention's name and formula in one line, as it is for these errors.

    Examples
    --------
    >>> describe_errors("nested", "driscoll-kraay")
    'nested: unit effects not counted, T/(T-1) (N-1)/(N-K), t(T-1)'
    """
    if errors == "driscoll-kraay" and convention in ("nested", "all"):
        counted = "unit effects not counted" if convention == "nested" else "every effect counted"
        return f"{convention}: {counted}, T/(T-1) (N-1)/(N-K), t(T-1)"
    text = describe(convention, errors != "driscoll-kraay")
    return f"{text}, the clusters being years" if errors == "clustered-period" else text
