"""Pieces of a page: safe HTML for the book, plain text for a PDF and a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from nqpf import provinces

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Html",
    "both_names",
    "describe_agreement",
    "describe_bump",
    "describe_lines",
    "describe_map",
    "describe_maps",
    "describe_ranking",
    "describe_scatter",
    "describe_weights",
    "listed",
    "name_of",
    "table",
    "text_width",
]


@dataclass(frozen=True)
class Html:
    """A fragment of a page and the text that stands for it where there is no HTML.

    Parameters
    ----------
    html : str
        The fragment; whoever makes it escapes every text that it holds.
    text : str
        The same in plain text.

    Examples
    --------
    >>> Html("<b>GDP</b>", "GDP")
    GDP
    """

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def both_names(en: str, zh: str) -> Html:
    """Return a name in both languages, the Chinese marked as Chinese for screen readers.

    Examples
    --------
    >>> both_names("Beijing", "北京").html
    'Beijing <span lang="zh">北京</span>'
    """
    return Html(f'{escape(en)} <span lang="zh">{escape(zh)}</span>', f"{en} {zh}")


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    caption: str = "",
    numeric: Sequence[str] = (),
) -> Html:
    """Return a table as HTML and as aligned text.

    Parameters
    ----------
    header : sequence of str
        Column headings.
    rows : iterable of sequences
        Cells; an :class:`Html` is taken as it is, anything else is escaped. A
        row of one cell is a heading over the rows below it.
    caption : str
        Caption, plain text.
    numeric : sequence of str
        Headings of the columns to set flush right.

    Examples
    --------
    >>> table(["name", "value"], [["a < b", 1]], numeric=["value"])
    name   value
    a < b      1
    """
    rows = [list(row) for row in rows]
    right = [heading in numeric for heading in header]
    head = "".join(_head(heading, flush) for heading, flush in zip(header, right, strict=True))
    body = "".join(_row(row, right) for row in rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    html = (
        f'<div class="table-box"><table class="nqpf-table">{title}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    return Html(html, _plain([list(header), *rows], right, caption))


def _head(heading: str, right: bool) -> str:
    side = ' style="text-align:right"' if right else ""
    return f'<th scope="col"{side}>{escape(heading)}</th>'


def _row(row: Sequence[object], right: Sequence[bool]) -> str:
    if len(row) == 1:
        heading = f'<th colspan="{len(right)}" scope="rowgroup" style="text-align:left">'
        return f"<tr>{heading}{_content(row[0])}</th></tr>"
    return "<tr>" + "".join(_cell(c, r) for c, r in zip(row, right, strict=True)) + "</tr>"


def _content(cell: object) -> str:
    return cell.html if isinstance(cell, Html) else escape(str(cell))


def _cell(cell: object, right: bool) -> str:
    content = _content(cell)
    return f'<td style="text-align:right">{content}</td>' if right else f"<td>{content}</td>"


def _plain(rows: Sequence[Sequence[object]], right: Sequence[bool], caption: str) -> str:
    text = [[c.text if isinstance(c, Html) else str(c) for c in row] for row in rows]
    full = [row for row in text if len(row) == len(right)]
    widths = [max(map(text_width, column)) for column in zip(*full, strict=True)]
    lines = [caption] if caption else []
    for row in text:
        if len(row) == 1:
            lines.append(row[0])
            continue
        cells = [
            " " * (width - text_width(cell)) + cell
            if flush
            else cell + " " * (width - text_width(cell))
            for cell, width, flush in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def text_width(text: str) -> int:
    """Return the width of a text in letters, of which a Chinese character takes two.

    Examples
    --------
    >>> text_width("GDP 总值")
    8
    """
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def listed(parts: Sequence[str], limit: int = 6) -> str:
    """Join parts as in a sentence; beyond `limit` the rest is counted.

    Examples
    --------
    >>> listed(["Beijing", "Shanghai", "Hainan"])
    'Beijing, Shanghai and Hainan'
    """
    parts = list(parts)
    if len(parts) > limit:
        parts = [*parts[: limit - 1], f"{len(parts) - limit + 1} more"]
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def name_of(key: object) -> str:
    """Return a province's English name, or the text of anything else."""
    return provinces.name(int(key), "en") if key in provinces.codes() else str(key)  # type: ignore[call-overload]


def _extremes(values: pd.Series, fmt: str) -> str:
    present = values.dropna().sort_values(kind="stable")
    if present.empty:
        return "no figures"
    top, bottom = present.index[-1], present.index[0]
    return (
        f"highest {name_of(top)} {fmt.format(present.iloc[-1])}, "
        f"lowest {name_of(bottom)} {fmt.format(present.iloc[0])}"
    )


def describe_map(values: pd.Series, title: str, label: str, fmt: str = "{:.2f}") -> str:
    """Describe a tile map of `values`, a Series by province code.

    Examples
    --------
    >>> import pandas as pd
    >>> describe_map(pd.Series({110000: 0.61, 540000: 0.05, 460000: None}), "Index, 2022", "score")
    'Tile map. Index, 2022; score: highest Beijing 0.61, lowest Tibet 0.05. No data for Hainan.'
    """
    text = f"Tile map. {title}; {label}: {_extremes(values, fmt)}."
    gone = [name_of(code) for code in values.index[values.isna()]]
    return f"{text} No data for {listed(gone)}." if gone else text


def describe_maps(frame: pd.DataFrame, title: str, label: str, fmt: str = "{:.2f}") -> str:
    """Describe a row of tile maps, one per column of `frame`, indexed by province code."""
    each = [f"{column}: {_extremes(frame[column], fmt)}" for column in frame.columns]
    return f"{len(each)} tile maps on one scale. {title}; {label}. " + "; ".join(each) + "."


def describe_lines(means: pd.DataFrame, title: str, label: str, fmt: str = "{:.2f}") -> str:
    """Describe lines over years: `means` has a row per year and a column per line."""
    each = []
    for column in means.columns:
        line = means[column].dropna()
        if line.empty:
            continue
        first, last = line.index[0], line.index[-1]
        start = f"{fmt.format(line.iloc[0])} in {first}"
        path = start if first == last else f"{start} to {fmt.format(line.iloc[-1])} in {last}"
        each.append(f"{name_of(column)} {path}")
    return f"Line chart. {title}; {label}: " + "; ".join(each) + "."


def describe_ranking(values: pd.Series, title: str, label: str, fmt: str = "{:.3f}") -> str:
    """Describe a ranking: `values` by province code, best first."""
    best = [f"{name_of(code)} {fmt.format(value)}" for code, value in values.head(3).items()]
    last, lowest = values.index[-1], fmt.format(values.iloc[-1])
    return (
        f"Dot plot of {len(values)} provinces. {title}; {label}: first {listed(best)}; "
        f"last shown {name_of(last)} {lowest}."
    )


def describe_weights(weights: pd.Series, dimension: pd.Series, names: pd.Series) -> str:
    """Describe indicator weights (shares that sum to 1) with the total of each dimension."""
    totals = weights.groupby(dimension.reindex(weights.index), sort=False).sum()
    shares = [f"{key} {total:.0%}" for key, total in totals.items()]
    top = weights.idxmax()
    return (
        f"Bar chart of the weights of {len(weights)} indicators; by dimension {listed(shares)}. "
        f"Largest: {names[top]}, {weights[top]:.1%}."
    )


def describe_scatter(ranks: pd.DataFrame, rho: float) -> str:
    """Describe two rankings against each other: `ranks` has two columns, by province code."""
    first, second = ranks.columns
    gap = (ranks[first] - ranks[second]).abs().sort_values(ascending=False, kind="stable")
    far = [
        f"{name_of(code)} ({ranks.loc[code, first]:.0f} and {ranks.loc[code, second]:.0f})"
        for code in gap.index[:3]
    ]
    return (
        f"Scatter plot of the ranks of {len(ranks)} provinces by {first} and by {second}; "
        f"Spearman correlation {rho:.2f}. Furthest apart: {listed(far)}."
    )


def describe_agreement(matrix: pd.DataFrame, label: str) -> str:
    """Describe a symmetric matrix of agreement between measures."""
    pairs = [
        (float(matrix.iloc[row, column]), matrix.index[row], matrix.columns[column])
        for row in range(len(matrix))
        for column in range(row)
    ]
    if not pairs:
        return f"Heat map of {label} with a single measure."
    low, high = min(pairs, key=lambda p: p[0]), max(pairs, key=lambda p: p[0])
    return (
        f"Heat map of {label} among {len(matrix)} measures, {low[0]:.2f} "
        f"({low[1]} and {low[2]}) to {high[0]:.2f} ({high[1]} and {high[2]})."
    )


def describe_bump(ranks: pd.DataFrame, highlight: Sequence[int]) -> str:
    """Describe the ranks of provinces (rows) under several measures (columns)."""
    each = [
        f"{name_of(code)} from {ranks.loc[code].min():.0f} to {ranks.loc[code].max():.0f}"
        for code in highlight
    ]
    measures = listed([str(column) for column in ranks.columns])
    return (
        f"Bump chart of the ranks of {len(ranks)} provinces by {measures}. "
        f"Highlighted: {listed(each, limit=8)}."
    )
