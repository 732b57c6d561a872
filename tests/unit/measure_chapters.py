"""Measure the chapters as readers meet them.

Usage: python tests/unit/measure_chapters.py

Words are those of the prose, where a number from the run and a formula count as one. Code is
counted in lines that are not blank: open, folded (a reader unfolds it) and hidden (only the
downloaded notebook has it); the longest line is of code that is shown. tests/book/test_chapters.py
holds the figures against their limits.
"""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
COLUMNS = "words open folded hidden longest exercises solutions".split()
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TAGS = re.compile(r"^:tags: \[(.*)\]", re.MULTILINE)
# The head of the file, formulas on lines of their own, marks of boxes, targets of links.
_MARKS = r"\A---\n.*?\n---\n|^\$\$.*?\$\$|^(?:```|:::|:\w+:)[^\n]*|\]\([^)]*\)"
_NOT_PROSE = re.compile(_MARKS, re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"\{[\w:-]+\}`[^`]*`|\$[^$\n]+\$|[A-Za-z0-9][\w'’.-]*|[\u4e00-\u9fff]+")


def measured(text: str) -> dict[str, int]:
    r"""Return every figure of :data:`COLUMNS` for the source of one chapter.

    Examples
    --------
    >>> measured("# A title\n\nTwo words.\n\n```{code-cell}\nx = 1\n```\n")["words"]
    4
    """
    found = dict.fromkeys(COLUMNS, 0)
    for cell in CELL.findall(text):
        tags = "".join(_TAGS.findall(cell))
        lines = [line for line in cell.splitlines() if line.strip() and not line.startswith(":")]
        kind = "folded" if "hide-" in tags else "open"
        kind = "hidden" if re.search("remove-(cell|input)", tags) else kind
        found[kind] += len(lines)
        if kind != "hidden":
            found["longest"] = max([found["longest"], *map(len, lines)])
    found["words"] = len(_WORD.findall(_NOT_PROSE.sub("", CELL.sub("", text))))
    for mark in ("exercise", "solution"):
        found[f"{mark}s"] = len(re.findall(rf"^```\{{{mark}(?:-start)?\}}", text, re.MULTILINE))
    return found


def chapters() -> dict[str, dict[str, int]]:
    """Return the figures of each chapter, those that the build makes from a template left out."""
    paths = [path for path in sorted(FOLDER.rglob("*.md")) if path.parent.name != "records"]
    names = [path.relative_to(FOLDER).as_posix().removesuffix(".md") for path in paths]
    return {n: measured(p.read_text("utf-8")) for n, p in zip(names, paths, strict=True)}


if __name__ == "__main__":
    table = chapters()
    table["in all"] = {name: sum(of[name] for of in table.values()) for name in COLUMNS}
    print(f"{'':34}", *(f"{name:>9}" for name in COLUMNS))
    for chapter, of in table.items():
        print(f"{chapter:34}", *(f"{figure:9,}" for figure in of.values()))
