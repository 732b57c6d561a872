"""Keep the Chinese text of the chapters beside the English one, and say what lacks or is stale.

Usage: python scripts/translate.py [update]

Each page has a catalogue in the form of gettext, ``book/locale/zh_CN/LC_MESSAGES/<page>.po``, with
one entry per paragraph, heading, item or row, in the order of the page. ``update`` writes an entry
for each new text and drops those that no page holds; without it the script says what is
untranslated or stale, and which translation lost a number, a formula, a link or a quoted value.
"""

from __future__ import annotations

import re
import sys
from calendar import month_name
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "book" / "_ext"))

from book_templates import write_once  # noqa: E402

from nqpf.chinese import read_catalogue  # noqa: E402
from nqpf.errors import DataError  # noqa: E402

CATALOGUES = ROOT / "book" / "locale" / "zh_CN" / "LC_MESSAGES"
NAMES = ROOT / "src" / "nqpf" / "locale" / "names.po"
HEADER = 'msgid ""\nmsgstr ""\n"Language: zh_CN\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'

# Fenced blocks whose text readers read; all others are code.
_READ = r"\{(?:raw|exercise|admonition|glossary|note|tip|warning)\}"
_FENCE = re.compile(rf"\s*(`{{3,}}|:{{3,}})({_READ})?(.*)")
_KEPT = re.compile(r"\s*(?::[\w-]+:.*|\(.+\)=|\+\+\+.*|-{3,}|\|[-:| ]+\||\{%.*)$")
_MARK = re.compile(r"(\s*)((?:[-*] |\d+\. |> |: |#+ )*)")
# What a translation takes over as it is, in whatever order.
_TAKEN = re.compile(
    r"\{[\w:]+\}`[^`]*`|`[^`]+`|\$[^$]+\$|\]\([^)]*\)|</?[a-z][^>]*>|\{\{.*?\}\}|\d+(?:[.,]\d+)*"
)
# In a script: words between marks of quotation, at least two of them or beside Chinese.
_SENTENCE = re.compile(
    r"""["`>][^"`]*?(?:[A-Z][a-z]+ [a-z]+|[A-Za-z]{2} [\u4e00-\u9fff])[^"`]*["`]"""
)
SCRIPTS = ROOT / "book" / "_static"
_MONTHS = {name: str(number) for number, name in enumerate(month_name) if name}
_MONTH = re.compile(r"\b(?:" + "|".join(_MONTHS) + r")\b")


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


def translated(source: str, catalogue: dict[str, str], page: str) -> str:
    """Return a page with its texts in Chinese.

    Raises
    ------
    nqpf.errors.DataError
        If a text has no translation.
    """
    found = []
    for lead, text in parts(source):
        said = catalogue.get(text, "") if _is_text(text) else text
        if text and not said:
            expected = "an entry with a translation"
            hint = "run scripts/translate.py update, and fill it in"
            problem, where = f"no Chinese for {text!r}", {"page": page}
            raise DataError(problem, where=where, expected=expected, hint=hint)
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


def names() -> dict[str, str]:
    """Return what the data's own files say in both languages, and the provinces."""
    from nqpf import provinces

    table = provinces._table()
    found = dict(zip(table["en"], table["zh"], strict=True))

    def walk(node: object) -> None:
        if isinstance(node, dict) and {"en", "zh"} <= node.keys():
            found.setdefault(str(node["en"]), str(node["zh"]))
        for child in node.values() if isinstance(node, dict) else node:
            if isinstance(child, dict | list):
                walk(child)

    for path in sorted((ROOT / "data").rglob("*.yaml")):
        walk([yaml.safe_load(path.read_text("utf-8"))])
    return found


def chinese_pages() -> dict[str, str]:
    """Return every page in Chinese by its name."""
    found = pages().items()
    said = {name: read_catalogue(CATALOGUES / f"{name}.po") for name, _ in found}
    return {name: translated(source, said[name], name) for name, source in found}


def chinese_script(source: str) -> str:
    """Return a script of the site with its fragments in Chinese, the longest first."""
    fragments = read_catalogue(CATALOGUES / "scripts.po").items()
    for fragment, said in sorted(fragments, key=lambda pair: -len(pair[0])):
        source = source.replace(fragment, said)
    return source


def script_problems() -> list[str]:
    """Return which fragments no script holds, and which sentences of scripts have no Chinese."""
    scripts = {path.name: path.read_text("utf-8") for path in sorted(SCRIPTS.glob("*.js"))}
    fragments, every = read_catalogue(CATALOGUES / "scripts.po"), "".join(scripts.values())
    wrong = [f"scripts: stale: {one}" for one in fragments if one not in every]
    for name, source in scripts.items():
        lines = (line.split("//")[0] for line in chinese_script(source).split("\n"))
        left = (said[0] for line in lines for said in _SENTENCE.finditer(line))
        wrong += [f"{name}: untranslated: {one}" for one in left]
    return wrong


def problems(name: str, source: str, catalogue: dict[str, str]) -> list[str]:
    """Return what is untranslated or stale, and which translation lost something it must keep."""
    texts = dict.fromkeys(text for _, text in parts(source) if _is_text(text))
    wrong = [f"{name}: untranslated: {text}" for text in texts if not catalogue.get(text)]
    wrong += [f"{name}: stale: {text}" for text in catalogue.keys() - texts]
    for text in filter(catalogue.get, texts):
        plain = _MONTH.sub(lambda found: _MONTHS[found[0]], text.replace("100 million yuan", ""))
        first, second = (Counter(_TAKEN.findall(one)) for one in (plain, catalogue[text]))
        if first != second:
            lost, new = sorted((first - second).elements()), sorted((second - first).elements())
            wrong.append(f"{name}: lost {lost}, new {new}: {catalogue[text]}")
    return wrong


def _is_text(text: str) -> bool:
    return bool(re.search("[A-Za-z]{2}", _TAKEN.sub("", text)))


def _entry(text: str, said: str) -> str:
    return f"\nmsgid {_quoted(text)}\nmsgstr {_quoted(said)}\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    # A sentence per line, so that a change is seen where it is.
    lines = re.findall(r".+?(?:[.?!] |[。？！]|$)", escaped) or [""]
    return "\n".join(f'"{line}"' for line in ([] if len(lines) == 1 else [""]) + lines)


def main(arguments: list[str]) -> int:
    """Write the catalogues anew, or say what is wrong with them."""
    wrong = script_problems()
    listed = HEADER + "".join(_entry(*pair) for pair in sorted(names().items()) if all(pair))
    if arguments == ["update"]:
        write_once(NAMES, listed)
    elif NAMES.read_text("utf-8") != listed:
        wrong.append(f"{NAMES.name}: stale: the names of the data's files changed")
    for name, source in pages().items():
        path = CATALOGUES / f"{name}.po"
        said = read_catalogue(path)
        if arguments == ["update"]:
            texts = dict.fromkeys(text for _, text in parts(source) if _is_text(text))
            path.parent.mkdir(parents=True, exist_ok=True)
            entries = "".join(_entry(text, said.get(text, "")) for text in texts)
            write_once(path, HEADER + entries)
        wrong += problems(name, source, read_catalogue(path))
    print("\n".join(wrong) or "Every text has its translation.")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
