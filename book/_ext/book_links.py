"""Links to the public repository, shown only once its address is set.

The address is ``repository: url`` in book/_config.yml or NQPF_REPOSITORY_URL. While it
is empty, no page offers to launch, edit or report anything. Edit links lead to the main
branch; launch links to the branch that holds the chapters as notebooks, because neither
Binder nor Colab opens a chapter's Markdown.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from book_addresses import LAUNCH_BRANCH, repository_url
from book_notebooks import is_chapter
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

_BUTTONS = ("use_repository_button", "use_edit_page_button", "use_issues_button")


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


def _offer(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    if not app.config.book_repository or not is_chapter(app.env, page):
        return
    links = launch_links(app.config.book_launch, app.config.book_repository, page)
    if links and "header_buttons" in context:
        group = {
            "type": "group",
            "tooltip": "Run this chapter online",
            "icon": "fas fa-rocket",
            "buttons": links,
            "label": "launch-buttons",
        }
        context["header_buttons"] = [group, *context["header_buttons"]]


def setup(app: Sphinx) -> dict[str, object]:
    """Set the links before the theme reads its options, and add those that launch."""
    app.setup_extension("book_notebooks")
    app.add_config_value("book_launch", {}, "html", types=frozenset({dict}))
    app.connect("config-inited", _apply, priority=100)
    app.connect("html-page-context", _offer, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
