"""What makes results and pages stale, which chapters run, and what a failing cell says."""

from __future__ import annotations

from pathlib import Path

import pytest
from book_assets import copy_mathjax, write_vega
from book_notebooks import link_to_repository
from build_book import DEPEND_ON, drop_stale, fingerprint, mark, run_chapters
from check_notebooks import HEADER, problems

PARTS = ("src", "data", *DEPEND_ON["results"])
CHAPTER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  name: python3
---

# A title

```{code-cell} ipython3
CODE
```
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("src/a.py", "data/extra/mine.csv", "requirements.lock", "notebooks/a.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1", "utf-8")
    return tmp_path


def test_fingerprint_follows_contents_not_times(project: Path) -> None:
    before = fingerprint(project, PARTS)
    (project / "src/a.py").touch()
    (project / "notebooks/a.md").write_text("2", "utf-8")
    (project / "src/__pycache__").mkdir()
    (project / "src/__pycache__/a.pyc").write_text("x", "utf-8")
    assert fingerprint(project, PARTS) == before


@pytest.mark.parametrize("name", ["src/a.py", "data/extra/mine.csv", "requirements.lock"])
def test_fingerprint_sees_a_change_an_addition_and_a_loss(project: Path, name: str) -> None:
    seen = {fingerprint(project, PARTS)}
    path = project / name
    path.write_text("2", "utf-8")
    seen.add(fingerprint(project, PARTS))
    path.unlink()
    seen.add(fingerprint(project, PARTS))
    if path.parent != project:
        path.with_name("b" + path.suffix).write_text("1", "utf-8")
        seen.add(fingerprint(project, PARTS))
    assert len(seen) == (3 if path.parent == project else 4)


def test_other_inputs_drop_results_and_pages(tmp_path: Path) -> None:
    folders = [".jupyter_cache", ".doctrees", "html"]
    for folder in folders:
        (tmp_path / folder).mkdir()
    made_from = {"results": "a", "pages": "a"}
    for kind in made_from:
        mark(tmp_path, kind, made_from)
    assert drop_stale(tmp_path, made_from) == []
    assert drop_stale(tmp_path, {"results": "a", "pages": "b"}) == [".doctrees", "html"]
    assert drop_stale(tmp_path, {"results": "b", "pages": "b"}) == [".jupyter_cache"]
    # A build that did not finish leaves no mark, so what it left is dropped again.
    (tmp_path / ".jupyter_cache").mkdir()
    assert drop_stale(tmp_path, {"results": "b", "pages": "b"}) == [".jupyter_cache"]


def test_chapters_run_once_and_a_failure_names_chapter_and_cell(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.md", tmp_path / "bad.md"
    good.write_text(CHAPTER.replace("CODE", "print(6 * 7)"), "utf-8")
    bad.write_text(CHAPTER.replace("CODE", "wanted = {}\nwanted['a key']"), "utf-8")
    cache = tmp_path / "cache"
    (failure,) = run_chapters([good, bad], cache, tmp_path)
    assert failure.startswith("bad.md\n")
    assert "wanted['a key']" in failure and "KeyError: 'a key'" in failure
    assert "\x1b" not in failure
    bad.write_text(CHAPTER.replace("CODE", "print('mended')"), "utf-8")
    assert run_chapters([good, bad], cache, tmp_path) == []


def test_only_what_the_cache_lacks_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chapter = tmp_path / "a.md"
    chapter.write_text(CHAPTER.replace("CODE", "1 + 1"), "utf-8")
    run_chapters([chapter], tmp_path / "cache", tmp_path)
    assert "a.md" in capsys.readouterr().out
    chapter.write_text(CHAPTER.replace("CODE", "1 + 1") + "\nMore prose.\n", "utf-8")
    run_chapters([chapter], tmp_path / "cache", tmp_path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("src/room/used.py", ["a.md", "b.md"]),
        ("src/room/other.py", ["b.md"]),
        ("data/systems/card.yaml", ["a.md"]),
        ("data/extra/mine.csv", ["b.md"]),
        ("data/extra/new.csv", ["b.md"]),  # the chapter had listed the folder
        ("data/systems/new.yaml", []),
    ],
)
def test_only_chapters_that_depend_on_a_file_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: str, again: list[str]
) -> None:
    files = (
        "src/room/used.py",
        "src/room/other.py",
        "data/systems/card.yaml",
        "data/extra/mine.csv",
    )
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("X = 1", "utf-8")
    start = f"import os, sys\nsys.path.insert(0, {str(tmp_path / 'src')!r})\nimport room.used\n"
    read = "from pathlib import Path\nsum(len(p.read_text()) for p in Path('data/extra').glob('*'))"
    codes = {
        "a.md": f"{start}open('data/systems/card.yaml').read()",
        "b.md": f"{start}import room.other\n{read}",
    }
    chapters = [tmp_path / name for name in codes]
    for path in chapters:
        path.write_text(CHAPTER.replace("CODE", codes[path.name]), "utf-8")
    assert run_chapters(chapters, tmp_path / "cache", tmp_path) == []
    capsys.readouterr()
    (tmp_path / changed).write_text("X = 2", "utf-8")
    for expected in (again, []):
        assert run_chapters(chapters, tmp_path / "cache", tmp_path) == []
        assert sorted(line.split()[-1] for line in capsys.readouterr().out.splitlines()) == expected


def test_a_right_header_has_no_problems() -> None:
    assert problems(CHAPTER) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format_name: myst", "format_name: markdown", "no line '    format_name: myst'"),
        ("name: python3\n", "name: other\n", "no line '  name: python3'"),
        ("    extension: .md\n", "", "no line '    extension: .md'"),
        ("# A title", "A text", "does not begin with a title"),
        ("```{code-cell} ipython3", "```python", "no code cell"),
        ("{code-cell} ipython3", "{code-cell} r", "a code cell for 'r'"),
    ],
)
def test_wrong_headers_are_named(old: str, new: str, message: str) -> None:
    assert old in CHAPTER and HEADER
    assert any(message in problem for problem in problems(CHAPTER.replace(old, new)))


def test_links_appear_with_the_address_only() -> None:
    options = {"repository_url": "", "launch_buttons": {"binderhub_url": "x"}, "toc": 2}
    hidden = link_to_repository(options)
    assert hidden["launch_buttons"] == {}
    assert not any(value for name, value in hidden.items() if name.startswith("use_"))
    shown = link_to_repository({**options, "repository_url": "https://example.org/a/b"})
    assert shown["launch_buttons"] == {}, "the theme's own open the Markdown"
    assert shown["use_edit_page_button"] and shown["use_issues_button"]
    assert options == {"repository_url": "", "launch_buttons": {"binderhub_url": "x"}, "toc": 2}


def test_front_end_files_come_from_packages(tmp_path: Path) -> None:
    copy_mathjax(tmp_path / "mathjax")
    assert (tmp_path / "mathjax/output/chtml.js").stat().st_size > 100_000
    assert list((tmp_path / "mathjax/output/chtml/fonts/woff-v2").glob("*.woff"))
    write_vega(tmp_path / "vega.js")
    script = (tmp_path / "vega.js").read_text("utf-8")
    assert "window.vegaEmbed=" in script
    assert "https://cdn" not in script
