"""Inference over stored results rests on the regressions that were stored."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_grid import declare
from scipy import stats

from nqpf import Panel
from nqpf.errors import MethodError
from nqpf.multiverse.grid import SpecificationGrid
from nqpf.multiverse.inference import _curve_inference, _curve_input


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    def change(one):
        one["vintages"], one["samples"] = one["vintages"][:1], one["samples"][::3]

    declaration = declare(tmp_path_factory.mktemp("declared"), change)
    return SpecificationGrid(declaration, Panel.load(extra=False))


@pytest.fixture(scope="module")
def table(grid):
    return grid.run(n_jobs=1, progress=False).table


def test_regressions_are_those_of_the_grid(grid, table):
    """Stored in single precision, 24 bits: 6e-8; p values follow from what is stored."""
    own = table[table["errors"] == "clustered"]
    found = _curve_inference(*_curve_input(grid, own), resamples=9, standardise=True)
    for name in ("estimate", "std_error"):
        np.testing.assert_allclose(found.estimates[name], own[name], rtol=1.2e-7)
    size = own["estimate"].abs().to_numpy(float) / own["std_error"].to_numpy(float)
    expected = 2 * stats.t.sf(size, own["groups"] - 1)
    np.testing.assert_allclose(own["pvalue"], expected, rtol=1.2e-7)
    # The relative error of a p value is that of its t value times at most t squared + 1.
    near = np.abs(found.estimates["pvalue"].to_numpy() / own["pvalue"] - 1) / (1 + size**2)
    assert near.max() < 2.4e-7
    for name in ("nobs", "groups"):
        np.testing.assert_array_equal(found.estimates[name], own[name])
    choices = ["direction", "transformation", "effects", "sample", "controls", "kind"]
    assert (own[choices].nunique() > 1).all()


def test_one_type_of_errors_at_a_time(grid, table):
    with pytest.raises(MethodError, match="errors of several types: clustered, driscoll-kraay"):
        _curve_input(grid, table)
