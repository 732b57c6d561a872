"""What a site needs to be found, shared and opened at a wrong address.

In any build: the icons, a description of each page and a front page that says where it
leads. Once the site has an address (``html: baseurl`` or NQPF_SITE_URL): canonical
links, a site map, the tags and the picture for shared links, and a page for addresses
that do not exist. Without one none of these would be right, so none is written.
Extensions of Sphinx for this lose pages that a build kept, need the theme at every depth,
or write wrong tags when the site has no address. The site map has no dates: those of a
build would say that every page changed.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

import yaml
from book_addresses import site_url
from book_templates import render, write_once
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

CARD = "social-card.png"
# Pages of the site that no reader looks for.
_NOT_LISTED = {"book/status", "genindex", "search"}
# Where somebody who is lost may want to go: those of these pages that the book has.
_SIGNPOSTS = (
    "book/index",
    "notebooks/argument/argument",
    "notebooks/studies/overview",
    "notebooks/explore/explorer",
    "notebooks/comparison/answer",
    "book/provinces/index",
    "notebooks/data/panel",
    "book/glossary",
    "book/downloads",
)
_CHINESE = "新质生产力测度\n一本可执行的综述"
_SYSTEMS = ["wang-wang-2024", "dong-2024", "lu-guo-2024"]  # those of the front page
_PLACES = 5
_LENGTH = 200  # letters of a description


def summary(doctree: nodes.document) -> str:
    """Return the beginning of a page's first paragraphs, those of tables and notes passed over."""
    found = ""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section | nodes.document):
            found = f"{found} {' '.join(paragraph.astext().split())}".strip()
            if len(found) >= _LENGTH // 2:
                break
    return shortened(found, _LENGTH)


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
    tags = {"description": description}
    if address and card:
        tags["twitter:card"] = "summary_large_image"
    if address:
        tags |= {"og:type": "article", "og:site_name": book, "og:title": title}
        tags |= {"og:description": description, "og:url": address}
    if address and card:
        tags |= {"og:image": card[0], "og:image:type": "image/png", "og:image:width": "1200"}
        tags |= {"og:image:height": "630", "og:image:alt": card[1]}
    kind = {True: "property", False: "name"}
    return [
        f'<meta {kind[name.startswith("og:")]}="{name}" content="{escape(content)}">'
        for name, content in tags.items()
    ]


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


def _book(app: Sphinx) -> str:
    return app.config.html_title or app.config.project


def _about(app: Sphinx) -> str:
    """Return what the book is, as CITATION.cff says."""
    record = Path(app.srcdir) / "CITATION.cff"
    found = yaml.safe_load(record.read_text("utf-8")) if record.is_file() else {}
    return found.get("abstract") or _book(app)


def draw_card() -> tuple[bytes, str]:
    """Return the picture for shared links as PNG, and its alternative text.

    The map shows by how many places each province moves between the measures of the
    book's front page.
    """
    from nqpf import Panel
    from nqpf.compare import measures
    from nqpf.report.maps import _social_card

    frame = measures(Panel.load(), systems=_SYSTEMS)
    sizes = frame.groupby(level="year").size()
    year = int(sizes[sizes == sizes.max()].index.max())
    ranks = frame.xs(year, level="year").rank(ascending=False)
    spread = ranks.max(axis=1) - ranks.min(axis=1)
    moved, count, measured = int((spread >= _PLACES).sum()), len(spread), ranks.shape[1]
    card = _social_card(
        spread,
        "Measuring New Quality Productive Forces",
        _CHINESE,
        f"{moved} of {count} provinces move by {_PLACES} places or more "
        f"between {measured} measures, {year}.",
        "ranks apart · 名次之差",
    )
    return card.png(100), card.alt


def draw_icons(folder: Path) -> None:
    """Write favicon.svg as the PNG and ICO files that some browsers ask for."""
    import vl_convert
    from PIL import Image

    drawing = (folder / "favicon.svg").read_text("utf-8")
    # The drawing is 32 units wide; the larger one is reduced to each size.
    large = Image.open(io.BytesIO(vl_convert.svg_to_png(drawing, scale=8))).convert("RGBA")
    large.resize((180, 180), Image.Resampling.LANCZOS).save(folder / "apple-touch-icon.png")
    large.save(folder / "favicon.ico", sizes=[(16, 16), (32, 32), (48, 48)])


def _apply(app: Sphinx, config: Config) -> None:
    config.html_baseurl = site_url(config.html_baseurl)


def _prepare(app: Sphinx) -> None:
    """Draw the icons and the card before the pages name them."""
    if app.builder.name != "html":
        return
    static = Path(app.outdir) / "_static"
    app.env.book_card_alt = ""
    if app.config.html_baseurl and app.config.book_card:
        picture, app.env.book_card_alt = draw_card()
        write_once(static / CARD, picture)
    else:
        (static / CARD).unlink(missing_ok=True)


def _describe(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Add the icons, the description and the tags for shared links to a page."""
    if app.builder.name != "html":
        return
    static = context["pathto"]("_static", 1)
    tags = [
        f'<link rel="icon" sizes="16x16 32x32 48x48" href="{static}/favicon.ico">',
        f'<link rel="apple-touch-icon" href="{static}/apple-touch-icon.png">',
    ]
    if doctree is not None:
        title = app.env.titles[page].astext() if page in app.env.titles else _book(app)
        tags += _tags(app, title, summary(doctree) or _about(app), f"{page}.html")
    context["metatags"] = "\n".join([context.get("metatags", ""), *tags])


def _tags(app: Sphinx, title: str, description: str, page: str) -> list[str]:
    site = app.config.html_baseurl
    card = (f"{site}_static/{CARD}", app.env.book_card_alt) if app.env.book_card_alt else ()
    return meta_tags(_book(app), title, description, site and f"{site}{page}", card)


def _finish(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.name != "html":
        return
    out, site, env = Path(app.outdir), app.config.html_baseurl, app.env
    draw_icons(out / "_static")
    first = f"{app.config.root_doc}.html"
    if app.config.root_doc != "index":
        tags = _tags(app, _book(app), _about(app), first)
        canonical = f'<link rel="canonical" href="{escape(site + first)}">' if site else ""
        front = render("site_front.html", book=_book(app), first=first, tags=[*tags, canonical])
        write_once(out / "index.html", front)
    for name in ("sitemap.xml", "robots.txt", "404.html"):
        (out / name).unlink(missing_ok=True)
    if site:
        pages = [page for page in sorted(env.found_docs) if page not in _NOT_LISTED]
        listed = [(page, env.titles[page].astext()) for page in _SIGNPOSTS if page in pages]
        write_once(out / "sitemap.xml", render("site_map.xml", site=site, pages=pages))
        robots = f"User-agent: *\nAllow: /\nSitemap: {site}sitemap.xml\n"
        write_once(out / "robots.txt", robots)
        write_once(out / "404.html", missing_page(site, _book(app), listed))


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    app.add_config_value("book_card", True, "html", types=frozenset({bool}))
    app.connect("config-inited", _apply, priority=100)
    app.connect("builder-inited", _prepare)
    app.connect("html-page-context", _describe, priority=900)
    # After what writes a front page if there is none.
    app.connect("build-finished", _finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
