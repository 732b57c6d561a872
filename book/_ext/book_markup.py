"""Correct the pages' HTML for readers who listen, or who use a keyboard.

The theme and pandas write most of a page. What they leave out is added here, once
for all pages: headings of tables that say what they head, Chinese marked as Chinese
(which also picks the right shapes of its characters), landmarks with names.
"""

from __future__ import annotations

import re

from book_search import HAN

# What holds no running text, each whole, and every other tag or comment.
_TOKEN = re.compile(
    r"<!--.*?-->|<(script|style|pre|code|textarea|title|svg|math|option)\b[^>]*>.*?</\1\s*>|<[^>]*>",
    re.DOTALL,
)
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)")
_MARKED = re.compile(r"""\slang=["']zh""")
# From the first Chinese character to the last, over Chinese punctuation between them.
_CHINESE = re.compile(f"[{HAN}](?:[{HAN}\u3000-\u303f\uff00-\uffef\u00b7]*[{HAN}\uff09\u300b])?")

_FRAME = re.compile(r'<table border="1" class="dataframe([^"]*)">(.*?)</table>', re.DOTALL)
_ROW = re.compile(r"<tr[^>]*>.*?</tr>", re.DOTALL)
_HEADING = re.compile(r"<th(?=[\s>])([^>]*)>(.*?)</th>", re.DOTALL)
_FRAME_STYLE = re.compile(r"<style scoped>\s*\.dataframe.*?</style>\s*", re.DOTALL)

# The theme's boxes, the parts of a page that a reader can jump to, and their names.
_SIDEBAR = '<div id="pst-primary-sidebar"'
_SIDEBAR_NAMED = '<div id="pst-primary-sidebar" role="complementary" aria-label="The book"'
# docutils' list of works has entries that are no items of a list.
_WORKS, _WORKS_PLAIN = '<div role="list" class="citation-list">', '<div class="citation-list">'
_PLACE = re.compile(r'<dialog id="(pst-[\w-]+)">')
_DIALOGS = {
    "pst-search-dialog": "Search",
    "pst-primary-sidebar-modal": "Contents of the book",
    "pst-secondary-sidebar-modal": "Contents of this page",
}


def mark_chinese(page: str) -> str:
    r"""Wrap Chinese text in an element that says so, where none does yet.

    Examples
    --------
    >>> mark_chinese("<body><p>Index 指数, <i lang='zh'>指标</i>")
    '<body><p>Index <span lang="zh">指数</span>, <i lang=\'zh\'>指标</i>'
    """
    head, body_tag, body = page.partition("<body")
    if not body_tag:
        return page
    parts, at, within = [head, body_tag], 0, None
    # Each token ends a piece of text; so does the end of the page.
    for token in [*_TOKEN.finditer(body), None]:
        text = body[at : token.start() if token else None]
        parts.append(text if within else _CHINESE.sub(r'<span lang="zh">\g<0></span>', text))
        if token:
            parts.append(token.group())
            at, within = token.end(), _within(within, token.group())
    return "".join(parts)


def _within(state: tuple[str, int] | None, token: str) -> tuple[str, int] | None:
    """Return the marked element that the text after a token stands in, with its depth."""
    tag = _TAG.match(token)
    if tag is None:
        return state
    closes, name = tag.groups()
    if state is None:
        return (name, 1) if not closes and _MARKED.search(token) else None
    if name != state[0]:
        return state
    depth = state[1] + (-1 if closes else 1)
    return (name, depth) if depth else None


def correct_frames(page: str) -> str:
    """Say of every heading in pandas' tables what it heads; no heading stays empty.

    A row that only names the index joins the row of the columns' names.

    Examples
    --------
    >>> correct_frames('<table border="1" class="dataframe"><thead><tr><th></th><th>mean</th></tr>'
    ...     '<tr><th>year</th><th></th></tr></thead><tbody><tr><th>2013</th></tr></tbody></table>')
    '<table class="dataframe"><thead><tr><th scope="col">year</th><th scope="col">mean</th></tr></thead><tbody><tr><th scope="row">2013</th></tr></tbody></table>'
    """  # noqa: E501
    return _FRAME.sub(_corrected_frame, _FRAME_STYLE.sub("", page))


def _corrected_frame(table: re.Match[str]) -> str:
    kind, inner = table.groups()
    head, close, body = inner.partition("</thead>")
    if not close:
        head, body = "", inner
    rows = _ROW.findall(head)
    if len(rows) == 2 and (merged := _merged(*rows)):
        head = f"{head[: head.index(rows[0])]}{merged}"
    head = _HEADING.sub(lambda h: _heading(h, "col"), head)
    body = _HEADING.sub(lambda h: _heading(h, "row"), body)
    return f'<table class="dataframe{kind}">{head}{close}{body}</table>'


def _merged(names: str, index: str) -> str | None:
    """Return one row for the names of the columns and of the index, if they do not meet."""
    above, below = _HEADING.findall(names), _HEADING.findall(index)
    apart = all(not (a[1] and b[1]) and not a[0] for a, b in zip(above, below, strict=False))
    if len(above) != len(below) or not apart:
        return None
    cells = iter([a[1] or b[1] for a, b in zip(above, below, strict=True)])
    return _HEADING.sub(lambda _: f"<th>{next(cells)}</th>", names)


def _heading(cell: re.Match[str], scope: str) -> str:
    attributes, text = cell.groups()
    if not text.strip():
        return f"<td{attributes}></td>"
    spans = "colspan" if scope == "col" else "rowspan"
    group = "group" if f'{spans}="' in attributes and f'{spans}="1"' not in attributes else ""
    # "halign" is no attribute of HTML, and "valign" none of today's.
    attributes = re.sub(r'\s(?:halign|valign)="\w+"', "", attributes)
    return f'<th scope="{scope}{group}"{attributes}>{text}</th>'


def name_places(page: str) -> str:
    """Make the sidebar a landmark and give each dialog a name.

    Examples
    --------
    >>> name_places('<dialog id="pst-search-dialog">')
    '<dialog id="pst-search-dialog" aria-label="Search">'
    """

    def named(dialog: re.Match[str]) -> str:
        name = _DIALOGS.get(dialog.group(1))
        return f'{dialog.group()[:-1]} aria-label="{name}">' if name else dialog.group()

    page = page.replace(_SIDEBAR, _SIDEBAR_NAMED).replace(_WORKS, _WORKS_PLAIN)
    return _PLACE.sub(named, page)


def accessible(page: str) -> str:
    """Return a page with all corrections of this module."""
    return mark_chinese(name_places(correct_frames(page)))
