"""Coordinates in which the likelihood of a frontier is searched."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np
from scipy.special import log_ndtr

from nqpf.tfp.frontier.likelihood import Sample, log_likelihood

__all__ = ["GAMMA_MARGIN", "Coordinates"]

# The search stops short of gamma = 0 and 1, where the likelihood is not defined.
GAMMA_MARGIN = 1e-6


class Coordinates:
    """Parameters without bounds and of like scale, and the way back.

    Regressors are made orthonormal, so that units of measure and the near collinearity of a
    translog do not slow the search; sigma^2 and gamma enter as log and logit.
    """

    def __init__(self, sample: Sample, beta: np.ndarray, sigma2: float) -> None:
        self.k, self.p = sample.x.shape[1], sample.z.shape[1]
        x, self.from_x = _orthonormal(sample.x)
        z, self.from_z = _orthonormal(sample.z)
        self.sample = replace(sample, x=x, z=z)
        self.beta, self.sigma2 = beta, sigma2
        edge = np.log1p(-GAMMA_MARGIN) - np.log(GAMMA_MARGIN)
        free = [(-np.inf, np.inf)] * (self.k + self.p)
        s = np.log(sigma2)
        bounds = [*free, (s - 20, s + 20), (-edge, edge)]
        if sample.decay:
            # exp(eta lead) stays below exp(20).
            bounds.append((-20 / sample.lead.max(), 20 / sample.lead.max()))

        self.lower, self.upper = np.array(bounds).T

    def without_inefficiency(self) -> Coordinates:
        """Return the same coordinates with gamma held at its lower bound."""
        out = copy(self)
        out.upper = self.upper.copy()
        out.upper[self.k + self.p + 1] = self.lower[self.k + self.p + 1]
        return out

    def bound(self, at: np.ndarray) -> np.ndarray:
        """Return which coordinates stand at a bound."""
        return (at <= self.lower + 1e-6) | (at >= self.upper - 1e-6)

    def hessian(self, at: np.ndarray) -> np.ndarray:
        """Return the Hessian of `minus`, by central differences of its gradient."""
        out = np.empty((len(at), len(at)))
        for i, value in enumerate(at):
            step = np.zeros(len(at))
            step[i] = 1e-5 * max(1.0, abs(value))
            ahead, behind = self.minus(at + step)[1], self.minus(at - step)[1]
            out[i] = (ahead - behind) / (2 * step[i])
        return (out + out.T) / 2

    def natural(self, at: np.ndarray) -> np.ndarray:
        """Return parameters of the orthonormal sample."""
        out = at.copy()
        s = self.k + self.p
        out[s], out[s + 1] = np.exp(at[s]), 1 / (1 + np.exp(-at[s + 1]))
        return out

    def minus(self, at: np.ndarray) -> tuple[float, np.ndarray]:
        """Return minus the log-likelihood and its gradient in these coordinates."""
        natural = self.natural(at)
        value, gradient = log_likelihood(natural, self.sample)
        s = self.k + self.p
        gradient[s] *= natural[s]
        gradient[s + 1] *= natural[s + 1] * (1 - natural[s + 1])
        return -value, -gradient

    def jacobian(self, at: np.ndarray) -> np.ndarray:
        """Return derivatives of the reader's parameters by these coordinates."""
        natural, s = self.natural(at), self.k + self.p
        out = np.eye(len(at))
        out[: self.k, : self.k] = self.from_x
        out[self.k : s, self.k : s] = self.from_z
        out[s, s], out[s + 1, s + 1] = natural[s], natural[s + 1] * (1 - natural[s + 1])
        return out

    def original(self, at: np.ndarray) -> np.ndarray:
        """Return the reader's parameters."""
        out, s = self.natural(at), self.k + self.p
        out[: self.k], out[self.k : s] = self.from_x @ at[: self.k], self.from_z @ at[self.k : s]
        return out

    def start(self, gamma: float, eta: float, mean: float) -> np.ndarray:
        """Return a start from least squares for a guess of gamma, eta and mean / sigma_u.

        As in FRONTIER 4.1 (Coelli 1996), sigma^2 and the constant are corrected for the variance
        and mean that half-normal inefficiency would have.
        """
        sigma2 = self.sigma2 / (1 - 2 * gamma / np.pi)
        sigma_u = np.sqrt(gamma * sigma2)
        hazard = np.exp(-(mean**2) / 2 - log_ndtr(mean)) / np.sqrt(2 * np.pi)
        expected = sigma_u * (mean + hazard) * np.exp(eta * self.sample.lead).mean()
        beta = np.linalg.solve(self.from_x, self.beta + expected * _first(self.k))
        delta = np.linalg.solve(self.from_z, mean * sigma_u * _first(self.p))
        logs = [np.log(sigma2), np.log(gamma / (1 - gamma))]
        start = np.array([*beta, *delta, *logs, *([eta] if self.sample.decay else [])])
        return np.clip(start, self.lower, self.upper)


def _first(size: int) -> np.ndarray:
    out = np.zeros(size)
    out[:1] = 1.0
    return out


def _orthonormal(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return columns with mean square one and the matrix from their coefficients back."""
    q, r = np.linalg.qr(columns)
    root = np.sqrt(len(columns))
    return q * root, np.linalg.inv(r) * root
