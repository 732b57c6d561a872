"""Global and local Moran: identities, invariance, permutations and bad input."""

from itertools import permutations as orders

import numpy as np
import pandas as pd
import pytest

from nqpf import provinces
from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.space import Weights, contiguity, inverse_distance, local_moran, moran

CODES = provinces.codes()
RNG = np.random.default_rng(11)
INDEX = pd.MultiIndex.from_product([CODES, [2012, 2022]], names=["province", "year"])
PANEL = pd.Series(RNG.normal(size=62), index=INDEX, name="index")
ROWS = contiguity(hainan=True).row_standardised()
FAR = inverse_distance()


@pytest.mark.parametrize("weights", [ROWS, FAR, contiguity()], ids=["rows", "distance", "island"])
def test_local_statistics_add_up_to_the_global_one(weights):
    total = local_moran(PANEL, weights, 9).table["I"].groupby(level="year").sum()
    expected = moran(PANEL, weights, 0).table["I"] * weights.matrix.to_numpy().sum()
    assert np.allclose(total, expected, rtol=0, atol=1e-12)
    if weights is ROWS:
        assert np.allclose(total, 31 * moran(PANEL, weights, 0).table["I"], rtol=0, atol=1e-12)


def test_the_order_of_rows_changes_nothing():
    mixed = PANEL.sample(frac=1, random_state=2)
    turned = Weights(ROWS.matrix.loc[CODES[::-1], CODES[::-1]], ROWS.kind, True)
    pd.testing.assert_frame_equal(moran(mixed, turned, 99).table, moran(PANEL, ROWS, 99).table)
    local = local_moran(mixed, turned, 99).table
    assert local.index.equals(mixed.index)
    pd.testing.assert_frame_equal(local.loc[INDEX], local_moran(PANEL, ROWS, 99).table)


@pytest.mark.parametrize("slope", [2.5, -3.0])
def test_shifts_and_scales_change_nothing(slope):
    moved = 7.0 + slope * PANEL
    same = ["I", "variance", "z", "z_sim", "p_sim"]
    a, b = moran(PANEL, ROWS, 199).table[same], moran(moved, ROWS, 199).table[same]
    assert np.allclose(a, b, rtol=0, atol=1e-10)
    a, b = local_moran(PANEL, ROWS, 199).table, local_moran(moved, ROWS, 199).table
    for column in ("I", "expected", "variance", "z", "p_sim"):
        assert np.allclose(a[column], b[column], rtol=0, atol=1e-10)
    swap = {"HH": "LL", "LL": "HH", "HL": "LH", "LH": "HL"}
    expected = a["quadrant"] if slope > 0 else a["quadrant"].map(swap)
    assert (b["quadrant"] == expected).all()


def test_one_year_alone_is_as_in_the_panel():
    alone = moran(PANEL.xs(2022, level="year"), ROWS, 99).table.iloc[0]
    assert np.allclose(alone, moran(PANEL, ROWS, 99).table.loc[2022], rtol=0, atol=1e-12)


def test_seeds_give_the_same_and_leave_global_numbers_alone():
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    first, again = moran(PANEL, ROWS, seed=4), moran(PANEL, ROWS, seed=4)
    local = local_moran(PANEL, ROWS, seed=4).table
    assert first.table.equals(again.table)
    assert local.equals(local_moran(PANEL, ROWS, seed=4).table)
    assert not first.table["z_sim"].equals(moran(PANEL, ROWS, seed=5).table["z_sim"])
    assert (np.random.get_state()[1] == before).all()


SMALL = pd.Series([4.0, 3.1, 0.2, 1.0, -2.0, 0.7], index=list("abcdef"), name="y")
CHAIN = Weights(pd.DataFrame(np.eye(6, k=1) + np.eye(6, k=-1), list("abcdef"), list("abcdef")))


def test_permutations_approach_all_orders():
    def statistic(z):
        return z[:-1] @ z[1:]

    z = (SMALL - SMALL.mean()).to_numpy()
    every = np.array([statistic(z[list(p)]) for p in orders(range(6))])
    exact = (every >= statistic(z) - 1e-12).mean()
    table = moran(SMALL, CHAIN, 20000, alternative="directed").table.iloc[0]
    assert table["p_sim"] == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20000))
    assert table["variance"] == pytest.approx((every * 2 * 6 / 10 / (z @ z)).var(), rel=1e-10)
    assert table["expected"] == pytest.approx((every * 2 * 6 / 10 / (z @ z)).mean(), rel=1e-10)


def test_local_permutations_approach_all_orders():
    z = (SMALL - SMALL.mean()).to_numpy()
    table = local_moran(SMALL, CHAIN, 20000, alternative="directed").table
    for i, name in enumerate(SMALL.index):
        others = np.delete(z, i)
        weights = np.delete(CHAIN.matrix.to_numpy()[i], i)
        every = np.array([z[i] * weights @ others[list(p)] for p in orders(range(5))])
        every = every / (z @ z / 6)
        assert table["expected"].iloc[i] == pytest.approx(every.mean(), abs=1e-12)
        assert table["variance"].iloc[i] == pytest.approx(every.var(), rel=1e-10)
        own = table["I"].iloc[i]
        tail = min((every >= own - 1e-12).mean(), (every <= own + 1e-12).mean())
        spread = 4 * np.sqrt(tail * (1 - tail) / 20000) + 1e-4
        assert table.loc[name, "p_sim"] == pytest.approx(tail, abs=spread)


def test_two_sided_doubles_the_smaller_tail():
    one = local_moran(PANEL, ROWS, alternative="directed").table["p_sim"]
    two = local_moran(PANEL, ROWS).table["p_sim"]
    assert np.allclose(two, np.minimum(1, 2 * one), rtol=0, atol=1e-15)


def test_quadrants_name_own_and_neighbours():
    local = local_moran(PANEL, ROWS, 99).table
    for year in (2012, 2022):
        own = PANEL.xs(year, level="year")
        z = own - own.mean()
        high, near = z > 0, ROWS.lag(z) > 0
        expected = [
            ("H" if a else "L") + ("H" if b else "L") for a, b in zip(high, near, strict=True)
        ]
        assert local.xs(year, level="year")["quadrant"].tolist() == expected


def test_a_known_cluster_is_found_and_noise_is_not():
    west = pd.Series([float(c in (650000, 540000, 630000, 620000)) for c in CODES], index=CODES)
    found = local_moran(west + 1e-3 * PANEL.xs(2012, level="year"), ROWS, correction="fdr")
    assert found.clusters[650000] == "HH" and found.clusters[630000] == "HH"
    rates = [
        (
            local_moran(pd.Series(RNG.normal(size=31), CODES), ROWS, 199).table["p_sim"] <= 0.05
        ).mean()
        for _ in range(40)
    ]
    assert 0.02 < np.mean(rates) < 0.08


def test_false_discovery_rate_is_benjamini_hochbergs():
    table = local_moran(PANEL, ROWS, correction="fdr").table.xs(2012, level="year")
    p = table["p_sim"].sort_values()
    steps = (p * 31 / np.arange(1, 32))[::-1].cummin()[::-1]
    assert np.allclose(table["p_adjusted"].loc[steps.index], steps, rtol=0, atol=1e-15)
    assert (table["p_adjusted"] >= table["p_sim"] - 1e-15).all()
    assert ((table["cluster"] == "not significant") == (table["p_adjusted"] > 0.05)).all()


def test_an_island_adds_nothing_and_says_so():
    result = local_moran(PANEL, contiguity().row_standardised(), correction="fdr")
    hainan = result.table.loc[460000]
    assert result.islands == (460000,)
    assert (hainan["I"] == 0).all() and hainan[["z", "p_sim", "p_adjusted"]].isna().all(axis=None)
    assert (hainan["cluster"] == "no neighbours").all() and hainan["quadrant"].isna().all()
    assert moran(PANEL, contiguity(), 9).islands == (460000,)


def test_a_subset_by_year():
    part = PANEL.drop((540000, 2022))
    with pytest.raises(SampleError, match=r"not in the data: Tibet \(540000\) \[year 2022\]"):
        moran(part, ROWS)
    table = moran(part, ROWS, 9, subset=True).table
    assert table["n"].tolist() == [31, 30]
    assert table.loc[2012, "I"] == moran(PANEL, ROWS, 9).table.loc[2012, "I"]


def test_bad_series_are_named():
    flat = PANEL.where(PANEL.index.get_level_values("year") != 2022, 0.1)
    with pytest.raises(EstimationError, match=r"same figure \[variable index, year 2022\]"):
        moran(flat, ROWS)
    with pytest.raises(SampleError, match=r"Tibet \(540000\), year 2012"):
        local_moran(PANEL.where(PANEL.index != (540000, 2012)), ROWS)
    with pytest.raises(SampleError, match="repeated key"):
        moran(pd.concat([PANEL, PANEL.iloc[:1]]), ROWS)
    with pytest.raises(SampleError, match="3 provinces in a year"):
        moran(PANEL.loc[CODES[:3]], ROWS, subset=True)
    with pytest.raises(EstimationError, match="no province has a neighbour"):
        moran(PANEL, inverse_distance(cutoff=1))


def test_bad_options_are_named():
    for bad in (-1, 1.5, True):
        with pytest.raises(MethodError, match="permutations is"):
            moran(PANEL, ROWS, bad)
    with pytest.raises(MethodError, match="permutations is 0"):
        local_moran(PANEL, ROWS, 0)
    with pytest.raises(MethodError, match="unknown alternative 'two-side'"):
        moran(PANEL, ROWS, alternative="two-side")
    with pytest.raises(MethodError, match="unknown correction"):
        local_moran(PANEL, ROWS, correction="bonferroni")
    with pytest.raises(MethodError, match="level is 5"):
        local_moran(PANEL, ROWS, level=5)


def test_no_permutations_leave_the_analytic_columns():
    assert "p_sim" not in moran(PANEL, ROWS, 0).table
