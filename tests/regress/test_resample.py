"""The wild bootstrap and exchanged histories: what they promise."""

import numpy as np
import pandas as pd
import pytest
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


@pytest.mark.parametrize("effects", ["two-way", "unit", "time", "pooled"])
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
