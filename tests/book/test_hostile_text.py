"""Hostile text of data files shows as text wherever it can reach, and nothing of it runs."""

import re
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
from browsing import DRAWN, READY, ROOT
from made_up import run, small_book, write_csv
from made_up_hostile import BAD, LONG, SCRIPT, assert_harmless, hidden, hostile_project
from markdown_it import MarkdownIt

from nqpf import Panel, Recipe, Study, System, provinces, report
from nqpf.compare import standings
from nqpf.compare.profiles import _Profiles
from nqpf.errors import DataError
from nqpf.errors import _visible as visible
from nqpf.report.explore import rank_explorer, try_box
from nqpf.report.province_pages import _overview_markdown, _page_key
from nqpf.report.ranks import ranking
from nqpf.report.tables import argument_table, catalogue_table
from nqpf.systems import available

CODES = [110000, 310000, 540000]
SETTINGS = {"extensions": ["myst_nb", "sphinx_book_theme", "book_pages"]}
SETTINGS |= {"html_theme": "sphinx_book_theme", "html_context": {"default_mode": "light"}}
SETTINGS |= {"html_static_path": [str(ROOT / "book" / "_static")], "nb_execution_mode": "off"}
SETTINGS |= {"html_css_files": ["book.css", "provinces.css"], "html_js_files": ["catalogue.js"]}
SETTINGS["myst_enable_extensions"] = ["attrs_block", "colon_fence", "dollarmath", "html_image"]


@pytest.fixture(scope="module")
def it(tmp_path_factory):
    """Make the project of this module the hostile one; give a panel, an index and a profile."""
    home, caches = tmp_path_factory.mktemp("hostile"), (provinces._read, provinces._spellings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NQPF_HOME", str(hostile_project(home)))
        for cache in caches:
            cache.cache_clear()
        panel = Panel.load()
        index = Recipe("minmax", "entropy", "topsis").fit(System.load("dong-2024").evaluate(panel))
        profiles = _Profiles.load(panel, systems=["wu-2024"], draws=20)
        page, overview = report.province_profile(profiles, 110000), _overview_markdown(profiles)
        yield SimpleNamespace(panel=panel, index=index, overview=overview, page=page)
    for cache in caches:
        cache.cache_clear()


def _ranks():
    names = [f"{BAD} {k}" for k in range(2)] + [LONG]
    values = np.argsort(np.random.default_rng(0).random((31, 3)), axis=0) + 1.0
    return pd.DataFrame(values, index=provinces.codes(), columns=[visible(n) for n in names])


def _weights(it):
    system = it.index.matrix.system
    names = pd.Series({key: str(one.name) for key, one in system.indicators.items()})
    weights = pd.Series(1 / len(names), index=names.index)
    dimension = pd.Series({k: str(system.dimension_names["means"]) for k in names.index})
    return report.weights_chart(weights, dimension, names)


def _name(it):
    return str(it.index.matrix.system.card.name)


OWN = {"weights": (), "aggregate": (), "draws": 20}
SHOWN = {
    "province": lambda it: SimpleNamespace(html=it.page._repr_html_(), text=repr(it.page)),
    "explorer": lambda it: report.explorer(standings(it.panel, ["wu-2024", "dong-2024"], **OWN)),
    "catalogue": lambda it: catalogue_table(it.panel, "accounts"),
    "system": lambda it: report.system_table(it.index.matrix.system),
    "study": lambda it: report.study_table(Study.load("han-2024")),
    "studies": lambda it: report.studies_table("composite"),
    "replications": lambda it: report.studies_table("missing"),
    "argument": lambda it: argument_table("drivers", it.panel),
    "ranking": lambda it: report.ranking_table(it.index, 2022),
    "data note": lambda it: report.data_note(it.panel, it.index.matrix),
    "verdict": lambda it: report.verdict(Study.load("han-2024")),
    "map": lambda it: report.tile_map(
        it.index.scores.xs(2022, level="year"), visible(BAD), _name(it)
    ),
    "lines": lambda it: report.year_lines(it.index.scores, LONG, highlight=CODES[:2]),
    "dots": lambda it: ranking(it.index.scores, 2022, title=visible(BAD)),
    "weights": _weights,
    "bump": lambda it: report.rank_bump(_ranks(), title=visible(BAD)),
    "agreement": lambda it: report.heatmap_agreement(_ranks().corr().abs(), LONG),
    "rank explorer": lambda it: rank_explorer(_ranks()),
    "try box": lambda it: try_box(it.index),
}


def assert_text(html, text):
    soup = assert_harmless(html, text)
    seen = soup.get_text() + " ".join(div.get("aria-label", "") for div in soup("div"))
    assert SCRIPT in seen or LONG in seen, "nothing hostile was shown"


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.filterwarnings("ignore:Glyph")
def test_reports_show_text_as_text(it, name):
    shown = SHOWN[name](it)
    if hasattr(shown, "alt"):
        assert_harmless(shown.html(), shown.alt)
    else:
        judge = assert_harmless if name in ("data note", "try box") else assert_text
        judge(shown.html, shown.text)


@pytest.mark.filterwarnings("ignore:Glyph")
def test_figures_write_dollar_signs(it):
    texts = SHOWN["dots"](it).figure.findobj(lambda artist: hasattr(artist, "get_parse_math"))
    written = [text for text in texts if "$x_1$" in text.get_text()]
    assert written and not any(text.get_parse_math() for text in written)


def test_every_theme_system_and_study_shows_as_text(it):
    themes = {entry.theme for entry in it.panel.catalogue.variables.values()}
    tables = [catalogue_table(it.panel, theme) for theme in themes]
    tables += [report.system_table(System.load(key)) for key in available()]
    for table in tables + [report.study_table(Study.load(key)) for key in Study.keys()]:
        assert_text(table.html, table.text)


def test_rows_of_a_reader(it, tmp_path):
    source = f"{SCRIPT} a\u202eb".replace('"', '""')
    row = f'110000,2024,population,2200,万人,"{source}"'
    with pytest.raises(DataError) as refused:  # its unit is hostile here, so the row is refused
        it.panel.extend(write_csv(tmp_path / "mine.csv", row))
    assert hidden(str(refused.value)) == set()
    header = "province,year,variable,value,unit,source,name_en"
    own = f'110000,2024,robots,5,units,"{source}","Robots {source}"'
    extended = it.panel.extend(write_csv(tmp_path / "mine.csv", own, header=header))
    assert extended.catalogue.variables["robots"].name.en.endswith("a[U+202E]b")
    table = catalogue_table(extended, "reader")
    assert SCRIPT in assert_harmless(table.html, table.text).get_text()


@pytest.mark.parametrize("words", ["list", "check {bad}", "export {folder} --format csv"])
def test_terminal(it, tmp_path, words):
    bad = write_csv(tmp_path / "a\x1b[2J\u202e.csv", "Bei\u202ejing\x07,2024,x\x1b[2J,1,u,s")
    places = {"bad": str(bad), "folder": str(tmp_path / "o\u202e")}
    result = run("data", *(word.format(**places) for word in words.split()))
    assert result.output and hidden(result.stdout + result.stderr) == set()


def test_messages_of_the_library_hold_no_control():
    error = DataError("a\x1b[2J", where={"file": "b\u202e"}, expected="c\x07", hint="d\u200b")
    assert hidden(str(error)) == set()


def test_pages_of_provinces_are_markdown_without_meaning(it):
    page = it.page.markdown()
    tokens = MarkdownIt().parse(page.splitlines()[0])
    assert [token.tag for token in tokens if token.nesting == 1] == ["h1"]
    assert {child.type for child in tokens[1].children} <= {"text", "text_special"}
    assert SCRIPT in "".join(child.content for child in tokens[1].children)
    fences = {line for line in page.splitlines() if "```" in line}
    assert fences == {"`" * 8, "`" * 8 + "{raw} html"}, "a text ends a block of the page"
    for text in (page, it.overview):
        assert hidden(text) == set() and SCRIPT not in text
    assert all(re.fullmatch(r"[a-z-]{1,60}", _page_key(code)) for code in CODES)


@pytest.fixture(scope="module")
def pages(it, tmp_path_factory):
    """Build a small book of pages whose every text is hostile."""
    v4, shown = nbformat.v4, {}
    for name in [*SHOWN][1:]:
        made = SHOWN[name](it)
        html = made.html if isinstance(made.html, str) else made.html()
        output = v4.new_output("display_data", {"text/html": html})
        page = shown.setdefault("explorer" if name == "explorer" else "tables", [])
        page += [v4.new_markdown_cell(f"# {name}"), v4.new_code_cell("shown", outputs=[output])]
    texts = {f"{k}.ipynb": nbformat.writes(v4.new_notebook(cells=c)) for k, c in shown.items()}
    texts |= {"province.md": it.page.markdown()}
    texts["index.md"] = "# Pages\n\n```{toctree}\nexplorer\ntables\nprovince\n```\n"
    return small_book(tmp_path_factory.mktemp("pages"), texts, SETTINGS)


@pytest.mark.parametrize("name", ["tables", "explorer", "province"])
def test_nothing_runs_and_everything_reads(pages, visit, name):
    page = visit((pages / f"{name}.html").as_uri(), viewport={"width": 390, "height": 844})
    page.evaluate(READY)
    page.evaluate(DRAWN)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert page.evaluate("window.ran") is None, "a text ran as a script"
    assert page.wrong == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "wider than a phone"
    text = page.evaluate("document.querySelector('article').textContent")
    assert SCRIPT in text or LONG in text
    assert "\u202e" not in text
