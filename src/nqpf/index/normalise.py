"""Normalisation: raw indicators to common units, where more is better.

Every formula of :mod:`nqpf.index` is written once, for arrays (..., N, m): a matrix of rows by
indicators, or a stack of such matrices. Public functions and :meth:`nqpf.index.Recipe.fit` refuse
arguments that do not fit; formulas take what they get.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nqpf.checks import between
from nqpf.errors import DataError, MethodError, NqpfError

_Floats = NDArray[np.float64]
_Booleans = NDArray[np.bool_]

_ROWS = -2  # the axis that statistics of an indicator are taken over
_BLOCK = 65_536  # values of a block: 512 KiB of doubles, which stay in a common L2 cache


class _IndexWarning(UserWarning):
    """Something that these figures cannot tell, or a method cannot tell of them."""


class _ConstantIndicatorWarning(_IndexWarning):
    """An indicator takes one value only, so it carries no information."""


class _ZeroScoreWarning(_IndexWarning):
    """A product of indicators is zero, so it tells no such row from another."""


def _array(
    what: str,
    values: ArrayLike,
    least: float = -np.inf,
    axes: tuple[str, ...] = ("row", "column"),
    error: type[NqpfError] = DataError,
) -> _Floats:
    """Return `values` as finite floats, not below `least`, one at least along each of `axes`."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise error(f"{what} is not numeric: {problem}", expected="numbers") from None
    if array.ndim != len(axes) or array.size == 0:
        expected = f"at least one {' and one '.join(axes)}"
        raise error(f"{what} has shape {array.shape}", expected=expected)
    low, high = array.min(), array.max()  # either shows a missing or an infinite value
    if least <= low and np.isfinite(low) and np.isfinite(high):
        return array
    finite = np.isfinite(array).all()
    at = np.argwhere(array < least if finite else ~np.isfinite(array))[0].tolist()
    where, expected = dict(zip(axes, at, strict=True)), "finite values"
    hint = "drop or fill the gap first; nothing is filled silently"
    if finite:
        expected = "values of zero or more"
        hint = "normalise with nqpf.index.normalise.minmax first"
    raise error(f"{what} holds {array[tuple(at)]}", where=where, expected=expected, hint=hint)


def _weight_vector(w: ArrayLike, m: int, name: str = "w") -> _Floats:
    """Return `w` as a float vector after checking length, sign and sum."""
    vector = _array(name, w, 0, ("column",), MethodError)
    if vector.shape != (m,):
        expected = f"one weight per column ({m},)"
        raise MethodError(f"{name} has shape {vector.shape}", expected=expected)
    if abs(vector.sum() - 1.0) > 1e-12:
        raise MethodError(f"{name} sums to {vector.sum()!s}", expected="a sum of 1 within 1e-12")
    return vector


def _divide(a: _Floats, b: _Floats) -> _Floats:
    """Return a / b, zero where b is zero."""
    return a / np.where(b == 0, np.inf, b)


def _blocks(x: _Floats) -> Iterator[slice]:
    """Yield rows, block by block, so that what is made of them stays in the cache."""
    step = max(1, _BLOCK // x.shape[-1])
    return (slice(start, start + step) for start in range(0, x.shape[_ROWS], step))


def _total(x: _Floats, term: Callable[[_Floats], _Floats] | None = None) -> _Floats:
    """Return the sum over rows (..., 1, m) of `x`, or of a term of it.

    Sums of blocks also keep the error of a long sum small.
    """
    parts = (x[..., rows, :] for rows in _blocks(x))
    return sum((term(p) if term else p).sum(axis=_ROWS, keepdims=True) for p in parts)


def _ends(x: _Floats) -> tuple[_Floats, _Floats]:
    """Return the least and the largest value of each column, (..., 1, m)."""
    return x.min(axis=_ROWS, keepdims=True), x.max(axis=_ROWS, keepdims=True)


def _moderate(x: _Floats, ends: tuple[_Floats, _Floats]) -> _Floats:
    """Divide columns of extreme numbers by a power of two, so that squares and sums are safe.

    Powers of two change no digit.
    """
    size = np.maximum(*map(np.abs, ends))
    if size.max() < 1e100 and size.min(where=size > 0, initial=1.0) > 1e-100:
        return x
    return np.ldexp(x, -np.frexp(size)[1])


def _ready(
    x: ArrayLike, benefit: ArrayLike, years: NDArray | None = None, floor: float = 0.0
) -> tuple[_Floats, _Booleans]:
    """Return checked figures, their squares safe, and directions; warn of what does not vary."""
    array, benefit = _array("x", x), np.asarray(benefit)
    # Booleans only: the +1 and -1 of other packages are both true.
    if benefit.dtype != np.bool_ or benefit.shape != array.shape[1:]:
        expected = f"one boolean per column {array.shape[1:]}, True where more is better"
        raise MethodError(f"benefit is {benefit.dtype} of shape {benefit.shape}", expected=expected)
    at = range(array.shape[1])
    names = x.columns if isinstance(x, pd.DataFrame) else [f"column {j}" for j in at]
    flat: dict[str, list[str]] = {}
    for year in [None] if years is None else np.unique(years):
        constant = np.equal(*_ends(array if year is None else array[years == year]))[0]
        if constant.all():
            where = None if year is None else {"year": year}
            expected = "an indicator that differs between at least two rows"
            raise DataError("every indicator is constant", where=where, expected=expected)
        for j in np.flatnonzero(constant):
            flat.setdefault(str(names[j]), []).append(str(year))
    if flat:
        texts = [n if years is None else f"{n} in {', '.join(when)}" for n, when in flat.items()]
        text = f"constant, so set to {floor or 'zero'}: {'; '.join(texts)}"
        warnings.warn(text, _ConstantIndicatorWarning, stacklevel=3)
    return _moderate(array, _ends(array)), benefit


def minmax(x: ArrayLike, benefit: ArrayLike, *, floor: float = 0.0) -> _Floats:
    """Scale each column to [0, 1], or to [floor, 1], by its range over all rows.

    A benefit becomes z = (x - min) / (max - min), a cost z = (max - x) / (max - min);
    with a floor, floor + (1 - floor) z.
    The range is pooled over all provinces and years, so scores compare over
    time (OECD/JRC, *Handbook on Constructing Composite Indicators*, 2008,
    section 5).

    Parameters
    ----------
    x : array_like, shape (N, m)
        Raw indicators in any units. Messages name the columns of a frame, and
        give positions otherwise.
    benefit : array_like of bool, shape (m,)
        True where more is better, False where less is better.
    floor : float
        What the worst row gets, from 0 to below 1. Above zero, logarithms, products and
        quotients of the values are finite.

    Returns
    -------
    ndarray, shape (N, m)
        Without unit. A constant column becomes zeros, or the floor, with a
        :class:`_ConstantIndicatorWarning`.

    Raises
    ------
    nqpf.errors.DataError
        If a value is missing or infinite, or if every column is constant.
    nqpf.errors.MethodError
        If `benefit` is not one boolean per column, or the floor is out of bounds.

    Notes
    -----
    Papers write the floor as a range such as 0.01 to 1; those that add 0.0001 to z instead
    let the best row exceed 1. The lower it is, the more the worst rows weigh in a product: on
    the scale of logarithms their distance to the best is -ln floor.

    Examples
    --------
    >>> minmax([[1.0, 5.0], [2.0, 3.0], [5.0, 1.0]], [True, False])
    array([[0.  , 0.  ],
           [0.25, 0.5 ],
           [1.  , 1.  ]])
    >>> minmax([[1.0], [2.0], [5.0]], [True], floor=0.01).ravel()
    array([0.01  , 0.2575, 1.    ])
    """
    return _minmax(*_ready(x, benefit, floor=floor), floor=floor)


def _minmax(x: _Floats, benefit: ArrayLike, *, floor: float = 0.0) -> _Floats:
    if between("floor", floor, 0) >= 1:
        raise MethodError(f"floor is {floor!r}", expected="a number from 0 to below 1")
    low, high = _ends(x)
    worst, width = np.where(benefit, low, high), np.where(high > low, high - low, np.inf)
    z = np.empty_like(x)
    for rows in _blocks(x):
        part = z[..., rows, :]
        np.subtract(x[..., rows, :], worst, out=part)
        np.abs(part, out=part)  # a cost falls from its worst
        part /= width
        if floor:  # the best stays 1 exactly
            part *= 1.0 - floor
            part += floor
    return z


def _minmax_yearly(
    x: ArrayLike, benefit: ArrayLike, years: ArrayLike, *, floor: float = 0.0
) -> _Floats:
    """Scale each column to [floor, 1] by its range within each year (N,).

    Every year has a range of its own, so scores rank provinces within a year
    and **do not compare over time**. A column that is constant in a year
    becomes the floor in that year, with a warning.
    """
    z = np.empty_like(x)
    for year in np.unique(years):
        z[..., years == year, :] = _minmax(x[..., years == year, :], benefit, floor=floor)
    return z


def _zscore(x: ArrayLike, benefit: ArrayLike) -> _Floats:
    """Scale each column to mean 0 and standard deviation 1 over all rows.

    A benefit becomes (x - mean) / sd, a cost its negative (OECD/JRC 2008,
    section 5). The sample standard deviation divides by N - 1. Half of the
    values are below zero, so methods that take shares or roots cannot follow.
    """
    flat = np.equal(*_ends(x))
    gap = x - x.mean(axis=_ROWS, keepdims=True)
    sd = np.sqrt((gap * gap).sum(axis=_ROWS, keepdims=True) / max(x.shape[_ROWS] - 1, 1))
    gap /= np.where(flat, np.inf, np.where(benefit, sd, -sd))
    return gap + 0.0  # no negative zeros


def _vector(x: ArrayLike, benefit: ArrayLike) -> _Floats:
    """Divide each column by its Euclidean length over all rows.

    A benefit becomes x / |x| (Hwang and Yoon 1981, the normalisation of their
    TOPSIS), a cost 1 - x / |x|, so that more is better. Zero stays where it
    is: ratios between provinces survive, ranges are not equalised.
    """
    flat = np.equal(*_ends(x))
    z = x / np.where(flat, np.inf, np.sqrt((x * x).sum(axis=_ROWS, keepdims=True)))
    return np.where(benefit | flat, z, 1.0 - z)


def _rank(x: ArrayLike, benefit: ArrayLike) -> _Floats:
    """Replace each column by its ranks over all rows, scaled to [0, 1].

    z = (rank - 1) / (N - 1), rank 1 for the worst value, tied values sharing
    the mean of their ranks (OECD/JRC 2008, section 5). Outliers lose their
    pull, and so do distances.
    """
    order, last = x.argsort(axis=_ROWS), x.shape[_ROWS] - 1
    values = np.take_along_axis(x, order, axis=_ROWS)
    if (values[..., 1:, :] == values[..., :-1, :]).any():
        from scipy.stats import rankdata  # knows ties, but takes four times as long

        places = rankdata(x, axis=_ROWS) - 1.0
    else:
        places = np.empty_like(x)
        np.put_along_axis(places, order, np.arange(last + 1.0)[:, None], axis=_ROWS)
    flat = values[..., :1, :] == values[..., -1:, :]
    return np.where(flat, 0.0, np.where(benefit, places, last - places) / max(last, 1))


_ALL = (_minmax, _minmax_yearly, _rank, _vector, _zscore)
_METHODS = {method.__name__.strip("_"): method for method in _ALL}
