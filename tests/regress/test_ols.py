"""Fixed effects, differences and random effects: what they promise."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import normals
from made_up_panels import small_panel as sample

from nqpf.errors import EstimationError
from nqpf.regress import fixed_effects
from nqpf.regress.ols import random_effects

ERRORS = ("clustered", "robust", "unadjusted", "two-way clustered", "driscoll-kraay")


def fit(frame, **options):
    return fixed_effects(frame, "y", ["a", "b"], **options)


@pytest.mark.parametrize("effects", ["two-way", "differenced"])
@pytest.mark.parametrize("errors", ERRORS)
def test_row_order_key_place_effects_and_units_do_not_matter(errors, effects):
    frame, options = sample(3), {"effects": effects, "errors": errors, "convention": "all"}
    plain = fit(frame, **options)
    mixed = frame.sample(frac=1, random_state=1).reset_index()
    before = mixed.copy()
    pd.testing.assert_frame_equal(fit(mixed, **options).to_frame(), plain.to_frame(), rtol=1e-8)
    pd.testing.assert_frame_equal(mixed, before)
    unit, year = (frame.index.get_level_values(i) for i in (0, 1))
    own = 9.0 * unit**2 + np.cos(year)
    moved = fit(frame.assign(y=frame["y"] + own, a=frame["a"] - unit), **options)
    pd.testing.assert_frame_equal(moved.to_frame(), plain.to_frame(), rtol=1e-7, atol=1e-9)
    scaled = fit(frame.assign(a=frame["a"] * 1e9 + 5, y=frame["y"] * 1e-4), **options)
    np.testing.assert_allclose(scaled.tstats, plain.tstats, rtol=1e-6)
    assert scaled.rsquared_within == pytest.approx(plain.rsquared_within, rel=1e-7)
    assert scaled.df == plain.df


def test_what_a_result_holds():
    frame = sample(3, drop=4)
    result = fit(frame, vintage="census5")
    assert (result.nobs, result.groups, result.periods, result.df) == (44, 8, 6, 7)
    assert result.residuals.index.equals(frame.index)
    assert result.vintage == "census5"
    table = result.to_frame(level=0.9)
    assert list(table) == ["coefficient", "std_error", "t", "pvalue", "lower", "upper"]
    np.testing.assert_allclose(table["lower"] + table["upper"], 2 * table["coefficient"])
    # an interval at level 1 - p reaches exactly to zero
    edge = result.conf_int(1 - result.pvalues["a"]).loc["a"]
    assert min(abs(edge)) == pytest.approx(0, abs=1e-10)
    assert "R2 within" in result._repr_html_()
    assert list(fit(frame, effects="pooled").params.index) == ["a", "b", "const"]


@pytest.mark.parametrize(
    ("errors", "convention", "df", "label"),
    [
        ("clustered", "nested", 30, "clustered by province"),
        ("two-way clustered", "nested", 10, "two-way clustered by province and year"),
        ("two-way clustered", "all", 10, "two-way clustered by province and year"),
        ("driscoll-kraay", "nested", 10, "Driscoll-Kraay, Bartlett kernel, 2 lags"),
        ("robust", "nested", 341 - 43, "robust"),
        ("two-way clustered", "none", None, "two-way clustered by province and year"),
    ],
)
def test_degrees_of_freedom_and_labels(errors, convention, df, label):
    result = fit(sample(units=31, years=11, drop=0), errors=errors, convention=convention)
    assert (result.df, result.covariance_label) == (df, label)
    assert result.convention_label.startswith(f"{convention}: ")


def test_a_covariance_that_is_not_semi_definite_is_repaired_and_says_so():
    frame, plain, lost = (
        normals(seed, "yab", *size)[0] for seed, *size in ((3, 5, 5), (0, 8, 6), (4, 4, 4))
    )
    two_way = {"errors": "two-way clustered"}
    result = fit(frame, **two_way)
    assert "1 negative eigenvalue was set to zero" in result.notes[0]
    values = np.linalg.eigvalsh(result.cov / np.outer(result.std_errors, result.std_errors))
    assert values[0] == pytest.approx(0, abs=1e-12)
    scaled = fit(frame.assign(a=frame["a"] * 1e6), **two_way)
    np.testing.assert_allclose(scaled.tstats, result.tstats, rtol=1e-8)
    assert not fit(plain, **two_way).notes
    with pytest.raises(EstimationError, match="two-way clustered variance of 'a' is not positive"):
        fixed_effects(lost, "y", "a", **two_way)


def test_wald_tests_of_one_and_of_equal_coefficients():
    frame = sample(units=12)
    result = fit(frame)
    test = result.wald(["a"])
    assert test.distribution == "F(1, 11)"
    assert test.statistic == pytest.approx(result.tstats["a"] ** 2)
    assert test.pvalue == pytest.approx(result.pvalues["a"])
    assert fit(frame, convention="none").wald(["a", "b"]).distribution == "chi2(2)"
    # that two groups have one slope is the t of the interaction
    second = (frame.index.get_level_values(0) >= 6) * frame["a"]
    wide = frame.assign(second=second, first=frame["a"] - second)
    both = fixed_effects(wide, "y", ["first", "second", "b"]).wald(["first", "second"], equal=True)
    alone = fixed_effects(wide, "y", ["a", "second", "b"])
    assert both.statistic == pytest.approx(alone.tstats["second"] ** 2)
    assert both.pvalue == pytest.approx(alone.pvalues["second"])
    few = sample(0, 3, 12, 0)
    with pytest.raises(EstimationError, match="more clusters than restrictions"):
        fixed_effects(few, "y", ["a", "b", "c"]).wald(["a", "b", "c"])


def test_nothing_is_differenced_across_a_gap():
    frame = sample(drop=0)
    holed = frame.drop([(0, 2012), (3, 2013), (3, 2014)])
    result = fit(holed, effects="differenced")
    assert result.nobs == 48 - 8 - 2 - 3  # a lone gap touches two differences, a double one three
    assert "8 first rows of a province and 2 after a gap" in result.notes[0]
    assert (0, 2013) not in result.residuals.index
    # a year that no unit has is a gap too
    result = fit(frame.drop(2012, level="year"), effects="differenced")
    assert 2013 not in result.residuals.index.get_level_values("year")
    assert (result.effects, result.estimator) == ("differenced + time", "first differences")


def test_random_effects_of_provinces_without_effects_are_pooled():
    frame, _ = normals(1, "yab", 9, 6)
    none, pooled = random_effects(frame, "y", ["a", "b"]), fit(frame, effects="pooled")
    assert "set to zero" in none.notes[0]
    np.testing.assert_allclose(none.params, pooled.params, rtol=1e-9)
    np.testing.assert_allclose(none.std_errors, pooled.std_errors, rtol=1e-9)


def test_what_random_effects_hold():
    frame = sample()
    result = random_effects(frame, "y", ["a", "b"], vintage="census5")
    assert (result.effects, result.estimator, result.df) == ("random", "random effects", 7)
    assert "baltagi-chang" in result.notes[0]
    scaled = random_effects(frame.assign(a=frame["a"] * 1e6, y=frame["y"] * 1e3), "y", ["a", "b"])
    np.testing.assert_allclose(scaled.tstats, result.tstats, rtol=1e-7)
