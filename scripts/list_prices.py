"""Write docs/prices.md: what each public name of the library costs and who uses it.

Usage: python scripts/list_prices.py

The price of a name is the number of code lines that nothing else would need if it went. The exit
is 1 when a name has no user.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict

from measure_size import LIBRARY, ROOT, code_lines, public_names

Name = tuple[str, str]  # module, name
PAGE = ROOT / "docs" / "prices.md"
_CELL = re.compile(r"^```+\{code-cell\}[^\n]*\n(.*?)^```+$", re.DOTALL | re.MULTILINE)
_OPTION = re.compile(r"^(?:[:%!].*|---)$", re.MULTILINE)
_NAMED = re.compile(r"\bnqpf(?:\.[A-Za-z]\w*)+")
PROMISED = {
    ("nqpf.index.recipe", "Index"): "what `Recipe.fit` returns",
    ("nqpf.report.recorder", "load_ipython_extension"): "IPython calls it",
}
HEAD = """# What each name costs

Written by `make prices` from the code; do not edit. A name costs the code lines that would vanish
with it because nothing else needs them; 0 means that other names rest on it. Users are chapters,
pages, the command `nqpf`, benchmarks, documents and exercises; *the library itself* stands for
errors that it raises and for the ground on which an estimator of your own can stand.

| name | lines | users |
| --- | ---: | --- |
"""


class Library:
    """Definitions of the library, what each needs, and what names stand for."""

    def __init__(self) -> None:
        paths = sorted((ROOT / LIBRARY).rglob("*.py"))
        names = {p: ".".join(p.relative_to(ROOT / "src").with_suffix("").parts) for p in paths}
        self.sources = {n.removesuffix(".__init__"): p.read_text("utf-8") for p, n in names.items()}
        self.trees = {name: ast.parse(source) for name, source in self.sources.items()}
        self.imports = {name: imported(tree) for name, tree in self.trees.items()}
        self.nodes: dict[Name, ast.stmt] = {}
        for module, tree in self.trees.items():
            for node in tree.body:
                for name in defined(node):
                    self.nodes[module, name] = node
        self.lines = {
            key: code_lines(ast.get_source_segment(self.sources[key[0]], node))
            for key, node in self.nodes.items()
        }
        self.needs = {key: self.used(key[0], node) for key, node in self.nodes.items()}

    def home(self, module: str, name: str) -> Name | str | None:
        """Return the definition or the module that a name of a module stands for."""
        if (module, name) in self.nodes:
            return module, name
        if name in self.imports.get(module, {}):
            source, original = self.imports[module][name]
            if source != module:
                return self.home(source, original)
        whole = f"{module}.{name}"
        if whole in self.trees:
            return whole
        lazy = self.nodes.get((module, "_HOME"))  # a face that imports on first use
        homes = ast.literal_eval(lazy.value) if isinstance(lazy, ast.Assign) else {}
        target = homes.get(name)
        if target is None:
            return None
        inner = target if target in self.trees else f"{module}.{target}"
        return self.home(inner, name)

    def used(self, module: str, node: ast.AST, local: dict | None = None) -> set[Name]:
        """Return the definitions that a piece of code names."""
        known = {**self.imports.get(module, {}), **imported(node), **(local or {})}
        found: set[Name] = set()

        def stands(part: ast.AST) -> Name | str | None:
            if isinstance(part, ast.Name):
                if part.id in known:
                    return self.home(*known[part.id]) or self.whole(*known[part.id])
                return (module, part.id) if (module, part.id) in self.nodes else None
            if isinstance(part, ast.Attribute):
                base = stands(part.value)
                return self.home(base, part.attr) if isinstance(base, str) else None
            return None

        for part in ast.walk(node):
            target = stands(part) if isinstance(part, ast.Name | ast.Attribute) else None
            if isinstance(target, tuple):
                found.add(target)
        return found

    def whole(self, module: str, name: str) -> str | None:
        """Return the module that `import module` binds, if it is one of the library."""
        return module if not name and module in self.trees else None

    def reach(self, roots: set[Name], without: Name | None = None) -> set[Name]:
        """Return all that the roots need, `without` one of them."""
        seen: set[Name] = set()
        stack = [root for root in roots if root != without]
        while stack:
            key = stack.pop()
            if key not in seen and key in self.nodes:
                seen.add(key)
                stack += [k for k in self.needs[key] if k not in seen]
        return seen


def imported(tree: ast.AST) -> dict[str, tuple[str, str]]:
    """Return local name -> (module, name) for every import of the library in a piece of code."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "nqpf":
            found |= {a.asname or a.name: (node.module, a.name) for a in node.names}
        elif isinstance(node, ast.Import):
            if any(alias.name.split(".")[0] == "nqpf" for alias in node.names):
                found["nqpf"] = ("nqpf", "")
    return found


def defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement at the top of a module defines."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
    return [part.id for t in targets for part in ast.walk(t) if isinstance(part, ast.Name)]


def cells(text: str) -> str:
    """Return the code of a chapter."""
    return "\n".join(_OPTION.sub("", cell) for cell in _CELL.findall(text))


def users(library: Library) -> dict[Name, set[str]]:
    """Return which chapters, pages, scripts and commands use each definition directly."""
    found: dict[Name, set[str]] = defaultdict(set)
    chapters = [*ROOT.glob("notebooks/*/*.md"), *ROOT.glob("book/*.md")]
    code = {p.stem: cells(p.read_text("utf-8")) for p in sorted(chapters)}
    for folder in ("scripts", "book/_ext", "benchmarks"):
        code |= {f"`{p.name}`": p.read_text("utf-8") for p in sorted((ROOT / folder).glob("*.py"))}
    for who, source in code.items():
        for key in library.used("", ast.parse(source)):
            found[key].add(who)
    for key, needs in library.needs.items():
        if key[0] == "nqpf.cli":
            for need in needs - {key}:
                found[need].add("`nqpf`")
    for key, why in PROMISED.items():
        found[key].add(why)
    for module in ("nqpf.errors", "nqpf.checks", "nqpf.sample"):
        for name in public_names(library.sources[module]):
            if sum((module, name) in needs for needs in library.needs.values()) > 2:
                found[module, name].add("the library itself")
    told = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"), *chapters]
    for path in [*sorted({*told} - {PAGE}), ROOT / "tests/book/exercises.yaml"]:
        for whole in _NAMED.findall(_CELL.sub("", path.read_text("utf-8"))):
            module, _, name = whole.rpartition(".")
            target = library.home(module, name)
            if isinstance(target, tuple):
                found[target].add(f"{path.name} names it")
    return found


def page() -> tuple[str, list[str]]:
    """Return the page, and the public names that nothing uses."""
    library = Library()
    used = users(library)
    roots = set(used) | {key for key in library.nodes if key[0] in ("nqpf.cli", "nqpf.__main__")}
    every = library.reach(roots)
    rows = []
    for module, source in library.sources.items():
        if module in ("nqpf", "nqpf.cli"):
            continue
        for name in public_names(source):
            key = (module, name)
            gone = every - library.reach(roots, key)
            price = sum(library.lines[k] for k in gone) if key in gone else 0
            rows.append((-price, f"{module}.{name}", sorted(used.get(key, ()))))
    table = [
        f"| `{name.removeprefix('nqpf.')}` | {-price} | {', '.join(who) or 'none'} |"
        for price, name, who in sorted(rows)
    ]
    return HEAD + "\n".join(table) + "\n", [name for _, name, who in rows if not who]


def main() -> int:
    """Write the page and name what nothing uses."""
    text, unused = page()
    PAGE.write_text(text, "utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(text.splitlines()) - 9} names")
    if unused:
        print("public names that nothing uses:", *unused, sep="\n  ")
    return int(bool(unused))


if __name__ == "__main__":
    sys.exit(main())
