"""Figure of an event study: marks, alternative text and tables that are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.errors import SampleError
from nqpf.report import event_plot


def table(measures=("x", "y", "z")):
    rows = [
        {"measure": m, "event": e, "estimate": e / 4, "lower": e / 4 - 0.3, "upper": e / 4 + 0.3}
        for m in measures
        for e in (-3, -2, 0, 1, 2)
    ]
    return pd.DataFrame(rows).assign(chance_low=-0.4, chance_high=0.4)


def test_a_panel_per_measure_with_its_years() -> None:
    figure, alt = event_plot(table(), "Three measures")
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["x", "y", "z"]
    assert [tick for tick in figure.axes[0].get_xticks()] == [-3, -2, 0, 1, 2]
    assert len({ax.get_ylim() for ax in figure.axes}) == 1
    assert "x: from -0.75 (year -3) to 0.50 (year 2); 3 of 5 intervals leave out zero" in alt
    assert "3 of 5 estimates lie outside the band of chance" in alt


def test_before_and_after_differ_in_shape_and_not_only_in_colour() -> None:
    figure, _ = event_plot(table(["x"]))
    markers = {line.get_marker() for line in figure.axes[0].lines if len(line.get_xdata()) == 1}
    assert markers == {"o", "s"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns="chance_low"), "without chance_low"),
        (lambda t: t.iloc[:0], "without rows"),
        (lambda t: t.assign(upper=t["upper"].where(t["event"] != 1, np.nan)), "is missing"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "there twice"),
    ],
)
def test_a_table_that_cannot_be_drawn_is_refused(change, said: str) -> None:
    with pytest.raises(SampleError, match=said):
        event_plot(change(table()))
