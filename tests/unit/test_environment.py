"""pyproject.toml, environment.yml and requirements.lock say the same."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
DIRECT = "nqpf (pyproject.toml)"  # how the lock marks what pyproject.toml asks for itself
PYTHONS = ("3.11", "3.12", "3.13")


def wanted(pyproject: str) -> list[Requirement]:
    """Return every requirement of a pyproject.toml that the lock pins."""
    project = tomllib.loads(pyproject)["project"]
    extras = project["optional-dependencies"]
    texts = sum((extras[name] for name in ("book", "dev", "test")), project["dependencies"])
    return [Requirement(text) for text in texts]


def pins(lock: str) -> list[tuple[Requirement, str]]:
    """Return each pin of a lock with the lines (hashes, origin) below it."""
    blocks = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    return [(Requirement(re.split(r" \\|\n", block)[0].strip()), block) for block in blocks]


def drift(pyproject: str, lock: str, python: str, system: str) -> list[str]:
    """Say where a lock is not the one of a pyproject.toml, for a Python on a system."""
    place = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": system}
    place = default_environment() | place | {"os_name": "nt" if system == "win32" else "posix"}
    known = [(canonicalize_name(pin.name), pin, text) for pin, text in pins(lock)]
    there = [(name, pin) for name, pin, _ in known if not pin.marker or pin.marker.evaluate(place)]
    direct, problems = {name for name, _, text in known if DIRECT in text}, []
    for requirement in wanted(pyproject):
        own = canonicalize_name(requirement.name)
        direct.discard(own)
        versions = [str(pin.specifier).removeprefix("==") for name, pin in there if name == own]
        if len(versions) != 1 or versions[0] not in requirement.specifier:
            problems.append(f"{requirement}: the lock has {versions or 'no pin'}; run `make lock`")
    return problems + [f"{name} is pinned for nobody; run `make lock`" for name in sorted(direct)]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_lock_is_that_of_pyproject(python, system):
    assert drift(PYPROJECT, LOCK, python, system) == []


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"numpy>=', '"numpy>=99.', "numpy"),
        ('"pooch>=1.8",', "", "pooch"),
        ('"pooch>=1.8",', '"pooch>=1.8", "a-new-one>=1",', "a-new-one"),
    ],
)
def test_a_lock_of_another_pyproject_is_noticed(old, new, named):
    assert old in PYPROJECT
    problems = drift(PYPROJECT.replace(old, new), LOCK, "3.12", "linux")
    assert [problem.startswith(named) for problem in problems] == [True]


def test_the_lock_has_nothing_but_exact_and_hashed_pins():
    for pin, block in pins(LOCK):
        assert re.fullmatch(r"==[\w.!+]+", str(pin.specifier)), f"{pin} is not exact"
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block), f"{pin} has no hash"
    for line in LOCK.splitlines():
        assert re.match(r"[a-z0-9][\w.-]*==|    --hash=sha256:|    #", line), line


def test_environment_yml_is_that_of_pyproject_and_installs_the_lock():
    project = tomllib.loads(PYPROJECT)["project"]
    wanted = [f"python{project['requires-python']}", "pip", {"pip": ["-r requirements.lock"]}]
    conda = {"name": project["name"], "channels": ["conda-forge"], "dependencies": wanted}
    assert yaml.safe_load((ROOT / "environment.yml").read_text("utf-8")) == conda
    assert all(SpecifierSet(project["requires-python"]).contains(f"{v}.0") for v in PYTHONS)
