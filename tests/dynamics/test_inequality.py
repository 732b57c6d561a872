"""What the measures of inequality promise; dineq and REAT."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_panels import case, keyed, refusals

from nqpf import provinces
from nqpf.dynamics.inequality import by_year, dagum
from nqpf.errors import NqpfError

FEW = settings(max_examples=15, deadline=None, derandomize=True)
TERMS = ["gini", "within", "between", "transvariation"]


@st.composite
def samples(draw, least=0.0):
    """Values with zeros, ties and a wide spread; groups of any size; weights."""
    value = st.sampled_from([least or 1.0, 1.0, 2.0, 5.0]) | st.floats(max(least, 1e-3), 1e5)
    rows = st.tuples(value, st.integers(0, 3), st.floats(0.01, 100))
    y, groups, weights = zip(*draw(st.lists(rows, min_size=2, max_size=16)), strict=True)
    return pd.Series([y[0] + 1.0, *y[1:]]), pd.Series(groups), pd.Series(weights)


def terms(result):
    return np.array([getattr(result, name) for name in TERMS])


def everything(y, groups=None, weights=None):
    y = y.set_axis(keyed([*y.index], 1, 2020))
    return by_year(y, groups, weights).loc[2020].drop(["units", "mean"])


def by_pairs(y, groups, weights):
    """Dagum (1997) as the paper writes it, all pairs of units for all pairs of groups."""
    w, gap = weights / weights.sum(), np.subtract.outer(y, y)
    both, mean, within, between, overlap = np.outer(w, w), w @ y, 0.0, 0.0, 0.0
    names = sorted(set(groups), key=lambda g: -np.average(y[groups == g], weights=w[groups == g]))
    for at, j in enumerate(names):
        for h in names[at:]:
            block = np.ix_(groups == j, groups == h)
            up, down = (both[block] * np.maximum(sign * gap[block], 0) for sign in (1, -1))
            up, down = up.sum() / mean, down.sum() / mean  # G_jh (p_j s_h + p_h s_j) = up + down
            share = (up - down) / (up + down) if up + down > 0 else 0.0
            within += (up + down) / 2 if j == h else 0
            between += share * (up + down) if j != h else 0
            overlap += (1 - share) * (up + down) if j != h else 0
    return [(both * abs(gap)).sum() / (2 * mean), within, between, overlap]


@FEW
@given(samples(), st.randoms(use_true_random=False))
def test_terms_are_those_of_the_paper_add_up_and_join_by_key(data, random):
    y, groups, weights = data
    result = dagum(*data)
    gini, *parts = found = terms(result)
    np.testing.assert_allclose(found, by_pairs(*(x.to_numpy() for x in data)), atol=1e-12)
    assert sum(parts) == pytest.approx(gini, abs=1e-12) and 0 <= gini < 1 and min(parts) >= 0
    shuffled = y.iloc[random.sample(range(len(y)), len(y))]
    other = dagum(shuffled, groups, weights.iloc[::-1].to_dict())
    np.testing.assert_allclose(terms(other), found, atol=1e-12)
    means, pairs = result.groups["mean"], result.pairs
    assert result.groups[["population", "total"]].sum().tolist() == pytest.approx([1, 1])
    gaps = np.array([means[j] - means[h] for j, h in pairs.index])
    assert (gaps >= 0).all() and pairs["affluence"].between(0, 1).all()
    np.testing.assert_allclose(pairs["d"] - pairs["p"], gaps, atol=1e-9 * y.max())
    np.testing.assert_allclose(pairs["d"] + pairs["p"], pairs["difference"], atol=1e-12 * y.max())
    # What is between is the inequality of group means, whatever the order of groups.
    smooth = dagum(groups.map(means), weights=weights)
    assert result.between == pytest.approx(smooth.gini, abs=1e-12)


@FEW
@given(samples(least=0.5), st.floats(1e-6, 1e6), st.integers(2, 4))
def test_no_measure_depends_on_the_unit_or_the_number_of_copies(data, factor, copies):
    y, groups, weights = data
    found = everything(*data)
    assert (found >= 0).all()
    share, ratio = weights / weights.sum(), y / np.average(y, weights=weights)
    sums = [share @ (ratio * np.log(ratio)), -(share @ np.log(ratio))]
    np.testing.assert_allclose(found[["theil_t", "theil_l"]], sums, atol=1e-12)
    for index in ("theil_t", "theil_l"):
        parts = found[f"{index}_within"] + found[f"{index}_between"]
        assert parts == pytest.approx(found[index], abs=1e-12, rel=1e-12)
        smooth = everything(groups.map(dagum(*data).groups["mean"]), weights=weights)
        assert found[f"{index}_between"] == pytest.approx(smooth[index], abs=1e-12)
    many = [pd.concat([x] * copies, ignore_index=True) for x in data]
    for other in ((factor * y, groups, weights), (y, groups, factor * weights), many):
        np.testing.assert_allclose(everything(*other), found, atol=1e-11, rtol=1e-11)


CORNERS = {
    "equal values": ([3.0] * 6, "aabbcc", [0, 0, 0], 0),
    "one group": ([1.0, 2.0, 6.0], "aaa", [], 10 / 27),
    "groups of one": ([1.0, 2.0, 6.0], "abc", [1, 1, 1], 0),
    "a group of zeros": ([0.0, 0.0, 1.0, 3.0], "aabb", [1], 1 / 8),
}


@pytest.mark.parametrize("corner", CORNERS)
def test_corners_of_the_decomposition(corner):
    y, groups, affluence, within = CORNERS[corner]
    result = dagum(pd.Series(y), pd.Series(list(groups)))
    assert result.pairs["affluence"].tolist() == affluence
    assert result.within == pytest.approx(within) and result.transvariation == 0
    assert result.to_frame()["share"].isna().all() == (result.gini == 0)
    table = result.table()
    assert np.diag(table).tolist() == result.groups["gini"].tolist()
    assert (table == table.T.to_numpy()).all(axis=None)


def some_scores(key=None, value=None):
    keys = keyed(provinces.codes(), 2, 2020)
    scores = pd.Series(np.random.default_rng(3).gamma(2, size=62), keys, name="score")
    return scores.mask(keys == key, value) if key else scores


def test_regions_come_by_name_and_each_year_is_measured_by_itself():
    scores, people = some_scores(), pd.Series(np.linspace(1, 5, 62), some_scores().index)
    table = by_year(scores, "region4", people)
    for year in (2020, 2021):
        one, w = scores.xs(year, level="year"), people.xs(year, level="year")
        result = dagum(one, {code: provinces.region(code) for code in provinces.codes()}, w)
        assert tuple(table.loc[year, TERMS]) == pytest.approx(tuple(terms(result)), abs=1e-15)
        assert table.loc[year, "mean"] == pytest.approx(np.average(one, weights=w))
    groups = dagum(one, "region4").groups["units"]
    assert groups.to_dict() == {"east": 10, "central": 6, "west": 12, "northeast": 3}
    assert list(groups.index)[-1] == "northeast"
    assert list(dagum(one, "region3").groups.index) == ["east", "central", "west"]
    pd.testing.assert_series_equal(scores, some_scores())


TWO = pd.Series([1.0, 2.0])


test_bad_input_is_refused_by_name = refusals(
    NqpfError,
    ("is -1 .*Beijing.*2021.*logarithm", lambda: by_year(some_scores((110000, 2021), -1.0))),
    ("is 0 .*Tibet .*2020.*dagum", lambda: by_year(some_scores((540000, 2020), 0.0))),
    ("have 2 years.*by_year", lambda: dagum(some_scores(), "region4")),
    ("region4, region3", lambda: by_year(some_scores(), "region5")),
    (r"not cover .* 30 \[province Tianjin", lambda: by_year(some_scores(), {110000: "a"})),
    ("groups without keys", lambda: by_year(some_scores(), ["a"] * 62)),
    (r"weight is 0 \[unit 1\]", lambda: dagum(TWO, weights={0: 1, 1: 0})),
    ("every one of the values is zero", lambda: dagum(0 * TWO)),
    (r"more than once \[unit 1\]", lambda: dagum(TWO.set_axis([1, 1]))),
)


# R 4.2.2: gini_decomp of dineq 0.1.0 with population, whose between term is the Gini coefficient
# of group means and its overlap the rest, Dagum's G_nb and G_t; theil and cv of REAT, plain.
COUNTIES = (0.2097095639795583, 0.1489874598155959, 0.0469810356295546, 0.0137410685344078)
REAT = {"theil": 0.0672195666185194, "cv": 0.4377115670546181}


def test_german_counties_as_dineq_and_reat_compute_them():
    data = case("reat_counties.csv")
    y = data["gdppc2014"].astype(float)
    result = dagum(y, data["regional"], data["pop2014"])
    found = (result.gini, result.within, result.between, result.transvariation)
    np.testing.assert_allclose(found, COUNTIES, atol=1e-12)
    plain, as_population = everything(y), everything(y, weights=y * 0 + 1)
    assert plain["theil_l"] == pytest.approx(REAT["theil"], rel=1e-12)
    assert plain["variation"] == pytest.approx(REAT["cv"], rel=1e-12)
    assert as_population["variation"] == pytest.approx(0.4371668106928819, rel=1e-12)
