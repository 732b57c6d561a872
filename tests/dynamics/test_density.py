"""What kernel densities promise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nqpf.dynamics import kernel_density
from nqpf.errors import EstimationError, MethodError, SampleError

RULES = ["silverman", "scott", "sheather-jones"]


def one_year(values) -> pd.Series:
    keys = pd.MultiIndex.from_product([range(len(values)), [2020]], names=["province", "year"])
    return pd.Series(values, keys, dtype=float)


def some_scores(flat: int = 0) -> pd.Series:
    keys = pd.MultiIndex.from_product([range(30), [2020, 2021]], names=["province", "year"])
    scores = pd.Series(np.random.default_rng(1).gamma(2.0, size=60), index=keys, name="score")
    return scores.mask(keys.get_level_values("year") == flat, 0.7)


@pytest.mark.parametrize("rule", RULES)
def test_a_curve_is_the_mean_of_normal_curves_of_its_own_year(rule):
    scores = some_scores()
    curves = kernel_density(scores.sample(frac=1, random_state=1), rule)
    assert curves.rule == rule and curves.name == "score" and curves.units.tolist() == [30, 30]
    grid = curves.density.index.to_numpy()
    for year, h in curves.bandwidths.items():
        own = scores.xs(year, level="year", drop_level=False)
        assert h == pytest.approx(kernel_density(own, rule).bandwidths[year], rel=1e-12)
        z = (grid[:, None] - own.to_numpy()) / h
        by_hand = np.exp(-(z**2) / 2).sum(axis=1) / (len(own) * h * np.sqrt(2 * np.pi))
        np.testing.assert_allclose(curves.density[year], by_hand, rtol=1e-9, atol=1e-12)
        assert np.trapezoid(curves.density[year], grid) == pytest.approx(1, abs=2e-3)
    pd.testing.assert_series_equal(scores, some_scores())


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
            one = kernel_density(one_year(x), rule)
        except EstimationError:
            assert rule == "sheather-jones"
            continue
        other = kernel_density(one_year(factor * (x + shift)), rule)
        assert other.bandwidths[2020] == pytest.approx(factor * one.bandwidths[2020], rel=1e-7)


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
    narrow, wide = (kernel_density(scores, h).to_frame() for h in (0.3, {2020: 3.0, 2021: 3.5}))
    assert narrow["peaks"].tolist() == [1, 2]
    assert wide["peaks"].tolist() == [1, 1] and wide["bandwidth"].tolist() == [3.0, 3.5]
    assert narrow.loc[2020, "peak"] == pytest.approx(scores.xs(2020, level=1).mean(), abs=0.2)
    assert (wide["width"] > narrow["width"]).all()


def test_peaks_tell_what_a_normal_curve_is():
    table = kernel_density(one_year([4.999, 5.001]), 1.0).to_frame()
    assert table.loc[2020, "peak"] == pytest.approx(5, abs=0.02)
    assert table.loc[2020, "height"] == pytest.approx(1 / np.sqrt(2 * np.pi), rel=1e-4)
    assert table.loc[2020, "width"] == pytest.approx(2 * np.sqrt(2 * np.log(2)), abs=0.03)


def test_a_peak_says_how_many_units_make_it_up_and_a_ripple_is_none():
    curves = kernel_density(one_year([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 5.0, 5.1, 5.2, 20.0]), 0.4)
    peaks = curves.peaks(2020)
    np.testing.assert_allclose(peaks["mass"], [0.6, 0.3, 0.1], atol=1e-3)
    np.testing.assert_allclose(peaks["position"], [0.25, 5.1, 20], atol=0.05)
    assert curves.to_frame().loc[2020, ["peaks", "alone"]].tolist() == [3, 1]
    lone = [*np.linspace(-0.1, 0.1, 2000), 9.0]
    assert len(kernel_density(one_year(lone), 0.4).peaks(2020)) == 1
    assert len(kernel_density(one_year(lone[-200:]), 0.4).peaks(2020)) == 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: kernel_density(some_scores(2021)), EstimationError, r"same value \[year 2021\]"),
        (lambda: kernel_density(some_scores().iloc[:3]), SampleError, r"1 unit .*\[year 2021\]"),
        (lambda: kernel_density(some_scores(), "epanechnikov"), MethodError, "'epanechnikov'"),
        (lambda: kernel_density(some_scores(), 0.0), MethodError, "bandwidth of 2020 is 0.0"),
        (lambda: kernel_density(some_scores(), True), MethodError, "bandwidth of 2020 is True"),
        (lambda: kernel_density(some_scores(), {2020: 1.0}), MethodError, "no bandwidth .*2021"),
        (lambda: kernel_density(some_scores().xs(2020, level="year")), SampleError, "1 level"),
        (lambda: kernel_density(some_scores().where(lambda y: y < 3)), SampleError, "missing"),
        (lambda: kernel_density(some_scores()).peaks(1999), MethodError, "one of 2020, 2021"),
        (lambda: kernel_density(one_year([0.0] * 30 + [1.0]), "sheather-jones"), EstimationError,
         r"\[year 2020\].*silverman"),
    ],
    ids=lambda part: part[:24] if isinstance(part, str) else "",
)  # fmt: skip
def test_bad_input_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()
