"""The statements of a chapter that an output rests on, and what they use of the library.

A statement rests on those that last gave its names a value, on those that changed it since, and so
on back to the imports. Names alone decide: a statement may be listed that did not matter rather
than one be lost that did.
"""

from __future__ import annotations

import ast
import inspect
import re
import symtable
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import nqpf

_MAGIC = re.compile(r"^\s*[%!].*$", re.MULTILINE)
# May run or not, so what they write may still be what was written before.
_PERHAPS = (ast.If, ast.For, ast.While, ast.Try, ast.Match)
# Called for their effect on the page, not on what they are given.
_QUIET = {"print", "display", "glue"}


@dataclass(frozen=True, order=True)
class Function:
    """A function, class or method: its name, the first line of its text, its place."""

    name: str
    summary: str
    file: str
    line: int


@dataclass(frozen=True)
class Statement:
    """A statement, its cell, and the names it reads, gives a value, and may change in place.

    `later` are names that a function reads, which are what they are when it is called; `text` is
    the statement as Python writes it, `names` what it names, with what stands before their dots.
    """

    tree: ast.stmt
    cell: int
    text: str
    names: set[str]
    reads: set[str]
    later: set[str]
    given: set[str]
    changed: set[str]

    @property
    def lines(self) -> tuple[int, int]:
        """First and last line in the cell, from 1, decorators included."""
        decorators = getattr(self.tree, "decorator_list", [])
        return min(one.lineno for one in (self.tree, *decorators)), self.tree.end_lineno or 0


class Code:
    """The code of a chapter.

    Parameters
    ----------
    sources : sequence of str
        Code of each code cell, in order.
    shows : collection of int
        Cells whose last expression was shown on the page when the chapter ran; in others it
        was there for its effect.

    Examples
    --------
    >>> code = Code(["from nqpf import Panel", "a = 1; b = Panel.load()", "glue('b', b.frame)"])
    >>> found = code.behind(code.targets(2, "b"))
    >>> [one.text for one in found[:2]]
    ['from nqpf import Panel', 'b = Panel.load()']
    >>> [one.name for one in code.functions(found)]
    ['nqpf.Panel.load']
    """

    def __init__(self, sources: Sequence[str], shows: Collection[int] = ()) -> None:
        self.statements = []
        for cell, body in enumerate(map(_parsed, sources)):
            for tree in body:
                shown = cell in shows and tree is body[-1]
                self.statements.append(_statement(cell, tree, shown))
        trees = [one.tree for one in self.statements]
        self._imported = {name: thing for tree in trees for name, thing in _imports(tree)}

    def targets(self, cell: int, key: str = "") -> list[int]:
        """Return the positions of what shows an output: a glued key, or the value of a cell."""
        own = {i: one for i, one in enumerate(self.statements) if one.cell == cell}
        if not key:
            last = list(own)[-1:]
            return last if last and isinstance(own[last[0]].tree, ast.Expr) else list(own)
        calls = (f"glue({key!r},", "glue(")
        found = ([i for i, one in own.items() if call in one.text] for call in calls)
        return next(filter(None, found), list(own))

    def behind(self, targets: Iterable[int]) -> list[Statement]:
        """Return the statements that some rest on, those included, in order."""
        waiting, found = list(targets), set()
        while waiting:
            one = waiting.pop()
            if one in found:
                continue
            found.add(one)
            names = list(self.statements[one].reads)
            for name in names:  # grows by what the functions among them read
                for before in range(one - 1, -1, -1):
                    earlier = self.statements[before]
                    if name in earlier.given | earlier.changed:
                        waiting.append(before)
                        names += sorted(earlier.later.difference(names))
                    if name in earlier.given:
                        break
        return [self.statements[one] for one in sorted(found)]

    def functions(self, statements: Iterable[Statement]) -> list[Function]:
        """Return what statements use of the library by a name that the chapter imports."""
        used = {name for one in statements for name in one.names}
        found = {one for name in used for one in self._described(name)}
        owners = {one.name.rpartition(".")[0] for one in found}
        return sorted(one for one in found if one.name not in owners)

    def _described(self, used: str) -> Iterator[Function]:
        first, *rest = used.split(".")
        name, thing = self._imported.get(first, ("", None))
        for part in rest:
            thing = getattr(thing, part, None)
        thing = thing.fget if isinstance(thing, property) else getattr(thing, "__func__", thing)
        inner = inspect.unwrap(thing) if callable(thing) else None
        known = inspect.isroutine(inner) or inspect.isclass(inner)
        if known and (inner.__module__ or "").split(".")[0] == "nqpf":
            yield Function(".".join([name, *rest]), *_place(inner))


@cache
def _place(thing: type) -> tuple[str, str, int]:
    """Return the first line of what a function or class says of itself, its file and line."""
    text = (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")
    file = Path(inspect.getsourcefile(thing)).relative_to(Path(nqpf.__file__).parents[1])
    return text, f"src/{file.as_posix()}", inspect.getsourcelines(thing)[1]


def _parsed(source: str) -> list[ast.stmt]:
    # A line for IPython is no Python; a blank one keeps the numbers of the lines.
    try:
        return ast.parse(_MAGIC.sub("", source)).body
    except SyntaxError:
        return []


def _statement(cell: int, tree: ast.stmt, shown: bool) -> Statement:
    text = ast.unparse(tree)
    table = symtable.symtable(text, "cell", "exec")
    own = table.get_symbols()
    reads, later = {symbol.get_name() for symbol in own if symbol.is_referenced()}, _inner(table)
    if not isinstance(getattr(tree, "value", tree), ast.FunctionDef | ast.Lambda):
        reads, later = reads | later, set()
    given = {one.get_name() for one in own if one.is_assigned() or one.is_imported()}
    changed: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign):
            reads.add(_base(node.target))
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            changed.add(_base(node))
        # A call whose value nobody takes is made for its effect.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not shown:
            if _base(node.value.func) not in _QUIET:
                changed |= {_base(one) for one in [node.value.func, *node.value.args]}
    if isinstance(tree, _PERHAPS):
        given, changed = set(), changed | given
    found = {ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Attribute | ast.Name)}
    names = {name for name in found if re.fullmatch(r"[\w.]+", name)}
    return Statement(tree, cell, text, names, reads - {""}, later, given, changed - {""})


def _inner(table: symtable.SymbolTable) -> set[str]:
    """Return the chapter's names that functions and comprehensions in a statement use."""
    found = set()
    for child in table.get_children():
        found |= {one.get_name() for one in child.get_symbols() if one.is_global()} | _inner(child)
    return found


def _base(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _imports(node: ast.stmt) -> Iterator[tuple[str, tuple[str, object]]]:
    """Yield each name that a statement imports from the library, in full, and what it holds."""
    home = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
        full = home + alias.name
        if full.split(".")[0] == "nqpf":
            # A function may bear the name of its module, and comes first.
            thing = getattr(import_module(node.module), alias.name, None) if home else None
            thing = thing or import_module(full)
            if not home and not alias.asname:
                full, thing = "nqpf", nqpf
            yield alias.asname or full.rpartition(".")[2], (full, thing)
