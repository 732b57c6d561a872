"""Regressions with instruments: invariances, shapes of sets, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nqpf.errors import DataError, EstimationError, MethodError, NqpfError, SampleError
from nqpf.regress import RegressionTable, fixed_effects
from nqpf.regress.iv import ConfidenceSet, instrumental, invert


def sample(seed=0, units=12, years=6, drop=0, strength=1.0):
    """Outcome y = 0.5 x + 0.3 w, an error that moves x too, two valid instruments."""
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(units), range(2010, 2010 + years)], names=["province", "year"]
    )
    frame = pd.DataFrame(rng.normal(size=(len(keys), 4)), keys, ["z", "v", "w", "x"])
    error = rng.normal(size=len(keys))
    frame["x"] += strength * (frame["z"] + 0.6 * frame["v"]) + 0.8 * error
    frame["y"] = 0.5 * frame["x"] + 0.3 * frame["w"] + error
    return frame.iloc[np.sort(rng.permutation(len(frame))[drop:])]


def fit(frame, **options):
    return instrumental(frame, "y", "x", ["z", "v"], ["w"], **options)


@given(st.integers(0, 10**6), st.integers(0, 8))
@settings(max_examples=4, deadline=None)
def test_row_order_and_key_place_do_not_matter(seed, drop):
    frame = sample(seed, drop=drop)
    mixed = frame.sample(frac=1, random_state=1).reset_index()
    before = mixed.copy()
    got, wanted = fit(mixed), fit(frame)
    pd.testing.assert_frame_equal(got.to_frame(), wanted.to_frame(), rtol=1e-9)
    pd.testing.assert_frame_equal(
        got.diagnostics.to_frame(), wanted.diagnostics.to_frame(), rtol=1e-8
    )
    pd.testing.assert_frame_equal(mixed, before)


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
@settings(max_examples=4, deadline=None)
def test_units_of_variables(x, y, z):
    plain = fit(sample())
    scaled = fit(sample().assign(x=lambda f: f.x * x, y=lambda f: f.y * y, z=lambda f: f.z * z))
    np.testing.assert_allclose(scaled.params["x"] * x / y, plain.params["x"], rtol=1e-8)
    np.testing.assert_allclose(
        np.array(scaled.diagnostics.anderson_rubin.intervals) * x / y,
        plain.diagnostics.anderson_rubin.intervals,
        rtol=1e-7,
    )
    assert scaled.diagnostics.effective_f == pytest.approx(plain.diagnostics.effective_f)
    assert scaled.diagnostics.hansen.statistic == pytest.approx(plain.diagnostics.hansen.statistic)


@given(st.integers(0, 10**6))
@settings(max_examples=3, deadline=None)
def test_an_instrument_for_itself_is_least_squares(seed):
    frame = sample(seed, drop=3).assign(copy=lambda f: f["x"] * 2)
    got = instrumental(frame, "y", "x", "copy", "w")
    wanted = fixed_effects(frame, "y", ["x", "w"])
    np.testing.assert_allclose(got.params, wanted.params, rtol=1e-9)
    np.testing.assert_allclose(got.cov, wanted.cov, rtol=1e-8)


def test_an_exact_relation_is_recovered():
    frame = sample(2).assign(y=lambda f: 3 * f["x"] - 2 * f["w"] + f.index.get_level_values(0))
    result = fit(frame)
    np.testing.assert_allclose(result.params, [3, -2], rtol=1e-9)
    np.testing.assert_allclose(result.residuals, 0, atol=1e-9)


def test_a_table_prints_it():
    result = fit(sample(3, drop=4), vintage="census5")
    assert (result.nobs, result.groups, result.periods, result.df) == (68, 12, 6, 11)
    assert result.endogenous == ("x",)
    assert result.instruments == ("z", "v")
    table = RegressionTable({"2SLS": result, "FE": fixed_effects(sample(3), "y", ["x", "w"])})
    assert "census5" in table.to_html()
    assert list(result.diagnostics.first_stage.columns) == ["partial_r2", "F", "F_robust", "pvalue"]


def test_notes_say_when_instruments_are_weak():
    strong, weak = (fit(sample(strength=s)) for s in (2.0, 0.05))
    assert strong.notes[0] == "Instruments of x: z, v."
    assert not any("may be weak" in note for note in strong.notes)
    assert any("may be weak (effective F" in note for note in weak.notes)
    assert any("Anderson-Rubin 95% set of x" in note for note in weak.notes)


def test_just_identified_has_nothing_to_test_of_validity():
    frame = sample()
    diagnostics = instrumental(frame, "y", "x", "z", "w").diagnostics
    assert diagnostics.sargan is None
    assert diagnostics.hansen is None
    # The set then always contains the estimate.
    assert instrumental(frame, "y", "x", "z", "w").params["x"] in diagnostics.anderson_rubin


def test_several_endogenous_regressors_have_no_single_set():
    diagnostics = instrumental(sample(), "y", ["x", "w"], ["z", "v"]).diagnostics
    assert diagnostics.anderson_rubin is None
    assert diagnostics.effective_f is None
    assert diagnostics.cragg_donald < diagnostics.first_stage["F"].min()


@pytest.mark.parametrize(
    ("strength", "shapes"),
    [(1.0, {"interval"}), (0.0, {"whole line", "two rays", "interval", "union"})],
)
def test_shape_of_the_set_follows_the_strength(strength, shapes):
    found = {fit(sample(s, strength=strength)).diagnostics.anderson_rubin.shape for s in range(8)}
    assert found <= shapes
    assert strength or found & {"whole line", "two rays"}


def test_an_invalid_instrument_empties_the_set():
    frame = sample(1).assign(y=lambda f: f["y"] + 5 * f["v"] - 5 * f["z"])
    diagnostics = fit(frame, errors="unadjusted").diagnostics
    assert diagnostics.anderson_rubin.shape == "empty"
    assert diagnostics.hansen.pvalue < 1e-6


def test_the_set_covers_the_truth_with_weak_instruments():
    """95 % sets in 30 samples: coverage within three standard errors of its level."""
    covered = [
        0.5 in fit(sample(s, strength=0.05), errors="unadjusted").diagnostics.anderson_rubin
        for s in range(30)
    ]
    assert np.mean(covered) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 30)


@given(st.lists(st.floats(-50, 50), min_size=4, max_size=4, unique=True))
@settings(max_examples=40, deadline=None)
def test_a_union_of_two_intervals_is_found(points):
    """Diagonal matrices, whose accepted sets are known, mixed by a rotation."""
    a, b, c, d = sorted(points)
    if min(b - a, c - b, d - c) < 1e-3:
        return
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]])
    # (t - a)(d - t) >= 0 and (t - b)(t - c) >= 0
    pieces = [np.diag([-a * d, b * c]), np.diag([a + d, -b - c]), np.diag([-1.0, 1.0])]
    found = invert([turn @ p @ turn.T for p in pieces], 0.95)
    np.testing.assert_allclose(found.intervals, [(a, b), (c, d)], atol=1e-6)
    assert found.shape == "union"


@pytest.mark.parametrize(
    ("intervals", "shape", "text"),
    [
        ((), "empty", "empty"),
        (((-np.inf, np.inf),), "whole line", "(-inf, inf)"),
        (((-np.inf, 2.0),), "ray", "(-inf, 2]"),
        (((1.0, 2.0),), "interval", "[1, 2]"),
    ],
    ids=["empty", "line", "ray", "interval"],
)
def test_sets_say_what_they_are(intervals, shape, text):
    found = ConfidenceSet(intervals, 0.95)
    assert (found.shape, str(found)) == (shape, text)
    assert found.bounded == (shape in ("empty", "interval"))


def constant_in_year(frame):
    return frame.assign(z=frame.index.get_level_values("year").astype(float))


BAD = {
    "unknown variable": (lambda f: f.drop(columns="z"), {}, DataError, "'z'"),
    "missing": (
        lambda f: f.assign(z=f["z"].where(f["z"] < f["z"].max())),
        {},
        SampleError,
        "variable z",
    ),
    "absorbed": (constant_in_year, {}, EstimationError, "'z'"),
    "collinear": (lambda f: f.assign(v=2 * f["z"] + f["w"]), {}, EstimationError, "among instr"),
    "outcome fitted exactly": (lambda f: f.assign(y=3 * f["w"]), {}, EstimationError, "'y'"),
    "outcome of effects alone": (
        lambda f: f.assign(y=f.index.get_level_values(0) ** 2 + f.index.get_level_values(1) * 1.0),
        {},
        EstimationError,
        "'y' does not vary",
    ),
    "constant outcome": (lambda f: f.assign(y=1.0), {}, EstimationError, "'y'"),
    "effects": (lambda f: f, {"effects": "both"}, MethodError, "effects 'both'"),
    "errors": (lambda f: f, {"errors": "cluster"}, MethodError, "did you mean|Did you mean"),
    "convention": (lambda f: f, {"convention": "stata"}, MethodError, "convention 'stata'"),
    "level": (lambda f: f, {"level": 95}, MethodError, "level 95"),
    "twice": (lambda f: f, {"exogenous": ["z"]}, MethodError, "'z' is named more than once"),
    "name of the constant": (
        lambda f: f.rename(columns={"w": "const"}),
        {"exogenous": ["const"], "effects": "pooled"},
        MethodError,
        "called 'const'",
    ),
    "under-identified": (lambda f: f, {"endogenous": ["x", "w"]}, MethodError, "1 instrument"),
    "no endogenous": (lambda f: f, {"endogenous": []}, MethodError, "no endogenous"),
    "few clusters": (
        lambda f: f.loc[f.index.get_level_values(0) < 2],
        {"instruments": ["z", "v"]},
        EstimationError,
        "2 instruments with 2 clusters",
    ),
    "singleton": (lambda f: f.iloc[5:], {}, SampleError, "single row"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_requests(case):
    spoil, options, error, words = BAD[case]
    request = {"endogenous": "x", "instruments": ["z"], "exogenous": ["w"]}
    if case == "under-identified":
        request["exogenous"] = []
    if case == "collinear":
        request["instruments"] = ["z", "v"]
    with pytest.raises(error, match=words) as caught:
        instrumental(spoil(sample()), "y", **{**request, **options})
    assert isinstance(caught.value, NqpfError)


def test_instruments_that_do_not_move_the_regressor():
    frame = sample()
    rest = fixed_effects(frame, "x", ["z", "w"]).residuals
    with pytest.raises(EstimationError, match="'z' do not identify the coefficients of 'x'"):
        instrumental(frame.assign(x=rest), "y", "x", "z", "w")


def test_several_endogenous_regressors_are_judged_together():
    # Each first stage is strong, and both rest on the same combination of the instruments.
    rng = np.random.default_rng(2)
    keys = pd.MultiIndex.from_product([range(60), range(8)], names=["province", "year"])
    z, error = rng.normal(size=(480, 2)), rng.normal(size=(480, 2))
    same = pd.DataFrame({"z1": z[:, 0], "z2": z[:, 1]}, keys)
    same["x1"], same["x2"] = z.sum(axis=1) + error[:, 0], z.sum(axis=1) - error[:, 1]
    same["y"] = error.sum(axis=1)
    apart = same.assign(x1=z[:, 0] + error[:, 0], x2=z[:, 1] - error[:, 1])
    for frame, weak in ((same, True), (apart, False)):
        result = instrumental(frame, "y", ["x1", "x2"], ["z1", "z2"], effects="pooled")
        assert (result.diagnostics.first_stage["F_robust"] > 100).all()
        note = next(n for n in result.notes if "Cragg-Donald" in n)
        assert f"F = {result.diagnostics.cragg_donald:.2f}" in note
        assert ("may be weak" in note) == weak == (result.diagnostics.cragg_donald < 10)
        assert note in RegressionTable({"iv": result}).to_html()


def test_a_note_never_prints_the_null_as_the_verdict():
    frame = sample(units=40)
    bad = frame.assign(v=frame["v"] + frame["y"])  # an instrument that the error moves
    for data, word in ((frame, "not rejected"), (bad, "rejected")):
        result = fit(data)
        note = next(n for n in result.notes if n.startswith("Over-identification"))
        assert (result.diagnostics.hansen.pvalue < 0.05) == (word == "rejected")
        assert note.endswith(f"null hypothesis: overidentifying restrictions hold; {word} at 5%.")
