"""Put MathJax and Vega into the built site, so that no page asks another host.

Both come from Python packages of the environment: MathJax from
django-static-mathjax, Vega from vl-convert-python. Neither enters the repository.

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
from importlib.metadata import distribution
from pathlib import Path

from book_templates import aside, write_once
from docutils import nodes
from sphinx.application import Sphinx

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
# Those that the setting mathjax3_config of book/_config.yml loads. All of MathJax in one
# file would be half as large again: it holds a menu of 0.4 MB.
_MATHJAX = (
    "input/tex/extensions/*.js",
    "output/chtml/fonts/woff-v2/*",
    "startup.js",
    "core.js",
    "input/tex.js",
    "output/chtml.js",
    "output/chtml/fonts/tex.js",
    "a11y/assistive-mml.js",
)


def copy_mathjax(target: Path) -> None:
    """Copy the components of TeX, its extensions, its fonts and its licence to `target`."""
    # The ``es5`` folder of the installed package, without importing Django.
    package = distribution("django-static-mathjax")
    source = Path(str(package.locate_file("mathjax/static/mathjax")))
    files = {path: source / "es5" for part in _MATHJAX for path in source.glob(f"es5/{part}")}
    for path, folder in {**files, source / "LICENSE": source}.items():
        copied = target / path.relative_to(folder)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copied)


def write_vega(target: Path) -> None:
    """Write Vega, Vega-Lite and Vega-Embed to `target` as one plain script.

    The bundle is a module; inside a function it also runs from a ``file:`` address,
    where browsers refuse modules.
    """
    import vl_convert

    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"(function () {{\n{vl_convert.javascript_bundle()}\n}})();\n", "utf-8")


def _write_assets(app: Sphinx) -> None:
    vendor = Path(app.outdir) / "_static" / "vendor"
    if app.builder.format == "html" and not (vendor / "vega.js").exists():
        copy_mathjax(vendor / "mathjax")
        aside(app, write_vega, vendor / "vega.js")


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
    app.connect("builder-inited", _write_assets)
    app.connect("html-page-context", _scripts_of_page, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
