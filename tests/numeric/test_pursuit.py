"""Projection pursuit against pairwise sums, finite differences and an exhaustive search."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from made_up_mutants import EVERYTHING

from nqpf.index.normalise import minmax
from nqpf.index.pursuit import _gradients, _projection_index, projection_pursuit
from nqpf.systems import System, available


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


VALUES = {
    "ties": st.integers(0, 3).map(float),
    "grid": st.integers(0, 1000).map(lambda k: k / 1000),
    "any": st.floats(-1e3, 1e3),
    "far apart": st.sampled_from([0.0, 1e-9, 1.0, 1.0 + 1e-9, 1e6]),
}
VECTORS = st.sampled_from(sorted(VALUES)).flatmap(
    lambda kind: arrays.arrays(np.float64, st.integers(2, 60), elements=VALUES[kind])
)


@settings(max_examples=100)
@given(
    VECTORS,
    st.sampled_from([0.01, 0.1, 1 / 3, 1.0, 5.0]),
    st.sampled_from([1e-120, 1e-9, 1.0, 1e9, 1e120]),
)
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


@pytest.mark.parametrize(("radius", "seed"), [(0.1, 0), (0.7, 1)])
def test_gradient_is_the_slope(radius, seed):
    rng = np.random.default_rng(seed)
    x, a = rng.normal(size=(60, 5)), unit(rng.random((1, 5)))
    value, slope = _gradients(a, np.ascontiguousarray((x - x.min(axis=0)).T), radius)
    assert value[0] == pytest.approx(pairwise(x @ a[0], radius), rel=1e-12)
    assert (slope @ a[0])[0] == pytest.approx(2 * value[0], rel=1e-12)  # Euler: of degree two
    # A step that crosses no tie and no edge of a window, so that Q is smooth along it.
    step = 1e-9
    numeric = [
        (pairwise(x @ (a[0] + step * e), radius) - pairwise(x @ (a[0] - step * e), radius))
        / (2 * step)
        for e in np.eye(5)
    ]
    np.testing.assert_allclose(slope[0], numeric, rtol=1e-5, atol=1e-5 * np.abs(slope).max())


def exhaustive(x, radius=0.1):
    """The largest Q of two indicators: 20,001 angles, then finer around the best, in turns."""
    low, high = 0.0, np.pi / 2
    for _ in range(6):
        angles = np.linspace(low, high, 20_001)
        found = _projection_index(x, np.column_stack([np.cos(angles), np.sin(angles)]), radius)
        best, width = angles[found.argmax()], (high - low) / 200
        low, high = max(0.0, best - width), min(np.pi / 2, best + width)
    return found.max(), best


def two_indicators():
    rng = np.random.default_rng(7)
    groups = rng.normal(size=(90, 2)) * 0.3
    groups[:30] += [2.0, 0.0]
    groups[30:60] += [0.5, 1.5]
    return {
        "three groups": groups,
        "noise": rng.random((120, 2)),
        "long tail": rng.lognormal(size=(200, 2)),
        "opposed": np.column_stack([np.arange(50.0) / 50, 1 - np.arange(50.0) / 50]),
    }


@pytest.mark.parametrize("name", two_indicators())
def test_two_indicators_are_solved_as_an_exhaustive_search_solves_them(name):
    x = two_indicators()[name]
    value, angle = exhaustive(x)
    best = projection_pursuit(x)
    assert best.value == pytest.approx(value, rel=1e-9)
    if name != "opposed":  # there both ends are best alike
        assert np.arctan2(*best.direction[::-1]) == pytest.approx(angle, abs=1e-6)
    genetic = projection_pursuit(x, solver="genetic")
    assert genetic.value <= best.value * (1 + 1e-9)
    assert genetic.value == pytest.approx(value, rel=1e-4)


EVERY = available() if EVERYTHING else ["li-li-2024"]


@pytest.mark.parametrize("key", EVERY)
def test_deterministic_answer_is_as_good_as_a_genetic_one(key, embedded):
    # Two seeds, and in daily runs the system that uses it; benchmarks/bench_pursuit.py runs twenty.
    matrix = System.load(key).evaluate(embedded)
    x = minmax(matrix.values.to_numpy(), matrix.benefit.to_numpy())
    best = projection_pursuit(x)
    runs = [projection_pursuit(x, solver="genetic", seed=seed) for seed in (0, 1)]
    assert max(run.value for run in runs) <= best.value
    assert best.value == pytest.approx(pairwise(best.projection), rel=1e-10)
    assert min(run.value for run in runs) > 0.98 * best.value
