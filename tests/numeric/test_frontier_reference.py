"""Frontiers against quadrature, a plain likelihood maximised without gradients, and simulation."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from made_up_frontier import BETA, frontier_panel
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, norm, truncnorm

from nqpf.tfp.frontier import battese_coelli
from nqpf.tfp.likelihood import Sample, log_likelihood, posterior

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
    mu = parameters[3] if len(parameters) > 6 else 0.0
    sv2, su2 = (1 - gamma) * sigma2, gamma * sigma2
    year = frame.index.unique("year").to_numpy()
    h = np.exp(-eta * (year - year.max()))
    e = residuals(parameters, frame).reshape(-1, len(year))
    precision = h @ h / sv2 + 1 / su2
    center = (mu / su2 - e @ h / sv2) / precision
    joint = multivariate_normal.logpdf(e, -h * mu, sv2 * np.eye(len(h)) + su2 * np.outer(h, h))
    side = norm.logcdf(center * np.sqrt(precision)) - norm.logcdf(mu / np.sqrt(su2))
    return (joint + side).sum()


def naive_1995(parameters, frame):
    """Return the log-likelihood row by row."""
    *_, sigma2, gamma, _ = parameters
    e = residuals(parameters, frame)
    mu = parameters[3] + parameters[4] * frame["z"].to_numpy() if len(parameters) > 6 else 0.0
    sv2, su2 = (1 - gamma) * sigma2, gamma * sigma2
    center = (mu * sv2 - e * su2) / sigma2
    side = norm.logcdf(center / np.sqrt(sv2 * su2 / sigma2)) - norm.logcdf(mu / np.sqrt(su2))
    return (norm.logpdf(e, -mu, np.sqrt(sigma2)) + side).sum()


NAIVE = {"1992": naive_1992, "1995": naive_1995}


def test_likelihood_and_efficiency_equal_quadrature():
    rng = np.random.default_rng(3)
    starts, lead = np.array([0, 3, 4]), np.array([2.0, 1, 0, 0, 3, 0])
    x, y = np.column_stack([np.ones(6), rng.normal(size=6)]), rng.normal(size=6)
    z = np.column_stack([np.ones(3), rng.normal(size=3)])
    sample = Sample(y, x, z, starts, lead, True)
    theta = np.array([0.8, 0.3, 0.2, -0.4, 0.9, 0.6, 0.15])
    sv, su = np.sqrt(0.4 * 0.9), np.sqrt(0.6 * 0.9)
    e, h = y - x @ theta[:2], np.exp(0.15 * lead)
    total, efficiency, slack = 0.0, [], []
    for group, rows in enumerate(np.split(np.arange(6), starts[1:])):
        mu = z[group] @ theta[2:4]

        def density(u, rows=rows, mu=mu):
            prior = truncnorm.pdf(u, -mu / su, np.inf, mu, su)
            return prior * norm.pdf(e[rows], -h[rows] * u, sv).prod()

        whole = quad(density, 0, 12, epsabs=1e-14, limit=200)[0]
        total += np.log(whole)
        for row in rows:
            for store, kept in ((efficiency, lambda u: np.exp(-u)), (slack, lambda u: u)):
                part = quad(lambda u: kept(h[row] * u) * density(u), 0, 12, epsabs=1e-14)[0]  # noqa: B023
                store.append(part / whole)
    assert log_likelihood(theta, sample)[0] == pytest.approx(total, abs=1e-9)
    found = posterior(theta, sample)
    np.testing.assert_allclose(found.efficiency, efficiency, rtol=1e-8)
    np.testing.assert_allclose(found.inefficiency, slack, rtol=1e-8)


CASES = {
    "1992 half-normal": ({"decay": False}, {}),
    "1992 half-normal decay": ({}, {"eta": 0.1}),
    "1992 truncated decay": ({"distribution": "truncated"}, {"eta": 0.1, "mu": 0.5}),
    "1995 half-normal": (
        {"inefficiency": "1995", "distribution": "half-normal"},
        {"delta": (0.0, 0.0), "sigma_u": 0.6},
    ),
    "1995 determinants": (
        {"inefficiency": "1995", "determinants": ["z"]},
        {"delta": (0.3, 0.4), "sigma_u": 0.3},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_estimates_equal_a_plain_likelihood_maximised_by_another_optimiser(case):
    options, truth = CASES[case]
    frame = frontier_panel(11, units=30, years=4, **truth)
    result = estimate(frame, **options)
    assert result.convergence.converged and not result.convergence.boundary
    values = result.parameters["estimate"].to_numpy()
    naive, decay = NAIVE[result.inefficiency_model], result.decay

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
    np.testing.assert_allclose(
        full(found.x)[: len(values)], values, atol=0.02 * result.parameters["std_error"].max()
    )
    np.testing.assert_allclose(-found.fun, result.loglik, atol=1e-5)


def test_simulation_1992_recovers_the_truth():
    frame = frontier_panel(1, units=400, years=6, mu=0.4, eta=0.08, sigma_u=0.4, trend=0.02)
    result = estimate(frame, distribution="truncated", trend="neutral")
    truth = pd.Series(
        [*BETA, 0.02, 0.4, 0.15**2 + 0.4**2, 0.16 / (0.0225 + 0.16), 0.08],
        index=result.parameters.index,
    )
    assert result.convergence.converged
    assert (
        (result.parameters["estimate"] - truth) / result.parameters["std_error"]
    ).abs().max() < 3
    assert np.corrcoef(result.inefficiency, frame["u"])[0, 1] > 0.95


def test_simulation_1995_recovers_the_truth():
    frame = frontier_panel(2, units=300, years=5, delta=(0.3, 0.5), sigma_u=0.3)
    result = estimate(frame, inefficiency="1995", determinants=["z"])
    truth = pd.Series([*BETA, 0.3, 0.5, 0.1125, 0.8], index=result.parameters.index)
    assert result.convergence.converged
    assert (
        (result.parameters["estimate"] - truth) / result.parameters["std_error"]
    ).abs().max() < 3


def test_simulation_standard_errors_match_the_spread_of_estimates():
    fits = [estimate(frontier_panel(100 + s, eta=0.1), decay=True).parameters for s in range(60)]
    for name, truth in (("capital", 0.4), ("labour", 0.5), ("eta", 0.1)):
        z = np.array(
            [(fit.loc[name, "estimate"] - truth) / fit.loc[name, "std_error"] for fit in fits]
        )
        # Four standard errors of a mean and of a standard deviation over 60 draws.
        assert abs(z.mean()) < 4 / np.sqrt(60), name
        assert abs(z.std(ddof=1) - 1) < 4 / np.sqrt(120), name


def test_simulation_the_mixed_chi_square_keeps_its_size():
    rng = np.random.default_rng(5)
    rejections, draws = 0, 100
    for _ in range(draws):
        x = rng.normal(size=100)
        frame = pd.DataFrame({"firm": range(100), "year": 1, "x": np.exp(x)})
        frame["y"] = np.exp(1 + 0.5 * x + rng.normal(0, 0.3, 100))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            result = battese_coelli(frame, "y", ["x"], "firm", "year")
        rejections += result.test_no_inefficiency().p_value < 0.1
    # 10 per cent with three standard errors of a proportion.
    assert abs(rejections / draws - 0.1) < 3 * np.sqrt(0.1 * 0.9 / draws)
