"""Normalisations: what they promise, and what they refuse."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_up_index import ANY

from nqpf.errors import DataError, MethodError
from nqpf.index.normalise import _ConstantIndicatorWarning, minmax
from nqpf.index.recipe import _METHODS

pytestmark = pytest.mark.filterwarnings("ignore::nqpf.index.normalise._ConstantIndicatorWarning")
BY_NAME = _METHODS["normalise"]
minmax_yearly, rank, vector, zscore = (
    BY_NAME[name] for name in ("minmax_yearly", "rank", "vector", "zscore")
)
POOLED = pytest.mark.parametrize("method", [minmax, rank, vector, zscore], ids=lambda f: f.__name__)


@st.composite
def samples(draw, elements=ANY):
    rows, columns = draw(st.integers(2, 9)), draw(st.integers(1, 5))
    x = draw(arrays.arrays(np.float64, (rows, columns), elements=elements))
    assume((x.min(axis=0) < x.max(axis=0)).all())
    return x, draw(arrays.arrays(np.bool_, columns))


@POOLED
@given(sample=samples(), random=st.randoms(use_true_random=False))
def test_more_is_better_in_any_order_of_rows_and_layout(method, sample, random):
    x, benefit = sample
    before = x.copy()
    z = method(x, benefit)
    assert np.isfinite(z).all()
    for j, more_is_better in enumerate(benefit):
        column = x[:, j] if more_is_better else -x[:, j]
        assert (np.diff(z[np.argsort(column, kind="stable"), j]) >= 0).all()
    order = list(range(len(x)))
    random.shuffle(order)
    np.testing.assert_allclose(method(x[order], benefit), z[order], rtol=0, atol=1e-12)
    np.testing.assert_allclose(method(np.asfortranarray(x), benefit), z, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(x, before)


@given(samples())
def test_ranges_and_ranks_lie_between_zero_and_one(sample):
    x, benefit = sample
    for z in (minmax(x, benefit), rank(x, benefit)):
        assert z.min() >= 0 and z.max() <= 1
    np.testing.assert_array_equal(minmax(x, benefit), minmax(-x, ~benefit))
    np.testing.assert_allclose(rank(x, benefit).mean(axis=0), 0.5, rtol=0, atol=1e-12)
    np.testing.assert_allclose(rank(x, ~benefit), 1 - rank(x, benefit), rtol=0, atol=1e-15)
    z = zscore(x, benefit)
    np.testing.assert_allclose(z.mean(axis=0), 0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(z.std(axis=0, ddof=1), 1, rtol=0, atol=1e-9)


@given(samples(st.integers(-1000, 1000).map(float)), st.floats(1e-6, 1e6), st.floats(-10, 10))
def test_units_do_not_matter(sample, scale, shift):
    # The shift is in ranges of the column: a larger one would round x itself away.
    x, benefit = sample
    moved = scale * x + shift * scale * np.ptp(x, axis=0)
    assume(all(len(np.unique(a)) == len(np.unique(b)) for a, b in zip(moved.T, x.T, strict=True)))
    for method, close in ((minmax, 1e-12), (zscore, 1e-9), (rank, 0)):
        np.testing.assert_allclose(
            method(moved, benefit), method(x, benefit), rtol=close, atol=close
        )


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


@pytest.mark.parametrize("size", [5e-324, 1e-300, 1.0, 1e300, 2e307])
def test_magnitude_does_not_matter(size):
    x = np.array([[0.0], [4.0], [8.0]]) * size
    np.testing.assert_array_equal(minmax(x, [True]).ravel(), [0, 0.5, 1])
    np.testing.assert_array_equal(rank(x, [True]).ravel(), [0, 0.5, 1])
    np.testing.assert_allclose(zscore(x, [True]).ravel(), [-1, 0, 1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(vector(x, [True]).ravel(), np.array([0, 1, 2]) / 5**0.5, rtol=1e-12)


def test_a_range_beyond_the_largest_number():
    z = minmax([[-1.7e308, 1.0], [0.0, 2.0], [1.7e308, 3.0]], [True, False])
    np.testing.assert_array_equal(z, [[0, 1], [0.5, 0.5], [1, 0]])


def test_many_blocks_give_what_one_gives():
    x = np.random.default_rng(0).normal(size=(40_000, 7))
    benefit = np.arange(7) % 2 == 0
    low, width = x.min(axis=0), np.ptp(x, axis=0)
    expected = np.where(benefit, x - low, low + width - x) / width
    np.testing.assert_allclose(minmax(x, benefit), expected, rtol=0, atol=1e-14)


@POOLED
def test_a_constant_column_becomes_zeros_and_is_named(method):
    x = pd.DataFrame([[1.0, 7.0, 0.0], [2.0, 7.0, 0.0]], columns=["gdp", "rail", "road"])
    with pytest.warns(_ConstantIndicatorWarning, match="set to zero: rail; road$"):
        z = method(x, [True, True, False])
    np.testing.assert_array_equal(z[:, 1:], 0)
    assert z[0, 0] < z[1, 0]
    with pytest.warns(_ConstantIndicatorWarning, match="column 1; column 2"):
        method(x.to_numpy(), [True, True, False])


@POOLED
@pytest.mark.parametrize("x", [[[1.0, 2.0]], [[3.0], [3.0]], [[0.0], [0.0], [0.0]]], ids=str)
def test_nothing_varies(method, x):
    with pytest.raises(DataError, match="every indicator is constant; expected an indicator that"):
        method(x, [True] * len(x[0]))


@POOLED
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rows", [3, 40_000])
def test_a_value_that_is_not_finite_is_located(method, bad, rows):
    x = np.ones((rows, 2)) * np.arange(rows)[:, None]
    x[rows - 1, 1] = bad
    with pytest.raises(DataError, match=rf"x holds {bad} \[row {rows - 1}, column 1\]"):
        method(x, [True, True])


@pytest.mark.parametrize(
    ("x", "benefit", "error", "message"),
    [
        ([1.0, 2.0], [True], DataError, r"x has shape \(2,\); expected at least one row"),
        (np.empty((0, 3)), [True] * 3, DataError, r"x has shape \(0, 3\)"),
        (np.empty((3, 0)), [True] * 3, DataError, r"x has shape \(3, 0\)"),
        ([["a"], ["b"]], [True], DataError, "x is not numeric"),
        ([[1.0, 2.0], [2.0, 1.0]], [1, -1], MethodError, "one boolean per column"),
        ([[1.0, 2.0], [2.0, 1.0]], [True], MethodError, "one boolean per column"),
        ([[1.0, 2.0], [2.0, 1.0]], [[True, False]], MethodError, "one boolean per column"),
        ([[1.0, 2.0], [2.0, 1.0]], ["+", "-"], MethodError, "one boolean per column"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(x, benefit, error, message):
    for method in (minmax, zscore):
        with pytest.raises(error, match=message):
            method(x, benefit)


def test_yearly_is_minmax_in_each_year():
    rng = np.random.default_rng(3)
    x, benefit = rng.random((60, 4)), np.array([True, False, True, True])
    years = rng.integers(2015, 2018, size=60)
    z = minmax_yearly(x, benefit, years)
    for year in (2015, 2016, 2017):
        np.testing.assert_array_equal(z[years == year], minmax(x[years == year], benefit))


def test_yearly_says_where_a_column_is_constant_and_refuses_a_year_without_variation():
    x = pd.DataFrame([[1.0, 5.0], [2.0, 5.0], [1.0, 5.0], [3.0, 6.0]], columns=["gdp", "rail"])
    with pytest.warns(_ConstantIndicatorWarning, match=r"set to zero: rail in 2021$"):
        z = minmax_yearly(x, [True, True], [2021, 2021, 2022, 2022])
    np.testing.assert_array_equal(z[:, 1], [0, 0, 0, 1])
    with pytest.raises(DataError, match=r"constant \[year 2022\]"):
        minmax_yearly([[1.0], [2.0], [9.0]], [True], [2021, 2021, 2022])
    with pytest.raises(DataError, match=r"years has shape \(1,\)"):
        minmax_yearly([[1.0], [2.0]], [True], [2021])
