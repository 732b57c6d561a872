"""What is asked of the kernel: names, positions and options."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.errors import DataError, MethodError
from nqpf.tfp.sample import nearest

__all__ = ["KERNEL_ERRORS", "check_errors", "check_specifications", "distinct", "positions"]

KERNEL_ERRORS = ("clustered", "clustered-period", "driscoll-kraay")


def distinct(columns: Sequence[str]) -> list[str]:
    """Return names as a list; raise MethodError if there is none or one twice."""
    names = [columns] if isinstance(columns, str) else list(columns)
    if not names:
        raise MethodError("no columns", expected="every outcome and regressor to come")
    double = [name for name in names if names.count(name) > 1]
    if double:
        raise MethodError(f"variable {double[0]!r} is named more than once", expected="names once")
    return names


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
