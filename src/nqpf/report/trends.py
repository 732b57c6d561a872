"""One figure of a year per measure, as lines over the years."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nqpf.errors import DataError, SampleError
from nqpf.report.alt import describe_lines
from nqpf.report.lines import _label_ends, _line, _year_axes
from nqpf.report.picture import Picture
from nqpf.report.style import CATEGORIES, GREY, MARKERS, Mark, readable, style

__all__ = ["measure_lines"]

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
