"""Have each page load what it needs, correct it, and lighten the site when all pages are written.

A page that holds a chart written as ::

    <div class="vega-chart" role="img" aria-label="what the chart shows">
      <script type="application/json">the Vega-Lite specification</script>
    </div>

gets Vega and charts.js, which scripts/make_files.py wrote; no other page loads them. A page that
holds a box as :func:`nqpf.report.explorer` makes it gets the scripts ``explorer*.js`` and
``explorer.css``. The box's figures, about a megabyte, go from the page to ``<page>.data.js`` beside
it, so that text and table stand before the figures have come; a script, as a page opened from a
folder may not fetch anything else.

The corrections hold for the theme's, the search's and any extension's page alike. They are for
readers who listen or use a keyboard (headings of tables that say what they head, Chinese marked as
Chinese, which also picks the right shapes of its characters, landmarks with names) and for readers
with a slow line: as the theme ships them, each page loads 1.5 MB of icons as a script, the index of
the search and half a megabyte of style sheets, most of it for things that no page of the book has.
A class that only an outside script would set is not styled.
"""

import hashlib
import io
import os
import posixpath
import re
import shutil
from copy import deepcopy
from html import escape
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import imagesize
import yaml
from book_chinese import FOLDER, LANGUAGE, add_switch, in_chinese, keep_anchors
from book_search import HAN
from book_templates import write_once
from fontTools import subset
from lxml import etree, html
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri

MADE = Path(__file__).resolve().parents[2] / "_build" / "made"
_DATA = re.compile(r'<script type="application/json" class="explorer-data">(.*?)</script>', re.S)
# What pages load and what they do not, and the names of their places.
_SET = yaml.safe_load(Path(__file__).with_name("pages.yaml").read_text("utf-8"))

# Text in these is no running text.
_NOT_RUNNING = set("script style pre code textarea title svg math option".split())
# From the first Chinese character to the last, over Chinese punctuation between them.
_CHINESE = re.compile(f"([{HAN}](?:[{HAN}\u3000-\u303f\uff00-\uffef\u00b7]*[{HAN}\uff09\u300b])?)")

_CLASSES = re.compile(r'class="([^"]*)"')
_WORD = re.compile(r"[A-Za-z_][\w-]*")
_SCRIPTS_NOT_READ = ("mathjax", "vega.js")  # too large to matter
# A script puts these names together from parts.
_MADE = re.compile(r"(?:bs-|tooltip|popover|dropdown|modal|collaps|show|fade|btn-close)")
_RULE = re.compile(r"([^{};]+)(\{[^{}]*\})")
_EMPTY = re.compile(r"@(?:media|supports|container|layer)[^{};]*\{\s*\}")
_ICON = re.compile("\\\\([ef][0-9a-f]{3})|([\ue000-\uf8ff])")
_FONT = re.compile(r"src:url\(([^)]*?fa-[\w-]+)\.woff2\)[^;}]*")
_MARKED = {"current", "active"}
_LINK = re.compile(r'\b(_static/[^"?]*\.css)(?:\?[^"]*)?"')


def _scripts_of_page(app: Sphinx, page: str, _name: str, context: dict, _tree: object) -> None:
    """Load what the page needs, and move the explorer's figures out of it."""
    body = context.get("body", "")
    marked = f'{body} page="{page}"'
    for mark, files in _SET["loaded"].items():
        for file in files if mark in marked else ():
            if file.endswith(".css"):
                app.add_css_file(file)
            else:
                app.add_js_file(file, loading_method="defer")
    # The theme writes the title into the page as it is, after undoing its escapes.
    if context.get("pagetitle"):
        context["pagetitle"] = escape(context["pagetitle"], quote=False)
    figures = _DATA.findall(body)
    if figures:
        path, text = Path(app.outdir) / f"{page}.data.js", ",\n".join(figures)
        start = "(window.nqpfExplorer = window.nqpfExplorer || {}).data = "
        write_once(path, f"{start}[\n{text}\n];\n")
        context["body"] = f'{_DATA.sub("", body)}<script defer src="{path.name}"></script>'


def corrected(
    source: str, name: str, images: Path, near: str, translated: bool = False, twin: str = ""
) -> str:
    """Return a page with all corrections.

    Parameters
    ----------
    source : str
        The HTML.
    name : str
        The page's name; ``search`` keeps the scripts of the search as they are.
    images : Path
        Folder for the figures.
    near : str
        Its address from the page.
    translated : bool
        Whether the page is one of the Chinese edition.
    twin : str
        Address of the page in the other language, if there is one.
    """
    page = html.document_fromstring(source)
    _drop_scripts(page, name)
    _name_places(page)
    # Each exercise and each solution would hold a section of the same name.
    for section in page.xpath("//section[@id='exercise-content' or @id='solution-content']"):
        section.drop_tag()
    for style in page.xpath("//style[@scoped]"):
        style.drop_tree()
    for table in page.xpath("//table[@border][contains(@class, 'dataframe')]"):
        _correct_frame(table)
    for place, image in enumerate(page.xpath("//img[starts-with(@src, 'data:image/')]")):
        drawn = image.attrib.pop("data-zh", None)  # the same in Chinese
        if translated and drawn:
            image.set("src", drawn)
        elif not translated:
            image.attrib.pop("data-english", None)  # what of it has no Chinese
        image.set("src", f"{near}/{_figure_to_file(image, images, lazy=place > 0)}")
    if twin:
        add_switch(page, twin, not translated)
    if translated:
        in_chinese(page, name)
    else:
        _mark_chinese(page)
    return html.tostring(page, encoding="unicode", doctype="<!DOCTYPE html>")


def _drop_scripts(page: html.HtmlElement, name: str) -> None:
    """Remove the scripts that a page has no use for and let the others wait for the text."""
    unused, seen = [*_SET["unused"]], set()
    unused += [] if name == "search" else _SET["search only"]
    unused += [] if page.find_class("sd-tab-set") else ["design-tabs.js"]
    for element in page.xpath("//script | //link[@rel='stylesheet']"):
        file, body = element.get("src") or element.get("href") or "", element.text or ""
        says = f"{file} {element.get('type')} {body[:400]}"
        again = "togglebutton" in body and body in seen  # by two extensions
        seen.add(body)
        if again or any(one in says for one in unused):
            element.drop_tree()
        # Other scripts read what this one writes while the page is still being read.
        elif element.get("src") and name != "search" and "documentation_options" not in file:
            element.set("defer", "defer")


def _name_places(page: html.HtmlElement) -> None:
    """Make the sidebar a landmark; give each dialog and each toggle of the sidebar a name."""
    for place in page.xpath("//*[@id]"):
        place.attrib.update(_SET["names"].get(place.get("id"), {}))
    for toggle in page.xpath("//li/details/summary"):
        link = toggle.xpath("ancestor::li[1]//a")[0]
        toggle.set("aria-label", f"Pages of: {link.text_content().strip()}")
    # docutils' list of works has entries that are no items of a list.
    for works in page.find_class("citation-list"):
        works.attrib.pop("role", None)


def _correct_frame(table: html.HtmlElement) -> None:
    """Say of every heading in a table of pandas what it heads; no heading stays empty.

    A row that only names the index joins the row of the columns' names.
    """
    etree.strip_attributes(table, "border", "halign", "valign")  # none of today's HTML
    rows = table.xpath("thead/tr")
    if len(rows) == 2 and len(rows[0]) == len(rows[1]):
        pairs = list(zip(*rows, strict=True))
        if not any(above.text and below.text for above, below in pairs):
            for above, below in pairs:
                above.text = above.text or below.text
            rows[1].drop_tree()
    for heading in table.iter("th"):
        if not heading.text_content().strip():
            heading.tag = "td"
            continue
        scope, span = ("col", "colspan") if heading.xpath("ancestor::thead") else ("row", "rowspan")
        heading.set("scope", scope + ("group" if heading.get(span, "1") != "1" else ""))


def _figure_to_file(image: html.HtmlElement, folder: Path, lazy: bool) -> str:
    """Take a figure out of a page, whose text need not wait for it; return its file's name.

    It gets its height, so that nothing moves when it arrives; those after the first are asked for
    when the reader comes near them, or prints.
    """
    with urlopen(image.get("src")) as data:  # noqa: S310 - an address that is its own content
        content, kind = data.read(), data.headers.get_content_subtype()
    name = hashlib.sha256(content).hexdigest()[:16] + (".png" if kind == "png" else ".svg")
    write_once(folder / name, content)
    width, height = imagesize.get(io.BytesIO(content))
    height = round(int(image.get("width")) * height / width)
    more = {"loading": "lazy"} if lazy else {}
    image.attrib.update({"decoding": "async", "height": str(height)} | more)
    return name


def _mark_chinese(page: html.HtmlElement) -> None:
    """Wrap Chinese text in an element that says so, where none does yet."""
    for text in page.body.xpath(".//text()"):
        lead, *rest = _CHINESE.split(text)
        if not rest:
            continue
        beside = text.getparent()
        home = beside.getparent() if text.is_tail else beside
        within = [home, *home.iterancestors()]
        if any(e.tag in _NOT_RUNNING or e.get("lang", "").startswith("zh") for e in within):
            continue
        if text.is_tail:
            beside.tail, start = lead, home.index(beside) + 1
        else:
            beside.text, start = lead, 0
        for place, (words, tail) in enumerate(zip(rest[::2], rest[1::2], strict=True), start):
            span = home.makeelement("span", lang="zh")
            span.text, span.tail = words, tail
            home.insert(place, span)


def keep_used(css: str, words: set[str]) -> str:
    """Return the rules of a sheet whose classes all occur among `words`.

    Examples
    --------
    >>> keep_used(".card { color: red } .note, .card > a { top: 0 } p { left: 0 }", {"note"})
    '.note{ top: 0 }p{ left: 0 }'
    """

    def used(selector: str) -> bool:
        # What stands in brackets is a choice or a denial and decides nothing.
        bare = re.sub(r"\\.|\[[^\]]*\]|\((?:[^()]|\([^()]*\))*\)", "", selector)
        names = re.findall(r"\.(-?[A-Za-z_][\w-]*)", bare)
        return all(name in words or _MADE.match(name) for name in names)

    def lighter(rule: re.Match[str]) -> str:
        # Cut at the commas between selectors, not at those within ``:is()``.
        kept = [part.strip() for part in re.split(r",(?![^(]*\))", rule[1]) if used(part)]
        return ",".join(kept) + rule[2] if kept else ""

    return _EMPTY.sub("", _RULE.sub(lighter, re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)))


def lighten(site: Path, own: set[str]) -> None:
    """Reduce the sheets and icon fonts of a built site to what its pages use.

    Sphinx copies the theme's sheets anew in each build, so they are rewritten where they stand.
    Pages load them under a version made from the content, so that a browser never holds an old
    sheet against a new page.

    Parameters
    ----------
    site : Path
        Folder of the site.
    own : set of str
        Names of the book's own sheets, which are left as they are.
    """
    static = site / "_static"
    for path in (found for pattern in _SET["not shipped"] for found in static.glob(pattern)):
        path.unlink()
    files = (path for path in site.rglob("*.html") if static not in path.parents)
    pages = {path: path.read_text("utf-8") for path in files}
    words = {*" ".join(name for text in pages.values() for name in _CLASSES.findall(text)).split()}
    for script in static.rglob("*.js"):
        if not any(name in str(script) for name in _SCRIPTS_NOT_READ):
            words.update(_WORD.findall(script.read_text("utf-8")))
    paths = (path for path in static.rglob("*.css") if path.name not in own)
    sheets = {path: keep_used(path.read_text("utf-8"), words) for path in paths}
    drawn = (icon for text in sheets.values() for icon in _ICON.findall(text))
    icons = sorted({code or f"{ord(character):x}" for code, character in drawn})
    versions = {}
    for sheet, text in sheets.items():
        text = _FONT.sub(lambda font, at=sheet.parent: _with_icons(at, font[1], icons), text)
        write_once(sheet, text)
        versions[sheet.relative_to(site).as_posix()] = _digest(text.encode())
    for path, text in pages.items():
        # The theme's first sheet is nothing but the address of Sphinx's.
        text = _LINK.sub(
            lambda link: f'{link[1]}?v={versions[link[1]]}"' if link[1] in versions else link[0],
            text.replace("_static/styles/theme.css", "_static/basic.css"),
        )
        write_once(path, text)


def _with_icons(folder: Path, font: str, icons: list[str]) -> str:
    """Write a font with some icons only; return how a sheet names it."""
    source = (folder / font).resolve().with_suffix(".ttf")
    target = source.with_suffix(".woff")
    options = ["--flavor=woff", "--no-hinting", "--notdef-outline", "--name-IDs=*"]
    subset.main([str(source), f"--unicodes={','.join(icons)}", f"--output-file={target}", *options])
    return f'src:url({font}.woff?v={_digest(target.read_bytes())}) format("woff")'


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:10]


def _begin(app: Sphinx) -> None:
    """Have each page of a site pass through the corrections between its template and its file."""
    if app.builder.format != "html":
        return
    if MADE.is_dir():
        shutil.copytree(MADE, app.outdir, dirs_exist_ok=True)
    translated = app.config.language == LANGUAGE
    rendered = app.builder.templates.render

    def render(template: str, context: dict[str, Any]) -> str:
        page = rendered(template, context)
        if "<!DOCTYPE" not in page[:100]:  # a part of a page
            return page
        name, near = context.get("pagename", ""), context["pathto"]("_images", 1)
        there = f"../{name}" if translated else f"{FOLDER}/{name}"
        both = os.environ.get("NQPF_EDITIONS") and not name.startswith("outputs/")
        twin = f"{'../' * name.count('/')}{there}.html" if both and name else ""
        return corrected(page, name, Path(app.outdir, "_images"), near, translated, twin)

    app.builder.templates.render = render
    _make_sidebar_once(app)
    app.connect("html-page-context", _scripts_of_page, priority=900)
    # After whatever else writes pages.
    app.connect("build-finished", _finish, priority=950)


def _one_sidebar(app: Sphinx, page: str, template: str, context: dict, _doctree: object) -> None:
    """Make the sidebar once for all pages, which differ by their addresses and by what is open."""
    made, kept = context.get("generate_toctree_html"), app.__dict__.setdefault("book_sidebar", [])

    def placed(**options: object) -> str:
        own = app.builder.get_target_uri(page)
        if not kept:
            kept.append(_of_no_page(html.fragment_fromstring(str(made(**options)), "div"), own))
        sidebar = deepcopy(kept[0])
        for link in sidebar.iter("a"):
            address = link.get("href")
            link.set("href", relative_uri(own, address) or "#")
            for around in [link, *link.iterancestors()] if address == own else ():
                if around.tag in ("a", "ul", "li"):
                    more = "current active" if around.tag == "li" else "current"
                    around.set("class", f"{around.get('class', '')} {more}".strip())
                for folded in around.findall("details"):
                    folded.set("open", "open")
        return "".join(html.tostring(one, encoding="unicode") for one in sidebar)

    context["generate_toctree_html"] = placed


def _make_sidebar_once(app: Sphinx) -> None:
    """Step in before the theme makes every part of a page once to see whether it is empty."""
    app.connect("html-page-context", _one_sidebar)
    steps = app.events.listeners["html-page-context"]
    made = [step.handler.__name__ for step in steps].index("add_toctree_functions")
    steps.insert(made + 1, steps.pop())


def _of_no_page(sidebar: html.HtmlElement, page: str) -> html.HtmlElement:
    """Undo what marks a page in its sidebar; give addresses from the top of the site."""
    for element in sidebar.iter("a", "li", "ul", "details"):
        element.attrib.pop("open", None)
        classes = [one for one in element.get("class", "").split() if one not in _MARKED]
        element.attrib.pop("class", None)
        if classes:
            element.set("class", " ".join(classes))
        if element.tag == "a":
            way = element.get("href")
            whole = posixpath.normpath(posixpath.join(posixpath.dirname(page), way))
            element.set("href", page if way == "#" else whole)
    return sidebar


def _finish(app: Sphinx, failure: Exception | None) -> None:
    if failure is None:
        own = Path(app.confdir, "book/_static").glob("*.css")
        lighten(Path(app.outdir), {path.name for path in own})


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps."""
    app.connect("builder-inited", _begin)
    app.connect("doctree-read", keep_anchors, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
