"""Time slacks-based measures beside a scipy linprog loop and DEAPack.

Run ``make bench`` or ``python benchmarks/bench_sbm.py``. All sides take turns on
the same figures in one process; prints best times, ratios, differences and
growth, and leaves with status 1 if a promise of the project is not kept.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable

import deapack
import numpy as np
import pandas as pd
from scipy.optimize import linprog

from nqpf.data import Panel
from nqpf.tfp import production
from nqpf.tfp.sbm import global_malmquist_luenberger, slacks

ROLES = {"inputs": ["capital", "labour", "energy"], "good": ["output"], "bad": ["so2_industrial"]}
THEIRS = {"inputs": ROLES["inputs"], "outputs": ROLES["good"], "bad_outputs": ROLES["bad"]}
WANTED = {"linprog": 15.0, "deapack": 30.0, "index": 8.0}
SHAPE = (31, 11)  # provinces and years of the promise
SIZES = ((31, 11), (100, 10), (300, 10))
TOLERANCE = 1e-8
ROUNDS = 3


def best(calls: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> tuple[dict, dict]:
    """Return the best seconds of each call over rounds in which they take turns, and answers."""
    seconds = dict.fromkeys(calls, math.inf)
    answers = {}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            answers[name] = call()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    return seconds, answers


def said(kept: bool) -> str:
    """Return the verdict in words."""
    return "kept" if kept else "NOT KEPT"


def invented(units: int, years: int, seed: int = 0) -> pd.DataFrame:
    """Return a panel like that of the provinces, with 3 inputs, 1 good and 1 bad output."""
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [range(units), range(2010, 2010 + years)], names=["province", "year"]
    )
    size = rng.lognormal(0, 1, (units, 1, 1))
    values = size * rng.lognormal(0, 0.4, (units, 1, 5)) * rng.lognormal(0, 0.1, (units, years, 5))
    columns = [*ROLES["inputs"], *ROLES["good"], *ROLES["bad"]]
    return pd.DataFrame(values.reshape(-1, 5), index=keys, columns=columns)


def provinces() -> pd.DataFrame:
    """Return thirty provinces, 2010 to 2022."""
    panel = Panel.load()
    return production(panel).join(panel.wide(["energy", "so2_industrial"])).dropna()


def loop(frame: pd.DataFrame) -> np.ndarray:
    """Return rho of every row by linprog, each program written out over the whole panel."""
    values = frame[[c for role in ROLES.values() for c in role]].to_numpy()
    n, d = values.shape
    m = len(ROLES["inputs"])
    sign = np.ones(d)
    sign[m : m + len(ROLES["good"])] = -1.0
    cost = np.r_[np.zeros(n), np.full(m, -1 / m), np.zeros(d - m), 1.0]
    unit = np.r_[np.zeros(n + m), np.full(d - m, 1 / (d - m)), 1.0]
    right = np.append(np.zeros(d), 1.0)
    slack = np.hstack([np.diag(sign), -np.ones((d, 1))])
    return np.array(
        [
            linprog(
                cost,
                A_eq=np.vstack([np.hstack([(values / point).T, slack]), unit]),
                b_eq=right,
                method="highs",
            ).fun
            for point in values
        ]
    )


def their_scores(frame: pd.DataFrame) -> np.ndarray:
    """Return rho of every row by DEAPack."""
    flat = frame.reset_index().assign(row=range(len(frame)))
    data = deapack.DEAData.from_frame(flat, dmu="row", **THEIRS)
    found = deapack.UndesirableSBM(returns_to_scale="crs").fit(data).summary()
    return found.sort_values("dmu_id")["score"].to_numpy(float)


def their_index(frame: pd.DataFrame) -> np.ndarray:
    """Return the directional global index by DEAPack."""
    data = deapack.DEAData.from_frame(frame.reset_index(), dmu="province", period="year", **THEIRS)
    found = deapack.GlobalMalmquistLuenbergerProductivityIndex().fit(data).summary()
    return found.sort_values(["dmu_id", "period"])["productivity_change"].to_numpy(float)


def efficiency(name: str, frame: pd.DataFrame) -> bool:
    """Print times of undesirable SBM on pooled rows; return whether the promises are kept."""
    seconds, found = best(
        {
            "ours": lambda: slacks(frame, **ROLES, time="year").rho.to_numpy(),
            "linprog": lambda: loop(frame),
            "deapack": lambda: their_scores(frame),
        }
    )
    ratio = {peer: seconds[peer] / seconds["ours"] for peer in ("linprog", "deapack")}
    gap = {peer: np.abs(found[peer] - found["ours"]).max() for peer in ratio}
    print(f"undesirable SBM, {name}, {len(frame)} pooled rows: ours {seconds['ours'] * 1e3:.1f} ms")
    kept = True
    for peer, value in ratio.items():
        good = value >= WANTED[peer] and gap[peer] < TOLERANCE
        kept &= good
        print(
            f"  {peer:<8}{seconds[peer] * 1e3:>9.1f} ms   ratio {value:>6.1f} "
            f"(promised {WANTED[peer]:.0f})   largest difference {gap[peer]:.1e}   {said(good)}"
        )
    return kept


def index(name: str, frame: pd.DataFrame) -> bool:
    """Print times of the global index; return whether the promise is kept."""
    seconds, found = best(
        {
            "slacks": lambda: global_malmquist_luenberger(frame, **ROLES),
            "directional": lambda: global_malmquist_luenberger(
                frame, **ROLES, measure="directional"
            ),
            "deapack": lambda: their_index(frame),
        }
    )
    ours = found["directional"].changes["gml"].to_numpy()
    gap = np.abs(ours - found["deapack"]).max()
    ratio = seconds["deapack"] / seconds["slacks"]
    kept = ratio >= WANTED["index"] and gap < TOLERANCE
    print(
        f"global Malmquist-Luenberger, {name}, {len(frame)} rows: "
        f"ours by slacks {seconds['slacks'] * 1e3:.1f} ms, "
        f"directional {seconds['directional'] * 1e3:.1f} ms\n"
        f"  deapack, directional {seconds['deapack'] * 1e3:.1f} ms   ratio to ours by slacks "
        f"{ratio:.1f} (promised {WANTED['index']:.0f}), to ours alike "
        f"{seconds['deapack'] / seconds['directional']:.1f}   largest difference {gap:.1e}   "
        f"{said(kept)}"
    )
    return kept


def growth() -> None:
    """Print how the cost of ours grows with the panel."""
    print("growth, ours: rows, pooled SBM, index by slacks, directional index, in ms")
    for units, years in SIZES:
        frame = invented(units, years)
        seconds, _ = best(
            {
                "sbm": lambda frame=frame: slacks(frame, **ROLES, time="year"),
                "slacks": lambda frame=frame: global_malmquist_luenberger(frame, **ROLES),
                "directional": lambda frame=frame: global_malmquist_luenberger(
                    frame, **ROLES, measure="directional"
                ),
            },
            rounds=2,
        )
        times = "".join(f"{value * 1e3:>10.1f}" for value in seconds.values())
        print(f"  {len(frame):>6}{times}")


def main() -> int:
    """Run all parts; return the status to leave with."""
    real, made_up = provinces(), invented(*SHAPE)
    kept = [
        efficiency("30 provinces x 13 years", real),
        efficiency("invented 31 x 11", made_up),
        index("30 provinces x 13 years", real),
        index("invented 31 x 11", made_up),
    ]
    growth()
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
