"""Markov chains of classes: who moves up or down, and where that would lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from nqpf.dynamics.convergence import joined_weights
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.sample import by_key, place

__all__ = [
    "Homogeneity",
    "MarkovResult",
    "SpatialMarkovResult",
    "chain",
    "classify",
    "closed_groups",
    "cutoffs_of",
    "ergodic",
    "first_passage",
    "homogeneity",
    "markov",
    "panel",
    "relative_to_mean",
    "spatial_lag",
    "spatial_markov",
    "transitions",
]


@dataclass(frozen=True)
class Homogeneity:
    """Test that several samples of transitions come from one matrix.

    Attributes
    ----------
    likelihood_ratio, pearson : float
        Two statistics of one hypothesis.
    df : int
        Only rows and cells that were seen count.
    likelihood_ratio_pvalue, pearson_pvalue : float
        From chi2(df); NaN where nothing can be compared.
    samples : tuple
        Names of the samples.
    """

    likelihood_ratio: float
    pearson: float
    df: int
    likelihood_ratio_pvalue: float
    pearson_pvalue: float
    samples: tuple[object, ...]


def _reach(p: np.ndarray) -> np.ndarray:
    """Return a boolean (k, k): column can be reached from row in zero or more steps."""
    reach = (p > 0) | np.eye(len(p), dtype=bool)
    for middle in range(len(p)):
        reach |= np.outer(reach[:, middle], reach[middle])
    return reach


def closed_groups(p: np.ndarray) -> list[list[int]]:
    """Return the groups of classes that are never left once entered (recurrent classes).

    Examples
    --------
    >>> closed_groups(np.array([[0.5, 0.5, 0], [0, 1.0, 0], [0, 0.2, 0.8]]))
    [[1]]
    """
    reach = _reach(p)
    mutual = reach & reach.T
    closed = [row for row in range(len(p)) if not (reach[row] & ~reach[:, row]).any()]
    return [
        [int(c) for c in group]
        for group in sorted({tuple(np.flatnonzero(mutual[r])) for r in closed})
    ]


def ergodic(p: np.ndarray) -> np.ndarray:
    """Return the long-run distribution; NaN where it depends on where the chain starts.

    Parameters
    ----------
    p : (k, k)
        Rows add up to 1.

    Examples
    --------
    >>> ergodic(np.array([[0.5, 0.25, 0.25], [0.5, 0, 0.5], [0.25, 0.25, 0.5]])).round(3)
    array([0.4, 0.2, 0.4])
    """
    groups = closed_groups(p) if np.isfinite(p).all() else []
    if len(groups) != 1:
        return np.full(len(p), np.nan)
    inside = groups[0]
    part = p[np.ix_(inside, inside)]
    size = len(inside)
    system = np.vstack([part.T - np.eye(size), np.ones(size)])
    result = np.zeros(len(p))
    result[inside] = np.linalg.lstsq(system, np.r_[np.zeros(size), 1.0], rcond=None)[0]
    return result


def first_passage(p: np.ndarray) -> np.ndarray:
    """Return mean steps from row to first arrival in column; the diagonal is mean return time.

    Kemeny and Snell (1976), by one linear system per target instead of the
    fundamental matrix, so that chains with absorbing classes have an answer:
    infinite where arrival is not certain.

    Parameters
    ----------
    p : (k, k)
        Rows add up to 1.

    Examples
    --------
    >>> first_passage(np.array([[0.5, 0.25, 0.25], [0.5, 0, 0.5], [0.25, 0.25, 0.5]])).round(3)
    array([[2.5  , 4.   , 3.333],
           [2.667, 5.   , 2.667],
           [3.333, 4.   , 2.5  ]])
    """
    size = len(p)
    if not np.isfinite(p).all():
        return np.full((size, size), np.nan)
    return np.column_stack([_to(p, target) for target in range(size)])


def _to(p: np.ndarray, target: int) -> np.ndarray:
    size = len(p)
    stopped = p.copy()
    stopped[target] = np.eye(size)[target]
    reach = _reach(stopped)
    sure = [r for r in range(size) if reach[reach[r], target].all() and r != target]
    steps = np.full(size, np.inf)
    steps[target] = 0.0
    if sure:
        steps[sure] = np.linalg.solve(np.eye(len(sure)) - p[np.ix_(sure, sure)], np.ones(len(sure)))
    seen = p[target] > 0
    steps[target] = 1 + p[target, seen] @ steps[seen]
    return steps


def homogeneity(counts: Sequence[np.ndarray], names: Sequence[object]) -> Homogeneity:
    r"""Test that matrices of counts share their transition probabilities.

    Anderson and Goodman (1957); degrees of freedom are
    sum_i (b_i - 1)(a_i - 1), with b_i the samples that have row i and a_i the
    cells of the row that were seen in any (Bickenbach and Bode 2003).

    Parameters
    ----------
    counts : sequence of (k, k)
    names : sequence
        One per matrix.

    Examples
    --------
    >>> test = homogeneity([np.array([[8, 2], [3, 7]]), np.array([[5, 5], [3, 7]])], "ab")
    >>> round(test.pearson, 4), test.df
    (1.978, 2)
    """
    from scipy import stats

    each = np.asarray(counts, dtype=float)
    rows = each.sum(axis=2)
    pooled = each.sum(axis=0)
    share = pooled / np.maximum(pooled.sum(axis=1, keepdims=True), 1)
    expected = rows[:, :, None] * share
    seen = expected > 0
    pearson = float((((each - expected)[seen]) ** 2 / expected[seen]).sum())
    positive = each > 0
    ratio = float(2 * (each[positive] * np.log(each[positive] / expected[positive])).sum())
    samples, cells = (rows > 0).sum(axis=0), (pooled > 0).sum(axis=1)
    df = int(((samples - 1).clip(min=0) * (cells - 1).clip(min=0)).sum())
    pvalues = [float(stats.chi2.sf(x, df)) if df else float("nan") for x in (ratio, pearson)]
    return Homogeneity(ratio, pearson, df, *pvalues, tuple(names))


def panel(scores: pd.Series, what: str = "the measure") -> pd.Series:
    """Return finite figures indexed (unit, year), sorted; two years at least.

    Raises
    ------
    nqpf.errors.SampleError
        If the index is another one, a key is doubled, a figure is missing or
        no unit has two years in a row.
    """
    if not isinstance(scores, pd.Series) or scores.index.nlevels != 2:
        raise SampleError(
            f"{what} is not a series by unit and year",
            expected="a Series indexed (province, year), such as Index.scores",
        )
    unit, time = scores.index.names[0] or "unit", scores.index.names[1] or "year"
    named = scores.rename("value").rename_axis([unit, time])
    data = by_key(named.to_frame(), ["value"], unit, time, what)["value"]
    years = data.index.get_level_values(1)
    if not np.issubdtype(years.dtype, np.integer):
        raise SampleError("times are not whole years", expected="integers")
    return data.rename(scores.name)


def relative_to_mean(data: pd.Series) -> pd.Series:
    """Return figures over their mean of the year.

    Raises
    ------
    nqpf.errors.DataError
        If a mean is not positive, as it can be of logarithms.
    """
    means = data.groupby(level=1).transform("mean")
    if not (means > 0).all():
        raise DataError(
            f"the mean of a year is {means[~(means > 0)].iloc[0]:g}",
            where={"year": int(means.index[~(means > 0)][0][1])},
            expected="a positive mean; take exp of a log measure",
        )
    return data / means


def cutoffs_of(values: pd.Series, classes: int | Sequence[float], what: str) -> np.ndarray:
    """Return upper bounds of all classes but the last.

    Parameters
    ----------
    values : Series
        Pooled figures.
    classes : int or sequence of float
        Number of classes with equally many figures each, or the cut-offs.
    what : str
        Name in messages.

    Raises
    ------
    nqpf.errors.MethodError
        If there are under two classes or cut-offs do not ascend.
    nqpf.errors.SampleError
        If quantiles coincide because figures repeat.
    """
    if isinstance(classes, int | np.integer) and not isinstance(classes, bool):
        if classes < 2:
            raise MethodError(f"{classes} classes of {what}", expected="two or more")
        found = np.quantile(values.to_numpy(), np.arange(1, classes) / classes)
        if (np.diff(found) <= 0).any() or found[-1] >= values.max():
            raise SampleError(
                f"quantiles of {what} coincide, so that a class would have no members",
                expected=f"{classes} classes of figures that differ",
                hint="take fewer classes or give cut-offs",
            )
        return found
    found = np.asarray(classes, dtype=float)
    if (
        found.ndim != 1
        or not len(found)
        or not np.isfinite(found).all()
        or (np.diff(found) <= 0).any()
    ):
        raise MethodError(
            f"cut-offs {list(np.ravel(found))} of {what}",
            expected="a number of classes, or finite cut-offs in ascending order",
        )
    return found


def classify(values: pd.Series, cutoffs: np.ndarray) -> pd.Series:
    """Return classes 1, ..., k; a figure that equals a cut-off belongs to the class below it.

    Examples
    --------
    >>> classify(pd.Series([0.1, 0.5, 0.9]), np.array([0.5])).tolist()
    [1, 1, 2]
    """
    codes = np.searchsorted(cutoffs, values.to_numpy(), side="left") + 1
    return pd.Series(codes, index=values.index, name="class")


def transitions(classes: pd.Series) -> pd.DataFrame:
    """Return one row per unit and pair of adjacent years: where it was, ``from`` and ``to``.

    A pair with a year between them is no transition, so that gaps are never jumped.

    Raises
    ------
    nqpf.errors.SampleError
        If no unit has two adjacent years.
    """
    unit, time = classes.index.names
    after = classes.rename("to").reset_index()
    after[time] -= 1
    moves = classes.rename("from").to_frame().join(after.set_index([unit, time]), how="inner")
    if moves.empty:
        raise SampleError(
            "no unit has two adjacent years", expected="a panel with consecutive years"
        )
    return moves


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
