"""Slacks-based and directional efficiency, both indices: promises and what is refused."""

import highspy
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_panels import keyed

from nqpf.errors import EstimationError
from nqpf.tfp.sbm import global_malmquist_luenberger, malmquist_luenberger, slacks

ROLES = {"inputs": ["x1", "x2"], "good": ["y"], "bad": ["b"]}
MEASURES = ["slacks", "directional"]


def panel(seed=0, units=8, years=4):
    rng = np.random.default_rng(seed)
    size = rng.lognormal(0, 1, (units, 1, 1))
    values = size * rng.lognormal(0, 0.4, (units, years, 4))
    return pd.DataFrame(values.reshape(-1, 4), keyed(units, years), columns=["x1", "x2", "y", "b"])


def rho(frame, **options):
    return slacks(frame, **{**ROLES, "time": "year", **options}).rho


def index(frame, measure="slacks"):
    return global_malmquist_luenberger(frame, **ROLES, measure=measure)


@given(st.integers(0, 10**6), st.lists(st.floats(1e-3, 1e4), min_size=4, max_size=4))
@settings(max_examples=4)
def test_units_of_measure_do_not_matter(seed, factors):
    frame = panel(seed)
    for measure in MEASURES:
        before, after = (index(f, measure) for f in (frame, frame * factors))
        np.testing.assert_allclose(after.scores, before.scores, rtol=0, atol=1e-8)
        np.testing.assert_allclose(after.changes, before.changes, rtol=1e-7)


@pytest.mark.parametrize(
    "table",
    [
        lambda f: slacks(f, **ROLES, time="year").slacks,
        lambda f: index(f).changes,
        lambda f: malmquist_luenberger(f, **ROLES).changes,
    ],
    ids=["slacks", "global", "adjacent"],
)
def test_order_of_rows_does_not_matter_and_the_frame_stays_as_it_was(table):
    frame = panel(3)
    copy = frame.copy(deep=True)
    first, second = (table(f) for f in (frame, frame.sample(frac=1, random_state=0).reset_index()))
    pd.testing.assert_frame_equal(first, second)
    pd.testing.assert_frame_equal(frame, copy)


def test_weak_disposability_holds_bad_outputs_and_scores_the_rest():
    frame = panel(9)
    found = slacks(frame, **ROLES, time="year", disposability="weak")
    assert (found.slacks >= 0).all(axis=None) and (found.slacks["b"] == 0).all()
    strong, weak = (rho(frame, bad=(), disposability=d) for d in ("strong", "weak"))
    pd.testing.assert_series_equal(strong, weak)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_global_index_multiplies_to_its_parts_and_is_circular(measure):
    found = index(panel(1), measure)
    changes = found.changes
    np.testing.assert_allclose(changes["gml"], changes["ec"] * changes["bpc"], rtol=1e-12)
    chained = changes[["gml", "ec"]].groupby(level="province").prod()
    ends = [found.scores.xs(year, level="year") for year in (2010, 2013)]
    np.testing.assert_allclose(ends[1] / ends[0], chained, rtol=1e-10)


def test_scores_of_the_global_index_are_those_of_slacks():
    frame = panel()
    scores = index(frame).scores
    np.testing.assert_allclose(scores["global"], rho(frame), rtol=0, atol=1e-12)
    alone = rho(frame.xs(2011, level="year"), time=None)
    own = scores["contemporaneous"].xs(2011, level="year")
    np.testing.assert_allclose(own, alone, rtol=0, atol=1e-9)


def test_the_adjacent_index_multiplies_to_its_parts_of_which_efficiency_is_always_known():
    changes = malmquist_luenberger(panel(3), **ROLES).changes
    assert changes["effch"].notna().all()  # needs own technologies only
    assert len(known := changes.dropna()) > 5
    np.testing.assert_allclose(known["ml"], known["effch"] * known["techch"], rtol=1e-12)


@pytest.mark.parametrize("measure", [rho, index, lambda f: index(f, "directional")])
def test_programs_without_a_solution_are_reported_with_unit_and_period(monkeypatch, measure):
    # A unit always belongs to the technology it helps to span, so the solver has to fail.
    status = highspy.HighsModelStatus.kInfeasible
    monkeypatch.setattr(highspy.Highs, "getModelStatus", lambda self: status)
    with pytest.raises(EstimationError, match="province 0, year 2010"):
        measure(panel(units=2, years=2))
