"""The specification curve: what it promises about draws, statistics and bad input."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.multiverse import curve_summary
from nqpf.multiverse.inference import _curve_inference, _draws, _statistics
from nqpf.multiverse.redraw import _Specification
from nqpf.regress import fixed_effects


def panel(seed=0, effect=0.0, units=20, years=6):
    """Three noisy versions of one variable, two controls, errors correlated within units."""
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(units), range(2010, 2010 + years)], names=["province", "year"]
    )
    drawn = rng.normal(size=(units, years, 7)).cumsum(axis=1).reshape(-1, 7)
    frame = pd.DataFrame(drawn, keys, ["x", "x1", "x2", "x3", "c1", "c2", "y"])
    frame[["x1", "x2", "x3"]] = frame[["x"]].to_numpy() + 0.5 * frame[["x1", "x2", "x3"]]
    return frame.assign(y=frame["y"] + effect * frame["x"])


def grid():
    rows = [
        ("y", focal, controls, effects)
        for focal in ("x1", "x2", "x3")
        for controls in ((), ("c1",), ("c1", "c2"))
        for effects in ("two-way", "unit")
    ]
    return [_Specification(*row) for row in rows]


@pytest.fixture(scope="module")
def found():
    return _curve_inference(panel(effect=0.6), grid(), resamples=99, seed=3)


def test_estimates_are_those_of_fixed_effects(found):
    for row in (2, 5, 17):
        spec, own = grid()[row], found.estimates.iloc[row]
        fit = fixed_effects(
            panel(effect=0.6), "y", [spec.focal, *spec.controls], effects=spec.effects
        )
        table = fit.to_frame().loc[spec.focal]
        expected = table[["coefficient", "std_error", "pvalue"]].to_numpy()
        got = own[["estimate", "std_error", "pvalue"]].to_numpy(float)
        np.testing.assert_allclose(got, expected, rtol=1e-9)
        assert (own.nobs, own.groups) == (120, 20)


def test_observed_statistics(found):
    table, observed = found.estimates, found.table["observed"]
    z = -np.sign(table["estimate"]) * (table["pvalue"] / 2).map(NormalDist().inv_cdf)
    assert observed["median"] == table["estimate"].median()
    assert observed["significant"] == (table["pvalue"] < 0.05).mean()
    assert observed["stouffer"] == pytest.approx(z.sum() / np.sqrt(len(z)), rel=1e-10)
    starred = table["pvalue"] < 0.05
    assert observed["against"] == (starred & (table["estimate"] < 0)).mean()
    assert found.lost == 0


def test_pvalues_count_draws_as_extreme_with_one_added(found):
    for name, row in found.table.iterrows():
        extreme = (found.null[name].abs() >= abs(row["observed"])).sum()
        assert row["p"] == (1 + extreme) / 100
    assert len(found.null) == 99 and list(found.table.columns)[-1] == "p"


@pytest.mark.parametrize("scheme", ["pairs", "wild"])
@pytest.mark.parametrize("effect", [0.6, -0.6])
def test_an_effect_is_found_and_its_sign(effect, scheme):
    made = _curve_inference(panel(effect=effect), grid(), resamples=99, seed=3, scheme=scheme)
    assert (made.table.loc[["median", "stouffer"], "p"] <= 0.02).all()
    assert np.sign(made.table.loc["median", "observed"]) == np.sign(effect) and made.lost == 0


@pytest.mark.parametrize("scheme", ["pairs", "wild"])
def test_size_under_the_null(scheme):
    """At 5 %, 40 tests reject twice; of the right size, more than 7 has probability 0.1 %."""
    few = grid()[::3]
    rejected = [
        _curve_inference(panel(seed), few, resamples=39, seed=seed, scheme=scheme).table["p"]
        <= 0.05
        for seed in range(40)
    ]
    assert pd.DataFrame(rejected).sum().max() <= 7


def test_seed_and_order_of_rows():
    frame, few = panel(), grid()[:6]
    first = _curve_inference(frame, few, resamples=70, seed=1)
    same = _curve_inference(frame.sample(frac=1, random_state=0), few, resamples=70, seed=1)
    np.testing.assert_array_equal(first.null, same.null)
    other = _curve_inference(frame, few, resamples=70, seed=2)
    assert not first.null.equals(other.null)
    assert (_draws(50, 9, seed=4) == _draws(80, 9, seed=4)[:50]).all()
    assert (_draws(50, 9, seed=4).sum(axis=1) == 9).all()


def test_jobs_do_not_change_the_result():
    few = grid()[:3]
    one = _curve_inference(panel(), few, resamples=70)
    with parallel_config(backend="threading"):  # starts at once; the blocks are the same
        two = _curve_inference(panel(), few, resamples=70, n_jobs=2)
    pd.testing.assert_frame_equal(one.null, two.null, check_exact=True)


def test_units_of_measurement_do_not_matter():
    frame = panel(effect=0.1)
    scaled = frame.assign(y=1e7 * frame["y"] + 3e8, x1=frame["x1"] / 1e6, c1=frame["c1"] * 1e5)
    specs = [spec for spec in grid() if spec.focal == "x1"]
    first, second = (_curve_inference(f, specs, resamples=39) for f in (frame, scaled))
    np.testing.assert_allclose(
        second.null[["significant", "stouffer"]], first.null[["significant", "stouffer"]], atol=1e-7
    )
    np.testing.assert_allclose(second.null["median"], 1e13 * first.null["median"], rtol=1e-6)
    pd.testing.assert_series_equal(first.table["p"], second.table["p"])


def test_standardised_effects_are_those_of_standardised_variables():
    frame = panel(effect=0.3)
    specs = [grid()[i] for i in (0, 7, 14)]
    made = _curve_inference(frame, specs, resamples=9, standardise=True)
    scaled = (frame - frame.mean()) / frame.std()
    same = _curve_inference(scaled, specs, resamples=9)
    pd.testing.assert_frame_equal(made.estimates, same.estimates)
    pd.testing.assert_frame_equal(made.null, same.null)


def test_a_row_without_a_variable_is_left_out_of_its_specifications_only():
    frame = panel()
    frame.iloc[:6, frame.columns.get_loc("c1")] = np.nan
    frame["late"] = frame.index.get_level_values("year") > 2011
    specs = [*grid()[:4], *(spec._replace(sample="late") for spec in grid()[4:6])]
    table = _curve_inference(frame, specs, resamples=5).estimates
    assert table["nobs"].tolist() == [120, 120, 114, 114, 76, 76]
    assert table["groups"].tolist() == [20, 20, 19, 19, 19, 19]


def test_draws_that_cannot_estimate_a_specification_are_counted():
    frame = panel(units=6)
    frame["rare"] = frame.index.get_level_values("province").isin([2, 3]) * frame["c1"]
    specs = [_Specification("y", focal, (), "unit") for focal in ("x1", "rare")]
    found = _curve_inference(frame, specs, resamples=200)
    # Without one of the two units its errors have one cluster, hence a score of zero.
    absent = (_draws(200, 6, seed=0)[:, [2, 3]] == 0).any(axis=1).mean()
    assert 0.4 < absent < 0.7
    assert found.lost == pytest.approx(absent / 2) and found.null.notna().all(axis=None)


def test_statistics_by_hand():
    estimates = np.array([[1.0, 3.0, -2.5, np.nan], [-3.0, -0.5, 0.1, 0.0]])
    errors, df = np.ones((2, 4)), np.full((2, 4), 1e12)
    errors[0, 3] = np.nan
    got = _statistics(estimates, errors, df)
    expected = [[1.0, 1 / 3, 1.5 / np.sqrt(3), 1 / 3], [-0.25, 1 / 4, -3.4 / 2, 0]]
    np.testing.assert_allclose(got, expected, atol=1e-8)
    huge = _statistics(np.full((1, 2), 1e200), np.ones((1, 2)), np.full((1, 2), 30.0))
    assert np.isfinite(huge).all()


BAD = {
    "effects": (("y", "x1", (), "twoway"), MethodError, "Did you mean 'two-way'"),
    "absorbed": (("y", "wave", (), "two-way"), EstimationError, "focal wave, controls none"),
    "collinear": (("y", "x1", ("c1", "double"), "unit"), EstimationError, r"controls c1 \+ double"),
    "equal": (("y", "double", ("c1",), "unit"), EstimationError, "focal double"),
    "exact": (("double", "c1", (), "unit"), EstimationError, "leave a residual"),
    "infinite": (("y", "far", (), "unit"), SampleError, "infinite.*variable far"),
    "empty": (("y", "none", (), "unit"), SampleError, "no row has every variable"),
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_specifications_are_named(case):
    row, error, message = BAD[case]
    frame = panel().assign(double=lambda t: 2 * t["c1"], far=np.inf, none=np.nan)
    frame["wave"] = frame.index.get_level_values("year") ** 2.0
    with pytest.raises(error, match=message):
        _curve_inference(frame, [_Specification(*row)], resamples=3)


def test_an_unknown_scheme_and_a_single_row_are_named():
    with pytest.raises(MethodError, match="Did you mean 'wild'"):
        _curve_inference(panel(), grid()[:2], resamples=3, scheme="wilder")
    with pytest.raises(SampleError, match="single row.*province 0"):
        _curve_inference(panel().iloc[5:], grid()[:2], resamples=3)


def choices():
    kinds, sizes = ["tfp", "tfp", "tfp", "composite", None], [0.2, -0.1, 0.3, -0.4, 0.0]
    return pd.DataFrame({"kind": kinds, "estimate": sizes, "pvalue": [0.01, 0.04, 0.2, 0.001, 1.0]})


def test_summary_of_the_whole_curve_and_by_choice():
    row = curve_summary(choices()).loc["all"]
    assert row["specifications"] == 5 and row["median"] == 0.0
    assert row["significant_positive"] == 0.2 and row["significant_negative"] == 0.4
    assert row["low"] == np.quantile(choices()["estimate"], 0.05)
    assert curve_summary(choices(), "kind")["specifications"].tolist() == [1, 3, 1]
    strict = curve_summary(choices(), ["kind"], level=0.005)
    assert strict["significant_negative"].tolist() == [1, 0, 0]


def test_summary_names_what_is_wrong():
    with pytest.raises(DataError, match="unknown column 'kid'.*Did you mean 'kind'"):
        curve_summary(choices(), "kid")
    with pytest.raises(SampleError, match=r"1 row\(s\) without estimate or p value \[row 2\]"):
        curve_summary(choices().assign(pvalue=[0.1, 0.1, np.nan, 0.1, 0.1]))
    with pytest.raises(SampleError, match="an empty table"):
        curve_summary(choices().head(0))
    with pytest.raises(MethodError, match="level is 5"):
        curve_summary(choices(), level=5)
