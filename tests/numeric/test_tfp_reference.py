"""Perpetual inventory and estimated shares against sums, a published stock and regressions."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import keyed

from nqpf.regress import fixed_effects
from nqpf.tfp import capital_stock, solow_residual
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


@pytest.mark.parametrize("seed", range(2))
def test_shares_errors_and_test_equal_the_regressions_of_nqpf_regress(seed):
    rng, keys = np.random.default_rng(seed), keyed(units=20, years=9)
    logs = pd.DataFrame(rng.normal(0, 0.3, (len(keys), 2)), keys, ["capital", "labour"])
    effects = np.add.outer(rng.normal(size=20), rng.normal(size=9)).ravel()
    output = 0.45 * logs["capital"] + 0.55 * logs["labour"] + effects
    logs["output"] = output + rng.normal(0, 0.05, len(keys))
    result = solow_residual(np.exp(logs), share="estimated")
    free = solow_residual(np.exp(logs), share="estimated", returns="variable")
    logs["y_l"], logs["k_l"] = (logs[one] - logs["labour"] for one in ("output", "capital"))
    restricted = fixed_effects(logs, "y_l", ["k_l"])
    unrestricted = fixed_effects(logs, "y_l", ["k_l", "labour"])
    elasticities = fixed_effects(logs, "output", ["capital", "labour"]).params
    found = free.alpha.iloc[0], free.beta.iloc[0]
    np.testing.assert_allclose(found, elasticities[["capital", "labour"]], rtol=1e-10)
    assert result.alpha.iloc[0] == pytest.approx(restricted.params["k_l"], rel=1e-10)
    assert result.beta.iloc[0] == pytest.approx(1 - restricted.params["k_l"], rel=1e-10)
    assert result.alpha_se == pytest.approx(restricted.std_errors["k_l"], rel=1e-10)
    test = result.returns_test
    assert test.scale - 1 == pytest.approx(unrestricted.params["labour"], rel=1e-8)
    assert test.std_error == pytest.approx(unrestricted.std_errors["labour"], rel=1e-10)
    assert test.pvalue == pytest.approx(unrestricted.pvalues["labour"], rel=1e-8)
    assert test.df == unrestricted.df
    # Four standard errors around what made the figures: another proof, of no regression's own.
    assert abs(result.alpha.iloc[0] - 0.45) < 4 * result.alpha_se < 0.2
    np.testing.assert_allclose(found, [0.45, 0.55], atol=0.1)
