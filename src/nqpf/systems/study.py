"""What the survey and public records state about a study; never what this book chose."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import Field, model_validator

from nqpf.errors import CardError
from nqpf.paths import root
from nqpf.systems.cardfile import Bilingual, Key, Strict, Text, label, read_card

__all__ = [
    "NOT_STATED",
    "Publication",
    "Stated",
    "StatedDimension",
    "Study",
    "find",
    "is_key",
    "keys",
    "overview",
]

NOT_STATED = "not stated in the survey"
Known = Literal["S", "V"]
_KEY = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*-[0-9]{4}")


class Stated(Strict):
    """A fact about a study: S when the survey states it, V when a second record confirms it.

    `lacks` says what a method leaves open that is named and not given in full.
    """

    text: Text
    status: Known
    lacks: Text | None = None

    def __str__(self) -> str:
        return f"{self.text} ({self.status})"


class Publication(Strict):
    """Bibliographic record, given only as far as a second public record confirms it.

    `confirmed` names that record.
    """

    title: Text
    journal: Text
    issue: Text | None = None
    pages: Text | None = None
    doi: Text | None = None
    confirmed: Text | None = None
    status: Literal["V"]


class StatedDimension(Strict):
    """A dimension that the study names; `group` is the family it belongs to, if any."""

    key: Key
    name: Bilingual
    status: Known
    group: Bilingual | None = None


class Study(Strict):
    """A surveyed study, as far as it is known.

    Parameters
    ----------
    kind : {"composite", "tfp"}
        A composite index or total factor productivity as the single indicator.
    level : {"N", "M", "P", "D"}
        Numbers reproduced; method and dimensions both stated and re-run; one
        of the two stated and re-run, the other this book's; described. A
        level that :attr:`stated` does not allow is refused.
    missing : tuple of str
        What stands between the study and the next level.

    A field that is None is printed as *not stated in the survey*.

    Examples
    --------
    >>> study = Study.load("dong-2024")
    >>> [dimension.name.en for dimension in study.dimensions]
    ['labourers', 'means of labour', 'objects of labour', 'optimised-combination leap']
    """

    key: Key
    kind: Literal["composite", "tfp"]
    authors: Bilingual
    year: int = Field(ge=1900, le=2100)
    label: Text | None = None
    publication: Publication | None = None
    basis: Stated | None = None
    sample: Stated | None = None
    weighting: Stated | None = None
    aggregation: Stated | None = None
    estimator: Stated | None = None
    dimensions: tuple[StatedDimension, ...] = ()
    statements: tuple[Stated, ...] = ()
    remark: Text | None = None
    level: Literal["N", "M", "P", "D"]
    missing: tuple[Text, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _level_follows(self) -> Study:
        """Refuse a level above or beside what the record states."""
        known = list(self.stated.values())
        allowed = "NMD" if all(known) else "PD" if any(known) else "D"
        if self.level not in allowed:
            said = ", ".join(
                f"{part} {'stated' if whole else 'not stated in full'}"
                for part, whole in self.stated.items()
            )
            raise ValueError(
                f"level {self.level} does not follow from the record ({said}); "
                f"expected {' or '.join(allowed)}"
            )
        return self

    @property
    def stated(self) -> dict[str, bool]:
        """Whether the record gives the method and the dimensions, each in full.

        The method of a composite is weighting and aggregation. Total factor
        productivity is a single indicator: its method is the estimator, and
        it has no dimensions.

        Examples
        --------
        >>> Study.load("wang-wang-2024").stated  # entropy weights, the aggregation is not stated
        {'method': False, 'dimensions': True}
        """
        if self.kind == "tfp":
            return {"method": _whole(self.estimator)}
        method = _whole(self.weighting) and _whole(self.aggregation)
        return {"method": method, "dimensions": bool(self.dimensions)}

    @classmethod
    def load(cls, key: str, home: Path | None = None) -> Study:
        """Read ``data/studies/<key>.yaml``.

        Raises
        ------
        nqpf.errors.CardError
            If there is no such study or its file is not valid.
        """
        path = find("studies", key, home)
        study = read_card(path, cls)
        if study.key != key:
            raise CardError(
                f"key {study.key!r} is not the file's name", where={"file": label(path)}
            )
        names = [dimension.key for dimension in study.dimensions]
        if len(set(names)) < len(names):
            raise CardError(f"a dimension is there twice: {names}", where={"file": label(path)})
        return study

    @property
    def title(self) -> str:
        """Authors and year in both languages."""
        year = self.label or self.year
        return f"{self.authors.en} ({year}) {self.authors.zh}（{year}）"

    @property
    def short(self) -> str:
        """Family names for a column heading: a pair with a dash, *et al.* for three or more.

        Examples
        --------
        >>> Study.load("wang-wang-2024").short, Study.load("han-2024").short
        ('Wang-Wang', 'Han et al.')
        """
        people = re.split(r", | and ", self.authors.en.removesuffix(" et al."))
        families = [person.split()[0] for person in people]
        if len(families) > 2 or self.authors.en.endswith(" et al."):
            return f"{families[0]} et al."
        return "-".join(families)


def _whole(fact: Stated | None) -> bool:
    return fact is not None and fact.lacks is None


def find(folder: str, key: str, home: Path | None = None) -> Path:
    """Return ``data/<folder>/<key>.yaml``.

    Raises
    ------
    nqpf.errors.CardError
        If it does not exist; the message offers the nearest key.
    """
    import difflib

    cards = (home or root()) / "data" / folder
    path = cards / f"{key}.yaml"
    if is_key(key) and path.is_file():
        return path
    known = keys(folder, home)
    near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
    raise CardError(
        f"no card {str(key)!r}",
        where={"folder": f"data/{folder}"},
        expected="one of " + ", ".join(known) if known else "a card in the folder",
        hint=f"did you mean {near[0]!r}" if near else None,
    )


def keys(folder: str, home: Path | None = None) -> list[str]:
    """Return the keys of the cards in ``data/<folder>``: files named ``author-year.yaml``."""
    cards = ((home or root()) / "data" / folder).glob("*.yaml")
    return sorted(card.stem for card in cards if is_key(card.stem))


def is_key(key: str) -> bool:
    """Return whether a text has the form of a study's key, ``author-year`` in lower case.

    Examples
    --------
    >>> is_key("li-wang-2025"), is_key("Li Wang 2025")
    (True, False)
    """
    return len(str(key)) <= 60 and _KEY.fullmatch(str(key)) is not None


def overview(home: Path | None = None) -> pd.DataFrame:
    """Return all surveyed studies, one row each, with a status mark on every fact.

    Examples
    --------
    >>> overview().loc["zou-2024", "aggregation"]
    'coupling coordination of the subsystems (S)'
    """
    rows = {}
    for key in keys("studies", home):
        study = Study.load(key, home)
        dimensions = "; ".join(f"{d.name} ({d.status})" for d in study.dimensions)
        rows[key] = {
            "study": study.title,
            "kind": study.kind,
            "basis": str(study.basis or NOT_STATED),
            "sample": str(study.sample or NOT_STATED),
            "weighting": str(study.weighting or NOT_STATED),
            "aggregation": str(study.aggregation or NOT_STATED),
            "dimensions": dimensions or NOT_STATED,
            "level": study.level,
            "missing": "; ".join(study.missing),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("key")
