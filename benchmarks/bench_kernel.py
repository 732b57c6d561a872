"""Time the regression kernel beside linearmodels and pyfixest, on one core.

Run ``make bench`` or ``python benchmarks/bench_kernel.py``. Prints times, ratios and differences
on 341 rows and on a million; leaves with status 1 if a promise of the project is not kept.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable

# One thread for everybody, said before numpy and the peers start theirs.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["RAYON_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = "1"

import linearmodels
import numpy as np
import pandas as pd
import pyfixest
from linearmodels.panel import PanelOLS

from nqpf.regress.kernel import _cross_products

UNITS, YEARS, COLUMNS, REGRESSORS = 31, 11, 40, 4
SPECIFICATIONS, PEER_FITS, ROUNDS = 2_000, 20, 3
FIRMS, FIRM_YEARS, FIRM_REGRESSORS = 100_000, 15, ["a", "b", "c", "d", "e"]
WANTED_LINEARMODELS, WANTED_PYFIXEST, WANTED_MILLION = 300.0, 100.0, 1.0
TOLERANCE = 1e-10
# Every effect counted: with "nonnested", pyfixest 0.60 depends on Python's hash seed.
COUNTED = pyfixest.ssc(k_adj=True, k_fixef="full", G_adj=True)
# Its default stops at 1e-6. Times are taken with the default, differences at this.
TIGHT = pyfixest.MapDemeaner(fixef_tol=1e-13)


def once(call: Callable[[], object]) -> tuple[float, object]:
    """Return the seconds of one call, and its result."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def provinces() -> pd.DataFrame:
    """Return invented random walks with both effects."""
    rng = np.random.default_rng(0)
    walks = rng.normal(size=(UNITS, YEARS, COLUMNS)).cumsum(axis=1)
    walks += rng.normal(0, 3, (UNITS, 1, COLUMNS)) + rng.normal(size=(1, YEARS, COLUMNS))
    keys = pd.MultiIndex.from_product(
        [range(UNITS), range(2012, 2012 + YEARS)], names=["province", "year"]
    )
    return pd.DataFrame(walks.reshape(-1, COLUMNS), keys, [f"v{i}" for i in range(COLUMNS)])


def firms() -> pd.DataFrame:
    """Return an invented unbalanced panel of a million rows, 5 to 15 years a firm."""
    rng = np.random.default_rng(1)
    half = rng.integers(5, 16, FIRMS // 2)
    years = np.concatenate([half, 20 - half])
    firm = np.repeat(np.arange(FIRMS), years)
    entry = rng.integers(0, FIRM_YEARS + 1 - years)
    age = np.arange(len(firm)) - np.repeat(np.cumsum(years) - years, years)
    year = 2000 + entry[firm] + age
    x = rng.normal(size=(len(firm), 5)) + rng.normal(size=(FIRMS, 5))[firm]
    x += rng.normal(size=(FIRM_YEARS, 5))[year - 2000]
    y = x @ np.linspace(-1, 1, 5) + rng.normal(size=FIRMS)[firm] + rng.normal(size=len(firm))
    keys = {"firm": firm, "year": year, "y": y}
    return pd.DataFrame({**keys, **dict(zip(FIRM_REGRESSORS, x.T, strict=True))})


def feols(data: pd.DataFrame, names: list[str], unit: str, demeaner: object = None) -> object:
    """Return pyfixest's fit of the first name on the others, its cheapest settings."""
    return pyfixest.feols(
        f"{names[0]} ~ {' + '.join(names[1:])} | {unit} + year",
        data,
        vcov={"CRV1": unit},
        ssc=COUNTED,
        copy_data=False,
        store_data=False,
        lean=True,
        demeaner=demeaner,
    )


def estimates(fit: object) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and standard errors of a pyfixest fit."""
    return fit.coef().to_numpy(), fit.se().to_numpy()


def panel_ols(data: pd.DataFrame, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and clustered standard errors by linearmodels."""
    model = PanelOLS(data[names[0]], data[names[1:]], entity_effects=True, time_effects=True)
    fit = model.fit(cov_type="clustered", cluster_entity=True)
    return fit.params.to_numpy(), fit.std_errors.to_numpy()


def gap(fits: object, peers: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Return the largest relative differences of coefficients and standard errors."""
    params, errors = (np.array(part) for part in zip(*peers, strict=True))
    size = len(params)
    return (
        float(np.abs(fits.params[:size] / params - 1).max()),
        float(np.abs(fits.std_errors[:size] / errors - 1).max()),
    )


def verdict(name: str, ratio: float, wanted: float, gaps: tuple[float, float]) -> bool:
    """Print one line of ratios and differences; return whether the promise is kept."""
    good = bool(ratio >= wanted and max(gaps) <= TOLERANCE)
    print(
        f"  {name:<14}ratio {ratio:>8,.1f}, wanted {wanted:g}   largest relative difference: "
        f"coefficients {gaps[0]:.1e}, standard errors {gaps[1]:.1e}: "
        f"{'kept' if good else 'NOT KEPT'}"
    )
    return good


def curve() -> bool:
    """Print times per specification on 341 rows; return whether ratios are kept."""
    frame = provinces()
    flat = frame.reset_index()
    rng = np.random.default_rng(2)
    chosen = np.array([rng.permutation(COLUMNS)[: 1 + REGRESSORS] for _ in range(SPECIFICATIONS)])
    names = [[f"v{i}" for i in row] for row in chosen[:PEER_FITS]]

    def ours(convention: str = "nested") -> object:
        products = _cross_products(frame, frame.columns)
        return products.fit_many(chosen[:, 0], chosen[:, 1:], convention=convention)

    calls = {
        "ours": (ours, SPECIFICATIONS),
        "linearmodels": (lambda: [panel_ols(frame, row) for row in names], PEER_FITS),
        "pyfixest": (lambda: [feols(flat, row, "province") for row in names], PEER_FITS),
    }
    # In turns, so that a busy machine disturbs all alike; the best time of each counts.
    runs = [{name: once(call) for name, (call, _) in calls.items()} for _ in range(ROUNDS)]
    best = {name: min(run[name][0] for run in runs) / count for name, (_, count) in calls.items()}
    tight = [feols(flat, row, "province", TIGHT) for row in names]
    gaps = {
        "linearmodels": gap(ours("linearmodels"), runs[-1]["linearmodels"][1]),
        "pyfixest": gap(
            ours("all"), [(fit.coef().to_numpy(), fit.se().to_numpy()) for fit in tight]
        ),
    }
    print(
        f"{SPECIFICATIONS:,} two-way regressions of {REGRESSORS} regressors, clustered, "
        f"chosen from {COLUMNS} variables, {len(frame)} rows"
    )
    print(f"  ours {best['ours'] * 1e6:.1f} microseconds each, removal of effects included")
    kept = True
    for name, wanted in (("linearmodels", WANTED_LINEARMODELS), ("pyfixest", WANTED_PYFIXEST)):
        print(f"  {name} {best[name] * 1e3:.1f} milliseconds each")
        kept &= verdict(name, best[name] / best["ours"], wanted, gaps[name])
    return kept


def million() -> bool:
    """Print times on a million rows; return whether ours is at least level."""
    frame = firms()
    names = ["y", *FIRM_REGRESSORS]

    def ours() -> object:
        products = _cross_products(frame, names, unit="firm", time="year")
        return products.fit_many([0], [range(1, len(names))], convention="all")

    calls = {"ours": ours, "pyfixest": lambda: feols(frame, names, "firm")}
    runs = [{name: once(call) for name, call in calls.items()} for _ in range(ROUNDS)]
    best = {name: min(run[name][0] for run in runs) for name in calls}
    tight = feols(frame, names, "firm", TIGHT)
    gaps = gap(runs[-1]["ours"][1], [estimates(tight)])
    print(
        f"\none two-way regression, clustered, {len(frame):,} rows, {FIRMS:,} firms, 5 regressors"
    )
    print(f"  ours {best['ours']:.2f} s, pyfixest {best['pyfixest']:.2f} s")
    return verdict("pyfixest", best["pyfixest"] / best["ours"], WANTED_MILLION, gaps)


def main() -> int:
    """Run every comparison; return 0 if every promise is kept."""
    warnings.filterwarnings("ignore", category=UserWarning, module="pyfixest")
    print(
        f"numpy {np.__version__}, pandas {pd.__version__}, "
        f"linearmodels {linearmodels.__version__}, pyfixest {pyfixest.__version__}, one thread"
    )
    kept = [curve(), million()]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
