"""Which functions of the library the statements of a slice use, and what each is for."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from outputs_slice import Chapter

_ROOT = "nqpf"


@dataclass(frozen=True, order=True)
class Function:
    """A public function, class or method: its name, the first line of its text, its place."""

    name: str
    summary: str
    file: str
    line: int


@cache
def public() -> dict[str, object]:
    """Return the names that the rooms of the library offer, each with what it stands for.

    Examples
    --------
    >>> "nqpf.data.Panel" in public()
    True
    """
    import nqpf

    found = {}
    for room in nqpf._ROOMS:
        module = importlib.import_module(f"{_ROOT}.{room}")
        for name in getattr(module, "__all__", ()):
            found[f"{_ROOT}.{room}.{name}"] = getattr(module, name)
    return found


@cache
def _public_names() -> dict[int, str]:
    return {id(thing): name for name, thing in reversed(public().items())}


@cache
def _classes() -> dict[str, type]:
    return {
        name.rpartition(".")[2]: thing for name, thing in public().items() if inspect.isclass(thing)
    }


def described(thing: object, owner: type | None = None) -> Function | None:
    """Return what a reader should know of a function, class or method; None for other things.

    Examples
    --------
    >>> from nqpf import Panel
    >>> described(Panel.wide, Panel).name
    'nqpf.data.Panel.wide'
    """
    if isinstance(thing, property):
        thing = thing.fget
    thing = getattr(thing, "__func__", thing)  # a classmethod or a staticmethod
    inner = inspect.unwrap(thing) if callable(thing) else thing
    if not (inspect.isroutine(inner) or inspect.isclass(inner)):
        return None
    module = getattr(inner, "__module__", None) or ""
    if module.split(".")[0] != _ROOT:
        return None
    if owner is not None and not inspect.isclass(inner):
        home = _public_names().get(id(owner), f"{owner.__module__}.{owner.__qualname__}")
        name = f"{home}.{inner.__name__}"
    else:
        name = _public_names().get(id(thing), f"{module}.{inner.__qualname__}")
    text = inspect.getdoc(inner) or ""
    source = inspect.getsourcefile(inner) or ""
    place = Path(*module.split(".")).as_posix()
    file = f"src/{place}/__init__.py" if source.endswith("__init__.py") else f"src/{place}.py"
    line = inspect.getsourcelines(inner)[1]
    return Function(name, text.split("\n\n")[0].replace("\n", " "), file, line)


class Names:
    """What the names of a chapter stand for, as far as its code tells.

    Parameters
    ----------
    chapter : Chapter
        The chapter's statements.
    """

    def __init__(self, chapter: Chapter) -> None:
        self.chapter = chapter
        self._classes: dict[tuple[int, str], type | None] = {}

    def used(self, positions: Iterable[int]) -> tuple[list[Function], bool]:
        """Return the library's functions that statements use, and whether they take it whole.

        Returns
        -------
        functions : list of Function
            By name, each once.
        whole : bool
            Whether a statement takes all rows of the panel, ``panel.frame``.
        """
        found: set[Function] = set()
        whole = False
        for position in positions:
            tree = self.chapter.statements[position].tree
            if isinstance(tree, ast.Import | ast.ImportFrom):
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Name | ast.Attribute):
                    thing, owner = self._thing(node, position)
                    function = described(thing, owner) if thing is not None else None
                    if function:
                        found.add(function)
                if isinstance(node, ast.Attribute) and node.attr == "frame":
                    held = self._class_of(node.value, position)
                    whole = whole or (held is not None and held.__name__ == "Panel")
        methods = {f.name.rpartition(".")[0] for f in found}
        return sorted(f for f in found if f.name not in methods), whole

    def _thing(self, node: ast.expr, position: int) -> tuple[object | None, type | None]:
        """Return what an expression names and the class that it belongs to."""
        if isinstance(node, ast.Name):
            return self._imported(node.id, position), None
        if not isinstance(node, ast.Attribute):
            return None, None
        thing, _ = self._thing(node.value, position)
        owner = thing if inspect.isclass(thing) else None
        if thing is None:
            thing = owner = self._class_of(node.value, position)
        if thing is None or not (inspect.ismodule(thing) or inspect.isclass(thing)):
            return None, None
        return inspect.getattr_static(thing, node.attr, None) if owner else getattr(
            thing, node.attr, None
        ), owner

    def _imported(self, name: str, position: int) -> object | None:
        for i in self.chapter.reaching(position, name):
            tree = self.chapter.statements[i].tree
            if isinstance(tree, ast.ImportFrom) and (tree.module or "").split(".")[0] == _ROOT:
                for alias in tree.names:
                    if (alias.asname or alias.name) == name:
                        return _load(f"{tree.module}.{alias.name}")
            if isinstance(tree, ast.Import):
                for alias in tree.names:
                    if alias.name.split(".")[0] == _ROOT and name == (alias.asname or _ROOT):
                        return _load(alias.name if alias.asname else _ROOT)
        return None

    def _class_of(self, node: ast.expr, position: int) -> type | None:
        """Return the library's class that an expression holds, if its functions tell."""
        if isinstance(node, ast.Name):
            key = (position, node.id)
            if key not in self._classes:
                self._classes[key] = None  # a name made from itself ends here
                self._classes[key] = self._assigned(node.id, position)
            return self._classes[key]
        if isinstance(node, ast.Call):
            thing, owner = self._thing(node.func, position)
            return thing if inspect.isclass(thing) else _returned(thing, owner)
        if isinstance(node, ast.Attribute):
            thing, owner = self._thing(node, position)
            if isinstance(thing, property):
                return _returned(thing.fget, owner)
            owner = owner or self._class_of(node.value, position)
            return _named(getattr(owner, "__annotations__", {}).get(node.attr)) if owner else None
        return None

    def _assigned(self, name: str, position: int) -> type | None:
        before = self.chapter.reaching(position, name)
        tree = self.chapter.statements[before[-1]].tree if before else None
        if isinstance(tree, ast.Assign) and isinstance(tree.targets[0], ast.Name):
            return self._class_of(tree.value, before[-1])
        return None


def _load(name: str) -> object | None:
    module, _, last = name.rpartition(".")
    if not module:
        return importlib.import_module(name)
    try:
        home = importlib.import_module(module)
        return getattr(home, last, None) or importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def _returned(thing: object, owner: type | None) -> type | None:
    inner = getattr(thing, "__func__", thing)  # a classmethod or a staticmethod
    inner = inspect.unwrap(inner) if callable(inner) else inner
    said = getattr(inner, "__annotations__", {}).get("return")
    return owner if said == "Self" else _named(said)


def _named(annotation: object) -> type | None:
    """Return the library's class that an annotation names, or None."""
    if inspect.isclass(annotation):
        return annotation if annotation.__module__.split(".")[0] == _ROOT else None
    words = re.findall(r"[\w.]+", str(annotation or ""))
    if len(words) > 1 and set(words[1:]) != {"None"}:
        return None
    return _classes().get(words[0].rpartition(".")[2]) if words else None
