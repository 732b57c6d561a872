"""What every search for a direction returns, and when it has come to rest."""

from __future__ import annotations

from typing import NamedTuple

from nqpf.index._arrays import Floats

# A relative gain below this in its last stretch makes a search count as converged.
TOLERANCE = 1e-6


class Search(NamedTuple):
    """Where a search ended and what it took."""

    direction: Floats
    starts: int
    generations: int
    evaluations: int
    converged: bool
