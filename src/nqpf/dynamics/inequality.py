"""Inequality among provinces: Gini and its decomposition by Dagum, Theil, variation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.checks import choose
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.sample import _check_finite, _check_keys, _check_positive, _place

_TERMS = ("within", "between", "transvariation", "gini")


class _Part(NamedTuple):
    """Values of one group, or of all units, ascending, with weights that add up to one."""

    y: np.ndarray
    weights: np.ndarray
    share: float
    mean: float

    def above(self, other: _Part) -> float:
        """Return the mean of max(y - x, 0), y of this group and x of the other.

        By running sums over sorted values: a table of all pairs would cost n^2.
        """
        own, others = self.y - self.mean, other.y - self.mean  # small numbers keep their digits
        weight = np.concatenate([[0.0], np.cumsum(other.weights)])
        total = np.concatenate([[0.0], np.cumsum(other.weights * others)])
        below = np.searchsorted(other.y, self.y, side="left")
        return max(0.0, float(self.weights @ (own * weight[below] - total[below])))

    def gini(self) -> float:
        """Return the mean of |y_i - y_k| over twice the mean; 0 if all are zero."""
        return self.above(self) / self.mean if self.mean else 0.0


class _Sample(NamedTuple):
    """Checked values in ascending order, over the largest of them, with weights and groups."""

    y: np.ndarray
    weights: np.ndarray
    codes: np.ndarray
    groups: pd.Index
    scale: float

    def part(self, inside: np.ndarray | slice) -> _Part:
        y, weights = self.y[inside], self.weights[inside]
        share = float(weights.sum())
        return _Part(y, weights / share, share, float(weights @ y) / share)


def _read(y: pd.Series, groups: object, weights: object) -> _Sample:
    """Join values, groups and weights by key and check them.

    Values are divided by the largest and weights by their sum, so that neither very large nor
    very small figures overflow in sums and products.
    """
    if not isinstance(y, pd.Series):
        raise MethodError("values without keys", expected="a Series by unit")
    name = str(y.name or "values")
    values = y.rename_axis([label or "unit" for label in y.index.names])
    keys, labels = values.index, values.index.names
    if keys.has_duplicates:
        where = _place(keys[keys.duplicated()][0], labels)
        raise SampleError(f"{name} hold a key more than once", where=where)
    if keys.nlevels == 2 and keys.unique(1).size > 1:
        expected, hint = "one year", "use by_year, or pick a year with .xs(year, level='year')"
        raise SampleError(f"{name} have {keys.unique(1).size} years", expected=expected, hint=hint)
    _check_finite(values.to_frame(name), "the sample")
    values = values.astype(float)
    wanted = "values of zero or more; turn a logarithm back into a level first"
    _check_positive(values[values < 0], name, wanted)
    if not values.any():
        raise DataError(f"every one of the {name} is zero", expected="a positive mean")
    share = pd.Series(1.0, keys) if weights is None else _joined(weights, keys, "weights")
    _check_finite(share.to_frame("weight"), "the sample")
    _check_positive(share, "the weight", "positive weights, such as population")
    if isinstance(groups, str):
        choose("grouping", groups, ("region4", "region3"))
        regions = pd.CategoricalDtype(list(provinces.REGIONS))  # in the order of the statistics
        groups = provinces._table()[groups].astype(regions)
    label = pd.Series("all", keys) if groups is None else _joined(groups, keys, "groups")
    codes, names = pd.factorize(label, sort=True)
    order = np.argsort(values.to_numpy(), kind="stable")
    scale, share = float(values.max()), share.to_numpy(dtype=float)[order] / share.max()
    y, share = values.to_numpy()[order] / scale, share / share.sum()
    return _Sample(y, share, codes[order], pd.Index(list(names), name="group"), scale)


def _joined(other: object, keys: pd.MultiIndex, what: str) -> pd.Series:
    """Return `other`, which is by unit or by unit and year, in the order of `keys`."""
    series = pd.Series(dict(other)) if isinstance(other, Mapping) else other
    if not isinstance(series, pd.Series):
        raise MethodError(f"{what} without keys", expected=f"{what} as a Series or mapping by unit")
    if series.index.has_duplicates:
        double = series.index[series.index.duplicated()][0]
        raise SampleError(f"{what} hold the key {double} more than once")
    own = keys.get_level_values(0) if series.index.nlevels == 1 else keys
    found = series.reindex(own).set_axis(keys)
    gone = keys[found.isna()]
    if len(gone):
        problem = f"{what} do not cover a unit, one of {len(gone)}"
        expected = f"one of the {what} for every unit that has a value"
        raise SampleError(problem, where=_place(gone[0], keys.names), expected=expected)
    return found


@dataclass(frozen=True)
class _Dagum:
    """Decomposition of a Gini coefficient by groups (Dagum 1997).

    Attributes
    ----------
    gini : float
        Gini coefficient of the whole, from 0 to less than 1.
    within : float
        G_w, what inequality inside the groups contributes.
    between : float
        G_nb, the net contribution of gaps between groups.
    transvariation : float
        G_t, the contribution of overlap: of units that are above another
        group's although their own group's mean is below.
    groups : DataFrame by group
        Number of `units`, shares of `population` p_j and of the `total` s_j,
        `mean` in units of y, `gini` G_jj and its `contribution` G_jj p_j s_j.
    pairs : DataFrame by (group, other), the group with the higher mean first
        `gini` G_jh; mean `difference` Delta_jh, gross affluence `d` and
        transvariation `p` in units of y; relative economic `affluence` D_jh
        from 0 to 1; contributions to `between` and `transvariation`.
    """

    gini: float
    within: float
    between: float
    transvariation: float
    groups: pd.DataFrame
    pairs: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return the three terms and the whole, with their shares of the whole."""
        value = pd.Series({name: getattr(self, name) for name in _TERMS})
        share = value / self.gini if self.gini else np.nan
        return pd.DataFrame({"value": value, "share": share})

    def table(self) -> pd.DataFrame:
        """Return G_jh as a symmetric table, with G_jj on the diagonal."""
        names = self.groups.index
        square = pd.DataFrame(np.diag(self.groups["gini"]), names, names.rename("other"))
        for (one, other), value in self.pairs["gini"].items():
            square.loc[one, other] = square.loc[other, one] = value
        return square

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.4f}".format)


def dagum(y: pd.Series, groups: object = None, weights: object = None) -> _Dagum:
    """Decompose the Gini coefficient by groups.

    Parameters
    ----------
    y : Series by unit, or by unit and one year
        Zero or more, not all zero; a measure whose ratios mean something, so
        neither a logarithm nor a z-score.
    groups : Series or mapping by unit, ``"region4"``, ``"region3"`` or None
        Group of each unit; ``"region4"`` and ``"region3"`` are the regions of
        the National Bureau of Statistics. One group when None. It may cover
        more units than `y` does, not fewer.
    weights : Series or mapping by unit, or None
        Positive, such as population; equal when None.

    Returns
    -------
    decomposition
        With ``gini``, its terms ``within``, ``between`` and ``transvariation``, the tables
        ``groups`` and ``pairs``, ``to_frame()`` and ``table()``.

    Raises
    ------
    nqpf.errors.SampleError
        If a value is missing, a unit has no group or weight, or there are several years.
    nqpf.errors.DataError
        If a value is negative, all are zero, or a weight is not positive.
    nqpf.errors.MethodError
        If an input has no keys, or a grouping is unknown.

    Notes
    -----
    Dagum (1997), Empirical Economics 22, 515-531. With shares p_j of the units
    and s_j of the total, and means m_j: G_jh = Delta_jh / (m_j + m_h), D_jh =
    (d_jh - p_jh) / (d_jh + p_jh), where d_jh is the mean of the positive and
    p_jh that of the negative differences between a unit of the group with the
    higher mean and one of the other. Then G_w = sum_j G_jj p_j s_j, G_nb = sum
    over pairs of G_jh (p_j s_h + p_h s_j) D_jh, and G_t the same with 1 - D_jh.
    G_nb equals the Gini coefficient that is left when every unit has its
    group's mean (Bhattacharya and Mahalanobis 1967), so that packages with that older
    decomposition check all three terms. A pair that does not differ at all has D_jh = 0.

    Over province-years gaps between provinces would mix with growth, so several years are
    refused. Nothing is shifted or clipped: negative values are refused. The whole is computed
    apart from its terms, so that they add up to it is a test and not a definition.

    Examples
    --------
    >>> y = pd.Series({"A": 1.0, "B": 3.0, "C": 2.0, "D": 6.0})
    >>> result = dagum(y, {"A": "a", "B": "a", "C": "b", "D": "b"})
    >>> round(result.gini, 4), round(result.between, 4)
    (0.3333, 0.1667)
    >>> result.pairs["affluence"].round(4).to_dict()
    {('b', 'a'): 0.8}
    """
    return _decomposed(_read(y, groups, weights))


def _decomposed(data: _Sample) -> _Dagum:
    whole = data.part(slice(None))
    parts = [data.part(data.codes == code) for code in range(len(data.groups))]
    rows = []
    for part in parts:
        gini, total = part.gini(), part.share * part.mean / whole.mean
        means = part.mean * data.scale
        rows.append((len(part.y), part.share, total, means, gini, gini * part.share * total))
    columns = ["units", "population", "total", "mean", "gini", "contribution"]
    groups = pd.DataFrame(rows, data.groups, columns)
    pairs = {}
    for both in combinations(range(len(parts)), 2):
        j, h = sorted(both, key=lambda at: -parts[at].mean)
        found = _pair(parts[j], parts[h], whole.mean, data.scale)
        pairs[data.groups[j], data.groups[h]] = found
    index = pd.MultiIndex.from_tuples(pairs, names=["group", "other"])
    columns = ["gini", "difference", "d", "p", "affluence", "between", "transvariation"]
    table = pd.DataFrame(list(pairs.values()), index, columns, dtype=float)
    within = float(groups["contribution"].sum())
    terms = (float(table[name].sum()) for name in ("between", "transvariation"))
    return _Dagum(whole.gini(), within, *terms, groups, table)


def _pair(high: _Part, low: _Part, mean: float, scale: float) -> tuple[float, ...]:
    d, p = high.above(low), low.above(high)
    gap, both = d + p, high.mean + low.mean
    gini = gap / both if both else 0.0
    affluence = min(1.0, max(0.0, (d - p) / gap)) if gap else 0.0
    # p_j s_h + p_h s_j, written with means
    part = gini * high.share * low.share * both / mean
    moments = (scale * gap, scale * d, scale * p)
    return gini, *moments, affluence, part * affluence, part * (1 - affluence)


def _theil(data: _Sample) -> dict[str, float]:
    """Return T and L, whole, within and between groups."""
    p = np.bincount(data.codes, data.weights)
    total = np.bincount(data.codes, data.weights * data.y)
    mean = float(data.weights @ data.y)
    ratio, s, own = data.y / mean, total / mean, np.log(data.y / (total / p)[data.codes])
    log = np.log(ratio)
    terms = {
        "theil_t": data.weights @ (ratio * log),
        "theil_t_within": data.weights @ (ratio * own),
        "theil_t_between": s @ np.log(s / p),
        "theil_l": -(data.weights @ log),
        "theil_l_within": -(data.weights @ own),
        "theil_l_between": p @ np.log(p / s),
    }
    return {name: max(0.0, float(value)) for name, value in terms.items()}


def by_year(y: pd.Series, groups: object = None, weights: object = None) -> pd.DataFrame:
    """Return the Gini coefficient, Theil's indices and the coefficient of variation by year.

    Parameters
    ----------
    y : Series indexed (unit, year)
        As :func:`dagum` within each year, but positive: Theil's L of a zero is infinite.
    groups, weights
        As :func:`dagum`; by unit, or by unit and year.

    Returns
    -------
    DataFrame by year
        `units` measured and their `mean`; `gini` with `within`, `between` and
        `transvariation`, see :func:`dagum`; `theil_t` and `theil_l` with their `_within` and
        `_between`, which add up; `variation`. Compare years with the same units only.

    Raises
    ------
    nqpf.errors.SampleError, nqpf.errors.DataError, nqpf.errors.MethodError
        As :func:`dagum`, and DataError for a zero; messages name unit and year.

    Notes
    -----
    With p_i the share of a unit and m the mean, T = sum_i p_i (y_i / m) ln(y_i / m), which is
    sensitive to the top, and L = sum_i p_i ln(m / y_i), which is to the bottom (Theil 1967;
    Shorrocks 1980). The terms within are weighted by shares of the total (T) and of the units
    (L). The coefficient of variation is the standard deviation over the mean, with n - 1, or
    with n under weights, with which n - 1 has no agreed meaning.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["A", "B", "C"], [2020, 2021]],
    ...                                   names=["province", "year"])
    >>> y = pd.Series([1.0, 2, 1, 2, 4, 2], index=keys)
    >>> by_year(y, {"A": 1, "B": 1, "C": 2})["gini"].round(4).to_dict()
    {2020: 0.3333, 2021: 0.0}
    """
    _check_keys(y.index, "the series of values")
    rows = {}
    for year in sorted(y.index.unique(1)):
        part = y[y.index.get_level_values(1) == year]
        data = _read(part, groups, weights)
        wanted = "positive values, as Theil's L is infinite at zero, which dagum alone takes"
        _check_positive(part, str(y.name or "the value"), wanted)
        result, n, mean = _decomposed(data), len(part), float(data.weights @ data.y)
        row = {"units": n, "mean": mean * data.scale, **_theil(data)}
        row |= {name: getattr(result, name) for name in _TERMS}
        variance = float(data.weights @ (data.y - mean) ** 2)
        if weights is None:
            variance *= n / (n - 1) if n > 1 else np.nan
        rows[year] = row | {"variation": float(np.sqrt(variance)) / mean}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(y.index.names[1])
