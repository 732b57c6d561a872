"""Bring the pages of the provinces and their tables into the site.

scripts/build_book.py has the pages written while the chapters run; any other run of
Sphinx has them written here when there are none. The tables become
downloads/provinces/<key>.csv.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bs4 import Tag
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

ROOT = Path(__file__).resolve().parents[2]
MAKER = ROOT / "scripts" / "make_provinces.py"
TABLES = ROOT / "_build" / "provinces"
FOLDER = "downloads/provinces"


def _write_pages(app: Sphinx, config: Config) -> None:
    if (ROOT / "book" / "provinces" / "index.md").is_file():
        return
    done = subprocess.run([sys.executable, str(MAKER)], cwd=ROOT, check=False)  # noqa: S603
    if done.returncode:
        raise ExtensionError(f"{MAKER.name} failed; its message is above")


def copy_tables(source: Path, target: Path) -> list[str]:
    """Copy every table of `source` to `target`; return their names."""
    target.mkdir(parents=True, exist_ok=True)
    names = sorted(path.name for path in source.glob("*.csv"))
    for name in names:
        shutil.copyfile(source / name, target / name)
    return names


def _publish(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        copy_tables(TABLES, Path(app.outdir) / FOLDER)


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


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    # Before sphinx-external-toc looks for the pages that the table of contents names.
    app.connect("config-inited", _write_pages, priority=100)
    app.connect("html-page-context", _name_toggles, priority=800)  # after the theme
    # Before the page of downloads lists what there is.
    app.connect("build-finished", _publish, priority=300)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
