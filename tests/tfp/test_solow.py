"""Solow residuals: identities, options and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_panels import keyed

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.tfp import solow_residual


def sample(seed=0, units=6, years=8):
    rng = np.random.default_rng(seed)
    walk = rng.normal(0.05, 0.1, (units, years, 3)).cumsum(axis=1) + rng.normal(5, 1, (units, 1, 3))
    return pd.DataFrame(
        np.exp(walk.reshape(-1, 3)), keyed(units, years), ["output", "capital", "labour"]
    )


def adds_up(rows):
    total = rows[["capital", "labour", "tfp"]].sum(axis=1)
    np.testing.assert_allclose(total, rows["output"], rtol=0, atol=1e-12)


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.floats(0.05, 0.95))
def test_contributions_add_up_to_growth(seed, share):
    result = solow_residual(sample(seed), share=share)
    adds_up(result.contributions)
    table = result.accounting()
    shares = table.filter(like="contribution_share").sum(axis=1)
    np.testing.assert_allclose(shares * table["output"], table["output"], atol=1e-12)


def test_known_productivity_is_recovered_and_relative_to_the_first_year():
    frame = sample(1)
    level = pd.Series(np.linspace(1, 2, len(frame)), index=frame.index)
    frame["output"] = level * frame["capital"] ** 0.3 * frame["labour"] ** 0.7
    result = solow_residual(frame, share=0.3)
    np.testing.assert_allclose(result.log_tfp, np.log(level), atol=1e-12)
    assert np.log(result.tfp.xs(2010, level="year")).mean() == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(result.tfp / level, result.tfp.iloc[0] / level.iloc[0])


@settings(max_examples=10)
@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_units_of_measure_do_not_matter(a, b, c):
    plain, scaled = solow_residual(sample(2)), solow_residual(sample(2) * [a, b, c])
    np.testing.assert_allclose(plain.tfp, scaled.tfp, rtol=1e-9)
    np.testing.assert_allclose(plain.growth, scaled.growth, atol=1e-10)


def test_a_year_left_out_does_not_move_the_mean():
    frame = sample(5)
    frame["output"] = frame["capital"] ** 0.5 * frame["labour"] ** 0.5
    frame["output"] *= np.exp(0.02 * (frame.index.get_level_values("year") - 2010))
    true = solow_residual(frame).accounting()["tfp"]
    np.testing.assert_allclose(true, 0.02, atol=1e-12)
    later = (frame.index.get_level_values(0) == 2) & (frame.index.get_level_values(1) >= 2014)
    frame.loc[later, "labour"] *= 0.7  # a break: fewer persons are counted
    result = solow_residual(frame)
    broken = pd.Series(True, index=pd.MultiIndex.from_tuples([(2, 2014)], names=frame.index.names))
    kept = result.accounting(without=broken)
    assert result.accounting().loc[2, "tfp"] > 0.04
    np.testing.assert_allclose(kept["tfp"], 0.02, atol=1e-12)
    assert kept["years"].tolist() == [7, 7, 6, 7, 7, 7]
    adds_up(kept)
    every = pd.Series(True, index=result.growth.index)
    assert 3 not in result.accounting(without=every.loc[[3]]).index
    with pytest.raises(SampleError, match="not all left out"):
        result.accounting(without=every)


def test_row_order_and_columns_instead_of_an_index():
    frame = sample(4)
    shuffled = frame.sample(frac=1, random_state=0).reset_index()
    before = shuffled.copy()
    pd.testing.assert_series_equal(solow_residual(shuffled).tfp, solow_residual(frame).tfp)
    pd.testing.assert_frame_equal(shuffled, before)


def test_shares_by_unit():
    frame = sample(5)
    shares = pd.Series(np.linspace(0.3, 0.6, 6), index=range(6))
    result = solow_residual(frame, share=shares)
    for unit in range(6):
        own = solow_residual(frame.loc[[unit]], share=shares[unit])
        np.testing.assert_allclose(own.log_tfp, result.log_tfp.loc[[unit]])


def test_accounting_up_to_a_year_averages_the_years_before():
    result = solow_residual(sample(6))
    table = result.accounting(end=2012)
    assert table["years"].tolist() == [2] * 6
    expected = result.growth[result.growth.index.get_level_values("year") <= 2012]
    np.testing.assert_allclose(table["tfp"], expected.groupby(level=0).mean())
    with pytest.raises(SampleError, match="no growth up to 2010"):
        result.accounting(end=2010)


def test_estimation_states_its_test_and_warns_of_a_share_that_is_none():
    frame = sample(7)
    frame["output"] = frame["capital"] ** 1.4 * frame["labour"] ** -0.4
    frame["output"] *= np.exp(np.random.default_rng(0).normal(0, 0.01, len(frame)))
    estimated = {"share": "estimated"}
    with pytest.warns(UserWarning, match=r"outside \(0, 1\)"):
        result = solow_residual(frame, **estimated)
        frame["output"] *= frame["labour"]
        free = solow_residual(frame, **estimated, returns="variable")
    assert result.returns_test.df == 5
    assert result.returns_test.scale == pytest.approx(1, abs=0.05)
    assert result.returns_test.pvalue > 0.01 > 1e-6 > free.returns_test.pvalue
    for one in (result, free):
        adds_up(one.contributions)


FRAME, FIT = sample(), {"share": "estimated"}
SPOILT = {value: FRAME.assign(labour=FRAME["labour"].mask(FRAME.index == (2, 2013), value))
          for value in (0.0, np.inf)}  # fmt: skip
LABOUR = FRAME["labour"]


@pytest.mark.parametrize(
    ("frame", "options", "error", "said"),
    [
        (FRAME, {"share": 1.2}, MethodError, "capital share 1.2"),
        (FRAME, {"share": "estimate"}, MethodError, "Did you mean 'estimated'"),
        (FRAME, {"returns": "increasing"}, MethodError, "unknown returns"),
        (FRAME, {"returns": "variable"}, MethodError, "share='estimated'"),
        (FRAME, {"share": pd.Series({0: 0.5})}, SampleError, "capital share is not given"),
        (FRAME.rename(columns={"capital": "capitol"}), {}, DataError, "Did you mean 'capitol'"),
        (SPOILT[0.0], {}, DataError, "labour is 0 .*year 2013"),
        (SPOILT[np.inf], {}, SampleError, "missing or infinite.*year 2013"),
        (FRAME.drop((2, 2013)), {}, SampleError, "gap.*year 2013"),
        (pd.concat([FRAME, FRAME.iloc[:1]]), {}, SampleError, "more than once"),
        (FRAME.loc[[0]], FIT, EstimationError, "too few"),
        (FRAME.assign(labour=2.0), FIT, EstimationError, "'labour' is constant"),
        (FRAME.assign(capital=3 * LABOUR), FIT, EstimationError, "per worker' is constant"),
        (FRAME.assign(capital=LABOUR**3), FIT, EstimationError, "per worker', 'labour' are col"),
    ],
)
def test_what_is_refused(frame, options, error, said):
    with pytest.raises(error, match=said):
        solow_residual(frame, **options)
