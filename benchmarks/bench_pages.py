"""Time the first sight of every page with a cold cache, and beside the theme as it ships.

Run ``python benchmarks/bench_pages.py`` after ``make book``, with chromium installed; names
of pages limit it to those. Prints, per page, milliseconds to the first contents and to the
loaded page, and bytes received; then the worst pages, and the same page with the scripts
and sheets that the theme loads unless told otherwise. Leaves with status 1 if a page's
first contents take more than 1.5 s or it weighs more than 1.5 MB, charts excluded.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import sys
import threading
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HTML = Path(__file__).resolve().parents[1] / "_build" / "html"
SECONDS, BYTES = 1.5, 1_500_000
PEER = "notebooks/studies/dong-2024"
FIRST_PAINT = """() => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  const {loadEventEnd} = performance.getEntriesByType("navigation")[0];
  return [paint ? paint.startTime : Infinity, loadEventEnd];
}"""


@dataclass
class Sight:
    """What a reader waits for: milliseconds to first contents and to the end, and bytes."""

    name: str
    first: float
    loaded: float
    received: int


class _Site(SimpleHTTPRequestHandler):
    """The built site, or the same pages with what the theme would load as well."""

    as_shipped = False

    def log_message(self, *args: object) -> None:
        """Print no line per request."""

    def do_GET(self) -> None:  # noqa: N802 (the name is the server's)
        path = HTML / self.path.split("?")[0].lstrip("/")
        if not self.as_shipped or path.suffix != ".html" or not path.is_file():
            return super().do_GET()
        page = as_shipped(path.read_text("utf-8")).encode("utf-8")
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)
        return None


class _Shipped(_Site):
    as_shipped = True


def as_shipped(page: str) -> str:
    """Undo what the book leaves out: whole sheets, scripts at once, the index of the search."""
    root = re.search(r'data-content_root="([^"]*)"', page).group(1)
    page = re.sub(r"(_static/[\w/-]+)\.[0-9a-f]{10}\.css", r"\1.css", page)
    page = page.replace("<script defer src", "<script src")
    added = (f"{root}_static/searchtools.js", f"{root}searchindex.js")
    scripts = "".join(f'<script src="{source}"></script>' for source in added)
    return page.replace("</head>", f"{scripts}</head>", 1)


def look(browser: Browser, site: str, name: str) -> Sight:
    """Open a page in a window that has seen nothing."""
    window = browser.new_context(viewport={"width": 1280, "height": 850})
    page = window.new_page()
    session = window.new_cdp_session(page)
    session.send("Network.enable")
    addresses, sizes = {}, {}
    session.on(
        "Network.requestWillBeSent",
        lambda e: addresses.update({e["requestId"]: e["request"]["url"]}),
    )
    session.on(
        "Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]})
    )
    page.goto(f"{site}/{name}.html", wait_until="load")
    page.wait_for_timeout(150)
    first, loaded = page.evaluate(FIRST_PAINT)
    charts = ("/_images/", "/vendor/vega.js", "/charts.js")
    counted = [n for i, n in sizes.items() if not any(c in addresses[i] for c in charts)]
    window.close()
    return Sight(name, first, loaded, int(sum(counted)))


def serve(handler: type[_Site]) -> str:
    """Serve the site on this machine until the program ends; return the address."""
    bound = functools.partial(handler, directory=str(HTML))
    server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def main(names: list[str]) -> int:
    """Print the table and the summary; return 1 if a promise is not kept."""
    browsers = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    path = next((found for name in browsers if name and (found := shutil.which(name))), None)
    if path is None or not (HTML / "index.html").is_file():
        print("needs chromium and a built book: run `make book` first", file=sys.stderr)
        return 2
    pages = [p.relative_to(HTML) for p in sorted(HTML.rglob("*.html")) if "_static" not in p.parts]
    found = [p.with_suffix("").as_posix() for p in pages if p.as_posix() != "index.html"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        site, shipped = serve(_Site), serve(_Shipped)
        look(browser, site, PEER)  # the browser itself starts slowly
        print(f"{'page':52} {'first ms':>9} {'loaded ms':>9} {'kB':>7}")
        sights = [look(browser, site, name) for name in names or found]
        for sight in sights:
            size = f"{sight.received / 1000:7.0f}"
            print(f"{sight.name:52} {sight.first:9.0f} {sight.loaded:9.0f} {size}")
        print("\nOurs and the theme's scripts and sheets, in turns, best of three:")
        turns = [(look(browser, site, PEER), look(browser, shipped, PEER)) for _ in range(3)]
        browser.close()
    ours, theirs = (min(each, key=lambda s: s.first) for each in zip(*turns, strict=True))
    for label, sight in (("the book", ours), ("as shipped", theirs)):
        print(f"  {label:12} first {sight.first:5.0f} ms, {sight.received / 1000:6.0f} kB")
    slow = max(sights, key=lambda s: s.first)
    heavy = max(sights, key=lambda s: s.received)
    print(f"\n{len(sights)} pages; slowest {slow.name} {slow.first:.0f} ms, ", end="")
    print(f"heaviest {heavy.name} {heavy.received / 1000:.0f} kB")
    return int(slow.first > SECONDS * 1000 or heavy.received > BYTES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
