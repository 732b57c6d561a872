"""The analytic hierarchy process and AHP-improved entropy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nqpf.errors import DataError, MethodError
from nqpf.index.weights import ahp, ahp_consistency, ahp_entropy, ahp_entropy_judgements, entropy

THREE = np.array([[1, 3, 5], [1 / 3, 1, 3], [1 / 5, 1 / 3, 1]])
CIRCLE = np.array([[1, 9, 1 / 9], [1 / 9, 1, 9], [9, 1 / 9, 1]])
SAATY = [1 / 9, 1 / 7, 1 / 5, 1 / 3, 1 / 2, 1, 2, 3, 5, 7, 9]


def changed(j, k, value):
    a = THREE.copy()
    a[j, k] = value
    return a


def reciprocal(upper, m):
    a = np.ones((m, m))
    rows, columns = np.triu_indices(m, 1)
    a[rows, columns] = upper
    a[columns, rows] = 1 / np.asarray(upper)
    return a


@st.composite
def judgement_matrices(draw):
    m = draw(st.integers(1, 7))
    pairs = m * (m - 1) // 2
    return reciprocal(draw(st.lists(st.sampled_from(SAATY), min_size=pairs, max_size=pairs)), m)


class TestAhp:
    @given(st.lists(st.integers(-40, 40), min_size=1, max_size=12))
    def test_ratios_of_weights_give_the_weights_back(self, logs):
        w = np.exp(np.array(logs) / 4)
        w = w / w.sum()
        result = ahp_consistency(w[:, None] / w)
        np.testing.assert_allclose(result.weights, w, rtol=1e-9, atol=1e-13)
        assert result.lambda_max == pytest.approx(len(w), abs=1e-9)
        assert result.ratio == pytest.approx(0, abs=1e-9)
        assert result.accepted

    @given(judgement_matrices())
    def test_weights_are_a_positive_eigenvector(self, a):
        result = ahp_consistency(a)
        assert (result.weights > 0).all()
        assert abs(result.weights.sum() - 1) <= 1e-12
        np.testing.assert_allclose(
            a @ result.weights, result.lambda_max * result.weights, atol=1e-9
        )
        assert result.lambda_max >= len(a) - 1e-9
        assert result.ratio >= 0
        np.testing.assert_array_equal(ahp(a, allow_inconsistent=True), result.weights)

    @pytest.mark.parametrize("a", [[[1.0]], [[1, 4], [1 / 4, 1]]])
    def test_one_and_two_indicators_are_always_consistent(self, a):
        result = ahp_consistency(a)
        assert (result.index, result.ratio) == (0, 0)
        np.testing.assert_allclose(ahp(a), [1.0] if len(a) == 1 else [0.8, 0.2], atol=1e-15)

    def test_an_inconsistent_matrix_is_refused_unless_allowed(self):
        message = "judgements are inconsistent: CR = .*a consistency ratio below 0.1.*"
        with pytest.raises(MethodError, match=message + "allow_inconsistent=True"):
            ahp(CIRCLE)
        np.testing.assert_allclose(ahp(CIRCLE, allow_inconsistent=True), 1 / 3, atol=1e-12)
        assert not ahp_consistency(CIRCLE).accepted

    def test_the_message_names_the_judgement_to_revise(self):
        a = pd.DataFrame(
            reciprocal([2, 4, 1 / 9, 2, 4, 2], 4), index=list("abcd"), columns=list("abcd")
        )
        with pytest.raises(MethodError, match=r"a over d, 0\.1111 against \d"):
            ahp(a)

    def test_the_limit_itself_is_not_accepted(self):
        # CR grows with the judgement of the first over the third; bisect to 0.1.
        low, high = 6.0, 100.0
        for _ in range(60):
            middle = (low + high) / 2
            inside = ahp_consistency(reciprocal([2, middle, 3], 3)).ratio < 0.1
            low, high = (middle, high) if inside else (low, middle)
        ahp(reciprocal([2, low, 3], 3))
        with pytest.raises(MethodError, match="CR = 0.100"):
            ahp(reciprocal([2, high, 3], 3))

    @pytest.mark.parametrize(
        ("judgements", "message"),
        [
            (np.ones((2, 3)), r"shape \(2, 3\); expected a square matrix"),
            (np.ones(4), r"shape \(4,\)"),
            (np.ones((0, 0)), r"shape \(0, 0\)"),
            ([[1, 2], [3]], "not numeric"),
            ([["1", "three"], ["1", "1"]], "not numeric"),
            (None, r"shape \(\)"),
            (changed(0, 2, 0), "judgement of indicator 0 over indicator 2 is 0; .*positive"),
            (changed(2, 1, -3), "judgement of indicator 2 over indicator 1 is -3"),
            (changed(1, 2, np.nan), "judgement of indicator 1 over indicator 2 is nan"),
            (changed(1, 0, np.inf), "judgement of indicator 1 over indicator 0 is inf"),
            (
                changed(2, 0, 0.3),
                "not reciprocal: indicator 0 over indicator 2 is 5, "
                "indicator 2 over indicator 0 is 0.3; expected 0.2 for the latter",
            ),
            (changed(1, 0, 0.33), "not reciprocal.*expected 0.333333.*1/3 and not 0.33"),
            (changed(1, 1, 2), "expected 1 on the diagonal"),
        ],
        ids=str,
    )
    def test_bad_matrices_are_refused_and_the_pair_is_named(self, judgements, message):
        for method in (ahp, ahp_consistency):
            with pytest.raises(MethodError, match=message):
                method(judgements)

    def test_a_frame_is_aligned_by_label_and_names_its_pairs(self):
        keys = ["rd", "patents", "energy"]
        frame = pd.DataFrame(THREE, index=keys, columns=keys)
        np.testing.assert_allclose(ahp(frame[keys[::-1]]), ahp(THREE), atol=1e-15)
        with pytest.raises(MethodError, match="rd over energy is 5, energy over rd is 9"):
            ahp(pd.DataFrame(changed(2, 0, 9), index=keys, columns=keys))
        with pytest.raises(MethodError, match=r"different labels \[rows.*expected the same"):
            ahp(frame.rename(index={"rd": "research"}))

    def test_input_stays_as_it_is(self):
        before = THREE.copy()
        ahp(THREE)
        np.testing.assert_array_equal(THREE, before)


def columns_with(*shares):
    """Return a column of 16 rows for each number k of equal shares: e = ln k / ln 16."""
    return np.array([[float(row < k) for k in shares] for row in range(16)])


class TestImproved:
    def test_the_scale_ends_at_the_largest_ratio(self):
        # g = 1 - ln k / ln 16: 3/4, 2/4, 1/4, so D = 3, alpha = 3, R = 1: Saaty's 1, 2, 3.
        result = ahp_entropy_judgements(columns_with(2, 4, 8))
        np.testing.assert_allclose(result.divergence, [0.75, 0.5, 0.25], atol=1e-15)
        assert result.largest_ratio == pytest.approx(3)
        assert result.levels == 3
        np.testing.assert_allclose(result.scale, [1, 2, 3])
        # 3/4 over 2/4 is 1.5, half-way: the smaller, 1. The others are 3 and 2.
        expected = [[1, 1, 3], [1, 1, 2], [1 / 3, 1 / 2, 1]]
        np.testing.assert_allclose(result.judgements, expected, rtol=1e-12)
        np.testing.assert_allclose(result.weights, ahp(result.judgements), atol=1e-12)
        assert result.consistency.ratio == ahp_consistency(result.judgements).ratio

    def test_more_than_nine_steps_are_stretched_over_nine(self):
        z = np.random.default_rng(0).random((200, 4)) ** [0.3, 1, 4, 20]
        result = ahp_entropy_judgements(z)
        assert result.largest_ratio > 9
        assert result.levels == 9
        r = (result.largest_ratio / 9) ** (1 / 8)
        np.testing.assert_allclose(result.scale, [k * r ** (k - 1) for k in range(1, 10)])
        assert result.scale[-1] == pytest.approx(result.largest_ratio, rel=1e-14)

    def test_equal_ratios_weigh_the_same(self):
        column = np.array([0.0, 0.1, 0.4, 1.0])
        result = ahp_entropy_judgements(np.column_stack([np.roll(column, k) for k in range(3)]))
        assert result.levels == 1
        np.testing.assert_array_equal(result.scale, [1])
        np.testing.assert_allclose(result.weights, [1 / 3] * 3, atol=1e-15)
        assert result.consistency.ratio == 0

    def test_below_one_and_a_half_there_is_one_step(self):
        z = columns_with(2, 3)  # g = 0.75 and 0.604, a ratio of 1.24
        result = ahp_entropy_judgements(z)
        assert result.levels == 1
        np.testing.assert_allclose(result.weights, [0.5, 0.5], atol=1e-15)
        assert entropy(z)[0] > 0.55

    def test_half_way_is_rounded_up_to_two_steps(self):
        result = ahp_entropy_judgements(columns_with(2, 4))  # g = 3/4 and 2/4: 1.5
        assert result.levels == 2
        np.testing.assert_allclose(result.scale, [1, 1.5])
        np.testing.assert_allclose(result.weights, [0.6, 0.4], atol=1e-12)

    def test_a_constant_column_is_not_judged(self):
        z = columns_with(2, 16, 8)
        result = ahp_entropy_judgements(z)
        assert result.kept.tolist() == [True, False, True]
        assert result.judgements.shape == (2, 2)
        assert result.divergence[1] == 0
        np.testing.assert_allclose(result.weights, [0.75, 0, 0.25], atol=1e-12)

    def test_nothing_to_judge(self):
        with pytest.raises(DataError, match="every indicator is constant"):
            ahp_entropy_judgements(np.ones((3, 2)))

    def test_a_negative_value_is_located(self):
        with pytest.raises(DataError, match=r"z holds -1.0 \[row 0, column 1\]"):
            ahp_entropy([[0.0, -1.0], [1.0, 0.5]])

    @pytest.mark.parametrize("m", [2, 16, 50])
    def test_judgements_are_reciprocal_and_consistent(self, m):
        rng = np.random.default_rng(m)
        result = ahp_entropy_judgements(rng.random((341, m)) ** rng.uniform(0.2, 9, m))
        np.testing.assert_allclose(result.judgements * result.judgements.T, 1, rtol=1e-14)
        assert result.consistency.accepted
        order = np.argsort(result.divergence)
        assert (np.diff(result.weights[order]) > -1e-12).all()
