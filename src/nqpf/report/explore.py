"""Charts that a reader can question: choose year and measure, point at a province."""

from __future__ import annotations

import base64
import json
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from matplotlib import colormaps
from matplotlib.colors import to_hex

from nqpf import provinces
from nqpf.checks import choose
from nqpf.chinese import chinese
from nqpf.compare.measures import _Standings as Standings
from nqpf.errors import DataError, SampleError
from nqpf.index.recipe import Index
from nqpf.report import style as sty
from nqpf.report.html import _Html, _html_table, _province, listed
from nqpf.report.province_pages import _measure_names
from nqpf.systems.overlap import filled
from nqpf.systems.system import System

# A chart as wide as its box needs a box with a width; vega-embed alone shrinks it to nothing.
_STRETCH = "display:flex;flex-direction:column;max-width:42rem"
_NO_END = str.maketrans({'"': "\N{RIGHT DOUBLE QUOTATION MARK}", "\\": "\N{SET MINUS}"})


def _charts() -> dict:
    return yaml.safe_load(Path(__file__).with_name("charts.yaml").read_text(encoding="utf-8"))


def _spec(kind: str, params: list[dict[str, object]], **parts: object) -> dict:
    """Return a chart of ``charts.yaml``, to be filled with data."""
    charts = _charts()
    return {**charts["common"], **charts[kind], "params": params, **parts}


def _vega(spec: dict, alt: str) -> _Html:
    """Embed a chart in a page, where the book's own script draws it.

    In a terminal the alternative text stands for the chart.
    """
    # A group, not an image: as an image its menus would be hidden from screen readers.
    return _Html(
        f'<div class="vega-chart" role="group" aria-label="{escape(alt)}" style="{_STRETCH}">'
        f"<noscript><p>{escape(alt)} The interactive chart needs JavaScript.</p></noscript>"
        f'<script type="application/json">{_json(spec, sort_keys=True)}</script></div>',
        f"[Interactive chart: {alt}]",
    )


def _json(data: object, **options: object) -> str:
    # Inside <script> only "</" and "<!--" can end or hide the data; both are legal JSON escaped.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), **options)
    return text.replace("<", "\\u003c")


def _titled(text: str) -> str:
    """Return a title without what could end a string.

    Vega-Lite writes the titles of tooltips into expressions as they are.
    """
    return " ".join(text.split()).translate(_NO_END)


def rank_explorer(ranks: pd.DataFrame) -> _Html:
    """Draw the ranks of provinces by two measures that the reader chooses.

    Parameters
    ----------
    ranks : DataFrame
        Rank (1 = first) by province code, a column per measure; a province that a measure
        lacks is NaN.

    Returns
    -------
    Html
        The chart with menus for both measures.

    Raises
    ------
    nqpf.errors.SampleError
        If a province comes twice or there are fewer than two measures.
    """
    twice = ranks.index[ranks.index.duplicated()]
    if len(twice) or ranks.shape[1] < 2:
        said = f"{ranks.shape[1]} measures and {len(twice)} provinces that come twice"
        raise SampleError(said, expected="two or more measures, each province once")
    measures = [str(name) for name in ranks.columns]
    rows = ranks.set_axis(measures, axis=1).sort_index().astype(float).iterrows()
    records = [
        {
            "name": provinces.name(code, "both"),
            "abbr": provinces.name(code, "abbr"),
            "region": provinces.region(code).capitalize(),
            "values": row.dropna().to_dict(),
        }
        for code, row in rows
    ]
    menu, names = {"input": "select", "options": measures}, {"across": "Across: ", "up": "Down: "}
    params = [
        {"name": name, "value": value, "bind": {**menu, "name": label}}
        for (name, label), value in zip(names.items(), measures, strict=False)
    ]
    text = (
        f"Interactive scatter plot of the ranks of {len(records)} provinces by two of "
        f"{len(measures)} measures: {listed(measures)}."
    )
    return _vega(_spec("ranks", params, data={"values": records}), text)


_STEP = 1e-7  # scores are cut to steps of this size, so that a page can round them as Python does
_TFP = ("Total factor productivity, Solow residual", "全要素生产率，索洛余值")


# What the script of the box computes, and its own word for each stage.
_TRIED = {
    "normalise": ("range", ["minmax", "minmax_yearly"]),
    "weights": ("weights", ["entropy", "equal"]),
    "aggregate": ("aggregate", ["linear", "topsis"]),
}


_PLACE = {"region4": "region", "tile_row": "row", "tile_col": "column"}


class _Blocks:
    """Scores (32-bit whole steps, cut down), ranks and bounds (bytes, 0 for none), in a row."""

    def __init__(self) -> None:
        self.parts: dict[str, list[np.ndarray]] = {"scores": [], "ranks": [], "bounds": []}

    def _add(self, name: str, values: np.ndarray, kind: str) -> int:
        start = sum(map(len, self.parts[name]))
        self.parts[name].append(np.nan_to_num(values).T.ravel().astype(kind))
        return start

    def measures(self, key: str, found: Standings, years: list[int]) -> dict[str, int]:
        """Add the measures of a system and return where each begins."""
        names = [name for name in found.scores.columns if name[0] == key]
        steps = np.floor(_dense(found.scores[names], years) / _STEP)
        if np.nanmax(np.abs(steps)) >= 2**31:
            raise DataError("a score does not fit the page", expected=f"below {2**31 * _STEP:.0f}")
        self._add("ranks", _dense(found.ranks[names], years), "u1")
        start = self._add("scores", steps, "<i4")
        return {".".join(name[1:]): start + i * len(steps) for i, name in enumerate(names)}

    def interval(self, key: str, found: Standings, years: list[int]) -> int:
        """Add lower and upper ranks and return where they begin."""
        bounds = found.intervals.loc[key][["lower", "upper"]]
        return self._add("bounds", _dense(bounds, years).T, "u1")


def _text(parts: list[np.ndarray]) -> str:
    return base64.b64encode(np.concatenate(parts).tobytes()).decode("ascii") if parts else ""


def _dense(values: pd.Series | pd.DataFrame, years: list[int]) -> np.ndarray:
    """Return values by province and year as doubles, a row of each, missing where there is none."""
    grid = pd.MultiIndex.from_product([provinces.codes(), years], names=["province", "year"])
    return values.reindex(grid).to_numpy(dtype="<f8", na_value=np.nan)


def _payload(found: Standings, first: str, year: int) -> dict[str, object]:
    """Return everything that the explorer needs, ready for JSON.

    Per measure a block by province and year of the system. Raw indicators are doubles, shared
    by the systems.
    """
    columns: dict[str, pd.Series] = {}
    blocks = _Blocks()
    systems = [_system(key, found, blocks, columns) for key in found.own]
    years = sorted(map(int, found.of("tfp").index.unique("year")))
    tfp = {"key": "tfp", "names": ["TFP", "全要素生产率"], "title": " ".join(_TFP), "own": ["", ""]}
    tfp |= {"years": years, "measures": blocks.measures("tfp", found, years), "refused": {}}
    systems.append(tfp | {"interval": blocks.interval("tfp", found, years)})
    years = sorted({int(when) for one in found.matrices.values() for when in one.years})
    table = provinces._table().rename(columns=_PLACE)[["en", "zh", "abbr", *_PLACE.values()]]
    shades = [to_hex(shade) for shade in colormaps[sty._SEQUENTIAL](np.linspace(0, 1, 64))]
    return {
        "step": _STEP,
        "provinces": table.reset_index(names="code").to_dict("records"),
        "regions": {key: [key.capitalize(), zh] for key, zh in provinces.REGIONS.items()},
        "weightings": _named("weights", found),
        "aggregations": _named("aggregate", found),
        "additive": ["linear"],
        "systems": systems,
        "draws": found.draws,
        "level": found.level,
        "variants": len(found.variants),
        "start": {"system": first, "year": year, "with": "tfp"},
        "years": years,
        "raw": list(columns),
        "rawValues": _text([_dense(x, years) for x in columns.values()]),
        **{name: _text(parts) for name, parts in blocks.parts.items()},
        "look": {
            "shades": [[shade, sty._ink_on(shade)] for shade in shades],
            "regions": {key: [mark.color, mark.marker] for key, mark in sty._REGION_STYLES.items()},
            "series": [list(pair) for pair in zip(sty._CATEGORIES, sty._MARKERS, strict=True)],
            "grey": sty._GREY,
        },
    }


def _named(stage: str, found: Standings) -> dict[str, list[str]]:
    """Return the methods of a stage in the order of first use, with their names."""
    seen = [*found.scores.columns.unique(stage), *found.refused[stage].unique()]
    known = _charts()["methods"][stage]
    used = dict.fromkeys(key for key in [*known, *seen] if key in seen and key)
    return {key: list(known.get(key, (key, ""))) for key in used}


def _system_names(system: System) -> tuple[str, str]:
    """Return a system's study in a few words, English and Chinese.

    Examples
    --------
    >>> from nqpf.systems import System
    >>> _system_names(System.load("han-2024"))
    ('Han et al. 2024', '韩文龙等')
    """
    return f"{system.study.short} {system.study.year}", _measure_names(system.key)[1]


def _system(
    key: str, found: Standings, blocks: _Blocks, columns: dict[str, pd.Series]
) -> dict[str, object]:
    matrix, z = found.matrices[key], found.normalised[key]
    system, years = matrix.system, [int(year) for year in matrix.years]
    refused = found.refused[found.refused["system"] == key]
    weights = found.weights.loc[key].dropna(axis=1).loc[list(z.columns)]
    for indicator in z.columns:
        values = matrix.values[indicator]
        known = columns.setdefault(indicator, values)
        if not values.index.isin(known.index).all():
            columns[indicator] = known.combine_first(values)
    packed = {
        "key": key,
        "names": list(_system_names(system)),
        "title": system.title,
        "direct": round(100 * float(filled([key]).loc[key, "share direct"])),
        "own": list(found.own[key]),
        "years": years,
        "dimensions": {k: [n.en, n.zh] for k, n in system.dimension_names.items()},
        "indicators": [
            {
                "key": name,
                "names": [one.name.en, one.name.zh],
                "unit": one.unit,
                "benefit": one.direction == "benefit",
                "dimension": matrix.dimension[name],
            }
            for name in z.columns
            for one in [system.indicators[name]]
        ],
        "weights": {name: column.tolist() for name, column in weights.items()},
        "measures": blocks.measures(key, found, years),
        "refused": {
            f"{r.weights}.{r.aggregate}": [r.reason, chinese(r.reason) or r.reason]
            for r in refused.itertuples()
        },
        "interval": blocks.interval(key, found, years),
    }
    if system.recipe["normalise"] == "minmax":
        low, high = matrix.values.min()[z.columns], matrix.values.max()[z.columns]
        packed["scale"] = np.column_stack([low.where(matrix.benefit, high), high - low]).tolist()
    else:
        packed["z"] = _text([_dense(z[k], years) for k in z])
    return packed


def explorer(found: Standings, first: str | None = None) -> _Html:
    """Return a page's worth of maps, rankings, trends and comparisons that the reader steers.

    The scripts of the book draw it (``book/_static/explorer*.js``); without
    them, in a PDF or a terminal, the first view is a table. When the book is
    built, the data move to a file beside the page (``book/_ext/book_pages.py``).

    Parameters
    ----------
    found : Standings
        Made by :func:`nqpf.compare.standings`.
    first : str or None
        Key of the system shown first, with its study's recipe, in the last year that every
        measure has; the first one when None.

    Returns
    -------
    Html

    Raises
    ------
    nqpf.errors.MethodError
        If there is no such system.
    """
    known = [*found.own, "tfp"]
    first = first or known[0]
    choose("system", first, known)
    covered = found.scores.notna().groupby(level="year").any().all(axis=1)
    year = int(covered.index[covered].max())
    static = _first_view(found, first, year)
    data = _json(_payload(found, first, year), allow_nan=False)
    html = (
        '<div class="nqpf-explorer">'
        "<noscript><p>Choosing needs JavaScript. Without it, here is the view that the explorer "
        "opens with.</p></noscript>"
        f'<div class="explorer-static">{static.html}</div>'
        f'<script type="application/json" class="explorer-data">{data}</script></div>'
    )
    return _Html(html, f"[Explorer of {found!r}]\n{static.text}")


def try_box(index: Index, year: int | None = None) -> _Html:
    """Return a small index that the reader changes: indicators, weights, range, aggregation.

    The script of the book (``book/_static/try.js``) computes it anew in the browser and shows
    the ranks beside those of `index`; without it, a sentence says what the box would do.

    Parameters
    ----------
    index : Index
        What the book has: min-max values, pooled or by year, with entropy or equal weights,
        joined by a sum or by TOPSIS, without options.
    year : int or None
        Year shown first; the last one when None.

    Returns
    -------
    Html

    Raises
    ------
    nqpf.errors.MethodError
        If the index was made otherwise.
    nqpf.errors.SampleError
        If the year has no scores.

    Examples
    --------
    >>> from nqpf import Recipe
    >>> from nqpf.systems import IndicatorMatrix
    >>> rows = pd.MultiIndex.from_product(
    ...     [[110000, 310000, 440000], [2022]], names=["province", "year"])
    >>> values = pd.DataFrame({"r_and_d": [6.8, 4.4, 3.4], "energy": [0.2, 0.3, 0.2]}, index=rows)
    >>> matrix = IndicatorMatrix(
    ...     values, benefit=pd.Series({"r_and_d": True, "energy": False}),
    ...     dimension=pd.Series("all", values.columns))
    >>> print(try_box(Recipe("minmax", "equal", "linear").fit(matrix)))
    [Try it here: In the web edition, with JavaScript, this box lets you change the weights of 2
    indicators, leave some out, choose another range or aggregation, and see the ranks of 3
    provinces move beside the book's.]
    """
    matrix, recipe, years = index.matrix, index.recipe, [int(one) for one in index.years]
    for stage, (_, known) in _TRIED.items():
        choose(stage, getattr(recipe, stage), known)
    choose("option", next(iter(recipe.options), ""), [""])
    year = years[-1] if year is None else year
    choose("year", year, years, SampleError)
    system = matrix.system.indicators if matrix.system else {}
    words = {key: [one.name.en, one.name.zh] for key, one in system.items()}
    indicators = [
        {"names": words.get(key, [str(key), ""]), "benefit": bool(matrix.benefit[key])}
        for key in matrix.values
    ]
    codes = [int(code) for code in matrix.provinces]
    ranks = index.rank().unstack("year").reindex(index=codes, columns=years).fillna(0).astype(int)
    grid = pd.MultiIndex.from_product([codes, years])
    data = {
        "provinces": [[one, provinces.name(one), provinces.name(one, "zh")] for one in codes],
        "years": years,
        "indicators": indicators,
        "values": _text([matrix.values.reindex(grid).to_numpy("<f8").T]),
        "ranks": ranks.to_numpy().tolist(),
        "start": {name: getattr(recipe, stage) for stage, (name, _) in _TRIED.items()}
        | {"year": year},
    }
    said = (
        "In the web edition, with JavaScript, this box lets you change the weights of "
        f"{len(indicators)} indicators, leave some out, choose another range or aggregation, "
        f"and see the ranks of {len(codes)} provinces move beside the book's."
    )
    html = (
        f'<div class="nqpf-try"><p>{said}</p>'
        f'<script type="application/json">{_json(data, allow_nan=False)}</script></div>'
    )
    return _Html(html, f"[Try it here: {said}]")


def _first_view(found: Standings, first: str, year: int) -> _Html:
    ranked = found.of(first).xs(year, level="year").sort_values("rank", kind="stable")
    rows = [
        [row.rank, _province(row.Index), f"{row.score:.3f}", f"{row.lower} to {row.upper}"]
        for row in ranked.itertuples()
    ]
    what, span = _TFP[0], "range of ranks"
    if first in found.own:
        methods = zip(_charts()["methods"].values(), found.own[first], strict=True)
        words = [names.get(key, (key,))[0] for names, key in methods]
        what = ", ".join([_system_names(found.matrices[first].system)[0], *words])
        span = f"{found.level:.0%} of {found.draws:,} draws"
    header = ["rank", "province", "score", span]
    return _html_table(header, rows, f"{what}, {year}", numeric=["rank", "score", span])
