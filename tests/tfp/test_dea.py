"""Efficiency and Malmquist indices: properties, directions, bad input."""

import numpy as np
import pandas as pd
import pytest

from nqpf.tfp.dea import malmquist


def made_up_panel():
    rng, units = np.random.default_rng(0), [f"u{i:02d}" for i in range(12)]
    index = pd.MultiIndex.from_product([units, range(2010, 2014)], names=["unit", "year"])
    return pd.DataFrame(rng.lognormal(0, 0.5, (len(index), 4)), index, [*X, *Y])


X, Y = ["x0", "x1"], ["y0", "y1"]
PANEL = made_up_panel()


def run(frame=PANEL, **options):
    return malmquist(frame, X, Y, "unit", "year", **options)


def test_a_sequential_frontier_never_recedes():
    assert run(reference="sequential").indices.techch.min() >= 1 - 1e-12
    assert run().indices.techch.min() < 1


@pytest.mark.parametrize("returns", ["crs", "vrs"])
def test_units_of_measure_order_of_rows_and_columns_change_nothing(returns):
    scale = {"x0": 1e6, "x1": 1e-5, "y0": 3.7e4, "y1": 1e-3}
    other, before = (PANEL * pd.Series(scale)).sample(frac=1, random_state=1), PANEL.copy()
    found = malmquist(other.reset_index(), X[::-1], Y[::-1], "unit", "year", returns=returns)
    pd.testing.assert_frame_equal(found.indices, run(returns=returns).indices, rtol=1e-9)
    pd.testing.assert_frame_equal(PANEL, before)
    assert list(found.infeasible.columns) == ["unit", "year", "frontier", "returns"]
    assert found.infeasible.empty
    assert found.indices.index.unique("year").tolist() == [2011, 2012, 2013]


def test_problems_without_solution_are_named_and_stay_in_the_table():
    # In 2011 the small unit uses less input than any unit of 2010.
    keys = pd.MultiIndex.from_product([["small", "large"], [2010, 2011, 2012]])
    frame = pd.DataFrame({"x": [2.0, 1, 1, 4, 4, 4], "y": [1.0, 1, 1, 3, 3, 4]}, keys)
    frame.index.names = ["unit", "year"]
    with pytest.warns(UserWarning, match="unit.*small.*year.*2011.*frontier of 2010"):
        found = malmquist(frame, ["x"], ["y"], "unit", "year", "vrs", split="ray-desli")
    assert found.infeasible.to_dict("records") == [
        {"unit": "small", "year": 2011, "frontier": 2010, "returns": "vrs"}
    ]
    assert found.indices.loc[("small", 2011), ["techch", "sech"]].isna().all()
    assert found.indices[["pech", "tfpch"]].notna().all(axis=None)
    assert found.indices.drop(("small", 2011)).notna().all(axis=None)


def test_an_output_that_a_frontier_lacks_is_reported():
    frame = PANEL.copy()
    frame.loc[frame.index.get_level_values("year") == 2010, "y1"] = 0.0
    with pytest.warns(UserWarning, match="have no solution"):
        found = run(frame)
    assert set(found.infeasible.frontier) == {2010}
    assert len(found.infeasible) == 12
