"""Give the explorer's page its scripts, and move its figures out of the page.

A page that holds a box as :func:`nqpf.report.explorer` makes it gets the scripts
``explorer*.js`` and ``explorer.css``; no other page loads them. The figures, about a
megabyte, go from the page to ``<page>.data.js`` beside it, so that text and table
stand before the figures have come. A script, as a page opened from a folder may not
fetch anything else.
"""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

_BOX = 'class="nqpf-explorer"'
_DATA = re.compile(r'<script type="application/json" class="explorer-data">(.*?)</script>', re.S)
_SCRIPTS = ("data", "state", "draw", "charts", "compare", "save")


def _figures_apart(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    body = context.get("body", "")
    if _BOX not in body:
        return
    for name in _SCRIPTS:
        app.add_js_file(f"explorer-{name}.js", loading_method="defer")
    app.add_js_file("explorer.js", loading_method="defer")
    app.add_css_file("explorer.css")
    figures = _DATA.findall(body)
    if app.builder.format != "html" or not figures:
        return
    path = Path(app.outdir) / f"{page}.data.js"
    text = ",\n".join(figures)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"(window.nqpfExplorer = window.nqpfExplorer || {{}}).data = [\n{text}\n];\n", "utf-8"
    )
    link = f'<script defer="defer" src="{path.name}"></script>'
    context["body"] = _DATA.sub("", body) + link


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the step to Sphinx."""
    app.connect("html-page-context", _figures_apart)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
