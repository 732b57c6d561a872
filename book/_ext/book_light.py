"""Keep the pages light: no script without a use, figures as files, styles that are used.

As the theme ships them, every page loads 1.5 MB of icons as a script, the search index,
and half a megabyte of style sheets, most of it for things that no page of the book has.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

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
