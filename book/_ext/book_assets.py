"""Put the files that scripts/make_files.py wrote into the site, and have pages load their scripts.

A page that holds a chart written as ::

    <div class="vega-chart" role="img" aria-label="what the chart shows">
      <script type="application/json">the Vega-Lite specification</script>
    </div>

gets Vega and charts.js; no other page loads them. A page that holds a box as
:func:`nqpf.report.explorer` makes it gets the scripts ``explorer*.js`` and ``explorer.css``. The
box's figures, about a megabyte, go from the page to ``<page>.data.js`` beside it, so that text and
table stand before the figures have come; a script, as a page opened from a folder may not fetch
anything else.
"""

from __future__ import annotations

import re
import shutil
from html import escape
from pathlib import Path

from book_templates import write_once
from docutils import nodes
from sphinx.application import Sphinx

MADE = Path(__file__).resolve().parents[2] / "_build" / "made"
_DATA = re.compile(r'<script type="application/json" class="explorer-data">(.*?)</script>', re.S)
# What a page with a mark in it loads; explorer.js needs those before it.
_LOADED = {
    'class="vega-chart"': ["vendor/vega.js", "charts.js"],
    'class="nqpf-explorer"': [
        *(f"explorer-{part}.js" for part in "data state draw charts compare save".split()),
        "explorer.js",
        "explorer.css",
    ],
    'page="search"': ["search-rank.js", "search.js", "search.css"],
}


def _copy_made(app: Sphinx) -> None:
    if app.builder.format == "html" and MADE.is_dir():
        shutil.copytree(MADE, app.outdir, dirs_exist_ok=True)


def _scripts_of_page(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Load what the page needs, and move the explorer's figures out of it."""
    body = context.get("body", "")
    marked = f'{body} page="{page}"'
    for mark, files in _LOADED.items():
        for file in files if mark in marked else ():
            if file.endswith(".css"):
                app.add_css_file(file)
            else:
                app.add_js_file(file, loading_method="defer")
    # The theme writes the title into the page as it is, after undoing its escapes.
    if context.get("pagetitle"):
        context["pagetitle"] = escape(context["pagetitle"], quote=False)
    figures = _DATA.findall(body)
    if app.builder.format == "html" and figures:
        path, text = Path(app.outdir) / f"{page}.data.js", ",\n".join(figures)
        start = "(window.nqpfExplorer = window.nqpfExplorer || {}).data = "
        write_once(path, f"{start}[\n{text}\n];\n")
        context["body"] = f'{_DATA.sub("", body)}<script defer src="{path.name}"></script>'


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    app.connect("builder-inited", _copy_made)
    app.connect("html-page-context", _scripts_of_page, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
