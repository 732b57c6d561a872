"""Make the branch that Binder and Colab open: the project, with each chapter as a notebook.

Usage: python scripts/launch_branch.py

The branch gets one commit without a parent: the files of HEAD but .github, and the copies
of the built book beside their chapters. The working tree and the current branch stay as they
are, nothing is sent anywhere. The same HEAD and the same book give the same commit.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIES = Path("_build/html/downloads/notebooks")


def make_branch(root: Path, branch: str) -> str:
    """Make or replace `branch` in the repository at `root`; return its commit.

    Raises
    ------
    SystemExit
        If the book has not been built.
    subprocess.CalledProcessError
        If git refuses.
    """
    copies = root / COPIES
    if not copies.is_dir():
        raise SystemExit(f"no notebooks in {COPIES}: run `make book` first")
    environment = dict(os.environ)

    def git(*words: str) -> str:
        command = ["git", "-C", str(root), *words]
        return subprocess.check_output(command, env=environment, text=True).strip()

    with tempfile.TemporaryDirectory() as folder:
        environment["GIT_INDEX_FILE"] = str(Path(folder) / "index")
        git("read-tree", "HEAD")
        # A token of a workflow may not push workflows, and nobody runs them from there.
        git("rm", "-r", "--cached", "--quiet", "--ignore-unmatch", ".github")
        git("-C", str(COPIES), "--work-tree=.", "add", "--force", "--no-all", ".")
        tree = git("write-tree")
    said = git("log", "-1", "--format=%an%n%ae%n%aI").split("\n")
    for key, value in zip(("NAME", "EMAIL", "DATE"), said, strict=True):
        environment |= {f"GIT_AUTHOR_{key}": value, f"GIT_COMMITTER_{key}": value}
    message = f"Chapters of {git('rev-parse', '--short=12', 'HEAD')} as notebooks"
    commit = git("commit-tree", tree, "-m", message)
    git("update-ref", f"refs/heads/{branch}", commit)
    return commit


def main() -> None:
    """Make the branch and say so."""
    print(f"launch is {make_branch(ROOT, 'launch')}")


if __name__ == "__main__":
    main()
