"""Slacks-based and directional measures against programs written out anew and DEAPack."""

import deapack
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from nqpf.tfp import production
from nqpf.tfp.sbm import global_malmquist_luenberger, malmquist_luenberger, slacks

INPUTS, GOOD, BAD = ["capital", "labour", "energy"], ["output"], ["so2_industrial"]
ROLES = {"inputs": INPUTS, "good": GOOD, "bad": BAD}
CLOSE = {"rtol": 0, "atol": 1e-8}


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


TIGHT = {
    "method": "highs-ds",
    "options": {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
}


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


def distance(reference, roles, point):
    """Solve one unit's program by linprog; variables are intensities and the distance."""
    inputs, goods, bads = shares(reference, roles, point)
    m, g, h, n = len(inputs), len(goods), len(bads), len(reference)
    program = {
        "A_ub": np.vstack([np.c_[inputs, np.zeros(m)], np.c_[-goods, np.ones(g)]]),
        "b_ub": np.r_[np.ones(m), -np.ones(g)],
        "bounds": [(0, None)] * n + [(None, None)],
    }
    if h:
        program |= {"A_eq": np.c_[bads, np.ones(h)], "b_eq": np.ones(h)}
    found = linprog(np.append(np.zeros(n), -1.0), **program, **TIGHT)
    assert found.status in (0, 2)
    return -found.fun if found.status == 0 else np.nan


def every(solve, frame, roles, *options):
    return [solve(frame, roles, point, *options) for _, point in frame.iterrows()]


def pooled_distance(frame, roles):
    """Return D of each row against the technology of all rows, from 1 / (1 + D)."""
    found = global_malmquist_luenberger(frame, **roles, measure="directional")
    return 1 / found.scores["global"] - 1


@pytest.mark.parametrize("shape", [(2, 2, 2), (1, 1, 1), (3, 2, 1), (2, 1, 0)], ids=str)
def test_invented_plants_score_as_in_programs_written_out(shape):
    frame, roles = invented(sum(shape), 26, *shape)
    for disposability in ("strong", "weak"):
        found = slacks(frame, **roles, unit="plant", disposability=disposability).rho
        np.testing.assert_allclose(found, every(rho, frame, roles, disposability), **CLOSE)
    # The pooled technology of a panel is that of its rows as one cross-section.
    expected = every(distance, frame, roles)
    frame.index = pd.MultiIndex.from_product([range(13), range(2)], names=["province", "year"])
    np.testing.assert_allclose(pooled_distance(frame, roles), expected, **CLOSE)


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


def with_deapack(frame, model, **key):
    columns = {"inputs": INPUTS, "outputs": GOOD, "bad_outputs": BAD}
    return model.fit(deapack.DEAData.from_frame(frame, **columns, **key)).summary()


def test_deapack_gives_the_same_scores(provinces):
    frame = provinces.reset_index().assign(row=range(len(provinces)))
    peer = with_deapack(frame, deapack.UndesirableSBM(returns_to_scale="crs"), dmu="row")
    theirs = peer.set_index("dmu_id")["score"].sort_index()
    found = slacks(provinces, **ROLES, time="year").rho
    np.testing.assert_allclose(found, theirs, **CLOSE)


def test_adjacent_index_and_what_it_cannot_reach_as_written_out(provinces):
    found, unreached = malmquist_luenberger(provinces, **ROLES), set()
    years = provinces.index.get_level_values("year")
    for (province, year), point in provinces.iterrows():
        for shift, column in enumerate(("before", "same", "after"), start=-1):
            if (other := year + shift) in years:
                value = distance(provinces[years == other], ROLES, point)
                ours = found.distances.loc[(province, year), column]
                np.testing.assert_allclose(ours, value, **CLOSE)
                unreached |= {(province, year, other)} if np.isnan(value) else set()
    assert set(found.infeasible.itertuples(index=False, name=None)) == unreached


@pytest.mark.parametrize("kind", ["global", "adjacent"])
def test_deapack_gives_the_same_indices(provinces, kind):
    if kind == "global":
        model, change = deapack.GlobalMalmquistLuenbergerProductivityIndex(), "best_practice_change"
        found = global_malmquist_luenberger(provinces, **ROLES, measure="directional").changes
    else:
        model, change = deapack.MalmquistLuenbergerProductivityIndex(), "technical_change"
        found = malmquist_luenberger(provinces, **ROLES).changes
    theirs = with_deapack(provinces.reset_index(), model, dmu="province", period="year")
    theirs = theirs.set_index(["dmu_id", "period"]).reindex(found.index)
    theirs = theirs[["productivity_change", "efficiency_change", change]]
    # Where a distance has no solution they leave out every part, we keep efficiency.
    kept = theirs.notna().all(axis=1)
    assert kept.sum() > 20 and (kept.all() or kind == "adjacent")
    np.testing.assert_allclose(found[kept], theirs[kept], **CLOSE)
    assert found.iloc[:, 0].isna().equals(theirs["productivity_change"].isna())
