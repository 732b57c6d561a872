"""Traps of the sources are refused or declared; tables are rebuilt to the byte."""

from pathlib import Path

import numpy as np
import pytest
from made_up import state, variable, write_project
from made_up_panels import refuses
from made_up_sources import at_hand, everywhere, raw, segment, source, write_mirror

from nqpf.data import Panel
from nqpf.data.build import _harmonise, _rebuild
from nqpf.errors import DataError, SourceError
from nqpf.files import root
from nqpf.provinces import codes
from nqpf.tfp.accounts import capital_stock

ROWS = raw(("全国", 2020, 31.0), *everywhere(2020), ("全国", 2021, 62.0), *everywhere(2021, 2.0))
TABLE = Path("data") / "panel" / "test.csv"


SEGMENT = {"source": "made", "item": "a", "years": [2020, 2021], "unit": "吨", "factor": 0.1}


def values(rows, entry=None, **changes):
    """Return the figures of the provinces by code and year."""
    found = _harmonise(rows, entry or source(), segment(**changes))[0]
    return found.set_index(["province", "year"])["value"].to_dict()


def doubled(panel):
    rows = panel.wide(["film"])["film"].mul(2).rename("value").reset_index()
    return rows.assign(flag="official")


@pytest.mark.parametrize("label", ["内蒙占", "两藏", "尔部地区"])
def test_misread_names_are_refused_unless_declared(label):
    rows = raw((label, 2020, 7.0), ("江西", 2020, 8.0))
    refuses(DataError, f"unknown province '{label}'.*数据 1.rda.*aliases", values, rows)
    jiangxi, tibet = {(360000, 2020): 8.0}, {(540000, 2020): 7.0}
    assert values(rows, source(aliases={label: 540000})) == jiangxi | tibet
    assert values(rows, source(ignore={label: "a total"})) == jiangxi
    with pytest.raises(DataError, match=f"two values .*{label} and 江西.*year 2020"):
        values(rows, source(aliases={label: 360000}))


def test_odd_labels_are_declared_one_by_one(embedded):
    declared = embedded.catalogue.sources.items()
    for label in ("内蒙占", "中国", "两藏"):
        refuses(DataError, f"unknown province '{label}'", values, raw((label, 2020, 1.0)))
        assert any(label in entry.aliases for _, entry in declared)
    for key, entry in declared:  # each means a province or the nation
        for label, code in entry.aliases.items():
            found, nation = _harmonise(raw((label, 2020, 1.0)), entry, segment())
            assert [*found["province"], *[0] * len(nation)] == [code], key


def test_stray_spaces_in_names_and_the_national_row_apart():
    rows = raw(("全   国", 2020, 9.0), ("\ufeff浙 \u3000江 ", 2020, 8.0))
    assert values(rows) == {(330000, 2020): 8.0}
    nation = _harmonise(rows, source(), segment())[1]
    assert nation.to_dict("records") == [{"year": 2020, "value": 9.0}]


def test_units_are_converted_by_their_label_or_refused():
    rows = raw(("北京", 2021, 31234.0, "吨"), ("北京", 2022, 3.1, "万吨"))
    found = values(rows, years=(2021, 2022), factors={"吨": 1e-4, "万吨": 1})
    assert found == {(110000, 2021): 3.1234, (110000, 2022): 3.1}, "the factor leaves no noise"
    for wrong in ("万元", ""):
        with pytest.raises(match=f"unit '{wrong}' is not the declared one.*'人年'"):
            values(raw(("北京", 2020, 1.0, "人年"), ("天津", 2020, 2.0, wrong)), unit="人年")
    assert values(raw(("北京", 2020, 5.0, "")), unit="t", factor=0.1) == {(110000, 2020): 0.5}


@pytest.mark.parametrize("bad", ["many", "1,234", -np.inf, "inf"])
def test_values_that_are_no_numbers(bad):
    with pytest.raises(DataError, match="not a finite number.*天津, year 2020"):
        values(raw(("北京", 2020, 1.0), ("天津", 2020, bad)))


def test_empty_cells_declared_zeros_and_skipped_figures():
    rows = raw(("北京", 2020, 1.0), ("北京", 2021, None), ("北京", 2022, 0.0))
    whole = {"years": (2020, 2022), "missing": [0]}
    refuses(DataError, "no value.*province 110000, year 2021.*gaps", values, rows, **whole)
    assert values(rows, **whole, gaps={110000: ["2021-2022"]}) == {(110000, 2020): 1.0}
    assert values(rows, **whole, skip={110000: [2021, 2022]}) == {(110000, 2020): 1.0}
    assert values(rows, years=(2020, 2020), skip={110000: [2020]}) == {}
    refuses(DataError, "item 'b' not found.*expected a", values, rows, item="b")


def test_residual_is_the_national_figure_less_the_others():
    rows = raw(("全国", 2020, 40.0), *everywhere(2020, without=340000), ("安徽", 2020, 77.0))
    declared = segment(residual={340000: [2020]})
    found = _harmonise(rows, source(), declared)[0].set_index("province")
    assert found.loc[340000, ["value", "flag"]].tolist() == [10.0, "spliced"]
    assert found.loc[110000, "flag"] == "official"
    with pytest.raises(DataError, match="residual needs .*province 340000, year 2020"):
        _harmonise(rows.iloc[:-5], source(), declared)


def test_a_year_that_only_some_provinces_have_is_declared():
    rows = raw(*everywhere(2023), *everywhere(2024, without=640000))
    span = {"years": (2023, 2024)}
    said = "declared year has no value.*province 640000, year 2024.*Declare it under gaps"
    refuses(DataError, said, _harmonise, rows, source(), segment(**span))
    found = values(rows, **span, gaps={640000: [2024]})
    assert (640000, 2023) in found and (640000, 2024) not in found and len(found) == 61


@pytest.fixture
def entry(tmp_path, monkeypatch):
    """The entry of a made-up source that stands in a mirror."""
    monkeypatch.setenv("NQPF_MIRROR", str(tmp_path / "mirror"))
    return write_mirror(tmp_path / "mirror", ROWS)


@pytest.fixture
def rebuilt(tmp_path, entry):
    """Return a function that makes a project of one variable and writes its tables."""

    def made(source=entry, **film):
        home = write_project(tmp_path / "home", {"made": source}, {"film": variable(**film)})
        _rebuild(home, update=True)
        return home

    return made


@pytest.fixture
def home(rebuilt):
    return rebuilt(segments=[SEGMENT], national="sum", second=[SEGMENT])


def test_tables_hold_the_figures_in_canonical_units(home):
    texts = {path.stem: path.read_text("utf-8") for path in home.glob("data/*/*.csv")}
    lines = texts["test"].split("\n")
    assert lines[0] == "province,year,variable,value,vintage,flag"
    assert lines[1:3] == ["110000,2020,film,0.1,,official", "110000,2021,film,0.2,,official"]
    assert len(lines) == 2 + 2 * len(codes())
    head = "variable,year,value,vintage,source\n"
    assert texts["national"] == f"{head}film,2020,3.1,,made\nfilm,2021,6.2,,made\n"
    assert texts["second"].splitlines()[1] == "110000,2020,film,0.1,,made"
    before = state(home)
    assert not _rebuild(home, update=True).changed and state(home) == before
    assert "all as committed" in str(_rebuild(home))


LAST = b"650000,2021,film,0.2,,official\n"
CHANGED = [(b"110000,2020,film,0.1,", b"110000,2020,film,0.10,", 2), (b"\n", b"\r\n", 1)]
CHANGED += [(b"120000,2020,film,0.1,", b"120000,2020,film,0.2,", 4)]
CHANGED += [(LAST, b"", 63), (LAST, LAST + b"\n", 64)]


def test_one_changed_byte_and_a_table_too_few_or_too_many_are_found(home):
    path, extra = home / TABLE, home / "data" / "panel" / "old.csv"
    whole = path.read_bytes()
    for old, new, line in CHANGED:
        path.write_bytes(whole.replace(old, new))
        refuses(DataError, rf"table data/panel/test.csv, line {line}\]", _rebuild, home)
    for table in (path, extra):
        table.write_bytes(whole)
    refuses(DataError, "no such theme.*data/panel/old.csv", _rebuild, home)
    path.unlink()
    extra.unlink()
    refuses(DataError, "no such line is committed.*data/panel/test.csv, line 1", _rebuild, home)


def test_an_error_writes_nothing(home):
    before, (path,) = state(home), home.with_name("mirror").rglob("*.rda")
    path.write_bytes(path.read_bytes()[:-1])
    refuses(SourceError, "SHA-256", _rebuild, home, update=True)
    assert state(home) == before


def test_breaks_vintages_and_printed_totals(rebuilt):
    new, old = (SEGMENT | {"vintage": vintage} for vintage in ("census5", "census4"))
    total = {"year": 2020, "value": 3.2, "vintage": "census5", "source": "yearbook 2021"}
    breaks = [{"year": 2021, "provinces": [340000], "note": "new basis"}]
    vintages = {"vintages": ["census5", "census4"], "totals": [total], "breaks": breaks}
    home = rebuilt(segments=[old | {"years": [2020, 2020]}, new], **vintages)
    panel = Panel.load(extra=False, home=home)
    sizes = [len(panel.wide(["film"], vintage=each)) for each in ("census5", "census4")]
    assert sizes == [62, 31]
    flags = panel.flags(["film"])["film"]
    assert flags[flags == "break"].index.tolist() == [(340000, 2021)]
    national = (home / "data" / "checks" / "national.csv").read_text(encoding="utf-8")
    for line in ("film,2020,3.1,census4,made\n", "film,2020,3.2,census5,yearbook 2021\n"):
        assert line in national


DECLARED = {
    "where there is no figure.*year 2019": {"breaks": [{"year": 2019, "note": "early"}]},
    "two segments .*film, province 110000, year 2020": {"segments": [SEGMENT] * 2},
    "540000 has figures but is declared absent": {"absent": [540000]},
    "derivation 'doubled' was not given.*variable film": {"derived": "doubled"},
}


@pytest.mark.parametrize("said", [*DECLARED, "'made' may not be emb", "province 540000 has no fig"])
def test_declarations_that_the_files_do_not_bear_out(tmp_path, entry, rebuilt, said):
    film = {"segments": [SEGMENT]} | DECLARED.get(said, {})
    if "'made'" in said:
        film["source"] = entry.model_copy(update={"embedded": False})
    elif "has no fig" in said:
        rows = raw(*(row for year in (2020, 2021) for row in everywhere(year, without=540000)))
        film["source"] = write_mirror(tmp_path / "mirror", rows)
    refuses(DataError, said, rebuilt, **film)
    assert not (tmp_path / "home" / TABLE).exists()


def test_derived_variables(tmp_path, entry):
    both = {"film": variable(segments=[SEGMENT]), "twice": variable(derived="doubled")}
    home = write_project(tmp_path / "home", {"made": entry}, both)
    _rebuild(home, {"doubled": doubled}, update=True)
    wide = Panel.load(extra=False, home=home).wide(["film", "twice"])
    assert (wide["twice"] == 2 * wide["film"]).all()
    nothing = {"doubled": lambda panel: doubled(panel).assign(value=float("nan"))}
    refuses(DataError, "nan cannot stand in a table", _rebuild, home, nothing, update=True)


def test_the_embedded_tables_are_what_the_sources_give(monkeypatch):
    at_hand(monkeypatch)
    report = _rebuild(root(), {"perpetual_inventory": capital_stock})
    assert sum(report.tables.values()) > 15_000
