"""The catalogue: what each variable is, who published it and where it was transcribed from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from nqpf.errors import DataError, visible_within
from nqpf.files import root

__all__ = [
    "Bilingual",
    "Break",
    "Catalogue",
    "Flag",
    "KINDS",
    "Read",
    "Segment",
    "Source",
    "Total",
    "Variable",
    "listening",
    "note",
]


def _spelt_out(years: object) -> object:
    """Turn ``[2010, "2012-2014"]`` into ``[2010, 2012, 2013, 2014]``."""
    if not isinstance(years, list):
        return years
    spelt: list[object] = []
    for entry in years:
        first, dash, last = str(entry).partition("-")
        if dash and first.isdecimal() and last.isdecimal():
            spelt.extend(range(int(first), int(last) + 1))
        else:
            spelt.append(entry)
    return spelt


Years = Annotated[list[int], BeforeValidator(_spelt_out)]
Flag = Literal["official", "derived", "spliced", "extrapolated", "interpolated", "break", "reader"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _visible(cls, values: object) -> object:
        """Let no text of the file reach a page with characters that cannot be seen."""
        return visible_within(values)


class Bilingual(_Strict):
    """A name in both languages."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.en} {self.zh}"


class Source(_Strict):
    """A public file that figures were transcribed from, pinned by commit and hash."""

    repository: str
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    path: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int
    licence: str
    reader: str
    options: dict[str, Any] = Field(default_factory=dict)
    aliases: dict[str, int] = Field(default_factory=dict)
    ignore: dict[str, str] = Field(default_factory=dict)
    embedded: bool = True
    note: str = ""


class Segment(_Strict):
    """A run of years of one variable, read from one place of one source.

    A figure becomes ``value * factor`` when the source states one unit
    throughout, or ``value * factors[label]`` when it states it row by row.
    `missing` lists the numbers that stand for an empty cell, `skip` the
    province-years that are left out on purpose (say why in `note`) and
    `gaps` those that the source leaves empty. A figure under `residual`, which
    the source lacks or misreads, is the national figure less the other
    provinces: an identity, flagged ``spliced``.
    """

    source: str
    item: str
    years: tuple[int, int]
    vintage: str = ""
    unit: str = ""
    factor: float = 1.0
    factors: dict[str, float] = Field(default_factory=dict)
    flag: Flag = "official"
    missing: list[float] = Field(default_factory=list)
    skip: dict[int, Years] = Field(default_factory=dict)
    gaps: dict[int, Years] = Field(default_factory=dict)
    residual: dict[int, Years] = Field(default_factory=dict)
    note: str = ""


class Break(_Strict):
    """A known break in a series: the first year on the new basis."""

    year: int
    provinces: list[int] = Field(default_factory=list)
    note: str


class Total(_Strict):
    """A national figure as the yearbook prints it, where no source file has the row."""

    year: int
    value: float
    vintage: str = ""
    source: str


class Variable(_Strict):
    """One variable of the panel.

    `second` names places where another file gives the same series: it is read
    for comparison and never enters the panel. `national_range` is where the
    provinces' sum may lie around the national figure, in percent of it, and
    `national_note` says why when that is not zero.
    """

    name: Bilingual
    theme: str
    unit: str
    definition: str
    publisher: Bilingual
    yearbook: Bilingual
    segments: list[Segment] = Field(default_factory=list)
    derived: str = ""
    vintages: list[str] = Field(default_factory=list)
    absent: list[int] = Field(default_factory=list)
    national: Literal["sum", "none"] = "none"
    national_range: tuple[float, float] = (-0.1, 0.1)
    national_note: str = ""
    totals: list[Total] = Field(default_factory=list)
    second: list[Segment] = Field(default_factory=list)
    breaks: list[Break] = Field(default_factory=list)
    note: str = ""


class Catalogue(_Strict):
    """Every source and every variable, in the order of the file.

    Examples
    --------
    >>> Catalogue.load().variables["gdp"].unit
    '100 million yuan'
    """

    sources: dict[str, Source]
    variables: dict[str, Variable]

    @classmethod
    def load(cls, path: Path | None = None) -> Catalogue:
        """Read a catalogue file (by default the project's ``data/catalogue.yaml``).

        Raises
        ------
        nqpf.errors.DataError
            If the file is not valid; the message names file and field.
        """
        path = path or root() / "data" / "catalogue.yaml"
        return _load(path, path.stat().st_mtime_ns)

    def __repr__(self) -> str:
        return f"<Catalogue {len(self.variables)} variables, {len(self.sources)} sources>"

    __str__ = __repr__  # pydantic's would print every field

    def unit(self, variable: str) -> str:
        """Return the unit of a variable."""
        return self.variables[variable].unit


@lru_cache(maxsize=4)
def _load(path: Path, _stamp: int) -> Catalogue:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with path.open(encoding="utf-8") as stream:
            raw = yaml.load(stream, Loader=loader)  # noqa: S506 - a safe loader
        return Catalogue.model_validate(raw)
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise DataError(
            f"the catalogue cannot be read: {_summary(error)}",
            where={"file": path.name},
            expected="sources and variables as described in docs/catalogue.md",
        ) from error


def _summary(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {first['msg']}{more}"


KINDS = ("variables", "panel", "system", "results")


@dataclass(frozen=True)
class Read:
    """Something that was read.

    Parameters
    ----------
    kind : {'variables', 'panel', 'system', 'results'}
        Variables of the panel, the whole panel, the card of a system, or a
        file of stored results.
    keys : tuple of str
        Keys of the catalogue, of the systems, or names of files.
    vintage : str
        Vintage of the national accounts; empty where none was chosen.
    """

    kind: str
    keys: tuple[str, ...] = ()
    vintage: str = ""


Listener = Callable[[Read], None]
_listeners: list[Listener] = []


def note(kind: str, keys: Iterable[str] = (), vintage: str = "") -> None:
    """Tell the listeners of something that is being read; without one do nothing.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`.
    keys : iterable of str
        What is read.
    vintage : str
        Vintage of the national accounts.

    Examples
    --------
    >>> seen = []
    >>> with listening(seen.append):
    ...     note("variables", ["gdp"], "census5")
    >>> seen
    [Read(kind='variables', keys=('gdp',), vintage='census5')]
    """
    if _listeners:
        read = Read(kind, tuple(keys), vintage)
        for listener in list(_listeners):
            listener(read)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener` with each :class:`Read` inside the block.

    Examples
    --------
    >>> from nqpf.data import Panel
    >>> seen = []
    >>> with listening(seen.append):
    ...     frame = Panel.load(extra=False).wide(["gdp"])
    >>> seen[0].keys
    ('gdp',)
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
