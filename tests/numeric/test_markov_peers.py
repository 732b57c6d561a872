"""Markov chains against giddy, and against what its manual prints on incomes of US states."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_panels import case

from nqpf.dynamics.markov import markov, spatial_markov


def states() -> tuple[pd.Series, pd.DataFrame]:
    table = case("usjoin_pci.csv", index_col=0)
    table.columns = table.columns.astype(int)
    weights = case("usjoin_W_rowstd.csv", index_col=0)
    return table.stack().rename_axis(["state", "year"]), weights.sample(frac=1, random_state=0)


def test_incomes_of_us_states_as_printed_in_the_manual_of_giddy():
    # giddy 2.3.6, docstring of Spatial_Markov, example (1).
    scores, weights = states()
    result = spatial_markov(scores, weights, 5, relative=True)
    found = {
        (0.83999133, 0.94707545, 1.03242697, 1.14911154): result.overall.cutoffs,
        (0.88973386, 0.95891917, 1.01469758, 1.1183566): result.lag_cutoffs,
        (0.96341463, 0.0304878, 0.00609756, 0, 0): result.by_lag[1].probabilities.loc[1],
        (0, 0, 0, 0.06217617, 0.93782383): result.overall.probabilities.loc[5],
        (0.43509425, 0.2635327, 0.20363044, 0.06841983, 0.02932278): result.ergodic.loc[1],
        (56.2815534, 1.5, 10.57236842, 27.02173913, 110.54347826): (
            result.by_lag[5].first_passage.loc[1]
        ),
    }
    for printed, own in found.items():
        assert tuple(own) == pytest.approx(printed, abs=1e-8)
    statistics = result.test.likelihood_ratio, result.test.pearson, result.test.df
    assert statistics == pytest.approx((170.659, 200.624, 60), abs=5e-4)


def test_chains_equal_those_of_giddy():
    # Figures that giddy 2.3.6 gave for this panel (Spatial_Markov with k = m = 3, mfpt, and
    # Homogeneity_Results of the counts of two halves as floats); importing it takes seconds.
    t, i = np.arange(30), np.arange(16)[:, None]
    values = np.exp(0.9 * np.sin(0.35 * t * (1 + 0.1 * (i % 5)) + i) + 0.1 * i * np.cos(0.2 * t))
    w = np.roll(np.eye(16), 1, axis=0) / 2 + np.roll(np.eye(16), -1, axis=0) / 2
    keys = pd.MultiIndex.from_product([range(16), range(30)], names=["unit", "year"])
    scores, frame = pd.Series(values.ravel(), index=keys), pd.DataFrame(w, range(16), range(16))
    ours = spatial_markov(scores.sample(frac=1, random_state=1), frame, 3)
    counts = [one.counts.to_numpy().tolist() for one in ours.by_lag.values()]
    assert counts == [
        [[91, 9, 0], [7, 29, 5], [0, 2, 16]],
        [[39, 10, 0], [17, 39, 7], [0, 9, 38]],
        [[4, 6, 0], [2, 37, 11], [0, 14, 72]],
    ]
    share = [0.360827441738675, 0.33603910273195425, 0.3031334555293707]
    assert ours.overall.ergodic.tolist() == pytest.approx(share, abs=1e-10)
    passage = [
        [2.771407837445573, 6.359999999999997, 20.24521739130437],
        [11.266153846153847, 2.9758441558441544, 13.88521739130436],
        [17.30615384615385, 6.039999999999997, 3.2988770515404573],
    ]
    assert np.allclose(ours.overall.first_passage, passage, rtol=0, atol=1e-9)
    pvalue = 0.0003448346760275278
    wanted = (28.792314969434145, 31.506035086136748, 8, pvalue)
    assert ours.test[:4] == pytest.approx(wanted, abs=1e-9)
    assert ours.test.likelihood_ratio_pvalue == pytest.approx(pvalue, abs=1e-12)
    halves = markov(scores, 3).homogeneity(2)
    assert halves[:3] == pytest.approx((11.918388077487883, 11.578339866614208, 4), abs=1e-9)
    assert halves.pearson_pvalue == pytest.approx(0.020778400951033005, abs=1e-12)
