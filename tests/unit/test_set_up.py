"""Setting up on a machine without a fitting Python says so and touches nothing."""

import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "set_up.sh"


def test_a_python_that_does_not_fit_is_refused_by_name(tmp_path):
    (tmp_path / "scripts").mkdir()
    shutil.copy2(SCRIPT, tmp_path / "scripts")
    fake = tmp_path / "a-python"
    fake.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.1" || exit 1\n', "utf-8")
    fake.chmod(0o755)
    needs = "needs Python 3.11, 3.12 or 3.13"
    for python, said in ((fake, f"{fake} is Python 3.9.1"), ("none", "none is not installed")):
        names = {"PATH": "/usr/bin:/bin", "PYTHON": str(python), "MAKECMDGOALS": "test"}
        options = {"cwd": tmp_path, "env": names, "capture_output": True, "text": True}
        done = subprocess.run(["sh", "scripts/set_up.sh"], check=False, **options)
        assert done.returncode == 1
        assert all(words in done.stderr for words in (needs, said, "make test PYTHON="))
    assert not (tmp_path / ".venv").exists()
