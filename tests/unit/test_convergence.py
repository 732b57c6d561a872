"""Sigma and beta convergence: what they find and what they refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.dynamics.convergence import (
    beta,
    half_life,
    nickell_bias,
    sigma,
    speed,
    without_nickell_bias,
)
from nqpf.errors import DataError, MethodError, SampleError

CODES = [110000, 120000, 130000, 140000, 150000, 210000, 220000, 230000]
YEARS = range(2013, 2021)


def panel(rate: float = 0.1, noise: float = 0.02, seed: int = 0) -> pd.Series:
    """Return levels whose gaps shrink by `rate` a year."""
    rng = np.random.default_rng(seed)
    gaps = rng.normal(0, 0.6, len(CODES))[:, None] * (1 - rate) ** np.arange(len(YEARS))
    logs = gaps + 0.05 * np.arange(len(YEARS)) + rng.normal(0, noise, gaps.shape)
    keys = pd.MultiIndex.from_product([CODES, YEARS], names=["province", "year"])
    return pd.Series(np.exp(logs).ravel(), index=keys, name="score")


def ring() -> pd.DataFrame:
    """Return weights of a ring: each province has the one before and after it."""
    size = len(CODES)
    w = np.roll(np.eye(size), 1, axis=0) + np.roll(np.eye(size), -1, axis=0)
    return pd.DataFrame(w / 2, CODES, CODES)


def test_sigma_falls_when_gaps_shrink_and_rises_when_they_grow():
    falls, grows = sigma(panel(0.1)), sigma(panel(-0.1))
    assert falls.trend < 0 and falls.ratio < 1 and falls.statistic < 0 and falls.pvalue < 0.05
    assert grows.trend > 0 and grows.ratio > 1 and grows.statistic > 0
    assert falls.by_year.loc[2013, "n"] == len(CODES) and not falls.notes


def test_sigma_does_not_depend_on_scale_or_row_order():
    scores = panel()
    shuffled = (7 * scores).sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(sigma(scores).by_year, sigma(shuffled).by_year)


def test_sigma_says_when_the_sample_changes():
    scores = panel().drop((CODES[3], 2016))
    assert "2016" in sigma(scores).notes[0]


def test_beta_of_levels_that_shrink_exactly_has_their_rate():
    result = beta(panel(0.1, noise=1e-9))
    assert result.speed == pytest.approx(-np.log(0.9), abs=1e-6)
    assert result.half_life == pytest.approx(np.log(2) / -np.log(0.9), abs=1e-4)
    assert result.years == 7 and result.units == len(CODES)


def test_beta_joins_weights_by_key():
    scores, w = panel(), ring()
    order = [3, 0, 7, 5, 1, 2, 6, 4]
    mixed = w.iloc[order, order[::-1]]
    one, two = (beta(scores, spatial="lag", weights=x) for x in (w, mixed))
    assert one.rho == two.rho and one.total == two.total
    assert one.total == pytest.approx(one.coefficient / (1 - one.rho))
    assert beta(scores, spatial="error", weights=w).likelihood_ratio >= -1e-6


def test_conditional_beta_joins_controls_of_the_first_year_by_key():
    scores = panel()
    rng = np.random.default_rng(3)
    controls = pd.DataFrame({"x": rng.normal(size=len(scores))}, scores.index)
    one = beta(scores, controls)
    two = beta(scores, controls.sample(frac=1, random_state=2))
    assert one.params.loc["x", "coefficient"] == two.params.loc["x", "coefficient"]
    with pytest.raises(SampleError, match=r"controls of the first year.*Beijing.*2013"):
        beta(scores, controls.drop((110000, 2013)))


def test_panel_beta_uses_adjacent_years_and_warns_of_nickell():
    scores = panel()
    result = beta(scores, design="panel")
    assert result.nobs == len(CODES) * 7
    assert beta(scores.drop((CODES[0], 2016)), design="panel").nobs == result.nobs - 2
    assert result.nickell == pytest.approx(-3 / 8)
    assert any("Nickell" in note for note in result.notes)
    assert np.isnan(result.corrected) or result.corrected > result.coefficient


def test_left_out_units_are_named():
    assert "Tianjin" in beta(panel().drop((120000, 2013))).notes[0]


@pytest.mark.parametrize("rho", [-0.3, 0.2, 0.6, 0.95])
def test_nickell_bias_is_undone(rho):
    assert without_nickell_bias(rho + nickell_bias(rho, 9), 9) == pytest.approx(rho, abs=1e-9)


def test_speed_at_its_limits():
    assert np.isnan(speed(-0.2, 0.01, 10)[0])
    assert half_life(-0.01, 0.1)[0] == np.inf
    derivative = (speed(-0.02 + 1e-6, 0, 10)[0] - speed(-0.02 - 1e-6, 0, 10)[0]) / 2e-6
    assert speed(-0.02, 0.004, 10)[1] == pytest.approx(abs(derivative) * 0.004, rel=1e-6)


def bad_weights(change) -> pd.DataFrame:
    w = ring()
    change(w)
    return w


def _negative(w):
    w.iloc[0, 1] = -0.5


def _own(w):
    w.iloc[0, 0] = 0.5


def _island(w):
    w.iloc[2] = 0.0


def _sums(w):
    w.iloc[1] *= 2


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (_negative, DataError, "negative.*Beijing"),
        (_own, DataError, "own neighbour.*Beijing"),
        (_island, SampleError, "no neighbour.*Hebei"),
        (_sums, DataError, "add up to 2.*Tianjin"),
    ],
    ids=["negative", "own", "island", "sums"],
)
def test_bad_weights_are_refused(change, error, says):
    with pytest.raises(error, match=says):
        beta(panel(), spatial="lag", weights=bad_weights(change))


def test_other_provinces_in_weights_are_refused():
    w = ring().rename(index={110000: 460000}, columns={110000: 460000})
    with pytest.raises(SampleError, match="not in the weights.*Beijing"):
        beta(panel(), spatial="lag", weights=w)
    with pytest.raises(SampleError, match="not in the sample"):
        beta(panel().drop(110000), spatial="lag", weights=ring())
    with pytest.raises(MethodError, match="without labels"):
        beta(panel(), spatial="lag", weights=ring().to_numpy())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"design": "cross"}, "unknown design"),
        ({"spatial": "durbin", "weights": 1}, "unknown spatial"),
        ({"spatial": "lag"}, "no spatial weights"),
        ({"errors": "clustered"}, "unknown errors"),
    ],
    ids=["design", "spatial", "weights", "errors"],
)
def test_unknown_options_are_refused(options, says):
    with pytest.raises(MethodError, match=says):
        beta(panel(), **options)


def test_levels_without_a_logarithm_and_short_samples_are_refused():
    scores = panel()
    negative = scores.copy()
    negative[110000, 2015] = 0.0
    for function in (sigma, beta):
        with pytest.raises(DataError, match=r"is 0.*Beijing.*2015.*above zero"):
            function(negative)
    with pytest.raises(SampleError, match="3 years or more"):
        sigma(scores[scores.index.get_level_values(1) < 2015])
    with pytest.raises(SampleError, match="indexed"):
        beta(scores.droplevel(0))
    with pytest.raises(SampleError, match="missing"):
        sigma(scores.where(scores != scores.iloc[4]))
