"""Compare two built sites, page by page: words, tables, numbers, figures in words; or bytes.

Usage: python scripts/compare_books.py [--bytes] FOLDER FOLDER [PART ...]

Markup, file names and drawings may differ; every line that a reader would see otherwise is
printed. With --bytes every file must be the same, but for the declared dates and times in DATED.
With PART, such as ``notebooks/tfp``, only files whose address begins so are compared.
Ends with 1 if anything differs, with 2 if there is nothing to compare.
"""

from __future__ import annotations

import difflib
import hashlib
import io
import re
import sys
import zipfile
from pathlib import Path

from bs4 import BeautifulSoup

# For files whose name ends so: what differs from build to build.
DATED: dict[str, list[re.Pattern[bytes]]] = {
    # The table of the run: date with time, and seconds. The search does not index that page.
    "book/status.html": [
        re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?"),
        re.compile(rb"(?<=<p>)\d+\.\d+(?=</p>)"),
    ],
    ".pdf": [
        re.compile(rb"/(?:CreationDate|ModDate) ?\([^)]*\)"),
        re.compile(rb"/ID ?\[[^\]]*\]"),
        re.compile(rb"<xmp:(?:Create|Modify|Metadata)Date>[^<]*<"),
    ],
}
_BLOCKS = (
    "h1 h2 h3 h4 h5 h6 p li dt dd tr pre div section summary caption figcaption details br".split()
)
_UNSEEN = "script:not([type='application/json']), style, .headerlink, .output-links"


def undated(path: Path, name: str) -> bytes:
    """Return what a file holds without dates and times; of archives, their members."""
    content = path.read_bytes() if path.is_file() else b""
    if name.endswith((".xlsx", ".zip")) and content:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            return repr([(i.filename, opened.read(i)) for i in opened.infolist()]).encode()
    for ending, patterns in DATED.items():
        for pattern in patterns if name.endswith(ending) else ():
            content = pattern.sub(b"", content)
    return content


def place(first: bytes, second: bytes, around: int = 40) -> str:
    """Return where two contents part, with the bytes around it.

    Examples
    --------
    >>> place(b"one two", b"one too", around=2)
    "byte 5: 'two' and 'too'"
    """
    pairs = zip(first, second, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))
    cut = slice(max(0, at - around + 1), at + around)
    texts = [content[cut].decode("utf-8", "replace") for content in (first, second)]
    return f"byte {at}: {texts[0]!r} and {texts[1]!r}"


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


def differences(
    first: Path, second: Path, parts: tuple[str, ...] = ("",), whole: bool = False
) -> dict[str, list[str]]:
    """Return by file what differs: lines led by ``-`` and ``+``, or where the bytes part."""
    sites = (first, second)
    kind = "*" if whole else "*.html"
    names = {p.relative_to(s).as_posix() for s in sites for p in s.rglob(kind) if p.is_file()}
    found = {}
    for name in sorted(names):
        # Sphinx's own record of what it has built is no page of the site.
        if not name.startswith(parts) or name == ".buildinfo":
            continue
        absent = [str(site) for site in sites if not (site / name).is_file()]
        sides = [undated(site / name, name) for site in sites]
        if whole or absent:
            changed = [f"not in {absent[0]}"] if absent else [place(*sides)]
            if absent or sides[0] != sides[1]:
                found[name] = changed
        elif not name.startswith("_static/"):
            lines = difflib.unified_diff(*(shown(s.decode()) for s in sides), n=0, lineterm="")
            changed = [line for line in list(lines)[2:] if not line.startswith("@@")]
            if changed:
                found[name] = changed
    return found


def main(arguments: list[str]) -> int:
    """Print what differs."""
    whole = "--bytes" in arguments
    given = [argument for argument in arguments if argument != "--bytes"]
    folders = [Path(folder) for folder in given[:2]]
    if len(folders) != 2 or not all(any(folder.rglob("*")) for folder in folders):
        print("usage: python scripts/compare_books.py [--bytes] FOLDER FOLDER", file=sys.stderr)
        return 2
    found = differences(*folders, tuple(given[2:]) or ("",), whole)
    for name, lines in found.items():
        print(f"{name}: {len(lines)} lines", *(f"  {line}" for line in lines), sep="\n")
    print(f"{len(found)} files differ" if found else "both sites are the same")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
