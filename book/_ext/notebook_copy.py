"""Make an ordinary Jupyter notebook of an executed chapter.

The copy carries its results, and nothing of the machine that ran it: no times, no
versions, no widget state, no paths. Jupyter knows no roles, directives or definition lists of
MyST; what stands for them: a glued number its value, a citation its authors and year, a link to a
chapter the chapter's notebook or page, an admonition a quotation.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import nbformat
from myst_nb.core.variables import format_plain_text
from nbformat import NotebookNode

_CODE = re.compile(r"(?ms)^(```.*?^```)$")
_BOX = re.compile(r"(?ms)^:::\{admonition\} ([^\n]*)\n(.*?)^:::$")
_EXERCISE = re.compile(r"(?ms)^```\{exercise\} *([^\n]*)\n(?::[^\n]*\n)*(.*?)^```$")
_SOLUTION = re.compile(r"(?ms)^```\{solution-(start|end)\}.*?^```$")
_RAW = re.compile(r"(?ms)^```\{raw\}.*?^```\n*")  # of the site alone
_DEFINITION = re.compile(r"(?m)^(\S[^\n]*)\n:[ \t]+(?=\S)")
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
_ROLE = re.compile(r"\{([\w:-]+)\}`(.+?)`", re.DOTALL)
_TITLED = re.compile(r"(.*?)\s*<([^<>]+)>", re.DOTALL)

_VEGA_LITE = "https://vega.github.io/schema/vega-lite/v5.json"
GLUED = "application/papermill.record/text/plain"
_TYPES = ("text/html", "text/markdown", "text/latex", "image/png", "text/plain")
_HIDDEN = {"set-up", "hide-input", "remove-input", "remove-cell"}
_PLACE = re.compile(r"^(?:/|[A-Z]:\\)\S*\.py:\d+: ", re.MULTILINE)
_CHART = re.compile(
    r'(?s)<div class="vega-chart".*?<script type="application/json">(.*?)</script>\s*</div>'
)

# What the site's own scripts draw from; Jupyter has them not.
_DATA = re.compile(r'<script type="application/json"[^>]*>.*?</script>', re.DOTALL)


class Surroundings(NamedTuple):
    """What a chapter's text refers to.

    Parameters
    ----------
    glued : mapping of str to str
        Per name, the plain text that Python prints of the value.
    cited : mapping of str to tuple
        Per key of the bibliography, its authors and its year.
    link : callable
        Takes a target as written and the text of the link, which may be empty;
        returns Markdown.
    """

    glued: Mapping[str, str]
    cited: Mapping[str, tuple[str, str]]
    link: Callable[[str, str], str]


def plain_markdown(text: str, around: Surroundings) -> str:
    """Return the Markdown of one cell without anything that only MyST understands.

    Raises
    ------
    KeyError
        If the text shows a value or cites a work that `around` does not hold.

    Examples
    --------
    >>> around = Surroundings({"n": "'31'"}, {"a": ("Ma", "2024")}, lambda target, text: text)
    >>> plain_markdown("All {glue:text}`n` provinces {cite}`a`.", around)
    'All 31 provinces (Ma, 2024).'
    """
    text = _RAW.sub("", text)
    text = _EXERCISE.sub(r"**Exercise: \1**\n\2", text)
    text = _SOLUTION.sub(lambda gate: "**Solution**" if gate[1] == "start" else "", text)
    parts = _CODE.split(text)
    parts[::2] = [_prose(part, around) for part in parts[::2]]
    return "".join(parts)


def _prose(text: str, around: Surroundings) -> str:
    text = _DEFINITION.sub(r"- **\1**: ", _BOX.sub(_quotation, text))
    # Links first: what a role becomes is no longer MyST.
    text = _LINK.sub(lambda found: around.link(found[2], found[1]), text)
    return _ROLE.sub(lambda found: _role(found[1], found[2], around), text)


def _quotation(box: re.Match[str]) -> str:
    lines = [f"**{box[1]}**", "", *box[2].strip("\n").split("\n")]
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _role(name: str, content: str, around: Surroundings) -> str:
    if name == "glue:text":
        key, _, form = content.partition(":")
        return format_plain_text(around.glued[key], form)
    if name == "download":
        text, target = _TITLED.fullmatch(content).groups()
        return around.link(target, text)
    if not name.startswith("cite"):
        return content
    works = [around.cited[key.strip()] for key in content.split(",")]
    if name == "cite:t":
        return ", ".join(f"{authors} ({year})" for authors, year in works)
    return f"({'; '.join(f'{authors}, {year}' for authors, year in works)})"


def copy_of(notebook: NotebookNode, around: Surroundings, first: str, last: str) -> NotebookNode:
    """Return an executed chapter as an ordinary notebook.

    Parameters
    ----------
    notebook : NotebookNode
        Chapter with its results; its text is MyST.
    around : Surroundings
        What the text refers to.
    first : str
        Source of the cell put before all others.
    last : str
        Markdown put at the end; may be empty.

    Returns
    -------
    NotebookNode
        A notebook of format 4.5; the same chapter gives the same bytes.
    """
    cells: list[NotebookNode] = []

    def add(kind: str, source: str, tags: Sequence[str] = (), **more: object) -> None:
        hidden = {"jupyter": {"source_hidden": True}} if _HIDDEN.intersection(tags) else {}
        about = hidden | ({"tags": [*tags]} if tags else {})
        own = {"cell_type": kind, "id": f"cell-{len(cells):03d}", "metadata": about}
        # Not by nbformat's own functions, which validate each; the whole notebook is, once.
        cells.append(nbformat.from_dict({**own, "source": source, **more}))

    add("code", first.rstrip("\n"), ["set-up"], outputs=[], execution_count=None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            source, tags = cell.source.strip("\n"), cell.metadata.get("tags", [])
            shown = _results(cell.outputs, "remove-stderr" not in tags)
            add("code", source, tags, outputs=shown, execution_count=cell.execution_count)
        else:
            add("markdown", plain_markdown(cell.source, around))
    if last:
        add("markdown", last)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=about)


def _results(outputs: list[NotebookNode], warnings: bool) -> list[NotebookNode]:
    """Return a cell's results; a told value becomes the line that `tell` prints."""
    kept: list[NotebookNode] = []
    for output in outputs:
        data = output.get("data", {})
        if output.output_type == "stream" and (warnings or output.name != "stderr"):
            _write(kept, output.name, output.text)
        elif GLUED in data:
            name = output.metadata["scrapbook"]["name"]
            _write(kept, "stdout", f"{name} = {format_plain_text(data[GLUED], '')}\n")
        elif data := _chart(data) or {kind: data[kind] for kind in _TYPES if kind in data}:
            if "text/html" in data:
                data["text/html"] = _DATA.sub("", data["text/html"])
            kept.append(nbformat.from_dict({**output, "data": data, "metadata": {}}))
    return kept


def _write(outputs: list[NotebookNode], name: str, text: str) -> None:
    """Add text to the last stream if it is of the same name, as Jupyter does."""
    if not outputs or outputs[-1].get("name") != name:
        outputs.append(nbformat.v4.new_output("stream", name=name))
    outputs[-1].text += _PLACE.sub("", text) if name == "stderr" else text


def _chart(data: Mapping[str, str]) -> dict[str, object] | None:
    """Return a chart of the book as Vega-Lite, which Jupyter draws by itself; None for no chart.

    As version 5, the newest that JupyterLab knows; the book's charts mean the same in 6.
    """
    found = _CHART.fullmatch(data.get("text/html", ""))
    spec = {**json.loads(found[1]), "$schema": _VEGA_LITE} if found else None
    return spec and {"application/vnd.vegalite.v5+json": spec, "text/plain": data["text/plain"]}
