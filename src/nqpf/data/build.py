"""The panel's tables, made from the source files and compared with those that are committed."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pandas as pd

from nqpf.data.catalogue import Catalogue, _Segment, _Source, _Variable
from nqpf.data.own import _KEY
from nqpf.data.panel import _COLUMNS, Panel, _csv_text
from nqpf.data.revisions import _note
from nqpf.errors import DataError, NqpfError
from nqpf.files import _replacing, root
from nqpf.provinces import _normal, code_of, codes

_NATIONAL_LABELS = ("全国", "合计", "全国合计", "总计", "全国总计")
_WHOLE, _IGNORED = 0, -1


def _significant(value: float, digits: int = 12) -> float:
    """Round to significant digits, so that a unit factor leaves no trace of its own.

    Examples
    --------
    >>> _significant(22591176.0 * 1e-4), 3 * 0.1, _significant(3 * 0.1)
    (2259.1176, 0.30000000000000004, 0.3)
    """
    return float(f"{value:.{digits}g}")


def _harmonise(raw: pd.DataFrame, source: _Source, segment: _Segment) -> tuple[pd.DataFrame, ...]:
    """Turn the rows of a source file into those of one segment, in canonical units.

    Parameters
    ----------
    raw : DataFrame
        Columns ``province``, ``year``, ``item``, ``value``, ``unit``, as the source's
        ``read`` returns them.
    source : an entry of ``Catalogue.sources``
        Declares spellings (`aliases`) and rows to leave out (`ignore`).
    segment : one of the ``segments`` of an entry of ``Catalogue.variables``
        Declares item, years, units and missing cells.

    Returns
    -------
    provinces : DataFrame
        Columns ``province`` (GB/T 2260 code), ``year``, ``value``, ``flag``, sorted.
    national : DataFrame
        Columns ``year``, ``value``: the source's own national row, if it has one.

    Raises
    ------
    nqpf.errors.DataError
        If a label is neither a province, the nation, an alias nor ignored.
    nqpf.errors.DataError
        If the item is absent, a row carries a unit that the segment does not
        declare, a value is not a finite number, a province has two values for a
        year, or a declared year or province is missing.
    """
    try:
        figures = _figures(raw, source, segment)
        cells = _cells(figures, segment)
    except NqpfError as error:
        place = {"file": source.path, "item": segment.item}
        raise error.changed(where=place | error.where) from error
    rows = [(*cell, *cells[cell]) for cell in sorted(cells)]
    whole = sorted((year, value) for (code, year), value in figures.items() if code == _WHOLE)
    provinces = pd.DataFrame(rows, columns=["province", "year", "value", "flag"])
    return provinces, pd.DataFrame(whole, columns=["year", "value"])


_Cell = tuple[int, int]  # province and year


def _figures(raw: pd.DataFrame, source: _Source, segment: _Segment) -> dict[_Cell, float]:
    """Return the numbers of a segment in canonical units, the nation's under the code 0."""
    rows = raw[raw["item"] == segment.item]
    if rows.empty:
        known = ", ".join(sorted(raw["item"].astype("str").unique())[:12])
        raise DataError(f"item {segment.item!r} not found", expected=known)
    rows = rows[rows["year"].between(*segment.years)]
    known = {label: _code(label, source) for label in rows["province"].unique()}
    rows = rows.assign(code=rows["province"].map(known))
    rows = rows[rows["code"] != _IGNORED]
    rows = rows.assign(number=_numbers(rows, segment)).dropna(subset="number")
    rows["number"] *= _factors(rows["unit"], segment)
    twice = rows[rows.duplicated(["code", "year"], keep=False)]
    if len(twice):
        labels = " and ".join(twice["province"].astype("str").unique()[:2])
        problem = f"two values for one province and year ({labels})"
        where, hint = {"year": twice.iloc[0]["year"]}, "declare the surplus label under ignore"
        raise DataError(problem, where=where, hint=hint)
    return rows.set_index(["code", "year"])["number"].map(_significant).to_dict()


def _code(label: object, source: _Source) -> int:
    known = {_normal(alias): code for alias, code in source.aliases.items()}
    known |= dict.fromkeys(_NATIONAL_LABELS, _WHOLE)
    known |= dict.fromkeys(map(_normal, source.ignore), _IGNORED)
    if _normal(label) in known:
        return known[_normal(label)]
    try:
        return code_of(label)
    except DataError as error:
        expected = "a province, the nation, or a label declared under aliases or ignore"
        raise error.changed(expected=expected) from error


def _numbers(rows: pd.DataFrame, segment: _Segment) -> pd.Series:
    numbers = pd.to_numeric(rows["value"], errors="coerce").astype("float64")
    wrong = rows[numbers.isna() & rows["value"].notna() | np.isinf(numbers)]
    if len(wrong):
        problem = f"value {wrong['value'].iloc[0]!r} is not a finite number"
        raise DataError(problem, where=dict(wrong.iloc[0][["province", "year"]]))
    return numbers.where(~numbers.isin(segment.missing))


def _factors(units: pd.Series, segment: _Segment) -> pd.Series | float:
    labels = set(units.unique())
    # A file that labels nothing leaves it to the catalogue to state the unit.
    declared = set(segment.factors) or ({""} if labels == {""} else {segment.unit})
    if labels - declared:
        problem = f"unit {min(labels - declared)!r} is not the declared one"
        raise DataError(problem, expected=" or ".join(map(repr, sorted(declared))))
    return units.map(segment.factors).astype("float64") if segment.factors else segment.factor


def _listed(years: dict[int, list[int]]) -> list[_Cell]:
    return [(code, year) for code, listed in years.items() for year in listed]


def _cells(figures: dict[_Cell, float], segment: _Segment) -> dict[_Cell, tuple[float, str]]:
    """Return value and flag of each province and year, with residuals, without what is skipped."""
    skip = set(_listed(segment.skip))
    kept = [cell for cell in figures if cell[0] != _WHOLE and cell not in skip]
    cells = {cell: (figures[cell], segment.flag) for cell in kept}
    for code, year in _listed(segment.residual):
        others = [value for (c, y), (value, _) in cells.items() if y == year and c != code]
        if (_WHOLE, year) not in figures or len(others) != len(codes()) - 1:
            problem = "a residual needs the national figure and those of all other provinces"
            raise DataError(problem, where={"province": code, "year": year})
        # The difference of printed figures: ten digits are more than any of them has.
        value = _significant(figures[_WHOLE, year] - math.fsum(others), 10)
        cells[code, year] = (value, "spliced")
    declared = skip | set(_listed(segment.gaps))
    for code in sorted({code for code, _ in cells}):
        for year in range(segment.years[0], segment.years[1] + 1):
            if (code, year) not in cells and (code, year) not in declared:
                where, hint = {"province": code, "year": year}, "declare it under gaps or skip"
                raise DataError("a declared year has no value", where=where, hint=hint)
    return cells


def _transcribed(catalogue: Catalogue, files: Mapping[str, Path]) -> list[pd.DataFrame]:
    """Return panel, national figures and figures of second sources; each file is read once."""
    read = cache(lambda key: catalogue.sources[key].read(files[key]))
    panel, national, second = [], [], []
    for key, entry in catalogue.variables.items():
        for segments, place in ((entry.segments, panel), (entry.second, second)):
            for segment in segments:
                source = catalogue.sources[segment.source]
                rows, whole = _harmonise(read(segment.source), source, segment)
                labels = {"variable": key, "vintage": segment.vintage, "source": segment.source}
                place.append(rows.assign(**labels))
                if place is panel:
                    national.append(whole.assign(**labels))
                    _refuse_absent(key, entry, segment, set(rows["province"]))
        national.append(pd.DataFrame(map(dict, entry.totals)).assign(variable=key))
    columns = ["variable", "year", "value", "vintage", "source"]
    return [
        _stacked(panel, _COLUMNS),
        _stacked(national, columns),
        _stacked(second, ["province", "year", "variable", *columns[2:]]),
    ]


def _stacked(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [part for part in parts if not part.empty] or [pd.DataFrame(columns=columns)]
    return pd.concat(filled, ignore_index=True)[columns]


def _refuse_absent(key: str, entry: _Variable, segment: _Segment, found: set[int]) -> None:
    span = set(range(segment.years[0], segment.years[1] + 1))
    left_out = [*segment.gaps.items(), *segment.skip.items()]
    empty = {code for code, years in left_out if span <= set(years)}
    expected = set(codes()) - set(entry.absent) - empty
    for code in sorted(expected ^ found):
        problem = "has no figures" if code in expected else "has figures but is declared absent"
        where = {"variable": key, "source": segment.source, "item": segment.item}
        raise DataError(f"province {code} {problem}", where=where)


def _refuse_twice(frame: pd.DataFrame) -> None:
    twice = frame[frame.duplicated(_KEY)]
    if len(twice):
        where = dict(twice.iloc[0][["variable", "province", "year"]])
        raise DataError("two segments give the same figure", where=where)


def _with_breaks(frame: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    for key, entry in catalogue.variables.items():
        for each in entry.breaks:
            first = (frame["variable"] == key) & (frame["year"] == each.year)
            if each.provinces:
                first &= frame["province"].isin(each.provinces)
            if not first.any():
                where = {"variable": key, "year": each.year}
                raise DataError("a break is declared where there is no figure", where=where)
            frame.loc[first & (frame["flag"] == "official"), "flag"] = "break"
    return frame


def _to_bytes(frame: pd.DataFrame, order: list[str]) -> bytes:
    r"""Return a table as CSV, sorted by the columns of `order`; equal frames give equal bytes.

    Examples
    --------
    >>> _to_bytes(pd.DataFrame({"year": [2011, 2010], "value": [0.1, 3.0]}), ["year"])
    b'year,value\n2010,3\n2011,0.1\n'
    """
    if not frame["value"].map(math.isfinite).all():
        raise DataError("nan cannot stand in a table", expected="finite numbers")
    return _csv_text(frame.sort_values(order, kind="stable")).encode("utf-8")


def _difference(name: str, committed: bytes, rebuilt: bytes) -> DataError:
    """Return the refusal of a table that differs, with its first differing line."""
    texts = (text.decode("utf-8", "replace") for text in (committed, rebuilt))
    lines = (map(repr, text.splitlines(keepends=True)) for text in texts)
    pairs = enumerate(zip_longest(*lines, fillvalue="no such line"), 1)
    line, (old, new) = next((line, pair) for line, pair in pairs if pair[0] != pair[1])
    problem = f"the table differs from what its sources give: {old} is committed"
    hint = "if the change is right, write the tables with `nqpf data build --update`"
    return DataError(problem, where={"table": name, "line": line}, expected=new, hint=hint)


@dataclass(frozen=True)
class _Rebuilt:
    """What a rebuild did.

    Parameters
    ----------
    tables : dict
        Number of rows of each table, by its path in the project.
    changed : tuple of str
        Tables that were written anew.
    optional : tuple of str
        Research data sets that were fetched as well, by key.
    """

    tables: dict[str, int]
    changed: tuple[str, ...]
    optional: tuple[str, ...]

    def __str__(self) -> str:
        done = f"{len(self.changed)} written" if self.changed else "all as committed"
        more = f"; {len(self.optional)} optional files at hand" if self.optional else ""
        place = "the mirror" if os.environ.get("NQPF_MIRROR") else "the public addresses"
        size = f"{len(self.tables)} tables with {sum(self.tables.values()):,} rows"
        return f"{size} rebuilt from {place}: {done}{more}"


def _needed(catalogue: Catalogue) -> list[str]:
    """Return the keys of the sources that the embedded tables are made from."""
    entries = catalogue.variables.values()
    used = {one.source for entry in entries for one in [*entry.segments, *entry.second]}
    for key in sorted(used):
        if not catalogue.sources[key].embedded:
            raise DataError(f"source {key!r} may not be embedded but a variable uses it")
    return [key for key in catalogue.sources if key in used]


_Rules = Mapping[str, Callable[[Panel], pd.DataFrame]]


def _tables(catalogue: Catalogue, files: dict[str, Path], rules: _Rules) -> dict[str, bytes]:
    """Return the content of each table by its path in the project."""
    frame, national, second = _transcribed(catalogue, files)
    _refuse_twice(frame)
    frame = _with_derived(_with_breaks(frame, catalogue), catalogue, rules)
    themes = frame["variable"].map({k: entry.theme for k, entry in catalogue.variables.items()})
    parts = frame.groupby(themes)
    tables = {f"data/panel/{theme}.csv": _to_bytes(rows, _KEY) for theme, rows in parts}
    order = ["variable", "vintage", "source", "province", "year"]
    tables["data/checks/second.csv"] = _to_bytes(second, order)
    order.remove("province")
    tables["data/checks/national.csv"] = _to_bytes(national, order)
    return tables


def _with_derived(frame: pd.DataFrame, catalogue: Catalogue, rules: _Rules) -> pd.DataFrame:
    for key, entry in catalogue.variables.items():
        if not entry.derived:
            continue
        if entry.derived not in rules:
            problem, hint = f"derivation {entry.derived!r} was not given", "use `nqpf data build`"
            raise DataError(problem, where={"variable": key}, hint=hint)
        rows = rules[entry.derived](Panel(frame, catalogue)).assign(variable=key, vintage="")
        # Ten digits survive differences in the order of additions between platforms.
        rows["value"] = rows["value"].map(lambda value: _significant(value, 10))
        frame = pd.concat([frame, rows[_COLUMNS]], ignore_index=True)
    _refuse_twice(frame)
    return frame


def _rebuild(
    home: Path | None = None, rules: _Rules | None = None, extra: bool = False, update: bool = False
) -> _Rebuilt:
    """Make every table from its sources; compare it with the committed one, or write it.

    Parameters
    ----------
    home : Path or None
        Project folder; found by itself when None.
    rules : mapping of str to function, optional
        For each name that the catalogue gives under `derived`: a function of
        the panel so far that returns ``province``, ``year``, ``value``, ``flag``.
    extra : bool
        Also fetch the research data sets that are never embedded.
    update : bool
        Write the tables that differ, instead of refusing them, and note in
        ``data/changes.csv`` how many figures of which variable did.

    Returns
    -------
    object
        Rows of each table (``tables``), those written (``changed``); printed as one line.
        The same sources give the same bytes on every machine, and nothing is written on
        an error.

    Raises
    ------
    nqpf.errors.DataError
        If a file does not hold what the catalogue says, or a table differs: the message
        names it and its first differing line.
    nqpf.errors.SourceError
        If a source file cannot be had.
    """
    home = home or root()
    catalogue = Catalogue.load(home / "data" / "catalogue.yaml")
    files = {key: catalogue.sources[key].fetch() for key in _needed(catalogue)}
    tables = _tables(catalogue, files, rules or {})
    optional = [k for k, s in catalogue.sources.items() if extra and s.located and not s.embedded]
    for key in optional:
        catalogue.sources[key].fetch()
    committed = {name: path.read_bytes() for name in tables if (path := home / name).is_file()}
    changed = [name for name in tables if committed.get(name) != tables[name]]
    for name in changed:
        if not update:
            raise _difference(name, committed.get(name, b""), tables[name])
        with _replacing(home / name) as temporary:
            temporary.write_bytes(tables[name])
    own = [name for name in changed if name.startswith("data/panel/")]
    old, new = ({name: side.get(name, b"") for name in own} for side in (committed, tables))
    _note(home, old, new, f"{datetime.now(UTC):%Y-%m-%d}")
    present = {f"data/panel/{path.name}" for path in (home / "data" / "panel").glob("*.csv")}
    surplus = min(present - set(tables), default=None)
    if surplus and not update:
        raise DataError("the catalogue has no such theme", where={"table": surplus})
    rows = {name: content.count(b"\n") - 1 for name, content in tables.items()}
    return _Rebuilt(rows, tuple(changed), tuple(optional))
