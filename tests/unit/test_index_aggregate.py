"""Linear and TOPSIS aggregation: what they promise, and what they refuse."""

import os
import subprocess
import sys

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nqpf.errors import DataError, MethodError
from nqpf.index.aggregate import ADDITIVE, METHODS, linear, topsis

UNIT = st.one_of(st.integers(0, 4).map(lambda k: k / 4), st.floats(0, 1))
ANY = st.one_of(st.integers(-2, 2).map(float), st.floats(allow_nan=False, allow_infinity=False))
BOTH = pytest.mark.parametrize("method", [linear, topsis], ids=["linear", "topsis"])


@st.composite
def weighted(draw, elements=UNIT, rows=(1, 9)):
    n, m = draw(st.integers(*rows)), draw(st.integers(1, 5))
    z = draw(arrays.arrays(np.float64, (n, m), elements=elements))
    w = draw(arrays.arrays(np.float64, m, elements=st.integers(0, 9).map(float)))
    assume(w.sum() > 0)
    return z, w / w.sum()


@BOTH
@given(case=weighted())
def test_bounds(method, case):
    scores = method(*case)
    assert scores.shape == (len(case[0]),)
    assert scores.min() >= 0
    assert scores.max() <= 1 + 1e-15  # weights sum to 1 up to rounding


@given(weighted(ANY))
def test_topsis_is_bounded_at_any_magnitude(case):
    scores = topsis(*case)
    assert ((scores >= 0) & (scores <= 1)).all()


@BOTH
@given(case=weighted(), random=st.randoms(use_true_random=False))
def test_row_and_column_order_do_not_matter(method, case, random):
    z, w = case
    rows, columns = list(range(len(z))), list(range(len(w)))
    random.shuffle(rows)
    random.shuffle(columns)
    shuffled = method(z[rows][:, columns], w[columns])
    np.testing.assert_allclose(shuffled, method(z, w)[rows], rtol=0, atol=1e-12)


@BOTH
@given(case=weighted(rows=(2, 9)), data=st.data())
def test_a_row_that_is_nowhere_worse_scores_no_less(method, case, data):
    z, w = case
    better = np.maximum(z[0], z[1])
    z = np.vstack([z, better])
    scores = method(z, w)
    assert scores[-1] >= max(scores[0], scores[1]) - 1e-12


@BOTH
@given(case=weighted(rows=(3, 9)), data=st.data())
def test_raising_one_value_inside_the_range_raises_the_score(method, case, data):
    z, w = case
    i, j = data.draw(st.integers(0, len(z) - 1)), data.draw(st.integers(0, len(w) - 1))
    others = np.delete(z[:, j], i)
    assume(others.min() <= z[i, j] < others.max() - 1e-3)
    assume(w[j] > 0)
    raised = z.copy()
    raised[i, j] = others.max()
    assert method(raised, w)[i] > method(z, w)[i]


@given(weighted(rows=(2, 9)))
def test_ideal_scores_one_anti_ideal_zero_and_ties_tie(case):
    z, w = case
    assume(((z.min(axis=0) < z.max(axis=0)) & (w > 0)).any())
    scores = topsis(np.vstack([z, z.max(axis=0), z.min(axis=0), z[0]]), w)
    assert scores[-3] == 1
    assert scores[-2] == 0
    assert scores[-1] == scores[0]


@given(weighted(), st.integers(-900, 900))
def test_topsis_does_not_depend_on_a_common_factor(case, power):
    # A power of two changes no digit as long as nothing becomes subnormal.
    z, w = case
    assume(z[z > 0].min(initial=1.0) > 1e-30)
    np.testing.assert_allclose(topsis(z * 2.0**power, w), topsis(z, w), rtol=0, atol=1e-12)


@BOTH
@given(case=weighted())
def test_input_stays_as_it_is_and_layout_does_not_matter(method, case):
    z, w = case
    before = z.copy(), w.copy()
    scores = method(z, w)
    np.testing.assert_array_equal(z, before[0])
    np.testing.assert_array_equal(w, before[1])
    np.testing.assert_allclose(method(np.asfortranarray(z), w), scores, rtol=0, atol=1e-15)


@pytest.mark.parametrize("z", [np.full((4, 2), 0.3), np.ones((1, 2)), np.zeros((3, 2))], ids=str)
def test_identical_rows_are_half_way(z):
    np.testing.assert_array_equal(topsis(z, [0.25, 0.75]), 0.5)


def test_columns_without_weight_do_not_count():
    z = np.array([[0.0, 0.9, 0.4], [1.0, 0.1, 0.4], [0.5, 0.4, 0.4]])
    np.testing.assert_array_equal(topsis(z, [1.0, 0.0, 0.0]), [0, 1, 0.5])
    np.testing.assert_array_equal(topsis(z, [0.0, 0.0, 1.0]), 0.5)  # the weighted one is constant
    np.testing.assert_array_equal(linear(z, [1.0, 0.0, 0.0]), z[:, 0])


def test_topsis_of_extreme_ranges_and_weights():
    z = np.array([[-1.7e308, 0.0], [1.7e308, 0.0], [0.0, 5e-324]])
    np.testing.assert_array_equal(topsis(z, [1.0, 0.0]), [0, 1, 0.5])
    np.testing.assert_array_equal(topsis(z, [0.0, 1.0]), [0, 0, 1])
    tiny = np.array([[0.0, 1e-310], [1.0, 0.0]])
    np.testing.assert_allclose(topsis(tiny, [1e-310, 1.0]), [0.5, 0.5], rtol=0, atol=1e-12)


def test_many_blocks_give_what_one_gives():
    rng = np.random.default_rng(0)
    z, w = rng.random((40_000, 6)), rng.dirichlet(np.ones(6))
    v = z * w
    away = np.linalg.norm(v - v.min(axis=0), axis=1)
    near = np.linalg.norm(v - v.max(axis=0), axis=1)
    np.testing.assert_allclose(topsis(z, w), away / (away + near), rtol=0, atol=1e-12)
    np.testing.assert_allclose(linear(z, w), v.sum(axis=1), rtol=0, atol=1e-12)


@BOTH
@pytest.mark.parametrize(
    ("w", "message"),
    [
        ([0.5, 0.5], r"w has shape \(2,\); expected one weight per column \(3,\)"),
        ([[0.2, 0.3, 0.5]], r"w has shape \(1, 3\)"),
        ([0.5, 0.6, -0.1], r"weight -0.1 is negative \[column 2\]"),
        ([0.2, 0.3, 0.4], "weights sum to 0.9"),
        ([0.2, 0.3, 0.5 + 1e-11], "sum of 1 within 1e-12"),
        ([0.5, 0.5, np.nan], "missing or infinite weight"),
        ([np.inf, 0.5, 0.5], "missing or infinite weight"),
        (["a", "b", "c"], "w is not numeric"),
    ],
    ids=str,
)
def test_weights_are_checked(method, w, message):
    with pytest.raises(MethodError, match=message):
        method(np.eye(3), w)


@BOTH
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("weight", [0.5, 0.0])
def test_a_value_that_is_not_finite_is_located(method, bad, weight):
    z = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, bad]])
    with pytest.raises(DataError, match=rf"z holds {bad} \[row 2, column 1\]"):
        method(z, [1 - weight, weight])


def test_registry():
    assert METHODS["linear"] is linear
    assert METHODS["topsis"] is topsis
    assert {"linear"} == ADDITIVE


def test_the_number_of_threads_changes_nothing():
    program = (
        "import hashlib, numpy as np\n"
        "from nqpf.index.aggregate import linear, topsis\n"
        "from nqpf.index.weights import entropy\n"
        "z = np.random.default_rng(0).random((100_000, 30)); w = entropy(z)\n"
        "parts = [w, topsis(z, w), linear(z, w)]\n"
        "print(hashlib.sha256(b''.join(p.tobytes() for p in parts)).hexdigest())\n"
    )
    digests = set()
    for threads in ("1", "2", "3"):
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        run = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join(sys.path)}
            | dict.fromkeys(names, threads),
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(run.stdout)
    assert len(digests) == 1
