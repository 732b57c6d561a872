"""Efficiency and Malmquist indices against linprog, DEAP's printed examples and DEAPack.

The reference here solves the multiplier (dual) form, one dense program per unit, with
scipy; the library solves the envelopment form with highspy and shares bases.
"""

import functools
from itertools import product

import deapack
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from nqpf.tfp import production
from nqpf.tfp.dea import efficiency, malmquist


def multiplier(x_ref, y_ref, x, y, returns):
    """Farrell score of one unit from the dual, with prices of inputs v and outputs u.

    min v x + w  s.t.  u y = 1, v X - u Y + w >= 0; the score is the reciprocal.
    """
    x_ref, x = x_ref / x_ref.mean(0), x / x_ref.mean(0)
    y_ref, y = y_ref / y_ref.mean(0), y / y_ref.mean(0)
    m, s = x.size, y.size
    free = [1.0] if returns == "vrs" else []
    found = linprog(
        [*x, *(0 * y), *free],
        A_ub=-np.hstack([x_ref, -y_ref, np.ones((len(x_ref), len(free)))]),
        b_ub=np.zeros(len(x_ref)),
        A_eq=[[*(0 * x), *y, *(0.0 for _ in free)]],
        b_eq=[1.0],
        bounds=[(0, None)] * (m + s) + [(None, None)] * len(free),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if found.status == 3:  # an unbounded dual: the unit cannot be reached
        return np.nan
    assert found.status == 0, found.message
    return 1 / found.fun


def scores(frame, inputs, outputs, reference_years, year, returns):
    reference = frame[frame.index.get_level_values(1).isin(reference_years)]
    units = frame.xs(year, level=1)
    x_ref, y_ref = reference[inputs].to_numpy(), reference[outputs].to_numpy()
    pairs = zip(units[inputs].to_numpy(), units[outputs].to_numpy(), strict=True)
    found = [multiplier(x_ref, y_ref, x, y, returns) for x, y in pairs]
    return pd.Series(found, index=units.index)


def textbook(frame, inputs, outputs, reference="contemporaneous", rd=False):
    """All five indices between adjacent years, each written from its definition."""
    years = sorted(frame.index.get_level_values(1).unique())
    rows = {}

    @functools.cache
    def score(at, year, returns):
        base = [y for y in years if y <= at] if reference == "sequential" else [at]
        base = years if at is None else base
        return scores(frame, inputs, outputs, base, year, returns)

    for t, u in zip(years, years[1:], strict=False):
        c = {(a, b): score(a, b, "crs") for a in (t, u) for b in (t, u)}
        v = {(a, a): score(a, a, "vrs") for a in (t, u)}
        row = {
            "effch": c[u, u] / c[t, t],
            "techch": np.sqrt(c[t, u] / c[u, u] * c[t, t] / c[u, t]),
            "pech": v[u, u] / v[t, t],
            "sech": (c[u, u] / v[u, u]) / (c[t, t] / v[t, t]),
            "tfpch": np.sqrt(c[t, u] / c[t, t] * c[u, u] / c[u, t]),
        }
        if rd:
            v |= {(a, b): score(a, b, "vrs") for a, b in ((t, u), (u, t))}
            scale = {key: c[key] / v[key] for key in c}
            row["techch"] = np.sqrt(v[t, u] / v[u, u] * v[t, t] / v[u, t])
            row["sech"] = np.sqrt(scale[t, u] / scale[t, t] * scale[u, u] / scale[u, t])
        if reference == "global":
            row["tfpch"] = score(None, u, "crs") / score(None, t, "crs")
            row["techch"] = row["tfpch"] / row["effch"]
        rows[u] = pd.DataFrame(row)
    return pd.concat(rows, names=[frame.index.names[1]]).swaplevel().sort_index()


def random_panel(seed, units=9, years=3):
    """Some units are copies, some scaled copies: ties and degenerate corners."""
    rng = np.random.default_rng(seed)
    values = rng.lognormal(0, 0.6, (units * years, 5))
    values[3], values[7] = values[0], 2 * values[4]
    index = pd.MultiIndex.from_product([range(units), range(years)], names=["unit", "year"])
    return pd.DataFrame(values, index, ["a", "b", "c", "p", "q"])


@pytest.mark.filterwarnings("ignore:.*have no solution")
@pytest.mark.parametrize(
    ("split", "reference"),
    [*product(["fgnz", "ray-desli"], ["contemporaneous", "sequential"]), ("fgnz", "global")],
)
def test_random_panels_equal_the_dual(split, reference):
    frame = random_panel(len(split))
    inputs, outputs = ["a", "b", "c"], ["p", "q"]
    expected = textbook(frame, inputs, outputs, reference, rd=split == "ray-desli")
    found = malmquist(frame, inputs, outputs, "unit", "year", "vrs", reference, split)
    pd.testing.assert_frame_equal(found.indices, expected, rtol=0, atol=1e-8)
    if reference == "global":
        pooled = scores(frame, inputs, outputs, range(3), 2, "crs")
        np.testing.assert_allclose(found.scores.crs_global.xs(2, level=1), pooled, atol=1e-8)
    missing = expected.isna().any(axis=1)
    rows = found.infeasible[["unit", "year", "frontier"]].itertuples(index=False)
    assert set(missing.index[missing]) <= {(unit, max(pair)) for unit, *pair in rows}


def most_output(x, y, level):
    """The frontier of one input and one output at variable returns, from all pairs of units."""
    pairs = [
        y[i] + (y[j] - y[i]) * (level - x[i]) / (x[j] - x[i])
        for i in np.flatnonzero(x <= level)
        for j in np.flatnonzero(x > level)
    ]
    return max([*pairs, *y[x <= level]])


@pytest.mark.parametrize("returns", ["crs", "vrs"])
def test_units_of_very_different_size_equal_the_frontier_drawn_by_hand(returns):
    # Without scaling, HiGHS gives up on these programs, and so does the dual above.
    rng = np.random.default_rng(23)
    x, y = np.exp(rng.normal(0, 4, 40)), np.exp(rng.normal(0, 4, 40))
    assert (y / x).max() / (y / x).min() > 1e9
    best = x * (y / x).max()
    if returns == "vrs":
        best = np.array([most_output(x, y, level) for level in x])
    frame = pd.DataFrame({"unit": range(40), "x": x, "y": y})
    found = efficiency(frame, ["x"], ["y"], "unit", returns)
    np.testing.assert_allclose(found, y / best, rtol=1e-8, atol=0)


# DEAP 2.1 (Coelli 1996, CEPA working paper 96/08), examples as its guide prints them.


def test_first_example_of_deap():
    frame = pd.DataFrame(
        [[1, 1, 2, 5], [2, 2, 2, 4], [3, 3, 6, 6], [4, 1, 3, 2], [5, 2, 6, 2]],
        columns=["firm", "y", "x1", "x2"],
    )
    found = efficiency(frame, ["x1", "x2"], ["y"], "firm")
    assert found.round(3).tolist() == [0.5, 1.0, 0.833, 0.714, 1.0]


DEAP_DATA = {  # (output, input) of firms 1 to 5
    1: [(1, 2), (2, 4), (3, 3), (4, 5), (5, 6)],
    2: [(1, 2), (3, 4), (4, 3), (3, 5), (5, 5)],
    3: [(1, 2), (3, 4), (4, 3), (3, 5), (5, 5)],
}
DEAP_SCORES = {  # of firms 1 to 5
    (1, "crs_after"): [0.375, 0.375, 0.750, 0.600, 0.625],
    (2, "crs_before"): [0.500, 0.750, 1.333, 0.600, 1.000],
    (2, "crs"): [0.375, 0.563, 1.000, 0.450, 0.750],
    (2, "vrs"): [1.000, 0.667, 1.000, 0.600, 1.000],
}
DEAP_INDICES = {  # of year 2; all are 1 in year 3
    "effch": [0.750, 1.125, 1.000, 0.562, 0.900],
    "techch": [1.333, 1.333, 1.333, 1.333, 1.333],
    "pech": [1.000, 1.222, 1.000, 0.650, 1.000],
    "sech": [0.750, 0.920, 1.000, 0.865, 0.900],
    "tfpch": [1.000, 1.500, 1.333, 0.750, 1.200],
}


def test_fourth_example_of_deap():
    frame = pd.DataFrame(
        [(f, t, y, x) for t, rows in DEAP_DATA.items() for f, (y, x) in enumerate(rows, 1)],
        columns=["firm", "year", "y", "x"],
    )
    found = malmquist(frame, ["x"], ["y"], "firm", "year", returns="vrs")
    printed = 0.5e-3 + 1e-9  # three decimals; 0.5625 is printed both as 0.563 and as 0.562
    for (year, column), expected in DEAP_SCORES.items():
        own = found.scores.xs(year, level="year")[column]
        np.testing.assert_allclose(own, expected, rtol=0, atol=printed)
    assert found.scores.xs(1, level="year")["crs_before"].isna().all()
    second, third = (found.indices.xs(year, level="year") for year in (2, 3))
    np.testing.assert_allclose(second, pd.DataFrame(DEAP_INDICES), rtol=0, atol=printed)
    np.testing.assert_allclose(third, 1, rtol=0, atol=1e-12)
    means = np.exp(np.log(second).mean())
    np.testing.assert_allclose(means, [0.844, 1.333, 0.955, 0.883, 1.125], rtol=0, atol=printed)


# DEAPack calls a change what is above 1 in progress, as we do. Its plain Malmquist
# index can also refer to variable returns throughout, an index that we do not offer: it
# does not measure productivity. Its sequential reference has no Malmquist index.

PEERS = {  # their index and its columns, effch, techch, pech, sech and tfpch or fewer of ours
    ("contemporaneous", "ray-desli"): (
        deapack.RayDesliMalmquistProductivityIndex,
        "- vrs_technical_change pure_efficiency_change ray_desli_scale_change",
    ),
    ("global", "fgnz"): (
        deapack.GlobalMalmquistProductivityIndex,
        "efficiency_change best_practice_change - -",
    ),
}


@pytest.mark.filterwarnings("ignore:.*have no solution")
@pytest.mark.parametrize(("reference", "split"), PEERS)
def test_provinces_equal_deapack(embedded, reference, split):
    model, names = PEERS[reference, split]
    late = production(embedded).loc[(slice(None), [2021, 2022]), :].reset_index()
    roles = {"inputs": ["capital", "labour"], "outputs": ["output"]}
    data = deapack.DEAData.from_frame(late, dmu="province", period="year", **roles)
    theirs = model().fit(data).summary_frame.set_index(["dmu_id", "period"]).sort_index()
    found = malmquist(late, *roles.values(), "province", "year", "vrs", reference, split)
    assert len(theirs) == len(found.indices) == 31
    for ours, peer in zip(found.indices, [*names.split(), "productivity_change"], strict=True):
        if peer != "-":
            expected = theirs.loc[found.indices.index, peer].astype(float)
            np.testing.assert_allclose(found.indices[ours], expected, rtol=0, atol=1e-8)
