"""Every measure scored and ranked: as a recipe does it, with intervals from the same draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_index import made_matrix

from nqpf import Panel, Recipe, System
from nqpf.compare import standings, uncertainty, yearly_intervals
from nqpf.compare.measures import log_tfp
from nqpf.compare.standings import AGGREGATIONS, DRAWN, WEIGHTINGS, Standings
from nqpf.compare.variants import CAPITAL, productivity
from nqpf.errors import MethodError

KEYS = ["gong-2024", "lu-2024", "yang-hong-2024"]


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel.load(extra=False)


@pytest.fixture(scope="module")
def found(panel: Panel) -> Standings:
    return standings(panel, KEYS, draws=150)


def test_scores_ranks_and_weights_are_those_of_a_recipe(panel: Panel, found: Standings) -> None:
    computed = [name for name in found.scores if name[0] != "tfp"]
    picked = np.random.default_rng(1).choice(len(computed), 12, replace=False)
    for system, weights, aggregate in (computed[i] for i in picked):
        index = Recipe("minmax", weights, aggregate).fit(System.load(system).evaluate(panel))
        one = found.of(system, weights, aggregate)
        pd.testing.assert_series_equal(one["score"], index.scores)
        pd.testing.assert_series_equal(one["rank"], index.rank().sort_index())
        own = found.weights.loc[system, weights]
        pd.testing.assert_series_equal(own, index.weights, check_names=False)
        pd.testing.assert_frame_equal(found.normalised[system], index.normalised)


def test_every_combination_is_computed_or_refused_with_a_reason(found: Standings) -> None:
    refused = set(found.refused[["system", "weights", "aggregate"]].itertuples(index=False))
    computed = set(found.scores.columns) - {("tfp", "", "")}
    asked = {(k, w, a) for k in KEYS for w in WEIGHTINGS for a in AGGREGATIONS}
    assert {tuple(name) for name in refused} | computed == asked
    assert len(refused) + len(computed) == len(asked)
    reasons = found.refused.set_index(["system", "weights", "aggregate"])["reason"]
    assert "weighted sum" in reasons["lu-2024", "pursuit", "topsis"]
    z = found.normalised["lu-2024"]
    zeros = int((z == 0).any(axis=1).sum())
    assert f"{zeros} of {len(z)}" in reasons["lu-2024", "equal", "geometric"]
    with pytest.raises(MethodError, match="weighted sum"):
        found.of("lu-2024", "pursuit", "topsis")


def test_without_methods_the_recipes_of_the_cards_are_left(panel: Panel) -> None:
    own = standings(panel, KEYS, weights=(), aggregate=(), draws=20)
    assert list(own.scores)[:-1] == [
        ("gong-2024", "entropy", "topsis"),
        ("gong-2024", "entropy", "linear"),
        ("gong-2024", "entropy", "vikor"),
        ("lu-2024", *own.own["lu-2024"]),
        ("yang-hong-2024", *own.own["yang-hong-2024"]),
    ]
    assert own.own["lu-2024"] == ("ahp_entropy", "topsis")
    assert own.of("lu-2024").equals(own.of("lu-2024", "ahp_entropy", "topsis"))


def test_intervals_of_the_last_year_are_those_of_the_same_draws(
    panel: Panel, found: Standings
) -> None:
    for key in KEYS:
        matrix = System.load(key).evaluate(panel)
        run = uncertainty(matrix, 150, seed=0, **DRAWN).intervals(0.9)
        last = found.intervals.loc[key].xs(matrix.years[-1], level="year")
        pd.testing.assert_frame_equal(last, run[["lower", "median", "upper"]])


def test_intervals_of_an_earlier_year_are_those_of_recipes_one_by_one() -> None:
    matrix, choices = made_matrix(), {"aggregate": ["topsis", "linear"], "error": 0.1}
    run = uncertainty(matrix, 60, seed=2, perturb=0.2, **choices)
    scores = pd.DataFrame({draw: run.refit(draw) for draw in range(60)})
    ranks = scores.groupby(level="year").rank(ascending=False, method="min")
    found = yearly_intervals(matrix, 60, seed=2, perturb=0.2, level=0.8, **choices)
    for row, drawn in ranks.iterrows():
        ordered = sorted(drawn)
        expected = [ordered[round(60 * share) - 1] for share in (0.1, 0.5, 0.9)]
        assert found.loc[row].tolist() == expected, row


def test_tfp_has_the_range_over_estimators_and_capital(panel: Panel, found: Standings) -> None:
    one = found.of("tfp")
    pd.testing.assert_series_equal(one["score"], log_tfp(panel), check_names=False)
    assert len(found.variants) > 10
    assert one.eval("lower <= rank <= upper and lower <= median <= upper").all()
    estimator, rule = found.variants[0]
    levels, _ = productivity(panel, "census5", [estimator], [r for r in CAPITAL if r.key == rule])
    own = levels[estimator, rule].xs(2020, level="year").rank(ascending=False)
    year = one.xs(2020, level="year")
    assert ((year["lower"] <= own) & (own <= year["upper"])).all()


def test_wrong_requests_are_named(panel: Panel, found: Standings) -> None:
    with pytest.raises(MethodError, match="no measure"):
        found.of("nobody-2024")
    with pytest.raises(MethodError, match="unknown"):
        standings(panel, KEYS[:1], weights=["entropie"], draws=5)
    with pytest.raises(MethodError, match="draws"):
        yearly_intervals(made_matrix(), 0)
    with pytest.raises(MethodError, match="level"):
        yearly_intervals(made_matrix(), 5, level=1.0)
