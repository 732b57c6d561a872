"""A reader's file: accepted spellings, and every case of bad input by the text of its message."""

import io
import re
from datetime import date
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from made_up import HEADER, REPOSITORY, write_book, write_csv, write_xlsx

from nqpf.errors import DataError

KEY = ["variable", "vintage", "province", "year"]
GOOD = "Beijing,2024,population,2200,万人,yearbook"
LAST = date.today().year + 1
README = (REPOSITORY / "data" / "extra" / "README.md").read_text(encoding="utf-8")


def own(panel):
    return panel.frame[panel.frame["flag"] == "reader"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_spellings(tmp_path, panel, encoding):
    provinces = ["北京", "北京市", "北 京", "Beijing", "beijing", "110000", "11"]
    variables, units = ["population", "Population", "常住人口"], ['"10,000 persons"', "万人"]
    cells = list(product(provinces, variables, units))
    rows = [f"{p},{1950 + i},{v},2183.2,{u},统计年鉴" for i, (p, v, u) in enumerate(cells)]
    longer = panel.extend(write_csv(tmp_path / "mine.csv", *rows, encoding=encoding))
    found = own(longer)[["province", "variable", "value", "vintage"]].to_numpy().tolist()
    assert found == [[110000, "population", 2183.2, ""]] * len(cells)


def test_numbers(tmp_path, panel):
    cells = ["1", "+1.50", ".5", "5.", "1e3", "2.5E-3", '"1,234.5"', '"1,234,567"', "  7  "]
    cells += ["-0", "0.1", "１．５", "1 234.5"]
    rows = [f"Beijing,{2000 + i},population,{cell},万人,s" for i, cell in enumerate(cells)]
    values = own(panel.extend(write_csv(tmp_path / "mine.csv", *rows)))["value"]
    found = "1.0 1.5 0.5 5.0 1000.0 0.0025 1234.5 1234567.0 7.0 0.0 0.1 1.5 1234.5"
    assert " ".join(map(repr, values.tolist())) == found


def test_a_workbook_gives_the_same_rows_and_counts_them_as_a_spreadsheet(tmp_path, panel):
    rows = [[110000, 2024, "population", 2183.2, "万人", "s"], [None] * 6]
    rows += [["天津", 2024.0, "常住人口", 1364, "万人", "s"]]
    book = panel.extend(write_xlsx(tmp_path / "mine.xlsx", *rows))
    lines = ["110000,2024,population,2183.2,万人,s", "", "天津,2024,常住人口,1364,万人,s"]
    text = panel.extend(write_csv(tmp_path / "mine.csv", *lines))
    pd.testing.assert_frame_equal(book.frame, text.frame)
    rows[2][0] = "Bejing"
    with pytest.raises(DataError, match="row 4"):
        panel.extend(write_xlsx(tmp_path / "mine.xlsx", *rows))


def test_columns_in_any_order_and_names_given_once(tmp_path, panel):
    """Unlike a count, a profit and what a new variable measures may be negative."""
    header = "Source,Unit,VALUE,variable,year,province,vintage,name_en,name_zh"
    rows = ["s,亿元,5,gdp,2024,北京,census5,,", "s,亿元,-3,hightech_profit,2024,北京,,,"]
    rows += ["s,units,-4,robots,2023,Tianjin,,,", "s,units,12,robots,2023,Beijing,,,机器人"]
    longer = panel.extend(write_csv(tmp_path / "mine.csv", *rows, header=header))
    found = own(longer)[["variable", "value", "vintage"]].to_numpy().tolist()
    assert found[:2] == [["gdp", 5.0, "census5"], ["hightech_profit", -3.0, ""]]
    assert found[2:] == [["robots", 12.0, ""], ["robots", -4.0, ""]]
    assert str(longer.catalogue.variables["robots"].name) == "机器人 机器人"


def test_the_examples_and_units_of_the_readme(tmp_path, embedded):
    examples = re.findall(r"^```\n(\w+[,：].*?)\n```", README, re.DOTALL | re.MULTILINE)
    for text, size in zip(examples, (2, 4, 1), strict=True):
        path = write_csv(tmp_path / "mine.csv", header=text)
        assert len(own(embedded.extend(path))) == size
    listed = re.findall(r"^\| (.+?) \| (.+?) \|$", README.partition("## Chinese units")[2], re.M)
    units = {zh: unit for cell, unit in listed[2:] for zh in cell.split(" or ")}
    entries = embedded.catalogue.variables.items()
    known = {entry.unit: key for key, entry in entries}
    assert set(units.values()) == set(known)
    vintages = {key: "".join(entry.vintages[:1]) for key, entry in entries}
    named = [(zh, known[unit]) for zh, unit in units.items()]
    rows = [f"Beijing,{1950 + i},{k},5,{zh},s,{vintages[k]}" for i, (zh, k) in enumerate(named)]
    path = write_csv(tmp_path / "mine.csv", *rows, header=HEADER + ",vintage")
    assert len(own(embedded.extend(path))) == len(units) > 15


def test_every_figure_of_the_real_panel_could_be_a_readers(tmp_path, embedded):
    """Given back as a file, the newest year and all that is negative change nothing."""
    frame = embedded.frame[embedded.frame["vintage"].isin(["", "census5"])]
    newest = frame["year"] == frame.groupby("variable")["year"].transform("max")
    rows = frame[newest | (frame["value"] < 0)]
    units = {key: embedded.catalogue.unit(key) for key in embedded.variables}
    rows = rows.assign(unit=rows["variable"].map(units), source="given back")
    rows[[*HEADER.split(","), "vintage"]].to_csv(tmp_path / "mine.csv", index=False)
    longer = embedded.extend(tmp_path / "mine.csv")
    pd.testing.assert_frame_equal(longer.frame, embedded.frame.sort_values(KEY, ignore_index=True))


# Columns beside the usual ones, or a whole header | rows, between semicolons; where there are no
# other columns, after a good one | parts of the message.
CASES = Path(__file__).with_name("own.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize("case", CASES)
def test_bad_rows_and_tables(refusal, tmp_path, case):
    columns, rows, *parts = case.format(LAST=LAST, NEXT=LAST + 1).split("|")
    header = columns[1:] if columns.startswith("=") else f"{HEADER},{columns}".rstrip(",")
    table = rows.split(";") if columns else [GOOD, rows]
    error = refusal(write_csv(tmp_path / "mine.csv", *table, header=header))
    assert type(error) is DataError
    for part in [*parts, "mine.csv", "" if columns else "row 3"]:
        assert part.casefold() in str(error).casefold()


def workbook(*rows, **more):
    return write_book(io.BytesIO(), Sheet=[HEADER.split(","), *rows], **more).getvalue()


FORMULA = ["Beijing", 2024, "population", "=2000+200", "万人", "yearbook"]
HEAD = f"{HEADER}\n".encode()
FILES = {
    "missing.csv": (None, "no such file [file /"),
    "empty.csv": (b"", "the file is empty [file empty.csv]; expected a header row"),
    "header.csv": (HEAD, "the file has no figures"),
    "old.xls": (b"x", "kind .xls [file old.xls]; expected a .csv or .xlsx file. Save the sheet"),
    "bare": (b"x", "kind without a suffix"),
    "utf16.csv": (f"{HEADER}\n{GOOD}".encode("utf-16"), "neither UTF-8 nor GB18030"),
    "marked.csv": (b"\xef\xbb\xbf\xb1\xb1", "neither UTF-8 nor GB18030"),
    "binary.csv": (b"a,\x00\xff\n", "neither UTF-8 nor GB18030"),
    "quote.csv": (HEAD + b'"Beijing,2024\n', "not valid CSV: unexpected end of data"),
    "really.csv": (workbook(), "a workbook named .csv [file really.csv]. Give it the suffix .xlsx"),
    "text.xlsx": (HEAD, "damaged or not an .xlsx file"),
    "sheets.xlsx": (workbook(notes=[["text"]]), "2 filled sheets: Sheet, notes"),
    "long.csv": (HEAD + b"x\n" * 1000, "more than 1,000 rows [file long.csv, row 1001]. Split"),
    "large.csv": (b"x" * 100_001, "file has 100,001 bytes [file large.csv]; expected at most 1"),
    "bomb.xlsx": (workbook(*[[str(i) * 9000] for i in range(70)]), "the workbook unpacks to 1,"),
    "formula.xlsx": (workbook(FORMULA), "value '=2000+200' is a formula"),
}


@pytest.mark.parametrize("name", FILES)
def test_bad_file(refusal, tmp_path, monkeypatch, name):
    monkeypatch.setattr("nqpf.data.grid._LARGEST_GRID", 1000)
    monkeypatch.setattr("nqpf.data.grid._LARGEST_FILE", 100_000)
    content, said = FILES[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert said in str(refusal(tmp_path / name))


def test_all_problems_are_in_one_message(refusal, tmp_path):
    rows = ["Bejing,2024,population,x,万人,s", GOOD, "", "Hebei,1900,population,5,万吨,s"]
    message = str(refusal(write_csv(tmp_path / "mine.csv", *rows)))
    assert message.startswith("mine.csv has 4 problems:\n- ") and message.count("\n- ") == 4
    assert message.count("row 2, province 'Bejing'") == 2
    assert message.count("row 5, province 'Hebei'") == 2, "blank rows count, as in a spreadsheet"
    rows = [f"Beijing,{year},population,x,万人,s" for year in range(1950, 2000)]
    message = str(refusal(write_csv(tmp_path / "mine.csv", *rows)))
    assert "rows 2 3 4 5 6 7 8 9 10 11 12 13 and 38 more, province 'Beijing'" in message
    rows = [f"Beijing,2024,population,x{i},万人,s" for i in range(60)]
    message = str(refusal(write_csv(tmp_path / "mine.csv", *rows)))
    assert message.startswith("mine.csv is full of problems; the first 50 of 60 are:")
    assert message.count("\n- ") == 50
    row = f"Beijing,2024,population,\x1b[2J{'9' * 5000}x,万人,s"
    message = str(refusal(write_csv(tmp_path / "mine.csv", row)))
    assert "\x1b" not in message and len(message) < 400, "hostile cells are cut and quoted"
