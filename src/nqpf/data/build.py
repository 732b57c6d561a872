"""The panel's tables, made from the source files and compared with those that are committed."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nqpf.data import layouts as readers
from nqpf.data import sources as fetch
from nqpf.data.catalogue import Catalogue, Segment, Source, Variable
from nqpf.data.panel import COLUMNS, Panel
from nqpf.errors import DataError, ProvinceError, UnitError
from nqpf.files import replacing, root
from nqpf.provinces import code_of, codes

__all__ = [
    "Derivation",
    "Harmonised",
    "NATIONAL_COLUMNS",
    "Report",
    "SECOND_COLUMNS",
    "Transcript",
    "_NATIONAL_HARMONISE",
    "build",
    "compare",
    "harmonise",
    "needed",
    "refuse_twice",
    "significant",
    "to_bytes",
    "update",
    "verify",
]

_NATIONAL_HARMONISE = frozenset({"全国", "合计", "全国合计", "总计", "全国总计"})
_WHOLE = 0
_BLANK = re.compile(r"[\s\u3000\ufeff]+")


@dataclass(frozen=True)
class Harmonised:
    """Figures of one segment in canonical units.

    Parameters
    ----------
    provinces : DataFrame
        Columns ``province`` (GB/T 2260 code), ``year``, ``value``, ``flag``, sorted.
    national : DataFrame
        Columns ``year``, ``value``: the source's own national row, if it has one.
    """

    provinces: pd.DataFrame
    national: pd.DataFrame


def significant(value: float, digits: int = 12) -> float:
    """Round to significant digits, so that a unit factor leaves no trace of its own.

    Examples
    --------
    >>> significant(22591176.0 * 1e-4), 3 * 0.1, significant(3 * 0.1)
    (2259.1176, 0.30000000000000004, 0.3)
    """
    return float(f"{value:.{digits}g}")


def harmonise(raw: pd.DataFrame, source: Source, segment: Segment) -> Harmonised:
    """Turn a reader's frame into the province and national rows of one segment.

    Parameters
    ----------
    raw : DataFrame
        Columns ``province``, ``year``, ``item``, ``value``, ``unit``.
    source : Source
        Declares spellings (`aliases`) and rows to leave out (`ignore`).
    segment : Segment
        Declares item, years, units and missing cells.

    Raises
    ------
    nqpf.errors.ProvinceError
        If a label is neither a province, the nation, an alias nor ignored.
    nqpf.errors.UnitError
        If a row carries a unit that the segment does not declare.
    nqpf.errors.DataError
        If the item is absent, a value is not a finite number, a province has
        two values for a year, or a declared year or province is missing.
    """
    rows = _select(raw, source, segment)
    rows["code"] = _codes(rows["province"], source, segment)
    rows = rows[rows["code"] >= 0]
    rows["number"] = _numbers(rows, source, segment)
    rows = rows.dropna(subset="number")
    rows["number"] *= _factors(rows["unit"], source, segment)
    rows["number"] = rows["number"].map(significant)
    _refuse_duplicates(rows, source, segment)
    rows = rows.sort_values(["code", "year"])
    rows = rows[["code", "year", "number"]].rename(columns={"code": "province", "number": "value"})
    whole = rows["province"] == _WHOLE
    national = rows.loc[whole, ["year", "value"]].reset_index(drop=True)
    provinces = _without(rows[~whole].assign(flag=segment.flag), segment.skip)
    provinces = _with_residuals(provinces, national, source, segment)
    _refuse_gaps(provinces, source, segment)
    return Harmonised(provinces.reset_index(drop=True), national)


def _where(source: Source, segment: Segment, **more: object) -> dict[str, object]:
    return {"file": source.path, "item": segment.item, **more}


def _select(raw: pd.DataFrame, source: Source, segment: Segment) -> pd.DataFrame:
    rows = raw[raw["item"] == segment.item]
    if rows.empty:
        known = ", ".join(sorted(raw["item"].astype("str").unique())[:12])
        raise DataError(
            f"item {segment.item!r} not found",
            where={"file": source.path},
            expected=known,
        )
    return rows[rows["year"].between(*segment.years)].copy()


def _codes(labels: pd.Series, source: Source, segment: Segment) -> pd.Series:
    aliases = {_tidy(label): code for label, code in source.aliases.items()}
    ignored = {_tidy(label) for label in source.ignore}
    known: dict[str, int] = {}
    for label in labels.unique():
        tidy = _tidy(label)
        if tidy in ignored:
            known[label] = -1
        elif tidy in _NATIONAL_HARMONISE:
            known[label] = _WHOLE
        elif tidy in aliases:
            known[label] = aliases[tidy]
        else:
            try:
                known[label] = code_of(tidy)
            except ProvinceError as error:
                raise ProvinceError(
                    error.problem,
                    where=_where(source, segment),
                    expected="a province, the nation, or a label declared under aliases or ignore",
                    hint=error.hint,
                ) from error
    return labels.map(known).astype("int64")


def _tidy(label: object) -> str:
    return _BLANK.sub("", str(label))


def _numbers(rows: pd.DataFrame, source: Source, segment: Segment) -> pd.Series:
    text = rows["value"].map(lambda v: v.strip() if isinstance(v, str) else v)
    empty = text.isna() | (text == "")
    numbers = pd.to_numeric(text.where(~empty), errors="coerce").astype("float64")
    wrong = (numbers.isna() & ~empty) | np.isinf(numbers)
    if wrong.any():
        row = rows[wrong].iloc[0]
        raise DataError(
            f"value {row['value']!r} is not a finite number",
            where=_where(source, segment, province=row["province"], year=row["year"]),
        )
    return numbers.where(~numbers.isin(segment.missing))


def _factors(units: pd.Series, source: Source, segment: Segment) -> pd.Series:
    labels = set(units.unique())
    if segment.factors:
        declared = set(segment.factors)
    elif labels == {""}:  # the file labels nothing: the catalogue states the unit
        declared = {""}
    else:
        declared = {segment.unit}
    if labels - declared:
        raise UnitError(
            f"unit {min(labels - declared)!r} is not the declared one",
            where=_where(source, segment),
            expected=" or ".join(repr(label) for label in sorted(declared)),
            hint="give the segment a factor for each unit that the series is labelled with",
        )
    if segment.factors:
        return units.map(segment.factors).astype("float64")
    return pd.Series(segment.factor, index=units.index)


def _refuse_duplicates(rows: pd.DataFrame, source: Source, segment: Segment) -> None:
    twice = rows.duplicated(["code", "year"], keep=False)
    if twice.any():
        labels = rows.loc[twice, "province"].astype("str").unique()[:2]
        year = int(rows.loc[twice, "year"].iloc[0])
        raise DataError(
            f"two values for one province and year ({' and '.join(labels)})",
            where=_where(source, segment, year=year),
            hint="declare the surplus label under ignore, with the reason",
        )


def _without(rows: pd.DataFrame, skip: dict[int, list[int]]) -> pd.DataFrame:
    pairs = {(code, year) for code, years in skip.items() for year in years}
    keep = [pair not in pairs for pair in zip(rows["province"], rows["year"], strict=True)]
    return rows[np.array(keep, dtype=bool)]


def _with_residuals(
    rows: pd.DataFrame, national: pd.DataFrame, source: Source, segment: Segment
) -> pd.DataFrame:
    whole = dict(zip(national["year"], national["value"], strict=True))
    for code, years in segment.residual.items():
        for year in years:
            others = rows[(rows["year"] == year) & (rows["province"] != code)]
            if year not in whole or len(others) != len(codes()) - 1:
                raise DataError(
                    "a residual needs the national figure and those of all other provinces",
                    where=_where(source, segment, province=code, year=year),
                )
            # The difference of printed figures: ten digits are more than any of them has.
            value = significant(whole[year] - math.fsum(others["value"]), 10)
            kept = rows[(rows["year"] != year) | (rows["province"] != code)]
            row = {
                "province": [code],
                "year": [year],
                "value": [value],
                "flag": ["spliced"],
            }
            rows = pd.concat([kept, pd.DataFrame(row)])
    return rows.sort_values(["province", "year"])


def _refuse_gaps(rows: pd.DataFrame, source: Source, segment: Segment) -> None:
    declared = {
        (code, year)
        for listed in (segment.skip, segment.gaps)
        for code, years in listed.items()
        for year in years
    }
    have = set(zip(rows["province"], rows["year"], strict=True))
    first, last = segment.years
    for code in sorted({code for code, _ in have}):
        for year in range(first, last + 1):
            if (code, year) not in have and (code, year) not in declared:
                raise DataError(
                    "a declared year has no value",
                    where=_where(source, segment, province=code, year=year),
                    hint="declare the cell under gaps, or under skip with the reason",
                )


NATIONAL_COLUMNS = ["variable", "year", "value", "vintage", "source"]
SECOND_COLUMNS = ["province", "year", "variable", "value", "vintage", "source"]


class Transcript:
    """Every figure that the catalogue transcribes; each source file is read once.

    Parameters
    ----------
    catalogue : Catalogue
        What to read from where.
    files : mapping of str to Path
        Local path of each source.
    """

    def __init__(self, catalogue: Catalogue, files: Mapping[str, Path]) -> None:
        self.catalogue = catalogue
        self.files = files
        self._frames: dict[str, pd.DataFrame] = {}

    def _harmonised(self, segment: Segment) -> Harmonised:
        source = self.catalogue.sources[segment.source]
        if segment.source not in self._frames:
            path = self.files[segment.source]
            self._frames[segment.source] = readers.read(source.reader, path, **source.options)
        return harmonise(self._frames[segment.source], source, segment)

    def panel(self) -> pd.DataFrame:
        """Return the rows of the panel, with breaks flagged.

        Raises
        ------
        nqpf.errors.DataError
            If a file does not hold what the catalogue says.
        """
        parts = []
        for key, entry in self.catalogue.variables.items():
            for segment in entry.segments:
                rows = self._harmonised(segment).provinces
                parts.append(rows.assign(variable=key, vintage=segment.vintage))
                _refuse_absent(key, entry, segment, rows)
        frame = pd.concat(parts, ignore_index=True)[COLUMNS]
        refuse_twice(frame)
        return _with_breaks(frame, self.catalogue)

    def national(self) -> pd.DataFrame:
        """Return the national figures: the sources' own rows and those that are declared."""
        parts = [pd.DataFrame(columns=NATIONAL_COLUMNS)]
        for key, entry in self.catalogue.variables.items():
            for segment in entry.segments:
                rows = self._harmonised(segment).national
                labels = {
                    "variable": key,
                    "vintage": segment.vintage,
                    "source": segment.source,
                }
                parts.append(rows.assign(**labels))
            totals = [total.model_dump() for total in entry.totals]
            parts.append(pd.DataFrame(totals).assign(variable=key))
        return _stacked(parts, NATIONAL_COLUMNS)

    def second(self) -> pd.DataFrame:
        """Return the figures that a second source gives for the same series."""
        parts = [pd.DataFrame(columns=SECOND_COLUMNS)]
        for key, entry in self.catalogue.variables.items():
            for segment in entry.second:
                rows = self._harmonised(segment).provinces
                labels = {
                    "variable": key,
                    "vintage": segment.vintage,
                    "source": segment.source,
                }
                parts.append(rows.assign(**labels))
        return _stacked(parts, SECOND_COLUMNS)


def _stacked(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [part for part in parts if not part.empty]
    return pd.concat(filled or parts, ignore_index=True)[columns]


def _refuse_absent(key: str, entry: Variable, segment: Segment, rows: pd.DataFrame) -> None:
    span = set(range(segment.years[0], segment.years[1] + 1))
    empty = {
        code
        for listed in (segment.gaps, segment.skip)
        for code, years in listed.items()
        if span <= set(years)
    }
    expected = set(codes()) - set(entry.absent) - empty
    found = set(rows["province"])
    for code in sorted(expected ^ found):
        problem = "has no figures" if code in expected else "has figures but is declared absent"
        raise DataError(
            f"province {code} {problem}",
            where={"variable": key, "source": segment.source, "item": segment.item},
            hint="declare it under absent or gaps, or correct the entry",
        )


def refuse_twice(frame: pd.DataFrame) -> None:
    """Refuse a panel in which a variable has two figures for one province, year and vintage."""
    twice = frame.duplicated(["variable", "vintage", "province", "year"])
    if twice.any():
        row = frame[twice].iloc[0]
        raise DataError(
            "two segments give the same figure",
            where={key: row[key] for key in ("variable", "province", "year")},
        )


def _with_breaks(frame: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    frame = frame.copy()
    for key, entry in catalogue.variables.items():
        for each in entry.breaks:
            first = (frame["variable"] == key) & (frame["year"] == each.year)
            if each.provinces:
                first &= frame["province"].isin(each.provinces)
            if not first.any():
                raise DataError(
                    "a break is declared where there is no figure",
                    where={"variable": key, "year": each.year},
                )
            frame.loc[first & (frame["flag"] == "official"), "flag"] = "break"
    return frame


def to_bytes(frame: pd.DataFrame, order: list[str]) -> bytes:
    r"""Return a table as CSV, sorted by the columns of `order`; equal frames give equal bytes.

    Examples
    --------
    >>> to_bytes(pd.DataFrame({"year": [2011, 2010], "value": [0.1, 3.0]}), ["year"])
    b'year,value\n2010,3\n2011,0.1\n'
    """
    # Written by hand, because the bytes must not depend on the version of a library.
    rows = frame.sort_values(order, kind="stable")
    lines = [",".join(rows.columns)]
    for row in rows.itertuples(index=False):
        lines.append(",".join(_cell(cell) for cell in row))
    return ("\n".join(lines) + "\n").encode("utf-8")


def _cell(cell: object) -> str:
    """Write a number with the fewest digits that give it back exactly."""
    if isinstance(cell, float):
        if not math.isfinite(cell):
            raise DataError(f"{cell} cannot stand in a table", expected="a finite number")
        return repr(float(cell)).removesuffix(".0")
    text = str(cell)
    if any(mark in text for mark in ',"\n'):
        raise DataError(f"text {text!r} cannot stand in a table", expected="no comma or quote")
    return text


def compare(name: str, committed: bytes, rebuilt: bytes) -> None:
    """Refuse a table that differs by a byte from the rebuilt one.

    Raises
    ------
    nqpf.errors.DataError
        The message names the table and its first differing line.
    """
    if committed == rebuilt:
        return
    old, new = committed.splitlines(keepends=True), rebuilt.splitlines(keepends=True)
    line = next(
        (i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]),
        min(len(old), len(new)),
    )
    raise DataError(
        f"the table differs from what its sources give: {_line(old, line)} is committed",
        where={"table": name, "line": line + 1},
        expected=_line(new, line),
        hint="if the change is right, write the tables with `nqpf data build --update`",
    )


def _line(lines: list[bytes], index: int) -> str:
    if index >= len(lines):
        return "no such line"
    return repr(lines[index].decode("utf-8", errors="replace"))


Derivation = Callable[[Panel], pd.DataFrame]
NATIONAL = "data/checks/national.csv"
SECOND = "data/checks/second.csv"


@dataclass(frozen=True)
class Report:
    """What a rebuild did.

    Parameters
    ----------
    tables : dict
        Number of rows of each table, by its path in the project.
    changed : tuple of str
        Tables that were written anew; always empty after :func:`verify`.
    optional : tuple of str
        Research data sets that were fetched as well, by key.
    place : str
        Where the source files came from.
    seconds : float
        Time taken.
    """

    tables: dict[str, int]
    changed: tuple[str, ...]
    optional: tuple[str, ...]
    place: str
    seconds: float

    def __str__(self) -> str:
        done = f"{len(self.changed)} written" if self.changed else "all as committed"
        more = f"; {len(self.optional)} optional files at hand" if self.optional else ""
        return (
            f"{len(self.tables)} tables with {sum(self.tables.values()):,} rows rebuilt "
            f"from {self.place} in {self.seconds:.1f} s: {done}{more}"
        )


def needed(catalogue: Catalogue) -> list[str]:
    """Return the keys of the sources that the embedded tables are made from."""
    used = {
        segment.source
        for variable in catalogue.variables.values()
        for segment in [*variable.segments, *variable.second]
    }
    for key in sorted(used):
        if not catalogue.sources[key].embedded:
            raise DataError(f"source {key!r} may not be embedded but a variable uses it")
    return [key for key in catalogue.sources if key in used]


def build(
    catalogue: Catalogue,
    files: Mapping[str, Path],
    derivations: Mapping[str, Derivation] | None = None,
) -> dict[str, bytes]:
    """Make every table from source files.

    Parameters
    ----------
    catalogue : Catalogue
        What to read from where.
    files : mapping of str to Path
        Local path of each source.
    derivations : mapping of str to function, optional
        For each name that the catalogue gives under `derived`: a function of
        the panel so far that returns ``province``, ``year``, ``value``, ``flag``.

    Returns
    -------
    dict of str to bytes
        Content of each table by its path in the project. The same input
        gives the same bytes on every machine.

    Raises
    ------
    nqpf.errors.DataError
        If a file does not hold what the catalogue says.
    """
    transcript = Transcript(catalogue, files)
    frame = transcript.panel()
    frame = _with_derived(frame, catalogue, derivations or {})
    themes = {key: entry.theme for key, entry in catalogue.variables.items()}
    tables = {}
    for theme, rows in frame.groupby(frame["variable"].map(themes)):
        order = ["variable", "vintage", "province", "year"]
        tables[f"data/panel/{theme}.csv"] = to_bytes(rows[COLUMNS], order)
    national = transcript.national()
    second = transcript.second()
    tables[NATIONAL] = to_bytes(national, ["variable", "vintage", "source", "year"])
    tables[SECOND] = to_bytes(second, ["variable", "vintage", "source", "province", "year"])
    return tables


def verify(
    home: Path | None = None,
    derivations: Mapping[str, Derivation] | None = None,
    extra: bool = False,
) -> Report:
    """Rebuild every table and compare it byte for byte with the one in `home`.

    Parameters
    ----------
    home : Path or None
        Project folder; found by itself when None.
    derivations : mapping of str to function, optional
        As for :func:`build`.
    extra : bool
        Also fetch the research data sets that are never embedded.

    Raises
    ------
    nqpf.errors.DataError
        If a table differs; the message names it and its first differing line.
    nqpf.errors.SourceError
        If a source file cannot be had.
    """
    start = time.perf_counter()
    home = home or root()
    catalogue = Catalogue.load(home / "data" / "catalogue.yaml")
    tables = build(catalogue, fetch.fetch_all(catalogue, needed(catalogue)), derivations)
    optional = fetch.optional(catalogue) if extra else {}
    for name, content in tables.items():
        compare(name, _committed(home, name), content)
    for path in sorted((home / "data" / "panel").glob("*.csv")):
        if f"data/panel/{path.name}" not in tables:
            raise DataError(
                "the catalogue has no such theme",
                where={"table": f"data/panel/{path.name}"},
                hint="delete the table, or declare its variables",
            )
    return _report(tables, (), optional, start)


def update(
    home: Path | None = None,
    derivations: Mapping[str, Derivation] | None = None,
    extra: bool = False,
) -> Report:
    """Rebuild every table and write those that differ; nothing is written on an error.

    Parameters are those of :func:`verify`.

    Raises
    ------
    nqpf.errors.DataError
        If a table cannot be made.
    """
    start = time.perf_counter()
    home = home or root()
    catalogue = Catalogue.load(home / "data" / "catalogue.yaml")
    tables = build(catalogue, fetch.fetch_all(catalogue, needed(catalogue)), derivations)
    optional = fetch.optional(catalogue) if extra else {}
    changed = [name for name, content in tables.items() if _committed(home, name) != content]
    for name in changed:
        with replacing(home / name) as temporary:
            temporary.write_bytes(tables[name])
    return _report(tables, tuple(changed), optional, start)


def _with_derived(
    frame: pd.DataFrame, catalogue: Catalogue, derivations: Mapping[str, Derivation]
) -> pd.DataFrame:
    for key, entry in catalogue.variables.items():
        if not entry.derived:
            continue
        if entry.derived not in derivations:
            raise DataError(
                f"derivation {entry.derived!r} was not given",
                where={"variable": key},
                hint="rebuild with `nqpf data build`, which brings the derivations",
            )
        rows = derivations[entry.derived](Panel(frame, catalogue)).assign(variable=key, vintage="")
        # Ten digits survive differences in the order of additions between platforms.
        rows["value"] = rows["value"].map(lambda value: significant(value, 10))
        frame = pd.concat([frame, rows[COLUMNS]], ignore_index=True)
    refuse_twice(frame)
    return frame


def _committed(home: Path, name: str) -> bytes:
    path = home / name
    return path.read_bytes() if path.is_file() else b""


def _report(
    tables: dict[str, bytes],
    changed: tuple[str, ...],
    optional: dict[str, Path],
    start: float,
) -> Report:
    rows = {name: content.count(b"\n") - 1 for name, content in tables.items()}
    mirror = fetch.mirror_folder()
    place = "the mirror" if mirror else "the public addresses"
    return Report(rows, changed, tuple(optional), place, time.perf_counter() - start)
