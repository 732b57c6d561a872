"""The kernel: what it returns, what it marks and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf.regress import fixed_effects
from nqpf.regress.kernel import cross_products

NAMES = ["y", "a", "b", "c"]


def sample(seed=0, units=8, years=6, drop=5):
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(units), range(2010, 2010 + years)], names=["province", "year"]
    )
    frame = pd.DataFrame(rng.normal(size=(len(keys), 4)), keys, NAMES)
    frame["y"] += 0.5 * frame["a"] + np.repeat(rng.normal(size=units), years)
    return frame.iloc[np.sort(rng.permutation(len(frame))[drop:])]


@pytest.mark.parametrize("effects", ["two-way", "unit", "time", "pooled"])
@pytest.mark.parametrize("convention", ["nested", "all", "linearmodels", "none"])
def test_one_specification_equals_fixed_effects(effects, convention):
    frame = sample()
    found = cross_products(frame, NAMES, effects=effects).fit(
        "y", ["a", "b"], convention=convention
    )
    wanted = fixed_effects(frame, "y", ["a", "b"], effects=effects, convention=convention)
    for got, want in (
        (found.params[0], wanted.params),
        (found.std_errors[0], wanted.std_errors),
        (found.pvalues[0], wanted.pvalues),
    ):
        np.testing.assert_allclose(got, want[["a", "b"]], rtol=1e-10)
    np.testing.assert_allclose(found.rsquared_within[0], wanted.rsquared_within, rtol=1e-10)
    assert (found.df, found.nobs) == (wanted.df, wanted.nobs)
