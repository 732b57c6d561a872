"""Every term of the glossary leads to the chapter that explains it, by link and by search."""

import re

from browsing import CHAPTERS, read

HAN = re.compile(r"[\u3400-\u9fff—]{2,}")
_LINK = re.compile(r"See \[\]\(\.\./(notebooks/[\w/-]+)\)")


def entries():
    """Return the terms and the pages that each of them sends a reader to."""
    body = CHAPTERS["book/glossary"].read_text("utf-8").partition(":::{glossary}\n")[2]
    blocks = re.split(r"\n\n(?=\S)", body.rpartition(":::")[0].strip())
    return {block.split("\n", 1)[0]: _LINK.findall(block) for block in blocks}


def chinese(term):
    """Return the Chinese names in a term; 与 joins two names that texts use apart.

    Examples
    --------
    >>> chinese("direct and indirect effect 直接效应与间接效应")
    ['直接效应', '间接效应']
    """
    return HAN.findall(term.replace("与", " "))


def test_terms_are_in_order_none_twice_and_each_has_a_chapter():
    terms = list(entries())
    assert len(terms) > 50 and terms == sorted(set(terms), key=str.lower)
    assert [term for term, pages in entries().items() if not pages] == []


def test_the_chapter_of_a_term_names_it_in_chinese(html):
    pages = {page for pages in entries().values() for page in pages}
    words = {page: read(html / f"{page}.html").find("article").get_text() for page in pages}
    pairs = [(term, page) for term, pages in entries().items() for page in pages]
    assert [(t, page) for t, page in pairs if not all(n in words[page] for n in chinese(t))] == []


def test_search_for_a_term_offers_its_chapter_and_the_glossary(visit, site):
    search, missed = visit(f"{site}/search.html"), []
    search.evaluate("bookSearch.ready")
    for term, pages in entries().items():
        found = search.evaluate("query => bookSearch.rank(query)", " ".join(chinese(term)))
        first = {result["page"]: result["anchor"] for result in found[:4]}
        missed += [(term, page, first) for page in pages if page not in first]
        if not first.get("book/glossary", "").startswith("term-"):
            missed.append((term, "book/glossary", first))
    assert missed == []
