"""The figure of densities by year."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.dynamics import KernelDensity, kernel_density
from nqpf.errors import DataError
from nqpf.report.lines import ridgeline


def some_curves(rule=0.3) -> KernelDensity:
    keys = pd.MultiIndex.from_product([range(20), [2020, 2021]], names=["province", "year"])
    noise = np.random.default_rng(2).normal(scale=0.3, size=(20, 2))
    centre = np.column_stack([np.zeros(20), np.repeat([0.0, 4.0], 10)])
    return kernel_density(pd.Series((centre + noise).ravel(), index=keys, name="score"), rule)


def test_text_tells_peaks_and_widths_of_the_first_and_the_last_year():
    curves = some_curves()
    alt = ridgeline(curves, "Two camps", "index").alt
    table = curves.to_frame()
    assert f"in 2020 1 peak, the highest at {table.loc[2020, 'peak']:.2f}" in alt
    assert f"in 2021 2 peaks, the highest at {table.loc[2021, 'peak']:.2f}" in alt
    assert "More than one peak in 1 of 2 years" in alt and "a given bandwidth" in alt
    assert "bandwidths by Silverman" in ridgeline(some_curves("silverman")).alt
    assert "bandwidths by Sheather-Jones" in ridgeline(some_curves("sheather-jones")).alt


def test_ridges_share_a_scale_and_dots_sit_on_peaks():
    curves = some_curves()
    figure, _ = ridgeline(curves)
    ax = figure.axes[0]
    lines = [line for line in ax.lines if len(line.get_xdata()) == len(curves.density)]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [len(dot.get_xdata()) for dot in dots] == curves.to_frame()["peaks"].tolist()
    for place, line in enumerate(lines):
        drawn = place - line.get_ydata()
        year = curves.density.columns[place]
        ratio = drawn / curves.density[year]
        assert np.ptp(ratio[curves.density[year] > 1e-6]) < 1e-6 * ratio.max()
    assert {t.get_text() for t in ax.texts} == {"h = 0.300"}
    assert [t.get_text() for t in ax.get_yticklabels()] == ["2020", "2021"]


def test_the_figure_does_not_depend_on_earlier_ones():
    assert ridgeline(some_curves(), "A").svg() == ridgeline(some_curves(), "A").svg()


def test_one_year_is_a_single_ridge_and_none_is_refused():
    curves = some_curves()
    one = KernelDensity(curves.density[[2021]], curves.bandwidths[[2021]], "fixed",
                        curves.units[[2021]], "score")  # fmt: skip
    assert "in 2021 2 peaks" in ridgeline(one).alt and "years" not in ridgeline(one).alt
    none = KernelDensity(curves.density[[]], curves.bandwidths, "fixed", curves.units, "score")
    with pytest.raises(DataError, match="no curve to draw"):
        ridgeline(none)
