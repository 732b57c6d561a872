"""Build the book twice from nothing and compare the two sites byte by byte.

Usage: python scripts/build_twice.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from build_book import BUILD, FOLDERS, ROOT

FIRST = BUILD / "first"


def forget(build: Path) -> None:
    """Remove the pages and the results of the chapters, so that nothing is kept."""
    for kind, folders in FOLDERS.items():
        (build / f".{kind}-made-from").unlink(missing_ok=True)
        for folder in folders:
            shutil.rmtree(build / folder, ignore_errors=True)


def main() -> int:
    """Build, set aside, build again, compare; return the exit code of what failed."""
    shutil.rmtree(FIRST, ignore_errors=True)
    for build in ("first", "second"):
        print(f"The {build} of two builds ...", flush=True)
        forget(BUILD)
        done = subprocess.run([sys.executable, "scripts/build_book.py"], cwd=ROOT, check=False)
        if done.returncode:
            return done.returncode
        if build == "first":
            shutil.move(BUILD / "html", FIRST / "html")
    compare = [sys.executable, "scripts/compare_builds.py", str(FIRST / "html")]
    return subprocess.run([*compare, str(BUILD / "html")], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
