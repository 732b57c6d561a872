"""Every method of a recipe against its definition, written once more in 50-digit decimals.

Each stage is fed with what the library made of the one before, and nothing else of it is used.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_up_index import matrix_of

from nqpf.index import Recipe
from nqpf.index.aggregate import topsis
from nqpf.index.coupling import coordination
from nqpf.index.normalise import minmax
from nqpf.index.weights import ahp_entropy_judgements, entropy

CLOSE = {"rtol": 0, "atol": 1e-12}
SHAPES = pytest.mark.parametrize("shape", [(341, 12), (31, 5), (4, 3)], ids=str)
pytestmark = pytest.mark.filterwarnings("ignore::nqpf.index.normalise._ConstantIndicatorWarning")


@pytest.fixture(autouse=True)
def digits():
    with localcontext(prec=50):
        yield


def decimal(value):
    fraction = Fraction(float(value))
    return Decimal(fraction.numerator) / Decimal(fraction.denominator)


def decimals(rows):
    return [[decimal(v) for v in row] for row in rows]


def floats(values):
    return np.array(values, dtype=float)


def shares(values):
    return [v / sum(values) for v in values]


def norm(values):
    return sum(v * v for v in values).sqrt()


def centred(column):
    return [v - sum(column) / len(column) for v in column]


# Normalisations of one column, more is better.


def ranged(column):
    return [(v - min(column)) / (max(column) - min(column)) for v in column]


def standard(column):
    gaps = centred(column)
    return [gap / norm(gaps) * Decimal(len(column) - 1).sqrt() for gap in gaps]


def ranked(column):
    below = [(sum(o < v for o in column), sum(o == v for o in column)) for v in column]
    return [(less + Decimal(same - 1) / 2) / (len(column) - 1) for less, same in below]


def by_year(column):  # the first half of the rows in one year, the rest in the other
    half = len(column) // 2
    return [*ranged(column[:half]), *ranged(column[half:])]


def divided(column):  # a cost, here below zero, becomes 1 - x / |x|
    return [v / norm(column) + (column[0] < 0) for v in column]


NORMALISE = {
    "minmax": ranged,
    "minmax_yearly": by_year,
    "zscore": standard,
    "rank": ranked,
    "vector": divided,
}


# Weights from columns.


def gains(columns):
    for column in columns:
        p = [v / sum(column) for v in column if v]
        yield 1 + sum(v * v.ln() for v in p) / Decimal(len(column)).ln()


def coefficients(columns):
    return [norm(centred(column)) / abs(sum(column) / len(column)) for column in columns]


def information(columns):
    gaps = [centred(column) for column in columns]
    units = [[v / norm(gap) for v in gap] for gap in gaps]

    def conflict(one):
        return sum(1 - sum(a * b for a, b in zip(one, u, strict=True)) for u in units)

    return [norm(gap) * conflict(unit) for gap, unit in zip(gaps, units, strict=True)]


def exact_judgements(columns):
    """Return the largest ratio of entropies, and the judgements by their definition."""
    g = list(gains(columns))
    largest = max(g) / min(g)
    alpha = 9 if largest > 9 else int(largest + Decimal("0.5"))
    r = (largest / alpha) ** (Decimal(1) / max(alpha - 1, 1))
    scale = [k * r ** (k - 1) for k in range(1, alpha + 1)]

    def judgement(a, b):
        return 1 / judgement(b, a) if a < b else min(scale, key=lambda value: abs(value - a / b))

    return largest, [[judgement(a, b) for b in g] for a in g]


def power_iteration(a):
    w = [Decimal(1) / len(a)] * len(a)
    for _ in range(200):
        w = shares([sum(p * q for p, q in zip(row, w, strict=True)) for row in a])
    return w


WEIGHTS = {
    "entropy": gains,
    "critic": information,
    "ahp_entropy": lambda columns: power_iteration(exact_judgements(columns)[1]),
    "equal": lambda columns: [1] * len(columns),
}


# Scores from rows and weights.


def exact_topsis(rows, w):
    v = [[a * b for a, b in zip(row, w, strict=True)] for row in rows]
    ends = [[end(column) for column in zip(*v, strict=True)] for end in (min, max)]
    for row in v:
        far, near = (norm([a - b for a, b in zip(row, end, strict=True)]) for end in ends)
        yield far / (far + near)


def exact_geometric(rows, w):
    for row in rows:
        pairs = [(a, b) for a, b in zip(row, w, strict=True) if b]
        zero = any(a == 0 for a, _ in pairs)
        yield 0 if zero else sum(b * a.ln() for a, b in pairs).exp()


def exact_harmonic(rows, w):
    for row in rows:
        pairs = [(a, b) for a, b in zip(row, w, strict=True) if b]
        zero = any(a == 0 for a, _ in pairs)
        yield 0 if zero else 1 / sum(b / a for a, b in pairs)


def exact_vikor(rows, w):
    columns = [
        [1 - v for v in ranged(c)] if max(c) > min(c) else c for c in zip(*rows, strict=True)
    ]
    regrets = [[a * b for a, b in zip(r, w, strict=True)] for r in zip(*columns, strict=True)]
    s, r = (ranged([join(row) for row in regrets]) for join in (sum, max))
    return [1 - (3 * a + 7 * b) / 10 for a, b in zip(s, r, strict=True)]


AGGREGATE = {
    "linear": lambda rows, w: [sum(a * b for a, b in zip(row, w, strict=True)) for row in rows],
    "topsis": exact_topsis,
    "geometric": exact_geometric,
    "harmonic": exact_harmonic,
    "vikor": exact_vikor,
}


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
    for j, column in enumerate(decimals(x.T)[:-1]):
        signed = column if benefit[j] else [-v for v in column]
        np.testing.assert_allclose(found.iloc[:, j], floats(NORMALISE[name](signed)), **CLOSE)
    assert (found.iloc[:, -1] == 0).all()


@SHAPES
@pytest.mark.parametrize("name", WEIGHTS)
def test_weights(name, shape):
    index = Recipe("minmax", name, "linear").fit(matrix_of(*made(shape)))
    last = shape[1] if name == "equal" else -1  # a constant indicator counts for equal weights only
    columns = decimals(index.normalised.to_numpy().T)[:last]
    expected = shares(list(WEIGHTS[name](columns)))
    np.testing.assert_allclose(index.weights.iloc[:last], floats(expected), **CLOSE)
    assert (index.weights.iloc[last:] == 0).all()


def test_variation_weighs_the_figures_as_they_are():
    x, benefit = made((31, 5))
    found = Recipe("rank", "variation", "linear").fit(matrix_of(x, benefit)).weights
    expected = [*shares(coefficients(decimals(x.T)[:-1])), 0]
    np.testing.assert_allclose(found, floats(expected), **CLOSE)


@SHAPES
@pytest.mark.parametrize("name", AGGREGATE)
def test_aggregations(name, shape):
    options = {"v": 0.3} if name == "vikor" else {}
    index = Recipe("minmax", "entropy", name, **options).fit(matrix_of(*made(shape)))
    rows, w = decimals(index.normalised.to_numpy()), decimals([index.weights])[0]
    np.testing.assert_allclose(index.scores, floats(list(AGGREGATE[name](rows, w))), **CLOSE)


def exact_coupling(u, alpha, form):
    """Return C, T and D of one row."""
    n, t = len(u), sum(a * b for a, b in zip(alpha, u, strict=True))
    if min(u) == 0:
        return Decimal(0), t, Decimal(0)
    ratio, relative = Decimal(1), Decimal(1)
    for a in u:
        ratio, relative = ratio * a / (sum(u) / n), relative * a / max(u)
    if form == "wang":
        gaps = [abs(a - b) for i, a in enumerate(u) for b in u[:i]]
        c = ((1 - sum(gaps) / len(gaps)) * (relative.ln() / (n - 1)).exp()).sqrt()
    else:
        c = (ratio.ln() * {"standard": Decimal(1) / n, "no-root": 1, "two-system": 2}[form]).exp()
    return c, t, (c * t).sqrt()


@pytest.mark.parametrize(
    ("form", "n"),
    [("two-system", 2), *((f, n) for f in ("standard", "no-root", "wang") for n in (2, 5))],
)
def test_coupling(form, n):
    rng = np.random.default_rng(n)
    u, alpha = rng.random((60, n)).round(3), rng.dirichlet(np.ones(n))
    u[::9, 0] = 0.0
    weights = decimals([alpha])[0]
    expected = zip(*(exact_coupling(row, weights, form) for row in decimals(u)), strict=True)
    for ours, theirs in zip(coordination(u, alpha, form), expected, strict=True):
        np.testing.assert_allclose(ours, floats(theirs), **CLOSE)


@pytest.mark.parametrize("power", [0.1, 1.0, 3.0])
def test_judgements_that_entropy_implies(power):
    z = made((31, 6))[0][:, :-1]
    z = z.mean(axis=0) * (1 - power / 3) + z * power / 3  # from nearly even to skewed
    largest, judgements = exact_judgements(decimals(z.T))
    result = ahp_entropy_judgements(z)
    assert result.largest_ratio == pytest.approx(float(largest), rel=1e-9)
    np.testing.assert_allclose(result.judgements, floats(judgements), rtol=1e-9)
    np.testing.assert_allclose(result.weights, floats(power_iteration(judgements)), atol=1e-10)


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
    signed = decimals((np.where(benefit, x, -x)).T)
    expected = floats([ranged(column) for column in signed]).T
    np.testing.assert_allclose(minmax(x, benefit), expected, **CLOSE)
    parts = st.sampled_from([0.0, 1.0, 0.3, 1e-9, 1e-300])
    w = np.array(data.draw(st.lists(parts, min_size=m, max_size=m)))
    assume(w.sum() > 0)
    w = w / w.sum()
    expected = exact_topsis(decimals(x), decimals([w])[0])
    np.testing.assert_allclose(topsis(x, w), floats(list(expected)), **CLOSE)


@given(matrices(0))
def test_entropy_of_any_magnitude(z):
    assume((z.max(axis=0) > 0).all())
    expected = list(gains(decimals(z.T)))
    # Below this the weights are a ratio of rounding errors of z itself.
    assume(sum(expected) > 1e-3)
    np.testing.assert_allclose(entropy(z), floats(shares(expected)), **CLOSE)


def test_entropy_keeps_its_digits_on_nearly_even_columns():
    # One zero among N ones: 1 - e is about 1 / (N ln N), all digits of which
    # are lost when e is formed first.
    n = 200_000
    z = np.ones((n, 2))
    z[:1, 0], z[:2, 1] = 0.0, 0.0
    gain = -np.log1p([-1 / n, -2 / n])
    np.testing.assert_allclose(entropy(z), gain / gain.sum(), **CLOSE)
