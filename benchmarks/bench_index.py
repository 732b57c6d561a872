"""Time entropy weights and TOPSIS beside scikit-criteria, on one matrix in one run.

Run ``make bench`` or ``python benchmarks/bench_index.py``. Prints times, ratios
and the largest absolute differences; leaves with status 1 if a promise of the
project is not kept.
"""

from __future__ import annotations

import subprocess
import sys
import timeit
import warnings
from collections.abc import Callable

import numpy as np
import scipy.stats
import skcriteria
from skcriteria.agg.topsis import TOPSIS
from skcriteria.agg.topsis import topsis as their_topsis
from skcriteria.pipelines import mkpipe
from skcriteria.preprocessing.scalers import MinMaxScaler
from skcriteria.preprocessing.weighters import EntropyWeighter, entropy_weights

from nqpf.index.aggregate import topsis
from nqpf.index.normalise import minmax
from nqpf.index.weights import entropy

# Rows, and how many times faster entropy + TOPSIS must be: 31 provinces in 11 years, and a large
# sample. Differences stay below 1e-12; `import nqpf` takes less than half a second.
SIZES = {341: 15.0, 1_000_000: 4.0}
COLUMNS = 30
TOLERANCE = 1e-12
IMPORT_SECONDS = 0.5


def reference(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and closeness from the definitions, column by column in long doubles."""
    columns = [z[:, j].astype(np.longdouble) for j in range(z.shape[1])]
    gains = []
    for column in columns:
        p = column[column > 0] / column.sum()
        gains.append(1 + (p * np.log(p)).sum() / np.log(np.longdouble(len(z))))
    w = np.array(gains) / sum(gains)
    near, far = np.zeros(len(z), np.longdouble), np.zeros(len(z), np.longdouble)
    for weight, column in zip(w, columns, strict=True):
        near += (weight * (column.max() - column)) ** 2
        far += (weight * (column - column.min())) ** 2
    return w.astype(float), (np.sqrt(far) / (np.sqrt(near) + np.sqrt(far))).astype(float)


def side_by_side(
    mine: Callable[[], object], theirs: Callable[[], object], rows: int
) -> tuple[float, float]:
    """Return the best time of one call of each in seconds, the two taken in turns."""
    number, rounds = (50, 7) if rows < 10_000 else (1, 4)
    mine(), theirs()
    times = [
        (timeit.timeit(mine, number=number), timeit.timeit(theirs, number=number))
        for _ in range(rounds)
    ]
    a, b = (min(column) / number for column in zip(*times, strict=True))
    return a, b


def said(kept: bool) -> str:
    """Return the verdict in words."""
    return "kept" if kept else "NOT KEPT"


def ours(z: np.ndarray) -> np.ndarray:
    """Return the closeness of each row."""
    return topsis(z, entropy(z))


def ours_ranked(z: np.ndarray) -> np.ndarray:
    """Return the rank of each row."""
    return scipy.stats.rankdata(-ours(z), method="dense")


def their_functions(z: np.ndarray, objectives: np.ndarray) -> object:
    """Return rank, ideals and closeness from the functions inside their classes."""
    return their_topsis(z, objectives, entropy_weights(z))


def compare(rows: int, wanted: float) -> bool:
    """Print the comparison for one size and return whether it keeps the promise."""
    x = np.random.default_rng(0).lognormal(size=(rows, COLUMNS))
    benefit = np.ones(COLUMNS, dtype=bool)
    z = minmax(x, benefit)
    raw, scaled = (skcriteria.mkdm(m, [max] * COLUMNS) for m in (x, z))
    pipe = mkpipe(EntropyWeighter(), TOPSIS())
    whole = mkpipe(MinMaxScaler(target="matrix"), EntropyWeighter(), TOPSIS())
    cases = {
        "entropy + TOPSIS": (lambda: ours(z), lambda: pipe.evaluate(scaled)),
        "the same, ours ranking too": (lambda: ours_ranked(z), lambda: pipe.evaluate(scaled)),
        "the same, their bare functions": (
            lambda: ours_ranked(z),
            lambda: their_functions(z, benefit.astype(int)),
        ),
        "min-max + entropy + TOPSIS": (
            lambda: ours(minmax(x, benefit)),
            lambda: whole.evaluate(raw),
        ),
    }
    print(f"\n{rows:,} x {COLUMNS}" + f"{'nqpf':>32}{'scikit-criteria':>18}{'ratio':>8}")
    ratios = {}
    for name, (mine, theirs) in cases.items():
        a, b = side_by_side(mine, theirs, rows)
        ratios[name] = b / a
        print(f"  {name:<32}{a * 1e3:>10.3f} ms{b * 1e3:>15.3f} ms{b / a:>8.1f}")
    w, scores = reference(z)
    theirs = EntropyWeighter().transform(scaled).weights.to_numpy()
    similarity = whole.evaluate(raw).e_.similarity
    gaps = {
        "weights, from long doubles": np.abs(entropy(z) - w).max(),
        "scores, from long doubles": np.abs(ours(z) - scores).max(),
        "weights, from scikit-criteria": np.abs(entropy(z) - theirs).max(),
        "scores, from scikit-criteria": np.abs(ours(z) - similarity).max(),
    }
    for name, gap in gaps.items():
        print(f"  largest difference of {name:<34}{gap:.1e}")
    fast, same = ratios["entropy + TOPSIS"] >= wanted, max(gaps.values()) <= TOLERANCE
    print(f"  wanted: ratio {wanted:g}, difference {TOLERANCE:g}: {said(fast and same)}")
    return fast and same


def import_time(statement: str) -> float:
    """Return the median seconds of an import in seven fresh processes."""
    program = f"import time; s = time.perf_counter(); {statement}; print(time.perf_counter() - s)"
    command = [sys.executable, "-c", program]
    runs = [
        float(subprocess.run(command, capture_output=True, check=True).stdout)  # noqa: S603 - ours
        for _ in range(7)
    ]
    return sorted(runs)[3]


def imports() -> bool:
    """Print how long imports take and return whether ``import nqpf`` keeps the promise."""
    seconds = {s: import_time(s) for s in ("import nqpf", "from nqpf import Recipe")}
    for statement, taken in seconds.items():
        print(f"{statement}: {taken * 1e3:.0f} ms")
    kept = seconds["import nqpf"] < IMPORT_SECONDS
    print(f"  wanted of the first: below {IMPORT_SECONDS * 1e3:g} ms: {said(kept)}")
    return kept


def main() -> int:
    """Run every comparison; return 0 if every promise is kept."""
    warnings.simplefilter("ignore")
    print(f"numpy {np.__version__}, scikit-criteria {skcriteria.VERSION}; best of several runs")
    kept = [imports(), *(compare(rows, wanted) for rows, wanted in SIZES.items())]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
