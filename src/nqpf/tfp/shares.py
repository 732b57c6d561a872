"""The capital share estimated by two-way fixed effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError
from nqpf.tfp.within import check_regressors

__all__ = ["ReturnsTest", "ShareEstimate", "estimate_share"]


@dataclass(frozen=True)
class ReturnsTest:
    """Test of constant returns, H0: alpha + beta = 1.

    Attributes
    ----------
    scale : float
        Estimate of alpha + beta.
    std_error : float
        Its standard error, clustered by unit (convention "nested").
    tstat, pvalue : float
        Statistic of alpha + beta - 1 and two-sided p value.
    df : int
        Degrees of freedom of the t distribution: clusters less one.
    """

    scale: float
    std_error: float
    tstat: float
    pvalue: float
    df: int


@dataclass(frozen=True)
class ShareEstimate:
    """Elasticities of capital (alpha) and labour (beta).

    Attributes
    ----------
    alpha, beta : float
        Elasticities; ``beta = 1 - alpha`` under constant returns.
    alpha_se : float
        Standard error of alpha, clustered by unit (convention "nested").
    returns_test : ReturnsTest
        Test of constant returns in the unrestricted equation.
    """

    alpha: float
    beta: float
    alpha_se: float
    returns_test: ReturnsTest


def estimate_share(logs: pd.DataFrame, returns: str) -> ShareEstimate:
    """Estimate the Cobb-Douglas elasticities with unit and year effects.

    The equation is ln(Y/L) = alpha ln(K/L) + gamma ln L + effects, in which
    gamma = alpha + beta - 1 is zero under constant returns.

    Parameters
    ----------
    logs : DataFrame indexed (unit, time)
        Columns ``output``, ``capital``, ``labour`` in logarithms.
    returns : {"constant", "variable"}
        Impose gamma = 0 or not.

    Raises
    ------
    nqpf.errors.EstimationError
        If there are fewer than two units or years, or an input does not vary
        within units beyond the common movement of the years.
    """
    from scipy.stats import t as student

    outcome = logs["output"] - logs["labour"]
    free = pd.DataFrame(
        {"capital per worker": logs["capital"] - logs["labour"], "labour": logs["labour"]}
    )
    params, errors = _two_way(outcome, free)
    clusters = logs.index.get_level_values(0).nunique()
    tstat = params["labour"] / errors["labour"]
    test = ReturnsTest(
        scale=float(1 + params["labour"]),
        std_error=float(errors["labour"]),
        tstat=float(tstat),
        pvalue=float(2 * student.sf(abs(tstat), clusters - 1)),
        df=clusters - 1,
    )
    if returns == "constant":
        params, errors = _two_way(outcome, free[["capital per worker"]])
    alpha = float(params["capital per worker"])
    beta = test.scale - alpha if returns == "variable" else 1 - alpha
    return ShareEstimate(alpha, float(beta), float(errors["capital per worker"]), test)


def _two_way(outcome: pd.Series, regressors: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return coefficients and standard errors clustered by unit, convention "nested"."""
    from linearmodels.panel import PanelOLS

    levels = [outcome.index.get_level_values(level) for level in (0, 1)]
    units, times = (level.nunique() for level in levels)
    free = len(outcome) - regressors.shape[1] - units - times + 1
    if units < 2 or times < 2 or free < 1:
        raise EstimationError(
            f"{len(outcome)} rows of {units} units and {times} years are too few to estimate "
            "the capital share",
            hint="impose a share",
        )
    check_regressors(regressors, *(pd.factorize(level)[0] for level in levels))
    fit = PanelOLS(outcome, regressors, entity_effects=True, time_effects=True).fit(
        cov_type="clustered",
        cluster_entity=True,
        group_debias=True,
        auto_df=False,
        count_effects=False,
    )
    count, columns = regressors.shape
    # (N - 1)/(N - K) with K = regressors + years; linearmodels divides by N - regressors
    scale = (count - columns) / (count - columns - times)
    return fit.params, fit.std_errors * np.sqrt(scale)
