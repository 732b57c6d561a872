"""Inequality among provinces: Gini and its decomposition by Dagum, Theil, variation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.errors import DataError, MethodError, SampleError
from nqpf.sample import _check_finite, _check_keys, place

__all__ = [
    "Dagum",
    "GROUPINGS",
    "Groups",
    "Part",
    "STATISTICS",
    "Sample",
    "Theil",
    "Values",
    "by_year",
    "dagum",
    "group_table",
    "labels_of",
    "pair_table",
    "sample",
    "theil",
    "variation",
]

GROUPINGS = ("region4", "region3")

_NEGATIVE = "ratios mean nothing for it; turn a logarithm back into a level first"
_ZERO = "its logarithm is infinite; dagum and variation take it, or leave the unit out and say so"

Values = pd.Series | np.ndarray | Sequence[float]
Groups = pd.Series | Mapping[object, object] | np.ndarray | Sequence[object] | str


@dataclass(frozen=True)
class Sample:
    """Checked input.

    Attributes
    ----------
    y : (n,) array
        Values, none negative, at least one positive.
    weights : (n,) array
        Positive, with sum 1.
    codes : (n,) int array
        Position of each unit's group in `groups`.
    groups : tuple
        Names of the groups, in the order of the table.
    scale : float
        What `y` was divided by: the largest value.
    """

    y: np.ndarray
    weights: np.ndarray
    codes: np.ndarray
    groups: tuple[object, ...]
    scale: float


def sample(
    y: Values,
    groups: Groups | None,
    weights: Values | None,
    statistic: str,
    zero: bool = True,
) -> Sample:
    """Join values, groups and weights, and check that `statistic` exists for them.

    Values are divided by the largest and weights by their sum, so that neither
    very large nor very small figures overflow in sums and products.

    Raises
    ------
    nqpf.errors.SampleError
        If a figure, group or weight is missing or several years are mixed.
    nqpf.errors.DataError
        If a value is negative (or zero, unless `zero`) or a weight not positive.
    nqpf.errors.MethodError
        If keyed values meet groups or weights without keys.
    """
    values = _values(y, statistic)
    _check(values, statistic, zero)
    if not values.to_numpy().any():
        raise DataError(f"every value of {statistic} is zero", expected="a positive mean")
    share = np.ones(len(values)) if weights is None else _weights(weights, y)
    labels = pd.Series("all", index=values.index) if groups is None else labels_of(groups, y)
    codes, names = _codes(labels)
    scale = float(values.max())
    share = share / share.max()
    return Sample(values.to_numpy() / scale, share / share.sum(), codes, names, scale)


def _values(y: Values, statistic: str) -> pd.Series:
    series = y if isinstance(y, pd.Series) else pd.Series(_flat(y, "values"))
    name = str(series.name or "values")
    if len(series) == 0:
        raise SampleError(f"no {name} for {statistic}", expected="at least one")
    double = series.index[series.index.duplicated()]
    if len(double):
        raise SampleError(
            f"{name} holds a key more than once",
            where=_where(double[0], series.index),
            expected="one value per unit",
        )
    if series.index.nlevels == 2 and series.index.get_level_values(1).nunique() > 1:
        raise SampleError(
            f"{name} has {series.index.get_level_values(1).nunique()} years",
            expected=f"one year for {statistic}",
            hint="use by_year, or pick a year with .xs(year, level='year')",
        )
    _refuse_missing(series, name, statistic)
    return series.astype(float)


def _refuse_missing(series: pd.Series, name: str, what: str) -> None:
    if series.dtype == np.dtype(float) and np.isfinite(series.to_numpy()).all():
        return
    keys = series.index
    if keys.nlevels == 1:  # a key of one part is still a tuple in a message
        keys = pd.MultiIndex.from_arrays([keys], names=[keys.name or "unit"])
    _check_finite(pd.DataFrame({name: series.to_numpy()}, index=keys), what)


def _flat(values: object, what: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1:
        raise SampleError(f"{what} of shape {array.shape}", expected="one dimension")
    return array


def _check(values: pd.Series, statistic: str, zero: bool) -> None:
    """Raise DataError for values that `statistic` cannot take, naming the first."""
    bad = values[(values < 0) | ((values == 0) & (not zero))]
    if len(bad):
        raise DataError(
            f"{values.name or 'the value'} is {bad.iloc[0]:g}, one of {len(bad)} that "
            f"{statistic} cannot take",
            where=_where(bad.index[0], values.index),
            expected="values of zero or more" if zero else "positive values",
            hint=_NEGATIVE if bad.iloc[0] < 0 else _ZERO,
        )


def _where(key: object, index: pd.Index) -> dict[str, object]:
    parts = key if isinstance(key, tuple) else (key,)
    return place(parts, [name or "unit" for name in index.names])


def _joined(other: object, y: Values, what: str) -> pd.Series:
    """Return `other` on the keys of `y`; by position only where neither has keys."""
    if not isinstance(y, pd.Series):
        if isinstance(other, pd.Series | Mapping):
            raise MethodError(
                f"{what} with keys for values without",
                expected=f"values and {what} that are both keyed or both plain arrays",
            )
        array = _flat(other, what)
        if len(array) != len(_flat(y, "values")):
            raise SampleError(
                f"{len(array)} {what} for {len(_flat(y, 'values'))} values",
                expected=f"one of the {what} per value",
            )
        return pd.Series(array)
    if not isinstance(other, pd.Series | Mapping):
        raise MethodError(
            f"{what} without keys for values with keys",
            expected=f"{what} as a Series or mapping by {y.index.names[0] or 'unit'}",
        )
    series = other if isinstance(other, pd.Series) else pd.Series(dict(other))
    if series.index.has_duplicates:
        twice = series.index[series.index.duplicated()][0]
        raise SampleError(
            f"{what} hold a key more than once",
            where=_where(twice, series.index),
            expected="one per unit",
        )
    keys = y.index
    if keys.nlevels > 1 and series.index.nlevels == 1:
        keys = keys.get_level_values(0)
    found = series.reindex(keys)
    found.index = y.index
    gone = found.index[found.isna()]
    if len(gone):
        raise SampleError(
            f"{what} do not cover a unit, one of {len(gone)}",
            where=_where(gone[0], y.index),
            expected=f"one of the {what} for every unit that has a value",
        )
    return found


def _weights(weights: Values, y: Values) -> np.ndarray:
    found = _joined(weights, y, "weights")
    _refuse_missing(found, "weight", "the sample")
    bad = found[~(found > 0)]
    if len(bad):
        raise DataError(
            f"the weight is {bad.iloc[0]:g}",
            where=_where(bad.index[0], found.index),
            expected="positive weights, such as population",
        )
    return found.to_numpy(dtype=float)


def labels_of(groups: Groups, y: Values) -> pd.Series:
    """Return the group of each unit of `y`, in its order.

    Raises
    ------
    nqpf.errors.MethodError
        If a grouping is unknown or only one of both is keyed.
    nqpf.errors.SampleError
        If a unit has no group.
    """
    if isinstance(groups, str):
        if groups not in GROUPINGS:
            raise MethodError(
                f"unknown grouping {groups!r}", expected=" or ".join(map(repr, GROUPINGS))
            )
        table = provinces.table()[groups]
        groups = table.astype(pd.CategoricalDtype(list(provinces.REGIONS)))
    labels = _joined(groups, y, "groups")
    gone = labels.index[labels.isna()]  # an array may hold None
    if len(gone):
        raise SampleError(
            "a unit has no group",
            where=_where(gone[0], labels.index),
            expected="a group for every unit that has a value",
        )
    return labels


def _codes(labels: pd.Series) -> tuple[np.ndarray, tuple[object, ...]]:
    if isinstance(labels.dtype, pd.CategoricalDtype):
        labels = labels.cat.remove_unused_categories()
        return labels.cat.codes.to_numpy().astype(int), tuple(labels.cat.categories)
    codes, names = pd.factorize(labels, sort=True)
    return codes, tuple(names)


@dataclass(frozen=True)
class Dagum:
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

    @property
    def gross_between(self) -> float:
        """G_gb = G_nb + G_t, all that pairs of different groups contribute."""
        return self.between + self.transvariation

    def to_frame(self) -> pd.DataFrame:
        """Return the three terms and the whole, with their shares of the whole."""
        terms = ["within", "between", "transvariation", "gini"]
        value = pd.Series({name: getattr(self, name) for name in terms})
        share = value / self.gini if self.gini else np.nan
        return pd.DataFrame({"value": value, "share": share})

    def table(self, column: str = "gini") -> pd.DataFrame:
        """Return a column of `pairs` as a symmetric table, with G_jj on the diagonal of G_jh.

        Raises
        ------
        nqpf.errors.MethodError
            If there is no such column.
        """
        if column not in self.pairs.columns:
            raise MethodError(
                f"no column {column!r}", expected=" or ".join(map(repr, self.pairs.columns))
            )
        names = self.groups.index
        square = pd.DataFrame(np.nan, index=names, columns=names.rename("other"))
        for (one, other), value in self.pairs[column].items():
            square.loc[one, other] = square.loc[other, one] = value
        if column == "gini":
            for name in names:
                square.loc[name, name] = self.groups.loc[name, "gini"]
        return square

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.4f}".format)


@dataclass(frozen=True)
class Theil:
    """Theil's two indices, each with its exact split into within and between groups.

    Attributes
    ----------
    t, t_within, t_between : float
        Theil's T, 0 to ln n; sensitive to the top of the distribution.
    l, l_within, l_between : float
        Theil's L, the mean logarithmic deviation, 0 or more; sensitive to the bottom.
    groups : DataFrame by group
        Shares of `population` and of the `total`, and the group's own `t` and `l`.
    """

    t: float
    t_within: float
    t_between: float
    l: float  # noqa: E741 - the textbook's symbol
    l_within: float
    l_between: float
    groups: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return both indices, a column each."""
        return pd.DataFrame(
            {
                "T": [self.t_within, self.t_between, self.t],
                "L": [self.l_within, self.l_between, self.l],
            },
            index=["within", "between", "total"],
        )

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.4f}".format)


class Part:
    """Sorted values of one group, or of all units, with their weights.

    Sorting costs n log n; a table of all pairs would cost n^2.
    """

    def __init__(self, data: Sample, code: int | None = None) -> None:
        inside = slice(None) if code is None else data.codes == code
        y, weights = data.y[inside], data.weights[inside]
        order = np.argsort(y, kind="stable")
        self.y = y[order]
        self.share = float(weights.sum())
        self.w = weights[order] / self.share
        self.mean = float(self.w @ self.y)

    def above(self, other: Part) -> float:
        """Return the mean of max(y - x, 0), y of this group and x of the other."""
        own, others = self.y - self.mean, other.y - self.mean  # small numbers keep their digits
        weight = np.concatenate([[0.0], np.cumsum(other.w)])
        total = np.concatenate([[0.0], np.cumsum(other.w * others)])
        below = np.searchsorted(other.y, self.y, side="left")
        return max(0.0, float(self.w @ (own * weight[below] - total[below])))

    def gini(self) -> float:
        """Return the weighted mean of |y_i - y_k| over twice the mean; 0 if all are zero."""
        if self.mean == 0:
            return 0.0
        below = np.cumsum(self.w) - self.w
        above = np.cumsum(self.w[::-1])[::-1] - self.w
        return max(0.0, float((self.w * (self.y - self.mean)) @ (below - above)) / self.mean)


def group_table(parts: list[Part], data: Sample, mean: float) -> pd.DataFrame:
    """Return p_j, s_j, the mean, G_jj and its contribution, a row per group."""
    rows = []
    for part in parts:
        own, total = part.gini(), part.share * part.mean / mean
        row = {"units": len(part.y), "population": part.share, "total": total}
        row |= {"mean": part.mean * data.scale, "gini": own}
        rows.append(row | {"contribution": own * part.share * total})
    return pd.DataFrame(rows, index=pd.Index(data.groups, name="group"))


def pair_table(parts: list[Part], data: Sample, mean: float) -> pd.DataFrame:
    """Return G_jh, Delta_jh, d_jh, p_jh, D_jh and contributions, a row per pair of groups."""
    rows, keys = [], []
    for first in range(len(parts)):
        for second in range(first + 1, len(parts)):
            j, h = first, second
            if parts[h].mean > parts[j].mean:
                j, h = h, j
            keys.append((data.groups[j], data.groups[h]))
            rows.append(_pair(parts[j], parts[h], mean, data.scale))
    levels = list(zip(*keys, strict=True)) or [[], []]
    index = pd.MultiIndex.from_arrays(levels, names=["group", "other"])
    columns = ["gini", "difference", "d", "p", "affluence", "between", "transvariation"]
    return pd.DataFrame(np.reshape(rows, (-1, len(columns))), index=index, columns=columns)


def _pair(high: Part, low: Part, mean: float, scale: float) -> tuple[float, ...]:
    d, p = high.above(low), low.above(high)
    gap, both = d + p, high.mean + low.mean
    gini = gap / both if both else 0.0
    affluence = min(1.0, max(0.0, (d - p) / gap)) if gap else 0.0
    # p_j s_h + p_h s_j, written with means
    part = gini * high.share * low.share * both / mean
    moments = (scale * gap, scale * d, scale * p)
    return gini, *moments, affluence, part * affluence, part * (1 - affluence)


STATISTICS = ("dagum", "theil", "variation")


def dagum(y: Values, groups: Groups | None = None, weights: Values | None = None) -> Dagum:
    """Decompose the Gini coefficient by groups.

    Parameters
    ----------
    y : Series by unit (or by unit and one year), or (n,) array
        Zero or more, not all zero; a measure whose ratios mean something, so
        neither a logarithm nor a z-score.
    groups : Series or mapping by unit, (n,) array, ``"region4"``, ``"region3"`` or None
        Group of each unit; ``"region4"`` and ``"region3"`` are the regions of
        the National Bureau of Statistics. One group when None. It may cover
        more units than `y` does, not fewer. Arrays go with an array `y` only.
    weights : Series or mapping by unit, (n,) array or None
        Positive, such as population; equal when None.

    Returns
    -------
    Dagum

    Raises
    ------
    nqpf.errors.SampleError
        If a value is missing, a unit has no group or weight, or there are several years.
    nqpf.errors.DataError
        If a value is negative, all are zero, or a weight is not positive.
    nqpf.errors.MethodError
        If only one of two inputs has keys, or a grouping is unknown.

    Notes
    -----
    Dagum (1997), Empirical Economics 22, 515-531. With shares p_j of the units
    and s_j of the total, and means m_j: G_jh = Delta_jh / (m_j + m_h), D_jh =
    (d_jh - p_jh) / (d_jh + p_jh), where d_jh is the mean of the positive and
    p_jh that of the negative differences between a unit of the group with the
    higher mean and one of the other. Then G_w = sum_j G_jj p_j s_j, G_nb = sum
    over pairs of G_jh (p_j s_h + p_h s_j) D_jh, and G_t the same with 1 - D_jh.
    G_nb equals the Gini coefficient that is left when every unit has its
    group's mean. A pair that does not differ at all has D_jh = 0.

    Examples
    --------
    >>> result = dagum([1.0, 3.0, 2.0, 6.0], ["a", "a", "b", "b"])
    >>> round(result.gini, 4), round(result.between, 4)
    (0.3333, 0.1667)
    >>> result.pairs["affluence"].round(4).to_dict()
    {('b', 'a'): 0.8}
    """
    data = sample(y, groups, weights, "the Gini coefficient")
    whole = Part(data)
    parts = [Part(data, code) for code in range(len(data.groups))]
    table = group_table(parts, data, whole.mean)
    pairs = pair_table(parts, data, whole.mean)
    return Dagum(
        gini=whole.gini(),
        within=float(table["contribution"].sum()),
        between=float(pairs["between"].sum()),
        transvariation=float(pairs["transvariation"].sum()),
        groups=table,
        pairs=pairs,
    )


def theil(y: Values, groups: Groups | None = None, weights: Values | None = None) -> Theil:
    """Return Theil's T and L, within and between groups.

    T = sum_i p_i (y_i / m) ln(y_i / m) and L = sum_i p_i ln(m / y_i), with p_i
    the share of a unit and m the mean (Theil 1967; Shorrocks 1980). The terms
    within are weighted by shares of the total (T) and of the units (L), and
    within and between add up.

    Parameters
    ----------
    y, groups, weights
        As :func:`dagum`, but `y` must be positive: the L of a zero is infinite.

    Returns
    -------
    Theil

    Raises
    ------
    nqpf.errors.SampleError, nqpf.errors.DataError, nqpf.errors.MethodError
        As :func:`dagum`, and DataError if a value is zero.

    Examples
    --------
    >>> result = theil([10.0, 10, 10, 20, 50])
    >>> round(result.t, 6), round(result.l, 6)
    (0.250201, 0.23263)
    """
    data = sample(y, groups, weights, "Theil's index", zero=False)
    mean = float(data.weights @ data.y)
    rows = [_theil_row(data, data.codes == code, mean) for code in range(len(data.groups))]
    table = pd.DataFrame(rows, index=pd.Index(data.groups, name="group"))
    p, s = table["population"], table["total"]
    t, low = _theil_pair(data.y, data.weights)
    return Theil(
        t=t,
        t_within=float(s @ table["t"]),
        t_between=max(0.0, float(s @ np.log(s / p))),
        l=low,
        l_within=float(p @ table["l"]),
        l_between=max(0.0, float(p @ np.log(p / s))),
        groups=table,
    )


def _theil_row(data: Sample, inside: np.ndarray, mean: float) -> dict[str, float]:
    y, weights = data.y[inside], data.weights[inside]
    share = float(weights.sum())
    t, low = _theil_pair(y, weights / share)
    return {"population": share, "total": float(weights @ y) / mean, "t": t, "l": low}


def _theil_pair(y: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    ratio = y / (weights @ y)
    log = np.log(ratio)
    return max(0.0, float(weights @ (ratio * log))), max(0.0, float(-(weights @ log)))


def variation(y: Values, weights: Values | None = None, ddof: int | None = None) -> float:
    """Return the coefficient of variation, the standard deviation over the mean.

    Parameters
    ----------
    y, weights
        As :func:`dagum`. Negative values are refused: their mean is no scale.
    ddof : {0, 1} or None
        1 for the sample's and 0 for the population's standard deviation; by
        default 1, and 0 with weights, with which 1 has no agreed meaning.

    Returns
    -------
    float
        0 or more.

    Raises
    ------
    nqpf.errors.SampleError, nqpf.errors.DataError
        As :func:`dagum`.
    nqpf.errors.MethodError
        If `ddof` is neither, is 1 with weights, or is 1 for a single unit.

    Examples
    --------
    >>> round(variation([1.0, 2.0, 3.0]), 6), round(variation([1.0, 2.0, 3.0], ddof=0), 6)
    (0.5, 0.408248)
    """
    ddof = (1 if weights is None else 0) if ddof is None else ddof
    if ddof not in (0, 1) or (ddof == 1 and weights is not None):
        raise MethodError(f"ddof {ddof!r}", expected="0 or 1, and 0 with weights")
    data = sample(y, None, weights, "the coefficient of variation")
    if len(data.y) <= ddof:
        raise MethodError("ddof 1 with one unit", expected="two units or more", hint="use ddof=0")
    mean = float(data.weights @ data.y)
    variance = float(data.weights @ (data.y - mean) ** 2) * len(data.y) / (len(data.y) - ddof)
    return float(np.sqrt(variance)) / mean


def by_year(
    y: pd.Series,
    groups: Groups | None = None,
    weights: Values | None = None,
    statistics: Sequence[str] = STATISTICS,
) -> pd.DataFrame:
    """Return measures of inequality for every year.

    Parameters
    ----------
    y : Series indexed (unit, year)
        As :func:`dagum` within each year.
    groups, weights
        As :func:`dagum`; by unit, or by unit and year.
    statistics : sequence of {"dagum", "theil", "variation"}
        What to compute; leave out ``"theil"`` where a value is zero.

    Returns
    -------
    DataFrame by year
        `units` measured; from dagum `mean`, `gini`, `within`, `between`,
        `transvariation`; from theil `theil_t`, `theil_l` with their `_within`
        and `_between`; `variation`. Compare years with the same units only.

    Raises
    ------
    nqpf.errors.SampleError, nqpf.errors.DataError, nqpf.errors.MethodError
        As the statistics; messages name unit and year.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["A", "B", "C"], [2020, 2021]],
    ...                                   names=["province", "year"])
    >>> y = pd.Series([1.0, 2, 1, 2, 4, 2], index=keys)
    >>> by_year(y, {"A": 1, "B": 1, "C": 2}, statistics=["dagum"])["gini"].round(4).to_dict()
    {2020: 0.3333, 2021: 0.0}
    """
    unknown = [name for name in statistics if name not in STATISTICS]
    if unknown or not len(statistics):
        raise MethodError(
            f"unknown statistic {unknown[0]!r}" if unknown else "no statistic",
            expected=" or ".join(map(repr, STATISTICS)),
        )
    _check_keys(y.index, "the series of values")
    rows = {}
    for year in sorted(y.index.unique(1)):
        part = y[y.index.get_level_values(1) == year]
        row = {"units": len(part)}
        if "dagum" in statistics:
            found = dagum(part, groups, weights)
            row |= {"mean": float(found.groups["population"] @ found.groups["mean"])}
            row |= {k: getattr(found, k) for k in ("gini", "within", "between", "transvariation")}
        if "theil" in statistics:
            terms = vars(theil(part, groups, weights))
            row |= {f"theil_{key}": value for key, value in terms.items() if key != "groups"}
        if "variation" in statistics:
            row["variation"] = variation(part, weights)
        rows[year] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(y.index.names[1])
