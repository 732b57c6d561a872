"""Put into Chinese what no chapter's prose holds: tables, figures, the theme's and our own words.

The chapters of the Chinese edition are written by scripts/translate.py from their catalogues. What
code or a template writes is translated here, page by page, by the catalogue of the library and that
of the book (:func:`nqpf.chinese.chinese`). Each page links to its twin in the other language.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from lxml import html
from sphinx.application import Sphinx

from nqpf.chinese import _chart_in_chinese, chinese
from nqpf.report.explore import _json

LANGUAGE = "zh_CN"  # of the edition
FOLDER = "zh"  # of the site
_SAID = ("alt", "aria-label", "title", "placeholder", "data-english")
# Within a sentence; any other element begins a new one.
_INLINE = set("a abbr b cite code em i img kbd mark q small span strong sub sup wbr".split())
_NOT_RUNNING = set("script style pre code textarea svg math".split())
_CITED = {"citation-list", "citation"}  # works keep the language that they are written in
_FENCED = re.compile(r"^(`{3,}).*?^\1\s*$", re.M | re.S)
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.M)
_DRAWN = "//*[contains(@class, 'vega-chart') or contains(@class, 'nqpf-try')]/script"
_SIGN = 0xE000  # the first of the characters that stand for parts of a sentence


def in_chinese(page: html.HtmlElement, name: str) -> None:
    """Translate every text of a page that the catalogues know; lead to the one map of outputs."""
    outputs = f"{'../' * name.count('/')}outputs/"
    for link in page.xpath("//a[starts-with(@href, $map)]", map=outputs):
        link.set("href", f"../{link.get('href')}")
    for chart in page.xpath(_DRAWN):
        chart.text = _json(_chart_in_chinese(json.loads(chart.text)))
    for element in page.iter():
        if isinstance(element.tag, str):
            for name in _SAID:
                if element.get(name) and (said := chinese(element.get(name))):
                    element.set(name, said)
    for marked in page.xpath("//span[starts-with(@lang, 'zh')]"):
        marked.drop_tag()  # nothing but Chinese is left
    for element, first, run in list(_runs(page)):
        key = _key(element, first, run)
        if (said := chinese(key)) and said != key:
            _put(element, first, run, said)


_Run = tuple[html.HtmlElement, int, list[html.HtmlElement]]


def _runs(element: html.HtmlElement) -> Iterator[_Run]:
    """Cut a page into sentences: an element, where in it one begins, and its inline parts."""
    classes = {*element.get("class", "").split()}
    if element.tag in _NOT_RUNNING or _CITED & classes or element.get("lang") == "en":
        return
    first, run = 0, []
    for place, child in enumerate(element):
        if child.tag in _INLINE:
            run.append(child)
        else:
            yield element, first, run
            first, run = place + 1, []
    yield element, first, run
    for child in element:
        if isinstance(child.tag, str):
            yield from _runs(child)


def _key(element: html.HtmlElement, first: int, run: list[html.HtmlElement]) -> str:
    lead = element[first - 1].tail if first else element.text
    parts = (f"{chr(_SIGN + place)}{one.tail or ''}" for place, one in enumerate(run))
    return " ".join(f"{lead or ''}{''.join(parts)}".split())


def _put(element: html.HtmlElement, first: int, run: list[html.HtmlElement], said: str) -> None:
    """Write a sentence in place of another, its inline parts in the order of the new one."""
    lead, *rest = re.split("([\ue000-\uf8ff])", said)
    for one in run:
        element.remove(one)  # with its tail, which is set below
    if first:
        element[first - 1].tail = lead
    else:
        element.text = lead
    signs = zip(rest[::2], rest[1::2], strict=True)
    for place, (sign, tail) in enumerate(signs, first):
        part = run[ord(sign) - _SIGN]
        part.tail = tail
        element.insert(place, part)


def keep_anchors(app: Sphinx, doctree: nodes.document) -> None:
    """Give each section of a Chinese page the anchor that it has in English, so that links hold."""
    english = Path(app.srcdir).parents[1] / f"{app.env.docname}.md"
    if app.config.language != LANGUAGE or not english.is_file():
        return
    prose = _FENCED.sub("", english.read_text("utf-8"))
    titles = [re.sub(r"\{\w+\}|[*`$]", "", one) for one in _HEADING.findall(prose)]
    sections = list(doctree.findall(nodes.section))
    for section, title in zip(sections, titles, strict=len(titles) == len(sections)):
        anchor = nodes.make_id(title)
        if anchor and anchor not in section["ids"]:
            section["ids"].insert(0, anchor)


def add_switch(page: html.HtmlElement, twin: str, to_chinese: bool) -> None:
    """Link a page to the same page in the other language, in the line of its buttons."""
    for place in page.find_class("article-header-buttons"):
        lang, name = ("zh-CN", "中文") if to_chinese else ("en", "English")
        about = {"class": "btn btn-sm language-switch", "href": twin, "hreflang": lang}
        link = place.makeelement("a", about | {"lang": lang, "rel": "alternate"})
        link.text = name
        place.insert(0, link)
