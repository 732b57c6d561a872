"""The figures of a reader's file: each checked against the catalogue, all problems at once."""

from __future__ import annotations

import difflib
import keyword
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import pandas as pd

from nqpf.data.catalogue import Catalogue, _Variable
from nqpf.data.forms import _COLUMNS, _NOTHING, _YEAR, _factor, _Figure, _form, _same, _spellings
from nqpf.data.grid import _REPEATED, _grid
from nqpf.errors import DataError, NqpfError, _narrow, _visible
from nqpf.provinces import code_of

_KEY = ["variable", "vintage", "province", "year"]
_READER = "reader"  # flag of a reader's figures, theme of a reader's variables

_FIRST_YEAR = 1949
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
# A lone comma may be a decimal comma (1,234 = 1.234), so thousands separators are
# accepted only where they cannot be one.
_GROUPED = re.compile(
    r"[+-]?[0-9]{1,3}((,[0-9]{3})+\.[0-9]+|(,[0-9]{3}){2,}|( [0-9]{3})+(\.[0-9]+)?)"
)
_LONE_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_INFINITE = re.compile(r"[+-]?(inf|infinity|∞)", re.IGNORECASE)
_NEW_KEY = re.compile(r"[a-z][a-z0-9_]{1,59}")
# A profit may be a loss, and disposals may exceed investment (as in two early years of
# the panel); every other variable of the catalogue counts something.
_MAY_BE_NEGATIVE = {"gfcf", "hightech_profit"}
_MOST_PROBLEMS = 50  # kinds of problems in one message


def _shown(cell: object) -> str:
    """Return a cell as a message shows it: quoted, without control characters, cut at 40."""
    label = str(cell)
    return repr(label if len(label) <= 40 else label[:39] + "…")


def _number(cell: str) -> Decimal:
    """Return the finite number that a cell holds, without its sign of percent.

    Thousands separators are accepted where they cannot be decimal commas.

    Examples
    --------
    >>> _number("1,234.5"), _number("85.5%"), _number("２１８３．２")
    (Decimal('1234.5'), Decimal('85.5'), Decimal('2183.2'))
    """
    told, plain = f"value {_shown(cell)}", _narrow(cell).removesuffix("%").strip()
    if plain.casefold() in _NOTHING:
        raise DataError(f"the value is missing ({_shown(cell)})", expected="a number")
    if cell.endswith(_REPEATED):
        told = f"value {_shown(cell.removesuffix(_REPEATED))} is that of a merged cell"
        raise DataError(told, expected="a figure of its own", hint="part the cells")
    if plain.startswith("="):
        hint = "copy the cells and paste them as values"
        raise DataError(f"{told} is a formula", expected="a number", hint=hint)
    if _LONE_COMMA.fullmatch(plain) and not _GROUPED.fullmatch(plain):
        hint = f"write {plain.replace(',', '')} or {plain.replace(',', '.')}"[:80]
        told += " is ambiguous: the comma may separate thousands or decimals"
        raise DataError(told, expected="a number without thousands separators", hint=hint)
    if _DECIMAL.fullmatch(plain) or _GROUPED.fullmatch(plain):
        value = Decimal(plain.replace(",", "").replace(" ", ""))
        if math.isfinite(float(value)):
            return value
    elif not _INFINITE.fullmatch(plain):
        expected = "a decimal number without unit or text"
        raise DataError(f"{told} is not a number", expected=expected, hint="correct the cell")
    raise DataError(f"{told} is infinite", expected="a finite number")


def _year(cell: str) -> int:
    last, found = date.today().year + 1, _YEAR.fullmatch(_same(cell))
    if not found or not _FIRST_YEAR <= int(found[1]) <= last:
        expected = f"a whole number from {_FIRST_YEAR} to {last}"
        raise DataError(f"year {_shown(cell)} cannot be used", expected=expected)
    return int(found[1])


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


def _read_rows(
    path: Path | str, catalogue: Catalogue, about: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    r"""Read and check a reader's figures.

    Parameters
    ----------
    path : Path or str
        A ``.csv`` file (comma separated; UTF-8 with or without a byte-order mark,
        or GB18030) or an ``.xlsx`` workbook with one filled sheet, in any form that
        :mod:`nqpf.data.forms` reads. See ``data/extra/README.md``.
    catalogue : Catalogue
        Known variables with their units and vintages.
    about : mapping or None
        What no cell of the file says: ``source``, ``vintage``, ``year`` ...

    Returns
    -------
    rows : DataFrame
        ``province, year, variable, value, unit, source, vintage, name_en, name_zh``, one row
        per figure in the order of the file: ``province`` as GB/T 2260 code, ``variable`` as
        key, ``value`` in ``unit``. Names are empty unless the variable is a reader's own.
    told : list of str
        How the file was understood.

    Raises
    ------
    nqpf.errors.DataError
        If anything is wrong. One message lists every problem with file, row, province,
        year and variable, those that are alike together.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "mine.csv")
    ...     _ = path.write_text("province,year,variable,value,unit,source,name_en\n"
    ...                         "北京,2023,robots,12,units,own count,Robots\n", encoding="utf-8")
    ...     rows, told = _read_rows(path, Catalogue(sources={}, variables={}))
    >>> rows[["province", "year", "variable", "value"]].to_dict("records")
    [{'province': 110000, 'year': 2023, 'variable': 'robots', 'value': 12.0}]
    >>> told
    ['read as a row per figure, the columns named in row 1']
    """
    path = Path(path)
    stated = dict(about or {})
    reading = _Reading(catalogue, stated.pop("vintage", ""))
    try:
        figures, told = _form(_grid(path), reading.is_name, stated)
    except NqpfError as error:
        # Where there is nothing to read, the whole path tells more than the name.
        file = path.name if path.is_file() or path.suffix.lower() not in (".csv", ".xlsx") else path
        raise error.changed(where={"file": file} | error.where) from error
    reading.declare(figures)
    records = [reading.record(*figure) for figure in figures]
    if reading.problems:
        raise _joined(path.name, reading.problems)
    if not records:
        expected = "at least one cell with a figure below the header"
        raise DataError("the file has no figures", where={"file": path.name}, expected=expected)
    types = dict.fromkeys(_COLUMNS, "str")
    types |= {"province": "int64", "year": "int64", "value": "float64"}
    told += [
        f"{count} figures of {key} converted from {given} to {unit}, times {factor:f}"
        for (key, given, unit, factor), count in reading.converted.items()
    ]
    return pd.DataFrame(records, columns=_COLUMNS).astype(types), told


class _Reading:
    """One file being read: its names, the problems met and what earlier rows said."""

    def __init__(self, catalogue: Catalogue, vintage: str) -> None:
        self.known = catalogue.variables
        self.stated = vintage
        self.problems: list[NqpfError] = []
        self.lines: dict[tuple[object, ...], object] = {}
        self.units: dict[str, tuple[str, object]] = {}
        self.converted: Counter[tuple[str, str, str, Decimal]] = Counter()
        self.owners: dict[str, set[str]] = defaultdict(set)
        for key, entry in self.known.items():
            en, zh = entry.name.en, entry.name.zh
            # A name may end with a remark in brackets, as of the year before being 100.
            for label in (key, en, zh, _narrow(zh).partition("(")[0], f"{en}{zh}", f"{zh}{en}"):
                self.owners[_same(label)].add(key)
        # The first name in each language that the file gives a variable, on whichever row.
        self.declared: dict[str, tuple[str, str]] = {}
        self._near = cache(self._near)

    def is_name(self, label: str) -> bool:
        """Return whether a label names a variable of the catalogue."""
        return _same(label) in self.owners

    def declare(self, figures: list[_Figure]) -> None:
        """Note the names that the rows of a file give to new variables."""
        for _, given in figures:
            if given["name_en"] or given["name_zh"]:
                en, zh = self.declared.get(given["variable"], ("", ""))
                self.declared[given["variable"]] = (en or given["name_en"], zh or given["name_zh"])

    def record(self, place: dict[str, object], given: dict[str, str]) -> dict[str, object]:
        """Return a figure as a record, complete only if no problem was noted."""
        where = place | {k: _shown(given[k]) for k in ("province", "year", "variable") if given[k]}
        before = len(self.problems)

        def checked(check: Callable, *cells: object) -> object:
            """Return what a check returns; keep an error with its place, and go on."""
            try:
                return check(*cells)
            except NqpfError as error:
                self.problems.append(error.changed(where=where))
                return None

        if "cells" in place:
            checked(_too_wide, place["cells"])
            return {}  # the cells are not where they belong
        record = {
            "province": checked(_province, given["province"]),
            "year": checked(_year, given["year"]),
            "source": checked(_text, given["source"], "source"),
            "variable": checked(self._key, given["variable"]),
        }
        key, value = record["variable"], checked(_number, given["value"])
        if key is not None:
            entry = self.known.get(key)
            checked(_refuse_negative, value, key, entry)
            percent = _narrow(given["value"]).endswith("%")
            label = given["unit"] or ("%" if percent else "")
            unit, factor = checked(self._unit, label, key, entry, place) or ("", Decimal(1))
            if percent and unit and unit != "%":
                checked(_refuse_percent, given["value"], unit)
            record["unit"] = unit
            record["value"] = None if value is None else float(value * factor) + 0.0
            record["vintage"] = checked(self._vintage, given["vintage"], entry)
            names = checked(self._names, given, key, entry)
            record["name_en"], record["name_zh"] = names or ("", "")
        if len(self.problems) == before:
            checked(self._first, record, place)
        return record

    def _key(self, label: str) -> str:
        """Return the key of the variable that a cell names by key or name, or declares."""
        expected = "a key or a name of data/catalogue.yaml"
        if not label:
            raise DataError("the variable is missing", expected=expected)
        owners = sorted(self.owners.get(_same(label), ()))
        if len(owners) > 1:
            expected = f"one of the keys {', '.join(owners)}"
            raise DataError(f"{_shown(label)} is the name of several variables", expected=expected)
        if owners:
            return owners[0]
        if label not in self.declared:
            hint = "A new variable needs its name in the columns name_en and name_zh"
            hint = f"{self._near(label[:60])}{hint}"
            raise DataError(f"unknown variable {_shown(label)}", expected=expected, hint=hint)
        if not _NEW_KEY.fullmatch(label) or keyword.iskeyword(label):
            expected = "2 to 60 lower-case letters, digits and underscores, a letter first"
            problem = f"{_shown(label)} cannot be the key of a new variable"
            raise DataError(problem, expected=expected)
        return label

    def _near(self, label: str) -> str:
        """Return a question that offers the variables whose names are nearest, if any are near."""
        near = difflib.get_close_matches(_same(label), list(self.owners), n=6, cutoff=0.55)
        keys = list(dict.fromkeys(key for one in near for key in sorted(self.owners[one])))[:3]
        named = [f"{key} ({self.known[key].name.zh})" for key in keys]
        return f"did you mean {' or '.join(named)}? " if named else ""

    def _unit(
        self, cell: str, key: str, entry: _Variable | None, place: dict[str, object]
    ) -> tuple[str, Decimal]:
        """Return a unit as the catalogue writes it, and what the figure is multiplied by."""
        if entry is None:  # as the reader writes it: 个 counts firms here and ports there
            given = _text(cell, "unit")
            first, row = self.units.setdefault(key, (given, place["row"]))
            if _same(given) != _same(first):
                problem = f"unit {_shown(given)} differs from the one in row {row}"
                expected = f"{first!r}, one unit for all figures of a variable"
                raise DataError(problem, expected=expected)
            return first, Decimal(1)
        factor = _factor(cell, entry.unit) if cell else None
        if factor is None:
            told = f"unit {_shown(cell)} is not the variable's" if cell else "the unit is missing"
            hint = "write the unit in which the figures are, in a column or behind the name"
            raise DataError(told, expected=_spellings(entry.unit), hint=hint)
        if factor != 1:
            self.converted[key, cell, entry.unit, factor] += 1
        return entry.unit, factor

    def _vintage(self, cell: str, entry: _Variable | None) -> str:
        vintages = entry.vintages if entry else []
        cell = cell or (self.stated if vintages else "")
        if not vintages and not cell:
            return ""
        if not vintages:
            problem = f"the variable has no vintages, so not {_shown(cell)}"
            raise DataError(problem, expected="an empty cell in column vintage")
        if cell not in vintages:
            problem = f"vintage {_shown(cell)} is unknown" if cell else "the vintage is missing"
            hint = "choose one for the whole file, in its column or by --say vintage=census5"
            raise DataError(problem, expected=" or ".join(vintages), hint=hint)
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

    def _first(self, record: dict[str, object], place: dict[str, object]) -> None:
        first = self.lines.setdefault(tuple(record[name] for name in _KEY), place)
        if first is not place:
            problem = f"duplicate: row {first['row']} has this figure already"
            raise DataError(problem, expected="one row per figure", hint="remove one of the two")


def _refuse_negative(value: Decimal | None, key: str, entry: _Variable | None) -> None:
    # What a reader's own variable measures is not known, so it may be negative.
    free = entry is None or entry.theme == _READER or key in _MAY_BE_NEGATIVE
    if value is not None and value < 0 and not free:
        expected = f"{key} to be zero or more"
        raise DataError(f"value {value} is negative", expected=expected, hint="correct it")


def _refuse_percent(cell: str, unit: str) -> None:
    hint = "format the cell as a number, or write the unit %"
    problem = f"value {_shown(cell)} is in percent"
    raise DataError(problem, expected=f"a figure in {unit}", hint=hint)


def _too_wide(cells: object) -> None:
    hint = "put cells that contain commas in quotation marks"
    raise DataError(f"the row has {cells} cells", expected="those of the header", hint=hint)


def _joined(file: str, problems: list[NqpfError]) -> NqpfError:
    """Return all problems of a file as one error, of their own class when they share one."""
    alike: dict[tuple[object, ...], list[NqpfError]] = defaultdict(list)
    for one in problems:
        alike[type(one), one.problem, one.expected, one.hint].append(one)
    said = [_together(file, group) for group in alike.values()]
    if len(said) == 1:
        return said[0]
    kinds = {type(one) for one in said}
    kind = kinds.pop() if len(kinds) == 1 else DataError
    head = f"{file} has {len(said)} problems"
    if len(said) > _MOST_PROBLEMS:
        head = f"{file} is full of problems; the first {_MOST_PROBLEMS} of {len(said)} are"
    return kind("\n- ".join([f"{head}:", *map(str, said[:_MOST_PROBLEMS])]))


def _together(file: str, alike: list[NqpfError]) -> NqpfError:
    """Return one error for all that say the same, with the rows where it holds."""
    first = alike[0].where
    common = {k: v for k, v in first.items() if all(one.where.get(k) == v for one in alike)}
    places = list(dict.fromkeys(str(one.where.get("cell") or one.where["row"]) for one in alike))
    if len(places) > 1:
        name = "cells" if "cell" in first else "rows"
        more = f" and {len(places) - 12} more" if len(places) > 12 else ""
        common = {name: " ".join(places[:12]) + more} | common
    return alike[0].changed(where={"file": file} | common)
