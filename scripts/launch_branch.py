"""Make the branch that Binder and Colab open: the project, with each chapter as a notebook.

Usage: python scripts/launch_branch.py [BRANCH]

The branch gets one commit without a parent: the files of HEAD but .github, and the copies
of the built book beside their chapters. The working tree and the current branch stay as they
are, nothing is sent anywhere. The same HEAD and the same book give the same commit.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIES = Path("_build/html/downloads/notebooks")


def _git(root: Path, *words: str, **environment: str) -> str:
    done = subprocess.run(
        ["git", *words],  # noqa: S607 - whichever git the reader has
        cwd=root,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def make_branch(root: Path, branch: str) -> str:
    """Make or replace `branch` in the repository at `root`; return its commit.

    Raises
    ------
    FileNotFoundError
        If the book has not been built.
    subprocess.CalledProcessError
        If git refuses.
    """
    copies = sorted((root / COPIES).rglob("*.ipynb"))
    if not copies:
        raise FileNotFoundError(f"no notebooks in {COPIES}: run `make book` first")
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git(root, "read-tree", "HEAD", **index)
        # A token of a workflow may not push workflows, and nobody runs them from there.
        _git(root, "rm", "-r", "--cached", "--quiet", "--ignore-unmatch", ".github", **index)
        for copy in copies:
            name = copy.relative_to(root / COPIES).as_posix()
            blob = _git(root, "hash-object", "-w", "--no-filters", str(copy))
            _git(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", **index)
        tree = _git(root, "write-tree", **index)
    who, mail, when = _git(root, "log", "-1", "--format=%an%n%ae%n%aI").split("\n")
    author = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", who), ("EMAIL", mail), ("DATE", when))
    }
    message = f"Chapters of {_git(root, 'rev-parse', '--short=12', 'HEAD')} as notebooks"
    commit = _git(root, "commit-tree", tree, "-m", message, **author)
    _git(root, "update-ref", f"refs/heads/{branch}", commit)
    return commit


def main(arguments: list[str]) -> int:
    """Make the branch and say so."""
    branch = arguments[0] if arguments else "launch"
    try:
        commit = make_branch(ROOT, branch)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{branch} is {commit}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
