"""The statements of a chapter that an output rests on, and what they use of the library.

A statement rests on those that last gave its names a value, on those that changed it since, and so
on back to the imports. Names alone decide: a statement may be listed that did not matter rather
than one be lost that did.
"""

import ast
import inspect
import re
import symtable
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import NamedTuple

from IPython.core.inputtransformer2 import TransformerManager

import nqpf

_python_of = TransformerManager().transform_cell  # a line for IPython becomes a call of it
# May run or not, so what they write may still be what was written before.
_PERHAPS = (ast.If, ast.For, ast.While, ast.Try, ast.Match)
# Called for their effect on the page, not on what they are given.
_QUIET = {"print", "display", "tell"}


class Function(NamedTuple):
    """A function, class or method: its name, the first line of its text, its place."""

    name: str
    summary: str
    file: str
    line: int


class Statement(NamedTuple):
    """A statement, its cell, and the names it reads, gives a value, and may change in place.

    `text` is the statement as Python writes it, `names` what it names, with what stands before
    their dots. What a function reads is what it is when the function is called: `late`.
    """

    tree: ast.stmt
    cell: int
    text: str
    names: set[str]
    reads: set[str]
    late: bool
    given: set[str]
    changed: set[str]


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
    >>> code = Code(["from nqpf import Panel", "a = 1; b = Panel.load()", "tell(b=b.frame)"])
    >>> found = code.behind(code.targets(2, "b"))
    >>> [one.text for one in found[:2]]
    ['from nqpf import Panel', 'b = Panel.load()']
    >>> [one.name for one in code.functions(found)]
    ['nqpf.Panel.load']
    """

    def __init__(self, sources: Sequence[str], shows: Collection[int] = ()) -> None:
        bodies = [ast.parse(_python_of(source)).body for source in sources]
        self.statements = [
            _statement(cell, part, shown=cell in shows and tree is body[-1])
            for cell, body in enumerate(bodies)
            for tree in body
            for part in _told_apart(tree)
        ]
        self._imported = {
            name.asname or name.name: f"{one.tree.module}:{name.name}"
            for one in self.statements
            if isinstance(one.tree, ast.ImportFrom)
            for name in one.tree.names
        }

    def targets(self, cell: int, key: str = "") -> list[int]:
        """Return the positions of what shows an output: a told key, or the value of a cell."""
        own = {i: one for i, one in enumerate(self.statements) if one.cell == cell}
        if not key:
            return [i for i in list(own)[-1:] if isinstance(own[i].tree, ast.Expr)] or list(own)
        calls = (f"tell({key}=", "tell(**")
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
            names = [] if self.statements[one].late else list(self.statements[one].reads)
            for name in names:  # grows by what the functions among them read
                for before in range(one - 1, -1, -1):
                    earlier = self.statements[before]
                    if name in earlier.given | earlier.changed:
                        waiting.append(before)
                        names += sorted(earlier.reads.difference(names)) if earlier.late else []
                    if name in earlier.given:
                        break
        return [self.statements[one] for one in sorted(found)]

    def functions(self, statements: Iterable[Statement]) -> list[Function]:
        """Return what statements use of the library by a name that the chapter imports."""
        used = {name.partition(".") for one in statements for name in one.names}
        places = {self._imported.get(first, "") + dot + rest for first, dot, rest in used}
        found = set(filter(None, map(_function, places)))
        owners = {one.name.rpartition(".")[0] for one in found}
        return sorted(one for one in found if one.name not in owners)


def _told_apart(tree: ast.stmt) -> list[ast.stmt]:
    """Return a call of `tell` as one call for each value, so that each has its own reasons."""
    call = getattr(tree, "value", None)
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "tell":
        return [tree]
    parts = [ast.Call(call.func, [], [keyword]) for keyword in call.keywords]
    return [ast.copy_location(ast.Expr(part), tree) for part in parts]


@cache
def _function(place: str) -> Function | None:
    """Return what stands at a place such as ``nqpf.data:Panel.load``; None if no function does."""
    try:
        thing = inspect.unwrap(resolve_name(place))
    except (AttributeError, ValueError):  # no name of an import stands at its beginning
        return None
    own = re.match(r"nqpf\b", getattr(thing, "__module__", None) or "")  # not what it inherits
    called = inspect.isroutine(thing) or inspect.isclass(thing)
    if not own or not called or thing.__name__ in _QUIET:
        return None
    text = (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")
    file = Path(inspect.getsourcefile(thing)).relative_to(Path(nqpf.__file__).parents[1])
    line = inspect.getsourcelines(thing)[1]
    return Function(place.replace(":", "."), text, f"src/{file.as_posix()}", line)


def _statement(cell: int, tree: ast.stmt, shown: bool) -> Statement:
    text = ast.unparse(tree)
    tables = [symtable.symtable(text, "cell", "exec")]
    for one in tables:  # grows by the functions and comprehensions within
        tables += one.get_children()
    own = tables[0].get_symbols()
    reads = {one.get_name() for one in own if one.is_referenced()}
    reads |= {one.get_name() for t in tables[1:] for one in t.get_symbols() if one.is_global()}
    given = {one.get_name() for one in own if one.is_assigned() or one.is_imported()}
    late = isinstance(getattr(tree, "value", tree), ast.FunctionDef | ast.Lambda)
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
    return Statement(tree, cell, text, found, reads, late, given, changed - {""})


def _base(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
