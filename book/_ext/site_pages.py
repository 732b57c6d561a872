"""Texts of the site that are not pages of the book: tags, site map, front page, wrong address.

Written here rather than by extensions of Sphinx: the one for site maps loses pages that a build
kept, the one for a wrong address needs the theme at every depth, and the one for shared links
writes wrong tags when the site has no address.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from book_templates import render
from docutils import nodes

_LENGTH = 200
_CARD_SIZE = (1200, 630)


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
    return render("site_map.xml", site=site, pages=pages)


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
    return render("site_missing.html", site=site, book=book, links=links)


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
    return render("site_front.html", book=book, first=first, tags=tags)
