"""Time the projection index beside its pairwise form, and compare the two solvers.

Run ``make bench`` or ``python benchmarks/bench_pursuit.py``. Prints times,
ratios and growth, then Q and time of both solvers on every system; leaves with
status 1 if a promise of the project is not kept.
"""

from __future__ import annotations

import math
import sys
import time
import timeit
from collections.abc import Callable

import numpy as np

from nqpf.data import Panel
from nqpf.errors import NqpfError
from nqpf.index.normalise import minmax
from nqpf.index.pursuit import _projection_index, certify, projection_pursuit
from nqpf.systems import System, available

COLUMNS = 30
DIRECTIONS = 400  # one generation of the genetic algorithm
SIZES = (341, 6_000, 60_000)
WANTED_RATIO = 15.0  # at the first size: 31 provinces in 11 years
PAIRWISE_UP_TO = 6_000  # n^2 doubles: 288 MB here, 29 GB at the next size
TOLERANCE = 1e-12
# n log n has an exponent of 1.14 between the first two sizes and 1.10 between the last two.
WANTED_EXPONENT = 1.3
SEEDS = range(20)
WANTED_RUNS = 2.0  # the deterministic solver takes no longer than this many genetic runs


def pairwise(x: np.ndarray, a: np.ndarray, radius: float = 0.1) -> float:
    """Return Q as it is printed, over all pairs at once: R - r where R > r."""
    z = x @ a
    spread = z.std(ddof=1)
    reach = radius * spread
    distance = np.abs(z[:, None] - z[None, :])
    return spread * np.where(reach > distance, reach - distance, 0.0).sum()


def best_time(call: Callable[[], object], number: int) -> float:
    """Return the best seconds of one call over nine rounds."""
    return min(timeit.repeat(call, number=number, repeat=9)) / number


def said(kept: bool) -> str:
    """Return the verdict in words."""
    return "kept" if kept else "NOT KEPT"


def sample(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return indicators and the directions of one generation, of length 1."""
    rng = np.random.default_rng(0)
    directions = rng.random((DIRECTIONS, COLUMNS))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return rng.lognormal(size=(rows, COLUMNS)), directions


def ratios(memory: str) -> tuple[float, float]:
    """Print times at the first size beside the pairwise form; return the two ratios."""
    x, directions = sample(SIZES[0])
    a = directions[0]
    theirs = best_time(lambda: pairwise(x, a), 100)
    alone = best_time(lambda: _projection_index(x, a), 500)
    together = best_time(lambda: _projection_index(x, directions), 3) / DIRECTIONS
    print(
        f"  {memory:<20}pairwise {theirs * 1e6:>7.1f} us   one direction {alone * 1e6:>5.1f} us, "
        f"ratio {theirs / alone:>5.1f}   {DIRECTIONS} at once {together * 1e6:>4.1f} us each, "
        f"ratio {theirs / together:>5.1f}"
    )
    return theirs / alone, theirs / together


def speed() -> bool:
    """Return whether the index is as much faster than the pairwise form as promised.

    The pairwise form depends on the state of the process: at its start every
    temporary matrix is fetched from the system and given back; once larger
    arrays have been freed, memory is kept and the form runs several times faster.
    """
    print(f"projection index, {SIZES[0]} x {COLUMNS}, microseconds per direction")
    alone, _ = ratios("process as started")
    x, _ = sample(1_000_000 // COLUMNS * 4)
    del x
    _, together = ratios("memory kept")
    kept = min(alone, together) >= WANTED_RATIO
    print(
        f"  wanted: ratio {WANTED_RATIO:g}, of one direction as started and of a generation "
        f"with memory kept: {said(kept)}"
    )
    return kept


def growth() -> bool:
    """Return whether the index has its digits and grows as n log n."""
    print(f"\nprojection index of one direction, {COLUMNS} columns")
    times, kept = [], True
    for rows in SIZES:
        x, directions = sample(rows)
        a = directions[0]
        times.append(best_time(lambda x=x, a=a: _projection_index(x, a), 200_000 // rows + 1))
        line = f"  {rows:>6,} rows{times[-1] * 1e3:>10.3f} ms"
        if rows <= PAIRWISE_UP_TO:
            gap = abs(_projection_index(x, a) / pairwise(x, a) - 1)
            line += f"   difference from pairwise {gap:.1e}"
            kept &= gap <= TOLERANCE
        print(line)
    for k in (1, 2):
        exponent = math.log(times[k] / times[k - 1]) / math.log(SIZES[k] / SIZES[k - 1])
        print(f"  {SIZES[k - 1]:,} to {SIZES[k]:,} rows: time grows as n^{exponent:.2f}")
        kept &= exponent <= WANTED_EXPONENT
    print(
        f"  wanted: difference {TOLERANCE:g}, exponent {WANTED_EXPONENT:g} at most "
        f"(n log n has 1.1): {said(kept)}"
    )
    return kept


def solvers() -> bool:
    """Print both solvers on every system; return whether the deterministic one keeps its word."""
    print(
        f"\nsolvers, {len(SEEDS)} genetic runs of 40,400 evaluations beside the deterministic one"
    )
    head = ("system", "rows x m", "Q", "gap of best", "of worst", "ranks", "s/run", "s", "runs")
    print("  {:<17}{:>9}{:>12}{:>12}{:>10}{:>7}{:>8}{:>7}{:>6}".format(*head))
    panel, kept = Panel.load(), True
    for key in available():
        try:
            system = System.load(key).evaluate(panel)
        except NqpfError as error:
            print(f"  {key:<17} left out: {error}")
            continue
        x = minmax(system.values.to_numpy(), system.benefit.to_numpy())
        table = (certificate := certify(x, SEEDS)).table()
        # In turns, so that a busy machine disturbs both alike.
        pairs = [(seconds(x, "genetic"), seconds(x, "multistart")) for _ in range(5)]
        genetic, fixed = (min(column) for column in zip(*pairs, strict=True))
        print(
            f"  {key:<17}{f'{x.shape[0]} x {x.shape[1]}':>9}{certificate.optimum.value:>12.6f}"
            f"{certificate.gap:>12.1e}{table['shortfall'].max():>10.1e}"
            f"{table['largest_shift'].max():>7.0f}{genetic:>8.3f}{fixed:>7.3f}"
            f"{fixed / genetic:>6.2f}"
        )
        kept &= certificate.gap >= 0 and fixed <= WANTED_RUNS * genetic
    print(f"  wanted: no gap below zero, at most {WANTED_RUNS:g} runs' time: {said(kept)}")
    return kept


def seconds(x: np.ndarray, solver: str) -> float:
    """Return how long one search takes."""
    start = time.perf_counter()
    projection_pursuit(x, solver=solver)
    return time.perf_counter() - start


def main() -> int:
    """Run every comparison; return 0 if every promise is kept."""
    print(f"numpy {np.__version__}; best of several runs")
    return 0 if all([speed(), growth(), solvers()]) else 1


if __name__ == "__main__":
    sys.exit(main())
