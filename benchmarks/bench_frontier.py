"""Time stochastic frontiers: how the cost grows with the number of units.

Run ``make bench`` or ``python benchmarks/bench_frontier.py``. Prints seconds
and the exponent of growth; leaves with status 1 if a promise is not kept.
"""

from __future__ import annotations

import math
import sys
import time

import numpy as np
import pandas as pd

from nqpf.tfp.frontier import battese_coelli

YEARS = 13
UNITS = (31, 300, 3_000)
ROUNDS = 3
WANTED_EXPONENT = 1.2  # between the last two sizes; the likelihood is a sum over rows


def panel(units: int) -> pd.DataFrame:
    """Return a simulated panel of the 1992 model with decay and technical change."""
    rng = np.random.default_rng(units)
    t = np.arange(1, YEARS + 1)
    k, n = rng.normal(3, 1, (2, units, YEARS))
    u = abs(rng.normal(0, 0.4, units))[:, None] * np.exp(0.05 * (YEARS - t))
    y = 1 + 0.4 * k + 0.5 * n + 0.02 * t + rng.normal(0, 0.15, k.shape) - u
    keys = pd.MultiIndex.from_product([range(units), 2009 + t], names=["unit", "year"])
    values = {"output": y, "capital": k, "labour": n}
    return pd.DataFrame({name: np.exp(v).ravel() for name, v in values.items()}, index=keys)


def converged(frame: pd.DataFrame) -> bool:
    """Estimate the translog frontier with a trend and decay; return whether its search ended."""
    inputs = ["capital", "labour"]
    options = {"form": "translog", "trend": "non-neutral"}
    return battese_coelli(frame, "output", inputs, "unit", "year", **options).convergence.converged


def said(kept: bool) -> str:
    """Return the verdict in words."""
    return "kept" if kept else "NOT KEPT"


def main() -> int:
    """Print the table and return the status."""
    print(f"translog, 1992, decay, trend, {YEARS} years; three searches and standard errors")
    seconds, kept = {}, True
    for units in UNITS:
        frame = panel(units)
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            kept &= converged(frame)
            times.append(time.perf_counter() - began)
        seconds[units] = min(times)
        print(f"  {units:>5} units {units * YEARS:>6} rows   {seconds[units]:>6.2f} s")
    a, b = UNITS[-2:]
    exponent = math.log(seconds[b] / seconds[a]) / math.log(b / a)
    fast = exponent < WANTED_EXPONENT
    print(f"  all converged: {said(kept)}")
    print(f"  exponent of growth {exponent:.2f}, below {WANTED_EXPONENT}: {said(fast)}")
    return 0 if kept and fast else 1


if __name__ == "__main__":
    sys.exit(main())
