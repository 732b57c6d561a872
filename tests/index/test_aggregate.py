"""What every aggregation promises, and what it refuses."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_up_index import ANY, compromise, measures, printed_by_threads, weighted

from nqpf.errors import DataError, MethodError
from nqpf.index.aggregate import linear, topsis
from nqpf.index.recipe import _METHODS

BY_NAME = _METHODS["aggregate"]
geometric, harmonic, vikor = (BY_NAME[name] for name in ("geometric", "harmonic", "vikor"))
ALL = pytest.mark.parametrize(
    "method", [geometric, harmonic, linear, topsis, vikor], ids=lambda f: f.__name__
)
MEANS = pytest.mark.parametrize("method", [geometric, harmonic], ids=lambda f: f.__name__)
HALF = [0.5, 0.5]


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
    if method is vikor:  # S* and R* may move with the row: compare S and R instead
        (s, r, _), (s_raised, r_raised, _) = measures(z, w), measures(raised, w)
        assert s_raised[i] <= s[i] + 1e-12 and r_raised[i] <= r[i] + 1e-12
    else:
        assert after[i] >= before[i] - 1e-12


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
        ([0.5, 0.6, -0.1], r"w holds -0.1 \[column 2\]; expected values of zero"),
        ([0.2, 0.3, 0.4], "w sums to 0.9"),
        ([0.5, 0.5, np.nan], r"w holds nan \[column 2\]"),
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


@ALL
@pytest.mark.parametrize("rows", [1, 4])
def test_identical_rows_and_one_row_have_an_answer(method, rows):
    scores = method(np.full((rows, 2), 0.3), [0.25, 0.75])
    np.testing.assert_allclose(scores, {vikor: 1, topsis: 0.5}.get(method, 0.3), atol=1e-15, rtol=0)


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


def test_the_number_of_threads_changes_nothing():
    program = (
        "import hashlib, numpy as np\n"
        "from nqpf.index.aggregate import linear, topsis\n"
        "from nqpf.index.weights import entropy\n"
        "z = np.random.default_rng(0).random((100_000, 30)); w = entropy(z)\n"
        "parts = [w, topsis(z, w), linear(z, w)]\n"
        "print(hashlib.sha256(b''.join(p.tobytes() for p in parts)).hexdigest())\n"
    )
    assert len(printed_by_threads(program)) == 1


@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "coupling"])
@given(case=weighted(rows=(2, 6)))
def test_a_stack_of_matrices_is_joined_as_each_by_itself(name, case):
    z, w = case
    stack, weights = np.stack([z, z[::-1] ** 2]), np.stack([w, w[::-1]])
    together = BY_NAME[name].__wrapped__(stack, weights)
    for matrix, own, scores in zip(stack, weights, together, strict=True):
        np.testing.assert_allclose(scores, BY_NAME[name](matrix, own), rtol=0, atol=1e-12)


@given(weighted(ANY))
def test_distances_are_bounded_at_any_magnitude(case):
    for scores in (topsis(*case), vikor(*case)):
        assert ((scores >= -1e-15) & (scores <= 1 + 1e-15)).all()


# VIKOR: its measures, the two conditions and the compromise set.


@given(weighted(rows=(2, 9)))
def test_the_ideal_has_no_regret_and_the_best_q(case):
    z, w = case
    s, r, q = measures(np.vstack([z, z.max(axis=0), z.min(axis=0)]), w)
    assert (s[-2], r[-2], q[-2]) == (0, 0, 0)
    spread = ((z.min(axis=0) < z.max(axis=0)) & (w > 0)).any()
    assert q[-1] == pytest.approx(1.0 if spread else 0.0, abs=1e-12)


def test_v_moves_between_regret_and_utility():
    z = np.array([[0.9, 0.0, 0.8], [0.5, 0.5, 0.5], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
    w = [0.4, 0.3, 0.3]
    s, r, _ = measures(z, w)
    np.testing.assert_allclose(1 - vikor(z, w, v=1), (s - s.min()) / np.ptp(s), atol=1e-15)
    np.testing.assert_allclose(1 - vikor(z, w, v=0), (r - r.min()) / np.ptp(r), atol=1e-15)


def test_a_measure_in_which_all_tie_adds_nothing():
    # S is 0.5 in each row; R tells them apart.
    z = [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    s, r, q = measures(z, HALF)
    np.testing.assert_array_equal(s, 0.5)
    np.testing.assert_array_equal(r, [0.5, 0.25, 0.5])
    np.testing.assert_array_equal(q, [0.5, 0, 0.5])
    # Here R is 0.5 in each row and S tells them apart.
    z = [[0.0, 1.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    s, r, q = measures(z, [0.5, 0.5, 0.0])
    np.testing.assert_array_equal(r, 0.5)
    np.testing.assert_array_equal(q, [0, 0.5, 0, 0])


def test_without_advantage_all_within_dq_belong():
    # Q of b is 0.1 above that of a, DQ is 1/3: c and d are too far.
    z = [[1.0], [0.9], [0.5], [0.0]]
    result = compromise(z, [1.0])
    np.testing.assert_allclose(result.table["Q"], [0, 0.1, 0.5, 1], atol=1e-15)
    assert not result.advantage
    assert result.stability
    assert result.members == [0, 1]


def test_a_lead_of_exactly_dq_is_an_advantage_whatever_the_rounding():
    for n in range(2, 60):
        z = np.linspace(0, 0.7, n)[:, None] * 1.1
        result = compromise(z, [1.0])
        assert result.advantage
        assert result.members == [n - 1]


def best_by_q_only():
    """Return the first matrix drawn whose best Q is best neither by S nor by R, but leads."""
    rng = np.random.default_rng(11)
    for _ in range(100_000):
        z, w = rng.random((4, 4)), rng.dirichlet(np.ones(4))
        result = compromise(z, w)
        if result.advantage and not result.stability:
            return z, w, result
    raise AssertionError("none drawn")


def test_without_stability_the_best_and_the_second_belong():
    # With v = 0.5, what is best by S and worst by R has the same Q as the reverse: a shared second.
    z, w, result = best_by_q_only()
    s, r, q = measures(z, w)
    order = np.argsort(q)
    assert order[0] not in (s.argmin(), r.argmin())
    assert q[order[1]] - q[order[0]] >= 1 / 3
    second = [i for i in order[1:] if q[i] <= q[order[1]] + 1e-12]
    assert set(result.members) == {order[0], *second}
    assert len(result.members) < len(z)


def test_a_shared_best_is_stable_only_if_each_is():
    # A and B share Q = 0.25; A is best by S, C by R, and B by neither.
    regret = {"A": [0, 0, 0, 0.9], "B": [0.82, 0.82, 0.5, 0], "C": [0.8] * 4, "D": [1.0] * 4}
    z = 1 - np.array(list(regret.values()))
    result = compromise(z, np.full(4, 0.25))
    np.testing.assert_allclose(result.table.loc[[0, 1], "Q"], 0.25, rtol=0, atol=1e-12)
    assert result.table["S"].idxmin() == 0
    assert result.table["R"].idxmin() == 2
    assert not result.stability
    assert not result.advantage
    assert result.table.loc[[0, 1], "rank_Q"].tolist() == [1, 1]
    assert set(result.members) == {0, 1, 2}


def test_a_distance_of_exactly_dq_is_outside_the_set():
    result = compromise([[1.0], [0.9], [0.75], [0.3], [0.0]], [1.0])
    assert result.table.loc[2, "Q"] == result.threshold == 0.25
    assert result.members == [0, 1]


@pytest.mark.parametrize("rows", [1, 3])
def test_identical_rows_are_all_in_the_set_and_one_is_its_own(rows):
    result = compromise(np.full((rows, 2), 0.4), HALF)
    assert result.members == list(range(rows)) and result.stability
    assert result.advantage == np.isnan(result.threshold) == (rows == 1)


@given(weighted(rows=(1, 8)), st.floats(0, 1))
def test_the_set_holds_the_best_and_ranks_follow_the_measures(case, v):
    result = compromise(*case, v)
    table = result.table
    assert table["compromise"].iloc[0]
    assert (table["rank_Q"].diff().dropna() >= 0).all()
    if result.advantage and result.stability:
        assert len(result.members) == 1
    inside = table.loc[table["compromise"], "Q"].max()
    assert (table.loc[~table["compromise"], "Q"] > inside - 1e-12).all()


@pytest.mark.parametrize("v", [-0.1, 1.1, np.nan, "0.5", None])
def test_v_is_checked(v):
    with pytest.raises(MethodError, match="v is .*; expected a number from 0 to 1"):
        vikor(np.eye(2), HALF, v=v)
