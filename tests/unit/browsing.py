"""What tests in a browser share: which pages there are, what goes wrong on one, axe-core."""

import os
from functools import cache
from importlib.resources import files
from pathlib import Path

from bs4 import BeautifulSoup
from lxml.html import parse
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
# The sources of the pages, as the contents name them.
CHAPTERS = {name: ROOT / f"{name}.md" for name in parse_toc_yaml(str(ROOT / "book/_toc.yml"))}
WIDTHS = {"desk": 1280, "phone": 390}
# The weekly run looks at everything; others at a sample where pages or states are much alike.
EVERYTHING = os.environ.get("NQPF_EVERYTHING") == "1"
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


def is_page(path):
    """Tell a page of the book from a deck of slides and from what the theme holds."""
    return "_static" not in path.parts and not path.name.endswith(".slides.html")


@cache
def read(path):
    """Return a page of the built site, read once."""
    return BeautifulSoup(path.read_text("utf-8"), "lxml")


@cache
def tree(path):
    """Return a page for a parser that asks it for much."""
    return parse(path).getroot()


def sample(names):
    """Return one in five of what is much alike; everything in the weekly run."""
    return names if EVERYTHING else names[::ONE_IN]


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
