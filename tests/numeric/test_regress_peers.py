"""Fixed effects and first differences against linearmodels, pyfixest and Stata's printed output.

Grunfeld's data (1958) come with statsmodels; the first ten firms are those of Stata's
``webuse grunfeld``. Printed by::

    xtset company year
    xtreg invest mvalue kstock, fe                 (and vce(robust))
    regress invest mvalue kstock                   (and vce(robust), vce(cluster company))
"""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import EFFECTS, NAMES, dummies, grunfeld, linearmodels_fit, pyfixest_fit
from made_up_panels import walks as sample

from nqpf.regress import fixed_effects

CASES = [(0, 0), (3, 90)]
FIRMS = ("invest", ["value", "capital"], "firm", "year")


@pytest.mark.parametrize(("seed", "drop"), CASES)
@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("errors", ["clustered", "robust", "unadjusted"])
def test_linearmodels_convention_is_that_package_by_default(seed, drop, effects, errors):
    frame = sample(seed, drop)
    options = {"cluster_entity": True} if errors == "clustered" else {}
    peer = linearmodels_fit(frame, effects, cov_type=errors, **options)
    asked = {"effects": effects, "errors": errors, "convention": "linearmodels"}
    fit = fixed_effects(frame, "y", NAMES, **asked)
    np.testing.assert_allclose(fit.params, peer.params, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(fit.cov, peer.cov, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(fit.residuals, peer.resids, atol=1e-10)
    np.testing.assert_allclose(fit.pvalues, peer.pvalues, rtol=1e-8, atol=1e-300)


# pyfixest 0.60 matches nested effects to their sizes by position in a set, so that with two
# effects k_fixef="nonnested" depends on the hash seed. It is compared where that cannot matter:
# one effect, no correction, every effect counted; and the two-way factor through its get_ssc.
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
    frame = sample(seed, drop)
    peer = pyfixest_fit(frame, effects, {"CRV1": "province"}, **correction)
    fit = fixed_effects(frame, "y", NAMES, effects=effects, convention=convention)
    np.testing.assert_allclose(fit.params[NAMES], peer.coef()[NAMES], rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors[NAMES], peer.se()[NAMES], rtol=1e-9)
    if convention != "none":
        np.testing.assert_allclose(fit.pvalues[NAMES], peer.pvalue()[NAMES], rtol=1e-7)
    if effects != "pooled":
        assert fit.rsquared_within == pytest.approx(peer._r2_within, rel=1e-9)


def test_the_nested_two_way_factor_equals_that_of_pyfixest():
    from pyfixest.utils.utils import get_ssc

    frame = sample(3, 90)
    units, years = (frame.index.get_level_values(i).nunique() for i in (0, 1))
    ssc = {"k_adj": True, "k_fixef": "nonnested", "G_adj": True, "G_df": "conventional"}
    counts = {"N": len(frame), "k": len(NAMES), "k_fe": units + years, "k_fe_nested": units}
    counts |= {"n_fe": 2, "n_fe_fully_nested": 1, "G": units, "vcov_sign": 1, "vcov_type": "CRV"}
    factor, counted, df = get_ssc(ssc_dict=ssc, **counts)
    plain, nested = (fixed_effects(frame, "y", NAMES, convention=c) for c in ("none", "nested"))
    assert counted == len(NAMES) + years
    assert nested.df == df
    np.testing.assert_allclose(nested.cov, plain.cov * float(factor[0]), rtol=1e-12)


POOLED = [0.1155622, 0.2306785, -42.71437]
PRINTED = [
    ("unit", "unadjusted", "all", [0.1101238, 0.3100653], [0.0118567, 0.0173545]),
    ("unit", "clustered", "nested", [0.1101238, 0.3100653], [0.0151945, 0.0527518]),
    ("pooled", "unadjusted", "nested", POOLED, [0.0058357, 0.0254758, 9.511676]),
    ("pooled", "robust", "nested", POOLED, [0.006811, 0.0488655, 11.5747]),
    ("pooled", "clustered", "nested", POOLED, [0.0158943, 0.0849671, 20.4252]),
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
