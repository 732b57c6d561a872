"""One family of exceptions: what was wrong, where, what was expected, what to do."""

from __future__ import annotations

import unicodedata

from nqpf.chinese import language, message

# A spreadsheet takes a text that starts so for a formula, in some languages the wide forms too.
_FORMULA = tuple("=+-@\t\n＝＋－＠")
# Controls, formats (direction marks, zero-width characters), halves of characters, separators.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


# Full-width signs are the plain ones to a reader, and so is the sign of minus; the mark of a
# repeated cell (nqpf.data.grid) is none.
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_WIDE |= {0x3000: " ", 0x2212: "-", 0x2063: None}


def _narrow(text: str) -> str:
    """Return a text with full-width digits, letters and signs as plain ones.

    Examples
    --------
    >>> _narrow("２０２４年（Ｒ＆Ｄ）"), _narrow("12①")
    ('2024年(R&D)', '12①')
    """
    return text.translate(_WIDE)


def _visible(text: str) -> str:
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
    >>> _visible("GDP 地区生产总值"), _visible("zip\u202eslx.exe"), _visible("\x1b[2J")
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


def _visible_within(value: object) -> object:
    r"""Return nested lists and mappings with every text as :func:`_visible` writes it.

    Parameters
    ----------
    value : object
        What a YAML file holds. Keys and anything but text stay.

    Examples
    --------
    >>> _visible_within({"name": ["a\u200bb", 3]})
    {'name': ['a[U+200B]b', 3]}
    """
    if isinstance(value, str):
        return _visible(value)
    if isinstance(value, list | tuple):
        return [_visible_within(item) for item in value]
    if isinstance(value, dict):
        return {key: _visible_within(item) for key, item in value.items()}
    return value


def _like_formula(text: str) -> bool:
    """Return whether a spreadsheet may take a text for a formula.

    Examples
    --------
    >>> _like_formula("=1+1"), _like_formula("R&D")
    (True, False)
    """
    return text.startswith(_FORMULA)


class NqpfError(ValueError):
    """Base of every error that the library raises on purpose.

    Parameters
    ----------
    problem : str
        What was wrong, with the offending value.
    where : mapping or None
        Place of the problem, for example ``{"file": "a.csv", "row": 3}``.
    expected : str or None
        What would have been right.
    hint : str or None
        What the reader can do about it.

    Examples
    --------
    >>> print(NqpfError("value 'abc' is not a number", where={"row": 3},
    ...                 expected="a decimal number", hint="correct the cell"))
    value 'abc' is not a number [row 3]; expected a decimal number. Correct the cell.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: dict[str, object] | None = None,
        expected: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.problem = problem
        self.where = dict(where or {})
        self.expected = expected
        self.hint = hint
        super().__init__(self._message())

    def changed(self, **parts: object) -> NqpfError:
        """Return an error of the same class with some of its parts replaced.

        Examples
        --------
        >>> print(NqpfError("it broke", hint="mend it").changed(where={"row": 3}))
        it broke [row 3]. Mend it.
        """
        kept = {name: getattr(self, name) for name in ("problem", "where", "expected", "hint")}
        kept |= parts
        return type(self)(kept.pop("problem"), **kept)

    def _message(self) -> str:
        if language() == "zh":
            where = "，".join(f"{message(str(key))} {value}" for key, value in self.where.items())
            problem, expected, hint = (
                message(one.rstrip("."))
                for one in (self.problem, self.expected or "", self.hint or "")
            )
            text = problem + f"［{where}］" * bool(where) + f"；应为：{expected}" * bool(expected)
            return _visible(f"{text.rstrip('。')}。{hint}" + "。" * bool(hint))
        text = self.problem.rstrip(".")
        if self.where:
            text += " [" + ", ".join(f"{k} {v}" for k, v in self.where.items()) + "]"
        if self.expected:
            text += f"; expected {self.expected.rstrip('.')}"
        text += "."
        if self.hint:
            text += f" {self.hint[0].upper()}{self.hint[1:].rstrip('.')}."
        return _visible(text)  # a value of a file must not drive the terminal


class DataError(NqpfError):
    """A table, row or figure cannot be used."""


class SourceError(DataError):
    """A source file is missing, corrupted or not the one that was pinned."""


class SampleError(DataError):
    """A sample is empty, unbalanced or does not match another one."""


class CardError(NqpfError):
    """A card of an indicator system cannot be used."""


class FormulaError(CardError):
    """An indicator formula is not plain arithmetic over panel variables."""


class MethodError(NqpfError):
    """A method name or one of its options is not valid."""


class EstimationError(NqpfError):
    """An estimator cannot be computed on these data."""
