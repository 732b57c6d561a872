"""Perpetual inventory against a closed form and a published stock."""

import numpy as np
import pandas as pd
import pytest

from nqpf.tfp import capital_stock
from nqpf.tfp.accounts import perpetual_inventory


@pytest.mark.parametrize("rate", [0.0, 0.096, 0.1096, 0.5])
def test_recursion_equals_the_weighted_sum_of_past_investment(rate):
    rng = np.random.default_rng(0)
    real, prices = rng.uniform(0.5, 5, (7, 60)), rng.uniform(0.5, 9, (7, 60))
    keys = pd.MultiIndex.from_product([range(7), range(60)], names=["unit", "year"])
    spent, price = (pd.Series(values.ravel(), keys) for values in (real * prices, prices))
    stock = perpetual_inventory(spent, price, rate).to_numpy().reshape(7, 60)
    age = np.subtract.outer(np.arange(60), np.arange(60))
    weights = np.where(age >= 0, (1 - rate) ** np.maximum(age, 0), 0)
    before = (real[:, :1] / 0.10 - real[:, :1]) * (1 - rate) ** np.arange(60)
    np.testing.assert_allclose(stock, real @ weights.T + before, rtol=1e-12)


def test_beijing_equals_the_stock_that_the_source_package_documents(embedded):
    """CapitalStock for R documents CompK(prv = 'beijing'): 38866.56346 and 40271.13639."""
    wide = embedded.wide(["gfcf", "investment_price"]).loc[[110000]]
    stock = perpetual_inventory(wide["gfcf"], wide["investment_price"])
    assert stock[110000, 2021] == pytest.approx(38866.56346, abs=5e-6)
    assert stock[110000, 2022] == pytest.approx(40271.13639, abs=5e-6)


def test_the_embedded_stock_is_what_the_library_computes(embedded):
    rows = capital_stock(embedded)
    stored = embedded.frame.query("variable == 'capital_stock'")
    key = ["province", "year", "flag"]
    merged = rows.merge(stored, on=key, suffixes=("", "_stored"), validate="one_to_one")
    assert len(merged) == len(rows) == len(stored)
    # derived figures are stored to ten significant digits
    np.testing.assert_allclose(merged["value"], merged["value_stored"], rtol=5.1e-10)
