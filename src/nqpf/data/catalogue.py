"""The catalogue: what each variable is, who published it and where it was transcribed from."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nqpf.errors import DataError
from nqpf.paths import root

__all__ = ["Break", "Bilingual", "Catalogue", "Flag", "Segment", "Source", "Variable"]

Flag = Literal["official", "spliced", "extrapolated", "interpolated", "break", "reader"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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
    embedded: bool = True
    note: str = ""


class Segment(_Strict):
    """A run of years of one variable, read from one place of one source."""

    source: str
    item: str
    years: tuple[int, int]
    vintage: str = ""
    unit: str = ""
    factor: float = 1.0
    factors: dict[str, float] = Field(default_factory=dict)
    flag: Flag = "official"
    skip: dict[int, list[int]] = Field(default_factory=dict)
    note: str = ""


class Break(_Strict):
    """A known break in a series: the first year on the new basis."""

    year: int
    provinces: list[int] = Field(default_factory=list)
    note: str


class Variable(_Strict):
    """One variable of the panel."""

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
    national_note: str = ""
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
            f"the catalogue cannot be read: {error}",
            where={"file": path.name},
            expected="sources and variables as described in docs/catalogue.md",
        ) from error
