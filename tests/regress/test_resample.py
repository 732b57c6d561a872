"""The wild bootstrap and exchanged histories: promises, refits of each draw, wildboottest."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import EFFECTS, NAMES, clustered_fit, dummies, walks
from made_up_panels import small_panel as sample

from nqpf.regress import fixed_effects, permutation_placebo, wild_bootstrap


@pytest.mark.parametrize("function", [wild_bootstrap, permutation_placebo])
def test_seed_order_and_units_of_measurement(function):
    frame = sample(units=20, drop=0)
    before = frame.copy()
    moved = frame.assign(a=frame["a"] * 1e4 + 1, y=frame["y"] * 1e-3).sample(frac=1, random_state=0)
    calls = [(frame, ["a", "b"], 3), (moved, ["b", "a"], 3), (frame, ["a", "b"], 4)]
    one, two, other = (function(f, "y", x, "a", draws=199, seed=s) for f, x, s in calls)
    assert one.pvalue == two.pvalue
    np.testing.assert_allclose(two.tstats, one.tstats, rtol=1e-6, atol=1e-8)
    ends = np.array([[test.lower, test.upper] for test in (one, two)])
    np.testing.assert_allclose(ends[1] * 1e7, ends[0], rtol=1e-6, atol=1e-8)
    assert not np.allclose(other.tstats, one.tstats)
    pd.testing.assert_frame_equal(frame, before)
    assert function(frame, "y", ["b", "a"], draws=99).variable == "b"  # the first
    assert one.result.covariance_label == "clustered by province"


def test_few_clusters_are_enumerated_and_the_seed_plays_no_part():
    frame = sample(units=6)
    one, two = (wild_bootstrap(frame, "y", ["a", "b"], seed=seed) for seed in (0, 1))
    assert len(one.tstats) == 32 and one.pvalue == two.pvalue >= 1 / 32
    endless = wild_bootstrap(sample(units=5), "y", "a")  # no p value is below 1/16
    assert (endless.lower, endless.upper) == (-np.inf, np.inf)


@pytest.mark.parametrize("effects", EFFECTS)
def test_permuted_statistics_are_those_of_refits(effects):
    frame = sample(1, units=9, drop=0)
    test = permutation_placebo(frame, "y", ["a", "b"], effects=effects, draws=99, seed=4)
    wide, rng = frame["a"].unstack(), np.random.default_rng(4)
    for t in test.tstats[:2]:
        moved = frame.assign(a=wide.to_numpy()[rng.permutation(9)].ravel())
        fit = fixed_effects(moved, "y", ["a", "b"], effects=effects)
        assert t == pytest.approx(fit.tstats["a"], rel=1e-8)
    extreme = (np.abs(test.tstats) >= abs(test.tstat) * (1 - 1e-9)).sum()
    assert test.pvalue == (1 + extreme) / 100


# Peers


def signs_of(draws, seed):
    """The signs of 31 clusters that a seed stands for."""
    return 2.0 * np.random.default_rng(seed).integers(0, 2, size=(draws, 31)) - 1


def clustered_t(x, y, unit, column, null):
    fit = clustered_fit(y, x, unit)
    return (fit.params[column] - null) / fit.bse[column]


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


DRAWN = [("two-way", 60, "b"), ("unit", 40, "a"), ("time", 40, "b"), ("pooled", 40, "c")]


@pytest.mark.parametrize(("effects", "drop", "variable"), DRAWN)
def test_every_draw_equals_a_refit(effects, drop, variable):
    frame = walks(drop, drop)
    test = wild_bootstrap(frame, "y", NAMES, variable, draws=99, seed=5, effects=effects)
    t, draws = refit(frame, effects, variable, 0, signs_of(99, 5))
    factor = test.tstat / t  # of the convention, the same in each draw
    np.testing.assert_allclose(test.tstats, factor * draws, rtol=1e-11, atol=1e-12)
    plain = fixed_effects(frame, "y", NAMES, effects=effects, convention="none")
    assert t == pytest.approx(plain.tstats[variable], rel=1e-10)
    assert test.pvalue == np.mean(np.abs(draws) >= abs(t))


def test_the_interval_holds_the_values_that_a_refit_does_not_reject():
    frame = walks(7, 30)
    test = wild_bootstrap(frame, "y", NAMES, "a", draws=199, seed=1)
    reach = test.upper - test.lower
    for edge, side in ((test.lower, -1), (test.upper, 1)):
        for null, kept in ((edge - side * 1e-6 * reach, True), (edge + side * 1e-6 * reach, False)):
            t, draws = refit(frame, "two-way", "a", null, signs_of(199, 1))
            assert (np.mean(np.abs(draws) >= abs(t)) >= 0.05) == kept


ENUMERATED = {"a": 0.1640625, "b": 0.2890625, "c": 0.1171875}


@pytest.mark.parametrize(("variable", "peer"), ENUMERATED.items())
def test_enumeration_equals_wildboottest(variable, peer):
    """wildboottest 0.3.2 ("11", null imposed, dummies) enumerates the 512 signs of 9 clusters.

    It counts strict inequality. The two combinations of one sign for all give back t itself: we
    count these ties, it does not, unless rounding decides so, as it does for b.
    """
    test = wild_bootstrap(walks(2, 10, units=9), "y", NAMES, variable)
    assert len(test.tstats) == 256 and test.pvalue - peer == (0 if variable == "b" else 2 / 512)
