"""The command run in the made-up project, and what it refuses."""

import pytest
from made_up import state
from typer.testing import CliRunner

from nqpf.cli import app


@pytest.fixture
def run():
    """Return a function that runs ``nqpf data`` with some words."""
    return lambda *words: CliRunner().invoke(app, ["data", *map(str, words)])


@pytest.fixture
def refusal(home, panel, run):
    """Return a function that gives the error of a file, the same by every door; no file changes."""

    def refused(path):
        before = state(home)
        with pytest.raises(ValueError) as caught:
            panel.extend(path)
        for command in ("check", "add"):
            result = run(command, path)
            said = (result.exit_code, result.stdout, result.stderr)
            assert said == (1, "", f"{caught.value}\n")
        assert state(home) == before
        return caught.value

    return refused
