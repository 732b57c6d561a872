"""Slacks-based efficiency and the global index: promises, options and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.tfp.programs import Program
from nqpf.tfp.sbm import global_malmquist_luenberger, slacks

ROLES = {"inputs": ["x1", "x2"], "good": ["y"], "bad": ["b"]}
COLUMNS = ["x1", "x2", "y", "b"]
KINDS = [
    pytest.param(returns, disposability, id=f"{returns}-{disposability}")
    for returns in ("crs", "vrs")
    for disposability in ("strong", "weak")
]


def panel(seed=0, units=8, years=4):
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(units), range(2010, 2010 + years)], names=["province", "year"]
    )
    size = rng.lognormal(0, 1, (units, 1, 1))
    values = size * rng.lognormal(0, 0.4, (units, years, 4))
    return pd.DataFrame(values.reshape(-1, 4), index=keys, columns=COLUMNS)


def test_scores_lie_between_zero_and_one_and_some_unit_is_efficient():
    found = slacks(panel(), **ROLES, time="year")
    assert (found.rho > 0).all() and (found.rho <= 1 + 1e-12).all()
    assert found.efficient.any() and not found.efficient.all()
    assert (found.slacks >= 0).all().all()


@pytest.mark.parametrize(("returns", "disposability"), KINDS)
def test_units_that_span_the_frontier_score_one(returns, disposability):
    # Every unit makes the most of its own mix: x1^2 + x2^2 = 1 below, y above, all in proportion.
    angle = np.linspace(0.1, 1.4, 7)
    frame = pd.DataFrame(
        {"x1": 2 - np.cos(angle), "x2": 2 - np.sin(angle), "y": 1.0, "b": 1.0},
        index=pd.RangeIndex(7, name="plant"),
    )
    inner = pd.concat([frame, frame.iloc[:3] * [1.5, 1.5, 1, 1]], ignore_index=True)
    inner.index.name = "plant"
    options = {"unit": "plant", "returns": returns, "disposability": disposability}
    rho = slacks(inner, **ROLES, **options).rho
    np.testing.assert_allclose(rho[:7], 1.0, rtol=0, atol=1e-12)
    assert (rho[7:] < 0.9).all()


@given(st.integers(0, 10**6), st.lists(st.floats(1e-3, 1e4), min_size=4, max_size=4))
@settings(max_examples=15, deadline=None)
def test_units_of_measure_do_not_matter(seed, factors):
    frame = panel(seed)
    for returns in ("crs", "vrs"):
        before = slacks(frame, **ROLES, time="year", returns=returns)
        after = slacks(frame * factors, **ROLES, time="year", returns=returns)
        np.testing.assert_allclose(after.rho, before.rho, rtol=0, atol=1e-8)
    first, second = (
        global_malmquist_luenberger(f, **ROLES).changes for f in (frame, frame * factors)
    )
    np.testing.assert_allclose(first, second, rtol=1e-7)


def test_order_of_rows_does_not_matter_and_the_frame_stays_as_it_was():
    frame = panel(3)
    copy = frame.copy(deep=True)
    shuffled = frame.sample(frac=1, random_state=0)
    first, second = (slacks(f, **ROLES, time="year") for f in (frame, shuffled))
    pd.testing.assert_series_equal(first.rho, second.rho)
    pd.testing.assert_frame_equal(frame, copy)
    flat = slacks(frame.reset_index(), **ROLES, time="year")
    pd.testing.assert_series_equal(first.rho, flat.rho)


def test_size_does_not_matter_under_constant_returns():
    frame = panel(4)
    factors = np.random.default_rng(0).lognormal(0, 2, len(frame))
    first = slacks(frame, **ROLES, time="year").rho
    second = slacks(frame.mul(factors, axis=0), **ROLES, time="year").rho
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-8)


def test_variable_returns_never_score_lower():
    frame = panel(5)
    crs, vrs = (slacks(frame, **ROLES, time="year", returns=r).rho for r in ("crs", "vrs"))
    assert (vrs >= crs - 1e-9).all() and (vrs > crs + 1e-3).any()


def test_own_technology_never_scores_lower_than_the_pooled_one():
    frame = panel(6)
    pooled = slacks(frame, **ROLES, time="year").rho
    own = slacks(frame, **ROLES, time="year", reference="contemporaneous").rho
    assert (own >= pooled - 1e-9).all() and (own > pooled + 1e-3).any()
    alone = slacks(frame.xs(2011, level="year"), **ROLES)
    np.testing.assert_allclose(own.xs(2011, level="year"), alone.rho, rtol=0, atol=1e-9)


def test_a_dominated_unit_changes_no_other_score():
    frame = panel(7).xs(2010, level="year")
    worse = frame.iloc[[0]] * [1.2, 1.1, 0.9, 1.3]
    worse.index = [99]
    more = pd.concat([frame, worse]).rename_axis("province")
    for returns in ("crs", "vrs"):
        before = slacks(frame, **ROLES, returns=returns).rho
        after = slacks(more, **ROLES, returns=returns).rho
        np.testing.assert_allclose(after[frame.index], before, rtol=0, atol=1e-10)
        assert after[99] < 0.95


def test_equal_and_proportional_units_all_score_alike():
    frame = panel(8).xs(2010, level="year")
    twice = pd.concat([frame, frame, frame * 3.3], ignore_index=True).rename_axis("province")
    rho = slacks(twice, **ROLES).rho.to_numpy().reshape(3, -1)
    np.testing.assert_allclose(rho[1:], rho[:1].repeat(2, axis=0), rtol=0, atol=1e-9)
    assert (rho > 1 - 1e-9).any()


def test_weak_disposability_holds_bad_outputs_and_scores_the_rest():
    frame = panel(9)
    found = slacks(frame, **ROLES, time="year", disposability="weak")
    assert (found.slacks["b"] == 0).all()
    assert not found.peers["abated"].any()
    both = slacks(frame, **ROLES, time="year", disposability="weak", returns="vrs")
    assert both.peers["abated"].any()


def test_without_bad_outputs_disposability_says_nothing():
    frame = panel(10)
    strong, weak = (
        slacks(frame, ["x1", "x2"], "y", time="year", disposability=d).rho
        for d in ("strong", "weak")
    )
    pd.testing.assert_series_equal(strong, weak)


def test_results_print_as_tables():
    frame = panel()
    found = slacks(frame, **ROLES, time="year")
    assert list(found.to_frame()) == ["rho", "slack_x1", "slack_x2", "slack_y", "slack_b"]
    assert "<table" in found._repr_html_()
    index = global_malmquist_luenberger(frame, **ROLES)
    assert "<table" in index._repr_html_()
    assert list(index.summary()) == list(index.to_frame()) == ["gml", "ec", "bpc"]
    assert index.infeasible.empty


MEASURES = ["slacks", "directional"]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(("returns", "disposability"), KINDS)
def test_the_global_index_multiplies_to_its_parts_and_is_circular(measure, returns, disposability):
    options = {"measure": measure, "returns": returns, "disposability": disposability}
    found = global_malmquist_luenberger(panel(1), **ROLES, **options)
    changes = found.changes
    np.testing.assert_allclose(changes["gml"], changes["ec"] * changes["bpc"], rtol=1e-12)
    chained = changes.groupby(level="province").prod()
    np.testing.assert_allclose(found.between(2010, 2013), chained, rtol=1e-10)
    np.testing.assert_allclose(found.between(2013, 2010), 1 / chained, rtol=1e-10)
    last = found.cumulative().xs(2013, level="year")
    np.testing.assert_allclose(last, chained, rtol=1e-10)
    assert (found.cumulative().xs(2010, level="year") == 1).all().all()


@pytest.mark.parametrize("measure", MEASURES)
def test_more_from_less_counts_as_progress(measure):
    frame = panel(2, years=1).droplevel("year")
    better = frame * [0.95, 0.95, 1.05, 0.9]
    both = pd.concat({2010: frame, 2011: better}, names=["year"]).swaplevel()
    changes = global_malmquist_luenberger(both, **ROLES, measure=measure).changes
    assert (changes["gml"] > 1.01).all()
    still = pd.concat({2010: frame, 2011: frame}, names=["year"]).swaplevel()
    same = global_malmquist_luenberger(still, **ROLES, measure=measure).changes
    np.testing.assert_allclose(same, 1.0, rtol=1e-9)


def test_disposability_follows_the_measure_unless_it_is_given():
    frame = panel()
    for measure, usual in (("slacks", "strong"), ("directional", "weak")):
        found = global_malmquist_luenberger(frame, **ROLES, measure=measure)
        assert found.disposability == usual
        given = global_malmquist_luenberger(frame, **ROLES, measure=measure, disposability=usual)
        pd.testing.assert_frame_equal(found.changes, given.changes)


def test_scores_behind_the_index_are_those_of_slacks():
    frame = panel()
    index = global_malmquist_luenberger(frame, **ROLES)
    for kind in ("global", "contemporaneous"):
        rho = slacks(frame, **ROLES, time="year", reference=kind).rho
        np.testing.assert_allclose(index.scores[kind], rho, rtol=0, atol=1e-12)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("amount", [0.0, -1.0])
def test_an_amount_that_is_not_positive_is_named(column, amount):
    frame = panel()
    frame.loc[(3, 2012), column] = amount
    with pytest.raises(DataError, match=rf"{column} is {amount:g} \[province 3, year 2012\]"):
        slacks(frame, **ROLES, time="year")


@pytest.mark.parametrize("amount", [np.nan, np.inf])
def test_a_missing_amount_is_named(amount):
    frame = panel()
    frame.loc[(3, 2012), "b"] = amount
    with pytest.raises(SampleError, match="province 3, year 2012, variable b"):
        global_malmquist_luenberger(frame, **ROLES)


def test_one_unit_is_refused():
    with pytest.raises(SampleError, match="one unit only"):
        slacks(panel(units=1), **ROLES, time="year")
    with pytest.raises(SampleError, match="one unit only"):
        slacks(panel().xs(2010, level="year").iloc[:1], **ROLES)


def test_an_unbalanced_sample_is_refused_by_name():
    frame = panel().drop((5, 2011))
    with pytest.raises(SampleError, match=r"not balanced: 1 .*province 5, year 2011"):
        global_malmquist_luenberger(frame, **ROLES)
    assert len(slacks(frame, **ROLES, time="year").rho) == len(frame)


def test_one_period_is_refused():
    with pytest.raises(SampleError, match="two periods.*2010"):
        global_malmquist_luenberger(panel(years=1), **ROLES)


def test_a_double_key_and_an_unnamed_period_are_refused():
    frame = panel()
    with pytest.raises(SampleError, match="more than once"):
        slacks(pd.concat([frame, frame.iloc[[0]]]), **ROLES, time="year")
    with pytest.raises(SampleError, match="also indexed by year"):
        slacks(frame, **ROLES)
    single = frame.xs(2010, level="year")
    with pytest.raises(SampleError, match="more than once"):
        slacks(pd.concat([single, single.iloc[[0]]]), **ROLES)


def test_text_and_unknown_columns_are_refused():
    frame = panel()
    with pytest.raises(DataError, match="did you mean|Did you mean"):
        slacks(frame, ["x1", "x22"], "y", "b", time="year")
    with pytest.raises(DataError, match="not numbers"):
        slacks(frame.astype({"x1": str}), **ROLES, time="year")


@pytest.mark.parametrize(
    "options",
    [
        {"returns": "irs"},
        {"disposability": "free"},
        {"reference": "yearly"},
        {"inputs": []},
        {"good": []},
        {"bad": ["y"]},
    ],
    ids=lambda options: "-".join(options),
)
def test_unknown_options_and_roles_are_refused(options):
    with pytest.raises(MethodError):
        slacks(panel(), **{**ROLES, **options}, time="year")


def test_an_unknown_measure_and_period_are_refused():
    with pytest.raises(MethodError, match="unknown measure 'radial'"):
        global_malmquist_luenberger(panel(), **ROLES, measure="radial")
    with pytest.raises(SampleError, match="no year 2030"):
        global_malmquist_luenberger(panel(), **ROLES).between(2010, 2030)


def test_programs_without_a_solution_are_reported_with_unit_and_period(monkeypatch):
    # A unit always belongs to the technology it helps to span, so the solver has to fail.
    monkeypatch.setattr(Program, "solve", lambda self: "infeasible")
    with pytest.raises(EstimationError, match="province 0, year 2010"):
        slacks(panel(units=2, years=2), **ROLES, time="year")
    found = global_malmquist_luenberger(panel(units=2, years=2), **ROLES)
    assert len(found.infeasible) == 8 and found.changes.isna().all().all()
    assert found.infeasible.iloc[0].tolist() == [0, 2010, "global"]
