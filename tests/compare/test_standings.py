"""Every measure scored and ranked: as a recipe does it, with intervals from the same draws."""

import numpy as np
import pandas as pd
import pytest

from nqpf import Recipe, System
from nqpf.compare import measures, standings, uncertainty
from nqpf.compare.declaration import _Declaration
from nqpf.compare.variants import _variants
from nqpf.errors import MethodError

KEYS = ["gong-2024", "lu-2024", "zou-2024"]  # the first and the last hold the same figures
WEIGHTS = ("entropy", "ahp_entropy", "variation", "critic", "equal", "pursuit")
JOINS = ("linear", "topsis", "vikor", "coupling", "geometric")
DRAWN = {"aggregate": ["topsis", "linear", "vikor"], "error": 0.02, "perturb": 0.25}


@pytest.fixture(scope="module")
def found(embedded):
    return standings(embedded, KEYS, draws=60)


def test_scores_ranks_and_weights_are_those_of_a_recipe(embedded, found):
    computed = [name for name in found.scores if name[0] != "tfp"]
    picked = np.random.default_rng(1).choice(len(computed), 12, replace=False)
    picks = [*(computed[i] for i in picked), ("zou-2024", "entropy", "coupling")]
    for system, weights, aggregate in picks:
        index = Recipe("minmax", weights, aggregate).fit(System.load(system).evaluate(embedded))
        one = found.of(system, weights, aggregate)
        pd.testing.assert_series_equal(one["score"], index.scores)
        pd.testing.assert_series_equal(one["rank"], index.rank().sort_index())
        own = found.weights.loc[system, weights]
        pd.testing.assert_series_equal(own, index.weights, check_names=False)
        pd.testing.assert_frame_equal(found.normalised[system], index.normalised)


def test_every_combination_is_computed_or_refused_with_a_reason(found):
    refused = set(found.refused[["system", "weights", "aggregate"]].itertuples(index=False))
    computed = set(found.scores.columns) - {("tfp", "", "")}
    asked = {(k, w, a) for k in KEYS for w in WEIGHTS for a in JOINS}
    assert {tuple(name) for name in refused} | computed == asked
    assert len(refused) + len(computed) == len(asked)
    reasons = found.refused.set_index(["system", "weights", "aggregate"])["reason"]
    assert "weighted sum" in reasons["lu-2024", "pursuit", "topsis"]
    z = found.normalised["lu-2024"]
    zeros = int((z == 0).any(axis=1).sum())
    assert f"{zeros} of {len(z)}" in reasons["lu-2024", "equal", "geometric"]
    with pytest.raises(MethodError, match="weighted sum"):
        found.of("lu-2024", "pursuit", "topsis")
    with pytest.raises(MethodError, match="no measure"):
        found.of("nobody-2024")


def test_without_methods_the_recipes_of_the_cards_are_left(embedded):
    own = standings(embedded, KEYS, weights=(), aggregate=(), draws=20)
    assert list(own.scores)[:-1] == [
        *(("gong-2024", "entropy", join) for join in ("topsis", "linear", "vikor")),
        *((key, *own.own[key]) for key in KEYS[1:]),
    ]
    assert own.own["lu-2024"] == ("ahp_entropy", "topsis")
    assert own.of("lu-2024").equals(own.of("lu-2024", "ahp_entropy", "topsis"))


def test_intervals_are_those_of_the_draws_one_by_one(embedded, found):
    for key in KEYS:
        run = uncertainty(System.load(key).evaluate(embedded), 60, seed=0, **DRAWN)
        last = found.intervals.loc[key].xs(run.year, level="year")
        pd.testing.assert_frame_equal(last, run.intervals(0.9)[["lower", "median", "upper"]])
        if key == "lu-2024":
            scores = pd.DataFrame({draw: run.refit(draw) for draw in range(60)})
            ranks = scores.groupby(level="year").rank(ascending=False, method="min")
            expected = np.sort(ranks.to_numpy())[:, [2, 29, 56]]
            np.testing.assert_array_equal(found.intervals.loc[key].loc[ranks.index], expected)


def test_tfp_has_the_range_over_estimators_and_capital(embedded, found):
    one = found.of("tfp")
    tfp = measures(embedded, [])["tfp"]
    pd.testing.assert_series_equal(one["score"], tfp, check_names=False)
    assert len(found.variants) > 10
    assert all(one[x].between(one["lower"], one["upper"]).all() for x in ("rank", "median"))
    estimator, key = found.variants[0]
    rules = [rule for rule in _Declaration.load().grid.measures.capital if rule.key == key]
    made = _variants(embedded, "census5", [], estimators=[estimator], capital=rules)
    own = made.values.iloc[:, 0].xs(2020, level="year").rank(ascending=False)
    year = one.xs(2020, level="year")
    assert ((year["lower"] <= own) & (own <= year["upper"])).all()


def test_wrong_requests_are_named(embedded):
    with pytest.raises(MethodError, match="unknown"):
        standings(embedded, KEYS[:1], weights=["entropie"], draws=5)
    with pytest.raises(MethodError, match="draws is 0"):
        standings(embedded, KEYS[:1], weights=(), aggregate=(), draws=0)
