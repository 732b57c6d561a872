"""Make the pages of the book from chapters that have run; scripts/build_book.py starts it.

Usage: python scripts/make_pages.py EDITION ...

An edition is a folder of sources with ``book/_config.yml`` and ``book/_toc.yml``, its site goes to
``_build/html`` in it. What makes pages imports its packages while the chapters run, and waits for
a line. The library is among them, since the processes that read pages ask it for the places of
functions.
"""

import functools
import gc
import importlib.metadata
import os
import pkgutil
import sys
from importlib import import_module

import warm_kernels  # it keeps a package from compiling grammars of addresses for three seconds

PACKAGES = """myst_nb sphinx_book_theme sphinx_design sphinx_exercise sphinxcontrib.bibtex pybtex
jupyter_book.cli.main""".split()


def make(edition: str) -> int:
    """Make the pages of an edition; return 0, or what went wrong as a code."""
    from jupyter_book.cli.main import main

    # Every warning is an error.
    sys.argv[1:] = ["build", edition, "--path-output", edition]
    sys.argv += ["-n", "-W", "--keep-going", "--quiet"]
    sys.argv += ["--config", f"{edition}/book/_config.yml", "--toc", f"{edition}/book/_toc.yml"]
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def main(editions: list[str]) -> int:
    """Make the pages of every edition, beside each other where the system can fork."""
    gc.set_threshold(*warm_kernels.COLLECTED)
    # One look at which packages offer which plugins.
    importlib.metadata.entry_points = functools.cache(importlib.metadata.entry_points)
    import nqpf

    own = [one.name for one in pkgutil.walk_packages(nqpf.__path__, "nqpf.")]
    for name in PACKAGES + [name for name in own if "__" not in name]:
        import_module(name)
    if not sys.stdin.readline():  # the chapters failed
        return 1
    failed, children = 0, []
    for edition in editions[1:]:
        if not hasattr(os, "fork"):
            failed |= make(edition)
        elif child := os.fork():
            children.append(child)
        else:
            os._exit(make(edition))
    failed |= make(editions[0])
    for child in children:
        failed |= os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
