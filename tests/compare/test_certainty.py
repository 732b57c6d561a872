"""Draws over the choices behind an index, and Sobol indices: what they promise and refuse."""

from __future__ import annotations

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from made_up_index import DIMENSION, made_matrix

from nqpf.compare import sensitivity, uncertainty
from nqpf.errors import MethodError, SampleError
from nqpf.index import Recipe
from nqpf.index.normalise import _ConstantIndicatorWarning

NOISE = {"error": 0.05, "perturb": 0.25}
SUMS = {"normalise": "minmax", "weights": "equal", "aggregate": "linear", "omit": False}


def panel(provinces=8, years=(2020, 2021, 2022), seed=3):
    rows = pd.MultiIndex.from_product([range(11, 11 + provinces), years])
    rows.names = ["province", "year"]
    drawn = np.random.default_rng(seed).lognormal(size=(len(rows), len(DIMENSION)))
    return made_matrix(pd.DataFrame(drawn, index=rows, columns=list(DIMENSION)))


MATRIX = panel()


def test_a_rank_per_draw_and_province_in_a_compact_array():
    result = uncertainty(MATRIX, 300, **NOISE)
    assert result.ranks.shape == result.scores.shape == (300, 8)
    assert result.ranks.dtype == np.uint8
    assert result.ranks.min() == 1 and result.ranks.max() == 8
    assert list(result.choices) == ["normalise", "weights", "aggregate", "omitted"]
    assert len(result.choices) == 300
    assert result.year == 2022
    assert "300 draws of 8 ranks, 2022" in repr(result)
    assert "0 combinations dropped" in result._repr_html_()


def test_every_choice_is_drawn_and_each_about_as_often():
    choices = uncertainty(MATRIX, 6_000).choices
    for stage in ("normalise", "weights", "aggregate"):
        share = choices[stage].value_counts(normalize=True)
        assert share.to_numpy() == pytest.approx(1 / len(share), abs=0.03)
    omitted = choices["omitted"].value_counts(normalize=True, dropna=False)
    assert len(omitted) == len(DIMENSION) + 1 and omitted.isna().sum() == 0
    assert omitted.to_numpy() == pytest.approx(1 / 6, abs=0.03)
    assert uncertainty(MATRIX, 50, omit=False).choices["omitted"].isna().all()


def test_same_seed_same_ranks_and_a_longer_run_begins_with_a_shorter_one():
    short, long = (uncertainty(MATRIX, n, seed=4, **NOISE) for n in (40, 90))
    np.testing.assert_array_equal(short.scores, long.scores[:40])
    pd.testing.assert_frame_equal(short.choices, long.choices[:40])
    assert (uncertainty(MATRIX, 40, seed=5, **NOISE).scores != short.scores).any()


def test_order_of_rows_does_not_matter_and_the_matrix_stays_as_it_is():
    shuffled = MATRIX.values.sample(frac=1, random_state=1)
    before = shuffled.copy()
    other = uncertainty(made_matrix(shuffled), 60, **NOISE)
    pd.testing.assert_frame_equal(shuffled, before)
    straight = uncertainty(MATRIX, 60, **NOISE)
    np.testing.assert_array_equal(other.ranks, straight.ranks)
    pd.testing.assert_series_equal(other.baseline, straight.baseline)


def test_intervals_are_ranks_that_occur():
    result = uncertainty(MATRIX, 400, **NOISE)
    table = result.intervals(0.9)
    frame = pd.DataFrame(result.ranks.astype(int), columns=result.baseline.index)
    for code, row in table.iterrows():
        own = np.sort(frame[code])
        assert (row["lower"], row["median"], row["upper"]) == (own[19], own[199], own[379])
    shift = (frame - result.baseline).abs()
    np.testing.assert_allclose(table["shift"], shift.mean())
    np.testing.assert_allclose(result.shifts, shift.mean(axis=1))
    wide = result.intervals(0.99)
    assert (wide["lower"] <= table["lower"]).all() and (wide["upper"] >= table["upper"]).all()


def test_probabilities_are_shares_of_draws():
    result = uncertainty(MATRIX, 250, **NOISE)
    top = result.probability(3)
    assert top[13] == pytest.approx((result.ranks[:, 2] <= 3).mean())
    assert result.probability(8).eq(1).all()
    above = result.above()
    np.testing.assert_allclose(above + above.T, 1)
    wins = (result.ranks[:, 0] < result.ranks[:, 5]).mean()
    ties = (result.ranks[:, 0] == result.ranks[:, 5]).mean()
    assert above.loc[11, 16] == pytest.approx(wins + ties / 2)


def test_baseline_is_a_recipe_without_noise():
    result = uncertainty(MATRIX, 10, **NOISE)
    assert str(result.recipe) == "minmax, entropy, topsis"
    expected = Recipe().fit(MATRIX).rank(2022)
    assert result.baseline.to_dict() == expected.to_dict()
    own = Recipe(aggregate="vikor", v=0.3)
    other = uncertainty(MATRIX, 10, baseline=own, year=2021)
    assert other.baseline.to_dict() == own.fit(MATRIX).rank(2021).to_dict()


def test_pairs_that_do_not_fit_are_reported_and_never_drawn():
    result = uncertainty(MATRIX, 500, normalise=("zscore", "minmax"))
    dropped = result.dropped
    assert list(dropped) == ["normalise", "weights", "aggregate", "reason"]
    assert set(dropped["normalise"]) == {"zscore"}
    expected = {("entropy", a) for a in ("topsis", "linear", "geometric", "vikor")}
    expected |= {(w, "geometric") for w in ("equal", "critic")}
    assert set(zip(dropped["weights"], dropped["aggregate"], strict=True)) == expected
    assert dropped["reason"].str.len().gt(0).all()
    drawn = result.choices.drop_duplicates(["normalise", "weights", "aggregate"])
    assert len(drawn) == 2 * 3 * 4 - len(dropped)
    merged = drawn.astype(str).merge(dropped, on=["normalise", "weights", "aggregate"])
    assert merged.empty
    assert str(result.recipe) == "zscore, equal, topsis"


def test_values_below_zero_drop_what_needs_shares():
    values = MATRIX.values.assign(rd=MATRIX.values["rd"] - 1.0)
    result = uncertainty(made_matrix(values), 20, normalise=("minmax", "vector"), error=0.3)
    assert set(result.dropped["normalise"]) == {"vector"}
    assert {"entropy"} <= set(result.dropped["weights"])


def test_errors_keep_signs_and_have_the_moments_that_are_asked_for():
    error = {key: 0.02 * j for j, key in enumerate(DIMENSION)}
    run = uncertainty(MATRIX, 500, error=error, omit=False)
    factors = np.array([run.case(d)[1].values / MATRIX.values for d in range(500)])
    assert (factors > 0).all()
    np.testing.assert_allclose(factors.mean(axis=(0, 1)), 1, atol=4e-3)
    np.testing.assert_allclose(factors.std(axis=(0, 1)), list(error.values()), rtol=0.04)
    np.testing.assert_allclose(factors[:, :, 0], 1, rtol=1e-15)


def test_noise_alone_spreads_ranks_and_more_noise_spreads_them_more():
    still = uncertainty(MATRIX, 50, **SUMS)
    assert (still.shifts == 0).all()
    for name, sizes in {"error": (0.02, 0.5), "perturb": (0.05, 0.9)}.items():
        small, large = (uncertainty(MATRIX, 300, **SUMS, **{name: s}).shifts for s in sizes)
        assert 0 < large.mean() and small.mean() < large.mean()


def test_a_constant_indicator_has_no_error_and_is_named_once():
    values = MATRIX.values.assign(rail=2.0)
    with pytest.warns(_ConstantIndicatorWarning, match="rail") as caught:
        result = uncertainty(made_matrix(values), 30, error=0.1)
    assert len(caught) == 1
    assert result.plan.error["rail"] == 0 and result.plan.error["rd"] == 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = result.refit(7).xs(2022, level="year")
    np.testing.assert_allclose(again[result.baseline.index], result.scores[7], atol=1e-12)


def test_scores_that_differ_by_rounding_share_a_rank():
    values = MATRIX.values.copy()
    for key in values:  # ranks of an even sample, so that equal weights make many sums alike
        values[key] = np.random.default_rng(len(key)).permutation(len(values))
    run = uncertainty(made_matrix(values), 40, **SUMS | {"normalise": "rank", "omit": True})
    expected = pd.DataFrame(run.scores.round(12)).rank(axis=1, ascending=False, method="min")
    np.testing.assert_array_equal(run.ranks, expected)
    assert any(len(set(ranks)) < len(ranks) for ranks in run.ranks)


@pytest.mark.parametrize("shift", [0.0, -1.5], ids=["all positive", "some negative"])
def test_ranks_of_figures_that_differ_in_their_last_digits(shift):
    rng = np.random.default_rng(8)
    close = 1.0 + np.finfo(float).eps * rng.permuted(np.tile(np.arange(24), (5, 1)), axis=1).T
    values = pd.DataFrame(close, index=MATRIX.values.index, columns=list(DIMENSION)) + shift
    values["rd"] = rng.normal(size=24).round(1) + 3  # ties as well
    result = uncertainty(made_matrix(values), 30, normalise="rank", omit=False)
    for draw in (0, 11, 29):
        again = result.refit(draw).xs(2022, level="year")[result.baseline.index]
        np.testing.assert_allclose(result.scores[draw], again, rtol=0, atol=1e-12)


def test_a_province_that_lacks_the_year_is_not_ranked():
    values = MATRIX.values.drop((14, 2022))
    result = uncertainty(made_matrix(values), 40, **NOISE)
    assert 14 not in result.baseline.index and result.ranks.shape == (40, 7)
    assert uncertainty(made_matrix(values), 40, year=2020).ranks.shape == (40, 8)


def test_memory_does_not_grow_with_the_noise():
    matrix = panel(31, range(2012, 2023))
    uncertainty(matrix, 5, **NOISE)
    tracemalloc.start()
    uncertainty(matrix, 600, **NOISE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 600 * matrix.values.size * 8 / 2  # of all figures with errors at once


REFUSED = {
    "no draws": ({"draws": 0}, "draws is 0"),
    "half a draw": ({"draws": 2.5}, "draws is 2.5"),
    "seed": ({"seed": -1}, "seed is -1"),
    "normalisation": ({"normalise": "minimax"}, "'minimax' .stage normalise.*minmax_yearly"),
    "weights": ({"weights": ("entropy", "guess")}, "'guess' .stage weights"),
    "aggregation": ({"aggregate": ("sum",)}, "'sum' .stage aggregate"),
    "no method": ({"weights": ()}, r"methods to weights are \[\]"),
    "twice": ({"weights": ("equal", "equal")}, "each once"),
    "nothing fits": ({"normalise": "zscore", "weights": "entropy"}, "no combination can be used"),
    "error below zero": ({"error": -0.1}, "error of rd is -0.1"),
    "error missing": ({"error": float("nan")}, "error of rd is nan"),
    "error of others": ({"error": {"rd": 0.1, "gdp": 0.1}}, "not about the indicators.*gdp"),
    "one error wrong": ({"error": pd.Series(0.1, DIMENSION) - [0, 0, 0.2, 0, 0]}, "error of so2"),
    "perturb": ({"perturb": 1.0}, "perturb is 1.0"),
}
INDICES_REFUSED = {
    "no power of two": ({"samples": 100}, "samples is 100.*power of two"),
    "one sample": ({"samples": 1}, "samples is 1"),
    "seed": ({"seed": -2}, "seed is -2"),
    "unknown": ({"aggregate": "mean"}, "'mean' .stage aggregate"),
    "error": ({"error": -1}, "error of rd is -1"),
    "do not fit": ({"normalise": ("minmax", "zscore")}, "6 combinations cannot be used.*"
                   "normalise zscore, weights entropy.*independent"),
    "nothing": (SUMS, "nothing varies"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_options_that_are_refused(case):
    options, message = REFUSED[case]
    with pytest.raises(MethodError, match=message):
        uncertainty(MATRIX, **{"draws": 10, **options})


@pytest.mark.parametrize("case", INDICES_REFUSED)
def test_options_of_sensitivity_that_are_refused(case):
    options, message = INDICES_REFUSED[case]
    with pytest.raises(MethodError, match=message):
        sensitivity(TWO_YEARS, **{"samples": 16, **options})


def test_samples_that_are_refused():
    values = MATRIX.values.copy()
    values.loc[(12, 2021), "so2"] = np.nan
    with pytest.raises(SampleError, match=r"missing or infinite.*province.*12.*2021.*variable so2"):
        uncertainty(made_matrix(values), 10)
    said = "unknown year of the indicators 1999; expected one of 2020, 2021, 2022"
    with pytest.raises(SampleError, match=said):
        uncertainty(MATRIX, 10, year=1999)
    alone = MATRIX.values[MATRIX.values.index.get_level_values("province") == 11]
    with pytest.raises(SampleError, match="one province to rank"):
        uncertainty(made_matrix(alone), 10)
    flat = MATRIX.values.assign(rd=1.0, patents=2.0, so2=3.0, energy=4.0)
    with pytest.warns(_ConstantIndicatorWarning), pytest.raises(SampleError, match="1 indicator"):
        uncertainty(made_matrix(flat), 10)


def test_questions_that_are_refused():
    result = uncertainty(MATRIX, 10)
    for level in (0, 1, "all"):
        with pytest.raises(MethodError, match="level is"):
            result.intervals(level)
    for k in (0, 9, 1.5):
        with pytest.raises(MethodError, match="k is .*from 1 to 8"):
            result.probability(k)
    with pytest.raises(MethodError, match="draw is 10.*from 0 to 9"):
        result.refit(10)


TWO_YEARS = panel(years=(2021, 2022))


def test_indices_by_province_and_factor():
    result = sensitivity(TWO_YEARS, 64, **NOISE)
    factors = ["normalise", "weights", "aggregate", "omit", "error", "perturb"]
    assert list(result.shift.index) == factors
    assert list(result.shift) == ["first", "first_margin", "total", "total_margin"]
    assert list(result.ranks) == list(result.shift)
    assert result.ranks.index.names == ["province", "factor"]
    assert list(result.ranks.index.unique("province")) == list(range(11, 19))
    assert result.runs == 64 * (len(factors) + 2)
    assert result.interaction == pytest.approx(1 - result.shift["first"].sum())
    assert result.baseline.to_dict() == Recipe().fit(TWO_YEARS).rank(2022).to_dict()
    assert "aggregate" in result._repr_html_()
    assert "2022: 512 runs, mean shift" in repr(result)


def test_only_what_varies_is_a_factor():
    result = sensitivity(TWO_YEARS, 16, weights="equal", omit=False, perturb=0.3)
    assert list(result.shift.index) == ["normalise", "aggregate", "perturb"]


def test_a_factor_without_effect_has_no_index():
    # Regrets are relative to the range, which neither of the two changes.
    changed = {"normalise": ("minmax", "zscore"), "weights": "equal", "aggregate": "vikor"}
    result = sensitivity(TWO_YEARS, 128, **changed, perturb=0.5)
    assert result.shift.loc["normalise", "total"] == 0
    assert result.shift.loc["normalise", "first"] == pytest.approx(0, abs=1e-12)
    assert result.shift.loc["omit", "total"] > 0.3
    assert result.shift.loc["perturb", "total"] > 0


def test_noise_is_one_number_of_the_design():
    # With the noise alone, all variance is its own and nothing else is left.
    result = sensitivity(TWO_YEARS, 256, **SUMS, error=0.3)
    assert list(result.shift.index) == ["error"]
    assert result.shift.loc["error", "total"] == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("seed", [0, 7])
def test_same_seed_same_indices_and_margins(seed):
    one, other = (sensitivity(TWO_YEARS, 32, seed, **NOISE) for _ in range(2))
    pd.testing.assert_frame_equal(one.shift, other.shift)
    pd.testing.assert_frame_equal(one.ranks, other.ranks)
    assert (sensitivity(TWO_YEARS, 32, seed + 1, **NOISE).shift != one.shift).any(axis=None)


def test_an_output_that_never_varies_has_no_indices():
    values = TWO_YEARS.values.copy()
    values.loc[11] = np.where(TWO_YEARS.benefit, 1e3, 1e-3)  # best in all, in both years
    best = sensitivity(made_matrix(values), 32, aggregate=("topsis", "linear"))
    assert best.baseline[11] == 1 and best.ranks.loc[11].isna().all(axis=None)
    assert best.ranks.drop(11).notna().any(axis=None)
