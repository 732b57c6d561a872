"""What the survey and public records state about a study, and the files of a new one."""

from __future__ import annotations

import re
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from nqpf.checks import choose
from nqpf.data.catalogue import _Bilingual, _first_fault, _Strict
from nqpf.errors import CardError
from nqpf.files import _replacing, root

_BYTES = 200_000
_DEPTH = 12
_YEARS = (1900, 2100)  # of a study

_Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
_Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$", max_length=60)]
_Model = TypeVar("_Model", bound=BaseModel)


def _refused(problem: str, mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


class _Loader(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
    """Takes every scalar as the text that is written, and a key once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refused("a key is not a text", key.start_mark)
            if key.value in seen:
                raise _refused(f"key {key.value!r} is written twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _built(text: str) -> object:
    """Build texts, lists and mappings from YAML.

    Anchors, which can expand without bound, and deep nesting are refused before anything is built.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused("anchors and aliases are not allowed", event.start_mark)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH:
            raise _refused(f"nesting deeper than {_DEPTH}", event.start_mark)
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - builds nothing but texts


def _label(path: Path) -> str:
    """Return a card's name for messages: folder and file, as a study and its card share a name."""
    return "/".join(path.parts[-2:])


def _read_card(path: Path, model: type[_Model]) -> _Model:
    """Read a card file, YAML in UTF-8 of at most 200 kB without anchors, into its schema.

    Raises
    ------
    nqpf.errors.CardError
        If the file is not YAML (with the line), holds a key twice or does not
        fit the schema (with the field).
    """
    try:
        return _parsed(path.read_bytes(), _label(path), model)
    except OSError as error:
        problem = f"the file cannot be read: {error.strerror}"
        raise CardError(problem, where={"file": _label(path)}) from error


@lru_cache(maxsize=256)  # a chapter reads the same cards hundreds of times
def _parsed(raw: bytes, label: str, model: type[_Model]) -> _Model:
    where: dict[str, object] = {"file": label}
    if len(raw) > _BYTES:
        problem = f"the file has {len(raw)} bytes"
        raise CardError(problem, where=where, expected=f"at most {_BYTES}")
    try:
        fields = _built(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        problem, hint = f"byte {error.start} is not UTF-8", "save the file in the encoding UTF-8"
        raise CardError(problem, where=where, hint=hint) from error
    except yaml.YAMLError as error:
        if mark := getattr(error, "problem_mark", None):
            where["line"] = mark.line + 1
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise CardError(f"not valid YAML: {problem}", where=where) from error
    if not isinstance(fields, dict):
        expected = "lines of the form 'field: value'"
        raise CardError("the file holds no fields", where=where, expected=expected)
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        where["field"], problem = _first_fault(error)
        hint = "see docs/cards.md for the fields of a card"
        raise CardError(problem, where=where, hint=hint) from error


_KEY = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*-[0-9]{4}")


def _is_key(key: str) -> bool:
    """Return whether a text has the form of a study's key, ``author-year`` in lower case."""
    return len(str(key)) <= 60 and _KEY.fullmatch(str(key)) is not None


def _keys(folder: str, home: Path | None = None) -> list[str]:
    """Return the keys of the cards in ``data/<folder>``: files named ``author-year.yaml``."""
    cards = ((home or root()) / "data" / folder).glob("*.yaml")
    return sorted(card.stem for card in cards if _is_key(card.stem))


def _load(folder: str, key: str, model: type[_Model], home: Path | None) -> tuple[_Model, str]:
    """Return the card ``data/<folder>/<key>.yaml``, which holds its key, and its name."""
    path = (home or root()) / "data" / folder / f"{key}.yaml"
    if not (_is_key(key) and path.is_file()):
        choose("card", key, _keys(folder, home), CardError, {"folder": f"data/{folder}"})
    card, file = _read_card(path, model), _label(path)
    if card.key != key:
        raise CardError(f"key {card.key!r} is not the file's name", where={"file": file})
    _check_once([one.key for one in card.dimensions], "dimension", {"file": file})
    return card, file


def _check_once(items: list[str], what: str, where: dict[str, object]) -> None:
    double = {item for item in items if items.count(item) > 1}
    if double:
        raise CardError(f"{what} {min(double)!r} is there twice", where=where)


_NOT_STATED = "not stated in the survey"
_Known = Literal["S", "V"]


class _Stated(_Strict):
    """A fact about a study: S when the survey states it, V when a second record confirms it.

    `lacks` says what is open of a fact that is named and not given in full.
    """

    text: _Text
    status: _Known
    lacks: _Text | None = None

    def __str__(self) -> str:
        return f"{self.text} ({self.status})"


class _Publication(_Strict):
    """Bibliographic record, given only as far as a second public record confirms it.

    `confirmed` names that record.
    """

    title: _Text
    journal: _Text
    issue: _Text | None = None
    pages: _Text | None = None
    doi: _Text | None = None
    confirmed: _Text | None = None
    status: Literal["V"]


class _StatedDimension(_Strict):
    """A dimension that the study names; `group` is the family it belongs to, if any."""

    key: _Key
    name: _Bilingual
    status: _Known
    group: _Bilingual | None = None


class Study(_Strict):
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

    key: _Key
    kind: Literal["composite", "tfp"]
    authors: _Bilingual
    year: int = Field(ge=_YEARS[0], le=_YEARS[1])
    label: _Text | None = None
    publication: _Publication | None = None
    basis: _Stated | None = None
    sample: _Stated | None = None
    weighting: _Stated | None = None
    aggregation: _Stated | None = None
    estimator: _Stated | None = None
    gaps: _Stated | None = None
    prices: _Stated | None = None
    indicators: _Stated | None = None
    directions: _Stated | None = None
    proxies: _Stated | None = None
    normalisation: _Stated | None = None
    weight_values: _Stated | None = None
    capital: _Stated | None = None
    inputs: _Stated | None = None
    scores: _Stated | None = None
    uncertainty: _Stated | None = None
    code: _Stated | None = None
    dimensions: tuple[_StatedDimension, ...] = ()
    statements: tuple[_Stated, ...] = ()
    remark: _Text | None = None
    level: Literal["N", "M", "P", "D"]
    missing: tuple[_Text, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _level_follows(self) -> Study:
        """Refuse a level above or beside what the record states."""
        known = list(self.stated.values())
        allowed = "NMD" if all(known) else "PD" if any(known) else "D"
        if self.level not in allowed:
            words = {True: "stated", False: "not stated in full"}
            said = ", ".join(f"{part} {words[whole]}" for part, whole in self.stated.items())
            problem = f"level {self.level} does not follow from the record ({said})"
            raise ValueError(f"{problem}; expected {' or '.join(allowed)}")
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
        tfp = self.kind == "tfp"
        facts = [self.estimator] if tfp else [self.weighting, self.aggregation]
        method = all(fact is not None and fact.lacks is None for fact in facts)
        return {"method": method} | ({} if tfp else {"dimensions": bool(self.dimensions)})

    @classmethod
    def load(cls, key: str, home: Path | None = None) -> Study:
        """Read ``data/studies/<key>.yaml``.

        Raises
        ------
        nqpf.errors.CardError
            If there is no such study or its file is not valid.
        """
        return _load("studies", key, cls, home)[0]

    @classmethod
    def keys(cls, home: Path | None = None) -> list[str]:
        """Return the keys of every surveyed study, composites and productivity alike.

        Examples
        --------
        >>> "qiao-ma-2024" in Study.keys()
        True
        """
        return _keys("studies", home)

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
        if len(people) > 2 or self.authors.en.endswith(" et al."):
            return f"{people[0].split()[0]} et al."
        return "-".join(person.split()[0] for person in people)


_CONTENTS = Path("book") / "_toc.yml"
_CHAPTERS = "notebooks/studies"
_PAGES = ("notebooks/records", _CHAPTERS)  # the build makes the first from the card


def _new_study(key: str, home: Path | None = None) -> list[Path]:
    """Write a new study's record, card and chapter, and enter it in the table of contents.

    The page of the record needs no file: the build makes it for every card.

    Either all four files are written or none, and no file that is there is touched.

    Parameters
    ----------
    key : str
        Family names and year in lower case, such as ``li-wang-2025``.
    home : Path or None
        Project folder; found by itself when None.

    Returns
    -------
    list of Path
        Study, card, chapter, table of contents.

    Raises
    ------
    nqpf.errors.CardError
        If the key is not of that form, a file is there already, the table of
        contents has no place for the chapter, or a file cannot be written.

    Notes
    -----
    The new study is valid at once and states nothing yet: its example indicators carry
    status B, its level is D, and its chapter builds. Whoever fills it in always has a book that
    builds, and nothing that was not written by its author claims to be the study's.
    """
    if not _is_key(key):
        expected = "family names and year in lower case, such as li-wang-2025"
        raise CardError(f"{str(key)!r} cannot be the key of a study", expected=expected)
    home = home or root()
    *names, year = key.split("-")
    if not _YEARS[0] <= int(year) <= _YEARS[1]:
        expected = f"a year from {_YEARS[0]} to {_YEARS[1]}"
        raise CardError(f"{key!r} cannot be shown: no study is of {year}", expected=expected)
    authors = " and ".join(name.capitalize() for name in names)
    words = {"KEY": key, "AUTHORS": authors, "YEAR": year, "TITLE": f"{authors} ({year})"}
    paths = {
        "study.yaml": home / "data" / "studies" / f"{key}.yaml",
        "card.yaml": home / "data" / "systems" / f"{key}.yaml",
        "chapter.md": home / _CHAPTERS / f"{key}.md",
    }
    texts = {}
    for template, path in paths.items():
        if path.exists():
            where = {"file": path.relative_to(home).as_posix()}
            raise CardError("the file is there already", where=where, hint="choose another key")
        text = (Path(__file__).parent / "templates" / template).read_text(encoding="utf-8")
        texts[path] = re.sub(r"\{([A-Z]+)\}", lambda found: words[found[1]], text)
    contents = home / _CONTENTS
    try:
        listed = _entered(contents.read_text(encoding="utf-8"), key)
        with ExitStack() as undo:
            for path, text in texts.items():
                undo.callback(path.unlink, missing_ok=True)
                _write(path, text)
            _write(contents, listed)
            undo.pop_all()
    except OSError as error:
        where = {"file": str(error.filename)}
        raise CardError(f"nothing was written: {error.strerror}", where=where) from error
    return [*paths.values(), contents]


def _entered(text: str, key: str) -> str:
    """Return the table of contents with record and chapter, each behind the last of its folder."""
    where = {"file": _CONTENTS.as_posix()}
    for folder in _PAGES:
        entries = list(re.finditer(rf"^( *)- file: {folder}/([^ #\n]+).*\n?", text, re.MULTILINE))
        if not entries:
            problem = f"no chapter of {folder} is in the table of contents"
            raise CardError(problem, where=where, expected="one to put the new one after")
        if key in [entry[2] for entry in entries]:
            raise CardError(f"the chapter of {key} is there already", where=where)
        last = entries[-1]
        before = text[: last.end()].removesuffix("\n")
        text = f"{before}\n{last[1]}- file: {folder}/{key}\n{text[last.end() :]}"
    return text


def _write(path: Path, text: str) -> None:
    with _replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
