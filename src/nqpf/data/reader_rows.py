"""The rows of a reader's file: every cell checked against the catalogue, all problems at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from nqpf.data import reader_cells as cells
from nqpf.data.catalogue import Catalogue, Variable
from nqpf.data.reader_files import Grid, read_grid
from nqpf.data.reader_names import READER_THEME, Names
from nqpf.errors import DataError, NqpfError, UnitError, VintageError
from nqpf.provinces import code_of

__all__ = ["KEY", "ROW_COLUMNS", "read_rows"]

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
            raise DataError(f"column {cells.shown(name)} occurs twice", where=where)
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
            f"unknown column {cells.shown(unknown[0])}",
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
    where |= {k: cells.shown(given[k]) for k in ("province", "year", "variable") if given[k]}
    record: dict[str, object] = {}
    problems = len(reading.problems)

    with reading.noting(where):
        _check_width(row, reading)
    if len(reading.problems) > problems:
        return record  # its cells are not where they belong
    with reading.noting(where):
        record["province"] = _province(given["province"])
    with reading.noting(where):
        record["year"] = cells.year(given["year"])
    with reading.noting(where):
        record["source"] = cells.text(given["source"], "source")
    with reading.noting(where):
        record["value"] = cells.number(given["value"])
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
        return cells.unit(cell, entry.unit)
    unit = cells.unit(cell, None)
    first, where = reading.units.setdefault(key, (unit, line))
    if unit != first:
        raise UnitError(
            f"unit {cells.shown(unit)} differs from the one in row {where}",
            expected=f"{first!r}, one unit for all figures of a variable",
        )
    return unit


def _vintage(cell: str, entry: Variable | None, line: int, reading: _Reading) -> str:
    vintages = entry.vintages if entry else []
    if not vintages and cell:
        raise VintageError(
            f"the variable has no vintages, so not {cells.shown(cell)}",
            expected="an empty cell in column vintage",
        )
    if not vintages:
        return ""
    if cell not in vintages:
        raise VintageError(
            f"vintage {cells.shown(cell)} is not one of the variable's"
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
                f"{column} {cells.shown(given[column])} differs from an earlier row",
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
