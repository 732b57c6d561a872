"""The box of a chapter in a browser: what it computes is what the library computes."""

from dataclasses import replace

import numpy as np
import pytest
from browsing import ROOT, violations

from nqpf import Panel, Recipe, System
from nqpf.errors import MethodError
from nqpf.index import aggregate
from nqpf.report.explore import try_box

PAGES = {"notebooks/index/by-hand": 4, "notebooks/studies/wang-wang-2024": 31}
RESULT = "document.querySelector('.nqpf-try').result"
PATENTS = "invention_patent_density"


@pytest.fixture(scope="module")
def index():
    matrix = System.load("wang-wang-2024").evaluate(Panel.load())
    return Recipe("minmax", "entropy", "linear").fit(matrix)


def opened(visit, index, path):
    """Open a page of nothing but a box."""
    css, js = ((ROOT / f"book/_static/try.{kind}").read_text("utf-8") for kind in ("css", "js"))
    box = f"<main><h1>A box</h1>{try_box(index)._repr_html_()}</main><script>{js}</script>"
    text = f'<!DOCTYPE html><html lang="en"><title>A box</title><style>{css}</style>{box}'
    path.write_text(text, "utf-8")
    return visit(path.as_uri())


def check(page, fitted, year, book):
    """Compare what the page holds with an index, and with the ranks of the book."""
    codes, scores, ranks, beside = map(list, zip(*page.evaluate(RESULT)["rows"], strict=True))
    own = fitted.scores.xs(year, level="year")
    np.testing.assert_allclose(scores, own[codes], rtol=0, atol=1e-9)
    assert (len(codes), ranks) == (len(own), fitted.rank(year)[codes].tolist())
    assert beside == book.rank(year)[codes].tolist()
    shown = page.locator(".try-table").last.locator("tbody tr").all_inner_texts()
    assert [int(row.split()[0]) for row in shown] == ranks


def test_every_choice_gives_the_library_s_scores(visit, index, tmp_path):
    page, matrix = opened(visit, index, tmp_path / "page.html"), index.matrix
    check(page, index, 2023, index)
    assert "so the ranks are the book's" in page.locator("[role=status]").inner_text()
    for label, value in {"Range": "minmax_yearly", "Aggr": "topsis", "Year 年": "2014"}.items():
        page.get_by_label(label).select_option(value)
    check(page, Recipe("minmax_yearly", "entropy", "topsis").fit(matrix), 2014, index)
    at = list(matrix.values).index(PATENTS)
    page.get_by_role("checkbox").nth(at).uncheck()
    page.get_by_label("Range").select_option("year")
    one = matrix.select(matrix.values.columns.drop(PATENTS)).values
    one = replace(matrix.select(one), values=one.xs(2014, level="year", drop_level=False))
    check(page, Recipe("minmax", "entropy", "topsis").fit(one), 2014, index)
    assert "provinces move; most: " in page.locator("[role=status]").inner_text()
    page.get_by_role("button").click()
    page.get_by_role("slider").nth(at).press("Home")
    w, rest = np.array(page.evaluate(RESULT)["weights"]), index.weights.drop(PATENTS)
    np.testing.assert_allclose(np.delete(w, at), rest / rest.sum(), rtol=0, atol=1e-4)
    moved = replace(index, scores=0 * index.scores + aggregate.linear(index.normalised, w))
    check(page, moved, 2023, index)
    wrong = "#try&own=1,x&weights=own&year=1066&range=constructor&without=0,1,2,3,4,5,6,7,8,9,10"
    for hash_ in (wrong, page.evaluate("location.hash")):
        page.evaluate("hash => { location.hash = hash; }", hash_)
        page.wait_for_timeout(50)
        check(page, index if hash_ == wrong else moved, 2023, index)
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 850})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert violations(page) == page.wrong == [], width


def test_few_figures_can_be_typed_over(visit, index, tmp_path):
    few = index.matrix.values.loc[[110000, 340000, 540000]].xs(2023, level="year", drop_level=False)
    few = Recipe("minmax", "equal", "topsis").fit(replace(index.matrix, values=few))
    page, other = opened(visit, few, tmp_path / "page.html"), few.matrix.values.copy()
    other.iloc[2, 4] = 60.5
    page.get_by_role("spinbutton").nth(2 * other.shape[1] + 4).fill("60.5")
    page.keyboard.press("Tab")
    check(page, few.recipe.fit(replace(few.matrix, values=other)), 2023, few)


def test_what_it_cannot_compute_is_refused(index):
    with pytest.raises(MethodError, match="zscore"):
        try_box(Recipe("zscore", "equal", "linear").fit(index.matrix))


@pytest.mark.parametrize("name", PAGES)
def test_the_chapters_hold_it_and_say_so_without_scripts(visit, site, name):
    page = visit(f"{site}/{name}.html")
    page.wait_for_selector(".nqpf-try[data-ready]")
    assert page.locator(".try-table").last.locator("tbody tr").count() == PAGES[name]
    assert [*page.wrong, *(url for url in page.asked if not url.startswith((site, "data:")))] == []
    still = visit(f"{site}/{name}.html", java_script_enabled=False)
    assert "with JavaScript" in still.locator(".nqpf-try").inner_text()
