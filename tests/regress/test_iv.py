"""Regressions with instruments: invariances, shapes of sets, and notes."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import lacking, normals

from nqpf.regress import RegressionTable
from nqpf.regress.iv import instrumental


def sample(seed=0, units=12, years=6, drop=0, strength=1.0):
    """Outcome y = 0.5 x + 0.3 w, an error that moves x too, two valid instruments."""
    frame, rng = normals(seed, "zvwx", units, years)
    error = rng.normal(size=len(frame))
    frame["x"] += strength * (frame["z"] + 0.6 * frame["v"]) + 0.8 * error
    frame["y"] = 0.5 * frame["x"] + 0.3 * frame["w"] + error
    return lacking(frame, rng, drop)


def fit(frame, **options):
    return instrumental(frame, "y", "x", ["z", "v"], ["w"], **options)


@pytest.mark.parametrize(("x", "y", "z", "drop"), [(1e-6, 1e5, 3.0, 0), (1e6, 1e-3, 1e-6, 8)])
def test_row_order_key_place_and_units_do_not_matter(x, y, z, drop):
    frame = sample(drop=drop)
    mixed = frame.sample(frac=1, random_state=1).reset_index()
    mixed = mixed.assign(x=lambda f: f.x * x, y=lambda f: f.y * y, z=lambda f: f.z * z)
    before = mixed.copy()
    plain, got = fit(frame), fit(mixed)
    pd.testing.assert_frame_equal(mixed, before)
    np.testing.assert_allclose(got.params["x"] * x / y, plain.params["x"], rtol=1e-8)
    np.testing.assert_allclose(got.tstats, plain.tstats, rtol=1e-8)
    wanted, found = plain.diagnostics, got.diagnostics
    sets = [np.array(d.anderson_rubin.intervals) for d in (found, wanted)]
    np.testing.assert_allclose(sets[0] * x / y, sets[1], rtol=1e-7)
    assert found.effective_f == pytest.approx(wanted.effective_f)
    for name in ("hansen", "endogeneity"):
        tests = (getattr(d, name).statistic for d in (found, wanted))
        assert next(tests) == pytest.approx(next(tests), rel=1e-6)


def test_a_table_prints_it_with_notes_that_say_when_instruments_are_weak():
    result = fit(sample(3, drop=4), vintage="census5")
    assert (result.nobs, result.groups, result.periods, result.df) == (68, 12, 6, 11)
    assert "census5" in RegressionTable({"2SLS": result}).to_html()
    strong, weak = (fit(sample(strength=s)).notes for s in (2.0, 0.05))
    assert strong[0] == "Instruments of x: z, v."
    assert not any("may be weak" in note for note in strong)
    assert any("may be weak (effective F" in note for note in weak)
    assert any("Anderson-Rubin 95% set of x" in note for note in weak)


def test_the_shape_of_sets_follows_the_strength():
    assert fit(sample(0)).diagnostics.anderson_rubin.shape == "interval"
    weak = [fit(sample(s, strength=0.25), errors="unadjusted") for s in range(5)]
    shapes = {found.diagnostics.anderson_rubin.shape for found in weak}
    assert shapes == {"interval", "whole line", "two rays"}


def test_an_invalid_instrument_empties_the_set_and_the_note_names_null_and_verdict():
    bad = sample(1).assign(y=lambda f: f["y"] + 5 * f["v"] - 5 * f["z"])
    for frame, word in ((sample(1), "not rejected"), (bad, "rejected")):
        result = fit(frame, errors="unadjusted")
        assert (result.diagnostics.anderson_rubin.shape == "empty") == (word == "rejected")
        note = next(n for n in result.notes if n.startswith("Over-identification"))
        assert note.endswith(f"null hypothesis: overidentifying restrictions hold; {word} at 5%.")


def test_several_endogenous_regressors_are_judged_together():
    # Each first stage is strong, and both rest on the same combination of the instruments.
    base, _ = normals(2, "zvef", 60, 8)
    z, v, e, f = base.to_numpy().T
    same, apart = (base.assign(y=e + f, x=a + e, w=b - f) for a, b in ((z + v, z + v), (z, v)))
    for frame, weak in ((same, True), (apart, False)):
        result = instrumental(frame, "y", ["x", "w"], ["z", "v"], effects="pooled")
        found = result.diagnostics
        assert (found.first_stage["F_robust"] > 100).all()
        note = next(n for n in result.notes if "Cragg-Donald" in n)
        assert f"F = {found.cragg_donald:.2f}" in note
        assert ("may be weak" in note) == weak == (found.cragg_donald < 10)
        assert note in RegressionTable({"iv": result}).to_html()
        assert found.anderson_rubin is found.effective_f is None
