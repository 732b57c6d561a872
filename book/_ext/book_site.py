"""What a site needs to be found, shared and opened at a wrong address.

In any build: the icons, a description of each page and a front page that says where it
leads. Once the site has an address (``html: baseurl`` or NQPF_SITE_URL): canonical
links, a site map, the tags and the picture for shared links, and a page for addresses
that do not exist. Without one none of these would be right, so none is written.
Extensions of Sphinx for this lose pages that a build kept, need the theme at every depth,
or write wrong tags when the site has no address. The site map has no dates: those of a
build would say that every page changed.
"""

import csv
import os
import time
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path
from textwrap import shorten
from typing import Any

import yaml
from book_addresses import site_url
from book_chinese import FOLDER, LANGUAGE
from book_templates import render, write_once
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

ROOT = Path(__file__).resolve().parents[2]
CARD = "social-card.png"
# Pages of the site that no reader looks for.
_NOT_LISTED = {"book/status", "genindex", "search"}
_PLACES = 5
_LENGTH = 200  # letters of a description


def summary(doctree: nodes.Node) -> str:
    """Return the beginning of a page's first paragraphs, those of tables and notes passed over."""
    found = ""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section | nodes.document):
            found = f"{found} {paragraph.astext()}"
            if len(found) >= _LENGTH // 2:
                break
    return shorten(found, _LENGTH, placeholder="…", break_on_hyphens=False)


def citation(record: dict[str, Any], day: str) -> dict[str, Any]:
    """Return how to cite the book, from what CITATION.cff holds: its people, title and any DOI.

    Examples
    --------
    >>> record = {"title": "A book", "version": "1.0", "authors": [{"name": "The team"}]}
    >>> citation(record, "2026-11-30")["text"]
    'The team (2026). A book, version 1.0.'
    >>> citation(record | {"doi": "10.1/x"}, "2026-11-30")["text"]
    'The team (2026). A book, version 1.0. https://doi.org/10.1/x'
    """
    named = "{family-names}, {given-names}"
    people = [one.get("name") or named.format(**one) for one in record["authors"]]
    doi, year = record.get("doi", ""), day[:4]
    text = f"{'; '.join(people)} ({year}). {record['title']}, version {record['version']}."
    text += f" https://doi.org/{doi}" if doi else ""
    return {"text": text, "year": year, "people": people, "doi": doi}


def edition(root: Path) -> dict[str, Any]:
    """Return what the pages say of themselves: the record, how to cite it, and days."""
    from nqpf import Panel

    record = yaml.safe_load((root / "CITATION.cff").read_text("utf-8"))
    moment = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    built = f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"
    changes = [*csv.DictReader((root / "data" / "changes.csv").read_text("utf-8").splitlines())]
    panel = Panel.load(extra=False)
    for row in changes:
        row["name"] = panel.catalogue.variables[row["variable"]].name
    told = {"record": record, "cite": citation(record, built), "built": built}
    return told | {"changes": changes, "newest": int(panel.frame["year"].max())}


def draw_card() -> tuple[bytes, str]:
    """Return the picture for shared links as PNG, and its alternative text.

    The map shows by how many places each province moves between the measures of the
    book's front page.
    """
    from nqpf import Panel
    from nqpf.compare import measures
    from nqpf.report.maps import _social_card

    frame = measures(Panel.load(), systems=["wang-wang-2024", "dong-2024", "lu-guo-2024"])
    year = int(frame.groupby(level="year").size()[::-1].idxmax())  # the last of the fullest
    ranks = frame.xs(year, level="year").rank(ascending=False)
    spread = ranks.max(axis=1) - ranks.min(axis=1)
    moved, count, measured = int((spread >= _PLACES).sum()), len(spread), ranks.shape[1]
    said = f"{moved} of {count} provinces move by {_PLACES} places or more "
    said += f"between {measured} measures, {year}."
    titles = ("Measuring New Quality Productive Forces", "新质生产力测度\n一本可执行的综述")
    card = _social_card(spread, *titles, said, "ranks apart · 名次之差")
    return card.png(100), card.alt


def _apply(app: Sphinx, config: Config) -> None:
    app.book_edition = edition(ROOT)
    config.author = "; ".join(app.book_edition["cite"]["people"])
    base = site_url(config.html_baseurl)
    config.html_baseurl = f"{base}{FOLDER}/" if base and config.language == LANGUAGE else base


def _prepare(app: Sphinx) -> None:
    """Have every core read and write pages; draw the card before the pages name it."""
    app.parallel, app.env.book_card_alt = cpu_count() or 1, ""
    # They do not say that they can: one numbers what has been read, one is for LaTeX.
    for name in {"sphinx_multitoc_numbering", "sphinx_jupyterbook_latex"} & app.extensions.keys():
        app.extensions[name].parallel_read_safe = True
    if app.builder.name == "html" and app.config.html_baseurl:
        picture, app.env.book_card_alt = draw_card()
        write_once(Path(app.outdir) / "_static" / CARD, picture)


def _head(app: Sphinx, static: str, page: str, title: str, description: str) -> str:
    """Return the icons, the description and the tags for shared links of a page."""
    site, about = app.config.html_baseurl, {"title": title, "description": description}
    about |= {"address": site and f"{site}{page}.html", "static": static}
    about |= {"card": f"{site}_static/{CARD}", "card_alt": app.env.book_card_alt}
    return render("site_head.html", book=app.config.html_title, **about)


def _describe(app: Sphinx, page: str, _name: str, context: dict, tree: nodes.Node | None) -> None:
    title = app.env.titles[page].astext() if page in app.env.titles else app.config.html_title
    about = "" if tree is None else summary(tree) or app.book_edition["record"]["abstract"]
    head = _head(app, context["pathto"]("_static", 1), page, title, about)
    context["metatags"] = f"{context.get('metatags', '')}\n{head}"
    footer = render("site_footer.html", top="../" * page.count("/"), **app.book_edition)
    context["theme_extra_footer"] = f"{context.get('theme_extra_footer', '')}{footer}"


def _finish(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.name != "html":
        return
    out, book, first = Path(app.outdir), app.config.html_title, app.config.root_doc
    lang = app.config.language.replace("_", "-")
    site, titles = app.config.html_baseurl, app.env.titles
    pages = {page: titles[page].astext() for page in sorted(app.env.found_docs - _NOT_LISTED)}
    head = _head(app, "_static", first, book, app.book_edition["record"]["abstract"])
    front = render(
        "site_front.html", book=book, first=f"{first}.html", head=head, site=site, lang=lang
    )
    write_once(out / "index.html", front)
    own = app.book_edition | {"site": site, "pages": pages, "lang": lang}
    write_once(out / "llms.txt", render("llms.txt", **own))
    write_once(out / "changes.xml", render("changes.xml", **own))
    if site:
        write_once(out / "sitemap.xml", render("site_map.xml", site=site, pages=pages))
    if site and lang == "en":  # a server has one of each, in both languages
        write_once(out / "robots.txt", f"User-agent: *\nAllow: /\nSitemap: {site}sitemap.xml\n")
        missing = render("site_missing.html", site=site, book=book, pages=pages, lang=lang)
        write_once(out / "404.html", missing)


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    app.connect("config-inited", _apply, priority=100)
    app.connect("builder-inited", _prepare)
    app.connect("html-page-context", _describe, priority=900)
    # After what writes a front page if there is none.
    app.connect("build-finished", _finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
