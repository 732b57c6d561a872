"""Compare two built sites, page by page: words, tables, numbers, figures in words; or bytes.

Usage: python scripts/compare_books.py [--bytes] FOLDER FOLDER [PART ...]

Markup, file names and drawings may differ; every line that a reader would see otherwise is
printed. With --bytes every file must be the same, but for the declared dates and times in DATED.
With PART, such as ``notebooks/tfp``, only files whose address begins so are compared.
Ends with 1 if anything differs, with 2 if there is nothing to compare.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import os
import re
import sys
import zipfile
from html import unescape
from pathlib import Path

from lxml import etree, html

# For files whose name ends so: what differs from build to build.
DATED = {
    # The table of the run: date with time, and seconds. The search does not index that page.
    "book/status.html": rb"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?|(?<=<p>)\d+\.\d+(?=</p>)",
    ".pdf": rb"/(CreationDate|ModDate) ?\([^)]*\)|/ID ?\[[^\]]*\]"
    rb"|<xmp:(Create|Modify|Metadata)Date>[^<]*<",
}
_UNSEEN = (
    "//style|//script[not(@type='application/json')]|//*[contains(@class, 'headerlink')]"
    "|//*[contains(@class, 'output-links')]"
)
_BLOCK = "h[1-6]|p|li|d[dt]|tr|pre|div|section|summary|caption|figcaption|details|br|script"
# What stands for the markup of a page, one after the other.
_SHOWN = (
    (r"\n", " "),
    (r"(?:</t[dh]>|<t[dh]\b[^>]*/>)\s*(?=<t[dh]\b)", " | "),
    (r'<img\b[^>]*? alt="([^"]+)"[^>]*>', r"\n[figure \1]\n"),
    (r'<\w+\b(?=[^>]* role="img")[^>]*? aria-label="([^"]+)"[^>]*>', r"\n[figure \1]\n"),
    (rf"</?({_BLOCK})\b[^>]*>", r"\n"),
    (r"<[^>]*>", ""),
)


def undated(path: Path, name: str) -> bytes:
    """Return what a file holds without dates and times; of archives, their members."""
    if name.endswith((".xlsx", ".zip")):
        with zipfile.ZipFile(path) as opened:
            return repr([(one, opened.read(one)) for one in opened.namelist()]).encode()
    content = path.read_bytes()
    for ending, pattern in DATED.items():
        content = re.sub(pattern, b"", content) if name.endswith(ending) else content
    return content


def place(first: bytes, second: bytes, around: int = 40) -> str:
    """Return where two contents part, with the bytes around it.

    Examples
    --------
    >>> place(b"one two", b"one too", around=2)
    "byte 5: 'two' and 'too'"
    """
    at = len(os.path.commonprefix([first, second]))
    cut = slice(max(0, at - around + 1), at + around)
    texts = [content[cut].decode("utf-8", "replace") for content in (first, second)]
    return f"byte {at}: {texts[0]!r} and {texts[1]!r}"


def shown(page: bytes | str) -> list[str]:
    r"""Return what a page shows, a line for each paragraph, row of a table or figure.

    Examples
    --------
    >>> shown("<p>All <b>31</b> of\n them</p><table><tr><th>a</th><td>1</td></tr></table>")
    ['All 31 of them', 'a | 1']
    """
    tree = html.document_fromstring(page, html.HTMLParser(encoding="utf-8", huge_tree=True))
    for article in tree.xpath("//article[1]"):
        tree = article
    for element in tree.xpath(_UNSEEN):
        element.drop_tree()
    for chart in tree.iter("script"):
        chart.text = f"[data {hashlib.sha256(chart.text.encode()).hexdigest()[:12]}]"
    text = etree.tostring(tree, encoding="unicode", with_tail=False)
    text = re.sub(r"(?s)<pre.*?</pre>", lambda pre: pre[0].replace("\n", "<br/>"), text)
    for markup, new in _SHOWN:
        text = re.sub(markup, new, text)
    lines = unescape(text).split("\n")
    return [" ".join(line.split()) for line in lines if line.strip()]


def changes(sites: tuple[Path, Path], name: str, whole: bool) -> list[str]:
    """Return what differs in a file: lines led by ``-`` and ``+``, or where the bytes part."""
    absent = [str(site) for site in sites if not (site / name).is_file()]
    if absent:
        return [f"not in {absent[0]}"]
    sides = [undated(site / name, name) for site in sites]
    if whole or sides[0] == sides[1]:
        return [place(*sides)] if sides[0] != sides[1] else []
    lines = difflib.unified_diff(*map(shown, sides), n=0, lineterm="")
    return [line for line in list(lines)[2:] if not line.startswith("@@")]


def differences(*sites: Path, parts: tuple[str, ...] = (), whole: bool = False) -> dict:
    """Return by file what differs, of the files whose address begins with one of `parts`."""
    paths = {p.relative_to(s) for s in sites for p in s.rglob("*" if whole else "*.html")}
    names = {path.as_posix() for path in paths if any((s / path).is_file() for s in sites)}
    # Sphinx's own record of what it has built is no page of the site.
    names = {n for n in names - {".buildinfo"} if whole or not n.startswith("_static/")}
    found = {n: changes(sites, n, whole) for n in sorted(names) if n.startswith(parts or "")}
    return {name: lines for name, lines in found.items() if lines}


def main(arguments: list[str]) -> int:
    """Print what differs."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--bytes", action="store_true")
    parser.add_argument("folders", nargs=2, type=Path)
    parser.add_argument("parts", nargs="*")
    given = parser.parse_args(arguments)
    if not all(any(folder.rglob("*")) for folder in given.folders):
        parser.error("nothing to compare")
    found = differences(*given.folders, parts=tuple(given.parts), whole=given.bytes)
    for name, lines in found.items():
        print(f"{name}: {len(lines)} lines", *(f"  {line}" for line in lines), sep="\n")
    print(f"{len(found)} files differ" if found else "both sites are the same")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
