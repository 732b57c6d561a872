"""Exercises that name code can be done: each is followed once, after the code of its chapter.

`exercises.yaml` holds what a reader would write, by chapter and number. Of the chapter only the
statements run on which that rests, so that a long one costs no more than its exercise; where a
chapter draws ten thousand times, the entry draws less.
"""

from __future__ import annotations

import ast
import re
from keyword import iskeyword
from pathlib import Path

import jupytext
import pytest
import yaml
from browsing import CHAPTERS, ROOT
from IPython.core.interactiveshell import InteractiveShell
from outputs_code import Code

ENTRIES = yaml.safe_load(Path(__file__).with_name("exercises.yaml").read_text("utf-8"))
_NUMBERED = re.compile(r"^(\d+)\. (.+(?:\n   .*)*)", re.MULTILINE)
_CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]+")


def exercises(text):
    """Return the pieces of code that each exercise of a chapter names."""
    section = text.partition("\n## Exercises\n")[2].partition("\n## ")[0]
    return {int(n): _CODE.findall(said) for n, said in _NUMBERED.findall(section)}


def named(page):
    found = exercises(CHAPTERS[page].read_text(encoding="utf-8"))
    return {number: code for number, code in found.items() if code}


WITH_CODE = [page for page, path in CHAPTERS.items() if path.is_file() and named(page)]


def followed(page, solution):
    """Return the code of a chapter that a solution rests on, cell by cell, and the solution."""
    notebook = jupytext.read(CHAPTERS[page])
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    code = Code([*sources, solution])
    own = [at for at, one in enumerate(code.statements) if one.cell == len(sources)]
    kept: dict[int, list[ast.stmt]] = {}
    for one in code.behind(own):
        kept.setdefault(one.cell, []).append(one.tree)
    return [ast.unparse(ast.Module(body=body, type_ignores=[])) for body in kept.values()]


@pytest.fixture
def shell(monkeypatch):
    """Return an empty namespace that runs cells, as a reader's kernel does."""
    monkeypatch.chdir(ROOT)
    return InteractiveShell()


def run(shell, source):
    result = shell.run_cell(source, store_history=False, silent=True)
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        raise AssertionError(f"this cell raises {type(error).__name__}:\n{source}") from error


def test_every_exercise_that_names_code_has_an_entry_and_no_other_has():
    there = {page: sorted(solutions) for page, solutions in ENTRIES.items()}
    assert there == {page: sorted(named(page)) for page in WITH_CODE}


@pytest.mark.parametrize("page", WITH_CODE)
def test_exercises_use_the_code_that_they_name_and_run_as_they_are_written(page, shell):
    for number, pieces in named(page).items():
        solution = ENTRIES[page][number]
        wanted = {word for word in _NAME.findall(" ".join(pieces)) if not iskeyword(word)}
        assert wanted <= set(_NAME.findall(solution)), (page, number)
        shell.reset(new_session=False)
        for source in followed(page, solution):
            run(shell, source)


def test_a_wrong_exercise_fails(shell):
    page = "notebooks/index/by-hand"
    *_, last = cells = followed(page, "z.no_such_method()")
    assert any("Panel.load()" in cell for cell in cells)
    for source in cells[:-1]:
        run(shell, source)
    with pytest.raises(AssertionError, match="raises AttributeError"):
        run(shell, last)
