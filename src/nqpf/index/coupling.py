"""Coupling coordination: how far subsystems develop, and how far together."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nqpf.errors import DataError, MethodError, require_known
from nqpf.index.normalise import Floats, matrix, require_finite, sweep, weight_vector

__all__ = [
    "Coordination",
    "FORMS",
    "GRADES",
    "coordination",
    "grade",
    "of_dimensions",
    "subsystems",
]


class Coordination(NamedTuple):
    """Coupling degree C, development T and coordination degree D, each of shape (N,)."""

    C: Floats
    T: Floats
    D: Floats


def coordination(
    u: ArrayLike, alpha: ArrayLike | None = None, form: str = "standard"
) -> Coordination:
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
    Coordination
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
    require_known("form of coupling", form, FORMS)
    u = _scores(u)
    s = u.shape[1]
    alpha = np.full(s, 1 / s) if alpha is None else weight_vector(alpha, s, "alpha")
    c = np.zeros(len(u))
    together = u.min(axis=1) > 0
    c[together] = 1.0 if s == 1 else FORMS[form](u[together])
    np.minimum(c, 1.0, out=c)
    t = np.einsum("ij,j->i", u, alpha)
    return Coordination(c, t, np.sqrt(c * t))


def _scores(u: ArrayLike) -> Floats:
    u = matrix(u, "u")
    require_finite(u, *sweep(u, np.minimum, np.maximum), name="u")
    # A weighted sum of values up to 1 may exceed 1 by rounding.
    outside = (u < 0) | (u > 1 + 1e-12)
    if outside.any():
        row, column = (int(i) for i in np.argwhere(outside)[0])
        raise DataError(
            f"u holds {u[row, column]}",
            where={"row": row, "column": column},
            expected="scores of subsystems from 0 to 1",
            hint="normalise with nqpf.index.normalise.minmax first",
        )
    return np.minimum(u, 1.0)


def _standard(u: Floats) -> Floats:
    ratio = u / u.max(axis=1, keepdims=True)  # tiny scores keep their digits
    return np.exp(np.log(ratio).mean(axis=1)) / ratio.mean(axis=1)


def _no_root(u: Floats) -> Floats:
    return _standard(u) ** u.shape[1]


def _two_system(u: Floats) -> Floats:
    if u.shape[1] != 2:
        raise MethodError(
            f"the form 'two-system' met {u.shape[1]} subsystems",
            expected="two",
            hint="use 'standard', 'no-root' or 'wang', or take the subsystems two at a time",
        )
    return _standard(u) ** 4


def _wang(u: Floats) -> Floats:
    s = u.shape[1]
    first, second = np.triu_indices(s, 1)
    apart = np.abs(u[:, first] - u[:, second]).mean(axis=1)
    product = np.log(u / u.max(axis=1, keepdims=True)).sum(axis=1)
    return np.sqrt((1 - apart) * np.exp(product / (s - 1)))


FORMS: dict[str, Callable[[Floats], Floats]] = {
    "standard": _standard,
    "no-root": _no_root,
    "two-system": _two_system,
    "wang": _wang,
}


def subsystems(z: ArrayLike, w: ArrayLike, dimension: Sequence[str]) -> pd.DataFrame:
    """Return the weighted sum of each dimension, its weights rescaled to sum to 1.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators, more is better.
    w : array_like, shape (m,)
        Weights of zero or more that sum to 1 within 1e-12.
    dimension : sequence of str, length m
        Dimension of each column.

    Returns
    -------
    DataFrame, shape (N, s)
        One column per dimension in order of first appearance. A dimension
        whose weights are all zero has no score and is left out, with a
        warning.

    Raises
    ------
    nqpf.errors.MethodError
        If the weights have the wrong length, sign or sum, or there is not one
        dimension per column.
    nqpf.errors.DataError
        If a value is missing or infinite.

    Examples
    --------
    >>> subsystems([[0.2, 0.6, 1.0]], [0.3, 0.1, 0.6], ["labour", "labour", "means"])
       labour  means
    0     0.3    1.0
    """
    z = matrix(z)
    w = weight_vector(w, z.shape[1])
    require_finite(z, *sweep(z, np.minimum, np.maximum))
    names = np.asarray(dimension, dtype=object)
    if names.shape != w.shape:
        raise MethodError(
            f"dimension has shape {names.shape}", expected=f"one per column {w.shape}"
        )
    scores, empty = {}, []
    for key in dict.fromkeys(names):
        own = names == key
        total = w[own].sum()
        if total > 0:
            scores[key] = np.einsum("ij,j->i", z[:, own], w[own] / total)
        else:
            empty.append(str(key))
    if empty:
        warnings.warn(f"no weight, so left out of the coupling: {', '.join(empty)}", stacklevel=2)
    return pd.DataFrame(scores)


def of_dimensions(
    z: ArrayLike,
    w: ArrayLike,
    dimension: Sequence[str],
    alpha: Mapping[str, float] | None = None,
    form: str = "standard",
) -> Floats:
    """Return the coordination degree of the dimensions of an indicator system.

    The score of a dimension is the weighted sum of its indicators, weights
    rescaled (:func:`subsystems`); :func:`coordination` joins them.

    Parameters
    ----------
    z : array_like, shape (N, m)
        Normalised indicators in [0, 1], more is better.
    w : array_like, shape (m,)
        Weights of zero or more that sum to 1 within 1e-12.
    dimension : sequence of str, length m
        Dimension of each column.
    alpha : mapping from dimension to float, or None
        Importance of the dimensions in T, summing to 1; equal when None.
    form : str
        Form of the coupling degree, see :func:`coordination`.

    Returns
    -------
    ndarray, shape (N,)
        D in [0, 1].

    Raises
    ------
    nqpf.errors.MethodError
        If the weights, `alpha` or `form` do not fit.
    nqpf.errors.DataError
        If a value is missing or infinite, or a dimension's score is outside
        [0, 1].

    Examples
    --------
    >>> of_dimensions([[0.2, 0.8], [0.5, 0.5]], [0.5, 0.5], ["labour", "means"]).round(4)
    array([0.6325, 0.7071])
    """
    u = subsystems(z, w, dimension)
    if alpha is not None:
        alpha = _by_dimension(alpha, list(u.columns))
    return coordination(u.to_numpy(), alpha, form).D


def _by_dimension(alpha: Mapping[str, float], keys: list[str]) -> list[float]:
    if not isinstance(alpha, Mapping) or set(alpha) != set(keys):
        raise MethodError(
            f"alpha is {alpha!r}",
            expected="a mapping with one number for each of " + ", ".join(map(str, keys)),
        )
    return [alpha[key] for key in keys]


# The ten grades of D from 0 to 1 in steps of 0.1 (Liao 1999, who prints 0.00-0.09, 0.10-0.19, ...).
GRADES: tuple[tuple[str, str], ...] = (
    ("极度失调", "extreme imbalance"),
    ("严重失调", "severe imbalance"),
    ("中度失调", "moderate imbalance"),
    ("轻度失调", "mild imbalance"),
    ("濒临失调", "near imbalance"),
    ("勉强协调", "bare coordination"),
    ("初级协调", "primary coordination"),
    ("中级协调", "intermediate coordination"),
    ("良好协调", "good coordination"),
    ("优质协调", "excellent coordination"),
)
_BOUNDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def grade(d: ArrayLike, language: str = "en") -> pd.Series:
    """Return the grade of coordination degrees on the ten-grade scale of the literature.

    Parameters
    ----------
    d : array_like or Series, shape (N,)
        Coordination degrees in [0, 1].
    language : str
        ``en`` or ``zh``.

    Returns
    -------
    Series of ordered categories
        With the index of `d`. A value on a bound, say 0.5, belongs to the
        grade above; some papers count it to the one below.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or outside [0, 1].
    nqpf.errors.MethodError
        If the language is neither ``en`` nor ``zh``.

    Examples
    --------
    >>> grade([0.05, 0.5, 1.0]).tolist()
    ['extreme imbalance', 'bare coordination', 'excellent coordination']
    >>> grade([0.6325], language="zh").tolist()
    ['初级协调']
    """
    require_known("language", language, ("zh", "en"))
    series = d if isinstance(d, pd.Series) else pd.Series(np.asarray(d, dtype=np.float64))
    wrong = series[~series.between(0, 1)]
    if len(wrong):
        raise DataError(
            f"d holds {wrong.iloc[0]}",
            where={"row": wrong.index[0]},
            expected="coordination degrees from 0 to 1",
        )
    texts = [pair[("zh", "en").index(language)] for pair in GRADES]
    codes = np.searchsorted(_BOUNDS, series.to_numpy(), side="right")
    grades = pd.Categorical.from_codes(codes, categories=texts, ordered=True)
    return pd.Series(grades, index=series.index, name="grade")
