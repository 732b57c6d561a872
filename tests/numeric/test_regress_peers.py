"""Fixed effects against linearmodels and pyfixest."""

import numpy as np
import pytest
from made_up_panels import EFFECTS, NAMES, linearmodels_fit, pyfixest_fit
from made_up_panels import walks as sample

from nqpf.regress import fixed_effects

CASES = [(0, 0), (3, 90)]


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
