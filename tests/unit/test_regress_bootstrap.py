"""What the wild cluster bootstrap promises, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.regress.resample import wild_bootstrap, wild_weights


def sample(seed=0, units=12, years=6, drop=0, slope=0.5):
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(units), range(2010, 2010 + years)], names=["province", "year"]
    )
    frame = pd.DataFrame(rng.normal(size=(len(keys), 3)), keys, ["y", "a", "b"])
    frame["y"] += slope * frame["a"] + np.repeat(rng.normal(size=units), years)
    return frame.iloc[np.sort(rng.permutation(len(frame))[drop:])]


def test_the_same_seed_gives_the_same_answer_and_inputs_stay():
    frame = sample(units=20)
    before = frame.copy()
    one, two = (wild_bootstrap(frame, "y", ["a", "b"], draws=199, seed=3) for _ in range(2))
    assert (one.pvalue, one.lower, one.upper) == (two.pvalue, two.lower, two.upper)
    np.testing.assert_array_equal(one.tstats, two.tstats)
    other = wild_bootstrap(frame, "y", ["a", "b"], draws=199, seed=4)
    assert not np.array_equal(other.tstats, one.tstats)
    pd.testing.assert_frame_equal(frame, before)


@given(st.integers(0, 10**6), st.floats(1e-4, 1e4), st.floats(1e-4, 1e4))
@settings(max_examples=5, deadline=None)
def test_scale_and_row_order_do_not_matter(seed, a, y):
    frame = sample(seed, units=20, drop=9)
    test = wild_bootstrap(frame, "y", ["a", "b"], draws=99)
    moved = frame.assign(a=frame["a"] * a + 1, y=frame["y"] * y).sample(frac=1, random_state=0)
    again = wild_bootstrap(moved, "y", ["b", "a"], "a", draws=99)
    assert again.pvalue == test.pvalue
    np.testing.assert_allclose(again.tstats, test.tstats, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(
        [again.lower * a / y, again.upper * a / y], [test.lower, test.upper], rtol=1e-6, atol=1e-8
    )


def test_the_interval_and_the_p_value_agree():
    frame = sample(1, units=20)
    test = wild_bootstrap(frame, "y", ["a", "b"], draws=999)
    assert test.lower < test.coefficient < test.upper
    for edge in (test.lower, test.upper):
        inside = edge + 1e-6 * (test.coefficient - edge)
        outside = edge - 1e-6 * (test.coefficient - edge)
        options = {"draws": 999}
        assert wild_bootstrap(frame, "y", ["a", "b"], null=inside, **options).pvalue >= 0.05
        assert wild_bootstrap(frame, "y", ["a", "b"], null=outside, **options).pvalue < 0.05
    narrow = wild_bootstrap(frame, "y", ["a", "b"], draws=999, level=0.8)
    assert test.lower < narrow.lower < narrow.upper < test.upper


def test_the_convention_scales_t_and_not_p():
    frame = sample(2, units=20)
    tests = [wild_bootstrap(frame, "y", "a", draws=199, convention=c) for c in ("none", "all")]
    assert tests[0].pvalue == tests[1].pvalue
    ratio = tests[0].tstats / tests[1].tstats
    np.testing.assert_allclose(ratio, tests[0].tstat / tests[1].tstat, rtol=1e-10)


def test_few_clusters_are_enumerated_and_the_seed_plays_no_part():
    frame = sample(units=6)
    one, two = (wild_bootstrap(frame, "y", ["a", "b"], seed=s) for s in (0, 1))
    assert one.enumerated
    assert one.draws == 32
    assert one.pvalue == two.pvalue >= 1 / 32
    assert "all 32 distinct combinations" in one.label
    assert not wild_bootstrap(frame, "y", ["a", "b"], weights="webb", draws=99).enumerated
    assert not wild_bootstrap(frame, "y", ["a", "b"], draws=99, weights="webb").label.count("all ")


def test_an_interval_that_nothing_closes_is_infinite():
    test = wild_bootstrap(sample(units=5), "y", "a")  # no p value is below 1/16
    assert (test.lower, test.upper) == (-np.inf, np.inf)
    assert "inf" in str(test)


def test_weights_have_mean_zero_and_variance_one():
    for kind in ("rademacher", "webb"):
        v, _ = wild_weights(31, 20000, kind, 0)
        assert v.shape == (20000, 31)
        assert abs(v.mean()) < 5 / np.sqrt(v.size)
        assert (v**2).mean() == pytest.approx(1, abs=0.01)
    assert len(np.unique(v.round(12))) == 6
    every, enumerated = wild_weights(8, 256, "rademacher", 0)
    assert enumerated
    assert len(np.unique(np.abs(every @ 2.0 ** np.arange(8)))) == 128


def test_the_tested_variable_is_the_first_unless_named():
    frame = sample(units=20)
    assert wild_bootstrap(frame, "y", ["b", "a"], draws=99).variable == "b"
    test = wild_bootstrap(frame, "y", ["b", "a"], "a", draws=99, vintage="census5")
    assert (test.variable, test.result.vintage) == ("a", "census5")
    assert test.result.covariance_label == "clustered by province"


def test_what_is_refused():
    frame = sample()
    with pytest.raises(MethodError, match="unknown variable 'A'"):
        wild_bootstrap(frame, "y", ["a", "b"], "A")
    with pytest.raises(MethodError, match="Did you mean 'webb'"):
        wild_bootstrap(frame, "y", "a", weights="web")
    for draws in (98, 99.5, True):
        with pytest.raises(MethodError, match="99 or more"):
            wild_bootstrap(frame, "y", "a", draws=draws)
    with pytest.raises(MethodError, match="between 0 and 1"):
        wild_bootstrap(frame, "y", "a", level=95)
    with pytest.raises(EstimationError, match="collinear"):
        wild_bootstrap(frame.assign(b=frame["a"] * 2), "y", ["a", "b"])
    with pytest.raises(SampleError, match="province 3, year 2012, variable a"):
        wild_bootstrap(frame.assign(a=frame["a"].where(frame.index != (3, 2012))), "y", "a")
