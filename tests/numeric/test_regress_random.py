"""Random effects against R's plm and linearmodels.

R's figures were run for this test with R 4.2.2 and plm 2.6-2: ``plm(model = "random")``,
``ercomp``, ``vcovHC(method = "arellano", type = "HC0")``.
"""

import numpy as np
import pytest
from made_up_panels import grunfeld

from nqpf.regress.ols import random_effects

FIRMS = ("invest", ["value", "capital"], "firm", "year")


# coefficients, their errors, HC0 errors clustered by firm, least and greatest theta
PLM = {
    True: (
        [0.109781152232484, 0.308112982830713, -57.834414905033050],
        [0.0104926635495465, 0.0171804690896399, 28.8989352602898144],
        [0.0129840196124772, 0.0518890249063284, 23.4496261097834520],
        "theta 0.861;",  # 0.861223620747879
    ),
    False: (
        [0.112487986666212, 0.326125214195794, -71.747950897023927],
        [0.0112805142877699, 0.0185346512615487, 31.7668192694918226],
        [0.0103182413436480, 0.0407481064742667, 23.0876377111194273],
        "theta 0.830 to 0.868;",  # 0.830468554982982, 0.867920093294018
    ),
}


@pytest.mark.parametrize("balanced", [True, False])
def test_swamy_arora_equals_plm(balanced):
    params, plain, clustered, theta = PLM[balanced]
    options = {"errors": "unadjusted", "convention": "nested"}
    fit = random_effects(grunfeld(balanced), *FIRMS, **options)
    np.testing.assert_allclose(fit.params, params, rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors, plain, rtol=1e-9)
    assert theta in fit.notes[0]
    fit = random_effects(grunfeld(balanced), *FIRMS, convention="none")
    np.testing.assert_allclose(fit.std_errors, clustered, rtol=1e-9)


@pytest.mark.parametrize("errors", ["clustered", "robust", "unadjusted"])
def test_random_effects_equal_linearmodels(errors):
    """On the unbalanced wages of Vella and Verbeek (1998); three regressors never change."""
    from linearmodels.datasets import wage_panel
    from linearmodels.panel import RandomEffects

    names = ["educ", "black", "hisp", "exper", "expersq", "married", "union"]
    frame = wage_panel.load().set_index(["nr", "year"]).iloc[3::2]
    options = {"cluster_entity": True} if errors == "clustered" else {}
    peer = RandomEffects(frame["lwage"], frame[names].assign(const=1.0)).fit(
        small_sample=True, cov_type=errors, **options
    )
    request = "lwage", names, "nr", "year"
    fit = random_effects(frame, *request, errors=errors, convention="linearmodels")
    np.testing.assert_allclose(fit.params, peer.params, rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors, peer.std_errors, rtol=1e-9)
    np.testing.assert_allclose(fit.pvalues, peer.pvalues, rtol=1e-7)
