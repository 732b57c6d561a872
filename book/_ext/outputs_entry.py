"""What is kept of a chapter's run, and for each output its code, functions, data and files."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.readers import get_reader
from myst_nb.core.read import is_myst_markdown_notebook
from nbformat import NotebookNode
from notebook_copy import GLUED
from outputs_code import Code

_READ = get_reader({"type": "plugin", "name": "myst_nb_md"})
_WHOLE = "panel.frame"  # all rows of the panel


@dataclass(frozen=True)
class Run:
    """A chapter as it ran.

    Parameters
    ----------
    notebook : NotebookNode
        The chapter with its results.
    said : list of dict
        What the recorder kept of each code cell; empty where it was not there.
    """

    notebook: NotebookNode
    said: list[dict[str, object]]

    @cached_property
    def cells(self) -> list[NotebookNode]:
        """The code cells."""
        return [one for one in self.notebook.cells if one.cell_type == "code"]

    @cached_property
    def glued(self) -> dict[str, tuple[int, str]]:
        """Key of each glued value, the cell that glued it, and the text that Python prints."""
        outputs = [(i, one) for i, cell in enumerate(self.cells) for one in cell.outputs]
        return {_named(one)["name"]: (i, one.data[GLUED]) for i, one in outputs if _named(one)}

    def shown(self, cell: int) -> list[NotebookNode]:
        """Return the values that a cell shows on the page, in order."""
        kinds = ("execute_result", "display_data")
        values = [one for one in self.cells[cell].outputs if one.output_type in kinds]
        return [one for one in values if not _named(one).get("mime_prefix")]

    def code(self) -> Code:
        """Return the code, and which cells showed the value of their last expression."""
        kinds = [{one.output_type for one in cell.outputs} for cell in self.cells]
        shows = {i for i, own in enumerate(kinds) if "execute_result" in own}
        return Code([cell.source for cell in self.cells], shows)


def read_run(source: Path, cache_folder: Path) -> Run | None:
    """Return the kept run of a chapter; None for a page without one.

    Parameters
    ----------
    source : Path
        The chapter.
    cache_folder : Path
        Where jupyter-cache keeps executed notebooks.
    """
    if not is_myst_markdown_notebook(source.read_text("utf-8")):
        return None
    cache = get_cache(cache_folder)
    try:
        number, notebook = cache.merge_match_into_notebook(_READ(str(source)))
    except KeyError:
        return None
    said = cache.get_cache_record(number).data.get("said")  # as scripts/build_book.py keeps it
    return Run(notebook, said or [{} for cell in notebook.cells if cell.cell_type == "code"])


def _named(output: NotebookNode) -> dict[str, str]:
    return output.get("metadata", {}).get("scrapbook", {})


def slug(key: str) -> str:
    """Return a key as part of an anchor.

    Examples
    --------
    >>> slug("share of 东部")
    'share-of-u4e1cu90e8'
    """
    plain = re.sub(r"[^\x00-\x7f]", lambda match: f"u{ord(match[0]):x}", key)
    return re.sub(r"[^\w-]+", "-", plain).strip("-")


def behind(run: Run, code: Code, cell: int, key: str) -> dict[str, object]:
    """Return what stands behind an output.

    Returns
    -------
    dict
        The ``code`` that it rests on, how many ``lines`` that are, their ``cells`` from 0, the
        ``functions`` of the library that they use, the ``variables``, ``vintages``, ``systems``
        and stored ``results`` that they read in the run, and whether they read the ``whole`` panel.
    """
    statements, reads, excerpt = code.behind(code.targets(cell, key)), [], {}
    for one in statements:
        first, last = one.tree.lineno, one.tree.end_lineno
        # A read without a line may belong to any statement of its cell.
        known = run.said[one.cell].get("reads", ())
        reads += [read for line, *read in known if line == 0 or first <= line <= last]
        text = "\n".join(run.cells[one.cell].source.split("\n")[first - 1 : last])
        excerpt.setdefault(one.cell, [f"# cell {one.cell + 1}"]).append(text)
    kinds = {"variables": "variables", "system": "systems", "results": "results"}
    read = {name: sorted({k for of, k, _ in reads if of == kind}) for kind, name in kinds.items()}
    text = "\n".join(line for lines in excerpt.values() for line in lines)
    return {
        "code": text,
        "lines": len(text.splitlines()) - len(excerpt),
        "cells": list(excerpt),
        "functions": code.functions(statements),
        **read,
        "vintages": sorted({vintage for *_, vintage in reads} - {""}),
        "whole": any(kind == "panel" for kind, *_ in reads) or _WHOLE in text,
    }
