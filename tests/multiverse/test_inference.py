"""The specification curve: draws, statistics, bad input, and regressions one by one."""

from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from made_up_panels import EFFECTS, clustered_fit, dummies, keyed, refusals

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.multiverse import curve_summary
from nqpf.multiverse.inference import _curve_inference, _draws, _Plan, _Specification, _statistics


def panel(seed=0, effect=0.0, units=20, years=6):
    """Three noisy versions of one variable, two controls, errors correlated within units."""
    rng = np.random.default_rng(seed)
    drawn = rng.normal(size=(units, years, 7)).cumsum(axis=1).reshape(-1, 7)
    frame = pd.DataFrame(drawn, keyed(units, years), ["x", "x1", "x2", "x3", "c1", "c2", "y"])
    frame[["x1", "x2", "x3"]] = frame[["x"]].to_numpy() + 0.5 * frame[["x1", "x2", "x3"]]
    return frame.assign(y=frame["y"] + effect * frame["x"])


def grid():
    controls = (), ("c1",), ("c1", "c2")
    rows = product("y", ("x1", "x2", "x3"), controls, ("two-way", "unit"))
    return [_Specification(*row) for row in rows]


def test_a_p_value_counts_draws_as_extreme_with_one_added():
    frame = panel(effect=0.6)
    table, null = _curve_inference(frame, grid(), resamples=99, seed=3)
    observed = _statistics(*_Plan(frame, grid()).estimate(np.ones((1, 20))))[0]
    assert table["observed"].tolist() == observed.tolist() and len(null) == 99
    for name, row in table.iterrows():
        assert row["p"] == (1 + (null[name].abs() >= abs(row["observed"])).sum()) / 100
        assert row["null median"] == null[name].median()


@pytest.mark.parametrize("scheme", ["pairs", "wild"])
def test_size_under_the_null_and_an_effect_is_found_with_its_sign(scheme):
    """At 5 %, 40 tests reject twice; of the right size, more than 7 has probability 0.1 %."""
    few = grid()[::3]
    tests = [_curve_inference(panel(seed), few, 39, seed, scheme)[0]["p"] for seed in range(40)]
    assert (pd.DataFrame(tests) <= 0.05).sum().max() <= 7
    for effect in (0.6, -0.6):
        table, _ = _curve_inference(panel(effect=effect), grid(), 99, 3, scheme)
        assert (table.loc[["median", "stouffer"], "p"] <= 0.02).all()
        assert np.sign(table.loc["median", "observed"]) == np.sign(effect)


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


SPOILT = panel().assign(double=lambda t: 2 * t["c1"])
SPOILT["wave"] = SPOILT.index.get_level_values("year") ** 2.0
test_a_specification_that_cannot_be_estimated_is_named = refusals(
    EstimationError,
    *((f"1 spec.*outcome {row[0]}, focal {row[1]}",
       partial(_curve_inference, SPOILT, [_Specification(*row)], resamples=3))
      for row in (("y", "wave", (), "two-way"), ("y", "x1", ("c1", "double"), "unit"),
                  ("y", "double", ("c1",), "unit"), ("double", "c1", (), "unit"))),
)  # fmt: skip


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
test_summary_names_what_is_wrong = refusals(
    MethodError,
    ("unknown column 'kid'.*mean 'kind'", lambda: curve_summary(choices(), "kid"), DataError),
    (r"1 missing or infinite.*\[level 0 2, var", lambda: curve_summary(GAP), SampleError),
    ("an empty table", lambda: curve_summary(choices().head(0)), SampleError),
    ("level is 5", lambda: curve_summary(choices(), level=5)),
)


# Redrawn curves against single regressions on frames that hold every drawn unit


def mixed_panel(gaps):
    """Twelve units, six years; with gaps, rows missing at random, one series shorter, a sample."""
    rng = np.random.default_rng(5)
    names = ["y", "x1", "x2", "c1", "c2", "short"]
    frame = pd.DataFrame(rng.normal(size=(72, 6)), keyed(12, 6), names)
    frame["y"] += 0.3 * frame["x1"] + np.repeat(rng.normal(size=12), 6)
    frame["x2"] = 1e6 + 1e4 * (frame["x2"] + frame["x1"])
    frame["inner"] = frame.index.get_level_values("province") < 9
    if gaps:
        frame = frame.drop(frame.index[[3, 17, 30, 31, 44, 60, 71]])
        frame.loc[frame.index.get_level_values("year") == 2010, "short"] = np.nan
    return frame


# Pairs of every kind: shared outcome, shared focal, none, one, two controls, a sample.
KINDS = [("y", "x1", (), "all"), ("y", "x1", ("c1", "c2"), "all"), ("y", "x2", ("c2", "c1"), "all"),
         ("y", "x2", ("short",), "all"), ("x1", "c1", ("c2",), "inner"),
         ("x2", "c1", ("c2",), "inner")]  # fmt: skip
SPECIFICATIONS = [_Specification(*kind[:3], name, kind[3]) for name in EFFECTS for kind in KINDS]
gaps = pytest.mark.parametrize("gaps", [False, True], ids=["balanced", "gaps"])


def chosen(frame, spec):
    rows = frame if spec.sample == "all" else frame[frame[spec.sample]]
    rows = rows[[spec.outcome, spec.focal, *spec.controls]].dropna()
    return rows, rows[spec.focal].std() / rows[spec.outcome].std()


def alone(rows, spec, outcome):
    """Coefficient and clustered error of one regression on dummies, effects of units nested."""
    x = np.hstack([rows[[spec.focal, *spec.controls]], dummies(rows, spec.effects)])
    norm, unit = np.linalg.norm(x, axis=0), rows.index.get_level_values(0)
    fit = clustered_fit(rows[outcome], x / norm, unit)
    n, g = len(rows), unit.nunique()
    counted = x.shape[1] - (g - 1) * (spec.effects in ("two-way", "unit"))
    factor = np.sqrt(g / (g - 1) * (n - 1) / (n - counted))
    return np.array([fit.params[0], factor * fit.bse[0]]) / norm[0]


@gaps
def test_null_curve_equals_physically_resampled_frames(gaps):
    """Estimates of y - b x, a drawn unit under a name of its own each time."""
    frame, weights = mixed_panel(gaps), _draws(3, 12, seed=1)
    plan = _Plan(frame, SPECIFICATIONS)
    observed = plan.estimate(np.ones((1, 12)))[0]
    params, errors, df = plan.estimate(weights)
    expected = np.empty((2, *params.shape))
    for k, spec in enumerate(SPECIFICATIONS):
        rows, scale = chosen(frame, spec)
        rows["null"] = rows[spec.outcome] - alone(rows, spec, spec.outcome)[0] * rows[spec.focal]
        units = dict(list(rows.groupby(level="province")))
        for i, counts in enumerate(weights):
            picked = [units[unit] for unit in np.repeat(np.arange(12), counts) if unit in units]
            drawn = pd.concat([one.droplevel(0) for one in picked], keys=range(len(picked)))
            drawn.index.names = rows.index.names
            expected[:, i, k] = scale * alone(drawn, spec, "null")
    size = np.abs(observed)
    np.testing.assert_allclose((params - observed) / size, expected[0] / size, rtol=0, atol=1e-9)
    np.testing.assert_allclose(errors, expected[1], rtol=1e-9)
    assert {11} < set(df.ravel())  # all units, and draws of a sample with fewer


@gaps
def test_wild_draws_equal_regressions_on_outcomes_with_turned_residuals(gaps):
    frame, signs = mixed_panel(gaps), _draws(2, 12, seed=3, scheme="wild")
    assert set(signs.ravel()) == {-1, 1}
    params, errors, _ = _Plan(frame, SPECIFICATIONS).estimate(signs, "wild")
    for k, spec in enumerate(SPECIFICATIONS):
        rows, scale = chosen(frame, spec)
        x = np.hstack([rows[[*spec.controls]], dummies(rows, spec.effects)])
        left = rows[spec.outcome] - x @ np.linalg.lstsq(x, rows[spec.outcome], rcond=None)[0]
        for i, own in enumerate(signs):
            turned = rows[spec.outcome] + left * (own[rows.index.get_level_values(0)] - 1)
            slope, error = scale * alone(rows.assign(turned=turned), spec, "turned")
            assert params[i, k] == pytest.approx(slope, abs=1e-9 * error)
            assert errors[i, k] == pytest.approx(error, rel=1e-9)
