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
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
DIRECT = "nqpf (pyproject.toml)"  # how the lock marks what pyproject.toml asks for itself
PYTHONS = ("3.11", "3.12", "3.13")
EXTRAS = PROJECT["optional-dependencies"]
WANTED = sum((EXTRAS[name] for name in ("book", "dev", "test")), PROJECT["dependencies"])
# Each pin with the lines (hashes, origin) below it.
BLOCKS = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]
PINS = [(Requirement(re.split(r" \\|\n", block)[0].strip()), block) for block in BLOCKS]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_lock_is_that_of_pyproject(python, system):
    place = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": system}
    place = default_environment() | place | {"os_name": "nt" if system == "win32" else "posix"}
    there = [pin for pin, _ in PINS if not pin.marker or pin.marker.evaluate(place)]
    for requirement in map(Requirement, WANTED):
        own = canonicalize_name(requirement.name)
        pins = [pin for pin in there if canonicalize_name(pin.name) == own]
        versions = [str(pin.specifier).removeprefix("==") for pin in pins]
        found = len(versions) == 1 and versions[0] in requirement.specifier
        assert found, f"{requirement}: the lock has {versions or 'no pin'}; run `make lock`"
    direct = {canonicalize_name(pin.name) for pin, block in PINS if DIRECT in block}
    nobody = direct - {canonicalize_name(Requirement(text).name) for text in WANTED}
    assert not nobody, f"{nobody} are pinned for nobody; run `make lock`"


def test_the_lock_has_nothing_but_exact_and_hashed_pins():
    for pin, block in PINS:
        assert re.fullmatch(r"==[\w.!+]+", str(pin.specifier)), f"{pin} is not exact"
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block), f"{pin} has no hash"
    for line in LOCK.splitlines():
        assert re.match(r"[a-z0-9][\w.-]*==|    --hash=sha256:|    #", line), line


def test_environment_yml_is_that_of_pyproject_and_installs_the_lock():
    wanted = [f"python{PROJECT['requires-python']}", "pip", {"pip": ["-r requirements.lock"]}]
    conda = {"name": PROJECT["name"], "channels": ["conda-forge"], "dependencies": wanted}
    assert yaml.safe_load((ROOT / "environment.yml").read_text("utf-8")) == conda
    assert all(SpecifierSet(PROJECT["requires-python"]).contains(f"{v}.0") for v in PYTHONS)
