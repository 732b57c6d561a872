"""One family of exceptions: what was wrong, where, what was expected, what to do."""

from __future__ import annotations

from nqpf.text import visible

__all__ = [
    "NqpfError",
    "DataError",
    "SourceError",
    "ProvinceError",
    "UnitError",
    "VintageError",
    "SampleError",
    "CardError",
    "FormulaError",
    "MethodError",
    "EstimationError",
]


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

    def _message(self) -> str:
        text = self.problem.rstrip(".")
        if self.where:
            text += " [" + ", ".join(f"{k} {v}" for k, v in self.where.items()) + "]"
        if self.expected:
            text += f"; expected {self.expected.rstrip('.')}"
        text += "."
        if self.hint:
            text += f" {self.hint[0].upper()}{self.hint[1:].rstrip('.')}."
        return visible(text)  # a value of a file must not drive the terminal


class DataError(NqpfError):
    """A table, row or figure cannot be used."""


class SourceError(DataError):
    """A source file is missing, corrupted or not the one that was pinned."""


class ProvinceError(DataError):
    """A province name or code is not known."""


class UnitError(DataError):
    """A unit differs from the one in the catalogue."""


class VintageError(DataError):
    """Figures of different vintages would be mixed."""


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
