"""What makes results and pages stale, which chapters run, and what a failing cell says."""

from build_book import STAMP, drop_stale, fingerprint, run_chapters, unchanged
from jupyter_cache import get_cache

CHAPTER = """\
---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, name: python3}
---

# A title

```{code-cell} ipython3
CODE
```
"""


def test_fingerprint_follows_contents_not_times(tmp_path):
    changes = [("src/a.py", "1", True), ("lock", "1", True), ("src/a.py", "1", False)]
    changes += [("src/__pycache__/a.pyc", "x", False), ("notebooks/a.md", "1", False)]
    changes += [("src/a.py", "2", True), ("src/b.py", "", True), ("src/b.py", None, True)]
    seen = ""
    for name, text, other in changes:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True) if text is None else path.write_text(text, "utf-8")
        before, seen = seen, fingerprint(tmp_path, ["src", "lock"])
        assert (seen != before) == other, (name, text)


def test_other_inputs_drop_the_pages(tmp_path):
    (tmp_path / "html").mkdir()
    drop_stale(tmp_path, "a")
    # A build that did not finish leaves no mark, so what it left is dropped again.
    assert not (tmp_path / "html").exists() and not (tmp_path / STAMP).exists()
    (tmp_path / "html").mkdir()
    (tmp_path / STAMP).write_text("a", "utf-8")
    drop_stale(tmp_path, "a")
    assert (tmp_path / "html").exists()
    drop_stale(tmp_path, "b")
    assert not (tmp_path / "html").exists() and not (tmp_path / STAMP).exists()


def test_chapters_run_when_they_or_what_they_read_changed(tmp_path, capsys):
    def put(name, text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")

    read_files = ("src/room/used.py", "src/room/other.py", "data/card.yaml", "data/extra/mine.csv")
    for name in read_files:
        put(name, "X = 1")
    start = f"import os, sys\nsys.path.insert(0, {str(tmp_path / 'src')!r})\nimport room.used\n"
    read = "from pathlib import Path\nsum(len(p.read_text()) for p in Path('data/extra').glob('*'))"
    codes = {"a.md": f"{start}open('data/card.yaml').read()"}
    codes["b.md"] = f"{start}import room.other\n{read}"
    for name, code in codes.items():
        put(name, CHAPTER.replace("CODE", code))

    def run():
        assert run_chapters([tmp_path / name for name in codes], cache, tmp_path) == []
        return sorted(line.split()[-1] for line in capsys.readouterr().out.splitlines())

    cache = tmp_path / "cache"
    assert (run(), run()) == (["a.md", "b.md"], [])
    kept = [record.data["said"] for record in get_cache(cache).list_cache_records()]
    a, b = sorted(kept, key=lambda said: "card.yaml" not in str(said))
    for changed, again in {
        "src/room/used.py": [a, b],
        "src/room/other.py": [b],
        "data/card.yaml": [a],
        "data/extra/mine.csv": [b],
        "data/extra/new.csv": [b],  # the chapter had listed the folder
        "data/new.yaml": [],
    }.items():
        put(changed, "X = 2")
        assert [one for one in (a, b) if not unchanged(one, tmp_path)] == again, changed
        put(changed, "X = 1") if changed in read_files else (tmp_path / changed).unlink()
    put("b.md", CHAPTER.replace("CODE", codes["b.md"]) + "\nMore prose.\n")
    put("data/card.yaml", "X = 2")
    assert (run(), run()) == (["a.md"], [])
    put("requirements.lock", "numpy==2")  # every chapter rests on the packages
    assert (run(), run()) == (["a.md", "b.md"], [])


def test_a_failure_names_chapter_and_cell(tmp_path):
    bad = tmp_path / "bad.md"
    bad.write_text(CHAPTER.replace("CODE", "wanted = {}\nwanted['a key']"), "utf-8")
    (failure,) = run_chapters([bad], tmp_path / "cache", tmp_path)
    assert failure.startswith("bad.md\n")
    assert "wanted['a key']" in failure and "KeyError: 'a key'" in failure
    assert "\x1b" not in failure and not get_cache(tmp_path / "cache").list_cache_records()
