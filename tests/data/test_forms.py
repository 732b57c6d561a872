"""The forms in which people have figures: each gives the figures it shows, or says what is odd."""

import io
import re
import zipfile
from pathlib import Path

import pytest
from made_up import HEADER, write_book, write_csv
from openpyxl import load_workbook

from nqpf.data.own import _read_rows

# A name; the file, its rows between slashes; what it shows, as province, year, variable, value.
FORMS = Path(__file__).with_name("forms.txt").read_text("utf-8").splitlines()


def rows_of(text):
    return [line for line in text.replace("/", "\n").split("\n") if line]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("case", FORMS, ids=lambda case: case.split("/")[0])
def test_forms(tmp_path, panel, case, encoding):
    told, shown = case.rsplit("|", 1)
    _, *lines = rows_of(told)
    path = write_csv(tmp_path / "mine.csv", *lines[1:], header=lines[0], encoding=encoding)
    rows, said = _read_rows(path, panel.catalogue)
    found = rows[["province", "year", "variable", "value"]].itertuples(index=False)
    assert [f"{p // 10000} {y} {v} {x:g}" for p, y, v, x in found] == shown.split(";")
    by_row = "value" in told or "数值" in told
    assert said[0].startswith("read as a row" if by_row else "read as a column per")
    book = write_book(tmp_path / "mine.xlsx", 表=[re.split(r",(?! persons|000)", x) for x in lines])
    if '"' not in told:
        again, _ = _read_rows(book, panel.catalogue)
        assert again["value"].tolist() == rows["value"].tolist()


def test_what_is_understood_is_told(tmp_path, home, run):
    lines = ["指标：研发经费(万元)", "地区,2024年,2023年", "北京,12345.6,", "来源：年鉴"]
    said = run("check", write_csv(tmp_path / "mine.csv", *lines[1:], header=lines[0])).stdout
    assert said.splitlines()[:6] == [
        "mine.csv: 1 figure can be used: 1 new, 0 revised, 0 as before",
        "  read as a column per year, the columns named in row 2, notes from row 4",
        "  said above or below the table: variable '研发经费', source '年鉴', unit '万元'",
        "  left out: cells without a figure, 1",
        "  1 figures of rd_expenditure converted from 万元 to 100 million yuan, times 0.0001",
        "  rd_expenditure: R&D expenditure 研发经费, 100 million yuan: 1 figure, 1 province, 2024",
    ]


# Rows of a file between slashes | parts of the message.
ODD = Path(__file__).with_name("odd.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize("case", ODD)
def test_odd_tables(refusal, tmp_path, case):
    rows, *parts = re.split(r"\|(?! b')", case)
    header, *lines = rows_of(rows)
    error = str(refusal(write_csv(tmp_path / "mine.csv", *lines, header=header)))
    for part in [*parts, "mine.csv"]:
        assert part.casefold() in error.casefold()


# Encoding and text of a source, of a file that is taken and of one that is not.
TAKEN = {"utf-8": "Ürümqi créée 年鉴①", "utf-8-sig": "国家统计局", "gbk": "北京统计年鉴2025"}
TAKEN["gb18030"] = "国家统计局（２０２５）①"
NOT_TAKEN = {"big5": "統計年鑑", "big5hkscs": "國家統計局", "shift_jis": "統計年鑑による"}
NOT_TAKEN |= {"euc-kr": "통계연감", "utf-16": "年鉴", "utf-16-le": "年鉴"}
NOT_TAKEN["latin-1"] = "école supérieure"
# Encodings of a text as written, and as read by mistake.
DAMAGED = [("gb18030", "latin-1"), ("utf-8", "cp1252"), ("utf-8", "gb18030"), ("gbk", "cp1252")]
DAMAGED += [("gb2312", "utf-8")]


@pytest.mark.parametrize("encoding", TAKEN | NOT_TAKEN)
def test_encodings(tmp_path, panel, refusal, encoding):
    text, taken = (TAKEN | NOT_TAKEN)[encoding], encoding in TAKEN
    unit = "万人" if taken else '"10,000 persons"'
    row = f"110000,2024,population,5,{unit},{text}"
    path = write_csv(tmp_path / "mine.csv", row, encoding=encoding)
    if taken:
        assert _read_rows(path, panel.catalogue)[0]["source"].tolist() == [text]
    else:
        assert "neither UTF-8 nor GB18030" in str(refusal(path))


@pytest.mark.parametrize(("wrote", "read"), DAMAGED)
def test_damaged_text_is_found_where_it_stands(tmp_path, refusal, wrote, read):
    text = "北京统计年鉴".encode(wrote).decode(read, errors="replace")
    row = f'110000,2024,population,5,"10,000 persons",{text}'
    error = str(refusal(write_csv(tmp_path / "mine.csv", row)))
    assert "damaged when it was saved" in error and "row 2" in error
    private = row.replace(text, "年\ue5e5鉴")
    assert "damaged" in str(refusal(write_csv(tmp_path / "mine.csv", private)))


ODD_ROW = "北京 2024 population 5 10,000 s"
MARKS = {"\t": "tabs", ";": "semi", "|": "bars", "，": "full"}


@pytest.mark.parametrize(("mark", "named"), MARKS.items())
def test_cells_that_commas_do_not_part(tmp_path, refusal, mark, named):
    header, line = (mark.join(words) for words in (HEADER.split(","), ODD_ROW.split()))
    error = str(refusal(write_csv(tmp_path / "mine.csv", line, header=header)))
    assert f"the cells are separated by {named}" in error


def formatted(path, *cells):
    """Write a workbook of values in their number formats, a province each, of shares in percent."""
    book = load_workbook(write_book(io.BytesIO(), Sheet=[HEADER.split(",")]))
    for code, (value, form) in enumerate(cells, 11):
        book.active.append([code, 2024, "urbanisation", value, "%", "s"])
        book.active.cell(book.active.max_row, 4).number_format = form
    book.save(path)
    return path


def test_a_cell_is_read_as_the_sheet_shows_it(tmp_path, panel, refusal):
    shown = [(0.878, "0.0%"), (87.8, "0.0"), ("87.8%", "@"), (0.878, "0.00%;[Red]-0.00%")]
    shown += [(1, "0%")]
    rows, _ = _read_rows(formatted(tmp_path / "mine.xlsx", *shown), panel.catalogue)
    assert rows["value"].tolist() == [87.8, 87.8, 87.8, 87.8, 100.0]
    for form in ("#,##0,", "0.0,,", '0!.0,"万"', "0\\.0"):
        error = str(refusal(formatted(tmp_path / "mine.xlsx", (878000, form))))
        assert "'878000 in the number format" in error and "not a number" in error


def test_merged_cells_repeat_but_not_a_figure(tmp_path, panel, refusal):
    rows = [HEADER.split(","), ["北京", 2023, "population", 5, "万人", "s"]]
    rows += [[None, 2024, None, 6, None, None], ["天津", 2024, "population", None, "万人", "s"]]
    book = load_workbook(write_book(io.BytesIO(), Sheet=rows))
    for span in ("A2:A3", "C2:C3", "E2:E3", "F2:F3"):
        book.active.merge_cells(span)
    book.save(tmp_path / "mine.xlsx")
    found, told = _read_rows(tmp_path / "mine.xlsx", panel.catalogue)
    assert found[["province", "year"]].to_numpy().tolist() == [[110000, 2023], [110000, 2024]]
    assert "left out: cells without a figure, 1" in told
    book.active.merge_cells("D3:D4")
    book.save(tmp_path / "mine.xlsx")
    for value in (6, 2012, 2183.2):
        book.active["D3"] = value
        book.save(tmp_path / "mine.xlsx")
        said = str(refusal(tmp_path / "mine.xlsx"))
        assert f"value '{value}' is that of a merged cell" in said and "row 4" in said


ORDINARY = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
# In which parts of a workbook a text becomes which other, and what is said; then whole files.
CHANGED_PARTS = {
    "strict": ("", ORDINARY, STRICT, "strict form of Open XML"),
    "strict in its list of sheets alone": ("workbook.xml", ORDINARY, STRICT, "strict form of Open"),
    "of another program": ("[Content_Types].xml", None, b"", "not an .xlsx file"),
    "without sheets": ("sheet1", None, b"<x/>", "the file is empty"),
}
OTHER_FILES = {
    "with a password or of old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 99, "password"),
    "a page of the web": (b"<html><table><tr><td>1</td></tr></table></html>", "not an .xlsx"),
    "text": (HEADER.encode(), "not an .xlsx file"),
}


@pytest.mark.parametrize("kind", [*CHANGED_PARTS, *OTHER_FILES])
def test_workbooks_that_are_not_ordinary(tmp_path, refusal, kind):
    content, said = OTHER_FILES.get(kind, (None, ""))
    if content is None:
        where, old, new, said = CHANGED_PARTS[kind]
        book, changed = write_book(io.BytesIO(), Sheet=[["a"]]), io.BytesIO()
        with zipfile.ZipFile(book) as parts, zipfile.ZipFile(changed, "w") as others:
            for name in parts.namelist():
                part = parts.read(name)
                others.writestr(name, part.replace(old or part, new) if where in name else part)
        content = changed.getvalue()
    (tmp_path / "mine.xlsx").write_bytes(content)
    assert said in str(refusal(tmp_path / "mine.xlsx"))
