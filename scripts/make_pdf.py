"""Print the built book as one PDF per language.

Usage: python scripts/make_pdf.py

The pages are those of `make book`; NQPF_EDITIONS=en prints the English ones alone.
SOURCE_DATE_EPOCH sets the date of the edition; without it, that is the day of the last commit.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import matplotlib
import yaml
from pdf_book import Page, read_book
from playwright.sync_api import Page as Tab
from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import Fit

sys.path.append(str(Path(__file__).resolve().parents[1] / "book" / "_ext"))

from book_chinese import FOLDER
from book_templates import render, write_once

from nqpf import Panel
from nqpf.chinese import chinese

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build"
# By language: the folder of the built pages, and the file.
SITE = BUILD / "html"
EDITIONS = {"en": (SITE, "nqpf-book.pdf"), "zh-CN": (SITE / FOLDER, "nqpf-book-zh.pdf")}
TITLE_ZH = "新质生产力测度：一本可执行的综述"
_FLAGS = ["--disable-gpu", "--font-render-hinting=none"]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MINUTES = 10 * 60 * 1000  # of patience, in milliseconds
_DATE = re.compile(rb"\(D:\d{14}[+-]\d\d'\d\d'\)")


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
    command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    seconds = environ.get("SOURCE_DATE_EPOCH") or commit or time.time()
    return datetime.fromtimestamp(int(seconds), UTC)


def write_document(first: Page, parts: list, about: dict, day: str, lang: str) -> str:
    """Return the pages as one document, which needs the built site beside it."""
    years = Panel.load(extra=False).wide(["gdp"]).index.get_level_values("year")
    about = {**about, "years": f"{years.min()}–{years.max()}", "day": day, "title_zh": TITLE_ZH}
    return render("book.html", first=first, parts=parts, about=about, lang=lang)


@contextmanager
def opened(document: Path) -> Iterator[Tab]:
    """Open a document in a headless Chromium that has only the fonts of two packages."""
    names = (os.environ.get("CHROMIUM"), *_NAMES)
    browser = next((found for name in names if name and (found := shutil.which(name))), None)
    if browser is None:
        raise SystemExit(
            "no browser to print with: install chromium (Debian: apt-get install chromium; macOS:"
            " brew install --cask chromium), or name one with CHROMIUM=/path/to/chromium make pdf"
        )
    (carrier,) = importlib.util.find_spec("zhplot").submodule_search_locations  # not imported
    fonts = [f"{matplotlib.get_data_path()}/fonts/ttf", f"{carrier}/fonts"]
    cache, settings = document.with_name("font-cache"), document.with_name("fonts.conf")
    write_once(settings, render("fonts.conf", fonts=fonts, cache=cache))
    options = {"env": {**os.environ, "FONTCONFIG_FILE": str(settings)}, "timeout": _MINUTES}
    faults: list[str] = []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=_FLAGS, **options)
        # At twice the density, letters stand where the font puts them, not on whole pixels.
        tab = started.new_page(viewport={"width": 1000, "height": 1400}, device_scale_factor=2)
        tab.set_default_timeout(_MINUTES)
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.emulate_media(media="print")
        tab.goto(document.as_uri())
        yield tab
        started.close()
    if faults:
        raise SystemExit("the document has faults:\n" + "\n".join(faults))


def print_pages(tab: Tab, draft: bool) -> bytes:
    """Return the open document as a PDF; a draft has no figures and no tags, and takes less."""
    tab.evaluate("draft => document.body.classList.toggle('draft', draft)", draft)
    return tab.pdf(prefer_css_page_size=True, print_background=True, tagged=not draft)


def places(pdf: bytes) -> dict[str, tuple[int, Fit]]:
    """Return by anchor that a link leads to its page, counted from one, and its place there."""
    reader = PdfReader(BytesIO(pdf))
    number, found = reader.get_destination_page_number, reader.named_destinations.items()
    return {n.lstrip("/"): (number(one) + 1, Fit.xyz(one.left, one.top)) for n, one in found}


def finish(pdf: bytes, entries: list, about: dict[str, str], moment: datetime) -> bytes:
    """Return the PDF with its outline, its description and its date.

    Parameters
    ----------
    pdf : bytes
        As printed.
    entries : list of tuple
        Level, anchor and title of each entry of the outline.
    about : dict
        Entries of the document information, such as ``/Author``.
    moment : datetime
        Stands for the time of printing, which would make each file another one.

    Returns
    -------
    bytes
        Two calls with the same arguments give the same.
    """
    stamp = moment.strftime("D:%Y%m%d%H%M%S+00'00'")
    found = places(pdf)
    writer = PdfWriter(BytesIO(_DATE.sub(f"({stamp})".encode(), pdf)), incremental=True)
    above: list = []
    for level, anchor, title in entries:
        number, place = found[anchor]
        # The parts show their chapters, a chapter keeps its sections.
        own = {"parent": above[level - 1] if level else None, "is_open": level == 0}
        item = writer.add_outline_item(title=title, page_number=number - 1, fit=place, **own)
        above[level:] = [item]
    writer.page_mode = "/UseOutlines"
    writer.add_metadata({**about, "/CreationDate": stamp, "/ModDate": stamp})
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def make(lang: str) -> bytes:
    """Return the book as a PDF: printed once to learn the page numbers, and again with them."""
    start, site = time.monotonic(), EDITIONS[lang][0]

    def report(line: str) -> None:
        print(f"  {time.monotonic() - start:5.1f} s  {lang:5}  {line}", flush=True)

    first, parts = read_book(site, ROOT / "book" / "_toc.yml")
    if lang != "en":
        parts = [(chinese(caption) or caption, pages) for caption, pages in parts]
    about = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    moment = edition(dict(os.environ), ROOT)
    text = write_document(first, parts, about, f"{moment:%Y-%m-%d}", lang)
    document = BUILD / "pdf" / lang / "book.html"
    write_once(document, text)
    report(f"wrote {sum(len(pages) for _, pages in parts) + 1} pages as one document")
    with opened(document) as tab:
        found = tab.evaluate("prepareBook()")
        if found["images"]:
            raise SystemExit(f"images that do not load: {'; '.join(found['images'])}")
        report("set the formulas, drew the charts, fitted the tables")
        for page in sorted(set(found["broken"])):
            report(f"a table on {page} had to be broken inside its words")
        numbers = {anchor: n for anchor, (n, _) in places(print_pages(tab, draft=True)).items()}
        report("printed once, for the page numbers")
        tab.evaluate("numbers => fillNumbers(numbers)", numbers)
        pdf = print_pages(tab, draft=False)
        report("printed with the page numbers")
    if {anchor: n for anchor, (n, _) in places(pdf).items()} != numbers:
        raise SystemExit("the page numbers moved when they were filled in; report this as a fault")
    entries = [(0, first.key, first.title)]
    for number, (title, pages) in enumerate(parts, 1):
        entries.append((0, f"part-{number}", title))
        for page in pages:
            entries.append((1, page.key, page.title))
            entries += [(2, *section) for section in page.sections]
    described = {
        "/Title": f"{about['title']} {TITLE_ZH}",
        "/Author": "; ".join(one["name"] for one in about["authors"]),
        "/Subject": about["abstract"],
        "/Creator": f"nqpf {about['version']}, make pdf",
    }
    return finish(pdf, entries, described, moment)


def publish(lang: str, pdf: bytes) -> None:
    """Put a PDF beside the pages, and a link to it where the page of downloads keeps a place."""
    site, name = EDITIONS[lang]
    write_once(BUILD / "pdf" / name, pdf)
    write_once(site / "downloads" / name, pdf)
    page = site / "book" / "downloads.html"
    link = f'<!-- pdf --><a href="../downloads/{name}">{name}</a> ({len(pdf) / 1e6:.0f} MB)'
    place = re.compile(r"<!-- pdf -->(?:<a [^>]*>[^<]*</a> \(\d+ MB\))?")
    write_once(page, place.sub(link, page.read_text("utf-8")))
    print(f"{name}: {len(PdfReader(BytesIO(pdf)).pages)} pages, {len(pdf) / 1e6:.1f} MB")


def main() -> int:
    """Print the editions that are built, beside each other, and say where they are."""
    start = time.monotonic()
    wanted = ["en"] if os.environ.get("NQPF_EDITIONS") == "en" else [*EDITIONS]
    if missing := [lang for lang in wanted if not (EDITIONS[lang][0] / "index.html").is_file()]:
        raise SystemExit(f"no built book to print ({', '.join(missing)}): run `make book` first")
    print("Printing the book ...", flush=True)
    with ProcessPoolExecutor(len(wanted)) as pool:
        for lang, pdf in zip(wanted, pool.map(make, wanted), strict=True):
            publish(lang, pdf)
    print(f"The PDF is ready after {time.monotonic() - start:.0f} s: {BUILD / 'pdf'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
