"""The wild bootstrap and exchanged histories: what they promise and what they refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_kernel import sample

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.regress import fixed_effects, permutation_placebo, wild_bootstrap


def wild(frame, variable=None, **options):
    return wild_bootstrap(frame, "y", ["a", "b"], variable, **options)


def test_the_same_seed_gives_the_same_answer_and_inputs_stay():
    frame = sample(units=20)
    before = frame.copy()
    one, two, other = (wild(frame, draws=199, seed=seed) for seed in (3, 3, 4))
    assert (one.pvalue, one.lower, one.upper) == (two.pvalue, two.lower, two.upper)
    np.testing.assert_array_equal(one.tstats, two.tstats)
    assert not np.array_equal(other.tstats, one.tstats)
    pd.testing.assert_frame_equal(frame, before)


@given(st.integers(0, 10**6), st.floats(1e-4, 1e4), st.floats(1e-4, 1e4))
@settings(max_examples=5, deadline=None)
def test_scale_and_row_order_do_not_matter(seed, a, y):
    frame = sample(seed, units=20, drop=9)
    test = wild(frame, draws=99)
    moved = frame.assign(a=frame["a"] * a + 1, y=frame["y"] * y).sample(frac=1, random_state=0)
    again = wild_bootstrap(moved, "y", ["b", "a"], "a", draws=99)
    assert again.pvalue == test.pvalue
    np.testing.assert_allclose(again.tstats, test.tstats, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(
        [again.lower * a / y, again.upper * a / y], [test.lower, test.upper], rtol=1e-6, atol=1e-8
    )


def test_the_interval_and_the_p_value_agree():
    frame = sample(1, units=20)
    test = wild(frame, draws=999)
    assert test.lower < test.coefficient < test.upper
    for edge in (test.lower, test.upper):
        step = 1e-6 * (test.coefficient - edge)
        assert wild(frame, null=edge + step, draws=999).pvalue >= 0.05
        assert wild(frame, null=edge - step, draws=999).pvalue < 0.05
    narrow = wild(frame, draws=999, level=0.8)
    assert test.lower < narrow.lower < narrow.upper < test.upper


def test_the_convention_scales_t_and_not_p():
    frame = sample(2, units=20)
    none, every = (wild(frame, draws=199, convention=c) for c in ("none", "all"))
    assert none.pvalue == every.pvalue
    np.testing.assert_allclose(none.tstats / every.tstats, none.tstat / every.tstat, rtol=1e-10)


def test_few_clusters_are_enumerated_and_the_seed_plays_no_part():
    frame = sample(units=6)
    one, two = (wild(frame, seed=seed) for seed in (0, 1))
    assert one.draws == 32 and one.pvalue == two.pvalue >= 1 / 32
    assert wild(frame, weights="webb", draws=99).draws == 99
    endless = wild_bootstrap(sample(units=5), "y", "a")  # no p value is below 1/16
    assert (endless.lower, endless.upper) == (-np.inf, np.inf)


def test_the_tested_variable_is_the_first_unless_named():
    frame = sample(units=20)
    assert wild_bootstrap(frame, "y", ["b", "a"], draws=99).variable == "b"
    test = wild_bootstrap(frame, "y", ["b", "a"], "a", draws=99)
    assert test.variable == "a"
    assert test.result.covariance_label == "clustered by province"


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


def test_a_permutation_tells_effect_from_none():
    frame = sample(units=31, drop=0)
    assert permutation_placebo(frame, "y", ["a", "b"], draws=199).pvalue == 1 / 200
    test, again = (
        permutation_placebo(frame, "y", ["a", "b"], "b", draws=199, seed=s) for s in (0, 1)
    )
    assert test.pvalue > 0.05
    assert not np.array_equal(again.tstats, test.tstats)


@pytest.mark.parametrize("function", [wild_bootstrap, permutation_placebo])
@pytest.mark.parametrize(
    ("change", "options", "error", "said"),
    [
        ({}, {"variable": "A"}, MethodError, "unknown variable 'A'"),
        *(({}, {"draws": draws}, MethodError, "not below 99") for draws in (98, 99.5, True)),
        ({"b": lambda f: f["a"] * 2}, {}, EstimationError, "collinear"),
        (
            {"a": lambda f: f["a"].where(f.index != (3, 2012))},
            {},
            SampleError,
            "province 3, year 2012, variable a",
        ),
    ],
)
def test_what_both_refuse(function, change, options, error, said):
    with pytest.raises(error, match=said):
        function(sample(drop=0).assign(**change), "y", ["a", "b"], **options)


def test_what_one_refuses():
    with pytest.raises(MethodError, match="Did you mean 'webb'"):
        wild(sample(), weights="web")
    with pytest.raises(MethodError, match="between 0 and 1"):
        wild(sample(), level=95)
    with pytest.raises(SampleError, match="a row is missing .province 3, year 2012.*balanced"):
        permutation_placebo(sample(drop=0).drop((3, 2012)), "y", "a")
