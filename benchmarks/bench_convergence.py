"""Coverage of intervals for beta convergence in simulated cross-sections and panels.

Run as ``python benchmarks/bench_convergence.py [draws]``; prints the mean estimate with its Monte
Carlo error and the share of 95 % intervals that hold the truth.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd

from nqpf.dynamics.convergence import beta

UNITS, SPAN, B, RHO = 31, 12, -0.02, 0.4


def ring() -> np.ndarray:
    """Return row-standardised weights of two neighbours each."""
    return (np.roll(np.eye(UNITS), 1, axis=0) + np.roll(np.eye(UNITS), -1, axis=0)) / 2


def cross_section(rng: np.random.Generator, rho: float = 0.0, unequal: bool = False) -> pd.Series:
    """Return levels of a first and a last year."""
    start = rng.normal(0, 0.5, UNITS)
    noise = rng.normal(0, 0.01, UNITS) * (np.exp(start) if unequal else 1)
    growth = np.linalg.solve(np.eye(UNITS) - rho * ring(), 0.05 + B * start + noise)
    keys = pd.MultiIndex.from_product([range(UNITS), [2010, 2010 + SPAN]], names=["unit", "year"])
    return pd.Series(np.exp(np.c_[start, start + SPAN * growth].ravel()), index=keys)


def report(label: str, draw: Callable[[], pd.Series], draws: int, **options: object) -> None:
    """Print bias and coverage of the coefficient and, if there is one, of rho."""
    found = [beta(draw(), **options) for _ in range(draws)]  # type: ignore[arg-type]
    estimates = np.array([one.coefficient for one in found])
    hits = np.mean([one.lower <= B <= one.upper for one in found])
    error = estimates.std() / np.sqrt(draws)
    line = f"{label:34} b {estimates.mean():.5f} ({error:.5f}), covers {100 * hits:.1f} %"
    if options.get("spatial") == "lag":
        rho = np.array([one.rho for one in found])
        inside = np.mean(
            [abs(one.rho - RHO) < 1.96 * one.params.loc["rho", "std_error"] for one in found]
        )
        line += f"; rho {rho.mean():.3f}, covers {100 * inside:.1f} %"
    print(line)


def main(draws: int) -> None:
    """Run every design."""
    rng = np.random.default_rng(1)
    weights = pd.DataFrame(ring(), range(UNITS), range(UNITS))
    report("plain errors", lambda: cross_section(rng), draws)
    report("HC1", lambda: cross_section(rng), draws, errors="robust")
    report("unequal variances, plain", lambda: cross_section(rng, unequal=True), draws)
    report(
        "unequal variances, HC1", lambda: cross_section(rng, unequal=True), draws, errors="robust"
    )
    lag = {"spatial": "lag", "weights": weights}
    report("spatial lag, maximum likelihood", lambda: cross_section(rng, RHO), draws, **lag)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
