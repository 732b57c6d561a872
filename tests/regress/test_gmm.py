"""Dynamic panels: identities, counts, gaps, warnings; and pydynpd."""

import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_panels import moving_panel as sample
from made_up_panels import rearranged, refuses

from nqpf.errors import MethodError, SampleError
from nqpf.regress import RegressionTable, dynamic_gmm

COUNTS = [("difference", True, 6 + 6), ("system", True, 6 + 1 + 6 + 1)]
COUNTS += [("difference", False, 21 + 6)]  # lags 2.. of six years: 1 + 2 + ... + 6; six years
COUNTS += [("system", False, 21 + 6 + 6 + 1)]  # a lagged difference in six of seven years


@pytest.mark.parametrize(("method", "collapse", "count"), COUNTS)
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
    exogenous = dynamic_gmm(frame, "y", exogenous="w", method=method)  # its own instrument
    assert with_window.instruments == exogenous.instruments + (method == "system")


@pytest.mark.parametrize("method", ["difference", "system"])
def test_row_order_key_place_and_units_do_not_matter(method):
    call = partial(dynamic_gmm, outcome="y", exogenous=["x"], endogenous=["w"], method=method)
    fit, other = rearranged(call, sample(1).iloc[3:], y=1e6, x=1e-5, w=100)
    np.testing.assert_allclose(other.tstats, fit.tstats, rtol=1e-8)
    assert other.params["w"] == pytest.approx(fit.params["w"] * 1e6 / 100, rel=1e-8)
    hansen = other.diagnostics.hansen.statistic
    assert hansen == pytest.approx(fit.diagnostics.hansen.statistic, rel=1e-8)


def test_a_figure_is_needed_only_where_an_equation_uses_it():
    """Dropping the row of a figure that is not used would throw the lag of the outcome away."""
    frame = sample(3, 40, 8)
    first, third = (frame.index.get_level_values("year") == year for year in (2015, 2017))
    for method in ("difference", "system"):
        options = {"exogenous": ["x"], "method": method}
        unused = frame.assign(x=frame["x"].mask(first))
        full, fit = (dynamic_gmm(one, "y", **options) for one in (frame, unused))
        assert fit.nobs == full.nobs
        np.testing.assert_allclose(fit.params, full.params, rtol=1e-10)
        lost = frame.assign(x=frame["x"].mask(third))
        with pytest.raises(SampleError, match="no figure for an equation .*year 2017, variable x"):
            dynamic_gmm(lost, "y", **options)
        refuses(MethodError, "a list of", dynamic_gmm, frame, "y", exogenous={"x": 1})
        unknown = frame.assign(y=frame["y"].mask(first & (frame.index.get_level_values(0) == 1)))
        gone = frame.drop((1, 2015))
        one, other = (dynamic_gmm(each, "y", **options) for each in (unknown, gone))
        np.testing.assert_allclose(one.params, other.params, rtol=1e-10)


def test_a_missing_year_is_no_neighbour():
    """Dropping a year of every unit leaves only equations that do not reach over it."""
    holed = sample(3).drop(2018, level="year")
    fit = dynamic_gmm(holed, "y", time_effects=False)
    assert sorted(fit.residuals.index.unique("year")) == [2017, 2021, 2022]
    # Differences say nothing of 2020, which no equation links to the year before.
    assert dynamic_gmm(holed, "y").instruments == fit.instruments + 3


def test_a_table_prints_it():
    fit = dynamic_gmm(sample(), "y", 1, "x", vintage="census5", method="system")
    assert list(fit.params.index) == ["L1.y", "x", "const"]
    assert fit.covariance_label == "two-step, Windmeijer-corrected, clustered by province"
    assert "census5" in RegressionTable({"system": fit}).to_html()
    assert fit.notes[0] == f"{fit.instruments} instruments (collapsed) for 60 groups."
    assert [note.split(":")[0] for note in fit.notes[1:]] == ["Hansen J", "AR(2)"]
    assert fit.estimator == "system GMM"


def test_many_instruments_and_a_singular_weighting_matrix_are_named():
    with (
        pytest.warns(UserWarning, match="34 instruments for 20 units of province"),
        pytest.warns(UserWarning, match="second step has rank 20 with 34"),
    ):
        dynamic_gmm(sample(units=20), "y", collapse=False, method="system")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dynamic_gmm(sample(), "y", method="system")


# Peers


PANELS = {"balanced": {}, "unbalanced": {"drop": 3}, "gaps": {"drop": 2, "gap": True}}
UNCOLLAPSED = {"method": "system", "collapse": False, "time_effects": False}
MODELS = {"d": (4, {}), "s": (4, {"method": "system"}), "su": (3, UNCOLLAPSED)}
# pydynpd 0.2.2 (numpy 1.26), run on sample(7, ...) with
#   y L1.y x w | gmm(y, 2:4) gmm(w, 2:4) iv(x) | collapse timedumm [nolevel]             d, s
#   y L1.y x w | gmm(y, 2:3) gmm(w, 2:3) iv(x)                                           su
# Coefficients, errors; Hansen and its degrees of freedom; tests of order 1 and 2; instruments.
PYDYNPD = pd.read_csv(Path(__file__).with_name("pydynpd.csv"), index_col=["kind", "model"])


@pytest.mark.parametrize("case", PYDYNPD.index, ids=" ".join)
def test_equals_pydynpd(case):
    kind, (last, options) = case[0], MODELS[case[1]]
    windows = {"y": (2, last), "w": (2, last)}
    frame = sample(7, **PANELS[kind])
    got = dynamic_gmm(frame, "y", 1, ["x"], endogenous=["w"], windows=windows, **options)
    hansen, orders = got.diagnostics.hansen, [t.statistic for t in got.diagnostics.autocorrelation]
    df = float(hansen.distribution[5:-1])
    found = [*got.params, *got.std_errors, hansen.statistic, df, *orders, got.instruments]
    np.testing.assert_allclose(found, PYDYNPD.loc[case].dropna(), rtol=1e-10, atol=1e-12)
