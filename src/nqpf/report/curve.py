"""The specification curve: estimates in order, and the choices behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import prod

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from nqpf.checks import choose
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.multiverse.results import curve_summary
from nqpf.report import style as sty
from nqpf.report.explore import _spec, _titled, _vega
from nqpf.report.html import _Html, listed

_CHOICES = (
    "direction", "outcome", "determinant", "focal", "kind", "system", "normalise", "weights",
    "aggregate", "estimator", "capital", "controls", "effects", "sample", "vintage",
    "transformation", "errors",
)  # fmt: skip
# Colour and shape together, never colour alone.
_SIGNS = {
    "negative": ("significant, negative", sty._CATEGORIES[1], "v"),
    "none": ("not significant", "#9a9a9a", "o"),
    "positive": ("significant, positive", sty._CATEGORIES[0], "^"),
}
_LEVEL = 0.05
_EACH, _GROUPS = 2000, 400
_LEFT, _ACROSS, _ROW = 2.05, 4.75, 0.205  # inches


_Words = Mapping[str, str] | None  # key -> what it is called in a figure


@sty._drawn
def specification_curve(
    table: pd.DataFrame, title: str = "", label: str = "estimate", labels: _Words = None
) -> sty._Drawing:
    """Draw estimates from smallest to largest, and below them the choices behind each.

    Parameters
    ----------
    table : DataFrame
        One row per specification: ``estimate``, ``pvalue``, ``std_error`` and a column per
        choice. Choices are shown that vary, have at most eight levels and apply to every
        specification (their column is neither empty nor missing in any).
    title : str
        Title of the figure.
    label : str
        What is estimated, with its unit.
    labels : mapping of str to str or None
        Names to print for choices and levels.

    Returns
    -------
    Picture
        The estimates with a band of two standard errors, significant at 5 per cent or not.

    Raises
    ------
    nqpf.errors.DataError
        If a column is missing.
    nqpf.errors.SampleError
        If there are fewer than two specifications, or an estimate or p value is missing.

    Notes
    -----
    A hundred thousand specifications show nothing as dots. Up to 2,000 are drawn one by one;
    more in 400 groups of neighbouring ranks, each at its median estimate, coloured by what most
    of the group is, with the share of each sign in a strip. A row of the lower panel is dark
    where its level is frequent: black where it is at least twice as frequent as in the whole.
    """
    names, ordered = dict(labels or {}), _sorted_curve(table)
    known = [axis for axis in _CHOICES if axis in ordered]
    known = [axis for axis in known if (ordered[axis].notna() & (ordered[axis] != "")).all()]
    rows = {axis: _levels(ordered, axis) for axis in known}
    rows = {axis: levels for axis, levels in rows.items() if 2 <= len(levels) <= 8}
    count = len(ordered) if len(ordered) <= _EACH else _GROUPS
    group = np.arange(len(ordered)) * count // len(ordered)
    signs = pd.get_dummies(ordered["sign"]).reindex(columns=list(_SIGNS), fill_value=False)
    signs = signs.groupby(group).mean()
    middle = ordered["estimate"].groupby(group).median()
    reach = (2 * ordered["std_error"]).groupby(group).median()
    parts = f"{len(ordered):,} specifications"
    parts += f" in {count} groups by rank" * (count < len(ordered))
    note = f"{label}; {parts}; band: two standard errors"
    below = _ROW * (sum(map(len, rows.values())) + len(rows))
    figure, ax, head = sty._framed(title, note, (_LEFT, 0.4, _ACROSS, 2.5), 4.15 + below)
    _estimates(ax, middle, reach, signs.idxmax(axis=1))
    strip = sty._place_axes(figure, _LEFT, head + 3.1, _ACROSS, 0.5)
    base = np.zeros(count)
    for name, (_, color, _) in _SIGNS.items():
        top, edges = base + signs[name].to_numpy(), np.arange(count + 1) - 0.5
        strip.stairs(top, edges, baseline=base, fill=True, color=color, linewidth=0)
        base = top
    strip.set(xlim=(-0.5, count - 0.5), ylim=(0, 1), xticks=[], yticks=[])
    side = {"rotation": 0, "ha": "right", "va": "center", "fontsize": 12.75}
    strip.set_ylabel("share\nsignificant", **side)
    sty._bare(strip)
    if rows:
        lower = sty._place_axes(figure, _LEFT, head + 3.8, _ACROSS, below)
        _strips(lower, ordered, rows, group, names)
    sty._legend(figure, head, handles=ax.get_legend_handles_labels()[0], ncols=3, markerscale=1.6)
    return figure, _said(ordered, rows, title, label, names)


def _sorted_curve(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table by estimate, with ``sign``: negative, none or positive by significance.

    Ties keep the order of ``id`` where there is one, so that two runs draw the same.
    """
    curve_summary(table, level=_LEVEL)  # says what is wrong with estimates and p values
    choose("column", "std_error", list(table), DataError)
    if len(table) < 2:
        raise SampleError("one specification", expected="two or more to make a curve")
    keys = ["estimate", "id"] if "id" in table.columns else ["estimate"]
    ordered = table.sort_values(keys, kind="stable", ignore_index=True)
    side = np.where(ordered["estimate"] > 0, "positive", "negative")
    return ordered.assign(sign=np.where(ordered["pvalue"] < _LEVEL, side, "none"))


def _levels(table: pd.DataFrame, axis: str) -> list[str]:
    """Return the levels that occur, categories in their order, others sorted."""
    found = pd.Categorical(table[axis]).remove_unused_categories().categories
    return [level for level in found if level != ""]


def _estimates(ax: Axes, middle: pd.Series, reach: pd.Series, most: pd.Series) -> None:
    low, high = middle - reach, middle + reach
    if (high > low).any():
        ax.fill_between(middle.index, low, high, color="#e6e6e6", linewidth=0)
    ax.axhline(0, color="#444444", linewidth=1)
    dots = {"markersize": 5.5 if len(middle) <= 100 else 3.2, "markeredgewidth": 0}
    for name, (words, color, marker) in _SIGNS.items():
        own = middle[most == name]
        if len(own):
            ax.plot(own.index, own, marker, color=color, linestyle="", label=words, **dots)
    ax.set_xlim(-0.5, len(middle) - 0.5)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    # A few very wide intervals must not flatten the curve.
    bottom, top = min(low.quantile(0.02), middle.min()), max(high.quantile(0.98), middle.max())
    ax.set_ylim(bottom - 0.04 * (top - bottom), top + 0.04 * (top - bottom))


def _strips(
    ax: Axes, table: pd.DataFrame, rows: dict[str, list], group: np.ndarray, names: dict[str, str]
) -> None:
    """Draw a strip per level, under a heading per axis."""
    sizes = np.bincount(group)
    count, down = len(sizes), 0
    beside = {"transform": ax.get_yaxis_transform(), "va": "center"}
    look = {"cmap": "Greys", "vmin": 0, "vmax": 1, "interpolation": "nearest", "aspect": "auto"}
    text = {"ha": "right", "fontsize": 12.75, "color": "#444444", **beside}
    for axis, levels in rows.items():
        heading = sty._readable(names.get(axis, axis))
        ax.text(-_LEFT / _ACROSS + 0.03, down + 0.6, heading, fontsize=13, **beside)
        down += 1
        for level in levels:
            own = (table[axis] == level).to_numpy(dtype=float)
            share = np.bincount(group, own) / sizes
            dark = share if count == len(table) else np.minimum(share / own.mean() / 2, 1)
            ax.imshow(dark[None], extent=(-0.5, count - 0.5, down + 0.92, down + 0.08), **look)
            first, *rest = sty._wrapped(names.get(str(level), str(level)), 22).split("\n")
            ax.text(-0.01, down + 0.5, first + "…" * bool(rest), **text)
            down += 1
    ax.set(xlim=(-0.5, count - 0.5), ylim=(down, 0), xticks=[], yticks=[])
    sty._bare(ax)


def _said(
    table: pd.DataFrame, rows: dict[str, list], title: str, label: str, names: dict[str, str]
) -> str:
    whole = curve_summary(table, level=_LEVEL).loc["all"]
    lowest, highest = table["estimate"].iloc[[0, -1]]
    text = (
        f"Specification curve{'. ' * bool(title)}{title}; {len(table):,} specifications; {label} "
        f"from {lowest:.2f} to {highest:.2f}, median {whole['median']:.2f}; "
        f"{whole['significant_positive']:.0%} significant and positive, "
        f"{whole['significant_negative']:.0%} significant and negative."
    )
    medians = []
    for axis, levels in rows.items():
        by_level = table.groupby(axis, observed=True)["estimate"].median().reindex(levels)
        ends = [by_level.idxmin(), by_level.idxmax()]
        ends = [f"{names.get(str(level), level)} {by_level[level]:.2f}" for level in ends]
        medians.append(f"{names.get(axis, axis)}: {' to '.join(ends)}")
    return text + f" Medians by choice, lowest to highest: {'; '.join(medians)}." * bool(rows)


_POINTS = 2500
_MOST_CHOICES = 1500  # combinations of menus whose figures are embedded
_EVERY = -1  # code of a menu that is not set


def curve_explorer(
    table: pd.DataFrame, filters: Sequence[str], label: str = "estimate", labels: _Words = None
) -> _Html:
    """Draw the curve of the specifications that the reader chooses from menus.

    Parameters
    ----------
    table : DataFrame
        One row per specification: ``estimate``, ``pvalue``, ``std_error`` and a column per choice.
    filters : sequence of str
        Choices with a menu.
    label : str
        What is estimated, with its unit.
    labels : mapping of str to str or None
        Names to print for axes and levels.

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
        If the menus have more than 1,500 combinations.

    Notes
    -----
    Of more than 2,500 specifications every combination of the menus gives its share of 2,500
    points (largest remainders first; one where its share is less, as long as there is room), at
    evenly spaced quantiles of its estimates, so that any choice shows the curve of that choice;
    no chance is involved. Counts, medians and shares above the curve are of all specifications.
    """
    ordered = _sorted_curve(table)
    for axis in filters:
        choose("column", axis, list(ordered.columns), DataError)
    count = prod(1 + len(_levels(ordered, axis)) for axis in filters)
    if count > _MOST_CHOICES:
        problem = f"{count:,} combinations of {listed(filters)}"
        hint = "give fewer menus, or menus of choices with fewer levels"
        raise MethodError(problem, expected=f"at most {_MOST_CHOICES:,}", hint=hint)
    known = [axis for axis in _CHOICES if axis in ordered and ordered[axis].nunique() > 1]
    shown, words = [*filters, *(a for a in known if a not in filters)], dict(labels or {})
    codes, names = np.empty((len(ordered), len(shown)), dtype=int), []
    for column, axis in enumerate(shown):
        levels = _levels(ordered, axis)
        place = pd.Index(levels, dtype=object).get_indexer(ordered[axis].astype(object))
        codes[:, column] = np.where(place < 0, len(levels), place)  # beyond: does not apply
        own = [words.get(str(level), str(level)) for level in levels]
        names.append(own + ["–"] * bool((place < 0).any()))
    kept, heads = _standing(codes[:, : len(filters)]), [words.get(axis, axis) for axis in shown]
    facts = _facts(ordered, codes[:, : len(filters)], kept)
    params = [{"name": "names", "value": names}, {"name": "facts", "value": facts}]
    for i, head in enumerate(heads[: len(filters)]):
        # The first opens at a level of its own: a curve of all says nothing.
        labels, options = ["(all)", *names[i]], [_EVERY, *range(len(names[i]))]
        bind = {"input": "select", "name": f"{head}: ", "labels": labels, "options": options}
        params.append({"name": f"menu_{i}", "value": _EVERY if i else 0, "bind": bind})
    text = _told(ordered, len(kept), label, heads[: len(filters)])
    # A line per point: estimate, standard error, p value, sign, codes of its choices.
    points = ordered[["estimate", "std_error", "pvalue"]].astype(float)
    points = points.set_axis(["estimate", "error", "p"], axis=1)
    points["sign"] = ordered["sign"].map(list(_SIGNS).index)
    points[[f"k{i}" for i in range(len(shown))]] = codes
    values = points.iloc[kept].to_csv(index=False, float_format="%.4g", na_rep="nan").strip()
    key = " + ',' + ".join(f"menu_{i}" for i in range(len(filters))) or "''"
    span = ordered["estimate"].iloc[kept[[0, -1]]].tolist()
    spec = _spec("curve", params)
    dots, form = spec["layer"][1], {"type": "csv", "parse": dict.fromkeys(points, "number")}
    dots["data"] = {"values": values, "format": form}
    tests = [f"(menu_{i} == {_EVERY} || menu_{i} == datum.k{i})" for i in range(len(filters))]
    sign, *rest = dots["transform"]
    dots["transform"] = [
        *([{"filter": " && ".join(tests)}] if tests else []),
        sign,
        *({"calculate": f"names[{i}][datum.k{i}]", "as": f"c{i}"} for i in range(len(shown))),
        *rest,
    ]
    encoding = dots["encoding"]
    encoding["y"] |= {"title": _titled(label), "scale": {"domain": span, "zero": False}}
    encoding["tooltip"][0]["title"] = _titled(label)
    for i, head in enumerate(heads):
        line = {"field": f"c{i}", "type": "nominal", "title": _titled(head)}
        encoding["tooltip"].append(line)
    spec["title"]["text"] = {"expr": _above(f"facts[{key}]")}
    return _vega(spec, text)


def _told(ordered: pd.DataFrame, drawn: int, label: str, menus: list[str]) -> str:
    """Return the alternative text of the chart."""
    low, high = ordered["estimate"].iloc[[0, -1]]
    points = (
        f"{drawn:,} of them are drawn, at evenly spaced quantiles of every combination of "
        "the menus; counts, medians and shares are of all."
    )
    return (
        f"Interactive specification curve of {len(ordered):,} specifications, {label} from "
        f"{low:.2f} to {high:.2f}{', with menus for ' * bool(menus)}{listed(menus)}. "
        f"{points if drawn < len(ordered) else 'Every specification is a point.'}"
    )


def _standing(codes: np.ndarray) -> np.ndarray:
    """Return which of N rows, sorted by estimate, stand for all; (N, f) levels of the menus."""
    if len(codes) <= _POINTS:
        return np.arange(len(codes))
    _, cell, sizes = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    share = sizes * (_POINTS / len(codes))
    quota = np.floor(share).astype(int)
    # Cells below one point first, then the largest remainders; the larger cell where equal.
    rest = np.lexsort((np.arange(len(sizes)), -sizes, -(share - quota), quota > 0))
    quota[rest[: _POINTS - quota.sum()]] += 1
    order = np.argsort(cell.ravel(), kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    picked = [
        order[start + ((np.arange(count) + 0.5) * size / count).astype(int)]
        for start, size, count in zip(starts, sizes, quota, strict=True)
        if count
    ]
    return np.sort(np.concatenate(picked))


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
        for key, own in groups:
            code = dict(zip(chosen, np.atleast_1d(key), strict=False))
            shares = [own["estimate"].median(), own["positive"].mean(), own["negative"].mean()]
            name = ",".join(str(code.get(i, _EVERY)) for i in menus)
            shares = [float(f"{share:.4g}") for share in shares]
            facts[name] = [len(own), *shares, int(own["drawn"].sum())]
    return facts


def _above(facts: str) -> str:
    """Return the expression of the lines above the curve."""
    return (
        f"!isValid({facts}) ? ['no such specification'] : ["
        f"format({facts}[0], ',') + ' specifications, median ' + format({facts}[1], '.2f'), "
        f"format({facts}[2], '.0%') + ' significant and positive, ' + "
        f"format({facts}[3], '.0%') + ' negative', "
        f"{facts}[4] == {facts}[0] ? 'all drawn' : "
        f"format({facts}[4], ',') + ' drawn, at evenly spaced quantiles']"
    )
