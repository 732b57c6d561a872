"""Two-way clustered and Driscoll-Kraay errors against peers and formulas."""

import numpy as np
import pytest
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


@pytest.mark.parametrize("convention", ["nested", "all", "linearmodels", "none"])
@pytest.mark.parametrize("effects", ["two-way", "unit"])
def test_driscoll_kraay_equals_the_kernel_of_many_specifications(convention, effects):
    frame = sample(3, 90)
    products = _cross_products(frame, ["y", *NAMES], effects=effects)
    many = products.fit("y", NAMES, "driscoll-kraay", convention)
    ours, plain = (fit(frame, effects, "driscoll-kraay", c) for c in (convention, "none"))
    np.testing.assert_allclose(many.std_errors[0], ours.std_errors, rtol=1e-9)
    assert many.df == ours.df
    if convention in ("nested", "all"):  # the first counts no unit effects
        n, t = len(frame), 11
        k = 4 + 10 * (effects == "two-way") + 30 * (convention == "all")
        factor = t / (t - 1) * (n - 1) / (n - k)
        np.testing.assert_allclose(ours.cov, factor * plain.cov, rtol=1e-12)


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
