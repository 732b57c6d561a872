"""Setting up on a machine without a fitting Python says so and touches nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "set_up.sh"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy2(SCRIPT, tmp_path / "scripts")
    (tmp_path / "requirements.lock").write_text("", "utf-8")
    (tmp_path / "pyproject.toml").write_text("", "utf-8")
    return tmp_path


def old_python(folder: Path) -> Path:
    """Return a stand-in for Python 3.9: it names its version and fails every check."""
    fake = folder / "python3.9"
    fake.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.1" || exit 1\n', "utf-8")
    fake.chmod(0o755)
    return fake


def set_up(clone: Path, python: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "scripts/set_up.sh"],
        cwd=clone,
        env={"PATH": "/usr/bin:/bin", "PYTHON": python, "MAKECMDGOALS": "test", **more},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_old_python_is_refused_by_name(clone: Path) -> None:
    fake = old_python(clone)
    done = set_up(clone, str(fake))
    assert done.returncode == 1
    assert "needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert f"{fake} is Python 3.9.1" in done.stderr
    assert "make test PYTHON=" in done.stderr
    assert not (clone / ".venv").exists()


def test_a_missing_python_is_refused_by_name(clone: Path) -> None:
    done = set_up(clone, "no-such-python")
    assert done.returncode == 1
    assert "no-such-python is not installed" in done.stderr


def test_nothing_happens_when_the_environment_matches(clone: Path) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    # The note holds the folder as the shell names it, then the lock.
    (clone / ".venv" / ".made-from").write_text(f"{clone.resolve()}\n", "utf-8")
    (clone / ".venv" / ".package").write_text("", "utf-8")
    done = set_up(clone, sys.executable)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_newest_versions_are_another_environment(clone: Path) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (clone / "pyproject.toml").write_text("[project]\n", "utf-8")
    newest = f"{clone.resolve()}\nnewest versions of\n[project]\n"
    (clone / ".venv" / ".made-from").write_text(newest, "utf-8")
    (clone / ".venv" / ".package").write_text("[project]\n", "utf-8")
    done = set_up(clone, sys.executable, NEWEST="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    # Without the word it is the environment of the lock that is wanted.
    refused = clone / "no-venv"
    refused.write_text(
        '#!/bin/sh\ncase "$*" in *venv*) exit 1;; --version) echo Python 3.12;; esac\n', "utf-8"
    )
    refused.chmod(0o755)
    done = set_up(clone, str(refused))
    assert done.returncode == 1
    assert "could not make a virtual environment" in done.stderr
