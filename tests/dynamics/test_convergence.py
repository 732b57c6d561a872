"""Sigma and beta convergence: what they find and what they refuse."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import keyed, refusals, ring

from nqpf.dynamics.convergence import beta, sigma
from nqpf.errors import NqpfError, SampleError

CODES = [110000, 120000, 130000, 140000, 150000, 210000, 220000, 230000]


def panel(rate=0.1, noise=0.02):
    """Return levels whose gaps shrink by `rate` a year."""
    rng, t = np.random.default_rng(0), np.arange(8)
    gaps = rng.normal(0, 0.6, (8, 1)) * (1 - rate) ** t
    logs = gaps + 0.05 * t + rng.normal(0, noise, gaps.shape)
    return pd.Series(np.exp(logs).ravel(), keyed(CODES, 8, 2013), name="score")


def test_sigma_falls_when_gaps_shrink_and_rises_when_they_grow():
    falls, grows = sigma(panel(0.1)), sigma(panel(-0.1))
    assert falls.trend < 0 and falls.ratio < 1 and falls.correlation < 0 and falls.pvalue < 0.05
    assert grows.trend > 0 and grows.ratio > 1 and grows.correlation > 0
    assert falls.by_year.loc[2013, "n"] == len(CODES) and not falls.notes
    shuffled = (7 * panel(0.1)).sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(falls.by_year, sigma(shuffled).by_year)
    assert "2016" in sigma(panel().drop((CODES[3], 2016))).notes[0]


def test_beta_of_levels_that_shrink_exactly_has_their_rate():
    result = beta(panel(0.1, noise=1e-9))
    assert result.speed == pytest.approx(-np.log(0.9), abs=1e-6)
    assert result.half_life == pytest.approx(np.log(2) / -np.log(0.9), abs=1e-4)
    assert result.years == 7 and result.nobs == len(CODES)
    assert "Tianjin" in beta(panel().drop((120000, 2013))).notes[0]


def test_speed_and_half_life_at_their_limits():
    grows = beta(panel(-0.1))
    assert grows.half_life == np.inf and np.isnan(grows.half_life_se)
    scores = panel()
    first = scores.groupby("province").transform("first")
    lost = beta(scores.mask(scores.index.get_level_values("year") == 2020, first**-0.5))
    assert np.isnan(lost.speed) and np.isnan(lost.half_life) and "no speed" in lost.notes[0]
    one = beta(scores)
    lives = [-7 * np.log(2) / np.log(1 + 7 * (one.coefficient + h)) for h in (-1e-7, 0, 1e-7)]
    assert one.half_life == pytest.approx(lives[1])
    slope = abs(lives[2] - lives[0]) / 2e-7  # the delta method's
    assert one.half_life_se == pytest.approx(slope * one.std_error, rel=1e-5)


def test_beta_joins_weights_by_key():
    scores, w = panel(), ring(CODES)
    mixed = w.sample(frac=1, random_state=1)
    one, two = (beta(scores, spatial="lag", weights=x) for x in (w, mixed))
    assert one.rho == two.rho and one.coefficient == two.coefficient
    assert beta(scores, spatial="error", weights=w).likelihood_ratio >= -1e-6


def test_conditional_beta_joins_controls_by_key():
    scores = panel()
    controls = pd.DataFrame({"x": np.random.default_rng(3).normal(size=len(scores))}, scores.index)
    for design in ("cross-section", "panel"):
        one = beta(scores, controls, design)
        two = beta(scores, controls.sample(frac=1, random_state=2), design)
        assert one.params.loc["x", "coefficient"] == two.params.loc["x", "coefficient"]
        with pytest.raises(SampleError, match=r"missing.*Beijing.*2013"):
            beta(scores, controls.drop((110000, 2013)), design)


def test_panel_beta_uses_adjacent_years_and_takes_nickells_bias_out():
    scores = panel()
    result = beta(scores, design="panel")
    assert result.nobs == len(CODES) * 7
    assert beta(scores.drop((CODES[0], 2016)), design="panel").nobs == result.nobs - 2
    assert result.nickell == pytest.approx(-3 / 8)
    assert any("Nickell" in note for note in result.notes)
    quick = beta(np.exp(np.log(panel(0.6, 0.3)).groupby("year").rank()), design="panel")
    rho = 1 + quick.corrected  # Nickell (1981), equation 18, of seven periods
    a = 1 - (1 - rho**7) / (7 * (1 - rho))
    bias = -(1 + rho) / 6 * a / (1 - 2 * rho / ((1 - rho) * 6) * a)
    assert rho + bias == pytest.approx(1 + quick.coefficient, abs=1e-9)


SCORES, RING = panel(), ring(CODES)
LAG = {"spatial": "lag", "weights": RING}
CUT = RING.drop(110000).drop(columns=110000)
HEBEI = RING.mul([1, 1, 0, 1, 1, 1, 1, 1], axis=0)  # without neighbours
ZERO, MISSING = (SCORES.mask(SCORES.index == (110000, 2015), x) for x in (0.0, np.nan))


test_bad_samples_and_options_are_refused = refusals(
    NqpfError,
    ("weight is -1e-09.*Beijing", lambda: beta(SCORES, **LAG | {"weights": RING - 1e-09})),
    ("add up to 0.*Hebei.*link an island", lambda: beta(SCORES, **LAG | {"weights": HEBEI})),
    ("add up to 2.*Beijing", lambda: beta(SCORES, **LAG | {"weights": 2 * RING})),
    ("not in the weights: Beijing", lambda: beta(SCORES, **LAG | {"weights": CUT})),
    ("no spatial weights", lambda: beta(SCORES, **LAG | {"weights": None})),
    ("unknown design", lambda: beta(SCORES, design="cross")),
    ("unknown spatial", lambda: beta(SCORES, **LAG | {"spatial": "durbin"})),
    ("unknown errors", lambda: beta(SCORES, errors="clustered")),
    ("model of a panel", lambda: beta(SCORES, **LAG | {"design": "panel"})),
    ("name 'growth' twice", lambda: beta(SCORES, controls=SCORES.to_frame("growth"))),
    ("indexed", lambda: beta(SCORES.droplevel(0))),
    ("is 0.*Beijing.*2015.*above zero", lambda: beta(ZERO)),
    ("missing.*Beijing.*2015", lambda: beta(MISSING)),
    ("is 0.*Beijing.*2015.*above zero", lambda: sigma(ZERO)),
    ("3 years or more", lambda: sigma(SCORES.loc[:, :2014])),
    ("4 or more", lambda: sigma(SCORES[CODES[:3]])),
    ("no dispersion.*2013", lambda: sigma(SCORES * 0 + 1)),
)
