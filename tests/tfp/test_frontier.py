"""Frontiers: identities, tests, refusals; quadrature, print and simulated truth."""

import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_up_panels import case, rearranged, refusals, refuses
from scipy.stats import chi2, norm, truncnorm

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.tfp import likelihood
from nqpf.tfp.frontier import battese_coelli

INPUTS, BETA = ["capital", "labour"], (1.0, 0.4, 0.5)
LATE = {"inefficiency": "1995"}


def frontier_panel(seed, units=60, years=6, sigma_u=0.4, eta=0.0, delta=None, trend=0.0):
    """Return a panel of the 1992 model, or of the 1995 model where `delta` is given.

    Columns are output, capital and labour in levels, the determinant ``z`` and the true ``u``.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(1, years + 1)
    capital, labour = rng.normal(3, 1, (2, units, years))
    z = rng.normal(size=(units, years))
    means = np.zeros((units, 1)) if delta is None else delta[0] + delta[1] * z
    u = truncnorm.rvs(-means / sigma_u, np.inf, means, sigma_u, random_state=rng)
    u = u * np.exp(eta * (years - t))
    noise = rng.normal(0, 0.15, (units, years))
    y = BETA[0] + BETA[1] * capital + BETA[2] * labour + trend * t + noise - u
    keys = pd.MultiIndex.from_product([range(units), 2009 + t], names=["firm", "year"])
    values = np.stack([np.exp(y), np.exp(capital), np.exp(labour), z, u], axis=2)
    return pd.DataFrame(values.reshape(-1, 5), keys, ["output", *INPUTS, "z", "u"])


def estimate(frame, inputs=INPUTS, **options):
    return battese_coelli(frame, "output", inputs, "firm", "year", **options)


def quietly(frame, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return estimate(frame, **options)


def section(seed=0, units=80):
    return frontier_panel(seed, units=units, years=1, sigma_u=0.6)


def upside_down():
    frame = section(units=200)
    return frame.assign(output=frame["output"] * np.exp(2 * frame["u"]))  # u raises output


PANEL = frontier_panel(4, units=40, years=5, eta=0.1, trend=0.03)


@pytest.fixture(scope="module")
def neutral():
    return estimate(PANEL, trend="neutral")


@pytest.fixture(scope="module")
def translog():
    return quietly(PANEL, form="translog", trend="non-neutral")


# Technology


def height(result, logs):
    """Return the frontier at `logs`, the trend among them, from the names of its terms."""
    total, one = 0.0, logs.assign(constant=1.0)
    for name, value in result.parameters["estimate"].loc[:"sigma2"].iloc[:-1].items():
        a, _, b = name.removesuffix("^2").partition("*")
        square = one[a] / 2 if name.endswith("^2") else 1.0
        total = total + value * one[a] * (one[b] if b else square)
    return total


def test_elasticities_are_derivatives_of_the_frontier(translog):
    logs = translog.inputs.assign(trend=translog.inputs.index.get_level_values("year") - 2009.0)
    np.testing.assert_allclose(height(translog, logs), translog.output - translog.residual)
    slopes = translog.elasticities.assign(trend=translog.technical_change)
    for name in logs:
        ahead, behind = (logs.assign(**{name: logs[name] + s}) for s in (1e-5, -1e-5))
        slope = (height(translog, ahead) - height(translog, behind)) / 2e-5
        np.testing.assert_allclose(slopes[name], slope, atol=1e-8)


def test_terms_of_each_form(neutral, translog):
    plain, tail = ["constant", *INPUTS], ["sigma2", "gamma", "eta"]
    squares = ["capital^2", "capital*labour", "labour^2"]
    crosses = ["trend", "trend^2", "capital*trend", "labour*trend"]
    assert list(estimate(PANEL).parameters.index) == [*plain, *tail]
    assert list(neutral.parameters.index) == [*plain, "trend", *tail]
    assert list(quietly(PANEL, form="translog").parameters.index) == [*plain, *squares, *tail]
    assert list(translog.parameters.index) == [*plain, *squares, *crosses, *tail]
    # Every parameter of inefficiency counts in the test of none.
    assert estimate(PANEL, decay=False).test_no_inefficiency().restrictions == 1
    late = quietly(PANEL, inefficiency="1995", determinants=["z"])
    assert late.test_no_inefficiency().restrictions == 3
    assert list(late.parameters.index[3:5]) == ["delta:constant", "delta:z"]


# Identities of estimates


def test_efficiencies_lie_between_zero_and_one_and_follow_the_decay(neutral):
    state = neutral.convergence
    assert state.converged and state.boundary == ()
    assert state.gradient_norm < 1e-4 and state.iterations > 0
    assert len(state.starts) == 3 and np.ptp(state.starts["loglik"]) < 1e-6
    assert neutral.efficiency.between(0, 1, inclusive="neither").all()
    constant = estimate(PANEL, trend="neutral", decay=False)
    assert constant.efficiency.unstack().nunique(axis=1).max() == 1


def test_units_of_measure_and_order_of_rows_change_only_the_constant():
    scales = {"capital": 1e4, "output": 1e-3}
    neutral, second = rearranged(partial(estimate, trend="neutral"), PANEL, **scales)
    assert second.loglik == pytest.approx(neutral.loglik, abs=1e-7)
    found, expected = (r.parameters.drop("constant") for r in (second, neutral))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-4)
    pd.testing.assert_series_equal(second.efficiency, neutral.efficiency, rtol=1e-6)
    call = partial(quietly, form="translog", trend="non-neutral")
    translog, second = rearranged(call, PANEL, **scales)
    assert second.loglik == pytest.approx(translog.loglik, abs=1e-6)
    pd.testing.assert_frame_equal(second.elasticities, translog.elasticities, atol=1e-5)


# Decomposition


def test_decomposition_adds_up(translog):
    growth = translog.decomposition()
    assert len(growth) == 40 * 4
    parts = growth[["technical", "efficiency", "scale"]].sum(axis=1)
    np.testing.assert_allclose(parts, growth["tfp"], atol=1e-12)
    whole = growth[["inputs", "tfp", "noise"]].sum(axis=1)
    np.testing.assert_allclose(whole, growth["output"], atol=1e-12)
    # What is left of output is the change of the residual that efficiency does not explain.
    left = (translog.residual - np.log(translog.efficiency)).groupby(level=0).diff().dropna()
    np.testing.assert_allclose(growth["noise"], left, atol=1e-9)


def test_decomposition_along_one_input_has_a_scale_effect_of_its_elasticity_less_one():
    noise = np.exp(np.random.default_rng(0).normal(size=200))
    frame = PANEL.assign(capital=PANEL["labour"] * noise)
    result = estimate(frame, ["capital"], trend="neutral")
    growth, estimates = result.decomposition(), result.parameters["estimate"]
    change = np.log(frame["capital"]).groupby(level=0).diff().dropna()
    np.testing.assert_allclose(growth["inputs"], change, atol=1e-12)
    np.testing.assert_allclose(growth["scale"], (estimates["capital"] - 1) * change, atol=1e-12)
    np.testing.assert_allclose(growth["technical"], estimates["trend"])


def test_missing_years_are_allowed_but_not_along_growth():
    result = estimate(PANEL.drop([(0, 2010), (3, 2012)]), trend="neutral")
    assert result.convergence.converged
    refuses(SampleError, r"gap \[firm 3, year 2012\]", result.decomposition)


# Tests of hypotheses


def test_likelihood_ratio_of_the_forms(neutral, translog):
    test = neutral.test_against(translog)
    assert test.restrictions == 6
    assert test.statistic == pytest.approx(2 * (translog.loglik - neutral.loglik))
    assert test.p_value == pytest.approx(chi2.sf(test.statistic, 6))
    worse, other = replace(translog, loglik=neutral.loglik - 1), estimate(PANEL.iloc[5:])
    for smaller, larger, said in (
        *((neutral, one, "no restriction") for one in (neutral, quietly(PANEL, **LATE))),
        (neutral, worse, "the larger frontier fits worse.*convergence.starts"),
        (other, neutral, "different samples"),
    ):
        refuses(MethodError, said, smaller.test_against, larger)


def test_mixed_chi_square_has_the_critical_values_of_kodde_and_palm():
    # Kodde and Palm (1986), table 1: 5 per cent, one to five restrictions.
    names = ["z", "u", "capital"]
    fits = [estimate(PANEL, decay=False), estimate(PANEL)]
    fits += [quietly(PANEL, **LATE, determinants=names[:count]) for count in (1, 2, 3)]
    for fit, critical in zip(fits, (2.706, 5.138, 7.045, 8.761, 10.371), strict=True):
        at = replace(fit, loglik=fit.loglik_ols + critical / 2)
        assert at.test_no_inefficiency().p_value == pytest.approx(0.05, abs=2e-4)
    assert replace(fits[0], loglik=fits[0].loglik_ols - 1e-9).test_no_inefficiency().p_value == 1.0


# Convergence


def test_wrong_skewness_is_said_and_efficiency_is_one():
    with pytest.warns(UserWarning, match="skewed the wrong way"):
        result = estimate(upside_down())
    assert result.convergence.boundary == ("gamma",) and result.ols_skewness > 0
    assert result.gamma < 1e-5 and result.efficiency.min() > 0.99
    assert result.loglik == pytest.approx(result.loglik_ols, abs=1e-4)
    assert result.parameters["std_error"].isna().all()
    assert result.test_no_inefficiency().p_value == 1.0


def test_determinants_without_an_error_of_their_own_are_said():
    frame = frontier_panel(6, units=60, years=4, sigma_u=1e-4, delta=(2.0, 0.1))
    with pytest.warns(UserWarning, match="serve as regressors"):
        result = estimate(frame, inefficiency="1995", determinants=["z"])
    # Then least squares with z as a regressor is the maximum.
    logs = np.log(frame[["output", *INPUTS]])
    x = np.column_stack([np.ones(240), logs[INPUTS], frame["z"]])
    beta, rest = np.linalg.lstsq(x, logs["output"], rcond=None)[:2]
    assert result.parameters.loc["delta:z", "estimate"] == pytest.approx(-beta[3], abs=1e-5)
    assert result.loglik == pytest.approx(-120 * (np.log(2 * np.pi * rest[0] / 240) + 1), abs=1e-5)


def test_stopping_early_is_said(monkeypatch):
    monkeypatch.setattr(likelihood, "_MOST", 2)
    with pytest.warns(UserWarning, match="did not converge after 2 iterations"):
        result = estimate(PANEL)
    assert not result.convergence.converged
    # Nor is no inefficiency concluded from searches cut short.
    monkeypatch.setattr(likelihood, "_MOST", 1)
    with pytest.warns(UserWarning, match="did not converge after 1 iter"):
        result = estimate(upside_down())
    assert result.convergence.boundary == ("gamma",) and not result.convergence.converged


def test_negative_elasticities_are_said():
    rng = np.random.default_rng(8)
    frame = section(units=120)
    frame["output"] = np.exp(1 - 0.5 * np.log(frame["capital"]) - abs(rng.normal(0, 0.4, 120)))
    frame["output"] *= np.exp(rng.normal(0, 0.1, 120))
    with pytest.warns(UserWarning, match="elasticity of capital is negative in 120 of 120 rows"):
        estimate(frame)


# What is refused


def spoilt(value):
    return PANEL.assign(labour=PANEL["labour"].mask(PANEL.index == (7, 2013), value))


def refused(frame=PANEL, inputs=INPUTS, **options):
    return partial(estimate, frame, inputs, **options)


HALVES = PANEL.reset_index().assign(year=np.arange(len(PANEL)) / 2)
SAME, ONE = PANEL.assign(labour=2 * PANEL["capital"]), PANEL.assign(one=1.0)
EXACT, TWICE = PANEL.assign(output=PANEL["capital"] ** 0.5), pd.concat([PANEL, PANEL.iloc[:1]])


test_what_is_refused = refusals(
    MethodError,
    ("Did you mean 'translog'", refused(form="translg")),
    *((f"unknown {name} 'all'", refused(**{name: "all"})) for name in ("inefficiency", "trend")),
    ("no decay", refused(**LATE, decay=True)),
    ("determinants shift the mean", refused(determinants=["z"])),
    *((f"name '{names[-1]}' twice", refused(**LATE, determinants=names))
      for names in (["z", "z"], ["output"])),
    ("inputs are", refused(inputs=[])),
    ("like a parameter", refused(inputs=["gamma"])),
    ("Did you mean 'capital'", refused(inputs=["captal"]), DataError),
    (r"labour is 0 \[firm 7, year 2013\]", refused(spoilt(0.0)), DataError),
    ("missing .*firm 7, year 2013, .*labour", refused(spoilt(np.nan)), SampleError),
    ("more than once", refused(TWICE), SampleError),
    ("whole years", refused(HALVES), SampleError),
    ("labour.* collinear", refused(SAME), EstimationError),
    ("'delta:one' is constant", refused(ONE, **LATE, determinants=["one"]), EstimationError),
    ("one unit", refused(PANEL.loc[[3]]), SampleError),
    ("5 rows for 5 parameters", refused(section().iloc[:5]), SampleError),
    *(("more than one year", refused(section(), **options), SampleError)
      for options in ({"decay": True}, {"trend": "neutral"})),
    ("exact function", refused(EXACT), EstimationError),
)  # fmt: skip


# Peers


NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
ENDS = np.array([0, 0.25, 0.5, 1, 2, 4])
HALF = np.diff(ENDS)[:, None] / 2
U, WEIGHTS = (ENDS[:-1, None] + HALF * (NODES + 1)).ravel(), (HALF * WEIGHTS).ravel()


def integrated(values, names, frame):
    """Return the log-likelihood, and of each row the mean of exp(-u) given its unit."""
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
    return total, (density * np.exp(-h[:, None] * U)) @ WEIGHTS / whole


# Options and truth of each model.
CASES = {"1992 without decay": ({"decay": False}, {}), "1992": ({}, {"eta": 0.1})}
CASES["1995"] = LATE | {"determinants": ["z"]}, {"delta": (0.3, 0.4), "sigma_u": 0.3}


@pytest.mark.parametrize(("options", "truth"), CASES.values(), ids=CASES)
def test_estimates_maximise_the_likelihood_by_quadrature(options, truth):
    frame = frontier_panel(11, units=30, years=4, **truth).drop([(0, 2010), (3, 2012), (7, 2013)])
    result = estimate(frame, **options)
    assert result.convergence.converged and not result.convergence.boundary
    values, errors = (result.parameters[key].to_numpy() for key in ("estimate", "std_error"))
    total, efficiency = integrated(values, result.parameters.index, frame)
    assert result.loglik == pytest.approx(total, abs=1e-9)
    np.testing.assert_allclose(result.efficiency, efficiency, rtol=1e-8)
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
