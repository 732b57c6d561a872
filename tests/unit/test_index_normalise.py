"""Min-max normalisation: what it promises, and what it refuses."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nqpf.errors import DataError, MethodError
from nqpf.index import ConstantIndicatorWarning
from nqpf.index.normalise import METHODS, WITHIN_YEAR, minmax, minmax_yearly

pytestmark = pytest.mark.filterwarnings("ignore::nqpf.index.ConstantIndicatorWarning")

ANY = st.one_of(
    st.integers(-3, 3).map(float),  # ties
    st.floats(allow_nan=False, allow_infinity=False),  # subnormal to 1.8e308
)


@st.composite
def samples(draw, elements=ANY):
    rows, columns = draw(st.integers(2, 9)), draw(st.integers(1, 5))
    x = draw(arrays.arrays(np.float64, (rows, columns), elements=elements))
    assume((x.min(axis=0) < x.max(axis=0)).any())
    benefit = draw(arrays.arrays(np.bool_, columns))
    return x, benefit


@given(samples())
def test_bounds_and_order(sample):
    x, benefit = sample
    z = minmax(x, benefit)
    assert z.min() >= 0
    assert z.max() <= 1
    for j, more_is_better in enumerate(benefit):
        column = x[:, j] if more_is_better else -x[:, j]
        order = np.argsort(column, kind="stable")
        assert (np.diff(z[order, j]) >= 0).all()
        if np.ptp(x[:, j] / 2) > 0:
            assert z[:, j].min() == 0
            assert z[:, j].max() == 1


@given(samples(), st.randoms(use_true_random=False))
def test_row_order_does_not_matter(sample, random):
    x, benefit = sample
    order = list(range(len(x)))
    random.shuffle(order)
    np.testing.assert_array_equal(minmax(x[order], benefit), minmax(x, benefit)[order])


@given(
    samples(st.integers(-1_000, 1_000).map(float)),
    st.floats(1e-6, 1e6),
    st.floats(-10, 10),
)
def test_units_do_not_matter(sample, scale, shift):
    # The shift is in ranges of the column: a larger one would round x itself away.
    x, benefit = sample
    moved = scale * x + shift * scale * (x.max(axis=0) - x.min(axis=0))
    assume(((x.max(axis=0) == x.min(axis=0)) == (moved.max(axis=0) == moved.min(axis=0))).all())
    np.testing.assert_allclose(minmax(moved, benefit), minmax(x, benefit), rtol=1e-12, atol=1e-12)


@given(samples())
def test_a_cost_is_a_benefit_of_the_negative(sample):
    x, benefit = sample
    np.testing.assert_array_equal(minmax(x, benefit), minmax(-x, ~benefit))


@given(samples())
def test_input_stays_as_it_is_and_layout_does_not_matter(sample):
    x, benefit = sample
    before = x.copy()
    z = minmax(x, benefit)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(minmax(np.asfortranarray(x), benefit), z)
    np.testing.assert_array_equal(minmax(np.repeat(x, 2, axis=0)[::2], benefit), z)


def test_many_blocks_give_what_one_gives():
    x = np.random.default_rng(0).normal(size=(5_000, 7))
    benefit = np.arange(7) % 2 == 0
    low, width = x.min(axis=0), np.ptp(x, axis=0)
    expected = np.where(benefit, x - low, low + width - x) / width
    np.testing.assert_allclose(minmax(x, benefit), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("scale", [5e-324, 1e-300, 1.0, 1e300])
def test_magnitude_does_not_matter(scale):
    z = minmax(np.array([[0.0], [4.0], [8.0]]) * scale, [True])
    np.testing.assert_array_equal(z.ravel(), [0, 0.5, 1])


def test_a_range_beyond_the_largest_number():
    z = minmax([[-1.7e308, 1.0], [0.0, 2.0], [1.7e308, 3.0]], [True, False])
    np.testing.assert_array_equal(z, [[0, 1], [0.5, 0.5], [1, 0]])


def test_a_constant_column_becomes_zeros_and_is_named():
    x = [[1.0, 7.0, 0.0], [2.0, 7.0, 0.0]]
    with pytest.warns(ConstantIndicatorWarning, match="zero: rail, road$"):
        z = minmax(x, [True, True, False], names=["gdp", "rail", "road"])
    np.testing.assert_array_equal(z, [[0, 0, 0], [1, 0, 0]])
    with pytest.warns(ConstantIndicatorWarning, match="column 1, column 2"):
        minmax(x, [True, True, False])


@pytest.mark.parametrize("x", [[[1.0, 2.0]], [[3.0], [3.0]], [[0.0], [0.0], [0.0]]], ids=str)
def test_nothing_varies(x):
    with pytest.raises(DataError, match="every indicator is constant; .* more provinces or years"):
        minmax(x, [True] * len(x[0]))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rows", [3, 40_000])
def test_a_value_that_is_not_finite_is_located(bad, rows):
    x = np.ones((rows, 2)) * np.arange(rows)[:, None]
    x[rows - 1, 1] = bad
    with pytest.raises(DataError, match=rf"x holds {bad} \[row {rows - 1}, column 1\]"):
        minmax(x, [True, True])
    with pytest.raises(DataError, match=rf"\[row {rows - 1}, column 1\]"):
        minmax_yearly(x, [True, True], np.arange(rows) % 2)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0, 2.0], r"x has shape \(2,\)"),
        (np.empty((0, 3)), r"x has shape \(0, 3\)"),
        (np.empty((3, 0)), r"x has shape \(3, 0\)"),
        ([["a"], ["b"]], "x is not numeric"),
    ],
    ids=["vector", "no rows", "no columns", "text"],
)
def test_shape_and_type(x, message):
    with pytest.raises(DataError, match=message):
        minmax(x, [True] * 3)


@pytest.mark.parametrize("benefit", [[1, -1], [True], [[True, False]], ["+", "-"]], ids=str)
def test_directions_are_one_boolean_per_column(benefit):
    with pytest.raises(MethodError, match="one boolean per column"):
        minmax([[1.0, 2.0], [2.0, 1.0]], benefit)


def test_yearly_is_minmax_in_each_year():
    rng = np.random.default_rng(3)
    x, benefit = rng.random((60, 4)), np.array([True, False, True, True])
    years = rng.integers(2015, 2018, size=60)
    z = minmax_yearly(x, benefit, years)
    for year in (2015, 2016, 2017):
        np.testing.assert_array_equal(z[years == year], minmax(x[years == year], benefit))


def test_yearly_says_where_a_column_is_constant():
    x = [[1.0, 5.0], [2.0, 5.0], [1.0, 5.0], [3.0, 6.0]]
    with pytest.warns(ConstantIndicatorWarning, match=r"zero there: rail in 2021$"):
        z = minmax_yearly(x, [True, True], [2021, 2021, 2022, 2022], names=["gdp", "rail"])
    np.testing.assert_array_equal(z[:, 1], [0, 0, 0, 1])


def test_yearly_refuses_a_year_in_which_nothing_varies():
    with pytest.raises(DataError, match=r"constant \[year 2022\].*Leave the year out"):
        minmax_yearly([[1.0], [2.0], [9.0]], [True], [2021, 2021, 2022])


def test_yearly_needs_a_year_per_row():
    with pytest.raises(DataError, match=r"years has shape \(1,\)"):
        minmax_yearly([[1.0], [2.0]], [True], [2021])


def test_registry():
    assert METHODS["minmax"] is minmax
    assert METHODS["minmax_yearly"] is minmax_yearly
    assert {"minmax_yearly"} == WITHIN_YEAR
