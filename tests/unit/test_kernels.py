"""What kernel densities promise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nqpf.dynamics import RULES, bandwidth, kernel_density
from nqpf.errors import EstimationError, MethodError, SampleError


def some_scores(seed: int = 1, units: int = 30, years=(2020, 2021, 2022)) -> pd.Series:
    keys = pd.MultiIndex.from_product([range(units), years], names=["province", "year"])
    rng = np.random.default_rng(seed)
    return pd.Series(rng.gamma(2.0, size=len(keys)), index=keys, name="score")


def test_a_curve_is_the_mean_of_normal_curves():
    scores = some_scores()
    curves = kernel_density(scores, points=64)
    grid = curves.density.index.to_numpy()
    for year, h in curves.bandwidths.items():
        values = scores.xs(year, level="year").to_numpy()
        z = (grid[:, None] - values) / h
        by_hand = np.exp(-(z**2) / 2).sum(axis=1) / (len(values) * h * np.sqrt(2 * np.pi))
        np.testing.assert_allclose(curves.density[year], by_hand, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_a_year_has_the_bandwidth_of_its_own_values(rule):
    scores = some_scores()
    curves = kernel_density(scores, rule)
    assert curves.rule == rule and curves.name == "score"
    for year in (2020, 2021, 2022):
        assert curves.bandwidths[year] == bandwidth(scores.xs(year, level="year"), rule)
        area = np.trapezoid(curves.density[year], curves.density.index)
        assert area == pytest.approx(1, abs=2e-3)
    assert curves.density.index.is_monotonic_increasing and len(curves.density) == 256


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(0, 1000), min_size=5, max_size=40, unique=True),
    st.floats(1e-4, 1e4),
    st.floats(-100, 100),
)
def test_bandwidths_follow_the_unit_and_not_the_origin(values, factor, shift):
    x = np.array(values, dtype=float)
    for rule in RULES:
        try:
            h = bandwidth(x, rule)
        except EstimationError:
            assert rule == "sheather-jones"
            continue
        assert bandwidth(factor * (x + shift), rule) == pytest.approx(factor * h, rel=1e-7)


@pytest.mark.parametrize("factor", [1e-200, 1e200])
def test_very_small_and_very_large_values_keep_their_digits(factor):
    scores = some_scores()
    for rule in RULES:
        one, other = kernel_density(scores, rule), kernel_density(factor * scores, rule)
        np.testing.assert_allclose(other.bandwidths, factor * one.bandwidths, rtol=1e-9)
        np.testing.assert_allclose(factor * other.density, one.density, rtol=1e-6, atol=1e-9)


def test_two_camps_are_two_peaks_and_a_wide_bandwidth_hides_them():
    keys = pd.MultiIndex.from_product([range(20), [2020, 2021]], names=["province", "year"])
    noise = np.random.default_rng(2).normal(scale=0.3, size=(20, 2))
    centre = np.column_stack([np.zeros(20), np.repeat([0.0, 4.0], 10)])
    scores = pd.Series((centre + noise).ravel(), index=keys)
    narrow, wide = (kernel_density(scores, h).to_frame() for h in (0.3, 3.0))
    assert narrow["peaks"].tolist() == [1, 2]
    assert wide["peaks"].tolist() == [1, 1]
    assert narrow.loc[2020, "peak"] == pytest.approx(scores.xs(2020, level=1).mean(), abs=0.2)
    assert (wide["width"] > narrow["width"]).all()


def test_peaks_tell_what_a_normal_curve_is():
    keys = pd.MultiIndex.from_product([[1, 2], [2020]], names=["province", "year"])
    table = kernel_density(pd.Series([4.999, 5.001], keys), 1.0, points=2001).to_frame()
    assert table.loc[2020, "peak"] == pytest.approx(5, abs=0.01)
    assert table.loc[2020, "height"] == pytest.approx(1 / np.sqrt(2 * np.pi), rel=1e-4)
    assert table.loc[2020, "width"] == pytest.approx(2 * np.sqrt(2 * np.log(2)), abs=0.01)


def test_a_peak_says_how_many_units_make_it_up():
    keys = pd.MultiIndex.from_product([range(10), [2020]], names=["province", "year"])
    y = pd.Series([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 5.0, 5.1, 5.2, 20.0], index=keys)
    curves = kernel_density(y, 0.4, points=1024)
    peaks = curves.peaks(2020)
    np.testing.assert_allclose(peaks["mass"], [0.6, 0.3, 0.1], atol=1e-3)
    np.testing.assert_allclose(peaks["position"], [0.25, 5.1, 20], atol=0.05)
    assert curves.to_frame().loc[2020, ["peaks", "alone"]].tolist() == [3, 1]


def test_a_ripple_is_no_peak():
    keys = pd.MultiIndex.from_product([range(2001), [2020]], names=["unit", "year"])
    y = pd.Series([*np.linspace(-0.1, 0.1, 2000), 9.0], index=keys)
    assert len(kernel_density(y, 0.4).peaks(2020)) == 1
    assert len(kernel_density(y.iloc[-200:], 0.4).peaks(2020)) == 2


def test_bandwidths_may_be_given_by_year():
    curves = kernel_density(some_scores(), {2020: 0.5, 2021: 0.6, 2022: 0.7})
    assert curves.bandwidths.tolist() == [0.5, 0.6, 0.7] and curves.rule == "fixed"
    assert curves.units.tolist() == [30, 30, 30]


def test_inputs_are_left_as_they_are_and_order_does_not_matter():
    scores = some_scores()
    before = scores.copy()
    shuffled = kernel_density(scores.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(shuffled.density, kernel_density(scores).density)
    pd.testing.assert_series_equal(scores, before)


def flat(year: int) -> pd.Series:
    scores = some_scores()
    scores[scores.index.get_level_values("year") == year] = 0.7
    return scores


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: kernel_density(flat(2021)), EstimationError, r"same value \[year 2021\]"),
        (lambda: kernel_density(some_scores().iloc[:4]), SampleError, r"1 unit .*\[year 2021\]"),
        (lambda: kernel_density(some_scores(), "epanechnikov"), MethodError, "'epanechnikov'"),
        (lambda: kernel_density(some_scores(), 0.0), MethodError, "bandwidth 0.0"),
        (lambda: kernel_density(some_scores(), True), MethodError, "bandwidth True"),
        (lambda: kernel_density(some_scores(), {2020: 1.0}), MethodError, "no bandwidth .*2021"),
        (lambda: kernel_density(some_scores(), points=3), MethodError, "a grid of 3 points"),
        (lambda: kernel_density(some_scores().xs(2020, level="year")), SampleError, "1 level"),
        (lambda: kernel_density(some_scores().where(lambda y: y < 3)), SampleError, "missing"),
        (lambda: kernel_density(some_scores()).peaks(1999), SampleError, "a year of 2020 to 2022"),
        (lambda: bandwidth([1.0]), SampleError, r"shape \(1,\)"),
        (lambda: bandwidth([1.0, 1.0]), EstimationError, "all values are equal"),
        (lambda: bandwidth([1.0, np.nan]), SampleError, r"\[unit 1"),
        (lambda: bandwidth([1.0, 2.0], "ucv"), MethodError, "unknown rule 'ucv'"),
        (lambda: bandwidth([0.0] * 30 + [1.0], "sheather-jones"), EstimationError, "silverman"),
    ],
    ids=lambda part: part[:24] if isinstance(part, str) else "",
)  # fmt: skip
def test_bad_input_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()
