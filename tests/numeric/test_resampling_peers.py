"""The wild cluster bootstrap and mediation against refits of each draw and other packages."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import EFFECTS, NAMES, dummies, walks
from scipy import stats

from nqpf.regress import fixed_effects, mediation, wild_bootstrap


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
    frame = walks(drop, drop)
    test = wild_bootstrap(frame, "y", NAMES, variable, draws=99, seed=5, effects=effects)
    t, draws = refit(frame, effects, variable, 0, signs_of(99, 5))
    factor = test.tstat / t  # of the convention, the same in each draw
    np.testing.assert_allclose(test.tstats, factor * draws, rtol=1e-11, atol=1e-12)
    plain = fixed_effects(frame, "y", NAMES, effects=effects, convention="none")
    assert t == pytest.approx(plain.tstats[variable], rel=1e-10)
    assert test.pvalue == np.mean(np.abs(draws) >= abs(t))


def test_the_interval_holds_the_values_that_a_refit_does_not_reject():
    frame = walks(7, 30)
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
    test = wild_bootstrap(walks(2, 10, units=9), "y", NAMES, variable)
    assert len(test.tstats) == 256
    assert test.pvalue - peer == (0 if variable == "b" else 2 / 512)


# Mediation


def related(seed=0, drop=9):
    """An unbalanced panel with serial correlation and a shock to each year."""

    def relate(f):
        year = f.index.get_level_values(1).to_numpy()
        f["t"] += np.sin(year)
        f["m"] += 0.5 * f["t"] + np.cos(year)
        f["y"] += 0.4 * f["m"] + 0.2 * f["t"] + 0.1 * f["w"] + year % 3

    return walks(seed, drop, 12, 6, ["y", "t", "m", "w"], change=relate)


def refitted(frame, units, effects):
    """Paths by least squares on copies of `units`, each a unit of its own, with dummies."""
    copies = pd.concat({place: frame.loc[unit] for place, unit in enumerate(units)})
    effect = dummies(copies, effects)

    def slopes(outcome, *regressors):
        x = np.hstack([copies[[*regressors, "w"]], effect])
        return np.linalg.lstsq(x, copies[outcome], rcond=None)[0]

    a, (d, b), c = slopes("m", "t")[0], slopes("y", "t", "m")[:2], slopes("y", "t")[0]
    return np.array([a * b, d, c, a * b / c])


@pytest.mark.parametrize("effects", EFFECTS)
def test_bootstrap_equals_a_refit_of_each_sample(effects):
    frame, size = related(1), 6
    result = mediation(frame, "y", "t", "m", "w", effects=effects, bootstrap=size, seed=9)
    draws = np.random.default_rng(9).integers(12, size=(size, 12))
    naive = np.array([refitted(frame, units, effects) for units in draws])
    np.testing.assert_allclose(result.draws, naive, rtol=1e-9)
    ends = np.quantile(naive, [0.025, 0.975], axis=0).T
    np.testing.assert_allclose(result.effects[["lower", "upper"]], ends, rtol=1e-9)
    np.testing.assert_allclose(result.effects["std_error"], naive.std(axis=0, ddof=1), rtol=1e-8)


@pytest.mark.parametrize("effects", ["two-way", "pooled"])
def test_accelerated_interval_equals_scipy_on_refits(effects):
    """scipy leaves out each unit in turn itself; only the draws are ours."""
    frame = related(2, drop=3)
    ours = mediation(frame, "y", "t", "m", "w", effects=effects, bootstrap=300)
    for at, name in enumerate(ours.draws):
        drawn = stats.bootstrap((np.arange(12),), np.mean, n_resamples=2, method="percentile")
        drawn.bootstrap_distribution = ours.draws[name].to_numpy()
        peer = stats.bootstrap(
            (np.arange(12),),
            lambda units, at=at: refitted(frame, units, effects)[at],
            n_resamples=0,
            vectorized=False,
            method="BCa",
            bootstrap_result=drawn,
        ).confidence_interval
        found = ours.effects.loc[name, ["bca_lower", "bca_upper"]].to_numpy(float)
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found, [peer.low, peer.high], rtol=1e-12)


def test_sobel_equals_statsmodels_by_hand():
    import statsmodels.formula.api as smf

    frame = related(5)
    options = {"effects": "pooled", "errors": "unadjusted", "convention": "all"}
    result = mediation(frame, "y", "t", "m", "w", bootstrap=0, **options)
    first, second = smf.ols("m ~ t + w", frame).fit(), smf.ols("y ~ t + m + w", frame).fit()
    a, b, s, r = first.params["t"], second.params["m"], first.bse["t"], second.bse["m"]
    error = np.sqrt(a**2 * r**2 + b**2 * s**2)
    assert result.effects.loc["indirect", "estimate"] == pytest.approx(a * b, rel=1e-11)
    assert result.sobel["std_error"] == pytest.approx(error, rel=1e-10)
    assert result.sobel["z"] == pytest.approx(a * b / error, rel=1e-10)
    assert result.sobel["p_value"] == pytest.approx(2 * stats.norm.sf(abs(a * b / error)), rel=1e-8)
