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


def test_a_measure_that_is_not_regressed_says_why() -> None:
    table = some_coefficients().assign(reason="")
    table.loc[1, ["coefficient", "lower", "upper"]] = float("nan")
    table.loc[1, "reason"] = "holds tax"
    picture = coefficient_plot(table, "T")
    assert "tax: 1 of 1 measures above zero, 0 below, 0 uncertain, 1 left blank" in picture.alt
    words = [text.get_text() for ax in picture.figure.axes for text in ax.texts]
    assert words == ["holds tax"]
    with pytest.raises(SampleError, match="a figure is missing.*tax"):
        coefficient_plot(table.assign(reason=""))
    half = table.assign(lower=table["lower"].fillna(0.1))
    with pytest.raises(SampleError, match="or a reason and neither"):
        coefficient_plot(half)


def test_incomplete_tables_are_refused() -> None:
    with pytest.raises(SampleError, match="without lower"):
        coefficient_plot(some_coefficients().drop(columns="lower"))
    with pytest.raises(SampleError, match="a figure is missing.*tax"):
        coefficient_plot(some_coefficients().replace(0.5, float("nan")))
    with pytest.raises(SampleError, match="there twice"):
        coefficient_plot(some_coefficients().replace("b", "a <script>"))
