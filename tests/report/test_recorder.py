"""What the library says it reads, the line it is said of, and the table behind a figure."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from build_book import RECORD, run_chapters
from outputs_entry import read_run
from test_build_book import CHAPTER

from nqpf import Panel, System
from nqpf.compare import measures
from nqpf.data.catalogue import _listening, _note, _Read
from nqpf.multiverse import Multiverse
from nqpf.report.lines import year_lines
from nqpf.report.maps import tile_map
from nqpf.report.recorder import load_ipython_extension
from nqpf.report.regressions import transition_matrices

PANEL = Panel.load(extra=False)


def reads(kind: str, seen: list[_Read]) -> set[str]:
    return {key for one in seen if one.kind == kind for key in one.keys}


def test_a_system_reads_what_its_formulas_name() -> None:
    seen: list[_Read] = []
    with _listening(seen.append):
        system = System.load("jin-2024")
        system.evaluate(PANEL)
    assert reads("system", seen) == {"jin-2024"}
    assert reads("variables", seen) == set(system.variables)


def test_all_measures_read_all_systems_and_the_accounts() -> None:
    seen: list[_Read] = []
    with _listening(seen.append):
        measures(PANEL, systems=["jin-2024", "dai-2024"])
    assert reads("system", seen) == {"jin-2024", "dai-2024"}
    own = {v for key in ("jin-2024", "dai-2024") for v in System.load(key).variables}
    assert own | {"investment_price", "employment"} <= reads("variables", seen)


def test_stored_results_name_their_file_and_the_data_they_rest_on() -> None:
    seen: list[_Read] = []
    with _listening(seen.append):
        Multiverse.load()
    assert reads("results", seen) == {"results.parquet"}
    assert {"gdp", "employment"} <= reads("variables", seen)


def test_nothing_is_kept_without_a_listener() -> None:
    seen: list[_Read] = []
    with _listening(seen.append):
        pass
    _note("variables", ["gdp"])
    PANEL.wide(["gdp"])
    assert seen == []


def shown(picture) -> dict[str, object]:
    """Show a picture where the recorder is loaded, and return what it keeps of it."""
    formats, events, said = {}, {}, []
    formatter = SimpleNamespace(for_type_by_name=lambda _, name, show: formats.update({name: show}))
    load_ipython_extension(
        SimpleNamespace(
            user_ns={},
            display_formatter=SimpleNamespace(mimebundle_formatter=formatter),
            display_pub=SimpleNamespace(publish=lambda data, metadata: said.extend(data.values())),
            events=SimpleNamespace(register=lambda name, call: events.update({name: call})),
        )
    )
    events["pre_run_cell"](None)
    bundle = {"text/html": picture.html(), "text/plain": repr(picture)}
    assert formats[type(picture).__name__](picture) == bundle
    events["post_run_cell"](None)
    return said[0]["figures"][0]


def test_a_figure_keeps_its_table_with_names_of_provinces_and_plain_numbers() -> None:
    """Also one whose function was imported from its module."""
    values = pd.Series([1 / 3, np.nan], pd.Index([110000, 540000], name="province"), name="x")
    assert shown(tile_map(values, title="t"))["rows"] == {
        "columns": ["province", "name", "名称", "x"],
        "rows": [[110000, "Beijing", "北京", 0.3333333333], [540000, "Tibet", "西藏", None]],
    }


def test_tables_are_found_in_what_a_function_is_given() -> None:
    matrix = pd.DataFrame([[0.9, 0.1], [0.2, 0.8]], [1, 2], [1, 2])
    rows = shown(transition_matrices({"p": matrix, "q": matrix}, "t"))["rows"]
    assert rows["columns"] == ["part", "row 2", "1", "2"] and rows["rows"][2] == ["q", 1, 0.9, 0.1]
    counted = pd.DataFrame({"a": [0.0, 1.0], "b": [np.inf, 1.0]})
    expected = {"columns": ["a", "b"], "rows": [[0.0, None], [1.0, 1.0]]}
    assert shown(year_lines(counted))["rows"] == expected
    assert shown(year_lines(pd.DataFrame({"a": np.arange(5001.0)})))["rows"] is None


CODE = """\
from nqpf import Panel
panel = Panel.load(extra=False)
gdp = panel.wide(
    ["gdp"], years=[2022]
)
people = panel.wide(["population"], years=[2022])
gdp.sum()"""


@pytest.fixture(scope="module")
def chapter(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("chapter")
    path = folder / "a.md"
    path.write_text(CHAPTER.replace("CODE", CODE), "utf-8")
    assert run_chapters([path], folder / "cache", folder) == []
    return path, folder / "cache"


def test_a_run_keeps_reads_with_their_lines_beside_the_results(
    chapter: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path, cache = chapter
    run = read_run(path, cache)
    assert run is not None and run.recorded
    lines = {key: line for line, kind, key, _ in run.said[0]["reads"] if kind == "variables"}
    assert 3 <= lines["gdp"] <= 5 and lines["population"] == 6
    # The chapter's own outputs are what they were, and nothing is run again.
    assert [one["output_type"] for one in run.shown[0]] == ["execute_result"]
    assert len(list(cache.rglob(RECORD))) == 1
    capsys.readouterr()
    assert run_chapters([path], cache, path.parent) == []
    assert capsys.readouterr().out == ""


def test_a_chapter_run_by_other_means_is_not_recorded(chapter: tuple[Path, Path]) -> None:
    path, cache = chapter
    record = next(cache.rglob(RECORD))
    kept = record.read_bytes()
    record.unlink()
    read_run.cache_clear()
    run = read_run(path, cache)
    record.write_bytes(kept)
    read_run.cache_clear()
    assert run is not None and not run.recorded and run.said == [{}]
