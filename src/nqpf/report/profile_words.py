"""Words of a province's page: links, ordinal numbers, sentences from parts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from nqpf import provinces
from nqpf.report.html import Html, both_names
from nqpf.report.picture import Picture
from nqpf.text import visible

if TYPE_CHECKING:
    from nqpf.data import Panel

__all__ = [
    "BASE",
    "TFP_NAMES",
    "Section",
    "apart",
    "bilingual",
    "folded",
    "joined",
    "link",
    "lowered",
    "measure_name",
    "measure_names",
    "ordinal",
    "page_key",
    "paragraph",
    "place",
    "province_link",
    "say",
    "span_of",
    "variable_name",
    "with_note",
]

BASE = "../.."  # from a page two folders deep, in the book and in its notebooks
TFP_NAMES = {
    "tfp": ("TFP, level", "全要素生产率水平"),
    "tfp_growth": ("TFP, growth", "全要素生产率增长"),
}


def page_key(code: int) -> str:
    """Return the name of a province's page, in plain letters.

    Examples
    --------
    >>> page_key(150000), page_key(140000), page_key(610000)
    ('inner-mongolia', 'shanxi', 'shaanxi')
    """
    # Letters alone: the name becomes part of a path and of an address.
    name = re.sub("[^a-z]+", "-", provinces.name(code).lower()).strip("-")
    return name[:60] or str(code)


def say(*parts: object) -> Html:
    """Join texts and pieces of a page to one piece; plain texts are escaped.

    Examples
    --------
    >>> say("a < b, ", Html("<b>c</b>", "c")).html
    'a &lt; b, <b>c</b>'
    """
    pieces = [part if isinstance(part, Html) else _plain(str(part)) for part in parts]
    return Html("".join(p.html for p in pieces), "".join(p.text for p in pieces))


def _plain(text: str) -> Html:
    shown = visible(text)
    return Html(escape(shown, quote=False), shown)


def joined(parts: Iterable[object], last: str = " and ") -> Html:
    """Join parts as in a sentence.

    Examples
    --------
    >>> joined(["a", "b", "c"])
    a, b and c
    """
    parts = list(parts)
    out: list[object] = []
    for position, part in enumerate(parts):
        if position:
            out.append(last if position == len(parts) - 1 else ", ")
        out.append(part)
    return say(*out)


def link(text: object, address: str) -> Html:
    """Return a link; the text may be a piece of a page."""
    inner = say(text)
    return Html(f'<a href="{escape(address)}">{inner.html}</a>', inner.text)


def bilingual(en: str, zh: str) -> Html:
    """Return a name in both languages, or once where both are the same."""
    en, zh = visible(en), visible(zh)
    return both_names(en, zh) if en != zh else say(en)


def with_note(name: Html, note: str) -> Html:
    """Return a name with a note below it.

    Examples
    --------
    >>> with_note(say("GDP"), "100 million yuan")
    GDP (100 million yuan)
    """
    below = say(note)
    return Html(f"{name.html}<br><small>{below.html}</small>", f"{name.text} ({below.text})")


def lowered(name: str) -> str:
    """Return a name as it stands within a sentence.

    Examples
    --------
    >>> lowered("Total energy consumption"), lowered("R&D personnel"), lowered("GDP per head")
    ('total energy consumption', 'R&D personnel', 'GDP per head')
    """
    return name if len(name) < 2 or not name[1].islower() else name[0].lower() + name[1:]


def province_link(code: int, both: bool = True) -> Html:
    """Return a link to the page of a province."""
    en, zh = provinces.name(code), provinces.name(code, "zh")
    address = f"{BASE}/book/provinces/{page_key(code)}.html"
    return link(bilingual(en, zh) if both else en, address)


def measure_name(measure: str) -> Html:
    """Return a measure's name in both languages, leading to the chapter that explains it."""
    page = "tfp/solow" if measure in TFP_NAMES else f"studies/{quote(measure)}"
    return link(bilingual(*measure_names(measure)), f"{BASE}/notebooks/{page}.html")


@lru_cache(maxsize=64)
def measure_names(measure: str) -> tuple[str, str]:
    """Return a measure's name in English and in Chinese.

    Examples
    --------
    >>> measure_names("han-2024"), measure_names("tfp")
    (('Han et al.', '韩文龙等'), ('TFP, level', '全要素生产率水平'))
    """
    from nqpf.systems import Study

    if measure in TFP_NAMES:
        return TFP_NAMES[measure]
    study = Study.load(measure)
    people = study.authors.zh.split("、")
    zh = f"{people[0]}等" if len(people) > 2 else study.authors.zh
    return study.short, zh


def variable_name(panel: Panel, key: str) -> Html:
    """Return a variable's name in both languages, leading to its line in the catalogue."""
    known = panel.catalogue.variables[key]
    name = bilingual(known.name.en, known.name.zh)
    if known.theme == "reader":  # the catalogue's page shows the embedded themes only
        return name
    return link(name, f"{BASE}/notebooks/data/panel.html#var-{quote(key)}")


def ordinal(rank: float) -> str:
    """Return a rank as an ordinal number.

    Examples
    --------
    >>> [ordinal(n) for n in (1, 2, 3, 11, 21, 30)]
    ['1st', '2nd', '3rd', '11th', '21st', '30th']
    """
    n = int(rank)
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th") if n % 100 not in (11, 12, 13) else "th"
    return f"{n}{suffix}"


def place(rank: float, of: float) -> str:
    """Return a rank among provinces in words.

    Examples
    --------
    >>> place(1, 31), place(31, 31), place(7, 30), place(1, 1)
    ('first of 31', 'last of 31', '7th of 30', 'the only one')
    """
    rank, of = int(rank), int(of)
    if of == 1:
        return "the only one"
    if rank in (1, of):
        return f"{'first' if rank == 1 else 'last'} of {of}"
    return f"{ordinal(rank)} of {of}"


def apart(places: float) -> str:
    """Return a number of places in words.

    Examples
    --------
    >>> apart(1), apart(0), apart(2.5)
    ('1 place', '0 places', '2.5 places')
    """
    return f"{places:g} place" if places == 1 else f"{places:g} places"


def span_of(years: Iterable[int]) -> str:
    """Return years as runs with true dashes.

    Examples
    --------
    >>> span_of([2018, 2019, 2020, 2022])
    '2018–2020, 2022'
    """
    from nqpf.systems.matrix import span

    return span(years).replace("-", "–")


@dataclass(frozen=True)
class Section:
    """A part of a province's page: a heading in both languages and what stands below it."""

    title: str
    zh: str
    body: tuple[Html | Picture, ...]

    @property
    def anchor(self) -> str:
        """Name of the place on the page, as Sphinx makes it from the heading."""
        return "-".join(re.findall(r"[a-z0-9]+", self.title.lower()))

    def html(self) -> str:
        """Return the body as HTML."""
        return "\n".join(
            part.html() if isinstance(part, Picture) else part.html for part in self.body
        )

    def text(self) -> str:
        """Return the body as plain text."""
        return "\n".join(repr(part) for part in self.body)


def paragraph(*parts: object) -> Html:
    """Return a paragraph of texts and pieces of a page; parts that are empty are left out."""
    inner = say(*(part for part in parts if part != ""))
    return Html(f"<p>{inner.html}</p>", f"{inner.text}\n")


def folded(summary: str, content: Html) -> Html:
    """Return content that opens at a click."""
    return Html(
        f"<details><summary>{escape(summary)}</summary>\n{content.html}\n</details>",
        f"{summary}\n{content.text}",
    )
