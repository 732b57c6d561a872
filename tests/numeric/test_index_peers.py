"""Entropy weights and TOPSIS beside pymcdm and scikit-criteria.

Where a peer follows another convention, a test states it and shows that the
results part there, so that an agreement elsewhere means something.
"""

import numpy as np
import pytest

from nqpf.index.aggregate import topsis
from nqpf.index.normalise import minmax
from nqpf.index.weights import entropy

pymcdm = pytest.importorskip("pymcdm", reason="pymcdm is not installed")
skcriteria = pytest.importorskip("skcriteria", reason="scikit-criteria is not installed")

from pymcdm.methods import TOPSIS as PymcdmTOPSIS  # noqa: E402
from pymcdm.normalizations import minmax_normalization  # noqa: E402
from pymcdm.weights import entropy_weights as pymcdm_entropy  # noqa: E402
from skcriteria.agg.topsis import TOPSIS as SkcTOPSIS  # noqa: E402
from skcriteria.preprocessing.scalers import MinMaxScaler  # noqa: E402
from skcriteria.preprocessing.weighters import EntropyWeighter  # noqa: E402

CLOSE = {"rtol": 0, "atol": 1e-12}


@pytest.fixture(params=[(341, 30), (31, 5), (2_000, 12)], ids=str)
def raw(request):
    rng = np.random.default_rng(1)
    x = rng.lognormal(size=request.param)
    benefit = np.arange(request.param[1]) % 3 > 0
    return x, benefit


def skc_matrix(z, objectives=None, weights=None):
    return skcriteria.mkdm(z, objectives or [max] * z.shape[1], weights=weights)


def test_minmax_agrees_with_pymcdm(raw):
    x, benefit = raw
    theirs = np.column_stack(
        [minmax_normalization(x[:, j], cost=not b) for j, b in enumerate(benefit)]
    )
    np.testing.assert_allclose(minmax(x, benefit), theirs, **CLOSE)


def test_minmax_agrees_with_scikit_criteria_on_benefits(raw):
    x, _ = raw
    theirs = MinMaxScaler(target="matrix").transform(skc_matrix(x)).matrix.to_numpy()
    np.testing.assert_allclose(minmax(x, np.ones(x.shape[1], dtype=bool)), theirs, **CLOSE)


def test_entropy_agrees_with_both_on_positive_values(raw):
    z = raw[0] / raw[0].max(axis=0)
    np.testing.assert_allclose(entropy(z), pymcdm_entropy(z), **CLOSE)
    theirs = EntropyWeighter().transform(skc_matrix(z)).weights.to_numpy()
    np.testing.assert_allclose(entropy(z), theirs, **CLOSE)


def test_entropy_with_zeros_agrees_with_scikit_criteria_only(raw):
    # After min-max every column holds a zero, which pymcdm refuses; scikit-criteria
    # takes 0 ln 0 = 0 as we do.
    z = minmax(*raw)
    theirs = EntropyWeighter().transform(skc_matrix(z)).weights.to_numpy()
    np.testing.assert_allclose(entropy(z), theirs, **CLOSE)
    with pytest.raises(ValueError, match="positive"):
        pymcdm_entropy(z)


def test_a_constant_column_gets_no_weight_where_scikit_criteria_has_none():
    # Both scale the column to zeros; its shares are then 0 / 0 in theirs, which
    # makes every weight NaN.
    x = np.column_stack([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]])
    with pytest.warns(UserWarning, match="column 1"):
        z = minmax(x, np.array([True, True]))
    np.testing.assert_array_equal(entropy(z), [1.0, 0.0])
    scaled = MinMaxScaler(target="matrix").transform(skc_matrix(x))
    with np.errstate(invalid="ignore"):
        assert np.isnan(EntropyWeighter().transform(scaled).weights.to_numpy()).all()


def test_topsis_agrees_with_both(raw):
    z = minmax(*raw)
    w = entropy(z)
    ours = topsis(z, w)
    types = np.ones(z.shape[1])
    # pymcdm normalises inside; z already is, so that step is set to the identity.
    np.testing.assert_allclose(ours, PymcdmTOPSIS(lambda x, cost: x)(z, w, types), **CLOSE)
    # Left to itself it applies the same min-max, costs turned round, to raw values.
    x, benefit = raw
    np.testing.assert_allclose(ours, PymcdmTOPSIS()(x, w, np.where(benefit, 1, -1)), **CLOSE)
    theirs = SkcTOPSIS().evaluate(skc_matrix(z, weights=w))
    np.testing.assert_allclose(ours, theirs.e_.similarity, **CLOSE)


@pytest.mark.filterwarnings("ignore:Although TOPSIS can operate with minimization")
def test_costs_agree_although_scikit_criteria_turns_the_ideal_round(raw):
    # It keeps costs as they are and makes the smallest value the ideal; we turn
    # the column round first. Distances are the same. Entropy weights are not,
    # because the entropy of z and of 1 - z differ, so the weights are fixed here.
    x, benefit = raw
    w = np.full(x.shape[1], 1 / x.shape[1])
    scaled = minmax(x, np.ones_like(benefit))
    objectives = [max if b else min for b in benefit]
    theirs = SkcTOPSIS().evaluate(skc_matrix(scaled, objectives, weights=w))
    np.testing.assert_allclose(topsis(minmax(x, benefit), w), theirs.e_.similarity, **CLOSE)
    assert np.abs(entropy(scaled) - entropy(minmax(x, benefit))).max() > 1e-3


@pytest.mark.filterwarnings("ignore:Alternatives with indices")
def test_identical_rows_are_a_half_here_and_undefined_in_both():
    z, w = np.full((3, 2), 0.5), np.array([0.5, 0.5])
    with np.errstate(invalid="ignore"):
        assert np.isnan(PymcdmTOPSIS(lambda x, cost: x)(z, w, np.ones(2))).all()
        with pytest.raises(ValueError, match="doesn't look like a ranking"):
            SkcTOPSIS().evaluate(skc_matrix(z, weights=w))
    np.testing.assert_array_equal(topsis(z, w), 0.5)
