"""The steps that two-step proxy estimators share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nqpf.errors import EstimationError, MethodError
from nqpf.tfp.proxy.polynomial import basis, polynomial, powers
from nqpf.tfp.proxy.sample import Firms
from nqpf.tfp.proxy.search import Search

__all__ = [
    "Fit",
    "check_degrees",
    "check_rows",
    "check_vary",
    "first_step",
    "least_squares_start",
    "unexplained",
]

_RELATIVE = 1e-7  # variation of a free input, given the polynomial, below which there is none


@dataclass(frozen=True)
class Fit:
    """Elasticities (free, then state) and what led to them, as arrays."""

    params: np.ndarray
    expected: np.ndarray  # (N,) first step's fitted output, all inputs included
    search: Search


def check_degrees(degree: int, markov: int) -> None:
    """Raise unless both are whole numbers of one or more."""
    for name, value in (("degree", degree), ("markov", markov)):
        if not isinstance(value, int | np.integer) or value < 1:
            raise MethodError(f"{name} {value!r}", expected="a whole number, one or more")


def check_rows(rows: int, terms: int, what: str) -> None:
    """Raise when a regression has no more rows than terms."""
    if rows <= terms:
        raise EstimationError(
            f"{what} has {rows} row(s) and {terms} term(s)",
            expected="more rows than terms",
            hint="lower the degree or bring more firms",
        )


def check_vary(left: np.ndarray, free: np.ndarray, names: Sequence[str], instead: str) -> None:
    """Raise when free inputs are functions of state and proxy, with `left` what they add."""
    spread = np.linalg.norm(free - free.mean(axis=0), axis=0)
    for name, rest, whole in zip(names, np.linalg.norm(left, axis=0), spread, strict=True):
        if rest <= _RELATIVE * whole:
            raise EstimationError(
                f"free input {name!r} does not vary given state and proxy",
                expected="a free input that is not a function of them",
                hint=f"use {instead}, which does not need it to",
            )


def first_step(firms: Firms, degree: int, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Regress output on free inputs and a polynomial of state and proxy.

    Returns
    -------
    free : (f,)
        Elasticities of the free inputs.
    phi : (N,)
        The fitted polynomial: output net of free inputs and of the error.

    Raises
    ------
    nqpf.errors.EstimationError
        If a free input is a function of state and proxy, which leaves nothing
        to identify its elasticity (Ackerberg, Caves and Frazer 2015), or rows
        are too few.
    """
    terms = polynomial(np.column_stack([firms.state, firms.proxy]), degree)
    check_rows(len(terms), terms.shape[1] + firms.free.shape[1], "the first step")
    q = basis(terms)
    free = firms.free - q @ (q.T @ firms.free)
    check_vary(free, firms.free, names, "ackerberg_caves_frazer")
    params = np.linalg.lstsq(free, firms.y, rcond=None)[0]
    net = firms.y - firms.free @ params
    return params, q @ (q.T @ net)


def unexplained(
    value: np.ndarray, before: np.ndarray, degree: int, survival: np.ndarray | None = None
) -> np.ndarray:
    """Return what a polynomial of last year's productivity leaves of `value`.

    Parameters
    ----------
    value, before : (M,)
        This year's value and last year's productivity.
    degree : int
        Degree of the Markov process.
    survival : (M,) or None
        Probability to survive into this year, a second argument.
    """
    if survival is None:
        terms = powers(before, degree)
    else:
        terms = polynomial(np.column_stack([before, survival]), degree)
    # Scaled powers are well conditioned, so the small normal equations lose no digit that counts.
    return value - terms @ np.linalg.lstsq(terms.T @ terms, terms.T @ value, rcond=None)[0]


def least_squares_start(firms: Firms) -> np.ndarray:
    """Return elasticities by ordinary least squares, free then state."""
    x = np.column_stack([firms.free, firms.state])
    x = x - x.mean(axis=0)
    return np.linalg.lstsq(x, firms.y - firms.y.mean(), rcond=None)[0]
