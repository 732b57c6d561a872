"""Keep the Chinese text of the chapters beside the English one.

Usage: python scripts/translate.py

Each page has a catalogue in the form of gettext, ``book/locale/zh_CN/LC_MESSAGES/<page>.po``, with
one entry per paragraph, heading, item or row, in the order of the page. The script writes an entry
for each new text, for the translator to fill in, and drops those that no page holds any more.
tests/unit/test_translation.py says what is untranslated or stale, and which translation lost a
number, a formula, a link or a quoted value.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "book" / "_ext"))

from book_templates import write_once  # noqa: E402

from nqpf.chinese import _NAMES, _listed, _names, _read_catalogue  # noqa: E402

CATALOGUES = ROOT / "book" / "locale" / "zh_CN" / "LC_MESSAGES"

# Fenced blocks whose text readers read; all others are code.
_READ = r"\{(?:raw|exercise|admonition|glossary|note|tip|warning)\}"
_FENCE = re.compile(rf"\s*(`{{3,}}|:{{3,}})({_READ})?(.*)")
_KEPT = re.compile(r"\s*(?::[\w-]+:.*|\(.+\)=|\+\+\+.*|-{3,}|\|[-:| ]+\||\{%.*)$")
_MARK = re.compile(r"(\s*)((?:[-*] |\d+\. |> |: |#+ )*)")
# What a translation takes over as it is, in whatever order.
TAKEN = re.compile(
    r"\{[\w:]+\}`[^`]*`|`[^`]+`|\$[^$]+\$|\]\([^)]*\)|</?[a-z][^>]*>|\{\{.*?\}\}|\d+(?:[.,]\d+)*"
)


def parts(source: str) -> Iterator[tuple[str, str]]:
    r"""Cut a page into what is kept as it is and texts: pairs of a lead and a text, or "".

    Examples
    --------
    >>> list(parts("# Head\n\n- one\n  more\n"))
    [('# ', 'Head'), ('\n', ''), ('- ', 'one more'), ('', '')]
    """
    lead, text, depth, until = "", [], 0, None

    def taken() -> Iterator[tuple[str, str]]:
        if text:
            yield lead, " ".join(text)
            text.clear()

    lines = source.split("\n")
    for place, line in enumerate(lines):
        bare, end = line.strip(), "\n" if place < len(lines) - 1 else ""
        fence = _FENCE.match(line)
        if until is not None:
            until = None if bare == until else until
        elif place == 0 and bare == "---" or bare == "$$":
            until = bare
        elif fence and fence[1][0] == "`" and not fence[2] and fence[3]:
            until = fence[1]
        elif bare and not fence and not _KEPT.match(line):
            indent, mark = _MARK.match(line).groups()
            row = line.lstrip().startswith(("|", "<"))
            if not text or mark or row or len(indent) != depth:
                yield from taken()
                lead, depth = indent + mark, len(indent) + (len(mark) if mark != "> " else 0)
            text.append(line[len(lead) :].strip() if not text else bare)
            if row or mark.startswith("#"):
                yield from taken()
            continue
        elif fence and fence[3].strip() and fence[2] != "{raw}":  # a title
            yield from taken()
            yield line[: fence.start(3)] + " ", fence[3].strip()
            continue
        yield from taken()
        yield line + end, ""
    yield from taken()


def translated(source: str, catalogue: dict[str, str]) -> str:
    """Return a page with its texts in Chinese; one without a translation stays as it is."""
    found = []
    for lead, text in parts(source):
        said = catalogue.get(text) or text
        found.append(f"{lead}{said}\n" if text else lead)
    return "".join(found)


def pages() -> dict[str, str]:
    """Return the text of every page by its catalogue's name; one template makes all records."""
    made = ("notebooks/records/", "book/provinces/")
    toc = (ROOT / "book/_toc.yml").read_text("utf-8")
    names = ["book/index", *re.findall(r"file: (\S+)", toc)]
    found = {n: ROOT / f"{n}.md" for n in names if not n.startswith(made)}
    found["notebooks/records"] = ROOT / "book/_ext/templates/record.md"
    return {name: path.read_text("utf-8") for name, path in found.items()}


def chinese_pages() -> dict[str, str]:
    """Return every page in Chinese by its name."""
    found = pages().items()
    said = {name: _read_catalogue(CATALOGUES / f"{name}.po") for name, _ in found}
    return {name: translated(source, said[name]) for name, source in found}


def chinese_script(source: str) -> str:
    """Return a script of the site with its fragments in Chinese, the longest first."""
    fragments = _read_catalogue(CATALOGUES / "scripts.po").items()
    for fragment, said in sorted(fragments, key=lambda pair: -len(pair[0])):
        source = source.replace(fragment, said)
    return source


def is_text(text: str) -> bool:
    """Return whether a text has words to translate."""
    return bool(re.search("[A-Za-z]{2}", TAKEN.sub("", text)))


def main() -> int:
    """Write the catalogues anew and say how many texts wait for their translation."""
    write_once(_NAMES, _listed(_names(ROOT / "data")))
    waiting = 0
    for name, source in pages().items():
        path = CATALOGUES / f"{name}.po"
        said = _read_catalogue(path)
        texts = {text: said.get(text, "") for _, text in parts(source) if is_text(text)}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_once(path, _listed(texts))
        waiting += sum(not one for one in texts.values())
    print(f"{waiting} texts wait for their translation.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
