"""Normalisation by a target: an interval of values is best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from nqpf.errors import MethodError
from nqpf.index._arrays import Floats, matrix, require_finite, sweep
from nqpf.index._columns import directions, labels, nothing_varies, unit_range, warn
from nqpf.index._names import require_known

__all__ = ["target"]

Interval = tuple[float, float]


def target(
    x: ArrayLike,
    benefit: ArrayLike,
    targets: Mapping[object, Interval],
    names: Sequence[str] | None = None,
) -> Floats:
    """Scale columns with a target by their distance to it, the others by their range.

    With the target [a, b] and M = max(a - min x, max x - b), a value inside
    becomes 1, a value below 1 - (a - x) / M and a value above
    1 - (x - b) / M: the form that Chinese textbooks of evaluation give for
    interval-type indicators. The direction of such a column plays no part.
    Columns without a target are scaled as by
    :func:`~nqpf.index.normalise.minmax`.

    Parameters
    ----------
    x : array_like, shape (N, m)
        Raw indicators in any units.
    benefit : array_like of bool, shape (m,)
        True where more is better, False where less is better.
    targets : mapping from column to (low, high)
        Best interval, in units of the column; by name if `names` is given,
        by position otherwise. An end may be infinite.
    names : sequence of str or None
        Names of the columns.

    Returns
    -------
    ndarray, shape (N, m)
        In [0, 1]. A column that lies in its target everywhere becomes ones,
        another constant column zeros, each with a
        :class:`~nqpf.index.normalise.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or if every column is constant
        after scaling.
    nqpf.errors.MethodError
        If `targets` is empty, names an unknown column or holds something
        else than two numbers in ascending order.

    Examples
    --------
    >>> target([[35.0], [36.5], [39.0]], [True], {0: (36.0, 37.0)}).ravel()
    array([0.5, 1. , 0. ])
    """
    x = matrix(x, "x")
    benefit = directions(benefit, x.shape[1])
    require_finite(x, *sweep(x, np.minimum, np.maximum), name="x")
    intervals = _intervals(targets, list(range(x.shape[1]) if names is None else names))
    z, constant = unit_range(x, benefit)
    for j, interval in intervals.items():
        z[:, j] = _closeness(x[:, j], *interval)
        constant[j] = z[:, j].min() == z[:, j].max()
    if constant.all():
        raise nothing_varies()
    for value, text in ((0.0, "zero"), (1.0, "one")):
        same = constant & (z[0] == value)
        if same.any():
            warn(f"constant, so set to {text}: {', '.join(labels(same, names))}")
    return z


def _closeness(x: Floats, low: float, high: float) -> Floats:
    """Return 1 inside the interval, falling to 0 at the value farthest from it."""
    ends = [abs(end) for end in (low, high) if math.isfinite(end)]
    if max([np.abs(x).max(), *ends]) > 1e300:
        x, low, high = x / 4, low / 4, high / 4  # a difference would overflow
    distance = np.maximum(np.maximum(low - x, x - high), 0.0)
    farthest = distance.max()
    return np.ones_like(x) if farthest == 0.0 else 1.0 - distance / farthest


def _intervals(targets: Mapping[object, Interval], columns: list[object]) -> dict[int, Interval]:
    if not isinstance(targets, Mapping) or not targets:
        raise MethodError(
            f"targets is {targets!r}",
            expected="a mapping from column to its best interval, such as {'so2': (0, 1)}",
        )
    result = {}
    for key, interval in targets.items():
        require_known("column of a target", key, columns)
        result[columns.index(key)] = _interval(key, interval)
    return result


def _interval(key: object, interval: Interval) -> Interval:
    try:
        low, high = (float(end) for end in interval)
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not low <= high or low == math.inf or high == -math.inf:
        raise MethodError(
            f"target {interval!r} is not an interval",
            where={"column": key},
            expected="two numbers, the lower first",
        )
    return low, high
