"""Units in English and Chinese, and figures moved between those of one kind that differ in size."""

from __future__ import annotations

from decimal import Decimal

# Kind, size, names; the first is the catalogue's, or would be.
_UNITS: list[tuple[str, int, str]] = [
    ("money", 1, "yuan|元"),
    ("money", 10**3, "1,000 yuan|千元"),
    ("money", 10**4, "10,000 yuan|万元"),
    ("money", 10**6, "million yuan|百万元"),
    ("money", 10**8, "100 million yuan|亿元|亿元人民币"),
    ("money", 10**9, "billion yuan|十亿元"),
    ("money", 10**12, "trillion yuan|万亿元"),
    ("money of 1952", 10**8, "100 million yuan at 1952 prices|亿元(1952年价)"),
    ("persons", 1, "persons|人"),
    ("persons", 10**4, "10,000 persons|万人"),
    ("persons", 10**8, "100 million persons|亿人"),
    ("years of work", 1, "person-years|人年"),
    ("years of work", 10**4, "10,000 person-years|万人年"),
    ("mass", 1, "t|吨|tons|tonnes"),
    ("mass", 10**4, "10,000 t|万吨|10,000 tons|10,000 tonnes"),
    ("mass", 10**8, "100 million t|亿吨"),
    ("coal", 1, "tce|吨标准煤"),
    ("coal", 10**4, "10,000 tce|万吨标准煤"),
    ("coal", 10**8, "100 million tce|亿吨标准煤"),
    ("electricity", 1, "kWh|千瓦时|度"),
    ("electricity", 10**4, "10,000 kWh|万千瓦时"),
    ("electricity", 10**8, "100 million kWh|亿千瓦时"),
    ("power", 1, "kW|千瓦"),
    ("power", 10**4, "10,000 kW|万千瓦"),
    ("length", 1, "km|公里|千米"),
    ("length", 10**4, "10,000 km|万公里"),
    ("items", 1, "items|件|项"),
    ("items", 10**4, "10,000 items|万件|万项"),
    ("firms", 1, "firms|个|家"),
    ("firms", 10**4, "10,000 firms|万个|万家"),
    ("households", 1, "households|户"),
    ("households", 10**4, "10,000 households|万户"),
    ("area", 1, "hectares|公顷"),
    ("area", 10**3, "1,000 hectares|千公顷"),
    ("area", 10**4, "10,000 hectares|万公顷"),
    ("volume", 10**4, "10,000 cubic metres|万立方米"),
    ("volume", 10**8, "100 million cubic metres|亿立方米"),
    ("machines", 1, "machines|台|部|辆"),
    ("machines", 10**4, "10,000 machines|万台|万部|万辆"),
    ("institutions", 1, "institutions|所"),
    ("papers", 1, "papers|篇"),
    ("percent", 1, "%|percent|百分比"),
    ("against last year", 1, "previous year = 100|上年=100"),
    ("against 1952", 1, "1952 = 1|1952=1"),
]
# Full-width signs are the plain ones to a reader, and so is the sign of minus.
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0x2212: "-"}


def _narrow(text: str) -> str:
    """Return a text with full-width digits, letters and signs as plain ones.

    Examples
    --------
    >>> _narrow("２０２４年（Ｒ＆Ｄ）"), _narrow("12①")
    ('2024年(R&D)', '12①')
    """
    return text.translate(_WIDE)


def _same(label: str) -> str:
    """Return a label without what readers write in different ways: blanks, width, case."""
    return "".join(_narrow(label).split()).casefold()


_KNOWN = {
    _same(name).replace(",", ""): (kind, size, names.split("|")[0])
    for kind, size, names in _UNITS
    for name in names.split("|")
}


def _unit(label: str) -> tuple[str, int, str] | None:
    """Return kind, size and English name of a unit; None for one that is not known.

    Examples
    --------
    >>> _unit("万元"), _unit("10000 persons")
    (('money', 10000, '10,000 yuan'), ('persons', 10000, '10,000 persons'))
    """
    return _KNOWN.get(_same(label).replace(",", ""))


def _spellings(unit: str) -> str:
    """Return a unit of the catalogue with its Chinese names, for a message."""
    chinese = [names.split("|")[1:] for _, _, names in _UNITS if names.split("|")[0] == unit]
    chinese = [name for name in sum(chinese, []) if not name.isascii()]
    return repr(unit) + (f" ({' or '.join(chinese)})" if chinese else "")


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
