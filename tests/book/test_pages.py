"""Every page in a browser on a desk; a sample of them, or in the weekly run all, on a phone."""

from __future__ import annotations

import re

import pytest
from browsing import CHAPTERS, DRAWN, HTML, NARROW, READY, WIDTHS, is_page, sample, violations

# One page of each kind: what colours there are on the others is on these.
KINDS = ["book/index", "book/glossary", "book/status", "search"]
KINDS += [f"notebooks/comparison/{name}" for name in ("identification", "multiverse")]
KINDS += ["notebooks/data/panel", "notebooks/dynamics/forecast", "notebooks/index/by-hand"]
KINDS += ["notebooks/studies/dong-2024"]
BUILT = (path.relative_to(HTML).with_suffix("") for path in HTML.rglob("*.html") if is_page(path))
# The front's address leads on to the front page; without a built book the list of chapters stands.
ALL = {page.as_posix() for page in BUILT} - {"index", "zh/index"}
ALL = sorted(ALL | {*CHAPTERS, "search", "genindex"})
FROM_TEMPLATES = ("outputs/", "book/provinces/", "notebooks/records/", "zh/")
ALIKE = [name for name in ALL if name.startswith(FROM_TEMPLATES)]
PAGES = sorted({*ALL} - {*ALIKE} | {*sample(ALIKE), *KINDS})
# Read by axe-core, and on a phone too.
EXAMINED = {*KINDS, *sample(sample(PAGES))}
BYTES = 1_500_000  # of a page with all that it asks for, charts excluded

# What is wrong with a page; an empty list and nought are well.
FAULTS = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const main = (selector) => all("main " + selector);
  const text = (element) => (element.src ?? element.textContent).slice(-200);
  const ids = all("[id]").map((e) => e.id);
  const levels = main("article :is(h1, h2, h3, h4, h5, h6)").map((h) => +h.tagName[1]);
  const unmarked = [];
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  // What scripts draw is out of reach of the build, which marks the rest.
  const apart = "[lang^=zh], pre, code, script, style, title, option, svg, mjx-container, " +
    "textarea, .nqpf-explorer, #search-results";
  while (words.nextNode()) {
    const {textContent, parentElement} = words.currentNode;
    if (/[\\u4e00-\\u9fff]/.test(textContent) && !parentElement.closest(apart))
      unmarked.push(textContent.trim().slice(0, 60));
  }
  const faults = {
    scrollsSideways: Math.max(0, document.documentElement.scrollWidth - window.innerWidth),
    // The theme keeps a second, hidden copy of the title for printing.
    titles: all("h1").filter((h) => !h.closest("#jb-print-docs-body")).length - 1,
    unrendered: main(".math").filter((m) => !m.querySelector("mjx-container")).map(text),
    mathErrors: all("mjx-merror, [data-mjx-error]").map(text),
    withoutAlt: all("img").filter((i) => !i.alt.trim() || /\\.(png|svg|jpe?g)$/i.test(i.alt.trim()))
      .map(text),
    broken: all("img").filter((i) => i.complete && !i.naturalWidth).map(text),
    chartsWithoutDrawingOrLabel:
      main(".vega-chart").filter((c) => !c.querySelector("svg") || !c.ariaLabel).length,
    warnings: main(".output:is(.stderr, .traceback)").map(text),
    twice: ids.filter((id, i) => ids.indexOf(id) !== i),
    headingsThatSkipALevel: levels.filter((level, i) => i && level > levels[i - 1] + 1).length,
    mains: all("main").length - 1,
    unmarked,
  };
  return Object.entries(faults).filter(([, found]) => found.length ?? found);
}"""

# Figures keep their white ground in the dark theme.
DARK = """() => {
  document.documentElement.dataset.theme = "dark";
  return [...document.querySelectorAll(".bd-article :is(img, .vega-chart-view)")]
    .map((image) => getComputedStyle(image))
    .map((style) => style.backgroundColor + style.filter);
}"""


@pytest.fixture(scope="module")
def tab(visit):
    """Open one tab for all pages."""
    return visit("about:blank")


@pytest.fixture
def page(tab):
    """Forget what the pages before complained of and asked for."""
    tab.wrong.clear(), tab.asked.clear()
    return tab


def weight(urls, html, site):
    """Return the bytes that a page and what it asked for weigh, charts and figures excluded.

    Uncompressed, as the test's own server sends them.
    """
    asked = {url.split("#")[0] for url in urls}
    paths = [html / url[len(site) + 1 :].split("?")[0] for url in asked if url.startswith(site)]
    light = [path for path in paths if path.is_file() and path.parent.name != "_images"]
    total = sum(path.stat().st_size for path in light if path.name not in {"vega.js", "charts.js"})
    charts = r'<script type="application/json"[^>]*>.*?</script>'
    for path in light:
        if path.suffix == ".html":
            found = re.findall(charts, path.read_text("utf-8"), re.DOTALL)
            total -= len("".join(found).encode("utf-8"))
    return total


def has_mathematics(name):
    """Return whether the source of a page holds mathematics outside its code."""
    source = CHAPTERS.get(name)
    blocks = source.read_text("utf-8").split("```") if source else []
    return "$" in "".join(blocks[::2]) or any(part.startswith("{math}") for part in blocks)


@pytest.mark.parametrize("name", PAGES)
def test_page(page, site, html, name):
    page.set_viewport_size({"width": WIDTHS["desk"], "height": 850})
    page.goto(f"{site}/{name}.html", wait_until="load")
    page.evaluate(READY)
    for where, width in WIDTHS.items() if name in EXAMINED else [("desk", WIDTHS["desk"])]:
        page.set_viewport_size({"width": width, "height": 850})
        page.evaluate(DRAWN)
        assert page.evaluate(FAULTS) == [], f"on a {where}"
        if name in EXAMINED:
            assert violations(page, None if where == "desk" else NARROW) == [], f"on a {where}"
    own = (f"{site}/", "data:", "blob:")
    assert page.wrong == [url for url in page.asked if not url.startswith(own)] == []
    mathematics = page.locator("main .math").count() > 0
    assert mathematics >= has_mathematics(name), "no mathematics is rendered"
    assert weight(page.asked, html, site) <= BYTES
    assert set(page.evaluate(DARK)) <= {"rgb(255, 255, 255)none"}, "a figure is lost in the dark"
    if name in KINDS:
        assert violations(page, ["color-contrast"]) == [], "in the dark"


def test_the_root_leads_to_the_front_page(page, site):
    page.goto(f"{site}/index.html")
    page.wait_for_url("**/book/index.html")


def test_a_phone_opens_and_closes_the_contents(page, site):
    page.set_viewport_size({"width": WIDTHS["phone"], "height": 850})
    page.goto(f"{site}/book/glossary.html", wait_until="load")
    contents = page.locator(".bd-sidebar-primary a.reference", has_text="Glossary").first
    assert not contents.is_visible()
    page.locator(".primary-toggle").first.click()
    contents.wait_for(state="visible")
    page.keyboard.press("Escape")
    contents.wait_for(state="hidden")


def test_keyboard_skips_to_the_text_and_shows_where_it_is(page, site):
    page.goto(f"{site}/notebooks/studies/dong-2024.html", wait_until="load")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main-content"
    seen = """() => {
      const at = document.activeElement, style = getComputedStyle(at);
      const rings = [style, getComputedStyle(at, "::before"), getComputedStyle(at, "::after")];
      const ringed = rings.some((s) => (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0)
        || s.boxShadow !== "none");
      return [!!at.closest("main"), ringed, at.outerHTML.slice(0, 120)];
    }"""
    for _ in range(25):
        page.keyboard.press("Tab")
        inside, ringed, element = page.evaluate(seen)
        assert inside, element
        assert ringed, f"no sign of the keyboard's place on {element}"


def test_a_table_that_scrolls_can_be_scrolled_by_keyboard(page, site):
    page.set_viewport_size({"width": WIDTHS["phone"], "height": 850})
    page.goto(f"{site}/notebooks/records/dong-2024.html", wait_until="load")
    page.evaluate(DRAWN)
    box = page.locator(".table-box[tabindex='0']").first
    assert box.get_attribute("aria-label")
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")
    page.set_viewport_size({"width": 2400, "height": 850})
    page.evaluate(DRAWN)
    assert page.locator(".table-box[tabindex='0']").count() == 0


def test_without_scripts_the_text_and_the_figures_stand(visit, site):
    page = visit(f"{site}/notebooks/studies/dong-2024.html", java_script_enabled=False)
    figures = page.locator("img.nqpf-figure")
    assert figures.count() > 1
    for width in (WIDTHS["desk"] // 2, WIDTHS["phone"]):
        page.set_viewport_size({"width": width, "height": 850})
        assert page.locator("article h1").is_visible()
        for figure in figures.all():
            box = figure.bounding_box()
            assert box["width"] > 100 and box["height"] > 100 and box["x"] + box["width"] <= width


def test_a_printer_gets_every_figure(page, site):
    asked: list[str] = []
    page.on("requestfinished", lambda request: asked.append(request.url))
    page.goto(f"{site}/notebooks/studies/dong-2024.html", wait_until="load")
    figures = page.locator("img.nqpf-figure").evaluate_all("all => all.map(i => i.src)")
    page.pdf()
    assert set(figures) <= set(asked)
