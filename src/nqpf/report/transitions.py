"""Transition matrices side by side, and which club each measure puts a province into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nqpf.errors import SampleError
from nqpf.report.html import listed, name_of
from nqpf.report.style import (
    PALE,
    SEQUENTIAL,
    WIDTH,
    Picture,
    headed_figure,
    ink_on,
    place_axes,
    province_label,
    readable,
    style,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["club_grid", "transition_matrices"]

_ACROSS = 2
_CELL = 0.52
_LOW, _HIGH = 0.1, 0.75  # part of the colour map that clubs use


def transition_matrices(
    matrices: Mapping[str, pd.DataFrame], title: str = "", label: str = ""
) -> Picture:
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
    _check(matrices)
    size = max(len(matrix) for matrix in matrices.values())
    down = -(-len(matrices) // _ACROSS)
    rows = _CELL * size
    tall = rows + 0.95
    left, gap = 0.6, 0.75
    width = (WIDTH - left - 0.2 - gap * (_ACROSS - 1)) / _ACROSS
    with style():
        figure, head = headed_figure(title, label, down * tall + 0.1)
        for number, (name, matrix) in enumerate(matrices.items()):
            row, column = divmod(number, _ACROSS)
            place = (left + column * (width + gap), head + row * tall + 0.4)
            ax = place_axes(figure, *place, width, rows)
            _cells(ax, matrix.to_numpy(dtype=float))
            ax.set_title(wrapped(name, 32), fontsize=13, loc="left", pad=6)
            ax.set_xticks(range(len(matrix)), [str(c) for c in matrix.columns], fontsize=12)
            ax.set_yticks(range(len(matrix)), [str(c) for c in matrix.index], fontsize=12)
            if column == 0:
                ax.set_ylabel("class", fontsize=12)
            if row == down - 1 or number + _ACROSS >= len(matrices):
                ax.set_xlabel("class a year later", fontsize=12)
    return Picture(figure, _describe(matrices, title))


def _check(matrices: Mapping[str, pd.DataFrame]) -> None:
    if not matrices:
        raise SampleError("there is nothing to draw", expected="one matrix or more")
    for name, matrix in matrices.items():
        values = matrix.to_numpy(dtype=float)
        wrong = values.ndim != 2 or values.shape[0] != values.shape[1]
        if wrong or ((values < 0) | (values > 1)).any():
            raise SampleError(
                f"{name!r} is no matrix of probabilities",
                expected="a square table of figures from 0 to 1",
            )


def _cells(ax: Axes, values: np.ndarray) -> None:
    import matplotlib

    colours = matplotlib.colormaps[SEQUENTIAL]
    for (row, column), value in np.ndenumerate(values):
        gone = np.isnan(value)
        colour = "white" if gone else colours(0.9 * value)
        _box(ax, row, column, colour, hatch="///" if gone else None)
        if not gone and value > 0:
            text = "<1" if value < 0.005 else f"{100 * value:.0f}"
            ax.text(column, row, text, ha="center", va="center", fontsize=13, color=ink_on(colour))
    _frame(ax, *values.shape)


def _box(ax: Axes, row: int, column: int, colour: object, hatch: str | None = None) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(
        Rectangle(
            (column - 0.5, row - 0.5), 1, 1, facecolor=colour, edgecolor=PALE, lw=0.6, hatch=hatch
        )
    )


def _frame(ax: Axes, rows: int, columns: int) -> None:
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(rows - 0.5, -0.5)
    ax.tick_params(length=0, labelcolor="#111111")
    ax.grid(False)
    ax.spines[:].set_visible(False)


def _describe(matrices: Mapping[str, pd.DataFrame], title: str) -> str:
    parts = []
    for name, matrix in matrices.items():
        stay = np.diag(matrix.to_numpy(dtype=float))
        stay = 100 * stay[~np.isnan(stay)]
        if len(stay):
            span = f"{stay.min():.0f} to {stay.max():.0f}"
            parts.append(f"{name}: a year later {span} per cent are in the same class")
        else:
            parts.append(f"{name}: no transitions")
    return f"Transition matrices. {title}. {'; '.join(parts)}."


def club_grid(membership: pd.DataFrame, title: str = "", label: str = "") -> Picture:
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
    import matplotlib

    colours = matplotlib.colormaps[SEQUENTIAL]
    rows = 0.3 * len(membership)
    with style():
        figure, head = headed_figure(title, label, rows + 0.85)
        ax = place_axes(figure, 2.15, head + 0.65, WIDTH - 2.35, rows)
        for column, name in enumerate(membership.columns):
            most = int(membership[name].max())
            for row, club in enumerate(membership[name]):
                dark = _HIGH - (_HIGH - _LOW) * (club - 1) / max(most - 1, 1)
                colour = colours(dark) if club else "white"
                _box(ax, row, column, colour)
                text = str(int(club)) if club else "–"
                ink = ink_on(colour)
                ax.text(column, row, text, ha="center", va="center", fontsize=12, color=ink)
        _frame(ax, *membership.shape)
        ax.xaxis.tick_top()
        heads = [wrapped(readable(name), 15) for name in membership.columns]
        ax.set_xticks(range(len(heads)), heads, fontsize=12)
        names = [province_label(int(code)) for code in membership.index]
        ax.set_yticks(range(len(names)), names, fontsize=12.5)
    return Picture(figure, _describe_clubs(membership, title))


def _describe_clubs(membership: pd.DataFrame, title: str) -> str:
    parts = []
    for name in membership.columns:
        most = int(membership[name].max())
        alone = int((membership[name] == 0).sum())
        first = listed([name_of(code) for code in membership.index[membership[name] == 1]])
        text = f"{name}: {most} clubs, the first with {first}" if most > 1 else f"{name}: one club"
        text = text if most else f"{name}: no club"
        parts.append(text + (f", {alone} in none" if alone else ""))
    return f"Clubs of {len(membership)} provinces. {title}. {'; '.join(parts)}."
