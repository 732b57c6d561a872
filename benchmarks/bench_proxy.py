"""Time the proxy estimators up to 100,000 firm-years and hold the Monte Carlo to its promise.

Run ``python benchmarks/bench_proxy.py`` (a few minutes). Prints seconds of each estimator and
how they grow, then bias and spread on simulated firms; leaves with status 1 if an estimator that
is consistent misses the truth.
"""

from __future__ import annotations

import math
import sys
import time
import warnings

import numpy as np
import pandas as pd

from nqpf.tfp import proxy
from nqpf.tfp.proxy import simulate_firms

FIRMS = (100, 1_000, 10_000)
YEARS = 10
REPLICATIONS = 200
SEED = 2015
WANTED_ERRORS = 2.0
TRUTH = {"labour": 0.6, "capital": 0.4}
ROLES = ("output", "labour", "capital")
KEY = ("firm", "year")
METHODS = {
    "Olley-Pakes": ("investment", *KEY, "olley-pakes"),
    "Levinsohn-Petrin": ("materials", *KEY, "levinsohn-petrin"),
    "Wooldridge": ("materials", *KEY, "wooldridge"),
    "ACF": ("materials", *KEY, "ackerberg-caves-frazer"),
}
ESTIMATORS = {
    name: lambda f, own=own: proxy.production_function(f, *ROLES, *own)
    for name, own in METHODS.items()
}
# Consistent where theory says so; the fourth design is the one that Olley and Pakes assume.
CONSISTENT = {
    1: ("ACF",),
    2: ("Levinsohn-Petrin", "Wooldridge", "ACF"),
    3: (),
    4: ("Olley-Pakes",),
}
SHOWN = {4: ("Olley-Pakes",)}


def seconds(estimate, frame) -> float:
    """Return the best of three runs."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        estimate(frame)
        times.append(time.perf_counter() - start)
    return min(times)


def growth() -> None:
    """Print seconds by size and the exponent of their growth."""
    print(f"seconds, best of 3, {YEARS} years a firm; exponent between the last two sizes")
    print("  (a step of the search is linear in the rows, the number of steps differs by sample)")
    head = "".join(f"{n * YEARS:>12,}" for n in FIRMS)
    print(f"  {'firm-years':<18}{head}{'exponent':>10}")
    frames = [simulate_firms(2, firms, YEARS, seed=1) for firms in FIRMS]
    for name, estimate in ESTIMATORS.items():
        times = [seconds(estimate, frame) for frame in frames]
        exponent = math.log(times[2] / times[1]) / math.log(FIRMS[2] / FIRMS[1])
        print(f"  {name:<18}{''.join(f'{t:>12.3f}' for t in times)}{exponent:>10.2f}")


def truth() -> bool:
    """Print the Monte Carlo; return whether consistent estimators find the truth."""
    print(f"\n{REPLICATIONS} samples of 1,000 firms and 10 years, labour 0.6 and capital 0.4")
    print(f"  {'design':<8}{'estimator':<18}{'parameter':<10}{'mean':>8}{'sd':>8}{'z':>10}")
    kept = True
    for design, consistent in CONSISTENT.items():
        chosen = {name: ESTIMATORS[name] for name in SHOWN.get(design, ESTIMATORS)}
        rows = []
        for seed in np.random.SeedSequence(SEED).generate_state(REPLICATIONS):
            frame = simulate_firms(design, seed=int(seed))
            for name, estimate in chosen.items():
                fit = estimate(frame)
                rows += [(name, p, fit.params[p], fit.converged) for p in TRUTH]
        draws = pd.DataFrame(rows, columns=["estimator", "parameter", "estimate", "converged"])
        for (name, parameter), sample in draws.groupby(["estimator", "parameter"], sort=False):
            mean, sd = sample["estimate"].mean(), sample["estimate"].std()
            z = (mean - TRUTH[parameter]) / (sd / math.sqrt(REPLICATIONS))
            promised = name in consistent
            fine = abs(z) <= WANTED_ERRORS and sample["converged"].all()
            kept &= fine or not promised
            note = ("  " + said(fine)) if promised else ""
            numbers = f"{mean:>8.4f}{sd:>8.4f}{z:>10.2f}"
            print(f"  {design:<8}{name:<18}{parameter:<10}{numbers}{note}", flush=True)
    print(
        f"  wanted: z, the bias in Monte Carlo standard errors, {WANTED_ERRORS:g} at most where "
        f"the estimator is consistent: {said(kept)}"
    )
    return kept


def said(kept: bool) -> str:
    """Return the verdict in words."""
    return "kept" if kept else "NOT KEPT"


def main() -> int:
    """Run every comparison; return 0 if every promise is kept."""
    print(f"numpy {np.__version__}")
    warnings.filterwarnings("ignore", ".*solutions fit equally well")
    growth()
    return 0 if truth() else 1


if __name__ == "__main__":
    sys.exit(main())
