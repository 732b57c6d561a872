"""The specification curve as a figure: estimates in order, and the choices behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.errors import DataError, MethodError, SampleError
from nqpf.multiverse.results import curve_summary
from nqpf.report.explore import _finish, vega
from nqpf.report.html import Html, listed
from nqpf.report.style import (
    CATEGORIES,
    Picture,
    headed_figure,
    place_axes,
    readable,
    style,
    wrapped,
)
from nqpf.sample import nearest

if TYPE_CHECKING:
    import altair as alt
    from matplotlib.axes import Axes

__all__ = [
    "CHOICES",
    "SIGNS",
    "always_applies",
    "curve_explorer",
    "levels_of",
    "representative",
    "sorted_curve",
    "specification_curve",
]

CHOICES = (
    "direction", "outcome", "determinant", "focal", "kind", "system", "normalise", "weights",
    "aggregate", "estimator", "capital", "controls", "effects", "sample", "vintage",
    "transformation", "errors",
)  # fmt: skip
# Colour and shape together, never colour alone.
SIGNS = {
    "negative": ("significant, negative", CATEGORIES[1], "v"),
    "none": ("not significant", "#9a9a9a", "o"),
    "positive": ("significant, positive", CATEGORIES[0], "^"),
}
_EACH = 2000  # specifications drawn one by one; more are grouped by rank
_GROUPS = 400
_LEVELS = 8  # an axis with more levels is drawn only when asked for
_LEFT, _ACROSS = 2.05, 4.75  # inches
_ROW = 0.205


def specification_curve(
    table: pd.DataFrame,
    axes: Sequence[str] | None = None,
    title: str = "",
    label: str = "estimate",
    labels: Mapping[str, str] | None = None,
    level: float = 0.05,
    interval: bool = True,
) -> Picture:
    """Draw estimates from smallest to largest, and below them the choices behind each.

    Parameters
    ----------
    table : DataFrame
        One row per specification: ``estimate``, ``pvalue``, ``std_error`` and a column per choice.
    axes : sequence of str or None
        Choices to show, in order; when None those of :data:`CHOICES` that vary, have at most
        eight levels and apply to every specification. A level that is empty or missing (the
        choice does not apply) has no row.
    title : str
        Title of the figure.
    label : str
        What is estimated, with its unit.
    labels : mapping of str to str or None
        Names to print for axes and levels.
    level : float
        Level of significance.
    interval : bool
        Draw a band of two standard errors. Needs ``std_error``.

    Returns
    -------
    Picture
        Up to 2,000 specifications one by one; more in 400 groups of neighbouring ranks, each
        drawn at its median estimate, coloured by what most of the group is, with the share of
        each in a strip. A row of the lower panel is dark where its level is frequent: black
        where it is at least twice as frequent as in the whole.

    Raises
    ------
    nqpf.errors.DataError
        If a column is missing.
    nqpf.errors.SampleError
        If there are fewer than two specifications, or an estimate or p value is missing.
    """
    names = dict(labels or {})
    ordered = sorted_curve(table, level)
    axes = _axes(ordered, axes)
    groups = _grouped(ordered, interval)
    rows = [row for axis in axes for row in _rows(ordered, axis)]
    grouped = len(groups) < len(ordered)
    parts = f"{len(ordered):,} specifications" + f" in {len(groups)} groups by rank" * grouped
    note = f"{label}; {parts}" + "; band: two standard errors" * interval
    below = _ROW * (len(rows) + len(axes))
    with style():
        figure, head = headed_figure(title, note, 4.15 + below)
        ax = place_axes(figure, _LEFT, head + 0.4, _ACROSS, 2.5)
        _estimates(ax, groups)
        strip = place_axes(figure, _LEFT, head + 3.1, _ACROSS, 0.5)
        _strip(strip, groups)
        if rows:
            lower = place_axes(figure, _LEFT, head + 3.8, _ACROSS, below)
            _choices(lower, ordered, groups, rows, names)
        figure.legend(
            *ax.get_legend_handles_labels(),
            loc="upper left",
            bbox_to_anchor=(0.0, 1 - head / figure.get_figheight()),
            ncols=3,
            fontsize=12,
            handletextpad=0.1,
            columnspacing=1.0,
            markerscale=1.6,
        )
    return Picture(figure, _describe(ordered, axes, title, label, level, names))


def sorted_curve(table: pd.DataFrame, level: float = 0.05) -> pd.DataFrame:
    """Return the table by estimate, with ``sign``: negative, none or positive by significance.

    Ties keep the order of ``id`` where there is one, so that two runs draw the same.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.SampleError
        As :func:`specification_curve`.
    """
    curve_summary(table, level=level)  # says what is wrong with estimates and p values
    if len(table) < 2:
        raise SampleError("one specification", expected="two or more to make a curve")
    keys = ["estimate", "id"] if "id" in table.columns else ["estimate"]
    ordered = table.sort_values(keys, kind="stable", ignore_index=True)
    sure = (ordered["pvalue"] < level).to_numpy()
    positive = ordered["estimate"].to_numpy() > 0
    sign = np.where(sure, np.where(positive, "positive", "negative"), "none")
    return ordered.assign(sign=sign)


def _axes(table: pd.DataFrame, axes: Sequence[str] | None) -> list[str]:
    if axes is None:
        found = [axis for axis in CHOICES if axis in table.columns]
        found = [axis for axis in found if always_applies(table, axis)]
        return [axis for axis in found if 2 <= len(levels_of(table, axis)) <= _LEVELS]
    for axis in axes:
        if axis not in table.columns:
            hint = nearest(axis, map(str, table.columns))
            raise DataError(f"no column {axis!r}", expected="a column of the table", hint=hint)
    return list(axes)


def always_applies(table: pd.DataFrame, axis: str) -> bool:
    """Say whether a choice is neither empty nor missing in any specification."""
    return not (table[axis].isna() | (table[axis] == "")).any()


def levels_of(table: pd.DataFrame, axis: str) -> list[str]:
    """Return the levels that occur, categories in their order, others sorted."""
    values = table[axis]
    if isinstance(values.dtype, pd.CategoricalDtype):
        found = values.cat.remove_unused_categories().cat.categories
    else:
        found = sorted(values.dropna().unique(), key=str)
    return [level for level in found if level != ""]


def _rows(table: pd.DataFrame, axis: str) -> list[tuple[str, object]]:
    return [(axis, level) for level in levels_of(table, axis)]


def _grouped(table: pd.DataFrame, interval: bool) -> pd.DataFrame:
    """Return neighbours in rank: median estimate and band, and the share of each sign."""
    if interval and "std_error" not in table.columns:
        raise DataError("no column 'std_error'", expected="standard errors, or interval=False")
    count = len(table) if len(table) <= _EACH else _GROUPS
    group = np.arange(len(table)) * count // len(table)
    middle = table["estimate"].groupby(group).median()
    signs = {name: pd.Series(table["sign"] == name).groupby(group).mean() for name in SIGNS}
    reach = (2 * table["std_error"]).groupby(group).median() if interval else 0 * middle
    found = pd.DataFrame({"estimate": middle, "low": middle - reach, "high": middle + reach})
    return found.assign(**signs, most=pd.DataFrame(signs).idxmax(axis=1))


def _estimates(ax: Axes, groups: pd.DataFrame) -> None:
    place = groups.index.to_numpy()
    if (groups["high"] > groups["low"]).any():
        ax.fill_between(place, groups["low"], groups["high"], color="#e6e6e6", linewidth=0)
    ax.axhline(0, color="#444444", linewidth=1)
    size = 5.5 if len(groups) <= 100 else 3.2
    for name, (words, color, marker) in SIGNS.items():
        own = groups["most"] == name
        if own.any():
            ax.plot(place[own], groups["estimate"][own], marker, color=color, markersize=size,
                    markeredgewidth=0, linestyle="", label=words)  # fmt: skip
    ax.set_xlim(-0.5, len(groups) - 0.5)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    # A few very wide intervals must not flatten the curve.
    low, high = groups["low"].quantile(0.02), groups["high"].quantile(0.98)
    low, high = min(low, groups["estimate"].min()), max(high, groups["estimate"].max())
    ax.set_ylim(low - 0.04 * (high - low), high + 0.04 * (high - low))


def _strip(ax: Axes, groups: pd.DataFrame) -> None:
    edges = np.arange(len(groups) + 1) - 0.5
    parts = [groups[name].to_numpy() for name in SIGNS]
    base = np.zeros(len(groups))
    for values, (_, color, _) in zip(parts, SIGNS.values(), strict=True):
        ax.stairs(base + values, edges, baseline=base, fill=True, color=color, linewidth=0)
        base = base + values
    ax.set(xlim=(edges[0], edges[-1]), ylim=(0, 1), xticks=[], yticks=[])
    ax.set_ylabel("share\nsignificant", rotation=0, ha="right", va="center", fontsize=12)
    ax.grid(False)
    ax.spines[:].set_visible(False)


def _choices(
    ax: Axes,
    table: pd.DataFrame,
    groups: pd.DataFrame,
    rows: list[tuple[str, object]],
    names: dict[str, str],
) -> None:
    """Draw a strip per level, under a heading per axis."""
    count = len(groups)
    group = np.arange(len(table)) * count // len(table)
    sizes = np.bincount(group)
    down, before = 0, None
    for axis, level in rows:
        if axis != before:
            ax.text(-_LEFT / _ACROSS + 0.03, down + 0.6, readable(names.get(axis, axis)),
                    transform=ax.get_yaxis_transform(), va="center", fontsize=13)  # fmt: skip
            down, before = down + 1, axis
        own = (table[axis] == level).to_numpy(dtype=float)
        share = np.bincount(group, own) / sizes
        dark = share if count == len(table) else np.minimum(share / own.mean() / 2, 1)
        ax.imshow(dark[None], aspect="auto", cmap="Greys", vmin=0, vmax=1, interpolation="nearest",
                  extent=(-0.5, count - 0.5, down + 0.92, down + 0.08))  # fmt: skip
        text = _short(names.get(str(level), str(level)))
        ax.text(-0.01, down + 0.5, text, transform=ax.get_yaxis_transform(), ha="right",
                va="center", fontsize=12, color="#444444")  # fmt: skip
        down += 1
    ax.set(xlim=(-0.5, count - 0.5), ylim=(down, 0), xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)


def _short(text: str) -> str:
    first, *rest = wrapped(text, 22).split("\n")
    return first + "…" if rest else first


def _describe(
    table: pd.DataFrame,
    axes: list[str],
    title: str,
    label: str,
    level: float,
    names: dict[str, str],
) -> str:
    whole = curve_summary(table, level=level).loc["all"]
    lowest, highest = table["estimate"].iloc[[0, -1]]
    text = f"Specification curve. {title}; " if title else "Specification curve; "
    text += (
        f"{len(table):,} specifications; {label} from {lowest:.2f} to {highest:.2f}, median "
        f"{whole['median']:.2f}; {whole['significant_positive']:.0%} significant and positive, "
        f"{whole['significant_negative']:.0%} significant and negative."
    )
    medians = []
    for axis in axes:
        by_level = curve_summary(table, axis, level)["median"].reindex(levels_of(table, axis))
        low, high = by_level.idxmin(), by_level.idxmax()
        ends = [f"{names.get(str(x), x)} {by_level[x]:.2f}" for x in (low, high)]
        medians.append(f"{names.get(axis, axis)}: {ends[0]} to {ends[1]}")
    return f"{text} Medians by choice, lowest to highest: {'; '.join(medians)}." if axes else text


_POINTS = 2500
_MOST_POINTS = 3000
_FILTERS = 4  # menus when none are named
_MOST_CHOICES = 1500  # combinations of menus whose figures are embedded
_EVERY = -1  # code of a menu that is not set
_SHAPES = {"negative": "triangle-down", "none": "circle", "positive": "triangle-up"}
_WORDS = {"negative": "negative", "none": "not significant", "positive": "positive"}


def curve_explorer(
    table: pd.DataFrame,
    filters: Sequence[str] | None = None,
    label: str = "estimate",
    labels: Mapping[str, str] | None = None,
    level: float = 0.05,
    points: int = _POINTS,
) -> Html:
    """Draw the curve of the specifications that the reader chooses from menus.

    Parameters
    ----------
    table : DataFrame
        One row per specification: ``estimate``, ``pvalue``, ``std_error`` and a column per choice.
    filters : sequence of str or None
        Choices with a menu; the first four that vary and apply to every specification when None.
    label : str
        What is estimated, with its unit.
    labels : mapping of str to str or None
        Names to print for axes and levels.
    level : float
        Level of significance.
    points : int
        Specifications to embed, at most 3,000. When there are more, each combination of menus
        gives its share, at evenly spaced quantiles of its estimates. The counts, medians and
        shares above the curve are those of all specifications.

    Returns
    -------
    Html
        A point per specification, in order of the estimate; pointing at one shows every choice
        behind it.

    Raises
    ------
    nqpf.errors.DataError
        If a column is missing.
    nqpf.errors.SampleError
        If there are fewer than two specifications, or an estimate or p value is missing.
    nqpf.errors.MethodError
        If `points` is out of range or the menus have too many combinations.
    """
    import altair as alt

    if not 2 <= points <= _MOST_POINTS:
        raise MethodError(f"points is {points!r}", expected=f"2 to {_MOST_POINTS}")
    ordered = sorted_curve(table, level)
    if "std_error" not in ordered.columns:
        raise DataError("no column 'std_error'", expected="a standard error per specification")
    filters = _filters(ordered, filters)
    known = [axis for axis in CHOICES if axis in ordered and ordered[axis].nunique() > 1]
    shown = [*filters, *(axis for axis in known if axis not in filters)]
    codes, names = _coded(ordered, shown, dict(labels or {}))
    kept = representative(codes[:, : len(filters)], points)
    heads = [dict(labels or {}).get(axis, axis) for axis in shown]
    menus = [_menu(i, heads[i], names[i]) for i in range(len(filters))]
    facts = _facts(ordered, codes[:, : len(filters)], kept)
    params = [alt.param(name="names", value=names), alt.param(name="facts", value=facts), *menus]
    span = ordered["estimate"].iloc[kept[[0, -1]]].tolist()
    chart = _chart(_points(ordered, codes, kept), span, heads, len(filters), label, level)
    text = (
        f"Interactive specification curve of {len(ordered):,} specifications, {label} from "
        f"{ordered['estimate'].iloc[0]:.2f} to {ordered['estimate'].iloc[-1]:.2f}"
        f"{', with menus for ' * bool(filters)}{listed(heads[: len(filters)])}. "
        f"{_about(len(kept), len(ordered))}"
    )
    return vega(_finish(chart, "curve_explorer", [], params, height=360), text)


def _menu(place: int, head: str, names: list[str]) -> alt.Parameter:
    import altair as alt

    options = [_EVERY, *range(len(names))]
    bind = alt.binding_select(options=options, labels=["(all)", *names], name=f"{head}: ")
    # The first menu opens at a level of its own: a curve of every question at once says nothing.
    return alt.param(name=f"menu_{place}", value=_EVERY if place else 0, bind=bind)


def _about(kept: int, whole: int) -> str:
    if kept == whole:
        return "Every specification is a point."
    return (
        f"{kept:,} of them are drawn, at evenly spaced quantiles of every combination of the "
        "menus; counts, medians and shares are of all."
    )


def _filters(table: pd.DataFrame, filters: Sequence[str] | None) -> list[str]:
    if filters is None:
        known = [axis for axis in CHOICES if axis in table.columns and table[axis].nunique() > 1]
        filters = [axis for axis in known if always_applies(table, axis)][:_FILTERS]
    for axis in filters:
        if axis not in table.columns:
            hint = nearest(axis, map(str, table.columns))
            raise DataError(f"no column {axis!r}", expected="a column of the table", hint=hint)
    count = prod(1 + len(levels_of(table, axis)) for axis in filters)
    if count > _MOST_CHOICES:
        raise MethodError(
            f"{count:,} combinations of {listed(list(filters))}",
            expected=f"at most {_MOST_CHOICES:,}",
            hint="give fewer menus, or menus of choices with fewer levels",
        )
    return list(filters)


def _coded(
    table: pd.DataFrame, axes: list[str], labels: dict[str, str]
) -> tuple[np.ndarray, list[list[str]]]:
    """Return (N, a) positions of levels, and their names; the last stands for "does not apply"."""
    codes = np.empty((len(table), len(axes)), dtype=int)
    names = []
    for column, axis in enumerate(axes):
        levels = levels_of(table, axis)
        place = pd.Index(levels, dtype=object).get_indexer(table[axis].astype(object))
        codes[:, column] = np.where(place < 0, len(levels), place)
        words = [labels.get(str(level), str(level)) for level in levels]
        names.append(words + ["–"] * bool((place < 0).any()))
    return codes, names


def representative(codes: np.ndarray, points: int) -> np.ndarray:
    """Return which of N rows, sorted by estimate, stand for all, whatever combination is chosen.

    Every combination gives its share of `points` (largest remainders first; one where its share
    is less, as long as there is room), at evenly spaced quantiles. No chance is involved.

    Parameters
    ----------
    codes : (N, f) int
        Levels that can be chosen.
    points : int

    Returns
    -------
    (n,) int, ascending; all of them when N is at most `points`.

    Examples
    --------
    >>> representative(np.array([[0], [0], [0], [0], [0], [0], [1], [1], [1]]), 3)
    array([1, 4, 7])
    """
    if len(codes) <= points:
        return np.arange(len(codes))
    _, cell, sizes = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    share = sizes * (points / len(codes))
    quota = np.floor(share).astype(int)
    # Cells below one point first, then the largest remainders; the larger cell where equal.
    rest = np.lexsort((np.arange(len(sizes)), -sizes, -(share - quota), quota > 0))
    quota[rest[: points - quota.sum()]] += 1
    order = np.argsort(cell.ravel(), kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    picked = [
        order[start + ((np.arange(count) + 0.5) * size / count).astype(int)]
        for start, size, count in zip(starts, sizes, quota, strict=True)
        if count
    ]
    return np.sort(np.concatenate(picked))


def _points(table: pd.DataFrame, codes: np.ndarray, kept: np.ndarray) -> str:
    """Return a line per point: estimate, standard error, p value, sign, codes of its choices."""
    figures = table[["estimate", "std_error", "pvalue"]].to_numpy(dtype=float)[kept]
    signs = table["sign"].map({name: str(i) for i, name in enumerate(SIGNS)}).to_numpy()[kept]
    head = ["estimate", "error", "p", "sign", *(f"k{i}" for i in range(codes.shape[1]))]
    lines = [
        ",".join([*(f"{x:.4g}" for x in row), sign, *map(str, code)])
        for row, sign, code in zip(figures.tolist(), signs, codes[kept].tolist(), strict=True)
    ]
    return "\n".join([",".join(head), *lines])


def _facts(table: pd.DataFrame, codes: np.ndarray, kept: np.ndarray) -> dict[str, list[float]]:
    """Return count, median, shares significant and points drawn for every setting of the menus."""
    frame = pd.DataFrame(codes).assign(
        estimate=table["estimate"].to_numpy(dtype=float),
        positive=(table["sign"] == "positive").to_numpy(),
        negative=(table["sign"] == "negative").to_numpy(),
        drawn=np.isin(np.arange(len(table)), kept),
    )
    menus = list(range(codes.shape[1]))
    facts = {}
    for chosen in (c for count in range(len(menus) + 1) for c in combinations(menus, count)):
        groups = frame.groupby(list(chosen) or np.zeros(len(frame), dtype=int))
        rows = groups[["positive", "negative"]].mean()
        rows.insert(0, "median", groups["estimate"].median())
        whole = zip(groups.size(), groups["drawn"].sum(), strict=True)
        for key, (count, drawn), row in zip(rows.index, whole, rows.to_numpy(), strict=True):
            own = dict(zip(chosen, key if isinstance(key, tuple) else (key,), strict=False))
            name = ",".join(str(own.get(i, _EVERY)) for i in menus)
            facts[name] = [int(count), *(float(f"{value:.4g}") for value in row), int(drawn)]
    return facts


def _chart(
    points: str, span: list[float], heads: list[str], menus: int, label: str, level: float
) -> alt.LayerChart:
    import altair as alt

    chosen = [f"(menu_{i} == {_EVERY} || menu_{i} == datum.k{i})" for i in range(menus)]
    choices = {f"c{i}": f"names[{i}][datum.k{i}]" for i in range(len(heads))}
    words = [_WORDS[name] for name in SIGNS]
    numbers = dict.fromkeys(points.split("\n")[0].split(","), "number")
    form = alt.CsvDataFormat(type="csv", parse=numbers)
    base = alt.Chart(alt.Data(values=points, format=form))
    if chosen:
        base = base.transform_filter(" && ".join(chosen))
    base = (
        base.transform_calculate(sign=f"{words}[datum.sign]", **choices)
        .transform_window(row="row_number()", sort=[alt.SortField("estimate")])
        .transform_joinaggregate(rows="count()")
        .transform_calculate(place="100 * (datum.row - 0.5) / datum.rows")
    )
    title = f"significant at {100 * level:g} %"
    scale = {"domain": words}
    legend = alt.Legend(orient="top", title=title, titleLimit=300,
                        titleFontWeight="normal")  # fmt: skip
    dots = base.mark_point(filled=True, size=34, opacity=0.9).encode(
        x=alt.X("place:Q", scale=alt.Scale(domain=[0, 100]), title="per cent of estimates below"),
        y=alt.Y("estimate:Q", scale=alt.Scale(domain=span, zero=False), title=label),
        color=alt.Color("sign:N", legend=legend, scale=alt.Scale(
            range=[color for _, color, _ in SIGNS.values()], **scale)),
        shape=alt.Shape("sign:N", legend=legend, scale=alt.Scale(
            range=[_SHAPES[name] for name in SIGNS], **scale)),
        tooltip=[
            alt.Tooltip("estimate:Q", format=".3f", title=label),
            alt.Tooltip("error:Q", format=".3f", title="standard error"),
            alt.Tooltip("p:Q", format=".3f", title="p value"),
            *(alt.Tooltip(f"c{i}:N", title=head) for i, head in enumerate(heads)),
        ],
    )  # fmt: skip
    rule = {"color": "#444444", "aria": False}  # it has no data to be read out
    zero = alt.Chart(alt.Data(values=[{}])).mark_rule(**rule).encode(y=alt.datum(0))
    key = " + ',' + ".join(f"menu_{i}" for i in range(menus)) or "''"
    return alt.layer(zero, dots).properties(
        title=alt.TitleParams(text=alt.expr(_summary(f"facts[{key}]")), anchor="start",
                              fontSize=13, fontWeight="normal", frame="group"))  # fmt: skip


def _summary(facts: str) -> str:
    """Return the expression of the lines above the curve."""
    return (
        f"!isValid({facts}) ? ['no such specification'] : ["
        f"format({facts}[0], ',') + ' specifications, median ' + format({facts}[1], '.2f'), "
        f"format({facts}[2], '.0%') + ' significant and positive, ' + "
        f"format({facts}[3], '.0%') + ' negative', "
        f"{facts}[4] == {facts}[0] ? 'all drawn' : "
        f"format({facts}[4], ',') + ' drawn, at evenly spaced quantiles']"
    )
