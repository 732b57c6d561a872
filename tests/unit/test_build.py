"""Tables are rebuilt to the byte, and a table that differs is named with its line."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from made_up import REPOSITORY
from made_up_sources import everywhere, raw, source, variable, write_mirror, write_project

from nqpf.data import Panel, build
from nqpf.data.catalogue import Catalogue
from nqpf.errors import DataError, SourceError
from nqpf.files import root
from nqpf.provinces import codes
from nqpf.tfp.accounts import capital_stock

ROWS = raw(("全国", 2020, 31.0), *everywhere(2020), ("全国", 2021, 62.0), *everywhere(2021, 2.0))
TABLE = Path("data") / "panel" / "test.csv"


def a_segment(**changes: object) -> dict[str, object]:
    entry = {"source": "made", "item": "a", "years": [2020, 2021], "unit": "吨", "factor": 0.1}
    return entry | changes


def doubled(panel: Panel) -> pd.DataFrame:
    rows = panel.wide(["film"])["film"].mul(2).rename("value").reset_index()
    return rows.assign(flag="official")


class Project:
    """A made-up project whose only source stands in a mirror."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mirror = folder / "mirror"
        self.entry = write_mirror(self.mirror, ROWS)
        self.folder = folder
        monkeypatch.setenv("NQPF_MIRROR", str(self.mirror))

    def with_variables(self, **variables: object) -> Path:
        home = self.folder / "home"
        write_project(home, {"made": self.entry}, variables)
        return home


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(tmp_path, monkeypatch)


@pytest.fixture
def home(project: Project) -> Path:
    home = project.with_variables(
        film=variable(segments=[a_segment()], national="sum", second=[a_segment()])
    )
    build.update(home)
    return home


def test_tables_hold_the_figures_in_canonical_units(home: Path) -> None:
    lines = (home / TABLE).read_text(encoding="utf-8").splitlines()
    assert lines[:3] == [
        "province,year,variable,value,vintage,flag",
        "110000,2020,film,0.1,,official",
        "110000,2021,film,0.2,,official",
    ]
    assert len(lines) == 1 + 2 * len(codes())
    national = (home / "data" / "checks" / "national.csv").read_text(encoding="utf-8")
    expected = "film,2020,3.1,,made\nfilm,2021,6.2,,made\n"
    assert national == "variable,year,value,vintage,source\n" + expected
    second = (home / "data" / "checks" / "second.csv").read_text(encoding="utf-8").splitlines()
    assert second[1] == "110000,2020,film,0.1,,made"


def test_a_second_build_gives_the_same_bytes(home: Path) -> None:
    before = (home / TABLE).read_bytes()
    assert b"\r" not in before
    report = build.update(home)
    assert report.changed == ()
    assert (home / TABLE).read_bytes() == before
    assert "all as committed" in str(build.verify(home))


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (b"110000,2020,film,0.1,", b"110000,2020,film,0.10,", 2),
        (b"120000,2020,film,0.1,", b"120000,2020,film,0.2,", 4),
        (b"\n", b"\r\n", 1),
        (b"650000,2021,film,0.2,,official\n", b"", 63),
        (b"650000,2021,film,0.2,,official\n", b"650000,2021,film,0.2,,official\n\n", 64),
    ],
)
def test_one_changed_byte_is_found(home: Path, old: bytes, new: bytes, line: int) -> None:
    path = home / TABLE
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(DataError, match=rf"table data/panel/test.csv, line {line}\]"):
        build.verify(home)


def test_a_table_too_few_or_too_many(home: Path) -> None:
    extra = home / "data" / "panel" / "old.csv"
    extra.write_bytes((home / TABLE).read_bytes())
    with pytest.raises(DataError, match="no such theme.*data/panel/old.csv"):
        build.verify(home)
    extra.unlink()
    (home / TABLE).unlink()
    with pytest.raises(DataError, match="no such line is committed.*data/panel/test.csv, line 1"):
        build.verify(home)


def test_an_error_writes_nothing(project: Project, home: Path) -> None:
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    for path in project.mirror.rglob("*.rda"):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SourceError, match="SHA-256"):
        build.update(home)
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_breaks_are_flagged_for_the_provinces_named(project: Project) -> None:
    note = {"year": 2021, "provinces": [340000], "note": "new basis"}
    home = project.with_variables(film=variable(segments=[a_segment()], breaks=[note]))
    build.update(home)
    flags = Panel.load(extra=False, home=home).flags(["film"])["film"]
    assert flags[flags == "break"].index.tolist() == [(340000, 2021)]


def test_a_break_without_a_figure_is_refused(project: Project) -> None:
    note = {"year": 2019, "note": "before the series"}
    home = project.with_variables(film=variable(segments=[a_segment()], breaks=[note]))
    with pytest.raises(DataError, match="break is declared where there is no figure.*year 2019"):
        build.update(home)


def test_segments_must_not_overlap(project: Project) -> None:
    home = project.with_variables(
        film=variable(segments=[a_segment(), a_segment(years=[2021, 2021])])
    )
    with pytest.raises(DataError, match="two segments .*film, province 110000, year 2021"):
        build.update(home)


def test_vintages_stand_side_by_side(project: Project) -> None:
    segments = [a_segment(vintage="census4", years=[2020, 2020]), a_segment(vintage="census5")]
    home = project.with_variables(
        film=variable(segments=segments, vintages=["census5", "census4"], national="sum")
    )
    build.update(home)
    panel = Panel.load(extra=False, home=home)
    assert len(panel.wide(["film"])) == 62
    assert len(panel.wide(["film"], vintage="census4")) == 31
    national = (home / "data" / "checks" / "national.csv").read_text(encoding="utf-8")
    assert "film,2020,3.1,census4,made" in national


@pytest.mark.parametrize(
    ("absent", "message"),
    [([540000], "540000 has figures but is declared absent"), ([], None)],
)
def test_absent_provinces(project: Project, absent: list[int], message: str | None) -> None:
    home = project.with_variables(film=variable(segments=[a_segment()], absent=absent))
    if message is None:
        assert build.update(home).tables["data/panel/test.csv"] == 62
    else:
        with pytest.raises(DataError, match=message):
            build.update(home)


def test_a_missing_province_is_named(tmp_path: Path, project: Project) -> None:
    rows = raw(*everywhere(2020, without=540000), *everywhere(2021, without=540000))
    project.entry = write_mirror(project.mirror, rows)
    home = project.with_variables(film=variable(segments=[a_segment()]))
    with pytest.raises(DataError, match="province 540000 has no figures.*variable film"):
        build.update(home)


def test_derived_variables(project: Project) -> None:
    home = project.with_variables(
        film=variable(segments=[a_segment()]), twice=variable(derived="doubled")
    )
    with pytest.raises(DataError, match="derivation 'doubled' was not given.*variable twice"):
        build.update(home)
    assert not (home / TABLE).exists()
    build.update(home, {"doubled": doubled})
    wide = Panel.load(extra=False, home=home).wide(["film", "twice"])
    assert (wide["twice"] == 2 * wide["film"]).all()


def test_a_derivation_that_fails_to_give_a_number(project: Project) -> None:
    home = project.with_variables(
        film=variable(segments=[a_segment()]), twice=variable(derived="doubled")
    )
    nothing = {"doubled": lambda panel: doubled(panel).assign(value=float("nan"))}
    with pytest.raises(DataError, match="nan cannot stand in a table"):
        build.update(home, nothing)


def test_a_research_data_set_cannot_enter_the_tables(project: Project) -> None:
    project.entry = project.entry.model_copy(update={"embedded": False})
    home = project.with_variables(film=variable(segments=[a_segment()]))
    with pytest.raises(DataError, match="'made' may not be embedded"):
        build.update(home)


def test_printed_totals_join_the_national_table(project: Project) -> None:
    printed = [{"year": 2020, "value": 3.2, "source": "yearbook 2021"}]
    home = project.with_variables(
        film=variable(segments=[a_segment()], national="sum", totals=printed)
    )
    build.update(home)
    national = (home / "data" / "checks" / "national.csv").read_text(encoding="utf-8")
    assert "film,2020,3.2,,yearbook 2021\n" in national


def test_years_spelt_as_a_span() -> None:
    entry = Catalogue.model_validate(
        {
            "sources": {"made": source().model_dump()},
            "variables": {"film": variable(segments=[a_segment(gaps={11: [2001, "2003-2005"]})])},
        }
    )
    assert entry.variables["film"].segments[0].gaps == {11: [2001, 2003, 2004, 2005]}


def test_the_embedded_tables_are_what_the_sources_give(monkeypatch: pytest.MonkeyPatch) -> None:
    neighbour = REPOSITORY.parent / "shared" / "sources"
    if not os.environ.get("NQPF_MIRROR"):
        if not neighbour.is_dir():
            pytest.skip("no mirror of the source files: set NQPF_MIRROR to verify the tables")
        monkeypatch.setenv("NQPF_MIRROR", str(neighbour))
    report = build.verify(root(), {"perpetual_inventory": capital_stock})
    assert sum(report.tables.values()) > 15_000
