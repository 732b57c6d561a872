"""Covariances of least-squares coefficients on a panel, by kind of error.

With X the regressors and e the residuals after the effects are removed, all but
the homoskedastic one are a sandwich (X'X)^-1 M (X'X)^-1:

- clustered: M adds s s' over units, s = X'e of a unit (Liang and Zeger 1986);
- two-way clustered: M by unit plus M by year less M by both (Cameron, Gelbach
  and Miller 2011);
- Driscoll-Kraay (1998): M adds h_t h_{t-l}' of the cross-sectional sums h_t = X'e
  of a year, lags l weighted by Bartlett's kernel 1 - l / (bandwidth + 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nqpf.errors import EstimationError, MethodError
from nqpf.regress.conventions import SampleSize, factors

__all__ = ["Covariance", "cluster_sums", "covariance", "default_bandwidth", "wald"]


@dataclass(frozen=True)
class Covariance:
    """A covariance and what was done to it.

    Attributes
    ----------
    matrix : (k, k) array
    df : int or None
        Degrees of freedom of t; None for the normal distribution.
    bandwidth : int or None
        Lags of Driscoll-Kraay errors.
    notes : tuple of str
    """

    matrix: np.ndarray
    df: int | None
    bandwidth: int | None = None
    notes: tuple[str, ...] = ()


def covariance(
    x: np.ndarray,
    residuals: np.ndarray,
    unit: np.ndarray,
    time: np.ndarray,
    errors: str,
    convention: str,
    size: SampleSize,
    bandwidth: int | None = None,
    names: Sequence[str] = (),
) -> Covariance:
    """Return the covariance of least-squares coefficients.

    Parameters
    ----------
    x : (N, k) array
        Regressors after effects are removed, of full rank.
    residuals : (N,) array
    unit : (N,) integer codes
    time : (N,) array
        Years. Lags of whole numbers are counted by calendar, so that a missing
        year is a gap; lags of any other times are counted by their order.
    errors, convention : str
        Names of :mod:`nqpf.regress.conventions`.
    size : SampleSize
    bandwidth : int or None
        Lags of Driscoll-Kraay errors; :func:`default_bandwidth` by default.
    names : sequence of str
        Names of the regressors, for messages.

    Returns
    -------
    Covariance

    Raises
    ------
    nqpf.errors.MethodError
        If an option is unknown or `bandwidth` does not fit.
    nqpf.errors.EstimationError
        If there are too few rows or clusters, or a two-way variance is negative.
    """
    scales, df = factors(convention, errors, size)
    if bandwidth is not None and errors != "driscoll-kraay":
        raise MethodError(f"a bandwidth for {errors} errors", expected="errors='driscoll-kraay'")
    # Columns of unit length: raw money beside shares would spoil the inverse.
    length = np.linalg.norm(x, axis=0)
    unit_length = x / length
    bread = np.linalg.inv(unit_length.T @ unit_length)
    scores = unit_length * residuals[:, None]
    notes: tuple[str, ...] = ()
    if errors == "unadjusted":
        matrix = bread * (scales[0] * (residuals @ residuals) / len(x))
    elif errors == "two-way clustered":
        parts = [_sandwich(bread, cluster_sums(scores, codes)) for codes in (unit, time)]
        parts.append(_sandwich(bread, scores))
        matrix, notes = _two_way([f * part for f, part in zip(scales, parts, strict=True)], names)
    elif errors == "driscoll-kraay":
        bandwidth = _check_bandwidth(bandwidth, len(np.unique(time)))
        matrix = scales[0] * bread @ _kernel(scores, time, bandwidth) @ bread
    else:
        sums = scores if errors == "robust" else cluster_sums(scores, unit)
        matrix = scales[0] * _sandwich(bread, sums)
    return Covariance((matrix + matrix.T) / 2 / np.outer(length, length), df, bandwidth, notes)


def cluster_sums(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the sums of rows by cluster.

    Parameters
    ----------
    values : (N, k) array
    codes : (N,) array

    Returns
    -------
    (G, k) array
        Clusters in ascending order.

    Examples
    --------
    >>> cluster_sums(np.array([[1.0], [2.0], [4.0]]), np.array([7, 3, 7])).ravel()
    array([2., 5.])
    """
    order = np.argsort(codes, kind="stable")
    placed = codes[order]
    starts = np.flatnonzero(np.concatenate([[True], placed[1:] != placed[:-1]]))
    return np.add.reduceat(values[order], starts, axis=0)


def _sandwich(bread: np.ndarray, sums: np.ndarray) -> np.ndarray:
    half = sums @ bread
    return half.T @ half


def _two_way(parts: list[np.ndarray], names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return V_unit + V_year - V_both, made positive semi-definite if it is not."""
    total = parts[0] + parts[1]
    matrix = total - parts[2]
    values, vectors = np.linalg.eigh(matrix)
    negative = int((values < -1e-12 * np.abs(values).max()).sum())
    if not negative:
        return matrix, ()
    repaired = (vectors * np.maximum(values, 0)) @ vectors.T
    lost = np.flatnonzero(np.diag(repaired) <= 1e-10 * np.diag(total))
    if len(lost):
        name = names[lost[0]] if len(names) else f"number {lost[0] + 1}"
        raise EstimationError(
            f"the two-way clustered variance of {name!r} is not positive",
            expected="enough units and years for clustering by both",
            hint="cluster by unit, or use Driscoll-Kraay errors",
        )
    plural = "s were" if negative > 1 else " was"
    return repaired, (
        f"The two-way clustered covariance was not positive semi-definite: {negative} negative "
        f"eigenvalue{plural} set to zero (Cameron, Gelbach and Miller 2011), regressors in "
        "units of their own spread.",
    )


def default_bandwidth(periods: int) -> int:
    """Return the lags that Hoechle (2007) and linearmodels take, 4 (T/100)^(2/9), floored.

    Examples
    --------
    >>> default_bandwidth(11), default_bandwidth(100)
    (2, 4)
    """
    return min(int(np.floor(4 * (periods / 100) ** (2 / 9))), periods - 1)


def _check_bandwidth(bandwidth: int | None, periods: int) -> int:
    if bandwidth is None:
        return default_bandwidth(periods)
    if not isinstance(bandwidth, int | np.integer) or not 0 <= bandwidth < periods:
        raise MethodError(
            f"bandwidth {bandwidth!r}", expected=f"a whole number of lags from 0 to {periods - 1}"
        )
    return int(bandwidth)


def _kernel(scores: np.ndarray, time: np.ndarray, bandwidth: int) -> np.ndarray:
    sums = cluster_sums(scores, time)
    years = np.unique(time)
    if not np.issubdtype(years.dtype, np.number) or (years % 1 != 0).any():
        years = np.arange(len(years))
    meat = sums.T @ sums
    for lag in range(1, bandwidth + 1):
        _, now, before = np.intersect1d(years, years + lag, return_indices=True)
        product = sums[now].T @ sums[before]
        meat += (1 - lag / (bandwidth + 1)) * (product + product.T)
    return meat


def wald(
    restrictions: np.ndarray, params: np.ndarray, matrix: np.ndarray, df: int | None
) -> tuple[float, int, float, str]:
    """Test that linear combinations of coefficients are all zero.

    Parameters
    ----------
    restrictions : (q, k) array
    params : (k,) array
    matrix : (k, k) array
        Covariance of the coefficients.
    df : int or None
        Degrees of freedom of t; None for the normal distribution.

    Returns
    -------
    statistic : float
        F with (q, df) degrees of freedom, or chi-square with q if `df` is None.
    q : int
    pvalue : float
    distribution : str
        Name and degrees of freedom of the distribution under the null.

    Raises
    ------
    nqpf.errors.EstimationError
        If the combinations have no covariance of full rank, as with more
        restrictions than clusters.

    Examples
    --------
    >>> wald(np.eye(1), np.array([2.0]), np.eye(1), None)[3]
    'chi-square(1)'
    """
    from scipy import stats

    difference = restrictions @ params
    spread = restrictions @ matrix @ restrictions.T
    scale = np.sqrt(np.diag(spread))
    q = len(difference)
    if not (scale > 0).all() or np.linalg.matrix_rank(spread / np.outer(scale, scale)) < q:
        raise EstimationError(
            f"the covariance of {q} tested combinations is singular",
            expected="more clusters than restrictions",
            hint="test fewer coefficients, or use robust errors",
        )
    standard = difference / scale
    chi = float(standard @ np.linalg.solve(spread / np.outer(scale, scale), standard))
    if df is None:
        return chi, q, float(stats.chi2.sf(chi, q)), f"chi-square({q})"
    return chi / q, q, float(stats.f.sf(chi / q, q, df)), f"F({q}, {df})"
