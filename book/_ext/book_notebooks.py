"""Write each chapter as a notebook that opens anywhere, and offer it on the chapter's page.

The copies are written to downloads/notebooks/ of the site when the pages are done. They
come from the cache of executed chapters, so no chapter runs again.

Links to the public repository are shown only once its address is set, ``repository: url`` in
book/_config.yml or NQPF_REPOSITORY_URL: while it is empty, no page offers to launch, edit or report
anything. Edit links lead to the main branch; launch links to the branch that holds the chapters as
notebooks, because neither Binder nor Colab opens a chapter's Markdown.
"""

import posixpath
import shutil
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from book_addresses import LAUNCH_BRANCH, repository_url
from book_templates import on_every_core, render, write_once
from notebook_copy import Surroundings, copy_of
from outputs_entry import read_run
from pybtex.backends.plaintext import Backend
from pybtex.richtext import Text
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinxcontrib.bibtex.domain import BibtexDomain

FOLDER = "downloads/notebooks"
_ICONS = {"Binder": "binder.svg", "Colab": "colab.png"}  # of the theme
_BUTTONS = ("use_repository_button", "use_edit_page_button", "use_issues_button")


def is_chapter(env: BuildEnvironment, page: str) -> bool:
    """Return whether a page has code cells, and so a notebook of its own."""
    return page in env.found_docs and "kernelspec" in env.metadata.get(page, {})


def _linked(
    env: BuildEnvironment, page: str, site: str, repository: str, target: str, text: str
) -> str:
    """Return Markdown for a target as the chapter's source writes it, to work from its copy."""
    if "://" in target or target.startswith(("#", "mailto:")):
        return f"[{text or target}]({target})"
    folder = posixpath.dirname(page)
    path, _, anchor = target.partition("#")
    path = posixpath.normpath(posixpath.join(folder, path))
    name = path.removesuffix(".md")
    if name in env.found_docs:
        text = text or env.titles[name].astext()
        if site:
            return f"[{text}]({site}{name}.html{anchor and '#'}{anchor})"
        near = posixpath.relpath(f"{name}.ipynb", folder or ".")
        return f"[{text}]({near})" if is_chapter(env, name) else f"*{text}*"
    if repository:
        return f"[{text or path}]({repository}/blob/main/{path})"
    return f"{text} (`{path}` in the repository)" if text else f"`{path}` in the repository"


def _works(domain: BibtexDomain) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Return authors and year, and the full reference, of every work in the bibliography."""
    short = {}
    for key, entry in domain.bibdata.data.entries.items():
        people = entry.persons.get("author") or entry.persons["editor"]
        names = [str(Text.from_latex(" ".join(p.prelast_names + p.last_names))) for p in people]
        written = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
        short[key] = (written, entry.fields["year"])
    entries = [citation.formatted_entry for citation in domain.citations]
    full = {entry.key: entry.text.render(Backend()) for entry in entries}
    return short, full


def _write_copies(app: Sphinx, exception: Exception | None) -> None:
    """Write the copy of every chapter; fail if one quotes a value that it does not compute."""
    if exception or app.builder.name != "html":
        return
    env, folder, site = app.env, Path(app.outdir) / FOLDER, app.config.html_baseurl
    shutil.rmtree(folder, ignore_errors=True)
    repository, domain = app.config.html_theme_options["repository_url"], env.get_domain("cite")
    short, full = _works(domain)
    cache = Path(env.mystnb_config.execution_cache_path)

    def write(page: str) -> None:
        run = read_run(Path(env.doc2path(page)), cache)
        glued = {key: text for key, (_, text) in run.glued.items()}
        around = Surroundings(glued, short, partial(_linked, env, page, site, repository))
        about = {"title": env.titles[page].astext(), "page": site and f"{site}{page}.html"}
        places = {"repository": repository, "branch": LAUNCH_BRANCH}
        first = render("first_cell.txt", **about, **places)
        targets = [one.targets for one in domain.citation_refs if one.docname == page]
        cited = {full[target.key] for own in targets for target in own}
        lines = "\n".join(f"- {line}" for line in sorted(cited))
        copied = copy_of(run.notebook, around, first, cited and f"## References\n\n{lines}")
        nbformat.validate(copied)
        write_once(folder / f"{page}.ipynb", nbformat.writes(copied))

    on_every_core(app, write, sorted(page for page in env.found_docs if is_chapter(env, page)))


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
    lab = f"{LAUNCH_BRANCH}?urlpath=lab/tree/{file}"
    places = {
        ("github.com", "Binder", "binderhub_url"): f"v2/gh/{project}/{lab}",
        ("gitlab.com", "Binder", "binderhub_url"): f"v2/gl/{project.replace('/', '%2F')}/{lab}",
        ("github.com", "Colab", "colab_url"): f"github/{project}/blob/{LAUNCH_BRANCH}/{file}",
    }
    return [
        {"type": "link", "url": f"{services[service].rstrip('/')}/{place}", "text": name}
        | {"tooltip": f"Launch on {name}", "icon": f"_static/images/logo_{_ICONS[name]}"}
        for (host, name, service), place in places.items()
        if host == parts.netloc and services.get(service)
    ]


def _apply(app: Sphinx, config: Config) -> None:
    options = config.html_theme_options
    repository = repository_url(options["repository_url"])
    config.book_launch = options["launch_buttons"]
    # The theme's own launch links are off in either case.
    options |= {"repository_url": repository, "launch_buttons": {}}
    options |= dict.fromkeys(_BUTTONS, bool(repository))


def _offer(app: Sphinx, page: str, _name: str, context: dict, _tree: object) -> None:
    if not is_chapter(app.env, page):
        return
    buttons = {group["label"]: group for group in context["header_buttons"]}
    address = context["pathto"](f"{FOLDER}/{page}.ipynb", 1)
    notebook = {"type": "link", "url": address, "text": ".ipynb", "icon": "fas fa-code"}
    notebook |= {"tooltip": "Download as a Jupyter notebook", "label": "download-notebook-button"}
    buttons["download-buttons"]["buttons"].insert(0, notebook)
    repository = app.config.html_theme_options["repository_url"]
    if links := launch_links(app.config.book_launch, repository, page):
        group = {"type": "group", "tooltip": "Run this chapter online", "icon": "fas fa-rocket"}
        group |= {"buttons": links, "label": "launch-buttons"}
        context["header_buttons"].insert(0, group)


def setup(app: Sphinx) -> dict[str, object]:
    """Set the links before the theme reads its options; offer and write the notebooks."""
    app.add_config_value("book_launch", {}, "html", types=frozenset({dict}))
    app.connect("config-inited", _apply, priority=100)
    # After the theme has made its buttons.
    app.connect("html-page-context", _offer, priority=900)
    app.connect("build-finished", _write_copies)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
