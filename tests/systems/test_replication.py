"""Printed tables come out digit by digit, and a replication that changed is refused."""

import hashlib
import shutil

import numpy as np
import pandas as pd
import pytest
from made_up import REPOSITORY, refused, run
from made_up_sources import at_hand

from nqpf.errors import CardError, DataError, SampleError, SourceError
from nqpf.space import align, durbin
from nqpf.systems import Replication

KEY = "nqp-spatial-2026"


@pytest.fixture
def mirror(monkeypatch):
    at_hand(monkeypatch)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A copy of the replications, without what was fetched."""
    shutil.copytree(REPOSITORY / "data" / "replications", tmp_path / "data" / "replications")
    for name in ("catalogue.yaml", "provinces.csv"):
        shutil.copy(REPOSITORY / "data" / name, tmp_path / "data")
    for name, value in {"NQPF_HOME": tmp_path, "XDG_CACHE_HOME": tmp_path}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("NQPF_MIRROR", raising=False)
    return tmp_path / "data" / "replications" / KEY


def change(folder, name, old, new, pinned=True):
    """Replace a text of a file, once; pin the file anew unless told not to."""
    path, card = folder / name, folder / "replication.yaml"
    before, text = path.read_bytes(), path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8", newline="\n")
    if pinned and path != card:
        hashes = [hashlib.sha256(raw).hexdigest() for raw in (before, path.read_bytes())]
        change(folder, card.name, *hashes)


def test_table_a1_weights_and_the_spatial_model_come_out_to_the_printed_digit(mirror, capsys):
    study = Replication.load(KEY)
    found = study.verify()
    with capsys.disabled():
        print("\n", found[["cells", "reproduced", "does not reproduce", "largest difference"]])
    counts = {"weights": 8, "scores": 403, "development_weights": 6, "development": 403}
    counts |= {"neighbours": 138, "spatial": 13, "tests": 0}
    assert found["reproduced"].to_dict() == counts and found["holds"].all()
    a1 = study.printed("scores")
    apart = (study.computed["scores"] - a1.astype(float)).abs()
    assert len(a1) == 403 and apart.max() <= 0.00005 and a1[110000, 2023] == "0.7203"
    assert (study.computed["scores"].map("{:.4f}".format) == a1).all()
    kept = study.kept()  # what the page shows without the index is what this run gives
    pd.testing.assert_frame_equal(kept["tables"], found, check_dtype=False, atol=1e-9)
    told = run("study", "verify", KEY)
    assert told.exit_code == 0 and "-0.625145" in told.stdout


def test_what_stands_at_n_claims_a_table_and_has_a_page():
    for study in map(Replication.load, Replication.keys()):
        assert study.level != "N" or {one.claims for one in study.tables} != {"nothing"}
        assert (REPOSITORY / f"{study.page}.md").is_file()


def test_the_model_as_understood_is_the_librarys(mirror):
    """Rows as the matrix, a determinant a year, a constant: an implementation of its own."""
    study = Replication.load(KEY)
    script, made = study.script, study.computed
    frame = script.sample(study.figures, made["scores"], made["development"])
    ours = script.durbin(frame, (2011, 2023), "code", "years", constant=True)
    model = frame, "y", ["x", *script.CONTROLS]
    fit = durbin(*model, script.MATRIX, correction="none", lagged=["x"])
    assert ours["rho"] == pytest.approx(fit.rho, abs=1e-6)
    assert ours["log likelihood"] == pytest.approx(fit.loglik, abs=1e-6)
    assert [ours["x"], ours["wx"]] == pytest.approx(fit.params[["x", "W x"]].tolist(), abs=1e-6)
    rows = sorted(script.MATRIX.labels, key=lambda code: script.provinces.name(code, "zh"))
    mixed = align(script.MATRIX.matrix.set_axis(rows, axis=0).set_axis(rows, axis=1), frame)
    wrong = durbin(*model, mixed, correction="none", lagged=["x"])
    mine = script.durbin(frame, (2011, 2023), "file", "years", constant=True)
    assert mine["rho"] == pytest.approx(wrong.rho, abs=1e-6) and wrong.rho < 0 < fit.rho


def test_without_the_index_the_rest_is_compared(home):
    found = Replication.load(KEY).verify()
    counts = {"weights": 8, "scores": 403, "development_weights": 0, "development": 0}
    counts |= {"neighbours": 0, "spatial": 13, "tests": 5}
    assert found["not compared"].to_dict() == counts
    told = run("study", "verify", KEY)
    assert told.exit_code == 0 and "Not at hand: nqp_spatial_panel" in told.stdout
    assert "nqp_spatial_panel is not at hand" in run("study", "verify", KEY, "--keep").stderr
    change(home, "development_weights.csv", "0.143", "0.144")
    with pytest.raises(SourceError, match="no run is kept that rests on this card"):
        Replication.load(KEY).kept()
    failed = run("study", "verify", KEY)
    assert failed.exit_code == 1 and "claimed, but not so: development_weights" in failed.stderr
    assert "unknown replication 'nqp'" in refused("study", "verify", "nqp")
    assert "unknown replication" in refused("study", "verify", "../" + KEY)


@pytest.mark.parametrize(("shown", "verdict"), [("0.14", "reproduced"), ("0.142", "rounding")])
def test_a_cell_is_judged_by_its_last_printed_digit(home, shown, verdict):
    change(home, "development_weights.csv", "0.143", shown)
    change(home, "replication.yaml", "cells: 6\n    decimals: 3\n", "cells: 6\n")
    cells = Replication.load(KEY).compare("development_weights")
    assert verdict in cells.loc["income", "verdict"]
    unit = 10.0 ** (2 - len(shown))
    gap = cells.loc["income", "recomputed"] - float(shown)
    assert cells.loc["income", "units"] == pytest.approx(abs(gap) / unit)
    apart = cells["recomputed"] - cells["printed"].astype(float)
    assert np.isclose(cells["difference"], apart).all()


BAD = [
    ("inputs.csv", "21347", "21348", False, SourceError, "SHA-256.*expected.*correct the card"),
    ("development.csv", "110000,2011,0.3451\n", "", True, SampleError, "Beijing.*2011"),
    ("development.csv", "0.3451", "", True, DataError, "reads ''.*Beijing.*2011"),
    ("development.csv", "0.3451", "0.345", True, DataError, "0.345 .*expected 4 decimals"),
    ("development.csv", "110000,2011", "110000,2012", True, SampleError, "twice.*Beijing.*2012"),
    ("development.csv", "110000,2011", "119000,2011", True, DataError, "119000"),
    ("inputs.csv", "110000,2011", "110000,2010", True, SampleError, "Beijing|2010"),
    ("inputs.csv", "21347", "many", True, DataError, "'many'.*roads.*Beijing.*2011"),
    ("spatial.csv", "2011-2023,rho,-0.6251\n", "", True, SampleError, "12 cells.*expected 13"),
    ("recompute.py", "def tests(", "def test(", True, CardError, "unknown function.*tests"),
    ("replication.yaml", "level: N", "level: X", True, CardError, "level"),
    ("replication.yaml", "licence: MIT", "licenze: MIT", True, CardError, "licen"),
    ("replication.yaml", "  recompute.py:", "  ../../catalogue.yaml:", True, DataError, "leaves"),
]


@pytest.mark.parametrize(("name", "old", "new", "pinned", "error", "match"), BAD)
def test_what_does_not_fit_is_refused(home, name, old, new, pinned, error, match):
    change(home, name, old, new, pinned)
    with pytest.raises(error, match=match):
        Replication.load(KEY).verify()
    assert refused("study", "verify", KEY)
