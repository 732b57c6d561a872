"""VIKOR, normalisations and the weighted product beside pymcdm and scikit-criteria.

Where a peer follows another convention, a test states it and shows that the
results part there, so that an agreement elsewhere means something.
"""

import numpy as np
import pytest
from made_up_index import compromise, measures

from nqpf.index.aggregate import linear
from nqpf.index.normalise import minmax
from nqpf.index.recipe import _METHODS

pymcdm = pytest.importorskip("pymcdm", reason="pymcdm is not installed")
skcriteria = pytest.importorskip("skcriteria", reason="scikit-criteria is not installed")

from pymcdm.methods import VIKOR as PymcdmVIKOR  # noqa: E402
from pymcdm.methods import WPM, WSM  # noqa: E402
from pymcdm.normalizations import vector_normalization  # noqa: E402
from skcriteria.agg.vikor import VIKOR as SkcVIKOR  # noqa: E402
from skcriteria.preprocessing.scalers import StandarScaler, VectorScaler  # noqa: E402

geometric, vector, zscore = (
    _METHODS["aggregate"]["geometric"],
    _METHODS["normalise"]["vector"],
    _METHODS["normalise"]["zscore"],
)

CLOSE = {"rtol": 0, "atol": 1e-12}


def skc_matrix(z, objectives=None, weights=None):
    return skcriteria.mkdm(z, objectives or [max] * z.shape[1], weights=weights)


@pytest.fixture(params=[(341, 30), (31, 5), (500, 2)], ids=str)
def raw(request):
    rng = np.random.default_rng(1)
    x = rng.lognormal(size=request.param)
    benefit = np.arange(request.param[1]) % 3 > 0
    return x, benefit, rng.dirichlet(np.ones(request.param[1]))


@pytest.mark.parametrize("v", [0.5, 0.0, 0.25, 1.0])
def test_vikor_agrees_with_both(raw, v):
    x, benefit, w = raw
    z = minmax(x, benefit)
    ours = measures(z, w, v)
    np.testing.assert_allclose(ours.Q, PymcdmVIKOR(v=v)(z, w, np.ones(z.shape[1])), **CLOSE)
    theirs = SkcVIKOR(v=v).evaluate(skc_matrix(z, weights=w)).e_
    np.testing.assert_allclose(ours.S, theirs.s_k, **CLOSE)
    np.testing.assert_allclose(ours.R, theirs.r_k, **CLOSE)
    np.testing.assert_allclose(ours.Q, theirs.q_k, **CLOSE)


def test_vikor_of_raw_values_with_costs_is_the_same(raw):
    # All three take f* - f over its range, so a cost that was turned round before and one that
    # the peer takes as a cost have the same regret.
    x, benefit, w = raw
    ours = measures(minmax(x, benefit), w).Q
    np.testing.assert_allclose(ours, PymcdmVIKOR()(x, w, np.where(benefit, 1, -1)), **CLOSE)
    objectives = [max if b else min for b in benefit]
    theirs = SkcVIKOR().evaluate(skc_matrix(x, objectives, weights=w))
    np.testing.assert_allclose(ours, theirs.e_.q_k, **CLOSE)


def test_conditions_and_set_agree_with_scikit_criteria():
    rng = np.random.default_rng(8)
    seen = set()
    for _ in range(600):
        n, m = rng.integers(2, 7), rng.integers(1, 5)
        z, w = rng.random((n, m)), rng.dirichlet(np.ones(m))
        ours = compromise(z, w)
        theirs = SkcVIKOR().evaluate(skc_matrix(z, weights=w)).e_
        if (np.diff(np.sort(ours.table["Q"])) < 1e-9).any():
            continue  # ties are in the next test
        conditions = (ours.advantage, ours.stability)
        assert conditions == (theirs.acceptable_advantage, theirs.acceptable_stability)
        assert set(ours.members) == set(theirs.compromise_set)
        seen.add(conditions)
    assert seen >= {(True, True), (False, True), (False, False)}


def test_a_shared_best_has_no_advantage_here_but_the_same_set():
    # Rows 1 and 2 share Q = 0 and no other is near. By the paper Q(A2) - Q(A1) = 0 < DQ; the
    # peer counts the two as one. Both then propose the pair.
    z = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    ours = compromise(z, [0.5, 0.5])
    theirs = SkcVIKOR().evaluate(skc_matrix(z, weights=[0.5, 0.5])).e_
    assert not ours.advantage
    assert theirs.acceptable_advantage
    assert set(ours.members) == set(theirs.compromise_set) == {1, 2}


@pytest.mark.filterwarnings("ignore:Some criteria", "ignore:Alternatives with indices")
def test_ties_have_an_answer_here_and_in_scikit_criteria_but_not_in_pymcdm():
    constant = np.array([[0.0, 0.5], [1.0, 0.5], [0.3, 0.5]])
    same_s = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])
    w = np.array([0.5, 0.5])
    for z in (constant, same_s):
        theirs = SkcVIKOR().evaluate(skc_matrix(z, weights=w))
        np.testing.assert_allclose(measures(z, w).Q, theirs.e_.q_k, **CLOSE)
    with pytest.raises(ValueError, match="equal values for all alternatives"):
        PymcdmVIKOR()(constant, w, np.ones(2))
    with np.errstate(invalid="ignore"):
        assert np.isnan(PymcdmVIKOR()(same_s, w, np.ones(2))).all()


def test_weighted_sum_and_product_agree_with_pymcdm(raw):
    x, benefit, w = raw
    z = 0.01 + 0.99 * minmax(x, benefit)
    types = np.ones(z.shape[1])
    np.testing.assert_allclose(linear(z, w), WSM(lambda x, cost: x)(z, w, types), **CLOSE)
    np.testing.assert_allclose(geometric(z, w), WPM(lambda x, cost: x)(z, w, types), **CLOSE)


def test_vector_agrees_with_pymcdm_and_on_benefits_with_scikit_criteria(raw):
    x, benefit, _ = raw
    theirs = np.column_stack(
        [vector_normalization(x[:, j], cost=not b) for j, b in enumerate(benefit)]
    )
    np.testing.assert_allclose(vector(x, benefit), theirs, **CLOSE)
    scaled = VectorScaler(target="matrix").transform(skc_matrix(x)).matrix.to_numpy()
    np.testing.assert_allclose(vector(x, np.ones_like(benefit)), scaled, **CLOSE)


def test_standard_scores_agree_with_scikit_criteria_up_to_the_divisor(raw):
    # It divides by N, we by N - 1.
    x, benefit, _ = raw
    theirs = StandarScaler(target="matrix").transform(skc_matrix(x)).matrix.to_numpy()
    ours = zscore(x, np.ones_like(benefit))
    np.testing.assert_allclose(ours * np.sqrt(len(x) / (len(x) - 1)), theirs, **CLOSE)
    assert np.abs(ours - theirs).max() > 1e-4
