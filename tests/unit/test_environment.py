"""What says what the project needs, in files of several tools and to archives, says the same."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from browsing import ROOT
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
ARCHIVE = json.loads((ROOT / ".zenodo.json").read_text("utf-8"))
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


# --- archives, Binder and containers ---


def test_records_tell_the_same():
    shared = {"title": PROJECT["description"], "version": PROJECT["version"]}
    told = shared | {"abstract": ARCHIVE["description"], "keywords": ARCHIVE["keywords"]}
    assert (CITATION | told, ARCHIVE | shared) == (CITATION, ARCHIVE)
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    people = PROJECT["authors"], CITATION["authors"], ARCHIVE["creators"]
    assert len({tuple(person["name"] for person in one) for one in people}) == 1
    assert ARCHIVE["license"] == PROJECT["license"]["text"] == CITATION["license"][0]
    assert all(licence in ARCHIVE["notes"] for licence in CITATION["license"])


def test_the_survey_is_cited_as_in_the_bibliography():
    known = (ROOT / "book/references.bib").read_text("utf-8")
    entry = re.search(r"@misc\{guo-cai,(.*?)\n\}", known, re.DOTALL).group(1)
    title = re.search(r"title = \{(.*)\}", entry).group(1)
    (survey,) = CITATION["references"]
    assert survey["title"] == title and title in ARCHIVE["references"][0]
    authors = " and ".join(f"{p['family-names']}, {p['given-names']}" for p in survey["authors"])
    assert f"author = {{{authors}}}" in entry


def test_binder_installs_the_lock_and_the_library():
    folder = ROOT / ".binder"
    (line,) = (folder / "requirements.txt").read_text("utf-8").splitlines()
    assert (folder / line.removeprefix("-r ")).resolve() == ROOT / "requirements.lock"
    python = (folder / "runtime.txt").read_text("utf-8").strip().removeprefix("python-")
    assert f"{python}.0" in SpecifierSet(PROJECT["requires-python"])
    steps = (folder / "postBuild").read_text("utf-8")
    assert "pip install --quiet --no-deps --no-build-isolation --editable ." in steps
    assert os.access(folder / "postBuild", os.X_OK)


def test_container_sets_up_as_a_laptop_does():
    settings = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text("utf-8"))
    python = re.search(r"python:[\d-]*?(3\.\d+)-", settings["image"]).group(1)
    assert f"{python}.0" in SpecifierSet(PROJECT["requires-python"])
    assert settings["containerEnv"]["PYTHON"] == f"python{python}"
    assert settings["postCreateCommand"] == "make env" and "chromium" in settings["onCreateCommand"]
    assert set(settings["portsAttributes"]) == {str(port) for port in settings["forwardPorts"]}


def test_releasing_names_files_that_exist():
    text = (ROOT / "docs/releasing.md").read_text("utf-8")
    for name in re.findall(r"`((?:[\w.-]+/)*[\w-]*\.\w+)`", text):
        assert (ROOT / name).exists(), name


def a_python(folder, script):
    """Write a program that stands for Python."""
    fake = folder / "a-python"
    fake.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    fake.chmod(0o755)
    return fake


def set_up(folder, python, **names):
    """Run the script that makes the environment in a folder."""
    (folder / "scripts").mkdir(exist_ok=True)
    shutil.copy2(ROOT / "scripts/set_up.sh", folder / "scripts")
    names |= {"PATH": "/usr/bin:/bin", "PYTHON": str(python)}
    options = {"cwd": folder, "env": names, "capture_output": True, "text": True}
    return subprocess.run(["sh", "scripts/set_up.sh"], check=False, **options)


def test_a_python_that_does_not_fit_is_refused_by_name(tmp_path):
    fake = a_python(tmp_path, '[ "$1" = --version ] && echo "Python 3.9.1" || exit 1')
    needs = "needs Python 3.11, 3.12 or 3.13"
    for python, said in ((fake, f"{fake} is Python 3.9.1"), ("none", "none is not installed")):
        done = set_up(tmp_path, python, MAKECMDGOALS="test")
        assert done.returncode == 1
        assert all(words in done.stderr for words in (needs, said, "make test PYTHON="))
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("newest", ["", "1"])
def test_an_environment_that_matches_is_kept_and_another_is_not(tmp_path, newest):
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / "requirements.lock").write_text("", "utf-8")
    for name in ("pyproject.toml", ".venv/.package"):
        (tmp_path / name).write_text("[project]\n", "utf-8")
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    more = "newest versions of\n[project]\n" if newest else ""
    (tmp_path / ".venv/.made-from").write_text(f"{tmp_path.resolve()}\n{more}", "utf-8")
    # It fits, and makes no environment.
    fake = a_python(tmp_path, 'case "$*" in *venv*) exit 1;; --version) echo Python 3.12;; esac')
    for python, wanted, code in ((sys.executable, newest, 0), (fake, "" if newest else "1", 1)):
        done = set_up(tmp_path, python, NEWEST=wanted)
        assert done.returncode == code and done.stdout.startswith("Setting up" if code else "")
        assert code or (done.stdout, done.stderr) == ("", "")
