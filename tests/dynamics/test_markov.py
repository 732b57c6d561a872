"""Markov chains of classes: counts by key, long run, flagged classes, refusals, giddy."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import keyed, refusals, ring

from nqpf.dynamics.markov import markov, spatial_markov
from nqpf.errors import NqpfError

CODES = [110000, 120000, 130000, 140000, 150000, 210000]


def panel():
    values = 3 + np.random.default_rng(0).normal(0, 0.4, (len(CODES), 12)).cumsum(axis=1)
    return pd.Series(np.exp(values / 3).ravel(), keyed(CODES, 12))


def chain_of(*counts):
    """Return the chain with these counts of moves, a matrix per pair of years."""
    cells = [*np.ndindex(np.shape(counts[0]))]
    moves = [np.repeat(cells, np.ravel(matrix), axis=0) for matrix in counts]
    rows = [(year, *move) for year, own in enumerate(moves) for move in own]
    both = {(n, 2 * y + k): move[k] for n, (y, *move) in enumerate(rows) for k in (0, 1)}
    cutoffs = np.arange(len(counts[0]) - 1) + 0.5
    return markov(pd.Series(both).rename_axis(["unit", "year"]), cutoffs)


def test_transitions_are_counted_by_key_and_gaps_are_not_jumped():
    scores = panel()
    whole = markov(scores, 3)
    cut = markov(scores.drop((120000, 2015)).sample(frac=1, random_state=0), list(whole.cutoffs))
    assert cut.counts.to_numpy().sum() == len(CODES) * 11 - 2
    table = whole.classes.unstack().to_numpy()
    by_hand = np.zeros((3, 3))
    np.add.at(by_hand, (table[:, :-1].ravel() - 1, table[:, 1:].ravel() - 1), 1)
    assert (whole.counts.to_numpy() == by_hand).all()
    p, share = whole.probabilities, whole.ergodic
    assert np.allclose(whole.std_errors, np.sqrt((p * (1 - p)).div(by_hand.sum(axis=1), axis=0)))
    assert np.allclose(share @ p, share) and np.allclose(np.diag(whole.first_passage), 1 / share)
    found = whole.stay, whole.upward, whole.downward
    moves = [np.trace(by_hand), np.triu(by_hand, 1).sum(), np.tril(by_hand, -1).sum()]
    assert found == pytest.approx(np.divide(moves, by_hand.sum()))


def test_the_weather_of_oz():
    # Kemeny and Snell (1976): rain, nice, snow.
    weather = chain_of([[2, 1, 1], [2, 0, 2], [1, 1, 2]])
    assert weather.ergodic.tolist() == pytest.approx([0.4, 0.2, 0.4])
    passage = [[5 / 2, 4, 10 / 3], [8 / 3, 5, 8 / 3], [10 / 3, 4, 5 / 2]]
    assert np.allclose(weather.first_passage, passage)


def test_first_passage_where_arrival_is_not_certain():
    split = chain_of([[2, 1, 1], [0, 1, 0], [0, 0, 1]])
    passage = split.first_passage
    assert np.isinf(passage.loc[1, 2]) and np.isinf(passage.loc[2, 1]) and passage.loc[2, 2] == 1
    assert split.ergodic.isna().all() and "more than one group" in split.notes[-1]
    drift = chain_of([[1, 1], [0, 1]])
    assert drift.first_passage.loc[1, 2] == 2 and np.isinf(drift.first_passage.loc[1, 1])
    assert drift.ergodic.tolist() == pytest.approx([0, 1]) and drift.absorbing == (2,)


def test_relative_classes_do_not_see_common_growth():
    scores = panel()
    grown = scores * 1.1 ** (scores.index.get_level_values(1) - 2010)
    one, two = markov(scores, 3, relative=True), markov(grown, 3, relative=True)
    assert (one.counts == two.counts).all(axis=None) and markov(grown, 3).upward > one.upward


def test_classes_without_members_and_without_exits_are_flagged():
    result = markov(panel(), [0.01, 2.5])
    assert result.empty == (1,) and "without members: 1" in result.notes[0]
    assert result.probabilities.loc[1].isna().all() and result.ergodic[1] == 0
    assert result.ergodic.sum() == pytest.approx(1)
    last = chain_of([[5, 1], [0, 0]])
    assert any("no transition starts in class 2" in note for note in last.notes)
    assert last.ergodic.isna().all()


def test_spatial_chains_add_up_to_the_whole_and_join_by_key():
    scores, w = panel(), ring(CODES)
    one = spatial_markov(scores, w, 3)
    total = sum(chain.counts.to_numpy() for chain in one.by_lag.values())
    assert (total == one.overall.counts.to_numpy()).all()
    two = spatial_markov(scores, w.sample(frac=1, random_state=1), 3)
    pd.testing.assert_series_equal(one.lag, two.lag)
    assert one.test == two.test
    beside = scores.unstack().loc[[120000, 210000], 2012]
    assert one.lag[110000, 2012] == pytest.approx(beside.mean())


def test_homogeneity_over_time_splits_years():
    assert markov(panel(), 3).homogeneity().samples == ("2010–2016", "2016–2021")
    test = chain_of([[8, 2], [3, 7]], [[5, 5], [3, 7]]).homogeneity(2)
    assert test.pearson == pytest.approx(1.978, abs=5e-4) and test.df == 2
    same = chain_of([[6, 2], [1, 9]], [[12, 4], [2, 18]]).homogeneity(2)
    assert same.likelihood_ratio == pytest.approx(0, abs=1e-12) and same.df == 2
    stay = chain_of([[3, 0], [0, 0]], [[3, 0], [0, 0]]).homogeneity(2)
    assert stay.df == 0 and np.isnan(stay.pearson_pvalue)


test_bad_panels_are_refused = refusals(
    NqpfError,
    ("follow each other", lambda: markov(panel().xs(2012, level=1, drop_level=False), 2)),
    ("not below 2", lambda: markov(panel(), 1)),
    ("ascending", lambda: markov(panel(), [2.0, 1.0])),
    ("Figures repeat", lambda: markov(panel() * 0 + 1, 3)),
    ("mean of a year.*2010", lambda: markov(-panel(), 3, relative=True)),
    ("indexed", lambda: markov(panel().droplevel(0), 3)),
    ("from 2 to 11", lambda: markov(panel(), 3).homogeneity(12)),
    ("Tianjin.*2015", lambda: spatial_markov(panel().drop((120000, 2015)), ring(CODES), 3)),
    ("same provinces", lambda: spatial_markov(panel().drop(120000), ring(CODES), 3)),
)


def test_chains_equal_those_of_giddy():
    # Figures that giddy 2.3.6 gave for this panel (Spatial_Markov with k = m = 3, and
    # Homogeneity_Results of the counts of two halves as floats); importing it takes seconds.
    t, i = np.arange(30), np.arange(16)[:, None]
    values = np.exp(0.9 * np.sin(0.35 * t * (1 + 0.1 * (i % 5)) + i) + 0.1 * i * np.cos(0.2 * t))
    scores, frame = pd.Series(values.ravel(), keyed(16, 30)), ring(range(16))
    ours = spatial_markov(scores.sample(frac=1, random_state=1), frame, 3)
    counts = [one.counts.to_numpy().tolist() for one in ours.by_lag.values()]
    assert counts == [[[91, 9, 0], [7, 29, 5], [0, 2, 16]], [[39, 10, 0], [17, 39, 7], [0, 9, 38]],
                      [[4, 6, 0], [2, 37, 11], [0, 14, 72]]]  # fmt: skip
    pvalue = 0.0003448346760275278
    wanted = (28.792314969434145, 31.506035086136748, 8, pvalue)
    assert ours.test[:4] == pytest.approx(wanted, abs=1e-9)
    assert ours.test.likelihood_ratio_pvalue == pytest.approx(pvalue, abs=1e-12)
    halves = markov(scores, 3).homogeneity(2)
    assert halves[:3] == pytest.approx((11.918388077487883, 11.578339866614208, 4), abs=1e-9)
    assert halves.pearson_pvalue == pytest.approx(0.020778400951033005, abs=1e-12)
