"""Sobol indices of ranks: what they promise and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_index import DIMENSION, made_matrix

from nqpf.compare.certainty import sensitivity, sobol_indices
from nqpf.errors import MethodError, SampleError
from nqpf.index import Recipe

NOISE = {"error": 0.05, "perturb": 0.25}
ROWS = pd.MultiIndex.from_product([range(11, 19), [2021, 2022]], names=["province", "year"])
VALUES = pd.DataFrame(
    np.random.default_rng(3).lognormal(size=(16, 5)), index=ROWS, columns=list(DIMENSION)
)
MATRIX = made_matrix(VALUES)


def first_two(u):
    return pd.DataFrame({"sum": u[:, 0] + u[:, 1], "none": 1.0, "product": u[:, 0] * u[:, 1]})


def test_indices_by_province_and_factor():
    result = sensitivity(MATRIX, 64, **NOISE)
    factors = ["normalise", "weights", "aggregate", "omit", "error", "perturb"]
    assert list(result.shift.index) == factors
    assert list(result.shift) == ["first", "first_margin", "total", "total_margin"]
    for table in (result.ranks.first, result.ranks.total, result.ranks.total_margin):
        assert list(table) == factors
        assert list(table.index) == list(range(11, 19)) and table.index.name == "province"
    assert result.runs == result.ranks.runs == 64 * (len(factors) + 2)
    assert result.interaction == pytest.approx(1 - result.shift["first"].sum())
    assert result.baseline.to_dict() == Recipe().fit(MATRIX).rank(2022).to_dict()
    assert "aggregate" in result._repr_html_()
    assert "2022: 512 runs, mean shift" in repr(result)
    assert repr(result.ranks) == "<SobolIndices of 8 outputs by 6 factors, 512 runs>"


def test_only_what_varies_is_a_factor():
    result = sensitivity(MATRIX, 16, weights="equal", omit=False, perturb=0.3)
    assert list(result.shift.index) == ["normalise", "aggregate", "perturb"]
    with pytest.raises(MethodError, match="nothing varies"):
        sensitivity(MATRIX, 16, normalise="minmax", weights="equal", aggregate="linear", omit=False)


def test_a_factor_without_effect_has_no_index():
    # Copeland's rule sees the order of values only, which no normalisation changes.
    result = sensitivity(MATRIX, 128, weights="equal", aggregate="copeland", perturb=0.5)
    assert result.shift.loc["normalise", "total"] == 0
    assert result.shift.loc["normalise", "first"] == pytest.approx(0, abs=1e-12)
    assert result.shift.loc["omit", "total"] > 0.3
    assert result.shift.loc["perturb", "total"] > 0


def test_noise_is_one_number_of_the_design():
    # With the noise alone, all variance is its own and nothing else is left.
    result = sensitivity(
        MATRIX, 256, normalise="minmax", weights="equal", aggregate="linear", omit=False, error=0.3
    )
    assert list(result.shift.index) == ["error"]
    assert result.shift.loc["error", "total"] == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("seed", [0, 7])
def test_same_seed_same_indices_and_margins(seed):
    one, other = (sensitivity(MATRIX, 32, seed, **NOISE) for _ in range(2))
    pd.testing.assert_frame_equal(one.shift, other.shift)
    pd.testing.assert_frame_equal(one.ranks.total_margin, other.ranks.total_margin)
    assert (sensitivity(MATRIX, 32, seed + 1, **NOISE).shift != one.shift).any(axis=None)


def test_an_output_that_never_varies_has_no_indices():
    result = sobol_indices(first_two, ["a", "b"], 64)
    assert result.of("none").isna().all(axis=None)
    assert result.variance["none"] == 0 and result.mean["none"] == 1
    assert result.of("sum").notna().all(axis=None)
    values = MATRIX.values.copy()
    values.loc[11] = np.where(MATRIX.benefit, 1e3, 1e-3)  # best in all, in both years
    best = sensitivity(made_matrix(values), 32, aggregate=("topsis", "linear"))
    assert best.baseline[11] == 1 and best.ranks.first.loc[11].isna().all()
    assert best.ranks.first.drop(11).notna().any(axis=None)


def test_margins_shrink_with_samples_and_grow_with_confidence():
    few, many = (sobol_indices(first_two, ["a", "b"], n).of("product") for n in (64, 1024))
    assert (many["total_margin"] < few["total_margin"] / 2).all()
    sure = sobol_indices(first_two, ["a", "b"], 64, confidence=0.99).of("product")
    ratio = sure["total_margin"] / few["total_margin"]
    assert ratio.to_numpy() == pytest.approx(2.5758 / 1.9600, rel=1e-4)


def test_the_function_sees_numbers_below_one_and_every_level():
    seen = []
    sobol_indices(lambda u: seen.append(u) or first_two(u), ["a", "b"], 256)
    assert seen[0].shape == (256 * 4, 2)
    assert 0 <= seen[0].min() and seen[0].max() < 1
    assert set((seen[0] * 21).astype(int).ravel()) == set(range(21))


REFUSED = {
    "no power of two": ({"samples": 100}, "samples is 100.*power of two"),
    "one sample": ({"samples": 1}, "samples is 1"),
    "seed": ({"seed": -2}, "seed is -2"),
    "confidence": ({"confidence": 1}, "confidence is 1"),
    "resamples": ({"resamples": 1}, "resamples is 1"),
    "unknown": ({"aggregate": "mean"}, "'mean' .stage aggregate"),
    "error": ({"error": -1}, "error is -1"),
    "do not fit": (
        {"normalise": ("minmax", "zscore")},
        "6 combinations cannot be used.*normalise zscore, weights entropy.*independent",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_options_that_are_refused(case):
    options, message = REFUSED[case]
    with pytest.raises(MethodError, match=message):
        sensitivity(MATRIX, **{"samples": 16, **options})


def test_questions_that_are_refused():
    with pytest.raises(MethodError, match="no output 'z'; expected one of sum"):
        sobol_indices(first_two, ["a", "b"], 16).of("z")
    with pytest.raises(MethodError, match="nothing varies"):
        sobol_indices(first_two, [], 16)
    holed = VALUES.mask(VALUES == VALUES["rd"].max())
    with pytest.raises(SampleError, match="indicator rd"):
        sensitivity(made_matrix(holed), 16)
