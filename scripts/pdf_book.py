"""The built pages made ready for one printed document: no buttons, no hidden code, inner links."""

from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import yaml
from lxml import etree, html

# What a printed page has no use for. `web-only` is how a page marks such things itself.
_NO_TAGS = {"style", "noscript", "button", "form", "iframe", "link", "template"}
# The last is code that the page folds away.
_NO_CLASSES = {"headerlink", "web-only", "toctree-wrapper", "toggle-hidden-button", "above-input"}
_OUTSIDE = ("http", "https", "mailto")
# Their sections repeat from one page to the next; the contents list the pages alone.
_NO_SECTIONS = ("book/provinces/", "book/glossary", "book/bibliography", "book/status")
_PARSER = html.HTMLParser(encoding="utf-8", huge_tree=True)


class Page(NamedTuple):
    """A page of the book.

    Attributes
    ----------
    key : str
        Its anchor in the document; those inside begin with it.
    title : str
        Its heading with the chapter's number.
    body : HtmlElement
        What is printed.
    sections : list of tuple of str
        Anchor and text of each section that the contents list.
    site : str
        The public address of the book, empty when it has none.
    """

    key: str
    title: str
    body: html.HtmlElement
    sections: list[tuple[str, str]]
    site: str

    def html(self) -> str:
        """Return what is printed."""
        text = html.tostring(self.body, encoding="unicode")
        return text.replace("✅", "✓").replace("❌", "✗")  # no text font has the emoji


def heading_text(heading: html.HtmlElement) -> str:
    """Return the words of a heading on one line.

    Examples
    --------
    >>> heading_text(html.fromstring("<h2>1.2. <b>A</b> title</h2>"))
    '1.2. A title'
    """
    return " ".join(heading.text_content().split())


def _left_out(element: html.HtmlElement) -> bool:
    if element.tag == "script":
        return element.get("type") != "application/json"
    return element.tag in _NO_TAGS or not _NO_CLASSES.isdisjoint(element.classes)


def _read_page(folder: Path, name: str, key: str, anchors: dict[str, str]) -> Page:
    """Read a built page; add to `anchors` where its addresses lead in the document."""
    path = folder / f"{name}.html"
    address = unquote(path.as_uri())
    tree = html.parse(str(path), _PARSER)
    body = tree.find(".//article")
    body.tag = "section"
    for element in [one for one in body.iter("*") if _left_out(one)]:
        element.drop_tree()
    body.make_links_absolute(path.as_uri())
    etree.strip_attributes(body, "loading")  # on paper no reader comes near a figure
    for fold in body.iter("details"):
        fold.set("open", "")
    for heading in body.iter("h1", "h2", "h3", "h4", "h5", "h6"):
        # A section may begin on the page before its heading.
        if anchor := heading.getparent().attrib.pop("id", None):
            heading.set("id", anchor)
    for number, element in enumerate(body.xpath(".//*[@id]"), 1):
        anchors[f"{address}#{element.get('id')}"] = f"{key}-{number}"
        element.set("id", f"{key}-{number}")  # two pages may use the same one
    anchors[address] = key
    body.attrib.update({"id": key, "class": "page"})
    sections = [] if name.startswith(_NO_SECTIONS) else body.xpath(".//h2[@id]")
    public = tree.xpath("string(//link[@rel='canonical']/@href)").removesuffix(f"{name}.html")
    listed = [(one.get("id"), heading_text(one)) for one in sections]
    return Page(key, heading_text(body.find(".//h1")), body, listed, public)


def _link(page: Page, folder: Path, anchors: dict[str, str]) -> None:
    """Point a page's links at the document itself; unwrap those that lead to no page."""
    here = unquote(folder.as_uri()) + "/"
    for link in page.body.xpath(".//a[@href]"):
        href = unquote(link.get("href"))
        anchor = anchors.get(href, anchors.get(href.partition("#")[0]))
        if anchor:
            link.set("href", f"#{anchor}")
        elif page.site and href.startswith(here):
            link.set("href", page.site + href.removeprefix(here))
        elif urlsplit(href).scheme not in _OUTSIDE:
            link.drop_tag()


def read_book(folder: Path, toc: Path) -> tuple[Page, list[tuple[str, list[Page]]]]:
    """Read the built pages in the order of the table of contents.

    Parameters
    ----------
    folder : Path
        Where the built pages are.
    toc : Path
        ``book/_toc.yml``.

    Returns
    -------
    tuple of Page and list
        The first page, and each part's title with its pages. Their links are internal already.
    """
    contents = yaml.safe_load(toc.read_text("utf-8"))
    anchors: dict[str, str] = {}
    first = _read_page(folder, contents["root"], "p0", anchors)
    pages, parts = [first], []
    for part in contents["parts"]:
        parts.append((part["caption"], []))
        for chapter in part["chapters"]:
            for entry in [chapter, *chapter.get("sections", [])]:
                pages.append(_read_page(folder, entry["file"], f"p{len(pages)}", anchors))
                parts[-1][1].append(pages[-1])
    for page in pages:
        _link(page, folder, anchors)
    return first, parts
