"""Distributions, inequality, chains, convergence and forecasts against other programs and truth.

Clubs: figures of convergence-clubs 0.1.2 (a port of R's ConvergenceClubs), run on the panel
of its test with core_rule="max_t", time_trim=0.3, cstar_method="incremental" and
cstar_increment=0.05.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from made_up_panels import case, dummies, grunfeld, keyed, ring

from nqpf.dynamics import kernel_density
from nqpf.dynamics.convergence import beta, club, sigma
from nqpf.dynamics.inequality import by_year, dagum
from nqpf.dynamics.markov import markov, spatial_markov
from nqpf.forecast.backtest import _diebold_mariano
from nqpf.forecast.methods import (
    METHODS,
    _fit_damped,
    _rolling,
    class_probabilities,
    panel_autoregression,
)

# Densities


def bandwidth(x, rule="silverman"):
    return kernel_density(pd.Series(x, keyed(len(x), 1, 1)), rule).bandwidths[1]


def investment():
    data = grunfeld()
    return data.loc[data["firm"] == "General Motors", "invest"].to_numpy(dtype=float)


def test_sheather_jones_as_r_finds_it():
    # R 4.2.2, bw.SJ(x, nb = 20000000, tol = 1e-12): R bins the differences between values, and so
    # many bins are as good as none; with its 1000 it prints 93.6 for the same.
    assert bandwidth(investment(), "sheather-jones") == pytest.approx(93.6369837864, rel=1e-6)


def test_silverman_as_r_finds_it_where_the_standard_deviation_decides():
    # R 4.2.2, bw.nrd0; its interquartile range is over 1.34, here 1.349, and larger in this sample
    eruptions = case("faithful.csv")["eruptions"].to_numpy()
    assert bandwidth(eruptions) == pytest.approx(0.334777034464, rel=1e-10)


def test_rules_of_thumb_by_their_definitions():
    x = investment()
    quartiles = np.percentile(x, [25, 75])
    spread = min(x.std(ddof=1), (quartiles[1] - quartiles[0]) / 1.349)
    assert bandwidth(x) == pytest.approx(0.9 * spread * len(x) ** -0.2, rel=1e-14)
    assert bandwidth(x, "scott") == pytest.approx(1.059 * spread * len(x) ** -0.2, rel=1e-14)


def test_sheather_jones_solves_its_equation_pair_by_pair():
    x = investment()
    n, h = len(x), bandwidth(x, "sheather-jones")
    normal = np.polynomial.hermite_e.HermiteE
    fourth, sixth = normal.basis(4), normal.basis(6)

    def mean(polynomial, width, power):
        z = (x[:, None] - x) / width
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        return (polynomial(z) * density).sum() / (n * (n - 1) * width**power)

    spread = min(x.std(ddof=1), np.subtract(*np.percentile(x, [75, 25])) / 1.349)
    s = mean(fourth, 1.24 * spread * n ** (-1 / 7), 5)
    t = -mean(sixth, 1.23 * spread * n ** (-1 / 9), 7)
    alpha = 1.357 * (s / t) ** (1 / 7) * h ** (5 / 7)
    assert (1 / (2 * np.sqrt(np.pi) * n * mean(fourth, alpha, 5))) ** 0.2 == pytest.approx(h)


# Inequality


def measured(y, groups=None, weights=None):
    """Return every measure of one sample."""
    given = [None if x is None else pd.Series(np.asarray(x)) for x in (groups, weights)]
    return by_year(pd.Series(np.asarray(y, dtype=float), keyed(len(y), 1, 1)), *given).loc[1]


# R 4.2.2: gini_decomp of dineq 0.1.0 with population, whose between term is the Gini coefficient
# of group means and its overlap the rest, Dagum's G_nb and G_t; theil and cv of REAT, plain.
COUNTIES = (0.2097095639795583, 0.1489874598155959, 0.0469810356295546, 0.0137410685344078)
REAT = {"theil": 0.0672195666185194, "cv": 0.4377115670546181}


def test_german_counties_as_dineq_and_reat_compute_them():
    data = case("reat_counties.csv")
    y = data["gdppc2014"].astype(float)
    result = dagum(y, data["regional"], data["pop2014"])
    found = (result.gini, result.within, result.between, result.transvariation)
    np.testing.assert_allclose(found, COUNTIES, atol=1e-12)
    plain, as_population = measured(y), measured(y, weights=np.ones(len(y)))
    assert plain["theil_l"] == pytest.approx(REAT["theil"], rel=1e-12)
    assert plain["variation"] == pytest.approx(REAT["cv"], rel=1e-12)
    assert as_population["variation"] == pytest.approx(0.4371668106928819, rel=1e-12)


# Chains


def test_chains_equal_those_of_giddy():
    # Figures that giddy 2.3.6 gave for this panel (Spatial_Markov with k = m = 3, and
    # Homogeneity_Results of the counts of two halves as floats); importing it takes seconds.
    t, i = np.arange(30), np.arange(16)[:, None]
    values = np.exp(0.9 * np.sin(0.35 * t * (1 + 0.1 * (i % 5)) + i) + 0.1 * i * np.cos(0.2 * t))
    scores, frame = pd.Series(values.ravel(), keyed(16, 30)), ring(range(16))
    ours = spatial_markov(scores.sample(frac=1, random_state=1), frame, 3)
    counts = [one.counts.to_numpy().tolist() for one in ours.by_lag.values()]
    assert counts == [
        [[91, 9, 0], [7, 29, 5], [0, 2, 16]],
        [[39, 10, 0], [17, 39, 7], [0, 9, 38]],
        [[4, 6, 0], [2, 37, 11], [0, 14, 72]],
    ]
    pvalue = 0.0003448346760275278
    wanted = (28.792314969434145, 31.506035086136748, 8, pvalue)
    assert ours.test[:4] == pytest.approx(wanted, abs=1e-9)
    assert ours.test.likelihood_ratio_pvalue == pytest.approx(pvalue, abs=1e-12)
    halves = markov(scores, 3).homogeneity(2)
    assert halves[:3] == pytest.approx((11.918388077487883, 11.578339866614208, 4), abs=1e-9)
    assert halves.pearson_pvalue == pytest.approx(0.020778400951033005, abs=1e-12)


# Convergence


RNG = np.random.default_rng(11)


def growth(units=20):
    start = RNG.normal(0, 0.5, units)
    end = start + 0.4 - 0.2 * start + RNG.normal(0, 0.1, units)
    keys = pd.MultiIndex.from_product([range(units), [2010, 2020]], names=["province", "year"])
    return pd.Series(np.exp(np.c_[start, end].ravel()), index=keys)


@pytest.mark.parametrize(
    ("errors", "kind"), [("unadjusted", "nonrobust"), ("robust", "HC1")], ids=["plain", "HC1"]
)
def test_beta_of_mexican_states_equals_statsmodels(errors, kind):
    from statsmodels.regression.linear_model import OLS

    table = case("mexico_pcgdp.csv").filter(like="pcgdp")
    table.columns = [int(name[-4:]) for name in table]
    scores = table.stack().rename_axis(["state", "year"])
    result = beta(scores, errors=errors)
    logs = np.log(table)
    growing, first = (logs[2000] - logs[1940]) / 60, logs[[1940]].assign(const=1.0)
    own = OLS(growing, first).fit(cov_type=kind)
    assert result.coefficient == pytest.approx(own.params[1940], abs=1e-10)
    assert result.std_error == pytest.approx(own.bse[1940], abs=1e-10)
    assert result.speed == pytest.approx(-np.log(1 + 60 * own.params[1940]) / 60, abs=1e-9)


@pytest.mark.parametrize("spatial", ["lag", "error"])
def test_spatial_beta_maximises_the_likelihood_written_out(spatial):
    from scipy.optimize import minimize_scalar

    scores = growth()
    frame = ring(range(20))
    w = frame.to_numpy()
    result = beta(scores, spatial=spatial, weights=frame.sample(frac=1, random_state=0))
    logs = np.log(scores.unstack()).to_numpy()
    y, x = (logs[:, 1] - logs[:, 0]) / 10, np.c_[np.ones(20), logs[:, 0]]

    def fit(rho):
        left = np.eye(20) - rho * w
        design = x if spatial == "lag" else left @ x
        b, *_ = np.linalg.lstsq(design, left @ y, rcond=None)
        e = left @ y - design @ b
        value = -10 * (np.log(2 * np.pi * e @ e / 20) + 1) + np.linalg.slogdet(left)[1]
        return value, b

    best = minimize_scalar(
        lambda r: -fit(r)[0], bounds=(-0.99, 0.99), method="bounded", options={"xatol": 1e-10}
    )
    assert result.rho == pytest.approx(best.x, abs=1e-5)
    assert result.coefficient == pytest.approx(fit(best.x)[1][1], abs=1e-6)
    assert result.likelihood_ratio == pytest.approx(2 * (fit(best.x)[0] - fit(0.0)[0]), abs=1e-6)


def test_panel_beta_equals_dummies():
    logs = pd.Series(RNG.normal(size=64).cumsum() / 9, keyed(8, 8))
    result = beta(np.exp(logs), design="panel")
    before = logs.groupby("province").shift()
    frame = pd.DataFrame({"growth": logs - before, "before": before}).dropna()
    design = np.hstack([frame[["before"]], dummies(frame)])
    own = np.linalg.lstsq(design, frame["growth"], rcond=None)[0]
    assert result.coefficient == pytest.approx(own[0], abs=1e-10)


def test_equal_variances_is_the_test_of_a_correlation():
    from scipy import stats

    table = growth().unstack()
    first, last = np.log(table).to_numpy().T
    result = sigma(table.assign(**{"2015": table[2010]}).rename(columns=int).stack())
    r = result.correlation
    t = r * np.sqrt(18 / (1 - r**2))
    assert result.pvalue == pytest.approx(2 * stats.t.sf(abs(t), 18), abs=1e-12)
    # Carree and Klomp (1997): (N - 2.5) ln(1 + D^2 / (4 (s1 sT - s1T^2))) holds the same 1 - r^2.
    (s1, s1t), (_, st) = np.cov(first, last)
    assert 1 / (1 - r**2) == pytest.approx(1 + (s1 - st) ** 2 / (4 * (s1 * st - s1t**2)))


PEER = {
    "units": [3, 3, 8, 8],
    "coefficient": [-0.41614488346590833, 0.10577602792270821, 0.8840104585539403]
    + [0.16964485437298393],
    "std_error": [0.8058301633758906, 0.7576408034894385, 0.2986075809099602, 0.3532253729944504],
}
MERGED = {
    "units": [6, 8, 8],
    "coefficient": [-0.28654372584577137, 0.8840104585539403, 0.16964485437298393],
}


def test_clubs_and_units_without_one_are_those_of_another_program():
    t, i = np.arange(1, 31), np.arange(24)[:, None]
    gap = 0.25 * np.cos(1.7 * i + 0.4) / t**0.6
    wave = 0.06 * np.sin((i + 1) * t**2 * 0.37 + i)
    values = np.array([3.0, 2.0, 1.2])[i % 3] * (1 + gap + wave) * 1.05**t
    result = club(pd.Series(values.ravel(), keyed(24, 30)))
    found = (result.overall.coefficient, result.overall.std_error)
    assert found == pytest.approx((-0.6499942138656308, 0.027663290559884278), abs=1e-8)
    for table, peer in ((result.before, PEER), (result.clubs, MERGED)):
        for column, wanted in peer.items():
            assert table[column].tolist() == pytest.approx(wanted, abs=1e-8)
    first = [2, 1, 2, 2, 0, 1, 0, 1]  # units 0, 3, 6, ...
    assert result.initial.tolist() == [number for own in first for number in (own, 3, 4)]


# Forecasts


AIR = np.array([112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118.0])[:, None]


def as_series(values):
    frame = pd.DataFrame(values, index=range(2010, 2010 + len(values)))
    return frame.rename_axis("year").rename_axis(columns="province").T.stack().astype(float)


@pytest.mark.parametrize(
    ("horizon", "statistic", "p"), [(1, 1.925737248, 0.0955198052), (3, 2.648713397, 0.0330032718)]
)
def test_diebold_mariano_is_that_of_r(horizon, statistic, p):
    """``dm.test(e1, e2, h, power = 1, varestimator = "bartlett")`` of R's forecast 8.20."""
    first = np.array([0.5, -1.2, 0.8, 1.9, -0.4, 1.1, 0.3, -0.9])
    second = np.array([0.2, -0.7, 1.0, 0.9, -0.6, 0.4, 0.5, -0.2])
    found = _diebold_mariano(np.abs(first) - np.abs(second), horizon)
    assert found == pytest.approx((statistic, p), rel=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_smoothing_is_that_of_statsmodels_and_fits_no_worse(seed):
    """The same parameters give the same forecasts; the search finds no larger sum of squares."""
    from statsmodels.tsa.holtwinters import Holt

    rng = np.random.default_rng(seed)
    y = AIR[:, 0] if seed == 0 else (1 + rng.normal(size=6 + seed)).cumsum()
    level, trend, damping = _fit_damped(y[:, None])[:, 0]
    ours = METHODS["smoothing"].points(y[:, None], 3)[:, 0]
    start = {"initial_level": y[0], "initial_trend": y[1] - y[0]}
    model = Holt(y, damped_trend=True, initialization_method="known", **start)
    given = {"smoothing_level": level, "smoothing_trend": trend, "damping_trend": damping}
    peer = model.fit(**given, optimized=False)
    assert ours == pytest.approx(peer.forecast(3), rel=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        best = model.fit()
    assert peer.sse <= best.sse * (1 + 1e-6)


def test_persistence_without_correction_is_that_of_linearmodels_with_clusters():
    from linearmodels.panel import PanelOLS

    values = np.random.default_rng(3).normal(size=(9, 12)).cumsum(axis=0)
    series = as_series(values - values.mean(axis=1, keepdims=True))
    frame = pd.DataFrame({"y": series, "lag": series.groupby("province").shift()}).dropna()
    model = PanelOLS(frame["y"], frame[["lag"]], entity_effects=True)
    peer = model.fit(cov_type="clustered", cluster_entity=True, debiased=False, group_debias=False)
    ours = panel_autoregression(series, "none")
    assert ours.rho == pytest.approx(peer.params["lag"], abs=1e-10)
    assert ours.std_error == pytest.approx(peer.std_errors["lag"], rel=1e-6)


def simulated(rho, years, units, rng, stationary=True, spread=None):
    effects, spread = rng.normal(size=units), 1.0 if spread is None else spread
    y = np.zeros(units)
    if stationary:
        y = effects / (1 - rho) + rng.normal(size=units) / np.sqrt(1 - rho**2)
    rows = [y]
    for _ in range(years - 1):
        rows.append(effects + rho * rows[-1] + spread * rng.normal(size=units))
    return np.array(rows)


@pytest.mark.parametrize("stationary", [True, False], ids=["stationary", "from-zero"])
def test_persistence_of_thirty_one_provinces_is_unbiased_within_simulation_error(
    stationary,
):
    rng = np.random.default_rng(7)
    found = []
    for _ in range(40):
        spread = np.exp(0.3 * rng.normal(size=31))
        fit = panel_autoregression(
            as_series(simulated(0.6, 11, 31, rng, stationary, None if stationary else spread))
        )
        found.append((fit.rho_within, fit.rho))
    within, corrected = np.array(found).T
    error = corrected.std() / np.sqrt(len(corrected))
    assert corrected.mean() == pytest.approx(0.6, abs=3 * error)
    assert within.mean() < 0.6 - 10 * error


def test_class_probabilities_are_powers_of_counted_transitions():
    values = simulated(0.8, 10, 31, np.random.default_rng(4))
    series = as_series(values)
    apart = series - series.groupby("year").transform("mean")
    classes = pd.qcut(apart, 4, labels=False)
    before = classes.groupby("province").shift().dropna().astype(int)
    matrix = pd.crosstab(before, classes.loc[before.index], normalize="index").to_numpy()
    odds = class_probabilities(series, 2, classes=4).xs(2021, level="year").to_numpy()
    now = classes.xs(2019, level="year").to_numpy()
    assert odds == pytest.approx((matrix @ matrix)[now], abs=1e-12)


@pytest.mark.parametrize(
    ("method", "low", "high"),
    [("random_walk", 0.88, 0.92), ("pooled_drift", 0.88, 0.92), ("drift", 0.90, 0.96)],
)
def test_rolling_intervals_cover_what_they_say_on_simulated_panels(method, low, high):
    """The drift's early origins are poorer than its newest: its intervals are on the wide side."""
    rng = np.random.default_rng(11)
    covered = []
    for _ in range(60):
        slope = {"random_walk": 0.0, "pooled_drift": 1.0, "drift": rng.normal(size=31)}[method]
        steps = slope + np.exp(0.4 * rng.normal(size=31)) * rng.normal(size=(14, 31))
        y = steps.cumsum(axis=0)
        _, points, widths = _rolling(y[:11], method, 3, 0.9)
        covered.append(np.abs(y[11:] - points[-1]) <= widths[-1])
    assert ((low <= np.mean(covered, axis=(0, 2))) & (np.mean(covered, axis=(0, 2)) <= high)).all()
