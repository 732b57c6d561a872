"""What covariances and conventions promise, and what they refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import EstimationError, MethodError
from nqpf.regress import fixed_effects
from nqpf.regress.ols import CONVENTIONS, PANEL_ERRORS, SampleSize, describe, factors, wald


def sample(seed=0, units=8, years=6, drop=0):
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(units), range(2010, 2010 + years)], names=["province", "year"]
    )
    frame = pd.DataFrame(rng.normal(size=(len(keys), 3)), keys, ["y", "a", "b"])
    return frame.iloc[np.sort(rng.permutation(len(frame))[drop:])]


def test_a_covariance_that_is_not_semi_definite_is_repaired_and_says_so():
    frame, options = sample(3, 5, 5), {"errors": "two-way clustered"}
    fit = fixed_effects(frame, "y", ["a", "b"], **options)
    assert "1 negative eigenvalue was set to zero" in fit.notes[0]
    values = np.linalg.eigvalsh(fit.cov / np.outer(fit.std_errors, fit.std_errors))
    assert values[0] == pytest.approx(0, abs=1e-12)
    scaled = fixed_effects(frame.assign(a=frame["a"] * 1e6), "y", ["a", "b"], **options)
    np.testing.assert_allclose(scaled.tstats, fit.tstats, rtol=1e-8)
    positive = fixed_effects(sample(0), "y", ["a", "b"], **options)
    assert not positive.notes


def test_a_negative_variance_is_refused():
    with pytest.raises(EstimationError, match="two-way clustered variance of 'a' is not positive"):
        fixed_effects(sample(4, 4, 4), "y", "a", errors="two-way clustered")


@pytest.mark.parametrize("errors", PANEL_ERRORS)
def test_errors_do_not_depend_on_units_or_row_order(errors):
    frame = sample(3, drop=5)
    options = {"errors": errors, "convention": "all"}
    fit = fixed_effects(frame, "y", ["a", "b"], **options)
    moved = frame.assign(a=frame["a"] * 1e9 + 5, y=frame["y"] * 1e-4).sample(frac=1, random_state=0)
    again = fixed_effects(moved, "y", ["b", "a"], **options)
    np.testing.assert_allclose(again.tstats[["a", "b"]], fit.tstats, rtol=1e-6)
    assert again.df == fit.df
    assert fit.convention_label == describe("all", errors)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_every_convention_names_itself_for_every_kind_of_error(convention):
    for errors in PANEL_ERRORS:
        assert describe(convention, errors).startswith(f"{convention}: ")
    assert describe(convention, True) == describe(convention, "clustered")
    assert describe(convention, False) == describe(convention, "robust")


@pytest.mark.parametrize(
    ("errors", "convention", "df"),
    [
        ("clustered", "nested", 30),
        ("two-way clustered", "nested", 10),
        ("two-way clustered", "all", 10),
        ("driscoll-kraay", "nested", 10),
        ("robust", "nested", 341 - 43),
        ("two-way clustered", "none", None),
    ],
)
def test_degrees_of_freedom(errors, convention, df):
    assert factors(convention, errors, SampleSize(341, 2, 31, 11, True, True))[1] == df


def test_the_label_names_clusters_and_bandwidth():
    fit = fixed_effects(sample(), "y", "a", errors="two-way clustered")
    assert fit.covariance_label == "two-way clustered by province and year"
    fit = fixed_effects(sample(), "y", "a", errors="driscoll-kraay")
    assert fit.covariance_label == "Driscoll-Kraay, Bartlett kernel, 2 lags"
    assert fit.bandwidth == 2


@pytest.mark.parametrize("bandwidth", [-1, 6, 1.5])
def test_bandwidths_that_do_not_fit(bandwidth):
    with pytest.raises(MethodError, match="lags from 0 to 5"):
        fixed_effects(sample(), "y", "a", errors="driscoll-kraay", bandwidth=bandwidth)


def test_requests_that_are_refused():
    with pytest.raises(MethodError, match="bandwidth for clustered errors"):
        fixed_effects(sample(), "y", "a", bandwidth=2)
    with pytest.raises(MethodError, match="Did you mean 'two-way clustered'"):
        fixed_effects(sample(), "y", "a", errors="twoway clustered")
    with pytest.raises(EstimationError, match="1 cluster is too few for two-way clustered"):
        one = sample().xs(2012, level="year", drop_level=False)
        fixed_effects(one, "y", "a", effects="pooled", errors="two-way clustered")


def test_wald_on_one_coefficient_is_its_t_squared():
    fit = fixed_effects(sample(), "y", ["a", "b"])
    statistic, q, pvalue, name = wald(np.eye(2)[:1], fit.params.to_numpy(), fit.cov.to_numpy(), 7)
    assert (q, name) == (1, "F(1, 7)")
    assert statistic == pytest.approx(fit.tstats["a"] ** 2)
    assert pvalue == pytest.approx(fit.pvalues["a"])
    with pytest.raises(EstimationError, match="singular"):
        wald(np.ones((2, 2)), fit.params.to_numpy(), fit.cov.to_numpy(), 7)
