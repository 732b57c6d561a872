"""First differences against R's plm and linearmodels.

R's figures were run for this test with R 4.2.2 and plm 2.6-2, ``plm(model = "fd")``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_panels import grunfeld

from nqpf.regress import fixed_effects
from nqpf.sample import PanelSample

FIRMS = ("invest", ["value", "capital"], "firm", "year")
# value, capital, intercept; plm differences adjacent rows: these samples have no gap
PLM = {
    True: (
        [0.0897624949908166, 0.2917667196940696, -1.8188901585851616],
        [0.00836358501627506, 0.05375159764089471, 3.56559313547130455],
    ),
    False: (
        [0.092164750636816, 0.292378062478705, -1.259806582603294],
        [0.00939279521381389, 0.06013970397848665, 4.39746176074684492],
    ),
}


@pytest.mark.parametrize("balanced", [True, False])
def test_differences_with_a_constant_equal_plm(balanced):
    params, errors = PLM[balanced]
    sample = PanelSample.read(grunfeld(balanced), *FIRMS[:2], unit="firm")
    change = (sample.data - sample.shifted(sample.data.columns, 1)).dropna()
    fit = fixed_effects(change, *FIRMS, effects="pooled", errors="unadjusted")
    np.testing.assert_allclose(fit.params, params, rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors, errors, rtol=1e-9)


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
