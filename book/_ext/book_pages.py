"""Correct every page as it is written, and lighten the site when all pages are.

The corrections are functions from text to text (here and in book_markup.py), so they hold for the
theme's, the search's and any extension's page alike. As the theme ships them, each page loads
1.5 MB of icons as a script, the index of the search and half a megabyte of style sheets, most of it
for things that no page of the book has; the heaviest chapter would pass the 1.5 MB that a page may
weigh. A class that only an outside script would set is not styled.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote_to_bytes

from book_markup import accessible, mark_chinese
from book_styles import lighten_styles
from book_templates import write_once
from sphinx.application import Sphinx

_SCRIPT = re.compile(r"[ \t]*<script\b([^>]*)>(.*?)</script>[ \t]*\n?", re.DOTALL)
_SOURCE = re.compile(r'src="([^"]*)"')
# Not loaded: icons come from a font (book_styles.py), thebe is not used, and the index of
# the search belongs to the page of the search.
_UNUSED = ("scripts/fontawesome.js",)
_SEARCH_ONLY = ("searchtools.js", "language_data.js", "searchindex.js")
_INLINE_UNUSED = ("thebe", "kernelName =")
# Other scripts read what this one writes while the page is still being read.
_AT_ONCE = ("documentation_options.js",)
_NOISE = re.compile(
    r"\s*<!-- So that users can add custom icons -->"
    r'|\s*<meta name="docsearch:version" content="" />'
    r'|\s*<meta name="docsearch:version" content=""/>'
    r'|\s*<div id="ethical-ad-placement".*?</div>',
    re.DOTALL,
)
_VIEWPORT = re.compile(r'\s*<meta name="viewport"[^>]*>')

_FIGURE = re.compile(r'<img\b([^>]*?)\ssrc="data:image/(svg\+xml|png)(;base64)?,([^"]*)"([^>]*)>')
_SIZE = re.compile(rb'<svg\b[^>]*?\sviewBox="[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)"')
_FIGURE_FILE = re.compile(r"[0-9a-f]{16}\.(?:svg|png)")
# What the theme ships and no page asks for.
_NOT_SHIPPED = (
    "_static/**/*.map",
    "_static/scripts/fontawesome.js",
    "_static/sphinx-thebe.*",
    "_static/locales/**/*",
)


def drop_scripts(page: str, name: str) -> str:
    """Remove the scripts that a page has no use for and let the others wait for the text.

    Parameters
    ----------
    page : str
        The HTML.
    name : str
        The page's name; ``search`` keeps the scripts of the search as they are.

    Examples
    --------
    >>> drop_scripts('<script src="_static/doctools.js"></script>', "a")
    '<script defer src="_static/doctools.js"></script>'
    >>> drop_scripts('<script src="searchindex.js"></script>', "a")
    ''
    """
    tabs = "sd-tab-set" in page
    seen: set[str] = set()

    def lighter(script: re.Match[str]) -> str:
        attributes, body = script.groups()
        source = _SOURCE.search(attributes)
        if source is None:
            # Said twice by two extensions.
            again = "togglebutton" in body and body in seen
            seen.add(body)
            unused = any(word in attributes + body[:400] for word in _INLINE_UNUSED)
            return "" if again or unused else script.group()
        file = source.group(1).split("?")[0]
        if file.endswith(_UNUSED) or (file.endswith("design-tabs.js") and not tabs):
            return ""
        if name == "search":
            return script.group()
        if file.endswith(_SEARCH_ONLY):
            return ""
        if "defer" in attributes or "async" in attributes or file.endswith(_AT_ONCE):
            return script.group()
        return script.group().replace("<script", "<script defer", 1)

    return one_viewport(_NOISE.sub("", _SCRIPT.sub(lighter, page)))


def one_viewport(page: str) -> str:
    """Keep the first of the three statements of the same width of the window."""
    first = _VIEWPORT.search(page)
    if first is None:
        return page
    return page[: first.end()] + _VIEWPORT.sub("", page[first.end() :])


def figures_to_files(page: str, save: Callable[[str, bytes], str]) -> str:
    """Take figures out of a page, so that its text need not wait for them.

    Each gets its height, so that nothing moves when it arrives; those after the first
    are asked for when the reader comes near them, or prints.

    Parameters
    ----------
    page : str
        The HTML with figures as ``data:`` addresses.
    save : callable
        Takes a file's name, made from its content, and the content; returns the address.

    Returns
    -------
    str
        The HTML with figures as files.
    """
    count = 0

    def linked(image: re.Match[str]) -> str:
        nonlocal count
        before, kind, coded, data, after = image.groups()
        content = base64.b64decode(data) if coded else unquote_to_bytes(data)
        suffix = "png" if kind == "png" else "svg"
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"
        height = _height(before + after, _size(content))
        lazy = ' loading="lazy"' if count else ""
        count += 1
        return f'<img{before}{height}{lazy} decoding="async" src="{save(name, content)}"{after}>'

    return _FIGURE.sub(linked, page)


def _size(content: bytes) -> tuple[float, float] | None:
    """Return the width and height of a PNG, or of an SVG from its view box."""
    if content.startswith(b"\x89PNG"):
        return struct.unpack(">II", content[16:24])
    box = _SIZE.search(content[:2000])
    return (float(box.group(1)), float(box.group(2))) if box else None


def _height(attributes: str, size: tuple[float, float] | None) -> str:
    width = re.search(r'\swidth="(\d+)"', attributes)
    if size is None or width is None or re.search(r"\sheight=", attributes):
        return ""
    return f' height="{round(int(width.group(1)) * size[1] / size[0])}"'


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
    lighten_styles(html, own)
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
