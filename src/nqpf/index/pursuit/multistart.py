"""A deterministic search: climb from many starts, then refine the best."""

from __future__ import annotations

import math

import numpy as np

from nqpf.errors import MethodError
from nqpf.index._arrays import Floats
from nqpf.index.pursuit.adaptation import refine
from nqpf.index.pursuit.density import gradients, unit
from nqpf.index.pursuit.search import TOLERANCE, Search

# Times that the best direction is refined again, as long as that gains.
_RESTARTS = 2


def multistart(columns: Floats, radius: float, *, starts: int = 96) -> Search:
    """Climb from many starts, then refine; see `projection_pursuit` for the stages."""
    if not (isinstance(starts, int) and starts >= 0):
        raise MethodError(f"starts is {starts!r}", expected="a whole number of zero or more")
    # One fixed stream, so that the search is a function of the data alone.
    rng, m = np.random.default_rng(0), len(columns)
    powers = np.where(np.arange(starts) % 2, 6.0, 1.0)[:, None]  # even directions and sparse ones
    centre = np.full(m, 1.0 / math.sqrt(m))
    first = unit(np.vstack([np.eye(m), centre, rng.random((starts, m)) ** powers]))
    climbed, heights = _climb(first, columns, radius, rounds=12)
    top = np.argsort(-heights, kind="stable")[:12]
    climbed, heights = _climb(climbed[top], columns, radius, rounds=20)
    evaluations = 13 * len(first) + 21 * len(top)

    stages = [refine(columns, radius, centre, 0.2, 200, 40, rng)]
    stages += [
        refine(columns, radius, start, 0.05, 200, 15, rng) for start in _apart(climbed, heights)
    ]
    leader = max(stages, key=lambda stage: stage.value)
    best = refine(columns, radius, leader.direction, 0.05, 400, 70, rng)
    stages.append(best)
    for _ in range(_RESTARTS):
        before, best = best, refine(columns, radius, best.direction, 0.002, 120, 45, rng)
        stages.append(best)
        if best.value - before.value <= TOLERANCE * best.value:
            break
    return Search(
        best.direction,
        len(first),
        sum(stage.rounds for stage in stages),
        evaluations + sum(stage.evaluations for stage in stages),
        bool(best.value - before.value <= TOLERANCE * best.value),
    )


def _climb(
    directions: Floats, columns: Floats, radius: float, rounds: int
) -> tuple[Floats, Floats]:
    """Move every direction towards its gradient, by a step that shrinks when Q falls.

    Q grows with the square of a direction's length, so the direction of the
    gradient is itself the full step, as in a power iteration.
    """
    heights, slopes = gradients(directions, columns, radius)
    step = np.ones((len(directions), 1))
    for _ in range(rounds):
        length = np.sqrt(np.einsum("pj,pj->p", slopes, slopes))[:, None]
        towards = np.divide(slopes, length, out=np.zeros_like(slopes), where=length > 0)
        moved = unit(directions + step * (towards - directions))
        new_heights, new_slopes = gradients(moved, columns, radius)
        up = new_heights > heights
        directions = np.where(up[:, None], moved, directions)
        slopes = np.where(up[:, None], new_slopes, slopes)
        heights = np.where(up, new_heights, heights)
        step = np.where(up[:, None], np.minimum(1.5 * step, 4.0), 0.4 * step)
    return directions, heights


def _apart(directions: Floats, heights: Floats, most: int = 3) -> list[Floats]:
    """Return the highest directions that are not neighbours, at most three."""
    kept: list[Floats] = []
    for k in np.argsort(-heights, kind="stable"):
        far = all(np.abs(directions[k] - other).max() > 0.1 for other in kept)
        if far and heights[k] >= 0.9 * heights.max() and len(kept) < most:
            kept.append(directions[k])
    return kept
