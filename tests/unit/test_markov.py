"""Markov chains of classes: counts by key, long run, flagged classes, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.dynamics.markov import (
    closed_groups,
    ergodic,
    first_passage,
    homogeneity,
    markov,
    spatial_markov,
)
from nqpf.errors import DataError, MethodError, SampleError

CODES = [110000, 120000, 130000, 140000, 150000, 210000]


def panel(seed=0, years=12) -> pd.Series:
    rng = np.random.default_rng(seed)
    values = 3 + rng.normal(0, 0.4, (len(CODES), years)).cumsum(axis=1)
    keys = pd.MultiIndex.from_product([CODES, range(2010, 2010 + years)])
    return pd.Series(np.exp(values / 3).ravel(), index=keys.set_names(["province", "year"]))


def ring() -> pd.DataFrame:
    size = len(CODES)
    w = np.roll(np.eye(size), 1, axis=0) + np.roll(np.eye(size), -1, axis=0)
    return pd.DataFrame(w / 2, CODES, CODES)


def test_transitions_are_counted_by_key_and_gaps_are_not_jumped():
    scores = panel()
    whole = markov(scores, 3)
    assert whole.counts.to_numpy().sum() == len(CODES) * 11
    cut = markov(scores.drop((120000, 2015)).sample(frac=1, random_state=0), list(whole.cutoffs))
    assert cut.counts.to_numpy().sum() == len(CODES) * 11 - 2
    by_hand = np.zeros((3, 3))
    for code in CODES:
        own = whole.classes[code]
        for year in range(2010, 2021):
            by_hand[own[year] - 1, own[year + 1] - 1] += 1
    assert (whole.counts.to_numpy() == by_hand).all()


def test_probabilities_errors_and_shares_add_up():
    result = markov(panel(), 3)
    p, n = result.probabilities, result.counts.sum(axis=1)
    assert np.allclose(p.sum(axis=1), 1)
    assert np.allclose(result.std_errors, np.sqrt((p * (1 - p)).div(n, axis=0)))
    assert result.stay + result.upward + result.downward == pytest.approx(1)


def test_ergodic_distribution_is_invariant_and_returns_take_its_inverse():
    result = markov(panel(), 3)
    share = result.ergodic.to_numpy()
    assert np.allclose(share @ result.probabilities, share)
    assert np.allclose(np.diag(result.first_passage), 1 / share)


def test_first_passage_where_arrival_is_not_certain():
    p = np.array([[0.5, 0.25, 0.25], [0, 1.0, 0], [0, 0, 1.0]])
    passage = first_passage(p)
    assert np.isinf(passage[0, 1]) and np.isinf(passage[1, 0]) and passage[1, 1] == 1
    assert closed_groups(p) == [[1], [2]] and np.isnan(ergodic(p)).all()
    drift = np.array([[0.5, 0.5], [0, 1.0]])
    assert first_passage(drift)[0, 1] == 2 and np.isinf(first_passage(drift)[0, 0])
    assert ergodic(drift).tolist() == pytest.approx([0, 1])


def test_relative_classes_do_not_see_common_growth():
    scores = panel()
    grown = scores * 1.1 ** (scores.index.get_level_values(1) - 2010)
    one, two = markov(scores, 3, relative=True), markov(grown, 3, relative=True)
    assert (one.counts == two.counts).all(axis=None)
    assert markov(grown, 3).upward > one.upward


def test_classes_without_members_and_absorbing_ones_are_flagged():
    result = markov(panel(), [0.01, 2.5])
    assert result.empty == (1,) and "without members: 1" in result.notes[0]
    assert result.probabilities.loc[1].isna().all() and result.ergodic[1] == 0
    assert result.ergodic.sum() == pytest.approx(1)
    keys = pd.MultiIndex.from_product([[1, 2], range(4)], names=["province", "year"])
    rising = markov(pd.Series([1, 1, 3, 3, 1, 3, 3, 3.0], index=keys), [2])
    assert rising.absorbing == (2,) and rising.ergodic.tolist() == pytest.approx([0, 1])
    last = markov(pd.Series([1, 1, 1, 3, 1, 1, 1, 1.0], index=keys), [2])
    assert any("no transition starts in class 2" in note for note in last.notes)
    assert last.ergodic.isna().all()


def test_spatial_chains_add_up_to_the_whole_and_join_by_key():
    scores, w = panel(), ring()
    one = spatial_markov(scores, w, 3)
    total = sum(chain.counts.to_numpy() for chain in one.by_lag.values())
    assert (total == one.overall.counts.to_numpy()).all()
    order = [3, 0, 5, 1, 2, 4]
    two = spatial_markov(scores, w.iloc[order, order[::-1]], 3)
    pd.testing.assert_series_equal(one.lag, two.lag)
    assert one.test == two.test
    neighbours = scores.unstack()
    expected = (neighbours.loc[120000, 2012] + neighbours.loc[210000, 2012]) / 2
    assert one.lag[110000, 2012] == pytest.approx(expected)


def test_homogeneity_of_equal_matrices_is_zero():
    counts = np.array([[6, 2], [1, 9]])
    test = homogeneity([counts, 2 * counts], ["a", "b"])
    assert test.likelihood_ratio == pytest.approx(0, abs=1e-12) and test.df == 2
    empty = homogeneity([np.diag([3, 0])], ["a"])
    assert empty.df == 0 and np.isnan(empty.pearson_pvalue)


def test_homogeneity_over_time_splits_years():
    result = markov(panel(), 3)
    test = result.homogeneity(2)
    assert test.samples == ("2010–2016", "2016–2021")
    with pytest.raises(MethodError, match="two or more"):
        result.homogeneity(1)
    with pytest.raises(SampleError, match="11 year"):
        result.homogeneity(12)


def test_bad_panels_are_refused():
    scores = panel()
    with pytest.raises(SampleError, match="no unit has two adjacent years"):
        markov(scores[scores.index.get_level_values(1) % 2 == 0], 2)
    with pytest.raises(MethodError, match="two or more"):
        markov(scores, 1)
    with pytest.raises(MethodError, match="ascending"):
        markov(scores, [2.0, 1.0])
    with pytest.raises(SampleError, match="coincide"):
        markov(scores * 0 + 1, 3)
    with pytest.raises(DataError, match="mean of a year"):
        markov(-scores, 3, relative=True)
    with pytest.raises(SampleError, match="missing"):
        markov(scores.where(scores != scores.iloc[3]), 3)
    with pytest.raises(SampleError, match=r"absent in a year.*Tianjin.*2015"):
        spatial_markov(scores.drop((120000, 2015)), ring(), 3)
    with pytest.raises(SampleError, match="same units"):
        spatial_markov(scores.drop(120000), ring(), 3)
