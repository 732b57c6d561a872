"""Normalisations, weights and aggregations beside pymcdm, scikit-criteria and scipy.

Where a peer follows another convention, a test states it.
"""

import numpy as np
import pytest
from made_up_index import compromise, matrix_of

from nqpf.index import Recipe

pymcdm = pytest.importorskip("pymcdm", reason="pymcdm is not installed")
skcriteria = pytest.importorskip("skcriteria", reason="scikit-criteria is not installed")

from pymcdm.methods import TOPSIS, VIKOR, WPM, WSM  # noqa: E402
from pymcdm.normalizations import minmax_normalization, vector_normalization  # noqa: E402
from pymcdm.weights import critic_weights  # noqa: E402
from skcriteria.agg.vikor import VIKOR as SkcVIKOR  # noqa: E402
from skcriteria.preprocessing.scalers import StandarScaler  # noqa: E402
from skcriteria.preprocessing.weighters import EntropyWeighter  # noqa: E402

CLOSE = {"rtol": 0, "atol": 1e-12}


def figures(shape=(341, 12)):
    x = np.random.default_rng(1).lognormal(size=shape)
    return x, np.arange(shape[1]) % 3 > 0


def fitted(normalise="minmax", weights="entropy", aggregate="linear", **options):
    return Recipe(normalise, weights, aggregate, **options).fit(matrix_of(*figures()))


def skc_matrix(z, weights=None):
    return skcriteria.mkdm(z, [max] * z.shape[1], weights=weights)


def test_normalisations_agree():
    x, benefit = figures()
    pairs = (("minmax", minmax_normalization), ("vector", vector_normalization))
    for name, theirs in pairs:
        expected = [theirs(c, cost=not b) for c, b in zip(x.T, benefit, strict=True)]
        np.testing.assert_allclose(fitted(name).normalised.T, expected, **CLOSE)
    # scikit-criteria divides by N, we by N - 1, and costs turn round.
    theirs = StandarScaler(target="matrix").transform(skc_matrix(x)).matrix.to_numpy()
    ours = fitted("zscore", "equal").normalised * np.sqrt(len(x) / (len(x) - 1))
    np.testing.assert_allclose(ours * np.where(benefit, 1, -1), theirs, **CLOSE)


def test_weights_agree():
    from scipy.stats import variation

    index = fitted()
    z = index.normalised.to_numpy()
    theirs = EntropyWeighter().transform(skc_matrix(z)).weights.to_numpy()
    np.testing.assert_allclose(index.weights, theirs, **CLOSE)
    np.testing.assert_allclose(fitted(weights="critic").weights, critic_weights(z), **CLOSE)
    v = variation(figures()[0], axis=0, ddof=1)
    np.testing.assert_allclose(fitted(weights="variation").weights, v / v.sum(), **CLOSE)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("linear", WSM(lambda x, cost: x)),
        ("geometric", WPM(lambda x, cost: x)),
        ("topsis", TOPSIS(lambda x, cost: x)),
        ("vikor", VIKOR(v=0.25)),
    ],
)
def test_aggregations_agree(name, method):
    options = {"v": 0.25} if name == "vikor" else {}
    index = fitted("rank", aggregate=name, **options)
    z, w = index.normalised.to_numpy(), index.weights.to_numpy()
    theirs = method(z, w, np.ones(len(w)))
    np.testing.assert_allclose(index.scores, 1 - theirs if name == "vikor" else theirs, **CLOSE)


def test_conditions_and_set_of_vikor_agree():
    rng, seen = np.random.default_rng(8), set()
    for _ in range(300):
        n, m = rng.integers(2, 7), rng.integers(1, 5)
        z, w = rng.random((n, m)), rng.dirichlet(np.ones(m))
        ours = compromise(z, w)
        theirs = SkcVIKOR().evaluate(skc_matrix(z, weights=w)).e_
        if (np.diff(np.sort(ours.table["Q"])) < 1e-9).any():
            continue  # where two share the best Q the peer sees an advantage, but the same set
        conditions = (ours.advantage, ours.stability)
        assert conditions == (theirs.acceptable_advantage, theirs.acceptable_stability)
        assert set(ours.members) == set(theirs.compromise_set)
        seen.add(conditions)
    assert seen >= {(True, True), (False, True), (False, False)}
