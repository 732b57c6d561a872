"""Measure how large the project is and hold each figure against its limit.

Usage: python tests/unit/measure_size.py [--check]

Code lines are lines of Python that are neither blank nor comment nor docstring. A public name is
a function, class or constant at the top of a module of the library whose name begins without an
underscore: what a reader may use and the project keeps. Names with an underscore are the
library's own, whichever module uses them. With --check the exit is 1 when a limit is passed.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = "src/nqpf/"
MODULE = 400  # code lines of the longest module
# CI holds each figure against its limit.
LIMITS = {
    "code lines of the library": 15000,
    "modules of the library": 80,
    "modules over 400 code lines": 0,
    "public names": 150,
    "public names of the faces": 70,
    "code lines of book/_ext and scripts": 2300,
    "code lines of tests": 14000,
    "decision records": 30,
}


def code_lines(source: str) -> int:
    r"""Return the number of lines that are neither blank nor comment nor docstring.

    Examples
    --------
    >>> code_lines('"Doc."\n\nx = 1  # one\n# two\n')
    1
    """
    told: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str):
            told.update(range(node.lineno, node.end_lineno + 1))
    lines = enumerate(source.splitlines(), 1)
    return sum(at not in told and not re.match(r"\s*(#|$)", line) for at, line in lines)


def defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement at the top of a module defines."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [part.id for t in targets for part in ast.walk(t) if isinstance(part, ast.Name)]


def public_names(source: str) -> list[str]:
    r"""Return the names a module defines at its top, without those that begin with "_".

    Examples
    --------
    >>> public_names("import os\nX = 1\ndef f(): pass\nclass _C: pass\n")
    ['X', 'f']
    """
    found = {name for node in ast.parse(source).body for name in defined(node)}
    return sorted(name for name in found if not name.startswith("_"))


def homes(face: str, tree: ast.Module) -> dict[str, tuple[str, str]]:
    """Return local name and (module, name) of what a face imports later, by its tables."""
    found: list[tuple[str, str]] = []
    for node in tree.body:
        if defined(node) in (["_HOME"], ["_NAMES"]) and isinstance(node.value, ast.Dict):
            for key, value in ast.literal_eval(node.value).items():
                found += [(key, value)] if isinstance(value, str) else [(n, key) for n in value]
    return {name: (f"{face}.{module}", name) for name, module in found}


def imported(tree: ast.AST) -> list[tuple[str, tuple[str, str]]]:
    """Return local name and (module, name) of every `from` import in a piece of code."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return [(a.asname or a.name, (node.module, a.name)) for node in found for a in node.names]


def measured() -> dict[str, int]:
    """Return every figure of :data:`LIMITS` for the files that git keeps."""
    command = ["git", "-C", str(ROOT), "ls-files"]
    listed = subprocess.check_output(command, text=True).splitlines()
    kept = [name for name in listed if (ROOT / name).exists()]
    files = [name for name in kept if name.endswith(".py")]
    sources = {name: (ROOT / name).read_text("utf-8") for name in files}
    lines = {name: code_lines(source) for name, source in sources.items()}

    def total(*folders: str) -> int:
        return sum(n for name, n in lines.items() if name.startswith(folders))

    library = {name for name in files if name.startswith(LIBRARY)}
    modules = {name for name in library if not name.endswith("__init__.py")}
    faces = [ast.parse(sources[name]) for name in library - modules]
    offered = {name for tree in faces for name in homes("", tree)}
    offered |= {n for t in faces for n, (module, _) in imported(t) if module.startswith("nqpf.")}
    figures = (
        total(LIBRARY),
        len(modules),
        sum(lines[name] > MODULE for name in modules),
        sum(len(public_names(sources[name])) for name in modules),
        len(offered),
        total("book/_ext/", "scripts/"),
        total("tests/"),
        sum(name.startswith("docs/decisions/0") for name in kept),
    )
    return dict(zip(LIMITS, figures, strict=True))


def main() -> int:
    """Print the figures beside their limits."""
    print(f"{'':40}{'now':>8}{'limit':>8}")
    over = False
    for name, figure in measured().items():
        mark = "  over the limit" if figure > LIMITS[name] else ""
        print(f"{name:40}{figure:8,}{LIMITS[name]:8,}{mark}")
        over |= bool(mark)
    return int(over and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
