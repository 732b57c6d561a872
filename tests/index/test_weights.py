"""What every weighting promises, in one place, and what is special to each."""

import warnings

import hypothesis.extra.numpy as arrays
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nqpf.errors import DataError, MethodError
from nqpf.index.normalise import _ConstantIndicatorWarning, minmax
from nqpf.index.recipe import _METHODS
from nqpf.index.weights import _ahp, ahp_entropy_judgements, entropy

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*weight:UserWarning", "ignore::nqpf.index.normalise._ConstantIndicatorWarning"
)
BY_NAME = _METHODS["weights"]
# Projection pursuit searches at random and has promises and tests of its own.
NAMES = sorted(set(BY_NAME) - {"pursuit"})
FROM_DATA = [name for name in NAMES if name != "equal"]
EACH = pytest.mark.parametrize("name", NAMES)
EACH_FROM_DATA = pytest.mark.parametrize("name", FROM_DATA)
critic, variation = BY_NAME["critic"], BY_NAME["variation"]
LEVELS = st.integers(0, 20).map(lambda k: k / 20)


def matrices(columns=(1, 6), elements=LEVELS, rows=(2, 12)):
    shape = st.tuples(st.integers(*rows), st.integers(*columns))
    return shape.flatmap(lambda s: arrays.arrays(np.float64, s, elements=elements))


def close(actual, expected, atol=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)


@EACH
@given(z=matrices(), random=st.randoms(use_true_random=False))
def test_weights_are_shares_and_follow_their_columns_in_any_order_and_layout(name, z, random):
    before, w = z.copy(), BY_NAME[name](z)
    assert w.shape == (z.shape[1],)
    assert (w >= 0).all()
    assert abs(w.sum() - 1) <= 1e-12
    rows, columns = list(range(len(z))), list(range(z.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    close(BY_NAME[name](z[rows][:, columns]), w[columns])
    close(BY_NAME[name](np.asfortranarray(z)), w)
    np.testing.assert_array_equal(z, before)


@EACH
@given(z=matrices(), data=st.data())
def test_units_and_zero_points_do_not_matter_after_minmax(name, z, data):
    assume((z.min(axis=0) < z.max(axis=0)).all())
    m = z.shape[1]
    benefit = np.array(data.draw(st.lists(st.booleans(), min_size=m, max_size=m)))
    # Powers of two, and shifts of a few units, change no digit of the twentieths times 20.
    scale = 2.0 ** np.array(data.draw(st.lists(st.integers(-30, 30), min_size=m, max_size=m)))
    shift = np.array(data.draw(st.lists(st.integers(-9, 9), min_size=m, max_size=m)))
    raw = (z * 20).round()
    moved = minmax((raw + shift) * scale, benefit)
    close(BY_NAME[name](moved), BY_NAME[name](minmax(raw, benefit)))


@EACH_FROM_DATA
@given(z=matrices((2, 6)), position=st.integers(0, 5))
def test_a_constant_column_gets_nothing_and_changes_nothing(name, z, position):
    assume((z.min(axis=0) < z.max(axis=0)).any())
    position = min(position, z.shape[1])
    w = BY_NAME[name](np.insert(z, position, 0.5, axis=1))
    assert w[position] == 0
    close(np.delete(w, position), BY_NAME[name](z))


@EACH_FROM_DATA
@pytest.mark.parametrize("z", [np.zeros((3, 4)), np.full((3, 4), 0.3), np.ones((1, 4))], ids=str)
def test_when_no_column_varies_weights_are_equal_and_it_says_so(name, z):
    with pytest.warns(_ConstantIndicatorWarning, match=f"no column varies, so {name} weights"):
        np.testing.assert_array_equal(BY_NAME[name](z), [0.25] * 4)


@EACH
def test_one_indicator_or_two_rows_will_do(name):
    np.testing.assert_array_equal(BY_NAME[name](np.array([[0.0], [0.25], [1.0]])), [1.0])
    w = BY_NAME[name](np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]))
    assert abs(w.sum() - 1) <= 1e-12


@EACH_FROM_DATA
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_located(name, bad):
    with pytest.raises(DataError, match=r"holds -?(nan|inf) \[row 1, column 0\]"):
        BY_NAME[name](np.array([[0.0, 1.0], [bad, 0.0], [1.0, 0.5]]))


@EACH_FROM_DATA
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_one_scale_for_all_columns_does_not_matter(name, scale):
    z = np.random.default_rng(3).random((40, 5))
    close(BY_NAME[name](z * scale), BY_NAME[name](z))


@EACH
@given(z=matrices((2, 5), st.floats(0.1, 1), rows=(3, 8)))
def test_a_stack_of_matrices_is_weighed_as_each_by_itself(name, z):
    assume((np.ptp(z, axis=0) > 1e-3).all())
    stack = np.stack([z, z[::-1] ** 2, 2 - z])
    kept = np.ones((3, z.shape[1]), dtype=bool)
    kept[1, 0] = False
    together = BY_NAME[name].__wrapped__(stack, kept)
    for matrix, own, w in zip(stack, kept, together, strict=True):
        close(w[own], BY_NAME[name](matrix[:, own]))
        assert (w[~own] == 0).all()


class TestEntropy:
    @given(matrices((1, 5), st.one_of(st.integers(0, 3).map(float), st.floats(0, 1.7e308)), (1, 9)))
    def test_shares_at_any_magnitude(self, z):
        w = entropy(z)
        assert (w >= 0).all()
        assert abs(w.sum() - 1) <= 1e-12

    @given(matrices((1, 5)), st.sampled_from([5e-324, 1e-310, 1e-150, 1e-5, 1e5, 1e300]))
    def test_magnitude_does_not_matter(self, z, scale):
        # Whole multiples of the scale, so that subnormal numbers are exact too.
        close(entropy(z * 20 * scale), entropy(z))

    @given(matrices((1, 1)))
    def test_a_more_dispersed_column_weighs_more(self, z):
        assume(z.min() < z.max())
        w = entropy(np.column_stack([z, (z + z.mean()) / 2]))
        assert w[0] > w[1]

    def test_zeros_add_nothing(self):
        # p ln p of the zeros is 0, so each column has e = ln 2 / ln 4 = 1 / 2.
        # With three columns, the third of e = 0, weights are as 1/2 : 1/2 : 1.
        z = [[1.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]
        close(entropy(z), [0.25, 0.25, 0.5], 1e-15)

    def test_columns_that_differ_by_the_last_bit(self):
        z = np.ones((5, 3))
        z[0, :2] = np.nextafter(1.0, 2.0)
        w = entropy(z)
        assert abs(w.sum() - 1) <= 1e-12
        assert w[2] == 0

    def test_shift_is_added_first_and_checked(self):
        z = np.array([[0.0, 0.2], [0.5, 0.3], [1.0, 0.0]])
        np.testing.assert_array_equal(entropy(z, shift=1e-4), entropy(z + 1e-4))
        assert np.abs(entropy(z, shift=1e-2) - entropy(z)).max() > 1e-3
        for shift in (-1e-4, np.nan, np.inf, "0.1", None):
            with pytest.raises(MethodError, match="shift is"):
                entropy(z, shift=shift)

    def test_many_blocks_give_what_one_gives(self):
        z = np.random.default_rng(0).random((40_000, 6)) ** [1, 2, 3, 4, 5, 6]
        p = z / z.sum(axis=0)
        gain = 1 + (p * np.log(p)).sum(axis=0) / np.log(len(z))
        close(entropy(z), gain / gain.sum())

    def test_values_below_zero_are_located(self):
        for method in (entropy, BY_NAME["ahp_entropy"], ahp_entropy_judgements):
            with pytest.raises(DataError, match=r"z holds -0.5 \[row 1, column 1\].*minmax first"):
                method([[0.0, 1.0], [1.0, -0.5]])


class TestVariation:
    def test_units_and_signs_do_not_matter_but_the_zero_point_does(self):
        x = np.random.default_rng(0).lognormal(size=(30, 3))
        w = variation(x)
        close(variation(x * [1e4, 1e-3, 7]), w)
        close(variation(x * [-1, 1, 1]), w, 1e-15)
        small = np.array([[1.0, 2.0], [3.0, 1.0], [2.0, 5.0]])
        close(variation(small * [2.0**-1060, 2.0**1020]), variation(small))
        assert variation(x + [100, 0, 0])[0] < w[0] / 10
        np.testing.assert_array_equal(variation([[0.0, 1.0], [0.0, 2.0]]), [0, 1])

    @pytest.mark.parametrize("column", [[-1.0, 0.0, 1.0], [0.1, 0.2, -0.3], [-1e300, 5e299, 5e299]])
    def test_a_mean_of_zero_is_refused_by_name(self, column):
        x = np.column_stack([[7.0, 7.0, 7.0], [1.0, 2.0, 3.0], column])
        with pytest.raises(DataError, match=r"mean is zero.*\[indicator trade\]"):
            variation(pd.DataFrame(x, columns=["flat", "rd", "trade"]))
        with pytest.raises(DataError, match=r"\[indicator column 2\]"):
            variation(x)


class TestCritic:
    def test_columns_that_conflict_with_none_share_equally_and_it_says_so(self):
        column = np.array([0.0, 0.2, 0.9, 1.0])
        z = np.column_stack([column, column / 2, column * 3])
        with pytest.warns(UserWarning, match="perfectly correlated, so CRITIC"):
            close(critic(z), [1 / 3] * 3, 1e-15)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_array_equal(critic([[0.0, 1.0], [1.0, 1.0]]), [1, 0])

    @pytest.mark.parametrize(
        ("z", "w"),
        [
            # r = -1, 0, 0: conflicts are 2 + 1, 2 + 1 and 1 + 1, deviations equal.
            ([[1, 0, 1], [1, 0, 0], [0, 1, 1], [0, 1, 0]], [3 / 8, 3 / 8, 2 / 8]),
            # Half the contrast is half the weight.
            ([[1, 0.5], [1, 0], [0, 0.5], [0, 0]], [2 / 3, 1 / 3]),
        ],
    )
    def test_by_hand(self, z, w):
        close(critic(np.array(z, dtype=float)), w, 1e-15)

    def test_correlations_near_one_keep_their_digits(self):
        # Columns c, c + s d and c - s d, with d orthogonal to c and of the same length: the
        # squares of the outer two are 1 + s^2. Exact: 1 - r = 1 - 1 / h and 1 - (1 - s^2) / h^2,
        # with h = sqrt(1 + s^2), which is s^2 / 2 and 2 s^2 to first order in s^2.
        c, d = np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 1.0, -1.0, -1.0])
        s = 1e-6
        w = critic(np.column_stack([c, c + s * d, c - s * d]) + 5)
        close(w, np.array([2, 5, 5]) / 12, 1e-8)


THREE = np.array([[1, 3, 5], [1 / 3, 1, 3], [1 / 5, 1 / 3, 1]])
CIRCLE = np.array([[1, 9, 1 / 9], [1 / 9, 1, 9], [9, 1 / 9, 1]])
SAATY = [1 / 9, 1 / 7, 1 / 5, 1 / 3, 1 / 2, 1, 2, 3, 5, 7, 9]


def changed(j, k, value):
    a = THREE.copy()
    a[j, k] = value
    return a


def reciprocal(upper, m):
    a = np.ones((m, m))
    rows, columns = np.triu_indices(m, 1)
    a[rows, columns] = upper
    a[columns, rows] = 1 / np.asarray(upper)
    return a


@st.composite
def judgement_matrices(draw):
    m = draw(st.integers(1, 7))
    pairs = m * (m - 1) // 2
    return reciprocal(draw(st.lists(st.sampled_from(SAATY), min_size=pairs, max_size=pairs)), m)


class TestAhp:
    @given(st.lists(st.integers(-40, 40), min_size=1, max_size=12))
    def test_ratios_of_weights_give_the_weights_back(self, logs):
        w = np.exp(np.array(logs) / 4)
        w = w / w.sum()
        result = _ahp(w[:, None] / w)
        np.testing.assert_allclose(result.weights, w, rtol=1e-9, atol=1e-13)
        assert result.lambda_max == pytest.approx(len(w), abs=1e-9)
        assert result.ratio == pytest.approx(0, abs=1e-9)
        assert result.accepted

    @given(judgement_matrices())
    def test_weights_are_a_positive_eigenvector(self, a):
        result = _ahp(a)
        assert (result.weights > 0).all()
        assert abs(result.weights.sum() - 1) <= 1e-12
        turned = a @ result.weights
        np.testing.assert_allclose(turned, result.lambda_max * result.weights, atol=1e-9)
        assert result.lambda_max >= len(a) - 1e-9
        assert result.ratio >= 0

    @pytest.mark.parametrize("a", [[[1.0]], [[1, 4], [1 / 4, 1]]])
    def test_one_and_two_indicators_are_always_consistent(self, a):
        result = _ahp(a)
        assert (result.index, result.ratio) == (0, 0)
        np.testing.assert_allclose(result.weights, [1.0] if len(a) == 1 else [0.8, 0.2], atol=1e-15)

    def test_the_limit_itself_is_not_accepted(self):
        # CR grows with the judgement of the first over the third; bisect to 0.1.
        low, high = 6.0, 100.0
        for _ in range(60):
            middle = (low + high) / 2
            inside = _ahp(reciprocal([2, middle, 3], 3)).accepted
            low, high = (middle, high) if inside else (low, middle)
        assert _ahp(reciprocal([2, low, 3], 3)).ratio == pytest.approx(0.1)
        assert not _ahp(reciprocal([2, high, 3], 3)).accepted
        np.testing.assert_allclose(_ahp(CIRCLE).weights, 1 / 3, atol=1e-12)

    @pytest.mark.parametrize(
        ("judgements", "message"),
        [
            (np.ones((2, 3)), r"shape \(2, 3\); expected a square"),
            (np.ones(4), r"shape \(4,\)"),
            (np.ones((0, 0)), r"shape \(0, 0\)"),
            ([[1, 2], [3]], "not numeric"),
            ([["1", "three"], ["1", "1"]], "not numeric"),
            (None, r"shape \(\)"),
            (changed(0, 2, 0), "indicator 0 over indicator 2 is 0, .*numbers above zero"),
            (changed(2, 1, -3), "1 over indicator 2 is 3, indicator 2 over indicator 1 is -3"),
            (changed(1, 2, np.nan), r"holds nan \[row 1, column 2\]"),
            (changed(1, 0, np.inf), r"holds inf \[row 1, column 0\]"),
            (changed(2, 0, 0.3), "not reciprocal: indicator 0 over indicator 2 is 5, "
             "indicator 2 over indicator 0 is 0.3; expected .*product is 1"),
            (changed(1, 0, 0.33), "not reciprocal.*1/3 and not 0.33"),
            (changed(1, 1, 2), "expected .*1 on the diagonal"),
        ],
        ids=str,
    )  # fmt: skip
    def test_bad_matrices_are_refused_and_the_pair_is_named(self, judgements, message):
        with pytest.raises(MethodError, match=message):
            _ahp(judgements)

    def test_a_frame_is_aligned_by_label_and_names_its_pairs(self):
        keys = ["rd", "patents", "energy"]
        frame = pd.DataFrame(THREE, index=keys, columns=keys)
        close(_ahp(frame[keys[::-1]]).weights, _ahp(THREE).weights, 1e-15)
        with pytest.raises(MethodError, match="rd over energy is 5, energy over rd is 9"):
            _ahp(pd.DataFrame(changed(2, 0, 9), index=keys, columns=keys))
        with pytest.raises(MethodError, match=r"different labels \[rows.*expected the same"):
            _ahp(frame.rename(index={"rd": "research"}))


def columns_with(*shares):
    """Return a column of 16 rows for each number k of equal shares: e = ln k / ln 16."""
    return np.array([[float(row < k) for k in shares] for row in range(16)])


class TestImproved:
    def test_the_scale_ends_at_the_largest_ratio(self):
        # g = 1 - ln k / ln 16: 3/4, 2/4, 1/4, so D = 3, alpha = 3, R = 1: Saaty's 1, 2, 3.
        result = ahp_entropy_judgements(columns_with(2, 4, 8))
        assert result.largest_ratio == pytest.approx(3)
        assert result.levels == 3
        np.testing.assert_allclose(result.scale, [1, 2, 3])
        # 3/4 over 2/4 is 1.5, half-way: the smaller, 1. The others are 3 and 2.
        expected = [[1, 1, 3], [1, 1, 2], [1 / 3, 1 / 2, 1]]
        np.testing.assert_allclose(result.judgements, expected, rtol=1e-12)
        np.testing.assert_allclose(result.weights, _ahp(result.judgements).weights, atol=1e-12)
        assert result.consistency.ratio == _ahp(result.judgements).ratio

    def test_more_than_nine_steps_are_stretched_over_nine(self):
        z = np.random.default_rng(0).random((200, 4)) ** [0.3, 1, 4, 20]
        result = ahp_entropy_judgements(z)
        assert result.largest_ratio > 9
        assert result.levels == 9
        r = (result.largest_ratio / 9) ** (1 / 8)
        np.testing.assert_allclose(result.scale, [k * r ** (k - 1) for k in range(1, 10)])
        assert result.scale[-1] == pytest.approx(result.largest_ratio, rel=1e-14)

    def test_equal_ratios_weigh_the_same(self):
        column = np.array([0.0, 0.1, 0.4, 1.0])
        result = ahp_entropy_judgements(np.column_stack([np.roll(column, k) for k in range(3)]))
        assert result.levels == 1
        np.testing.assert_array_equal(result.scale, [1])
        np.testing.assert_allclose(result.weights, [1 / 3] * 3, atol=1e-15)
        assert result.consistency.ratio == 0

    def test_below_one_and_a_half_there_is_one_step(self):
        z = columns_with(2, 3)  # g = 0.75 and 0.604, a ratio of 1.24
        result = ahp_entropy_judgements(z)
        assert result.levels == 1
        np.testing.assert_allclose(result.weights, [0.5, 0.5], atol=1e-15)
        assert entropy(z)[0] > 0.55

    def test_half_way_is_rounded_up_to_two_steps(self):
        result = ahp_entropy_judgements(columns_with(2, 4))  # g = 3/4 and 2/4: 1.5
        assert result.levels == 2
        np.testing.assert_allclose(result.scale, [1, 1.5])
        np.testing.assert_allclose(result.weights, [0.6, 0.4], atol=1e-12)

    def test_a_constant_column_is_not_judged(self):
        z = columns_with(2, 16, 8)
        result = ahp_entropy_judgements(z)
        assert result.judgements.shape == (2, 2)
        np.testing.assert_allclose(result.weights, [0.75, 0, 0.25], atol=1e-12)

    def test_nothing_to_judge(self):
        with pytest.raises(DataError, match="every indicator is constant"):
            ahp_entropy_judgements(np.ones((3, 2)))

    @pytest.mark.parametrize("m", [2, 16, 50])
    def test_judgements_are_reciprocal_and_consistent(self, m):
        rng = np.random.default_rng(m)
        z = rng.random((341, m)) ** rng.uniform(0.2, 9, m)
        result = ahp_entropy_judgements(z)
        np.testing.assert_allclose(result.judgements * result.judgements.T, 1, rtol=1e-14)
        assert result.consistency.accepted
        order = np.argsort(entropy(z))
        assert (np.diff(result.weights[order]) > -1e-12).all()
