"""Production functions of firms: least squares, and the estimators that proxy productivity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError
from nqpf.sample import check_regressors, nearest
from nqpf.tfp.firms import (
    Firms,
    Fit,
    ProxyResult,
    Roles,
    Sample,
    basis,
    check_degrees,
    check_rows,
    check_vary,
    estimate,
    first_step,
    polynomial,
    prepare,
    search,
    starting_points,
    survival_probability,
    unexplained,
)

__all__ = [
    "EQUATIONS",
    "ackerberg_caves_frazer",
    "fixed_effects",
    "levinsohn_petrin",
    "olley_pakes",
    "ols",
    "wooldridge",
]


def ols(
    frame: pd.DataFrame,
    output: str,
    free: str | Sequence[str],
    state: str | Sequence[str],
    unit: str,
    time: str,
) -> ProxyResult:
    """Estimate a production function by ordinary least squares, through statsmodels.

    Firms that know their productivity hire by it, so the elasticity of labour
    is biased upwards (Marschak and Andrews 1944).

    Parameters
    ----------
    frame, output, free, state, unit, time
        As in :func:`nqpf.tfp.proxy.levinsohn_petrin`, **logarithms**.

    Returns
    -------
    ProxyResult
        Standard errors clustered by firm; ``criterion`` is the mean squared
        residual.

    Raises
    ------
    nqpf.errors.NqpfError
        As in :func:`nqpf.tfp.proxy.levinsohn_petrin`.

    Examples
    --------
    >>> from nqpf.tfp.simulate import simulate_firms
    >>> fit = ols(simulate_firms(1, firms=200), "output", "labour", "capital", "firm", "year")
    >>> bool(fit.params["labour"] > 0.8)
    True
    """
    from statsmodels.regression.linear_model import OLS

    roles = Roles.of(output, free, state)
    sample = prepare(frame, roles, unit, time, lagged=False)
    x = sample.frame[roles.inputs].assign(const=1.0)
    fitted = OLS(sample.frame[output], x).fit(
        cov_type="cluster", cov_kwds={"groups": sample.firms.code}
    )
    return _result("ordinary least squares", sample, roles, fitted.params, fitted.bse, fitted.resid)


def fixed_effects(
    frame: pd.DataFrame,
    output: str,
    free: str | Sequence[str],
    state: str | Sequence[str],
    unit: str,
    time: str,
) -> ProxyResult:
    """Estimate a production function with firm effects, through linearmodels.

    Right if productivity does not change over a firm's life; productivity that
    does change still moves inputs.

    Parameters
    ----------
    frame, output, free, state, unit, time
        As in :func:`nqpf.tfp.proxy.levinsohn_petrin`, **logarithms**.

    Returns
    -------
    ProxyResult
        Standard errors clustered by firm; ``criterion`` is the mean squared
        residual within firms.

    Raises
    ------
    nqpf.errors.NqpfError
        As in :func:`nqpf.tfp.proxy.levinsohn_petrin`; EstimationError if an
        input does not vary within any firm.

    Examples
    --------
    >>> from nqpf.tfp.simulate import simulate_firms
    >>> firms = simulate_firms(1, firms=200)
    >>> fit = fixed_effects(firms, "output", "labour", "capital", "firm", "year")
    >>> fit.params.index.tolist()
    ['labour', 'capital']
    """
    from linearmodels.panel import PanelOLS

    roles = Roles.of(output, free, state)
    sample = prepare(frame, roles, unit, time, lagged=False)
    check_regressors(sample.frame[roles.inputs], sample.firms.code, None)
    # linearmodels takes numbers for firms whatever their labels are.
    numbered = sample.frame.set_axis(
        pd.MultiIndex.from_arrays([sample.firms.code, sample.frame.index.get_level_values(1)])
    )
    fitted = PanelOLS(numbered[output], numbered[roles.inputs], entity_effects=True).fit(
        cov_type="clustered", cluster_entity=True
    )
    return _result("firm effects", sample, roles, fitted.params, fitted.std_errors, fitted.resids)


def _result(
    method: str,
    sample: Sample,
    roles: Roles,
    params: pd.Series,
    std_errors: pd.Series,
    residuals: pd.Series,
) -> ProxyResult:
    names = roles.inputs
    used = sample.frame[names].to_numpy() @ params[names].to_numpy()
    return ProxyResult(
        method=method,
        params=params[names].rename("elasticity"),
        std_errors=std_errors[names].rename("std_error"),
        errors="clustered by firm",
        tfp=(sample.frame[roles.output] - used).rename("tfp"),
        criterion=float(np.mean(np.square(residuals))),
        converged=True,
        n=len(sample.frame),
        firms=len(sample.firms.first) - 1,
        dropped=sample.dropped,
    )


def levinsohn_petrin(
    frame: pd.DataFrame,
    output: str,
    free: str | Sequence[str],
    state: str | Sequence[str],
    proxy: str | Sequence[str],
    unit: str,
    time: str,
    degree: int = 3,
    markov: int = 3,
    starts: int | pd.DataFrame = 4,
    replications: int = 0,
    seed: int = 0,
) -> ProxyResult:
    """Estimate a value-added production function with intermediate inputs as proxy.

    First step: y = b l + phi(k, m) + e by least squares, phi a polynomial.
    Second step: elasticities a of state inputs minimise the sum of squares of
    y - b l - a k - g(phi_{-1} - a k_{-1}), g the polynomial that fits
    phi - a k for each trial (Levinsohn and Petrin 2003; in the steps of
    Petrin, Poi and Levinsohn 2004).

    Parameters
    ----------
    frame : DataFrame
        One row per firm and year, `unit` and `time` as columns or index
        levels. Every variable is a **logarithm** already; take logarithms
        first and decide there what becomes of zeros.
    output : str
        Value added.
    free, state, proxy : str or list of str
        Inputs chosen within the year (labour), fixed before it (capital),
        and the demand that reveals productivity (materials, energy).
    unit, time : str
        Names of the firm and of the year, a whole number.
    degree : int
        Degree of the polynomial in state and proxy.
    markov : int
        Degree of the Markov process of productivity.
    starts : int or DataFrame
        Starting points of the second step: a number (least squares, then
        points spread over the unit cube), or a frame with a column per state
        input.
    replications : int
        Samples of the bootstrap by firm; 0 for no standard errors.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    ProxyResult

    Raises
    ------
    nqpf.errors.DataError
        If a name is unknown, a column is no number or no logarithm.
    nqpf.errors.SampleError
        If a key is doubled, a value infinite, there is one firm only, or no
        firm has two years in a row.
    nqpf.errors.EstimationError
        If inputs are collinear, a free input is a function of state and
        proxy, or rows are too few.
    nqpf.errors.MethodError
        If an option cannot be used.

    Warns
    -----
    UserWarning
        If firms skip years, the search does not converge, or bootstrap
        samples are lost.

    Examples
    --------
    >>> from nqpf.tfp.simulate import simulate_firms
    >>> firms = simulate_firms(design=2, seed=4)
    >>> fit = levinsohn_petrin(firms, "output", "labour", "capital", "materials", "firm", "year")
    >>> fit.params.round(1).to_dict(), fit.converged, fit.n
    ({'labour': 0.6, 'capital': 0.4}, True, 9000)
    """
    check_degrees(degree, markov)
    roles = Roles.of(output, free, state, proxy)
    sample = prepare(frame, roles, unit, time)

    def fit(firms: Firms, points: np.ndarray) -> Fit:
        return _two_steps(firms, roles, degree, markov, points, smooth=True)

    def points(least_squares: np.ndarray) -> np.ndarray:
        return starting_points(starts, roles.state, least_squares[len(roles.free) :])

    return estimate("Levinsohn-Petrin", sample, roles, fit, points, replications, seed)


def olley_pakes(
    frame: pd.DataFrame,
    output: str,
    free: str | Sequence[str],
    state: str | Sequence[str],
    proxy: str | Sequence[str],
    unit: str,
    time: str,
    exit: str | None = None,
    degree: int = 3,
    markov: int = 3,
    starts: int | pd.DataFrame = 4,
    replications: int = 0,
    seed: int = 0,
) -> ProxyResult:
    """Estimate a value-added production function with investment as proxy.

    The first step of :func:`levinsohn_petrin`, with investment in place of
    materials; in the second, nonlinear least squares, g fits y - b l - a k
    (Olley and Pakes 1996, equation 12; Yasar, Raciborski and Poi 2008).
    Investment reveals productivity only where it is positive: rows whose
    proxy is minus infinity (the logarithm of zero) or missing are dropped and
    recorded. With `exit`, g also takes the probability of surviving from last
    year, by a probit on last year's polynomial of state and proxy.

    Parameters
    ----------
    frame, output, free, state, unit, time
        As in :func:`levinsohn_petrin`, logarithms throughout.
    proxy : str or list of str
        Logarithm of investment.
    exit : None, "attrition" or str
        None for no correction. ``"attrition"``: a firm exits after its last
        row if that is before the last year of the frame; a gap is no exit.
        Any other name is a column that is true in the last year of a firm
        that exits.
    degree, markov, starts, replications, seed
        As in :func:`levinsohn_petrin`.

    Returns
    -------
    ProxyResult

    Raises
    ------
    nqpf.errors.NqpfError
        As in :func:`levinsohn_petrin`; and EstimationError if no firm exits
        or the probit does not converge.

    Warns
    -----
    UserWarning
        As in :func:`levinsohn_petrin`.

    Examples
    --------
    >>> from nqpf.tfp.simulate import simulate_firms
    >>> firms = simulate_firms(design=2, seed=4)
    >>> fit = olley_pakes(firms, "output", "labour", "capital", "investment", "firm", "year")
    >>> bool(fit.params["labour"] > 0.6), fit.converged
    (True, True)
    """
    check_degrees(degree, markov)
    roles = Roles.of(output, free, state, proxy)
    sample = prepare(frame, roles, unit, time, may_be_zero=True, exit=exit)
    method = "Olley-Pakes" if exit is None else "Olley-Pakes with exit correction"

    def fit(firms: Firms, points: np.ndarray) -> Fit:
        survival = None if exit is None else survival_probability(firms, degree)
        return _two_steps(firms, roles, degree, markov, points, smooth=False, survival=survival)

    def points(least_squares: np.ndarray) -> np.ndarray:
        return starting_points(starts, roles.state, least_squares[len(roles.free) :])

    return estimate(method, sample, roles, fit, points, replications, seed)


def _two_steps(
    firms: Firms,
    roles: Roles,
    degree: int,
    markov: int,
    points: np.ndarray,
    smooth: bool,
    survival: np.ndarray | None = None,
) -> Fit:
    """Return free elasticities of the first step and state elasticities of the second.

    With `smooth`, this year's productivity is without the first step's error
    where g is fitted; the sum of squares holds that error either way.
    """
    free, phi = first_step(firms, degree, roles.free)
    now, before = firms.now, firms.before
    check_rows(len(now), markov + 1 + firms.state.shape[1], "the second step")
    net = (firms.y - firms.free @ free)[now]
    state, state_before, phi_before = firms.state[now], firms.state[before], phi[before]
    chance = None if survival is None else survival[before]
    fitted = phi[now] if smooth else net
    error = net - fitted
    scale = 1 / np.sqrt(len(now))

    def residuals(trial: np.ndarray) -> np.ndarray:
        productivity = phi_before - state_before @ trial
        return scale * (error + unexplained(fitted - state @ trial, productivity, markov, chance))

    found = search(residuals, points, roles.state)
    params = np.concatenate([free, found.params])
    return Fit(params, phi + firms.free @ free, found)


_SOLVED = 1e-10  # innovation's mean square along the instruments, against all of output's


def ackerberg_caves_frazer(
    frame: pd.DataFrame,
    output: str,
    free: str | Sequence[str],
    state: str | Sequence[str],
    proxy: str | Sequence[str],
    unit: str,
    time: str,
    degree: int = 3,
    markov: int = 3,
    starts: int | pd.DataFrame = 9,
    replications: int = 0,
    seed: int = 0,
) -> ProxyResult:
    """Estimate a value-added production function when labour may depend on the proxy.

    First step: y on a polynomial of free, state and proxy, which only removes
    the error of measurement: phi. Second step: for trial elasticities (b, a),
    productivity is phi - b l - a k, its innovation xi what a polynomial of last
    year's leaves; the estimate solves E[xi (l_{-1}, k)] = 0.

    **The answer depends on the start.** The conditions are as many as the
    elasticities and have more than one solution: next to the production
    function there is one near b = 1, a = 0, where the "productivity" is output
    per worker (Kim, Luo and Su 2019), often reached from least squares. Every
    start is reported in ``starts``. Among solutions, the one whose smallest
    elasticity is largest is chosen, and a warning names the others; give a
    frame of one start to choose yourself.

    Parameters
    ----------
    frame, output, free, state, proxy, unit, time
        As in :func:`nqpf.tfp.proxy.levinsohn_petrin`: **logarithms**, output
        is value added, the proxy materials or investment.
    degree, markov : int
        Degrees of the first polynomial and of the Markov process.
    starts : int or DataFrame
        Starting points: a number (least squares, then points spread over the
        unit cube), or a frame with a column per free and state input.
    replications, seed : int
        Bootstrap by firm; each sample is searched from the estimate only.

    Returns
    -------
    ProxyResult
        ``criterion`` is the mean square of xi projected on the instruments.

    Raises
    ------
    nqpf.errors.NqpfError
        As in :func:`nqpf.tfp.proxy.levinsohn_petrin`.

    Warns
    -----
    UserWarning
        If several solutions fit equally well, no start solves the conditions,
        firms skip years, or bootstrap samples are lost.

    Examples
    --------
    >>> import warnings
    >>> from nqpf.tfp.simulate import simulate_firms
    >>> firms = simulate_firms(design=1, firms=500, seed=1)
    >>> roles = ["output", "labour", "capital", "materials", "firm", "year"]
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     fit = ackerberg_caves_frazer(firms, *roles)
    >>> fit.params.round(1).to_dict()
    {'labour': 0.6, 'capital': 0.4}
    >>> solved = fit.starts[fit.starts["converged"]]
    >>> solved.groupby("solution")["labour"].first().round(1).sort_values().tolist()
    [0.6, 1.0]
    """
    check_degrees(degree, markov)
    roles = Roles.of(output, free, state, proxy)
    sample = prepare(frame, roles, unit, time)

    def fit(firms: Firms, points: np.ndarray) -> Fit:
        return _fit(firms, roles, degree, markov, points)

    def points(least_squares: np.ndarray) -> np.ndarray:
        return starting_points(starts, roles.inputs, least_squares)

    return estimate("Ackerberg-Caves-Frazer", sample, roles, fit, points, replications, seed)


def _fit(firms: Firms, roles: Roles, degree: int, markov: int, points: np.ndarray) -> Fit:
    inputs = np.column_stack([firms.free, firms.state])
    terms = polynomial(np.column_stack([inputs, firms.proxy]), degree)
    check_rows(len(terms), terms.shape[1], "the first step")
    q = basis(terms)
    phi = q @ (q.T @ firms.y)
    now, before = firms.now, firms.before
    check_rows(len(now), markov + 1 + inputs.shape[1], "the second step")
    # With an orthonormal basis of the instruments the weight (Z'Z)^-1 is built in.
    z = basis(np.column_stack([np.ones(len(now)), firms.free[before], firms.state[now]]))
    phi_now, phi_before, x, x_before = phi[now], phi[before], inputs[now], inputs[before]
    scale = 1 / np.sqrt(len(now))

    def conditions(trial: np.ndarray) -> np.ndarray:
        innovation = unexplained(phi_now - x @ trial, phi_before - x_before @ trial, markov)
        return scale * (z.T @ innovation)

    found = search(conditions, points, roles.inputs, zero=_SOLVED * firms.y.var())
    return Fit(found.params, phi, found)


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
