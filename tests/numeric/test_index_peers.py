"""Normalisations, weights and aggregations beside pymcdm, scipy and scikit-criteria.

Where a peer follows another convention, a test states it.
"""

import numpy as np
import pytest
from made_up_index import compromise, matrix_of

from nqpf.index import Recipe

pymcdm = pytest.importorskip("pymcdm", reason="pymcdm is not installed")

from pymcdm.methods import TOPSIS, VIKOR, WPM, WSM  # noqa: E402
from pymcdm.normalizations import minmax_normalization, vector_normalization  # noqa: E402
from pymcdm.weights import critic_weights  # noqa: E402
from scipy.stats import entropy, variation, zscore  # noqa: E402

CLOSE = {"rtol": 0, "atol": 1e-12}


def figures(shape=(341, 12)):
    x = np.random.default_rng(1).lognormal(size=shape)
    return x, np.arange(shape[1]) % 3 > 0


def fitted(normalise="minmax", weights="entropy", aggregate="linear", **options):
    return Recipe(normalise, weights, aggregate, **options).fit(matrix_of(*figures()))


def test_normalisations_agree():
    x, benefit = figures()
    pairs = (("minmax", minmax_normalization), ("vector", vector_normalization))
    for name, theirs in pairs:
        expected = [theirs(c, cost=not b) for c, b in zip(x.T, benefit, strict=True)]
        np.testing.assert_allclose(fitted(name).normalised.T, expected, **CLOSE)
    theirs = zscore(x, ddof=1) * np.where(benefit, 1, -1)  # costs turn round
    np.testing.assert_allclose(fitted("zscore", "equal").normalised, theirs, **CLOSE)


def test_weights_agree():
    index = fitted()
    z = index.normalised.to_numpy()
    gain = 1 - entropy(z) / np.log(len(z))  # scipy divides by the sums
    np.testing.assert_allclose(index.weights, gain / gain.sum(), **CLOSE)
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
    skcriteria = pytest.importorskip("skcriteria", reason="`make bench` installs scikit-criteria")
    from skcriteria.agg.vikor import VIKOR as SkcVIKOR

    rng, seen = np.random.default_rng(17), set()
    for _ in range(40):
        n, m = rng.integers(2, 7), rng.integers(1, 5)
        z, w = rng.random((n, m)), rng.dirichlet(np.ones(m))
        ours = compromise(z, w)
        theirs = SkcVIKOR().evaluate(skcriteria.mkdm(z, [max] * m, weights=w)).e_
        if (np.diff(np.sort(ours.table["Q"])) < 1e-9).any():
            continue  # where two share the best Q the peer sees an advantage, but the same set
        conditions = (ours.advantage, ours.stability)
        assert conditions == (theirs.acceptable_advantage, theirs.acceptable_stability)
        assert set(ours.members) == set(theirs.compromise_set)
        seen.add(conditions)
    assert seen >= {(True, True), (False, True), (False, False)}
