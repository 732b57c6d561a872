"""Estimators of firms' production functions on simulated samples of known truth."""

import warnings
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from nqpf.tfp.simulate import simulate_firms

TRUTH = {"labour": 0.6, "capital": 0.4}


def monte_carlo(
    estimators: Mapping[str, Callable], replications: int, seed: int, design: int = 1
) -> pd.DataFrame:
    """Return bias and spread by estimator and parameter; z is bias in Monte Carlo errors."""
    rows = []
    for one in np.random.SeedSequence(seed).generate_state(replications):
        frame = simulate_firms(design, seed=int(one))
        for name, estimate in estimators.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                fit = estimate(frame)
            ended = bool(getattr(fit, "converged", True))
            rows += [(name, p, fit.params[p] - true, ended) for p, true in TRUTH.items()]
    draws = pd.DataFrame(rows, columns=["estimator", "parameter", "bias", "converged"])
    groups = draws.groupby(["estimator", "parameter"], sort=False)
    table = groups.agg(bias=("bias", "mean"), sd=("bias", "std"), converged=("converged", "sum"))
    table["mc_error"] = table["sd"] / np.sqrt(replications)
    return table.assign(z=table["bias"] / table["mc_error"])
