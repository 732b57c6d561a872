"""Correct every page as it is written, and lighten the site when all pages are.

The corrections are functions from text to text (book_markup.py, book_light.py), so they
hold for the theme's, the search's and any extension's page alike. As the theme ships them, each
page loads 1.5 MB of icons as a script, the index of the search and half a megabyte of style
sheets; the heaviest chapter would pass the 1.5 MB that a page may weigh. A class that only an
outside script would set is not styled.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from book_files import write_once
from book_light import drop_scripts, figures_to_files
from book_markup import accessible, mark_chinese
from book_styles import lighten_styles
from sphinx.application import Sphinx

_FIGURE_FILE = re.compile(r"[0-9a-f]{16}\.(?:svg|png)")
# What the theme ships and no page asks for.
_NOT_SHIPPED = (
    "_static/**/*.map",
    "_static/scripts/fontawesome.js",
    "_static/sphinx-thebe.*",
    "_static/locales/**/*",
)


def _correct_pages(app: Sphinx) -> None:
    """Pass each page through the corrections between its template and its file."""
    if app.builder.format != "html":
        return
    templates, images = app.builder.templates, Path(app.outdir) / "_images"
    rendered = templates.render

    def render(template: str, context: dict[str, object]) -> str:
        page = rendered(template, context)
        if not template.endswith(".html") or "pathto" not in context:
            return page
        pathto: Callable[..., str] = context["pathto"]

        def save(name: str, content: bytes) -> str:
            write_once(images / name, content)
            return pathto(f"_images/{name}", 1)

        page = figures_to_files(page, save)
        return accessible(drop_scripts(page, str(context.get("pagename", ""))))

    templates.render = render


def _lighten_site(app: Sphinx, failure: Exception | None) -> None:
    if failure is not None or app.builder.format != "html":
        return
    html = Path(app.outdir)
    # Lists of files are put into pages once the files are there.
    for path in sorted(html.rglob("*.html")):
        if "_static" not in path.relative_to(html).parts:
            write_once(path, mark_chinese(path.read_text("utf-8")))
    own = {path.name for path in (Path(app.confdir) / "book/_static").glob("*.css")}
    lighten_styles(html, own, write_once)
    for pattern in _NOT_SHIPPED:
        for path in sorted(html.glob(pattern)):
            if path.is_file():
                path.unlink()
    _remove_old_figures(html)


def _remove_old_figures(html: Path) -> None:
    """Remove figures that an earlier build left and no page shows."""
    figures = {p.name: p for p in (html / "_images").glob("*") if _FIGURE_FILE.fullmatch(p.name)}
    if not figures:
        return
    for page in html.rglob("*.html"):
        for name in _FIGURE_FILE.findall(page.read_text("utf-8")):
            figures.pop(name, None)
    for path in figures.values():
        path.unlink()


def setup(app: Sphinx) -> dict[str, object]:
    """Connect both steps, the second after whatever else writes pages."""
    app.connect("builder-inited", _correct_pages)
    app.connect("build-finished", _lighten_site, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
