"""The catalogue: what each variable is, who published it and where it was transcribed from."""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import pandas as pd
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from nqpf.data.layouts import _read
from nqpf.errors import DataError, SourceError, _visible_within
from nqpf.files import _inside, root


def _spelt_out(years: object) -> object:
    """Turn ``[2010, "2012-2014"]`` into ``[2010, 2012, 2013, 2014]``."""
    if not isinstance(years, list):
        return years
    spelt: list[object] = []
    for entry in years:
        span = re.fullmatch(r"(\d+)-(\d+)", str(entry))
        spelt += range(int(span[1]), int(span[2]) + 1) if span else [entry]
    return spelt


_Years = Annotated[list[int], BeforeValidator(_spelt_out)]
_Flag = Literal["official", "derived", "spliced", "extrapolated", "interpolated", "break", "reader"]


_HOST = "https://raw.githubusercontent.com"
_EMBEDDED = "the tables in data/panel are complete without it; only rebuilding them needs it"


class _Strict(BaseModel):
    """A part of a file: no unknown field, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _visible(cls, values: object) -> object:
        """Let no text of the file reach a page with characters that cannot be seen."""
        return _visible_within(values)


class _Bilingual(_Strict):
    """A name in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def __str__(self) -> str:
        return f"{self.en} {self.zh}"


class _Source(_Strict):
    """A public file that figures were transcribed from, pinned by commit and hash.

    A mirror is a folder named by the environment variable ``NQPF_MIRROR``. A file stands
    there at ``<owner>__<repository>/<first 12 of the commit>/<path>`` or anywhere below
    the folder, recognised by size and hash, and is read in place. Without a mirror,
    files are downloaded once and kept in the user's cache folder. Either way a file is
    used only if its SHA-256 is the one in the catalogue. An entry without a repository is a
    table of the project's own in ``data/transcribed``, each figure with the page it was read on.

    Examples
    --------
    >>> source = Catalogue.load().sources["nbs_gdp_census5"]
    >>> source.address().startswith("https://raw.githubusercontent.com/")
    True
    """

    repository: str = ""
    commit: str = Field(default="", pattern=r"^([0-9a-f]{40})?$")
    path: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int
    licence: str
    reader: str
    options: dict[str, Any] = Field(default_factory=dict)
    aliases: dict[str, int] = Field(default_factory=dict)
    ignore: dict[str, str] = Field(default_factory=dict)
    embedded: bool = True
    located: bool = True
    note: str = ""

    @property
    def label(self) -> str:
        """Repository and path, or the path alone of a table of the project's own."""
        return f"{self.repository}/{self.path}".lstrip("/")

    def address(self, host: str = _HOST) -> str:
        """Return the public address of the file, percent-encoded."""
        return f"{host}/{self.repository}/{self.commit}/{quote(self.path)}"

    def read(self, path: Path) -> pd.DataFrame:
        """Return the figures of the file at `path`, in the layout that the entry names.

        Returns
        -------
        DataFrame
            Columns ``province`` (label as printed), ``year``, ``item``, ``value``, ``unit``.

        Raises
        ------
        nqpf.errors.SourceError
            If the file is not of the layout.
        nqpf.errors.DataError
            If a cell is not a number, or no reader has this name.
        """
        return _read(self.reader, path, **self.options)

    def at_hand(self, cache: Path | None = None) -> Path | None:
        """Return where the file stands already, or None; nothing is downloaded.

        Raises
        ------
        nqpf.errors.SourceError
            If a mirror is set and does not hold the pinned file.
        """
        path = self._mirrored() or (cache or _cache_folder()) / self._cached_name
        return path if path.is_file() and _sha256(path) == self.sha256 else None

    def fetch(self, host: str = _HOST, cache: Path | None = None) -> Path:
        """Return a local path at which the file stands with the right hash.

        Parameters
        ----------
        host : str
            First part of the public address.
        cache : Path or None
            Folder for downloads; the user's cache folder when None.

        Raises
        ------
        nqpf.errors.SourceError
            If the file cannot be had, or is not the one that was pinned. A file
            of the right hash that is already there is never replaced.
        """
        return self._mirrored() or self._downloaded(host, cache or _cache_folder())

    @property
    def _cached_name(self) -> str:
        # With the hash, so that files of one name stand side by side.
        return f"{self.sha256[:16]}-{Path(self.path).name}"

    def _mirrored(self) -> Path | None:
        """Return where the mirror has the file, checked; None when no mirror is set."""
        if not self.repository:
            return self._own()
        mirror = os.environ.get("NQPF_MIRROR")
        if not mirror:
            return None
        place = f"{self.repository.replace('/', '__')}/{self.commit[:12]}/{self.path}"
        for path in (_inside(Path(mirror), place), *_by_size(mirror).get(self.bytes, ())):
            if path.is_file() and _sha256(path) == self.sha256:
                return path
        problem = f"the mirror holds no file with SHA-256 {self.sha256} ({self.bytes} bytes)"
        where = {"file": self.path, "mirror": mirror, "place": f"{place} or any below the mirror"}
        hint = "copy the file there again, whole and unchanged, or correct or unset NQPF_MIRROR"
        raise SourceError(problem, where=where, hint=hint)

    def _own(self) -> Path:
        """Return where a table of the project's own stands, checked."""
        path = _inside(root(), self.path)
        if not path.is_file() or _sha256(path) != self.sha256:
            problem, where = "the transcribed table is not the pinned one", {"file": self.path}
            hint = "if its change is right, pin its new SHA-256 and size in data/catalogue.yaml"
            raise SourceError(problem, where=where, expected=f"SHA-256 {self.sha256}", hint=hint)
        return path

    def _downloaded(self, host: str, cache: Path) -> Path:
        import pooch

        pooch.get_logger().setLevel("WARNING")
        address, known, name = self.address(host), f"sha256:{self.sha256}", self._cached_name
        where = {"file": self.path, "address": address}
        hint = _EMBEDDED if self.embedded else "the panel does not need it"
        get = pooch.HTTPDownloader(timeout=30)
        try:
            # pooch downloads beside the target and moves the file only once its hash is right.
            return Path(pooch.retrieve(address, known, name, cache, downloader=get))
        except ValueError as error:  # what pooch raises for a wrong hash
            problem = "what was downloaded is not the pinned file and was thrown away"
            expected, hint = f"SHA-256 {self.sha256}", f"try again; {hint}"
            raise SourceError(problem, where=where, expected=expected, hint=hint) from error
        except OSError as error:  # every network error of requests is one
            problem = f"the file could not be downloaded: {error}"
            expected = "a network connection, or a mirror folder in NQPF_MIRROR"
            raise SourceError(problem, where=where, expected=expected, hint=hint) from error


def _cache_folder() -> Path:
    # Inside a notebook pooch's progress bar complains that widgets are missing.
    with warnings.catch_warnings(action="ignore"):
        import pooch

    return Path(pooch.os_cache("nqpf"))


@lru_cache(maxsize=4)
def _by_size(mirror: str) -> dict[int, list[Path]]:
    """Return the files below a folder by their size, so that few of them have to be hashed."""
    found: dict[int, list[Path]] = {}
    for path in sorted(Path(mirror).rglob("*")):
        if path.is_file():
            found.setdefault(path.stat().st_size, []).append(path)
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class _Segment(_Strict):
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
    flag: _Flag = "official"
    missing: list[float] = Field(default_factory=list)
    skip: dict[int, _Years] = Field(default_factory=dict)
    gaps: dict[int, _Years] = Field(default_factory=dict)
    residual: dict[int, _Years] = Field(default_factory=dict)
    note: str = ""


class _Break(_Strict):
    """A known break in a series: the first year on the new basis."""

    year: int
    provinces: list[int] = Field(default_factory=list)
    note: str


class _Total(_Strict):
    """A national figure as the yearbook prints it, where no source file has the row."""

    year: int
    value: float
    vintage: str = ""
    source: str


class _Variable(_Strict):
    """One variable of the panel.

    `second` names places where another file gives the same series: it is read
    for comparison and never enters the panel. `national_range` is where the
    provinces' sum may lie around the national figure, in percent of it, and
    `national_note` says why when that is not zero.
    """

    name: _Bilingual
    theme: str
    unit: str
    definition: str
    publisher: _Bilingual
    yearbook: _Bilingual
    segments: list[_Segment] = Field(default_factory=list)
    derived: str = ""
    vintages: list[str] = Field(default_factory=list)
    absent: list[int] = Field(default_factory=list)
    national: Literal["sum", "none"] = "none"
    national_range: tuple[float, float] = (-0.1, 0.1)
    national_note: str = ""
    totals: list[_Total] = Field(default_factory=list)
    second: list[_Segment] = Field(default_factory=list)
    breaks: list[_Break] = Field(default_factory=list)
    note: str = ""


class Catalogue(_Strict):
    """Every source and every variable, in the order of the file.

    Examples
    --------
    >>> Catalogue.load().variables["gdp"].unit
    '100 million yuan'
    """

    sources: dict[str, _Source]
    variables: dict[str, _Variable]

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
        said = ": ".join(_first_fault(error)) if isinstance(error, ValidationError) else error
        problem, where = f"the catalogue cannot be read: {said}", {"file": path.name}
        expected = "sources and variables as described in docs/catalogue.md"
        raise DataError(problem, where=where, expected=expected) from error


def _first_fault(error: ValidationError) -> tuple[str, str]:
    """Return the field and the text of the first problem, with how many others there are."""
    first, *others = error.errors(include_url=False, include_context=False)
    text = first["msg"].removeprefix("Value error, ")
    if isinstance(first["input"], str):
        text += f" (given {ascii(first['input'])[:60]})"
    text += f" (and {len(others)} more problems)" if others else ""
    return ".".join(map(str, first["loc"])) or "the card", text


@dataclass(frozen=True)
class _Read:
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


_listeners: list[Callable[[_Read], None]] = []


def _note(kind: str, keys: Iterable[str] = (), vintage: str = "") -> None:
    """Tell the listeners of something that is being read; without one do nothing.

    Parameters
    ----------
    kind : str
        'variables', 'panel', 'system' or 'results'.
    keys : iterable of str
        What is read.
    vintage : str
        Vintage of the national accounts.

    Examples
    --------
    >>> seen = []
    >>> with _listening(seen.append):
    ...     _note("variables", ["gdp"], "census5")
    >>> seen
    [_Read(kind='variables', keys=('gdp',), vintage='census5')]
    """
    for listener in list(_listeners):
        listener(_Read(kind, tuple(keys), vintage))


@contextmanager
def _listening(listener: Callable[[_Read], None]) -> Iterator[None]:
    """Call `listener` with each :class:`_Read` inside the block.

    Examples
    --------
    >>> from nqpf.data import Panel
    >>> seen = []
    >>> with _listening(seen.append):
    ...     frame = Panel.load(extra=False).wide(["gdp"])
    >>> seen[0].keys
    ('gdp',)
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
