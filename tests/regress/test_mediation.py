"""Promises of the mediation analysis."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import normals

from nqpf.errors import EstimationError
from nqpf.regress import fixed_effects, mediation


def sample(seed=0):
    frame, rng = normals(seed, "ytmw", years=8, first=2012)
    unit = np.repeat(rng.normal(size=31), 8)
    frame["t"] += unit + 0.3 * frame["w"]
    frame["m"] += 0.6 * frame["t"] + unit
    frame["y"] += 0.3 * frame["t"] + 0.8 * frame["m"] - unit + 0.2 * frame["w"]
    return frame


def fit(frame, **options):
    return mediation(frame, "y", "t", "m", ["w"], **{"bootstrap": 0, **options})


@pytest.mark.parametrize("effects", ["two-way", "unit", "time", "pooled"])
def test_total_is_direct_plus_indirect_of_fixed_effects_regressions(effects):
    frame, options = sample(1), {"effects": effects, "errors": "robust", "convention": "all"}
    result = fit(frame, bootstrap=20, vintage="2024", **options)
    estimate, parts = result.effects["estimate"], result.draws
    assert estimate["direct"] + estimate["indirect"] == pytest.approx(estimate["total"], rel=1e-12)
    assert estimate["proportion"] == estimate["indirect"] / estimate["total"]
    np.testing.assert_allclose(parts["direct"] + parts["indirect"], parts["total"], rtol=1e-12)
    peers = {"total": ("y", ["t"]), "mediator": ("m", ["t"]), "direct": ("y", ["t", "m"])}
    for name, (outcome, regressors) in peers.items():
        peer = fixed_effects(frame, outcome, [*regressors, "w"], **options)
        pd.testing.assert_frame_equal(result.regressions[name].to_frame(), peer.to_frame())
        assert result.regressions[name].vintage == "2024"


def test_row_order_seed_and_units_of_measurement():
    frame = sample(5)
    before = frame.copy(deep=True)
    first = fit(frame, bootstrap=50, seed=1)
    mixed = frame.sample(frac=1, random_state=0).reset_index()
    mixed = mixed.assign(y=mixed["y"] * 1e6, t=mixed["t"] * 1e-3, m=mixed["m"] * 1e9)
    second = fit(mixed, bootstrap=50, seed=1)
    pd.testing.assert_frame_equal(frame, before)
    np.testing.assert_allclose(second.effects.iloc[:3], first.effects.iloc[:3] * 1e9, rtol=1e-8)
    np.testing.assert_allclose(second.effects.iloc[3], first.effects.iloc[3], rtol=1e-8)
    assert second.sobel["z"] == pytest.approx(first.sobel["z"], rel=1e-9)
    other, none = fit(frame, bootstrap=50, seed=2), fit(frame)
    assert not np.allclose(first.draws, other.draws)
    assert first.effects["estimate"].equals(other.effects["estimate"])
    assert none.effects.drop(columns="estimate").isna().all(axis=None)
    assert len(none.draws) == 0


def test_what_is_not_identified_is_printed_with_the_figures_and_names_are_escaped():
    frame = sample(9).rename(columns={"m": "<b>m"})
    result = mediation(frame, "y", "t", "<b>m", ["w"], bootstrap=30, seed=4)
    page = result._repr_html_()
    for text in (repr(result), str(result), page):
        assert "sequential ignorability" in text
        assert "30 samples of whole province groups, seed 4" in text
        assert "Sobel: z = " in text
        assert "not evidence of a mechanism" in text
    assert "Effects of t on y, through &lt;b&gt;m and not, with 95% intervals" in page
    assert "<b>" not in page


def test_samples_without_treated_units_are_counted_and_left_out():
    frame = sample(11)
    unit, year = (frame.index.get_level_values(i).to_numpy() for i in (0, 1))
    few, one = (frame.assign(t=((unit < n) & (year > 2015)) * 1.0) for n in (4, 1))
    result = fit(few, bootstrap=400)
    assert 0 < (failed := 400 - len(result.draws)) < 20  # (27 / 31)^31 is 1.4 %
    assert result.effects.notna().all(axis=None)
    assert f"{failed} samples did not identify" in str(result)
    with pytest.raises(EstimationError, match="of 400 bootstrap samples do not identify"):
        fit(one, bootstrap=400)
