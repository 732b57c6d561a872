"""What measures say, side by side: estimates with intervals, shares, and cells of a grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from nqpf.errors import SampleError
from nqpf.multiverse.results import _VarianceShares as VarianceShares
from nqpf.report import style as sty
from nqpf.report.html import listed


@sty._drawn
def coefficient_plot(table: pd.DataFrame, title: str = "", label: str = "") -> sty._Drawing:
    """Draw coefficients and their intervals, a panel per variable and a line per measure.

    Parameters
    ----------
    table : DataFrame
        Columns ``variable``, ``measure``, ``coefficient``, ``lower`` and
        ``upper``; one row per variable and measure. Panels and lines keep
        the order of the rows. A measure that is not regressed has no figures
        and says why, in a few words, in a column ``reason``.
    title, label : str
        Title of the figure, and what a coefficient means.

    Returns
    -------
    Picture
        An interval that leaves out zero is drawn in colour with a filled
        mark, any other in grey with an open one, a reason as words in its
        place; with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a column is absent, a figure is missing without a reason, or a pair is there twice.

    Examples
    --------
    >>> table = pd.DataFrame({"variable": ["a", "a"], "measure": ["x", "y"],
    ...     "coefficient": [1.0, -0.2], "lower": [0.5, -1.0], "upper": [1.5, 0.6]})
    >>> print(coefficient_plot(table, "Two measures").alt)
    Coefficients with intervals. Two measures. a: 1 of 2 measures above zero, 0 below, 1 uncertain.
    """
    columns = ["variable", "measure", "coefficient", "lower", "upper"]
    sty._check_columns(table, columns)
    reason = table.get("reason", pd.Series("", table.index)).fillna("")
    blank = table[columns[2:]].isna().all(axis=1) & reason.ne("")
    sty._check_complete(table[~blank], columns, columns[:2])
    parts, measures = [], list(dict.fromkeys(table["measure"]))
    groups, rows = table.groupby("variable", sort=False, observed=True), 0.26 * len(measures)
    box = (0.4, rows, 0.15)
    figure, each = sty._panelled(title, label, len(groups), box, rows + 0.85, 2.05, 0.25)
    for place, ((variable, own), ax) in enumerate(zip(groups, each, strict=True)):
        _coefficients(ax, own, measures)
        sty._name_rows(ax, ["" if place % 2 else sty._readable(name) for name in measures])
        ax.set_title(sty._wrapped(variable, 30), fontsize=13)
        above, below = (own["lower"] > 0).sum(), (own["upper"] < 0).sum()
        count, gone = own["lower"].count(), own["lower"].isna().sum()
        parts.append(
            f"{variable}: {above} of {count} measures above zero, {below} below, "
            f"{count - above - below} uncertain" + f", {gone} left blank" * bool(gone)
        )
    return figure, f"Coefficients with intervals. {title}. {'; '.join(parts)}."


def _coefficients(ax: Axes, own: pd.DataFrame, measures: list[str]) -> None:
    for row in own.itertuples():
        place = measures.index(row.measure)
        if pd.isna(row.coefficient):
            beside = ax.get_yaxis_transform()  # from the left edge, whatever the scale
            over = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # lines of the grid
            words = ax.text(0.02, place, sty._readable(row.reason), transform=beside, va="center")
            words.set(fontsize=12.75, color="#444444", bbox=over, zorder=3)
            continue
        sure, up = row.lower > 0 or row.upper < 0, row.coefficient > 0
        color = sty._CATEGORIES[0 if up else 1] if sure else sty._GREY
        fill = {"markersize": 6, "markerfacecolor": color if sure else "white"}
        ax.plot([row.lower, row.upper], [place, place], color=color, linewidth=1.6)
        ax.plot([row.coefficient], [place], "o" if up else "s", color=color, **fill)
    ax.axvline(0, color="#000000", linewidth=0.8)


@sty._drawn
def event_plot(table: pd.DataFrame, title: str = "", label: str = "") -> sty._Drawing:
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
    figures = ("estimate", "lower", "upper", "chance_low", "chance_high")
    sty._check_complete(table, ("measure", "event", *figures), ("measure", "event"))
    groups = table.groupby("measure", sort=False, observed=True)
    low = 1.05 * min(table[["lower", "chance_low"]].min(axis=None), 0)
    high = 1.05 * max(table[["upper", "chance_high"]].max(axis=None), 0)
    parts, box, band = [], (0.35, 1.9, 0.15), {"color": sty._PALE, "alpha": 0.5}
    figure, each = sty._panelled(title, label, len(groups), box, 2.75, 0.6, 0.65)
    for (measure, own), ax in zip(groups, each, strict=True):
        own = own.sort_values("event")
        ax.fill_between(own["event"], own["chance_low"], own["chance_high"], **band)
        ax.axhline(0, color="#000000", linewidth=0.8)
        ax.axvline(-0.5, color="#000000", linewidth=0.8, linestyle=":")
        for row in own.itertuples():
            color, marker = sty._CATEGORIES[0], {"marker": "s"}
            if row.event < 0:
                color, marker = sty._CATEGORIES[1], {"marker": "o", "markerfacecolor": "white"}
            ax.plot([row.event, row.event], [row.lower, row.upper], color=color, linewidth=1.6)
            ax.plot([row.event], [row.estimate], color=color, markersize=6, **marker)
        ax.set_xticks(own["event"])
        ax.set_xlabel("years since the reform", fontsize=12.75)
        ax.set_ylim(low, high)
        ax.set_title(sty._wrapped(measure, 30), fontsize=13)
        ends = [f"{own['estimate'].iloc[i]:.2f} (year {own['event'].iloc[i]:.0f})" for i in (0, -1)]
        sure = ((own["lower"] > 0) | (own["upper"] < 0)).sum()
        out = (~own["estimate"].between(own["chance_low"], own["chance_high"])).sum()
        parts.append(
            f"{measure}: from {ends[0]} to {ends[1]}; {sure} of {len(own)} intervals leave out "
            f"zero; {out} of {len(own)} estimates lie outside the band of chance"
        )
    return figure, f"Estimates by years since the reform. {title}. {'. '.join(parts)}."


@sty._drawn
def known_truth_plot(table: pd.DataFrame, title: str = "", label: str = "") -> sty._Drawing:
    """Draw mean and range of estimates beside the truth, a panel per simulation.

    Parameters
    ----------
    table : DataFrame
        Columns ``panel``, ``estimated`` (how), ``mean``, ``low``, ``high`` and ``truth``, one
        row per panel and way of estimating. Panels and rows keep their order; the truth is
        one per panel.
    title, label : str
        Title of the figure, and what is drawn.

    Returns
    -------
    Picture
        The truth is a dashed line. A range that holds it is drawn with a round mark, one that
        misses it in another colour with a square; with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a column is absent, a figure is missing or a panel has more than one truth.

    Examples
    --------
    >>> table = pd.DataFrame({"panel": "lag", "estimated": ["right", "wrong"],
    ...     "mean": [0.9, 2.0], "low": [0.5, 1.5], "high": [1.2, 2.4], "truth": 1.0})
    >>> print(known_truth_plot(table, "Two ways").alt)
    Estimates beside the truth. Two ways. lag, truth 1.00: right 0.90 (0.50 to 1.20); wrong 2.00
    (1.50 to 2.40), missing it.
    """
    columns = ("panel", "estimated", "mean", "low", "high", "truth")
    sty._check_complete(table, columns, columns[:2])
    panels = table.groupby("panel", sort=False)
    several = panels["truth"].nunique() > 1
    if several.any():
        said = f"panel {several.idxmax()!r} has more than one truth"
        raise SampleError(said, expected="one per panel")
    figure, head = sty._headed_figure(title, label, 0.3 * len(table) + 0.95 * len(panels))
    parts = []
    for panel, own in panels:
        ax = sty._place_axes(figure, 2.75, head + 0.45, sty._WIDTH - 2.95, 0.3 * len(own))
        head += 0.3 * len(own) + 0.95
        truth, each = own["truth"].iloc[0], []
        ax.axvline(truth, color="#000000", linewidth=1.2, linestyle="--")
        for place, row in enumerate(own.itertuples()):
            held = row.low <= truth <= row.high
            color = sty._CATEGORIES[0 if held else 1]
            ax.plot([row.low, row.high], [place, place], color=color, linewidth=1.8)
            ax.plot([row.mean], [place], "o" if held else "s", color=color, markersize=7)
            text = f"{row.estimated} {row.mean:.2f} ({row.low:.2f} to {row.high:.2f})"
            each.append(text + ", missing it" * (not held))
        sty._name_rows(ax, [sty._wrapped(name, 32) for name in own["estimated"]])
        ax.set_title(f"{panel}: truth {sty._number(truth, '{:.2f}')}", fontsize=13)
        parts.append(f"{panel}, truth {truth:.2f}: {'; '.join(each)}")
    return figure, f"Estimates beside the truth. {title}. {'. '.join(parts)}."


# Names of the factors of nqpf.compare.sensitivity; others are printed as they are.
_FACTORS = {
    "normalise": "Normalisation 标准化",
    "weights": "Weights 赋权",
    "aggregate": "Aggregation 合成",
    "omit": "Indicator left out 指标剔除",
    "error": "Measurement error 测量误差",
    "perturb": "Change of weights 权重扰动",
}


@sty._drawn
def shares_chart(shares: VarianceShares | pd.DataFrame, title: str = "") -> sty._Drawing:
    """Draw how much of a variance each choice accounts for, the largest first.

    Parameters
    ----------
    shares : VarianceShares, its table, or Sobol indices
        From :func:`nqpf.multiverse.variance_shares`; or, by factor, ``first``,
        ``first_margin``, ``total`` and ``total_margin``, as ``RankSensitivity.shift``.
    title : str
        Title of the figure.

    Returns
    -------
    Picture
        Per choice what it explains by itself, and, pale, what it explains together with others;
        Sobol indices with lines for their margins. With its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a column is lacking, there is no choice or a share is missing, as for a province
        whose rank never changes.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"first": [0.2, 0.5], "first_margin": 0.1, "total": [0.4, 0.7], "total_margin": 0.1},
    ...     index=["omit", "weights"])
    >>> print(shares_chart(table, "Average shift in rank").alt)
    Bar chart of Sobol indices. Average shift in rank; share of the variance by itself and with
    interactions: Weights 50% and 70%; Indicator left out 20% and 40%. No factor by itself
    explains 30%.
    """
    table = shares if isinstance(shares, pd.DataFrame) else shares.to_frame()
    if "first" in table:
        return _sobol(table, title)
    sty._check_complete(table, ("first_order", "total"))
    table = table.sort_values(["total", "first_order"], ascending=False, kind="stable")
    pairs = table[["first_order", "total"]].to_numpy()
    note = "share of the variance: alone (solid), with interactions (pale)"
    each, rows = [], 0.36 * len(table)
    figure, ax, _ = sty._framed(title, note, (1.9, 0, sty._WIDTH - 3.5, rows), rows + 0.55)
    for place, (name, (first, total)) in enumerate(zip(table.index, pairs, strict=True)):
        ax.barh(place, max(first, total), height=0.62, color=sty._PALE)
        ax.barh(place, first, height=0.62, color=sty._CATEGORIES[0])
        text = sty._number(100 * pairs[place], "{0[0]:.1f} / {0[1]:.1f} %")
        sty._beside(ax, place, text, color=sty._GREY)
        each.append(f"{name} {first:.1%} alone and {total:.1%} with interactions")
    sty._name_rows(ax, [sty._wrapped(name, 20) for name in table.index], color="#444444")
    ax.set_xlim(0, 1.04 * max(pairs.max(), 1e-9))
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.grid(axis="y", visible=False)
    text = f"Bar chart of shares of variance. {title}".strip().rstrip(".")
    return figure, f"{text}: {listed(each, limit=12)}."


def _sobol(table: pd.DataFrame, title: str) -> sty._Drawing:
    sty._check_complete(table, ("first", "first_margin", "total", "total_margin"))
    table = table.sort_values("total", ascending=False, kind="stable")
    label = "share of variance: by itself (dark), with interactions (pale), margins (lines)"
    each, reach, rows = [], 0.1, 0.82 * len(table)
    figure, ax, _ = sty._framed(title, label, (0.3, 0, 6.0, rows), rows + 0.5)
    for place, (factor, row) in enumerate(table.iterrows()):
        name = _FACTORS.get(str(factor), str(factor))
        shares = []
        for height, key, alpha in ((place - 0.03, "first", 1.0), (place + 0.22, "total", 0.4)):
            ends = row[key] + row[f"{key}_margin"] * np.array([-1, 0, 1])
            low, share, high = np.maximum(ends, 0)  # estimates a little below zero are zero
            ax.barh(height, share, height=0.22, color=sty._CATEGORIES[0], alpha=alpha, linewidth=0)
            ax.plot([low, high], [height, height], color=sty._darker(sty._GREY), linewidth=1.5)
            shares.append(f"{share:.0%}")
            reach = max(reach, high)
        text = f"{sty._readable(name)}: {', '.join(shares)}"
        ax.text(0, place - 0.33, text, fontsize=12.75, color="#111111", va="center")
        each.append(f"{name.rsplit(' ', 1)[0]} {' and '.join(shares)}")
    sty._name_rows(ax, [""] * len(table))
    ax.set_yticks([])
    ax.set_xlim(0, reach * 1.02)
    ax.xaxis.set_major_formatter("{x:.0%}")
    return figure, (
        f"Bar chart of Sobol indices. {title}{'; ' * bool(title)}share of the variance by itself "
        f"and with interactions: {'; '.join(each)}. No factor by itself explains "
        f"{max(1.0 - table['first'].sum(), 0.0):.0%}."
    )


_HEADS, _GRID = 0.75, 0.3  # inches over the findings, and of a row
_FULL = {"edgecolor": sty._PALE, "lw": 0.6}  # looks of a box
_EMPTY = {**_FULL, "hatch": "///"}


@sty._drawn
def findings_map(
    table: pd.DataFrame,
    title: str = "",
    note: str = "",
    groups: Mapping[str, Sequence[str]] | None = None,
    heads: Mapping[str, str] | None = None,
    blank: str = "not run",
) -> sty._Drawing:
    """Draw what each measure says on each question.

    Parameters
    ----------
    table : DataFrame indexed (measure, question)
        As :func:`nqpf.multiverse.curve_summary` by both: ``median``, the median
        effect, and the shares of specifications that are
        ``significant_positive`` and ``significant_negative``. Rows and columns
        of the figure keep the order of the index; a pair may be absent.
    title, note : str
        Title of the figure, and a line below it.
    groups : mapping of str to sequence of str
        Headings over neighbouring questions.
    heads : mapping of str to str
        Narrow forms of the questions, with line breaks, for the heads of the columns.
    blank : str
        What a hatched cell means.

    Returns
    -------
    Picture
        A cell per pair: its colour is the share of positive less the share of
        negative significant effects, its number the median effect, 0 without a sign where it
        rounds to nothing; hatched where a pair was not run. With its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If a column is absent, the table is empty or a pair is there twice.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["TFP", "A"], ["growth"]])
    >>> table = pd.DataFrame({"median": [0.2, -0.1], "significant_positive": [0.8, 0.0],
    ...                       "significant_negative": [0.0, 0.6]}, index)
    >>> print(findings_map(table, "T").alt)
    Map of findings. T. growth: 1 of 2 measures mostly significant and positive, 1 negative.
    """
    sty._check_columns(table, ("median", "significant_positive", "significant_negative"))
    if table.index.nlevels != 2 or table.index.has_duplicates:
        twice = dict(enumerate(table.index[table.index.duplicated()][:1]))
        wanted = "an index (measure, question)"
        raise SampleError("a pair is there twice", where=twice, expected=wanted)
    measures, questions = (list(dict.fromkeys(table.index.get_level_values(i))) for i in (0, 1))
    balance = (table["significant_positive"] - table["significant_negative"]).unstack()
    balance, median = (x.reindex(measures)[questions] for x in (balance, table["median"].unstack()))
    rows, over = _GRID * len(measures), _HEADS + (0.42 if groups else 0)
    box = (1.85, over, sty._WIDTH - 1.97, rows)
    figure, ax, head = sty._framed(title, note, box, over + rows + 1.0)
    full = {"edgecolor": "none"}
    empty = {**_EMPTY, "facecolor": "none", "edgecolor": "#bbbbbb", "lw": 0}
    shades = 0.5 + balance.to_numpy(dtype=float) / 2  # orange is negative, purple positive
    for row, column, colour in _boxes(ax, shades, full, empty, sty._DIVERGING, 0.96, 0.92):
        value = median.iat[row, column]
        if not np.isnan(shades[row, column]):
            text = "0" if abs(value) < 0.005 else sty._number(value, "{:+.2f}")
            _centred(ax, row, column, text, colour)
    ax.xaxis.tick_top()
    names = [dict(heads or {}).get(question, sty._wrapped(question, 10)) for question in questions]
    ax.set_xticks(range(len(questions)), names, fontsize=12.75)
    ax.set_yticks(range(len(measures)), map(sty._readable, measures), fontsize=12.75)
    for words, members in dict(groups or {}).items():
        places = [questions.index(one) for one in members if one in questions]
        if places:
            ends, high = (min(places) - 0.42, max(places) + 0.42), -0.5 - _HEADS / _GRID
            ax.plot(ends, (high, high), color="#444444", lw=1, clip_on=False)
            text = {"ha": "center", "va": "bottom", "fontsize": 12.75, "color": "#111111"}
            ax.text(sum(ends) / 2, high - 0.15, words, linespacing=1.2, **text)
    key = sty._place_axes(figure, 1.85, head + over + rows + 0.28, 2.6, 0.16)
    extent = (-100, 100, 0, 1)
    key.imshow(np.linspace(0, 1, 256)[None], aspect="auto", cmap=sty._DIVERGING, extent=extent)
    key.set_yticks([])
    words = ["all significant,\nnegative", "balance", "all significant,\npositive"]
    key.set_xticks([-100, 0, 100], words, fontsize=12.75, color="#222222")
    key.tick_params(length=2)
    key.grid(False)
    hatch = sty._place_axes(figure, 4.95, head + over + rows + 0.28, 0.3, 0.16)
    hatch.set_axis_off()
    hatch.add_patch(Rectangle((0, 0), 1, 1, **empty))
    text = {"xycoords": "axes fraction", "fontsize": 12.75, "va": "top", "color": "#222222"}
    hatch.annotate(sty._wrapped(blank, 18), (1.2, 1), linespacing=1.2, **text)
    parts = [
        f"{question}: {(own > 0.5).sum()} of {own.count()} measures mostly significant and "
        f"positive, {(own < -0.5).sum()} negative"
        for question, own in balance.items()
    ]
    return figure, f"Map of findings. {title}. {'; '.join(parts)}."


def _centred(
    ax: Axes, row: float, column: float, text: str, colour: object, size: float = 12.75
) -> None:
    where = {"ha": "center", "va": "center", "fontsize": size}
    ax.text(column, row, text, color=sty._ink_on(colour), **where)


@sty._drawn
def heatmap_agreement(
    matrix: pd.DataFrame, title: str = "", label: str = "rank correlation"
) -> sty._Drawing:
    """Draw the agreement of every two measures, each pair once.

    Parameters
    ----------
    matrix : DataFrame
        Square, the same measures in the same order on both sides.
    title, label : str
        Title of the figure and what is measured.

    Returns
    -------
    Picture
        The figure with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If rows and columns differ.
    """
    import seaborn as sns

    if list(matrix.index) != list(matrix.columns):
        raise SampleError("rows and columns differ", expected="a square matrix of the measures")
    size, values = len(matrix), matrix.to_numpy(dtype=float)
    # Past nine measures a cell has room for two digits only: hundredths, without the 0.
    crowded, least = size > 9, -1 if np.nanmin(values) < 0 else 0
    left, wide, side, room = (1.5, 5.36, 0.36, 16) if crowded else (2.66, 4.2, 0.62, 30)
    scale, fmt, font = (100, "{:.0f}", 12.75) if crowded else (1, "{:.2f}", 13)
    box, note = (left, 0, wide, side * size), label + " × 100" * crowded
    figure, ax, _ = sty._framed(title, note, box, side * size + 0.4)
    look = {"cmap": sty._DIVERGING if least else sty._SEQUENTIAL, "linewidths": 2, "cbar": False}
    above = np.triu(np.ones((size, size), dtype=bool), k=1)
    sns.heatmap(values, mask=above, vmin=least, vmax=1, linecolor="white", ax=ax, **look)
    colors = ax.collections[0].to_rgba(values)
    for row, column in zip(*np.tril_indices(size), strict=True):
        text, at = sty._number(scale * values[row, column], fmt), (row + 0.5, column + 0.5)
        _centred(ax, *at, text, colors[row, column], font)
    names = [sty._wrapped(f"{name} {place}", room) for place, name in enumerate(matrix.index, 1)]
    ax.set_yticks(np.arange(size) + 0.5, names, fontsize=12.75, rotation=0, va="center")
    ax.set_xticks(np.arange(size) + 0.5, range(1, size + 1), fontsize=12.75)
    sty._bare(ax)
    if size < 2:
        return figure, f"Heat map of {label} with a single measure."
    below = zip(*np.tril_indices(size, -1), strict=True)
    pairs = [(values[i, j], f"({matrix.index[i]} and {matrix.index[j]})") for i, j in below]
    low, high = (pick(pairs, key=lambda pair: pair[0]) for pick in (min, max))
    return figure, (
        f"Heat map of {label} among {size} measures, {low[0]:.2f} {low[1]} to {high[0]:.2f} "
        f"{high[1]}."
    )


@sty._drawn
def transition_matrices(
    matrices: Mapping[str, pd.DataFrame], title: str = "", label: str = ""
) -> sty._Drawing:
    """Draw matrices of transition probabilities, one per measure or group of neighbours.

    Parameters
    ----------
    matrices : mapping of str to DataFrame (k, k)
        Probabilities, class of departure in rows, of arrival in columns; a
        row of NaN is a class without transitions.
    title, label : str
        Title of the figure, and what the cells are.

    Returns
    -------
    Picture
        A cell per pair with its probability in per cent, darker for more;
        with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If there is no matrix, one is not square or a probability is out of range.

    Examples
    --------
    >>> p = pd.DataFrame([[0.9, 0.1], [0.2, 0.8]], [1, 2], [1, 2])
    >>> print(transition_matrices({"TFP": p}, "Moves").alt)
    Transition matrices. Moves. TFP: a year later 80 to 90 per cent are in the same class.
    """
    if not matrices:
        raise SampleError("there is nothing to draw", expected="one matrix or more")
    for name, matrix in matrices.items():
        if matrix.shape[0] != matrix.shape[1] or ((matrix < 0) | (matrix > 1)).any(axis=None):
            wanted = "a square table of figures from 0 to 1"
            raise SampleError(f"{name!r} is no matrix of probabilities", expected=wanted)
    parts, count = [], len(matrices)
    rows = 0.52 * max(len(matrix) for matrix in matrices.values())
    box = (0.4, rows, 0.2)
    figure, each = sty._panelled(title, label, count, box, rows + 0.95, 0.6, 0.75, 2, 0.1)
    for place, ((name, matrix), ax) in enumerate(zip(matrices.items(), each, strict=True)):
        values = matrix.to_numpy(dtype=float)
        for row, column, colour in _boxes(ax, 0.9 * values, _FULL, _EMPTY):
            value = values[row, column]
            if value > 0:
                text = "<1" if value < 0.005 else f"{100 * value:.0f}"
                _centred(ax, row, column, text, colour, 13)
        ax.set_title(sty._wrapped(name, 32), fontsize=13, pad=6)
        ax.set_xticks(range(len(matrix)), map(str, matrix.columns), fontsize=12.75)
        ax.set_yticks(range(len(matrix)), map(str, matrix.index), fontsize=12.75)
        ax.set_ylabel("class" * (place % 2 == 0), fontsize=12.75)
        ax.set_xlabel("class a year later" * (place + 2 >= count), fontsize=12.75)
        stay = pd.Series(100 * np.diag(values)).dropna()
        span = f"a year later {stay.min():.0f} to {stay.max():.0f} per cent are in the same class"
        parts.append(f"{name}: {span if len(stay) else 'no transitions'}")
    return figure, f"Transition matrices. {title}. {'; '.join(parts)}."


def _boxes(
    ax: Axes, shades: np.ndarray, full: dict, gone: dict, colours: str = sty._SEQUENTIAL,
    wide: float = 1, tall: float = 1,
) -> Iterator[tuple[int, int, object]]:  # fmt: skip
    """Draw a box per shade, or as `gone` where it is missing, and yield its row, column, colour."""
    for (row, column), shade in np.ndenumerate(shades):
        colour = "white" if np.isnan(shade) else colormaps[colours](shade)
        look = gone if np.isnan(shade) else full
        corner = (column - wide / 2, row - tall / 2)
        ax.add_patch(Rectangle(corner, wide, tall, **{"facecolor": colour, **look}))
        yield row, column, colour
    ax.set(xlim=(-0.5, shades.shape[1] - 0.5), ylim=(shades.shape[0] - 0.5, -0.5))
    ax.tick_params(labelcolor="#111111")
    sty._bare(ax)
