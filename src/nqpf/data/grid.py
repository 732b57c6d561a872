"""The rows of a CSV file or an Excel workbook as text; a file that has none says why."""

from __future__ import annotations

import csv
import io
import lzma
import struct
import warnings
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from nqpf.errors import DataError

_Grid = list[tuple[int, list[str]]]  # number and cells of each row that holds anything
_LARGEST_FILE = 50_000_000  # bytes, also once unpacked times ten
_LARGEST_GRID = 500_000  # rows that hold anything
_SHEET_ROWS = 1_048_576  # what a spreadsheet can hold
_SPLIT = "split it into several files"
_AS_CSV = "save the sheet as CSV UTF-8 or as .xlsx and try again"

# What rdata, openpyxl, the decompressors and XML parsers raise on bytes that are not an
# intact file of theirs; none has one error of its own. Parsers derive theirs from SyntaxError.
_DAMAGE = (ArithmeticError, AssertionError, AttributeError, LookupError, OSError, RuntimeError)
_DAMAGE += (EOFError, MemoryError, SyntaxError, TypeError, ValueError)
_DAMAGE += (BadZipFile, lzma.LZMAError, struct.error, zlib.error)


def _grid(path: Path) -> _Grid:
    """Return the rows of a CSV file, or of a workbook that has one filled sheet."""
    filled = {title: grid for title, grid in _sheets(path).items() if grid}
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
        Read in place of a formula what it gave when last calculated, which may be stale.
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles it does not know
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
    if text is None or "\0" in text:
        problem = "the text is in an unknown encoding"
        raise DataError(problem, expected="UTF-8 or GB18030", hint=_AS_CSV)
    grid: _Grid = []
    row = 0
    try:
        for row, line in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1):
            _keep(grid, row, line)
    except csv.Error as error:
        problem, where = f"the file is not valid CSV: {error}", {"row": row + 1}
        raise DataError(problem, where=where, expected="quotation marks in pairs") from error
    return grid


def _decoded(content: bytes) -> str | None:
    """Return the text of UTF-8, with a mark or not, or GB 18030; None for anything else."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):  # the marks of UTF-16
        return None
    # After the mark of UTF-8 a wrong byte is damage.
    for encoding in ("utf-8-sig",) if content[:3] == b"\xef\xbb\xbf" else ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return content.decode(encoding)
    return None


def _workbook(content: bytes, stored: bool) -> dict[str, _Grid]:
    from openpyxl import load_workbook

    with ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > 10 * _LARGEST_FILE:
        problem = f"the workbook unpacks to {unpacked:,} bytes"
        raise DataError(problem, expected=f"at most {10 * _LARGEST_FILE:,} bytes", hint=_SPLIT)
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=stored)
    sheets: dict[str, _Grid] = {}
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # the size stated in the file may be wrong
        grid = sheets.setdefault(sheet.title, [])
        rows = sheet.iter_rows(max_row=_SHEET_ROWS, values_only=True)
        for row, cells in enumerate(rows, start=1):
            if any(cell is not None for cell in cells):
                _keep(grid, row, map(_text, cells))
    return sheets


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
