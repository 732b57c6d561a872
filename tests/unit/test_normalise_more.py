"""Standard scores, unit length, ranks and targets: what they promise, and what they refuse."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_up_index import ANY

from nqpf.errors import DataError, MethodError
from nqpf.index import ConstantIndicatorWarning
from nqpf.index.normalise import METHODS, SIGNED, UNIT, minmax, rank, target, vector, zscore

pytestmark = pytest.mark.filterwarnings("ignore::nqpf.index.ConstantIndicatorWarning")


def first_on_target(x, benefit, names=None):
    middle = float(np.median(np.asarray(x, dtype=float)[:, 0]))
    key = 0 if names is None else names[0]
    return target(x, benefit, {key: (middle, middle)}, names)


THREE = pytest.mark.parametrize("method", [zscore, vector, rank], ids=lambda f: f.__name__)
FOUR = pytest.mark.parametrize(
    "method", [zscore, vector, rank, first_on_target], ids=lambda f: f.__name__
)


@st.composite
def samples(draw, elements=ANY):
    rows, columns = draw(st.integers(2, 9)), draw(st.integers(1, 5))
    x = draw(arrays.arrays(np.float64, (rows, columns), elements=elements))
    assume((x.min(axis=0) < x.max(axis=0)).all())
    return x, draw(arrays.arrays(np.bool_, columns))


def test_registry():
    assert list(METHODS) == ["minmax", "minmax_yearly", "rank", "target", "vector", "zscore"]
    assert set(METHODS) == UNIT | SIGNED | {"vector"}


@THREE
@given(sample=samples())
def test_more_is_better(method, sample):
    x, benefit = sample
    z = method(x, benefit)
    assert np.isfinite(z).all()
    for j, more_is_better in enumerate(benefit):
        column = x[:, j] if more_is_better else -x[:, j]
        assert (np.diff(z[np.argsort(column, kind="stable"), j]) >= 0).all()


@THREE
@given(sample=samples(), random=st.randoms(use_true_random=False))
def test_row_order_does_not_matter(method, sample, random):
    x, benefit = sample
    order = list(range(len(x)))
    random.shuffle(order)
    np.testing.assert_allclose(
        method(x[order], benefit), method(x, benefit)[order], rtol=0, atol=1e-12
    )


@FOUR
@given(sample=samples(st.integers(-100, 100).map(float)))
def test_input_stays_as_it_is_and_layout_does_not_matter(method, sample):
    x, benefit = sample
    assume((x[:, 0] != np.median(x[:, 0])).any())
    before = x.copy()
    z = method(x, benefit)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(method(np.asfortranarray(x), benefit), z, rtol=0, atol=1e-14)


@given(samples())
def test_standard_scores_have_mean_zero_and_deviation_one(sample):
    z = zscore(*sample)
    np.testing.assert_allclose(z.mean(axis=0), 0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(z.std(axis=0, ddof=1), 1, rtol=0, atol=1e-9)


@given(samples(st.integers(-1000, 1000).map(float)), st.floats(1e-6, 1e6), st.floats(-10, 10))
def test_units_do_not_matter_to_standard_scores_and_ranks(sample, scale, shift):
    x, benefit = sample
    moved = scale * x + shift * scale
    assume(all(len(np.unique(a)) == len(np.unique(b)) for a, b in zip(moved.T, x.T, strict=True)))
    np.testing.assert_allclose(zscore(moved, benefit), zscore(x, benefit), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(rank(moved, benefit), rank(x, benefit))


@given(samples(st.floats(0, 1e6)), st.floats(1e-6, 1e6))
def test_vectors_have_length_one_and_do_not_depend_on_scale(sample, scale):
    x, _ = sample
    assume((x.max(axis=0) > 1e-100).all())
    assume(((x * scale).min(axis=0) < (x * scale).max(axis=0)).all())
    up = np.ones(x.shape[1], dtype=bool)
    z = vector(x, up)
    np.testing.assert_allclose((z**2).sum(axis=0), 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(vector(x * scale, up), z, rtol=0, atol=1e-12)
    np.testing.assert_allclose(vector(x, ~up), 1 - z, rtol=0, atol=1e-15)
    assert ((z >= 0) & (z <= 1)).all()


@given(samples())
def test_ranks_lie_between_zero_and_one_with_mean_one_half(sample):
    z = rank(*sample)
    assert ((z >= 0) & (z <= 1)).all()
    np.testing.assert_allclose(z.mean(axis=0), 0.5, rtol=0, atol=1e-12)
    np.testing.assert_allclose(rank(sample[0], ~sample[1]), 1 - z, rtol=0, atol=1e-15)


@pytest.mark.parametrize("size", [5e-324, 1e-300, 1.0, 1e300, 2e307])
def test_magnitude_does_not_matter(size):
    x = np.array([[0.0], [4.0], [8.0]]) * size
    np.testing.assert_allclose(zscore(x, [True]).ravel(), [-1, 0, 1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(vector(x, [True]).ravel(), np.array([0, 1, 2]) / 5**0.5, rtol=1e-12)
    np.testing.assert_array_equal(rank(x, [True]).ravel(), [0, 0.5, 1])
    inside = target(x, [True], {0: (4 * size, 4 * size)})
    np.testing.assert_array_equal(inside.ravel(), [0, 1, 0])


def test_a_target_beyond_the_largest_difference():
    z = target([[-1.7e308], [0.0], [1.7e308]], [True], {0: (1.6e308, np.inf)})
    np.testing.assert_allclose(z.ravel(), [0, 1.7 / 3.3, 1], rtol=1e-12)


@THREE
def test_a_constant_column_becomes_zeros_and_is_named(method):
    x = [[1.0, 7.0, 0.0], [2.0, 7.0, 0.0]]
    with pytest.warns(ConstantIndicatorWarning, match="set to zero: rail, road$"):
        z = method(x, [True, True, False], names=["gdp", "rail", "road"])
    np.testing.assert_array_equal(z[:, 1:], 0)
    assert z[0, 0] < z[1, 0]


@FOUR
@pytest.mark.parametrize("x", [[[1.0, 2.0]], [[3.0], [3.0]], [[0.0], [0.0], [0.0]]], ids=str)
def test_nothing_varies(method, x):
    with pytest.raises(DataError, match="every indicator is constant"):
        method(x, [True] * len(x[0]))


@FOUR
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_located(method, bad):
    with pytest.raises(DataError, match=rf"x holds {bad} \[row 2, column 1\]"):
        method([[0.0, 1.0], [1.0, 0.0], [0.5, bad]], [True, True])


@FOUR
@pytest.mark.parametrize("benefit", [[1, -1], [True], ["+", "-"]], ids=str)
def test_directions_are_one_boolean_per_column(method, benefit):
    with pytest.raises(MethodError, match="one boolean per column"):
        method([[1.0, 2.0], [2.0, 1.0]], benefit)


def test_targets_fall_off_on_both_sides():
    x = [[35.0], [36.0], [36.5], [37.0], [39.0]]
    z = target(x, [False], {0: (36, 37)}).ravel()
    np.testing.assert_array_equal(z, [0.5, 1, 1, 1, 0])


def test_columns_without_a_target_are_scaled_by_range():
    x = np.random.default_rng(2).random((20, 3))
    z = target(x, [True, False, True], {"b": (0.2, 0.4)}, names=["a", "b", "c"])
    other = minmax(x, [True, False, True])
    np.testing.assert_array_equal(z[:, [0, 2]], other[:, [0, 2]])
    inside = (x[:, 1] >= 0.2) & (x[:, 1] <= 0.4)
    np.testing.assert_array_equal(z[:, 1] == 1, inside)
    assert z[:, 1].min() == 0


def test_one_sided_and_single_valued_targets():
    x = [[1.0], [2.0], [3.0]]
    assert target(x, [True], {0: (2, np.inf)}).ravel().tolist() == [0, 1, 1]
    assert target(x, [True], {0: (-np.inf, 2)}).ravel().tolist() == [1, 1, 0]
    assert target(x, [True], {0: (2, 2)}).ravel().tolist() == [0, 1, 0]


def test_a_column_within_its_target_is_one_and_named():
    x = [[1.0, 5.0, 9.0], [2.0, 6.0, 9.0]]
    with pytest.warns(ConstantIndicatorWarning) as caught:
        z = target(x, [True] * 3, {"b": (0, 10), "c": (0, 1)}, names=["a", "b", "c"])
    assert [str(w.message) for w in caught] == [
        "constant, so set to zero: c",
        "constant, so set to one: b",
    ]
    np.testing.assert_array_equal(z, [[0, 1, 0], [1, 1, 0]])


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({}, "targets is {}; expected a mapping"),
        (None, "targets is None"),
        ([(0, 1)], "expected a mapping from column"),
        ({"so3": (0, 1)}, "unknown column of a target 'so3'; expected one of rd, so2.*'so2'"),
        ({0: (0, 1)}, "unknown column of a target 0"),
        ({"so2": (1, 0)}, r"\(1, 0\) is not an interval \[column so2\]"),
        ({"so2": (0, np.nan)}, "is not an interval"),
        ({"so2": (np.inf, np.inf)}, "is not an interval"),
        ({"so2": 5}, "target 5 is not an interval"),
        ({"so2": ("a", "b")}, "two numbers, the lower first"),
        ({"so2": (0, 1, 2)}, "is not an interval"),
    ],
    ids=str,
)
def test_targets_are_checked(targets, message):
    with pytest.raises(MethodError, match=message):
        target(np.eye(2), [True, True], targets, names=["rd", "so2"])
