"""The aggregations against loops over exact fractions and 60-digit decimals.

The formulas are written once more from their definitions, with nothing from the library.
"""

from decimal import Decimal, localcontext
from fractions import Fraction

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from made_up_index import measures

from nqpf.index.aggregate import topsis
from nqpf.index.coupling import coordination
from nqpf.index.recipe import _METHODS

geometric, harmonic, vikor = (_METHODS["aggregate"][k] for k in ("geometric", "harmonic", "vikor"))

TOLERANCE = 1e-12
DIGITS = 60


def decimal(value):
    fraction = Fraction(value)
    return Decimal(fraction.numerator) / Decimal(fraction.denominator)


def exact_vikor(z, w, v):
    """Return S, R and Q as lists of fractions; 0 where 0 / 0."""
    z, w, v = [[Fraction(a) for a in row] for row in z], [Fraction(a) for a in w], Fraction(v)
    best = [max(column) for column in zip(*z, strict=True)]
    worst = [min(column) for column in zip(*z, strict=True)]
    s, r = [], []
    for row in z:
        regrets = [
            weight * (top - value) / (top - bottom) if top > bottom else Fraction(0)
            for weight, top, bottom, value in zip(w, best, worst, row, strict=True)
        ]
        s.append(sum(regrets))
        r.append(max(regrets))
    q = []
    for total, largest in zip(s, r, strict=True):
        first = (total - min(s)) / (max(s) - min(s)) if max(s) > min(s) else Fraction(0)
        second = (largest - min(r)) / (max(r) - min(r)) if max(r) > min(r) else Fraction(0)
        q.append(v * first + (1 - v) * second)
    return s, r, q


def exact_geometric(z, w):
    with localcontext(prec=DIGITS):
        scores = []
        for row in z:
            pairs = [(decimal(a), decimal(b)) for a, b in zip(row, w, strict=True) if b]
            if any(a == 0 for a, _ in pairs):
                scores.append(Decimal(0))
            else:
                scores.append(sum((b * a.ln() for a, b in pairs), Decimal(0)).exp())
        return scores


def exact_harmonic(z, w):
    scores = []
    for row in z:
        pairs = [(Fraction(a), Fraction(b)) for a, b in zip(row, w, strict=True) if b]
        zero = any(a == 0 for a, _ in pairs)
        scores.append(Fraction(0) if zero else 1 / sum(b / a for a, b in pairs))
    return scores


def exact_coupling(u, alpha, form):
    """Return C, T and D of one row as decimals."""
    with localcontext(prec=DIGITS):
        u, alpha = [decimal(a) for a in u], [decimal(a) for a in alpha]
        n = len(u)
        t = sum((a * b for a, b in zip(alpha, u, strict=True)), Decimal(0))
        if min(u) == 0:
            return Decimal(0), t, Decimal(0)
        product = Decimal(1)
        for a in u:
            product *= a
        ratio = product / (sum(u) / n) ** n
        if form == "standard":
            c = (ratio.ln() / n).exp()
        elif form == "no-root":
            c = ratio
        elif form == "two-system":
            c = ratio**2
        else:
            gaps = [abs(a - b) for i, a in enumerate(u) for b in u[:i]]
            relative = Decimal(1)
            for a in u:
                relative *= a / max(u)
            near = 1 - sum(gaps) / Decimal(n * (n - 1) // 2)
            c = (near * (relative.ln() / (n - 1)).exp()).sqrt()
        return c, t, (c * t).sqrt()


def floats(values):
    return np.array(values, dtype=float)


def made(seed, rows, columns):
    """Return values in [0, 1] with ties and zeros, and weights of which one is zero."""
    rng = np.random.default_rng(seed)
    z = (rng.random((rows, columns)) ** 2).round(3)
    z[rng.random(z.shape) < 0.02] = 0.0
    w = rng.dirichlet(np.ones(columns))
    if columns > 2:
        w[1] = 0.0
    return z, w / w.sum()


SHAPES = pytest.mark.parametrize("shape", [(341, 30), (31, 5), (2, 3), (60, 1)], ids=str)


@SHAPES
@pytest.mark.parametrize("v", [0.5, 0.0, 0.3, 1.0])
def test_vikor(shape, v):
    z, w = made(1, *shape)
    expected = exact_vikor(z.tolist(), w.tolist(), v)
    for ours, theirs in zip(measures(z, w, v), expected, strict=True):
        np.testing.assert_allclose(ours, floats(theirs), rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(vikor(z, w, v=v), 1 - floats(expected[2]), rtol=0, atol=TOLERANCE)


@SHAPES
def test_means(shape):
    z, w = made(2, *shape)
    for ours, theirs in (
        (geometric(z, w), exact_geometric(z.tolist(), w.tolist())),
        (harmonic(z, w), exact_harmonic(z.tolist(), w.tolist())),
    ):
        np.testing.assert_allclose(ours, floats(theirs), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("form", "subsystems"),
    [
        ("two-system", 2),
        *((form, n) for form in ("standard", "no-root", "wang") for n in (2, 3, 6)),
    ],
)
def test_coupling(form, subsystems):
    u, alpha = made(4, 200, subsystems)
    expected = [exact_coupling(row, alpha.tolist(), form) for row in u.tolist()]
    for ours, theirs in zip(coordination(u, alpha, form), zip(*expected, strict=True), strict=True):
        np.testing.assert_allclose(ours, floats(theirs), rtol=0, atol=TOLERANCE)


def test_topsis_with_the_root_of_the_weights():
    z, w = made(5, 341, 30)
    with localcontext(prec=DIGITS):
        rows = [[decimal(a) for a in row] for row in z.tolist()]
        weights = [decimal(a) for a in w.tolist()]
        top = [max(column) for column in zip(*rows, strict=True)]
        bottom = [min(column) for column in zip(*rows, strict=True)]
        expected = []
        for row in rows:
            near, far = (
                sum(
                    (b * (a - c) ** 2 for a, b, c in zip(row, weights, end, strict=True)),
                    Decimal(0),
                )
                for end in (top, bottom)
            )
            expected.append(far.sqrt() / (near.sqrt() + far.sqrt()))
    ours = topsis(z, np.sqrt(w) / np.sqrt(w).sum())
    np.testing.assert_allclose(ours, floats(expected), rtol=0, atol=TOLERANCE)


def magnitudes(lowest):
    """Ordinary, huge, tiny and subnormal numbers, and zeros; few enough for ties."""
    sizes = st.sampled_from([1.0, 1e-3, 1e300, 1.7e308, 1e-300, 5e-324, 4.1e-310])
    return st.builds(lambda part, size: part * size, st.floats(lowest, 1, width=16), sizes)


@st.composite
def cases(draw, lowest):
    n, m = draw(st.integers(2, 6)), draw(st.integers(1, 4))
    z = draw(arrays.arrays(np.float64, (n, m), elements=magnitudes(lowest)))
    w = draw(arrays.arrays(np.float64, m, elements=st.sampled_from([0.0, 1.0, 0.3, 1e-9])))
    assume(w.sum() > 0)
    return z, w / w.sum()


@given(cases(-1))
@settings(max_examples=200)
def test_vikor_of_any_magnitude(case):
    z, w = case
    s, r, _ = exact_vikor(z.tolist(), w.tolist(), 0.5)
    ours = measures(z, w)
    np.testing.assert_allclose(ours.S, floats(s), rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(ours.R, floats(r), rtol=0, atol=TOLERANCE)


@given(cases(0))
@settings(max_examples=200)
def test_means_of_any_magnitude(case):
    z, w = case
    with np.errstate(all="raise", under="ignore", divide="ignore"):
        ours = geometric(z, w), harmonic(z, w)
    for scores, exact in zip(
        ours,
        (exact_geometric(z.tolist(), w.tolist()), exact_harmonic(z.tolist(), w.tolist())),
        strict=True,
    ):
        # Twelve digits, but for subnormal results, which have fewer.
        np.testing.assert_allclose(scores, floats(exact), rtol=TOLERANCE, atol=1e-322)
