"""Indicator formulas: plain arithmetic over panel variables, parsed and walked here.

A formula may hold variable names, decimal numbers, ``+ - * /``, unary minus
and parentheses. It has a grammar of its own, so there is nothing in it that
could call, import or reach an attribute; see
``docs/decisions/0021-own-formula-grammar.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nqpf.errors import FormulaError
from nqpf.systems import grammar

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Formula"]


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
    tree: grammar.Node
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
        tree = grammar.parse(text, dict(where or {}))
        return cls(text, tree, tuple(dict.fromkeys(grammar.names(tree))))

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

    def _walk(self, node: grammar.Node, frame: pd.DataFrame, where: dict) -> np.ndarray | float:
        if isinstance(node, grammar.Number):
            return node.value
        if isinstance(node, grammar.Name):
            return frame[node.key].to_numpy(dtype=float)
        if isinstance(node, grammar.Negative):
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
