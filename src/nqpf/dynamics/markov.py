"""Markov chains of classes: who moves up or down, and where that would lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from nqpf.dynamics._chains import (
    Homogeneity,
    closed_groups,
    ergodic,
    first_passage,
    homogeneity,
)
from nqpf.dynamics._classes import classify, cutoffs_of, panel, relative_to_mean, transitions
from nqpf.errors import MethodError, SampleError

__all__ = ["MarkovResult", "chain", "markov"]


@dataclass(frozen=True)
class MarkovResult:
    """Transitions among classes 1, ..., k.

    Attributes
    ----------
    cutoffs : (k - 1,) array
        Upper bounds of the classes but the last, the same in every year.
    classes : Series indexed (unit, year)
    counts : DataFrame (k, k)
        Transitions from the row's class to the column's, between adjacent years.
    probabilities, std_errors : DataFrame (k, k)
        Maximum likelihood, and sqrt(p (1 - p) / n_i); NaN in a row without
        transitions.
    ergodic : Series (k,)
        Long-run distribution; NaN where it is not unique or no
        transition starts in a class that was entered.
    first_passage : DataFrame (k, k)
        Mean years to the first arrival, mean years of return on the diagonal.
    empty, absorbing : tuple of int
        Classes without members, and classes that were never left.
    relative : bool
        Figures were divided by the mean of their year.
    notes : tuple of str
    """

    cutoffs: np.ndarray
    classes: pd.Series
    counts: pd.DataFrame
    probabilities: pd.DataFrame
    std_errors: pd.DataFrame
    ergodic: pd.Series
    first_passage: pd.DataFrame
    empty: tuple[int, ...]
    absorbing: tuple[int, ...]
    relative: bool
    notes: tuple[str, ...]
    moves: pd.DataFrame = field(repr=False)

    @property
    def stay(self) -> float:
        """Share of transitions that stay in their class."""
        return float(np.trace(self.counts) / self.counts.to_numpy().sum())

    @property
    def upward(self) -> float:
        """Share of transitions into a higher class."""
        return float(np.triu(self.counts, 1).sum() / self.counts.to_numpy().sum())

    @property
    def downward(self) -> float:
        """Share of transitions into a lower class."""
        return float(np.tril(self.counts, -1).sum() / self.counts.to_numpy().sum())

    def homogeneity(self, periods: int = 2) -> Homogeneity:
        """Test that probabilities are the same in sub-periods of about equal length.

        Transitions of one unit are not independent; read p values as a guide.

        Raises
        ------
        nqpf.errors.MethodError
            If there are fewer than two periods.
        nqpf.errors.SampleError
            If there are not that many years with transitions.
        """
        if periods < 2:
            raise MethodError(f"{periods} period(s)", expected="two or more")
        years = self.moves.index.unique(1).sort_values()
        if len(years) < periods:
            raise SampleError(
                f"{len(years)} year(s) with transitions", expected=f"{periods} or more"
            )
        size = len(self.counts)
        parts = np.array_split(years.to_numpy(), periods)
        at = self.moves.index.get_level_values(1)
        counts = [_count(self.moves[at.isin(part)], size).to_numpy() for part in parts]
        return homogeneity(counts, [f"{part[0]}–{part[-1] + 1}" for part in parts])

    def to_frame(self) -> pd.DataFrame:
        """Return probabilities with the number of transitions and the ergodic share by class."""
        return self.probabilities.assign(n=self.counts.sum(axis=1), ergodic=self.ergodic)

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.3f}".format)


def markov(
    scores: pd.Series, classes: int | Sequence[float] = 4, relative: bool = False
) -> MarkovResult:
    """Estimate a first-order Markov chain of classes.

    Parameters
    ----------
    scores : Series indexed (province, year)
        The panel may be unbalanced; only adjacent years make a transition.
    classes : int or sequence of float
        Number of classes, cut at quantiles of the pooled sample, or cut-offs
        of your own. They are the same in every year.
    relative : bool
        Divide each figure by the mean of its year first: classes then say
        where a province stands, not how far all have come.

    Returns
    -------
    MarkovResult

    Raises
    ------
    nqpf.errors.MethodError
        If there are fewer than two classes or cut-offs do not ascend.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, quantiles coincide, or no unit
        has two adjacent years.
    nqpf.errors.DataError
        If the mean of a year is not positive and figures are to be relative.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3, 4], range(2018, 2022)],
    ...                                   names=["province", "year"])
    >>> scores = pd.Series([1, 1, 2, 2, 1, 2, 1, 1, 3, 3, 4, 4, 4, 2, 3, 3.5], index=keys)
    >>> result = markov(scores, classes=[2])
    >>> result.counts.to_numpy().tolist(), result.ergodic.round(2).tolist()
    ([[6, 1], [1, 4]], [0.58, 0.42])
    """
    data = panel(scores)
    data = relative_to_mean(data) if relative else data
    cutoffs = cutoffs_of(data, classes, "the measure")
    return chain(classify(data, cutoffs), cutoffs, relative)


def chain(
    classes: pd.Series, cutoffs: np.ndarray, relative: bool, moves: pd.DataFrame | None = None
) -> MarkovResult:
    """Return the chain of `classes`, or of some of their `moves`."""
    everything = transitions(classes)
    moves = everything if moves is None else moves
    size = len(cutoffs) + 1
    counts = _count(moves, size)
    exits = counts.sum(axis=1)
    probabilities = counts.div(exits.where(exits > 0), axis=0)
    errors = np.sqrt(probabilities * (1 - probabilities)).div(np.sqrt(exits), axis=0)
    visited = np.union1d(moves["from"].unique(), moves["to"].unique())
    empty = tuple(int(c) for c in counts.index if c not in visited)
    absorbing = tuple(int(c) for c in counts.index if exits[c] and counts.loc[c, c] == exits[c])
    longrun, passage = _long_run(probabilities, list(visited))
    return MarkovResult(
        cutoffs,
        classes,
        counts,
        probabilities,
        errors,
        longrun,
        passage,
        empty,
        absorbing,
        relative,
        _notes(probabilities, exits, empty, absorbing, list(visited)),
        moves,
    )


def _count(moves: pd.DataFrame, size: int) -> pd.DataFrame:
    labels = range(1, size + 1)
    counts = pd.crosstab(moves["from"], moves["to"])
    return counts.reindex(index=labels, columns=labels, fill_value=0)


def _long_run(probabilities: pd.DataFrame, visited: list[int]) -> tuple[pd.Series, pd.DataFrame]:
    """Return ergodic distribution and first passage over the classes that have members."""
    labels = probabilities.index
    seen = probabilities.loc[visited, visited].to_numpy()
    share = pd.Series(ergodic(seen), index=visited)
    fill = float("nan") if share.isna().any() else 0.0
    passage = pd.DataFrame(first_passage(seen), visited, visited).reindex(labels, columns=labels)
    return share.reindex(labels, fill_value=fill).rename("ergodic"), passage


def _notes(
    probabilities: pd.DataFrame,
    exits: pd.Series,
    empty: tuple[int, ...],
    absorbing: tuple[int, ...],
    visited: list[int],
) -> tuple[str, ...]:
    notes = []
    if empty:
        notes.append(f"classes without members: {', '.join(map(str, empty))}")
    unknown = [c for c in visited if exits[c] == 0]
    if unknown:
        listed = ", ".join(map(str, unknown))
        notes.append(f"no transition starts in class {listed}: what follows it is not known")
    if absorbing:
        notes.append(f"never left in the sample: class {', '.join(map(str, absorbing))}")
    groups = [] if unknown else closed_groups(probabilities.loc[visited, visited].to_numpy())
    if len(groups) > 1:
        notes.append("more than one group of classes is never left: the long run is not unique")
    few = [c for c in visited if 0 < exits[c] < 10]
    if few:
        notes.append(f"fewer than ten transitions start in class {', '.join(map(str, few))}")
    return tuple(notes)
