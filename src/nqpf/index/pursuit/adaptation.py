"""Refinement of a direction by sampling with an adapting covariance."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from nqpf.index._arrays import Floats
from nqpf.index.pursuit.density import unit, values


class Stage(NamedTuple):
    """The best direction of one refinement."""

    value: float
    direction: Floats
    rounds: int
    evaluations: int


def refine(
    columns: Floats,
    radius: float,
    start: Floats,
    step: float,
    samples: int,
    rounds: int,
    rng: np.random.Generator,
) -> Stage:
    """Sample around a moving mean with a covariance that adapts (CMA-ES).

    Hansen and Ostermeier (2001), with the samples brought back to the sphere
    before they are used. Sampling steps over the kinks that ties put into Q,
    at which a line search stops.
    """
    m = len(start)
    weights = math.log(samples // 8 + 0.5) - np.log(np.arange(1, samples // 8 + 1))
    weights /= weights.sum()
    rates = _Rates.of(m, 1.0 / float((weights**2).sum()))
    covariance, path, drift = np.eye(m), np.zeros(m), np.zeros(m)
    mean = best = start
    top = values(start[None], columns, radius)[0]
    for done in range(1, rounds + 1):  # noqa: B007 - counts the rounds
        floor = 1e-12 * covariance.diagonal().max()  # the sphere takes one dimension away
        factor = np.linalg.cholesky(covariance + floor * np.eye(m))
        cloud = np.einsum("sk,jk->sj", rng.standard_normal((samples, m)), factor)
        directions = unit(mean + step * cloud)
        heights = values(directions, columns, radius)
        order = np.argsort(-heights, kind="stable")[: len(weights)]
        if heights[order[0]] > top:
            top, best = heights[order[0]], directions[order[0]]
        moves = (directions[order] - mean) / step
        shift = np.einsum("s,sj->j", weights, moves)
        mean = mean + step * shift
        white = np.linalg.solve(factor, shift)
        drift = (1 - rates.drift) * drift + rates.drift_gain * white
        path = (1 - rates.path) * path + rates.path_gain * shift
        covariance = (
            (1 - rates.one - rates.many) * covariance
            + rates.one * np.outer(path, path)
            + rates.many * np.einsum("sj,sk->jk", weights[:, None] * moves, moves)
        )
        growth = rates.damped * (np.sqrt((drift**2).sum()) / rates.expected - 1)
        step = min(step * math.exp(min(growth, 1.0)), 1.0)
        if step * math.sqrt(covariance.diagonal().max()) < 1e-10:
            break
    return Stage(float(top), best, done, done * samples + 1)


class _Rates(NamedTuple):
    """Learning rates of the adaptation, all from the dimension and the effective sample."""

    drift: float
    drift_gain: float
    path: float
    path_gain: float
    one: float
    many: float
    damped: float
    expected: float

    @classmethod
    def of(cls, m: int, effective: float) -> _Rates:
        """Return the customary rates (Hansen and Ostermeier 2001; Hansen 2016)."""
        drift = (effective + 2) / (m + effective + 5)
        path = (4 + effective / m) / (m + 4 + 2 * effective / m)
        one = 2 / ((m + 1.3) ** 2 + effective)
        many = min(1 - one, 2 * (effective - 2 + 1 / effective) / ((m + 2) ** 2 + effective))
        damping = 1 + drift + 2 * max(0.0, math.sqrt((effective - 1) / (m + 1)) - 1)
        expected = math.sqrt(m) * (1 - 1 / (4 * m) + 1 / (21 * m * m))
        return cls(
            drift,
            math.sqrt(drift * (2 - drift) * effective),
            path,
            math.sqrt(path * (2 - path) * effective),
            one,
            many,
            drift / damping,
            expected,
        )
