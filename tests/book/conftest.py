"""The built book, served on this machine, and a browser to read it with.

CHROMIUM names the browser; NQPF_REQUIRE_BROWSER=1 makes a missing one a failure.
"""

import functools
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browsing import HTML
from make_pdf import EDITIONS

FLAGS = ["--headless", "--no-sandbox", "--no-first-run"]
OFF = ("gpu", "quic", "background-networking", "component-update", "sync")
FLAGS += [f"--disable-{feature}" for feature in OFF]


def missing(reason):
    """Skip, or fail where a browser and a built book are required."""
    if os.environ.get("NQPF_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Keep the requests out of the test's output."""


@pytest.fixture(scope="session")
def html():
    """Return the folder of the built pages."""
    if not (HTML / "index.html").is_file():
        missing("no built book: run `make book` first")
    return HTML


@pytest.fixture(scope="session", params=EDITIONS)
def lang(request, html):
    """Return the language of a printed edition."""
    path = html.parent / "pdf" / EDITIONS[request.param][1]
    if not path.is_file():
        missing(f"no {path.name}: run `make pdf` first")
    return request.param


@pytest.fixture(scope="session")
def site(html):
    """Serve the built pages on the loopback address; give the address."""
    handler = functools.partial(_Quiet, directory=str(html))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """Start chromium without a window."""
    from playwright.sync_api import sync_playwright

    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if name and (found := shutil.which(name))), None)
    if path is None:
        missing("no browser: install chromium, or name one with CHROMIUM=/path/to/chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def visit(browser):
    """Open an address in a tab that notes under ``wrong`` what the browser complains about."""
    opened = []

    def go(address, **options):
        context = browser.new_context(**options)
        opened.append(context)
        page = context.new_page()
        page.wrong, page.asked = [], []
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on("console", lambda m: page.wrong.append(m.text) if m.type == "error" else None)
        page.on("dialog", lambda shown: (page.wrong.append(shown.message), shown.dismiss()))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(address, wait_until="load")
        return page

    yield go
    for context in opened:
        context.close()
