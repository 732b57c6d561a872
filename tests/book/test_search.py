"""Search in the browser puts the right page first, in English and Chinese."""

from urllib.parse import quote

import pytest
from book_search import SearchEnglishChinese
from search_queries import HELD_OUT, TUNED

ASKED = [(query, page) for page, asked in TUNED.items() for query in asked]
OTHERS = [(query, page) for page, asked in HELD_OUT.items() for query in asked]
# More bytes than this for the text of all pages would slow the search page on a phone.
TEXT_BYTES = 300_000


@pytest.fixture(scope="module")
def search(visit, site):
    """Open the search page once; tests ask it many queries."""
    page = visit(f"{site}/search.html")
    page.evaluate("bookSearch.ready")
    return page


def rank(page, query):
    """Return the results in the order shown: page, anchor, missing words."""
    return page.evaluate("query => bookSearch.rank(query)", query)


def pages(page, query):
    return [result["page"] for result in rank(page, query)]


@pytest.mark.parametrize(("query", "first"), ASKED)
def test_the_right_page_comes_first(search, query, first):
    assert pages(search, query)[:1] == [first]


def test_most_queries_that_were_not_tuned_to_come_first_too(search):
    late = [query for query, first in OTHERS if pages(search, query)[:1] != [first]]
    print(f"of {len(OTHERS)} queries held out these do not come first: {late}")
    assert len(OTHERS) - len(late) >= 7


def test_the_queries_differ_and_the_text_of_all_pages_is_small(html):
    assert len({query for query, _ in ASKED + OTHERS}) == len(ASKED + OTHERS)
    assert (html / "searchtext.js").stat().st_size < TEXT_BYTES


@pytest.mark.parametrize(
    ("query", "among"),
    [
        ("新质生产力", {"book/index", "book/glossary"}),
        ("entropy", {"notebooks/index/by-hand", "notebooks/studies/wang-wang-2024"}),
        ("VIKOR", {"notebooks/studies/gong-2024"}),
    ],
)
def test_search_finds_all_that_hold_the_words(search, query, among):
    assert among <= set(pages(search, query))


def test_anchors_of_results_exist(search, html):
    found = [one for query, _ in ASKED for one in rank(search, query)[:5] if one["anchor"]]
    assert len(found) > 20
    for one in found:
        assert f'id="{one["anchor"]}"' in (html / f"{one['page']}.html").read_text("utf-8")


@pytest.mark.parametrize("where", ["http", "file"])
def test_excerpts_mark_the_words_without_a_request_or_an_error(visit, site, html, where):
    start = site if where == "http" else html.as_uri()
    page = visit(f"{start}/search.html?q={quote('莫兰指数 Moran')}")
    page.wait_for_selector("#search-results li")
    marked = page.locator("#search-results li mark").all_inner_texts()
    assert {"莫兰", "Moran"} & set(marked)
    assert "找到" in page.locator("[role=status]").inner_text()
    assert page.wrong == []
    own = [url for url in page.asked if url.startswith((start, "data:"))]
    assert own == page.asked and not any("/notebooks/" in url for url in own)


def test_index_keeps_english_stems_and_chinese_pairs():
    language = SearchEnglishChinese({})
    assert language.split("熵权 weights") == ["熵", "权", "熵权", "weights"]
    assert language.stem("weights") == "weight"
