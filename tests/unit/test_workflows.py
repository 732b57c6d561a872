"""The workflows run the targets of the Makefile, in the order of .ci/run, with few rights."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from browsing import ROOT
from build_book import RESULTS

FOLDER = ROOT / ".github" / "workflows"
NAMES = sorted(path.name for path in FOLDER.glob("*.yml"))
MAKE = re.compile(r"(?<![\w-])make (?:--?[\w=-]+ )*([a-z]+)")
ONLY_HERE = {"data"}  # whose sources only some machines have beside them


# YAML 1.1 reads the key `on` as true.
WORKFLOWS = {name: yaml.safe_load((FOLDER / name).read_text("utf-8")) for name in NAMES}
BOOK, WEEKLY = WORKFLOWS["book.yml"]["jobs"], WORKFLOWS["weekly.yml"]["jobs"]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


def made(job):
    """Return the targets that a job makes, in order."""
    return [target for step in job["steps"] for target in MAKE.findall(step.get("run", ""))]


def test_targets_exist_are_documented_and_phony():
    for name, workflow in WORKFLOWS.items():
        run = {target for job in workflow["jobs"].values() for target in made(job)}
        assert run and run <= TARGETS, name
    phony = " ".join(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)).split()
    described = re.findall(r"^([a-z]+):.*## .+$", MAKEFILE, re.MULTILINE)
    assert TARGETS == set(phony) == set(described)


@pytest.mark.parametrize("job", ["test", "site"])
def test_a_change_is_tested_as_ci_run_does(job):
    here = MAKE.findall((ROOT / ".ci" / "run").read_text("utf-8"))
    there = made(BOOK[job])
    drop = ONLY_HERE | ({"lint"} if job == "site" else set())  # the tests before it checked
    assert [t for t in there if t not in drop] == [t for t in here if t not in drop]


def test_site_is_tested_before_it_is_handed_over_and_never_for_a_pull_request():
    listed = BOOK["site"]["steps"]
    tested = next(i for i, step in enumerate(listed) if "make test" in step.get("run", ""))
    handed = [i for i, step in enumerate(listed) if "upload" in step.get("uses", "")]
    assert handed and min(handed) > tested
    condition = BOOK["address"]["if"]
    assert "refs/heads/main" in condition and "!= 'pull_request'" in condition
    chain = {"site": "address", "deploy": "site", "launch": "deploy"}
    assert {label: BOOK[label]["needs"] for label in chain} == chain


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_pinned_by_commit(name):
    uses = re.findall(r"uses: (.*)", (FOLDER / name).read_text("utf-8"))
    assert uses
    for use in uses:
        assert re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use), use
    # One commit per action, or an update would reach some of the steps only.
    pins = {re.sub(r"^(actions/[\w-]+)\S*@", r"\1@", use) for use in uses}
    assert len({pin.split("@")[0] for pin in pins}) == len(pins)


@pytest.mark.parametrize("name", NAMES)
def test_jobs_have_few_rights_and_an_end(name):
    assert WORKFLOWS[name]["permissions"] == {}
    for label, job in WORKFLOWS[name]["jobs"].items():
        assert 0 < job["timeout-minutes"] <= 60, label
        writes = {right for right, level in job["permissions"].items() if level == "write"}
        allowed = {"deploy": {"pages", "id-token"}, "launch": {"contents"}}.get(label, set())
        assert writes == allowed, label


def test_cache_keeps_the_results_under_what_they_depend_on():
    listed = [step for job in BOOK.values() for step in job["steps"]]
    first, second = (s["with"] for s in listed if "actions/cache" in s.get("uses", ""))
    assert first == second and first["path"] == "_build/.jupyter_cache"
    kept = {one for pattern in re.findall(r"'(.*?)'", first["key"]) for one in ROOT.glob(pattern)}
    needed = [ROOT / name for name in ("src", "data", *RESULTS)]
    # Of a folder with all in it, pathlib names the folders alone.
    assert [one for one in needed if not kept & {one, *one.parents}] == []
    assert "python-version" in first["key"]
    assert first["restore-keys"] == "chapters-${{ runner.os }}-"


def test_weekly_run_leaves_the_lock_and_says_what_differs():
    assert WEEKLY["newest"]["env"] == {"NEWEST": "1"}
    assert made(WEEKLY["newest"]) == ["env", "drift", "book", "pdf", "test"]
    assert all(name in made(WEEKLY[name]) for name in ("twice", "links"))
    assert "schedule" in WORKFLOWS["weekly.yml"][True]


# What `make lint` runs beside ruff: a file, and a change that the tool must refuse.
BROKEN = {
    "vendor.github-workflows": ("book.yml", "runs-on:", "runs-where:"),
    "vendor.citation-file-format": ("CITATION.cff", "authors:", "writers:"),
    "zizmor": ("book.yml", "run: make lint", "run: echo ${{ github.head_ref }}"),
}


@pytest.mark.parametrize("check", BROKEN)
def test_lint_notices_a_broken_file(check, tmp_path):
    name, old, new = BROKEN[check]
    (call,) = re.findall(rf"^\t@\.venv/bin/(.*{check}.*)$", MAKEFILE, re.MULTILINE)
    name = name if name == "CITATION.cff" else f".github/workflows/{name}"
    text, path = (ROOT / name).read_text("utf-8"), tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    command = f"{Path(sys.executable).parent}/{call}"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, check=False)
    assert done.returncode not in (0, 127)
