"""Slacks-based and directional efficiency, both indices: promises and what is refused."""

from __future__ import annotations

import highspy
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.tfp.sbm import global_malmquist_luenberger, malmquist_luenberger, slacks

ROLES = {"inputs": ["x1", "x2"], "good": ["y"], "bad": ["b"]}
COLUMNS = ["x1", "x2", "y", "b"]
MEASURES = ["slacks", "directional"]
KINDS = pytest.mark.parametrize(
    ("returns", "disposability"), [(r, d) for r in ("crs", "vrs") for d in ("strong", "weak")]
)


def panel(seed=0, units=8, years=4):
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(units), range(2010, 2010 + years)], names=["province", "year"]
    )
    size = rng.lognormal(0, 1, (units, 1, 1))
    values = size * rng.lognormal(0, 0.4, (units, years, 4))
    return pd.DataFrame(values.reshape(-1, 4), index=keys, columns=COLUMNS)


def rho(frame, **options):
    return slacks(frame, **{**ROLES, "time": "year", **options}).rho


def index(frame, **options):
    return global_malmquist_luenberger(frame, **{**ROLES, **options})


@KINDS
@pytest.mark.parametrize("measure", MEASURES)
def test_scores_lie_between_zero_and_one_and_some_unit_is_efficient(
    measure, returns, disposability
):
    options = {"measure": measure, "returns": returns, "disposability": disposability}
    scores = index(panel(), **options).scores
    assert (scores > 0).all(axis=None) and (scores <= 1 + 1e-12).all(axis=None)
    assert (scores > 1 - 1e-9).any().all() and not (scores > 1 - 1e-9).all().any()
    # The pooled technology holds that of each year.
    assert (scores["contemporaneous"] >= scores["global"] - 1e-9).all()
    assert (scores["contemporaneous"] > scores["global"] + 1e-3).any()


@KINDS
def test_units_that_span_the_frontier_score_one(returns, disposability):
    # Every unit makes the most of its own mix: x1^2 + x2^2 = 1 below, y above, all in proportion.
    angle = np.linspace(0.1, 1.4, 7)
    frame = pd.DataFrame({"x1": 2 - np.cos(angle), "x2": 2 - np.sin(angle), "y": 1.0, "b": 1.0})
    inner = pd.concat([frame, frame.iloc[:3] * [1.5, 1.5, 1, 1]], ignore_index=True)
    options = {"returns": returns, "disposability": disposability, "time": None}
    found = rho(inner.rename_axis("province"), **options)
    np.testing.assert_allclose(found[:7], 1.0, rtol=0, atol=1e-12)
    assert (found[7:] < 0.9).all()


@given(st.integers(0, 10**6), st.lists(st.floats(1e-3, 1e4), min_size=4, max_size=4))
@settings(max_examples=15, deadline=None)
def test_units_of_measure_do_not_matter(seed, factors):
    frame = panel(seed)
    for returns in ("crs", "vrs"):
        for measure in MEASURES:
            before, after = (
                index(f, returns=returns, measure=measure) for f in (frame, frame * factors)
            )
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


def test_size_does_not_matter_under_constant_returns_and_variable_ones_never_score_lower():
    frame = panel(4)
    factors = np.random.default_rng(0).lognormal(0, 2, len(frame))
    crs, vrs = rho(frame), rho(frame, returns="vrs")
    np.testing.assert_allclose(crs, rho(frame.mul(factors, axis=0)), rtol=0, atol=1e-8)
    assert (vrs >= crs - 1e-9).all() and (vrs > crs + 1e-3).any()


@pytest.mark.parametrize("returns", ["crs", "vrs"])
def test_a_dominated_unit_changes_no_other_score(returns):
    frame = panel(7).xs(2010, level="year")
    worse = (frame.iloc[[0]] * [1.2, 1.1, 0.9, 1.3]).set_axis([99])
    more = pd.concat([frame, worse]).rename_axis("province")
    before, after = (rho(f, returns=returns, time=None) for f in (frame, more))
    np.testing.assert_allclose(after[frame.index], before, rtol=0, atol=1e-10)
    assert after[99] < 0.95


def test_equal_and_proportional_units_all_score_alike():
    frame = panel(8).xs(2010, level="year")
    thrice = pd.concat([frame, frame, frame * 3.3], ignore_index=True).rename_axis("province")
    found = rho(thrice, time=None).to_numpy().reshape(3, -1)
    np.testing.assert_allclose(found[1:], found[:1].repeat(2, axis=0), rtol=0, atol=1e-9)
    assert (found > 1 - 1e-9).any()


def test_weak_disposability_holds_bad_outputs_and_scores_the_rest():
    frame = panel(9)
    found = slacks(frame, **ROLES, time="year", disposability="weak")
    assert (found.slacks >= 0).all(axis=None) and (found.slacks["b"] == 0).all()
    assert not found.peers["abated"].any()
    both = slacks(frame, **ROLES, time="year", disposability="weak", returns="vrs")
    assert both.peers["abated"].any()
    # What is strongly disposable lies farther from the frontier; without bad outputs both agree.
    scores = {d: index(frame, measure="directional", disposability=d).scores["global"]
              for d in ("weak", "strong")}  # fmt: skip
    assert (scores["strong"] <= scores["weak"] + 1e-9).all()
    assert (scores["strong"] < scores["weak"] - 1e-3).any()
    strong, weak = (rho(frame, bad=(), disposability=d) for d in ("strong", "weak"))
    pd.testing.assert_series_equal(strong, weak)


@pytest.mark.parametrize("measure", MEASURES)
@KINDS
def test_the_global_index_multiplies_to_its_parts_and_is_circular(measure, returns, disposability):
    found = index(panel(1), measure=measure, returns=returns, disposability=disposability)
    changes = found.changes
    np.testing.assert_allclose(changes["gml"], changes["ec"] * changes["bpc"], rtol=1e-12)
    chained = changes[["gml", "ec"]].groupby(level="province").prod()
    ends = [found.scores.xs(year, level="year") for year in (2010, 2013)]
    np.testing.assert_allclose(ends[1] / ends[0], chained, rtol=1e-10)


@pytest.mark.parametrize("measure", MEASURES)
def test_more_from_less_counts_as_progress(measure):
    frame = panel(2, years=1).droplevel("year")
    better = frame * [0.95, 0.95, 1.05, 0.9]
    both = pd.concat({2010: frame, 2011: better}, names=["year"]).swaplevel()
    assert (index(both, measure=measure).changes["gml"] > 1.01).all()
    still = pd.concat({2010: frame, 2011: frame}, names=["year"]).swaplevel()
    np.testing.assert_allclose(index(still, measure=measure).changes, 1.0, rtol=1e-9)
    np.testing.assert_allclose(malmquist_luenberger(still, **ROLES).changes, 1.0, rtol=1e-9)


def test_disposability_follows_the_measure_and_scores_are_those_of_slacks():
    frame = panel()
    for measure, usual in (("slacks", "strong"), ("directional", "weak")):
        given = index(frame, measure=measure, disposability=usual)
        pd.testing.assert_frame_equal(index(frame, measure=measure).changes, given.changes)
    scores = index(frame).scores
    np.testing.assert_allclose(scores["global"], rho(frame), rtol=0, atol=1e-12)
    alone = rho(frame.xs(2011, level="year"), time=None)
    own = scores["contemporaneous"].xs(2011, level="year")
    np.testing.assert_allclose(own, alone, rtol=0, atol=1e-9)


@KINDS
def test_the_adjacent_index_multiplies_to_its_parts(returns, disposability):
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
    best = productivity.groupby(level=1).transform("max")
    expected = (best / best.groupby(level=0).shift(1)).dropna()
    np.testing.assert_allclose(found["techch"], expected, rtol=1e-9)


def test_figures_out_of_reach_are_listed_with_unit_period_and_technology():
    keys = pd.MultiIndex.from_product([["A", "B"], [1, 2]], names=["province", "year"])
    # Year 1 knows 1 of bad per 2 of good, and no more than 2 bad from 1 input: A's 6 good
    # with 2 bad would need a lower share of bad, or a larger one with more input.
    frame = pd.DataFrame({"x": 1.0, "y": [4, 6, 2, 2], "b": [2, 2, 1, 1]}, index=keys)
    found = malmquist_luenberger(frame, "x", "y", "b")
    lost = [{"province": "A", "year": 2, "technology": 1}]
    assert found.infeasible.to_dict("records") == lost
    assert np.isnan(found.changes.loc[("A", 2), "ml"])
    assert found.changes.loc[("A", 2), "effch"] == pytest.approx(1)
    assert found.changes.loc[("B", 2)].notna().all()
    # Year 1 knows 9 of bad only, at one size: from 1 of bad, (1 - b) 1 = 9 at b = -8, which
    # would ask for no good output and counts as none.
    frame = pd.DataFrame({"x": 1.0, "y": [1, 0.01, 1, 1], "b": [9, 1, 9, 9]}, index=keys)
    options = {"returns": "vrs", "disposability": "strong"}
    found = malmquist_luenberger(frame, "x", "y", "b", **options)
    assert found.infeasible.to_dict("records") == lost
    assert found.distances["before"].isna().sum() == 3  # year 1 has no period before


def spoilt(column, amount):
    frame = panel()
    frame.loc[(3, 2012), column] = amount
    return frame


AMOUNTS = [
    *(
        (spoilt(column, amount), DataError, rf"{column} is {amount:g} \[province 3, year 2012\]")
        for column in COLUMNS
        for amount in (0.0, -1.0)
    ),
    (spoilt("b", np.nan), SampleError, "province 3, year 2012, variable b"),
    (spoilt("b", np.inf), SampleError, "province 3, year 2012, variable b"),
    (panel(units=1), SampleError, "one unit"),
    (pd.concat([panel(), panel().iloc[[0]]]), SampleError, "more than once"),
    (panel().rename(columns={"x2": "x22"}), DataError, "Did you mean 'x22'"),
    (panel().astype({"x1": str}), DataError, "not numbers"),
]


@pytest.mark.parametrize("measure", [rho, index, lambda f: malmquist_luenberger(f, **ROLES)])
@pytest.mark.parametrize(("frame", "error", "said"), AMOUNTS)
def test_frames_that_are_refused(measure, frame, error, said):
    with pytest.raises(error, match=said):
        measure(frame)


@pytest.mark.parametrize("measure", [index, lambda f: malmquist_luenberger(f, **ROLES)])
def test_an_index_needs_a_balanced_sample_of_two_periods(measure):
    frame = panel().drop((5, 2011))
    with pytest.raises(SampleError, match=r"not balanced: 1 .*province 5, year 2011"):
        measure(frame)
    assert len(rho(frame)) == len(frame)
    with pytest.raises(SampleError, match="one period .*2010"):
        measure(panel(years=1))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"returns": "irs"}, "unknown returns 'irs'"),
        ({"disposability": "free"}, "unknown disposability 'free'"),
        ({"inputs": []}, "inputs are"),
        ({"good": []}, "good outputs are"),
        ({"bad": ["y"]}, "name 'y' twice"),
    ],
)
def test_options_and_roles_that_are_refused(options, said):
    for function in (rho, index, lambda f, **o: malmquist_luenberger(f, **{**ROLES, **o})):
        with pytest.raises(MethodError, match=said):
            function(panel(), **options)
    with pytest.raises(MethodError, match="unknown measure 'radial'"):
        index(panel(), measure="radial")
    with pytest.raises(SampleError, match="also indexed by year"):
        rho(panel(), time=None)


@pytest.mark.parametrize("measure", [rho, index, lambda f: index(f, measure="directional")])
def test_programs_without_a_solution_are_reported_with_unit_and_period(monkeypatch, measure):
    # A unit always belongs to the technology it helps to span, so the solver has to fail.
    status = highspy.HighsModelStatus.kInfeasible
    monkeypatch.setattr(highspy.Highs, "getModelStatus", lambda self: status)
    with pytest.raises(EstimationError, match="province 0, year 2010"):
        measure(panel(units=2, years=2))
