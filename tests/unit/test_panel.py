"""The panel's views, and what it refuses to mix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up import figure, make_project

from nqpf.data import Panel
from nqpf.data import quality as checks
from nqpf.data.catalogue import Catalogue
from nqpf.data.panel import COLUMNS
from nqpf.errors import DataError, VintageError
from nqpf.provinces import codes


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    return Panel.load(extra=False, home=make_project(tmp_path / "home"))


@pytest.fixture(scope="module")
def embedded() -> Panel:
    return Panel.load(extra=False)


def test_wide_has_one_column_per_variable_in_the_order_asked(panel: Panel) -> None:
    wide = panel.wide(["population", "gdp"], years=[2021, 2022])
    assert list(wide.columns) == ["population", "gdp"]
    assert wide.index.names == ["province", "year"]
    assert wide.shape == (62, 2)
    assert wide.loc[(440000, 2022), "gdp"] == figure(440000, 2022, "gdp")


def test_wide_leaves_what_is_missing_empty(panel: Panel) -> None:
    frame = panel.frame
    gone = (frame["variable"] == "population") & (frame["province"] == 540000)
    wide = Panel(frame[~gone], panel.catalogue).wide(["gdp", "population"])
    assert wide.loc[540000, "population"].isna().all()
    assert wide.loc[540000, "gdp"].notna().all()


def test_wide_does_not_change_the_panel(panel: Panel) -> None:
    before = panel.frame.copy()
    wide = panel.wide(["gdp"])
    wide["gdp"] = 0.0
    pd.testing.assert_frame_equal(panel.frame, before)


def test_vintages_are_never_mixed(panel: Panel) -> None:
    frame = panel.frame.copy()
    old = frame["vintage"] == "census4"
    frame.loc[old, "value"] += 1000
    split = Panel(frame, panel.catalogue)
    new, earlier = split.wide(["gdp"]), split.wide(["gdp"], vintage="census4")
    assert (earlier["gdp"] - new["gdp"]).round(6).eq(1000).all()
    # A variable without vintages goes with either.
    assert split.wide(["population"], vintage="census4").equals(split.wide(["population"]))


def test_vintage_that_a_variable_does_not_have(panel: Panel) -> None:
    with pytest.raises(VintageError, match="'gdp' has no vintage 'first'.*census5 or census4"):
        panel.wide(["gdp"], vintage="first")


def test_unknown_variable_offers_the_nearest(panel: Panel) -> None:
    with pytest.raises(DataError, match="unknown variable 'populatoin'.*[Dd]id you mean 'popul"):
        panel.wide(["populatoin"])
    with pytest.raises(DataError, match="[Dd]id you mean 'rd_expenditure'"):
        panel.provenance("rd_expense")


def test_coverage_counts_gaps_and_flags(panel: Panel) -> None:
    frame = panel.frame.copy()
    energy = frame["variable"] == "energy"
    frame.loc[energy & (frame["year"] == 2023), "flag"] = "extrapolated"
    gone = energy & (frame["province"] == 540000) & (frame["year"] == 2021)
    table = Panel(frame[~gone], panel.catalogue).coverage()
    row = table.loc[("energy", "")]
    assert row[["first", "last", "provinces", "figures", "gaps"]].tolist() == [
        2019,
        2023,
        31,
        154,
        1,
    ]
    assert row["official share"] == pytest.approx(123 / 154)
    assert table.loc[("gdp", "census4"), "gaps"] == 0


def test_a_change_spans_a_break_of_any_variable_in_the_year_of_the_flag(panel: Panel) -> None:
    frame = panel.frame.copy()
    year = frame["year"] == 2022
    new = (frame["variable"] == "energy") & (frame["province"] == 310000) & year
    frame.loc[new, "flag"] = "break"
    frame.loc[(frame["variable"] == "gdp") & year, "flag"] = "extrapolated"
    gone = (frame["variable"] == "gdp") & (frame["province"] == 540000)
    marked = Panel(frame[~gone], panel.catalogue)
    broken = marked.breaks(["gdp", "energy"])
    assert broken.index.equals(marked.wide(["gdp", "energy"]).index)
    assert broken.dtype == bool
    assert broken.index[broken].tolist() == [(310000, 2022)]
    assert not marked.breaks(["gdp"]).any()
    assert not marked.breaks(["energy"], years=[2021]).any()
    with pytest.raises(VintageError, match="no vintage 'first'"):
        marked.breaks(["gdp"], vintage="first")


def test_breaks_of_employment_are_those_that_the_catalogue_names(embedded: Panel) -> None:
    named = {
        (code, each.year)
        for each in embedded.catalogue.variables["employment"].breaks
        for code in each.provinces
    }
    broken = embedded.breaks(["employment"])
    assert set(broken.index[broken]) == named


def test_missing_tables(tmp_path: Path) -> None:
    home = make_project(tmp_path / "home")
    (home / "data" / "panel" / "test.csv").unlink()
    with pytest.raises(DataError, match="no tables found.*make data"):
        Panel.load(extra=False, home=home)


def test_broken_catalogue_names_file_and_field(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text("sources: {}\nvariables: {gdp: {unit: 1}}\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"variables.gdp.name: Field required \(and 5 more\).*file catalogue.yaml"
    ):
        Catalogue.load(path)
    path.write_text(
        "sources: {}\nvariables: !!python/object/apply:os.getcwd []\n", encoding="utf-8"
    )
    with pytest.raises(DataError, match="cannot be read"):
        Catalogue.load(path)


# The embedded panel.


def test_every_figure_has_an_entry_a_province_and_a_number(embedded: Panel) -> None:
    frame = embedded.frame
    assert set(frame["variable"]) == set(embedded.catalogue.variables)
    assert set(frame["province"]) == set(codes())
    assert np.isfinite(frame["value"]).all()
    assert not frame.duplicated(COLUMNS[:3] + ["vintage"]).any()
    known = {"official", "derived", "spliced", "extrapolated", "interpolated", "break"}
    assert set(frame["flag"]) <= known


def test_the_catalogue_says_how_far_the_vintages_of_gdp_differ(embedded: Panel) -> None:
    new, old = embedded.wide(["gdp"]), embedded.wide(["gdp"], vintage="census4")
    revision = (100 * (new["gdp"] / old["gdp"] - 1)).dropna().abs()
    assert revision.idxmax() == (110000, 2022)
    text = f"differ by up to {revision.max():.1f} % in a province (Beijing 2022)"
    assert text in embedded.catalogue.variables["gdp"].note


def test_what_this_book_computes_is_not_flagged_official(embedded: Panel) -> None:
    frame, known = embedded.frame, embedded.catalogue.variables
    derived = frame["variable"].map(lambda key: bool(known[key].derived))
    assert derived.any()
    assert set(frame.loc[derived, "flag"]) == {"derived", "extrapolated"}
    assert "derived" not in set(frame.loc[~derived, "flag"])


def test_vintages_of_the_tables_are_those_of_the_catalogue(embedded: Panel) -> None:
    for key, rows in embedded.frame.groupby("variable"):
        declared = embedded.catalogue.variables[key].vintages
        assert set(rows["vintage"]) == set(declared or [""]), key


def test_provenance_names_yearbook_file_and_years(embedded: Panel) -> None:
    table = embedded.provenance("gfcf")
    assert table["years"].tolist() == ["1952-2017", "2018-2022"]
    assert table["flag"].tolist() == ["official", "extrapolated"]
    assert table["transcribed from"].str.endswith("CapitalStock/data/asset.rda").all()
    assert table["yearbook"].str.contains("统计年鉴").all()


def test_every_series_cites_a_yearbook(embedded: Panel) -> None:
    for key, entry in embedded.catalogue.variables.items():
        assert entry.segments or entry.derived, key
        for text in (entry.name, entry.publisher, entry.yearbook):
            assert text.zh.strip(), key
            assert text.en.isascii(), key
        assert len(entry.definition) > 20, key


def test_every_source_may_be_embedded_or_says_so(embedded: Panel) -> None:
    sources = embedded.catalogue.sources
    for key, entry in embedded.catalogue.variables.items():
        for segment in [*entry.segments, *entry.second]:
            assert sources[segment.source].embedded, (key, segment.source)


# Checks.


def a_total(value: float, **changes: object) -> pd.DataFrame:
    row = {"variable": "gdp", "year": 2020, "value": value, "vintage": "census5", "source": "made"}
    return pd.DataFrame([row | changes])


def summing(panel: Panel, **changes: object) -> Panel:
    variables = dict(panel.catalogue.variables)
    variables["gdp"] = variables["gdp"].model_copy(update={"national": "sum"} | changes)
    return Panel(panel.frame, panel.catalogue.model_copy(update={"variables": variables}))


def test_national_verdicts(panel: Panel) -> None:
    total = sum(figure(code, 2020, "gdp") for code in codes())
    fair = summing(panel)
    assert checks.national(fair, a_total(total))["verdict"].tolist() == ["adds up"]
    assert checks.national(fair, a_total(total * 1.05))["verdict"].tolist() == ["differs"]
    told = summing(panel, national_range=(-6.0, 0.0), national_note="Taiwan")
    table = checks.national(told, a_total(total * 1.05))
    assert table[["verdict", "reason"]].to_numpy().tolist() == [["explained", "Taiwan"]]
    assert checks.national(told, a_total(total / 1.05))["verdict"].tolist() == ["differs"]
    some = Panel(panel.frame[panel.frame["province"] != 440000], fair.catalogue)
    assert checks.national(some, a_total(total))["verdict"].tolist() == ["incomplete"]
    assert checks.national(panel, a_total(total)).empty


def test_every_national_difference_is_explained(embedded: Panel) -> None:
    table = checks.national(embedded)
    wrong = table[table["verdict"] == "differs"]
    assert wrong.empty, wrong[["variable", "vintage", "year", "difference"]].to_string()


def test_second_source_summary_finds_the_worst(panel: Panel) -> None:
    other = panel.frame[panel.frame["variable"] == "energy"].assign(source="other")
    other.loc[(other["province"] == 120000) & (other["year"] == 2021), "value"] *= 1.5
    row = checks.second_summary(panel, other).iloc[0]
    assert (row["province"], row["year"]) == (120000, 2021)
    assert row["worst"] == pytest.approx(50)
    assert row["within 0.1 %"] == pytest.approx(154 / 155)


def test_jumps_are_listed_with_their_flag(panel: Panel) -> None:
    frame = panel.frame.copy()
    later = (
        (frame["variable"] == "energy") & (frame["province"] == 340000) & (frame["year"] >= 2021)
    )
    frame.loc[later, "value"] /= 4
    table = checks.jumps(Panel(frame, panel.catalogue))
    assert table[["variable", "province", "year"]].to_numpy().tolist() == [["energy", 340000, 2021]]
    assert table.loc[0, "ratio"] == pytest.approx(1.05 / 4, abs=0.01)
    with pytest.raises(DataError, match="factor 1"):
        checks.jumps(panel, factor=1)


def test_research_adds_up_but_for_the_printed_exceptions(embedded: Panel) -> None:
    table = checks.adding_up(embedded).set_index("identity")
    row = table.loc["rd_basic + rd_applied + rd_development = rd_expenditure"]
    assert row["figures"] == 31 * 14
    assert row["off"] == 2  # Zhejiang 2015 by 0.01 and Shanghai 2021, as in the yearbook
    assert row["worst"] == pytest.approx(1.9671)


def test_what_a_terminal_shows_of_panel_and_systems_fits_a_line() -> None:
    from nqpf.systems import System

    panel = Panel.load(extra=False)
    for shown in (repr(panel), repr(panel.catalogue), repr(System.load("dong-2024"))):
        assert len(shown) < 100
    assert f"{len(panel.frame):,} figures" in repr(panel)
