"""VIKOR: its measures, the two conditions and the compromise set."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_index import compromise, made_matrix, measures, weighted

from nqpf import provinces
from nqpf.index import Recipe

HALF = [0.5, 0.5]


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


def test_a_lead_of_exactly_dq_is_an_advantage_whatever_the_rounding():
    for n in range(2, 60, 3):
        result = compromise(np.linspace(0, 0.7, n)[:, None] * 1.1, [1.0])
        assert result.advantage and result.members == [n - 1]


def test_without_stability_the_best_and_the_second_belong():
    # The best by Q is best neither by S nor by R, but leads; one draw in some hundreds is so. What
    # is best by S and worst by R may share the second Q with the reverse, as v is 0.5.
    rng = np.random.default_rng(661)
    z, w = rng.random((4, 4)), rng.dirichlet(np.ones(4))
    result, (s, r, q) = compromise(z, w), measures(z, w)
    order = np.argsort(q)
    assert result.advantage and not result.stability
    assert order[0] not in (s.argmin(), r.argmin()) and q[order[1]] - q[order[0]] >= 1 / 3
    second = [i for i in order[1:] if q[i] <= q[order[1]] + 1e-12]
    assert set(result.members) == {order[0], *second} and len(result.members) < len(z)


def test_a_shared_best_is_stable_only_if_each_is():
    # A and B share Q = 0.25; A is best by S, C by R, and B by neither.
    regret = {"A": [0, 0, 0, 0.9], "B": [0.82, 0.82, 0.5, 0], "C": [0.8] * 4, "D": [1.0] * 4}
    result = compromise(1 - np.array(list(regret.values())), np.full(4, 0.25))
    np.testing.assert_allclose(result.table.loc[[0, 1], "Q"], 0.25, rtol=0, atol=1e-12)
    assert (result.table["S"].idxmin(), result.table["R"].idxmin()) == (0, 2)
    assert not result.stability and not result.advantage
    assert result.table.loc[[0, 1], "rank_Q"].tolist() == [1, 1]
    assert set(result.members) == {0, 1, 2}


def test_a_distance_of_exactly_dq_is_outside_the_set():
    result = compromise([[1.0], [0.9], [0.75], [0.3], [0.0]], [1.0])
    assert result.table.loc[2, "Q"] == result.threshold == 0.25 and result.members == [0, 1]


@pytest.mark.parametrize("rows", [1, 3])
def test_identical_rows_are_all_in_the_set_and_one_is_its_own(rows):
    result = compromise(np.full((rows, 2), 0.4), HALF)
    assert result.members == list(range(rows)) and result.stability
    assert result.advantage == np.isnan(result.threshold) == (rows == 1)


@given(weighted(rows=(1, 8)), st.floats(0, 1))
def test_the_set_holds_the_best_and_ranks_follow_the_measures(case, v):
    result = compromise(*case, v)
    table = result.table
    assert table["compromise"].iloc[0] and (table["rank_Q"].diff().dropna() >= 0).all()
    if result.advantage and result.stability:
        assert len(result.members) == 1
    inside = table.loc[table["compromise"], "Q"].max()
    assert (table.loc[~table["compromise"], "Q"] > inside - 1e-12).all()


def test_the_compromise_of_one_year_of_an_index():
    index = Recipe(weights="equal", aggregate="vikor", v=0.3).fit(made_matrix())
    result = index.compromise(2021)
    names = [provinces._table()["en"][code] for code in (110000, 310000, 440000, 650000)]
    assert sorted(result.table.index) == sorted(names)
    assert result.threshold == pytest.approx(1 / 3)
    assert result.table.equals(index.compromise(2021, v=0.3).table)
    first = made_matrix(made_matrix().values.iloc[::3])
    one = Recipe(weights="equal", aggregate="vikor").fit(first)
    found = np.sort(one.compromise(2020).table["Q"])
    np.testing.assert_allclose(found, np.sort(1 - one.scores), atol=1e-15)
