"""The rows of a reader's file: every cell checked against the catalogue, all problems at once."""

from __future__ import annotations

import keyword
import math
import re
import unicodedata
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd

from nqpf.checks import _nearest
from nqpf.data.catalogue import Catalogue, _Variable
from nqpf.data.grid import _Grid, _grid
from nqpf.errors import DataError, NqpfError, _visible
from nqpf.provinces import code_of

_KEY = ["variable", "vintage", "province", "year"]
_REQUIRED = ["province", "year", "variable", "value", "unit", "source"]
_OPTIONAL = ["vintage", "name_en", "name_zh"]
_ROW_COLUMNS = _REQUIRED + _OPTIONAL
_READER = "reader"  # flag of a reader's figures, theme of a reader's variables

_CHINESE_UNITS = {"亿元": "100 million yuan", "亿元（1952年价）": "100 million yuan at 1952 prices"}
_CHINESE_UNITS |= {"上年=100": "previous year = 100", "1952=1": "1952 = 1", "%": "%", "％": "%"}
_CHINESE_UNITS |= {"万人": "10,000 persons", "人年": "person-years", "所": "institutions"}
_CHINESE_UNITS |= {"件": "items", "个": "firms", "家": "firms", "篇": "papers"}
_CHINESE_UNITS |= {"万吨标准煤": "10,000 tce", "万吨": "10,000 t", "亿千瓦时": "100 million kWh"}
_CHINESE_UNITS |= {"万千瓦": "10,000 kW", "公里": "km", "千米": "km"}
_FIRST_YEAR = 1949
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
# A lone comma may be a decimal comma (1,234 = 1.234), so thousands separators are
# accepted only where they cannot be one.
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}((,[0-9]{3})+\.[0-9]+|(,[0-9]{3}){2,})")
_LONE_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_YEAR = re.compile(r"[0-9]{4}(\.0+)?")
_NOTHING = {"", "-", "--", "—", "——", "…", "……", "...", "na", "n/a", "nan", "null", "none", "#n/a"}
_INFINITE = re.compile(r"[+-]?(inf|infinity|∞)", re.IGNORECASE)
_NEW_KEY = re.compile(r"[a-z][a-z0-9_]{1,59}")
# A profit may be a loss, and disposals may exceed investment (as in two early years of
# the panel); every other variable of the catalogue counts something.
_MAY_BE_NEGATIVE = {"gfcf", "hightech_profit"}
_MOST_PROBLEMS = 20


def _shown(cell: object) -> str:
    """Return a cell as a message shows it: quoted, without control characters, cut at 40."""
    label = str(cell)
    return repr(label if len(label) <= 40 else label[:39] + "…")


def _number(cell: str) -> float:
    """Return the finite number that a cell holds.

    Thousands separators are accepted where they cannot be decimal commas.

    Examples
    --------
    >>> _number("1,234.5"), _number("1.2e3")
    (1234.5, 1200.0)
    """
    told = f"value {_shown(cell)}"
    if cell.casefold() in _NOTHING:
        hint = "remove the row: figures that are not known are left out"
        raise DataError(f"the value is missing ({_shown(cell)})", expected="a number", hint=hint)
    if cell.startswith("="):
        hint = "copy the cells and paste them as values"
        raise DataError(f"{told} is a formula", expected="a number", hint=hint)
    if _LONE_COMMA.fullmatch(cell) and not _GROUPED.fullmatch(cell):
        hint = f"write {cell.replace(',', '')} or {cell.replace(',', '.')}"[:80]
        told += " is ambiguous: the comma may separate thousands or decimals"
        raise DataError(told, expected="a number without thousands separators", hint=hint)
    if _DECIMAL.fullmatch(cell) or _GROUPED.fullmatch(cell):
        value = float(cell.replace(",", ""))
        if math.isfinite(value):
            return value + 0.0  # -0.0 becomes 0.0
    elif not _INFINITE.fullmatch(cell):
        expected = "a decimal number without unit or text"
        raise DataError(f"{told} is not a number", expected=expected, hint="correct the cell")
    raise DataError(f"{told} is infinite", expected="a finite number")


def _year(cell: str) -> int:
    last = date.today().year + 1
    if not _YEAR.fullmatch(cell) or not _FIRST_YEAR <= int(cell[:4]) <= last:
        expected = f"a whole number from {_FIRST_YEAR} to {last}"
        raise DataError(f"year {_shown(cell)} cannot be used", expected=expected)
    return int(cell[:4])


def _text(cell: str, column: str) -> str:
    r"""Return free text, refused when empty or when a spreadsheet would run it.

    Direction marks and other characters that cannot be seen are written as
    their code points (:func:`nqpf.errors._visible`).

    Examples
    --------
    >>> _text("a year\u202ebook", "source")
    'a year[U+202E]book'
    """
    if not cell:
        raise DataError(f"the {column} is missing", expected=f"text in column {column}")
    if cell[0] in "=+-@" or any(unicodedata.category(c) in ("Cc", "Cs") for c in cell):
        expected = "plain text that does not start with = + - or @, as a formula does"
        raise DataError(f"{column} {_shown(cell)} cannot be used", expected=expected)
    return _visible(cell)


def _province(cell: str) -> int:
    if not cell:
        expected = "its GB/T 2260 code, English or Chinese name"
        raise DataError("the province is missing", expected=expected)
    return code_of(cell)


def _read_rows(path: Path | str, catalogue: Catalogue) -> pd.DataFrame:
    r"""Read and check a reader's figures.

    Parameters
    ----------
    path : Path or str
        A ``.csv`` file (comma separated; UTF-8 with or without a byte-order mark,
        or GB18030) or an ``.xlsx`` workbook with one filled sheet, whose first row
        names the columns ``province, year, variable, value, unit, source`` and,
        where needed, ``vintage`` (variables that have vintages), ``name_en`` and
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
        (:class:`~nqpf.errors.DataError` ...) when they share one.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "mine.csv")
    ...     _ = path.write_text("province,year,variable,value,unit,source,name_en\n"
    ...                         "北京,2023,robots,12,units,own count,Robots\n", encoding="utf-8")
    ...     rows = _read_rows(path, Catalogue(sources={}, variables={}))
    >>> rows[["province", "year", "variable", "value"]].to_dict("records")
    [{'province': 110000, 'year': 2023, 'variable': 'robots', 'value': 12.0}]
    """
    path = Path(path)
    try:
        grid = _grid(path)
        reading = _Reading(grid, catalogue)
    except NqpfError as error:
        # Where there is nothing to read, the whole path tells more than the name.
        file = path.name if path.is_file() or path.suffix.lower() not in (".csv", ".xlsx") else path
        raise error.changed(where={"file": file} | error.where) from error
    records = []
    for line, row in grid[1:]:
        records.append(reading.record(path.name, line, row))
        if len(reading.problems) >= _MOST_PROBLEMS:
            break
    if reading.problems:
        raise _joined(path.name, reading.problems)
    if not records:
        expected = "at least one row below the header"
        raise DataError("the file has no figures", where={"file": path.name}, expected=expected)
    types = dict.fromkeys(_ROW_COLUMNS, "str")
    types |= {"province": "int64", "year": "int64", "value": "float64"}
    return pd.DataFrame(records, columns=_ROW_COLUMNS).astype(types)


def _header(line: int, row: list[str]) -> dict[str, int]:
    """Return the place of each column, by its name."""
    names = [cell.casefold() for cell in row]
    where = {"row": line}
    expected = f"the columns {', '.join(_REQUIRED)} and, where needed, {', '.join(_OPTIONAL)}"
    for place, name in enumerate(names):
        if name and name in names[:place]:
            raise DataError(f"column {_shown(name)} occurs twice", where=where)
    missing = [name for name in _REQUIRED if name not in names]
    if missing:
        other = re.search("[;\t|]", row[0]) if len(row) == 1 else None
        hint = f"separate the cells by commas, not by {other.group()!r}" if other else None
        problem = f"the header lacks {', '.join(missing)}"
        raise DataError(problem, where=where, expected=expected, hint=hint)
    unknown = next((name for name in names if name not in _ROW_COLUMNS), None)
    if unknown is not None:
        hint = _nearest(unknown[:40], _OPTIONAL) or "remove the column"
        problem = f"unknown column {_shown(unknown)}"
        raise DataError(problem, where=where, expected=expected, hint=hint)
    return {name: place for place, name in enumerate(names)}


def _same(label: str) -> str:
    return " ".join(label.split()).casefold()


class _Reading:
    """One file being read: its names, the problems met and what earlier rows said."""

    def __init__(self, grid: _Grid, catalogue: Catalogue) -> None:
        self.columns = _header(*grid[0])
        self.known = catalogue.variables
        self.problems: list[NqpfError] = []
        self.lines: dict[tuple[object, ...], int] = {}
        self.units: dict[str, tuple[str, int]] = {}
        self.vintage: tuple[str, int] | None = None
        self.owners: dict[str, set[str]] = {}
        for key, entry in self.known.items():
            for label in (entry.name.en, entry.name.zh):
                self.owners.setdefault(_same(label), set()).add(key)
        # The first name in each language that the file gives a variable, on whichever row.
        self.declared: dict[str, tuple[str, str]] = {}
        for _, row in grid[1:]:
            given = self._cells(row)
            if given["name_en"] or given["name_zh"]:
                en, zh = self.declared.get(given["variable"], ("", ""))
                self.declared[given["variable"]] = (en or given["name_en"], zh or given["name_zh"])

    def _cells(self, row: list[str]) -> dict[str, str]:
        places = {name: self.columns.get(name, len(row)) for name in _ROW_COLUMNS}
        return {name: row[at] if at < len(row) else "" for name, at in places.items()}

    def record(self, file: str, line: int, row: list[str]) -> dict[str, object]:
        """Return a row as a record, complete only if no problem was noted."""
        given = self._cells(row)
        where: dict[str, object] = {"file": file, "row": line}
        where |= {k: _shown(given[k]) for k in ("province", "year", "variable") if given[k]}
        before = len(self.problems)

        def checked(check: Callable, *cells: object) -> object:
            """Return what a check returns; keep an error with its place, and go on."""
            try:
                return check(*cells)
            except NqpfError as error:
                self.problems.append(error.changed(where=where))
                return None

        checked(self._width, row)
        if len(self.problems) > before:
            return {}  # the cells are not where they belong
        record = {
            "province": checked(_province, given["province"]),
            "year": checked(_year, given["year"]),
            "source": checked(_text, given["source"], "source"),
            "value": checked(_number, given["value"]),
            "variable": checked(self._key, given["variable"]),
        }
        key = record["variable"]
        if key is not None:
            entry = self.known.get(key)
            checked(_refuse_negative, record["value"], key, entry)
            record["unit"] = checked(self._unit, given["unit"], key, entry, line)
            record["vintage"] = checked(self._vintage, given["vintage"], entry, line)
            names = checked(self._names, given, key, entry)
            record["name_en"], record["name_zh"] = names or ("", "")
        if len(self.problems) == before:
            checked(self._first, record, line)
        return record

    def _width(self, row: list[str]) -> None:
        if len(row) > len(self.columns):
            expected = f"at most {len(self.columns)}, as in the header"
            hint = "put cells that contain commas in quotation marks"
            raise DataError(f"the row has {len(row)} cells", expected=expected, hint=hint)

    def _key(self, label: str) -> str:
        """Return the key of the variable that a cell names by key or name, or declares."""
        expected = "a key or a name of data/catalogue.yaml"
        if not label:
            raise DataError("the variable is missing", expected=expected)
        if label in self.known:
            return label
        owners = sorted(self.owners.get(_same(label), ()))
        if len(owners) > 1:
            expected = f"one of the keys {', '.join(owners)}"
            raise DataError(f"{_shown(label)} is the name of several variables", expected=expected)
        if owners:
            return owners[0]
        if label not in self.declared:
            near = _nearest(label[:60], self.known)
            hint = "A new variable needs its name in the columns name_en and name_zh"
            hint = f"{near}? {hint}" if near else hint
            raise DataError(f"unknown variable {_shown(label)}", expected=expected, hint=hint)
        if not _NEW_KEY.fullmatch(label) or keyword.iskeyword(label):
            expected = "2 to 60 lower-case letters, digits and underscores, a letter first"
            problem = f"{_shown(label)} cannot be the key of a new variable"
            raise DataError(problem, expected=expected)
        return label

    def _unit(self, cell: str, key: str, entry: _Variable | None, line: int) -> str:
        """Return a unit as the catalogue writes it; figures are never converted."""
        if entry is None:
            given = _CHINESE_UNITS.get(cell) or _text(cell, "unit")
            first, row = self.units.setdefault(key, (given, line))
            if given != first:
                problem = f"unit {_shown(given)} differs from the one in row {row}"
                expected = f"{first!r}, one unit for all figures of a variable"
                raise DataError(problem, expected=expected)
            return given
        if cell != entry.unit and _CHINESE_UNITS.get(cell) != entry.unit:
            chinese = [zh for zh, en in _CHINESE_UNITS.items() if en == entry.unit != zh]
            raise DataError(
                f"unit {_shown(cell)} is not the variable's" if cell else "the unit is missing",
                expected=repr(entry.unit) + (f" ({' or '.join(chinese)})" if chinese else ""),
                hint="convert the figures and write this unit",
            )
        return entry.unit

    def _vintage(self, cell: str, entry: _Variable | None, line: int) -> str:
        vintages = entry.vintages if entry else []
        if not vintages and not cell:
            return ""
        if not vintages:
            problem = f"the variable has no vintages, so not {_shown(cell)}"
            raise DataError(problem, expected="an empty cell in column vintage")
        if cell not in vintages:
            problem = f"vintage {_shown(cell)} is unknown" if cell else "the vintage is missing"
            hint = "choose one for the whole file in the column vintage"
            raise DataError(problem, expected=" or ".join(vintages), hint=hint)
        first, row = self.vintage = self.vintage or (cell, line)
        if cell != first:
            problem = f"vintages are mixed: {cell} here and {first} in row {row}"
            raise DataError(problem, expected="one vintage in a file")
        return cell

    def _names(self, given: dict[str, str], key: str, entry: _Variable | None) -> tuple[str, str]:
        """Return both names of a reader's own variable; empty for one of the catalogue's."""
        declared = self.declared.get(given["variable"], ("", ""))
        en, zh = (name and _text(name, "name") for name in declared)
        for name, known in ((en, entry and entry.name.en), (zh, entry and entry.name.zh)):
            other = min(self.owners.get(_same(name), set()) - {key}, default=None)
            if name and other:
                problem = f"the name {_shown(name)} belongs to variable {other!r}"
                raise DataError(problem, expected=f"the key {other!r}, or another name")
            if name and known and _same(name) != _same(known):
                problem = f"variable {key!r} is known under another name than {_shown(name)}"
                hint = "choose another key if this is a new variable"
                raise DataError(problem, expected=f"the name {known!r} or none", hint=hint)
        for column, first in zip(("name_en", "name_zh"), declared, strict=True):
            if given[column] and given[column] != first:
                problem = f"{column} {_shown(given[column])} differs from an earlier row"
                expected = f"{first!r}, one name for all figures of a variable"
                raise DataError(problem, expected=expected)
        if entry is None:
            return en or zh, zh or en
        return (entry.name.en, entry.name.zh) if entry.theme == _READER else ("", "")

    def _first(self, record: dict[str, object], line: int) -> None:
        first = self.lines.setdefault(tuple(record[name] for name in _KEY), line)
        if first != line:
            problem = f"duplicate: row {first} has this figure already"
            raise DataError(problem, expected="one row per figure", hint="remove one of the two")


def _refuse_negative(value: float | None, key: str, entry: _Variable | None) -> None:
    # What a reader's own variable measures is not known, so it may be negative.
    free = entry is None or entry.theme == _READER or key in _MAY_BE_NEGATIVE
    if value is not None and value < 0 and not free:
        expected = f"{key} to be zero or more"
        raise DataError(f"value {value!r} is negative", expected=expected, hint="correct it")


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
