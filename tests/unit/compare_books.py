"""Compare two built sites, page by page: words, tables, numbers, figures in words.

Usage: python tests/unit/compare_books.py FOLDER FOLDER [PART ...]

Markup, file names and drawings may differ; every line that a reader would see otherwise is
printed. With PART, such as ``notebooks/tfp``, only pages whose address begins so are compared.
Ends with 1 if anything differs, with 2 if there is nothing to compare.
"""

import difflib
import hashlib
import sys
from pathlib import Path

from lxml import html

DATED = "book/status.html"  # the table of the run: dates, times, seconds
_UNSEEN = (
    "//style|//script[not(@type='application/json')]|//*[contains(@class, 'headerlink')]"
    "|//*[contains(@class, 'output-links')]"
)
_FIGURES = ".//img[@alt != '']|.//*[@role = 'img'][@aria-label != '']"
_BLOCKS = "h1 h2 h3 h4 h5 h6 p li dd dt tr pre div section summary caption figcaption details br"
_END = "\u2029"  # of a line


def shown(page: bytes | str) -> list[str]:
    r"""Return what a page shows, a line for each paragraph, row of a table or figure.

    Examples
    --------
    >>> shown("<p>All <b>31</b> of\n them</p><table><tr><th>a</th><td>1</td></tr></table>")
    ['All 31 of them', 'a | 1']
    """
    tree = html.document_fromstring(page, html.HTMLParser(encoding="utf-8", huge_tree=True))
    tree = next(tree.iter("article"), tree)
    for element in tree.xpath(_UNSEEN):
        element.drop_tree()
    for code in tree.iter("pre"):
        for text in code.xpath(".//text()"):
            setattr(text.getparent(), "tail" if text.is_tail else "text", text.replace("\n", _END))
    for chart in tree.iter("script"):
        chart.text = f"[data {hashlib.sha256(chart.text.encode()).hexdigest()[:12]}]"
    for figure in tree.xpath(_FIGURES):
        name = figure.get("alt") or figure.get("aria-label")
        figure.text = f"{_END}[figure {name}]{_END}{figure.text or ''}"
    for cell in tree.xpath(".//*[self::td or self::th][following-sibling::*]"):
        cell.tail = " | "
    for block in tree.iter("script", *_BLOCKS.split()):
        block.text, block.tail = f"{_END}{block.text or ''}", f"{_END}{block.tail or ''}"
    lines = tree.text_content().split(_END)
    return [" ".join(line.split()) for line in lines if line.strip()]


def changes(name: str, *sites: Path) -> list[str]:
    """Return what differs in a page: lines led by ``-`` and ``+``."""
    if absent := [f"not in {site}" for site in sites if not (site / name).is_file()]:
        return absent
    before, after = ((site / name).read_bytes() for site in sites)
    if before == after:
        return []
    lines = list(difflib.unified_diff(shown(before), shown(after), n=0, lineterm=""))
    return [line for line in lines[2:] if not line.startswith("@@")]


def differences(*sites: Path, parts: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Return by page what differs, of the pages whose address begins with one of `parts`."""
    paths = {path.relative_to(site) for site in sites for path in site.rglob("*.html")}
    names = {path.as_posix() for path in paths if path.parts[0] != "_static"} - {DATED}
    found = {name: changes(name, *sites) for name in sorted(names) if name.startswith(parts or "")}
    return {name: lines for name, lines in found.items() if lines}


def main(arguments: list[str]) -> int:
    """Print what differs."""
    sites, parts = [Path(one) for one in arguments[:2]], tuple(arguments[2:])
    if len(sites) < 2 or not all(any(site.rglob("*.html")) for site in sites):
        print(__doc__, "nothing to compare", sep="\n", file=sys.stderr)
        return 2
    found = differences(*sites, parts=parts)
    for name, lines in found.items():
        print(f"{name}: {len(lines)} lines", *(f"  {line}" for line in lines), sep="\n")
    print(f"{len(found)} files differ" if found else "both sites are the same")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
