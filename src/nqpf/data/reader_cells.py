"""Single cells of a reader's file: years, numbers, units and free text."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date

from nqpf.errors import DataError, UnitError
from nqpf.text import visible

__all__ = ["CHINESE_UNITS", "FIRST_YEAR", "number", "shown", "text", "unit", "year"]

FIRST_YEAR = 1949

CHINESE_UNITS = {
    "亿元": "100 million yuan",
    "亿元（1952年价）": "100 million yuan at 1952 prices",
    "上年=100": "previous year = 100",
    "1952=1": "1952 = 1",
    "%": "%",
    "％": "%",
    "万人": "10,000 persons",
    "人年": "person-years",
    "所": "institutions",
    "件": "items",
    "个": "firms",
    "家": "firms",
    "篇": "papers",
    "万吨标准煤": "10,000 tce",
    "万吨": "10,000 t",
    "亿千瓦时": "100 million kWh",
    "万千瓦": "10,000 kW",
    "公里": "km",
    "千米": "km",
}

_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
# A lone comma may be a decimal comma (1,234 = 1.234), so thousands separators are
# accepted only where they cannot be one.
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}((,[0-9]{3})+\.[0-9]+|(,[0-9]{3}){2,})")
_LONE_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_YEAR = re.compile(r"[0-9]{4}(\.0+)?")
_NOTHING = {"", "-", "--", "—", "——", "…", "……", "...", "na", "n/a", "nan", "null", "none", "#n/a"}
_INFINITE = re.compile(r"[+-]?(inf|infinity|∞)", re.IGNORECASE)


def shown(cell: object) -> str:
    """Return a cell as a message shows it: quoted, without control characters, cut at 40."""
    label = str(cell)
    return repr(label if len(label) <= 40 else label[:39] + "…")


def number(cell: str) -> float:
    """Return the finite number that a cell holds.

    Thousands separators are accepted where they cannot be decimal commas.

    Raises
    ------
    nqpf.errors.DataError
        If the cell is empty, text, a formula, infinite or ambiguous.

    Examples
    --------
    >>> number("1,234.5"), number("1.2e3")
    (1234.5, 1200.0)
    """
    if cell.casefold() in _NOTHING:
        raise DataError(
            f"the value is missing ({shown(cell)})",
            expected="a number",
            hint="remove the row: figures that are not known are left out",
        )
    if _INFINITE.fullmatch(cell):
        raise DataError(f"value {shown(cell)} is infinite", expected="a finite number")
    if cell.startswith("="):
        raise DataError(
            f"value {shown(cell)} is a formula",
            expected="a number",
            hint="copy the cells and paste them as values",
        )
    if _LONE_COMMA.fullmatch(cell) and not _GROUPED.fullmatch(cell):
        raise DataError(
            f"value {shown(cell)} is ambiguous: the comma may separate thousands or decimals",
            expected="a number with a decimal point and no thousands separators",
            hint=f"write {cell.replace(',', '')} or {cell.replace(',', '.')}"[:80],
        )
    if not (_DECIMAL.fullmatch(cell) or _GROUPED.fullmatch(cell)):
        raise DataError(
            f"value {shown(cell)} is not a number",
            expected="a decimal number without unit or text",
            hint="correct the cell",
        )
    value = float(cell.replace(",", ""))
    if not math.isfinite(value):
        raise DataError(f"value {shown(cell)} is infinite", expected="a finite number")
    return value + 0.0  # -0.0 becomes 0.0


def year(cell: str, today: date | None = None) -> int:
    """Return the year that a cell holds.

    Raises
    ------
    nqpf.errors.DataError
        If it is not a whole number from 1949 to next year.
    """
    last = (today or date.today()).year + 1
    if not _YEAR.fullmatch(cell) or not FIRST_YEAR <= int(cell[:4]) <= last:
        raise DataError(
            f"year {shown(cell)} cannot be used",
            expected=f"a whole number from {FIRST_YEAR} to {last}",
        )
    return int(cell[:4])


def unit(cell: str, expected: str | None) -> str:
    """Return a unit as the catalogue writes it.

    Parameters
    ----------
    cell : str
        The unit as given: the catalogue's exact text or its Chinese
        equivalent in :data:`CHINESE_UNITS`.
    expected : str or None
        The unit of the variable; None for a new variable, which may have any.

    Raises
    ------
    nqpf.errors.UnitError
        If the unit is missing or not the expected one. Figures are never converted.

    Examples
    --------
    >>> unit("亿元", "100 million yuan")
    '100 million yuan'
    """
    if expected is None:
        return CHINESE_UNITS.get(cell) or text(cell, "unit")
    if cell != expected and CHINESE_UNITS.get(cell) != expected:
        given = f"unit {shown(cell)} is not the variable's" if cell else "the unit is missing"
        chinese = " or ".join(zh for zh, en in CHINESE_UNITS.items() if en == expected != zh)
        raise UnitError(
            given,
            expected=repr(expected) + (f" ({chinese})" if chinese else ""),
            hint="convert the figures and write this unit",
        )
    return expected


def text(cell: str, column: str) -> str:
    r"""Return free text, refused when empty or when a spreadsheet would run it.

    Direction marks and other characters that cannot be seen are written as
    their code points (:func:`nqpf.text.visible`).

    Raises
    ------
    nqpf.errors.DataError
        If the text is empty, starts like a formula or has control characters.

    Examples
    --------
    >>> text("a year\u202ebook", "source")
    'a year[U+202E]book'
    """
    if not cell:
        raise DataError(f"the {column} is missing", expected=f"text in column {column}")
    if cell[0] in "=+-@" or any(unicodedata.category(c) in ("Cc", "Cs") for c in cell):
        raise DataError(
            f"{column} {shown(cell)} cannot be used",
            expected="plain text that does not start with = + - or @",
            hint="a spreadsheet would take such a cell for a formula",
        )
    return visible(cell)
