"""Log-likelihood of a normal error less a truncated-normal inefficiency, and its maximum.

One likelihood serves both models. In Battese and Coelli (1992) a group is a unit, whose half-normal
draw of inefficiency is shared by its years; in Battese and Coelli (1995) each row is a group of its
own, with a mean before truncation that is linear in its regressors, and there is no decay.
"""

from __future__ import annotations

import itertools
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import erfcx, log_ndtr


@dataclass(frozen=True, eq=False)
class _Sample:
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


def _log_mills(x: np.ndarray) -> np.ndarray:
    """Return ln Phi(x) + x^2 / 2 without the cancellation of its two terms far below zero.

    Examples
    --------
    >>> _log_mills(np.array([0.0, -1e6])).round(6).tolist()
    [-0.693147, -14.734449]
    """
    low, high = np.minimum(x, 0.0), np.maximum(x, 0.0)
    return np.where(x < 0, np.log(erfcx(-low / np.sqrt(2.0)) / 2.0), log_ndtr(high) + high**2 / 2)


def _hazard(x: np.ndarray) -> np.ndarray:
    """Return phi(x) / Phi(x)."""
    return np.exp(-_log_mills(x)) / np.sqrt(2 * np.pi)


def _log_likelihood(parameters: np.ndarray, sample: _Sample) -> tuple[float, np.ndarray]:
    """Return the log-likelihood and its gradient.

    Parameters
    ----------
    parameters : array
        beta (k), delta (p), sigma^2 = sigma_v^2 + sigma_u^2, gamma = sigma_u^2 / sigma^2 in
        (0, 1), and eta where `sample` has decay.
    sample : _Sample
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

    For m > 0, where n = d = 1, w^2 and r^2 may be huge and nearly equal; the squares are then
    gathered into the normal quadratic form of f = e + m, the same number without the cancellation.
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
    f = e + np.repeat(gathered * m, n)
    b, g = sample.total(h * f), gathered * gamma
    square = (sample.total(f * f) - g * b * b) / noise
    tails = np.where(m > 0, log_ndtr(r) - log_ndtr(w), _log_mills(r) - _log_mills(w))
    value = (
        -n / 2 * np.log(2 * np.pi * sigma2)
        - (n - 1) / 2 * np.log1p(-gamma)
        - np.log(d) / 2
        - square / 2
        + tails
    ).sum()

    # Derivatives of the two tails by w and r; gathered squares have their own.
    kw, kr = _hazard(w) + (1 - gathered) * w, _hazard(r) + (1 - gathered) * r
    left = (f - np.repeat(g * b, n) * h) / noise
    by_beta = sample.x.T @ (np.repeat(kr * gamma / scale, n) * h + left)
    by_tails = kr * (1 - gamma) / scale - kw / np.sqrt(gamma * sigma2)
    by_delta = sample.z.T @ (by_tails - gathered * b / sigma2)
    by_sigma2 = (-n + kw * w - kr * r + square).sum() / (2 * sigma2)
    r_by_gamma = -(m + a) / scale - r / 2 * (1 / gamma - 1 / (1 - gamma) + (q - 1) / d)
    by_gamma = (
        (n - 1) / (2 * (1 - gamma))
        - (q - 1) / (2 * d)
        + kw * w / (2 * gamma)
        + kr * r_by_gamma
        - square / (2 * (1 - gamma))
        + gathered * b**2 / (2 * noise)
    ).sum()
    gradient = [*by_beta, *by_delta, by_sigma2, by_gamma]
    if sample.decay:
        a_eta = sample.total(sample.lead * h * e)
        q_eta = 2 * sample.total(sample.lead * h * h)
        r_eta = -gamma * a_eta / scale - r * gamma * q_eta / (2 * d)
        gradient.append((kr * r_eta - gamma * q_eta / (2 * d)).sum())
    return float(value), np.array(gradient)


def _posterior(parameters: np.ndarray, sample: _Sample) -> tuple[np.ndarray, ...]:
    """Return residuals e and E[exp(-u) | e] of each row.

    Given e, a group's draw is normal with mean mu* and variance s*^2 truncated at zero::

        mu* = (m (1 - gamma) - gamma h'e) / d,  s*^2 = gamma (1 - gamma) sigma^2 / d
        E[exp(-h u) | e] = exp(-h mu* + h^2 s*^2 / 2) Phi(mu*/s* - h s*) / Phi(mu*/s*)

    Battese and Coelli (1988), equation 12, and (1992), equation 10.
    """
    beta, delta, sigma2, gamma, eta = sample.split(parameters)
    e = sample.y - sample.x @ beta
    h = np.exp(eta * sample.lead)
    d = 1 + gamma * (sample.total(h * h) - 1)
    mean = (sample.z @ delta * (1 - gamma) - gamma * sample.total(h * e)) / d
    spread = np.sqrt(gamma * (1 - gamma) * sigma2 / d)
    ratio = mean / spread
    rows = np.repeat(np.arange(len(d)), sample.sizes)
    near, shifted = ratio[rows], ratio[rows] - h * spread[rows]
    # Far below zero _log_mills carries the squares whose difference is the first factor's exponent.
    log_efficiency = np.where(
        near > 0,
        log_ndtr(shifted) - log_ndtr(near) - h * mean[rows] + (h * spread[rows]) ** 2 / 2,
        _log_mills(shifted) - _log_mills(near),
    )
    return e, np.exp(log_efficiency)


_GAMMA_MARGIN = 1e-6  # the likelihood is not defined at gamma = 0 and 1


class _Coordinates:
    """Parameters without bounds and of like scale, and the way back.

    Regressors are made orthonormal, so that units of measure and the near collinearity of a
    translog do not slow the search; sigma^2 and gamma enter as log and logit.
    """

    def __init__(self, sample: _Sample, beta: np.ndarray, sigma2: float) -> None:
        self.k, self.p = sample.x.shape[1], sample.z.shape[1]
        self.s = self.k + self.p  # where sigma^2 stands, gamma follows
        x, self.from_x = _orthonormal(sample.x)
        z, self.from_z = _orthonormal(sample.z)
        self.sample = replace(sample, x=x, z=z)
        self.beta, self.sigma2 = beta, sigma2
        edge, s = np.log1p(-_GAMMA_MARGIN) - np.log(_GAMMA_MARGIN), np.log(sigma2)
        bounds = [(-np.inf, np.inf)] * self.s + [(s - 20, s + 20), (-edge, edge)]
        if sample.decay:  # exp(eta lead) stays below exp(20)
            bounds.append((-20 / sample.lead.max(), 20 / sample.lead.max()))
        self.lower, self.upper = np.array(bounds).T

    def bound(self, at: np.ndarray) -> np.ndarray:
        """Return which coordinates stand at a bound."""
        return (at <= self.lower + 1e-6) | (at >= self.upper - 1e-6)

    def natural(self, at: np.ndarray) -> np.ndarray:
        """Return parameters of the orthonormal sample."""
        out, s = at.copy(), self.s
        out[s], out[s + 1] = np.exp(at[s]), 1 / (1 + np.exp(-at[s + 1]))
        return out

    def minus(self, at: np.ndarray) -> tuple[float, np.ndarray]:
        """Return minus the log-likelihood and its gradient in these coordinates."""
        natural, s = self.natural(at), self.s
        value, gradient = _log_likelihood(natural, self.sample)
        gradient[s] *= natural[s]
        gradient[s + 1] *= natural[s + 1] * (1 - natural[s + 1])
        return -value, -gradient

    def hessian(self, at: np.ndarray) -> np.ndarray:
        """Return the Hessian of `minus`, by central differences of its gradient."""
        out = np.empty((len(at), len(at)))
        for i, step in enumerate(np.diag(1e-5 * np.maximum(1.0, np.abs(at)))):
            out[i] = (self.minus(at + step)[1] - self.minus(at - step)[1]) / (2 * step[i])
        return (out + out.T) / 2

    def original(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the reader's parameters, and their derivatives by these coordinates."""
        natural, k, s = self.natural(at), self.k, self.s
        slopes = np.eye(len(at))
        slopes[:k, :k], slopes[k:s, k:s] = self.from_x, self.from_z
        out = slopes @ natural
        slopes[s, s], slopes[s + 1, s + 1] = natural[s], natural[s + 1] * (1 - natural[s + 1])
        return out, slopes

    def start(self, gamma: float, eta: float, mean: float) -> np.ndarray:
        """Return a start from least squares for a guess of gamma, eta and mean / sigma_u.

        As in FRONTIER 4.1 (Coelli 1996), sigma^2 and the constant are corrected for the variance
        and mean that half-normal inefficiency would have.
        """
        sigma2 = self.sigma2 / (1 - 2 * gamma / np.pi)
        sigma_u = np.sqrt(gamma * sigma2)
        expected = sigma_u * (mean + _hazard(mean)) * np.exp(eta * self.sample.lead).mean()
        beta, delta = self.beta.copy(), np.zeros(self.p)
        beta[0] += expected
        delta[:1] = mean * sigma_u
        beta, delta = np.linalg.solve(self.from_x, beta), np.linalg.solve(self.from_z, delta)
        logs = [np.log(sigma2), np.log(gamma / (1 - gamma))]
        start = np.array([*beta, *delta, *logs, *([eta] if self.sample.decay else [])])
        return np.clip(start, self.lower, self.upper)


def _orthonormal(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return columns with mean square one and the matrix from their coefficients back."""
    q, r = np.linalg.qr(columns)
    root = np.sqrt(len(columns))
    return q * root, np.linalg.inv(r) * root


# Log-likelihood that one more Newton step would gain at most, for the search to count as ended.
_DECREMENT = 1e-8
_BEST_STARTS = 3
_MOST = 500  # iterations of one search
# A frontier that adds less than this to the log-likelihood without inefficiency has none.
_NO_GAIN = 1e-5
# L-BFGS-B finds the region, or the bound; near it Newton steps end the search.
_FIRST_ITERATIONS = 50
_LONGEST_STEP = 2.0
_LEAST_GAIN = 1e-9
_HALVINGS = 20


@dataclass(frozen=True)
class _Convergence:
    """How the search for the maximum ended.

    Attributes
    ----------
    converged : bool
        A further Newton step would gain less than 1e-8 and, unless a parameter is at a bound,
        the Hessian is negative definite.
    boundary : tuple of str
        Parameters that stopped at a bound of the search: ``gamma`` near 0 or 1, ``eta``.
    iterations : int
        Iterations of the winning search, Newton steps included.
    gradient_norm : float
        Largest absolute derivative, in coordinates where regressors have mean square one.
    starts : DataFrame
        ``gamma``, ``eta`` and ``mean`` of each start and the ``loglik`` it led to.
    """

    converged: bool
    boundary: tuple[str, ...]
    iterations: int
    gradient_norm: float
    starts: pd.DataFrame


# Estimates, their standard errors (NaN at a bound), the log-likelihood and how the search ended.
_Maximum = tuple[np.ndarray, np.ndarray, float, _Convergence]


def _maximise(sample: _Sample, beta: np.ndarray, sigma2: float, names: list[str]) -> _Maximum:
    """Return the best maximum that searches from several starts find.

    `beta` and `sigma2` are those of least squares. A grid over gamma (0.1 to 0.9, as in FRONTIER
    4.1), and over eta and the mean where they are free, is ranked by its likelihood. From the best
    three, L-BFGS-B is followed by Newton steps with a Hessian from differences of the analytic
    gradient. A search without inefficiency wins where the others gain nothing over it.
    """
    space = _Coordinates(sample, beta, sigma2)
    etas = (-0.1, 0.0, 0.1) if sample.decay else (0.0,)
    means = (-1.0, 0.0, 1.0) if space.p else (0.0,)
    grid = list(itertools.product(np.arange(1, 10) / 10, etas, means))
    grid.sort(key=lambda guess: space.minus(space.start(*guess))[0])
    # Towards gamma = 0 the likelihood flattens and searches creep, so the edge is searched first.
    edge = copy(space)
    edge.upper = np.where(np.arange(len(space.upper)) == space.s + 1, space.lower, space.upper)
    none = _search(edge, (_GAMMA_MARGIN, 0.0, 0.0))
    searches = [_search(space, guess, none[0]) for guess in grid[:_BEST_STARTS]]
    # A search that did not end may stand higher than one that did; the flag then says so.
    best = min(searches, key=lambda search: search[0])
    starts = pd.DataFrame(grid[:_BEST_STARTS], columns=["gamma", "eta", "mean"])
    starts["loglik"] = [-minus for minus, *_ in searches]
    if none[0] > best[0] + _NO_GAIN:
        return _described(space, best, names, starts)
    *found, state = _described(edge, none, names, starts)
    # Searches cut short say nothing about what lies away from the edge.
    return *found, replace(state, converged=state.converged and best[2] < _MOST)


_Search = tuple[float, np.ndarray, int]  # minus the log-likelihood, where, after how many steps


def _search(space: _Coordinates, guess: tuple[float, ...], edge: float = np.inf) -> _Search:
    """Search from one start; stop where the likelihood is that of no inefficiency, `edge`."""
    from scipy.optimize import minimize

    limit = min(_FIRST_ITERATIONS, _MOST)
    found = minimize(
        space.minus,
        space.start(*guess),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(space.lower, space.upper, strict=True)),
        options={"maxiter": limit, "maxfun": 20 * limit, "ftol": 1e-13},
    )
    at, value, count = found.x, float(found.fun), int(found.nit)
    while count < _MOST and abs(value - edge) > _NO_GAIN:
        before = value
        at, value = _newton(space, at, value)
        if value == before:
            break
        count += 1
        if before - value < _LEAST_GAIN:
            break
    return value, at, count


def _newton(space: _Coordinates, at: np.ndarray, value: float) -> tuple[np.ndarray, float]:
    """Return the point and value after one Newton step, the same ones when no step improves."""
    free = ~space.bound(at)
    step, _ = _step(space.hessian(at)[np.ix_(free, free)], space.minus(at)[1][free])
    step *= min(1.0, _LONGEST_STEP / np.abs(step).max(initial=1e-300))
    for _ in range(_HALVINGS):
        trial = at.copy()
        trial[free] -= step
        trial = np.clip(trial, space.lower, space.upper)
        reached = space.minus(trial)[0]
        if reached < value:
            return trial, reached
        step = step / 2
    return at, value


def _step(hessian: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the Newton step, and whether H is positive definite beyond rounding.

    Absolute eigenvalues lead away from saddles; the floor keeps flat directions within reach.
    """
    roots, directions = np.linalg.eigh(hessian)
    largest = np.abs(roots).max()
    size = np.maximum(np.abs(roots), 1e-8 * largest)
    return directions @ (directions.T @ gradient / size), bool(roots[0] > 1e-10 * largest)


def _described(
    space: _Coordinates, best: _Search, names: list[str], starts: pd.DataFrame
) -> _Maximum:
    """Return estimates for the reader, and whether they are a maximum."""
    minus, at, count = best
    bound = space.bound(at)
    gradient, hessian = space.minus(at)[1][~bound], space.hessian(at)
    step, definite = _step(hessian[np.ix_(~bound, ~bound)], gradient)
    parameters, slopes = space.original(at)
    errors = np.full(len(parameters), np.nan)
    if definite and not bound.any():
        errors = np.sqrt(np.diag(slopes @ np.linalg.inv(hessian) @ slopes.T))
    # At a bound of gamma other parameters are not identified and H is singular.
    ended = float(gradient @ step) / 2 < _DECREMENT and (definite or bool(bound.any()))
    edges = tuple(name for name, stopped in zip(names, bound, strict=True) if stopped)
    state = _Convergence(ended, edges, count, float(np.abs(gradient).max()), starts)
    return parameters, errors, -minus, state
