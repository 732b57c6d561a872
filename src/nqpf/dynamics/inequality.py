"""How a measure is spread over provinces: Gini, Dagum, Theil, variation, and kernel densities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from nqpf import provinces
from nqpf.checks import between, choose
from nqpf.errors import DataError, EstimationError, MethodError, SampleError
from nqpf.sample import _check_finite, _check_keys, _check_positive, _place

_TERMS = ("within", "between", "transvariation", "gini")


class _Part(NamedTuple):
    """Values of one group, or of all units, with weights that add up to one."""

    y: np.ndarray
    weights: np.ndarray
    share: float
    mean: float

    def above(self, other: _Part) -> float:
        """Return the mean of max(y - x, 0), y of this group and x of the other."""
        gaps = np.maximum(np.subtract.outer(self.y, other.y), 0.0)
        return float(self.weights @ gaps @ other.weights)

    def gini(self) -> float:
        """Return the mean of |y_i - y_k| over twice the mean; 0 if all are zero."""
        return self.above(self) / self.mean if self.mean else 0.0


class _Sample(NamedTuple):
    """Checked values, over the largest of them, with weights and groups."""

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
    scale, share = float(values.max()), share.to_numpy(dtype=float) / share.max()
    names, share = pd.Index(list(names), name="group"), share / share.sum()
    return _Sample(values.to_numpy() / scale, share, codes, names, scale)


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
        return pd.DataFrame({"value": value, "share": value / self.gini if self.gini else np.nan})

    def table(self) -> pd.DataFrame:
        """Return G_jh as a symmetric table, with G_jj on the diagonal."""
        names = self.groups.index
        square = pd.DataFrame(np.diag(self.groups["gini"]), names, names.rename("other"))
        for (one, other), value in self.pairs["gini"].items():
            square.loc[one, other] = square.loc[other, one] = value
        return square


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
        pairs[data.groups[j], data.groups[h]] = _pair(parts[j], parts[h], whole.mean, data.scale)
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


_RULES = ("silverman", "scott", "sheather-jones")
_POINTS = 256  # of the grid
_REACH = 3.0  # bandwidths beyond the outermost value: a normal curve has 0.13 % left
_RIPPLE = 1e-3  # a peak lower than this share of the highest does not count
_TURNS = 40  # the bracket of the equation of Sheather and Jones widens this often at most


@dataclass(frozen=True)
class _KernelDensity:
    """Kernel densities by year.

    Attributes
    ----------
    density : DataFrame, grid by year
        Height of the curve, per unit of the measure.
    bandwidths : Series by year
        In units of the measure.
    rule : str
        How the bandwidths were chosen; ``"fixed"`` when given.
    units : Series by year
        Values that stand behind each curve.
    name : str
        Of the measure.
    """

    density: pd.DataFrame
    bandwidths: pd.Series
    rule: str
    units: pd.Series
    name: str

    def peaks(self, year: object) -> pd.DataFrame:
        """Return the peaks of one year: `position`, `height` and `mass`.

        The mass is the area between the valleys on both sides, the share of
        units that make the peak up: that of a single unit is about 1 / n.
        Peaks lower than a thousandth of the highest are not counted.

        Raises
        ------
        nqpf.errors.MethodError
            If the year has no curve.
        """
        choose("year", year, list(self.density.columns))
        x, height = self.density.index.to_numpy(dtype=float), self.density[year].to_numpy()
        rising = np.diff(height) > 0
        tops = np.flatnonzero(rising[:-1] & ~rising[1:]) + 1
        tops = tops[height[tops] >= _RIPPLE * height.max()]
        valleys = [a + int(height[a:b].argmin()) for a, b in zip(tops[:-1], tops[1:], strict=True)]
        area = np.concatenate([[0.0], np.cumsum((height[1:] + height[:-1]) / 2 * np.diff(x))])
        mass = np.diff(area[[0, *valleys, len(x) - 1]])
        return pd.DataFrame({"position": x[tops], "height": height[tops], "mass": mass})

    def to_frame(self) -> pd.DataFrame:
        """Return what is read off a curve, a row per year.

        `units`, `bandwidth`; `peak`, where the curve is highest, and its
        `height`; number of `peaks`; `alone`, how many of them have the mass of
        one unit and a half or less; `width` over which the curve is at least
        half as high as its peak.
        """
        rows, step = {}, float(self.density.index[1] - self.density.index[0])
        for year, curve in self.density.items():
            peaks, units = self.peaks(year), self.units[year]
            position, height, _ = peaks.loc[peaks["height"].idxmax()]
            alone = int((peaks["mass"] * units <= 1.5).sum())
            width = float((curve >= height / 2).sum() * step)
            rows[year] = units, self.bandwidths[year], position, height, len(peaks), alone, width
        columns = ["units", "bandwidth", "peak", "height", "peaks", "alone", "width"]
        table = pd.DataFrame.from_dict(rows, "index", columns=columns)
        return table.rename_axis(self.density.columns.name)


def kernel_density(
    y: pd.Series, rule: str | float | Mapping[int, float] = "silverman"
) -> _KernelDensity:
    """Estimate the density of a measure over units, for every year.

    Parameters
    ----------
    y : Series indexed (unit, year)
        Any measure; it may be a logarithm.
    rule : {"silverman", "scott", "sheather-jones"}, float or mapping of year to float
        How each year's bandwidth follows from its own values, see Notes; or a
        bandwidth in units of `y`, one for all years or one for each.

    Returns
    -------
    densities
        ``density`` by year on a grid common to all, which reaches three of the largest
        bandwidth beyond the outermost values, ``bandwidths``, ``peaks()`` and ``to_frame()``.

    Raises
    ------
    nqpf.errors.SampleError
        If the index is not (unit, year) or a value is missing.
    nqpf.errors.EstimationError
        If a year has one unit or all its values are equal, or a rule finds no bandwidth.
    nqpf.errors.MethodError
        If the rule is unknown, or a bandwidth is not positive or not given for a year.

    Notes
    -----
    The kernel is Gaussian, by :class:`scipy.stats.gaussian_kde`. It knows no border: a measure
    that cannot be negative may have part of its curve below zero, as in the studies.

    With A the smaller of the sample standard deviation and the interquartile range over 1.349,
    the rules are 0.9 A n^(-1/5) (Silverman 1986, p. 48) and 1.059 A n^(-1/5) (Scott 1992), both
    by statsmodels, and the solution of the equation of Sheather and Jones (1991) over all pairs
    of values, where R's solves it over bins. Programs differ under one name: R's Silverman
    divides by 1.34, scipy's rules take the standard deviation alone.

    Examples
    --------
    >>> keys = pd.MultiIndex.from_product([["A", "B", "C"], [2020, 2021]],
    ...                                   names=["province", "year"])
    >>> curves = kernel_density(pd.Series([1.0, 2, 2, 3, 3, 4], index=keys), rule=0.5)
    >>> curves.to_frame()[["peak", "peaks"]].round(1).to_dict("index")
    {2020: {'peak': 2.0, 'peaks': 1}, 2021: {'peak': 3.0, 'peaks': 1}}
    """
    from scipy.stats import gaussian_kde

    _check_keys(y.index, "the series of values")
    name, label = str(y.name or "values"), y.index.names[1] or "year"
    _check_finite(y.to_frame(name), "the series of values")
    years = y.index.get_level_values(1)
    parts = {year: y[years == year].to_numpy(dtype=float) for year in sorted(years.unique())}
    widths = pd.Series({year: _width(part, rule, label, year) for year, part in parts.items()})
    reach = _REACH * widths.max()
    grid = np.linspace(y.min() - reach, y.max() + reach, _POINTS)
    unit = float(np.ptp(y))  # squares of very large and very small values have no digits
    curves = {}
    for year, part in parts.items():
        scaled = part / unit
        curve = gaussian_kde(scaled, bw_method=widths[year] / unit / scaled.std(ddof=1))
        curves[year] = curve(grid / unit) / unit
    return _KernelDensity(
        pd.DataFrame(curves, index=pd.Index(grid, name=name)).rename_axis(columns=label),
        widths.rename("bandwidth").rename_axis(label),
        rule if isinstance(rule, str) else "fixed",
        pd.Series({year: len(part) for year, part in parts.items()}).rename_axis(label),
        name,
    )


def _width(x: np.ndarray, rule: object, label: str, year: object) -> float:
    from statsmodels.nonparametric import bandwidths

    where = _place((year,), (label,))
    unit = float(np.ptp(x))
    if not unit > 1e-12 * np.abs(x).max():
        problem = f"{len(x)} unit(s) have the same value"
        raise EstimationError(problem, where=where, expected="two or more values that differ")
    if isinstance(rule, str):
        choose("rule", rule, _RULES)
        scaled = (x - x.min()) / unit
        if rule == "sheather-jones":
            return unit * _sheather_jones(scaled, where)
        return unit * float(getattr(bandwidths, f"bw_{rule}")(scaled))
    if isinstance(rule, Mapping):
        choose("year of a bandwidth", year, rule)
        rule = rule[year]
    return between(f"the bandwidth of {year}", rule, 0, open_ends=True)


def _sheather_jones(x: np.ndarray, where: dict[str, object]) -> float:
    """Return the bandwidth that solves the equation of Sheather and Jones (1991).

    h = [R(K) / (n S(alpha(h)))]^(1/5) with S the estimate of the integrated
    squared second derivative from the fourth derivative of a Gaussian kernel,
    alpha(h) = 1.357 [S(a) / T(b)]^(1/7) h^(5/7), and pilots a and b of 1.24 A
    n^(-1/7) and 1.23 A n^(-1/9), as R rounds the paper's.
    """
    from scipy.optimize import brentq

    n, gaps = len(x), np.subtract.outer(x, x)
    quartiles = np.percentile(x, [25, 75])
    spread = min(float(x.std(ddof=1)), float(quartiles[1] - quartiles[0]) / 1.349)
    s_pilot = _derivative(gaps, 1.24 * spread * n ** (-1 / 7), 4) if spread > 0 else 0.0
    t_pilot = -_derivative(gaps, 1.23 * spread * n ** (-1 / 9), 6) if spread > 0 else 0.0

    def gap(h: float) -> float:
        factor = 1.357 * (s_pilot / t_pilot) ** (1 / 7)
        curvature = _derivative(gaps, factor * h ** (5 / 7), 4)
        return (1 / (2 * np.sqrt(np.pi) * n * curvature)) ** 0.2 - h if curvature > 0 else -h

    start = 1.144 * spread * n ** (-1 / 5)
    for wider in 1.2 ** np.arange(_TURNS) if min(s_pilot, t_pilot) > 0 else ():
        low, high = start / wider, start * wider
        if gap(low) > 0 > gap(high):
            return float(brentq(gap, low, high, xtol=1e-14 * spread, rtol=1e-13))
    problem = "the equation of Sheather and Jones has no solution"
    expected = "quartiles that differ and more distinct values"
    raise EstimationError(problem, where=where, expected=expected, hint="use the rule 'silverman'")


def _derivative(gaps: np.ndarray, h: float, order: int) -> float:
    """Return the mean of a derivative of the normal density over pairs, scaled by h."""
    u, n = gaps / h, len(gaps)
    hermite = np.polynomial.hermite_e.hermeval(u, [0.0] * order + [1.0])
    total = float((hermite * np.exp(-(u**2) / 2)).sum())
    return total / (n * (n - 1) * h ** (order + 1) * np.sqrt(2 * np.pi))
