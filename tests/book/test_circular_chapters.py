"""No chapter regresses a measure on what it holds; every one that regresses is run and watched."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jupytext
import nbclient
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
SPY = ROOT / "tests" / "unit"
USES = re.compile(
    r"nqpf\.(regress|space|dynamics\.convergence)|linearmodels|statsmodels|pyfixest", re.M
)
EXHIBIT = "circular-exhibit"


def chapters() -> list[str]:
    files = sorted((ROOT / "notebooks").rglob("*.md"))
    return [
        path.relative_to(ROOT / "notebooks").as_posix()
        for path in files
        if USES.search(path.read_text(encoding="utf-8"))
    ]


def watched(notebook: nbformat.NotebookNode, folder: Path) -> dict[str, list]:
    """Run a notebook with the spy in it; return what it saw and what it found."""
    code = nbformat.v4.new_code_cell
    start = (
        f"import sys; sys.path.insert(0, {str(SPY)!r}); import chapter_spy; chapter_spy.install()"
    )
    end = "import json; print(json.dumps({'seen': chapter_spy.seen, 'found': chapter_spy.found}))"
    for cell in notebook.cells:
        if cell.cell_type == "code" and EXHIBIT in cell.metadata.get("tags", []):
            marks = ("chapter_spy.exhibit = True", "chapter_spy.exhibit = False")
            cell.source = f"{marks[0]}\n{cell.source}\n{marks[1]}"
    notebook.cells = [code(start), *notebook.cells, code(end)]
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=resources).execute()
    return json.loads(notebook.cells[-1].outputs[0]["text"])


@pytest.mark.parametrize("name", chapters())
def test_no_measure_is_regressed_on_what_it_holds(name):
    path = ROOT / "notebooks" / name
    result = watched(jupytext.read(path), path.parent)
    assert result["found"] == []
    if "nqpf.regress" in path.read_text(encoding="utf-8"):
        assert result["seen"], "the chapter imports estimators, and none was seen at work"


CIRCULAR = """
import numpy as np
from nqpf import Panel
from nqpf.compare import measures, variables
from nqpf.regress import fixed_effects, standardise
panel = Panel.load(extra=False)
score = measures(panel, ["dong-2024", "jin-2024"]).rename(columns={"dong-2024": "D", "tfp": "T"})
frame = score.join(variables(panel)[["urbanisation", "income"]].rename(columns=str.upper)).dropna()
"""


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ('fixed_effects(standardise(frame, list(frame)), "D", ["URBANISATION"])', 1),
        ('fixed_effects(frame.assign(D=np.log(frame["D"])), "INCOME", ["D"])', 1),
        ('fixed_effects(frame, "T", ["INCOME", "URBANISATION"])', 1),
        ('fixed_effects(frame, "jin-2024", ["INCOME", "URBANISATION"])', 0),
        ('fixed_effects(frame, "T", ["URBANISATION"])', 0),
        ("from linearmodels.panel import PanelOLS; "
         'PanelOLS(frame["D"], frame[["URBANISATION"]], entity_effects=True)', 1),
    ],
    ids=["renamed", "log-outcome", "tfp", "held-by-no-one", "tfp-free", "linearmodels"],
)  # fmt: skip
def test_the_spy_finds_what_it_should(call, found, tmp_path):
    cells = [nbformat.v4.new_code_cell(text) for text in (CIRCULAR, call)]
    result = watched(nbformat.v4.new_notebook(cells=cells), tmp_path)
    assert len(result["found"]) == found, result["found"]


def test_an_exhibit_may_show_what_circularity_does(tmp_path):
    exhibit = nbformat.v4.new_code_cell('fixed_effects(frame, "D", ["URBANISATION"])')
    exhibit.metadata["tags"] = [EXHIBIT]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CIRCULAR), exhibit])
    assert watched(notebook, tmp_path)["found"] == []
