"""What every weighting method promises, in one place."""

import inspect

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nqpf.errors import DataError
from nqpf.index import ConstantIndicatorWarning, weights
from nqpf.index.normalise import minmax

pytestmark = pytest.mark.filterwarnings("ignore:.*weight:UserWarning")

# Options that a method cannot do without, for data of m columns.
REQUIRED = {"ahp": lambda m: {"judgements": np.ones((m, m))}}
# Projection pursuit searches at random and has promises and tests of its own.
NAMES = sorted(set(weights.METHODS) - {"pursuit"})
FROM_DATA = [name for name in NAMES if name not in ("ahp", "equal")]

LEVELS = st.integers(0, 20).map(lambda k: k / 20)


def matrices(columns=(1, 6)):
    shape = st.tuples(st.integers(2, 12), st.integers(*columns))
    return shape.flatmap(lambda s: arrays.arrays(np.float64, s, elements=LEVELS))


def weigh(name, z):
    """Return the weights of a method that finds `z` where it asks for raw or scaled data."""
    method = weights.METHODS[name]
    wanted = inspect.signature(method).parameters
    data = {key: z for key in ("x", "z") if key in wanted}
    return method(**data, **REQUIRED.get(name, lambda m: {})(z.shape[1]))


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


def test_the_names_of_the_contract_are_there():
    assert set(NAMES) >= {"entropy", "equal", "variation", "critic", "pca"}
    assert set(NAMES) >= {"ahp", "ahp_entropy", "combination"}
    for name in NAMES:
        assert callable(getattr(weights, name))


@pytest.mark.parametrize("name", NAMES)
@given(z=matrices())
def test_weights_are_non_negative_and_sum_to_one(name, z):
    w = weigh(name, z)
    assert w.shape == (z.shape[1],)
    assert (w >= 0).all()
    assert abs(w.sum() - 1) <= 1e-12


@pytest.mark.parametrize("name", NAMES)
@given(z=matrices(), random=st.randoms(use_true_random=False))
def test_row_order_does_not_matter(name, z, random):
    order = list(range(len(z)))
    random.shuffle(order)
    close(weigh(name, z[order]), weigh(name, z))


@pytest.mark.parametrize("name", NAMES)
@given(z=matrices(), random=st.randoms(use_true_random=False))
def test_weights_follow_their_columns(name, z, random):
    order = list(range(z.shape[1]))
    random.shuffle(order)
    close(weigh(name, z[:, order]), weigh(name, z)[order])


@pytest.mark.parametrize("name", NAMES)
@given(z=matrices(), data=st.data())
def test_units_and_zero_points_do_not_matter_after_minmax(name, z, data):
    assume((z.min(axis=0) < z.max(axis=0)).all())
    m = z.shape[1]
    benefit = np.array(data.draw(st.lists(st.booleans(), min_size=m, max_size=m)))
    # Powers of two, and shifts of a few units, change no digit of the twentieths times 20.
    scale = 2.0 ** np.array(data.draw(st.lists(st.integers(-30, 30), min_size=m, max_size=m)))
    shift = np.array(data.draw(st.lists(st.integers(-9, 9), min_size=m, max_size=m)))
    raw = (z * 20).round()
    close(weigh(name, minmax((raw + shift) * scale, benefit)), weigh(name, minmax(raw, benefit)))


@pytest.mark.parametrize("name", FROM_DATA)
@given(z=matrices((2, 6)), position=st.integers(0, 5))
def test_a_constant_column_gets_nothing_and_changes_nothing(name, z, position):
    assume((z.min(axis=0) < z.max(axis=0)).any())
    position = min(position, z.shape[1])
    w = weigh(name, np.insert(z, position, 0.5, axis=1))
    assert w[position] == 0
    close(np.delete(w, position), weigh(name, z))


@pytest.mark.parametrize("name", FROM_DATA)
@pytest.mark.parametrize("z", [np.zeros((3, 4)), np.full((3, 4), 0.3), np.ones((1, 4))], ids=str)
def test_when_no_column_varies_weights_are_equal_and_it_says_so(name, z):
    with pytest.warns(ConstantIndicatorWarning, match="no column varies"):
        np.testing.assert_array_equal(weigh(name, z), [0.25] * 4)


@pytest.mark.parametrize("name", NAMES)
def test_a_single_indicator_has_all_the_weight(name):
    np.testing.assert_array_equal(weigh(name, np.array([[0.0], [0.25], [1.0]])), [1.0])


@pytest.mark.parametrize("name", FROM_DATA)
def test_two_rows_will_do(name):
    w = weigh(name, np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]))
    assert abs(w.sum() - 1) <= 1e-12


@pytest.mark.parametrize("name", FROM_DATA)
@given(z=matrices())
def test_input_stays_as_it_is_and_layout_does_not_matter(name, z):
    before = z.copy()
    w = weigh(name, z)
    np.testing.assert_array_equal(z, before)
    close(weigh(name, np.asfortranarray(z)), w)


@pytest.mark.parametrize("name", FROM_DATA)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_located(name, bad):
    with pytest.raises(DataError, match=r"holds -?(nan|inf) \[row 1, column 0\]"):
        weigh(name, np.array([[0.0, 1.0], [bad, 0.0], [1.0, 0.5]]))


@pytest.mark.parametrize("name", [n for n in FROM_DATA if n != "combination"])
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_one_scale_for_all_columns_does_not_matter(name, scale):
    z = np.random.default_rng(3).random((40, 5))
    close(weigh(name, z * scale), weigh(name, z))
