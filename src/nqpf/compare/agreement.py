"""How far measures rank the same provinces alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.errors import MethodError, SampleError
from nqpf.tfp.sample import check_finite, check_keys, place

__all__ = ["Agreement", "Concordance", "agreement", "concordance", "join", "top_overlap"]


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
