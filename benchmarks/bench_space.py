"""Coverage of spatial Durbin panels on simulated truth, and their speed beside spreg.

Run ``python benchmarks/bench_space.py``. Prints means and the coverage of 95 % intervals of
coefficients and spillovers, by either correction, then the seconds of a two-way Durbin panel with
errors of its impacts beside spreg's lag panel with unit effects; leaves with status 1 if a promise
of the project is not kept. Between them stand how the small bias of rho fades with the years, and
the coverage by errors where rows of a province are independent and where they persist.
``--speed`` leaves the simulations out.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings

import numpy as np
import pandas as pd

from nqpf.space import contiguity, durbin
from nqpf.space.durbin import simulate

UNITS, YEARS = 31, 13
RHO, SLOPES, SPILLOVERS = 0.4, [1.0, -0.5], [0.5, 0.3]
SAMPLES = 2_000
WANTED_COVERAGE = (0.92, 0.97)
PERSISTENCE, PERSISTING_SAMPLES = (0.0, 0.7), 1_000
BIAS_YEARS, BIAS_SAMPLES = (13, 26, 52), 400
REPEATS = 15
WANTED_RATIO = 3.0
REGRESSORS = 4


def bias() -> bool:
    """Return whether the bias of rho fades with the years, as that of an estimator may."""
    weights = contiguity(hainan=True).row_standardised()
    print(f"\nrho by years, truth {RHO}, {BIAS_SAMPLES} samples each, two-way, correction 'lee-yu'")
    for years in BIAS_YEARS:
        found = []
        for seed in range(BIAS_SAMPLES):
            frame = simulate(weights, years, RHO, SLOPES, SPILLOVERS, seed=seed)
            found.append(durbin(frame, "y", ["x1", "x2"], weights).params["rho"])
        error = np.std(found, ddof=1) / np.sqrt(BIAS_SAMPLES)
        mean = np.mean(found)
        off = (mean - RHO) / error
        print(f"  {years:3} years  mean {mean:.4f}  s.e. {error:.4f}  off by {off:+.1f} s.e.")
    kept = abs(off) < 2
    print(f"  wanted: within two standard errors at {BIAS_YEARS[-1]} years: {said(kept)}")
    return bool(kept)


def truth(matrix: np.ndarray) -> pd.Series:
    """Return true coefficients and effects, named as results name them."""
    values = {f"x{j + 1}": slope for j, slope in enumerate(SLOPES)}
    values |= {f"W x{j + 1}": spill for j, spill in enumerate(SPILLOVERS)}
    values["rho"] = RHO
    inverse = np.linalg.inv(np.eye(len(matrix)) - RHO * matrix)
    for j, (slope, spill) in enumerate(zip(SLOPES, SPILLOVERS, strict=True)):
        moved = inverse @ (slope * np.eye(len(matrix)) + spill * matrix)
        direct, total = np.trace(moved) / len(matrix), moved.sum() / len(matrix)
        values |= {
            f"x{j + 1} direct": direct,
            f"x{j + 1} indirect": total - direct,
            f"x{j + 1} total": total,
        }
    return pd.Series(values)


def coverage() -> bool:
    """Return whether intervals hold the truth as often as they say."""
    weights = contiguity(hainan=True).row_standardised()
    wanted = truth(weights.matrix.to_numpy())
    names, kept = list(wanted.index[: len(SLOPES)]), True
    for correction in ("lee-yu", "none"):
        estimates, held = [], []
        for seed in range(SAMPLES):
            frame = simulate(weights, YEARS, RHO, SLOPES, SPILLOVERS, seed=seed)
            fit = durbin(frame, "y", names, weights, correction=correction)
            effects, interval = fit.impacts(), fit.conf_int()
            estimates.append([*fit.params, *effects["estimate"]])
            lower = np.array([*interval["lower"], *effects["lower"]])
            upper = np.array([*interval["upper"], *effects["upper"]])
            held.append((lower < wanted) & (wanted < upper))
        spread = np.std(estimates, axis=0, ddof=1) / np.sqrt(SAMPLES)
        table = pd.DataFrame(
            {
                "truth": wanted,
                "mean": np.mean(estimates, axis=0),
                "s.e. of mean": spread,
                "coverage": np.mean(held, axis=0),
            }
        )
        print(f"{SAMPLES:,} samples of {UNITS} x {YEARS}, two-way, correction {correction!r}")
        print(table.round(4).to_string(), flush=True)
        if correction == "lee-yu":
            low, high = WANTED_COVERAGE
            kept = bool(table["coverage"].between(low, high).all())
            print(f"  wanted: coverage within {low:.0%} and {high:.0%}: {said(kept)}\n")
    return kept


def clusters() -> bool:
    """Return whether errors by province and pair hold the truth where errors persist."""
    weights = contiguity(hainan=True).row_standardised()
    wanted = truth(weights.matrix.to_numpy())
    names, kept = list(wanted.index[: len(SLOPES)]), True
    kinds = ("information", "clustered", "pairwise")
    for persistence in PERSISTENCE:
        held: dict[str, list[np.ndarray]] = {errors: [] for errors in kinds}
        for seed in range(PERSISTING_SAMPLES):
            frame = simulate(
                weights, YEARS, RHO, SLOPES, SPILLOVERS, seed=seed, persistence=persistence
            )
            estimated = durbin(frame, "y", names, weights)
            for errors, own in held.items():
                fit = estimated.with_errors(errors)
                effects, interval = fit.impacts(), fit.conf_int()
                lower = np.array([*interval["lower"], *effects["lower"]])
                upper = np.array([*interval["upper"], *effects["upper"]])
                own.append((lower < wanted) & (wanted < upper))
        table = pd.DataFrame({e: np.mean(own, axis=0) for e, own in held.items()}, wanted.index)
        head = f"{PERSISTING_SAMPLES:,} samples of {UNITS} x {YEARS}, two-way, 'lee-yu', x and"
        print(f"\n{head} errors keep {persistence:g} of last year's: coverage by errors")
        print(table.round(3).to_string(), flush=True)
        low, high = WANTED_COVERAGE
        kept &= bool(table["pairwise"].between(low, high).all())
    print(f"  wanted: 'pairwise' within {low:.0%} and {high:.0%} in both: {said(kept)}")
    return kept


def speed() -> bool:
    """Return whether two-way effects with spillovers cost as little as promised."""
    from spreg import Panel_FE_Lag

    weights = contiguity(hainan=True).row_standardised()
    slopes = np.linspace(1.0, 0.4, REGRESSORS)
    frame = simulate(weights, YEARS, RHO, slopes, 0.5 * slopes, seed=1)
    names = [f"x{j + 1}" for j in range(REGRESSORS)]
    long = frame.swaplevel().sort_index()
    y, x, w = long[["y"]].to_numpy(), long[names].to_numpy(), weights.to_pysal()
    kept = weights.matrix.to_numpy()
    lags = np.vstack([kept @ own.to_numpy() for _, own in long[names].groupby(level=0)])
    runs = {
        "nqpf: Durbin, two-way, errors of impacts": lambda: durbin(
            frame, "y", names, weights
        ).impacts(),
        "spreg: lag, unit effects": lambda: Panel_FE_Lag(y, x, w),
        "spreg: lag, unit effects, x and Wx": lambda: Panel_FE_Lag(y, np.hstack([x, lags]), w),
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # spreg announces a successor
        for repeat in range(REPEATS + 1):  # in turn, so that a busy machine slows all alike
            for name, run in runs.items():
                start = time.perf_counter()
                run()
                if repeat:
                    times[name].append(time.perf_counter() - start)
    middle = {name: statistics.median(own) for name, own in times.items()}
    print(f"speed: {UNITS} x {YEARS}, {REGRESSORS} regressors, median of {REPEATS}")
    for name, seconds in middle.items():
        print(f"  {name:<44}{1e3 * seconds:8.1f} ms")
    ours, theirs, _ = middle.values()
    kept = ours <= WANTED_RATIO * theirs
    print(f"  ratio {ours / theirs:.2f}, wanted at most {WANTED_RATIO:g}: {said(kept)}")
    return kept


def said(kept: bool) -> str:
    """Return the verdict in words."""
    return "kept" if kept else "NOT KEPT"


if __name__ == "__main__":
    kept = [] if "--speed" in sys.argv[1:] else [coverage(), bias(), clusters()]
    sys.exit(0 if all([*kept, speed()]) else 1)
