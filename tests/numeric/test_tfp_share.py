"""The estimated capital share against nqpf.regress and against the truth of a simulation."""

import numpy as np
import pandas as pd
import pytest
from made_up_panels import keyed

from nqpf.regress import fixed_effects
from nqpf.tfp import solow_residual


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
