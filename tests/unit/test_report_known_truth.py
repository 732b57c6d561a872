"""The figure of estimates beside a known truth."""

from __future__ import annotations

import pandas as pd
import pytest

from nqpf.errors import SampleError
from nqpf.report.regressions import known_truth_plot

TABLE = pd.DataFrame(
    {
        "panel": ["Durbin", "Durbin", "lag"],
        "estimated": ["right", "wrong", "right"],
        "mean": [-0.5, 0.9, 0.8],
        "low": [-0.8, 0.2, 0.5],
        "high": [-0.2, 1.7, 1.1],
        "truth": [-0.55, -0.55, 0.9],
    }
)


def test_marks_tell_what_misses_the_truth():
    picture = known_truth_plot(TABLE, "Mistakes")
    first, second = picture.figure.axes[-2:]
    marks = [line.get_marker() for line in first.lines if line.get_marker() != "None"]
    assert marks == ["o", "s"]
    assert [line.get_marker() for line in second.lines if line.get_marker() != "None"] == ["o"]
    assert first.get_title(loc="left") == "Durbin: truth −0.55"
    assert "wrong 0.90 (0.20 to 1.70), missing it" in picture.alt
    assert "lag, truth 0.90: right 0.80 (0.50 to 1.10)." in picture.alt


def test_tables_are_checked():
    with pytest.raises(SampleError, match="without truth"):
        known_truth_plot(TABLE.drop(columns="truth"))
    with pytest.raises(SampleError, match="without rows"):
        known_truth_plot(TABLE.iloc[:0])
    with pytest.raises(SampleError, match="missing.*Durbin.*wrong"):
        known_truth_plot(TABLE.assign(low=[0.0, None, 0.0]))
    with pytest.raises(SampleError, match="more than one truth"):
        known_truth_plot(TABLE.assign(truth=[1.0, 2.0, 3.0]))
