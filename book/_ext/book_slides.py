"""Slides of the core chapters, from the built pages: one per section, with what it shows first.

A deck stands beside its page, so that figures and formulas are found in the same places.
"""

from pathlib import Path

from book_templates import render, write_once
from lxml import etree, html
from sphinx.application import Sphinx

# By their pages; the page on teaching lists them.
DECKS = """index/by-hand index/weights index/aggregation studies/wang-wang-2024 studies/li-li-2024
tfp/solow tfp/malmquist tfp/green tfp/frontier comparison/baseline comparison/identification
comparison/thresholds comparison/multiverse comparison/certainty dynamics/spillovers
dynamics/forecast""".split()
DECKS = [f"notebooks/{name}" for name in DECKS]
# What a slide shows of its section: how it begins, a formula, a figure or else a table that a wall
# can hold, how it ends.
_TEXT = ".//p[not(ancestor::div[contains(@class, 'cell')]) and not(@class)]"
_SHOWN = (f"({_TEXT})[1]", "(.//div[contains(@class, 'math')])[1]", "(.//img)[1]")
_SHOWN += ("(self::*[not(.//img)]//table[count(.//tr) < 12])[1]", f"({_TEXT})[last()]")
_HEADS = "//script[contains(@src, 'mathjax') or contains(., 'MathJax')] | //link[@rel='icon']"
_ASIDE = {"exercises", "solutions"}


def deck(page: html.HtmlElement) -> list[dict[str, str]]:
    """Return the slides of a page: titles, and the HTML of what each shows."""
    for extra in page.xpath("//a[contains(@class, 'headerlink')] | //details"):
        extra.drop_tree()
    for wide in page.xpath("//div[contains(@class, 'math')] | //table"):
        wide.set("tabindex", "0")  # so that a keyboard scrolls it
    etree.strip_attributes(page, "loading")  # who turns many pages at once sees every figure
    found = []
    for section in page.xpath("//article//section[h1 or h2]"):
        if section.get("id") not in _ASIDE:
            title = section.xpath("h1 | h2")[0].text_content().strip()
            for inner in section.xpath("section[h2]"):
                inner.getparent().remove(inner)
            shown = dict.fromkeys(one for way in _SHOWN for one in section.xpath(way))
            body = "".join(html.tostring(one, encoding="unicode", with_tail=False) for one in shown)
            found.append({"title": title, "body": body})
    return found


def _finish(app: Sphinx, failure: Exception | None) -> None:
    paths = [Path(app.outdir) / f"{name}.html" for name in DECKS if failure is None]
    for path in filter(Path.is_file, paths if app.builder.name == "html" else ()):
        page = html.parse(str(path), html.HTMLParser(encoding="utf-8")).getroot()
        heads = "".join(html.tostring(one, encoding="unicode") for one in page.xpath(_HEADS))
        about = {"lang": page.get("lang"), "page": path.name, "heads": heads}
        slides = render("slides.html", slides=deck(page), **about)
        write_once(path.with_suffix(".slides.html"), slides)


def setup(app: Sphinx) -> dict[str, object]:
    """Write the decks once all pages are written."""
    app.connect("build-finished", _finish, priority=960)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
