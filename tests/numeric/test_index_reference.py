"""Normalisation, entropy weights and TOPSIS against exact arithmetic and print.

The formulas are written once more from their definitions, as loops over exact
fractions and 60-digit decimals, with nothing from the library.
"""

from decimal import Decimal, localcontext
from fractions import Fraction

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nqpf.index.aggregate import linear, topsis
from nqpf.index.normalise import minmax
from nqpf.index.weights import entropy

TOLERANCE = 1e-12
DIGITS = 60


def exact_minmax(x, benefit):
    """Return nested lists of fractions; a constant column becomes zeros."""
    columns = []
    for column, more_is_better in zip(zip(*x, strict=True), benefit, strict=True):
        values = [Fraction(v) for v in column]
        low, high = min(values), max(values)
        for_one = high - low or 1
        columns.append([(v - low if more_is_better else high - v) / for_one for v in values])
    return [list(row) for row in zip(*columns, strict=True)]


def exact_entropy(z):
    """Return the weights (1 - e) / sum(1 - e) as decimals, and the sum of 1 - e."""
    with localcontext(prec=DIGITS):
        gains = []
        for column in zip(*z, strict=True):
            values = [_decimal(v) for v in column]
            total = sum(values)
            shares = [v / total for v in values if v] if total else []
            surprise = -sum((p * p.ln() for p in shares), Decimal(0))
            gains.append(1 - surprise / Decimal(len(values)).ln() if total else Decimal(0))
        return [g / sum(gains) for g in gains], sum(gains)


def exact_topsis(z, w):
    """Return D- / (D+ + D-) as decimals."""
    with localcontext(prec=DIGITS):
        v = [[_decimal(a) * _decimal(b) for a, b in zip(row, w, strict=True)] for row in z]
        ideal = [max(column) for column in zip(*v, strict=True)]
        anti = [min(column) for column in zip(*v, strict=True)]
        scores = []
        for row in v:
            to_ideal = sum((a - b) ** 2 for a, b in zip(row, ideal, strict=True)).sqrt()
            to_anti = sum((a - b) ** 2 for a, b in zip(row, anti, strict=True)).sqrt()
            scores.append(to_anti / (to_ideal + to_anti))
        return scores


def _decimal(value):
    fraction = Fraction(value)
    return Decimal(fraction.numerator) / Decimal(fraction.denominator)


def floats(values):
    return np.array(values, dtype=float)


def magnitudes(lowest):
    """Ordinary, huge, tiny and subnormal numbers, and zeros; few enough for ties."""
    sizes = st.sampled_from([1.0, 1e-3, 1e300, 1.7e308, 1e-300, 5e-324, 4.1e-310])
    return st.builds(lambda part, size: part * size, st.floats(lowest, 1, width=16), sizes)


def matrices(lowest):
    shape = st.tuples(st.integers(2, 7), st.integers(1, 5))
    return shape.flatmap(lambda s: arrays.arrays(np.float64, s, elements=magnitudes(lowest)))


def panel(seed, rows, columns):
    """Return skewed positive indicators with some ties and zeros."""
    rng = np.random.default_rng(seed)
    x = rng.lognormal(sigma=1.0, size=(rows, columns)).round(3)
    x[rng.random(x.shape) < 0.02] = 0.0
    return x, rng.random(columns) < 0.7


@pytest.mark.parametrize(("rows", "columns"), [(341, 30), (2, 1), (31, 3), (1_200, 12)])
def test_whole_chain_agrees_with_exact_arithmetic(rows, columns):
    x, benefit = panel(rows, rows, columns)
    z = minmax(x, benefit)
    expected_z = exact_minmax(x.tolist(), benefit.tolist())
    np.testing.assert_allclose(z, floats(expected_z), rtol=0, atol=TOLERANCE)
    w = entropy(z)
    expected_w, _ = exact_entropy(expected_z)
    np.testing.assert_allclose(w, floats(expected_w), rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(
        topsis(z, w), floats(exact_topsis(expected_z, expected_w)), rtol=0, atol=TOLERANCE
    )


@given(matrices(-1), st.data())
@settings(deadline=None, max_examples=200)
def test_minmax_of_any_magnitude(x, data):
    benefit = np.array(data.draw(st.lists(st.booleans(), min_size=x.shape[1], max_size=x.shape[1])))
    assume((x.min(axis=0) < x.max(axis=0)).all())
    expected = floats(exact_minmax(x.tolist(), benefit.tolist()))
    np.testing.assert_allclose(minmax(x, benefit), expected, rtol=0, atol=TOLERANCE)


@given(matrices(0))
@settings(deadline=None, max_examples=200)
def test_entropy_of_any_magnitude(z):
    assume((z.min(axis=0) < z.max(axis=0)).any())
    expected, information = exact_entropy(z.tolist())
    # Below this the weights are a ratio of rounding errors of z itself.
    assume(information > 1e-3)
    np.testing.assert_allclose(entropy(z), floats(expected), rtol=0, atol=TOLERANCE)


@given(matrices(-1), st.data())
@settings(deadline=None, max_examples=200)
def test_topsis_of_any_magnitude(z, data):
    parts = st.sampled_from([0.0, 1.0, 0.3, 1e-9, 1e-300])
    w = np.array(data.draw(st.lists(parts, min_size=z.shape[1], max_size=z.shape[1])))
    assume(w.sum() > 0)
    w = w / w.sum()
    assume(((z.min(axis=0) < z.max(axis=0)) & (w > 0)).any())
    expected = floats(exact_topsis(z.tolist(), w.tolist()))
    np.testing.assert_allclose(topsis(z, w), expected, rtol=0, atol=TOLERANCE)


def test_entropy_of_columns_with_k_equal_shares():
    # k ones among N rows give e = ln k / ln N: here 0, 1/4, 2/4, 3/4.
    z = np.array([[float(row < k) for k in (1, 2, 4, 8)] for row in range(16)])
    np.testing.assert_allclose(entropy(z), [0.4, 0.3, 0.2, 0.1], rtol=0, atol=1e-15)


def test_entropy_keeps_its_digits_on_nearly_even_columns():
    # One zero among N ones: 1 - e is about 1 / (N ln N), all digits of which
    # are lost when e is formed first.
    n = 200_000
    z = np.ones((n, 2))
    z[:1, 0], z[:2, 1] = 0.0, 0.0
    gain = -np.log1p([-1 / n, -2 / n])
    np.testing.assert_allclose(entropy(z), gain / gain.sum(), rtol=0, atol=TOLERANCE)


def test_linear_is_the_plain_weighted_sum():
    x, benefit = panel(7, 50, 6)
    z = minmax(x, benefit)
    w = entropy(z)
    expected = [sum(a * b for a, b in zip(row, w, strict=True)) for row in z]
    np.testing.assert_allclose(linear(z, w), expected, rtol=0, atol=1e-15)


def test_fighter_aircraft_of_hwang_and_yoon():
    """The worked example of TOPSIS in its first publication.

    Hwang and Yoon (1981), Multiple Attribute Decision Making, Springer,
    pp. 133-134: four aircraft, six attributes, vector normalisation, the
    fourth attribute (price) a cost; closeness printed to three digits.
    Closeness depends on differences only, so a cost enters negated.
    """
    x = np.array(
        [
            [2.0, 1500, 20000, 5.5, 5, 9],
            [2.5, 2700, 18000, 6.5, 3, 5],
            [1.8, 2000, 21000, 4.5, 7, 7],
            [2.2, 1800, 20000, 5.0, 5, 5],
        ]
    )
    z = x / np.sqrt((x**2).sum(axis=0)) * np.array([1, 1, 1, -1, 1, 1])
    closeness = topsis(z, [0.2, 0.1, 0.1, 0.1, 0.2, 0.3])
    np.testing.assert_allclose(closeness, [0.643, 0.268, 0.613, 0.312], rtol=0, atol=6e-4)
