"""The rows of a reader's file: every cell checked against the catalogue, all problems at once."""

from __future__ import annotations

import csv
import difflib
import io
import keyword
import math
import re
import struct
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import pandas as pd

from nqpf.data.catalogue import Catalogue, Variable
from nqpf.errors import DataError, NqpfError, UnitError, VintageError, visible
from nqpf.provinces import code_of

__all__ = [
    "CHINESE_UNITS",
    "FIRST_YEAR",
    "Grid",
    "KEY",
    "LARGEST_FILE",
    "LARGEST_GRID",
    "Names",
    "READER_THEME",
    "ROW_COLUMNS",
    "number",
    "read_grid",
    "read_rows",
    "shown",
    "text",
    "unit",
    "year",
]

FIRST_YEAR = 1949

CHINESE_UNITS = {
    "亿元": "100 million yuan",
    "亿元（1952年价）": "100 million yuan at 1952 prices",
    "上年=100": "previous year = 100",
    "1952=1": "1952 = 1",
    "%": "%",
    "％": "%",
    "万人": "10,000 persons",
    "人年": "person-years",
    "所": "institutions",
    "件": "items",
    "个": "firms",
    "家": "firms",
    "篇": "papers",
    "万吨标准煤": "10,000 tce",
    "万吨": "10,000 t",
    "亿千瓦时": "100 million kWh",
    "万千瓦": "10,000 kW",
    "公里": "km",
    "千米": "km",
}

_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
# A lone comma may be a decimal comma (1,234 = 1.234), so thousands separators are
# accepted only where they cannot be one.
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}((,[0-9]{3})+\.[0-9]+|(,[0-9]{3}){2,})")
_LONE_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_YEAR = re.compile(r"[0-9]{4}(\.0+)?")
_NOTHING = {"", "-", "--", "—", "——", "…", "……", "...", "na", "n/a", "nan", "null", "none", "#n/a"}
_INFINITE = re.compile(r"[+-]?(inf|infinity|∞)", re.IGNORECASE)


def shown(cell: object) -> str:
    """Return a cell as a message shows it: quoted, without control characters, cut at 40."""
    label = str(cell)
    return repr(label if len(label) <= 40 else label[:39] + "…")


def number(cell: str) -> float:
    """Return the finite number that a cell holds.

    Thousands separators are accepted where they cannot be decimal commas.

    Raises
    ------
    nqpf.errors.DataError
        If the cell is empty, text, a formula, infinite or ambiguous.

    Examples
    --------
    >>> number("1,234.5"), number("1.2e3")
    (1234.5, 1200.0)
    """
    if cell.casefold() in _NOTHING:
        raise DataError(
            f"the value is missing ({shown(cell)})",
            expected="a number",
            hint="remove the row: figures that are not known are left out",
        )
    if _INFINITE.fullmatch(cell):
        raise DataError(f"value {shown(cell)} is infinite", expected="a finite number")
    if cell.startswith("="):
        raise DataError(
            f"value {shown(cell)} is a formula",
            expected="a number",
            hint="copy the cells and paste them as values",
        )
    if _LONE_COMMA.fullmatch(cell) and not _GROUPED.fullmatch(cell):
        raise DataError(
            f"value {shown(cell)} is ambiguous: the comma may separate thousands or decimals",
            expected="a number with a decimal point and no thousands separators",
            hint=f"write {cell.replace(',', '')} or {cell.replace(',', '.')}"[:80],
        )
    if not (_DECIMAL.fullmatch(cell) or _GROUPED.fullmatch(cell)):
        raise DataError(
            f"value {shown(cell)} is not a number",
            expected="a decimal number without unit or text",
            hint="correct the cell",
        )
    value = float(cell.replace(",", ""))
    if not math.isfinite(value):
        raise DataError(f"value {shown(cell)} is infinite", expected="a finite number")
    return value + 0.0  # -0.0 becomes 0.0


def year(cell: str, today: date | None = None) -> int:
    """Return the year that a cell holds.

    Raises
    ------
    nqpf.errors.DataError
        If it is not a whole number from 1949 to next year.
    """
    last = (today or date.today()).year + 1
    if not _YEAR.fullmatch(cell) or not FIRST_YEAR <= int(cell[:4]) <= last:
        raise DataError(
            f"year {shown(cell)} cannot be used",
            expected=f"a whole number from {FIRST_YEAR} to {last}",
        )
    return int(cell[:4])


def unit(cell: str, expected: str | None) -> str:
    """Return a unit as the catalogue writes it.

    Parameters
    ----------
    cell : str
        The unit as given: the catalogue's exact text or its Chinese
        equivalent in :data:`CHINESE_UNITS`.
    expected : str or None
        The unit of the variable; None for a new variable, which may have any.

    Raises
    ------
    nqpf.errors.UnitError
        If the unit is missing or not the expected one. Figures are never converted.

    Examples
    --------
    >>> unit("亿元", "100 million yuan")
    '100 million yuan'
    """
    if expected is None:
        return CHINESE_UNITS.get(cell) or text(cell, "unit")
    if cell != expected and CHINESE_UNITS.get(cell) != expected:
        given = f"unit {shown(cell)} is not the variable's" if cell else "the unit is missing"
        chinese = " or ".join(zh for zh, en in CHINESE_UNITS.items() if en == expected != zh)
        raise UnitError(
            given,
            expected=repr(expected) + (f" ({chinese})" if chinese else ""),
            hint="convert the figures and write this unit",
        )
    return expected


def text(cell: str, column: str) -> str:
    r"""Return free text, refused when empty or when a spreadsheet would run it.

    Direction marks and other characters that cannot be seen are written as
    their code points (:func:`nqpf.errors.visible`).

    Raises
    ------
    nqpf.errors.DataError
        If the text is empty, starts like a formula or has control characters.

    Examples
    --------
    >>> text("a year\u202ebook", "source")
    'a year[U+202E]book'
    """
    if not cell:
        raise DataError(f"the {column} is missing", expected=f"text in column {column}")
    if cell[0] in "=+-@" or any(unicodedata.category(c) in ("Cc", "Cs") for c in cell):
        raise DataError(
            f"{column} {shown(cell)} cannot be used",
            expected="plain text that does not start with = + - or @",
            hint="a spreadsheet would take such a cell for a formula",
        )
    return visible(cell)


READER_THEME = "reader"

_NEW_KEY = re.compile(r"[a-z][a-z0-9_]{1,59}")


def _normal(label: str) -> str:
    return " ".join(label.split()).casefold()


@dataclass(frozen=True)
class Names:
    """Names of variables: those of the catalogue and those that a file declares.

    Parameters
    ----------
    catalogue : Catalogue
        Known variables.
    declared : dict of str to (str, str)
        English and Chinese name that a file gives a variable, by the text of
        its cell ``variable``; empty text for a language that is not given.
    """

    catalogue: Catalogue
    declared: dict[str, tuple[str, str]]

    @cached_property
    def _owners(self) -> dict[str, set[str]]:
        owners: dict[str, set[str]] = {}
        for key, entry in self.catalogue.variables.items():
            for label in (entry.name.en, entry.name.zh):
                owners.setdefault(_normal(label), set()).add(key)
        return owners

    def key(self, label: str) -> str:
        """Return the key of the variable that a cell names.

        Raises
        ------
        nqpf.errors.DataError
            If it is neither a key nor the name of one variable of the
            catalogue, nor declared as a new variable.
        """
        if not label:
            raise DataError("the variable is missing", expected="a key or a name of the catalogue")
        if label in self.catalogue.variables:
            return label
        owners = sorted(self._owners.get(_normal(label), ()))
        if len(owners) == 1:
            return owners[0]
        if owners:
            raise DataError(
                f"{shown(label)} is the name of several variables",
                expected=f"one of the keys {', '.join(owners)}",
            )
        if label not in self.declared:
            raise DataError(
                f"unknown variable {shown(label)}",
                expected="a key or a name of data/catalogue.yaml",
                hint=self._advice(label),
            )
        if not _NEW_KEY.fullmatch(label) or keyword.iskeyword(label):
            raise DataError(
                f"{shown(label)} cannot be the key of a new variable",
                expected="2 to 60 lower-case letters, digits and underscores, a letter first",
            )
        return label

    def own(self, label: str, key: str) -> tuple[str, str]:
        """Return both names of a reader's own variable; empty for one of the catalogue's.

        Raises
        ------
        nqpf.errors.DataError
            If a declared name is not that of the known variable, or belongs
            to another one.
        """
        entry: Variable | None = self.catalogue.variables.get(key)
        given = self.declared.get(label, ("", ""))
        declared = [name and text(name, "name") for name in given]
        for name in declared:
            others = self._owners.get(_normal(name), set()) - {key}
            if name and others:
                raise DataError(
                    f"the name {shown(name)} belongs to variable {sorted(others)[0]!r}",
                    expected=f"a name that tells {key!r} from it",
                    hint=f"use the key {sorted(others)[0]!r} if that is what the figures are",
                )
        if entry is None:
            en, zh = declared
            return en or zh, zh or en
        for name, known in zip(declared, (entry.name.en, entry.name.zh), strict=True):
            if name and _normal(name) != _normal(known):
                raise DataError(
                    f"variable {key!r} is known under another name than {shown(name)}",
                    expected=f"the name {known!r} or none",
                    hint="choose another key if this is a new variable",
                )
        return (entry.name.en, entry.name.zh) if entry.theme == READER_THEME else ("", "")

    def _advice(self, label: str) -> str:
        near = difflib.get_close_matches(label[:60], self.catalogue.variables, n=1)
        offer = f"did you mean {near[0]!r}? " if near else ""
        return offer + "A new variable needs its name in the columns name_en and name_zh"


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


KEY = ["variable", "vintage", "province", "year"]
_REQUIRED = ["province", "year", "variable", "value", "unit", "source"]
_OPTIONAL = ["vintage", "name_en", "name_zh"]
ROW_COLUMNS = _REQUIRED + _OPTIONAL

# A profit may be a loss, and disposals may exceed investment (as in two early years of
# the panel); every other variable of the catalogue counts something.
_MAY_BE_NEGATIVE = {"gfcf", "hightech_profit"}
_MOST_PROBLEMS = 20


@dataclass
class _Reading:
    """One file being read: its names, the problems met and what earlier rows said."""

    file: str
    columns: dict[str, int]
    names: Names
    problems: list[NqpfError] = field(default_factory=list)
    lines: dict[tuple[object, ...], int] = field(default_factory=dict)
    units: dict[str, tuple[str, int]] = field(default_factory=dict)
    vintage: tuple[str, int] | None = None

    @contextmanager
    def noting(self, where: dict[str, object]) -> Iterator[None]:
        """Keep an error of the library, with its place, and go on."""
        try:
            yield
        except NqpfError as error:
            self.problems.append(
                type(error)(error.problem, where=where, expected=error.expected, hint=error.hint)
            )


def read_rows(path: Path | str, catalogue: Catalogue) -> pd.DataFrame:
    r"""Read and check a reader's figures.

    Parameters
    ----------
    path : Path or str
        A ``.csv`` or ``.xlsx`` file whose first row names the columns
        ``province, year, variable, value, unit, source`` and, where needed,
        ``vintage`` (variables that have vintages), ``name_en`` and
        ``name_zh`` (a new variable), in any order. See ``data/extra/README.md``.
    catalogue : Catalogue
        Known variables with their units and vintages.

    Returns
    -------
    DataFrame
        Those columns in that order, one row per figure in the order of the
        file: ``province`` as GB/T 2260 code, ``variable`` as key, ``value`` in
        ``unit``. Names are empty unless the variable is a reader's own.

    Raises
    ------
    nqpf.errors.DataError
        If anything is wrong. One message lists up to 20 problems with file,
        row, province, year and variable; its class is that of the problems
        (:class:`~nqpf.errors.UnitError` ...) when they share one.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "mine.csv")
    ...     _ = path.write_text("province,year,variable,value,unit,source,name_en\n"
    ...                         "北京,2023,robots,12,units,own count,Robots\n", encoding="utf-8")
    ...     rows = read_rows(path, Catalogue(sources={}, variables={}))
    >>> rows[["province", "year", "variable", "value"]].to_dict("records")
    [{'province': 110000, 'year': 2023, 'variable': 'robots', 'value': 12.0}]
    """
    path = Path(path)
    grid = read_grid(path)
    columns = _header(*grid[0], path.name)
    reading = _Reading(path.name, columns, Names(catalogue, _declared(grid[1:], columns)))
    records = []
    for line, row in grid[1:]:
        records.append(_record(line, row, reading))
        if len(reading.problems) >= _MOST_PROBLEMS:
            break
    if reading.problems:
        raise _joined(path.name, reading.problems)
    if not records:
        raise DataError(
            "the file has no figures",
            where={"file": path.name},
            expected="at least one row below the header",
        )
    types = dict.fromkeys(ROW_COLUMNS, "str")
    types |= {"province": "int64", "year": "int64", "value": "float64"}
    return pd.DataFrame(records, columns=ROW_COLUMNS).astype(types)


def _header(line: int, row: list[str], file: str) -> dict[str, int]:
    names = [cell.casefold() for cell in row]
    where = {"file": file, "row": line}
    expected = f"the columns {', '.join(_REQUIRED)} and, where needed, {', '.join(_OPTIONAL)}"
    for place, name in enumerate(names):
        if name and name in names[:place]:
            raise DataError(f"column {shown(name)} occurs twice", where=where)
    missing = [name for name in _REQUIRED if name not in names]
    if missing:
        other = re.search("[;\t|]", row[0]) if len(row) == 1 else None
        raise DataError(
            f"the header lacks {', '.join(missing)}",
            where=where,
            expected=expected,
            hint=f"separate the cells by commas, not by {other.group()!r}" if other else None,
        )
    unknown = [name for name in names if name not in ROW_COLUMNS]
    if unknown:
        near = difflib.get_close_matches(unknown[0][:40], _OPTIONAL, n=1)
        raise DataError(
            f"unknown column {shown(unknown[0])}",
            where=where,
            expected=expected,
            hint=f"did you mean {near[0]!r}" if near else "remove the column",
        )
    return {name: place for place, name in enumerate(names)}


def _cell(row: list[str], columns: dict[str, int], name: str) -> str:
    place = columns.get(name, len(row))
    return row[place] if place < len(row) else ""


def _declared(rows: Grid, columns: dict[str, int]) -> dict[str, tuple[str, str]]:
    """First name in each language that the file gives a variable, on whichever row."""
    found: dict[str, tuple[str, str]] = {}
    for _, row in rows:
        en, zh = _cell(row, columns, "name_en"), _cell(row, columns, "name_zh")
        if en or zh:
            label = _cell(row, columns, "variable")
            known = found.get(label, ("", ""))
            found[label] = (known[0] or en, known[1] or zh)
    return found


def _record(line: int, row: list[str], reading: _Reading) -> dict[str, object]:
    """Return a row as a record, complete only if no problem was noted."""
    given = {name: _cell(row, reading.columns, name) for name in ROW_COLUMNS}
    where: dict[str, object] = {"file": reading.file, "row": line}
    where |= {k: shown(given[k]) for k in ("province", "year", "variable") if given[k]}
    record: dict[str, object] = {}
    problems = len(reading.problems)

    with reading.noting(where):
        _check_width(row, reading)
    if len(reading.problems) > problems:
        return record  # its cells are not where they belong
    with reading.noting(where):
        record["province"] = _province(given["province"])
    with reading.noting(where):
        record["year"] = year(given["year"])
    with reading.noting(where):
        record["source"] = text(given["source"], "source")
    with reading.noting(where):
        record["value"] = number(given["value"])
    with reading.noting(where):
        key = reading.names.key(given["variable"])
        record["variable"] = key
        entry = reading.names.catalogue.variables.get(key)
        with reading.noting(where):
            _check_sign(record.get("value"), key, entry)
        with reading.noting(where):
            record["unit"] = _unit(given["unit"], key, entry, line, reading)
        with reading.noting(where):
            record["vintage"] = _vintage(given["vintage"], entry, line, reading)
        with reading.noting(where):
            names = _names(given, key, reading)
            record["name_en"], record["name_zh"] = names
    if len(reading.problems) == problems:
        with reading.noting(where):
            _check_first(record, line, reading)
    return record


def _check_width(row: list[str], reading: _Reading) -> None:
    if len(row) > len(reading.columns):
        raise DataError(
            f"the row has {len(row)} cells",
            expected=f"at most {len(reading.columns)}, as in the header",
            hint="put texts and numbers that contain commas in quotation marks",
        )


def _province(cell: str) -> int:
    if not cell:
        raise DataError(
            "the province is missing", expected="its GB/T 2260 code, English or Chinese name"
        )
    return code_of(cell)


def _check_sign(value: object, key: str, entry: Variable | None) -> None:
    # What a reader's own variable measures is not known, so it may be negative.
    free = entry is None or entry.theme == READER_THEME or key in _MAY_BE_NEGATIVE
    if isinstance(value, float) and value < 0 and not free:
        raise DataError(
            f"value {value!r} is negative", expected=f"{key} to be zero or more", hint="correct it"
        )


def _unit(cell: str, key: str, entry: Variable | None, line: int, reading: _Reading) -> str:
    if entry is not None:
        return unit(cell, entry.unit)
    given = unit(cell, None)
    first, where = reading.units.setdefault(key, (given, line))
    if given != first:
        raise UnitError(
            f"unit {shown(given)} differs from the one in row {where}",
            expected=f"{first!r}, one unit for all figures of a variable",
        )
    return given


def _vintage(cell: str, entry: Variable | None, line: int, reading: _Reading) -> str:
    vintages = entry.vintages if entry else []
    if not vintages and cell:
        raise VintageError(
            f"the variable has no vintages, so not {shown(cell)}",
            expected="an empty cell in column vintage",
        )
    if not vintages:
        return ""
    if cell not in vintages:
        raise VintageError(
            f"vintage {shown(cell)} is not one of the variable's"
            if cell
            else "the vintage is missing",
            expected=" or ".join(vintages),
            hint="choose one for the whole file in the column vintage",
        )
    first, where = reading.vintage = reading.vintage or (cell, line)
    if cell != first:
        raise VintageError(
            f"vintages are mixed: {cell} here and {first} in row {where}",
            expected="one vintage in a file",
            hint="write the figures of each vintage to a file of their own",
        )
    return cell


def _names(given: dict[str, str], key: str, reading: _Reading) -> tuple[str, str]:
    label = given["variable"]
    names = reading.names.own(label, key)
    declared = reading.names.declared.get(label, ("", ""))
    for column, first in zip(("name_en", "name_zh"), declared, strict=True):
        if given[column] and given[column] != first:
            raise DataError(
                f"{column} {shown(given[column])} differs from an earlier row",
                expected=f"{first!r}, one name for all figures of a variable",
            )
    return names


def _check_first(record: dict[str, object], line: int, reading: _Reading) -> None:
    first = reading.lines.setdefault(tuple(record[name] for name in KEY), line)
    if first != line:
        raise DataError(
            f"duplicate: row {first} has this figure already",
            expected="one row per province, year, variable and vintage",
            hint="remove one of the two",
        )


def _joined(file: str, problems: list[NqpfError]) -> NqpfError:
    """Return all problems of a file as one error, of their own class when they share one."""
    if len(problems) == 1:
        return problems[0]
    kinds = {type(problem) for problem in problems}
    kind = kinds.pop() if len(kinds) == 1 else DataError
    head = f"{file} has {len(problems)} problems"
    if len(problems) >= _MOST_PROBLEMS:
        head = f"{file} is full of problems; the first {len(problems)} are"
    return kind("\n- ".join([f"{head}:", *map(str, problems)]))
