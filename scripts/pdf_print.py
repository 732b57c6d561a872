"""A headless Chromium that makes PDF pages of the document."""

from __future__ import annotations

import functools
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MINUTES = 10 * 60 * 1000  # of patience, in milliseconds
# Only these fonts exist for the browser: the PDF does not depend on the machine's own.
_FONT_SETTINGS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>{fonts}</dir><cachedir>{cache}</cachedir>
<match target="font"><edit name="hinting" mode="assign"><bool>false</bool></edit></match>
</fontconfig>
"""


def find_browser() -> str:
    """Return the path of a Chromium, or end with how to get one."""
    names = (os.environ.get("CHROMIUM"), *_NAMES)
    path = next((found for name in names if name and (found := shutil.which(name))), None)
    if path is None:
        raise SystemExit(
            "no browser to print with: install chromium (Debian: apt-get install chromium; macOS:"
            " brew install --cask chromium), or name one with CHROMIUM=/path/to/chromium make pdf"
        )
    return path


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Print no line per request."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine only, and give the address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def opened(build: Path, document: Path) -> Iterator[Tab]:
    """Open a document below `build` in a browser that has the document's fonts alone.

    Parameters
    ----------
    build : Path
        The folder with the built site (``html``) and the document.
    document : Path
        The file to open; its fonts are in ``fonts`` beside it.
    """
    from playwright.sync_api import sync_playwright

    settings = document.parent / "fonts.conf"
    settings.write_text(
        _FONT_SETTINGS.format(
            fonts=document.parent / "fonts", cache=document.parent / "font-cache"
        ),
        "utf-8",
    )
    browser = find_browser()
    with _served(build) as site, sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=browser,
            args=_FLAGS,
            env={**os.environ, "FONTCONFIG_FILE": str(settings)},
        )
        # At twice the density, letters stand where the font puts them, not on whole pixels.
        tab = started.new_page(viewport={"width": 1000, "height": 1400}, device_scale_factor=2)
        tab.set_default_timeout(_MINUTES)
        faults: list[str] = []
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.emulate_media(media="print")
        tab.goto(f"{site}/{document.relative_to(build).as_posix()}", timeout=_MINUTES)
        yield tab
        started.close()
    if faults:
        raise SystemExit("the document has faults:\n" + "\n".join(faults))


def print_pages(tab: Tab, draft: bool = False) -> bytes:
    """Return the open document as a PDF.

    Parameters
    ----------
    tab : Tab
        Where the document is open.
    draft : bool
        Without figures, tags and outline: quicker, and the same words stand on each page.
    """
    tab.evaluate("draft => document.body.classList.toggle('draft', draft)", draft)
    return tab.pdf(
        prefer_css_page_size=True, print_background=True, tagged=not draft, outline=not draft
    )


def prepare(tab: Tab, report: Callable[[str], None]) -> list[str]:
    """Wait for formulas, charts and fonts, fit the tables to the page; return the headings."""
    found = tab.evaluate("prepareBook()")
    if found["images"]:
        raise SystemExit(f"images that do not load: {'; '.join(found['images'])}")
    counts = ", ".join(f"{len(pages)} {how}" for how, pages in sorted(found["tables"].items()))
    report(f"tables: {counts or 'none'}")
    for page in sorted(set(found["tables"].get("broken", []))):
        report(f"a table on {page} had to be broken inside its words")
    return found["titles"]
