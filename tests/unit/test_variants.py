"""Every way to measure: what is computed, what is dropped, and that rows meet by key."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf import Panel, Recipe, System
from nqpf.compare.variants import (
    CAPITAL,
    CHAINED,
    ESTIMATORS,
    HOLDS,
    RECIPES,
    Block,
    CapitalRule,
    capital_by,
    variants,
)
from nqpf.errors import MethodError
from nqpf.tfp import capital_stock, production, solow_residual
from nqpf.tfp.accounts import perpetual_inventory

FEW = (Block("minmax", ("entropy",), ("linear", "coupling")),)


@pytest.fixture(scope="module")
def panel():
    return Panel.load(extra=False)


@pytest.fixture(scope="module")
def few(panel):
    systems = ["dong-2024", "gong-2024", "lu-guo-2024"]
    return variants(panel, systems=systems, recipes=FEW, capital=CAPITAL[:1])


def test_a_composite_is_what_its_recipe_gives(panel, few):
    matrix = System.load("lu-guo-2024").evaluate(panel)
    expected = Recipe("minmax", "entropy", "linear").fit(matrix).scores
    found = few.values["lu-guo-2024/minmax/entropy/linear"].dropna()
    pd.testing.assert_series_equal(found, expected.sort_index(), check_names=False)


def test_productivity_is_what_growth_accounting_gives(panel, few):
    expected = solow_residual(production(panel), share=0.4).tfp
    found = few.values["tfp/solow-0.4/1952-9.6"].dropna()
    pd.testing.assert_series_equal(found, expected, check_names=False)


def test_figures_of_two_measures_meet_by_province_and_year(panel, few):
    assert few.values.index.is_monotonic_increasing and few.values.index.is_unique
    tibet = few.values.loc[540000]
    assert tibet["lu-guo-2024/minmax/entropy/linear"].isna().all()
    assert tibet["dong-2024/minmax/entropy/linear"].notna().sum() == 10  # all years but 2014
    assert np.isnan(few.values.at[(540000, 2014), "dong-2024/minmax/entropy/linear"])


def test_order_of_the_panel_does_not_matter(panel, few):
    shuffled = Panel(panel.frame.sample(frac=1, random_state=0), panel.catalogue)
    again = variants(
        shuffled,
        systems=["lu-guo-2024"],
        recipes=FEW,
        estimators=["solow-0.5"],
        capital=CAPITAL[:1],
    )
    pd.testing.assert_frame_equal(
        again.values.dropna(how="all"), few.values[again.values.columns].dropna(how="all")
    )


def test_a_measure_of_the_same_indicators_is_named(few):
    same = few.choices["same_as"]
    assert same["gong-2024/minmax/entropy/linear"] == "dong-2024/minmax/entropy/linear"
    assert same["dong-2024/minmax/entropy/linear"] == ""
    assert same["lu-guo-2024/minmax/entropy/linear"] == ""
    # The two systems put the same indicators into other dimensions, which coupling reads.
    dong, gong = (System.load(key).dimension for key in ("dong-2024", "gong-2024"))
    alike = {frozenset(g) for g in dong.groupby(dong).groups.values()} == {
        frozenset(g) for g in gong.groupby(gong).groups.values()
    }
    assert (same["gong-2024/minmax/entropy/coupling"] != "") == alike


def test_what_does_not_fit_together_is_listed_with_the_reason(panel):
    block = Block("zscore", ("entropy", "equal"), ("linear", "coupling"))
    result = variants(panel, systems=["lu-guo-2024"], recipes=[block], estimators=[])
    assert list(result.values) == ["lu-guo-2024/zscore/equal/linear"]
    assert len(result.dropped) == 3
    assert result.dropped["reason"].str.contains("below zero").all()


def test_a_system_that_a_vintage_cannot_fill_is_dropped_with_the_reason(panel):
    result = variants(
        panel, "census4", ["ren-2024", "lu-guo-2024"], FEW, ["solow-0.5"], CAPITAL[:1]
    )
    assert result.dropped["variant"].str.startswith("ren-2024/").all() and len(result.dropped) == 2
    assert result.dropped["reason"].str.contains("value_added_secondary").all()


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_every_estimator_gives_a_positive_level_in_every_year(few, name):
    levels = few.values[f"tfp/{name}/1952-9.6"].dropna()
    assert (levels > 0).all() and len(levels) in (403, 390)
    first = levels.groupby(level="province").first()
    assert (first == 1).all() == (name in CHAINED)
    assert few.holds.loc[f"tfp/{name}/1952-9.6", list(HOLDS[name])].all()


def test_choices_tell_how_a_measure_was_made(few):
    composite = few.choices.loc["gong-2024/minmax/entropy/coupling"]
    assert composite[["kind", "system", "weights", "aggregate", "estimator"]].tolist() == [
        "composite",
        "gong-2024",
        "entropy",
        "coupling",
        "",
    ]
    tfp = few.choices.loc["tfp/malmquist-global/1952-9.6"]
    assert tfp[["kind", "system", "estimator", "capital"]].tolist() == [
        "tfp",
        "",
        "malmquist-global",
        "1952-9.6",
    ]


def test_the_default_rule_is_the_capital_of_the_panel(panel):
    expected = capital_stock(panel).set_index(["province", "year"])["value"].sort_index()
    pd.testing.assert_series_equal(capital_by(panel, CAPITAL[0]), expected, check_names=False)


def test_parting_sichuan_counts_no_capital_twice(panel):
    stock = capital_by(panel, CAPITAL[1])
    wide = panel.wide(["gfcf", "investment_price"])
    whole = wide.loc[[510000]].dropna()
    before = perpetual_inventory(whole["gfcf"], whole["investment_price"], 0.1096)
    real = (wide["gfcf"] / wide["investment_price"]).xs(1996, level="year")[[500000, 510000]].sum()
    both = stock[500000, 1996] + stock[510000, 1996]
    assert both == pytest.approx((1 - 0.1096) * before[510000, 1995] + real, rel=1e-12)


def test_faster_depreciation_leaves_less_capital(panel):
    slow, fast = (capital_by(panel, rule) for rule in CAPITAL[:2])
    later = slow.index.get_level_values("year") > 1952
    assert (fast[later] < slow[later]).all()


def test_a_short_series_starts_in_its_steady_state(panel):
    rule = CapitalRule("short", 2000, 0.096, "steady-state")
    wide = panel.wide(["gfcf", "investment_price"]).loc[110000].loc[2000:2022]
    real = wide["gfcf"] / wide["investment_price"]
    growth = (real[2022] / real[2000]) ** (1 / 22) - 1
    assert capital_by(panel, rule)[110000, 2000] == pytest.approx(real[2000] / (growth + 0.096))


def test_a_series_cannot_start_while_chongqing_has_no_figures(panel):
    with pytest.raises(MethodError, match="starts in 1978.*1996"):
        capital_by(panel, CapitalRule("1978", 1978, 0.096, "share"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"estimators": ["solow-0.7"]}, "unknown estimator 'solow-0.7'.*Did you mean"),
        ({"capital": [CAPITAL[0], CAPITAL[0]]}, "share a key"),
        ({"systems": [], "estimators": []}, "no variant can be computed"),
    ],
    ids=["estimator", "rules", "nothing"],
)
def test_a_request_that_cannot_be_met_is_refused(panel, options, message):
    with pytest.raises(MethodError, match=message):
        variants(panel, **({"systems": [], "recipes": FEW} | options))


def test_an_unknown_method_is_refused_not_dropped(panel):
    with pytest.raises(MethodError, match="unknown weighting 'entropie'"):
        variants(
            panel,
            systems=["lu-guo-2024"],
            recipes=[Block("minmax", ("entropie",), ("linear",))],
            estimators=["solow-0.5"],
        )


def test_defaults_are_those_of_the_declared_grid():
    from nqpf.compare.declaration import Declaration

    declaration = Declaration.load()
    assert declaration.recipes == RECIPES
    assert declaration.capital == CAPITAL
    assert declaration.estimators == tuple(ESTIMATORS)


def test_rebased_capital_is_what_productivity_uses(panel):
    rule = CAPITAL[2]
    price = panel.wide(["investment_price"])["investment_price"].dropna()
    accounts = production(panel)
    at_base = price.xs(2010, level="year")
    capital = capital_by(panel, rule).mul(at_base, level="province").reindex(accounts.index)
    expected = solow_residual(accounts.assign(capital=capital), share=0.6).tfp
    found = variants(panel, systems=[], estimators=["solow-0.6"], capital=[rule])
    assert np.allclose(found.values.iloc[:, 0], expected, rtol=1e-13)
