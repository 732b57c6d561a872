"""Mediation: promises, refits of each draw, scipy and statsmodels."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_up_panels import EFFECTS, dummies, lacking, normals, rearranged, refuses
from scipy import stats

from nqpf.errors import EstimationError
from nqpf.regress import fixed_effects, mediation


def sample(seed=0, units=31, years=8, drop=0):
    frame, rng = normals(seed, "ytmw", units, years, 2012)
    unit = np.repeat(rng.normal(size=units), years)
    frame["t"] += unit + 0.3 * frame["w"]
    frame["m"] += 0.6 * frame["t"] + unit
    frame["y"] += 0.3 * frame["t"] + 0.8 * frame["m"] - unit + 0.2 * frame["w"]
    return lacking(frame, rng, drop)


def fit(frame, **options):
    return mediation(frame, "y", "t", "m", ["w"], **{"bootstrap": 0, **options})


@pytest.mark.parametrize("effects", EFFECTS)
def test_total_is_direct_plus_indirect_of_fixed_effects_regressions(effects):
    frame, options = sample(1), {"effects": effects, "errors": "robust", "convention": "all"}
    result = fit(frame, bootstrap=20, vintage="2024", **options)
    estimate, parts = result.effects["estimate"], result.draws
    assert estimate["direct"] + estimate["indirect"] == pytest.approx(estimate["total"], rel=1e-12)
    assert estimate["proportion"] == estimate["indirect"] / estimate["total"]
    np.testing.assert_allclose(parts["direct"] + parts["indirect"], parts["total"], rtol=1e-12)
    peers = {"total": ("y", ["t"]), "mediator": ("m", ["t"]), "direct": ("y", ["t", "m"])}
    for name, (outcome, regressors) in peers.items():
        peer = fixed_effects(frame, outcome, [*regressors, "w"], **options)
        pd.testing.assert_frame_equal(result.regressions[name].to_frame(), peer.to_frame())
        assert result.regressions[name].vintage == "2024"


def test_row_order_seed_and_units_of_measurement():
    frame = sample(5)
    first, second = rearranged(partial(fit, bootstrap=50, seed=1), frame, y=1e6, t=1e-3, m=1e9)
    np.testing.assert_allclose(second.effects.iloc[:3], first.effects.iloc[:3] * 1e9, rtol=1e-8)
    np.testing.assert_allclose(second.effects.iloc[3], first.effects.iloc[3], rtol=1e-8)
    assert second.sobel["z"] == pytest.approx(first.sobel["z"], rel=1e-9)
    other, none = fit(frame, bootstrap=50, seed=2), fit(frame)
    assert not np.allclose(first.draws, other.draws)
    assert first.effects["estimate"].equals(other.effects["estimate"])
    assert none.effects.drop(columns="estimate").isna().all(axis=None) and len(none.draws) == 0


def test_what_is_not_identified_is_printed_with_the_figures_and_names_are_escaped():
    frame = sample(9).rename(columns={"m": "<b>m"})
    result = mediation(frame, "y", "t", "<b>m", ["w"], bootstrap=30, seed=4)
    page = result._repr_html_()
    for text in (repr(result), str(result), page):
        assert "sequential ignorability" in text
        assert "30 samples of whole province groups, seed 4" in text and "Sobel: z = " in text
        assert "not evidence of a mechanism" in text
    assert "Effects of t on y, through &lt;b&gt;m and not, with 95% intervals" in page
    assert "<b>" not in page


def test_samples_without_treated_units_are_counted_and_left_out():
    frame = sample(11)
    unit, year = (frame.index.get_level_values(i).to_numpy() for i in (0, 1))
    few, one = (frame.assign(t=((unit < n) & (year > 2015)) * 1.0) for n in (4, 1))
    result = fit(few, bootstrap=400)
    assert 0 < (failed := 400 - len(result.draws)) < 20  # (27 / 31)^31 is 1.4 %
    assert result.effects.notna().all(axis=None)
    assert f"{failed} samples did not identify" in str(result)
    refuses(EstimationError, "of 400 bootstrap samples do not identify", fit, one, bootstrap=400)


# Peers


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
    frame, size = sample(1, 12, 6, 9), 6
    result = fit(frame, effects=effects, bootstrap=size, seed=9)
    draws = np.random.default_rng(9).integers(12, size=(size, 12))
    naive = np.array([refitted(frame, units, effects) for units in draws])
    np.testing.assert_allclose(result.draws, naive, rtol=1e-9)
    ends = np.quantile(naive, [0.025, 0.975], axis=0).T
    np.testing.assert_allclose(result.effects[["lower", "upper"]], ends, rtol=1e-9)
    np.testing.assert_allclose(result.effects["std_error"], naive.std(axis=0, ddof=1), rtol=1e-8)


@pytest.mark.parametrize("effects", ["two-way", "pooled"])
def test_accelerated_interval_equals_scipy_on_refits(effects):
    """scipy leaves out each unit in turn itself; only the draws are ours."""
    frame = sample(2, 12, 6, 3)
    ours = fit(frame, effects=effects, bootstrap=300)
    for at, name in enumerate(ours.draws):
        drawn = stats.bootstrap((np.arange(12),), np.mean, n_resamples=2, method="percentile")
        drawn.bootstrap_distribution = ours.draws[name].to_numpy()

        def path(units, at=at):
            return refitted(frame, units, effects)[at]

        options = {"n_resamples": 0, "vectorized": False, "bootstrap_result": drawn}
        peer = stats.bootstrap((np.arange(12),), path, method="BCa", **options).confidence_interval
        found = ours.effects.loc[name, ["bca_lower", "bca_upper"]].to_numpy(float)
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found, [peer.low, peer.high], rtol=1e-12)


def test_sobel_equals_statsmodels_by_hand():
    import statsmodels.formula.api as smf

    frame = sample(5)
    options = {"effects": "pooled", "errors": "unadjusted", "convention": "all"}
    result = fit(frame, **options)
    first, second = smf.ols("m ~ t + w", frame).fit(), smf.ols("y ~ t + m + w", frame).fit()
    a, b, s, r = first.params["t"], second.params["m"], first.bse["t"], second.bse["m"]
    error = np.sqrt(a**2 * r**2 + b**2 * s**2)
    assert result.effects.loc["indirect", "estimate"] == pytest.approx(a * b, rel=1e-11)
    found = result.sobel[["std_error", "z"]]
    np.testing.assert_allclose(found, [error, a * b / error], rtol=1e-10)
    assert result.sobel["p_value"] == pytest.approx(2 * stats.norm.sf(abs(a * b / error)), rel=1e-8)
