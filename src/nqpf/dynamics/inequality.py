"""Inequality among provinces: Gini and its decomposition by Dagum, Theil, variation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nqpf.dynamics._decompositions import Dagum, Theil
from nqpf.dynamics._parts import Part, group_table, pair_table
from nqpf.dynamics._values import Groups, Sample, Values, sample
from nqpf.errors import MethodError
from nqpf.tfp.sample import check_keys

__all__ = ["STATISTICS", "Dagum", "Theil", "by_year", "dagum", "theil", "variation"]

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
    check_keys(y.index, "the series of values")
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
