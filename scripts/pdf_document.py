"""The whole book as one HTML document: title, contents, parts, chapters."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

import yaml
from pdf_page import Page, link_pages, read_page
from pdf_toc import Part, read_toc

# Their sections repeat from one page to the next; the contents list the pages alone.
_NO_SECTIONS = ("book/provinces/", "book/glossary", "book/bibliography", "book/status")
_FONTS = {
    # Family, weight and style of the files in the print folder; all come from Python packages.
    "STIXGeneral.ttf": ("Book", 400, "normal"),
    "STIXGeneralItalic.ttf": ("Book", 400, "italic"),
    "STIXGeneralBol.ttf": ("Book", 700, "normal"),
    "STIXGeneralBolIta.ttf": ("Book", 700, "italic"),
    "NotoSansSC-Regular.ttf": ("Noto Sans SC", 400, "normal"),
    "DejaVuSansMono.ttf": ("DejaVu Sans Mono", 400, "normal"),
    "DejaVuSansMono-Bold.ttf": ("DejaVu Sans Mono", 700, "normal"),
    "DejaVuSans.ttf": ("DejaVu Sans", 400, "normal"),
}
TITLE_ZH = "新质生产力测度：一本可执行的综述"


@dataclass
class Book:
    """What is printed, and the places that the contents give page numbers for.

    Attributes
    ----------
    title, author, version : str
        As in CITATION.cff.
    first : Page
        The page before the first part.
    parts : list
        Each part with its pages.
    """

    title: str
    author: str
    version: str
    licences: list[str]
    abstract: str
    first: Page
    parts: list[tuple[Part, list[Page]]]

    @property
    def pages(self) -> list[Page]:
        """Every page in order."""
        return [self.first, *(page for _, pages in self.parts for page in pages)]


def read_book(html: Path, toc: Path, citation: Path, root: Path) -> Book:
    """Read the built pages in the order of the table of contents.

    Parameters
    ----------
    html : Path
        The folder of the built pages.
    toc, citation : Path
        ``book/_toc.yml`` and ``CITATION.cff``.
    root : Path
        The folder that the names in `toc` start from.

    Returns
    -------
    Book
        Its links are internal already.
    """
    first, parts = read_toc(toc, root)
    names = [first, *(name for part in parts for name in part.pages)]
    absent = [name for name in names if not (html / f"{name}.html").is_file()]
    if absent:
        raise SystemExit(f"not built: {', '.join(absent)}; run `make book` first")
    pages = {
        name: read_page(html, name, number, shift=int(name != first))
        for number, name in enumerate(names)
    }
    link_pages(list(pages.values()))
    about = yaml.safe_load(citation.read_text("utf-8"))
    licences = about["license"] if isinstance(about["license"], list) else [about["license"]]
    return Book(
        about["title"],
        "; ".join(str(one.get("name") or one.get("family-names")) for one in about["authors"]),
        str(about["version"]),
        [str(one) for one in licences],
        about["abstract"],
        pages[first],
        [(part, [pages[name] for name in part.pages]) for part in parts],
    )


def fonts() -> dict[str, Path]:
    """Return where the fonts of the document are on this machine."""
    import matplotlib

    found = importlib.util.find_spec("zhplot")  # without importing the package
    folders = [Path(each) / "fonts" for each in (found.submodule_search_locations if found else [])]
    folders.append(Path(matplotlib.get_data_path()) / "fonts" / "ttf")
    paths = {name: folder / name for folder in folders for name in _FONTS}
    paths |= {p.name: p for folder in folders for name in _FONTS if (p := folder / name).is_file()}
    absent = [name for name, path in paths.items() if not path.is_file()]
    if absent:
        raise SystemExit(
            f"no font {', '.join(absent)}: `pip install zhplot matplotlib` brings them"
        )
    return paths


def _css_text(text: str) -> str:
    """Return a text as a string of a style sheet."""
    return json.dumps(text, ensure_ascii=False).replace("<", "\\3c ").replace("\\n", " ")


def _style(book: Book, css: str) -> str:
    """Return the style sheet with the fonts and one kind of page per chapter for its header."""
    rules = [
        # The Chinese font has these marks as wide as a character; English needs narrow ones.
        '@font-face { font-family: "Marks"; src: url("/pdf/fonts/DejaVuSans.ttf");'
        " unicode-range: U+00B7, U+2013-2014, U+2018-201D, U+2026; }",
    ]
    rules += [
        f'@font-face {{ font-family: "{family}"; src: url("/pdf/fonts/{name}");'
        f" font-weight: {weight}; font-style: {style}; }}"
        for name, (family, weight, style) in _FONTS.items()
    ]
    captions = {page.key: part.title for part, pages in book.parts for page in pages}
    for page in book.pages:
        left, right = _css_text(captions.get(page.key, "")), _css_text(page.title)
        boxes = f"@top-left {{ content: {left}; }} @top-right {{ content: {right}; }}"
        rules += [
            f"@page {page.key} {{ {boxes} }}",
            f"@page {page.key}-wide {{ size: A4 landscape; {boxes} }}",
            f"#{page.key} {{ page: {page.key}; }}",
            f"#{page.key} .wide {{ page: {page.key}-wide; }}",
        ]
    return "\n".join([css, *rules])


def _line(kind: str, anchor: str, text: str) -> str:
    """Return one line of a table of contents; its page number is filled in after printing."""
    number = f'<span class="number" data-for="{anchor}">000</span>'
    title = f'<span>{escape(text)}</span><span class="dots"></span>'
    return f'<li class="{kind}"><a href="#{anchor}">{title}{number}</a></li>'


def _contents(book: Book) -> str:
    """Return the contents: parts, chapters and sections with their page numbers."""
    lines = [_line("entry-part", book.first.key, book.first.title)]
    for index, (part, pages) in enumerate(book.parts, 1):
        lines.append(_line("entry-part", f"part-{index}", part.title))
        for page in pages:
            lines.append(_line("entry-page", page.key, page.title))
            if not page.name.startswith(_NO_SECTIONS):
                lines += [_line("entry-section", *each) for each in page.sections]
    return (
        '<section id="contents"><h1 class="level-1">Contents <span lang="zh">目录</span></h1>'
        f"<ul>{''.join(lines)}</ul></section>"
    )


def _front(book: Book, years: str, date: str) -> str:
    """Return the title page."""
    name, _, below = book.title.partition(": ")
    cite = f"{book.author} ({date[:4]}). <em>{escape(book.title)}</em>, version {book.version}."
    return (
        '<section id="title-page">'
        f'<p class="book-title">{escape(name)}</p><p class="book-subtitle">{escape(below)}</p>'
        f'<p class="book-title-zh" lang="zh">{TITLE_ZH}</p>'
        f'<p class="book-author">{escape(book.author)}</p>'
        f'<p class="book-date">Version {escape(book.version)} · data of {years} · {date}</p>'
        f'<div class="imprint"><p>{escape(book.abstract)}</p>'
        "<p>Every number, table and figure was computed when this edition was made. Charts with"
        " menus stand here in one state, named below each; the web edition has them all.</p>"
        f"<p>Licences: {escape(' (code), '.join(book.licences))} (text). Figures are facts;"
        " the catalogue names the publisher of each.</p>"
        f"<p>How to cite: {cite}</p></div></section>"
    )


def write_document(book: Book, css: str, script: str, years: str, date: str) -> str:
    """Return the document.

    Parameters
    ----------
    book : Book
        What is printed.
    css, script : str
        The style sheet and the script of the printed book.
    years, date : str
        Years of the data, and the day of the edition as ``2024-05-31``.

    Returns
    -------
    str
        HTML that needs the built site beside it for MathJax and Vega.
    """
    chapters = [book.first.html()]
    for index, (part, pages) in enumerate(book.parts, 1):
        lines = "".join(_line("entry-page", page.key, page.title) for page in pages)
        chapters.append(
            f'<section class="part" id="part-{index}"><h1 class="level-1">{escape(part.title)}</h1>'
            f"<ul>{lines}</ul></section>"
        )
        chapters += [page.html() for page in pages]
    settings = {
        "loader": {"load": ["core", "input/tex", "output/chtml"]},
        "options": {"ignoreHtmlClass": "page|cell", "processHtmlClass": "math"},
    }
    vega = any(page.body.find(class_="vega-chart") for page in book.pages)
    vendor = "/html/_static/vendor"
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            f"<title>{escape(book.title)}</title><style>{_style(book, css)}</style>",
            f"<script>window.MathJax = {json.dumps(settings)};</script>",
            f'<script defer src="{vendor}/mathjax/startup.js"></script>',
            f'<script defer src="{vendor}/vega.js"></script>' if vega else "",
            "</head><body>",
            _front(book, years, date),
            _contents(book),
            *chapters,
            f"<script>{script}</script></body></html>",
        ]
    )
