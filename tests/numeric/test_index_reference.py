"""Recipes against their definitions in 50-digit decimals and print; pursuit against plain sums.

Each stage is fed with what the library made of the one before, and nothing else of it is used.
Where the print itself was not at hand, the test also names the public text that quotes it.
"""

from decimal import Decimal, localcontext

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from made_up_index import matrix_of
from made_up_mutants import EVERYTHING
from pymcdm.methods import TOPSIS, VIKOR, WPM, WSM
from pymcdm.normalizations import minmax_normalization, vector_normalization
from pymcdm.weights import critic_weights
from scipy.stats import entropy as shannon
from scipy.stats import variation, zscore

from nqpf.index import Recipe
from nqpf.index.aggregate import coordination, topsis
from nqpf.index.normalise import minmax
from nqpf.index.pursuit import _projection_index, projection_pursuit
from nqpf.index.weights import _perron, ahp_entropy_judgements, entropy
from nqpf.systems import System, available

CLOSE = {"rtol": 0, "atol": 1e-12}
SHAPES = pytest.mark.parametrize("shape", [(341, 12), (31, 5), (4, 3)], ids=str)
pytestmark = pytest.mark.filterwarnings("ignore::nqpf.index.normalise._ConstantIndicatorWarning")
ONE, decimals, logarithm = Decimal(1), np.frompyfunc(Decimal, 1, 1), np.frompyfunc(Decimal.ln, 1, 1)


@pytest.fixture(autouse=True)
def digits():
    with localcontext(prec=50):
        yield


def close(found, exact):
    np.testing.assert_allclose(found, np.asarray(exact, dtype=float), **CLOSE)


def norm(x):
    return np.sqrt((x * x).sum(axis=0))


def centred(x):
    return x - x.sum(axis=0) / len(x)


# Normalisations of columns, more is better.


def ranged(x):
    return (x - x.min(axis=0)) / (x.max(axis=0) - x.min(axis=0))


def ranked(x):
    below, same = (compare(x, x[:, None]).sum(axis=1) for compare in (np.less, np.equal))
    return (below + (same - 1) / 2) / (len(x) - 1)


NORMALISE = {
    "minmax": ranged,
    # the first half of the rows in one year, the rest in the other
    "minmax_yearly": lambda x: np.vstack([ranged(half) for half in np.split(x, [len(x) // 2])]),
    "zscore": lambda x: centred(x) / norm(centred(x)) * Decimal(len(x) - 1).sqrt(),
    "rank": ranked,
    # a cost, here below zero, becomes 1 - x / |x|
    "vector": lambda x: x / norm(x) + (x[0] < 0),
}


# Weights from columns.


def gains(z):
    p = z / z.sum(axis=0)
    return 1 + (p * logarithm(np.where(p == 0, ONE, p))).sum(axis=0) / Decimal(len(z)).ln()


def information(z):
    units = centred(z) / norm(centred(z))
    return norm(centred(z)) * (1 - units.T @ units).sum(axis=0)


def exact_judgements(z):
    """Return the largest ratio of entropies, and the judgements by their definition."""
    g = gains(z)
    largest = g.max() / g.min()
    alpha = 9 if largest > 9 else int(largest + Decimal("0.5"))
    r = (largest / alpha) ** (ONE / max(alpha - 1, 1))
    scale = [k * r ** (k - 1) for k in range(1, alpha + 1)]

    def judgement(a, b):
        return 1 / judgement(b, a) if a < b else min(scale, key=lambda value: abs(value - a / b))

    return largest, np.array([[judgement(a, b) for b in g] for a in g])


def power_iteration(a):
    w = decimals(np.ones(len(a)))
    for _ in range(200):
        w = a @ w / (a @ w).sum()
    return w


WEIGHTS = {"entropy": gains, "critic": information}
WEIGHTS["ahp_entropy"] = lambda z: power_iteration(exact_judgements(z)[1])
WEIGHTS["equal"] = lambda z: decimals(np.ones(z.shape[1]))


# Scores from rows and weights.


def exact_topsis(z, w):
    v = z * w
    far, near = (norm((v - end).T) for end in (v.min(axis=0), v.max(axis=0)))
    return far / (far + near)


def weighed(z, w):
    """Return rows and weights of what has weight, one in the place of zero, and who has a zero."""
    z, w = z[:, w > 0], w[w > 0]
    return np.where(z == 0, ONE, z), w, (z == 0).any(axis=1)


def exact_geometric(z, w):
    z, w, zero = weighed(z, w)
    return np.where(zero, 0, np.exp(logarithm(z) @ w))


def exact_harmonic(z, w):
    z, w, zero = weighed(z, w)
    return np.where(zero, 0, 1 / (w / z).sum(axis=1))


def exact_vikor(z, w):
    regrets = (1 - ranged(z[:, w > 0])) * w[w > 0]
    return 1 - (3 * ranged(regrets.sum(axis=1)) + 7 * ranged(regrets.max(axis=1))) / 10


AGGREGATE = {"linear": lambda z, w: z @ w, "topsis": exact_topsis, "vikor": exact_vikor}
AGGREGATE |= {"geometric": exact_geometric, "harmonic": exact_harmonic}


def made(shape):
    """Return skewed positive indicators with ties, the last of them constant, and directions."""
    rng = np.random.default_rng(shape)
    x = rng.lognormal(size=shape).round(2 if shape[0] > 4 else 9)
    x[:, -1] = 7.0
    return x, rng.random(shape[1]) < 0.7


@SHAPES
@pytest.mark.parametrize("name", NORMALISE)
def test_normalisations(name, shape):
    x, benefit = made(shape)
    years = np.where(np.arange(len(x)) < len(x) // 2, 2021, 2022)
    found = Recipe(name, "equal", "linear").fit(matrix_of(x, benefit, years)).normalised
    close(found.iloc[:, :-1], NORMALISE[name](decimals(np.where(benefit, x, -x)[:, :-1])))
    assert (found.iloc[:, -1] == 0).all()


@SHAPES
@pytest.mark.parametrize("name", [*WEIGHTS, "variation"])
def test_weights(name, shape):
    matrix = matrix_of(*made(shape))
    index = Recipe("minmax", name, "linear").fit(matrix)
    last = shape[1] if name == "equal" else -1  # a constant indicator counts for equal weights only
    if name == "variation":  # of the figures as they are
        x = decimals(matrix.values.to_numpy()[:, :last])
        expected = norm(centred(x)) / abs(x.sum(axis=0) / len(x))
    else:
        expected = WEIGHTS[name](decimals(index.normalised.to_numpy()[:, :last]))
    close(index.weights.iloc[:last], expected / expected.sum())
    assert (index.weights.iloc[last:] == 0).all()


@SHAPES
@pytest.mark.parametrize("name", AGGREGATE)
def test_aggregations(name, shape):
    options = {"v": 0.3} if name == "vikor" else {}
    index = Recipe("minmax", "entropy", name, **options).fit(matrix_of(*made(shape)))
    z, w = (decimals(one.to_numpy()) for one in (index.normalised, index.weights))
    close(index.scores, AGGREGATE[name](z, w))


def exact_coupling(u, alpha, form):
    """Return C, T and D of one row."""
    n, t = len(u), alpha @ u
    if u.min() == 0:
        return 0, t, 0
    if form == "wang":
        gaps = abs(np.subtract.outer(u, u)).sum() / (n * (n - 1))
        c = ((1 - gaps) * (logarithm(u / u.max()).sum() / (n - 1)).exp()).sqrt()
    else:
        power = {"standard": ONE / n, "no-root": 1}[form]
        c = (logarithm(u / (u.sum() / n)).sum() * power).exp()
    return c, t, (c * t).sqrt()


@pytest.mark.parametrize("form", ["standard", "no-root", "wang"])
@pytest.mark.parametrize("n", [2, 5])
def test_coupling(form, n):
    rng = np.random.default_rng(n)
    u, alpha = rng.random((60, n)).round(3), rng.dirichlet(np.ones(n))
    u[::9, 0] = 0.0
    exact = [exact_coupling(row, decimals(alpha), form) for row in decimals(u)]
    close(np.transpose(coordination(u, alpha, form)), exact)


@pytest.mark.parametrize("power", [0.1, 1.0, 3.0])
def test_judgements_that_entropy_implies(power):
    z = made((31, 6))[0][:, :-1]
    z = z.mean(axis=0) * (1 - power / 3) + z * power / 3  # from nearly even to skewed
    largest, judgements = exact_judgements(decimals(z))
    result = ahp_entropy_judgements(z)
    assert result.largest_ratio == pytest.approx(float(largest), rel=1e-9)
    np.testing.assert_allclose(result.judgements, judgements.astype(float), rtol=1e-9)


# Peers: pymcdm, scipy and scikit-criteria. Where one follows another convention, a test says so.


def figures():
    """More rows than one block holds."""
    return np.random.default_rng(1).lognormal(size=(40_000, 6)), np.arange(6) % 3 > 0


def fitted(normalise="minmax", weights="entropy", aggregate="linear", **options):
    return Recipe(normalise, weights, aggregate, **options).fit(matrix_of(*figures()))


def test_normalisations_agree():
    x, benefit = figures()
    for name, theirs in (("minmax", minmax_normalization), ("vector", vector_normalization)):
        expected = [theirs(c, cost=not b) for c, b in zip(x.T, benefit, strict=True)]
        np.testing.assert_allclose(fitted(name).normalised.T, expected, **CLOSE)
    theirs = zscore(x, ddof=1) * np.where(benefit, 1, -1)  # costs turn round
    np.testing.assert_allclose(fitted("zscore", "equal").normalised, theirs, **CLOSE)


def test_weights_agree():
    index = fitted()
    z = index.normalised.to_numpy()
    gain = 1 - shannon(z) / np.log(len(z))  # scipy divides by the sums
    np.testing.assert_allclose(index.weights, gain / gain.sum(), **CLOSE)
    np.testing.assert_allclose(fitted(weights="critic").weights, critic_weights(z), **CLOSE)
    v = variation(figures()[0], axis=0, ddof=1)
    np.testing.assert_allclose(fitted(weights="variation").weights, v / v.sum(), **CLOSE)


METHODS = {"linear": WSM, "geometric": WPM, "topsis": TOPSIS}


@pytest.mark.parametrize("name", [*METHODS, "vikor"])
def test_aggregations_agree(name):
    method = VIKOR(v=0.25) if name == "vikor" else METHODS[name](lambda x, cost: x)
    options = {"v": 0.25} if name == "vikor" else {}
    index = fitted("rank", aggregate=name, **options)
    z, w = index.normalised.to_numpy(), index.weights.to_numpy()
    theirs = method(z, w, np.ones(len(w)))
    np.testing.assert_allclose(index.scores, 1 - theirs if name == "vikor" else theirs, **CLOSE)


# The public functions take numbers of any size.


def matrices(lowest):
    """Ordinary, huge, tiny and subnormal numbers, and zeros; few enough for ties."""
    sizes = st.sampled_from([1.0, 1e-3, 1e300, 1.7e308, 1e-300, 5e-324, 4.1e-310])
    numbers = st.builds(lambda part, size: part * size, st.floats(lowest, 1, width=16), sizes)
    shape = st.tuples(st.integers(2, 7), st.integers(1, 5))
    return shape.flatmap(lambda s: arrays.arrays(np.float64, s, elements=numbers))


@given(matrices(-1), st.data())
def test_minmax_and_topsis_of_any_magnitude(x, data):
    m = x.shape[1]
    assume((x.min(axis=0) < x.max(axis=0)).all())
    benefit = np.array(data.draw(st.lists(st.booleans(), min_size=m, max_size=m)))
    close(minmax(x, benefit), ranged(decimals(np.where(benefit, x, -x))))
    parts = st.sampled_from([0.0, 1.0, 0.3, 1e-9, 1e-300])
    w = np.array(data.draw(st.lists(parts, min_size=m, max_size=m)))
    assume(w.sum() > 0)
    w = w / w.sum()
    close(topsis(x, w), exact_topsis(decimals(x), decimals(w)))


@given(matrices(0))
def test_entropy_of_any_magnitude(z):
    assume((z.max(axis=0) > 0).all())
    expected = gains(decimals(z))
    # Below this the weights are a ratio of rounding errors of z itself.
    assume(expected.sum() > 1e-3)
    close(entropy(z), expected / expected.sum())


def test_entropy_keeps_its_digits_on_nearly_even_columns():
    # One zero among N ones: 1 - e is about 1 / (N ln N), all digits of which
    # are lost when e is formed first.
    n = 200_000
    z = np.ones((n, 2))
    z[:1, 0], z[:2, 1] = 0.0, 0.0
    gain = -np.log1p([-1 / n, -2 / n])
    close(entropy(z), gain / gain.sum())


# Examples in print


def agrees(actual, printed, digits):
    """Assert agreement to half a unit in the last printed digit."""
    np.testing.assert_allclose(actual, printed, rtol=0, atol=0.5001 * 10.0**-digits)


def test_drinks_of_saaty():
    """Consumption of seven drinks in the United States, CR 0.022.

    Saaty (2008), Decision making with the analytic hierarchy process,
    International Journal of Services Sciences 1(1), 83-98, as quoted by the
    documentation of ahpy. That ratio uses Saaty's later table (RI 1.35 at m = 7);
    with 1.32, as here, it is 0.0223 instead of 0.0218.
    """
    above = [9, 5, 2, 1, 1, 1 / 2, 1 / 3, 1 / 9, 1 / 9, 1 / 9, 1 / 9]
    above += [1 / 3, 1 / 4, 1 / 3, 1 / 9, 1 / 2, 1, 1 / 3, 2, 1 / 2, 1 / 3]
    a, upper = np.ones((7, 7)), np.triu_indices(7, 1)
    a[upper] = above
    a.T[upper] = 1 / a[upper]
    agrees(_perron(a).weights, [0.177, 0.019, 0.042, 0.116, 0.190, 0.129, 0.327], 3)
    agrees(_perron(a).ratio, 0.022, 3)
    agrees(_perron(a).ratio * 1.32 / 1.35, 0.022, 3)


# The first three of 118 tracts of Guangzhou, vignette "ccd" of the R package coupling (Lyu 2026):
# normalised scores of four subsystems, and C and D by two forms, to the seven digits it prints.
GUANGZHOU = [[0.8179733, 0.3246648, 0.6590316, 0.1308531]]
GUANGZHOU += [[0.3020233, 0.1318888, 0.4046987, 0.5173794]]
GUANGZHOU += [[0.9209903, 0.3353516, 0.6921477, 0.3141320]]
GUANGZHOU_PRINTED = {
    "standard": [[0.8051958, 0.6237105], [0.8914577, 0.5497290], [0.8999423, 0.7134825]],
    "wang": [[0.4722274, 0.4776480], [0.6211236, 0.4588675], [0.5375842, 0.5514412]],
}


@pytest.mark.parametrize("form", GUANGZHOU_PRINTED)
def test_coupling_of_guangzhou(form):
    c, _, d = coordination(GUANGZHOU, form=form)
    # Half a unit of the last digit printed, in the inputs as in the outputs.
    np.testing.assert_allclose(np.column_stack([c, d]), GUANGZHOU_PRINTED[form], rtol=0, atol=3e-7)


# Two of the six places in the examples of "system_evaluation" in the R package mathmodels
# (zhjx19/mathmodels), and the unscaled degrees w (1 - x) that its check prints to three digits
# for weights of 0.4, 0.3 and 0.3.
PLACES = [[0.1782, 0.6824, 0.3721], [0.6730, 0.4812, 0.9082]]
SHORTFALLS = [[0.329, 0.0953, 0.188], [0.131, 0.156, 0.0275]]


def test_obstacles_of_two_places():
    # Two rows more give min-max the range [0, 1], and leave the figures as they are; those of an
    # equal index have weights of a third each.
    values = np.vstack([PLACES, np.zeros(3), np.ones(3)])
    index = Recipe(weights="equal", aggregate="linear").fit(matrix_of(values))
    lacking = (1 - index.scores[:2]).to_numpy()[:, None]
    found = index.obstacles().to_numpy()[:2] / 100 * lacking * 3 * [0.4, 0.3, 0.3]
    agrees(found, SHORTFALLS, 3)


# Projection pursuit against pairwise sums, finite differences and an exhaustive search


def unit(directions):
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def pairwise(z, radius=0.1):
    """Q as it is printed: a double sum over all pairs, in long doubles."""
    z = np.asarray(z).astype(np.longdouble)
    z = z - z[0]
    spread = np.sqrt(((z - z.mean()) ** 2).sum() / (len(z) - 1))
    reach = np.longdouble(radius) * spread
    distance = np.abs(z[:, None] - z[None, :])
    return float(spread * np.where(distance < reach, reach - distance, 0).sum())


# Values with ties, on a grid, of any kind, and far apart.
VALUES = [st.integers(0, 3).map(float), st.integers(0, 1000).map(lambda k: k / 1000)]
VALUES += [st.floats(-1e3, 1e3), st.sampled_from([0.0, 1e-9, 1.0, 1.0 + 1e-9, 1e6])]
VECTORS = st.one_of(arrays.arrays(np.float64, st.integers(2, 60), elements=one) for one in VALUES)
RADII = st.sampled_from([0.01, 0.1, 1 / 3, 1.0, 5.0])
SCALES = st.sampled_from([1e-120, 1e-9, 1.0, 1e9, 1e120])


@settings(max_examples=100)
@given(VECTORS, RADII, SCALES)
def test_index_is_the_pairwise_sum(z, radius, scale):
    z = z * scale
    assume(np.ptp(z) == 0 or np.ptp(z) > 1e-139)
    expected = pairwise(z, radius)
    found = _projection_index(z[:, None], [1.0], radius)
    assert found == pytest.approx(expected, rel=1e-12, abs=0.0)


def test_a_pair_on_the_edge_of_the_radius_counts_alike_from_both_ends():
    # Steps of the radius, so that many pairs sit on the edge of the window.
    z = np.array([-1.0, -1.0, 0.0, 1.0, 1.0])
    steps = np.concatenate([z + k * 0.1 for k in range(-9, 10)])
    assert _projection_index(steps[:, None], [1.0]) == pytest.approx(pairwise(steps), rel=1e-12)


@pytest.mark.parametrize("rows", [5, 341, 2000])
def test_many_directions_at_once_give_the_pairwise_sum(rows):
    x = np.random.default_rng(rows).lognormal(size=(rows, 4))
    directions = unit(np.random.default_rng(2).random((70 if rows < 1000 else 3, 4)))
    expected = [pairwise(x @ a) for a in directions]
    alone = [_projection_index(x, a) for a in directions]
    np.testing.assert_allclose(_projection_index(x, directions), expected, rtol=2e-11)
    np.testing.assert_allclose(alone, expected, rtol=1e-12)


def exhaustive(x, radius=0.1):
    """The largest Q of two indicators: 20,001 angles, then finer around the best, in turns."""
    low, high = 0.0, np.pi / 2
    for _ in range(6):
        angles = np.linspace(low, high, 20_001)
        found = _projection_index(x, np.column_stack([np.cos(angles), np.sin(angles)]), radius)
        best, width = angles[found.argmax()], (high - low) / 200
        low, high = max(0.0, best - width), min(np.pi / 2, best + width)
    return found.max(), best


RNG, STEPS = np.random.default_rng(7), np.arange(50.0) / 50
CENTRES = np.repeat([[2.0, 0.0], [0.5, 1.5], [0.0, 0.0]], 30, axis=0)
TWO_INDICATORS = {"three groups": RNG.normal(size=(90, 2)) * 0.3 + CENTRES}
TWO_INDICATORS |= {"noise": RNG.random((120, 2)), "long tail": RNG.lognormal(size=(200, 2))}
TWO_INDICATORS["opposed"] = np.column_stack([STEPS, 1 - STEPS])


@pytest.mark.parametrize("name", TWO_INDICATORS)
def test_two_indicators_are_solved_as_an_exhaustive_search_solves_them(name):
    x = TWO_INDICATORS[name]
    value, angle = exhaustive(x)
    best, genetic = projection_pursuit(x), projection_pursuit(x, solver="genetic")
    assert best.value == pytest.approx(value, rel=1e-9)
    if name != "opposed":  # there both ends are best alike
        assert np.arctan2(*best.direction[::-1]) == pytest.approx(angle, abs=1e-6)
    assert genetic.value <= best.value * (1 + 1e-9)
    assert genetic.value == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize("key", available() if EVERYTHING else ["li-li-2024"])
def test_deterministic_answer_is_as_good_as_a_genetic_one(key, embedded):
    # Two seeds, and in daily runs the system that uses it; benchmarks/bench_pursuit.py runs twenty.
    matrix = System.load(key).evaluate(embedded)
    x = minmax(matrix.values.to_numpy(), matrix.benefit.to_numpy())
    best = projection_pursuit(x)
    runs = [projection_pursuit(x, solver="genetic", seed=seed) for seed in (0, 1)]
    assert max(run.value for run in runs) <= best.value
    assert best.value == pytest.approx(pairwise(best.projection), rel=1e-10)
    assert min(run.value for run in runs) > 0.98 * best.value
