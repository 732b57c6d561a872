"""Frontiers against quadrature, a plain likelihood maximised without gradients, and simulation."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from made_up_frontier import BETA, frontier_panel
from scipy.integrate import quad
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


LATE = {"inefficiency": "1995"}
NAIVE = {"1992": naive_1992, "1995": naive_1995}


CASES = {
    "1992 half-normal": ({"decay": False}, {}),
    "1992 half-normal decay": ({}, {"eta": 0.1}),
    "1992 truncated decay": ({"distribution": "truncated"}, {"eta": 0.1, "mu": 0.5}),
    "1995 half-normal": (
        LATE | {"distribution": "half-normal"},
        {"delta": (0.0, 0.0), "sigma_u": 0.6},
    ),
    "1995 determinants": (LATE | {"determinants": ["z"]}, {"delta": (0.3, 0.4), "sigma_u": 0.3}),
}


@pytest.mark.parametrize("case", ["1992 truncated decay", "1995 determinants"])
def test_likelihood_and_efficiency_equal_quadrature(case):
    options, truth = CASES[case]
    frame = frontier_panel(11, units=30, years=4, **truth).drop([(0, 2010), (3, 2012), (7, 2013)])
    result = estimate(frame, **options)
    p, late = result.parameters["estimate"], case.startswith("1995")
    sv, su = np.sqrt((1 - result.gamma) * result.sigma2), np.sqrt(result.gamma * result.sigma2)
    firm, year = (frame.index.get_level_values(i).to_numpy() for i in (0, 1))
    h = np.ones(len(frame)) if late else np.exp(p["eta"] * (2013 - year))
    mean = p["delta:constant"] + p["delta:z"] * frame["z"].to_numpy() if late else 0 * h + p["mu"]
    e, group = residuals(p.to_numpy(), frame), np.arange(len(frame)) if late else firm
    total, efficiency, slack = 0.0, np.empty(len(frame)), np.empty(len(frame))
    for one in np.unique(group):
        rows = np.flatnonzero(group == one)
        mu = mean[rows[0]]

        def integral(kept, rows=rows, mu=mu):
            def density(u):
                prior = np.exp(-(((u - mu) / su) ** 2) / 2) / (su * norm.cdf(mu / su))
                noise = np.exp(-(((e[rows] + h[rows] * u) / sv) ** 2) / 2) / sv
                scale = np.sqrt(2 * np.pi) ** (1 + len(rows))
                return kept(u) * prior * noise.prod() / scale

            ends = [0, 0.25, 0.5, 1, 2, 4]
            parts = zip(ends[:-1], ends[1:], strict=True)
            return sum(quad(density, *part, epsabs=1e-14, epsrel=1e-12)[0] for part in parts)

        whole = integral(lambda u: 1.0)
        total += np.log(whole)
        for row in rows:
            efficiency[row] = integral(lambda u: np.exp(-h[row] * u)) / whole  # noqa: B023
            slack[row] = integral(lambda u: h[row] * u) / whole  # noqa: B023
    assert result.loglik == pytest.approx(total, abs=1e-9)
    np.testing.assert_allclose(result.efficiency, efficiency, rtol=1e-8)
    np.testing.assert_allclose(result.inefficiency, slack, rtol=1e-8)


@pytest.mark.parametrize("case", CASES)
def test_estimates_equal_a_plain_likelihood_maximised_by_another_optimiser(case):
    options, truth = CASES[case]
    frame = frontier_panel(11, units=30, years=4, **truth)
    result = estimate(frame, **options)
    assert result.convergence.converged and not result.convergence.boundary
    values = result.parameters["estimate"].to_numpy()
    naive, decay = NAIVE[options.get("inefficiency", "1992")], "eta" in result.parameters.index

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


def recovered(result, truth):
    estimates = result.parameters
    apart = (estimates["estimate"] - truth) / estimates["std_error"]
    return result.convergence.converged and apart.abs().max() < 3


def test_simulation_1992_recovers_the_truth():
    frame = frontier_panel(1, units=400, years=6, mu=0.4, eta=0.08, sigma_u=0.4, trend=0.02)
    result = estimate(frame, distribution="truncated", trend="neutral")
    assert recovered(result, [*BETA, 0.02, 0.4, 0.1825, 0.16 / 0.1825, 0.08])
    assert np.corrcoef(result.inefficiency, frame["u"])[0, 1] > 0.95


def test_simulation_1995_recovers_the_truth():
    frame = frontier_panel(2, units=300, years=5, delta=(0.3, 0.5), sigma_u=0.3)
    result = estimate(frame, inefficiency="1995", determinants=["z"])
    assert recovered(result, [*BETA, 0.3, 0.5, 0.1125, 0.8])


def test_simulation_standard_errors_match_the_spread_of_estimates():
    fits = [estimate(frontier_panel(100 + s, eta=0.1), decay=True).parameters for s in range(60)]
    for name, truth in (("capital", 0.4), ("labour", 0.5), ("eta", 0.1)):
        rows = pd.DataFrame([fit.loc[name] for fit in fits])
        z = (rows["estimate"] - truth) / rows["std_error"]
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
