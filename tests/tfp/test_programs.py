"""Frontier analysis: promises of efficiency and of every index, and samples that are refused."""

from functools import partial

import highspy
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_panels import keyed, rearranged, refusals, refuses

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.tfp.dea import efficiency, malmquist
from nqpf.tfp.sbm import global_malmquist_luenberger, malmquist_luenberger, slacks


def panel(seed=0, units=8, years=4):
    rng = np.random.default_rng(seed)
    values = rng.lognormal(0, 1, (units, 1, 1)) * rng.lognormal(0, 0.4, (units, years, 4))
    return pd.DataFrame(values.reshape(-1, 4), keyed(units, years), columns=["x1", "x2", "y", "b"])


def radial(frame, inputs=("x1", "x2"), good=("y", "b"), bad=None, **options):
    if "year" in frame.index.names or "year" in frame:
        return malmquist(frame, inputs, good, "province", "year", **options)
    return efficiency(frame, inputs, good, "province", **options)


def by(function, **fixed):
    def measure(frame, inputs=("x1", "x2"), good="y", bad="b", **options):
        return function(frame, inputs, good, bad, **fixed, **options)

    return measure


slack, adjacent, pooled = by(slacks), by(malmquist_luenberger), by(global_malmquist_luenberger)
yearly, directional = by(slacks, time="year"), partial(pooled, measure="directional")
beyond = partial(yearly, super_efficiency=True)
INDICES, MEASURES = [radial, adjacent, pooled], [pooled, directional]


@settings(max_examples=4)
@given(st.integers(0, 10**6), st.lists(st.floats(1e-3, 1e4), min_size=4, max_size=4))
def test_order_of_rows_and_units_of_measure_do_not_matter(seed, factors):
    scales = dict(zip(["x1", "x2", "y", "b"], factors, strict=True))
    for measure, *close in (
        (lambda f: radial(f).indices, 1e-9, 1e-8),
        (lambda f: radial(f, ("x2", "x1"), returns="vrs").indices, 1e-9, 1e-8),
        (lambda f: yearly(f).rho.to_frame(), 0, 1e-8),
        (lambda f: beyond(f).rho.to_frame(), 0, 1e-8),
        *((lambda f, m=m: m(f).scores, 0, 1e-8) for m in MEASURES),
        *((lambda f, m=m: m(f).changes, 1e-7, 0) for m in (*MEASURES, adjacent)),
    ):
        before, after = rearranged(measure, panel(seed), **scales)
        pd.testing.assert_frame_equal(before, after, rtol=close[0], atol=close[1])
    pd.testing.assert_frame_equal(*rearranged(lambda f: yearly(f).slacks, panel(seed)))


# Radial


def test_a_sequential_frontier_never_recedes_and_a_panel_is_solved_whole():
    assert radial(panel(), reference="sequential").indices.techch.min() >= 1 - 1e-12
    found = radial(panel())
    assert found.indices.techch.min() < 1
    assert list(found.infeasible.columns) == ["province", "year", "frontier", "returns"]
    assert found.infeasible.empty
    assert found.indices.index.unique("year").tolist() == [2011, 2012, 2013]


def test_problems_without_solution_are_named_and_stay_in_the_table():
    # In 2011 the small unit uses less input than any unit of 2010.
    figures = {"x": [2.0, 1, 1, 4, 4, 4], "y": [1.0, 1, 1, 3, 3, 4]}
    frame = pd.DataFrame(figures, keyed(["small", "large"], 3))
    with pytest.warns(UserWarning, match="province.*small.*year.*2011.*frontier of 2010"):
        found = malmquist(frame, ["x"], ["y"], "province", "year", "vrs", split="ray-desli")
    (row,) = found.infeasible.to_dict("records")
    assert row == {"province": "small", "year": 2011, "frontier": 2010, "returns": "vrs"}
    assert found.indices.loc[("small", 2011), ["techch", "sech"]].isna().all()
    assert found.indices[["pech", "tfpch"]].notna().all(axis=None)
    assert found.indices.drop(("small", 2011)).notna().all(axis=None)


def test_an_output_that_a_frontier_lacks_is_reported():
    frame = panel()
    frame.loc[frame.index.get_level_values("year") == 2010, "b"] = 0.0
    with pytest.warns(UserWarning, match="have no solution"):
        found = radial(frame)
    assert set(found.infeasible.frontier) == {2010} and len(found.infeasible) == 8


# Slacks-based and directional


def test_weak_disposability_holds_bad_outputs():
    found = yearly(panel(9), disposability="weak")
    assert (found.slacks >= 0).all(axis=None) and (found.slacks["b"] == 0).all()


@pytest.mark.parametrize("disposability", ["strong", "weak"])
def test_super_efficiency_ranks_efficient_rows_alone_by_what_they_could_lose(disposability):
    frame, options = panel(9), {"disposability": disposability}
    plain, found = yearly(frame, **options), beyond(frame, **options)
    top = plain.rho > 1 - 1e-8
    pd.testing.assert_series_equal(found.rho[~top], plain.rho[~top])
    pd.testing.assert_frame_equal(found.slacks[~top], plain.slacks[~top])
    assert found.infeasible == plain.infeasible == [] and found.rho[top].nunique() == top.sum() > 1
    assert (found.rho[top] >= 1).all() and (found.slacks[top] <= 0).all(axis=None)
    assert disposability == "weak" or found.rho.max() <= 2  # one good output and one bad
    outputs = ["y"] if disposability == "weak" else ["y", "b"]
    share = found.slacks / frame
    rebuilt = (1 - share[["x1", "x2"]].mean(axis=1)) / (1 + share[outputs].mean(axis=1))
    np.testing.assert_allclose(rebuilt, found.rho, rtol=1e-8)
    # What an inefficient row beats changes nothing; an efficient row's double leaves it at 1.
    for more, expected in ((frame[~top] * [2, 2, 1, 1], found.rho), (frame[top], plain.rho)):
        more = pd.concat([frame, more.rename(lambda unit: unit + 100, level="province")])
        np.testing.assert_allclose(beyond(more, **options).rho[frame.index], expected, rtol=1e-8)


def test_bad_outputs_that_the_others_cannot_make_are_named():
    bads = {"b1": [1.0, 2.0, 8.0], "b2": [8.0, 2.0, 1.0]}
    frame = pd.DataFrame({"x": [1.0, 1, 1], "y": [2.0, 2, 2], **bads}, pd.Index([*"abc"], name="z"))
    call = partial(slacks, frame, "x", "y", list(bads), "z", super_efficiency=True)
    with pytest.warns(UserWarning, match="2 efficient rows .*first {'z': 'a'}: the others cannot"):
        found = call(disposability="weak")
    assert found.infeasible == ["a", "c"] and found.slacks.loc[["a", "c"]].isna().all(axis=None)
    assert found.rho["b"] >= 1 and call().infeasible == []


@pytest.mark.parametrize("measure", MEASURES, ids=["slacks", "directional"])
def test_the_global_index_multiplies_to_its_parts_and_is_circular(measure):
    found = measure(panel(1))
    changes = found.changes
    np.testing.assert_allclose(changes["gml"], changes["ec"] * changes["bpc"], rtol=1e-12)
    chained = changes[["gml", "ec"]].groupby(level="province").prod()
    ends = [found.scores.xs(year, level="year") for year in (2010, 2013)]
    np.testing.assert_allclose(ends[1] / ends[0], chained, rtol=1e-10)


def test_scores_of_the_global_index_are_those_of_slacks():
    scores = pooled(panel()).scores
    np.testing.assert_allclose(scores["global"], yearly(panel()).rho, rtol=0, atol=1e-12)
    alone = slack(panel().xs(2011, level="year")).rho
    own = scores["contemporaneous"].xs(2011, level="year")
    np.testing.assert_allclose(own, alone, rtol=0, atol=1e-9)


def test_the_adjacent_index_multiplies_to_its_parts_of_which_efficiency_is_always_known():
    changes = adjacent(panel(3)).changes
    assert changes["effch"].notna().all()  # needs own technologies only
    assert len(known := changes.dropna()) > 5
    np.testing.assert_allclose(known["ml"], known["effch"] * known["techch"], rtol=1e-12)


@pytest.mark.parametrize("measure", [yearly, *MEASURES])
def test_programs_without_a_solution_are_reported_with_unit_and_period(monkeypatch, measure):
    # A unit always belongs to the technology it helps to span, so the solver has to fail.
    status = highspy.HighsModelStatus.kInfeasible
    monkeypatch.setattr(highspy.Highs, "getModelStatus", lambda self: status)
    refuses(EstimationError, "province 0, year 2010", measure, panel(units=2, years=2))


# What is refused


PANEL = panel(units=6)
YEAR, HOLED = PANEL.xs(2011, level="year"), PANEL.drop((5, 2011))


def spoilt(column, amount):
    frame = PANEL.copy()
    frame.loc[(3, 2012), column] = amount
    return frame


AT, ONE = r"\[province 3, year 2012", PANEL.loc[(slice(None), [2011]), :]
SAMPLES = [
    (spoilt("x1", 0.0), DataError, "x1 is 0 " + AT),
    (spoilt("y", -1.0), DataError, "y is -1 " + AT),
    (spoilt("b", -1.0), DataError, "b is -1 " + AT),
    (spoilt(["y", "b"], 0.0), DataError, "is 0 " + AT),
    (spoilt("y", np.nan), SampleError, AT + ", variable y"),
    (spoilt("x2", np.inf), SampleError, AT + ", variable x2"),
    (PANEL.loc[[3]], SampleError, "1 .*province 3.*own frontier"),
    (pd.concat([PANEL, PANEL.iloc[[5]]]), SampleError, "more than once"),
    (PANEL.iloc[:0], SampleError, "no rows"),
    (PANEL.rename(columns={"x2": "x22"}), DataError, "Did you mean 'x22'"),
    (pd.concat([PANEL, PANEL[["x1"]]], axis=1), DataError, "'x1' 2 times"),
]
ROLES = [({"inputs": []}, "inputs are"), ({"good": []}, "outputs are")]
ROLES += [({"good": names}, f"name '{names[-1]}' twice") for names in (["y", "x1"], ["year"])]
OWN = [*((radial, option) for option in ("returns", "reference", "split"))]
OWN += [(pooled, "measure"), (yearly, "disposability")]
test_samples_roles_and_options_that_are_refused = refusals(
    MethodError,
    *((said, partial(call, frame), error)
      for call in (*INDICES, yearly) for frame, error, said in SAMPLES),
    *((said, partial(call, PANEL, **roles))
      for call in (*INDICES, yearly) for roles, said in ROLES),
    *((f"unknown {name} 'free'", partial(call, PANEL, **{name: "free"})) for call, name in OWN),
    *(("a row is missing .*province 5, year 2011", partial(call, HOLED), SampleError)
      for call in INDICES),
    *(("one period .*2011", partial(call, ONE), SampleError) for call in INDICES),
    *(("more than once.*province 0", partial(call, pd.concat([YEAR, YEAR.iloc[:1]])), SampleError)
      for call in (slack, radial)),
    ("gap.*year 2011", lambda: radial(PANEL.drop(2011, level="year")), SampleError),
    ("returns='vrs'", lambda: radial(PANEL, split="ray-desli")),
    ("own frontier.*2012.*unit of measure",
     lambda: radial(spoilt(["x1", "x2"], 1e300)), EstimationError),
)  # fmt: skip


def test_measures_of_a_year_need_no_balanced_sample():
    assert len(yearly(HOLED).rho) == 23
