"""Starting a new study: a valid record, card and chapter that its author then fills."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

from nqpf.errors import CardError
from nqpf.files import replacing, root
from nqpf.systems.study import Study, is_key

__all__ = ["card", "chapter", "new_study", "study"]

_TEMPLATES = Path(__file__).parent / "templates"
_CONTENTS = Path("book") / "_toc.yml"
_CHAPTERS = "notebooks/studies"
_ENTRY = re.compile(rf"^( *)- file: {_CHAPTERS}/([^ #\n]+).*\n?", re.MULTILINE)


def _check(key: str) -> None:
    if not is_key(key):
        raise CardError(
            f"{str(key)!r} cannot be the key of a study",
            expected="family names and year in lower case, such as li-wang-2025",
        )


def _authors(key: str) -> str:
    """Return the names in a key: ``li-wang-2025`` gives ``Li and Wang``."""
    return " and ".join(name.capitalize() for name in key.split("-")[:-1])


def _fill(template: str, **values: str) -> str:
    text = (_TEMPLATES / template).read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def study(key: str) -> str:
    """Return the text of a new ``data/studies/<key>.yaml``, which states nothing yet.

    Raises
    ------
    nqpf.errors.CardError
        If the key is not of the form ``author-year``.

    Examples
    --------
    >>> "authors: {zh: 姓名待填, en: Li and Wang}" in study("li-wang-2025")
    True
    """
    _check(key)
    return _fill("study.yaml", KEY=key, AUTHORS=_authors(key), YEAR=key.split("-")[-1])


def card(key: str) -> str:
    """Return the text of a new ``data/systems/<key>.yaml`` with example indicators, status B.

    Raises
    ------
    nqpf.errors.CardError
        If the key is not of the form ``author-year``.

    Examples
    --------
    >>> card("li-wang-2025").splitlines()[3]
    'key: li-wang-2025'
    """
    _check(key)
    return _fill("card.yaml", KEY=key)


def chapter(key: str, home: Path | None = None) -> str:
    """Return the text of a study's chapter, a notebook in MyST Markdown.

    Parameters
    ----------
    key : str
        Key of the study, of the form ``author-year``.
    home : Path or None
        Project folder; found by itself when None. If it holds the study's
        record, the heading is taken from there.

    Raises
    ------
    nqpf.errors.CardError
        If the key is not of that form, or the record is not valid.

    Examples
    --------
    >>> print(chapter("dong-2024").split("# ")[1].splitlines()[0])
    Dong Qingqian (2024) 董庆前（2024）
    """
    _check(key)
    home = home or root()
    if (home / "data" / "studies" / f"{key}.yaml").is_file():
        title = Study.load(key, home).title
    else:
        title = f"{_authors(key)} ({key.split('-')[-1]})"
    return _fill("chapter.md", KEY=key, TITLE=title)


def _contents(text: str, key: str) -> str:
    """Return the table of contents with the chapter behind the last study."""
    entries = list(_ENTRY.finditer(text))
    if not entries:
        raise CardError(
            f"no chapter of {_CHAPTERS} is in the table of contents",
            where={"file": _CONTENTS.as_posix()},
            expected=f"a line '- file: {_CHAPTERS}/...' to put the new one after",
        )
    if key in [entry[2] for entry in entries]:
        raise CardError(
            f"the chapter of {key} is there already", where={"file": _CONTENTS.as_posix()}
        )
    last = entries[-1]
    before = text[: last.end()]
    before += "" if before.endswith("\n") else "\n"
    return f"{before}{last[1]}- file: {_CHAPTERS}/{key}\n{text[last.end() :]}"


def new_study(key: str, home: Path | None = None) -> list[Path]:
    """Write a new study's record, card and chapter, and enter it in the table of contents.

    Either all four files are written or none. The result is a valid system
    with example indicators, and its chapter builds.

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
    """
    _check(key)
    home = home or root()
    new = {
        home / "data" / "studies" / f"{key}.yaml": study(key),
        home / "data" / "systems" / f"{key}.yaml": card(key),
    }
    there = [*new, home / _CHAPTERS / f"{key}.md"]
    for path in there:
        if path.exists():
            raise CardError(
                "the file is there already",
                where={"file": path.relative_to(home).as_posix()},
                hint="choose another key, or edit the file",
            )
    new[there[-1]] = chapter(key, home)
    contents = home / _CONTENTS
    try:
        listed = _contents(contents.read_text(encoding="utf-8"), key)
        with ExitStack() as undo:
            for path, text in new.items():
                undo.callback(path.unlink, missing_ok=True)
                _write(path, text)
            _write(contents, listed)
            undo.pop_all()
    except OSError as error:
        raise CardError(
            f"nothing was written: {error.strerror}", where={"file": str(error.filename)}
        ) from error
    return [*new, contents]


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
