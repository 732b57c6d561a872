"""Where the project and its site are, if they are public.

The settings are ``repository: url`` and ``html: baseurl`` in book/_config.yml; the
environment variables NQPF_REPOSITORY_URL and NQPF_SITE_URL win over them, so that a
build that publishes names its own place. While an address is empty, nothing that
needs it is written.
"""

import os
import re

from sphinx.errors import ConfigError

# The branch that holds the tree of the main branch and the notebooks beside the chapters.
LAUNCH_BRANCH = "launch"

_WEB = re.compile(r"https?://[\w.~%:@-][\w.~%/:@-]*", re.ASCII)


def _given(name: str, configured: str | None) -> str:
    """Return the address of the environment, or else of the settings, checked; or an empty text."""
    address = os.environ.get(name, "").strip() or (configured or "").strip()
    if address and not _WEB.fullmatch(address):
        raise ConfigError(f"{name} is {address!r}; expected an address such as https://host/path")
    return address.rstrip("/")


def repository_url(configured: str | None) -> str:
    """Return the address of the repository without a slash at its end, or an empty text.

    Raises
    ------
    sphinx.errors.ConfigError
        If it is no web address.

    Examples
    --------
    >>> repository_url("https://github.com/someone/nqpf.git")
    'https://github.com/someone/nqpf'
    """
    return _given("NQPF_REPOSITORY_URL", configured).removesuffix(".git")


def site_url(configured: str | None) -> str:
    """Return the address of the site with a slash at its end, or an empty text.

    Raises
    ------
    sphinx.errors.ConfigError
        If it is no web address.

    Examples
    --------
    >>> site_url("https://someone.example/nqpf")
    'https://someone.example/nqpf/'
    """
    address = _given("NQPF_SITE_URL", configured)
    return address and f"{address}/"
