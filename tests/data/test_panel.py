"""The panel's views, what it refuses to mix, and what its catalogue says."""

import numpy as np
import pandas as pd
import pytest
from made_up import figure
from made_up_panels import refuses

from nqpf.data import Catalogue, Panel
from nqpf.errors import DataError
from nqpf.provinces import codes
from nqpf.systems import System

KEY = ["variable", "vintage", "province", "year"]


def changed(panel, rows, **columns):
    """Return a panel with new values in some rows."""
    frame = panel.frame.copy()
    frame.loc[frame.query(rows).index, list(columns)] = list(columns.values())
    return Panel(frame, panel.catalogue)


def without(panel, rows):
    return Panel(panel.frame.query(f"not ({rows})"), panel.catalogue)


def test_wide_has_one_column_per_variable_in_the_order_asked(panel):
    before = panel.frame.copy()
    wide = panel.wide(["population", "gdp"], years=[2021, 2022])
    assert list(wide.columns) == ["population", "gdp"]
    assert wide.index.names == ["province", "year"] and len(wide) == 62
    assert wide.loc[(440000, 2022), "gdp"] == figure(440000, 2022, "gdp")
    wide["gdp"] = 0.0
    pd.testing.assert_frame_equal(panel.frame, before)
    gone = without(panel, "variable == 'population' and province == 540000")
    wide = gone.wide(["gdp", "population"])
    assert wide.loc[540000].isna().all().tolist() == [False, True]


def test_vintages_are_never_mixed(panel):
    split = changed(panel, "vintage == 'census4'", value=1e6)
    new, earlier = split.wide(["gdp"]), split.wide(["gdp"], vintage="census4")
    assert new.equals(panel.wide(["gdp"])) and earlier["gdp"].eq(1e6).all()
    # A variable without vintages goes with either.
    assert split.wide(["population"], vintage="census4").equals(split.wide(["population"]))
    for view in (panel.wide, panel.flags, panel.breaks):
        with pytest.raises(DataError, match="'gdp' has no vintage 'first'.*census5 or census4"):
            view(["gdp"], vintage="first")
    for view in (panel.wide, panel.provenance):
        with pytest.raises(DataError, match="variable 'populatoin'.*[Dd]id you mean 'population'"):
            view("populatoin")


def test_coverage_counts_gaps_and_flags(panel):
    panel = changed(panel, "variable == 'energy' and year == 2023", flag="extrapolated")
    gone = without(panel, "variable == 'energy' and province == 540000 and year == 2021")
    table = gone.coverage()
    row = table.loc[("energy", "")]
    counts = ["first", "last", "provinces", "figures", "gaps"]
    assert row[counts].tolist() == [2019, 2023, 31, 154, 1]
    assert row["official share"] == pytest.approx(123 / 154)
    assert table.loc[("gdp", "census4"), "gaps"] == 0


def test_a_change_spans_a_break_of_any_variable_in_the_year_of_the_flag(panel):
    shanghai = "variable == 'energy' and province == 310000 and year == 2022"
    panel = changed(panel, shanghai, flag="break")
    panel = changed(panel, "variable == 'gdp' and year == 2022", flag="extrapolated")
    marked = without(panel, "variable == 'gdp' and province == 540000")
    broken = marked.breaks(["gdp", "energy"])
    assert broken.index.equals(marked.wide(["gdp", "energy"]).index) and broken.dtype == bool
    assert broken.index[broken].tolist() == [(310000, 2022)]
    assert not marked.breaks(["gdp"]).any() and not marked.breaks(["energy"], years=[2021]).any()


def test_missing_tables_and_a_broken_catalogue(home):
    (home / "data" / "panel" / "test.csv").unlink()
    refuses(DataError, "no tables found.*make data", Panel.load, extra=False)
    path = home / "data" / "catalogue.yaml"
    path.write_text("sources: {}\nvariables: {gdp: {unit: 1}}\n", encoding="utf-8")
    refuses(DataError, r"gdp.name: .*and 5 more problems.*file catalogue.yaml", Catalogue.load)
    path.write_text("sources: !!python/object/apply:os.getcwd []\n", encoding="utf-8")
    refuses(DataError, "cannot be read", Catalogue.load, path)


# The embedded panel.


def test_every_figure_has_an_entry_a_province_and_a_number(embedded):
    frame, known = embedded.frame, embedded.catalogue.variables
    assert set(frame["variable"]) == set(known) and set(frame["province"]) == set(codes())
    assert np.isfinite(frame["value"]).all() and not frame.duplicated(KEY).any()
    assert set(frame["flag"]) <= {"official", "derived", "spliced", "extrapolated", "break"}
    for key, vintages in frame.groupby("variable")["vintage"]:
        assert set(vintages) == set(known[key].vintages or [""]), key
    derived = frame["variable"].map(lambda key: bool(known[key].derived))
    assert set(frame.loc[derived, "flag"]) == {"derived", "extrapolated"}
    assert "derived" not in set(frame.loc[~derived, "flag"])


def test_the_catalogue_says_how_far_the_vintages_of_gdp_differ(embedded):
    new, old = embedded.wide(["gdp"]), embedded.wide(["gdp"], vintage="census4")
    revision = (100 * (new["gdp"] / old["gdp"] - 1)).dropna().abs()
    assert revision.idxmax() == (110000, 2022)
    text = f"differ by up to {revision.max():.1f} % in a province (Beijing 2022)"
    assert text in embedded.catalogue.variables["gdp"].note


def test_every_series_cites_a_yearbook_and_files(embedded):
    for key, entry in embedded.catalogue.variables.items():
        assert entry.segments or entry.derived, key
        for text in (entry.name, entry.publisher, entry.yearbook):
            assert text.zh.strip() and text.en.isascii(), key
        assert len(entry.definition) > 20, key
    table = embedded.provenance("gfcf")
    told = table[["years", "flag"]].to_numpy().tolist()
    assert told == [["1952-2017", "official"], ["2018-2022", "extrapolated"]]
    assert table["transcribed from"].str.endswith("CapitalStock/data/asset.rda").all()
    broken = embedded.breaks(["employment"])
    named = embedded.catalogue.variables["employment"].breaks
    assert set(broken.index[broken]) == {(c, each.year) for each in named for c in each.provinces}


def test_what_a_terminal_shows_fits_a_line(embedded):
    for shown in (embedded, embedded.catalogue, System.load("dong-2024")):
        assert len(repr(shown)) < 100
    assert f"{len(embedded.frame):,} figures" in repr(embedded)
