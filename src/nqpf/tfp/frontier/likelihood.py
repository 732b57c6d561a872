"""Log-likelihood of a normal error less a truncated-normal inefficiency, with its gradient.

One likelihood serves both models. In Battese and Coelli (1992) a group is a unit, whose draw of
inefficiency is shared by its years; in Battese and Coelli (1995), and in a cross-section, each row
is a group of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erfcx, log_ndtr

__all__ = ["Posterior", "Sample", "log_likelihood", "log_mills", "posterior"]


@dataclass(frozen=True, eq=False)
class Sample:
    """Arrays of one sample; rows are sorted so that each group is contiguous.

    Attributes
    ----------
    y : array (n,)
        Logarithm of output.
    x : array (n, k)
        Regressors of the frontier, a column of ones included.
    z : array (groups, p)
        Regressors of the mean before truncation; p = 0 sets it to zero (half-normal).
    starts : array of int (groups,)
        First row of each group.
    lead : array (n,)
        Years from the row's year to the last year of the sample.
    decay : bool
        Whether the rate eta is a parameter; otherwise it is zero.
    """

    y: np.ndarray
    x: np.ndarray
    z: np.ndarray
    starts: np.ndarray
    lead: np.ndarray
    decay: bool

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each group."""
        return np.diff(np.append(self.starts, len(self.y)))

    def split(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float, float]:
        """Return beta, delta, sigma squared, gamma and eta."""
        k, p = self.x.shape[1], self.z.shape[1]
        beta, delta, rest = np.split(parameters, [k, k + p])
        return beta, delta, float(rest[0]), float(rest[1]), float(rest[2]) if self.decay else 0.0

    def total(self, rows: np.ndarray) -> np.ndarray:
        """Return sums within groups."""
        return np.add.reduceat(rows, self.starts)


def log_mills(x: np.ndarray) -> np.ndarray:
    """Return ln Phi(x) + x^2 / 2 without the cancellation of its two terms far below zero.

    Examples
    --------
    >>> log_mills(np.array([0.0, -1e6])).round(6).tolist()
    [-0.693147, -14.734449]
    """
    below, above = np.minimum(x, 0.0), np.maximum(x, 0.0)
    return np.where(
        x < 0, np.log(erfcx(-below / np.sqrt(2.0)) / 2.0), log_ndtr(above) + above**2 / 2
    )


def _hazard(x: np.ndarray) -> np.ndarray:
    """Return phi(x) / Phi(x)."""
    return np.exp(-log_mills(x)) / np.sqrt(2 * np.pi)


def log_likelihood(parameters: np.ndarray, sample: Sample) -> tuple[float, np.ndarray]:
    """Return the log-likelihood and its gradient.

    Parameters
    ----------
    parameters : array
        beta (k), delta (p), sigma^2 = sigma_v^2 + sigma_u^2, gamma = sigma_u^2 / sigma^2 in
        (0, 1), and eta where `sample` has decay.
    sample : Sample
        The data.

    Returns
    -------
    value : float
    gradient : array shaped like `parameters`

    Notes
    -----
    Battese and Coelli (1992), appendix, and (1993), for 1995. With h_t = exp(eta (T - t)),
    a = h'e, q = h'h, d = 1 + gamma (q - 1), m = z'delta for a group of n rows::

        ln L = - n/2 ln(2 pi sigma^2) - (n - 1)/2 ln(1 - gamma) - 1/2 ln d
               - [ln Phi(w) + w^2/2] + [ln Phi(r) + r^2/2] - e'e / (2 (1 - gamma) sigma^2)
        w = m / sqrt(gamma sigma^2)
        r = (m (1 - gamma) - gamma a) / sqrt(gamma (1 - gamma) sigma^2 d)

    For m > 0, w^2 and r^2 may be huge and nearly equal; the squares are then gathered into the
    normal quadratic form of f = e + h m, which is the same number without the cancellation.
    """
    beta, delta, sigma2, gamma, eta = sample.split(parameters)
    n = sample.sizes
    e = sample.y - sample.x @ beta
    h = np.exp(eta * sample.lead)
    a, q = sample.total(h * e), sample.total(h * h)
    m = sample.z @ delta
    d = 1 + gamma * (q - 1)
    scale = np.sqrt(gamma * (1 - gamma) * sigma2 * d)
    w, r = m / np.sqrt(gamma * sigma2), (m * (1 - gamma) - gamma * a) / scale
    noise = (1 - gamma) * sigma2
    gathered = (m > 0).astype(float)
    f = e + np.repeat(gathered * m, n) * h
    b, g = sample.total(h * f), gathered * gamma / d
    square = (sample.total(f * f) - g * b * b) / noise
    tails = np.where(m > 0, log_ndtr(r) - log_ndtr(w), log_mills(r) - log_mills(w))
    value = (
        -n / 2 * np.log(2 * np.pi * sigma2)
        - (n - 1) / 2 * np.log1p(-gamma)
        - np.log(d) / 2
        - square / 2
        + tails
    ).sum()

    # Derivatives of the two tails by w and r; gathered squares have their own.
    kw, kr = _hazard(w) + (1 - gathered) * w, _hazard(r) + (1 - gathered) * r
    by_beta = sample.x.T @ (
        np.repeat(kr * gamma / scale, n) * h + (f - np.repeat(g * b, n) * h) / noise
    )
    by_delta = sample.z.T @ (
        kr * (1 - gamma) / scale - kw / np.sqrt(gamma * sigma2) - gathered * b / (sigma2 * d)
    )
    by_sigma2 = (-n + kw * w - kr * r + square).sum() / (2 * sigma2)
    r_by_gamma = -(m + a) / scale - r / 2 * (1 / gamma - 1 / (1 - gamma) + (q - 1) / d)
    by_gamma = (
        (n - 1) / (2 * (1 - gamma))
        - (q - 1) / (2 * d)
        + kw * w / (2 * gamma)
        + kr * r_by_gamma
        - square / (2 * (1 - gamma))
        + gathered * b**2 / (2 * noise * d**2)
    ).sum()
    gradient = [*by_beta, *by_delta, by_sigma2, by_gamma]
    if sample.decay:
        a_eta = sample.total(sample.lead * h * e)
        q_eta = 2 * sample.total(sample.lead * h * h)
        b_eta = a_eta + gathered * m * q_eta
        r_eta = -gamma * a_eta / scale - r * gamma * q_eta / (2 * d)
        half_square_eta = (
            gathered * m * (a_eta + gathered * m * q_eta / 2)
            - g * b * b_eta
            + g * gamma * q_eta * b**2 / (2 * d)
        ) / noise
        gradient.append((kr * r_eta - gamma * q_eta / (2 * d) - half_square_eta).sum())
    return float(value), np.array(gradient)


@dataclass(frozen=True, eq=False)
class Posterior:
    """What the residuals say about inefficiency, one entry per row.

    Attributes
    ----------
    residual : array (n,)
        e = ln y - x'beta, noise less inefficiency.
    efficiency : array (n,)
        E[exp(-u) | e], in (0, 1].
    inefficiency : array (n,)
        E[u | e], in logs.
    """

    residual: np.ndarray
    efficiency: np.ndarray
    inefficiency: np.ndarray


def posterior(parameters: np.ndarray, sample: Sample) -> Posterior:
    """Return residuals and conditional means of inefficiency.

    Given e, a group's draw is normal with mean mu* and variance s*^2 truncated at zero::

        mu* = (m (1 - gamma) - gamma h'e) / d,  s*^2 = gamma (1 - gamma) sigma^2 / d
        E[exp(-h u) | e] = exp(-h mu* + h^2 s*^2 / 2) Phi(mu*/s* - h s*) / Phi(mu*/s*)

    Battese and Coelli (1988), equation 12, and (1992), equation 10.
    """
    beta, delta, sigma2, gamma, eta = sample.split(parameters)
    e = sample.y - sample.x @ beta
    h = np.exp(eta * sample.lead)
    m = sample.z @ delta
    d = 1 + gamma * (sample.total(h * h) - 1)
    mean = (m * (1 - gamma) - gamma * sample.total(h * e)) / d
    spread = np.sqrt(gamma * (1 - gamma) * sigma2 / d)
    ratio = mean / spread
    rows = np.repeat(np.arange(len(d)), sample.sizes)
    near, shifted = ratio[rows], ratio[rows] - h * spread[rows]
    # Far below zero log_mills carries the squares whose difference is the first factor's exponent.
    log_efficiency = np.where(
        near > 0,
        log_ndtr(shifted) - log_ndtr(near) - h * mean[rows] + (h * spread[rows]) ** 2 / 2,
        log_mills(shifted) - log_mills(near),
    )
    return Posterior(
        residual=e,
        efficiency=np.exp(log_efficiency),
        inefficiency=h * (spread * (ratio + _hazard(ratio)))[rows],
    )
