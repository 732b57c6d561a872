"""Charts that a reader can question: choose year and measure, point at a province."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from nqpf import provinces
from nqpf.errors import DataError, SampleError
from nqpf.report.alt import listed
from nqpf.report.html import Html
from nqpf.report.maps import ABSENT
from nqpf.report.style import REGION_STYLES

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

__all__ = ["map_explorer", "rank_explorer", "vega"]

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
