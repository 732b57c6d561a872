"""The whole book as one HTML document: title, contents, parts, chapters."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pdf_page import Page, link_pages, read_page

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


@dataclass(frozen=True)
class Part:
    """A part of the book: its title in both languages and the names of its pages."""

    title: str
    pages: tuple[str, ...]


def _pages(entries: list[dict], root: Path) -> list[str]:
    """Return the pages of some entries of the table of contents, those below them included."""
    found = []
    for entry in entries:
        if "file" in entry:
            found.append(str(entry["file"]))
        elif "glob" in entry:
            found += sorted(
                path.relative_to(root).with_suffix("").as_posix()
                for path in root.glob(f"{entry['glob']}.md")
            )
        below = entry.get("sections", []) + [
            each for tree in entry.get("subtrees", []) for each in tree.get("sections", [])
        ]
        found += _pages(below, root)
    return list(dict.fromkeys(found))


def read_toc(toc: Path, root: Path) -> tuple[str, list[Part]]:
    """Read ``book/_toc.yml``.

    Parameters
    ----------
    toc : Path
        The file.
    root : Path
        The folder that its page names start from.

    Returns
    -------
    tuple of str and list of Part
        The name of the first page, and the parts in order.
    """
    content = yaml.safe_load(toc.read_text("utf-8"))
    parts = content.get("parts") or [{"caption": "Pages", "chapters": content["chapters"]}]
    return str(content["root"]), [
        Part(str(part["caption"]), tuple(_pages(part["chapters"], root))) for part in parts
    ]


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
    loader = FileSystemLoader(Path(__file__).with_name("templates"))
    templates = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["css_text"] = _css_text
    sheets = [("", book.first)]
    sheets += [(part.title, page) for part, pages in book.parts for page in pages]
    return templates.get_template("book.html").render(
        book=book,
        css=css,
        script=script,
        years=years,
        date=date,
        title_zh=TITLE_ZH,
        fonts=_FONTS,
        sheets=sheets,
        no_sections=_NO_SECTIONS,
        settings={
            "loader": {"load": ["core", "input/tex", "output/chtml"]},
            "options": {"ignoreHtmlClass": "page|cell", "processHtmlClass": "math"},
        },
        vega=any(page.body.find(class_="vega-chart") for page in book.pages),
    )
