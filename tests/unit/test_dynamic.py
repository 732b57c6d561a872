"""Dynamic panels: identities, counts of instruments, gaps, warnings, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import DataError, EstimationError, MethodError, NqpfError, SampleError
from nqpf.regress import RegressionTable
from nqpf.regress.gmm import ManyInstrumentsWarning, SingularWeightingWarning, dynamic_gmm


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
    keys = pd.MultiIndex.from_product(
        [range(units), range(2015, 2015 + years)], names=["province", "year"]
    )
    values = np.stack(rows[10:], axis=1).reshape(-1, 3)
    return pd.DataFrame(values, keys, ["y", "x", "w"])


def test_one_instrument_is_the_estimator_of_anderson_and_hsiao():
    frame = sample()
    wide = frame["y"].unstack()
    change = wide.diff(axis=1).iloc[:, 2:].to_numpy()
    before = wide.diff(axis=1).shift(axis=1).iloc[:, 2:].to_numpy()
    instrument = wide.shift(2, axis=1).iloc[:, 2:].to_numpy()
    wanted = (instrument * change).sum() / (instrument * before).sum()
    options = {"windows": {"y": (2, 2)}, "time_effects": False}
    for steps in (1, 2):
        fit = dynamic_gmm(frame, "y", steps=steps, **options)
        assert fit.params["L1.y"] == pytest.approx(wanted, rel=1e-10)
        assert fit.diagnostics.hansen is None
        assert fit.instruments == 1


@pytest.mark.parametrize(
    ("method", "collapse", "count"),
    [
        ("difference", False, 21 + 6),  # lags 2.. of six years: 1 + 2 + ... + 6; six years
        ("difference", True, 6 + 6),
        ("system", False, 21 + 6 + 6 + 1),  # a lagged difference in six of seven years
        ("system", True, 6 + 1 + 6 + 1),
    ],
)
def test_number_of_instruments(method, collapse, count):
    fit = dynamic_gmm(sample(), "y", method=method, collapse=collapse)
    assert fit.instruments == count
    assert fit.diagnostics.hansen.distribution == f"chi2({count - len(fit.params) - 6})"
    assert (fit.groups, fit.nobs) == (60, 60 * (7 if method == "system" else 6))


@pytest.mark.parametrize("method", ["difference", "system"])
def test_row_order_key_place_and_units_do_not_matter(method):
    frame = sample(1).iloc[3:]
    fit = dynamic_gmm(frame, "y", 1, ["x"], endogenous=["w"], method=method)
    mixed = frame.sample(frac=1, random_state=1).reset_index()
    before = mixed.copy()
    other = dynamic_gmm(mixed, "y", 1, ["x"], endogenous=["w"], method=method)
    pd.testing.assert_frame_equal(fit.to_frame(), other.to_frame(), rtol=1e-9)
    pd.testing.assert_frame_equal(mixed, before)
    scaled = frame * [1e6, 1e-5, 100]
    third = dynamic_gmm(scaled, "y", 1, ["x"], endogenous=["w"], method=method)
    np.testing.assert_allclose(third.tstats, fit.tstats, rtol=1e-8)
    assert third.params["w"] == pytest.approx(fit.params["w"] * 1e6 / 100, rel=1e-8)
    hansen = third.diagnostics.hansen.statistic
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
    assert "L1.y" in fit.params
    assert not set(fit.params.index) & set(map(str, range(2015, 2023)))


def test_a_missing_year_is_no_neighbour():
    """Dropping a year of every unit leaves only equations that do not reach over it."""
    frame = sample(3)
    holed = frame.drop(2018, level="year")
    fit = dynamic_gmm(holed, "y", time_effects=False)
    assert sorted(fit.residuals.index.get_level_values("year").unique()) == [2017, 2021, 2022]
    # Differences say nothing of 2020, which no equation links to the year before.
    assert list(dynamic_gmm(holed, "y").time_effects.index) == [2017, 2021, 2022]
    levels = dynamic_gmm(holed, "y", method="system").time_effects
    assert list(levels.index) == [2017, 2020, 2021, 2022]


def test_a_table_prints_it():
    fit = dynamic_gmm(sample(), "y", 1, {"x": 1}, vintage="census5", method="system")
    assert list(fit.params.index) == ["L1.y", "x", "L1.x", "const"]
    assert fit.covariance_label == "two-step, Windmeijer-corrected, clustered by province"
    assert "census5" in RegressionTable({"system": fit}).to_html()
    rows = list(fit.diagnostics.to_frame().index)
    assert rows[:4] == ["AR(1)", "AR(2)", "Sargan", "Hansen J"]
    assert "Difference in Hansen: levels" in rows
    assert fit.notes[0] == f"{fit.instruments} instruments (collapsed) for 60 groups."
    assert fit.estimator == "system GMM"
    one = dynamic_gmm(sample(), "y", steps=1)
    assert one.covariance_label == "one-step robust, clustered by province"


def test_difference_in_hansen_is_never_negative_and_adds_up_in_degrees():
    fit = dynamic_gmm(sample(4), "y", 1, ["x"], endogenous=["w"], method="system")
    extra = fit.diagnostics.difference_in_hansen
    assert set(extra) == {"levels", "exogenous"}
    assert extra["levels"].distribution == "chi2(2)"  # one lagged difference of y, one of w
    assert all(0 <= t.statistic <= fit.diagnostics.hansen.statistic for t in extra.values())


def test_wrong_initial_conditions_are_found_by_the_level_instruments():
    """Units that start far from their mean break the moments in levels, no others."""
    frame = sample(5, units=150)
    effect = np.random.default_rng(5).normal(size=150)
    years = frame.index.get_level_values("year") - 2015
    units = frame.index.get_level_values("province")
    away = frame.assign(y=frame["y"] + 3 * effect[units] * 0.5**years)
    test = dynamic_gmm(away, "y", 1, ["x"], endogenous=["w"], method="system").diagnostics
    assert test.difference_in_hansen["levels"].pvalue < 1e-4
    difference = dynamic_gmm(away, "y", 1, ["x"], endogenous=["w"]).diagnostics
    assert difference.hansen.pvalue > 0.01


def test_many_instruments_and_a_singular_weighting_matrix_are_named():
    with (
        pytest.warns(ManyInstrumentsWarning, match="34 instruments for 20 units of province"),
        pytest.warns(SingularWeightingWarning, match="second step has rank 20 with 34"),
    ):
        fit = dynamic_gmm(sample(units=20), "y", collapse=False, method="system")
    assert fit.diagnostics.difference_in_hansen == {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dynamic_gmm(sample(), "y", method="system")


def test_a_dependent_instrument_is_not_counted_twice():
    frame = sample(6).assign(copy=lambda f: 3 * f["x"])
    plain = dynamic_gmm(frame, "y", 1, ["x"])
    doubled = dynamic_gmm(frame, "y", 1, ["x"], instruments="copy")
    assert doubled.instruments == plain.instruments
    np.testing.assert_allclose(doubled.to_frame(), plain.to_frame(), rtol=1e-9)


@pytest.mark.parametrize("method", ["difference", "system"])
def test_an_exact_relation_is_recovered(method):
    rng = np.random.default_rng(0)
    frame = sample()
    start, effect, x = (
        rng.normal(size=60),
        rng.normal(size=60),
        frame["x"].to_numpy().reshape(60, 8),
    )
    y = [start + effect / 0.5]
    for year in range(1, 8):
        y.append(0.5 * y[-1] + 2 * x[:, year] + effect)
    frame = frame.assign(
        y=np.stack(y, axis=1).ravel() - effect.repeat(8) * 2 * (method == "system")
    )
    fit = dynamic_gmm(frame, "y", 1, ["x"], method=method, steps=1)
    np.testing.assert_allclose(fit.params[["L1.y", "x"]], [0.5, 2], rtol=1e-8)
    np.testing.assert_allclose(fit.residuals, 0, atol=1e-8)


def test_windows():
    frame = sample()
    none = dynamic_gmm(frame, "y", 1, predetermined=["w"], windows={"w": None, "y": (2, 3)})
    some = dynamic_gmm(frame, "y", 1, predetermined=["w"], windows={"w": (1, 1), "y": (2, 3)})
    assert some.instruments == none.instruments + 1
    assert [w.name for w in none.windows] == ["y"]


BAD = {
    "unknown variable": ({"exogenous": ["z"]}, DataError, "unknown variable 'z'"),
    "method": ({"method": "systems"}, MethodError, "[Dd]id you mean 'system'"),
    "initial": ({"initial": "h3"}, MethodError, "initial 'h3'"),
    "steps": ({"steps": 3}, MethodError, "steps 3"),
    "lags": ({"lags": 0}, MethodError, "lags 0"),
    "two roles": ({"exogenous": "x", "endogenous": "x"}, MethodError, "'x' is named more than"),
    "lagged outcome as regressor": ({"exogenous": "y"}, MethodError, "'y' is named more than"),
    "name of a coefficient": ({"exogenous": "L1.y"}, MethodError, "be called 'L1.y'"),
    "negative lag": ({"exogenous": {"x": -1}}, MethodError, "highest lag -1 of 'x'"),
    "invalid window": ({"windows": {"y": (1, 3)}}, MethodError, r"window \(1, 3\) of 'y'"),
    "empty window": ({"windows": {"y": (4, 3)}}, MethodError, r"window \(4, 3\) of 'y'"),
    "no window": ({"windows": {"y": 2}}, MethodError, "window 2 of 'y'"),
    "stray window": ({"exogenous": "x", "windows": {"x": (2, 3)}}, MethodError, "window for 'x'"),
    "too many lags": ({"lags": 7}, SampleError, "9 consecutive years"),
    "too few instruments": (
        {"endogenous": "w", "windows": {"y": (2, 2), "w": None}, "time_effects": False},
        EstimationError,
        "1 instruments for 2 coefficients",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_requests(case):
    options, error, words = BAD[case]
    with pytest.raises(error, match=words) as caught:
        dynamic_gmm(sample(), "y", **options)
    assert isinstance(caught.value, NqpfError)


SPOILT = {
    "missing": (lambda f: f.assign(y=f["y"].where(f["y"] < f["y"].max())), SampleError, "missing"),
    "doubled": (lambda f: pd.concat([f, f.iloc[:1]]), SampleError, "more than once"),
    "constant": (lambda f: f.assign(x=1.0), EstimationError, "'x' does not vary"),
    "constant in time": (
        lambda f: f.assign(x=f.index.get_level_values(0).astype(float)),
        EstimationError,
        "'x' does not change over time",
    ),
    "collinear": (lambda f: f.assign(x=2 * f["w"]), EstimationError, "is not identified"),
    "same in each year": (
        lambda f: f.assign(x=f.index.get_level_values(1).astype(float) ** 2),
        EstimationError,
        "is not identified",
    ),
    "dates": (
        lambda f: f.set_axis(f.index.map(lambda k: (k[0], 10000 * k[1]))),
        SampleError,
        "consecutive periods",
    ),
    "few units": (lambda f: f.loc[:4], EstimationError, "rank 5 for 9 coefficients"),
    "half years": (lambda f: f.set_axis(f.index.map(lambda k: (k[0], k[1] / 2))), SampleError, "w"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_bad_samples(case):
    spoil, error, words = SPOILT[case]
    frame = spoil(sample())
    frame.index.names = ["province", "year"]
    with pytest.raises(error, match=words):
        dynamic_gmm(frame, "y", 1, ["x", "w"])
