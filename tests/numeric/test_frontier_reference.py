"""Frontiers against quadrature, a plain likelihood maximised without gradients, and simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_frontier import BETA, frontier_panel
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, norm

from nqpf.tfp.frontier import battese_coelli

INPUTS = ["capital", "labour"]


def estimate(frame, **options):
    return battese_coelli(frame, "output", INPUTS, "firm", "year", **options)


def residuals(parameters, frame):
    logs = np.log(frame[["output", *INPUTS]])
    constant, capital, labour = parameters[:3]
    return (logs["output"] - constant - capital * logs["capital"] - labour * logs["labour"]).values


def naive_1992(parameters, frame):
    """Return the log-likelihood unit by unit, from the joint density of a skewed normal vector."""
    *_, sigma2, gamma, eta = parameters
    sv2, su2 = (1 - gamma) * sigma2, gamma * sigma2
    year = frame.index.unique("year").to_numpy()
    h = np.exp(-eta * (year - year.max()))
    e = residuals(parameters, frame).reshape(-1, len(year))
    precision = h @ h / sv2 + 1 / su2
    joint = multivariate_normal.logpdf(e, cov=sv2 * np.eye(len(h)) + su2 * np.outer(h, h))
    return (joint + norm.logcdf(-e @ h / sv2 / np.sqrt(precision)) - norm.logcdf(0)).sum()


def naive_1995(parameters, frame):
    """Return the log-likelihood row by row."""
    *_, sigma2, gamma, _ = parameters
    e = residuals(parameters, frame)
    mu = parameters[3] + parameters[4] * frame["z"].to_numpy()
    sv2, su2 = (1 - gamma) * sigma2, gamma * sigma2
    center = (mu * sv2 - e * su2) / sigma2
    side = norm.logcdf(center / np.sqrt(sv2 * su2 / sigma2)) - norm.logcdf(mu / np.sqrt(su2))
    return (norm.logpdf(e, -mu, np.sqrt(sigma2)) + side).sum()


LATE = {"inefficiency": "1995", "determinants": ["z"]}
CASES = {  # options, truth, likelihood
    "1992 without decay": ({"decay": False}, {}, naive_1992),
    "1992": ({}, {"eta": 0.1}, naive_1992),
    "1995": (LATE, {"delta": (0.3, 0.4), "sigma_u": 0.3}, naive_1995),
}


@pytest.mark.parametrize("case", ["1992", "1995"])
def test_likelihood_and_efficiency_equal_quadrature(case):
    options, truth, _ = CASES[case]
    frame = frontier_panel(11, units=30, years=4, **truth).drop([(0, 2010), (3, 2012), (7, 2013)])
    result = estimate(frame, **options)
    p, late = result.parameters["estimate"], case == "1995"
    sv, su = np.sqrt((1 - result.gamma) * result.sigma2), np.sqrt(result.gamma * result.sigma2)
    firm, year = (frame.index.get_level_values(i).to_numpy() for i in (0, 1))
    h = np.ones(len(frame)) if late else np.exp(p["eta"] * (2013 - year))
    mean = p["delta:constant"] + p["delta:z"] * frame["z"].to_numpy() if late else 0 * h
    e, group = residuals(p.to_numpy(), frame), np.arange(len(frame)) if late else firm
    nodes, weights = np.polynomial.legendre.leggauss(80)
    ends = np.array([0, 0.25, 0.5, 1, 2, 4])
    half = np.diff(ends)[:, None] / 2
    u, weights = (ends[:-1, None] + half * (nodes + 1)).ravel(), (half * weights).ravel()
    prior = norm.pdf(u, mean[:, None], su) / norm.cdf(mean / su)[:, None]
    noise = pd.DataFrame(norm.pdf(e[:, None] + h[:, None] * u, scale=sv))
    density = noise.groupby(group).transform("prod").to_numpy() * prior  # of the group of each row
    whole = density @ weights
    total = pd.Series(np.log(whole)).groupby(group).first().sum()
    efficiency = (density * np.exp(-h[:, None] * u)) @ weights / whole
    slack = (density * h[:, None] * u) @ weights / whole
    assert result.loglik == pytest.approx(total, abs=1e-9)
    np.testing.assert_allclose(result.efficiency, efficiency, rtol=1e-8)
    np.testing.assert_allclose(result.inefficiency, slack, rtol=1e-8)


@pytest.mark.parametrize("case", CASES)
def test_estimates_equal_a_plain_likelihood_maximised_by_another_optimiser(case):
    options, truth, naive = CASES[case]
    frame = frontier_panel(11, units=30, years=4, **truth)
    result = estimate(frame, **options)
    assert result.convergence.converged and not result.convergence.boundary
    values = result.parameters["estimate"].to_numpy()
    decay = "eta" in result.parameters.index

    def full(free):
        free = free.copy()
        at = len(free) - 1 - decay
        free[at] = 1 / (1 + np.exp(-free[at]))
        free[at - 1] = np.exp(free[at - 1])
        return free if decay else np.append(free, 0.0)

    at = len(values) - 1 - decay
    start = values.copy()
    start[at] = np.log(values[at] / (1 - values[at]))
    start[at - 1] = np.log(values[at - 1])
    assert naive(full(start), frame) == pytest.approx(result.loglik, abs=1e-8)
    shifted = start + np.random.default_rng(0).normal(0, 0.02, len(start))
    found = minimize(lambda free: -naive(full(free), frame), shifted, method="BFGS")
    assert -found.fun <= result.loglik + 1e-7
    near = 0.02 * result.parameters["std_error"].max()
    np.testing.assert_allclose(full(found.x)[: len(values)], values, atol=near)
    np.testing.assert_allclose(-found.fun, result.loglik, atol=1e-5)
    # Standard errors are the inverse of minus the Hessian, here by differences of the likelihood.
    steps, last = np.diag(0.01 * result.parameters["std_error"].to_numpy()), [0.0] * (not decay)

    def rise(at, b):
        up, down = (naive(np.append(at + s, last), frame) for s in (b, -b))
        return up - down

    at = [[rise(values + a, b) for b in steps] for a in [*steps, *-steps]]
    size = len(steps)
    hessian = (np.array(at[:size]) - np.array(at[size:])) / 4
    hessian /= np.outer(steps.max(axis=1), steps.max(axis=1))
    errors = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    np.testing.assert_allclose(result.parameters["std_error"], errors, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("made", "options", "truth"),
    [
        ({"eta": 0.08, "trend": 0.02}, {"trend": "neutral"}, [0.02, 0.1825, 0.16 / 0.1825, 0.08]),
        ({"delta": (0.3, 0.5), "sigma_u": 0.3}, LATE, [0.3, 0.5, 0.1125, 0.8]),
    ],
    ids=["1992", "1995"],
)
def test_simulation_recovers_the_truth(made, options, truth):
    frame = frontier_panel(1, units=400, **made)
    result = estimate(frame, **options)
    estimates = result.parameters
    apart = (estimates["estimate"] - [*BETA, *truth]) / estimates["std_error"]
    assert result.convergence.converged and apart.abs().max() < 3
    assert np.corrcoef(result.inefficiency, frame["u"])[0, 1] > 0.95
