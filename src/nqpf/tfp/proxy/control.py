"""Olley and Pakes (1996) and Levinsohn and Petrin (2003): a proxy for productivity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.tfp.proxy.estimate import estimate
from nqpf.tfp.proxy.result import ProxyResult
from nqpf.tfp.proxy.sample import Firms, Roles, prepare
from nqpf.tfp.proxy.search import search, starting_points
from nqpf.tfp.proxy.survival import survival_probability
from nqpf.tfp.proxy.twostep import Fit, check_degrees, check_rows, first_step, unexplained

__all__ = ["levinsohn_petrin", "olley_pakes"]


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
