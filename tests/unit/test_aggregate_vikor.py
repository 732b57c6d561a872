"""VIKOR: its measures, the two conditions, the compromise set, and how it prints."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_up_index import ANY, made_matrix, weighted

from nqpf import provinces
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.index import ConstantIndicatorWarning, Recipe
from nqpf.index.aggregate import measures, vikor
from nqpf.index.recipe import compromise, of_index

HALF = [0.5, 0.5]


@given(weighted(), st.floats(0, 1))
def test_bounds_and_parts(case, v):
    s, r, q = measures(*case, v)
    assert ((r >= 0) & (r <= s + 1e-15) & (s <= 1 + 1e-12)).all()
    assert ((q >= 0) & (q <= 1 + 1e-15)).all()
    np.testing.assert_array_equal(q, vikor(*case, v))


@given(weighted(rows=(2, 9)))
def test_the_ideal_has_no_regret_and_the_best_q(case):
    z, w = case
    s, r, q = measures(np.vstack([z, z.max(axis=0), z.min(axis=0)]), w)
    assert (s[-2], r[-2], q[-2]) == (0, 0, 0)
    spread = ((z.min(axis=0) < z.max(axis=0)) & (w > 0)).any()
    assert q[-1] == pytest.approx(1.0 if spread else 0.0, abs=1e-12)


@given(weighted(rows=(2, 9)), st.floats(1e-3, 1e3), st.floats(-5, 5))
def test_units_do_not_matter(case, scale, shift):
    z, w = case
    moved = scale * z + shift
    assume(((moved.max(axis=0) - moved.min(axis=0) > 1e-6) == (np.ptp(z, axis=0) > 0)).all())
    assume((np.ptp(z, axis=0)[np.ptp(z, axis=0) > 0] > 1e-3).all())
    for ours, theirs in zip(measures(moved, w)[:2], measures(z, w)[:2], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


@given(weighted(ANY))
def test_any_magnitude(case):
    for values in measures(*case):
        assert np.isfinite(values).all()


def test_v_moves_between_regret_and_utility():
    z = np.array([[0.9, 0.0, 0.8], [0.5, 0.5, 0.5], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
    w = [0.4, 0.3, 0.3]
    s, r, _ = measures(z, w)
    np.testing.assert_allclose(vikor(z, w, v=1), (s - s.min()) / np.ptp(s), atol=1e-15)
    np.testing.assert_allclose(vikor(z, w, v=0), (r - r.min()) / np.ptp(r), atol=1e-15)


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


def test_two_opposite_rows_tie_in_everything():
    result = compromise([[0.0, 1.0], [1.0, 0.0]], HALF, labels=["a", "b"])
    np.testing.assert_array_equal(result.table["Q"], 0)
    assert result.table["rank_Q"].tolist() == [1, 1]
    assert not result.advantage
    assert result.stability
    assert result.members == ["a", "b"]


def test_a_constant_column_adds_no_regret():
    z = [[0.0, 0.7], [1.0, 0.7]]
    np.testing.assert_array_equal(measures(z, [0.25, 0.75]).S, [0.25, 0])


def test_both_conditions_hold():
    result = compromise([[0.1, 0.2], [1.0, 0.9], [0.2, 0.1]], HALF, labels=list("abc"))
    assert result.threshold == 0.5
    assert result.advantage
    assert result.stability
    assert result.members == ["b"]
    assert result.table.index[0] == "b"


def test_without_advantage_all_within_dq_belong():
    # Q of b is 0.1 above that of a, DQ is 1/3: c and d are too far.
    z = [[1.0], [0.9], [0.5], [0.0]]
    result = compromise(z, [1.0], labels=list("abcd"))
    np.testing.assert_allclose(result.table["Q"], [0, 0.1, 0.5, 1], atol=1e-15)
    assert not result.advantage
    assert result.stability
    assert result.members == ["a", "b"]


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
    result = compromise(z, np.full(4, 0.25), labels=list(regret))
    np.testing.assert_allclose(result.table.loc[["A", "B"], "Q"], 0.25, rtol=0, atol=1e-12)
    assert result.table["S"].idxmin() == "A"
    assert result.table["R"].idxmin() == "C"
    assert not result.stability
    assert not result.advantage
    assert result.table.loc[["A", "B"], "rank_Q"].tolist() == [1, 1]
    assert set(result.members) == {"A", "B", "C"}


def test_a_distance_of_exactly_dq_is_outside_the_set():
    result = compromise([[1.0], [0.9], [0.75], [0.3], [0.0]], [1.0], labels=list("abcde"))
    assert result.table.loc["c", "Q"] == result.threshold == 0.25
    assert result.members == ["a", "b"]


def test_close_values_have_ranks_of_their_own():
    result = compromise([[1.0], [1.0 - 1e-9], [0.98], [0.0]], [1.0])
    for measure in ("S", "R", "Q"):
        assert result.table[f"rank_{measure}"].tolist() == [1, 2, 3, 4]


def test_one_alternative_is_its_own_compromise():
    result = compromise([[0.3, 0.4]], HALF, labels=["only"])
    assert result.advantage
    assert result.stability
    assert result.members == ["only"]
    assert np.isnan(result.threshold)


def test_identical_rows_are_all_in_the_set():
    result = compromise(np.full((3, 2), 0.4), HALF)
    assert result.members == [0, 1, 2]
    assert not result.advantage
    assert result.stability


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


def test_labels_are_counted():
    with pytest.raises(DataError, match="3 labels for 2 rows"):
        compromise(np.eye(2), HALF, labels=list("abc"))


def test_a_result_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        compromise(np.eye(2), HALF).v = 1


def test_it_prints_conditions_and_set():
    result = compromise([[0.1, 0.2], [1.0, 0.9], [0.2, 0.1]], HALF, labels=["a", "b <i>", "c"])
    assert repr(result) == (
        "<VIKOR, v = 0.5: advantage (DQ = 0.5000) holds, stability holds; compromise: b <i>>"
    )
    page = result._repr_html_()
    assert "b &lt;i&gt;" in page
    assert "<i>" not in page
    assert page.count("<tr") == 4


def test_recipe_scores_are_one_minus_q():
    index = Recipe(weights="equal", aggregate="vikor", v=0.3).fit(made_matrix())
    q = vikor(index.normalised.to_numpy(), index.weights.to_numpy(), v=0.3)
    np.testing.assert_array_equal(index.scores, 1 - q)
    whole = of_index(index)
    assert whole.v == 0.3
    assert whole.sample == "12 province-years"
    province, year = index.scores.idxmax()
    assert whole.table.index[0] == f"{provinces.table()['en'][province]} {year}"
    np.testing.assert_allclose(np.sort(whole.table["Q"]), np.sort(q), atol=1e-15)


def test_one_year_of_an_index_is_a_sample_of_its_own():
    index = Recipe(weights="equal", aggregate="linear").fit(made_matrix())
    result = of_index(index, year=2021)
    assert sorted(result.table.index) == ["Beijing", "Guangdong", "Shanghai", "Xinjiang"]
    assert result.threshold == pytest.approx(1 / 3)
    assert result.sample == "4 provinces in 2021"
    assert "4 provinces in 2021" in repr(result)
    own = index.normalised.xs(2021, level="year")
    expected = compromise(own.to_numpy(), index.weights.to_numpy()).table["Q"]
    np.testing.assert_array_equal(result.table["Q"], expected)
    with pytest.raises(SampleError, match="no scores in 1999"):
        of_index(index, year=1999)


def test_one_province_in_a_year():
    rows = pd.MultiIndex.from_tuples(
        [(110000, 2021), (310000, 2021), (110000, 2022)], names=["province", "year"]
    )
    matrix = made_matrix(pd.DataFrame({"rd": [1.0, 2, 3], "rail": [1.0, 1, 1]}, index=rows))
    with pytest.warns(ConstantIndicatorWarning, match="rail"):
        index = Recipe(aggregate="vikor").fit(matrix)
    assert of_index(index, year=2022).members == ["Beijing"]
