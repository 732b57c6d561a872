"""What every aggregation promises, and what it refuses, at the level of arrays."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_up_index import ANY, weighted

from nqpf.errors import DataError, MethodError
from nqpf.index.aggregate import (
    ADDITIVE,
    METHODS,
    NON_NEGATIVE,
    copeland,
    geometric,
    harmonic,
    linear,
    topsis,
    vikor,
)


def vikor_score(z, w):
    return METHODS["vikor"](z, w)


def topsis_sqrt(z, w):
    return topsis(z, w, weighting="sqrt")


NEW = [vikor_score, geometric, harmonic, copeland, topsis_sqrt]
ALL = pytest.mark.parametrize("method", [*NEW, linear, topsis], ids=lambda f: f.__name__)
MEANS = pytest.mark.parametrize("method", [geometric, harmonic], ids=lambda f: f.__name__)


def test_registry():
    assert list(METHODS) == [
        "copeland",
        "coupling",
        "geometric",
        "harmonic",
        "linear",
        "topsis",
        "vikor",
    ]
    assert set(METHODS) > NON_NEGATIVE | ADDITIVE


@ALL
@given(case=weighted())
def test_scores_lie_between_zero_and_one(method, case):
    scores = method(*case)
    assert scores.shape == (len(case[0]),)
    assert scores.min() >= 0
    assert scores.max() <= 1 + 1e-12  # weights sum to 1 up to rounding


@ALL
@given(case=weighted(), random=st.randoms(use_true_random=False))
def test_row_and_column_order_do_not_matter(method, case, random):
    z, w = case
    rows, columns = list(range(len(z))), list(range(len(w)))
    random.shuffle(rows)
    random.shuffle(columns)
    shuffled = method(z[rows][:, columns], w[columns])
    np.testing.assert_allclose(shuffled, method(z, w)[rows], rtol=0, atol=1e-12)


@ALL
@given(case=weighted(rows=(2, 9)))
def test_a_row_that_is_nowhere_worse_scores_no_less(method, case):
    z, w = case
    z = np.vstack([z, np.maximum(z[0], z[1])])
    scores = method(z, w)
    assert scores[-1] >= max(scores[0], scores[1]) - 1e-12


@ALL
@given(case=weighted(rows=(2, 9)))
def test_equal_rows_score_the_same(method, case):
    z, w = case
    scores = method(np.vstack([z, z[:1]]), w)
    assert scores[-1] == pytest.approx(scores[0], rel=0, abs=1e-12)


@ALL
@given(case=weighted(rows=(2, 9)), data=st.data())
def test_an_indicator_without_weight_does_not_count(method, case, data):
    z, w = case
    j = data.draw(st.integers(0, len(w)))
    wide = np.insert(z, j, data.draw(st.floats(0, 1)) * np.arange(len(z)) / len(z), axis=1)
    np.testing.assert_allclose(method(wide, np.insert(w, j, 0.0)), method(z, w), rtol=0, atol=1e-12)


@ALL
@given(case=weighted(rows=(3, 9)), data=st.data())
def test_raising_one_value_inside_the_range_lowers_no_score_of_its_row(method, case, data):
    z, w = case
    i, j = data.draw(st.integers(0, len(z) - 1)), data.draw(st.integers(0, len(w) - 1))
    others = np.delete(z[:, j], i)
    assume(others.min() <= z[i, j] < others.max())
    raised = z.copy()
    raised[i, j] = others.max()
    before, after = method(z, w), method(raised, w)
    if method is vikor_score:  # S* and R* may move with the row: compare S and R instead
        assert (vikor_parts(raised, w)[:, i] <= vikor_parts(z, w)[:, i] + 1e-12).all()
    else:
        assert after[i] >= before[i] - 1e-12


def vikor_parts(z, w):
    from nqpf.index.aggregate import measures

    values = measures(z, w)
    return np.array([values.S, values.R])


@ALL
@given(case=weighted())
def test_input_stays_as_it_is_and_layout_does_not_matter(method, case):
    z, w = case
    before = z.copy(), w.copy()
    scores = method(z, w)
    np.testing.assert_array_equal(z, before[0])
    np.testing.assert_array_equal(w, before[1])
    np.testing.assert_allclose(method(np.asfortranarray(z), w), scores, rtol=0, atol=1e-14)


@ALL
@pytest.mark.parametrize(
    ("w", "message"),
    [
        ([0.5, 0.5], r"w has shape \(2,\); expected one weight per column \(3,\)"),
        ([0.5, 0.6, -0.1], r"weight -0.1 is negative \[column 2\]"),
        ([0.2, 0.3, 0.4], "weights sum to 0.9"),
        ([0.5, 0.5, np.nan], "missing or infinite weight"),
        (["a", "b", "c"], "w is not numeric"),
    ],
    ids=str,
)
def test_weights_are_checked(method, w, message):
    with pytest.raises(MethodError, match=message):
        method(np.eye(3), w)


@ALL
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("weight", [0.5, 0.0])
def test_a_value_that_is_not_finite_is_located(method, bad, weight):
    z = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, bad]])
    with pytest.raises(DataError, match=rf"z holds {bad} \[row 2, column 1\]"):
        method(z, [1 - weight, weight])


@pytest.mark.parametrize("method", [vikor, copeland, topsis_sqrt], ids=lambda f: f.__name__)
@given(case=weighted(ANY))
def test_bounded_at_any_magnitude(method, case):
    scores = method(*case)
    assert ((scores >= 0) & (scores <= 1 + 1e-15)).all()


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        (vikor, 0.0),
        (vikor_score, 1.0),
        (copeland, 0.5),
        (topsis_sqrt, 0.5),
        (geometric, 0.3),
        (harmonic, 0.3),
        (linear, 0.3),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.parametrize("rows", [1, 4])
def test_identical_rows_and_one_row_have_an_answer(method, answer, rows):
    scores = method(np.full((rows, 2), 0.3), [0.25, 0.75])
    np.testing.assert_allclose(scores, answer, rtol=0, atol=1e-15)


@ALL
def test_a_single_indicator_keeps_its_order(method):
    z = np.array([[0.1], [0.9], [0.4], [0.4]])
    assert np.argsort(method(z, [1.0]), kind="stable").tolist() == [0, 2, 3, 1]


@given(weighted(rows=(1, 6)))
def test_the_means_are_in_order(case):
    z, w = case
    low, middle, high = harmonic(z, w), geometric(z, w), linear(z, w)
    assert (low <= middle + 1e-12).all()
    assert (middle <= high + 1e-12).all()
    own = z[:, w > 0]
    assert (low >= own.min(axis=1) * (1 - 1e-12)).all()
    assert (high <= own.max(axis=1) * (1 + 1e-12)).all()


@MEANS
def test_one_zero_makes_a_mean_zero_unless_it_has_no_weight(method):
    z = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
    np.testing.assert_allclose(method(z, [0.5, 0.5]), [0, 0, 0.5], rtol=0, atol=1e-15)
    np.testing.assert_allclose(method(z, [0.0, 1.0]), [1, 0, 0.5], rtol=0, atol=1e-15)


@MEANS
def test_values_below_zero_have_no_mean(method):
    with pytest.raises(DataError, match=r"z holds -0.1 \[row 1, column 0\].*minmax first"):
        method([[0.5, 0.2], [-0.1, 0.3]], [0.0, 1.0])


@MEANS
@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-200, 1e200, 1.7e308])
def test_means_of_any_magnitude(method, size):
    z = np.full((2, 3), size)
    np.testing.assert_allclose(method(z, [0.2, 0.3, 0.5]), size, rtol=1e-12)


def test_harmonic_of_far_apart_values():
    z = np.array([[1e-310, 1e300], [1e-300, 1e300]])
    np.testing.assert_allclose(harmonic(z, [0.5, 0.5]), [2e-310, 2e-300], rtol=1e-12)
    np.testing.assert_allclose(geometric(z, [0.5, 0.5]), [1e-5, 1.0], rtol=1e-12)


def test_copeland_is_a_majority_not_a_sum():
    z = [[1.0, 0.0, 0.0], [0.0, 0.1, 0.1], [0.0, 0.05, 0.2]]
    np.testing.assert_array_equal(copeland(z, [0.4, 0.3, 0.3]), [0, 0.75, 0.75])
    assert linear(z, [0.4, 0.3, 0.3]).argmax() == 0


def test_copeland_knows_a_draw_up_to_rounding():
    # 0.1 + 0.2 and 0.3 differ in their last digit.
    assert 0.1 + 0.2 + 0.4 != 0.3 + 0.4
    z = [[1.0, 1.0, 0.0, 0.5], [0.0, 0.0, 1.0, 0.5]]
    np.testing.assert_array_equal(copeland(z, [0.1, 0.2, 0.3, 0.4]), [0.5, 0.5])


def test_copeland_of_a_cycle_is_a_draw_for_all():
    z = [[3.0, 1, 2], [2, 3, 1], [1, 2, 3]]
    np.testing.assert_allclose(copeland(z, np.full(3, 1 / 3)), 0.5, rtol=0, atol=1e-15)


@given(weighted(rows=(2, 9)))
def test_copeland_has_mean_one_half_and_sees_order_only(case):
    z, w = case
    scores = copeland(z, w)
    assert scores.mean() == pytest.approx(0.5, abs=1e-12)
    ranks = np.array([np.unique(column, return_inverse=True)[1] for column in z.T]).T
    np.testing.assert_array_equal(copeland(ranks**3, w), scores)


def test_copeland_in_many_blocks_gives_what_one_gives():
    rng = np.random.default_rng(0)
    z, w = rng.integers(0, 4, size=(900, 3)).astype(float), np.array([0.5, 0.25, 0.25])
    majority = sum(
        weight * np.sign(column[:, None] - column) for weight, column in zip(w, z.T, strict=True)
    )
    expected = ((majority > 0).sum(axis=1) + (majority == 0).sum(axis=1) / 2 - 0.5) / 899
    np.testing.assert_allclose(copeland(z, w), expected, rtol=0, atol=1e-12)


def test_topsis_with_roots_of_weights_is_the_distance_weighted_once():
    rng = np.random.default_rng(3)
    z, w = rng.random((40, 5)), rng.dirichlet(np.ones(5))
    away = np.sqrt((w * (z - z.min(axis=0)) ** 2).sum(axis=1))
    near = np.sqrt((w * (z - z.max(axis=0)) ** 2).sum(axis=1))
    np.testing.assert_allclose(topsis_sqrt(z, w), away / (away + near), rtol=0, atol=1e-12)
    assert np.abs(topsis_sqrt(z, w) - topsis(z, w)).max() > 1e-2


def test_equal_weights_make_both_distances_the_same():
    z = np.random.default_rng(4).random((30, 4))
    np.testing.assert_allclose(
        topsis_sqrt(z, np.full(4, 0.25)), topsis(z, np.full(4, 0.25)), rtol=0, atol=1e-14
    )


def test_unknown_weighting_of_distances():
    with pytest.raises(MethodError, match=r"unknown weighting of distances 'sqr'.*once, sqrt.*'sq"):
        topsis(np.eye(2), [0.5, 0.5], weighting="sqr")
