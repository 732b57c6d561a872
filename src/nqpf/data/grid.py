"""The rows of a CSV file or an Excel workbook as text; a file that has none says why.

Cells hold what a reader of the sheet sees: a cell in percent is given with its sign, one that is
merged with others is repeated, and one that its number format shows as another number says so.
"""

from __future__ import annotations

import csv
import io
import lzma
import re
import struct
import unicodedata
import warnings
import zlib
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from nqpf.errors import DataError

_Grid = list[tuple[int, list[str]]]  # number and cells of each row that holds anything
_LARGEST_FILE = 50_000_000  # bytes, also once unpacked times ten
_LARGEST_GRID = 500_000  # rows that hold anything
_SHEET_ROWS = 1_048_576  # what a spreadsheet can hold
_SPLIT = "split it into several files"
_AS_CSV = "save the sheet as CSV UTF-8 or as .xlsx and try again"
_SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars (|)", "，": "full-width commas (，)"}
# Private use, no characters, controls, marks of failed decoding, and the bytes of Chinese
# characters read as those of a Western alphabet.
_DAMAGED = re.compile(
    "[\ue000-\uf8ff\ufffd\ufffe\uffff\x80-\x9f\U000f0000-\U0010ffff]|锟斤|烫烫|"
    "[\xa0-\xff]{4,}|[\xa1\xa3][\xa0-\xff]|[\xe3-\xe9][\xa0-\xbf€-™Œ-ƒˆ˜]{2}"
)
_WORDED = re.compile("[\u2000-\uffef]{3,}")
# Characters of provinces' names, units, headings and sources of statistics.
_COMMON = frozenset(
    "北京天津河山西内蒙古辽宁吉林黑龙江上海苏浙安徽福建东南湖广壮族自治区重庆四川贵州云藏陕甘肃青夏回新疆维吾尔"
    "地区省份市年份指标变量数值单位来源时间据库注明总生产国内国家统计局全年度鉴公报合计人口末常住城镇"
    "亿万元吨千瓦时米里件个家所篇户增加值指数上百分比率收入支出费用经济教育科学技术研究试验发展专利授权申请"
    "企业工农林牧渔产品销售能源消总量标准煤电力就员在校学生毕业高等普通第一二三"
)
_STRICT = b"http://purl.oclc.org/ooxml/"
_MERGE = re.compile(rb"<(?:\w+:)?mergeCell\b[^>]*?\bref=[\"']([A-Z]+[0-9]+:[A-Z]+[0-9]+)[\"']")
_REPEATED = "\u2063"  # at the end of a cell that repeats what it is merged with
_LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|_.|\*.')
# A comma after the last digit divides by a thousand; an escaped point moves none.
_SCALING = re.compile(r"[0#?],+(?![0-9#?,])|[\\!]\.")

# What rdata, openpyxl, the decompressors and XML parsers raise on bytes that are not an
# intact file of theirs; none has one error of its own. Parsers derive theirs from SyntaxError.
_DAMAGE = (ArithmeticError, AssertionError, AttributeError, LookupError, OSError, RuntimeError)
_DAMAGE += (EOFError, MemoryError, SyntaxError, TypeError, ValueError)
_DAMAGE += (BadZipFile, lzma.LZMAError, struct.error, zlib.error)


def _grid(path: Path) -> _Grid:
    """Return the rows of a CSV file, or of a workbook with one filled sheet.

    Of a workbook that the project wrote, it is the sheet of figures, beside that of notes.
    """
    filled = {title: grid for title, grid in _sheets(path).items() if grid}
    if "README" in filled and "panel" in filled:
        return filled["panel"]
    if len(filled) > 1:
        problem = f"the workbook has {len(filled)} filled sheets: {', '.join(filled)}"
        hint = "move the others to another workbook"
        raise DataError(problem, expected="one filled sheet", hint=hint)
    if not filled:
        expected = "a header row and at least one row of figures"
        raise DataError("the file is empty", expected=expected)
    return next(iter(filled.values()))


def _sheets(path: Path, stored: bool = False) -> dict[str, _Grid]:
    """Return the sheets of a CSV or Excel file by their titles, each as rows of text.

    Rows are numbered as a spreadsheet shows them, the first being 1; white space
    at the ends of cells and repeated white space is removed.

    Parameters
    ----------
    path : Path
        A ``.csv`` file, which is a sheet without a title, or an ``.xlsx`` workbook.
    stored : bool
        Read what the cells hold, not what they show, and in place of a formula what it gave
        when last calculated, which may be stale.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        problem = f"cannot read a file of kind {kind or 'without a suffix'}"
        raise DataError(problem, expected="a .csv or .xlsx file", hint=_AS_CSV)
    try:
        if not path.is_file():
            raise DataError("no such file", expected="a file to read")
        if path.stat().st_size > _LARGEST_FILE:
            problem = f"the file has {path.stat().st_size:,} bytes"
            raise DataError(problem, expected=f"at most {_LARGEST_FILE:,} bytes", hint=_SPLIT)
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"the file cannot be opened: {error.strerror}") from error
    if kind == ".csv":
        return {"": _csv(content)}
    try:
        with warnings.catch_warnings(action="ignore"):  # openpyxl warns of styles it does not know
            return _workbook(content, stored)
    except DataError:
        raise
    except _DAMAGE as error:
        problem = f"the workbook is damaged or not an .xlsx file ({type(error).__name__})"
        hint = "open it in a spreadsheet program and save it again, without a password"
        raise DataError(problem, hint=hint) from error


def _csv(content: bytes) -> _Grid:
    if content[:4] == b"PK\x03\x04":
        raise DataError("the file is a workbook named .csv", hint="give it the suffix .xlsx")
    text = _decoded(content)
    for line in text.splitlines()[:10]:
        mark = next((one for one in _SEPARATORS if line.count(one) > 1 and "," not in line), None)
        if mark:
            problem = f"the cells are separated by {_SEPARATORS[mark]}"
            raise DataError(problem, expected="cells separated by commas", hint=_AS_CSV)
    grid: _Grid = []
    row = 0
    try:
        for row, line in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1):
            _keep(grid, row, line)
    except csv.Error as error:
        problem, where = f"the file is not valid CSV: {error}", {"row": row + 1}
        raise DataError(problem, where=where, expected="quotation marks in pairs") from error
    return grid


def _decoded(content: bytes) -> str:
    """Return the text of UTF-8, with a mark or not, or GB 18030; refuse anything else.

    GB 18030 gives some text for nearly any bytes. It is taken for what was written only if its
    Chinese characters are those of a table of provinces: few are rare ones, and a fifth or more
    belong to the words that such tables are made of.
    """
    # After the mark of UTF-8 a wrong byte is damage.
    for encoding in ("utf-8-sig",) if content[:3] == b"\xef\xbb\xbf" else ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            text = content.decode(encoding)
            break
    else:
        text = "\0"
    chinese = [c for c in text if not c.isascii()] if encoding == "gb18030" else []
    letters = [c for c in chinese if c.isalpha()]
    rare = sum(not _is_plain(c) for c in set(chinese))
    known = sum(c in _COMMON for c in letters)
    unlike = rare > 0.2 * len(set(chinese)) + 1 or known < 0.2 * len(letters)
    if "\0" in text or unlike:
        problem = "the text is neither UTF-8 nor GB18030"
        raise DataError(problem, expected="one of the two", hint=_AS_CSV)
    runs = (run for run in _WORDED.finditer(text) if _twice_encoded(run.group()))
    if damaged := _DAMAGED.search(text) or next(runs, None):
        problem = f"the text was damaged when it was saved: {damaged.group()[:20]!a}"
        where = {"row": text.count("\n", 0, damaged.start()) + 1}
        hint = "take the file from its source again and save it as CSV UTF-8"
        raise DataError(problem, where=where, expected="text in UTF-8 or GB18030", hint=hint)
    return text


def _twice_encoded(text: str) -> bool:
    """Return whether Chinese text in UTF-8 was read as GB 18030."""
    with suppress(UnicodeDecodeError):
        return _WORDED.search(text.encode("gb18030").decode("utf-8")) is not None
    return False


def _is_plain(character: str) -> bool:
    """Return whether a character is a Chinese one in daily use, a wide letter or a mark."""
    if "\u4e00" <= character <= "\u9fff":
        return bool(character.encode("gb2312", "ignore"))
    wide = "\u3000" <= character <= "\u301f" or "\uff01" <= character <= "\uff5e"
    return wide or unicodedata.category(character)[0] in "PN"


def _workbook(content: bytes, stored: bool) -> dict[str, _Grid]:
    from openpyxl import load_workbook

    with ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > 10 * _LARGEST_FILE:
            problem = f"the workbook unpacks to {unpacked:,} bytes"
            raise DataError(problem, expected=f"at most {10 * _LARGEST_FILE:,} bytes", hint=_SPLIT)
        if _STRICT in archive.read("xl/workbook.xml"):
            problem = "the workbook is in the strict form of Open XML"
            raise DataError(problem, hint="save it as an ordinary Excel workbook (.xlsx)")
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=stored)
    sheets: dict[str, _Grid] = {}
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # the size stated in the file may be wrong
        grid = sheets.setdefault(sheet.title, [])
        merged = {} if stored else _merged(sheet)
        for row, cells in enumerate(sheet.iter_rows(max_row=_SHEET_ROWS), start=1):
            if any(cell.value is not None for cell in cells) or row in merged:
                texts = [_text(c.value) if stored else _seen(c) for c in cells]
                _keep(grid, row, _filled(row, texts, merged))
    return sheets


# By row, the columns of merged ranges; by range, a place for what stands in it.
_Merged = dict[int, list[tuple[range, list[str]]]]


def _merged(sheet: Any) -> _Merged:
    """Return by row the columns of each merged range, with a place for what stands in it."""
    from openpyxl.utils import range_boundaries

    found: _Merged = {}
    with sheet._get_source() as part:
        ranges = _MERGE.findall(part.read())
    for span in ranges:
        left, top, right, bottom = range_boundaries(span.decode())
        held = [""]
        for row in range(top, bottom + 1) if (bottom - top) * (right - left) < _SHEET_ROWS else ():
            found.setdefault(row, []).append((range(left - 1, right), held))
    return found


def _filled(row: int, texts: list[str], merged: _Merged) -> list[str]:
    """Return a row with merged cells repeated, each repetition marked as one."""
    for columns, held in merged.get(row, ()):
        texts += [""] * (columns.stop - len(texts))
        held[0] = texts[columns.start] or held[0]
        for place in columns:
            texts[place] = texts[place] or (held[0] and held[0] + _REPEATED)
    return texts


def _keep(grid: _Grid, row: int, texts: Iterable[str]) -> None:
    cells = [" ".join(cell.replace("\ufeff", "").replace("\u200b", "").split()) for cell in texts]
    while cells and not cells[-1]:
        cells.pop()
    if cells and len(grid) == _LARGEST_GRID:
        problem = f"the file has more than {_LARGEST_GRID:,} rows"
        raise DataError(problem, where={"row": row}, hint=_SPLIT)
    if cells:
        grid.append((row, cells))


def _text(value: object) -> str:
    from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula

    if isinstance(value, ArrayFormula | DataTableFormula):
        return "=formula"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None else str(value)


def _seen(cell: Any) -> str:
    """Return a cell as the sheet shows it, or with the number format that shows another number."""
    text, form = _text(cell.value), getattr(cell, "number_format", None) or ""
    plain = _LITERAL.sub("", form)
    if isinstance(cell.value, bool) or not isinstance(cell.value, int | float):
        return text
    if "%" in plain:
        return f"{Decimal(repr(cell.value)) * 100:f}%"
    return f"{text} in the number format {form}" if _SCALING.search(plain) else text
