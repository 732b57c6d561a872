"""Dynamic panels: identities, counts of instruments, gaps, warnings, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from made_up_panels import keyed

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.regress import RegressionTable
from nqpf.regress.gmm import dynamic_gmm


def sample(seed=0, units=60, years=8, rho=0.5):
    """Outcome with unit effects and a lag; x is exogenous, w moved by the present error."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(size=units)
    y, w, rows = effect / (1 - rho), effect.copy(), []
    for _ in range(10 + years):
        x, error = rng.normal(size=(2, units))
        w = 0.5 * w + 0.3 * effect + 0.4 * error + rng.normal(size=units)
        y = rho * y + 0.4 * x + 0.3 * w + effect + error
        rows.append(np.column_stack([y, x, w]))
    keys = keyed(units, years, 2015)
    values = np.stack(rows[10:], axis=1).reshape(-1, 3)
    return pd.DataFrame(values, keys, ["y", "x", "w"])


@pytest.mark.parametrize(
    ("method", "collapse", "count"),
    [
        ("difference", False, 21 + 6),  # lags 2.. of six years: 1 + 2 + ... + 6; six years
        ("difference", True, 6 + 6),
        ("system", False, 21 + 6 + 6 + 1),  # a lagged difference in six of seven years
        ("system", True, 6 + 1 + 6 + 1),
    ],
)
def test_number_of_instruments_and_what_is_dependent_is_not_counted(method, collapse, count):
    frame, options = sample(), {"method": method, "collapse": collapse}
    fit = dynamic_gmm(frame, "y", **options)
    assert fit.instruments == count
    assert fit.diagnostics.hansen.distribution == f"chi2({count - len(fit.params) - 6})"
    assert (fit.groups, fit.nobs) == (60, 60 * (7 if method == "system" else 6))
    last = (frame.index.get_level_values("year") == 2022).astype(float)  # a year effect already
    again = dynamic_gmm(frame.assign(last=last), "y", 1, "last", **options, time_effects=False)
    assert again.instruments == count - 5
    with_window = dynamic_gmm(frame, "y", predetermined="w", windows={"w": (1, 1)}, method=method)
    without = dynamic_gmm(frame, "y", predetermined="w", windows={"w": None}, method=method)
    assert with_window.instruments == without.instruments + 1 + (method == "system")


@pytest.mark.parametrize("method", ["difference", "system"])
def test_row_order_key_place_and_units_do_not_matter(method):
    frame, options = sample(1).iloc[3:], {"endogenous": ["w"], "method": method}
    fit = dynamic_gmm(frame, "y", 1, ["x"], **options)
    mixed = (frame * [1e6, 1e-5, 100]).sample(frac=1, random_state=1).reset_index()
    before = mixed.copy()
    other = dynamic_gmm(mixed, "y", 1, ["x"], **options)
    pd.testing.assert_frame_equal(mixed, before)
    np.testing.assert_allclose(other.tstats, fit.tstats, rtol=1e-8)
    assert other.params["w"] == pytest.approx(fit.params["w"] * 1e6 / 100, rel=1e-8)
    hansen = other.diagnostics.hansen.statistic
    assert hansen == pytest.approx(fit.diagnostics.hansen.statistic, rel=1e-8)


def test_common_shocks_are_year_effects():
    """With an instrument per lag and year, a shift of a whole year changes nothing else."""
    frame = sample(2)
    shock = frame.index.get_level_values("year").map(lambda year: np.sin(5 * year))
    fit, other = (
        dynamic_gmm(f, "y", collapse=False) for f in (frame, frame.assign(y=frame["y"] + shock))
    )
    np.testing.assert_allclose(other.to_frame(), fit.to_frame(), rtol=1e-7)
    assert list(fit.time_effects.index) == list(range(2017, 2023))


def test_a_missing_year_is_no_neighbour():
    """Dropping a year of every unit leaves only equations that do not reach over it."""
    holed = sample(3).drop(2018, level="year")
    fit = dynamic_gmm(holed, "y", time_effects=False)
    assert sorted(fit.residuals.index.unique("year")) == [2017, 2021, 2022]
    # Differences say nothing of 2020, which no equation links to the year before.
    assert list(dynamic_gmm(holed, "y").time_effects.index) == [2017, 2021, 2022]
    levels = dynamic_gmm(holed, "y", method="system").time_effects
    assert list(levels.index) == [2017, 2020, 2021, 2022]


def test_a_missing_figure_matters_only_where_an_equation_uses_it():
    frame = sample(4)
    first, later = (frame.index.get_level_values("year") == year for year in (2015, 2018))
    # A variable that begins later begins its equations later: its first year is no gap.
    late = frame.assign(y=frame["y"].mask(first))
    fit, rows = dynamic_gmm(late, "y", 1, "x"), frame.loc[~first]
    np.testing.assert_allclose(fit.to_frame(), dynamic_gmm(rows, "y", 1, "x").to_frame())
    # x of the first year stands in no equation, whose outcome has no year before.
    unused = dynamic_gmm(frame.assign(x=frame["x"].mask(first)), "y", 1, "x")
    np.testing.assert_allclose(unused.to_frame(), dynamic_gmm(frame, "y", 1, "x").to_frame())
    for name in ("y", "x"):
        with pytest.raises(SampleError, match=rf"of 2018 uses.*0, year 2018, variable {name}"):
            dynamic_gmm(frame.assign(**{name: frame[name].mask(later)}), "y", 1, "x")


def test_a_table_prints_it():
    fit = dynamic_gmm(sample(), "y", 1, {"x": 1}, vintage="census5", method="system")
    assert list(fit.params.index) == ["L1.y", "x", "L1.x", "const"]
    assert fit.covariance_label == "two-step, Windmeijer-corrected, clustered by province"
    assert "census5" in RegressionTable({"system": fit}).to_html()
    assert fit.notes[0] == f"{fit.instruments} instruments (collapsed) for 60 groups."
    assert [note.split(":")[0] for note in fit.notes[1:]] == ["Hansen J", "AR(2)"]
    assert fit.estimator == "system GMM"
    one = dynamic_gmm(sample(), "y", steps=1)
    assert one.covariance_label == "one-step robust, clustered by province"


def test_difference_in_hansen_finds_wrong_initial_conditions():
    """Units that start far from their mean break the moments in levels, no others."""
    frame = sample(5, units=150)
    effect = np.random.default_rng(5).normal(size=150)
    years = frame.index.get_level_values("year") - 2015
    away = effect[frame.index.get_level_values("province")] * 0.5**years
    for bad in (False, True):
        data = frame.assign(y=frame["y"] + 3 * bad * away)
        request = data, "y", 1, ["x"], (), ["w"]
        test = dynamic_gmm(*request, method="system").diagnostics
        extra = test.difference_in_hansen
        assert set(extra) == {"levels", "exogenous"}
        assert extra["levels"].distribution == "chi2(2)"  # one lagged difference of y, one of w
        assert all(0 <= t.statistic <= test.hansen.statistic for t in extra.values())
        assert (extra["levels"].pvalue < 1e-4) == bad
        assert dynamic_gmm(*request).diagnostics.hansen.pvalue > 0.01


def test_many_instruments_and_a_singular_weighting_matrix_are_named():
    with (
        pytest.warns(UserWarning, match="34 instruments for 20 units of province"),
        pytest.warns(UserWarning, match="second step has rank 20 with 34"),
    ):
        fit = dynamic_gmm(sample(units=20), "y", collapse=False, method="system")
    assert fit.diagnostics.difference_in_hansen == {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dynamic_gmm(sample(), "y", method="system")


@pytest.mark.parametrize("method", ["difference", "system"])
def test_an_exact_relation_is_recovered(method):
    rng, frame = np.random.default_rng(0), sample()
    start, effect, x = *rng.normal(size=(2, 60)), frame["x"].to_numpy().reshape(60, 8)
    y = [start + effect / 0.5]
    for year in range(1, 8):
        y.append(0.5 * y[-1] + 2 * x[:, year] + effect)
    less = effect.repeat(8) * 2 * (method == "system")
    frame = frame.assign(y=np.stack(y, axis=1).ravel() - less)
    fit = dynamic_gmm(frame, "y", 1, ["x"], method=method, steps=1)
    np.testing.assert_allclose(fit.params[["L1.y", "x"]], [0.5, 2], rtol=1e-8)
    np.testing.assert_allclose(fit.residuals, 0, atol=1e-8)


FEW = {"endogenous": "w", "windows": {"y": (2, 2), "w": None}, "time_effects": False}
BAD = [
    ({"exogenous": ["z"]}, DataError, "unknown variable 'z'"),
    ({"method": "systems"}, MethodError, "[Dd]id you mean 'system'"),
    ({"initial": "h3"}, MethodError, "initial 'h3'"),
    ({"steps": 3}, MethodError, "steps 3"),
    ({"lags": 0}, MethodError, "lags is 0"),
    ({"exogenous": "x", "endogenous": "x"}, MethodError, "'x' twice"),
    ({"exogenous": "y"}, MethodError, "'y' twice"),
    ({"exogenous": "L1.y"}, MethodError, "'L1.y' twice"),
    ({"exogenous": {"x": -1}}, MethodError, "highest lag of 'x' is -1"),
    *(({"windows": {"y": w}}, MethodError, "of 'y'") for w in [(1, 3), (4, 3), 2]),
    ({"exogenous": "x", "windows": {"x": (2, 3)}}, MethodError, "window 'x'"),
    ({"lags": 7}, SampleError, "9 consecutive years"),
    (FEW, EstimationError, "1 instruments? for 2 coefficients"),
]


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_requests(case):
    options, error, words = BAD[case]
    with pytest.raises(error, match=words):
        dynamic_gmm(sample(), "y", **options)


def moved(change):
    """Return a sample whose years are changed."""
    return lambda f: f.set_axis(f.index.map(lambda k: (k[0], change(k[1]))).rename(f.index.names))


SPOILT = [
    (lambda f: f.assign(y=f["y"].replace(f["y"].max(), np.inf)), SampleError, "infinite"),
    (lambda f: f.assign(x="a"), DataError, "not numbers"),
    (lambda f: pd.concat([f, f.iloc[:1]]), SampleError, "more than once"),
    (lambda f: f.assign(x=1.0), EstimationError, "'x'"),
    (lambda f: f.assign(x=f.index.get_level_values(0) * 1.0), EstimationError, "'x'"),
    (lambda f: f.assign(x=2 * f["w"]), EstimationError, "is not identified"),
    (lambda f: f.assign(x=f.index.get_level_values(1) ** 2.0), EstimationError, "not identified"),
    (moved(lambda year: 10000 * year), SampleError, "consecutive periods"),
    (moved(lambda year: year / 2), SampleError, "whole number"),
    (lambda f: f.loc[:4], EstimationError, "rank 5 for 9 coefficients"),
]


@pytest.mark.parametrize("case", range(len(SPOILT)))
def test_bad_samples(case):
    spoil, error, words = SPOILT[case]
    with pytest.raises(error, match=words):
        dynamic_gmm(spoil(sample()), "y", 1, ["x", "w"])
