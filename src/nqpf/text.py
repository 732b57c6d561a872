"""Text that shows what it holds: nothing invisible, nothing that turns the line around."""

from __future__ import annotations

import unicodedata

__all__ = ["like_formula", "visible", "visible_within"]

# A spreadsheet takes a text that starts so for a formula, in some languages the wide forms too.
_FORMULA = tuple("=+-@\t\n＝＋－＠")
# Controls, formats (direction marks, zero-width characters), halves of characters, separators.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def visible(text: str) -> str:
    r"""Write characters that cannot be seen as their code points; keep everything else.

    A control character can drive a terminal, and a right-to-left override shows
    other text than is written. Neither has a place in a table of statistics, and
    none is dropped silently.

    Parameters
    ----------
    text : str
        Any text. Line breaks and tabs stay.

    Examples
    --------
    >>> visible("GDP 地区生产总值"), visible("zip\u202eslx.exe"), visible("\x1b[2J")
    ('GDP 地区生产总值', 'zip[U+202E]slx.exe', '[U+001B][2J')
    """
    if text.isprintable():  # nearly always
        return text
    return "".join(map(_shown, text.replace("\r\n", "\n").replace("\r", "\n")))


def _shown(character: str) -> str:
    code = ord(character)
    no_character = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    if character in "\n\t" or not (no_character or unicodedata.category(character) in _HIDDEN):
        return character
    return f"[U+{code:04X}]"


def visible_within(value: object) -> object:
    r"""Return nested lists and mappings with every text as :func:`visible` writes it.

    Parameters
    ----------
    value : object
        What a YAML file holds. Keys and anything but text stay.

    Examples
    --------
    >>> visible_within({"name": ["a\u200bb", 3]})
    {'name': ['a[U+200B]b', 3]}
    """
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list | tuple):
        return [visible_within(item) for item in value]
    if isinstance(value, dict):
        return {key: visible_within(item) for key, item in value.items()}
    return value


def like_formula(text: str) -> bool:
    """Return whether a spreadsheet may take a text for a formula.

    Examples
    --------
    >>> like_formula("=1+1"), like_formula("R&D")
    (True, False)
    """
    return text.startswith(_FORMULA)
