"""A reader's own figures: what the command says they change, and what is kept where."""

import errno
import os
import shlex
from datetime import date
from itertools import product

import pandas as pd
import pytest
from made_up import HEADER, figure, state, write_csv

from nqpf.data import Panel
from nqpf.data.quality import Checks
from nqpf.errors import DataError
from nqpf.provinces import code_of
from nqpf.systems import System

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
    same = round(figure(120000, 2022, "population"), 1)
    rows = ["北京,2024,population,13.5,万人,s", f"天津,2023,population,{old * 1.1!r},万人,s"]
    rows += [f"天津,2022,population,{same!r},万人,s", "河北,2024,energy,4000,万吨标准煤,s", ROBOTS]
    path = write_csv(tmp_path / "mine.csv", *rows, header=WITH_NAMES)
    near = figure(130000, 2023, "energy")
    assert run("check", path).stdout.splitlines() == [
        "mine.csv: 5 figures can be used: 3 new, 1 revised, 1 as before",
        "  read as a row per figure, the columns named in row 1",
        "  1 figure as before but for rounding, which stay",
        "  energy: Energy consumption 能源消费总量, 10,000 tce: 1 figure, 1 province, 2024",
        "  population: Population 常住人口, 10,000 persons: 3 figures, 2 provinces, 2022-2024",
        "  new variable robots: Robots in use 在用机器人, units: 1 figure, 1 province, 2023",
        f"  revised population Tianjin 2023: {old:.12g} -> {old * 1.1:.12g} (+10.00 %)",
        f"  warning: energy Hebei 2024 is 4000, but 2023 has {near:.12g}: is the decimal point "
        "right?",
        f"Nothing was written. To use the figures: nqpf data add {path}",
    ]
    assert state(home) == before


# Year of a figure, the one near it, how many times as large, and whether that is told.
JUMPS = [(2024, 2023, 10, True), (2024, 2023, 3, False), (2024, 2023, 0.1, True)]
JUMPS += [(2018, 2019, 10, True), (2022, 2021, 10, True), (2022, 2021, 0.1, True)]
JUMPS += [(2015, 2019, 100, False), (2024, 2023, 0, True)]


@pytest.mark.parametrize(("year", "near", "factor", "warned"), JUMPS)
def test_slips_of_the_decimal_point(tmp_path, home, run, year, near, factor, warned):
    value = figure(310000, near, "energy") * factor
    said = run("check", write_csv(tmp_path / "a.csv", f"上海,{year},energy,{value!r},万吨标准煤,s"))
    warning = f"  warning: energy Shanghai {year} is {value:.12g}, but {near} has "
    assert (warning in said.stdout) == ("warning" in said.stdout) == warned


def test_the_rule_of_slips_holds_on_every_series_of_the_real_panel(embedded):
    table = Checks(embedded).slips()
    doubted = (table["doubted"] * table["figures"]).sum() / table["figures"].sum()
    assert table["figures"].sum() > 28_000 and doubted < 0.5, "percent of the true changes"
    for way in ("caught up", "caught down"):
        caught = (table[way] * table["figures"]).sum() / table["figures"].sum()
        assert caught > 99 and table[way].min() > 85


def test_a_long_report_is_cut(tmp_path, home, run):
    cells = product(range(11, 16), range(2019, 2024))
    rows = [f"{p},{year},population,0.5,万人,s" for p, year in cells]
    text = run("check", write_csv(tmp_path / "mine.csv", *rows)).stdout
    assert text.count("revised population") == 20 and "revised and 5 more" in text


def test_what_check_offers_is_what_add_takes(tmp_path, home, run):
    (tmp_path / "my data").mkdir()
    path = write_csv(tmp_path / "my data" / "a b.csv", NEW_YEAR[0])
    *_, last = run("check", path, "--say", "source=a 'b'").stdout.splitlines()
    words = shlex.split(last.partition("To use the figures: ")[2])
    assert words == ["nqpf", "data", "add", "--say", "source=a 'b'", str(path)]
    assert "Written" in run(*words[2:]).stdout
    write_csv(path, NEW_YEAR[1])
    said = run("check", path).stdout
    assert "extra/a b.csv holds other figures: rename your file, or replace" in said
    words = shlex.split(said.splitlines()[-1].partition("figures: ")[2])
    assert "--replace" in words and run(*words[2:]).exit_code == 0


def test_our_own_export_can_be_given_back_and_changed(tmp_path, home, run, panel, extra):
    run("export", tmp_path / "out")
    for name in ("nqpf-panel.csv", "nqpf-panel.xlsx"):
        for command in ("check", "add"):
            said = run(command, tmp_path / "out" / name)
            assert f"0 new, 0 revised, {len(panel.frame)} as before" in said.stdout
            assert "There is nothing to add" in said.stdout and not extra.exists()
    table = pd.read_csv(tmp_path / "out" / "nqpf-panel.csv")
    table.loc[table["variable"] == "energy", "value"] *= 1.01
    table.to_csv(tmp_path / "mine.csv", index=False)
    assert "155 revised" in run("add", tmp_path / "mine.csv").stdout
    assert set(pd.read_csv(extra / "mine.csv")["variable"]) == {"energy"}, "the rest stays ours"
    assert Panel.load().frame["flag"].eq("reader").sum() == 155


def test_tables_are_listed_with_dates_and_removed(tmp_path, home, run, add, extra):
    add(write_csv(tmp_path / "first.csv", ROBOTS, header=WITH_NAMES))
    add(write_csv(tmp_path / "second.csv", "Tianjin,2024,robots,80,units,s"))
    *_, head, one, two = run("list").stdout.splitlines()
    assert head.split() == "table added figures years variables".split()
    today = f"{date.today():%Y-%m-%d}"
    assert one.split() == ["first.csv", today, "1", "2023-2023", "robots"]
    assert two.split()[0] == "second.csv"
    before, names = state(home), ("secnd", "../../catalogue")
    for name, said in zip(names, ("mean 'second.csv'", "no table 'catalogue.csv'"), strict=True):
        assert said in run("remove", name).stderr and state(home) == before
    for name in ("first.csv", "second"):
        assert "Removed: data/extra/" in run("remove", name).stdout
    assert not list(extra.glob("*.csv"))


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ETXTBSY])
def test_errors_of_the_system_are_one_line(tmp_path, home, run, extra, monkeypatch, error):
    path, said = write_csv(tmp_path / "mine.csv", NEW_YEAR[0]), os.strerror(error)

    def fail(source, target):
        raise OSError(error, said, target)

    before = state(home)
    monkeypatch.setattr("os.replace", fail)
    for words in (["add", path], ["export", tmp_path / "out"]):
        result = run(*words)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
        assert result.stderr.startswith(f"{said} [file ")
    assert state(home) == before and not list(extra.glob("*")), "no half-written file is left"


def test_check_sees_a_folder_that_add_could_not_write(tmp_path, home, run, monkeypatch):
    path, may = write_csv(tmp_path / "mine.csv", NEW_YEAR[0]), os.access
    monkeypatch.setattr("os.access", lambda at, mode: at == path and may(at, mode))
    for command in ("check", "add"):
        said = run(command, path).stderr
        assert "cannot be written to" in said and "make it writable" in said.casefold()


def test_names_that_are_long_and_folders_that_cannot_be_made(tmp_path, home, run):
    path = write_csv(tmp_path / ("附" * 83 + ".csv"), NEW_YEAR[0])
    assert "Written" in run("add", path).stdout
    for folder in ("/proc/nope", tmp_path / ("附" * 90), "/dev/null/x"):
        result = run("export", folder, "--format", "csv")
        assert result.exit_code == 1 and result.stderr.count("\n") == 1


def test_a_template_is_read_as_far_as_it_is_filled(tmp_path, embedded, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    said = run("template", "lu-guo-2024", 2025)
    table = pd.read_csv("lu-guo-2024-2025.csv", dtype=str, keep_default_na=False)
    assert {*table["year"]} == {"2025"} and len(table) % 31 == 0
    assert {*table["variable"]} == {*System.load("lu-guo-2024").variables}
    assert "population 年末常住人口: 31 figures to fill in" in said.stdout
    assert table["unit"].tolist() == [embedded.catalogue.unit(key) for key in table["variable"]]
    assert "there already" in run("template", "lu-guo-2024", 2025).stderr
    assert "nothing is missing" in run("template", "wang-wang-2024", 2020).stderr
    assert "did you mean" in run("template", "lu-gou-2024", 2025).stderr.casefold()
    assert "has no figures" in run("check", "lu-guo-2024-2025.xlsx").stderr
    last = embedded.frame[embedded.frame["vintage"].isin(["", "census5"])]
    last = last.sort_values("year").groupby(["variable", "province"])["value"].last()
    codes = table["province"].map(code_of)
    table["value"] = [str(last.get(key, 1.0)) for key in zip(table["variable"], codes, strict=True)]
    table.assign(source="simulated").iloc[:40].to_csv("mine.csv", index=False)
    said = run("check", "mine.csv", "--system", "lu-guo-2024").stdout
    assert "mine.csv: 40 figures can be used: 40 new" in said
    assert "2025: no province has every variable; missing: " in said
    table.assign(source="simulated").to_csv("mine.csv", index=False)
    said = run("check", "mine.csv", "--system", "lu-guo-2024").stdout
    assert "2025: 31 of 31 ranks change" in said and " - -> 1" in said
