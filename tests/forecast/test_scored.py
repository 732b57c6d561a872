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

from nqpf import provinces
from nqpf.cli import app


def names_of(chapter, wanted):
    """Return the names of a chapter after the statements that those wanted rest on."""
    cells = jupytext.read(CHAPTERS[chapter]).cells
    code = Code([*(cell.source for cell in cells if cell.cell_type == "code"), wanted])
    shell = InteractiveShell()
    for one in code.behind([len(code.statements) - 1]):
        shell.run_cell(ast.unparse(one.tree), silent=True).raise_error()
    return shell.user_ns


def test_frozen_forecasts_are_what_figures_to_their_year_give(monkeypatch):
    monkeypatch.setenv("NQPF_HOME", str(ROOT))
    seen = names_of("notebooks/dynamics/forecast", "gap, frozen")
    assert seen["gap"] < 1e-6 and seen["frozen"].groupby("measure").size().tolist() == [31] * 4


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
    seen = names_of("notebooks/dynamics/scored", "scores, status")
    assert {key: row["provinces"] for key, row in seen["scores"].items()} == {name: 31}
    assert seen["status"]["complete"].sum() == 31
    own = seen["results"][name]
    miss = own[["lower", "upper"]].sub(own["actual"], axis=0).mul([1, -1]).clip(lower=0).sum(axis=1)
    by_hand = (own["upper"] - own["lower"] + 20 * miss).mean()
    assert seen["scores"][name]["score 90"] == pytest.approx(by_hand)
