"""Kernel densities of a measure, a curve per year on one grid, with the bandwidth stated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nqpf.checks import between, choose
from nqpf.errors import EstimationError
from nqpf.sample import _check_finite, _check_keys, _place

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

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.4g}".format)


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
