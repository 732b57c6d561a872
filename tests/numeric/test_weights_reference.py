"""Weights against exact arithmetic, written once more from the definitions.

Loops over exact fractions and 50-digit decimals, with nothing from the library.
"""

from decimal import Decimal, localcontext

import numpy as np
import pytest

from nqpf.index.recipe import _METHODS
from nqpf.index.weights import _ahp, ahp_entropy_judgements

ahp_entropy, critic, variation = (
    _METHODS["weights"][name] for name in ("ahp_entropy", "critic", "variation")
)

CLOSE = {"rtol": 0, "atol": 1e-12}
SHAPES = [(341, 30), (31, 5), (2, 2), (1_000, 12), (40, 1)]


def made(shape):
    """Return skewed positive indicators in [0, 1], with zeros and ties."""
    rng = np.random.default_rng(shape[0])
    z = rng.random(shape).round(3) ** rng.uniform(0.3, 6, shape[1])
    z[rng.random(shape) < 0.02] = 0.0
    return z


def decimals(matrix):
    """Return the columns as lists of decimals, exactly as the doubles are."""
    return [[Decimal(float(v)) for v in column] for column in zip(*matrix, strict=True)]


def floats(values):
    return np.array([float(v) for v in values])


def shares(values):
    return [v / sum(values) for v in values]


def moments(column):
    n = len(column)
    mean = sum(column) / n
    return mean, [v - mean for v in column]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("ddof", [0, 1])
def test_variation(shape, ddof):
    x = made(shape) * np.geomspace(1e-3, 1e6, shape[1])
    with localcontext(prec=50):
        coefficients = []
        for column in decimals(x):
            mean, deviations = moments(column)
            variance = sum(d * d for d in deviations) / (len(column) - ddof)
            coefficients.append(variance.sqrt() / abs(mean))
        expected = shares(coefficients)
    np.testing.assert_allclose(variation(x), floats(expected), **CLOSE)


@pytest.mark.parametrize("shape", [s for s in SHAPES if s != (1_000, 12)], ids=str)
def test_critic(shape):
    z = made(shape)
    with localcontext(prec=50):
        centred = [moments(column)[1] for column in decimals(z)]
        length = [sum(d * d for d in column).sqrt() for column in centred]
        information = []
        for a, la in zip(centred, length, strict=True):
            conflict = sum(
                1 - sum(p * q for p, q in zip(a, b, strict=True)) / (la * lb)
                for b, lb in zip(centred, length, strict=True)
            )
            information.append(la * conflict)
        expected = shares(information) if shape[1] > 1 else [1]
    np.testing.assert_allclose(critic(z), floats(expected), **CLOSE)


def power_iteration(a):
    """Return eigenvector and eigenvalue of a matrix of decimals."""
    w = [Decimal(1) / len(a)] * len(a)
    for _ in range(400):
        w = shares([sum(p * q for p, q in zip(row, w, strict=True)) for row in a])
    return w, sum(sum(p * q for p, q in zip(row, w, strict=True)) for row in a)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 7, 11, 15])
@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0])
def test_ahp(m, noise):
    rng = np.random.default_rng(m)
    logs = rng.normal(scale=1.5, size=m)
    a = np.exp(logs[:, None] - logs)
    upper = np.triu_indices(m, 1)
    a[upper] *= np.exp(rng.normal(scale=noise, size=len(upper[0])))
    a.T[upper] = 1 / a[upper]
    with localcontext(prec=50):
        rows = [[Decimal(float(v)) for v in row] for row in a]
        w, eigenvalue = power_iteration(rows)
    result = _ahp(a)
    np.testing.assert_allclose(result.weights, floats(w), **CLOSE)
    assert result.lambda_max == pytest.approx(float(eigenvalue), rel=1e-12)


def exact_judgements(z):
    """Return D, the scale and the judgements by the definition, all columns varying."""
    gains = []
    for column in decimals(z):
        p = [v / sum(column) for v in column if v]
        gains.append(1 + sum(v * v.ln() for v in p) / Decimal(len(column)).ln())
    largest = max(gains) / min(gains)
    alpha = 9 if largest > 9 else int(largest + Decimal("0.5"))
    scale = [Decimal(1)]
    if alpha > 1:
        r = (largest / alpha) ** (Decimal(1) / (alpha - 1))
        scale = [k * r ** (k - 1) for k in range(1, alpha + 1)]

    def judgement(j, k):
        if gains[j] < gains[k]:
            return 1 / judgement(k, j)
        return min(scale, key=lambda value: abs(value - gains[j] / gains[k]))

    return largest, scale, [[judgement(j, k) for k in range(len(gains))] for j in range(len(gains))]


@pytest.mark.parametrize("shape", [(120, 30), (31, 5), (2, 2), (40, 1)], ids=str)
@pytest.mark.parametrize("power", [0.1, 1.0, 3.0])
def test_improved_entropy(shape, power):
    z = made(shape)
    z = z.mean(axis=0) * (1 - power / 3) + z * power / 3  # from nearly even to skewed
    with localcontext(prec=50):
        largest, scale, judgements = exact_judgements(z)
        w, eigenvalue = power_iteration(judgements)
    result = ahp_entropy_judgements(z)
    assert result.largest_ratio == pytest.approx(float(largest), rel=1e-9)
    np.testing.assert_allclose(result.scale, floats(scale), rtol=1e-9)
    np.testing.assert_allclose(result.judgements, [floats(row) for row in judgements], rtol=1e-9)
    np.testing.assert_allclose(ahp_entropy(z), floats(w), rtol=0, atol=1e-10)
    assert result.consistency.lambda_max == pytest.approx(float(eigenvalue), rel=1e-9)
