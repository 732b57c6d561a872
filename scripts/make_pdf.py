"""Print the built book as one PDF.

Usage: python scripts/make_pdf.py

The pages are those of `make book`. SOURCE_DATE_EPOCH sets the date of the edition; without
it, that is the day of the last commit.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from pdf_document import TITLE_ZH, Book, fonts, read_book, write_document
from pdf_finish import finish, page_numbers
from pdf_print import opened, prepare, print_pages

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build"
NAME = "nqpf-book.pdf"


def edition(environ: dict[str, str], root: Path) -> datetime:
    """Return the moment that the edition is dated to.

    Parameters
    ----------
    environ : dict
        SOURCE_DATE_EPOCH, seconds since 1970, comes first.
    root : Path
        The project, for the time of its last commit.

    Examples
    --------
    >>> edition({"SOURCE_DATE_EPOCH": "86400"}, Path(".")).isoformat()
    '1970-01-02T00:00:00+00:00'
    """
    seconds = environ.get("SOURCE_DATE_EPOCH")
    if seconds is None:
        done = subprocess.run(
            ["git", "log", "-1", "--format=%ct"],  # noqa: S607
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = done.stdout.strip() if done.returncode == 0 else ""
    return datetime.fromtimestamp(int(seconds or time.time()), UTC)


def years_of_data() -> str:
    """Return the first and last year of the panel's provincial product."""
    from nqpf import Panel

    years = Panel.load(extra=False).wide(["gdp"]).index.get_level_values("year")
    return f"{years.min()}–{years.max()}"


def _about(book: Book) -> dict[str, str]:
    """Return what the PDF says about itself."""
    return {
        "/Title": f"{book.title} {TITLE_ZH}",
        "/Author": book.author,
        "/Subject": book.abstract,
        "/Creator": f"nqpf {book.version}, make pdf",
    }


def _report(start: float, line: str) -> None:
    print(f"  {time.monotonic() - start:5.1f} s  {line}", flush=True)


def _write(path: Path, data: bytes) -> None:
    from nqpf.files import _replacing

    with _replacing(path) as temporary:
        temporary.write_bytes(data)


def make(build: Path, start: float) -> bytes:
    """Return the book as a PDF: printed once to learn the page numbers, and again with them."""
    static = ROOT / "book" / "_static"
    book = read_book(build / "html", ROOT / "book" / "_toc.yml", ROOT / "CITATION.cff", ROOT)
    _report(start, f"read {len(book.pages)} pages")
    folder = build / "pdf"
    (folder / "fonts").mkdir(parents=True, exist_ok=True)
    for name, path in fonts().items():
        shutil.copyfile(path, folder / "fonts" / name)
    moment = edition(dict(os.environ), ROOT)
    css, script = ((static / name).read_text("utf-8") for name in ("pdf.css", "pdf.js"))
    date = f"{moment:%Y-%m-%d}"
    document = folder / "book.html"
    _write(document, write_document(book, css, script, years_of_data(), date).encode())
    _report(start, "wrote the document")
    with opened(build, document) as tab:
        titles = prepare(tab, lambda line: _report(start, line))
        _report(start, "set the formulas, drew the charts, fitted the tables")
        numbers = page_numbers(print_pages(tab, draft=True))
        _report(start, "printed once, for the page numbers")
        tab.evaluate("numbers => fillNumbers(numbers)", numbers)
        pdf = print_pages(tab)
        _report(start, "printed with the page numbers")
    if page_numbers(pdf) != numbers:
        raise SystemExit("the page numbers moved when they were filled in; report this as a fault")
    return finish(pdf, titles, _about(book), moment)


def link_from_downloads(html: Path, size: int) -> None:
    """Put the link to the PDF where the page of downloads keeps a place for it."""
    page = html / "book" / "downloads.html"
    if page.is_file():
        text = page.read_text("utf-8")
        link = f'<a href="../downloads/{NAME}">{NAME}</a> ({size / 1e6:.0f} MB)'
        place = re.compile(r"<!-- pdf -->(?:<a [^>]*>[^<]*</a> \(\d+ MB\))?")
        _write(page, place.sub(f"<!-- pdf -->{link}", text).encode())


def main() -> int:
    """Print the book and say where it is."""
    start = time.monotonic()
    if not (BUILD / "html" / "index.html").is_file():
        raise SystemExit("no built book to print: run `make book` first")
    print("Printing the book ...", flush=True)
    pdf = make(BUILD, start)
    path = BUILD / "pdf" / NAME
    _write(path, pdf)
    _write(BUILD / "html" / "downloads" / NAME, pdf)
    link_from_downloads(BUILD / "html", len(pdf))
    from pypdf import PdfReader

    pages = len(PdfReader(BytesIO(pdf)).pages)
    seconds = time.monotonic() - start
    print(f"The PDF is ready after {seconds:.0f} s: {path}")
    print(f"{pages} pages, {len(pdf) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
