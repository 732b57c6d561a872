"""Solow residuals: identities, options, what is refused, and regressions."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linearmodels.panel import PanelOLS
from made_up_panels import keyed, rearranged, refusals, refuses
from scipy.stats import t as student

from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.tfp import solow_residual


def sample(seed=0, units=6, years=8):
    rng = np.random.default_rng(seed)
    walk = rng.normal(0.05, 0.1, (units, years, 3)).cumsum(axis=1) + rng.normal(5, 1, (units, 1, 3))
    names = ["output", "capital", "labour"]
    return pd.DataFrame(np.exp(walk.reshape(-1, 3)), keyed(units, years), names)


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
@given(*[st.floats(1e-6, 1e6)] * 3)
def test_units_of_measure_order_of_rows_and_place_of_keys_do_not_matter(a, b, c):
    plain, scaled = rearranged(solow_residual, sample(2), output=a, capital=b, labour=c)
    pd.testing.assert_series_equal(plain.tfp, scaled.tfp, rtol=1e-9)
    np.testing.assert_allclose(plain.growth, scaled.growth, atol=1e-10)


def test_a_year_left_out_does_not_move_the_mean():
    frame = sample(5)
    frame["output"] = frame["capital"] ** 0.5 * frame["labour"] ** 0.5
    frame["output"] *= np.exp(0.02 * (frame.index.get_level_values("year") - 2010))
    np.testing.assert_allclose(solow_residual(frame).accounting()["tfp"], 0.02, atol=1e-12)
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
    refuses(SampleError, "not all left out", result.accounting, without=every)


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
    refuses(SampleError, "no growth up to 2010", result.accounting, end=2010)


def test_estimation_states_its_test_and_warns_of_a_share_that_is_none():
    frame = sample(7)
    frame["output"] = frame["capital"] ** 1.4 * frame["labour"] ** -0.4
    frame["output"] *= np.exp(np.random.default_rng(0).normal(0, 0.01, len(frame)))
    estimated = {"share": "estimated"}
    with pytest.warns(UserWarning, match=r"outside \(0, 1\)"):
        result = solow_residual(frame, **estimated)
        frame["output"] *= frame["labour"]
        free = solow_residual(frame, **estimated, returns="variable")
    test, other = (one.regressions["variable"] for one in (result, free))
    assert test.df == 5 and test.params["labour"] == pytest.approx(0, abs=0.05)
    assert test.pvalues["labour"] > 0.01 > 1e-6 > other.pvalues["labour"]
    for one in (result, free):
        adds_up(one.contributions)


FRAME, FIT = sample(), {"share": "estimated"}
SPOILT = {value: FRAME.assign(labour=FRAME["labour"].mask(FRAME.index == (2, 2013), value))
          for value in (0.0, np.inf)}  # fmt: skip
LABOUR = FRAME["labour"]


def refused(frame=FRAME, **options):
    return partial(solow_residual, frame, **options)


test_what_is_refused = refusals(
    SampleError,
    ("capital share of 0 is 1.2", refused(share=1.2), MethodError),
    ("Did you mean 'estimated'", refused(share="estimate"), MethodError),
    ("unknown returns", refused(returns="increasing"), MethodError),
    ("share='estimated'", refused(returns="variable"), MethodError),
    ("capital share is not given", refused(share=pd.Series({0: 0.5}))),
    ("mean 'capitol'", refused(FRAME.rename(columns={"capital": "capitol"})), DataError),
    ("labour is 0 .*year 2013", refused(SPOILT[0.0]), DataError),
    ("missing or infinite.*year 2013", refused(SPOILT[np.inf])),
    ("gap.*year 2013", refused(FRAME.drop((2, 2013)))),
    ("more than once", refused(pd.concat([FRAME, FRAME.iloc[:1]]))),
    ("too few", refused(FRAME.loc[[0]], **FIT), EstimationError),
    ("'labour' is constant", refused(FRAME.assign(labour=2.0), **FIT), EstimationError),
    ("per worker' is cons", refused(FRAME.assign(capital=3 * LABOUR), **FIT), EstimationError),
    ("', 'labour' are col", refused(FRAME.assign(capital=LABOUR**3), **FIT), EstimationError),
)


# Peers


def peer(outcome, regressors):
    """Coefficients and errors by linearmodels, which divides by N - regressors, not N - K."""
    model = PanelOLS(outcome, regressors, entity_effects=True, time_effects=True)
    clustered = {"cov_type": "clustered", "cluster_entity": True, "group_debias": True}
    fit = model.fit(**clustered, auto_df=False, count_effects=False)
    rest = len(outcome) - regressors.shape[1]
    years = outcome.index.get_level_values(1).nunique()
    return fit.params, fit.std_errors * np.sqrt(rest / (rest - years))


@pytest.mark.parametrize("seed", range(2))
def test_shares_errors_and_test_equal_linearmodels(seed):
    rng, keys = np.random.default_rng(seed), keyed(units=20, years=9)
    logs = pd.DataFrame(rng.normal(0, 0.3, (len(keys), 2)), keys, ["capital", "labour"])
    effects = np.add.outer(rng.normal(size=20), rng.normal(size=9)).ravel()
    output = 0.45 * logs["capital"] + 0.55 * logs["labour"] + effects
    logs["output"] = output + rng.normal(0, 0.05, len(keys))
    result = solow_residual(np.exp(logs), share="estimated")
    free = solow_residual(np.exp(logs), share="estimated", returns="variable")
    logs["y_l"], logs["k_l"] = (logs[one] - logs["labour"] for one in ("output", "capital"))
    restricted, error = peer(logs["y_l"], logs[["k_l"]])
    unrestricted, errors = peer(logs["y_l"], logs[["k_l", "labour"]])
    elasticities, _ = peer(logs["output"], logs[["capital", "labour"]])
    found = free.alpha.iloc[0], free.beta.iloc[0]
    np.testing.assert_allclose(found, elasticities, rtol=1e-10)
    assert result.alpha.iloc[0] == pytest.approx(restricted["k_l"], rel=1e-10)
    assert result.beta.iloc[0] == pytest.approx(1 - restricted["k_l"], rel=1e-10)
    found_se = result.regressions["constant"].std_errors["capital per worker"]
    assert found_se == pytest.approx(error["k_l"], rel=1e-10)
    test, gamma = result.regressions["variable"], unrestricted["labour"]
    assert test.params["labour"] == pytest.approx(gamma, rel=1e-8)
    assert test.std_errors["labour"] == pytest.approx(errors["labour"], rel=1e-10)
    pvalue = 2 * student.sf(abs(gamma / errors["labour"]), 19)
    assert test.pvalues["labour"] == pytest.approx(pvalue, rel=1e-8) and test.df == 19
    # Four standard errors around what made the figures: another proof, of no regression's own.
    assert abs(result.alpha.iloc[0] - 0.45) < 4 * found_se < 0.2
    np.testing.assert_allclose(found, [0.45, 0.55], atol=0.1)
