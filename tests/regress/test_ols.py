"""Fixed effects and differences: promises, linearmodels, pyfixest and R."""

from functools import partial
from itertools import product

import made_up_panels as made
import numpy as np
import pandas as pd
import pytest
from made_up_panels import EFFECTS, NAMES, dummies, grunfeld, normals, refuses
from made_up_panels import small_panel as sample

from nqpf.errors import EstimationError
from nqpf.regress import fixed_effects

ERRORS = ("clustered", "robust", "unadjusted", "two-way clustered", "driscoll-kraay")


def fit(frame, **options):
    return fixed_effects(frame, "y", ["a", "b"], **options)


@pytest.mark.parametrize("effects", ["two-way", "differenced"])
@pytest.mark.parametrize("errors", ERRORS)
def test_row_order_key_place_effects_and_units_do_not_matter(errors, effects):
    frame, options = sample(3), {"effects": effects, "errors": errors, "convention": "all"}
    plain, mixed = made.rearranged(partial(fit, **options), frame)
    pd.testing.assert_frame_equal(mixed.to_frame(), plain.to_frame(), rtol=1e-8)
    unit, year = (frame.index.get_level_values(i) for i in (0, 1))
    own = 9.0 * unit**2 + np.cos(year)
    moved = fit(frame.assign(y=frame["y"] + own, a=frame["a"] - unit), **options)
    pd.testing.assert_frame_equal(moved.to_frame(), plain.to_frame(), rtol=1e-7, atol=1e-9)
    scaled = fit(frame.assign(a=frame["a"] * 1e9 + 5, y=frame["y"] * 1e-4), **options)
    np.testing.assert_allclose(scaled.tstats, plain.tstats, rtol=1e-6)
    assert scaled.rsquared_within == pytest.approx(plain.rsquared_within, rel=1e-7)
    assert scaled.df == plain.df


def test_what_a_result_holds():
    frame = sample(3, drop=4)
    result = fit(frame, vintage="census5")
    assert (result.nobs, result.groups, result.periods, result.df) == (44, 8, 6, 7)
    assert result.residuals.index.equals(frame.index) and result.vintage == "census5"
    table = result.to_frame(level=0.9)
    assert list(table) == ["coefficient", "std_error", "t", "pvalue", "lower", "upper"]
    np.testing.assert_allclose(table["lower"] + table["upper"], 2 * table["coefficient"])
    # an interval at level 1 - p reaches exactly to zero
    edge = result.conf_int(1 - result.pvalues["a"]).loc["a"]
    assert min(abs(edge)) == pytest.approx(0, abs=1e-10)
    assert "R2 within" in result._repr_html_()
    assert list(fit(frame, effects="pooled").params.index) == ["a", "b", "const"]


LABELS = [("clustered", "nested", 30, "clustered by province")]
LABELS += [("driscoll-kraay", "nested", 10, "Driscoll-Kraay, Bartlett kernel, 2 lags")]
LABELS += [("robust", "nested", 341 - 43, "robust")]
LABELS += [("two-way clustered", name, df, "two-way clustered by province and year")
           for name, df in (("nested", 10), ("all", 10), ("none", None))]  # fmt: skip


@pytest.mark.parametrize(("errors", "convention", "df", "label"), LABELS)
def test_degrees_of_freedom_and_labels(errors, convention, df, label):
    result = fit(sample(units=31, years=11, drop=0), errors=errors, convention=convention)
    assert (result.df, result.covariance_label) == (df, label)
    assert result.convention_label.startswith(f"{convention}: ")


def test_a_covariance_that_is_not_semi_definite_is_repaired_and_says_so():
    sizes = ((3, 5, 5), (0, 8, 6), (4, 4, 4))
    frame, plain, lost = (normals(seed, "yab", *size)[0] for seed, *size in sizes)
    two_way = {"errors": "two-way clustered"}
    result = fit(frame, **two_way)
    assert "1 negative eigenvalue was set to zero" in result.notes[0]
    values = np.linalg.eigvalsh(result.cov / np.outer(result.std_errors, result.std_errors))
    assert values[0] == pytest.approx(0, abs=1e-12)
    scaled = fit(frame.assign(a=frame["a"] * 1e6), **two_way)
    np.testing.assert_allclose(scaled.tstats, result.tstats, rtol=1e-8)
    assert not fit(plain, **two_way).notes
    with pytest.raises(EstimationError, match="two-way clustered variance of 'a' is not positive"):
        fixed_effects(lost, "y", "a", **two_way)


def test_wald_tests_of_one_and_of_equal_coefficients():
    frame = sample(units=12)
    result = fit(frame)
    test = result.wald(["a"])
    assert test.distribution == "F(1, 11)"
    assert test.statistic == pytest.approx(result.tstats["a"] ** 2)
    assert test.pvalue == pytest.approx(result.pvalues["a"])
    assert fit(frame, convention="none").wald(["a", "b"]).distribution == "chi2(2)"
    # that two groups have one slope is the t of the interaction
    second = (frame.index.get_level_values(0) >= 6) * frame["a"]
    wide = frame.assign(second=second, first=frame["a"] - second)
    both = fixed_effects(wide, "y", ["first", "second", "b"]).wald(["first", "second"], equal=True)
    alone = fixed_effects(wide, "y", ["a", "second", "b"])
    assert both.statistic == pytest.approx(alone.tstats["second"] ** 2)
    assert both.pvalue == pytest.approx(alone.pvalues["second"])
    few = fixed_effects(sample(0, 3, 12, 0), "y", NAMES)
    refuses(EstimationError, "more clusters than restrictions", few.wald, NAMES)


def test_nothing_is_differenced_across_a_gap():
    frame = sample(drop=0)
    result = fit(frame.drop([(0, 2012), (3, 2013), (3, 2014)]), effects="differenced")
    assert result.nobs == 48 - 8 - 2 - 3  # a lone gap touches two differences, a double one three
    assert "8 first rows of a province and 2 after a gap" in result.notes[0]
    assert (0, 2013) not in result.residuals.index
    # a year that no unit has is a gap too
    result = fit(frame.drop(2012, level="year"), effects="differenced")
    assert 2013 not in result.residuals.index.get_level_values("year")
    assert (result.effects, result.estimator) == ("differenced + time", "first differences")


# Peers


FIRMS = ("invest", ["value", "capital"], "firm", "year")


peer_sample = partial(made.walks, shocks=True)


@pytest.mark.parametrize(
    ("seed", "drop", "effects"), [(0, 0, "two-way"), *((3, 90, effects) for effects in EFFECTS)]
)
@pytest.mark.parametrize("errors", ERRORS)
def test_linearmodels_convention_is_that_package_by_default(seed, drop, effects, errors):
    frame, options = peer_sample(seed, drop), {"effects": effects, "errors": errors}
    peer = made.linearmodels_fit(frame, effects, errors)
    ours = fixed_effects(frame, "y", NAMES, **options, convention="linearmodels")
    assert not ours.notes  # the covariance was positive semi-definite and left alone
    np.testing.assert_allclose(ours.params, peer.params, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours.cov, peer.cov, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(ours.residuals, peer.resids, atol=1e-10)
    np.testing.assert_allclose(ours.pvalues, peer.pvalues, rtol=1e-8, atol=1e-300)


SSC = {"none": {"k_adj": False, "G_adj": False}, "nested": {}}
SSC["all"] = {"k_fixef": "full", "G_df": "conventional"}
ONE_WAY = ["two-way none", "two-way all", "unit nested", "unit all", "time nested", "pooled nested"]
WAYS = [(*case.split(), "clustered", drop) for case in ONE_WAY for drop in (0, 90)]
WAYS += product(EFFECTS, ["nested", "all"], ["two-way clustered"], [90])


# pyfixest 0.60 matches nested effects to their sizes by position in a set, so that with two
# effects k_fixef="nonnested" depends on the hash seed. It is compared where that cannot matter:
# one effect, no correction, every effect counted. That of two effects is written out elsewhere.
@pytest.mark.parametrize(("effects", "convention", "errors", "drop"), WAYS)
def test_clustered_errors_equal_pyfixest(effects, convention, errors, drop):
    frame = peer_sample(3 if drop else 0, drop)
    vcov = {"CRV1": "province" if errors == "clustered" else "province + year"}
    peer = made.pyfixest_fit(frame, effects, vcov, **SSC[convention])
    options = {"effects": effects, "errors": errors, "convention": convention}
    fit = fixed_effects(frame, "y", NAMES, **options)
    np.testing.assert_allclose(fit.params[NAMES], peer.coef()[NAMES], rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors[NAMES], peer.se()[NAMES], rtol=1e-9)
    if convention != "none":
        np.testing.assert_allclose(fit.pvalues[NAMES], peer.pvalue()[NAMES], rtol=1e-7)
    if effects != "pooled":
        assert fit.rsquared_within == pytest.approx(peer._r2_within, rel=1e-9)


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
    frame = peer_sample(4, 20)
    frame = frame[~frame.index.get_level_values("year").isin(missing)]
    kraay = partial(fixed_effects, frame, "y", NAMES, errors="driscoll-kraay")
    ours, every = (kraay(convention=name) for name in ("none", "all"))
    np.testing.assert_allclose(ours.cov, direct_driscoll_kraay(frame, 2), rtol=1e-8)
    n, t, k = len(frame), frame.index.unique("year").size, 3 + dummies(frame).shape[1]
    np.testing.assert_allclose(every.cov, ours.cov * t / (t - 1) * (n - 1) / (n - k), rtol=1e-12)
