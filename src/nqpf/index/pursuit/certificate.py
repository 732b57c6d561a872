"""Whether a genetic algorithm finds the direction that a deterministic search finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nqpf.errors import MethodError
from nqpf.index.pursuit.solve import ProjectionPursuit, projection_pursuit

__all__ = ["Certificate", "certify"]

# Two solvers agree if their Q differ by no more than this, relative to the larger.
AGREEMENT = 1e-6


@dataclass(frozen=True, eq=False)
class Certificate:
    """The result of :func:`certify`.

    Attributes
    ----------
    optimum : ProjectionPursuit
        Answer of the deterministic solver.
    runs : tuple of ProjectionPursuit
        Answers of the genetic algorithm, one per seed.
    """

    optimum: ProjectionPursuit
    runs: tuple[ProjectionPursuit, ...]

    @property
    def gap(self) -> float:
        """Q of the deterministic answer less the best genetic Q, relative to the former.

        Negative if the genetic algorithm found the better direction.
        """
        return self._shortfall(max(run.value for run in self.runs))

    @property
    def agreed(self) -> bool:
        """Whether the gap is no wider than 1e-6."""
        return abs(self.gap) <= AGREEMENT

    def _shortfall(self, value: float) -> float:
        top = self.optimum.value
        return (top - value) / top if top > 0 else 0.0

    def table(self) -> pd.DataFrame:
        """Return one row per seed.

        Returns
        -------
        DataFrame
            Index ``seed``; ``value`` Q; ``shortfall`` from the deterministic Q,
            relative; ``direction`` largest difference of an element of a;
            ``rank_correlation`` Spearman's, of the two projections;
            ``largest_shift`` of a row, in ranks; ``converged``. Projections
            that agree to 1e-8 S share a rank: the best directions make rows
            tie, and rounding would order them.
        """
        best = _ranks(self.optimum)
        rows = []
        for run in self.runs:
            ranks = _ranks(run)
            rows.append(
                {
                    "seed": run.seed,
                    "value": run.value,
                    "shortfall": self._shortfall(run.value),
                    "direction": np.abs(run.direction - self.optimum.direction).max(),
                    "rank_correlation": best.corr(ranks),
                    "largest_shift": (best - ranks).abs().max(),
                    "converged": run.converged,
                }
            )
        return pd.DataFrame(rows).set_index("seed")

    def summary(self) -> pd.DataFrame:
        """Return the best, the worst and the spread over seeds, one column.

        Returns
        -------
        DataFrame
            Column ``value``; the rows name what they hold.
        """
        table = self.table()
        rows = {
            "deterministic Q": self.optimum.value,
            "best genetic Q": table["value"].max(),
            "worst genetic Q": table["value"].min(),
            "spread of genetic Q, relative": self._shortfall(table["value"].min())
            - self._shortfall(table["value"].max()),
            "gap of the best, relative": self.gap,
            "largest difference of a direction": table["direction"].max(),
            "lowest rank correlation": table["rank_correlation"].min(),
            "largest shift of a row, ranks": table["largest_shift"].max(),
        }
        return pd.DataFrame({"value": rows})

    def _repr_html_(self) -> str:
        rows = self.summary().map("{:.6g}".format)
        return f"{rows.to_html(header=False)}<p>{self.verdict()}</p>"

    def verdict(self) -> str:
        """Return one sentence: whether the two solvers agree, or by how much they do not.

        Returns
        -------
        str
            The sentence that stands below the table.
        """
        count = len(self.runs)
        if self.agreed:
            return f"The best of {count} genetic runs agrees with the deterministic answer to 1e-6."
        side = "below" if self.gap > 0 else "above"
        return (
            f"The best of {count} genetic runs ends {abs(self.gap):.1e} (relative) {side} "
            "the deterministic answer: they do not agree to 1e-6."
        )


def _ranks(result: ProjectionPursuit) -> pd.Series:
    unit = result.spread or 1.0
    return pd.Series((result.projection / unit).round(8)).rank()


def certify(x: ArrayLike, seeds: Iterable[int] = range(20), radius: float = 0.1) -> Certificate:
    """Run the genetic algorithm over seeds beside the deterministic solver.

    A study that reports one run of a genetic algorithm reports one draw. This
    shows how far the draws differ, in Q and in the ranks that follow, and how
    far the best of them falls short. It proves nothing about directions that
    neither solver met.

    Parameters
    ----------
    x : array_like, shape (N, m)
        Normalised indicators.
    seeds : iterable of int
        One genetic run each.
    radius : float
        As in :func:`nqpf.index.pursuit.projection_index`.

    Returns
    -------
    Certificate
        With ``summary()``, ``table()``, ``gap`` and ``verdict()``.

    Raises
    ------
    nqpf.errors.DataError, nqpf.errors.MethodError
        As :func:`nqpf.index.pursuit.projection_pursuit`, and if there is no seed.

    Examples
    --------
    >>> groups = np.random.default_rng(0).normal(size=(40, 3))
    >>> groups[:20, 1] += 4.0
    >>> certificate = certify(groups, seeds=range(3))
    >>> certificate.gap >= 0
    True
    >>> list(certificate.table().index)
    [0, 1, 2]
    """
    seeds = list(seeds)
    if not seeds:
        raise MethodError("seeds is empty", expected="at least one seed")
    return Certificate(
        projection_pursuit(x, radius, "multistart"),
        tuple(projection_pursuit(x, radius, "genetic", seed) for seed in seeds),
    )
