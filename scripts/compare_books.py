"""Compare what two built sites show, page by page: words, tables, numbers, figures in words.

Usage: python scripts/compare_books.py FOLDER FOLDER [PART ...]

Markup, file names and drawings may differ; every line that a reader would see otherwise is
printed. With PART, such as ``notebooks/tfp``, only pages whose address begins so are compared.
Ends with 1 if anything differs. For the bytes of two builds see compare_builds.py.
"""

from __future__ import annotations

import difflib
import hashlib
import sys
from pathlib import Path

from bs4 import BeautifulSoup
from compare_builds import undated

_BLOCKS = (
    "h1 h2 h3 h4 h5 h6 p li dt dd tr pre div section summary caption figcaption details br".split()
)
_UNSEEN = "script:not([type='application/json']), style, .headerlink, .output-links"


def shown(html: str) -> list[str]:
    r"""Return what a page shows, a line for each paragraph, row of a table or figure.

    Examples
    --------
    >>> shown("<p>All <b>31</b> of\n them</p><table><tr><th>a</th><td>1</td></tr></table>")
    ['All 31 of them', 'a | 1']
    """
    soup = BeautifulSoup(html, "lxml")
    page = soup.find("article") or soup
    for element in page.select(_UNSEEN):
        element.decompose()
    for chart in page.find_all("script"):
        chart.replace_with(f"\n[data {hashlib.sha256(chart.get_text().encode()).hexdigest()[:12]}]")
    for element in page.select("img[alt], [role=img][aria-label]"):
        element.insert_before(f"\n[figure {element.get('alt') or element.get('aria-label')}]\n")
    for pre in page.find_all("pre"):
        pre.string = pre.get_text().replace("\n", "\r")
    for text in page.find_all(string=True):
        if "\n" in text and not text.startswith("\n["):
            text.replace_with(text.replace("\n", " "))
    for element in page.find_all(_BLOCKS):
        element.insert_before("\n")
        element.append("\n")
    for cell in page.find_all(["td", "th"]):
        if cell.find_previous_sibling(["td", "th"]):
            cell.insert(0, " | ")
    lines = page.get_text().replace("\r", "\n").split("\n")
    return [" ".join(line.split()) for line in lines if line.strip()]


def differences(first: Path, second: Path, parts: tuple[str, ...] = ("",)) -> dict[str, list[str]]:
    """Return by page the lines of the first site, led by ``-``, and of the second, by ``+``."""
    sites = [{p.relative_to(s).as_posix() for p in s.rglob("*.html")} for s in (first, second)]
    found = {}
    for name in sorted(sites[0] | sites[1]):
        if not name.startswith(parts) or name.startswith("_static/"):
            continue
        sides = []
        for folder in (first, second):
            content = (folder / name).read_bytes() if (folder / name).is_file() else b""
            sides.append(shown(undated(name, content).decode("utf-8")))
        diff = list(difflib.unified_diff(*sides, n=0, lineterm=""))[2:]
        changed = [line for line in diff if not line.startswith("@@")]
        if changed:
            found[name] = changed
    return found


def main(arguments: list[str]) -> int:
    """Print what differs; return 1 if anything does, 2 if there is nothing to compare."""
    folders = [Path(argument) for argument in arguments[:2]]
    if len(folders) != 2 or not all(any(folder.rglob("*.html")) for folder in folders):
        print("usage: python scripts/compare_books.py FOLDER FOLDER [PART ...]", file=sys.stderr)
        return 2
    found = differences(*folders, tuple(arguments[2:]) or ("",))
    for name, lines in found.items():
        print(f"{name}: {len(lines)} lines", *(f"  {line}" for line in lines), sep="\n")
    print(f"{len(found)} pages differ" if found else "all pages show the same")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
