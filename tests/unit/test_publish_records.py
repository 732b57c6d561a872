"""What archives, Binder and containers read agrees with pyproject.toml."""

import json
import os
import re
import tomllib
from pathlib import Path

import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
ARCHIVE = json.loads((ROOT / ".zenodo.json").read_text("utf-8"))


def test_records_tell_the_same():
    assert CITATION["title"] == ARCHIVE["title"] == PROJECT["description"]
    assert CITATION["version"] == ARCHIVE["version"] == PROJECT["version"]
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert CITATION["abstract"] == ARCHIVE["description"]
    assert CITATION["keywords"] == ARCHIVE["keywords"]
    names = [person["name"] for person in PROJECT["authors"]]
    assert [person["name"] for person in CITATION["authors"]] == names
    assert [person["name"] for person in ARCHIVE["creators"]] == names
    assert ARCHIVE["license"] == PROJECT["license"]["text"] == CITATION["license"][0]
    assert all(licence in ARCHIVE["notes"] for licence in CITATION["license"])


def test_the_survey_is_cited_as_in_the_bibliography():
    known = (ROOT / "book/references.bib").read_text("utf-8")
    entry = re.search(r"@misc\{guo-cai,(.*?)\n\}", known, re.DOTALL).group(1)
    title = re.search(r"title = \{(.*)\}", entry).group(1)
    (survey,) = CITATION["references"]
    assert survey["title"] == title
    assert title in ARCHIVE["references"][0]
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
    assert settings["postCreateCommand"] == "make env"
    assert "chromium" in settings["onCreateCommand"]
    assert set(settings["portsAttributes"]) == {str(port) for port in settings["forwardPorts"]}


def test_releasing_names_files_that_exist():
    text = (ROOT / "docs/releasing.md").read_text("utf-8")
    for name in re.findall(r"`((?:[\w.-]+/)*[\w-]*\.\w+)`", text):
        assert (ROOT / name).exists(), name
