"""Coupling coordination: how far subsystems develop, and how far together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nqpf.checks import choose
from nqpf.errors import DataError, MethodError
from nqpf.index.normalise import _array, _Floats, _weight_vector

_FORMS = ("standard", "no-root", "two-system", "wang")


class _Coordination(NamedTuple):
    """Coupling degree C, development T and coordination degree D, each of shape (N,)."""

    C: _Floats
    T: _Floats
    D: _Floats


def coordination(
    u: ArrayLike, alpha: ArrayLike | None = None, form: str = "standard"
) -> _Coordination:
    """Return the coupling degree, the development and the coordination degree.

    T = sum_s alpha_s U_s and D = sqrt(C T). Papers write the coupling degree
    in forms that differ, and D with them. With s subsystems, their mean M and
    their largest score U_max:

    - ``standard``: C = [prod U / M^s]^(1/s), the geometric over the arithmetic
      mean;
    - ``no-root``: C = prod U / M^s, without the root;
    - ``two-system``: C = [U_1 U_2 / M^2]^2, the older form for two subsystems
      with the coefficient k = 2 (Liao 1999, Tropical Geography 19, 171-177);
    - ``wang``: C = sqrt([1 - mean |U_r - U_s|] prod (U / U_max)^(1/(s-1))),
      the mean over pairs (Wang, Kong, Ren, Zhi and Dai 2021, Journal of
      Natural Resources 36, 793-810), which spreads over [0, 1] where the
      others crowd at 1.

    Parameters
    ----------
    u : array_like, shape (N, s)
        Scores of the subsystems in [0, 1].
    alpha : array_like, shape (s,), or None
        Importance of the subsystems in T, summing to 1; equal when None.
    form : str
        Form of the coupling degree.

    Returns
    -------
    tuple (C, T, D) of ndarrays, each of shape (N,)
        C, T and D in [0, 1]. A subsystem at zero makes C and D zero; a single
        subsystem above zero is coupled with itself, C = 1.

    Raises
    ------
    nqpf.errors.MethodError
        If `form` is unknown or does not fit the number of subsystems, or
        `alpha` has the wrong length, sign or sum.
    nqpf.errors.DataError
        If a score is missing, infinite or outside [0, 1].

    Examples
    --------
    >>> c, t, d = coordination([[0.2, 0.8], [0.5, 0.5], [0.0, 0.9]])
    >>> c, d.round(4)
    (array([0.8, 1. , 0. ]), array([0.6325, 0.7071, 0.    ]))
    """
    choose("form of coupling", form, _FORMS)
    u = _array("u", u, 0)
    if u.max() > 1 + 1e-12:  # a weighted sum may exceed 1 by rounding
        row, column = np.argwhere(u > 1 + 1e-12)[0].tolist()
        where = {"row": row, "column": column}
        expected = "scores of subsystems from 0 to 1"
        raise DataError(f"u holds {u[row, column]}", where=where, expected=expected)
    u, s = np.minimum(u, 1.0), u.shape[1]
    if form == "two-system" and s != 2:
        raise MethodError(
            f"the form 'two-system' met {s} subsystems",
            expected="two",
            hint="use 'standard', 'no-root' or 'wang', or take the subsystems two at a time",
        )
    alpha = np.full(s, 1 / s) if alpha is None else _weight_vector(alpha, s, "alpha")
    c = np.zeros(len(u))
    together = u.min(axis=1) > 0
    c[together] = 1.0 if s == 1 else _coupled(u[together], form)
    np.minimum(c, 1.0, out=c)
    t = np.einsum("ij,j->i", u, alpha)
    return _Coordination(c, t, np.sqrt(c * t))


def _coupled(u: _Floats, form: str) -> _Floats:
    """Return the coupling degree of rows without a zero."""
    s = u.shape[1]
    ratio = u / u.max(axis=1, keepdims=True)  # tiny scores keep their digits
    if form == "wang":
        first, second = np.triu_indices(s, 1)
        apart = np.abs(u[:, first] - u[:, second]).mean(axis=1)
        return np.sqrt((1 - apart) * np.exp(np.log(ratio).sum(axis=1) / (s - 1)))
    standard = np.exp(np.log(ratio).mean(axis=1)) / ratio.mean(axis=1)
    return standard ** {"standard": 1, "no-root": s, "two-system": 4}[form]


# The ten grades of D from 0 to 1 in steps of 0.1 (Liao 1999, who prints 0.00-0.09, 0.10-0.19, ...).
_GRADES = (
    *("extreme imbalance", "severe imbalance", "moderate imbalance", "mild imbalance"),
    *("near imbalance", "bare coordination", "primary coordination"),
    *("intermediate coordination", "good coordination", "excellent coordination"),
)
_BOUNDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def grade(d: ArrayLike) -> pd.Series:
    """Return the grade of coordination degrees on the ten-grade scale of the literature.

    Parameters
    ----------
    d : array_like or Series, shape (N,)
        Coordination degrees in [0, 1].

    Returns
    -------
    Series of ordered categories
        With the index of `d`. A value on a bound, say 0.5, belongs to the
        grade above; some papers count it to the one below.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or outside [0, 1].

    Examples
    --------
    >>> grade([0.05, 0.5, 1.0]).tolist()
    ['extreme imbalance', 'bare coordination', 'excellent coordination']
    """
    series = d if isinstance(d, pd.Series) else pd.Series(np.asarray(d, dtype=np.float64))
    wrong = series[~series.between(0, 1)]
    if len(wrong):
        raise DataError(
            f"d holds {wrong.iloc[0]}",
            where={"row": wrong.index[0]},
            expected="coordination degrees from 0 to 1",
        )
    codes = np.searchsorted(_BOUNDS, series.to_numpy(), side="right")
    grades = pd.Categorical.from_codes(codes, categories=_GRADES, ordered=True)
    return pd.Series(grades, index=series.index, name="grade")
