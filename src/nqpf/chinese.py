"""Say in Chinese what the library, its tables and its figures say in English.

The catalogue ``locale/zh_CN.po`` holds English texts with their Chinese. ``{}`` in them stands for
a number, a name or another text that the catalogue knows, so that one entry serves every value.
"""

from __future__ import annotations

import csv
import os
import re
from functools import cache
from itertools import count
from pathlib import Path

_NAMES = Path(__file__).with_name("locale") / "names.po"  # of the data's own files
_HEADER = (
    'msgid ""\nmsgstr ""\n"Language: zh_CN\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
)
_HAN = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
# What a text is filled with: numbers, and what stands for a part of a page.
_FILLED = re.compile("[-+\u2212]?\\d+(?:,\\d{3})*(?:\\.\\d+)?(?:e[-+]?\\d+)?|[\ue000-\uf8ff]")
_HOLE = re.compile(r"\{(\d*)\}")
_WORD = re.compile("[A-Za-z]{2}")
# A name in both languages, such as "Beijing 北京".
_BOTH = re.compile(rf"(\d[\d.]* )?[^{_HAN}]*[A-Za-z][^{_HAN}]*?(?: ·)? ([{_HAN}][{_HAN} \d·—–-]*)")
_BOOK = "zh_CN.po"  # what tables and figures say
# A pattern that begins with a hole and has fewer letters takes numbers only, as "{} of {}", but
# for a name before several.
_LEAST, _NAMED = 4, 3
_SPAN = r"\d{4}(?:[–-]\d{4})?"
_DATED = re.compile(rf"(.+), ({_SPAN})")
_YEARS = re.compile(rf"{_SPAN}(?:, {_SPAN})*")
_YEAR = re.compile(r"\((\d{4}[a-z]?)\)")
# What stands between the parts of a text, the widest gap first.
_BETWEEN = {". ": "。", "; ": "；", ": ": "：", " · ": " · ", ", ": "、"}
_BETWEEN |= {" and ": "和", " to ": "至"}
# What a chart says: as it is, or within an expression.
_TOLD, _RECKONED = {"title", "labels", "domain", "region", "names"}, {"expr", "calculate"}
_SAYING = re.compile("'([^']*)'")
_ENTRY = re.compile(r'msgid ((?:".*"\s*)+)msgstr ((?:".*"\s*)+)')
_ESCAPED = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


def language() -> str:
    """Return what messages and figures are written in: ``en`` or ``zh``.

    The environment variable NQPF_LANGUAGE says it, without one the locale, installed or not; any
    language but Chinese gives English.

    Examples
    --------
    >>> language()
    'en'
    """
    names = ("NQPF_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    said = next(filter(None, (os.environ.get(name) for name in names)), "")
    return "zh" if said.startswith("zh") else "en"


def _read_catalogue(path: Path) -> dict[str, str]:
    r"""Return the translations of a catalogue in the form of gettext by their texts.

    Parameters
    ----------
    path : Path
        A ``.po`` file; one that is not there has no entries.

    Returns
    -------
    dict
        An empty text where the translation is open.
    """
    found = {}
    for entry in _ENTRY.findall(path.read_text("utf-8") if path.is_file() else ""):
        text, said = ("".join(re.findall('"(.*)"', part)) for part in entry)
        found[_plain(text)] = _plain(said)
    found.pop("", None)
    return found


def _plain(text: str) -> str:
    return re.sub(r'\\[n"\\]', lambda found: _ESCAPED[found[0]], text)


def _listed(entries: dict[str, str]) -> str:
    """Return a catalogue."""
    lines = (f"\nmsgid {_quoted(t)}\nmsgstr {_quoted(said)}\n" for t, said in entries.items())
    return _HEADER + "".join(lines)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    # A sentence per line, so that a change is seen where it is.
    lines = re.findall(r".+?(?:[.?!] |[。？！]|$)", escaped) or [""]
    return "\n".join(f'"{line}"' for line in ([] if len(lines) == 1 else [""]) + lines)


def _names(folder: Path) -> dict[str, str]:
    """Return what the data's own files say in both languages, and the provinces."""
    import yaml  # a command that only helps need not wait for it

    with (folder / "provinces.csv").open(encoding="utf-8") as table:
        found = {row["en"]: row["zh"] for row in csv.DictReader(table)}

    def walk(node: object) -> None:
        if isinstance(node, dict) and {"en", "zh"} <= node.keys():
            found.setdefault(str(node["en"]), str(node["zh"]))
        for child in node.values() if isinstance(node, dict) else node:
            if isinstance(child, dict | list):
                walk(child)

    for path in sorted(folder.rglob("*.yaml")):
        walk([yaml.safe_load(path.read_text("utf-8"))])
    return {english: said for english, said in sorted(found.items()) if english and said}


def _hole(before: str, numeric: bool) -> str:
    """Return what a hole after a text takes: a number, a whole list after a colon, or one item."""
    if numeric:
        return f"({_FILLED.pattern})"
    return "(.+?)" if before.endswith((": ", ". ")) else "((?:(?!; ).)+?)"


_Catalogue = tuple[dict[str, str], list[tuple[str, re.Pattern[str], str]]]


@cache
def _catalogue(*names: str) -> _Catalogue:
    """Return the entries by their texts, and those with holes as patterns, longest first."""
    paths = [Path(__file__).with_name("locale") / name for name in names]
    if _BOOK in names:
        more = os.environ.get("NQPF_CATALOGUES", "").split(os.pathsep)
        paths += [Path(one) for one in more if one]
    entries = {text: said for path in paths for text, said in _read_catalogue(path).items() if said}
    patterns = []
    for text in sorted(entries, key=len, reverse=True):
        first, *pieces = text.split("{}")
        if pieces and _WORD.search(text):
            short = not first and len(re.findall("[A-Za-z]", text)) < _LEAST
            holes = [_hole(one, short) for one in [first, *pieces[:-1]]]
            holes[0] = _hole(first, short and len(holes) < _NAMED)
            rest = "".join(
                f"{one}{re.escape(said)}" for one, said in zip(holes, pieces, strict=True)
            )
            patterns.append((first, re.compile(re.escape(first) + rest), entries[text]))
    return entries, patterns


def message(text: str) -> str:
    """Return what an error or a command says in the reader's language, line by line.

    What fills a message is taken over as it is: names of files, options and columns.

    Examples
    --------
    >>> message("a line that no catalogue knows")
    'a line that no catalogue knows'
    """
    return "\n".join(map(_message, text.split("\n"))) if language() == "zh" else text


@cache
def _message(line: str) -> str:
    entries, patterns = _catalogue("messages.po")
    bare = line.strip()
    said = entries.get(bare, "")
    for lead, pattern, one in () if said else patterns:
        if bare.startswith(lead) and (found := pattern.fullmatch(bare)):
            said = _fill(one, list(found.groups()))
            break
    return line.replace(bare, said) if said else line


@cache
def chinese(text: str) -> str | None:
    """Return a text in Chinese, None if the catalogue does not know it.

    Numbers are taken over as they are; of a name in both languages the Chinese stays; lists are
    translated part by part.

    Examples
    --------
    >>> chinese("Beijing 北京"), chinese("12.5"), chinese("Beijing, Shanghai and Hainan")
    ('北京', '12.5', '北京、上海和海南')
    """
    entries, patterns = _catalogue("names.po", _BOOK)
    text = " ".join(text.split())
    if text in entries:
        return entries[text]
    if not _WORD.search(text):
        return re.sub("[–-]", "—", text).replace(", ", "、") if _YEARS.fullmatch(text) else text
    filled = _FILLED.findall(text)
    said = entries.get(_FILLED.sub("{}", text), "") if filled else ""
    # Only a part of a page may go, such as a mark that Chinese does without.
    if said and (len(_HOLE.findall(said)) >= len(filled) or not any(map(str.isdigit, text))):
        return _fill(said, filled)
    if both := _BOTH.fullmatch(text):
        year = _YEAR.search(text)  # of a study, between its names
        named = f"（{year[1]}）" if year and year[1] not in both[2] else ""
        place = re.sub(r" (\d{4})$", r"\1年", both[2])
        said = f"{both[1] or ''}{place}{named}"
        if {*_FILLED.findall(said)} == {*filled}:
            return said
        if (lead := text.removesuffix(both[2]).strip()) in entries:  # such as "per 10,000"
            return entries[lead]
    for lead, pattern, said in patterns:
        if text.startswith(lead) and (found := pattern.fullmatch(text)):
            parts = [chinese(part) for part in found.groups()]
            if None not in parts:
                return _fill(said, parts)
    if (dated := _DATED.fullmatch(text)) and (said := chinese(dated[1])):
        return f"{said}，{chinese(dated[2])}年"
    if text.startswith("(") and text.endswith(")") and (said := chinese(text[1:-1])):
        return f"（{said}）"
    for between, joined in _BETWEEN.items():
        whole = text.removesuffix(between.strip())  # a full stop ends the last sentence too
        parts = [chinese(part) for part in whole.split(between)] if between in whole else [None]
        if None not in parts:
            if joined in "、和" and any("、" in one for one in parts):  # names of several persons
                single = [chinese(one) for one in re.split(", | and ", whole)]
                parts, joined = parts if None in single else single, "；"
            return joined.join(parts) + joined * (whole != text)
    return None


def _worded(text: str) -> str:
    return chinese(text) or text if _WORD.search(text) else text


def _chart_in_chinese(node: object, key: str = "") -> object:
    """Return what a page draws from, such as a chart of Vega-Lite, with its words in Chinese."""
    if isinstance(node, list):
        return [_chart_in_chinese(one, key) for one in node]
    if isinstance(node, dict):
        told = node
        if "options" in node:  # a menu, whose options may be names of columns
            name = node["name"].rstrip(": ")
            told = {"labels": node["options"], **node, "name": f"{_worded(name)}："}
        elif node.get("name") == "names":  # by which points are told
            told = node | {"value": _chart_in_chinese(node["value"], "labels")}
        return {k: _chart_in_chinese(value, k) for k, value in told.items()}
    if not isinstance(node, str):
        return node
    if key in _RECKONED:
        return _SAYING.sub(lambda part: f"'{_worded(part[1])}'", node)
    # Of names, those in both languages: others name a part of the chart.
    said = key in _TOLD or (key == "name" and _BOTH.fullmatch(node))
    return _worded(node) if said else node


def _fill(said: str, parts: list[str]) -> str:
    """Put parts into the holes of a text, in order or where their numbers stand."""
    order = count()
    return _HOLE.sub(lambda at: parts[int(at[1]) if at[1] else next(order)], said)
