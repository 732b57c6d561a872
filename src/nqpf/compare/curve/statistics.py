"""Statistics of whole curves: B curves of K estimates each, NaN where one is missing."""

from __future__ import annotations

import warnings

import numpy as np

__all__ = ["DIRECTIONS", "STATISTICS", "at_least_as_extreme", "pvalues", "sign_of", "statistics"]

STATISTICS = ("median", "significant", "stouffer", "against")
DIRECTIONS = ("dominant", "positive", "negative")
_LARGEST_Z = 37.0  # the normal tail beyond it is no longer a number


def pvalues(params: np.ndarray, errors: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Return two-sided p values; infinite degrees of freedom stand for the normal."""
    return 2 * _tail(params, errors, df)


def _tail(params: np.ndarray, errors: np.ndarray, df: np.ndarray) -> np.ndarray:
    from scipy import special

    size = -np.abs(params) / errors
    return np.where(np.isinf(df), special.ndtr(size), special.stdtr(df, size))


def sign_of(estimates: np.ndarray) -> np.ndarray:
    """Return (B,) the sign of most estimates, positive when as many are negative."""
    majority = (estimates > 0).sum(axis=1) >= (estimates < 0).sum(axis=1)
    return np.where(majority, 1, -1)


def statistics(
    estimates: np.ndarray, errors: np.ndarray, df: np.ndarray, level: float, direction: str
) -> np.ndarray:
    """Return (B, 4): median, share significant in the direction, Stouffer's z, share against it.

    Parameters
    ----------
    estimates, errors, df : (B, K)
        Under the null hypothesis, estimates less what the null takes off.
    level : float
    direction : str
        For the dominant one, each curve is judged by its own sign.

    Examples
    --------
    >>> estimates = np.array([[1.0, 2.0, -3.0]])
    >>> infinite = np.full((1, 3), np.inf)
    >>> statistics(estimates, np.ones((1, 3)), infinite, 0.05, "dominant").round(3)
    array([[1.   , 0.333, 0.   , 0.333]])
    """
    from scipy import special

    tail = _tail(estimates, errors, df)
    z = np.sign(estimates) * np.minimum(-special.ndtri(tail), _LARGEST_Z)
    counted = np.isfinite(z)
    wanted = {"positive": 1, "negative": -1}.get(direction, sign_of(estimates)[:, None])
    starred = 2 * tail < level
    significant = starred & (np.sign(estimates) == wanted)
    against = starred & (np.sign(estimates) == -wanted)
    number = counted.sum(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a curve without any estimate is NaN
        median = np.nanmedian(estimates, axis=1)
        stouffer = np.nansum(z, axis=1) / np.sqrt(number)
        shares = [part.sum(axis=1) / number for part in (significant, against)]
        return np.column_stack([median, shares[0], stouffer, shares[1]])


def at_least_as_extreme(null: np.ndarray, observed: np.ndarray, direction: str) -> np.ndarray:
    """Return (B, 4) whether null curves are as far out as the observed one.

    Examples
    --------
    >>> null = np.array([[-2.0, 0.5, 1.0, 0.1]])
    >>> at_least_as_extreme(null, np.array([1.5, 0.5, 1.5, 0.2]), "dominant")
    array([[ True,  True, False, False]])
    """
    turn = np.array([-1.0, 1.0, -1.0, 1.0]) if direction == "negative" else np.ones(4)
    if direction == "dominant":
        null, observed = np.abs(null), np.abs(observed)
    return null * turn >= observed * turn
