"""The forms that tables of figures come in, each turned into one row per figure, and their units.

A row names the columns: province, year, variable, value, unit, source, in English or Chinese. A
table without a column of values is read across: its other columns are years, as in an export of
the National Bureau of Statistics, or variables, or provinces, or variables under years. What no
column says is taken from the lines above it (``指标：``, ``时间：``, ``单位：``) and below it
(``数据来源：``). Nothing is judged here; :mod:`nqpf.data.own` checks every cell.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import yaml

from nqpf.data.grid import _REPEATED, _Grid
from nqpf.errors import DataError, NqpfError, _narrow
from nqpf.files import root
from nqpf.provinces import code_of


def _same(label: str) -> str:
    """Return a label without what readers write in different ways: blanks, width, case."""
    return "".join(_narrow(label).split()).casefold()


def _plain(unit: str) -> str:
    return _same(unit).replace(",", "")


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[str, tuple[str, int, str]], dict[str, list[str]]]:
    """Return by each name kind, size and English name, and by English name the Chinese ones."""
    named: dict[str, tuple[str, int, str]] = {}
    chinese = {}
    with (root() / "data" / "units.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            first, *other = row["en"].split("|")
            chinese[first] = row["zh"].split("|")
            unit = (row["kind"], int(row["size"]), first)
            named |= {_plain(name): unit for name in (first, *other, *chinese[first])}
    return named, chinese


def _unit(label: str) -> tuple[str, int, str] | None:
    """Return kind, size and English name of a unit; None for one that is not known.

    Examples
    --------
    >>> _unit("万元"), _unit("10000 persons")
    (('money', 10000, '10,000 yuan'), ('persons', 10000, '10,000 persons'))
    """
    return _tables()[0].get(_plain(label))


def _spellings(unit: str) -> str:
    """Return a unit of the catalogue with its Chinese names, for a message."""
    chinese = _tables()[1].get(unit, [unit])
    return repr(unit) + ("" if unit in chinese else f" ({' or '.join(chinese)})")


def _factor(given: str, wanted: str) -> Decimal | None:
    """Return by what figures in one unit are multiplied to be in another, None if by nothing.

    Examples
    --------
    >>> _factor("万元", "100 million yuan"), _factor("亿元", "10,000 t")
    (Decimal('0.0001'), None)
    """
    one, other = _unit(given), _unit(wanted)
    if one is None or other is None:
        return Decimal(1) if given == wanted else None
    return Decimal(one[1]) / Decimal(other[1]) if one[0] == other[0] else None


_REQUIRED = ["province", "year", "variable", "value", "unit", "source"]
_OPTIONAL = ["vintage", "name_en", "name_zh"]
_COLUMNS = _REQUIRED + _OPTIONAL
_NAMES = yaml.safe_load(Path(__file__).with_name("forms.yaml").read_text("utf-8"))
_ROLES = {label: role for role, labels in _NAMES.items() for label in labels.split()}
_FACT = re.compile(r"([^:：]{1,16})[:：]\s*(.+)", re.DOTALL)
_UNIT_SAID = re.compile(r"单位\s*[:：]\s*([^\s,，;；)）]+)")
_NOTE = re.compile(
    r"[*＊]|(?:注|注释|说明|备注|数据来源|资料来源|来源|notes?|(?:data )?sources?)\s*\d*\s*[:：.]",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"[-+]?[\d.,]*\d%?")
_TITLE_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)\s*年(?!代)")
_YEAR = re.compile(r"((?:19|20)\d\d)(?:\.0+)?(?:年|年末|年底)?")
_LABEL = re.compile(r"(.+?)\s*\(([^()]*(?:\([^()]*\))?[^()]*)\)")
_NOTHING = {"", "-", "--", "—", "——", "…", "……", "...", "na", "n/a", "nan", "null", "none", "#n/a"}
_SEE = "the page on adding figures shows each form that can be read"

_Figure = tuple[dict[str, object], dict[str, str]]  # its place, and its cells by their columns
# What each column holds: a column of a row per figure; or, in a table that is read across, the
# year, variable or province of all its figures.
_Columns = dict[int, str | dict[str, str]]


def _split(label: str) -> tuple[str, str]:
    """Return the name and the unit of a label; the unit is empty when brackets hold none.

    Examples
    --------
    >>> _split("地区生产总值（亿元）"), _split("Population (year-end)(10000 persons)")
    (('地区生产总值', '亿元'), ('Population (year-end)', '10000 persons'))
    """
    found = _LABEL.fullmatch(_narrow(label).strip())
    return (found[1], found[2]) if found and _unit(found[2]) else (label, "")


def _form(
    grid: _Grid, known: Callable[[str], bool], about: Mapping[str, str]
) -> tuple[list[_Figure], list[str]]:
    """Read the rows of a file in whichever form they have.

    Parameters
    ----------
    grid : list
        Rows of text with their numbers.
    known : callable
        Whether a label without a unit names a variable.
    about : mapping
        What no cell says, such as ``source``.

    Returns
    -------
    tuple of list and list
        The figures, and how the table was read, in words.

    Raises
    ------
    nqpf.errors.DataError
        If no row names the columns, or they do not make a table of figures.
    """
    at = next((i for i, (_, row) in enumerate(grid) if _is_header(row)), None)
    if at is None:
        line, cells = grid[0]
        problem = f"no row names the columns; the first is {' | '.join(cells)[:60]!r}"
        expected = f"a row with {', '.join(_REQUIRED)}, or with province and years"
        raise DataError(problem, where={"row": line}, expected=expected, hint=_SEE)
    said = [(place, [cell.removesuffix(_REPEATED) for cell in row]) for place, row in grid]
    (line, head), above, body = said[at], said[:at], grid[at + 1 :]
    end = next((i for i, (_, row) in enumerate(body) if _is_note(row)), len(body))
    body, below = body[:end], said[at + 1 + end :]
    for place, row in below:
        if _has_figures(row):
            hint = "move the notes to the end, and give each table a file of its own"
            raise DataError("there are figures below the notes", where={"row": place}, hint=hint)
    facts = _facts(above, below, known)
    heads = [head]
    if body and _is_second(head, body[0][1], known):
        heads.append(said[at + 1][1])
        body = body[1:]
    columns, across = _columns(line, heads, {**facts, **about})
    cells = [one for row in body for one in _cells(row, columns, facts | dict(about), across)]
    figures = [one for one in cells if one[1]["value"].casefold() not in _NOTHING]
    told = [f"read as {f'a column per {across}' if across else 'a row per figure'}, "]
    told[0] += f"the columns named in row {line}"
    told[0] += f", notes from row {below[0][0]}" if below else ""
    if said := [f"{name} {text!r}" for name, text in facts.items() if name not in about]:
        told.append(f"said above or below the table: {', '.join(said)}")
    if len(cells) > len(figures):
        told.append(f"left out: cells without a figure, {len(cells) - len(figures)}")
    return figures, told


def _role(cell: str) -> str | None:
    return _ROLES.get(_same(cell))


def _is_header(row: list[str]) -> bool:
    roles = {_role(cell) for cell in row}
    return len({*row} - {""}) > 1 and not roles.isdisjoint({"province", "year", "variable"})


def _is_note(row: list[str]) -> bool:
    return _NOTE.match(next(filter(None, row))) is not None and not _has_figures(row)


def _has_figures(row: list[str]) -> bool:
    return any(map(_FIGURE.fullmatch, list(filter(None, row))[1:]))


def _is_year(text: str) -> bool:
    return _YEAR.fullmatch(_same(text)) is not None


def _is_second(head: list[str], row: list[str], known: Callable[[str], bool]) -> bool:
    """Return whether a row continues the header: nothing but labels, none under a name."""
    pairs = list(zip(head + [""] * (len(row) - len(head)), row, strict=False))
    under = [cell for above, cell in pairs if cell and _role(above) is None]
    repeated = all(cell in ("", above) for above, cell in pairs if _role(above) is not None)
    return repeated and bool(under) and all(_is_year(c) or known(_split(c)[0]) for c in under)


def _facts(above: _Grid, below: _Grid, known: Callable[[str], bool]) -> dict[str, str]:
    """Return what the lines above and below a table say of all its figures."""
    found: dict[str, str] = {}
    titles = [cell for _, row in above for cell in row if cell]
    for cell in [*titles, *(cell for _, row in below for cell in row if cell)]:
        said, unit = _FACT.fullmatch(cell), _UNIT_SAID.search(cell)
        if said and (role := _role(said[1])) and role != "unit":
            found.setdefault(role, said[2])
        if unit:
            found.setdefault("unit", unit[1])
    label = found.get("variable") or next((t for t in titles if known(_split(t)[0])), "")
    if label:
        name, unit = _split(label)
        other = found.get("unit", unit)
        unit = unit if not unit or _unit(other) == _unit(unit) else f"{other} or {unit}"
        found |= {"variable": name} | ({"unit": unit} if unit else {})
    years = {year for title in titles for year in _TITLE_YEAR.findall(title)}
    if not _is_year(found.get("year", "")):
        found.pop("year", None)
        found |= {"year": years.pop()} if len(years) == 1 else {}
    return found


def _columns(line: int, heads: list[list[str]], facts: Mapping[str, str]) -> tuple[_Columns, str]:
    """Return what each column holds, and what the table is read across, if it is."""
    where: dict[str, object] = {"row": line}
    columns: _Columns = {i: role for i, c in enumerate(heads[0]) if (role := _role(c)) is not None}
    named = [role for role in columns.values() if role]
    for role in named:
        if named.count(role) > 1:
            twice = [repr(heads[0][i]) for i, other in columns.items() if other == role]
            problem = f"{len(twice)} columns for the {role}: {', '.join(twice)}"
            raise DataError(problem, where=where, expected="one", hint="remove the others")
    texts = {i: [head[i] for head in heads if i < len(head)] for i in range(max(map(len, heads)))}
    rest = {i: [cell for cell in cells if cell] for i, cells in texts.items() if i not in columns}
    across, unknown = "", []
    if "value" in named:
        unknown = [f"{_letter(i)} {cells[0] if cells else ''!r}" for i, cells in rest.items()]
    else:
        said = {i: dict(map(_axis, cells)) for i, cells in rest.items() if cells}
        columns |= said
        kinds = {" and ".join(sorted(one)): i for i, one in reversed(said.items())}
        if len(kinds) > 1:
            problem = "the columns are of several kinds: " + ", ".join(
                f"{kind} (as {_letter(i)} {rest[i][0][:20]!r})" for kind, i in kinds.items()
            )
            hint = "keep columns of one kind, or write one row per figure"
            raise DataError(problem, where=where, expected="all of one kind", hint=hint)
        across = next(iter(kinds), "")
        named += [*across.split(" and "), "unit"] + ["value"] * bool(kinds)
    missing = [name for name in _REQUIRED if name not in {*named, *facts}]
    if missing or unknown:
        raise _unlike(where, missing, unknown)
    return columns, across


def _axis(label: str) -> tuple[str, str]:
    """Return whether a heading is a year, a province or a variable, and the heading."""
    if _is_year(label):
        return "year", label
    try:
        code_of(label)
    except NqpfError:
        return "variable", label
    return "province", label


def _unlike(where: dict[str, object], missing: list[str], unknown: list[str]) -> DataError:
    problems = [f"the header lacks {', '.join(missing)}"] if missing else []
    problems += [f"unknown columns {', '.join(unknown)}"] if unknown else []
    hint = "remove the other columns" if unknown else _SEE
    if missing == ["source"]:
        hint = "name the yearbook in a column, below the table (数据来源：) or by --say source=..."
    elif len(missing) == 1 and "value" not in missing:
        hint = f"name it in a column, above the table or by --say {missing[0]}=..."
    expected = f"the columns {', '.join(_REQUIRED)} and, where needed, {', '.join(_OPTIONAL)}"
    return DataError(" and ".join(problems), where=where, expected=expected, hint=hint)


def _cells(
    row: tuple[int, list[str]], columns: _Columns, facts: dict[str, str], across: str
) -> Iterator[_Figure]:
    """Yield the place and the cells of each figure that a row has, or has room for."""
    line, texts = row
    held = {i: texts[i] if i < len(texts) else "" for i in columns}
    own = {role: held[i] for i, role in columns.items() if isinstance(role, str) and held[i]}
    # A repeated key is one; a repeated figure is not.
    own |= {role: cell.removesuffix(_REPEATED) for role, cell in own.items() if role != "value"}
    given = dict.fromkeys(_COLUMNS, "") | facts | own
    where: dict[str, object] = {"row": line}
    if any(cell for i, cell in enumerate(texts) if i not in columns):
        place = {"cells": f"{len(texts)} of at most {len(columns)}"}
        yield where | place, given | {"value": "?"}
    elif not across:
        yield where, _with_unit(given, own)
    elif own:
        for i, said in columns.items():
            if isinstance(said, dict):
                place = {"cell": f"{_letter(i)}{line}"}
                yield where | place, _with_unit(given | said | {"value": held[i]}, own)


def _with_unit(given: dict[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Return the cells of a figure with the unit that its label names, if no other cell does."""
    name, unit = _split(given["variable"])
    if not unit:
        return given
    other = own.get("unit", "")
    both = other and _unit(other) != _unit(unit)
    return given | {"variable": name, "unit": f"{other} or {unit}" if both else unit}


def _letter(column: int) -> str:
    from openpyxl.utils import get_column_letter

    return get_column_letter(column + 1)
