"""A new study from one command: valid at once, all or nothing, and its chapter runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from check_notebooks import problems
from made_up import state
from typer.testing import CliRunner

from nqpf.cli import app
from nqpf.data import Panel
from nqpf.errors import CardError
from nqpf.files import root
from nqpf.systems import Study, System, available, scaffold

CONTENTS = """\
format: jb-book
root: book/index
parts:
  - caption: The studies · 各项研究
    chapters:
      - file: notebooks/studies/overview
      - file: notebooks/studies/dong-2024  # the last one
  - caption: Comparison · 比较
    chapters:
      - file: notebooks/comparison/first-comparison
"""
NEW = [
    "data/studies/li-wang-2025.yaml",
    "data/systems/li-wang-2025.yaml",
    "notebooks/studies/li-wang-2025.md",
    "book/_toc.yml",
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project's cards and figures with a short table of contents."""
    home = tmp_path / "home"
    mine = shutil.ignore_patterns("extra", "li-wang-2025.yaml", "zhao-2026.yaml")
    shutil.copytree(root() / "data", home / "data", ignore=mine)
    (home / "book").mkdir()
    (home / "book" / "_toc.yml").write_text(CONTENTS, encoding="utf-8")
    monkeypatch.setenv("NQPF_HOME", str(home))
    return home


def new(key: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["study", "new", key])
    return result.exit_code, result.stdout, result.stderr


def refused(key: str, home: Path) -> str:
    before = state(home)
    code, out, err = new(key)
    assert (code, out) == (1, "")
    assert "Traceback" not in err
    assert state(home) == before
    return err


def test_the_command_writes_four_files_and_says_so(home):
    before = state(home)
    code, out, _ = new("li-wang-2025")
    assert code == 0
    assert out.splitlines()[:4] == [f"Written: {path}" for path in NEW]
    after = state(home)
    changed = {path for path in after if before.get(path) != after[path]}
    assert changed == set(NEW)
    assert set(before) <= set(after)


def test_the_new_card_is_valid_and_marked_as_the_books(home):
    scaffold.new_study("li-wang-2025", home)
    assert "li-wang-2025" in available(home)
    system = System.load("li-wang-2025", home)
    assert set(system.table()["status"]) == {"B"}
    assert min(len(part.indicators) for part in system.card.dimensions) >= 2
    matrix = system.evaluate(Panel.load(extra=False))
    assert len(matrix.provinces) == 31
    assert 2023 in matrix.years
    study = Study.load("li-wang-2025", home)
    assert (study.authors.en, study.year, study.level) == ("Li and Wang", 2025, "D")
    assert study.weighting is None and study.dimensions == () and study.publication is None
    assert "the study's indicator list" in study.missing


def test_the_chapter_follows_the_last_study_in_the_contents(home):
    scaffold.new_study("li-wang-2025", home)
    text = (home / "book" / "_toc.yml").read_text(encoding="utf-8")
    added = "      - file: notebooks/studies/li-wang-2025\n"
    assert text.replace(added, "") == CONTENTS
    chapters = [one["file"] for one in yaml.safe_load(text)["parts"][0]["chapters"]]
    assert chapters[-2:] == ["notebooks/studies/dong-2024", "notebooks/studies/li-wang-2025"]
    scaffold.new_study("zhao-2026", home)
    text = (home / "book" / "_toc.yml").read_text(encoding="utf-8")
    assert text.index("li-wang-2025") < text.index("zhao-2026") < text.index("Comparison")


def test_a_table_of_contents_that_ends_with_the_studies(home):
    cut = CONTENTS[: CONTENTS.index("  # the last one")]
    (home / "book" / "_toc.yml").write_text(cut, encoding="utf-8")
    scaffold.new_study("li-wang-2025", home)
    text = (home / "book" / "_toc.yml").read_text(encoding="utf-8")
    assert text == f"{cut}\n      - file: notebooks/studies/li-wang-2025\n"


@pytest.mark.parametrize(
    "key",
    ["li-wang", "Li-Wang-2025", "2025", "li_wang-2025", "../li-2025", "li-2025.yaml", "", "李-2025",
     "l" * 60 + "-2025", "li-2025\n", "li--wang-2025"],
)  # fmt: skip
def test_a_key_of_another_form_is_refused(home, key):
    assert "such as li-wang-2025" in refused(key, home)


@pytest.mark.parametrize("path", NEW[:3])
def test_a_file_that_is_there_is_never_touched(home, path):
    (home / path).parent.mkdir(parents=True, exist_ok=True)
    (home / path).write_text("mine", encoding="utf-8")
    assert f"the file is there already [file {path}]" in refused("li-wang-2025", home)
    assert (home / path).read_text(encoding="utf-8") == "mine"


def test_a_surveyed_study_is_refused(home):
    assert "data/studies/dong-2024.yaml" in refused("dong-2024", home)
    assert "data/studies/qiao-ma-2024.yaml" in refused("qiao-ma-2024", home)


def test_a_contents_with_the_chapter_or_without_studies_is_refused(home):
    path = home / "book" / "_toc.yml"
    path.write_text(CONTENTS.replace("dong-2024", "li-wang-2025"), encoding="utf-8")
    assert "the chapter of li-wang-2025 is there already" in refused("li-wang-2025", home)
    path.write_text(CONTENTS.replace("studies/", "other/"), encoding="utf-8")
    assert "no chapter of notebooks/studies" in refused("li-wang-2025", home)
    path.unlink()
    assert "nothing was written" in refused("li-wang-2025", home)


@pytest.mark.parametrize("fails", NEW)
def test_all_or_nothing(home, monkeypatch, fails):
    """The disk fills up at each of the four files in turn."""
    real = scaffold._write

    def full(path: Path, text: str) -> None:
        if path == home / fails:
            raise OSError(28, "No space left on device", str(path))
        real(path, text)

    monkeypatch.setattr(scaffold, "_write", full)
    message = refused("li-wang-2025", home)
    assert "nothing was written: No space left on device" in message
    assert fails in message
    assert "li-wang-2025" not in available(home)


def test_the_heading_comes_from_the_record_if_there_is_one(home):
    assert "\n# Dong Qingqian (2024) 董庆前（2024）\n" in scaffold.chapter("dong-2024", home)
    assert "\n# Li and Wang (2025)\n" in scaffold.chapter("li-wang-2025", home)
    with pytest.raises(CardError, match="cannot be the key of a study"):
        scaffold.chapter("dong", home)


def test_templates_are_filled_completely(home):
    for text in (
        scaffold.study("li-wang-2025"),
        scaffold.card("li-wang-2025"),
        scaffold.chapter("li-wang-2025", home),
    ):
        assert not re.search(r"\{[A-Z]+\}", text)
        assert text.count("li-wang-2025") >= 1
    assert problems(scaffold.chapter("li-wang-2025", home)) == []


def test_the_chapter_runs(home, tmp_path):
    """Its code cells, one after the other, in a new interpreter on the new card."""
    chapter = scaffold.new_study("li-wang-2025", home)[2].read_text(encoding="utf-8")
    cells = re.findall(r"^```\{code-cell\}[^\n]*\n((?::[^\n]*\n)*)(.*?)^```$", chapter, re.M | re.S)
    assert len(cells) == chapter.count("{code-cell}") > 8
    script = tmp_path / "chapter.py"
    script.write_text("\n".join(code for _, code in cells) + "\nprint(rho)\n", encoding="utf-8")
    environment = os.environ | {
        "NQPF_HOME": str(home),
        "PYTHONPATH": str(root_of_source() / "src"),
        "MPLBACKEND": "agg",
    }
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=environment, timeout=180
    )
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout.split()[-1]) <= 1
    for name in re.findall(r"\{glue:text\}`(\w+)`", chapter):
        assert f'glue("{name}",' in chapter


def root_of_source() -> Path:
    return Path(__file__).resolve().parents[2]
