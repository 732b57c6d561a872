"""Measure how large the project is and hold each figure against its limit.

Usage: python scripts/measure_size.py [--check]

Code lines are lines of Python that are neither blank nor comment nor docstring. A public name is
a function, class or constant at the top of a module of the library whose name begins without an
underscore: what a reader may use and the project keeps. Names with an underscore are the
library's own, whichever module uses them. With --check the exit is 1 when a limit is passed.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = "src/nqpf/"
MODULE = 400  # code lines of the longest module
# Figure -> (limit, aim). CI holds the limit; where it is above the aim, it falls with the code.
LIMITS = {
    "code lines of the library": (16560, 15000),
    "modules of the library": (81, 80),
    "modules over 400 code lines": (0, 0),
    "public names": (150, 150),
    "public names of the faces": (70, 70),
    "imports in a circle": (0, 0),
    "code lines of book/_ext and scripts": (3720, 2300),
    "code lines of tests": (21100, 14000),
    "decision records": (30, 30),
}


def code_lines(source: str) -> int:
    r"""Return the number of lines that are neither blank nor comment nor docstring.

    Examples
    --------
    >>> code_lines('"Doc."\\n\\nx = 1  # one\\n# two\\n')
    1
    """
    told: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node, clean=False) is not None:
                told.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(source.splitlines(), 1)
    return sum(
        1 for at, line in lines if at not in told and line.strip() and line.strip()[0] != "#"
    )


def public_names(source: str) -> list[str]:
    r"""Return the names a module defines at its top, without those that begin with "_".

    Examples
    --------
    >>> public_names("import os\\nX = 1\\ndef f(): pass\\nclass _C: pass\\n")
    ['X', 'f']
    """
    found: list[str] = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    return sorted(name for name in set(found) if not name.startswith("_"))


def face_names(source: str) -> list[str]:
    """Return the names that a package's `__all__` or its table of homes lists."""
    found: list[str] = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in (
            "__all__",
            "_HOME",
        ):
            keys = node.value.keys if isinstance(node.value, ast.Dict) else None
            parts = keys or getattr(node.value, "elts", [])
            found += [p.value for p in parts if isinstance(p, ast.Constant)]
    return found


def circles(sources: dict[str, str]) -> list[list[str]]:
    """Return the groups of modules that import each other, lazily or for their types too."""
    graph = {name: set(_imported(name, source, sources)) for name, source in sources.items()}
    order: list[str] = []
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        order.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in order:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = order.index(name)
            group = sorted(order[at:])
            del order[at:]
            if len(group) > 1:
                found.append(group)

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found


def _imported(name: str, source: str, known: dict[str, str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                target = whole if whole in known else node.module
                if target in known and target != name:
                    yield target


def measured() -> dict[str, int]:
    """Return every figure of :data:`LIMITS` for the files that git keeps."""
    listed = subprocess.run(
        ["git", "ls-files"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    files = [name for name in listed if name.endswith(".py") and (ROOT / name).exists()]
    sources = {name: (ROOT / name).read_text("utf-8") for name in files}
    lines = {name: code_lines(source) for name, source in sources.items()}

    def total(*folders: str) -> int:
        return sum(n for name, n in lines.items() if name.startswith(folders))

    library = {name for name in files if name.startswith(LIBRARY)}
    modules = {name for name in library if not name.endswith("__init__.py")}
    faces = {n for name in library - modules for n in face_names(sources[name])}
    named = {name[4:-3].replace("/", "."): sources[name] for name in modules}
    records = [n for n in listed if n.startswith("docs/decisions/0") and (ROOT / n).exists()]
    figures = (
        total(LIBRARY),
        len(modules),
        sum(lines[name] > MODULE for name in modules),
        sum(len(public_names(sources[name])) for name in modules),
        len(faces),
        sum(map(len, circles(named))),
        total("book/_ext/", "scripts/"),
        total("tests/"),
        len(records),
    )
    return dict(zip(LIMITS, figures, strict=True))


def main() -> int:
    """Print the figures beside their limits."""
    figures = measured()
    over = [name for name, figure in figures.items() if figure > LIMITS[name][0]]
    print(f"{'':40}{'now':>8}{'limit':>8}{'aim':>8}")
    for name, figure in figures.items():
        limit, aim = LIMITS[name]
        mark = "  over the limit" if name in over else ""
        print(f"{name:40}{figure:8,}{limit:8,}{aim:8,}{mark}")
    return int(bool(over) and "--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
