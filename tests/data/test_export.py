"""The panel as files: what is read back, what stays text, what is refused, which bytes."""

import json
import os
import zipfile

import pandas as pd
import pyarrow.parquet as pq
import pytest
from made_up import state, variable, write_csv
from made_up_panels import refuses
from openpyxl import load_workbook

from nqpf.data import Catalogue, Panel
from nqpf.data.export import export
from nqpf.errors import DataError, MethodError

KEY = ["variable", "vintage", "province", "year"]
HOSTILE = ["=1+1", "＝1+1", "_x0041_ stays", "a\nb", "<script>", 'quote " and, comma']


@pytest.fixture(scope="module")
def part(embedded):
    """A part of the panel, with variables of every kind of source."""
    keys = [*embedded.variables[::12], "gdp", "capital_stock", "employment"]
    return Panel(embedded.frame[embedded.frame["variable"].isin(keys)], embedded.catalogue)


@pytest.fixture(scope="module")
def folder(part, tmp_path_factory):
    folder = tmp_path_factory.mktemp("panel") / "new" / "folder"
    export(part, folder)
    return folder


def read(folder, kind):
    path = folder / f"nqpf-panel.{kind}"
    if kind == "xlsx":
        return pd.read_excel(path, sheet_name="panel", keep_default_na=False)
    if kind == "parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, dtype={"vintage": "str"}, keep_default_na=False)


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_every_figure_comes_back_exactly(part, folder, kind):
    rows = read(folder, kind)
    found = rows.sort_values(KEY, ignore_index=True)[[*KEY, "value", "flag"]]
    expected = part.frame.sort_values(KEY, ignore_index=True)[found.columns]
    pd.testing.assert_frame_equal(found.astype(expected.dtypes), expected, check_exact=True)
    names = ["province_zh", "variable_zh", "unit"]
    beijing = rows[(rows["province"] == 110000) & (rows["variable"] == "gdp")].iloc[0]
    assert beijing[names].tolist() == ["北京", "地区生产总值", "100 million yuan"]


@pytest.mark.parametrize("vintage", ["census4", "census5"])
def test_wide_sheets_equal_the_panel(part, folder, vintage):
    sheet = pd.read_excel(folder / "nqpf-panel.xlsx", sheet_name=f"wide {vintage}")
    wide = sheet.set_index(["province", "year"]).drop(columns=["province_en", "province_zh"])
    vintages = {key: part.catalogue.variables[key].vintages for key in part.variables}
    keys = [key for key, known in vintages.items() if vintage in known or not known]
    expected = part.wide(keys, vintage=vintage)
    pd.testing.assert_frame_equal(wide.astype("float64"), expected, check_exact=True)


def test_sources_and_catalogue_are_inside_every_format(part, folder):
    sources = pd.read_csv(folder / "nqpf-sources.csv", keep_default_na=False)
    assert set(sources["source"]) <= set(part.catalogue.sources)
    both = (read(folder, "parquet"), sources)
    rows, listed = (set(zip(one["variable"], one["source"], strict=True)) for one in both)
    assert rows ^ listed == {("capital_stock", "derived")}
    table = pd.read_csv(folder / "nqpf-catalogue.csv", keep_default_na=False)
    sheet = pd.read_excel(folder / "nqpf-panel.xlsx", "catalogue", keep_default_na=False)
    assert table.set_index("variable").loc["employment", "breaks"].count(": ") > 1
    about = json.loads(pq.read_schema(folder / "nqpf-panel.parquet").metadata[b"nqpf"])
    for found in (table, sheet, pd.DataFrame(about["catalogue"])):
        assert list(found["variable"]) == part.variables and found["yearbook_en"].ne("").all()
        assert (found["name_zh"] == "地区生产总值").any()
    assert all(len(entry["sha256"]) == 64 for entry in about["sources"])
    texts = dict(about["about"])
    assert "CC BY 4.0" in texts["Rights 权利"] and "Cite the pub" in texts["How to cite 引用"]
    first = pd.read_excel(folder / "nqpf-panel.xlsx", "README", header=None).astype(str)
    readme = (folder / "nqpf-readme.txt").read_text("utf-8")
    assert all(text in readme and text in set(first[1]) for text in texts.values())


def test_workbook_can_be_filtered_and_keeps_its_headings_in_view(folder):
    book = load_workbook(folder / "nqpf-panel.xlsx")
    assert book.sheetnames[:2] == ["README", "panel"]
    assert [book[name].freeze_panes for name in ("panel", "wide census5")] == ["A2", "E2"]
    for sheet in book.worksheets[1:]:
        assert sheet.auto_filter.ref == sheet.dimensions and sheet["A1"].font.b
        assert all(5 < dimension.width < 65 for dimension in sheet.column_dimensions.values())
    assert book.properties.title.startswith("Statistics of the 31")


def test_stata_reads_figures_and_labels(part, folder):
    with pd.io.stata.StataReader(folder / "nqpf-panel.dta") as file:
        rows = file.read(convert_categoricals=False).set_index(["province", "year"])
        labels, named = file.variable_labels(), file.value_labels()
    assert labels["gdp"] == "Gross regional product 地区生产总值 [100 million yuan]"
    assert named["province"][110000] == "Beijing 北京"
    own = part.wide(list(rows.columns), vintage="census5")
    pd.testing.assert_frame_equal(rows, own, check_dtype=False, check_index_type=False)


def test_same_panel_gives_the_same_bytes(tmp_path, panel):
    first = export(panel, tmp_path / "one")
    export(Panel(panel.frame.sample(frac=1, random_state=1), panel.catalogue), tmp_path / "two")
    assert state(tmp_path / "one") == state(tmp_path / "two") and len(first) == 7
    with zipfile.ZipFile(tmp_path / "one" / "nqpf-panel.xlsx") as file:
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert file.read("docProps/core.xml").count(b">1980-01-01T00:00:00Z<") == 2


def hostile(panel, text):
    """Return a panel of one variable with this text in its entry."""
    told = variable(name={"en": text, "zh": text}, unit=text, note=text)
    catalogue = Catalogue(sources={}, variables={"population": told})
    return Panel(panel.frame[panel.frame["variable"] == "population"], catalogue)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(tmp_path, panel, text):
    export(hostile(panel, text), tmp_path / "out")
    book = load_workbook(tmp_path / "out" / "nqpf-panel.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    texts = [cell for cell in cells if cell.value == text]
    assert len(texts) > 150, "the text stands in every row of the panel"
    assert all(cell.quotePrefix for cell in texts) == (text[0] in "=+-@＝")
    assert (read(tmp_path / "out", "parquet")["unit"] == text).all()
    table = read(tmp_path / "out", "csv")
    assert len(table) == 31 * 5
    one_line = f"'{text}" if text[0] in "=+-@＝" else " ".join(text.split())
    assert (table["unit"] == one_line).all()


def test_hidden_characters_are_shown(tmp_path, panel):
    export(hostile(panel, "a\x07b\u202ec\u200bd\ud800\ufffe"), tmp_path / "out")
    shown = "a[U+0007]b[U+202E]c[U+200B]d[U+D800][U+FFFE]"
    for kind in ["csv", "parquet", "xlsx"]:
        assert (read(tmp_path / "out", kind)["unit"] == shown).all(), kind


def test_readers_rows_are_flagged_or_left_out(tmp_path, home, run):
    write_csv(tmp_path / "mine.csv", "Beijing,2024,population,12,万人,own count")
    assert run("add", tmp_path / "mine.csv").exit_code == 0
    out = tmp_path / "out"
    assert "nqpf-panel.csv" in run("export", out, "--format", "csv").stdout
    assert not (out / "nqpf-panel.xlsx").exists()
    rows = read(out, "csv")
    own = rows[rows["flag"] == "reader"]
    assert own[["year", "value", "source"]].values.tolist() == [[2024, 12, "reader"]]
    assert "own count" in (out / "nqpf-catalogue.csv").read_text("utf-8")
    assert "1 of the figures were added" in (out / "nqpf-readme.txt").read_text("utf-8")
    assert run("export", out, "--official").exit_code == 0
    assert "reader" not in set(read(out, "xlsx")["flag"])


def test_refusals(panel, tmp_path):
    with pytest.raises(MethodError, match="unknown format 'xls'; expected one of csv, parquet"):
        export(panel, tmp_path, ["xls"])
    (tmp_path / "file").write_text("x")
    (tmp_path / "out").mkdir()
    os.symlink(tmp_path / "file", tmp_path / "out" / "nqpf-panel.parquet")
    refused = dict.fromkeys(("home/data", "home/x/../data/extra"), "a folder outside data/")
    refused |= {"file": "file is a file", "file/inside": "file is a file", "out": "leaves"}
    for folder, said in refused.items():
        refuses(DataError, said, export, panel, tmp_path / folder, ["parquet"])
    assert (tmp_path / "file").read_text() == "x"
    for value in (float("nan"), float("inf")):
        wrong = Panel(panel.frame.assign(value=value), panel.catalogue)
        said = f"is {value} .province 110000, year 2019, variable gdp"
        refuses(DataError, said, export, wrong, tmp_path / "o", "csv")
    with pytest.raises(DataError, match="does not fit a cell .column variable_en"):
        export(hostile(panel, "x" * 40_000), tmp_path / "o", "xlsx")
