"""Time the Malmquist index beside a scipy loop and DEAPack, and show how it grows.

Run ``make bench`` or ``python benchmarks/bench_dea.py``. Prints times, ratios and
differences, then the growth with units, years, inputs and outputs; leaves with status 1
if a promise of the project is not kept.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable

import deapack
import numpy as np
import pandas as pd
import scipy
from scipy.optimize import linprog

from nqpf.data import Panel
from nqpf.tfp import production
from nqpf.tfp.dea import malmquist

YEARS = range(2012, 2023)
INPUTS, OUTPUTS = ["capital", "labour"], ["output"]
ROUNDS = 5
WANTED_LOOP, WANTED_PEER = 20.0, 35.0
TOLERANCE = 1e-8
UNITS = (31, 100, 300, 1_000, 3_000)
PERIODS = (5, 11, 22, 44)
SHAPES = ((1, 1), (2, 1), (3, 1), (3, 2), (4, 3))
# Solving every unit's own program costs units times columns, an exponent of 2.
WANTED_EXPONENT = 1.5


def linprog_loop(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return productivity change (years - 1, units), one scipy program per score.

    Programs are filled in place and nothing but arrays is touched between them.
    """
    years, units, m = x.shape
    rows = m + y.shape[2]
    score = {}
    for base in range(years):
        cost = np.append(np.zeros(units), -1.0)
        matrix = np.zeros((rows, units + 1))
        matrix[:m, :units], matrix[m:, :units] = x[base].T, -y[base].T
        level = np.zeros(rows)
        for year in range(max(base - 1, 0), min(base + 2, years)):
            for unit in range(units):
                level[:m], matrix[m:, -1] = x[year, unit], y[year, unit]
                found = linprog(cost, A_ub=matrix, b_ub=level, method="highs")
                score[base, year, unit] = -1.0 / found.fun

    def change(t: int, i: int) -> float:
        here = score[t, t + 1, i] / score[t, t, i]
        there = score[t + 1, t + 1, i] / score[t + 1, t, i]
        return math.sqrt(here * there)

    return np.array([[change(t, i) for i in range(units)] for t in range(years - 1)])


def once(call: Callable[[], object]) -> tuple[float, object]:
    """Return the seconds of one call, and its result."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def speed() -> bool:
    """Print ratios on 31 provinces in 11 years; return whether they are kept."""
    frame = production(Panel.load()).loc[(slice(None), list(YEARS)), :]
    flat = frame.reset_index()
    data = deapack.DEAData.from_frame(
        flat, dmu="province", period="year", inputs=INPUTS, outputs=OUTPUTS
    )
    shape = (-1, len(YEARS), 3)
    arrays = frame[[*INPUTS, *OUTPUTS]].to_numpy().reshape(shape).swapaxes(0, 1)
    x, y = arrays[:, :, :2].copy(), arrays[:, :, 2:].copy()
    calls = {
        "ours": lambda: malmquist(frame, INPUTS, OUTPUTS, "province", "year"),
        "linprog loop": lambda: linprog_loop(x, y),
        "DEAPack": lambda: deapack.FGNZMalmquistProductivityIndex().fit(data),
    }
    # In turns, so that a busy machine disturbs all alike; the best time of each counts.
    runs = [{name: once(call) for name, call in calls.items()} for _ in range(ROUNDS)]
    best = {name: min(run[name][0] for run in runs) for name in calls}
    found = {name: result for name, (_, result) in runs[-1].items()}
    ours = found["ours"].indices["tfpch"]
    theirs = found["DEAPack"].summary_frame.set_index(["dmu_id", "period"])["productivity_change"]
    gaps = {
        "linprog loop": np.abs(found["linprog loop"].T.ravel() - ours.to_numpy()).max(),
        "DEAPack": np.abs(theirs.reindex(ours.index).to_numpy() - ours.to_numpy()).max(),
    }
    print("Malmquist index, 31 provinces x 11 years, 2 inputs, 1 output: 961 programs")
    print(f"  ours {best['ours'] * 1e3:.1f} ms")
    kept = True
    for name, wanted in (("linprog loop", WANTED_LOOP), ("DEAPack", WANTED_PEER)):
        ratio = best[name] / best["ours"]
        good = bool(ratio >= wanted and gaps[name] <= TOLERANCE)
        print(
            f"  {name:<14}{best[name] * 1e3:>8.0f} ms   ratio {ratio:>6.1f}, wanted {wanted:g}   "
            f"largest difference {gaps[name]:.1e}: {'kept' if good else 'NOT KEPT'}"
        )
        kept &= good
    return kept


def made_up(units: int, years: int, inputs: int = 2, outputs: int = 1) -> pd.DataFrame:
    """Return units of very different size, decreasing returns, inefficiency and progress."""
    rng = np.random.default_rng(0)
    size = rng.lognormal(0, 1, (units, 1, 1))
    x = size * rng.lognormal(0, 0.3, (units, years, inputs))
    frontier = np.exp(0.9 * np.log(x).mean(axis=2, keepdims=True))
    progress = 1.02 ** np.arange(years)[None, :, None]
    loss = np.exp(-np.abs(rng.normal(0, 0.3, (units, years, 1))))
    y = frontier * progress * loss * rng.lognormal(0, 0.2, (units, years, outputs))
    index = pd.MultiIndex.from_product([range(units), range(years)], names=["unit", "year"])
    names = [f"x{i}" for i in range(inputs)] + [f"y{i}" for i in range(outputs)]
    values = np.concatenate([x, y], axis=2).reshape(units * years, -1)
    return pd.DataFrame(values, index, names)


def timed(units: int, years: int, inputs: int = 2, outputs: int = 1, **options: str) -> float:
    """Return the best seconds of three on a made-up panel."""
    frame = made_up(units, years, inputs, outputs)
    x, y = list(frame.columns[:inputs]), list(frame.columns[inputs:])
    return min(once(lambda: malmquist(frame, x, y, "unit", "year", **options))[0] for _ in range(3))


def growth() -> bool:
    """Print how the time grows; return whether it stays below the promised exponent."""
    print("\ntime by units, 11 years, 2 inputs, 1 output (milliseconds)")
    print(f"  {'units':>6}{'crs':>10}{'vrs split':>12}{'global':>10}")
    times = []
    for units in UNITS:
        crs = timed(units, 11)
        vrs = timed(units, 11, returns="vrs")
        pooled = timed(units, 11, reference="global")
        times.append((crs, vrs, pooled))
        print(f"  {units:>6,}{crs * 1e3:>10.1f}{vrs * 1e3:>12.1f}{pooled * 1e3:>10.1f}")
    span = math.log(UNITS[-1] / UNITS[-3])
    exponents = [math.log(b / a) / span for a, b in zip(times[-3], times[-1], strict=True)]
    kept = max(exponents) <= WANTED_EXPONENT
    print(
        f"  {UNITS[-3]:,} to {UNITS[-1]:,} units: exponents "
        + ", ".join(f"{e:.2f}" for e in exponents)
        + f"; wanted {WANTED_EXPONENT:g} at most: {'kept' if kept else 'NOT KEPT'}"
    )
    print("\ntime by years, 31 units (milliseconds)")
    print("  " + ", ".join(f"{years} years {timed(31, years) * 1e3:.1f}" for years in PERIODS))
    print("\ntime by inputs + outputs, 300 units, 5 years, variable returns (milliseconds)")
    shown = (f"{m} + {s}: {timed(300, 5, m, s, returns='vrs') * 1e3:.0f}" for m, s in SHAPES)
    print("  " + ", ".join(shown))
    return kept


def main() -> int:
    """Run every comparison; return 0 if every promise is kept."""
    print(f"numpy {np.__version__}, scipy {scipy.__version__}, DEAPack {deapack.__version__}")
    return 0 if all([speed(), growth()]) else 1


if __name__ == "__main__":
    sys.exit(main())
