"""The specification curve against plain loops and statsmodels."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import keyed

from nqpf.multiverse.inference import _draws
from nqpf.multiverse.redraw import _Plan, _Specification

EFFECTS = ("two-way", "unit", "time", "pooled")


def panel(gaps):
    """Twelve units, six years; with gaps, rows missing at random, one series shorter, a sample."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        rng.normal(size=(72, 6)), keyed(12, 6), ["y", "x1", "x2", "c1", "c2", "short"]
    )
    frame["y"] += 0.3 * frame["x1"] + np.repeat(rng.normal(size=12), 6)
    frame["x2"] = 1e6 + 1e4 * (frame["x2"] + frame["x1"])
    frame["inner"] = frame.index.get_level_values("province") < 9
    if gaps:
        frame = frame.drop(frame.index[[3, 17, 30, 31, 44, 60, 71]])
        frame.loc[frame.index.get_level_values("year") == 2010, "short"] = np.nan
    return frame


def specifications():
    """Pairs of every kind: shared outcome, shared focal, none, one, two controls, a sample."""
    rows = [
        (outcome, focal, controls, effects, sample)
        for effects in EFFECTS
        for outcome, focal, controls, sample in [
            ("y", "x1", (), "all"),
            ("y", "x1", ("c1", "c2"), "all"),
            ("y", "x2", ("c2", "c1"), "all"),
            ("y", "x2", ("short",), "all"),
            ("x1", "c1", ("c2",), "inner"),
            ("x2", "c1", ("c2",), "inner"),
        ]
    ]
    return pd.DataFrame(rows, columns=["outcome", "focal", "controls", "effects", "sample"])


def design(rows, names, effects):
    """Return names, a constant and explicit dummies at unit length."""
    parts = [rows[names].to_numpy(float), np.ones((len(rows), 1))]
    for level, kinds in (("province", ("two-way", "unit")), ("year", ("two-way", "time"))):
        if effects in kinds:
            values = rows[level].to_numpy()
            parts.append((values[:, None] == np.unique(values)[1:]).astype(float))
    x = np.hstack(parts)
    return x / np.linalg.norm(x, axis=0)  # units of money against dummies


def by_dummies(rows, outcome, names, effects):
    """Coefficient of the first name and its clustered error, by explicit dummies."""
    x, y = design(rows, names, effects), rows[outcome].to_numpy()
    bread = np.linalg.inv(x.T @ x)
    slopes = bread @ x.T @ y
    members = rows["province"].to_numpy()[:, None] == np.unique(rows["province"])
    scores = members.T @ (x * (y - x @ slopes)[:, None])
    n, g = len(y), len(scores)
    counted = x.shape[1] - (g - 1) * (effects in ("two-way", "unit"))  # convention "nested"
    cov = bread @ scores.T @ scores @ bread
    cov *= g / (g - 1) * (n - 1) / (n - counted)
    return np.array([slopes[0], np.sqrt(cov[0, 0])]) / np.linalg.norm(rows[names[0]])


def naive(frame, specs, weights):
    """Estimate y - b x in frames that hold every drawn unit, under a name of its own."""
    found = np.empty((2, len(weights), len(specs)))
    for k, spec in enumerate(specs.itertuples()):
        rows = frame if spec.sample == "all" else frame[frame[spec.sample]]
        names = [spec.focal, *spec.controls]
        rows = rows[[spec.outcome, *names]].dropna().reset_index()
        b = by_dummies(rows, spec.outcome, names, spec.effects)[0]
        scale = rows[spec.focal].std() / rows[spec.outcome].std()
        rows["null"] = rows[spec.outcome] - b * rows[spec.focal]
        spots = [np.flatnonzero(rows["province"] == unit) for unit in range(weights.shape[1])]
        for i, counts in enumerate(weights):
            picked = [spots[unit] for unit in np.repeat(np.arange(len(counts)), counts)]
            copies = np.repeat(np.arange(len(picked)), [len(spot) for spot in picked])
            drawn = rows.iloc[np.concatenate(picked)].assign(province=copies)
            found[:, i, k] = scale * by_dummies(drawn, "null", names, spec.effects)
    return found


def planned(frame, specs):
    return _Plan(frame, [_Specification(*row) for row in specs.itertuples(index=False)])


@pytest.mark.parametrize("gaps", [False, True], ids=["balanced", "gaps"])
def test_null_curve_equals_physically_resampled_frames(gaps):
    frame, specs, weights = panel(gaps), specifications(), _draws(3, 12, seed=1)
    ready = planned(frame, specs)
    observed = ready.estimate(np.ones((1, 12)))[0]
    params, errors, df = ready.estimate(weights)
    expected, expected_errors = naive(frame, specs, weights)
    scale = np.abs(observed)
    np.testing.assert_allclose((params - observed) / scale, expected / scale, rtol=0, atol=1e-9)
    np.testing.assert_allclose(errors, expected_errors, rtol=1e-9)
    assert {11} < set(df.ravel())  # all units, and draws of a sample with fewer


@pytest.mark.parametrize("gaps", [False, True], ids=["balanced", "gaps"])
def test_wild_draws_equal_regressions_on_outcomes_with_turned_residuals(gaps):
    frame, specs, signs = panel(gaps), specifications(), _draws(2, 12, seed=3, scheme="wild")
    assert set(signs.ravel()) == {-1, 1}
    params, errors, _ = planned(frame, specs).estimate(signs, "wild")
    for k, spec in enumerate(specs.itertuples()):
        names = [spec.focal, *spec.controls]
        rows = frame if spec.sample == "all" else frame[frame[spec.sample]]
        rows = rows[[spec.outcome, *names]].dropna().reset_index()
        x, y = design(rows, list(spec.controls), spec.effects), rows[spec.outcome].to_numpy()
        left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
        for i, own in enumerate(signs):
            turned = rows[spec.outcome] - left + left * own[rows["province"]]
            fit = by_dummies(rows.assign(turned=turned), "turned", names, spec.effects)
            slope, error = fit * rows[spec.focal].std() / rows[spec.outcome].std()
            assert params[i, k] == pytest.approx(slope, abs=1e-9 * error)
            assert errors[i, k] == pytest.approx(error, rel=1e-9)
