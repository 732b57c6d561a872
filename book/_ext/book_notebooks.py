"""Write each chapter as a notebook that opens anywhere, and offer it on the chapter's page.

The copies are written to downloads/notebooks/ of the site when the pages are done. They
come from the cache of executed chapters, so no chapter runs again.

Links to the public repository are shown only once its address is set, ``repository: url`` in
book/_config.yml or NQPF_REPOSITORY_URL: while it is empty, no page offers to launch, edit or report
anything. Edit links lead to the main branch; launch links to the branch that holds the chapters as
notebooks, because neither Binder nor Colab opens a chapter's Markdown.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from book_addresses import LAUNCH_BRANCH, repository_url, site_url
from book_templates import write_once
from docutils import nodes
from notebook_copy import copy_of, glued_values, set_up_cell
from notebook_text import Surroundings
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

FOLDER = "downloads/notebooks"
_CITED = re.compile(r"\{cite[\w:]*\}`([^`]+)`")
_BUTTONS = ("use_repository_button", "use_edit_page_button", "use_issues_button")


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
        links = _Links(app.env, page, site, repository)
        around = Surroundings(glued_values(executed), short, links.to, links.to_label)
        title = app.env.titles[page].astext()
        glues = any("glue(" in cell.source for cell in executed.cells if cell.cell_type == "code")
        first = set_up_cell(title, glues, repository, LAUNCH_BRANCH, site and f"{site}{page}.html")
        prose = "\n".join(cell.source for cell in source.cells if cell.cell_type == "markdown")
        cited = {key.strip() for found in _CITED.findall(prose) for key in found.split(",")}
        lines = "\n".join(f"- {line}" for line in sorted(full[key] for key in cited if key in full))
        copied = copy_of(executed, around, first, cited and f"## References\n\n{lines}")
        nbformat.validate(copied)
        write_once(folder / f"{page}.ipynb", nbformat.writes(copied))
    return pages


def _write_all(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.name != "html":
        return
    folder = Path(app.outdir) / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    write_copies(app, folder)


def link_to_repository(options: dict[str, object]) -> dict[str, object]:
    """Return the theme options with the repository's links turned on or off.

    Parameters
    ----------
    options : dict
        ``html_theme_options``; ``repository_url`` decides.

    Returns
    -------
    dict
        A copy of the options. The theme's own launch links are off in either case.
    """
    public = bool(options.get("repository_url"))
    linked = {**options, **dict.fromkeys(_BUTTONS, public), "launch_buttons": {}}
    if not public:
        linked.pop("repository_url", None)
    return linked


def launch_links(services: dict[str, str], repository: str, page: str) -> list[dict[str, str]]:
    """Return the links that open the copy of a chapter where it runs.

    Parameters
    ----------
    services : dict
        ``launch_buttons`` of book/_config.yml: ``binderhub_url`` and ``colab_url``.
    repository : str
        Address of the repository; other hosts than GitHub and GitLab get no link.
    page : str
        Name of the chapter.

    Examples
    --------
    >>> found = launch_links({"colab_url": "https://c.org"}, "https://github.com/a/b", "x/y")
    >>> found[0]["url"]
    'https://c.org/github/a/b/blob/launch/x/y.ipynb'
    """
    parts = urlsplit(repository)
    project, file = parts.path.strip("/"), f"{page}.ipynb"
    github, gitlab = parts.netloc == "github.com", parts.netloc == "gitlab.com"
    binder = (services.get("binderhub_url") or "").rstrip("/")
    colab = (services.get("colab_url") or "").rstrip("/")
    links = []
    if binder and (github or gitlab):
        place = f"gh/{project}" if github else f"gl/{project.replace('/', '%2F')}"
        address = f"{binder}/v2/{place}/{LAUNCH_BRANCH}?urlpath=lab/tree/{file}"
        links.append(_link("Binder", address, "images/logo_binder.svg"))
    if colab and github:
        address = f"{colab}/github/{project}/blob/{LAUNCH_BRANCH}/{file}"
        links.append(_link("Colab", address, "images/logo_colab.png"))
    return links


def _link(name: str, address: str, icon: str) -> dict[str, str]:
    tip = f"Launch on {name}"
    return {"type": "link", "text": name, "tooltip": tip, "icon": f"_static/{icon}", "url": address}


def _apply(app: Sphinx, config: Config) -> None:
    options = dict(config.html_theme_options)
    config.book_repository = repository_url(options.get("repository_url"))
    config.book_launch = dict(options.get("launch_buttons") or {})
    options["repository_url"] = config.book_repository
    config.html_theme_options = link_to_repository(options)


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
    if not is_chapter(app.env, page) or "header_buttons" not in context:
        return
    address = context["pathto"](address_of_copy(page), 1)
    buttons = with_notebook(context["header_buttons"], address)
    if links := launch_links(app.config.book_launch, app.config.book_repository, page):
        group = {"type": "group", "tooltip": "Run this chapter online", "icon": "fas fa-rocket"}
        buttons.insert(0, {**group, "buttons": links, "label": "launch-buttons"})
    context["header_buttons"] = buttons


def setup(app: Sphinx) -> dict[str, object]:
    """Set the links before the theme reads its options; offer and write the notebooks."""
    app.add_config_value("book_repository", "", "html", types=frozenset({str}))
    app.add_config_value("book_launch", {}, "html", types=frozenset({dict}))
    app.connect("config-inited", _apply, priority=100)
    # After the theme has made its buttons.
    app.connect("html-page-context", _offer, priority=900)
    app.connect("build-finished", _write_all)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
