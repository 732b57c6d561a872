"""Indicator formulas: plain arithmetic over panel variables, parsed and walked here.

A formula may hold variable names, decimal numbers, ``+ - * /``, unary minus
and parentheses. It has a grammar of its own, so there is nothing in it that
could call, import or reach an attribute; see
``docs/decisions/0021-own-formula-grammar.md``.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nqpf.errors import FormulaError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Binary", "Formula", "Name", "Negative", "Node", "Number", "names", "parse", "sides"]

MAX_LENGTH = 300
MAX_DEPTH = 20
_EXPECTED = "variable names, decimal numbers, + - * / and parentheses"
_TOKEN = re.compile(
    r"(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<symbol>[-+*/()])"
)
_REFUSED = {
    ".": "attribute access with '.'",
    "[": "a subscript '['",
    "]": "a subscript ']'",
    "{": "a brace '{'",
    "}": "a brace '}'",
    "'": "text in quotes",
    '"': "text in quotes",
    "`": "a back quote",
    ",": "a list with ','",
    ":": "':' (a lambda, slice or assignment)",
    "=": "an assignment or comparison with '='",
    "<": "a comparison with '<'",
    ">": "a comparison with '>'",
    "!": "a comparison with '!'",
    "%": "the operator '%'",
    "@": "the operator '@'",
    "&": "the operator '&'",
    "|": "the operator '|'",
    "^": "the operator '^'",
    "~": "the operator '~'",
    ";": "a second statement with ';'",
    "#": "a comment with '#'",
    "\\": "a backslash",
    "_": "a name that starts with '_'",
}


@dataclass(frozen=True)
class Number:
    """A decimal number."""

    value: float


@dataclass(frozen=True)
class Name:
    """A variable of the panel."""

    key: str


@dataclass(frozen=True)
class Negative:
    """A unary minus."""

    operand: Node


@dataclass(frozen=True)
class Binary:
    """A sum, difference, product or quotient."""

    symbol: str
    left: Node
    right: Node


Node = Number | Name | Negative | Binary


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int


def parse(text: str, where: dict[str, object]) -> Node:
    """Return the tree of a formula; see :meth:`nqpf.systems.Formula.parse`."""
    return _Parser(text, where).parse()


def names(node: Node) -> Iterator[str]:
    """Yield the variable names of a tree, from left to right."""
    if isinstance(node, Name):
        yield node.key
    elif isinstance(node, Negative):
        yield from names(node.operand)
    elif isinstance(node, Binary):
        yield from names(node.left)
        yield from names(node.right)


def sides(node: Node) -> tuple[frozenset[str], frozenset[str]]:
    """Return the variables above and below the fraction bar.

    Examples
    --------
    >>> [sorted(side) for side in sides(parse("(a - b) / (c * d) * 100", {}))]
    [['a', 'b'], ['c', 'd']]
    """
    if isinstance(node, Name):
        return frozenset([node.key]), frozenset()
    if isinstance(node, Negative):
        return sides(node.operand)
    if not isinstance(node, Binary):
        return frozenset(), frozenset()
    (top, bottom), (over, under) = sides(node.left), sides(node.right)
    if node.symbol == "/":
        over, under = under, over
    return top | over, bottom | under


class _Parser:
    """Recursive descent: sum of products of signed atoms."""

    def __init__(self, text: str, where: dict[str, object]) -> None:
        self.where = where
        if len(text) > MAX_LENGTH:
            raise FormulaError(
                f"a formula of {len(text)} characters is too long",
                where=where,
                expected=f"at most {MAX_LENGTH} characters",
            )
        self.end = len(text) + 1
        self.tokens = list(self._tokens(text))
        self.position = 0

    def _error(self, what: str, column: int) -> FormulaError:
        return FormulaError(
            f"{what} is not allowed", where={**self.where, "column": column}, expected=_EXPECTED
        )

    def _tokens(self, text: str) -> Iterator[_Token]:
        place = 0
        while place < len(text):
            if text[place] in " \n":
                place += 1
                continue
            match = _TOKEN.match(text, place)
            if match is None:
                character = text[place]
                what = _REFUSED.get(character, f"character {character!a}")
                raise self._error(what, place + 1)
            token = _Token(str(match.lastgroup), match.group(), place + 1)
            place = match.end()
            following = text[place : place + 1]
            if token.kind == "number" and (following.isalnum() or following in {"_", "."}):
                raise self._error(f"number {token.text + following!r}...", token.column)
            if token.kind == "name" and keyword.iskeyword(token.text):
                raise self._error(f"the word {token.text!r}", token.column)
            if token.text in {"*", "/"} and following == token.text:
                raise self._error(f"the operator {token.text * 2!r}", token.column)
            yield token

    def parse(self) -> Node:
        tree = self._sum(0)
        token = self._next()
        if token is not None:
            raise self._error(self._unexpected(token), token.column)
        return tree

    def _unexpected(self, token: _Token) -> str:
        before = self.tokens[self.position - 1] if self.position else None
        if token.text == "(" and before is not None:
            return f"a call '{before.text}('"
        return f"{token.text!r} after {before.text!r}" if before else f"{token.text!r} here"

    def _next(self) -> _Token | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def _take(self, symbols: str) -> str | None:
        token = self._next()
        if token is None or token.kind != "symbol" or token.text not in symbols:
            return None
        self.position += 1
        return token.text

    def _sum(self, depth: int) -> Node:
        left = self._product(depth)
        while symbol := self._take("+-"):
            left = Binary(symbol, left, self._product(depth))
        return left

    def _product(self, depth: int) -> Node:
        left = self._atom(depth)
        while symbol := self._take("*/"):
            left = Binary(symbol, left, self._atom(depth))
        return left

    def _atom(self, depth: int) -> Node:
        token = self._next()
        if token is None:
            raise self._error("an unfinished formula", self.end)
        if depth > MAX_DEPTH:
            raise self._error(f"nesting deeper than {MAX_DEPTH}", token.column)
        if self._take("-"):
            return Negative(self._atom(depth + 1))
        if self._take("("):
            inner = self._sum(depth + 1)
            if not self._take(")"):
                token = self._next()
                what = self._unexpected(token) if token else "an unclosed parenthesis"
                raise self._error(what, token.column if token else self.end)
            return inner
        if token.kind == "symbol":
            raise self._error(self._unexpected(token), token.column)
        self.position += 1
        return Number(float(token.text)) if token.kind == "number" else Name(token.text)


@dataclass(frozen=True)
class Formula:
    """A parsed formula.

    Parameters
    ----------
    text : str
        The formula as written.
    tree : node
        Its parsed form.
    names : tuple of str
        The variables it needs, in order of first use.

    Examples
    --------
    >>> Formula.parse("rd_expenditure / gdp * 100").names
    ('rd_expenditure', 'gdp')
    """

    text: str
    tree: Node
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, where: Mapping[str, object] | None = None) -> Formula:
        """Parse a formula.

        Parameters
        ----------
        text : str
            At most 300 characters, nested at most 20 deep.
        where : mapping or None
            Place of the formula (file, indicator) for the error message.

        Raises
        ------
        nqpf.errors.FormulaError
            If the text holds anything but the arithmetic described above; the
            message says what and in which column.

        Examples
        --------
        >>> Formula.parse("open('x')", {"indicator": "a"})
        Traceback (most recent call last):
            ...
        nqpf.errors.FormulaError: text in quotes is not allowed [indicator a, \
column 6]; expected variable names, decimal numbers, + - * / and parentheses.
        """
        tree = parse(text, dict(where or {}))
        return cls(text, tree, tuple(dict.fromkeys(names(tree))))

    def evaluate(self, frame: pd.DataFrame, where: Mapping[str, object] | None = None) -> pd.Series:
        """Return the formula's value for each row.

        Parameters
        ----------
        frame : DataFrame
            One column per variable, indexed ``(province, year)``, canonical units.
        where : mapping or None
            Place of the formula for the error message.

        Returns
        -------
        Series
            In the frame's order; missing where a variable that is used is missing.

        Raises
        ------
        nqpf.errors.FormulaError
            If a variable is not a column, a divisor is zero or a result is
            too large for a number; the message names province and year.

        Examples
        --------
        >>> import pandas as pd
        >>> index = pd.MultiIndex.from_tuples([(110000, 2022)], names=["province", "year"])
        >>> frame = pd.DataFrame({"gdp": [400.0], "population": [20.0]}, index=index)
        >>> float(Formula.parse("gdp / population").evaluate(frame).iloc[0])
        20.0
        """
        import pandas as pd

        place = dict(where or {})
        for name in self.names:
            if name not in frame.columns:
                raise FormulaError(f"unknown variable {name!r} in {self.text!r}", where=place)
        with np.errstate(all="ignore"):
            values = self._walk(self.tree, frame, place)
        values = np.broadcast_to(values, len(frame)).astype(float)
        self._refuse(np.isinf(values), frame, "gives a number that is too large", place)
        return pd.Series(values, index=frame.index)

    def _walk(self, node: Node, frame: pd.DataFrame, where: dict) -> np.ndarray | float:
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Name):
            return frame[node.key].to_numpy(dtype=float)
        if isinstance(node, Negative):
            return -self._walk(node.operand, frame, where)
        left = self._walk(node.left, frame, where)
        right = self._walk(node.right, frame, where)
        if node.symbol == "+":
            return np.add(left, right)
        if node.symbol == "-":
            return np.subtract(left, right)
        if node.symbol == "*":
            return np.multiply(left, right)
        self._refuse(np.equal(right, 0), frame, "divides by zero", where)
        return np.divide(left, right)

    def _refuse(self, bad: np.ndarray, frame: pd.DataFrame, what: str, where: dict) -> None:
        rows = np.flatnonzero(np.broadcast_to(bad, len(frame)))
        if rows.size:
            from nqpf import provinces

            code, year = frame.index[rows[0]]
            where = {**where, "province": provinces.name(code), "year": year}
            more = f" (and in {rows.size - 1} more rows)" if rows.size > 1 else ""
            raise FormulaError(f"formula {self.text!r} {what}{more}", where=where)
