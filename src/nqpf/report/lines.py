"""Lines over the years, labelled at their ends; forecasts and densities by year."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator

from nqpf import provinces
from nqpf.dynamics.inequality import _KernelDensity
from nqpf.errors import DataError, SampleError
from nqpf.forecast.methods import METHODS
from nqpf.forecast.methods import _Forecast as Forecast
from nqpf.report import style as sty
from nqpf.report.html import _name_of, listed

_DASHES = ("-", (0, (6, 2)), (0, (5, 1.5, 1, 1.5)), (0, (1.5, 1.5)))


@sty._drawn
def year_lines(
    data: pd.Series | pd.DataFrame,
    title: str = "",
    label: str | None = None,
    fmt: str = "{:.2f}",
    highlight: Sequence[object] = (),
    reference: float | None = None,
) -> sty._Drawing:
    """Draw lines over the years: means of regions, chosen provinces, or the columns of a table.

    A series gives the mean of each region and of all provinces, unweighted. A year counts as
    complete for a region when every province of the region that is in the sample at all has a
    figure. Only complete years are joined; the mean of a partial year is a hollow point, because
    a change in who is measured would pass for a change in level.

    Parameters
    ----------
    data : Series or DataFrame
        Indexed ``(province, year)``; or a row per year and a column per measure, at most seven,
        NaN where there is no figure.
    title : str
        Title of the figure.
    label : str or None
        What is measured, with its unit; the name of the Series when None.
    fmt : str
        Format of the numbers in the alternative text.
    highlight : sequence
        At most seven provinces by code or name: a line per province instead of regions, these
        in colour and by name.
    reference : float or None
        Height of a grey line to compare with, such as 100.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Raises
    ------
    nqpf.errors.DataError
        If a column is not numeric.
    nqpf.errors.SampleError
        If the index is another, there is no figure, a highlighted province has none or there
        are more than seven lines to tell apart.
    """
    notes, named, dashes, wide = [], sty._readable, _DASHES, 2.2
    behind, hollow = pd.DataFrame(), pd.DataFrame()
    if isinstance(data, pd.DataFrame):
        shown, label = _measures(data), label or ""
    else:
        label = label or str(data.name or "score")
        shown = sty._panel_values(data).unstack("province")
        shown = shown.reindex(range(shown.index.min(), shown.index.max() + 1))
        if len(highlight):
            named, dashes, wide = sty._province_label, ["-"], 2.4
            behind, shown = _apart(shown, highlight)
            notes = [f"In grey, {behind.shape[1]} other provinces"]
        else:
            named = sty._region_label
            shown, hollow, notes = _regions(shown)
    below = notes * bool(hollow.size)  # said under the axes too
    figure, ax, _ = sty._framed(title, label, (0.72, 0.05, 4.3, 3.9), 4.4 + 0.25 * len(below))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=6))
    ax.grid(False, axis="x")
    if reference is not None:
        ax.axhline(reference, color=sty._GREY, linewidth=1, zorder=1)
    for code in behind:
        ax.plot(behind.index, behind[code], color=sty._PALE, linewidth=1)
    ends, marks = {}, map(sty._Mark, sty._CATEGORIES, sty._MARKERS, cycle(dashes))
    for column, mark in zip(shown, marks, strict=False):
        values = shown[column]
        if hollow.size:
            mark, wide = sty._REGION_STYLES[column], 3 if column == "all" else 2
            partial, values = values.where(hollow[column]).dropna(), values.where(~hollow[column])
            ax.plot(partial.index, partial, mark.marker, color=mark.color, markerfacecolor="white")
        look = {"color": mark.color, "marker": mark.marker, "linestyle": mark.line}
        ax.plot(values.index, values, linewidth=wide, markersize=6, zorder=3, **look)
        ends[named(column)] = (shown[column].dropna(), mark.color)
    _label_ends(ax, ends)
    for line, note in enumerate(reversed(below)):
        up = (0.08 + 0.25 * line) / figure.get_figheight()
        figure.text(0.02, up, note, fontsize=12.75, color=sty._GREY)
    if hollow.size:
        spelt = {"all": "all provinces"}
        shown = shown.rename(columns=lambda region: spelt.get(region, region.capitalize()))
    said = [_lines_said(shown, title, label, fmt), *(f"{note}." for note in notes)]
    return figure, " ".join(said)


def _measures(table: pd.DataFrame) -> pd.DataFrame:
    for column in table.columns:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise DataError(f"column {column!r} is not numeric", expected="figures by year")
    if table.shape[1] > len(sty._CATEGORIES):
        raise SampleError(f"{table.shape[1]} measures to draw", expected="at most seven")
    if not np.isfinite(table.to_numpy(dtype=float)).any():
        raise SampleError("no figure to draw", expected="at least one")
    return table


def _apart(wide: pd.DataFrame, highlight: Sequence[object]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the lines behind and those in front, refused where there is nothing to draw."""
    chosen = [provinces.code_of(province) for province in highlight]
    for code in chosen:
        if code not in wide.columns:
            raise SampleError(f"{provinces.name(code)} has no figures", where={"province": code})
    if len(chosen) > len(sty._CATEGORIES):
        raise SampleError(f"{len(chosen)} provinces to highlight", expected="at most seven")
    return wide[wide.columns.difference(chosen)], wide[chosen]


def _regions(wide: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Return the mean per year and region, whether it lacks provinces that year, and notes."""
    members = {"all": list(wide.columns)}
    for region in provinces.REGIONS:
        members[region] = [code for code in wide.columns if provinces.region(code) == region]
    members = {region: codes for region, codes in members.items() if codes}
    means = pd.DataFrame({region: wide[codes].mean(axis=1) for region, codes in members.items()})
    partial = {region: wide[codes].isna().any(axis=1) for region, codes in members.items()}
    absent = [provinces.name(code) for code in provinces.codes() if code not in wide.columns]
    notes = [f"Not in the sample: {listed(absent)}"] * bool(absent)
    if wide.isna().any(axis=None):
        notes.append("Hollow point: not all provinces have a figure that year")
    return means, pd.DataFrame(partial), notes


def _lines_said(table: pd.DataFrame, title: str, label: str, fmt: str) -> str:
    each = []
    for column, line in table.items():
        known = line.dropna()
        years = known.index[[0, -1]] if len(known) else []
        ends = [f"{fmt.format(known[year])} in {year}" for year in years]
        each += [f"{_name_of(column)} {' to '.join(dict.fromkeys(ends))}"] * bool(ends)
    return f"Line chart. {title}; {label}: {'; '.join(each)}."


def _label_ends(ax: Axes, ends: dict[str, tuple[pd.Series, str]]) -> None:
    """Write each name beside its last point, moved up or down where names would touch."""
    ends = {name: end for name, end in ends.items() if len(end[0])}
    low, high = ax.get_ylim()
    right = ax.get_xlim()[1]
    tall = ax.get_position().height * ax.figure.get_figheight()
    last = [float(line.iloc[-1]) for line, _ in ends.values()]
    heights = _spread(last, 0.24 * (high - low) / tall)
    for (name, (line, color)), height in zip(ends.items(), heights, strict=True):
        arrow = {"arrowstyle": "-", "color": color, "linewidth": 0.7, "shrinkB": 4}
        look = {"va": "center", "fontsize": 13, "color": sty._darker(color)}
        end = (line.index[-1], line.iloc[-1])
        ax.annotate(name, end, (right, height), annotation_clip=False, arrowprops=arrow, **look)


def _spread(positions: Sequence[float], gap: float) -> np.ndarray:
    """Move positions apart until neighbours are at least `gap` apart, as little as possible.

    Examples
    --------
    >>> _spread([0.0, 0.1, 5.0], gap=1.0)
    array([-0.45,  0.55,  5.  ])
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(positions, kind="stable")
    # Without the gaps it is a monotone regression: neighbours that would cross are pooled.
    steps = gap * np.arange(len(order))
    result = np.empty(len(order))
    result[order] = isotonic_regression(np.asarray(positions, float)[order] - steps).x + steps
    return result


_SHADES = (0.18, 0.32, 0.45)  # widest interval first


@sty._drawn
def fan_chart(
    forecasts: Sequence[Forecast], highlight: Sequence[object], title: str = "", label: str = ""
) -> sty._Drawing:
    """Draw the history, the forecast and its intervals, a panel per province.

    Parameters
    ----------
    forecasts : sequence of Forecast
        Of one series by one method; several differ in their level, at most three.
    highlight : sequence
        Provinces by code or name, at most eight.
    title, label : str
        Title of the figure, and what is measured.

    Returns
    -------
    Picture
        A line with dots for what was observed, a dashed line with open marks
        for the forecast, a band per level; with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a province has no forecast, forecasts do not belong together, or
        there are too many or none.

    Examples
    --------
    >>> from nqpf.forecast import forecast
    >>> keys = pd.MultiIndex.from_product([[110000], range(2010, 2024)],
    ...                                   names=["province", "year"])
    >>> series = pd.Series([1, 2, 2, 3, 4, 4, 5, 7, 7, 8, 8, 9, 9, 10.0], index=keys)
    >>> print(fan_chart([forecast(series, 1)], ["Beijing"], "An index").alt)
    Fan chart of forecasts by drift. An index. Beijing 10.00 in 2023,
    then 10.69 in 2024 (90 % interval 9.06 to 12.32).
    """
    chosen = [provinces.code_of(province) for province in highlight]
    _check_fans(list(forecasts), chosen)
    fans = sorted(forecasts, key=lambda one: -one.level)
    levels = " and ".join(f"{one.level * 100:g} %" for one in fans)
    parts = [label, f"bands: {levels} intervals"]
    parts += ["scales differ"] * (len(chosen) > 1)
    box, label = (0.4, 1.45, 0.25), "; ".join(filter(None, parts))
    figure, each = sty._panelled(title, label, len(chosen), box, 2.25, 0.7, 0.8)
    seen = fans[0].observed[fans[0].observed.index.isin(chosen, level="province")]
    years = seen.index.get_level_values("year").union(fans[0].frame.index.get_level_values("year"))
    for code, ax in zip(chosen, each, strict=True):
        _fan(ax, fans, code)
        ax.set_title(sty._province_label(code), fontsize=13.5, loc="left", pad=6)
        ax.set_xlim(years.min() - 0.5, years.max() + 0.5)
    lead = f"Fan chart of forecasts by {METHODS[fans[0].method].title}. {title}."
    return figure, f"{lead} {'; '.join(_fan_said(fans[0], code) for code in chosen)}."


def _fan(ax: Axes, fans: Sequence[Forecast], code: int) -> None:
    # The newest figure comes before each forecast: from it the fan opens.
    origin, seen = fans[0].origin, fans[0].observed.xs(code, level="province")
    columns = ["forecast", "lower", "upper"]
    now = pd.DataFrame(float(seen[origin]), index=[origin], columns=columns)
    joined = [pd.concat([now, one.frame.xs(code, level="province")[columns]]) for one in fans]
    for shade, own in zip(_SHADES, joined, strict=False):
        color = sty._CATEGORIES[0]
        ax.fill_between(own.index, own["lower"], own["upper"], color=color, alpha=shade, lw=0)
    line = joined[0]["forecast"]
    ax.plot(line.index, line, "--", color=sty._CATEGORIES[1], linewidth=1.8)
    ax.plot(line.index[1:], line[1:], "s", color=sty._CATEGORIES[1], mfc="white", markersize=6)
    ax.plot(seen.index, seen, "o-", color="#000000", linewidth=1.8, markersize=4.5)
    ax.axvline(origin, color=sty._GREY, linewidth=0.8, linestyle=":")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5))
    ax.grid(False, axis="x")


def _fan_said(widest: Forecast, code: int) -> str:
    own = widest.frame.xs(code, level="province")
    last, year = own.iloc[-1], own.index[-1]
    now = widest.observed.loc[(code, widest.origin)]
    text = f"{provinces.name(code)} {now:.2f} in {widest.origin}, "
    text += f"then {last['forecast']:.2f} in {year}"
    if pd.notna(last["lower"]):
        level = f"{widest.level * 100:g} % interval"
        text += f" ({level} {last['lower']:.2f} to {last['upper']:.2f})"
    return text


def _check_fans(given: list[Forecast], chosen: list[int]) -> None:
    if not 1 <= len(given) <= len(_SHADES) or not 1 <= len(chosen) <= 8:
        problem = f"{len(given)} forecasts of {len(chosen)} provinces"
        raise SampleError(problem, expected=f"1 to {len(_SHADES)} forecasts and 1 to 8 provinces")
    for one in given:
        if one.frame.index.nlevels != 2:
            raise SampleError("a forecast of several columns", expected="a forecast of one series")
        same = one.frame["forecast"].equals(given[0].frame["forecast"])
        if not same or not one.observed.equals(given[0].observed):
            wanted = "one series and one method"
            raise SampleError("forecasts differ in more than their level", expected=wanted)
    for code in set(chosen).difference(given[0].frame.index.unique("province")):
        raise SampleError(f"{provinces.name(code)} has no forecast", where={"province": code})


_OVERLAP = 2.2  # the highest ridge reaches over this many lines
_FOOT = 0.42  # inches between the feet of two ridges


@sty._drawn
def ridgeline(curves: _KernelDensity, title: str = "", label: str = "") -> sty._Drawing:
    """Draw kernel densities as a ridge per year, the first year on top.

    Parameters
    ----------
    curves : densities
        From :func:`nqpf.dynamics.kernel_density`.
    title : str
        Title of the figure.
    label : str
        What is measured, with its unit; the name of the measure by default.

    Returns
    -------
    Picture
        Ridges of one scale, so that areas are equal, with a dot at each
        peak that counts and the bandwidth beside its year.

    Raises
    ------
    nqpf.errors.DataError
        If there is no curve.
    """
    density, label = curves.density, label or curves.name
    if density.empty:
        raise DataError("no curve to draw", expected="the density of at least one year")
    unit = density.to_numpy().max() / _OVERLAP
    rows = len(density.columns)
    height = _FOOT * (rows + _OVERLAP - 1)
    box = (0.85, 0, sty._WIDTH - 2.25, height)
    note = f"{label}; kernel densities with bandwidth h, dots at peaks"
    figure, ax, _ = sty._framed(title, note, box, height + 0.55)
    pale, full = np.array([0.80, 0.88, 0.94]), np.array(to_rgb(sty._CATEGORIES[0]))
    edge, x = sty._darker(sty._CATEGORIES[0], 7), density.index.to_numpy()
    for place, year in enumerate(density.columns):
        ridge = place - density[year].to_numpy() / unit
        color = tuple(pale + (full - pale) * place / max(rows - 1, 1) * 0.75)
        order = 2 + 3 * place  # later years lie in front of earlier ones
        ax.fill_between(x, place, ridge, color=color, linewidth=0, alpha=0.85, zorder=order)
        ax.plot(x, ridge, color=edge, linewidth=1.2, zorder=order + 1)
        peaks = curves.peaks(year)
        dots = {"color": edge, "markersize": 4.5, "zorder": order + 2, "clip_on": False}
        ax.plot(peaks["position"], place - peaks["height"] / unit, "o", **dots)
        sty._beside(ax, place, f"h = {curves.bandwidths[year]:#.3g}", va="bottom", color=sty._GREY)
    ax.set_yticks(range(rows), [str(year) for year in density.columns], va="bottom")
    ax.tick_params(axis="y", labelsize=12.75)
    ax.set(ylim=(rows - 0.95, -_OVERLAP), xlim=(density.index[0], density.index[-1]))
    ax.grid(False, axis="y")
    ax.spines["left"].set_visible(False)
    return figure, _ridges_said(curves.to_frame(), title, label, curves.rule)


def _ridges_said(table: pd.DataFrame, title: str, label: str, rule: str) -> str:
    said = {}
    for year, row in table.iloc[[0, -1]].iterrows():
        many = "1 peak" if row["peaks"] == 1 else f"{row['peaks']:.0f} peaks"
        said[year] = f"in {year} {many}, the highest at {row['peak']:.2f}, at half its height "
        said[year] += f"{row['width']:.2f} wide"
    several = int((table["peaks"] > 1).sum())
    more = f" More than one peak in {several} of {len(table)} years." if len(table) > 1 else ""
    how = "a given bandwidth" if rule == "fixed" else f"bandwidths by {rule.title()}"
    heading = f"{title.rstrip('.')}. " if title else ""
    path = "; ".join(said.values())
    return f"Ridgeline of kernel densities with {how}. {heading}{label}: {path}.{more}"
