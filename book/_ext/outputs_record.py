"""What is kept of a chapter's run: its code, what each cell showed, and what it read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.readers import get_reader

RECORD = "record.json"  # as scripts/build_book.py writes it
_READER = {"type": "plugin", "name": "myst_nb_md"}
_UNSEEN = {"remove-cell", "remove-output", "remove_cell", "remove_output"}


@dataclass(frozen=True)
class Run:
    """A chapter as it ran.

    Parameters
    ----------
    places : dict of int to int
        Position among all cells of the source, to the number among those with code, from 0.
    sources : list of str
        Code of each code cell.
    tags : list of set of str
        Tags of each.
    shown : list of list of dict
        What each cell put on the page: outputs of the notebook format without glued ones.
    glued : dict of str to int
        Key of each glued value, and the cell that glued it.
    said : list of dict
        What the recorder kept of each cell; empty where it was not there.
    """

    places: dict[int, int]
    sources: list[str]
    tags: list[set[str]]
    shown: list[list[dict[str, object]]]
    glued: dict[str, int]
    said: list[dict[str, object]]

    @property
    def shows(self) -> set[int]:
        """Cells that showed the value of their last expression."""
        kinds = [{one["output_type"] for one in outputs} for outputs in self.shown]
        return {cell for cell, found in enumerate(kinds) if "execute_result" in found}

    @property
    def recorded(self) -> bool:
        """Whether the recorder ran with the chapter."""
        return any(self.said)

    def bundles(self, cell: int) -> list[dict[str, object]]:
        """Return the values that a cell shows on the page, in order."""
        kinds = ("execute_result", "display_data")
        return [one for one in self.shown[cell] if one["output_type"] in kinds]


@lru_cache(maxsize=128)
def read_run(source: Path, cache_folder: Path) -> Run | None:
    """Return the kept run of a chapter; None for a page without one.

    Parameters
    ----------
    source : Path
        The chapter.
    cache_folder : Path
        Where jupyter-cache keeps executed notebooks.
    """
    from myst_nb.core.read import is_myst_markdown_notebook

    if source.suffix != ".md" or not is_myst_markdown_notebook(source.read_text("utf-8")):
        return None
    notebook = get_reader(_READER)(str(source))
    cache = get_cache(cache_folder)
    try:
        stored = cache.match_cache_notebook(notebook)
    except KeyError:
        return None
    code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    cells = [notebook.cells[i] for i in code]
    record = Path(cache_folder) / "executed" / stored.hashkey / RECORD
    said = json.loads(record.read_text("utf-8")) if record.is_file() else [{} for _ in cells]
    tags = [set(cell.metadata.get("tags", ())) for cell in cells]
    shown: list[list[dict[str, object]]] = []
    glued: dict[str, int] = {}
    for i, cell in enumerate(cache.get_cache_bundle(stored.pk).nb.cells):
        named = [output.get("metadata", {}).get("scrapbook", {}) for output in cell.outputs]
        glued |= {own["name"]: i for own in named if own}
        on_page = [
            o for o, own in zip(cell.outputs, named, strict=True) if not own.get("mime_prefix")
        ]
        shown.append([] if _UNSEEN & tags[i] else on_page)
    places = {i: n for n, i in enumerate(code)}
    return Run(places, [cell.source for cell in cells], tags, shown, glued, said)
