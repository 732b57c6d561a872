"""Time draws of ranks beside refitting the recipe of each draw, in one run on one core.

Run ``make bench`` or ``python benchmarks/bench_uncertainty.py``. Prints milliseconds
of processor time per draw, ratios and the largest difference; leaves with status 1
if a promise of the project is not kept.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "made_up"))

from made_up_index import case, refitted

from nqpf import provinces
from nqpf.compare import sensitivity, uncertainty
from nqpf.systems import IndicatorMatrix

YEARS, COLUMNS = range(2012, 2023), 20
DRAWS, REFITS, ROUNDS = 10_000, 200, 3
# Quoted, not measured here: what the R package COINr takes for one replication of its example.
COINR_MS = 84.0
# The loop was asked for 20 when one fit of a recipe took four times what it takes now; a draw has
# stayed as fast as it was.
WANTED_COINR, WANTED_LOOP = 50.0, 8.0
TOLERANCE = 1e-12
NOISE = {"error": 0.05, "perturb": 0.25}
REGIMES = {
    "choices only": {},
    "and weights changed by up to 25 %": {"perturb": 0.25},
    "and 5 % measurement error": {"error": 0.05},
    "and both": NOISE,
}


def simulated() -> IndicatorMatrix:
    """Return log-normal indicators of 31 provinces in 11 years, a third of them costs."""
    rows = pd.MultiIndex.from_product([provinces.codes(), YEARS], names=["province", "year"])
    drawn = np.random.default_rng(0).lognormal(size=(len(rows), COLUMNS))
    keys = [f"i{j}" for j in range(COLUMNS)]
    return IndicatorMatrix(
        pd.DataFrame(drawn, rows, keys),
        benefit=pd.Series([j % 3 > 0 for j in range(COLUMNS)], keys),
        dimension=pd.Series([f"d{j % 4}" for j in range(COLUMNS)], keys),
    )


def took(run: Callable[[], object]) -> float:
    """Return seconds of processor time, which other work on the machine disturbs least."""
    began = time.process_time()
    run()
    return time.process_time() - began


def loop(result: Any) -> Callable[[], None]:
    """Return what fits and ranks the first draws one by one, from matrices made before.

    The change of weights, errors and omission are left out of the time, so the
    ratio is a lower bound.
    """
    cases = [case(result, draw) for draw in range(REFITS)]

    def run() -> None:
        for recipe, matrix in cases:
            recipe.fit(matrix).rank(result.plan.year)

    return run


def largest_gap(result: Any) -> tuple[float, bool]:
    """Return the largest difference from refitted draws, and whether all ranks are the same."""
    codes = result.baseline.index
    again = np.array(
        [
            refitted(result, d).xs(result.plan.year, level="year")[codes].to_numpy()
            for d in range(REFITS)
        ]
    )
    # Scores that agree to twelve decimals share a rank.
    ranks = pd.DataFrame(again.round(12)).rank(axis=1, ascending=False, method="min")
    same = np.array_equal(ranks, result.ranks[:REFITS])
    return float(np.abs(again - result.scores[:REFITS]).max()), same


def said(kept: bool) -> str:
    """Return the verdict in words."""
    return "kept" if kept else "NOT KEPT"


def compare(matrix: IndicatorMatrix, regime: str, rounds: int) -> tuple[float, float, bool]:
    """Print one regime; return ms per draw, ratio to the loop and whether draws are equal."""
    options = REGIMES[regime]
    result = uncertainty(matrix, DRAWS, **options)
    refits = loop(result)
    times = [
        (took(lambda: uncertainty(matrix, DRAWS, **options)) / DRAWS, took(refits) / REFITS)
        for _ in range(rounds)
    ]
    ours, theirs = (min(column) * 1e3 for column in zip(*times, strict=True))
    gap, same = largest_gap(result)
    print(
        f"  {regime:<35}{ours:>8.3f} ms{theirs:>10.2f} ms{theirs / ours:>8.0f}"
        f"{COINR_MS / ours:>10.0f}   {gap:.0e}, ranks {'equal' if same else 'DIFFER'}"
    )
    return ours, theirs / ours, same and gap <= TOLERANCE


def main() -> int:
    """Print the table and return the status."""
    warnings.simplefilter("ignore")
    matrix = simulated()
    print(
        f"{DRAWS:,} draws, 31 x {len(YEARS)} x {COLUMNS}, one core, processor time per draw;\n"
        f"the loop fits and ranks {REFITS} of the same draws by Recipe; COINr's "
        f"{COINR_MS:g} ms are quoted, not measured here\n"
        f"{'':<37}{'nqpf':>8}{'Recipe':>14}{'ratio':>10}{'to COINr':>11}   difference"
    )
    found = {regime: compare(matrix, regime, ROUNDS) for regime in REGIMES}
    cases = len(np.unique(uncertainty(matrix, DRAWS).scores, axis=0))
    print(f"  choices only: {DRAWS:,} draws are {cases} different cases, each computed once")
    ours, ratio, _ = found["and both"]
    fast = ours <= COINR_MS / WANTED_COINR and ratio >= WANTED_LOOP
    equal = all(same for _, _, same in found.values())
    print(
        f"  wanted with both: {COINR_MS / WANTED_COINR:g} ms ({WANTED_COINR:g} times below the "
        f"quoted figure), {WANTED_LOOP:g} times faster than the loop: {said(fast)}"
    )
    print(f"  wanted: difference {TOLERANCE:g}, equal ranks: {said(equal)}")
    seconds = took(lambda: sensitivity(matrix, 1024, **NOISE))
    print(f"  sensitivity, 1,024 samples x 8 runs: {seconds:.1f} s")
    return 0 if fast and equal else 1


if __name__ == "__main__":
    sys.exit(main())
