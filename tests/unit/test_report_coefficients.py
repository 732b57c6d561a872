"""The figure of one regression under many measures."""

from __future__ import annotations

import pandas as pd
import pytest

from nqpf.errors import SampleError
from nqpf.report import coefficient_plot


def some_coefficients() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "variable": ["tax", "tax", "size", "size"],
            "measure": ["a <script>", "b", "a <script>", "b"],
            "coefficient": [1.0, -1.0, 0.2, -0.2],
            "lower": [0.5, -1.5, -0.2, -0.6],
            "upper": [1.5, -0.5, 0.6, 0.2],
        }
    )


def test_text_counts_sure_and_uncertain_measures() -> None:
    alt = coefficient_plot(some_coefficients(), "T").alt
    assert "tax: 1 of 2 measures above zero, 1 below, 0 uncertain" in alt
    assert "size: 0 of 2 measures above zero, 0 below, 2 uncertain" in alt


def test_text_of_data_is_escaped() -> None:
    html = coefficient_plot(some_coefficients(), "<script>").html()
    assert "<script>" not in html


def test_incomplete_tables_are_refused() -> None:
    with pytest.raises(SampleError, match="without lower"):
        coefficient_plot(some_coefficients().drop(columns="lower"))
    with pytest.raises(SampleError, match="a figure is missing.*tax"):
        coefficient_plot(some_coefficients().replace(0.5, float("nan")))
    with pytest.raises(SampleError, match="there twice"):
        coefficient_plot(some_coefficients().replace("b", "a <script>"))
