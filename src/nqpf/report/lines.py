"""Lines over the years, by region and by province, labelled at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.forecast.methods import METHODS
from nqpf.forecast.project import Forecast
from nqpf.report.html import describe_lines, listed
from nqpf.report.style import (
    CATEGORIES,
    GREY,
    MARKERS,
    PALE,
    REGION_STYLES,
    WIDTH,
    Mark,
    Picture,
    darker,
    headed_figure,
    label_of,
    panel_values,
    place_axes,
    province_label,
    readable,
    region_label,
    style,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nqpf.dynamics.density import KernelDensity

__all__ = [
    "event_plot",
    "fan_chart",
    "measure_lines",
    "province_lines",
    "region_lines",
    "ridgeline",
    "spread",
]


def region_lines(
    scores: pd.Series,
    grouping: str = "region4",
    title: str = "",
    label: str | None = None,
    fmt: str = "{:.2f}",
) -> Picture:
    """Draw the mean of each region and of all provinces, unweighted, over the years.

    A year counts as complete for a region when every province of the region
    that is in the sample at all has a figure. Only complete years are joined;
    the mean of a partial year is a hollow point, because a change in who is
    measured would pass for a change in level.

    Parameters
    ----------
    scores : Series
        Indexed ``(province, year)``.
    grouping : {'region4', 'region3'}
        Regions of the National Bureau of Statistics.
    title : str
        Title of the figure.
    label : str or None
        What is measured, with its unit; the name of the Series when None.
    fmt : str
        Format of the numbers in the alternative text.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If the index is not ``(province, year)`` or there is no figure.
    nqpf.errors.MethodError
        If the grouping is unknown.
    """
    if grouping not in ("region4", "region3"):
        raise MethodError(f"unknown grouping {grouping!r}", expected="'region4' or 'region3'")
    data, label = panel_values(scores), label_of(scores, label)
    means, complete = _means(data, grouping)
    notes = _notes(data, complete)
    with style():
        figure, ax = _year_axes(title, label, len(notes))
        for region in means.columns:
            mark = REGION_STYLES[region]
            _line(ax, means[region].where(complete[region]), mark, 3 if region == "all" else 2)
            partial = means[region].where(~complete[region]).dropna()
            ax.plot(partial.index, partial, mark.marker, color=mark.color, markerfacecolor="white")
        ends = {region: (means[region].dropna(), REGION_STYLES[region]) for region in means}
        _label_ends(ax, {region_label(region): end for region, end in ends.items()})
        for line, note in enumerate(reversed(notes)):
            up = (0.08 + 0.25 * line) / figure.get_figheight()
            figure.text(0.02, up, note, fontsize=12, color=GREY)
    named = means.rename(columns=lambda region: region_label(region).split(" ")[0])
    alt = describe_lines(named.rename(columns={"All": "all provinces"}), title, label, fmt)
    return Picture(figure, " ".join([alt, *(f"{note}." for note in notes)]))


def province_lines(
    scores: pd.Series,
    highlight: Sequence[object],
    title: str = "",
    label: str | None = None,
    fmt: str = "{:.2f}",
) -> Picture:
    """Draw a line per province, the highlighted ones in colour and by name.

    Parameters
    ----------
    scores : Series
        Indexed ``(province, year)``.
    highlight : sequence
        At most seven provinces, by code or name.
    title, label, fmt
        As in :func:`region_lines`.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a highlighted province has no figures or there are more than seven.
    """
    data, label = panel_values(scores), label_of(scores, label)
    wide = data.unstack("province")
    wide = wide.reindex(range(wide.index.min(), wide.index.max() + 1))
    chosen = [provinces.code_of(province) for province in highlight]
    for code in chosen:
        if code not in wide.columns:
            raise SampleError(f"{provinces.name(code)} has no figures", where={"province": code})
    if len(chosen) > len(CATEGORIES):
        raise SampleError(f"{len(chosen)} provinces to highlight", expected="at most seven")
    ends = {}
    with style():
        figure, ax = _year_axes(title, label, 0)
        for code in wide.columns.difference(chosen):
            ax.plot(wide.index, wide[code], color=PALE, linewidth=1)
        for place, code in enumerate(chosen):
            mark = Mark(CATEGORIES[place], MARKERS[place], "-")
            _line(ax, wide[code], mark, 2.4)
            ends[province_label(code)] = (wide[code].dropna(), mark)
        _label_ends(ax, ends)
    others = f" In grey, {wide.shape[1] - len(chosen)} other provinces."
    return Picture(figure, describe_lines(wide[chosen], title, label, fmt) + others)


def spread(positions: Sequence[float], gap: float) -> np.ndarray:
    """Move positions apart until neighbours are at least `gap` apart, as little as possible.

    Parameters
    ----------
    positions : sequence of float, length n
        Where labels would sit.
    gap : float
        Least distance, in the unit of the positions.

    Returns
    -------
    ndarray, shape (n,)
        New positions in the order given.

    Examples
    --------
    >>> spread([0.0, 0.1, 5.0], gap=1.0)
    array([-0.45,  0.55,  5.  ])
    """
    order = np.argsort(positions, kind="stable")
    # Without the gaps it is a monotone regression: pool neighbours that would cross.
    shifted = np.asarray(positions, dtype=float)[order] - gap * np.arange(len(order))
    blocks: list[list[float]] = []  # [mean, size]
    for value in shifted:
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, size = blocks.pop()
            before = blocks[-1]
            before[0] = (before[0] * before[1] + mean * size) / (before[1] + size)
            before[1] += size
    pooled = np.concatenate([np.full(int(size), mean) for mean, size in blocks])
    result = np.empty(len(order))
    result[order] = pooled + gap * np.arange(len(order))
    return result


def _means(data: pd.Series, grouping: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the mean per year and region, and whether the region is complete that year."""
    import pandas as pd

    wide = data.unstack("province")
    wide = wide.reindex(range(wide.index.min(), wide.index.max() + 1))
    members = {"all": list(wide.columns)}
    for region in provinces.REGIONS:
        inside = [code for code in wide.columns if provinces.region(code, grouping) == region]
        if inside:
            members[region] = inside
    means = pd.DataFrame({region: wide[codes].mean(axis=1) for region, codes in members.items()})
    complete = {region: wide[codes].notna().all(axis=1) for region, codes in members.items()}
    return means, pd.DataFrame(complete)


def _notes(data: pd.Series, complete: pd.DataFrame) -> list[str]:
    notes = []
    present = set(data.index.unique("province"))
    absent = [code for code in provinces.codes() if code not in present]
    if absent:
        notes.append(f"Not in the sample: {listed([provinces.name(code) for code in absent])}")
    if not complete.all(axis=None):
        notes.append("Hollow point: not all provinces have a figure that year")
    return notes


def _year_axes(title: str, label: str, notes: int) -> tuple[Figure, Axes]:
    from matplotlib.ticker import MaxNLocator

    figure, head = headed_figure(title, label, 4.4 + 0.25 * notes)
    ax = place_axes(figure, 0.72, head + 0.05, 4.3, 3.9)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=6))
    ax.grid(False, axis="x")
    return figure, ax


def _line(ax: Axes, values: pd.Series, mark: Mark, width: float) -> None:
    ax.plot(
        values.index,
        values,
        color=mark.color,
        marker=mark.marker,
        linestyle=mark.line,
        linewidth=width,
        markersize=6,
        zorder=3,
    )


def _label_ends(ax: Axes, ends: dict[str, tuple[pd.Series, Mark]]) -> None:
    """Write each name beside its last point, moved up or down where names would touch."""
    ends = {name: end for name, end in ends.items() if len(end[0])}
    low, high = ax.get_ylim()
    right = ax.get_xlim()[1]
    tall = ax.get_position().height * ax.figure.get_figheight()
    last = [float(line.iloc[-1]) for line, _ in ends.values()]
    for (name, (line, mark)), height in zip(
        ends.items(), spread(last, 0.24 * (high - low) / tall), strict=True
    ):
        ax.annotate(
            name,
            xy=(line.index[-1], line.iloc[-1]),
            xytext=(right, height),
            va="center",
            fontsize=13,
            color=darker(mark.color),
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": mark.color, "linewidth": 0.7, "shrinkB": 4},
        )


_DASHES = ("-", (0, (6, 2)), (0, (5, 1.5, 1, 1.5)), (0, (1.5, 1.5)))


def measure_lines(
    table: pd.DataFrame,
    title: str = "",
    label: str = "",
    fmt: str = "{:.2f}",
    reference: float | None = None,
) -> Picture:
    """Draw a line per column over the years, named at its end.

    Parameters
    ----------
    table : DataFrame
        A row per year, a column per measure, at most seven; NaN where there is no figure.
    title : str
        Title of the figure.
    label : str
        What the figures are, with their unit.
    fmt : str
        Format of the numbers in the alternative text.
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
        If there is no figure or there are more than seven measures.
    """
    for column in table.columns:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise DataError(f"column {column!r} is not numeric", expected="figures by year")
    if table.shape[1] > len(CATEGORIES):
        raise SampleError(f"{table.shape[1]} measures to draw", expected="at most seven")
    if not np.isfinite(table.to_numpy(dtype=float)).any():
        raise SampleError("no figure to draw", expected="at least one")
    ends = {}
    with style():
        figure, ax = _year_axes(title, label, 0)
        if reference is not None:
            ax.axhline(reference, color=GREY, linewidth=1, zorder=1)
        for place, column in enumerate(table.columns):
            mark = Mark(CATEGORIES[place], MARKERS[place], _DASHES[place % len(_DASHES)])
            _line(ax, table[column], mark, 2.2)
            ends[readable(column)] = (table[column].dropna(), mark)
        _label_ends(ax, ends)
    return Picture(figure, describe_lines(table, title, label, fmt))


_ACROSS = 2  # panels beside each other
_MOST = 8
_SHADES = (0.18, 0.32, 0.45)  # widest interval first


def fan_chart(
    forecasts: Forecast | Sequence[Forecast],
    highlight: Sequence[object],
    title: str = "",
    label: str = "",
    fmt: str = "{:.2f}",
) -> Picture:
    """Draw the history, the forecast and its intervals, a panel per province.

    Parameters
    ----------
    forecasts : Forecast or sequence of Forecast
        Of one series by one method; several differ in their level, at most three.
    highlight : sequence
        Provinces by code or name, at most eight.
    title, label : str
        Title of the figure, and what is measured.
    fmt : str
        Format of the numbers in the alternative text.

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
    >>> keys = pd.MultiIndex.from_product([[110000], range(2018, 2024)],
    ...                                   names=["province", "year"])
    >>> series = pd.Series([1, 2, 2, 3, 4, 4.0], index=keys)
    >>> result = forecast(series, 1, interval="analytic")
    >>> print(fan_chart(result, ["Beijing"], "An index").alt)
    Fan chart of forecasts by drift. An index. Beijing 4.00 in 2023,
    then 4.60 in 2024 (90 % interval 3.32 to 5.88).
    """
    given = [forecasts] if isinstance(forecasts, Forecast) else list(forecasts)
    chosen = [provinces.code_of(province) for province in highlight]
    _check(given, chosen)
    fans = sorted(given, key=lambda one: -one.level)
    across = min(_ACROSS, len(chosen))
    down = -(-len(chosen) // across)
    left, gap, tall = 0.7, 0.8, 2.25
    width = (WIDTH - left - 0.25 - gap * (across - 1)) / across
    levels = " and ".join(f"{one.level * 100:g} %" for one in fans)
    parts = [label, f"bands: {levels} intervals"]
    parts += ["scales differ"] * (len(chosen) > 1)
    with style():
        figure, head = headed_figure(title, "; ".join(filter(None, parts)), down * tall)
        for number, code in enumerate(chosen):
            row, column = divmod(number, across)
            at = left + column * (width + gap), head + row * tall + 0.4
            ax = place_axes(figure, *at, width, tall - 0.8)
            _panel(ax, fans, code)
            ax.set_title(province_label(code), fontsize=13.5, loc="left", pad=6)
            ax.set_xlim(*_years(fans[0], chosen))
    return Picture(figure, _describe(fans, chosen, title, fmt))


def _years(one: Forecast, chosen: list[int]) -> tuple[float, float]:
    """Return the first and last year of any panel, with room for the marks."""
    seen = one.observed[one.observed.index.isin(chosen, level="province")]
    years = seen.index.get_level_values("year").union(one.frame.index.get_level_values("year"))
    return years.min() - 0.5, years.max() + 0.5


def _panel(ax: Axes, fans: Sequence[Forecast], code: int) -> None:
    from matplotlib.ticker import MaxNLocator

    seen = fans[0].observed.xs(code, level="province")
    for shade, one in zip(_SHADES, fans, strict=False):
        own = _joined(one, code)
        color = CATEGORIES[0]
        ax.fill_between(own.index, own["lower"], own["upper"], color=color, alpha=shade, lw=0)
    own = _joined(fans[0], code)
    ax.plot(own.index, own["forecast"], "--", color=CATEGORIES[1], linewidth=1.8)
    ahead = own.iloc[1:]
    ax.plot(ahead.index, ahead["forecast"], "s", color=CATEGORIES[1], mfc="white", markersize=6)
    ax.plot(seen.index, seen, "o-", color="#000000", linewidth=1.8, markersize=4.5)
    ax.axvline(fans[0].origin, color=GREY, linewidth=0.8, linestyle=":")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5))
    ax.grid(False, axis="x")


def _joined(one: Forecast, code: int) -> pd.DataFrame:
    """Return a forecast with the newest figure before it, from which the fan opens."""
    own = one.frame.xs(code, level="province")[["forecast", "lower", "upper"]]
    now = float(one.observed.loc[(code, one.origin)])
    return pd.concat([pd.DataFrame(now, index=[one.origin], columns=own.columns), own])


def _check(given: list[Forecast], chosen: list[int]) -> None:
    if not 1 <= len(given) <= len(_SHADES) or not 1 <= len(chosen) <= _MOST:
        raise SampleError(
            f"{len(given)} forecasts of {len(chosen)} provinces",
            expected=f"1 to {len(_SHADES)} forecasts and 1 to {_MOST} provinces",
        )
    for one in given:
        if one.frame.index.nlevels != 2:
            raise SampleError("a forecast of several columns", expected="a forecast of one series")
        same = one.frame["forecast"].equals(given[0].frame["forecast"])
        if not same or not one.observed.equals(given[0].observed):
            raise SampleError(
                "forecasts differ in more than their level",
                expected="one series and one method",
            )
        for code in chosen:
            if code not in one.frame.index.unique("province"):
                raise SampleError(
                    f"{provinces.name(code)} has no forecast", where={"province": code}
                )


def _describe(fans: Sequence[Forecast], chosen: list[int], title: str, fmt: str) -> str:
    widest, each = fans[0], []
    for code in chosen:
        own = widest.frame.xs(code, level="province")
        last, year = own.iloc[-1], own.index[-1]
        now = fmt.format(widest.observed.loc[(code, widest.origin)])
        text = (
            f"{provinces.name(code)} {now} in {widest.origin}, "
            f"then {fmt.format(last['forecast'])} in {year}"
        )
        if pd.notna(last["lower"]):
            text += (
                f" ({widest.level * 100:g} % interval {fmt.format(last['lower'])} "
                f"to {fmt.format(last['upper'])})"
            )
        each.append(text)
    lead = f"Fan chart of forecasts by {METHODS[widest.method].title}. {title}."
    return f"{lead} {'; '.join(each)}."


_OVERLAP = 2.2  # the highest ridge reaches over this many lines
EDGE = darker(CATEGORIES[0], 7)
_LINE = 0.42  # inches between the feet of two ridges


def ridgeline(
    curves: KernelDensity,
    title: str = "",
    label: str = "",
    fmt: str = "{:.2f}",
) -> Picture:
    """Draw kernel densities as a ridge per year, the first year on top.

    Parameters
    ----------
    curves : KernelDensity
        From :func:`nqpf.dynamics.kernel_density`.
    title : str
        Title of the figure.
    label : str
        What is measured, with its unit; the name of the measure by default.
    fmt : str
        Format of the measure in the alternative text.

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
    density = curves.density
    if density.empty:
        raise DataError("no curve to draw", expected="the density of at least one year")
    table = curves.to_frame()
    unit = density.to_numpy().max() / _OVERLAP
    rows = len(density.columns)
    height = _LINE * (rows + _OVERLAP - 1)
    note = f"{label or curves.name}; kernel densities with bandwidth h, dots at peaks"
    with style():
        figure, head = headed_figure(title, note, height + 0.55)
        ax = place_axes(figure, 0.85, head, WIDTH - 2.25, height)
        for place, year in enumerate(density.columns):
            tint = place / max(rows - 1, 1)
            _ridge(ax, density.index.to_numpy(), density[year].to_numpy() / unit, place, tint)
            peaks = curves.peaks(year)
            _dots(ax, peaks["position"], place - peaks["height"] / unit, place)
            text = f"h = {curves.bandwidths[year]:#.3g}"
            ax.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="bottom",
                        fontsize=12, color=GREY)  # fmt: skip
        ax.set_yticks(range(rows), [str(year) for year in density.columns], va="bottom")
        ax.tick_params(axis="y", labelsize=12.5)
        ax.set(ylim=(rows - 0.95, -_OVERLAP), xlim=(density.index[0], density.index[-1]))
        ax.grid(False, axis="y")
        ax.spines["left"].set_visible(False)
    return Picture(figure, _describe_ridges(table, title, label or curves.name, curves.rule, fmt))


def _ridge(ax: Axes, x: np.ndarray, heights: np.ndarray, place: int, tint: float) -> None:
    """Draw one ridge on its own line; later years lie in front of earlier ones."""
    from matplotlib.colors import to_rgb

    pale, full = np.array([0.80, 0.88, 0.94]), np.array(to_rgb(CATEGORIES[0]))
    color = tuple(pale + (full - pale) * tint * 0.75)
    order = 2 + 3 * place
    ax.fill_between(x, place, place - heights, color=color, linewidth=0, alpha=0.85, zorder=order)
    ax.plot(x, place - heights, color=EDGE, linewidth=1.2, zorder=order + 1)


def _dots(ax: Axes, x: pd.Series, y: pd.Series, place: int) -> None:
    ax.plot(x, y, "o", color=EDGE, markersize=4.5, zorder=4 + 3 * place, clip_on=False)


def _describe_ridges(table: pd.DataFrame, title: str, label: str, rule: str, fmt: str) -> str:
    first, last = table.index[0], table.index[-1]

    def said(year: object) -> str:
        row = table.loc[year]
        peaks = int(row["peaks"])
        many = "1 peak" if peaks == 1 else f"{peaks} peaks"
        place, width = fmt.format(row["peak"]), fmt.format(row["width"])
        return f"in {year} {many}, the highest at {place}, at half its height {width} wide"

    path = said(first) if first == last else f"{said(first)}; {said(last)}"
    several = table.index[table["peaks"] > 1]
    more = f" More than one peak in {len(several)} of {len(table)} years." if len(table) > 1 else ""
    how = "a given bandwidth" if rule == "fixed" else f"bandwidths by {rule.title()}"
    heading = f"{title.rstrip('.')}. " if title else ""
    return f"Ridgeline of kernel densities with {how}. {heading}{label}: {path}.{more}"


_NEEDED = ("measure", "event", "estimate", "lower", "upper", "chance_low", "chance_high")


def event_plot(table: pd.DataFrame, title: str = "", label: str = "") -> Picture:
    """Draw estimates by years since a reform, with intervals and the band that chance gives.

    Parameters
    ----------
    table : DataFrame
        Columns ``measure``, ``event`` (whole years since the reform, 0 in its first),
        ``estimate``, ``lower``, ``upper`` and the band ``chance_low`` to ``chance_high``; one
        row per measure and year. Panels keep the order of the rows.
    title, label : str
        Title of the figure, and what an estimate means.

    Returns
    -------
    Picture
        Years before the reform have open round marks, later ones filled squares in another
        colour; with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a column is absent, a figure is missing or a pair is there twice.

    Examples
    --------
    >>> table = pd.DataFrame({"measure": "x", "event": [-2, 0, 1], "estimate": [-0.1, 0.4, 1.0],
    ...     "lower": [-0.5, 0.1, 0.2], "upper": [0.3, 0.7, 1.8], "chance_low": -0.6,
    ...     "chance_high": 0.6})
    >>> print(event_plot(table, "One reform").alt)
    Estimates by years since the reform. One reform. x: from -0.10 (year -2) to 1.00 (year 1);
    2 of 3 intervals leave out zero; 1 of 3 estimates lie outside the band of chance.
    """
    _check_events(table)
    measures = list(dict.fromkeys(table["measure"]))
    across = min(_ACROSS, len(measures))
    down = -(-len(measures) // across)
    left, gap, tall, high = 0.6, 0.65, 2.75, 1.9
    width = (WIDTH - left - 0.15 - gap * (across - 1)) / across
    low = table[["lower", "chance_low"]].to_numpy().min()
    high_end = table[["upper", "chance_high"]].to_numpy().max()
    with style():
        figure, head = headed_figure(title, label, down * tall)
        for number, measure in enumerate(measures):
            row, column = divmod(number, across)
            place = (left + column * (width + gap), head + row * tall + 0.35)
            ax = place_axes(figure, *place, width, high)
            _panel_events(ax, table[table["measure"] == measure].sort_values("event"))
            ax.set_ylim(1.05 * min(low, 0), 1.05 * max(high_end, 0))
            ax.set_title(wrapped(measure, 30), fontsize=13, loc="left")
    return Picture(figure, _describe_events(table, measures, title))


def _panel_events(ax: Axes, own: pd.DataFrame) -> None:
    ax.fill_between(own["event"], own["chance_low"], own["chance_high"], color=PALE, alpha=0.5)
    ax.axhline(0, color="#000000", linewidth=0.8)
    ax.axvline(-0.5, color="#000000", linewidth=0.8, linestyle=":")
    for row in own.itertuples():
        before = row.event < 0
        color = CATEGORIES[1] if before else CATEGORIES[0]
        ax.plot([row.event, row.event], [row.lower, row.upper], color=color, linewidth=1.6)
        marker = {"marker": "o", "markerfacecolor": "white"} if before else {"marker": "s"}
        ax.plot([row.event], [row.estimate], color=color, markersize=6, **marker)
    ax.set_xticks(own["event"])
    ax.set_xlabel("years since the reform", fontsize=12)


def _check_events(table: pd.DataFrame) -> None:
    absent = [name for name in _NEEDED if name not in table]
    if absent or table.empty:
        raise SampleError(
            f"a table without {absent[0] if absent else 'rows'}",
            expected="columns " + ", ".join(_NEEDED),
        )
    gaps = table[table[list(_NEEDED)].isna().any(axis=1)]
    double = table[table.duplicated(["measure", "event"])]
    for what, rows in {"a figure is missing": gaps, "an estimate is there twice": double}.items():
        if len(rows):
            raise SampleError(what, where={n: rows.iloc[0][n] for n in ("measure", "event")})


def _describe_events(table: pd.DataFrame, measures: list[str], title: str) -> str:
    parts = []
    for measure in measures:
        own = table[table["measure"] == measure].sort_values("event")
        first, last = own.iloc[0], own.iloc[-1]
        sure = int(((own["lower"] > 0) | (own["upper"] < 0)).sum())
        out = (own["estimate"] < own["chance_low"]) | (own["estimate"] > own["chance_high"])
        parts.append(
            f"{measure}: from {first['estimate']:.2f} (year {first['event']:.0f}) to "
            f"{last['estimate']:.2f} (year {last['event']:.0f}); {sure} of {len(own)} intervals "
            f"leave out zero; {int(out.sum())} of {len(own)} estimates lie outside the band of "
            "chance"
        )
    return f"Estimates by years since the reform. {title}. {'. '.join(parts)}."
