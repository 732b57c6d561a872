"""Which statements of a chapter an output depends on: a backward slice over its code.

The slice follows names. A statement reads names, writes them, or changes in place what they
hold; an output depends on the statement that shows it, on the last that wrote each name that it
reads, on those that changed it since, and so on back to the imports. Where the code alone does
not tell, the slice keeps a statement rather than lose it.
"""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_MAGIC = re.compile(r"^\s*[%!].*$", re.MULTILINE)
# Called for their effect on the page, not on what they are given.
_QUIET = {"print", "display", "glue"}
# Parts of a figure: what is drawn on them is drawn on the figure.
_PARTS = {
    "subplots",
    "add_subplot",
    "add_axes",
    "subfigures",
    "gca",
    "twinx",
    "twiny",
    "inset_axes",
}
# May run or not, so what they write may still be what was written before.
_PERHAPS = (ast.If, ast.For, ast.While, ast.Try, ast.Match, ast.AsyncFor)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Statement:
    """A statement of a cell and the names it deals in.

    `later` are names that a function reads when it is called; `touches_later` those whose
    value it then changes.
    """

    cell: int
    tree: ast.stmt
    reads: frozenset[str]
    writes: frozenset[str]
    touches: frozenset[str]
    later: frozenset[str] = frozenset()
    touches_later: frozenset[str] = frozenset()

    @property
    def first(self) -> int:
        """First line in the cell, from 1, decorators included."""
        decorators = getattr(self.tree, "decorator_list", [])
        return min([self.tree.lineno, *(one.lineno for one in decorators)])

    @property
    def last(self) -> int:
        """Last line in the cell."""
        return self.tree.end_lineno or self.tree.lineno


@dataclass
class Chapter:
    r"""The code of a chapter, statement by statement.

    Parameters
    ----------
    sources : list of str
        Code of each code cell, in order.
    shows : set of int
        Cells whose last expression was shown on the page when the chapter ran; in others it
        was there for its effect.

    Examples
    --------
    >>> chapter = Chapter(["a = 1\nb = 2", "a + 1"])
    >>> [(s.cell, s.first) for s in chapter.slice(chapter.shown(1))]
    [(0, 1), (1, 1)]
    """

    sources: list[str]
    shows: frozenset[int] = frozenset()
    statements: list[Statement] = field(default_factory=list)

    def __post_init__(self) -> None:
        links: dict[str, set[str]] = {}
        for cell, source in enumerate(self.sources):
            body = _parsed(source)
            for position, tree in enumerate(body):
                shown = position == len(body) - 1 and cell in self.shows
                one = _statement(cell, tree, shown)
                called = self._called(one)
                touches = _linked(one.touches | called, links)
                _link(tree, links)
                self.statements.append(
                    Statement(
                        cell, tree, one.reads, one.writes, touches, one.later, one.touches_later
                    )
                )

    def _called(self, one: Statement) -> frozenset[str]:
        """Return what the functions that a statement uses change when they are called."""
        end = len(self.statements)
        found: set[str] = set()
        for name in one.reads:
            for q in self.reaching(end, name):
                found |= self.statements[q].touches_later
        return frozenset(found)

    def of_cell(self, cell: int) -> list[int]:
        """Return the positions of a cell's statements."""
        return [i for i, one in enumerate(self.statements) if one.cell == cell]

    def shown(self, cell: int) -> list[int]:
        """Return the position of the expression whose value the cell shows; all if none is."""
        own = self.of_cell(cell)
        return own[-1:] if own and isinstance(self.statements[own[-1]].tree, ast.Expr) else own

    def calling(self, cell: int, name: str) -> list[int]:
        """Return the statements of a cell that call a function by its name; all if none does."""
        own = self.of_cell(cell)
        found = [i for i in own if any(True for _ in _calls(self.statements[i].tree, name))]
        return found or own

    def gluing(self, cell: int, key: str) -> list[int]:
        """Return the statements of a cell that glue a key, or those that may."""
        exact, perhaps = [], []
        for i in self.of_cell(cell):
            for call in _calls(self.statements[i].tree, "glue"):
                first = call.args[0] if call.args else None
                if isinstance(first, ast.Constant) and first.value == key:
                    exact.append(i)
                elif not isinstance(first, ast.Constant):
                    perhaps.append(i)
        return list(dict.fromkeys(exact or perhaps)) or self.of_cell(cell)

    def reaching(self, position: int, name: str) -> list[int]:
        """Return the statements before `position` that made the value that `name` has there."""
        found = []
        for i in range(position - 1, -1, -1):
            one = self.statements[i]
            if name in one.writes:
                return [*found, i]
            if name in one.touches:
                found.append(i)
        return found

    def needs(self, position: int) -> list[int]:
        """Return the statements that the one at `position` rests on directly."""
        waiting, seen, found = sorted(self.statements[position].reads), set(), []
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for i in self.reaching(position, name):
                found.append(i)
                # What a function reads is what the names hold when it is called, here.
                waiting += sorted(self.statements[i].later)
        return found

    def slice_positions(self, targets: Iterable[int]) -> list[int]:
        """Return the positions of the targets and of all they rest on, in order."""
        waiting, found = list(targets), set()
        while waiting:
            i = waiting.pop()
            if i not in found:
                found.add(i)
                waiting += self.needs(i)
        return sorted(found)

    def slice(self, targets: Iterable[int]) -> list[Statement]:
        """Return the statements of :meth:`slice_positions`."""
        return [self.statements[i] for i in self.slice_positions(targets)]


def _parsed(source: str) -> list[ast.stmt]:
    # A line for IPython is no Python; a blank one keeps the numbers of the lines.
    try:
        return ast.parse(_MAGIC.sub("", source)).body
    except SyntaxError:
        return []


def _statement(cell: int, tree: ast.stmt, shown: bool) -> Statement:
    table = symtable.symtable(ast.unparse(tree), "cell", "exec")
    reads = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    writes = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    inner = set(_outer_names(table))
    touches = set(_touched(tree, shown))
    later: set[str] = set()
    touches_later: set[str] = set()
    if isinstance(tree, _FUNCTIONS) or _is_lambda(tree):
        later = inner
        touches_later, touches = touches & inner, set()
    else:
        reads |= inner
        later = inner if isinstance(tree, ast.ClassDef) else set()
    reads |= {
        node.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
    }
    if isinstance(tree, _PERHAPS):
        touches, writes = touches | writes, set()
    return Statement(
        cell,
        tree,
        frozenset(reads),
        frozenset(writes),
        frozenset(touches),
        frozenset(later),
        frozenset(touches_later),
    )


def _is_lambda(tree: ast.stmt) -> bool:
    return isinstance(tree, ast.Assign) and isinstance(tree.value, ast.Lambda)


def _outer_names(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the chapter's names that the functions and comprehensions of a statement use."""
    for child in table.get_children():
        for symbol in child.get_symbols():
            if symbol.is_global():
                yield symbol.get_name()
        yield from _outer_names(child)


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def _base(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign | ast.Delete):
        found = list(node.targets)
    elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For):
        found = [node.target]
    elif isinstance(node, ast.withitem) and node.optional_vars:
        found = [node.optional_vars]
    else:
        return []
    flat = []
    while found:
        one = found.pop()
        if isinstance(one, ast.Tuple | ast.List):
            found += one.elts
        else:
            flat.append(one)
    return flat


def _touched(tree: ast.stmt, shown: bool) -> set[str]:
    """Return the names whose value a statement may change in place."""
    found: set[str | None] = set()
    for node in ast.walk(tree):
        found |= {_base(t) for t in _targets(node) if isinstance(t, ast.Attribute | ast.Subscript)}
        # A call whose value nobody takes is made for its effect.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            if node is tree and shown:
                continue
            call = node.value
            if _base(call.func) in _QUIET:
                continue
            if not isinstance(call.func, ast.Name):
                found.add(_base(call.func))
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            found |= {one.id for one in given if isinstance(one, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.For):
            names = {_base(target) for target in _targets(node)}
            if names & found:
                found |= {n.id for n in ast.walk(node.iter) if isinstance(n, ast.Name)}
    return {name for name in found if name}


def _link(tree: ast.stmt, links: dict[str, set[str]]) -> None:
    """Note the names that one assignment makes parts of one figure."""
    if not isinstance(tree, ast.Assign):
        return
    names = {t.id for t in _targets(tree) if isinstance(t, ast.Name)}
    call = tree.value.func if isinstance(tree.value, ast.Call) else None
    part = isinstance(call, ast.Attribute) and call.attr in _PARTS
    for name in names:
        links[name] = (names | ({_base(call)} - {None})) - {name} if part else set()


def _linked(names: frozenset[str], links: dict[str, set[str]]) -> frozenset[str]:
    waiting, found = list(names), set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += links.get(name, ())
    return frozenset(found)
