"""What tests in a browser share: which pages there are, what goes wrong on one, axe-core."""

import os
import re
from functools import cache
from importlib.resources import files
from pathlib import Path

from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
WIDTHS = {"desk": 1280, "phone": 390}
# The weekly run looks at everything; others at a sample where pages or states are much alike.
EVERYTHING = os.environ.get("NQPF_EVERYTHING") == "1"
FROM_TEMPLATES = ("outputs/", "book/provinces/", "notebooks/studies/")
ONE_IN = 5

# Resolves once mathematics and charts are drawn.
READY = """async () => {
  await window.MathJax?.startup?.promise;
  await Promise.all(window.bookCharts ?? []);
}"""
# Two frames: charts, and boxes that scroll, follow the width of the window in the first.
DRAWN = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))"""

# A rule of axe-core beyond its own selection, and what it must find for a test to fail.
AXE_RULES = {"target-size": {"enabled": True}}
GRAVE = {"serious", "critical"}
# Rules whose answer depends on the width of the window.
NARROW = ["scrollable-region-focusable", "target-size", "button-name", "aria-hidden-focus"]
# The rows of a long table are alike, and axe takes seconds for a thousand of them.
AXE_ROWS = 12
_AXE = """async ([rules, only, rows, within]) => {
  const alike = [...document.querySelectorAll(`tbody tr:nth-child(n + ${rows + 1})`)];
  alike.forEach((row) => (row.hidden = true));
  const options = {resultTypes: ["violations"], rules, preload: false};
  if (only) Object.assign(options, {runOnly: {type: "rule", values: only}, rules: {}});
  const {violations} = await axe.run(within ?? document, options);
  alike.forEach((row) => (row.hidden = false));
  return violations.flatMap(({id, impact, nodes}) =>
    nodes.map((n) => [impact, `${id}: ${n.target.join(" ")} ${n.html.slice(0, 120)}`]));
}"""


def pages_of(html=HTML):
    """Return every page of a built site, without its ending, whoever wrote it."""
    found = (path.relative_to(html) for path in html.rglob("*.html"))
    return sorted(p.with_suffix("").as_posix() for p in found if p.parts[0] != "_static")


@cache
def read(path):
    """Return a page of the built site, read once."""
    return BeautifulSoup(path.read_text("utf-8"), "lxml")


def sample(names):
    """Return one in five of what is much alike; everything in the weekly run."""
    return names if EVERYTHING else names[::ONE_IN]


def watch(page, site):
    """Return a list that fills with what goes wrong on the page; block other hosts."""
    wrong: list[str] = []

    def outside(route):
        wrong.append(f"asked {route.request.url}")
        route.abort()

    def answered(answer):
        if answer.status >= 400:
            wrong.append(f"{answer.status} {answer.url}")

    page.route(re.compile(rf"^(?!{re.escape(site)}/|data:|blob:)"), outside)
    page.on("console", lambda m: wrong.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(f"page error: {error}"))
    page.on("requestfailed", lambda request: wrong.append(f"failed {request.url}"))
    page.on("response", answered)
    return wrong


@cache
def axe_script():
    """Return axe-core as a script."""
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def violations(page, only=None, within=None):
    """Return the serious violations that axe-core finds, by all its rules or those named."""
    if page.evaluate("typeof window.axe") == "undefined":
        page.evaluate(axe_script())
    found = page.evaluate(_AXE, [AXE_RULES, only, AXE_ROWS, within])
    return [text for impact, text in found if impact in GRAVE]


def weight(requests, html, site):
    """Return the bytes that a page and what it asked for weigh, charts and figures excluded.

    Uncompressed, as the test's own server sends them.
    """
    asked = {request.url.split("#")[0] for request in requests}
    paths = [html / url[len(site) + 1 :].split("?")[0] for url in asked if url.startswith(site)]
    light = [path for path in paths if path.is_file() and path.parent.name != "_images"]
    total = sum(path.stat().st_size for path in light if path.name not in {"vega.js", "charts.js"})
    charts = r'<script type="application/json"[^>]*>.*?</script>'
    for path in light:
        if path.suffix == ".html":
            found = re.findall(charts, path.read_text("utf-8"), re.DOTALL)
            total -= len("".join(found).encode("utf-8"))
    return total
