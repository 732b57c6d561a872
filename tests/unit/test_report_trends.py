"""The figure of measures over the years."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import DataError, SampleError
from nqpf.report.lines import measure_lines


def some_table() -> pd.DataFrame:
    return pd.DataFrame({"A": [1.0, 1.2, 1.4], "B": [2.0, np.nan, 1.5]}, index=[2020, 2021, 2022])


def test_text_tells_where_each_line_begins_and_ends():
    alt = measure_lines(some_table(), "Two measures", "Gini").alt
    assert "A 1.00 in 2020 to 1.40 in 2022" in alt and "B 2.00 in 2020 to 1.50 in 2022" in alt


def test_lines_differ_by_more_than_colour_and_bear_their_names():
    figure, _ = measure_lines(some_table(), reference=1.0)
    ax = figure.axes[0]
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 3]
    assert len({line.get_marker() for line in drawn}) == len(drawn) == 2
    assert len({line.get_linestyle() for line in drawn}) == 2
    assert [t.get_text() for t in ax.texts] == ["A", "B"]
    assert any(list(line.get_ydata()) == [1.0, 1.0] for line in ax.lines)


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (some_table() * np.nan, SampleError, "no figure to draw"),
        (pd.DataFrame({str(k): [1.0] for k in range(8)}), SampleError, "8 measures"),
        (some_table().assign(B="x"), DataError, "column 'B' is not numeric"),
    ],
    ids=["empty", "many", "text"],
)
def test_what_cannot_be_drawn_is_refused(table, error, message):
    with pytest.raises(error, match=message):
        measure_lines(table)
