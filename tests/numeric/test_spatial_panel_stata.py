"""Clustered errors and an island against a published log of Stata's xsmle.

A thesis on provinces prints spatial Durbin panels by Stata 18 with errors clustered by province
(vce(robust)), and one with contiguity in which Hainan has no neighbour. Its panel is no part of
the project: the tests look in the folder that NQPF_CASES names, or in ../shared/cases.

Stata holds some of the figures in single precision. Rounding the income per head behind the
weights to it moves rho by a millionth and two of the errors by more than their last printed digit,
so what is printed is met to a few millionths and not always to the last digit.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_up_panels import case

from nqpf.space import durbin

XS = ["L3_pub_emp", "broad_tax_burden", "L3_aging", "urban_rate", "sec_ind_share"]
OPTIONS = {"effects": "unit", "correction": "none", "unit": "province_id"}
ERRORS = ".1519474 .0033853 .0065127 .008974 .0043213 .2779199 .0039706 .008107 .0096175 .0051048"
ISLAND = [0.0793359, -0.0094974, -0.0005403, -0.0210069, 0.0037534] + [
    -0.2997754, 0.0036498, 0.0330813, 0.0050204, 0.0038482
]  # fmt: skip


def sample(number: str) -> tuple[pd.DataFrame, pd.Series]:
    data = case(f"public/{number}/panel.csv", index_col=["province_id", "year"])
    late = data[data.index.get_level_values("year") >= 2011]
    return late[["ln_tfp", *XS]].dropna(), data["gdp_per_cap"]


def by_income(income: pd.Series) -> pd.DataFrame:
    mean = income[income > 0].groupby(level=0).mean()
    gap = np.abs(np.subtract.outer(mean.to_numpy(), mean.to_numpy()))
    near = 1 / np.where(gap > 0, gap, np.inf)
    return pd.DataFrame(near / near.sum(axis=1, keepdims=True), mean.index, mean.index)


def test_clustered_errors_are_those_of_stata():
    frame, income = sample("13-spatial-durbin-errors")
    fit = durbin(frame, "ln_tfp", XS, by_income(income), errors="clustered", **OPTIONS)
    printed = np.array([float(text) for text in [*ERRORS.split(), ".140133"]])
    got = fit.std_errors.to_numpy()
    assert (np.abs(got - printed) <= 0.5e-7 + 3e-6 * printed).all()
    assert (np.abs(got - printed) <= 0.5e-7).sum() >= 8  # of eleven, to the last printed digit
    assert fit.rho == pytest.approx(0.015781, abs=2e-6)
    assert fit.loglik == pytest.approx(384.7460, abs=2e-4)
    # What the likelihood alone says is less than half for the tax burden.
    plain = fit.with_errors("information")
    assert plain.std_errors["broad_tax_burden"] < 0.5 * fit.std_errors["broad_tax_burden"]


def test_an_island_is_that_of_stata():
    frame, _ = sample("14-spatial-island")
    weights = case("public/14-spatial-island/W_adj.csv", index_col="id")
    weights.columns = weights.index
    fit = durbin(frame, "ln_tfp", XS, weights, islands="allow", **OPTIONS)
    assert f"{fit.rho:.6f}" == "-0.016579"
    assert fit.loglik == pytest.approx(392.9266, abs=2e-4)
    np.testing.assert_allclose(fit.params.iloc[:-1], ISLAND, atol=1.1e-6)
    assert fit.nobs == 217
    assert fit.notes[1] == "province_id 21 has no neighbours: its spatial lag is zero."
