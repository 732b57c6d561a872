"""Random effects, Hausman and Mundlak against R's plm, linearmodels and direct GLS.

R's figures were run for this test with R 4.2.2 and plm 2.6-2: ``plm(model = "random")``,
``ercomp``, ``vcovHC(method = "arellano", type = "HC0")``, ``phtest``. By default phtest prints
chisq = 2.3304, df = 2, p-value = 0.3119 for Grunfeld's ten firms; Baltagi (2013, p. 81) has 2.33.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_panels import case, grunfeld
from scipy import stats

from nqpf.regress import fixed_effects
from nqpf.regress.ols import random_effects

FIRMS = ("invest", ["value", "capital"], "firm", "year")


def hausman(frame, *request):
    """Statistic, p value and eigenvalues of the difference, as the chapter computes them."""
    fixed = fixed_effects(frame, *request, effects="unit", errors="unadjusted")
    random = random_effects(frame, *request, errors="unadjusted")
    names = fixed.params.index
    gap = fixed.params - random.params[names]
    spread = fixed.cov - random.cov.loc[names, names]
    statistic = gap @ np.linalg.solve(spread, gap)
    return statistic, stats.chi2(len(gap)).sf(statistic), np.linalg.eigvalsh(spread)


# coefficients, their errors, HC0 errors clustered by firm; variances of firm and of the rest
PLM = {
    True: (
        [0.109781152232484, 0.308112982830713, -57.834414905033050],
        [0.0104926635495465, 0.0171804690896399, 28.8989352602898144],
        [0.0129840196124772, 0.0518890249063284, 23.4496261097834520],
        [7089.80009930805, 2784.45823077794],
    ),
    False: (
        [0.112487986666212, 0.326125214195794, -71.747950897023927],
        [0.0112805142877699, 0.0185346512615487, 31.7668192694918226],
        [0.0103182413436480, 0.0407481064742667, 23.0876377111194273],
        [8567.81864677761, 3042.40441694225],
    ),
}
# theta, in the order in which the firms stand in the table
THETA = {
    "General Motors": 0.867920093294018,
    "US Steel": 0.867920093294018,
    "General Electric": 0.864551042834828,
    "IBM": 0.836939105732121,
    "Diamond Match": 0.830468554982982,
}


@pytest.mark.parametrize("balanced", [True, False])
def test_swamy_arora_equals_plm(balanced):
    params, plain, clustered, variances = PLM[balanced]
    options = {"errors": "unadjusted", "convention": "nested"}
    fit = random_effects(grunfeld(balanced), *FIRMS, **options)
    np.testing.assert_allclose(fit.params, params, rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors, plain, rtol=1e-9)
    np.testing.assert_allclose(fit.variances, variances, rtol=1e-9)
    fit = random_effects(grunfeld(balanced), *FIRMS, convention="none")
    np.testing.assert_allclose(fit.std_errors, clustered, rtol=1e-9)


def test_theta_by_firm_equals_plm():
    balanced = random_effects(grunfeld(True), *FIRMS)
    np.testing.assert_allclose(balanced.theta, 0.861223620747879, rtol=1e-9)
    theta = random_effects(grunfeld(False), *FIRMS).theta
    rest = [0.856959236533677, 0.860910290525334, 0.852651139980509]
    rest += [0.847928769382829, 0.842721167344914]
    np.testing.assert_allclose(np.sort(theta), np.sort([*THETA.values(), *rest]), rtol=1e-9)


def test_year_effects_beside_random_effects_equal_plm():
    """plm: random effects of firms on factor(year); fixed dummies of nineteen years."""
    frame = grunfeld(True)
    dummies = pd.get_dummies(frame["year"].astype(int), prefix="y", dtype=float).iloc[:, 1:]
    names = [*FIRMS[1], *dummies]
    fit = random_effects(frame.join(dummies), "invest", names, "firm", "year", errors="unadjusted")
    np.testing.assert_allclose(
        fit.params[["value", "capital"]], [0.113779388047620, 0.354335706770894], rtol=1e-9
    )
    np.testing.assert_allclose(
        fit.std_errors[["value", "capital"]], [0.0117585402792214, 0.0225941678661927], rtol=1e-9
    )
    np.testing.assert_allclose(fit.variances, [7095.25168824962, 2675.42645194638], rtol=1e-9)


@pytest.mark.parametrize(
    ("balanced", "statistic", "pvalue"),
    [(True, 2.33036689367617, 0.311865446054775), (False, 1.81255409155419, 0.404025596329356)],
)
def test_hausman_equals_phtest(balanced, statistic, pvalue):
    found, p, eigenvalues = hausman(grunfeld(balanced), *FIRMS)
    assert (eigenvalues > 0).all()
    assert found == pytest.approx(statistic, rel=1e-8)
    assert p == pytest.approx(pvalue, rel=1e-8)
    if balanced:
        assert f"{found:.4f} {p:.4f}" == "2.3304 0.3119"


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


def test_munnell_states_equal_plm():
    frame = case("produc.csv")
    names = ["gsp", "pcap", "pc", "emp"]
    frame[names] = np.log(frame[names])
    request = (frame, "gsp", ["pcap", "pc", "emp", "unemp"], "state", "year")
    fit = random_effects(*request, errors="unadjusted")
    wanted = [0.00443858846776414, 0.31054843420415579, 0.72967053258608017, -0.00617247301315137]
    errors = [0.023417316981298980, 0.019804747775854135, 0.024920219152938745]
    np.testing.assert_allclose(fit.params, [*wanted, 2.13541100210705315], rtol=1e-8)
    np.testing.assert_allclose(
        fit.std_errors, [*errors, 0.000907282019981921, 0.133461488499059561], rtol=1e-8
    )
    np.testing.assert_allclose(fit.variances, [0.00683771932131413, 0.00145443522088413], rtol=1e-8)
    statistic, pvalue, eigenvalues = hausman(*request)
    assert statistic == pytest.approx(9.52541563499339, rel=1e-7)
    assert pvalue == pytest.approx(0.0492276241762581, rel=1e-7)
    assert eigenvalues[0] < 0  # plm prints the p value all the same


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
    np.testing.assert_allclose(fit.variances, [0.105343909168843, 0.123380320307742], rtol=1e-8)


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


def test_random_effects_are_gls():
    """Invert the covariance of all rows, given the two variances."""
    frame = grunfeld(False)
    fit = random_effects(frame, *FIRMS, errors="unadjusted")
    keyed = frame.set_index(["firm", "year"]).sort_index()
    x = keyed[["value", "capital"]].assign(const=1.0).to_numpy()
    firm = keyed.index.get_level_values(0)
    omega = fit.variances["unit"] * (firm.to_numpy()[:, None] == firm.to_numpy())
    weight = np.linalg.inv(omega + fit.variances["idiosyncratic"] * np.eye(len(x)))
    params = np.linalg.solve(x.T @ weight @ x, x.T @ weight @ keyed["invest"].to_numpy())
    np.testing.assert_allclose(fit.params, params, rtol=1e-9)
