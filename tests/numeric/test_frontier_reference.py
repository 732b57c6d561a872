"""Frontiers against quadrature of the likelihood, and against simulation of a known truth."""

import numpy as np
import pandas as pd
import pytest
from made_up_frontier import BETA, frontier_panel
from scipy.stats import norm

from nqpf.tfp.frontier import battese_coelli

INPUTS = ["capital", "labour"]
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
ENDS = np.array([0, 0.25, 0.5, 1, 2, 4])
HALF = np.diff(ENDS)[:, None] / 2
U, WEIGHTS = (ENDS[:-1, None] + HALF * (NODES + 1)).ravel(), (HALF * WEIGHTS).ravel()


def estimate(frame, **options):
    return battese_coelli(frame, "output", INPUTS, "firm", "year", **options)


def integrated(values, names, frame):
    """Return the log-likelihood, and of each row the mean of exp(-u) and of u given its unit."""
    p, logs = pd.Series(values, names), np.log(frame[["output", *INPUTS]])
    late, one = "delta:z" in p, np.ones(len(frame))
    firm, year = (frame.index.get_level_values(i).to_numpy() for i in (0, 1))
    h = np.exp(p.get("eta", 0.0) * (2013 - year))
    mean = p["delta:constant"] + p["delta:z"] * frame["z"].to_numpy() if late else 0 * one
    group = np.arange(len(frame)) if late else firm
    sv, su = np.sqrt((1 - p["gamma"]) * p["sigma2"]), np.sqrt(p["gamma"] * p["sigma2"])
    e = (logs["output"] - p["constant"] - logs[INPUTS] @ p[INPUTS]).to_numpy()
    prior = norm.pdf(U, mean[:, None], su) / norm.cdf(mean / su)[:, None]
    noise = pd.DataFrame(norm.pdf(e[:, None] + h[:, None] * U, scale=sv))
    density = noise.groupby(group).transform("prod").to_numpy() * prior  # of the group of each row
    whole = density @ WEIGHTS
    total = pd.Series(np.log(whole)).groupby(group).first().sum()
    means = (
        (density * part) @ WEIGHTS / whole for part in (np.exp(-h[:, None] * U), h[:, None] * U)
    )
    return total, *means


LATE = {"inefficiency": "1995", "determinants": ["z"]}
CASES = {  # options, truth
    "1992 without decay": ({"decay": False}, {}),
    "1992": ({}, {"eta": 0.1}),
    "1995": (LATE, {"delta": (0.3, 0.4), "sigma_u": 0.3}),
}


@pytest.mark.parametrize("case", CASES)
def test_estimates_maximise_the_likelihood_by_quadrature(case):
    options, truth = CASES[case]
    frame = frontier_panel(11, units=30, years=4, **truth).drop([(0, 2010), (3, 2012), (7, 2013)])
    result = estimate(frame, **options)
    assert result.convergence.converged and not result.convergence.boundary
    values, errors = (result.parameters[key].to_numpy() for key in ("estimate", "std_error"))
    total, efficiency, slack = integrated(values, result.parameters.index, frame)
    assert result.loglik == pytest.approx(total, abs=1e-9)
    np.testing.assert_allclose(result.efficiency, efficiency, rtol=1e-8)
    np.testing.assert_allclose(result.inefficiency, slack, rtol=1e-8)
    steps = np.diag(0.01 * errors)

    def slopes(at):
        ends = [[integrated(at + s * b, result.parameters.index, frame)[0] for b in steps]
                for s in (1, -1)]  # fmt: skip
        return np.subtract(*ends) / (0.02 * errors)

    hessian = [(slopes(values + b) - slopes(values - b)) / (2 * b.max()) for b in steps]
    cov = np.linalg.inv(-np.array(hessian))
    # Standard errors are the inverse of minus the Hessian; a step of Newton's leads nowhere.
    np.testing.assert_allclose(errors, np.sqrt(np.diag(cov)), rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(cov @ slopes(values) / errors, 0, atol=2e-3)


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
