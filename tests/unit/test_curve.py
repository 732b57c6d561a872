"""The specification curve: what it promises about draws, statistics and bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.multiverse.inference import (
    STATISTICS,
    CurveInference,
    _draws,
    curve_inference,
    pvalues,
    sign_of,
    statistics,
)
from nqpf.multiverse.results import curve_summary
from nqpf.regress import fixed_effects

COLUMNS = ["outcome", "focal", "controls", "effects"]


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
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture(scope="module")
def found():
    return curve_inference(panel(effect=0.6), grid(), resamples=99, seed=3)


def test_estimates_are_those_of_fixed_effects(found):
    for row in (2, 5, 17):
        spec = found.specifications.iloc[row]
        fit = fixed_effects(
            panel(effect=0.6), "y", [spec.focal, *spec.controls], effects=spec.effects
        )
        table = fit.to_frame().loc[spec.focal]
        expected = table[["coefficient", "std_error", "pvalue"]].to_numpy()
        got = spec[["estimate", "std_error", "pvalue"]].to_numpy(float)
        np.testing.assert_allclose(got, expected, rtol=1e-9)
        assert (spec.nobs, spec.groups) == (120, 20)


def test_observed_statistics(found):
    table = found.specifications
    z = -np.sign(table["estimate"]) * _normal_quantile(table["pvalue"] / 2)
    assert found.observed["median"] == table["estimate"].median()
    assert found.observed["significant"] == (table["pvalue"] < 0.05).mean()
    assert found.observed["stouffer"] == pytest.approx(z.sum() / np.sqrt(len(z)), rel=1e-10)
    starred = table["pvalue"] < 0.05
    assert found.observed["against"] == (starred & (table["estimate"] < 0)).mean()
    assert found.sign == 1 and found.lost == 0


def _normal_quantile(p):
    from statistics import NormalDist

    return np.array([NormalDist().inv_cdf(value) for value in p])


def test_pvalues_count_draws_as_extreme_with_one_added(found):
    for name in STATISTICS:
        extreme = (found.null[name].abs() >= abs(found.observed[name])).sum()
        assert found.pvalues[name] == (1 + extreme) / 100
    assert len(found.null) == 99
    assert list(found.to_frame().columns)[-1] == "p"
    assert "18 specifications that share data and are not independent evidence" in found.note
    assert found.note in found._repr_html_()


def test_an_effect_is_found_and_its_sign(found):
    assert found.pvalues["median"] <= 0.02 and found.pvalues["stouffer"] <= 0.02
    negative = curve_inference(panel(effect=-0.6), grid(), resamples=99)
    assert negative.sign == -1 and negative.pvalues["median"] <= 0.02


def test_predicted_direction():
    frame, few = panel(effect=0.6), grid().head(4)
    right, wrong = (
        curve_inference(frame, few, resamples=99, direction=d) for d in ("positive", "negative")
    )
    assert right.pvalues["median"] == 0.01 and wrong.pvalues["median"] == 1
    assert right.observed["median"] == wrong.observed["median"]
    assert wrong.observed["significant"] == 0 and wrong.pvalues["significant"] == 1
    mirrored = curve_inference(frame.assign(y=-frame["y"]), few, resamples=99, direction="negative")
    pd.testing.assert_series_equal(mirrored.pvalues, right.pvalues)


@pytest.mark.parametrize("scheme", ["pairs", "wild"])
def test_size_under_the_null(scheme):
    """At 5 %, 40 tests reject twice; of the right size, more than 7 has probability 0.1 %."""
    few = grid().iloc[::3]
    rejected = [
        curve_inference(panel(seed), few, resamples=39, seed=seed, scheme=scheme).pvalues <= 0.05
        for seed in range(40)
    ]
    assert pd.DataFrame(rejected).sum().max() <= 7


@pytest.mark.parametrize("effect", [0.6, -0.6])
def test_wild_scheme_finds_an_effect_and_keeps_every_regression(effect):
    made = curve_inference(panel(effect=effect), grid(), resamples=99, scheme="wild")
    assert made.pvalues["median"] <= 0.02 and made.pvalues["stouffer"] <= 0.02
    assert made.lost == 0 and made.scheme == "wild" and "99 wild draws" in made.note


def test_seed_and_order_of_rows():
    frame, few = panel(), grid().head(6)
    first = curve_inference(frame, few, resamples=70, seed=1)
    same = curve_inference(frame.sample(frac=1, random_state=0), few, resamples=70, seed=1)
    np.testing.assert_array_equal(first.null, same.null)
    other = curve_inference(frame, few, resamples=70, seed=2)
    assert not first.null.equals(other.null)
    assert (_draws(50, 9, seed=4) == _draws(80, 9, seed=4)[:50]).all()
    assert (_draws(50, 9, seed=4).sum(axis=1) == 9).all()


def test_jobs_do_not_change_the_result():
    few = grid().head(3)
    one = curve_inference(panel(), few, resamples=70)
    with parallel_config(backend="threading"):  # starts at once; the blocks are the same
        two = curve_inference(panel(), few, resamples=70, n_jobs=2)
    pd.testing.assert_frame_equal(one.null, two.null, check_exact=True)


def test_units_of_measurement_do_not_matter():
    frame = panel(effect=0.1)
    scaled = frame.assign(y=1e7 * frame["y"] + 3e8, x1=frame["x1"] / 1e6, c1=frame["c1"] * 1e5)
    specs = grid()[lambda t: t["focal"] == "x1"]
    first, second = (curve_inference(f, specs, resamples=39) for f in (frame, scaled))
    np.testing.assert_allclose(
        second.null[["significant", "stouffer"]], first.null[["significant", "stouffer"]], atol=1e-7
    )
    np.testing.assert_allclose(second.null["median"], 1e13 * first.null["median"], rtol=1e-6)
    pd.testing.assert_series_equal(first.pvalues, second.pvalues)


def test_standardised_effects_are_those_of_standardised_variables():
    frame = panel(effect=0.3)
    specs = grid().iloc[[0, 7, 14]]
    made = curve_inference(frame, specs, resamples=9, standardise=True)
    scaled = (frame - frame.mean()) / frame.std()
    same = curve_inference(scaled, specs, resamples=9)
    pd.testing.assert_frame_equal(made.specifications, same.specifications)
    pd.testing.assert_frame_equal(made.null, same.null)


def test_input_stays():
    frame, specs = panel(), grid().head(2)
    copies = frame.copy(), specs.copy()
    assert isinstance(curve_inference(frame, specs, resamples=5), CurveInference)
    pd.testing.assert_frame_equal(frame, copies[0])
    pd.testing.assert_frame_equal(specs, copies[1])


def test_a_row_without_a_variable_is_left_out_of_its_specifications_only():
    frame = panel()
    frame.iloc[:6, frame.columns.get_loc("c1")] = np.nan
    frame["late"] = frame.index.get_level_values("year") > 2011
    specs = grid().head(6).assign(sample=["all", "all", "all", "all", "late", "late"])
    table = curve_inference(frame, specs, resamples=5).specifications
    assert table["nobs"].tolist() == [120, 120, 114, 114, 76, 76]
    assert table["groups"].tolist() == [20, 20, 19, 19, 19, 19]


def test_draws_that_cannot_estimate_a_specification_are_counted():
    frame = panel(units=6)
    frame["rare"] = frame.index.get_level_values("province").isin([2, 3]) * frame["c1"]
    specs = pd.DataFrame([("y", "x1", (), "unit"), ("y", "rare", (), "unit")], columns=COLUMNS)
    found = curve_inference(frame, specs, resamples=200)
    # Without one of the two units its errors have one cluster, hence a score of zero.
    absent = (_draws(200, 6, seed=0)[:, [2, 3]] == 0).any(axis=1).mean()
    assert 0.4 < absent < 0.7
    assert found.lost == pytest.approx(absent / 2) and found.null.notna().all(axis=None)


def test_statistics_by_hand():
    estimates = np.array([[1.0, 3.0, -2.5, np.nan], [-3.0, -0.5, 0.1, 0.0]])
    errors, df = np.ones((2, 4)), np.full((2, 4), np.inf)
    errors[0, 3] = np.nan
    got = statistics(estimates, errors, df, 0.05, "dominant")
    expected = [[1.0, 1 / 3, 1.5 / np.sqrt(3), 1 / 3], [-0.25, 1 / 4, -3.4 / 2, 0]]
    np.testing.assert_allclose(got, expected, atol=1e-12)
    assert sign_of(estimates).tolist() == [1, -1]
    assert pvalues(*(np.array([v]) for v in (-1.96, 1.0, np.inf)))[0] == pytest.approx(
        0.05, abs=1e-4
    )


def test_far_tails_stay_numbers():
    huge = statistics(
        np.full((1, 2), 1e200), np.ones((1, 2)), np.full((1, 2), 30.0), 0.05, "dominant"
    )
    assert np.isfinite(huge).all()


BAD = {
    "resamples": (dict(resamples=0), MethodError, "resamples is 0"),
    "seed": (dict(seed=-1), MethodError, "seed is -1"),
    "direction": (dict(direction="positiv"), MethodError, "Did you mean 'positive'"),
    "scheme": (dict(scheme="wilder"), MethodError, "Did you mean 'wild'"),
    "level": (dict(level=1.0), MethodError, "level 1.0"),
    "convention": (dict(convention="stata"), MethodError, "unknown convention 'stata'"),
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_options_are_named(case):
    options, error, message = BAD[case]
    with pytest.raises(error, match=message):
        curve_inference(panel(), grid().head(2), **{"resamples": 3, **options})


ROWS = {
    "text": (("y", "x1", "c1", "unit"), MethodError, r"controls are 'c1' \[row 0\]"),
    "twice": (("y", "x1", ("x1",), "unit"), MethodError, "comes twice"),
    "effects": (("y", "x1", (), "twoway"), MethodError, "Did you mean 'two-way'"),
    "unknown": (("y", "x4", (), "unit"), DataError, "unknown variable 'x4'"),
    "absorbed": (("y", "wave", (), "two-way"), EstimationError, "focal wave, controls none"),
    "collinear": (("y", "x1", ("c1", "double"), "unit"), EstimationError, r"controls c1 \+ double"),
    "equal": (("y", "double", ("c1",), "unit"), EstimationError, "focal double"),
    "exact": (("double", "c1", (), "unit"), EstimationError, "leave a residual"),
}


@pytest.mark.parametrize("case", ROWS)
def test_wrong_specifications_are_named(case):
    row, error, message = ROWS[case]
    frame = panel().assign(double=lambda t: 2 * t["c1"])
    frame["wave"] = frame.index.get_level_values("year") ** 2.0
    with pytest.raises(error, match=message):
        curve_inference(frame, pd.DataFrame([row], columns=COLUMNS), resamples=3)


def test_wrong_tables_are_named():
    frame, specs = panel(), grid().head(2)
    with pytest.raises(DataError, match="no column 'controls'"):
        curve_inference(frame, specs.drop(columns="controls"))
    with pytest.raises(MethodError, match="no specification"):
        curve_inference(frame, specs.head(0))
    with pytest.raises(SampleError, match="more than once"):
        curve_inference(pd.concat([frame, frame]), specs)
    with pytest.raises(SampleError, match="infinite.*province 0, year 2010, variable x1"):
        curve_inference(frame.assign(x1=np.inf).reset_index(), specs)
    with pytest.raises(DataError, match="not numbers.*variable c1"):
        curve_inference(frame.assign(c1="1").reset_index(), grid().head(4))
    with pytest.raises(DataError, match="'x1' more than once"):
        curve_inference(pd.concat([frame, frame[["x1"]]], axis=1), specs)
    with pytest.raises(SampleError, match="no row has every variable"):
        curve_inference(frame.assign(x1=np.nan), specs)
    with pytest.raises(DataError, match="sample half"):
        curve_inference(frame.assign(half=0.5), specs.assign(sample="half"))
    with pytest.raises(SampleError, match="single row.*province 0"):
        curve_inference(frame.iloc[5:], specs)


def choices():
    return pd.DataFrame(
        {
            "kind": ["tfp", "tfp", "tfp", "composite", None],
            "estimate": [0.2, -0.1, 0.3, -0.4, 0.0],
            "pvalue": [0.01, 0.04, 0.2, 0.001, 1.0],
        }
    )


def test_summary_of_the_whole_curve():
    row = curve_summary(choices()).loc["all"]
    assert row["specifications"] == 5 and row["median"] == 0.0
    assert row["sign"] == 1 and row["same_sign"] == 0.4
    assert row["significant_positive"] == 0.2 and row["significant_negative"] == 0.4
    assert row["low"] == np.quantile(choices()["estimate"], 0.05)


def test_summary_by_choice():
    table = curve_summary(choices(), "kind")
    assert table["specifications"].tolist() == [1, 3, 1]
    assert table["sign"].tolist() == [-1, 1, 1]
    assert table.loc["tfp", "same_sign"] == pytest.approx(2 / 3)
    strict = curve_summary(choices(), ["kind"], level=0.005)
    assert strict["significant_negative"].tolist() == [1, 0, 0]


def test_summary_names_what_is_wrong():
    with pytest.raises(DataError, match="no column 'kid'.*Did you mean 'kind'"):
        curve_summary(choices(), "kid")
    with pytest.raises(SampleError, match=r"1 row\(s\) without estimate or p value \[row 2\]"):
        curve_summary(choices().assign(pvalue=[0.1, 0.1, np.nan, 0.1, 0.1]))
    with pytest.raises(SampleError, match="an empty table"):
        curve_summary(choices().head(0))
    with pytest.raises(MethodError, match="level 5"):
        curve_summary(choices(), level=5)
