"""Results of Malmquist-Luenberger indices: changes, their parts, and what had no solution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import SampleError

__all__ = ["GlobalLuenbergerResult", "MalmquistLuenbergerResult", "parts"]


@dataclass(frozen=True)
class MalmquistLuenbergerResult:
    """Malmquist-Luenberger index between neighbouring periods; above 1 is progress.

    Attributes
    ----------
    changes : DataFrame indexed (unit, period)
        ``ml`` = ``effch`` x ``techch`` from the period before to this one.
        NaN where a program has no solution.
    distances : DataFrame indexed (unit, period)
        Distance of each row to the technology of its own period (``same``), of
        the period before (``before``) and of the next one (``after``).
    infeasible : DataFrame
        Unit, period of the figures, and ``technology``, the period whose
        technology cannot reach them.
    returns, disposability : str
        Options that were used.
    """

    changes: pd.DataFrame
    distances: pd.DataFrame
    infeasible: pd.DataFrame
    returns: str
    disposability: str

    def to_frame(self) -> pd.DataFrame:
        """Return the index and its parts."""
        return self.changes.copy()

    def summary(self) -> pd.DataFrame:
        """Return geometric means by period, and the number of units they rest on."""
        groups = np.log(self.changes).groupby(level=1)
        return np.exp(groups.mean()).assign(units=groups["ml"].count())

    def _repr_html_(self) -> str:
        return self.summary().to_html()


@dataclass(frozen=True)
class GlobalLuenbergerResult:
    """Global Malmquist-Luenberger index; above 1 is progress.

    Attributes
    ----------
    changes : DataFrame indexed (unit, period)
        ``gml`` = ``ec`` x ``bpc`` from the period before to this one:
        efficiency change and best-practice change.
    scores : DataFrame indexed (unit, period)
        Efficiency against the technology of all periods (``global``) and of the
        row's own period (``contemporaneous``), between 0 and 1. For the
        directional measure it is 1 / (1 + D).
    infeasible : DataFrame
        Unit, period and technology of programs without a solution: empty unless the
        solver failed, since every row belongs to its technologies.
    measure, returns, disposability : str
        Options that were used.
    """

    changes: pd.DataFrame
    scores: pd.DataFrame
    infeasible: pd.DataFrame
    measure: str
    returns: str
    disposability: str

    def between(self, start: object, end: object) -> pd.DataFrame:
        """Return the index and its parts from period `start` straight to `end`, by unit.

        The index is circular: this is the product of the changes in between.

        Raises
        ------
        nqpf.errors.SampleError
            If a period is not in the sample.
        """
        period = self.scores.index.names[1]
        known = self.scores.index.get_level_values(1).unique()
        for wanted in (start, end):
            if wanted not in known:
                raise SampleError(
                    f"no {period} {wanted}", expected=f"one of {', '.join(map(str, sorted(known)))}"
                )
        return parts(self.scores.xs(end, level=1), self.scores.xs(start, level=1))

    def cumulative(self) -> pd.DataFrame:
        """Return the index and its parts relative to the first period (= 1)."""
        first = self.scores.groupby(level=0).transform("first")
        return parts(self.scores, first)

    def to_frame(self) -> pd.DataFrame:
        """Return the index and its parts."""
        return self.changes.copy()

    def summary(self) -> pd.DataFrame:
        """Return geometric means over units by period."""
        return np.exp(np.log(self.changes).groupby(level=1).mean())

    def _repr_html_(self) -> str:
        return self.summary().to_html()


def parts(scores: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Return the index, efficiency change and best-practice change from scores in two periods."""
    ratio = scores / before
    return pd.DataFrame(
        {
            "gml": ratio["global"],
            "ec": ratio["contemporaneous"],
            "bpc": ratio["global"] / ratio["contemporaneous"],
        }
    )
