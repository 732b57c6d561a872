"""Frontiers: identities, tests of hypotheses, and what is refused or warned of."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up_frontier import frontier_panel
from scipy.stats import chi2

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.tfp import likelihood
from nqpf.tfp.frontier import battese_coelli

INPUTS = ["capital", "labour"]
LATE = {"inefficiency": "1995"}


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


@pytest.fixture(scope="module")
def panel():
    return frontier_panel(4, units=40, years=5, eta=0.1, trend=0.03)


@pytest.fixture(scope="module")
def neutral(panel):
    return estimate(panel, trend="neutral")


@pytest.fixture(scope="module")
def translog(panel):
    return quietly(panel, form="translog", trend="non-neutral")


# Technology


def height(result, logs):
    """Return the frontier at `logs`, the trend among them, from the names of its terms."""
    total = 0.0
    for name, value in result.parameters["estimate"].loc[:"sigma2"].iloc[:-1].items():
        a, _, b = name.partition("*")
        if name.endswith("^2"):
            term = logs[name[:-2]] ** 2 / 2
        else:
            term = 1.0 if name == "constant" else logs[a] * (logs[b] if b else 1.0)
        total = total + value * term
    return total


def test_elasticities_are_derivatives_of_the_frontier(translog):
    year = translog.inputs.index.get_level_values("year")
    logs = translog.inputs.assign(trend=year - 2009.0)
    np.testing.assert_allclose(height(translog, logs), translog.output - translog.residual)
    slopes = translog.elasticities.assign(trend=translog.technical_change)
    for name in logs:
        ahead, behind = (logs.assign(**{name: logs[name] + s}) for s in (1e-5, -1e-5))
        slope = (height(translog, ahead) - height(translog, behind)) / 2e-5
        np.testing.assert_allclose(slopes[name], slope, atol=1e-8)


def test_terms_of_each_form(panel, neutral, translog):
    plain, tail = ["constant", *INPUTS], ["sigma2", "gamma", "eta"]
    squares = ["capital^2", "capital*labour", "labour^2"]
    crosses = ["trend", "trend^2", "capital*trend", "labour*trend"]
    assert list(estimate(panel).parameters.index) == [*plain, *tail]
    assert list(neutral.parameters.index) == [*plain, "trend", *tail]
    assert list(quietly(panel, form="translog").parameters.index) == [*plain, *squares, *tail]
    assert list(translog.parameters.index) == [*plain, *squares, *crosses, *tail]
    # Every parameter of inefficiency counts in the test of none.
    assert estimate(panel, decay=False).test_no_inefficiency().restrictions == 1
    late = quietly(panel, inefficiency="1995", determinants=["z"])
    assert late.test_no_inefficiency().restrictions == 3
    assert list(late.parameters.index[3:5]) == ["delta:constant", "delta:z"]


# Identities of estimates


def test_efficiencies_lie_between_zero_and_one_and_follow_the_decay(panel, neutral):
    state = neutral.convergence
    assert state.converged and state.boundary == ()
    assert state.gradient_norm < 1e-4 and state.iterations > 0
    assert len(state.starts) == 3 and np.ptp(state.starts["loglik"]) < 1e-6
    assert neutral.efficiency.between(0, 1, inclusive="neither").all()
    eta, u = neutral.parameters.loc["eta", "estimate"], neutral.inefficiency.unstack()
    np.testing.assert_allclose(u[2010] / u[2014], np.exp(4 * eta), rtol=1e-10)
    constant = estimate(panel, trend="neutral", decay=False)
    assert constant.efficiency.unstack().nunique(axis=1).max() == 1


def test_units_of_measure_and_order_of_rows_change_only_the_constant(panel, neutral, translog):
    other = panel.assign(capital=panel["capital"] * 1e4, output=panel["output"] / 1e3)
    shuffled = other.sample(frac=1, random_state=1).reset_index()
    second = estimate(shuffled, trend="neutral")
    assert second.loglik == pytest.approx(neutral.loglik, abs=1e-7)
    found, expected = (r.parameters.drop("constant") for r in (second, neutral))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-4)
    pd.testing.assert_series_equal(second.efficiency, neutral.efficiency, rtol=1e-6)
    second = quietly(other, form="translog", trend="non-neutral")
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


def test_decomposition_along_one_input_has_a_scale_effect_of_its_elasticity_less_one(panel):
    noise = np.exp(np.random.default_rng(0).normal(size=200))
    frame = panel.assign(capital=panel["labour"] * noise)
    result = estimate(frame, ["capital"], trend="neutral")
    growth, estimates = result.decomposition(), result.parameters["estimate"]
    change = np.log(frame["capital"]).groupby(level=0).diff().dropna()
    np.testing.assert_allclose(growth["inputs"], change, atol=1e-12)
    np.testing.assert_allclose(growth["scale"], (estimates["capital"] - 1) * change, atol=1e-12)
    np.testing.assert_allclose(growth["technical"], estimates["trend"])


def test_missing_years_are_allowed_but_not_along_growth_and_inputs_are_left_alone(panel):
    frame = panel.drop([(0, 2010), (3, 2012)])
    before = frame.copy()
    result = estimate(frame, trend="neutral")
    assert result.convergence.converged
    pd.testing.assert_frame_equal(frame, before)
    with pytest.raises(SampleError, match=r"gap \[firm 3, year 2012\]"):
        result.decomposition()


# Tests of hypotheses


def test_likelihood_ratio_of_the_forms(panel, neutral, translog):
    test = neutral.test_against(translog)
    assert test.restrictions == 6
    assert test.statistic == pytest.approx(2 * (translog.loglik - neutral.loglik))
    assert test.p_value == pytest.approx(chi2.sf(test.statistic, 6))
    for larger in (neutral, quietly(panel, **LATE)):
        with pytest.raises(MethodError, match="no restriction"):
            neutral.test_against(larger)
    with pytest.raises(MethodError, match="the larger frontier fits worse.*convergence.starts"):
        neutral.test_against(replace(translog, loglik=neutral.loglik - 1))
    with pytest.raises(MethodError, match="different samples"):
        estimate(panel.iloc[5:]).test_against(neutral)


def test_mixed_chi_square_has_the_critical_values_of_kodde_and_palm(panel):
    # Kodde and Palm (1986), table 1: 5 per cent, one to five restrictions.
    fits = [
        estimate(panel, decay=False),
        estimate(panel),
        quietly(panel, **LATE, determinants=["z"]),
        quietly(panel, **LATE, determinants=["z", "u"]),
        quietly(panel, **LATE, determinants=["z", "u", "capital"]),
    ]
    for fit, critical in zip(fits, (2.706, 5.138, 7.045, 8.761, 10.371), strict=True):
        at = replace(fit, loglik=fit.loglik_ols + critical / 2)
        assert at.test_no_inefficiency().p_value == pytest.approx(0.05, abs=2e-4)
    below = replace(fits[0], loglik=fits[0].loglik_ols - 1e-9)
    assert below.test_no_inefficiency().p_value == 1.0


# Convergence


def test_wrong_skewness_is_said_and_efficiency_is_one():
    with pytest.warns(UserWarning, match="skewed the wrong way"):
        result = estimate(upside_down())
    assert result.convergence.boundary == ("gamma",)
    assert result.ols_skewness > 0
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


def test_stopping_early_is_said(panel, monkeypatch):
    monkeypatch.setattr(likelihood, "_MOST", 2)
    with pytest.warns(UserWarning, match="did not converge after 2 iterations"):
        result = estimate(panel)
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


ONE = LATE | {"determinants": ["one"]}


def whole(frame):
    return frame


def halves(frame):
    return frame.reset_index().assign(year=np.arange(len(frame)) / 2)


def spoilt(frame, value):
    frame = frame.copy()
    frame.loc[(7, 2013), "labour"] = value
    return frame


@pytest.mark.parametrize(
    ("spoil", "options", "error", "message"),
    [
        (whole, {"form": "translg"}, MethodError, "Did you mean 'translog'"),
        (whole, {"inefficiency": "all"}, MethodError, "unknown inefficiency 'all'"),
        (whole, {"trend": "all"}, MethodError, "unknown trend 'all'"),
        (whole, LATE | {"decay": True}, MethodError, "no decay"),
        (whole, {"determinants": ["z"]}, MethodError, "determinants shift the mean"),
        (whole, LATE | {"determinants": ["z", "z"]}, MethodError, "name 'z' twice"),
        (whole, LATE | {"determinants": ["output"]}, MethodError, "name 'output' twice"),
        (whole, {"inputs": []}, MethodError, "inputs are"),
        (whole, {"inputs": ["gamma"]}, MethodError, "like a parameter"),
        (whole, {"inputs": ["captal"]}, DataError, "Did you mean 'capital'"),
        (lambda f: spoilt(f, 0.0), {}, DataError, r"labour is 0 \[firm 7, year 2013\]"),
        (lambda f: spoilt(f, np.nan), {}, SampleError, "missing .*firm 7, year 2013, .*labour"),
        (lambda f: pd.concat([f, f.iloc[:1]]), {}, SampleError, "more than once"),
        (halves, {}, SampleError, "whole years"),
        (lambda f: f.assign(labour=2 * f["capital"]), {}, EstimationError, "labour.* collinear"),
        (lambda f: f.assign(one=1.0), ONE, EstimationError, "'delta:one' is constant"),
        (lambda f: f.loc[[3]], {}, SampleError, "one unit"),
        (lambda f: section().iloc[:5], {}, SampleError, "5 rows for 5 parameters"),
        (lambda f: section(), {"decay": True}, SampleError, "more than one year"),
        (lambda f: section(), {"trend": "neutral"}, SampleError, "more than one year"),
        (lambda f: f.assign(output=f["capital"] ** 0.5), {}, EstimationError, "exact function"),
    ],
)
def test_what_is_refused(panel, spoil, options, error, message):
    with pytest.raises(error, match=message):
        estimate(spoil(panel), **options)
