"""What the measures of inequality promise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nqpf import provinces
from nqpf.dynamics.inequality import by_year, dagum
from nqpf.errors import DataError, MethodError, SampleError

FEW = settings(max_examples=15, deadline=None, derandomize=True)
TERMS = ["gini", "within", "between", "transvariation"]


@st.composite
def samples(draw, least=0.0):
    """Values with zeros, ties and a wide spread; groups of any size; weights."""
    n = draw(st.integers(2, 16))
    value = st.one_of(
        st.sampled_from([1.0, 2.0, 5.0]), st.floats(max(least, 1e-3), 1e5), st.just(least or 1.0)
    )
    y = pd.Series(draw(st.lists(value, min_size=n, max_size=n)))
    y[0] += 1.0  # not all zero
    groups = pd.Series(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    weights = pd.Series(draw(st.lists(st.floats(0.01, 100), min_size=n, max_size=n)))
    return y, groups, weights


def terms(result) -> np.ndarray:
    return np.array([getattr(result, name) for name in TERMS])


def everything(y, groups=None, weights=None) -> pd.Series:
    keys = pd.MultiIndex.from_product([y.index, [2020]], names=["unit", "year"])
    return by_year(y.set_axis(keys), groups, weights).loc[2020].drop(["units", "mean"])


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
@given(samples(), st.randoms(use_true_random=False))
def test_terms_are_those_of_the_paper_add_up_and_join_by_key(data, random):
    y, groups, weights = data
    gini, within, between, overlap = found = terms(dagum(*data))
    np.testing.assert_allclose(found, by_loops(*(x.to_numpy() for x in data)), atol=1e-12)
    assert within + between + overlap == pytest.approx(gini, abs=1e-12)
    assert 0 <= gini < 1 and min(within, between, overlap) >= 0
    assert dagum(y, weights=weights).gini == pytest.approx(gini, abs=1e-15)
    rows = random.sample(range(len(y)), len(y))
    shuffled = dagum(y.iloc[rows], groups, weights.iloc[::-1].to_dict())
    np.testing.assert_allclose(terms(shuffled), found, atol=1e-12)


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
    smooth = groups.map(means)
    assert result.between == pytest.approx(dagum(smooth, weights=weights).gini, abs=1e-12)


@FEW
@given(samples(least=0.5), st.floats(1e-6, 1e6), st.integers(2, 4))
def test_no_measure_depends_on_the_unit_or_the_number_of_copies(data, factor, copies):
    y, groups, weights = data
    expected = everything(*data)
    assert expected["theil_t_within"] + expected["theil_t_between"] == pytest.approx(
        expected["theil_t"], abs=1e-12, rel=1e-12
    )
    assert expected["theil_l_within"] + expected["theil_l_between"] == pytest.approx(
        expected["theil_l"], abs=1e-12, rel=1e-12
    )
    assert (expected >= 0).all()
    many = [pd.concat([x] * copies, ignore_index=True) for x in data]
    for other in ((factor * y, groups, weights), (y, groups, factor * weights), many):
        assert everything(*other).tolist() == pytest.approx(expected.tolist(), abs=1e-11, rel=1e-11)


def test_variation_is_the_deviation_over_the_mean():
    y, w = pd.Series([1.0, 2.0, 6.0]), pd.Series([2.0, 1.0, 1.0])
    assert everything(y)["variation"] == pytest.approx(y.std() / y.mean())
    repeated = np.array([1.0, 1.0, 2.0, 6.0])
    assert everything(y, weights=w)["variation"] == pytest.approx(repeated.std() / repeated.mean())


def test_a_transfer_from_rich_to_poor_lowers_every_measure():
    before, after = (everything(pd.Series(y)) for y in ([1.0, 4.0, 9.0], [2.0, 4.0, 8.0]))
    whole = ["gini", "theil_t", "theil_l", "variation"]
    assert (after[whole] < before[whole]).all()


@pytest.mark.parametrize(
    ("y", "groups", "within", "affluence"),
    [
        ([3.0] * 6, "aabbcc", None, [0, 0, 0]),
        ([1.0, 2.0, 6.0], "aaa", 1, []),
        ([1.0, 2.0, 6.0], "abc", 0, [1, 1, 1]),
        ([0.0, 0.0, 1.0, 3.0], "aabb", None, [1]),
    ],
    ids=["equal values", "one group", "groups of one", "a group of zeros"],
)
def test_corners_of_the_decomposition(y, groups, within, affluence):
    result = dagum(pd.Series(y), pd.Series(list(groups)))
    assert result.pairs["affluence"].tolist() == affluence
    assert terms(result)[1:].sum() == pytest.approx(result.gini, abs=1e-15)
    if within is not None:
        assert result.within == pytest.approx(within * result.gini)
        assert result.transvariation == 0
    assert result.to_frame()["share"].isna().all() == (result.gini == 0)
    table = result.table()
    assert np.diag(table).tolist() == result.groups["gini"].tolist()
    assert (table == table.T.to_numpy()).all(axis=None)


def some_scores(key=None, value=None) -> pd.Series:
    keys = pd.MultiIndex.from_product([provinces.codes(), [2020, 2021]], names=["province", "year"])
    scores = pd.Series(np.random.default_rng(3).gamma(2, size=62), index=keys, name="score")
    if key:
        scores.loc[key] = value
    return scores


def test_regions_come_by_name_in_the_order_of_the_statistics():
    scores = some_scores().xs(2020, level="year")
    result = dagum(scores, "region4")
    assert list(result.groups.index) == ["east", "central", "west", "northeast"]
    assert result.groups["units"].tolist() == [10, 6, 12, 3]
    assert list(dagum(scores, "region3").groups.index) == ["east", "central", "west"]
    by_hand = {code: provinces.region(code) for code in provinces.codes()}
    assert dagum(scores, by_hand).between == pytest.approx(result.between, abs=1e-15)


def test_each_year_is_measured_by_itself_and_inputs_stay():
    scores = some_scores()
    people = pd.Series(np.linspace(1, 5, 62), index=scores.index)
    table = by_year(scores, "region4", people)
    for year in (2020, 2021):
        one, w = scores.xs(year, level="year"), people.xs(year, level="year")
        assert tuple(table.loc[year, TERMS]) == tuple(terms(dagum(one, "region4", w)))
        assert table.loc[year, "mean"] == pytest.approx(np.average(one, weights=w))
    assert table.index.name == "year"
    pd.testing.assert_series_equal(scores, some_scores())


@pytest.mark.parametrize("dtype", ["int64", "Int64", "Float64", "float32"])
def test_whole_numbers_and_nullable_figures_are_figures(dtype):
    expected = dagum(pd.Series([1.0, 2.0, 6.0])).gini
    assert dagum(pd.Series([1, 2, 6], dtype=dtype)).gini == pytest.approx(expected, abs=1e-12)


TWO = pd.Series([1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: by_year(some_scores((110000, 2021), -1.0)), DataError,
         r"score is -1, .* \[province Beijing \(110000\), year 2021\].*logarithm"),
        (lambda: by_year(some_scores((110000, 2021), np.nan)), SampleError, "Beijing .*2021"),
        (lambda: by_year(some_scores((540000, 2020), 0.0)), DataError, "Tibet .*2020.*dagum"),
        (lambda: dagum(some_scores(), "region4"), SampleError, "have 2 years.*by_year"),
        (lambda: by_year(some_scores(), "region5"), MethodError, "region4, region3"),
        (lambda: by_year(some_scores(), {110000: "a"}), SampleError,
         r"groups do not cover a unit, one of 30 \[province Tianjin"),
        (lambda: by_year(some_scores(), ["a"] * 62), MethodError, "groups without keys"),
        (lambda: dagum([1.0, 2.0]), MethodError, "values without keys"),
        (lambda: dagum(TWO, {0: "a", 1: None}), SampleError, r"do not cover .*\[unit 1\]"),
        (lambda: dagum(TWO, weights={0: 1, 1: 0}), DataError, r"weight is 0 \[unit 1\]"),
        (lambda: dagum(0 * TWO), DataError, "every one of the values is zero"),
        (lambda: dagum(TWO[:0]), DataError, "positive mean"),
        (lambda: dagum(pd.Series(["1", "2"])), DataError, "not numbers"),
        (lambda: dagum(pd.Series([1.0, np.inf])), SampleError, "infinite"),
        (lambda: dagum(pd.Series([1.0, None], dtype="Float64")), SampleError, "missing"),
        (lambda: dagum(pd.Series([1.0, 2], index=[1, 1])), SampleError, "more than once"),
        (lambda: dagum(TWO, TWO.set_axis([0, 0])), SampleError, "groups hold the key 0 more"),
        (lambda: by_year(some_scores().xs(2020, level="year")), SampleError, "1 level"),
    ],
    ids=lambda part: part[:24] if isinstance(part, str) else "",
)  # fmt: skip
def test_bad_input_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()
