"""Coefficient of variation, CRITIC and principal component: definitions at the edges."""

import warnings

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nqpf.errors import DataError, MethodError
from nqpf.index.weights import critic, first_component, pca, variation

LEVELS = st.integers(0, 20).map(lambda k: k / 20)


def matrices(rows=(2, 12), columns=(2, 6)):
    shape = st.tuples(st.integers(*rows), st.integers(*columns))
    return shape.flatmap(lambda s: arrays.arrays(np.float64, s, elements=LEVELS))


class TestVariation:
    def test_units_do_not_matter_but_the_zero_point_does(self):
        x = np.random.default_rng(0).lognormal(size=(30, 3))
        w = variation(x)
        np.testing.assert_allclose(variation(x * [1e4, 1e-3, 7]), w, rtol=0, atol=1e-12)
        assert variation(x + [100, 0, 0])[0] < w[0] / 10

    def test_the_sign_of_a_mean_does_not_matter(self):
        x = np.random.default_rng(0).lognormal(size=(30, 3))
        np.testing.assert_allclose(variation(x * [-1, 1, 1]), variation(x), rtol=0, atol=1e-15)

    def test_the_divisor_cancels(self):
        x = np.random.default_rng(0).lognormal(size=(5, 3))
        np.testing.assert_allclose(variation(x, ddof=0), variation(x), rtol=0, atol=1e-15)

    @pytest.mark.parametrize("ddof", [2, -1, 0.5, "1", None])
    def test_other_divisors_are_refused(self, ddof):
        with pytest.raises(MethodError, match=r"ddof is .*1 \(sample\) or 0"):
            variation([[1.0], [2.0]], ddof=ddof)

    @pytest.mark.parametrize("column", [[-1.0, 0.0, 1.0], [0.1, 0.2, -0.3], [-1e300, 5e299, 5e299]])
    def test_a_mean_of_zero_is_refused_by_name(self, column):
        x = np.column_stack([[7.0, 7.0, 7.0], [1.0, 2.0, 3.0], column])
        with pytest.raises(DataError, match=r"mean is zero.*\[indicator trade\]"):
            variation(x, names=["flat", "rd", "trade"])
        with pytest.raises(DataError, match=r"\[indicator column 2\]"):
            variation(x)

    def test_a_column_of_zeros_is_constant_and_not_an_error(self):
        np.testing.assert_array_equal(variation([[0.0, 1.0], [0.0, 2.0]]), [0, 1])

    def test_magnitudes_at_both_ends(self):
        x = np.array([[1.0, 2.0], [3.0, 1.0], [2.0, 5.0]])
        extreme = x * [2.0**-1060, 2.0**1020]
        np.testing.assert_allclose(variation(extreme), variation(x), rtol=0, atol=1e-12)


class TestCritic:
    def test_columns_that_conflict_with_none_share_equally_and_it_says_so(self):
        column = np.array([0.0, 0.2, 0.9, 1.0])
        z = np.column_stack([column, column / 2, column * 3])
        with pytest.warns(UserWarning, match="perfectly correlated, so CRITIC"):
            np.testing.assert_array_equal(critic(z), [1 / 3] * 3)

    def test_one_column_that_varies_needs_no_warning(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_array_equal(critic([[0.0, 1.0], [1.0, 1.0]]), [1, 0])

    def test_opposed_columns_conflict_most(self):
        # r = -1, 0, 0: conflicts are 2 + 1, 2 + 1 and 1 + 1, deviations equal.
        z = [[1.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 0.0]]
        np.testing.assert_allclose(critic(z), [3 / 8, 3 / 8, 2 / 8], rtol=0, atol=1e-15)

    def test_half_the_contrast_is_half_the_weight(self):
        z = np.array([[1.0, 0.5], [1.0, 0.0], [0.0, 0.5], [0.0, 0.0]])
        np.testing.assert_allclose(critic(z), [2 / 3, 1 / 3], rtol=0, atol=1e-15)

    def test_correlations_near_one_keep_their_digits(self):
        # Columns c, c + s d and c - s d, with d orthogonal to c and of the same length: the
        # squares of the outer two are 1 + s^2. Exact: 1 - r = 1 - 1 / h and 1 - (1 - s^2) / h^2,
        # with h = sqrt(1 + s^2), which is s^2 / 2 and 2 s^2 to first order in s^2.
        c, d = np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 1.0, -1.0, -1.0])
        s = 1e-6
        w = critic(np.column_stack([c, c + s * d, c - s * d]) + 5)
        np.testing.assert_allclose(w, np.array([2, 5, 5]) / 12, rtol=0, atol=1e-8)


class TestPca:
    def test_a_column_against_the_rest_gets_nothing_and_is_named(self):
        rng = np.random.default_rng(1)
        common = rng.random(60)
        z = np.column_stack([common + 0.1 * rng.random(60) for _ in range(3)] + [1 - common])
        with pytest.warns(UserWarning, match="negative loading, so no PCA weight: energy$"):
            w = pca(z, names=["rd", "patents", "trade", "energy"])
        assert w[3] == 0
        np.testing.assert_allclose(w[:3], 1 / 3, atol=0.01)
        assert first_component(z).loadings[3] < 0

    def test_two_columns_of_negative_correlation_have_no_common_direction(self):
        z = np.array([[0.0, 1.0], [0.5, 0.6], [1.0, 0.0]])
        assert not first_component(z).signed
        with pytest.warns(UserWarning, match="sum to zero, so PCA weights are equal"):
            np.testing.assert_array_equal(pca(z), [0.5, 0.5])

    def test_uncorrelated_columns_weigh_the_same(self):
        # The correlation matrix is the identity: any direction is a first component.
        z = np.array([[1.0, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
        assert np.allclose(np.corrcoef(z.T), np.eye(3))
        np.testing.assert_allclose(pca(z), [1 / 3] * 3, rtol=0, atol=1e-12)

    @given(matrices())
    def test_the_component_is_an_eigenvector_with_its_share(self, z):
        varying = z.min(axis=0) < z.max(axis=0)
        assume(varying.any())
        result = first_component(z)
        assert np.linalg.norm(result.loadings) == pytest.approx(1, abs=1e-12)
        assert (result.loadings[~varying] == 0).all()
        correlation = np.corrcoef(z[:, varying].T).reshape(int(varying.sum()), -1)
        own = result.loadings[varying]
        np.testing.assert_allclose(correlation @ own, result.eigenvalues[0] * own, atol=1e-7)
        assert result.eigenvalues.sum() == pytest.approx(varying.sum(), abs=1e-9)
        assert result.share == pytest.approx(result.eigenvalues[0] / varying.sum())
        assert result.loadings.sum() > -1e-7

    def test_nothing_varies(self):
        with pytest.raises(DataError, match="every indicator is constant"):
            first_component(np.ones((3, 2)))
