"""Weights from dispersion: coefficient of variation, and CRITIC."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from nqpf.errors import DataError, MethodError
from nqpf.index._arrays import Floats, reduce_rows
from nqpf.index._columns import labels
from nqpf.index.weights._columns import none_varies, spread, standardised, varying_columns

__all__ = ["critic", "variation"]

# Mean of 1 - r below which columns are taken as perfectly correlated: rounding alone gives 1e-30.
_NO_CONFLICT = 1e-20


def variation(x: ArrayLike, ddof: int = 1, names: Sequence[str] | None = None) -> Floats:
    """Weight each column by its coefficient of variation.

    The weight is w_j = v_j / sum_k v_k with v_j = sd_j / abs(mean_j)
    (Pearson 1896 for the coefficient). The divisor N - ddof is the same for
    every column, so `ddof` changes v but cancels in the weights.

    Parameters
    ----------
    x : array_like, shape (N, m)
        Indicators on a ratio scale, positive and in their original units;
        a :class:`~nqpf.index.Recipe` passes them before normalisation. The
        direction of an indicator plays no part. Units do not matter, but
        the zero point does: adding a constant changes the weights.
    ddof : {1, 0}
        Sample (1) or population (0) standard deviation.
    names : sequence of str or None
        Names of the columns for messages; positions when None.

    Returns
    -------
    ndarray, shape (m,)
        Weights. A constant column gets 0. If no column varies the weights
        are equal, with a :class:`~nqpf.index.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or the mean of a column that
        varies is zero, where the coefficient is not defined.
    nqpf.errors.MethodError
        If `ddof` is neither 0 nor 1.

    Examples
    --------
    Standard deviations 1 and 2, means 2 and 8:

    >>> variation([[1.0, 6.0], [2.0, 8.0], [3.0, 10.0]]).round(4)
    array([0.6667, 0.3333])
    """
    if ddof not in (0, 1):
        raise MethodError(f"ddof is {ddof!r}", expected="1 (sample) or 0 (population)")
    x, varying = varying_columns(x, "x")
    if not varying.any():
        return none_varies(x.shape[1], "variation")
    own = x[:, varying]
    own = own / np.abs(own).max(axis=0)  # the coefficient has no unit; sums stay finite
    mean = reduce_rows(np.add, own) / len(own)
    size = reduce_rows(np.add, np.abs(own)) / len(own)
    zero = np.abs(mean) <= 8 * np.finfo(np.float64).eps * size
    if zero.any():
        varying[varying] = zero
        raise DataError(
            "the mean is zero, so there is no coefficient of variation",
            where={"indicator": labels(varying, names)[0]},
            expected="an indicator on a ratio scale, with a mean other than zero",
            hint="weigh by another method or leave the indicator out",
        )
    squares = reduce_rows(np.add, (own - mean) ** 2)
    return spread(np.sqrt(squares / (len(own) - ddof)) / np.abs(mean), varying)


def critic(z: ArrayLike) -> Floats:
    """Weight each column by its contrast and its conflict with the others.

    The weight is w_j = C_j / sum_k C_k with C_j = sd_j * sum_k (1 - r_jk)
    and r the Pearson correlation (Diakoulaki, Mavrotas and Papayannakis
    1995, who take `z` from min-max normalisation).

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, more is better, without unit.

    Returns
    -------
    ndarray, shape (m,)
        Weights. A constant column has no correlation: it gets 0 and is left
        out of the sums of the others. If all columns that vary are perfectly
        correlated there is no conflict, so they weigh the same, with a
        warning. If no column varies the weights are equal, with a
        :class:`~nqpf.index.ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite.

    Notes
    -----
    With u_j the column centred and scaled to length 1, 1 - r_jk is half the
    squared distance of u_j and u_k, and the sum over k follows from the
    distances to the mean of all u. That takes N m steps instead of N m^2 and
    keeps its digits when correlations are near 1.

    Examples
    --------
    The second and third columns tell the same story, so they share:

    >>> critic([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    array([0.5 , 0.25, 0.25])
    """
    z, varying = varying_columns(z)
    if not varying.any():
        return none_varies(z.shape[1], "CRITIC")
    u, sd = standardised(z[:, varying])
    m = u.shape[1]
    apart = u - (reduce_rows(np.add, np.ascontiguousarray(u.T)) / m)[:, None]
    distance = reduce_rows(np.add, apart**2)
    conflict = (m * distance + distance.sum()) / 2
    if conflict.max() <= _NO_CONFLICT * m:
        if m > 1:
            warnings.warn(
                "all columns are perfectly correlated, so CRITIC weights are equal", stacklevel=2
            )
        return spread(np.ones(m), varying)
    return spread(sd * conflict, varying)
