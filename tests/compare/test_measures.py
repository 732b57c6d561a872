"""All measures on one sample, their agreement, and the guard against circularity."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_panels import refusals, refuses
from scipy import stats

from nqpf import Recipe, System
from nqpf.compare import agreement, circular, holders, measures
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.systems import available
from nqpf.systems.overlap import membership
from nqpf.tfp import production, solow_residual

KEYS = pd.MultiIndex.from_product([range(10), [2020, 2021]], names=["province", "year"])


def made(seed=0, ties=False):
    rng = np.random.default_rng(seed)
    draw = (lambda: rng.integers(0, 6, 20)) if ties else (lambda: rng.normal(size=20))
    return {name: pd.Series(draw(), KEYS, dtype=float) for name in ("a", "b", "c")}


# --- measures ---


def test_a_figure_is_the_one_of_its_own_chapter(embedded):
    frame = measures(embedded, systems=["dong-2024", "lu-guo-2024"])
    assert list(frame.columns) == ["dong-2024", "lu-guo-2024", "tfp"]
    assert not frame.isna().any(axis=None)
    system = System.load("lu-guo-2024")
    own = Recipe(**system.recipe).fit(system.evaluate(embedded)).scores
    tfp = solow_residual(production(embedded)).log_tfp
    assert frame["lu-guo-2024"].equals(own[frame.index].rename("lu-guo-2024"))
    assert frame["tfp"].equals(tfp[frame.index].rename("tfp"))
    older = measures(embedded, systems=["dong-2024"], vintage="census4")
    assert (older["tfp"] != frame["tfp"].reindex(older.index)).any()
    with pytest.raises(DataError):
        measures(embedded, systems=["ren-2024"], vintage="census4")


def test_measures_without_indicators(embedded):
    whole = measures(embedded, ["jin-2024", "dong-2024"])
    taken = measures(embedded, ["jin-2024", "dong-2024"], without=holders("urbanisation"))
    assert taken.index.equals(whole.index)  # the sample stays that of the whole system
    assert taken[["jin-2024", "tfp"]].equals(whole[["jin-2024", "tfp"]])
    assert not np.allclose(taken["dong-2024"], whole["dong-2024"])
    with pytest.raises(SampleError, match="every indicator of jin-2024"):
        measures(embedded, ["jin-2024"], without=list(System.load("jin-2024").indicators))
    with pytest.raises(MethodError, match="to take out 'urbanisation'.*'urbanisation_rate'"):
        measures(embedded, ["dong-2024"], without=["urbanisation"])


# --- agreement ---


@given(st.integers(0, 10**6), st.booleans())
def test_against_scipy(seed, ties):
    given_ = made(seed, ties)
    result = agreement(given_)
    for one, other in itertools.combinations(given_, 2):
        x, y = given_[one], given_[other]
        assert result.spearman.at[one, other] == pytest.approx(stats.spearmanr(x, y)[0])
        assert result.kendall.at[other, one] == pytest.approx(stats.kendalltau(x, y)[0])
    # Friedman's statistic, corrected for ties, is m (n - 1) W
    friedman = stats.friedmanchisquare(*np.array(list(given_.values())).T)
    statistic = len(given_) * (result.nobs - 1) * result.concordance
    assert statistic == pytest.approx(friedman.statistic)
    # Rows are joined by key, and monotone changes do not matter.
    moved = {name: np.exp(x.sample(frac=1, random_state=seed)) for name, x in given_.items()}
    pd.testing.assert_frame_equal(agreement(moved).to_frame(), result.to_frame())


def test_w_of_equal_and_opposite_rankings_and_ties_at_the_border_of_the_top():
    a = made()["a"]
    assert agreement({"a": a, "b": np.exp(a)}).concordance == pytest.approx(1)
    by_province = pd.DataFrame({"a": a, "b": -a}).groupby(level="province").sum()
    assert agreement(by_province).concordance == pytest.approx(0)
    frame = pd.DataFrame({"x": [5, 4, 4, 1], "other": [5, 4, 1, 0]}, index=KEYS[:4])
    assert agreement(frame, k=2).top.to_numpy() == pytest.approx(np.array([[1, 2 / 3], [2 / 3, 1]]))


def test_one_year_alone():
    given_ = made()
    result = agreement(given_, k=3, year=2021)
    alone = {name: x.xs(2021, level="year") for name, x in given_.items()}
    assert result.nobs == 10
    pd.testing.assert_frame_equal(result.to_frame(), agreement(alone, k=3).to_frame())
    assert list(result.to_frame()) == ["spearman", "kendall", "top 3"]
    assert "top 3" in result._repr_html_()


GOOD = made()
SHORT = GOOD["b"].drop((4, 2021))
HOLED = GOOD["c"].where(GOOD["c"] < GOOD["c"].max())


test_measures_that_cannot_be_joined = refusals(
    SampleError,
    ("'b' has no figure for .*'a'.*province 4, year", lambda: agreement(GOOD | {"b": SHORT})),
    ("'a' has no figure for a key of 'b'", lambda: agreement(GOOD | {"a": SHORT})),
    ("missing.*variable c", lambda: agreement(GOOD | {"c": HOLED})),
    ("more than once.*province 0", lambda: agreement(GOOD | {"c": pd.concat([GOOD["c"]] * 2)})),
    ("'b' is constant", lambda: agreement(GOOD | {"b": GOOD["b"] * 0})),
    (r"0 row\(s\) to rank \[year 1999\]", lambda: agreement(GOOD, year=1999)),
    ("k is 21.*from 1 to 20", lambda: agreement(GOOD, k=21), MethodError),
    (r"1 measure\(s\)", lambda: agreement({"a": GOOD["a"]}), MethodError),
)


def groups(values, least):
    names = list("abcdefg")[: len(values)]
    rho = pd.DataFrame(values, index=names, columns=names)
    return replace(agreement(GOOD), spearman=rho).clusters(least)


def test_groups_are_cut_at_the_average_correlation():
    # a joins b at 0.96; c meets the pair at (0.92 + 0.80) / 2 = 0.86.
    rho = [[1, 0.96, 0.92], [0.96, 1, 0.80], [0.92, 0.80, 1]]
    for least, number in ((0.95, 2), (0.87, 2), (0.86, 1), (0.97, 3)):
        assert groups(rho, least).nunique() == number
    rounded = groups([[1, 1 + 1e-16, 0.1], [1 - 1e-16, 1, 0.1], [0.1, 0.1, 1]], 1.0)
    assert rounded["a"] == rounded["b"] != rounded["c"]
    refuses(MethodError, "from -1 to 1", groups, rho, 2)


def test_members_of_a_group_stand_together_and_numbers_follow_the_order():
    rng = np.random.default_rng(3)
    base = rng.normal(size=(40, 2))
    data = np.column_stack([base[:, i % 2] + 0.1 * rng.normal(size=40) for i in range(6)])
    found = agreement(pd.DataFrame(data, columns=list("abcdef"))).clusters(0.8)
    assert sorted(found.index) == list("abcdef") and found.is_monotonic_increasing
    assert found["a"] == found["c"] == found["e"] != found["b"]


# --- circularity ---


def test_the_guard_agrees_with_the_cards():
    """The counts that a reader of the cards arrives at: 8 of 15 for each of these three."""
    member = membership()
    three = {"education_share": "education_budget_share", "urbanisation": "urbanisation_rate"}
    for variable, indicator in (three | {"income": "labour_productivity"}).items():
        why = circular(variable)
        assert why.index.tolist() == [*available(), "tfp"]
        assert holders(variable) == [indicator]
        holding_it = set(why.index[why != ""]) - {"tfp"}
        assert holding_it == set(member.columns[member.loc[indicator]]) and len(holding_it) == 8


def test_numerators_count_also_upside_down_and_shared_denominators_do_not():
    assert holders("energy_intensity") == ["energy_intensity"]
    assert holders("government_size") == holders("population") == []
    assert holders(["income"], lead=1) == ["labour_productivity"]
    assert holders("growth", lead=-1) == ["labour_productivity"]


def test_tfp_holds_income_but_no_determinant():
    assert circular("income")["tfp"] == "holds income (as GDP in the numerator)"
    assert circular(["urbanisation", "government_size", "education_share"])["tfp"] == ""
    assert circular("growth", lead=1).eq("").all() and circular("growth")["tfp"] != ""
    refuses(MethodError, "declared variable 'urbanization'.*urbanisation", circular, "urbanization")
