"""Setting up on a machine without a fitting Python says so and touches nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "set_up.sh"


def made(clone: Path, note: str = "", package: str = "") -> Path:
    """Return a clone whose environment was made from `note`."""
    (clone / "scripts").mkdir()
    shutil.copy2(SCRIPT, clone / "scripts")
    (clone / "requirements.lock").write_text("", "utf-8")
    (clone / "pyproject.toml").write_text(package, "utf-8")
    if note:
        (clone / ".venv" / "bin").mkdir(parents=True)
        (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
        (clone / ".venv" / ".made-from").write_text(note, "utf-8")
        (clone / ".venv" / ".package").write_text(package, "utf-8")
    return clone


def stand_in(folder: Path, script: str) -> str:
    """Return a program that stands in for a Python."""
    fake = folder / "a-python"
    fake.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    fake.chmod(0o755)
    return str(fake)


def set_up(clone: Path, python: str, **more: str) -> tuple[int, str, str]:
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": python, "MAKECMDGOALS": "test", **more}
    options = {"capture_output": True, "text": True, "check": False}
    done = subprocess.run(["sh", "scripts/set_up.sh"], cwd=clone, env=environment, **options)
    return done.returncode, done.stdout, done.stderr


def test_a_python_that_does_not_fit_is_refused_by_name(tmp_path):
    clone = made(tmp_path)
    fake = stand_in(clone, '[ "$1" = --version ] && echo "Python 3.9.1" || exit 1')
    code, _, said = set_up(clone, fake)
    assert code == 1
    expected = ("needs Python 3.11, 3.12 or 3.13", f"{fake} is Python 3.9.1", "make test PYTHON=")
    assert all(words in said for words in expected)
    code, _, said = set_up(clone, "no-such-python")
    assert code == 1 and "no-such-python is not installed" in said
    assert not (clone / ".venv").exists()


def test_nothing_happens_when_the_environment_matches(tmp_path):
    # The note holds the folder as the shell names it, then the lock.
    clone = made(tmp_path, f"{tmp_path.resolve()}\n")
    assert set_up(clone, sys.executable) == (0, "", "")


def test_newest_versions_are_another_environment(tmp_path):
    note = f"{tmp_path.resolve()}\nnewest versions of\n[project]\n"
    clone = made(tmp_path, note, "[project]\n")
    assert set_up(clone, sys.executable, NEWEST="1") == (0, "", "")
    # Without the word it is the environment of the lock that is wanted.
    refusal = 'case "$*" in *venv*) exit 1;; --version) echo Python 3.12;; esac'
    code, _, said = set_up(clone, stand_in(clone, refusal))
    assert code == 1 and "could not make a virtual environment" in said
