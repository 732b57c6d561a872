"""What a stochastic frontier gives back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.tfp.frontier.decomposition import decompose
from nqpf.tfp.frontier.maximise import Convergence
from nqpf.tfp.frontier.ratio import LikelihoodRatio, no_inefficiency

__all__ = ["FrontierResult"]


@dataclass(frozen=True)
class FrontierResult:
    """A production frontier ln y = x'beta + v - u, estimated by maximum likelihood.

    Attributes
    ----------
    form, inefficiency_model, distribution, trend : str
        The model, as asked for.
    decay : bool
        Whether eta was estimated.
    parameters : DataFrame by parameter
        ``estimate``, ``std_error``, ``z``, ``p_value``: the frontier's coefficients, ``mu`` or
        ``delta:..`` where the mean before truncation is free, ``sigma2`` = sigma_v^2 +
        sigma_u^2, ``gamma`` = sigma_u^2 / sigma^2, and ``eta``.
    covariance : DataFrame
        Inverse of minus the Hessian; NaN at a bound, where it means nothing.
    loglik, loglik_ols : float
        Log-likelihoods of the frontier and of least squares.
    ols_skewness : float
        Skewness of the least-squares residuals. Inefficiency makes it negative; a positive one
        is the wrong skewness (Waldman 1982).
    output : Series indexed (unit, time)
        ln y.
    inputs : DataFrame
        ln x.
    efficiency : Series
        E[exp(-u) | e], Battese and Coelli (1988).
    inefficiency : Series
        E[u | e], in logs.
    residual : Series
        e = v - u.
    elasticities : DataFrame
        d ln y / d ln x_j of each row.
    technical_change : Series
        d ln y / dt of each row.
    convergence : Convergence
        How the search ended.
    """

    form: str
    inefficiency_model: str
    distribution: str
    trend: str
    decay: bool
    parameters: pd.DataFrame
    covariance: pd.DataFrame
    loglik: float
    loglik_ols: float
    ols_skewness: float
    output: pd.Series
    inputs: pd.DataFrame
    efficiency: pd.Series
    inefficiency: pd.Series
    residual: pd.Series
    elasticities: pd.DataFrame
    technical_change: pd.Series
    convergence: Convergence

    @property
    def sigma2(self) -> float:
        """sigma_v^2 + sigma_u^2."""
        return float(self.parameters.loc["sigma2", "estimate"])

    @property
    def gamma(self) -> float:
        """sigma_u^2 / sigma^2, between 0 (no inefficiency) and 1 (no noise)."""
        return float(self.parameters.loc["gamma", "estimate"])

    @property
    def returns_to_scale(self) -> pd.Series:
        """Sum of the elasticities of each row."""
        return self.elasticities.sum(axis=1).rename("returns_to_scale")

    def test_no_inefficiency(self) -> LikelihoodRatio:
        """Test gamma = 0, and with it mu or delta and eta, by the mixed chi-square."""
        names = list(self.parameters.index)
        return no_inefficiency(
            self.loglik, self.loglik_ols, len(names) - names.index("gamma") + self._means()
        )

    def _means(self) -> int:
        """Return how many parameters the mean before truncation has."""
        return sum(name == "mu" or name.startswith("delta:") for name in self.parameters.index)

    def decomposition(self) -> pd.DataFrame:
        """Return yearly growth and its sources after Kumbhakar (2000), indexed (unit, time).

        Log points a year, from each unit's second year on: ``tfp`` = ``technical`` +
        ``efficiency`` + ``scale``, and ``output`` = ``inputs`` + ``tfp`` + ``noise``. Without
        prices of inputs there is no allocative part.

        Raises
        ------
        nqpf.errors.SampleError
            If a year is missing within a unit, or there is one year only.
        """
        return decompose(
            self.output,
            self.inputs,
            self.elasticities,
            self.technical_change,
            np.log(self.efficiency),
        )

    def summary(self) -> pd.Series:
        """Return what a reader checks first: fit, test of no inefficiency, convergence."""
        test = self.test_no_inefficiency()
        units = self.output.index.get_level_values(0).nunique()
        return pd.Series(
            {
                "form": self.form,
                "inefficiency": self.inefficiency_model,
                "distribution": self.distribution,
                "trend": self.trend,
                "rows": len(self.output),
                "units": units,
                "log-likelihood": self.loglik,
                "log-likelihood, least squares": self.loglik_ols,
                "LR, no inefficiency": test.statistic,
                "p, mixed chi-square": test.p_value,
                "gamma": self.gamma,
                "mean efficiency": float(self.efficiency.mean()),
                "skewness of residuals, least squares": self.ols_skewness,
                "converged": self.convergence.converged,
                "at a bound": ", ".join(self.convergence.boundary) or "none",
                "largest derivative": self.convergence.gradient_norm,
                "iterations": self.convergence.iterations,
            },
            name="frontier",
        )

    def to_frame(self) -> pd.DataFrame:
        """Return efficiency, E[u | e] and residual side by side, indexed (unit, time)."""
        return pd.DataFrame(
            {
                "efficiency": self.efficiency,
                "inefficiency": self.inefficiency,
                "residual": self.residual,
            }
        )

    def _repr_html_(self) -> str:
        return self.parameters.to_html() + self.summary().to_frame().to_html()
