"""Style sheets with the rules that some page uses, and an icon font with those icons.

Written beside the theme's own files under a name made from the content, so that a
browser never holds an old sheet against a new page.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import tinycss2

# Not read for names: too large to matter, or not about the page's classes.
_NOT_READ = ("mathjax", "fontawesome.js", "vega.js", "searchindex.js")
_WORD = re.compile(r"[A-Za-z_][\w-]*")
_CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
# A script puts these names together from parts.
_MADE = re.compile(r"(?:bs-|tooltip|popover|dropdown|modal|collaps|show|fade|btn-close)")
_BLOCKS = {"media", "supports", "layer", "container"}
_ICON = re.compile("\\\\([ef][0-9a-f]{3})|([\ue000-\uf8ff])")
_FONT = re.compile(r"src:url\(([^)]*?)(fa-[\w-]+)\.woff2\)[^;}]*")
_IMPORT_ALONE = re.compile(r'\s*@import "([^"]+)";?\s*')
_DIGITS = 10


def words_of(files: Iterable[Path]) -> set[str]:
    """Return every word of pages and scripts; a class that is none of them is not used."""
    words: set[str] = set()
    for file in files:
        if not any(part in file.as_posix() for part in _NOT_READ):
            words.update(_WORD.findall(file.read_text("utf-8")))
    return words


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
            # What stands in brackets is a choice or a denial and decides nothing.
            groups[-1].append(token)
    return [tinycss2.serialize(group).strip() for group in groups]


def _is_used(selector: str, words: set[str]) -> bool:
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
    options = Options(hinting=False, notdef_outline=True, name_IDs=["*"])
    cutter = Subsetter(options)
    cutter.populate(unicodes=sorted(icons & set(font.getBestCmap())))
    cutter.subset(font)
    font.flavor = "woff"
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def lighten_styles(html: Path, own: set[str], write: Callable[[Path, bytes], None]) -> None:
    """Write the lighter sheets and fonts of a built site and let its pages load them.

    Parameters
    ----------
    html : Path
        Folder of the site.
    own : set of str
        Names of the book's own sheets, which are left as they are.
    write : callable
        Writes a file in one step.
    """
    static = html / "_static"
    pages = [p for p in sorted(html.rglob("*.html")) if static not in p.parents]
    words = words_of([*pages, *sorted(static.rglob("*.js"))])
    originals = [p for p in sorted(static.rglob("*.css")) if p.name not in own and not _ours(p)]
    lighter = {sheet: keep_used(sheet.read_text("utf-8"), words) for sheet in originals}
    drawn = set().union(*(icons_in(text) for text in lighter.values()))
    renamed, written = {}, set()
    # A sheet that is nothing but another's address is left out of the way to it.
    for sheet, text in sorted(lighter.items(), key=lambda item: "@import" in item[1]):
        name = sheet.relative_to(html).as_posix()
        if alone := _IMPORT_ALONE.fullmatch(text):
            imported = (sheet.parent / alone.group(1)).resolve().relative_to(html.resolve())
            renamed[name] = renamed[imported.as_posix()]
            continue
        text = _FONT.sub(lambda f, at=sheet: _lighter_font(f, at, drawn, written, write), text)
        target = sheet.with_name(f"{sheet.stem.split('.')[0]}.{_digest(text.encode())}.css")
        write(target, text.encode("utf-8"))
        written.add(target)
        renamed[name] = target.relative_to(html).as_posix()
    for page in pages:
        text = page.read_text("utf-8")
        changed = rename_links(text, renamed)
        if changed != text:
            write(page, changed.encode("utf-8"))
    _remove_old(static, written)


def rename_links(page: str, renamed: dict[str, str]) -> str:
    """Let a page load the lighter sheets in place of the theme's, or of an older build's.

    Examples
    --------
    >>> rename_links('href="../_static/a.css?v=1"', {"_static/a.css": "_static/a.0123456789.css"})
    'href="../_static/a.0123456789.css"'
    """
    for original, target in renamed.items():
        stem = re.escape(original.removesuffix(".css").split(".")[0])
        page = re.sub(rf'\b{stem}(?:\.[\w-]+)?\.css(?:\?[^"]*)?"', f'{target}"', page)
    return page


def _lighter_font(
    source: re.Match[str],
    sheet: Path,
    icons: set[int],
    written: set[Path],
    write: Callable[[Path, bytes], None],
) -> str:
    folder = (sheet.parent / source.group(1)).resolve()
    font = icon_font(folder / f"{source.group(2)}.ttf", icons)
    target = folder / f"{source.group(2)}.{_digest(font)}.woff"
    write(target, font)
    written.add(target)
    return f'src:url({source.group(1)}{target.name}) format("woff")'


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def _ours(path: Path) -> bool:
    """Return whether a file bears the name that this module gives."""
    return re.search(rf"\.[0-9a-f]{{{_DIGITS}}}\.(?:css|woff)$", path.name) is not None


def _remove_old(static: Path, written: set[Path]) -> None:
    for path in sorted(static.rglob("*")):
        if path.is_file() and _ours(path) and path.resolve() not in {p.resolve() for p in written}:
            path.unlink()
