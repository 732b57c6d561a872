"""Rank agreement: joined by key, against scipy, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nqpf.compare import agreement, concordance, join, top_overlap
from nqpf.errors import MethodError, SampleError

KEYS = pd.MultiIndex.from_product([range(10), [2020, 2021]], names=["province", "year"])


def measures(seed=0, ties=False):
    rng = np.random.default_rng(seed)
    draw = (lambda: rng.integers(0, 6, 20)) if ties else (lambda: rng.normal(size=20))
    return {name: pd.Series(draw(), KEYS, dtype=float) for name in ("a", "b", "c")}


@given(st.integers(0, 10**6), st.booleans())
@settings(max_examples=40, deadline=None)
def test_against_scipy(seed, ties):
    given_ = measures(seed, ties)
    result = agreement(given_)
    for one in given_:
        for other in given_:
            x, y = given_[one], given_[other]
            assert result.spearman.at[one, other] == pytest.approx(stats.spearmanr(x, y)[0])
            assert result.kendall.at[one, other] == pytest.approx(stats.kendalltau(x, y)[0])
    # Friedman's statistic, corrected for ties, is m (n - 1) W
    friedman = stats.friedmanchisquare(*np.array(list(given_.values())).T)
    assert result.concordance.chi2 == pytest.approx(friedman.statistic)
    assert result.concordance.pvalue == pytest.approx(friedman.pvalue)


def test_w_is_one_for_equal_rankings_and_zero_for_opposite_ones():
    a = measures()["a"]
    assert concordance(pd.DataFrame({"a": a, "b": np.exp(a)})).w == pytest.approx(1)
    assert concordance(pd.DataFrame({"a": a, "b": -a})).w == pytest.approx(0)


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_rows_are_joined_by_key_and_monotone_changes_do_not_matter(seed):
    plain = measures(seed)
    moved = {name: np.exp(x.sample(frac=1, random_state=seed)) for name, x in plain.items()}
    pd.testing.assert_frame_equal(agreement(moved).to_frame(), agreement(plain).to_frame())


def test_overlap_counts_ties_at_the_border():
    x = pd.Series([5, 4, 4, 1])
    other = pd.Series([5, 4, 1, 0])
    assert top_overlap(x, other, k=2) == top_overlap(other, x, k=2) == pytest.approx(2 / 3)
    assert top_overlap(x, x, k=2) == 1


def test_one_year_alone():
    given_ = measures()
    result = agreement(given_, k=3, year=2021)
    alone = {name: x.xs(2021, level="year", drop_level=False) for name, x in given_.items()}
    assert result.nobs == 10
    pd.testing.assert_frame_equal(result.to_frame(), agreement(alone, k=3).to_frame())
    assert list(result.to_frame()) == ["spearman", "kendall", "top 3"]
    assert "top 3" in result._repr_html_()


def test_measures_that_cannot_be_joined():
    given_ = measures()
    short = {**given_, "b": given_["b"].drop((4, 2021))}
    with pytest.raises(SampleError, match=r"'b' has no figure for a key of 'a'.*province 4, year"):
        join(short)
    more = {"a": short["b"], "b": given_["b"]}
    with pytest.raises(SampleError, match="'a' has no figure for a key of 'b'"):
        join(more)
    holed = {**given_, "c": given_["c"].where(given_["c"] < given_["c"].max())}
    with pytest.raises(SampleError, match="missing.*variable c"):
        join(holed)
    with pytest.raises(SampleError, match="more than once"):
        join({**given_, "c": pd.concat([given_["c"], given_["c"]])})
    with pytest.raises(MethodError, match=r"1 measure\(s\)"):
        join({"a": given_["a"]})
    with pytest.raises(SampleError, match=r"0 row\(s\) to rank \[year 1999\]"):
        agreement(given_, year=1999)
    with pytest.raises(MethodError, match="top 21 of 20"):
        agreement(given_, k=21)
    with pytest.raises(SampleError, match="'b' is constant"):
        agreement({**given_, "b": given_["b"] * 0})
    with pytest.raises(SampleError, match="all values are tied"):
        concordance(pd.DataFrame({"a": [1, 1], "b": [2, 2]}))
