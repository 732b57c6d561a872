"""Likelihood-ratio tests of frontiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nqpf.errors import MethodError

if TYPE_CHECKING:
    from nqpf.tfp.frontier.results import FrontierResult

__all__ = ["LikelihoodRatio", "likelihood_ratio", "no_inefficiency"]

# Rounding of two searches may leave the larger model this much lower.
SLACK = 1e-6


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test.

    Attributes
    ----------
    hypothesis : str
        What is tested.
    statistic : float
        Twice the difference of log-likelihoods.
    restrictions : int
        Number of restrictions.
    p_value : float
        From `distribution`.
    distribution : str
        ``"chi2"``, or ``"mixed chi2"`` where gamma = 0 lies on the boundary.
    """

    hypothesis: str
    statistic: float
    restrictions: int
    p_value: float
    distribution: str


def no_inefficiency(loglik: float, loglik_ols: float, restrictions: int) -> LikelihoodRatio:
    """Test the frontier against ordinary least squares.

    Parameters
    ----------
    loglik, loglik_ols : float
        Log-likelihoods of the frontier and of least squares.
    restrictions : int
        gamma and every other parameter of the inefficiency (mean or delta, eta).

    Notes
    -----
    gamma = 0 is one inequality beside q - 1 equalities, so the statistic is an even mixture of
    chi-squares with q - 1 and q degrees of freedom; the critical values are those of Kodde and
    Palm (1986), table 1.

    Examples
    --------
    >>> round(no_inefficiency(0.0, -2.706 / 2, 1).p_value, 3)
    0.05
    """
    from scipy.stats import chi2

    statistic = max(2 * float(loglik - loglik_ols), 0.0)
    lower = chi2.sf(statistic, restrictions - 1) if restrictions > 1 else float(statistic <= 0)
    return LikelihoodRatio(
        hypothesis="no inefficiency",
        statistic=statistic,
        restrictions=restrictions,
        p_value=float(lower + chi2.sf(statistic, restrictions)) / 2,
        distribution="mixed chi2",
    )


def likelihood_ratio(restricted: FrontierResult, full: FrontierResult) -> LikelihoodRatio:
    """Test a frontier against a larger one that contains it.

    Serves for Cobb-Douglas against translog, no decay against decay, half-normal against
    truncated, no trend against a trend.

    Parameters
    ----------
    restricted, full : FrontierResult
        Two frontiers on the same rows, every parameter of the first being one of the second.

    Returns
    -------
    LikelihoodRatio

    Raises
    ------
    nqpf.errors.MethodError
        If the samples differ, the models are not nested or `restricted` fits better, which only a
        search that missed the maximum can do.
    """
    from scipy.stats import chi2

    if not restricted.output.equals(full.output):
        raise MethodError("the two frontiers have different samples", expected="the same rows")
    small, large = set(restricted.parameters.index), set(full.parameters.index)
    if restricted.inefficiency_model != full.inefficiency_model or not small < large:
        raise MethodError(
            f"{', '.join(sorted(small - large)) or 'the first model'} is no restriction of the "
            "second frontier",
            expected="a frontier with more parameters, the first's among them",
        )
    statistic = 2 * (full.loglik - restricted.loglik)
    if statistic < -SLACK:
        raise MethodError(
            f"the larger frontier fits worse, by {-statistic / 2:.3g} in the log-likelihood",
            expected="a likelihood at least as high",
            hint="its search missed the maximum; look at convergence.starts",
        )
    statistic = max(float(statistic), 0.0)
    extra = len(large) - len(small)
    return LikelihoodRatio(
        hypothesis=f"{', '.join(k for k in full.parameters.index if k not in small)} = 0",
        statistic=statistic,
        restrictions=extra,
        p_value=float(chi2.sf(statistic, extra)),
        distribution="chi2",
    )
