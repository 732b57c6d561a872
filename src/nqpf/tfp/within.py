"""Variation within units and years, and what is wrong when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, SampleError
from nqpf.tfp.sample import place

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_regressors", "check_singletons", "demean"]

_RELATIVE = 1e-9  # variation below this share of a regressor's own is rounding


def demean(values: np.ndarray, unit: np.ndarray | None, time: np.ndarray | None) -> np.ndarray:
    """Remove unit and time effects by exact projection; unbalanced samples are allowed.

    Parameters
    ----------
    values : (N, m)
    unit, time : (N,) integer codes, or None
        Effects to remove; with neither, the overall mean is removed.

    Returns
    -------
    (N, m) array

    Examples
    --------
    >>> demean(np.array([[1.0], [3.0], [4.0], [6.0]]), np.array([0, 0, 1, 1]), None).ravel()
    array([-1.,  1., -1.,  1.])
    """
    if unit is None and time is None:
        return values - values.mean(axis=0)
    first = unit if unit is not None else time
    result = _less_means(values, first)
    if unit is None or time is None:
        return result
    dummies = _less_means(np.eye(time.max() + 1)[time], unit)
    return result - dummies @ np.linalg.lstsq(dummies, result, rcond=None)[0]


def _less_means(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    sums = np.zeros((codes.max() + 1, values.shape[1]))
    np.add.at(sums, codes, values)
    return values - (sums / np.bincount(codes)[:, None])[codes]


def check_singletons(index: pd.MultiIndex, levels: Sequence[int]) -> None:
    """Raise when a unit or a year with an effect of its own has a single row.

    Such a row is fitted perfectly, says nothing about the coefficients, and
    would still count in N and in the number of clusters.

    Raises
    ------
    nqpf.errors.SampleError
        Names the unit or the year.
    """
    for level in levels:
        counts = index.get_level_values(level).value_counts()
        alone = counts.index[counts == 1]
        if len(alone):
            name = index.names[level]
            raise SampleError(
                f"a {name} has a single row, which its fixed effect fits perfectly",
                where=place((min(alone),), (name,)),
                expected=f"two rows or more for each {name}",
                hint="drop the row and say so",
            )


def check_regressors(frame: pd.DataFrame, unit: np.ndarray | None, time: np.ndarray | None) -> None:
    """Raise when a regressor is constant, absorbed by effects or collinear with others.

    Parameters
    ----------
    frame : DataFrame indexed (unit, time)
        One column per regressor.
    unit, time : (N,) integer codes, or None
        Effects of the regression.

    Raises
    ------
    nqpf.errors.EstimationError
        Names the regressors and the effects.
    """
    values = frame.to_numpy()
    values = values - values.mean(axis=0)
    rounding = 1e-14 * np.abs(frame.to_numpy()).max(axis=0) * np.sqrt(len(frame))
    floor = _RELATIVE * np.linalg.norm(values, axis=0) + rounding
    names = frame.index.names
    tried = [
        (None, None, "is constant", True),
        (unit, None, f"does not vary within any {names[0]}: its effects absorb it", False),
        (None, time, f"is the same for every {names[0]} in each {names[1]}", False),
        (unit, time, f"is absorbed by the {names[0]} and {names[1]} effects together", False),
    ]
    for by_unit, by_time, problem, always in tried:
        if not always and by_unit is None and by_time is None:
            continue
        left = np.linalg.norm(demean(values, by_unit, by_time), axis=0)
        for column in np.flatnonzero(left <= floor):
            raise EstimationError(
                f"regressor {frame.columns[column]!r} {problem}",
                expected="a regressor that varies once the effects are removed",
                hint="drop it",
            )
    _check_collinear(demean(values, unit, time), list(frame.columns))


def _check_collinear(values: np.ndarray, names: list[str]) -> None:
    from scipy.linalg import qr

    unit_length = values / np.linalg.norm(values, axis=0)
    _, triangle, order = qr(unit_length, mode="economic", pivoting=True)
    size = np.abs(np.diag(triangle))
    rank = int((size > _RELATIVE).sum())
    if rank == len(names):
        return
    spanned = order[rank]
    weights = np.linalg.lstsq(triangle[:rank, :rank], triangle[:rank, rank], rcond=None)[0]
    partners = order[:rank][np.abs(weights) > 1e-6]
    involved = [names[i] for i in sorted([spanned, *partners])]
    raise EstimationError(
        f"regressors {', '.join(map(repr, involved))} are collinear once the effects are removed",
        expected="regressors of which none is a combination of the others",
        hint="drop one of them",
    )
