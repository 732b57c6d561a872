"""Reading card files: strict YAML in which every scalar is text until the schema says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from nqpf.errors import CardError
from nqpf.text import visible_within

__all__ = ["Bilingual", "Key", "Strict", "Text", "label", "read_card"]

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
