"""The 31 provincial units: codes, names, regions, neighbours and places on the tile map."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from nqpf.errors import DataError, _visible
from nqpf.files import root

if TYPE_CHECKING:
    import pandas as pd

REGIONS = {"east": "东部", "central": "中部", "west": "西部", "northeast": "东北"}
_NOT_COVERED = {"香港", "hongkong", "810000", "澳门", "macao", "macau", "820000"}
_NOT_COVERED |= {"台湾", "taiwan", "710000"}
_BLANK = re.compile(r"[\s\u3000\ufeff]+")


@lru_cache(maxsize=1)
def _read() -> pd.DataFrame:
    import pandas as pd

    frame = pd.read_csv(root() / "data" / "provinces.csv", keep_default_na=False)
    for name in ("en", "zh", "zh_full", "abbr"):
        frame[name] = frame[name].map(_visible)
    return frame.set_index("code")


def _table() -> pd.DataFrame:
    """Return the provinces, one row each, indexed by GB/T 2260 code.

    Columns are the names (`en`, `zh`, `zh_full`), the two-letter `abbr`, the
    four-region (`region4`) and three-region (`region3`) groupings of the
    National Bureau of Statistics, the place on the tile map (`tile_row`,
    `tile_col`), the coordinates of the capital in degrees and the codes of
    the land `neighbours`.

    Examples
    --------
    >>> len(_table())
    31
    """
    return _read().copy()


def codes() -> list[int]:
    """Return the 31 codes in ascending order."""
    return [int(code) for code in _read().index]


@lru_cache(maxsize=1)
def _spellings() -> dict[str, int]:
    known = {"xizang": 540000, "neimongol": 150000}
    for code, row in _read().iterrows():
        for text in (code, str(code)[:2], row["en"], row["zh"], row["zh_full"]):
            known[_normal(text)] = int(code)
    return known


def _normal(text: object) -> str:
    return _BLANK.sub("", str(text)).casefold()


def code_of(label: object) -> int:
    """Return the GB/T 2260 code of a province given by code or by name.

    Parameters
    ----------
    label : str or int
        A six-digit or two-digit code, or an English or Chinese name. Spaces
        inside names are ignored.

    Raises
    ------
    nqpf.errors.DataError
        If the label is unknown; the message offers the nearest spelling.

    Examples
    --------
    >>> code_of("北 京"), code_of("Inner Mongolia"), code_of(44)
    (110000, 150000, 440000)
    """
    known = _spellings()
    key = _normal(label)
    if key.endswith(".0"):  # a spreadsheet that keeps codes as numbers
        key = key[:-2]
    if key in known:
        return known[key]
    shown = str(label) if len(str(label)) <= 40 else f"{str(label)[:39]}…"
    expected = "one of the 31 provinces by code, English or Chinese name"
    raise DataError(f"unknown province {shown!r}", expected=expected, hint=_advice(key[:40]))


def _advice(key: str) -> str | None:
    if key in _NOT_COVERED:
        return "Hong Kong, Macao and Taiwan are not in the panel for lack of comparable series"
    known = _spellings()
    names = [spelling for spelling in known if not spelling.isdigit()]
    if key.isascii():
        near = difflib.get_close_matches(key, names, n=1, cutoff=0.6)
    else:  # one character of two may be wrong, more likely the second
        near = difflib.get_close_matches(key, names, n=5, cutoff=0.5)
        near.sort(key=lambda spelling: spelling[0] != key[0])
    return f"did you mean {name(known[near[0]])} ({known[near[0]]})" if near else None


def name(code: int, language: str = "en") -> str:
    """Return a province's name: ``en``, ``zh``, ``zh_full``, ``abbr`` or ``both``.

    Examples
    --------
    >>> name(110000, "both")
    'Beijing 北京'
    """
    row = _read().loc[code]
    return f"{row['en']} {row['zh']}" if language == "both" else str(row[language])


def region(code: int, grouping: str = "region4") -> str:
    """Return the region of a province under a grouping (`region4` or `region3`)."""
    return str(_read().loc[code, grouping])


def _neighbours(code: int, hainan: bool = False) -> list[int]:
    """Return the codes of the provinces that share a land border.

    Parameters
    ----------
    code : int
        GB/T 2260 code.
    hainan : bool
        Link Hainan to Guangdong across the strait, as many papers do.
    """
    linked = [int(other) for other in str(_read().loc[code, "neighbours"]).split()]
    strait = {440000: [460000], 460000: [440000]} if hainan else {}
    return sorted(linked + strait.get(code, []))
