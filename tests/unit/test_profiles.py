"""Provinces under all measures: ranks and intervals are those of the library, peers and reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf import Panel, Recipe, System, provinces
from nqpf.compare import measures, uncertainty
from nqpf.compare.profiles import (
    Profiles,
    breaks,
    dimensions,
    extremes,
    flagged,
    gaps,
    main_figures,
    nearest,
    obstacles,
    province_rows,
    rank_distance,
    standing,
)
from nqpf.errors import MethodError
from nqpf.files import root
from nqpf.index.recipe import obstacle_degree
from nqpf.tfp import production, solow_residual

BEIJING, TIBET, GUANGDONG = 110000, 540000, 440000
SYSTEMS = ["gong-2024", "lu-guo-2024", "wang-wang-2024", "zou-2024"]


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel.load(extra=False)


@pytest.fixture(scope="module")
def profiles(panel: Panel) -> Profiles:
    return Profiles.load(panel, systems=SYSTEMS, draws=300)


def test_the_year_is_the_last_with_most_provinces_under_all_measures(profiles, panel):
    sizes = measures(panel, SYSTEMS).groupby(level="year").size()
    assert profiles.year == sizes[sizes == sizes.max()].index.max()


@pytest.mark.parametrize("key", SYSTEMS)
def test_ranks_are_those_of_the_recipe(profiles, panel, key):
    system = System.load(key)
    index = Recipe(**system.recipe).fit(system.evaluate(panel))
    own = profiles.ranks[key].dropna().astype("int64")
    expected = index.rank(profiles.year).sort_index()
    assert own.to_dict() == expected.to_dict()
    assert profiles.history[key].dropna().to_dict() == index.rank().to_dict()


@pytest.mark.parametrize("key", SYSTEMS)
def test_intervals_are_those_of_uncertainty(profiles, panel, key):
    system = System.load(key)
    run = uncertainty(
        system.evaluate(panel),
        draws=300,
        seed=0,
        year=profiles.year,
        baseline=Recipe(**system.recipe),
        error=0.02,
        perturb=0.25,
        aggregate=["topsis", "linear", "vikor"],
    )
    expected = run.intervals(0.9)[["lower", "upper"]]
    pd.testing.assert_frame_equal(profiles.bounds.loc[key], expected, check_names=False)


def test_productivity_is_ranked_in_level_and_growth(profiles, panel):
    run = solow_residual(production(panel))
    level = run.log_tfp.xs(profiles.year, level="year").rank(ascending=False)
    broken = panel.breaks(["employment"])
    kept = run.growth[~broken.reindex(run.growth.index)].loc[:, : profiles.year]
    growth = kept.groupby(level="province").mean().rank(ascending=False)
    assert profiles.ranks["tfp"].to_dict() == level.to_dict()
    assert profiles.ranks["tfp_growth"].to_dict() == growth.to_dict()
    for key in ("tfp", "tfp_growth"):
        inside = profiles.bounds.loc[key]
        assert (inside["lower"] <= profiles.ranks[key]).all()
        assert (inside["upper"] >= profiles.ranks[key]).all()


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


def test_a_province_without_a_figure_is_not_ranked_and_the_reason_is_the_matrix_own(profiles):
    assert pd.isna(profiles.ranks.loc[TIBET, "lu-guo-2024"])
    assert set(profiles.missing(TIBET, "lu-guo-2024")) == {
        "energy",
        "so2_industrial",
        "software_revenue",
    }
    assert profiles.missing(TIBET, "wang-wang-2024") == []
    assert profiles.counts["lu-guo-2024"] == 30 and profiles.counts["wang-wang-2024"] == 31
    table = standing(profiles, TIBET)
    assert list(table.index[-3:]) == ["lu-guo-2024", "tfp", "tfp_growth"]
    assert table.loc["lu-guo-2024", ["rank", "lower", "upper"]].isna().all()


def test_productivity_without_an_input_names_it(panel):
    frame = panel.frame
    without = frame[
        ~((frame["province"] == TIBET) & (frame["variable"] == "employment"))
    ].reset_index(drop=True)
    profiles = Profiles.load(Panel(without, panel.catalogue), systems=["zou-2024"], draws=20)
    assert profiles.missing(TIBET, "tfp") == ["employment"]
    assert pd.isna(profiles.ranks.loc[TIBET, "tfp"])


def test_dimensions_are_ranked_as_their_scores(profiles):
    found = dimensions(profiles, GUANGDONG)
    scores = profiles.indices["zou-2024"].dimension_scores.xs(profiles.year, level="year")
    for _, row in found[found["system"] == "zou-2024"].iterrows():
        better = (scores[row["dimension"]] > scores.loc[GUANGDONG, row["dimension"]]).sum()
        assert row["rank"] == better + 1 and row["of"] == len(scores)
    strong, weak = extremes(found)
    both = pd.concat([strong, weak])
    assert not both.duplicated(["en", "zh", "rank", "of"]).any()
    assert (strong["place"].diff().dropna() >= 0).all()
    assert (weak["place"].diff().dropna() <= 0).all()


def test_extremes_of_a_province_that_is_last_everywhere():
    found = pd.DataFrame(
        {"system": ["a", "b"], "en": ["x", "y"], "zh": ["甲", "乙"], "rank": 31, "of": 31}
    ).assign(place=1.0)
    strong, weak = extremes(found)
    assert strong["en"].tolist() == ["x"] and weak["en"].tolist() == ["y"]


def test_obstacles_count_systems(profiles):
    found = obstacles(profiles, TIBET)
    ranked = [key for key in SYSTEMS if key != "lu-guo-2024"]
    one = found.index[0]
    held = [k for k in ranked if one in profiles.indices[k].matrix.values.columns]
    assert found.loc[one, "held"] == len(held)
    degrees, leads = [], 0
    for key in held:
        index = profiles.indices[key]
        recipe = index.recipe
        linear = Recipe(normalise=recipe.normalise, weights=recipe.weights, aggregate="linear")
        row = obstacle_degree(linear.fit(index.matrix)).loc[(TIBET, profiles.year)]
        degrees.append(row[one])
        leads += (row > row[one]).sum() < 3
    assert found.loc[one, "degree"] == pytest.approx(np.mean(degrees))
    assert found.loc[one, "leading"] == leads
    assert (found["provinces"] <= 31).all()


def test_distances_are_symmetric_and_peers_mutual_where_both_say_so(profiles):
    distance, shared = rank_distance(profiles.ranks)
    assert np.array_equal(distance, distance.T) and np.array_equal(shared, shared.T)
    assert (np.diag(distance) == 0).all()
    n = len(profiles.ranks.columns)
    assert shared.loc[TIBET].drop(TIBET).eq(n - 1).all()
    for code in provinces.codes():
        own = nearest(profiles, code)
        assert code not in own.index and own["distance"].is_monotonic_increasing
        for other, mutual in own["mutual"].items():
            assert mutual == (code in nearest(profiles, other).index)
    with pytest.raises(MethodError, match="one or more"):
        nearest(profiles, TIBET, n=0)


def test_main_figures_rank_from_the_highest(profiles, panel):
    found = main_figures(profiles, GUANGDONG)
    assert found.loc["gdp", "rank"] == 1
    gdp = panel.wide(["gdp"])["gdp"].loc[(GUANGDONG, found.loc["gdp", "year"])]
    assert found.loc["gdp", "value"] == gdp
    assert pd.isna(main_figures(profiles, TIBET).loc["energy_intensity", "value"])


def test_gaps_and_flags_are_those_of_the_panel(panel):
    found = gaps(panel, TIBET).set_index("variable")
    assert found.loc["energy", "present"] == 0
    assert found.loc["new_product_sales", "years"] == [2014]
    assert gaps(panel, BEIJING).empty
    assert set(flagged(panel, BEIJING)["flag"]) == {"break", "derived", "spliced", "extrapolated"}
    capital = flagged(panel, BEIJING).set_index(["variable", "flag"]).loc["capital_stock", "years"]
    assert capital["derived"] == list(range(2010, 2018))
    assert capital["extrapolated"] == list(range(2018, 2023))
    named = breaks(panel, BEIJING)
    assert named.loc[named["own"], "variable"].tolist()[0] == "employment"


def test_rows_of_a_province_are_the_panel_rows(panel):
    rows = province_rows(panel, TIBET)
    own = panel.frame[panel.frame["province"] == TIBET]
    key = ["variable", "vintage", "year"]
    left = rows.set_index(key)["value"].sort_index()
    assert left.to_dict() == own.set_index(key)["value"].sort_index().to_dict()
    assert rows["unit"].notna().all() and rows["yearbook_zh"].notna().all()


def hostile(panel: Panel, text: str) -> Panel:
    """Return the panel with a name, a yearbook and a reader's rows that carry a text."""
    known = dict(panel.catalogue.variables)
    change = dict.fromkeys(("name", "yearbook"), type(known["energy"].name)(en=text, zh=text))
    known["energy"] = known["energy"].model_copy(update=change)
    catalogue = panel.catalogue.model_copy(update={"variables": known})
    frame = panel.frame.copy()
    mine = (frame["variable"] == "population") & (frame["province"] == TIBET)
    frame.loc[mine & (frame["year"] == 2023), "flag"] = "reader"
    return Panel(frame, catalogue)
