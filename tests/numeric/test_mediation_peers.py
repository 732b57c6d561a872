"""Mediation against refits of each sample, scipy's intervals and statsmodels."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import EFFECTS, dummies, walks
from scipy import stats

from nqpf.regress import mediation


def sample(seed=0, drop=9):
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
    frame, size = sample(1), 6
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
    frame = sample(2, drop=3)
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

    frame = sample(5)
    options = {"effects": "pooled", "errors": "unadjusted", "convention": "all"}
    result = mediation(frame, "y", "t", "m", "w", bootstrap=0, **options)
    first, second = smf.ols("m ~ t + w", frame).fit(), smf.ols("y ~ t + m + w", frame).fit()
    a, b, s, r = first.params["t"], second.params["m"], first.bse["t"], second.bse["m"]
    error = np.sqrt(a**2 * r**2 + b**2 * s**2)
    assert result.effects.loc["indirect", "estimate"] == pytest.approx(a * b, rel=1e-11)
    assert result.sobel["std_error"] == pytest.approx(error, rel=1e-10)
    assert result.sobel["z"] == pytest.approx(a * b / error, rel=1e-10)
    assert result.sobel["p_value"] == pytest.approx(2 * stats.norm.sf(abs(a * b / error)), rel=1e-8)
