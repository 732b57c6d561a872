"""Variation within units and years, and what is wrong when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, SampleError
from nqpf.tfp.sample import place

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_regressors", "check_singletons", "demean", "rounding_floor"]

_RELATIVE = 1e-9  # variation below this share of a regressor's own is rounding
_ROUNDING = 1e-14  # sums by group below this share of sqrt(N) times the norm are zero
_PASSES = 3  # the first removes the effects, the others what rounding left of them
_SINGULAR = 1e-12
_SMALL = 1 << 16  # numbers in a plain matrix of dummies that is faster than a sparse one


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
    values = np.ascontiguousarray(values, dtype=float)
    if unit is None and time is None:
        return values - values.mean(axis=0)
    if unit is None or time is None:
        within = _Means(unit if unit is not None else time)
        return within.removed(within.removed(values))
    # The larger set of effects is removed by means, the smaller by solving for it.
    large, small = (unit, time) if unit.max() >= time.max() else (time, unit)
    within, across = _Means(large), _Means(small)
    gram = np.diag(across.counts) - _shared(within, across)
    left = within.removed(values)
    rounding = _ROUNDING * np.sqrt(len(left)) * np.linalg.norm(left, axis=0)
    for _ in range(_PASSES):
        sums = across.summing @ left
        if (np.abs(sums) <= rounding).all():
            break
        effects = _solve(gram, sums)
        left = within.removed(left - effects[small])
    return left


class _Means:
    """Sums and means by group, for any order of rows."""

    def __init__(self, codes: np.ndarray) -> None:
        rows, groups = len(codes), int(codes.max()) + 1
        self.codes = codes
        self.counts = np.maximum(np.bincount(codes), 1)
        self.summing = _dummies(codes, np.arange(rows), (groups, rows))

    def removed(self, values: np.ndarray) -> np.ndarray:
        means = self.summing @ values
        means /= self.counts[:, None]
        return values - means.take(self.codes, axis=0)


def _dummies(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]):
    """Return a matrix that counts pairs of rows and columns, sparse if it is large."""
    from scipy import sparse

    if shape[0] * shape[1] > _SMALL:
        return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    counts = np.bincount(rows.astype(np.intp) * shape[1] + columns, minlength=shape[0] * shape[1])
    return counts.reshape(shape).astype(float)


def _shared(within: _Means, across: _Means) -> np.ndarray:
    """Return, for two effects of one set, how often units of the other meet both."""
    pairs = _dummies(within.codes, across.codes, (len(within.counts), len(across.counts)))
    shared = pairs.T @ (pairs / within.counts[:, None])
    return shared if isinstance(shared, np.ndarray) else shared.toarray()


def _solve(gram: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Solve for effects that are determined up to a constant per connected part of the sample."""
    from scipy.linalg import lstsq

    return lstsq(gram, sums, cond=_SINGULAR, check_finite=False, lapack_driver="gelsy")[0]


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


def rounding_floor(values: np.ndarray) -> np.ndarray:
    """Return (m,) norms below which what is left of a column of `values` is rounding.

    Examples
    --------
    >>> rounding_floor(np.array([[-1.0], [1.0]])) < 1e-8
    array([ True])
    """
    level = np.maximum(values.max(axis=0), -values.min(axis=0))
    spread = np.linalg.norm(values - values.mean(axis=0), axis=0)
    return _RELATIVE * spread + 1e-14 * level * np.sqrt(len(values))


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
    floor = rounding_floor(frame.to_numpy())
    values = frame.to_numpy() - frame.to_numpy().mean(axis=0)
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
