"""The parts and pages of the book, in the order of its table of contents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Part:
    """A part of the book: its title in both languages and the names of its pages."""

    title: str
    pages: tuple[str, ...]


def _pages(entries: list[dict], root: Path) -> list[str]:
    """Return the pages of some entries of the table of contents, those below them included."""
    found = []
    for entry in entries:
        if "file" in entry:
            found.append(str(entry["file"]))
        elif "glob" in entry:
            found += sorted(
                path.relative_to(root).with_suffix("").as_posix()
                for path in root.glob(f"{entry['glob']}.md")
            )
        below = entry.get("sections", []) + [
            each for tree in entry.get("subtrees", []) for each in tree.get("sections", [])
        ]
        found += _pages(below, root)
    return list(dict.fromkeys(found))


def read_toc(toc: Path, root: Path) -> tuple[str, list[Part]]:
    """Read ``book/_toc.yml``.

    Parameters
    ----------
    toc : Path
        The file.
    root : Path
        The folder that its page names start from.

    Returns
    -------
    tuple of str and list of Part
        The name of the first page, and the parts in order.
    """
    content = yaml.safe_load(toc.read_text("utf-8"))
    parts = content.get("parts") or [{"caption": "Pages", "chapters": content["chapters"]}]
    return str(content["root"]), [
        Part(str(part["caption"]), tuple(_pages(part["chapters"], root))) for part in parts
    ]
