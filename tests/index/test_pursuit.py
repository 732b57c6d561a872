"""Projection pursuit: what the index, the solvers and the certificate promise and refuse."""

import dataclasses
from functools import partial

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_index import matrix_of
from made_up_panels import refusals

from nqpf.errors import DataError, MethodError
from nqpf.index import Recipe
from nqpf.index.aggregate import linear
from nqpf.index.normalise import _ConstantIndicatorWarning, minmax
from nqpf.index.pursuit import _projection_index, certify, projection_pursuit

SMALL = {"generations": 5}
SHAPES = st.tuples(st.integers(2, 12), st.integers(1, 5))


def two_groups(rows=40):
    x = np.random.default_rng(0).normal(size=(rows, 3))
    x[: rows // 2, 1] += 4.0
    return x


# The index


def test_a_projection_that_does_not_vary_has_no_index():
    for value in (0.0, 0.1, 1 / 3, -7e90):
        assert _projection_index(np.full((7, 2), value), [0.6, 0.8]) == 0.0


# The direction


@pytest.mark.parametrize("solver", ["multistart", "genetic"])
@settings(max_examples=8)
@given(x=arrays.arrays(np.float64, SHAPES, elements=st.integers(0, 20).map(lambda k: k / 20)))
def test_direction_is_non_negative_of_length_one_and_belongs_to_the_result(solver, x):
    if (x == x[0]).all():
        return
    options = SMALL if solver == "genetic" else {}
    best = projection_pursuit(x, solver=solver, **options)
    assert (best.direction >= 0).all()
    assert np.linalg.norm(best.direction) == pytest.approx(1.0, rel=1e-14)
    np.testing.assert_allclose(best.projection, x @ best.direction, rtol=1e-14, atol=1e-15)
    assert best.spread == pytest.approx(best.projection.std(ddof=1), rel=1e-12)
    assert best.value == pytest.approx(best.spread * best.density, rel=1e-15)
    assert best.value == pytest.approx(_projection_index(x, best.direction), rel=1e-9)
    if solver == "multistart":  # no indicator alone nor equal weights are better
        m = x.shape[1]
        others = [_projection_index(x, a) for a in (*np.eye(m), np.ones(m) / np.sqrt(m))]
        assert best.value >= max(others) * (1 - 1e-11)


def test_seeds_make_genetic_runs_differ_and_leave_the_other_solver_alone():
    x = two_groups()
    runs = [projection_pursuit(x, solver="genetic", seed=s, **SMALL) for s in (0, 1)]
    assert runs[0].seed == 0 and runs[1].seed == 1
    assert not np.array_equal(runs[0].direction, runs[1].direction)
    again = projection_pursuit(x, solver="genetic", seed=1, **SMALL)
    np.testing.assert_array_equal(runs[1].direction, again.direction)
    fixed = [projection_pursuit(x, seed=s) for s in (0, 1)]
    assert fixed[0].seed is None
    np.testing.assert_array_equal(fixed[0].direction, fixed[1].direction)


def test_an_indicator_that_does_not_vary_gets_nothing():
    x = two_groups()
    before = x.copy()
    plain, best = (projection_pursuit(one) for one in (x, np.insert(x, 1, 0.3, axis=1)))
    assert plain.value == pytest.approx(48.6405, abs=5e-5) and best.direction[1] == 0.0
    np.testing.assert_allclose(np.delete(best.direction, 1), plain.direction, atol=1e-12)
    np.testing.assert_array_equal(x, before)


def test_indicators_that_do_not_vary_at_all_warn():
    with pytest.warns(_ConstantIndicatorWarning, match="no column varies"):
        best = projection_pursuit(np.full((5, 4), 0.1))
    np.testing.assert_array_equal(best.direction, np.full(4, 0.5))
    assert best.value == best.spread == best.density == 0.0


# Weights


def test_a_linear_aggregate_with_the_weights_is_the_projection():
    x = two_groups() - two_groups().min(axis=0)
    w = Recipe("minmax", "pursuit", "linear").fit(matrix_of(x)).weights.to_numpy()
    x = minmax(x, np.ones(3, dtype=bool))
    best = projection_pursuit(x)
    assert w.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(linear(x, w) * best.direction.sum(), best.projection, rtol=1e-12)


# The certificate


def test_certificate_compares_every_seed_with_the_deterministic_answer():
    x = two_groups()
    certificate = certify(x, seeds=[4, 9])
    table, optimum = certificate.table(), certificate.optimum
    assert list(table.index) == [4, 9]
    for seed in (4, 9):
        run = projection_pursuit(x, solver="genetic", seed=seed)
        assert table.loc[seed, "value"] == run.value
        assert table.loc[seed, "shortfall"] == (optimum.value - run.value) / optimum.value
        assert table.loc[seed, "direction"] == np.abs(run.direction - optimum.direction).max()
    assert certificate.gap == table["shortfall"].min()
    assert abs(certificate.gap) < 1e-6 and "agrees" in certificate.verdict()
    summary = certificate.summary()["value"]
    assert summary["worst genetic Q"] == table["value"].min()
    assert summary["gap of the best, relative"] == certificate.gap


def test_certificate_prints_the_gap_where_the_solvers_disagree():
    x = np.random.default_rng(1).random((60, 8))
    made = certify(x, seeds=[0])
    poor = projection_pursuit(x, solver="genetic", generations=1)
    assert not poor.converged  # a short search says that it has not come to rest
    below = dataclasses.replace(made, runs=(poor,))
    above = dataclasses.replace(made, optimum=poor, runs=(made.optimum,))
    assert below.gap > 1e-3 and f"{below.gap:.1e} (relative) below" in below.verdict()
    assert above.gap < -1e-3 and "above" in above.verdict()
    ranks = below.table().iloc[0]
    assert ranks["rank_correlation"] < 1 and ranks["largest_shift"] >= 1


def test_without_spread_there_is_no_gap_and_rows_that_tie_share_a_rank():
    with pytest.warns(_ConstantIndicatorWarning):
        assert certify(np.ones((4, 2)), seeds=[0]).gap == 0.0
    made = certify([[0.0], [1.0], [1.0 + 1e-12]], seeds=[0])
    flipped = dataclasses.replace(made.optimum, projection=np.array([0.0, 1.0 + 1e-12, 1.0]))
    assert dataclasses.replace(made, runs=(flipped,)).table()["largest_shift"].tolist() == [0.0]


# What is refused


BAD, COLUMN = [[0.0, 1.0], [np.nan, 0.5], [1.0, 1.0]], [[0.0], [1.0]]
SPREAD = np.array([[0.0, 1.0], [3.0, 0.5], [1.0, 1.0]])
UNKNOWN = "unknown solver 'genetics'; expected one of genetic, multistart.*Did you mean 'genetic'"
genetic = partial(projection_pursuit, COLUMN, solver="genetic")
test_what_does_not_fit_is_refused = refusals(
    MethodError,
    ("x has 1 row; expected two rows or more", partial(projection_pursuit, [[1.0]]), DataError),
    (r"x holds nan \[row 1, column 0\]", partial(projection_pursuit, BAD), DataError),
    *(("radius is .*expected a number above 0", partial(projection_pursuit, COLUMN, radius))
      for radius in (0, -0.1, np.nan, np.inf, "wide", True, None)),
    (UNKNOWN, partial(projection_pursuit, COLUMN, solver="genetics")),
    ("generations is 0; expected a whole number", partial(genetic, generations=0)),
    *((f"seed is {seed}; expected a whole number", partial(genetic, seed=seed))
      for seed in (-1, 1.0, True)),
    ("seeds is empty", partial(certify, COLUMN, seeds=[])),
    *(("the values spread over .*expected a spread between 1e-140 and 1e.140.*Normalise first",
       partial(projection_pursuit, scale * SPREAD), DataError)
      for scale in (1e-150, 1e150, 5e307, -5e307)),
)  # fmt: skip
