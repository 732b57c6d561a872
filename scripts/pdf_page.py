"""One built page, made ready for the printed book: no buttons, no hidden code, inner links."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

# What a printed page has no use for. `web-only` is how a page marks such things itself.
_NO_TAGS = {"style", "noscript", "button", "form", "iframe", "link", "template"}
_KEPT_OF_LINKS = ("id", "class", "style")  # the tiles of a map of links are coloured by style
_NO_CLASSES = {"headerlink", "web-only", "toctree-wrapper", "toggle-hidden-button"}
_ARTICLE = re.compile(r'<article class="bd-article".*?</article>', re.DOTALL)
_CANONICAL = re.compile(r'<link rel="canonical" href="([^"]+)"')
# Figures are most of a page's bytes. They stand aside while it is parsed.
_FIGURE = re.compile(r'(?<= src=")data:[^"]*(?=")')
_NUMBER = re.compile(r'(?<=src=")figure:(\d+)(?=")')
# Code that the page folds away: most of its elements, and cut before parsing for speed.
_HIDDEN_CODE = re.compile(r'<details class="[^"]*\babove-input\b[^"]*">.*?</details>', re.DOTALL)
_HEADING = re.compile(r"h([1-6])\Z")
# Emoji that no text font has, and what says the same.
_PLAIN = str.maketrans({"✅": "✓", "❌": "✗"})
_OUTSIDE = ("http", "https", "mailto")


@dataclass
class Page:
    """A page of the book.

    Attributes
    ----------
    name : str
        As in the table of contents, such as ``"book/glossary"``.
    key : str
        Short name of its anchors in the document, such as ``"p12"``.
    title : str
        Its heading with the chapter's number.
    body : Tag
        What is printed; an image that the page itself holds has a number for an address.
    figures : list of str
        Those images, by number.
    sections : list of tuple of str
        Anchor and text of each heading of the second level.
    anchors : dict
        The document's anchor for each ``id`` of the page.
    canonical : str
        The public address of the page, empty when the site has none.
    """

    name: str
    key: str
    title: str
    body: Tag
    figures: list[str] = field(default_factory=list)
    sections: list[tuple[str, str]] = field(default_factory=list)
    anchors: dict[str, str] = field(default_factory=dict)
    canonical: str = ""

    def html(self) -> str:
        """Return what is printed, figures included."""
        return _NUMBER.sub(lambda found: self.figures[int(found.group(1))], str(self.body))


def heading_text(heading: Tag) -> str:
    """Return the words of a heading on one line.

    Examples
    --------
    >>> heading_text(BeautifulSoup("<h2>1.2. <b>A</b> title</h2>", "html.parser").h2)
    '1.2. A title'
    """
    return " ".join(heading.get_text().split())


def _set_aside(figures: list[str]) -> Callable[[re.Match[str]], str]:
    """Return what replaces the address of an image by its number in `figures`."""

    def number(found: re.Match[str]) -> str:
        figures.append(found.group())
        return f"figure:{len(figures) - 1}"

    return number


def _left_out(element: Tag) -> bool:
    """Say whether an element is of no use on paper."""
    if element.name == "script":
        return element.get("type") != "application/json"
    return element.name in _NO_TAGS or not _NO_CLASSES.isdisjoint(element.get("class", ()))


def _has(element: Tag, name: str) -> bool:
    """Say whether an element holds one of a class."""
    return element.find(class_=name) is not None


def _open_details(body: Tag) -> None:
    """Turn every fold into plain blocks that print in full, and drop cells left empty."""
    for details in body.find_all("details"):
        details.name = "div"
        details["class"] = [*details.get("class", []), "fold"]
        if summary := details.find("summary", recursive=False):
            summary.name = "p"
            summary.attrs = {"class": "fold-title"}
    for cell in body.find_all("div", class_="cell"):
        drawn = cell.find(["img", "svg"]) or _has(cell, "vega-chart")
        if not drawn and not cell.get_text(strip=True):
            cell.decompose()


def _note_explorer(body: Tag) -> None:
    """Say below the explorer, which prints as a table, what the reader of the paper lacks."""
    if explorer := body.find(class_="nqpf-explorer"):
        note = (
            '<p class="chart-state">This is the view that the explorer opens with. The web edition'
            " has menus, maps and trends for every other one.</p>"
        )
        explorer.insert_after(BeautifulSoup(note, "html.parser").p)


def _shift_headings(page: Page, shift: int) -> None:
    """Put the headings `shift` levels lower, since a part stands above its chapters."""
    for heading in page.body.find_all(_HEADING):
        level = int(heading.name[1])
        heading["class"] = f"level-{level}"
        heading.name = f"h{min(6, level + shift)}"
        if level == 2:
            section = heading.find_parent("section")
            anchor = section.get("id") if section else None
            if anchor and section.find(_HEADING) is heading:
                del section["id"]
                heading["id"] = anchor
                page.sections.append((str(anchor), heading_text(heading)))


def _name_anchors(page: Page) -> None:
    """Give every anchor a short name of its own: two pages may use the same one."""
    page.body["id"] = page.key
    for number, element in enumerate(page.body.find_all(id=True), 1):
        page.anchors[element["id"]] = element["id"] = f"{page.key}-{number}"


def read_page(html: Path, name: str, number: int, shift: int) -> Page:
    """Read a built page and strip it to what is printed.

    Parameters
    ----------
    html : Path
        The folder of the built pages.
    name : str
        The page, as in the table of contents.
    number : int
        Its place in the book; its anchors are named after it.
    shift : int
        By how many levels its headings are lowered.

    Returns
    -------
    Page
        The links still lead to the built pages; see `link_pages`.
    """
    text = (html / f"{name}.html").read_text("utf-8")
    found, canonical = _ARTICLE.search(text), _CANONICAL.search(text)
    if found is None:
        raise SystemExit(f"{name}.html holds no article; run `make book` again")
    figures: list[str] = []
    article = _HIDDEN_CODE.sub("", found.group()).translate(_PLAIN)
    soup = BeautifulSoup(_FIGURE.sub(_set_aside(figures), article), "html.parser")
    body = soup.article
    body.name, body.attrs = "section", {"class": "page"}
    for element in body.find_all(_left_out):
        if not element.decomposed:
            element.decompose()
    _open_details(body)
    _note_explorer(body)
    title = body.find("h1")
    page = Page(name, f"p{number}", heading_text(title) if title else name, body, figures)
    page.canonical = canonical.group(1) if canonical else ""
    _name_anchors(page)
    _shift_headings(page, shift)
    for image in body.find_all("img"):
        # On paper no reader comes near it.
        image.attrs.pop("loading", None)
        source = str(image.get("src", ""))
        if not source.startswith("figure:"):
            path = posixpath.join(posixpath.dirname(name), source)
            image["src"] = "/html/" + posixpath.normpath(path)
    return page


def _target(page: Page, href: str, pages: dict[str, Page]) -> str | None:
    """Return where a link of the built page leads in the document, or None for nowhere."""
    parts = urlsplit(href)
    if parts.scheme or parts.netloc:
        return href if parts.scheme in _OUTSIDE else None
    path = page.name
    if parts.path:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page.name), unquote(parts.path)))
        path = path.removesuffix(".html")
    if path not in pages:
        site = page.canonical.removesuffix(f"{page.name}.html")
        return f"{site}{path}" if site != page.canonical else None
    found = pages[path]
    return "#" + found.anchors.get(unquote(parts.fragment), found.key)


def link_pages(pages: list[Page]) -> None:
    """Point the links between pages at the document itself; unwrap those that lead to no page."""
    named = {page.name: page for page in pages}
    for page in pages:
        for link in page.body.find_all("a", href=True):
            target = _target(page, str(link["href"]), named)
            if target is None:
                link.unwrap()
            else:
                kept = {name: link[name] for name in _KEPT_OF_LINKS if name in link.attrs}
                link.attrs = {"href": target, **kept}
