"""Bandwidths against R, their definitions and the equation that they solve."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_panels import case, grunfeld

from nqpf.dynamics import kernel_density


def bandwidth(x: np.ndarray, rule: str = "silverman") -> float:
    keys = pd.MultiIndex.from_product([range(len(x)), [1]], names=["unit", "year"])
    return kernel_density(pd.Series(x, keys), rule).bandwidths[1]


def investment() -> np.ndarray:
    data = grunfeld()
    return data.loc[data["firm"] == "General Motors", "invest"].to_numpy(dtype=float)


def eruptions() -> np.ndarray:
    return case("faithful.csv")["eruptions"].to_numpy()


# R 4.2.2, bw.SJ(x, nb = 20000000, tol = 1e-12): R bins the differences between values, and so
# many bins are as good as none; with its 1000 it prints 0.140 and 93.6 for the same.
@pytest.mark.parametrize(
    ("values", "printed"),
    [(eruptions, 0.139683104125), (investment, 93.6369837864)],
    ids=["eruptions", "investment"],
)
def test_sheather_jones_as_r_finds_it(values, printed):
    assert bandwidth(values(), "sheather-jones") == pytest.approx(printed, rel=1e-6)


def test_silverman_as_r_finds_it_where_the_standard_deviation_decides():
    # R 4.2.2, bw.nrd0; its interquartile range is over 1.34, here 1.349, and larger in this sample
    assert bandwidth(eruptions()) == pytest.approx(0.334777034464, rel=1e-10)


def test_rules_of_thumb_by_their_definitions():
    x = investment()
    quartiles = np.percentile(x, [25, 75])
    spread = min(x.std(ddof=1), (quartiles[1] - quartiles[0]) / 1.349)
    assert bandwidth(x) == pytest.approx(0.9 * spread * len(x) ** -0.2, rel=1e-14)
    assert bandwidth(x, "scott") == pytest.approx(1.059 * spread * len(x) ** -0.2, rel=1e-14)


def test_sheather_jones_solves_its_equation_pair_by_pair():
    x = investment()
    n, h = len(x), bandwidth(x, "sheather-jones")
    normal = np.polynomial.hermite_e.HermiteE
    fourth, sixth = normal.basis(4), normal.basis(6)

    def mean(polynomial, width, power):
        z = (x[:, None] - x) / width
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        return (polynomial(z) * density).sum() / (n * (n - 1) * width**power)

    spread = min(x.std(ddof=1), np.subtract(*np.percentile(x, [75, 25])) / 1.349)
    s = mean(fourth, 1.24 * spread * n ** (-1 / 7), 5)
    t = -mean(sixth, 1.23 * spread * n ** (-1 / 9), 7)
    alpha = 1.357 * (s / t) ** (1 / 7) * h ** (5 / 7)
    assert (1 / (2 * np.sqrt(np.pi) * n * mean(fourth, alpha, 5))) ** 0.2 == pytest.approx(h)
