"""Check that each chapter opens as a notebook in Jupyter and runs in the book.

Usage: python scripts/check_notebooks.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Jupytext needs the first two to open the file as a notebook, MyST-NB to see its cells
# (a kernel alone is not enough), and the kernel is the one of the environment.
HEADER = ("    extension: .md", "    format_name: myst", "  name: python3")
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_LANGUAGE = re.compile(r"^`{3,}\{code-cell\}(.*)$", re.MULTILINE)


def problems(text: str) -> list[str]:
    """Return what is wrong with the source of a chapter.

    Examples
    --------
    >>> problems("# A title")
    ['no header between two lines of ---']
    """
    found = _FRONT_MATTER.match(text)
    if not found:
        return ["no header between two lines of ---"]
    lines = found.group(1).splitlines()
    wrong = [f"header: no line {line!r}" for line in HEADER if line not in lines]
    body = text[found.end() :]
    if not re.match(r"\s*(\([\w-]+\)=\s*)?# \S", body):
        wrong.append("the text does not begin with a title")
    languages = {language.strip() for language in _LANGUAGE.findall(body)}
    if not languages:
        wrong.append("no code cell; a page without code belongs in book/")
    wrong += [f"a code cell for {other!r}" for other in sorted(languages - {"ipython3", ""})]
    return wrong


def main() -> int:
    """Check every chapter under notebooks/ and print what is wrong."""
    texts = {path: path.read_text("utf-8") for path in sorted(ROOT.glob("notebooks/**/*.md"))}
    found = [(path, problem) for path, text in texts.items() for problem in problems(text)]
    for path, problem in found:
        print(f"{path.relative_to(ROOT).as_posix()}: {problem}")
    print(f"{len(texts)} chapters, {len(found)} problems in their headers")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
