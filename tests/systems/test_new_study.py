"""A new study from one command: valid at once, all or nothing, and its chapter runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import build_book
import jupytext
import pytest
import yaml
from made_up import REPOSITORY, refused, run, state
from myst_nb.core.read import is_myst_markdown_notebook

from nqpf.files import root
from nqpf.systems import Study, System, available

CONTENTS = """\
format: jb-book
root: book/index
parts:
  - caption: The studies · 各项研究
    chapters:
      - file: notebooks/studies/overview
        sections:
          - file: notebooks/records/dong-2024
      - file: notebooks/studies/dong-2024  # the last one
  - caption: Comparison · 比较
    chapters:
      - file: notebooks/comparison/first-comparison
"""
KEY = "li-wang-2025"
NEW = [f"data/studies/{KEY}.yaml", f"data/systems/{KEY}.yaml", f"notebooks/studies/{KEY}.md"]
NEW += ["book/_toc.yml"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A copy of the project's cards and figures with a short table of contents."""
    home = tmp_path / "home"
    mine = shutil.ignore_patterns("extra", f"{KEY}.yaml", "zhao-2026.yaml")
    shutil.copytree(root() / "data", home / "data", ignore=mine)
    (home / "book").mkdir()
    (home / "book" / "_toc.yml").write_text(CONTENTS, encoding="utf-8")
    monkeypatch.setenv("NQPF_HOME", str(home))
    return home


def new(key=KEY):
    result = run("study", "new", key)
    assert result.exit_code == 0
    return result.stdout.splitlines()


def unchanged(home, key=KEY):
    """Return why a study is refused; no file of the project changes."""
    before, said = state(home), refused("study", "new", key)
    assert state(home) == before
    return said


def test_the_command_writes_four_files_that_are_valid_and_marked_as_the_books(home, embedded):
    before = state(home)
    assert new()[:4] == [f"Written: {path}" for path in NEW]
    after = state(home)
    assert {path for path in before | after if before.get(path) != after.get(path)} == set(NEW)
    for path in NEW[:3]:
        text = (home / path).read_text(encoding="utf-8")
        assert KEY in text and not re.search(r"\{[A-Z]+\}", text)
    assert "\n# Li and Wang (2025)\n" in text and is_myst_markdown_notebook(text)
    assert jupytext.reads(text, "md").metadata["kernelspec"]["name"] == "python3"
    assert KEY in available(home)
    system = System.load(KEY, home)
    assert set(system.table()["status"]) == {"B"}
    assert min(len(part.indicators) for part in system.card.dimensions) >= 2
    matrix = system.evaluate(embedded)
    assert len(matrix.provinces) == 31 and 2023 in matrix.years
    study = Study.load(KEY, home)
    assert (study.authors.en, study.year, study.level) == ("Li and Wang", 2025, "D")
    assert study.weighting is None and study.dimensions == () and study.publication is None
    assert "the study's indicator list" in study.missing


def test_the_chapter_follows_the_last_study_in_the_contents(home):
    contents = home / "book" / "_toc.yml"
    for old in (CONTENTS, CONTENTS[: CONTENTS.index("  # the last one")]):
        contents.write_text(old, encoding="utf-8")
        new()
        text = contents.read_text(encoding="utf-8")
        rest = text.replace(f"          - file: notebooks/records/{KEY}\n", "")
        assert rest != text
        assert rest.replace(f"      - file: notebooks/studies/{KEY}\n", "") in (old, f"{old}\n")
        first, *chapters = yaml.safe_load(text)["parts"][0]["chapters"]
        for folder, entries in (("records", first["sections"]), ("studies", chapters)):
            files = [one["file"] for one in entries]
            assert files == [f"notebooks/{folder}/{key}" for key in ("dong-2024", KEY)]
        for path in NEW[:3]:
            (home / path).unlink()
    contents.write_text(CONTENTS, encoding="utf-8")
    new(), new("zhao-2026")
    text = contents.read_text(encoding="utf-8")
    assert text.index(KEY) < text.index("zhao-2026") < text.index("Comparison")


OTHER = ["li-wang", "Li-Wang-2025", "2025", "li_wang-2025", "../li-2025", "li-2025.yaml", ""]
OTHER += ["李-2025", "l" * 60 + "-2025", "li-2025\n", "li--wang-2025"]


@pytest.mark.parametrize("key", OTHER)
def test_a_key_of_another_form_is_unchanged(home, key):
    assert "such as li-wang-2025" in unchanged(home, key)


def test_a_year_that_the_book_cannot_show_is_unchanged(home):
    for key in ("wang-2205", "wang-1899", "wang-0000", "li-li-2101", "qian-9999", "he-1024"):
        assert "expected a year from 1900 to 2100" in unchanged(home, key)


def test_what_is_in_the_book_already_or_has_no_place_in_it_is_unchanged(home):
    assert "data/studies/qiao-ma-2024.yaml" in unchanged(home, "qiao-ma-2024")
    (home / "notebooks" / "studies").mkdir(parents=True)
    for name in NEW[:3]:
        (home / name).write_text("mine", encoding="utf-8")
        assert f"the file is there already [file {name}]" in unchanged(home)
        (home / name).unlink()
    path = home / "book" / "_toc.yml"
    path.write_text(CONTENTS.replace("dong-2024", KEY), encoding="utf-8")
    assert f"the chapter of {KEY} is there already" in unchanged(home)
    path.write_text(CONTENTS.replace("studies/", "other/"), encoding="utf-8")
    assert "no chapter of notebooks/studies" in unchanged(home)
    path.write_text(CONTENTS.replace("records/", "other/"), encoding="utf-8")
    assert "no chapter of notebooks/records" in unchanged(home)
    path.unlink()
    assert "nothing was written" in unchanged(home)


@pytest.mark.parametrize("fails", NEW)
def test_all_or_nothing(home, monkeypatch, fails):
    """The disk fills up at each of the four files in turn."""
    real = os.replace

    def full(source, target):
        if Path(target) == home / fails:
            raise OSError(28, "No space left on device", str(target))
        real(source, target)

    (home / "notebooks" / "studies").mkdir(parents=True)
    monkeypatch.setattr(os, "replace", full)
    message = unchanged(home)
    assert "nothing was written: No space left on device" in message and fails in message


def test_the_chapter_runs(home, tmp_path, monkeypatch):
    """Its code cells, one after the other, in a new interpreter on the new card."""
    new()
    chapter = (home / NEW[2]).read_text(encoding="utf-8")
    cells = re.findall(r"^```\{code-cell\}[^\n]*\n((?::[^\n]*\n)*)(.*?)^```$", chapter, re.M | re.S)
    assert len(cells) == chapter.count("{code-cell}") > 5
    script = tmp_path / "chapter.py"
    script.write_text("\n".join(code for _, code in cells) + "\nprint(rho)\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "src"))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout.split()[-1]) <= 1
    said = re.findall(r"\{glue:text\}`(\w+)(?::[^`]+)?`", chapter)
    assert said and all(re.search(rf"tell\([^)]*\b{name}=", chapter) for name in said)


def test_the_record_page_needs_no_more_than_the_card(home, tmp_path, monkeypatch):
    """The build writes it for every card and links the chapter that tells of the study."""
    new()
    monkeypatch.setattr(build_book, "STUDIES", home / "notebooks" / "studies")
    build_book.write_records(tmp_path, build_book.RECORD.read_text("utf-8"))
    records = tmp_path / "notebooks" / "records"
    text = (records / f"{KEY}.md").read_text(encoding="utf-8")
    assert f'System.load("{KEY}")' in text and f"[](../studies/{KEY})" in text
    assert is_myst_markdown_notebook(text)
    assert {path.stem for path in records.glob("*.md")} == set(available(home))
