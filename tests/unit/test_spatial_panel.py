"""Promises of spatial panels: keys, likelihood, errors, impacts and messages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.regress import fixed_effects
from nqpf.space import Weights, contiguity
from nqpf.space.durbin import (
    Spectrum,
    durbin,
    error,
    fit_error,
    fit_lag,
    lag,
    read,
    simulate,
    spatial_table,
)
from nqpf.space.impacts import (
    common_factor,
    impacts,
    lagrange,
    likelihood_ratio,
    no_lagged_regressors,
)

WEIGHTS = contiguity(hainan=True).row_standardised()
FRAME = simulate(WEIGHTS, 8, 0.4, [1.0, -0.5], [0.5, 0.3], seed=3)
XS = ["x1", "x2"]
MODELS = {"lag": lag, "durbin": durbin, "error": error}
EFFECTS = ["two-way", "unit", "time", "pooled"]


def small(model: str = "durbin", **options):
    return MODELS[model](FRAME, "y", XS, WEIGHTS, **options)


# Keys


@pytest.mark.parametrize("model", MODELS)
def test_order_of_rows_and_of_weights_does_not_matter(model):
    rng = np.random.default_rng(0)
    rows = FRAME.iloc[rng.permutation(len(FRAME))].reset_index()
    labels = rng.permutation(WEIGHTS.labels)
    mixed = Weights(WEIGHTS.matrix.loc[labels, rng.permutation(labels)], standardised=True)
    before = rows.copy()
    fit = MODELS[model](rows, "y", XS, mixed)
    pd.testing.assert_series_equal(fit.params, small(model).params, rtol=1e-9)
    pd.testing.assert_frame_equal(rows, before)


def test_a_plain_table_of_weights_serves():
    fit = durbin(FRAME, "y", XS, WEIGHTS.matrix)
    pd.testing.assert_series_equal(fit.params, small().params)


def test_figures_without_keys_are_refused():
    with pytest.raises(SampleError, match="ndarray"):
        durbin(FRAME, "y", XS, WEIGHTS.matrix.to_numpy())
    with pytest.raises(SampleError, match="array"):
        durbin(FRAME.to_numpy(), "y", XS, WEIGHTS)


def test_other_provinces_are_refused_by_name():
    short = FRAME.drop(index=110000, level="province")
    with pytest.raises(SampleError, match=r"not in the data: Beijing \(110000\)"):
        durbin(short, "y", XS, WEIGHTS)
    renamed = WEIGHTS.matrix.rename(index={110000: 990000}, columns={110000: 990000})
    with pytest.raises(SampleError, match="not in the weights: Beijing"):
        durbin(FRAME, "y", XS, renamed)


def test_weights_numbered_by_position_are_refused():
    matrix = WEIGHTS.matrix.reset_index(drop=True)
    matrix.columns = matrix.index
    with pytest.raises(SampleError, match="different provinces"):
        durbin(FRAME, "y", XS, matrix)


# Samples


def test_unbalanced_panel_names_the_first_missing_row():
    with pytest.raises(SampleError, match=r"unbalanced: 2 row.*Tianjin \(120000\), year 2012"):
        durbin(FRAME.drop(index=[(120000, 2012), (650000, 2011)]), "y", XS, WEIGHTS)


def test_missing_figure_is_named():
    frame = FRAME.copy()
    frame.loc[(120000, 2012), "x2"] = np.nan
    with pytest.raises(SampleError, match="Tianjin.*2012.*x2"):
        durbin(frame, "y", XS, WEIGHTS)


def test_island_is_named():
    with pytest.raises(SampleError, match=r"no neighbours.*Hainan \(460000\)"):
        durbin(FRAME, "y", XS, contiguity().row_standardised())


@pytest.mark.parametrize(
    ("effects", "years", "kind"),
    [("two-way", 1, SampleError), ("unit", 1, SampleError), ("pooled", 1, None)],
)
def test_one_year_serves_a_cross_section_only(effects, years, kind):
    frame = FRAME.loc[(slice(None), range(2010, 2010 + years)), :]
    if kind is None:
        assert durbin(frame, "y", XS, WEIGHTS, effects=effects).nobs == 31
        return
    with pytest.raises(kind, match="one year is too few"):
        durbin(frame, "y", XS, WEIGHTS, effects=effects)


def test_too_few_degrees_of_freedom():
    codes = [110000, 120000, 130000]
    weights = Weights(pd.DataFrame((1 - np.eye(3)) / 2, codes, codes), standardised=True)
    frame = FRAME.loc[(codes, [2010, 2011]), :]
    with pytest.raises(EstimationError, match="degrees of freedom"):
        durbin(frame, "y", XS, weights, effects="unit")


def test_collinear_and_absorbed_regressors_are_named():
    twin = FRAME.assign(x3=2 * FRAME["x1"] + 1)
    with pytest.raises(EstimationError, match="'x1', 'x3'.*collinear"):
        lag(twin, "y", ["x1", "x3"], WEIGHTS)
    year = FRAME.assign(x3=FRAME.index.get_level_values("year"))
    with pytest.raises(EstimationError, match="'x3'"):
        lag(year, "y", ["x1", "x3"], WEIGHTS)


def test_lags_that_the_effects_absorb_are_refused():
    # Everybody is everybody's neighbour: W x is minus x / (n - 1) within a year.
    n, labels = len(WEIGHTS.labels), WEIGHTS.labels
    same = Weights(pd.DataFrame((1 - np.eye(n)) / (n - 1), labels, labels), standardised=True)
    with pytest.raises(EstimationError, match="'W x1'.*collinear"):
        durbin(FRAME, "y", ["x1"], same)


def test_a_likelihood_without_a_maximum_says_so():
    n, labels = len(WEIGHTS.labels), WEIGHTS.labels
    same = Weights(pd.DataFrame((1 - np.eye(n)) / (n - 1), labels, labels), standardised=True)
    with pytest.raises(EstimationError, match="no maximum|singular"):
        lag(FRAME, "y", XS, same)


def test_constant_outcome():
    with pytest.raises(EstimationError, match="outcome 'y' does not vary"):
        lag(FRAME.assign(y=3.0), "y", XS, WEIGHTS)


@pytest.mark.parametrize("model", MODELS)
def test_exact_outcomes_are_refused(model):
    with pytest.raises(EstimationError, match="fit outcome 'y' exactly"):
        MODELS[model](FRAME.assign(y=2 * FRAME["x1"] + 1), "y", XS, WEIGHTS)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"effects": "both"}, MethodError, "unknown effects 'both'"),
        ({"correction": "lee"}, MethodError, "unknown correction 'lee'"),
        ({"errors": "robust"}, MethodError, "unknown errors 'robust'"),
        ({"lagged": ["z"]}, MethodError, "'z' is to be lagged"),
        ({"lagged": ["x1", "x1"]}, MethodError, "'W x1' would be there twice"),
        ({"lagged": []}, MethodError, "no regressor is lagged"),
        ({"unit": "firm"}, DataError, "unknown variable 'firm'"),
    ],
    ids=["effects", "correction", "errors", "unknown lag", "lag twice", "no lag", "unit"],
)
def test_options_are_checked(options, kind, text):
    with pytest.raises(kind, match=text):
        small(**options)


def test_unequal_row_sums_need_other_options():
    plain = contiguity(hainan=True)
    with pytest.raises(MethodError, match="Lee and Yu"):
        durbin(FRAME, "y", XS, plain)
    with pytest.raises(MethodError, match="spatial error"):
        error(FRAME, "y", XS, plain, correction="none")
    fit = durbin(FRAME, "y", XS, plain, correction="none")
    low, high = fit.bounds
    values = np.linalg.eigvalsh(plain.matrix.to_numpy())
    assert (low, high) == pytest.approx((1 / values.min(), 1 / values.max()), abs=1e-9)
    assert low < fit.rho < high < 0.25
    assert error(FRAME, "y", XS, plain, effects="unit").bounds == fit.bounds


# Likelihood


def test_weights_of_another_scale_change_rho_alone():
    half = Weights(WEIGHTS.matrix / 2)
    fit, twice = small(), durbin(FRAME, "y", XS, half)
    assert twice.rho == pytest.approx(2 * fit.rho, rel=1e-9)
    assert twice.params["W x1"] == pytest.approx(2 * fit.params["W x1"], rel=1e-9)
    assert twice.loglik == pytest.approx(fit.loglik, rel=1e-12)
    pd.testing.assert_frame_equal(impacts(twice).table, impacts(fit).table, rtol=1e-7)


def test_units_of_variables_change_coefficients_alone():
    frame = FRAME.assign(y=1e6 * FRAME["y"] + 1e8, x1=1e-5 * FRAME["x1"])
    fit, other = small(), durbin(frame, "y", XS, WEIGHTS)
    back = np.array([1e11, 1e6, 1e11, 1e6, 1.0])
    np.testing.assert_allclose(other.params, fit.params * back, rtol=1e-7)
    np.testing.assert_allclose(other.std_errors, fit.std_errors * back, rtol=1e-7)


def test_log_determinant_comes_from_eigenvalues():
    spectrum = Spectrum(WEIGHTS.matrix.to_numpy())
    for rho in (-0.9, 0.3, 0.95):
        plain = np.linalg.slogdet(np.eye(31) - rho * spectrum.matrix)[1]
        assert spectrum.log_determinant(rho) == pytest.approx(plain, abs=1e-10)
        less = spectrum.log_determinant(rho, common=False)
        assert less == pytest.approx(plain - np.log(1 - rho), abs=1e-10)
        for common in (True, False):
            traces = spectrum.traces(rho, common)
            assert spectrum.slope(rho, common) == pytest.approx(-traces.first, abs=1e-9)


def test_directed_weights_with_complex_eigenvalues():
    rng = np.random.default_rng(5)
    near = np.zeros((31, 31))
    for i in range(31):
        near[i, rng.choice(np.delete(np.arange(31), i), 3, replace=False)] = 1 / 3
    w = Weights(pd.DataFrame(near, WEIGHTS.labels, WEIGHTS.labels), standardised=True)
    assert np.iscomplexobj(Spectrum(near).eigenvalues)
    frame = simulate(w, 20, 0.5, [1.0], [0.5], seed=2)
    fit = durbin(frame, "y", ["x1"], w)
    assert fit.rho == pytest.approx(0.5, abs=3 * fit.std_errors["rho"])
    table = impacts(fit).table
    inverse = np.linalg.inv(np.eye(31) - fit.rho * near)
    effects = inverse @ (fit.params["x1"] * np.eye(31) + fit.params["W x1"] * near)
    assert table.loc[("x1", "direct"), "estimate"] == pytest.approx(np.trace(effects) / 31)
    assert table.loc[("x1", "total"), "estimate"] == pytest.approx(effects.sum() / 31)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("correction", ["lee-yu", "none"])
def test_hessian_is_the_numerical_one_and_the_maximum_a_maximum(model, effects, correction):
    lags = XS if model == "durbin" else ()
    sample = read(FRAME, "y", XS, WEIGHTS, effects, correction, ("province", "year"), lags)
    change, spectrum = sample.change, sample.spectrum
    fit = (fit_error if model == "error" else fit_lag)(
        sample.outcome, sample.regressors, spectrum, change
    )
    y, x, w = sample.outcome, sample.regressors, spectrum.matrix

    def loglik(theta):
        slopes, rho, sigma2 = theta[:-2], theta[-2], theta[-1]
        if model == "error":
            left = y - x @ slopes
            e = change.within(left - rho * left @ w.T)
        else:
            e = change.within(y - rho * y @ w.T - x @ slopes)
        value = change.periods * spectrum.log_determinant(rho, change.common)
        value -= change.rows / 2 * np.log(2 * np.pi * sigma2)
        return float(value - (e**2).sum() / (2 * sigma2))

    theta = np.append(fit.slopes, [fit.rho, fit.sigma2])
    assert loglik(theta) == pytest.approx(fit.loglik, abs=1e-8)
    steps = 1e-4 * np.eye(len(theta))
    score = [(loglik(theta + s) - loglik(theta - s)) / 2e-4 for s in steps]
    np.testing.assert_allclose(score, 0, atol=2e-4)
    numerical = np.array(
        [
            [
                (
                    loglik(theta + a - b)
                    + loglik(theta - a + b)
                    - loglik(theta + a + b)
                    - loglik(theta - a - b)
                )
                / 4e-8
                for b in steps
            ]
            for a in steps
        ]
    )
    scale = np.sqrt(np.diag(fit.hessian))
    gap = (numerical - fit.hessian) / np.outer(scale, scale)
    assert np.abs(gap).max() < 1e-5


def test_expected_information_is_the_mean_of_the_observed():
    gaps = []
    for seed in range(30):
        frame = simulate(WEIGHTS, 5, 0.4, [1.0], [0.5], seed=seed)
        sample = read(
            frame, "y", ["x1"], WEIGHTS, "two-way", "lee-yu", ("province", "year"), ["x1"]
        )
        fit = fit_lag(sample.outcome, sample.regressors, sample.spectrum, sample.change)
        scale = np.sqrt(np.diag(fit.information))
        gaps.append((fit.hessian - fit.information) / np.outer(scale, scale))
    mean, error_ = np.mean(gaps, axis=0), np.std(gaps, axis=0) / np.sqrt(len(gaps))
    assert (np.abs(mean) <= 4 * error_ + 1e-8).all()
    assert np.abs(mean).max() < 0.08


def test_without_space_it_is_the_regression_with_fixed_effects():
    frame = FRAME.assign(y=FRAME["x1"] + np.random.default_rng(1).normal(size=len(FRAME)))
    fit = error(frame, "y", XS, WEIGHTS)
    plain = fixed_effects(frame, "y", XS)
    np.testing.assert_allclose(fit.params[XS], plain.params, atol=2 * plain.std_errors.max())
    assert abs(fit.tstats["lambda"]) < 3


# Impacts


@pytest.mark.parametrize("model", ["lag", "durbin"])
@pytest.mark.parametrize("standardised", [True, False])
def test_delta_errors_use_the_numerical_derivatives(model, standardised):
    weights = WEIGHTS if standardised else contiguity(hainan=True)
    fit = MODELS[model](FRAME, "y", XS, weights, correction="none")
    matrix, cov = fit.weights.matrix.to_numpy(), fit.cov.to_numpy()

    def effects(theta):
        inverse = np.linalg.inv(np.eye(31) - theta[-1] * matrix)
        out = []
        for j in range(2):
            t = theta[2 + j] if model == "durbin" else 0.0
            moved = inverse @ (theta[j] * np.eye(31) + t * matrix)
            direct, total = np.trace(moved) / 31, moved.sum() / 31
            out += [direct, total - direct, total]
        return np.array(out)

    theta = fit.params.to_numpy()
    steps = 1e-6 * np.eye(len(theta))
    gradient = np.array([(effects(theta + s) - effects(theta - s)) / 2e-6 for s in steps]).T
    table = impacts(fit).table
    np.testing.assert_allclose(table["estimate"], effects(theta), rtol=1e-10)
    wanted = np.sqrt(np.diag(gradient @ cov @ gradient.T))
    np.testing.assert_allclose(table["std_error"], wanted, rtol=1e-6)


def test_simulated_errors_are_near_those_of_the_delta_method():
    fit = durbin(simulate(WEIGHTS, 40, 0.3, [1.0], [0.5], seed=4), "y", ["x1"], WEIGHTS)
    delta = impacts(fit).table
    drawn = impacts(fit, method="simulation", draws=4000, seed=7)
    np.testing.assert_allclose(drawn.table["std_error"], delta["std_error"], rtol=0.06)
    np.testing.assert_allclose(drawn.table["lower"], delta["lower"], atol=0.03)
    again = impacts(fit, method="simulation", draws=4000, seed=7).table
    pd.testing.assert_frame_equal(drawn.table, again)
    other = impacts(fit, method="simulation", draws=4000, seed=8).table
    assert not np.allclose(other["std_error"], again["std_error"], rtol=1e-9)


def test_impacts_of_an_error_model_are_refused():
    with pytest.raises(MethodError, match="no spillovers"):
        impacts(small("error"))
    with pytest.raises(MethodError, match="unknown method"):
        impacts(small(), method="bootstrap")
    with pytest.raises(MethodError, match="level"):
        impacts(small(), level=95)


def test_a_regressor_that_is_not_lagged_has_feedback_only():
    fit = small(lagged=["x1"])
    assert list(fit.params.index) == ["x1", "x2", "W x1", "rho"]
    inverse = np.linalg.inv(np.eye(31) - fit.rho * fit.weights.matrix.to_numpy())
    got = impacts(fit).table.loc[("x2", "direct"), "estimate"]
    assert got == pytest.approx(fit.params["x2"] * np.trace(inverse) / 31, rel=1e-10)
    assert impacts(fit).effect("total").loc["x2", "estimate"] == pytest.approx(
        fit.params["x2"] / (1 - fit.rho), rel=1e-10
    )


# Known truth


def test_estimates_and_intervals_hold_the_truth_of_simulated_panels():
    truth = {"x1": 1.0, "W x1": 0.5, "rho": 0.4}
    inverse = np.linalg.inv(np.eye(31) - 0.4 * WEIGHTS.matrix.to_numpy())
    moved = inverse @ (np.eye(31) + 0.5 * WEIGHTS.matrix.to_numpy())
    direct, total = np.trace(moved) / 31, moved.sum() / 31
    wanted = np.array([*truth.values(), direct, total - direct, total])
    estimates, held = [], []
    for seed in range(60):
        fit = durbin(simulate(WEIGHTS, 8, 0.4, [1.0], [0.5], seed=seed), "y", ["x1"], WEIGHTS)
        table, interval = impacts(fit).table, fit.conf_int()
        estimates.append([*fit.params, *table["estimate"]])
        lower = np.array([*interval["lower"], *table["lower"]])
        upper = np.array([*interval["upper"], *table["upper"]])
        held.append((lower < wanted) & (wanted < upper))
    mean, spread = np.mean(estimates, axis=0), np.std(estimates, axis=0)
    assert (np.abs(mean - wanted) < 3.5 * spread / np.sqrt(60)).all()
    # 60 intervals at 95 %: 51 or more hold the truth with probability 0.9988 each.
    assert (np.sum(held, axis=0) >= 51).all()


# Tests of models


def test_tests_find_the_model_that_made_the_data():
    made_by_error = simulate(WEIGHTS, 12, 0.6, [1.0, 0.5], model="error", seed=9)
    made_by_lag = simulate(WEIGHTS, 12, 0.6, [1.0, 0.5], seed=9)
    for frame, true, false in [(made_by_error, error, lag), (made_by_lag, lag, error)]:
        large = durbin(frame, "y", XS, WEIGHTS)
        assert likelihood_ratio(large, true(frame, "y", XS, WEIGHTS)).pvalue > 0.01
        assert likelihood_ratio(large, false(frame, "y", XS, WEIGHTS)).pvalue < 1e-4
        wald = {lag: no_lagged_regressors(large), error: common_factor(large)}
        assert wald[true].pvalue > 0.01
        assert wald[false].pvalue < 1e-4
        tests = lagrange(frame, "y", XS, WEIGHTS)["pvalue"]
        name, other = ("error", "lag") if true is error else ("lag", "error")
        assert tests[f"robust {name}"] < 1e-6
        assert tests[f"robust {other}"] > 1e-3


def test_lagrange_tests_reject_as_often_as_they_should():
    counts = np.zeros(4)
    for seed in range(60):
        frame = simulate(WEIGHTS, 5, 0.0, [1.0], seed=seed)
        counts += (lagrange(frame, "y", ["x1"], WEIGHTS)["pvalue"] < 0.1).to_numpy()
    # Binomial(60, 0.1): from 1 to 14 with probability 0.997 each.
    assert ((counts >= 1) & (counts <= 14)).all(), counts


def test_nesting_is_checked():
    large = small()
    with pytest.raises(MethodError, match="not within"):
        likelihood_ratio(small("lag"), large)
    with pytest.raises(MethodError, match="differ in effects"):
        likelihood_ratio(large, small("lag", effects="unit"))
    with pytest.raises(MethodError, match="differ in correction"):
        likelihood_ratio(large, small("lag", correction="none"))
    with pytest.raises(SampleError, match="samples or weights"):
        part = FRAME.drop(index=2010, level="year")
        likelihood_ratio(large, lag(part, "y", XS, WEIGHTS))
    with pytest.raises(MethodError, match="not every regressor"):
        common_factor(small(lagged=["x1"]))
    with pytest.raises(MethodError, match="Durbin"):
        no_lagged_regressors(small("lag"))


# Print


def test_a_table_prints_likelihood_and_variance():
    fits = {"lag": small("lag"), "error": small("error", vintage="census5")}
    table = spatial_table({**fits, "plain": fixed_effects(FRAME, "y", XS)})
    frame = table.to_frame()
    assert frame.loc[("Log-likelihood", ""), "lag"] == f"{fits['lag'].loglik:,.3f}"
    assert frame.loc[("sigma2", ""), "error"] == f"{fits['error'].sigma2:.4g}"
    assert frame.loc[("Log-likelihood", ""), "plain"] == ""
    assert frame.loc[("rho", "coefficient"), "lag"] == f"{fits['lag'].rho:.3f}"
    assert frame.loc[("lambda", "coefficient"), "error"] == f"{fits['error'].rho:.3f}"
    assert "expected information" in frame.loc[("Standard errors", ""), "lag"]
    assert any("Lee and Yu" in note for note in table.notes)
    assert "Log-likelihood" in fits["lag"]._repr_html_()


def test_results_hold_the_residuals_by_key():
    fit = small("lag")
    panel = FRAME["y"].unstack("year").loc[WEIGHTS.labels]
    weighted = (WEIGHTS.matrix @ panel).stack()
    structural = FRAME["y"] - fit.rho * weighted - FRAME[XS] @ fit.params[XS]
    units = structural.groupby(level=0).transform("mean")
    years = structural.groupby(level=1).transform("mean")
    wanted = structural - units - years + structural.mean()
    pd.testing.assert_series_equal(fit.residuals, wanted, check_names=False, atol=1e-9)
    assert fit.sigma2 == pytest.approx((fit.residuals**2).sum() / (30 * 7))
