"""The specification curve against plain loops and statsmodels."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from nqpf.compare.choices import variance_shares


@pytest.mark.parametrize("interaction", [0.0, 1.0], ids=["additive", "interaction"])
def test_shares_are_type_two_sums_of_squares_on_balanced_data(interaction):
    from statsmodels.api import stats
    from statsmodels.formula.api import ols

    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        list(product("abcd", "xyz", "uvw", range(2))),
        columns=["measure", "controls", "sample", "k"],
    )
    table["estimate"] = rng.normal(size=len(table)) + (table["measure"] == "a")
    table["estimate"] += interaction * ((table["measure"] == "b") & (table["controls"] == "x"))
    anova = stats.anova_lm(ols("estimate ~ measure * controls * sample", table).fit(), typ=2)
    squares = anova["sum_sq"] / anova["sum_sq"].sum()
    found = variance_shares(table, ["measure", "controls", "sample"])
    np.testing.assert_allclose(
        found.shares["first_order"], squares[["measure", "controls", "sample"]], rtol=0, atol=1e-10
    )
    for axis in found.shares.index:
        with_axis = squares[[term for term in squares.index if axis in term.split(":")]].sum()
        assert found.shares.loc[axis, "total"] == pytest.approx(with_axis, abs=1e-10)
    assert found.unexplained == pytest.approx(squares["Residual"], abs=1e-10)
