"""Global and local Moran: identities, invariance, permutations and bad input."""

from itertools import permutations as orders

import numpy as np
import pandas as pd
import pytest
from made_up_panels import case, normals, refusals

from nqpf import provinces
from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.space import align, contiguity, local_moran, moran
from nqpf.space.weights import inverse_distance

CODES = provinces.codes()
PANEL = normals(11, ["index"], CODES, 2, 2012)[0]["index"]
ROWS = contiguity(hainan=True).row_standardised()


@pytest.mark.parametrize("weights", [ROWS, inverse_distance(), contiguity()],
                         ids=["rows", "distance", "island"])  # fmt: skip
def test_local_statistics_add_up_to_the_global_one(weights):
    total = local_moran(PANEL, weights, 9)["I"].groupby(level="year").sum()
    expected = moran(PANEL, weights, 0)["I"] * weights.matrix.to_numpy().sum()
    assert np.allclose(total, expected, rtol=0, atol=1e-12)


def test_the_order_of_rows_changes_nothing():
    mixed = PANEL.sample(frac=1, random_state=2)
    turned = align(ROWS, PANEL.loc[CODES[::-1]])
    pd.testing.assert_frame_equal(moran(mixed, turned, 99), moran(PANEL, ROWS, 99))
    local = local_moran(mixed, turned, 99)
    assert local.index.equals(mixed.index)
    pd.testing.assert_frame_equal(local.loc[PANEL.index], local_moran(PANEL, ROWS, 99))


@pytest.mark.parametrize("slope", [2.5, -3.0])
def test_shifts_and_scales_change_nothing(slope):
    for test in (moran, local_moran):
        a, b = (test(own, ROWS, 199) for own in (PANEL, 7.0 + slope * PANEL))
        same = a.columns.intersection(["I", "expected", "variance", "z", "p_sim"])
        assert np.allclose(a[same], b[same], rtol=0, atol=1e-10)
    swap = {"HH": "LL", "LL": "HH", "HL": "LH", "LH": "HL"}
    assert (b["quadrant"] == (a["quadrant"] if slope > 0 else a["quadrant"].map(swap))).all()


def test_one_year_alone_is_as_in_the_panel_and_seeds_leave_global_numbers_alone():
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    alone = moran(PANEL.xs(2013, level="year"), ROWS, 99).iloc[0]
    assert np.allclose(alone, moran(PANEL, ROWS, 99).loc[2013], rtol=0, atol=1e-12)
    for test in (moran, local_moran):
        assert test(PANEL, ROWS, seed=4).equals(test(PANEL, ROWS, seed=4))
        assert not test(PANEL, ROWS, 99, seed=4).equals(test(PANEL, ROWS, 99, seed=5))
    assert (np.random.get_state()[1] == before).all()
    assert "p_sim" not in moran(PANEL, ROWS, 0)


SMALL = pd.Series([4.0, 3.1, 0.2, 1.0, -2.0, 0.7], index=list("abcdef"), name="y")
CHAIN = align(pd.DataFrame(np.eye(6, k=1) + np.eye(6, k=-1), list("abcdef"), list("abcdef")), SMALL)


def test_permutations_approach_all_orders():
    z = (SMALL - SMALL.mean()).to_numpy()
    every = np.array([p[:-1] @ p[1:] for p in map(np.array, orders(z))]) * 2 * 6 / 10 / (z @ z)
    table = moran(SMALL, CHAIN, 20000, alternative="directed").iloc[0]
    exact = (every >= table["I"] - 1e-12).mean()
    assert table["p_sim"] == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20000))
    assert table["variance"] == pytest.approx(every.var(), rel=1e-10)
    assert table["expected"] == pytest.approx(every.mean(), rel=1e-10)


def test_local_permutations_approach_all_orders():
    z = (SMALL - SMALL.mean()).to_numpy()
    table = local_moran(SMALL, CHAIN, 20000, alternative="directed")
    for i, (_, row) in enumerate(table.iterrows()):
        others, weights = np.delete(z, i), np.delete(CHAIN.matrix.to_numpy()[i], i)
        every = np.array([z[i] * weights @ others[list(p)] for p in orders(range(5))])
        every = every / (z @ z / 6)
        tail = min((every >= row["I"] - 1e-12).mean(), (every <= row["I"] + 1e-12).mean())
        spread = 4 * np.sqrt(tail * (1 - tail) / 20000) + 1e-4
        assert row["p_sim"] == pytest.approx(tail, abs=spread)


def test_tails_corrections_and_quadrants():
    scores = PANEL + 3.0 * (PANEL.index.get_level_values(0) > 610000)  # a cluster in the west
    sides = (local_moran(scores, ROWS, alternative=a) for a in ("directed", "two-sided"))
    one, two = (side["p_sim"] for side in sides)
    assert np.allclose(two, np.minimum(1, 2 * one), rtol=0, atol=1e-15)
    table = local_moran(scores, ROWS, correction="fdr").xs(2012, level="year")
    p = table["p_sim"].sort_values()
    steps = (p * 31 / np.arange(1, 32))[::-1].cummin()[::-1]  # Benjamini and Hochberg
    assert np.allclose(table["p_adjusted"].loc[steps.index], steps, rtol=0, atol=1e-15)
    named = table["quadrant"].where(table["p_adjusted"] <= 0.05, "not significant")
    assert table["cluster"].tolist() == named.tolist() and table.loc[650000, "cluster"] == "HH"
    own = scores.xs(2012, level="year")
    high, near = own > own.mean(), align(ROWS, own).matrix @ (own - own.mean()) > 0
    wanted = high.map({True: "H", False: "L"}) + near.map({True: "H", False: "L"})
    assert table["quadrant"].tolist() == wanted.tolist()


def test_an_island_adds_nothing_and_says_so():
    hainan = local_moran(PANEL, contiguity().row_standardised(), correction="fdr").loc[460000]
    assert (hainan["I"] == 0).all() and hainan[["p_sim", "p_adjusted"]].isna().all(axis=None)
    assert (hainan["cluster"] == "no neighbours").all() and hainan["quadrant"].isna().all()


def test_a_subset_by_year():
    table = moran(PART, ROWS, 9, subset=True)
    assert table["n"].tolist() == [31, 30]
    assert table.loc[2012, "I"] == moran(PANEL, ROWS, 9).loc[2012, "I"]


YEAR, KEYS = PANEL.index.get_level_values("year"), PANEL.index
PART = PANEL.drop((540000, 2013))
test_bad_series_and_options_are_named = refusals(
    SampleError,
    (r"same figure \[variable index, year 2013\]",
     lambda: moran(PANEL.where(YEAR != 2013, 0.1), ROWS), EstimationError),
    (r"Tibet \(540000\), year 2012",
     lambda: local_moran(PANEL.where(KEYS != (540000, 2012)), ROWS)),
    (r"not in the data: Tibet \(540000\) \[year 2013\]", lambda: moran(PART, ROWS)),
    ("repeated key", lambda: moran(pd.concat([PANEL, PANEL.iloc[:1]]), ROWS)),
    ("3 provinces in a year", lambda: moran(PANEL.loc[CODES[:3]], ROWS, subset=True)),
    ("no .* neighbour", lambda: moran(PANEL, inverse_distance(cutoff=1)), EstimationError),
    ("permutations is -1", lambda: moran(PANEL, ROWS, -1), MethodError),
    ("permutations is 0", lambda: local_moran(PANEL, ROWS, 0), MethodError),
    ("alternative 'two-side'", lambda: moran(PANEL, ROWS, alternative="two-side"), MethodError),
    ("unknown correction", lambda: local_moran(PANEL, ROWS, correction="holm"), MethodError),
)  # fmt: skip


# Print


@pytest.fixture(scope="module")
def columbus():
    data = case("oldcol_data_localmoran.csv", index_col="id")
    matrix = case("oldcol_W.csv")
    matrix.index = matrix.columns = data.index
    return data, align(matrix, data).row_standardised()  # as file rounds the weights to 15 digits


def test_moran_test_of_spdep(columbus):
    # R spdep 1.2-7: moran.test(CRIME, listw), with randomisation=TRUE and FALSE
    data, weights = columbus
    row = moran(data["CRIME"], weights).iloc[0]
    printed = [0.51095126407879310, -0.02083333333333333, 0.00890876155987795]
    printed += [5.634132894179, 5.675350196933]
    found = row[["I", "expected", "variance", "z", "z_normal"]].tolist()
    assert found == pytest.approx(printed, rel=1e-11)
    assert row["p"] / 2 == pytest.approx(8.79706560281e-09, rel=1e-9) and row["p_sim"] == 0.002


def test_localmoran_of_spdep(columbus):
    # R spdep 1.2-7: localmoran(CRIME, listw), conditional=TRUE
    data, weights = columbus
    table = local_moran(data["CRIME"].sample(frac=1, random_state=0), weights).loc[data.index]
    assert np.allclose(table["I"], data["local_I"], rtol=0, atol=1e-13)
