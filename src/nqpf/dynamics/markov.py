"""Markov chains of classes: who moves up or down, and where that would lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from nqpf.checks import whole
from nqpf.dynamics.convergence import _neighbours, _read
from nqpf.errors import MethodError
from nqpf.sample import PanelSample, _balanced, _check_positive


class _Homogeneity(NamedTuple):
    """Test that several samples of transitions come from one matrix.

    Degrees of freedom count only rows and cells that were seen; p values are from chi2(df),
    NaN where nothing can be compared.
    """

    likelihood_ratio: float
    pearson: float
    df: int
    likelihood_ratio_pvalue: float
    pearson_pvalue: float
    samples: tuple[object, ...]


def _homogeneity(counts: Sequence[pd.DataFrame], names: Sequence[object]) -> _Homogeneity:
    r"""Test that matrices of counts share their transition probabilities.

    Anderson and Goodman (1957); degrees of freedom are
    sum_i (b_i - 1)(a_i - 1), with b_i the samples that have row i and a_i the
    cells of the row that were seen in any (Bickenbach and Bode 2003).
    """
    from scipy import stats

    each = np.asarray(counts, dtype=float)
    rows, pooled = each.sum(axis=2), each.sum(axis=0)
    expected = rows[:, :, None] * (pooled / np.maximum(pooled.sum(axis=1, keepdims=True), 1))
    seen, positive = expected > 0, each > 0
    pearson = float(((each - expected)[seen] ** 2 / expected[seen]).sum())
    ratio = float(2 * (each[positive] * np.log(each[positive] / expected[positive])).sum())
    samples, cells = (rows > 0).sum(axis=0), (pooled > 0).sum(axis=1)
    df = int(((samples - 1).clip(min=0) * (cells - 1).clip(min=0)).sum())
    pvalues = [float(stats.chi2.sf(x, df)) if df else float("nan") for x in (ratio, pearson)]
    return _Homogeneity(ratio, pearson, df, *pvalues, tuple(names))


def _reach(p: np.ndarray) -> np.ndarray:
    """Return a boolean (k, k): column can be reached from row in zero or more steps."""
    return np.linalg.matrix_power((p > 0) + np.eye(len(p)), len(p)) > 0


def _closed_groups(p: np.ndarray) -> list[tuple[int, ...]]:
    """Return the groups of classes that are never left once entered (recurrent classes)."""
    reach = _reach(p)
    pairs = zip(reach, reach.T, strict=True)
    return list({tuple(np.flatnonzero(to)) for to, back in pairs if (to <= back).all()})


def _ergodic(p: np.ndarray) -> np.ndarray:
    """Return the long-run distribution; NaN where it depends on where the chain starts."""
    groups = _closed_groups(p) if np.isfinite(p).all() else []
    if len(groups) != 1:
        return np.full(len(p), np.nan)
    inside, size = list(groups[0]), len(groups[0])
    system = np.vstack([p[np.ix_(inside, inside)].T - np.eye(size), np.ones(size)])
    result = np.zeros(len(p))
    result[inside] = np.linalg.lstsq(system, np.r_[np.zeros(size), 1.0], rcond=None)[0]
    return result


def _first_passage(p: np.ndarray, target: int) -> np.ndarray:
    """Return mean steps from each class to the first arrival in `target`, from it to the return.

    Kemeny and Snell (1976), by one linear system instead of the fundamental matrix, so that
    chains with absorbing classes have an answer: infinite where arrival is not certain.
    """
    size = len(p)
    if not np.isfinite(p).all():
        return np.full(size, np.nan)
    stopped = p.copy()
    stopped[target] = np.eye(size)[target]
    reach = _reach(stopped)
    sure = [r for r in range(size) if reach[reach[r], target].all() and r != target]
    steps = np.full(size, np.inf)
    steps[target] = 0.0
    steps[sure] = np.linalg.solve(np.eye(len(sure)) - p[np.ix_(sure, sure)], np.ones(len(sure)))
    seen = p[target] > 0
    steps[target] = 1 + p[target, seen] @ steps[seen]
    return steps


@dataclass(frozen=True, eq=False)
class _Chain:
    """Transitions among classes 1, ..., k.

    Attributes
    ----------
    cutoffs : (k - 1,) array
        Upper bounds of the classes but the last, the same in every year.
    classes : Series indexed (unit, year)
    moves : DataFrame indexed (unit, year)
        A row per transition: the class it starts ``from`` in that year and goes ``to``.
    """

    cutoffs: np.ndarray
    classes: pd.Series = field(repr=False)
    moves: pd.DataFrame = field(repr=False)

    def _count(self, moves: pd.DataFrame) -> pd.DataFrame:
        labels = range(1, len(self.cutoffs) + 2)
        counts = pd.crosstab(moves["from"], moves["to"])
        return counts.reindex(index=labels, columns=labels, fill_value=0)

    @cached_property
    def counts(self) -> pd.DataFrame:
        """Transitions (k, k) from the row's class to the column's, between adjacent years."""
        return self._count(self.moves)

    @property
    def _exits(self) -> pd.Series:
        return self.counts.sum(axis=1)

    @cached_property
    def _visited(self) -> list[int]:
        return np.union1d(self.moves["from"], self.moves["to"]).tolist()

    @cached_property
    def probabilities(self) -> pd.DataFrame:
        """Maximum likelihood (k, k); NaN in a row without transitions."""
        return self.counts.div(self._exits.where(self._exits > 0), axis=0)

    @property
    def std_errors(self) -> pd.DataFrame:
        """sqrt(p (1 - p) / n_i), as if transitions were independent."""
        p = self.probabilities
        return np.sqrt(p * (1 - p)).div(np.sqrt(self._exits), axis=0)

    @property
    def _seen(self) -> np.ndarray:
        """Probabilities among the classes that have members."""
        return self.probabilities.loc[self._visited, self._visited].to_numpy()

    @property
    def ergodic(self) -> pd.Series:
        """Long-run distribution; NaN where it is not unique or what follows a class is unknown."""
        share = pd.Series(_ergodic(self._seen), self._visited, name="ergodic")
        fill = float("nan") if share.isna().any() else 0.0
        return share.reindex(self.counts.index, fill_value=fill)

    @property
    def first_passage(self) -> pd.DataFrame:
        """Mean years to the first arrival (k, k), mean years of return on the diagonal."""
        seen, visited, labels = self._seen, self._visited, self.counts.index
        steps = {at: _first_passage(seen, place) for place, at in enumerate(visited)}
        return pd.DataFrame(steps, visited).reindex(index=labels, columns=labels)

    @property
    def empty(self) -> tuple[int, ...]:
        """Classes without members."""
        return tuple(self.counts.index.difference(self._visited))

    @property
    def absorbing(self) -> tuple[int, ...]:
        """Classes that were entered and never left."""
        return tuple(self.counts.index[(np.diag(self.counts) == self._exits) & (self._exits > 0)])

    @property
    def notes(self) -> tuple[str, ...]:
        """What the sample does not hold."""
        exits = self._exits[self._visited]
        unknown, few = exits.index[exits == 0], exits.index[(exits > 0) & (exits < 10)]
        told = {
            "classes without members: {}": self.empty,
            "no transition starts in class {}: what follows it is not known": unknown,
            "never left in the sample: class {}": self.absorbing,
            "fewer than ten transitions start in class {}": few,
        }
        notes = [text.format(", ".join(map(str, c))) for text, c in told.items() if len(c)]
        if not len(unknown) and len(_closed_groups(self._seen)) > 1:
            notes.append("more than one group of classes is never left: the long run is not unique")
        return tuple(notes)

    @property
    def stay(self) -> float:
        """Share of transitions that stay in their class."""
        return float((self.moves["to"] == self.moves["from"]).mean())

    @property
    def upward(self) -> float:
        """Share of transitions into a higher class."""
        return float((self.moves["to"] > self.moves["from"]).mean())

    @property
    def downward(self) -> float:
        """Share of transitions into a lower class."""
        return float((self.moves["to"] < self.moves["from"]).mean())

    def homogeneity(self, periods: int = 2) -> _Homogeneity:
        """Test that probabilities are the same in sub-periods of about equal length.

        Anderson and Goodman's (1957) tests. Transitions of one unit are not independent; read
        p values as a guide.

        Raises
        ------
        nqpf.errors.MethodError
            If there are fewer than two periods or more than years with transitions.
        """
        years = self.moves.index.unique(1).sort_values()
        whole("the number of periods", periods, 2, len(years))
        parts = np.array_split(years.to_numpy(), periods)
        at = self.moves.index.get_level_values(1)
        counts = [self._count(self.moves[at.isin(part)]) for part in parts]
        return _homogeneity(counts, [f"{part[0]}–{part[-1] + 1}" for part in parts])


def markov(scores: pd.Series, classes: int | Sequence[float] = 4, relative: bool = False) -> _Chain:
    """Estimate a first-order Markov chain of classes.

    Parameters
    ----------
    scores : Series indexed (province, year)
        The panel may be unbalanced; only adjacent years make a transition.
    classes : int or sequence of float
        Number of classes, cut at quantiles of the pooled sample, or cut-offs
        of your own. They are the same in every year; a figure that equals a
        cut-off belongs to the class below it.
    relative : bool
        Divide each figure by the mean of its year first: classes then say
        where a province stands, not how far all have come.

    Returns
    -------
    chain
        With ``counts``, ``probabilities``, ``std_errors``, ``stay``, ``upward``, ``downward``,
        ``ergodic``, ``first_passage``, ``empty``, ``absorbing``, ``homogeneity()`` and ``notes``.

    Raises
    ------
    nqpf.errors.MethodError
        If there are fewer than two classes or cut-offs do not ascend, as quantiles of
        figures that repeat.
    nqpf.errors.SampleError
        If a figure is missing, a key doubled, or no unit has two adjacent years.
    nqpf.errors.DataError
        If the mean of a year is not positive and figures are to be relative.

    Notes
    -----
    Transitions are joined by unit and year, and a gap is no transition; giddy's chains read
    neighbouring columns as neighbouring years. A class without members is noted and has no part
    in tests and long runs, where giddy adds one to the degrees of freedom of its test.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([[1, 2, 3, 4], range(2018, 2022)],
    ...                                   names=["province", "year"])
    >>> scores = pd.Series([1, 1, 2, 2, 1, 2, 1, 1, 3, 3, 4, 4, 4, 2, 3, 3.5], index=keys)
    >>> result = markov(scores, classes=[2])
    >>> result.counts.to_numpy().tolist(), result.ergodic.round(2).tolist()
    ([[6, 1], [1, 4]], [0.58, 0.42])
    """
    own, cutoffs = _classified(_figures(scores, relative), classes, "the measure")
    return _Chain(cutoffs, own, _transitions(own))


def _figures(scores: pd.Series, relative: bool) -> pd.Series:
    """Return figures by unit and year, if `relative` over their mean of the year."""
    data = _read(scores, least=1)
    if not relative:
        return data
    means = data.groupby(level=1).mean()
    _check_positive(means, "the mean of a year", "a positive mean; take exp of a log measure")
    return data / means.reindex(data.index, level=1)


def _classified(
    values: pd.Series, classes: int | Sequence[float], what: str
) -> tuple[pd.Series, np.ndarray]:
    """Return the class of each figure and the upper bounds of all classes but the last."""
    own, highest = np.ndim(classes) > 0, np.inf
    if own:
        cutoffs = np.asarray(classes, dtype=float).ravel()
    else:
        number = whole(f"the number of classes of {what}", classes, 2)
        cutoffs, highest = np.quantile(values, np.arange(1, number) / number), values.max()
    ascending = (np.diff(cutoffs) > 0).all() and (cutoffs < highest).all()
    if not len(cutoffs) or not np.isfinite(cutoffs).all() or not ascending:
        problem = f"cut-offs {cutoffs.tolist()} of {what}"
        hint = None if own else "figures repeat: take fewer classes or give cut-offs"
        raise MethodError(problem, expected="finite cut-offs in ascending order", hint=hint)
    codes = np.searchsorted(cutoffs, values.to_numpy(), side="left") + 1
    return pd.Series(codes, values.index, name="class"), cutoffs


def _transitions(classes: pd.Series) -> pd.DataFrame:
    """Return one row per unit and pair of adjacent years; a gap is never jumped."""
    after = PanelSample(classes.to_frame("to")).shifted(["to"], -1).astype(int)
    return after.assign(**{"from": classes.loc[after.index]})


@dataclass(frozen=True, eq=False)
class _SpatialChain:
    """Transitions by the neighbours' class in the year before the move.

    Attributes
    ----------
    overall : chain
        That does not look at neighbours.
    by_lag : dict of int to chain
        One per class of neighbours that has members; its ``notes`` say what it lacks.
    lag : Series indexed (unit, year)
        Weighted mean of the neighbours.
    test : homogeneity test
        That neighbours do not matter.
    """

    overall: _Chain
    by_lag: dict[int, _Chain]
    lag: pd.Series = field(repr=False)
    test: _Homogeneity

    @property
    def ergodic(self) -> pd.DataFrame:
        """Long-run distribution by the neighbours' class, were it to stay."""
        parts = {lag: one.ergodic for lag, one in self.by_lag.items()}
        return pd.DataFrame(parts).T.rename_axis("neighbours")

    def moves(self) -> pd.DataFrame:
        """Return the shares that stay, rise and fall by the neighbours' class, with counts."""
        columns = ["transitions", "up", "stay", "down"]
        rows = [(len(c.moves), c.upward, c.stay, c.downward) for c in self.by_lag.values()]
        return pd.DataFrame(rows, pd.Index(self.by_lag, name="neighbours"), columns)


def spatial_markov(
    scores: pd.Series,
    weights: object,
    classes: int | Sequence[float] = 4,
    lag_classes: int | Sequence[float] | None = None,
    relative: bool = False,
) -> _SpatialChain:
    """Estimate a chain for each class of neighbours (Rey 2001).

    Parameters
    ----------
    scores : Series indexed (province, year)
        Every province of the weights in every year of the sample.
    weights : spatial weights or DataFrame (n, n)
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
    chains
        With ``overall``, ``by_lag``, ``moves()``, ``ergodic`` and ``test``.

    Raises
    ------
    nqpf.errors.MethodError, nqpf.errors.SampleError, nqpf.errors.DataError
        As :func:`nqpf.dynamics.markov`; also if provinces of weights and data
        differ, one has no neighbour, or one is absent in a year.

    Notes
    -----
    Transitions of one province are not independent: read p values as a guide. A class of
    neighbours in which nobody moves is not in ``by_lag``.

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
    data = _figures(scores, relative)
    wide = _balanced(data)
    lag = (_neighbours(weights, wide).matrix @ wide).stack().rename("lag")
    lag = lag.rename_axis(data.index.names)
    lag_classes = classes if lag_classes is None else lag_classes
    around, _ = _classified(lag, lag_classes, "the neighbours' mean")
    own, cutoffs = _classified(data, classes, "the measure")
    overall = _Chain(cutoffs, own, _transitions(own))
    groups = overall.moves.groupby(around.reindex(overall.moves.index).to_numpy())
    by_lag = {int(number): _Chain(cutoffs, own, moves) for number, moves in groups}
    test = _homogeneity([one.counts for one in by_lag.values()], list(by_lag))
    return _SpatialChain(overall, by_lag, lag, test)
