"""What the watch in the kernels of chapters sees, and what the build makes of it."""

import os

import nbclient
import nbformat
from browsing import ROOT
from build_book import _KERNEL_OPTIONS, EXHIBIT, circular_cells, take_records

SCRIPTS = ROOT / "scripts"
START = """
from functools import partial
import numpy as np
import statsmodels.api as sm
from linearmodels.panel import PanelOLS, RandomEffects
from nqpf import Panel
from nqpf.compare import measures
from nqpf.multiverse import variables
from nqpf.regress import fixed_effects
from nqpf.sample import standardise
panel = Panel.load(extra=False)
score = measures(panel, ["dong-2024", "jin-2024"]).rename(columns={"dong-2024": "D", "tfp": "T"})
names = ["urbanisation", "income", "growth"]
frame = score.join(variables(panel)[names].rename(columns=str.upper)).dropna()
def moved(years):
    index = frame.index.set_levels(frame.index.levels[1] + years, level="year")
    return frame.assign(T=frame["T"].set_axis(index)).dropna()
north = frame["URBANISATION"].where(frame.index.get_level_values(0) < 200000, 0.0)
"""


CALLS = {
    "renamed": ('fixed_effects(standardise(frame, list(frame)), "D", ["URBANISATION"])', 1),
    "log of the outcome": ('fixed_effects(frame.assign(D=np.log(frame["D"])), "INCOME", "D")', 1),
    "tfp": ('fixed_effects(frame, "T", ["INCOME", "URBANISATION"])', 1),
    "growth of the year": ('fixed_effects(frame, "GROWTH", "T")', 1),
    "growth after": ('fixed_effects(moved(1), "GROWTH", "T")', 0),
    "growth before": ('fixed_effects(moved(-1), "GROWTH", "T")', 1),
    "slope of one region": ('fixed_effects(frame.assign(N=north), "D", ["N"])', 1),
    "random effects": ('RandomEffects(frame["D"], frame[["URBANISATION"]])', 1),
    "held by no one": ('fixed_effects(frame, "jin-2024", ["INCOME", "URBANISATION"])', 0),
    "two determinants": ('fixed_effects(frame, "INCOME", ["URBANISATION"])', 0),
    "free": ('fixed_effects(frame, "T", ["URBANISATION"])', 0),
    "linearmodels": ('PanelOLS(frame["D"], frame[["URBANISATION"]], entity_effects=True)', 1),
    "by formula": ('PanelOLS.from_formula("D ~ URBANISATION + EntityEffects", frame)', 1),
    "handed on": ('list(map(partial(fixed_effects, frame, "D"), [["URBANISATION"]]))', 1),
    "by name": ('frame.pipe(lambda f, how: how(f, "D", "URBANISATION"), how=fixed_effects)', 1),
    "a class handed on": ('list(map(partial(sm.OLS, frame["D"]), [frame[["URBANISATION"]]]))', 1),
    "own class": ('class Own(sm.OLS): pass\nOwn(frame["D"], frame[["URBANISATION"]])', 1),
    "statsmodels": ('sm.OLS(frame["D"], frame[["URBANISATION"]])', 1),
}


def test_a_measure_is_known_by_its_values(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", f"{SCRIPTS}{os.pathsep}{SCRIPTS.parent / 'src'}")
    cells = [nbformat.v4.new_code_cell(call) for call in (START, *(c for c, _ in CALLS.values()))]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.execute(notebook, str(tmp_path), timeout=120, extra_arguments=_KERNEL_OPTIONS)
    said = take_records(notebook)
    for (name, (_, wanted)), record in zip(CALLS.items(), said[1:], strict=True):
        seen = record["regressions"]
        assert seen["seen"], name
        assert len(seen["found"]) == wanted, (name, seen["found"])
    assert all("record+json" not in str(cell.outputs) for cell in notebook.cells)
    texts = circular_cells(notebook, said)
    assert len(texts) == sum(wanted for _, wanted in CALLS.values())
    assert "relates 'D' to urbanisation" in texts[0] and "urbanisation_rate" in texts[0]
    assert "measures(panel, without=holders(...))" in texts[0]
    for cell in notebook.cells:
        cell.metadata["tags"] = [EXHIBIT]
    assert circular_cells(notebook, said) == []
