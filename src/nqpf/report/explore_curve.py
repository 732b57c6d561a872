"""The specification curve that a reader can filter and point at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.errors import DataError, MethodError
from nqpf.report.alt import listed
from nqpf.report.curve import CHOICES, SIGNS, always_applies, levels_of, sorted_curve
from nqpf.report.explore import _finish, vega
from nqpf.report.html import Html
from nqpf.tfp.sample import nearest

if TYPE_CHECKING:
    import altair as alt

__all__ = ["curve_explorer", "representative"]

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
