"""Style sheets with the rules that some page uses, and an icon font with those icons.

Sphinx copies the theme's sheets anew in each build, so they are rewritten where they stand. Pages
load them under a version made from the content, so that a browser never holds an old sheet against
a new page.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
from collections.abc import Iterable
from pathlib import Path

import tinycss2
from book_templates import write_once

# Not read for names: too large to matter, or not about the page's classes.
_NOT_READ = ("mathjax", "fontawesome.js", "vega.js", "searchindex.js")
_WORD = re.compile(r"[A-Za-z_][\w-]*")
_CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
# A script puts these names together from parts.
_MADE = re.compile(r"(?:bs-|tooltip|popover|dropdown|modal|collaps|show|fade|btn-close)")
_BLOCKS = {"media", "supports", "layer", "container"}
_ICON = re.compile("\\\\([ef][0-9a-f]{3})|([\ue000-\uf8ff])")
_FONT = re.compile(r"src:url\(([^)]*?)(fa-[\w-]+)\.woff2\)[^;}]*")
# The theme's first sheet is nothing but the address of Sphinx's.
_ALONE = ("_static/styles/theme.css", "_static/basic.css")
_LINK = re.compile(r'\b(_static/[^"?]*\.css)(?:\?[^"]*)?"')


def keep_used(css: str, words: set[str]) -> str:
    """Return the rules of a sheet whose classes all occur among `words`.

    Examples
    --------
    >>> keep_used(".card { color: red } .note, .card > a { top: 0 } p { left: 0 }", {"note"})
    '.note{ top: 0 }p{ left: 0 }'
    """
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return _written(rules, words)


def _written(rules: Iterable[object], words: set[str]) -> str:
    parts = []
    for rule in rules:
        if rule.type == "qualified-rule":
            kept = [part for part in _selectors(rule.prelude) if _is_used(part, words)]
            if kept:
                parts.append(f"{','.join(kept)}{{{tinycss2.serialize(rule.content)}}}")
        elif rule.type == "at-rule" and rule.at_keyword in _BLOCKS and rule.content is not None:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if written := _written(inner, words):
                parts.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{written}}}")
        else:
            parts.append(rule.serialize())
    return "".join(parts)


def _selectors(prelude: list[object]) -> list[str]:
    """Cut at the commas between selectors, not at those within ``:is()``."""
    groups: list[list[object]] = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            groups.append([])
        else:
            groups[-1].append(token)
    return [tinycss2.serialize(group).strip() for group in groups]


def _is_used(selector: str, words: set[str]) -> bool:
    # What stands in brackets is a choice or a denial and decides nothing.
    bare = re.sub(r"\\.", "", re.sub(r"\[[^\]]*\]", "", selector))
    while bare != (shorter := re.sub(r"\([^()]*\)", "", bare)):
        bare = shorter
    return all(name in words or _MADE.match(name) for name in _CLASS.findall(bare))


def icons_in(css: str) -> set[int]:
    r"""Return the code points of the icons that a sheet draws.

    Examples
    --------
    >>> sorted(icons_in('.fa-xmark:before{content:"\\f00d"}'))
    [61453]
    """
    return {int(code, 16) if code else ord(drawn) for code, drawn in _ICON.findall(css)}


def icon_font(source: Path, icons: set[int]) -> bytes:
    """Return the font in `source` with the icons of `icons` only, compressed as WOFF."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    logging.getLogger("fontTools").setLevel(logging.WARNING)
    font = TTFont(source, recalcTimestamp=False)
    cutter = Subsetter(Options(hinting=False, notdef_outline=True, name_IDs=["*"]))
    cutter.populate(unicodes=sorted(icons & set(font.getBestCmap())))
    cutter.subset(font)
    font.flavor = "woff"
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def lighten_styles(html: Path, own: set[str]) -> None:
    """Reduce the sheets and icon fonts of a built site to what its pages use.

    Parameters
    ----------
    html : Path
        Folder of the site.
    own : set of str
        Names of the book's own sheets, which are left as they are.
    """
    static = html / "_static"
    pages = [page for page in sorted(html.rglob("*.html")) if static not in page.parents]
    read = [f for f in [*pages, *static.rglob("*.js")] if not any(n in str(f) for n in _NOT_READ)]
    words = {word for file in read for word in _WORD.findall(file.read_text("utf-8"))}
    sheets = [sheet for sheet in sorted(static.rglob("*.css")) if sheet.name not in own]
    lighter = {sheet: keep_used(sheet.read_text("utf-8"), words) for sheet in sheets}
    icons = set().union(*(icons_in(text) for text in lighter.values()))
    versions = {}
    for sheet, text in lighter.items():
        for folder, name in _FONT.findall(text):
            source = (sheet.parent / folder / f"{name}.ttf").resolve()
            font = icon_font(source, icons)
            write_once(source.with_suffix(".woff"), font)
            address = f"{folder}{name}.woff?v={_digest(font)}"
            text = _FONT.sub(
                lambda f, n=name, a=address: f'src:url({a}) format("woff")' if f[2] == n else f[0],
                text,
            )
        write_once(sheet, text)
        versions[sheet.relative_to(html).as_posix()] = _digest(text.encode("utf-8"))
    for page in pages:
        write_once(page, with_versions(page.read_text("utf-8"), versions))


def with_versions(page: str, versions: dict[str, str]) -> str:
    """Let a page load the sheets of this build rather than those that a browser keeps.

    Examples
    --------
    >>> with_versions('href="../_static/a.css?v=1"', {"_static/a.css": "0123456789"})
    'href="../_static/a.css?v=0123456789"'
    """

    def versioned(link: re.Match[str]) -> str:
        version = versions.get(link[1])
        return f'{link[1]}?v={version}"' if version else link[0]

    return _LINK.sub(versioned, page.replace(*_ALONE))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:10]
