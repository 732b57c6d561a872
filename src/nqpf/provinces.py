"""The 31 provincial units: codes, names, regions, neighbours and places on the tile map."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from nqpf.errors import DataError, _narrow, _visible
from nqpf.files import root

if TYPE_CHECKING:
    import pandas as pd

REGIONS = {"east": "东部", "central": "中部", "west": "西部", "northeast": "东北"}
_NOT_COVERED = ("香港", "澳门", "台湾", "hongkong", "macao", "macau", "taiwan", "taipei")
_NOT_COVERED += ("810000", "820000", "710000")
_SEVERAL = "全国 中国 合计 总计 总和 平均 均值 东部 中部 西部 东北 沿海 内地 "
_SEVERAL += "china national nation total sum average mean east eastern central western northeast"
_TRADITIONAL = str.maketrans(
    "廣東內陝遼寧雲貴蘇龍慶肅壯維爾區臺灣門", "广东内陕辽宁云贵苏龙庆肃壮维尔区台湾门"
)
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
    """Return every spelling that names one province and no other, with its code."""
    known = {}
    for code, row in _read().iterrows():
        en, zh = row["en"], row["zh"]
        texts = [code, str(code)[:2], en, zh, row["zh_full"], f"{en}{zh}", f"{zh}{en}"]
        known |= {_normal(text): int(code) for text in (*texts, *row["also"].split("|"))}
    return known


def _normal(text: object) -> str:
    plain = _narrow(str(text)).translate(_TRADITIONAL)
    return _BLANK.sub("", plain).casefold().replace("uyghur", "uygur")


def code_of(label: object) -> int:
    """Return the GB/T 2260 code of a province given by code or by name.

    Parameters
    ----------
    label : str or int
        A six-digit or two-digit code, or an English or Chinese name, also a full or a
        traditional one, both together, or the one-character name. Spaces are ignored.

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


@lru_cache(maxsize=1000)
def _advice(key: str) -> str | None:
    if any(place in key for place in _NOT_COVERED):
        return "Hong Kong, Macao and Taiwan are not in the panel for lack of comparable series"
    several = key.removesuffix("地区").removesuffix("region") in _SEVERAL.split()
    if several or key.startswith(("全国", "全省", "national", "合计", "总计")):
        return "leave out rows of the nation, of regions and of totals"
    if key.endswith(("州", "市", "县", "盟", "兵团", "prefecture", "county")):
        return "the panel holds whole provinces, no part of one"
    known = _spellings()
    names = [text for text in known if not text.isdigit() and text.isascii() == key.isascii()]
    if key.isascii():
        near = difflib.get_close_matches(key, names, n=6, cutoff=0.8)
        # The two differ by one letter, and are written in many ways.
        near += ["shanxi", "shaanxi"] if re.fullmatch(r"sh?a+n*.?n?xi\w*", key) else []
    else:  # one character of two may be wrong, more likely the second
        near = [text for text in names if text[0] == key[0] and len(text) > 1]
        near = difflib.get_close_matches(key, near, n=6, cutoff=0.5)
    found = list(dict.fromkeys(known[text] for text in near))[:3]
    named = " or ".join(f"{name(code, 'both')} ({code})" for code in found)
    return f"did you mean {named}" if found else None


def name(code: int, language: str = "en") -> str:
    """Return a province's name: ``en``, ``zh``, ``zh_full``, ``abbr`` or ``both``.

    Examples
    --------
    >>> name(110000, "both")
    'Beijing 北京'
    """
    table = _read()
    words = ("en", "zh") if language == "both" else (language,)
    return " ".join(str(table.at[code, word]) for word in words)


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
