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

from book_templates import write_once
from docutils import nodes
from sphinx.application import Sphinx

_CHART = 'class="vega-chart"'
_BOX = 'class="nqpf-explorer"'
_DATA = re.compile(r'<script type="application/json" class="explorer-data">(.*?)</script>', re.S)
_BOX_SCRIPTS = ("-data", "-state", "-draw", "-charts", "-compare", "-save", "")
_MATHJAX_FOLDERS = ("input/tex/extensions", "output/chtml/fonts/woff-v2")
# Those that the setting mathjax3_config of book/_config.yml loads. All of MathJax in one
# file would be half as large again: it holds a menu of 0.4 MB.
_MATHJAX_FILES = (
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
    shutil.rmtree(target, ignore_errors=True)
    for part in _MATHJAX_FOLDERS:
        shutil.copytree(source / "es5" / part, target / part)
    for part in _MATHJAX_FILES:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / "es5" / part, target / part)
    shutil.copy2(source / "LICENSE", target)


def write_vega(target: Path) -> None:
    """Write Vega, Vega-Lite and Vega-Embed to `target` as one plain script.

    The bundle is a module; inside a function it also runs from a ``file:`` address,
    where browsers refuse modules.
    """
    import vl_convert

    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"(function () {{\n{vl_convert.javascript_bundle()}\n}})();\n", "utf-8")


def _write_assets(app: Sphinx) -> None:
    if app.builder.format != "html":
        return
    vendor = Path(app.outdir) / "_static" / "vendor"
    if not (vendor / "mathjax" / "startup.js").exists():
        copy_mathjax(vendor / "mathjax")
    if not (vendor / "vega.js").exists():
        write_vega(vendor / "vega.js")


def _scripts_of_page(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Add the chart scripts where there is a chart; drop what would ask another host.

    sphinx-thebe adds scripts to every page that name a public file server, and adds
    them twice, which the browser reports as an error. The book does not use it.
    """
    if _CHART in context.get("body", ""):
        app.add_js_file("vendor/vega.js", loading_method="defer")
        app.add_js_file("charts.js", loading_method="defer")
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "thebe" not in f"{script} {getattr(script, 'attributes', {}).get('body', '')}".lower()
    ]
    # The theme writes the title into the page as it is, after undoing its escapes.
    if context.get("pagetitle"):
        context["pagetitle"] = escape(context["pagetitle"], quote=False)
    context["css_files"] = [css for css in context.get("css_files", []) if "thebe" not in str(css)]


def _figures_apart(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Give the explorer's page its scripts, and move its figures out of the page."""
    body = context.get("body", "")
    if _BOX not in body:
        return
    for name in _BOX_SCRIPTS:
        app.add_js_file(f"explorer{name}.js", loading_method="defer")
    app.add_css_file("explorer.css")
    figures = _DATA.findall(body)
    if app.builder.format == "html" and figures:
        path, text = Path(app.outdir) / f"{page}.data.js", ",\n".join(figures)
        start = "(window.nqpfExplorer = window.nqpfExplorer || {}).data = "
        write_once(path, f"{start}[\n{text}\n];\n")
        link = f'<script defer="defer" src="{path.name}"></script>'
        context["body"] = _DATA.sub("", body) + link


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    app.connect("builder-inited", _write_assets)
    app.connect("html-page-context", _figures_apart)
    # After sphinx-thebe, and before the theme renders the page.
    app.connect("html-page-context", _scripts_of_page, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
