"""Every way to measure: scored and ranked as a recipe does it, or dropped with a reason."""

import warnings

import numpy as np
import pandas as pd
import pytest
from made_up_index import refitted
from made_up_panels import refuses

from nqpf import Panel, Recipe, System
from nqpf.compare import measures, standings, uncertainty
from nqpf.compare.declaration import _Declaration
from nqpf.compare.variants import _variants
from nqpf.errors import MethodError
from nqpf.index.normalise import _IndexWarning
from nqpf.tfp import capital_stock, production, solow_residual
from nqpf.tfp.accounts import perpetual_inventory

DECLARED = _Declaration.load()
KEYS = ["gong-2024", "lu-2024", "zou-2024"]  # the first and the last hold the same figures
WEIGHTS = ("entropy", "ahp_entropy", "variation", "critic", "equal", "pursuit")
JOINS = ("linear", "topsis", "vikor", "coupling", "geometric")
DRAWN = {"aggregate": ["topsis", "linear", "vikor"], "error": 0.02, "perturb": 0.25}


@pytest.fixture(scope="module")
def found(embedded):
    with warnings.catch_warnings(action="error", category=_IndexWarning):
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
    refuses(MethodError, "weighted sum", found.of, "lu-2024", "pursuit", "topsis")
    refuses(MethodError, "no measure", found.of, "nobody-2024")


def test_without_methods_the_recipes_of_the_cards_are_left(embedded):
    own = standings(embedded, KEYS, weights=(), aggregate=(), draws=20)
    ways = [("gong-2024", "entropy", join) for join in ("topsis", "linear", "vikor")]
    assert list(own.scores)[:-1] == [*ways, *((key, *own.own[key]) for key in KEYS[1:])]
    assert own.own["lu-2024"] == ("ahp_entropy", "topsis")
    assert own.of("lu-2024").equals(own.of("lu-2024", "ahp_entropy", "topsis"))


def test_intervals_are_those_of_the_draws_one_by_one(embedded, found):
    for key in KEYS:
        run = uncertainty(System.load(key).evaluate(embedded), 60, seed=0, **DRAWN)
        last = found.intervals.loc[key].xs(run.plan.year, level="year")
        pd.testing.assert_frame_equal(last, run.intervals(0.9)[["lower", "median", "upper"]])
        if key == "lu-2024":
            scores = pd.DataFrame({draw: refitted(run, draw) for draw in range(60)})
            ranks = scores.groupby(level="year").rank(ascending=False, method="min")
            expected = np.sort(ranks.to_numpy())[:, [2, 29, 56]]
            np.testing.assert_array_equal(found.intervals.loc[key].loc[ranks.index], expected)


def test_tfp_has_the_range_over_estimators_and_capital(embedded, found):
    one = found.of("tfp")
    pd.testing.assert_series_equal(one["score"], measures(embedded, [])["tfp"], check_names=False)
    assert len(found.variants) > 10
    assert all(one[x].between(one["lower"], one["upper"]).all() for x in ("rank", "median"))
    estimator, key = found.variants[0]
    rules = [rule for rule in DECLARED.grid.measures.capital if rule.key == key]
    made = _variants(embedded, "census5", [], estimators=[estimator], capital=rules)
    own = made.values.iloc[:, 0].xs(2020, level="year").rank(ascending=False)
    year = one.xs(2020, level="year")
    assert ((year["lower"] <= own) & (own <= year["upper"])).all()


# --- the ways to measure behind them ---

FEW = [("minmax", "entropy", "linear"), ("minmax", "entropy", "coupling")]
RULES = {rule.key: rule for rule in DECLARED.grid.measures.capital}
RULE = RULES["1952-9.6"]
LU = "lu-guo-2024/minmax/entropy/linear"


@pytest.fixture(scope="module")
def few(embedded):
    systems = ["dong-2024", "gong-2024", "lu-guo-2024"]
    return _variants(embedded, "census5", systems, FEW, DECLARED.estimators, [RULE])


def capital(embedded, rule):
    """The stock behind a rule, but for a factor, from what two shares of capital make of it."""
    made = _variants(embedded, "census5", [], (), ["solow-0.4", "solow-0.6"], [rule]).values
    ratio = made[f"tfp/solow-0.4/{rule.key}"] / made[f"tfp/solow-0.6/{rule.key}"]
    return ratio ** (1 / 0.2) * production(embedded)["labour"]


def test_a_measure_is_what_growth_accounting_gives(embedded, few):
    """Those of systems are held against recipes, regression by regression, with the grid."""
    expected = solow_residual(production(embedded), share=0.4).tfp
    found = few.values["tfp/solow-0.4/1952-9.6"].dropna()
    pd.testing.assert_series_equal(found, expected, check_names=False)


def test_figures_of_two_measures_meet_by_province_and_year(embedded, few):
    assert few.values.index.is_monotonic_increasing and few.values.index.is_unique
    tibet = few.values.loc[540000]
    assert tibet[LU].isna().all()
    dong = tibet["dong-2024/minmax/entropy/linear"]
    assert dong.notna().sum() == 10 and np.isnan(dong[2014])
    shuffled = Panel(embedded.frame.sample(frac=1, random_state=0), embedded.catalogue)
    again = _variants(shuffled, "census5", ["lu-guo-2024"], FEW, ["solow-0.5"], [RULE]).values
    tables = (one.dropna(how="all") for one in (again, few.values[again.columns]))
    pd.testing.assert_frame_equal(*tables)


def test_choices_tell_how_a_measure_was_made_and_of_which_it_is_the_same(few):
    same = few.choices["same_as"]
    assert same["gong-2024/minmax/entropy/linear"] == "dong-2024/minmax/entropy/linear"
    assert same["dong-2024/minmax/entropy/linear"] == same[LU] == ""
    # The two systems put the same indicators into other dimensions, which coupling reads.
    parts = [System.load(key).dimension for key in ("dong-2024", "gong-2024")]
    one, other = ({frozenset(g) for g in p.groupby(p).groups.values()} for p in parts)
    coupled, chained = "gong-2024/minmax/entropy/coupling", "tfp/malmquist-global/1952-9.6"
    assert (same[coupled] != "") == (one == other)
    columns = ["kind", "system", "weights", "aggregate", "estimator", "capital"]
    told = few.choices.loc[[coupled, chained], columns].agg(" ".join, axis=1)
    assert told[coupled] == "composite gong-2024 entropy coupling  "
    assert told[chained] == "tfp    malmquist-global 1952-9.6"


def test_what_cannot_be_computed_is_listed_with_the_reason(embedded):
    recipes = [("zscore", w, a) for w in ("entropy", "equal") for a in ("linear", "coupling")]
    result = _variants(embedded, systems=["lu-guo-2024"], recipes=recipes)
    assert list(result.values) == ["lu-guo-2024/zscore/equal/linear"] and len(result.dropped) == 3
    assert result.dropped["reason"].str.contains("below zero").all()
    result = _variants(embedded, "census4", ["ren-2024", "lu-guo-2024"], FEW)
    assert result.dropped["variant"].str.startswith("ren-2024/").all() and len(result.dropped) == 2
    assert result.dropped["reason"].str.contains("value_added_secondary").all()


def test_every_estimator_gives_a_positive_level_in_every_year(few):
    for name in DECLARED.estimators:
        variant = f"tfp/{name}/1952-9.6"
        levels = few.values[variant].dropna()
        assert (levels > 0).all() and len(levels) in (403, 390)
        chained = (levels.groupby(level="province").first() == 1).all()
        assert chained == few.choices.at[variant, "chained"]
        assert chained == (name in ("malmquist-yearly", "battese-coelli"))
        held = set(few.holds.columns[few.holds.loc[variant]])
        green = {"energy_intensity", "so2_intensity", "industrial_so2_intensity"}
        assert held == {"labour_productivity"} | (green if name == "luenberger-green" else set())


def test_rules_of_capital(embedded):
    """At 9.6 % from 1952 the panel's own stock; a series from 2000 starts in its steady state."""
    own = capital_stock(embedded).set_index(["province", "year"])["value"]
    wide = embedded.wide(["gfcf", "investment_price"]).dropna()
    wide = wide[wide.index.get_level_values("year") >= 2000]
    short = perpetual_inventory(wide["gfcf"], wide["investment_price"], 0.096, "steady-state")
    price = embedded.wide(["investment_price"])["investment_price"].xs(2010, level="year")
    for key, stock in (("1952-9.6", own), ("2000-9.6", short)):
        found = capital(embedded, RULES[key])
        ratio = found / (stock * price.reindex(stock.index, level="province")).reindex(found.index)
        np.testing.assert_allclose(ratio, ratio.iloc[0], rtol=1e-9)


def test_requests_that_cannot_be_met_are_refused(embedded):
    refuses(MethodError, "unknown", standings, embedded, KEYS[:1], weights=["entropie"], draws=5)
    with pytest.raises(MethodError, match="draws is 0"):
        standings(embedded, KEYS[:1], weights=(), aggregate=(), draws=0)
    with pytest.raises(MethodError, match=r"starts in 1978.*1996"):
        late = RULE.model_copy(update={"start": 1978})
        _variants(embedded, systems=[], estimators=["solow-0.5"], capital=[late])
    refuses(MethodError, "no variant can be computed", _variants, embedded, systems=[], recipes=FEW)


def test_zeros_of_products_are_not_said_once_per_recipe(embedded):
    recipes = [("minmax", "equal", "geometric"), ("minmax", "equal", "coupling")]
    with warnings.catch_warnings(action="error", category=_IndexWarning):
        found = _variants(embedded, "census5", ["wu-2024"], recipes, [], [RULE])
    assert (found.values == 0).sum().tolist() == [8, 1]
