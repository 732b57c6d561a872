"""The search page and the search box as readers meet them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

NARROW = {"width": 390, "height": 800}
# The status line, once it says more than that the search goes on.
SAID = "/^(?!Searching)./.test(document.querySelector('.search-summary')?.innerText ?? '')"


class Visit:
    """A tab that notes what the browser complains about."""

    def __init__(self, page: Page, site: str) -> None:
        self.page, self.site, self.said = page, site, []
        page.on(
            "console", lambda one: one.type in ("error", "warning") and self.said.append(one.text)
        )
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: self.said.append(dialog.message))

    def ask(self, query: str) -> str:
        """Open the search page with a query; return what the status line says."""
        self.page.goto(f"{self.site}/search.html?q={quote(query)}", wait_until="load")
        self.page.wait_for_function(SAID)
        return self.page.locator(".search-summary").inner_text()


@pytest.fixture(scope="module")
def tab(browser: Browser, site: str) -> Iterator[Visit]:
    page = browser.new_page()
    yield Visit(page, site)
    page.close()


@pytest.fixture(autouse=True)
def quiet(tab: Visit) -> Iterator[None]:
    """Fail a test during which the browser reported an error."""
    tab.said.clear()
    yield
    assert tab.said == []


@pytest.mark.parametrize("key", ["Control+k", "/"])
def test_a_key_opens_the_box_and_enter_asks(tab: Visit, key: str) -> None:
    tab.page.goto(f"{tab.site}/notebooks/tfp/solow.html", wait_until="load")
    tab.page.keyboard.press(key)
    box = tab.page.locator("#pst-search-dialog input")
    box.wait_for(state="visible")
    assert box.evaluate("box => box === document.activeElement && box.value === ''")
    tab.page.keyboard.type("Malmquist")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/search.html?q=Malmquist")
    tab.page.locator("#search-results li a").first.wait_for()
    assert "malmquist.html" in tab.page.locator("#search-results li a").first.get_attribute("href")


def test_escape_closes_the_box(tab: Visit) -> None:
    tab.page.goto(f"{tab.site}/book/glossary.html", wait_until="load")
    tab.page.keyboard.press("/")
    tab.page.locator("#pst-search-dialog input").wait_for(state="visible")
    tab.page.keyboard.press("Escape")
    tab.page.locator("#pst-search-dialog input").wait_for(state="hidden")


def test_results_are_reached_by_the_keyboard(tab: Visit) -> None:
    tab.ask("Malmquist")
    assert tab.page.evaluate("document.activeElement.name") == "q"
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.closest('#search-results') !== null")


def test_the_opened_page_marks_the_words(tab: Visit) -> None:
    tab.ask("曼奎斯特指数")
    tab.page.locator("#search-results li a").first.click()
    tab.page.wait_for_url("**/tfp/malmquist.html*")
    tab.page.locator("article .highlighted").first.wait_for()
    assert tab.page.locator("article .highlighted").first.inner_text() == "曼奎斯特指数"
    assert tab.page.locator("nav .highlighted, script .highlighted").count() == 0
    tab.page.keyboard.press("Escape")
    assert tab.page.locator(".highlighted").count() == 0
    tab.page.reload()
    assert tab.page.locator(".highlighted").count() == 0


@pytest.mark.parametrize("query", ["", "   ", "\u3000"])
def test_an_empty_query_is_met_with_examples(tab: Visit, query: str) -> None:
    said = tab.ask(query)
    assert "Type a word" in said and "请输入" in said
    assert tab.page.locator(".search-hints a").count() >= 5


def test_no_result_is_said_in_both_languages_with_hints(tab: Visit) -> None:
    said = tab.ask("qqqqzzzz 鲸鱼座")
    assert "No page" in said and "没有找到" in said
    assert "Fewer" in tab.page.locator(".search-hints").inner_text()
    assert tab.page.locator("#search-results .search li").count() == 0


def test_the_examples_find_something(tab: Visit) -> None:
    tab.ask("")
    for query in tab.page.locator(".search-hints li a").all_inner_texts():
        assert "found" in tab.ask(query)


def test_words_that_no_page_has_together_are_named(tab: Visit) -> None:
    assert "没有页面包含全部词语" in tab.ask("Malmquist 鲸鱼座")
    assert tab.page.locator("#search-results li").first.locator("s").all_inner_texts() == ["鲸鱼座"]


@pytest.mark.parametrize(
    "query",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)> entropy",
        "\"'><b>熵权</b>",
        ".*+?^${}()|[]\\",
        "(entropy",
        "[熵权",
        "__proto__ constructor",
        "toString 熵权",
        "-entropy",
        "%E7%86",
        "熵\u202e权",
        "😀 熵权",
    ],
)
def test_markup_and_signs_are_text(tab: Visit, query: str) -> None:
    tab.ask(query)
    assert tab.page.locator("#search-results :is(script, img, b)").count() == 0
    assert tab.page.locator(".bd-search-container input").input_value() == query


def test_a_very_long_query_is_cut_and_says_so(tab: Visit) -> None:
    assert "Only the first 200" in tab.ask("全要素生产率与空间杜宾模型" * 200)
    assert "Only the first" in tab.ask("entropy " * 400)
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_many_results_are_shown_in_two_steps(tab: Visit) -> None:
    tab.ask("entropy province")
    lines = tab.page.locator("#search-results .search > li")
    assert lines.count() == 20
    tab.page.locator("#search-results button").click()
    assert lines.count() > 20
    assert lines.nth(20).locator("a").evaluate("link => link === document.activeElement")
    assert tab.page.locator("#search-results button").count() == 0


def test_names_and_the_count_are_announced(tab: Visit) -> None:
    assert "found" in tab.ask("熵权")
    assert tab.page.locator(".search-summary").get_attribute("role") == "status"
    for box in tab.page.locator("input[name=q]").all():
        assert "搜索" in box.get_attribute("aria-label")
    assert tab.page.locator(".bd-search-container form").get_attribute("role") == "search"
    assert tab.page.locator("#pst-search-dialog").get_attribute("aria-label")
    assert tab.page.title().startswith("熵权 - ")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("query", ["熵权 TOPSIS", "鲸鱼座", "Malmquist 鲸鱼座"])
def test_a_phone_shows_it_without_a_fault(
    browser: Browser, site: str, theme: str, query: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page(viewport=NARROW)
    page.add_init_script(
        f"for (const key of ['mode', 'theme']) localStorage.setItem(key, '{theme}')"
    )
    visit = Visit(page, site)
    visit.ask(query)
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    found = (
        Axe().run(page, context="#main-content", options={"preload": False}).response["violations"]
    )
    assert [
        (one["id"], one["nodes"][0]["html"])
        for one in found
        if one["impact"] in ("serious", "critical")
    ] == []
    assert visit.said == []
    page.close()


def test_missing_data_are_said(browser: Browser, site: str) -> None:
    page = browser.new_page()
    page.route("**/searchtext.js", lambda route: route.abort())
    page.goto(f"{site}/search.html?q=entropy", wait_until="load")
    page.wait_for_function(SAID)
    assert "无法读取" in page.locator(".search-summary").inner_text()
    page.close()
