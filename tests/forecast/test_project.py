"""Forecasts and the backtest: promises, other programs and simulated truth."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_up_panels import keyed, refusals

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.forecast import backtest, forecast, methods
from nqpf.forecast.backtest import _diebold_mariano
from nqpf.forecast.methods import METHODS, class_probabilities, latest_run, panel_autoregression

FAST = [name for name in METHODS if name != "smoothing"]


def panel(years=11, units=6, seed=0):
    codes = [110000, 310000, 440000, 460000, 520000, 540000][:units]
    steps = 0.5 + np.random.default_rng(seed).normal(size=(units, years))
    return pd.Series(10 + steps.cumsum(axis=1).ravel(), keyed(codes, years, 2013), name="score")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_by_key_and_passes_shifts_and_units_through(method):
    series = panel(8, units=3)
    before = series.copy()
    result = forecast(series, 2, method)
    shuffled = forecast(series.sample(frac=1, random_state=1), 2, method)
    pd.testing.assert_frame_equal(result.frame, shuffled.frame)
    pd.testing.assert_series_equal(series, before)
    assert result.frame.index.get_level_values("year").unique().tolist() == [2021, 2022]
    plain = result.frame["forecast"]
    moved = forecast(3 * series + 7, 2, method).frame["forecast"]
    assert moved.to_numpy() == pytest.approx(3 * plain.to_numpy() + 7, rel=1e-8)
    assert result.origin == 2020


def test_logs_give_constant_growth_and_bounds_above_zero():
    series = pd.Series([1.0, 2.0, 4.0, 8.0, 16.0], keyed([1], 5, 2018))
    frame = forecast(series, 2, logs=True).frame
    assert frame["forecast"].tolist() == pytest.approx([32.0, 64.0])
    noisy = forecast(panel(), 3, logs=True).frame
    assert (noisy["lower"] > 0).all() and (noisy["lower"] <= noisy["upper"]).all()


def test_columns_of_a_frame_are_forecast_as_if_alone():
    frame = pd.DataFrame({"a": panel(), "b": panel(seed=1)})
    both = forecast(frame, 2)
    for name in frame:
        alone = forecast(frame[name], 2).frame
        pd.testing.assert_frame_equal(both.frame.xs(name, level="measure"), alone)


def test_bounds_hold_the_forecast_widen_with_the_level_and_need_past_errors():
    narrow, wide = (forecast(panel(), 3, level=x).frame for x in (0.5, 0.9))
    assert (wide["upper"] >= narrow["upper"]).all() and (wide["lower"] < wide["forecast"]).all()
    frame = forecast(panel(4, units=2), 3, "drift", level=0.9).frame
    assert frame["lower"].isna().all() and frame["forecast"].notna().all()
    assert forecast(panel() * 0 + 3, 1, "smoothing").frame["forecast"].eq(3).all()


def test_a_backtest_makes_the_forecasts_that_were_possible_then():
    series = panel(units=3)
    rows = backtest(series).rows
    past = series[series.index.get_level_values("year") <= 2019]
    for method in METHODS:
        own = rows[(rows["origin"] == 2019) & (rows["method"] == method)]
        own = own.assign(year=own["origin"] + own["horizon"]).set_index(["province", "year"])
        then = forecast(past, 3, method).frame.loc[own.index]
        pd.testing.assert_frame_equal(own[then.columns], then, rtol=0, atol=1e-12)


def test_methods_share_provinces_and_origins_and_the_bar_is_there():
    late = panel().drop([(110000, year) for year in range(2013, 2017)])
    result = backtest(late, ["panel_ar", "random_walk"])
    sizes = result.rows.groupby(["horizon", "method"]).size().unstack()
    assert list(sizes.columns) == ["drift", "panel_ar", "random_walk"]
    assert (sizes.nunique(axis=1) == 1).all()
    assert result.rows.query("province == 110000")["origin"].min() == 2021  # five from 2017


def test_table_is_what_the_rows_say():
    result = backtest(panel(), ["random_walk"])
    row, methods = result.table.loc[(1, "random_walk")], ("random_walk", "drift")
    rows, drift = (result.rows.query(f"horizon == 1 and method == '{name}'") for name in methods)
    assert row["mae"] == pytest.approx((rows["actual"] - rows["forecast"]).abs().mean())
    assert row["rmse"] == pytest.approx(np.sqrt((rows["error"] ** 2).mean()))
    assert row["mae / drift"] == pytest.approx(row["mae"] / drift["error"].abs().mean())
    known = rows.dropna(subset="lower")
    inside = known["actual"].between(known["lower"], known["upper"]).mean()
    assert row["coverage"] == pytest.approx(inside) and row["nominal"] == 0.9
    assert row["intervals"] == len(known)


def test_verdict_names_a_winner_where_the_truth_has_one():
    """Provinces share one slope and noise is large: their own drifts are worse than the common."""
    rng, keys = np.random.default_rng(4), keyed(149, 18)
    walk = pd.Series(rng.normal(size=len(keys)), index=keys).groupby("province").cumsum()
    found = backtest(walk, ["pooled_drift"], horizon=2)
    assert (1, "pooled_drift") in found.winners
    assert "Beats the drift" in found.verdict and "pooled drift at 1 year" in found.verdict


def test_verdict_is_honest_where_the_drift_is_the_truth_or_origins_are_few():
    keys = keyed(range(1, 32), 12)
    slope = keys.get_level_values("province") * 0.3
    noise = pd.Series(np.random.default_rng(2).normal(size=len(keys)), index=keys)
    result = backtest((noise + slope).groupby("province").cumsum(), FAST)
    assert result.winners == [] and result.verdict.startswith("Nothing beats the drift for sure")
    tests = backtest(panel(), FAST, first_origin=2018).tests.loc[3]  # three years, three origins
    assert tests["origins"].eq(3).all() and tests["p_holm"].isna().all()


def test_latest_run_keeps_what_ends_in_the_newest_year():
    series = panel()
    series.loc[(540000, 2014)] = np.nan
    series = series.drop((460000, 2023))
    kept = latest_run(series)
    assert kept.xs(540000).index.min() == 2015 and 460000 not in kept.index.unique("province")
    assert len(kept) == len(series) - 2 - 10
    forecast(kept, 1)


AT = (440000, 2017)
SPOILT = [
    *((f"gap .*Guangdong.*{year}", panel().drop((440000, year))) for year in (2017, 2023)),
    ("missing.*Guangdong.*2017", panel().mask(panel().index == AT)),
    ("infinite.*Guangdong.*2017", panel().mask(panel().index == AT, np.inf)),
    ("more than once.*Beijing.*2013", pd.concat([panel(), panel().iloc[[0]]])),
    (r"'unit'.*\(province, year\)", panel().rename_axis(["unit", "year"])),
]
READERS = [forecast, backtest, panel_autoregression, class_probabilities]
test_a_spoilt_history_is_named = refusals(
    SampleError, *((said, partial(call, s)) for call in READERS for said, s in SPOILT)
)


NEGATIVE = panel().mask(panel().index == (310000, 2015), -0.5)
FLAT = panel() * 0 + 3


test_what_else_is_refused = refusals(
    MethodError,
    *((said, partial(call, panel(), **{name: value})) for call in READERS[:2]
      for said, name, values in (("whole number", "horizon", (0, 1.5, True)),
                                 ("between 0 and 1", "level", (95,))) for value in values),
    ("'drift'", lambda: forecast(panel(), method="drfit")),
    ("'drift'", lambda: backtest(panel(), methods="drfit")),
    ("a year from 2017 to 2022", lambda: backtest(panel(), first_origin=2023)),
    ("twice", lambda: backtest(panel(), methods=["drift", "drift"])),
    ("not below 2", lambda: class_probabilities(panel(), classes=1)),
    ("4 .*few for 'panel.*Beij.*5 y", lambda: forecast(panel(4), method="panel_ar"), SampleError),
    ("5 years are too few for a ba", lambda: backtest(panel(5), methods="panel_ar"), SampleError),
    ("-0.5 .*Shanghai.*2015.*a logarithm", lambda: forecast(NEGATIVE, logs=True), DataError),
    ("does not vary", lambda: panel_autoregression(FLAT), EstimationError),
    ("no members", lambda: class_probabilities(FLAT), SampleError),
)  # fmt: skip


# Peers


AIR = np.array([112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118.0])


def as_series(values):
    return pd.Series(values.T.ravel(), keyed(values.shape[1], len(values)))


def test_diebold_mariano_is_that_of_r():
    """``dm.test(e1, e2, h, power = 1, varestimator = "bartlett")`` of R's forecast 8.20."""
    first = np.array([0.5, -1.2, 0.8, 1.9, -0.4, 1.1, 0.3, -0.9])
    second = np.array([0.2, -0.7, 1.0, 0.9, -0.6, 0.4, 0.5, -0.2])
    printed = {1: (1.925737248, 0.0955198052), 3: (2.648713397, 0.0330032718)}
    for horizon, wanted in printed.items():
        found = _diebold_mariano(np.abs(first) - np.abs(second), horizon)
        assert found == pytest.approx(wanted, rel=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_smoothing_is_that_of_statsmodels_and_fits_no_worse(seed):
    """The same parameters give the same forecasts; the search finds no larger sum of squares."""
    from statsmodels.tsa.holtwinters import Holt

    y = AIR if seed == 0 else (1 + np.random.default_rng(seed).normal(size=6 + seed)).cumsum()
    level, trend, damping = methods._fit_damped(y[:, None])[:, 0]
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


def test_persistence_without_correction_is_that_of_linearmodels():
    from linearmodels.panel import PanelOLS

    values = np.random.default_rng(3).normal(size=(9, 12)).cumsum(axis=0)
    series = as_series(values - values.mean(axis=1, keepdims=True))
    frame = pd.DataFrame({"y": series, "lag": series.groupby("province").shift()}).dropna()
    model = PanelOLS(frame["y"], frame[["lag"]], entity_effects=True)
    within = panel_autoregression(series).rho_within
    assert within == pytest.approx(model.fit().params["lag"], abs=1e-10)


def simulated(rho, years, rng, spread=None):
    """Thirty-one units that start where they stay, or with own errors of this spread from zero."""
    effects = rng.normal(size=31)
    y = effects / (1 - rho) + rng.normal(size=31) / np.sqrt(1 - rho**2)
    rows = [y if spread is None else 0 * y]
    for _ in range(years - 1):
        error = rng.normal(size=31) * (1 if spread is None else spread)
        rows.append(effects + rho * rows[-1] + error)
    return as_series(np.array(rows))


@pytest.mark.parametrize("stationary", [True, False], ids=["stationary", "from-zero"])
def test_persistence_of_thirty_one_provinces_is_unbiased_within_simulation_error(stationary):
    rng, found = np.random.default_rng(7), []
    for _ in range(40):
        spread = None if stationary else np.exp(0.3 * rng.normal(size=31))
        fit = panel_autoregression(simulated(0.6, 11, rng, spread))
        found.append((fit.rho_within, fit.rho))
    within, corrected = np.array(found).T
    error = corrected.std() / np.sqrt(len(corrected))
    assert corrected.mean() == pytest.approx(0.6, abs=3 * error)
    assert within.mean() < 0.6 - 10 * error


def test_class_probabilities_are_powers_of_counted_transitions():
    series = simulated(0.8, 10, np.random.default_rng(4))
    classes = pd.qcut(series - series.groupby("year").transform("mean"), 4, labels=False)
    before = classes.groupby("province").shift().dropna().astype(int)
    matrix = pd.crosstab(before, classes.loc[before.index], normalize="index").to_numpy()
    odds = class_probabilities(series, 2, classes=4).xs(2021, level="year").to_numpy()
    now = classes.xs(2019, level="year").to_numpy()
    assert odds == pytest.approx((matrix @ matrix)[now], abs=1e-12)


COVER = {"random_walk": (0.88, 0.92), "pooled_drift": (0.88, 0.92), "drift": (0.90, 0.96)}


@pytest.mark.parametrize("method", COVER)
def test_rolling_intervals_cover_what_they_say_on_simulated_panels(method):
    """The drift's early origins are poorer than its newest: its intervals are on the wide side."""
    rng, covered = np.random.default_rng(11), []
    for _ in range(60):
        slope = {"random_walk": 0.0, "pooled_drift": 1.0, "drift": rng.normal(size=31)}[method]
        steps = slope + np.exp(0.4 * rng.normal(size=31)) * rng.normal(size=(14, 31))
        y = steps.cumsum(axis=0)
        _, points, widths = methods._rolling(y[:11], method, 3, 0.9)
        covered.append(np.abs(y[11:] - points[-1]) <= widths[-1])
    shares, (low, high) = np.mean(covered, axis=(0, 2)), COVER[method]
    assert low <= shares.min() and shares.max() <= high
