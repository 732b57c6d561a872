"""Forecasts that were written down come out again, and are scored once a reader adds what came."""

import ast
import shutil

import jupytext
import pandas as pd
import pytest
from browsing import CHAPTERS, ROOT
from IPython.core.interactiveshell import InteractiveShell
from outputs_code import Code
from typer.testing import CliRunner

from nqpf import Recipe, System, provinces
from nqpf.cli import app
from nqpf.forecast import forecast
from nqpf.forecast.methods import latest_run
from nqpf.tfp import production, solow_residual, splice

FROZEN = pd.read_csv(ROOT / "data/forecasts/2024.csv")


@pytest.mark.parametrize("measure", FROZEN["measure"].unique())
def test_frozen_forecasts_are_what_figures_to_their_year_give(measure, embedded):
    own = FROZEN[FROZEN["measure"] == measure].set_index(["province", "year"])
    years = range(2010, own["figures_to"].iloc[0] + 1)
    if measure == "tfp":
        sample = production(embedded)
        labour = splice(sample["labour"], embedded.breaks(["employment"]))
        scores = solow_residual(sample.assign(labour=labour)).log_tfp
        scores = scores[scores.index.isin(years, level="year")]
    else:
        system = System.load(measure)
        scores = Recipe(**system.recipe).fit(system.evaluate(embedded, years)).scores
    again = forecast(latest_run(scores), 1).frame[["forecast", "lower", "upper"]]
    assert len(again) == 31
    pd.testing.assert_frame_equal(own[again.columns].sort_index(), again, atol=6e-7, rtol=0)


def test_a_reader_who_completes_a_year_sees_it_scored(tmp_path, monkeypatch, embedded):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setenv("NQPF_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    call, name = CliRunner().invoke, "Wang-Wang, 2024"
    assert call(app, ["data", "template", "wang-wang-2024", "2024"]).exit_code == 0
    sheet = pd.read_csv("wang-wang-2024-2024.csv", dtype=str).assign(source="made up")
    before = embedded.frame.query("year == 2023 and vintage == ''")
    before = before.set_index(["province", "variable"])["value"]
    keys = zip(sheet["province"].map(provinces.code_of), sheet["variable"], strict=True)
    sheet["value"] = [f"{1.02 * before[key]:.6g}" for key in keys]
    sheet.to_csv("mine.csv", index=False)
    done = call(app, ["data", "add", "mine.csv"])
    assert done.exit_code == 0, done.output
    cells = jupytext.read(CHAPTERS["notebooks/dynamics/scored"]).cells
    code = Code([*(c.source for c in cells if c.cell_type == "code"), "scores, status"])
    shell = InteractiveShell()
    for one in code.behind([len(code.statements) - 1]):
        shell.run_cell(ast.unparse(one.tree), silent=True).raise_error()
    seen = shell.user_ns
    assert {key: row["provinces"] for key, row in seen["scores"].items()} == {name: 31}
    assert seen["status"]["complete"].sum() == 31
    own = seen["results"][name]
    miss = own[["lower", "upper"]].sub(own["actual"], axis=0).mul([1, -1]).clip(lower=0).sum(axis=1)
    by_hand = (own["upper"] - own["lower"] + 20 * miss).mean()
    assert seen["scores"][name]["score 90"] == pytest.approx(by_hand)
