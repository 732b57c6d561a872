"""Directional distances and the Malmquist-Luenberger index: promises and bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sbm import KINDS, ROLES, panel

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.tfp.sbm import directional_distance, malmquist_luenberger


@pytest.mark.parametrize(("returns", "disposability"), KINDS)
def test_distances_are_never_negative_within_the_technology(returns, disposability):
    found = directional_distance(
        panel(), **ROLES, time="year", returns=returns, disposability=disposability
    )
    assert (found.distance >= -1e-10).all() and (found.distance < 1).all()
    assert found.efficient.any() and not found.efficient.all()
    assert found.to_frame().shape == (32, 2) and "<table" in found._repr_html_()


def test_what_is_strongly_disposable_lies_farther_from_the_frontier():
    frame = panel(1)
    weak, strong = (
        directional_distance(frame, **ROLES, time="year", disposability=d).distance
        for d in ("weak", "strong")
    )
    assert (strong >= weak - 1e-9).all() and (strong > weak + 1e-3).any()


@given(st.integers(0, 10**6), st.lists(st.floats(1e-3, 1e4), min_size=4, max_size=4))
@settings(max_examples=15, deadline=None)
def test_units_of_measure_do_not_matter(seed, factors):
    frame = panel(seed)
    for returns in ("crs", "vrs"):
        before, after = (
            directional_distance(f, **ROLES, time="year", returns=returns).distance
            for f in (frame, frame * factors)
        )
        np.testing.assert_allclose(after, before, rtol=0, atol=1e-8)


def test_without_bad_outputs_one_input_and_output_it_is_the_ratio_to_the_best():
    frame = panel(2).xs(2010, level="year")
    found = directional_distance(frame, "x1", "y")
    productivity = frame["y"] / frame["x1"]
    np.testing.assert_allclose(1 + found.distance, productivity.max() / productivity, rtol=1e-10)


@pytest.mark.parametrize(("returns", "disposability"), KINDS)
def test_the_index_multiplies_to_its_parts(returns, disposability):
    found = malmquist_luenberger(panel(3), **ROLES, returns=returns, disposability=disposability)
    changes = found.changes.dropna()
    assert len(changes) > 5
    np.testing.assert_allclose(changes["ml"], changes["effch"] * changes["techch"], rtol=1e-12)
    assert found.changes["effch"].notna().all()  # needs own technologies only


def test_without_bad_outputs_it_is_the_change_of_productivity_with_one_input():
    frame = panel(4)
    found = malmquist_luenberger(frame, "x1", "y", ()).changes
    productivity = frame["y"] / frame["x1"]
    expected = (productivity / productivity.groupby(level=0).shift(1)).dropna()
    np.testing.assert_allclose(found["ml"], expected, rtol=1e-9)
    best = productivity.groupby(level=1).max()
    expected = best.reindex(expected.index.get_level_values(1)) / best.shift(1).reindex(
        expected.index.get_level_values(1)
    )
    np.testing.assert_allclose(found["techch"], expected, rtol=1e-9)


def test_figures_out_of_reach_are_listed_with_unit_period_and_technology():
    keys = pd.MultiIndex.from_product([["A", "B"], [1, 2]], names=["province", "year"])
    # Year 1 knows 1 of bad per 2 of good, and no more than 2 bad from 1 input: A's 6 good
    # with 2 bad would need a lower share of bad, or a larger one with more input.
    frame = pd.DataFrame({"x": 1.0, "y": [4, 6, 2, 2], "b": [2, 2, 1, 1]}, index=keys)
    found = malmquist_luenberger(frame, "x", "y", "b")
    assert found.infeasible.to_dict("records") == [{"province": "A", "year": 2, "technology": 1}]
    assert np.isnan(found.changes.loc[("A", 2), "ml"])
    assert found.changes.loc[("A", 2), "effch"] == pytest.approx(1)
    assert found.changes.loc[("B", 2)].notna().all()
    assert found.summary().loc[2, "units"] == 1
    assert "<table" in found._repr_html_() and found.to_frame().equals(found.changes)


def test_a_distance_that_would_ask_for_no_good_output_counts_as_none():
    keys = pd.MultiIndex.from_product([["A", "B"], [1, 2]], names=["province", "year"])
    # Year 1 knows 9 of bad only, at one size: from 1 of bad, (1 - b) 1 = 9 at b = -8.
    frame = pd.DataFrame({"x": 1.0, "y": [1, 0.01, 1, 1], "b": [9, 1, 9, 9]}, index=keys)
    options = {"returns": "vrs", "disposability": "strong"}
    found = malmquist_luenberger(frame, "x", "y", "b", **options)
    assert found.infeasible.to_dict("records") == [{"province": "A", "year": 2, "technology": 1}]
    assert found.distances["before"].isna().sum() == 3  # year 1 has no period before


def test_a_year_without_change_leaves_the_index_at_one():
    frame = panel(5, years=1).droplevel("year")
    still = pd.concat({1: frame, 2: frame}, names=["year"]).swaplevel()
    np.testing.assert_allclose(malmquist_luenberger(still, **ROLES).changes, 1.0, rtol=1e-9)


def test_order_of_rows_does_not_matter():
    frame = panel(6)
    first, second = (
        malmquist_luenberger(f, **ROLES).changes
        for f in (frame, frame.sample(frac=1, random_state=1))
    )
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("amount", [0.0, -2.0])
def test_amounts_that_are_not_positive_are_named(amount):
    frame = panel()
    frame.loc[(2, 2011), "b"] = amount
    with pytest.raises(DataError, match=r"b is .*province 2, year 2011"):
        malmquist_luenberger(frame, **ROLES)


def test_missing_unbalanced_and_lonely_samples_are_refused():
    frame = panel()
    with pytest.raises(SampleError, match="province 1, year 2012"):
        malmquist_luenberger(frame.drop((1, 2012)), **ROLES)
    with pytest.raises(SampleError, match="one unit only"):
        malmquist_luenberger(panel(units=1), **ROLES)
    with pytest.raises(SampleError, match="two periods"):
        malmquist_luenberger(panel(years=1), **ROLES)
    frame.loc[(1, 2012), "y"] = np.nan
    with pytest.raises(SampleError, match="province 1, year 2012, variable y"):
        directional_distance(frame, **ROLES, time="year")


def test_unknown_options_are_refused():
    for options in ({"returns": "drs"}, {"disposability": "no"}, {"reference": "none"}):
        with pytest.raises(MethodError, match=next(iter(options))):
            directional_distance(panel(), **ROLES, time="year", **options)
