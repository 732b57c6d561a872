"""Combination of weight vectors, and weighting methods inside a recipe."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nqpf.errors import DataError, MethodError
from nqpf.index import Recipe, weights
from nqpf.index.normalise import minmax

KEYS = ["rd", "patents", "so2", "rail"]


@st.composite
def several_vectors(draw):
    m = draw(st.integers(1, 6))
    row = st.lists(st.integers(0, 9), min_size=m, max_size=m).filter(any)
    table = np.array(draw(st.lists(row, min_size=1, max_size=4)), dtype=float)
    return table / table.sum(axis=1, keepdims=True)


@pytest.fixture
def matrix():
    index = pd.MultiIndex.from_product(
        [[110000, 310000, 440000, 650000], [2020, 2021, 2022]], names=["province", "year"]
    )
    drawn = np.random.default_rng(5).lognormal(size=(12, 4))
    values = pd.DataFrame(drawn, index=index, columns=KEYS)
    benefit = pd.Series([True, True, False, True], index=KEYS)
    return SimpleNamespace(values=values, benefit=benefit, dimension=pd.Series("all", index=KEYS))


def fitted(matrix, **recipe):
    return Recipe(aggregate="linear", **recipe).fit(matrix).weights


class TestCombination:
    @pytest.mark.parametrize("method", ["mean", "game"])
    @given(vectors=several_vectors())
    def test_the_result_lies_between_the_vectors(self, method, vectors):
        w = weights.combination(vectors, method)
        assert abs(w.sum() - 1) <= 1e-12
        assert (w >= vectors.min(axis=0) - 1e-12).all()
        assert (w <= vectors.max(axis=0) + 1e-12).all()

    @pytest.mark.parametrize("method", ["mean", "game"])
    def test_identical_vectors_give_themselves(self, method):
        w = weights.combination([[0.2, 0.3, 0.5]] * 3, method)
        np.testing.assert_allclose(w, [0.2, 0.3, 0.5], atol=1e-15)

    def test_game_by_hand(self):
        # Products 0.38, 0.28, 0.44: a = (0.044, 0.0608) / 0.0888, scaled to 55/131 and 76/131.
        w = weights.combination([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]], "game")
        a = np.array([55, 76]) / 131
        np.testing.assert_allclose(w, a @ [[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]], atol=1e-14)

    def test_game_leaves_out_a_vector_with_a_negative_coefficient(self):
        # The first is flatter: its product with the second, 0.55, exceeds its own, 0.52.
        vectors = [[0.4, 0.6], [0.25, 0.75]]
        products = np.array(vectors) @ np.array(vectors).T
        assert np.linalg.solve(products, np.diag(products))[0] < 0
        np.testing.assert_allclose(weights.combination(vectors, "game"), vectors[1], atol=1e-15)

    @pytest.mark.parametrize(
        ("vectors", "message"),
        [
            ([[0.5, 0.5], [0.5, 0.6]], r"weights sum to 1.1 \[vector 1\]; expected a sum of 1"),
            ([[1.5, -0.5]], r"weight -0.5 is negative \[vector 0, column 1\]"),
            ([[0.5, np.nan]], r"missing or infinite weight \[vector 0\]"),
        ],
    )
    def test_a_vector_that_is_no_weights_is_refused(self, vectors, message):
        with pytest.raises(MethodError, match=message):
            weights.combination(vectors)

    def test_vectors_of_different_length_are_refused(self):
        with pytest.raises(DataError, match="vectors is not numeric"):
            weights.combination([[0.5, 0.5], [1.0]])

    def test_an_unknown_method_offers_the_known_ones(self):
        with pytest.raises(MethodError, match="unknown combination 'gaem'.*one of mean, game"):
            weights.combination([[1.0]], "gaem")


class TestRecipe:
    def test_variation_reads_raw_values_and_the_others_scaled_ones(self, matrix):
        x = matrix.values.to_numpy()
        z = minmax(x, matrix.benefit.to_numpy())
        np.testing.assert_array_equal(fitted(matrix, weights="variation"), weights.variation(x))
        for name in ("critic", "ahp_entropy", "equal"):
            expected = getattr(weights, name)(z)
            np.testing.assert_array_equal(fitted(matrix, weights=name), expected)

    def test_variation_names_the_indicator_whose_mean_is_zero(self, matrix):
        values = matrix.values.assign(patents=[-1.0, 1.0] * 6)
        with pytest.raises(DataError, match=r"mean is zero.*\[indicator patents\]"):
            fitted(SimpleNamespace(**{**vars(matrix), "values": values}), weights="variation")

    def test_members_of_a_combination_are_named(self, matrix):
        w = fitted(matrix, weights="combination", of=["variation", "critic"], combine="game")
        z = minmax(matrix.values.to_numpy(), matrix.benefit.to_numpy())
        vectors = [weights.variation(matrix.values.to_numpy()), weights.critic(z)]
        np.testing.assert_allclose(w, weights.combination(vectors, "game"), atol=1e-15)

    def test_by_default_entropy_and_critic_are_averaged(self, matrix):
        z = minmax(matrix.values.to_numpy(), matrix.benefit.to_numpy())
        expected = (weights.entropy(z) + weights.critic(z)) / 2
        np.testing.assert_allclose(fitted(matrix, weights="combination"), expected, atol=1e-15)

    @pytest.mark.parametrize(
        "of", ["entropy", ["entropy"], ["entropy", "entropie"], ["ahp", "entropy"], ["critic"] * 2]
    )
    def test_bad_members_are_refused_with_the_valid_ones(self, matrix, of):
        with pytest.raises(MethodError, match="of is .*two or more different ones of entropy, eq"):
            fitted(matrix, weights="combination", of=of)

    def test_judgements_in_a_frame_follow_the_names(self, matrix):
        a = np.array(
            [[1, 2, 4, 8], [1 / 2, 1, 2, 4], [1 / 4, 1 / 2, 1, 2], [1 / 8, 1 / 4, 1 / 2, 1]]
        )
        np.testing.assert_allclose(fitted(matrix, weights="ahp", judgements=a), weights.ahp(a))
        frame = pd.DataFrame(a, index=KEYS[::-1], columns=KEYS[::-1])
        w = fitted(matrix, weights="ahp", judgements=frame)
        np.testing.assert_allclose(w[KEYS[::-1]], weights.ahp(a))

    def test_an_inconsistent_matrix_can_be_allowed(self, matrix):
        a = np.ones((4, 4))
        a[[0, 1, 2], [1, 2, 0]], a[[1, 2, 0], [0, 1, 2]] = 9, 1 / 9
        with pytest.raises(MethodError, match="judgements are inconsistent"):
            fitted(matrix, weights="ahp", judgements=a)
        w = fitted(matrix, weights="ahp", judgements=a, allow_inconsistent=True)
        assert w.sum() == pytest.approx(1)

    @pytest.mark.parametrize(
        ("judgements", "message"),
        [
            (None, r"ahp has no judgements; expected judgements, .*\(4, 4\)"),
            (np.ones((3, 3)), "about 3 indicators; expected one row and column for each of the 4"),
            (
                pd.DataFrame(np.ones((2, 2)), index=["rd", "gdp"], columns=["rd", "gdp"]),
                "not about the indicators.*rd, patents, so2, rail",
            ),
        ],
        ids=["none", "three", "others"],
    )
    def test_judgements_that_do_not_fit_are_refused(self, matrix, judgements, message):
        with pytest.raises(MethodError, match=message):
            fitted(matrix, weights="ahp", judgements=judgements)
