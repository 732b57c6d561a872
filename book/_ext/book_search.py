"""Full-text search in English and Chinese, without a dictionary.

Chinese is written without spaces. Sphinx's index holds every pair of neighbouring Chinese
characters, so each word of two is found wherever it stands.

The listing on the search page is the book's own (book/_static/search.js), because Sphinx's fetches
each page for its excerpt and marks words in menus; Sphinx's script stays for stemmer and index.
An empty query, no result and a partial one are said in both languages, in a line that screen
readers announce. search-key.js repairs the key ``/`` and marks words in the opened article alone.

Sphinx's index says which words a page has, not how often, nor where. This one keeps the
titles, headings and sentences themselves, in one script that also runs from a ``file:``
address: the browser counts words in it (book/_static/search-rank.js) and cuts its
excerpts from it. Code, formulas, outputs and large tables are left to Sphinx's index.

The browser ranks by BM25 over title, glossary terms, headings, Chinese terms in brackets and
prose; a chapter has the terms whose entries link to it. A run of Chinese is cut into the fewest
pieces that stand in the book; endings that texts leave out (法, 模型, 估计) help the order but are
not required. All other words are; when no page has them all, the best of the rest are shown and
the missing words named. Pages that quote rather than explain carry a factor below one, and lengths
and rarities are those of the chapters. A definition stands second at the latest when the query is
a term of the glossary. Of the sixty-two tested queries ten were held out of the tuning.
"""

import json
import posixpath
import re
from collections import defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path

from book_templates import write_once
from docutils import nodes
from lxml.html import fragment_fromstring
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.search import languages
from sphinx.search.en import SearchEnglish

from nqpf import provinces

# CJK Unified Ideographs with Extension A, and the compatibility ideographs.
HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_HAN_RUN = re.compile(f"[{HAN}]+")

FILE = "searchtext.js"
_START = "window.bookSearchText = "
_SKIPPED = (nodes.literal_block, nodes.raw, nodes.comment, nodes.math_block, nodes.system_message)
_LARGEST_TABLE = 600  # characters; a reader of search results wants sentences
_LONGEST_FORMULA = 20
_LONGEST_OPENING = 80  # characters of a generated section
_ALIASES = {"西藏": "Xizang", "内蒙古": "Nei Mongol"}


class SearchEnglishChinese(SearchEnglish):
    """English words by their stems, Chinese by character pairs."""

    lang = "en-zh"
    language_name = "English and Chinese"
    stem = cache(SearchEnglish.stem)

    def split(self, text: str) -> list[str]:
        """Cut a text into the terms that the index keeps.

        Single Chinese characters are kept too, for queries of one character.
        """
        terms = []
        for run in _HAN_RUN.findall(text):
            terms += [*run, *map("".join, pairwise(run))]
        return terms + super().split(_HAN_RUN.sub(" ", text))


def plain(node: nodes.Node) -> str:
    """Return the words of a node as a reader sees them, on one line."""
    return " ".join(_pieces(node).split())


def _pieces(node: nodes.Node) -> str:
    if isinstance(node, _SKIPPED):
        return ""
    if isinstance(node, nodes.Text):
        return node.astext()
    if isinstance(node, nodes.math):
        source = node.astext()
        return "…" if "\\" in source or len(source) > _LONGEST_FORMULA else source
    if isinstance(node, nodes.table) and len(node.astext()) > _LARGEST_TABLE:
        return ""
    joined = "".join(_pieces(child) for child in node.children)
    # Blocks are set apart; words inside a sentence stand as they are written.
    return joined if isinstance(node, nodes.Inline) else f" {joined} "


def opening(node: nodes.Node) -> str:
    """Return the start of the first paragraph of generated HTML, for a section without prose.

    Examples
    --------
    >>> opening(nodes.raw("", "<div><p>R&amp;D <b>grew</b>.</p><p>More.</p></div>", format="html"))
    'R&D grew.'
    """
    parts = (fragment_fromstring(raw.astext(), "div") for raw in node.findall(nodes.raw))
    texts = (" ".join(one.text_content().split()) for part in parts for one in part.iter("p"))
    return next(filter(None, texts), "")[:_LONGEST_OPENING]


def sections(doctree: nodes.Node) -> list[list[str]]:
    """Return the sections of a page as ``[anchor, heading, text]``, in reading order.

    The first is the page itself: its anchor is empty and its heading is the title.
    A glossary's entries are sections of their own.
    """
    found: list[list[str]] = []

    def walk(node: nodes.Node, current: list[str]) -> None:
        for child in node.children:
            if isinstance(child, nodes.section):
                heading = plain(child.next_node(nodes.title))
                if heading == "Exercises":  # what they ask for is explained above them
                    continue
                found.append([child["ids"][0] if found else "", heading, ""])
                walk(child, found[-1])
            elif isinstance(child, addnodes.glossary):
                found.extend([anchor, term, text] for anchor, term, text, _ in entries(child))
            elif not isinstance(child, nodes.title):
                current[2] = f"{current[2]} {plain(child)}".strip()
        own = (child for child in node.children if not isinstance(child, nodes.section))
        current[2] = current[2] or next(filter(None, map(opening, own)), "")

    walk(doctree, ["", "", ""])
    return found


def entries(glossary: nodes.Node) -> list[tuple[str, str, str, list[str]]]:
    """Return a glossary's entries: anchor, term, definition and the addresses it links to."""
    found = []
    for item in glossary.findall(nodes.definition_list_item):
        term, body = item.next_node(nodes.term), item.next_node(nodes.definition)
        links = [link for link in body.findall(nodes.reference) if link.get("internal")]
        # A link to another entry of the same page has a refid and no address.
        pages = [link["refuri"] for link in links if "refuri" in link]
        found.append((term["ids"][0], plain(term), plain(body), pages))
    return found


def explained(page: str, doctree: nodes.Node) -> dict[str, list[str]]:
    """Return, for each page that a glossary links to, the terms that it explains."""
    terms: dict[str, dict[str, None]] = defaultdict(dict)
    for glossary in doctree.findall(addnodes.glossary):
        for _, term, _, links in entries(glossary):
            for link in links:
                target = posixpath.join(posixpath.dirname(page), link.partition(".html")[0])
                terms[posixpath.normpath(target)][term] = None
    return {page: list(found) for page, found in terms.items()}


def other_names(title: str) -> list[str]:
    """Return what else readers call the province of a title, none if it is no province's.

    Examples
    --------
    >>> other_names("Tibet 西藏"), other_names("The panel")
    (['西藏自治区', 'Xizang'], [])
    """
    table = provinces._table()
    found = table[table["en"] + " " + table["zh"] == title].itertuples()
    return [name for row in found for name in (row.zh_full, _ALIASES.get(row.zh)) if name]


def read(path: Path) -> dict[str, dict]:
    """Return the pages of an earlier build, none if there was none."""
    source = path.read_text("utf-8") if path.is_file() else "[]"
    return {one["name"]: one for one in json.loads(source.removeprefix(_START).rstrip(";\n"))}


def write(pages: dict[str, dict], path: Path) -> None:
    """Write the pages in the order of their names, as a script."""
    ordered = [pages[name] for name in sorted(pages)]
    text = json.dumps(ordered, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    write_once(path, f"{_START}{text};\n")


def _collect(app: Sphinx, doctree: nodes.document, page: str) -> None:
    if "nosearch" in app.env.metadata.get(page, {}):
        return
    record = {"name": page, "sections": sections(doctree)}
    more = {"explains": explained(page, doctree), "names": other_names(record["sections"][0][1])}
    record |= {key: value for key, value in more.items() if value}
    app.__dict__.setdefault("book_search_pages", {})[page] = record


def _finish(app: Sphinx, exception: Exception | None) -> None:
    """Write the pages of this build, and those of the last one that did not change."""
    if exception is not None or app.builder.format != "html":
        return
    path = Path(app.outdir) / FILE
    pages = read(path) | app.__dict__.get("book_search_pages", {})
    write({name: pages[name] for name in pages if name in app.env.found_docs}, path)


def setup(app: Sphinx) -> dict[str, object]:
    """Register the language ``en-zh``; collect each page, write the script when all are."""
    languages[SearchEnglishChinese.lang] = SearchEnglishChinese
    app.connect("doctree-resolved", _collect)
    app.connect("build-finished", _finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
