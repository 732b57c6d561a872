"""The files on the page of downloads: their sizes and lists are filled in.

What follows from the files themselves stands in the HTML of the page's source as a template of
Jinja: sizes and lists written by hand would go stale, and a link to a file that was not made is a
broken link. It is filled whenever the site is made.

The files, and the pages of the provinces, are written by scripts/build_book.py while the chapters
run; any other run of Sphinx has them written here when there are none.
"""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from book_notebooks import is_chapter
from book_outputs import output_html
from book_pages import MADE
from book_slides import DECKS
from book_templates import render, template
from docutils import nodes
from jinja2.filters import do_filesizeformat
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from nqpf import provinces
from nqpf.report.province_pages import _page_key

ROOT = Path(__file__).resolve().parents[2]
MAKER = ROOT / "scripts" / "make_files.py"
PAGES = ("book/downloads", "book/index", "book/teaching")


def _fill(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Fill the page's HTML with sizes, the chapters that have files, and the provinces' tables.

    The first page gets how to cite the book, that on teaching the decks of slides.
    """
    if app.builder.format != "html" or page not in PAGES:
        return
    files = Path(app.outdir) / "downloads"
    names = {provinces.name(code, "both"): f"{_page_key(code)}.csv" for code in provinces.codes()}
    values = {
        "parts": _parts(app.env).items(),
        "provinces": sorted(names.items()),
        **app.book_edition,
        "decks": [(one, app.env.titles[one].astext()) for one in DECKS],
        "bibtex": render("citation.bib", **app.book_edition),
        "packed": (files / "nqpf.zip").is_file(),
        "templates": sorted(path.stem for path in files.glob("templates/*.xlsx")),
        "size": lambda name: do_filesizeformat((files / name).stat().st_size).replace(" ", "\xa0"),
    }
    for raw in list(doctree.findall(nodes.raw)):
        html = template(raw.astext()).render(values)
        # The search need not know the lists, whose pages it knows.
        listed = "{%" in raw.astext()
        raw.replace_self(output_html(html=html) if listed else nodes.raw("", html, format="html"))


def _parts(env: BuildEnvironment) -> dict[str | None, list[tuple[str, str]]]:
    """Return by the caption of each part of the book its chapters, by name and title."""
    site, caption = env.external_site_map, None
    captions = {part.items[0]: part.caption for part in site.root.subtrees}
    found: dict[str | None, list[tuple[str, str]]] = defaultdict(list)
    for page in site:  # as the table of contents has them
        caption = captions.get(page, caption)
        if is_chapter(env, page):
            found[caption].append((page, env.titles[page].astext()))
    return found


def _write_pages(app: Sphinx, config: Config) -> None:
    if MADE.is_dir() and (ROOT / "book" / "provinces" / "index.md").is_file():
        return
    done = subprocess.run([sys.executable, str(MAKER)], cwd=ROOT, check=False)  # noqa: S603
    if done.returncode:
        raise ExtensionError(f"{MAKER.name} failed; its message is above")


def setup(app: Sphinx) -> dict[str, object]:
    """Have the provinces' pages and files written; fill the page whenever a site is made."""
    app.setup_extension("book_outputs")
    # Before sphinx-external-toc looks for the pages that the table of contents names.
    app.connect("config-inited", _write_pages, priority=100)
    app.connect("env-updated", lambda app, env: {*PAGES} & env.found_docs)
    app.connect("doctree-resolved", _fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
