"""Draws over the choices behind an index, and Sobol indices: what they promise and refuse."""

import tracemalloc
from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_up_index import DIMENSION, case, choices, made_matrix, refitted
from made_up_panels import keyed, refusals

from nqpf.compare import sensitivity, uncertainty
from nqpf.errors import MethodError, SampleError
from nqpf.index import Recipe
from nqpf.index.normalise import _ConstantIndicatorWarning

NOISE = {"error": 0.05, "perturb": 0.25}
SUMS = {"normalise": "minmax", "weights": "equal", "aggregate": "linear", "omit": False}
STAGES = ["normalise", "weights", "aggregate"]


def panel(provinces=8, years=(2020, 2021, 2022), seed=3):
    rows = keyed(range(11, 11 + provinces), len(years), years[0])
    drawn = np.random.default_rng(seed).lognormal(size=(len(rows), len(DIMENSION)))
    return made_matrix(pd.DataFrame(drawn, index=rows, columns=list(DIMENSION)))


MATRIX, TWO_YEARS = panel(), panel(years=(2021, 2022))


def test_every_choice_is_drawn_and_each_about_as_often():
    result = uncertainty(MATRIX, 6_000)
    assert result.ranks.shape == result.scores.shape == (6_000, 8)
    assert result.ranks.dtype == np.uint8 and "6,000 draws of 8 ranks, 2022" in repr(result)
    for stage, share in choices(result).items():
        share = share.value_counts(normalize=True, dropna=False)
        assert len(share) == {"weights": 3, "omitted": len(DIMENSION) + 1}.get(stage, len(share))
        assert share.to_numpy() == pytest.approx(1 / len(share), abs=0.03)
    assert choices(uncertainty(MATRIX, 50, omit=False))["omitted"].isna().all()


def test_same_seed_same_ranks_whatever_the_number_of_draws_and_the_order_of_rows():
    shuffled = MATRIX.values.sample(frac=1, random_state=1)
    before = shuffled.copy()
    short, long = (uncertainty(MATRIX, n, seed=4, **NOISE) for n in (40, 90))
    np.testing.assert_array_equal(short.scores, long.scores[:40])
    pd.testing.assert_frame_equal(choices(short), choices(long)[:40])
    assert (uncertainty(MATRIX, 40, seed=5, **NOISE).scores != short.scores).any()
    other = uncertainty(made_matrix(shuffled), 40, seed=4, **NOISE)
    pd.testing.assert_frame_equal(shuffled, before)
    np.testing.assert_array_equal(other.ranks, short.ranks)
    pd.testing.assert_series_equal(other.baseline, short.baseline)


def test_intervals_are_ranks_that_occur_and_probabilities_are_shares_of_draws():
    result = uncertainty(MATRIX, 400, **NOISE)
    table = result.intervals(0.9)
    frame = pd.DataFrame(result.ranks.astype(int), columns=result.baseline.index)
    for code, row in table.iterrows():
        own = np.sort(frame[code])
        assert (row["lower"], row["median"], row["upper"]) == (own[19], own[199], own[379])
    shift = (frame - result.baseline).abs()
    np.testing.assert_allclose(table["shift"], shift.mean())
    np.testing.assert_allclose(result.shifts, shift.mean(axis=1))
    assert result.probability(3)[13] == pytest.approx((frame[13] <= 3).mean())
    assert result.probability(8).eq(1).all()
    above = result.above()
    np.testing.assert_allclose(above + above.T, 1)
    wins, ties = (frame[11] < frame[16]).mean(), (frame[11] == frame[16]).mean()
    assert above.loc[11, 16] == pytest.approx(wins + ties / 2)


def test_baseline_is_a_recipe_without_noise():
    result = uncertainty(MATRIX, 10, **NOISE)
    assert str(result.recipe) == "minmax, entropy, topsis"
    assert result.baseline.to_dict() == Recipe().fit(MATRIX).rank(2022).to_dict()
    own = Recipe(aggregate="vikor", v=0.3, floor=0.1)
    other = uncertainty(MATRIX, 10, baseline=own, year=2021)
    assert other.baseline.to_dict() == own.fit(MATRIX).rank(2021).to_dict()


def test_pairs_that_do_not_fit_are_reported_and_never_drawn():
    result = uncertainty(MATRIX, 500, normalise=("zscore", "minmax"))
    dropped = result.dropped
    assert set(dropped["normalise"]) == {"zscore"} and dropped["reason"].str.len().gt(0).all()
    expected = {("entropy", a) for a in ("topsis", "linear", "geometric", "vikor")}
    expected |= {(w, "geometric") for w in ("equal", "critic")}
    assert set(zip(dropped["weights"], dropped["aggregate"], strict=True)) == expected
    drawn = choices(result)[STAGES].drop_duplicates()
    assert len(drawn) == 2 * 3 * 4 - len(dropped) and drawn.merge(dropped, on=STAGES).empty
    assert str(result.recipe) == "zscore, equal, topsis"
    below = made_matrix(MATRIX.values.assign(rd=MATRIX.values["rd"] - 1.0))
    dropped = uncertainty(below, 20, normalise=("minmax", "vector"), error=0.3).dropped
    assert set(dropped["normalise"]) == {"vector"} and "entropy" in set(dropped["weights"])


def test_a_constant_indicator_has_no_error_and_is_named_once():
    values = MATRIX.values.assign(rail=2.0)
    with pytest.warns(_ConstantIndicatorWarning, match="rail") as caught:
        result = uncertainty(made_matrix(values), 30, error=0.1)
    assert len(caught) == 1
    with pytest.warns(_ConstantIndicatorWarning):
        again = refitted(result, 7).xs(2022, level="year")
    assert (case(result, 7)[1].values["rail"] == 2).all()
    np.testing.assert_allclose(again[result.baseline.index], result.scores[7], atol=1e-12)


@pytest.mark.parametrize("shift", [0.0, -1.5], ids=["all positive", "some negative"])
def test_ranks_of_figures_that_differ_in_their_last_digits(shift):
    rng = np.random.default_rng(8)
    close = 1.0 + np.finfo(float).eps * rng.permuted(np.tile(np.arange(24), (5, 1)), axis=1).T
    values = pd.DataFrame(close, index=MATRIX.values.index, columns=list(DIMENSION)) + shift
    values["rd"] = rng.normal(size=24).round(1) + 3  # ties as well
    result = uncertainty(made_matrix(values), 30, normalise="rank", omit=False)
    for draw in (0, 11, 29):
        again = refitted(result, draw).xs(2022, level="year")[result.baseline.index]
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


CONSTANT = {"rd": 1.0, "patents": 2.0, "so2": 3.0, "energy": 4.0}


HOLED = MATRIX.values.assign(so2=MATRIX.values["so2"].mask(MATRIX.values.index == (12, 2021)))


def drawn(values=MATRIX.values, **options):
    return uncertainty(made_matrix(values), 10, **options)


quiet = pytest.mark.filterwarnings("ignore::nqpf.index.normalise._ConstantIndicatorWarning")
test_what_is_refused = quiet(refusals(
    MethodError,
    *((f"draws is {n}", partial(uncertainty, MATRIX, n)) for n in (0, 2.5)),
    ("seed is -1", lambda: drawn(seed=-1)),
    ("'minimax' .stage normalise.*minmax_yearly", lambda: drawn(normalise="minimax")),
    ("'sum' .stage aggregate", lambda: drawn(aggregate=("sum",))),
    (r"methods to weights are \(\)", lambda: drawn(weights=())),
    ("each once", lambda: drawn(weights=("equal", "equal"))),
    ("no combination can be used", lambda: drawn(normalise="zscore", weights="entropy")),
    *((f"{name} is {value}", partial(drawn, **{name: value}))
      for name, value in (("error", -0.1), ("error", float("nan")), ("perturb", 1.0))),
    ("samples is 100.*power of two", lambda: sensitivity(MATRIX, 100)),
    ("samples is 1", lambda: sensitivity(MATRIX, 1)),
    ("6 combinations cannot be used.*normalise zscore, weights entropy.*independent",
     lambda: sensitivity(MATRIX, normalise=("minmax", "zscore"))),
    ("nothing varies", lambda: sensitivity(MATRIX, **SUMS)),
    ("level is 1", lambda: drawn().intervals(1)),
    ("k is 9.*from 1 to 8", lambda: drawn().probability(9)),
    (r"missing or infinite.*province.*12.*2021.*variable so2", lambda: drawn(HOLED),
     SampleError),
    ("unknown year of the indicators 1999; expected one of 2020", lambda: drawn(year=1999),
     SampleError),
    ("one province to rank", lambda: drawn(MATRIX.values.loc[[11]]), SampleError),
    ("1 indicator", lambda: drawn(MATRIX.values.assign(**CONSTANT)), SampleError),
))  # fmt: skip


def test_indices_by_factor_and_the_same_for_the_same_seed():
    one, other = (sensitivity(TWO_YEARS, 32, seed=7, **NOISE) for _ in range(2))
    factors = [*STAGES, "omit", "error", "perturb"]
    assert list(one.shift.index) == factors and one.runs == 32 * (len(factors) + 2)
    assert list(one.shift) == ["first", "first_margin", "total", "total_margin"]
    pd.testing.assert_frame_equal(one.shift, other.shift)
    assert (sensitivity(TWO_YEARS, 32, seed=8, **NOISE).shift != one.shift).any(axis=None)


def test_noise_is_one_number_of_the_design():
    # With the noise alone, all variance is its own and nothing else is left.
    result = sensitivity(TWO_YEARS, 256, **SUMS, error=0.3)
    assert list(result.shift.index) == ["error"]
    assert result.shift.loc["error", "total"] == pytest.approx(1, abs=0.15)


def test_ranks_that_never_vary_have_no_indices():
    best = panel(2, (2021, 2022))
    best.values.loc[11] = np.where(best.benefit, 1e3, 1e-3)  # best in all, in both years
    result = sensitivity(best, 32, aggregate=("topsis", "linear"))
    assert result.shift.isna().all(axis=None) and result.mean_shift == 0
