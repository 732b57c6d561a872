"""All measures of new quality productive forces on one sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from nqpf.compare.declaration import Declaration
from nqpf.compare.variants import HOLDS
from nqpf.data.panel import DEFAULT_VINTAGE, Panel
from nqpf.errors import MethodError, SampleError
from nqpf.files import root
from nqpf.index.recipe import Recipe
from nqpf.sample import check_finite, check_keys, nearest, place
from nqpf.systems.formula import Formula
from nqpf.systems.overlap import _holding
from nqpf.systems.system import System, _defined, available
from nqpf.tfp.accounts import _BASE, production
from nqpf.tfp.solow import solow_residual

__all__ = [
    "Agreement",
    "Concordance",
    "TFP",
    "agreement",
    "circular",
    "clusters",
    "concordance",
    "holders",
    "join",
    "measures",
    "top_overlap",
]

TFP = "tfp"


def measures(
    panel: Panel,
    systems: Sequence[str] | None = None,
    vintage: str = DEFAULT_VINTAGE,
    without: Sequence[str] = (),
) -> pd.DataFrame:
    """Return every composite index and TFP where all of them exist.

    Each system is computed on its own complete sample, as its chapter does;
    only then are the scores cut to the province-years that all measures
    share, so that a figure here is the figure printed there.

    Parameters
    ----------
    panel : Panel
        Official figures.
    systems : sequence of str or None
        Keys of the systems; all that have a card when None.
    vintage : str
        Vintage of the national accounts for every measure.
    without : sequence of str
        Indicators to take out of every system before its index is computed, such as
        :func:`nqpf.compare.holders` of what the measures are to be related to. The sample stays
        that of the whole system. TFP is no sum of indicators and stays as it is.

    Returns
    -------
    DataFrame indexed (province, year)
        One column per system key and ``tfp``, the log of total factor
        productivity with a capital share of one half, on figures as published: where
        :meth:`nqpf.data.Panel.breaks` flags employment, its path has a break too.

    Raises
    ------
    nqpf.errors.SampleError
        If no province-year has all measures, or a system has no indicator left.
    nqpf.errors.MethodError
        If an indicator to take out is unknown; the message offers the nearest.
    """
    known = _defined(root())
    for indicator in without:
        if indicator not in known:
            raise MethodError(
                f"unknown indicator {indicator!r} to take out",
                expected="keys of data/indicators.yaml, as holders() gives them",
                hint=nearest(indicator, known),
            )
    columns = {}
    for key in available() if systems is None else systems:
        system = System.load(key)
        matrix = system.evaluate(panel, vintage=vintage)
        left = [indicator for indicator in system.indicators if indicator not in without]
        if not left:
            raise SampleError(
                f"every indicator of {key} is to be taken out",
                expected="at least one that stays",
                hint="leave the system out of systems",
            )
        columns[key] = Recipe(**system.recipe).fit(matrix.select(left)).scores
    columns[TFP] = log_tfp(panel, vintage)
    frame = pd.DataFrame(columns).dropna().sort_index()
    if frame.empty:
        raise SampleError(
            "no province-year has every measure",
            expected=f"an overlap of {', '.join(columns)}",
            hint="compare fewer measures",
        )
    return frame


def log_tfp(panel: Panel, vintage: str = DEFAULT_VINTAGE) -> pd.Series:
    """Return the log of total factor productivity with a capital share of one half.

    At prices of a year that the vintage reaches.
    """
    first = int(panel.wide(["gdp"], vintage=vintage).dropna().index.unique("year").min())
    base = max(_BASE, first)
    return solow_residual(production(panel, base=base, vintage=vintage)).log_tfp


@dataclass(frozen=True)
class Concordance:
    """Kendall's coefficient of concordance among m rankings of n items.

    Attributes
    ----------
    w : float
        0 without any agreement, 1 when all rankings are the same; corrected for ties.
    chi2 : float
        m (n - 1) W, approximately chi-squared when rankings are random.
    df : int
        n - 1.
    pvalue : float
        Of no agreement.
    """

    w: float
    chi2: float
    df: int
    pvalue: float


@dataclass(frozen=True)
class Agreement:
    """Agreement of several measures on one sample.

    Attributes
    ----------
    spearman, kendall : DataFrame, measure by measure
        Rank correlations (Kendall's tau-b).
    top : DataFrame, measure by measure
        Share of the best `k` in common.
    k : int
    concordance : Concordance
        Kendall's W over all measures.
    nobs : int
        Items ranked.
    """

    spearman: pd.DataFrame
    kendall: pd.DataFrame
    top: pd.DataFrame
    k: int
    concordance: Concordance
    nobs: int

    def to_frame(self) -> pd.DataFrame:
        """Return one row per pair of measures."""
        names = list(self.spearman.columns)
        pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
        index = pd.MultiIndex.from_tuples(pairs, names=["measure", "other"])
        tables = {"spearman": self.spearman, "kendall": self.kendall, f"top {self.k}": self.top}
        return pd.DataFrame(
            {title: [table.at[pair] for pair in pairs] for title, table in tables.items()},
            index=index,
        )

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.3f}".format)


def join(measures: Mapping[str, pd.Series], year: int | None = None) -> pd.DataFrame:
    """Return measures side by side, joined by key.

    Parameters
    ----------
    measures : mapping of str to Series indexed (province, year)
    year : int or None
        Keep one year; all years when None.

    Returns
    -------
    DataFrame indexed (province, year), one column per measure, sorted by key.

    Raises
    ------
    nqpf.errors.SampleError
        If a key is missing from a measure, doubled, or a figure is missing.
    nqpf.errors.MethodError
        If there are fewer than two measures.
    """
    if len(measures) < 2:
        raise MethodError(f"{len(measures)} measure(s)", expected="two or more to compare")
    kept = {}
    for name, series in measures.items():
        check_keys(series.index, f"measure {name!r}")
        years = series.index.get_level_values(1)
        kept[name] = series if year is None else series[years == year]
    first, *others = kept
    for name in others:
        odd = kept[first].index.symmetric_difference(kept[name].index, sort=True)
        if len(odd):
            have, lack = (first, name) if odd[0] in kept[first].index else (name, first)
            raise SampleError(
                f"measure {lack!r} has no figure for a key of {have!r}, one of {len(odd)} "
                "that differ",
                where=place(odd[0], kept[have].index.names),
                expected="the same provinces and years in every measure",
                hint="restrict the measures to their common sample, and say so",
            )
    frame = pd.DataFrame(kept).sort_index()
    frame.index.names = kept[first].index.names
    if len(frame) < 2:
        raise SampleError(
            f"{len(frame)} row(s) to rank",
            where={} if year is None else {"year": year},
            expected="two or more",
        )
    check_finite(frame, "the comparison")
    return frame


def top_overlap(one: pd.Series, other: pd.Series, k: int) -> float:
    """Return the share of the best `k` items that two measures have in common.

    An item is among the best k when fewer than k are above it, so ties at the
    border all count; the share is of the larger of the two sets.

    Examples
    --------
    >>> top_overlap(pd.Series([4, 3, 2, 1]), pd.Series([4, 1, 3, 2]), k=2)
    0.5
    """
    best = [set(x.index[x.rank(ascending=False, method="min") <= k]) for x in (one, other)]
    return len(best[0] & best[1]) / max(len(best[0]), len(best[1]))


def concordance(frame: pd.DataFrame) -> Concordance:
    """Return Kendall's W of the columns of `frame`, with correction for ties.

    W = 12 S / (m^2 (n^3 - n) - m sum_j T_j), S the squared deviations of the
    rank sums and T_j = sum (t^3 - t) over the ties of ranking j (Kendall and
    Babington Smith 1939; Siegel and Castellan 1988).

    Raises
    ------
    nqpf.errors.SampleError
        If every ranking is one tie.

    Examples
    --------
    >>> concordance(pd.DataFrame({"a": [1, 2, 3], "b": [10, 20, 30]})).w
    1.0
    """
    from scipy.stats import chi2

    n, m = frame.shape
    sums = frame.rank().sum(axis=1)
    ties = sum(float((c**3 - c).sum()) for c in (frame[x].value_counts() for x in frame))
    span = m**2 * (n**3 - n) - m * ties
    if not span > 0:
        raise SampleError("no measure ranks anything: all values are tied")
    w = 12 * float(((sums - sums.mean()) ** 2).sum()) / span
    statistic = m * (n - 1) * w
    return Concordance(w, statistic, n - 1, float(chi2.sf(statistic, n - 1)))


def agreement(measures: Mapping[str, pd.Series], k: int = 10, year: int | None = None) -> Agreement:
    """Compare the rankings of several measures.

    Parameters
    ----------
    measures : mapping of str to Series indexed (province, year)
        Scores of which more is better; ``Index.scores`` or ``SolowResult.tfp``.
        Turn a measure of which less is better, such as VIKOR's Q, round first.
    k : int
        Size of the top group.
    year : int or None
        Compare within one year; over all province-years when None.

    Returns
    -------
    Agreement

    Raises
    ------
    nqpf.errors.SampleError
        If the keys of the measures differ, a figure is missing or a measure is constant.
    nqpf.errors.MethodError
        If there are fewer than two measures or `k` does not fit the sample.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["A", "B", "C"], [2020]], names=["province", "year"])
    >>> a, b = pd.Series([1, 2, 3], keys), pd.Series([1, 3, 2], keys)
    >>> float(agreement({"a": a, "b": b}, k=1).spearman.loc["a", "b"])
    0.5
    """
    frame = join(measures, year)
    if not (isinstance(k, int | np.integer) and 1 <= k <= len(frame)):
        raise MethodError(f"top {k!r} of {len(frame)} rows", expected=f"1 to {len(frame)}")
    flat = frame.columns[frame.nunique() == 1]
    if len(flat):
        raise SampleError(f"measure {flat[0]!r} is constant and ranks nothing")
    names = list(frame.columns)
    top = [[top_overlap(frame[a], frame[b], int(k)) for b in names] for a in names]
    return Agreement(
        spearman=frame.corr(method="spearman"),
        kendall=frame.corr(method="kendall"),
        top=pd.DataFrame(top, index=names, columns=names),
        k=int(k),
        concordance=concordance(frame),
        nobs=len(frame),
    )


def clusters(correlation: pd.DataFrame, least: float = 0.9) -> pd.Series:
    """Group measures whose average rank correlation reaches a level.

    Average-linkage clustering of the distances 1 - rho; a group is cut where
    the average correlation between two groups falls below `least`.

    Parameters
    ----------
    correlation : DataFrame, measure by measure
        Rank correlations, symmetric, with the same labels on both sides.
    least : float
        Average correlation within a group, between -1 and 1.

    Returns
    -------
    Series
        Number of the group by measure, in the order in which the tree of
        groups lists the measures, so that neighbours rank alike.

    Raises
    ------
    nqpf.errors.SampleError
        If the labels differ, a correlation is missing or there is one measure.
    nqpf.errors.MethodError
        If `least` is not between -1 and 1.

    Examples
    --------
    >>> names = ["a", "b", "c"]
    >>> rho = pd.DataFrame([[1, 0.95, 0.2], [0.95, 1, 0.3], [0.2, 0.3, 1]], names, names)
    >>> groups = clusters(rho)
    >>> bool(groups["a"] == groups["b"]), bool(groups["a"] == groups["c"])
    (True, False)
    """
    from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
    from scipy.spatial.distance import squareform

    if list(correlation.index) != list(correlation.columns) or len(correlation) < 2:
        raise SampleError(
            f"correlations of shape {correlation.shape}",
            expected="two or more measures, with the same labels on both sides",
        )
    if correlation.isna().any(axis=None):
        raise SampleError("a correlation is missing", hint="leave out the measure that is constant")
    if not -1 <= least <= 1:
        raise MethodError(f"least correlation {least}", expected="a number between -1 and 1")
    # Rounding can leave a diagonal or a pair of values one unit in the last place apart.
    distance = (1 - (correlation + correlation.T) / 2).clip(lower=0).to_numpy(copy=True)
    distance[range(len(distance)), range(len(distance))] = 0
    tree = linkage(squareform(distance), method="average", optimal_ordering=True)
    labels = fcluster(tree, 1 - least + 1e-12, criterion="distance")
    order = leaves_list(tree)
    groups = pd.Series(labels[order], index=correlation.index[order], name="group")
    return groups.map({old: new for new, old in enumerate(dict.fromkeys(groups), start=1)})


_SHOWN = "solow-0.5"  # the estimator of TFP that nqpf.compare.measures takes


def holders(variables: str | Sequence[str], lead: int = 0) -> list[str]:
    """Return the indicators that hold any of the variables.

    An indicator holds a variable when the variable's numerator stands in its own numerator, or
    when it is the variable turned upside down, see :func:`nqpf.systems.overlap._holding`.

    Parameters
    ----------
    variables : str or sequence of str
        Outcomes, determinants, controls, threshold variables, mediators or instruments, as
        ``data/multiverse/grid.yaml`` declares them.
    lead : int
        Years from the measure to the variable, 1 for an outcome of the year after. It matters
        for growth only, which a level of an earlier year does not hold.

    Returns
    -------
    list of str
        Keys of ``data/indicators.yaml``, sorted.

    Raises
    ------
    nqpf.errors.MethodError
        If a variable is not declared; the message offers the nearest.

    Examples
    --------
    >>> holders(["urbanisation", "income"])
    ['labour_productivity', 'urbanisation_rate']
    >>> holders("growth"), holders("growth", lead=1)
    (['labour_productivity'], [])
    """
    return sorted({key for name in _listed(variables) for key in _holders(name, lead)})


def circular(variables: str | Sequence[str], lead: int = 0) -> pd.Series:
    """Return by measure why it cannot be related to the variables, empty where it can.

    Parameters
    ----------
    variables : str or sequence of str
        Every variable of the equation but the measure itself.
    lead : int
        As in :func:`holders`.

    Returns
    -------
    Series of str
        By key of the system, and ``tfp``, in the order of :func:`nqpf.compare.measures`.

    Raises
    ------
    nqpf.errors.MethodError
        If a variable is not declared.

    Examples
    --------
    >>> why = circular("urbanisation")
    >>> why["wang-wang-2024"], why["dong-2024"]
    ('', 'holds urbanisation (as share of residents living in towns and cities)')
    """
    held = {key: tuple(System.load(key).indicators) for key in available()} | {TFP: HOLDS[_SHOWN]}
    reasons = {}
    for measure, own in held.items():
        parts = []
        for name in _listed(variables):
            inside = [key for key in own if key in _holders(name, lead)]
            if inside:
                parts.append(f"{name.replace('_', ' ')} (as {_named(measure, inside)})")
        reasons[measure] = "holds " + " and ".join(parts) if parts else ""
    return pd.Series(reasons, name="reason", dtype="str")


def _listed(variables: str | Sequence[str]) -> list[str]:
    return [variables] if isinstance(variables, str) else list(variables)


def _named(measure: str, keys: Iterable[str]) -> str:
    if measure == TFP:
        return "GDP in the numerator"
    return " and ".join(_defined(root())[key].name.en for key in keys)


@cache
def _holders(name: str, lead: int) -> tuple[str, ...]:
    declared = Declaration.load().grid.variables
    if name not in declared:
        raise MethodError(
            f"variable {name!r} is not declared, so that nothing says which measures hold it",
            expected="one of " + ", ".join(declared),
            hint=nearest(name, declared) or "declare it in data/multiverse/grid.yaml",
        )
    return _holding(Formula.parse(declared[name].formula, {"variable": name}), lead)
