"""Every page in a browser, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*parse_toc_yaml(str(ROOT / "book" / "_toc.yml")), "search", "genindex"]
WIDTHS = {"desk": 1280, "phone": 390}

READY = """async () => {
  await window.MathJax?.startup?.promise;
  await Promise.all(window.bookCharts ?? []);
}"""
FACTS = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const main = (selector) => all("main " + selector);
  const text = (element) => element.textContent.slice(0, 200);
  return {
    tooWide: document.documentElement.scrollWidth - window.innerWidth,
    // The theme keeps a second, hidden copy of the title for printing.
    titles: all("h1").filter((h) => !h.closest("#jb-print-docs-body")).length,
    math: main(".math").length,
    unrendered: main(".math").filter((m) => !m.querySelector("mjx-container")).map(text),
    mathErrors: all("mjx-merror, [data-mjx-error]").map(text),
    withoutAlt: all("img").filter((i) => !i.alt.trim()).map((i) => i.src.slice(0, 80)),
    broken: all("img").filter((i) => i.complete && !i.naturalWidth).map((i) => i.src.slice(0, 80)),
    undrawn: main(".vega-chart").filter((c) => !c.querySelector("svg") || !c.ariaLabel).length,
    warnings: main(".output.stderr").map(text),
    tracebacks: main(".output.traceback").map(text),
  };
}"""

# Two frames: charts follow the width of the window in the first.
DRAWN = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))"""
# Figures keep their white ground in the dark theme.
DARK = """() => {
  document.documentElement.dataset.theme = "dark";
  return [...document.querySelectorAll(".bd-article :is(img, .vega-chart-view)")]
    .map((image) => getComputedStyle(image))
    .map((style) => style.backgroundColor + style.filter);
}"""


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[BrowserContext]:
    """Open one window for all pages, so that scripts are read once."""
    opened = browser.new_context()
    yield opened
    opened.close()


@pytest.fixture
def page(window: BrowserContext) -> Iterator[Page]:
    """Open a tab."""
    opened = window.new_page()
    yield opened
    opened.close()


def watch(page: Page, site: str) -> list[str]:
    """Return a list that fills with what goes wrong on the page; block other hosts."""
    wrong: list[str] = []

    def outside(route: object) -> None:
        address = route.request.url
        if address.startswith((site, "data:", "blob:")):
            route.continue_()
        else:
            wrong.append(f"asked {address}")
            route.abort()

    page.route("**/*", outside)
    page.on("console", lambda m: wrong.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(f"page error: {error}"))
    page.on("requestfailed", lambda request: wrong.append(f"failed {request.url}"))
    page.on(
        "response",
        lambda answer: (
            wrong.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
        ),
    )
    return wrong


def has_mathematics(name: str) -> bool:
    """Return whether the source of a page holds mathematics outside its code."""
    source = ROOT / f"{name}.md"
    blocks = source.read_text("utf-8").split("```") if source.exists() else []
    return any(
        i % 2 == 0 and "$" in part or part.startswith("{math}") for i, part in enumerate(blocks)
    )


@pytest.mark.parametrize("name", PAGES)
def test_page(page: Page, site: str, name: str) -> None:
    wrong = watch(page, site)
    page.goto(f"{site}/{name}.html", wait_until="load")
    page.evaluate(READY)
    for where, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 850})
        page.evaluate(DRAWN)
        facts = page.evaluate(FACTS)
        assert facts["tooWide"] <= 0, f"the page scrolls sideways on a {where}"
        for kind in ("unrendered", "mathErrors", "withoutAlt", "broken", "warnings", "tracebacks"):
            assert facts[kind] == [], f"{kind} on a {where}"
        assert facts["undrawn"] == 0, f"a chart is not drawn or has no aria-label on a {where}"
    assert wrong == []
    assert facts["titles"] == 1
    assert (facts["math"] > 0) >= has_mathematics(name), "no mathematics is rendered"
    assert set(page.evaluate(DARK)) <= {"rgb(255, 255, 255)none"}, "a figure is lost in the dark"


def test_the_root_leads_to_the_front_page(page: Page, site: str) -> None:
    page.goto(f"{site}/index.html")
    page.wait_for_url("**/book/index.html")


def test_a_phone_opens_and_closes_the_contents(browser: Browser, site: str) -> None:
    page = browser.new_page(viewport={"width": WIDTHS["phone"], "height": 850})
    page.goto(f"{site}/book/glossary.html", wait_until="load")
    contents = page.locator(".bd-sidebar-primary a.reference", has_text="Glossary").first
    assert not contents.is_visible()
    page.locator(".primary-toggle").first.click()
    contents.wait_for(state="visible")
    page.close()
