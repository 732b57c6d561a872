"""Time stochastic frontiers: how the cost grows, and what the analytic gradient saves.

Run ``make bench`` or ``python benchmarks/bench_frontier.py``. Prints seconds,
the exponent of growth and the difference in log-likelihood from a search without
the gradient; leaves with status 1 if a promise is not kept.
"""

from __future__ import annotations

import math
import sys
import time

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from nqpf.tfp.frontier import FrontierResult, battese_coelli
from nqpf.tfp.likelihood import Coordinates, Sample

YEARS = 13
UNITS = (31, 300, 3_000)
ROUNDS = 3
WANTED_EXPONENT = 1.2  # between the last two sizes; the likelihood is a sum over rows
TOLERANCE = 1e-6  # in log-likelihood


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


def fit(frame: pd.DataFrame) -> FrontierResult:
    """Return the translog frontier with a trend and decay."""
    inputs = ["capital", "labour"]
    return battese_coelli(
        frame, "output", inputs, "unit", "year", form="translog", trend="non-neutral"
    )


def without_gradient(frame: pd.DataFrame, result: FrontierResult) -> tuple[float, float]:
    """Return seconds and log-likelihood of one search with differences of the likelihood."""
    from nqpf.tfp.frontier import regressors

    year = frame.index.get_level_values("year").to_numpy()
    trend = pd.Series(year - year.min() + 1.0, index=frame.index)
    x = regressors(result.inputs, trend, "translog", "non-neutral").to_numpy()
    y = result.output.to_numpy()
    starts = np.arange(0, len(y), YEARS)
    sample = Sample(y, x, np.empty((len(starts), 0)), starts, year.max() - year * 1.0, True)
    beta, rest = np.linalg.lstsq(x, y, rcond=None)[:2]
    space = Coordinates(sample, beta, float(rest[0]) / len(y))
    began = time.perf_counter()
    found = minimize(
        lambda at: space.minus(at)[0],
        space.start(0.8, 0.0, 0.0),
        method="L-BFGS-B",
        bounds=list(zip(space.lower, space.upper, strict=True)),
        options={"maxiter": 2_000, "maxfun": 200_000, "ftol": 1e-14},
    )
    return time.perf_counter() - began, -float(found.fun)


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
            result = fit(frame)
            times.append(time.perf_counter() - began)
        seconds[units] = min(times)
        theirs, loglik = without_gradient(frame, result)
        below = loglik - result.loglik
        kept &= result.convergence.converged and below < TOLERANCE
        print(
            f"  {units:>5} units {units * YEARS:>6} rows   {seconds[units]:>6.2f} s   "
            f"one search without gradient {theirs:>7.2f} s, log-likelihood {below:+.1e}   "
            f"converged {result.convergence.converged}"
        )
    a, b = UNITS[-2:]
    exponent = math.log(seconds[b] / seconds[a]) / math.log(b / a)
    fast = exponent < WANTED_EXPONENT
    print(f"  no search stands higher than ours by {TOLERANCE:g}, all converged: {said(kept)}")
    print(f"  exponent of growth {exponent:.2f}, below {WANTED_EXPONENT}: {said(fast)}")
    return 0 if kept and fast else 1


if __name__ == "__main__":
    sys.exit(main())
