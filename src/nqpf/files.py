"""Where the project's files are, and how they are written without loss."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nqpf.errors import DataError

_MARK = Path("data") / "catalogue.yaml"


def root() -> Path:
    """Return the project folder: the one that holds ``data/catalogue.yaml``.

    The environment variable ``NQPF_HOME`` wins; otherwise the folders above
    the working directory and above this file are searched.

    Raises
    ------
    nqpf.errors.DataError
        If no such folder exists.
    """
    home = os.environ.get("NQPF_HOME")
    starts = [Path(home)] if home else [Path.cwd(), Path(__file__).resolve().parent]
    folders = starts if home else [above for one in starts for above in (one, *one.parents)]
    for folder in folders:
        if (folder / _MARK).is_file():
            return folder.resolve()
    problem = f"no {_MARK.as_posix()} above {' or '.join(map(str, starts))}"
    expected = "to run inside a copy of the project"
    hint = "change into the project folder or set NQPF_HOME to it"
    raise DataError(problem, expected=expected, hint=hint)


def _inside(folder: Path, name: str) -> Path:
    """Return ``folder / name``, refused when it leads out of `folder`.

    Raises
    ------
    nqpf.errors.DataError
        If the path leaves the folder.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise DataError(f"path {name!r} leaves {folder}", expected="a path inside it")
    return path


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a temporary file that takes the place of `path` only on success."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Its own name would make a long one too long for the system.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".nqpf-", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
