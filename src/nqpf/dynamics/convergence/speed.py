"""From a coefficient to the speed of convergence, and what a short panel does to it."""

from __future__ import annotations

import numpy as np

__all__ = ["half_life", "nickell_bias", "speed", "without_nickell_bias"]


def speed(coefficient: float, std_error: float, years: int) -> tuple[float, float]:
    r"""Return the yearly speed -ln(1 + T b) / T and its delta-method error.

    `b` is the coefficient of *average* yearly growth over T years on the
    initial log level (Barro and Sala-i-Martin 1992); a gap then shrinks by
    the factor 1 + T b in T years. Not a number if 1 + T b is not positive.

    Examples
    --------
    >>> [round(x, 5) for x in speed(-0.02, 0.004, 10)]
    [0.02231, 0.005]
    """
    left = 1 + years * coefficient
    if left <= 0:
        return float("nan"), float("nan")
    return float(-np.log(left) / years), float(std_error / left)


def half_life(rate: float, std_error: float) -> tuple[float, float]:
    """Return ln 2 / speed in years and its delta-method error; infinite without convergence.

    Examples
    --------
    >>> [round(x, 2) for x in half_life(0.02, 0.005)]
    [34.66, 8.66]
    """
    if np.isnan(rate):
        return float("nan"), float("nan")
    if rate <= 0:
        return float("inf"), float("nan")
    return float(np.log(2) / rate), float(np.log(2) / rate**2 * std_error)


def nickell_bias(rho: float, periods: int) -> float:
    """Return the asymptotic bias of rho in a panel with unit effects, for many units.

    Nickell (1981), equation 18, for y_t = a_i + rho y_{t-1} + e_t estimated
    within units on `periods` values of y_t; at rho = 1 its limit, -3 / (T + 1).

    Examples
    --------
    >>> round(nickell_bias(0.5, 9), 3), round(nickell_bias(1.0, 9), 3)
    (-0.181, -0.3)
    """
    if abs(1 - rho) < 1e-4:  # the formula cancels there
        return -3 / (periods + 1)
    share = 1 - (1 - rho**periods) / (periods * (1 - rho))
    top = -(1 + rho) / (periods - 1) * share
    return top / (1 - 2 * rho / ((1 - rho) * (periods - 1)) * share)


def without_nickell_bias(estimate: float, periods: int) -> float:
    """Return the rho below 1 whose within estimate tends to `estimate`; NaN if there is none.

    Examples
    --------
    >>> round(without_nickell_bias(0.5 + nickell_bias(0.5, 9), 9), 6)
    0.5
    >>> without_nickell_bias(0.75, 9)
    nan
    """
    from scipy.optimize import brentq

    def gap(rho: float) -> float:
        return rho + nickell_bias(rho, periods) - estimate

    if gap(1.0) <= 0 or gap(-0.99) >= 0:
        return float("nan")
    return float(brentq(gap, -0.99, 1.0, xtol=1e-12))
