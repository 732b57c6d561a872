"""The wild cluster bootstrap against refits draw by draw and the package wildboottest."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_panels import NAMES, dummies
from made_up_panels import walks as sample

from nqpf.regress import wild_bootstrap


def weights_of(draws, weights, seed):
    """The weights of 31 clusters that a seed stands for."""
    rng = np.random.default_rng(seed)
    signs = 2.0 * rng.integers(0, 2, size=(draws, 31)) - 1
    if weights == "webb":
        signs *= np.sqrt(np.array([0.5, 1.0, 1.5]))[rng.integers(0, 3, size=(draws, 31))]
    return signs


def clustered_t(x, y, unit, column, null):
    bread = np.linalg.inv(x.T @ x)
    b = bread @ (x.T @ y)
    scores = x * (y - x @ b)[:, None]
    sums = np.array([scores[unit == g].sum(axis=0) for g in np.unique(unit)])
    cov = bread @ sums.T @ sums @ bread
    return (b[column] - null) / np.sqrt(cov[column, column])


def refit(frame, effects, variable, null, v):
    """Build each bootstrap outcome and regress it on regressors and dummies."""
    x = np.hstack([frame[NAMES], dummies(frame, effects)])
    y, unit = frame["y"].to_numpy(), frame.index.get_level_values(0).to_numpy()
    column = NAMES.index(variable)
    others = np.delete(x, column, axis=1)
    target = y - null * x[:, column]
    fitted = others @ np.linalg.lstsq(others, target, rcond=None)[0] + null * x[:, column]
    u = y - fitted
    draws = [clustered_t(x, fitted + w[unit] * u, unit, column, null) for w in v]
    return clustered_t(x, y, unit, column, null), np.array(draws)


@pytest.mark.parametrize(
    ("effects", "drop", "variable", "null", "weights"),
    [
        ("two-way", 0, "a", 0.0, "rademacher"),
        ("two-way", 60, "b", 0.0, "webb"),
        ("two-way", 60, "c", 0.4, "rademacher"),
        ("unit", 40, "a", -0.2, "webb"),
        ("time", 40, "b", 0.0, "rademacher"),
        ("pooled", 40, "c", 0.1, "webb"),
    ],
)
def test_every_draw_equals_a_refit(effects, drop, variable, null, weights):
    frame = sample(drop, drop)
    options = {"effects": effects, "null": null, "weights": weights, "convention": "none"}
    test = wild_bootstrap(frame, "y", NAMES, variable, draws=99, seed=5, **options)
    v = weights_of(99, weights, 5)
    t, draws = refit(frame, effects, variable, null, v)
    assert test.tstat == pytest.approx(t, rel=1e-10)
    np.testing.assert_allclose(test.tstats, draws, rtol=1e-11, atol=1e-12)
    assert test.pvalue == np.mean(np.abs(draws) >= abs(t))


@pytest.mark.parametrize("weights", ["rademacher", "webb"])
def test_the_interval_holds_the_values_that_a_refit_does_not_reject(weights):
    frame = sample(7, 30)
    test = wild_bootstrap(frame, "y", NAMES, "a", draws=199, weights=weights, seed=1, level=0.9)
    v = weights_of(199, weights, 1)
    reach = test.upper - test.lower
    for edge, side in ((test.lower, -1), (test.upper, 1)):
        for null, kept in ((edge - side * 1e-6 * reach, True), (edge + side * 1e-6 * reach, False)):
            t, draws = refit(frame, "two-way", "a", null, v)
            assert (np.mean(np.abs(draws) >= abs(t)) >= 0.1) == kept


@pytest.mark.parametrize(
    ("variable", "peer"), [("a", 0.1640625), ("b", 0.2890625), ("c", 0.1171875)]
)
def test_enumeration_equals_wildboottest(variable, peer):
    """wildboottest 0.3.2 ("11", null imposed, dummies) enumerates the 512 signs of 9 clusters.

    It counts strict inequality. The two combinations of one sign for all give back t itself: we
    count these ties, it does not, unless rounding decides so, as it does for b.
    """
    test = wild_bootstrap(sample(2, 10, units=9), "y", NAMES, variable)
    assert test.draws == 256
    assert test.pvalue - peer == (0 if variable == "b" else 2 / 512)


@pytest.mark.parametrize(("variable", "peer"), [("a", 0.112491), ("b", 0.00307), ("c", 0.745687)])
def test_random_draws_agree_with_wildboottest(variable, peer):
    """wildboottest 0.3.2, 99,999 Webb draws of its own, 31 clusters."""
    test = wild_bootstrap(sample(3, 40), "y", NAMES, variable, weights="webb", draws=19999)
    error = np.sqrt(peer * (1 - peer) * (1 / 19999 + 1 / 99999))
    assert abs(test.pvalue - peer) < 4 * error
