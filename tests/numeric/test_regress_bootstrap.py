"""The wild cluster bootstrap against refits draw by draw and the package wildboottest."""

import numpy as np
import pytest
from made_up_panels import NAMES, dummies
from made_up_panels import walks as sample

from nqpf.regress import fixed_effects, wild_bootstrap


def signs_of(draws, seed):
    """The signs of 31 clusters that a seed stands for."""
    return 2.0 * np.random.default_rng(seed).integers(0, 2, size=(draws, 31)) - 1


def clustered_t(x, y, unit, column, null):
    bread = np.linalg.inv(x.T @ x)
    b = bread @ (x.T @ y)
    scores = x * (y - x @ b)[:, None]
    sums = np.array([scores[unit == g].sum(axis=0) for g in np.unique(unit)])
    cov = bread @ sums.T @ sums @ bread
    return (b[column] - null) / np.sqrt(cov[column, column])


def refit(frame, effects, variable, null, v):
    """Build each bootstrap outcome and regress it on regressors and dummies."""
    x = np.hstack([frame[NAMES], dummies(frame, effects)])
    y, unit = frame["y"].to_numpy(), frame.index.get_level_values(0).to_numpy()
    column = NAMES.index(variable)
    others = np.delete(x, column, axis=1)
    target = y - null * x[:, column]
    fitted = others @ np.linalg.lstsq(others, target, rcond=None)[0] + null * x[:, column]
    u = y - fitted
    draws = [clustered_t(x, fitted + w[unit] * u, unit, column, null) for w in v]
    return clustered_t(x, y, unit, column, null), np.array(draws)


@pytest.mark.parametrize(
    ("effects", "drop", "variable"),
    [("two-way", 60, "b"), ("unit", 40, "a"), ("time", 40, "b"), ("pooled", 40, "c")],
)
def test_every_draw_equals_a_refit(effects, drop, variable):
    frame = sample(drop, drop)
    test = wild_bootstrap(frame, "y", NAMES, variable, draws=99, seed=5, effects=effects)
    t, draws = refit(frame, effects, variable, 0, signs_of(99, 5))
    factor = test.tstat / t  # of the convention, the same in each draw
    np.testing.assert_allclose(test.tstats, factor * draws, rtol=1e-11, atol=1e-12)
    plain = fixed_effects(frame, "y", NAMES, effects=effects, convention="none")
    assert t == pytest.approx(plain.tstats[variable], rel=1e-10)
    assert test.pvalue == np.mean(np.abs(draws) >= abs(t))


def test_the_interval_holds_the_values_that_a_refit_does_not_reject():
    frame = sample(7, 30)
    test = wild_bootstrap(frame, "y", NAMES, "a", draws=199, seed=1)
    reach = test.upper - test.lower
    for edge, side in ((test.lower, -1), (test.upper, 1)):
        for null, kept in ((edge - side * 1e-6 * reach, True), (edge + side * 1e-6 * reach, False)):
            t, draws = refit(frame, "two-way", "a", null, signs_of(199, 1))
            assert (np.mean(np.abs(draws) >= abs(t)) >= 0.05) == kept


@pytest.mark.parametrize(
    ("variable", "peer"), [("a", 0.1640625), ("b", 0.2890625), ("c", 0.1171875)]
)
def test_enumeration_equals_wildboottest(variable, peer):
    """wildboottest 0.3.2 ("11", null imposed, dummies) enumerates the 512 signs of 9 clusters.

    It counts strict inequality. The two combinations of one sign for all give back t itself: we
    count these ties, it does not, unless rounding decides so, as it does for b.
    """
    test = wild_bootstrap(sample(2, 10, units=9), "y", NAMES, variable)
    assert len(test.tstats) == 256
    assert test.pvalue - peer == (0 if variable == "b" else 2 / 512)
