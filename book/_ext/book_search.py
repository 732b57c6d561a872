"""Full-text search in English and Chinese, without a dictionary.

Chinese is written without spaces. The index holds every pair of neighbouring
Chinese characters, and the browser cuts a query in the same way, so each word
of two characters or more is found wherever it stands.

The listing on the search page is the book's own (book/_static/search.js), because Sphinx's fetches
each page for its excerpt and marks words in menus; Sphinx's script stays for stemmer and index.
An empty query, no result and a partial one are said in both languages, in a line that screen
readers announce. search-key.js repairs the key ``/`` and marks words in the opened article alone.
"""

from __future__ import annotations

import re

from sphinx.application import Sphinx
from sphinx.search import languages
from sphinx.search.en import SearchEnglish

# CJK Unified Ideographs with Extension A, and the compatibility ideographs.
HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_HAN_RUN = re.compile(f"[{HAN}]+")

_SPLIT_QUERY = r"""
function splitQuery(query) {
  const han = /[HAN]+/gu;
  const cut = (run) => Array.from({ length: run.length - 1 }, (_, i) => run.slice(i, i + 2));
  const pairs = (query.match(han) || []).flatMap((run) => (run.length === 1 ? [run] : cut(run)));
  const words = query.replace(han, " ").split(/[^\p{Letter}\p{Number}_]+/gu).filter((w) => w);
  return pairs.concat(words);
}
""".replace("HAN", HAN)


def pairs(run: str) -> list[str]:
    """Return the overlapping character pairs of a run of Chinese characters.

    Examples
    --------
    >>> pairs("生产率")
    ['生产', '产率']
    """
    return [run[i : i + 2] for i in range(len(run) - 1)]


class SearchEnglishChinese(SearchEnglish):
    """English words by their stems, Chinese by character pairs."""

    lang = "en-zh"
    language_name = "English and Chinese"
    js_splitter_code = _SPLIT_QUERY

    def split(self, text: str) -> list[str]:
        """Cut a text into the terms that the index keeps.

        Single Chinese characters are kept too, for queries of one character.
        """
        terms = []
        for run in _HAN_RUN.findall(text):
            terms += [*run, *pairs(run)]
        return terms + super().split(_HAN_RUN.sub(" ", text))


def setup(app: Sphinx) -> dict[str, object]:
    """Register the language as ``html_search_language = "en-zh"``."""
    languages[SearchEnglishChinese.lang] = SearchEnglishChinese
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
