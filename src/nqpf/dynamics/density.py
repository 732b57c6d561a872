"""Kernel densities of a measure, a curve per year on one grid, with the bandwidth stated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd

from nqpf.errors import EstimationError, MethodError, SampleError
from nqpf.sample import _check_finite, _check_keys, place

__all__ = [
    "KernelDensity",
    "RULES",
    "bandwidth",
    "kernel_density",
    "rule_of_thumb",
    "sheather_jones",
]

RULES = ("silverman", "scott", "sheather-jones")
_REACH = 3.0  # bandwidths beyond the outermost value: a normal curve has 0.13 % left
_RIPPLE = 1e-3  # a peak lower than this share of the highest does not count


@dataclass(frozen=True)
class KernelDensity:
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
        nqpf.errors.SampleError
            If the year has no curve.
        """
        if year not in self.density.columns:
            first, last = self.density.columns[[0, -1]]
            raise SampleError(f"no curve for {year!r}", expected=f"a year of {first} to {last}")
        return _peaks(self.density[year])

    def to_frame(self) -> pd.DataFrame:
        """Return what is read off a curve, a row per year.

        `units`, `bandwidth`; `peak`, where the curve is highest, and its
        `height`; number of `peaks`; `alone`, how many of them have the mass of
        one unit and a half or less; `width` over which the curve is at least
        half as high as its peak.
        """
        rows = {year: _features(self.density[year], n) for year, n in self.units.items()}
        frame = pd.DataFrame.from_dict(rows, orient="index")
        frame.insert(0, "bandwidth", self.bandwidths)
        frame.insert(0, "units", self.units)
        return frame.rename_axis(self.density.columns.name)

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format="{:.4g}".format)


def _peaks(curve: pd.Series) -> pd.DataFrame:
    x, height = curve.index.to_numpy(dtype=float), curve.to_numpy()
    rising = np.diff(height) > 0
    tops = np.flatnonzero(rising[:-1] & ~rising[1:]) + 1
    tops = tops[height[tops] >= _RIPPLE * height.max()]
    valleys = [a + int(height[a:b].argmin()) for a, b in zip(tops[:-1], tops[1:], strict=True)]
    area = np.concatenate([[0.0], np.cumsum((height[1:] + height[:-1]) / 2 * np.diff(x))])
    borders = np.array([0, *valleys, len(x) - 1])
    columns = {"position": x[tops], "height": height[tops], "mass": np.diff(area[borders])}
    return pd.DataFrame(columns)


def _features(curve: pd.Series, units: int) -> dict[str, float]:
    peaks = _peaks(curve)
    top = peaks.loc[peaks["height"].idxmax()]
    step = float(curve.index[1] - curve.index[0])
    return {
        "peak": float(top["position"]),
        "height": float(top["height"]),
        "peaks": len(peaks),
        "alone": int((peaks["mass"] * units <= 1.5).sum()),
        "width": float((curve >= top["height"] / 2).sum() * step),
    }


def kernel_density(
    y: pd.Series,
    rule: str | float | Mapping[int, float] = "silverman",
    points: int = 256,
) -> KernelDensity:
    """Estimate the density of a measure over units, for every year.

    Parameters
    ----------
    y : Series indexed (unit, year)
        Any measure; it may be a logarithm.
    rule : {"silverman", "scott", "sheather-jones"}, float or mapping of year to float
        Rule of :func:`bandwidth`, applied to each year by itself; or a
        bandwidth in units of `y`, one for all years or one for each.
    points : int
        Points of the grid, which is common to all years and reaches three of
        the largest bandwidth beyond the outermost values.

    Returns
    -------
    KernelDensity
        With the Gaussian kernel, by :class:`scipy.stats.gaussian_kde`. A
        measure that cannot be negative may have part of its curve below zero:
        the kernel knows no border.

    Raises
    ------
    nqpf.errors.SampleError
        If the index is not (unit, year), a value is missing, or a year has one unit.
    nqpf.errors.EstimationError
        If all values of a year are equal, or a rule finds no bandwidth.
    nqpf.errors.MethodError
        If the rule is unknown, a bandwidth not positive, or the grid too coarse.

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
    name = str(y.name or "values")
    _check_finite(y.to_frame(name), "the series of values")
    if not isinstance(points, int | np.integer) or points < 16:
        raise MethodError(f"a grid of {points!r} points", expected="16 or more")
    years = y.index.get_level_values(1)
    parts = {year: y[years == year].to_numpy(dtype=float) for year in sorted(years.unique())}
    label = y.index.names[1] or "year"
    widths = pd.Series({year: _width(part, rule, year, label) for year, part in parts.items()})
    reach = _REACH * widths.max()
    grid = np.linspace(y.min() - reach, y.max() + reach, int(points))
    unit = float(np.ptp(y))  # squares of very large and very small values have no digits
    curves = {}
    for year, part in parts.items():
        scaled = part / unit
        curve = gaussian_kde(scaled, bw_method=widths[year] / unit / scaled.std(ddof=1))
        curves[year] = curve(grid / unit) / unit
    return KernelDensity(
        density=pd.DataFrame(curves, index=pd.Index(grid, name=name)).rename_axis(columns=label),
        bandwidths=widths.rename("bandwidth").rename_axis(label),
        rule=rule if isinstance(rule, str) else "fixed",
        units=pd.Series({year: len(part) for year, part in parts.items()}).rename_axis(label),
        name=name,
    )


def _width(part: np.ndarray, rule: object, year: object, label: str) -> float:
    where = place((year,), (label,))
    if len(part) < 2:
        raise SampleError(f"{len(part)} unit has a value", where=where, expected="two or more")
    if not np.ptp(part) > 1e-12 * np.abs(part).max():
        raise EstimationError(
            "all units have the same value", where=where, expected="values that differ"
        )
    if isinstance(rule, Mapping):
        if year not in rule:
            raise MethodError("no bandwidth", where=where, expected="one for every year")
        rule = rule[year]
    if isinstance(rule, str):
        try:
            return bandwidth(part, rule)
        except EstimationError as error:
            raise EstimationError(
                error.problem, where=where, expected=error.expected, hint=error.hint
            ) from None
    if not isinstance(rule, Real) or isinstance(rule, bool) or not 0 < float(rule) < np.inf:
        raise MethodError(
            f"bandwidth {rule!r}",
            where=where,
            expected=f"a positive number or {' or '.join(map(repr, RULES))}",
        )
    return float(rule)


def bandwidth(values: pd.Series | np.ndarray, rule: str = "silverman") -> float:
    """Return the bandwidth of a Gaussian kernel, in units of the values.

    Parameters
    ----------
    values : (n,) array or Series
        Two or more that are not all equal.
    rule : {"silverman", "scott", "sheather-jones"}
        With A the smaller of the sample standard deviation and the
        interquartile range over 1.349: 0.9 A n^(-1/5) (Silverman 1986, p. 48),
        1.059 A n^(-1/5) (Scott 1992), both by statsmodels; or the solution of
        the equation of Sheather and Jones (1991), from all pairs of values.

    Returns
    -------
    float

    Raises
    ------
    nqpf.errors.SampleError
        If there are fewer than two values or one is missing.
    nqpf.errors.EstimationError
        If all values are equal or the equation has no solution.
    nqpf.errors.MethodError
        If the rule is unknown.

    Examples
    --------
    >>> values = np.arange(31.0)
    >>> [round(bandwidth(values, rule), 3) for rule in RULES]
    [4.118, 4.845, 5.142]
    """
    x = np.asarray(values)
    if x.ndim != 1 or len(x) < 2:
        raise SampleError(f"values of shape {x.shape}", expected="two or more in one dimension")
    keys = pd.MultiIndex.from_arrays([np.arange(len(x))], names=["unit"])
    _check_finite(pd.DataFrame({"value": x}, index=keys), "the sample")
    x = x.astype(float)
    if rule not in RULES:
        raise MethodError(f"unknown rule {rule!r}", expected=" or ".join(map(repr, RULES)))
    if not np.ptp(x) > 1e-12 * np.abs(x).max():
        raise EstimationError("all values are equal", expected="values that differ")
    unit = float(np.ptp(x))
    scaled = (x - x.min()) / unit
    found = sheather_jones(scaled) if rule == "sheather-jones" else rule_of_thumb(scaled, rule)
    return unit * found


_TURNS = 40  # the bracket doubles or halves this often at most


def rule_of_thumb(x: np.ndarray, rule: str) -> float:
    """Return Silverman's or Scott's bandwidth of (n,) values that are not all equal."""
    from statsmodels.nonparametric import bandwidths

    return float(getattr(bandwidths, f"bw_{rule}")(x))


def sheather_jones(x: np.ndarray) -> float:
    """Return the bandwidth that solves the equation of Sheather and Jones (1991).

    h = [R(K) / (n S(alpha(h)))]^(1/5) with S the estimate of the integrated
    squared second derivative from the fourth derivative of a Gaussian kernel,
    alpha(h) = 1.357 [S(a) / T(b)]^(1/7) h^(5/7), and pilots a and b of 1.24 A
    n^(-1/7) and 1.23 A n^(-1/9), as R rounds the paper's. Over all pairs, not bins.

    Raises
    ------
    nqpf.errors.EstimationError
        If the quartiles are equal or the equation has no solution.
    """
    from scipy.optimize import brentq

    n = len(x)
    quartiles = np.percentile(x, [25, 75])
    spread = min(float(x.std(ddof=1)), float(quartiles[1] - quartiles[0]) / 1.349)
    if not spread > 0:
        raise EstimationError(
            "half of the values are equal, and Sheather and Jones have no pilot bandwidth",
            expected="quartiles that differ",
            hint="use the rule 'silverman'",
        )
    squares = np.subtract.outer(x, x)[np.triu_indices(n, 1)] ** 2
    s_pilot = _fourth(squares, n, 1.24 * spread * n ** (-1 / 7))
    t_pilot = -_sixth(squares, n, 1.23 * spread * n ** (-1 / 9))
    if not (s_pilot > 0 and t_pilot > 0):
        raise EstimationError(
            "the pilot estimates of Sheather and Jones are not positive",
            expected="a sample with more distinct values",
            hint="use the rule 'silverman'",
        )
    factor = 1.357 * (s_pilot / t_pilot) ** (1 / 7)

    def gap(h: float) -> float:
        curvature = _fourth(squares, n, factor * h ** (5 / 7))
        if not curvature > 0:
            return -h
        return (1 / (2 * np.sqrt(np.pi) * n * curvature)) ** 0.2 - h

    low = high = 1.144 * spread * n ** (-1 / 5)
    for _ in range(_TURNS):
        if gap(low) > 0 > gap(high):
            return float(brentq(gap, low, high, xtol=1e-14 * spread, rtol=1e-13))
        low, high = low / 1.2, high * 1.2
    raise EstimationError(
        "the equation of Sheather and Jones has no solution",
        expected="a sample with more distinct values",
        hint="use the rule 'silverman'",
    )


def _fourth(squares: np.ndarray, n: int, h: float) -> float:
    """Return the mean of the fourth derivative of the normal density over pairs, scaled by h."""
    u = squares / h**2
    total = 2 * float((np.exp(-u / 2) * (u**2 - 6 * u + 3)).sum()) + 3 * n
    return total / (n * (n - 1) * h**5 * np.sqrt(2 * np.pi))


def _sixth(squares: np.ndarray, n: int, h: float) -> float:
    """Return the same of the sixth derivative."""
    u = squares / h**2
    total = 2 * float((np.exp(-u / 2) * (u**3 - 15 * u**2 + 45 * u - 15)).sum()) - 15 * n
    return total / (n * (n - 1) * h**7 * np.sqrt(2 * np.pi))
