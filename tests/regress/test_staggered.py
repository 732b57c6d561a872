"""Adoption, weights of estimators, their parts and reassignment: promises and bad input."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import MethodError, SampleError
from nqpf.regress import fixed_effects
from nqpf.regress.staggered import adoption, goodman_bacon, reassign

ESTIMATORS = ("two-way", "imputation", "cohorts")
CODES = [110000, 120000, 130000, 140000, 150000, 210000, 220000, 230000]
YEARS = range(2013, 2022)
FIRST = {110000: 2016, 120000: 2018, 130000: 2018}


def sample(codes=CODES, seed=0):
    keys = pd.MultiIndex.from_product([codes, YEARS], names=["province", "year"])
    walk = np.random.default_rng(seed).normal(size=(len(codes), len(YEARS))).cumsum(axis=1)
    return pd.DataFrame({"y": walk.ravel()}, keys)


def weights_of(table: pd.DataFrame, estimator: str = "imputation") -> pd.DataFrame:
    """Return the weights, which no outcome moves."""
    return reassign(pd.DataFrame({"y": 0.0}, table.index), table, estimator, draws=99).weights


def test_adoption_goes_by_key_and_not_by_order() -> None:
    frame = sample()
    shuffled = frame.sample(frac=1, random_state=1).reset_index()
    table = adoption(shuffled, pd.Series(FIRST).iloc[::-1])
    pd.testing.assert_frame_equal(table, adoption(frame, FIRST))
    assert table.index.is_monotonic_increasing
    assert table.loc[(110000, 2016), ["event", "treated"]].tolist() == [0, 1]
    assert table.loc[(120000, 2017), ["event", "treated"]].tolist() == [-1, 0]
    assert table.loc[140000, "event"].isna().all()
    assert table.groupby(level="province")["cohort"].first().to_dict() == FIRST | dict.fromkeys(
        set(CODES) - set(FIRST), 0
    )


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ({540000: 2016}, r"not in the sample \[province Tibet"),
        ({110000: 2013}, "treated from 2013, with no year before it.*first treated year after"),
        ({110000: 2022}, "after its last year"),
        ({110000: 2016.5}, "whole year"),
        ({110000: float("nan")}, "whole year"),
        ({}, "no province is treated"),
        (dict.fromkeys(CODES, 2016), "no province is never treated"),
    ],
)
def test_what_cannot_be_compared_is_refused(first: dict[int, int], said: str) -> None:
    with pytest.raises(SampleError, match=said):
        adoption(sample(), first)


def test_a_treated_group_of_one_is_warned_about_and_cannot_be_sure() -> None:
    frame = sample()
    with pytest.warns(UserWarning, match="no p value is below 1/8"):
        one = adoption(frame, {110000: 2016})
    frame["y"] += 1000 * one["treated"]
    found = reassign(frame, one, draws=999)
    assert found.distinct == len(CODES)
    assert found.pvalues["y", "effect"] >= 1 / len(CODES)  # an effect of 1,000, and yet
    assert found.detectable()["y"] == np.inf


@pytest.mark.parametrize(
    ("drop", "call", "error", "said"),
    [
        (
            (140000, 2020),
            lambda f, t: reassign(f, t),
            SampleError,
            r"a row is missing \[province Shanxi.*year 2020",
        ),
        ((140000, 2020), lambda f, t: goodman_bacon(f["y"], t), SampleError, "a row is missing"),
        (None, lambda f, t: reassign(f.iloc[:-1], t), SampleError, "same rows .*2021"),
        (None, lambda f, t: reassign(f, t, "imputed"), MethodError, "Did you mean 'imputation'"),
        (None, lambda f, t: reassign(f, t, draws=98), MethodError, "not below 99"),
        (None, lambda f, t: reassign(f, t, draws=True), MethodError, "not below 99"),
    ],
)
def test_samples_and_options_that_are_refused(drop, call, error, said) -> None:
    frame = sample() if drop is None else sample().drop(drop)
    with warnings.catch_warnings(action="error"):  # two or more treated are no group of one
        table = adoption(frame, FIRST)
    with pytest.raises(error, match=said):
        call(frame, table)


def test_a_gap_in_the_years_is_refused_where_it_matters() -> None:
    frame = sample().drop(2017, level="year")
    with pytest.raises(SampleError, match="has no 2017"):
        reassign(frame, adoption(frame, FIRST), "cohorts")


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_weights_ignore_levels_and_years_and_sum_to_one_over_the_treated(estimator: str) -> None:
    table = adoption(sample(), FIRST)
    weights = weights_of(table, estimator)["effect"]
    assert weights[table["treated"] == 1].sum() == pytest.approx(1)
    for level in ("province", "year"):
        np.testing.assert_allclose(weights.groupby(level=level).sum(), 0, atol=1e-12)


def test_two_way_weights_give_two_way_fixed_effects() -> None:
    frame = sample()
    table = adoption(frame, FIRST)
    fit = fixed_effects(frame.join(table["treated"]), "y", "treated")
    weights = weights_of(table, "two-way")["effect"]
    assert weights @ frame["y"] == pytest.approx(fit.params["treated"], rel=1e-10)


FIVE = dict(zip(CODES[:5], (2014, 2016, 2016, 2019, 2021), strict=True))


@pytest.mark.parametrize("first", [FIRST, {110000: 2016, 120000: 2016}, FIVE])
def test_comparisons_of_two_groups_add_up_to_two_way(first: dict[int, int]) -> None:
    frame = sample()
    table = adoption(frame, first)
    parts = goodman_bacon(frame["y"], table)
    whole = weights_of(table, "two-way")["effect"] @ frame["y"]
    assert parts["weight"].sum() == pytest.approx(1, abs=1e-12)
    assert (parts["weight"] > 0).all()
    assert parts["weight"] @ parts["estimate"] == pytest.approx(whole, rel=1e-10)
    assert len(parts) == len(set(first.values())) ** 2


def test_without_staggering_all_estimators_agree() -> None:
    table = adoption(sample(), {110000: 2016, 120000: 2016})
    two_way, imputed = (weights_of(table, name)["effect"] for name in ESTIMATORS[:2])
    pd.testing.assert_series_equal(two_way, imputed)


def test_assignments_are_counted_and_the_seed_rules() -> None:
    frame = sample()
    table = adoption(frame, FIRST)
    first, again, other = (reassign(frame, table, seed=seed) for seed in (1, 1, 2))
    assert first.distinct == 8 * 7 * 6 // 2
    pd.testing.assert_frame_equal(first.draws, again.draws)
    assert not first.draws.equals(other.draws)
    np.testing.assert_allclose(
        first.estimates["y", "effect"], weights_of(table)["effect"] @ frame["y"]
    )


def test_draws_are_the_estimates_of_relabelled_provinces() -> None:
    """A draw is what the estimator gives when histories of outcomes change places."""
    frame = sample()
    table = adoption(frame, FIRST)
    found = reassign(frame, table, "cohorts", seed=5)
    order = np.random.default_rng(5).permutation(len(CODES))
    moved = frame["y"].unstack().iloc[order].set_axis(sorted(CODES)).stack()
    weights = weights_of(table, "cohorts")
    for column in weights:
        by_hand = weights[column].to_numpy() @ moved.to_numpy()
        assert found.draws["y", column].iloc[0] == pytest.approx(by_hand, rel=1e-10)


def test_size_under_the_null_is_the_level() -> None:
    rejections, rounds = 0, 400
    table = adoption(sample(range(12)), dict.fromkeys(range(3), 2017))
    for seed in range(rounds):
        test = reassign(sample(range(12), seed=seed), table, draws=199, seed=seed)
        rejections += test.pvalues["y", "effect"] <= 0.05
    assert abs(rejections / rounds - 0.05) < 3 * np.sqrt(0.05 * 0.95 / rounds)


def test_joint_p_value_of_one_estimate_is_its_own() -> None:
    frame = sample()
    test = reassign(frame, adoption(frame, FIRST), "cohorts")
    assert test.joint("y", [-2]) == pytest.approx(test.pvalues["y", -2])
    assert 0 < test.joint("y", [-3, -2]) <= 1


def test_joint_p_value_finds_a_trend_before_adoption() -> None:
    frame = sample(range(30), seed=2)
    table = adoption(frame, dict.fromkeys(range(10), 2018))
    frame["y"] -= 3 * table["event"].fillna(0)
    assert reassign(frame, table, "cohorts").joint("y", [-4, -3, -2]) < 0.01


def test_detectable_effect_is_near_the_normal_formula() -> None:
    """Without correlation: (1.96 + 0.84) standard errors of a difference of differences."""
    units, treated, before, after = 60, 20, 4, 5
    rng = np.random.default_rng(0)
    keys = pd.MultiIndex.from_product([range(units), YEARS], names=["province", "year"])
    frame = pd.DataFrame({"y": rng.normal(size=len(keys))}, keys)
    table = adoption(frame, dict.fromkeys(range(treated), 2013 + before))
    error = np.sqrt((1 / before + 1 / after) * (1 / treated + 1 / (units - treated)))
    test = reassign(frame.assign(tenfold=10 * frame["y"]), table)
    found = test.detectable(truths=400, draws=999)
    assert found["y"] == pytest.approx(2.80 * error, rel=0.12)
    assert found["tenfold"] == pytest.approx(10 * found["y"])
    assert test.detectable(["y"], truths=400, draws=999)["y"] == found["y"]


def test_inputs_are_left_alone() -> None:
    frame, first = sample(), dict(FIRST)
    kept = frame.copy()
    table = adoption(frame, first)
    stored = table.copy()
    reassign(frame, table).detectable()
    goodman_bacon(frame["y"], table)
    pd.testing.assert_frame_equal(frame, kept)
    pd.testing.assert_frame_equal(table, stored)
    assert first == FIRST
