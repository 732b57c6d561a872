"""What the survey and public records state about a study; never what this book chose."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import pandas as pd
import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from nqpf.errors import CardError, visible_within
from nqpf.files import root

__all__ = [
    "Bilingual",
    "Key",
    "NOT_STATED",
    "Publication",
    "Stated",
    "StatedDimension",
    "Strict",
    "Study",
    "Text",
    "find",
    "is_key",
    "keys",
    "label",
    "overview",
    "read_card",
]

MAX_BYTES = 200_000
MAX_DEPTH = 12
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$", max_length=60)]
_Model = TypeVar("_Model", bound=BaseModel)


class Strict(BaseModel):
    """A part of a card: no unknown field, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _visible(cls, values: object) -> object:
        """Let no text of the file reach a page with characters that cannot be seen."""
        return visible_within(values)


class Bilingual(Strict):
    """A name in both languages."""

    zh: Text
    en: Text

    def __str__(self) -> str:
        return f"{self.en} {self.zh}"


class _Loader(_LOADER):
    """Refuses a key that is written twice; BaseLoader leaves every scalar as text."""

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict:
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else []:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"key {key.value!r} is written twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _check_events(text: str) -> None:
    """Refuse anchors (they can expand without bound) and deep nesting before building anything."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(
                problem="anchors and aliases are not allowed", problem_mark=event.start_mark
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(
                problem=f"nesting deeper than {MAX_DEPTH}", problem_mark=event.start_mark
            )


def _parse(path: Path) -> object:
    where: dict[str, object] = {"file": label(path)}
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CardError(f"the file cannot be read: {error.strerror}", where=where) from error
    if len(raw) > MAX_BYTES:
        raise CardError(
            f"the file has {len(raw)} bytes", where=where, expected=f"at most {MAX_BYTES}"
        )
    try:
        text = raw.decode("utf-8-sig")
        _check_events(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - builds text, lists and mappings
    except UnicodeDecodeError as error:
        raise CardError(
            f"byte {error.start} is not UTF-8",
            where=where,
            hint="save the file in the encoding UTF-8",
        ) from error
    except yaml.MarkedYAMLError as error:
        if error.problem_mark is not None:
            where["line"] = error.problem_mark.line + 1
        raise CardError(f"not valid YAML: {error.problem or error.context}", where=where) from error
    except yaml.YAMLError as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CardError(f"not valid YAML: {first}", where=where) from error


def label(path: Path) -> str:
    """Return a card's name for messages: folder and file, as a study and its card share a name."""
    return f"{path.parent.name}/{path.name}"


def read_card(path: Path, model: type[_Model]) -> _Model:
    """Read a card file into its schema.

    Parameters
    ----------
    path : Path
        YAML in UTF-8, at most 200 kB, without anchors.
    model : type
        The pydantic schema of the file.

    Raises
    ------
    nqpf.errors.CardError
        If the file is not YAML (with the line), holds a key twice or does not
        fit the schema (with the field).
    """
    raw = _parse(path)
    if not isinstance(raw, dict):
        raise CardError(
            "the file holds no fields",
            where={"file": label(path)},
            expected="lines of the form 'field: value'",
        )
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise _schema_error(path, error) from error


def _schema_error(path: Path, error: ValidationError) -> CardError:
    problems = error.errors(include_url=False, include_context=False)
    first = problems[0]
    field = ".".join(str(part) for part in first["loc"]) or "the card"
    given = ascii(first["input"]) if isinstance(first["input"], str) else ""
    given = f" (given {given[:60]})" if given else ""
    more = f" (and {len(problems) - 1} more problems)" if len(problems) > 1 else ""
    return CardError(
        f"{first['msg'].removeprefix('Value error, ')}{given}{more}",
        where={"file": label(path), "field": field},
        hint="see docs/cards.md for the fields of a card",
    )


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
