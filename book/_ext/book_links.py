"""Links to the public repository, shown only once its address is set.

The address is ``repository: url`` in book/_config.yml. While it is empty, no page
offers to launch, edit or report anything.
"""

from __future__ import annotations

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
        A copy of the options.
    """
    public = bool(options.get("repository_url"))
    linked = {**options, **dict.fromkeys(_BUTTONS, public)}
    if not public:
        linked["launch_buttons"] = {}
        linked.pop("repository_url", None)
    return linked


def _apply(app: Sphinx, config: Config) -> None:
    config.html_theme_options = link_to_repository(config.html_theme_options)


def setup(app: Sphinx) -> dict[str, object]:
    """Set the links before the theme reads its options."""
    app.connect("config-inited", _apply, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
