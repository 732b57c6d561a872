"""Dynamic panels: identities, counts of instruments, gaps, warnings, and what is refused."""

import warnings

import numpy as np
import pandas as pd
import pytest
from made_up_panels import moving_panel as sample

from nqpf.regress import RegressionTable
from nqpf.regress.gmm import dynamic_gmm


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


def test_a_missing_year_is_no_neighbour():
    """Dropping a year of every unit leaves only equations that do not reach over it."""
    holed = sample(3).drop(2018, level="year")
    fit = dynamic_gmm(holed, "y", time_effects=False)
    assert sorted(fit.residuals.index.unique("year")) == [2017, 2021, 2022]
    # Differences say nothing of 2020, which no equation links to the year before.
    assert dynamic_gmm(holed, "y").instruments == fit.instruments + 3


def test_a_table_prints_it():
    fit = dynamic_gmm(sample(), "y", 1, {"x": 1}, vintage="census5", method="system")
    assert list(fit.params.index) == ["L1.y", "x", "L1.x", "const"]
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
