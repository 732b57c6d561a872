"""The log t regression of Phillips and Sul (2007)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nqpf.errors import EstimationError, MethodError, SampleError

__all__ = ["CRITICAL", "TRIM", "LogT", "cross_variance", "log_t", "trimmed"]

TRIM = 0.3
CRITICAL = -1.65  # one-sided, 5 %
_LEAST_ROWS = 4


@dataclass(frozen=True)
class LogT:
    """One log t regression.

    Attributes
    ----------
    coefficient : float
        b; twice the rate alpha at which relative paths come together.
    std_error, statistic : float
    nobs : int
        Years in the regression.
    """

    coefficient: float
    std_error: float
    statistic: float
    nobs: int

    @property
    def converges(self) -> bool:
        """Whether convergence is not rejected at 5 %."""
        return self.statistic > CRITICAL


def cross_variance(paths: np.ndarray) -> np.ndarray:
    """Return H_t, the mean over units of (h_it - 1)^2 with h_it relative to the mean.

    Parameters
    ----------
    paths : (n, T)
        Positive levels.

    Examples
    --------
    >>> cross_variance(np.array([[1.0, 2.0], [3.0, 2.0]])).tolist()
    [0.25, 0.0]
    """
    return ((paths / paths.mean(axis=0) - 1) ** 2).mean(axis=0)


def trimmed(years: int, trim: float) -> int:
    """Return [rT], the number of years left out at the start.

    Raises
    ------
    nqpf.errors.MethodError
        If the share is not between 0 and 1.
    nqpf.errors.SampleError
        If fewer than four years are left.
    """
    if not 0 < trim < 1:
        raise MethodError(f"trim {trim!r}", expected="a share above 0 and below 1, such as 0.3")
    cut = max(int(trim * years + 1e-9), 1)
    if years - cut < _LEAST_ROWS:
        raise SampleError(
            f"{years} years, of which the log t regression leaves out {cut}",
            expected=f"{_LEAST_ROWS} or more years left",
        )
    return cut


def log_t(variance: np.ndarray, trim: float = TRIM) -> LogT:
    r"""Regress log(H_1 / H_t) - 2 log log t on log t, for t = [rT] + 1, ..., T.

    Convergence is rejected if the t statistic of b is below -1.65. Its error
    is the long-run variance of the residuals times (X'X)^-1, by the quadratic
    spectral kernel with Andrews' (1991) bandwidth for a first-order
    autoregression, 1.3221 (a T)^0.2 with a = 4 rho^2 / (1 - rho)^4.
    The long-run variance is that of Phillips and Sul's program, which the
    packages follow: sums are divided by T - 1 and autocovariances leave out
    the last residual. It is never negative, as the kernel is positive
    definite.

    Parameters
    ----------
    variance : (T,)
        H_t, all positive.
    trim : float
        r, the share of years left out at the start.

    Raises
    ------
    nqpf.errors.SampleError, nqpf.errors.MethodError
        If the share is out of range or too few years are left.
    nqpf.errors.EstimationError
        If H_t is zero in some year: units coincide and the logarithm is undefined.

    Examples
    --------
    >>> t = np.arange(1, 31)
    >>> result = log_t(np.exp(0.1 * np.sin(t)) / t)
    >>> result.converges, result.nobs
    (True, 21)
    """
    variance = np.asarray(variance, dtype=float)
    cut = trimmed(len(variance), trim)
    if not (np.isfinite(variance) & (variance > 1e-28)).all():
        raise EstimationError(
            "units coincide in a year, so that log(H_1 / H_t) is undefined",
            where={"year number": int(np.flatnonzero(~(variance > 1e-28))[0]) + 1},
            expected="some dispersion in every year",
            hint="leave out a unit that repeats another",
        )
    t = np.log(np.arange(cut + 1, len(variance) + 1))
    y = np.log(variance[0] / variance[cut:]) - 2 * np.log(t)
    x = t - t.mean()
    slope = float(x @ y / (x @ x))
    residuals = y - y.mean() - slope * x
    error = float(np.sqrt(_long_run_variance(residuals) / (x @ x)))
    if not error > 1e-12:
        raise EstimationError(
            "the log t regression fits perfectly", expected="figures that are not a formula"
        )
    return LogT(slope, error, slope / error, len(y))


def _long_run_variance(residuals: np.ndarray) -> float:
    before, after = residuals[:-1], residuals[1:]
    rho = float(before @ after / (before @ before)) if before @ before > 0 else 0.0
    total = float(residuals @ residuals)
    if rho not in (0.0, 1.0):
        bandwidth = 1.3221 * (4 * rho**2 / (1 - rho) ** 4 * len(residuals)) ** 0.2
        z = 1.2 * np.pi * np.arange(1, len(before)) / bandwidth
        kernel = 3 / z**2 * (np.sin(z) / z - np.cos(z))
        total += 2 * sum(k * float(before[:-i] @ before[i:]) for i, k in enumerate(kernel, 1))
    return total / len(before)
