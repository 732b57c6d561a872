"""A reader's own figures: what the command says they change, and what is kept where."""

from itertools import product

import pandas as pd
import pytest
from made_up import HEADER, figure, state, write_csv

from nqpf.data import Panel
from nqpf.errors import DataError

WITH_NAMES = HEADER + ",name_en,name_zh"
ROBOTS = "Beijing,2023,robots,120,units,own count,Robots in use,在用机器人"
NEW_YEAR = ["Beijing,2024,population,12,万人,y", "Beijing,2024,energy,16,万吨标准煤,y"]


@pytest.fixture
def extra(home):
    return home / "data" / "extra"


@pytest.fixture
def add(run):
    """Return a function that adds a file and returns what the command says."""
    return lambda *words: run("add", *words).output


def test_extend_adds_and_replaces_and_leaves_its_input(tmp_path, panel):
    frame = panel.frame.copy()
    rows = ["北京,2024,gdp,99.5,亿元,s,census5", "北京,2023,gdp,88.5,亿元,s,census5"]
    longer = panel.extend(write_csv(tmp_path / "mine.csv", *rows, header=f"{HEADER},vintage"))
    pd.testing.assert_frame_equal(panel.frame, frame)
    wide = longer.wide(["gdp"], years=[2022, 2023, 2024]).loc[110000, "gdp"]
    assert wide.tolist() == [figure(110000, 2022, "gdp"), 88.5, 99.5]
    flags = longer.flags(["gdp"], years=[2022, 2023, 2024]).loc[110000, "gdp"]
    assert flags.tolist() == ["official", "reader", "reader"]
    assert "s (2023-2024)" in longer.catalogue.variables["gdp"].note


def test_what_is_kept_is_canonical_and_used(tmp_path, home, extra, add):
    before = state(home)
    rows = ['天津,2024,常住人口,"1,364.50",万人,"a, b"', "北京,2024,常住人口,2183,万人,s"]
    said = add(write_csv(tmp_path / "year.csv", *rows, encoding="gb18030"))
    assert "Written to data/extra/year.csv; the next `make book` uses it." in said
    assert (extra / "year.csv").read_bytes().decode() == (
        "province,year,variable,value,unit,source,vintage,name_en,name_zh\n"
        '110000,2024,population,2183,"10,000 persons",s,,,\n'
        '120000,2024,population,1364.5,"10,000 persons","a, b",,,\n'
    )
    add(write_csv(tmp_path / "robots.csv", ROBOTS, header=WITH_NAMES))
    after = state(home)
    new = {"data/extra/year.csv", "data/extra/robots.csv"}
    assert {name for name in after if before.get(name) != after[name]} == new
    loaded = Panel.load()
    assert loaded.wide(["population"], years=[2024])["population"].tolist() == [2183.0, 1364.5]
    entry = loaded.catalogue.variables["robots"]
    assert (entry.name.en, entry.name.zh) == ("Robots in use", "在用机器人")
    assert (entry.theme, entry.unit, entry.publisher.en) == ("reader", "units", "own count")
    assert "robots" not in Panel.load(extra=False).variables
    add(tmp_path / "robots.csv")
    assert state(home) == after, "adding twice changes nothing"


def test_a_different_table_of_the_same_name_is_kept(tmp_path, home, add):
    add(write_csv(tmp_path / "mine.csv", ROBOTS, header=WITH_NAMES))
    before = state(home)
    changed = ROBOTS.replace("units", '"1,000 units"').replace("120", "0.12")
    path = write_csv(tmp_path / "mine.csv", changed, header=WITH_NAMES)
    assert "extra/mine.csv exists and holds other figures" in add(path)
    assert state(home) == before
    add(path, "--replace")
    assert Panel.load().wide(["robots"])["robots"].tolist() == [0.12]
    other = write_csv(tmp_path / "more.csv", "Tianjin,2023,robots,80,units,s")
    assert "expected '1,000 units'" in add(other)


def test_two_tables_with_the_same_figure(tmp_path, home, extra, run, add):
    add(write_csv(tmp_path / "first.csv", NEW_YEAR[0]))
    before = state(home)
    second = write_csv(tmp_path / "second.csv", *NEW_YEAR)
    for command in ("check", "add"):
        assert "1 of the figures are given by first.csv as well" in run(command, second).stderr
    assert state(home) == before
    write_csv(extra / "second.csv", *NEW_YEAR)
    with pytest.raises(DataError, match="or remove extra/second.csv"):
        Panel.load()


def test_a_bad_table_in_the_folder_is_named_and_a_link_is_not_followed(tmp_path, home, extra, add):
    extra.mkdir()
    outside = write_csv(tmp_path / "outside.csv", NEW_YEAR[0])
    content = outside.read_bytes()
    (extra / "mine.csv").symlink_to(outside)
    assert "leaves" in add(write_csv(tmp_path / "mine.csv", NEW_YEAR[1]), "--replace")
    assert outside.read_bytes() == content
    write_csv(extra / "bad.csv", "Bejing,2024,population,x,万人,s")
    with pytest.raises(DataError) as caught:
        Panel.load()
    said = str(caught.value)
    assert said.startswith("extra/bad.csv cannot be used: bad.csv has 2 problems:\n- unknown")
    assert said.endswith("or remove extra/bad.csv.")
    assert Panel.load(extra=False).variables, "the embedded tables can still be read"


def test_a_report_says_what_changes(tmp_path, home, run):
    before, old = state(home), figure(120000, 2023, "population")
    same = figure(120000, 2022, "population")
    rows = ["北京,2024,population,13.5,万人,s", f"天津,2023,population,{old * 1.1!r},万人,s"]
    rows += [f"天津,2022,population,{same!r},万人,s", "河北,2024,energy,4000,万吨标准煤,s", ROBOTS]
    path = write_csv(tmp_path / "mine.csv", *rows, header=WITH_NAMES)
    near = figure(130000, 2023, "energy")
    assert run("check", path).stdout.splitlines() == [
        "mine.csv: 5 figures can be used: 3 new, 1 revised, 1 as before",
        "  new variable robots: Robots in use 在用机器人, units",
        "  new energy: 1 figures, 1 province, 2024-2024",
        "  new population: 1 figures, 1 province, 2024-2024",
        "  new robots: 1 figures, 1 province, 2023-2023",
        f"  revised population Tianjin 2023: {old:.12g} -> {old * 1.1:.12g} (+10.00 %)",
        f"  warning: energy Hebei 2024 is 4000, but 2023 has {near:.12g}",
        f"Nothing was written. To use the figures: nqpf data add {path}",
    ]
    assert state(home) == before


# Year of a figure, the one near it, how many times as large, and whether that is told.
JUMPS = [(2024, 2023, 11, True), (2024, 2023, 9, False), (2024, 2023, 1 / 11, True)]
JUMPS += [(2018, 2019, 11, True), (2022, 2021, 11, True), (2015, 2019, 100, False)]


@pytest.mark.parametrize(("year", "near", "factor", "warned"), [*JUMPS, (2024, 2023, 0, True)])
def test_jumps(tmp_path, home, run, year, near, factor, warned):
    value = figure(310000, near, "energy") * factor
    said = run("check", write_csv(tmp_path / "a.csv", f"上海,{year},energy,{value!r},万吨标准煤,s"))
    warning = f"  warning: energy Shanghai {year} is {value:.12g}, but {near} has "
    assert (warning in said.stdout) == ("warning" in said.stdout) == warned


def test_a_long_report_is_cut(tmp_path, home, run):
    cells = product(range(11, 16), range(2019, 2024))
    rows = [f"{p},{year},population,0.5,万人,s" for p, year in cells]
    text = run("check", write_csv(tmp_path / "mine.csv", *rows)).stdout
    assert text.count("revised population") == 20 and "revised and 5 more" in text
