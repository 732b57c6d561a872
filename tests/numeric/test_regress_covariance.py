"""Errors of regressions and the kernel against peers, formulas and print of Stata and R."""

import numpy as np
import pandas as pd
import pytest
from made_up_mutants import EVERYTHING
from made_up_panels import EFFECTS, NAMES, dummies, linearmodels_fit, pyfixest_fit
from made_up_panels import walks as with_shocks

from nqpf.regress import fixed_effects
from nqpf.regress.kernel import _cross_products


def sample(seed, drop):
    return with_shocks(seed, drop, shocks=True)


def fit(frame, effects, errors, convention):
    return fixed_effects(frame, "y", NAMES, effects=effects, errors=errors, convention=convention)


@pytest.mark.parametrize(
    ("seed", "drop", "effects"), [(0, 0, "two-way"), *((3, 90, effects) for effects in EFFECTS)]
)
def test_both_equal_linearmodels(seed, drop, effects):
    frame = sample(seed, drop)
    both = {"cov_type": "clustered", "cluster_entity": True, "cluster_time": True}
    peers = {"two-way clustered": both, "driscoll-kraay": {"cov_type": "kernel"}}
    for errors, options in peers.items():
        ours = fit(frame, effects, errors, "linearmodels")
        peer = linearmodels_fit(frame, effects, **options)
        assert not ours.notes  # the covariance was positive semi-definite and left alone
        np.testing.assert_allclose(ours.cov, peer.cov, rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose(ours.pvalues, peer.pvalues, rtol=1e-7, atol=1e-300)


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
THEIRS = {
    "clustered": {"cov_type": "clustered", "cluster_entity": True},
    "driscoll-kraay": {"cov_type": "kernel"},
    "clustered-period": {"cov_type": "clustered", "cluster_time": True},
}


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
    frame, effects, errors = random_panel(seed), MIXED[seed % 5], list(THEIRS)[seed % 3]
    names = list(frame.columns[1:])
    wanted = linearmodels_fit(frame, effects, names, **THEIRS[errors])
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
