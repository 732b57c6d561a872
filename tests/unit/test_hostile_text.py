"""Text of data files shows as text, wherever it can reach: pages, figures, files, messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_up import write_csv
from made_up_hostile import BAD, HIDDEN, LONG, SCRIPT, assert_harmless, hidden, hostile_project
from typer.testing import CliRunner

from nqpf import Catalogue, Index, Panel, Recipe, Study, System, provinces, report
from nqpf.cli import app
from nqpf.compare import standings
from nqpf.compare.profiles import _Profiles
from nqpf.errors import DataError
from nqpf.report.explore import rank_explorer
from nqpf.report.ranks import ranking
from nqpf.report.tables import argument_table
from nqpf.systems import available


def visible(text: str) -> str:
    """Return a text as messages write it, with hidden characters spelt out."""
    return str(DataError(text))[:-1]


CODES = [110000, 310000, 540000]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make the project of this module the hostile one."""
    home = hostile_project(tmp_path_factory.mktemp("hostile"))
    caches = (provinces._read, provinces._spellings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NQPF_HOME", str(home))
        for cache in caches:
            cache.cache_clear()
        yield home
    for cache in caches:
        cache.cache_clear()


@pytest.fixture(scope="module")
def panel(home: Path) -> Panel:
    return Panel.load()


@pytest.fixture(scope="module")
def index(panel: Panel) -> Index:
    return Recipe(weights="entropy", aggregate="topsis").fit(
        System.load("dong-2024").evaluate(panel)
    )


def test_the_project_is_hostile(panel: Panel) -> None:
    entry = panel.catalogue.variables["gdp"]
    everything = entry.model_dump_json() + provinces.name(110000, "both")
    everything += Study.load("han-2024").model_dump_json()
    assert "window.ran=1" in entry.name.zh + entry.name.en
    assert LONG in everything
    for mark in HIDDEN:
        assert mark in everything


def _ranks() -> pd.DataFrame:
    names = [f"{BAD} {k}" for k in range(2)] + [LONG]
    values = np.argsort(np.random.default_rng(0).random((31, 3)), axis=0) + 1.0
    return pd.DataFrame(values, index=provinces.codes(), columns=[visible(n) for n in names])


def _weights(index: Index) -> object:
    system = index.matrix.system
    names = pd.Series({key: str(one.name) for key, one in system.indicators.items()})
    weights = pd.Series(1 / len(names), index=names.index)
    dimension = pd.Series({k: str(system.dimension_names["means"]) for k in names.index})
    return report.weights_chart(weights, dimension, names)


def _profile(panel: Panel) -> object:
    profiles = _Profiles.load(panel, systems=["wu-2024"], draws=20)
    page = report.province_profile(profiles, 110000)
    return SimpleNamespace(html=page._repr_html_(), text=repr(page))


def _explorer(panel: Panel) -> object:
    found = standings(panel, ["wu-2024", "dong-2024"], weights=(), aggregate=(), draws=20)
    return report.explorer(found)


SHOWN = {
    "province": lambda panel, index: _profile(panel),
    "explorer": lambda panel, index: _explorer(panel),
    "catalogue": lambda panel, index: report.catalogue_table(panel, "accounts"),
    "study": lambda panel, index: report.study_table(Study.load("han-2024")),
    "studies": lambda panel, index: report.studies_table("composite"),
    "studies of TFP": lambda panel, index: report.studies_table("tfp"),
    "replications": lambda panel, index: report.studies_table("missing"),
    "system": lambda panel, index: report.system_table(System.load("dong-2024")),
    "argument": lambda panel, index: argument_table("drivers", panel),
    "ranking": lambda panel, index: report.ranking_table(index, 2022),
    "data note": lambda panel, index: report.data_note(panel, index.matrix),
    "verdict": lambda panel, index: report.verdict(Study.load("han-2024")),
    "map": lambda panel, index: report.tile_map(
        index.scores.xs(2022, level="year"), visible(BAD), str(index.matrix.system.card.name)
    ),
    "lines": lambda panel, index: report.year_lines(index.scores, LONG, highlight=CODES[:2]),
    "dots": lambda panel, index: ranking(index.scores, 2022, title=visible(BAD)),
    "weights": lambda panel, index: _weights(index),
    "bump": lambda panel, index: report.rank_bump(_ranks(), title=visible(BAD)),
    "agreement": lambda panel, index: report.heatmap_agreement(_ranks().corr().abs(), LONG),
    "rank explorer": lambda panel, index: rank_explorer(_ranks()),
}


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.filterwarnings("ignore:Glyph")
def test_reports_show_text_as_text(panel: Panel, index: Index, name: str) -> None:
    shown = SHOWN[name](panel, index)
    html = shown.html if hasattr(shown, "text") else shown.html()
    text = shown.text if hasattr(shown, "text") else shown.alt
    soup = assert_harmless(html, text)
    if hasattr(shown, "text") and name != "data note":
        visible_text = soup.get_text() + " ".join(d.get("aria-label", "") for d in soup("div"))
        assert SCRIPT in visible_text or LONG in visible_text, "nothing hostile was shown"


@pytest.mark.filterwarnings("ignore:Glyph")
def test_figures_write_dollar_signs(index: Index) -> None:
    picture = SHOWN["dots"](None, index)
    texts = picture.figure.findobj(lambda artist: hasattr(artist, "get_parse_math"))
    written = [text for text in texts if "$x_1$" in text.get_text()]
    assert written
    assert not any(text.get_parse_math() for text in written)
    assert picture.svg().startswith(b"<?xml")


def test_every_theme_and_system_is_harmless(panel: Panel) -> None:
    for theme in {entry.theme for entry in panel.catalogue.variables.values()}:
        table = report.catalogue_table(panel, theme)
        assert_harmless(table.html, table.text)
    for key in available():
        table = report.system_table(System.load(key))
        assert_harmless(table.html, table.text)
    for key in Study.keys():
        table = report.study_table(Study.load(key))
        assert_harmless(table.html, table.text)


def test_rows_of_a_reader(panel: Panel, tmp_path: Path) -> None:
    source = f"{SCRIPT} a\u202eb".replace('"', '""')
    row = f'110000,2024,population,2200,"{panel.catalogue.unit("population")}","{source}"'
    row = row.replace(panel.catalogue.unit("population"), "万人")
    with pytest.raises(DataError) as refused:  # its unit is hostile here, so the row is refused
        panel.extend(write_csv(tmp_path / "mine.csv", row))
    assert hidden(str(refused.value)) == set()
    header = "province,year,variable,value,unit,source,name_en"
    own = f'110000,2024,robots,5,units,"{source}","Robots {source}"'
    extended = panel.extend(write_csv(tmp_path / "mine.csv", own, header=header))
    entry = extended.catalogue.variables["robots"]
    assert entry.name.en.endswith("a[U+202E]b")
    table = report.catalogue_table(extended, "reader")
    assert SCRIPT in assert_harmless(table.html, table.text).get_text()


@pytest.mark.parametrize("words", [["data", "list"], ["data", "check"], ["data", "export"]])
def test_terminal(home: Path, tmp_path: Path, words: list[str]) -> None:
    path = tmp_path / "a\x1b[2J\u202e.csv"
    write_csv(path, "Bei\u202ejing\x07,2024,x\x1b[2J,1,u,s")
    extra = {"list": [], "check": [str(path)], "export": [str(tmp_path / "o\u202e")]}
    result = CliRunner().invoke(app, [*words, *extra[words[1]]])
    printed = result.stdout + result.stderr
    assert printed
    assert hidden(printed) == set()


def test_messages_of_the_library_hold_no_control() -> None:
    error = DataError("a\x1b[2J", where={"file": "b\u202e"}, expected="c\x07", hint="d\u200b")
    assert hidden(str(error)) == set()


def test_a_catalogue_keeps_its_text(home: Path) -> None:
    entry = Catalogue.load(home / "data" / "catalogue.yaml").variables["gdp"]
    texts = (entry.name.zh, entry.name.en, entry.unit, entry.definition)
    assert any(text.endswith(visible(BAD)) for text in texts)


def test_pages_of_provinces_are_markdown_without_meaning(panel: Panel) -> None:
    from markdown_it import MarkdownIt

    from nqpf.report.province_pages import _overview_markdown, _page_key

    profiles = _Profiles.load(panel, systems=["wu-2024"], draws=20)
    page = report.province_profile(profiles, 110000).markdown()
    heading = page.splitlines()[0]
    tokens = MarkdownIt().parse(heading)
    assert [token.tag for token in tokens if token.nesting == 1] == ["h1"]
    assert {child.type for child in tokens[1].children} <= {"text", "text_special"}
    assert SCRIPT in "".join(child.content for child in tokens[1].children)
    for text in (page, _overview_markdown(profiles)):
        assert hidden(text) == set()
        assert SCRIPT not in text
    for code in CODES:
        assert set(_page_key(code)) <= set("abcdefghijklmnopqrstuvwxyz-")
        assert len(_page_key(code)) <= 60
