"""Resampled panels from moments of units, against panels resampled by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_kernel import EFFECTS, NAMES, sample

from nqpf.errors import MethodError
from nqpf.regress import fixed_effects, resampling
from nqpf.regress.kernel import KERNEL_ERRORS, cross_products
from nqpf.regress.resampling import unit_moments


def resampled(frame, drawn):
    """Rows of every drawn unit, each copy a unit of its own."""
    units = frame.index.get_level_values(0).unique()
    copies = [
        frame.loc[[unit]].rename(index={unit: f"{unit}, copy {i}"}, level=0)
        for unit, count in zip(units, drawn, strict=True)
        for i in range(count)
    ]
    return pd.concat(copies)


def draws(seed, units, count=4):
    rng = np.random.default_rng(seed)
    return np.array(
        [np.bincount(rng.integers(0, units, units), minlength=units) for _ in range(count)]
    )


def by_hand(frame, effects):
    """Cross-products of residuals on explicit dummies."""
    columns = [np.ones((len(frame), 1))]
    for level, present in ((0, ("two-way", "unit")), (1, ("two-way", "time"))):
        if effects in present:
            codes = frame.index.get_level_values(level)
            columns.append(pd.get_dummies(codes).to_numpy(float))
    x, z = np.hstack(columns), frame.to_numpy()
    left = z - x @ np.linalg.lstsq(x, z, rcond=None)[0]
    return left.T @ left


@pytest.mark.parametrize("effects", EFFECTS)
def test_totals_equal_those_of_panels_resampled_by_hand(effects, monkeypatch):
    monkeypatch.setattr(resampling, "_BLOCK", 300)  # several blocks of draws
    frame = sample(1, units=9, years=5, drop=10)
    drawn = draws(0, 9, 6)
    found = unit_moments(frame, NAMES, effects=effects).totals(drawn)
    for total, row in zip(found, drawn, strict=True):
        np.testing.assert_allclose(total, by_hand(resampled(frame, row), effects), atol=1e-12)


@given(st.integers(0, 10**6), st.sampled_from(EFFECTS))
@settings(max_examples=25, deadline=None)
def test_a_draw_has_the_totals_and_each_unit_once_is_the_sample(seed, effects):
    frame = sample(seed, drop=8)
    moments = unit_moments(frame, NAMES, effects=effects)
    row = draws(seed, 8, 1)[0]
    np.testing.assert_allclose(moments.totals(row)[0], moments.draw(row).total, atol=1e-11)
    once, whole = moments.draw(np.ones(8)), cross_products(frame, NAMES, effects=effects)
    np.testing.assert_array_equal(once.by_unit, whole.by_unit)
    np.testing.assert_array_equal(once.by_period, whole.by_period)


@pytest.mark.parametrize("effects", EFFECTS)
def test_a_draw_gives_the_estimates_of_the_resampled_panel(effects):
    frame = sample(2, units=10, drop=6)
    moments = unit_moments(frame, NAMES, effects=effects)
    row = draws(3, 10, 1)[0]
    physical = resampled(frame, row)
    draw = moments.draw(row)
    wanted = fixed_effects(physical, "y", ["a", "b"], effects=effects)
    found = draw.fit("y", ["a", "b"])
    np.testing.assert_allclose(found.params[0], wanted.params[["a", "b"]], rtol=1e-10)
    np.testing.assert_allclose(found.std_errors[0], wanted.std_errors[["a", "b"]], rtol=1e-10)
    assert (found.nobs, found.groups, found.df) == (wanted.nobs, wanted.groups, wanted.df)
    for errors in KERNEL_ERRORS[1:]:
        found = draw.fit("y", ["a", "b"], errors)
        wanted = cross_products(physical, NAMES, effects=effects).fit("y", ["a", "b"], errors)
        np.testing.assert_allclose(found.std_errors, wanted.std_errors, rtol=1e-10)


def test_a_draw_without_variation_is_zero_not_rounding():
    frame = sample(4, units=6, drop=0)
    frame["c"] = np.where(frame.index.get_level_values(0) == 5, frame["c"], 7.0)
    moments = unit_moments(frame, NAMES)
    without = np.array([2, 1, 1, 1, 1, 0])
    for total in (moments.totals(without)[0], moments.draw(without).total):
        assert (total[3] == 0).all() and (total[:, 3] == 0).all() and (np.diag(total)[:3] > 0).all()
    assert moments.draw(without).absorbed == ("c",)
    assert (moments.totals([0, 0, 4, 0, 0, 0]) == 0).all()  # one province: years take everything
    assert (moments.totals(np.zeros(6)) == 0).all()


def test_a_variable_without_variation_in_the_sample_has_none_in_any_draw():
    frame = sample(6)
    unit, year = (frame.index.get_level_values(i).to_numpy(float) for i in (0, 1))
    frame["c"] = 1e6 * np.sqrt(unit + 1) + np.sqrt(year)
    totals = unit_moments(frame, NAMES).totals(draws(1, 8, 50))
    assert (totals[:, 3] == 0).all() and (totals[:, :, 3] == 0).all()


def test_years_that_nobody_drawn_has_are_left_out():
    frame = sample(5, units=6, drop=0).drop([(u, 2015) for u in range(4)])
    moments = unit_moments(frame, NAMES)
    drawn = np.array([2, 2, 1, 1, 0, 0])
    assert moments.draw(drawn).periods == 5
    np.testing.assert_allclose(
        moments.totals(drawn)[0], by_hand(resampled(frame, drawn), "two-way"), atol=1e-12
    )


@pytest.mark.parametrize("drawn", [[[1, 1]], [-1] * 8, [0.5] * 8, [np.nan] * 8])
def test_draws_that_are_refused(drawn):
    moments = unit_moments(sample(), NAMES)
    with pytest.raises(MethodError, match="one for each of 8 units"):
        moments.totals(drawn)


def test_one_draw_at_a_time():
    moments = unit_moments(sample(), NAMES)
    for drawn in (np.zeros(8), np.ones((2, 8))):
        with pytest.raises(MethodError, match="not one draw"):
            moments.draw(drawn)
