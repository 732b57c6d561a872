"""Provinces under all measures: ranks and intervals are those of the library, peers and reasons."""

import numpy as np
import pandas as pd
import pytest

from nqpf import Panel, Recipe, System
from nqpf.compare import measures, uncertainty
from nqpf.compare.profiles import _Profiles
from nqpf.files import root
from nqpf.tfp import production, solow_residual

BEIJING, TIBET, GUANGDONG = 110000, 540000, 440000
SYSTEMS = ["gong-2024", "lu-guo-2024", "wang-wang-2024", "zou-2024"]


@pytest.fixture(scope="module")
def profiles(embedded):
    return _Profiles.load(embedded, systems=SYSTEMS, draws=300)


def test_ranks_and_intervals_are_those_of_recipe_and_uncertainty(profiles, embedded):
    sizes = measures(embedded, SYSTEMS).groupby(level="year").size()
    assert profiles.year == sizes[sizes == sizes.max()].index.max()
    options = {"error": 0.02, "perturb": 0.25, "aggregate": ["topsis", "linear", "vikor"]}
    for key in SYSTEMS:
        system = System.load(key)
        matrix, recipe = system.evaluate(embedded), Recipe(**system.recipe)
        index = recipe.fit(matrix)
        own = profiles.ranks[key].dropna().astype("int64")
        assert own.to_dict() == index.rank(profiles.year).sort_index().to_dict()
        assert profiles.history[key].dropna().to_dict() == index.rank().to_dict()
        run = uncertainty(matrix, 300, seed=0, year=profiles.year, baseline=recipe, **options)
        expected = run.intervals(0.9)[["lower", "upper"]]
        pd.testing.assert_frame_equal(profiles.bounds.loc[key], expected, check_names=False)


def test_productivity_is_ranked_in_level_and_growth(profiles, embedded):
    level = solow_residual(production(embedded)).log_tfp.xs(profiles.year, level="year")
    assert profiles.ranks["tfp"].to_dict() == level.rank(ascending=False).to_dict()
    for key in ("tfp", "tfp_growth"):
        ends = profiles.bounds.loc[key]
        assert profiles.ranks[key].between(ends["lower"], ends["upper"]).all()


def test_growth_without_breaks_is_what_the_tables_give_by_hand(profiles):
    folder = root() / "data" / "panel"
    tables = [pd.read_csv(folder / f"{name}.csv") for name in ("accounts", "employment")]
    rows = pd.concat(tables).query("variable in ['gdp_index', 'capital_stock', 'employment']")
    wide = rows.pivot(index=["province", "year"], columns="variable", values="value")
    changes = np.log(wide[["capital_stock", "employment"]]).groupby(level="province").diff()
    growth = np.log(wide["gdp_index"] / 100) - 0.5 * changes.sum(axis=1, skipna=False)
    growth = growth.dropna()
    first_on_new = rows.query("variable == 'employment' and flag == 'break'")
    broken = growth.index.isin(first_on_new.set_index(["province", "year"]).index)
    assert broken.sum() == 7
    for kept, places in ((growth, (3, 30, 28, 21)), (growth[~broken], (16, 18, 20, 29))):
        ranks = kept.groupby(level="province").mean().rank(ascending=False)
        assert tuple(ranks[[340000, 310000, 120000, BEIJING]]) == places
    assert profiles.ranks["tfp_growth"].to_dict() == ranks.to_dict()


def test_a_province_without_a_figure_is_not_ranked_and_the_reason_is_named(profiles, embedded):
    assert pd.isna(profiles.ranks.loc[TIBET, "lu-guo-2024"])
    lacking = {"energy", "so2_industrial", "software_revenue"}
    assert set(profiles.missing(TIBET, "lu-guo-2024")) == lacking
    assert profiles.missing(TIBET, "wang-wang-2024") == []
    assert profiles.counts["lu-guo-2024"] == 30 and profiles.counts["wang-wang-2024"] == 31
    table = profiles.standing(TIBET)
    assert list(table.index[-3:]) == ["lu-guo-2024", "tfp", "tfp_growth"]
    assert table.loc["lu-guo-2024", ["rank", "lower", "upper"]].isna().all()
    employed = (embedded.frame["province"] == TIBET) & (embedded.frame["variable"] == "employment")
    without = Panel(embedded.frame[~employed].reset_index(drop=True), embedded.catalogue)
    other = _Profiles.load(without, systems=["zou-2024"], draws=20)
    assert other.missing(TIBET, "tfp") == ["employment"]
    assert pd.isna(other.ranks.loc[TIBET, "tfp"])


@pytest.mark.parametrize("code", [GUANGDONG, TIBET])
def test_dimensions_are_ranked_as_their_scores(profiles, code):
    found = profiles.dimensions(code)
    scores = profiles.indices["zou-2024"].dimension_scores.xs(profiles.year, level="year")
    for _, row in found[found["system"] == "zou-2024"].iterrows():
        better = (scores[row["dimension"]] > scores.loc[code, row["dimension"]]).sum()
        assert row["rank"] == better + 1 and row["of"] == len(scores)
    strong, weak = profiles.extremes(code)
    assert not pd.concat([strong, weak]).duplicated(["en", "zh", "rank", "of"]).any()
    assert strong["place"].is_monotonic_increasing and weak["place"].is_monotonic_decreasing
    ends = strong["place"].iloc[0], weak["place"].iloc[0]
    assert ends == (found["place"].min(), found["place"].max())


def test_obstacles_count_systems(profiles):
    found = profiles.obstacles(TIBET)
    one = found.index[0]
    degrees, leads = [], 0
    for key, index in profiles.indices.items():
        if key == "lu-guo-2024" or one not in index.matrix.values:  # does not rank Tibet
            continue
        linear = Recipe(index.recipe.normalise, index.recipe.weights, "linear").fit(index.matrix)
        gap = (linear.weights * (1 - linear.normalised)).loc[(TIBET, profiles.year)]
        degrees.append(100 * gap[one] / gap.sum())
        leads += (gap > gap[one]).sum() < 3
    assert found.loc[one, "degree"] == pytest.approx(np.mean(degrees))
    assert found.loc[one, ["held", "leading"]].tolist() == [len(degrees), leads]
    assert (found["provinces"] <= 31).all()


def test_distances_are_mean_places_apart_and_peers_mutual_where_both_say_so(profiles):
    for code in (TIBET, GUANGDONG):
        own = profiles.nearest(code)
        assert code not in own.index and own["distance"].is_monotonic_increasing
        for other, mutual in own["mutual"].items():
            assert mutual == (code in profiles.nearest(other).index)
    everyone = profiles._orders[TIBET]
    apart = profiles.ranks.sub(profiles.ranks.loc[TIBET]).abs()
    expected = apart.mean(axis=1).drop(TIBET).sort_index()
    np.testing.assert_allclose(everyone["distance"].sort_index(), expected)
    assert everyone["measures"].eq(len(profiles.ranks.columns) - 1).all()


def test_main_figures_rank_from_the_highest(profiles, embedded):
    found = profiles.main_figures(GUANGDONG)
    assert found.loc["gdp", "rank"] == 1
    gdp = embedded.wide(["gdp"])["gdp"].loc[(GUANGDONG, found.loc["gdp", "year"])]
    assert found.loc["gdp", "value"] == gdp
    assert pd.isna(profiles.main_figures(TIBET).loc["energy_intensity", "value"])
    one, values = profiles.series("gdp_per_head")
    assert (one.unit, round(values[440000, 2022])) == ("yuan per head", 104722)


def test_gaps_and_flags_are_those_of_the_panel(profiles):
    found = profiles.gaps(TIBET).set_index("variable")
    assert found.loc["energy", "present"] == 0 and found.loc["new_product_sales", "years"] == [2014]
    assert profiles.gaps(BEIJING).empty
    flagged = profiles.flagged(BEIJING)
    assert set(flagged["flag"]) == {"break", "derived", "spliced", "extrapolated"}
    capital = flagged.set_index(["variable", "flag"]).loc["capital_stock", "years"]
    assert capital["derived"] == list(range(2010, 2018))
    assert capital["extrapolated"] == list(range(2018, 2023))
    named = profiles.breaks(BEIJING)
    assert named.loc[named["own"], "variable"].tolist()[0] == "employment"
