"""Charts that a reader can question: choose year and measure, point at a province."""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.report.html import Html, both_names, listed, table
from nqpf.report.maps import ABSENT
from nqpf.report.style import CATEGORIES, GREY, MARKERS, REGION_STYLES, SEQUENTIAL, ink_on
from nqpf.systems.overlap import filled
from nqpf.systems.system import System

if TYPE_CHECKING:
    import altair as alt

    from nqpf.compare.standings import _Standings as Standings

__all__ = [
    "METHODS",
    "STEP",
    "TFP_NAME",
    "explorer",
    "map_explorer",
    "payload",
    "rank_explorer",
    "system_names",
    "vega",
]

_SHAPES = {"east": "circle", "central": "square", "west": "triangle-up", "northeast": "diamond"}
# A chart as wide as its box needs a box with a width; vega-embed alone shrinks it to nothing.
_STRETCH = "display:flex;flex-direction:column;max-width:42rem"
_WRITTEN = (
    "!isValid(datum.value) ? '–' : format(datum.value, abs(datum.value) < 100 ? '.3r' : ',.0f')"
)
_NO_END = str.maketrans({'"': "\N{RIGHT DOUBLE QUOTATION MARK}", "\\": "\N{SET MINUS}"})
_FONT = "system-ui, 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"


def vega(chart: alt.TopLevelMixin, alt: str) -> Html:
    """Embed an Altair chart in a page of the book, where the book's own script draws it.

    Parameters
    ----------
    chart : altair chart
        Give it and its parameters names, or Altair numbers them and two runs differ.
    alt : str
        Alternative text, made from the data.

    Returns
    -------
    Html
        A ``vega-chart`` box with the specification as JSON; in a PDF or a
        terminal the alternative text.
    """
    spec = json.dumps(
        _titled(chart.to_dict()), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    # Inside <script> only "</" and "<!--" can end or hide the data; both are legal JSON escaped.
    spec = spec.replace("<", "\\u003c")
    # A group, not an image: as an image its menus would be hidden from screen readers.
    return Html(
        f'<div class="vega-chart" role="group" aria-label="{escape(alt)}" style="{_STRETCH}">'
        f"<noscript><p>{escape(alt)} The interactive chart needs JavaScript.</p></noscript>"
        f'<script type="application/json">{spec}</script></div>',
        f"[Interactive chart: {alt}]",
    )


def _titled(spec: object) -> object:
    """Return a specification whose titles hold nothing that could end a string.

    Vega-Lite writes the titles of tooltips into expressions as they are.
    """
    if isinstance(spec, list):
        return [_titled(item) for item in spec]
    if not isinstance(spec, dict):
        return spec
    return {
        key: " ".join(item.split()).translate(_NO_END)
        if key == "title" and isinstance(item, str)
        else _titled(item)
        for key, item in spec.items()
    }


def rank_explorer(ranks_long: pd.DataFrame) -> Html:
    """Draw the ranks of provinces by two measures that the reader chooses.

    Parameters
    ----------
    ranks_long : DataFrame
        Columns ``province`` (code), ``measure`` (text), ``rank`` and, if
        there is more than one year, ``year``.

    Returns
    -------
    Html
        The chart with menus for both measures, and a slider for the year.

    Raises
    ------
    nqpf.errors.DataError
        If a column is missing.
    nqpf.errors.SampleError
        If a row comes twice or there are fewer than two measures.
    """
    import altair as alt

    wide, measures, years = _wide(ranks_long, "rank")
    if len(measures) < 2:
        raise SampleError("one measure only", expected="at least two measures to compare")
    across = _menu("across", "Across: ", measures, measures[0])
    up = _menu("up", "Down: ", measures, measures[1])
    axis = alt.Scale(domain=[0, 32], nice=False)
    ticks = {"values": [1, 5, 10, 15, 20, 25, 30], "grid": True}
    base = (
        alt.Chart(alt.Data(values=wide))
        .transform_calculate(x="datum.values[across]", y="datum.values[up]")
        .transform_filter("isValid(datum.x) && isValid(datum.y)")
        .encode(
            x=alt.X("x:Q", scale=axis, axis=alt.Axis(title="rank across, 1 = first", **ticks)),
            y=alt.Y(
                "y:Q",
                scale=alt.Scale(domain=[0, 32], nice=False, reverse=True),
                axis=alt.Axis(title="rank down, 1 = first", **ticks),
            ),
            color=alt.Color("region:N", scale=_region_scale("color"), legend=_legend()),
            tooltip=[
                alt.Tooltip("name:N", title="province"),
                alt.Tooltip("x:Q", title="rank across"),
                alt.Tooltip("y:Q", title="rank down"),
            ],
        )
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        shape=alt.Shape("region:N", scale=_region_scale("shape"), legend=_legend())
    )
    names = base.mark_text(align="left", dx=6, fontSize=11).encode(
        text="abbr:N", color=alt.value("#222222")
    )
    chart = _finish(alt.layer(points, names), "rank_explorer", years, [across, up], height=420)
    text = (
        f"Interactive scatter plot of the ranks of {_count(wide)} provinces by two of "
        f"{len(measures)} measures: {listed(measures)}{_span(years)}."
    )
    return vega(chart, text)


def map_explorer(scores_long: pd.DataFrame, label: str = "score") -> Html:
    """Draw a tile map of the measure and the year that the reader chooses.

    Parameters
    ----------
    scores_long : DataFrame
        Columns ``province`` (code), ``measure`` (text), ``value`` and, if
        there is more than one year, ``year``.
    label : str
        What is measured, with its unit.

    Returns
    -------
    Html
        The map with a menu for the measure and a slider for the year. Colours
        span the measure in all years, so that years compare.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.SampleError
        As :func:`rank_explorer`.
    """
    import altair as alt

    wide, measures, years = _wide(scores_long, "value")
    shown = _menu("shown", "Measure: ", measures, measures[0])
    place = {"axis": None, "scale": alt.Scale(paddingInner=0.06, paddingOuter=0)}
    base = (
        alt.Chart(alt.Data(values=wide))
        .transform_calculate(value="datum.values[shown]", share="datum.shares[shown]")
        .transform_calculate(written=_WRITTEN)
        .encode(
            x=alt.X("column:O", **place),
            y=alt.Y("row:O", **place),
            tooltip=[
                alt.Tooltip("name:N", title="province"),
                alt.Tooltip("written:N", title=label),
            ],
        )
    )
    scale = alt.Scale(scheme="yellowgreenblue", domain=[0, 1])  # Vega's name of YlGnBu
    fill = alt.condition(
        "isValid(datum.share)",
        alt.Color("share:Q", scale=scale, legend=None),
        alt.value("#eeeeee"),
    )
    ink = alt.condition("datum.share > 0.67", alt.value("white"), alt.value("black"))
    text = {"baseline": "middle"}
    layers = alt.layer(
        base.mark_rect().encode(color=fill),
        base.mark_text(fontSize=13, dy=-9, **text).encode(text="abbr:N", color=ink),
        base.mark_text(fontSize=12, dy=9, **text).encode(text="written:N", color=ink),
    )
    chart = _finish(layers, "map_explorer", years, [shown], height=400)
    alternative = (
        f"Interactive tile map of {_count(wide)} provinces; {label} by one of "
        f"{len(measures)} measures: {listed(measures)}{_span(years)}. Darker is higher. {ABSENT}."
    )
    return vega(chart, alternative)


def _wide(frame: pd.DataFrame, column: str) -> tuple[list[dict], list[str], list[int]]:
    """Return a record per province and year with its measures, the measures and the years."""
    for name in ("province", "measure", column):
        if name not in frame.columns:
            raise DataError(f"no column {name!r}", expected=f"province, measure and {column}")
    frame = frame.assign(year=frame["year"] if "year" in frame.columns else 0)
    twice = frame[frame.duplicated(["province", "year", "measure"])]
    if len(twice):
        row = twice.iloc[0]
        where = {key: row[key] for key in ("province", "year", "measure")}
        raise SampleError("a row comes twice", where=where)
    measures = [str(measure) for measure in frame["measure"].unique()]
    years = sorted(int(year) for year in frame["year"].unique())
    reach = frame.groupby("measure")[column].agg(["min", "max"])
    cells: dict[tuple[int, int], dict[str, float]] = {}
    for row in frame.dropna(subset=[column]).itertuples():
        cells.setdefault((int(row.province), int(row.year)), {})[str(row.measure)] = float(
            f"{getattr(row, column):.5g}"
        )
    records = []
    for year in years:
        for code, place in provinces.table().iterrows():
            values = cells.get((code, year), {})
            records.append(
                {
                    "year": year,
                    "name": provinces.name(code, "both"),
                    "abbr": place["abbr"],
                    "region": place["region4"].capitalize(),
                    "row": int(place["tile_row"]),
                    "column": int(place["tile_col"]),
                    "values": values,
                    "shares": {m: _share(v, reach.loc[m]) for m, v in values.items()},
                }
            )
    return records, measures, years


def _share(value: float, reach: pd.Series) -> float:
    """Return where a value lies between the least and the greatest of its measure."""
    width = reach["max"] - reach["min"]
    return round((value - reach["min"]) / width, 3) if width else 0.5


def _menu(name: str, label: str, options: list[str], value: str) -> alt.Parameter:
    import altair as alt

    bind = alt.binding_select(options=options, name=label)
    return alt.param(name=name, value=value, bind=bind)


def _region_scale(kind: str) -> alt.Scale:
    import altair as alt

    regions = list(_SHAPES)
    colors = [REGION_STYLES[region].color for region in regions]
    marks = colors if kind == "color" else [_SHAPES[region] for region in regions]
    return alt.Scale(domain=[region.capitalize() for region in regions], range=marks)


def _legend() -> alt.Legend:
    import altair as alt

    return alt.Legend(orient="top", title=None)


def _finish(
    chart: alt.LayerChart, name: str, years: list[int], params: list[alt.Parameter], height: int
) -> alt.LayerChart:
    """Add the year's slider where there is a choice, and the size and fonts of the book."""
    import altair as alt

    if len(years) > 1:
        bind = alt.binding_range(min=years[0], max=years[-1], step=1, name="Year: ")
        params = [*params, alt.param(name="chosen_year", value=years[-1], bind=bind)]
        chart = chart.transform_filter("datum.year == chosen_year")
    return (
        chart.add_params(*params)
        .properties(name=name, width="container", height=height, background="white")
        .configure(font=_FONT, autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
        .configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal")
        .configure_legend(labelFontSize=12)
        .configure_view(stroke=None)
    )


def _count(records: list[dict]) -> int:
    return len({record["name"] for record in records if record["values"]})


def _span(years: list[int]) -> str:
    return f", {years[0]} to {years[-1]}" if len(years) > 1 else ""


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
    from nqpf.compare.measures import _TFP as TFP

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


def explorer(
    found: Standings, first: str | None = None, year: int | None = None, other: str | None = None
) -> Html:
    """Return a page's worth of maps, rankings, trends and comparisons that the reader steers.

    The scripts of the book draw it (``book/_static/explorer*.js``); without
    them, in a PDF or a terminal, the first view is a table. When the book is
    built, the data move to a file beside the page (``book/_ext/book_explorer.py``).

    Parameters
    ----------
    found : Standings
        Made by :func:`nqpf.compare.standings`.
    first : str or None
        Key of the system shown first, with its study's recipe; the first one when None.
    year : int or None
        Year shown first; when None the last one that every measure has.
    other : str or None
        Key of what it is compared with first; ``tfp`` when None.

    Returns
    -------
    Html

    Raises
    ------
    nqpf.errors.MethodError
        If there is no such system, or the one shown first has no such year.
    """
    known = [*found.own, "tfp"]
    first, other = first or known[0], other or "tfp"
    for key in (first, other):
        if key not in known:
            raise MethodError(f"no system {key!r}", expected=f"one of {', '.join(known)}")
    shown = found.of(first)
    year = _common_year(found) if year is None else year
    if year not in shown.index.unique("year"):
        raise MethodError(f"{first} has no scores in {year}", expected="a year of its sample")
    data = json.dumps(
        payload(found, first, year, other), ensure_ascii=False, allow_nan=False,
        separators=(",", ":"),
    )  # fmt: skip
    # Inside <script> only "</" and "<!--" can end or hide the data; both are legal JSON escaped.
    data = data.replace("<", "\\u003c")
    static = _table(found, first, year)
    html = (
        '<div class="nqpf-explorer">'
        "<noscript><p>Choosing needs JavaScript. Without it, here is the view that the explorer "
        "opens with.</p></noscript>"
        f'<div class="explorer-static">{static.html}</div>'
        f'<script type="application/json" class="explorer-data">{data}</script></div>'
    )
    return Html(html, f"[Explorer of {found!r}]\n{static.text}")


def _common_year(found: Standings) -> int:
    """Return the last year in which every measure has a score of some province."""
    covered = found.scores.notna().groupby(level="year").any().all(axis=1)
    return int(covered.index[covered].max())


def _table(found: Standings, first: str, year: int) -> Html:
    ranked = found.of(first).xs(year, level="year").sort_values("rank", kind="stable")
    rows = [
        [
            row.rank,
            both_names(provinces.name(row.Index), provinces.name(row.Index, "zh")),
            f"{row.score:.3f}",
            f"{row.lower} to {row.upper}",
        ]
        for row in ranked.itertuples()
    ]
    what = TFP_NAME[0]
    if first in found.own:
        weights, join = found.own[first]
        methods = (METHODS["weights"].get(weights), METHODS["aggregate"].get(join))
        words = [
            pair[0] if pair else key for pair, key in zip(methods, (weights, join), strict=True)
        ]
        what = ", ".join([system_names(found.matrices[first].system)[0], *words])
    span = f"{found.level:.0%} of {found.draws:,} draws" if first in found.own else "range of ranks"
    header = ["rank", "province", "score", span]
    return table(header, rows, f"{what}, {year}", numeric=["rank", "score", span])
