"""The panel as files: what is read back, what stays text, what is refused, which bytes."""

from __future__ import annotations

import json
import os
import time
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from made_up import REPOSITORY, make_project, write_csv
from openpyxl import load_workbook
from typer.testing import CliRunner

from nqpf.cli import app
from nqpf.data import Catalogue, Panel
from nqpf.data.export import export
from nqpf.errors import DataError, MethodError

HOSTILE = [
    "=1+1",
    "+cmd|'/c calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "＝1+1",
    "</script><script>alert(1)</script>",
    "_x0041_ stays",
    'quote " and, comma',
    "a\nb",
]


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel.load(extra=False, home=REPOSITORY)


@pytest.fixture(scope="module")
def folder(panel: Panel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("panel") / "new" / "folder"
    export(panel, folder)
    return folder


def sorted_frame(frame: pd.DataFrame) -> pd.DataFrame:
    key = ["variable", "vintage", "province", "year"]
    types = {"province": "int64", "year": "int64", "value": "float64"}
    types |= dict.fromkeys(["variable", "vintage", "flag"], "str")
    return frame[[*key, "value", "flag"]].astype(types).sort_values(key, ignore_index=True)


def read(folder: Path, kind: str) -> pd.DataFrame:
    if kind == "csv":
        path, text = folder / "nqpf-panel.csv", {"vintage": "str"}
        return pd.read_csv(path, dtype=text, keep_default_na=False)
    if kind == "parquet":
        return pd.read_parquet(folder / "nqpf-panel.parquet")
    path = folder / "nqpf-panel.xlsx"
    return pd.read_excel(path, sheet_name="panel", keep_default_na=False)


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_every_figure_comes_back_exactly(panel: Panel, folder: Path, kind: str) -> None:
    rows = read(folder, kind)
    pd.testing.assert_frame_equal(
        sorted_frame(rows), sorted_frame(panel.frame), check_exact=True, check_like=False
    )
    beijing = rows[(rows["province"] == 110000) & (rows["variable"] == "gdp")].iloc[0]
    assert (beijing["province_zh"], beijing["variable_zh"]) == ("北京", "地区生产总值")
    assert beijing["unit"] == "100 million yuan"


@pytest.mark.parametrize("vintage", ["census4", "census5"])
def test_wide_sheets_equal_the_panel(panel: Panel, folder: Path, vintage: str) -> None:
    sheet = pd.read_excel(folder / "nqpf-panel.xlsx", sheet_name=f"wide {vintage}")
    wide = sheet.set_index(["province", "year"]).drop(columns=["province_en", "province_zh"])
    expected = panel.wide(list(wide.columns), vintage=vintage)
    assert len(wide.columns) >= len(panel.variables) - 5
    pd.testing.assert_frame_equal(wide.astype("float64"), expected, check_exact=True)


def test_each_figure_names_a_source(panel: Panel, folder: Path) -> None:
    rows = read(folder, "parquet")
    sources = pd.read_csv(folder / "nqpf-sources.csv", keep_default_na=False)
    assert set(rows["source"]) - {"derived"} == set(sources["source"])
    assert set(sources["source"]) <= set(panel.catalogue.sources)
    pairs = set(zip(sources["variable"], sources["source"], strict=True))
    assert set(zip(rows["variable"], rows["source"], strict=True)) - pairs == {
        ("capital_stock", "derived")
    }


def test_catalogue_is_inside_every_format(panel: Panel, folder: Path) -> None:
    keys = panel.variables
    table = pd.read_csv(folder / "nqpf-catalogue.csv", keep_default_na=False)
    sheet = pd.read_excel(folder / "nqpf-panel.xlsx", "catalogue", keep_default_na=False)
    about = json.loads(pq.read_schema(folder / "nqpf-panel.parquet").metadata[b"nqpf"])
    assert list(table["variable"]) == list(sheet["variable"]) == keys
    assert [entry["variable"] for entry in about["catalogue"]] == keys
    assert table["name_zh"].str.contains("地区生产总值").any()
    assert (table["yearbook_en"] != "").all()
    texts = {heading: text for heading, text in about["about"]}
    assert "CC BY 4.0" in texts["Rights 权利"]
    assert "Cite the publisher" in texts["How to cite 引用"]
    first = pd.read_excel(folder / "nqpf-panel.xlsx", "README", header=None).astype(str)
    readme = (folder / "nqpf-readme.txt").read_text("utf-8")
    for text in texts.values():
        assert text in readme
        assert text in set(first[1])
    assert all(len(entry["sha256"]) == 64 for entry in about["sources"])


def test_workbook_can_be_filtered_and_keeps_its_headings_in_view(folder: Path) -> None:
    book = load_workbook(folder / "nqpf-panel.xlsx")
    assert book.sheetnames[:2] == ["README", "panel"]
    assert book["panel"].freeze_panes == "A2"
    assert book["wide census5"].freeze_panes == "E2"
    for sheet in book.worksheets[1:]:
        assert sheet.auto_filter.ref == sheet.dimensions
        assert sheet["A1"].font.b
        assert all(dimension.width >= 8 for dimension in sheet.column_dimensions.values())
    assert book.properties.title.startswith("Statistics of the 31")


def test_same_panel_gives_the_same_bytes(panel: Panel, folder: Path, tmp_path: Path) -> None:
    time.sleep(2.1)  # a zip file counts in steps of two seconds
    shuffled = Panel(panel.frame.sample(frac=1, random_state=1), panel.catalogue)
    for path in export(shuffled, tmp_path):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in folder.iterdir())
    with zipfile.ZipFile(folder / "nqpf-panel.xlsx") as file:
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b">1980-01-01T00:00:00Z<" in file.read("docProps/core.xml")


def hostile_panel(home: Path, text: str) -> Panel:
    catalogue = Catalogue.load(home / "data" / "catalogue.yaml")
    entry = catalogue.variables["population"]
    name = entry.name.model_copy(update={"en": text, "zh": text})
    entry = entry.model_copy(update={"name": name, "unit": text, "definition": text, "note": text})
    changed = catalogue.model_copy(update={"variables": {"population": entry}})
    frame = Panel.load(home=home).frame
    return Panel(frame[frame["variable"] == "population"], changed)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(tmp_path: Path, text: str) -> None:
    panel = hostile_panel(make_project(tmp_path / "home"), text)
    export(panel, tmp_path / "out")
    book = load_workbook(tmp_path / "out" / "nqpf-panel.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    texts = [cell for cell in cells if cell.value == text]
    assert len(texts) > 150, "the text stands in every row of the panel"
    assert all(cell.quotePrefix for cell in texts) == (text[0] in "=+-@＝")
    assert (read(tmp_path / "out", "parquet")["unit"] == text).all()
    table = read(tmp_path / "out", "csv")
    assert len(table) == len(panel.frame)
    one_line = " ".join(text.split())
    assert (table["unit"] == (f"'{text}" if text[0] in "=+-@＝" else one_line)).all()


def test_hidden_characters_are_shown(tmp_path: Path) -> None:
    panel = hostile_panel(make_project(tmp_path / "home"), "a\x07b\u202ec\u200bd\ud800\ufffe")
    shown = "a[U+0007]b[U+202E]c[U+200B]d[U+D800][U+FFFE]"
    export(panel, tmp_path / "out")
    for kind in ["csv", "parquet", "xlsx"]:
        assert (read(tmp_path / "out", kind)["unit"] == shown).all(), kind


def test_readers_rows_are_flagged_or_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_project(tmp_path / "home")
    monkeypatch.setenv("NQPF_HOME", str(home))
    write_csv(tmp_path / "mine.csv", "Beijing,2024,population,12,万人,own count")
    runner = CliRunner()
    assert runner.invoke(app, ["data", "add", str(tmp_path / "mine.csv")]).exit_code == 0
    out = tmp_path / "out"
    done = runner.invoke(app, ["data", "export", str(out), "--format", "csv"])
    assert done.exit_code == 0, done.stderr
    assert "nqpf-panel.csv" in done.stdout
    rows = read(out, "csv")
    own = rows[rows["flag"] == "reader"]
    assert own[["year", "value", "source"]].values.tolist() == [[2024, 12, "reader"]]
    assert "own count" in (out / "nqpf-catalogue.csv").read_text("utf-8")
    assert "1 of the figures were added" in (out / "nqpf-readme.txt").read_text("utf-8")
    assert not (out / "nqpf-panel.xlsx").exists()
    assert runner.invoke(app, ["data", "export", str(out), "--official"]).exit_code == 0
    assert "reader" not in set(read(out, "xlsx")["flag"])


def test_refusals(panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MethodError, match="unknown format 'xls'; expected one of csv, parquet"):
        export(panel, tmp_path, ["xls"])
    monkeypatch.setenv("NQPF_HOME", str(make_project(tmp_path / "home")))
    for inner in ("home/data/panel", "home/data", "home/x/../data/extra"):
        with pytest.raises(DataError, match="a folder outside data/"):
            export(panel, tmp_path / inner)
    (tmp_path / "file").write_text("x")
    for inner in ("file", "file/inside"):
        with pytest.raises(DataError, match="file is a file"):
            export(panel, tmp_path / inner)
    (tmp_path / "out").mkdir()
    os.symlink(tmp_path / "file", tmp_path / "out" / "nqpf-panel.parquet")
    with pytest.raises(DataError, match="leaves"):
        export(panel, tmp_path / "out", ["parquet"])
    assert (tmp_path / "file").read_text() == "x"


def test_cells_that_a_workbook_cannot_hold(tmp_path: Path) -> None:
    panel = Panel.load(home=make_project(tmp_path / "home"))
    for value in (float("nan"), float("inf")):
        with pytest.raises(DataError, match="cell H2"):
            export(Panel(panel.frame.assign(value=value), panel.catalogue), tmp_path / "o", "xlsx")
    with pytest.raises(DataError, match="cell F2"):
        export(hostile_panel(tmp_path / "home", "x" * 40_000), tmp_path / "o", "xlsx")
