"""Settings that every test shares."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Read before numpy starts: tests run on every core already, and one thread keeps sums alike.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# The same examples in every run, a quarter of them but in the weekly one; no time limit per
# example, as machines differ.
_MANY = 100 if os.environ.get("NQPF_EVERYTHING") == "1" else 25
settings.register_profile("nqpf", derandomize=True, deadline=None, max_examples=_MANY)
settings.load_profile("nqpf")


# The library is imported below, when the settings above stand.


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A made-up project, found as the reader's own would be."""
    from made_up import make_project

    home = make_project(tmp_path / "home")
    monkeypatch.setenv("NQPF_HOME", str(home))
    return home


@pytest.fixture
def panel(home):
    """The made-up project's panel."""
    from nqpf.data import Panel

    return Panel.load(extra=False)


@pytest.fixture(scope="session")
def embedded():
    """The project's own panel, read once."""
    from nqpf.data import Panel

    return Panel.load(extra=False, home=Path(__file__).parents[1])
