"""Texts of the site that are not pages of the book: tags, site map, front page, wrong address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from docutils import nodes

_CHINESE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]+")
_LENGTH = 200
_CARD_SIZE = (1200, 630)

_MISSING = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Page not found · 页面不存在</title>
<style>
:root {{ color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --link: #005a8d }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e8e8e8; --paper: #14181e; --link: #7cc4f0 }} }}
body {{ margin: 0; color: var(--ink); background: var(--paper);
  font: 1.05rem/1.6 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans SC", sans-serif }}
main {{ max-width: 38rem; margin: 0 auto; padding: 3rem 1.25rem; overflow-wrap: anywhere }}
h1 {{ font-size: 1.6rem; line-height: 1.3; border-left: .4rem solid #0072b2; padding-left: .8rem }}
a {{ color: var(--link) }}
form {{ display: flex; flex-wrap: wrap; gap: .5rem; margin: 1.5rem 0 }}
label {{ flex-basis: 100% }}
input, button {{ font: inherit; padding: .4rem .7rem; border: 1px solid; border-radius: .3rem;
  color: inherit; background: transparent }}
input {{ flex: 1 1 12rem; min-width: 0 }}
li {{ margin: .3rem 0 }}
:focus-visible {{ outline: 3px solid #d55e00; outline-offset: 2px }}
</style>
</head>
<body>
<main>
<h1>This page does not exist <span lang="zh">页面不存在</span></h1>
<p>The address may be mistyped, or the chapter has moved.
<span lang="zh">地址可能有误，或该章节已移动。</span></p>
<form action="{site}search.html" method="get" role="search">
<label for="q">Search the book <span lang="zh">搜索全书</span></label>
<input id="q" name="q" type="search" autocomplete="off">
<button type="submit">Search <span lang="zh">搜索</span></button>
</form>
<h2>Where to go <span lang="zh">去往</span></h2>
<ul>
{links}
</ul>
<p>{project}</p>
</main>
</body>
</html>
"""

_FRONT = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<meta http-equiv="Refresh" content="0; url={first}">
{tags}
</head>
<body>
<p><a href="{first}">{title}</a></p>
</body>
</html>
"""


def summary(doctree: nodes.document, length: int = _LENGTH) -> str:
    """Return the beginning of a page's first paragraphs, cut between words.

    Parameters
    ----------
    doctree : docutils document
        The page; tables, notes and figures are passed over.
    length : int
        Most letters to return.
    """
    found = ""
    for paragraph in doctree.findall(nodes.paragraph):
        if not isinstance(paragraph.parent, nodes.section | nodes.document):
            continue
        found = f"{found} {' '.join(paragraph.astext().split())}".strip()
        if len(found) >= length // 2:
            break
    return shortened(found, length)


def shortened(text: str, length: int) -> str:
    """Return a text of at most `length` letters, cut between words.

    Examples
    --------
    >>> shortened("one panel of official statistics", 14)
    'one panel of…'
    """
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut else cut}…"


def meta_tags(
    book: str, title: str, description: str, address: str = "", card: Sequence[str] = ()
) -> list[str]:
    """Return the tags by which search engines and messengers describe a page.

    Parameters
    ----------
    book, title, description : str
        Names of the book and the page, and what the page is about.
    address : str
        Address of the page; without one there are no tags for shared links.
    card : sequence of str
        Address and alternative text of the picture, or nothing.

    Examples
    --------
    >>> meta_tags("Book", "Page", 'On "it"')
    ['<meta name="description" content="On &quot;it&quot;">']
    """
    tags = [_tag("name", "description", description)]
    if not address:
        return tags
    open_graph = {
        "og:type": "article",
        "og:site_name": book,
        "og:title": title,
        "og:description": description,
        "og:url": address,
    }
    if card:
        width, height = _CARD_SIZE
        open_graph |= {
            "og:image": card[0],
            "og:image:type": "image/png",
            "og:image:width": str(width),
            "og:image:height": str(height),
            "og:image:alt": card[1],
        }
        tags.append(_tag("name", "twitter:card", "summary_large_image"))
    return tags + [_tag("property", name, content) for name, content in open_graph.items()]


def _tag(kind: str, name: str, content: str) -> str:
    return f'<meta {kind}="{name}" content="{escape(content)}">'


def site_map(site: str, pages: Sequence[str]) -> str:
    """Return sitemap.xml for pages of a site, in their order.

    No dates: those of a build would say that every page has changed.

    Examples
    --------
    >>> "<loc>https://s.example/b/x.html</loc>" in site_map("https://s.example/b/", ["x"])
    True
    """
    lines = [f"<url><loc>{escape(site + quote(page))}.html</loc></url>" for page in pages]
    head = '<?xml version="1.0" encoding="utf-8"?>'
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return "\n".join([head, f'<urlset xmlns="{space}">', *lines, "</urlset>", ""])


def robots(site: str) -> str:
    """Return robots.txt: everything may be read, and where the site map is.

    Examples
    --------
    >>> print(robots("https://s.example/b/"), end="")
    User-agent: *
    Allow: /
    Sitemap: https://s.example/b/sitemap.xml
    """
    return f"User-agent: *\nAllow: /\nSitemap: {site}sitemap.xml\n"


def missing_page(site: str, book: str, links: Sequence[tuple[str, str]]) -> str:
    """Return the page shown for an address that does not exist.

    It stands alone and names full addresses, because it is shown at any depth.

    Parameters
    ----------
    site : str
        Address of the site, with a slash at its end.
    book : str
        Title of the book.
    links : sequence of (str, str)
        Names and titles of pages to offer.
    """
    written = (
        f'<li><a href="{escape(site)}{quote(page)}.html">{_marked(title)}</a></li>'
        for page, title in links
    )
    return _MISSING.format(site=escape(site), project=escape(book), links="\n".join(written))


def _marked(text: str) -> str:
    """Return a text as HTML, its Chinese marked as such for screen readers."""
    return _CHINESE.sub(r'<span lang="zh">\g<0></span>', escape(text))


def front_page(book: str, first: str, tags: Sequence[str] = ()) -> str:
    """Return the page at the root of the site, which leads to the first page of the book.

    Parameters
    ----------
    book : str
        Title of the book.
    first : str
        File of the first page.
    tags : sequence of str
        Further elements of its head.
    """
    kept = "\n".join(tag for tag in tags if tag)
    return _FRONT.format(title=escape(book), first=escape(first), tags=kept)
