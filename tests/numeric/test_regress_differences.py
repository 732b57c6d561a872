"""First differences against linearmodels and regressions of changes."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import grunfeld

from nqpf.regress import fixed_effects

FIRMS = ("invest", ["value", "capital"], "firm", "year")


@pytest.mark.parametrize("errors", ["robust", "driscoll-kraay"])
def test_differences_equal_a_regression_of_changes(errors):
    frame = grunfeld(False).set_index(["firm", "year"])
    change = frame[["invest", "value", "capital"]].groupby("firm").diff().dropna()
    options = {"errors": errors, "convention": "none"}
    fit, own = (
        fixed_effects(f, *FIRMS, effects=effects, **options)
        for f, effects in ((frame, "differenced"), (change, "time"))
    )
    np.testing.assert_allclose(fit.params, own.params, rtol=1e-10)
    np.testing.assert_allclose(fit.cov, own.cov, rtol=1e-9)


@pytest.mark.parametrize("errors", ["clustered", "robust", "unadjusted"])
def test_differences_with_year_effects_equal_linearmodels(errors):
    """linearmodels counts missing years as gaps as long as some unit has them.

    Changes of dummies of all years but one span what year effects of the changes do.
    """
    from linearmodels.panel import FirstDifferenceOLS

    frame = grunfeld(False).set_index(["firm", "year"]).drop([("IBM", 1950), ("IBM", 1944)])
    dummies = pd.get_dummies(frame.index.get_level_values("year"), dtype=float)
    regressors = pd.concat(
        [frame[["value", "capital"]], dummies.iloc[:, 1:].set_axis(frame.index)], axis=1
    )
    regressors.columns = regressors.columns.astype(str)
    options = {"cluster_entity": True} if errors == "clustered" else {}
    peer = FirstDifferenceOLS(frame["invest"], regressors).fit(cov_type=errors, **options)
    options = {"errors": errors, "convention": "linearmodels"}
    fit = fixed_effects(frame, *FIRMS, effects="differenced", **options)
    names = ["value", "capital"]
    assert fit.nobs == peer.nobs
    np.testing.assert_allclose(fit.params, peer.params[names], rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors, peer.std_errors[names], rtol=1e-9)
    np.testing.assert_allclose(fit.pvalues, peer.pvalues[names], rtol=1e-7)
    assert (fit.residuals**2).sum() == pytest.approx(peer.resid_ss, rel=1e-9)
