"""CRITIC and variation beside pymcdm, scikit-criteria and scipy.

Where a peer follows another convention, a test states it and shows that the
results part there.
"""

import numpy as np
import pytest

from nqpf.index.normalise import minmax
from nqpf.index.recipe import _METHODS

critic, variation = _METHODS["weights"]["critic"], _METHODS["weights"]["variation"]

pymcdm_weights = pytest.importorskip("pymcdm.weights", reason="pymcdm is not installed")
weighters = pytest.importorskip(
    "skcriteria.preprocessing.weighters", reason="scikit-criteria is not installed"
)

CLOSE = {"rtol": 0, "atol": 1e-12}


@pytest.fixture(params=[(341, 30), (31, 5), (2_000, 12)], ids=str)
def raw(request):
    rng = np.random.default_rng(1)
    common = rng.normal(size=(request.param[0], 1))
    return np.exp(common * rng.uniform(0.1, 1, request.param[1]) + rng.normal(size=request.param))


def scaled(x):
    return minmax(x, np.ones(x.shape[1], dtype=bool))


def test_critic_agrees_with_both(raw):
    z = scaled(raw)
    np.testing.assert_allclose(critic(z), pymcdm_weights.critic_weights(raw), **CLOSE)
    np.testing.assert_allclose(critic(z), pymcdm_weights.critic_weights(z), **CLOSE)
    theirs = weighters.critic_weights(z, [1] * z.shape[1], scale=False)
    np.testing.assert_allclose(critic(z), theirs, **CLOSE)
    theirs = weighters.critic_weights(raw, [1] * z.shape[1], scale=True)
    np.testing.assert_allclose(critic(z), theirs, **CLOSE)


def test_critic_takes_its_matrix_as_it_is_where_pymcdm_scales_it(raw):
    # Contrast is a standard deviation, so it depends on the scaling.
    assert np.abs(critic(raw) - pymcdm_weights.critic_weights(raw)).max() > 1e-3
    theirs = weighters.critic_weights(raw, [1] * raw.shape[1], scale=False)
    np.testing.assert_allclose(critic(raw), theirs, **CLOSE)


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:Pearson correlation is undefined")
def test_a_constant_column_has_no_weight_here_and_spoils_all_in_the_peers(raw):
    z = np.column_stack([scaled(raw), np.zeros(len(raw))])
    np.testing.assert_allclose(critic(z), [*critic(z[:, :-1]), 0], **CLOSE)
    assert np.isnan(pymcdm_weights.critic_weights(z)).all()
    assert np.isnan(weighters.critic_weights(z, [1] * z.shape[1], scale=False)).all()


def test_variation_is_scipys_coefficient(raw):
    from scipy.stats import variation as scipy_variation

    v = scipy_variation(raw, axis=0, ddof=1)
    np.testing.assert_allclose(variation(raw), v / v.sum(), **CLOSE)
