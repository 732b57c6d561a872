"""Monte Carlo comparisons of estimators on simulated firms."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import MethodError, NqpfError
from nqpf.tfp.simulate import TRUTH, Design, simulate_firms

__all__ = ["MonteCarlo", "monte_carlo"]


@dataclass(frozen=True)
class MonteCarlo:
    """Estimates of several estimators on the same simulated samples.

    Attributes
    ----------
    estimates : DataFrame
        One row per replication, estimator and parameter: ``estimate`` and
        ``converged``; a sample on which an estimator raised has NaN.
    truth : Series by parameter
    failures : DataFrame
        ``replication``, ``estimator``, ``message`` of every sample that raised.
    """

    estimates: pd.DataFrame
    truth: pd.Series
    failures: pd.DataFrame

    def summary(self) -> pd.DataFrame:
        """Return mean, bias and spread by estimator and parameter.

        Returns
        -------
        DataFrame indexed (estimator, parameter)
            ``truth``, ``mean``, ``bias``, ``sd``, ``mc_error`` (the Monte
            Carlo standard error of the bias, sd / sqrt of replications),
            ``z`` (bias / mc_error), ``replications`` and ``converged``, the
            numbers of samples.
        """
        groups = self.estimates.groupby(["estimator", "parameter"], sort=False)
        table = groups["estimate"].agg(mean="mean", sd="std", replications="count")
        table.insert(0, "truth", self.truth.reindex(table.index.get_level_values(1)).to_numpy())
        table.insert(2, "bias", table["mean"] - table["truth"])
        table.insert(4, "mc_error", table["sd"] / np.sqrt(table["replications"]))
        table.insert(5, "z", table["bias"] / table["mc_error"])
        table["converged"] = groups["converged"].sum()
        return table

    def to_frame(self) -> pd.DataFrame:
        """Return the estimates, one row per replication, estimator and parameter."""
        return self.estimates.copy()

    def _repr_html_(self) -> str:
        return self.summary().to_html(float_format="{:.4f}".format)


def monte_carlo(
    estimators: Mapping[str, Callable[[pd.DataFrame], object]],
    replications: int = 100,
    seed: int = 0,
    design: int | Design = 1,
    firms: int = 1000,
    years: int = 10,
    sd_materials: float = 0.0,
) -> MonteCarlo:
    """Run estimators on simulated samples of known truth.

    Parameters
    ----------
    estimators : mapping
        Names to functions of a frame of :func:`simulate_firms` that return a
        result with ``params`` (Series with ``labour`` and ``capital``) and
        ``converged``.
    replications : int
        Samples; sample r has a seed of its own, drawn from `seed`.
    seed : int
    design, firms, years, sd_materials
        As in :func:`simulate_firms`.

    Returns
    -------
    MonteCarlo

    Raises
    ------
    nqpf.errors.MethodError
        If there are fewer than two replications.

    Examples
    --------
    >>> from nqpf.tfp.proxy import ols
    >>> roles = ["output", "labour", "capital", "firm", "year"]
    >>> run = monte_carlo({"OLS": lambda f: ols(f, *roles)}, replications=3, firms=50)
    >>> bool(run.summary().loc[("OLS", "labour"), "bias"] > 0.2)
    True

    Notes
    -----
    Warnings of the estimators are not shown: what they say is counted in
    ``converged``. An error is recorded in ``failures`` and the run goes on.
    """
    if replications < 2:
        raise MethodError(f"{replications} replication(s)", expected="two or more for a spread")
    rows, failures = [], []
    seeds = np.random.SeedSequence(seed).generate_state(replications)
    for replication, one in enumerate(seeds):
        frame = simulate_firms(design, firms, years, int(one), sd_materials)
        for name, estimate in estimators.items():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)
                    result = estimate(frame)
                found, converged = result.params, result.converged
            except NqpfError as error:
                failures.append((replication, name, str(error)))
                found, converged = dict.fromkeys(TRUTH, np.nan), False
            rows += [(replication, name, p, float(found[p]), bool(converged)) for p in TRUTH]
    columns = ["replication", "estimator", "parameter", "estimate", "converged"]
    return MonteCarlo(
        estimates=pd.DataFrame(rows, columns=columns),
        truth=pd.Series(TRUTH, name="truth"),
        failures=pd.DataFrame(failures, columns=["replication", "estimator", "message"]),
    )
