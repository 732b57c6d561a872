"""Write docs/prices.md: what each public name of the library costs and who uses it.

Usage: python tests/unit/list_prices.py

The price of a name is the number of code lines that nothing else would need if it went. The exit
is 1 when a name has no user.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from measure_size import LIBRARY, ROOT, code_lines, defined, homes, imported, public_names

Name = tuple[str, str]  # module, name; a module itself has no name
PAGE = ROOT / "docs" / "prices.md"
_CODE = ("scripts/*.py", "book/_ext/*.py", "benchmarks/*.py")
_CELL = re.compile(r"^```+\{code-cell\}[^\n]*\n(.*?)^```+$", re.DOTALL | re.MULTILINE)
_OPTION = re.compile(r"^(?:[:%!].*|---)$", re.MULTILINE)
_NAMED = re.compile(r"\b(nqpf(?:\.[A-Za-z]\w*)*)\.([A-Za-z]\w*)")
PROMISED = {
    ("nqpf.index.recipe", "Index"): "what `Recipe.fit` returns",
    ("nqpf.report.recorder", "load_ipython_extension"): "IPython calls it",
}


class Library:
    """Definitions of the library, what each needs, and what names stand for."""

    def __init__(self) -> None:
        self.sources = {}
        for path in sorted((ROOT / LIBRARY).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
            self.sources[name.removesuffix(".__init__")] = path.read_text("utf-8")
        trees = {module: ast.parse(source) for module, source in self.sources.items()}
        self.known = {m: homes(m, tree) | dict(imported(tree)) for m, tree in trees.items()}
        placed = [(module, node) for module, tree in trees.items() for node in tree.body]
        self.nodes = {(module, name): node for module, node in placed for name in defined(node)}
        self.needs = {key: self.used(key[0], node) for key, node in self.nodes.items()}

    def home(self, module: str, name: str) -> Name | None:
        """Return the definition or the module that a name of a module stands for."""
        if (module, name) in self.nodes:
            return module, name
        source = self.known.get(module, {}).get(name, (module, name))
        if source != (module, name):
            return self.home(*source)
        return (f"{module}.{name}", "") if f"{module}.{name}" in self.sources else None

    def used(self, module: str, node: ast.AST) -> set[Name]:
        """Return the definitions that a piece of code names."""
        own = dict(imported(node))

        def stands(part: ast.AST) -> Name | None:
            if isinstance(part, ast.Name):
                return self.home(*own.get(part.id, (module, part.id)))
            base = stands(part.value) if isinstance(part, ast.Attribute) else None
            return self.home(base[0], part.attr) if base and not base[1] else None

        return {target for part in ast.walk(node) if (target := stands(part)) and target[1]}

    def price(self, roots: set[Name], gone: Name) -> int:
        """Return the code lines that only `gone` needs, itself included."""
        lost = self.reach(roots) - self.reach(roots - {gone})
        segments = (ast.get_source_segment(self.sources[k[0]], self.nodes[k]) for k in lost)
        return sum(map(code_lines, segments)) if gone in lost else 0

    def reach(self, roots: set[Name]) -> set[Name]:
        """Return all that the roots need."""
        seen, waiting = set(), roots & self.nodes.keys()
        while waiting:
            seen |= waiting
            waiting = set().union(*(self.needs[key] for key in waiting)) - seen
        return seen


def users(library: Library) -> dict[Name, set[str]]:
    """Return which chapters, pages, scripts and commands use each definition directly."""
    # The pages under notebooks/records are made from one template.
    chapters = ["notebooks/[!r]*/*.md", "notebooks/replications/*.md", "book/*.md"]
    chapters.append("book/_ext/templates/record.md")
    uses = list(PROMISED.items())
    for path, text in _texts(*chapters, *_CODE):
        cells = "\n".join(_OPTION.sub("", cell) for cell in _CELL.findall(text))
        who, code = (path.stem, cells) if path.suffix == ".md" else (f"`{path.name}`", text)
        uses += [(key, who) for key in library.used("", ast.parse(code))]
    for key, needs in library.needs.items():
        if key[0] == "nqpf.cli":
            uses += [(need, "`nqpf`") for need in needs - {key}]
        if key[0] in ("nqpf.errors", "nqpf.checks", "nqpf.sample"):
            if sum(key in others for others in library.needs.values()) > 2:
                uses.append((key, "the library itself"))
    for path, text in _texts(*chapters, "docs/*.md", "README.md", "CONTRIBUTING.md"):
        if path != PAGE:
            named = _NAMED.findall(_CELL.sub("", text))
            uses += [(library.home(*one), f"{path.name} names it") for one in named]
    found = defaultdict(set)
    for key, who in uses:
        found[key].add(who)
    return found


def _texts(*patterns: str) -> Iterator[tuple[Path, str]]:
    for path in sorted(path for pattern in patterns for path in ROOT.glob(pattern)):
        yield path, path.read_text("utf-8")


def main() -> int:
    """Write the page and name what nothing uses."""
    library = Library()
    used = users(library)
    roots = {*used, *(key for key in library.nodes if key[0] in ("nqpf.cli", "nqpf.__main__"))}
    rows = []
    for module, source in library.sources.items():
        for name in public_names(source) if module not in ("nqpf", "nqpf.cli") else ():
            price = library.price(roots, (module, name))
            rows.append((-price, f"{module}.{name}", sorted(used.get((module, name), ()))))
    table = [
        f"| `{name.removeprefix('nqpf.')}` | {-price} | {', '.join(who) or 'none'} |"
        for price, name, who in sorted(rows)
    ]
    head = ROOT / "book" / "_ext" / "templates" / "prices.md"
    PAGE.write_text("\n".join([head.read_text("utf-8") + table[0], *table[1:], ""]), "utf-8")
    unused = [name for _, name, who in rows if not who]
    print(f"{PAGE.relative_to(ROOT)}: {len(rows)} names; without a user:", *unused or ["none"])
    return int(bool(unused))


if __name__ == "__main__":
    sys.exit(main())
