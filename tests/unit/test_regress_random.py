"""What random effects, Hausman's and Mundlak's tests promise, and what they refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.regress import fixed_effects
from nqpf.regress.random import hausman, mundlak, random_effects


def sample(seed=0, units=9, years=6, drop=0, spread=3.0, link=0.0):
    """Unit effects of standard deviation `spread`, correlated with ``a`` through `link`."""
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(units), range(2010, 2010 + years)], names=["province", "year"]
    )
    frame = pd.DataFrame(rng.normal(size=(len(keys), 3)), keys, ["y", "a", "b"])
    effect = np.repeat(rng.normal(size=units), years)
    frame["a"] += link * effect
    frame["y"] += 0.5 * frame["a"] + spread * effect
    return frame.iloc[np.sort(rng.permutation(len(frame))[drop:])]


@given(st.integers(0, 10**6), st.integers(0, 12), st.booleans())
@settings(max_examples=6, deadline=None)
def test_coefficients_beside_unit_means_are_those_of_fixed_effects(seed, drop, time_effects):
    frame = sample(seed, drop=drop)
    fixed = fixed_effects(frame, "y", ["a", "b"], effects="two-way" if time_effects else "unit")
    test = mundlak(frame, "y", ["a", "b"], time_effects=time_effects)
    np.testing.assert_allclose(test.result.params[["a", "b"]], fixed.params, rtol=1e-7, atol=1e-9)


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
@settings(max_examples=4, deadline=None)
def test_units_of_measurement_do_not_matter(a, y):
    frame = sample(drop=7)
    fit = random_effects(frame, "y", ["a", "b"])
    scaled = random_effects(frame.assign(a=frame["a"] * a, y=frame["y"] * y), "y", ["a", "b"])
    np.testing.assert_allclose(scaled.tstats, fit.tstats, rtol=1e-7)
    np.testing.assert_allclose(scaled.theta, fit.theta, rtol=1e-7)
    np.testing.assert_allclose(scaled.variances, fit.variances * y**2, rtol=1e-7)


def test_a_long_panel_nears_fixed_effects():
    frame = sample(years=200, spread=50)
    fit = random_effects(frame, "y", ["a", "b"])
    fixed = fixed_effects(frame, "y", ["a", "b"], effects="unit")
    np.testing.assert_allclose(fit.params[["a", "b"]], fixed.params, rtol=1e-3, atol=1e-4)
    assert fit.rsquared_within == pytest.approx(fixed.rsquared_within, abs=1e-6)


def test_a_variance_that_is_not_positive_is_said():
    frame = sample(1, spread=0)
    fit = random_effects(frame, "y", ["a", "b"])
    assert fit.variances["unit"] == 0
    assert "set to zero" in fit.notes[0]
    pooled = fixed_effects(frame, "y", ["a", "b"], effects="pooled")
    np.testing.assert_allclose(fit.params, pooled.params, rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors, pooled.std_errors, rtol=1e-9)


def test_what_a_result_holds():
    frame = sample(drop=5).assign(coast=lambda f: f.index.get_level_values(0) % 2 * 1.0)
    fit = random_effects(frame, "y", ["a", "coast"], vintage="census5", time_effects=True)
    assert list(fit.params.index) == ["a", "coast", "const"]
    assert (fit.effects, fit.estimator, fit.vintage) == (
        "random + time",
        "random effects",
        "census5",
    )
    assert fit.df == 8
    assert fit.theta.index.tolist() == list(range(9))
    assert "baltagi-chang" in fit.notes[0]
    test = mundlak(frame, "y", ["a", "coast"])
    assert test.means == ("mean of a",)


def test_mundlak_finds_a_link_between_effects_and_regressors():
    assert mundlak(sample(link=1.0), "y", ["a", "b"]).pvalue < 0.001
    assert mundlak(sample(3), "y", ["a", "b"]).pvalue > 0.05
    assert "province" in mundlak(sample(), "y", "a").conclusion


def pair(frame, **options):
    options = {"errors": "unadjusted"} | options
    return (
        fixed_effects(frame, "y", ["a", "b"], effects="unit", **options),
        random_effects(frame, "y", ["a", "b"], **options),
    )


def test_a_difference_that_is_not_positive_definite_is_reported():
    frame = sample(47, spread=0.4)
    fixed = fixed_effects(frame, "y", "a", effects="unit", errors="unadjusted")
    test = hausman(fixed, random_effects(frame, "y", "a", errors="unadjusted"))
    assert test.statistic < 0
    assert not test.positive_definite
    assert test.eigenvalues[0] < 0
    assert np.isnan(test.pvalue)
    assert test.table["std_error"].isna().any()
    assert "not positive definite" in test.conclusion
    assert "(without p value)" in test.conclusion
    assert "Mundlak" in str(test)


def test_hausman_does_not_depend_on_units_of_measurement():
    frame = sample()
    once, again = (hausman(*pair(f)) for f in (frame, frame.assign(a=frame["a"] * 1e6)))
    assert again.statistic == pytest.approx(once.statistic, rel=1e-7)
    assert list(once.table.columns) == ["fixed", "random", "difference", "std_error"]


def test_pairs_that_hausman_refuses():
    frame = sample()
    fixed, random = pair(frame)
    with pytest.raises(MethodError, match="with clustered errors.*Use mundlak"):
        hausman(*pair(frame, errors="clustered"))
    with pytest.raises(MethodError, match="fixed effects first"):
        hausman(random, fixed)
    with pytest.raises(MethodError, match="year effects in both"):
        hausman(fixed, random_effects(frame, "y", "a", time_effects=True, errors="unadjusted"))
    with pytest.raises(MethodError, match="one convention"):
        hausman(fixed, pair(frame, convention="all")[1])
    with pytest.raises(SampleError, match="one sample"):
        hausman(fixed, pair(frame.iloc[1:])[1])


def test_requests_that_are_refused():
    frame = sample()
    with pytest.raises(MethodError, match="Did you mean 'harmonic'"):
        random_effects(frame, "y", "a", components="harmonics")
    with pytest.raises(EstimationError, match="variances of random effects cannot be estimated"):
        random_effects(frame.loc[[0, 1]], "y", ["a", "b"])
    with pytest.raises(EstimationError, match="'b' is constant"):
        random_effects(frame.assign(b=1.0), "y", ["a", "b"])
    with pytest.raises(EstimationError, match="outcome 'y' does not vary"):
        random_effects(frame.assign(y=1.0), "y", "a")
    with pytest.raises(EstimationError, match="within and between"):
        coast = frame.index.get_level_values(0) % 2 * 1.0
        mundlak(frame.assign(coast=coast), "y", "coast")
