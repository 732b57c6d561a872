"""Slacks-based and directional measures against programs written out anew, DEAPack and print."""

from __future__ import annotations

import deapack
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from nqpf.data import Panel
from nqpf.tfp import production
from nqpf.tfp.sbm import global_malmquist_luenberger, malmquist_luenberger, slacks

INPUTS, GOOD, BAD = ["capital", "labour", "energy"], ["output"], ["so2_industrial"]
ROLES = {"inputs": INPUTS, "good": GOOD, "bad": BAD}
KINDS = [
    pytest.param(returns, disposability, id=f"{returns}-{disposability}")
    for returns in ("crs", "vrs")
    for disposability in ("strong", "weak")
]


@pytest.fixture(scope="module")
def provinces():
    """Return thirty provinces with inputs, product and emissions, 2019 to 2022."""
    panel = Panel.load()
    frame = production(panel).join(panel.wide(["energy", "so2_industrial"])).dropna()
    return frame[frame.index.get_level_values("year") >= 2019]


def invented(seed, units=25, inputs=2, good=2, bad=2):
    rng = np.random.default_rng(seed)
    counts = {"inputs": inputs, "good": good, "bad": bad}
    roles = {role: [f"{role}{i}" for i in range(n)] for role, n in counts.items()}
    size = rng.lognormal(0, 1, (units, 1))
    values = size * rng.lognormal(0, 0.5, (units, inputs + good + bad))
    return pd.DataFrame(values, columns=sum(roles.values(), [])).rename_axis("plant"), roles


def written_out(frame, roles, returns, disposability, point, reference=None, measure="slacks"):
    """Solve one unit's program with linprog, from the definition and every row of the data.

    Variables are intensities, abated intensities, shares of slack and t (slacks), or
    intensities, abated intensities and the distance (directional).
    """
    reference = frame if reference is None else reference
    x, y = (reference[roles[k]].to_numpy().T for k in ("inputs", "good"))
    b = reference[roles["bad"]].to_numpy().T.reshape(-1, len(reference))
    xo, yo, bo = (point[roles[k]].to_numpy(float) for k in ("inputs", "good", "bad"))
    (m, n), g, h = x.shape, len(y), len(b)
    weak = disposability == "weak" and h > 0
    abate = np.ones(n) if weak and returns == "vrs" else np.zeros(n)  # allowed only then
    inputs = np.hstack([x, x * abate]) / xo[:, None]
    goods = np.hstack([y, 0 * y]) / yo[:, None]
    bads = np.hstack([b, 0 * b]) / bo[:, None]
    one = np.r_[np.ones(n), abate]
    bounds = [(0, None)] * n + [(0, None if weak and returns == "vrs" else 0)] * n
    if measure == "directional":
        return _distance(inputs, goods, bads, one, bounds, returns, weak)
    q = 0 if weak else h
    k = m + g + h
    sign = np.diag([1.0] * m + [-1.0] * g + [1.0] * h)
    balance = np.hstack([np.vstack([inputs, goods, bads]), sign, -np.ones((k, 1))])
    unit = np.r_[np.zeros(2 * n + m), np.full(g + q, 1 / (g + q)), np.zeros(h - q), 1.0]
    rows, right = [balance, unit], np.r_[np.zeros(k), 1.0]
    if returns == "vrs":
        rows.append(np.r_[one, np.zeros(k), -1.0])
        right = np.append(right, 0.0)
    slack = [(0, None)] * (m + g) + [(0, 0 if weak else None)] * h
    cost = np.r_[np.zeros(2 * n), np.full(m, -1 / m), np.zeros(g + h), 1.0]
    bounds = [*bounds, *slack, (0, None)]
    found = linprog(cost, A_eq=np.vstack(rows), b_eq=right, bounds=bounds, **TIGHT)
    assert found.status == 0
    return found.fun


TIGHT = {
    "method": "highs-ds",
    "options": {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
}


def _distance(inputs, goods, bads, one, bounds, returns, weak):
    n = len(one)
    upper = [np.c_[inputs, np.zeros(len(inputs))], np.c_[-goods, np.ones(len(goods))]]
    limit = np.r_[np.ones(len(inputs)), -np.ones(len(goods))]
    equal, right = [np.empty((0, n + 1))], np.empty(0)
    falling = np.c_[bads, np.ones(len(bads))]
    if weak:
        equal, right = [falling], np.ones(len(bads))
    else:
        upper, limit = [*upper, falling], np.r_[limit, np.ones(len(bads))]
    if returns == "vrs":
        equal, right = [*equal, np.append(one, 0.0)], np.append(right, 1.0)
    program = {"A_ub": np.vstack(upper), "b_ub": limit, "bounds": [*bounds, (None, None)]}
    if len(right):
        program |= {"A_eq": np.vstack(equal), "b_eq": right}
    found = linprog(np.append(np.zeros(n), -1.0), **program, **TIGHT)
    assert found.status in (0, 2)
    return -found.fun if found.status == 0 and found.fun < 1 else np.nan


def pooled_distance(frame, roles, **options):
    """Return D of each row against the technology of all rows, from 1 / (1 + D)."""
    options = {"time": "year", "measure": "directional"} | options
    return 1 / global_malmquist_luenberger(frame, **roles, **options).scores["global"] - 1


def all_written_out(frame, roles, returns, disposability, measure="slacks"):
    return [
        written_out(frame, roles, returns, disposability, point, measure=measure)
        for _, point in frame.iterrows()
    ]


@pytest.mark.parametrize(("returns", "disposability"), KINDS)
def test_provinces_score_as_in_programs_written_out(provinces, returns, disposability):
    options = {"time": "year", "returns": returns, "disposability": disposability}
    expected = all_written_out(provinces, ROLES, returns, disposability)
    found = slacks(provinces, **ROLES, **options)
    np.testing.assert_allclose(found.rho, expected, rtol=0, atol=1e-8)
    expected = all_written_out(provinces, ROLES, returns, disposability, "directional")
    np.testing.assert_allclose(
        pooled_distance(provinces, ROLES, **options), expected, rtol=0, atol=1e-8
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("returns", "disposability"), KINDS)
def test_invented_plants_score_as_in_programs_written_out(returns, disposability, seed):
    shape = [(2, 2, 2), (1, 1, 1), (3, 2, 1), (2, 1, 0)][seed]
    frame, roles = invented(seed, 25, *shape)
    options = {"unit": "plant", "returns": returns, "disposability": disposability}
    expected = all_written_out(frame, roles, returns, disposability)
    np.testing.assert_allclose(slacks(frame, **roles, **options).rho, expected, rtol=0, atol=1e-8)
    # The pooled technology of a panel is that of its rows as one cross-section.
    frame, roles = invented(seed, 26, *shape)
    expected = all_written_out(frame, roles, returns, disposability, "directional")
    frame.index = pd.MultiIndex.from_product([range(13), range(2)], names=["province", "year"])
    found = pooled_distance(frame, roles, returns=returns, disposability=disposability)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("seed", [13, 24, 31])
@pytest.mark.parametrize("returns", ["crs", "vrs"])
def test_figures_of_very_different_size_score_as_in_programs_written_out(returns, seed):
    # Ratios beyond 1e7 within a column: tolerances must be relative to each unit.
    rng = np.random.default_rng(seed)
    values = rng.lognormal(0, 3, (60, 1)) * rng.lognormal(0, 3, (60, 6))
    frame = pd.DataFrame(values, columns=["x0", "x1", "x2", "y0", "y1", "b0"])
    frame.index.name = "plant"
    assert (frame.max() / frame.min()).max() > 1e7
    roles = {"inputs": ["x0", "x1", "x2"], "good": ["y0", "y1"], "bad": ["b0"]}
    expected = all_written_out(frame, roles, returns, "strong")
    found = slacks(frame, **roles, unit="plant", returns=returns)
    np.testing.assert_allclose(found.rho, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize(("returns", "disposability"), KINDS)
def test_slacks_and_peers_rebuild_the_score_and_the_unit(returns, disposability):
    frame, roles = invented(11)
    found = slacks(frame, **roles, unit="plant", returns=returns, disposability=disposability)
    outputs = roles["good"] + ([] if disposability == "weak" else roles["bad"])
    share = found.slacks / frame
    rho = (1 - share[roles["inputs"]].mean(axis=1)) / (1 + share[outputs].mean(axis=1))
    np.testing.assert_allclose(rho, found.rho, atol=1e-9)
    target = frame - found.slacks
    target[roles["good"]] += 2 * found.slacks[roles["good"]]
    for plant, peers in found.peers.groupby("plant"):
        points = frame.loc[peers["peer_plant"]].copy()
        points.loc[peers["abated"].to_numpy(), roles["good"] + roles["bad"]] = 0.0
        made = peers["intensity"].to_numpy() @ points.to_numpy()
        np.testing.assert_allclose(made, target.loc[plant], rtol=1e-8)
        if returns == "vrs":
            assert peers["intensity"].sum() == pytest.approx(1, abs=1e-8)


def test_peers_are_efficient():
    frame, roles = invented(12, 60)
    found = slacks(frame, **roles, unit="plant")
    efficient = found.rho > 1 - 1e-9
    assert 0 < efficient.sum() < 60
    assert efficient[found.peers["peer_plant"].unique()].all()


def test_tones_example_of_2001_has_the_scores_he_prints():
    # Tone (2001), European Journal of Operational Research 130, Table 1.
    frame = pd.DataFrame(
        [[4, 3, 2, 3], [6, 3, 2, 3], [8, 1, 6, 2], [8, 1, 6, 1], [2, 4, 1, 4]],
        index=pd.Index(list("ABCDE"), name="dmu"),
        columns=["x1", "x2", "y1", "y2"],
    )
    found = slacks(frame, ["x1", "x2"], ["y1", "y2"], unit="dmu")
    assert found.rho.round(3).tolist() == [0.798, 0.568, 1.0, 0.667, 1.0]


def test_tones_plants_of_2003_with_a_bad_output_score_as_by_hand():
    # Data of Tone (2003), GRIPS I-2003-0005: one input of 1, good and bad output. Variable
    # returns. Scores derived by hand: the frontier is B, C, D, E, and for each
    # inefficient plant 1 / (1 + (good slack / good + bad slack / bad) / 2).
    good, bad = [1, 2, 6, 8, 9, 5, 4, 6, 4], [1, 1, 2, 4, 7, 2, 3, 4, 6]
    frame = pd.DataFrame({"x": 1, "good": good, "bad": bad}, index=list("ABCDEFGHI"))
    frame.index.name = "plant"
    expected = [
        1 / (1 + (1 / 1) / 2),  # A makes 1 less than B from the same
        *(1, 1, 1, 1),
        1 / (1 + (1 / 5) / 2),  # F and C
        1 / (1 + (2 / 4 + 1 / 3) / 2),  # G and C
        1 / (1 + (0 / 6 + 2 / 4) / 2),  # H and C
        1 / (1 + (4 / 4 + 2 / 6) / 2),  # I and D
    ]
    found = slacks(frame, "x", "good", "bad", unit="plant", returns="vrs")
    np.testing.assert_allclose(found.rho, expected, rtol=0, atol=1e-12)


def with_deapack(frame, model, **key):
    columns = {"inputs": INPUTS, "outputs": GOOD, "bad_outputs": BAD}
    return model.fit(deapack.DEAData.from_frame(frame, **columns, **key)).summary()


@pytest.mark.parametrize("returns", ["crs", "vrs"])
def test_deapack_gives_the_same_scores(provinces, returns):
    frame = provinces.reset_index().assign(row=range(len(provinces)))
    peer = with_deapack(frame, deapack.UndesirableSBM(returns_to_scale=returns), dmu="row")
    found = slacks(provinces, **ROLES, time="year", returns=returns)
    theirs = peer.set_index("dmu_id")["score"].sort_index()
    np.testing.assert_allclose(found.rho, theirs, rtol=0, atol=1e-8)


def by_hand(frame, returns, disposability, measure):
    """Return 1 / (1 + D) or rho of each row against its own year and against all years."""

    def score(point, reference):
        value = written_out(frame, ROLES, returns, disposability, point, reference, measure)
        return value if measure == "slacks" else 1 / (1 + value)

    years = frame.index.get_level_values("year")
    scores = {
        "global": [score(point, frame) for _, point in frame.iterrows()],
        "own": [score(point, frame[years == key[1]]) for key, point in frame.iterrows()],
    }
    return pd.DataFrame(scores, frame.index)


@pytest.mark.parametrize(
    ("measure", "disposability"), [("slacks", "strong"), ("directional", "weak")]
)
def test_global_index_follows_from_programs_written_out(provinces, measure, disposability):
    frame = provinces[provinces.index.get_level_values("year") >= 2020]
    scores = by_hand(frame, "crs", disposability, measure)
    ratio = (scores / scores.groupby(level=0).shift(1)).dropna()
    found = global_malmquist_luenberger(frame, **ROLES, measure=measure).changes
    assert found.index.equals(ratio.index)
    np.testing.assert_allclose(found["gml"], ratio["global"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(found["ec"], ratio["own"], rtol=0, atol=1e-8)
    expected = ratio["global"] / ratio["own"]
    np.testing.assert_allclose(found["bpc"], expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize(("returns", "disposability"), KINDS)
def test_adjacent_index_and_what_it_cannot_reach_as_written_out(provinces, returns, disposability):
    frame = provinces[provinces.index.get_level_values("year").isin([2020, 2021, 2022])]
    found = malmquist_luenberger(frame, **ROLES, returns=returns, disposability=disposability)
    years = frame.index.get_level_values("year")
    unreached = set()
    options = (ROLES, returns, disposability)
    for key, point in frame.iterrows():
        for column, shift in (("before", -1), ("same", 0), ("after", 1)):
            other = key[1] + shift
            if other not in (2020, 2021, 2022):
                continue
            value = written_out(frame, *options, point, frame[years == other], "directional")
            np.testing.assert_allclose(found.distances.loc[key, column], value, rtol=0, atol=1e-8)
            if np.isnan(value):
                unreached.add((*key, other))
    assert set(found.infeasible.itertuples(index=False, name=None)) == unreached


@pytest.mark.parametrize("kind", ["global", "adjacent"])
def test_deapack_gives_the_same_indices(provinces, kind):
    frame = provinces[provinces.index.get_level_values("year") >= 2020]
    if kind == "global":
        model, change = deapack.GlobalMalmquistLuenbergerProductivityIndex(), "best_practice_change"
        found = global_malmquist_luenberger(frame, **ROLES, measure="directional").changes
    else:
        model, change = deapack.MalmquistLuenbergerProductivityIndex(), "technical_change"
        found = malmquist_luenberger(frame, **ROLES).changes
    theirs = with_deapack(frame.reset_index(), model, dmu="province", period="year")
    theirs = theirs.set_index(["dmu_id", "period"]).reindex(found.index)
    theirs = theirs[["productivity_change", "efficiency_change", change]]
    # Where a distance has no solution they leave out every part, we keep efficiency.
    kept = theirs.notna().all(axis=1)
    assert kept.sum() > 20 and (kept.all() or kind == "adjacent")
    np.testing.assert_allclose(found[kept], theirs[kept], rtol=0, atol=1e-8)
    assert found.iloc[:, 0].isna().equals(theirs["productivity_change"].isna())
