"""No chapter of the built book regresses a measure on what it holds, and all were watched."""

import re

import pytest
from browsing import ROOT
from outputs_entry import read_run

ESTIMATORS = r"(?:nqpf\.regress|nqpf\.space\.durbin|linearmodels|pyfixest)"
USES = re.compile(rf"^\s*(?:from|import) {ESTIMATORS}", re.MULTILINE)
EXHIBIT = "circular-exhibit"  # a cell that shows what circularity does, and says so


def chapters():
    files = sorted((ROOT / "notebooks").rglob("*.md"))
    found = [path for path in files if USES.search(path.read_text(encoding="utf-8"))]
    return [path.relative_to(ROOT).with_suffix("").as_posix() for path in found]


def test_there_are_chapters_that_estimate():
    assert len(chapters()) >= 6


@pytest.mark.parametrize("name", chapters())
def test_no_measure_is_regressed_on_what_it_holds(html, name):
    run = read_run(ROOT / f"{name}.md", ROOT / "_build" / ".jupyter_cache")
    assert run is not None, "the chapter has changed since the book was built"
    watched = [said.get("regressions", {}) for said in run.said]
    assert any(watched), "the chapter imports estimators, and none was seen at work"
    for cell, seen in zip(run.cells, watched, strict=True):
        if EXHIBIT not in cell.metadata.get("tags", []):
            assert seen.get("found", []) == []
