"""Wooldridge (2009): both steps of a proxy estimator as one linear GMM problem."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError
from nqpf.tfp.proxy.polynomial import basis, polynomial
from nqpf.tfp.proxy.result import ProxyResult
from nqpf.tfp.proxy.sample import Firms, Roles, prepare
from nqpf.tfp.proxy.twostep import check_degrees, check_rows, check_vary
from nqpf.tfp.sample import nearest

__all__ = ["EQUATIONS", "wooldridge"]

EQUATIONS = ("both", "second")


def wooldridge(
    frame: pd.DataFrame,
    output: str,
    free: str | Sequence[str],
    state: str | Sequence[str],
    proxy: str | Sequence[str],
    unit: str,
    time: str,
    degree: int = 3,
    equations: str = "both",
) -> ProxyResult:
    """Estimate a value-added production function in one step by linear GMM.

    Two equations share the elasticities b of free and a of state inputs
    (Wooldridge 2009, equations 2.11 and 2.12)::

        y = b l + h(k, m) + e                     instruments l, h's terms
        y = b l + a k + q(k_{-1}, m_{-1}) + u     instruments k, l_{-1}, q's terms

    h and q are polynomials without restrictions between them, a of the first
    equation lies in h. Two-step efficient GMM, the weights clustered by firm.

    Parameters
    ----------
    frame, output, free, state, proxy, unit, time
        As in :func:`nqpf.tfp.proxy.levinsohn_petrin`, **logarithms**.
    degree : int
        Degree of the polynomials h and q.
    equations : {"both", "second"}
        ``"second"`` uses the second equation alone, instrumental variables
        with l_{-1} for l: it does not need labour to vary given k and m
        (Petrin and Levinsohn 2012).

    Returns
    -------
    ProxyResult
        Standard errors clustered by firm; ``criterion`` is Hansen's J, with as
        many degrees of freedom as free inputs when both equations are used,
        and zero but for rounding with the second alone.

    Raises
    ------
    nqpf.errors.NqpfError
        As in :func:`nqpf.tfp.proxy.levinsohn_petrin`; EstimationError if
        instruments do not identify the elasticities.

    Warns
    -----
    UserWarning
        If firms skip years.

    Examples
    --------
    >>> from nqpf.tfp.simulate import simulate_firms
    >>> firms = simulate_firms(design=2, seed=4)
    >>> fit = wooldridge(firms, "output", "labour", "capital", "materials", "firm", "year")
    >>> fit.params.round(1).to_dict()
    {'labour': 0.6, 'capital': 0.4}
    """
    check_degrees(degree, 1)
    if equations not in EQUATIONS:
        raise MethodError(
            f"unknown equations {equations!r}",
            expected=" or ".join(map(repr, EQUATIONS)),
            hint=nearest(equations, EQUATIONS),
        )
    roles = Roles.of(output, free, state, proxy)
    sample = prepare(frame, roles, unit, time)
    firms = sample.firms
    blocks = [_second(firms, degree)]
    if equations == "both":
        blocks.insert(0, _first(firms, degree, roles))
    params, cov, hansen = _gmm(blocks, firms.code[firms.now])
    index, names = sample.frame.index, roles.inputs
    used = np.column_stack([firms.free, firms.state]) @ params
    return ProxyResult(
        method=f"Wooldridge, {equations} equation{'s' if equations == 'both' else ''}",
        params=pd.Series(params, index=names, name="elasticity"),
        std_errors=pd.Series(np.sqrt(np.diag(cov)), index=names, name="std_error"),
        errors="clustered by firm",
        tfp=pd.Series(firms.y - used, index=index, name="tfp"),
        criterion=hansen,
        converged=True,
        n=len(firms.now),
        firms=len(firms.first) - 1,
        dropped=sample.dropped,
    )


_Block = tuple[np.ndarray, np.ndarray, np.ndarray]  # y (M,), regressors (M, p), instruments (M, z)


def _polynomial_basis(firms: Firms, rows: np.ndarray, degree: int) -> np.ndarray:
    terms = polynomial(np.column_stack([firms.state, firms.proxy])[rows], degree)
    check_rows(len(terms), terms.shape[1] + firms.free.shape[1], "an equation")
    return basis(terms)


def _less(q: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Partial out the polynomial; two-step GMM on the rest gives the same elasticities."""
    return values - q @ (q.T @ values)


def _first(firms: Firms, degree: int, roles: Roles) -> _Block:
    now = firms.now
    q = _polynomial_basis(firms, now, degree)
    free = _less(q, firms.free[now])
    check_vary(free, firms.free[now], roles.free, "equations='second'")
    x = np.column_stack([free, np.zeros((len(now), firms.state.shape[1]))])
    return _less(q, firms.y[now]), x, free


def _second(firms: Firms, degree: int) -> _Block:
    now, before = firms.now, firms.before
    q = _polynomial_basis(firms, before, degree)
    free, state = _less(q, firms.free[now]), _less(q, firms.state[now])
    lagged = _less(q, firms.free[before])
    return (
        _less(q, firms.y[now]),
        np.column_stack([free, state]),
        np.column_stack([lagged, state]),
    )


def _gmm(blocks: list[_Block], cluster: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return elasticities, their covariance and Hansen's J."""
    n = len(cluster)
    cross = np.vstack([z.T @ x for _, x, z in blocks]) / n
    target = np.concatenate([z.T @ y for y, _, z in blocks]) / n
    if np.linalg.matrix_rank(cross) < cross.shape[1]:
        raise EstimationError(
            "the instruments do not identify the elasticities",
            expected="inputs that vary given last year's state and proxy",
            hint="lower the degree",
        )
    params, _ = _solve(cross, target, _block_diagonal([z.T @ z / n for _, _, z in blocks]))
    moments = np.hstack([z * (y - x @ params)[:, None] for y, x, z in blocks])
    sums = np.zeros((cluster.max() + 1, moments.shape[1]))
    np.add.at(sums, cluster, moments)
    weight = sums.T @ sums / n
    params, cov = _solve(cross, target, weight)
    gap = target - cross @ params
    return params, cov / n, float(n * gap @ np.linalg.solve(weight, gap))


def _solve(
    cross: np.ndarray, target: np.ndarray, variance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the GMM estimate under the weight `variance` inverse, and its n-fold covariance."""
    try:
        weighted = np.linalg.solve(variance, cross)
    except np.linalg.LinAlgError as error:
        raise EstimationError(
            "the moments of the instruments are collinear",
            expected="more firms than instruments",
            hint="lower the degree or bring more firms",
        ) from error
    cov = np.linalg.inv(cross.T @ weighted)
    return cov @ (weighted.T @ target), cov


def _block_diagonal(blocks: list[np.ndarray]) -> np.ndarray:
    from scipy.linalg import block_diag

    return block_diag(*blocks)
