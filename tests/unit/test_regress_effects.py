"""Fixed-effects regressions: invariances, results and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nqpf.errors import DataError, EstimationError, MethodError, NqpfError, SampleError
from nqpf.regress import CONVENTIONS, fixed_effects
from nqpf.sample import demean


def sample(seed=0, units=8, years=6, drop=0):
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(units), range(2010, 2010 + years)], names=["province", "year"]
    )
    frame = pd.DataFrame(rng.normal(size=(len(keys), 3)), keys, ["y", "a", "b"])
    frame["y"] += 0.5 * frame["a"] + np.repeat(rng.normal(size=units), years)
    kept = np.sort(rng.permutation(len(frame))[drop:])
    return frame.iloc[kept]


def fit(frame, **options):
    return fixed_effects(frame, "y", ["a", "b"], **options)


@given(st.integers(0, 10**6), st.integers(0, 8))
@settings(max_examples=25, deadline=None)
def test_row_order_and_key_place_do_not_matter(seed, drop):
    frame = sample(seed, drop=drop)
    mixed = frame.sample(frac=1, random_state=1).reset_index()
    before = mixed.copy()
    pd.testing.assert_frame_equal(fit(mixed).to_frame(), fit(frame).to_frame(), rtol=1e-10)
    pd.testing.assert_frame_equal(mixed, before)


@given(st.floats(1e-8, 1e8), st.floats(1e-8, 1e8), st.floats(-1e3, 1e3))
@settings(max_examples=25, deadline=None)
def test_scale_and_place_of_variables(a, y, shift):
    plain = fit(sample())
    scaled = fit(sample().assign(a=lambda f: f["a"] * a + shift * a, y=lambda f: f["y"] * y))
    np.testing.assert_allclose(scaled.params["a"] * a / y, plain.params["a"], rtol=1e-7)
    np.testing.assert_allclose(scaled.tstats, plain.tstats, rtol=1e-7)
    assert scaled.rsquared_within == pytest.approx(plain.rsquared_within, rel=1e-7)


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_unit_and_year_effects_are_removed_exactly(seed):
    frame = sample(seed, drop=5)
    rng = np.random.default_rng(seed)
    unit = frame.index.get_level_values("province").map(dict(enumerate(rng.normal(0, 9, 8))))
    year = frame.index.get_level_values("year").map(
        dict(zip(range(2010, 2016), rng.normal(0, 9, 6), strict=True))
    )
    moved = frame.assign(y=frame["y"] + unit + year, a=frame["a"] - unit)
    np.testing.assert_allclose(fit(moved).params, fit(frame).params, rtol=1e-8, atol=1e-10)


def test_an_exact_relation_is_recovered():
    frame = sample(2)
    frame["y"] = 3 * frame["a"] - 2 * frame["b"] + frame.index.get_level_values("year")
    result = fit(frame)
    np.testing.assert_allclose(result.params, [3, -2], rtol=1e-10)
    assert result.rsquared_within == pytest.approx(1)
    np.testing.assert_allclose(result.residuals, 0, atol=1e-10)


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
    with pytest.raises(MethodError, match="between 0 and 1"):
        result.conf_int(95)
    assert "std. error" not in result._repr_html_()


def test_conventions_differ_only_by_a_factor_and_say_so():
    results = {name: fit(sample(4), convention=name) for name in CONVENTIONS}
    for name, result in results.items():
        ratio = result.std_errors / results["none"].std_errors
        assert ratio.max() == pytest.approx(ratio.min())
        assert result.convention_label.startswith(f"{name}: ")
    assert results["none"].df is None
    order = [results[name].std_errors["a"] for name in ("none", "nested", "all")]
    assert order == sorted(order)


def test_a_pooled_regression_has_a_constant():
    frame = sample(5)
    assert list(fit(frame, effects="pooled").params.index) == ["a", "b", "const"]
    assert list(fixed_effects(frame, "y", "a", effects="unit").params.index) == ["a"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"effects": "twoway"}, "Did you mean 'two-way'"),
        ({"errors": "cluster"}, "Did you mean 'clustered'"),
        ({"convention": "nest"}, "Did you mean 'nested'"),
        ({"unit": "provinse"}, "Did you mean 'province'"),
    ],
)
def test_unknown_names_offer_the_nearest(options, said):
    with pytest.raises(NqpfError) as caught:
        fit(sample(), **options)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("regressors", "error", "said"),
    [
        (["a", "bb"], DataError, "unknown variable 'bb'"),
        ([], MethodError, "no regressors"),
        (["a", "a"], MethodError, "'a' is named more than once"),
        (["a", "y"], MethodError, "'y' is named more than once"),
    ],
)
def test_requests_that_are_refused(regressors, error, said):
    with pytest.raises(error) as caught:
        fixed_effects(sample(), "y", regressors)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (lambda f: 1e9, "regressor 'b' is constant"),
        (lambda f: f.index.get_level_values(0) ** 2 * 1e6, "'b' does not vary within any province"),
        (lambda f: np.sqrt(f.index.get_level_values(1)), "'b' is the same for every province"),
        (
            lambda f: f.index.get_level_values(0) * 0.1 + f.index.get_level_values(1) * 7,
            "absorbed by the province and year effects together",
        ),
        (lambda f: 1e6 * f["a"] + 3, "regressors 'a', 'b' are collinear"),
        (
            lambda f: f["a"] + f.index.get_level_values(0) - f.index.get_level_values(1),
            "regressors 'a', 'b' are collinear once the effects are removed",
        ),
    ],
)
@pytest.mark.parametrize("drop", [0, 6])
def test_regressors_without_a_variation_of_their_own_are_named(column, said, drop):
    frame = sample(6, drop=drop)
    frame["b"] = column(frame)
    with pytest.raises(EstimationError) as caught:
        fit(frame)
    assert said in str(caught.value)


def test_only_the_collinear_regressors_are_named():
    frame = sample(7)
    frame["c"] = np.random.default_rng(1).normal(size=len(frame))
    frame["d"] = frame["a"] - 2 * frame["c"]
    with pytest.raises(EstimationError, match="regressors 'a', 'c', 'd' are collinear"):
        fixed_effects(frame, "y", ["a", "b", "c", "d"])


def test_rounding_on_a_large_level_is_not_variation():
    frame = sample(8)
    unit, year = (frame.index.get_level_values(level).to_numpy() for level in (0, 1))
    frame["b"] = 1e9 + (unit * 0.1 + year * 0.7)
    with pytest.raises(EstimationError, match="absorbed by the province and year effects"):
        fit(frame)


def test_raw_money_beside_a_small_share():
    frame = sample(9)
    scaled = fit(frame.assign(a=frame["a"] * 1e12, b=frame["b"] * 1e-9))
    np.testing.assert_allclose(scaled.tstats, fit(frame).tstats, rtol=1e-9)


def test_small_variation_on_a_large_level_is_variation():
    frame = sample(8)
    np.testing.assert_allclose(
        fit(frame.assign(a=frame["a"] + 1e6)).params, fit(frame).params, rtol=1e-7
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_missing_values_are_named_not_dropped(value):
    frame = sample()
    frame.loc[(3, 2012), "b"] = value
    with pytest.raises(SampleError, match=r"province 3, year 2012, variable b"):
        fit(frame)


def test_samples_that_are_refused():
    frame = sample()
    with pytest.raises(SampleError, match=r"more than once \[province 0, year 2010\]"):
        fit(pd.concat([frame, frame.iloc[[0]]]))
    with pytest.raises(EstimationError, match="1 cluster is too few"):
        fit(frame.loc[[0]], effects="time")
    with pytest.raises(SampleError, match=r"single row.*\[province 0\]"):
        fit(frame.drop([(0, year) for year in range(2011, 2016)]))
    with pytest.raises(SampleError, match=r"single row.*\[year 2010\]"):
        fit(frame.drop([(unit, 2010) for unit in range(1, 8)]))
    with pytest.raises(EstimationError, match="no degree of freedom"):
        fit(frame.loc[[0, 1]].groupby(level=0).head(2))
    with pytest.raises(EstimationError, match="outcome 'y' does not vary"):
        fit(frame.assign(y=2.0))
    with pytest.raises(DataError, match="not numbers"):
        fit(frame.assign(a="high"))
    with pytest.raises(SampleError, match="no rows"):
        fit(frame.iloc[:0])
    with pytest.raises(DataError, match="'year' 2 times"):
        fit(frame.assign(year=2010))


@given(st.integers(0, 10**6), st.integers(0, 12))
@settings(max_examples=30, deadline=None)
def test_demeaning_is_a_projection(seed, drop):
    frame = sample(seed, drop=drop)
    unit, time = (pd.factorize(frame.index.get_level_values(level))[0] for level in (0, 1))
    once = demean(frame.to_numpy(), unit, time)
    np.testing.assert_allclose(demean(once, unit, time), once, atol=1e-10)
    for codes in (unit, time):
        sums = pd.DataFrame(once).groupby(codes).sum()
        np.testing.assert_allclose(sums, 0, atol=1e-10)
