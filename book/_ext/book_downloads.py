"""The files on the page of downloads: the panel is written, sizes and lists are filled in.

The page holds comments where something follows from the files themselves::

    <!-- size panel/nqpf-panel.csv --> ... <!-- end -->     size of a file of downloads/
    <!-- chapters --> ... <!-- end -->                      notebook and outputs of each chapter
    <!-- provinces --> ... <!-- end -->                     tables of the provinces

What stands between them is replaced whenever the pages are built, after every other
extension has written its files: sizes and lists written by hand would go stale, and a link to a
file that was not made is a broken link. In a build of a few pages the lists are short and say so.

The pages of the provinces and their tables, which become downloads/provinces/<key>.csv, are written
by scripts/build_book.py while the chapters run; any other run of Sphinx has them written here when
there are none.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from book_templates import render, write_once
from bs4 import Tag
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

ROOT = Path(__file__).resolve().parents[2]
MAKER = ROOT / "scripts" / "make_provinces.py"
TABLES = ROOT / "_build" / "provinces"
PAGE = "book/downloads"
PANEL = ("csv", "parquet", "xlsx")
_LATER = "<p>The files are listed here when the whole book is built.</p>"
_BLOCK = re.compile(r"<!-- (size|chapters|provinces)(?: (\S+))? -->.*?<!-- end -->", re.DOTALL)


def size(count: int) -> str:
    """Return a number of bytes as readers know it.

    Examples
    --------
    >>> size(950), size(33_766), size(4_650_657)
    ('950 bytes', '34 kB', '4.7 MB')
    """
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1e3:.0f} kB" if count < 999_500 else f"{count / 1e6:.1f} MB"


def fill(page: str, downloads: Path, lists: dict[str, str]) -> str:
    """Return the page with sizes and lists in place of what stood there.

    Parameters
    ----------
    page : str
        HTML of the page.
    downloads : Path
        Folder of the files whose sizes are named.
    lists : dict of str
        HTML by the name of the block.
    """

    def text(block: re.Match[str]) -> str:
        kind, name = block[1], block[2] or ""
        if kind == "size":
            file = downloads / name
            return f"({size(file.stat().st_size)})".replace(" ", "&nbsp;") if file.is_file() else ""
        return lists.get(kind) or _LATER

    def filled(block: re.Match[str]) -> str:
        start = block[0][: block[0].index("-->") + 3]
        return f"{start}{text(block)}<!-- end -->"

    return _BLOCK.sub(filled, page)


def _chapters(app: Sphinx) -> str:
    """Return a list by part of every chapter with those of its files that exist."""
    site, out = app.env.external_site_map, Path(app.outdir)
    parts = [(None, _items(app, [site.root.docname]))]
    parts += [
        (str(part.caption or ""), _items(app, _below(site, part))) for part in site.root.subtrees
    ]
    whole = "outputs/index.html"
    whole = _to(whole) if (out / whole).is_file() else ""
    return render("downloads_chapters.html", whole=whole, parts=parts).strip()


def _below(site: object, tree: object) -> Iterator[str]:
    for item in tree.items:
        if item in site:
            yield str(item)
            for inner in site[item].subtrees:
                yield from _below(site, inner)


def _items(app: Sphinx, docs: Iterable[str]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return address and title of the chapters that have files, with these."""
    found = []
    for doc in docs:
        files = {
            "notebook": f"downloads/notebooks/{doc}.ipynb",
            "tables and figures": f"outputs/{doc}.html",
        }
        there = [(n, _to(file)) for n, file in files.items() if (Path(app.outdir) / file).is_file()]
        if there and doc in app.env.titles:
            found.append((_to(f"{doc}.html"), app.env.titles[doc].astext(), there))
    return found


def _provinces(out: Path) -> str:
    """Return the links to the provinces' tables, by the names of their files."""
    from nqpf import provinces

    names = {
        _key(row["en"]): f"{row['en']} {row['zh']}" for _, row in provinces._table().iterrows()
    }
    files = sorted((out / "downloads" / "provinces").glob("*.csv"))
    rows = [
        (names.get(_key(file.stem), file.stem), _to(f"downloads/provinces/{file.name}"))
        for file in files
    ]
    return render("downloads_provinces.html", files=rows).strip()


def _key(name: str) -> str:
    return re.sub("[^a-z]", "", name.casefold())


def _to(file: str) -> str:
    """Return the relative address of a file of the site from the page of downloads."""
    return quote(posixpath.relpath(file, posixpath.dirname(PAGE)))


def _write_panel(folder: Path) -> None:
    """Write the panel that the chapters used, unless it is there.

    When the data change, build_book.py removes the site, and these files with it.
    """
    from nqpf.data import Panel
    from nqpf.data.export import export

    if not all((folder / f"nqpf-panel.{kind}").is_file() for kind in PANEL):
        export(Panel.load(), folder, PANEL)


def _write_pages(app: Sphinx, config: Config) -> None:
    if (ROOT / "book" / "provinces" / "index.md").is_file():
        return
    done = subprocess.run([sys.executable, str(MAKER)], cwd=ROOT, check=False)  # noqa: S603
    if done.returncode:
        raise ExtensionError(f"{MAKER.name} failed; its message is above")


def name_toggles(menu: Tag | str) -> Tag | str:
    """Name each toggle of the side bar after the page whose sections it opens.

    The theme gives it an arrow only, which a screen reader passes over.

    Examples
    --------
    >>> from bs4 import BeautifulSoup
    >>> item = '<li><a href="x">Provinces</a><details><summary><i></i></summary></details></li>'
    >>> name_toggles(BeautifulSoup(item, "html.parser")).summary["aria-label"]
    'Pages of: Provinces'
    """
    for toggle in menu.find_all("summary") if isinstance(menu, Tag) else []:
        link = toggle.find_parent("li").find("a")
        toggle["aria-label"] = f"Pages of: {link.get_text().strip()}"
    return menu


def _name_toggles(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    make = context.get("generate_toctree_html")
    if make is not None:
        context["generate_toctree_html"] = lambda *args, **options: name_toggles(
            make(*args, **options)
        )


def _copy_tables(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html" and TABLES.is_dir():
        shutil.copytree(TABLES, Path(app.outdir) / "downloads" / "provinces", dirs_exist_ok=True)


def _finish(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.name != "html" or PAGE not in app.env.found_docs:
        return
    out = Path(app.outdir)
    _write_panel(out / "downloads" / "panel")
    page = out / f"{PAGE}.html"
    lists = {"chapters": _chapters(app), "provinces": _provinces(out)}
    write_once(page, fill(page.read_text("utf-8"), out / "downloads", lists))


def setup(app: Sphinx) -> dict[str, object]:
    """Have the provinces' pages written, and fill the page of downloads when all files are."""
    # Before sphinx-external-toc looks for the pages that the table of contents names.
    app.connect("config-inited", _write_pages, priority=100)
    app.connect("html-page-context", _name_toggles, priority=800)  # after the theme
    app.connect("build-finished", _copy_tables, priority=300)
    app.connect("build-finished", _finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
