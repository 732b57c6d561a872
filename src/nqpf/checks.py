"""One way to refuse an argument: an unknown word, a number out of bounds, a name given twice."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from numbers import Integral, Real

import numpy as np

from nqpf.errors import MethodError, NqpfError

_Names = Sequence[str] | str  # a single name may stand without a list


def choose(
    what: str,
    value: object,
    valid: Iterable[object],
    error: type[NqpfError] = MethodError,
    where: dict[str, object] | None = None,
) -> None:
    """Refuse `value` unless it is one of `valid`, and offer the nearest of them.

    Parameters
    ----------
    what : str
        What the word names, such as "effects".
    value : object
        The word that was given.
    valid : iterable
        The words that would do, in the order in which the message lists them.
    error : type
        Class of the error, :class:`~nqpf.errors.MethodError` for options of a method.
    where : dict or None
        Place of the word for the message.

    Examples
    --------
    >>> choose("effects", "untit", ["unit", "time"])
    Traceback (most recent call last):
    ...
    nqpf.errors.MethodError: unknown effects 'untit'; expected one of unit, time. ...
    """
    words = list(valid)
    # A list or an array is never a word, and comparing an array gives no answer.
    if not isinstance(value, list | dict | np.ndarray) and value in words:
        return
    problem = f"unknown {what} {value!r}"
    expected = "one of " + ", ".join(map(str, words)) if words else f"no {what} here"
    raise error(problem, where=where, expected=expected, hint=_nearest(value, words))


def _nearest(value: object, known: Iterable[object]) -> str | None:
    """Return a hint with the known word nearest to `value`, or None.

    Examples
    --------
    >>> _nearest("gpd", ["gdp", "capital"])
    "did you mean 'gdp'"
    """
    if not isinstance(value, str):
        return None
    near = difflib.get_close_matches(value, [str(word) for word in known], n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}" if near else None


def between(
    what: str, value: object, low: float = -np.inf, high: float = np.inf, open_ends: bool = False
) -> float:
    """Return `value` as a float, refused unless finite and from `low` to `high`.

    Parameters
    ----------
    open_ends : bool
        Refuse the two ends as well.

    Examples
    --------
    >>> between("level", 0.95, 0, 1, open_ends=True)
    0.95
    >>> between("level", 95, 0, 1, open_ends=True)
    Traceback (most recent call last):
    ...
    nqpf.errors.MethodError: level is 95; expected a number between 0 and 1.
    """
    fits = isinstance(value, Real) and not isinstance(value, bool) and np.isfinite(value)
    if fits and (low < value < high if open_ends else low <= value <= high):
        return float(value)
    if np.isinf(high):
        bounds = "" if np.isinf(low) else f" {'above' if open_ends else 'not below'} {low:g}"
    else:
        bounds = f" between {low:g} and {high:g}" if open_ends else f" from {low:g} to {high:g}"
    raise MethodError(f"{what} is {value!r}", expected=f"a number{bounds}")


def whole(what: str, value: object, least: int = 0, most: int | None = None) -> int:
    """Return `value` as an int, refused unless whole and from `least` to `most`.

    Examples
    --------
    >>> whole("draws", 99, 1)
    99
    >>> whole("draws", 0, 1)
    Traceback (most recent call last):
    ...
    nqpf.errors.MethodError: draws is 0; expected a whole number not below 1.
    """
    if isinstance(value, Integral) and not isinstance(value, bool):
        if value >= least and (most is None or value <= most):
            return int(value)
    bounds = f"not below {least}" if most is None else f"from {least} to {most}"
    raise MethodError(f"{what} is {value!r}", expected=f"a whole number {bounds}")


def distinct(what: str, names: _Names, least: int = 1) -> list[str]:
    """Return `names` as a list, refused when one stands twice or fewer than `least` are given.

    Examples
    --------
    >>> distinct("regressors", "x"), distinct("regressors", ["x", "z"])
    (['x'], ['x', 'z'])
    >>> distinct("regressors", ["x", "x"])
    Traceback (most recent call last):
    ...
    nqpf.errors.MethodError: regressors name 'x' twice; expected each once.
    """
    listed = [names] if isinstance(names, str) else list(names)
    double = next((name for at, name in enumerate(listed) if name in listed[:at]), None)
    if double is not None:
        raise MethodError(f"{what} name {double!r} twice", expected="each once")
    if isinstance(names, dict) or len(listed) < least:
        raise MethodError(f"{what} are {names}", expected=f"a list of {least} or more")
    return listed
