"""What first differences promise, and what they refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.regress import fixed_effects
from nqpf.regress.ols import first_differences, shift


def sample(seed=0, units=8, years=6, drop=0):
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(units), range(2010, 2010 + years)], names=["province", "year"]
    )
    frame = pd.DataFrame(rng.normal(size=(len(keys), 3)), keys, ["y", "a", "b"])
    frame["y"] += 0.5 * frame["a"]
    return frame.iloc[np.sort(rng.permutation(len(frame))[drop:])]


@given(st.integers(0, 10**6))
@settings(max_examples=5, deadline=None)
def test_two_years_give_the_two_way_fixed_effects(seed):
    frame = sample(seed, years=2)
    fixed = fixed_effects(frame, "y", ["a", "b"])
    fit = first_differences(frame, "y", ["a", "b"])
    np.testing.assert_allclose(fit.params, fixed.params, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(fit.residuals, 2 * fixed.residuals.iloc[1::2], atol=1e-9)


@given(st.integers(0, 10**6), st.integers(0, 15))
@settings(max_examples=5, deadline=None)
def test_unit_effects_and_row_order_do_not_matter(seed, drop):
    frame = sample(seed, drop=drop)
    before = frame.copy()
    moved = frame.assign(y=frame["y"] + frame.index.get_level_values(0) * 100.0)
    fit = first_differences(frame, "y", ["a", "b"], trend="constant")
    again = first_differences(
        moved.sample(frac=1, random_state=0), "y", ["a", "b"], trend="constant"
    )
    np.testing.assert_allclose(again.params, fit.params, rtol=1e-8, atol=1e-10)
    pd.testing.assert_frame_equal(frame, before)


def test_nothing_is_differenced_across_a_gap():
    frame = sample()
    holed = frame.drop([(0, 2012), (3, 2013), (3, 2014)])
    fit = first_differences(holed, "y", "a")
    assert fit.nobs == 48 - 8 - 2 - 3  # two differences each touch a lone gap, three a double one
    assert "8 first rows of a province and 2 after a gap" in fit.notes[0]
    assert (0, 2013) not in fit.residuals.index
    # a year that no unit has is a gap too
    holed = frame.drop(2012, level="year")
    assert 2013 not in first_differences(holed, "y", "a").residuals.index.get_level_values("year")


def test_an_exact_relation_is_recovered():
    frame = sample(2)
    frame["y"] = 3 * frame["a"] - 2 * frame["b"] + 5 * frame.index.get_level_values("year")
    fit = first_differences(frame, "y", ["a", "b"], trend="constant")
    np.testing.assert_allclose(fit.params, [3, -2, 5], rtol=1e-9)
    fit = first_differences(frame, "y", ["a", "b"], trend="time", vintage="census5")
    np.testing.assert_allclose(fit.params, [3, -2], rtol=1e-9)
    assert (fit.effects, fit.estimator, fit.vintage) == (
        "differenced + time",
        "first differences",
        "census5",
    )


def test_what_is_refused():
    frame = sample()
    with pytest.raises(MethodError, match="unknown trend 'year'"):
        first_differences(frame, "y", "a", trend="year")
    with pytest.raises(SampleError, match="no province has rows of two adjacent years"):
        first_differences(frame[frame.index.get_level_values("year") % 2 == 0], "y", "a")
    with pytest.raises(SampleError, match="not whole years"):
        shift(pd.DataFrame({"x": [1.0]}, pd.MultiIndex.from_tuples([(1, "a")])), 1)
    with pytest.raises(EstimationError, match="'b' is constant"):
        first_differences(frame.assign(b=1.0), "y", ["a", "b"])
    with pytest.raises(EstimationError, match="no degree of freedom"):
        first_differences(frame.loc[[0]].iloc[:3], "y", ["a", "b"], trend="none", errors="robust")


def test_leads_look_ahead():
    frame = sample(drop=6).sort_index()
    back, ahead = shift(frame, 2), shift(frame, -2)
    assert back.index.equals(frame.index)
    for key, row in ahead.dropna().iterrows():
        pd.testing.assert_series_equal(row, frame.loc[(key[0], key[1] + 2)], check_names=False)
    assert len(back.dropna()) == len(ahead.dropna())
