"""Indicator formulas: plain arithmetic over panel variables, and nothing else.

A formula may hold variable names, decimal numbers, ``+ - * /``, unary minus and parentheses.
Its characters are held against a list of what may stand there, then the tree that Python's
parser makes of it against a list of kinds of nodes, so that what neither list names is refused;
see ``docs/decisions/0021-own-formula-grammar.md``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nqpf import provinces
from nqpf.errors import FormulaError

if TYPE_CHECKING:
    import pandas as pd

_LENGTH = 300
_DEPTH = 20
_EXPECTED = "variable names, decimal numbers, + - * / and parentheses"
_OPERATIONS = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide}
# Whole words, numbers written plainly (no 0x10, 1_000, 1e9999), single signs; ASCII only, since
# Python's parser would turn letters that look alike into one another.
_PLAIN = re.compile(
    r"(?:[0-9]+(?:\.[0-9]+)?(?![\w.])|[A-Za-z][A-Za-z0-9_]*|\*(?!\*)|/(?!/)|[-+() \n])*"
)


@dataclass(frozen=True)
class Formula:
    """A parsed formula.

    Parameters
    ----------
    text : str
        The formula as written.
    names : tuple of str
        The variables it needs, in order of first use.
    tree : ast.expr
        Its parsed form.

    Examples
    --------
    >>> Formula.parse("rd_expenditure / gdp * 100").names
    ('rd_expenditure', 'gdp')
    """

    text: str
    names: tuple[str, ...]
    tree: ast.expr = field(repr=False, compare=False)

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
        >>> Formula.parse("open(a)", {"indicator": "a"})
        Traceback (most recent call last):
            ...
        nqpf.errors.FormulaError: 'open(a)' is not allowed [indicator a, column 1]; \
expected variable names, decimal numbers, + - * / and parentheses.
        """
        place = dict(where or {})
        if len(text) > _LENGTH:
            problem = f"a formula of {len(text)} characters is too long"
            raise FormulaError(problem, where=place, expected=f"at most {_LENGTH} characters")
        return cls(text, *_parsed(text, place))

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

        def refuse(bad: np.ndarray, what: str) -> None:
            rows = np.flatnonzero(np.broadcast_to(bad, len(frame)))
            if rows.size:
                code, year = frame.index[rows[0]]
                more = f" (and in {rows.size - 1} more rows)" if rows.size > 1 else ""
                where = place | {"province": provinces.name(code), "year": year}
                raise FormulaError(f"formula {self.text!r} {what}{more}", where=where)

        def value(node: ast.expr) -> np.ndarray | float:
            if isinstance(node, ast.Constant):
                return float(node.value)
            if isinstance(node, ast.Name):
                return columns[node.id]
            if isinstance(node, ast.UnaryOp):
                return -value(node.operand)
            left, right = value(node.left), value(node.right)
            if isinstance(node.op, ast.Div):
                refuse(np.equal(right, 0), "divides by zero")
            return _OPERATIONS[type(node.op)](left, right)

        for name in self.names:
            if name not in frame.columns:
                raise FormulaError(f"unknown variable {name!r} in {self.text!r}", where=place)
        columns = {name: frame[name].to_numpy(dtype=float) for name in self.names}
        with np.errstate(all="ignore"):
            values = np.broadcast_to(value(self.tree), len(frame)).astype(float)
        refuse(np.isinf(values), "gives a number that is too large")
        return pd.Series(values, index=frame.index)


def _parsed(text: str, where: dict[str, object]) -> tuple[tuple[str, ...], ast.expr]:
    """Return the names in order of first use and the tree, or say what is not allowed where."""

    def refusal(what: str, at: int) -> FormulaError:
        place = where | {"column": min(max(at, 0), len(text)) + 1}
        return FormulaError(f"{what} is not allowed", where=place, expected=_EXPECTED)

    end = _PLAIN.match(text).end()
    if end < len(text):
        raise refusal(f"{text[end : end + 2]!a}", end)
    start = len(text) - len(text.lstrip())
    level = 0
    for at, character in enumerate(text):
        level += (character == "(") - (character == ")")
        if level > _DEPTH:
            raise refusal(f"nesting deeper than {_DEPTH}", at)
    if level > 0 or not text.strip() or text.rstrip()[-1] in "+-*/":
        raise refusal("an unfinished formula", len(text))
    # Python has a grammar of its own for line ends and for numbers that begin with zeros.
    plain = re.sub(r"\n|(?<![\w.])0+(?=[0-9])", lambda found: " " * len(found[0]), text[start:])
    start += len(plain) - len(plain.lstrip())
    try:
        tree = ast.parse(plain.strip(), mode="eval").body
    except SyntaxError as error:
        at = start + (error.offset or 1) - 1
        raise refusal(f"{text[at : at + 20].strip()!r} here", at) from error

    names: list[str] = []

    def check(node: ast.expr, minus: int) -> None:
        at = start + node.col_offset
        if minus > _DEPTH:
            raise refusal(f"nesting deeper than {_DEPTH}", at)
        match node:
            case ast.Name():
                names.append(node.id)
            case ast.Constant() if type(node.value) in (int, float):
                pass
            case ast.UnaryOp(op=ast.USub()):
                check(node.operand, minus + 1)
            case ast.BinOp() if type(node.op) in _OPERATIONS:
                check(node.left, minus)
                check(node.right, minus)
            case _:
                raise refusal(repr(text[at : start + node.end_col_offset]), at)

    check(tree, 0)
    return tuple(dict.fromkeys(names)), tree


def _sides(node: ast.expr) -> tuple[frozenset[str], frozenset[str]]:
    """Return the variables above and below the fraction bar.

    Examples
    --------
    >>> [sorted(side) for side in _sides(Formula.parse("(a - b) / (c * d) * 100").tree)]
    [['a', 'b'], ['c', 'd']]
    """
    if isinstance(node, ast.UnaryOp):
        return _sides(node.operand)
    if not isinstance(node, ast.BinOp):
        return frozenset([node.id] if isinstance(node, ast.Name) else []), frozenset()
    (top, bottom), (over, under) = _sides(node.left), _sides(node.right)
    if isinstance(node.op, ast.Div):
        over, under = under, over
    return top | over, bottom | under
