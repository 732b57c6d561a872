"""What measures say, side by side: estimates with intervals, shares, and cells of a grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.errors import SampleError
from nqpf.report import style as sty
from nqpf.report.html import _name_of, listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nqpf.multiverse.shares import _VarianceShares as VarianceShares

_FIGURES = ("coefficient", "lower", "upper")
_PAIR = ("variable", "measure")


@sty._drawn
def coefficient_plot(table: pd.DataFrame, title: str = "", label: str = "") -> tuple[Figure, str]:
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
    sty._check_columns(table, (*_PAIR, *_FIGURES))
    reason = table.get("reason", pd.Series("", table.index)).fillna("")
    blank = table[list(_FIGURES)].isna().all(axis=1) & reason.ne("")
    sty._check_complete(table[~blank], (*_PAIR, *_FIGURES), _PAIR)
    variables, measures = (list(dict.fromkeys(table[name])) for name in _PAIR)
    parts, rows = [], 0.26 * len(measures)
    box = (0.4, rows, 0.15)
    figure, each = sty._panelled(title, label, len(variables), box, rows + 0.85, 2.05, 0.25)
    for place, (variable, ax) in enumerate(zip(variables, each, strict=True)):
        own = table[table["variable"] == variable]
        _coefficients(ax, own, measures)
        names = [sty._readable(name) if place % 2 == 0 else "" for name in measures]
        sty._name_rows(ax, names, 12)
        ax.tick_params(axis="y", length=0)
        ax.set_title(sty._wrapped(variable, 30), fontsize=13, loc="left")
        above, below = int((own["lower"] > 0).sum()), int((own["upper"] < 0).sum())
        gone = int(own["coefficient"].isna().sum())
        count = len(own) - gone
        parts.append(
            f"{variable}: {above} of {count} measures above zero, {below} below, "
            f"{count - above - below} uncertain" + (f", {gone} left blank" if gone else "")
        )
    return figure, f"Coefficients with intervals. {title}. {'; '.join(parts)}."


def _coefficients(ax: Axes, own: pd.DataFrame, measures: list[str]) -> None:
    for row in own.itertuples():
        place = measures.index(row.measure)
        if pd.isna(row.coefficient):
            beside = ax.get_yaxis_transform()  # from the left edge, whatever the scale
            over = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # lines of the grid
            words = ax.text(0.02, place, sty._readable(row.reason), transform=beside, va="center")
            words.set(fontsize=11, color="#444444", bbox=over, zorder=3)
            continue
        sure, up = row.lower > 0 or row.upper < 0, row.coefficient > 0
        color = sty._CATEGORIES[0 if up else 1] if sure else sty._GREY
        fill = {"markersize": 6, "markerfacecolor": color if sure else "white"}
        ax.plot([row.lower, row.upper], [place, place], color=color, linewidth=1.6)
        ax.plot([row.coefficient], [place], "o" if up else "s", color=color, **fill)
    ax.axvline(0, color="#000000", linewidth=0.8)


_EVENT = ("estimate", "lower", "upper", "chance_low", "chance_high")


@sty._drawn
def event_plot(table: pd.DataFrame, title: str = "", label: str = "") -> tuple[Figure, str]:
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
    sty._check_complete(table, ("measure", "event", *_EVENT), ("measure", "event"))
    measures = list(dict.fromkeys(table["measure"]))
    low = 1.05 * min(table[["lower", "chance_low"]].to_numpy().min(), 0)
    high = 1.05 * max(table[["upper", "chance_high"]].to_numpy().max(), 0)
    parts, box = [], (0.35, 1.9, 0.15)
    figure, each = sty._panelled(title, label, len(measures), box, 2.75, 0.6, 0.65)
    for measure, ax in zip(measures, each, strict=True):
        own = table[table["measure"] == measure].sort_values("event")
        _events(ax, own)
        ax.set_ylim(low, high)
        ax.set_title(sty._wrapped(measure, 30), fontsize=13, loc="left")
        first, last = own.iloc[0], own.iloc[-1]
        sure = int(((own["lower"] > 0) | (own["upper"] < 0)).sum())
        out = int((~own["estimate"].between(own["chance_low"], own["chance_high"])).sum())
        parts.append(
            f"{measure}: from {first['estimate']:.2f} (year {first['event']:.0f}) to "
            f"{last['estimate']:.2f} (year {last['event']:.0f}); {sure} of {len(own)} intervals "
            f"leave out zero; {out} of {len(own)} estimates lie outside the band of chance"
        )
    return figure, f"Estimates by years since the reform. {title}. {'. '.join(parts)}."


def _events(ax: Axes, own: pd.DataFrame) -> None:
    ax.fill_between(own["event"], own["chance_low"], own["chance_high"], color=sty._PALE, alpha=0.5)
    ax.axhline(0, color="#000000", linewidth=0.8)
    ax.axvline(-0.5, color="#000000", linewidth=0.8, linestyle=":")
    for row in own.itertuples():
        color, marker = sty._CATEGORIES[0], {"marker": "s"}
        if row.event < 0:
            color, marker = sty._CATEGORIES[1], {"marker": "o", "markerfacecolor": "white"}
        ax.plot([row.event, row.event], [row.lower, row.upper], color=color, linewidth=1.6)
        ax.plot([row.event], [row.estimate], color=color, markersize=6, **marker)
    ax.set_xticks(own["event"])
    ax.set_xlabel("years since the reform", fontsize=12)


@sty._drawn
def known_truth_plot(table: pd.DataFrame, title: str = "", label: str = "") -> tuple[Figure, str]:
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
    several = table.groupby("panel")["truth"].nunique() > 1
    if several.any():
        said = f"panel {several.idxmax()!r} has more than one truth"
        raise SampleError(said, expected="one per panel")
    panels = {panel: own for panel, own in table.groupby("panel", sort=False)}
    figure, head = sty._headed_figure(title, label, 0.3 * len(table) + 0.95 * len(panels))
    parts = []
    for panel, own in panels.items():
        ax = sty._place_axes(figure, 2.75, head + 0.45, sty._WIDTH - 2.95, 0.3 * len(own))
        head += 0.3 * len(own) + 0.95
        truth, each = float(own["truth"].iloc[0]), []
        ax.axvline(truth, color="#000000", linewidth=1.2, linestyle="--")
        for place, row in enumerate(own.itertuples()):
            held = row.low <= truth <= row.high
            color = sty._CATEGORIES[0 if held else 1]
            ax.plot([row.low, row.high], [place, place], color=color, linewidth=1.8)
            ax.plot([row.mean], [place], "o" if held else "s", color=color, markersize=7)
            text = f"{row.estimated} {row.mean:.2f} ({row.low:.2f} to {row.high:.2f})"
            each.append(text + ("" if held else ", missing it"))
        sty._name_rows(ax, [sty._wrapped(name, 32) for name in own["estimated"]], 12)
        ax.tick_params(axis="y", length=0)
        ax.set_title(f"{panel}: truth {sty._number(truth, '{:.2f}')}", fontsize=13, loc="left")
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
def shares_chart(shares: VarianceShares | pd.DataFrame, title: str = "") -> tuple[Figure, str]:
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
    figure, head = sty._headed_figure(title, note, 0.36 * len(table) + 0.55)
    ax = sty._place_axes(figure, 1.9, head, sty._WIDTH - 3.5, 0.36 * len(table))
    for place, (first, total) in enumerate(pairs):
        ax.barh(place, max(first, total), height=0.62, color=sty._PALE)
        ax.barh(place, first, height=0.62, color=sty._CATEGORIES[0])
        text = f"{sty._number(100 * first, '{:.1f}')} / {sty._number(100 * total, '{:.1f}')} %"
        sty._beside(ax, place, text, color=sty._GREY)
    sty._name_rows(ax, [sty._wrapped(name, 20) for name in table.index], color="#444444")
    ax.set_xlim(0, 1.04 * max(float(pairs.max()), 1e-9))
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.grid(axis="y", visible=False)
    each = [
        f"{name} {first:.1%} alone and {total:.1%} with interactions"
        for name, (first, total) in zip(table.index, pairs, strict=True)
    ]
    text = f"Bar chart of shares of variance. {title}".strip().rstrip(".")
    return figure, f"{text}: {listed(each, limit=12)}."


def _sobol(table: pd.DataFrame, title: str) -> tuple[Figure, str]:
    sty._check_complete(table, ("first", "first_margin", "total", "total_margin"))
    table = table.sort_values("total", ascending=False, kind="stable")
    label = "share of variance: by itself (dark), with interactions (pale), margins (lines)"
    body = 0.82 * len(table)
    figure, head = sty._headed_figure(title, label, body + 0.5)
    ax = sty._place_axes(figure, 0.3, head, 6.0, body)
    each = []
    for place, (factor, row) in enumerate(table.iterrows()):
        # Estimates a little below zero are zero.
        name = _FACTORS.get(str(factor), str(factor))
        first, total = (f"{max(row[key], 0.0):.0%}" for key in ("first", "total"))
        text = f"{sty._readable(name)}: {first}, {total}"
        ax.text(0, place - 0.33, text, fontsize=12.5, color="#111111", va="center")
        for height, key, alpha in ((place - 0.03, "first", 1.0), (place + 0.22, "total", 0.4)):
            share, margin = max(row[key], 0.0), row[f"{key}_margin"]
            ax.barh(height, share, height=0.22, color=sty._CATEGORIES[0], alpha=alpha, linewidth=0)
            ends = [max(row[key] - margin, 0.0), max(row[key] + margin, 0.0)]
            ax.plot(ends, [height, height], color=sty._darker(sty._GREY), linewidth=1.5)
        each.append(f"{name.rsplit(' ', 1)[0]} {first} and {total}")
    sty._name_rows(ax, [""] * len(table))
    ax.set_yticks([])
    reach = [(table[key] + table[f"{key}_margin"]).max() for key in ("first", "total")]
    ax.set_xlim(0, max(*reach, 0.1) * 1.02)
    ax.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    lead = f"{title}; " if title else ""
    return figure, (
        f"Bar chart of Sobol indices. {lead}share of the variance by itself and with "
        f"interactions: {'; '.join(each)}. No factor by itself explains "
        f"{max(1.0 - table['first'].sum(), 0.0):.0%}."
    )


_HEADS, _GRID = 0.75, 0.3  # inches over the findings, and of a row


@sty._drawn
def findings_map(
    table: pd.DataFrame,
    title: str = "",
    note: str = "",
    groups: Mapping[str, Sequence[str]] | None = None,
    heads: Mapping[str, str] | None = None,
    blank: str = "not run",
) -> tuple[Figure, str]:
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
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    sty._check_columns(table, ("median", "significant_positive", "significant_negative"))
    if table.index.nlevels != 2 or table.index.has_duplicates:
        twice = dict(enumerate(table.index[table.index.duplicated()][:1]))
        wanted = "an index (measure, question)"
        raise SampleError("a pair is there twice", where=twice, expected=wanted)
    measures, questions = (list(dict.fromkeys(table.index.get_level_values(i))) for i in (0, 1))
    balance = (table["significant_positive"] - table["significant_negative"]).unstack()
    balance, median = (x.reindex(measures)[questions] for x in (balance, table["median"].unstack()))
    rows, over = _GRID * len(measures), _HEADS + (0.42 if groups else 0)
    figure, head = sty._headed_figure(title, note, over + rows + 1.0)
    ax = sty._place_axes(figure, 1.85, head + over, sty._WIDTH - 1.97, rows)
    empty = {"facecolor": "none", "edgecolor": "#bbbbbb", "lw": 0, "hatch": "///"}
    for (row, column), value in np.ndenumerate(balance.to_numpy(dtype=float)):
        gone = np.isnan(value)
        colour = colormaps[sty._DIVERGING](0.5 + value / 2)  # orange is negative, purple positive
        look = empty if gone else {"facecolor": colour, "edgecolor": "none"}
        ax.add_patch(Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, **look))
        if not gone:
            figures = float(median.iat[row, column])
            text = "0" if abs(figures) < 0.005 else sty._number(figures, "{:+.2f}")
            _centred(ax, row, column, text, colour)
    ax.set(xlim=(-0.5, len(questions) - 0.5), ylim=(len(measures) - 0.5, -0.5))
    ax.xaxis.tick_top()
    names = [dict(heads or {}).get(question, sty._wrapped(question, 10)) for question in questions]
    ax.set_xticks(range(len(questions)), names, fontsize=11, color="#111111")
    names = [sty._readable(name) for name in measures]
    ax.set_yticks(range(len(measures)), names, fontsize=12, color="#111111")
    ax.tick_params(length=0)
    sty._bare(ax)
    for words, members in dict(groups or {}).items():
        places = [questions.index(one) for one in members if one in questions]
        if places:
            ends, high = (min(places) - 0.42, max(places) + 0.42), -0.5 - _HEADS / _GRID
            ax.plot(ends, (high, high), color="#444444", lw=1, clip_on=False)
            text = {"ha": "center", "va": "bottom", "fontsize": 12, "color": "#111111"}
            ax.text(sum(ends) / 2, high - 0.15, words, linespacing=1.2, **text)
    key = sty._place_axes(figure, 1.85, head + over + rows + 0.28, 2.6, 0.16)
    extent = (-100, 100, 0, 1)
    key.imshow(np.linspace(0, 1, 256)[None], aspect="auto", cmap=sty._DIVERGING, extent=extent)
    key.set_yticks([])
    words = ["all significant,\nnegative", "balance", "all significant,\npositive"]
    key.set_xticks([-100, 0, 100], words, fontsize=11, color="#222222")
    key.tick_params(length=2)
    key.grid(False)
    hatch = sty._place_axes(figure, 4.95, head + over + rows + 0.28, 0.3, 0.16)
    hatch.set_axis_off()
    hatch.add_patch(Rectangle((0, 0), 1, 1, **empty))
    text = {"xycoords": "axes fraction", "fontsize": 11, "va": "top", "color": "#222222"}
    hatch.annotate(sty._wrapped(blank, 18), (1.2, 1), linespacing=1.2, **text)
    parts = [
        f"{question}: {(own > 0.5).sum()} of {own.count()} measures mostly significant and "
        f"positive, {(own < -0.5).sum()} negative"
        for question, own in balance.items()
    ]
    return figure, f"Map of findings. {title}. {'; '.join(parts)}."


def _centred(
    ax: Axes, row: float, column: float, text: str, colour: object, size: float = 12
) -> None:
    where = {"ha": "center", "va": "center", "fontsize": size}
    ax.text(column, row, text, color=sty._ink_on(colour), **where)


@sty._drawn
def heatmap_agreement(
    matrix: pd.DataFrame, title: str = "", label: str = "rank correlation"
) -> tuple[Figure, str]:
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
    signed = float(np.nanmin(values)) < 0
    names = [f"{name} {place}" for place, name in enumerate(matrix.index, start=1)]
    # Past nine measures a cell has room for two digits only: hundredths, without the 0.
    crowded = size > 9
    left, wide, side = (1.5, 5.36, 0.36) if crowded else (2.66, 4.2, 0.62)
    figure, head = sty._headed_figure(title, label + " × 100" * crowded, side * size + 0.4)
    ax = sty._place_axes(figure, left, head, wide, side * size)
    above = np.triu(np.ones((size, size), dtype=bool), k=1)
    colours = sty._DIVERGING if signed else sty._SEQUENTIAL
    sns.heatmap(values, mask=above, vmin=-1 if signed else 0, vmax=1, cmap=colours, cbar=False,
                linewidths=2, linecolor="white", ax=ax)  # fmt: skip
    ax.grid(False)
    colors = ax.collections[0].to_rgba(values)
    for row, column in zip(*np.nonzero(~above), strict=True):
        value = values[row, column]
        text = sty._number(100 * value, "{:.0f}") if crowded else sty._number(value, "{:.2f}")
        at = (row + 0.5, column + 0.5)
        _centred(ax, *at, text, colors[row, column], 11 if crowded else 13)
    names = [sty._wrapped(name, 16 if crowded else 30) for name in names]
    ax.set_yticklabels(names, rotation=0, fontsize=12.5)
    ax.set_xticklabels(range(1, size + 1), fontsize=12.5)
    if size < 2:
        return figure, f"Heat map of {label} with a single measure."
    below = zip(*np.tril_indices(size, -1), strict=True)
    pairs = [(float(values[i, j]), matrix.index[i], matrix.index[j]) for i, j in below]
    low, high = (pick(pairs, key=lambda pair: pair[0]) for pick in (min, max))
    return figure, (
        f"Heat map of {label} among {size} measures, {low[0]:.2f} "
        f"({low[1]} and {low[2]}) to {high[0]:.2f} ({high[1]} and {high[2]})."
    )


@sty._drawn
def transition_matrices(
    matrices: Mapping[str, pd.DataFrame], title: str = "", label: str = ""
) -> tuple[Figure, str]:
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
        values = matrix.to_numpy(dtype=float)
        if len(set(values.shape)) != 1 or ((values < 0) | (values > 1)).any():
            wanted = "a square table of figures from 0 to 1"
            raise SampleError(f"{name!r} is no matrix of probabilities", expected=wanted)
    parts, count = [], len(matrices)
    rows = 0.52 * max(len(matrix) for matrix in matrices.values())
    box = (0.4, rows, 0.2)
    figure, each = sty._panelled(title, label, count, box, rows + 0.95, 0.6, 0.75, 2, 0.1)
    for place, ((name, matrix), ax) in enumerate(zip(matrices.items(), each, strict=True)):
        values = matrix.to_numpy(dtype=float)
        for row, column, colour, value in _boxes(ax, values, 0.9 * values):
            if value > 0:
                text = "<1" if value < 0.005 else f"{100 * value:.0f}"
                _centred(ax, row, column, text, colour, 13)
        ax.set_title(sty._wrapped(name, 32), fontsize=13, loc="left", pad=6)
        ax.set_xticks(range(len(matrix)), [str(c) for c in matrix.columns], fontsize=12)
        ax.set_yticks(range(len(matrix)), [str(c) for c in matrix.index], fontsize=12)
        if place % 2 == 0:
            ax.set_ylabel("class", fontsize=12)
        if place + 2 >= count:
            ax.set_xlabel("class a year later", fontsize=12)
        stay = 100 * np.diag(values)[~np.isnan(np.diag(values))]
        parts.append(f"{name}: no transitions")
        if len(stay):
            span = f"{stay.min():.0f} to {stay.max():.0f}"
            parts[-1] = f"{name}: a year later {span} per cent are in the same class"
    return figure, f"Transition matrices. {title}. {'; '.join(parts)}."


def _boxes(
    ax: Axes, values: np.ndarray, shades: np.ndarray, hatch: str | None = "///"
) -> Iterator[tuple[int, int, object, float]]:
    """Draw a box per value, hatched or white where its shade is missing, and yield each."""
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    for (row, column), shade in np.ndenumerate(shades):
        gone = np.isnan(shade)
        colour = "white" if gone else colormaps[sty._SEQUENTIAL](shade)
        look = {"facecolor": colour, "edgecolor": sty._PALE, "hatch": hatch if gone else None}
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, lw=0.6, **look))
        yield row, column, colour, values[row, column]
    ax.set(xlim=(-0.5, shades.shape[1] - 0.5), ylim=(shades.shape[0] - 0.5, -0.5))
    ax.tick_params(length=0, labelcolor="#111111")
    sty._bare(ax)


@sty._drawn
def club_grid(membership: pd.DataFrame, title: str = "", label: str = "") -> tuple[Figure, str]:
    """Draw the club of every province under several measures.

    Parameters
    ----------
    membership : DataFrame
        Number of the club (1 the highest, 0 for none) by province code, a
        column per measure; rows keep their order.
    title, label : str
        Title of the figure, and what a cell says.

    Returns
    -------
    Picture
        A cell per province and measure with the number of the club, dark for
        the highest, a dash for none; with its alternative text.

    Raises
    ------
    nqpf.errors.SampleError
        If the table is empty or a figure is missing.

    Examples
    --------
    >>> table = pd.DataFrame({"A": [1, 2, 2], "TFP": [1, 1, 1]}, [110000, 310000, 540000])
    >>> print(club_grid(table, "Clubs").alt)
    Clubs of 3 provinces. Clubs. A: 2 clubs, the first with Beijing; TFP: one club.
    """
    if membership.empty or membership.isna().to_numpy().any():
        raise SampleError("membership is not complete", expected="a club, or 0, in every cell")
    rows = 0.3 * len(membership)
    figure, head = sty._headed_figure(title, label, rows + 0.85)
    ax = sty._place_axes(figure, 2.15, head + 0.65, sty._WIDTH - 2.35, rows)
    most = membership.max()
    shades = 0.75 - 0.65 * (membership - 1) / (most - 1).clip(lower=1)  # part of the colour map
    clubs = membership.to_numpy()
    shown = shades.where(membership > 0).to_numpy(float)
    for row, column, colour, club in _boxes(ax, clubs, shown, None):
        _centred(ax, row, column, f"{club:.0f}" if club else "–", colour)
    ax.xaxis.tick_top()
    heads = [sty._wrapped(name, 15) for name in membership.columns]
    ax.set_xticks(range(len(heads)), heads, fontsize=12)
    names = [sty._province_label(int(code)) for code in membership.index]
    ax.set_yticks(range(len(names)), names, fontsize=12.5)
    parts = []
    for name, own in membership.items():
        first = listed([_name_of(code) for code in own.index[own == 1]])
        text = "no club" if not most[name] else "one club"
        text = f"{most[name]:.0f} clubs, the first with {first}" if most[name] > 1 else text
        alone = int((own == 0).sum())
        parts.append(f"{name}: {text}" + (f", {alone} in none" if alone else ""))
    return figure, f"Clubs of {len(membership)} provinces. {title}. {'; '.join(parts)}."
