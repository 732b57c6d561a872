"""What the explorer shows, packed small: numbers as typed arrays, names and methods as JSON."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.errors import DataError
from nqpf.report.style import CATEGORIES, GREY, MARKERS, REGION_STYLES, SEQUENTIAL, ink_on
from nqpf.systems import System, filled

if TYPE_CHECKING:
    from nqpf.compare import Standings

__all__ = ["METHODS", "STEP", "TFP_NAME", "payload", "system_names"]

STEP = 1e-7  # scores are cut to steps of this size, so that a page can round them as Python does
TFP_NAME = ("Total factor productivity, Solow residual", "全要素生产率，索洛余值")
# Names for a reader, in both languages; a method without an entry shows its own name.
METHODS = {
    "weights": {
        "entropy": ("Entropy weights", "熵权"),
        "ahp_entropy": ("Entropy weights improved by AHP", "层次分析改进熵权"),
        "variation": ("Coefficient of variation", "变异系数"),
        "critic": ("CRITIC, contrast and conflict", "CRITIC 法"),
        "equal": ("Equal weights", "等权"),
        "pursuit": ("Projection pursuit", "投影寻踪"),
    },
    "aggregate": {
        "linear": ("Weighted sum", "线性加权"),
        "topsis": ("TOPSIS", "逼近理想解排序法"),
        "vikor": ("VIKOR", "多准则妥协解排序法"),
        "coupling": ("Coupling coordination", "耦合协调度"),
        "geometric": ("Weighted geometric mean", "加权几何平均"),
        "harmonic": ("Weighted harmonic mean", "加权调和平均"),
        "copeland": ("Copeland", "科普兰计分"),
    },
}
_SHADES = 64


def payload(found: Standings, first: str, year: int, other: str) -> dict[str, object]:
    """Return everything that the explorer needs, ready for JSON.

    Parameters
    ----------
    found : Standings
    first, other : str
        Measure shown first, and the one it is compared with: a key.
    year : int
        Year shown first.

    Returns
    -------
    dict
        Per measure a block by province and year of the system: scores as
        32-bit whole numbers of `STEP`, cut downwards, and ranks as bytes, 0
        where there is none. Raw indicators as doubles, shared by the systems.

    Raises
    ------
    nqpf.errors.DataError
        If a score does not fit.
    """
    from nqpf.index import aggregate

    codes = provinces.codes()
    keys = [key for key in found.own]
    columns: dict[str, pd.Series] = {}
    blocks = _Blocks(codes)
    systems = [_system(key, found, blocks, columns) for key in keys]
    systems.append(_tfp(found, blocks))
    years = sorted({int(when) for one in found.matrices.values() for when in one.years})
    return {
        "step": STEP,
        "provinces": [_province(code) for code in codes],
        "regions": {key: [key.capitalize(), zh] for key, zh in provinces.REGIONS.items()},
        "weightings": _named("weights", found),
        "aggregations": _named("aggregate", found),
        "additive": sorted(aggregate.ADDITIVE),
        "systems": systems,
        "draws": found.draws,
        "level": found.level,
        "variants": len(found.variants),
        "start": {"system": first, "year": int(year), "with": other},
        "years": years,
        "raw": list(columns),
        "rawValues": _text(np.concatenate([_dense(x, codes, years) for x in columns.values()]))
        if columns
        else "",
        **blocks.packed(),
        "look": _look(),
    }


class _Blocks:
    """Scores, ranks and bounds laid one after the other."""

    def __init__(self, codes: list[int]) -> None:
        self.codes = codes
        self.scores: list[np.ndarray] = []
        self.ranks: list[np.ndarray] = []
        self.bounds: list[np.ndarray] = []
        self.size = self.bound_size = 0

    def measure(self, score: pd.Series, rank: pd.Series, years: list[int]) -> int:
        """Add a measure and return where it begins."""
        steps = np.floor(_dense(score, self.codes, years) / STEP)
        if np.nanmax(np.abs(steps)) >= 2**31:
            raise DataError("a score does not fit the page", expected=f"below {2**31 * STEP:.0f}")
        self.scores.append(np.nan_to_num(steps).astype("<i4"))
        self.ranks.append(np.nan_to_num(_dense(rank, self.codes, years)).astype("u1"))
        start, self.size = self.size, self.size + len(steps)
        return start

    def interval(self, bounds: pd.DataFrame, years: list[int]) -> int:
        """Add lower and upper ranks and return where they begin."""
        both = [_dense(bounds[side], self.codes, years) for side in ("lower", "upper")]
        pair = np.nan_to_num(np.stack(both, axis=1)).astype("u1").ravel()
        self.bounds.append(pair)
        start, self.bound_size = self.bound_size, self.bound_size + len(pair)
        return start

    def packed(self) -> dict[str, str]:
        return {
            name: _text(np.concatenate(getattr(self, name)))
            for name in ("scores", "ranks", "bounds")
        }


def _text(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")


def _dense(values: pd.Series, codes: list[int], years: list[int]) -> np.ndarray:
    """Return values by province and year as one row of doubles, missing where there is none."""
    return values.reindex(_grid(tuple(codes), tuple(years))).to_numpy(dtype="<f8", na_value=np.nan)


@lru_cache(maxsize=8)
def _grid(codes: tuple[int, ...], years: tuple[int, ...]) -> pd.MultiIndex:
    return pd.MultiIndex.from_product([codes, years], names=["province", "year"])


def _province(code: int) -> dict[str, object]:
    place = provinces.table().loc[code]
    return {
        "code": code,
        **{key: str(place[key]) for key in ("en", "zh", "abbr")},
        "region": str(place["region4"]),
        "row": int(place["tile_row"]),
        "column": int(place["tile_col"]),
    }


def _named(stage: str, found: Standings) -> dict[str, list[str]]:
    """Return the methods of a stage in the order of first use, with their names."""
    seen = [*found.scores.columns.get_level_values(stage), *found.refused[stage]]
    known = METHODS[stage]
    used = dict.fromkeys(key for key in [*known, *seen] if key in set(seen) and key)
    return {key: list(known.get(key, (key, ""))) for key in used}


def system_names(system: System) -> tuple[str, str]:
    """Return a system's study in a few words, English and Chinese.

    Examples
    --------
    >>> system_names(System.load("han-2024"))
    ('Han et al. 2024', '韩文龙等')
    """
    people = system.study.authors.zh.split("、")
    zh = f"{people[0]}等" if len(people) > 2 else "、".join(people)
    return f"{system.study.short} {system.study.year}", zh


def _system(
    key: str, found: Standings, blocks: _Blocks, columns: dict[str, pd.Series]
) -> dict[str, object]:
    matrix, z = found.matrices[key], found.normalised[key]
    system, years = matrix.system, [int(year) for year in matrix.years]
    en, zh = system_names(system)
    names = [name for name in found.scores.columns if name[0] == key]
    refused = found.refused[found.refused["system"] == key]
    weights = found.weights.loc[key].dropna(axis=1).loc[list(z.columns)]
    for indicator in z.columns:
        values = matrix.values[indicator]
        known = columns.setdefault(indicator, values)
        if not values.index.isin(known.index).all():
            columns[indicator] = known.combine_first(values)
    packed = {
        "key": key,
        "names": [en, zh],
        "title": system.title,
        "direct": round(100 * float(filled([key]).loc[key, "share direct"])),
        "own": list(found.own[key]),
        "years": years,
        "dimensions": {k: [n.en, n.zh] for k, n in system.dimension_names.items()},
        "indicators": [_indicator(name, system, matrix.dimension[name]) for name in z.columns],
        "weights": {name: column.tolist() for name, column in weights.items()},
        "measures": {
            f"{w}.{a}": blocks.measure(found.scores[key, w, a], found.ranks[key, w, a], years)
            for _, w, a in names
        },
        "refused": {f"{r.weights}.{r.aggregate}": r.reason for r in refused.itertuples()},
        "interval": blocks.interval(found.intervals.loc[key], years),
    }
    if system.recipe["normalise"] == "minmax":
        low, high = matrix.values.min(), matrix.values.max()
        worst = low.where(matrix.benefit, high)
        packed["scale"] = [[float(worst[k]), float(high[k] - low[k])] for k in z.columns]
    else:
        packed["z"] = _text(np.concatenate([_dense(z[k], blocks.codes, years) for k in z]))
    return packed


def _indicator(key: str, system: System, dimension: str) -> dict[str, object]:
    one = system.indicators[key]
    return {
        "key": key,
        "names": [one.name.en, one.name.zh],
        "unit": one.unit,
        "benefit": one.direction == "benefit",
        "dimension": dimension,
    }


def _tfp(found: Standings, blocks: _Blocks) -> dict[str, object]:
    from nqpf.compare.measures import TFP

    one = found.of(TFP)
    years = sorted(int(year) for year in one.index.unique("year"))
    return {
        "key": TFP,
        "names": ["TFP", "全要素生产率"],
        "title": " ".join(TFP_NAME),
        "own": ["", ""],
        "years": years,
        "measures": {".": blocks.measure(one["score"], one["rank"], years)},
        "refused": {},
        "interval": blocks.interval(one, years),
    }


def _look() -> dict[str, object]:
    """Return colours and marks of the book's one style."""
    import matplotlib as mpl
    from matplotlib.colors import to_hex

    shades = [to_hex(shade) for shade in mpl.colormaps[SEQUENTIAL](np.linspace(0, 1, _SHADES))]
    return {
        "shades": [[shade, ink_on(shade)] for shade in shades],
        "regions": {key: [mark.color, mark.marker] for key, mark in REGION_STYLES.items()},
        "series": [list(pair) for pair in zip(CATEGORIES, MARKERS, strict=True)],
        "grey": GREY,
    }
