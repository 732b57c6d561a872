"""Fixed effects, differences and random effects against linearmodels, pyfixest, Stata and R.

Grunfeld's data (1958) come with statsmodels; the first ten firms are those of Stata's
``webuse grunfeld``. Printed by::

    xtset company year
    xtreg invest mvalue kstock, fe
    regress invest mvalue kstock                   (and vce(robust))
"""

import numpy as np
import pandas as pd
import pytest
from made_up_mutants import EVERYTHING
from made_up_panels import EFFECTS, NAMES, dummies, grunfeld, linearmodels_fit, pyfixest_fit, walks

from nqpf.regress import fixed_effects
from nqpf.regress.kernel import _cross_products
from nqpf.regress.ols import random_effects

CASES = [(0, 0), (3, 90)]
FIRMS = ("invest", ["value", "capital"], "firm", "year")


def sample(seed, drop):
    return walks(seed, drop, shocks=True)


def fit(frame, effects, errors, convention):
    return fixed_effects(frame, "y", NAMES, effects=effects, errors=errors, convention=convention)


LINEARMODELS = {
    "clustered": {"cov_type": "clustered", "cluster_entity": True},
    "robust": {"cov_type": "robust"},
    "unadjusted": {"cov_type": "unadjusted"},
    "two-way clustered": {"cov_type": "clustered", "cluster_entity": True, "cluster_time": True},
    "driscoll-kraay": {"cov_type": "kernel"},
    "clustered-period": {"cov_type": "clustered", "cluster_time": True},  # of the kernel alone
}


@pytest.mark.parametrize(
    ("seed", "drop", "effects"), [(0, 0, "two-way"), *((3, 90, effects) for effects in EFFECTS)]
)
@pytest.mark.parametrize("errors", list(LINEARMODELS)[:5])
def test_linearmodels_convention_is_that_package_by_default(seed, drop, effects, errors):
    frame = sample(seed, drop)
    peer = linearmodels_fit(frame, effects, **LINEARMODELS[errors])
    ours = fit(frame, effects, errors, "linearmodels")
    assert not ours.notes  # the covariance was positive semi-definite and left alone
    np.testing.assert_allclose(ours.params, peer.params, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours.cov, peer.cov, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(ours.residuals, peer.resids, atol=1e-10)
    np.testing.assert_allclose(ours.pvalues, peer.pvalues, rtol=1e-8, atol=1e-300)


# pyfixest 0.60 matches nested effects to their sizes by position in a set, so that with two
# effects k_fixef="nonnested" depends on the hash seed. It is compared where that cannot matter:
# one effect, no correction, every effect counted. That of two effects is written out elsewhere.
@pytest.mark.parametrize(("seed", "drop"), CASES)
@pytest.mark.parametrize(
    ("effects", "convention", "correction"),
    [
        ("two-way", "none", {"k_adj": False, "G_adj": False}),
        ("two-way", "all", {"k_adj": True, "k_fixef": "full", "G_adj": True}),
        ("unit", "nested", {"k_adj": True, "k_fixef": "nonnested", "G_adj": True}),
        ("unit", "all", {"k_adj": True, "k_fixef": "full", "G_adj": True}),
        ("time", "nested", {"k_adj": True, "k_fixef": "nonnested", "G_adj": True}),
        ("pooled", "nested", {"k_adj": True, "k_fixef": "nonnested", "G_adj": True}),
    ],
)
def test_clustered_errors_equal_pyfixest(seed, drop, effects, convention, correction):
    frame = walks(seed, drop)
    peer = pyfixest_fit(frame, effects, {"CRV1": "province"}, **correction)
    fit = fixed_effects(frame, "y", NAMES, effects=effects, convention=convention)
    np.testing.assert_allclose(fit.params[NAMES], peer.coef()[NAMES], rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors[NAMES], peer.se()[NAMES], rtol=1e-9)
    if convention != "none":
        np.testing.assert_allclose(fit.pvalues[NAMES], peer.pvalue()[NAMES], rtol=1e-7)
    if effects != "pooled":
        assert fit.rsquared_within == pytest.approx(peer._r2_within, rel=1e-9)


POOLED = [0.1155622, 0.2306785, -42.71437]
PRINTED = [
    ("unit", "unadjusted", "all", [0.1101238, 0.3100653], [0.0118567, 0.0173545]),
    ("pooled", "unadjusted", "nested", POOLED, [0.0058357, 0.0254758, 9.511676]),
    ("pooled", "robust", "nested", POOLED, [0.006811, 0.0488655, 11.5747]),
]


@pytest.mark.parametrize(("effects", "errors", "convention", "params", "std_errors"), PRINTED)
def test_printed_coefficients_and_errors(effects, errors, convention, params, std_errors):
    options = {"effects": effects, "errors": errors, "convention": convention}
    fit = fixed_effects(grunfeld(), *FIRMS, **options)
    for got, printed in ((fit.params, params), (fit.std_errors, std_errors)):
        # half a unit of the seventh significant digit, the last that Stata prints
        scale = 10.0 ** (np.floor(np.log10(np.abs(printed))) - 6)
        assert (np.abs(got.to_numpy() - printed) <= 0.51 * np.maximum(scale, 1e-7)).all()


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
    effects = pd.DataFrame(dummies(frame, "time")[:, 1:], frame.index).add_prefix("year")
    regressors = frame[["value", "capital"]].join(effects)
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


# Random effects. R 4.2.2 and plm 2.6-2 printed for this test: ``plm(model = "random")``,
# ``ercomp``, ``vcovHC(method = "arellano", type = "HC0")``:
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


# Errors clustered two ways, and of Driscoll and Kraay


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize(
    ("convention", "correction"),
    [
        ("nested", {"k_fixef": "nonnested", "G_df": "min"}),
        ("all", {"k_fixef": "full", "G_df": "conventional"}),
    ],
)
def test_two_way_clusters_equal_pyfixest(effects, convention, correction):
    frame = sample(3, 90)
    peer = pyfixest_fit(frame, effects, {"CRV1": "province + year"}, **correction)
    ours = fit(frame, effects, "two-way clustered", convention)
    np.testing.assert_allclose(ours.std_errors[NAMES], peer.se()[NAMES], rtol=1e-9)
    np.testing.assert_allclose(ours.pvalues[NAMES], peer.pvalue()[NAMES], rtol=1e-7)


def direct_driscoll_kraay(frame, bandwidth):
    """Sums over every pair of rows whose years lie within the bandwidth, on dummies."""
    x = np.hstack([frame[NAMES], dummies(frame)])
    bread = np.linalg.inv(x.T @ x)
    e = frame["y"].to_numpy() - x @ (bread @ x.T @ frame["y"].to_numpy())
    year = frame.index.get_level_values(1).to_numpy()
    weight = np.maximum(0, 1 - np.abs(year[:, None] - year[None]) / (bandwidth + 1))
    scores = x * e[:, None]
    return (bread @ scores.T @ weight @ scores @ bread)[:3, :3]


@pytest.mark.parametrize("missing", [[], [2013], [2012, 2013, 2017]])
def test_lags_count_calendar_years(missing):
    frame = sample(4, 20)
    frame = frame[~frame.index.get_level_values("year").isin(missing)]
    ours = fit(frame, "two-way", "driscoll-kraay", "none")
    np.testing.assert_allclose(ours.cov, direct_driscoll_kraay(frame, 2), rtol=1e-8)
    every = fit(frame, "two-way", "driscoll-kraay", "all")
    n, t, k = len(frame), frame.index.unique("year").size, 3 + dummies(frame).shape[1]
    np.testing.assert_allclose(every.cov, ours.cov * t / (t - 1) * (n - 1) / (n - k), rtol=1e-12)


# The kernel of many specifications


MIXED = ("two-way", *EFFECTS)
KINDS = ("clustered", "driscoll-kraay", "clustered-period")


def random_panel(seed):
    """An unbalanced panel of random size with one to three regressors and both effects."""
    rng = np.random.default_rng(seed)
    units, years, k = rng.integers(5, 16), rng.integers(3, 9), rng.integers(1, 4)
    there = rng.random((units, years)) < 0.8
    there[:, 0] = there[:, 1] = True
    there[:2] = True
    at = np.argwhere(there)
    keys = pd.MultiIndex.from_arrays([at[:, 0], 2010 + at[:, 1]], names=["province", "year"])
    values = rng.normal(size=(len(at), k + 1)) + rng.normal(0, 3, (units, k + 1))[at[:, 0]]
    values += rng.normal(size=(years, k + 1))[at[:, 1]]
    return pd.DataFrame(values, keys, ["y", *NAMES[:k]])


@pytest.mark.parametrize("seed", range(200 if EVERYTHING else 60))
def test_random_unbalanced_panels_equal_linearmodels(seed):
    frame, effects, errors = random_panel(seed), MIXED[seed % 5], KINDS[seed % 3]
    names = list(frame.columns[1:])
    wanted = linearmodels_fit(frame, effects, names, **LINEARMODELS[errors])
    products = _cross_products(frame, frame.columns, effects=effects)
    found = products.fit("y", names, errors, convention="linearmodels")
    np.testing.assert_allclose(found.params[0], wanted.params[names], rtol=1e-10)
    np.testing.assert_allclose(found.std_errors[0], wanted.std_errors[names], rtol=1e-10)
    np.testing.assert_allclose(found.pvalues[0], wanted.pvalues[names], rtol=1e-9)


def test_driscoll_kraay_errors_as_stata_and_r_print_them():
    """Output of Stata's xtscc and plm's vcovSCC for ``gsp ~ pcap + emp + unemp``, two-way.

    Of 48 states, 1970-1986 (Munnell 1990; plm's Produc).

    Printed in the question "Driscoll and Kraay standard errors in FE regression: reproducing
    Stata xtscc output in R", Stack Overflow 65223905 (2020), which asks why the two differ: the
    small-sample factor is all of it.
    """
    from linearmodels.datasets import munnell

    regressors = ["P_CAP", "EMP", "UNEMP"]
    products = _cross_products(munnell.load(), ["GSP", *regressors], unit="ST_ABB", time="YR")
    stata = products.fit("GSP", regressors, "driscoll-kraay", convention="nested")
    np.testing.assert_allclose(stata.params[0], [-0.1769881, 40.61522, 23.59849], rtol=3e-7)
    np.testing.assert_allclose(stata.std_errors[0], [0.265713, 2.238392, 85.10647], rtol=3e-7)
    np.testing.assert_allclose(stata.tstats[0].round(2), [-0.67, 18.14, 0.28])
    np.testing.assert_allclose(stata.pvalues[0].round(3), [0.515, 0, 0.785])
    r = products.fit("GSP", regressors, "driscoll-kraay", convention="none")
    np.testing.assert_allclose(r.std_errors[0].round(5), [0.25476, 2.1461, 81.5973])
