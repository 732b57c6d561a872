"""The estimated capital share against least squares with dummies and against nqpf.regress."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.regress import fixed_effects
from nqpf.tfp import solow_residual


def sample(seed, alpha=0.45, beta=0.55, noise=0.05, units=20, years=9):
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(units), range(2010, 2010 + years)], names=["province", "year"]
    )
    logs = pd.DataFrame(rng.normal(0, 0.3, (len(keys), 2)), keys, ["capital", "labour"])
    effects = np.add.outer(rng.normal(size=units), rng.normal(size=years)).ravel()
    output = alpha * logs["capital"] + beta * logs["labour"] + effects
    return np.exp(logs.assign(output=output + rng.normal(0, noise, len(keys))))


@pytest.mark.parametrize("seed", range(2))
def test_shares_equal_least_squares_with_dummies(seed):
    frame = sample(seed)
    logs = np.log(frame)
    unit, year = (pd.get_dummies(frame.index.get_level_values(i)).to_numpy(float) for i in (0, 1))
    dummies = np.hstack([unit, year[:, 1:]])
    free = np.linalg.lstsq(
        np.column_stack([logs["capital"], logs["labour"], dummies]), logs["output"], rcond=None
    )[0]
    result = solow_residual(frame, share="estimated", returns="variable")
    np.testing.assert_allclose([result.alpha.iloc[0], result.beta.iloc[0]], free[:2], rtol=1e-10)
    per_worker = np.linalg.lstsq(
        np.column_stack([logs["capital"] - logs["labour"], dummies]),
        logs["output"] - logs["labour"],
        rcond=None,
    )[0][0]
    result = solow_residual(frame, share="estimated")
    assert result.alpha.iloc[0] == pytest.approx(per_worker, rel=1e-10)
    assert result.beta.iloc[0] == pytest.approx(1 - per_worker, rel=1e-10)


@pytest.mark.parametrize("seed", range(2))
def test_errors_and_test_equal_the_regressions_of_nqpf_regress(seed):
    frame = np.log(sample(seed))
    frame["y_l"] = frame["output"] - frame["labour"]
    frame["k_l"] = frame["capital"] - frame["labour"]
    restricted = fixed_effects(frame, "y_l", ["k_l"])
    unrestricted = fixed_effects(frame, "y_l", ["k_l", "labour"])
    result = solow_residual(np.exp(frame[["output", "capital", "labour"]]), share="estimated")
    test = result.returns_test
    assert result.alpha_se == pytest.approx(restricted.std_errors["k_l"], rel=1e-10)
    assert test.scale - 1 == pytest.approx(unrestricted.params["labour"], rel=1e-8)
    assert test.std_error == pytest.approx(unrestricted.std_errors["labour"], rel=1e-10)
    assert test.pvalue == pytest.approx(unrestricted.pvalues["labour"], rel=1e-8)
    assert test.df == unrestricted.df
