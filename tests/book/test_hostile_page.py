"""Hostile text of data files on a page: nothing runs, all of it reads, the page fits a phone."""

from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pandas as pd
import pytest
from browsing import DRAWN, READY
from made_up_hostile import LONG, SCRIPT, hostile_project
from sphinx.application import Sphinx

from nqpf import Panel, Recipe, Study, System, provinces, report
from nqpf.compare import standings
from nqpf.compare.profiles import _Profiles
from nqpf.report.explore import rank_explorer
from nqpf.report.tables import argument_table

if TYPE_CHECKING:
    pass

ROOT = Path(__file__).resolve().parents[2]
CONF = """\
extensions = ["myst_nb", "sphinx_book_theme", "book_assets", "book_pages"]
html_theme = "sphinx_book_theme"
html_context = {{"default_mode": "light"}}
nb_execution_mode = "off"
myst_enable_extensions = ["attrs_block", "colon_fence", "dollarmath", "html_image"]
suppress_warnings = ["misc.highlighting_failure"]
html_static_path = [{static!r}]
html_css_files = ["book.css", "provinces.css"]
html_js_files = ["catalogue.js"]
exclude_patterns = ["_build"]
"""


def outputs(panel):
    """Return the HTML of what a page shows of data, by the name of the page."""
    index = Recipe(weights="entropy", aggregate="topsis").fit(
        System.load("dong-2024").evaluate(panel)
    )
    study = Study.load("han-2024")
    tables = [
        report.catalogue_table(panel, "accounts"),
        report.study_table(study),
        report.studies_table("missing"),
        report.system_table(System.load("dong-2024")),
        argument_table("drivers", panel),
        report.ranking_table(index, 2022),
        report.verdict(study),
        report.data_note(panel, index.matrix),
    ]
    drawn = report.tile_map(index.scores.xs(2022, level="year"), study.title, study.title)
    ranks = index.scores.xs(2022, level="year").rank(ascending=False)
    chart = rank_explorer(pd.DataFrame({study.title: ranks, "other": ranks}))
    found = standings(panel, ["wu-2024", "dong-2024"], weights=(), aggregate=(), draws=20)
    return {
        "tables": "\n".join(table.html for table in tables),
        "figures": f"{drawn.html()}\n{chart.html}",
        "explorer": report.explorer(found).html,
    }


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Build a small book of pages whose every text is hostile."""
    folder = tmp_path_factory.mktemp("hostile_pages")
    home, source = hostile_project(folder / "home"), folder / "source"
    source.mkdir()
    caches = (provinces._read, provinces._spellings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NQPF_HOME", str(home))
        for cache in caches:
            cache.cache_clear()
        panel = Panel.load()
        shown = outputs(panel)
        profiles = _Profiles.load(panel, systems=["wu-2024"], draws=20)
        profile = report.province_profile(profiles, 110000).markdown()
    for cache in caches:
        cache.cache_clear()
    (source / "province.md").write_text(profile, "utf-8")
    for name, html in shown.items():
        cell = nbformat.v4.new_code_cell(
            "shown", outputs=[nbformat.v4.new_output("display_data", {"text/html": html})]
        )
        heading = nbformat.v4.new_markdown_cell(f"# {name}")
        nbformat.write(nbformat.v4.new_notebook(cells=[heading, cell]), source / f"{name}.ipynb")
    names = "\n".join(["province", *shown])
    (source / "index.md").write_text(f"# Pages\n\n```{{toctree}}\n{names}\n```\n", "utf-8")
    (source / "conf.py").write_text(CONF.format(static=str(ROOT / "book" / "_static")), "utf-8")
    app = Sphinx(
        str(source), str(source), str(folder / "html"), str(folder / "trees"), "html", status=None
    )
    app.build()
    return folder / "html"


@pytest.mark.parametrize("name", ["tables", "figures", "explorer", "province"])
def test_nothing_runs_and_everything_reads(pages, visit, name):
    page = visit((pages / f"{name}.html").as_uri(), viewport={"width": 390, "height": 844})
    page.evaluate(READY)
    page.evaluate(DRAWN)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert page.evaluate("window.ran") is None, "a text ran as a script"
    assert page.wrong == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    text = page.evaluate(
        "document.querySelector('article').textContent + "
        "[...document.querySelectorAll('img')].map((one) => one.alt).join()"
    )
    assert SCRIPT in text or LONG in text
    assert "\u202e" not in text
