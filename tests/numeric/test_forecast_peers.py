"""Forecasts, intervals and tests against R's forecast, statsmodels, linearmodels and known truth.

Figures marked R were printed by R 4.2.2 with forecast 8.20.
"""

import warnings

import numpy as np
import pandas as pd
import pytest

from nqpf.forecast.backtest import _diebold_mariano
from nqpf.forecast.methods import (
    METHODS,
    _fit_damped,
    _rolling,
    class_probabilities,
    panel_autoregression,
)

AIR = np.array([112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118.0])[:, None]


def as_series(values: np.ndarray) -> pd.Series:
    frame = pd.DataFrame(values, index=range(2010, 2010 + len(values)))
    return frame.rename_axis("year").rename_axis(columns="province").T.stack().astype(float)


@pytest.mark.parametrize(
    ("horizon", "statistic", "p"), [(1, 1.925737248, 0.0955198052), (3, 2.648713397, 0.0330032718)]
)
def test_diebold_mariano_is_that_of_r(horizon, statistic, p) -> None:
    """``dm.test(e1, e2, h, power = 1, varestimator = "bartlett")`` in R."""
    first = np.array([0.5, -1.2, 0.8, 1.9, -0.4, 1.1, 0.3, -0.9])
    second = np.array([0.2, -0.7, 1.0, 0.9, -0.6, 0.4, 0.5, -0.2])
    found = _diebold_mariano(np.abs(first) - np.abs(second), horizon)
    assert found == pytest.approx((statistic, p), rel=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_smoothing_is_that_of_statsmodels_and_fits_no_worse(seed) -> None:
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


def test_persistence_without_correction_is_that_of_linearmodels_with_clusters() -> None:
    from linearmodels.panel import PanelOLS

    values = np.random.default_rng(3).normal(size=(9, 12)).cumsum(axis=0)
    series = as_series(values - values.mean(axis=1, keepdims=True))
    frame = pd.DataFrame({"y": series, "lag": series.groupby("province").shift()}).dropna()
    model = PanelOLS(frame["y"], frame[["lag"]], entity_effects=True)
    peer = model.fit(cov_type="clustered", cluster_entity=True, debiased=False, group_debias=False)
    ours = panel_autoregression(series, "none")
    assert ours.rho == pytest.approx(peer.params["lag"], abs=1e-10)
    assert ours.std_error == pytest.approx(peer.std_errors["lag"], rel=1e-6)


def simulated(rho, years, units, rng, stationary=True, spread=None) -> np.ndarray:
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
) -> None:
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


def test_class_probabilities_are_powers_of_counted_transitions() -> None:
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
def test_rolling_intervals_cover_what_they_say_on_simulated_panels(method, low, high) -> None:
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
