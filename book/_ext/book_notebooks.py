"""Write each chapter as a notebook that opens anywhere, and offer it on the chapter's page.

The copies are written to downloads/notebooks/ of the site when the pages are done. They
come from the cache of executed chapters, so no chapter runs again.
"""

from __future__ import annotations

import posixpath
import shutil
from pathlib import Path

import nbformat
from book_addresses import LAUNCH_BRANCH, repository_url, site_url
from book_templates import write_once
from docutils import nodes
from notebook_copy import copy_of, glued_values, set_up_cell
from notebook_text import Surroundings
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

FOLDER = "downloads/notebooks"


def is_chapter(env: BuildEnvironment, page: str) -> bool:
    """Return whether a page has code cells, and so a notebook of its own."""
    return page in env.found_docs and "kernelspec" in env.metadata.get(page, {})


def address_of_copy(page: str) -> str:
    """Return where the copy of a chapter is, from the front of the site.

    Examples
    --------
    >>> address_of_copy("notebooks/tfp/solow")
    'downloads/notebooks/notebooks/tfp/solow.ipynb'
    """
    return f"{FOLDER}/{page}.ipynb"


class _Links:
    """Links of a chapter, as they work from its copy."""

    def __init__(self, env: BuildEnvironment, page: str, site: str, repository: str) -> None:
        self.env, self.page, self.site, self.repository = env, page, site, repository

    def to(self, target: str, text: str) -> str:
        """Return Markdown for a target as the chapter's source writes it."""
        if "://" in target or target.startswith(("#", "mailto:")):
            return f"[{text or target}]({target})"
        path, _, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.page), path))
        page = path.removesuffix(".md")
        if page in self.env.found_docs:
            return self._to_page(page, anchor, text or self.env.titles[page].astext())
        if self.repository:
            return f"[{text or path}]({self.repository}/blob/main/{path})"
        return f"{text} (`{path}` in the repository)" if text else f"`{path}` in the repository"

    def to_label(self, label: str, text: str) -> str:
        """Return Markdown for a place that the book gives a name."""
        standard = self.env.domaindata["std"]
        page, anchor, title = standard["labels"].get(label, ("", "", ""))
        if not page:
            page, anchor = standard["anonlabels"].get(label, ("", ""))
        return self._to_page(page, anchor, text or title or label) if page else text or label

    def _to_page(self, page: str, anchor: str, text: str) -> str:
        if self.site:
            return f"[{text}]({self.site}{page}.html{f'#{anchor}' if anchor else ''})"
        if not is_chapter(self.env, page):
            return f"*{text}*"
        near = posixpath.relpath(f"{page}.ipynb", posixpath.dirname(self.page) or ".")
        return f"[{text}]({near})"


def _works(env: BuildEnvironment) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Return authors and year, and the full reference, of every work in the bibliography."""
    from pybtex.richtext import Text

    domain = env.get_domain("cite")
    short = {}
    for key, entry in domain.bibdata.data.entries.items():
        people = entry.persons.get("author") or entry.persons.get("editor") or []
        names = [Text.from_latex(" ".join(p.prelast_names + p.last_names)) for p in people]
        names = [str(name) for name in names] or [entry.fields.get("title", key)]
        written = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
        short[key] = (written, entry.fields.get("year", "n.d."))
    entries = [citation.formatted_entry for citation in domain.citations]
    full = {entry.key: entry.text.render_as("text") for entry in entries}
    return short, full


class _Noted(dict):
    """A dictionary that remembers which of its keys were read."""

    def __init__(self, values: dict) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> object:
        self.read.add(key)
        return super().__getitem__(key)


def write_copies(app: Sphinx, folder: Path) -> list[str]:
    """Write the copy of every chapter below `folder`; return the chapters' names.

    Raises
    ------
    KeyError
        If a chapter quotes a value that it does not compute.
    """
    from jupyter_cache import get_cache
    from jupyter_cache.readers import get_reader

    read = get_reader({"type": "plugin", "name": "myst_nb_md"})
    cache = get_cache(app.env.mystnb_config.execution_cache_path)
    site = site_url(app.config.html_baseurl)
    repository = repository_url(app.config.book_repository)
    short, full = _works(app.env)
    pages = sorted(page for page in app.env.found_docs if is_chapter(app.env, page))
    for page in pages:
        source = read(app.env.doc2path(page))
        _, executed = cache.merge_match_into_notebook(source)
        links, cited = _Links(app.env, page, site, repository), _Noted(short)
        around = Surroundings(glued_values(executed), cited, links.to, links.to_label)
        title = app.env.titles[page].astext()
        glues = any("glue(" in cell.source for cell in executed.cells if cell.cell_type == "code")
        first = set_up_cell(title, glues, repository, LAUNCH_BRANCH, site and f"{site}{page}.html")
        copied = copy_of(executed, around, first)
        if cited.read:
            lines = sorted(full[key] for key in cited.read if key in full)
            text = "## References\n\n" + "\n".join(f"- {line}" for line in lines)
            copied = copy_of(executed, around, first, text)
        nbformat.validate(copied)
        write_once(folder / f"{page}.ipynb", nbformat.writes(copied))
    return pages


def _write_all(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.name != "html":
        return
    folder = Path(app.outdir) / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    write_copies(app, folder)


def with_notebook(buttons: list[dict], address: str) -> list[dict]:
    """Return the page's buttons with the notebook first among what can be downloaded."""
    notebook = {
        "type": "link",
        "url": address,
        "text": ".ipynb",
        "icon": "fas fa-code",
        "tooltip": "Download as a Jupyter notebook",
        "label": "download-notebook-button",
    }
    done = []
    for button in buttons:
        if button.get("label") == "download-buttons":
            others = [b for b in button["buttons"] if b.get("label") != notebook["label"]]
            button = {**button, "buttons": [notebook, *others]}
        done.append(button)
    return done


def _offer(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    if is_chapter(app.env, page) and "header_buttons" in context:
        address = context["pathto"](address_of_copy(page), 1)
        context["header_buttons"] = with_notebook(context["header_buttons"], address)


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the two steps to Sphinx."""
    app.add_config_value("book_repository", "", "html", types=frozenset({str}))
    # After the theme has made its buttons.
    app.connect("html-page-context", _offer, priority=900)
    app.connect("build-finished", _write_all)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
