"""The specification curve: what it promises about draws, statistics and bad input."""

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from made_up_panels import keyed

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.multiverse import curve_summary
from nqpf.multiverse.inference import _curve_inference, _draws, _statistics
from nqpf.multiverse.redraw import _Plan, _Specification


def panel(seed=0, effect=0.0, units=20, years=6):
    """Three noisy versions of one variable, two controls, errors correlated within units."""
    rng = np.random.default_rng(seed)
    drawn = rng.normal(size=(units, years, 7)).cumsum(axis=1).reshape(-1, 7)
    frame = pd.DataFrame(drawn, keyed(units, years), ["x", "x1", "x2", "x3", "c1", "c2", "y"])
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


def test_a_p_value_counts_draws_as_extreme_with_one_added():
    frame = panel(effect=0.6)
    table, null = _curve_inference(frame, grid(), resamples=99, seed=3)
    observed = _statistics(*_Plan(frame, grid()).estimate(np.ones((1, 20))))[0]
    assert table["observed"].tolist() == observed.tolist() and len(null) == 99
    for name, row in table.iterrows():
        extreme = (null[name].abs() >= abs(row["observed"])).sum()
        assert row["p"] == (1 + extreme) / 100
        assert row["null median"] == null[name].median()


@pytest.mark.parametrize("scheme", ["pairs", "wild"])
@pytest.mark.parametrize("effect", [0.6, -0.6])
def test_an_effect_is_found_and_its_sign(effect, scheme):
    table, _ = _curve_inference(panel(effect=effect), grid(), resamples=99, seed=3, scheme=scheme)
    assert (table.loc[["median", "stouffer"], "p"] <= 0.02).all()
    assert np.sign(table.loc["median", "observed"]) == np.sign(effect)


@pytest.mark.parametrize("scheme", ["pairs", "wild"])
def test_size_under_the_null(scheme):
    """At 5 %, 40 tests reject twice; of the right size, more than 7 has probability 0.1 %."""
    few = grid()[::3]
    tests = [_curve_inference(panel(seed), few, 39, seed, scheme)[0]["p"] for seed in range(40)]
    assert (pd.DataFrame(tests) <= 0.05).sum().max() <= 7


def test_seed_order_of_rows_jobs_and_units_of_measurement():
    frame, few = panel(), grid()[:6]
    _, first = _curve_inference(frame, few, resamples=70, seed=1)
    _, same = _curve_inference(frame.sample(frac=1, random_state=0), few, resamples=70, seed=1)
    np.testing.assert_array_equal(first, same)
    with parallel_config(backend="threading"):  # starts at once; the blocks are the same
        _, two = _curve_inference(frame, few, resamples=70, seed=1, n_jobs=2)
    np.testing.assert_array_equal(first, two)
    assert not first.equals(_curve_inference(frame, few, resamples=70, seed=2)[1])
    scaled = frame.assign(y=1e7 * frame["y"] + 3e8, x1=frame["x1"] / 1e6, c1=frame["c1"] * 1e5)
    _, other = _curve_inference(scaled, few, resamples=70, seed=1)
    np.testing.assert_allclose(other, first, atol=1e-7)
    assert (_draws(50, 9, seed=4) == _draws(80, 9, seed=4)[:50]).all()
    assert (_draws(50, 9, seed=4).sum(axis=1) == 9).all()


def test_draws_that_cannot_estimate_a_specification_have_none():
    frame = panel(units=6)
    frame["rare"] = frame.index.get_level_values("province").isin([2, 3]) * frame["c1"]
    specs = [_Specification("y", focal, (), "unit") for focal in ("x1", "rare")]
    draws = _draws(200, 6, seed=0)
    lost = np.isnan(_Plan(frame, specs).estimate(draws)[0])
    # Without one of the two units its errors have one cluster, hence a score of zero.
    absent = (draws[:, [2, 3]] == 0).any(axis=1)
    assert not lost[:, 0].any() and (lost[:, 1] == absent).all() and 0.4 < absent.mean() < 0.7
    assert _curve_inference(frame, specs, resamples=200)[1].notna().all(axis=None)


def test_statistics_by_hand():
    estimates = np.array([[1.0, 3.0, -2.5, np.nan], [-3.0, -0.5, 0.1, 0.0]])
    errors, df = np.ones((2, 4)), np.full((2, 4), 1e12)
    errors[0, 3] = np.nan
    got = _statistics(estimates, errors, df)
    expected = [[1.0, 1 / 3, 1.5 / np.sqrt(3), 1 / 3], [-0.25, 1 / 4, -3.4 / 2, 0]]
    np.testing.assert_allclose(got, expected, atol=1e-8)
    huge = _statistics(np.full((1, 2), 1e200), np.ones((1, 2)), np.full((1, 2), 30.0))
    assert np.isfinite(huge).all()


@pytest.mark.parametrize(
    "row",
    [
        ("y", "wave", (), "two-way"),
        ("y", "x1", ("c1", "double"), "unit"),
        ("y", "double", ("c1",), "unit"),
        ("double", "c1", (), "unit"),
    ],
    ids=["absorbed", "collinear", "equal", "exact"],
)
def test_a_specification_that_cannot_be_estimated_is_named(row):
    frame = panel().assign(double=lambda t: 2 * t["c1"])
    frame["wave"] = frame.index.get_level_values("year") ** 2.0
    with pytest.raises(EstimationError, match=rf"1 spec.*outcome {row[0]}, focal {row[1]}"):
        _curve_inference(frame, [_Specification(*row)], resamples=3)


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


GAP = choices().assign(pvalue=[0.1, 0.1, np.nan, 0.1, 0.1])
WRONG = [
    (choices(), {"by": "kid"}, DataError, "unknown column 'kid'.*Did you mean 'kind'"),
    (GAP, {}, SampleError, r"1 row\(s\) without estimate or p value \[row 2\]"),
    (choices().head(0), {}, SampleError, "an empty table"),
    (choices(), {"level": 5}, MethodError, "level is 5"),
]


@pytest.mark.parametrize(("table", "options", "error", "message"), WRONG)
def test_summary_names_what_is_wrong(table, options, error, message):
    with pytest.raises(error, match=message):
        curve_summary(table, **options)
