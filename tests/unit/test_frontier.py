"""Frontiers: gradient, identities, tests of hypotheses, and what is refused or warned of."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from made_up_frontier import frontier_panel
from scipy.stats import chi2, norm

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.tfp.frontier import (
    battese_coelli,
    elasticities,
    likelihood_ratio,
    no_inefficiency,
    regressors,
    trend_effect,
)
from nqpf.tfp.likelihood import (
    BoundaryWarning,
    ConvergenceWarning,
    Sample,
    log_likelihood,
    log_mills,
)

INPUTS = ["capital", "labour"]


def estimate(frame, **options):
    return battese_coelli(frame, "output", INPUTS, "firm", "year", **options)


def section(seed=0, units=80):
    return frontier_panel(seed, units=units, years=1, sigma_u=0.6)


@pytest.fixture(scope="module")
def panel():
    return frontier_panel(4, units=40, years=5, eta=0.1, trend=0.03)


@pytest.fixture(scope="module")
def translog(panel):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return estimate(panel, form="translog", trend="non-neutral")


# Likelihood


@pytest.mark.parametrize("decay", [True, False])
@pytest.mark.parametrize("means", [0, 1, 2])
@pytest.mark.parametrize("gamma", [0.02, 0.5, 0.98])
def test_gradient_equals_finite_differences(decay, means, gamma):
    rng = np.random.default_rng(means)
    starts, n = np.array([0, 4, 5, 9]), 12
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    z = np.column_stack([np.ones(4), rng.normal(size=4)])[:, :means]
    sample = Sample(rng.normal(size=n), x, z, starts, rng.integers(0, 5, n) * 1.0, decay)
    theta = np.array([0.3, -0.2, 0.5, *rng.normal(size=means), 0.7, gamma, *[0.12] * decay])
    _, gradient = log_likelihood(theta, sample)
    for i in range(len(theta)):
        step = np.zeros(len(theta))
        step[i] = 1e-6
        ahead, behind = (log_likelihood(theta + s * step, sample)[0] for s in (1, -1))
        assert gradient[i] == pytest.approx((ahead - behind) / 2e-6, rel=1e-5, abs=1e-5)


def test_the_likelihood_stays_finite_far_in_the_tails():
    values = log_mills(np.array([-1e8, -40.0, 0.0, 40.0, 1e8]))
    assert np.isfinite(values).all()
    # Phi(x) ~ phi(x) / -x far below zero.
    assert values[0] == pytest.approx(-np.log(1e8 * np.sqrt(2 * np.pi)), rel=1e-12)
    sample = Sample(np.array([500.0, -500.0]), np.ones((2, 1)), np.ones((2, 1)),
                    np.array([0, 1]), np.zeros(2), False)  # fmt: skip
    for mean in (-1e4, 1e4):
        value, gradient = log_likelihood(np.array([0.0, mean, 0.01, 0.999]), sample)
        assert np.isfinite(value) and np.isfinite(gradient).all()


def test_the_likelihood_nears_the_normal_where_truncation_does_not_bind():
    rng = np.random.default_rng(0)
    e = rng.normal(size=50)
    sample = Sample(e, np.ones((50, 1)), np.ones((50, 1)), np.arange(50), np.zeros(50), False)
    # u is 3 but for a millionth of the variance: e + 3 - beta is normal.
    value, gradient = log_likelihood(np.array([3.0, 3.0, 0.8, 1e-6]), sample)
    assert value == pytest.approx(norm.logpdf(e, 0, np.sqrt(0.8)).sum(), abs=1e-10)
    assert gradient[0] == pytest.approx(e.sum() / 0.8, abs=1e-8)
    assert gradient[1] == pytest.approx(-e.sum() / 0.8, abs=1e-8)


# Technology


def test_elasticities_are_derivatives_of_the_frontier():
    rng = np.random.default_rng(1)
    logs = pd.DataFrame(rng.normal(size=(5, 2)), columns=INPUTS)
    years = pd.Series(np.arange(1.0, 6))
    terms = regressors(logs, years, "translog", "non-neutral").columns
    beta = pd.Series(rng.normal(size=len(terms)), index=terms)

    def height(logs, years):
        return regressors(logs, years, "translog", "non-neutral") @ beta

    for name in INPUTS:
        step = pd.DataFrame({k: 1e-5 * (k == name) for k in INPUTS}, index=logs.index)
        slope = (height(logs + step, years) - height(logs - step, years)) / 2e-5
        np.testing.assert_allclose(elasticities(logs, years, beta)[name], slope, atol=1e-8)
    slope = (height(logs, years + 1e-5) - height(logs, years - 1e-5)) / 2e-5
    np.testing.assert_allclose(trend_effect(logs, years, beta), slope, atol=1e-8)


def test_terms_of_each_form():
    logs, years = pd.DataFrame([[1.0, 2.0]], columns=INPUTS), pd.Series([3.0])
    names = ["constant", *INPUTS]
    squares = ["capital^2", "capital*labour", "labour^2"]
    crosses = ["capital*trend", "labour*trend"]
    assert list(regressors(logs, years, "cobb-douglas", "none")) == names
    assert list(regressors(logs, years, "cobb-douglas", "neutral")) == [*names, "trend"]
    assert list(regressors(logs, years, "translog", "none")) == [*names, *squares]
    full = regressors(logs, years, "translog", "non-neutral")
    assert list(full) == [*names, *squares, "trend", "trend^2", *crosses]
    assert full.iloc[0].tolist() == [1, 1, 2, 0.5, 2, 2, 3, 4.5, 3, 6]


# Identities of estimates


def test_efficiencies_lie_between_zero_and_one_and_follow_the_decay(panel):
    result = estimate(panel, trend="neutral")
    assert result.convergence.converged
    assert result.efficiency.between(0, 1, inclusive="neither").all()
    eta = result.parameters.loc["eta", "estimate"]
    u = result.inefficiency.unstack()
    np.testing.assert_allclose(u[2010] / u[2014], np.exp(4 * eta), rtol=1e-10)
    constant = estimate(panel, trend="neutral", decay=False)
    assert constant.efficiency.unstack().nunique(axis=1).max() == 1


def test_units_of_measure_and_order_of_rows_change_only_the_constant(panel):
    first = estimate(panel, trend="neutral")
    other = panel.assign(capital=panel["capital"] * 1e4, output=panel["output"] / 1e3)
    other = other.sample(frac=1, random_state=1).reset_index()
    second = estimate(other, trend="neutral")
    assert second.loglik == pytest.approx(first.loglik, abs=1e-7)
    pd.testing.assert_frame_equal(
        second.parameters.drop("constant"), first.parameters.drop("constant"), rtol=1e-4
    )
    pd.testing.assert_series_equal(second.efficiency, first.efficiency, rtol=1e-6)


def test_units_of_measure_do_not_change_a_translog(panel, translog):
    other = panel.assign(capital=panel["capital"] * 1e4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        second = estimate(other, form="translog", trend="non-neutral")
    assert second.loglik == pytest.approx(translog.loglik, abs=1e-6)
    pd.testing.assert_frame_equal(second.elasticities, translog.elasticities, atol=1e-5)


def test_the_two_models_agree_on_a_cross_section():
    first = estimate(section())
    second = estimate(section(), inefficiency="1995", distribution="half-normal")
    assert not first.decay
    pd.testing.assert_frame_equal(first.parameters, second.parameters, rtol=1e-6)


def test_inputs_are_left_alone_and_missing_years_allowed(panel):
    frame = panel.drop([(0, 2010), (3, 2012)])
    before = frame.copy()
    assert estimate(frame, trend="neutral").convergence.converged
    pd.testing.assert_frame_equal(frame, before)


def test_standard_errors_are_the_inverse_hessian(panel):
    result = estimate(panel, trend="neutral", distribution="truncated")
    root = np.sqrt(np.diag(result.covariance))
    np.testing.assert_allclose(result.parameters["std_error"], root)
    logs = np.log(panel[["output", *INPUTS]])
    year = panel.index.get_level_values("year").to_numpy()
    x = np.column_stack([np.ones(len(panel)), logs["capital"], logs["labour"], year - 2009])
    starts = np.arange(0, len(panel), 5)
    sample = Sample(logs["output"].to_numpy(), x, np.ones((40, 1)), starts, 2014.0 - year, True)
    at = result.parameters["estimate"].to_numpy()
    hessian = np.empty((len(at), len(at)))
    for i in range(len(at)):
        step = np.zeros(len(at))
        step[i] = 1e-6
        hessian[i] = (
            log_likelihood(at + step, sample)[1] - log_likelihood(at - step, sample)[1]
        ) / 2e-6
    np.testing.assert_allclose(np.linalg.inv(-hessian), result.covariance, rtol=2e-3, atol=1e-6)


# Decomposition


def test_decomposition_adds_up(panel, translog):
    growth = translog.decomposition()
    assert len(growth) == 40 * 4
    np.testing.assert_allclose(
        growth["technical"] + growth["efficiency"] + growth["scale"], growth["tfp"], atol=1e-12
    )
    np.testing.assert_allclose(
        growth["inputs"] + growth["tfp"] + growth["noise"], growth["output"], atol=1e-12
    )
    # What is left of output is the change of the residual that efficiency does not explain.
    left = (translog.residual - np.log(translog.efficiency)).groupby(level=0).diff().dropna()
    np.testing.assert_allclose(growth["noise"], left, atol=1e-9)


def test_decomposition_under_constant_returns_has_no_scale_effect(panel):
    frame = panel.assign(
        capital=panel["labour"] * np.exp(np.random.default_rng(0).normal(size=200))
    )
    result = battese_coelli(frame, "output", ["capital"], "firm", "year", trend="neutral")
    growth = result.decomposition()
    elasticity = result.parameters.loc["capital", "estimate"]
    change = np.log(frame["capital"]).groupby(level=0).diff().dropna()
    np.testing.assert_allclose(growth["inputs"], change, atol=1e-12)
    np.testing.assert_allclose(growth["scale"], (elasticity - 1) * change, atol=1e-12)
    np.testing.assert_allclose(growth["technical"], result.parameters.loc["trend", "estimate"])


def test_decomposition_refuses_a_gap(panel):
    result = estimate(panel.drop([(3, 2012)]))
    with pytest.raises(SampleError, match=r"gap \[firm 3, year 2012\]"):
        result.decomposition()


# Tests of hypotheses


def test_likelihood_ratio_of_the_forms(panel, translog):
    small = estimate(panel, trend="neutral")
    test = likelihood_ratio(small, translog)
    assert test.restrictions == 6
    assert test.statistic == pytest.approx(2 * (translog.loglik - small.loglik))
    assert test.p_value == pytest.approx(chi2.sf(test.statistic, 6))
    assert "capital^2" in test.hypothesis and "labour*trend" in test.hypothesis


def test_likelihood_ratio_refuses_what_is_not_nested(panel, translog):
    small = estimate(panel, trend="neutral")
    with pytest.raises(MethodError, match="no restriction"):
        likelihood_ratio(translog, small)
    with pytest.raises(MethodError, match="no restriction"):
        likelihood_ratio(small, small)
    with pytest.raises(MethodError, match="different samples"):
        likelihood_ratio(estimate(panel.iloc[5:]), small)


def test_mixed_chi_square_has_the_critical_values_of_kodde_and_palm():
    # Kodde and Palm (1986), table 1: 5 per cent, one to five restrictions.
    for q, critical in enumerate((2.706, 5.138, 7.045, 8.761, 10.371), start=1):
        assert no_inefficiency(critical / 2, 0.0, q).p_value == pytest.approx(0.05, abs=2e-4)
    assert no_inefficiency(-1e-9, 0.0, 1).p_value == 1.0


def test_restrictions_count_every_parameter_of_inefficiency(panel):
    assert estimate(panel, decay=False).test_no_inefficiency().restrictions == 1
    assert estimate(panel, distribution="truncated").test_no_inefficiency().restrictions == 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        result = estimate(panel, inefficiency="1995", determinants=["z"])
    assert result.test_no_inefficiency().restrictions == 3
    assert list(result.parameters.index[3:5]) == ["delta:constant", "delta:z"]


# Convergence


def test_wrong_skewness_is_said_and_efficiency_is_one():
    frame = section(units=200)
    frame["output"] *= np.exp(2 * frame["u"])  # inefficiency that raises output
    with pytest.warns(BoundaryWarning, match="skewed the wrong way"):
        result = estimate(frame)
    assert result.convergence.boundary == ("gamma",)
    assert result.ols_skewness > 0
    assert result.gamma < 1e-5 and result.efficiency.min() > 0.99
    assert result.loglik == pytest.approx(result.loglik_ols, abs=1e-4)
    assert result.parameters["std_error"].isna().all()
    assert result.test_no_inefficiency().p_value == 1.0


def test_determinants_without_an_error_of_their_own_are_said():
    frame = frontier_panel(6, units=60, years=4, sigma_u=1e-4, delta=(2.0, 0.1))
    with pytest.warns(BoundaryWarning, match="serve as regressors"):
        result = estimate(frame, inefficiency="1995", determinants=["z"])
    # Then least squares with z as a regressor is the maximum.
    logs = np.log(frame[["output", *INPUTS]])
    x = np.column_stack([np.ones(240), logs[INPUTS], frame["z"]])
    beta, rest = np.linalg.lstsq(x, logs["output"], rcond=None)[:2]
    assert result.parameters.loc["delta:z", "estimate"] == pytest.approx(-beta[3], abs=1e-5)
    assert result.loglik == pytest.approx(-120 * (np.log(2 * np.pi * rest[0] / 240) + 1), abs=1e-5)


def test_stopping_early_is_said(panel):
    with pytest.warns(ConvergenceWarning, match="did not converge after 2 iterations"):
        result = estimate(panel, max_iterations=2)
    assert not result.convergence.converged
    assert not result.summary()["converged"]


def test_no_inefficiency_is_not_concluded_from_searches_cut_short():
    frame = section(units=200)
    frame["output"] *= np.exp(2 * frame["u"])
    with pytest.warns(BoundaryWarning), pytest.warns(ConvergenceWarning):
        result = estimate(frame, max_iterations=1)
    assert result.convergence.boundary == ("gamma",) and not result.convergence.converged


def test_the_state_of_the_search_is_kept(panel):
    state = estimate(panel, trend="neutral").convergence
    assert state.converged and state.boundary == ()
    assert state.gradient_norm < 1e-4 and 0 <= state.decrement < 1e-8
    assert state.iterations > 0 and state.message
    assert len(state.starts) == 3 and np.ptp(state.starts["loglik"]) < 1e-6


def test_negative_elasticities_are_said():
    rng = np.random.default_rng(8)
    frame = section(units=120)
    frame["output"] = np.exp(1 - 0.5 * np.log(frame["capital"]) - abs(rng.normal(0, 0.4, 120)))
    frame["output"] *= np.exp(rng.normal(0, 0.1, 120))
    with pytest.warns(UserWarning, match="elasticity of capital is negative in 120 of 120 rows"):
        estimate(frame)


# What is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "translg"}, "did you mean|Did you mean 'translog'"),
        ({"inefficiency": "1998"}, "unknown inefficiency"),
        ({"distribution": "gamma"}, "unknown distribution"),
        ({"trend": "linear"}, "unknown trend"),
        ({"inefficiency": "1995", "decay": True}, "no decay"),
        ({"determinants": ["z"]}, "determinants shift the mean"),
        (
            {"inefficiency": "1995", "distribution": "half-normal", "determinants": ["z"]},
            "determinants shift the mean",
        ),
        ({"inefficiency": "1995", "determinants": ["z", "z"]}, "'z' is named twice"),
        ({"max_iterations": 0}, "max_iterations is 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value)),
)
def test_options_that_do_not_work(panel, options, message):
    with pytest.raises(MethodError, match=message):
        estimate(panel, **options)


def test_columns_that_do_not_work(panel):
    with pytest.raises(DataError, match="did you mean|Did you mean 'capital'"):
        battese_coelli(panel, "output", ["captal"], "firm", "year")
    with pytest.raises(MethodError, match="no inputs"):
        battese_coelli(panel, "output", [], "firm", "year")
    with pytest.raises(MethodError, match="'output' is named twice"):
        battese_coelli(panel, "output", ["output"], "firm", "year")
    with pytest.raises(MethodError, match=r"inputs is the name 'capital'; expected a list"):
        battese_coelli(panel, "output", "capital", "firm", "year")
    with pytest.raises(MethodError, match="the output and a determinant"):
        estimate(panel, inefficiency="1995", determinants=["output"])
    with pytest.raises(MethodError, match="like a parameter"):
        battese_coelli(panel.rename(columns={"z": "gamma"}), "output", ["gamma"], "firm", "year")


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_a_figure_that_is_not_positive_is_named(panel, bad):
    frame = panel.copy()
    frame.loc[(7, 2013), "labour"] = bad
    with pytest.raises(DataError, match=rf"labour is {bad:g} \[firm 7, year 2013\]"):
        estimate(frame)


def test_a_missing_figure_is_named(panel):
    frame = panel.copy()
    frame.loc[(7, 2013), "labour"] = np.nan
    with pytest.raises(SampleError, match=r"missing .*\[firm 7, year 2013, variable labour\]"):
        estimate(frame)


def test_doubled_keys_and_times_that_are_no_years(panel):
    with pytest.raises(SampleError, match="more than once"):
        estimate(pd.concat([panel, panel.iloc[:1]]))
    flat = panel.reset_index()
    with pytest.raises(SampleError, match="whole years"):
        estimate(flat.assign(year=flat["year"] + 0.5))


def test_collinear_columns_are_named(panel):
    frame = panel.assign(labour=panel["capital"] * 2)
    with pytest.raises(EstimationError, match=r"collinear \[variable labour\]"):
        estimate(frame)
    with pytest.raises(EstimationError, match=r"determinants are collinear \[variable delta:one\]"):
        estimate(panel.assign(one=1.0), inefficiency="1995", determinants=["one"])


def test_samples_that_are_too_small(panel):
    with pytest.raises(SampleError, match="one unit"):
        estimate(panel.loc[[3]])
    with pytest.raises(SampleError, match="5 rows for 5 parameters"):
        estimate(section().iloc[:5])
    for options in ({"decay": True}, {"trend": "neutral"}):
        with pytest.raises(SampleError, match="more than one year"):
            estimate(section(), **options)


def test_an_exact_fit_is_refused(panel):
    frame = panel.assign(output=panel["capital"] ** 0.5 * panel["labour"] ** 0.5)
    with pytest.raises(EstimationError, match="exact function"):
        estimate(frame)


def test_what_a_notebook_shows(panel):
    result = estimate(panel, trend="neutral")
    html = result._repr_html_()
    assert "capital" in html and "mixed chi-square" in html
    frame = result.to_frame()
    assert list(frame) == ["efficiency", "inefficiency", "residual"]
    assert frame.index.equals(panel.index)
