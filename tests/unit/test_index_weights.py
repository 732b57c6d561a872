"""Entropy and equal weights: what they promise, and what they refuse."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nqpf.errors import DataError, MethodError
from nqpf.index import ConstantIndicatorWarning
from nqpf.index.weights import METHODS, entropy, equal

pytestmark = pytest.mark.filterwarnings("ignore::nqpf.index.ConstantIndicatorWarning")

ANY = st.one_of(
    st.integers(0, 3).map(float),  # ties and zeros
    st.floats(0, allow_infinity=False),  # subnormal to 1.8e308
)
GRID = st.integers(0, 20).map(lambda k: k / 20)


def matrices(elements, rows=(1, 9)):
    shape = st.tuples(st.integers(*rows), st.integers(1, 5))
    return shape.flatmap(lambda s: arrays.arrays(np.float64, s, elements=elements))


@given(matrices(ANY))
def test_weights_are_non_negative_and_sum_to_one(z):
    w = entropy(z)
    assert w.shape == (z.shape[1],)
    assert (w >= 0).all()
    assert abs(w.sum() - 1) <= 1e-12


@given(matrices(ANY, rows=(2, 9)))
def test_a_column_that_does_not_vary_has_no_weight(z):
    varying = z.min(axis=0) < z.max(axis=0)
    assume(varying.any())
    assert (entropy(z)[~varying] == 0).all()


@given(matrices(GRID, rows=(2, 9)), st.randoms(use_true_random=False))
def test_row_order_does_not_matter(z, random):
    order = list(range(len(z)))
    random.shuffle(order)
    np.testing.assert_allclose(entropy(z[order]), entropy(z), rtol=0, atol=1e-12)


@given(matrices(GRID, rows=(2, 9)), st.randoms(use_true_random=False))
def test_weights_follow_their_columns(z, random):
    order = list(range(z.shape[1]))
    random.shuffle(order)
    np.testing.assert_allclose(entropy(z[:, order]), entropy(z)[order], rtol=0, atol=1e-12)


@given(matrices(GRID, rows=(2, 9)), st.sampled_from([5e-324, 1e-310, 1e-150, 1e-5, 1e5, 1e300]))
def test_magnitude_does_not_matter(z, scale):
    # Whole multiples of the scale, so that subnormal numbers are exact too.
    multiples = z * 20
    np.testing.assert_allclose(entropy(multiples * scale), entropy(z), rtol=0, atol=1e-12)


@given(matrices(GRID, rows=(2, 9)))
def test_a_more_dispersed_column_weighs_more(z):
    # Half-way to its mean, a column is less dispersed, so it weighs less than the original.
    column = z[:, :1]
    assume(column.min() < column.max())
    w = entropy(np.column_stack([column, (column + column.mean()) / 2]))
    assert w[0] > w[1]


@given(matrices(GRID, rows=(2, 9)))
def test_input_stays_as_it_is_and_layout_does_not_matter(z):
    before = z.copy()
    w = entropy(z, shift=1e-4)
    np.testing.assert_array_equal(z, before)
    np.testing.assert_array_equal(entropy(np.asfortranarray(z), shift=1e-4), w)


def test_zeros_add_nothing():
    # p ln p of the zeros is 0, so each column has e = ln 2 / ln 4 = 1 / 2.
    # With three columns, the third of e = 0, weights are as 1/2 : 1/2 : 1.
    z = [[1.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]
    np.testing.assert_allclose(entropy(z), [0.25, 0.25, 0.5], rtol=0, atol=1e-15)


def test_a_zero_column_and_a_constant_column_have_no_weight():
    np.testing.assert_array_equal(entropy([[0.0, 0.0, 3.0], [0.0, 1.0, 3.0]]), [0, 1, 0])


@pytest.mark.parametrize(
    "z", [np.zeros((3, 4)), np.full((3, 4), 0.3), np.ones((1, 4)), np.eye(1, 4)], ids=str
)
def test_when_no_column_varies_weights_are_equal_and_it_says_so(z):
    with pytest.warns(ConstantIndicatorWarning, match="no column varies"):
        np.testing.assert_array_equal(entropy(z), [0.25] * 4)


def test_equally_dispersed_columns_weigh_the_same():
    z = np.array([[0.0, 1.0, 0.5], [0.5, 0.0, 1.0], [1.0, 0.5, 0.0]])
    np.testing.assert_allclose(entropy(z), [1 / 3] * 3, rtol=0, atol=1e-15)


def test_columns_that_differ_by_the_last_bit():
    z = np.ones((5, 3))
    z[0, :2] = np.nextafter(1.0, 2.0)
    w = entropy(z)
    assert abs(w.sum() - 1) <= 1e-12
    assert w[2] == 0


def test_shift_is_added_first():
    z = np.array([[0.0, 0.2], [0.5, 0.3], [1.0, 0.0]])
    np.testing.assert_array_equal(entropy(z, shift=1e-4), entropy(z + 1e-4))
    assert np.abs(entropy(z, shift=1e-2) - entropy(z)).max() > 1e-3


@pytest.mark.parametrize("shift", [-1e-4, np.nan, np.inf, "0.1", None], ids=str)
def test_shift_is_checked(shift):
    with pytest.raises(MethodError, match="shift is"):
        entropy([[0.0], [1.0]], shift=shift)


def test_many_blocks_give_what_one_gives():
    z = np.random.default_rng(0).random((40_000, 6)) ** [1, 2, 3, 4, 5, 6]
    p = z / z.sum(axis=0)
    gain = 1 + (p * np.log(p)).sum(axis=0) / np.log(len(z))
    np.testing.assert_allclose(entropy(z), gain / gain.sum(), rtol=0, atol=1e-12)


def test_bad_values_are_located():
    with pytest.raises(DataError, match=r"z holds nan \[row 1, column 0\]"):
        entropy([[0.0, 1.0], [np.nan, 0.0]])
    with pytest.raises(DataError, match=r"z holds -0.5 \[row 1, column 1\].*minmax first"):
        entropy([[0.0, 1.0], [1.0, -0.5]])
    with pytest.raises(DataError, match=r"z has shape \(2,\)"):
        entropy([0.0, 1.0])


def test_equal_weights():
    np.testing.assert_array_equal(equal(np.ones((2, 5))), [0.2] * 5)


def test_registry():
    assert METHODS["entropy"] is entropy
    assert METHODS["equal"] is equal
