"""The panel's tables, made from the source files and compared with those that are committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nqpf.data import fetch
from nqpf.data.catalogue import Catalogue
from nqpf.data.harmonise import significant
from nqpf.data.panel import COLUMNS, Panel
from nqpf.data.tables import compare, to_bytes
from nqpf.data.transcribe import Transcript, refuse_twice
from nqpf.errors import DataError
from nqpf.paths import replacing, root

__all__ = ["Derivation", "Report", "build", "needed", "update", "verify"]

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
