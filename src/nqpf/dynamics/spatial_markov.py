"""Spatial Markov chains: transitions by the class of the neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from nqpf.dynamics._chains import Homogeneity, homogeneity
from nqpf.dynamics._classes import classify, cutoffs_of, panel, relative_to_mean, transitions
from nqpf.dynamics.convergence._sample import joined_weights
from nqpf.dynamics.markov import MarkovResult, chain
from nqpf.errors import SampleError
from nqpf.tfp.sample import place

__all__ = ["SpatialMarkovResult", "spatial_lag", "spatial_markov"]


@dataclass(frozen=True)
class SpatialMarkovResult:
    """Transitions by the neighbours' class in the year before the move.

    Attributes
    ----------
    overall : MarkovResult
        The chain that does not look at neighbours.
    by_lag : dict of int to MarkovResult
        One chain per class of neighbours that has members; its ``notes`` say what it lacks.
    lag_cutoffs : array
        Upper bounds of the neighbours' classes but the last.
    lag : Series indexed (unit, year)
        Weighted mean of the neighbours.
    test : Homogeneity
        Test that neighbours do not matter.
    notes : tuple of str
    """

    overall: MarkovResult
    by_lag: dict[int, MarkovResult]
    lag_cutoffs: np.ndarray
    lag: pd.Series = field(repr=False)
    test: Homogeneity
    notes: tuple[str, ...]

    @property
    def probabilities(self) -> pd.DataFrame:
        """Probabilities indexed (neighbours' class, from)."""
        parts = {lag: one.probabilities for lag, one in self.by_lag.items()}
        return pd.concat(parts, names=["neighbours", "from"])

    @property
    def ergodic(self) -> pd.DataFrame:
        """Long-run distribution by the neighbours' class, were it to stay."""
        parts = {lag: one.ergodic for lag, one in self.by_lag.items()}
        return pd.DataFrame(parts).T.rename_axis("neighbours")

    def moves(self) -> pd.DataFrame:
        """Return the shares that stay, rise and fall by the neighbours' class, with counts."""
        rows = {
            lag: {
                "transitions": len(one.moves),
                "up": one.upward,
                "stay": one.stay,
                "down": one.downward,
            }
            for lag, one in self.by_lag.items()
        }
        return pd.DataFrame(rows).T.astype({"transitions": int}).rename_axis("neighbours")

    def to_frame(self) -> pd.DataFrame:
        """Return probabilities with the number of transitions."""
        counts = {lag: one.counts.sum(axis=1) for lag, one in self.by_lag.items()}
        return self.probabilities.assign(n=pd.concat(counts))

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.3f}".format)


def spatial_markov(
    scores: pd.Series,
    weights: pd.DataFrame,
    classes: int | Sequence[float] = 4,
    lag_classes: int | Sequence[float] | None = None,
    relative: bool = False,
) -> SpatialMarkovResult:
    """Estimate a chain for each class of neighbours (Rey 2001).

    Parameters
    ----------
    scores : Series indexed (province, year)
        Every province of the weights in every year of the sample.
    weights : DataFrame (n, n) or nqpf.space.Weights
        Row-standardised, labelled by province and joined by key.
    classes : int or sequence of float
        As in :func:`nqpf.dynamics.markov`.
    lag_classes : int, sequence of float or None
        Classes of the neighbours' mean, cut at quantiles of its own; as many
        as `classes` when None, or the same cut-offs if these were given.
    relative : bool
        Divide figures by the mean of their year first.

    Returns
    -------
    SpatialMarkovResult

    Raises
    ------
    nqpf.errors.MethodError, nqpf.errors.SampleError, nqpf.errors.DataError
        As :func:`nqpf.dynamics.markov`; also if provinces of weights and data
        differ, one has no neighbour, or one is absent in a year.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3], range(2018, 2022)],
    ...                                   names=["province", "year"])
    >>> scores = pd.Series([1, 1, 2, 3, 1, 2, 1, 1, 3, 3, 4, 4.0], index=keys)
    >>> w = pd.DataFrame(0.5 - 0.5 * np.eye(3), index=[1, 2, 3], columns=[1, 2, 3])
    >>> result = spatial_markov(scores, w, classes=[2.0])
    >>> result.moves()["transitions"].tolist(), result.test.df
    ([6, 3], 1)
    """
    data = panel(scores)
    data = relative_to_mean(data) if relative else data
    lag = spatial_lag(data, weights)
    if lag_classes is None:
        lag_classes = classes
    cutoffs = cutoffs_of(data, classes, "the measure")
    lag_cutoffs = cutoffs_of(lag, lag_classes, "the neighbours' mean")
    own, around = classify(data, cutoffs), classify(lag, lag_cutoffs)
    moves = transitions(own)
    before = around.reindex(moves.index)
    by_lag = {
        int(number): chain(own, cutoffs, relative, moves[before == number])
        for number in np.sort(before.unique())
    }
    counts = [one.counts.to_numpy() for one in by_lag.values()]
    absent = sorted(set(range(1, len(lag_cutoffs) + 2)) - set(by_lag))
    notes = ("transitions of one province are not independent: read the p values as a guide",)
    if absent:
        notes = (f"no transition has neighbours of class {', '.join(map(str, absent))}", *notes)
    return SpatialMarkovResult(
        chain(own, cutoffs, relative),
        by_lag,
        lag_cutoffs,
        lag,
        homogeneity(counts, list(by_lag)),
        notes,
    )


def spatial_lag(data: pd.Series, weights: pd.DataFrame) -> pd.Series:
    """Return the weighted mean of the neighbours, joined by key, year by year.

    Raises
    ------
    nqpf.errors.SampleError
        If a province is absent in a year or provinces of data and weights differ.
    """
    wide = data.unstack(1)
    absent = wide.stack(future_stack=True)
    absent = absent[absent.isna()]
    if len(absent):
        raise SampleError(
            "a province is absent in a year, so that its neighbours have no full mean",
            where=place(absent.index[0], data.index.names),
            expected="every province in every year",
            hint="leave out the province, cut the weights to the others, and say so",
        )
    joined = joined_weights(weights, list(wide.index))
    return (joined @ wide).stack().rename("lag").rename_axis(data.index.names)
