"""Rules for the bandwidth of a Gaussian kernel."""

from __future__ import annotations

import numpy as np

from nqpf.errors import EstimationError

__all__ = ["rule_of_thumb", "sheather_jones"]

_TURNS = 40  # the bracket doubles or halves this often at most


def rule_of_thumb(x: np.ndarray, rule: str) -> float:
    """Return Silverman's or Scott's bandwidth of (n,) values that are not all equal."""
    from statsmodels.nonparametric import bandwidths

    return float(getattr(bandwidths, f"bw_{rule}")(x))


def sheather_jones(x: np.ndarray) -> float:
    """Return the bandwidth that solves the equation of Sheather and Jones (1991).

    h = [R(K) / (n S(alpha(h)))]^(1/5) with S the estimate of the integrated
    squared second derivative from the fourth derivative of a Gaussian kernel,
    alpha(h) = 1.357 [S(a) / T(b)]^(1/7) h^(5/7), and pilots a and b of 1.24 A
    n^(-1/7) and 1.23 A n^(-1/9), as R rounds the paper's. Over all pairs, not bins.

    Raises
    ------
    nqpf.errors.EstimationError
        If the quartiles are equal or the equation has no solution.
    """
    from scipy.optimize import brentq

    n = len(x)
    quartiles = np.percentile(x, [25, 75])
    spread = min(float(x.std(ddof=1)), float(quartiles[1] - quartiles[0]) / 1.349)
    if not spread > 0:
        raise EstimationError(
            "half of the values are equal, and Sheather and Jones have no pilot bandwidth",
            expected="quartiles that differ",
            hint="use the rule 'silverman'",
        )
    squares = np.subtract.outer(x, x)[np.triu_indices(n, 1)] ** 2
    s_pilot = _fourth(squares, n, 1.24 * spread * n ** (-1 / 7))
    t_pilot = -_sixth(squares, n, 1.23 * spread * n ** (-1 / 9))
    if not (s_pilot > 0 and t_pilot > 0):
        raise EstimationError(
            "the pilot estimates of Sheather and Jones are not positive",
            expected="a sample with more distinct values",
            hint="use the rule 'silverman'",
        )
    factor = 1.357 * (s_pilot / t_pilot) ** (1 / 7)

    def gap(h: float) -> float:
        curvature = _fourth(squares, n, factor * h ** (5 / 7))
        if not curvature > 0:
            return -h
        return (1 / (2 * np.sqrt(np.pi) * n * curvature)) ** 0.2 - h

    low = high = 1.144 * spread * n ** (-1 / 5)
    for _ in range(_TURNS):
        if gap(low) > 0 > gap(high):
            return float(brentq(gap, low, high, xtol=1e-14 * spread, rtol=1e-13))
        low, high = low / 1.2, high * 1.2
    raise EstimationError(
        "the equation of Sheather and Jones has no solution",
        expected="a sample with more distinct values",
        hint="use the rule 'silverman'",
    )


def _fourth(squares: np.ndarray, n: int, h: float) -> float:
    """Return the mean of the fourth derivative of the normal density over pairs, scaled by h."""
    u = squares / h**2
    total = 2 * float((np.exp(-u / 2) * (u**2 - 6 * u + 3)).sum()) + 3 * n
    return total / (n * (n - 1) * h**5 * np.sqrt(2 * np.pi))


def _sixth(squares: np.ndarray, n: int, h: float) -> float:
    """Return the same of the sixth derivative."""
    u = squares / h**2
    total = 2 * float((np.exp(-u / 2) * (u**3 - 15 * u**2 + 45 * u - 15)).sum()) - 15 * n
    return total / (n * (n - 1) * h**7 * np.sqrt(2 * np.pi))
