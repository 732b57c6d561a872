"""Sigma and beta convergence and clubs: what they find and refuse, and other programs."""

import numpy as np
import pandas as pd
import pytest
from libpysal.weights import full2W
from made_up_panels import case, dummies, keyed, refusals, ring
from scipy import stats
from spreg import ML_Error, ML_Lag
from statsmodels.regression.linear_model import OLS

from nqpf.dynamics.convergence import beta, club, sigma
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
    assert falls.trend < 0 and falls.ratio < 1 and falls.pvalue < 0.05
    assert grows.trend > 0 and grows.ratio > 1
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


def test_beta_joins_weights_and_controls_by_key():
    scores, w = panel(), ring(CODES)
    mixed = w.sample(frac=1, random_state=1)
    one, two = (beta(scores, spatial="lag", weights=x) for x in (w, mixed))
    assert one.rho == two.rho and one.coefficient == two.coefficient
    assert beta(scores, spatial="error", weights=w).likelihood_ratio >= -1e-6
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


# Clubs


def clubs(levels=(3.0, 1.0), each=5, years=30, noise=0.003):
    """Return a panel in which unit i belongs to club i mod the number of levels."""
    rng, t, units = np.random.default_rng(1), np.arange(1, years + 1), each * len(levels)
    gap = rng.uniform(-0.3, 0.3, (units, 1)) / t**0.8
    gap += noise * rng.normal(size=(units, years)) / t**0.5
    table = pd.DataFrame(np.resize(levels, units)[:, None] * (1 + gap), columns=2000 + t)
    return table.rename_axis("province").rename_axis(columns="year").stack()


def test_known_clubs_are_found_highest_first_whatever_scale_order_and_growth():
    scores = clubs()
    result = club(scores)
    assert result.membership.tolist() == [1, 2] * 5 and not result.notes
    assert not result.overall.converges and (result.clubs["statistic"] > -1.65).all()
    growth = 1.05 ** (scores.index.get_level_values(1) - 2000)
    other = club((11 * scores * growth).sample(frac=1, random_state=0))
    pd.testing.assert_series_equal(result.membership, other.membership)


def test_one_club_when_all_converge_and_a_short_panel_is_flagged():
    result = club(clubs(levels=(2.0,), each=8))
    assert result.overall.converges and (result.membership == 1).all() and len(result.clubs) == 1
    assert "7 years" in club(clubs(years=10)).notes[0]


test_bad_panels_of_clubs_are_refused = refusals(
    NqpfError,
    ("coincide.*units 0, 1, 2.*2001", lambda: club(clubs(levels=[2.0]) * 0 + 1)),
    ("province 2.*2005", lambda: club(clubs().drop((2, 2005)))),
    ("province 2.*2001", lambda: club(clubs().drop((2, 2001)))),
    ("leaves out", lambda: club(clubs(years=4))),
    ("three or more", lambda: club(clubs().loc[[0, 1]])),
    ("above zero", lambda: club(clubs() - 5)),
    ("trim is 1", lambda: club(clubs(), trim=1.0)),
    ("sieve is -2", lambda: club(clubs(), sieve=-2)),
)


# Peers


RNG = np.random.default_rng(11)


def growth(units=20):
    start = RNG.normal(0, 0.5, units)
    end = start + 0.4 - 0.2 * start + RNG.normal(0, 0.1, units)
    keys = pd.MultiIndex.from_product([range(units), [2010, 2020]], names=["province", "year"])
    return pd.Series(np.exp(np.c_[start, end].ravel()), index=keys)


@pytest.mark.parametrize(("errors", "kind"), [("unadjusted", "nonrobust"), ("robust", "HC1")])
def test_beta_of_mexican_states_equals_statsmodels(errors, kind):
    table = case("mexico_pcgdp.csv").filter(like="pcgdp")
    table.columns = [int(name[-4:]) for name in table]
    result = beta(table.stack().rename_axis(["state", "year"]), errors=errors)
    logs = np.log(table)
    growing, first = (logs[2000] - logs[1940]) / 60, logs[[1940]].assign(const=1.0)
    own = OLS(growing, first).fit(cov_type=kind)
    found = result.coefficient, result.std_error
    assert found == pytest.approx((own.params[1940], own.bse[1940]), abs=1e-10)
    assert result.speed == pytest.approx(-np.log(1 + 60 * own.params[1940]) / 60, abs=1e-9)


@pytest.mark.parametrize(("spatial", "model"), [("lag", ML_Lag), ("error", ML_Error)])
def test_spatial_beta_equals_spreg(spatial, model):
    scores, frame = growth(), ring(range(20))
    result = beta(scores, spatial=spatial, weights=frame.sample(frac=1, random_state=0))
    first, last = np.log(scores.unstack()).to_numpy().T
    y, x = (last - first)[:, None] / 10, first[:, None]
    own = model(y, x, full2W(frame.to_numpy()), method="full")
    assert result.rho == pytest.approx(own.betas[-1, 0], abs=1e-5)
    assert result.coefficient == pytest.approx(own.betas[1, 0], abs=1e-6)
    plain = OLS(y, np.c_[np.ones(20), x]).fit().llf
    assert result.likelihood_ratio == pytest.approx(2 * (own.logll - plain), abs=1e-6)


def test_panel_beta_equals_dummies():
    logs = pd.Series(RNG.normal(size=64).cumsum() / 9, keyed(8, 8))
    result = beta(np.exp(logs), design="panel")
    before = logs.groupby("province").shift()
    frame = pd.DataFrame({"growth": logs - before, "before": before}).dropna()
    design = np.hstack([frame[["before"]], dummies(frame)])
    own = np.linalg.lstsq(design, frame["growth"], rcond=None)[0]
    assert result.coefficient == pytest.approx(own[0], abs=1e-10)


def test_equal_variances_is_the_test_of_a_correlation():
    table = growth().unstack()
    first, last = np.log(table).to_numpy().T
    result = sigma(table.assign(**{"2015": table[2010]}).rename(columns=int).stack())
    r = np.corrcoef(last - first, last + first)[0, 1]
    t = r * np.sqrt(18 / (1 - r**2))
    assert result.pvalue == pytest.approx(2 * stats.t.sf(abs(t), 18), abs=1e-12)
    # Carree and Klomp (1997): (N - 2.5) ln(1 + D^2 / (4 (s1 sT - s1T^2))) holds the same 1 - r^2.
    (s1, s1t), (_, st) = np.cov(first, last)
    assert 1 / (1 - r**2) == pytest.approx(1 + (s1 - st) ** 2 / (4 * (s1 * st - s1t**2)))


# convergence-clubs 0.1.2 (a port of R's ConvergenceClubs), run on the panel of the test below with
# core_rule="max_t", time_trim=0.3, cstar_method="incremental" and cstar_increment=0.05.
BEFORE = {"coefficient": [-0.4161448835, 0.1057760279, 0.8840104586, 0.1696448544]}
BEFORE["std_error"] = [0.8058301634, 0.7576408035, 0.2986075809, 0.3532253730]
BEFORE["units"] = [3, 3, 8, 8]
MERGED = {"units": [6, 8, 8], "coefficient": [-0.2865437258, 0.8840104586, 0.1696448544]}


def test_clubs_and_units_without_one_are_those_of_another_program():
    t, i = np.arange(1, 31), np.arange(24)[:, None]
    gap = 0.25 * np.cos(1.7 * i + 0.4) / t**0.6
    wave = 0.06 * np.sin((i + 1) * t**2 * 0.37 + i)
    values = np.array([3.0, 2.0, 1.2])[i % 3] * (1 + gap + wave) * 1.05**t
    result = club(pd.Series(values.ravel(), keyed(24, 30)))
    found = (result.overall.coefficient, result.overall.std_error)
    assert found == pytest.approx((-0.6499942138656308, 0.027663290559884278), abs=1e-8)
    for table, peer in ((result.before, BEFORE), (result.clubs, MERGED)):
        np.testing.assert_allclose(table[list(peer)], np.transpose([*peer.values()]), atol=1e-8)
    first = [2, 1, 2, 2, 0, 1, 0, 1]  # units 0, 3, 6, ...
    assert result.initial.tolist() == [number for own in first for number in (own, 3, 4)]
