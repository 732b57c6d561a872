"""The backward slice over made-up chapters: what an output depends on, and what not."""

from __future__ import annotations

import pytest
from outputs_slice import Chapter


def lines(*cells: str, of: int = -1, key: str = "", shows: tuple[int, ...] = ()) -> list[str]:
    """Return the first lines of the statements that a cell's output depends on."""
    chapter = Chapter(list(cells), frozenset(shows))
    cell = of % len(cells)
    targets = chapter.gluing(cell, key) if key else chapter.shown(cell)
    found = chapter.slice(targets)
    return [cells[one.cell].splitlines()[one.first - 1] for one in found]


def test_only_what_is_used_is_kept() -> None:
    assert lines("a = 1\nb = 2", "c = 3", "a + c") == ["a = 1", "c = 3", "a + c"]


def test_the_last_assignment_counts() -> None:
    assert lines("a = 1", "a = 2", "a") == ["a = 2", "a"]
    assert lines("a = 1", "a", "a = 2", of=1) == ["a = 1", "a"]


def test_a_name_made_from_itself_keeps_its_past() -> None:
    assert lines("a = 1", "a = a + 1", "a") == ["a = 1", "a = a + 1", "a"]
    assert lines("a = 1", "a += 1", "a") == ["a = 1", "a += 1", "a"]


@pytest.mark.parametrize(
    "change",
    ["t['x'] = 1", "t.x = 1", "t.append(1)", "t.loc[0, 'x'] = 1", "del t['x']", "fill(t)"],
)
def test_a_change_in_place_is_kept(change: str) -> None:
    assert lines("t = make()\nu = 1", change, "t") == ["t = make()", change, "t"]


def test_what_is_only_shown_is_no_change() -> None:
    cells = ["t = make()", "t.head()", "print(t)", "glue('k', t)", "t"]
    assert lines(*cells, shows=(1, 4)) == ["t = make()", "t"]
    assert lines(*cells) == ["t = make()", "t.head()", "t"]


def test_a_function_brings_what_it_reads_when_it_is_called() -> None:
    cells = ["rate = 1\ndef f(x):\n    return x * rate", "rate = 2", "f(3)"]
    assert lines(*cells) == ["def f(x):", "rate = 2", "f(3)"]
    cells = ["rate = 1", "f = lambda x: x * rate", "rate = 2", "f(3)"]
    assert lines(*cells) == ["f = lambda x: x * rate", "rate = 2", "f(3)"]


def test_functions_that_call_functions_are_followed() -> None:
    cells = [
        "import a as b",
        "def f():\n    return b.x",
        "def g():\n    return f()",
        "z = 1",
        "g()",
    ]
    assert lines(*cells) == ["import a as b", "def f():", "def g():", "g()"]


def test_a_functions_own_names_are_its_own() -> None:
    assert lines("x = 1", "def f(x):\n    y = x\n    return y", "y = 2", "f(3)") == [
        "def f(x):",
        "f(3)",
    ]


def test_a_function_that_changes_what_stands_outside() -> None:
    cells = ["rows = []\nother = []", "def add(x):\n    rows.append(x)", "add(1)", "rows"]
    assert lines(*cells) == ["rows = []", "def add(x):", "add(1)", "rows"]


def test_comprehensions_keep_their_loop_to_themselves() -> None:
    assert lines("k = 1", "d = [1]", "[k for k in d]") == ["d = [1]", "[k for k in d]"]
    cells = ["k = 1", "d = [1]", "[k + j for j in d]"]
    assert lines(*cells) == cells


def test_loops_and_conditions_may_not_have_run() -> None:
    loop = "for x in xs:\n    a = x"
    assert lines("xs = [1]\nb = 0", "a = 0", loop, "a") == ["xs = [1]", "a = 0", loop[:12], "a"]
    assert lines("c = 1", "a = 0", "if c:\n    a = 1", "a") == ["c = 1", "a = 0", "if c:", "a"]


def test_a_loop_that_fills_a_list() -> None:
    cells = ["rows = []", "for i in range(3):\n    rows.append(i)", "n = 1", "rows"]
    assert lines(*cells) == ["rows = []", "for i in range(3):", "rows"]


def test_tuples_and_stars_are_unpacked() -> None:
    assert lines("a, (b, *c) = make()", "d = 1", "c") == ["a, (b, *c) = make()", "c"]


def test_imports_under_another_name() -> None:
    cells = ["import numpy as np\nfrom nqpf import Panel as P, Study", "P.load()"]
    assert lines(*cells) == ["from nqpf import Panel as P, Study", "P.load()"]


def test_drawing_on_the_axes_is_drawing_on_the_figure() -> None:
    cells = ["fig, ax = plt.subplots()", "x = 1", "ax.plot(x)", "show(fig, 'text')"]
    assert lines(*cells) == cells
    cells = ["fig = new()", "axes = fig.subplots(2)", "for ax in axes:\n    ax.plot(1)", "fig"]
    assert lines(*cells) == ["fig = new()", "axes = fig.subplots(2)", "for ax in axes:", "fig"]


def test_two_names_of_one_assignment_are_not_one_thing() -> None:
    assert lines("a, b = f()", "b['x'] = 1", "a") == ["a, b = f()", "a"]


def test_glued_keys_are_found_by_their_statement() -> None:
    cells = ["a = 1\nb = 2", "glue('x', a)\nglue('y', b)"]
    assert lines(*cells, key="y") == ["b = 2", "glue('y', b)"]
    loop = "for k in ('x', 'y'):\n    glue(k, b)"
    assert lines(cells[0], "glue('z', a)\n" + loop, key="y") == ["b = 2", "for k in ('x', 'y'):"]


def test_lines_for_ipython_and_broken_cells_are_passed_over() -> None:
    assert lines("%matplotlib inline\na = 1", "a") == ["a = 1", "a"]
    assert lines("a = 1", "a = (", "a") == ["a = 1", "a"]


def test_a_cell_without_a_value_depends_on_all_its_statements() -> None:
    assert lines("a = 1", "b = a\nprint(b)\nc = 2") == ["a = 1", "b = a", "print(b)", "c = 2"]
    chapter = Chapter(["a = 1\nb = 2\nprint(a)"])
    assert [one.first for one in chapter.slice(chapter.calling(0, "print"))] == [1, 3]
