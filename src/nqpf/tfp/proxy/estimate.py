"""From arrays to a result: elasticities, standard errors by firm, productivity with its labels."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError
from nqpf.tfp.proxy.result import ProxyResult
from nqpf.tfp.proxy.sample import Firms, Roles, Sample
from nqpf.tfp.proxy.twostep import Fit, least_squares_start

__all__ = ["bootstrap", "estimate"]


def estimate(
    method: str,
    sample: Sample,
    roles: Roles,
    fit: Callable[[Firms, np.ndarray], Fit],
    points: Callable[[np.ndarray], np.ndarray],
    replications: int,
    seed: int,
) -> ProxyResult:
    """Estimate, bootstrap and label.

    Parameters
    ----------
    method : str
    sample : Sample
    roles : Roles
    fit : callable
        Firms and starting points to a fit.
    points : callable
        Least-squares elasticities, (p,), to starting points of the second step.
    replications, seed : int
        Of the bootstrap.
    """
    if replications < 0 or replications == 1:
        raise MethodError(
            f"{replications} replication(s)", expected="0 for none, or two or more for a spread"
        )
    firms, names = sample.firms, roles.inputs
    found = fit(firms, points(least_squares_start(firms)))
    if found.search.warning:
        warnings.warn(found.search.warning, stacklevel=3)
    params = pd.Series(found.params, index=names, name="elasticity")
    used = np.column_stack([firms.free, firms.state]) @ found.params
    index = sample.frame.index
    draws = bootstrap(firms, fit, found, replications, seed)
    lost = int(np.isnan(draws).any(axis=1).sum())
    if lost:
        warnings.warn(
            f"{lost} of {replications} bootstrap samples gave no estimate and are left out of "
            "the standard errors",
            stacklevel=3,
        )
    kept = draws[~np.isnan(draws).any(axis=1)]
    spread = kept.std(axis=0, ddof=1) if len(kept) > 1 else np.full(len(names), np.nan)
    return ProxyResult(
        method=method,
        params=params,
        std_errors=pd.Series(spread, index=names, name="std_error"),
        errors=f"bootstrap by firm, {len(kept)} samples" if len(kept) > 1 else "no standard errors",
        tfp=pd.Series(firms.y - used, index=index, name="tfp"),
        anticipated=pd.Series(found.expected - used, index=index, name="anticipated"),
        criterion=found.search.criterion,
        converged=found.search.converged,
        n=len(firms.now),
        firms=len(firms.first) - 1,
        dropped=sample.dropped,
        starts=found.search.starts,
        bootstrap=pd.DataFrame(draws, columns=names) if replications else None,
    )


def bootstrap(
    firms: Firms,
    fit: Callable[[Firms, np.ndarray], Fit],
    found: Fit,
    replications: int,
    seed: int,
) -> np.ndarray:
    """Return estimates on samples of firms drawn with replacement, (replications, p).

    Both steps are repeated, the search from the estimate alone. A sample that
    cannot be estimated, or whose search does not converge, gives NaN.
    """
    rng = np.random.default_rng(seed)
    count, start = len(firms.first) - 1, found.search.params[None, :]
    draws = np.full((replications, len(found.params)), np.nan)
    for row in range(replications):
        drawn = firms.draw(rng.integers(count, size=count))
        try:
            again = fit(drawn, start)
        except EstimationError:
            continue
        if again.search.converged:
            draws[row] = again.params
    return draws
