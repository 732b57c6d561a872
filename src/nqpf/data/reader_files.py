"""A reader's file as a grid of text: CSV or Excel, UTF-8 or GB18030."""

from __future__ import annotations

import csv
import io
import struct
import warnings
import zipfile
import zlib
from pathlib import Path

from nqpf.errors import DataError

__all__ = ["Grid", "LARGEST_FILE", "LARGEST_GRID", "read_grid"]

Grid = list[tuple[int, list[str]]]

LARGEST_FILE = 50_000_000  # bytes, also once unpacked times ten
LARGEST_GRID = 500_000  # rows that hold anything
_SHEET_ROWS = 1_048_576  # what a spreadsheet can hold
_CSV_HINT = "save the sheet as CSV UTF-8 or as .xlsx and try again"

# openpyxl has no error of its own for a damaged workbook: whatever its XML and zip
# layers meet surfaces as one of these.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    SyntaxError,  # both XML parsers derive theirs from it
    EOFError,
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
)


def read_grid(path: Path) -> Grid:
    """Return the rows of a CSV or Excel file that hold anything, as text.

    Parameters
    ----------
    path : Path
        A ``.csv`` file (comma separated; UTF-8 with or without a byte-order
        mark, or GB18030) or an ``.xlsx`` workbook with one filled sheet.

    Returns
    -------
    list of (int, list of str)
        Row number as a spreadsheet shows it (the first row is 1) and cells,
        with white space at the ends and repeated white space removed.

    Raises
    ------
    nqpf.errors.DataError
        If the file is missing, too large, damaged or of another kind.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise DataError(
            f"cannot read a file of kind {kind or 'without a suffix'}",
            where={"file": path.name},
            expected="a .csv or .xlsx file",
            hint=_CSV_HINT,
        )
    content = _content(path)
    grid = _workbook(content, path.name) if kind == ".xlsx" else _csv(content, path.name)
    if not grid:
        raise DataError(
            "the file is empty",
            where={"file": path.name},
            expected="a header row and at least one row of figures",
        )
    return grid


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise DataError("no such file", where={"file": str(path)}, expected="a file to read")
        if path.stat().st_size > LARGEST_FILE:
            raise DataError(
                f"the file has {path.stat().st_size:,} bytes",
                where={"file": path.name},
                expected=f"at most {LARGEST_FILE:,} bytes",
                hint="split it into several files",
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"the file cannot be opened: {error.strerror}", where={"file": str(path)}
        ) from error


def _decoded(content: bytes, name: str) -> str:
    if content[:4] == b"PK\x03\x04":
        raise DataError(
            "the file is a workbook named .csv",
            where={"file": name},
            hint="give it the suffix .xlsx",
        )
    if content[:2] not in (b"\xff\xfe", b"\xfe\xff"):  # the marks of UTF-16
        marked = content[:3] == b"\xef\xbb\xbf"  # as UTF-8: a wrong byte is damage then
        for encoding in ("utf-8-sig",) if marked else ("utf-8", "gb18030"):
            try:
                text = content.decode(encoding)
            except UnicodeDecodeError:
                continue
            if "\0" not in text:
                return text
    raise DataError(
        "the text is in an unknown encoding",
        where={"file": name},
        expected="UTF-8 or GB18030",
        hint=_CSV_HINT,
    )


def _csv(content: bytes, name: str) -> Grid:
    lines = csv.reader(io.StringIO(_decoded(content, name), newline=""), strict=True)
    grid: Grid = []
    row = 0
    try:
        for row, line in enumerate(lines, start=1):
            _keep(grid, row, [_clean(cell) for cell in line], name)
    except csv.Error as error:
        raise DataError(
            f"the file is not valid CSV: {error}",
            where={"file": name, "row": row + 1},
            expected="commas between cells and quotation marks in pairs",
            hint="correct the quotation marks of this row",
        ) from error
    return grid


def _workbook(content: bytes, name: str) -> Grid:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles it does not know
            sheets = _sheets(content, name)
    except DataError:
        raise
    except _DAMAGED as error:
        raise DataError(
            f"the workbook is damaged or not an .xlsx file ({type(error).__name__})",
            where={"file": name},
            expected="an .xlsx workbook without a password",
            hint="open it in a spreadsheet program and save it again",
        ) from error
    filled = {title: grid for title, grid in sheets.items() if grid}
    if len(filled) > 1:
        raise DataError(
            f"the workbook has {len(filled)} filled sheets: {', '.join(filled)}",
            where={"file": name},
            expected="one filled sheet",
            hint="keep the rows in one sheet and move the others to another workbook",
        )
    return next(iter(filled.values()), [])


def _sheets(content: bytes, name: str) -> dict[str, Grid]:
    from openpyxl import load_workbook

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > 10 * LARGEST_FILE:
        raise DataError(
            f"the workbook unpacks to {unpacked:,} bytes",
            where={"file": name},
            expected=f"at most {10 * LARGEST_FILE:,} bytes",
            hint="split it into several files",
        )
    # Formulas are read as such, not as the value of the last calculation: that may be stale.
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=False)
    sheets: dict[str, Grid] = {}
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # the size stated in the file may be wrong
        grid = sheets.setdefault(sheet.title, [])
        rows = sheet.iter_rows(max_row=_SHEET_ROWS, values_only=True)
        for row, cells in enumerate(rows, start=1):
            if any(cell is not None for cell in cells):
                _keep(grid, row, [_cell_text(cell) for cell in cells], name)
    return sheets


def _keep(grid: Grid, row: int, cells: list[str], name: str) -> None:
    while cells and not cells[-1]:
        cells.pop()
    if not cells:
        return
    if len(grid) == LARGEST_GRID:
        raise DataError(
            f"the file has more than {LARGEST_GRID:,} rows",
            where={"file": name, "row": row},
            hint="split it into several files",
        )
    grid.append((row, cells))


def _cell_text(value: object) -> str:
    from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula

    if value is None:
        return ""
    if isinstance(value, ArrayFormula | DataTableFormula):
        return "=formula"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return _clean(str(value))


def _clean(text: str) -> str:
    return " ".join(text.replace("\ufeff", "").replace("\u200b", "").split())
