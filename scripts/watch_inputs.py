"""Say, while the book runs a chapter, which files of the project its results rest on.

An extension of IPython, which scripts/build_book.py loads into every kernel. After each cell it
publishes, for every file that the chapter has newly opened, every module of the library that it
has newly loaded and every folder that it has newly listed, a hash of the content; the build takes
it out of the results again and runs a chapter anew only when one of its own hashes has changed.
"""

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from nqpf.data import Catalogue
from nqpf.report.recorder import _MIME

Catalogue.load()  # kept by the library
ROOT = "NQPF_WATCHED_ROOT"  # set by the build
_EVENTS = {"open", "os.listdir", "os.scandir"}
# Arrow opens its files without telling Python; the catalogue every kernel has from the start.
_UNTOLD = {"nqpf.multiverse.results": "data/multiverse/*", "nqpf.data": "data/catalogue.yaml"}


def state(path: Path) -> str:
    """Return a hash of a file's content or of the names in a folder; empty if there is neither."""
    if path.is_dir():
        names = sorted(one.name for one in path.iterdir() if one.name != "__pycache__")
        return hashlib.sha256("\0".join(names).encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def watched(root: Path, path: str) -> str:
    """Return the name of a file or folder below src/ or data/ of the project; empty for others.

    Examples
    --------
    >>> watched(Path("/p"), "/p/data/a.csv"), watched(Path("/p"), "/p/src/__pycache__/a.pyc")
    ('data/a.csv', '')
    """
    whole = os.path.abspath(path)
    name = whole.removeprefix(f"{root}{os.sep}").replace(os.sep, "/")
    ours = name.startswith(("src/", "data/")) or name == "data"
    return name if ours and "__pycache__" not in name else ""


def load_ipython_extension(shell: Any) -> None:
    """Start watching in this IPython."""
    root = Path(os.environ[ROOT])
    touched: set[str] = set()
    looked_at: set[str] = set()
    told: set[str] = set()

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in _EVENTS and isinstance(arguments[0], str | bytes | os.PathLike):
            touched.add(os.fsdecode(arguments[0]))

    def tell(_result: object) -> None:
        modules = list(sys.modules.values())
        loaded = {file for one in modules if (file := getattr(one, "__file__", None))}
        for module, files in _UNTOLD.items():
            if module in sys.modules:
                loaded |= {str(path) for path in root.glob(files)}
        new = (touched | loaded) - looked_at
        names = {watched(root, path) for path in new} - {"", *told}
        looked_at.update(new)
        touched.clear()
        told.update(names)
        inputs = {name: state(root / name) for name in sorted(names)}
        shell.display_pub.publish(data={_MIME: {"inputs": inputs}}, metadata={})

    sys.addaudithook(hook)
    shell.events.register("post_run_cell", tell)
