"""Search in the browser finds English and Chinese words."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from book_search import SearchEnglishChinese, pairs
from playwright.sync_api import Browser

# What a reader would look for, and the chapters that must be among the results.
QUERIES = {
    "熵权": ["notebooks/index/by-hand", "notebooks/studies/wang-wang-2024"],
    "全要素生产率": ["notebooks/tfp/solow"],
    "TOPSIS": ["notebooks/studies/dong-2024", "notebooks/studies/lu-guo-2024"],
    "Beijing": ["notebooks/index/by-hand"],
    "entropy": ["notebooks/index/by-hand", "notebooks/studies/wang-wang-2024"],
    "新质生产力": ["book/index", "book/glossary"],
}


def results(browser: Browser, site: str, query: str) -> list[str]:
    """Return the pages that the search page lists, in its order."""
    page = browser.new_page()
    page.goto(f"{site}/search.html?q={quote(query)}", wait_until="load")
    page.wait_for_function("document.querySelector('.search-summary')?.innerText")
    page.wait_for_load_state("networkidle")
    links = page.locator("#search-results li a").evaluate_all("all => all.map(a => a.pathname)")
    page.close()
    return list(dict.fromkeys(link.strip("/").removesuffix(".html") for link in links))


@pytest.mark.parametrize("query", QUERIES)
def test_search_finds_the_chapters(browser: Browser, site: str, query: str) -> None:
    found = results(browser, site, query)
    assert set(QUERIES[query]) <= set(found)


def test_search_for_what_is_not_there_finds_nothing(browser: Browser, site: str) -> None:
    assert results(browser, site, "鲸鱼座") == []


@pytest.mark.parametrize("query", ["熵权-TOPSIS 法", "生产率", "productivity 全要素", "率", "2024"])
def test_browser_cuts_a_query_as_the_index_does(browser: Browser, site: str, query: str) -> None:
    page = browser.new_page()
    page.goto(f"{site}/search.html", wait_until="load")
    terms = page.evaluate("query => splitQuery(query)", query)
    page.close()
    assert terms
    assert set(terms) <= set(SearchEnglishChinese({}).split(query))


def test_pairs_overlap() -> None:
    assert pairs("全要素") == ["全要", "要素"]
    assert pairs("率") == []


def test_index_keeps_english_stems_and_chinese_pairs() -> None:
    language = SearchEnglishChinese({})
    assert language.split("熵权 weights") == ["熵", "权", "熵权", "weights"]
    assert language.stem("weights") == "weight"
