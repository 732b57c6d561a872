"""Clustered errors of spatial panels: scores by unit, invariance, coverage and messages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nqpf.errors import EstimationError, MethodError
from nqpf.space import Weights, contiguity
from nqpf.space.durbin import (
    covariance,
    durbin,
    error,
    fit_error,
    fit_lag,
    lag,
    read,
    simulate,
    spatial_table,
    unit_scores,
)
from nqpf.space.impacts import common_factor, impacts, likelihood_ratio, no_lagged_regressors

WEIGHTS = contiguity(hainan=True).row_standardised()
FRAME = simulate(WEIGHTS, 7, 0.4, [1.0, -0.5], [0.5, 0.3], seed=5)
XS = ["x1", "x2"]
MODELS = {"lag": lag, "durbin": durbin, "error": error}
CLUSTERED = ["clustered", "pairwise"]
KEY = ("province", "year")


def estimated(model, effects, correction, weights=WEIGHTS, islands="refuse"):
    lags = XS if model == "durbin" else ()
    sample = read(FRAME, "y", XS, weights, effects, correction, KEY, lags, islands)
    fit = fit_error if model == "error" else fit_lag
    return sample, fit(sample.outcome, sample.regressors, sample.spectrum, sample.change)


def by_unit(sample, model, theta):
    """Return the log-likelihood (n,) of each unit, written out."""
    slopes, rho, sigma2 = theta[:-2], theta[-2], theta[-1]
    y, x, w = sample.outcome, sample.regressors, sample.spectrum.matrix
    left = y - x @ slopes if model == "error" else y
    e = sample.change.within(left - rho * left @ w.T - (0 if model == "error" else x @ slopes))
    n, change = y.shape[1], sample.change
    _, logdet = np.linalg.slogdet(np.eye(n) - rho * w)
    if not change.common:
        logdet -= np.log(1 - rho)
    same = change.periods * logdet - change.rows / 2 * np.log(2 * np.pi * sigma2)
    return same / n - (e**2).sum(axis=0) / (2 * sigma2)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("effects", ["two-way", "unit", "pooled"])
@pytest.mark.parametrize("correction", ["lee-yu", "none"])
def test_clustered_errors_are_the_numerical_sandwich(model, effects, correction):
    sample, fit = estimated(model, effects, correction)
    theta = np.append(fit.slopes, [fit.rho, fit.sigma2])
    ours = by_unit(sample, model, theta)
    assert ours.sum() == pytest.approx(fit.loglik, abs=1e-8)
    steps = 1e-5 * np.eye(len(theta))
    scores = np.array(
        [
            (by_unit(sample, model, theta + s) - by_unit(sample, model, theta - s)) / 2e-5
            for s in steps
        ]
    ).T
    scale = np.sqrt((scores**2).sum(axis=0))
    found = unit_scores(fit, sample.spectrum, sample.change)
    np.testing.assert_allclose(found / scale, scores / scale, atol=1e-6)
    total = lambda t: by_unit(sample, model, t).sum()  # noqa: E731
    wide = 10 * steps
    hessian = -np.array(
        [
            [
                (total(theta + a + b) - total(theta + a - b) - total(theta - a + b))
                + total(theta - a - b)
                for b in wide
            ]
            for a in wide
        ]
    ) / (4e-8)
    bread = np.linalg.inv(hessian)
    wanted = 31 / 30 * bread @ scores.T @ scores @ bread
    got = covariance(fit, "clustered", sample.spectrum, sample.change)
    np.testing.assert_allclose(np.sqrt(np.diag(got)), np.sqrt(np.diag(wanted)), rtol=2e-4)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("effects", ["two-way", "unit"])
@pytest.mark.parametrize("weights", ["borders", "directed"])
def test_pairwise_errors_are_the_sum_over_units_and_pairs(model, effects, weights):
    """Loops over units and pairs; together they are the score, which is zero at the maximum."""
    w = WEIGHTS
    if weights == "directed":
        rng = np.random.default_rng(2)
        near = (rng.random((31, 31)) < 0.15) * rng.random((31, 31)) + 0.01
        np.fill_diagonal(near, 0.0)
        w = Weights(pd.DataFrame(near, w.labels, w.labels)).row_standardised()
    sample, fit = estimated(model, effects, "lee-yu", w)
    matrix, e = w.matrix.to_numpy(), fit.residuals
    g = matrix @ np.linalg.inv(np.eye(31) - fit.rho * matrix)
    k, keep = len(fit.slopes), np.eye(31) - (effects == "two-way") / 31
    free = fit.moved - sample.change.within(e @ g.T)
    if model == "error":
        np.testing.assert_allclose(free, 0, atol=1e-9)
    g = keep @ g @ keep
    middle, total = np.zeros((k + 2, k + 2)), np.zeros(k + 2)
    for i in range(31):
        own = np.append(fit.design[:, i].T @ e[:, i] / fit.sigma2, [0.0, 0.0])
        own[-2] = free[:, i] @ e[:, i] / fit.sigma2
        own[-2] += g[i, i] * (e[:, i] @ e[:, i] / fit.sigma2 - 6 * keep[i, i])
        own[-1] = (e[:, i] @ e[:, i] / fit.sigma2 - 6 * keep[i, i]) / (2 * fit.sigma2)
        middle, total = middle + np.outer(own, own), total + own
        for j in range(i):
            pair, met = np.zeros(k + 2), e[:, i] @ e[:, j] / fit.sigma2 - 6 * keep[i, j]
            pair[-2] = (g[i, j] + g[j, i]) * met
            middle, total = middle + np.outer(pair, pair), total + pair
    np.testing.assert_allclose(total / np.sqrt(np.diag(middle)), 0, atol=1e-6)
    bread = np.linalg.inv(fit.hessian)
    got = covariance(fit, "pairwise", sample.spectrum, sample.change)
    scale = np.sqrt(np.diag(got))
    wanted = 31 / 30 * bread @ middle @ bread
    np.testing.assert_allclose(
        got / np.outer(scale, scale), wanted / np.outer(scale, scale), atol=1e-9
    )


@pytest.mark.parametrize("errors", CLUSTERED)
@pytest.mark.parametrize("model", MODELS)
def test_order_of_rows_units_and_weights_does_not_matter(model, errors):
    fit = MODELS[model](FRAME, "y", XS, WEIGHTS, errors=errors)
    rng = np.random.default_rng(0)
    rows = FRAME.iloc[rng.permutation(len(FRAME))].reset_index()
    labels = rng.permutation(WEIGHTS.labels)
    mixed = Weights(WEIGHTS.matrix.loc[labels, rng.permutation(labels)], standardised=True)
    again = MODELS[model](rows, "y", XS, mixed, errors=errors)
    pd.testing.assert_frame_equal(again.cov, fit.cov, rtol=1e-7)
    renamed = dict(zip(WEIGHTS.labels, rng.permutation(31), strict=True))
    other = Weights(WEIGHTS.matrix.rename(index=renamed, columns=renamed), standardised=True)
    moved = MODELS[model](FRAME.rename(index=renamed, level=0), "y", XS, other, errors=errors)
    pd.testing.assert_frame_equal(moved.cov, fit.cov, rtol=1e-7)


@pytest.mark.parametrize("errors", CLUSTERED)
def test_units_of_variables_change_nothing_else(errors):
    frame = FRAME.assign(y=1e6 * FRAME["y"] + 1e8, x1=1e-5 * FRAME["x1"])
    fit, other = (durbin(f, "y", XS, WEIGHTS, errors=errors) for f in (FRAME, frame))
    back = np.array([1e11, 1e6, 1e11, 1e6, 1.0])
    np.testing.assert_allclose(other.std_errors, fit.std_errors * back, rtol=1e-7)
    assert other.sigma2_error == pytest.approx(fit.sigma2_error * 1e12, rel=1e-7)


@pytest.mark.parametrize("errors", CLUSTERED)
def test_the_correction_of_lee_and_yu_changes_slopes_alike_in_either(errors):
    """Without rho the sandwich of slopes does not know sigma2: only G/(G-1) is left."""
    frame = FRAME.assign(y=FRAME["x1"] + np.random.default_rng(3).normal(size=len(FRAME)))
    fits = [lag(frame, "y", XS, WEIGHTS, correction=c, errors=errors) for c in ("lee-yu", "none")]
    own, plain = (fit.std_errors[XS] for fit in fits)
    np.testing.assert_allclose(own, plain, rtol=0.02)
    classic = [lag(frame, "y", XS, WEIGHTS, correction=c) for c in ("lee-yu", "none")]
    ratio = classic[0].std_errors[XS] / classic[1].std_errors[XS]
    np.testing.assert_allclose(ratio, np.sqrt(7 / 6 * 31 / 30), rtol=0.02)


@pytest.mark.parametrize("errors", CLUSTERED)
def test_intervals_tests_and_impacts_rest_on_the_clusters(errors):
    fit = durbin(FRAME, "y", XS, WEIGHTS, errors=errors)
    assert fit.df == 30
    assert fit.pvalues["x1"] == pytest.approx(2 * stats.t(30).sf(abs(fit.tstats["x1"])))
    theta, cov = fit.params.to_numpy(), fit.cov.to_numpy()
    matrix = WEIGHTS.matrix.to_numpy()

    def spill(p):
        moved = np.linalg.inv(np.eye(31) - p[-1] * matrix) @ (p[0] * np.eye(31) + p[2] * matrix)
        return (moved.sum() - np.trace(moved)) / 31

    gradient = [(spill(theta + s) - spill(theta - s)) / 2e-6 for s in 1e-6 * np.eye(5)]
    row = impacts(fit).table.loc[("x1", "indirect")]
    assert row["std_error"] == pytest.approx(np.sqrt(gradient @ cov @ gradient), rel=1e-6)
    reach = stats.t(30).ppf(0.975) * row["std_error"]
    assert row["upper"] == pytest.approx(row["estimate"] + reach)
    drawn = impacts(fit, method="simulation", draws=8000).table.loc[("x1", "direct")]
    delta = impacts(fit).table.loc[("x1", "direct")]
    assert drawn["upper"] - drawn["lower"] == pytest.approx(
        delta["upper"] - delta["lower"], rel=0.06
    )
    for test, df in ((no_lagged_regressors(fit), 2), (common_factor(fit), 2)):
        assert test.pvalue == pytest.approx(stats.f.sf(test.statistic / df, df, 30))
    with pytest.raises(MethodError, match=r"independent rows.*common_factor"):
        likelihood_ratio(fit, lag(FRAME, "y", XS, WEIGHTS, errors=errors))


def test_a_table_says_how_errors_are_clustered():
    fits = {e: lag(FRAME, "y", XS, WEIGHTS, errors=e) for e in CLUSTERED}
    table = spatial_table(fits)
    frame = table.to_frame()
    assert frame.loc[("Standard errors", ""), "clustered"] == "clustered by province"
    assert frame.loc[("Standard errors", ""), "pairwise"] == (
        "clustered by province and pair of neighbours"
    )
    assert list(frame.loc[("Convention", "")]) == ["clusters", "clusters"]
    assert any("G/(G-1), parameters not counted, t(G-1)" in note for note in table.notes)


def test_too_few_clusters_and_unknown_errors():
    codes = list(WEIGHTS.labels[:5])
    w = Weights(pd.DataFrame((1 - np.eye(5)) / 4, codes, codes)).row_standardised()
    near = w.matrix.copy()
    near.iloc[0] = [0, 1, 0, 0, 0]
    frame = FRAME.loc[(codes, slice(None)), :]
    with pytest.raises(EstimationError, match="5 units are too few to cluster.*6 parameters"):
        durbin(frame, "y", XS, near, effects="unit", errors="clustered")
    with pytest.raises(MethodError, match="one of information, hessian, clustered, pairwise"):
        lag(FRAME, "y", XS, WEIGHTS, errors="cluster")


def correlated(seed, years=13, share=0.85):
    """Return a Durbin panel, rho 0.4, in which errors and x1 of a province persist."""
    return simulate(WEIGHTS, years, 0.4, [1.0], [0.5], seed=seed, persistence=share)


def test_simulated_errors_persist_as_asked():
    frame = simulate(WEIGHTS, 4000, 0.0, [0.0], effects=0.0, seed=1, persistence=0.6)
    for name in ("y", "x1"):
        wide = frame[name].unstack("province")
        assert wide.to_numpy().std() == pytest.approx(1, abs=0.02)
        assert wide.corrwith(wide.shift()).mean() == pytest.approx(0.6, abs=0.01)
    same = simulate(WEIGHTS, 5, 0.4, [1.0], seed=1, persistence=0.0)
    pd.testing.assert_frame_equal(same, simulate(WEIGHTS, 5, 0.4, [1.0], seed=1))
    with pytest.raises(MethodError, match="persistence 1"):
        simulate(WEIGHTS, 5, 0.4, [1.0], persistence=1)


def test_where_errors_persist_clusters_hold_the_truth_and_information_does_not():
    truth, held = np.array([1.0, 0.5, 0.4]), {}
    for seed in range(60):
        frame = correlated(seed)
        for errors in ("information", *CLUSTERED):
            interval = durbin(frame, "y", ["x1"], WEIGHTS, errors=errors).conf_int()
            inside = (interval["lower"] < truth) & (truth < interval["upper"])
            held.setdefault(errors, []).append(inside)
    count = {errors: np.sum(own, axis=0) for errors, own in held.items()}
    # 60 intervals at 95 %: 51 or more hold the truth with probability 0.9988 each.
    assert (count["pairwise"] >= 51).all(), count
    assert (count["information"] < 51).all(), count
    assert (count["pairwise"] > count["information"]).all(), count
    # The split of xsmle leaves out what neighbours share, which is in rho's score alone.
    assert count["clustered"][-1] < count["pairwise"][-1], count


def test_where_nothing_persists_pairs_are_needed_all_the_same():
    wide = {errors: [] for errors in ("information", *CLUSTERED)}
    for seed in range(20):
        frame = correlated(seed, years=30, share=0.0)
        for errors, own in wide.items():
            own.append(durbin(frame, "y", ["x1"], WEIGHTS, errors=errors).std_errors["rho"])
    mean = {errors: np.mean(own) for errors, own in wide.items()}
    assert mean["pairwise"] / mean["information"] == pytest.approx(1, abs=0.1)
    assert mean["clustered"] < 0.9 * mean["information"]
