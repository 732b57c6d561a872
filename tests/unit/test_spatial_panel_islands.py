"""Units without neighbours in spatial panels: refused, allowed, and what they then mean."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.space import Weights, align, contiguity
from nqpf.space.durbin import durbin, error, lag, simulate, spatial_table
from nqpf.space.impacts import impacts, lagrange

ALONE = contiguity().row_standardised()  # Hainan without neighbours
FRAME = simulate(contiguity(hainan=True).row_standardised(), 6, 0.4, [1.0], [0.5], seed=8)
MODELS = {"lag": lag, "durbin": durbin, "error": error}


@pytest.mark.parametrize("model", [*MODELS, "lagrange"])
def test_an_island_is_refused_unless_asked_for(model):
    function = {**MODELS, "lagrange": lagrange}[model]
    with pytest.raises(SampleError, match=r"no neighbours.*Hainan \(460000\).*islands='allow'"):
        function(FRAME, "y", ["x1"], ALONE, effects="unit")
    function(FRAME, "y", ["x1"], ALONE, effects="unit", islands="allow")
    with pytest.raises(MethodError, match="unknown islands 'yes'; expected one of refuse, allow"):
        function(FRAME, "y", ["x1"], ALONE, islands="yes")


def test_an_allowed_island_is_named_in_the_notes():
    fit = durbin(FRAME, "y", ["x1"], ALONE, effects="unit", islands="allow")
    assert fit.notes[1:] == ("Hainan (460000) has no neighbours: its spatial lag is zero.",)
    assert fit.notes[1] in spatial_table({"y": fit}).notes
    linked = durbin(FRAME, "y", ["x1"], contiguity(hainan=True).row_standardised(), islands="allow")
    assert len(linked.notes) == 1


@pytest.mark.parametrize("effects", ["two-way", "time"])
@pytest.mark.parametrize("model", MODELS)
def test_year_effects_of_lee_and_yu_are_refused_with_the_island_named(model, effects):
    with pytest.raises(MethodError, match=r"row of zeros.*Lee and Yu.*Hainan.*correction='none'"):
        MODELS[model](FRAME, "y", ["x1"], ALONE, effects=effects, islands="allow")


@pytest.mark.parametrize("effects", ["two-way", "time", "pooled"])
def test_an_error_model_with_a_common_effect_is_refused(effects):
    options = {"effects": effects, "correction": "none", "islands": "allow"}
    with pytest.raises(MethodError, match=r"row of zeros.*spatial error.*Hainan"):
        error(FRAME, "y", ["x1"], ALONE, **options)


def test_weights_of_islands_alone_are_refused():
    none = Weights(0 * ALONE.matrix)
    with pytest.raises(EstimationError, match="no unit has a neighbour"):
        lag(FRAME, "y", ["x1"], none, effects="unit", islands="allow")


def dense(frame, weights, effects, transform):
    """Maximise the likelihood with dummies, or of orthonormal contrasts over time, on a grid."""
    long = frame.swaplevel().sort_index()
    years, n = 6, 31
    w = weights.matrix.loc[long.loc[long.index[0][0]].index].to_numpy()
    big = np.kron(np.eye(years), w)
    x = long[["x1"]].to_numpy()
    x, y = np.hstack([x, big @ x]), long["y"].to_numpy()
    if transform:
        along = np.linalg.svd(np.eye(years) - 1 / years)[0][:, : years - 1].T
        change = np.kron(along, np.eye(n))
        x, y, big = change @ x, change @ y, np.kron(np.eye(years - 1), w)
    else:
        x = np.hstack([x, np.kron(np.ones((years, 1)), np.eye(n))])
        if effects == "two-way":
            x = np.hstack([x, np.kron(np.eye(years)[:, 1:], np.ones((n, 1)))])
    basis = np.linalg.qr(x)[0]

    def height(rho):
        left = y - rho * (big @ y)
        e = left - basis @ (basis.T @ left)
        logdet = np.linalg.slogdet(np.eye(len(y)) - rho * big)[1]
        return logdet - len(y) / 2 * (np.log(2 * np.pi * (e @ e) / len(y)) + 1)

    return height


@pytest.mark.parametrize(
    ("effects", "correction"), [("unit", "none"), ("two-way", "none"), ("unit", "lee-yu")]
)
def test_the_likelihood_with_an_island_is_the_one_written_out(effects, correction):
    options = {"effects": effects, "correction": correction, "islands": "allow"}
    fit = durbin(FRAME, "y", ["x1"], ALONE, **options)
    height = dense(FRAME, ALONE, effects, correction == "lee-yu")
    assert height(fit.rho) == pytest.approx(fit.loglik, abs=1e-8)
    assert height(fit.rho) > max(height(fit.rho - 1e-3), height(fit.rho + 1e-3))


def test_an_island_has_no_spillover_and_counts_in_the_mean():
    fit = durbin(FRAME, "y", ["x1"], ALONE, effects="unit", islands="allow")
    matrix = fit.weights.matrix
    moved = np.linalg.inv(np.eye(31) - fit.rho * matrix) @ (
        fit.params["x1"] * np.eye(31) + fit.params["W x1"] * matrix
    )
    moved = pd.DataFrame(moved.to_numpy(), matrix.index, matrix.index)
    assert moved.loc[460000].drop(460000).abs().max() == 0
    assert moved.loc[460000, 460000] == pytest.approx(fit.params["x1"])
    total = impacts(fit).table.loc[("x1", "total"), "estimate"]
    assert total == pytest.approx(moved.to_numpy().sum() / 31)


@pytest.mark.parametrize("errors", ["information", "hessian", "clustered", "pairwise"])
def test_order_and_errors_with_an_island(errors):
    options = {"effects": "unit", "islands": "allow", "errors": errors}
    fit = durbin(FRAME, "y", ["x1"], ALONE, **options)
    again = durbin(FRAME.iloc[::-1], "y", ["x1"], align(ALONE, FRAME.iloc[::-1]), **options)
    pd.testing.assert_frame_equal(fit.cov, again.cov, rtol=1e-7)
    assert (fit.std_errors > 0).all()
