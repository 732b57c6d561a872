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
from pathlib import Path

from measure_size import LIBRARY, ROOT, code_lines, defined, homes, imported, public_names

Name = tuple[str, str]  # module, name; a module itself has no name
PAGE = ROOT / "docs" / "prices.md"
TOLD = ("README.md", "CONTRIBUTING.md")
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
        self.imports = {module: dict(imported(tree)) for module, tree in trees.items()}
        self.lazy = {module: homes(tree) for module, tree in trees.items()}
        placed = [(module, node) for module, tree in trees.items() for node in tree.body]
        self.nodes = {(module, name): node for module, node in placed for name in defined(node)}
        self.needs = {key: self.used(key[0], node) for key, node in self.nodes.items()}

    def home(self, module: str, name: str) -> Name | None:
        """Return the definition or the module that a name of a module stands for."""
        if (module, name) in self.nodes:
            return module, name
        source = self.imports.get(module, {}).get(name, (module, name))
        if source != (module, name):
            return self.home(*source)
        if f"{module}.{name}" in self.sources:
            return f"{module}.{name}", ""
        room = self.lazy.get(module, {}).get(name)
        return room and self.home(room if room in self.sources else f"{module}.{room}", name)

    def used(self, module: str, node: ast.AST) -> set[Name]:
        """Return the definitions that a piece of code names."""
        known = {**self.imports.get(module, {}), **dict(imported(node))}

        def stands(part: ast.AST) -> Name | None:
            if isinstance(part, ast.Name):
                return self.home(*known.get(part.id, (module, part.id)))
            if isinstance(part, ast.Attribute):
                base, name = stands(part.value) or ("", "a definition")
                return None if name else self.home(base, part.attr)
            return None

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
    patterns = ("notebooks/[!r]*/*.md", "notebooks/replications/*.md", "book/*.md")
    chapters = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    chapters.append(ROOT / "book/_ext/templates/record.md")
    texts = {path: path.read_text("utf-8") for path in chapters}
    uses, code = list(PROMISED.items()), {}
    for path, text in texts.items():
        code[path.stem] = "\n".join(_OPTION.sub("", cell) for cell in _CELL.findall(text))
    for folder in ("scripts", "book/_ext", "benchmarks"):
        code |= {f"`{p.name}`": p.read_text("utf-8") for p in (ROOT / folder).glob("*.py")}
    for who, source in code.items():
        uses += [(key, who) for key in library.used("", ast.parse(source))]
    for key, needs in library.needs.items():
        if key[0] == "nqpf.cli":
            uses += [(need, "`nqpf`") for need in needs - {key}]
        if key[0] in ("nqpf.errors", "nqpf.checks", "nqpf.sample"):
            if sum(key in others for others in library.needs.values()) > 2:
                uses.append((key, "the library itself"))
    told = {*ROOT.glob("docs/*.md"), *(ROOT / name for name in TOLD)} - {PAGE}
    texts |= {path: path.read_text("utf-8") for path in told}
    for path, text in texts.items():
        for module, name in _NAMED.findall(_CELL.sub("", text)):
            uses.append((library.home(module, name), f"{path.name} names it"))
    found = defaultdict(set)
    for key, who in uses:
        found[key].add(who)
    return found


def page() -> tuple[str, list[str]]:
    """Return the page, and the public names that nothing uses."""
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
    head = Path(__file__).with_name("templates") / "prices.md"
    text = head.read_text("utf-8") + "\n".join(table) + "\n"
    return text, [name for _, name, who in rows if not who]


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
