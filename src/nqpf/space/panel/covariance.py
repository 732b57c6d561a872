"""Standard errors of spatial panels: from the likelihood, or clustered by unit.

With A minus the second derivatives of the log-likelihood and s_i the score of unit i,
clustered errors are G/(G-1) A^-1 B A^-1 of G units. What B adds up is a choice, as the score
of rho holds e'We-like terms in which neighbours meet:

- ``clustered`` is the sum of s_i s_i', each unit with its rows of the sum of squares and an
  equal part of the log-determinant and of log sigma2. This gives the errors that Stata's xsmle
  prints under vce(robust); a unit's own share of tr(G), G = W (I - rho W)^-1, gives others.
  It takes units' scores as uncorrelated. That of rho is not: the score of unit i holds
  e_i G_ij e_j and that of unit j e_j G_ji e_i, so their product has the mean
  G_ij G_ji sigma2^2 even where all errors are independent, and B leaves out tr(GG). Errors of
  rho and of spillovers come out too small.
- ``pairwise`` splits the same score into one part per unit, which holds its own errors
  alone, and one per pair i < j, (G_ij + G_ji) e_i'e_j / sigma2, e_i the errors of all years.
  Where units are independent, parts are uncorrelated whatever the errors of a unit do over
  time, so B is the sum of their squares. This is the decomposition of quadratic forms of
  Kelejian and Prucha (2001), Journal of Econometrics 104, with units of several years.

Neither counts parameters: (N-1)/(N-K) belongs to least squares.
"""

from __future__ import annotations

import numpy as np

from nqpf.errors import EstimationError
from nqpf.space.panel.likelihood import Estimate, lagged
from nqpf.space.panel.spectrum import Spectrum
from nqpf.space.panel.transform import Transformation

__all__ = ["CLUSTERED", "ERRORS", "covariance", "unit_scores"]

ERRORS = {
    "information": "expected information",
    "hessian": "observed information",
    "clustered": "clustered by {unit}",
    "pairwise": "clustered by {unit} and pair of neighbours",
}
CLUSTERED = ("clustered", "pairwise")
_SINGULAR = 1e-12


def covariance(
    fit: Estimate, errors: str, spectrum: Spectrum, change: Transformation
) -> np.ndarray:
    """Return the covariance (k + 2, k + 2) of slopes, rho and sigma2.

    Raises
    ------
    nqpf.errors.EstimationError
        If the information is singular, or there are no more units than parameters to cluster by.
    """
    if errors not in CLUSTERED:
        return _inverse(fit.information if errors == "information" else fit.hessian)
    units, size = fit.residuals.shape[1], len(fit.hessian)
    if units <= size:
        raise EstimationError(
            f"{units} units are too few to cluster the errors of {size} parameters by",
            expected="more units than slopes, rho and sigma2 together",
            hint="use fewer regressors or lags, or errors='information'",
        )
    bread = _inverse(fit.hessian)
    if errors == "clustered":
        scores, pairs = unit_scores(fit, spectrum, change), 0.0
    else:
        scores, pairs = _by_pair(fit, spectrum, change)
    middle = scores.T @ scores
    middle[-2, -2] += pairs
    return units / (units - 1) * bread @ middle @ bread


def unit_scores(fit: Estimate, spectrum: Spectrum, change: Transformation) -> np.ndarray:
    """Return the score (n, k + 2) of each unit at the maximum; columns add up to zero.

    The log-likelihood of unit i is that of its rows with the (1/n)-th part of
    P log|I - rho W| - N*/2 log(2 pi sigma2).
    """
    n, trace = fit.residuals.shape[1], spectrum.traces(fit.rho, change.common).first
    by_rho = (fit.moved * fit.residuals).sum(axis=0) / fit.sigma2 - change.periods * trace / n
    return _stacked(fit, change, by_rho)


def _by_pair(fit: Estimate, spectrum: Spectrum, change: Transformation) -> tuple[np.ndarray, float]:
    """Return the scores (n, k + 2) that hold a unit's errors alone, and the pairs' sum of squares.

    The derivative of e by -rho is moved = mean + G e: its mean moves with regressors and effects.
    Products of errors are taken less their mean; where year effects are removed G acts on
    deviations from the year alone.
    """
    e, n = fit.residuals, fit.residuals.shape[1]
    g = spectrum.matrix @ spectrum.inverse(fit.rho)
    mean = fit.moved - change.within(lagged(g, e))
    keep = np.eye(n) - change.time / n  # removes a year's mean, which e does not have
    g = keep @ g @ keep
    products = e.T @ e / fit.sigma2 - change.rows / np.trace(keep) * keep
    own = (mean * e).sum(axis=0) / fit.sigma2 + np.diag(g) * np.diag(products)
    pairs = np.tril((g + g.T) * products, -1)
    return _stacked(fit, change, own), float((pairs**2).sum())


def _stacked(fit: Estimate, change: Transformation, by_rho: np.ndarray) -> np.ndarray:
    """Return scores (n, k + 2) by slopes, rho and sigma2."""
    e, n = fit.residuals, fit.residuals.shape[1]
    slopes = np.einsum("tik,ti->ik", fit.design, e) / fit.sigma2
    spread = (e**2).sum(axis=0) / (2 * fit.sigma2**2) - change.rows / (2 * n * fit.sigma2)
    return np.column_stack([slopes, by_rho, spread])


def _inverse(matrix: np.ndarray) -> np.ndarray:
    root = np.sqrt(np.abs(np.diag(matrix)))
    scaled = matrix / np.outer(root, root) if (root > 0).all() else None
    if scaled is None or np.linalg.eigvalsh(scaled)[0] < _SINGULAR:
        raise EstimationError(
            "the information matrix is singular, so standard errors do not exist",
            expected="regressors, lags and rho that the sample tells apart",
            hint="drop a regressor or its lag",
        )
    return np.linalg.inv(scaled) / np.outer(root, root)
