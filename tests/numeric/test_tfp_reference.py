"""Stocks, shares and frontiers against sums, regressions, quadrature, print and simulated truth."""

import numpy as np
import pandas as pd
import pytest
from made_up_frontier import BETA, frontier_panel
from made_up_panels import case, keyed
from scipy.stats import norm

from nqpf.regress import fixed_effects
from nqpf.tfp import capital_stock, solow_residual
from nqpf.tfp.accounts import perpetual_inventory
from nqpf.tfp.frontier import battese_coelli


@pytest.mark.parametrize("rate", [0.0, 0.096, 0.1096, 0.5])
def test_recursion_equals_the_weighted_sum_of_past_investment(rate):
    rng = np.random.default_rng(0)
    real, prices = rng.uniform(0.5, 5, (7, 60)), rng.uniform(0.5, 9, (7, 60))
    keys = pd.MultiIndex.from_product([range(7), range(60)], names=["unit", "year"])
    spent, price = (pd.Series(values.ravel(), keys) for values in (real * prices, prices))
    stock = perpetual_inventory(spent, price, rate).to_numpy().reshape(7, 60)
    age = np.subtract.outer(np.arange(60), np.arange(60))
    weights = np.where(age >= 0, (1 - rate) ** np.maximum(age, 0), 0)
    before = (real[:, :1] / 0.10 - real[:, :1]) * (1 - rate) ** np.arange(60)
    np.testing.assert_allclose(stock, real @ weights.T + before, rtol=1e-12)


def test_beijing_equals_the_stock_that_the_source_package_documents(embedded):
    """CapitalStock for R documents CompK(prv = 'beijing'): 38866.56346 and 40271.13639."""
    wide = embedded.wide(["gfcf", "investment_price"]).loc[[110000]]
    stock = perpetual_inventory(wide["gfcf"], wide["investment_price"])
    assert stock[110000, 2021] == pytest.approx(38866.56346, abs=5e-6)
    assert stock[110000, 2022] == pytest.approx(40271.13639, abs=5e-6)


def test_the_embedded_stock_is_what_the_library_computes(embedded):
    rows = capital_stock(embedded)
    stored = embedded.frame.query("variable == 'capital_stock'")
    key = ["province", "year", "flag"]
    merged = rows.merge(stored, on=key, suffixes=("", "_stored"), validate="one_to_one")
    assert len(merged) == len(rows) == len(stored)
    # derived figures are stored to ten significant digits
    np.testing.assert_allclose(merged["value"], merged["value_stored"], rtol=5.1e-10)


@pytest.mark.parametrize("seed", range(2))
def test_shares_errors_and_test_equal_the_regressions_of_nqpf_regress(seed):
    rng, keys = np.random.default_rng(seed), keyed(units=20, years=9)
    logs = pd.DataFrame(rng.normal(0, 0.3, (len(keys), 2)), keys, ["capital", "labour"])
    effects = np.add.outer(rng.normal(size=20), rng.normal(size=9)).ravel()
    output = 0.45 * logs["capital"] + 0.55 * logs["labour"] + effects
    logs["output"] = output + rng.normal(0, 0.05, len(keys))
    result = solow_residual(np.exp(logs), share="estimated")
    free = solow_residual(np.exp(logs), share="estimated", returns="variable")
    logs["y_l"], logs["k_l"] = (logs[one] - logs["labour"] for one in ("output", "capital"))
    restricted = fixed_effects(logs, "y_l", ["k_l"])
    unrestricted = fixed_effects(logs, "y_l", ["k_l", "labour"])
    elasticities = fixed_effects(logs, "output", ["capital", "labour"]).params
    found = free.alpha.iloc[0], free.beta.iloc[0]
    np.testing.assert_allclose(found, elasticities[["capital", "labour"]], rtol=1e-10)
    assert result.alpha.iloc[0] == pytest.approx(restricted.params["k_l"], rel=1e-10)
    assert result.beta.iloc[0] == pytest.approx(1 - restricted.params["k_l"], rel=1e-10)
    assert result.alpha_se == pytest.approx(restricted.std_errors["k_l"], rel=1e-10)
    test = result.returns_test
    assert test.scale - 1 == pytest.approx(unrestricted.params["labour"], rel=1e-8)
    assert test.std_error == pytest.approx(unrestricted.std_errors["labour"], rel=1e-10)
    assert test.pvalue == pytest.approx(unrestricted.pvalues["labour"], rel=1e-8)
    assert test.df == unrestricted.df
    # Four standard errors around what made the figures: another proof, of no regression's own.
    assert abs(result.alpha.iloc[0] - 0.45) < 4 * result.alpha_se < 0.2
    np.testing.assert_allclose(found, [0.45, 0.55], atol=0.1)


# Frontiers


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


@pytest.mark.parametrize(("options", "truth"), CASES.values(), ids=CASES)
def test_estimates_maximise_the_likelihood_by_quadrature(options, truth):
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


def test_simulation_recovers_the_truth_of_1995():
    frame = frontier_panel(1, units=400, delta=(0.3, 0.5), sigma_u=0.3)
    result = estimate(frame, **LATE)
    estimates = result.parameters
    apart = (estimates["estimate"] - [*BETA, 0.3, 0.5, 0.1125, 0.8]) / estimates["std_error"]
    assert result.convergence.converged and apart.abs().max() < 3
    assert np.corrcoef(result.inefficiency, frame["u"])[0, 1] > 0.95


# Coelli (1996), output of example 1 of FRONTIER 4.1: constant, capital, labour, sigma2 and gamma.
PRINTED, LOG_LIKELIHOOD = [0.5616193, 0.2811022, 0.5364798, 0.2170003, 0.7972069], -17.027229


def test_frontier_41_cross_section():
    data = case("front41Data.csv").assign(year=1)
    result = battese_coelli(data, "output", INPUTS, "firm", "year")
    assert result.convergence.converged
    names = ["constant", *INPUTS, "sigma2", "gamma"]
    np.testing.assert_allclose(result.parameters.loc[names, "estimate"], PRINTED, rtol=0, atol=1e-3)
    assert result.loglik == pytest.approx(LOG_LIKELIHOOD, abs=1e-2)
    # The program prints its maximum with the logs of figures that the table rounds.
    assert result.loglik >= LOG_LIKELIHOOD - 1e-5
    assert result.test_no_inefficiency().statistic == pytest.approx(2.8392402, abs=1e-3)
