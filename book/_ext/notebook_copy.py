"""Make an ordinary Jupyter notebook of an executed chapter.

The copy carries its results, and nothing of the machine that ran it: no times, no
versions, no widget state, no paths.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import nbformat
from nbformat import NotebookNode
from notebook_text import Surroundings, glued_text, plain_markdown

_VEGA_LITE = "https://vega.github.io/schema/vega-lite/v5.json"
_GLUED = "application/papermill.record/"
_TYPES = ("text/html", "text/markdown", "text/latex", "image/png", "text/plain")
_TAGS_THAT_HIDE = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
# Where a chapter takes `glue` from; the copy has its own, because few readers have MyST-NB.
_GLUE_IMPORT = re.compile(r"^from myst_nb import glue\n*", re.MULTILINE)
_PLACE = re.compile(r"^(?:/|[A-Z]:\\)\S*\.py:\d+: ", re.MULTILINE)
_PROGRESS = re.compile(r"^.*TqdmWarning.*\n(?:  .*\n)?\n?", re.MULTILINE)
_CHART = re.compile(
    r'<div class="vega-chart"[^>]*>.*?<script type="application/json">(.*?)</script>\s*</div>',
    re.DOTALL,
)

# What the site's own scripts draw from; Jupyter has them not.
_DATA = re.compile(r'<script type="application/json"[^>]*>.*?</script>', re.DOTALL)

_HEAD = """\
# {title}
# A copy of a chapter of "Measuring New Quality Productive Forces", to run and to change.{page}
import importlib.util

if importlib.util.find_spec("nqpf") is None:
    print(\"\"\"\\
This notebook needs nqpf, the library of the book, and the data in its repository.
{steps}\"\"\")
"""
_STEPS = """\
Run these three lines in a cell of their own, then this cell again:

!git clone --quiet --depth 1 --branch {branch} {repository} nqpf-book
%pip install --quiet ./nqpf-book altair zhplot
%env NQPF_HOME=nqpf-book"""
_BY_HAND = """\
Get the repository, run `make env` in its folder, and choose the Python in its .venv."""
_GLUE = '''

def glue(name, value, display=False):
    """Print a value that the text of the chapter quotes, so that a change can be seen."""
    print(f"{name} = {value}")
'''


def set_up_cell(title: str, glues: bool, repository: str, branch: str, page: str) -> str:
    """Return the first cell of a copy: what it is, and how to get what it needs.

    Parameters
    ----------
    title : str
        Title of the chapter.
    glues : bool
        Whether the chapter quotes computed values in its text.
    repository, branch : str
        Where the library and the data are; the address may be empty.
    page : str
        Address of the chapter's page; may be empty.
    """
    steps = _STEPS.format(branch=branch, repository=repository) if repository else _BY_HAND
    head = _HEAD.format(title=title, steps=steps, page=f"\n# Its page: {page}" if page else "")
    return (head + (_GLUE if glues else "")).rstrip("\n")


def glued_values(notebook: NotebookNode) -> dict[str, str]:
    """Return what ``glue`` recorded in an executed notebook: per name, the plain text."""
    values = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            text = output.get("data", {}).get(f"{_GLUED}text/plain")
            if name is not None and text is not None:
                values[name] = text
    return values


def copy_of(
    notebook: NotebookNode, around: Surroundings, first: str, references: str = ""
) -> NotebookNode:
    """Return an executed chapter as an ordinary notebook.

    Parameters
    ----------
    notebook : NotebookNode
        Chapter with its results; its text is MyST.
    around : Surroundings
        What the text refers to.
    first : str
        Source of the cell put before all others.
    references : str
        Markdown put at the end; may be empty.

    Returns
    -------
    NotebookNode
        A notebook of format 4.5; the same chapter gives the same bytes.
    """
    cells = [_code(first, {"jupyter": {"source_hidden": True}, "tags": ["set-up"]}, None, [])]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = plain_markdown(cell.source, around)
            if text.strip():
                cells.append(nbformat.v4.new_markdown_cell(text))
        elif cell.cell_type == "code":
            source = _GLUE_IMPORT.sub("", cell.source).strip("\n")
            if source:
                shown = cell.outputs
                if "remove-stderr" in cell.metadata.get("tags", []):
                    shown = [output for output in shown if output.get("name") != "stderr"]
                metadata, count = _metadata(cell), cell.execution_count
                cells.append(_code(source, metadata, count, _results(shown)))
    if references:
        cells.append(nbformat.v4.new_markdown_cell(references))
    for place, cell in enumerate(cells):
        cell["id"] = f"cell-{place:03d}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=about)


def _code(source: str, metadata: Mapping[str, object], count: int | None, outputs: list) -> dict:
    cell = nbformat.v4.new_code_cell(source, metadata=dict(metadata), outputs=outputs)
    cell.execution_count = count
    return cell


def _metadata(cell: NotebookNode) -> dict[str, object]:
    tags = list(cell.metadata.get("tags", []))
    hidden = {"jupyter": {"source_hidden": True}} if _TAGS_THAT_HIDE & set(tags) else {}
    return {**hidden, **({"tags": tags} if tags else {})}


def _results(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Return a cell's results; a glued value becomes the line that the copy's `glue` prints."""
    kept: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream":
            _write(kept, output.name, output.text)
        elif f"{_GLUED}text/plain" in output.get("data", {}):
            name = output.metadata["scrapbook"]["name"]
            value = output.data[f"{_GLUED}text/plain"]
            _write(kept, "stdout", f"{name} = {glued_text(name, {name: value})}\n")
        elif output.output_type in ("display_data", "execute_result"):
            data = {kind: output.data[kind] for kind in _TYPES if kind in output.data}
            data = _chart(data) or data
            if "text/html" in data:
                data["text/html"] = _DATA.sub("", data["text/html"])
            if data:
                extra = {"execution_count": output.get("execution_count")}
                extra = extra if output.output_type == "execute_result" else {}
                kept.append(nbformat.v4.new_output(output.output_type, data=data, **extra))
    return kept


def _write(outputs: list[NotebookNode], name: str, text: str) -> None:
    """Add text to the last stream if it is of the same name, as Jupyter does."""
    text = _PLACE.sub("", _PROGRESS.sub("", text)) if name == "stderr" else text
    if not text:
        return
    if outputs and outputs[-1].get("name") == name:
        outputs[-1].text += text
    else:
        outputs.append(nbformat.v4.new_output("stream", name=name, text=text))


def _chart(data: Mapping[str, str]) -> dict[str, object]:
    """Return a chart of the book as Vega-Lite, which Jupyter draws by itself.

    As version 5, the newest that JupyterLab knows; the book's charts mean the same in 6.
    """
    found = _CHART.fullmatch(data.get("text/html", "").strip())
    if not found:
        return {}
    spec = {**json.loads(found.group(1)), "$schema": _VEGA_LITE}
    return {"application/vnd.vegalite.v5+json": spec, "text/plain": data.get("text/plain", "")}
