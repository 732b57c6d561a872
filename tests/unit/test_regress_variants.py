"""Lags, leads, permutations and groups: what they promise and what they refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nqpf import provinces
from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.regress import fixed_effects
from nqpf.regress.heterogeneity import by_group, heterogeneity
from nqpf.regress.ols import lagged, lead_placebo
from nqpf.regress.resample import permutation_placebo


def sample(seed=0, units=None, years=6, slope=0.5):
    rng = np.random.default_rng(seed)
    units = provinces.codes() if units is None else range(units)
    keys = pd.MultiIndex.from_product(
        [units, range(2010, 2010 + years)], names=["province", "year"]
    )
    frame = pd.DataFrame(rng.normal(size=(len(keys), 3)), keys, ["y", "a", "b"])
    return frame.assign(y=frame["y"] + slope * frame["a"])


def test_a_lag_is_that_of_the_year_before_and_never_crosses_a_gap():
    frame = sample()
    frame["y"] = 2 * frame.groupby("province")["a"].shift(1).fillna(0) + frame["b"]
    holed = frame.drop([(110000, 2012), (440000, 2013)])
    fit = lagged(holed.sample(frac=1, random_state=0), "y", ["a", "b"], "a", vintage="census5")
    np.testing.assert_allclose(fit.params, [2, 1], rtol=1e-9)
    assert list(fit.params.index) == ["a (t-1)", "b"]
    assert fit.nobs == 31 * 5 - 2 - 2
    assert "151 of 184 rows" in fit.notes[0]
    assert (110000, 2013) not in fit.residuals.index
    assert fit.vintage == "census5"


def test_a_figure_is_needed_only_where_the_shifted_regression_uses_it():
    frame = sample(units=10)
    frame["y"] = 2 * frame.groupby("province")["a"].shift(1) + 0.01 * frame["b"]
    fit = lagged(frame, "y", "a")  # y of the first year is not known, and not needed
    late = frame.assign(**{"a (t-1)": frame.groupby("province")["a"].shift(1)}).dropna()
    pd.testing.assert_series_equal(fit.params, fixed_effects(late, "y", "a (t-1)").params)
    assert fit.nobs == 50
    assert "50 of 60 rows have it and every figure beside it" in fit.notes[0]
    years = frame.index.get_level_values("year")
    assert lagged(frame.assign(a=frame["a"].where(years < 2015)), "y", "a").nobs == 50
    assert lead_placebo(frame, "y", "a").nobs == 40  # years 2011 to 2014
    with pytest.raises(SampleError, match="infinite"):
        lagged(frame.fillna(np.inf), "y", "a")
    with pytest.raises(SampleError, match="no row has both"):
        lagged(frame.assign(y=frame["b"].where(years == 2010)), "y", "a")


def test_every_regressor_is_lagged_unless_some_are_named():
    frame = sample()
    fit = lagged(frame, "y", ["a", "b"], periods=2)
    assert list(fit.params.index) == ["a (t-2)", "b (t-2)"]
    late = frame.groupby("province")[["a", "b"]].shift(2).assign(y=frame["y"]).dropna()
    np.testing.assert_allclose(fit.params, fixed_effects(late, "y", ["a", "b"]).params)


def test_a_lead_that_causes_nothing_is_not_found_and_one_that_does_is():
    frame = sample()
    fit = lead_placebo(frame, "y", ["a", "b"])
    assert list(fit.params.index) == ["a", "b", "a (t+1)"]
    assert fit.pvalues["a (t+1)"] > 0.05 > fit.pvalues["a"]
    ahead = frame.groupby("province")["a"].shift(-1).fillna(0)
    assert lead_placebo(frame.assign(y=frame["y"] + ahead), "y", "a").pvalues["a (t+1)"] < 1e-6
    assert fit.nobs == 31 * 5


@pytest.mark.parametrize("effects", ["two-way", "unit", "time", "pooled"])
def test_permuted_statistics_are_those_of_refits(effects):
    frame = sample(1, units=9)
    test = permutation_placebo(frame, "y", ["a", "b"], effects=effects, draws=99, seed=4)
    wide, rng = frame["a"].unstack(), np.random.default_rng(4)
    for t in test.tstats[:2]:
        moved = frame.assign(a=wide.to_numpy()[rng.permutation(9)].ravel())
        fit = fixed_effects(moved, "y", ["a", "b"], effects=effects)
        assert t == pytest.approx(fit.tstats["a"], rel=1e-8)
    extreme = (np.abs(test.tstats) >= abs(test.tstat) * (1 - 1e-9)).sum()
    assert test.pvalue == (1 + extreme) / 100


def test_a_permutation_tells_effect_from_none():
    assert permutation_placebo(sample(), "y", ["a", "b"], draws=199).pvalue == 1 / 200
    test = permutation_placebo(sample(), "y", ["a", "b"], "b", draws=199)
    assert test.pvalue > 0.05
    assert "b permuted across provinces, 199 draws, seed 0" in test.label
    again = permutation_placebo(sample(), "y", ["a", "b"], "b", draws=199, seed=1)
    assert not np.array_equal(again.tstats, test.tstats)


def test_regions_are_regressed_apart():
    frame = sample()
    fits = by_group(frame, "y", ["a", "b"])
    assert {name: fit.groups for name, fit in fits.items()} == {
        "east": 10,
        "central": 6,
        "west": 12,
        "northeast": 3,
    }
    east = [code for code in provinces.codes() if provinces.region(code) == "east"]
    pd.testing.assert_series_equal(
        fits["east"].params, fixed_effects(frame.loc[east], "y", ["a", "b"]).params
    )
    assert "3 clusters are too few" in fits["northeast"].notes[0]
    assert not fits["east"].notes
    assert set(by_group(frame, "y", "a", "region3")) == set(provinces.table()["region3"])


def test_groups_by_column_by_mapping_and_by_series_are_the_same():
    frame = sample(units=8)
    coast = pd.Series({unit: "yes" if unit < 4 else "no" for unit in range(8)})
    column = frame.assign(coast=coast.reindex(frame.index.get_level_values(0)).to_numpy())
    tests = [heterogeneity(frame, "y", ["a", "b"], groups=g) for g in (coast, coast.to_dict())]
    tests.append(heterogeneity(column.reset_index(), "y", ["a", "b"], groups="coast"))
    assert len({test.statistic for test in tests}) == 1
    assert tests[0].units.to_dict() == {"no": 4, "yes": 4}


def test_equal_coefficients_are_not_rejected_and_different_ones_are():
    frame = sample(3)
    assert heterogeneity(frame, "y", ["a", "b"]).pvalue > 0.05
    east = frame.index.get_level_values(0).map(provinces.region) == "east"
    test = heterogeneity(frame.assign(y=frame["y"] + east * frame["a"]), "y", ["a", "b"])
    assert test.pvalue < 0.001
    assert test.result.params["a [east]"] > 1
    assert list(test.result.params.index[-1:]) == ["b"]
    assert test.distribution == "F(3, 30)"
    assert "east 10, central 6, west 12, northeast 3" in test.result.notes[0]
    assert test.distribution in test.conclusion
    assert "in 4 groups is rejected at 5%" in test.conclusion
    assert "is not rejected at 5%" in heterogeneity(frame, "y", ["a", "b"]).conclusion


def test_the_test_of_two_groups_is_t_of_the_interaction():
    frame = sample(units=12)
    second = (frame.index.get_level_values(0) >= 6) * frame["a"]
    fit = fixed_effects(frame.assign(second=second), "y", ["a", "second", "b"])
    groups = {unit: str(unit >= 6) for unit in range(12)}
    test = heterogeneity(frame, "y", ["a", "b"], groups=groups)
    assert test.statistic == pytest.approx(fit.tstats["second"] ** 2)
    assert test.pvalue == pytest.approx(fit.pvalues["second"])


def test_lags_that_are_refused():
    frame = sample(units=5)
    for periods in (0, -1, 1.5, True):
        with pytest.raises(MethodError, match="1 or more"):
            lagged(frame, "y", "a", periods=periods)
    with pytest.raises(MethodError, match="'A' is not among the regressors"):
        lagged(frame, "y", ["a", "b"], "A")
    with pytest.raises(SampleError, match=r"no province has a row 6 year\(s\) before"):
        lagged(frame, "y", "a", periods=6)
    with pytest.raises(SampleError, match=r"6 year\(s\) ahead"):
        lead_placebo(frame, "y", "a", periods=6)
    with pytest.raises(MethodError, match="variable 'c' is not among"):
        lead_placebo(frame, "y", "a", "c")


def test_placebos_and_groups_that_are_refused():
    frame = sample(units=5)
    with pytest.raises(SampleError, match="province 3, year 2012.*balanced"):
        permutation_placebo(frame.drop((3, 2012)), "y", "a")
    with pytest.raises(MethodError, match="99 or more"):
        permutation_placebo(frame, "y", "a", draws=20)
    with pytest.raises(SampleError, match="has no group.*province 4"):
        by_group(frame, "y", "a", {0: "x", 1: "x", 2: "y", 3: "y"})
    with pytest.raises(MethodError, match="unknown grouping 'region'"):
        by_group(frame, "y", "a", "region")
    changing = frame.assign(half=frame.index.get_level_values(1) > 2012)
    with pytest.raises(SampleError, match="changes its group.*year 2013"):
        by_group(changing, "y", "a", "half")
    with pytest.raises(MethodError, match="one group, 'x'"):
        heterogeneity(frame, "y", "a", groups=dict.fromkeys(range(5), "x"))
    with pytest.raises(EstimationError, match="group x.*1 cluster is too few|1 cluster.*group x"):
        by_group(frame, "y", "a", {0: "x", 1: "y", 2: "y", 3: "y", 4: "y"}, effects="time")
