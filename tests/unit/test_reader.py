"""A reader's own figures: accepted spellings, what changes, and what is kept where."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from made_up import HEADER, REPOSITORY, figure, make_project, state, write_csv, write_xlsx

from nqpf.data import Panel
from nqpf.data.adopt import add, check, extend, overlay, preview
from nqpf.data.own import read_rows
from nqpf.errors import DataError, UnitError, VintageError

WITH_VINTAGE = HEADER + ",vintage"
WITH_NAMES = HEADER + ",name_en,name_zh"
ROBOTS = "Beijing,2023,robots,120,units,own count,Robots in use,在用机器人"
NEW_YEAR = [
    "Beijing,2024,population,12,万人,yearbook",
    "Beijing,2024,energy,16,万吨标准煤,yearbook",
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_project(tmp_path / "home")


@pytest.fixture
def panel(home: Path) -> Panel:
    return Panel.load(extra=False, home=home)


@pytest.fixture
def extra(home: Path) -> Path:
    return home / "data" / "extra"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize(
    "province", ["北京", "北京市", "北 京", "Beijing", "beijing", "110000", "11"]
)
@pytest.mark.parametrize("variable", ["population", "Population", "常住人口"])
@pytest.mark.parametrize("unit", ["10,000 persons", "万人"])
def test_spellings(
    tmp_path: Path, panel: Panel, encoding: str, province: str, variable: str, unit: str
) -> None:
    row = f'{province},2024,{variable},2183.2,"{unit}",统计年鉴 Yearbook'
    path = write_csv(tmp_path / "mine.csv", row, encoding=encoding)
    rows = read_rows(path, panel.catalogue)
    assert rows.to_dict("records") == [
        {
            "province": 110000,
            "year": 2024,
            "variable": "population",
            "value": 2183.2,
            "unit": "10,000 persons",
            "source": "统计年鉴 Yearbook",
            "vintage": "",
            "name_en": "",
            "name_zh": "",
        }
    ]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", 1.0),
        ("+1.50", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("2.5E-3", 0.0025),
        ('"1,234.5"', 1234.5),
        ('"1,234,567"', 1234567.0),
        ("  7  ", 7.0),
        ("-0", 0.0),
        ("0.1", 0.1),
    ],
)
def test_numbers(tmp_path: Path, panel: Panel, cell: str, value: float) -> None:
    path = write_csv(tmp_path / "mine.csv", f"Beijing,2024,population,{cell},万人,s")
    assert repr(read_rows(path, panel.catalogue).loc[0, "value"].item()) == repr(value)


def test_a_workbook_gives_the_same_rows(tmp_path: Path, panel: Panel) -> None:
    book = write_xlsx(
        tmp_path / "mine.xlsx",
        [110000, 2024, "population", 2183.2, "万人", "年鉴"],
        [None] * 6,
        ["天津", 2024.0, "常住人口", 1364, "万人", "年鉴"],
    )
    text = write_csv(
        tmp_path / "mine.csv",
        "110000,2024,population,2183.2,万人,年鉴",
        "",
        "天津,2024,常住人口,1364,万人,年鉴",
    )
    rows = read_rows(book, panel.catalogue)
    pd.testing.assert_frame_equal(rows, read_rows(text, panel.catalogue))
    assert rows["value"].tolist() == [2183.2, 1364.0]


def test_rows_of_a_workbook_are_counted_as_the_spreadsheet_shows_them(
    tmp_path: Path, panel: Panel
) -> None:
    bad = ["Bejing", 2024, "population", 1, "万人", "s"]
    book = write_xlsx(tmp_path / "mine.xlsx", [None] * 6, [None] * 6, bad)
    with pytest.raises(DataError, match="row 4"):
        read_rows(book, panel.catalogue)


def test_columns_in_any_order_and_case(tmp_path: Path, panel: Panel) -> None:
    header = "Source,Unit,VALUE,variable,year,province,vintage"
    path = write_csv(tmp_path / "mine.csv", "s,亿元,5,gdp,2024,北京,census5", header=header)
    assert read_rows(path, panel.catalogue).loc[0, ["value", "vintage"]].tolist() == [5, "census5"]


def test_a_profit_and_a_new_variable_may_be_negative(tmp_path: Path, panel: Panel) -> None:
    rows = ["Beijing,2024,hightech_profit,-3,亿元,s,,", "Beijing,2024,balance,-4,亿元,s,Balance,"]
    path = write_csv(tmp_path / "mine.csv", *rows, header=WITH_NAMES)
    assert read_rows(path, panel.catalogue)["value"].tolist() == [-3.0, -4.0]


def test_names_of_a_new_variable_need_to_be_given_once(tmp_path: Path, panel: Panel) -> None:
    rows = ["Tianjin,2023,robots,80,units,own count,,", ROBOTS]
    path = write_csv(tmp_path / "mine.csv", *rows, header=WITH_NAMES)
    assert read_rows(path, panel.catalogue)["name_zh"].tolist() == ["在用机器人"] * 2


def test_extend_adds_and_replaces_and_leaves_its_input(tmp_path: Path, panel: Panel) -> None:
    frame, size = panel.frame.copy(), len(panel.frame)
    rows = ["北京,2024,gdp,99.5,亿元,s,census5", "北京,2023,gdp,88.5,亿元,s,census5"]
    longer = extend(panel, write_csv(tmp_path / "mine.csv", *rows, header=WITH_VINTAGE))
    pd.testing.assert_frame_equal(panel.frame, frame)
    assert len(longer.frame) == size + 1
    wide = longer.wide(["gdp"], years=[2022, 2023, 2024]).loc[110000, "gdp"]
    assert wide.tolist() == [figure(110000, 2022, "gdp"), 88.5, 99.5]
    flags = longer.flags(["gdp"], years=[2022, 2023, 2024]).loc[110000, "gdp"]
    assert flags.tolist() == ["official", "reader", "reader"]
    other = longer.wide(["gdp"], vintage="census4").loc[(110000, 2023), "gdp"]
    assert other == figure(110000, 2023, "gdp"), "the other vintage keeps its figure"
    assert "s (2023-2024)" in longer.catalogue.variables["gdp"].note


def test_panel_extend_is_the_same(tmp_path: Path, panel: Panel) -> None:
    path = write_csv(tmp_path / "mine.csv", *NEW_YEAR)
    pd.testing.assert_frame_equal(panel.extend(path).frame, extend(panel, path).frame)


def test_round_trip(tmp_path: Path, home: Path, panel: Panel, extra: Path) -> None:
    before = state(home / "data")
    add(write_csv(tmp_path / "year.csv", *NEW_YEAR, encoding="gb18030"), panel, extra)
    add(write_csv(tmp_path / "robots.csv", ROBOTS, header=WITH_NAMES), panel, extra)
    after = state(home / "data")
    assert set(after) - set(before) == {"extra/year.csv", "extra/robots.csv"}
    assert {name: after[name] for name in before} == before, "the embedded tables are untouched"
    loaded = Panel.load(home=home)
    assert loaded.wide(["population", "energy"]).loc[(110000, 2024)].tolist() == [12.0, 16.0]
    assert loaded.wide(["robots"]).loc[(110000, 2023), "robots"] == 120.0
    entry = loaded.catalogue.variables["robots"]
    assert (entry.name.en, entry.name.zh) == ("Robots in use", "在用机器人")
    assert (entry.theme, entry.unit, entry.publisher.en) == ("reader", "units", "own count")
    assert "robots" in loaded.variables
    assert "robots" not in Panel.load(extra=False, home=home).variables


def test_what_is_kept_is_canonical(tmp_path: Path, panel: Panel, extra: Path) -> None:
    rows = ['天津,2024,常住人口,"1,364.50",万人,"a, b"', "北京,2024,常住人口,2183,万人,s"]
    add(write_csv(tmp_path / "mine.csv", *rows, encoding="gb18030"), panel, extra)
    assert (extra / "mine.csv").read_bytes().decode() == (
        "province,year,variable,value,unit,source,vintage,name_en,name_zh\n"
        '110000,2024,population,2183.0,"10,000 persons",s,,,\n'
        '120000,2024,population,1364.5,"10,000 persons","a, b",,,\n'
    )
    again = read_rows(extra / "mine.csv", panel.catalogue)
    assert again["value"].tolist() == [2183.0, 1364.5]


def test_adding_twice_changes_nothing(
    tmp_path: Path, home: Path, panel: Panel, extra: Path
) -> None:
    path = write_csv(tmp_path / "mine.csv", ROBOTS, header=WITH_NAMES)
    add(path, panel, extra)
    before = state(home)
    add(path, panel, extra)
    assert state(home) == before


def test_a_different_table_of_the_same_name_is_kept(
    tmp_path: Path, home: Path, panel: Panel, extra: Path
) -> None:
    add(write_csv(tmp_path / "mine.csv", NEW_YEAR[0]), panel, extra)
    before = state(home)
    path = write_csv(tmp_path / "mine.csv", NEW_YEAR[1])
    with pytest.raises(DataError, match="exists and holds other figures.*--replace"):
        add(path, panel, extra)
    assert state(home) == before
    add(path, panel, extra, replace=True)
    loaded = Panel.load(home=home).wide(["population", "energy"])
    assert loaded.loc[(110000, 2024)].isna().tolist() == [True, False]


def test_the_unit_of_an_own_variable_can_be_replaced(
    tmp_path: Path, panel: Panel, extra: Path
) -> None:
    add(write_csv(tmp_path / "mine.csv", ROBOTS, header=WITH_NAMES), panel, extra)
    changed = ROBOTS.replace("units", "1,000 units").replace("120", "0.12")
    changed = changed.replace("1,000 units", '"1,000 units"')
    path = write_csv(tmp_path / "mine.csv", changed, header=WITH_NAMES)
    add(path, panel, extra, replace=True)
    assert overlay(panel, extra).catalogue.unit("robots") == "1,000 units"
    other = write_csv(tmp_path / "more.csv", "Tianjin,2023,robots,80,units,s")
    with pytest.raises(UnitError, match="expected '1,000 units'"):
        add(other, panel, extra)


def test_two_tables_with_the_same_figure(
    tmp_path: Path, home: Path, panel: Panel, extra: Path
) -> None:
    add(write_csv(tmp_path / "first.csv", NEW_YEAR[0]), panel, extra)
    before = state(home)
    second = write_csv(tmp_path / "second.csv", *NEW_YEAR)
    for action in (preview, add):
        with pytest.raises(DataError, match="1 of the figures are given by first.csv as well"):
            action(second, panel, extra)
    assert state(home) == before
    write_csv(extra / "second.csv", *NEW_YEAR)
    with pytest.raises(DataError, match="or remove extra/second.csv"):
        Panel.load(home=home)


def test_a_bad_table_in_the_folder_is_named(home: Path, extra: Path) -> None:
    extra.mkdir()
    write_csv(extra / "bad.csv", "Bejing,2024,population,x,万人,s")
    with pytest.raises(DataError) as caught:
        Panel.load(home=home)
    message = str(caught.value)
    assert message.startswith("extra/bad.csv cannot be used: bad.csv has 2 problems:\n- unknown")
    assert message.endswith("or remove extra/bad.csv.")
    assert Panel.load(extra=False, home=home).variables, "the embedded tables can still be read"


def test_a_vintage_is_kept(tmp_path: Path, panel: Panel, extra: Path) -> None:
    row = "北京,2024,gdp,99.5,亿元,s,census4"
    add(write_csv(tmp_path / "mine.csv", row, header=WITH_VINTAGE), panel, extra)
    loaded = overlay(panel, extra)
    assert loaded.wide(["gdp"], vintage="census4").loc[(110000, 2024), "gdp"] == 99.5
    assert (110000, 2024) not in loaded.wide(["gdp"], vintage="census5").index
    with pytest.raises(VintageError):
        read_rows(write_csv(tmp_path / "mine.csv", row[:-8], header=HEADER), panel.catalogue)


def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path, panel: Panel, extra: Path) -> None:
    outside = write_csv(tmp_path / "outside.csv", NEW_YEAR[0])
    content = outside.read_bytes()
    extra.mkdir()
    (extra / "mine.csv").symlink_to(outside)
    with pytest.raises(DataError, match="leaves"):
        add(write_csv(tmp_path / "mine.csv", NEW_YEAR[1]), panel, extra, replace=True)
    assert outside.read_bytes() == content


def test_a_report_says_what_changes(tmp_path: Path, panel: Panel) -> None:
    old = figure(120000, 2023, "population")
    rows = [
        "北京,2024,population,13.5,万人,s,,",
        f"天津,2023,population,{old * 1.1!r},万人,s,,",
        f"天津,2022,population,{figure(120000, 2022, 'population')!r},万人,s,,",
        "河北,2024,energy,4000,万吨标准煤,s,,",
        ROBOTS,
    ]
    found = check(write_csv(tmp_path / "mine.csv", *rows, header=WITH_NAMES), panel)
    assert (len(found.new), len(found.revised), found.unchanged) == (3, 1, 1)
    assert found.new_variables == ("robots",)
    assert found.revised.loc[0, "change"] == pytest.approx(10)
    near = figure(130000, 2023, "energy")
    assert str(found).splitlines() == [
        "mine.csv: 5 figures can be used: 3 new, 1 revised, 1 as before",
        "  new variable robots: Robots in use 在用机器人, units",
        "  new energy: 1 figures, 1 province, 2024-2024",
        "  new population: 1 figures, 1 province, 2024-2024",
        "  new robots: 1 figures, 1 province, 2023-2023",
        f"  revised population Tianjin 2023: {old:.12g} -> {old * 1.1:.12g} (+10.00 %)",
        f"  warning: energy Hebei 2024 is 4000, but 2023 has {near:.12g}",
    ]


@pytest.mark.parametrize(
    ("year", "factor", "warned"),
    [(2024, 11, True), (2024, 9, False), (2024, 1 / 11, True), (2018, 11, True), (2022, 11, True),
     (2024, 0, True), (2015, 100, False)],
)  # fmt: skip
def test_jumps(tmp_path: Path, panel: Panel, year: int, factor: float, warned: bool) -> None:
    near = {2024: 2023, 2018: 2019, 2022: 2021}.get(year, 2019)
    value = figure(310000, near, "energy") * factor
    row = f"上海,{year},energy,{value!r},万吨标准煤,s"
    found = check(write_csv(tmp_path / "mine.csv", row), panel)
    assert len(found.warnings) == warned
    if warned:
        assert f"energy Shanghai {year}" in found.warnings[0]
        assert f"{near} has" in found.warnings[0]


def test_a_long_report_is_cut(tmp_path: Path, panel: Panel) -> None:
    rows = [
        f"{code},{year},population,0.5,万人,s"
        for code in ("北京", "天津", "河北", "山西", "上海")
        for year in range(2019, 2024)
    ]
    text = str(check(write_csv(tmp_path / "mine.csv", *rows), panel))
    assert text.count("revised population") == 20
    assert "revised and 5 more" in text


def _readme() -> str:
    return (REPOSITORY / "data" / "extra" / "README.md").read_text(encoding="utf-8")


def test_the_examples_of_the_readme(tmp_path: Path) -> None:
    from nqpf.data import Catalogue

    examples = re.findall(r"^```\n(province,.*?)^```", _readme(), flags=re.DOTALL | re.MULTILINE)
    assert len(examples) == 2
    (tmp_path / "year.csv").write_text(examples[0], encoding="utf-8")
    (tmp_path / "robots.csv").write_text(examples[1], encoding="utf-8")
    assert len(read_rows(tmp_path / "year.csv", Catalogue.load())) == 2
    own = read_rows(tmp_path / "robots.csv", Catalogue.load())
    assert own.loc[0, ["variable", "name_zh"]].tolist() == ["industrial_robots", "在用工业机器人"]


def test_the_units_of_the_readme() -> None:
    from nqpf.data.own import CHINESE_UNITS

    table = _readme().partition("## Chinese units")[2]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", table, flags=re.MULTILINE)
    listed = {zh: unit for cell, unit in rows[2:] for zh in cell.split(" or ")}
    assert listed == CHINESE_UNITS


def test_all_chinese_units_are_units_of_the_real_catalogue() -> None:
    from nqpf.data import Catalogue
    from nqpf.data.own import CHINESE_UNITS

    catalogue = Catalogue.load()
    assert set(CHINESE_UNITS.values()) == {entry.unit for entry in catalogue.variables.values()}


def test_every_series_of_the_real_panel_could_be_a_readers(tmp_path: Path) -> None:
    """The newest year of every variable, given back as a file, is accepted and changes nothing."""
    panel = Panel.load(extra=False)
    frame = panel.frame[panel.frame["vintage"].isin(["", "census5"])]
    units = {key: panel.catalogue.unit(key) for key in panel.variables}
    rows = frame[frame["year"] == frame.groupby("variable")["year"].transform("max")]
    rows = rows.assign(unit=rows["variable"].map(units), source="given back")
    rows[[*HEADER.split(","), "vintage"]].to_csv(tmp_path / "mine.csv", index=False)
    found = check(tmp_path / "mine.csv", panel)
    assert (found.unchanged, len(found.new), len(found.revised)) == (len(rows), 0, 0)
    assert set(found.rows["variable"]) == set(panel.variables)


def test_only_series_that_fall_below_zero_may_be_negative() -> None:
    from nqpf.data.own import _MAY_BE_NEGATIVE

    frame = Panel.load(extra=False).frame
    assert set(frame.loc[frame["value"] < 0, "variable"]) == _MAY_BE_NEGATIVE


def test_real_panel_with_a_year_of_2024(tmp_path: Path) -> None:
    panel = Panel.load(extra=False)
    last = panel.wide(["population"], years=[2023])["population"]
    rows = [f"{code},2024,population,{value!r},万人,s" for (code, _), value in last.items()]
    path = write_csv(tmp_path / "mine.csv", *rows)
    found = add(path, panel, tmp_path / "extra")
    assert (len(found.new), found.warnings) == (31, ())
    loaded = overlay(panel, tmp_path / "extra").wide(["population"], years=[2023, 2024])
    assert len(loaded) == 62
    assert loaded.xs(2024, level="year")["population"].equals(last.droplevel("year"))
