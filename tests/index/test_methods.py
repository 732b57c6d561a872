"""What every normalisation, weighting and aggregation promises, and what the public ones refuse."""

import warnings
from functools import partial

import hypothesis.extra.numpy as arrays
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_up_index import FEW, UNIT, made_matrix, matrix_of, printed_by_threads, weighted
from made_up_panels import refusals

from nqpf.errors import DataError, MethodError
from nqpf.index import Recipe
from nqpf.index.aggregate import coordination, linear, topsis
from nqpf.index.normalise import _ConstantIndicatorWarning, minmax
from nqpf.index.recipe import _METHODS
from nqpf.index.weights import _perron, ahp_entropy_judgements, entropy

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*weight:UserWarning", "ignore::nqpf.index.normalise._IndexWarning"
)
# Projection pursuit searches at random and has promises and tests of its own.
WEIGHTS = sorted(set(_METHODS["weights"]) - {"pursuit"})
AGGREGATE = list(_METHODS["aggregate"])
LEVELS = st.integers(0, 20).map(lambda k: k / 20)


def close(actual, expected, atol=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)


@st.composite
def figures(draw, elements=LEVELS):
    """Draw indicators that all vary, and their directions."""
    shape = draw(st.tuples(st.integers(3, 9), st.integers(1, 5)))
    x = draw(arrays.arrays(np.float64, shape, elements=elements))
    assume((x.min(axis=0) < x.max(axis=0)).all())
    return x, draw(arrays.arrays(np.bool_, shape[1]))


def recipes(name):
    """Return a recipe that uses a method, with others that go with it."""
    stage = next(stage for stage, methods in _METHODS.items() if name in methods)
    return Recipe(**({"weights": "equal", "aggregate": "linear"} | {stage: name}))


@pytest.mark.parametrize("name", [*_METHODS["normalise"], *WEIGHTS, *AGGREGATE])
@FEW
@given(sample=figures(), random=st.randoms(use_true_random=False))
def test_order_of_rows_and_indicators_does_not_matter_and_bounds_are_kept(name, sample, random):
    x, benefit = sample
    rows, columns = list(range(len(x))), list(range(x.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    dimension = np.where(np.arange(len(columns)) % 2 == 0, "even", "odd")
    before = matrix_of(x, benefit, dimension=dimension)
    copy = before.values.copy()
    first = recipes(name).fit(before)
    mixed = matrix_of(x[rows][:, columns], benefit[columns], dimension=dimension[columns])
    second = recipes(name).fit(mixed)
    pd.testing.assert_frame_equal(before.values, copy)
    close(second.weights, first.weights.to_numpy()[columns])
    close(second.normalised, first.normalised.to_numpy()[rows][:, columns])
    close(second.scores, first.scores.to_numpy()[rows])
    assert (first.weights >= 0).all() and abs(first.weights.sum() - 1) <= 1e-12
    if name != "zscore":
        assert first.scores.between(0, 1 + 1e-12).all()
    z = first.normalised.to_numpy()
    for j, more_is_better in enumerate(benefit):
        column = x[:, j] if more_is_better else -x[:, j]
        assert (np.diff(z[np.argsort(column, kind="stable"), j]) >= 0).all()


@pytest.mark.parametrize("name", AGGREGATE)
@FEW
@given(sample=figures(UNIT))
def test_a_row_that_is_nowhere_worse_scores_no_less(name, sample):
    x = sample[0]
    scores = recipes(name).fit(matrix_of(np.vstack([x, np.maximum(x[0], x[1])]))).scores
    assert scores.iloc[-1] >= scores.iloc[:2].max() - 1e-12
    top = recipes(name).fit(matrix_of(np.vstack([x, x.max(axis=0), x.min(axis=0)]))).scores
    close(top.iloc[-2:], [1, 0])


@pytest.mark.parametrize("size", [5e-324, 1e-300, 1e300, 2e307])
@pytest.mark.parametrize("name", _METHODS["normalise"])
def test_magnitude_does_not_matter(name, size):
    x = np.array([[0.0], [4.0], [8.0]])
    plain, sized = (recipes(name).fit(matrix_of(a)).normalised for a in (x, x * size))
    close(sized, plain)


@pytest.mark.parametrize("name", sorted(set(WEIGHTS) - {"equal"}))
@FEW
@given(sample=figures(), position=st.integers(0, 5))
def test_a_constant_indicator_gets_nothing_and_changes_nothing(name, sample, position):
    x, _ = sample
    position = min(position, x.shape[1])
    said = f"set to zero: {chr(ord('a') + position)}$"
    with pytest.warns(_ConstantIndicatorWarning, match=said):
        wide = recipes(name).fit(matrix_of(np.insert(x + 1, position, 0.5, axis=1)))
    w = wide.weights.to_numpy()
    assert w[position] == 0
    without = recipes(name).fit(matrix_of(x + 1))
    close(np.delete(w, position), without.weights)
    close(wide.scores, without.scores)


@given(weighted(rows=(1, 6)))
def test_the_means_are_in_order_and_a_zero_counts_only_with_a_weight(case):
    z, w = case
    names = ("harmonic", "geometric", "linear")
    low, middle, high = (_METHODS["aggregate"][name](z, w) for name in names)
    assert (low <= middle + 1e-12).all() and (middle <= high + 1e-12).all()
    own = z[:, w > 0]
    assert (low >= own.min(axis=1) * (1 - 1e-12)).all()
    assert (high <= own.max(axis=1) * (1 + 1e-12)).all()
    assert ((low == 0) == (own == 0).any(axis=1)).all()


# The public functions.


def test_the_number_of_threads_changes_nothing():
    program = """
import zlib, numpy as np, pandas as pd
from nqpf.index.aggregate import linear, topsis
from nqpf.index.pursuit import projection_pursuit
from nqpf.index.weights import entropy
from nqpf.tfp.dea import efficiency
rng = np.random.default_rng(0)
z = rng.random((40_000, 30)); w = entropy(z); x = z[:100]
print([zlib.crc32(part.tobytes()) for part in (w, topsis(z, w), linear(z, w))])
print([projection_pursuit(x, solver=s).direction.tobytes() for s in ("multistart", "genetic")])
units = pd.DataFrame(rng.lognormal(0, 0.5, (400, 5)), columns=[*"abcde"]).rename_axis("u")
print(efficiency(units, [*"abc"], [*"de"], "u", "vrs").to_numpy().tobytes())
"""
    printed = printed_by_threads(program)
    assert len(printed) == 1
    assert len(printed.pop().splitlines()) == 3  # HiGHS would greet here, once per process


def test_entropy_of_zeros_of_the_last_bit_with_a_shift_and_what_does_not_vary():
    # p ln p of the zeros is 0, so each column has e = ln 2 / ln 4 = 1 / 2.
    # With three columns, the third of e = 0, weights are as 1/2 : 1/2 : 1.
    z = [[1.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]
    close(entropy(z), [0.25, 0.25, 0.5], 1e-15)
    z = np.ones((5, 3))
    z[0, :2] = np.nextafter(1.0, 2.0)
    w = entropy(z)
    assert abs(w.sum() - 1) <= 1e-12 and w[2] == 0
    z = np.array([[0.0, 0.2], [0.5, 0.3], [1.0, 0.0]])
    np.testing.assert_array_equal(entropy(z, shift=1e-4), entropy(z + 1e-4))
    np.testing.assert_array_equal(topsis(np.full((3, 2), 0.3), [0.25, 0.75]), 0.5)
    with pytest.warns(_ConstantIndicatorWarning, match="no column varies, so entropy weights"):
        np.testing.assert_array_equal(entropy(np.full((3, 4), 0.3)), [0.25] * 4)


BAD, EYE = [[0.0, 1.0], [1.0, np.nan], [0.5, 1.0]], np.eye(3)
DOWN, HALF, PAIR = [[0.0, 1.0], [1.0, -0.5]], [0.5, 0.5], [[0.1, 0.2]]
test_what_does_not_fit_is_refused = refusals(
    DataError,
    *((r"z holds nan \[row 1, column 1\]; expected finite", partial(f, BAD))
      for f in (entropy, ahp_entropy_judgements)),
    *((r"z holds -0.5 \[row 1, column 1\].*minmax first", partial(f, DOWN))
      for f in (entropy, ahp_entropy_judgements)),
    *(("shift is", partial(entropy, EYE, shift=shift), MethodError)
      for shift in (-1e-4, np.nan, np.inf, "0.1", None)),
    ("every indicator is constant", partial(ahp_entropy_judgements, np.ones((3, 2)))),
    *((r"z holds nan \[row 1, column 1\]", partial(f, BAD, HALF)) for f in (linear, topsis)),
    *((said, partial(f, EYE, w), MethodError) for f in (linear, topsis) for w, said in [
        (HALF, r"w has shape \(2,\); expected one weight per column \(3,\)"),
        ([0.5, 0.6, -0.1], r"w holds -0.1 \[column 2\]; expected values of zero"),
        ([0.2, 0.3, 0.4], "w sums to 0.9"), ([*HALF, np.nan], r"w holds nan \[column 2\]"),
        (["a", "b", "c"], "w is not numeric")]),
    (r"x holds nan \[row 1, column 1\]", partial(minmax, BAD, [True, True])),
    *((said, partial(minmax, x, [True])) for x, said in [
        ([1.0, 2.0], r"x has shape \(2,\); expected at least one row"),
        (np.empty((0, 3)), r"x has shape \(0, 3\)"), (np.empty((3, 0)), r"x has shape"),
        ([["a"], ["b"]], "x is not numeric"), ([[3.0], [3.0]], "every indicator is constant")]),
    *((f"floor is {f!r}; expected", partial(minmax, EYE, [True] * 3, floor=f), MethodError)
      for f in (1.0, -0.1, float("nan"), "low", True)),
    *(("one boolean per column", partial(minmax, EYE, benefit), MethodError)
      for benefit in ([1, -1, 1], [True], [[True, False, True]], ["+", "-", "+"])),
    *(("unknown form of coupling .*standard, no-root, wang",
       partial(coordination, PAIR, form=form), MethodError) for form in ("standart", None, 2)),
    *((said, partial(coordination, PAIR, alpha=alpha), MethodError) for alpha, said in [
        ([1.0], r"alpha has shape \(1,\)"), ([0.5, 0.6], "alpha sums to 1.1"),
        ([1.5, -0.5], r"alpha holds -0.5 \[column 1\]"), ([np.nan, 1], "alpha holds nan"),
        (["a", "b"], "alpha is not numeric")]),
    *((said, partial(coordination, u)) for u, said in [
        ([[0.1, -0.2]], r"u holds -0.2 \[row 0, column 1\]; expected values of zero"),
        ([[0.1, 1.1]], r"u holds 1.1 \[row 0, column 1\]; expected scores"),
        ([[0.1, np.nan]], r"u holds nan \[row 0, column 1\]"), (HALF, r"u has shape \(2,\)")]),
)  # fmt: skip


def test_yearly_ranges_and_years_without_variation():
    x, benefit = np.random.default_rng(3).random((60, 4)), [True, False, True, True]
    years = np.arange(60) % 3 + 2015
    z = recipes("minmax_yearly").fit(matrix_of(x, benefit, years)).normalised.to_numpy()
    for year in (2015, 2016, 2017):
        np.testing.assert_array_equal(z[years == year], minmax(x[years == year], benefit))
    x, years = [[1.0, 5.0], [2.0, 5.0], [1.0, 5.0], [3.0, 6.0]], [2021, 2021, 2022, 2022]
    with pytest.warns(_ConstantIndicatorWarning, match=r"set to zero: b in 2021$"):
        z = recipes("minmax_yearly").fit(matrix_of(x, years=years)).normalised
    np.testing.assert_array_equal(z["b"], [0, 0, 0, 1])
    with pytest.raises(DataError, match=r"constant \[year 2022\]"):
        recipes("minmax_yearly").fit(matrix_of([[1.0], [2.0], [9.0]], years=years[:3]))


@pytest.mark.parametrize("floor", [1e-4, 0.01, 0.1, 1 / 3, 0.9])
@pytest.mark.parametrize("name", ["minmax", "minmax_yearly"])
def test_a_floor_is_where_the_worst_row_ends_in_a_matrix_and_in_draws(name, floor):
    method, years = _METHODS["normalise"][name], np.arange(60) % 3
    x, benefit = np.random.default_rng(3).random((5, 60, 4)), np.array([True, False, True, True])
    options = {"years": years} if name == "minmax_yearly" else {}
    plain, raised = (method(x, benefit, **options, floor=one) for one in (0.0, floor))
    np.testing.assert_array_equal(plain, method(x, benefit, **options))
    close(raised, floor + (1 - floor) * plain, 1e-15)
    assert raised.min() == floor and raised.max() == 1
    np.testing.assert_array_equal(raised[3], method(x[3], benefit, **options, floor=floor))


@pytest.mark.parametrize("floor", [1e-4, 0.1, 1 / 3])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_a_constant_indicator_at_the_floor_weighs_what_it_does_at_zero(weights, floor):
    x = np.random.default_rng(8).lognormal(size=(31, 4))
    x[:, 2] = 7.0
    plain = Recipe(weights=weights, aggregate="linear").fit(matrix_of(x)).weights
    with pytest.warns(_ConstantIndicatorWarning, match=f"so set to {floor}: c$"):
        index = Recipe(weights=weights, aggregate="linear", floor=floor).fit(matrix_of(x))
    assert index.weights["c"] == pytest.approx(plain["c"], abs=1e-15)
    assert (index.normalised["c"] == floor).all()


@pytest.mark.parametrize("column", [[-1.0, 0.0, 1.0], [0.1, 0.2, -0.3], [-1e300, 5e299, 5e299]])
def test_variation_knows_no_unit_or_sign_and_refuses_a_mean_of_zero_by_name(column):
    x = np.random.default_rng(0).lognormal(size=(30, 3))
    plain, other = (recipes("variation").fit(matrix_of(a)) for a in (x, x * [-1e4, 1e-300, 7]))
    close(other.weights, plain.weights)
    with pytest.raises(DataError, match=r"mean is zero.*\[indicator c\]"):
        recipes("variation").fit(matrix_of(np.column_stack([[7.0] * 3, [1.0, 2, 3], column])))


def test_critic_without_conflict_and_near_one():
    critic = _METHODS["weights"]["critic"]
    column = np.array([0.0, 0.2, 0.9, 1.0])
    with pytest.warns(UserWarning, match="perfectly correlated, so CRITIC"):
        close(critic(np.column_stack([column, column / 2, column * 3])), [1 / 3] * 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(critic(np.array([[0.0, 1.0], [1.0, 1.0]])), [1, 0])
    # Columns c, c + s d and c - s d, with d orthogonal to c and of the same length: the
    # squares of the outer two are 1 + s^2. Exact: 1 - r = 1 - 1 / h and 1 - (1 - s^2) / h^2,
    # with h = sqrt(1 + s^2), which is s^2 / 2 and 2 s^2 to first order in s^2.
    c, d = np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 1.0, -1.0, -1.0])
    w = critic(np.column_stack([c, c + 1e-6 * d, c - 1e-6 * d]) + 5)
    close(w, np.array([2, 5, 5]) / 12, 1e-8)


# Judgements, and those that entropy implies.


@given(st.lists(st.integers(-40, 40), min_size=1, max_size=17))
def test_ratios_of_weights_give_the_weights_back(logs):
    w = np.exp(np.array(logs) / 4)
    w = w / w.sum()
    result = _perron(w[:, None] / w)
    np.testing.assert_allclose(result.weights, w, rtol=1e-9, atol=1e-13)
    assert result.ratio == pytest.approx(0, abs=1e-9)


def implied(*counts):
    """Judgements of 16 rows of which k have equal shares: g = 1 - ln k / ln 16."""
    return ahp_entropy_judgements([[float(row < k) for k in counts] for row in range(16)])


def test_implied_judgements_half_way_beyond_nine_and_consistent():
    # A ratio of 1.24 is one step; half-way, 1.5, is rounded up to two steps, of 1 and 1.5; and a
    # constant column is not judged.
    for counts, levels, weights in (
        ((2, 3), 1, [0.5, 0.5]), ((2, 4), 2, [0.6, 0.4]), ((2, 16, 8), 3, [0.75, 0, 0.25])
    ):  # fmt: skip
        assert implied(*counts).levels == levels
        close(implied(*counts).weights, weights)
    # g = 3/4, 2/4, 1/4, so D = 3, alpha = 3 and the scale Saaty's 1, 2, 3;
    # 3/4 over 2/4 is 1.5, half-way: the smaller, 1. The others are 3 and 2.
    result = implied(2, 4, 8)
    expected = np.array([[1, 1, 3], [1, 1, 2], [1 / 3, 1 / 2, 1]])
    np.testing.assert_allclose(result.judgements, expected, rtol=1e-12)
    close(result.weights, _perron(expected).weights)
    z = np.random.default_rng(0).random((200, 4)) ** [0.3, 1, 4, 20]
    result = ahp_entropy_judgements(z)
    assert result.largest_ratio > 9 and result.levels == 9
    assert result.judgements.max() == pytest.approx(result.largest_ratio, rel=1e-14)
    np.testing.assert_allclose(result.judgements * result.judgements.T, 1, rtol=1e-14)
    assert result.consistency.ratio < 0.1
    assert (np.diff(result.weights[np.argsort(entropy(z))]) > -1e-12).all()


# Coupling coordination


@pytest.mark.parametrize("form", ["standard", "no-root", "wang"])
def test_equal_subsystems_are_fully_coupled_and_one_with_itself(form):
    for level in (1e-300, 0.1, 1 / 3, 1.0):
        found = np.ravel(coordination([[level, level]], form=form))
        np.testing.assert_allclose(found, [1, level, level**0.5], rtol=1e-14)
    found = coordination([[0.25], [0.0], [1.0]], form=form)
    np.testing.assert_array_equal(found, [[1, 0, 1], [0.25, 0, 1], [0.5, 0, 1]])


def test_tiny_scores_keep_their_digits_and_rounding_above_one_is_one():
    c = coordination([[2e-320, 8e-320], [2e-300, 8e-300]]).C
    assert c[0] == pytest.approx(0.8, abs=1e-3)  # subnormal numbers have few digits themselves
    assert c[1] == pytest.approx(0.8, rel=1e-14)
    assert coordination([[1 + 1e-15, 1.0]]).T[0] == 1


def test_recipe_couples_the_dimension_scores():
    index = Recipe(aggregate="coupling").fit(made_matrix())
    sums = Recipe(aggregate="linear").fit(made_matrix())
    pd.testing.assert_frame_equal(index.dimension_scores, sums.dimension_scores)
    expected = coordination(sums.dimension_scores.to_numpy()).D
    np.testing.assert_allclose(index.scores, expected, rtol=0, atol=1e-12)
    matrix = made_matrix(dimension=dict.fromkeys(["rd", "patents", "so2", "energy", "rail"], "all"))
    index = Recipe(aggregate="coupling").fit(matrix)
    np.testing.assert_allclose(index.scores, index.dimension_scores["all"] ** 0.5, atol=1e-15)


def test_recipe_without_weight_on_a_dimension():
    matrix = made_matrix(made_matrix().values.assign(rail=1.0))
    with pytest.warns(UserWarning, match="left out of the coupling: means"):
        index = Recipe(aggregate="coupling").fit(matrix)
    assert index.dimension_scores["means"].isna().all()
    kept = index.dimension_scores[["labour", "green"]].to_numpy()
    np.testing.assert_allclose(index.scores, coordination(kept).D, rtol=0, atol=1e-12)
