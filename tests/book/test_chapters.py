"""Chapters teach and can be read: words, code on one screen, exercises with solutions."""

import ast
import re
from unicodedata import east_asian_width

import pytest
import yaml
from measure_chapters import CELL, FOLDER, chapters

FOUND = chapters()
# Teach a method each.
CORE = [f"index/{name}" for name in ("by-hand", "weights", "aggregation")]
CORE += [f"tfp/{name}" for name in ("malmquist", "green", "frontier")]
CORE += [f"studies/{name}-2024" for name in ("wang-wang", "li-li")]
CORE += [f"dynamics/{name}" for name in ("spillovers", "forecast")]
CORE += [f"comparison/{name}" for name in "baseline identification thresholds".split()]
CORE += ["comparison/multiverse", "comparison/certainty"]
WORDS = (1200, 2700)
LONGEST = 85  # letters of a line of code that a screen of 1280 pixels shows whole
HIDDEN = 75  # lines, and not more than half of those that are shown
TITLE, SIDEBAR = 38, 27  # letters; a Chinese one counts as two
NAMES = 9  # imported by one statement
WITHOUT_EXERCISES = {"data/own-figures", "studies/overview"}  # a walk-through and a list


def letters(text):
    return sum(1 + (east_asian_width(letter) in "WF") for letter in text)


@pytest.mark.parametrize("chapter", FOUND)
def test_chapter_stays_within_its_limits(chapter):
    of, text = FOUND[chapter], (FOLDER / f"{chapter}.md").read_text("utf-8")
    assert chapter not in CORE or WORDS[0] <= of["words"] <= WORDS[1]
    assert of["longest"] <= LONGEST
    assert of["hidden"] <= min(HIDDEN, max(10, (of["open"] + of["folded"]) / 2))
    assert of["solutions"] == of["exercises"] >= 2 * (chapter not in WITHOUT_EXERCISES)
    title = re.search(r"^# (.*)", CELL.sub("", text), re.MULTILINE)[1]
    assert letters(title) <= TITLE
    for cell in CELL.findall(text):
        tree = ast.parse(re.sub(r"^(?:[:!%]|\s+[!%]).*", "", cell, flags=re.MULTILINE))
        names = [len(one.names) for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
        assert max(names, default=0) <= NAMES
        assert "glue" not in cell, "hand values to sentences with nqpf.report.tell"


def test_labels_of_exercises_are_their_own():
    texts = [path.read_text("utf-8") for path in FOLDER.rglob("*.md")]
    labels = re.findall(r"^:label: (.*)", "\n".join(texts), re.MULTILINE)
    assert len(labels) == len(set(labels)) > 100
    solved = re.findall(r"^```\{solution-start\} (.*)", "\n".join(texts), re.MULTILINE)
    assert sorted(solved) == sorted(labels)


def test_core_chapters_are_there_and_titles_take_one_line_of_the_sidebar():
    assert set(CORE) <= set(FOUND)
    contents = yaml.safe_load((FOLDER.parent / "book/_toc.yml").read_text("utf-8"))
    for entry in (entry for part in contents["parts"] for entry in part["chapters"]):
        path = FOLDER.parent / f"{entry['file']}.md"
        if path.is_file() and FOLDER in path.parents:
            head = re.search(r"^# (.*)", CELL.sub("", path.read_text("utf-8")), re.MULTILINE)[1]
            assert letters(entry.get("title", head)) <= SIDEBAR, entry["file"]
