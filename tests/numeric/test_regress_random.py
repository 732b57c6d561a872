"""Random effects, Hausman and Mundlak against R's plm and linearmodels.

R's figures were run for this test with R 4.2.2 and plm 2.6-2: ``plm(model = "random")``,
``ercomp``, ``vcovHC(method = "arellano", type = "HC0")``, ``phtest``. By default phtest prints
chisq = 2.3304, df = 2, p-value = 0.3119 for Grunfeld's ten firms; Baltagi (2013, p. 81) has 2.33.
"""

from __future__ import annotations

import numpy as np
import pytest
from made_up_panels import grunfeld
from scipy import stats

from nqpf.regress import fixed_effects
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


@pytest.mark.parametrize(
    ("balanced", "statistic", "pvalue"),
    [(True, 2.33036689367617, 0.311865446054775), (False, 1.81255409155419, 0.404025596329356)],
)
def test_hausman_equals_phtest(balanced, statistic, pvalue):
    """As the chapter computes them, from both sets of coefficients."""
    fixed = fixed_effects(grunfeld(balanced), *FIRMS, effects="unit", errors="unadjusted")
    random = random_effects(grunfeld(balanced), *FIRMS, errors="unadjusted")
    gap = fixed.params - random.params[FIRMS[1]]
    found = gap @ np.linalg.solve(fixed.cov - random.cov.loc[FIRMS[1], FIRMS[1]], gap)
    p = stats.chi2(len(gap)).sf(found)
    assert found == pytest.approx(statistic, rel=1e-8)
    assert p == pytest.approx(pvalue, rel=1e-8)


def test_mundlak_equals_plm():
    """The Wald statistic from plm's coefficients and vcovHC of the regression with means."""
    frame = grunfeld(True)
    means = frame.groupby("firm")[FIRMS[1]].transform("mean").add_prefix("mean of ")
    request = ("invest", [*FIRMS[1], *means], "firm", "year")
    fit = random_effects(frame.join(means), *request, convention="none")
    test = fit.wald(list(means))
    wanted = [0.1101238041207186, 0.3100653413001390, 0.0245222828511931, -0.2780338669687304]
    errors = [0.0143421437123503, 0.0497926087237732, 0.0140756892940010, 0.0967531527098830]
    np.testing.assert_allclose(fit.params[:4], wanted, rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors[:4], errors, rtol=1e-9)
    assert test.statistic == pytest.approx(8.29983661681372, rel=1e-8)
    assert test.distribution == "chi2(2)"


def test_regressors_that_do_not_vary_within_equal_plm():
    """Wage panel of Vella and Verbeek (1998), distributed with linearmodels."""
    from linearmodels.datasets import wage_panel

    names = ["educ", "black", "hisp", "exper", "expersq", "married", "union"]
    fit = random_effects(wage_panel.load(), "lwage", names, "nr", "year", errors="unadjusted")
    wanted = [0.10122461469851281, -0.14413069111186450, 0.02015107300608495, 0.11211949352238378]
    wanted += [-0.00406885475618794, 0.06279511797276008, 0.10737885259237241]
    np.testing.assert_allclose(fit.params[:-1], wanted, rtol=1e-8)
    errors = [0.00891328987417566, 0.04761482742694805, 0.04260112417470143, 0.00826087205583033]
    errors += [0.00059182560002799, 0.01677285405612777, 0.01783001477036867]
    np.testing.assert_allclose(fit.std_errors[:-1], errors, rtol=1e-8)


@pytest.mark.parametrize("errors", ["clustered", "robust", "unadjusted"])
def test_random_effects_equal_linearmodels(errors):
    from linearmodels.panel import RandomEffects

    frame = grunfeld(False).set_index(["firm", "year"])
    options = {"cluster_entity": True} if errors == "clustered" else {}
    peer = RandomEffects(frame["invest"], frame[["value", "capital"]].assign(const=1.0)).fit(
        small_sample=True, cov_type=errors, **options
    )
    fit = random_effects(frame, *FIRMS, errors=errors, convention="linearmodels")
    np.testing.assert_allclose(fit.params, peer.params, rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors, peer.std_errors, rtol=1e-9)
    np.testing.assert_allclose(fit.pvalues, peer.pvalues, rtol=1e-7)
