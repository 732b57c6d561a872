"""What the measures of inequality promise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nqpf import provinces
from nqpf.dynamics import by_year, dagum, theil, variation
from nqpf.errors import DataError, MethodError, SampleError

FEW = settings(max_examples=15, deadline=None, derandomize=True)
TERMS = ("gini", "within", "between", "transvariation")


@st.composite
def samples(draw, least=0.0):
    """Values with zeros, ties and a wide spread; groups of any size; weights."""
    n = draw(st.integers(2, 16))
    value = st.one_of(
        st.sampled_from([1.0, 2.0, 5.0]), st.floats(max(least, 1e-3), 1e5), st.just(least or 1.0)
    )
    y = np.array(draw(st.lists(value, min_size=n, max_size=n)))
    y[0] += 1.0  # not all zero
    groups = np.array(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    weights = np.array(draw(st.lists(st.floats(0.01, 100), min_size=n, max_size=n)))
    return y, groups, weights


def terms(result) -> np.ndarray:
    return np.array([getattr(result, name) for name in TERMS])


def everything(y, groups, weights) -> list[float]:
    first, second = dagum(y, groups, weights), theil(y, groups, weights)
    return [*terms(first), *second.to_frame().to_numpy().ravel(), variation(y, weights)]


def by_loops(y, groups, weights):
    """Dagum (1997) as the paper writes it, pair of units by pair of units."""
    n, w = len(y), weights / weights.sum()
    mean = sum(w[i] * y[i] for i in range(n))
    gini = sum(w[i] * w[k] * abs(y[i] - y[k]) for i in range(n) for k in range(n)) / (2 * mean)
    names = sorted(set(groups))
    rows = {g: [i for i in range(n) if groups[i] == g] for g in names}
    p = {g: sum(w[i] for i in rows[g]) for g in names}
    m = {g: sum(w[i] * y[i] for i in rows[g]) / p[g] for g in names}
    s = {g: p[g] * m[g] / mean for g in names}
    within = between = overlap = 0.0
    for j in names:
        for h in names:
            up = down = 0.0
            for i in rows[j]:
                for k in rows[h]:
                    gap = w[i] * w[k] / (p[j] * p[h]) * (y[i] - y[k])
                    up, down = up + max(gap, 0), down + max(-gap, 0)
            if m[j] + m[h] == 0:
                continue
            g = (up + down) / (m[j] + m[h])
            if j == h:
                within += g * p[j] * s[j]
            elif up + down > 0 and (m[j] > m[h] or (m[j] == m[h] and j < h)):
                d = (up - down) / (up + down)
                between += g * (p[j] * s[h] + p[h] * s[j]) * d
                overlap += g * (p[j] * s[h] + p[h] * s[j]) * (1 - d)
    return np.array([gini, within, between, overlap])


@FEW
@given(samples())
def test_terms_add_up_to_the_gini_coefficient(data):
    result = dagum(*data)
    gini, within, between, overlap = terms(result)
    assert within + between + overlap == pytest.approx(gini, abs=1e-12)
    assert 0 <= gini < 1 and min(within, between, overlap) >= 0
    assert dagum(data[0], weights=data[2]).gini == pytest.approx(gini, abs=1e-15)


@FEW
@given(samples())
def test_decomposition_is_that_of_the_double_loops(data):
    np.testing.assert_allclose(terms(dagum(*data)), by_loops(*data), atol=1e-12)


@FEW
@given(samples())
def test_pairs_of_groups_hold_the_definitions(data):
    y, groups, weights = data
    result = dagum(*data)
    means, p = result.groups["mean"], result.groups["population"]
    assert p.sum() == pytest.approx(1) and result.groups["total"].sum() == pytest.approx(1)
    for (j, h), row in result.pairs.iterrows():
        assert means[j] >= means[h]
        assert row["d"] - row["p"] == pytest.approx(means[j] - means[h], abs=1e-9 * y.max())
        assert row["d"] + row["p"] == pytest.approx(row["difference"], abs=1e-12 * y.max())
        assert 0 <= row["affluence"] <= 1
    # What is between is the inequality of group means, whatever the order of groups.
    smooth = means[groups].to_numpy()
    assert result.between == pytest.approx(dagum(smooth, weights=weights).gini, abs=1e-12)


@FEW
@given(samples(least=0.5), st.floats(1e-6, 1e6), st.integers(2, 4))
def test_no_measure_depends_on_the_unit_or_the_number_of_copies(data, factor, copies):
    y, groups, weights = data
    many = [np.tile(x, copies) for x in data]
    expected = everything(*data)
    for other in ((factor * y, groups, weights), (y, groups, factor * weights), many):
        assert everything(*other) == pytest.approx(expected, abs=1e-11, rel=1e-11)


@FEW
@given(samples(least=0.5))
def test_within_and_between_add_up_to_theil(data):
    result = theil(*data)
    assert result.t_within + result.t_between == pytest.approx(result.t, abs=1e-12, rel=1e-12)
    assert result.l_within + result.l_between == pytest.approx(result.l, abs=1e-12, rel=1e-12)
    assert min(result.t, result.l, result.t_between, result.l_between) >= 0


@FEW
@given(samples(least=0.5), st.randoms(use_true_random=False))
def test_keys_join_and_rows_may_stand_in_any_order(data, random):
    y, groups, weights = (pd.Series(x) for x in data)
    rows = list(range(len(y)))
    random.shuffle(rows)
    shuffled = dagum(y.iloc[rows], groups, weights.iloc[::-1])
    np.testing.assert_allclose(terms(shuffled), terms(dagum(*data)), atol=1e-12)


def test_variation_is_the_deviation_over_the_mean():
    y, w = np.array([1.0, 2.0, 6.0]), np.array([2.0, 1.0, 1.0])
    assert variation(y) == pytest.approx(y.std(ddof=1) / y.mean())
    assert variation(y, ddof=0) == pytest.approx(y.std() / y.mean())
    assert variation(y, w) == pytest.approx(variation([1.0, 1.0, 2.0, 6.0], ddof=0))


def test_a_transfer_from_rich_to_poor_lowers_every_measure():
    before, after = [1.0, 4.0, 9.0], [2.0, 4.0, 8.0]
    assert dagum(after).gini < dagum(before).gini
    assert theil(after).t < theil(before).t and theil(after).l < theil(before).l
    assert variation(after) < variation(before)


def test_equal_values_have_no_inequality():
    result = dagum([3.0] * 6, list("aabbcc"))
    assert terms(result).tolist() == [0, 0, 0, 0]
    assert (result.pairs["affluence"] == 0).all()
    assert everything(np.full(6, 3.0), list("aabbcc"), np.ones(6)) == pytest.approx([0] * 11)
    assert result.to_frame()["share"].isna().all()


def test_one_group_has_everything_within():
    result = dagum([1.0, 2.0, 6.0], ["a"] * 3)
    assert result.within == pytest.approx(result.gini) and result.between == 0
    assert len(result.pairs) == 0 and result.table().loc["a", "a"] == pytest.approx(result.gini)


def test_groups_of_one_unit_leave_nothing_within():
    result = dagum([1.0, 2.0, 6.0], ["a", "b", "c"])
    assert result.within == result.transvariation == 0
    assert result.between == pytest.approx(result.gini)


def test_groups_that_do_not_overlap_have_affluence_one():
    result = dagum([1.0, 2.0, 6.0, 7.0], list("aabb"))
    assert result.pairs["affluence"].tolist() == [1.0] and result.transvariation == 0
    assert result.gross_between == result.between
    square = result.table("affluence")
    assert square.loc["a", "b"] == square.loc["b", "a"] == 1 and np.isnan(square.loc["a", "a"])


def test_a_group_of_zeros_is_taken_by_gini_and_refused_by_theil():
    result = dagum([0.0, 0.0, 1.0, 3.0], list("aabb"))
    assert result.groups.loc["a", "gini"] == 0
    assert terms(result)[1:].sum() == pytest.approx(result.gini, abs=1e-15)
    with pytest.raises(DataError, match="is 0, one of 2 that Theil's index cannot take"):
        theil([0.0, 0.0, 1.0, 3.0])


def some_scores() -> pd.Series:
    keys = pd.MultiIndex.from_product([provinces.codes(), [2020, 2021]], names=["province", "year"])
    return pd.Series(np.random.default_rng(3).gamma(2, size=62), index=keys, name="score")


def test_regions_come_by_name_in_the_order_of_the_statistics():
    scores = some_scores().xs(2020, level="year")
    result = dagum(scores, "region4")
    assert list(result.groups.index) == ["east", "central", "west", "northeast"]
    assert result.groups["units"].tolist() == [10, 6, 12, 3]
    assert list(dagum(scores, "region3").groups.index) == ["east", "central", "west"]
    by_hand = pd.Series({code: provinces.region(code) for code in provinces.codes()})
    assert dagum(scores, by_hand).between == pytest.approx(result.between, abs=1e-15)


def test_each_year_is_measured_by_itself():
    scores = some_scores()
    people = pd.Series(np.linspace(1, 5, 62), index=scores.index)
    table = by_year(scores, "region4", people)
    for year in (2020, 2021):
        one, w = scores.xs(year, level="year"), people.xs(year, level="year")
        result = dagum(one, "region4", w)
        assert tuple(table.loc[year, list(TERMS)]) == tuple(terms(result))
        assert table.loc[year, "theil_l_between"] == theil(one, "region4", w).l_between
        assert table.loc[year, "variation"] == variation(one, w)
        assert table.loc[year, "mean"] == pytest.approx(np.average(one, weights=w))
    assert table.index.name == "year"
    assert list(by_year(scores, statistics=["variation"])) == ["units", "variation"]


def test_whole_numbers_and_nullable_figures_are_figures():
    expected = dagum([1.0, 2.0, 6.0]).gini
    for dtype in ("int64", "Int64", "Float64", "float32"):
        assert dagum(pd.Series([1, 2, 6], dtype=dtype)).gini == pytest.approx(expected, abs=1e-12)
    with pytest.raises(SampleError, match="missing"):
        dagum(pd.Series([1.0, None], dtype="Float64"))


def test_inputs_are_left_as_they_are():
    scores = some_scores()
    before = scores.copy()
    by_year(scores, "region4")
    pd.testing.assert_series_equal(scores, before)


def changed(key, value) -> pd.Series:
    scores = some_scores()
    scores.loc[key] = value
    return scores


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: by_year(changed((110000, 2021), -1.0)), DataError,
         r"score is -1, .* \[province Beijing \(110000\), year 2021\]"),
        (lambda: by_year(changed((110000, 2021), np.nan)), SampleError, "Beijing .*2021"),
        (lambda: by_year(changed((540000, 2020), 0.0)), DataError, "Tibet .*2020.*dagum"),
        (lambda: dagum(some_scores(), "region4"), SampleError, "has 2 years.*by_year"),
        (lambda: by_year(some_scores(), "region5"), MethodError, "'region4' or 'region3'"),
        (lambda: by_year(some_scores(), {110000: "a"}), SampleError,
         r"groups do not cover a unit, one of 30 \[province Tianjin"),
        (lambda: by_year(some_scores(), ["a"] * 62), MethodError, "groups without keys"),
        (lambda: dagum([1.0, 2.0], pd.Series(["a", "b"])), MethodError, "groups with keys"),
        (lambda: dagum([1.0, 2.0], ["a"]), SampleError, "1 groups for 2 values"),
        (lambda: dagum([1.0, 2.0], ["a", None]), SampleError, r"has no group \[unit 1\]"),
        (lambda: dagum([1.0, 2.0], weights=[1.0, 0.0]), DataError, r"weight is 0 \[unit 1\]"),
        (lambda: dagum([0.0, 0.0]), DataError, "every value of the Gini coefficient is zero"),
        (lambda: dagum([]), SampleError, "no values for the Gini coefficient"),
        (lambda: dagum(np.ones((2, 2))), SampleError, r"shape \(2, 2\)"),
        (lambda: dagum(["1", "2"]), DataError, "not numbers"),
        (lambda: dagum([1.0, np.inf]), SampleError, "infinite"),
        (lambda: dagum(pd.Series([1.0, 2], index=[1, 1])), SampleError, "more than once"),
        (lambda: dagum(pd.Series([1.0]), pd.Series(list("ab"), index=[0, 0])), SampleError,
         "groups hold a key more than once"),
        (lambda: dagum([1.0, 2.0], ["a", "b"]).table("g"), MethodError, "no column 'g'"),
        (lambda: variation([1.0, 2.0], [1, 1], ddof=1), MethodError, "0 with weights"),
        (lambda: variation([1.0]), MethodError, "one unit"),
        (lambda: variation([-1.0, 2.0]), DataError, "logarithm"),
        (lambda: by_year(some_scores(), statistics=["gini"]), MethodError, "unknown.*'gini'"),
        (lambda: by_year(some_scores(), statistics=[]), MethodError, "no statistic"),
        (lambda: by_year(some_scores().xs(2020, level="year")), SampleError, "1 level"),
    ],
    ids=lambda part: part[:24] if isinstance(part, str) else "",
)  # fmt: skip
def test_bad_input_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()
