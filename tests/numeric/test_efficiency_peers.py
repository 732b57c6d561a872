"""Radial, slacks-based and directional measures against linprog, print and DEAPack.

The references here solve their programs dense and one per unit, with scipy; the library solves
with highspy and shares bases.
"""

from functools import cache, partial
from itertools import product

import deapack
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from nqpf.tfp import production
from nqpf.tfp.dea import efficiency, malmquist
from nqpf.tfp.sbm import global_malmquist_luenberger, malmquist_luenberger, slacks

INPUTS, GOOD, BAD = ["capital", "labour", "energy"], ["output"], ["so2_industrial"]
ROLES = {"inputs": INPUTS, "good": GOOD, "bad": BAD}
CLOSE = {"rtol": 0, "atol": 1e-8}
LIMITS = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
TIGHT = {"method": "highs-ds", "options": LIMITS}


@pytest.fixture(scope="module")
def provinces(embedded):
    """Return thirty provinces with inputs, product and emissions, 2020 to 2022."""
    frame = production(embedded).join(embedded.wide(["energy", "so2_industrial"])).dropna()
    return frame[frame.index.get_level_values("year") >= 2020]


def invented(seed, units=25, inputs=2, good=2, bad=2, spread=0.5):
    rng = np.random.default_rng(seed)
    counts = {"inputs": inputs, "good": good, "bad": bad}
    roles = {role: [f"{role}{i}" for i in range(n)] for role, n in counts.items()}
    size = rng.lognormal(0, max(1, spread), (units, 1))
    values = size * rng.lognormal(0, spread, (units, inputs + good + bad))
    return pd.DataFrame(values, columns=sum(roles.values(), [])).rename_axis("plant"), roles


def shares(reference, roles, point):
    """Return every row's inputs, good and bad outputs as shares of the point's own."""
    parts = (reference[roles[role]] / point[roles[role]] for role in ("inputs", "good", "bad"))
    return [part.to_numpy(float).T for part in parts]


def rho(frame, roles, point, disposability="strong"):
    """Solve one unit's program by linprog; variables are intensities, shares of slack and t."""
    parts = inputs, goods, bads = shares(frame, roles, point)
    m, g, h, n = len(inputs), len(goods), len(bads), len(frame)
    q, k = 0 if disposability == "weak" else h, m + g + h
    sign = np.diag([1.0] * m + [-1.0] * g + [1.0] * h)
    balance = np.hstack([np.vstack(parts), sign, -np.ones((k, 1))])
    unit = np.r_[np.zeros(n + m), np.full(g + q, 1 / (g + q)), np.zeros(h - q), 1.0]
    bounds = [(0, None)] * (n + m + g + q) + [(0, 0)] * (h - q) + [(0, None)]
    cost = np.r_[np.zeros(n), np.full(m, -1 / m), np.zeros(g + h), 1.0]
    rows, right = np.vstack([balance, unit]), np.r_[np.zeros(k), 1.0]
    found = linprog(cost, A_eq=rows, b_eq=right, bounds=bounds, **TIGHT)
    assert found.status == 0
    return found.fun


def delta(others, roles, point, disposability="strong"):
    """Solve Tone's program (2002) by linprog; variables are intensities, targets and t."""
    parts = inputs, goods, bads = shares(others, roles, point)
    m, g, h, n = len(inputs), len(goods), len(bads), len(others)
    q, k = g + (0 if disposability == "weak" else h), m + g + h
    sign = np.repeat([1.0, -1.0, 1.0], [m, g, h])[:, None]
    spanned = sign * np.hstack([np.vstack(parts), -np.eye(k), np.zeros((k, 1))])
    worse = sign * np.hstack([np.zeros((k, n)), -np.eye(k), np.ones((k, 1))])
    bad = np.full(h, (g - q) / q / max(h, 1))  # a bad output counts by 2 less its target
    unit = np.r_[np.zeros(n + m), np.full(g, 1 / q), bad, 2 * (q - g) / q]
    below, equal = ([a[one] for a in (spanned, worse)] for one in np.split(np.arange(k), [m + q]))
    equal, below = np.vstack([*equal, unit]), np.vstack(below)
    cost, right = np.repeat([0, 1 / m, 0], [n, m, g + h + 1]), np.eye(len(equal))[-1]
    found = linprog(cost, below, np.zeros(len(below)), equal, right, **TIGHT)
    assert found.status in (0, 2)
    return found.fun if found.status == 0 else np.nan


def distance(reference, roles, point, returns="crs"):
    """Solve one unit's program by linprog; variables are intensities and the distance."""
    inputs, goods, bads = shares(reference, roles, point)
    m, g, h, n = len(inputs), len(goods), len(bads), len(reference)
    equal, right = np.c_[bads, np.ones(h)], np.ones(h)
    if returns == "vrs":
        equal, right = np.vstack([equal, [*np.ones(n), 0]]), np.ones(h + 1)
    below = np.vstack([np.c_[inputs, np.zeros(m)], np.c_[-goods, np.ones(g)]])
    bounds, limits = [(0, None)] * n + [(None, None)], np.r_[np.ones(m), -np.ones(g)]
    found = linprog(np.append(np.zeros(n), -1.0), below, limits, equal, right, bounds, **TIGHT)
    assert found.status in (0, 2)
    return -found.fun if found.status == 0 else np.nan


def every(solve, frame, roles, *options, reference=None):
    known = frame if reference is None else reference
    return np.array([solve(known, roles, point, *options) for _, point in frame.iterrows()])


# Radial measures: Farrell's score is one over one plus the distance without bad outputs.


def textbook(frame, roles, reference="contemporaneous", rd=False):
    """All five indices between adjacent years, each written from its definition."""
    years = sorted(frame.index.unique("year"))

    @cache
    def score(at, year, returns):
        base = {"sequential": range(at + 1), "all": years}.get(reference if at < 9 else "all", [at])
        known, units = frame[frame.index.isin(base, "year")], frame.xs(year, level="year")
        found = every(distance, units, roles, returns, reference=known)
        return pd.Series(1 / (1 + found), units.index)

    rows = {}
    for t, u in zip(years, years[1:], strict=False):
        c, v = ({(a, b): score(a, b, returns) for a in (t, u) for b in (t, u)}
                for returns in ("crs", "vrs"))  # fmt: skip
        w = v if rd else c
        scale = {key: c[key] / v[key] for key in c}
        row = {name: one[u, u] / one[t, t] for name, one in
               (("effch", c), ("techch", c), ("pech", v), ("sech", scale))}  # fmt: skip
        row["techch"] = np.sqrt(w[t, u] / w[u, u] * w[t, t] / w[u, t])
        row["tfpch"] = np.sqrt(c[t, u] / c[t, t] * c[u, u] / c[u, t])
        if rd:
            row["sech"] = np.sqrt(scale[t, u] / scale[t, t] * scale[u, u] / scale[u, t])
        if reference == "global":
            row["tfpch"] = score(9, u, "crs") / score(9, t, "crs")
            row["techch"] = row["tfpch"] / row["effch"]
        rows[u] = pd.DataFrame(row)
    return pd.concat(rows, names=["year"]).swaplevel().sort_index()


SPLITS = [*product(["fgnz", "ray-desli"], ["contemporaneous", "sequential"]), ("fgnz", "global")]


@pytest.mark.filterwarnings("ignore:.*have no solution")
@pytest.mark.parametrize(("split", "reference"), SPLITS)
def test_random_panels_equal_programs_written_out(split, reference):
    frame, roles = invented(len(split), 27, 3, 2, 0)
    frame.iloc[3], frame.iloc[7] = frame.iloc[0], 2 * frame.iloc[4]  # ties
    frame.index = pd.MultiIndex.from_product([range(9), range(3)], names=["unit", "year"])
    expected = textbook(frame, roles, reference, rd=split == "ray-desli")
    call = frame, roles["inputs"], roles["good"], "unit", "year", "vrs"
    found = malmquist(*call, reference, split)
    pd.testing.assert_frame_equal(found.indices, expected, rtol=0, atol=1e-8)
    if reference == "global":
        pooled = 1 / (1 + every(distance, frame, roles))
        np.testing.assert_allclose(found.scores.crs_global, pooled, atol=1e-8)
    missing = expected.isna().any(axis=1)
    rows = found.infeasible[["unit", "year", "frontier"]].itertuples(index=False)
    assert set(missing.index[missing]) <= {(unit, max(pair)) for unit, *pair in rows}


def test_units_of_very_different_size_equal_the_frontier_drawn_by_hand():
    # Without scaling, HiGHS gives up on these programs.
    rng = np.random.default_rng(23)
    x, y = np.exp(rng.normal(0, 4, 40)), np.exp(rng.normal(0, 4, 40))
    assert (y / x).max() / (y / x).min() > 1e9
    best = x * (y / x).max()
    found = efficiency(pd.DataFrame({"unit": range(40), "x": x, "y": y}), ["x"], ["y"], "unit")
    np.testing.assert_allclose(found, y / best, rtol=1e-8, atol=0)


# DEAP 2.1 (Coelli 1996, CEPA working paper 96/08), examples as its guide prints them.


DEAP_OUTPUT = [[1, 2, 3, 4, 5], [1, 3, 4, 3, 5], [1, 3, 4, 3, 5]]  # of firms 1 to 5, by year
DEAP_INPUT = [[2, 4, 3, 5, 6], [2, 4, 3, 5, 5], [2, 4, 3, 5, 5]]
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
    frame = pd.DataFrame({"y": np.ravel(DEAP_OUTPUT), "x": np.ravel(DEAP_INPUT)})
    frame = frame.assign(year=np.repeat([1, 2, 3], 5), firm=np.tile(range(1, 6), 3))
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


# Slacks-based and directional measures


@pytest.mark.filterwarnings("ignore:.*no super-efficiency")
@pytest.mark.parametrize("shape", [(2, 2, 2), (1, 1, 1), (3, 2, 1), (2, 1, 0)], ids=str)
def test_invented_plants_score_as_in_programs_written_out(shape):
    frame, roles = invented(sum(shape), 26, *shape)
    for disposability in ("strong", "weak"):
        options = {"unit": "plant", "disposability": disposability}
        found = slacks(frame, **roles, **options).rho
        np.testing.assert_allclose(found, every(rho, frame, roles, disposability), **CLOSE)
        beyond = slacks(frame, **roles, **options, super_efficiency=True).rho[found > 1 - 1e-8]
        expected = [delta(frame.drop(k), roles, frame.loc[k], disposability) for k in beyond.index]
        np.testing.assert_allclose(beyond, expected, rtol=1e-8)
    # The pooled technology of a panel is that of its rows as one cross-section.
    expected = every(distance, frame, roles)
    frame.index = pd.MultiIndex.from_product([range(13), range(2)], names=["province", "year"])
    found = global_malmquist_luenberger(frame, **roles, measure="directional").scores["global"]
    np.testing.assert_allclose(1 / found - 1, expected, **CLOSE)


@pytest.mark.parametrize("seed", [13, 24, 31])
def test_figures_of_very_different_size_score_as_in_programs_written_out(seed):
    # Ratios beyond 1e7 within a column: tolerances must be relative to each unit.
    frame, roles = invented(seed, 60, 3, 2, 1, spread=3)
    assert (frame.max() / frame.min()).max() > 1e7
    found = slacks(frame, **roles, unit="plant").rho
    np.testing.assert_allclose(found, every(rho, frame, roles), **CLOSE)


@pytest.mark.parametrize("disposability", ["strong", "weak"])
def test_slacks_rebuild_the_score_and_lead_to_an_efficient_point(disposability):
    frame, roles = invented(11)
    options = {"unit": "plant", "disposability": disposability}
    found = slacks(frame, **roles, **options)
    outputs = roles["good"] + ([] if disposability == "weak" else roles["bad"])
    share = found.slacks / frame
    score = (1 - share[roles["inputs"]].mean(axis=1)) / (1 + share[outputs].mean(axis=1))
    np.testing.assert_allclose(score, found.rho, atol=1e-9)
    target = frame - found.slacks
    target[roles["good"]] += 2 * found.slacks[roles["good"]]
    both = slacks(pd.concat([frame, target.set_axis(target.index + 100)]), **roles, **options).rho
    np.testing.assert_allclose(both.loc[100:], 1, rtol=1e-8)
    np.testing.assert_allclose(both.loc[:99], found.rho, **CLOSE)


def test_adjacent_index_and_what_it_cannot_reach_as_written_out(provinces):
    found, unreached = malmquist_luenberger(provinces, **ROLES), set()
    years = provinces.index.get_level_values("year")
    for (province, year), point in provinces.iterrows():
        for shift, column in enumerate(("before", "same", "after"), start=-1):
            if (other := year + shift) in years:
                value = distance(provinces[years == other], ROLES, point)
                ours = found.scores.loc[(province, year), column]
                np.testing.assert_allclose(ours, value, **CLOSE)
                unreached |= {(province, year, other)} if np.isnan(value) else set()
    assert set(found.infeasible.itertuples(index=False, name=None)) == unreached


# DEAPack calls a change what is above 1 in progress, as we do. Its plain Malmquist
# index can also refer to variable returns throughout, an index that we do not offer: it
# does not measure productivity. Its sequential reference has no Malmquist index.


def with_deapack(frame, model, **columns):
    data = deapack.DEAData.from_frame(frame, inputs=INPUTS, outputs=GOOD, **columns)
    return model.fit(data).summary()


def test_deapack_gives_the_same_scores(provinces):
    frame = provinces.reset_index().assign(row=range(len(provinces)))
    model = deapack.UndesirableSBM(returns_to_scale="crs")
    peer = with_deapack(frame, model, bad_outputs=BAD, dmu="row")
    theirs = peer.set_index("dmu_id")["score"].sort_index()
    found = slacks(provinces, **ROLES, time="year").rho
    np.testing.assert_allclose(found, theirs, **CLOSE)
    peer = with_deapack(frame, deapack.ToneSuperSBM(returns_to_scale="crs"), dmu="row")
    theirs = peer.set_index("dmu_id")["score"].sort_index().dropna()
    found = slacks(provinces, INPUTS, GOOD, time="year", super_efficiency=True).rho
    assert (found >= 1).sum() == len(theirs) > 1
    np.testing.assert_allclose(found.iloc[theirs.index], theirs, **CLOSE)


# The beginning of their index, ours, and their name of our last column.
PEERS = {"Global": (partial(global_malmquist_luenberger, measure="directional"), "best_practice")}
PEERS[""] = malmquist_luenberger, "technical"


@pytest.mark.parametrize("name", PEERS)
def test_deapack_gives_the_same_indices(provinces, name):
    (ours, last), found_by = PEERS[name], f"{name}MalmquistLuenbergerProductivityIndex"
    model, found = getattr(deapack, found_by)(), ours(provinces, **ROLES).changes
    columns = {"bad_outputs": BAD, "dmu": "province", "period": "year"}
    theirs = with_deapack(provinces.reset_index(), model, **columns)
    theirs = theirs.set_index(["dmu_id", "period"]).reindex(found.index)
    names = [f"{part}_change" for part in ("productivity", "efficiency", last)]
    found = found.set_axis(names, axis=1)
    theirs = theirs[found.columns].astype(float)
    kept = theirs.notna().all(axis=1)
    assert kept.sum() > 20 and (kept.all() or not name)
    # Where one of those distances has no solution they leave out every part, we keep efficiency.
    np.testing.assert_allclose(found[kept], theirs[kept], **CLOSE)
    assert found["productivity_change"].isna().equals(theirs["productivity_change"].isna())
