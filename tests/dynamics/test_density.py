"""What kernel densities promise; bandwidths of R and statsmodels."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import case, grunfeld, keyed, refusals

from nqpf.dynamics import kernel_density
from nqpf.errors import NqpfError


def table(values, *years):
    """Return (n, years) values by unit and year."""
    keys = keyed(len(values), len(years) or 1, 2020)
    return pd.Series(np.ravel(values), keys, dtype=float, name="score")


SCORES = table(np.random.default_rng(1).gamma(2.0, size=(30, 2)), 2020, 2021)


@pytest.mark.parametrize("rule", ["silverman", "scott", "sheather-jones"])
def test_a_curve_is_the_mean_of_normal_curves_of_its_own_year(rule):
    curves = kernel_density(SCORES.sample(frac=1, random_state=1), rule)
    assert curves.rule == rule and curves.name == "score" and curves.units.tolist() == [30, 30]
    grid = curves.density.index.to_numpy()
    for year, h in curves.bandwidths.items():
        own = SCORES.xs(year, level="year", drop_level=False)
        assert h == pytest.approx(kernel_density(own, rule).bandwidths[year], rel=1e-12)
        z = (grid[:, None] - own.to_numpy()) / h
        by_hand = np.exp(-(z**2) / 2).sum(axis=1) / (len(own) * h * np.sqrt(2 * np.pi))
        np.testing.assert_allclose(curves.density[year], by_hand, rtol=1e-9, atol=1e-12)
    for factor in (1e-200, 1e200):
        other = kernel_density(factor * SCORES, rule)
        np.testing.assert_allclose(other.bandwidths, factor * curves.bandwidths, rtol=1e-9)
        np.testing.assert_allclose(factor * other.density, curves.density, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(kernel_density(SCORES - 50, rule).bandwidths, curves.bandwidths)


def test_two_camps_are_two_peaks_and_a_wide_bandwidth_hides_them():
    noise = np.random.default_rng(2).normal(scale=0.3, size=(20, 2))
    camps = table(noise + np.column_stack([np.zeros(20), np.repeat([0.0, 4.0], 10)]), 2020, 2021)
    narrow, wide = (kernel_density(camps, h).to_frame() for h in (0.3, {2020: 3.0, 2021: 3.5}))
    assert narrow["peaks"].tolist() == [1, 2]
    assert wide["peaks"].tolist() == [1, 1] and wide["bandwidth"].tolist() == [3.0, 3.5]
    assert narrow.loc[2020, "peak"] == pytest.approx(camps.xs(2020, level=1).mean(), abs=0.2)


def test_peaks_tell_what_a_normal_curve_is():
    found = kernel_density(table([4.999, 5.001]), 1.0).to_frame().loc[2020]
    assert found["peak"] == pytest.approx(5, abs=0.02)
    assert found["height"] == pytest.approx(1 / np.sqrt(2 * np.pi), rel=1e-4)
    assert found["width"] == pytest.approx(2 * np.sqrt(2 * np.log(2)), abs=0.03)


def test_a_peak_says_how_many_units_make_it_up_and_a_ripple_is_none():
    curves = kernel_density(table([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 5.0, 5.1, 5.2, 20.0]), 0.4)
    peaks = curves.peaks(2020)
    np.testing.assert_allclose(peaks["mass"], [0.6, 0.3, 0.1], atol=1e-3)
    np.testing.assert_allclose(peaks["position"], [0.25, 5.1, 20], atol=0.05)
    assert curves.to_frame().loc[2020, ["peaks", "alone"]].tolist() == [3, 1]
    for units, seen in ((2000, 1), (200, 2)):
        lone = table([*np.linspace(-0.1, 0.1, units - 1), 9.0])
        assert len(kernel_density(lone, 0.4).peaks(2020)) == seen


EQUAL = table([[1.0, 7], [2, 7], [3, 7]], 2020, 2021)
LONE = table([0.0] * 30 + [1.0])
test_bad_input_is_refused_by_name = refusals(
    NqpfError,
    (r"same value \[year 2021\]", lambda: kernel_density(EQUAL, 0.1)),
    (r"1 unit.*\[year 2021\]", lambda: kernel_density(SCORES.iloc[:3], 0.1)),
    ("'epanechnikov'", lambda: kernel_density(SCORES, "epanechnikov")),
    ("bandwidth of 2020 is 0.0", lambda: kernel_density(SCORES, 0.0)),
    ("year of a bandwidth 2021", lambda: kernel_density(SCORES, {2020: 1.0})),
    ("1 level", lambda: kernel_density(SCORES.xs(2020, level="year"), 0.1)),
    ("missing", lambda: kernel_density(SCORES.where(SCORES < 3), 0.1)),
    (r"\[year 2020\].*silverman", lambda: kernel_density(LONE, "sheather-jones")),
)


# Peers


def bandwidth(x, rule="silverman"):
    return kernel_density(table(x), rule).bandwidths[2020]


def test_sheather_jones_as_r_finds_it():
    # R 4.2.2, bw.SJ(x, nb = 20000000, tol = 1e-12): R bins the differences between values, and so
    # many bins are as good as none; with its 1000 it prints 93.6 for the same.
    invested = grunfeld().query("firm == 'General Motors'")["invest"].to_numpy(dtype=float)
    assert bandwidth(invested, "sheather-jones") == pytest.approx(93.6369837864, rel=1e-6)


def test_silverman_as_r_finds_it_where_the_standard_deviation_decides():
    # R 4.2.2, bw.nrd0; its interquartile range is over 1.34, here 1.349, and larger in this sample
    eruptions = case("faithful.csv")["eruptions"].to_numpy()
    assert bandwidth(eruptions) == pytest.approx(0.334777034464, rel=1e-10)
