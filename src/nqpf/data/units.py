"""Units in English and Chinese, and figures moved between those of one kind that differ in size."""

from __future__ import annotations

import csv
from decimal import Decimal
from functools import lru_cache

from nqpf.errors import _narrow
from nqpf.files import root


def _same(label: str) -> str:
    """Return a label without what readers write in different ways: blanks, width, case."""
    return "".join(_narrow(label).split()).casefold()


def _plain(unit: str) -> str:
    return _same(unit).replace(",", "")


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[str, tuple[str, int, str]], dict[str, list[str]]]:
    """Return by each name kind, size and English name, and by English name the Chinese ones."""
    named: dict[str, tuple[str, int, str]] = {}
    chinese = {}
    with (root() / "data" / "units.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            first, *other = row["en"].split("|")
            chinese[first] = row["zh"].split("|")
            unit = (row["kind"], int(row["size"]), first)
            named |= {_plain(name): unit for name in (first, *other, *chinese[first])}
    return named, chinese


def _unit(label: str) -> tuple[str, int, str] | None:
    """Return kind, size and English name of a unit; None for one that is not known.

    Examples
    --------
    >>> _unit("万元"), _unit("10000 persons")
    (('money', 10000, '10,000 yuan'), ('persons', 10000, '10,000 persons'))
    """
    return _tables()[0].get(_plain(label))


def _spellings(unit: str) -> str:
    """Return a unit of the catalogue with its Chinese names, for a message."""
    chinese = _tables()[1].get(unit, [unit])
    return repr(unit) + ("" if unit in chinese else f" ({' or '.join(chinese)})")


def _factor(given: str, wanted: str) -> Decimal | None:
    """Return by what figures in one unit are multiplied to be in another, None if by nothing.

    Examples
    --------
    >>> _factor("万元", "100 million yuan"), _factor("亿元", "10,000 t")
    (Decimal('0.0001'), None)
    """
    one, other = _unit(given), _unit(wanted)
    if one is None or other is None:
        return Decimal(1) if given == wanted else None
    return Decimal(one[1]) / Decimal(other[1]) if one[0] == other[0] else None
