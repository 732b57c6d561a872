"""Every case of bad input that a reader's file can hold, by the text of its message."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from made_up import HEADER, make_project, state, write_csv, write_xlsx

from nqpf.data import Panel
from nqpf.data.adopt import add, check
from nqpf.data.own import read_rows
from nqpf.errors import DataError, NqpfError, ProvinceError, UnitError, VintageError

GOOD = "Beijing,2024,population,2200,万人,yearbook"
LAST = date.today().year + 1


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_project(tmp_path / "home")


def refusal(home: Path, path: Path) -> NqpfError:
    """Return the error of a file, having made sure that it changed nothing."""
    panel = Panel.load(extra=False, home=home)
    before = state(home)
    with pytest.raises(NqpfError) as read:
        read_rows(path, panel.catalogue)
    for action in (lambda: check(path, panel), lambda: add(path, panel, home / "data" / "extra")):
        with pytest.raises(NqpfError) as again:
            action()
        assert str(again.value) == str(read.value)
    assert state(home) == before
    return read.value


def says(error: NqpfError, parts: list[str]) -> None:
    """Assert that a message has every part, whether or not it opens a sentence."""
    for part in parts:
        assert part.casefold() in str(error).casefold()


CELLS = [
    # row, class, parts of the message
    (
        "Bejing,2024,population,2200,万人,s",
        ProvinceError,
        ["unknown province 'Bejing'", "did you mean Beijing (110000)", "row 3", "year '2024'"],
    ),
    (
        "Hong Kong,2024,population,750,万人,s",
        ProvinceError,
        ["unknown province 'Hong Kong'", "Hong Kong, Macao and Taiwan are not in the panel"],
    ),
    ("990000,2024,population,1,万人,s", ProvinceError, ["unknown province '990000'", "31 provinc"]),
    (",2024,population,1,万人,s", DataError, ["the province is missing", "GB/T 2260 code"]),
    (
        "Tianjin,2024,population,2200,万吨,s",
        UnitError,
        ["unit '万吨'", "expected '10,000 persons' (万人)", "province 'Tianjin'", "convert"],
    ),
    ("Tianjin,2024,population,2200,,s", UnitError, ["the unit is missing", "10,000 persons"]),
    (
        "Tianjin,2024,population,2200,10000 persons,s",
        UnitError,
        ["unit '10000 persons'", "expected '10,000 persons'"],
    ),
    (
        "Tianjin,2024,population,about 2200,万人,s",
        DataError,
        ["value 'about 2200' is not a number", "variable 'population'", "correct the cell"],
    ),
    ("Tianjin,2024,urbanisation,85%,%,s", DataError, ["value '85%' is not a number"]),
    ("Tianjin,2024,population,２２００,万人,s", DataError, ["'２２００' is not a number"]),
    ('Tianjin,2024,population,"1,364",万人,s', DataError, ["ambiguous", "1364 or 1.364"]),
    ('Tianjin,2024,population,"1,36,4",万人,s', DataError, ["'1,36,4' is not a number"]),
    ("Tianjin,2024,population,inf,万人,s", DataError, ["'inf' is infinite", "a finite number"]),
    ("Tianjin,2024,population,-Infinity,万人,s", DataError, ["'-Infinity' is infinite"]),
    ("Tianjin,2024,population,1e999,万人,s", DataError, ["'1e999' is infinite"]),
    ("Tianjin,2024,population,NaN,万人,s", DataError, ["value is missing ('NaN')", "left out"]),
    ("Tianjin,2024,population,,万人,s", DataError, ["value is missing ('')", "remove the row"]),
    ("Tianjin,2024,population,—,万人,s", DataError, ["value is missing ('—')"]),
    (
        "Tianjin,2024,population,=1+1,万人,s",
        DataError,
        ["value '=1+1' is a formula", "paste them as values"],
    ),
    ("Tianjin,2024,population,-5,万人,s", DataError, ["value -5.0 is negative", "zero or more"]),
    ("Tianjin,20 24,population,5,万人,s", DataError, ["year '20 24' cannot be used"]),
    ("Tianjin,2024.5,population,5,万人,s", DataError, ["year '2024.5'", f"1949 to {LAST}"]),
    ("Tianjin,1948,population,5,万人,s", DataError, ["year '1948'", f"1949 to {LAST}"]),
    (f"Tianjin,{LAST + 1},population,5,万人,s", DataError, [f"year '{LAST + 1}' cannot be used"]),
    (",,,,,x", DataError, ["province is missing", "year ''", "variable is missing", "('')"]),
    ("Tianjin,2024,population,5,万人,", DataError, ["the source is missing", "column source"]),
    (
        'Tianjin,2024,population,5,万人,"=HYPERLINK(""http://x"")"',
        DataError,
        ["source '=HYPERLINK", "does not start with = + - or @"],
    ),
    (
        "Tianjin,2024,popullation,5,万人,s",
        DataError,
        ["unknown variable 'popullation'", "did you mean 'population'", "name_en and name_zh"],
    ),
    (
        "Tianjin,2024,gdp,5,亿元,s",
        VintageError,
        ["the vintage is missing", "census5 or census4", "choose one for the whole file"],
    ),
    ("Tianjin,2024,population,1,5,万人,s", DataError, ["row has 7 cells", "quotation marks"]),
    (
        "北京,2024,常住人口,2201,万人,another",
        DataError,
        ["duplicate: row 2 has this figure already", "row 3", "remove one of the two"],
    ),
]


@pytest.mark.parametrize(("row", "kind", "parts"), CELLS, ids=[row for row, _, _ in CELLS])
def test_bad_cell(home: Path, tmp_path: Path, row: str, kind: type, parts: list[str]) -> None:
    error = refusal(home, write_csv(tmp_path / "mine.csv", GOOD, row))
    assert type(error) is kind
    says(error, [*parts, "mine.csv", "row 3"])


WITH_VINTAGE = HEADER + ",vintage"
VINTAGES = [
    (
        ["Beijing,2024,gdp,5,亿元,s,census5", "Tianjin,2024,gdp,5,亿元,s,census4"],
        ["vintages are mixed: census4 here and census5 in row 2", "row 3", "a file of their own"],
    ),
    (["Beijing,2024,gdp,5,亿元,s,census6"], ["vintage 'census6'", "census5 or census4"]),
    (["Beijing,2024,population,5,万人,s,census5"], ["has no vintages", "an empty cell"]),
]


@pytest.mark.parametrize(("rows", "parts"), VINTAGES, ids=["mixed", "unknown", "needless"])
def test_vintages(home: Path, tmp_path: Path, rows: list[str], parts: list[str]) -> None:
    error = refusal(home, write_csv(tmp_path / "mine.csv", *rows, header=WITH_VINTAGE))
    assert type(error) is VintageError
    says(error, parts)


WITH_NAMES = HEADER + ",name_en,name_zh"
NEW_VARIABLES = [
    (["Beijing,2024,Robots!,5,units,s,Robots,机器人"], ["'Robots!' cannot be the key", "lower-c"]),
    (["Beijing,2024,lambda,5,units,s,Robots,机器人"], ["'lambda' cannot be the key"]),
    (["Beijing,2024,people,5,万人,s,population,"], ["belongs to variable 'population'"]),
    (["Beijing,2024,population,5,万人,s,People,"], ["known under another name", "'Popul"]),
    (
        ["Beijing,2024,robots,5,units,s,Robots,", "Tianjin,2024,robots,5,units,s,Robot,"],
        ["name_en 'Robot' differs from an earlier row", "'Robots', one name"],
    ),
    (
        ["Beijing,2024,robots,5,units,s,Robots,", "Tianjin,2024,robots,5,pieces,s,,"],
        ["unit 'pieces' differs from the one in row 2", "'units', one unit"],
    ),
    (["Beijing,2024,robots,5,,s,Robots,"], ["the unit is missing"]),
    (["Beijing,2024,robots,5,units,s,=1+1,"], ["name '=1+1' cannot be used"]),
]


@pytest.mark.parametrize(("rows", "parts"), NEW_VARIABLES)
def test_new_variables(home: Path, tmp_path: Path, rows: list[str], parts: list[str]) -> None:
    error = refusal(home, write_csv(tmp_path / "mine.csv", *rows, header=WITH_NAMES))
    says(error, parts)


HEADERS = [
    ("province,year,variable,value,unit", ["the header lacks source", "row 1", "name_en"]),
    ("province;year;variable;value;unit;source", ["separate the cells by commas, not by ';'"]),
    (HEADER + ",vintge", ["unknown column 'vintge'", "did you mean 'vintage'"]),
    (HEADER + ",remark", ["unknown column 'remark'", "remove the column"]),
    (HEADER + ",year", ["column 'year' occurs twice"]),
]


@pytest.mark.parametrize(("header", "parts"), HEADERS)
def test_headers(home: Path, tmp_path: Path, header: str, parts: list[str]) -> None:
    error = refusal(home, write_csv(tmp_path / "mine.csv", GOOD, header=header))
    says(error, [*parts, "file mine.csv"])


def _workbook_of_two_sheets(path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(HEADER.split(","))
    book.create_sheet("notes").append(["text"])
    book.save(path)


FILES = {
    "missing.csv": (lambda path: None, ["no such file", "missing.csv"]),
    "folder.csv": (lambda path: path.mkdir(), ["no such file"]),
    "empty.csv": (lambda path: path.write_bytes(b""), ["the file is empty", "a header row"]),
    "header.csv": (lambda path: write_csv(path), ["the file has no figures"]),
    "old.xls": (lambda path: path.write_bytes(b"x"), ["kind .xls", ".csv or .xlsx", "save"]),
    "bare": (lambda path: path.write_bytes(b"x"), ["kind without a suffix"]),
    "utf16.csv": (lambda path: write_csv(path, GOOD, encoding="utf-16"), ["unknown encoding"]),
    "marked.csv": (lambda path: path.write_bytes(b"\xef\xbb\xbf\xb1\xb1"), ["UTF-8 or GB18030"]),
    "binary.csv": (lambda path: path.write_bytes(b"a,\x00\xff\n"), ["UTF-8 or GB18030"]),
    "quote.csv": (lambda path: write_csv(path, '"Beijing,2024'), ["not valid CSV", "row 2"]),
    "really.csv": (lambda path: write_xlsx(path.with_suffix(".xlsx")).rename(path), ["suffix .xl"]),
    "text.xlsx": (lambda path: write_csv(path, GOOD), ["damaged or not an .xlsx file"]),
    "sheets.xlsx": (_workbook_of_two_sheets, ["2 filled sheets: Sheet, notes", "one filled"]),
}


@pytest.mark.parametrize("name", FILES)
def test_files(home: Path, tmp_path: Path, name: str) -> None:
    make, parts = FILES[name]
    make(tmp_path / name)
    error = refusal(home, tmp_path / name)
    says(error, parts)


def test_too_large(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_csv(tmp_path / "mine.csv", GOOD, GOOD)
    monkeypatch.setattr("nqpf.data.own.LARGEST_GRID", 2)
    assert "more than 2 rows" in str(refusal(home, path))
    monkeypatch.setattr("nqpf.data.own.LARGEST_FILE", 20)
    assert "expected at most 20 bytes" in str(refusal(home, path))


def test_workbook_that_unpacks_too_large(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [["Beijing", 2024, "population", 2200, "万人", "x" * 30_000]] * 200
    path = write_xlsx(tmp_path / "mine.xlsx", *rows)
    monkeypatch.setattr("nqpf.data.own.LARGEST_FILE", path.stat().st_size)
    says(refusal(home, path), ["the workbook unpacks to", "split it into several files"])


def test_formula_in_a_workbook(home: Path, tmp_path: Path) -> None:
    row = ["Beijing", 2024, "population", "=2000+200", "万人", "yearbook"]
    error = refusal(home, write_xlsx(tmp_path / "mine.xlsx", row))
    assert "value '=2000+200' is a formula" in str(error)


def test_all_problems_are_in_one_message(home: Path, tmp_path: Path) -> None:
    rows = ["Bejing,2024,population,x,万人,s", GOOD, "", "Hebei,1900,population,5,万吨,s"]
    error = refusal(home, write_csv(tmp_path / "mine.csv", *rows))
    message = str(error)
    assert message.startswith("mine.csv has 4 problems:\n- ")
    assert message.count("\n- ") == 4
    assert message.count("row 2, province 'Bejing'") == 2
    assert message.count("row 5, province 'Hebei'") == 2, "blank rows count, as in a spreadsheet"
    assert type(error) is DataError


def test_problems_of_one_kind_keep_their_class(home: Path, tmp_path: Path) -> None:
    rows = [f"Beijing,{year},population,5,t,s" for year in (2020, 2021)]
    assert type(refusal(home, write_csv(tmp_path / "mine.csv", *rows))) is UnitError


def test_at_most_twenty_problems_are_listed(home: Path, tmp_path: Path) -> None:
    rows = [f"Beijing,{year},population,x,万人,s" for year in range(1950, 2000)]
    message = str(refusal(home, write_csv(tmp_path / "mine.csv", *rows)))
    assert message.startswith("mine.csv is full of problems; the first 20 are:")
    assert message.count("\n- ") == 20


def test_long_and_hostile_cells_are_cut_and_quoted(home: Path, tmp_path: Path) -> None:
    row = f"Beijing,2024,population,\x1b[2J{'9' * 5000}x,万人,s"
    message = str(refusal(home, write_csv(tmp_path / "mine.csv", row)))
    assert "\x1b" not in message
    assert len(message) < 400
