"""The specification curve as a figure: estimates in order, and the choices behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.compare.curve.summary import curve_summary
from nqpf.errors import DataError, SampleError
from nqpf.report.layout import headed_figure, place_axes, wrapped
from nqpf.report.picture import Picture
from nqpf.report.style import CATEGORIES, readable, style
from nqpf.tfp.sample import nearest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "CHOICES",
    "SIGNS",
    "always_applies",
    "levels_of",
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
